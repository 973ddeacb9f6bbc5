//! CPU seconds of every score of this crate for a pair of 1920×1080 pixels: one JSON line each, as `bench/metrics.py` prints.
//!
//! `cargo run --release -p percept-image --example metrics -- [SECONDS]`; every score is repeated for at least so long (half
//! a second). The time is what the system says the process used, on Linux.

use percept_image::{
    BandEnergy, Ciede2000, Dss, Flip, Fsim, Gmsd, Grid, HaarPsi, Image, IwSsim, Mdsi, Metric, MsGmsd, MsSsim,
    Niqe, Nlpd, Noise, Piqe, Psnr, Shift, Srgb, Ssim, Ssimulacra2, TotalVariation, Vifp, Vsi,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let least = std::env::args().nth(1).map_or(Ok(0.5), |seconds| seconds.parse())?;
    let metrics: Vec<Box<dyn Metric>> = vec![
        Box::new(Psnr::y(0)),
        Box::new(Ssim::y(0)),
        Box::new(Ssim::rgb(0)),
        Box::new(MsSsim::rgb(0)),
        Box::new(Gmsd::new(0)),
        Box::new(MsGmsd::new(0)),
        Box::new(Fsim::luma(0)),
        Box::new(Fsim::colour(0)),
        Box::new(Vsi::new(0)),
        Box::new(HaarPsi::new(0)),
        Box::new(Mdsi::new(0)),
        Box::new(Dss::new(0)),
        Box::new(Ciede2000::new(0)),
        Box::new(Shift::luminance(0)),
        Box::new(Shift::saturation(0)),
        Box::new(Shift::sharpness(0)),
        Box::new(BandEnergy::new(0)),
        Box::new(Grid::new(0)),
        Box::new(Flip::new(0)),
        Box::new(IwSsim::new(0)),
        Box::new(Nlpd::new(0)),
        Box::new(Vifp::new(0)),
        Box::new(Ssimulacra2::new(0)),
        Box::new(Niqe::new(0)),
        Box::new(Piqe::new(0)),
        Box::new(TotalVariation::new(0)),
        Box::new(Noise::new(0)),
    ];
    let (reference, test) = pair(1920, 1080);
    for metric in metrics {
        // The first call makes what the next ones keep.
        let value = metric.score(&reference, &test)?;
        let (start, mut count, mut spent) = (cpu()?, 0, 0.0);
        while spent < least {
            metric.score(&reference, &test)?;
            count += 1;
            spent = cpu()? - start;
        }
        println!(r#"{{"metric":"{}","cpu":{},"value":{value}}}"#, metric.name(), spent / f64::from(count));
    }
    Ok(())
}

/// A picture of shapes and the same one noisier and duller; `bench/metrics.py` has the same formulas.
fn pair(width: usize, height: usize) -> (Image<Srgb>, Image<Srgb>) {
    let triangle = |v: i64, period: i64| (v % (2 * period) - period).abs();
    let level = |x: i64, y: i64, c: i64| {
        let waves = triangle(3 * x + y + 40 * c, 61 + 7 * c) + triangle(2 * y - x + 4000, 83);
        20 + waves + 30 * ((x / 16 + y / 24) % 2)
    };
    let image = |of: &dyn Fn(i64, i64, i64) -> i64| {
        Image::from_fn(width, height, |x, y, c| of(x as i64, y as i64, c as i64).clamp(0, 255) as f32 / 255.0)
    };
    let noisy = |x: i64, y: i64, c: i64| {
        let noise = (x * 7919 + y * 104_729 + c * 1_299_709) % 41 - 20;
        (level(x, y, c) * 7 + 20 * c) / 8 + 9 + noise / 4
    };
    (image(&level), image(&noisy))
}

/// Seconds of all cores that this process has used: its times in user and kernel mode, in hundredths.
fn cpu() -> Result<f64, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // Fields are counted behind the name, which may hold spaces.
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    let ticks: f64 = fields.map(str::parse::<f64>).sum::<Result<_, _>>()?;
    Ok(ticks / 100.0)
}
