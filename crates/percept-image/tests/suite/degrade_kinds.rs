//! Single degradations against OpenCV and NumPy (`fixtures/make_degrade.py`), and the statistics of each against its formula.

use std::f64::consts::PI;

use percept_image::degrade::{
    CorrelatedNoise, GaussianNoise, Jpeg, KernelBlur, PoissonNoise, Resize, Shape, SincBlur, Subsampling,
    UnsharpMask, Whole,
};
use percept_image::resize::Filter;
use percept_image::{Degradation, Image, Srgb, Step, rng_for};

/// The images of `make_degrade.py`.
fn image(name: &str, width: usize, height: usize) -> Image<Srgb> {
    Image::from_fn(width, height, |x, y, c| match name {
        "smooth" => 0.5 + 0.25 * (x as f32 / 3.0 + c as f32).sin() + 0.2 * (y as f32 / 4.0 - c as f32).cos(),
        _ => ((x * 37 + y * 59 + c * 71 + x * y * (5 + c)) % 256) as f32 / 255.0,
    })
}

#[test]
fn single_degradations_equal_opencv_and_numpy() {
    let cases: serde_json::Value = serde_json::from_str(include_str!("../fixtures/degrade.json")).unwrap();
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 26);
    for case in cases {
        let side = |key: &str, i: usize| case[key][i].as_u64().unwrap() as usize;
        let step: Step = serde_json::from_value(case["step"].clone()).unwrap();
        let photo = image(case["image"].as_str().unwrap(), side("from", 0), side("from", 1));
        let got = step.apply(photo, &mut rng_for(0, 0, 0));
        assert_eq!(got.size(), (side("to", 0), side("to", 1)), "{step:?}");
        let golden = case["values"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap());
        let got = got.data().iter().step_by(case["every"].as_u64().unwrap() as usize);
        assert_eq!(golden.len(), got.len());
        let apart: Vec<f64> = golden.zip(got).map(|(a, b)| (a - f64::from(*b)).abs()).collect();
        let worst = apart.iter().copied().fold(0.0, f64::max);
        let mean = apart.iter().sum::<f64>() / apart.len() as f64;
        // Two JPEG libraries round their transforms and enlarge colours otherwise.
        let jpeg = case["step"]["type"] == "jpeg";
        // A pixel just at the mask's threshold is sharpened or not.
        let mask = case["step"]["type"] == "unsharp_mask";
        // Colours at half size are averaged and enlarged otherwise: where they are as steep as here, that is some levels.
        let half = case["step"]["subsampling"] == "4:2:0";
        let (least, most) = match (jpeg, mask) {
            (true, _) if half => (5.0 / 255.0, 16.0 / 255.0),
            (true, _) => (0.6 / 255.0, 5.0 / 255.0),
            (_, true) => (2e-5, 1.0 / 255.0),
            _ => (2e-5, 5e-5),
        };
        assert!(worst < most && mean < least, "{step:?}: off by {worst}, {mean} on average");
    }
}

/// A point in the middle of black, and its moments after `blur`: weight, variance along x and y, covariance.
fn moments(blur: &impl Degradation, seed: u64) -> [f64; 4] {
    const SIDE: usize = 61;
    let middle = SIDE / 2;
    let point = Image::from_fn(SIDE, SIDE, |x, y, _| if (x, y) == (middle, middle) { 1.0 } else { 0.0 });
    let out = blur.apply(point, &mut rng_for(seed, 0, 0));
    let mut sums = [0.0; 4];
    for y in 0..SIDE {
        for x in 0..SIDE {
            let weight = f64::from(out.pixel(x, y)[0]);
            let (dx, dy) = (x as f64 - middle as f64, y as f64 - middle as f64);
            for (sum, of) in sums.iter_mut().zip([1.0, dx * dx, dy * dy, dx * dy]) {
                *sum += weight * of;
            }
        }
    }
    sums
}

