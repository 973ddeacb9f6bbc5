//! One training run with its progress on the screen: what `train`, `demo` and `experiment` share.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use percept_run::{Config, RunError, RunFiles};
use percept_train::{Event, Outcome, Resume, Team, TrainError, Trainer};

use crate::args::Global;
use crate::bundle;
use crate::failure::Failure;
use crate::output::counted;
use crate::progress::Progress;
use crate::screen::say;

/// The run that `config` describes: a new one, or where it may be resumed and its folder holds one, that one.
pub fn trainer(
    global: &Global,
    team: Team,
    config: Config,
    resume: Option<Resume>,
) -> Result<Trainer, Failure> {
    begin(global, team, config, resume).map_err(Failure::from)
}

/// The run that `config` describes, new or resumed; `None` where another process works on it.
pub fn claimed(global: &Global, config: Config) -> Result<Option<Trainer>, Failure> {
    match begin(global, Team::alone(), config, Some(Resume::default())) {
        // One that is there now was not there a moment ago.
        Err(Refused::Train(TrainError::Run(RunError::Locked { .. } | RunError::Exists { .. }))) => Ok(None),
        begun => Ok(Some(begun?)),
    }
}

/// The run in `folder`, from where it was.
pub fn go_on(global: &Global, team: Team, folder: &Path, resume: Resume) -> Result<Trainer, Failure> {
    resumed(global, team, folder, resume).map_err(Failure::from)
}

/// Why a run does not begin.
enum Refused {
    Train(TrainError),
    Other(Failure),
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

impl From<TrainError> for Refused {
    fn from(error: TrainError) -> Self {
        Self::Train(error)
    }
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Train(error) => failure(error),
            Refused::Other(failure) => failure,
        }
    }
}

fn begin(
    global: &Global,
    team: Team,
    mut config: Config,
    resume: Option<Resume>,
) -> Result<Trainer, Refused> {
    let store = bundle::store(global.weights.as_deref()).map_err(Failure::from)?;
    let folder = config.run_dir();
    match resume {
        Some(resume) if RunFiles::new(&folder).config().exists() => {
            config.train.total_iter = resume.total_iter.unwrap_or(config.train.total_iter);
            unchanged(&folder, &config, resume.total_iter)?;
            resumed(global, team, &folder, resume)
        }
        _ => {
            if let Some(device) = &global.device {
                config.device.clone_from(device);
            }
            Ok(Trainer::create_in(team, config, &store)?)
        }
    }
}

fn resumed(global: &Global, team: Team, folder: &Path, resume: Resume) -> Result<Trainer, Refused> {
    let store = bundle::store(global.weights.as_deref()).map_err(Failure::from)?;
    let resume = Resume { device: global.device.clone(), ..resume };
    Ok(Trainer::resume_in(team, folder, &resume, &store)?)
}

/// Trains to the end, or until `stop` is set; `label` stands before the bar.
pub fn train(trainer: Trainer, label: &str, stop: &AtomicBool) -> Result<Outcome, Failure> {
    let mut progress: Option<Progress> = None;
    let mut checking: Option<Progress> = None;
    let outcome = trainer.run(stop, |event| match event {
        Event::Started { iter, total, photos, parameters } => {
            let from = if iter > 0 { format!(", from step {iter} on") } else { String::new() };
            let size = parameters as f64 / 1e6;
            let (steps, photos) = (counted(total as usize, "step"), counted(photos, "photo"));
            say(&format!("{label}  {steps}{from}, {photos}, {size:.2} M parameters"));
            progress = Some(Progress::new(label, total as usize, iter as usize));
        }
        Event::Step(report) => {
            if let Some(progress) = &mut progress {
                progress.set(report.iter as usize, &format!("{report}  {:.2} s/step", report.seconds));
            }
        }
        Event::Validating { done, total } => {
            checking.get_or_insert_with(|| Progress::new("validation", total, 0)).set(done, "");
        }
        Event::Validated(validation) => {
            checking.take().into_iter().for_each(Progress::finish);
            let photos = counted(validation.photos, "photo");
            say(&format!("{label}  step {}, {photos}: {validation}", validation.iter));
        }
        Event::Saved { .. } => {}
        Event::Warning(message) => say(&format!("warning: {message}")),
        Event::Note(message) => say(&format!("{label}  {message}")),
    });
    checking.into_iter().chain(progress).for_each(Progress::finish);
    outcome.map_err(failure)
}

/// A run goes on as it began, or bit-identical resume would mean nothing.
pub fn unchanged(folder: &Path, config: &Config, total_iter: Option<u64>) -> Result<(), Failure> {
    let mut began = RunFiles::new(folder).read_config().map_err(Failure::work)?;
    began.train.total_iter = total_iter.unwrap_or(began.train.total_iter);
    let plain = |config: &Config| {
        let mut config = config.clone();
        config.path.run = None;
        config.device.clear();
        config.train.complete();
        // Another way to write the same file is no other setting.
        if let Some(path) = &mut config.path.pretrain_network_g {
            *path = path.canonicalize().unwrap_or_else(|_| path.clone());
        }
        config.to_toml().map_err(Failure::work)
    };
    let (began, now) = (plain(&began)?, plain(config)?);
    let changed = now.lines().zip(began.lines()).find(|(now, began)| now != began);
    match changed {
        None if now == began => Ok(()),
        changed => Err(Failure::call(format!(
            "{}: this run began with other settings (`{}`); go on with them by `percept train {} --resume`, or \
             start a new run with --out",
            folder.display(),
            changed.map_or("a part is missing", |(_, began)| began),
            folder.display(),
        ))),
    }
}

/// What the user can set right in the call or the configuration is a wrong call; the rest is work that failed.
fn failure(error: TrainError) -> Failure {
    match error {
        TrainError::Config(_)
        | TrainError::Run(_)
        | TrainError::Device(_)
        | TrainError::Metric(_)
        | TrainError::Team(_)
        | TrainError::CropTooSmall { .. }
        | TrainError::Beyond { .. }
        | TrainError::OtherPhotos { .. } => Failure::call(error),
        _ => Failure::work(error),
    }
}
