//! Perception based image quality evaluator.

use std::ops::RangeInclusive;

use rayon::prelude::*;

use super::filter::Border;
use super::natural::normalised;
use super::plane::Plane;
use super::{alone, numeric};
use crate::{Better, Image, Metric, MetricError, Srgb};

/// Pixels of a block a side, and of a part of its edge.
const SIDE: usize = 16;
const SEGMENT: usize = 6;
/// A block counts whose variance is above this, and is spoiled if a part of its edge deviates by less.
const ACTIVE: f64 = 0.1;
const FLAT: f64 = 0.1;

/// Perception based image quality evaluator (Venkatanath, Praneeth, Maruthi Chandrasekhar, Channappayya, Medasani, *Blind Image
/// Quality Evaluation Using Perception Based Features*, 2015): how many of the blocks with texture have flat edges, as compression
/// leaves them, or noise (`piqe`). Looks at the test image alone. From 0, which is the best, to 100. Needs 16 pixels a side.
///
/// A picture without any texture has 100, by its definition.
#[derive(Clone, Debug)]
pub struct Piqe {
    crop: usize,
}

impl Piqe {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }
}

impl Metric for Piqe {
    fn name(&self) -> &str {
        "piqe"
    }

    fn protocol(&self) -> String {
        format!(
            "PIQE, no reference, BT.601 full-range luma rounded to levels, blocks of 16×16 (the last ones mirrored), limited to 0 to 100, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=100.0
    }

    fn source(&self) -> &str {
        "Venkatanath, Praneeth, Maruthi Chandrasekhar, Channappayya, Medasani, Blind Image Quality Evaluation Using Perception Based Features, 2015"
    }

    fn needs_reference(&self) -> bool {
        false
    }

    fn score(&self, _: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let image = alone(self, test, self.crop, SIDE)?;
        let plane = normalised(&whole(&Plane::luma(&image)), Border::Edge);
        let (across, down) = (plane.width / SIDE, plane.height / SIDE);
        let blocks: Vec<Option<f64>> = (0..across * down)
            .into_par_iter()
            .map(|at| distortion(&block(&plane, at % across, at / across)))
            .collect();
        let (sum, count) = blocks.iter().flatten().fold((1.0, 1.0), |(sum, count), v| (sum + v, count + 1.0));
        numeric(self, (100.0 * sum / count).clamp(0.0, 100.0))
    }
}

/// Whole levels, and whole blocks: what is missing of the last ones is mirrored, the outermost pixels repeated.
fn whole(luma: &Plane) -> Plane {
    let [width, height] = [luma.width, luma.height].map(|side| side.next_multiple_of(SIDE));
    let inside = |at: usize, side: usize| if at < side { at } else { 2 * side - 1 - at };
    let rows = (0..height).flat_map(|y| {
        let row = luma.row(inside(y, luma.height));
        (0..width).map(move |x| row[inside(x, luma.width)].round())
    });
    Plane { width, height, data: rows.collect() }
}

type Block = [[f64; SIDE]; SIDE];

fn block(plane: &Plane, column: usize, row: usize) -> Block {
    std::array::from_fn(|y| std::array::from_fn(|x| plane.row(row * SIDE + y)[column * SIDE + x]))
}

/// How spoiled a block is, if it has texture.
fn distortion(block: &Block) -> Option<f64> {
    let variance = variance(block.iter().flatten());
    if variance <= ACTIVE {
        return None;
    }
    let blocky = if has_flat_edge(block) { 1.0 - variance } else { 0.0 };
    let noisy = if is_noise(block, variance.sqrt()) { variance } else { 0.0 };
    Some(blocky + noisy)
}

fn has_flat_edge(block: &Block) -> bool {
    let column = |x: usize| std::array::from_fn(|y| block[y][x]);
    let edges: [[f64; SIDE]; 4] = [block[0], block[SIDE - 1], column(0), column(SIDE - 1)];
    edges.iter().any(|edge| edge.windows(SEGMENT).any(|part| variance(part.iter()).sqrt() < FLAT))
}

/// Whether the middle two columns deviate about as much as the others and that is much, which is so of noise.
fn is_noise(block: &Block, deviation: f64) -> bool {
    let middle = SIDE / 2;
    let centre = block.iter().flat_map(|row| &row[middle - 1..=middle]);
    // As the authors take the middle out, column by column: the second one has moved when it is its turn.
    let around = |row: &'_ [f64; SIDE]| {
        let row = *row;
        (0..SIDE).filter(move |x| *x != middle - 1 && *x != middle + 1).map(move |x| row[x])
    };
    let around: Vec<f64> = block.iter().flat_map(around).collect();
    let ratio = variance(centre).sqrt() / variance(around.iter()).sqrt();
    let ratio = if ratio.is_nan() { 0.0 } else { ratio };
    // Of an infinite ratio this is NaN, which is not noise.
    deviation > 2.0 * (deviation - ratio).abs() / deviation.max(ratio)
}

/// Of a sample: over one less than there are.
fn variance<'a>(values: impl Iterator<Item = &'a f64> + Clone) -> f64 {
    let (sum, count) = values.clone().fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
    let mean: f64 = sum / count;
    values.map(|v| (v - mean) * (v - mean)).sum::<f64>() / (count - 1.0)
}
