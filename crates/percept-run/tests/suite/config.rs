//! Configuration files: defaults, refusals with line and advice, and the template.

use std::fs;
use std::path::Path;

use percept_nn::disentangle::{ClosedConfig, Control, Score, SelectionConfig, TripletConfig};
use percept_run::config::{Experiment, OptimType, Preset, SchedulerConfig};
use percept_run::{Config, ConfigError, Task};

const SMALL: &str = r#"
name = "x4"
task = "sr"
[datasets.train]
dataroot_gt = "photos"
[network_g]
type = "srresnet"
[train]
total_iter = 1000
losses = [{ type = "l1" }]
"#;

const LOSSES: &str = "losses = [{ type = \"l1\" }]";

fn refusal(text: &str) -> String {
    Config::from_toml(text, "run.toml").unwrap_err().to_string()
}

/// `SMALL` with one line replaced.
fn with(old: &str, new: &str) -> String {
    assert!(SMALL.contains(old), "{old}");
    SMALL.replace(old, new)
}

#[test]
fn ten_lines_are_a_whole_configuration() {
    assert!(SMALL.trim().lines().count() <= 10);
    let config = Config::from_toml(SMALL, "run.toml").unwrap();
    assert_eq!((config.scale, config.seed, config.device.as_str()), (4, 0, "cpu"));
    assert_eq!(config.datasets.train.degradation, Some(Task::Sr.degradation(4)));
    assert_eq!(config.run_dir().to_str(), Some("runs/x4"));
    assert_eq!(config.train.optim_g.kind, OptimType::Adam);
    assert_eq!(config.train.scheduler, SchedulerConfig::Constant);
}

/// No shell looks at what is in a file.
#[test]
fn a_tilde_is_the_users_folder() {
    let text = SMALL.replace("dataroot_gt = \"photos\"", "dataroot_gt = \"~/photos\"\ndataroot_lq = \"a/~\"")
        + "[path]\nrun = \"~/runs/mine\"\n[datasets.val]\ndataroot_gt = \"~\"\n";
    let config = Config::from_toml(&text, "run.toml").unwrap();
    let home = percept_image::expand_home("~");
    assert_ne!(home.to_str(), Some("~"));
    assert_eq!(config.datasets.train.dataroot_gt, home.join("photos"));
    assert_eq!(config.datasets.train.dataroot_lq.unwrap().to_str(), Some("a/~"));
    assert_eq!(config.path.run.unwrap(), home.join("runs/mine"));
    assert_eq!(config.datasets.val.unwrap().dataroot_gt, home);
}

#[test]
fn what_is_written_reads_back_as_the_same_configuration() {
    let config = Config::from_toml(SMALL, "run.toml").unwrap();
    let text = config.to_toml().unwrap();
    assert!(text.contains("gt_size = 96") && text.contains("scale = 4"), "{text}");
    assert_eq!(Config::from_toml(&text, "again").unwrap(), config);
}

#[test]
fn every_template_explains_each_key_and_reads_back() {
    for preset in Preset::ALL {
        let (text, task) = (Config::template(preset).unwrap(), preset.name());
        let config = Config::from_toml(&text, "template").unwrap();
        let plain = preset.config().unwrap().to_toml().unwrap();
        assert_eq!(config, Config::from_toml(&plain, "plain").unwrap());
        let mut before = "";
        for line in text.lines() {
            let is_map_entry = line.starts_with("relu");
            let explained = before.starts_with("# ") || is_map_entry;
            assert!(
                line.is_empty() || line.starts_with('#') || explained,
                "{task}: no comment above `{line}`"
            );
            assert!(line.chars().count() <= 110, "{line}");
            before = line;
        }
        assert!(text.contains("pretrain_network_g = "), "{text}");
    }
}

