//! A selection in closed form: against PyTorch, and what its rules promise.

use std::collections::BTreeMap;
use std::path::Path;

use crate::common::matrix::Matrix;
use burn::tensor::{Device, Tensor, TensorData};
use percept_nn::backbone::Tap;
use percept_nn::disentangle::{
    Anchor, ClosedConfig, Contrast, Control, FeatureDistance, Matched, PerceptualSpace, Score, Selection,
    SelectionConfig, SelectionStep, TapGate, TripletConfig, TripletDistances, effective_channels, pointwise,
};
use percept_nn::weights::{StateDict, WeightStore};

const CHANNELS: usize = 32;
const INPUT: Anchor = Anchor::Input;

fn device() -> Device {
    Device::flex().autodiff()
}

/// Every score that follows the training.
fn scores() -> [Score; 4] {
    [
        Score::Literal { anchor: INPUT },
        Score::Conventional { anchor: INPUT },
        Score::Left { anchor: INPUT },
        Score::Systematic { window: 2 },
    ]
}

fn config() -> ClosedConfig {
    ClosedConfig { warmup: 0, every: 1, ..ClosedConfig::default() }
}

fn taps() -> Vec<Tap> {
    ["one", "two"].map(|name| Tap { name: name.to_string(), channels: CHANNELS }).to_vec()
}

fn selection(config: impl Into<SelectionConfig>) -> Selection {
    Selection::new(config, "matrix", &taps(), &WeightStore::new(), &device()).unwrap()
}

/// Distances that differ by channel, tap and batch, as those of real features do.
fn distances(batch: usize) -> TripletDistances {
    let rows = |kind: usize, scale: f32| {
        let tap = |tap: usize| {
            let value = |at: usize| {
                let (channel, step) = (at % CHANNELS, batch as f32 * 0.3);
                let phase = (channel * (kind + 3) + tap * 7 + at / CHANNELS) as f32;
                scale * (1.2 + (phase + step).sin()) * (1.0 + channel as f32 / 9.0)
            };
            let data: Vec<f32> = (0..2 * CHANNELS).map(value).collect();
            Tensor::from_data(TensorData::new(data, [2, CHANNELS]), &device())
        };
        vec![tap(0), tap(1)]
    };
    TripletDistances {
        result_target: rows(0, 0.5),
        distorted_target: rows(1, 1.0),
        distorted_result: Some(rows(2, 0.7)),
        averaged: Some(rows(3, 0.2)),
    }
}

fn step(selection: &mut Selection, batch: usize) -> Option<SelectionStep> {
    selection.batch(|_| distances(batch))
}

fn weights(selection: &Selection) -> Vec<Vec<f32>> {
    selection.weights().into_iter().map(|tap| tap.weights).collect()
}

/// What the transformation step weighs channels with.
fn gates(selection: &Selection) -> Vec<Vec<f32>> {
    let gate = |gate| match gate {
        TapGate::Channels(weights) => weights.into_data().try_to_vec().unwrap(),
        TapGate::Projection(_) => panic!("a projection where gates were asked for"),
    };
    selection.gates().into_iter().map(gate).collect()
}

fn close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    let apart = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart <= tolerance, "{apart} apart: {found:?} {expected:?}");
}

#[derive(serde::Deserialize)]
struct Fixture {
    weight: Vec<f32>,
    batches: Vec<[Vec<f32>; 3]>,
    scores: BTreeMap<String, Expected>,
}

#[derive(serde::Deserialize)]
struct Expected {
    weights: Vec<Vec<f32>>,
    loss: f32,
    gradient: Vec<f32>,
}

