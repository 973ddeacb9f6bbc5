//! Arrays of other programs.

use half::f16;
use percept_image::{ArrayError, ArrayView, Depth, Samples};

/// `[2, 3, 3]` without gaps.
const SHAPE: [usize; 3] = [2, 3, 3];

fn view(samples: Samples<'_>) -> ArrayView<'_> {
    ArrayView { samples, first: 0, shape: SHAPE, strides: [9, 3, 1] }
}

fn floats(value: impl Fn(usize) -> f32) -> Vec<f32> {
    (0..18).map(value).collect()
}

#[test]
fn every_type_is_read_in_its_range() {
    let bytes: Vec<u8> = (0..18).map(|at| at * 15).collect();
    let expected: Vec<f32> = bytes.iter().map(|byte| f32::from(*byte) / 255.0).collect();
    let wide: Vec<u16> = bytes.iter().map(|byte| u16::from(*byte) * 257).collect();
    let half: Vec<f16> = expected.iter().map(|value| f16::from_f32(*value)).collect();
    let double: Vec<f64> = expected.iter().map(|value| f64::from(*value)).collect();
    let all = [
        Samples::U8(&bytes),
        Samples::U16(&wide),
        Samples::F16(&half),
        Samples::F32(&expected),
        Samples::F64(&double),
    ];
    for samples in all {
        let photo = view(samples).photo().unwrap();
        assert_eq!((photo.pixels.size(), photo.alpha.is_none(), photo.grey), ((3, 2), true, false));
        assert_eq!(photo.depth == Depth::Sixteen, matches!(samples, Samples::U16(_)));
        let near = photo.pixels.data().iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-3);
        assert!(near, "{samples:?}");
        assert_eq!(photo.levels8(), bytes, "and back");
        if let Samples::U16(_) = samples {
            assert_eq!(photo.levels16(), wide);
        }
    }
}

#[test]
fn strides_lead_where_they_say() {
    let values = floats(|at| at as f32 / 17.0);
    let plain = view(Samples::F32(&values)).photo().unwrap().pixels;
    let mirrored = ArrayView { first: 6, strides: [9, -3, 1], ..view(Samples::F32(&values)) };
    let mirrored = mirrored.photo().unwrap().pixels;
    assert_eq!((mirrored.pixel(0, 1), mirrored.pixel(2, 0)), (plain.pixel(2, 1), plain.pixel(0, 0)));
    // Plane after plane, as PyTorch has it.
    let planes: Vec<f32> = (0..3).flat_map(|c| (0..6).map(move |at| (at * 3 + c) as f32 / 17.0)).collect();
    let planes = ArrayView { strides: [3, 1, 6], ..view(Samples::F32(&planes)) };
    assert_eq!(planes.photo().unwrap().pixels, plain);
    // One row for all.
    let same = ArrayView { strides: [0, 3, 1], ..view(Samples::F32(&values)) }.photo().unwrap().pixels;
    assert_eq!(same.pixel(1, 0), same.pixel(1, 1));
}

#[test]
fn grey_and_opacity_are_kept_apart() {
    let values = floats(|at| at as f32 / 17.0);
    let grey =
        ArrayView { shape: [2, 3, 1], strides: [3, 1, 1], ..view(Samples::F32(&values)) }.photo().unwrap();
    assert!(grey.grey && grey.pixels.pixel(2, 0) == [values[2]; 3]);
    let through =
        ArrayView { shape: [2, 2, 4], strides: [8, 4, 1], ..view(Samples::F32(&values)) }.photo().unwrap();
    assert_eq!(through.alpha.as_deref(), Some(&[values[3], values[7], values[11], values[15]][..]));
    assert_eq!(through.pixels.pixel(1, 0), &values[4..7]);
    assert_eq!(through.values(), &values[..16]);
}

#[test]
fn what_is_no_picture_is_refused() {
    let refused = |view: ArrayView<'_>| view.photo().unwrap_err();
    let of = |value: f32| refused(view(Samples::F32(&floats(|at| if at == 7 { value } else { 0.0 }))));
    assert_eq!(of(f32::NAN), ArrayError::NotFinite);
    assert_eq!(of(f32::NEG_INFINITY), ArrayError::NotFinite);
    assert!(of(255.0).to_string().contains("divide by 255,"));
    assert!(of(65_535.0).to_string().contains("65535"));
    assert!(of(-1.0).to_string().contains("(x + 1) / 2"));
    assert!(of(-0.01).to_string().contains("clip"));
    assert!(of(1.01).to_string().contains("clip"));
    let values = floats(|_| 0.5);
    let plain = || view(Samples::F32(&values));
    assert_eq!(refused(ArrayView { shape: [2, 3, 2], ..plain() }), ArrayError::Channels { got: 2 });
    assert_eq!(refused(ArrayView { shape: [0, 3, 3], ..plain() }), ArrayError::Empty { width: 3, height: 0 });
    for wrong in [
        ArrayView { first: 1, ..plain() },
        ArrayView { strides: [10, 3, 1], ..plain() },
        ArrayView { strides: [-9, 3, 1], ..plain() },
        ArrayView { strides: [isize::MAX, 3, 1], ..plain() },
        ArrayView { strides: [9, 3, isize::MIN], ..plain() },
    ] {
        assert_eq!(refused(wrong), ArrayError::Layout, "{wrong:?}");
    }
}

#[test]
fn memory_that_is_used_again_leaves_nothing_behind() {
    let values: Vec<f32> = (0..4 * 5 * 3).map(|at| at as f32 / 60.0).collect();
    fn of(values: &[f32]) -> ArrayView<'_> {
        ArrayView { samples: Samples::F32(values), first: 0, shape: [4, 5, 3], strides: [15, 3, 1] }
    }
    let fresh = of(&values).photo().unwrap();
    for spare in [vec![f32::NAN; 500], vec![7.0; 3]] {
        assert_eq!(of(&values).photo_in(spare).unwrap().pixels, fresh.pixels);
    }
    let wrong: Vec<f32> = values.iter().map(|value| 2.0 * value).collect();
    assert!(matches!(of(&wrong).photo_in(vec![0.5; 60]), Err(ArrayError::Range { .. })));
}
