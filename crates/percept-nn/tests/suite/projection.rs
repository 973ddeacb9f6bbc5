//! A selection that may mix channels: against PyTorch, against gates, and what it can find that they cannot.

use std::path::Path;

use crate::common::matrix::Matrix;
use burn::tensor::{Device, Tensor, TensorData};
use percept_nn::disentangle::{
    Contrast, FeatureDistance, Gate, PerceptualSpace, Selection, Start, TapGate, TripletConfig,
    TripletDistances,
};
use percept_nn::weights::{Array, StateDict, WeightStore};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn device() -> Device {
    Device::flex().autodiff()
}

fn config() -> TripletConfig {
    TripletConfig {
        gate: Gate::Projection,
        start: Start::Uniform,
        floor: 0.3,
        entropy: 0.05,
        lr: 0.5,
        warmup: 0,
        every: 1,
        until: 0,
        match_uniform: false,
        ..TripletConfig::default()
    }
}

fn selection(config: TripletConfig) -> Selection {
    Selection::new(config, "matrix", &Matrix::taps(), &WeightStore::new(), &device()).unwrap()
}

fn space(config: TripletConfig, weights: Vec<f32>) -> PerceptualSpace {
    let matrix = Matrix::boxed(weights, &device());
    PerceptualSpace::new(matrix, vec![1.0], FeatureDistance::SQUARED, Some(selection(config)))
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

fn close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    let apart = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(apart <= tolerance, "{apart} apart: {found:?} {expected:?}");
}

/// `M` of the only tap.
fn learned(selection: &Selection) -> Vec<f32> {
    match selection.gates().remove(0) {
        TapGate::Projection(matrix) => numbers(matrix),
        TapGate::Channels(_) => panic!("gates where a projection was asked for"),
    }
}

#[derive(serde::Deserialize)]
struct Fixture {
    weight: Vec<f32>,
    batches: Vec<[Vec<f32>; 3]>,
    matrix: Vec<f32>,
    loss: f32,
    gradient: Vec<f32>,
}

/// Three batches of both steps.
#[test]
fn both_steps_are_those_of_pytorch() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/projection.json");
    let fixture: Fixture = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let mut space = space(config(), fixture.weight);
    let mut last = None;
    for batch in fixture.batches {
        let [result, target, distorted] =
            batch.map(|image| Tensor::<4>::from_data(TensorData::new(image, [3, 4, 4, 3]), &device()));
        let result = result.require_grad();
        let seen = space.see(result.clone(), target);
        space.selection_step(&seen, |_| distorted).unwrap();
        last = Some((result, space.transformation_loss(&seen)));
    }
    close(&learned(space.selection().unwrap()), &fixture.matrix, 1e-5);
    let (result, loss) = last.unwrap();
    assert!((loss.clone().into_scalar::<f32>() / fixture.loss - 1.0).abs() < 1e-5);
    close(&numbers(result.grad(&loss.backward()).unwrap()), &fixture.gradient, 1e-6);
}

/// A start says the same to both: the weights of channels are the diagonal of the matrix that they start.
#[test]
fn a_projection_starts_as_gates_do() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("start.safetensors");
    let mut file = StateDict::new();
    file.insert("relu1_2", Array { shape: vec![4], data: vec![1.0, 0.0, 5.0, 2.0] });
    file.save(&path).unwrap();
    let start = Start::File(path.to_string_lossy().into_owned());
    let [gates, projection] = [Gate::Softmax, Gate::Projection].map(|gate| {
        selection(TripletConfig { gate, start: start.clone(), contrast: Contrast::None, ..config() })
    });
    let weights = |selection: &Selection| selection.weights().remove(0);
    close(&weights(&projection).weights, &weights(&gates).weights, 1e-4);
    let matrix = learned(&projection);
    let (a, b) = (features(5), features(6));
    let distances = percept_conv::channel_distance(a.clone(), b.clone());
    let both = [gates.gates().remove(0), TapGate::Projection(square(matrix))];
    let both = both.map(|gate| match gate {
        TapGate::Channels(weights) => TapGate::Channels(Tensor::from_inner(weights)),
        gate => gate,
    });
    let [by_gates, by_matrix] = both.map(|gate| numbers(gate.distance(&a, &b, &distances)));
    close(&by_matrix, &by_gates, 1e-4);
}

fn features(seed: u64) -> Tensor<4> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f32> = (0..2 * 3 * 5 * 4).map(|_| rng.random()).collect();
    Tensor::from_data(TensorData::new(values, [2, 3, 5, 4]), &device())
}

fn square(matrix: Vec<f32>) -> Tensor<2> {
    Tensor::from_data(TensorData::new(matrix, [4, 4]), &device())
}

