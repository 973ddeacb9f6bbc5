//! Whole runs, small ones: they learn, stop, resume bit for bit, and say what went wrong.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use percept_image::degrade::{Published, UnsharpMask};
use percept_image::{Image, Photo, Srgb, write_photo};
use percept_nn::backbone::{BackboneConfig, BackboneKind, WeightSource};
use percept_nn::disentangle::{Anchor, TripletConfig};
use percept_nn::loss::{FeatureLoss, L1Loss, LossConfig, LpipsLoss, Term};
use percept_nn::network::{NafNetConfig, NetworkConfig, SrResNetConfig};
use percept_nn::weights::{StateDict, WeightStore};
use percept_run::config::{TrainSetConfig, ValSetConfig};
use percept_run::{Config, Task};
use percept_train::{Event, Outcome, Resume, TrainError, Trainer};
use serde_json::Value;
use tempfile::TempDir;

/// A smooth picture with detail; another `kind`, another picture.
pub(crate) fn photo(kind: usize) -> Image<Srgb> {
    Image::from_fn(56, 48, |x, y, c| {
        let (x, y, k) = (x as f32, y as f32, (kind * 3 + c) as f32);
        0.5 + 0.2 * (x / (3.0 + k % 5.0) + k).sin() + 0.2 * (y / (2.0 + k % 7.0) - x / 11.0).cos()
    })
}

/// A folder with photos, in which runs go too.
pub(crate) fn folder() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("photos")).unwrap();
    for kind in 0..3 {
        write_photo(dir.path().join(format!("photos/{kind}.png")), &Photo::new(photo(kind))).unwrap();
    }
    dir
}

/// An AlexNet that has seen nothing: it stands for a backbone where only the wiring matters.
pub(crate) fn backbone() -> BackboneConfig {
    BackboneConfig { kind: BackboneKind::Alexnet, weights: WeightSource::Random, ..Default::default() }
}

pub(crate) fn layers() -> std::collections::BTreeMap<String, f64> {
    [("relu1".to_string(), 1.0), ("relu2".to_string(), 1.0)].into()
}

/// A short run with every part in use.
pub(crate) fn config(dir: &Path, run: &str, task: Task) -> Config {
    let mut config = Config::for_task(task);
    config.seed = 7;
    config.path.run = Some(dir.join(run));
    config.datasets.train = TrainSetConfig {
        gt_size: 32,
        batch_size: 2,
        degradation: config.datasets.train.degradation,
        mosaic: config.datasets.train.mosaic,
        ..TrainSetConfig::new(dir.join("photos"))
    };
    config.datasets.val = Some(ValSetConfig { max_images: Some(1), ..ValSetConfig::new(dir.join("photos")) });
    config.network_g = match task {
        Task::Sr | Task::Raw2rgb => NetworkConfig::SrResNet(SrResNetConfig { num_feat: 8, num_block: 1 }),
        _ => NetworkConfig::NafNet(NafNetConfig {
            width: 4,
            enc_blk_nums: vec![1],
            middle_blk_num: 1,
            dec_blk_nums: vec![1],
        }),
    };
    let selection = TripletConfig { warmup: 2, ..TripletConfig::default() };
    let feature = FeatureLoss {
        backbone: backbone(),
        layer_weights: layers(),
        selection: Some(selection.into()),
        ..FeatureLoss::default()
    };
    let l1 = Term::from(LossConfig::L1(L1Loss {}));
    config.train.losses = Term::list([l1, Term::from(LossConfig::Feature(feature)).weighted(0.1)]);
    config.train.total_iter = 10;
    config.train.ema_decay = 0.9;
    config.train.optim_g.lr = 1e-3;
    config.val.val_freq = 4;
    config.logger.print_freq = 1;
    config.logger.save_checkpoint_freq = 3;
    config
}

pub(crate) fn weights() -> WeightStore {
    WeightStore::new().with_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/weights"))
}

/// Trains to the end and returns what was told.
pub(crate) fn finish(trainer: Trainer) -> Vec<Event> {
    let mut events = Vec::new();
    let outcome = trainer.run(&AtomicBool::new(false), |event| events.push(event)).unwrap();
    assert_eq!(outcome, Outcome::Finished);
    events
}

pub(crate) fn create(config: &Config) -> Trainer {
    Trainer::create(config.clone(), &weights()).unwrap()
}

pub(crate) fn resume(dir: &Path) -> Trainer {
    Trainer::resume(dir, &Resume::default(), &weights()).unwrap()
}

pub(crate) fn refused(result: Result<Trainer, TrainError>) -> String {
    result.err().expect("this must fail").to_string()
}

