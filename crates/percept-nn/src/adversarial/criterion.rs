//! What the two sides of the game descend.

use burn::tensor::{Tensor, activation};
use percept_conv::{AllReduce, all_mean};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How logits become losses.
///
/// Labels, halves and what is held constant are those of BasicSR: a photo has the label 1, a result the label 0, and means
/// are over all logits of the batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AdversarialType {
    /// Cross entropy (Goodfellow et al., 2014; the network's side is the one that does not saturate).
    #[default]
    Vanilla,
    /// Squares (Mao et al., *Least Squares GAN*, ICCV 2017).
    Lsgan,
    /// Margins (Lim and Ye, *Geometric GAN*, 2017).
    Hinge,
    /// Cross entropy of photos against the mean of results and of results against the mean of photos (relativistic average,
    /// Jolicoeur-Martineau, ICLR 2019), as ESRGAN has it.
    Relativistic,
}

impl AdversarialType {
    /// What the network descends, `l_g_gan`, `[1]`, from the logits of its results, `fake`. Gradient flows to them.
    ///
    /// Only [`Relativistic`](Self::Relativistic) asks for the logits of the photos; they are constants. Where these are a part of
    /// the batch, `all` have the others.
    pub fn generator(
        self,
        fake: Tensor<4>,
        real: impl FnOnce() -> Tensor<4>,
        all: Option<&AllReduce>,
    ) -> Tensor<1> {
        match self {
            Self::Vanilla => as_photo(fake).mean(),
            Self::Lsgan => fake.sub_scalar(1.0).square().mean(),
            Self::Hinge => fake.mean().neg(),
            Self::Relativistic => {
                let real = real().detach();
                let of_real = as_result(against(real.clone(), fake.clone(), all)).mean();
                let of_fake = as_photo(against(fake, real, all)).mean();
                (of_real + of_fake).mul_scalar(0.5)
            }
        }
    }

    /// What the discriminator descends the sum of: `l_d_real` of the photos' logits and `l_d_fake` of the results' logits,
    /// `[1]` each. To the one, the logits of the other are constants. Where these are a part of the batch, `all` have the others.
    pub fn discriminator(
        self,
        real: Tensor<4>,
        fake: Tensor<4>,
        all: Option<&AllReduce>,
    ) -> (Tensor<1>, Tensor<1>) {
        match self {
            Self::Vanilla => (as_photo(real).mean(), as_result(fake).mean()),
            Self::Lsgan => (real.sub_scalar(1.0).square().mean(), fake.square().mean()),
            Self::Hinge => {
                let margin =
                    |confidence: Tensor<4>| activation::relu(confidence.neg().add_scalar(1.0)).mean();
                (margin(real), margin(fake.neg()))
            }
            Self::Relativistic => {
                let of_real = as_photo(against(real.clone(), fake.clone().detach(), all)).mean();
                let of_fake = as_result(against(fake, real.detach(), all)).mean();
                (of_real.mul_scalar(0.5), of_fake.mul_scalar(0.5))
            }
        }
    }
}

/// Logits less the mean of others over the whole batch.
fn against(logits: Tensor<4>, others: Tensor<4>, all: Option<&AllReduce>) -> Tensor<4> {
    logits - all_mean(others.mean(), all).reshape([1, 1, 1, 1])
}

/// Cross entropy of each logit with the label 1, at any size of the logit: `ln(1 + e⁻ˣ)`.
fn as_photo(logits: Tensor<4>) -> Tensor<4> {
    activation::log_sigmoid(logits).neg()
}

/// Cross entropy of each logit with the label 0.
fn as_result(logits: Tensor<4>) -> Tensor<4> {
    as_photo(logits.neg())
}
