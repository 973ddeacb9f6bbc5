//! Losses by their settings.

use std::collections::BTreeMap;

use crate::common::store::store;
use burn::tensor::{Device, Tensor};
use percept_nn::loss::{LossConfig, TrainLoss};

/// The loss of a result towards a target.
pub type Value = Box<dyn Fn(Tensor<4>, Tensor<4>) -> Tensor<1>>;

/// The loss, with the bundled weights. A perceptual space has seen nothing before, each time.
pub fn value(loss: LossConfig, device: &Device) -> Value {
    match loss.init(&store(), device).unwrap() {
        TrainLoss::Images(loss) => Box::new(move |result, target| loss.forward(result, target)),
        TrainLoss::Space(_) => {
            let device = device.clone();
            Box::new(move |result, target| {
                let TrainLoss::Space(mut space) = loss.init(&store(), &device).unwrap() else { panic!() };
                let seen = space.see(result, target);
                space.transformation_loss(&seen)
            })
        }
        TrainLoss::Artefacts(loss) => Box::new(move |result, target| loss.forward(result, target, None)),
        TrainLoss::Adversarial(_) => panic!("its value is the discriminator's"),
    }
}

/// Taps with their factors.
pub fn taps(factors: &[(&str, f64)]) -> BTreeMap<String, f64> {
    factors.iter().map(|(tap, factor)| ((*tap).to_string(), *factor)).collect()
}
