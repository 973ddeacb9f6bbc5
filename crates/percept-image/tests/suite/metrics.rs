//! The other scores against piq, scikit-image, scipy and BasicSR (`fixtures/make_metrics.py`), and what must hold for any
//! pair.

use percept_image::{
    BandEnergy, Better, Brisque, Butteraugli, Ciede2000, Cost, Dss, Flip, Fsim, Gmsd, Grid, HaarPsi, Image,
    IwSsim, Mdsi, Metric, MetricError, MsGmsd, Niqe, Nlpd, Noise, Piqe, Psnr, Shift, Srgb, Ssim, Ssimulacra2,
    TotalVariation, Vifp, Vsi,
};

/// All scores but the oldest (`score.rs`).
pub fn all(crop: usize) -> Vec<Box<dyn Metric>> {
    vec![
        Box::new(Gmsd::new(crop)),
        Box::new(MsGmsd::new(crop)),
        Box::new(Fsim::luma(crop)),
        Box::new(Fsim::colour(crop)),
        Box::new(Vsi::new(crop)),
        Box::new(HaarPsi::new(crop)),
        Box::new(Mdsi::new(crop)),
        Box::new(Dss::new(crop)),
        Box::new(Ciede2000::new(crop)),
        Box::new(Shift::luminance(crop)),
        Box::new(Shift::saturation(crop)),
        Box::new(Shift::sharpness(crop)),
        Box::new(BandEnergy::new(crop)),
        Box::new(Grid::new(crop)),
        Box::new(Flip::new(crop)),
        Box::new(IwSsim::new(crop)),
        Box::new(Nlpd::new(crop)),
        Box::new(Vifp::new(crop)),
        Box::new(Ssimulacra2::new(crop)),
        Box::new(Butteraugli::largest(crop)),
        Box::new(Butteraugli::three(crop)),
        Box::new(Niqe::new(crop)),
        Box::new(Piqe::new(crop)),
        Box::new(Brisque::new(crop)),
        Box::new(TotalVariation::new(crop)),
        Box::new(Noise::new(crop)),
    ]
}

/// Width and height of the smallest image that a score takes; one pixel less a side is too small.
fn least(metric: &str) -> (usize, usize) {
    match metric {
        "gmsd" => (5, 7),
        "ms-gmsd" => (17, 19),
        "fsim" | "fsimc" => (6, 7),
        "vsi" | "mdsi" | "noise" => (3, 4),
        "haarpsi" => (16, 17),
        "dss" => (32, 33),
        "niqe" => (192, 96),
        "band-energy" => (33, 34),
        "grid" => (32, 33),
        "nlpd" => (33, 34),
        "vifp" => (41, 42),
        "iw-ssim" => (161, 162),
        "ssimulacra2" | "butteraugli" | "butteraugli-3" => (8, 9),
        "piqe" | "brisque" => (16, 17),
        "tv" | "sharpness-shift" => (2, 3),
        _ => (1, 1),
    }
}

pub fn triangle(v: i64, period: i64) -> i64 {
    (v % (2 * period) - period).abs()
}

/// The images of `make_metrics.py`.
pub fn pair(kind: &str, width: usize, height: usize) -> (Image<Srgb>, Image<Srgb>) {
    let levels = |x: i64, y: i64, c: i64| {
        let c = if kind == "grey" { 0 } else { c };
        let noise = (x * 7919 + y * 104_729 + c * 1_299_709) % 41 - 20;
        if kind == "smooth" {
            let waves = triangle(3 * x + y + 40 * c, 61 + 7 * c) + triangle(2 * y - x + 1000, 83);
            let a = 20 + waves + 30 * ((x / 16 + y / 24) % 2);
            // Python rounds quotients down, and so does this.
            (a, (a * 7 + 20 * c) / 8 + 9 + (noise * triangle(x + y, 90)).div_euclid(90))
        } else {
            let a = (x * 3 + y * 2 + c * 40 + (x * y * (c + 1)) / 7) % 256;
            (a, (a * 7 + 128) / 8 + noise)
        }
    };
    let image = |of: &dyn Fn((i64, i64)) -> i64| {
        Image::from_fn(width, height, |x, y, c| {
            of(levels(x as i64, y as i64, c as i64)).clamp(0, 255) as f32 / 255.0
        })
    };
    (image(&|both| both.0), image(&|both| both.1))
}

