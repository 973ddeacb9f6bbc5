//! Pooling, shuffling, distance and depthwise convolution against Burn's own operations.

use burn::tensor::{
    Device, Distribution, Tensor, Tolerance,
    module::{conv2d, max_pool2d as burn_max_pool2d},
    ops::{ConvOptions, MaxPoolOptions},
};
use percept_conv::{Activation, Conv, channel_distance, depthwise_conv2d, max_pool2d, pixel_shuffle};

pub(crate) fn noise<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), &Device::flex())
}

fn assert_close<const D: usize>(a: Tensor<D>, b: Tensor<D>) {
    a.into_data().assert_approx_eq::<f32>(&b.into_data(), Tolerance::rel_abs(1e-4, 1e-5));
}

/// The values of both operations, and the gradients to all inputs, are the same.
pub(crate) fn compare<const D: usize>(
    inputs: &[Tensor<4>],
    ours: impl Fn(Vec<Tensor<4>>) -> Tensor<D>,
    theirs: impl Fn(Vec<Tensor<4>>) -> Tensor<D>,
) {
    let device = Device::flex().autodiff();
    let run = |operation: &dyn Fn(Vec<Tensor<4>>) -> Tensor<D>| {
        let leaves: Vec<Tensor<4>> =
            inputs.iter().map(|t| Tensor::from_data(t.to_data(), &device).require_grad()).collect();
        let y = operation(leaves.clone());
        // A different weight for every number of the result.
        let count = y.dims().iter().product::<usize>() as i64;
        let outer = Tensor::arange(0..count, &device).float().reshape(y.dims()).sin();
        let grads = (y.clone() * outer).sum().backward();
        (y.inner(), leaves.into_iter().map(|leaf| leaf.grad(&grads).unwrap()).collect::<Vec<_>>())
    };
    let (y, gradients) = run(&ours);
    let (expected, expected_gradients) = run(&theirs);
    assert_close(y, expected.clone());
    for (gradient, expected) in gradients.into_iter().zip(expected_gradients) {
        assert_close(gradient, expected);
    }
    assert_close(ours(inputs.to_vec()), expected);
}

#[test]
fn max_pooling() {
    for (size, kernel, stride) in
        [([2, 8, 6, 5], 2, 2), ([1, 9, 11, 19], 3, 2), ([1, 7, 7, 3], 3, 1), ([1, 5, 6, 2], 2, 3)]
    {
        let theirs = |x: Vec<Tensor<4>>| {
            let options = MaxPoolOptions::new([kernel; 2]).with_stride([stride; 2]);
            burn_max_pool2d(x[0].clone().permute([0, 3, 1, 2]), options).permute([0, 2, 3, 1])
        };
        compare(&[noise(size)], |x| max_pool2d(x[0].clone(), kernel, stride), theirs);
    }
}

#[test]
fn max_pooling_lets_nan_through() {
    for at in 0..4 {
        let mut values = [1.0, 2.0, 3.0, 4.0];
        values[at] = f32::NAN;
        let x = Tensor::<1>::from_floats(values, &Device::flex()).reshape([1, 2, 2, 1]);
        assert!(max_pool2d(x, 2, 2).into_scalar::<f32>().is_nan(), "{at}");
    }
}

#[test]
fn pixel_shuffling() {
    for r in [1, 2, 3] {
        let theirs = |x: Vec<Tensor<4>>| {
            let [n, h, w, c] = x[0].dims();
            let c = c / (r * r);
            let x = x[0].clone().reshape([n, h, w, c, r, r]).permute([0, 1, 4, 2, 5, 3]);
            x.reshape([n, h * r, w * r, c])
        };
        compare(&[noise([2, 3, 5, 4 * r * r])], |x| pixel_shuffle(x[0].clone(), r), theirs);
    }
}

#[test]
fn distance_by_channel() {
    let theirs = |x: Vec<Tensor<4>>| {
        let difference = x[0].clone() - x[1].clone();
        difference.square().mean_dim(1).mean_dim(2).reshape([3, 7])
    };
    let inputs = [noise([3, 21, 13, 7]), noise([3, 21, 13, 7])];
    compare(&inputs, |x| channel_distance(x[0].clone(), x[1].clone()), theirs);
}

#[test]
fn distance_of_equals_has_gradient_zero() {
    let a = noise([1, 4, 4, 3]);
    let leaf = Tensor::<4>::from_data(a.to_data(), &Device::flex().autodiff()).require_grad();
    let target = Tensor::from_data(a.to_data(), &Device::flex().autodiff());
    let grads = channel_distance(leaf.clone(), target.clone()).sum().backward();
    assert_eq!(leaf.grad(&grads).unwrap().abs().max().into_scalar::<f32>(), 0.0);
    assert!(target.grad(&grads).is_none(), "the target gets no gradient");
}

#[test]
fn depthwise_convolution() {
    for (size, kernel, stride, padding, dilation) in [
        ([2, 7, 6, 5], 3, 1, 1, 1),
        ([1, 9, 8, 21], 5, 2, 2, 1),
        ([1, 9, 8, 4], 3, 1, 2, 2),
        ([1, 6, 6, 3], 2, 3, 0, 1),
        ([1, 1, 1, 3], 3, 1, 1, 1),
    ] {
        let channels = size[3];
        let conv =
            Conv { stride, padding, dilation, activation: Activation::LeakyRelu(0.2), ..Conv::default() };
        let options = ConvOptions::new([stride; 2], [padding; 2], [dilation; 2], channels);
        let bias = |x: &[Tensor<4>]| x[2].clone().reshape([channels]);
        let theirs = |x: Vec<Tensor<4>>| {
            let y = conv2d(x[0].clone().permute([0, 3, 1, 2]), x[1].clone(), Some(bias(&x)), options.clone());
            burn::tensor::activation::leaky_relu(y.permute([0, 2, 3, 1]), 0.2)
        };
        let ours = |x: Vec<Tensor<4>>| depthwise_conv2d(x[0].clone(), x[1].clone(), Some(bias(&x)), conv);
        let inputs = [noise(size), noise([channels, 1, kernel, kernel]), noise([1, 1, 1, channels])];
        compare(&inputs, ours, theirs);
    }
}
