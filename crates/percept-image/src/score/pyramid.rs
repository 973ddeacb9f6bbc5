//! Burt and Adelson's pyramid of band-passed levels (*The Laplacian Pyramid as a Compact Image Code*, 1983).

use rayon::prelude::*;

use super::filter::{BINOMIAL, Border, filtered};
use super::plane::Plane;

/// Half the size, rounded up: filtered, then every second pixel from the first.
pub(super) fn reduced(plane: &Plane) -> Plane {
    filtered(plane, &BINOMIAL, Border::Mirror, 2)
}

/// What [`reduced`] leaves out of a plane: it less its lower level brought back to its size.
pub(super) fn band(plane: &Plane, low: &Plane) -> Plane {
    let (width, height) = (plane.width, plane.height);
    let mut data = plane.data.clone();
    let columns: Vec<_> = (0..width).map(|x| between(x, low.width, width)).collect();
    data.par_chunks_exact_mut(width.max(1)).enumerate().for_each(|(y, out)| {
        let mut down = vec![0.0; low.width];
        for (from, tap) in between(y, low.height, height) {
            down.iter_mut().zip(low.row(from)).for_each(|(sum, v)| *sum += tap * v);
        }
        for (out, column) in out.iter_mut().zip(&columns) {
            *out -= column.iter().map(|(from, tap)| tap * down[*from]).sum::<f64>();
        }
    });
    Plane { width, height, data }
}

/// The pixels of the lower level, and their weights, that make a pixel of the upper one: the filter over the lower level's
/// pixels two apart, mirrored at the ends of the upper one.
fn between(at: usize, low: usize, side: usize) -> [(usize, f64); 3] {
    let (half, last) = (at / 2, low - 1);
    if at % 2 == 1 {
        return [(half, 2.0 * BINOMIAL[1]), ((half + 1).min(last), 2.0 * BINOMIAL[3]), (half, 0.0)];
    }
    let before = half.checked_sub(1).unwrap_or(1.min(last));
    // The place after the last one is mirrored at the upper level's last pixel, which is this one's own or the one after it.
    let after = match half < last {
        true => half + 1,
        false if side % 2 == 1 => last.saturating_sub(1),
        false => last,
    };
    [(before, 2.0 * BINOMIAL[0]), (half, 2.0 * BINOMIAL[2]), (after, 2.0 * BINOMIAL[4])]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_hold_nothing_of_what_is_flat_and_reduce_to_nothing_of_a_ramp_inside() {
        for (width, height) in [(12, 9), (13, 8), (2, 1), (1, 1), (3, 2)] {
            let flat = Plane { width, height, data: vec![0.7; width * height] };
            let low = reduced(&flat);
            assert_eq!((low.width, low.height), (width.div_ceil(2), height.div_ceil(2)));
            assert!(band(&flat, &low).data.iter().all(|v| v.abs() < 1e-12), "{width} {height}");
        }
        let ramp =
            Plane { width: 17, height: 16, data: (0..272).map(|at| f64::from(at % 17 + at / 17)).collect() };
        let band = band(&ramp, &reduced(&ramp));
        assert!((4..12).all(|y| band.row(y)[4..13].iter().all(|v| v.abs() < 1e-12)));
    }
}
