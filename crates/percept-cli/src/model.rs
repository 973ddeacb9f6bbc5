//! Opening a model that a call names: a file, or a run's folder.

use std::path::{Path, PathBuf};

use percept_nn::model::{Asked, Model};
use percept_nn::network::{CompactConfig, DruNetConfig, EdsrConfig, FbcnnConfig, NetworkConfig};
use percept_nn::weights::{Provenance, WeightError, WeightStore};

use crate::args::{Global, ModelArgs};
use crate::bundle;
use crate::failure::Failure;
use crate::screen::say;

/// What the name of a bundled model's mild form ends in.
pub const MILD: &str = "-mild";

/// A model, and the file that it comes from.
pub struct Opened {
    pub model: Model,
    pub file: PathBuf,
    pub provenance: Provenance,
    /// What the file says of itself, percept's card left out.
    pub metadata: Vec<(String, String)>,
}

impl Opened {
    /// Says what a person should know who uses the model.
    pub fn say_notes(&self) {
        if let Some((taken, left)) = self.provenance.averaged() {
            say(&format!(
                "{}: the averaged weights `{taken}` are used, not `{left}` beside them",
                self.file.display()
            ));
        }
        if let Some(assumption) = self.model.assumption() {
            say(&format!("{}: {assumption}", self.file.display()));
        }
    }
}

/// Opens `path`, a file, a run's folder or the name of a bundled model; what the file does not say is read off its weights,
/// or said by `args`.
pub fn open(global: &Global, path: &Path, args: &ModelArgs) -> Result<Opened, Failure> {
    let store = bundle::store(global.weights.as_deref())?;
    let mut opened = one(&store, global, path, args)?;
    if let Some(strength) = args.denoise_strength {
        if !(0.0..=1.0).contains(&strength) {
            return Err(Failure::call(format!("--denoise-strength must be from 0 to 1; it is {strength}")));
        }
        let mild = path.to_str().map(|name| format!("{name}{MILD}"));
        let Some(mild) = mild.filter(|mild| store.models().any(|name| name == mild) && !path.exists()) else {
            return Err(Failure::call(format!(
                "--denoise-strength needs a model that has a mild form; {} has none, photo-x4 has",
                path.display()
            )));
        };
        let mild = one(&store, global, Path::new(&mild), args)?;
        opened.model = opened.model.mixed(&mild.model, strength).map_err(Failure::work)?;
    }
    Ok(opened)
}

fn one(store: &WeightStore, global: &Global, path: &Path, args: &ModelArgs) -> Result<Opened, Failure> {
    let (file, device) = (model_file(path), global.device()?);
    let network_g = network(args)?;
    let state = store.model(&file).map_err(|error| match error {
        WeightError::NoModel { .. } => Failure::call(error),
        error => Failure::work(error),
    })?;
    let own = |key: &str| key == percept_nn::model::Card::KEY;
    // Other tools may have put them under keys.
    let is_own = state.metadata().keys().any(|key| own(key));
    let state = if is_own { state } else { NetworkConfig::unwrapped(state) };
    let provenance = state.provenance().clone();
    let metadata = state.metadata().iter().filter(|(key, _)| !own(key));
    let metadata = metadata.map(|(key, value)| (key.clone(), value.clone())).collect();
    let asked = Asked { network_g: network_g.as_ref(), scale: args.scale };
    let model = Model::of_weights(state, &file, asked, &device).map_err(Failure::work)?;
    Ok(Opened { model, file, provenance, metadata })
}

/// What the call says of the network. A setting that one architecture has names it.
fn network(args: &ModelArgs) -> Result<Option<NetworkConfig>, Failure> {
    let named = args.network.map(|kind| (kind.config)());
    let only = |flag: &str, owner: &str, named: &NetworkConfig| {
        let name = named.name();
        Failure::call(format!("{flag} is a setting of {owner}, and the network is {name}; leave it out"))
    };
    let mut network = named
        .or_else(|| args.res_scale.map(|_| NetworkConfig::Edsr(EdsrConfig::default())))
        .or_else(|| args.act_type.map(|_| NetworkConfig::Compact(CompactConfig::default())))
        .or_else(|| args.noise_level.map(|_| NetworkConfig::DruNet(DruNetConfig::default())))
        .or_else(|| args.quality.map(|_| NetworkConfig::Fbcnn(FbcnnConfig::default())));
    let Some(network_g) = &mut network else { return Ok(None) };
    if args.res_scale.is_some() {
        match network_g {
            NetworkConfig::Edsr(config) => config.res_scale = args.res_scale,
            other => return Err(only("--res-scale", "edsr", other)),
        }
    }
    if let Some(act_type) = args.act_type {
        match network_g {
            NetworkConfig::Compact(config) => config.act_type = act_type,
            other => return Err(only("--act-type", "compact", other)),
        }
    }
    if args.noise_level.is_some() {
        match network_g {
            NetworkConfig::DruNet(config) => config.noise_level = args.noise_level,
            other => return Err(only("--noise-level", "drunet", other)),
        }
    }
    if args.quality.is_some() {
        match network_g {
            NetworkConfig::Fbcnn(config) => config.quality = args.quality,
            other => return Err(only("--quality", "fbcnn", other)),
        }
    }
    Ok(network)
}

/// The file itself, or the model of a run's folder.
fn model_file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("model.safetensors") } else { path.to_path_buf() }
}
