//! A run's configuration in plain words.

use std::collections::BTreeMap;

use percept_nn::backbone::BackboneConfig;
use percept_nn::disentangle::{
    ClosedConfig, Contrast, Control, Gate, Score, SelectionConfig, Start, TripletConfig,
};
use percept_nn::loss::{ContextualOpt, FeatureOpt, PerceptualOpt, PixelType};
use percept_nn::network::NetworkConfig;
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
    let train = &config.train;
    let pixel = train.pixel_opt.as_ref().map(|opt| {
        let words = match opt.kind {
            PixelType::L1 => "L1 of the pixels",
            PixelType::Mse => "mean squared error of the pixels",
            PixelType::Charbonnier => "Charbonnier of the pixels",
        };
        (opt.loss_weight, words.to_string())
    });
    let perceptual = train.perceptual_opt.as_ref().map(|opt| (opt.loss_weight(), perceptual(opt)));
    let style = train.style_opt.as_ref();
    let style =
        style.map(|opt| (opt.loss_weight, format!("style {}", taps(&opt.backbone, &opt.layer_weights))));
    let term = |(weight, words): (f64, String)| match weight {
        1.0 => words,
        weight => format!("{weight} × {words}"),
    };
    let terms: Vec<String> = [pixel, perceptual, style].into_iter().flatten().map(term).collect();
    terms.join(" + ")
}

fn perceptual(opt: &PerceptualOpt) -> String {
    let plain = match opt {
        PerceptualOpt::Feature(FeatureOpt { backbone, layer_weights, .. }) => {
            format!("feature distance {}", taps(backbone, layer_weights))
        }
        PerceptualOpt::Contextual(ContextualOpt { backbone, layer_weights, .. }) => {
            format!("contextual loss {}", taps(backbone, layer_weights))
        }
        PerceptualOpt::Lpips(opt) => format!("LPIPS ({})", shown(&opt.net)),
        PerceptualOpt::Dists(_) => "DISTS".to_string(),
    };
    match opt.selection() {
        None => plain,
        Some(SelectionConfig::Triplet(triplet)) => format!("{plain}, {}", learned(triplet)),
        Some(SelectionConfig::Closed(closed)) => format!("{plain}, {}", ranked(closed)),
    }
}

fn learned(triplet: &TripletConfig) -> String {
    let start = match &triplet.start {
        Start::File(path) => path.clone(),
        start => shown(start),
    };
    let what = if triplet.gate == Gate::Projection { "projection" } else { "channels" };
    match triplet.contrast {
        Contrast::None => format!("fixed selection of {what} ({start})"),
        contrast => format!("{what} selected online (contrast: {}, start: {start})", shown(&contrast)),
    }
}

fn ranked(closed: &ClosedConfig) -> String {
    let share = 100.0 * closed.share;
    let control = closed.control.map(|control| format!(", {}", self::control(control))).unwrap_or_default();
    format!("{share} % of the channels selected in closed form (score: {}{control})", score(&closed.score))
}

/// A score by its name, with what it is given.
pub(super) fn score(score: &Score) -> String {
    match score {
        Score::Systematic { window } => format!("systematic over {window} pixels"),
        Score::Random { seed } => format!("random, seed {seed}"),
        Score::Literal { anchor } => format!("literal, distorted image: {}", shown(anchor)),
        Score::Conventional { anchor } => format!("conventional, distorted image: {}", shown(anchor)),
        Score::Left { anchor } => format!("left, distorted image: {}", shown(anchor)),
    }
}

/// What a control does, in words.
pub(super) fn control(control: Control) -> &'static str {
    match control {
        Control::Inverted => "as a control with the other sign",
        Control::Permuted { .. } => "as a control dealt to other channels",
        Control::Redrawn { .. } => "as a control dealt anew in every batch",
    }
}

fn taps(backbone: &BackboneConfig, layer_weights: &BTreeMap<String, f64>) -> String {
    let taps: Vec<&str> = layer_weights.keys().map(String::as_str).collect();
    format!("({}: {})", shown(&backbone.kind), taps.join(", "))
}

/// The frozen network in whose features channels are selected.
pub(super) fn backbone(config: &Config) -> BackboneConfig {
    match &config.train.perceptual_opt {
        Some(PerceptualOpt::Feature(FeatureOpt { backbone, .. })) => backbone.clone(),
        Some(PerceptualOpt::Contextual(ContextualOpt { backbone, .. })) => backbone.clone(),
        _ => BackboneConfig::default(),
    }
}

/// The value of a dotted key, for people; empty where there is none.
pub(crate) fn setting(config: &Config, key: &str) -> String {
    let whole = Value::Table(table(config));
    let value = key.split('.').try_fold(&whole, |value, part| value.get(part));
    value.map(plain).unwrap_or_default()
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
        value => drop(flat.insert(key.to_string(), value.to_string())),
    }
}
