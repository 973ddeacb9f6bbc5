//! LPIPS, version 0.1 (Zhang, Isola, Efros, Shechtman, Wang, "The Unreasonable Effectiveness of Deep
//! Features as a Perceptual Metric", CVPR 2018).

use burn::tensor::{Device, Tensor};
use percept_conv::unit_distance;

use super::bands::shallow;
use crate::backbone::{Backbone, BackboneKind, Pooling, Precision, Scaling, Trunk, architecture, constant};
use crate::weights::{WeightError, WeightStore};

/// LPIPS maps images to `[−1, 1]`, shifts them by `(−0.030, −0.088, −0.188)` and divides them by
/// `(0.458, 0.448, 0.450)`. For images in `[0, 1]` these are `(1 + shift) / 2` and `scale / 2`:
/// ImageNet's mean and deviation once more.
const SCALING: Scaling = Scaling { shift: [0.485, 0.456, 0.406], scale: [0.229, 0.224, 0.225] };

/// Added to the squared length of a feature vector, under the root: the gradient stays finite at zero.
pub(crate) const EPSILON: f64 = 1e-10;

/// Ends of VGG16's five stages.
const VGG_TAPS: [&str; 5] = ["relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"];

/// The learned perceptual image patch similarity, as a distance: 0 for equal images, usually below 1. Also the same
/// distance before anything was learned, in which every channel counts alike.
#[derive(Clone, Debug)]
pub struct Lpips {
    pub(crate) name: &'static str,
    pub(crate) protocol: String,
    pub(crate) trunk: Trunk,
    /// Weights of the squared differences, one for each channel of a tap.
    pub(crate) heads: Vec<Tensor<1>>,
    /// Where a map is lightest.
    pub(crate) white: f32,
    /// Whether large images go through the first stages in bands.
    banded: bool,
    pub(crate) device: Device,
}

impl Lpips {
    /// Through AlexNet: the usual choice for scores.
    ///
    /// # Errors
    /// When `alexnet` or `lpips-alexnet` is missing from the store, wrong or broken.
    pub fn alex(store: &WeightStore, device: &Device) -> Result<Self, WeightError> {
        let taps = ["relu1", "relu2", "relu3", "relu4", "relu5"];
        Self::new("lpips-alex", BackboneKind::Alexnet, Some("lpips-alexnet"), taps, store, device)
    }

    /// Through VGG16: the usual choice for losses.
    ///
    /// # Errors
    /// When `vgg16` or `lpips-vgg16` is missing from the store, wrong or broken.
    pub fn vgg(store: &WeightStore, device: &Device) -> Result<Self, WeightError> {
        Self::new("lpips-vgg", BackboneKind::Vgg16, Some("lpips-vgg16"), VGG_TAPS, store, device)
    }

    /// The plain distance in VGG16 (`vgg`): the same without heads, at most 10.
    ///
    /// # Errors
    /// When `vgg16` is missing from the store, wrong or broken.
    pub fn uniform(store: &WeightStore, device: &Device) -> Result<Self, WeightError> {
        Self::new("vgg", BackboneKind::Vgg16, None, VGG_TAPS, store, device)
    }

    fn new(
        name: &'static str,
        kind: BackboneKind,
        heads: Option<&str>,
        taps: [&str; 5],
        store: &WeightStore,
        device: &Device,
    ) -> Result<Self, WeightError> {
        let device = device.clone().inner();
        let architecture = architecture(kind);
        let positions = architecture.named(&taps);
        let weights = store.open(architecture.name)?;
        let trunk = Trunk::new(
            &architecture,
            &positions,
            Pooling::Max,
            SCALING,
            &weights.state,
            Precision::F32,
            &device,
        )?;
        let trunk_hash = weights.short_hash();
        let (heads, protocol, white) = match heads {
            Some(heads) => {
                let learned = store.open(heads)?;
                let heads = trunk.taps().iter().enumerate().map(|(at, tap)| {
                    let (name, shape) = (format!("lin{at}.model.1.weight"), [1, tap.channels, 1, 1]);
                    let head = learned.state.tensor::<4>(&name, shape, &device)?;
                    Ok(head.reshape([tap.channels]))
                });
                let protocol = format!(
                    "LPIPS v0.1, {} trunk sha256 {trunk_hash}, heads sha256 {}, sRGB [0, 1] mapped to [-1, 1], full size, f32",
                    architecture.name,
                    learned.short_hash()
                );
                (heads.collect::<Result<_, WeightError>>()?, protocol, 1.0)
            }
            None => {
                let ones = trunk.taps().iter().map(|tap| Tensor::ones([tap.channels], &device));
                let protocol = format!(
                    "uniform {} distance, trunk sha256 {trunk_hash}, features of unit length at every position, squared differences summed over channels, averaged over positions, summed over {}, no learned weights, full size, f32",
                    architecture.name,
                    taps.join(", ")
                );
                // Unit vectors differ by much where nothing weighs the channels.
                (ones.collect(), protocol, 5.0)
            }
        };
        let banded = kind == BackboneKind::Vgg16;
        Ok(Self { name, protocol, heads, white, trunk, banded, device })
    }

    /// The distance of every image of `a` from the one of `b` at its place: two `[N, H, W, 3]`, sRGB in
    /// `[0, 1]` → `[N]`. Gradients flow to either.
    ///
    /// # Panics
    /// When the shapes differ, or a side is shorter than [`min_side`](Self::min_side).
    pub fn distance(&self, a: Tensor<4>, b: Tensor<4>) -> Tensor<1> {
        let n = a.dims()[0];
        // Sums over positions, and how many positions there are.
        let mut taps: Vec<(Tensor<1>, usize)> = Vec::new();
        let mut add = |stage: usize, a: &Tensor<4>, b: &Tensor<4>| {
            let Some(head) = self.heads.get(stage) else { return };
            let [_, height, width, _] = a.dims();
            let sum = tap_sum(a, b, head);
            match taps.get_mut(stage) {
                Some((all, positions)) => {
                    *all = all.clone() + sum;
                    *positions += height * width;
                }
                None => taps.push((sum, height * width)),
            }
        };
        let (mut a, mut b) = (self.trunk.input(a), self.trunk.input(b));
        let mut first = 0;
        if self.banded {
            ([a, b], first) = (shallow(&self.trunk, [a, b], &mut add), 2);
        }
        for stage in first..self.heads.len() {
            (a, b) = (self.trunk.stage(stage, a), self.trunk.stage(stage, b));
            add(stage, &a, &b);
        }
        let means = taps.into_iter().map(|(sum, positions)| sum.div_scalar(positions as f64));
        means.reduce(|all, tap| all + tap).unwrap_or_else(|| Tensor::zeros([n], &self.device))
    }

    /// The shortest side of an image that the trunk can take.
    pub fn min_side(&self) -> usize {
        self.trunk.min_side()
    }
}

/// `Σ_hw Σ_c w_c (â_c − b̂_c)²` of the features scaled to unit length at every position: `[N]`.
fn tap_sum(a: &Tensor<4>, b: &Tensor<4>, head: &Tensor<1>) -> Tensor<1> {
    let [n, height, width, _] = a.dims();
    let distance = unit_distance(a.clone(), b.clone(), constant(head, a), EPSILON);
    distance.reshape([n, height * width]).sum_dim(1).reshape([n])
}
