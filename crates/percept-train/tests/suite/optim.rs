//! The optimisers against PyTorch's, its state, its refusals; the moving average.

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use percept_nn::weights::StateDict;
use percept_run::config::{OptimConfig, OptimType};
use percept_train::{Ema, Optimizer};
use serde::Deserialize;
use serde_json::json;

#[derive(Module, Debug)]
struct Pair {
    first: Param<Tensor<2>>,
    second: Param<Tensor<1>>,
}

#[derive(Deserialize)]
struct Case {
    optim: OptimConfig,
    clip: Option<f64>,
    start: (Vec<Vec<f32>>, Vec<f32>),
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    grads: (Vec<Vec<f32>>, Vec<f32>),
    norm: f64,
    first: Vec<Vec<f32>>,
    second: Vec<f32>,
}

fn device() -> Device {
    Device::flex().autodiff()
}

fn matrix(rows: &[Vec<f32>]) -> Tensor<2> {
    let data = TensorData::new(rows.concat(), [rows.len(), rows[0].len()]);
    Tensor::from_data(data, &device())
}

fn vector(values: &[f32]) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), &device())
}

fn pair(start: &(Vec<Vec<f32>>, Vec<f32>)) -> Pair {
    Pair { first: Param::from_tensor(matrix(&start.0)), second: Param::from_tensor(vector(&start.1)) }
}

/// A loss whose gradient is `grads`.
fn loss(pair: &Pair, grads: &(Vec<Vec<f32>>, Vec<f32>)) -> Tensor<1> {
    (pair.first.val() * matrix(&grads.0)).sum() + (pair.second.val() * vector(&grads.1)).sum()
}

fn gradients(loss: &Tensor<1>, pair: &Pair) -> GradientsParams {
    GradientsParams::from_module(&mut loss.backward(), pair)
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("../fixtures/adam.json")).unwrap()
}

fn far(state: &StateDict, name: &str, expected: &[f32]) -> f32 {
    let got = &state.get(name).unwrap().data;
    assert_eq!(got.len(), expected.len());
    got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

#[test]
fn steps_are_those_of_pytorch() {
    for case in cases() {
        let mut pair = pair(&case.start);
        let mut optimizer = Optimizer::new(&OptimConfig { grad_clip: case.clip, ..case.optim.clone() });
        for (at, step) in case.steps.iter().enumerate() {
            let grads = gradients(&loss(&pair, &step.grads), &pair);
            let stepped = optimizer.step(pair, grads, case.optim.lr).unwrap();
            assert!((stepped.gradient_norm / step.norm - 1.0).abs() < 1e-5, "{:?} {at}", case.optim);
            pair = stepped.module;
            let state = StateDict::of(&pair);
            let far = far(&state, "first", &step.first.concat()).max(far(&state, "second", &step.second));
            assert!(far < 2e-6, "{:?}, step {at}: {far}", case.optim);
        }
        assert!(pair.first.val().is_require_grad() && pair.second.val().is_require_grad());
    }
}

#[test]
fn a_restored_optimiser_goes_on_bit_by_bit() {
    let case = &cases()[1];
    let step = |optimizer: &mut Optimizer, pair: Pair, at: usize| {
        let grads = gradients(&loss(&pair, &case.steps[at].grads), &pair);
        optimizer.step(pair, grads, 0.05).unwrap().module
    };
    let mut whole = Optimizer::new(&case.optim);
    let mut pair = (0..3).fold(pair(&case.start), |pair, at| step(&mut whole, pair, at));
    let saved = StateDict::from_safetensors(&whole.state_dict().to_safetensors()).unwrap();
    let mut names: Vec<_> = saved.iter().map(|(name, _)| name.to_string()).collect();
    names.sort();
    assert_eq!(names, ["m.first", "m.second", "t.first", "t.second", "v.first", "v.second"]);
    let mut restored = Optimizer::new(&case.optim);
    restored.load_state_dict(&saved, &device()).unwrap();
    let mut again = pair.clone();
    for at in 3..6 {
        pair = step(&mut whole, pair, at);
        again = step(&mut restored, again, at);
    }
    assert_eq!(StateDict::of(&pair), StateDict::of(&again));
    assert_eq!(whole.state_dict(), restored.state_dict());

    let mut torn = saved.clone();
    torn.remove("v.first");
    let message = restored.load_state_dict(&torn, &device()).unwrap_err().to_string();
    assert!(message.contains("`v.first`"), "{message}");
}

#[test]
fn a_gradient_that_is_not_finite_is_named_and_changes_nothing() {
    let case = &cases()[0];
    let mut optimizer = Optimizer::new(&OptimConfig { grad_clip: Some(1.0), ..case.optim.clone() });
    let pair = pair(&case.start);
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut gradient = case.steps[0].grads.clone();
        gradient.1[2] = bad;
        let grads = gradients(&loss(&pair, &gradient), &pair);
        let error = optimizer.step(pair.clone(), grads, 0.05).unwrap_err();
        assert_eq!(error.parameter, "second");
        assert!(optimizer.state_dict().is_empty());
    }
}

