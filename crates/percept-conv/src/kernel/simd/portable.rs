//! Plain Rust.

use super::Simd;

/// Four lanes in plain Rust.
#[derive(Clone, Copy)]
pub(in crate::kernel) struct Portable;

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
    unsafe fn where_positive(value: [f32; 4], on: [f32; 4], off: [f32; 4]) -> [f32; 4] {
        std::array::from_fn(|i| if value[i] > 0.0 { on[i] } else { off[i] })
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
