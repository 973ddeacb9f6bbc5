//! The contextual loss against the paper's formulas written as loops in f64.

use burn::tensor::{Device, Tensor, TensorData};
use percept_nn::disentangle::{ContextualConfig, TapGate, contextual};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const N: usize = 2;
const SIDE: usize = 4;
const C: usize = 5;

fn random(seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..N * SIDE * SIDE * C).map(|_| rng.random_range(0.0..1.0)).collect()
}

fn tensor(values: &[f32]) -> Tensor<4> {
    Tensor::from_data(TensorData::new(values.to_vec(), [N, SIDE, SIDE, C]), &Device::flex().autodiff())
}

/// Mechrez et al. 2018, equations 1 to 4, position by position, with products weighted by the symmetric `matrix`.
fn by_loops(result: &[f32], target: &[f32], matrix: &[[f32; C]; C], bandwidth: f64) -> f64 {
    let p = SIDE * SIDE;
    let mut total = 0.0;
    for n in 0..N {
        let vector = |values: &[f32], i: usize| -> Vec<f64> {
            (0..C).map(|c| f64::from(values[(n * p + i) * C + c])).collect()
        };
        let centre: Vec<f64> =
            (0..C).map(|c| (0..p).map(|i| vector(target, i)[c]).sum::<f64>() / p as f64).collect();
        let product = |a: &[f64], b: &[f64]| -> f64 {
            let row =
                |a: &f64, row: &[f32; C]| a * row.iter().zip(b).map(|(m, b)| f64::from(*m) * b).sum::<f64>();
            a.iter().zip(matrix).map(|(a, m)| row(a, m)).sum()
        };
        let unit = |values: &[f32], i: usize| -> Vec<f64> {
            let v: Vec<f64> = vector(values, i).iter().zip(&centre).map(|(v, m)| v - m).collect();
            let length = (product(&v, &v) + 1e-12).sqrt();
            v.iter().map(|v| v / length).collect()
        };
        let mut best = vec![0.0f64; p];
        for i in 0..p {
            let x = unit(result, i);
            let d: Vec<f64> = (0..p)
                .map(|j| {
                    let y = unit(target, j);
                    (1.0 - product(&x, &y)) / 2.0
                })
                .collect();
            let nearest = d.iter().copied().fold(f64::MAX, f64::min) + 1e-5;
            let w: Vec<f64> = d.iter().map(|d| ((1.0 - d / nearest) / bandwidth).exp()).collect();
            let sum: f64 = w.iter().sum();
            best.iter_mut().zip(&w).for_each(|(best, w)| *best = best.max(w / sum));
        }
        total -= (best.iter().sum::<f64>() / p as f64).ln();
    }
    total / N as f64
}

#[test]
fn value_and_gradient_follow_the_formulas() {
    let (result, target) = (random(1), random(2));
    let config = ContextualConfig::default();
    let device = Device::flex().autodiff();
    let diagonal = |gate: [f32; C]| {
        let mut matrix = [[0.0f32; C]; C];
        (0..C).for_each(|c| matrix[c][c] = gate[c]);
        (matrix, TapGate::Channels(Tensor::from_floats(gate, &device)))
    };
    let mixing = {
        let factor = random(7);
        let entry =
            |i: usize, j: usize| (0..C).map(|k| (factor[i * C + k] - 0.4) * (factor[j * C + k] - 0.4)).sum();
        let matrix: [[f32; C]; C] = std::array::from_fn(|i| std::array::from_fn(|j| entry(i, j)));
        (matrix, TapGate::Projection(Tensor::from_floats(matrix, &device)))
    };
    for (matrix, gate) in [diagonal([1.0; C]), diagonal([0.1, 2.0, 0.4, 1.5, 1.0]), mixing] {
        let x = tensor(&result).require_grad();
        let loss = contextual(x.clone(), tensor(&target), Some(&gate), &config);
        let value: f32 = loss.clone().into_scalar();
        let expected = by_loops(&result, &target, &matrix, config.bandwidth);
        assert!((f64::from(value) - expected).abs() < 1e-4, "{value} against {expected}");
        let gradient = x.grad(&loss.backward()).unwrap().into_data().try_to_vec::<f32>().unwrap();
        for at in [0, 7, 33, 80, 121] {
            let moved = |step: f32| {
                let mut moved = result.clone();
                moved[at] += step;
                by_loops(&moved, &target, &matrix, config.bandwidth)
            };
            let slope = (moved(1e-3) - moved(-1e-3)) / 2e-3;
            assert!(
                (f64::from(gradient[at]) - slope).abs() < 2e-3 + 0.02 * slope.abs(),
                "{} {slope}",
                gradient[at]
            );
        }
    }
}

#[test]
fn equal_features_have_a_finite_gradient() {
    for values in [random(3), vec![0.0; N * SIDE * SIDE * C]] {
        let x = tensor(&values).require_grad();
        let loss = contextual(x.clone(), tensor(&values), None, &ContextualConfig::default());
        assert!(loss.clone().into_scalar::<f32>().is_finite());
        let gradient = x.grad(&loss.backward()).unwrap().into_data().try_to_vec::<f32>().unwrap();
        assert!(gradient.iter().all(|g| g.is_finite()));
    }
}

/// On a grid of every second position the loss is the one of the thinned maps.
#[test]
fn large_maps_are_read_on_a_grid() {
    let (result, target) = (random(4), random(5));
    let thin = |values: &[f32]| -> Tensor<4> {
        let even = |v: usize| v.is_multiple_of(2);
        let keep = |i: &usize| even(i / C % SIDE) && even(i / C / SIDE % SIDE);
        let kept: Vec<f32> = (0..values.len()).filter(keep).map(|i| values[i]).collect();
        Tensor::from_data(TensorData::new(kept, [N, SIDE / 2, SIDE / 2, C]), &Device::flex())
    };
    let few = ContextualConfig { max_positions: 4, ..ContextualConfig::default() };
    let all = ContextualConfig::default();
    let on_grid: f32 = contextual(tensor(&result), tensor(&target), None, &few).into_scalar();
    let thinned: f32 = contextual(thin(&result), thin(&target), None, &all).into_scalar();
    assert_eq!(on_grid, thinned);
}
