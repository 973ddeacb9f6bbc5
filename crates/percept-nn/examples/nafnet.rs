//! Seconds of NAFNet's training step and inference: one JSON line each, as `bench/nafnet.py` prints. `f32` and bf16 in turn;
//! what is in bf16 is called so.
//!
//! `cargo run --release -p percept-nn --example nafnet -- [REPETITIONS] [keep]`; with `keep` the allocator keeps
//! its memory, as the binary does. Weights are random: they do not change the time.

use std::error::Error;
use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use percept_conv::{Conv, Precision, keep_memory};
use percept_nn::network::{NafNetConfig, NetworkConfig};

const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Bf16];

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
        let [exact, narrow] =
            PRECISIONS.map(|precision| config(width, levels).init_in(learning(precision), 1, 3, 0, &device));
        let networks = [exact?, narrow?];
        let [x, target] = [(); 2].map(|()| Tensor::<4>::random([4, 96, 96, 3], uniform, &device));
        report(&format!("nafnet {width} 4x96"), "step", repeat, |at| {
            drop((networks[at].forward(x.clone()) - target.clone()).abs().mean().backward());
        });
    }

    let [exact, narrow] =
        PRECISIONS.map(|precision| config(32, 4).init_in(restoring(precision), 1, 3, 0, &plain));
    let networks = [exact?, narrow?];
    let x = Tensor::<4>::random([1, 512, 512, 3], uniform, &plain);
    report("nafnet 32 1x512", "forward", repeat, |at| drop(networks[at].forward(x.clone())));
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
