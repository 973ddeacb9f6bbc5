//! `percept weights`: what is known, what is here, and is it whole.

use std::path::{Path, PathBuf};

use percept_image::write_atomic;
use percept_nn::weights::{KNOWN, KnownWeights, StateDict, WeightError, sha256_hex};
use serde_json::json;

use crate::args::{Global, WeightsAction, WeightsArgs};
use crate::bundle;
use crate::failure::Failure;
use crate::output::{print, table};
use crate::screen::say;

/// Runs the command.
pub fn run(global: &Global, args: WeightsArgs) -> Result<(), Failure> {
    match args.action {
        WeightsAction::List { json } => list(global, json),
        WeightsAction::Verify => verify(global),
        WeightsAction::Import { file } => import(global, &file),
    }
}

/// Where the store will find `known`: a file, the binary, or nowhere.
fn place(global: &Global, known: &KnownWeights) -> Option<String> {
    let folders = global.weights.clone().into_iter().chain(bundle::user_folder());
    let files = folders.flat_map(|folder| known.files.iter().map(move |file| folder.join(file.file)));
    if let Some(path) = files.into_iter().find(|path| path.is_file()) {
        return Some(path.display().to_string());
    }
    let file = |name: &str| known.files.iter().any(|file| file.file == name);
    bundle::WEIGHTS.iter().any(|asset| file(asset.name)).then(|| "bundled".to_string())
}

fn list(global: &Global, json: bool) -> Result<(), Failure> {
    if json {
        let entries = KNOWN.iter().map(|known| {
            let files = known.files.iter().map(|file| json!({"file": file.file, "sha256": file.sha256}));
            json!({
                "name": known.name, "what": known.what, "source": known.source, "licence": known.licence,
                "found": place(global, known), "files": files.collect::<Vec<_>>(),
            })
        });
        return print(&format!("{:#}", json!({"weights": entries.collect::<Vec<_>>()})));
    }
    let rows = KNOWN.iter().map(|known| {
        let place = place(global, known).unwrap_or_else(|| "not here".to_string());
        vec![known.name.to_string(), known.what.to_string(), known.licence.to_string(), place]
    });
    print(&table(&["name", "what", "licence", "where"], &rows.collect::<Vec<_>>(), 4))
}

fn verify(global: &Global) -> Result<(), Failure> {
    let store = bundle::store(global.weights.as_deref())?;
    let mut wrong = 0;
    for known in KNOWN {
        match store.open(known.name) {
            Ok(found) => print(&format!("{:14} whole     sha256 {}", known.name, found.sha256))?,
            Err(WeightError::NotFound { .. }) => print(&format!("{:14} not here", known.name))?,
            Err(error) => {
                wrong += 1;
                print(&format!("{:14} WRONG", known.name))?;
                say(&error.to_string());
            }
        }
    }
    match wrong {
        0 => Ok(()),
        1 => Err(Failure::work("one file of weights is wrong; replace the one named above")),
        n => Err(Failure::work(format!("{n} files of weights are wrong; replace those named above"))),
    }
}

/// Copies a file whose sha256 is known to the folder where the store looks.
fn import(global: &Global, path: &Path) -> Result<(), Failure> {
    let bytes = std::fs::read(path)
        .map_err(|source| Failure::call(WeightError::Read { path: path.to_path_buf(), source }))?;
    let sha256 = sha256_hex(&bytes);
    let files = KNOWN.iter().flat_map(|known| known.files.iter().map(move |file| (known, file)));
    let Some((known, file)) = files.into_iter().find(|(_, file)| sha256.starts_with(file.sha256)) else {
        let names: Vec<_> = KNOWN.iter().flat_map(|known| known.files).map(|file| file.file).collect();
        return Err(Failure::work(format!(
            "{}: percept knows no weights of sha256 {sha256} (it knows {}); if you trust the file, name its path \
             in the config as `weights = \"PATH\"`",
            path.display(),
            names.join(", ")
        )));
    };
    StateDict::load(path).map_err(Failure::work)?;
    let folder = folder(global)?;
    std::fs::create_dir_all(&folder)
        .map_err(|source| Failure::work(WeightError::Write { path: folder.clone(), source }))?;
    let target = folder.join(file.file);
    write_atomic(&target, &bytes)
        .map_err(|source| Failure::work(WeightError::Write { path: target.clone(), source }))?;
    say(&format!("{}: {}", known.name, known.what));
    print(&target.display().to_string())
}

fn folder(global: &Global) -> Result<PathBuf, Failure> {
    global.weights.clone().or_else(bundle::user_folder).ok_or_else(|| {
        Failure::call("there is no home folder to keep weights in; name a folder with --weights DIR")
    })
}
