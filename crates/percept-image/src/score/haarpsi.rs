//! Haar wavelet-based perceptual similarity.

use std::ops::RangeInclusive;

use rayon::prelude::*;

use super::plane::{Plane, YIQ};
use super::pool::Pool;
use super::{numeric, pair, similarity, sum_rows};
use crate::{Better, Image, Metric, MetricError, Srgb};

/// The paper's constants, for values of range 255.
const C: f64 = 30.0;
const ALPHA: f64 = 4.2;
/// Twice the side of the coarsest wavelet.
const MIN_SIDE: usize = 16;
/// Half the side of the coarsest wavelet: how far it reaches beyond the edge.
const REACH: usize = 4;

/// Haar wavelet-based perceptual similarity index (Reisenhofer, Bosse, Kutyniok, Wiegand, *A Haar Wavelet-Based
/// Perceptual Similarity Index for Image Quality Assessment*, 2018): how alike the Haar coefficients of the two finer
/// scales are, weighted with those of the coarsest, and how alike the colours are (`haarpsi`). 1 for equal images. Needs
/// 16 pixels a side.
#[derive(Clone, Debug)]
pub struct HaarPsi {
    crop: usize,
}

impl HaarPsi {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }
}

impl Metric for HaarPsi {
    fn name(&self) -> &str {
        "haarpsi"
    }

    fn protocol(&self) -> String {
        format!(
            "HaarPSI, YIQ of range 255, halved by 2×2 means (zeros beyond an odd edge), 3 scales with zeros outside, C 30, alpha 4.2, crop {}",
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
        "Reisenhofer, Bosse, Kutyniok, Wiegand, A Haar Wavelet-Based Perceptual Similarity Index for Image Quality Assessment, 2018"
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, MIN_SIDE)?;
        let (a, b) = (Views::of(&a), Views::of(&b));
        let [sum, weights] = sum_rows(a.luma.height, |y| row(&a, &b, y));
        if weights == 0.0 {
            // Two black images: nothing differs.
            return Ok(1.0);
        }
        let mean = sum / weights;
        numeric(self, ((mean / (1.0 - mean)).ln() / ALPHA).powi(2))
    }
}

/// What is compared of an image.
struct Views {
    luma: Sums,
    /// 2×2 means of I and Q, absolute.
    chroma: [Plane; 2],
}

impl Views {
    fn of(image: &Image<Srgb>) -> Self {
        let [y, i, q] = Plane::levels(&Pool::HALF.planes(image), YIQ);
        Self { luma: Sums::of(&y), chroma: [blurred(&i), blurred(&q)] }
    }
}

/// Absolute means of every pixel with those on its right and below, zeros outside.
fn blurred(plane: &Plane) -> Plane {
    let (width, height) = (plane.width, plane.height);
    let mut data = vec![0.0; width * height];
    data.par_chunks_exact_mut(width).enumerate().for_each(|(y, out)| {
        let mut sums = [plane.row(y), &[0.0]].concat();
        if y + 1 < height {
            sums.iter_mut().zip(plane.row(y + 1)).for_each(|(sum, v)| *sum += v);
        }
        out.iter_mut().zip(sums.windows(2)).for_each(|(out, two)| *out = ((two[0] + two[1]) / 4.0).abs());
    });
    Plane { width, height, data }
}

/// Sums of everything above and to the left, of a plane with [`REACH`] zeros around it.
struct Sums {
    width: usize,
    height: usize,
    table: Plane,
}

impl Sums {
    fn of(plane: &Plane) -> Self {
        let (width, height) = (plane.width + 2 * REACH + 1, plane.height + 2 * REACH + 1);
        let mut table = Plane { width, height, data: vec![0.0; width * height] };
        let mut above = vec![0.0; width];
        for y in 1..height {
            let out = &mut table.data[y * width..(y + 1) * width];
            if let Some(y) = (y - 1).checked_sub(REACH).filter(|y| *y < plane.height) {
                let mut sum = 0.0;
                for (above, v) in above[REACH + 1..].iter_mut().zip(plane.row(y)) {
                    sum += v;
                    *above += sum;
                }
                let last = REACH + plane.width;
                let full = above[last];
                above[last + 1..].fill(full);
            }
            out.copy_from_slice(&above);
        }
        Self { width: plane.width, height: plane.height, table }
    }

    /// Coefficients of row `y` at the scale whose wavelet is `2 · half` pixels wide: `|upper − lower|` and
    /// `|left − right|`, normalised.
    fn coefficients(&self, half: usize, y: usize) -> [Vec<f64>; 2] {
        // The window of pixel (x, y) goes from x + 1 − half to x + half; the table has REACH zeros before it.
        let at = |y: usize, x: usize| &self.table.row(y)[x..x + self.width];
        let [top, centre, bottom] = [y + 1 + REACH - half, y + 1 + REACH, y + 1 + REACH + half];
        let [left, middle, right] = [1 + REACH - half, 1 + REACH, 1 + REACH + half];
        let scale = 1.0 / (2 * half) as f64;
        let corners = at(top, left).iter().zip(at(top, right)).zip(at(bottom, left)).zip(at(bottom, right));
        let rows = corners.clone().zip(at(centre, left)).zip(at(centre, right));
        let columns = corners.zip(at(top, middle)).zip(at(bottom, middle));
        let vertical = rows
            .map(|(((((tl, tr), bl), br), cl), cr)| scale * (2.0 * (cr - cl) - (tr - tl) - (br - bl)).abs());
        let horizontal = columns
            .map(|(((((tl, tr), bl), br), tm), bm)| scale * (2.0 * (bm - tm) - (bl - tl) - (br - tr)).abs());
        [vertical.collect(), horizontal.collect()]
    }
}

/// Weighted similarities of row `y` after the logistic function, and their weights.
fn row(a: &Views, b: &Views, y: usize) -> [f64; 2] {
    let of = |views: &Views| [1, 2, REACH].map(|half| views.luma.coefficients(half, y));
    let (fine_a, fine_b) = (of(a), of(b));
    let logistic = |similarity: f64| 1.0 / (1.0 + (-ALPHA * similarity).exp());
    let mut sums = [0.0; 2];
    for x in 0..a.luma.width {
        let mut weights = 0.0;
        for orientation in 0..2 {
            let at = |scale: usize| (fine_a[scale][orientation][x], fine_b[scale][orientation][x]);
            let ((a, b), (c, d), (e, f)) = (at(0), at(1), at(2));
            let weight = e.max(f);
            sums[0] += weight * logistic((similarity(a, b, C) + similarity(c, d, C)) / 2.0);
            weights += weight;
        }
        let colour = |k: usize| similarity(a.chroma[k].row(y)[x], b.chroma[k].row(y)[x], C);
        sums[0] += weights / 2.0 * logistic((colour(0) + colour(1)) / 2.0);
        sums[1] += 1.5 * weights;
    }
    sums
}
