//! What a training run tells while it goes.

use std::fmt;
use std::path::PathBuf;

use percept_run::log::Validation;

/// Something that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The run starts, or goes on.
    Started {
        /// Steps that were done before: 0 for a new run.
        iter: u64,
        /// Steps of the whole run.
        total: u64,
        /// Photos that are trained on.
        photos: usize,
        /// Values in the network.
        parameters: usize,
    },
    /// A step is done.
    Step(StepReport),
    /// So many photos of a validation are done.
    Validating {
        /// Photos that are restored and scored.
        done: usize,
        /// All photos.
        total: usize,
    },
    /// A validation is done.
    Validated(Validation),
    /// A checkpoint and the model are on disk.
    Saved {
        /// The last step in it.
        iter: u64,
        /// The checkpoint.
        path: PathBuf,
    },
    /// Something that the user should know, and that training goes on after.
    Warning(String),
    /// What is done, where it is not what the user might think.
    Note(String),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All steps are done.
    Finished,
    /// Someone asked to stop; everything is saved.
    Stopped {
        /// The last step that was done.
        iter: u64,
    },
    /// This process helped another one of its [`Team`](crate::Team), which tells how the run ended.
    Helped,
}

/// What one step did.
#[derive(Clone, Debug, PartialEq)]
pub struct StepReport {
    /// The step, counted from 1.
    pub iter: u64,
    /// The learning rate.
    pub lr: f64,
    /// `l_g_NAME` of every term of the loss, weighted as they are summed, and `l_sel_NAME` of every selection that moves.
    pub terms: Vec<(String, f64)>,
    /// Norm of the network's gradient before clipping.
    pub gradient_norm: f64,
    /// Share of a selection's triplets that violated their margin, or of channels that were scored, by the term that has the
    /// selection.
    pub active: Vec<(String, f64)>,
    /// Wall-clock seconds of the step, waiting for its batch included.
    pub seconds: f64,
}

impl fmt::Display for StepReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (term, value)) in self.terms.iter().enumerate() {
            let gap = if at == 0 { "" } else { "  " };
            write!(f, "{gap}{term} {value:.4}")?;
        }
        Ok(())
    }
}
