//! The guards of the selection: each test shows what happens without the guard and with it.

use crate::common::matrix::Matrix;
use crate::common::store::store;
use burn::tensor::{Device, Tensor, TensorData};
use percept_nn::backbone::{Backbone, Tap};
use percept_nn::disentangle::{
    Contrast, FeatureDistance, Gate, Matched, PerceptualSpace, ResponseScale, Selection, Start, TapGate,
    TripletConfig, TripletDistances, effective_channels, pointwise,
};
use percept_nn::weights::{Array, StateDict, WeightStore};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn device() -> Device {
    Device::flex().autodiff()
}

fn taps(channels: usize) -> Vec<Tap> {
    vec![Tap { name: "relu1_2".to_string(), channels }]
}

fn selection(config: TripletConfig, channels: usize) -> Selection {
    Selection::new(config, "matrix", &taps(channels), &WeightStore::new(), &device()).unwrap()
}

fn rows(n: usize, c: usize, mut value: impl FnMut(usize, usize) -> f32) -> Vec<Tensor<2>> {
    let flat: Vec<f32> = (0..n * c).map(|i| value(i / c, i % c)).collect();
    vec![Tensor::from_data(TensorData::new(flat, [n, c]), &device())]
}

fn weights(selection: &Selection) -> Vec<f32> {
    selection.weights()[0].weights.clone()
}

/// What the transformation step weighs the channels of the first tap with.
fn gates(selection: &Selection) -> Vec<f32> {
    match selection.gates().remove(0) {
        TapGate::Channels(weights) => weights.into_data().try_to_vec().unwrap(),
        TapGate::Projection(_) => panic!("a projection where gates were asked for"),
    }
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len() as f32
}

fn unguarded() -> TripletConfig {
    TripletConfig {
        gate: Gate::Softplus,
        floor: 0.0,
        entropy: 0.0,
        ema: 0.0,
        every: 1,
        until: 0,
        warmup: 0,
        lr: 0.1,
        response_scale: ResponseScale::None,
        ..TripletConfig::default()
    }
}

/// Every channel says that the result is farther from the distorted image than the target is: the
/// cheapest way to satisfy the literal triplet is to see nothing at all.
#[test]
fn weights_vanish_without_normalisation() {
    let run = |gate| {
        let config = TripletConfig { contrast: Contrast::Literal, gate, ..unguarded() };
        let mut selection = selection(config, 8);
        let triplet = TripletDistances {
            result_target: rows(2, 8, |_, _| 0.5),
            distorted_target: rows(2, 8, |_, _| 1.0),
            distorted_result: Some(rows(2, 8, |_, c| 1.2 + 0.1 * c as f32)),
            averaged: None,
        };
        for _ in 0..100 {
            selection.batch(|_| triplet.clone());
        }
        mean(&weights(&selection))
    };
    assert!(run(Gate::Softplus) < 0.05, "without the guard the weights stay at {}", run(Gate::Softplus));
    assert!((run(Gate::Softmax) - 1.0).abs() < 1e-4);
}

/// The triplet is satisfied in direction but not by the margin: growing weights grow the gap.
#[test]
fn weights_explode_without_a_bound() {
    let run = |gate| {
        let config = TripletConfig {
            contrast: Contrast::Conventional,
            relative_margin: false,
            margin: 1e6,
            gate,
            ..unguarded()
        };
        let mut selection = selection(config, 8);
        let triplet = TripletDistances {
            result_target: rows(2, 8, |_, _| 0.5),
            distorted_target: rows(2, 8, |_, _| 1.0),
            distorted_result: Some(rows(2, 8, |_, c| 1.2 + 0.1 * c as f32)),
            averaged: None,
        };
        for _ in 0..100 {
            selection.batch(|_| triplet.clone());
        }
        weights(&selection)
    };
    assert!(mean(&run(Gate::Softplus)) > 5.0);
    let bounded = run(Gate::Softmax);
    assert!((mean(&bounded) - 1.0).abs() < 1e-4 && bounded.iter().all(|w| *w <= 8.0));
}

/// One channel is a little better than the others.
fn slightly_better(contrast: Contrast) -> TripletDistances {
    TripletDistances {
        result_target: rows(2, 16, |_, c| if c == 3 { 0.4 } else { 0.5 }),
        distorted_target: rows(2, 16, |_, _| 1.0),
        distorted_result: (contrast != Contrast::Across).then(|| rows(2, 16, |_, _| 0.8)),
        averaged: None,
    }
}