/// The distortion moves the sum of two channels, whatever the content; their difference, and two channels more, move as the
/// content has it. No channel alone tells the distortion from the content as their sum does.
#[test]
fn a_projection_finds_a_direction_that_no_channel_has() {
    let run = |gate| {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let mut selection =
            selection(TripletConfig { gate, floor: 0.1, entropy: 0.002, lr: 0.1, ..config() });
        for _ in 0..400 {
            let contents: Vec<[f32; 3]> =
                (0..6).map(|_| [(); 3].map(|()| rng.random_range(-2.0f32..2.0).exp())).collect();
            // Second moments of (s + d, s − d, x, y) of sizes s², d², x², y², all independent.
            let moments = |progress: f32| {
                let rows = contents.iter().map(|[d, x, y]| {
                    let [s, d, x, y] =
                        [progress, d * progress.sqrt(), x * progress.sqrt(), y * progress.sqrt()];
                    match gate {
                        Gate::Projection => {
                            let (sum, less) = (s + d, s - d);
                            vec![sum, less, 0.0, 0.0, less, sum, 0.0, 0.0, 0.0, 0.0, x, 0.0, 0.0, 0.0, 0.0, y]
                        }
                        _ => vec![s + d, s + d, x, y],
                    }
                });
                let flat: Vec<f32> = rows.flatten().collect();
                let width = flat.len() / 6;
                vec![Tensor::<2>::from_data(TensorData::new(flat, [6, width]), &device())]
            };
            let triplet = TripletDistances {
                result_target: moments(0.3),
                distorted_target: moments(1.0),
                distorted_result: None,
                averaged: None,
            };
            selection.batch(|_| triplet.clone());
        }
        selection
    };
    let matrix = learned(&run(Gate::Projection));
    // Along (1, 1), along (1, −1), and the other channels.
    let sum = (matrix[0] + matrix[5]) / 2.0 + matrix[1];
    let difference = (matrix[0] + matrix[5]) / 2.0 - matrix[1];
    let others = matrix[10].max(matrix[15]);
    assert!(sum > 3.0 * difference && sum > 3.0 * others, "{sum} {difference} {others}: {matrix:?}");
    let gates = run(Gate::Softmax);
    let of_gates = &gates.weights()[0].weights;
    assert!(of_gates[0] < 0.8 * sum, "a gate alone weighs both directions alike: {of_gates:?}, {sum}");
    assert!(run(Gate::Projection).weights()[0].effective < 3.0);
}

/// However long it learns: no direction is lost, none takes more than all, the diagonal keeps its mean.
#[test]
fn a_projection_is_bounded() {
    for contrast in [Contrast::Across, Contrast::Literal, Contrast::Conventional] {
        let mut space = space(
            TripletConfig { contrast, margin: 5.0, entropy: 0.0, ..config() },
            (0..12).map(|i| ((i * 7 % 12) as f32 - 5.0) / 6.0).collect(),
        );
        let image = |seed| features(seed).narrow(3, 0, 3);
        for at in 0..200 {
            let seen = space.see(image(3 * at).require_grad(), image(3 * at + 1));
            space.selection_step(&seen, |_| image(3 * at + 2)).unwrap();
        }
        let matrix = learned(space.selection().unwrap());
        let product = |v: &[f32]| -> f32 {
            matrix
                .chunks(4)
                .zip(v)
                .map(|(row, a)| a * row.iter().zip(v).map(|(m, b)| m * b).sum::<f32>())
                .sum()
        };
        let trace: f32 = matrix.iter().step_by(5).sum();
        assert!((trace - 4.0).abs() < 1e-3, "{contrast:?}: {matrix:?}");
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..200 {
            let v: Vec<f32> = (0..4).map(|_| rng.random_range(-1.0..1.0)).collect();
            let share = product(&v) / v.iter().map(|v| v * v).sum::<f32>();
            assert!((0.299..=3.1).contains(&share), "{contrast:?}: {share}");
        }
        assert!(matrix[1].abs() > 1e-3, "channels are mixed");
    }
}

#[test]
fn a_restored_projection_goes_on_bit_by_bit() {
    let weights: Vec<f32> = (0..12).map(|i| ((i * 7 % 12) as f32 - 5.0) / 6.0).collect();
    let image = |seed| features(seed).narrow(3, 0, 3);
    let step = |space: &mut PerceptualSpace, at: u64| {
        let seen = space.see(image(3 * at), image(3 * at + 1));
        space.selection_step(&seen, |_| image(3 * at + 2)).unwrap();
        numbers(space.transformation_loss(&seen))
    };
    let averaged = TripletConfig { ema: 0.9, equalize: true, ..config() };
    let mut one = space(averaged.clone(), weights.clone());
    (0..5).for_each(|at| drop(step(&mut one, at)));
    let saved = StateDict::from_safetensors(&one.state_dict().to_safetensors()).unwrap();
    let mut other = space(averaged, weights.clone());
    other.load_state_dict(&saved, &device()).unwrap();
    for at in 5..9 {
        assert_eq!(step(&mut one, at), step(&mut other, at));
    }
    assert_eq!(learned(one.selection().unwrap()), learned(other.selection().unwrap()));
    // The state of gates is another one.
    let mut gates = space(TripletConfig { gate: Gate::Softmax, ..config() }, weights);
    let error = gates.load_state_dict(&saved, &device()).unwrap_err().to_string();
    assert!(error.contains("relu1_2.theta"), "{error}");
}
