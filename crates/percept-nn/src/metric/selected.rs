//! The distance in the channels that a training selected.

use std::ops::RangeInclusive;

use burn::tensor::Device;
use percept_image::{Better, Cost, Image, Metric, MetricError, Srgb};

use super::score::score;
use crate::backbone::Precision;
use crate::disentangle::PerceptualSpace;
use crate::loss::{LossConfig, LossError, TrainLoss};
use crate::weights::{StateDict, WeightStore};

/// The squared feature distance in the space that a training selected (`selected:RUN`): each channel weighted and each tap
/// scaled as its state has them. 0 for equal images.
pub struct Selected {
    name: String,
    protocol: String,
    space: PerceptualSpace,
    device: Device,
}

impl std::fmt::Debug for Selected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Selected").field("name", &self.name).field("protocol", &self.protocol).finish()
    }
}

impl Selected {
    /// The score called `name` of a training with the loss `loss`, whose [`PerceptualSpace`] has come to `state`; `None`
    /// where that loss selects nothing.
    ///
    /// # Errors
    /// When arrays are missing in `state`, and when the frozen network's weights are missing or wrong.
    pub fn new(
        name: &str,
        mut loss: LossConfig,
        state: &StateDict,
        store: &WeightStore,
        device: &Device,
    ) -> Result<Option<Self>, LossError> {
        let device = device.clone().inner();
        let Some(selection) = loss.selection_mut() else { return Ok(None) };
        // The state has the weights; where they started does not matter, nor whether that file is still there.
        selection.forget_start();
        // A score is the same however fast the training was.
        if let Some(backbone) = loss.backbone_mut() {
            backbone.precision = Precision::F32;
        }
        let TrainLoss::Space(mut space) = loss.init(store, &device)? else { return Ok(None) };
        for tap in space.backbone().taps() {
            state.require(&format!("energy.{}", tap.name), &[1])?;
        }
        space.load_state_dict(state, &device)?;
        let taps: Vec<_> = space.backbone().taps().iter().map(|tap| tap.name.as_str()).collect();
        let protocol = format!(
            "squared distance of {} features at {}, channels as selected by a training, state sha256 {}, sRGB [0, 1], full size, f32",
            space.backbone().name(),
            taps.join(", "),
            state.sha256().chars().take(8).collect::<String>()
        );
        Ok(Some(Self { name: name.to_string(), protocol, space: *space, device }))
    }
}

impl Metric for Selected {
    fn name(&self) -> &str {
        &self.name
    }

    fn protocol(&self) -> String {
        self.protocol.clone()
    }

    fn better(&self) -> Better {
        Better::Lower
    }

    fn range(&self) -> RangeInclusive<f64> {
        0.0..=f64::INFINITY
    }

    fn source(&self) -> &str {
        "after Mei, Lu, Yi, Wu, Li, Huang, Disentangle Perceptual Learning through Online Contrastive Learning, 2020"
    }

    fn cost(&self) -> Cost {
        Cost::Network
    }

    fn score(&self, reference: &Image<Srgb>, test: &Image<Srgb>) -> Result<f64, MetricError> {
        let min_side = self.space.backbone().min_side();
        score(&self.name, min_side, &self.device, reference, test, |a, b| self.space.distance(a, b))
    }
}
