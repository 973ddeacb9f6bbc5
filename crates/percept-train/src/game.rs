//! The game against a discriminator, the second player.

use burn::module::Module;
use burn::tensor::Tensor;
use percept_conv::AllReduce;
use percept_nn::adversarial::{AdversarialType, Discriminator, R1_SIGMA, approximate_r1, r1_noise};
use percept_nn::loss::GanLoss;
use percept_nn::weights::{Array, StateDict, WeightError};

use crate::GradientError;
use crate::losses::{NotFinite, Terms};
use crate::player::Player;

/// Steps in a row after which a game that stands still is called so.
const PATIENCE: u32 = 500;
/// A discriminator whose loss is below this share of that of one who guesses has won.
const WON: f64 = 0.01;
/// One whose loss is within this share of it has learned nothing.
const LOST: f64 = 0.005;

/// A discriminator that learns to tell results from photos.
pub(crate) struct Game {
    player: Player<Discriminator>,
    gan: GanLoss,
    seed: u64,
    /// Who have the other parts of each batch.
    all: Option<AllReduce>,
    /// What the discriminator says of a batch's photos, where the generator asked first.
    real: Option<Tensor<4>>,
    /// The sum of the discriminator's losses over the batches of a step.
    loss: f64,
    /// Steps in a row in which the discriminator had won, and in which it told nothing apart.
    won: u32,
    lost: u32,
}

impl Game {
    pub(crate) fn new(mut player: Player<Discriminator>, gan: GanLoss, seed: u64) -> Self {
        let all = player.team().all_reduce();
        if let Some(all) = &all {
            player.change(|mut network| {
                network.see_a_part(all);
                network
            });
        }
        Self { player, gan, seed, all, real: None, loss: 0.0, won: 0, lost: 0 }
    }

    /// Whether the discriminator takes part in step `iter`.
    pub(crate) fn plays(&self, iter: u64) -> bool {
        iter > self.gan.start
    }

    /// What the generator descends, `[1]`: how well its `result` is told from the photo `y`. Only the generator will move;
    /// the discriminator is a constant here.
    pub(crate) fn generator_loss(&mut self, result: Tensor<4>, y: &Tensor<4>) -> Tensor<1> {
        self.player.change(Discriminator::renewed);
        let judge = self.player.network().clone().no_grad();
        let real = || {
            let real = self.player.network().forward(y.clone());
            self.real.insert(real).clone()
        };
        self.gan.gan_type.generator(judge.forward(result), real, self.all.as_ref())
    }

    /// What the discriminator learns from batch `number` of the run; the `result` is a constant here.
    pub(crate) fn discriminator_loss(
        &mut self,
        result: Tensor<4>,
        y: Tensor<4>,
        number: u64,
        terms: &mut Terms,
    ) -> Result<(), NotFinite> {
        let judge = self.player.network();
        let real = self.real.take().unwrap_or_else(|| judge.forward(y.clone()));
        let fake = judge.forward(result.detach());
        for (name, logits) in [("out_d_real", &real), ("out_d_fake", &fake)] {
            terms.note(name.to_string(), logits.clone().mean().into_scalar())?;
        }
        let (l_real, l_fake) = self.gan.gan_type.discriminator(real.clone(), fake, self.all.as_ref());
        for (name, term) in [("l_d_real", &l_real), ("l_d_fake", &l_fake)] {
            let value: f32 = term.clone().into_scalar();
            terms.note(name.to_string(), value)?;
            self.loss += f64::from(value);
        }
        let mut descended = l_real + l_fake;
        if self.gan.r1 > 0.0 {
            let [part, ..] = y.dims();
            let noise = r1_noise(&y, self.seed, number, self.player.team().before(part));
            let r1 = approximate_r1(|y| judge.forward(y), y, real, noise, R1_SIGMA).mul_scalar(self.gan.r1);
            terms.note("l_d_r1".to_string(), r1.clone().into_scalar())?;
            descended = descended + r1;
        }
        self.player.take(&descended);
        Ok(())
    }