/// The lines of a log, without the times that no two runs share.
pub(crate) fn lines(path: PathBuf) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    let parse = |line: &str| {
        let mut value: Value = serde_json::from_str(line).unwrap();
        value.as_object_mut().unwrap().remove("seconds");
        value
    };
    text.lines().map(parse).collect()
}

/// Everything that two equal runs have to agree on.
#[track_caller]
pub(crate) fn assert_equal_runs(a: &Path, b: &Path) {
    for file in ["model.safetensors", "val/iter_00000010/0.png"] {
        assert!(fs::read(a.join(file)).unwrap() == fs::read(b.join(file)).unwrap(), "{file} differs");
    }
    let newest = |run: &Path| StateDict::load(&run.join("checkpoints/00000010.safetensors")).unwrap();
    assert!(newest(a) == newest(b), "the checkpoints differ");
    for file in ["log.jsonl", "selection.jsonl"] {
        assert_eq!(lines(a.join(file)), lines(b.join(file)), "{file} differs");
    }
}

#[test]
fn a_run_learns_and_leaves_what_the_contract_says() {
    let dir = folder();
    let mut config = config(dir.path(), "run", Task::Lowlight);
    config.train.total_iter = 40;
    config.train.losses.truncate(1);
    config.train.optim_g.lr = 5e-3;
    config.val.val_freq = 10;
    let events = finish(create(&config));
    let scores: Vec<f64> = events
        .iter()
        .filter_map(|event| match event {
            Event::Validated(validation) => Some(validation.val["psnr-y"]),
            _ => None,
        })
        .collect();
    assert_eq!(scores.len(), 4);
    assert!(scores[3] > scores[0] + 1.0, "PSNR {scores:?}");
    let run = dir.path().join("run");
    let log = lines(run.join("log.jsonl"));
    assert_eq!(log.len(), 44);
    let loss = |at: usize| log[at]["l_g_l1"].as_f64().unwrap();
    assert!(loss(42) < 0.8 * loss(0), "{} to {}", loss(0), loss(42));
    assert!(log[10]["protocol"]["psnr-y"].as_str().unwrap().contains("crop 0"), "{}", log[10]);
    for file in ["val/gt/0.png", "val/lq/0.png", "val/iter_00000010/0.png", "val/iter_00000040/0.png"] {
        assert!(run.join(file).is_file(), "no {file}");
    }
    assert!(!run.join("selection.jsonl").exists());
    assert_eq!(fs::read_dir(run.join("tb")).unwrap().count(), 1);
}

#[test]
fn a_run_that_is_stopped_anywhere_and_resumed_ends_as_the_uninterrupted_one() {
    let dir = folder();
    let whole = config(dir.path(), "whole", Task::Sr);
    finish(create(&whole));
    for first in [1, 3, 4, 9] {
        let config = config(dir.path(), &format!("stopped-{first}"), Task::Sr);
        let run = config.run_dir();
        let mut trainer = create(&config);
        // Stops after `first` steps, and then after every third one.
        for at in (first..10).step_by(3) {
            let stop = AtomicBool::new(false);
            let outcome = trainer.run(&stop, |event| match event {
                Event::Step(report) if report.iter == at => stop.store(true, Ordering::SeqCst),
                _ => {}
            });
            assert_eq!(outcome.unwrap(), Outcome::Stopped { iter: at });
            trainer = resume(&run);
        }
        finish(trainer);
        assert_equal_runs(&whole.run_dir(), &run);
        finish(resume(&run));
        assert_equal_runs(&whole.run_dir(), &run);
    }
}

/// The longest degradations there are draw nothing that a resumed run would not draw, in patches larger than the crops.
#[test]
fn a_run_on_a_published_recipe_resumes_bit_for_bit() {
    let dir = folder();
    for (recipe, name) in [(Published::RealEsrgan, "real"), (Published::Bsrgan, "bsr")] {
        let with = |run: String| {
            let mut config = config(dir.path(), &run, Task::Sr);
            let train = &mut config.datasets.train;
            (train.degradation, train.recipe, train.patch_size) = (None, Some(recipe), Some(48));
            train.sharpen_gt = Some(UnsharpMask::default());
            config
        };
        let whole = with(format!("{name}-whole"));
        finish(create(&whole));
        let stopped = with(format!("{name}-stopped"));
        let stop = AtomicBool::new(false);
        let outcome = create(&stopped).run(&stop, |event| match event {
            Event::Step(report) if report.iter == 5 => stop.store(true, Ordering::SeqCst),
            _ => {}
        });
        assert_eq!(outcome.unwrap(), Outcome::Stopped { iter: 5 });
        finish(resume(&stopped.run_dir()));
        assert_equal_runs(&whole.run_dir(), &stopped.run_dir());
    }
}

