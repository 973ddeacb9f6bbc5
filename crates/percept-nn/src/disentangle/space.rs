//! The perceptual space: frozen features, what is selected of them, and the distance measured there.

use std::cell::OnceCell;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use percept_conv::channel_distance;

use super::window::{averaged_distance, positions};
use super::{
    Anchor, ContextualConfig, Gate, Matched, Running, Selection, SelectionStep, TapGate, TripletDistances,
    contextual, pointwise,
};
use crate::backbone::Backbone;
use crate::distance::{ChannelDistance, Criterion};
use crate::weights::{StateDict, WeightError};

/// Decay of the running energy by tap.
const ENERGY_DECAY: f64 = 0.95;

/// Brings the rows of a batch's parts together, `[n, C]` → `[N, C]`, in the order of the batch; each part has as many.
pub type Gather = Arc<dyn Fn(Tensor<2>) -> Tensor<2> + Send + Sync>;

/// How far apart two images are, given their features.
#[derive(Clone, Debug, PartialEq)]
pub enum FeatureDistance {
    /// Channel by channel: squared, position by position, this is the paper's equation 1.
    Channels {
        /// How each is compared.
        distance: ChannelDistance,
        /// Whether taps are brought to one size by the energy of the target's features.
        normalize: bool,
    },
    /// Contextual loss: positions may move.
    Contextual(ContextualConfig),
}

impl FeatureDistance {
    /// Squared, position by position, and taps brought to one size.
    pub const SQUARED: Self = Self::Channels { distance: ChannelDistance::SQUARED, normalize: true };
}

/// The features of one batch.
pub struct Seen {
    /// `φ(ŷ)` by tap, with the gradient that leads back to G.
    pub result: Vec<Tensor<4>>,
    /// `φ(y)` by tap, without gradient.
    pub target: Vec<Tensor<4>>,
    /// Height and width of the images.
    sides: [usize; 2],
    /// `δ(ŷ, y)`, which both steps read.
    distances: OnceCell<Vec<Tensor<2>>>,
}

impl Seen {
    /// `δ(ŷ, y)` by tap, `[N, C]`, with the result's gradient.
    fn distances(&self) -> &[Tensor<2>] {
        self.distances.get_or_init(|| distances(&self.result, &self.target))
    }

    /// `δ̄(ŷ, y)` by tap, `[N, C]`, over windows of so many pixels of the images; without gradient.
    fn averaged(&self, window: usize) -> Vec<Tensor<2>> {
        let [height, width] = self.sides;
        let taps = self.result.iter().zip(&self.target).map(|(result, target)| {
            let [_, h, w, _] = result.dims();
            let window = [positions(window, h, height), positions(window, w, width)];
            averaged_distance(result.clone(), target.clone(), window)
        });
        taps.collect()
    }

    /// Another distance by tap, `[N, C]`, with the result's gradient.
    fn compared(&self, distance: &ChannelDistance) -> Vec<Tensor<2>> {
        let [height, width] = self.sides;
        let taps = self.result.iter().zip(&self.target).map(|(result, target)| {
            let [_, h, w, _] = result.dims();
            let stride = ((height * width) as f64 / (h * w) as f64).sqrt();
            distance.of(result, target, stride)
        });
        taps.collect()
    }
}

/// A frozen backbone, an optional selection of its channels, and a distance in that space.
pub struct PerceptualSpace {
    backbone: Box<dyn Backbone>,
    layer_weights: Vec<f64>,
    distance: FeatureDistance,
    energies: Vec<Running>,
    selection: Option<Selection>,
    /// Where others see the other parts of each batch.
    gather: Option<Gather>,
}

impl PerceptualSpace {
    /// A space over `backbone`'s taps; `layer_weights` are in the order of its taps.
    pub fn new(
        backbone: Box<dyn Backbone>,
        layer_weights: Vec<f64>,
        distance: FeatureDistance,
        selection: Option<Selection>,
    ) -> Self {
        let energies = backbone.taps().iter().map(|_| Running::new(ENERGY_DECAY)).collect();
        Self { backbone, layer_weights, distance, energies, selection, gather: None }
    }