/// Three batches of both steps, from images on, by every score.
#[test]
fn every_score_is_that_of_pytorch() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/closed.json");
    let fixture: Fixture = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let names = ["literal", "conventional", "left", "systematic"];
    for (score, name) in scores().into_iter().zip(names) {
        let expected = &fixture.scores[name];
        let config = ClosedConfig { score, share: 0.7, ..config() };
        let selection =
            Selection::new(config, "matrix", &Matrix::taps(), &WeightStore::new(), &device()).unwrap();
        let matrix = Matrix::boxed(fixture.weight.clone(), &device());
        let mut space = PerceptualSpace::new(matrix, vec![1.0], FeatureDistance::SQUARED, Some(selection));
        let mut last = None;
        for (batch, weights) in fixture.batches.iter().zip(&expected.weights) {
            let [result, target, distorted] = batch
                .clone()
                .map(|image| Tensor::<4>::from_data(TensorData::new(image, [2, 3, 5, 3]), &device()));
            let result = result.require_grad();
            let seen = space.see(result.clone(), target);
            let step = space.selection_step(&seen, |_| distorted).unwrap();
            assert_eq!(step.active, 1.0, "{name}");
            close(&space.selection().unwrap().weights()[0].weights, weights, 2e-4);
            last = Some((result, space.transformation_loss(&seen)));
        }
        let (result, loss) = last.unwrap();
        assert!((loss.clone().into_scalar::<f32>() / expected.loss - 1.0).abs() < 1e-4, "{name}");
        let gradient = result.grad(&loss.backward()).unwrap().into_data().try_to_vec::<f32>().unwrap();
        close(&gradient, &expected.gradient, 1e-5);
    }
}

#[test]
fn the_stated_share_is_effective_while_the_weights_move() {
    for score in scores() {
        let mut selection = selection(ClosedConfig { score, ..config() });
        assert_eq!(weights(&selection), [[1.0; CHANNELS]; 2], "nothing is known yet");
        let mut before = weights(&selection);
        for batch in 0..6 {
            let step = step(&mut selection, batch).unwrap();
            assert!(step.loss.is_finite() && step.active == 1.0);
            for tap in selection.weights() {
                assert!((tap.effective / CHANNELS as f64 - 0.4).abs() < 1e-3, "{score:?}: {}", tap.effective);
                let mean = tap.weights.iter().sum::<f32>() / CHANNELS as f32;
                assert!((mean - 1.0).abs() < 1e-5 && tap.weights.iter().all(|w| *w >= 0.2), "{score:?}");
            }
            let now = weights(&selection);
            assert_ne!(now, before, "{score:?}");
            assert_eq!(gates(&selection), now);
            before = now;
        }
    }
}

/// The decay is how much of the past a running score holds.
#[test]
fn without_decay_only_the_last_batch_counts() {
    let after = |decay, batches: &[usize]| {
        let mut selection = selection(ClosedConfig { decay, ..config() });
        for batch in batches {
            step(&mut selection, *batch);
        }
        weights(&selection)
    };
    assert_eq!(after(0.0, &[0, 1, 5]), after(0.0, &[5]));
    assert_ne!(after(0.9, &[0, 1, 5]), after(0.9, &[5]));
}

#[test]
fn controls_keep_the_concentration_and_lose_the_meaning() {
    let run = |control, batches: usize| {
        let mut selection = selection(ClosedConfig { control, every: 2, ..config() });
        (0..batches)
            .map(|batch| {
                step(&mut selection, batch);
                assert_eq!(gates(&selection), weights(&selection));
                weights(&selection)
            })
            .collect::<Vec<_>>()
    };
    let real = run(None, 6);
    let sorted = |weights: &[f32]| {
        let mut sorted = weights.to_vec();
        sorted.sort_by(f32::total_cmp);
        sorted
    };
    let permuted = run(Some(Control::Permuted { seed: 1 }), 6);
    let redrawn = run(Some(Control::Redrawn { seed: 1 }), 6);
    for (batch, real) in real.iter().enumerate() {
        for (tap, real) in real.iter().enumerate() {
            assert_eq!(sorted(&permuted[batch][tap]), sorted(real));
            assert_eq!(sorted(&redrawn[batch][tap]), sorted(real));
            assert_ne!(&permuted[batch][tap], real);
        }
    }
    // Between two selection steps the weights stay, and are dealt anew all the same.
    assert_eq!(real[0], real[1]);
    assert_eq!(permuted[0], permuted[1]);
    assert_ne!(redrawn[0], redrawn[1]);
    // The channel that has the weight of channel c follows it. Some weights are the floor alone and cannot be told apart.
    let place = |batch: usize, channel: usize| {
        let wanted = real[batch][0][channel];
        let places: Vec<usize> = (0..CHANNELS).filter(|place| permuted[batch][0][*place] == wanted).collect();
        <[usize; 1]>::try_from(places).ok()
    };
    let both = (0..CHANNELS).filter_map(|channel| Some((place(0, channel)?, place(5, channel)?)));
    let both: Vec<_> = both.collect();
    assert!(both.len() > 8 && both.iter().all(|(first, last)| first == last), "{both:?}");
    let inverted = run(Some(Control::Inverted), 1);
    for (real, inverted) in real[0].iter().zip(&inverted[0]) {
        let share = |weights: &[f32]| effective_channels(weights) / CHANNELS as f64;
        assert!((share(real) - share(inverted)).abs() < 1e-3);
        let falls = |(a, b): (usize, usize)| real[a] <= real[b] || inverted[a] <= inverted[b];
        assert!((0..CHANNELS).flat_map(|a| (0..CHANNELS).map(move |b| (a, b))).all(falls));
    }
}

