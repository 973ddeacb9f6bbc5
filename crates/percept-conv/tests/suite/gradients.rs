//! The operations and their backward passes on tensors, against Burn's own operations.

use std::cell::Cell;

use crate::common::reference;
use burn::tensor::{Device, Tensor, TensorData, Tolerance, activation};
use percept_conv::{
    Activation, Conv, FrozenConv, Precision, contextual_similarity, conv2d, unit, unit_distance,
};

/// From -1 to 1, the same numbers in every run of a test: where a random sum falls on the kink of a ReLU, two right gradients
/// differ.
fn noise<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    thread_local!(static STATE: Cell<u64> = const { Cell::new(1) });
    let value = |_| {
        // Splitmix64 (Steele, Lea, Flood, 2014).
        STATE.set(STATE.get().wrapping_add(0x9e37_79b9_7f4a_7c15));
        let mut z = STATE.get();
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    };
    let values: Vec<f32> = (0..shape.iter().product()).map(value).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

type Operation = dyn Fn(Tensor<4>, Tensor<4>, Option<Tensor<1>>, Option<Tensor<4>>, Conv) -> Tensor<4>;

fn assert_close<const D: usize>(a: Tensor<D>, b: Tensor<D>) {
    a.into_data().assert_approx_eq::<f32>(&b.into_data(), Tolerance::rel_abs(1e-4, 1e-4));
}

const CONVS: [Conv; 6] = [
    Conv {
        stride: 1,
        padding: 1,
        dilation: 1,
        activation: Activation::None,
        precision: Precision::F32,
        filtering: Precision::F32,
    },
    Conv {
        stride: 1,
        padding: 1,
        dilation: 1,
        activation: Activation::Relu,
        precision: Precision::F32,
        filtering: Precision::F32,
    },
    Conv {
        stride: 2,
        padding: 1,
        dilation: 1,
        activation: Activation::LeakyRelu(0.2),
        precision: Precision::F32,
        filtering: Precision::F32,
    },
    Conv {
        stride: 2,
        padding: 2,
        dilation: 2,
        activation: Activation::Relu,
        precision: Precision::F32,
        filtering: Precision::F32,
    },
    Conv {
        stride: 3,
        padding: 0,
        dilation: 1,
        activation: Activation::None,
        precision: Precision::F32,
        filtering: Precision::F32,
    },
    Conv {
        stride: 1,
        padding: 1,
        dilation: 1,
        activation: Activation::LeakyRelu(-0.5),
        precision: Precision::F32,
        filtering: Precision::F32,
    },
];

#[test]
fn all_four_gradients_equal_burns() {
    CONVS.into_iter().for_each(|conv| gradients_equal_burns([2, 9, 8, 5], [7, 5, 3, 3], conv));
}

/// As discriminators have them.
#[test]
fn convolutions_that_halve_equal_burns() {
    let halving = Conv { stride: 2, padding: 1, ..Conv::default() };
    for conv in [halving, halving.with_activation(Activation::LeakyRelu(0.2))] {
        for (size, channels) in
            [([2, 32, 36], [16, 20]), ([1, 34, 40], [20, 16]), ([2, 33, 36], [16, 16]), ([1, 8, 8], [3, 5])]
        {
            let ([n, h, w], [input, output]) = (size, channels);
            gradients_equal_burns([n, h, w, input], [output, input, 4, 4], conv);
        }
    }
}

/// Of a convolution of an image of one size by weights of the other.
fn gradients_equal_burns(size: [usize; 4], weights: [usize; 4], conv: Conv) {
    let plain = Device::flex();
    let device = plain.clone().autodiff();
    let [x, weight] = [noise(size, &plain), noise(weights, &plain)];
    // Sums of about the same size for any number of products.
    let weight = weight.mul_scalar((45.0 / weights[1..].iter().product::<usize>() as f64).sqrt());
    let bias = noise([weights[0]], &plain);
    let size = reference(x.clone(), weight.clone(), None, None, conv).dims();
    let [residual, outer] = [noise(size, &plain), noise(size, &plain)];
    let run = |operation: &Operation| {
        let leaf = |t: &Tensor<4>| Tensor::from_data(t.to_data(), &device).require_grad();
        let [x, weight, residual] = [leaf(&x), leaf(&weight), leaf(&residual)];
        let bias = Tensor::<1>::from_data(bias.to_data(), &device).require_grad();
        let y = operation(x.clone(), weight.clone(), Some(bias.clone()), Some(residual.clone()), conv);
        let value = y.clone().inner();
        let grads = (y * Tensor::from_data(outer.to_data(), &device)).sum().backward();
        let gradients = [x, weight, residual].map(|t| t.grad(&grads).unwrap());
        (value, gradients, bias.grad(&grads).unwrap())
    };
    let (value, gradients, bias_gradient) = run(&conv2d);
    let (expected, expected_gradients, expected_bias) = run(&reference);
    assert_close(value, expected);
    for (gradient, expected) in gradients.into_iter().zip(expected_gradients) {
        assert_close(gradient, expected);
    }
    assert_close(bias_gradient, expected_bias);
}

