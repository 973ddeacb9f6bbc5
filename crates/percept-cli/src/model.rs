//! Opening a model that a call names: a file, or a run's folder.

use std::path::{Path, PathBuf};

use percept_nn::model::{Asked, Model};
use percept_nn::network::{CompactConfig, EdsrConfig, NetworkConfig};
use percept_nn::weights::{Provenance, StateDict};

use crate::args::{Global, ModelArgs};
use crate::failure::Failure;
use crate::screen::say;

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

/// Opens `path`; what the file does not say is read off its weights, or said by `args`.
pub fn open(global: &Global, path: &Path, args: &ModelArgs) -> Result<Opened, Failure> {
    let (file, device) = (model_file(path)?, global.device()?);
    let network_g = network(args)?;
    let state = StateDict::load(&file).map_err(Failure::work)?;
    let provenance = state.provenance().clone();
    let own = |key: &str| key == percept_nn::model::Card::KEY;
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
        .or_else(|| args.act_type.map(|_| NetworkConfig::Compact(CompactConfig::default())));
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
    Ok(network)
}

/// The file itself, or the model of a run's folder.
fn model_file(path: &Path) -> Result<PathBuf, Failure> {
    let file = if path.is_dir() { path.join("model.safetensors") } else { path.to_path_buf() };
    if file.is_file() {
        return Ok(file);
    }
    Err(Failure::call(format!(
        "{}: no such model; give a model.safetensors or the folder of a run that has one",
        file.display()
    )))
}
