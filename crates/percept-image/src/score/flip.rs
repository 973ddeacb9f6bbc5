//! FLIP: what is seen when two pictures are flipped back and forth.

use std::f64::consts::PI;
use std::ops::RangeInclusive;

use rayon::prelude::*;

use super::filter::{Border, separable};
use super::lab::{cube_root, light};
use super::plane::Plane;
use super::{numeric, pair};
use crate::{Better, Cost, Difference, Image, Metric, MetricError, Spatial, Srgb};

/// Pixels a degree of visual angle: a screen of 3840 pixels and 0.7 m, seen from 0.7 m.
const PIXELS_PER_DEGREE: f64 = 3840.0 * PI / 180.0;
/// Contrast sensitivity of the three channels: sums of Gaussians `a √(π/b) exp(−π² x²/b)`.
const SENSITIVITY: [&[[f64; 2]]; 3] = [&[[1.0, 0.0047]], &[[1.0, 0.0053]], &[[34.1, 0.04], [13.5, 0.025]]];
/// The widest b of these.
const WIDEST: f64 = 0.04;
/// Width of the human detector of edges and points, in degrees.
const FEATURE: f64 = 0.082;
/// The papers' exponents of colours and of features, and where colour errors are compressed.
const QC: f64 = 0.7;
const QF: f64 = 0.5;
const PC: f64 = 0.4;
const PT: f64 = 0.95;
/// From linear light with sRGB primaries to CIE XYZ, each relative to D65 white, and back to light from XYZ as it is.
const XYZ: [[f64; 3]; 3] = [
    [10_135_552.0 / 24_577_794.0, 8_788_810.0 / 24_577_794.0, 4_435_075.0 / 24_577_794.0],
    [2_613_072.0 / 12_288_897.0, 8_788_810.0 / 12_288_897.0, 887_015.0 / 12_288_897.0],
    [1_425_312.0 / 73_733_382.0, 8_788_810.0 / 73_733_382.0, 70_074_185.0 / 73_733_382.0],
];
const LIGHT: [[f64; 3]; 3] = [
    [3.241_003_275, -1.537_398_934, -0.498_615_861],
    [-0.969_224_334, 1.875_930_071, 0.041_554_224],
    [0.055_639_423, -0.204_011_202, 1.057_148_933],
];
const WHITE: [f64; 3] = [0.950_428_545, 1.0, 1.088_900_371];

/// FLIP (Andersson, Nilsson, Akenine-Möller, Oskarsson, Åström, Fairchild, *FLIP: A Difference Evaluator for Alternating
/// Images*, 2020) of pictures of low dynamic range: the mean of the differences in colour and in edges and points that people see
/// when the two are shown in turn (`flip`), on a screen of 67 pixels a degree. 0 for equal images, at most 1. Values beyond
/// the range are clamped, as its definition says.
#[derive(Clone, Debug)]
pub struct Flip {
    crop: usize,
}

impl Flip {
    /// With `crop` pixels cut off each side first.
    pub fn new(crop: usize) -> Self {
        Self { crop }
    }
}

impl Metric for Flip {
    fn name(&self) -> &str {
        "flip"
    }

    fn protocol(&self) -> String {
        format!(
            "FLIP, LDR, 67.02 pixels a degree, mean over pixels, sRGB clamped to its range, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=1.0
    }

    fn source(&self) -> &str {
        "Andersson, Nilsson, Akenine-Möller, Oskarsson, Åström, Fairchild, FLIP: A Difference Evaluator for Alternating Images, 2020"
    }

    fn cost(&self) -> Cost {
        Cost::Medium
    }

    fn spatial(&self) -> Option<&dyn Spatial> {
        Some(self)
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, 1)?;
        let rows: Vec<f64> = differences(&a, &b).map(|row| row.map(f64::from).sum::<f64>()).collect();
        numeric(self, rows.iter().sum::<f64>() / (a.width() * a.height()) as f64)
    }
}

