//! Which network weights are of, told by their names and shapes.

use std::collections::BTreeSet;
use std::fmt;

use burn::tensor::Device;

use super::layers::Layers;
use super::{NETWORKS, NetworkConfig, NetworkError};
use crate::weights::{Differences, StateDict, is_averaged};

/// How many differences of a kind a message names.
const NAMED: usize = 3;
/// Where less of the names is in common, an architecture is near by its kinds of layers alone.
const RELATED: f64 = 0.1;
/// How many keys weights may lie under, one in the other, and how many may stand beside each other.
const KEYS: usize = 3;
const BESIDE: usize = 8;
/// How much kinds of layers count beside names.
const KINDS: f64 = 0.2;

/// Weights of no architecture that percept knows.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{}", self.message())]
pub struct Unrecognised {
    /// The architecture that has most in common with them, if there are any.
    pub nearest: Option<Nearest>,
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
    /// Names or shapes differ, and these layers are of kinds that the network has none of.
    Differs(Differences, Layers),
    /// Hardly a name is that of the architecture, which has such names and layers in its usual size; the weights have these.
    Foreign {
        /// Names that only the architecture has, and those that only the weights have.
        names: [Vec<String>; 2],
        /// Its layers, and those of the weights.
        layers: [Layers; 2],
    },
}

impl NetworkConfig {
    /// The architecture of these weights, under whatever names; its sizes are then [`fitted`](Self::fitted). Values are not
    /// looked at.
    ///
    /// # Errors
    /// When no architecture of the table has exactly these names and shapes, with the one that comes nearest.
    pub fn detect(state: &StateDict) -> Result<Self, Box<Unrecognised>> {
        let outline = state.outline();
        let layers = Layers::of(&outline);
        let mut nearest: Option<(f64, Nearest)> = None;
        for kind in NETWORKS {
            let asked = (kind.config)();
            let named = asked.with_our_names(outline.clone());
            let network_g = asked.fitted(&named);
            let scale = network_g.scale(&named);
            let first = kind.scales[0];
            let usual = asked.outline(first, 3).unwrap_or_default();
            let usual_layers = Layers::of(&usual);
            let alike = KINDS * layers.likeness(&usual_layers);
            let names =
                |state: &StateDict| state.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
            let made = network_g.outline(scale.unwrap_or(first), network_g.in_channels(&named));
            let (likeness, misfit) = match made {
                Ok(made) => {
                    let differences = named.differences(&made);
                    if differences.is_empty() && differences.alike > 0 {
                        return Ok(asked);
                    }
                    let common = common(&differences);
                    let words = in_common(&differences.missing, &differences.unexpected);
                    let misfit = match common < RELATED {
                        true => Misfit::Foreign {
                            names: [without(&usual, &outline), without(&outline, &usual)],
                            layers: [usual_layers, layers.clone()],
                        },
                        false => Misfit::Differs(differences, layers.without(&Layers::of(&made))),
                    };
                    (common + words, misfit)
                }
                // Such a network cannot be made, but a usual one has the same words.
                Err(error) => (in_common(&names(&usual), &names(&named)), Misfit::Unfit(error.to_string())),
            };
            let likeness = likeness + alike;
            if nearest.as_ref().is_none_or(|(best, _)| likeness > *best) {
                nearest = Some((likeness, Nearest { network_g, scale, misfit }));
            }
        }
        let nearest = nearest.filter(|_| !outline.is_empty()).map(|(_, nearest)| nearest);
        Err(Box::new(Unrecognised { nearest }))
    }

    /// Weights of an architecture of the table that lie under keys of whoever trained them (`g_ema`, `upscaler.net`), taken from
    /// there, averaged ones first; others as they are. The keys are in their [provenance](StateDict::provenance).
    pub fn unwrapped(state: StateDict) -> StateDict {
        let outline = state.outline();
        match Self::detect(&outline) {
            Ok(_) => state,
            Err(_) => Self::keys(&outline, KEYS)
                .unwrap_or_default()
                .into_iter()
                .fold(state, |state, (key, left)| state.under(&key, left)),
        }
    }

