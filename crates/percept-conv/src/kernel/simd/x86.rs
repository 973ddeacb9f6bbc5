//! AVX2 and AVX-512.

use super::{Simd, dot_halves, paired_lanes, store_rounded};
use std::arch::x86_64::*;
use std::mem::transmute;

/// Eight lanes, with fused multiply-add.
#[derive(Clone, Copy)]
pub(in crate::kernel) struct Avx2;

/// Sixteen lanes, with or without the instructions for bf16.
#[derive(Clone, Copy)]
pub(in crate::kernel) struct Avx512<const BF16: bool>;

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
    #[inline(always)]
    unsafe fn store_masked(to: *mut f32, value: __m256, mask: __m256i) {
        // SAFETY: passed on from the caller.
        unsafe {
            // AMD's processors without AVX-512 are slow to store with a mask, a whole one too.
            match _mm256_movemask_ps(_mm256_castsi256_ps(mask)) {
                0xFF => _mm256_storeu_ps(to, value),
                _ => _mm256_maskstore_ps(to, mask, value),
            }
        }
    }
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
        where_positive(value: __m256, on: __m256, off: __m256) -> __m256,
        _mm256_blendv_ps(off, on, _mm256_cmp_ps::<_CMP_GT_OQ>(value, _mm256_setzero_ps()))
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
        where_positive(value: __m512, on: __m512, off: __m512) -> __m512,
        _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(value, _mm512_setzero_ps()), off, on)
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
    unsafe fn pair_bf16(first: __m512, second: __m512) -> __m512 {
        // SAFETY: passed on from the caller; both types are 256 bits.
        unsafe {
            match BF16 {
                true => {
                    let bits = |value| {
                        let rounded = transmute::<__m256bh, __m256i>(_mm512_cvtneps_pbh(value));
                        _mm512_cvtepu16_epi32(rounded)
                    };
                    let upper = _mm512_slli_epi32::<16>(bits(second));
                    _mm512_castsi512_ps(_mm512_or_si512(bits(first), upper))
                }
                false => paired_lanes::<Self>(first, second),
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
