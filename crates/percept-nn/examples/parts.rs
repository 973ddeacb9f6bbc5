//! Seconds of the parts that training and judging are made of: one JSON line each, as `bench/parts.py` prints.
//!
//! `cargo run --release -p percept-nn --example parts -- [REPETITIONS] [keep]`; with `keep` the allocator keeps
//! its memory, as the binary does. Weights are random: they do not change the time.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use percept_conv::{Conv, keep_memory};
use percept_nn::backbone::{BackboneConfig, BackboneKind, Precision, WeightSource};
use percept_nn::disentangle::{ContextualConfig, contextual};
use percept_nn::distance::Lpips;
use percept_nn::network::{NetworkConfig, SrResNetConfig};
use percept_nn::weights::WeightStore;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let repeat = arguments.first().map_or(Ok(10), |count| count.parse())?;
    if arguments.iter().any(|argument| argument == "keep") {
        keep_memory();
    }
    let device = Device::flex();
    let store =
        WeightStore::new().with_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/weights"));
    let images = |size: [usize; 4]| Tensor::<4>::random(size, Distribution::Uniform(0.0, 1.0), &device);
    let tracked =
        |x: &Tensor<4>| Tensor::<4>::from_data(x.to_data(), &device.clone().autodiff()).require_grad();

    // Operations for a pixel: products of channels, on maps a fourth as large each time.
    let stages = [[3 * 64, 64 * 64, 0], [64 * 128, 128 * 128, 0], [128 * 256, 256 * 256, 256 * 256]];
    let deep = [[256 * 512, 512 * 512, 512 * 512], [512 * 512, 512 * 512, 512 * 512]];
    let stages = stages.iter().chain(&deep).enumerate();
    let stages: Vec<f64> = stages
        .map(|(stage, products)| 18.0 * f64::from(products.iter().sum::<u32>()) / f64::from(1 << (2 * stage)))
        .collect();
    let taps = [("relu3_3", 3), ("relu4_3", 4), ("relu5_3", 5)];
    let precisions = [(Precision::F32, ""), (Precision::Bf16, " bf16")];
    for ((tap, count), (precision, name)) in
        taps.iter().flat_map(|tap| precisions.map(|precision| (*tap, precision)))
    {
        let per_pixel: f64 = stages.iter().take(count).sum();
        let config = BackboneConfig { kind: BackboneKind::Vgg16, weights: WeightSource::Random, precision };
        let vgg = config.init(&[tap.to_string()], &store, &device)?;
        let see = |x: Tensor<4>| vgg.features(x).remove(0);
        for (batch, side) in [(8, 96), (1, 256)] {
            let shape = format!("vgg16 {tap} {batch}x{side}{name}");
            let x = images([batch, side, side, 3]);
            let source = tracked(&x);
            let flops = (batch * side * side) as f64 * per_pixel;
            report(&shape, "forward", flops, repeat, || drop(see(x.clone())));
            report(&shape, "input", 2.0 * flops, repeat, || drop(see(source.clone()).sum().backward()));
        }
    }

    let lpips = Lpips::alex(&store, &device)?;
    let [a, b] = [(); 2].map(|()| images([1, 512, 512, 3]));
    report("lpips-alex 1x512", "forward", 0.0, repeat, || drop(lpips.distance(a.clone(), b.clone())));

    let [a, b] = [(); 2].map(|()| tracked(&images([8, 24, 24, 256])));
    let loss = || contextual(a.clone(), b.clone().detach(), None, &ContextualConfig::default());
    report("contextual 8x24", "input", 0.0, repeat, || drop(loss().backward()));

    let network = NetworkConfig::SrResNet(SrResNetConfig { num_feat: 64, num_block: 8 });
    let small = images([1, 256, 256, 3]);
    // First, residual blocks, two enlargements, and what follows them.
    let products = 3 * 64 + 16 * 64 * 64 + 64 * 256 + 4 * 64 * 256 + 16 * (64 * 64 + 64 * 3);
    let flops = |pixels: u32| 18.0 * f64::from(products) * f64::from(pixels);
    let tile = images([1, 360, 384, 3]);
    for (precision, name) in precisions {
        let network = network.init_in(restoring(precision), 4, 3, 0, &device)?;
        report(&format!("x4 of 256x256{name}"), "forward", flops(256 * 256), repeat, || {
            drop(network.forward(small.clone()))
        });
        report(&format!("x4 of 1920x1080{name}"), "forward", flops(1920 * 1080), 0, || {
            (0..15).for_each(|_| drop(network.forward(tile.clone())))
        });
    }
    Ok(())
}

/// How a network multiplies that restores a photo.
fn restoring(precision: Precision) -> Conv {
    Conv::default().with_precision(precision).with_exact_filtering()
}

/// Prints the least time of `repeat` runs, and the operations by definition where they are known.
fn report(shape: &str, pass: &str, flops: f64, repeat: usize, run: impl Fn()) {
    let time = |_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    };
    let seconds = (0..=repeat).map(time).fold(f64::INFINITY, f64::min);
    println!(r#"{{"shape":"{shape}","pass":"{pass}","seconds":{seconds},"flops":{flops}}}"#);
}
