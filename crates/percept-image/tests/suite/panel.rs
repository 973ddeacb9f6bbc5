//! Scores against their references (`fixtures/make_panel.py`), and what each of them is for.

use percept_image::{
    BandEnergy, Brisque, Butteraugli, Flip, Grid, Image, Metric, MetricError, Piqe, Srgb, Ssimulacra2, Vifp,
};

use super::metrics::{all, pair, triangle};

/// A smooth picture and the same with a grid and noise; `make_panel.py` has the same formulas.
fn soft(width: usize, height: usize) -> (Image<Srgb>, Image<Srgb>) {
    let image = |of: &dyn Fn(i64, i64, i64) -> i64| {
        Image::from_fn(width, height, |x, y, c| of(x as i64, y as i64, c as i64).clamp(0, 255) as f32 / 255.0)
    };
    let a =
        |x: i64, y: i64, c: i64| 24 + triangle(x + 2 * y + 11 * c, 170) / 2 + 60 * ((x / 90 + y / 70) % 2);
    let b = |x: i64, y: i64, c: i64| {
        let cell = (x % 8 * 5 + y % 8 * 3) % 7 - 3 + 2 * ((x + y) % 2);
        a(x, y, c) + cell + (x * 7919 + y * 104_729) % 5 - 2
    };
    (image(&a), image(&b))
}

fn made(kind: &str, width: usize, height: usize) -> (Image<Srgb>, Image<Srgb>) {
    if kind == "soft" { soft(width, height) } else { pair(kind, width, height) }
}

#[test]
fn scores_equal_the_references() {
    let cases: serde_json::Value = serde_json::from_str(include_str!("../fixtures/panel.json")).unwrap();
    let (mut compared, mut wrong) = (std::collections::BTreeMap::new(), Vec::new());
    for case in cases.as_array().unwrap() {
        let number = |key: &str| case[key].as_u64().unwrap() as usize;
        let (a, b) = made(case["kind"].as_str().unwrap(), number("width"), number("height"));
        for metric in all(number("crop")) {
            let Some(golden) = case[metric.name()].as_f64() else { continue };
            let got = metric.score(&a, &b).unwrap();
            // In single precision, by a recursion.
            if let Some(rough) = case["fast-ssim2"].as_f64().filter(|_| metric.name() == "ssimulacra2") {
                assert!((got - rough).abs() < 0.5, "{got} is far from {rough}");
            }
            if (got - golden).abs() >= 1e-4 * golden.abs().max(1.0) {
                let size = (a.width(), a.height());
                wrong.push(format!("{} of {} {size:?}: {got} is not {golden}", metric.name(), case["kind"]));
            }
            *compared.entry(metric.name().to_string()).or_insert(0) += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let counts: Vec<_> = compared.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    let expected = [
        ("band-energy", 11),
        ("brisque", 11),
        ("flip", 11),
        ("grid", 11),
        ("iw-ssim", 3),
        ("nlpd", 3),
        ("piqe", 11),
        ("ssimulacra2", 11),
        ("vifp", 11),
    ];
    assert_eq!(counts, expected);
}

#[test]
fn butteraugli_equals_libjxl_s() {
    let cases: serde_json::Value =
        serde_json::from_str(include_str!("../fixtures/butteraugli.json")).unwrap();
    assert_eq!(cases.as_array().unwrap().len(), 6);
    for case in cases.as_array().unwrap() {
        let number = |key: &str| case[key].as_u64().unwrap() as usize;
        let (a, b) = made(case["kind"].as_str().unwrap(), number("width"), number("height"));
        for metric in [Butteraugli::largest(0), Butteraugli::three(0)] {
            let (got, golden) = (metric.score(&a, &b).unwrap(), case[metric.name()].as_f64().unwrap());
            assert!((got / golden - 1.0).abs() < 1e-4, "{} of {case}: {got}", metric.name());
        }
    }
}

/// A dark ramp, as a night sky is, with what `more` adds, in levels.
fn dark(more: impl Fn(usize, usize) -> f32) -> Image<Srgb> {
    Image::from_fn(256, 192, |x, y, c| (12.0 + (x + 2 * y + 5 * c) as f32 / 16.0 + more(x, y)) / 255.0)
}

/// A normal number for every place.
fn noise(x: usize, y: usize) -> f32 {
    let mut state = (x * 193 + y * 65_537 + 1) as u64;
    let uniform = (0..12).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 24) as f32
    });
    uniform.sum::<f32>() - 6.0
}

