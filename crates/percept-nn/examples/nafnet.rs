//! Seconds of NAFNet's training step and inference: one JSON line each, as `bench/nafnet.py` prints.
//!
//! `cargo run --release -p percept-nn --example nafnet -- [REPETITIONS] [keep]`; with `keep` the allocator keeps
//! its memory, as the binary does. Weights are random: they do not change the time.

use std::error::Error;
use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use percept_conv::keep_memory;
use percept_nn::network::{NafNetConfig, NetworkConfig};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let repeat = arguments.first().map_or(Ok(10), |count| count.parse())?;
    if arguments.iter().any(|argument| argument == "keep") {
        keep_memory();
    }
    let plain = Device::flex();
    let device = plain.clone().autodiff();
    let uniform = Distribution::Uniform(0.0, 1.0);
    let config = |width: usize, levels: usize| {
        let (enc_blk_nums, dec_blk_nums) = (vec![1; levels], vec![1; levels]);
        NetworkConfig::NafNet(NafNetConfig { width, enc_blk_nums, middle_blk_num: 1, dec_blk_nums })
    };

    for (width, levels) in [(16, 3), (32, 4)] {
        let network = config(width, levels).init(1, 3, 0, &device)?;
        let [x, target] = [(); 2].map(|()| Tensor::<4>::random([4, 96, 96, 3], uniform, &device));
        report(&format!("nafnet {width} 4x96"), "step", repeat, || {
            drop((network.forward(x.clone()) - target.clone()).abs().mean().backward());
        });
    }

    let network = config(32, 4).init(1, 3, 0, &plain)?;
    let x = Tensor::<4>::random([1, 512, 512, 3], uniform, &plain);
    report("nafnet 32 1x512", "forward", repeat, || drop(network.forward(x.clone())));
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