#[test]
fn scores_equal_the_references() {
    let cases: serde_json::Value = serde_json::from_str(include_str!("../fixtures/metrics.json")).unwrap();
    let mut compared = 0;
    for case in cases.as_array().unwrap() {
        let number = |key: &str| case[key].as_u64().unwrap() as usize;
        let (a, b) = pair(case["kind"].as_str().unwrap(), number("width"), number("height"));
        for metric in all(number("crop")) {
            let Some(golden) = case[metric.name()].as_f64() else { continue };
            let got = metric.score(&a, &b).unwrap();
            assert!(
                (got - golden).abs() < 1e-5 * golden.abs().max(1.0),
                "{} of {}×{}: {got} is not {golden}",
                metric.protocol(),
                a.width(),
                a.height()
            );
            compared += 1;
        }
    }
    assert_eq!(compared, 7 * 14 + 4 + 15);
}

/// What equal images have. It is the best there is, but for VIF, which a result with more contrast exceeds.
fn best(metric: &dyn Metric) -> f64 {
    match metric.better() {
        _ if metric.name() == "vifp" => 1.0,
        Better::Higher => *metric.range().end(),
        Better::Lower => *metric.range().start(),
    }
}

#[test]
fn identical_images_have_the_best_score() {
    for kind in ["noisy", "smooth", "grey"] {
        let (a, b) = pair(kind, 203, 196);
        for metric in all(1).iter().filter(|metric| metric.needs_reference()) {
            let best = best(metric.as_ref());
            let got = metric.score(&a, &a).unwrap();
            assert!((got - best).abs() < 1e-9, "{} of {kind}: {got} is not {best}", metric.name());
            let worse = metric.score(&a, &b).unwrap();
            // Where the reference is not smooth there is no grid.
            let may_be_best = kind == "grey" || metric.name() == "grid";
            assert!((worse - best).abs() > 1e-6 || may_be_best, "{} of {kind}: {worse}", metric.name());
            assert!(metric.range().contains(&worse), "{}: {worse}", metric.name());
        }
    }
}

#[test]
fn flat_images_have_the_best_score_too() {
    let flat = |value: f32| Image::<Srgb>::from_fn(200, 170, |_, _, _| value);
    for value in [0.0, 0.5, 1.0] {
        for metric in all(0).iter().filter(|metric| metric.needs_reference()) {
            let best = best(metric.as_ref());
            let got = metric.score(&flat(value), &flat(value)).unwrap();
            assert!((got - best).abs() < 1e-9, "{} of {value}: {got}", metric.name());
        }
        for metric in [&TotalVariation::new(0) as &dyn Metric, &Noise::new(0)] {
            assert_eq!(metric.score(&flat(value), &flat(value)).unwrap(), 0.0);
        }
        let error = Niqe::new(0).score(&flat(value), &flat(value)).unwrap_err();
        assert!(matches!(error, MetricError::Undefined { .. }), "{error}");
        assert!(error.to_string().contains("this image has 0 (of 2)"), "{error}");
        let error = Brisque::new(0).score(&flat(value), &flat(value)).unwrap_err();
        assert!(matches!(error, MetricError::Undefined { .. }), "{error}");
    }
}

#[test]
fn one_flat_block_is_left_out_of_niqe() {
    let (_, b) = pair("smooth", 288, 192);
    let mut flat = b.clone();
    for y in 0..96 {
        for x in 0..96 {
            flat.data_mut()[(y * 288 + x) * 3..(y * 288 + x) * 3 + 3].fill(0.5);
        }
    }
    let (whole, partly) = (Niqe::new(0).score(&b, &b).unwrap(), Niqe::new(0).score(&flat, &flat).unwrap());
    assert!(partly.is_finite() && whole != partly, "{whole}, {partly}");
}

