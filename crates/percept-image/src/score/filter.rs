//! Separable filters.

use rayon::prelude::*;

use super::plane::Plane;

/// Burt and Adelson's filter, by which the levels of a pyramid are made.
pub(super) const BINOMIAL: [f64; 5] = [0.0625, 0.25, 0.375, 0.25, 0.0625];

/// What a filter finds beyond the edge of a plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Border {
    /// It stays inside: there is a value only where it fits.
    Inside,
    /// The plane mirrored at its outermost pixels, which are not repeated.
    Mirror,
    /// Zeros.
    Zero,
}

/// Weighted sums along both axes, at every `step`-th position from the first. A border [`Inside`](Border::Inside) needs sides
/// of at least as many pixels as there are taps.
pub(super) fn filtered(plane: &Plane, taps: &[f64], border: Border, step: usize) -> Plane {
    let reach = if border == Border::Inside { 0 } else { taps.len() / 2 };
    let (width, height) =
        (plane.width + 2 * reach + 1 - taps.len(), plane.height + 2 * reach + 1 - taps.len());
    let size = (width.div_ceil(step), height.div_ceil(step));
    let mut data = vec![0.0; size.0 * size.1];
    data.par_chunks_exact_mut(size.0.max(1)).enumerate().for_each(|(y, out)| {
        // Down first, which runs along whole rows.
        let mut sums = vec![0.0; plane.width + 2 * reach];
        for (k, tap) in taps.iter().enumerate() {
            let Some(row) = source(y * step + k, reach, plane.height, border) else { continue };
            sums[reach..].iter_mut().zip(plane.row(row)).for_each(|(sum, v)| *sum += tap * v);
        }
        for at in (0..reach).chain(reach + plane.width..sums.len()) {
            sums[at] = source(at, reach, plane.width, border).map_or(0.0, |from| sums[reach + from]);
        }
        let mut across = vec![0.0; width];
        for (k, tap) in taps.iter().enumerate() {
            across.iter_mut().zip(&sums[k..]).for_each(|(sum, v)| *sum += tap * v);
        }
        out.iter_mut().zip(across.iter().step_by(step)).for_each(|(out, v)| *out = *v);
    });
    Plane { width: size.0, height: size.1, data }
}

/// Where the value comes from that is at `at` of a line with `reach` more on both sides.
fn source(at: usize, reach: usize, side: usize, border: Border) -> Option<usize> {
    match at.checked_sub(reach) {
        Some(inside) if inside < side => Some(inside),
        _ if border == Border::Zero => None,
        // There and back again; a line of one pixel has nothing else.
        _ => {
            let period = (2 * (side - 1)).max(1);
            let turned = (at + reach * period - reach) % period;
            Some(turned.min(period - turned).min(side - 1))
        }
    }
}

/// A normalised Gaussian of `count` taps.
pub(super) fn gaussian(count: usize, sigma: f64) -> Vec<f64> {
    let middle = (count - 1) as f64 / 2.0;
    let taps: Vec<f64> = (0..count).map(|k| (-0.5 * ((k as f64 - middle) / sigma).powi(2)).exp()).collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| tap / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_beyond_the_edge_is_mirrored() {
        let of = |side: usize, reach: usize| -> Vec<usize> {
            (0..side + 2 * reach).filter_map(|at| source(at, reach, side, Border::Mirror)).collect()
        };
        assert_eq!(of(4, 2), [2, 1, 0, 1, 2, 3, 2, 1]);
        assert_eq!(of(2, 3), [1, 0, 1, 0, 1, 0, 1, 0]);
        assert_eq!(of(1, 2), [0; 5]);
    }

    #[test]
    fn a_filter_is_a_sum_over_its_window() {
        let plane = Plane { width: 7, height: 6, data: (0..42).map(|v| f64::from(v * v % 23)).collect() };
        let taps = [0.5, 0.25, -0.125];
        let window = |x: usize, y: usize| -> f64 {
            let at = |k: usize, l: usize| taps[k] * taps[l] * plane.row(y + l)[x + k];
            (0..3).flat_map(|k| (0..3).map(move |l| (k, l))).map(|(k, l)| at(k, l)).sum()
        };
        let inside = filtered(&plane, &taps, Border::Inside, 2);
        assert_eq!((inside.width, inside.height), (3, 2));
        for (at, got) in inside.data.iter().enumerate() {
            assert!((got - window(at % 3 * 2, at / 3 * 2)).abs() < 1e-12);
        }
        for border in [Border::Mirror, Border::Zero] {
            let whole = filtered(&plane, &taps, border, 1);
            assert_eq!((whole.width, whole.height), (7, 6));
            assert!((whole.row(3)[2] - window(1, 2)).abs() < 1e-12);
        }
        let corner = filtered(&plane, &[0.0, 0.0, 1.0], Border::Mirror, 1).row(5)[6];
        assert_eq!(corner, plane.row(4)[5]);
        assert_eq!(filtered(&plane, &[0.0, 0.0, 1.0], Border::Zero, 1).row(5)[6], 0.0);
    }
}
