//! Every numeric key of a configuration, set to extremes: an error that names it, or a training whose numbers are finite.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use percept_image::{Image, Photo, write_photo};
use percept_nn::weights::WeightStore;
use percept_run::Config;
use percept_train::{Event, TrainError, Trainer};
use serde_json::Value as Json;
use toml::{Table, Value};

/// A numeric key: the tables that have to be there for it, and whether it is a whole number.
#[derive(Clone, Debug)]
struct Key {
    path: Vec<String>,
    /// Dotted tables with the `type` that they have to have.
    kinds: Vec<(Vec<String>, String)>,
    whole: bool,
    /// Whether the place holds a list of such numbers.
    list: bool,
}

/// All numeric keys of the schema, every branch of it by its `type`.
fn keys(schema: &Json) -> Vec<Key> {
    let mut found = Vec::new();
    let empty = Key { path: Vec::new(), kinds: Vec::new(), whole: false, list: false };
    walk(schema, schema, &empty, &mut found);
    found
}

fn walk(root: &Json, here: &Json, at: &Key, found: &mut Vec<Key>) {
    // Steps of a degradation may hold steps, which have the same keys.
    if ["degradation", "steps"].iter().all(|part| at.path.iter().any(|key| key == part)) {
        return;
    }
    if let Some(target) = here.get("$ref").and_then(Json::as_str) {
        walk(root, root.pointer(target.trim_start_matches('#')).unwrap(), at, found);
    }
    for list in ["allOf", "anyOf", "oneOf"] {
        for branch in here.get(list).and_then(Json::as_array).into_iter().flatten() {
            let mut at = at.clone();
            if let Some(kind) = branch.pointer("/properties/type/const").and_then(Json::as_str) {
                at.kinds.push((at.path.clone(), kind.to_string()));
            }
            walk(root, branch, &at, found);
        }
    }
    let kind = |name: &str| match here.get("type") {
        Some(Json::String(kind)) => kind == name,
        Some(Json::Array(kinds)) => kinds.iter().any(|kind| kind == name),
        _ => false,
    };
    if kind("integer") || kind("number") {
        found.push(Key { whole: kind("integer"), ..at.clone() });
    }
    if kind("array")
        && let Some(items) = here.get("items")
    {
        walk(root, items, &Key { list: true, ..at.clone() }, found);
    }
    let mut inside = |name: &str, schema: &Json| {
        let mut at = at.clone();
        at.path.push(name.to_string());
        at.list = false;
        walk(root, schema, &at, found);
    };
    for (name, schema) in here.get("properties").and_then(Json::as_object).into_iter().flatten() {
        inside(name, schema);
    }
    if let Some(schema) = here.get("additionalProperties").filter(|schema| schema.is_object()) {
        inside("relu1", schema);
    }
}

/// Lists of tables that a base does not have by itself.
const LISTS: [&str; 4] = ["degradation", "augment", "progressive", "roots"];

