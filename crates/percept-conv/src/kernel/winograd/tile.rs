//! The one-dimensional transforms, and tiles that are read through them.

use super::{IN, OUT, stride};
use crate::kernel::signs::Derivative;
use crate::kernel::simd::Simd;
use crate::kernel::slot::Slot;
use crate::kernel::span::{span, span_mut};

/// How a line of `N` pixels becomes points.
///
/// Types and not closures: only these are inlined, and then use the instructions of `S`.
pub(super) trait Lift<const N: usize> {
    /// # Safety
    /// `S` must be available.
    unsafe fn lift<S: Simd, P: Slot>(d: [S::V; N]) -> [S::V; IN];
}

/// Source pixels, `Bᵀ d`.
pub(super) struct OfSource;

impl Lift<IN> for OfSource {
    #[inline(always)]
    unsafe fn lift<S: Simd, P: Slot>(d: [S::V; IN]) -> [S::V; IN] {
        let [p, q] = P::POINTS;
        // SAFETY: passed on from the caller.
        unsafe {
            let (product, sum) = (S::splat(p * p * q * q), S::splat(-(p * p + q * q)));
            let (minus_p, minus_q) = (S::splat(-p * p), S::splat(-q * q));
            let (even, odd) = (S::mul_add(minus_q, d[2], d[4]), S::mul_add(minus_q, d[1], d[3]));
            let (near, far) = (S::mul_add(minus_p, d[2], d[4]), S::mul_add(minus_p, d[1], d[3]));
            [
                S::mul_add(product, d[0], S::mul_add(sum, d[2], d[4])),
                S::mul_add(S::splat(p), odd, even),
                S::mul_add(S::splat(-p), odd, even),
                S::mul_add(S::splat(q), far, near),
                S::mul_add(S::splat(-q), far, near),
                S::mul_add(product, d[1], S::mul_add(sum, d[3], d[5])),
            ]
        }
    }
}

/// Points to results, `Aᵀ m`.
///
/// # Safety
/// `S` must be available.
#[inline(always)]
pub(super) unsafe fn lower<S: Simd, P: Slot>(m: [S::V; IN]) -> [S::V; OUT] {
    let [p, q] = P::POINTS;
    // SAFETY: passed on from the caller.
    unsafe {
        let (near, near_odd) = (S::add(m[1], m[2]), S::sub(m[1], m[2]));
        let (far, far_odd) = (S::add(m[3], m[4]), S::sub(m[3], m[4]));
        [
            S::add(m[0], S::add(near, far)),
            S::mul_add(S::splat(q), far_odd, S::mul(S::splat(p), near_odd)),
            S::mul_add(S::splat(q * q), far, S::mul(S::splat(p * p), near)),
            S::add(S::mul_add(S::splat(q * q * q), far_odd, S::mul(S::splat(p * p * p), near_odd)), m[5]),
        ]
    }
}

/// Gradients of results, the transpose of [`lower`].
pub(super) struct OfGradient;

impl Lift<OUT> for OfGradient {
    #[inline(always)]
    unsafe fn lift<S: Simd, P: Slot>(d: [S::V; OUT]) -> [S::V; IN] {
        // SAFETY: passed on from the caller.
        unsafe {
            let [p, q] = P::POINTS;
            let near = S::mul_add(S::splat(p * p), d[2], d[0]);
            let near_odd = S::mul_add(S::splat(p * p * p), d[3], S::mul(S::splat(p), d[1]));
            let far = S::mul_add(S::splat(q * q), d[2], d[0]);
            let far_odd = S::mul_add(S::splat(q * q * q), d[3], S::mul(S::splat(q), d[1]));
            [
                d[0],
                S::add(near, near_odd),
                S::sub(near, near_odd),
                S::add(far, far_odd),
                S::sub(far, far_odd),
                d[3],
            ]
        }
    }
}

/// Weights to points, `G g`.
///
/// # Safety
/// `S` must be available.
#[inline(always)]
pub(super) unsafe fn lift_weights<S: Simd, P: Slot>([a, b, c]: [S::V; 3]) -> [S::V; IN] {
    let [p, q] = P::POINTS;
    let near = 1.0 / (2.0 * p * p * (p * p - q * q));
    let far = 1.0 / (2.0 * q * q * (q * q - p * p));
    // SAFETY: passed on from the caller.
    unsafe {
        let even = S::mul(S::splat(near), S::mul_add(S::splat(p * p), c, a));
        let odd = S::mul(S::splat(near * p), b);
        let far_even = S::mul_add(S::splat(far * q * q), c, S::mul(S::splat(far), a));
        let far_odd = S::mul(S::splat(far * q), b);
        [
            S::mul(S::splat(1.0 / (p * p * q * q)), a),
            S::add(even, odd),
            S::sub(even, odd),
            S::add(far_even, far_odd),
            S::sub(far_even, far_odd),
            c,
        ]
    }
}

