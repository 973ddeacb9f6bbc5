//! The network's side of the game against a discriminator ([`crate::adversarial`]).

use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::features::shown;
use super::{LossError, LossSettings, TrainLoss};
use crate::adversarial::AdversarialType;
use crate::ranges::factor;
use crate::weights::WeightStore;

/// Settings of `type = "gan"`: the discriminator `network_d` learns to tell results from photos, and this loss is how well it
/// does. At most one of the losses. Start from a network that was trained on pixels: `path.pretrain_network_g`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GanLoss {
    /// How logits become losses: `vanilla` (default), `lsgan`, `hinge` or `relativistic` (ESRGAN's).
    pub gan_type: AdversarialType,
    /// Steps before the game begins; until then the discriminator neither learns nor counts. Default 0.
    pub start: u64,
    /// Weight of the gradient penalty R1 in what the discriminator descends, 0 to 1e6; it is approximated by differences.
    /// Default 0, none.
    pub r1: f64,
}

impl LossSettings for GanLoss {
    const ABOUT: &'static str = "The game against the discriminator `network_d`";

    fn validate(&self) -> Result<(), String> {
        factor("r1", self.r1)
    }

    fn init(&self, _: &WeightStore, _: &Device) -> Result<TrainLoss, LossError> {
        Ok(TrainLoss::Adversarial(self.clone()))
    }

    fn words(&self) -> String {
        format!("adversarial loss ({})", shown(&self.gan_type))
    }
}