/// A whole configuration in which the key can stand.
fn base(dir: &Path, key: &Key) -> Table {
    let kind = |path: &str| {
        let found = key.kinds.iter().find(|(table, _)| table.join(".") == path);
        found.map(|(_, kind)| kind.as_str())
    };
    // A network that keeps its size, a camera, a degradation alone: each has its own task.
    let task = match () {
        () if key.path.contains(&"mosaic".to_string()) => "raw2rgb",
        () if ["nafnet", "scunet", "restormer", "drunet", "fbcnn"].map(Some).contains(&kind("network_g")) => {
            "denoise"
        }
        () if key.path.contains(&"degradation".to_string()) => "denoise",
        () => "sr",
    };
    // `downscale` alone makes another size where a task keeps it.
    let task = if kind("datasets.train.degradation") == Some("downscale") { "sr" } else { task };
    let text = format!(
        "name = 'keys'\ntask = '{task}'\ndatasets.train.dataroot_gt = '{0}/photos'\ndatasets.train.gt_size = 40\n\
         datasets.train.batch_size = 2\nnetwork_g = {{ type = 'srresnet', num_feat = 4, num_block = 1 }}\n\
         path.run = '{0}/run'\ntrain.total_iter = 9\nlogger.use_tb_logger = false\n\
         [[train.losses]]\ntype = 'feature'\nbackbone = {{ type = 'alexnet', weights = 'random' }}\n\
         layer_weights = {{ relu1 = 1.0 }}\n[[train.losses]]\ntype = 'l1'\n[datasets.val]\ndataroot_gt = '{0}/photos'\n",
        dir.display()
    );
    let mut table: Table = toml::from_str(&text).unwrap();
    if task == "denoise" {
        table.insert(
            "network_g".to_string(),
            Value::Table(
                [
                    ("type".to_string(), "compact".into()),
                    ("num_feat".to_string(), 4.into()),
                    ("num_conv".to_string(), 1.into()),
                ]
                .into_iter()
                .collect(),
            ),
        );
    }
    // A discriminator and the loss that asks for it need each other.
    let plays =
        ["network_d", "optim_d", "scheduler_d"].iter().any(|part| key.path.iter().any(|key| key == part));
    if plays || kind("train.losses") == Some("gan") {
        table.insert(
            "network_d".to_string(),
            Value::Table(toml::from_str("type = 'vgg'\nnum_feat = 4").unwrap()),
        );
    }
    // Shares are given for all roots to train on.
    if key.path.last().is_some_and(|key| key == "share") && key.path[0] == "datasets" {
        let set = table["datasets"][key.path[1].as_str()].as_table_mut().unwrap();
        let mut root = format!("dataroot_gt = '{}/photos'\n", dir.display());
        if key.path[1] == "train" {
            set.insert("share".to_string(), 1.0.into());
            root += "share = 1.0";
        }
        set.insert("roots".to_string(), Value::Array(vec![Value::Table(toml::from_str(&root).unwrap())]));
    }
    if key.path.contains(&"progressive".to_string()) {
        let stage = toml::from_str("after = 1\ngt_size = 48").unwrap();
        let train = table["datasets"]["train"].as_table_mut().unwrap();
        train.insert("progressive".to_string(), Value::Array(vec![Value::Table(stage)]));
    }
    if key.path.last().is_some_and(|key| key == "early_stop") {
        let val = table.entry("val").or_insert(Value::Table(Table::new())).as_table_mut().unwrap();
        val.insert("save_best".to_string(), "psnr-y".into());
    }
    if plays {
        let losses = table["train"]["losses"].as_array_mut().unwrap();
        losses.push(Value::Table(toml::from_str("type = 'gan'").unwrap()));
    }
    for (path, kind) in &key.kinds {
        let place = place(&mut table, path);
        if place.get("type").and_then(Value::as_str) != Some(kind) {
            let features = path.last().is_some_and(|last| last == "losses")
                && ["contextual", "style", "swd", "wasserstein_distortion"].contains(&kind.as_str());
            let keep: Table = if features { place.clone() } else { Table::new() };
            *place = keep;
            place.insert("type".to_string(), kind.as_str().into());
            place.extend(toml::from_str::<Table>(small(kind)).unwrap());
            // All five scales need larger crops.
            if kind == "ms_ssim" {
                place.insert("scales".to_string(), 1.into());
            }
        }
    }
    if key.path.contains(&"degradation".to_string()) {
        fit_degradation(&mut table);
    }
    table
}

/// Settings of a network that would take long as it is.
fn small(kind: &str) -> &'static str {
    match kind {
        "swinir" => "embed_dim = 12\ndepths = [2]\nnum_heads = [2]",
        "scunet" => "dim = 8\nhead_dim = 4\nconfig = [1, 1, 1, 1, 1, 1, 1]",
        "restormer" => "dim = 8\nnum_blocks = [1, 1, 1, 1]\nnum_refinement_blocks = 1",
        "dat" => "embed_dim = 32\ndepth = [2]\nnum_heads = [2]\nsplit_size = [4, 4]\nnum_feat = 4",
        "drunet" => "nc = [8, 8, 8, 8]\nnb = 1",
        "fbcnn" => "nc = [8, 8, 8, 8]\nnb = 1\nembedding = 8",
        _ => "",
    }
}

/// A degradation that stands alone: with a type, with steps where it needs some, and of the right size in the end.
fn fit_degradation(table: &mut Table) {
    let list: Vec<String> = ["datasets", "train", "degradation"].map(String::from).into();
    let step = place(table, &list);
    let kind = step.entry("type").or_insert("quantise".into()).as_str().unwrap().to_string();
    if ["one_of", "shuffle", "repeat", "sequence"].contains(&kind.as_str()) {
        let steps: Value = toml::from_str::<Table>("steps = [{ type = 'quantise' }, { type = 'jpeg' }]")
            .unwrap()["steps"]
            .clone();
        step.insert("steps".to_string(), steps);
    }
    if kind == "resize" {
        let fit = "type = 'resize'\nof = 'photo'\nscale = 1";
        let steps = table["datasets"]["train"]["degradation"].as_array_mut().unwrap();
        steps.push(Value::Table(toml::from_str(fit).unwrap()));
    }
}

