//! The loop, from top to bottom. [`Trainer::step`] is the paper.

mod saved;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use percept_nn::disentangle::{Anchor, blurred};
use percept_nn::loss::TrainLoss;
use percept_nn::model::{Model, ModelError};
use percept_nn::network::Network;
use percept_nn::weights::{WeightStore, sha256_hex};
use percept_run::log::{LogError, Validation};
use percept_run::{Checkpoints, Config, Run, RunFiles};
use serde_json::json;

use crate::best::Best;
use crate::data::{Batch, BatchTensors, Loader, PhotoList, TrainSource};
use crate::error::{StepError, TrainError};
use crate::event::{Event, Outcome, StepReport};
use crate::eyes::Eyes;
use crate::game::Game;
use crate::losses::{LossTerm, Means, Terms};
use crate::parts::Parts;
use crate::player::{Moved, Player};
use crate::recorder::Recorder;
use crate::validate::Validator;
use crate::window::Window;
use crate::{Schedule, Team};
use saved::{PHOTOS, sound};

/// What a run that goes on may do otherwise than it began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resume {
    /// The device; left out, the one that it began on.
    pub device: Option<String>,
    /// Steps of the whole run; left out, as many as its configuration says.
    pub total_iter: Option<u64>,
    /// Whether it may go on though the training photos are not those that it saw.
    pub other_photos: bool,
}

/// A training run.
pub struct Trainer {
    config: Config,
    team: Team,
    files: RunFiles,
    /// The folder, of which who leads the team is the only one to write.
    run: Option<Run>,
    device: Device,
    source: Arc<TrainSource>,
    validator: Option<Validator>,
    generator: Player<Network>,
    /// The discriminator, where a loss asks for one.
    game: Option<Game>,
    losses: Vec<LossTerm>,
    /// The frozen networks that several losses look through.
    eyes: Eyes,
    /// The last step that was done.
    iter: u64,
    /// The step after which the last validation was done.
    validated: u64,
    /// The best validation by `val.save_best`.
    best: Option<Best>,
    /// The step and the last validation of the newest checkpoint.
    saved: Option<(u64, u64)>,
    /// What the user should hear next.
    notes: Vec<Event>,
}

impl Trainer {
    /// A new run, in a folder of its own.
    ///
    /// # Errors
    /// When the configuration, the photos or the weights cannot be used, or the folder is taken. Nothing has
    /// been written then.
    pub fn create(config: Config, store: &WeightStore) -> Result<Self, TrainError> {
        Self::create_in(Team::alone(), config, store)
    }

    /// The same for a team, of which every process calls it.
    ///
    /// # Errors
    /// As [`create`](Self::create), and when a batch cannot be dealt to so many.
    pub fn create_in(team: Team, config: Config, store: &WeightStore) -> Result<Self, TrainError> {
        config.validate()?;
        let parts = Parts::load(&config, store, &team, false)?;
        let run = team.leads().then(|| Run::create(config.run_dir(), &config)).transpose()?;
        team.wait();
        Ok(Self::new(parts, team, run, config))
    }