#[test]
fn keys_left_out_of_the_template_are_right_once_uncommented() {
    let text = Config::template(Preset::Task(Task::Sr)).unwrap();
    for key in ["pretrain_network_g", "weights", "run", "max_images", "grad_clip", "precision"] {
        let commented = format!("# {key} = ");
        assert!(text.contains(&commented), "{key}");
        Config::from_toml(&text.replace(&commented, &format!("{key} = ")), "template").unwrap();
    }
}

/// What models and pages were made by has to be what people can run.
#[test]
fn every_configuration_of_the_repository_is_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut folders = ["bench", "docs/evidence", "models"].map(|folder| root.join(folder)).to_vec();
    let (mut configurations, mut experiments) = (0, 0);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "toml") {
                let text = fs::read_to_string(&path).unwrap();
                if text.contains("\n[base]\n") {
                    Experiment::from_toml(&text, &path.display().to_string()).unwrap();
                    experiments += 1;
                } else {
                    Config::from_toml(&text, &path.display().to_string()).unwrap();
                    configurations += 1;
                }
            }
        }
    }
    assert!(configurations > 2 && experiments > 40, "{configurations} and {experiments}");
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_nearest_known_one() {
    let message = refusal(&with("dataroot_gt = \"photos\"", "dataroot_gt = \"photos\"\ngt_sise = 96"));
    assert_eq!(message, "run.toml:6: unknown key `datasets.train.gt_sise`; did you mean `gt_size`?");
    let message = refusal(&with(LOSSES, "losses = [{ type = \"l1\", wieght = 1.0 }]"));
    assert!(message.contains("`train.losses.wieght`; did you mean `weight`?"), "{message}");
    let message = refusal(&with("type = \"srresnet\"", "type = \"srresnet\"\nqqqq = 1"));
    assert!(message.contains("run.toml:8: unknown key `network_g.qqqq`; known here are `"), "{message}");
    let message = refusal(&with("name = \"x4\"", "name = \"x4\"\ntotal_iter = 5"));
    assert!(message.contains("unknown key `total_iter`; did you mean `train.total_iter`?"), "{message}");
    let selection = "[[train.losses]]\ntype = \"l1\"\n[[train.losses]]\ntype = \"feature\"\n[train.losses.selection]\nflor = 0.1";
    let message = refusal(&with(LOSSES, selection));
    assert!(message.starts_with("run.toml:15: unknown key `train.losses.selection.flor`; did"), "{message}");
    let degradation = "dataroot_gt = \"photos\"\ndegradation = [{ type = \"jpeg\", qualty = 30 }]";
    let message = refusal(&with("dataroot_gt = \"photos\"", degradation));
    assert!(message.contains("`datasets.train.degradation.qualty`; did you mean `quality`?"), "{message}");
}

#[test]
fn taps_are_free_keys() {
    let loss = "[[train.losses]]\ntype = \"feature\"\nlayer_weights = { relu5_1 = 0.5 }";
    Config::from_toml(&with(LOSSES, loss), "run.toml").unwrap();
}

#[test]
fn broken_text_and_wrong_types_are_refused_with_their_line() {
    let message = refusal(&with("total_iter = 1000", "total_iter = = 1000"));
    assert!(message.starts_with("run.toml:9: "), "{message}");
    let message = refusal(&with("total_iter = 1000", "total_iter = \"many\""));
    assert!(
        message == "run.toml:9: `train.total_iter` must be a whole number of at least 0; it is \"many\"",
        "{message}"
    );
    let message = refusal(&with("task = \"sr\"", "task = \"dehaze\""));
    assert!(
        message.contains("run.toml:3: unknown variant `dehaze`") && message.contains("lowlight"),
        "{message}"
    );
    let message = refusal(&with("type = \"srresnet\"", "type = \"srresnt\""));
    assert!(message.contains("unknown variant `srresnt`"), "{message}");
    let message = refusal(&with("name = \"x4\"\n", ""));
    assert!(message.contains("missing field `name`"), "{message}");
    for text in [message, refusal("[[[")] {
        assert!(text.ends_with("; `percept schema` says what every key holds"), "{text}");
    }
}