#[test]
fn a_parameter_without_a_gradient_stays() {
    let case = &cases()[2];
    let mut optimizer = Optimizer::new(&case.optim);
    let start = pair(&case.start);
    let grads = gradients(&(start.first.val() * 2.0).sum(), &start);
    let stepped = optimizer.step(start.clone(), grads, 0.05).unwrap();
    let (before, after) = (StateDict::of(&start), StateDict::of(&stepped.module));
    assert_eq!(before.get("second"), after.get("second"));
    assert_ne!(before.get("first"), after.get("first"));
}

#[test]
fn the_average_follows_its_recurrence() {
    let case = &cases()[0];
    let mut module = pair(&case.start);
    let mut ema = Ema::new(&module, 0.75);
    let mut expected = StateDict::of(&module).get("second").unwrap().data.clone();
    let mut optimizer = Optimizer::new(&case.optim);
    for (t, step) in (26..).zip(&case.steps) {
        let grads = gradients(&loss(&module, &step.grads), &module);
        module = optimizer.step(module, grads, 0.05).unwrap().module;
        ema.update(&module, t);
        let current = StateDict::of(&module).get("second").unwrap().data.clone();
        expected = expected.iter().zip(current).map(|(e, c)| 0.75 * e + 0.25 * c).collect();
    }
    assert_eq!(far(&StateDict::of(ema.module()), "second", &expected), 0.0);
    assert!(!ema.module().first.val().device().is_autodiff());

    let saved = StateDict::of(ema.module());
    let mut restored = Ema::new(&module, 0.75);
    let average = saved.apply(restored.module().clone()).unwrap();
    restored.set(average);
    ema.update(&module, 100);
    restored.update(&module, 100);
    assert_eq!(StateDict::of(ema.module()), StateDict::of(restored.module()));
}

#[test]
fn the_average_lets_go_of_the_start_in_early_steps() {
    let case = &cases()[0];
    let start = pair(&case.start);
    let far_off = (case.start.0.clone(), case.start.1.iter().map(|value| value + 1.0).collect());
    let module = pair(&far_off);
    let second = |module: &_| StateDict::of(module).get("second").unwrap().data.clone();
    let mut ema = Ema::new(&start, 0.999);
    ema.update(&module, 1);
    let expected: Vec<f32> =
        second(&start).iter().zip(second(&module)).map(|(a, b)| (2.0 * a + 9.0 * b) / 11.0).collect();
    assert!(far(&StateDict::of(ema.module()), "second", &expected) < 1e-6);
}

#[test]
fn a_device_that_recomputes_activations_keeps_its_strategy() {
    let device = Device::flex().autodiff().gradient_checkpointing();
    let value = || Tensor::<1>::from_data(TensorData::new(vec![1.0_f32, 2.0], [2]), &device);
    let module =
        Pair { first: Param::from_tensor(value().reshape([1, 2])), second: Param::from_tensor(value()) };
    let mut optimizer = Optimizer::new(&OptimConfig::default());
    let step = |optimizer: &mut Optimizer, module: Pair| {
        let loss = (module.second.val() * value()).sum() + module.first.val().exp().sum();
        let grads = gradients(&loss, &module);
        optimizer.step(module, grads, 0.1).unwrap().module
    };
    let module = step(&mut optimizer, module);
    let again = step(&mut optimizer, module.clone());
    assert_ne!(StateDict::of(&module), StateDict::of(&again));
}

const KINDS: [OptimType; 6] =
    [OptimType::Adam, OptimType::Adamw, OptimType::Adan, OptimType::Lion, OptimType::Muon, OptimType::Sgd];

fn optim(kind: OptimType) -> OptimConfig {
    OptimConfig { kind, weight_decay: 0.1, ..OptimConfig::default() }
}

