//! A run's configuration in plain words.

use std::collections::BTreeMap;
use std::path::Path;

use percept_nn::backbone::BackboneConfig;
use serde::Deserialize;
use toml::{Table, Value};

use super::ReportError;

/// A run's configuration.
#[derive(Debug)]
pub(crate) struct Settings {
    /// As the file has it.
    pub(super) source: String,
    table: Table,
}

impl Settings {
    pub(crate) fn read(path: &Path) -> Result<Self, ReportError> {
        let source = std::fs::read_to_string(path)
            .map_err(|source| ReportError::Read { path: path.to_path_buf(), source })?;
        let table = toml::from_str(&source).map_err(|error| ReportError::Config {
            path: path.to_path_buf(),
            problem: error.message().to_string(),
        })?;
        Ok(Self { source, table })
    }

    /// The value at `a.b.c`.
    fn value(&self, key: &str) -> Option<&Value> {
        let mut parts = key.split('.');
        let first = self.table.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))
    }

    /// The text at `a.b.c`.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        self.value(key)?.as_str().map(str::to_string)
    }

    /// The number at `a.b.c`.
    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        let value = self.value(key)?;
        value.as_float().or_else(|| value.as_integer().map(|value| value as f64))
    }

    /// The value at `a.b.c`, for people; empty where there is none.
    pub(crate) fn shown(&self, key: &str) -> String {
        let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
        self.value(key).map(plain).unwrap_or_default()
    }

    /// The scale, 1 where the configuration has none.
    pub(super) fn scale(&self) -> usize {
        self.number("scale").map_or(1, |scale| scale.clamp(1.0, 64.0) as usize)
    }

    /// `4× super-resolution`.
    pub(crate) fn task(&self) -> String {
        let scale = self.scale();
        match self.text("task").as_deref() {
            Some("sr") => format!("{scale}× super-resolution"),
            Some("lowlight") => "low-light enhancement".to_string(),
            Some("denoise") => "denoising".to_string(),
            Some("deblur") => "deblurring".to_string(),
            Some("derain") => "deraining".to_string(),
            Some("jpeg") => "removal of JPEG artefacts".to_string(),
            Some("raw2rgb") if scale > 1 => format!("RAW to RGB, {scale}× enlarged"),
            Some("raw2rgb") => "RAW to RGB".to_string(),
            Some(other) => other.to_string(),
            None => "an unnamed task".to_string(),
        }
    }

    /// What a person sees of the input.
    pub(super) fn input(&self) -> &'static str {
        match self.text("task").as_deref() {
            Some("sr") => "the small photo, enlarged by bicubic interpolation",
            Some("lowlight") => "the dark photo",
            Some("denoise") => "the noisy photo",
            Some("deblur") => "the blurred photo",
            Some("derain") => "the rainy photo",
            Some("jpeg") => "the compressed photo",
            Some("raw2rgb") => "the RAW mosaic, developed plainly",
            _ => "the distorted photo",
        }
    }

    /// `srresnet (num_feat 48, num_block 6)`.
    pub(crate) fn network(&self) -> String {
        let Some(network) = self.value("network_g").and_then(Value::as_table) else { return "?".to_string() };
        let name = network.get("type").and_then(Value::as_str).unwrap_or("?");
        let rest = network.iter().filter(|(key, _)| *key != "type");
        let rest: Vec<String> = rest.map(|(key, value)| format!("{key} {value}")).collect();
        format!("{name} ({})", rest.join(", "))
    }

    /// What the network was trained by: `L1 + feature distance (vgg16: relu1_2)`.
    pub(crate) fn losses(&self) -> String {
        let pixel = self.text("train.pixel_opt.type").map(|kind| match kind.as_str() {
            "l1" => "L1 of the pixels".to_string(),
            "mse" => "mean squared error of the pixels".to_string(),
            "charbonnier" => "Charbonnier of the pixels".to_string(),
            _ => kind,
        });
        let style = self.value("train.style_opt").map(|_| format!("style {}", self.taps("train.style_opt")));
        let terms = [("pixel_opt", pixel), ("perceptual_opt", self.perceptual()), ("style_opt", style)];
        let terms = terms.into_iter().filter_map(|(key, words)| {
            let weight = self.number(&format!("train.{key}.loss_weight")).unwrap_or(1.0);
            Some(if weight == 1.0 { words? } else { format!("{weight} × {}", words?) })
        });
        let terms: Vec<String> = terms.collect();
        if terms.is_empty() { "no loss".to_string() } else { terms.join(" + ") }
    }

    fn perceptual(&self) -> Option<String> {
        let opt = "train.perceptual_opt";
        let kind = self.text(&format!("{opt}.type"))?;
        let plain = match kind.as_str() {
            "feature" => format!("feature distance {}", self.taps(opt)),
            "contextual" => format!("contextual loss {}", self.taps(opt)),
            "lpips" => format!("LPIPS ({})", self.text(&format!("{opt}.net")).unwrap_or_default()),
            "dists" => "DISTS".to_string(),
            _ => kind,
        };
        let contrast = self.text(&format!("{opt}.selection.contrast"));
        let start = format!("{opt}.selection.start");
        let start = self.text(&start).or_else(|| self.text(&format!("{start}.file")));
        let start = start.as_deref().unwrap_or("?");
        let what = if self.projects() { "projection" } else { "channels" };
        Some(match contrast.as_deref() {
            None => plain,
            Some("none") => format!("{plain}, fixed selection of {what} ({start})"),
            Some(contrast) => {
                format!("{plain}, {what} selected online (contrast: {contrast}, start: {start})")
            }
        })
    }

    /// Whether the selection may mix channels.
    pub(super) fn projects(&self) -> bool {
        self.text("train.perceptual_opt.selection.gate").is_some_and(|gate| gate == "projection")
    }

    /// Whether the selected distance is scaled to the size of the uniform one.
    pub(super) fn matches_uniform(&self) -> bool {
        let key = "train.perceptual_opt.selection.match_uniform";
        self.value(key).and_then(Value::as_bool).unwrap_or(false)
    }

    fn taps(&self, opt: &str) -> String {
        let backbone = self.text(&format!("{opt}.backbone.type")).unwrap_or_else(|| "vgg16".to_string());
        let taps = self.value(&format!("{opt}.layer_weights")).and_then(Value::as_table);
        let taps: Vec<&str> = taps.into_iter().flat_map(Table::keys).map(String::as_str).collect();
        format!("({backbone}: {})", taps.join(", "))
    }

    /// The frozen network in whose features channels are selected.
    pub(super) fn backbone(&self) -> Result<BackboneConfig, String> {
        let value = self.value("train.perceptual_opt.backbone").cloned();
        let value = value.unwrap_or_else(|| Value::Table(Table::new()));
        BackboneConfig::deserialize(value).map_err(|error| error.message().to_string())
    }

    /// Every setting as one line of text by its whole key, without what names the run.
    fn flat(&self) -> BTreeMap<String, String> {
        let mut flat = BTreeMap::new();
        flatten("", &Value::Table(self.table.clone()), &mut flat);
        flat.remove("name");
        flat.remove("path.run");
        flat
    }
}

fn flatten(key: &str, value: &Value, flat: &mut BTreeMap<String, String>) {
    match value {
        Value::Table(table) => {
            for (part, value) in table {
                let key = if key.is_empty() { part.clone() } else { format!("{key}.{part}") };
                flatten(&key, value, flat);
            }
        }
        value => drop(flat.insert(key.to_string(), value.to_string())),
    }
}

/// The keys in which the configurations differ, each with its value in every one.
pub(super) fn differences(all: &[&Settings]) -> Vec<(String, Vec<Option<String>>)> {
    let flat: Vec<_> = all.iter().map(|settings| settings.flat()).collect();
    let mut keys: Vec<&String> = flat.iter().flat_map(BTreeMap::keys).collect();
    keys.sort();
    keys.dedup();
    let rows = keys
        .into_iter()
        .map(|key| (key.clone(), flat.iter().map(|settings| settings.get(key).cloned()).collect::<Vec<_>>()));
    rows.filter(|(_, values)| values.iter().any(|value| Some(value) != values.first())).collect()
}
