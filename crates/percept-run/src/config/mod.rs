//! The configuration of a run: one TOML file, every field documented once, here.
//!
//! Names are BasicSR's where they fit. The JSON Schema, the commented template and the refusal of unknown
//! keys all come from these types.

mod datasets;
mod error;
mod experiment;
mod keys;
mod knobs;
mod mix;
mod old;
mod place;
mod preset;
mod ranges;
mod reference;
mod template;
mod train;

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use percept_image::expand_home;
use percept_nn::adversarial::DiscriminatorConfig;
use percept_nn::loss::Term;
use percept_nn::network::NetworkConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use datasets::{DatasetsConfig, RootConfig, TrainSetConfig, ValSetConfig};
pub use error::ConfigError;
pub use experiment::{Experiment, PlannedRun};
pub use mix::{CutblurConfig, CutmixConfig, MixConfig, MixupConfig, StageConfig};
pub use place::value_at;
pub use preset::Preset;
pub use train::{
    CosineConfig, LoggerConfig, MultistepConfig, OptimConfig, OptimType, SchedulerConfig, TrainConfig,
    ValConfig,
};

use crate::Task;

/// A training run, all of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Name of the run. Its folder is `runs/NAME` unless `path.run` says otherwise.
    pub name: String,
    /// What is learned: `sr`, `lowlight`, `denoise`, `deblur`, `derain`, `jpeg` or `raw2rgb`.
    pub task: Task,
    /// How many times larger than the degraded photo the target is: 2 to 4 for `sr` (default 4), 1 or 2 for
    /// `raw2rgb` (default 1), 1 for the others.
    #[serde(default)]
    pub scale: usize,
    /// Seed of everything random: initial weights, data order, crops, degradations. The same seed gives the
    /// same run. Default 0.
    #[serde(default, rename = "manual_seed")]
    pub seed: u64,
    /// What computes: `cpu` (default), or another device that this build knows.
    #[serde(default = "cpu")]
    pub device: String,
    /// The photos.
    pub datasets: DatasetsConfig,
    /// The network that is trained.
    pub network_g: NetworkConfig,
    /// The discriminator of the adversarial loss; only with one of `type = "gan"` among the losses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(example = serde_json::json!({ "type": "vgg" }))]
    pub network_d: Option<DiscriminatorConfig>,
    /// Files and folders.
    #[serde(default)]
    pub path: PathConfig,
    /// The training.
    #[serde(default)]
    pub train: TrainConfig,
    /// The validation.
    #[serde(default)]
    pub val: ValConfig,
    /// What is written down, and when.
    #[serde(default)]
    pub logger: LoggerConfig,
}

/// `path`: files and folders. Relative ones start at the folder in which percept is called, `~` is the user's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PathConfig {
    /// Weights that the network starts from: a model of percept, safetensors or `.pth`, or the name of one that is part of
    /// percept (`percept models`). Left out, the network starts untrained.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"warm.safetensors")]
    pub pretrain_network_g: Option<PathBuf>,
    /// Whether `pretrain_network_g` and `pretrain_network_d` have to fit: every weight there, and of the right size. If not,
    /// what fits is taken, the rest starts untrained, and it is said what was and was not taken. Default true.
    pub strict: bool,
    /// Weights that the discriminator starts from: safetensors or `.pth`. Left out, it starts untrained.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"RealESRGAN_x4plus_netD.pth")]
    pub pretrain_network_d: Option<PathBuf>,
    /// Folder that is searched for weights of backbones before the bundled ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"weights")]
    pub weights: Option<PathBuf>,
    /// The run's folder. Default `runs/NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = &"runs/NAME")]
    pub run: Option<PathBuf>,
}

impl Default for PathConfig {
    fn default() -> Self {
        Self { pretrain_network_g: None, strict: true, pretrain_network_d: None, weights: None, run: None }
    }
}

fn cpu() -> String {
    "cpu".to_string()
}

impl Config {
    /// The configuration in a file.
    ///
    /// # Errors
    /// As [`from_toml`](Self::from_toml), and when the file cannot be read.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_path_buf(), source })?;
        Self::from_toml(&text, &path.display().to_string())
    }

    /// The configuration in `text`, complete: what it leaves out has its default. `origin` names the text in
    /// messages.
    ///
    /// # Errors
    /// With the line, when the text is no TOML, holds an unknown key (the nearest known one is named), or a
    /// value of the wrong type or outside of its range.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, ConfigError> {
        let document = keys::Document::parse(text, origin)?;
        old::refuse(&document, text, "")?;
        document.check_keys(Self::schema())?;
        let mut config: Self =
            toml::from_str(text).map_err(|error| ConfigError::from_toml(&error, text, origin))?;
        if !document.has("scale") {
            config.scale = config.task.default_scale();
        }
        config.paths().for_each(|path| *path = expand_home(&*path));
        config.datasets.train.complete(config.task, config.scale);
        Term::complete(&mut config.train.losses);
        config.train.complete();
        config.path.run = Some(config.run_dir());
        ranges::check(&config).map_err(|(key, problem)| document.refuse(&key, problem))?;
        Ok(config)
    }

    /// Every path that it holds.
    fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        let PathConfig { pretrain_network_g, pretrain_network_d, weights, run, .. } = &mut self.path;
        let DatasetsConfig { train, val } = &mut self.datasets;
        let val = val.iter_mut().flat_map(ValSetConfig::paths);
        let own = [pretrain_network_g.as_mut(), pretrain_network_d.as_mut(), weights.as_mut(), run.as_mut()];
        own.into_iter().flatten().chain(train.paths()).chain(val)
    }

    /// Checks every range, for a configuration that was made in code.
    ///
    /// # Errors
    /// Names the first key whose value makes no sense.
    pub fn validate(&self) -> Result<(), ConfigError> {
        ranges::check(self).map_err(|(key, problem)| ConfigError::Value {
            origin: format!("the configuration `{}`", self.name),
            key,
            problem,
        })
    }

    /// The whole configuration as TOML, defaults written out. Reading it gives an equal one.
    ///
    /// # Errors
    /// When a path is no text.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|error| ConfigError::Write { problem: error.to_string() })
    }

    /// The JSON Schema of a configuration file.
    pub fn schema() -> &'static serde_json::Value {
        static SCHEMA: LazyLock<serde_json::Value> =
            LazyLock::new(|| schemars::schema_for!(Config).to_value());
        &SCHEMA
    }

    /// The reference page of a configuration file, as Markdown: `docs/config.md`.
    pub fn reference() -> String {
        reference::reference(Self::schema())
    }

    /// A configuration that trains as it stands, every key explained: what `percept init` writes.
    ///
    /// # Errors
    /// As [`to_toml`](Self::to_toml).
    pub fn template(preset: Preset) -> Result<String, ConfigError> {
        let mut config = preset.config()?;
        // The run's folder follows from its name.
        config.path.run = None;
        template::commented(&config.to_toml()?, Self::schema())
    }

    /// The run's folder.
    pub fn run_dir(&self) -> PathBuf {
        self.path.run.clone().unwrap_or_else(|| Path::new("runs").join(&self.name))
    }
}