#[test]
fn one_winner_takes_all_without_floor_and_entropy() {
    let run = |floor, entropy| {
        let config = TripletConfig {
            gate: Gate::Softmax,
            margin: 5.0,
            contrast: Contrast::Conventional,
            floor,
            entropy,
            ..unguarded()
        };
        let mut selection = selection(config, 16);
        let triplet = slightly_better(Contrast::Conventional);
        for _ in 0..300 {
            selection.batch(|_| triplet.clone());
        }
        effective_channels(&weights(&selection))
    };
    assert!(run(0.0, 0.0) < 1.2, "without the guards {} channels are left", run(0.0, 0.0));
    assert!(run(0.4, 0.0) > 4.0, "the floor alone leaves {}", run(0.4, 0.0));
    assert!(run(0.0, 0.5) > 4.0, "the entropy term alone leaves {}", run(0.0, 0.5));
}

/// The better channel changes from batch to batch. What the transformation step sees must not follow
/// every turn.
#[test]
fn weights_chase_without_averaging() {
    let largest_move = |lr, ema| {
        let config = TripletConfig { gate: Gate::Softmax, margin: 5.0, lr, ema, ..unguarded() };
        let mut selection = selection(config, 4);
        let mut before = weights(&selection);
        let mut largest: f32 = 0.0;
        for step in 0..40 {
            let triplet = TripletDistances {
                result_target: rows(2, 4, |_, c| if c == (step / 4) % 4 { 0.1 } else { 0.9 }),
                distorted_target: rows(2, 4, |_, _| 1.0),
                distorted_result: None,
                averaged: None,
            };
            selection.batch(|_| triplet.clone());
            let now = weights(&selection);
            largest = now.iter().zip(&before).map(|(a, b)| (a - b).abs()).fold(largest, f32::max);
            before = now;
        }
        largest
    };
    assert!(largest_move(0.3, 0.0) > 0.2, "{}", largest_move(0.3, 0.0));
    assert!(largest_move(0.01, 0.95) < 0.01, "{}", largest_move(0.01, 0.95));
}

/// Until the warm-up is over the transformation step sees uniform weights, whatever has been learned.
#[test]
fn warm_up_starts_uniform() {
    let gates_after = |warmup, steps: usize| {
        let config = TripletConfig {
            warmup,
            every: 1,
            ema: 0.0,
            lr: 0.1,
            floor: 0.0,
            margin: 5.0,
            ..TripletConfig::default()
        };
        let mut selection = selection(config, 16);
        let triplet = slightly_better(Contrast::Across);
        for _ in 0..steps {
            selection.batch(|_| triplet.clone());
        }
        gates(&selection)
    };
    assert!(gates_after(10, 10).iter().all(|g| *g == 1.0));
    assert!(gates_after(10, 11).iter().any(|g| (g - 1.0).abs() > 0.05));
    assert!(gates_after(0, 10).iter().any(|g| (g - 1.0).abs() > 0.05));
}

/// A channel that the selection wants nothing of still costs G something: with the floor, at least that
/// share of the uniform gradient; without it, almost nothing.
#[test]
fn suppressed_channels_stay_watched_by_the_floor() {
    let gradient_share = |floor| {
        let config = TripletConfig {
            gate: Gate::Softmax,
            margin: 5.0,
            floor,
            contrast: Contrast::Conventional,
            match_uniform: false,
            ..unguarded()
        };
        let mut selection = selection(config, 16);
        let triplet = slightly_better(Contrast::Conventional);
        for _ in 0..300 {
            selection.batch(|_| triplet.clone());
        }
        let gradient = |gates: Option<Vec<f32>>| {
            let distances = rows(2, 16, |_, _| 0.5).remove(0).require_grad();
            let weights =
                gates.map(|gates| Tensor::<1>::from_floats(gates.as_slice(), &device()).unsqueeze::<2>());
            let selected = weights.map(|weights| vec![distances.clone() * weights]);
            let energy = Tensor::<1>::ones([1], &device());
            let loss = pointwise(
                std::slice::from_ref(&distances),
                selected.as_deref(),
                &[energy],
                &[1.0],
                (Matched::No, &|mean| mean),
            );
            let grads = loss.backward();
            distances.grad(&grads).unwrap().into_data().try_to_vec::<f32>().unwrap()[0]
        };
        gradient(Some(gates(&selection))) / gradient(None)
    };
    assert!(gradient_share(0.0) < 0.05, "{}", gradient_share(0.0));
    assert!(gradient_share(0.1) >= 0.1 - 1e-5, "{}", gradient_share(0.1));
}

