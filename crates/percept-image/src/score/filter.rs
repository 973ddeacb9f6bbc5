//! Separable filters.

use std::ops::{AddAssign, Mul};

use rayon::prelude::*;

use super::plane::Plane;

/// Burt and Adelson's filter, by which the levels of a pyramid are made.
pub(super) const BINOMIAL: [f64; 5] = [0.0625, 0.25, 0.375, 0.25, 0.0625];

/// What a filter finds beyond the edge of a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Border {
    /// It stays inside: there is a value only where it fits.
    Inside,
    /// The outermost pixel again and again.
    Edge,
    /// Zeros.
    Zero,
    /// The plane mirrored at its outermost pixels, which are not repeated.
    Mirror,
}

/// What filters compute with: single precision is twice as fast where it holds.
pub(super) trait Number: Copy + Default + Mul<Output = Self> + AddAssign + Send + Sync {}
impl Number for f32 {}
impl Number for f64 {}

/// Sums weighted alike along both axes, at every `step`-th position from the first; see [`separable`].
pub(super) fn filtered<T: Number>(plane: &Plane<T>, taps: &[T], border: Border, step: usize) -> Plane<T> {
    separable(plane, [taps, taps], border, step)
}

/// Weighted sums along rows and along columns, at every `step`-th position from the first. A border
/// [`Inside`](Border::Inside) needs sides of at least as many pixels as there are taps.
pub(super) fn separable<T: Number>(
    plane: &Plane<T>,
    [across, down]: [&[T]; 2],
    border: Border,
    step: usize,
) -> Plane<T> {
    let reach = |taps: &[T]| if border == Border::Inside { 0 } else { taps.len() / 2 };
    let (beside, above) = (reach(across), reach(down));
    let (width, height) =
        (plane.width + 2 * beside + 1 - across.len(), plane.height + 2 * above + 1 - down.len());
    let size = (width.div_ceil(step), height.div_ceil(step));
    let mut data = vec![T::default(); size.0 * size.1];
    data.par_chunks_exact_mut(size.0.max(1)).enumerate().for_each(|(y, out)| {
        // Down first, which runs along whole rows.
        let mut sums = vec![T::default(); plane.width + 2 * beside];
        for (k, tap) in down.iter().enumerate() {
            let Some(from) = source(y * step + k, above, plane.height, border) else { continue };
            sums[beside..].iter_mut().zip(plane.row(from)).for_each(|(sum, v)| *sum += *tap * *v);
        }
        for at in (0..beside).chain(beside + plane.width..sums.len()) {
            sums[at] =
                source(at, beside, plane.width, border).map_or(T::default(), |from| sums[beside + from]);
        }
        let mut row = vec![T::default(); width];
        for (k, tap) in across.iter().enumerate() {
            row.iter_mut().zip(&sums[k..]).for_each(|(sum, v)| *sum += *tap * *v);
        }
        out.iter_mut().zip(row.iter().step_by(step)).for_each(|(out, v)| *out = *v);
    });
    Plane { width: size.0, height: size.1, data }
}

/// Where the value comes from that is at `at` of a line with `reach` more on both sides; zeros come from nowhere.
fn source(at: usize, reach: usize, side: usize, border: Border) -> Option<usize> {
    let nearest = at.saturating_sub(reach).min(side - 1);
    Some(match border {
        Border::Inside | Border::Edge => nearest,
        Border::Zero => return (nearest + reach == at).then_some(nearest),
        // There and back again; a line of one pixel has nothing else.
        Border::Mirror => {
            let period = (2 * (side - 1)).max(1);
            let turned = (at + reach * period - reach) % period;
            turned.min(period - turned).min(side - 1)
        }
    })
}

/// A normalised Gaussian of `count` taps.
pub(super) fn gaussian(count: usize, sigma: f64) -> Vec<f64> {
    let middle = (count - 1) as f64 / 2.0;
    let taps: Vec<f64> = (0..count).map(|k| (-0.5 * ((k as f64 - middle) / sigma).powi(2)).exp()).collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| tap / sum).collect()
}

/// Weighted means of two planes, of their squares and of their product around a row of positions.
pub(super) struct Moments<'a> {
    pub mean: [&'a [f64]; 2],
    pub square: [&'a [f64]; 2],
    pub product: &'a [f64],
}

impl Moments<'_> {
    /// Variance of the first plane, of the second, and covariance at a position; rounding leaves no variance below zero.
    pub fn variances(&self, x: usize) -> [f64; 3] {
        let [a, b] = [0, 1].map(|k| self.mean[k][x]);
        let positive = |v: f64| if v < 0.0 { 0.0 } else { v };
        [positive(self.square[0][x] - a * a), positive(self.square[1][x] - b * b), self.product[x] - a * b]
    }
}