/// FLIP's own map, whose mean is the score.
impl Spatial for Flip {
    fn map(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<Image<Difference>, MetricError> {
        let (a, b) = pair(self, (reference, test), self.crop, 1)?;
        let rows: Vec<Vec<f32>> = differences(&a, &b).map(Iterator::collect).collect();
        Ok(Image::from_parts(a.width(), a.height(), rows.concat()))
    }

    fn white(&self) -> f32 {
        1.0
    }
}

/// The difference at every pixel, row by row.
fn differences(
    a: &Image<Srgb>,
    b: &Image<Srgb>,
) -> impl IndexedParallelIterator<Item = impl Iterator<Item = f32> + use<>> + use<> {
    let (a, b) = (Seen::of(a), Seen::of(b));
    let corner = |colour: [f64; 3]| hunt(relative(colour));
    let most = hyab(corner([0.0, 1.0, 0.0]), corner([0.0, 0.0, 1.0])).powf(QC);
    (0..a.luma.height).into_par_iter().map(move |y| {
        let colours = a.colours(y).into_iter().zip(b.colours(y)).map(move |(a, b)| {
            let error = hyab(a, b).powf(QC);
            match error < PC * most {
                true => PT / (PC * most) * error,
                false => PT + (error - PC * most) / (most - PC * most) * (1.0 - PT),
            }
        });
        let features = a.features(y).into_iter().zip(b.features(y)).map(|(a, b)| {
            let larger = (a[0] - b[0]).abs().max((a[1] - b[1]).abs());
            (larger * std::f64::consts::FRAC_1_SQRT_2).powf(QF)
        });
        let both: Vec<f32> =
            colours.zip(features).map(|(colour, feature)| colour.powf(1.0 - feature) as f32).collect();
        both.into_iter()
    })
}

/// What is seen of a picture.
struct Seen {
    /// Y, Cx and Cz as far as the eye resolves them.
    opponent: [Plane<f32>; 3],
    /// Relative luminance: to be replaced by what detectors make of it.
    luma: Plane<f32>,
    /// Across and down: edges, then points.
    features: [Plane<f32>; 4],
}

impl Seen {
    fn of(image: &Image<Srgb>) -> Self {
        let (width, height) = image.size();
        let pixels: Vec<[f32; 3]> = image
            .data()
            .as_chunks::<3>()
            .0
            .par_iter()
            .map(|pixel| {
                opponent(relative(light(pixel.map(|v| v.clamp(0.0, 1.0))).map(f64::from))).map(|v| v as f32)
            })
            .collect();
        let channel = |c: usize| {
            let data = pixels.par_iter().map(|pixel| pixel[c]).collect();
            Plane { width, height, data }
        };
        let reach = (3.0 * (WIDEST / (2.0 * PI * PI)).sqrt() * PIXELS_PER_DEGREE).ceil() as i32;
        let luma = channel(0);
        let opponent = std::array::from_fn(|c| sensed(&channel(c), SENSITIVITY[c], reach));
        let [blur, edge, point] = detectors();
        let detect = |across: &[f32], down: &[f32]| separable(&luma, [across, down], Border::Edge, 1);
        let features =
            [detect(&edge, &blur), detect(&blur, &edge), detect(&point, &blur), detect(&blur, &point)];
        Self { opponent, luma, features }
    }

    /// Colours of a row, Hunt-adjusted, as they look on a screen.
    fn colours(&self, y: usize) -> Vec<[f64; 3]> {
        let [luma, cx, cz] = [0, 1, 2].map(|c| self.opponent[c].row(y));
        let pixels = luma.iter().zip(cx).zip(cz);
        pixels
            .map(|((luma, cx), cz)| {
                let [luma, cx, cz] = [luma, cx, cz].map(|v| f64::from(*v));
                let y = (luma + 16.0) / 116.0;
                let xyz = [y + cx / 500.0, y, y - cz / 200.0];
                let light = LIGHT.map(|row| (0..3).map(|k| row[k] * xyz[k] * WHITE[k]).sum::<f64>());
                hunt(relative(light.map(|v| v.clamp(0.0, 1.0))))
            })
            .collect()
    }

