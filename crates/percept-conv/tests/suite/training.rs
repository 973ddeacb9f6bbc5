//! A training of 200 steps by these operations and by Burn's own: the same losses and the same weights.

use crate::common::reference;
use burn::tensor::{Device, Tensor, TensorData, module::max_pool2d as burn_max_pool2d, ops::MaxPoolOptions};
use percept_conv::{Activation, Conv, FrozenConv, channel_distance, conv2d, max_pool2d};

const STEPS: usize = 200;
/// Channels of the network's convolutions, then of the frozen ones.
const TRAINED: [[usize; 2]; 4] = [[3, 24], [24, 24], [24, 24], [24, 3]];
const FROZEN: [[usize; 2]; 2] = [[3, 32], [32, 48]];

/// Numbers without order, the same every time.
fn noise<const D: usize>(shape: [usize; D], seed: usize, scale: f32, device: &Device) -> Tensor<D> {
    let value = |i: usize| scale * ((i * 7919 + seed * 104_729) as f64 * 0.618_033_988_749).fract() as f32;
    let values: Vec<f32> = (0..shape.iter().product()).map(|i| value(i) - scale / 2.0).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn weights(channels: &[[usize; 2]], seed: usize, device: &Device) -> Vec<Tensor<4>> {
    let weight = |(i, [from, to]): (usize, &[usize; 2])| {
        noise([*to, *from, 3, 3], seed + i, 2.0 * (6.0 / (9 * from) as f32).sqrt(), device)
    };
    channels.iter().enumerate().map(weight).collect()
}

/// What a training is made of: a convolution with residual, and features of an image.
struct Operations<'a> {
    conv: &'a dyn Fn(Tensor<4>, Tensor<4>, Option<Tensor<4>>, Conv) -> Tensor<4>,
    distance: &'a dyn Fn(Tensor<4>, Tensor<4>) -> Tensor<1>,
}

/// Losses of all steps, and the weights at the end: descent with momentum.
fn train(operations: &Operations<'_>) -> (Vec<f32>, Vec<Tensor<4>>) {
    let plain = Device::flex();
    let device = plain.clone().autodiff();
    let same = Conv::same(3);
    let relu = same.with_activation(Activation::Relu);
    let mut weights = weights(&TRAINED, 1, &plain);
    let mut momentum: Vec<Tensor<4>> = weights.iter().map(|weight| weight.zeros_like()).collect();
    let mut losses = Vec::new();
    for step in 0..STEPS {
        let x = noise([2, 20, 18, 3], 1000 + step % 5, 1.0, &device);
        let target = noise([2, 20, 18, 3], 1000 + step % 5, 0.5, &device);
        let leaves: Vec<Tensor<4>> = weights
            .iter()
            .map(|weight| Tensor::from_data(weight.to_data(), &device).require_grad())
            .collect();
        let [first, second, third, last] = &leaves[..] else { panic!() };
        let conv = operations.conv;
        let y = conv(x, first.clone(), None, relu);
        let inner = conv(y.clone(), second.clone(), None, relu);
        let y = conv(inner, third.clone(), Some(y), relu);
        let y = conv(y, last.clone(), None, same);
        let loss = (operations.distance)(y.clone(), target.clone()) + (y - target).abs().mean();
        losses.push(loss.clone().into_scalar::<f32>());
        let gradients = loss.backward();
        for ((weight, momentum), leaf) in weights.iter_mut().zip(&mut momentum).zip(&leaves) {
            *momentum = momentum.clone().mul_scalar(0.9) + leaf.grad(&gradients).unwrap();
            *weight = weight.clone() - momentum.clone().mul_scalar(0.002);
        }
    }
    (losses, weights)
}

#[test]
fn a_training_of_200_steps_equals_burns() {
    let plain = Device::flex();
    let relu = Conv::same(3).with_activation(Activation::Relu);
    let frozen = weights(&FROZEN, 50, &plain);
    let layers: Vec<FrozenConv> =
        frozen.iter().map(|weight| FrozenConv::new(weight.clone(), None, relu)).collect();
    let features = |x: Tensor<4>| layers[1].forward(max_pool2d(layers[0].forward(x), 2, 2));
    let (losses, weights) = train(&Operations {
        conv: &|x, weight, residual, conv| conv2d(x, weight, None, residual, conv),
        distance: &|a, b| channel_distance(features(a), features(b)).mean(),
    });
    let features = |x: Tensor<4>| {
        let lift = |weight: &Tensor<4>| Tensor::from_data(weight.to_data(), &x.device());
        let y = reference(x.clone(), lift(&frozen[0]), None, None, relu).permute([0, 3, 1, 2]);
        let y = burn_max_pool2d(y, MaxPoolOptions::new([2; 2]).with_stride([2; 2]));
        reference(y.permute([0, 2, 3, 1]), lift(&frozen[1]), None, None, relu)
    };
    let (expected_losses, expected_weights) = train(&Operations {
        conv: &|x, weight, residual, conv| reference(x, weight, None, residual, conv),
        distance: &|a, b| (features(a) - features(b)).square().mean(),
    });
    assert!(
        losses[STEPS - 1] < 0.5 * losses[0],
        "nothing was learned: {} of {}",
        losses[STEPS - 1],
        losses[0]
    );
    // Rounding turns the sign of a few differences and activations, which then takes its own way.
    for (step, (loss, expected)) in losses.iter().zip(&expected_losses).enumerate() {
        assert!((loss - expected).abs() <= 1e-2 * expected, "step {step}: {loss} for {expected}");
    }
    for (weight, expected) in weights.into_iter().zip(expected_weights) {
        let apart = (weight - expected.clone()).square().mean().sqrt().into_scalar::<f32>();
        let size = expected.square().mean().sqrt().into_scalar::<f32>();
        assert!(apart <= 2e-3 * size, "weights {apart} apart at {size}");
    }
}