/// The idea itself: some channels answer to the distortion whatever the content, the others to the
/// content. The contrast across contents tells them apart, without any label.
#[test]
fn across_finds_the_channels_that_answer_to_the_distortion() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let config = TripletConfig {
        lr: 0.03,
        every: 1,
        until: 0,
        floor: 0.1,
        entropy: 0.002,
        ..TripletConfig::default()
    };
    let mut selection = selection(config, 12);
    for _ in 0..200 {
        let content: Vec<f32> = (0..6 * 12).map(|_| rng.random_range(-2.0f32..2.0).exp()).collect();
        // Channels 0..4: the distortion moves them much and the result little, for every photo.
        // The others: how far they move depends on the photo.
        let distance = |progress: f32| {
            let content = content.clone();
            move |n: usize, c: usize| {
                if c < 4 { progress } else { content[n * 12 + c] * (0.5 + 0.5 * progress) }
            }
        };
        let triplet = TripletDistances {
            result_target: rows(6, 12, distance(0.3)),
            distorted_target: rows(6, 12, distance(1.0)),
            distorted_result: None,
            averaged: None,
        };
        selection.batch(|_| triplet.clone());
    }
    let w = weights(&selection);
    let (kept, dropped) =
        (w[..4].iter().copied().fold(f32::MAX, f32::min), w[4..].iter().copied().fold(0.0, f32::max));
    assert!(kept > 1.5 * dropped, "kept {kept}, dropped {dropped}: {w:?}");
}

#[test]
fn a_restored_selection_goes_on_bit_by_bit() {
    let config = TripletConfig { ema: 0.95, ..TripletConfig::default() };
    let mut one = selection(config.clone(), 16);
    let triplet = slightly_better(Contrast::Across);
    for _ in 0..7 {
        one.batch(|_| triplet.clone());
    }
    let saved = StateDict::from_safetensors(&one.state_dict().to_safetensors()).unwrap();
    let mut other = selection(config, 16);
    other.load_state_dict(&saved).unwrap();
    for _ in 0..5 {
        one.batch(|_| triplet.clone());
        other.batch(|_| triplet.clone());
    }
    assert_eq!(weights(&one), weights(&other));
    assert_eq!(gates(&one), gates(&other));
}

#[test]
fn random_start_has_the_concentration_that_was_asked_for() {
    for concentration in [0.5, 0.8] {
        let config = TripletConfig {
            contrast: Contrast::None,
            start: Start::Random,
            concentration,
            floor: 0.1,
            ..TripletConfig::default()
        };
        let w = weights(&selection(config, 64));
        assert!((effective_channels(&w) / 64.0 - concentration).abs() < 0.01);
        assert!((mean(&w) - 1.0).abs() < 1e-4);
    }
}

#[test]
fn a_start_file_that_does_not_fit_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("selection.safetensors");
    let mut file = StateDict::new();
    file.insert("relu1_2", Array { shape: vec![3], data: vec![1.0, 2.0, 3.0] });
    file.save(&path).unwrap();
    let start = Start::File(path.to_string_lossy().into_owned());
    let config = TripletConfig { start, contrast: Contrast::None, floor: 0.0, ..TripletConfig::default() };
    let error = Selection::new(config.clone(), "vgg16", &taps(8), &WeightStore::new(), &device())
        .unwrap_err()
        .to_string();
    assert!(error.contains("selection.safetensors") && error.contains("relu1_2"), "{error}");
    let fitting = selection(config, 3);
    assert!(weights(&fitting).iter().zip([0.5, 1.0, 1.5]).all(|(w, e)| (w - e).abs() < 1e-4));
}

#[test]
fn photos_start_the_taps_that_percept_has_weights_for() {
    let started = |backbone: &str, start: Start| {
        let config = TripletConfig { start, ..TripletConfig::default() };
        let tap = |name: &str, channels| Tap { name: name.to_string(), channels };
        let taps = [tap("relu2_2", 128), tap("relu5_1", 512)];
        let selection = Selection::new(config, backbone, &taps, &store(), &device()).unwrap();
        <[_; 2]>::try_from(selection.weights()).unwrap().map(|tap| tap.weights)
    };
    let [learned, uniform] = started("vgg16", Start::Photos);
    assert!(effective_channels(&learned) < 0.6 * 128.0);
    assert!((mean(&learned) - 1.0).abs() < 1e-4);
    assert!(uniform.iter().all(|w| (w - 1.0).abs() < 1e-5));
    assert_eq!(started("vgg19", Start::Photos), started("vgg19", Start::Uniform));
}

fn matrix() -> Box<dyn Backbone> {
    Matrix::boxed((0..12).map(|i| ((i * 7 % 12) as f32 - 5.0) / 6.0).collect(), &device())
}

