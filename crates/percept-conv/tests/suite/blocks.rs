//! What blocks beside plain convolutions are made of, against the definitions in `f64` and Burn's own operations.

use burn::tensor::{Device, Distribution, Tensor, Tolerance};
use percept_conv::{
    Conv, NormedConv, Precision, batch_norm_leaky, channel_attention, channel_attention_onto, conv2d,
    conv2d_prelu, depthwise_conv2d, depthwise_gate, gated_feed_forward, join, layer_norm, mish,
    normed_depthwise_gate, odd_gate, resize_bilinear, resize_nearest, sigmoid, sigmoid_gate, silu,
    simple_gate, sum,
};

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

/// The numbers of `x` in one dimension.
fn flat(x: &Tensor<4>) -> Tensor<1> {
    x.clone().reshape([x.dims().iter().product::<usize>()])
}

fn prelu(x: &[Tensor<4>]) -> Tensor<4> {
    let conv = Conv::same(x[1].dims()[3]);
    conv2d_prelu(x[0].clone(), x[1].clone(), Some(flat(&x[2])), flat(&x[3]), conv)
}

fn pointwise(x: &[Tensor<4>]) -> Tensor<4> {
    conv2d(x[0].clone(), x[1].clone(), Some(flat(&x[2])), Some(x[3].clone()), Conv::default())
}

