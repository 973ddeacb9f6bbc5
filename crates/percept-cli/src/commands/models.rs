//! `percept models`: the models that are part of percept.

mod bench;
mod gallery;
mod measured;
mod time;

use std::path::Path;

use percept_nn::model::{Asked, Model};
use percept_nn::weights::StateDict;
use serde_json::{Value, json};

use measured::Measured;

use crate::args::{Global, ModelsAction, ModelsArgs};
use crate::bundle::{self, Asset};
use crate::failure::Failure;
use crate::output::{print, table};

/// What of a model's metadata is listed.
const SHOWN: [&str; 4] = ["title", "licence", "copyright", "origin"];
/// Which scores are, with their digits.
const SCORES: [(&str, &str, usize); 2] = [("psnr-y", "PSNR-Y", 2), ("lpips-alex", "LPIPS", 3)];

/// Runs the command.
pub fn run(global: &Global, args: &ModelsArgs) -> Result<(), Failure> {
    match &args.action {
        Some(ModelsAction::Bench(args)) => bench::run(global, args),
        Some(ModelsAction::Time(args)) => time::run(args),
        Some(ModelsAction::Gallery(args)) => gallery::run(global, args),
        None => list(args),
    }
}

fn list(args: &ModelsArgs) -> Result<(), Failure> {
    if bundle::MODELS.is_empty() {
        return Err(Failure::work("this build has no models inside; build it with the feature `bundled`"));
    }
    let measured = Measured::bundled();
    let models = bundle::MODELS.iter().map(|model| entry(model, &measured)).collect::<Result<Vec<_>, _>>()?;
    if args.json {
        return print(&format!("{:#}", json!({"models": models})));
    }
    // In the order in which they were judged.
    let mut undone: Vec<&String> = Vec::new();
    let rows = bundle::MODELS.iter().flat_map(|model| measured.scores_of(model.name));
    rows.for_each(|row| undone.extend((!undone.contains(&&row.spoiling)).then_some(&row.spoiling)));
    let row = |model: &Value| {
        let text = |key: &str| model[key].as_str().unwrap_or("-").to_string();
        let number = |value: &Value, digits: usize| {
            value.as_f64().map_or_else(|| "-".to_string(), |value| format!("{value:.digits$}"))
        };
        let size = model["bytes"].as_f64().map_or_else(String::new, |bytes| format!("{:.1} MB", bytes / 1e6));
        let scores = undone.iter().flat_map(|undone| {
            SCORES.map(|(name, _, digits)| number(&model["scores"][undone.as_str()][name], digits))
        });
        let left =
            [text("name"), text("task"), format!("×{}", model["scale"]), text("network"), text("licence")];
        let right = [size, number(&model["seconds_a_megapixel"], 1)];
        left.into_iter().chain(right).chain(scores).collect::<Vec<_>>()
    };
    let rows: Vec<_> = models.iter().map(row).collect();
    let header = ["name", "task", "scale", "network", "licence", "size", "s/MP"].into_iter();
    let titles: Vec<_> = undone
        .iter()
        .flat_map(|undone| {
            SCORES.map(|(_, title, _)| format!("{}: {title}", undone.split(' ').next().unwrap_or_default()))
        })
        .collect();
    let header: Vec<_> = header.chain(titles.iter().map(String::as_str)).collect();
    let about = models.iter().map(|model| {
        let origin = model["origin"].as_str().map(|origin| format!("\n  {origin}")).unwrap_or_default();
        format!(
            "{}: {}{origin}",
            model["name"].as_str().unwrap_or_default(),
            model["title"].as_str().unwrap_or_default()
        )
    });
    let about: Vec<_> = about.collect();
    print(&format!("{}\n{}\n{}", table(&header, &rows, 5), legend(&measured), about.join("\n")))
}

/// Where the numbers come from.
fn legend(measured: &Measured) -> String {
    let set = measured.scores.first();
    let scores = set.map(|row| {
        format!(
            "scores: {}, {} photos, by `percept models bench`; more is better in PSNR-Y, less in LPIPS\n",
            row.set, row.photos
        )
    });
    let time = measured.time.first().map(|time| {
        format!("s/MP: seconds for a photo of a megapixel, {} threads of {}\n", time.threads, time.processor)
    });
    format!("{}{}", scores.unwrap_or_default(), time.unwrap_or_default())
}

fn entry(asset: &Asset, measured: &Measured) -> Result<Value, Failure> {
    let state = StateDict::from_safetensors_of(asset.bytes, asset.name).map_err(Failure::work)?;
    let metadata = state.metadata().clone();
    let parameters: usize = state.iter().map(|(_, array)| array.data.len()).sum();
    let device = percept_conv::device("cpu").map_err(Failure::work)?;
    let model =
        Model::of_weights(state, Path::new(asset.name), Asked::default(), &device).map_err(Failure::work)?;
    let card = model.card();
    let mut entry = json!({
        "name": asset.name, "scale": card.scale, "network": card.network_g.name(), "parameters": parameters,
        "bytes": asset.bytes.len(), "task": metadata.get("task").unwrap_or(&card.task),
    });
    for key in SHOWN {
        entry[key] = metadata.get(key).map_or(Value::Null, |value| value.as_str().into());
    }
    for row in measured.scores_of(asset.name) {
        entry["scored_on"] = row.set.as_str().into();
        entry["scores"][&row.spoiling] = json!(row.scores);
    }
    entry["seconds_a_megapixel"] = json!(measured.seconds_of(asset.name));
    Ok(entry)
}
