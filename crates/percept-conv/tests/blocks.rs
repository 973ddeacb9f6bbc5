//! What blocks without activation functions are made of, against the definitions in `f64` and Burn's own operations.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)] // a test may fail loudly

use burn::tensor::{Device, Distribution, Tensor, Tolerance};
use percept_conv::{channel_attention, layer_norm, simple_gate};

/// Sizes with channels that fill vectors of every width, and that do not; whole tasks and parts of them.
const SIZES: [[usize; 4]; 8] = [
    [2, 5, 7, 4],
    [1, 1, 1, 3],
    [3, 1, 2, 16],
    [1, 33, 17, 21],
    [2, 19, 23, 1],
    [1, 9, 4, 50],
    [0, 4, 4, 8],
    [1, 3, 5, 130],
];
const EPSILON: f64 = 1e-6;

fn noise<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), &Device::flex())
}

fn values<const D: usize>(x: &Tensor<D>) -> Vec<f32> {
    x.to_data().try_into_vec::<f32>().unwrap()
}

fn assert_close<const D: usize>(a: Tensor<D>, b: Tensor<D>, tolerance: f32) {
    a.into_data().assert_approx_eq::<f32>(&b.into_data(), Tolerance::rel_abs(tolerance, tolerance));
}

/// The result of an operation on leaves, and the gradients to them.
fn run(
    inputs: &[Tensor<4>],
    operation: &dyn Fn(&[Tensor<4>]) -> Tensor<4>,
) -> (Tensor<4>, Vec<Option<Tensor<4>>>) {
    let device = Device::flex().autodiff();
    let leaves: Vec<Tensor<4>> =
        inputs.iter().map(|t| Tensor::from_data(t.to_data(), &device).require_grad()).collect();
    let y = operation(&leaves);
    // A different weight for every number of the result.
    let count = y.dims().iter().product::<usize>() as i64;
    let outer = Tensor::arange(0..count, &device).float().reshape(y.dims()).sin();
    let grads = (y.clone() * outer).sum().backward();
    (y.inner(), leaves.into_iter().map(|leaf| leaf.grad(&grads)).collect())
}

/// The values of both operations, and the gradients to all inputs, are the same, with and without autodiff.
fn compare(
    inputs: &[Tensor<4>],
    ours: &dyn Fn(&[Tensor<4>]) -> Tensor<4>,
    theirs: &dyn Fn(&[Tensor<4>]) -> Tensor<4>,
) {
    let (y, gradients) = run(inputs, ours);
    let (expected, expected_gradients) = run(inputs, theirs);
    assert_close(y.clone(), expected, 1e-4);
    assert_eq!(values(&ours(inputs)), values(&y), "with and without autodiff");
    for (gradient, expected) in gradients.into_iter().zip(expected_gradients) {
        assert_close(gradient.unwrap(), expected.unwrap(), 3e-4);
    }
}

fn normalised(x: &[Tensor<4>]) -> Tensor<4> {
    let channels = x[1].dims()[3];
    let [weight, bias] = [1, 2].map(|i| x[i].clone().reshape([channels]));
    layer_norm(x[0].clone(), weight, bias, EPSILON)
}

fn attended(x: &[Tensor<4>]) -> Tensor<4> {
    let channels = x[0].dims()[3];
    channel_attention(x[0].clone(), x[1].clone(), Some(x[2].clone().reshape([channels])))
}

fn gated(x: &[Tensor<4>]) -> Tensor<4> {
    simple_gate(x[0].clone())
}

/// What is normalised, with a mean far from 0, the weight and the bias.
fn norm_inputs(size: [usize; 4]) -> [Tensor<4>; 3] {
    let parameter = [1, 1, 1, size[3]];
    [noise(size) + 3.0, noise(parameter), noise(parameter)]
}

fn attention_inputs(size: [usize; 4]) -> [Tensor<4>; 3] {
    let channels = size[3];
    [noise(size), noise([channels, channels, 1, 1]), noise([1, 1, 1, channels])]
}

