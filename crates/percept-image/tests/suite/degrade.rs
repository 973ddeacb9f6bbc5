//! Degradations: in range, repeatable, as strong as asked, and refused with a reason when misconfigured.

use percept_image::colour::{linear_to_srgb, srgb_to_linear};
use percept_image::degrade::{Downscale, GaussianBlur, GaussianNoise, Jpeg, LowLight, PoissonNoise, Rain};
use percept_image::{
    Degradation, DegradationConfig, Image, Metric, Mosaic, Pipeline, Psnr, Srgb, Step, demosaic, rng_for,
};
use proptest::prelude::*;

fn picture(width: usize, height: usize) -> Image<Srgb> {
    Image::from_fn(width, height, |x, y, c| {
        0.5 + 0.5 * ((x as f32 * 0.37 + c as f32).sin() * (y as f32 * 0.23).cos())
    })
}

fn flat(value: f32) -> Image<Srgb> {
    Image::from_fn(128, 128, |_, _, _| value)
}

pub(crate) fn every_kind() -> Vec<DegradationConfig> {
    let plain = |kind: &&str| {
        let mut table = serde_json::json!({ "type": kind });
        if ["one_of", "shuffle", "repeat", "sequence"].contains(kind) {
            table["steps"] =
                serde_json::json!([{ "type": "gaussian_noise", "prob": 0.9 }, { "type": "jpeg" }]);
        }
        serde_json::from_value(table).unwrap()
    };
    let built = |kind: &&&str| cfg!(feature = "webp") || **kind != "webp";
    DegradationConfig::NAMES.iter().filter(built).map(plain).collect()
}

fn mean_and_deviation(image: &Image<Srgb>) -> (f64, f64) {
    let n = image.data().len() as f64;
    let mean = image.data().iter().map(|&v| f64::from(v)).sum::<f64>() / n;
    let variance = image.data().iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
    (mean, variance.sqrt())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn stay_in_range_and_repeat(w in 0_usize..40, h in 0_usize..40, seed in 0_u64..1000) {
        let image = picture(w, h);
        for config in every_kind() {
            let degradation = config.init().unwrap();
            let out = degradation.apply(image.clone(), &mut rng_for(seed, 1, 2));
            prop_assert!(out.data().iter().all(|v| (0.0..=1.0).contains(v)), "{:?}", config);
            let again = degradation.apply(image.clone(), &mut rng_for(seed, 1, 2));
            prop_assert_eq!(&out, &again);
        }
        let raw = Mosaic::default().apply(&image, &mut rng_for(seed, 1, 2));
        prop_assert_eq!(raw.size(), (w / 2, h / 2));
        prop_assert!(raw.data().iter().all(|v| (0.0..=1.0).contains(v)));
        prop_assert_eq!(&raw, &Mosaic::default().apply(&image, &mut rng_for(seed, 1, 2)));
        prop_assert!(demosaic(&raw).data().iter().all(|v| (0.0..=1.0).contains(v)));
    }
}

#[test]
fn other_seeds_give_other_noise() {
    let certain = |config: &DegradationConfig| {
        use DegradationConfig::{Downscale, Quantise, UnsharpMask};
        matches!(config, Downscale(_) | Quantise(_) | UnsharpMask(_))
    };
    for config in every_kind().into_iter().filter(|config| !certain(config)) {
        let degradation = config.init().unwrap();
        let [a, b] = [1, 2].map(|sample| degradation.apply(picture(64, 64), &mut rng_for(7, 0, sample)));
        assert_ne!(a, b, "{config:?}");
    }
}

#[test]
fn gaussian_noise_has_the_asked_deviation() {
    let noise = GaussianNoise { sigma: 15.0.into(), ..GaussianNoise::default() };
    let (mean, deviation) = mean_and_deviation(&noise.apply(flat(0.5), &mut rng_for(1, 2, 3)));
    assert!((mean - 0.5).abs() < 1e-3 && (deviation * 255.0 - 15.0).abs() < 0.3, "{mean} {deviation}");
}

