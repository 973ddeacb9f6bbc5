//! Patches a second through Real-ESRGAN's pipeline on one thread, for `bench/degrade.sh`: `SIDE SECONDS`.
#![allow(missing_docs, reason = "an example")]

use std::time::{Duration, Instant};

use percept_image::degrade::Published;
use percept_image::{Degradation, Image, Pipeline, Srgb, rng_for};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u64>());
    let (side, seconds) = (args.next().unwrap_or(Ok(192))? as usize, args.next().unwrap_or(Ok(10))?);
    let pipeline = Pipeline::new(&Published::RealEsrgan.steps(4))?;
    // The picture of bench/degrade.py.
    let patch = Image::<Srgb>::from_fn(side, side, |x, y, c| {
        let level =
            127.5 + 60.0 * ((x as f64) / 7.0 + c as f64).sin() + 60.0 * ((y as f64) / 11.0 - c as f64).cos();
        level.round() as f32 / 255.0
    });
    let (mut made, start) = (0, Instant::now());
    while start.elapsed() < Duration::from_secs(seconds) {
        std::hint::black_box(pipeline.apply(patch.clone(), &mut rng_for(0, made, 0)));
        made += 1;
    }
    println!("{:.2}", made as f64 / start.elapsed().as_secs_f64());
    Ok(())
}