/// What `of` makes of the moments of each row of the positions at which a window of these `taps` fits inside both planes.
pub(super) fn moments<R: Send>(
    a: &Plane,
    b: &Plane,
    taps: &[f64],
    of: impl Fn(usize, Moments<'_>) -> R + Sync,
) -> Vec<R> {
    let width = a.width + 1 - taps.len();
    let rows = (0..a.height + 1 - taps.len()).into_par_iter();
    rows.map(|y| {
        // Down first: a, b, a², b², ab.
        let mut down = vec![0.0; 5 * a.width];
        let [ma, mb, aa, bb, ab] = split(&mut down);
        for (k, tap) in taps.iter().enumerate() {
            let means = ma.iter_mut().zip(mb.iter_mut());
            let sums = means.zip(aa.iter_mut().zip(bb.iter_mut()).zip(ab.iter_mut()));
            for (((ma, mb), ((aa, bb), ab)), (a, b)) in sums.zip(a.row(y + k).iter().zip(b.row(y + k))) {
                let (wa, wb) = (tap * a, tap * b);
                *ma += wa;
                *mb += wb;
                *aa += wa * a;
                *bb += wb * b;
                *ab += wa * b;
            }
        }
        let mut across = vec![0.0; 5 * width];
        for (out, sums) in across.chunks_exact_mut(width).zip(down.chunks_exact(a.width)) {
            for (k, tap) in taps.iter().enumerate() {
                out.iter_mut().zip(&sums[k..]).for_each(|(out, v)| *out += tap * v);
            }
        }
        let [ma, mb, aa, bb, product] = split(&mut across);
        of(y, Moments { mean: [ma, mb], square: [aa, bb], product })
    })
    .collect()
}

/// Five parts of equal length.
fn split(values: &mut [f64]) -> [&mut [f64]; 5] {
    let mut parts = values.chunks_exact_mut((values.len() / 5).max(1));
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_edge_follows_from_the_border() {
        let of = |side: usize, reach: usize, border: Border| -> Vec<Option<usize>> {
            (0..side + 2 * reach).map(|at| source(at, reach, side, border)).collect()
        };
        assert_eq!(of(4, 2, Border::Mirror), [2, 1, 0, 1, 2, 3, 2, 1].map(Some));
        assert_eq!(of(2, 3, Border::Mirror), [1, 0, 1, 0, 1, 0, 1, 0].map(Some));
        assert_eq!(of(1, 2, Border::Mirror), [Some(0); 5]);
        assert_eq!(of(3, 2, Border::Edge), [0, 0, 0, 1, 2, 2, 2].map(Some));
        assert_eq!(of(2, 2, Border::Zero), [None, None, Some(0), Some(1), None, None]);
    }

    fn plane() -> Plane {
        Plane { width: 7, height: 6, data: (0..42).map(|v| f64::from(v * v % 23)).collect() }
    }

    #[test]
    fn a_filter_is_a_sum_over_its_window() {
        let plane = plane();
        let (across, down) = ([0.5, 0.25, -0.125], [0.75, 0.0, 2.0]);
        let window = |x: usize, y: usize| -> f64 {
            let at = |k: usize, l: usize| across[k] * down[l] * plane.row(y + l)[x + k];
            (0..3).flat_map(|k| (0..3).map(move |l| (k, l))).map(|(k, l)| at(k, l)).sum()
        };
        let inside = separable(&plane, [&across, &down], Border::Inside, 2);
        assert_eq!((inside.width, inside.height), (3, 2));
        for (at, got) in inside.data.iter().enumerate() {
            assert!((got - window(at % 3 * 2, at / 3 * 2)).abs() < 1e-12);
        }
        for border in [Border::Mirror, Border::Edge] {
            let whole = separable(&plane, [&across, &down], border, 1);
            assert_eq!((whole.width, whole.height), (7, 6));
            assert!((whole.row(3)[2] - window(1, 2)).abs() < 1e-12);
        }
        let corner = |border: Border| filtered(&plane, &[0.0, 0.0, 1.0], border, 1).row(5)[6];
        assert_eq!(corner(Border::Mirror), plane.row(4)[5]);
        assert_eq!(corner(Border::Edge), plane.row(5)[6]);
    }

    #[test]
    fn moments_are_filtered_products() {
        let (a, b) =
            (plane(), Plane { width: 7, height: 6, data: (0..42).map(|v| f64::from(v % 5)).collect() });
        let taps = gaussian(3, 1.0);
        let of = |value: fn(f64, f64) -> f64| {
            let data = a.data.iter().zip(&b.data).map(|(a, b)| value(*a, *b)).collect();
            filtered(&Plane { width: 7, height: 6, data }, &taps, Border::Inside, 1)
        };
        let expected = [of(|a, _| a), of(|_, b| b), of(|a, _| a * a), of(|_, b| b * b), of(|a, b| a * b)];
        let got = moments(&a, &b, &taps, |_, m| {
            [m.mean[0], m.mean[1], m.square[0], m.square[1], m.product].concat()
        });
        for (y, row) in got.iter().enumerate() {
            let expected: Vec<f64> = expected.iter().flat_map(|plane| plane.row(y)).copied().collect();
            assert!(row.iter().zip(&expected).all(|(got, v)| (got - v).abs() < 1e-9), "{y}");
        }
        assert_eq!(got.len(), 4);
    }
}