#[test]
fn the_least_size_is_scored_and_a_smaller_one_is_not() {
    for crop in [0, 2] {
        for metric in all(crop) {
            let (width, height) = least(metric.name());
            let scored = |width: usize, height: usize| {
                let (a, b) = pair("smooth", width + 2 * crop, height + 2 * crop);
                metric.score(&a, &b)
            };
            assert!(scored(width, height).is_ok(), "{}: {:?}", metric.name(), scored(width, height));
            let shorter = width.min(height);
            let error = scored(shorter - 1, 2 * height).unwrap_err();
            let MetricError::TooSmall { metric: name, min, got, .. } = &error else { panic!("{error}") };
            assert_eq!((name.as_str(), *min, *got), (metric.name(), shorter, shorter - 1));
        }
    }
    let (a, b) = pair("smooth", 96, 96);
    let error = Niqe::new(0).score(&a, &b).unwrap_err().to_string();
    assert!(error.contains("two blocks of 96×96") && error.contains("this image has 1 (of 1)"), "{error}");
}

#[test]
fn bad_pairs_are_errors() {
    let (a, b) = pair("smooth", 200, 180);
    let (other, _) = pair("smooth", 199, 180);
    for metric in all(4) {
        let other = metric.score(&other, &b);
        match metric.needs_reference() {
            true => assert!(matches!(other, Err(MetricError::SizeMismatch { .. })), "{}", metric.name()),
            false => assert_eq!(other.unwrap(), metric.score(&a, &b).unwrap()),
        }
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut broken = b.clone();
            broken.data_mut()[(80 * 200 + 80) * 3 + 1] = bad;
            let error = metric.score(&a, &broken).unwrap_err();
            assert!(matches!(error, MetricError::NotFinite { .. }), "{}: {error}", metric.name());
            if metric.needs_reference() {
                assert!(matches!(metric.score(&broken, &b), Err(MetricError::NotFinite { .. })));
            }
            // What is cut off is not looked at.
            let mut framed = b.clone();
            framed.data_mut()[200 * 3 + 1] = bad;
            assert_eq!(metric.score(&a, &framed).unwrap(), metric.score(&a, &b).unwrap());
        }
        let nothing = Image::from_fn(0, 0, |_, _, _| 0.0);
        assert!(matches!(metric.score(&nothing, &nothing), Err(MetricError::TooSmall { .. })));
    }
    // Values beyond the range are numbers still.
    let (wide_a, wide_b) = (a.map(|v| 1.4 * v - 0.2), b.map(|v| 1.4 * v - 0.2));
    for metric in all(0) {
        assert!(metric.score(&wide_a, &wide_b).unwrap().is_finite(), "{}", metric.name());
    }
}

#[test]
fn scores_do_not_depend_on_the_number_of_threads() {
    let (a, b) = pair("smooth", 411, 395);
    let scores = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| all(0).iter().map(|metric| metric.score(&a, &b).unwrap()).collect::<Vec<_>>())
    };
    assert_eq!(scores(1), scores(3));
}

/// Filters are kept for the last size only.
#[test]
fn sizes_may_alternate() {
    let metric = Fsim::colour(0);
    let score = |metric: &Fsim, width: usize| {
        let (a, b) = pair("smooth", width, 64);
        metric.score(&a, &b).unwrap()
    };
    let kept: Vec<_> = [64, 81, 64, 81].iter().map(|width| score(&metric, *width)).collect();
    let fresh: Vec<_> = [64, 81].iter().map(|width| score(&Fsim::colour(0), *width)).collect();
    assert_eq!(kept, [&fresh[..], &fresh[..]].concat());
    assert!(score(&Fsim::luma(0), 64) != fresh[0]);
}

#[test]
fn shifts_say_how_far_and_not_where_to() {
    let grey = |value: f32| Image::<Srgb>::from_fn(8, 6, |_, _, _| value);
    let shift = Shift::luminance(0);
    // 8-bit level 119 is the grey of L* = 50.034, and white is L* = 100.
    let got = shift.score(&grey(1.0), &grey(119.0 / 255.0)).unwrap();
    assert!((got - 49.966).abs() < 1e-3, "{got}");
    assert_eq!(got, shift.score(&grey(119.0 / 255.0), &grey(1.0)).unwrap());
    let saturation = Shift::saturation(0);
    assert!(saturation.score(&grey(1.0), &grey(0.2)).unwrap() < 0.02);
    // sRGB's blue is the most colourful: C* = 133.8.
    let blue = Image::<Srgb>::from_fn(8, 6, |_, _, c| if c == 2 { 1.0 } else { 0.0 });
    let got = saturation.score(&grey(0.5), &blue).unwrap();
    assert!((got - 133.8).abs() < 0.05, "{got}");
    // Columns of black and white: every pixel differs from the next by 100 in L*, and not from the one below.
    let stripes = Image::<Srgb>::from_fn(8, 6, |x, _, _| (x % 2) as f32);
    let got = Shift::sharpness(0).score(&grey(0.5), &stripes).unwrap();
    assert!((got - 100.0).abs() < 1e-3, "{got}");
}