/// Chance looks at nothing and never moves, unless it is dealt anew.
#[test]
fn random_is_a_control_that_looks_at_nothing() {
    let run = |seed, control| {
        let config = ClosedConfig { score: Score::Random { seed }, control, ..config() };
        let mut selection = selection(config);
        let batches = (0..3).map(|_| {
            assert!(selection.batch(|_| panic!("nobody has to look")).is_none());
            weights(&selection)
        });
        batches.collect::<Vec<_>>()
    };
    let fixed = run(1, None);
    assert!(fixed[0] == fixed[1] && fixed[1] == fixed[2]);
    assert_ne!(fixed[0][0], fixed[0][1], "each tap has its own");
    assert_ne!(fixed, run(2, None));
    assert!((effective_channels(&fixed[0][0]) / CHANNELS as f64 - 0.4).abs() < 1e-3);
    let redrawn = run(1, Some(Control::Redrawn { seed: 0 }));
    assert!(redrawn[0] != redrawn[1] && redrawn[1] != redrawn[2]);
}

#[test]
fn a_systematic_score_never_asks_for_the_distorted_image() {
    let image = |seed: usize| {
        let pixels: Vec<f32> = (0..2 * 6 * 6 * 3).map(|at| ((at * (seed + 5)) as f32).sin().abs()).collect();
        Tensor::<4>::from_data(TensorData::new(pixels, [2, 6, 6, 3]), &device())
    };
    let config = ClosedConfig { score: Score::Systematic { window: 4 }, share: 0.7, ..config() };
    assert!(!SelectionConfig::from(config.clone()).needs_distorted());
    let selection =
        Selection::new(config, "matrix", &Matrix::taps(), &WeightStore::new(), &device()).unwrap();
    let boxed = || Matrix::boxed((0..12).map(|at| (at % 5) as f32 / 4.0 - 0.3).collect(), &device());
    let mut space = PerceptualSpace::new(boxed(), vec![1.0], FeatureDistance::SQUARED, Some(selection));
    let seen = space.see(image(1), image(2));
    let step = space.selection_step(&seen, |_| panic!("x̃ is not needed")).unwrap();
    assert!(step.active > 0.5);
    assert!(space.selection().unwrap().weights()[0].effective < 2.9);
    // In windows of one position everything is an accident: rounding must not rank the channels.
    let config = ClosedConfig { score: Score::Systematic { window: 1 }, share: 0.7, ..self::config() };
    let selection =
        Selection::new(config, "matrix", &Matrix::taps(), &WeightStore::new(), &device()).unwrap();
    let mut space = PerceptualSpace::new(boxed(), vec![1.0], FeatureDistance::SQUARED, Some(selection));
    let seen = space.see(image(1), image(2));
    space.selection_step(&seen, |_| panic!("x̃ is not needed")).unwrap();
    close(&space.selection().unwrap().weights()[0].weights, &[1.0; 4], 1e-5);
}

/// As with the triplet: between two selection steps, and after the last one, nobody asks for anything.
#[test]
fn every_until_and_warm_up_say_when_weights_move_and_act() {
    let asked = |every, until| {
        let mut selection = selection(ClosedConfig { every, until, ..config() });
        let asked = (0..7).map(|batch| {
            let mut asked = false;
            let step = selection.batch(|_| {
                asked = true;
                distances(batch)
            });
            assert!(step.is_some_and(|step| step.active == 1.0), "the last step is still known");
            asked
        });
        asked.collect::<Vec<_>>()
    };
    let (yes, no) = (true, false);
    assert_eq!(asked(3, 0), [yes, no, no, yes, no, no, yes]);
    assert_eq!(asked(2, 4), [yes, no, yes, no, no, no, no]);
    let mut selection = selection(ClosedConfig { warmup: 2, ..config() });
    for batch in 0..3 {
        step(&mut selection, batch);
        assert_eq!(gates(&selection) == [[1.0; CHANNELS]; 2], batch < 2, "batch {batch}");
        assert_ne!(weights(&selection), [[1.0; CHANNELS]; 2]);
    }
}

