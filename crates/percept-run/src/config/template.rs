//! The commented configuration that `percept init` writes: the fields' own documentation above each key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use percept_nn::disentangle::SelectionConfig;
use percept_nn::loss::{ContextualLoss, FeatureLoss, L1Loss, LossConfig, Term};
use percept_nn::network::NetworkConfig;
use serde_json::Value;

use super::keys::Schema;
use super::{
    Config, ConfigError, CosineConfig, DatasetsConfig, LoggerConfig, OptimConfig, PathConfig,
    SchedulerConfig, TrainConfig, TrainSetConfig, ValConfig, ValSetConfig,
};
use crate::Task;

/// Columns of a comment.
const WIDTH: usize = 100;

impl Config {
    /// A complete configuration for `task`, on the photos of `photos/train` and `photos/val`: the losses that were measured
    /// best for it (docs/evidence), a selection where one was shown to help, and for super-resolution a network that other
    /// tools open, too.
    pub fn for_task(task: Task) -> Self {
        let scale = task.default_scale();
        let mut train = TrainSetConfig::new("photos/train");
        train.complete(task, scale);
        let network_g = match task {
            Task::Sr => NetworkConfig::Span(Default::default()),
            Task::Raw2rgb => NetworkConfig::SrResNet(Default::default()),
            _ => NetworkConfig::NafNet(Default::default()),
        };
        let feature = FeatureLoss::default();
        let (l1, perceptual) = match task {
            Task::Sr | Task::Raw2rgb => {
                let layer_weights = feature.layer_weights;
                (4.0, LossConfig::Contextual(ContextualLoss { layer_weights, ..ContextualLoss::default() }))
            }
            Task::Lowlight => {
                let selection = Some(SelectionConfig::default());
                (1.0, LossConfig::Feature(FeatureLoss { selection, ..feature }))
            }
            _ => (1.0, LossConfig::Feature(feature)),
        };
        let losses = Term::list([Term::from(LossConfig::L1(L1Loss {})).weighted(l1), Term::from(perceptual)]);
        Self {
            name: task.name().to_string(),
            task,
            scale,
            seed: 0,
            device: super::cpu(),
            datasets: DatasetsConfig { train, val: Some(ValSetConfig::new("photos/val")) },
            network_g,
            network_d: None,
            path: PathConfig::default(),
            train: TrainConfig {
                optim_g: OptimConfig::default().completed(),
                scheduler: SchedulerConfig::Cosine(CosineConfig::default()),
                losses,
                ..TrainConfig::default()
            },
            val: ValConfig::default(),
            logger: LoggerConfig::default(),
        }
    }
}

/// `text`, a whole configuration as it is serialised, with every key explained and the keys that it leaves
/// out shown as comments.
pub(super) fn commented(text: &str, schema: &Value) -> Result<String, ConfigError> {
    let root: toml::Table =
        toml::from_str(text).map_err(|error| ConfigError::from_toml(&error, text, "the template"))?;
    let mut writer = Writer { out: String::new(), schema, root: &root, places: BTreeMap::new() };
    writer.comment("A run of percept. Train it with `percept train THIS_FILE`.");
    let mut table = Table { path: Vec::new(), seen: BTreeSet::new() };
    for line in text.lines() {
        if let Some(header) = line.strip_prefix('[') {
            writer.left_out(&table);
            let path =
                header.trim_matches(['[', ']']).split('.').map(|part| part.trim_matches('"').to_string());
            table = Table { path: path.collect(), seen: BTreeSet::new() };
            if line.starts_with("[[") {
                writer.places.entry(table.path.clone()).and_modify(|at| *at += 1).or_insert(0);
            }
            writer.header(line, &table);
        } else if let Some((key, _)) = line.split_once(" = ") {
            table.seen.insert(key.to_string());
            writer.key(line, key, &table);
        }
    }
    writer.left_out(&table);
    Ok(writer.out)
}

