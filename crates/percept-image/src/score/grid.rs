//! Grids: patterns that a picture repeats every 2, 4 or 8 pixels where its reference is smooth.

use std::f64::consts::PI;
use std::ops::RangeInclusive;

use rayon::prelude::*;
use rustfft::num_complex::Complex64;

use super::plane::Plane;
use super::spectrum::Transform;
use super::{numeric, pair, sum_rows};
use crate::{Better, Difference, Image, Metric, MetricError, Spatial, Srgb};

/// Pixels of a block a side, and from one block to the next.
const SIDE: usize = 32;
const HOP: usize = 16;
/// A block is smooth in which next pixels differ by no more (root of the mean square of both differences, in 8-bit levels).
const SMOOTH: f64 = 3.0;
/// The longest period. Every frequency of a pattern that repeats after so many pixels is a multiple of one over this.
const PERIOD: usize = 8;
/// The periods that are told apart: 2, 4 and 8.
const PERIODS: usize = 3;
/// Frequencies of a block that are looked at: every second one of a side.
const FREQUENCIES: usize = SIDE / 2;
/// The mean of the geometric mean of eight exponentially distributed numbers, Γ(9/8)⁸, relative to their mean: noise has such
/// powers.
const GEOMETRIC: f64 = 0.618_668_634_831_455_8;
/// Keeps the power of a flat block above zero, in squared levels.
const EPSILON: f64 = 1e-12;

/// How strong a grid is that the test image has and the reference has not, where the reference is smooth (`grid`): root of the
/// mean square, in 8-bit levels of luma, of what repeats every 2, 4 or 8 pixels. A checkerboard of ±1 level gives 1. It shows
/// what networks leave in smooth parts, dark ones above all. Needs 32 pixels a side.
///
/// Luma is of sRGB-encoded values, in which a level is about as visible in the dark as in the light. Blocks of 32×32 pixels every
/// 16 count if the reference's next pixels differ by 3 levels or less (root of the mean square). Of each block's spectrum in a Hann
/// window the power at the frequencies (i/8, j/8) counts, less that of noise and texture around it: the geometric mean of
/// the eight frequencies in between. The reference's is subtracted, means are taken over the blocks, negative ones of a period are 0.
///
/// 0 for equal images and where no block of the reference is smooth: texture hides a grid. Noise and softness leave up to 0.2,
/// more where few blocks are smooth; waves of nearly 8 or 4 pixels count in part. Not symmetric: a result without the target's grid is not worse.
#[derive(Clone, Debug)]
pub struct Grid {
    crop: usize,
}

impl Grid {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }
}

impl Metric for Grid {
    fn name(&self) -> &str {
        "grid"
    }

    fn protocol(&self) -> String {
        format!(
            "Grid, RMS in 8-bit levels of what repeats every 2, 4 or 8 pixels above the reference's own, sRGB-encoded BT.601 full-range luma, Hann blocks 32×32 every 16 whose reference differs by at most 3 levels from pixel to pixel, less the geometric mean of the 8 frequencies around, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        // A checkerboard of black and white.
        0.0..=127.5
    }

    fn source(&self) -> &str {
        "percept's own; the artefact is described by Odena, Dumoulin, Olah, Deconvolution and Checkerboard Artifacts, 2016"
    }

    fn spatial(&self) -> Option<&dyn Spatial> {
        Some(self)
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, SIDE)?;
        let blocks = Blocks::of(&a, &b);
        let [count, powers @ ..] = sum_rows::<{ 1 + PERIODS }>(blocks.down, |row| {
            (0..blocks.across).filter_map(|column| blocks.grid(column, row)).fold([0.0; 4], |sums, grid| {
                let [two, four, eight] = grid;
                [sums[0] + 1.0, sums[1] + two, sums[2] + four, sums[3] + eight]
            })
        });
        numeric(self, amplitude(powers.map(|power| power / count.max(1.0))))
    }
}

/// The strength of the grid around a pixel: of the blocks that hold it and are smooth, 0 where none is.
impl Spatial for Grid {
    fn map(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<Image<Difference>, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, SIDE)?;
        let (width, height) = a.size();
        let blocks = Blocks::of(&a, &b);
        let places = (0..blocks.across * blocks.down).into_par_iter();
        let grids: Vec<_> = places.map(|at| blocks.grid(at % blocks.across, at / blocks.across)).collect();
        // The blocks that hold a pixel: the one that begins in its part of a side, and the one before.
        let holding =
            |at: usize, count: usize| (at / HOP).saturating_sub(1).min(count - 1)..=(at / HOP).min(count - 1);
        let (cells, rows) = (width.div_ceil(HOP), height.div_ceil(HOP));
        let cell = |column: usize, row: usize| {
            let here = holding(row * HOP, blocks.down)
                .flat_map(|row| holding(column * HOP, blocks.across).map(move |column| (column, row)));
            let here: Vec<_> = here.filter_map(|(column, row)| grids[row * blocks.across + column]).collect();
            let count = here.len().max(1) as f64;
            amplitude(std::array::from_fn(|k| here.iter().map(|grid| grid[k]).sum::<f64>() / count)) as f32
        };
        let values: Vec<f32> = (0..cells * rows).map(|at| cell(at % cells, at / cells)).collect();
        Ok(Image::from_fn(width, height, |x, y, _| values[y / HOP * cells + x / HOP]))
    }

    fn white(&self) -> f32 {
        4.0
    }
}

