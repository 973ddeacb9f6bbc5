//! `percept models`: the models that are part of percept.

use std::path::Path;

use percept_nn::model::{Asked, Model};
use percept_nn::weights::StateDict;
use serde_json::{Value, json};

use crate::args::ModelsArgs;
use crate::bundle::{self, Asset};
use crate::failure::Failure;
use crate::output::{print, table};

/// What of a model's metadata is listed.
const SHOWN: [&str; 5] = ["title", "licence", "copyright", "origin", "scores"];

/// Runs the command.
pub fn run(args: &ModelsArgs) -> Result<(), Failure> {
    if bundle::MODELS.is_empty() {
        return Err(Failure::work("this build has no models inside; build it with the feature `bundled`"));
    }
    let models = bundle::MODELS.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
    if args.json {
        return print(&format!("{:#}", json!({"models": models})));
    }
    let text = |model: &Value, key: &str| match &model[key] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let row = |model: &Value| {
        ["name", "task", "scale", "network", "parameters", "licence"].map(|key| text(model, key))
    };
    let rows: Vec<_> = models.iter().map(|model| row(model).to_vec()).collect();
    let about = models.iter().flat_map(|model| {
        let more = ["origin", "scores"].into_iter().filter(|key| !model[*key].is_null());
        let more = more.map(|key| format!("  {key}: {}", text(model, key)));
        [format!("{}: {}", text(model, "name"), text(model, "title"))]
            .into_iter()
            .chain(more)
            .collect::<Vec<_>>()
    });
    let header = ["name", "task", "scale", "network", "parameters", "licence"];
    let about: Vec<_> = about.collect();
    print(&format!("{}\n\n{}", table(&header, &rows, header.len()), about.join("\n")))
}

fn entry(asset: &Asset) -> Result<Value, Failure> {
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
    Ok(entry)
}
