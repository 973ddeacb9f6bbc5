//! Where a dotted key stands in a configuration that is written down.

use toml::Value;

/// The value of a dotted key. A part of it that stands for one of a list of tables is that table's `name`.
pub fn value_at<'a>(whole: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(whole, |value, part| match value {
        Value::Array(tables) => tables.iter().find(|table| name(table) == Some(part)),
        value => value.get(part),
    })
}

/// The name of a table that is one of a list.
fn name(table: &Value) -> Option<&str> {
    table.get("name")?.as_str()
}
