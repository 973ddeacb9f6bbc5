//! Scores against scikit-image and piq (`fixtures/make_scores.py`), and what must hold for any pair.

use percept_image::{Better, Image, Metric, MetricError, MsSsim, Psnr, Srgb, Ssim};

/// The images of `make_scores.py`.
fn pair(width: usize, height: usize) -> (Image<Srgb>, Image<Srgb>) {
    let level = |x: usize, y: usize, c: usize| (x * 3 + y * 2 + c * 40 + (x * y * (c + 1)) / 7) % 256;
    let noisy = |x: usize, y: usize, c: usize| {
        let noise = ((x * 7919 + y * 104_729 + c * 1_299_709) % 41) as i64 - 20;
        (((level(x, y, c) * 7 + 128) / 8) as i64 + noise).clamp(0, 255)
    };
    (
        Image::from_fn(width, height, |x, y, c| level(x, y, c) as f32 / 255.0),
        Image::from_fn(width, height, |x, y, c| noisy(x, y, c) as f32 / 255.0),
    )
}

fn all(crop: usize) -> Vec<Box<dyn Metric>> {
    vec![
        Box::new(Psnr::y(crop)),
        Box::new(Psnr::rgb(crop)),
        Box::new(Ssim::y(crop)),
        Box::new(Ssim::rgb(crop)),
        Box::new(MsSsim::y(crop)),
        Box::new(MsSsim::rgb(crop)),
    ]
}

#[test]
fn scores_equal_the_references() {
    let cases: serde_json::Value = serde_json::from_str(include_str!("../fixtures/scores.json")).unwrap();
    let mut compared = 0;
    for case in cases.as_array().unwrap() {
        let number = |key: &str| case[key].as_u64().unwrap() as usize;
        let (a, b) = pair(number("width"), number("height"));
        for metric in all(number("crop")) {
            let Some(golden) = case[metric.name()].as_f64() else { continue };
            let got = metric.score(&a, &b).unwrap();
            assert!((got - golden).abs() < 1e-5, "{}: {got} is not {golden}", metric.protocol());
            compared += 1;
        }
    }
    assert_eq!(compared, 20);
}

#[test]
fn identical_images_have_the_best_score() {
    let (a, _) = pair(200, 170);
    for metric in all(2) {
        let best = if metric.name().starts_with("psnr") { f64::INFINITY } else { 1.0 };
        let got = metric.score(&a, &a).unwrap();
        assert!(got == best || (got - best).abs() < 1e-12, "{}: {got}", metric.name());
        assert_eq!(metric.better(), Better::Higher);
    }
}

#[test]
fn the_border_crop_hides_the_border() {
    let (a, _) = pair(190, 180);
    let mut b = a.clone();
    for x in 0..190 {
        for c in 0..3 {
            b.data_mut()[x * 3 + c] = 0.5;
            b.data_mut()[(3 * 190 + x) * 3 + c] = 0.5;
        }
    }
    for (three, four) in all(3).iter().zip(all(4)) {
        assert!(three.score(&a, &b).unwrap() < four.score(&a, &b).unwrap());
        assert_eq!(four.score(&a, &b).unwrap(), four.score(&a, &a).unwrap());
    }
}

#[test]
fn pairs_that_cannot_be_scored_are_errors() {
    let (a, b) = pair(170, 180);
    let (small, _) = pair(40, 12);
    for metric in all(4) {
        assert!(matches!(metric.score(&a, &small), Err(MetricError::SizeMismatch { .. })));
        let tiny = metric.score(&small, &small);
        if metric.name().starts_with("psnr") {
            assert!(tiny.is_ok());
        } else {
            assert!(matches!(tiny, Err(MetricError::TooSmall { .. })), "{}", metric.name());
        }
        let mut broken = b.clone();
        broken.data_mut()[(80 * 170 + 80) * 3 + 1] = f32::NAN;
        assert!(matches!(metric.score(&a, &broken), Err(MetricError::NotFinite { .. })), "{}", metric.name());
        assert!(matches!(
            metric.score(&Image::from_fn(0, 0, |_, _, _| 0.0), &Image::from_fn(0, 0, |_, _, _| 0.0)),
            Err(MetricError::TooSmall { .. })
        ));
    }
    // 161 pixels are enough for five scales, 160 are not.
    let (a, b) = pair(161, 161);
    assert!(MsSsim::rgb(0).score(&a, &b).is_ok());
    let (a, b) = pair(160, 200);
    assert!(MsSsim::rgb(0).score(&a, &b).is_err());
}

#[test]
fn protocols_say_channels_and_crop() {
    for metric in all(4) {
        let protocol = metric.protocol();
        assert!(protocol.starts_with(&metric.name().to_uppercase()), "{protocol}");
        assert!(protocol.ends_with("crop 4"), "{protocol}");
        assert!(protocol.contains(if metric.name().ends_with('y') { "BT.601" } else { "RGB" }), "{protocol}");
    }
}
