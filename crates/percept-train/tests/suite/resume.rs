//! What a run that goes on promises: nothing lost, nothing begun anew, nothing changed in silence.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;
use percept_image::{Image, Photo, Srgb, write_photo};
use percept_nn::backbone::Precision;
use percept_nn::disentangle::{Start, TripletConfig};
use percept_nn::model::{Model, Tiling};
use percept_nn::network::{NetworkConfig, SpanConfig, SrResNetConfig};
use percept_nn::weights::{Array, StateDict};
use percept_run::{Config, RunFiles, Standing, Task};
use percept_train::{Event, Outcome, Resume, TrainError, Trainer};
use tempfile::TempDir;

use crate::trainer::{assert_equal_runs, config, create, finish, folder, lines, photo, refused, weights};

fn again(dir: &Path, how: Resume) -> Result<Trainer, TrainError> {
    Trainer::resume(dir, &how, &weights())
}

/// The folder of a run that is finished, with what it read.
fn finished() -> (TempDir, Config, PathBuf) {
    let dir = folder();
    let config = config(dir.path(), "run", Task::Sr);
    let run = config.run_dir();
    finish(create(&config));
    (dir, config, run)
}

#[test]
fn without_a_sound_checkpoint_nothing_begins_anew() {
    let (_dir, _, run) = finished();
    let checkpoints: Vec<_> =
        fs::read_dir(run.join("checkpoints")).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(checkpoints.len(), 2);
    for path in &checkpoints {
        fs::write(path, b"cut off").unwrap();
    }
    let error = refused(again(&run, Resume::default()));
    assert!(error.contains("no checkpoint can be used") && error.contains("00000010"), "{error}");
    for path in &checkpoints {
        fs::remove_file(path).unwrap();
    }
    let error = refused(again(&run, Resume::default()));
    assert!(error.contains("has a model but no checkpoint"), "{error}");
    // A run that was ended before it saved anything loses nothing.
    fs::remove_file(run.join("model.safetensors")).unwrap();
    let events = finish(again(&run, Resume::default()).unwrap());
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Note(note) if note.contains("nothing was saved yet")))
    );
}

#[test]
fn a_checkpoint_is_there_before_its_model_and_makes_the_model_at_the_first_save() {
    let (dir, _, whole) = finished();
    let config = config(dir.path(), "cut", Task::Sr);
    let run = config.run_dir();
    let model = run.join("model.safetensors");
    let trainer = create(&config);
    // Where a folder lies, no model can be written.
    fs::create_dir(&model).unwrap();
    assert!(trainer.run(&AtomicBool::new(false), |_| ()).is_err(), "the end is not saved");
    assert_eq!(fs::read_dir(run.join("checkpoints")).unwrap().count(), 2);
    fs::remove_dir(&model).unwrap();
    fs::remove_file(run.join("checkpoints/00000010.safetensors")).unwrap();
    let stopped = again(&run, Resume::default()).unwrap().run(&AtomicBool::new(true), |_| ()).unwrap();
    assert!(matches!(stopped, Outcome::Stopped { .. }) && model.is_file(), "{stopped:?}");
    finish(again(&run, Resume::default()).unwrap());
    assert_equal_runs(&whole, &run);
}

#[test]
fn a_finished_run_trains_on_for_more_steps() {
    let (_dir, config, run) = finished();
    assert_eq!(Standing::of(&config), Standing::Finished);
    let total = |total| Resume { total_iter: Some(total), ..Resume::default() };
    let error = refused(again(&run, total(9)));
    assert!(error.contains("10 steps are done") && error.contains("--total-iter 10"), "{error}");
    let events = finish(again(&run, total(12)).unwrap());
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Note(note) if note.contains("12 steps instead of 10")))
    );
    assert!(matches!(events.last(), Some(Event::Saved { iter: 12, .. })), "{:?}", events.last());
    let longer = RunFiles::new(&run).read_config().unwrap();
    assert_eq!((longer.train.total_iter, Standing::of(&longer)), (12, Standing::Finished));
    // Whoever asks for fewer steps by the file alone is told, too, and does not train for ever.
    let text = fs::read_to_string(run.join("config.toml")).unwrap();
    fs::write(run.join("config.toml"), text.replace("total_iter = 12", "total_iter = 3")).unwrap();
    assert!(refused(again(&run, Resume::default())).contains("12 steps are done"));
}