#[test]
fn a_grid_is_measured_in_levels() {
    let grid = |a: &Image<Srgb>, b: &Image<Srgb>| Grid::new(0).score(a, b).unwrap();
    let smooth = dark(|_, _| 0.0);
    let checker = |x: usize, y: usize| if (x + y).is_multiple_of(2) { 1.0 } else { -1.0 };
    let mut last = 0.0;
    for amplitude in [0.1, 0.25, 0.5, 1.0, 2.0, 4.0_f32] {
        let got = grid(&smooth, &dark(|x, y| amplitude * checker(x, y)));
        assert!((got - f64::from(amplitude)).abs() < 0.01 * f64::from(amplitude), "{amplitude}: {got}");
        assert!(got > last);
        last = got;
    }
    // Stripes along either axis, of every period, and one pixel of each cell: all by their root mean square.
    for period in [2, 4, 8] {
        let square = |at: usize| if at % period < period / 2 { 1.0 } else { -1.0 };
        let pixel = |x: usize, y: usize| if x % period + y % period == 0 { 2.0 } else { 0.0 };
        let share = 1.0 / (period * period) as f64;
        let deviation = 2.0 * (share * (1.0 - share)).sqrt();
        for (got, expected) in [
            (grid(&smooth, &dark(|x, _| square(x))), 1.0),
            (grid(&smooth, &dark(|_, y| square(y))), 1.0),
            (grid(&smooth, &dark(pixel)), deviation),
        ] {
            assert!((got - expected).abs() < 0.02 * expected, "{period}: {got} is not {expected}");
        }
    }
    // A grid in noise is found as well, also in noise that the reference has.
    let both = grid(&dark(noise), &dark(|x, y| noise(x, y) + checker(x, y)));
    let one = grid(&smooth, &dark(|x, y| noise(x, y) + checker(x, y)));
    assert!((both - 1.0).abs() < 0.05 && (one - 1.0).abs() < 0.1, "{both} {one}");
}

#[test]
fn what_is_no_grid_is_not_taken_for_one() {
    let grid = |a: &Image<Srgb>, b: &Image<Srgb>| Grid::new(0).score(a, b).unwrap();
    let smooth = dark(|_, _| 0.0);
    let checker = |x: usize, y: usize| if (x + y).is_multiple_of(2) { 2.0 } else { -2.0 };
    // Noise, and less noise than there should be.
    assert!(grid(&smooth, &dark(noise)) < 0.15, "{}", grid(&smooth, &dark(noise)));
    assert!(grid(&dark(noise), &smooth) < 0.15);
    // Darker, lighter, and periods of no grid of a network.
    assert!(grid(&smooth, &smooth.clone().map(|v| 0.8 * v)) < 0.05);
    assert!(grid(&smooth, &dark(|_, _| 7.0)) < 1e-3);
    for period in [3, 5, 6, 12] {
        let turn = std::f32::consts::TAU / period as f32;
        let stripes = dark(|x, _| (x as f32 * turn).sin());
        assert!(grid(&smooth, &stripes) < 0.3, "{period}: {}", grid(&smooth, &stripes));
    }
    // The target's own grid is no fault, and neither is its absence.
    let own = dark(checker);
    assert_eq!(grid(&own, &own), 0.0);
    assert_eq!(grid(&own, &smooth), 0.0);
    // Soft results of a photo-like picture.
    let waves = |sharp: f32| {
        dark(move |x, y| {
            [(7.0, 3.0), (11.0, -5.0), (23.0, 9.0), (5.3, 31.0)]
                .iter()
                .map(|(u, v): &(f32, f32)| {
                    let frequency = 1.0 / u.hypot(*v) * 6.0;
                    (x as f32 / u + y as f32 / v).sin() * sharp.powf(frequency)
                })
                .sum()
        })
    };
    let got = grid(&waves(1.0), &waves(0.4));
    assert!(got < 0.1, "{got}");
    // In texture a grid is not seen.
    let texture = dark(|x, y| 4.0 * noise(x, y));
    assert_eq!(grid(&texture, &dark(|x, y| 4.0 * noise(x, y) + checker(x, y))), 0.0);
}

