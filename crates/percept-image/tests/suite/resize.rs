//! `imresize` against MATLAB's convention (`fixtures/make_imresize.py`) and what must hold for any image.

use percept_image::resize::{imresize, imresize_by};
use percept_image::{Image, Srgb};
use proptest::prelude::*;

/// The image of `make_imresize.py`.
fn image(width: usize, height: usize) -> Image<Srgb> {
    Image::from_fn(width, height, |x, y, c| {
        ((x * 37 + y * 59 + c * 71 + x * y * (5 + c)) % 256) as f32 / 255.0
    })
}

#[test]
fn equals_the_golden_vectors() {
    let cases: serde_json::Value = serde_json::from_str(include_str!("../fixtures/imresize.json")).unwrap();
    let cases = cases.as_array().unwrap();
    assert_eq!(cases.len(), 13);
    for case in cases {
        let pair = |key: &str| {
            let side = |i: usize| case[key][i].as_u64().unwrap() as usize;
            (side(0), side(1))
        };
        let (from, to) = (pair("from"), pair("to"));
        let got = match case["scale"].as_f64() {
            Some(scale) => imresize_by(&image(from.0, from.1), scale),
            None => imresize(&image(from.0, from.1), to.0, to.1),
        };
        assert_eq!(got.size(), to);
        let golden = case["values"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32);
        assert_eq!(golden.len(), got.data().len());
        let worst = golden.zip(got.data()).map(|(g, v)| (g - v).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5, "{from:?} to {to:?}: off by {worst}");
    }
}

#[test]
fn halving_weighs_as_published() {
    // A 1-D impulse shrunk by 2 has the stretched kernel's samples at ±0.5, ±1.5, ±2.5, ±3.5 half-pixels:
    // Keys' kernel at 0.25, 0.75, 1.25, 1.75, over its sum.
    let keys = [0.867_187_5_f32, 0.226_562_5, -0.070_312_5, -0.023_437_5];
    let sum = 2.0 * keys.iter().sum::<f32>();
    for at in 8..16 {
        let impulse = Image::<Srgb>::from_fn(24, 1, |x, _, _| if x == at { 1.0 } else { 0.0 });
        let half = imresize(&impulse, 12, 1);
        for x in 0..12 {
            let distance = (at as f32 - (2.0 * x as f32 + 0.5)).abs();
            let weight = keys.get((distance - 0.5) as usize).map_or(0.0, |k| k / sum);
            assert!((half.pixel(x, 0)[0] - weight).abs() < 1e-6, "impulse at {at}, output {x}");
        }
    }
}

#[test]
fn odd_scales_are_no_reason_to_fall() {
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(imresize_by(&image(4, 3), scale).size(), (0, 0));
    }
    assert_eq!(imresize_by(&image(5, 3), 0.25).size(), (2, 1));
}

proptest! {
    #[test]
    fn constants_stay(w in 1_usize..40, h in 1_usize..40, nw in 1_usize..60, nh in 1_usize..60, v in 0.0_f32..1.0) {
        let out = imresize(&Image::<Srgb>::from_fn(w, h, |_, _, _| v), nw, nh);
        prop_assert_eq!(out.size(), (nw, nh));
        prop_assert!(out.data().iter().all(|o| (o - v).abs() < 1e-5));
    }

    #[test]
    fn the_same_size_is_the_same_image(w in 1_usize..30, h in 1_usize..30) {
        let image = image(w, h);
        let out = imresize(&image, w, h);
        prop_assert!(out.data().iter().zip(image.data()).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn a_crop_holds_the_pixels_it_names(
        w in 1_usize..20, h in 1_usize..20, x in 0_usize..25, y in 0_usize..25, cw in 0_usize..25, ch in 0_usize..25,
    ) {
        let image = image(w, h);
        let crop = image.crop(x, y, cw, ch);
        prop_assert_eq!(crop.size(), (cw.min(w.saturating_sub(x)), ch.min(h.saturating_sub(y))));
        for j in 0..crop.height() {
            for i in 0..crop.width() {
                prop_assert_eq!(crop.pixel(i, j), image.pixel(x + i, y + j));
            }
        }
    }
}
