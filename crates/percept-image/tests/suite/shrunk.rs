//! Scores of shrunk pictures against Pillow's (`fixtures/make_shrunk.py`).

use percept_image::{Image, Metric, MetricError, Psnr, Shrunk, Srgb, TotalVariation};

fn pair(width: usize, height: usize) -> (Image<Srgb>, Image<Srgb>) {
    let level = |x: usize, y: usize, c: usize| (x * 3 + y * 2 + c * 40 + (x * y * (c + 1)) / 7) % 256;
    let image = |of: &dyn Fn(usize) -> usize| {
        Image::from_fn(width, height, |x, y, c| of(level(x, y, c)) as f32 / 255.0)
    };
    (image(&|a| a), image(&|a| (a * 7 + 128) / 8))
}

#[test]
fn scores_equal_those_of_pillows_pictures() {
    let cases: Vec<serde_json::Value> =
        serde_json::from_str(include_str!("../fixtures/shrunk.json")).unwrap();
    assert_eq!(cases.len(), 4);
    for case in &cases {
        let number = |key: &str| case[key].as_u64().unwrap() as usize;
        let (a, b) = pair(number("width"), number("height"));
        let metrics: [(&str, Box<dyn Metric>, f64); 2] =
            // Pillow rounds between its two passes, too.
            [("psnr", Box::new(Psnr::rgb(0)), 0.03), ("tv", Box::new(TotalVariation::new(0)), 1e-3)];
        for (name, metric, tolerance) in metrics {
            let got = Shrunk::new(metric, number("side")).score(&a, &b).unwrap();
            let golden = case[name].as_f64().unwrap();
            assert!((got - golden).abs() < tolerance, "{name} of {case}: {got}");
        }
    }
}

#[test]
fn small_pictures_stay_as_they_are() {
    let (a, b) = pair(40, 30);
    let plain = Psnr::y(0);
    let shrunk = Shrunk::new(Box::new(plain.clone()), 30);
    assert_eq!(shrunk.score(&a, &b).unwrap(), plain.score(&a, &b).unwrap());
    assert_eq!(shrunk.name(), "psnr-y@30");
    assert!(shrunk.protocol().ends_with(&plain.protocol()) && shrunk.protocol().contains("30 pixels"));
}

#[test]
fn sizes_are_compared_before_they_are_made_alike() {
    let shrunk = Shrunk::new(Box::new(Psnr::y(0)), 8);
    let error = shrunk.score(&pair(40, 32).0, &pair(20, 16).0).unwrap_err();
    assert!(matches!(error, MetricError::SizeMismatch { reference: (40, 32), .. }));
    let alone = Shrunk::new(Box::new(TotalVariation::new(0)), 8);
    assert!(!alone.needs_reference());
    assert!(alone.score(&pair(1, 1).0, &pair(20, 16).0).is_ok());
}