/// The table at `path`, made where it is missing; a list has one table.
fn place<'a>(table: &'a mut Table, path: &[String]) -> &'a mut Table {
    let mut here = table;
    for part in path {
        let listed = LISTS.contains(&part.as_str());
        let made =
            if listed { Value::Array(vec![Value::Table(Table::new())]) } else { Value::Table(Table::new()) };
        let next = here.entry(part.clone()).or_insert(made);
        here = match next {
            Value::Array(items) => items[0].as_table_mut().unwrap(),
            next => next.as_table_mut().unwrap(),
        };
    }
    here
}

/// What happened with the key at that value: an error, or nothing.
fn train(table: &Table) -> Result<(), String> {
    let text = toml::to_string(table).unwrap();
    let config = Config::from_toml(&text, "keys.toml").map_err(|error| error.to_string())?;
    let folder = config.run_dir();
    let _ = fs::remove_dir_all(&folder);
    let weights =
        WeightStore::new().with_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/weights"));
    let stop = AtomicBool::new(false);
    let mut infinite = None;
    let trainer = Trainer::create(config, &weights).map_err(|error| error.to_string())?;
    let ran = trainer.run(&stop, |event| {
        if let Event::Step(report) = event {
            let numbers = report.terms.iter().cloned().chain(
                [("gradient", report.gradient_norm), ("lr", report.lr)]
                    .map(|(name, value)| (name.to_string(), value)),
            );
            infinite = numbers.into_iter().find(|(_, value)| !value.is_finite());
            stop.store(report.iter >= 2 || infinite.is_some(), Ordering::SeqCst);
        }
    });
    match (ran, infinite) {
        (Err(TrainError::Step { error, .. }), _) => Err(format!("NOT A NUMBER: {error}")),
        (Err(error), _) => Err(error.to_string()),
        (_, Some((name, value))) => Err(format!("NOT A NUMBER: {name} is {value}")),
        _ => Ok(()),
    }
}

#[test]
fn no_extreme_value_leads_to_nan_an_endless_loop_or_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("photos")).unwrap();
    for kind in 0..2 {
        let photo =
            Image::from_fn(48, 48, |x, y, c| 0.5 + 0.4 * ((x * (kind + 2) + y * 3 + c) as f32 / 7.0).sin());
        write_photo(dir.path().join(format!("photos/{kind}.png")), &Photo::new(photo)).unwrap();
    }
    let keys = keys(Config::schema());
    assert!(keys.len() > 60, "the walk has lost its way: {} keys", keys.len());
    let (mut trained, mut wrong) = (0, Vec::new());
    for key in keys {
        let table = base(dir.path(), &key);
        if let Err(error) = train(&table) {
            // What this build has not, it says.
            if error.contains("build with --features") {
                continue;
            }
            wrong.push(format!("the base of {key:?} does not train: {error}"));
            continue;
        }
        let whole = [0, 1, -1, i64::MAX].map(Value::from);
        let real = [0.0, -1.0, 1e-300, 1e300, f64::INFINITY, f64::NAN].map(Value::from);
        for value in if key.whole { whole.to_vec() } else { real.to_vec() } {
            let mut table = table.clone();
            let (name, parents) = key.path.split_last().unwrap();
            let shown = value.to_string();
            let value = match key.list {
                true if name == "rgb_mean" => Value::Array(vec![value; 3]),
                true if name == "split_size" => Value::Array(vec![value; 2]),
                true if ["num_blocks", "heads", "nc"].contains(&name.as_str()) => {
                    Value::Array(vec![value; 4])
                }
                true if name == "config" => Value::Array(vec![value; 7]),
                true if name == "betas" => Value::Array(vec![0.9.into(), value]),
                // A strength has a least and a largest value.
                true if key.path[0] == "datasets" => Value::Array(vec![value.clone(), value]),
                true => Value::Array(vec![value]),
                false => value,
            };
            place(&mut table, parents).insert(name.clone(), value);
            // Steps of a whole run and of a large crop take long, and nothing else is at stake.
            match train(&table) {
                Ok(()) => trained += 1,
                // Of taps all of which are 0 it is the table that is named.
                Err(error) if error.contains(name.as_str()) || error.contains("layer_weights") => {}
                Err(error) => wrong.push(format!("{} = {shown}: {error}", key.path.join("."))),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(trained > 50, "nearly everything is refused: {trained}");
}
