//! A-DISTS (Ding, Liu, Zou, Wang, Ma, "Locally Adaptive Structure and Texture Similarity for Image Quality Assessment", ACM
//! Multimedia 2021).

use std::ops::RangeInclusive;

use burn::tensor::{Device, Tensor, TensorData};
use percept_conv::{Conv, depthwise_conv2d};
use percept_image::{Better, Cost, Image, Metric, MetricError, Srgb};

use super::score::{checked, finite};
use crate::backbone::{Backbone, Trunk};
use crate::distance::{bands, dists};
use crate::weights::{WeightError, WeightStore};

/// Side of the Gaussian window in positions of each stage; its deviation is a third of it.
const SIDE: usize = 21;

/// Stabilises both similarities.
const C: f64 = 1e-6;

/// Where the dispersion of features becomes that of structure, by stage: the middle and the width of a logistic curve, which the
/// authors fitted to photos of textures.
const CURVES: [(f64, f64); 5] = [(1.0, 0.29), (2.0, 0.52), (2.95, 0.56), (0.97, 0.25), (0.21, 0.10)];

/// Features are compared so many at a time, so that what is computed of them does not fill the memory.
const STRIP: usize = 1 << 19;

/// Structure and texture similarity of VGG16's features in windows, as a distance: 0 for equal images. A window counts for its
/// structure as far as the reference's features vary in it, and else for its texture. Nothing was learned from opinions.
#[derive(Clone, Debug)]
pub(super) struct ADists {
    protocol: String,
    trunk: Trunk,
    device: Device,
}

impl ADists {
    /// Through the bundled VGG16.
    ///
    /// # Errors
    /// When `vgg16` is missing from the store, wrong or broken.
    pub(super) fn new(store: &WeightStore, device: &Device) -> Result<Self, WeightError> {
        let device = device.clone().inner();
        let (trunk, hash) = dists::trunk(store, &device)?;
        let protocol = format!(
            "A-DISTS, vgg16 trunk sha256 {hash}, Gaussian windows of {SIDE} with sigma {}, only where they fit, sRGB [0, 1], full size, not resized, f32",
            SIDE / 3
        );
        Ok(Self { protocol, trunk, device })
    }

    /// The distance of `b` from the reference `a`, both `[1, H, W, 3]`.
    fn distance(&self, a: Tensor<4>, b: Tensor<4>) -> f64 {
        let mut stages: Vec<Windows> = CURVES.map(|curve| Windows::new(Some(curve))).into();
        let images = [self.trunk.input(a.clone()), self.trunk.input(b.clone())];
        let mut add = |stage: usize, a: &Tensor<4>, b: &Tensor<4>| {
            if let Some(windows) = stages.get_mut(stage) {
                windows.add(a, b, None);
            }
        };
        let [mut deep_a, mut deep_b] = bands::shallow(&self.trunk, images, &mut add);
        for stage in bands::STAGES..self.trunk.depth() {
            (deep_a, deep_b) = (self.trunk.stage(stage, deep_a), self.trunk.stage(stage, deep_b));
            add(stage, &deep_a, &deep_b);
        }
        stages.iter_mut().for_each(|windows| windows.end(None));
        // The image itself has as many windows as the first stage, and their structure.
        let mut image = Windows::new(None);
        if let Some(first) = stages.first() {
            let structured = Tensor::cat(first.structured.clone(), 1);
            image.add(&a, &b, Some(&structured));
            image.end(Some(&structured));
        }
        let all = stages.iter().chain([&image]);
        let (sum, channels) = all.fold((0.0, 0), |(sum, channels), windows| {
            (sum + windows.sum / windows.count as f64, channels + windows.channels)
        });
        1.0 - sum / channels as f64
    }
}

impl Metric for ADists {
    fn name(&self) -> &str {
        "a-dists"
    }

    fn protocol(&self) -> String {
        self.protocol.clone()
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=2.0
    }

    fn source(&self) -> &str {
        "Ding, Liu, Zou, Wang, Ma, Locally Adaptive Structure and Texture Similarity for Image Quality Assessment, 2021"
    }

