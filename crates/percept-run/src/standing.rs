//! How far a run has come: one definition for whoever trains, lists or judges runs.

use percept_nn::model::Card;
use percept_nn::weights::StateDict;

use crate::{Config, RunFiles};

/// How far a run has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is in its folder.
    New,
    /// It has begun; so many steps are behind the model in its folder, 0 where there is none.
    Begun(u64),
    /// Nothing is left to do: all steps and the last validation are done, and the model is saved.
    Finished,
}

impl Standing {
    /// Of the run that `config` describes. The model in its folder decides, which is written as a whole and synced: what
    /// it says is true after a power cut, too.
    pub fn of(config: &Config) -> Self {
        let files = RunFiles::new(config.run_dir());
        if !files.config().exists() {
            return Self::New;
        }
        match card(&files) {
            // One that was stopped early has fewer steps.
            Some(card)
                if card.finished
                    && (card.iter >= config.train.total_iter || config.val.early_stop.is_some()) =>
            {
                Self::Finished
            }
            // A model that is no good is written again by whoever goes on with the run.
            card => Self::Begun(card.map_or(0, |card| card.iter)),
        }
    }
}

/// What the model of a run says about itself; `None` where there is none, or it is damaged.
fn card(files: &RunFiles) -> Option<Card> {
    let state = StateDict::load(&files.model()).ok()?;
    let card: Card = serde_json::from_str(state.metadata().get(Card::KEY)?).ok()?;
    (state.sha256() == card.sha256).then_some(card)
}