/// Points to gradients of weights: the transpose of [`lift_weights`].
///
/// # Safety
/// `S` must be available.
#[inline(always)]
pub(super) unsafe fn lower_weights<S: Simd, P: Slot>(u: [S::V; IN]) -> [S::V; 3] {
    let [p, q] = P::POINTS;
    let near = 1.0 / (2.0 * p * p * (p * p - q * q));
    let far = 1.0 / (2.0 * q * q * (q * q - p * p));
    // SAFETY: passed on from the caller.
    unsafe {
        let (even, odd) = (S::add(u[1], u[2]), S::sub(u[1], u[2]));
        let (far_even, far_odd) = (S::add(u[3], u[4]), S::sub(u[3], u[4]));
        let squares = S::mul(S::splat(near * p * p), even);
        [
            S::mul_add(
                S::splat(1.0 / (p * p * q * q)),
                u[0],
                S::mul_add(S::splat(far), far_even, S::mul(S::splat(near), even)),
            ),
            S::mul_add(S::splat(far * q), far_odd, S::mul(S::splat(near * p), odd)),
            S::add(u[5], S::mul_add(S::splat(far * q * q), far_even, squares)),
        ]
    }
}

/// Images whose tiles are read.
#[derive(Clone, Copy)]
pub(crate) struct Pixels<'a> {
    /// `[batch, height, width, channels]`.
    pub(crate) values: &'a [f32],
    /// Batch, height, width and channels.
    pub(crate) size: [usize; 4],
    /// Zeros on every side.
    pub(crate) padding: usize,
    /// What the values are multiplied with as they are read, where there is anything.
    pub(crate) derivative: Option<Derivative<'a>>,
}

impl Pixels<'_> {
    /// Panics where slices and sizes do not fit together.
    pub(super) fn check(&self) {
        assert!(self.values.len() == self.size.iter().product::<usize>(), "wrong size");
        assert!(self.derivative.is_none_or(|all| all.fits(self.values.len())), "wrong derivative");
    }

    /// The channels of a pixel in a buffer: those of whole vectors.
    pub(super) fn padded(&self, lanes: usize) -> usize {
        self.size[3].next_multiple_of(lanes)
    }

    /// Reads `N`×`N` pixels, the first at `[image, top, left]` of the padded image, and writes their points to a
    /// buffer of `P` whose tile begins with `out`. What is outside of the image is zero.
    ///
    /// # Safety
    /// `S` must be available, the pixels [checked](Self::check), and `out` reach to the last point of the tile.
    #[inline(always)]
    pub(super) unsafe fn points<S: Simd, L: Lift<N>, P: Slot, const N: usize>(
        &self,
        [image, top, left]: [usize; 3],
        out: &mut [f32],
    ) {
        let [_, height, width, _] = self.size;
        let within = |at: usize, side: usize| at >= self.padding && at - self.padding + N <= side;
        // SAFETY: passed on from the caller; where all pixels of the tile are in the image, none is looked up.
        unsafe {
            match within(top, height) && within(left, width) {
                true => self.lifted::<S, L, P, N, true>([image, top, left], out),
                false => self.lifted::<S, L, P, N, false>([image, top, left], out),
            }
        }
    }

    /// [`points`](Self::points); `WITHIN`: the whole tile is in the image.
    ///
    /// # Safety
    /// As [`points`](Self::points).
    #[inline(always)]
    unsafe fn lifted<S: Simd, L: Lift<N>, P: Slot, const N: usize, const WITHIN: bool>(
        &self,
        [image, top, left]: [usize; 3],
        out: &mut [f32],
    ) {
        let Self { values, size: [_, height, width, channels], padding, derivative } = *self;
        // Where lines and columns of the tile begin, and whether they are in the image.
        let line = |y: usize| (top + y).checked_sub(padding).filter(|line| *line < height);
        let column = |x: usize| (left + x).checked_sub(padding).filter(|column| *column < width);
        let (mut first, mut lines, mut columns) = (0, [None; N], [None; N]);
        if WITHIN {
            first = ((image * height + top - padding) * width + left - padding) * channels;
        } else {
            lines = std::array::from_fn(|y| line(y).map(|line| (image * height + line) * width * channels));
            columns = std::array::from_fn(|x| column(x).map(|column| column * channels));
        }
        let padded = self.padded(S::LANES);
        let stride = stride(padded / P::CHANNELS);
        for c in (0..padded).step_by(S::LANES) {
            let lanes = S::LANES.min(channels - c);
            // SAFETY: pixels and channels are inside the images, points inside `out` by the contract.
            unsafe {
                let mask = S::mask(lanes);
                let zero = S::splat(0.0);
                let mut down = [[zero; IN]; N];
                for x in 0..N {
                    let mut column = [zero; N];
                    for y in 0..N {
                        let place = match (lines[y], columns[x]) {
                            _ if WITHIN => first + (y * width + x) * channels,
                            (Some(line), Some(column)) => line + column,
                            _ => continue,
                        };
                        let value = S::load_masked(span(values, place + c, lanes), mask);
                        column[y] = match derivative {
                            Some(derivative) => derivative.times::<S>(value, place + c, lanes, mask),
                            None => value,
                        };
                    }
                    down[x] = L::lift::<S, P>(column);
                }
                for y in 0..IN {
                    let mut line = [zero; N];
                    for x in 0..N {
                        line[x] = down[x][y];
                    }
                    let line = L::lift::<S, P>(line);
                    for x in 0..IN {
                        let at = (y * IN + x) * stride + c / P::CHANNELS;
                        P::store::<S>(span_mut(out, at, S::LANES / P::CHANNELS), line[x]);
                    }
                }
            }
        }
    }
}
