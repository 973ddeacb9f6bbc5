//! SSIMULACRA 2.

use std::ops::RangeInclusive;

use rayon::prelude::*;

use super::filter::moments;
use super::lab::{cube_root, light};
use super::plane::{Outside, Plane};
use super::{numeric, pair};
use crate::{Better, Cost, Image, Metric, MetricError, Srgb};

const SCALES: usize = 6;
/// There is a next scale while this one's shorter side has so many pixels.
const MIN_SIDE: usize = 8;
/// From linear light with sRGB primaries to what cones take in, and what they take in of nothing.
const CONES: [[f64; 3]; 3] = [
    [0.30, 0.622, 0.078],
    [0.23, 0.692, 0.078],
    [0.243_422_689_245_478_2, 0.204_767_444_244_968_2, 0.551_809_866_509_553_6],
];
const BIAS: f64 = 0.003_793_073_255_275_449_3;
/// Stabilises the structure.
const C2: f64 = 0.0009;
/// A Gaussian of σ 1.5 by truncated cosines (Charalampidis, 2016), which is what the authors' recursion computes; beyond the edge
/// are zeros.
const WINDOW: [f64; 2 * REACH + 1] = {
    let [a, b, c, d, e] = [
        0.264_621_105_488_198_5,
        0.212_928_592_010_422_2,
        0.109_335_372_777_460_3,
        0.036_011_114_658_364_4,
        0.009_414_367_809_653_74,
    ];
    [e, d, c, b, a, b, c, d, e]
};
const REACH: usize = 4;
/// What differs: structure, edges that were not there, and edges that are lost.
const KINDS: usize = 3;
/// Weights by channel, scale, norm (1, then 4) and kind.
#[rustfmt::skip]
const WEIGHTS: [[[[f64; KINDS]; 2]; SCALES]; 3] = [
    [
        [[0.0, 0.000_737_660_670_740_658_6, 0.0], [0.0, 0.000_779_348_168_286_730_9, 0.0]],
        [[0.0, 0.000_437_115_573_010_737_9, 0.0], [1.104_172_642_665_734_6, 0.000_662_848_341_292_71, 0.000_152_316_327_837_187_52]],
        [[0.0, 0.001_640_643_745_659_975_4, 0.0], [1.842_245_552_053_929_8, 11.441_172_603_757_666, 0.0]],
        [[0.000_798_910_943_601_516_3, 0.000_176_816_438_078_653, 0.0], [1.878_759_497_954_638_7, 10.949_069_906_051_42, 0.0]],
        [[0.000_728_934_699_150_807_2, 0.967_793_708_062_683_3, 0.0], [0.000_140_034_242_854_358_84, 0.998_176_697_785_496_7, 0.000_319_497_559_344_350_53]],
        [[0.000_455_099_211_379_206_3, 0.0, 0.0], [0.001_364_876_616_324_339_8, 0.0, 0.0]],
    ],
    [
        [[0.0, 0.0, 0.0], [7.466_890_328_078_848, 0.0, 17.445_833_984_131_262]],
        [[0.000_623_560_163_404_146_6, 0.0, 0.0], [6.683_678_146_179_332, 0.000_377_244_079_796_112_96, 1.027_889_937_768_264]],
        [[225.205_153_008_492_74, 0.0, 0.0], [19.213_238_186_143_016, 0.001_140_152_458_661_836_1, 0.001_237_755_635_509_985]],
        [[176.393_175_984_506_94, 0.0, 0.0], [24.433_009_998_704_76, 0.285_208_026_121_177_57, 0.000_448_543_692_383_340_8]],
        [[0.0, 0.0, 0.0], [34.779_063_444_837_72, 44.835_625_328_877_896, 0.0]],
        [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]],
    ],
    [
        [[0.0, 0.000_868_055_657_329_169_8, 0.0], [0.0, 0.0, 0.0]],
        [[0.0, 0.000_531_319_187_435_874_7, 0.0], [0.000_165_338_141_613_791_12, 0.0, 0.0]],
        [[0.0, 0.0, 0.0], [0.000_417_917_180_325_133_6, 0.001_729_082_823_472_283_3, 0.0]],
        [[0.002_082_700_584_663_643_7, 0.0, 0.0], [8.826_982_764_996_862, 23.192_433_439_989_26, 0.0]],
        [[95.108_049_881_108_6, 0.986_397_803_440_068_2, 0.983_438_279_246_535_3], [0.001_228_640_504_827_849_3, 171.266_725_589_730_7, 0.980_785_887_243_537_9]],
        [[0.0, 0.0, 0.0], [0.000_513_006_458_899_067_9, 0.0, 0.000_108_540_578_584_115_37]],
    ],
];

/// SSIMULACRA 2 (Sneyers, *SSIMULACRA 2: Structural SIMilarity Unveiling Local And Compression Related Artifacts*, 2022; version
/// 2.1): structure, and edges that were invented or lost, at six scales of the colour space XYB, weighted to agree with people on
/// compressed photos (`ssimulacra2`). 100 for equal images, about 90 where no difference is seen, 70 for high quality, below 0
/// for very bad ones. Not symmetric. Needs 8 pixels a side.
///
/// Of pictures below 113 pixels a side it has fewer scales, whose weights are then the first ones in the authors' list, as in
/// their tool: compare such numbers only with those of pictures of about the same size.
#[derive(Clone, Debug)]
pub struct Ssimulacra2 {
    crop: usize,
}

impl Ssimulacra2 {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }
}

impl Metric for Ssimulacra2 {
    fn name(&self) -> &str {
        "ssimulacra2"
    }

