//! DISTS (Ding, Ma, Wang, Simoncelli, "Image Quality Assessment: Unifying Structure and Texture
//! Similarity", TPAMI 2020).

use burn::tensor::{Device, Tensor};

use super::bands::shallow;
use super::strips::sum_over_rows;
use crate::backbone::{Backbone, BackboneKind, Pooling, Precision, Scaling, Trunk, architecture, constant};
use crate::weights::{WeightError, WeightStore};

/// Ends of VGG16's five stages.
const TAPS: [&str; 5] = ["relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3"];

/// Stabilises both similarities (`c1 = c2`).
const C: f64 = 1e-6;

/// Structure and texture similarity in VGG16 with L2 pooling, as a distance: 0 for equal images, at most
/// about 1. The image itself counts as the first stage.
#[derive(Clone, Debug)]
pub struct Dists {
    pub(crate) protocol: String,
    pub(crate) trunk: Trunk,
    /// Weights of texture (`alpha`) and structure (`beta`) by stage, `[1, C]` each; all together sum to 1.
    weights: Vec<[Tensor<2>; 2]>,
    pub(crate) device: Device,
}

impl Dists {
    /// With the published weights.
    ///
    /// # Errors
    /// When `vgg16` or `dists` is missing from the store, wrong or broken.
    pub fn new(store: &WeightStore, device: &Device) -> Result<Self, WeightError> {
        let device = device.clone().inner();
        let (trunk, hash) = trunk(store, &device)?;
        let dists = store.open("dists")?;
        let channels: Vec<usize> =
            std::iter::once(3).chain(trunk.taps().iter().map(|tap| tap.channels)).collect();
        let all: usize = channels.iter().sum();
        let shape = [1, all, 1, 1];
        let load = |name| Ok(dists.state.tensor::<4>(name, shape, &device)?.reshape([1, all]));
        let (alpha, beta): (Tensor<2>, Tensor<2>) = (load("alpha")?, load("beta")?);
        let sum = (alpha.clone().sum() + beta.clone().sum()).reshape([1, 1]);
        let mut start = 0;
        let weights = channels.iter().map(|channels| {
            let part = |all: &Tensor<2>| all.clone().narrow(1, start, *channels) / sum.clone();
            let parts = [part(&alpha), part(&beta)];
            start += channels;
            parts
        });
        let protocol = format!(
            "DISTS, vgg16 trunk sha256 {}, weights sha256 {}, sRGB [0, 1], full size, not resized, f32",
            hash,
            dists.short_hash()
        );
        Ok(Self { protocol, weights: weights.collect(), trunk, device })
    }

    /// The distance of every image of `a` from the one of `b` at its place: two `[N, H, W, 3]`, sRGB in
    /// `[0, 1]` → `[N]`. Gradients flow to either.
    ///
    /// # Panics
    /// When the shapes differ or a side is 0.
    pub fn distance(&self, a: Tensor<4>, b: Tensor<4>) -> Tensor<1> {
        let n = a.dims()[0];
        // The first stage is the image as it is; the next one starts from it normalised.
        let mut stages = vec![Moments::of(&a, &b)];
        let mut add = |stage: usize, a: &Tensor<4>, b: &Tensor<4>| {
            let part = Moments::of(a, b);
            match stages.get_mut(stage + 1) {
                Some(moments) => *moments = moments.joined(&part),
                None => stages.push(part),
            }
        };
        let (a, b) = (self.trunk.input(a), self.trunk.input(b));
        let [mut a, mut b] = shallow(&self.trunk, [a, b], &mut add);
        for stage in 2..self.trunk.depth() {
            (a, b) = (self.trunk.stage(stage, a), self.trunk.stage(stage, b));
            add(stage, &a, &b);
        }
        let similarities =
            stages.iter().zip(&self.weights).map(|(moments, weights)| moments.similarity(weights));
        let similarity = similarities.reduce(|all, stage| all + stage);
        similarity.unwrap_or_else(|| Tensor::ones([n], &self.device)).neg().add_scalar(1.0)
    }

