//! Everything that a run writes down while it goes, into the files of its folder.

use percept_run::RunFiles;
use percept_run::log::{JsonLog, LogError, SelectionLine, StepLine, Validation};

use crate::StepReport;
use crate::losses::LossTerm;
use crate::tensorboard::TensorBoard;

/// The logs of a run; none in a process that writes nothing.
#[derive(Default)]
pub(crate) struct Recorder {
    log: Option<JsonLog>,
    selection: Option<JsonLog>,
    board: Option<TensorBoard>,
    /// Steps and their seconds since the last line.
    steps: u32,
    seconds: f64,
}

impl Recorder {
    /// The logs of a run that stands at the end of step `iter` and has validated up to step `validated`.
    pub(crate) fn open(
        files: &RunFiles,
        (iter, validated): (u64, u64),
        selects: bool,
        board: bool,
    ) -> Result<Self, LogError> {
        let selection = selects.then(|| JsonLog::open(files.selection(), iter, iter));
        let board = board.then(|| TensorBoard::create(&files.tensorboard(), iter));
        Ok(Self {
            log: Some(JsonLog::open(files.log(), iter, validated)?),
            selection: selection.transpose()?,
            board: board.transpose()?,
            steps: 0,
            seconds: 0.0,
        })
    }

    /// A step was done: its time counts.
    pub(crate) fn count(&mut self, report: &StepReport) {
        self.steps += 1;
        self.seconds += report.seconds;
    }

    /// Writes a step down.
    pub(crate) fn step(&mut self, report: &StepReport) -> Result<(), LogError> {
        let Some(log) = &mut self.log else { return Ok(()) };
        let seconds = std::mem::take(&mut self.seconds) / f64::from(std::mem::take(&mut self.steps).max(1));
        let iter = report.iter;
        let terms = report.terms.iter().map(|(term, value)| (term.clone(), Some(*value)));
        let (lr, grad_norm) = (report.lr, report.gradient_norm);
        log.append(&StepLine { iter, lr, terms: terms.collect(), grad_norm, seconds })?;
        let Some(board) = &mut self.board else { return Ok(()) };
        for (term, value) in &report.terms {
            board.scalar(&format!("losses/{term}"), iter, *value)?;
        }
        board.scalar("train/lr", iter, report.lr)?;
        board.scalar("train/grad_norm", iter, report.gradient_norm)?;
        board.scalar("train/seconds", iter, seconds)
    }

    /// Writes down where the selection of `term` stands, if it has one.
    pub(crate) fn selection(&mut self, term: &LossTerm, report: &StepReport) -> Result<(), LogError> {
        let Some(space) = term.space() else { return Ok(()) };
        let (Some(log), Some(selection)) = (&mut self.selection, space.selection()) else { return Ok(()) };
        let iter = report.iter;
        let active = report.active.iter().find(|(name, _)| *name == term.name);
        let taps = selection.weights();
        log.append(&SelectionLine {
            iter,
            term: term.name.clone(),
            backbone: space.backbone().name().to_string(),
            rule: selection.config().rule(),
            taps: taps.clone(),
            active: active.map(|(_, share)| *share),
            idle: selection.is_idle(),
        })?;
        let Some(board) = &mut self.board else { return Ok(()) };
        taps.iter().try_for_each(|tap| {
            board.scalar(&format!("selection/{}_effective_{}", term.name, tap.name), iter, tap.effective)
        })
    }

    /// Writes down a validation.
    pub(crate) fn validation(&mut self, validation: &Validation) -> Result<(), LogError> {
        let Some(log) = &mut self.log else { return Ok(()) };
        log.append(validation)?;
        let Some(board) = &mut self.board else { return Ok(()) };
        let mut scores = validation.val.iter();
        scores.try_for_each(|(name, value)| board.scalar(&format!("metrics/{name}"), validation.iter, *value))
    }

    /// Waits until all lines are on the disk.
    pub(crate) fn sync(&self) -> Result<(), LogError> {
        self.log.iter().chain(&self.selection).try_for_each(JsonLog::sync)
    }

    /// Shows a restored photo in TensorBoard: the bytes of a PNG file.
    pub(crate) fn picture(&mut self, name: &str, iter: u64, png: &[u8]) -> Result<(), LogError> {
        match &mut self.board {
            Some(board) => board.image(&format!("val/{name}"), iter, png),
            None => Ok(()),
        }
    }
}
