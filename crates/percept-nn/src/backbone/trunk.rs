//! A trunk cut at its taps, so that features can be had one after the other.

use burn::tensor::{Device, Tensor, TensorData};
use percept_conv::{Activation, Conv, FrozenConv, FrozenLayer, FrozenStage, Precision};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::layers::{Architecture, ConvLayer, Layer};
use super::step::Step;
use super::{Backbone, BackboneKind, Pooling, Tap, architecture, constant};
use crate::weights::{Array, StateDict, WeightError};

/// Seed of `weights = "random"`.
const RANDOM_SEED: u64 = 0;

/// `(image − shift) / scale` by channel, for images in `[0, 1]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scaling {
    pub(crate) shift: [f32; 3],
    pub(crate) scale: [f32; 3],
}

impl Scaling {
    /// Mean and deviation of ImageNet's photos, with which the networks were trained.
    pub(crate) const IMAGENET: Self = Self { shift: [0.485, 0.456, 0.406], scale: [0.229, 0.224, 0.225] };
}

/// A frozen trunk: stage `i` leads from tap `i − 1` (or the image) to tap `i`, shallowest first.
#[derive(Clone, Debug)]
pub(crate) struct Trunk {
    name: &'static str,
    shift: Tensor<4>,
    scale: Tensor<4>,
    stages: Vec<Vec<Step>>,
    /// The taps as they were asked for.
    taps: Vec<Tap>,
    /// For every tap that was asked for, the stage that ends there.
    order: Vec<usize>,
}

impl Trunk {
    /// The layers up to the deepest of the taps `positions`, with weights of `state` (torchvision's
    /// names), and products of `precision`.
    pub(crate) fn new(
        architecture: &Architecture,
        positions: &[usize],
        pooling: Pooling,
        scaling: Scaling,
        state: &StateDict,
        precision: Precision,
        device: &Device,
    ) -> Result<Self, WeightError> {
        let device = device.clone().inner();
        let all = architecture.taps();
        let mut cuts = positions.to_vec();
        cuts.sort_unstable();
        cuts.dedup();
        let deepest = cuts.last().copied().unwrap_or(0);
        let mut stages = vec![Vec::new()];
        let mut frozen = Vec::new();
        let operation = |frozen: &mut Vec<_>| {
            let layers = std::mem::take(frozen);
            (!layers.is_empty()).then(|| Step::Frozen(Box::new(FrozenStage::new(layers, &device))))
        };
        let mut tap = 0;
        let mut channels = 3;
        for layer in &architecture.layers {
            if tap > deepest {
                break;
            }
            let end = |stages: &mut Vec<Vec<Step>>, frozen: &mut Vec<_>| {
                stages.last_mut().into_iter().for_each(|stage| stage.extend(operation(frozen)));
            };
            match (layer, pooling) {
                (Layer::Pool { kernel, stride }, Pooling::Max) => {
                    frozen.push(FrozenLayer::MaxPool { kernel: *kernel, stride: *stride });
                }
                (Layer::Pool { .. }, Pooling::L2) => {
                    end(&mut stages, &mut frozen);
                    let pool = Step::l2_pool(channels, &device);
                    stages.last_mut().into_iter().for_each(|stage| stage.push(pool.clone()));
                }
                (Layer::Conv(layer), _) => {
                    let (weight, bias) = loaded(layer, state, &device)?;
                    let cut = cuts.contains(&tap);
                    let activation = if cut { Activation::None } else { Activation::Relu };
                    let (stride, padding) = (layer.stride, layer.padding);
                    // Maps too small for minimal filtering stay exact: they are where a loss is sensitive.
                    let filtering = precision;
                    let conv = Conv { stride, padding, activation, filtering, ..Conv::default() };
                    let conv = FrozenConv::new(weight, Some(bias), conv);
                    frozen.push(FrozenLayer::Conv(Box::new(conv)));
                    // Two taps a convolution: before the activation and behind it.
                    if cut && tap < deepest {
                        end(&mut stages, &mut frozen);
                        stages.push(Vec::new());
                        frozen.push(FrozenLayer::Relu);
                    }
                    if cuts.contains(&(tap + 1)) && tap + 1 < deepest {
                        end(&mut stages, &mut frozen);
                        stages.push(Vec::new());
                    }
                    tap += 2;
                    channels = layer.channels[1];
                }
            }
        }
        stages.last_mut().into_iter().for_each(|stage| stage.extend(operation(&mut frozen)));
        let vector =
            |values: [f32; 3]| Tensor::from_data(TensorData::new(values.to_vec(), [1, 1, 1, 3]), &device);
        Ok(Self {
            name: architecture.name,
            shift: vector(scaling.shift),
            scale: vector(scaling.scale),
            stages,
            taps: positions.iter().filter_map(|at| all.get(*at).cloned()).collect(),
            order: positions.iter().filter_map(|at| cuts.iter().position(|cut| cut == at)).collect(),
        })
    }

