//! Seconds of SwinIR's inference and training step: one JSON line each, as `bench/swinir.py` prints. `f32` and bf16 in turn;
//! what is in bf16 is called so.
//!
//! `cargo run --release -p percept-nn --example swinir -- [REPETITIONS] [keep]`; with `keep` the allocator keeps
//! its memory, as the binary does. Weights are random: they do not change the time.

use std::error::Error;
use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use percept_conv::{Conv, Precision, keep_memory};
use percept_nn::network::{NetworkConfig, SwinIrConfig};

const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Bf16];

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

    let [exact, narrow] = PRECISIONS.map(|precision| light.init_in(restoring(precision), 4, 3, 0, &plain));
    let networks = [exact?, narrow?];
    let x = Tensor::<4>::random([1, 256, 256, 3], uniform, &plain);
    report("swinir light x4 1x256", "forward", repeat, |at| drop(networks[at].forward(x.clone())));

    let [exact, narrow] = PRECISIONS.map(|precision| light.init_in(learning(precision), 4, 3, 0, &device));
    let networks = [exact?, narrow?];
    let x = Tensor::<4>::random([2, 64, 64, 3], uniform, &device);
    let target = Tensor::<4>::random([2, 256, 256, 3], uniform, &device);
    report("swinir light x4 2x64", "step", repeat, |at| {
        drop((networks[at].forward(x.clone()) - target.clone()).abs().mean().backward());
    });
    Ok(())
}

/// As training multiplies.
fn learning(precision: Precision) -> Conv {
    Conv::default().with_precision(precision)
}

/// As a photo is restored.
fn restoring(precision: Precision) -> Conv {
    learning(precision).with_exact_filtering()
}

/// Prints the least time of `repeat` runs of each precision, in turn.
fn report(shape: &str, pass: &str, repeat: usize, run: impl Fn(usize)) {
    let mut least = [f64::INFINITY; 2];
    for _ in 0..=repeat {
        for (at, least) in least.iter_mut().enumerate() {
            let start = Instant::now();
            run(at);
            *least = least.min(start.elapsed().as_secs_f64());
        }
    }
    for (name, seconds) in ["", " bf16"].iter().zip(least) {
        println!(r#"{{"shape":"{shape}{name}","pass":"{pass}","seconds":{seconds},"flops":0}}"#);
    }
}