#[test]
fn noise_that_is_not_clipped_keeps_its_mean_in_the_dark_and_what_follows_brings_it_back() {
    let noise = GaussianNoise { sigma: 50.0.into(), clip: false, ..GaussianNoise::default() };
    let noisy = noise.apply(flat(0.0), &mut rng_for(1, 2, 3));
    let (mean, deviation) = mean_and_deviation(&noisy);
    assert!(mean.abs() < 3e-3 && (deviation * 255.0 - 50.0).abs() < 0.5, "{mean} {deviation}");
    for config in every_kind().into_iter().filter(|config| !matches!(config, DegradationConfig::OneOf(_))) {
        let out = config.init().unwrap().apply(noisy.clone(), &mut rng_for(4, 5, 6));
        assert!(out.data().iter().all(|v| (0.0..=1.0).contains(v)), "{config:?}");
    }
}

#[test]
fn poisson_noise_grows_with_the_root_of_the_light() {
    let noise = PoissonNoise { peak: 200.0.into(), ..PoissonNoise::default() };
    for level in [0.1, 0.5] {
        let (mean, deviation) = mean_and_deviation(&noise.apply(flat(level), &mut rng_for(1, 2, 3)));
        let expected = (f64::from(level) / 200.0).sqrt();
        assert!((mean - f64::from(level)).abs() < 2e-3, "{mean}");
        assert!((deviation / expected - 1.0).abs() < 0.03, "{deviation} is not {expected}");
    }
    assert_eq!(noise.apply(flat(0.0), &mut rng_for(1, 2, 3)), flat(0.0));
}

#[test]
fn low_light_halves_the_light_with_every_stop() {
    let config = LowLight { stops: 3.0.into(), cast: 0.0, shot_noise: 0.0.into(), read_noise: 0.0.into() };
    let dark = config.apply(flat(0.8), &mut rng_for(0, 0, 0));
    let expected = linear_to_srgb(srgb_to_linear(0.8) / 8.0);
    assert!(dark.data().iter().all(|v| (v - expected).abs() < 1e-6));
    let tinted = LowLight { cast: 1.0, ..config }.apply(flat(0.8), &mut rng_for(0, 0, 0));
    assert!((tinted.pixel(0, 0)[1] - expected).abs() < 1e-6, "green is the reference of the cast");
    assert!((tinted.pixel(0, 0)[0] - expected).abs() > 1e-3);
}

#[test]
fn sensor_noise_has_the_stated_variance() {
    let config = LowLight { stops: 0.0.into(), cast: 0.0, shot_noise: 0.001.into(), read_noise: 0.01.into() };
    let noisy = config.apply(flat(0.7), &mut rng_for(4, 5, 6)).map(srgb_to_linear);
    let (mean, deviation) = mean_and_deviation(&noisy);
    let light = f64::from(srgb_to_linear(0.7));
    let expected = (0.001 * light + 0.0001_f64).sqrt();
    assert!((mean - light).abs() < 1e-3 && (deviation / expected - 1.0).abs() < 0.03, "{mean} {deviation}");
}

#[test]
fn blur_spreads_a_point_as_the_gaussian_says() {
    let (long, short) = (2.5_f64, 1.25);
    let blur = GaussianBlur { sigma: long.into(), aspect: (short / long).into(), angle: 30.0.into() };
    let point = Image::from_fn(41, 41, |x, y, _| if (x, y) == (20, 20) { 1.0 } else { 0.0 });
    let out = blur.apply(point, &mut rng_for(0, 0, 0));
    let mut moments = [0.0; 4];
    for y in 0..41 {
        for x in 0..41 {
            let (w, dx, dy) = (f64::from(out.pixel(x, y)[0]), x as f64 - 20.0, y as f64 - 20.0);
            moments[0] += w;
            moments[1] += w * dx * dx;
            moments[2] += w * dy * dy;
            moments[3] += w * dx * dy;
        }
    }
    let (sin, cos) = 30.0_f64.to_radians().sin_cos();
    let (l, s) = (long * long, short * short);
    let expected = [1.0, l * cos * cos + s * sin * sin, l * sin * sin + s * cos * cos, (l - s) * sin * cos];
    for (got, expected) in moments.iter().zip(expected) {
        // The cut at three standard deviations takes a few percent off the variance.
        assert!((got / expected - 1.0).abs() < 0.05, "{moments:?}");
    }
    let same = blur.apply(flat(0.3), &mut rng_for(0, 0, 0));
    assert!(same.data().iter().all(|v| (v - 0.3).abs() < 1e-5));
    let none = GaussianBlur { sigma: 0.0.into(), ..blur };
    assert_eq!(none.apply(picture(9, 9), &mut rng_for(0, 0, 0)), picture(9, 9));
}

