//! LPIPS and DISTS with the bundled weights, against their authors' packages.

// Tests stop at the first thing that is not as it should be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

#[path = "common/store.rs"]
mod bundled;
#[path = "common/perceptual.rs"]
mod perceptual;

use bundled::store;
use burn::tensor::{Device, Tensor};
use percept_image::{Better, Image, Metric, MetricError, Srgb};
use percept_nn::metric::{Dists, Lpips};
use percept_nn::weights::{StateDict, WeightError, WeightStore};
use perceptual::{fixture, image, vector};

/// As in `fixtures/make_perceptual.py`.
const PAIRS: [(&str, &str); 5] = [
    ("astronaut", "astronaut_blur"),
    ("astronaut", "astronaut_noise"),
    ("chelsea", "chelsea_jpeg"),
    ("chelsea", "chelsea_small"),
    ("astronaut", "chelsea"),
];

fn photo(fixture: &StateDict, name: &str) -> Image<Srgb> {
    let array = fixture.get(&format!("image.{name}")).unwrap();
    let data = array.data.iter().map(|value| value / 255.0).collect();
    Image::from_vec(array.shape[1], array.shape[0], data).unwrap()
}

/// `half` was computed with the very weights that are bundled: what is left is arithmetic. `full` with the
/// published ones, so that it includes what storing them in half precision costs.
fn agrees(metric: &dyn Metric) {
    let fixture = fixture();
    for (precision, tolerance) in [("half", 2e-5), ("full", 1e-4)] {
        let expected = &fixture.get(&format!("{precision}.{}", metric.name())).unwrap().data;
        for ((a, b), expected) in PAIRS.iter().zip(expected) {
            let got = metric.score(&photo(&fixture, a), &photo(&fixture, b)).unwrap();
            let error = (got - f64::from(*expected)).abs();
            assert!(error < tolerance, "{} {a} {b}: {got}, {precision} reference {expected}", metric.name());
        }
    }
    let same = photo(&fixture, "chelsea");
    assert!(metric.score(&same, &same).unwrap().abs() < 1e-6);
    assert_eq!(metric.better(), Better::Lower);
}

#[test]
fn lpips_alex_agrees_with_the_package() {
    agrees(&Lpips::alex(&store(), &Device::flex()).unwrap());
}

#[test]
fn lpips_vgg_agrees_with_the_package() {
    agrees(&Lpips::vgg(&store(), &Device::flex()).unwrap());
}

#[test]
fn dists_agrees_with_the_package() {
    agrees(&Dists::new(&store(), &Device::flex()).unwrap());
}

type Distance = Box<dyn Fn(Tensor<4>, Tensor<4>) -> Tensor<1>>;

fn distances(device: &Device) -> Vec<(&'static str, Distance)> {
    let alex = Lpips::alex(&store(), device).unwrap();
    let vgg = Lpips::vgg(&store(), device).unwrap();
    let dists = Dists::new(&store(), device).unwrap();
    vec![
        ("lpips-alex", Box::new(move |a, b| alex.distance(a, b))),
        ("lpips-vgg", Box::new(move |a, b| vgg.distance(a, b))),
        ("dists", Box::new(move |a, b| dists.distance(a, b))),
    ]
}

fn gradient(distance: &Distance, a: Tensor<4>, b: Tensor<4>) -> Vec<f32> {
    let a = a.require_grad();
    let gradients = distance(a.clone(), b).sum().backward();
    vector(a.grad(&gradients).unwrap())
}

#[test]
fn gradients_are_finite_at_identical_images_and_at_flat_ones() {
    let device = Device::flex().autodiff();
    let photo = image(&fixture(), "astronaut", &device).narrow(1, 0, 40).narrow(2, 0, 40);
    let black = photo.zeros_like();
    for (name, distance) in distances(&device) {
        for (a, b) in [(&photo, &photo), (&black, &black), (&black, &photo), (&photo, &black)] {
            let gradient = gradient(&distance, a.clone(), b.clone());
            assert!(gradient.iter().all(|g| g.is_finite()), "{name}");
        }
    }
}

#[test]
fn gradients_agree_with_the_packages() {
    let device = Device::flex().autodiff();
    let fixture = fixture();
    let (reference, test) = PAIRS[0];
    for (name, distance) in distances(&device) {
        let (test, reference) = (image(&fixture, test, &device), image(&fixture, reference, &device));
        let got = gradient(&distance, test, reference);
        let get = |what: &str| fixture.get(&format!("gradient.{name}.{what}")).unwrap().data.clone();
        let (at, expected) = (get("at"), get("values"));
        let largest = expected.iter().fold(0.0f32, |largest, value| largest.max(value.abs()));
        for (at, expected) in at.iter().zip(expected) {
            let got = got[*at as usize];
            assert!((got - expected).abs() < 1e-3 * largest, "{name} at {at}: {got}, torch {expected}");
        }
    }
}