    /// From now on it sees a part of each batch, and `gather` what the others see: running means, the selection and what
    /// it is matched to are those of the whole batch.
    pub fn see_a_part(&mut self, gather: Gather) {
        self.gather = Some(gather);
    }

    /// The frozen network.
    pub fn backbone(&self) -> &dyn Backbone {
        self.backbone.as_ref()
    }

    /// From now on it looks through `backbone`, which has the same taps.
    pub fn look_through(&mut self, backbone: Box<dyn Backbone>) {
        self.backbone = backbone;
    }

    /// The selection, if there is one.
    pub fn selection(&self) -> Option<&Selection> {
        self.selection.as_ref()
    }

    /// The features of result and target (`[N, H, W, 3]`, sRGB in `[0, 1]`).
    pub fn see(&mut self, result: Tensor<4>, target: Tensor<4>) -> Seen {
        let [_, height, width, _] = target.dims();
        let (result, target) = (self.backbone.features(result), self.backbone.features(target.detach()));
        self.seen(result, target, [height, width])
    }

    /// The same where somebody else had the backbone see both: their features at its taps, those of the target without
    /// gradient, and height and width of the images.
    pub fn seen(&mut self, result: Vec<Tensor<4>>, target: Vec<Tensor<4>>, sides: [usize; 2]) -> Seen {
        for (energy, target) in self.energies.iter_mut().zip(&target) {
            energy.observe(whole(self.gather.as_ref(), target.clone().square().mean()));
        }
        Seen { result, target, sides, distances: OnceCell::new() }
    }

    /// Step 1: only `w` moves. Everything that comes from G is detached here. `None` without a selection that
    /// moves.
    ///
    /// `distorted` makes `x̃` at the target's size; it is asked only in batches in which `w` moves.
    pub fn selection_step(
        &mut self,
        seen: &Seen,
        distorted: impl FnOnce(Anchor) -> Tensor<4>,
    ) -> Option<SelectionStep> {
        let (selection, backbone, gather) = (self.selection.as_mut()?, &self.backbone, &self.gather);
        selection.batch(|config| {
            let distorted = config.anchor().map(|anchor| backbone.features(distorted(anchor).detach()));
            let result: Vec<_> = seen.result.iter().map(|features| features.clone().detach()).collect();
            let to_target = distorted.as_ref().map(|distorted| config.moments(distorted, &seen.target));
            let to_result = distorted.filter(|_| config.within_photo());
            let distances = TripletDistances {
                result_target: match config.gate() {
                    Gate::Projection => config.moments(&result, &seen.target),
                    _ => seen.distances().iter().map(|distance| distance.clone().detach()).collect(),
                },
                distorted_target: to_target.unwrap_or_default(),
                distorted_result: to_result.map(|distorted| config.moments(&distorted, &result)),
                averaged: config.window().map(|window| seen.averaged(window)),
            };
            match gather {
                Some(gather) => distances.map(|part| gather(part)),
                None => distances,
            }
        })
    }

    /// Step 2: what G descends, `[1]`. `w` is a constant here.
    pub fn transformation_loss(&self, seen: &Seen) -> Tensor<1> {
        match &self.distance {
            FeatureDistance::Channels { distance, normalize } => {
                let matched = self.selection.as_ref().map_or(Matched::No, |s| s.config().matched());
                let compared;
                let distances = match distance {
                    ChannelDistance::Positions(Criterion::Mse(_)) => seen.distances(),
                    distance => {
                        compared = seen.compared(distance);
                        &compared
                    }
                };
                let scales = self.energies().into_iter().map(|energy| match normalize {
                    true => distance.scale(energy),
                    false => energy.ones_like(),
                });
                self.pointwise(&seen.result, &seen.target, distances, &scales.collect::<Vec<_>>(), matched)
            }
            FeatureDistance::Contextual(config) => {
                let gates = self.gates(&seen.result);
                let taps = seen.result.iter().zip(&seen.target).zip(&self.layer_weights).enumerate();
                let losses = taps.map(|(tap, ((result, target), lambda))| {
                    let gate = gates.as_ref().and_then(|gates| gates.get(tap));
                    contextual(result.clone(), target.clone(), gate, config).mul_scalar(*lambda)
                });
                losses
                    .reduce(|sum, loss| sum + loss)
                    .unwrap_or_else(|| Tensor::zeros([1], &Device::default()))
            }
        }
    }