    /// How strongly edges and points are seen along a row.
    fn features(&self, y: usize) -> Vec<[f64; 2]> {
        let [ex, ey, px, py] = [0, 1, 2, 3].map(|k| self.features[k].row(y));
        let edges = ex.iter().zip(ey).map(|(x, y)| f64::from(x.hypot(*y)));
        let points = px.iter().zip(py).map(|(x, y)| f64::from(x.hypot(*y)));
        edges.zip(points).map(|(edge, point)| [edge / 116.0, point / 116.0]).collect()
    }
}

/// A channel through the contrast sensitivity: Gaussians, each normalised, weighted by its share of the whole filter.
fn sensed(channel: &Plane<f32>, gaussians: &[[f64; 2]], reach: i32) -> Plane<f32> {
    let taps = |b: f64| -> Vec<f64> {
        (-reach..=reach).map(|x| (-(PI * f64::from(x) / PIXELS_PER_DEGREE).powi(2) / b).exp()).collect()
    };
    let volume = |[a, b]: [f64; 2]| a * (PI / b).sqrt() * taps(b).iter().sum::<f64>().powi(2);
    let whole: f64 = gaussians.iter().map(|gaussian| volume(*gaussian)).sum();
    let parts = gaussians.iter().map(|[a, b]| {
        let taps = taps(*b);
        let sum: f64 = taps.iter().sum();
        let across: Vec<f32> = taps.iter().map(|tap| (tap / sum) as f32).collect();
        let down: Vec<f32> = across.iter().map(|tap| tap * (volume([*a, *b]) / whole) as f32).collect();
        separable(channel, [&across, &down], Border::Edge, 1)
    });
    let sum = parts.reduce(|mut sum, part| {
        sum.data.iter_mut().zip(&part.data).for_each(|(sum, v)| *sum += v);
        sum
    });
    sum.unwrap_or_else(|| channel.clone())
}

/// The detector's Gaussian, and its first and second derivative, each of whose sides sums to 1.
fn detectors() -> [Vec<f32>; 3] {
    let sigma = 0.5 * FEATURE * PIXELS_PER_DEGREE;
    let reach = (3.0 * sigma).ceil() as i32;
    let taps = |weight: &dyn Fn(f64) -> f64| -> Vec<f32> {
        let taps = (-reach..=reach).map(|x| {
            let x = f64::from(x) / sigma;
            weight(x) * (-0.5 * x * x).exp()
        });
        let taps: Vec<f64> = taps.collect();
        let above: f64 = taps.iter().filter(|v| **v > 0.0).sum();
        let below: f64 = -taps.iter().filter(|v| **v < 0.0).sum::<f64>();
        taps.iter()
            .map(|v| (v / if *v > 0.0 { above } else { below.max(f64::MIN_POSITIVE) }) as f32)
            .collect()
    };
    [taps(&|_| 1.0), taps(&|x| -x), taps(&|x| x * x - 1.0)]
}

/// XYZ of linear light, relative to white.
fn relative(light: [f64; 3]) -> [f64; 3] {
    std::array::from_fn(|k| XYZ[k].iter().zip(light).map(|(weight, v)| weight * v).sum::<f64>() / WHITE[k])
}

/// YCxCz, a linear space of opponent colours.
fn opponent([x, y, z]: [f64; 3]) -> [f64; 3] {
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// CIELAB with less colour in the dark, as Hunt found.
fn hunt(xyz: [f64; 3]) -> [f64; 3] {
    const DELTA: f64 = 6.0 / 29.0;
    let curve = |t: f64| match t > DELTA * DELTA * DELTA {
        true => cube_root(t),
        false => t / (3.0 * DELTA * DELTA) + 4.0 / 29.0,
    };
    let [l, a, b] = opponent(xyz.map(curve));
    [l, 0.01 * l * a, 0.01 * l * b]
}

/// City-block distance of lightness and Euclidean distance of colour, added.
fn hyab(a: [f64; 3], b: [f64; 3]) -> f64 {
    (a[0] - b[0]).abs() + (a[1] - b[1]).hypot(a[2] - b[2])
}
