//! `percept models bench`: models on the sets that papers are compared by.

use std::path::{Path, PathBuf};

use percept_judge::bench::{BenchError, METRICS, Published, Row, Spoiling, judge, published, sets};
use percept_nn::model::Model;
use serde_json::json;

use super::measured::Measured;
use crate::args::{BenchArgs, Global, ModelArgs};
use crate::bundle::{self, MODELS};
use crate::failure::Failure;
use crate::model::open;
use crate::output::{print, table};
use crate::progress::Progress;
use crate::screen::say;

/// A model, and what it is asked to undo.
struct Judged {
    name: String,
    model: Model,
    undoes: Vec<Spoiling>,
}

/// Runs the command.
pub fn run(global: &Global, args: &BenchArgs) -> Result<(), Failure> {
    percept_conv::keep_memory();
    let models = models(global, args)?;
    let sets = sets(&args.folder).map_err(Failure::call)?;
    let (store, device) = (bundle::store(global.weights.as_deref())?, global.device()?);
    let mut asked: Vec<Spoiling> = models.iter().flat_map(|judged| judged.undoes.clone()).collect();
    asked.sort();
    asked.dedup();
    let mut rows = Vec::new();
    for set in &sets {
        let own = |spoiling: &&Spoiling| match spoiling {
            Spoiling::Pairs => !set.inputs.is_empty(),
            spoiling => set.inputs.is_empty() && spoiling.belongs_to(&set.name),
        };
        for spoiling in asked.iter().filter(own) {
            let of: Vec<_> = models
                .iter()
                .filter(|judged| judged.undoes.contains(spoiling))
                .map(|judged| (judged.name.as_str(), &judged.model))
                .collect();
            let mut progress = Progress::new(&format!("{}, {spoiling}", set.name), set.targets.len(), 0);
            let judged = judge(set, *spoiling, &of, (&store, &device), |done, _| progress.set(done, ""));
            progress.finish();
            let judged = judged.map_err(|error| match error {
                BenchError::Panel(error) => Failure::call(error),
                error => Failure::work(error),
            })?;
            if !args.json {
                print(&lines(&judged, published(&set.name, *spoiling)))?;
            }
            rows.extend(judged);
        }
    }
    if rows.is_empty() {
        return Err(Failure::call(format!(
            "{}: holds no set of photos for these models; it has folders of targets, as Set14 or Urban100",
            args.folder.display()
        )));
    }
    if args.json {
        print(&format!("{:#}", json!({"rows": rows})))?;
    }
    let Some(file) = &args.save else { return Ok(()) };
    save(file, rows)
}

/// Puts the rows in place of those of the same sets.
fn save(file: &Path, rows: Vec<Row>) -> Result<(), Failure> {
    Measured::change(file, |measured| {
        let anew = |old: &Row| {
            rows.iter()
                .any(|row| (&row.set, &row.spoiling, &row.model) == (&old.set, &old.spoiling, &old.model))
        };
        measured.scores.retain(|old| !anew(old));
        measured.scores.extend(rows);
    })?;
    say(&format!("written: {}", file.display()));
    Ok(())
}

/// Those of the call, or all that are inside.
fn models(global: &Global, args: &BenchArgs) -> Result<Vec<Judged>, Failure> {
    let inside: Vec<PathBuf> = MODELS.iter().map(|model| model.name.into()).collect();
    let names = if args.model.is_empty() { inside } else { args.model.clone() };
    let one = |path: &PathBuf| -> Result<Judged, Failure> {
        let opened = open(global, path, &ModelArgs::default())?;
        let task = opened.metadata.iter().find(|(key, _)| key == "task").map(|(_, task)| task.clone());
        let card = opened.model.card();
        let undoes = Spoiling::of_task(&task.unwrap_or_else(|| card.task.clone()), card.scale);
        Ok(Judged { name: path.display().to_string(), undoes, model: opened.model })
    };
    names.iter().map(one).collect()
}

/// A set's table, and how it was made.
fn lines<'a>(rows: &[Row], papers: impl Iterator<Item = &'a Published>) -> String {
    let Some(first) = rows.first() else { return String::new() };
    let digits = |name: &str, value: f64| match name {
        name if name.starts_with("psnr") => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    };
    let cell =
        |row: &Row, name: &str| row.scores.get(name).map_or("-".to_string(), |value| digits(name, *value));
    let mut cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| [row.model.clone()].into_iter().chain(METRICS.map(|name| cell(row, name))).collect())
        .collect();
    let rgb = first.spoiling.starts_with("noise");
    let mut sources = Vec::new();
    for paper in papers {
        let number = sources.iter().position(|source| *source == paper.source).unwrap_or_else(|| {
            sources.push(paper.source);
            sources.len() - 1
        });
        let value = |name: &str| match name {
            "psnr-rgb" if rgb => digits(name, paper.psnr),
            "psnr-y" if !rgb => digits(name, paper.psnr),
            "ssim-y" => paper.ssim.map_or_else(|| "-".to_string(), |ssim| digits(name, ssim)),
            _ => "-".to_string(),
        };
        let model = format!("{} [{}]", paper.model, number + 1);
        cells.push([model].into_iter().chain(METRICS.map(value)).collect());
    }
    let header: Vec<_> = ["model"].into_iter().chain(METRICS).collect();
    let input = first.protocol.get("input").map_or("", String::as_str);
    let sources =
        sources.iter().enumerate().map(|(at, source)| format!("\n[{}] as printed in {source}", at + 1));
    format!(
        "{}, {}, {} photos\n{}\ninput: {input}{}\n",
        first.set,
        first.spoiling,
        first.photos,
        table(&header, &cells, 1),
        sources.collect::<String>()
    )
}
