//! Devices beside the CPU compute what the CPU computes: values and gradients of every operation.
#![cfg(feature = "_device")]

use burn::tensor::{Device, Tensor, TensorData};
use percept_conv::{
    Activation, Conv, FrozenConv, FrozenLayer, FrozenStage, batch_norm_leaky, channel_attention,
    channel_distance, contextual_similarity, conv2d, conv2d_prelu, depthwise_conv2d, device, devices,
    layer_norm, max_pool2d, mish, odd_gate, pixel_shuffle, resize_bilinear, silu, simple_gate, unit,
    unit_distance,
};

/// How far numbers may be apart, relative to the largest: sums in single precision, in another order.
const TOLERANCE: f32 = 3e-5;

/// Numbers in `(−1, 1)` without order, the same for the same `seed`.
fn noise<const D: usize>(dims: [usize; D], seed: usize) -> TensorData {
    let value = |i: usize| ((i as f64 * 12.9898 + seed as f64).sin() * 43_758.547).fract() as f32;
    TensorData::new((0..dims.iter().product()).map(value).collect::<Vec<f32>>(), dims)
}

/// The result of `operation`, the gradients to all inputs, and the result without autodiff.
fn run<const D: usize>(
    device: &Device,
    inputs: &[TensorData],
    operation: &impl Fn(&[Tensor<4>]) -> Tensor<D>,
) -> Vec<TensorData> {
    let on = |device: &Device| -> Vec<Tensor<4>> {
        inputs.iter().map(|data| Tensor::from_data(data.clone(), device)).collect()
    };
    let tracked = device.clone().autodiff();
    let leaves: Vec<_> = on(&tracked).into_iter().map(Tensor::require_grad).collect();
    let y = operation(&leaves);
    let outer = Tensor::from_data(noise(y.dims(), 99), &tracked);
    let gradients = (y.clone() * outer).sum().backward();
    let mut all = vec![y.into_data(), operation(&on(device)).into_data()];
    all.extend(leaves.iter().map(|leaf| leaf.grad(&gradients).unwrap().into_data()));
    all
}

/// `operation` is the same on all devices that are compiled in.
fn compare<const D: usize>(what: &str, inputs: &[TensorData], operation: impl Fn(&[Tensor<4>]) -> Tensor<D>) {
    let expected = run(&device("cpu").unwrap(), inputs, &operation);
    for name in devices().into_iter().filter(|name| *name != "cpu") {
        let device = device(name).unwrap_or_else(|error| panic!("{error}"));
        let all = run(&device, inputs, &operation);
        for (i, (values, expected)) in all.into_iter().zip(&expected).enumerate() {
            assert_eq!(values.shape(), expected.shape(), "{what} on {name}, tensor {i}");
            let pairs: Vec<_> = values.iter::<f32>().zip(expected.iter::<f32>()).collect();
            let largest = pairs.iter().fold(0.0, |most: f32, (_, expected)| most.max(expected.abs()));
            let apart = pairs.iter().fold(0.0, |most: f32, (a, b)| most.max((a - b).abs()));
            assert!(apart <= TOLERANCE * largest, "{what} on {name}, tensor {i}: {apart} of {largest}");
            assert!(pairs.iter().all(|(value, _)| value.is_finite()), "{what} on {name}, tensor {i}");
        }
    }
}

/// The numbers of `tensor` in one dimension.
fn flat(tensor: &Tensor<4>) -> Tensor<1> {
    tensor.clone().reshape([tensor.dims().iter().product::<usize>()])
}

#[test]
fn convolutions() {
    for (size, output, kernel, stride, dilation, activation) in [
        ([2, 9, 11, 3], 16, 3, 1, 1, Activation::Relu),
        ([1, 12, 12, 32], 20, 3, 1, 1, Activation::LeakyRelu(0.2)),
        ([2, 10, 7, 5], 7, 3, 2, 2, Activation::None),
        ([1, 6, 5, 40], 24, 1, 1, 1, Activation::Relu),
    ] {
        let conv = Conv { stride, padding: kernel / 2, dilation, activation, ..Conv::default() };
        let inputs =
            [noise(size, 1), noise([output, size[3], kernel, kernel], 2), noise([1, 1, 1, output], 3)];
        let forward = |x: &[Tensor<4>]| conv2d(x[0].clone(), x[1].clone(), Some(flat(&x[2])), None, conv);
        compare(&format!("convolution {conv:?}"), &inputs, forward);
        // Added to half of itself, so that the residual has the result's dimensions.
        compare(&format!("convolution with residual {conv:?}"), &inputs, |x| {
            let (bias, none) = (Some(flat(&x[2])), Conv { activation: Activation::None, ..conv });
            let residual = conv2d(x[0].clone(), x[1].clone(), None, None, none).mul_scalar(0.5);
            conv2d(x[0].clone(), x[1].clone(), bias, Some(residual), conv)
        });
    }
}