    /// The discriminator's step of step `iter` of the run, by what it learned from `batches`. Says so when the game has come
    /// to a standstill.
    pub(crate) fn step(&mut self, iter: u64, batches: u64) -> Result<Option<String>, GradientError> {
        let loss = std::mem::take(&mut self.loss) / batches as f64;
        let loss = self.player.team().number(loss);
        self.player.step(iter)?;
        Ok(self.standstill(loss))
    }

    /// Counts how long the discriminator's loss has been at one of its ends, and says so once.
    fn standstill(&mut self, loss: f64) -> Option<String> {
        let guessing = match self.gan.gan_type {
            AdversarialType::Vanilla => 2.0 * std::f64::consts::LN_2,
            AdversarialType::Relativistic => std::f64::consts::LN_2,
            AdversarialType::Lsgan => 0.5,
            AdversarialType::Hinge => 2.0,
        };
        let count = |is: bool, steps: u32| if is { steps.saturating_add(1) } else { 0 };
        self.won = count(loss < WON * guessing, self.won);
        self.lost = count((loss - guessing).abs() < LOST * guessing, self.lost);
        match (self.won, self.lost) {
            (PATIENCE, _) => Some(format!(
                "the discriminator has told every result from a photo for {PATIENCE} steps: the network learns little from \
                 it now; lower train.optim_d.lr, or set `r1` of the adversarial loss"
            )),
            (_, PATIENCE) => Some(format!(
                "the discriminator has told nothing apart for {PATIENCE} steps: its loss is that of guessing; raise \
                 train.optim_d.lr, start it from trained weights (path.pretrain_network_d), or take `vgg`, which learns sooner"
            )),
            _ => None,
        }
    }

    /// Puts everything that the next step depends on into a checkpoint.
    pub(crate) fn save(&self, state: &mut StateDict) {
        self.player.save(state);
        let standstill = vec![self.won as f32, self.lost as f32];
        state.insert("game", Array { shape: vec![2], data: standstill });
    }

    /// Continues exactly where it was [saved](Self::save).
    pub(crate) fn load(
        &mut self,
        state: &StateDict,
        device: &burn::tensor::Device,
    ) -> Result<(), WeightError> {
        self.player.load(state, device)?;
        if let [won, lost] = state.require("game", &[2])?.data[..] {
            (self.won, self.lost) = (won as u32, lost as u32);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use percept_nn::adversarial::{DiscriminatorConfig, VggConfig};
    use percept_run::config::TrainConfig;

    use super::*;

    #[test]
    fn a_game_that_stands_still_is_called_so_once() {
        let config = DiscriminatorConfig::Vgg(VggConfig { num_feat: 1, num_down: 1 });
        let network = config.init(0, &burn::tensor::Device::flex().autodiff()).unwrap();
        let train = TrainConfig::default();
        let player = Player::new("d", network, train.learning_d(), 0.0, &train, &crate::Team::alone());
        let mut game = Game::new(player, GanLoss::default(), 0);
        let mut said = |loss: f64, steps: u32| -> Vec<String> {
            (0..steps).filter_map(|_| game.standstill(loss)).collect()
        };
        // A loss of vanilla between its two ends, then not for long enough at one of them.
        assert!(said(0.7, 2 * PATIENCE).is_empty());
        assert!(said(0.001, PATIENCE - 1).is_empty());
        assert!(said(0.7, 1).is_empty());
        let won = said(0.001, 2 * PATIENCE);
        assert!(won.len() == 1 && won[0].contains("told every result from a photo"), "{won:?}");
        let lost = said(2.0 * std::f64::consts::LN_2, 2 * PATIENCE);
        assert!(lost.len() == 1 && lost[0].contains("told nothing apart"), "{lost:?}");
    }
}