#[test]
fn noise_is_estimated_in_levels() {
    // Uniform noise of width 24 levels has a deviation of 24 / √12; Immerkær's estimate assumes a Gaussian, whose mean
    // magnitude is nearly that of nine uniform numbers summed.
    let mut state = 1u32;
    let image = Image::<Srgb>::from_fn(256, 256, |_, _, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        0.5 + ((state >> 8) as f32 / (1 << 24) as f32 - 0.5) * 24.0 / 255.0
    });
    let got = Noise::new(0).score(&image, &image).unwrap();
    let expected = 24.0 / 12.0f64.sqrt();
    assert!((got / expected - 1.0).abs() < 0.03, "{got} is not {expected}");
}

#[test]
fn every_score_says_what_it_is() {
    for metric in all(4) {
        let protocol = metric.protocol();
        assert!(protocol.ends_with("crop 4"), "{protocol}");
        assert_eq!(protocol.contains("no reference"), !metric.needs_reference(), "{protocol}");
        assert!(metric.range().start() < metric.range().end());
        // Authors, title, year.
        assert!(metric.source().split(", ").count() > 2, "{}", metric.source());
        assert!(metric.cost() < Cost::Network);
    }
    let absolute =
        [Shift::luminance(0), Shift::saturation(0), Shift::sharpness(0)].map(|shift| shift.protocol());
    assert!(absolute.iter().all(|protocol| protocol.contains("absolute difference")), "{absolute:?}");
}

#[test]
fn maps_are_the_scores_place_by_place() {
    let wave = |x: usize, y: usize, c: usize| {
        0.5 + 0.3 * ((x * (c + 2)) as f32 / 9.0).sin() * (y as f32 / 7.0).cos()
    };
    let a = Image::from_fn(45, 38, wave);
    // Different in the middle alone.
    let b = Image::from_fn(45, 38, |x, y, c| {
        wave(x, y, c) + if x.abs_diff(22) < 4 && y.abs_diff(18) < 4 { 0.2 } else { 0.0 }
    });
    for crop in [0, 3] {
        let ssim = Ssim::rgb(crop);
        let map = ssim.spatial().unwrap().map(&a, &b).unwrap();
        let (width, height) = (45 - 2 * crop, 38 - 2 * crop);
        assert_eq!(map.size(), (width, height));
        let inside = map.crop(5, 5, width - 10, height - 10);
        let mean = inside.data().iter().map(|v| f64::from(*v)).sum::<f64>() / inside.data().len() as f64;
        assert!((1.0 - mean - ssim.score(&a, &b).unwrap()).abs() < 1e-6);
        let (middle, corner) = (map.pixel(22 - crop, 18 - crop)[0], map.pixel(0, 0)[0]);
        assert!(middle > 0.05 && corner.abs() < 1e-6, "{middle} {corner}");
        assert_eq!(map.pixel(0, 0), map.pixel(5, 5));

        let gmsd = Gmsd::new(crop);
        let map = gmsd.spatial().unwrap().map(&a, &b).unwrap();
        assert_eq!(map.size(), (width, height));
        let blocks: Vec<f64> = (0..height)
            .step_by(2)
            .flat_map(|y| (0..width).step_by(2).map(move |x| (x, y)))
            .map(|(x, y)| f64::from(map.pixel(x, y)[0]))
            .collect();
        let mean = blocks.iter().sum::<f64>() / blocks.len() as f64;
        let spread = blocks.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / blocks.len() as f64;
        assert!((spread.sqrt() - gmsd.score(&a, &b).unwrap()).abs() < 1e-6);
    }
    let small = Image::from_fn(10, 10, wave);
    assert!(Ssim::y(0).spatial().unwrap().map(&small, &small).is_err());
    assert!(Psnr::y(0).spatial().is_none());
}
