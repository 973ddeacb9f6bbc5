//! A network that learns, with all that it learns by.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Tensor};
use percept_nn::weights::{StateDict, WeightError};
use percept_run::config::{OptimConfig, SchedulerConfig, TrainConfig};

use crate::{Ema, GradientError, Optimizer, Schedule, Team};

/// A network with its optimiser, its schedule and, if it is kept, its average. The generator is one (`g`), a discriminator
/// another (`d`).
pub(crate) struct Player<M: Module> {
    network: M,
    optimizer: Optimizer,
    schedule: Schedule,
    ema: Option<Ema<M>>,
    /// The sum of the gradients of a step's batches, and how many make a step.
    gradients: GradientsAccumulator<M>,
    accumulate: u64,
    /// Who learn from the other parts of each batch.
    team: Team,
    /// `g` or `d`.
    letter: &'static str,
}

/// What a step did to a player.
pub(crate) struct Moved {
    /// The learning rate.
    pub(crate) lr: f64,
    /// Norm of the whole gradient before clipping.
    pub(crate) gradient_norm: f64,
}

impl<M: Module> Player<M> {
    /// A player at its start. `letter` is what BasicSR appends to what belongs to it. `ema_decay` of 0 keeps no average.
    pub(crate) fn new(
        letter: &'static str,
        network: M,
        (optim, scheduler): (&OptimConfig, &SchedulerConfig),
        ema_decay: f64,
        train: &TrainConfig,
        team: &Team,
    ) -> Self {
        Self {
            optimizer: Optimizer::new(optim),
            schedule: Schedule::new(optim, scheduler, train),
            ema: (ema_decay > 0.0).then(|| Ema::new(&network, ema_decay)),
            network,
            gradients: GradientsAccumulator::new(),
            accumulate: train.accumulate,
            team: team.clone(),
            letter,
        }
    }

    /// The network as it learns.
    pub(crate) fn network(&self) -> &M {
        &self.network
    }

    /// Who learn from the other parts of each batch.
    pub(crate) fn team(&self) -> &Team {
        &self.team
    }

    /// The average, if it is kept.
    pub(crate) fn average(&self) -> Option<&M> {
        self.ema.as_ref().map(Ema::module)
    }

    /// The network as it is used: the average where there is one.
    pub(crate) fn best(&self) -> &M {
        self.average().unwrap_or(&self.network)
    }

    /// Changes what does not learn by gradient.
    pub(crate) fn change(&mut self, change: impl FnOnce(M) -> M) {
        self.network = change(self.network.clone());
    }

    /// Takes in the gradient of `loss`, `[1]`, of one of the batches of a step.
    pub(crate) fn take(&mut self, loss: &Tensor<1>) {
        let mut gradients = match self.accumulate {
            1 => loss.backward(),
            batches => loss.clone().div_scalar(batches as f64).backward(),
        };
        let gradients = GradientsParams::from_module(&mut gradients, &self.network);
        self.gradients.accumulate(&self.network, gradients);
    }

    /// Goes one step down the gradients that were taken in, as step `iter` of the run.
    pub(crate) fn step(&mut self, iter: u64) -> Result<Moved, GradientError> {
        let lr = self.schedule.rate(iter);
        let gradients = self.team.gradients(&self.network, self.gradients.grads());
        let stepped = self.optimizer.step(self.network.clone(), gradients, lr);
        let stepped = stepped.map_err(|GradientError { parameter }| GradientError {
            parameter: format!("network_{}.{parameter}", self.letter),
        })?;
        self.network = stepped.module;
        if let Some(ema) = &mut self.ema {
            ema.update(&self.network, iter);
        }
        Ok(Moved { lr, gradient_norm: stepped.gradient_norm })
    }

    /// Sections of a checkpoint: network, its average, optimiser.
    fn sections(&self) -> [String; 3] {
        let letter = self.letter;
        [format!("network_{letter}."), format!("network_{letter}_ema."), format!("optim_{letter}.")]
    }

    /// Puts everything that the next step depends on into a checkpoint.
    pub(crate) fn save(&self, state: &mut StateDict) {
        let [network, ema, optim] = &self.sections();
        state.extend_prefixed(network, StateDict::of(&self.network));
        state.extend_prefixed(optim, self.optimizer.state_dict());
        if let Some(average) = self.average() {
            state.extend_prefixed(ema, StateDict::of(average));
        }
    }

    /// Continues exactly where it was [saved](Self::save).
    pub(crate) fn load(&mut self, state: &StateDict, device: &Device) -> Result<(), WeightError> {
        let [network, ema, optim] = &self.sections();
        self.network = state.section(network).apply(self.network.clone())?;
        self.optimizer.load_state_dict(&state.section(optim), device)?;
        if let Some(average) = &mut self.ema {
            average.set(state.section(ema).apply(average.module().clone())?);
        }
        Ok(())
    }
}