#[test]
fn every_optimiser_goes_on_bit_by_bit_from_its_state() {
    let case = &cases()[1];
    for kind in KINDS {
        let step = |optimizer: &mut Optimizer, pair: Pair, at: usize| {
            let grads = gradients(&loss(&pair, &case.steps[at].grads), &pair);
            optimizer.step(pair, grads, 0.01).unwrap().module
        };
        let mut whole = Optimizer::new(&optim(kind));
        let mut pair = (0..3).fold(pair(&case.start), |pair, at| step(&mut whole, pair, at));
        let saved = StateDict::from_safetensors(&whole.state_dict().to_safetensors()).unwrap();
        let mut restored = Optimizer::new(&optim(kind));
        restored.load_state_dict(&saved, &device()).unwrap();
        let mut again = pair.clone();
        for at in 3..6 {
            pair = step(&mut whole, pair, at);
            again = step(&mut restored, again, at);
        }
        assert_eq!(StateDict::of(&pair), StateDict::of(&again), "{kind:?}");
        assert_eq!(whole.state_dict(), restored.state_dict(), "{kind:?}");
        // A state without a part of it is an error by name, not a new beginning.
        for (name, _) in saved.iter().filter(|(name, _)| !name.starts_with("m.")) {
            let mut torn = saved.clone();
            torn.remove(name);
            let error = restored.load_state_dict(&torn, &device()).unwrap_err().to_string();
            assert!(error.contains(name), "{kind:?}: {error}");
        }
    }
}

/// Ten steps of every optimiser, as `make_optim.py` makes them: flat values of the matrix and of the vector.
#[derive(Deserialize)]
struct Steps {
    lr: f64,
    weight_decay: f64,
    start: [Vec<f32>; 2],
    grads: Vec<[Vec<f32>; 2]>,
    kinds: BTreeMap<String, Vec<[Vec<f32>; 2]>>,
}

#[test]
fn ten_steps_of_every_optimiser_are_those_of_the_reference() {
    let Steps { lr, weight_decay, start, grads, kinds } =
        serde_json::from_str(include_str!("../fixtures/optim.json")).unwrap();
    let of = |[matrix, vector]: &[Vec<f32>; 2]| {
        (matrix.chunks(3).map(<[f32]>::to_vec).collect::<Vec<_>>(), vector.clone())
    };
    assert_eq!(kinds.len(), KINDS.len());
    for (kind, expected) in kinds {
        let optim: OptimConfig =
            serde_json::from_value(json!({"type": kind, "lr": lr, "weight_decay": weight_decay})).unwrap();
        let mut optimizer = Optimizer::new(&optim);
        let mut pair = pair(&of(&start));
        assert_eq!(expected.len(), 10);
        for (at, (grads, [first, second])) in grads.iter().zip(&expected).enumerate() {
            let grads = gradients(&loss(&pair, &of(grads)), &pair);
            pair = optimizer.step(pair, grads, lr).unwrap().module;
            let state = StateDict::of(&pair);
            let far = far(&state, "first", first).max(far(&state, "second", second));
            assert!(far < 2e-6, "{kind}, step {at}: {far}");
        }
    }
}

#[test]
fn muon_moves_matrices_along_an_orthogonal_one_and_leaves_vectors_to_adamw() {
    let case = &cases()[0];
    let start = pair(&case.start);
    let plain = OptimConfig { kind: OptimType::Muon, ..OptimConfig::default() };
    let grads = |pair: &Pair| gradients(&loss(pair, &case.steps[4].grads), pair);
    let muon = Optimizer::new(&plain).step(start.clone(), grads(&start), 0.5).unwrap().module;
    let adamw = OptimConfig { kind: OptimType::Adamw, ..OptimConfig::default() };
    let adamw = Optimizer::new(&adamw).step(start.clone(), grads(&start), 0.5).unwrap().module;
    let [before, after, vectors] = [&start, &muon, &adamw].map(StateDict::of);
    assert_eq!(after.get("second"), vectors.get("second"));
    let first = |state: &StateDict| state.get("first").unwrap().data.clone();
    // Of 2×3: steps are as long as AdamW's by the factor 0.2 √3.
    let length = 0.5 * 0.2 * 3.0_f32.sqrt();
    let step: Vec<f32> = first(&before).iter().zip(first(&after)).map(|(a, b)| (a - b) / length).collect();
    let dot = |a: usize, b: usize| (0..3).map(|k| step[3 * a + k] * step[3 * b + k]).sum::<f32>();
    // Newton and Schulz stop between 0.7 and 1.2.
    let (one, two, across) = (dot(0, 0), dot(1, 1), dot(0, 1));
    assert!(
        (0.4..1.5).contains(&one) && (0.4..1.5).contains(&two) && across.abs() < 0.35,
        "{one} {two} {across}"
    );
}
