//! `percept web`: a page for photos and trainings.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use percept_nn::apply::available_memory;
use percept_nn::model::Model;
use percept_serve::{ServeError, Server};
use percept_web::{Limits, Offer, Site};

use crate::args::{Global, ModelArgs, WebArgs};
use crate::bundle::MODELS;
use crate::failure::Failure;
use crate::interrupt;
use crate::model::{MILD, Opened, open};
use crate::opener;
use crate::output::print;
use crate::screen::say;

/// Endings of model files.
const ENDINGS: [&str; 2] = ["safetensors", "pth"];
/// Most memory for photos and results, unless it is said.
const HELD: u64 = 4_000_000_000;

/// Runs the command.
pub fn run(global: &Global, args: WebArgs) -> Result<(), Failure> {
    percept_conv::keep_memory();
    if let Some(runs) = args.runs.as_ref().filter(|runs| !runs.is_dir()) {
        return Err(Failure::call(format!("{}: no such folder; check --runs", runs.display())));
    }
    let mut places = HashMap::new();
    let mut models = bundled(global)?;
    for path in files(&args)? {
        let offer = match offer(global, &path, name(&path, &places)) {
            Ok(offer) => offer,
            // Of a folder's files some may be of other things.
            Err(failure) if !args.model.contains(&path) => {
                say(&format!("left out: {}", failure.line()));
                continue;
            }
            Err(failure) => return Err(failure),
        };
        places.insert(offer.name.clone(), path);
        // What the user names comes first.
        models.insert(places.len() - 1, offer);
    }
    if models.is_empty() && args.runs.is_none() {
        return Err(Failure::call("this build has no models inside; name one as --model"));
    }
    let held = available_memory().map_or(HELD, |free| (free / 3).min(HELD));
    let limits = Limits {
        photo: args.largest * 1_000_000,
        held: args.memory.map_or(held, |megabytes| megabytes.saturating_mul(1_000_000)),
    };
    let server = Server::bind(args.listen, args.token).map_err(|error| match error {
        ServeError::Listen { .. } => Failure::call(error),
        _ => Failure::work(error),
    })?;
    let stop = interrupt::listen("ending; photos are forgotten")?;
    if server.address().ip().is_unspecified() {
        say("others put this machine's name or address in place of the one below");
    }
    let url = server.url();
    print(&url)?;
    if args.open {
        opener::open(Path::new(&url));
    }
    let global = Global { weights: global.weights.clone(), device: global.device.clone() };
    let open = move |name: &str, strength: f64| {
        let path = places.get(name).cloned().unwrap_or_else(|| name.into());
        let asked =
            ModelArgs { denoise_strength: (strength < 1.0).then_some(strength), ..ModelArgs::default() };
        open(&global, &path, &asked).map(|opened| opened.model).map_err(|failure| failure.line())
    };
    let site = Site { models, open: Box::new(open), runs: args.runs, limits };
    site.serve(server, move || interrupt::asked(stop)).map_err(Failure::work)
}

/// The models inside; the mild form of one is a strength of it.
fn bundled(global: &Global) -> Result<Vec<Offer>, Failure> {
    let names = MODELS.iter().map(|model| model.name);
    let offered = names.filter(|name| !name.ends_with(MILD));
    offered.map(|name| offer(global, Path::new(name), name.to_string())).collect()
}

/// What the page says of a model.
fn offer(global: &Global, path: &Path, name: String) -> Result<Offer, Failure> {
    let Opened { model, metadata, .. } = open(global, path, &ModelArgs::default())?;
    photos(&model, path)?;
    let said = |key: &str| metadata.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
    let mild = format!("{name}{MILD}");
    let card = model.card();
    Ok(Offer {
        title: said("title").unwrap_or_else(|| format!("{}, from {}", card.network_g.name(), path.display())),
        task: said("task").unwrap_or_else(|| card.task.clone()),
        scale: card.scale,
        licence: said("licence"),
        mild: MODELS.iter().any(|model| model.name == mild),
        name,
    })
}

/// Refuses a network that reads a camera's RAW.
fn photos(model: &Model, path: &Path) -> Result<(), Failure> {
    match model.card().in_channels {
        3 => Ok(()),
        _ => Err(Failure::call(format!("{}: this network reads a camera's RAW, not photos", path.display()))),
    }
}

/// The model files of the call.
fn files(args: &WebArgs) -> Result<Vec<PathBuf>, Failure> {
    let Some(folder) = &args.models else { return Ok(args.model.clone()) };
    let failed = |error| Failure::call(format!("{}: {error}; check --models", folder.display()));
    let entries = std::fs::read_dir(folder).map_err(failed)?;
    let mut found: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    let ending =
        |path: &Path| path.extension().is_some_and(|ending| ENDINGS.iter().any(|known| ending == *known));
    found.retain(|path| path.is_file() && ending(path));
    found.sort();
    Ok(args.model.iter().cloned().chain(found).collect())
}

/// A short name for a file that no other one has: its own, or the whole path.
fn name(path: &Path, places: &HashMap<String, PathBuf>) -> String {
    let short = match path.is_dir() {
        true => path.file_name(),
        false => path.file_stem(),
    };
    let short = short.unwrap_or_default().to_string_lossy().into_owned();
    let taken = places.contains_key(&short) || MODELS.iter().any(|model| model.name == short);
    if taken || short.is_empty() { path.display().to_string() } else { short }
}
