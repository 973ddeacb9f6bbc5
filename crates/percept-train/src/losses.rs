//! What the network descends: the losses of the config with their weights, and the terms of one step.

use burn::tensor::{Device, Tensor};
use percept_nn::disentangle::PerceptualSpace;
use percept_nn::loss::{LdlLoss, LossError, TrainLoss};
use percept_nn::weights::WeightStore;
use percept_run::config::TrainConfig;

use crate::eyes::Eye;
use crate::{Team, TrainError};

/// One of the losses that the config lists.
pub(crate) struct LossTerm {
    pub(crate) name: String,
    pub(crate) weight: f64,
    pub(crate) loss: TrainLoss,
    /// What it reads of a backbone that it shares with other terms.
    pub(crate) eye: Option<Eye>,
}

impl LossTerm {
    /// All of them, in the order of the config.
    pub(crate) fn init(
        config: &TrainConfig,
        store: &WeightStore,
        device: &Device,
    ) -> Result<Vec<Self>, LossError> {
        let init = |term: &percept_nn::loss::Term| {
            let loss = term.loss.init(store, device)?;
            Ok(Self { name: term.name.clone(), weight: term.weight, loss, eye: None })
        };
        config.losses.iter().map(init).collect()
    }

    /// From now on it sees the part of each batch that is this process's in the team.
    pub(crate) fn see_a_part(&mut self, team: &Team) {
        if let (TrainLoss::Space(space), Some(gather)) = (&mut self.loss, team.gather()) {
            space.see_a_part(gather);
        }
    }

    /// The perceptual space that it measures in, if it does.
    pub(crate) fn space(&self) -> Option<&PerceptualSpace> {
        match &self.loss {
            TrainLoss::Space(space) => Some(space),
            TrainLoss::Images(_) | TrainLoss::Artefacts(_) | TrainLoss::Adversarial(_) => None,
        }
    }

    /// Whether it can compare crops of `side` pixels.
    ///
    /// # Errors
    /// Names the loss that cannot, and the least side that it needs.
    pub(crate) fn check_side(&self, side: usize) -> Result<(), TrainError> {
        let (loss, least) = match &self.loss {
            TrainLoss::Space(space) => {
                let backbone = space.backbone();
                let deepest = backbone.taps().last().map_or("", |tap| tap.name.as_str());
                (format!("{} ({} {deepest})", self.name, backbone.name()), backbone.min_side())
            }
            TrainLoss::Images(loss) => (self.name.clone(), loss.min_side()),
            TrainLoss::Artefacts(_) => (self.name.clone(), LdlLoss::MIN_SIDE),
            // Its discriminator is asked where it is made.
            TrainLoss::Adversarial(_) => return Ok(()),
        };
        if least > side { Err(TrainError::CropTooSmall { side, loss, least }) } else { Ok(()) }
    }
}

/// A term of the loss that is NaN or infinite.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NotFinite {
    pub(crate) term: String,
    pub(crate) value: f32,
}

/// The weighted terms of one step, each checked when it is added.
#[derive(Default)]
pub(crate) struct Terms {
    sum: Option<Tensor<1>>,
    values: Vec<(String, f64)>,
}

impl Terms {
    /// Adds `weight · loss`, which the network descends.
    pub(crate) fn add(&mut self, term: &str, weight: f64, loss: Tensor<1>) -> Result<(), NotFinite> {
        let loss = loss.mul_scalar(weight);
        self.note(format!("l_g_{term}"), loss.clone().detach().into_scalar())?;
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum + loss,
            None => loss,
        });
        Ok(())
    }

    /// Adds a number that is written down, but that the network does not descend.
    pub(crate) fn note(&mut self, term: String, value: f32) -> Result<(), NotFinite> {
        self.values.push((term.clone(), f64::from(value)));
        if value.is_finite() { Ok(()) } else { Err(NotFinite { term, value }) }
    }

    /// The sum of what was added, `[1]`.
    pub(crate) fn sum(&self, device: &Device) -> Tensor<1> {
        self.sum.clone().unwrap_or_else(|| Tensor::zeros([1], device))
    }

    /// All values by name.
    pub(crate) fn into_values(self) -> Vec<(String, f64)> {
        self.values
    }
}

/// The means of all values over the batches of a step, in the order in which they came.
#[derive(Default)]
pub(crate) struct Means {
    sums: Vec<(String, f64, u32)>,
}

impl Means {
    /// Adds those of a batch.
    pub(crate) fn add(&mut self, values: Vec<(String, f64)>) {
        for (name, value) in values {
            match self.sums.iter_mut().find(|(known, ..)| *known == name) {
                Some((_, sum, count)) => (*sum, *count) = (*sum + value, *count + 1),
                None => self.sums.push((name, value, 1)),
            }
        }
    }

    /// All of them by name.
    pub(crate) fn into_values(self) -> Vec<(String, f64)> {
        self.sums.into_iter().map(|(name, sum, count)| (name, sum / f64::from(count))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_weighted_summed_and_checked() {
        let device = Device::flex().autodiff();
        let mut terms = Terms::default();
        terms.add("l1", 2.0, Tensor::from_floats([3.0], &device)).unwrap();
        terms.add("feature", 0.5, Tensor::from_floats([4.0], &device)).unwrap();
        terms.note("l_sel_feature".to_string(), -1.0).unwrap();
        let wrong = terms.add("style", 1.0, Tensor::from_floats([f32::NAN], &device)).unwrap_err();
        assert!(wrong.term == "l_g_style" && wrong.value.is_nan());
        let mut terms = Terms::default();
        terms.add("l1", 2.0, Tensor::from_floats([3.0], &device)).unwrap();
        terms.add("feature", 0.5, Tensor::from_floats([4.0], &device)).unwrap();
        assert_eq!(terms.sum(&device).into_scalar::<f32>(), 8.0);
        assert_eq!(terms.into_values(), [("l_g_l1".to_string(), 6.0), ("l_g_feature".to_string(), 2.0)]);
    }
}
