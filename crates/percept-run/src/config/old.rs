//! The losses as they were written before there was a list of them: refused, with the list that says the same.

use toml::{Table, Value};

use super::ConfigError;
use super::keys::Document;

/// The keys of old, in the order in which their losses were added.
const KEYS: [&str; 3] = ["pixel_opt", "perceptual_opt", "style_opt"];

/// Refuses a file that has one of the old keys below `part`, which is empty or the dotted key of a configuration.
pub(super) fn refuse(document: &Document<'_>, text: &str, part: &str) -> Result<(), ConfigError> {
    let train: Vec<&str> = part.split('.').filter(|part| !part.is_empty()).chain(["train"]).collect();
    let old = KEYS.map(|key| format!("{}.{key}", train.join(".")));
    let Some(key) = old.iter().find(|key| document.has(key)) else { return Ok(()) };
    // The document was parsed from it.
    let whole: Value = text.parse::<Table>().map(Value::Table).unwrap_or(Value::Boolean(false));
    let terms = old.iter().zip(["l1", "feature", "style"]);
    let terms = terms.filter_map(|(key, kind)| Some((super::value_at(&whole, key)?.as_table()?, kind)));
    let list = Value::Array(terms.map(|(table, kind)| Value::Table(term(table, kind))).collect());
    let nested = train.iter().rev().fold(("losses", list), |(key, inner), outer| {
        (*outer, Value::Table(Table::from_iter([(key.to_string(), inner)])))
    });
    let written = toml::to_string(&Table::from_iter([(nested.0.to_string(), nested.1)]));
    let problem = format!("is now one of a list of losses; write\n\n{}", written.unwrap_or_default());
    Err(document.refuse(key, problem))
}

/// The term of a list for one of the old tables, which need not have named its `kind`.
fn term(old: &Table, kind: &str) -> Table {
    let mut term = old.clone();
    let kind = term.remove("type").unwrap_or_else(|| Value::from(kind));
    let weight = term.remove("loss_weight");
    // Only `charbonnier` has it.
    if kind.as_str() != Some("charbonnier") {
        term.remove("eps");
    }
    let weight = weight.map(|weight| ("weight".to_string(), weight));
    [("type".to_string(), kind)].into_iter().chain(weight).chain(term).collect()
}
