//! Which network weights are of, told by their names and shapes.

use std::collections::BTreeSet;
use std::fmt;

use burn::tensor::Device;

use super::{NETWORKS, NetworkConfig, NetworkError};
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
            let first = kind.scales[0];
            let (likeness, misfit) = match network_g.differences(&named, scale.unwrap_or(first)) {
                Ok(differences) if differences.is_empty() && differences.alike > 0 => return Ok(asked),
                Ok(differences) => (likeness(&differences), Misfit::Differs(differences)),
                // Such a network cannot be made, but a usual one has the same words.
                Err(error) => {
                    let usual = asked.differences(&StateDict::new(), first).unwrap_or_default();
                    let given: Vec<_> = named.iter().map(|(name, _)| name.to_string()).collect();
                    (in_common(&usual.missing, &given), Misfit::Unfit(error.to_string()))
                }
            };
            let best = nearest.as_ref().map_or(0.0, |(best, _)| *best);
            if likeness > best {
                nearest = Some((likeness, Nearest { network_g, scale, misfit }));
            }
        }
        let names = outline.iter().map(|(name, _)| name.to_string()).take(NAMED).collect();
        Err(Box::new(Unrecognised { nearest: nearest.map(|(_, nearest)| nearest), names }))
    }

    /// How these weights differ from those of such a network. Nothing is computed with it, and its values are never made.
    fn differences(&self, state: &StateDict, scale: usize) -> Result<Differences, NetworkError> {
        Ok(state.differences(&self.init(scale, self.in_channels(state), 0, &Device::flex())?))
    }
}

/// The share of names in common, and that of words in the others: from 0 to 2.
fn likeness(differences: &Differences) -> f64 {
    let Differences { alike, missing, unexpected, reshaped } = differences;
    // A name of another shape is half of what it should be.
    let common = *alike as f64 + 0.5 * reshaped.len() as f64;
    let all = alike + reshaped.len() + missing.len() + unexpected.len();
    common / all.max(1) as f64 + in_common(missing, unexpected)
}

/// The share of words that names of one and the other have in common. `layers.3.attn.fc1.weight` has `layers`, `attn` and
/// `fc`.
fn in_common(one: &[String], other: &[String]) -> f64 {
    fn words(names: &[String]) -> BTreeSet<&str> {
        let parts = names.iter().flat_map(|name| name.split('.'));
        let parts = parts.map(|part| part.trim_end_matches(|letter: char| letter.is_ascii_digit()));
        parts.filter(|word| !["", "weight", "bias"].contains(word)).collect()
    }
    let (one, other) = (words(one), words(other));
    one.intersection(&other).count() as f64 / one.union(&other).count().max(1) as f64
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
