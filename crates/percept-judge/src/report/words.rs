//! A run's configuration in plain words.

use std::collections::BTreeMap;

use percept_nn::loss::Term;
use percept_nn::network::NetworkConfig;
use percept_run::config::value_at;
use percept_run::{Config, Task};
use serde::Serialize;
use toml::{Table, Value};

/// `4× super-resolution`.
pub(crate) fn task(config: &Config) -> String {
    let scale = config.scale;
    match config.task {
        Task::Sr => format!("{scale}× super-resolution"),
        Task::Raw2rgb if scale > 1 => format!("RAW to RGB, {scale}× enlarged"),
        task => task.about().to_string(),
    }
}

/// What a person sees of the input.
pub(super) fn input(task: Task) -> &'static str {
    match task {
        Task::Sr => "the small photo, enlarged by bicubic interpolation",
        Task::Lowlight => "the dark photo",
        Task::Denoise => "the noisy photo",
        Task::Deblur => "the blurred photo",
        Task::Derain => "the rainy photo",
        Task::Jpeg => "the compressed photo",
        Task::Raw2rgb => "the RAW mosaic, developed plainly",
    }
}

/// `srresnet (num_feat 48, num_block 6)`.
pub(crate) fn network(network_g: &NetworkConfig) -> String {
    let table = table(network_g);
    let name = table.get("type").and_then(Value::as_str).unwrap_or_default();
    let rest = table.iter().filter(|(key, _)| *key != "type");
    let rest: Vec<String> = rest.map(|(key, value)| format!("{key} {value}")).collect();
    format!("{name} ({})", rest.join(", "))
}

/// What the network was trained by: `L1 of the pixels + feature distance (vgg16: relu1_2)`.
pub(crate) fn losses(config: &Config) -> String {
    let terms: Vec<String> = config.train.losses.iter().map(Term::words).collect();
    terms.join(" + ")
}

/// The value of a dotted key, for people; empty where there is none.
pub(crate) fn setting(config: &Config, key: &str) -> String {
    let whole = Value::Table(table(config));
    value_at(&whole, key).map(plain).unwrap_or_default()
}

/// A unit of an enum as a configuration has it.
pub(super) fn shown(value: &impl Serialize) -> String {
    Value::try_from(value).map(|value| plain(&value)).unwrap_or_default()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_string)
}

/// What is written as a configuration is a table.
fn table(value: &impl Serialize) -> Table {
    Table::try_from(value).unwrap_or_default()
}

/// The keys in which configurations differ, each with its value in every one; without what names the run.
pub(super) fn differences(all: &[&Config]) -> Vec<(String, Vec<Option<String>>)> {
    let flat = |config: &&Config| {
        let mut flat = BTreeMap::new();
        flatten("", &Value::Table(table(config)), &mut flat);
        flat.remove("name");
        flat.remove("path.run");
        flat
    };
    let flat: Vec<_> = all.iter().map(flat).collect();
    let mut keys: Vec<&String> = flat.iter().flat_map(BTreeMap::keys).collect();
    keys.sort();
    keys.dedup();
    let rows = keys
        .into_iter()
        .map(|key| (key.clone(), flat.iter().map(|settings| settings.get(key).cloned()).collect::<Vec<_>>()));
    rows.filter(|(_, values)| values.iter().any(|value| Some(value) != values.first())).collect()
}

fn flatten(key: &str, value: &Value, flat: &mut BTreeMap<String, String>) {
    match value {
        Value::Table(table) => {
            for (part, value) in table {
                let key = if key.is_empty() { part.clone() } else { format!("{key}.{part}") };
                flatten(&key, value, flat);
            }
        }
        // One of a list of tables that have names stands under its name.
        Value::Array(tables) if tables.iter().any(|table| table.get("name").is_some()) => {
            for table in tables {
                let name = table.get("name").and_then(Value::as_str).unwrap_or_default();
                flatten(&format!("{key}.{name}"), table, flat);
            }
        }
        value => drop(flat.insert(key.to_string(), value.to_string())),
    }
}