/// Every anchor gives the selection something else to go by, and the averaged network that `earlier` asks is resumed
/// with the rest.
#[test]
fn every_anchor_moves_the_selection_its_own_way() {
    let dir = folder();
    let with = |anchor: Anchor, run: &str| {
        let mut config = config(dir.path(), run, Task::Sr);
        let selection = TripletConfig { anchor, warmup: 2, ..TripletConfig::default() };
        *config.train.losses[1].loss.selection_mut().unwrap() = selection.into();
        config
    };
    let anchors = [(Anchor::Input, "input"), (Anchor::Blurred, "blurred"), (Anchor::Earlier, "earlier")];
    let ends = anchors.map(|(anchor, run)| {
        let config = with(anchor, run);
        finish(create(&config));
        lines(config.run_dir().join("selection.jsonl")).pop().unwrap()["taps"].clone()
    });
    assert!(ends[0] != ends[1] && ends[1] != ends[2] && ends[0] != ends[2]);

    let stop = AtomicBool::new(false);
    let config = with(Anchor::Earlier, "stopped");
    let stopped = create(&config).run(&stop, |event| {
        if matches!(event, Event::Step(report) if report.iter == 4) {
            stop.store(true, Ordering::SeqCst);
        }
    });
    assert_eq!(stopped.unwrap(), Outcome::Stopped { iter: 4 });
    finish(resume(&config.run_dir()));
    assert_equal_runs(&dir.path().join("earlier"), &config.run_dir());

    let mut config = with(Anchor::Earlier, "refused");
    config.train.ema_decay = 0.0;
    assert!(refused(Trainer::create(config, &weights())).contains("ema_decay"));
}

#[test]
fn a_damaged_checkpoint_is_passed_over_aloud() {
    let dir = folder();
    let whole = config(dir.path(), "whole", Task::Sr);
    finish(create(&whole));
    let config = config(dir.path(), "cut", Task::Sr);
    let run = config.run_dir();
    let stop = AtomicBool::new(false);
    let stopped = create(&config).run(&stop, |event| {
        if matches!(event, Event::Step(report) if report.iter == 7) {
            stop.store(true, Ordering::SeqCst);
        }
    });
    assert_eq!(stopped.unwrap(), Outcome::Stopped { iter: 7 });
    let newest = run.join("checkpoints/00000007.safetensors");
    let bytes = fs::read(&newest).unwrap();
    fs::write(&newest, &bytes[..bytes.len() / 2]).unwrap();
    let events = finish(resume(&run));
    let told = |wanted: &str| {
        events.iter().any(|event| matches!(event, Event::Warning(message) if message.contains(wanted)))
    };
    assert!(told("00000007.safetensors"), "{events:?}");
    assert!(matches!(events[0], Event::Started { iter: 6, .. }), "{:?}", events[0]);
    assert_equal_runs(&whole.run_dir(), &run);
}

#[test]
fn checkpoints_that_cannot_be_saved_are_warnings_until_the_end() {
    let dir = folder();
    let config = config(dir.path(), "run", Task::Sr);
    let run = config.run_dir();
    let (checkpoints, aside) = (run.join("checkpoints"), run.join("aside"));
    let mut warnings = 0;
    let outcome = create(&config).run(&AtomicBool::new(false), |event| match event {
        // A file where the folder should be: even the superuser cannot write into it, as on a full disk.
        Event::Step(report) if report.iter == 4 => {
            fs::rename(&checkpoints, &aside).unwrap();
            fs::write(&checkpoints, b"").unwrap();
        }
        Event::Step(report) if report.iter == 10 => {
            fs::remove_file(&checkpoints).unwrap();
            fs::rename(&aside, &checkpoints).unwrap();
            assert!(checkpoints.join("00000003.safetensors").is_file(), "the old one is lost");
        }
        Event::Warning(message) => {
            assert!(message.contains("checkpoints"), "{message}");
            warnings += 1;
        }
        _ => {}
    });
    assert_eq!(outcome.unwrap(), Outcome::Finished);
    assert_eq!(warnings, 4, "steps 6 and 9, and before the validations of 4 and 8");
    assert!(checkpoints.join("00000010.safetensors").is_file());
}

#[test]
fn every_task_trains_and_validates() {
    let dir = folder();
    for task in Task::ALL {
        let mut config = config(dir.path(), task.name(), task);
        config.train.total_iter = 2;
        let events = finish(create(&config));
        let validated = events.iter().any(|event| match event {
            Event::Validated(validation) => validation.val["psnr-y"].is_finite(),
            _ => false,
        });
        assert!(validated, "{task}: {events:?}");
        assert!(dir.path().join(task.name()).join("val/iter_00000002/0.png").is_file());
    }
}

