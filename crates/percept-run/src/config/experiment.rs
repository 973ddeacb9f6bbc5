//! An experiment: many trainings that one file describes, variants × seeds, and how they are judged.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use percept_image::expand_home;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use toml::{Table, Value};

use super::Config;
use super::error::ConfigError;
use super::keys::Document;
use super::knobs::{Knobs, knobs};
use super::old;
use crate::RunFiles;

/// What is added to the seed of runs that go on from a common start: photos and crops that it has not just seen.
const AFTER_START: u64 = 100;
/// Keys of a configuration that the experiment sets for every run.
const OURS: [&str; 3] = ["name", "manual_seed", "path"];
/// Seeds are TOML's integers, and leave room for [`AFTER_START`].
const LARGEST_SEED: u64 = i64::MAX as u64 - AFTER_START;

/// The file, before its parts are put together.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    title: String,
    seeds: Vec<u64>,
    reference: String,
    ours: String,
    test: Vec<PathBuf>,
    test_crop: Option<usize>,
    metrics: Vec<String>,
    #[serde(default = "crop")]
    crop: usize,
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    knobs: Table,
    #[schemars(with = "Config")]
    base: Table,
    #[schemars(with = "Option<Config>")]
    start: Option<Table>,
    start_model: Option<PathBuf>,
    #[schemars(with = "BTreeMap<String, Config>")]
    variant: BTreeMap<String, Table>,
}

fn crop() -> usize {
    96
}

/// An experiment. Written down, it is what it asks and how it is judged: the variants by their names alone.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Experiment {
    /// Its name.
    pub name: String,
    /// The question that it answers, the title of its page.
    pub title: String,
    /// Seeds of the trainings.
    pub seeds: Vec<u64>,
    /// The variant that all others are compared with.
    pub reference: String,
    /// The variant whose worst photos the picture shows.
    pub ours: String,
    /// Folders of the photos that the runs are judged on.
    pub test: Vec<PathBuf>,
    /// Side of the centre of each of these photos that is judged, in pixels; the whole photo where there is none.
    pub test_crop: Option<usize>,
    /// Scores that are taken.
    pub metrics: Vec<String>,
    /// Side of the picture's crops in pixels.
    pub crop: usize,
    /// Keys of which a figure shows what they change, with the variants that differ in them.
    pub knobs: Knobs,
    /// Weights that all variants of all seeds go on from, where nothing is trained before them.
    pub start_model: Option<PathBuf>,
    /// The common start of every seed, which is trained.
    #[serde(skip)]
    start: Option<Config>,
    /// In the order of the file, each under its name.
    #[serde(serialize_with = "names")]
    variants: Vec<Config>,
}

/// One run of an experiment.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedRun {
    /// Seed of the experiment; that of the run is another where it goes on from a common start.
    pub seed: u64,
    /// The variant; `None` for the common start.
    pub variant: Option<String>,
    /// What is trained, its folder included.
    pub config: Config,
}

/// A list of configurations by their names.
fn names<S: Serializer>(configs: &[Config], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(configs.iter().map(|config| &config.name))
}

impl Experiment {
    /// The folder of a seed's common start, which no variant may be called.
    pub const WARM: &str = "warm";

    /// The folder of a run, `out/seed-S/VARIANT`.
    pub fn run_dir(out: &Path, seed: u64, variant: &str) -> PathBuf {
        out.join(format!("seed-{seed}")).join(variant)
    }

