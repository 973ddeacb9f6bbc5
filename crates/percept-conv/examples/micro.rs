//! Seconds of single convolutions: one JSON line for every shape and pass, as `bench/micro.py` prints.
//!
//! `cargo run --release -p percept-conv --example micro -- [REPETITIONS] [keep]`; with `keep` the
//! allocator keeps its memory, as the binary does.

use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use percept_conv::{Activation, Conv, FrozenConv, conv2d, keep_memory};

/// Name, batch, side, input channels, output channels.
const SHAPES: [(&str, usize, usize, usize, usize); 6] = [
    ("64->64 8x96", 8, 96, 64, 64),
    ("128->128 8x48", 8, 48, 128, 128),
    ("256->256 8x24", 8, 24, 256, 256),
    ("48->48 8x24", 8, 24, 48, 48),
    ("3->64 8x96", 8, 96, 3, 64),
    ("48->3 8x96", 8, 96, 48, 3),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let repeat = arguments.first().and_then(|count| count.parse().ok()).unwrap_or(30);
    if arguments.iter().any(|argument| argument == "keep") {
        keep_memory();
    }
    let plain = Device::flex();
    let device = plain.clone().autodiff();
    let conv = Conv::same(3).with_activation(Activation::Relu);
    let uniform = Distribution::Uniform(-0.5, 0.5);
    for (shape, batch, side, inputs, outputs) in SHAPES {
        let x = Tensor::<4>::random([batch, side, side, inputs], uniform, &plain);
        let weight = Tensor::<4>::random([outputs, inputs, 3, 3], uniform, &plain);
        let bias = Tensor::<1>::random([outputs], uniform, &plain);
        let frozen = FrozenConv::new(weight.clone(), Some(bias.clone()), conv);
        let source = Tensor::<4>::from_data(x.to_data(), &device).require_grad();
        let trained = Tensor::<4>::from_data(weight.to_data(), &device).require_grad();
        let trained_bias = Tensor::<1>::from_data(bias.to_data(), &device).require_grad();
        let backward = |y: Tensor<4>| drop(y.sum().backward());
        let flops = (2 * 9 * batch * side * side * inputs * outputs) as f64;
        report(shape, "forward", flops, repeat, || drop(frozen.forward(x.clone())));
        report(shape, "input", 2.0 * flops, repeat, || backward(frozen.forward(source.clone())));
        report(shape, "full", 3.0 * flops, repeat, || {
            let (weight, bias) = (trained.clone(), Some(trained_bias.clone()));
            backward(conv2d(source.clone(), weight, bias, None, conv));
        });
    }
}

/// Prints the least time of `repeat` runs, and the operations by definition.
fn report(shape: &str, pass: &str, flops: f64, repeat: usize, run: impl Fn()) {
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    let seconds = (0..repeat + 2).map(time).fold(f64::INFINITY, f64::min);
    println!(r#"{{"shape":"{shape}","pass":"{pass}","seconds":{seconds},"flops":{flops}}}"#);
}