#[test]
fn a_run_starts_from_the_weights_of_another() {
    let dir = folder();
    let mut first = config(dir.path(), "first", Task::Sr);
    first.train.total_iter = 1;
    finish(create(&first));
    let mut second = config(dir.path(), "second", Task::Sr);
    second.path.pretrain_network_g = Some(dir.path().join("first/model.safetensors"));
    second.seed = 8;
    let stop = AtomicBool::new(true);
    create(&second).run(&stop, |_| {}).unwrap();
    let arrays = |run: &str| {
        let state = StateDict::load(&dir.path().join(run).join("model.safetensors")).unwrap();
        state.iter().map(|(name, array)| (name.to_string(), array.clone())).collect::<Vec<_>>()
    };
    assert!(arrays("first") == arrays("second"), "the second run starts elsewhere");
    second.path.run = Some(dir.path().join("third"));
    second.network_g = NetworkConfig::SrResNet(SrResNetConfig { num_feat: 12, num_block: 1 });
    let problem = refused(Trainer::create(second, &weights()));
    assert!(
        problem.contains("model.safetensors") && problem.contains("set network_g.num_feat = 8"),
        "{problem}"
    );
    assert!(!dir.path().join("third").exists(), "a run that cannot start leaves nothing behind");
}

#[test]
fn a_term_that_is_no_number_is_named_and_its_batch_is_saved() {
    let dir = folder();
    let mut config = config(dir.path(), "run", Task::Sr);
    // Weights so large that what the network makes is infinite.
    let start = dir.path().join("large.safetensors");
    let network = config.network_g.init(4, 3, 0, &burn::tensor::Device::flex()).unwrap();
    let mut state = StateDict::new();
    for (name, array) in StateDict::of(&network).iter() {
        let data = array.data.iter().map(|value| value.signum() * 1e30).collect();
        state.insert(name, percept_nn::weights::Array { shape: array.shape.clone(), data });
    }
    state.save(&start).unwrap();
    config.path.pretrain_network_g = Some(start);
    let problem = create(&config).run(&AtomicBool::new(false), |_| {}).unwrap_err();
    let TrainError::Step { iter, .. } = &problem else { panic!("{problem}") };
    let file = config.run_dir().join(format!("failed_batch_{iter:08}.safetensors"));
    let problem = problem.to_string();
    assert!(problem.contains("l_g_l1") && problem.contains(file.to_str().unwrap()), "{problem}");
    let batch = StateDict::load(&file).unwrap();
    assert_eq!(batch.get("gt").unwrap().shape, [2, 32, 32, 3]);
    assert_eq!(batch.get("lq").unwrap().shape, [2, 8, 8, 3]);
    assert_eq!(batch.metadata()["names"].lines().count(), 2);
}

#[test]
fn photos_that_cannot_be_used_are_counted_and_named() {
    let dir = folder();
    let broken = dir.path().join("photos/1.png");
    let bytes = fs::read(&broken).unwrap();
    fs::write(&broken, &bytes[..bytes.len() / 2]).unwrap();
    let mut config = config(dir.path(), "run", Task::Denoise);
    config.datasets.val = Some(ValSetConfig::new(dir.path().join("photos")));
    config.train.total_iter = 1;
    let events = finish(create(&config));
    let warnings: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Warning(message) => Some(message.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(warnings.len(), 2, "one for training, one for validation: {warnings:?}");
    assert!(warnings[0].starts_with("1 of 3 photos") && warnings[0].contains("1.png"), "{warnings:?}");
}

#[test]
fn what_cannot_start_says_why() {
    let dir = folder();
    let good = config(dir.path(), "run", Task::Sr);
    let mut config = good.clone();
    config.datasets.train.dataroot_gt = dir.path().join("nowhere");
    assert!(refused(Trainer::create(config, &weights())).contains("nowhere"));
    let mut config = good.clone();
    config.val.metrics = vec!["psnr".to_string()];
    let problem = refused(Trainer::create(config, &weights()));
    assert!(problem.contains("val.metrics") && problem.contains("psnr-y"), "{problem}");
    let mut config = good.clone();
    config.device = "toaster".to_string();
    assert!(refused(Trainer::create(config, &weights())).contains("toaster"));
    let mut config = good.clone();
    config.train.losses = Term::list([Term::from(LossConfig::Lpips(LpipsLoss::default()))]);
    let problem = refused(Trainer::create(config, &WeightStore::new()));
    assert!(problem.contains("vgg16"), "{problem}");
    assert!(!good.run_dir().exists());
    assert!(refused(Trainer::resume(&good.run_dir(), &Resume::default(), &weights())).contains("no run"));
}
