//! Requests about runs: which there are, how one goes, and its pictures.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use axum::extract::{Path as Named, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Json, Response};
use percept_run::RunFiles;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::photos::id;
use crate::refusal::Refusal;
use crate::site::{App, Shared};
use crate::training;

/// How deep runs may lie: an experiment has folders of variants, and those have runs.
const DEPTH: usize = 3;
/// No more runs than these are listed.
const MOST: usize = 500;

/// A folder of runs.
pub(crate) struct Runs {
    folder: PathBuf,
    /// What was read of a run, and how its files were then.
    read: Mutex<HashMap<String, (Stamp, Value)>>,
}

/// Sizes and times of the files that a run writes; others than before when there is news.
type Stamp = Vec<Option<(u64, SystemTime)>>;

#[derive(Deserialize)]
pub(crate) struct Which {
    run: String,
}

#[derive(Deserialize)]
pub(crate) struct Picture {
    run: String,
    /// `gt`, `lq`, or the step at which it was restored.
    kind: String,
    name: String,
}

impl Runs {
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, read: Mutex::default() }
    }

    /// The runs of the folder, by their paths in it.
    fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        gather(&self.folder, "", DEPTH, &mut names);
        names.sort();
        names
    }

    /// The files of a run; its name is a path inside the folder.
    fn files(&self, run: &str) -> Result<RunFiles, Refusal> {
        let inside =
            Path::new(run).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let files = RunFiles::new(self.folder.join(run));
        match inside && files.config().is_file() {
            true => Ok(files),
            false => Err(Refusal::NotFound),
        }
    }

    /// What is known of a run, read anew where there is news.
    fn told(&self, run: &str) -> Result<Value, Refusal> {
        let files = self.files(run)?;
        let stamp: Stamp =
            [files.config(), files.log(), files.selection(), files.model(), files.dir().join("val")]
                .iter()
                .map(|path| {
                    fs::metadata(path).ok().and_then(|file| Some((file.len(), file.modified().ok()?)))
                })
                .collect();
        let known = |read: &HashMap<String, (Stamp, Value)>| {
            read.get(run).filter(|(then, _)| *then == stamp).map(|(_, told)| told.clone())
        };
        let lock = || self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(told) = known(&lock()) {
            return Ok(told);
        }
        let told = training::told(run, &files).map_err(Refusal::Broken)?;
        lock().insert(run.to_string(), (stamp, told.clone()));
        Ok(told)
    }

    /// Seconds since a run wrote its last line.
    fn quiet(&self, run: &str) -> Option<f64> {
        let log = fs::metadata(self.files(run).ok()?.log()).ok()?;
        Some(SystemTime::now().duration_since(log.modified().ok()?).unwrap_or_default().as_secs_f64())
    }
}

fn gather(folder: &Path, name: &str, depth: usize, names: &mut Vec<String>) {
    if RunFiles::new(folder).config().is_file() {
        names.push(if name.is_empty() { "." } else { name }.to_string());
        return;
    }
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    for entry in entries.filter(|entry| depth > 0 && entry.path().is_dir()) {
        let own = entry.file_name().to_string_lossy().into_owned();
        if names.len() < MOST && !own.starts_with('.') {
            let name = if name.is_empty() { own } else { format!("{name}/{own}") };
            gather(&entry.path(), &name, depth - 1, names);
        }
    }
}

/// All runs, in short.
pub(crate) async fn list(
    State(app): State<Shared>,
    Named(visit): Named<String>,
) -> Result<Json<Value>, Refusal> {
    read(&app, &visit, |runs| {
        let short = |name: String| {
            let told = match runs.told(&name) {
                Ok(told) => training::short(&told),
                Err(refusal) => json!({"trouble": refusal.to_string()}),
            };
            json!({"run": name, "quiet": runs.quiet(&name), "told": told})
        };
        Ok(json!({"folder": runs.folder.display().to_string(), "runs": runs.names().into_iter().map(short).collect::<Vec<_>>()}))
    })
    .await
}

/// A run.
pub(crate) async fn one(
    State(app): State<Shared>,
    Named(visit): Named<String>,
    Query(Which { run }): Query<Which>,
) -> Result<Json<Value>, Refusal> {
    read(&app, &visit, move |runs| {
        Ok(json!({"run": run, "quiet": runs.quiet(&run), "told": runs.told(&run)?}))
    })
    .await
}

/// A validation picture of a run.
pub(crate) async fn picture(
    State(app): State<Shared>,
    Named(visit): Named<String>,
    Query(Picture { run, kind, name }): Query<Picture>,
) -> Result<Response, Refusal> {
    let bytes = ask(&app, &visit, move |runs| {
        let files = runs.files(&run)?;
        let folder = match (kind.as_str(), kind.parse()) {
            (RunFiles::GT | RunFiles::LQ, _) => files.val_folder(&kind),
            (_, Ok(iter)) => files.val_folder(&RunFiles::iter(iter)),
            _ => return Err(Refusal::NotFound),
        };
        // Only what the folder lists is sent.
        let listed = percept_image::list_photos(folder).unwrap_or_default();
        let path = listed.into_iter().find(|path| percept_image::photo_name(path) == name);
        fs::read(path.ok_or(Refusal::NotFound)?).map_err(|_| Refusal::NotFound)
    })
    .await?;
    Ok(([(CONTENT_TYPE, "image/png")], bytes).into_response())
}

async fn read(
    app: &Shared,
    visit: &str,
    look: impl FnOnce(&Runs) -> Result<Value, Refusal> + Send + 'static,
) -> Result<Json<Value>, Refusal> {
    ask(app, visit, look).await.map(Json)
}

/// Looks at the disk on a thread that may wait for it, for a visit that goes on.
async fn ask<T: Send + 'static>(
    app: &Shared,
    visit: &str,
    look: impl FnOnce(&Runs) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    app.desk.hear(id(visit)?)?;
    let app = app.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let App { runs: Some(runs), .. } = &*app else { return Err(Refusal::NotFound) };
        look(runs)
    });
    looked.await.map_err(|error| Refusal::Broken(error.to_string()))?
}