/// What is stored says everything: a selection that goes on is the same to the last bit, whatever its rule.
#[test]
fn every_rule_goes_on_bit_by_bit() {
    let controls = [
        None,
        Some(Control::Inverted),
        Some(Control::Permuted { seed: 4 }),
        Some(Control::Redrawn { seed: 4 }),
    ];
    let all = scores().into_iter().chain([Score::Random { seed: 9 }]);
    for (score, control) in all.flat_map(|score| controls.map(|control| (score, control))) {
        let config = ClosedConfig { score, control, every: 2, ..config() };
        let mut one = selection(config.clone());
        for batch in 0..5 {
            step(&mut one, batch);
        }
        let saved = StateDict::from_safetensors(&one.state_dict().to_safetensors()).unwrap();
        let mut other = selection(config);
        other.load_state_dict(&saved).unwrap();
        for batch in 5..9 {
            assert_eq!(gates(&one), gates(&other), "{score:?} {control:?}");
            assert_eq!(step(&mut one, batch).map(bits), step(&mut other, batch).map(bits));
        }
        assert_eq!(one.state_dict().to_safetensors(), other.state_dict().to_safetensors());
    }
}

fn bits(step: SelectionStep) -> (u32, u32, bool) {
    (step.loss.to_bits(), step.active.to_bits(), step.idle)
}

/// A channel that never answers, numbers that are none, images that are equal: no weight becomes strange.
#[test]
fn what_says_nothing_leaves_the_weights_alone() {
    let mut with = distances(0);
    let silence = |taps: &mut Vec<Tensor<2>>| {
        for tap in taps {
            let [n, c] = tap.dims();
            let mut values: Vec<f32> = tap.clone().into_data().try_to_vec().unwrap();
            values.iter_mut().step_by(c).for_each(|value| *value = 0.0);
            *tap = Tensor::from_data(TensorData::new(values, [n, c]), &device());
        }
    };
    silence(&mut with.result_target);
    silence(&mut with.distorted_target);
    with.distorted_result.iter_mut().for_each(silence);
    with.averaged.iter_mut().for_each(silence);
    let filled = |value: f32| {
        let taps = || vec![Tensor::<2>::full([2, CHANNELS], value, &device()); 2];
        TripletDistances {
            result_target: taps(),
            distorted_target: taps(),
            distorted_result: Some(taps()),
            averaged: Some(taps()),
        }
    };
    for score in scores() {
        let mut selection = selection(ClosedConfig { score, ..config() });
        let step = selection.batch(|_| with.clone()).unwrap();
        assert_eq!(step.active, 31.0 / 32.0, "{score:?}");
        let before = weights(&selection);
        let above = before[0].iter().filter(|weight| **weight > before[0][0]).count();
        assert!(
            (3..30).contains(&above),
            "{score:?}: a silent channel is in the middle, not at rank {above}"
        );
        for nothing in [0.0, f32::NAN, f32::INFINITY] {
            let step = selection.batch(|_| filled(nothing)).unwrap();
            assert!(step.loss.is_finite() && step.active == 0.0, "{score:?} of {nothing}");
            assert_eq!(weights(&selection), before, "{score:?} of {nothing}");
        }
        // All channels the same: no reason to prefer one.
        let mut even = self::selection(ClosedConfig { score, ..config() });
        assert_eq!(even.batch(|_| filled(0.5)).unwrap().active, 1.0);
        assert!(weights(&even).iter().flatten().all(|weight| (weight - 1.0).abs() < 1e-6));
    }
}

#[test]
fn a_share_that_the_floor_forbids_is_refused() {
    let new = |share, floor, channels| {
        let taps = [Tap { name: "relu1_2".to_string(), channels }];
        let config = ClosedConfig { share, floor, ..config() };
        Selection::new(config, "matrix", &taps, &WeightStore::new(), &device()).map(drop)
    };
    let refused = new(0.2, 0.6, 64).unwrap_err().to_string();
    for part in ["`share` 0.2", "relu1_2", "`floor` 0.6", "64 weights", "raise `share`"] {
        assert!(refused.contains(part), "{refused}");
    }
    assert!(new(0.2, 0.2, 64).is_ok() && new(1.0, 0.99, 64).is_ok());
    assert!(new(0.4, 0.0, 1).is_err() && new(1.0, 0.0, 1).is_ok(), "one channel is all of them");
}