/// White streaks straight down, all in one direction, without a veil.
fn downpour() -> Rain {
    Rain {
        amount: 40.0.into(),
        length: 40.0.into(),
        width: 2.0.into(),
        angle: 90.0.into(),
        spread: 0.0.into(),
        opacity: 0.6.into(),
        brightness: 1.0.into(),
        veil: 0.0.into(),
    }
}

#[test]
fn rain_of_strength_zero_is_no_rain() {
    for none in [Rain { amount: 0.0.into(), ..downpour() }, Rain { opacity: 0.0.into(), ..downpour() }] {
        assert_eq!(none.apply(picture(50, 40), &mut rng_for(0, 0, 0)), picture(50, 40));
    }
}

#[test]
fn rain_falls_on_the_smallest_images() {
    let thick = Rain { amount: 1000.0.into(), ..downpour() };
    for (width, height) in [(0, 0), (1, 1), (1, 40), (40, 1)] {
        let out = thick.apply(Image::from_fn(width, height, |_, _, _| 0.2), &mut rng_for(0, 0, 0));
        assert_eq!(out.size(), (width, height));
        assert!(out.data().iter().all(|v| (0.2..=1.0).contains(v)));
        assert!(out.data().is_empty() || mean_and_deviation(&out).0 > 0.25, "{width}×{height} stayed dry");
    }
}

/// Direction of the streaks in degrees from 0 to 180, at a right angle to the main axis of the gradients' structure tensor,
/// and how much they agree in it, 0 (not at all) to 1.
fn direction(image: &Image<Srgb>) -> (f64, f64) {
    // Central differences bend the direction of what is as fine as the pixels; a round blur does not.
    let round = GaussianBlur { sigma: 3.0.into(), aspect: 1.0.into(), angle: 0.0.into() };
    let image = round.apply(image.clone(), &mut rng_for(0, 0, 0));
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    let at = |x: usize, y: usize| f64::from(image.pixel(x, y)[0]);
    for y in 1..image.height() - 1 {
        for x in 1..image.width() - 1 {
            let (dx, dy) = (at(x + 1, y) - at(x - 1, y), at(x, y + 1) - at(x, y - 1));
            xx += dx * dx;
            xy += dx * dy;
            yy += dy * dy;
        }
    }
    let across = 0.5 * (2.0 * xy).atan2(xx - yy).to_degrees();
    ((across + 90.0).rem_euclid(180.0), (xx - yy).hypot(2.0 * xy) / (xx + yy))
}

#[test]
fn rain_falls_at_the_asked_angle() {
    let apart = |a: f64, b: f64| (a - b + 90.0).rem_euclid(180.0) - 90.0;
    let dry = Image::from_fn(512, 512, |_, _, _| 0.2);
    let measured = |angle: f64, spread: f64| {
        let rain = Rain { angle: angle.into(), spread: spread.into(), ..downpour() };
        direction(&rain.apply(dry.clone(), &mut rng_for(2, 3, 4)))
    };
    for angle in [0.0, 45.0, 60.0, 90.0, 120.0, 170.0, -30.0] {
        let (measured, _) = measured(angle, 2.0);
        assert!(apart(measured, angle).abs() < 2.0, "{measured} is not {angle}");
    }
    let [one, few, many] = [0.0, 15.0, 45.0].map(|spread| measured(90.0, spread).1);
    assert!(one > few + 0.05 && few > many + 0.05, "{one} {few} {many}");
}

#[test]
fn rain_grows_with_each_strength() {
    let wet = |rain: Rain| mean_and_deviation(&rain.apply(flat(0.2), &mut rng_for(1, 1, 1))).0 - 0.2;
    let base = wet(downpour());
    for more in [
        Rain { amount: 80.0.into(), ..downpour() },
        Rain { length: 80.0.into(), ..downpour() },
        Rain { width: 4.0.into(), ..downpour() },
        Rain { opacity: 1.0.into(), ..downpour() },
        Rain { veil: 0.1.into(), ..downpour() },
    ] {
        assert!(wet(more.clone()) > 1.2 * base, "{more:?}");
    }
    assert!(base > 0.01, "{base}");
}

