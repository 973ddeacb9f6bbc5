//! MS-SWD, a colour difference of whole pictures (He, Wang, Wang, Liu, Fang, Sun, Ma, "Multiscale Sliced Wasserstein Distances as
//! Perceptual Color Difference Measures", ECCV 2024).

use std::f64::consts::PI;
use std::ops::RangeInclusive;

use burn::tensor::{Device, Tensor, TensorData};
use percept_conv::{Conv, conv2d};
use percept_image::colour::srgb_to_linear;
use percept_image::{Better, Cost, Image, Metric, MetricError, Srgb};
use rayon::prelude::*;

use super::score::{checked, finite};

const SCALES: usize = 5;
/// Directions of every scale.
const DIRECTIONS: usize = 128;
/// Side of a patch.
const SIDE: usize = 11;
/// Directions at a time, which bounds the memory.
const AT_A_TIME: usize = 8;
/// Smallest side: at the last scale a patch's half must be there to be mirrored.
const SMALLEST: usize = 81;

/// From linear light with sRGB primaries to CIE XYZ, and D65 white, as the authors have them.
const XYZ: [[f64; 3]; 3] = [
    [10_135_552.0 / 24_577_794.0, 8_788_810.0 / 24_577_794.0, 4_435_075.0 / 24_577_794.0],
    [2_613_072.0 / 12_288_897.0, 8_788_810.0 / 12_288_897.0, 887_015.0 / 12_288_897.0],
    [1_425_312.0 / 73_733_382.0, 8_788_810.0 / 73_733_382.0, 70_074_185.0 / 73_733_382.0],
];
const WHITE: [f64; 3] = [0.950_428_545, 1.0, 1.088_900_371];

/// The mean over scales and directions of the Wasserstein distance between the patches of two pictures in CIELAB, projected on a
/// direction: what colours and patterns there are counts, and where they are does not. 0 for equal pictures.
///
/// The authors draw directions anew in every call. Here they are the same always, so that a score can be repeated.
#[derive(Clone, Debug)]
pub(super) struct MsSwd {
    crop: usize,
    /// For every scale the directions, `[DIRECTIONS, 3, SIDE, SIDE]`, each of length 1.
    directions: Vec<Vec<f32>>,
    device: Device,
}

impl MsSwd {
    /// `crop` pixels cut off each side first.
    pub(super) fn new(crop: usize, device: &Device) -> Self {
        let mut normal = Normal(0);
        let mut direction = || {
            let drawn: Vec<f64> = (0..3 * SIDE * SIDE).map(|_| normal.next()).collect();
            let length = drawn.iter().map(|v| v * v).sum::<f64>().sqrt();
            drawn.into_iter().map(move |v| (v / length) as f32).collect::<Vec<_>>()
        };
        let directions = (0..SCALES).map(|_| (0..DIRECTIONS).flat_map(|_| direction()).collect());
        Self { crop, directions: directions.collect(), device: device.clone().inner() }
    }

    fn at_scale(&self, directions: &[f32], images: [&Image<Srgb>; 2]) -> f64 {
        let [a, b] = images.map(|image| self.lab(image));
        let size = 3 * SIDE * SIDE;
        let parts = directions.chunks(AT_A_TIME * size).map(|part| {
            let count = part.len() / size;
            let weight = TensorData::new(part.to_vec(), [count, 3, SIDE, SIDE]);
            let weight = Tensor::from_data(weight, &self.device);
            let [a, b] = [&a, &b].map(|image| {
                let projected = conv2d(image.clone(), weight.clone(), None, None, Conv::default());
                projected.into_data().iter::<f32>().collect::<Vec<_>>()
            });
            let distance = |at: usize| {
                let sorted = |all: &[f32]| {
                    let mut values: Vec<f32> = all.iter().skip(at).step_by(count).copied().collect();
                    values.sort_unstable_by(f32::total_cmp);
                    values
                };
                let (a, b) = (sorted(&a), sorted(&b));
                let apart = a.iter().zip(&b).map(|(a, b)| f64::from((a - b).abs()));
                apart.sum::<f64>() / a.len() as f64
            };
            (0..count).into_par_iter().map(distance).collect::<Vec<f64>>().into_iter().sum::<f64>()
        });
        parts.sum::<f64>() / DIRECTIONS as f64
    }