/// Twenty selection steps in a row with hardly an active triplet: said once, and not again after a resumption.
#[test]
fn a_contrast_that_does_not_act_is_said_once() {
    let config = TripletConfig {
        contrast: Contrast::Literal,
        start: percept_nn::disentangle::Start::Uniform,
        margin: 0.2,
        warmup: 0,
        every: 2,
        until: 0,
        ..TripletConfig::default()
    };
    let acts = |near: f32| {
        let taps = |value: f32| vec![Tensor::<2>::full([2, CHANNELS], value, &device()); 2];
        TripletDistances {
            result_target: taps(0.5),
            distorted_target: taps(1.0),
            distorted_result: Some(taps(near)),
            averaged: None,
        }
    };
    let run = |selection: &mut Selection, batches: usize, near: f32| {
        let said = (0..batches).filter(|_| selection.batch(|_| acts(near)).unwrap().idle);
        said.collect::<Vec<_>>()
    };
    let mut one = selection(config.clone());
    // One step that acts in between begins the count anew.
    assert!(run(&mut one, 38, 0.1).is_empty() && run(&mut one, 2, 0.9).is_empty());
    assert!(run(&mut one, 38, 0.1).is_empty() && !one.is_idle());
    let saved = one.state_dict();
    let mut other = selection(config.clone());
    other.load_state_dict(&saved).unwrap();
    for selection in [&mut one, &mut other] {
        assert_eq!(run(selection, 100, 0.1), [0], "the count goes on");
        assert!(selection.is_idle());
    }
    let mut again = selection(config);
    again.load_state_dict(&one.state_dict()).unwrap();
    assert!(run(&mut again, 100, 0.1).is_empty() && again.is_idle(), "once");
    let words = again.config().idle();
    assert!(
        words.contains("5 %") && words.contains("20 selection steps") && words.contains("margin"),
        "{words}"
    );
    // A checkpoint from before the count.
    let mut older = StateDict::new();
    for (name, array) in again.state_dict().iter().filter(|(name, _)| *name != "idle") {
        older.insert(name, array.clone());
    }
    again.load_state_dict(&older).unwrap();
    assert!(!again.is_idle());
}

/// A selection that likes one tap's channels must not make that tap count more: its loss and its gradient have the size
/// of the uniform ones by tap, and as a sum only without that.
#[test]
fn matched_taps_keep_what_each_tap_counts() {
    let tensor = |values: &[f32]| Tensor::<2>::from_data(TensorData::new(values.to_vec(), [1, 2]), &device());
    let weights = [[1.8, 0.2], [0.2, 1.8]].map(|weights| tensor(&weights));
    let gradients = |matched| {
        let distances = [[3.0, 1.0], [3.0, 1.0]].map(|tap| tensor(&tap).require_grad());
        let selected: Vec<_> =
            distances.iter().zip(&weights).map(|(tap, weights)| tap.clone() * weights.clone()).collect();
        let energies = [Tensor::<1>::ones([1], &device()), Tensor::<1>::ones([1], &device())];
        let loss = pointwise(&distances, Some(&selected), &energies, &[1.0, 0.5], (matched, &|mean| mean));
        let grads = loss.backward();
        // How far the loss falls if a tap's distances shrink by a share: what the tap counts.
        let counts = distances.map(|tap| {
            let gradient = tap.grad(&grads).unwrap();
            (gradient * tap.inner()).sum().into_scalar::<f32>()
        });
        (loss.into_scalar::<f32>(), counts)
    };
    let near = |found: (f32, [f32; 2]), loss: f32, counts: [f32; 2]| {
        assert!((found.0 - loss).abs() < 1e-5, "{found:?}");
        close(&found.1, &counts, 1e-5);
    };
    near(gradients(Matched::No), 2.8 + 0.6, [2.8, 0.6]);
    near(gradients(Matched::Sum), 3.0, [3.0 * 2.8 / 3.4, 3.0 * 0.6 / 3.4]);
    near(gradients(Matched::Taps), 3.0, [2.0, 1.0]);
    let matched = |match_taps, match_uniform| {
        SelectionConfig::from(TripletConfig { match_taps, match_uniform, ..TripletConfig::default() })
            .matched()
    };
    assert_eq!([matched(false, false), matched(false, true)], [Matched::No, Matched::Sum]);
    assert_eq!([matched(true, false), matched(true, true)], [Matched::Taps; 2]);
}