#[test]
fn photos_that_changed_are_an_error_that_says_what_changed() {
    let dir = folder();
    let config = config(dir.path(), "run", Task::Sr);
    let run = config.run_dir();
    let stop = AtomicBool::new(false);
    let stopped = create(&config).run(&stop, |event| {
        if matches!(event, Event::Step(report) if report.iter == 2) {
            stop.store(true, Ordering::SeqCst);
        }
    });
    assert_eq!(stopped.unwrap(), Outcome::Stopped { iter: 2 });
    write_photo(dir.path().join("photos/new.png"), &Photo::new(photo(9))).unwrap();
    let error = refused(again(&run, Resume::default()));
    assert!(error.contains("1 added (new.png)") && error.contains("--other-photos"), "{error}");
    let how = Resume { other_photos: true, ..Resume::default() };
    let events = finish(again(&run, how).unwrap());
    assert!(
        events
            .iter()
            .any(|event| matches!(event, Event::Warning(said) if said.contains("1 added (new.png)")))
    );
    // From then on these are its photos.
    finish(again(&run, Resume::default()).unwrap());
}

/// A kill during a long validation loses no step.
#[test]
fn a_run_is_saved_before_it_is_validated() {
    let dir = folder();
    let events = finish(create(&config(dir.path(), "run", Task::Sr)));
    let mut saved = 0;
    for event in events {
        match event {
            Event::Saved { iter, .. } => saved = iter,
            Event::Validated(validation) => assert_eq!(saved, validation.iter),
            _ => {}
        }
    }
    assert_eq!(saved, 10);
}

/// The checkpoint has what these files held; they may be gone.
#[test]
fn a_resumed_run_needs_no_file_that_its_checkpoint_replaces() {
    let dir = folder();
    let mut config = config(dir.path(), "run", Task::Sr);
    finish(create(&config));
    let (start, selection) = (dir.path().join("start.safetensors"), dir.path().join("selection.safetensors"));
    fs::copy(config.run_dir().join("model.safetensors"), &start).unwrap();
    let mut state = StateDict::new();
    for (tap, channels) in [("relu1", 64), ("relu2", 192)] {
        state.insert(tap, Array { shape: vec![channels], data: vec![1.0; channels] });
    }
    state.save(&selection).unwrap();
    config.path.run = Some(dir.path().join("second"));
    config.path.pretrain_network_g = Some(start.clone());
    let settings = config.train.losses[1].loss.selection_mut().unwrap();
    let file = Start::File(selection.display().to_string());
    *settings = TripletConfig { start: file, warmup: 2, ..TripletConfig::default() }.into();
    config.train.total_iter = 3;
    finish(create(&config));
    fs::remove_file(start).unwrap();
    fs::remove_file(selection).unwrap();
    finish(again(&config.run_dir(), Resume { total_iter: Some(5), ..Resume::default() }).unwrap());
}

/// The best model is that of the best validation, whether the run was cut or not; a run ends where nothing gets better.
#[test]
fn the_best_model_is_kept_and_a_run_that_gets_no_better_ends() {
    let dir = folder();
    let set = |run: &str| {
        let mut config = config(dir.path(), run, Task::Sr);
        config.val.val_freq = 2;
        config.val.save_best = Some("psnr-y".to_string());
        config.val.metrics = vec!["psnr-y".to_string()];
        config.train.total_iter = 40;
        // Far too fast: it soon gets worse.
        config.train.optim_g.lr = 0.2;
        config.train.ema_decay = 0.0;
        config
    };
    let whole = set("whole");
    finish(create(&whole));
    let best = RunFiles::new(whole.run_dir()).best_model();
    let scores: Vec<(u64, f64)> = lines(whole.run_dir().join("log.jsonl"))
        .iter()
        .filter_map(|line| Some((line["iter"].as_u64()?, line["val"]["psnr-y"].as_f64()?)))
        .collect();
    let highest = scores.iter().copied().reduce(|a, b| if b.1 > a.1 { b } else { a }).unwrap();
    let model = Model::load(&best, &Device::flex()).unwrap();
    assert_eq!(model.card().iter, highest.0, "{scores:?}");
    assert_eq!(model.card().data["chosen"]["value"].as_f64(), Some(highest.1));

    let mut stopping = set("stopping");
    stopping.val.early_stop = Some(3);
    let stop = AtomicBool::new(false);
    let stopped = create(&stopping).run(&stop, |event| {
        if matches!(event, Event::Step(report) if report.iter == 5) {
            stop.store(true, Ordering::SeqCst);
        }
    });
    assert_eq!(stopped.unwrap(), Outcome::Stopped { iter: 5 });
    let events = finish(again(&stopping.run_dir(), Resume::default()).unwrap());
    let note =
        events.iter().find(|event| matches!(event, Event::Note(note) if note.contains("stopped early")));
    assert!(note.is_some(), "{events:?}");
    assert_eq!(Standing::of(&stopping), Standing::Finished);
    // Three validations after the best one, which is the same as that of the whole run up to there.
    let end = Model::load(RunFiles::new(stopping.run_dir()).model(), &Device::flex()).unwrap().card().iter;
    let best = RunFiles::new(stopping.run_dir()).best_model();
    let best = Model::load(&best, &Device::flex()).unwrap().card().iter;
    assert_eq!(end, best + 6);
    let before = scores.iter().copied().filter(|(iter, _)| *iter <= end);
    assert_eq!(best, before.reduce(|a, b| if b.1 > a.1 { b } else { a }).unwrap().0);
}