/// The literal triplet pulls the result towards the distortion. G must get nothing of it: its gradient is
/// the one of the transformation loss with `w` as a constant, to the last bit.
#[test]
fn the_network_receives_no_gradient_from_the_literal_triplet() {
    let image = |seed: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let pixels: Vec<f32> = (0..2 * 6 * 6 * 3).map(|_| rng.random()).collect();
        Tensor::<4>::from_data(TensorData::new(pixels, [2, 6, 6, 3]), &device())
    };
    let (input, target, distorted) = (image(1), image(2), image(3));
    let config = TripletConfig {
        contrast: Contrast::Literal,
        warmup: 0,
        lr: 0.5,
        margin: 5.0,
        ..TripletConfig::default()
    };
    let make = || {
        let selection =
            Selection::new(config.clone(), "matrix", &taps(4), &WeightStore::new(), &device()).unwrap();
        PerceptualSpace::new(matrix(), vec![1.0], FeatureDistance::SQUARED, Some(selection))
    };
    let gain = || Tensor::<4>::full([1, 1, 1, 3], 0.9, &device()).require_grad();

    // Both steps, as the training loop does them.
    let (network, mut space) = (gain(), make());
    let seen = space.see(input.clone() * network.clone(), target.clone());
    let step = space.selection_step(&seen, |_| distorted.clone()).unwrap();
    assert!(step.active > 0.0 && step.loss > 0.0);
    let grads = space.transformation_loss(&seen).backward();
    let with_triplet = network.grad(&grads).unwrap().into_data().try_to_vec::<f32>().unwrap();

    // The same weights, put in as constants, with no selection step on this graph at all.
    let learned = space.state_dict();
    let (network, mut space) = (gain(), make());
    let seen = space.see(input * network.clone(), target);
    space.load_state_dict(&learned, &device().inner()).unwrap();
    let grads = space.transformation_loss(&seen).backward();
    let alone = network.grad(&grads).unwrap().into_data().try_to_vec::<f32>().unwrap();
    assert_eq!(with_triplet, alone);
    assert!(alone.iter().any(|g| g.abs() > 1e-6));
}

/// Between two selection steps, and after the last one, nobody asks for the distorted image and `w` stays.
#[test]
fn every_and_until_say_in_which_batches_weights_move() {
    let moved = |every, until| {
        let config = TripletConfig { every, until, ema: 0.0, ..TripletConfig::default() };
        let mut selection = selection(config, 16);
        let triplet = slightly_better(Contrast::Across);
        let moved = (0..7).map(|_| {
            let (before, mut asked) = (weights(&selection), false);
            let step = selection.batch(|_| {
                asked = true;
                triplet.clone()
            });
            assert!(step.is_some_and(|step| step.loss != 0.0), "the last step's loss is still known");
            assert_eq!(asked, weights(&selection) != before);
            asked
        });
        moved.collect::<Vec<bool>>()
    };
    let default = TripletConfig { start: Start::Uniform, ..TripletConfig::default() };
    let mut selection = selection(default, 16);
    let mut asked = Vec::new();
    for batch in 0..100 {
        selection.batch(|_| {
            asked.push(batch);
            slightly_better(Contrast::Across)
        });
    }
    assert!(asked.into_iter().eq((0..80).step_by(2)), "by default");
    let (yes, no) = (true, false);
    assert_eq!(moved(1, 0), [yes; 7]);
    assert_eq!(moved(3, 0), [yes, no, no, yes, no, no, yes]);
    assert_eq!(moved(2, 4), [yes, no, yes, no, no, no, no]);
}

/// With it, every channel's usual distance counts the same in the loss; without it the weights alone decide.
#[test]
fn equalize_brings_channels_to_one_size_in_the_loss() {
    let of = |equalize| {
        let config = TripletConfig { equalize, contrast: Contrast::None, ..TripletConfig::default() };
        let mut selection = selection(config, 8);
        let loud = |n: usize, c: usize| (n + 1) as f32 * 2f32.powi(c as i32);
        let triplet = TripletDistances {
            result_target: rows(2, 8, loud),
            distorted_target: rows(2, 8, loud),
            distorted_result: None,
            averaged: None,
        };
        let mut asked = false;
        let step = selection.batch(|_| {
            asked = true;
            triplet.clone()
        });
        assert!(step.is_none() && asked == equalize, "what nothing is done with is not looked at");
        gates(&selection)
    };
    assert_eq!(of(false), [1.0; 8]);
    let equal: Vec<f32> = of(true).iter().enumerate().map(|(c, g)| g * 2f32.powi(c as i32)).collect();
    assert!(equal.iter().all(|size| (size / equal[7] - 1.0).abs() < 0.05), "{equal:?}");
}