#[test]
fn a_crop_gets_as_much_rain_as_a_photo() {
    // On black with faint streaks, the mean is the sum of their opacities: nothing is hidden by anything else.
    let faint = Rain { opacity: 0.01.into(), ..downpour() };
    let wet = |side: usize, seed: u64| {
        let black = Image::from_fn(side, side, |_, _, _| 0.0);
        mean_and_deviation(&faint.apply(black, &mut rng_for(seed, 0, 0))).0
    };
    let crops = (0..4000).map(|seed| wet(24, seed)).sum::<f64>() / 4000.0;
    let photo = wet(1600, 0);
    assert!((crops / photo - 1.0).abs() < 0.06, "{crops} in crops, {photo} in a photo");
    // Distances are even from 1 to 3: the mean of 1/d³ is 2/9. Along, 1 − t⁴ is 4/5 of the length on average; across,
    // (1 − t²)² is 8/15 of the width it ends at.
    let ends_at = 2.0 / (1.0 - 0.5_f64.sqrt()).sqrt();
    let expected = 40.0 / 1e4 * 0.01 * (40.0 * 4.0 / 5.0) * (ends_at * 8.0 / 15.0) * 2.0 / 9.0;
    assert!((photo / expected - 1.0).abs() < 0.05, "{photo} is not {expected}");
}

#[test]
fn the_veil_blends_towards_the_grey_of_the_rain() {
    let mist = Rain { amount: 0.0.into(), brightness: 0.8.into(), veil: 0.25.into(), ..downpour() };
    let out = mist.apply(picture(20, 10), &mut rng_for(0, 0, 0));
    let expected = picture(20, 10).map(|v| 0.75 * v + 0.25 * 0.8);
    assert!(out.data().iter().zip(expected.data()).all(|(a, b)| (a - b).abs() < 1e-6));
}

#[test]
fn jpeg_is_worse_at_lower_quality() {
    let psnr = |quality: f64| {
        let out =
            Jpeg { quality: quality.into(), ..Jpeg::default() }.apply(picture(96, 64), &mut rng_for(0, 0, 0));
        Psnr::rgb(0).score(&picture(96, 64), &out).unwrap()
    };
    assert!(psnr(95.0) > psnr(40.0) + 3.0 && psnr(40.0) > psnr(5.0) + 3.0);
    assert!(psnr(95.0) < 60.0);
}

#[test]
fn downscale_gives_the_sizes_of_the_field() {
    let size = |scale: f64, keep_size: bool| {
        let config = Downscale { scale, keep_size, ..Downscale::default() };
        config.apply(picture(50, 33), &mut rng_for(0, 0, 0)).size()
    };
    assert_eq!(size(4.0, false), (13, 9));
    assert_eq!(size(1.5, false), (34, 22));
    assert_eq!(size(4.0, true), (50, 33));
}

#[test]
fn a_plain_mosaic_of_grey_comes_back_exactly() {
    let raw = Mosaic::plain().apply(&flat(0.6), &mut rng_for(0, 0, 0));
    let back = demosaic(&raw);
    assert_eq!(back.size(), (128, 128));
    assert!(back.data().iter().all(|v| (v - 0.6).abs() < 1e-5));
}

#[test]
fn a_mosaic_packs_red_green_green_blue() {
    let image = Image::<Srgb>::from_fn(4, 2, |x, y, c| (1 + x + 4 * y + 8 * c) as f32 / 32.0);
    let raw = Mosaic::plain().apply(&image, &mut rng_for(0, 0, 0));
    assert_eq!(raw.size(), (2, 1));
    let at = |x: usize, y: usize, c: usize| srgb_to_linear(image.pixel(x, y)[c]);
    let expected = [at(2, 0, 0), at(3, 0, 1), at(2, 1, 1), at(3, 1, 2)];
    assert!(raw.pixel(1, 0).iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6));
    // Demosaiced, each site still shows its own colour, and a missing one the mean of its neighbours.
    let back = demosaic(&raw);
    assert!((back.pixel(2, 0)[0] - image.pixel(2, 0)[0]).abs() < 1e-5);
    let mean = (at(0, 0, 0) + at(2, 0, 0)) / 2.0;
    assert!((srgb_to_linear(back.pixel(1, 0)[0]) - mean).abs() < 1e-5);
}

