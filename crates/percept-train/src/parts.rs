//! What a run needs before its first step, loaded before anything is written.

use std::path::Path;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use percept_conv::Conv;
use percept_nn::adversarial::Discriminator;
use percept_nn::loss::LossError;
use percept_nn::network::{Network, NetworkConfig};
use percept_nn::weights::{StateDict, WeightError, WeightStore};
use percept_run::Config;

use crate::Team;
use crate::data::{Skipped, TrainSource};
use crate::error::TrainError;
use crate::eyes::Eyes;
use crate::losses::LossTerm;
use crate::validate::Validator;

/// Photos, network and losses of a run at its start.
pub(crate) struct Parts {
    /// With autodiff.
    pub(crate) device: Device,
    pub(crate) source: Arc<TrainSource>,
    pub(crate) validator: Option<Validator>,
    pub(crate) network_g: Network,
    /// The discriminator, where a loss asks for one.
    pub(crate) network_d: Option<Discriminator>,
    pub(crate) losses: Vec<LossTerm>,
    /// What several of them look through.
    pub(crate) eyes: Eyes,
    /// Photos that were left out.
    pub(crate) warnings: Vec<String>,
}

impl Parts {
    /// For a run that goes on (`resumed`), what its checkpoint replaces is not read. Of a team, only who leads validates.
    pub(crate) fn load(
        config: &Config,
        store: &WeightStore,
        team: &Team,
        resumed: bool,
    ) -> Result<Self, TrainError> {
        team.check(config)?;
        let config = &if resumed { without_starts(config) } else { config.clone() };
        let plain = percept_conv::device(&config.device)?;
        let device = plain.clone().autodiff();
        let store = &searched(config, store);
        let mut network_g = network(config, &device)?;
        let lacking = config.train.precision.lacking(&plain);
        let mut warnings: Vec<_> = lacking.map(|why| format!("train.precision: {why}")).into_iter().collect();
        if let Some(path) = &config.path.pretrain_network_g {
            let given = store.model(path)?;
            let state = config.network_g.with_our_names(given.clone());
            network_g = begun(network_g, &state, (path, config.path.strict), &mut warnings)
                .map_err(|error| of_another(config, path, given, error))?;
        }
        let mut network_d = discriminator(config, &device)?;
        if let (Some(path), Some(kind)) = (&config.path.pretrain_network_d, &config.network_d) {
            let state = kind.with_our_names(StateDict::load(path)?);
            let from = (path.as_path(), config.path.strict);
            network_d = network_d.map(|network| begun(network, &state, from, &mut warnings)).transpose()?;
        }
        let mut losses = losses(config, store, &device)?;
        let eyes =
            Eyes::shared(&mut losses, &config.train.losses, store, &device).map_err(LossError::from)?;
        losses.iter_mut().for_each(|term| term.see_a_part(team));
        let validator = if team.leads() { Validator::open(config, store, &plain)? } else { None };
        let source = TrainSource::open(config)?.dealt(team);
        warnings.extend(left_out("training", source.photos(), source.skipped()));
        if let Some(source) = validator.as_ref().map(Validator::source) {
            warnings.extend(left_out("validation", source.photos(), source.skipped()));
        }
        Ok(Self { device, source: Arc::new(source), validator, network_g, network_d, losses, eyes, warnings })
    }

    /// Tries everything that needs no photos.
    pub(crate) fn check(config: &Config, store: &WeightStore) -> Result<(), TrainError> {
        let plain = percept_conv::device(&config.device)?;
        let store = &searched(config, store);
        network(config, &plain)?;
        discriminator(config, &plain)?;
        losses(config, store, &plain)?;
        if config.datasets.val.is_some() {
            Validator::metrics(config, store, &plain)?;
        }
        Ok(())
    }
}

