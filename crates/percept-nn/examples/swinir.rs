//! Seconds of SwinIR's inference and training step: one JSON line each, as `bench/swinir.py` prints.
//!
//! `cargo run --release -p percept-nn --example swinir -- [REPETITIONS] [keep]`; with `keep` the allocator keeps
//! its memory, as the binary does. Weights are random: they do not change the time.

use std::error::Error;
use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use percept_conv::keep_memory;
use percept_nn::network::{NetworkConfig, SwinIrConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let repeat = arguments.first().map_or(Ok(5), |count| count.parse())?;
    if arguments.iter().any(|argument| argument == "keep") {
        keep_memory();
    }
    let plain = Device::flex();
    let device = plain.clone().autodiff();
    let uniform = Distribution::Uniform(0.0, 1.0);
    let light = NetworkConfig::SwinIr(SwinIrConfig::default());

    let network = light.init(4, 3, 0, &plain)?;
    let x = Tensor::<4>::random([1, 256, 256, 3], uniform, &plain);
    report("swinir light x4 1x256", "forward", repeat, || drop(network.forward(x.clone())));

    let network = light.init(4, 3, 0, &device)?;
    let x = Tensor::<4>::random([2, 64, 64, 3], uniform, &device);
    let target = Tensor::<4>::random([2, 256, 256, 3], uniform, &device);
    report("swinir light x4 2x64", "step", repeat, || {
        drop((network.forward(x.clone()) - target.clone()).abs().mean().backward());
    });
    Ok(())
}

/// Prints the least time of `repeat` runs.
fn report(shape: &str, pass: &str, repeat: usize, run: impl Fn()) {
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    let seconds = (0..=repeat).map(time).fold(f64::INFINITY, f64::min);
    println!(r#"{{"shape":"{shape}","pass":"{pass}","seconds":{seconds},"flops":0}}"#);
}
