//! Structural similarity, weighted by where the information is.

use std::ops::RangeInclusive;

use rayon::prelude::*;

use super::filter::{gaussian, moments};
use super::plane::Plane;
use super::pyramid::{band, reduced};
use super::{numeric, pair};
use crate::{Better, Cost, Image, Metric, MetricError, Srgb};

/// Exponents of the five scales, finest first, as in MS-SSIM.
const WEIGHTS: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
/// SSIM's constants for values of range 255, and its window.
const C1: f64 = 2.55 * 2.55;
const C2: f64 = 7.65 * 7.65;
const WINDOW: usize = 11;
const SIGMA: f64 = 1.5;
/// Variance of the visual noise.
const NOISE: f64 = 0.4;
/// Pixels a side of the neighbourhood whose information counts, and from its middle to the edge of SSIM's window.
const BLOCK: usize = 3;
const MARGIN: usize = WINDOW / 2 - BLOCK / 2;
/// A neighbourhood and its parent, the pixel of the next scale.
const MOST: usize = BLOCK * BLOCK + 1;
/// The coarsest scale, four halvings (rounded up) down, still holds a window from this side on.
const MIN_SIDE: usize = (WINDOW - 1) * 16 + 1;
/// Below this share of the largest, an eigenvalue is rounding.
const RANK: f64 = 1e-12;

/// Information content weighted structural similarity (Wang, Li, *Information Content Weighting for Perceptual Image Quality
/// Assessment*, 2011): contrast and structure at five scales of a Laplacian pyramid, weighted by the information that the
/// neighbourhood of each pixel holds (`iw-ssim`). 1 for equal images. Not symmetric. Needs 161 pixels a side.
#[derive(Clone, Debug)]
pub struct IwSsim {
    crop: usize,
}

impl IwSsim {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }
}

impl Metric for IwSsim {
    fn name(&self) -> &str {
        "iw-ssim"
    }

    fn protocol(&self) -> String {
        format!(
            "IW-SSIM, BT.601 full-range luma of range 255, Laplacian pyramid of 5 scales by 1 4 6 4 1, Gaussian window 11×11 σ 1.5, valid positions, information of 3×3 pixels and their parent, noise variance 0.4, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Higher
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=1.0
    }

    fn source(&self) -> &str {
        "Wang, Li, Information Content Weighting for Perceptual Image Quality Assessment, 2011"
    }

    fn cost(&self) -> Cost {
        Cost::Medium
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, MIN_SIDE)?;
        let (a, b) = (Pyramid::of(Plane::luma(&a)), Pyramid::of(Plane::luma(&b)));
        let window = gaussian(WINDOW, SIGMA);
        let mut product = 1.0;
        for (scale, exponent) in WEIGHTS.iter().enumerate() {
            let (a_here, b_here) = (&a.0[scale], &b.0[scale]);
            let coarsest = scale + 1 == WEIGHTS.len();
            let weights = match coarsest {
                true => None,
                // The band before the coarsest one has no parent among the bands.
                false => Some(information(a_here, b_here, a.0.get(scale + 1).filter(|_| scale < 3))),
            };
            let rows = moments(a_here, b_here, &window, |y, row| {
                let mut sums = [0.0; 4];
                for x in 0..row.product.len() {
                    let [va, vb, both] = row.variances(x);
                    let contrast = (2.0 * both + C2) / (va + vb + C2);
                    let [ma, mb] = [0, 1].map(|k| row.mean[k][x]);
                    let light = (2.0 * ma * mb + C1) / (ma * ma + mb * mb + C1);
                    let value = if coarsest { contrast * light } else { contrast };
                    let weight = weights.as_ref().map_or(1.0, |plane| plane.row(y + MARGIN)[x + MARGIN]);
                    sums = [sums[0] + weight * value, sums[1] + weight, sums[2] + value, sums[3] + 1.0];
                }
                sums
            });
            let [weighted, weight, plain, count] =
                rows.iter().fold([0.0; 4], |sums, row| std::array::from_fn(|k| sums[k] + row[k]));
            // Where no place holds information, all count alike.
            let mean = if weight > 0.0 { weighted / weight } else { plain / count };
            product *= mean.abs().powf(*exponent);
        }
        numeric(self, product)
    }
}

/// Four bands and the rest of a Laplacian pyramid, finest first; each next one doubled, as the authors' filters are normalised.
struct Pyramid(Vec<Plane>);