#[test]
fn every_range_names_its_key() {
    let cases = [
        ("task = \"sr\"", "task = \"sr\"\nscale = 7", "run.toml:4: `scale` must be 2 to 4"),
        ("task = \"sr\"", "task = \"denoise\"\nscale = 2", "`scale` must be 1 for the task `denoise`"),
        ("name = \"x4\"", "name = \"a/b\"", "run.toml:2: `name` must be a plain name"),
        (
            "dataroot_gt = \"photos\"",
            "dataroot_gt = \"p\"\ngt_size = 98",
            "run.toml:6: `datasets.train.gt_size` must be a multiple of 4 here; it is 98, take 100",
        ),
        (
            "dataroot_gt = \"photos\"",
            "dataroot_gt = \"p\"\nbatch_size = 0",
            "`datasets.train.batch_size` must be 1 to 256; it is 0",
        ),
        (
            "dataroot_gt = \"photos\"",
            "dataroot_gt = \"p\"\nprefetch = 0",
            "`datasets.train.prefetch` must be",
        ),
        (
            "dataroot_gt = \"photos\"",
            "dataroot_gt = \"p\"\nmosaic = {}",
            "`datasets.train.mosaic` belongs to the task `raw2rgb`",
        ),
        (
            "dataroot_gt = \"photos\"",
            "dataroot_gt = \"p\"\ndataroot_lq = \"q\"\ndegradation = []",
            "`datasets.train.degradation` and `dataroot_lq`",
        ),
        (
            "dataroot_gt = \"photos\"",
            "dataroot_gt = \"p\"\ndegradation = [{ type = \"jpeg\", quality = 300 }]",
            "`datasets.train.degradation` is out of range: jpeg.quality = 300",
        ),
        ("total_iter = 1000", "total_iter = 0", "run.toml:9: `train.total_iter` must be at least 1"),
        ("total_iter = 1000", "ema_decay = 1.0", "`train.ema_decay` must be at least 0 and below 1; it is 1"),
        (
            "total_iter = 1000",
            "optim_g = { grad_clip = 0.0 }",
            "`train.optim_g.grad_clip` must be from 1e-9 to 1e9; it is 0",
        ),
        (
            "total_iter = 1000",
            "optim_g = { lr = nan }",
            "`train.optim_g.lr` must be from 1e-12 to 1; it is NaN",
        ),
        ("total_iter = 1000", "optim_g = { betas = [0.9, 1.0] }", "`train.optim_g.betas` must be"),
        (
            "total_iter = 1000",
            "scheduler = { type = \"multistep\", milestones = [5, 3] }",
            "`train.scheduler.milestones` must rise",
        ),
        (
            "total_iter = 1000",
            "scheduler = { type = \"cosine\", eta_min = 1.0 }",
            "`train.scheduler.eta_min` must be from 0",
        ),
        (
            LOSSES,
            "losses = [{ type = \"l1\" }]\n[val]\nsave_best = \"dists\"",
            "`val.save_best` is `dists`, which is none of",
        ),
        (
            LOSSES,
            "losses = [{ type = \"l1\" }]\n[val]\nearly_stop = 2",
            "`val.early_stop` needs val.save_best",
        ),
        (LOSSES, "", "`train.losses` is empty; add at least one, such as"),
        (
            LOSSES,
            "losses = [{ type = \"l1\" }, { type = \"l1\", weight = -1.0 }]",
            "run.toml:10: `train.losses.l1_2.weight` must be from 0 to 1000000; it is -1",
        ),
        (
            LOSSES,
            "losses = [{ type = \"l1\", name = \"a\" }, { type = \"mse\", name = \"a\" }]",
            "`train.losses.a.name` is `a` in two of the losses",
        ),
        (
            LOSSES,
            "losses = [{ type = \"l1\", name = \"a b\" }]",
            "`train.losses.a b.name` must be of letters",
        ),
        (
            LOSSES,
            "losses = [{ type = \"feature\", criterion = { type = \"huber\", delta = 0.0 } }]",
            "`train.losses.feature.criterion.delta` must be from",
        ),
        (LOSSES, "losses = [{ type = \"l1\" }]\n[val]\nval_freq = 0", "`val.val_freq` must be at least 1"),
    ];
    for (old, new, expected) in cases {
        let message = refusal(&with(old, new));
        assert!(message.contains(expected), "{message}\nexpected: {expected}");
    }
}

