//! What 32 bits of a buffer hold.

use crate::kernel::bf16::pair;
use crate::kernel::simd::Simd;

/// How points are kept for their products: in slots of 32 bits, each for one or two neighbouring channels.
///
/// Types and not values, for the same reason as [`Lift`](super::tile::Lift).
pub(super) trait Slot {
    /// Channels in a slot.
    const CHANNELS: usize;
    /// Where tiles and weights, taken as polynomials, are evaluated beside 0 and infinity: at these and their negatives.
    const POINTS: [f32; 2];

    /// A slot for two neighbouring channels, or for the first of them.
    fn slot(first: f32, second: f32) -> f32;

    /// Writes a vector of channels to as many slots as it needs.
    ///
    /// # Safety
    /// `S` must be available, and the slots be writable.
    unsafe fn store<S: Simd>(to: *mut f32, values: S::V);

    /// `c` and the products of all channels of the slots `a` and `b`, lane by lane.
    ///
    /// # Safety
    /// `S` must be available.
    unsafe fn mul_add<S: Simd>(a: S::V, b: S::V, c: S::V) -> S::V;
}

/// One channel, `f32`.
pub(super) struct Single;

impl Slot for Single {
    const CHANNELS: usize = 1;
    /// Whole numbers: they make transforms of whole numbers exact.
    const POINTS: [f32; 2] = [1.0, 2.0];

    fn slot(first: f32, _: f32) -> f32 {
        first
    }

    #[inline(always)]
    unsafe fn store<S: Simd>(to: *mut f32, values: S::V) {
        // SAFETY: passed on from the caller.
        unsafe { S::store(to, values) }
    }

    #[inline(always)]
    unsafe fn mul_add<S: Simd>(a: S::V, b: S::V, c: S::V) -> S::V {
        // SAFETY: passed on from the caller.
        unsafe { S::mul_add(a, b, c) }
    }
}

/// Two channels, bf16. A channel without a neighbour has a zero there.
pub(super) struct Pair;

impl Slot for Pair {
    const CHANNELS: usize = 2;
    /// Reciprocals: what is rounded to bf16 then varies less in size, and half the error comes back.
    const POINTS: [f32; 2] = [std::f32::consts::FRAC_1_SQRT_2, std::f32::consts::SQRT_2];

    fn slot(first: f32, second: f32) -> f32 {
        pair(first, second)
    }

    #[inline(always)]
    unsafe fn store<S: Simd>(to: *mut f32, values: S::V) {
        // SAFETY: passed on from the caller.
        unsafe { S::store_bf16(to, values) }
    }

    #[inline(always)]
    unsafe fn mul_add<S: Simd>(a: S::V, b: S::V, c: S::V) -> S::V {
        // SAFETY: passed on from the caller.
        unsafe { S::dot_bf16(a, b, c) }
    }
}
