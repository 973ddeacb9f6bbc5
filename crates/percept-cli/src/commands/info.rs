//! `percept info`: what a model file is.

use percept_nn::model::Card;
use percept_nn::weights::StateDict;
use serde_json::{Value, json};

use crate::args::{Global, InfoArgs};
use crate::failure::Failure;
use crate::model::{Opened, open};
use crate::output::print;

/// Runs the command.
pub fn run(global: &Global, args: &InfoArgs) -> Result<(), Failure> {
    let opened = open(global, &args.path, &args.model)?;
    let facts = facts(&opened)?;
    if args.json {
        return print(&format!("{facts:#}"));
    }
    print(&page(&facts))
}

/// All that is known of the model, by name.
fn facts(opened: &Opened) -> Result<Value, Failure> {
    let Opened { model, file, provenance, metadata } = opened;
    let card = model.card();
    // Public weights get a card for the sake of their use; it says nothing that they do not.
    let trained = !card.losses.is_null() || card.iter > 0;
    let parameters: usize = StateDict::of(model.network()).iter().map(|(_, array)| array.data.len()).sum();
    let mut settings = serde_json::to_value(&card.network_g).map_err(Failure::work)?;
    let settings = settings.as_object_mut().map(std::mem::take).unwrap_or_default();
    let settings: serde_json::Map<_, _> = settings.into_iter().filter(|(key, _)| key != "type").collect();
    let Card { task, losses, seed, data, iter, finished, percept, .. } = card;
    Ok(json!({
        "file": file.display().to_string(),
        "format": provenance.format,
        "precision": provenance.precision,
        "wrapper": provenance.wrapper,
        "left": provenance.left,
        "architecture": card.network_g.name(),
        "scale": card.scale,
        "in_channels": card.in_channels,
        "settings": settings,
        "parameters": parameters,
        "assumed": model.assumption(),
        "card": trained.then(|| json!({
            "task": task, "iter": iter, "finished": finished, "seed": seed, "losses": losses, "data": data,
            "percept": percept,
        })),
        "metadata": serde_json::Map::from_iter(metadata.iter().map(|(key, value)| (key.clone(), value.clone().into()))),
    }))
}

/// A line for every fact; those that there are none of are left out.
fn page(facts: &Value) -> String {
    let mut lines = Vec::new();
    for key in ["file", "architecture", "scale", "in_channels", "parameters", "settings"] {
        lines.push(line(key, &facts[key]));
    }
    for key in ["format", "precision", "wrapper", "left", "assumed", "card", "metadata"] {
        if !is_nothing(&facts[key]) {
            lines.push(line(key, &facts[key]));
        }
    }
    lines.join("\n")
}

fn line(key: &str, value: &Value) -> String {
    // The keys of tables stand below each other.
    match value.as_object() {
        Some(table) => {
            let rows = table.iter().map(|(name, value)| format!("  {name:18} {}", plain(value)));
            [key.to_string()].into_iter().chain(rows).collect::<Vec<_>>().join("\n")
        }
        None => format!("{key:20} {}", plain(value)),
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.is_empty(),
        Value::Object(table) => table.is_empty(),
        _ => false,
    }
}

/// Without quotes where it is a text or a list of texts.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) if values.iter().all(Value::is_string) => {
            values.iter().map(plain).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}