/// A configuration of before there was a list of losses is refused with the list that says the same, which reads.
#[test]
fn the_old_keys_are_refused_with_the_new_ones() {
    let old = "pixel_opt = { loss_weight = 4.0 }\n[train.perceptual_opt]\ntype = \"contextual\"\n\
               layer_weights = { relu3_3 = 2.0 }\n[train.perceptual_opt.selection]\nfloor = 0.2\n";
    let message = refusal(&with(LOSSES, old));
    assert!(
        message.starts_with("run.toml:10: `train.pixel_opt` is now one of a list of losses; write\n\n"),
        "{message}"
    );
    let (_, new) = message.split_once("\n\n").unwrap();
    let config = Config::from_toml(&with(LOSSES, new), "new.toml").unwrap();
    let [l1, contextual] = &config.train.losses[..] else { panic!("{new}") };
    assert_eq!((l1.name.as_str(), l1.weight, contextual.name.as_str()), ("l1", 4.0, "contextual"));
    let floored = TripletConfig { floor: 0.2, ..TripletConfig::default() };
    assert_eq!(contextual.loss.selection(), Some(&floored.into()));

    let experiment = "name = \"e\"\ntitle = \"t\"\nseeds = [0]\nreference = \"a\"\nours = \"a\"\ntest = [\"p\"]\nmetrics = \
                      [\"psnr-y\"]\n[base]\ntask = \"sr\"\n[variant.a]\ntrain.style_opt = {}\n";
    let message = Experiment::from_toml(experiment, "e.toml").unwrap_err().to_string();
    assert!(message.starts_with("e.toml:11: `variant.a.train.style_opt` is now"), "{message}");
    assert!(message.contains("[[variant.a.train.losses]]\ntype = \"style\""), "{message}");
}

#[test]
fn a_contrast_across_photos_needs_two_of_them() {
    let one = with("dataroot_gt = \"photos\"", "dataroot_gt = \"p\"\nbatch_size = 1");
    let loss = "[[train.losses]]\ntype = \"feature\"\n[train.losses.selection]\nfloor = 0.4";
    let message = refusal(&one.replace(LOSSES, loss));
    assert!(message.contains("`train.losses.feature.selection.contrast` is `across`"), "{message}");
    let literal = loss.replace("floor = 0.4", "contrast = \"literal\"");
    Config::from_toml(&one.replace(LOSSES, &literal), "run.toml").unwrap();
    let message = refusal(&one.replace(LOSSES, &literal.replace("literal\"", "literal\"\nfloor = 2.0")));
    assert!(
        message.contains("run.toml:15: `train.losses.feature.selection.floor` must be in [0, 1)"),
        "{message}"
    );
}