    fn protocol(&self) -> String {
        format!(
            "SSIMULACRA 2.1, sRGB, 6 scales from full size (fewer below 113 pixels a side), zeros outside, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Higher
    }

    fn range(&self) -> RangeInclusive<f64> {
        f64::NEG_INFINITY..=100.0
    }

    fn source(&self) -> &str {
        "Sneyers, SSIMULACRA 2: Structural SIMilarity Unveiling Local And Compression Related Artifacts, 2022"
    }

    fn cost(&self) -> Cost {
        Cost::Medium
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, MIN_SIDE)?;
        let (mut a, mut b) = (linear(&a), linear(&b));
        let mut scales = Vec::new();
        loop {
            let (seen_a, seen_b) = (xyb(&a), xyb(&b));
            scales.push([0, 1, 2].map(|c| norms(&seen_a[c], &seen_b[c])));
            if scales.len() == SCALES || a[0].width.min(a[0].height) < MIN_SIDE {
                break;
            }
            let next = |planes: &[Plane; 3]| planes.each_ref().map(|plane| plane.halved(Outside::Edge));
            (a, b) = (next(&a), next(&b));
        }
        let values = (0..3).flat_map(|c| scales.iter().flat_map(move |scale| scale[c]).flatten());
        let weights = WEIGHTS.as_flattened().as_flattened().as_flattened();
        let sum: f64 = values.zip(weights).map(|(value, weight)| weight * value).sum();
        let sum = 0.956_238_261_683_484_4 * sum;
        let sum = ((6.248_496_625_763_138e-5 * sum - 0.020_884_521_182_843_837) * sum
            + 2.326_765_642_916_932)
            * sum;
        // Not `max`: that would turn a NaN into 0.
        let sum = if sum < 0.0 { 0.0 } else { sum };
        numeric(self, 100.0 - 10.0 * sum.powf(0.627_633_646_783_138_7))
    }
}

/// Red, green and blue as linear light.
fn linear(image: &Image<Srgb>) -> [Plane; 3] {
    let (width, height) = image.size();
    let pixels: Vec<[f32; 3]> = image.data().as_chunks().0.par_iter().map(|pixel| light(*pixel)).collect();
    [0, 1, 2].map(|c| Plane { width, height, data: pixels.iter().map(|pixel| f64::from(pixel[c])).collect() })
}

/// The three channels of XYB, shifted to be positive, with zeros around them as far as the window reaches.
fn xyb(light: &[Plane; 3]) -> [Plane; 3] {
    let (width, height) = (light[0].width + 2 * REACH, light[0].height + 2 * REACH);
    let mut planes = [(); 3].map(|()| Plane { width, height, data: vec![0.0; width * height] });
    let dark = BIAS.cbrt();
    let inside = REACH * width..(height - REACH) * width;
    let [x_rows, y_rows, b_rows] =
        planes.each_mut().map(|plane| plane.data[inside.clone()].par_chunks_exact_mut(width));
    x_rows.zip(y_rows).zip(b_rows).enumerate().for_each(|(y, ((x_row, y_row), b_row))| {
        let rows = light.each_ref().map(|plane| plane.row(y));
        for (at, ((x_out, y_out), b_out)) in x_row[REACH..]
            .iter_mut()
            .zip(&mut y_row[REACH..])
            .zip(&mut b_row[REACH..])
            .take(rows[0].len())
            .enumerate()
        {
            let [l, m, s] = CONES.map(|weights| {
                let taken: f64 =
                    weights.iter().zip(rows).map(|(weight, row)| weight * row[at]).sum::<f64>() + BIAS;
                if taken > 0.0 { cube_root(taken) - dark } else { -dark }
            });
            let (opponent, bright) = (0.5 * (l - m), 0.5 * (l + m));
            *x_out = 14.0 * opponent + 0.42;
            *y_out = bright + 0.01;
            *b_out = s - bright + 0.55;
        }
    });
    planes
}

/// Of each kind of difference in a channel the mean, then the fourth root of the mean fourth power.
fn norms(a: &Plane, b: &Plane) -> [[f64; KINDS]; 2] {
    let rows = moments(a, b, &WINDOW, |y, row| {
        let (a, b) = (&a.row(y + REACH)[REACH..], &b.row(y + REACH)[REACH..]);
        let mut sums = [[0.0; KINDS]; 2];
        for x in 0..row.product.len() {
            let [ma, mb] = [0, 1].map(|k| row.mean[k][x]);
            let structure = 2.0 * (row.product[x] - ma * mb) + C2;
            let contrast = (row.square[0][x] - ma * ma) + (row.square[1][x] - mb * mb) + C2;
            let differs = 1.0 - (1.0 - (ma - mb) * (ma - mb)) * structure / contrast;
            let edge = (1.0 + (b[x] - mb).abs()) / (1.0 + (a[x] - ma).abs()) - 1.0;
            for (k, v) in [differs, edge, -edge].into_iter().enumerate() {
                // Not `max`: that would turn a NaN into 0.
                let v = if v < 0.0 { 0.0 } else { v };
                sums[0][k] += v;
                sums[1][k] += v * v * v * v;
            }
        }
        sums
    });
    let count = ((a.width - 2 * REACH) * (a.height - 2 * REACH)) as f64;
    let mean = |norm: usize, k: usize| rows.iter().map(|row| row[norm][k]).sum::<f64>() / count;
    [std::array::from_fn(|k| mean(0, k)), std::array::from_fn(|k| mean(1, k).sqrt().sqrt())]
}