#[test]
fn kernels_are_as_wide_as_they_are_drawn() {
    let plain = KernelBlur { size: 41.0.into(), ..KernelBlur::default() };
    for sigma in [0.8, 2.0, 4.0] {
        let [sum, x, y, xy] = moments(&KernelBlur { sigma: sigma.into(), ..plain.clone() }, 0);
        assert!((sum - 1.0).abs() < 1e-4 && xy.abs() < 1e-3, "{sum} {xy}");
        assert!((x / (sigma * sigma) - 1.0).abs() < 0.01 && (y - x).abs() < 1e-3, "{sigma}: {x} {y}");
    }
    // Second axis drawn from the same range, turned by the angle.
    let turned = KernelBlur { sigma: [1.0, 3.0].into(), round: false, angle: 30.0.into(), ..plain.clone() };
    for seed in 0..20 {
        let [_, x, y, xy] = moments(&turned, seed);
        let angle = 0.5 * (2.0 * xy).atan2(x - y).to_degrees();
        let spread = ((x - y).powi(2) + 4.0 * xy * xy).sqrt();
        let off = (angle - 30.0).rem_euclid(90.0);
        assert!(spread < 0.3 || off.min(90.0 - off) < 1.5, "{angle}");
        let (long, short) = ((x + y + spread) / 2.0, (x + y - spread) / 2.0);
        assert!((0.95..=9.1).contains(&short) && (0.95..=9.1).contains(&long), "{short} {long}");
    }
    // Of a generalised Gaussian, the variance along an axis is Γ(2/β) / 2Γ(1/β) · 2^(1/β) σ².
    for (beta, factor) in [(0.5, 12.0), (1.0, 1.0), (2.0, 0.398_942_28)] {
        let size = if beta < 1.0 { 51.0 } else { 41.0 };
        let sigma = if beta < 1.0 { 0.8 } else { 2.5 };
        let shape = Shape::Generalised;
        let [_, x, ..] = moments(
            &KernelBlur { shape, beta: beta.into(), sigma: sigma.into(), size: size.into(), ..plain.clone() },
            0,
        );
        let expected = factor * sigma * sigma;
        assert!((x / expected - 1.0).abs() < 0.03, "β {beta}: {x} is not {expected}");
    }
    // A plateau weighs half of its middle at one deviation.
    let plateau = KernelBlur { shape: Shape::Plateau, sigma: 4.0.into(), beta: 1.5.into(), ..plain };
    let point = Image::from_fn(61, 61, |x, y, _| if (x, y) == (30, 30) { 1.0 } else { 0.0 });
    let out = plateau.apply(point, &mut rng_for(0, 0, 0));
    assert!((out.pixel(34, 30)[0] / out.pixel(30, 30)[0] - 0.5).abs() < 1e-4);
}

#[test]
fn sizes_are_odd_and_all_as_likely_and_variances_even() {
    // Wide enough to be flat: its variance along x is that of a box of `side` taps.
    let flat =
        KernelBlur { shape: Shape::Plateau, sigma: 20.0.into(), beta: 10.0.into(), ..KernelBlur::default() };
    let mut counts = [0_u32; 11];
    for seed in 0..1600 {
        let side = (12.0 * moments(&flat, seed)[1] + 1.0).sqrt();
        assert!((side - side.round()).abs() < 0.01 && side.round() as usize % 2 == 1, "{side}");
        counts[side.round() as usize / 2] += 1;
    }
    assert!(counts[3..].iter().all(|count| (150..250).contains(count)), "{counts:?}");
    assert_eq!(counts[..3], [0; 3]);
    let even = KernelBlur {
        size: 31.0.into(),
        sigma: [0.0, 3.0].into(),
        even_variance: true,
        ..KernelBlur::default()
    };
    let mean = (0..600).map(|seed| moments(&even, seed)[1]).sum::<f64>() / 600.0;
    assert!((mean - 4.5).abs() < 0.25, "{mean}");
}

#[test]
fn a_sinc_filter_passes_what_is_coarse_and_stops_what_is_fine() {
    let blur = SincBlur { size: 51.0.into(), cutoff: 0.5.into() };
    let left = |share: f64| {
        let wave = |x: usize| (0.5 + 0.3 * (PI * share * x as f64).cos()) as f32;
        let out = blur.apply(Image::from_fn(128, 60, |x, _, _| wave(x)), &mut rng_for(0, 0, 0));
        let middle = (40..88).map(|x| f64::from(out.pixel(x, 30)[0]) - 0.5);
        let power: f64 = middle.map(|v| v * v).sum::<f64>() / 48.0;
        power.sqrt() / (0.3 * 0.5_f64.sqrt())
    };
    assert!((left(0.25) - 1.0).abs() < 0.06, "{}", left(0.25));
    assert!(left(0.75) < 0.08, "{}", left(0.75));
}

