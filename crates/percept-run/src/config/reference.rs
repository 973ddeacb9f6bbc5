//! The reference page: every key of a configuration with the documentation of its field.

use std::fmt::Write;

use serde_json::Value;

use super::keys::Schema;

/// Markdown: a section for every table, and one for every `type` that a table may have.
pub(super) fn reference(schema: &Value) -> String {
    let mut page = String::from(
        "# Configuration\n\nEvery key of the TOML file that `percept train` reads. `percept init TASK` writes a file with these \
         words in it; `percept schema` prints the same as JSON Schema. This page is made by `percept schema --markdown`.\n",
    );
    table(&mut page, Schema { root: schema, here: schema }, &[], "", None);
    page
}

/// The table at `path`, a list of keys with their schemas, which its file has under the heading `header`, and after it the tables
/// inside.
fn table(
    page: &mut String,
    place: Schema<'_>,
    path: &[(&str, Schema<'_>)],
    header: &str,
    kind: Option<(&str, &str)>,
) {
    let Some(keys) = place.properties(kind.map(|(name, _)| name)) else { return };
    let heading = match (header, kind) {
        ("", _) => "The file".to_string(),
        (header, None) => format!("`{header}`"),
        (header, Some((name, _))) => format!("`{header}`, `type = \"{name}\"`"),
    };
    // Writing to a string cannot fail, here and below.
    let _ = write!(page, "\n## {heading}\n");
    if let Some((_, about)) = kind {
        let _ = write!(page, "\n{}\n", line(about));
    }
    // What a `type` means stands in the headings.
    let shown: Vec<_> = keys.iter().filter(|(key, _)| !(*key == "type" && kind.is_some())).collect();
    if !shown.is_empty() {
        let _ = write!(page, "\n| key | what it is |\n|---|---|\n");
    }
    for (key, field) in shown {
        let _ = writeln!(page, "| `{key}` | {} |", line(field.description().unwrap_or_default()));
    }
    for (key, field) in &keys {
        let listed = field.items();
        let inside = listed.unwrap_or(*field);
        // What may hold its own kind again is written down once.
        if path.iter().any(|(_, outer)| inside.here == outer.here && inside.here.get("$ref").is_some()) {
            continue;
        }
        let whole: Vec<&str> = path.iter().map(|(key, _)| *key).chain([key.as_str()]).collect();
        let header = match listed {
            Some(_) => format!("[[{}]]", whole.join(".")),
            None => format!("[{}]", whole.join(".")),
        };
        let path = [path, &[(key.as_str(), inside)]].concat();
        let kinds = inside.kinds();
        match kinds.is_empty() {
            true => table(page, inside, &path, &header, None),
            false => kinds.into_iter().for_each(|kind| table(page, inside, &path, &header, Some(kind))),
        }
    }
}

/// One cell of a table.
fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}
