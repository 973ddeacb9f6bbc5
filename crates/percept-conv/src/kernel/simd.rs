//! Vectors of `f32` behind one trait, so that each kernel is written once.

use super::bf16::bf16;

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
    /// `on` where `gate` is positive, `off` elsewhere.
    unsafe fn gate(gate: Self::V, on: Self::V, off: Self::V) -> Self::V;
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

/// Four lanes in plain Rust.
#[derive(Clone, Copy)]
pub(super) struct Portable;

// SAFETY (all methods): plain Rust; the pointers are valid for the lanes by the trait's contract.
impl Simd for Portable {
    const LANES: usize = 4;
    const WIDEST: usize = 2;
    type V = [f32; 4];
    type M = usize;

    #[inline(always)]
    unsafe fn splat(value: f32) -> [f32; 4] {
        [value; 4]
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> [f32; 4] {
        // SAFETY: the caller vouches for four numbers.
        unsafe { from.cast::<[f32; 4]>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(to: *mut f32, value: [f32; 4]) {
        // SAFETY: the caller vouches for four numbers.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(value) }
    }
    #[inline(always)]
    unsafe fn prefetch(_: *const f32) {}
    #[inline(always)]
    unsafe fn mask(lanes: usize) -> usize {
        lanes
    }
    #[inline(always)]
    unsafe fn load_masked(from: *const f32, mask: usize) -> [f32; 4] {
        let mut value = [0.0; 4];
        for (lane, to) in value.iter_mut().enumerate().take(mask) {
            // SAFETY: the caller vouches for the lanes of the mask.
            *to = unsafe { from.add(lane).read() };
        }
        value
    }
    #[inline(always)]
    unsafe fn store_masked(to: *mut f32, value: [f32; 4], mask: usize) {
        for (lane, value) in value.into_iter().enumerate().take(mask) {
            // SAFETY: the caller vouches for the lanes of the mask.
            unsafe { to.add(lane).write(value) }
        }
    }
    #[inline(always)]
    unsafe fn add(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        [a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]]
    }
    #[inline(always)]
    unsafe fn sub(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        [a[0] - b[0], a[1] - b[1], a[2] - b[2], a[3] - b[3]]
    }
    #[inline(always)]
    unsafe fn mul(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        [a[0] * b[0], a[1] * b[1], a[2] * b[2], a[3] * b[3]]
    }
    #[inline(always)]
    unsafe fn mul_add(a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        [a[0] * b[0] + c[0], a[1] * b[1] + c[1], a[2] * b[2] + c[2], a[3] * b[3] + c[3]]
    }
    #[inline(always)]
    unsafe fn max(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    unsafe fn min(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| if a[i] < b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    unsafe fn sum([a, b, c, d]: [f32; 4]) -> f32 {
        (a + c) + (b + d)
    }
    #[inline(always)]
    unsafe fn gate(gate: [f32; 4], on: [f32; 4], off: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| if gate[i] > 0.0 { on[i] } else { off[i] })
    }
    #[inline(always)]
    unsafe fn positive(value: [f32; 4]) -> u16 {
        (0..4).map(|i| u16::from(value[i] > 0.0) << i).sum()
    }
    #[inline(always)]
    unsafe fn choose(bits: u16, on: [f32; 4], off: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| if bits >> i & 1 == 1 { on[i] } else { off[i] })
    }
    #[inline(always)]
    unsafe fn halves(pairs: [f32; 4]) -> [[f32; 4]; 2] {
        let upper = |bits: u32| f32::from_bits(bits & 0xFFFF_0000);
        [pairs.map(|pair| upper(pair.to_bits() << 16)), pairs.map(|pair| upper(pair.to_bits()))]
    }
}

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

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{Simd, dot_halves, store_rounded};
    use std::arch::x86_64::*;
    use std::mem::transmute;

    /// Eight lanes, with fused multiply-add.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx2;

    /// Sixteen lanes, with or without the instructions for bf16.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Avx512<const BF16: bool>;

    impl Simd for Avx2 {
        const LANES: usize = 8;
        const WIDEST: usize = 2;
        type V = __m256;
        type M = __m256i;

        instruction!(splat(value: f32) -> __m256, _mm256_set1_ps(value));
        instruction!(load(from: *const f32) -> __m256, _mm256_loadu_ps(from));
        instruction!(prefetch(from: *const f32), _mm_prefetch::<_MM_HINT_T0>(from.cast()));
        instruction!(store(to: *mut f32, value: __m256), _mm256_storeu_ps(to, value));
        instruction!(
            mask(lanes: usize) -> __m256i,
            _mm256_cmpgt_epi32(_mm256_set1_epi32(lanes as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7))
        );
        instruction!(load_masked(from: *const f32, mask: __m256i) -> __m256, _mm256_maskload_ps(from, mask));
        instruction!(
            store_masked(to: *mut f32, value: __m256, mask: __m256i),
            _mm256_maskstore_ps(to, mask, value)
        );
        instruction!(add(a: __m256, b: __m256) -> __m256, _mm256_add_ps(a, b));
        instruction!(sub(a: __m256, b: __m256) -> __m256, _mm256_sub_ps(a, b));
        instruction!(mul(a: __m256, b: __m256) -> __m256, _mm256_mul_ps(a, b));
        instruction!(mul_add(a: __m256, b: __m256, c: __m256) -> __m256, _mm256_fmadd_ps(a, b, c));
        instruction!(max(a: __m256, b: __m256) -> __m256, _mm256_max_ps(a, b));
        instruction!(min(a: __m256, b: __m256) -> __m256, _mm256_min_ps(a, b));
        #[inline(always)]
        unsafe fn sum(value: __m256) -> f32 {
            // SAFETY: the instruction set is the caller's, by the trait's contract.
            unsafe {
                let four = _mm_add_ps(_mm256_castps256_ps128(value), _mm256_extractf128_ps::<1>(value));
                let two = _mm_add_ps(four, _mm_movehl_ps(four, four));
                _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)))
            }
        }
        instruction!(
            gate(gate: __m256, on: __m256, off: __m256) -> __m256,
            _mm256_blendv_ps(off, on, _mm256_cmp_ps::<_CMP_GT_OQ>(gate, _mm256_setzero_ps()))
        );
        instruction!(
            positive(value: __m256) -> u16,
            _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(value, _mm256_setzero_ps())) as u16
        );
        #[inline(always)]
        unsafe fn choose(bits: u16, on: __m256, off: __m256) -> __m256 {
            // SAFETY: the instruction set is the caller's, by the trait's contract.
            unsafe {
                let lanes = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
                let set = _mm256_and_si256(_mm256_set1_epi32(i32::from(bits)), lanes);
                _mm256_blendv_ps(off, on, _mm256_castsi256_ps(_mm256_cmpeq_epi32(set, lanes)))
            }
        }
        #[inline(always)]
        unsafe fn halves(pairs: __m256) -> [__m256; 2] {
            // SAFETY: the instruction set is the caller's, by the trait's contract.
            unsafe {
                let bits = _mm256_castps_si256(pairs);
                let (lower, upper) =
                    (_mm256_slli_epi32::<16>(bits), _mm256_and_si256(bits, _mm256_set1_epi32(!0xFFFF)));
                [_mm256_castsi256_ps(lower), _mm256_castsi256_ps(upper)]
            }
        }
    }

    impl<const BF16: bool> Simd for Avx512<BF16> {
        const LANES: usize = 16;
        const WIDEST: usize = 4;
        type V = __m512;
        type M = __mmask16;

        instruction!(splat(value: f32) -> __m512, _mm512_set1_ps(value));
        instruction!(load(from: *const f32) -> __m512, _mm512_loadu_ps(from));
        instruction!(prefetch(from: *const f32), _mm_prefetch::<_MM_HINT_T0>(from.cast()));
        instruction!(store(to: *mut f32, value: __m512), _mm512_storeu_ps(to, value));
        #[inline(always)]
        unsafe fn mask(lanes: usize) -> __mmask16 {
            if lanes >= 16 { !0 } else { (1u16 << lanes) - 1 }
        }
        instruction!(
            load_masked(from: *const f32, mask: __mmask16) -> __m512,
            _mm512_maskz_loadu_ps(mask, from)
        );
        instruction!(
            store_masked(to: *mut f32, value: __m512, mask: __mmask16),
            _mm512_mask_storeu_ps(to, mask, value)
        );
        instruction!(add(a: __m512, b: __m512) -> __m512, _mm512_add_ps(a, b));
        instruction!(sub(a: __m512, b: __m512) -> __m512, _mm512_sub_ps(a, b));
        instruction!(mul(a: __m512, b: __m512) -> __m512, _mm512_mul_ps(a, b));
        instruction!(mul_add(a: __m512, b: __m512, c: __m512) -> __m512, _mm512_fmadd_ps(a, b, c));
        instruction!(max(a: __m512, b: __m512) -> __m512, _mm512_max_ps(a, b));
        instruction!(min(a: __m512, b: __m512) -> __m512, _mm512_min_ps(a, b));
        #[inline(always)]
        unsafe fn sum(value: __m512) -> f32 {
            // SAFETY: passed on from the caller.
            unsafe { _mm512_reduce_add_ps(value) }
        }
        instruction!(
            gate(gate: __m512, on: __m512, off: __m512) -> __m512,
            _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(gate, _mm512_setzero_ps()), off, on)
        );
        instruction!(
            positive(value: __m512) -> u16,
            _mm512_cmp_ps_mask::<_CMP_GT_OQ>(value, _mm512_setzero_ps())
        );
        instruction!(choose(bits: u16, on: __m512, off: __m512) -> __m512, _mm512_mask_blend_ps(bits, off, on));
        #[inline(always)]
        unsafe fn halves(pairs: __m512) -> [__m512; 2] {
            // SAFETY: the instruction set is the caller's, by the trait's contract.
            unsafe {
                let bits = _mm512_castps_si512(pairs);
                let (lower, upper) =
                    (_mm512_slli_epi32::<16>(bits), _mm512_and_si512(bits, _mm512_set1_epi32(!0xFFFF)));
                [_mm512_castsi512_ps(lower), _mm512_castsi512_ps(upper)]
            }
        }
        #[inline(always)]
        unsafe fn store_bf16(to: *mut f32, value: __m512) {
            // SAFETY: passed on from the caller; both types are 256 bits.
            unsafe {
                match BF16 {
                    true => _mm256_storeu_ps(to, transmute::<__m256bh, __m256>(_mm512_cvtneps_pbh(value))),
                    false => store_rounded::<Self>(to, value),
                }
            }
        }
        #[inline(always)]
        unsafe fn dot_bf16(a: __m512, b: __m512, c: __m512) -> __m512 {
            // SAFETY: passed on from the caller; both types are 512 bits.
            unsafe {
                match BF16 {
                    true => {
                        let (a, b) = (transmute::<__m512, __m512bh>(a), transmute::<__m512, __m512bh>(b));
                        _mm512_dpbf16_ps(c, a, b)
                    }
                    false => dot_halves::<Self>(a, b, c),
                }
            }
        }
    }
}

#[cfg(target_arch = "aarch64")]
pub(super) use arm::Neon;

#[cfg(target_arch = "aarch64")]
mod arm {
    use super::{Portable, Simd};
    use std::arch::{aarch64::*, asm};

    /// Four lanes, with fused multiply-add.
    #[derive(Clone, Copy)]
    pub(in super::super) struct Neon;

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
            gate(gate: float32x4_t, on: float32x4_t, off: float32x4_t) -> float32x4_t,
            vbslq_f32(vcgtzq_f32(gate), on, off)
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
}