/// Mean, deviation and the correlation of the first two channels of what was added to a flat grey.
fn noise(kind: &impl Degradation, level: f32, seed: u64) -> (f64, f64, f64) {
    let out = kind.apply(Image::from_fn(160, 160, |_, _, _| level), &mut rng_for(seed, 0, 0));
    let n = 160.0 * 160.0;
    let added =
        |c: usize| out.data().iter().skip(c).step_by(3).map(move |v| f64::from(*v) - f64::from(level));
    let mean = |c: usize| added(c).sum::<f64>() / n;
    let covariance = |a: usize, b: usize| {
        let (ma, mb) = (mean(a), mean(b));
        added(a).zip(added(b)).map(|(u, v)| (u - ma) * (v - mb)).sum::<f64>() / n
    };
    let variance = (0..3).map(|c| covariance(c, c)).sum::<f64>() / 3.0;
    (mean(0), variance.sqrt(), covariance(0, 1) / covariance(0, 0).max(1e-12))
}

#[test]
fn grey_noise_is_the_same_in_all_channels() {
    for (grey_prob, together) in [(0.0, 0.0), (1.0, 1.0)] {
        let gaussian = GaussianNoise { sigma: 20.0.into(), grey_prob, ..GaussianNoise::default() };
        let (mean, deviation, correlation) = noise(&gaussian, 0.5, 1);
        assert!(mean.abs() < 2e-3 && (deviation * 255.0 - 20.0).abs() < 0.3, "{mean} {deviation}");
        assert!((correlation - together).abs() < 0.03, "{correlation}");
        let poisson = PoissonNoise { peak: 100.0.into(), grey_prob, ..PoissonNoise::default() };
        let (mean, deviation, correlation) = noise(&poisson, 0.5, 2);
        assert!(mean.abs() < 2e-3 && (deviation / 0.005_f64.sqrt() - 1.0).abs() < 0.03, "{mean} {deviation}");
        assert!((correlation - together).abs() < 0.03, "{correlation}");
    }
    let sometimes = GaussianNoise { sigma: 20.0.into(), grey_prob: 0.4, ..GaussianNoise::default() };
    let grey = (0..300).filter(|seed| noise_is_grey(&sometimes, *seed)).count();
    assert!((95..145).contains(&grey), "{grey} of 300");
}

fn noise_is_grey(kind: &impl Degradation, seed: u64) -> bool {
    let out = kind.apply(Image::from_fn(8, 8, |_, _, _| 0.5), &mut rng_for(seed, 0, 0));
    out.data().chunks_exact(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2])
}

#[test]
fn poisson_noise_counts_as_many_photons_as_it_is_told() {
    // Of a picture with two levels, two photons make full white; of one with 200, 256.
    let levels = PoissonNoise { peak_of_levels: true, ..PoissonNoise::default() };
    let two = Image::from_fn(200, 100, |x, _, _| if x < 100 { 0.0 } else { 1.0 });
    let out = levels.apply(two, &mut rng_for(3, 0, 0));
    assert!(out.data().iter().all(|v| (v * 2.0).fract() == 0.0));
    let many = Image::from_fn(200, 200, |x, _, _| x as f32 / 255.0);
    let out = levels.apply(many.clone(), &mut rng_for(4, 0, 0));
    let square = |x: usize| -> f64 {
        (0..200).map(|y| (f64::from(out.pixel(x, y)[0]) - f64::from(many.pixel(x, y)[0])).powi(2)).sum()
    };
    let variance = (100..200).map(square).sum::<f64>() / (100.0 * 200.0);
    let expected = (100..200).map(|x| f64::from(x) / 255.0 / 256.0).sum::<f64>() / 100.0;
    assert!((variance / expected - 1.0).abs() < 0.04, "{variance} is not {expected}");
    // Twice the noise.
    let scaled = PoissonNoise { peak: 400.0.into(), scale: 2.0.into(), ..PoissonNoise::default() };
    let (_, deviation, _) = noise(&scaled, 0.5, 5);
    assert!((deviation / (2.0 * (0.5_f64 / 400.0).sqrt()) - 1.0).abs() < 0.03, "{deviation}");
    // Even in the logarithm: a half of the pictures is above 1000.
    let wide = PoissonNoise { peak: [100.0, 10_000.0].into(), log_peak: true, ..PoissonNoise::default() };
    let middle = (0.5_f64 / 1000.0).sqrt();
    let above = (0..60).filter(|seed| noise(&wide, 0.5, *seed).1 < middle).count();
    assert!((18..42).contains(&above), "{above} of 60");
}

#[test]
fn correlated_noise_has_variances_up_to_the_stated_one() {
    let kind = CorrelatedNoise { sigma: 25.0.into() };
    let drawn: Vec<_> = (0..60).map(|seed| noise(&kind, 0.5, seed)).collect();
    // The mean of three variances that are even from 0 to σ² is σ²/2.
    let variance = drawn.iter().map(|(_, deviation, _)| (deviation * 255.0).powi(2)).sum::<f64>() / 60.0;
    assert!((variance / 312.5 - 1.0).abs() < 0.12, "{variance}");
    assert!(drawn.iter().all(|(mean, deviation, _)| mean.abs() < 4e-3 && deviation * 255.0 < 25.5));
    assert!(drawn.iter().any(|(.., correlation)| correlation.abs() > 0.2));
}