    fn cost(&self) -> Cost {
        Cost::Network
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let [reference, test] = checked(self.name(), self.trunk.min_side(), &self.device, reference, test)?;
        finite(self.name(), Some(self.distance(reference, test)))
    }
}

/// The similarity of a stage's windows, whose features come in from the top a few rows at a time.
struct Windows {
    /// Middle and width of the stage's logistic curve; the image has none.
    curve: Option<(f64, f64)>,
    channels: usize,
    /// The last rows of what [`products`] gives, filtered along the rows: where the next windows begin.
    above: Option<Tensor<4>>,
    /// The features, as long as no window has fitted into them.
    small: Vec<[Tensor<4>; 2]>,
    /// Similarities summed over windows and channels.
    sum: f64,
    /// Windows.
    count: usize,
    /// How far every window is structure, `[1, rows, columns, 1]` each.
    structured: Vec<Tensor<4>>,
}

impl Windows {
    fn new(curve: Option<(f64, f64)>) -> Self {
        let (above, small, structured) = (None, Vec::new(), Vec::new());
        Self { curve, channels: 0, above, small, sum: 0.0, count: 0, structured }
    }

    /// With the rows below those that came before; `structured` says how far each window of the image is structure.
    fn add(&mut self, a: &Tensor<4>, b: &Tensor<4>, structured: Option<&Tensor<4>>) {
        let [_, height, width, channels] = a.dims();
        self.channels = channels;
        let rows = (STRIP / (width * channels)).max(1);
        let along = gaussian(&a.device(), 5 * channels, [1, SIDE]);
        let down = gaussian(&a.device(), 5 * channels, [SIDE, 1]);
        let filtered =
            |x: Tensor<4>, weight: &Tensor<4>| depthwise_conv2d(x, weight.clone(), None, Conv::default());
        for start in (0..height).step_by(rows) {
            let rows = rows.min(height - start);
            let [a, b] = [a, b].map(|features| features.clone().narrow(1, start, rows));
            if self.count == 0 {
                self.small.push([a.clone(), b.clone()]);
            }
            if width < SIDE {
                continue;
            }
            let mut strip = filtered(products(&a, &b), &along);
            if let Some(above) = self.above.take() {
                strip = Tensor::cat(vec![above, strip], 1);
            }
            let tall = strip.dims()[1];
            if tall >= SIDE {
                self.small.clear();
                self.compare(filtered(strip.clone(), &down), structured);
            }
            let kept = tall.min(SIDE - 1);
            self.above = Some(strip.narrow(1, tall - kept, kept));
        }
    }

    /// Where no window has fitted, all features are one.
    fn end(&mut self, structured: Option<&Tensor<4>>) {
        if self.count == 0 {
            let side = |at: usize| self.small.iter().map(|pair| pair[at].clone()).collect::<Vec<_>>();
            let [a, b] = [0, 1].map(|at| Tensor::cat(side(at), 1));
            self.compare(products(&a, &b).mean_dim(1).mean_dim(2), structured);
        }
    }