/// Root of the sum of the periods' powers.
fn amplitude(powers: [f64; PERIODS]) -> f64 {
    // Not `max`: that would turn a NaN into 0.
    powers.map(|power| if power < 0.0 { 0.0 } else { power }).iter().sum::<f64>().sqrt()
}

/// The blocks of two pictures.
struct Blocks {
    reference: Plane,
    test: Plane,
    across: usize,
    down: usize,
    window: [f64; SIDE],
    transform: Transform,
}

impl Blocks {
    fn of(reference: &Image<Srgb>, test: &Image<Srgb>) -> Self {
        let (reference, test) = (Plane::luma(reference), Plane::luma(test));
        let hann = |k: usize| 0.5 - 0.5 * (2.0 * PI * k as f64 / SIDE as f64).cos();
        let count = |side: usize| (side - SIDE) / HOP + 1;
        Self {
            across: count(reference.width),
            down: count(reference.height),
            reference,
            test,
            // Sums to 1.
            window: std::array::from_fn(|k| hann(k) * 2.0 / SIDE as f64),
            transform: Transform::new(FREQUENCIES, FREQUENCIES),
        }
    }

    /// Power of each period's grid, that of the reference subtracted, if the reference is smooth here.
    fn grid(&self, column: usize, row: usize) -> Option<[f64; PERIODS]> {
        let corner = (column * HOP, row * HOP);
        if roughness(&self.reference, corner) > SMOOTH {
            return None;
        }
        let (test, own) = (self.excess(&self.test, corner), self.excess(&self.reference, corner));
        Some(std::array::from_fn(|k| test[k] - own[k]))
    }

    /// Power at the frequencies of each period above that of the frequencies around them.
    fn excess(&self, plane: &Plane, corner: (usize, usize)) -> [f64; PERIODS] {
        let power = self.power(plane, corner);
        let at = |x: usize, y: usize| power[y % FREQUENCIES * FREQUENCIES + x % FREQUENCIES];
        let mut sums = [0.0; PERIODS];
        for (i, j) in (1..PERIOD * PERIOD).map(|k| (k % PERIOD, k / PERIOD)) {
            // In the ring of frequencies, one back is all but one forward.
            let [x, y] = [2 * i, 2 * j].map(|at| [at + FREQUENCIES - 1, at, at + 1]);
            let around = (0..9).filter(|k| *k != 4).map(|k| at(x[k % 3], y[k / 3]) + EPSILON);
            let floor = around.product::<f64>().sqrt().sqrt().sqrt() / GEOMETRIC;
            // Eighths that are halves belong to period 2, those that are quarters to 4.
            sums[PERIODS - 1 - (i | j).trailing_zeros() as usize] += at(x[1], y[1]) - floor;
        }
        sums
    }

    /// Power at every second frequency of a block, without its mean: a wave of amplitude A has A²/4 at both of its places.
    fn power(&self, plane: &Plane, (left, top): (usize, usize)) -> Vec<f64> {
        let rows = || (top..top + SIDE).map(|y| &plane.row(y)[left..left + SIDE]).zip(&self.window);
        let weighted = |row: &[f64]| row.iter().zip(&self.window).map(|(v, weight)| v * weight).sum::<f64>();
        let mean: f64 = rows().map(|(row, weight)| weight * weighted(row)).sum();
        // Both halves of a side on top of each other: that leaves every second frequency.
        let mut folded = vec![Complex64::default(); FREQUENCIES * FREQUENCIES];
        for (y, (row, down)) in rows().enumerate() {
            let y = y % FREQUENCIES * FREQUENCIES;
            let out = &mut folded[y..y + FREQUENCIES];
            for (half, window) in row.chunks_exact(FREQUENCIES).zip(self.window.chunks_exact(FREQUENCIES)) {
                let values = out.iter_mut().zip(half).zip(window);
                values.for_each(|((sum, v), across)| sum.re += down * across * (v - mean));
            }
        }
        self.transform.forward(folded).iter().map(Complex64::norm_sqr).collect()
    }
}

/// Root of the mean square of the differences to the next pixel on the right plus that below.
fn roughness(plane: &Plane, (left, top): (usize, usize)) -> f64 {
    let row = |y: usize| &plane.row(y)[left..left + SIDE];
    let squares = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
    let across: f64 = (top..top + SIDE).map(|y| squares(&row(y)[1..], row(y))).sum();
    let down: f64 = (top + 1..top + SIDE).map(|y| squares(row(y), row(y - 1))).sum();
    ((across + down) / (SIDE * (SIDE - 1)) as f64).sqrt()
}
