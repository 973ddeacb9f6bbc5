//! What 32 bits of a buffer hold.

use super::simd::Simd;
use crate::precision::Precision;

/// How numbers are kept for their products: in slots of 32 bits, each for one or two neighbouring channels.
///
/// Types and not values: only these are inlined, and then use the instructions of `S`.
pub(super) trait Slot {
    /// Channels in a slot.
    const CHANNELS: usize;
    /// Where minimal filtering evaluates tiles and weights, taken as polynomials, beside 0 and infinity: at these and their
    /// negatives.
    const POINTS: [f32; 2];

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

/// Slots of a pixel that has so many channels.
pub(super) fn slots(precision: Precision, channels: usize) -> usize {
    match precision {
        Precision::F32 => channels,
        Precision::Bf16 => channels.div_ceil(Pair::CHANNELS),
    }
}

/// One channel, `f32`.
pub(super) struct Single;

impl Slot for Single {
    const CHANNELS: usize = 1;
    /// Whole numbers: they make transforms of whole numbers exact.
    const POINTS: [f32; 2] = [1.0, 2.0];

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

/// One channel of two neighbouring tiles, bf16, where sums go over tiles: the first one waits as `f32` for the second.
pub(super) struct OfTwo<const SECOND: bool>;

impl<const SECOND: bool> Slot for OfTwo<SECOND> {
    const CHANNELS: usize = 1;
    const POINTS: [f32; 2] = Pair::POINTS;

    #[inline(always)]
    unsafe fn store<S: Simd>(to: *mut f32, values: S::V) {
        // SAFETY: passed on from the caller.
        unsafe { S::store(to, if SECOND { S::pair_bf16(S::load(to), values) } else { values }) }
    }

    #[inline(always)]
    unsafe fn mul_add<S: Simd>(a: S::V, b: S::V, c: S::V) -> S::V {
        // SAFETY: passed on from the caller.
        unsafe { S::dot_bf16(a, b, c) }
    }
}
