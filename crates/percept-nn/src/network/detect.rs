//! Which network weights are of, told by their names and shapes.

use std::fmt;

use burn::tensor::Device;

use super::{NETWORKS, NetworkConfig};
use crate::weights::{Differences, StateDict};

/// How many differences of a kind a message names.
const NAMED: usize = 3;

/// Weights of no architecture that percept knows.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}", self.message())]
pub struct Unrecognised {
    /// The architecture that has most in common with them, if any has anything.
    pub nearest: Option<Nearest>,
    /// Some of their names.
    pub names: Vec<String>,
}

/// An architecture that is nearly that of some weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearest {
    /// The settings that fit best.
    pub network_g: NetworkConfig,
    /// What the weights show of the scale.
    pub scale: Option<usize>,
    /// Why there is no such network, or what differs from it.
    pub misfit: Misfit,
}

/// Why weights are not those of a network.
#[derive(Clone, Debug, PartialEq)]
pub enum Misfit {
    /// The network that they would need cannot be made.
    Unfit(String),
    /// Names or shapes differ.
    Differs(Differences),
}

impl NetworkConfig {
    /// The architecture of these weights, under whatever names; its sizes are then [`fitted`](Self::fitted). Values are not
    /// looked at.
    ///
    /// # Errors
    /// When no architecture of the table has exactly these names and shapes, with the one that comes nearest.
    pub fn detect(state: &StateDict) -> Result<Self, Box<Unrecognised>> {
        let outline = state.outline();
        let mut nearest: Option<(f64, Nearest)> = None;
        for kind in NETWORKS {
            let asked = (kind.config)();
            let named = asked.with_our_names(outline.clone());
            let network_g = asked.fitted(&named);
            let scale = network_g.scale(&named);
            let (alike, misfit) = network_g.compared(&named, scale.unwrap_or(kind.scales[0]));
            let Some(misfit) = misfit else { return Ok(asked) };
            let best = nearest.as_ref().map_or(0.0, |(best, _)| *best);
            if alike > best {
                nearest = Some((alike, Nearest { network_g, scale, misfit }));
            }
        }
        let names = outline.iter().map(|(name, _)| name.to_string()).take(NAMED).collect();
        Err(Box::new(Unrecognised { nearest: nearest.map(|(_, nearest)| nearest), names }))
    }

    /// The share of names that these weights have in common with such a network, and why they are not its weights, if they
    /// are not.
    fn compared(&self, state: &StateDict, scale: usize) -> (f64, Option<Misfit>) {
        // Nothing is computed with it, and its values are never made.
        let network = match self.init(scale, self.in_channels(state), 0, &Device::flex()) {
            Ok(network) => network,
            Err(error) => return (0.0, Some(Misfit::Unfit(error.to_string()))),
        };
        let differences = state.differences(&network);
        let Differences { alike, missing, unexpected, reshaped } = &differences;
        // A name of another shape is half of what it should be.
        let common = *alike as f64 + 0.5 * reshaped.len() as f64;
        let all = alike + reshaped.len() + missing.len() + unexpected.len();
        let misfit = (!differences.is_empty() || *alike == 0).then_some(Misfit::Differs(differences));
        (common / all.max(1) as f64, misfit)
    }
}

impl Unrecognised {
    fn message(&self) -> String {
        match &self.nearest {
            Some(nearest) => {
                format!("these weights are of no architecture that percept knows; nearest is {nearest}")
            }
            None if self.names.is_empty() => "there are no weights in it".to_string(),
            None => {
                let known: Vec<_> = NETWORKS.iter().map(|kind| kind.name).collect();
                format!(
                    "these weights (`{}`, …) have nothing in common with an architecture that percept knows ({})",
                    self.names.join("`, `"),
                    known.join(", ")
                )
            }
        }
    }
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.network_g.name())?;
        match self.scale {
            Some(scale) => write!(f, " ×{scale}, {}, from which ", self.network_g)?,
            None => write!(f, ", {}, from which ", self.network_g)?,
        }
        match &self.misfit {
            Misfit::Unfit(reason) => write!(f, "no network can be made ({reason})"),
            Misfit::Differs(differences) => write!(f, "they differ: {}", in_words(differences)),
        }
    }
}

/// `12 missing (a, b, c, …), 1 unexpected (d)`.
fn in_words(differences: &Differences) -> String {
    let Differences { missing, unexpected, reshaped, .. } = differences;
    let shape = |(name, got, needed): &(String, Vec<usize>, Vec<usize>)| {
        format!("`{name}` {got:?} instead of {needed:?}")
    };
    let quoted =
        |names: &[String]| names.iter().take(NAMED).map(|name| format!("`{name}`")).collect::<Vec<_>>();
    let kinds = [
        ("missing", missing.len(), quoted(missing)),
        ("unexpected", unexpected.len(), quoted(unexpected)),
        ("of another shape", reshaped.len(), reshaped.iter().take(NAMED).map(shape).collect()),
    ];
    let some = kinds.into_iter().filter(|(_, count, _)| *count > 0).map(|(what, count, named)| {
        let more = if count > named.len() { ", …" } else { "" };
        format!("{count} {what} ({}{more})", named.join(", "))
    });
    some.collect::<Vec<_>>().join("; ")
}
