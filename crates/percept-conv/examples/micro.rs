//! Seconds of single convolutions, `f32` and bf16 in turn: one JSON line for every shape, precision and pass, as
//! `bench/micro.py` prints.
//!
//! `cargo run --release -p percept-conv --example micro -- [REPETITIONS] [keep] [SHAPE]`; with `keep` the
//! allocator keeps its memory, as the binary does; SHAPE begins the names of what is timed.

use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use percept_conv::{Activation, Conv, FrozenConv, Precision, conv2d, keep_memory};

/// Name, batch, side, input channels, output channels, side of the kernel.
const SHAPES: [(&str, usize, usize, usize, usize, usize); 11] = [
    ("64->64 8x96", 8, 96, 64, 64, 3),
    ("128->128 8x48", 8, 48, 128, 128, 3),
    ("256->256 8x24", 8, 24, 256, 256, 3),
    ("48->48 8x24", 8, 24, 48, 48, 3),
    ("48->48 8x96", 8, 96, 48, 48, 3),
    ("48->192 8x48", 8, 48, 48, 192, 3),
    ("3->64 8x96", 8, 96, 3, 64, 3),
    ("48->3 8x96", 8, 96, 48, 3, 3),
    ("1x1 32->64 1x512", 1, 512, 32, 64, 1),
    ("1x1 256->512 1x64", 1, 64, 256, 512, 1),
    ("1x1 180->360 1x128", 1, 128, 180, 360, 1),
];
const PRECISIONS: [(Precision, &str); 2] = [(Precision::F32, ""), (Precision::Bf16, " bf16")];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let repeat = arguments.first().and_then(|count| count.parse().ok()).unwrap_or(30);
    if arguments.iter().any(|argument| argument == "keep") {
        keep_memory();
    }
    let only = arguments.iter().skip(1).find(|argument| *argument != "keep").map_or("", String::as_str);
    let plain = Device::flex();
    let device = plain.clone().autodiff();
    let uniform = Distribution::Uniform(-0.5, 0.5);
    let shapes = SHAPES.into_iter().filter(|(shape, ..)| shape.starts_with(only));
    for (shape, batch, side, inputs, outputs, kernel) in shapes {
        let x = Tensor::<4>::random([batch, side, side, inputs], uniform, &plain);
        let weight = Tensor::<4>::random([outputs, inputs, kernel, kernel], uniform, &plain);
        let bias = Tensor::<1>::random([outputs], uniform, &plain);
        let source = Tensor::<4>::from_data(x.to_data(), &device).require_grad();
        let trained = Tensor::<4>::from_data(weight.to_data(), &device).require_grad();
        let trained_bias = Tensor::<1>::from_data(bias.to_data(), &device).require_grad();
        let backward = |y: Tensor<4>| drop(y.sum().backward());
        let conv = |precision| Conv::same(kernel).with_activation(Activation::Relu).with_precision(precision);
        let layers = PRECISIONS
            .map(|(precision, _)| FrozenConv::new(weight.clone(), Some(bias.clone()), conv(precision)));
        let flops = (2 * kernel * kernel * batch * side * side * inputs * outputs) as f64;
        report(shape, "forward", flops, repeat, |at| drop(layers[at].forward(x.clone())));
        report(shape, "input", 2.0 * flops, repeat, |at| backward(layers[at].forward(source.clone())));
        report(shape, "full", 3.0 * flops, repeat, |at| {
            let (weight, bias) = (trained.clone(), Some(trained_bias.clone()));
            backward(conv2d(source.clone(), weight, bias, None, conv(PRECISIONS[at].0)));
        });
    }
}

/// Prints the least time of `repeat` runs of each precision, in turn, and the operations by definition.
fn report(shape: &str, pass: &str, flops: f64, repeat: usize, run: impl Fn(usize)) {
    let mut least = [f64::INFINITY; PRECISIONS.len()];
    for _ in 0..repeat + 2 {
        for (at, least) in least.iter_mut().enumerate() {
            let start = Instant::now();
            run(at);
            *least = least.min(start.elapsed().as_secs_f64());
        }
    }
    for ((_, name), seconds) in PRECISIONS.iter().zip(least) {
        println!(r#"{{"shape":"{shape}{name}","pass":"{pass}","seconds":{seconds},"flops":{flops}}}"#);
    }
}