    /// CIELAB, mirrored by half a patch at every side: `[1, H + 10, W + 10, 3]`.
    fn lab(&self, image: &Image<Srgb>) -> Tensor<4> {
        let (width, height) = image.size();
        let lab: Vec<[f32; 3]> = image.data().as_chunks().0.par_iter().map(|pixel| lab(*pixel)).collect();
        let (wide, tall) = (width + SIDE - 1, height + SIDE - 1);
        let at = |place: usize, size: usize| mirrored(place as isize - (SIDE / 2) as isize, size);
        let places = (0..tall).flat_map(|y| (0..wide).map(move |x| at(y, height) * width + at(x, width)));
        let data: Vec<f32> = places.filter_map(|place| lab.get(place)).flatten().copied().collect();
        Tensor::from_data(TensorData::new(data, [1, tall, wide, 3]), &self.device)
    }
}

impl Metric for MsSwd {
    fn name(&self) -> &str {
        "ms-swd"
    }

    fn protocol(&self) -> String {
        format!(
            "MS-SWD, {SCALES} scales of sRGB, CIELAB with D65 white, {DIRECTIONS} directions a scale of {SIDE}x{SIDE} patches, drawn once with seed 0, mirrored borders, no learned weights, f32, crop {}",
            self.crop
        )
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=f64::INFINITY
    }

    fn source(&self) -> &str {
        "He, Wang, Wang, Liu, Fang, Sun, Ma, Multiscale Sliced Wasserstein Distances as Perceptual Color Difference Measures, 2024"
    }

    fn cost(&self) -> Cost {
        Cost::Network
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        // Sizes and values; the pictures are cut afterwards.
        checked(self.name(), 1, &self.device, reference, test)?;
        let (width, height) = reference.size();
        let left = |side: usize| side.saturating_sub(2 * self.crop);
        let (width, height) = (left(width), left(height));
        let got = width.min(height);
        if got < SMALLEST {
            let (metric, min, crop) = (self.name().to_string(), SMALLEST, self.crop);
            return Err(MetricError::TooSmall { metric, min, got, crop });
        }
        let mut scaled = [reference, test].map(|image| image.crop(self.crop, self.crop, width, height));
        let mut sum = 0.0;
        for (scale, directions) in self.directions.iter().enumerate() {
            if scale > 0 {
                scaled = scaled.map(|image| halved(&image));
            }
            sum += self.at_scale(directions, [&scaled[0], &scaled[1]]);
        }
        finite(self.name(), Some(sum / SCALES as f64))
    }
}

/// Every second pixel of the picture filtered by 1 4 6 4 1, borders mirrored.
fn halved(image: &Image<Srgb>) -> Image<Srgb> {
    const WEIGHTS: [f32; 5] = [1.0 / 16.0, 4.0 / 16.0, 6.0 / 16.0, 4.0 / 16.0, 1.0 / 16.0];
    let (width, height) = image.size();
    let filtered = |middle: usize, size: usize, value: &dyn Fn(usize) -> f32| {
        let terms = WEIGHTS.iter().enumerate();
        terms
            .map(|(at, weight)| weight * value(mirrored(middle as isize + at as isize - 2, size)))
            .sum::<f32>()
    };
    let along = Image::<Srgb>::from_fn(width.div_ceil(2), height, |x, y, c| {
        filtered(2 * x, width, &|x| image.pixel(x, y)[c])
    });
    Image::from_fn(along.width(), height.div_ceil(2), |x, y, c| {
        filtered(2 * y, height, &|y| along.pixel(x, y)[c])
    })
}

/// A place mirrored at the ends of a line of `size` pixels, whose first and last are not repeated.
fn mirrored(place: isize, size: usize) -> usize {
    let last = size as isize - 1;
    (last - (last - place.abs()).abs()).unsigned_abs()
}

/// CIELAB of one pixel.
fn lab(pixel: [f32; 3]) -> [f32; 3] {
    const DELTA: f64 = 6.0 / 29.0;
    let light = pixel.map(|v| f64::from(srgb_to_linear(v)));
    let [x, y, z] = std::array::from_fn(|k| {
        let t = XYZ[k].iter().zip(light).map(|(weight, v)| weight * v).sum::<f64>() / WHITE[k];
        match t > DELTA.powi(3) {
            true => t.cbrt(),
            false => t / (3.0 * DELTA * DELTA) + 4.0 / 29.0,
        }
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)].map(|v| v as f32)
}

/// Normal numbers: those of SplitMix64 (Steele, Lea, Flood, 2014) by pairs through Box and Muller's formula, of which the cosine is
/// taken. `make_ms_swd.py` has the same.
struct Normal(u64);

impl Normal {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    fn next(&mut self) -> f64 {
        let (radius, angle) = (self.uniform(), self.uniform());
        (-2.0 * (1.0 - radius).ln()).sqrt() * (2.0 * PI * angle).cos()
    }
}
