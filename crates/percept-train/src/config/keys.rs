//! The keys of a configuration file against those of the schema, with the lines they stand on.

use std::collections::BTreeMap;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;
use super::error::line_of;

/// A parsed file that still knows where everything stands.
pub(super) struct Document<'a> {
    text: &'a str,
    origin: &'a str,
    root: DeTable<'a>,
}

impl<'a> Document<'a> {
    pub fn parse(text: &'a str, origin: &'a str) -> Result<Self, ConfigError> {
        let root = DeTable::parse(text).map_err(|error| ConfigError::from_toml(&error, text, origin))?;
        Ok(Self { text, origin, root: root.into_inner() })
    }

    /// Whether the file holds the top-level key.
    pub fn has(&self, key: &str) -> bool {
        self.root.keys().any(|known| known.get_ref() == key)
    }

    /// Refuses the first key that the schema does not know.
    pub fn check_keys(&self, schema: &Value) -> Result<(), ConfigError> {
        self.check_table(&self.root, &Schema { root: schema, here: schema }, "")
    }

    /// A complaint about the value of a dotted key, with its line where the file holds it.
    pub fn refuse(&self, key: &str, problem: String) -> ConfigError {
        let origin = match self.line(key) {
            Some(line) => format!("{}:{line}", self.origin),
            None => self.origin.to_string(),
        };
        ConfigError::Value { origin, key: key.to_string(), problem }
    }

    fn line(&self, key: &str) -> Option<usize> {
        let mut table = &self.root;
        let mut at = None;
        for part in key.split('.') {
            let Some((name, value)) = table.iter().find(|(name, _)| name.get_ref() == part) else { break };
            at = Some(name.span().start);
            match value.get_ref().as_table() {
                Some(inner) => table = inner,
                None => break,
            }
        }
        Some(line_of(self.text, at?))
    }

    fn check_table(&self, table: &DeTable<'_>, schema: &Schema<'_>, path: &str) -> Result<(), ConfigError> {
        let kind = table.iter().find(|(key, _)| key.get_ref() == "type");
        let kind = kind.and_then(|(_, value)| value.get_ref().as_str());
        let Some(known) = schema.properties(kind) else { return Ok(()) };
        for (key, value) in table {
            let name: &str = key.get_ref();
            let whole = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
            let Some(schema) = known.get(name) else {
                return Err(self.unknown(key, &whole, &known, schema));
            };
            self.check_value(value, schema, &whole)?;
        }
        Ok(())
    }

    fn check_value(
        &self,
        value: &Spanned<DeValue<'_>>,
        schema: &Schema<'_>,
        path: &str,
    ) -> Result<(), ConfigError> {
        match value.get_ref() {
            DeValue::Table(table) => self.check_table(table, schema, path),
            DeValue::Array(items) => match schema.items() {
                Some(schema) => items.iter().try_for_each(|item| self.check_value(item, &schema, path)),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    fn unknown(
        &self,
        key: &Spanned<std::borrow::Cow<'_, str>>,
        whole: &str,
        known: &BTreeMap<String, Schema<'_>>,
        schema: &Schema<'_>,
    ) -> ConfigError {
        let name: &str = key.get_ref();
        let distance = |candidate: &str| strsim::damerau_levenshtein(name, candidate);
        let nearest = known.keys().min_by_key(|candidate| distance(candidate));
        let near = nearest.filter(|nearest| distance(nearest) <= 1 + name.chars().count() / 3);
        let advice = match (near, Schema { here: schema.root, ..*schema }.find(name, "")) {
            (Some(nearest), _) => format!("did you mean `{nearest}`?"),
            (None, Some(elsewhere)) => format!("did you mean `{elsewhere}`?"),
            (None, None) => {
                let known: Vec<_> = known.keys().map(|key| format!("`{key}`")).collect();
                format!("known here are {}", known.join(", "))
            }
        };
        let line = line_of(self.text, key.span().start);
        ConfigError::UnknownKey { origin: format!("{}:{line}", self.origin), key: whole.to_string(), advice }
    }
}

/// A place in a JSON Schema.
#[derive(Clone, Copy)]
pub(super) struct Schema<'a> {
    pub root: &'a Value,
    pub here: &'a Value,
}

impl<'a> Schema<'a> {
    fn at(self, here: &'a Value) -> Self {
        Self { here, ..self }
    }

    /// What this place stands for: itself, what it refers to, and what it is all of or any of. Of the
    /// branches that differ in `type`, the one of that `kind` alone.
    fn parts(self, kind: Option<&str>) -> Vec<Self> {
        let mut parts = vec![self];
        if let Some(target) = self.here.get("$ref").and_then(Value::as_str) {
            let target = self.root.pointer(target.trim_start_matches('#'));
            parts.extend(target.into_iter().flat_map(|target| self.at(target).parts(kind)));
        }
        for branch in self.branches() {
            if branch.tag().is_none() || branch.tag() == kind {
                parts.extend(branch.parts(kind));
            }
        }
        parts
    }

    /// What this place is all of or any of.
    fn branches(self) -> impl Iterator<Item = Self> {
        let lists = ["allOf", "anyOf", "oneOf"].into_iter();
        let lists = lists.filter_map(move |list| self.here.get(list)?.as_array());
        lists.flatten().map(move |branch| self.at(branch))
    }

    /// The `type` that this branch is for.
    fn tag(self) -> Option<&'a str> {
        self.here.pointer("/properties/type/const").and_then(Value::as_str)
    }

    /// The kinds that `type` chooses between here, with their documentation.
    pub fn kinds(self) -> Vec<(&'a str, &'a str)> {
        let everything = self.parts(None).into_iter();
        let branches = everything.flat_map(|part| part.branches().collect::<Vec<_>>());
        branches
            .filter_map(|branch| Some((branch.tag()?, branch.description().unwrap_or_default())))
            .collect()
    }

    /// The keys of a table here, or `None` where any key will do.
    pub fn properties(self, kind: Option<&str>) -> Option<BTreeMap<String, Self>> {
        let mut known = BTreeMap::new();
        for part in self.parts(kind) {
            if part.here.get("additionalProperties").is_some_and(Value::is_object) {
                return None;
            }
            let properties = part.here.get("properties").and_then(Value::as_object).into_iter().flatten();
            known.extend(properties.map(|(key, value)| (key.clone(), self.at(value))));
        }
        (!known.is_empty()).then_some(known)
    }

    /// What an array here holds.
    pub fn items(self) -> Option<Self> {
        self.parts(None).into_iter().find_map(|part| Some(self.at(part.here.get("items")?)))
    }

    /// The field's documentation.
    pub fn description(self) -> Option<&'a str> {
        self.here.get("description").and_then(Value::as_str)
    }

    /// The whole key whose last part is `name`, in the tables that are always there.
    fn find(self, name: &str, path: &str) -> Option<String> {
        let known = self.properties(None)?;
        let whole = |key: &str| if path.is_empty() { key.to_string() } else { format!("{path}.{key}") };
        if known.contains_key(name) {
            return Some(whole(name));
        }
        known.iter().find_map(|(key, schema)| schema.find(name, &whole(key)))
    }
}