fn depthwise(x: &[Tensor<4>]) -> Tensor<4> {
    depthwise_conv2d(x[0].clone(), x[1].clone(), Some(flat(&x[2])), Conv::same(3))
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

/// What is convolved, weights, bias and slopes, some of them negative.
fn prelu_inputs(size: [usize; 4], output: usize, kernel: usize) -> [Tensor<4>; 4] {
    let parameter = [1, 1, 1, output];
    [noise(size), noise([output, size[3], kernel, kernel]), noise(parameter), noise(parameter)]
}

#[test]
fn prelu_equals_burns() {
    let theirs = |x: &[Tensor<4>]| {
        let conv = Conv::same(x[1].dims()[3]);
        let y = conv2d(x[0].clone(), x[1].clone(), Some(flat(&x[2])), None, conv);
        y.clone().clamp_min(0.0) + y.clamp_max(0.0) * x[3].clone()
    };
    for size in SIZES.into_iter().filter(|size| size[0] > 0) {
        for (output, kernel) in [(5, 1), (7, 3), (32, 3)] {
            let inputs = prelu_inputs(size, output, kernel);
            compare(&inputs, &prelu, &theirs);
        }
    }
}

/// With a gradient to a single one of its inputs too.
#[test]
fn prelu_has_the_gradients_that_are_asked_for() {
    let device = Device::flex().autodiff();
    let inputs = prelu_inputs([1, 6, 7, 5], 9, 3);
    let (_, all) = run(&inputs, &prelu);
    for wanted in 0..inputs.len() {
        let leaves: Vec<Tensor<4>> = inputs
            .iter()
            .enumerate()
            .map(|(i, t)| {
                let leaf = Tensor::from_data(t.to_data(), &device);
                if i == wanted { leaf.require_grad() } else { leaf }
            })
            .collect();
        let y = prelu(&leaves);
        let count = y.dims().iter().product::<usize>() as i64;
        let outer = Tensor::arange(0..count, &device).float().reshape(y.dims()).sin();
        let grads = (y * outer).sum().backward();
        assert_close(leaves[wanted].grad(&grads).unwrap(), all[wanted].clone().unwrap(), 1e-5);
    }
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
        (&prelu, prelu_inputs(size, 24, 3).to_vec()),
        (&pointwise, [&prelu_inputs(size, 24, 1)[..3], &[noise([2, 37, 29, 24])]].concat()),
        (&depthwise, vec![noise(size), noise([20, 1, 3, 3]), noise([1, 1, 1, 20])]),
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

#[test]
fn curves_equal_burns() {
    use burn::tensor::activation;
    for size in SIZES {
        let x = [noise(size) * 6.0, noise(size) * 6.0];
        compare(&x[..1], &|x| sigmoid(x[0].clone()), &|x| activation::sigmoid(x[0].clone()));
        compare(&x[..1], &|x| silu(x[0].clone()), &|x| activation::silu(x[0].clone()));
        compare(&x[..1], &|x| mish(x[0].clone()), &|x| activation::mish(x[0].clone()));
        let theirs = |x: &[Tensor<4>]| x[0].clone() * activation::sigmoid(x[1].clone());
        compare(&x, &|x| sigmoid_gate(x[0].clone(), x[1].clone()), &theirs);
        let theirs = |x: &[Tensor<4>]| {
            (x[0].clone() + x[1].clone()) * activation::sigmoid(x[1].clone()).sub_scalar(0.5)
        };
        compare(&x, &|x| odd_gate(x[0].clone(), x[1].clone()), &theirs);
    }
}

#[test]
fn other_sizes_equal_burns() {
    use burn::tensor::module::interpolate;
    use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
    for [n, h, w, c] in SIZES {
        for size in [[2 * h, 2 * w], [2 * h + 1, w + 3], [h, 3 * w], [h.div_ceil(2), w.div_ceil(2)]] {
            let x = noise([n, h, w, c]);
            let theirs = |mode: InterpolateMode| {
                move |x: &[Tensor<4>]| {
                    let options = InterpolateOptions::new(mode.clone())
                        .with_align_corners(false)
                        .with_output_size(size);
                    interpolate(x[0].clone().permute([0, 3, 1, 2]), options).permute([0, 2, 3, 1])
                }
            };
            let x = std::slice::from_ref(&x);
            compare(x, &|x| resize_bilinear(x[0].clone(), size), &theirs(InterpolateMode::Bilinear));
            compare(x, &|x| resize_nearest(x[0].clone(), size), &theirs(InterpolateMode::Nearest));
        }
    }
}

#[test]
fn batch_norm_equals_its_definition() {
    for size in SIZES {
        let [n, h, w, c] = size;
        // A single value has no deviation.
        if n * h * w < 4 {
            continue;
        }
        let theirs = |x: &[Tensor<4>]| {
            let rows = x[0].clone().reshape([n * h * w, c]);
            let centred = rows.clone() - rows.mean_dim(0);
            let variance = centred.clone().square().mean_dim(0);
            let scale = flat(&x[1]).reshape([1, c]) / variance.add_scalar(1e-5).sqrt();
            let normal = centred * scale + flat(&x[2]).reshape([1, c]);
            burn::tensor::activation::leaky_relu(normal, 0.2).reshape(size)
        };
        let ours =
            |x: &[Tensor<4>]| batch_norm_leaky(x[0].clone(), flat(&x[1]), flat(&x[2]), 1e-5, 0.2, None);
        compare(&norm_inputs(size), &ours, &theirs);
    }
}

#[test]
fn channels_side_by_side_equal_burns() {
    for [n, h, w, c] in SIZES {
        let x = [noise([n, h, w, c]), noise([n, h, w, c + 3])];
        compare(&x, &|x| join(x[0].clone(), x[1].clone()), &|x| Tensor::cat(x.to_vec(), 3));
    }
}

#[test]
fn sums_equal_burns() {
    for size in SIZES {
        let x = [noise(size), noise(size)];
        compare(&x, &|x| sum(x[0].clone(), x[1].clone(), 1.0), &|x| x[0].clone() + x[1].clone());
        let theirs = |x: &[Tensor<4>]| x[0].clone() + x[1].clone().mul_scalar(0.2);
        compare(&x, &|x| sum(x[0].clone(), x[1].clone(), 0.2), &theirs);
    }
}

/// In one pass and in two, which is how gradients are had.
#[test]
fn a_gate_behind_a_depthwise_convolution_is_both() {
    for [n, h, w, c] in SIZES {
        let x = [noise([n, h, w, 2 * c]), noise([2 * c, 1, 3, 3]), noise([1, 1, 1, 2 * c])];
        let ours =
            |x: &[Tensor<4>]| depthwise_gate(x[0].clone(), x[1].clone(), Some(flat(&x[2])), Conv::same(3));
        let theirs = |x: &[Tensor<4>]| {
            simple_gate(depthwise_conv2d(x[0].clone(), x[1].clone(), Some(flat(&x[2])), Conv::same(3)))
        };
        assert_eq!(values(&ours(&x)), values(&theirs(&x)));
        compare(&x, &ours, &theirs);
    }
}

/// `x[1..5]` are those of a normalisation and a convolution behind it.
fn wide(x: &[Tensor<4>]) -> NormedConv {
    let [norm_weight, norm_bias, bias] = [1, 2, 4].map(|i| flat(&x[i]));
    let (weight, bias, precision) = (x[3].clone(), Some(bias), Precision::F32);
    NormedConv { norm_weight, norm_bias, epsilon: EPSILON, weight, bias, precision }
}

/// The same in two operations.
fn widened(x: &[Tensor<4>]) -> Tensor<4> {
    conv2d(normalised(x), x[3].clone(), Some(flat(&x[4])), None, Conv::default())
}

/// In one pass, in single operations, which is how gradients are had, and with weights that are too many for one pass.
#[test]
fn what_stands_behind_a_normalisation_is_the_single_operations() {
    let inputs = |[n, h, w, c]: [usize; 4], next: [usize; 4]| {
        let [x, weight, bias] = norm_inputs([n, h, w, c]);
        vec![x, weight, bias, noise([2 * c, c, 1, 1]), noise([1, 1, 1, 2 * c]), noise(next)]
    };
    for size in SIZES.into_iter().chain([[2, 40, 3, 8], [1, 3, 2, 200]]) {
        let c = size[3];
        let x = [inputs(size, [2 * c, 1, 3, 3]), vec![noise([1, 1, 1, 2 * c])]].concat();
        let ours =
            |x: &[Tensor<4>]| normed_depthwise_gate(x[0].clone(), wide(x), x[5].clone(), Some(flat(&x[6])));
        let theirs =
            |x: &[Tensor<4>]| depthwise_gate(widened(x), x[5].clone(), Some(flat(&x[6])), Conv::same(3));
        compare(&x, &ours, &theirs);
        let x = [inputs(size, [c, c, 1, 1]), vec![noise([1, 1, 1, c])]].concat();
        let ours =
            |x: &[Tensor<4>]| gated_feed_forward(x[0].clone(), wide(x), x[5].clone(), Some(flat(&x[6])));
        let theirs = |x: &[Tensor<4>]| {
            let (y, bias) = (simple_gate(widened(x)), flat(&x[6]));
            conv2d(y, x[5].clone(), Some(bias), Some(x[0].clone()), Conv::default())
        };
        compare(&x, &ours, &theirs);
    }
}

#[test]
fn attention_in_the_weights_is_that_of_the_pixels() {
    for size @ [_, _, _, c] in SIZES {
        let out = c + 1;
        let weights =
            [noise([c, c, 1, 1]), noise([1, 1, 1, c]), noise([out, c, 1, 1]), noise([1, 1, 1, out])];
        let residual = noise([size[0], size[1], size[2], out]);
        let x = [vec![noise(size)], weights.to_vec(), vec![residual]].concat();
        let ours = |x: &[Tensor<4>]| {
            let attention = (x[1].clone(), Some(flat(&x[2])));
            let (weight, bias, residual) = (x[3].clone(), Some(flat(&x[4])), x[5].clone());
            channel_attention_onto(x[0].clone(), attention, weight, bias, residual, Precision::F32)
        };
        let theirs = |x: &[Tensor<4>]| {
            conv2d(attended(x), x[3].clone(), Some(flat(&x[4])), Some(x[5].clone()), Conv::default())
        };
        let (y, gradients) = run(&x, &ours);
        let (expected, expected_gradients) = run(&x, &theirs);
        assert_close(y, expected.clone(), 1e-4);
        assert_close(ours(&x), expected, 1e-4);
        for (gradient, expected) in gradients.into_iter().zip(expected_gradients) {
            assert_close(gradient.unwrap(), expected.unwrap(), 3e-4);
        }
    }
}