#[test]
fn a_map_of_a_grid_says_where_it_is() {
    let grid = Grid::new(0);
    let left = dark(|x, y| if x < 128 { if (x + y).is_multiple_of(2) { 1.0 } else { -1.0 } } else { 0.0 });
    let map = grid.spatial().unwrap().map(&dark(|_, _| 0.0), &left).unwrap();
    assert_eq!(map.size(), (256, 192));
    for (x, y) in [(0, 0), (3, 191), (100, 90)] {
        assert!((map.pixel(x, y)[0] - 1.0).abs() < 0.01, "{x} {y}: {:?}", map.pixel(x, y));
    }
    for (x, y) in [(255, 0), (160, 191), (190, 90)] {
        assert!(map.pixel(x, y)[0] < 0.05, "{x} {y}: {:?}", map.pixel(x, y));
    }
}

#[test]
fn lost_texture_and_invented_texture_are_told_apart_by_band() {
    let wave = |period: f32, amplitude: f32| {
        Image::<Srgb>::from_fn(160, 128, |x, y, _| {
            let turn = std::f32::consts::TAU / period;
            0.5 + amplitude * ((x as f32 * turn).sin() + (y as f32 * turn).cos()) / 255.0
        })
    };
    let score = BandEnergy::new(0);
    for (band, period) in [3.0, 6.0, 12.0, 24.0].into_iter().enumerate() {
        let bands = score.bands(&wave(period, 20.0), &wave(period, 10.0)).unwrap();
        let back = score.bands(&wave(period, 10.0), &wave(period, 20.0)).unwrap();
        // A quarter of the energy is −6 dB, and the other way round the same above 0.
        assert!((bands[band] + 6.02).abs() < 0.3, "{period}: {bands:?}");
        assert!(bands.iter().zip(back).all(|(one, other)| (one + other).abs() < 1e-9));
        let mean = bands.iter().map(|band| band.abs()).sum::<f64>() / 4.0;
        let got = score.score(&wave(period, 20.0), &wave(period, 10.0)).unwrap();
        assert!(got >= mean - 1e-9 && got < mean + 0.1, "{got} {mean}");
    }
    // Moved texture has the same energy, which a difference of pixels does not see.
    let moved = Image::from_fn(160, 128, |x, y, c| wave(6.0, 20.0).pixel((x + 3) % 160, y)[c]);
    assert!(score.score(&wave(6.0, 20.0), &moved).unwrap() < 0.5);
    let map = score.spatial().unwrap().map(&wave(3.0, 20.0), &wave(3.0, 10.0)).unwrap();
    let mean = map.data().iter().map(|v| f64::from(*v)).sum::<f64>() / map.data().len() as f64;
    assert!((mean - score.score(&wave(3.0, 20.0), &wave(3.0, 10.0)).unwrap()).abs() < 0.1);
    let small = Image::from_fn(32, 64, |_, _, _| 0.5);
    assert!(matches!(score.bands(&small, &small), Err(MetricError::TooSmall { .. })));
}

#[test]
fn information_is_kept_lost_or_made_clearer() {
    let vif = |a: &Image<Srgb>, b: &Image<Srgb>| Vifp::new(0).score(a, b).unwrap();
    let (a, _) = pair("smooth", 120, 90);
    let contrast = |factor: f32| a.clone().map(|v| 0.5 + factor * (v - 0.5));
    assert!(vif(&a, &contrast(1.3)) > 1.0 && vif(&a, &contrast(0.7)) < 1.0);
    // What moves light and nothing else loses nothing.
    assert!((vif(&a, &a.clone().map(|v| 0.9 * v)) - vif(&a, &a.clone().map(|v| 0.9 * v + 0.1))).abs() < 1e-6);
    // A negative tells nothing by this measure, and there is nothing to keep of a flat picture.
    assert_eq!(vif(&a, &a.clone().map(|v| 1.0 - v)), 0.0);
    let flat = a.clone().map(|_| 0.4);
    assert_eq!((vif(&flat, &a), vif(&flat, &flat), vif(&a, &flat)), (0.0, 1.0, 0.0));
}

