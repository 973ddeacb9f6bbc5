//! Trainings whose selection follows a rule: it moves, the log shows it, and a run that goes on is the same run.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use percept_nn::disentangle::{
    Anchor, ClosedConfig, Contrast, Control, Score, SelectionConfig, SelectionRule, Start, TripletConfig,
};
use percept_nn::weights::StateDict;
use percept_run::log::{SelectionLine, selections};
use percept_run::{Config, Task};
use percept_train::{Event, Outcome, Resume, Trainer};

use crate::trainer::{assert_equal_runs, config, create, finish, folder, weights};

fn with(dir: &Path, run: &str, task: Task, selection: impl Into<SelectionConfig>) -> Config {
    let mut config = config(dir, run, task);
    *config.train.losses[1].loss.selection_mut().expect("a loss with a selection") = selection.into();
    config
}

fn log(config: &Config) -> Vec<SelectionLine> {
    selections(&config.run_dir().join("selection.jsonl")).unwrap()
}

/// Trains the first steps, and on to the end in another process' place.
fn in_two_parts(config: &Config, first: u64) -> Vec<Event> {
    let stop = AtomicBool::new(false);
    let mut events = Vec::new();
    let stopped = create(config).run(&stop, |event| {
        if matches!(&event, Event::Step(report) if report.iter == first) {
            stop.store(true, Ordering::SeqCst);
        }
        events.push(event);
    });
    assert_eq!(stopped.unwrap(), Outcome::Stopped { iter: first });
    events.extend(finish(Trainer::resume(&config.run_dir(), &Resume::default(), &weights()).unwrap()));
    events
}

fn closed(score: Score) -> ClosedConfig {
    ClosedConfig { score, warmup: 2, every: 2, ..ClosedConfig::default() }
}

#[test]
fn a_closed_selection_moves_and_the_log_shows_it() {
    let dir = folder();
    let (literal, systematic) = (Score::Literal { anchor: Anchor::Input }, Score::Systematic { window: 16 });
    let ends = [("literal", literal), ("systematic", systematic)].map(|(name, score)| {
        let config = with(dir.path(), name, Task::Sr, closed(score));
        let events = finish(create(&config));
        let steps = events.iter().filter_map(|event| match event {
            Event::Step(report) => Some(report),
            _ => None,
        });
        for report in steps {
            assert!(report.active.iter().all(|(_, active)| *active > 0.5), "{name}: {:?}", report.active);
            assert!(report.terms.iter().any(|(term, value)| term == "l_sel_feature" && value.is_finite()));
        }
        let lines = log(&config);
        assert_eq!(lines.len(), 10);
        let text = fs::read_to_string(config.run_dir().join("selection.jsonl")).unwrap();
        assert!(
            text.lines().all(|line| line.contains(&format!("\"closed\":{{\"score\":{{\"type\":\"{name}\"")))
        );
        for line in &lines {
            assert_eq!(line.rule, SelectionRule::Closed { score, control: None });
            for tap in &line.taps {
                let share = tap.effective / tap.weights.len() as f64;
                assert!((share - 0.4).abs() < 1e-3, "{name} at step {}: {share}", line.iter);
            }
            assert!(!line.idle);
        }
        let moved = |at: usize| lines[at].taps[0].weights != lines[at - 1].taps[0].weights;
        // Steps 1, 3, 5 … are selection steps.
        assert!((1..10).all(|at| moved(at) == at.is_multiple_of(2)), "{name}");
        lines[9].taps[0].weights.clone()
    });
    assert_ne!(ends[0], ends[1]);
}

#[test]
fn a_run_of_every_rule_that_is_stopped_and_resumed_ends_as_the_uninterrupted_one() {
    let dir = folder();
    let anchored = Score::Left { anchor: Anchor::Earlier };
    let permuted = ClosedConfig { control: Some(Control::Permuted { seed: 1 }), ..closed(Score::default()) };
    let systematic = closed(Score::Systematic { window: 8 });
    let redrawn = ClosedConfig { control: Some(Control::Redrawn { seed: 2 }), ..systematic };
    let rules: [(&str, SelectionConfig); 4] = [
        ("permuted", permuted.into()),
        ("redrawn", redrawn.into()),
        ("random", closed(Score::Random { seed: 5 }).into()),
        ("left", ClosedConfig { decay: 0.5, every: 3, ..closed(anchored) }.into()),
    ];
    for (name, rule) in rules {
        let whole = with(dir.path(), name, Task::Sr, rule.clone());
        finish(create(&whole));
        let parts = with(dir.path(), &format!("{name}-in-parts"), Task::Sr, rule);
        in_two_parts(&parts, 5);
        assert_equal_runs(&whole.run_dir(), &parts.run_dir());
    }
}

/// A literal triplet without a margin is satisfied from the first step on where the network changes nothing yet: the result
/// is the distorted photo, and the target is not. Twenty selection steps of that are said once, in the terminal and in the
/// log, whoever resumes.
#[test]
fn a_contrast_that_does_not_act_is_a_warning() {
    let dir = folder();
    let idle = TripletConfig {
        contrast: Contrast::Literal,
        start: Start::Uniform,
        margin: 0.0,
        every: 1,
        until: 0,
        ..TripletConfig::default()
    };
    let start = dir.path().join("start.safetensors");
    let mut first = with(dir.path(), "first", Task::Denoise, idle.clone());
    first.train.total_iter = 1;
    finish(create(&first));
    let mut state = StateDict::new();
    for (name, array) in StateDict::load(&first.run_dir().join("model.safetensors")).unwrap().iter() {
        let mut array = array.clone();
        if name.starts_with("ending") {
            array.data.fill(0.0);
        }
        state.insert(name, array);
    }
    state.save(&start).unwrap();
    let of = |run: &str, selection: TripletConfig| {
        let mut config = with(dir.path(), run, Task::Denoise, selection);
        config.path.pretrain_network_g = Some(start.clone());
        config.train.total_iter = 30;
        config.train.optim_g.lr = 1e-6;
        (config.datasets.val, config.logger.save_checkpoint_freq) = (None, 100);
        config
    };
    let said = |events: &[Event]| {
        let warnings =
            events.iter().filter(|event| matches!(event, Event::Warning(text) if text.contains("margin")));
        warnings.count()
    };
    for (run, first) in [("before", 12), ("after", 25)] {
        let config = of(run, idle.clone());
        let events = in_two_parts(&config, first);
        assert_eq!(said(&events), 1, "{run}: {events:?}");
        let when: Vec<u64> = log(&config).iter().filter(|line| line.idle).map(|line| line.iter).collect();
        assert_eq!(when, (20..=30).collect::<Vec<_>>(), "{run}");
    }
    let acts = of("acts", TripletConfig { margin: 1.5, ..idle });
    assert_eq!(said(&finish(create(&acts))), 0);
    assert!(log(&acts).iter().all(|line| !line.idle && line.active == Some(1.0)));
}