    /// Number of stages.
    pub(crate) fn depth(&self) -> usize {
        self.stages.len()
    }

    /// What the first stage reads: the image, normalised.
    pub(crate) fn input(&self, image: Tensor<4>) -> Tensor<4> {
        let (shift, scale) = (constant(&self.shift, &image), constant(&self.scale, &image));
        (image - shift) / scale
    }

    /// From the previous stage's features to this one's.
    pub(crate) fn stage(&self, stage: usize, x: Tensor<4>) -> Tensor<4> {
        self.stages.get(stage).into_iter().flatten().fold(x, |x, step| step.forward(x))
    }
}

impl Backbone for Trunk {
    fn name(&self) -> &str {
        self.name
    }

    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn features(&self, image: Tensor<4>) -> Vec<Tensor<4>> {
        let mut x = self.input(image);
        let mut by_depth = Vec::with_capacity(self.depth());
        for stage in 0..self.depth() {
            x = self.stage(stage, x);
            by_depth.push(x.clone());
        }
        self.order.iter().filter_map(|stage| by_depth.get(*stage).cloned()).collect()
    }

    fn min_side(&self) -> usize {
        let fits = |side: &usize| {
            let mut steps = self.stages.iter().flatten();
            steps.try_fold(*side, |side, step| step.side(side).filter(|side| *side > 0)).is_some()
        };
        (1..).find(fits).unwrap_or(1)
    }
}

/// The weights of `weights = "random"`, under torchvision's names: Gaussian ones, and biases 0.
pub fn random_weights(kind: BackboneKind) -> StateDict {
    let mut rng = ChaCha8Rng::seed_from_u64(RANDOM_SEED);
    let mut state = StateDict::new();
    for layer in &architecture(kind).layers {
        let Layer::Conv(layer) = layer else { continue };
        let [input, output] = layer.channels;
        let data = random(layer, &mut rng);
        let (weight, bias) = (vec![output, input, layer.kernel, layer.kernel], vec![output]);
        let name = |what| format!("features.{}.{what}", layer.index);
        state.insert(&name("weight"), Array { shape: weight, data });
        state.insert(&name("bias"), Array { shape: bias, data: vec![0.0; output] });
    }
    state
}

fn loaded(
    layer: &ConvLayer,
    state: &StateDict,
    device: &Device,
) -> Result<(Tensor<4>, Tensor<1>), WeightError> {
    let [input, output] = layer.channels;
    let name = |what| format!("features.{}.{what}", layer.index);
    let weight = state.tensor(&name("weight"), [output, input, layer.kernel, layer.kernel], device)?;
    let bias = state.tensor(&name("bias"), [output], device)?;
    Ok((weight, bias))
}

/// Gaussian weights that keep the variance through a ReLU (He et al., ICCV 2015).
fn random(layer: &ConvLayer, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let [input, output] = layer.channels;
    let fan_in = input * layer.kernel * layer.kernel;
    let deviation = (2.0 / fan_in as f32).sqrt();
    let normal = |_| -> f32 {
        let value: f32 = StandardNormal.sample(rng);
        deviation * value
    };
    (0..output * fan_in).map(normal).collect()
}
