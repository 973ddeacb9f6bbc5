//! What follows a convolution in the same pass.

use super::simd::Simd;
use crate::conv::Activation;

/// What is done to a convolution's result before it is stored.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Epilogue<'a> {
    /// One number for each result channel, or empty for zeros.
    pub(crate) bias: &'a [f32],
    /// Added; laid out as the result.
    pub(crate) residual: Option<&'a [f32]>,
    /// One number for each result channel, in the place of an activation: a leaky ReLU with a slope for each.
    pub(crate) slope: Option<&'a [f32]>,
    /// Applied last.
    pub(crate) activation: Activation,
}

/// `activation` of `value`; what is not a number comes through.
///
/// # Safety
/// `S` must be available.
#[inline(always)]
pub(super) unsafe fn activated<S: Simd>(value: S::V, activation: Activation) -> S::V {
    // SAFETY: passed on from the caller.
    unsafe {
        let zero = S::splat(0.0);
        match activation {
            Activation::None => value,
            Activation::Relu => S::max(zero, value),
            Activation::LeakyRelu(slope) => leaky::<S>(value, S::splat(slope)),
        }
    }
}

/// `value` where positive, `slope · value` elsewhere; what is not a number comes through.
///
/// # Safety
/// `S` must be available.
#[inline(always)]
pub(super) unsafe fn leaky<S: Simd>(value: S::V, slope: S::V) -> S::V {
    // SAFETY: passed on from the caller.
    unsafe {
        let zero = S::splat(0.0);
        S::mul_add(slope, S::min(zero, value), S::max(zero, value))
    }
}
