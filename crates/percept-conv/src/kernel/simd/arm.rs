//! NEON.

use super::{Portable, Simd};
use std::arch::{aarch64::*, asm};

/// Four lanes, with fused multiply-add.
#[derive(Clone, Copy)]
pub(in crate::kernel) struct Neon;

/// The bit of each lane.
const LANES: [u32; 4] = [1, 2, 4, 8];

impl Simd for Neon {
    const LANES: usize = 4;
    const WIDEST: usize = 4;
    type V = float32x4_t;
    type M = usize;

    instruction!(splat(value: f32) -> float32x4_t, vdupq_n_f32(value));
    instruction!(load(from: *const f32) -> float32x4_t, vld1q_f32(from));
    instruction!(store(to: *mut f32, value: float32x4_t), vst1q_f32(to, value));
    instruction!(
        prefetch(from: *const f32),
        asm!("prfm pldl1keep, [{from}]", from = in(reg) from, options(nostack, preserves_flags, readonly))
    );
    #[inline(always)]
    unsafe fn mask(lanes: usize) -> usize {
        lanes
    }
    #[inline(always)]
    unsafe fn load_masked(from: *const f32, mask: usize) -> float32x4_t {
        // SAFETY: passed on from the caller; the array holds four numbers.
        unsafe { vld1q_f32(Portable::load_masked(from, mask).as_ptr()) }
    }
    #[inline(always)]
    unsafe fn store_masked(to: *mut f32, value: float32x4_t, mask: usize) {
        let mut values = [0.0; 4];
        // SAFETY: passed on from the caller; the array holds four numbers.
        unsafe {
            vst1q_f32(values.as_mut_ptr(), value);
            Portable::store_masked(to, values, mask);
        }
    }
    instruction!(add(a: float32x4_t, b: float32x4_t) -> float32x4_t, vaddq_f32(a, b));
    instruction!(sub(a: float32x4_t, b: float32x4_t) -> float32x4_t, vsubq_f32(a, b));
    instruction!(mul(a: float32x4_t, b: float32x4_t) -> float32x4_t, vmulq_f32(a, b));
    instruction!(
        mul_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t,
        vfmaq_f32(c, a, b)
    );
    instruction!(max(a: float32x4_t, b: float32x4_t) -> float32x4_t, vmaxq_f32(a, b));
    instruction!(min(a: float32x4_t, b: float32x4_t) -> float32x4_t, vminq_f32(a, b));
    #[inline(always)]
    unsafe fn sum(value: float32x4_t) -> f32 {
        // SAFETY: the instruction set is the caller's, by the trait's contract.
        unsafe {
            let two = vadd_f32(vget_low_f32(value), vget_high_f32(value));
            vget_lane_f32::<0>(two) + vget_lane_f32::<1>(two)
        }
    }
    instruction!(
        where_positive(value: float32x4_t, on: float32x4_t, off: float32x4_t) -> float32x4_t,
        vbslq_f32(vcgtzq_f32(value), on, off)
    );
    #[inline(always)]
    unsafe fn positive(value: float32x4_t) -> u16 {
        // SAFETY: the instruction set is the caller's, by the trait's contract.
        unsafe { vaddvq_u32(vandq_u32(vcgtzq_f32(value), vld1q_u32(LANES.as_ptr()))) as u16 }
    }
    #[inline(always)]
    unsafe fn choose(bits: u16, on: float32x4_t, off: float32x4_t) -> float32x4_t {
        // SAFETY: the instruction set is the caller's, by the trait's contract.
        unsafe { vbslq_f32(vtstq_u32(vdupq_n_u32(bits.into()), vld1q_u32(LANES.as_ptr())), on, off) }
    }
    #[inline(always)]
    unsafe fn halves(pairs: float32x4_t) -> [float32x4_t; 2] {
        // SAFETY: the instruction set is the caller's, by the trait's contract.
        unsafe {
            let bits = vreinterpretq_u32_f32(pairs);
            let (lower, upper) = (vshlq_n_u32::<16>(bits), vandq_u32(bits, vdupq_n_u32(!0xFFFF)));
            [vreinterpretq_f32_u32(lower), vreinterpretq_f32_u32(upper)]
        }
    }
}
