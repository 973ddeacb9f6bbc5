//! What the network descends: the losses of the config with their weights, and the terms of one step.

use burn::tensor::{Device, Tensor};
use percept_nn::loss::{Loss, LossError, PerceptualLoss, PixelLoss, StyleLoss};
use percept_nn::weights::WeightStore;
use percept_run::config::TrainConfig;

use crate::TrainError;

/// The losses that the config names, each with its `loss_weight`.
pub(crate) struct Losses {
    pub(crate) pixel: Option<(PixelLoss, f64)>,
    pub(crate) perceptual: Option<(PerceptualLoss, f64)>,
    pub(crate) style: Option<(StyleLoss, f64)>,
}

impl Losses {
    pub(crate) fn init(
        config: &TrainConfig,
        store: &WeightStore,
        device: &Device,
    ) -> Result<Self, LossError> {
        let pixel = config.pixel_opt.as_ref().map(|opt| (PixelLoss::new(opt), opt.loss_weight));
        let perceptual = config.perceptual_opt.as_ref();
        let perceptual =
            perceptual.map(|opt| Ok::<_, LossError>((opt.init(store, device)?, opt.loss_weight())));
        let style = config.style_opt.as_ref();
        let style = style.map(|opt| Ok::<_, LossError>((opt.init(store, device)?, opt.loss_weight)));
        Ok(Self { pixel, perceptual: perceptual.transpose()?, style: style.transpose()? })
    }

    /// Whether all of them can compare crops of `side` pixels.
    ///
    /// # Errors
    /// Names the loss that cannot, and the least side that it needs.
    pub(crate) fn check_side(&self, side: usize) -> Result<(), TrainError> {
        let perceptual = self.perceptual.as_ref().map(|(loss, _)| match loss {
            PerceptualLoss::Space(space) => {
                let backbone = space.backbone();
                let deepest = backbone.taps().last().map_or("", |tap| tap.name.as_str());
                (format!("{} {deepest}", backbone.name()), backbone.min_side())
            }
            PerceptualLoss::Plain(loss) => (loss.name().to_string(), loss.min_side()),
        });
        let style = self.style.as_ref().map(|(loss, _)| (loss.name().to_string(), loss.min_side()));
        match [perceptual, style].into_iter().flatten().find(|(_, least)| *least > side) {
            Some((loss, least)) => Err(TrainError::CropTooSmall { side, loss, least }),
            None => Ok(()),
        }
    }
}

/// A term of the loss that is NaN or infinite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NotFinite {
    pub(crate) term: &'static str,
    pub(crate) value: f32,
}

/// The weighted terms of one step, each checked when it is added.
#[derive(Default)]
pub(crate) struct Terms {
    sum: Option<Tensor<1>>,
    values: Vec<(&'static str, f64)>,
}

impl Terms {
    /// Adds `weight · loss`, which the network descends.
    pub(crate) fn add(&mut self, term: &'static str, weight: f64, loss: Tensor<1>) -> Result<(), NotFinite> {
        let loss = loss.mul_scalar(weight);
        self.note(term, loss.clone().detach().into_scalar())?;
        self.sum = Some(match self.sum.take() {
            Some(sum) => sum + loss,
            None => loss,
        });
        Ok(())
    }

    /// Adds a number that is written down, but that the network does not descend.
    pub(crate) fn note(&mut self, term: &'static str, value: f32) -> Result<(), NotFinite> {
        self.values.push((term, f64::from(value)));
        if value.is_finite() { Ok(()) } else { Err(NotFinite { term, value }) }
    }

    /// The sum of what was added, `[1]`, and all values by name.
    pub(crate) fn finish(self, device: &Device) -> (Tensor<1>, Vec<(&'static str, f64)>) {
        (self.sum.unwrap_or_else(|| Tensor::zeros([1], device)), self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_weighted_summed_and_checked() {
        let device = Device::flex().autodiff();
        let mut terms = Terms::default();
        terms.add("l_g_pix", 2.0, Tensor::from_floats([3.0], &device)).unwrap();
        terms.add("l_g_percep", 0.5, Tensor::from_floats([4.0], &device)).unwrap();
        terms.note("l_sel", -1.0).unwrap();
        let wrong = terms.add("l_g_style", 1.0, Tensor::from_floats([f32::NAN], &device)).unwrap_err();
        assert!(wrong.term == "l_g_style" && wrong.value.is_nan());
        let mut terms = Terms::default();
        terms.add("l_g_pix", 2.0, Tensor::from_floats([3.0], &device)).unwrap();
        terms.add("l_g_percep", 0.5, Tensor::from_floats([4.0], &device)).unwrap();
        let (sum, values) = terms.finish(&device);
        assert_eq!(sum.into_scalar::<f32>(), 8.0);
        assert_eq!(values, [("l_g_pix", 6.0), ("l_g_percep", 2.0)]);
    }
}
