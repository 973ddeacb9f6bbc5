//! Vectors of `f32` behind one trait, so that each kernel is written once.

use super::bf16::{bf16, pair};

/// One method that is one instruction.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! instruction {
    ($name:ident($($arg:ident: $type:ty),*) $(-> $result:ty)?, $call:expr) => {
        #[inline(always)]
        unsafe fn $name($($arg: $type),*) $(-> $result)? {
            // SAFETY: the instruction set and the pointers are the caller's, by the trait's contract.
            unsafe { $call }
        }
    };
}

#[cfg(target_arch = "aarch64")]
mod arm;
mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(target_arch = "aarch64")]
pub(super) use arm::Neon;
pub(super) use portable::Portable;
#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

/// A vector type of one instruction set.
///
/// # Safety
/// Methods may only run where the instruction set is available; pointers must be valid for the
/// lanes that are read or written (all, or those of the mask).
pub(super) trait Simd: Copy + 'static {
    /// Numbers in a vector.
    const LANES: usize;
    /// Most vectors that a register tile is wide: 4 where there are 32 registers, 2 where there are 16.
    const WIDEST: usize;
    /// The vector.
    type V: Copy;
    /// Chooses the first lanes.
    type M: Copy;

    unsafe fn splat(value: f32) -> Self::V;
    unsafe fn load(from: *const f32) -> Self::V;
    unsafe fn store(to: *mut f32, value: Self::V);
    /// Brings what stands at `from`, a valid address or not, into the nearest cache.
    unsafe fn prefetch(from: *const f32);
    /// The mask of the first `lanes`.
    unsafe fn mask(lanes: usize) -> Self::M;
    /// Reads the lanes of the mask only; the others are 0.
    unsafe fn load_masked(from: *const f32, mask: Self::M) -> Self::V;
    unsafe fn store_masked(to: *mut f32, value: Self::V, mask: Self::M);
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    /// `a · b + c`.
    unsafe fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger; `b` where `b` is NaN.
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    /// The smaller; `b` where `b` is NaN.
    unsafe fn min(a: Self::V, b: Self::V) -> Self::V;
    /// The sum of all lanes: both halves are added until one lane is left.
    unsafe fn sum(value: Self::V) -> f32;
    /// `on` where `value` is positive, `off` elsewhere.
    unsafe fn where_positive(value: Self::V, on: Self::V, off: Self::V) -> Self::V;
    /// A bit for each lane, the first one lowest: whether it is positive.
    unsafe fn positive(value: Self::V) -> u16;
    /// `on` where the lane's bit is set, `off` elsewhere; bits beyond the lanes are ignored.
    unsafe fn choose(bits: u16, on: Self::V, off: Self::V) -> Self::V;
    /// Of the two bf16 in each lane, that in the lower half and that in the upper half.
    unsafe fn halves(pairs: Self::V) -> [Self::V; 2];
    /// Writes all lanes, [rounded to bf16](bf16), to the memory of half as many `f32`.
    #[inline(always)]
    unsafe fn store_bf16(to: *mut f32, value: Self::V) {
        // SAFETY: passed on from the caller.
        unsafe { store_rounded::<Self>(to, value) }
    }
    /// Each lane of `first`, [rounded to bf16](bf16), in the lower half and that of `second` in the upper one.
    #[inline(always)]
    unsafe fn pair_bf16(first: Self::V, second: Self::V) -> Self::V {
        // SAFETY: passed on from the caller.
        unsafe { paired_lanes::<Self>(first, second) }
    }
    /// `c` and both products of the bf16 in each lane of `a` and `b`.
    #[inline(always)]
    unsafe fn dot_bf16(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // SAFETY: passed on from the caller.
        unsafe { dot_halves::<Self>(a, b, c) }
    }
}

/// [`Simd::store_bf16`] without an instruction for it.
#[inline(always)]
unsafe fn store_rounded<S: Simd>(to: *mut f32, value: S::V) {
    let mut values = [0.0; MOST_LANES];
    // SAFETY: a vector has at most `MOST_LANES` lanes; `to` is the caller's.
    unsafe {
        S::store(values.as_mut_ptr(), value);
        for (lane, value) in values.iter().enumerate().take(S::LANES) {
            to.cast::<u16>().add(lane).write(bf16(*value));
        }
    }
}

/// [`Simd::pair_bf16`] without an instruction for it.
#[inline(always)]
unsafe fn paired_lanes<S: Simd>(first: S::V, second: S::V) -> S::V {
    let (mut lanes, mut others) = ([0.0; MOST_LANES], [0.0; MOST_LANES]);
    // SAFETY: a vector has at most `MOST_LANES` lanes.
    unsafe {
        S::store(lanes.as_mut_ptr(), first);
        S::store(others.as_mut_ptr(), second);
        lanes.iter_mut().zip(others).for_each(|(lane, other)| *lane = pair(*lane, other));
        S::load(lanes.as_ptr())
    }
}

/// [`Simd::dot_bf16`] without an instruction for it.
#[inline(always)]
unsafe fn dot_halves<S: Simd>(a: S::V, b: S::V, c: S::V) -> S::V {
    // SAFETY: passed on from the caller.
    unsafe {
        let ([a, a_upper], [b, b_upper]) = (S::halves(a), S::halves(b));
        S::mul_add(a, b, S::mul_add(a_upper, b_upper, c))
    }
}

/// Lanes of the widest vectors.
pub(super) const MOST_LANES: usize = 16;
