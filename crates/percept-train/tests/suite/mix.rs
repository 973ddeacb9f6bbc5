//! Mixes of samples, and crops and batches that change during a training.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use percept_image::degrade::{GaussianNoise, Strength};
use percept_image::{DegradationConfig, Image, Photo, write_photo};
use percept_run::config::{CutblurConfig, CutmixConfig, MixConfig, MixupConfig, StageConfig, TrainSetConfig};
use percept_run::{Config, RunFiles, Task};
use percept_train::data::{Batch, TrainSource};
use percept_train::{Event, Resume, TrainError, Trainer};
use tempfile::TempDir;

use crate::trainer::{config as small_run, create, finish, folder, weights};

/// Pairs at scale 4: every pixel of an input is a square of its target.
fn squares() -> (TempDir, TempDir) {
    let (gt, lq) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for kind in 0..3 {
        let small =
            Image::from_fn(12, 10, |x, y, c| ((x * 5 + y * 3 + c * 40 + kind * 83) % 256) as f32 / 255.0);
        let large = Image::from_fn(48, 40, |x, y, c| small.pixel(x / 4, y / 4)[c]);
        write_photo(gt.path().join(format!("{kind}.png")), &Photo::new(large)).unwrap();
        write_photo(lq.path().join(format!("{kind}.png")), &Photo::new(small)).unwrap();
    }
    (gt, lq)
}

fn mixup() -> MixConfig {
    MixConfig::Mixup(MixupConfig { prob: 1.0, ..MixupConfig::default() })
}

fn cutmix() -> MixConfig {
    MixConfig::Cutmix(CutmixConfig { prob: 1.0, side: Strength::Fixed(0.5) })
}

fn with(config: &Config, augment: Vec<MixConfig>) -> TrainSource {
    let mut config = config.clone();
    config.datasets.train.augment = augment;
    TrainSource::open(&config).unwrap()
}

#[test]
fn what_is_done_to_a_target_is_done_to_its_input() {
    let (gt, lq) = squares();
    let mut config = Config::for_task(Task::Sr);
    config.datasets.train = TrainSetConfig {
        gt_size: 32,
        batch_size: 1,
        dataroot_lq: Some(lq.path().into()),
        ..TrainSetConfig::new(gt.path())
    };
    let plain = with(&config, Vec::new());
    for mix in [mixup(), cutmix()] {
        let (source, mut changed) = (with(&config, vec![mix.clone()]), 0);
        for iter in 1..40 {
            let Batch { gt, lq, names, .. } = source.batch(iter).unwrap();
            for (x, y, c) in (0..32 * 32 * 3).map(|i| (i / 3 % 32, i / 96, i % 3)) {
                let (large, small) = (gt[(y * 32 + x) * 3 + c], lq[(y / 4 * 8 + x / 4) * 3 + c]);
                assert!((large - small).abs() < 1e-6, "{mix:?} {iter}: {large} {small}");
            }
            assert!(names[0].contains('+'), "{names:?}");
            // A photo may be mixed with itself, elsewhere; most are not.
            changed += usize::from(gt != plain.batch(iter).unwrap().gt);
        }
        assert!(changed > 25, "{mix:?}: {changed}");
    }
    // A quarter of the picture is of the other one.
    let (cut, plain) = (with(&config, vec![cutmix()]).batch(3).unwrap(), plain.batch(3).unwrap());
    let other = cut.lq.chunks(3).zip(plain.lq.chunks(3)).filter(|(a, b)| a != b).count();
    assert!((1..=16).contains(&other), "{other}");
}