    /// Adds windows, which come in order; `means` are those of [`products`] in each.
    fn compare(&mut self, means: Tensor<4>, structured: Option<&Tensor<4>>) {
        let [_, rows, columns, _] = means.dims();
        let part = |at: usize| means.clone().narrow(3, at * self.channels, self.channels);
        let (mean_a, mean_b) = (part(0), part(1));
        let squares = [mean_a.clone().square(), mean_b.clone().square()];
        let product = mean_a.clone() * mean_b;
        // What rounding leaves of flat features is neither below 0 nor more alike than it varies.
        let [variance_a, variance_b] = [(2, &squares[0]), (3, &squares[1])]
            .map(|(at, square)| (part(at) - square.clone()).clamp_min(0.0));
        let most = (variance_a.clone() * variance_b.clone()).sqrt();
        let covariance = (part(4) - product.clone()).min_pair(most.clone()).max_pair(most.neg());
        let structured = match (self.curve, structured) {
            (Some((middle, width)), _) => {
                let dispersion = variance_a.clone() / mean_a.add_scalar(1e-12);
                let dispersion = dispersion.mean_dim(3).sub_scalar(middle).div_scalar(width);
                burn::tensor::activation::sigmoid(dispersion)
            }
            (None, Some(structured)) => structured.clone().narrow(1, self.count / columns, rows),
            (None, None) => Tensor::ones([1, rows, columns, 1], &means.device()),
        };
        let [square_a, square_b] = squares;
        let texture = product.mul_scalar(2.0).add_scalar(C) / (square_a + square_b).add_scalar(C);
        let structure = covariance.mul_scalar(2.0).add_scalar(C) / (variance_a + variance_b).add_scalar(C);
        let [texture, structure] = [texture, structure].map(|similarity| similarity.sum_dim(3));
        let similarity = texture.clone() + (structure - texture) * structured.clone();
        self.sum += similarity.into_data().iter::<f32>().map(f64::from).sum::<f64>();
        self.count += rows * columns;
        self.structured.push(structured);
    }
}

/// The features of both images, their squares and their products, one after the other: `[1, H, W, 5 · C]`.
fn products(a: &Tensor<4>, b: &Tensor<4>) -> Tensor<4> {
    let (squares, product) = ([a, b].map(|x| x.clone().square()), a.clone() * b.clone());
    let [square_a, square_b] = squares;
    Tensor::cat(vec![a.clone(), b.clone(), square_a, square_b, product], 3)
}

/// Weights of a window's rows or columns, `[C, 1, kh, kw]`.
fn gaussian(device: &Device, channels: usize, [down, along]: [usize; 2]) -> Tensor<4> {
    let deviation = SIDE as f64 / 3.0;
    let weight = |at: usize| (-(at as f64 - (SIDE / 2) as f64).powi(2) / (2.0 * deviation.powi(2))).exp();
    let weights: Vec<f64> = (0..SIDE).map(weight).collect();
    let sum: f64 = weights.iter().sum();
    let weights: Vec<f32> = weights.iter().map(|weight| (weight / sum) as f32).collect();
    Tensor::from_data(TensorData::new(weights.repeat(channels), [channels, 1, down, along]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bands of any height give the windows of the whole, also where no window fits.
    #[test]
    fn windows_of_bands_are_those_of_the_whole() {
        let device = Device::flex();
        let image = |height: usize, width: usize, shift: usize| {
            let value = |at: usize| ((at * 7919 + shift) % 101) as f32 / 101.0;
            let data: Vec<f32> = (0..height * width * 2).map(value).collect();
            Tensor::<4>::from_data(TensorData::new(data, [1, height, width, 2]), &device)
        };
        for (height, width) in [(50, 30), (21, 21), (20, 30), (40, 20), (3, 2)] {
            let (a, b) = (image(height, width, 0), image(height, width, 40));
            let found = |rows: usize| {
                let mut windows = Windows::new(Some((1.0, 0.3)));
                for start in (0..height).step_by(rows) {
                    let rows = rows.min(height - start);
                    let [a, b] = [&a, &b].map(|x| x.clone().narrow(1, start, rows));
                    windows.add(&a, &b, None);
                }
                windows.end(None);
                let structured = Tensor::cat(windows.structured, 1);
                (windows.sum, windows.count, structured.into_data().try_into_vec::<f32>().unwrap())
            };
            let whole = found(height);
            let fits = height >= SIDE && width >= SIDE;
            assert_eq!(whole.1, if fits { (height - SIDE + 1) * (width - SIDE + 1) } else { 1 });
            for rows in [1, 7, 20, 32] {
                let bands = found(rows);
                assert!(
                    (bands.0 - whole.0).abs() < 1e-5 * whole.0.abs(),
                    "{height} {rows}: {} {}",
                    bands.0,
                    whole.0
                );
                assert_eq!(bands.1, whole.1);
                let most = bands.2.iter().zip(&whole.2).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                assert!(most < 1e-5 && bands.2.len() == whole.2.len(), "{height} {rows}: {most}");
            }
        }
    }
}
