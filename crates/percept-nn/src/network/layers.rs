//! What kinds of layers weights are of, told by their names and shapes.

use std::collections::BTreeMap;
use std::fmt;

use crate::weights::StateDict;

/// How many layers of each kind there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layers(BTreeMap<Kind, usize>);

/// A kind of layers. Convolutions have the height and the width of their kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Convolution([usize; 2]),
    Depthwise([usize; 2]),
    Linear,
    BatchNorm,
    Norm,
    Slopes,
    Other,
}

impl Layers {
    pub(super) fn of(state: &StateDict) -> Self {
        let mut layers = BTreeMap::new();
        for (name, array) in state.iter() {
            if let Some(kind) = kind(state, name, &array.shape) {
                *layers.entry(kind).or_default() += 1;
            }
        }
        // A single one is a first layer that reads brightness.
        let lone: Vec<_> = layers.iter().filter(|(_, count)| **count == 1).map(|(kind, _)| *kind).collect();
        for kind in lone {
            if let Kind::Depthwise(size) = kind {
                layers.remove(&kind);
                *layers.entry(Kind::Convolution(size)).or_default() += 1;
            }
        }
        Self(layers)
    }

    /// The share that both have of the same kinds, from 0 to 1.
    pub(super) fn likeness(&self, other: &Self) -> f64 {
        let share = |layers: &Self, kind: &Kind| {
            let all: usize = layers.0.values().sum();
            layers.0.get(kind).map_or(0.0, |count| *count as f64 / all as f64)
        };
        self.0.keys().map(|kind| share(self, kind).min(share(other, kind))).sum()
    }

    /// Those of kinds that `other` has none of.
    pub(super) fn without(&self, other: &Self) -> Self {
        Self(self.0.iter().filter(|(kind, _)| !other.0.contains_key(kind)).map(|(k, n)| (*k, *n)).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The kind of layer that has this array; none where it has another one that tells.
fn kind(state: &StateDict, name: &str, shape: &[usize]) -> Option<Kind> {
    let (place, last) = name.rsplit_once('.').unwrap_or(("", name));
    let beside = |last: &str| state.get(&format!("{place}.{last}")).is_some();
    match (last, shape) {
        ("bias", _) if beside("weight") => None,
        ("running_mean" | "running_var" | "num_batches_tracked", _) => None,
        ("weight", [out, 1, height, width]) if *out > 1 => Some(Kind::Depthwise([*height, *width])),
        ("weight", [_, _, height, width]) => Some(Kind::Convolution([*height, *width])),
        ("weight", [_, _]) => Some(Kind::Linear),
        ("weight", [_]) if beside("running_mean") => Some(Kind::BatchNorm),
        ("weight", [_]) if beside("bias") => Some(Kind::Norm),
        ("weight", [_]) => Some(Kind::Slopes),
        _ => Some(Kind::Other),
    }
}

impl fmt::Display for Layers {
    /// `17 3×3 convolutions, 1 linear layer`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (kind, count)) in self.0.iter().enumerate() {
            let s = if *count == 1 { "" } else { "s" };
            write!(f, "{}{count} ", if i == 0 { "" } else { ", " })?;
            match kind {
                Kind::Convolution([height, width]) => write!(f, "{height}×{width} convolution{s}")?,
                Kind::Depthwise([height, width]) => write!(f, "{height}×{width} depthwise convolution{s}")?,
                Kind::Linear => write!(f, "linear layer{s}")?,
                Kind::BatchNorm => write!(f, "batch normalisation{s}")?,
                Kind::Norm => write!(f, "normalisation{s}")?,
                Kind::Slopes => write!(f, "activation{s} with slopes")?,
                Kind::Other => write!(f, "other parameter{s}")?,
            }
        }
        Ok(())
    }
}