#[test]
fn cutblur_shows_the_target_in_a_part_of_the_input() {
    let dir = folder();
    let mut config = Config::for_task(Task::Denoise);
    let noise = GaussianNoise { sigma: 25.0.into(), ..GaussianNoise::default() };
    config.datasets.train = TrainSetConfig {
        gt_size: 32,
        batch_size: 2,
        degradation: Some(vec![DegradationConfig::GaussianNoise(noise).into()]),
        ..TrainSetConfig::new(dir.path().join("photos"))
    };
    let cutblur = MixConfig::Cutblur(CutblurConfig { prob: 1.0, side: Strength::Fixed(0.5) });
    let (mixed, plain) = (with(&config, vec![cutblur]), with(&config, Vec::new()));
    let mut shares = Vec::new();
    for iter in 1..30 {
        let (mixed, plain) = (mixed.batch(iter).unwrap(), plain.batch(iter).unwrap());
        assert_eq!(mixed.gt, plain.gt);
        let clean = mixed.lq.iter().zip(&mixed.gt).filter(|(a, b)| a == b).count();
        shares.push(clean as f64 / mixed.gt.len() as f64);
        assert!(
            mixed.lq.iter().zip(&plain.lq).zip(&mixed.gt).all(|((lq, noisy), gt)| lq == noisy || lq == gt)
        );
        assert_eq!(mixed.lq, mixed.distorted);
    }
    // A quarter inside, three quarters outside, as chance wants for either of two samples.
    assert!(shares.iter().all(|share| (0.2..0.85).contains(share)), "{shares:?}");
    assert!(shares.iter().any(|share| *share < 0.4) && shares.iter().any(|share| *share > 0.6), "{shares:?}");
}

#[test]
fn probabilities_say_how_many_samples_are_mixed() {
    let (gt, lq) = squares();
    let mut config = Config::for_task(Task::Sr);
    config.datasets.train = TrainSetConfig {
        gt_size: 32,
        batch_size: 8,
        dataroot_lq: Some(lq.path().into()),
        ..TrainSetConfig::new(gt.path())
    };
    let mixes = vec![
        MixConfig::Mixup(MixupConfig { prob: 0.25, ..MixupConfig::default() }),
        MixConfig::Cutmix(CutmixConfig { prob: 0.25, ..CutmixConfig::default() }),
    ];
    let source = with(&config, mixes);
    let names = (1..=100).flat_map(|iter| source.batch(iter).unwrap().names);
    let mixed = names.filter(|name| name.contains('+')).count();
    assert!((340..460).contains(&mixed), "{mixed} of 800");
    assert_eq!(source.batch(7).unwrap(), source.batch(7).unwrap());
}

fn model(config: &Config) -> Vec<u8> {
    fs::read(RunFiles::new(config.run_dir()).model()).unwrap()
}

/// Trains whole, and once more with a stop after each of these steps.
fn whole_and_in_pieces(dir: &Path, stops: &[u64], change: impl Fn(&mut Config)) {
    let run = |name: &str| {
        let mut config = small_run(dir, name, Task::Sr);
        change(&mut config);
        config
    };
    let (whole, pieces) = (run("whole"), run("pieces"));
    finish(create(&whole));
    let mut trainer = create(&pieces);
    for stop in stops {
        let asked = AtomicBool::new(false);
        trainer
            .run(&asked, |event| {
                if matches!(event, Event::Step(report) if report.iter == *stop) {
                    asked.store(true, Ordering::SeqCst);
                }
            })
            .unwrap();
        trainer = Trainer::resume(&pieces.run_dir(), &Resume::default(), &weights()).unwrap();
    }
    finish(trainer);
    assert!(model(&whole) == model(&pieces), "a resumed run is another one");
}

#[test]
fn mixes_stages_and_accumulation_resume_bit_for_bit() {
    let dir = folder();
    whole_and_in_pieces(dir.path(), &[1, 3, 4, 8], |config| {
        let train = &mut config.datasets.train;
        train.augment = vec![
            MixConfig::Mixup(MixupConfig { prob: 0.4, ..MixupConfig::default() }),
            MixConfig::Cutmix(CutmixConfig { prob: 0.3, ..CutmixConfig::default() }),
            MixConfig::Cutblur(CutblurConfig { prob: 0.3, ..CutblurConfig::default() }),
        ];
        train.progressive = vec![
            StageConfig { after: 3, gt_size: 40, batch_size: None },
            StageConfig { after: 7, gt_size: 48, batch_size: Some(3) },
        ];
        config.train.accumulate = 3;
    });
}