    /// The shortest side of an image that the trunk can take.
    pub fn min_side(&self) -> usize {
        self.trunk.min_side()
    }
}

/// VGG16 with L2 pooling, cut at the ends of its stages, and the short hash of its weights.
pub(crate) fn trunk(store: &WeightStore, device: &Device) -> Result<(Trunk, String), WeightError> {
    let architecture = architecture(BackboneKind::Vgg16);
    let vgg = store.open(architecture.name)?;
    let positions = architecture.named(&TAPS);
    let trunk = Trunk::new(
        &architecture,
        &positions,
        Pooling::L2,
        Scaling::IMAGENET,
        &vgg.state,
        Precision::F32,
        device,
    )?;
    Ok((trunk, vgg.short_hash().to_string()))
}

/// What a stage's features of both images have in common, channel by channel: all `[N, C]`.
struct Moments {
    /// Positions.
    count: f64,
    means: [Tensor<2>; 2],
    /// Squared deviations of both from their means, and the products of the two, summed over positions. Around the means
    /// no digits are lost where a channel is nearly constant.
    sums: [Tensor<2>; 3],
}

impl Moments {
    fn of(a: &Tensor<4>, b: &Tensor<4>) -> Self {
        let [n, height, width, channels] = a.dims();
        let mean = |x: &Tensor<4>| x.clone().mean_dim(1).mean_dim(2);
        let (mean_a, mean_b) = (mean(a), mean(b));
        let sums = sum_over_rows(a, b, |a, b| {
            let (a, b) = (a - mean_a.clone(), b - mean_b.clone());
            let sum = |x: Tensor<4>| x.sum_dim(1).sum_dim(2);
            Tensor::cat(vec![sum(a.clone().square()), sum(b.clone().square()), sum(a * b)], 3)
        });
        let sums = sums.reshape([n, 3 * channels]);
        Self {
            count: (height * width) as f64,
            means: [mean_a, mean_b].map(|mean| mean.reshape([n, channels])),
            sums: [0, 1, 2].map(|at| sums.clone().narrow(1, at * channels, channels)),
        }
    }

    /// Those of the positions of both (Chan, Golub, LeVeque, "Algorithms for computing the sample variance", 1983).
    fn joined(&self, other: &Self) -> Self {
        let count = self.count + other.count;
        let share = other.count / count;
        let apart = [0, 1].map(|k| other.means[k].clone() - self.means[k].clone());
        let means = [0, 1].map(|k| self.means[k].clone() + apart[k].clone().mul_scalar(share));
        let sums = [(0, 0, 0), (1, 1, 1), (2, 0, 1)].map(|(at, j, k)| {
            let between = (apart[j].clone() * apart[k].clone()).mul_scalar(self.count * share);
            self.sums[at].clone() + other.sums[at].clone() + between
        });
        Self { count, means, sums }
    }

    /// `Σ_c α_c texture_c + β_c structure_c`: `[N]`. Texture compares the channels' means, structure their covariance.
    fn similarity(&self, [alpha, beta]: &[Tensor<2>; 2]) -> Tensor<1> {
        let [mean_a, mean_b] = self.means.clone();
        let n = mean_a.dims()[0];
        let (alpha, beta) = (constant(alpha, &mean_a), constant(beta, &mean_a));
        let [variance_a, variance_b, covariance] = self.sums.clone().map(|sum| sum.div_scalar(self.count));
        let product = mean_a.clone() * mean_b.clone();
        let texture =
            product.mul_scalar(2.0).add_scalar(C) / (mean_a.square() + mean_b.square()).add_scalar(C);
        let structure = covariance.mul_scalar(2.0).add_scalar(C) / (variance_a + variance_b).add_scalar(C);
        (texture * alpha + structure * beta).sum_dim(1).reshape([n])
    }
}
