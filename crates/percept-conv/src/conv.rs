//! What a convolution is told: how its kernel moves, what follows it, and what its products are made of.

use crate::precision::Precision;

/// What is applied to a convolution's result before it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Activation {
    /// Nothing.
    #[default]
    None,
    /// `max(v, 0)`.
    Relu,
    /// `v` where positive, `slope · v` elsewhere.
    LeakyRelu(f32),
}

impl Activation {
    /// Its slope where it is not positive; none where there is no activation.
    pub(crate) fn slope(self) -> Option<f32> {
        match self {
            Self::None => None,
            Self::Relu => Some(0.0),
            Self::LeakyRelu(slope) => Some(slope),
        }
    }

    /// Whether the sign of its result tells the sign of what it was applied to, so that the result is all that its
    /// gradient needs.
    pub(crate) fn shows_in_result(self) -> bool {
        !matches!(self, Self::LeakyRelu(slope) if slope <= 0.0)
    }
}

/// How a kernel moves over its input; `default()` is stride 1, no padding, dilation 1, no activation, `f32`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv {
    /// Step between neighbouring outputs, both directions.
    pub stride: usize,
    /// Zeros added on each side.
    pub padding: usize,
    /// Distance between neighbouring kernel elements.
    pub dilation: usize,
    /// Applied last, after bias and residual.
    pub activation: Activation,
    /// What its products are made of, forward and backward.
    pub precision: Precision,
    /// The same of those that minimal filtering makes of it. Rounding what is transformed loses several times more than
    /// rounding pixels and weights: enough for learning, too much for a photo.
    pub filtering: Precision,
}

impl Default for Conv {
    fn default() -> Self {
        Self {
            stride: 1,
            padding: 0,
            dilation: 1,
            activation: Activation::None,
            precision: Precision::F32,
            filtering: Precision::F32,
        }
    }
}

impl Conv {
    /// Stride 1 with the padding that keeps the size for an odd kernel.
    pub fn same(kernel: usize) -> Self {
        Self { padding: kernel / 2, ..Self::default() }
    }

    /// The same with an activation.
    #[must_use]
    pub fn with_activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// The same with all products of another precision.
    #[must_use]
    pub fn with_precision(self, precision: Precision) -> Self {
        Self { precision, filtering: precision, ..self }
    }

    /// The same with minimal filtering in `f32`.
    #[must_use]
    pub fn with_exact_filtering(self) -> Self {
        Self { filtering: Precision::F32, ..self }
    }
}
