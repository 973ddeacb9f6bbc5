//! Weights in the order of the kernels: made at first use, and kept where a layer is frozen.

use std::sync::OnceLock;

use crate::geometry::Geometry;
use crate::kernel::{Level, Packed, Transformed};

/// The weights of a convolution.
#[derive(Debug)]
pub(crate) struct Packs {
    /// For the result.
    pub(crate) forward: Pack,
    /// For the gradient to what was read.
    pub(crate) gradient: Pack,
}

impl Default for Packs {
    fn default() -> Self {
        let pack = |direction| Pack { direction, direct: OnceLock::new(), winograd: OnceLock::new() };
        Self { forward: pack(Direction::Forward), gradient: pack(Direction::Gradient) }
    }
}

#[derive(Clone, Copy, Debug)]
enum Direction {
    Forward,
    Gradient,
}

/// The weights of one direction, for every kernel that was used. They are those of one layer, whose precision stays the same.
#[derive(Debug)]
pub(crate) struct Pack {
    direction: Direction,
    direct: OnceLock<Packed>,
    winograd: OnceLock<Transformed>,
}

impl Pack {
    /// `weight`, `[out, in, kh, kw]`, for register tiles.
    pub(crate) fn direct(&self, weight: &[f32], geometry: &Geometry) -> &Packed {
        let make = match self.direction {
            Direction::Forward => Packed::forward,
            Direction::Gradient => Packed::gradient,
        };
        let sizes = [geometry.output, geometry.input, geometry.taps()];
        self.direct
            .get_or_init(|| make(Level::current(), geometry.products(geometry.precision), weight, sizes))
    }

    /// The same for minimal filtering.
    pub(crate) fn winograd(&self, weight: &[f32], geometry: &Geometry) -> &Transformed {
        let make = match self.direction {
            Direction::Forward => Transformed::forward,
            Direction::Gradient => Transformed::gradient,
        };
        let channels = [geometry.output, geometry.input];
        self.winograd
            .get_or_init(|| make(Level::current(), geometry.products(geometry.filtering), weight, channels))
    }
}
