//! Seconds in which published architectures restore a tile, and of a training step of some: one JSON line each, as
//! `bench/restore.py` prints. `f32` and bf16 in turn; what is in bf16 is called so.
//!
//! `cargo run --release -p percept-nn --example restore -- [REPETITIONS] [keep] [NAME]`; with `keep` the allocator keeps its
//! memory, as the binary does. Weights are random: they do not change the time.

use std::error::Error;
use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use percept_conv::{Conv, Precision, keep_memory};
use percept_nn::network::NetworkConfig;

/// Name, settings, scale, and how many of the sizes: large networks take the small one alone.
const NETWORKS: [(&str, &str, usize, usize); 7] = [
    (
        "span 28",
        r#"{"type":"span","feature_channels":28,"cat_channels":20,"norm":true,"reparameterized":false}"#,
        4,
        2,
    ),
    ("span 48", r#"{"type":"span","feature_channels":48,"norm":true,"reparameterized":false}"#, 4, 2),
    ("compact 64/32", r#"{"type":"compact","num_feat":64,"num_conv":32}"#, 4, 2),
    ("rrdbnet 64/23", r#"{"type":"rrdbnet","num_feat":64,"num_block":23}"#, 4, 1),
    ("realplksr 64/28", r#"{"type":"realplksr"}"#, 4, 1),
    ("nafnet 32", r#"{"type":"nafnet"}"#, 1, 2),
    ("swinir light", r#"{"type":"swinir"}"#, 4, 1),
];
/// Height and width: a small photo, and a tile of which eight make 1920 × 1080 with 16 pixels around each.
const SIZES: [[usize; 2]; 2] = [[256, 256], [576, 512]];
/// Name, settings, scale, and the batch: so many squares of so many pixels are read.
const STEPS: [(&str, &str, usize, [usize; 2]); 4] = [
    ("span 48", r#"{"type":"span","feature_channels":48,"norm":true}"#, 4, [8, 24]),
    (
        "nafnet 16",
        r#"{"type":"nafnet","width":16,"enc_blk_nums":[1,1,1],"dec_blk_nums":[1,1,1]}"#,
        1,
        [4, 96],
    ),
    ("nafnet 32", r#"{"type":"nafnet"}"#, 1, [4, 96]),
    ("swinir light", r#"{"type":"swinir"}"#, 4, [2, 64]),
];

const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Bf16];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let repeat = arguments.first().map_or(Ok(3), |count| count.parse())?;
    if arguments.iter().any(|argument| argument == "keep") {
        keep_memory();
    }
    let only = arguments.iter().skip(1).find(|argument| *argument != "keep");
    let wanted = |name: &str| only.is_none_or(|only| name.starts_with(only.as_str()));
    let plain = Device::flex();
    let uniform = Distribution::Uniform(0.0, 1.0);

    for (name, config, scale, sizes) in NETWORKS.into_iter().filter(|(name, ..)| wanted(name)) {
        let config = serde_json::from_str::<NetworkConfig>(config)?;
        let [exact, narrow] =
            PRECISIONS.map(|precision| config.init_in(restoring(precision), scale, 3, 0, &plain));
        let networks = [exact?, narrow?];
        for [height, width] in &SIZES[..sizes] {
            let x = Tensor::<4>::random([1, *height, *width, 3], uniform, &plain);
            report(&format!("{name} {height}x{width}"), "forward", repeat, |at| {
                drop(networks[at].forward(x.clone()))
            });
        }
    }
    for (name, config, scale, [batch, side]) in STEPS.into_iter().filter(|(name, ..)| wanted(name)) {
        let device = plain.clone().autodiff();
        let config = serde_json::from_str::<NetworkConfig>(config)?;
        let [exact, narrow] =
            PRECISIONS.map(|precision| config.init_in(learning(precision), scale, 3, 0, &device));
        let networks = [exact?, narrow?];
        let [x, target] =
            [1, scale].map(|s| Tensor::<4>::random([batch, s * side, s * side, 3], uniform, &device));
        // On one of the threads that compute, as a training does it.
        report(&format!("{name} {batch}x{side}"), "step", 3 * repeat, |at| {
            rayon::scope(|_| {
                drop((networks[at].forward(x.clone()) - target.clone()).abs().mean().backward());
            });
        });
    }
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