#[test]
fn a_pipeline_applies_its_steps_in_order() {
    let configs: Vec<DegradationConfig> = serde_json::from_str(
        r#"[{"type": "gaussian_blur", "sigma": [0.5, 2]}, {"type": "downscale", "scale": 2},
            {"type": "gaussian_noise", "sigma": [1, 10]}, {"type": "jpeg", "quality": [40, 90]}]"#,
    )
    .unwrap();
    let whole = Pipeline::new(&configs).unwrap().apply(picture(48, 40), &mut rng_for(3, 2, 1));
    let mut rng = rng_for(3, 2, 1);
    let by_hand = configs.iter().fold(picture(48, 40), |image, c| c.init().unwrap().apply(image, &mut rng));
    assert_eq!(whole, by_hand);
    assert_eq!(whole.size(), (24, 20));
    let none = Pipeline::new::<Step>(&[]).unwrap();
    assert_eq!(none.apply(picture(5, 4), &mut rng_for(0, 0, 0)), picture(5, 4));
}

#[test]
fn configurations_survive_being_written() {
    for config in every_kind() {
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<DegradationConfig>(&text).unwrap(), config);
    }
}

#[test]
fn the_schema_documents_every_field() {
    let schema = serde_json::to_value(schemars::schema_for!(DegradationConfig)).unwrap();
    let kinds = schema["oneOf"].as_array().unwrap();
    assert_eq!(kinds.len(), DegradationConfig::NAMES.len());
    for kind in kinds {
        assert!(kind["description"].is_string(), "{kind}");
        assert_eq!(kind["additionalProperties"], false, "{kind}");
        for (field, property) in kind["properties"].as_object().unwrap().iter().filter(|(f, _)| *f != "type")
        {
            assert!(property["description"].is_string(), "{field} in {kind}");
            assert!(!property["default"].is_null(), "{field} in {kind}");
        }
    }
}

#[test]
fn wrong_configurations_say_what_is_expected() {
    let parse = |text: &str| serde_json::from_str::<DegradationConfig>(text);
    let message = parse(r#"{"type": "jpeg", "qualty": 10}"#).unwrap_err().to_string();
    assert!(message.contains("qualty") && message.contains("quality"), "{message}");
    let message = parse(r#"{"type": "jpeg", "quality": "high"}"#).unwrap_err().to_string();
    assert!(message.contains("[lowest, highest]"), "{message}");
    assert!(parse(r#"{"type": "hail"}"#).unwrap_err().to_string().contains("gaussian_blur"));
    for (text, field) in [
        (r#"{"type": "jpeg", "quality": 0}"#, "jpeg.quality = 0"),
        (r#"{"type": "jpeg", "quality": [90, 30]}"#, "jpeg.quality = [90, 30]"),
        (r#"{"type": "gaussian_noise", "sigma": -1}"#, "gaussian_noise.sigma = -1"),
        (r#"{"type": "gaussian_blur", "aspect": [0, 1]}"#, "gaussian_blur.aspect"),
        (r#"{"type": "gaussian_blur", "sigma": 1e9}"#, "gaussian_blur.sigma"),
        (r#"{"type": "poisson_noise", "peak": 0}"#, "poisson_noise.peak"),
        (r#"{"type": "downscale", "scale": 0.5}"#, "downscale.scale = 0.5"),
        (r#"{"type": "low_light", "stops": 40}"#, "low_light.stops"),
        (r#"{"type": "low_light", "cast": -1}"#, "low_light.cast"),
        (r#"{"type": "rain", "amount": -1}"#, "rain.amount = -1"),
        (r#"{"type": "rain", "length": [0, 20]}"#, "rain.length = [0, 20]"),
        (r#"{"type": "rain", "width": 0}"#, "rain.width = 0"),
        (r#"{"type": "rain", "angle": 400}"#, "rain.angle = 400"),
        (r#"{"type": "rain", "spread": 90}"#, "rain.spread = 90"),
        (r#"{"type": "rain", "opacity": [0.8, 0.3]}"#, "rain.opacity = [0.8, 0.3]"),
        (r#"{"type": "rain", "brightness": 1.5}"#, "rain.brightness = 1.5"),
        (r#"{"type": "rain", "veil": 2}"#, "rain.veil = 2"),
    ] {
        let error = parse(text).unwrap().init().err().expect(text).to_string();
        assert!(error.starts_with(field), "{error}");
        assert!(error.contains("expected a number"), "{error}");
    }
    let nan = Rain { amount: f64::NAN.into(), ..Rain::default() };
    let error = DegradationConfig::Rain(nan).validate().unwrap_err().to_string();
    assert!(error.starts_with("rain.amount = NaN"), "{error}");
    let nan = Mosaic { cast: f64::NAN, ..Mosaic::plain() };
    assert!(nan.validate().unwrap_err().to_string().starts_with("mosaic.cast = NaN"));
}