    /// How far `a` is from `b` in the selected space as it stands, `[1]`: squared, whatever the loss is, and not
    /// rescaled to the uniform distance. Two `[N, H, W, 3]`, sRGB in `[0, 1]`; nothing moves by it.
    ///
    /// # Panics
    /// When the shapes differ, or a side is shorter than the backbone's shortest.
    pub fn distance(&self, a: Tensor<4>, b: Tensor<4>) -> Tensor<1> {
        let (a, b) = (self.backbone.features(a), self.backbone.features(b));
        self.pointwise(&a, &b, &distances(&a, &b), &self.energies(), Matched::No)
    }

    /// Running mean square of the target's features by tap.
    fn energies(&self) -> Vec<Tensor<1>> {
        self.energies.iter().filter_map(Running::mean).collect()
    }

    /// The distance of features in the selected space. `distances` are theirs by channel, each tap's divided by its scale.
    fn pointwise(
        &self,
        a: &[Tensor<4>],
        b: &[Tensor<4>],
        distances: &[Tensor<2>],
        scales: &[Tensor<1>],
        matched: Matched,
    ) -> Tensor<1> {
        let selected = self.gates(a).map(|gates| {
            let taps = gates.iter().zip(a.iter().zip(b)).zip(distances);
            taps.map(|((gate, (a, b)), distances)| gate.distance(a, b, distances)).collect::<Vec<_>>()
        });
        let whole = |mean| whole(self.gather.as_ref(), mean);
        pointwise(distances, selected.as_deref(), scales, &self.layer_weights, (matched, &whole))
    }

    /// What each tap is measured with, beside its features; `None` without a selection.
    fn gates(&self, features: &[Tensor<4>]) -> Option<Vec<TapGate>> {
        let gates = self.selection.as_ref()?.gates().into_iter().zip(features);
        Some(gates.map(|(gate, features)| gate.beside(features)).collect())
    }

    /// Everything that the next step depends on, for a checkpoint.
    pub fn state_dict(&self) -> StateDict {
        let mut state = StateDict::new();
        for (tap, energy) in self.backbone.taps().iter().zip(&self.energies) {
            if let Some(array) = energy.to_array() {
                state.insert(&format!("energy.{}", tap.name), array);
            }
        }
        if let Some(selection) = &self.selection {
            state.extend_prefixed("selection.", selection.state_dict());
        }
        state
    }

    /// Continues exactly where [`state_dict`](Self::state_dict) was taken.
    ///
    /// # Errors
    /// When an array is missing or has another length.
    pub fn load_state_dict(&mut self, state: &StateDict, device: &Device) -> Result<(), WeightError> {
        for (tap, energy) in self.backbone.taps().iter().zip(&mut self.energies) {
            if let Some(array) = state.get(&format!("energy.{}", tap.name)) {
                energy.restore(array, device);
            }
        }
        match &mut self.selection {
            Some(selection) => selection.load_state_dict(&state.section("selection.")),
            None => Ok(()),
        }
    }
}

/// A mean over this part of the batch, `[1]`, as that over the whole batch.
fn whole(gather: Option<&Gather>, mean: Tensor<1>) -> Tensor<1> {
    match gather {
        Some(gather) => gather(mean.detach().reshape([1, 1])).mean(),
        None => mean,
    }
}

/// `δ(a, b)` by tap.
fn distances(a: &[Tensor<4>], b: &[Tensor<4>]) -> Vec<Tensor<2>> {
    a.iter().zip(b).map(|(a, b)| channel_distance(a.clone(), b.clone())).collect()
}