impl Pyramid {
    fn of(mut level: Plane) -> Self {
        let mut levels = Vec::new();
        for _ in 1..WEIGHTS.len() {
            let mut low = reduced(&level);
            levels.push(band(&level, &low));
            low.data.iter_mut().for_each(|v| *v *= 2.0);
            level = low;
        }
        levels.push(level);
        Self(levels)
    }
}

/// The information that the reference's and the test image's neighbourhoods share with what an observer sees of them, at every
/// position at which a neighbourhood fits.
fn information(reference: &Plane, test: &Plane, parent: Option<&Plane>) -> Plane {
    let (width, height) = (reference.width + 1 - BLOCK, reference.height + 1 - BLOCK);
    let parents = parent.map(|parent| Parents {
        parent,
        columns: (0..reference.width).map(|x| place(x, parent.width)).collect(),
    });
    let fields = || Fields { plane: reference, parents: parents.as_ref() };
    let count = BLOCK * BLOCK + usize::from(parents.is_some());
    let model = Model::of(
        (0..height).into_par_iter().map(|y| fields().covariance(y)).collect(),
        count,
        width * height,
    );
    let box_filter = [1.0 / BLOCK as f64; BLOCK];
    let rows = moments(reference, test, &box_filter, |y, row| {
        let mut out = vec![0.0; width];
        fields().each(y, |x, vector| {
            let [own, other, both] = row.variances(x);
            // The test image is `gain` times the reference and something of its own.
            let (gain, rest) = match (own < f64::EPSILON, other < f64::EPSILON) {
                (_, true) => (0.0, 0.0),
                (true, false) => (0.0, other),
                (false, false) => (both / (own + f64::EPSILON), other - both / (own + f64::EPSILON) * both),
            };
            let energy = model.energy(vector);
            let scale = (rest + (1.0 + gain * gain) * NOISE) * energy;
            let shares =
                model.values.iter().map(|value| 1.0 + (scale * value + NOISE * rest) / (NOISE * NOISE));
            // Ten factors of at most 1e20 or so: their product is a number still.
            let bits = shares.product::<f64>().log2();
            out[x] = if bits < f64::EPSILON { 0.0 } else { bits };
        });
        out
    });
    Plane { width, height, data: rows.concat() }
}

/// A parent level, brought to the size of its child.
struct Parents<'a> {
    parent: &'a Plane,
    columns: Vec<(usize, f64)>,
}

/// Where a pixel of the child lies in its parent: a quarter of a pixel before its own half. What is beyond the ends continues
/// the line there.
fn place(at: usize, side: usize) -> (usize, f64) {
    let place = at as f64 / 2.0 - 0.25;
    let from = (place.max(0.0) as usize).min(side.saturating_sub(2));
    (from, place - from as f64)
}

/// The neighbourhoods of a plane as vectors.
struct Fields<'a> {
    plane: &'a Plane,
    parents: Option<&'a Parents<'a>>,
}

impl Fields<'_> {
    /// Tells `each` the vectors of a row of positions: nine pixels, and the parent of the middle one.
    fn each(&self, y: usize, mut each: impl FnMut(usize, &[f64])) {
        let rows: [&[f64]; BLOCK] = std::array::from_fn(|k| self.plane.row(y + k));
        let parents: Vec<f64> = self.parents.map_or_else(Vec::new, |of| {
            let (top, share) = place(y + 1, of.parent.height);
            let next = (top + 1).min(of.parent.height - 1);
            let (above, below) = (of.parent.row(top), of.parent.row(next));
            let down = |x: usize| above[x] + share * (below[x] - above[x]);
            let across = |(from, share): &(usize, f64)| {
                let left = down(*from);
                left + share * (down((from + 1).min(above.len() - 1)) - left)
            };
            of.columns.iter().map(across).collect()
        });
        let mut vector = [0.0; MOST];
        for x in 0..self.plane.width + 1 - BLOCK {
            for (part, row) in vector.chunks_exact_mut(BLOCK).zip(rows) {
                part.copy_from_slice(&row[x..x + BLOCK]);
            }
            match parents.get(x + 1) {
                Some(parent) => {
                    vector[MOST - 1] = *parent;
                    each(x, &vector);
                }
                None => each(x, &vector[..MOST - 1]),
            }
        }
    }

    /// The sum of the products of a row's vectors with themselves.
    fn covariance(&self, y: usize) -> Matrix {
        let mut sums = [[0.0; MOST]; MOST];
        self.each(y, |_, vector| {
            for (sums, a) in sums.iter_mut().zip(vector) {
                sums.iter_mut().zip(vector).for_each(|(sum, b)| *sum += a * b);
            }
        });
        sums
    }
}