    /// Keys under which something is recognised, one in the other, each with those beside it that are like it.
    fn keys(outline: &StateDict, deep: usize) -> Option<Vec<(String, Vec<String>)>> {
        let mut tops: Vec<_> = outline.tops().into_iter().collect();
        if deep == 0 || tops.len() > BESIDE {
            return None;
        }
        tops.sort_by_key(|top| !is_averaged(top));
        let under = |top: &str| outline.under(top, Vec::new());
        let known: Vec<_> = tops.iter().filter(|top| Self::detect(&under(top)).is_ok()).collect();
        if let Some((first, others)) = known.split_first() {
            return Some(vec![(first.to_string(), others.iter().map(ToString::to_string).collect())]);
        }
        tops.into_iter().find_map(|top| {
            let inside = Self::keys(&under(top), deep - 1)?;
            Some([(top.to_string(), Vec::new())].into_iter().chain(inside).collect())
        })
    }

    /// Names and shapes of such a network. Its values are never made.
    fn outline(&self, scale: usize, in_channels: usize) -> Result<StateDict, NetworkError> {
        Ok(StateDict::outline_of(&self.init(scale, in_channels, 0, &Device::flex())?))
    }
}

/// The share of names in common, from 0 to 1.
fn common(differences: &Differences) -> f64 {
    let Differences { alike, missing, unexpected, reshaped } = differences;
    // A name of another shape is half of what it should be.
    let common = *alike as f64 + 0.5 * reshaped.len() as f64;
    let all = alike + reshaped.len() + missing.len() + unexpected.len();
    common / all.max(1) as f64
}

/// Names that the other has not.
fn without(one: &StateDict, other: &StateDict) -> Vec<String> {
    one.iter().map(|(name, _)| name).filter(|name| other.get(name).is_none()).map(str::to_string).collect()
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
            None => "there are no weights in it".to_string(),
        }
    }
}

impl fmt::Display for Nearest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network_g, scale, misfit } = self;
        write!(f, "{}", network_g.name())?;
        if let Misfit::Foreign { names: [its, theirs], layers: [usual, layers] } = misfit {
            let listed = |names: &[String]| match names {
                [] => "nothing".to_string(),
                names => some(names.len(), &quoted(names)),
            };
            let (its, theirs) = (listed(its), listed(theirs));
            write!(f, ", from which they differ in names ({theirs} instead of {its}) and in layers (")?;
            return write!(f, "{layers}; {}, in its usual size, has {usual})", network_g.name());
        }
        if let Some(scale) = scale {
            write!(f, " ×{scale}")?;
        }
        write!(f, ", {network_g}, from which ")?;
        match misfit {
            Misfit::Unfit(reason) => write!(f, "no network can be made ({reason})"),
            Misfit::Differs(differences, layers) if layers.is_empty() => {
                write!(f, "they differ: {}", in_words(differences))
            }
            Misfit::Differs(differences, layers) => {
                write!(f, "they differ: {}; it has no layers as {layers}", in_words(differences))
            }
            Misfit::Foreign { .. } => Ok(()),
        }
    }
}

/// Some names, with ticks.
fn quoted(names: &[String]) -> Vec<String> {
    names.iter().take(NAMED).map(|name| format!("`{name}`")).collect()
}

/// `a, b, c, …` where these are not all of `count`.
fn some(count: usize, named: &[String]) -> String {
    let more = if count > named.len() { ", …" } else { "" };
    format!("{}{more}", named.join(", "))
}

/// `12 missing (a, b, c, …), 1 unexpected (d)`.
fn in_words(differences: &Differences) -> String {
    let Differences { missing, unexpected, reshaped, .. } = differences;
    let shape = |(name, got, needed): &(String, Vec<usize>, Vec<usize>)| {
        format!("`{name}` {got:?} instead of {needed:?}")
    };
    let kinds = [
        ("missing", missing.len(), quoted(missing)),
        ("unexpected", unexpected.len(), quoted(unexpected)),
        ("of another shape", reshaped.len(), reshaped.iter().take(NAMED).map(shape).collect()),
    ];
    let kinds = kinds
        .into_iter()
        .filter(|(_, count, _)| *count > 0)
        .map(|(what, count, named)| format!("{count} {what} ({})", some(count, &named)));
    kinds.collect::<Vec<_>>().join("; ")
}
