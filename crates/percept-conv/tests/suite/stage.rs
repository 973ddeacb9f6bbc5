//! Frozen layers as one operation, against the same layers one by one.

use burn::tensor::{Device, Distribution, Tensor, Tolerance, activation::relu};
use percept_conv::{Activation, Conv, FrozenConv, FrozenLayer, FrozenStage, Precision, max_pool2d};

fn noise<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::random(shape, Distribution::Uniform(-1.0, 1.0), &Device::flex())
}

fn conv(input: usize, output: usize, kernel: usize, conv: Conv) -> FrozenLayer {
    let weight = noise([output, input, kernel, kernel]);
    FrozenLayer::Conv(Box::new(FrozenConv::new(weight, Some(noise([output])), conv)))
}

fn narrow(layer: &FrozenLayer) -> FrozenLayer {
    match layer {
        FrozenLayer::Conv(layer) => {
            FrozenLayer::Conv(Box::new(layer.as_ref().clone().with_precision(Precision::Bf16)))
        }
        other => other.clone(),
    }
}

fn one_by_one(layers: &[FrozenLayer], x: Tensor<4>) -> Tensor<4> {
    layers.iter().fold(x, |x, layer| match layer {
        FrozenLayer::Conv(layer) => layer.forward(x),
        FrozenLayer::Relu => relu(x),
        FrozenLayer::MaxPool { kernel, stride } => max_pool2d(x, *kernel, *stride),
    })
}

fn assert_close(a: Tensor<4>, b: Tensor<4>) {
    a.into_data().assert_approx_eq::<f32>(&b.into_data(), Tolerance::rel_abs(1e-5, 1e-5));
}

/// The values of `forward` and a gradient to `x`.
fn with_gradient(x: &Tensor<4>, forward: &dyn Fn(Tensor<4>) -> Tensor<4>) -> (Tensor<4>, Tensor<4>) {
    let leaf = Tensor::<4>::from_data(x.to_data(), &Device::flex().autodiff()).require_grad();
    let y = forward(leaf.clone());
    let count = y.dims().iter().product::<usize>() as i64;
    let outer = Tensor::arange(0..count, &leaf.device()).float().reshape(y.dims()).sin();
    let gradients = (y.clone() * outer).sum().backward();
    (y.inner(), leaf.grad(&gradients).unwrap())
}

#[test]
fn values_and_gradient_are_those_of_the_single_layers() {
    let same = Conv::same(3).with_activation(Activation::Relu);
    let pool = FrozenLayer::MaxPool { kernel: 2, stride: 2 };
    let leaky = Conv { stride: 2, padding: 1, ..Conv::default() }.with_activation(Activation::LeakyRelu(0.2));
    let stages = [
        vec![FrozenLayer::Relu],
        vec![pool.clone()],
        vec![conv(3, 5, 3, Conv::same(3))],
        vec![conv(3, 32, 3, same), conv(32, 20, 3, same), pool.clone(), conv(20, 16, 3, same)],
        vec![FrozenLayer::Relu, pool.clone(), conv(3, 21, 3, same), conv(21, 24, 3, Conv::same(3))],
        vec![conv(3, 7, 5, leaky), FrozenLayer::MaxPool { kernel: 3, stride: 2 }, conv(7, 9, 3, same)],
    ];
    let narrow = stages.clone().map(|layers| layers.iter().map(narrow).collect());
    for layers in stages.into_iter().chain(narrow) {
        let stage = FrozenStage::new(layers.clone(), &Device::flex());
        let x = noise([2, 23, 26, 3]);
        for _ in 0..2 {
            let (y, gradient) = with_gradient(&x, &|x| stage.forward(x));
            let (expected, expected_gradient) = with_gradient(&x, &|x| one_by_one(&layers, x));
            assert_close(y, expected.clone());
            assert_close(gradient, expected_gradient);
            // Nothing is kept, and it is the same.
            assert_close(stage.forward(x.clone()), expected);
        }
    }
}

/// Length of `a − b` relative to that of `b`.
fn apart(a: Tensor<4>, b: Tensor<4>) -> f32 {
    let length = |x: Tensor<4>| x.square().sum().sqrt().into_scalar::<f32>();
    length(a - b.clone()) / length(b)
}

/// On a processor that does not multiply bf16 nothing is rounded.
#[test]
fn bf16_is_close_and_not_equal() {
    // Without an activation: its sign would turn with the rounding, which is no error of the products.
    let layers = vec![conv(16, 32, 3, Conv::same(3)), conv(32, 16, 3, Conv::same(3))];
    let x = noise([2, 23, 26, 16]);
    let [(y, gradient), (expected, expected_gradient)] =
        [layers.iter().map(narrow).collect(), layers].map(|layers: Vec<_>| {
            let stage = FrozenStage::new(layers, &Device::flex());
            with_gradient(&x, &|x| stage.forward(x))
        });
    let bounds = if Precision::Bf16.on_cpu() == Precision::Bf16 { 1e-3..3e-2 } else { 0.0..1e-9 };
    for apart in [apart(y, expected), apart(gradient, expected_gradient)] {
        assert!(bounds.contains(&apart), "{apart} apart");
    }
}

#[test]
fn no_layers_change_nothing() {
    let x = noise([1, 3, 4, 2]);
    let stage = FrozenStage::new(Vec::new(), &Device::flex());
    assert_eq!(stage.forward(x.clone()).into_data(), x.into_data());
}

#[test]
fn not_a_number_comes_through() {
    let same = Conv::same(3).with_activation(Activation::Relu);
    let pool = FrozenLayer::MaxPool { kernel: 2, stride: 2 };
    let stage = FrozenStage::new(vec![FrozenLayer::Relu, conv(3, 8, 3, same), pool], &Device::flex());
    let x = Tensor::<4>::full([1, 4, 4, 3], f32::NAN, &Device::flex());
    assert!(stage.forward(x).into_data().iter::<f32>().all(f32::is_nan));
}

#[test]
#[should_panic(expected = "5 channels")]
fn channels_that_do_not_fit_are_refused() {
    let stage = FrozenStage::new(vec![conv(3, 8, 3, Conv::same(3))], &Device::flex());
    let _ = stage.forward(noise([1, 4, 4, 5]));
}