    /// The experiment in a file.
    ///
    /// # Errors
    /// As [`from_toml`](Self::from_toml), and when the file cannot be read.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ConfigError> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_path_buf(), source })?;
        Self::from_toml(&text, &path.display().to_string())
    }

    /// The experiment in `text`, with every run's configuration complete. `origin` names the text in messages.
    ///
    /// `base` is a configuration, over which the table of each variant is merged; `start`, merged over it too, is
    /// trained first, once a seed, and the variants go on from its model. With `start_model` they go on from that file.
    ///
    /// # Errors
    /// With the line, when the text is no TOML, holds an unknown key (the nearest known one is named), a value
    /// makes no sense, or a variant is no whole configuration.
    pub fn from_toml(text: &str, origin: &str) -> Result<Self, ConfigError> {
        let document = Document::parse(text, origin)?;
        let names = document.keys_of("variant");
        let parts = names.iter().map(|name| format!("variant.{name}"));
        let parts: Vec<_> = ["base", "start"].map(str::to_string).into_iter().chain(parts).collect();
        parts.iter().try_for_each(|part| old::refuse(&document, text, part))?;
        static SCHEMA: LazyLock<serde_json::Value> = LazyLock::new(|| schemars::schema_for!(File).to_value());
        document.check_keys(&SCHEMA)?;
        let file: File =
            toml::from_str(text).map_err(|error| ConfigError::from_toml(&error, text, origin))?;
        check(&file, &names).map_err(|(key, problem)| document.refuse(&key, problem))?;
        let mut keys = parts.iter().flat_map(|part| OURS.map(|key| format!("{part}.{key}")));
        if let Some(key) = keys.find(|key| document.has(key)) {
            return Err(document.refuse(&key, "is set by the experiment; leave it out".to_string()));
        }
        let config = |part: &str, name: &str, table: &Table| {
            let mut whole = file.base.clone();
            merge(&mut whole, table);
            whole.insert("name".to_string(), Value::String(name.to_string()));
            let text =
                toml::to_string(&whole).map_err(|error| ConfigError::Write { problem: error.to_string() })?;
            Config::from_toml(&text, origin).map_err(|error| document.anchored(error, &[part, "base"], &text))
        };
        let start = file.start.as_ref().map(|table| config("start", Self::WARM, table)).transpose()?;
        let variant = |name: &String| {
            let table = file.variant.get(name).cloned().unwrap_or_default();
            config(&format!("variant.{name}"), name, &table)
        };
        let variants = names.iter().map(variant).collect::<Result<Vec<_>, _>>()?;
        let knobs = knobs(&file.knobs, &variants)
            .map_err(|(key, problem)| document.refuse(&format!("knobs.{key}"), problem))?;
        Ok(Self {
            name: file.name,
            title: file.title,
            seeds: file.seeds,
            reference: file.reference,
            ours: file.ours,
            test: file.test.iter().map(expand_home).collect(),
            test_crop: file.test_crop,
            metrics: file.metrics,
            crop: file.crop,
            knobs,
            start_model: file.start_model.map(expand_home),
            start,
            variants,
        })
    }

    /// Names of the variants, in the order of the file.
    pub fn variants(&self) -> impl Iterator<Item = &str> {
        self.variants.iter().map(|config| config.name.as_str())
    }

    /// Every run, in the order in which they are trained: seed by seed, its common start first. Their folders are
    /// `out/seed-S/warm` and `out/seed-S/VARIANT`.
    pub fn plan(&self, out: &Path) -> Vec<PlannedRun> {
        let of_seed = |seed: &u64| {
            let run = |config: &Config, variant: Option<&str>| {
                let mut config = config.clone();
                config.path.run = Some(Self::run_dir(out, *seed, &config.name));
                config.seed = *seed;
                config.path.pretrain_network_g.clone_from(&self.start_model);
                if variant.is_some() && self.start.is_some() {
                    config.seed += AFTER_START;
                    config.path.pretrain_network_g =
                        Some(RunFiles::new(Self::run_dir(out, *seed, Self::WARM)).model());
                }
                PlannedRun { seed: *seed, variant: variant.map(str::to_string), config }
            };
            let start = self.start.iter().map(|config| run(config, None));
            let variants = self.variants.iter().map(|config| run(config, Some(&config.name)));
            start.chain(variants).collect::<Vec<_>>()
        };
        self.seeds.iter().flat_map(of_seed).collect()
    }
}