/// A network with the weights that it starts from: all of them, or those that fit, which is said.
fn begun<M: Module>(
    network: M,
    state: &StateDict,
    (path, strict): (&Path, bool),
    warnings: &mut Vec<String>,
) -> Result<M, WeightError> {
    if strict {
        return state.apply(network);
    }
    let (network, found) = state.apply_fitting(network)?;
    if !found.is_empty() {
        warnings.push(format!("{}: {found}", path.display()));
    }
    Ok(network)
}

/// The message where the weights of a file are those of another network: what would have to be set.
fn of_another(config: &Config, path: &Path, state: StateDict, error: WeightError) -> TrainError {
    let Ok(found) = NetworkConfig::detect(&state) else { return error.into() };
    // What weights do not show is as it was asked for.
    let asked = &config.network_g;
    let found = if found.name() == asked.name() { asked } else { &found };
    let state = found.with_our_names(state);
    let (needed, given) = (settings(&found.fitted(&state)), settings(asked));
    let mut keys: Vec<_> = needed
        .iter()
        .filter(|(key, value)| given.get(*key) != Some(*value))
        .map(|(key, value)| format!("network_g.{key} = {value}"))
        .collect();
    if config.task.in_channels() == 3 {
        let scale = found.scale(&state).filter(|scale| *scale != config.scale);
        keys.extend(scale.map(|scale| format!("scale = {scale}")));
    }
    match keys.is_empty() {
        true => error.into(),
        false => TrainError::OtherStart { path: path.to_path_buf(), keys: keys.join(", ") },
    }
}

/// Keys and values of a network, all defaults written out.
fn settings(network_g: &NetworkConfig) -> serde_json::Map<String, serde_json::Value> {
    serde_json::from_str(&network_g.completed().to_string()).unwrap_or_default()
}

/// Without the files that a checkpoint replaces: they may be gone.
fn without_starts(config: &Config) -> Config {
    let mut config = config.clone();
    (config.path.pretrain_network_g, config.path.pretrain_network_d) = (None, None);
    for selection in config.train.losses.iter_mut().filter_map(|term| term.loss.selection_mut()) {
        selection.forget_start();
    }
    config
}

/// With the folder of weights that the configuration names.
fn searched(config: &Config, store: &WeightStore) -> WeightStore {
    config.path.weights.iter().fold(store.clone(), |store, folder| store.with_dir(folder))
}

/// The losses, which can compare the crops.
fn losses(config: &Config, store: &WeightStore, device: &Device) -> Result<Vec<LossTerm>, TrainError> {
    let losses = LossTerm::init(&config.train, store, device)?;
    losses.iter().try_for_each(|term| term.check_side(compared(config)))?;
    Ok(losses)
}

/// The least side of what losses and discriminators see.
fn compared(config: &Config) -> usize {
    config.datasets.train.sides().0.saturating_sub(config.train.jitter)
}

/// Untrained.
fn network(config: &Config, device: &Device) -> Result<Network, TrainError> {
    let scale = config.task.network_scale(config.scale);
    let channels = config.task.in_channels();
    Ok(config.network_g.init_in(products(config), scale, channels, config.seed, device)?)
}

/// How the networks multiply.
fn products(config: &Config) -> Conv {
    Conv::default().with_precision(config.train.precision)
}

/// Untrained; `None` where no loss asks for one.
fn discriminator(config: &Config, device: &Device) -> Result<Option<Discriminator>, TrainError> {
    let Some(kind) = &config.network_d else { return Ok(None) };
    let (side, least) = (compared(config), kind.min_side());
    if least > side {
        return Err(TrainError::CropTooSmall { side, loss: format!("network_d ({})", kind.name()), least });
    }
    Ok(Some(kind.init_in(products(config), config.seed, device)?))
}

/// The photos that cannot be used, counted and named.
fn left_out(what: &str, photos: usize, skipped: &[Skipped]) -> Option<String> {
    let names: Vec<_> = skipped.iter().map(|skipped| format!("\n  {skipped}")).collect();
    let all = photos + skipped.len();
    (!skipped.is_empty())
        .then(|| format!("{} of {all} photos for {what} are left out:{}", skipped.len(), names.concat()))
}
