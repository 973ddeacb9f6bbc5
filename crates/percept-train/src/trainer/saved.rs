//! What a run leaves on disk, and how it goes back to it.

use percept_nn::backbone::Precision;
use percept_nn::loss::TrainLoss;
use percept_nn::model::{Card, Model, ModelError};
use percept_nn::weights::StateDict;
use percept_run::metric::space_section;
use percept_run::{Checkpoint, Checkpoints, Config, Damaged, Latest, RunFiles};
use serde_json::{Value, json};

use super::Trainer;
use crate::error::TrainError;
use crate::event::Event;
use crate::losses::LossTerm;
use crate::recorder::Recorder;

/// What a checkpoint's card says beside the model's.
const VALIDATED: &str = "validated";
pub(super) const PHOTOS: &str = "photos";
const BEST: &str = "best";
const PRECISION: &str = "precision";

impl Trainer {
    /// Saves a checkpoint of everything that the next step depends on, and after it the model: whoever is killed between the two
    /// goes on from the checkpoint. Nothing where both are there already. What they stand for is in the logs by then.
    pub(super) fn save(
        &mut self,
        recorder: &Recorder,
        tell: &mut impl FnMut(Event),
    ) -> Result<(), TrainError> {
        let now = (self.iter, self.validated);
        if self.run.is_none() || self.saved == Some(now) {
            return Ok(());
        }
        recorder.sync()?;
        let model = self.model()?;
        let mut state = StateDict::new();
        self.generator.save(&mut state);
        if let Some(game) = &self.game {
            game.save(&mut state);
        }
        for term in &self.losses {
            if let Some(space) = term.space() {
                state.extend_prefixed(&space_section(&term.name), space.state_dict());
            }
        }
        let card = json!({
            "model": model.card(), VALIDATED: self.validated, PHOTOS: self.source.list(), BEST: self.best,
            PRECISION: self.precision(),
        });
        let checkpoint = Checkpoint { iter: self.iter, card, state };
        let path = Checkpoints::new(self.files.checkpoints())
            .save(checkpoint, self.config.logger.keep_checkpoints)?;
        model.save(self.files.model())?;
        self.saved = Some(now);
        tell(Event::Saved { iter: self.iter, path });
        Ok(())
    }

    /// Goes back to a checkpoint.
    pub(super) fn load(&mut self, checkpoint: &Checkpoint) -> Result<(), TrainError> {
        let Checkpoint { iter, card, state } = checkpoint;
        self.generator.load(state, &self.device)?;
        if let Some(game) = &mut self.game {
            game.load(state, &self.device)?;
        }
        for LossTerm { name, loss, .. } in &mut self.losses {
            if let TrainLoss::Space(space) = loss {
                space.load_state_dict(&state.section(&space_section(name)), &self.device)?;
            }
        }
        let before = card.get(PRECISION).cloned().unwrap_or_default();
        let (before, now) = (serde_json::from_value(before).unwrap_or(Precision::F32), self.precision());
        if before != now {
            self.notes.push(Event::Warning(format!(
                "products are {} from here on and were {} until step {iter}: this is not what one of the two would have \
                 made; set train.precision in {} if it should stay as it was",
                now.name(),
                before.name(),
                self.files.config().display()
            )));
        }
        self.iter = *iter;
        self.validated = card.get(VALIDATED).and_then(Value::as_u64).unwrap_or(0);
        let best = card.get(BEST).cloned().unwrap_or_default();
        self.best = serde_json::from_value(best).unwrap_or_default();
        // Nothing counts as saved: the model may be of an earlier save, so the first one from here writes it anew.
        Ok(())
    }

    /// What the products of its networks are made of here.
    fn precision(&self) -> Precision {
        self.config.train.precision.on(&self.device)
    }

    /// The network as it is validated, saved and applied: in `f32`, whatever it learns in.
    pub(super) fn model(&self) -> Result<Model, ModelError> {
        let Config { task, scale, seed, datasets, network_g, train, .. } = &self.config;
        let card = Card {
            network_g: network_g.clone(),
            task: task.name().to_string(),
            scale: *scale,
            in_channels: task.in_channels(),
            losses: json!(train.losses),
            seed: *seed,
            data: json!({"train": datasets.train, "photos": self.source.photos()}),
            iter: self.iter,
            finished: self.is_finished(),
            percept: env!("CARGO_PKG_VERSION").to_string(),
            // Saving fills it in.
            sha256: String::new(),
        };
        let model = Model::new(self.generator.best().clone(), card);
        match self.precision() {
            Precision::F32 => Ok(model),
            _ => model.in_precision(Precision::F32),
        }
    }
}

/// The checkpoint to go on from, and what was passed over for it; none of a run that was ended before it saved anything.
pub(super) fn sound(
    latest: Latest,
    files: &RunFiles,
) -> Result<(Option<Checkpoint>, Vec<Event>), TrainError> {
    let Latest { checkpoint, damaged } = latest;
    let found = damaged.first().cloned();
    match (&checkpoint, found) {
        (None, Some(damaged)) => return Err(TrainError::NoSound { dir: files.dir().to_path_buf(), damaged }),
        (None, None) if files.model().exists() => {
            return Err(TrainError::NoCheckpoint { dir: files.dir().to_path_buf() });
        }
        _ => {}
    }
    let note = |Damaged { path, reason }: Damaged| {
        Event::Warning(format!(
            "{}: this checkpoint is damaged ({reason}); an older one is used",
            path.display()
        ))
    };
    let mut notes: Vec<Event> = damaged.into_iter().map(note).collect();
    if checkpoint.is_none() {
        notes.push(Event::Note("nothing was saved yet; it begins with the first step".to_string()));
    }
    Ok((checkpoint, notes))
}