#[test]
fn depthwise_convolutions() {
    let conv = Conv::same(3).with_activation(Activation::LeakyRelu(0.2));
    let inputs = [noise([2, 7, 6, 5], 1), noise([5, 1, 3, 3], 2), noise([1, 1, 1, 5], 3)];
    compare("depthwise convolution", &inputs, |x| {
        depthwise_conv2d(x[0].clone(), x[1].clone(), Some(flat(&x[2])), conv)
    });
}

#[test]
fn convolutions_with_prelu() {
    let inputs =
        [noise([2, 9, 11, 3], 1), noise([16, 3, 3, 3], 2), noise([1, 1, 1, 16], 3), noise([1, 1, 1, 16], 4)];
    compare("convolution with PReLU", &inputs, |x| {
        conv2d_prelu(x[0].clone(), x[1].clone(), Some(flat(&x[2])), flat(&x[3]), Conv::same(3))
    });
}

#[test]
fn blocks_without_activations() {
    let parameter = |seed| noise([1, 1, 1, 24], seed);
    let x = noise([2, 6, 5, 24], 1);
    compare("normalisation", &[x.clone(), parameter(2), parameter(3)], |x| {
        layer_norm(x[0].clone(), flat(&x[1]), flat(&x[2]), 1e-6)
    });
    compare("gate", std::slice::from_ref(&x), |x| simple_gate(x[0].clone()));
    compare("batch normalisation", &[x.clone(), parameter(2), parameter(3)], |x| {
        batch_norm_leaky(x[0].clone(), flat(&x[1]), flat(&x[2]), 1e-5, 0.2, None)
    });
    compare("bilinear", std::slice::from_ref(&x), |x| resize_bilinear(x[0].clone(), [12, 11]));
    compare("SiLU", std::slice::from_ref(&x), |x| silu(x[0].clone()));
    compare("Mish", std::slice::from_ref(&x), |x| mish(x[0].clone()));
    compare("odd gate", &[x.clone(), noise([2, 6, 5, 24], 4)], |x| odd_gate(x[0].clone(), x[1].clone()));
    compare("attention", &[x, noise([24, 24, 1, 1], 2), parameter(3)], |x| {
        channel_attention(x[0].clone(), x[1].clone(), Some(flat(&x[2])))
    });
}

#[test]
fn pooling_and_shuffling() {
    for (kernel, stride) in [(2, 2), (3, 2)] {
        compare("pooling", &[noise([2, 9, 8, 5], 1)], |x| max_pool2d(x[0].clone(), kernel, stride));
    }
    compare("shuffling", &[noise([2, 3, 5, 12], 1)], |x| pixel_shuffle(x[0].clone(), 2));
}

#[test]
fn distances() {
    let inputs = [noise([2, 6, 5, 24], 1), noise([2, 6, 5, 24], 2)];
    compare("distance by channel", &inputs, |x| channel_distance(x[0].clone(), x[1].clone()));
    compare("distance of unit vectors", &inputs, |x| {
        let weight = Tensor::from_data(noise([24], 3), &x[0].device()).abs();
        unit_distance(x[0].clone(), x[1].clone(), weight, 1e-10)
    });
    compare("unit vectors", &inputs[..1], |x| unit(x[0].clone().reshape([2, 30, 24]), 1e-10));
}

#[test]
fn contextual_similarities() {
    let inputs = [noise([2, 6, 5, 24], 1), noise([2, 6, 5, 24], 2)];
    compare("contextual similarity", &inputs, |x| {
        let [a, b] = [&x[0], &x[1]].map(|x| unit(x.clone().reshape([2, 30, 24]), 1e-10));
        contextual_similarity(a.matmul(b.swap_dims(1, 2)), 0.5)
    });
}

#[test]
fn frozen_layers() {
    let layer = |input: usize, output: usize, device: &Device| {
        let weight = Tensor::from_data(noise([output, input, 3, 3], output), device);
        let bias = Tensor::from_data(noise([output], input), device);
        FrozenConv::new(weight, Some(bias), Conv::same(3).with_activation(Activation::Relu))
    };
    let input = [noise([2, 12, 14, 3], 1)];
    compare("frozen convolution", &input, |x| layer(3, 16, &x[0].device().inner()).forward(x[0].clone()));
    compare("frozen stage", &input, |x| {
        let device = x[0].device().inner();
        let conv = |input, output| FrozenLayer::Conv(Box::new(layer(input, output, &device)));
        let pool = FrozenLayer::MaxPool { kernel: 2, stride: 2 };
        let layers = vec![FrozenLayer::Relu, conv(3, 16), conv(16, 24), pool, conv(24, 20)];
        FrozenStage::new(layers, &device).forward(x[0].clone())
    });
}
