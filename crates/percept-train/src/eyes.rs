//! The frozen networks that several losses look through: each sees a batch once.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use burn::tensor::{Device, Tensor};
use percept_nn::backbone::{Backbone, BackboneError, View};
use percept_nn::disentangle::{PerceptualSpace, Seen};
use percept_nn::loss::{Term, TrainLoss};
use percept_nn::weights::WeightStore;

use crate::losses::LossTerm;

/// Backbones with the taps of all terms that share them.
#[derive(Default)]
pub(crate) struct Eyes(Vec<Arc<dyn Backbone>>);

/// What a term reads of a shared backbone.
pub(crate) struct Eye {
    /// The number of the backbone.
    at: usize,
    view: View,
}

/// A batch as the shared backbones see it, each when it is asked for the first time.
pub(crate) struct Glance<'a> {
    eyes: &'a Eyes,
    /// Result and target.
    images: [Tensor<4>; 2],
    features: Vec<OnceCell<[Vec<Tensor<4>>; 2]>>,
}

impl Eyes {
    /// One backbone instead of several with the same settings, for those of the `losses` that measure in a perceptual space.
    pub(crate) fn shared(
        losses: &mut [LossTerm],
        config: &[Term],
        store: &WeightStore,
        device: &Device,
    ) -> Result<Self, BackboneError> {
        let mut eyes = Self::default();
        let backbone = |at: usize| config.get(at).and_then(|term| term.loss.backbone());
        for first in 0..losses.len() {
            let alike: Vec<usize> = (first..losses.len())
                .filter(|at| losses[*at].space().is_some() && losses[*at].eye.is_none())
                .filter(|at| backbone(*at) == backbone(first))
                .collect();
            let Some(settings) = backbone(first).filter(|_| alike.len() > 1 && alike[0] == first) else {
                continue;
            };
            let names = |at: usize| -> Vec<String> {
                let taps = losses[at].space().map(|space| space.backbone().taps());
                taps.into_iter().flatten().map(|tap| tap.name.clone()).collect()
            };
            let named: Vec<_> = alike.iter().map(|at| (*at, names(*at))).collect();
            let all: BTreeSet<String> = named.iter().flat_map(|(_, names)| names.clone()).collect();
            let all: Vec<String> = all.into_iter().collect();
            let shared: Arc<dyn Backbone> = Arc::from(settings.init(&all, store, device)?);
            for (at, names) in named {
                let view = View::new(shared.clone(), &names);
                if let TrainLoss::Space(space) = &mut losses[at].loss {
                    space.look_through(Box::new(view.clone()));
                }
                losses[at].eye = Some(Eye { at: eyes.0.len(), view });
            }
            eyes.0.push(shared);
        }
        Ok(eyes)
    }

    /// A batch's result and target.
    pub(crate) fn glance(&self, result: Tensor<4>, target: Tensor<4>) -> Glance<'_> {
        let features = self.0.iter().map(|_| OnceCell::new()).collect();
        Glance { eyes: self, images: [result, target.detach()], features }
    }
}

impl Glance<'_> {
    /// What a term's `space` sees: by its own backbone, or by the one that it shares.
    pub(crate) fn see(&self, eye: Option<&Eye>, space: &mut PerceptualSpace) -> Seen {
        let [result, target] = &self.images;
        let shared = eye.and_then(|eye| {
            let (backbone, features) = (self.eyes.0.get(eye.at)?, self.features.get(eye.at)?);
            let features =
                features.get_or_init(|| self.images.each_ref().map(|image| backbone.features(image.clone())));
            Some(features.each_ref().map(|features| eye.view.of(features)))
        });
        match shared {
            Some([of_result, of_target]) => {
                let [_, height, width, _] = target.dims();
                space.seen(of_result, of_target, [height, width])
            }
            None => space.see(result.clone(), target.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Distribution;
    use percept_run::config::TrainConfig;

    use super::*;

    /// Three terms of one backbone and one of another: the sum of the losses and its gradient are those of terms that each
    /// look for themselves.
    #[test]
    fn terms_of_one_backbone_look_once_and_see_the_same() {
        let device = Device::flex().autodiff();
        let text = r#"
            losses = [
                { type = "feature", backbone = { type = "alexnet", weights = "random" }, layer_weights = { relu2 = 1.0, conv1 = 0.5 } },
                { type = "l1" },
                { type = "contextual", backbone = { type = "alexnet", weights = "random" }, layer_weights = { relu3 = 1.0 }, selection = { start = "uniform" } },
                { type = "swd", backbone = { type = "alexnet", weights = "random" }, layer_weights = { relu2 = 1.0 } },
                { type = "feature", name = "other", backbone = { weights = "random" }, layer_weights = { relu1_1 = 1.0 } },
            ]
        "#;
        let mut config: TrainConfig = toml::from_str(text).unwrap();
        Term::complete(&mut config.losses);
        let store = WeightStore::new();
        device.seed(3);
        let image = || Tensor::<4>::random([2, 40, 40, 3], Distribution::Uniform(0.0, 1.0), &device);
        let (result, target, distorted) = (image(), image(), image());
        let run = |share: bool| {
            let mut losses = LossTerm::init(&config, &store, &device).unwrap();
            let eyes = match share {
                true => Eyes::shared(&mut losses, &config.losses, &store, &device).unwrap(),
                false => Eyes::default(),
            };
            assert_eq!(eyes.0.len(), usize::from(share));
            let shared: Vec<bool> = losses.iter().map(|term| term.eye.is_some()).collect();
            assert_eq!(shared, [share, false, share, share, false]);
            let result = result.clone().require_grad();
            let mut sum = Tensor::<1>::zeros([1], &device);
            for _ in 0..2 {
                let glance = eyes.glance(result.clone(), target.clone());
                for LossTerm { loss, eye, .. } in &mut losses {
                    if let TrainLoss::Space(space) = loss {
                        let seen = glance.see(eye.as_ref(), space);
                        space.selection_step(&seen, |_| distorted.clone());
                        sum = sum + space.transformation_loss(&seen);
                    }
                }
            }
            let gradient = result.grad(&sum.backward()).unwrap();
            let gradient: Vec<f32> = gradient.into_data().try_into_vec_as().unwrap();
            (sum.into_scalar::<f32>(), gradient)
        };
        let ((alone, gradient), (shared, other)) = (run(false), run(true));
        assert!((alone / shared - 1.0).abs() < 1e-6, "{alone} {shared}");
        let largest = gradient.iter().fold(0.0f32, |most, value| most.max(value.abs()));
        let off = gradient.iter().zip(&other).fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
        assert!(off < 1e-6 * largest.max(1.0), "{off} of {largest}");
    }
}