/// The gradient along a smooth direction, against central differences of the distance itself. The steps
/// are small because the distances, DISTS most of all, bend sharply.
#[test]
fn gradients_agree_with_finite_differences() {
    let device = Device::flex().autodiff();
    let fixture = fixture();
    let crop = |name| image(&fixture, name, &device).narrow(1, 10, 40).narrow(2, 10, 40);
    let (a, b) = (crop("astronaut_blur"), crop("astronaut"));
    let direction = crop("chelsea").sub_scalar(0.5);
    for ((name, distance), step) in distances(&device).into_iter().zip([1e-3, 1e-3, 1e-4]) {
        let gradient = gradient(&distance, a.clone(), b.clone());
        let along =
            gradient.iter().zip(vector(direction.clone())).map(|(g, d)| f64::from(g * d)).sum::<f64>();
        let at = |step: f64| {
            f64::from(vector(distance(a.clone() + direction.clone().mul_scalar(step), b.clone()))[0])
        };
        let numeric = (at(step) - at(-step)) / (2.0 * step);
        let error = (along - numeric).abs();
        assert!(error < 0.05 * numeric.abs(), "{name}: {along}, by differences {numeric}");
        assert!(numeric.abs() > 1e-2, "{name}: the direction must matter, {numeric}");
    }
}

#[test]
fn a_batch_is_its_images_one_by_one() {
    let device = Device::flex();
    let fixture = fixture();
    let batch = |names: [&str; 2]| Tensor::cat(names.map(|name| image(&fixture, name, &device)).to_vec(), 0);
    for (name, distance) in distances(&device) {
        let together =
            vector(distance(batch(["astronaut", "chelsea"]), batch(["astronaut_blur", "chelsea_jpeg"])));
        let alone = |a, b| vector(distance(image(&fixture, a, &device), image(&fixture, b, &device)))[0];
        let alone = [alone("astronaut", "astronaut_blur"), alone("chelsea", "chelsea_jpeg")];
        for (together, alone) in together.iter().zip(alone) {
            assert!((together - alone).abs() < 1e-5, "{name}: {together} {alone}");
        }
    }
}

#[test]
fn protocols_say_what_it_takes_to_repeat_a_number() {
    let device = Device::flex();
    let lpips = Lpips::alex(&store(), &device).unwrap().protocol();
    for part in
        ["LPIPS v0.1", "alexnet", "[0, 1]", "full size", &store().open("alexnet").unwrap().sha256[..8]]
    {
        assert!(lpips.contains(part), "{lpips}");
    }
    let dists = Dists::new(&store(), &device).unwrap().protocol();
    for part in ["DISTS", "not resized", &store().open("dists").unwrap().sha256[..8]] {
        assert!(dists.contains(part), "{dists}");
    }
}

#[test]
fn bad_pairs_and_missing_weights_are_errors() {
    let device = Device::flex();
    let flat = |width, height, value| Image::from_fn(width, height, |_, _, _| value);
    let alex = Lpips::alex(&store(), &device).unwrap();
    let error = alex.score(&flat(40, 40, 0.5), &flat(41, 40, 0.5)).unwrap_err();
    assert!(matches!(error, MetricError::SizeMismatch { .. }));
    let error = alex.score(&flat(40, 30, 0.5), &flat(40, 30, 0.5)).unwrap_err();
    assert!(matches!(error, MetricError::TooSmall { min: 31, got: 30, .. }), "{error}");
    let dists = Dists::new(&store(), &device).unwrap();
    assert!(matches!(dists.score(&flat(0, 5, 0.5), &flat(0, 5, 0.5)), Err(MetricError::TooSmall { .. })));
    assert!(dists.score(&flat(1, 1, 0.5), &flat(1, 1, 0.5)).unwrap().abs() < 1e-6);
    for metric in [&alex as &dyn Metric, &dists] {
        let error = metric.score(&flat(40, 40, f32::NAN), &flat(40, 40, 0.5)).unwrap_err();
        assert!(matches!(error, MetricError::NotFinite { .. }), "{error}");
    }
    let Err(error) = Lpips::vgg(&WeightStore::new(), &device) else { panic!() };
    assert!(matches!(error, WeightError::NotFound { .. }), "{error}");
}