type Matrix = [[f64; MOST]; MOST];

/// The Gaussian that the neighbourhoods are taken from.
struct Model {
    /// Variances along the principal axes, those above rounding.
    values: Vec<f64>,
    /// The axes, each divided by its deviation.
    axes: Vec<[f64; MOST]>,
    count: usize,
}

impl Model {
    fn of(rows: Vec<Matrix>, count: usize, places: usize) -> Self {
        let mut matrix = [[0.0; MOST]; MOST];
        for (i, j) in (0..MOST * MOST).map(|k| (k / MOST, k % MOST)) {
            matrix[i][j] = rows.iter().map(|row| row[i][j]).sum::<f64>() / places as f64;
        }
        let (values, axes) = eigen(matrix);
        let least = RANK * values.iter().fold(0.0, |most: f64, v| most.max(*v));
        let kept = || (0..MOST).filter(|k| values[*k] > least);
        Self {
            values: kept().map(|k| values[k]).collect(),
            axes: kept().map(|k| axes[k].map(|v| v / values[k].sqrt())).collect(),
            count,
        }
    }

    /// How far a vector is from the middle, in deviations, squared; the mean over the dimensions.
    fn energy(&self, vector: &[f64]) -> f64 {
        let along = |axis: &[f64; MOST]| axis.iter().zip(vector).map(|(a, b)| a * b).sum::<f64>();
        self.axes.iter().map(|axis| along(axis).powi(2)).sum::<f64>() / self.count as f64
    }
}

/// Eigenvalues and eigenvectors of a symmetric matrix, by Jacobi's rotations.
fn eigen(mut matrix: Matrix) -> ([f64; MOST], Matrix) {
    let mut axes: Matrix = std::array::from_fn(|i| std::array::from_fn(|j| if i == j { 1.0 } else { 0.0 }));
    // Six or seven rounds leave nothing off the diagonal.
    for _ in 0..12 {
        for (i, j) in (0..MOST).flat_map(|i| (i + 1..MOST).map(move |j| (i, j))) {
            if matrix[i][j] == 0.0 {
                continue;
            }
            let slope = (matrix[j][j] - matrix[i][i]) / (2.0 * matrix[i][j]);
            let tangent = slope.signum() / (slope.abs() + slope.hypot(1.0));
            let cosine = 1.0 / tangent.hypot(1.0);
            let sine = tangent * cosine;
            let turn = |a: f64, b: f64| (cosine * a - sine * b, sine * a + cosine * b);
            for row in &mut matrix {
                (row[i], row[j]) = turn(row[i], row[j]);
            }
            for k in 0..MOST {
                (matrix[i][k], matrix[j][k]) = turn(matrix[i][k], matrix[j][k]);
                (axes[i][k], axes[j][k]) = turn(axes[i][k], axes[j][k]);
            }
        }
    }
    (std::array::from_fn(|k| matrix[k][k]), axes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_is_the_sum_of_its_axes() {
        let matrix: Matrix = std::array::from_fn(|i| {
            std::array::from_fn(|j| ((i * j) as f64 * 0.7).cos() + if i == j { 5.0 + i as f64 } else { 0.0 })
        });
        let (values, axes) = eigen(matrix);
        for (i, j) in (0..MOST * MOST).map(|k| (k / MOST, k % MOST)) {
            let sum: f64 = (0..MOST).map(|k| values[k] * axes[k][i] * axes[k][j]).sum();
            assert!((sum - matrix[i][j]).abs() < 1e-10, "{i} {j}: {sum} is not {}", matrix[i][j]);
        }
    }

    #[test]
    fn parents_lie_on_the_line_through_their_neighbours() {
        let parent = Plane {
            width: 6,
            height: 4,
            data: (0..24).map(|at| f64::from(at % 6 + 10 * (at / 6))).collect(),
        };
        let child = Plane { width: 12, height: 8, data: vec![0.0; 96] };
        let parents = Parents { parent: &parent, columns: (0..12).map(|x| place(x, 6)).collect() };
        Fields { plane: &child, parents: Some(&parents) }.each(0, |x, vector| {
            let expected = ((x + 1) as f64 / 2.0 - 0.25) + 10.0 * 0.25;
            assert!((vector[MOST - 1] - expected).abs() < 1e-12, "{x}");
        });
    }
}