/// A selection by `type`: each kind has its own keys, and what is left out is the default.
#[test]
fn a_selection_has_the_keys_of_its_kind() {
    let selected = |selection: &str| {
        let loss = format!("[[train.losses]]\ntype = \"feature\"\n[train.losses.selection]\n{selection}");
        with(LOSSES, &loss)
    };
    let read = |selection: &str| {
        let config = Config::from_toml(&selected(selection), "run.toml").unwrap();
        // What a run's folder holds reads back as the same.
        assert_eq!(Config::from_toml(&config.to_toml().unwrap(), "again").unwrap(), config);
        config.train.losses[0].loss.selection().unwrap().clone()
    };
    assert_eq!(read(""), SelectionConfig::default());
    assert_eq!(read("contrast = \"literal\""), read("type = \"triplet\"\ncontrast = \"literal\""));
    let closed = ClosedConfig {
        score: Score::Systematic { window: 8 },
        control: Some(Control::Redrawn { seed: 3 }),
        share: 0.25,
        ..ClosedConfig::default()
    };
    let written = "type = \"closed\"\nshare = 0.25\nscore = { type = \"systematic\", window = 8 }\n\
                   control = { type = \"redrawn\", seed = 3 }";
    assert_eq!(read(written), closed.into());
    for (selection, expected) in [
        ("type = \"closed\"\nmargin = 1.0", "unknown key `train.losses.selection.margin`"),
        ("share = 0.4", "unknown key `train.losses.selection.share`"),
        ("type = \"triplet\"\nshare = 0.4", "unknown key `train.losses.selection.share`"),
        ("type = \"closed\"\nshar = 0.4", "did you mean `share`?"),
        ("type = \"open\"", "expected `closed` or `triplet`"),
        (
            "type = \"closed\"\nscore = { type = \"left\", window = 8 }",
            "`train.losses.selection.score.window`",
        ),
        ("type = \"closed\"\nscore = { type = \"lef\" }", "unknown variant `lef`"),
        ("type = \"closed\"\nscore = { window = 8 }", "type"),
        (
            "type = \"closed\"\nshare = 0",
            "run.toml:15: `train.losses.feature.selection.share` must be in (0, 1]",
        ),
        (
            "type = \"closed\"\nscore = { type = \"systematic\", window = 0 }",
            "`train.losses.feature.selection.score.window` must be from 1 to 1024",
        ),
        (
            "type = \"closed\"\nscore = { type = \"literal\", anchor = \"earlier\" }",
            "`train.losses.feature.selection.score.anchor` is `earlier`",
        ),
        ("anchor = \"earlier\"", "`train.losses.feature.selection.anchor` is `earlier`"),
    ] {
        let message =
            refusal(&selected(selection).replace("total_iter = 1000", "total_iter = 1000\nema_decay = 0.0"));
        assert!(message.contains(expected), "{message}\nexpected: {expected}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let error = Config::load("/nowhere/run.toml").unwrap_err();
    assert!(matches!(error, ConfigError::Read { .. }) && error.to_string().contains("/nowhere/run.toml"));
}

#[test]
fn a_configuration_made_in_code_is_checked_too() {
    let mut config = Config::for_task(Task::Raw2rgb);
    config.validate().unwrap();
    config.datasets.train.gt_size = 97;
    assert!(config.validate().unwrap_err().to_string().contains("`datasets.train.gt_size`"));
}

#[test]
fn every_field_of_the_schema_is_documented() {
    fn walk(schema: &serde_json::Value, path: &str) {
        let fields = schema.get("properties").and_then(|p| p.as_object()).into_iter().flatten();
        for (key, field) in fields {
            let tag = key == "type" && field.get("const").is_some();
            assert!(tag || field.get("description").is_some(), "{path}.{key} has no documentation");
        }
    }
    let schema = Config::schema();
    walk(schema, "config");
    for (name, part) in schema["$defs"].as_object().unwrap() {
        walk(part, name);
    }
}

/// The recipe that the first page shows is a configuration.
#[test]
fn the_recipe_of_the_readme_reads() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let page = std::fs::read_to_string(page).unwrap().replace("\r\n", "\n");
    let recipe = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let config = Config::from_toml(recipe, "README.md").unwrap();
    assert!(config.train.gan().is_some() && config.train.selecting().is_some());
    assert!(recipe.lines().count() <= 15, "it is to be short");
}

/// `percept schema --markdown > docs/config.md` makes it anew.
#[test]
fn the_reference_page_is_that_of_the_fields() {
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/config.md");
    let written = std::fs::read_to_string(page).unwrap().replace("\r\n", "\n");
    assert!(written == Config::reference(), "docs/config.md is older than the fields' documentation");
    assert!(
        written.contains("## `[[train.losses]]`, `type = \"contextual\"`") && written.contains("| `floor` |")
    );
}