/// Puts `over` on top of `base`: tables are merged, other values replaced.
fn merge(base: &mut Table, over: &Table) {
    for (key, value) in over {
        match (base.get_mut(key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            _ => drop(base.insert(key.clone(), value.clone())),
        }
    }
}

/// The first key whose value makes no sense, and why.
fn check(file: &File, names: &[String]) -> Result<(), (String, String)> {
    let refuse = |key: &str, problem: String| Err((key.to_string(), problem));
    let all = || names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        return refuse("variant", "is empty; add at least one, [variant.l1]".to_string());
    }
    let letters = |c: char| c.is_ascii_alphanumeric() || "-_+".contains(c);
    if let Some(name) = names.iter().find(|name| !name.chars().all(letters) || name.is_empty()) {
        let problem = "becomes the name of a folder: use letters, digits and -_+ alone".to_string();
        return refuse(&format!("variant.{name}"), problem);
    }
    if names.iter().any(|name| name == Experiment::WARM) {
        return refuse("variant.warm", "has the name of the common start; take another".to_string());
    }
    for (key, name) in [("reference", &file.reference), ("ours", &file.ours)] {
        if !names.contains(name) {
            return refuse(key, format!("is `{name}`, which is no variant; there are {}", all()));
        }
    }
    if names.len() > 1 && file.ours == file.reference {
        return refuse("ours", "is the reference itself; name another variant".to_string());
    }
    if file.start.is_some() && file.start_model.is_some() {
        let problem =
            "and [start] contradict each other: the one names what the other trains; keep one of them";
        return refuse("start_model", problem.to_string());
    }
    if file.seeds.is_empty() {
        return refuse("seeds", "are none; name at least one".to_string());
    }
    for (at, seed) in file.seeds.iter().enumerate() {
        if *seed > LARGEST_SEED {
            return refuse("seeds", format!("must be at most {LARGEST_SEED}; one is {seed}"));
        }
        if file.seeds.get(..at).is_some_and(|before| before.contains(seed)) {
            return refuse("seeds", format!("hold {seed} twice; name it once"));
        }
    }
    if file.metrics.is_empty() {
        return refuse("metrics", "are none; name at least one, such as psnr-y".to_string());
    }
    if file.test_crop.is_some_and(|side| side < 32) {
        return refuse("test_crop", "must be at least 32, or left out for whole photos".to_string());
    }
    if !(16..=512).contains(&file.crop) {
        return refuse("crop", format!("must be 16 to 512; it is {}", file.crop));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
name = "small"
title = "Which loss?"
seeds = [3, 1]
reference = "plain"
ours = "across"
test = ["photos/test"]
metrics = ["psnr-y"]
[base]
task = "sr"
datasets.train.dataroot_gt = "photos/train"
network_g = { type = "srresnet", num_feat = 16, num_block = 1 }
[base.train]
total_iter = 10
optim_g = { lr = 1e-3 }
[start]
train.total_iter = 20
train.losses = [{ type = "l1" }]
[variant.plain]
train.losses = [{ type = "feature" }]
[variant.across]
train.optim_g.lr = 2e-3
[[variant.across.train.losses]]
type = "feature"
selection = { contrast = "across" }
"#;

    fn refusal(text: &str) -> String {
        Experiment::from_toml(text, "e.toml").unwrap_err().to_string()
    }

    fn with(old: &str, new: &str) -> String {
        assert!(SMALL.contains(old), "{old}");
        SMALL.replace(old, new)
    }

    fn knob(lists: &str) -> String {
        with("[base]", &format!("[knobs.train.optim_g]\n{lists}\n[base]"))
    }

    #[test]
    fn tables_merge_and_other_values_replace() {
        let table = |text: &str| text.parse::<Table>().unwrap();
        let mut base = table("a = 1\nb = { c = 2, d = [1, 2] }\ne = { f = 3 }");
        merge(&mut base, &table("a = { x = 1 }\nb = { d = [3], g = 4 }\ne = 5\nh = 6"));
        assert_eq!(base, table("a = { x = 1 }\nb = { c = 2, d = [3], g = 4 }\ne = 5\nh = 6"));
    }

    #[test]
    fn seeds_are_outermost_and_variants_go_on_from_the_start() {
        let experiment = Experiment::from_toml(SMALL, "e.toml").unwrap();
        assert_eq!(experiment.variants().collect::<Vec<_>>(), ["plain", "across"]);
        assert_eq!((experiment.crop, experiment.test_crop), (96, None));
        let plan = experiment.plan(Path::new("out"));
        let folders: Vec<_> = plan.iter().map(|run| run.config.run_dir().display().to_string()).collect();
        let names = ["warm", "plain", "across"];
        let expected: Vec<_> =
            [3, 1].iter().flat_map(|seed| names.map(|name| format!("out/seed-{seed}/{name}"))).collect();
        assert_eq!(folders, expected);
        let [warm, plain, across] = &plan[..3] else { panic!() };
        assert_eq!((warm.seed, warm.config.seed, &warm.variant), (3, 3, &None));
        assert_eq!((plain.seed, plain.config.seed), (3, 103));
        assert_eq!((warm.config.train.total_iter, plain.config.train.total_iter), (20, 10));
        assert_eq!((plain.config.train.optim_g.lr, across.config.train.optim_g.lr), (1e-3, 2e-3));
        assert!(warm.config.path.pretrain_network_g.is_none() && plain.config.train.losses.len() == 1);
        let start = plain.config.path.pretrain_network_g.as_ref().unwrap();
        assert_eq!(start, &Path::new("out/seed-3/warm/model.safetensors"));
        plan.iter().for_each(|run| run.config.validate().unwrap());
        // Without a start every run has the seed itself.
        let text = with("[start]\ntrain.total_iter = 20\ntrain.losses = [{ type = \"l1\" }]\n", "");
        let plan = Experiment::from_toml(&text, "e.toml").unwrap().plan(Path::new("out"));
        assert_eq!(plan.iter().map(|run| run.config.seed).collect::<Vec<_>>(), [3, 3, 1, 1]);
        assert!(plan.iter().all(|run| run.config.path.pretrain_network_g.is_none()));
        // From a file they start all the same.
        let named = |text: &str| text.replace("[base]", "start_model = \"m.safetensors\"\n[base]");
        let plan = Experiment::from_toml(&named(&text), "e.toml").unwrap().plan(Path::new("out"));
        assert_eq!(plan.iter().map(|run| run.config.seed).collect::<Vec<_>>(), [3, 3, 1, 1]);
        let start = Some(Path::new("m.safetensors"));
        assert!(plan.iter().all(|run| run.config.path.pretrain_network_g.as_deref() == start));
        let both = refusal(&named(SMALL));
        assert!(both.contains("`start_model` and [start] contradict each other"), "{both}");
    }

    #[test]
    fn knobs_have_the_form_of_a_configuration() {
        let knobs = |text: &str| Experiment::from_toml(text, "e.toml").unwrap().knobs;
        assert_eq!(knobs(SMALL), Knobs::new());
        let lists = vec!["across".to_string(), "plain".to_string()];
        let expected = Knobs::from([("train.optim_g.lr".to_string(), lists)]);
        assert_eq!(knobs(&knob("lr = ['across', 'plain']")), expected);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        for (text, parts) in [
            (with("seeds", "sedes"), &["e.toml:4", "`sedes`", "did you mean `seeds`?"][..]),
            (
                with("train.optim_g.lr", "train.optim_g.rl"),
                &["e.toml:22", "`variant.across.train.optim_g.rl`", "`lr`"],
            ),
            (
                with("total_iter = 10", "totl_iter = 10"),
                &["e.toml:14", "`base.train.totl_iter`", "`total_iter`"],
            ),
            (with("\"across\" }", "\"acros\" }"), &["e.toml (variant.across)", "acros", "across"]),
            (with("contrast = \"across\"", "contrst = \"across\""), &["contrst", "did you mean `contrast`?"]),
            (
                with("lr = 2e-3", "lr = -1.0"),
                &["e.toml:22 (variant.across)", "`train.optim_g.lr` must be from 1e-12 to 1"],
            ),
            (
                with("lr = 1e-3", "lr = -1.0"),
                &["e.toml:15 (start)", "`train.optim_g.lr` must be from 1e-12 to 1"],
            ),
            (with("total_iter = 10", "total_iter = \"x\""), &["`base.train.total_iter`", "a whole number"]),
            (with("task = \"sr\"\n", ""), &["(start)", "missing field `task`"]),
            (
                with("train.losses = [{ type = \"feature\" }]", ""),
                &["(variant.plain)", "`train.losses` is empty"],
            ),
            (
                with("reference = \"plain\"", "reference = \"l1\""),
                &["e.toml:5", "no variant", "`plain`, `across`"],
            ),
            (with("ours = \"across\"", "ours = \"plain\""), &["`ours` is the reference itself"]),
            (with("[3, 1]", "[]"), &["`seeds` are none"]),
            (with("[3, 1]", "[3, 3]"), &["hold 3 twice"]),
            (with("[\"psnr-y\"]", "[]"), &["`metrics` are none"]),
            (with("[variant.plain]", "[variant.warm]"), &["common start"]),
            (with("[variant.plain]", "[variant.\"a/b\"]"), &["folder"]),
            (
                with("task = \"sr\"", "task = \"sr\"\nmanual_seed = 1"),
                &["e.toml:11", "`base.manual_seed` is set by the experiment"],
            ),
            (with("metrics", "crop = 4\nmetrics"), &["`crop` must be 16 to 512"]),
            (with("metrics", "test_crop = 4\nmetrics"), &["`test_crop` must be at least 32"]),
            (knob("lr = 'across'"), &["e.toml:10", "`knobs.train.optim_g.lr`", "list the names of variants"]),
            (knob("lr = ['plain', 'acros']"), &["e.toml:10", "`acros`, which is no variant"]),
            (knob("rl = ['plain', 'across']"), &["`knobs.train.optim_g.rl` has no value in `plain`"]),
            (knob("lr = ['plain']"), &["at least two variants"]),
            (knob("eps = ['plain', 'across']"), &["`plain` and in `across`"]),
        ] {
            let said = refusal(&text);
            assert!(parts.iter().all(|part| said.contains(part)), "{parts:?} in {said}");
        }
    }
}