#[test]
fn norm_is_what_it_says() {
    for size in SIZES {
        let inputs = norm_inputs(size);
        let [x, weight, bias] = inputs.each_ref().map(values);
        let y = values(&normalised(&inputs));
        assert_eq!(y.len(), x.len());
        for (y, x) in y.chunks(size[3]).zip(x.chunks(size[3])) {
            let mean = x.iter().map(|x| f64::from(*x)).sum::<f64>() / size[3] as f64;
            let variance = x.iter().map(|x| (f64::from(*x) - mean).powi(2)).sum::<f64>() / size[3] as f64;
            for (c, (y, x)) in y.iter().zip(x).enumerate() {
                let unit = (f64::from(*x) - mean) / (variance + EPSILON).sqrt();
                let expected = unit * f64::from(weight[c]) + f64::from(bias[c]);
                assert!((f64::from(*y) - expected).abs() < 1e-4, "{size:?}: {y} for {expected}");
            }
        }
    }
}

#[test]
fn norm_equals_burns() {
    let theirs = |x: &[Tensor<4>]| {
        let centred = x[0].clone() - x[0].clone().mean_dim(3);
        let deviation = centred.clone().square().mean_dim(3).add_scalar(EPSILON).sqrt();
        centred / deviation * x[1].clone() + x[2].clone()
    };
    // One channel is always its own mean, and the root of ε makes rounding large; none is no sum.
    for size in SIZES.into_iter().filter(|size| size[3] > 1 && size[0] > 0) {
        compare(&norm_inputs(size), &normalised, &theirs);
    }
}

#[test]
fn gate_is_the_product_of_the_halves() {
    for [n, h, w, c] in SIZES {
        let x = noise([n, h, w, 2 * c]);
        let y = values(&simple_gate(x.clone()));
        let x = values(&x);
        let expected: Vec<f32> =
            (0..n * h * w * c).map(|i| x[i / c * 2 * c + i % c] * x[i / c * 2 * c + c + i % c]).collect();
        assert_eq!(y, expected);
    }
}

#[test]
fn gate_equals_burns() {
    let theirs = |x: &[Tensor<4>]| {
        let half = x[0].dims()[3] / 2;
        x[0].clone().narrow(3, 0, half) * x[0].clone().narrow(3, half, half)
    };
    for [n, h, w, c] in SIZES.into_iter().filter(|size| size[0] > 0) {
        compare(&[noise([n, h, w, 2 * c])], &gated, &theirs);
    }
}

#[test]
fn attention_equals_burns() {
    let theirs = |x: &[Tensor<4>]| {
        let [n, _, _, c] = x[0].dims();
        let mean = x[0].clone().mean_dim(1).mean_dim(2).reshape([n, c]);
        let factor = mean.matmul(x[1].clone().reshape([c, c]).transpose()).reshape([n, 1, 1, c]);
        x[0].clone() * (factor + x[2].clone())
    };
    for size in SIZES.into_iter().filter(|size| size[0] > 0) {
        compare(&attention_inputs(size), &attended, &theirs);
    }
}

#[test]
fn an_empty_batch_stays_empty() {
    assert_eq!(attended(&attention_inputs([0, 4, 4, 8])).dims(), [0, 4, 4, 8]);
    assert_eq!(gated(&[noise([0, 4, 4, 8])]).dims(), [0, 4, 4, 4]);
    for (operation, inputs) in [
        (&normalised as &dyn Fn(&[Tensor<4>]) -> Tensor<4>, norm_inputs([0, 4, 4, 8])),
        (&attended, attention_inputs([0, 4, 4, 8])),
    ] {
        let (_, gradients) = run(&inputs, operation);
        for (gradient, input) in gradients.into_iter().zip(inputs) {
            assert_eq!(gradient.unwrap().dims(), input.dims());
        }
    }
}

/// All bits of results and gradients are the same on one thread and on three.
#[test]
fn the_number_of_threads_changes_nothing() {
    let size = [2, 37, 29, 20];
    for (operation, inputs) in [
        (&normalised as &(dyn Fn(&[Tensor<4>]) -> Tensor<4> + Sync), norm_inputs(size).to_vec()),
        (&attended, attention_inputs(size).to_vec()),
        (&gated, vec![noise(size)]),
    ] {
        let all = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let (y, gradients) = pool.install(|| run(&inputs, operation));
            let mut all = vec![values(&y)];
            all.extend(gradients.into_iter().map(|gradient| values(&gradient.unwrap())));
            all
        };
        assert_eq!(all(1), all(3));
    }
}