    /// Whether a run of that configuration could begin: its device, network, losses and scores, with the weights that
    /// they need. Photos are not looked at.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn check(config: &Config, store: &WeightStore) -> Result<(), TrainError> {
        config.validate()?;
        Parts::check(config, store)
    }

    /// The run in `dir`, from its newest sound checkpoint on.
    ///
    /// # Errors
    /// When there is no run or no sound checkpoint of it, another process works on it, its photos have changed, or what
    /// it needs cannot be used any more.
    pub fn resume(dir: &Path, how: &Resume, store: &WeightStore) -> Result<Self, TrainError> {
        Self::resume_in(Team::alone(), dir, how, store)
    }

    /// The same for a team, of which every process calls it. It may be of another size than the one that began.
    ///
    /// # Errors
    /// As [`resume`](Self::resume), and when a batch cannot be dealt to so many.
    pub fn resume_in(team: Team, dir: &Path, how: &Resume, store: &WeightStore) -> Result<Self, TrainError> {
        let files = RunFiles::new(dir);
        let resumed = team.leads().then(|| Run::resume(dir)).transpose()?;
        // The others look when nobody else writes any more.
        team.wait();
        let (run, mut config) = match resumed {
            Some((run, config)) => (Some(run), config),
            None => (None, files.read_config()?),
        };
        let latest = Checkpoints::new(files.checkpoints()).latest()?;
        let (checkpoint, mut notes) = sound(latest, &files)?;
        let began = config.train.total_iter;
        config.train.total_iter = how.total_iter.unwrap_or(began);
        config.validate()?;
        let (iter, total) =
            (checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.iter), config.train.total_iter);
        if iter > total {
            return Err(TrainError::Beyond { dir: dir.to_path_buf(), iter, total });
        }
        let of_folder = config.clone();
        config.device = how.device.clone().unwrap_or(config.device);
        let parts = Parts::load(&config, store, &team, checkpoint.is_some())?;
        if let Some(checkpoint) = &checkpoint {
            let then = checkpoint.card.get(PHOTOS).cloned();
            let then: Option<PhotoList> = then.and_then(|list| serde_json::from_value(list).ok());
            match then.and_then(|then| then.difference(parts.source.list())) {
                Some(what) if how.other_photos => {
                    notes.push(Event::Warning(format!("the training photos have changed: {what}")));
                }
                Some(what) => return Err(TrainError::OtherPhotos { dir: dir.to_path_buf(), what }),
                None => {}
            }
        }
        if total != began {
            run.iter().try_for_each(|run| run.write_config(&of_folder))?;
            let lr =
                Schedule::new(&config.train.optim_g, &config.train.scheduler, &config.train).rate(iter + 1);
            notes.push(Event::Note(format!(
                "{total} steps instead of {began}; the schedule counts for {total} now, the rate of step {} is {lr:.3e}",
                iter + 1
            )));
        }
        let mut trainer = Self::new(parts, team, run, config);
        trainer.notes.extend(notes);
        if let Some(checkpoint) = &checkpoint {
            trainer.load(checkpoint)?;
        }
        Ok(trainer)
    }

    fn new(parts: Parts, team: Team, run: Option<Run>, config: Config) -> Self {
        let Parts { device, source, validator, network_g, network_d, losses, eyes, warnings } = parts;
        let train = &config.train;
        let learning = (&train.optim_g, &train.scheduler);
        let game = network_d.zip(train.gan()).map(|(network, (_, gan))| {
            let player = Player::new("d", network, train.learning_d(), 0.0, train, &team);
            Game::new(player, gan.clone(), config.seed)
        });
        Self {
            generator: Player::new("g", network_g, learning, train.ema_decay, train, &team),
            game,
            iter: 0,
            validated: 0,
            best: None,
            saved: None,
            files: RunFiles::new(config.run_dir()),
            config,
            team,
            run,
            device,
            source,
            validator,
            losses,
            eyes,
            notes: warnings.into_iter().map(Event::Warning).collect(),
        }
    }

    /// The configuration that is trained.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Trains until all steps are done or `stop` is set, and tells what happens.
    ///
    /// # Errors
    /// When a term of the loss or a gradient is NaN or infinite, when a photo cannot be read any more, and
    /// when what was learned cannot be saved at the end.
    pub fn run(mut self, stop: &AtomicBool, mut tell: impl FnMut(Event)) -> Result<Outcome, TrainError> {
        let leads = self.team.leads();
        self.team.agree(&self.place()?)?;
        let outcome = self.train(stop, |event| {
            if leads {
                tell(event)
            }
        })?;
        self.team.leave();
        Ok(if leads { outcome } else { Outcome::Helped })
    }

    fn train(&mut self, stop: &AtomicBool, mut tell: impl FnMut(Event)) -> Result<Outcome, TrainError> {
        let total = self.config.train.total_iter;
        tell(Event::Started {
            iter: self.iter,
            total,
            photos: self.source.photos(),
            parameters: self.generator.network().num_params(),
        });
        std::mem::take(&mut self.notes).into_iter().for_each(&mut tell);
        let mut recorder = self.recorder()?;
        let train = &self.config.datasets.train;
        let ahead = [train.prefetch, train.workers()];
        let batches = self.config.train.accumulate;
        let mut loader = Loader::start(self.source.clone(), self.iter * batches + 1, ahead)?;
        loop {
            let due =
                self.validation_due() || self.iter.is_multiple_of(self.config.logger.save_checkpoint_freq);
            if self.iter > 0 && due {
                // Saved before it is validated: a kill meanwhile loses no step. A full disk does not end the
                // training: the older checkpoints are still there.
                self.save(&recorder, &mut tell)
                    .unwrap_or_else(|error| tell(Event::Warning(error.to_string())));
            }
            if self.validation_due() {
                self.validate(&mut recorder, stop, &mut tell)?;
            }
            let asked = [self.is_finished() && self.team.leads(), stop.load(Ordering::SeqCst)];
            let [finished, stopped] = self.team.any(asked);
            if finished {
                if let Some(best) = self.best.as_ref().filter(|_| self.iter < self.config.train.total_iter) {
                    tell(Event::Note(format!(
                        "stopped early: no validation since step {} was better; `val.early_stop` says when",
                        best.iter
                    )));
                }
                self.save(&recorder, &mut tell)?;
                return Ok(Outcome::Finished);
            }
            if stopped {
                self.save(&recorder, &mut tell)?;
                return Ok(Outcome::Stopped { iter: self.iter });
            }

            let started = Instant::now();
            let mut report = match self.step(&mut loader) {
                // A photo is gone; what was learned is not.
                Err(error @ TrainError::Data(_)) => {
                    self.save(&recorder, &mut tell)?;
                    return Err(error);
                }
                made => made?,
            };
            self.iter = report.iter;
            report.seconds = started.elapsed().as_secs_f64();
            self.record(&mut recorder, &report)
                .unwrap_or_else(|error| tell(Event::Warning(error.to_string())));
            tell(Event::Step(report));
            std::mem::take(&mut self.notes).into_iter().for_each(&mut tell);
        }
    }

    /// One step: the players learn from each of its batches, and then they move.
    fn step(&mut self, loader: &mut Loader) -> Result<StepReport, TrainError> {
        let (iter, batches, team) = (self.iter + 1, self.config.train.accumulate, self.team.clone());
        let (mut means, mut active) = (Means::default(), Vec::new());
        let mut batch = loader.next_batch()?;
        for part in 0..batches {
            if part > 0 {
                batch = loader.next_batch()?;
            }
            let terms = team.compute(|| self.learn(&batch, iter, part == 0, &mut active));
            means.add(terms.map_err(|error| self.failed(error, iter, &batch))?);
        }
        let Moved { lr, gradient_norm } = team
            .compute(|| self.generator.step(iter))
            .map_err(|error| self.failed(error.into(), iter, &batch))?;
        if let Some(game) = self.game.as_mut().filter(|game| game.plays(iter)) {
            let moved = team.compute(|| game.step(iter, batches));
            let warning = moved.map_err(|error| self.failed(error.into(), iter, &batch))?;
            self.notes.extend(warning.map(Event::Warning));
        }
        let terms = self.team.numbers(means.into_values());
        Ok(StepReport { iter, lr, terms, gradient_norm, active, seconds: 0.0 })
    }

    /// What is learned from one batch, in three parts: generator, selection, discriminator. `x` is the network's input, `x̃`
    /// the distorted image, `y` the target, `ŷ` the result. A selection moves at once, by the first batch of a step.
    fn learn(
        &mut self,
        batch: &Batch,
        iter: u64,
        first: bool,
        active: &mut Vec<(String, f64)>,
    ) -> Result<Vec<(String, f64)>, StepError> {
        let window = Window::draw(self.config.train.jitter, self.config.seed, batch.number);
        let BatchTensors { lq: x, distorted, gt: y } = batch.to_tensors(&self.device);
        let result = window.of(self.generator.network().forward(x.clone())); // ŷ = G(x), [N, H, W, 3]
        let (distorted, y) = (window.of(distorted), window.of(y));
        // What the averaged network makes of x, without gradient.
        let average = || {
            let average = self.generator.average()?;
            Some(window.of(Tensor::from_inner(average.forward(x.clone().inner()))))
        };
        let glance = self.eyes.glance(result.clone(), y.clone());
        let mut terms = Terms::default();

        for LossTerm { name, weight, loss, eye } in &mut self.losses {
            let loss = match loss {
                TrainLoss::Images(loss) => loss.forward(result.clone(), y.clone()),
                TrainLoss::Space(space) => {
                    // φ(ŷ) carries the gradient that leads back to G; φ(y) and φ(x̃) carry none.
                    let seen = glance.see(eye.as_ref(), space);
                    let anchor = |anchor| match anchor {
                        Anchor::Input => distorted.clone(),
                        Anchor::Blurred => blurred(y.clone()),
                        Anchor::Earlier => average().unwrap_or_else(|| distorted.clone()),
                    };
                    // Selection step: only w moves.
                    let selected = if first { space.selection_step(&seen, anchor) } else { None };
                    if let Some(selected) = selected {
                        terms.note(format!("l_sel_{name}"), selected.loss)?;
                        active.push((name.clone(), f64::from(selected.active)));
                        let idle = space.selection().filter(|_| selected.idle).map(|s| s.config().idle());
                        self.notes.extend(idle.map(|idle| Event::Warning(format!("{name}: {idle}"))));
                    }
                    // Transformation step: only G will move; w is a constant in this loss.
                    space.transformation_loss(&seen)
                }
                TrainLoss::Artefacts(loss) => loss.forward(result.clone(), y.clone(), average()),
                TrainLoss::Adversarial(_) => match &mut self.game {
                    Some(game) if game.plays(iter) => game.generator_loss(result.clone(), &y),
                    _ => continue,
                },
            };
            terms.add(name, *weight, loss)?;
        }
        self.generator.take(&terms.sum(&self.device));

        // Discriminator step: only D will move.
        if let Some(game) = self.game.as_mut().filter(|game| game.plays(iter)) {
            game.discriminator_loss(result, y, batch.number, &mut terms)?;
        }
        Ok(terms.into_values())
    }

    /// Restores and scores the validation photos. When `stop` is set meanwhile, the run that is resumed does
    /// it again.
    fn validate(
        &mut self,
        recorder: &mut Recorder,
        stop: &AtomicBool,
        tell: &mut impl FnMut(Event),
    ) -> Result<(), TrainError> {
        let Some(validator) = &self.validator else { return Ok(()) };
        let (model, total) = (self.model()?, validator.source().photos());
        let validation = validator.run(&model, &self.files, |restored| {
            restored.warnings.into_iter().for_each(|warning| tell(Event::Warning(warning)));
            let png = restored.file.and_then(|file| std::fs::read(file).ok());
            if let Some(Err(error)) = png.map(|png| recorder.picture(restored.name, self.iter, &png)) {
                tell(Event::Warning(error.to_string()));
            }
            tell(Event::Validating { done: restored.done, total });
            !stop.load(Ordering::SeqCst)
        })?;
        let Some(validation) = validation else { return Ok(()) };
        self.validated = self.iter;
        if let Err(error) = self.keep_best(&validation) {
            tell(Event::Warning(error.to_string()));
        }
        if let Err(error) = recorder.validation(&validation) {
            tell(Event::Warning(error.to_string()));
        }
        tell(Event::Validated(validation));
        Ok(())
    }

    /// Keeps the model beside the newest if it is the best so far.
    fn keep_best(&mut self, validation: &Validation) -> Result<(), ModelError> {
        let Some(by) = &self.config.val.save_best else { return Ok(()) };
        let better = self.validator.as_ref().and_then(|validator| validator.better(by));
        let Some((value, better)) = validation.val.get(by).zip(better) else { return Ok(()) };
        let (best, is_new) = Best::after(self.best.take(), self.iter, *value, better);
        self.best = best;
        if !is_new {
            return Ok(());
        }
        let model = self.model()?;
        let mut card = model.card().clone();
        // Whoever reads the card has to know that these photos chose it.
        card.data["chosen"] = json!({
            "best_of_validations_by": by, "value": value, "photos": validation.photos,
            "note": "better on the photos that chose it than on others",
        });
        Model::new(model.network().clone(), card).save(self.files.best_model())
    }

    /// Whether no validation has been better for as long as the configuration waits.
    fn has_stalled(&self) -> bool {
        let since = self.best.as_ref().map_or(0, |best| best.since);
        self.config.val.early_stop.is_some_and(|patience| since >= patience)
    }

    fn validation_due(&self) -> bool {
        let Self { iter, validated, .. } = *self;
        let due = iter.is_multiple_of(self.config.val.val_freq) || iter >= self.config.train.total_iter;
        self.validator.is_some() && due && validated < iter
    }

    /// Whether all steps, or as many as help, and the last validation are done.
    fn is_finished(&self) -> bool {
        (self.iter >= self.config.train.total_iter || self.has_stalled()) && !self.validation_due()
    }

    /// Writes a step down, if its turn has come.
    fn record(&self, recorder: &mut Recorder, report: &StepReport) -> Result<(), LogError> {
        recorder.count(report);
        let Config { logger, train, .. } = &self.config;
        let iter = report.iter;
        if iter != 1 && iter != train.total_iter && !iter.is_multiple_of(logger.print_freq) {
            return Ok(());
        }
        recorder.step(report)?;
        self.losses.iter().try_for_each(|term| recorder.selection(term, report))
    }

    fn recorder(&self) -> Result<Recorder, LogError> {
        if self.run.is_none() {
            return Ok(Recorder::default());
        }
        let selects = self.config.train.selecting().is_some();
        Recorder::open(&self.files, (self.iter, self.validated), selects, self.config.logger.use_tb_logger)
    }

    /// What all processes of a team must have in common before the first step.
    fn place(&self) -> Result<String, TrainError> {
        let place =
            json!({"config": self.config.to_toml()?, "photos": self.source.list(), "iter": self.iter});
        Ok(sha256_hex(place.to_string().as_bytes()))
    }

    /// Why a step could not be made, with its batch on disk.
    fn failed(&self, error: StepError, iter: u64, batch: &Batch) -> TrainError {
        let path = self.files.failed_batch(iter);
        let batch = match batch.to_state_dict().save(&path) {
            Ok(()) => format!("its batch is saved in {}", path.display()),
            Err(error) => format!("its batch could not be saved ({error})"),
        };
        TrainError::Step { iter, error, batch }
    }
}
