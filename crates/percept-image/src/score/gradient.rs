//! Gradients by 3×3 operators.

use super::plane::Plane;

/// Weights of the three rows in a horizontal gradient; the vertical one is its transpose. Outside are zeros.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gradient {
    side: f64,
    middle: f64,
}

/// Prewitt's operator, weights 1, 1, 1 divided by 3.
pub(super) const PREWITT: Gradient = Gradient { side: 1.0 / 3.0, middle: 1.0 / 3.0 };
/// Scharr's operator, weights 3, 10, 3 divided by 16.
pub(super) const SCHARR: Gradient = Gradient { side: 3.0 / 16.0, middle: 10.0 / 16.0 };

impl Gradient {
    /// Length of the gradient along a row.
    pub fn magnitude(self, plane: &Plane, y: usize) -> Vec<f64> {
        let width = plane.width;
        // Across the three rows, with a column of zeros at each end.
        let (mut smooth, mut slope) = (vec![0.0; width + 2], vec![0.0; width + 2]);
        let middle = plane.row(y).iter();
        smooth[1..].iter_mut().zip(middle).for_each(|(sum, v)| *sum = self.middle * v);
        for (neighbour, sign) in [(y.checked_sub(1), -1.0), (Some(y + 1), 1.0)] {
            let Some(neighbour) = neighbour.filter(|y| *y < plane.height) else { continue };
            let values = smooth[1..].iter_mut().zip(&mut slope[1..]).zip(plane.row(neighbour));
            values.for_each(|((smooth, slope), v)| {
                *smooth += self.side * v;
                *slope += sign * v;
            });
        }
        let across = smooth[2..].iter().zip(&smooth[..width]).map(|(right, left)| right - left);
        let sides = slope[2..].iter().zip(&slope[..width]).map(|(right, left)| self.side * (right + left));
        let down = sides.zip(&slope[1..]).map(|(sides, middle)| sides + self.middle * middle);
        across.zip(down).map(|(across, down)| (across * across + down * down).sqrt()).collect()
    }
}
