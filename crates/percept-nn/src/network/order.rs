//! Names for weights that come in an order and without names, as ncnn's do.

use crate::weights::ncnn::{LAYERS, PREFIX};
use crate::weights::{Array, StateDict};

/// Weights in the order in which a network computes with them.
pub(super) struct Order<'a> {
    state: &'a StateDict,
    /// Names of the layers of convolutions, of slopes and of constants, without what stands behind the last dot.
    pub convs: Vec<&'a str>,
    pub slopes: Vec<&'a str>,
    pub data: Vec<&'a str>,
}

impl<'a> Order<'a> {
    /// `None` where weights have names of their own.
    pub fn of(state: &'a StateDict) -> Option<Self> {
        state.metadata().get(LAYERS)?;
        let of = |kind: &str, what: &str| {
            let place =
                |(name, _): (&'a str, &Array)| name.strip_suffix(what).filter(|place| place.ends_with(kind));
            state.iter().filter_map(place).filter(|place| place.starts_with(PREFIX)).collect()
        };
        Some(Self {
            state,
            convs: of("Convolution", ".weight"),
            slopes: of("PReLU", ".weight"),
            data: of("MemoryData", ".data"),
        })
    }

    /// How many layers of a kind there are.
    pub fn count(&self, kind: &str) -> usize {
        let layers = self.state.metadata().get(LAYERS).map_or("", String::as_str);
        layers.split(' ').filter(|layer| *layer == kind).count()
    }

    /// The values of a constant, none in an outline.
    pub fn values(&self, place: &str) -> Option<&[f32]> {
        Some(&self.state.get(&format!("{place}.data"))?.data)
    }

    /// The weights with the names of `convs` and `slopes`, in their order; constants are left out.
    pub fn named(&self, convs: &[String], slopes: &[String]) -> Option<StateDict> {
        if convs.len() != self.convs.len() || slopes.len() != self.slopes.len() {
            return None;
        }
        let ours: Vec<_> = self
            .convs
            .iter()
            .zip(convs)
            .chain(self.slopes.iter().zip(slopes))
            .map(|(a, b)| (*a, b))
            .collect();
        Some(self.state.clone().renamed(|name| {
            let (place, what) = name.rsplit_once('.')?;
            let (_, ours) = ours.iter().find(|(theirs, _)| *theirs == place)?;
            Some(format!("{ours}.{what}"))
        }))
    }
}