#[test]
fn a_run_in_bf16_resumes_bit_for_bit_and_says_where_its_precision_changes() {
    let dir = folder();
    let with = |run: &str, precision| {
        let mut config = config(dir.path(), run, Task::Sr);
        // With fewer channels nothing is rounded.
        config.network_g = NetworkConfig::SrResNet(SrResNetConfig { num_feat: 16, num_block: 1 });
        config.train.precision = precision;
        config
    };
    let rounds = Precision::Bf16.on_cpu() == Precision::Bf16;
    let warned = |events: &[Event], what: &str| {
        events.iter().any(|event| matches!(event, Event::Warning(text) if text.contains(what)))
    };
    let whole = with("whole", Precision::Bf16);
    assert_eq!(warned(&finish(create(&whole)), "train.precision"), !rounds);
    let stopped = with("stopped", Precision::Bf16);
    let stop = AtomicBool::new(false);
    let outcome = create(&stopped).run(&stop, |event| match event {
        Event::Step(report) if report.iter == 5 => stop.store(true, Ordering::SeqCst),
        _ => {}
    });
    assert_eq!(outcome.unwrap(), Outcome::Stopped { iter: 5 });
    let events = finish(again(&stopped.run_dir(), Resume::default()).unwrap());
    assert!(!warned(&events, "from here on"));
    assert_equal_runs(&whole.run_dir(), &stopped.run_dir());

    let exact = with("exact", Precision::F32);
    assert!(!warned(&finish(create(&exact)), "precision"));
    let weights = |run: &Path| StateDict::load(&run.join("model.safetensors")).unwrap().sha256();
    assert_eq!(weights(&exact.run_dir()) != weights(&whole.run_dir()), rounds, "is anything rounded?");

    let file = RunFiles::new(whole.run_dir()).config();
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("precision = \"bf16\""), "{text}");
    fs::write(&file, text.replace("precision = \"bf16\"", "precision = \"f32\"")).unwrap();
    let more = Resume { total_iter: Some(11), ..Resume::default() };
    let events = finish(again(&whole.run_dir(), more).unwrap());
    assert_eq!(warned(&events, "products are f32 from here on and were bf16 until step 10"), rounds);
}

#[test]
fn an_upsampler_that_is_held_even_resumes_bit_for_bit_and_stays_even() {
    let dir = folder();
    let with = |run: &str| {
        let mut config = config(dir.path(), run, Task::Sr);
        config.network_g =
            NetworkConfig::Span(SpanConfig { feature_channels: 4, even: true, ..SpanConfig::default() });
        config
    };
    let whole = with("whole");
    finish(create(&whole));
    let stopped = with("stopped");
    let stop = AtomicBool::new(false);
    let outcome = create(&stopped).run(&stop, |event| match event {
        Event::Step(report) if report.iter == 5 => stop.store(true, Ordering::SeqCst),
        _ => {}
    });
    assert_eq!(outcome.unwrap(), Outcome::Stopped { iter: 5 });
    finish(again(&stopped.run_dir(), Resume::default()).unwrap());
    assert_equal_runs(&whole.run_dir(), &stopped.run_dir());

    let model = Model::load(RunFiles::new(stopped.run_dir()).model(), &Device::flex()).unwrap();
    let plain = Image::<Srgb>::from_fn(40, 40, |_, _, _| 0.4);
    let result = model.restore(&plain, Tiling::default()).unwrap();
    let (width, height) = result.size();
    // Away from the border, where zeros are seen.
    let inside = result.crop(width / 2 - 4, height / 2 - 4, 8, 8);
    let channel = |c: usize| inside.data().iter().skip(c).step_by(3).copied();
    for c in 0..3 {
        let (least, most) = channel(c).fold((f32::MAX, f32::MIN), |(a, b), v| (a.min(v), b.max(v)));
        assert!(most - least < 1e-5, "{least} to {most}");
    }
}