#[test]
fn crops_and_batches_grow_after_the_steps_that_are_said() {
    let dir = folder();
    let mut config = small_run(dir.path(), "run", Task::Sr);
    config.datasets.train.progressive = vec![StageConfig { after: 2, gt_size: 48, batch_size: Some(1) }];
    config.train.accumulate = 2;
    let source = TrainSource::open(&config).unwrap();
    let sizes: Vec<_> = (1..=6).map(|number| source.batch(number).unwrap().gt_dims).collect();
    assert_eq!(sizes[..4], [[2, 32, 32, 3]; 4]);
    assert_eq!(sizes[4..], [[1, 48, 48, 3]; 2]);
    // A photo has to be large enough for the largest crops.
    config.datasets.train.progressive[0].gt_size = 52;
    let error = TrainSource::open(&config).err().unwrap().to_string();
    assert!(error.contains("52×52 are needed"), "{error}");
}

/// Photos as large as a crop, laid down in one way: the same samples whatever the size of a batch.
fn fixed(dir: &Path, name: &str, batch_size: usize, accumulate: u64) -> Config {
    let mut config = small_run(dir, name, Task::Sr);
    config.datasets.train.batch_size = batch_size;
    config.datasets.train.gt_size = 48;
    (config.datasets.train.use_hflip, config.datasets.train.use_rot) = (false, false);
    config.train.losses.truncate(1);
    config.train.total_iter = 5;
    config.train.accumulate = accumulate;
    config.datasets.val = None;
    config
}

#[test]
fn batches_that_are_accumulated_train_as_one_large_batch() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("photos")).unwrap();
    for kind in 0..5 {
        let photo = Image::from_fn(48, 48, |x, y, c| {
            let (x, y, k) = (x as f32, y as f32, (kind * 3 + c) as f32);
            0.5 + 0.2 * (x / (3.0 + k % 5.0) + k).sin() + 0.2 * (y / (2.0 + k % 7.0)).cos()
        });
        write_photo(dir.path().join(format!("photos/{kind}.png")), &Photo::new(photo)).unwrap();
    }
    let trained = |name: &str, batch_size: usize, accumulate: u64| {
        let config = fixed(dir.path(), name, batch_size, accumulate);
        let events = finish(create(&config));
        let terms: Vec<f64> = events
            .iter()
            .filter_map(|event| match event {
                Event::Step(report) => Some(report.terms[0].1),
                _ => None,
            })
            .collect();
        let state = percept_nn::weights::StateDict::load(&RunFiles::new(config.run_dir()).model()).unwrap();
        (terms, state)
    };
    let (whole, one) = trained("whole", 4, 1);
    let (parts, other) = trained("parts", 1, 4);
    assert_eq!((whole.len(), parts.len()), (5, 5));
    assert!(whole.iter().zip(&parts).all(|(a, b)| (a - b).abs() < 1e-5), "{whole:?} {parts:?}");
    for (name, array) in one.iter() {
        // Adam makes whole steps of gradients that are nearly 0, in whatever direction.
        let far = array.data.iter().zip(&other.get(name).unwrap().data).map(|(a, b)| (a - b).abs());
        let mean = far.sum::<f32>() / array.data.len() as f32;
        assert!(mean < 2e-5, "{name}: {mean}");
    }
    // One part of it is not the same.
    let (quarter, _) = trained("quarter", 1, 1);
    assert!(whole.iter().zip(&quarter).any(|(a, b)| (a - b).abs() > 1e-3));
}

