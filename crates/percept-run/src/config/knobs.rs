//! The knobs of an experiment: variants that differ in one key, in the order of its values.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::{Config, value_at};

/// By dotted key the variants that differ in it.
pub type Knobs = BTreeMap<String, Vec<String>>;

/// The knobs in `table`, which has the form of a configuration with lists of variants for values.
///
/// # Errors
/// The key that makes no sense, and why.
pub(super) fn knobs(table: &Table, variants: &[Config]) -> Result<Knobs, (String, String)> {
    let mut found = Knobs::new();
    collect(table, "", &mut found)?;
    for (key, names) in &found {
        let refuse = |problem: String| Err((key.clone(), problem));
        let mut values = Vec::<(Value, &str)>::new();
        for name in names {
            let Some(variant) = variants.iter().find(|variant| variant.name == *name) else {
                return refuse(format!("names `{name}`, which is no variant"));
            };
            let whole = Value::try_from(variant).map_err(|error| (key.clone(), error.to_string()))?;
            let value = value_at(&whole, key);
            let Some(value) = value.filter(|value| !value.is_table()) else {
                return refuse(format!("has no value in `{name}`"));
            };
            if let Some((_, other)) = values.iter().find(|(known, _)| known == value) {
                return refuse(format!("is {value} in `{other}` and in `{name}`; name one of them"));
            }
            values.push((value.clone(), name));
        }
        if values.len() < 2 {
            return refuse("needs at least two variants".to_string());
        }
    }
    Ok(found)
}

fn collect(table: &Table, path: &str, found: &mut Knobs) -> Result<(), (String, String)> {
    for (key, value) in table {
        let whole = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        if let Value::Table(inner) = value {
            collect(inner, &whole, found)?;
            continue;
        }
        let names =
            value.as_array().and_then(|names| names.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
        let Some(names) = names else {
            return Err((
                whole,
                format!("is {value}; list the names of variants, in the order of its values"),
            ));
        };
        found.insert(whole, names.into_iter().map(str::to_string).collect());
    }
    Ok(())
}