#[test]
fn resizes_are_of_the_picture_or_of_the_photo() {
    let size = |resize: &Resize, image: (usize, usize), photo: (usize, usize)| {
        let picture = Image::from_fn(image.0, image.1, |_, _, _| 0.5);
        resize.apply_within(picture, photo, &mut rng_for(0, 0, 0)).size()
    };
    let third = Resize { scale: 3.0.into(), divide: true, of: Whole::Photo, ..Resize::default() };
    assert_eq!(size(&third, (7, 9), (48, 27)), (16, 9));
    assert_eq!(size(&Resize { of: Whole::Picture, ..third }, (7, 10), (48, 27)), (2, 3));
    // Even over its range, with all filters in use.
    let drawn = Resize { scale: [0.15, 1.5].into(), ..Resize::default() };
    let widths: Vec<f64> = (0..2000)
        .map(|seed| {
            let picture = Image::from_fn(400, 1, |_, _, _| 0.5);
            drawn.apply(picture, &mut rng_for(seed, 0, 0)).width() as f64 / 400.0
        })
        .collect();
    let mean = widths.iter().sum::<f64>() / 2000.0;
    assert!((mean - 0.825).abs() < 0.03, "{mean}");
    assert!(widths.iter().all(|width| (0.149..1.501).contains(width)));
    let ramp = || Image::<Srgb>::from_fn(32, 32, |x, y, _| ((x * x + y) % 17) as f32 / 16.0);
    let of = |filters: &[Filter], seed: u64| {
        let resize = Resize { scale: 0.37.into(), filters: filters.to_vec(), ..Resize::default() };
        resize.apply(ramp(), &mut rng_for(seed, 0, 0))
    };
    for filter in Resize::OPENCV {
        let same = (0..300).filter(|seed| of(&Resize::OPENCV, *seed) == of(&[filter], *seed)).count();
        assert!((70..130).contains(&same), "{filter:?} {same} times of 300");
    }
}

#[test]
fn half_of_the_colours_is_gone_and_the_light_stays() {
    // Red and blue columns of the same luma.
    let stripes = Image::<Srgb>::from_fn(64, 64, |x, _, c| [[0.7, 0.3, 0.3], [0.3, 0.469, 0.5]][x % 2][c]);
    let spread = |subsampling: Subsampling| {
        let out = Jpeg { quality: 95.0.into(), subsampling }.apply(stripes.clone(), &mut rng_for(0, 0, 0));
        let red = |x: usize| f64::from(out.pixel(x, 32)[0]);
        (20..40).step_by(2).map(|x| red(x) - red(x + 1)).sum::<f64>() / 10.0
    };
    let (all, half) = (spread(Subsampling::None), spread(Subsampling::Half));
    assert!(all > 0.3 && half < 0.1, "{all} {half}");
}

#[test]
fn an_unsharp_mask_leaves_flat_parts_and_hardens_edges() {
    let edge = Image::<Srgb>::from_fn(80, 60, |x, _, _| 0.3 + 0.4 / (1.0 + (-(x as f32 - 40.0) / 2.0).exp()));
    let sharp = UnsharpMask { amount: 1.5, ..UnsharpMask::default() }.sharpened(&edge);
    let slope = |image: &Image<Srgb>| image.pixel(43, 30)[0] - image.pixel(37, 30)[0];
    assert!(slope(&sharp) > 1.2 * slope(&edge), "{} {}", slope(&sharp), slope(&edge));
    let flat = Image::<Srgb>::from_fn(60, 60, |x, _, _| 0.5 + 0.0004 * x as f32);
    assert_eq!(UnsharpMask::default().sharpened(&flat), flat);
}

#[cfg(feature = "webp")]
#[test]
fn webp_is_worse_at_lower_quality() {
    use percept_image::degrade::WebP;
    use percept_image::{Metric, Psnr};
    let photo = image("smooth", 96, 64);
    let psnr = |quality: f64| {
        let out = WebP { quality: quality.into() }.apply(photo.clone(), &mut rng_for(0, 0, 0));
        Psnr::rgb(0).score(&photo, &out).unwrap()
    };
    assert!(psnr(95.0) > psnr(20.0) + 2.0 && psnr(95.0) < 60.0, "{} {}", psnr(95.0), psnr(20.0));
}