#[test]
fn weights_that_do_not_fit_are_taken_in_part_where_that_is_asked_for() {
    let dir = folder();
    let start = small_run(dir.path(), "start", Task::Sr);
    finish(create(&start));
    let mut config = small_run(dir.path(), "larger", Task::Sr);
    config.network_g = percept_nn::network::NetworkConfig::SrResNet(percept_nn::network::SrResNetConfig {
        num_feat: 8,
        num_block: 2,
    });
    config.path.pretrain_network_g = Some(RunFiles::new(start.run_dir()).model());
    assert!(matches!(Trainer::create(config.clone(), &weights()), Err(TrainError::OtherStart { .. })));
    config.path.strict = false;
    let said: Vec<String> = finish(create(&config))
        .into_iter()
        .filter_map(|event| match event {
            Event::Warning(said) => Some(said),
            _ => None,
        })
        .collect();
    let said = said.iter().find(|said| said.contains("weights taken")).expect("what was taken");
    assert!(said.contains("model.safetensors: ") && said.contains("; not there: body.1."), "{said}");
    // Nothing of it fits: that is an error in any case.
    config.network_g = percept_nn::network::NetworkConfig::Compact(Default::default());
    config.path.run = Some(dir.path().join("other"));
    let error = Trainer::create(config, &weights()).err().expect("an error").to_string();
    assert!(error.contains("model.safetensors"), "{error}");
}

#[test]
fn wrong_values_are_refused_by_name() {
    let base = "name = 'x'\ntask = 'sr'\nnetwork_g.type = 'compact'\n[[train.losses]]\ntype = 'l1'\n[datasets.train]\ndataroot_gt = 'a'\n";
    for (train, says) in [
        ("augment = [{ type = 'mixup', prob = 0.7 }, { type = 'cutmix', prob = 0.6 }]", "sum to 1.3"),
        ("augment = [{ type = 'mixup', prob = 1.5 }]", "augment.0.prob` must be from 0 to 1"),
        ("augment = [{ type = 'mixup', alpha = 0.0 }]", "augment.0.alpha` must be from"),
        ("augment = [{ type = 'cutmix', side = [0.5, 0.2] }]", "augment.0.side` must be a number or"),
        ("augment = [{ type = 'cutout' }]", "cutmix"),
        ("progressive = [{ after = 0, gt_size = 64 }]", "progressive.0.after` must rise"),
        ("progressive = [{ after = 5, gt_size = 66 }]", "progressive.0.gt_size` must be a multiple of 4"),
        (
            "progressive = [{ after = 5, gt_size = 64 }, { after = 5, gt_size = 32 }]",
            "progressive.1.after` must rise",
        ),
        (
            "progressive = [{ after = 5, gt_size = 64, batch_size = 0 }]",
            "progressive.0.batch_size` must be 1",
        ),
        (
            "patch_size = 2000\nprogressive = [{ after = 5, gt_size = 256 }]",
            "`datasets.train.patch_size` is 2160",
        ),
        ("[train]\naccumulate = 0", "train.accumulate` must be 1 to 1024"),
        ("[train.optim_g]\ntype = 'adan'\nbetas = [0.9, 0.99]", "train.optim_g.betas` must be 3"),
    ] {
        let text = match train.strip_prefix("[train") {
            // `train` is begun by its losses.
            Some(_) => base.replace("[[train.losses]]", &format!("{train}\n[[train.losses]]")),
            None => format!("{base}{train}\n"),
        };
        let error = Config::from_toml(&text, "x.toml").unwrap_err().to_string();
        assert!(error.contains(says), "{train}: {error}");
    }
    let raw = base.replace("'sr'", "'raw2rgb'").replace("compact", "srresnet");
    let error =
        Config::from_toml(&format!("{raw}augment = [{{ type = 'cutblur' }}]\n"), "x.toml").unwrap_err();
    assert!(error.to_string().contains("leave it out with `raw2rgb`"), "{error}");
}
