//! The keys of a configuration file against those of the schema, with the lines they stand on.

use std::collections::BTreeMap;

use percept_nn::nearest;
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

    /// Whether the file holds the dotted key.
    pub fn has(&self, key: &str) -> bool {
        self.find(key).is_some_and(|(depth, _)| depth == key.split('.').count())
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
        Some(line_of(self.text, self.find(key)?.1))
    }

    /// How many parts of a dotted key the file holds, and where the last of them stands. A part that stands for one of a
    /// list of tables is its `name` or, where it has none, its `type`, with a number from the second of a type on.
    fn find(&self, key: &str) -> Option<(usize, usize)> {
        let mut table = &self.root;
        let mut list: &[Spanned<DeValue<'_>>] = &[];
        let mut found = None;
        for (before, part) in key.split('.').enumerate() {
            let value = match list {
                [] => {
                    let Some((name, value)) = table.iter().find(|(name, _)| name.get_ref() == part) else {
                        break;
                    };
                    found = Some((before + 1, name.span().start));
                    value
                }
                list => {
                    let Some(value) = one_of(list, part) else { break };
                    found = Some((before + 1, value.span().start));
                    value
                }
            };
            list = &[];
            match value.get_ref() {
                DeValue::Table(inner) => table = inner,
                DeValue::Array(items) => list = items,
                _ => break,
            }
        }
        found
    }

    /// The keys of the table at `key`, in the order of the file.
    pub fn keys_of(&self, key: &str) -> Vec<String> {
        let inner = |table: &DeTable<'_>| {
            let mut keys: Vec<_> =
                table.keys().map(|key| (key.span().start, key.get_ref().to_string())).collect();
            keys.sort();
            keys.into_iter().map(|(_, key)| key).collect()
        };
        let found = self.root.iter().find(|(name, _)| name.get_ref() == key);
        found.and_then(|(_, value)| value.get_ref().as_table()).map(inner).unwrap_or_default()
    }

    /// A complaint about the text `merged`, which was made of the tables `parts` of this file, each merged over the next,
    /// with the line that it is about.
    pub fn anchored(&self, error: ConfigError, parts: &[&str], merged: &str) -> ConfigError {
        let part = parts.first().copied().unwrap_or_default();
        let origin = |key: &str| {
            let depth = |part: &&str| {
                let (depth, at) = self.find(&format!("{part}.{key}"))?;
                Some((depth.checked_sub(part.split('.').count())?, at))
            };
            // The part that holds most of the key; of two that hold as much, the one that is merged over the other.
            let found = parts.iter().rev().filter_map(depth).max_by_key(|(depth, _)| *depth);
            match found {
                Some((_, at)) => format!("{}:{} ({part})", self.origin, line_of(self.text, at)),
                None => format!("{} ({part})", self.origin),
            }
        };
        match error {
            ConfigError::UnknownKey { key, advice, .. } => {
                ConfigError::UnknownKey { origin: origin(&key), key, advice }
            }
            ConfigError::Value { key, problem, .. } => {
                ConfigError::Value { origin: origin(&key), key, problem }
            }
            ConfigError::Malformed { origin, problem } => {
                let line = origin.rsplit(':').next().and_then(|line| line.parse::<usize>().ok());
                let line = line.and_then(|line| merged.lines().nth(line.checked_sub(1)?));
                // What is missing stands on no line.
                let line = line.filter(|_| !problem.starts_with("missing"));
                let quote = line.map(|line| format!("`{}`: ", line.trim())).unwrap_or_default();
                ConfigError::Malformed {
                    origin: format!("{} ({part})", self.origin),
                    problem: format!("{quote}{problem}"),
                }
            }
            other => other,
        }
    }

    fn check_table(&self, table: &DeTable<'_>, schema: &Schema<'_>, path: &str) -> Result<(), ConfigError> {
        let kind = table.iter().find(|(key, _)| key.get_ref() == "type");
        let kind = kind.and_then(|(_, value)| value.get_ref().as_str());
        let whole = |name: &str| if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
        let Some(known) = schema.properties(kind) else {
            let Some(schema) = schema.values() else { return Ok(()) };
            let mut values = table.iter();
            return values
                .try_for_each(|(key, value)| self.check_value(value, &schema, &whole(key.get_ref())));
        };
        for (key, value) in table {
            let name: &str = key.get_ref();
            let whole = whole(name);
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
        if let Some(problem) = schema.misfit(value.get_ref()) {
            let line = line_of(self.text, value.span().start);
            let shown = self.text.get(value.span()).unwrap_or_default();
            let shown = shown.lines().next().unwrap_or_default();
            return Err(ConfigError::Value {
                origin: format!("{}:{line}", self.origin),
                key: path.to_string(),
                problem: format!("must be {problem}; it is {shown}"),
            });
        }
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
        let near = nearest(name, known.keys().map(String::as_str));
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

/// The table of a list that `part` stands for.
fn one_of<'a, 'b>(list: &'a [Spanned<DeValue<'b>>], part: &str) -> Option<&'a Spanned<DeValue<'b>>> {
    let text = |item: &Spanned<DeValue<'_>>, key: &str| -> Option<String> {
        let (_, value) = item.get_ref().as_table()?.iter().find(|(name, _)| name.get_ref() == key)?;
        value.get_ref().as_str().map(str::to_string)
    };
    let named = list.iter().find(|item| text(item, "name").as_deref() == Some(part));
    let typed = |kind: &str, before: usize| {
        let mut same = list.iter().filter(|item| text(item, "type").as_deref() == Some(kind));
        same.nth(before)
    };
    let numbered = || {
        let (kind, number) = part.rsplit_once('_')?;
        typed(kind, number.parse::<usize>().ok()?.checked_sub(1)?)
    };
    let counted = || list.get(part.parse::<usize>().ok()?);
    named.or_else(|| typed(part, 0)).or_else(numbered).or_else(counted)
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
    /// branches that differ in `type`, the one of that `kind` alone; without a kind, those that do not require it.
    fn parts(self, kind: Option<&str>) -> Vec<Self> {
        let mut parts = vec![self];
        if let Some(target) = self.here.get("$ref").and_then(Value::as_str) {
            let target = self.root.pointer(target.trim_start_matches('#'));
            parts.extend(target.into_iter().flat_map(|target| self.at(target).parts(kind)));
        }
        for branch in self.branches() {
            let here = branch.tag().is_none() || branch.tag() == kind;
            if here || (kind.is_none() && !branch.needs_tag()) {
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

    /// Whether `type` has to be there for this branch.
    fn needs_tag(self) -> bool {
        let required = self.here.get("required").and_then(Value::as_array);
        required.is_some_and(|keys| keys.iter().any(|key| key == "type"))
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

    /// What every key of a table holds where any key will do.
    fn values(self) -> Option<Self> {
        let holds = |part: Self| part.here.get("additionalProperties").filter(|values| values.is_object());
        self.parts(None).into_iter().find_map(|part| Some(self.at(holds(part)?)))
    }

    /// What an array here holds.
    pub fn items(self) -> Option<Self> {
        self.parts(None).into_iter().find_map(|part| Some(self.at(part.here.get("items")?)))
    }

    /// What a value here must be, in words, where it is something else; `None` where it fits, or the schema does not say.
    fn misfit(self, value: &DeValue<'_>) -> Option<String> {
        let parts = self.parts(None);
        let kinds = |part: &Self| -> Vec<&'a str> {
            match part.here.get("type") {
                Some(Value::String(kind)) => vec![kind.as_str()],
                Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            }
        };
        let below = |part: &Self, text: &str| {
            let least = part.here.get("minimum").and_then(Value::as_f64);
            least.zip(text.replace('_', "").parse::<f64>().ok()).is_some_and(|(least, value)| value < least)
        };
        let fits = |part: &Self, kind: &str| match (kind, value) {
            ("integer", DeValue::Integer(number)) => !below(part, number.as_str()),
            ("number", DeValue::Integer(_) | DeValue::Float(_))
            | ("string", DeValue::String(_))
            | ("boolean", DeValue::Boolean(_))
            | ("array", DeValue::Array(_)) => true,
            _ => false,
        };
        let known: Vec<(&Self, &str)> =
            parts.iter().flat_map(|part| kinds(part).into_iter().map(move |kind| (part, kind))).collect();
        // Which keys a table has is looked at elsewhere.
        if value.is_table() || known.iter().any(|(part, kind)| fits(part, kind)) {
            return None;
        }
        let words = |(part, kind): &(&Self, &str)| match *kind {
            "integer" if part.here.get("minimum").is_some() => Some("a whole number of at least 0"),
            "integer" => Some("a whole number"),
            "number" => Some("a number"),
            "string" => Some("a text in quotes"),
            "boolean" => Some("true or false"),
            "array" => Some("a list"),
            "object" => Some("a table"),
            _ => None,
        };
        let mut words: Vec<&str> = known.iter().filter_map(words).collect();
        words.dedup();
        (!words.is_empty()).then(|| words.join(" or "))
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