#[test]
fn flip_s_map_is_its_score_place_by_place() {
    let (a, b) = soft(70, 50);
    for crop in [0, 4] {
        let flip = Flip::new(crop);
        let map = flip.spatial().unwrap().map(&a, &b).unwrap();
        assert_eq!(map.size(), (70 - 2 * crop, 50 - 2 * crop));
        let mean = map.data().iter().map(|v| f64::from(*v)).sum::<f64>() / map.data().len() as f64;
        assert!((mean - flip.score(&a, &b).unwrap()).abs() < 1e-6);
    }
    // Beyond the range there is nothing to be seen.
    let (dark, light) = (a.clone().map(|v| v - 2.0), a.clone().map(|v| v + 2.0));
    assert_eq!(Flip::new(0).score(&dark, &a.clone().map(|_| 0.0)).unwrap(), 0.0);
    let most = Flip::new(0).score(&dark, &light).unwrap();
    assert!(most > 0.9 && most <= 1.0, "{most}");
}

#[test]
fn blocks_and_noise_raise_piqe() {
    let piqe = |image: &Image<Srgb>| Piqe::new(0).score(image, image).unwrap();
    // Waves of different lengths, which no block repeats.
    let texture = |x: usize, y: usize| {
        let (x, y) = (x as f32, y as f32);
        0.5 + 0.15 * (0.31 * x + 0.17 * y).sin()
            + 0.1 * (0.23 * y - 0.4 * x).sin()
            + 0.05 * (0.9 * x + 0.7 * y).cos()
    };
    let image = |of: &dyn Fn(usize, usize) -> f32| Image::<Srgb>::from_fn(160, 128, |x, y, _| of(x, y));
    let clean = piqe(&image(&texture));
    let blocky = piqe(&image(&|x, y| texture(x / 8 * 8, y / 8 * 8)));
    let noisy = piqe(&image(&|x, y| texture(x, y) + noise(x, y) / 12.0));
    assert!(blocky > clean + 20.0 && noisy > clean + 20.0, "{clean} {blocky} {noisy}");
    assert_eq!(piqe(&image(&|_, _| 0.3)), 100.0);
}

#[test]
fn less_natural_pictures_have_more_of_brisque() {
    let brisque = |image: &Image<Srgb>| Brisque::new(0).score(image, image).unwrap();
    let (photo, _) = pair("smooth", 240, 200);
    let changed = |of: &dyn Fn(usize, usize, usize) -> f32| Image::<Srgb>::from_fn(240, 200, of);
    let clean = brisque(&photo);
    let noisy = brisque(&changed(&|x, y, c| photo.pixel(x, y)[c] + noise(x, y) / 10.0));
    let blocky = brisque(&changed(&|x, y, c| photo.pixel(x / 8 * 8, y / 8 * 8)[c]));
    assert!(noisy > clean + 5.0 && blocky > clean + 50.0, "{clean} {noisy} {blocky}");
}

#[test]
fn worse_pictures_have_less_of_ssimulacra_2() {
    let (a, b) = pair("smooth", 200, 160);
    let mixed = |share: f32| {
        Image::from_fn(200, 160, |x, y, c| a.pixel(x, y)[c] + share * (b.pixel(x, y)[c] - a.pixel(x, y)[c]))
    };
    let scores: Vec<f64> = [0.0, 0.1, 0.3, 1.0]
        .iter()
        .map(|share| Ssimulacra2::new(0).score(&a, &mixed(*share)).unwrap())
        .collect();
    assert!(scores[0] == 100.0 && scores.is_sorted_by(|one, next| one > next), "{scores:?}");
}