/// The table that is being written.
struct Table {
    path: Vec<String>,
    seen: BTreeSet<String>,
}

struct Writer<'a> {
    out: String,
    schema: &'a Value,
    root: &'a toml::Table,
    /// Which table of each list is being written.
    places: BTreeMap<Vec<String>, usize>,
}

impl<'a> Writer<'a> {
    /// The table at `path`; of a list the one that is being written.
    fn table(&self, path: &[String]) -> Option<&'a toml::Table> {
        let mut table = self.root;
        for (at, part) in path.iter().enumerate() {
            table = match table.get(part)? {
                toml::Value::Array(items) => {
                    let place = path.get(..=at).and_then(|list| self.places.get(list));
                    items.get(place.copied().unwrap_or(0))?.as_table()?
                }
                value => value.as_table()?,
            };
        }
        Some(table)
    }

    /// The schema of a table; a list of tables stands for its items.
    fn place(&self, path: &[String]) -> Option<(Schema<'a>, Option<&'a str>)> {
        let mut place = Schema { root: self.schema, here: self.schema };
        let mut kind = None;
        for (at, part) in path.iter().enumerate() {
            place = *place.properties(kind)?.get(part)?;
            place = place.items().unwrap_or(place);
            let table = self.table(path.get(..=at)?)?;
            kind = table.get("type").and_then(toml::Value::as_str);
        }
        Some((place, kind))
    }

    fn field(&self, path: &[String], key: &str) -> Option<Schema<'a>> {
        let (place, kind) = self.place(path)?;
        place.properties(kind)?.get(key).copied()
    }

    fn comment(&mut self, text: &str) {
        for paragraph in text.split("\n\n") {
            let mut line = String::from("#");
            for word in paragraph.split_whitespace() {
                if line.chars().count() + 1 + word.chars().count() > WIDTH {
                    self.put(&line);
                    line = String::from("#");
                }
                line.push(' ');
                line.push_str(word);
            }
            self.put(&line);
        }
    }

    fn put(&mut self, line: &str) {
        self.out.push_str(line);
        self.out.push('\n');
    }

    fn header(&mut self, line: &str, table: &Table) {
        self.out.push('\n');
        if let Some((key, parents)) = table.path.split_last()
            && let Some(docs) = self.field(parents, key).and_then(Schema::description)
        {
            self.comment(docs);
        }
        self.put(line);
    }

    fn key(&mut self, line: &str, key: &str, table: &Table) {
        if key == "type"
            && let Some(docs) = self.kind(&table.path)
        {
            self.comment(&docs);
        } else if let Some(docs) = self.field(&table.path, key).and_then(Schema::description) {
            self.comment(docs);
        }
        self.put(line);
    }

    /// What the `type` of a table means, and which others there are; `None` where it is a key like any other.
    fn kind(&self, path: &[String]) -> Option<String> {
        let (place, kind) = self.place(path)?;
        let kinds = place.kinds();
        let (_, docs) = kinds.iter().find(|(name, _)| Some(*name) == kind)?;
        let others: Vec<_> = kinds
            .iter()
            .filter(|(name, _)| Some(*name) != kind)
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        Some(format!("{docs} Others: {}.", others.join(", ")))
    }

    /// The optional keys that the table does not hold, as comments.
    fn left_out(&mut self, table: &Table) {
        let Some((place, kind)) = self.place(&table.path) else { return };
        let held = self.table(&table.path);
        for (key, field) in place.properties(kind).unwrap_or_default() {
            if table.seen.contains(&key) || held.is_some_and(|held| held.contains_key(&key)) {
                continue;
            }
            let example = field.here.get("examples").and_then(|examples| examples.get(0));
            let Some(example) = example else { continue };
            if let Some(docs) = field.description() {
                self.comment(docs);
            }
            // Writing to a string cannot fail.
            let _ = writeln!(self.out, "# {key} = {example}");
        }
    }
}