#[test]
fn frozen_weights_get_no_gradient_and_the_input_gets_its_own() {
    let plain = Device::flex();
    let device = plain.clone().autodiff();
    let weight = noise([6, 4, 3, 3], &plain);
    let conv = Conv::same(3).with_activation(Activation::Relu);
    let x = noise([2, 6, 7, 4], &plain);
    let leaf = || Tensor::<4>::from_data(x.to_data(), &device).require_grad();

    let (frozen_x, plain_x) = (leaf(), leaf());
    let on_device = Tensor::<4>::from_data(weight.to_data(), &device);
    let frozen = FrozenConv::new(weight.clone(), None, conv);
    for _ in 0..2 {
        let grads = frozen.forward(frozen_x.clone()).sum().backward();
        let expected = conv2d(plain_x.clone(), on_device.clone(), None, None, conv).sum().backward();
        assert!(on_device.grad(&expected).is_none(), "untracked weights have no gradient");
        assert_close(frozen_x.grad(&grads).unwrap(), plain_x.grad(&expected).unwrap());
    }
    assert_close(frozen.forward(x.clone()), conv2d(x, weight, None, None, conv));
}

#[test]
fn frozen_weights_that_were_trained_before_stay_out_of_the_graph() {
    let device = Device::flex().autodiff();
    let weight = noise([3, 2, 3, 3], &device).require_grad();
    let x = noise([1, 5, 5, 2], &device).require_grad();
    let frozen = FrozenConv::new(weight.clone(), None, Conv::same(3));
    let grads = frozen.forward(x.clone()).sum().backward();
    assert!(weight.grad(&grads).is_none());
    assert!(x.grad(&grads).is_some());
}

#[test]
fn views_are_read_in_their_own_order() {
    let device = Device::flex();
    let x = noise([2, 5, 6, 7], &device);
    let weight = noise([4, 5, 3, 3], &device);
    let view = x.permute([0, 2, 3, 1]).slice([0..2, 1..5, 0..7, 0..5]);
    let conv = Conv::same(3);
    assert_close(
        conv2d(view.clone(), weight.clone(), None, None, conv),
        reference(view, weight, None, None, conv),
    );
}

#[test]
fn contextual_similarity_and_its_gradient_equal_burns() {
    let plain = Device::flex();
    let cosines = noise::<3>([2, 70, 41], &plain).mul_scalar(0.95);
    let outer = noise::<1>([2], &plain);
    let run = |operation: &dyn Fn(Tensor<3>) -> Tensor<1>| {
        let x = Tensor::<3>::from_data(cosines.to_data(), &plain.clone().autodiff()).require_grad();
        let y = operation(x.clone());
        let outer = Tensor::from_data(outer.to_data(), &x.device());
        (y.clone().inner(), x.grad(&(y * outer).sum().backward()).unwrap())
    };
    let reference = |cosines: Tensor<3>| {
        let distance = cosines.neg().add_scalar(1.0).div_scalar(2.0).clamp_min(0.0);
        let nearest = distance.clone().min_dim(2).add_scalar(1e-5);
        let similarity = activation::softmax((distance / nearest).div_scalar(-0.5), 2);
        similarity.max_dim(1).mean_dim(2).reshape([2])
    };
    let (y, gradient) = run(&|cosines| contextual_similarity(cosines, 0.5));
    let (expected, expected_gradient) = run(&reference);
    assert_close(y, expected);
    assert_close(gradient, expected_gradient);
}

#[test]
fn unit_vectors_and_their_gradient_equal_burns() {
    let plain = Device::flex();
    for channels in [1, 5, 16, 37] {
        let [x, outer] = [(); 2].map(|()| noise::<3>([2, 300, channels], &plain));
        let run = |operation: &dyn Fn(Tensor<3>) -> Tensor<3>| {
            let x = Tensor::<3>::from_data(x.to_data(), &plain.clone().autodiff()).require_grad();
            let y = operation(x.clone());
            let outer = Tensor::from_data(outer.to_data(), &x.device());
            (y.clone().inner(), x.grad(&(y * outer).sum().backward()).unwrap())
        };
        let (y, gradient) = run(&|x| unit(x, 1e-2));
        let (expected, expected_gradient) =
            run(&|x| x.clone() / x.square().sum_dim(2).add_scalar(1e-2).sqrt());
        assert_close(y, expected);
        assert_close(gradient, expected_gradient);
    }
}

#[test]
fn distances_of_unit_vectors_and_both_gradients_equal_burns() {
    let plain = Device::flex();
    for channels in [1, 5, 16, 37] {
        let [a, b] = [(); 2].map(|()| noise::<4>([2, 30, 11, channels], &plain));
        let weight = noise::<1>([channels], &plain);
        let outer = noise::<3>([2, 30, 11], &plain);
        let run = |operation: &dyn Fn(Tensor<4>, Tensor<4>, Tensor<1>) -> Tensor<3>| {
            let device = plain.clone().autodiff();
            let leaf = |t: &Tensor<4>| Tensor::<4>::from_data(t.to_data(), &device).require_grad();
            let (a, b) = (leaf(&a), leaf(&b));
            let y = operation(a.clone(), b.clone(), Tensor::from_data(weight.to_data(), &device));
            let outer = Tensor::from_data(outer.to_data(), &device);
            let gradients = (y.clone() * outer).sum().backward();
            (y.inner(), a.grad(&gradients).unwrap(), b.grad(&gradients).unwrap())
        };
        let (y, to_a, to_b) = run(&|a, b, weight| unit_distance(a, b, weight, 1e-2));
        let (expected, expected_a, expected_b) = run(&|a, b, weight| {
            let unit = |x: Tensor<4>| x.clone() / x.square().sum_dim(3).add_scalar(1e-2).sqrt();
            let terms = (unit(a) - unit(b)).square() * weight.reshape([1, 1, 1, channels]);
            terms.sum_dim(3).reshape([2, 30, 11])
        });
        assert_close(y, expected);
        assert_close(to_a, expected_a);
        assert_close(to_b, expected_b);
    }
}
