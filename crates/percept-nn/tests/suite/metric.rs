//! LPIPS and DISTS with the bundled weights, against their authors' packages.

use crate::common::perceptual::{fixture, image, vector};
use crate::common::store::store;
use burn::tensor::{Device, Tensor};
use percept_image::{Better, Image, Metric, MetricError, Srgb};
use percept_nn::backbone::BackboneConfig;
use percept_nn::disentangle::{ResponseScale, SelectionConfig, Start, TripletConfig};
use percept_nn::distance::{Dists, Lpips};
use percept_nn::loss::{FeatureLoss, LossConfig, TrainLoss};
use percept_nn::metric::{FrechetVgg, NamedMetric, Selected, frechet_distance};
use percept_nn::weights::{StateDict, WeightError, WeightStore};
use serde_json::Value;

/// As in `fixtures/make_perceptual.py`.
const PAIRS: [(&str, &str); 5] = [
    ("astronaut", "astronaut_blur"),
    ("astronaut", "astronaut_noise"),
    ("chelsea", "chelsea_jpeg"),
    ("chelsea", "chelsea_small"),
    ("astronaut", "chelsea"),
];

fn named(name: &str) -> Box<dyn Metric> {
    (NamedMetric::find(name).unwrap().make)(0, &store(), &Device::flex()).unwrap()
}

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

/// The pairs as they are, where the deep stages are smaller than a window, enlarged by repeating pixels, and then with a flat
/// left half, whose features hold little but rounding.
#[test]
fn a_dists_agrees_with_its_definition() {
    let (fixture, metric) = (fixture(), named("a-dists"));
    let golden = json("a_dists.json");
    let large = golden["large"].as_u64().unwrap() as usize;
    let expected = numbers(&golden["scores"]);
    assert_eq!(expected.len(), 3 * PAIRS.len());
    let kinds = [(1, false), (large, false), (large, true)];
    for ((times, flat), expected) in kinds.into_iter().zip(expected.chunks(PAIRS.len())) {
        let photo = |name| {
            let small = photo(&fixture, name);
            let (width, height) = (times * small.size().0, times * small.size().1);
            let value =
                |x, y, c| if flat && x < width / 2 { 0.75 } else { small.pixel(x / times, y / times)[c] };
            Image::from_fn(width, height, value)
        };
        for ((a, b), expected) in PAIRS.iter().zip(expected) {
            let got = metric.score(&photo(a), &photo(b)).unwrap();
            assert!(
                (got - expected).abs() < 1e-4,
                "{a} {b}, {times} times, flat {flat}: {got}, its definition {expected}"
            );
        }
    }
    let (same, other) = (photo(&fixture, "chelsea"), photo(&fixture, "astronaut"));
    assert!(metric.score(&same, &same).unwrap().abs() < 1e-6);
    assert_ne!(metric.score(&same, &other).unwrap(), metric.score(&other, &same).unwrap());
    let flat = |width, height, value| Image::from_fn(width, height, |_, _, _| value);
    assert!(metric.score(&flat(1, 1, 0.5), &flat(1, 1, 0.5)).unwrap().abs() < 1e-6);
    assert!(matches!(metric.score(&same, &flat(5, 5, 0.5)), Err(MetricError::SizeMismatch { .. })));
    assert!(matches!(metric.score(&flat(0, 5, 0.5), &flat(0, 5, 0.5)), Err(MetricError::TooSmall { .. })));
    let error = metric.score(&flat(40, 40, f32::NAN), &flat(40, 40, 0.5)).unwrap_err();
    assert!(matches!(error, MetricError::NotFinite { .. }), "{error}");
    assert_eq!((metric.better(), metric.spatial().is_none()), (Better::Lower, true));
    assert!(metric.protocol().contains(&store().open("vgg16").unwrap().sha256[..8]), "{}", metric.protocol());
}

#[test]
fn ms_swd_agrees_with_its_definition() {
    let (fixture, metric) = (fixture(), named("ms-swd"));
    let golden = json("ms_swd.json");
    let times = golden["large"].as_u64().unwrap() as usize;
    let large = |name| {
        let small = photo(&fixture, name);
        let (width, height) = (times * small.size().0, times * small.size().1);
        Image::from_fn(width, height, |x, y, c| small.pixel(x / times, y / times)[c])
    };
    let expected = numbers(&golden["scores"]);
    assert_eq!(expected.len(), PAIRS.len());
    for ((a, b), expected) in PAIRS.iter().zip(expected) {
        let got = metric.score(&large(a), &large(b)).unwrap();
        assert!(
            (got - expected).abs() < 1e-4 * expected.max(1.0),
            "{a} {b}: {got}, its definition {expected}"
        );
    }
    let same = large("chelsea");
    assert_eq!(metric.score(&same, &same).unwrap(), 0.0);
    // What is where does not count, but at the seam of a picture that is pushed around.
    let (width, height) = same.size();
    let pushed = Image::from_fn(width, height, |x, y, c| same.pixel((x + 40) % width, y)[c]);
    let (moved, other) =
        (metric.score(&same, &pushed).unwrap(), metric.score(&same, &large("astronaut")).unwrap());
    assert!(moved < 0.2 * other, "{moved} {other}");
    let flat = |width, height, value| Image::from_fn(width, height, |_, _, _| value);
    assert_eq!(metric.score(&flat(81, 81, 0.5), &flat(81, 81, 0.5)).unwrap(), 0.0);
    let error = metric.score(&flat(80, 90, 0.5), &flat(80, 90, 0.5)).unwrap_err();
    assert!(matches!(error, MetricError::TooSmall { min: 81, got: 80, crop: 0, .. }), "{error}");
    assert!(matches!(metric.score(&same, &flat(5, 5, 0.5)), Err(MetricError::SizeMismatch { .. })));
    let error = metric.score(&flat(90, 90, f32::NAN), &flat(90, 90, 0.5)).unwrap_err();
    assert!(matches!(error, MetricError::NotFinite { .. }), "{error}");
    // Cropped as the classical scores are.
    let make = NamedMetric::find("ms-swd").unwrap().make;
    let cropped = make(9, &store(), &Device::flex()).unwrap();
    let inner = |image: &Image<Srgb>| image.crop(9, 9, image.size().0 - 18, image.size().1 - 18);
    let (a, b) = (same, large("chelsea_jpeg"));
    assert_eq!(cropped.score(&a, &b).unwrap(), metric.score(&inner(&a), &inner(&b)).unwrap());
    assert!(cropped.protocol().ends_with("crop 9") && metric.better() == Better::Lower);
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

/// What `fixtures/NAME` holds.
fn json(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

#[test]
fn the_plain_vgg_distance_agrees_with_lpips_without_heads() {
    let (fixture, plain) = (fixture(), Lpips::uniform(&store(), &Device::flex()).unwrap());
    let expected = numbers(&json("spatial.json")["vgg"]);
    assert_eq!(expected.len(), PAIRS.len());
    for ((a, b), expected) in PAIRS.iter().zip(expected) {
        let got = plain.score(&photo(&fixture, a), &photo(&fixture, b)).unwrap();
        assert!((got - expected).abs() < 1e-4, "{a} {b}: {got}, lpips {expected}");
    }
    let same = photo(&fixture, "chelsea");
    assert!(plain.score(&same, &same).unwrap().abs() < 1e-6);
}

/// What is bundled of a selection, against torchvision's AlexNet in double precision.
#[test]
fn the_bundled_selection_agrees_with_pytorch() {
    let fixture = fixture();
    let metric = named("selected-alex");
    let expected = numbers(&json("selected.json")["scores"]);
    assert_eq!(expected.len(), PAIRS.len());
    for ((a, b), expected) in PAIRS.iter().zip(expected) {
        let got = metric.score(&photo(&fixture, a), &photo(&fixture, b)).unwrap();
        assert!((got / expected - 1.0).abs() < 1e-4, "{a} {b}: {got}, PyTorch {expected}");
    }
    let same = photo(&fixture, "chelsea");
    assert!(metric.score(&same, &same).unwrap().abs() < 1e-5);
    assert!(metric.protocol().contains("without labels"), "{}", metric.protocol());
}

#[test]
fn maps_agree_with_the_package() {
    let fixture = fixture();
    let (a, b) = (photo(&fixture, PAIRS[0].0), photo(&fixture, PAIRS[0].1));
    let expected = json("spatial.json");
    for name in ["lpips-alex", "lpips-vgg", "vgg"] {
        let metric = named(name);
        let map = metric.spatial().unwrap().map(&a, &b).unwrap();
        assert_eq!(map.size(), a.size());
        let expected = &expected["maps"][name];
        let mean = map.data().iter().map(|v| f64::from(*v)).sum::<f64>() / map.data().len() as f64;
        assert!((mean - expected["mean"].as_f64().unwrap()).abs() < 1e-4, "{name}: mean {mean}");
        for (at, expected) in numbers(&expected["at"]).into_iter().zip(numbers(&expected["values"])) {
            let got = f64::from(map.data()[at as usize]);
            assert!(
                (got - expected).abs() < 1e-4 * expected.max(1.0),
                "{name} at {at}: {got}, lpips {expected}"
            );
        }
        assert!(metric.spatial().unwrap().map(&a, &a.crop(0, 0, 40, 40)).is_err());
    }
    assert!(named("dists").spatial().is_none());
}

/// A loss and its state after two steps of a selection, and the distance of two images by hand.
fn trained() -> (LossConfig, StateDict, f64) {
    let device = Device::flex().autodiff();
    let selection = TripletConfig {
        warmup: 0,
        lr: 0.5,
        ema: 0.0,
        response_scale: ResponseScale::None,
        ..TripletConfig::default()
    };
    let layer_weights = [("relu1_2", 1.0), ("relu2_2", 0.5)].map(|(tap, weight)| (tap.to_string(), weight));
    let layer_weights = std::collections::BTreeMap::from(layer_weights);
    let opt = LossConfig::Feature(FeatureLoss {
        layer_weights: layer_weights.clone(),
        selection: Some(selection.into()),
        ..FeatureLoss::default()
    });
    let TrainLoss::Space(mut space) = opt.init(&store(), &device).unwrap() else { panic!("no space") };
    let fixture = fixture();
    let both = |a, b| Tensor::cat(vec![image(&fixture, a, &device), image(&fixture, b, &device)], 0);
    for _ in 0..2 {
        let seen = space.see(both("astronaut_noise", "chelsea_jpeg"), both("astronaut", "chelsea"));
        space.selection_step(&seen, |_| both("astronaut_blur", "chelsea_small")).unwrap();
    }
    let state = space.state_dict();

    // Weights and energies from the state, features from the backbone; the rest is sums.
    let taps: Vec<String> = layer_weights.keys().cloned().collect();
    let backbone = BackboneConfig::default().init(&taps, &store(), &Device::flex()).unwrap();
    let features = |name| backbone.features(image(&fixture, name, &Device::flex()));
    let pairs = features("astronaut").into_iter().zip(features("astronaut_blur"));
    let taps = pairs.zip(&layer_weights).map(|((a, b), (tap, lambda))| {
        let get = |name: String| state.get(&name).unwrap().data.clone();
        let (weights, energy) = (get(format!("selection.{tap}.average")), get(format!("energy.{tap}"))[0]);
        let (spread, count) = (
            weights.iter().fold(0.0f32, |most, w| most.max((w - 1.0).abs())),
            a.dims().iter().product::<usize>(),
        );
        assert!(spread > 0.05, "{tap}: a selection that has not moved tests nothing");
        let terms = vector(a).into_iter().zip(vector(b)).zip(weights.iter().cycle());
        let sum: f64 = terms.map(|((a, b), weight)| f64::from(weight * (a - b).powi(2))).sum();
        lambda * sum / count as f64 / f64::from(energy)
    });
    let expected = taps.sum();
    (opt, state, expected)
}

#[test]
fn what_a_training_selected_is_a_score() {
    let (mut opt, state, expected) = trained();
    let fixture = fixture();
    let (a, b) = (photo(&fixture, "astronaut"), photo(&fixture, "astronaut_blur"));
    // It started from a file that is not there any more.
    let Some(SelectionConfig::Triplet(selection)) = opt.selection_mut() else { panic!("no triplet") };
    selection.start = Start::File("gone.safetensors".to_string());
    let make = |opt: LossConfig, state: &StateDict| {
        Selected::new("selected:R", opt, state, &store(), &Device::flex())
    };
    let metric = make(opt.clone(), &state).unwrap().unwrap();
    assert_eq!(metric.name(), "selected:R");
    let got = metric.score(&a, &b).unwrap();
    assert!((got - expected).abs() < 1e-4 * expected, "{got}, by hand {expected}");
    assert_eq!(metric.score(&a, &a).unwrap(), 0.0);
    assert!(metric.protocol().contains("relu1_2, relu2_2"), "{}", metric.protocol());

    let lacking = make(opt, &StateDict::new()).unwrap_err().to_string();
    assert!(lacking.contains("energy.relu1_2"), "{lacking}");
    for plain in [LossConfig::Feature(FeatureLoss::default()), LossConfig::Dists(Default::default())] {
        assert!(make(plain, &state).unwrap().is_none());
    }
}

#[test]
fn frechet_distances_agree_with_scipy() {
    let vectors = |set: &Value| set.as_array().unwrap().iter().map(numbers).collect::<Vec<_>>();
    let cases = json("frechet.json");
    assert_eq!(cases.as_array().unwrap().len(), 5);
    for case in cases.as_array().unwrap() {
        let (a, b) = (vectors(&case["a"]), vectors(&case["b"]));
        let expected = case["distance"].as_f64().unwrap();
        for (a, b) in [(&a, &b), (&b, &a)] {
            let got = frechet_distance(a, b).unwrap();
            assert!((got - expected).abs() < 1e-7 * expected.max(0.01), "{got}, SciPy {expected}");
        }
        assert!(frechet_distance(&a, &a).unwrap() < 1e-9 * expected.max(1.0));
    }
    let one = vec![vec![1.0, 2.0]];
    assert_eq!(frechet_distance(&one, &one), None);
    assert_eq!(frechet_distance(&[], &one), None);
    assert_eq!(frechet_distance(&[one[0].clone(), vec![1.0]], &[one[0].clone(), one[0].clone()]), None);
    // Nothing varies: what is left are the means.
    assert_eq!(frechet_distance(&vec![vec![1.0, 2.0]; 4], &vec![vec![1.0, 5.0]; 3]), Some(9.0));
}

#[test]
fn features_of_sets_are_the_means_of_the_deepest_tap() {
    let fixture = fixture();
    let set = FrechetVgg::new(&store(), &Device::flex()).unwrap();
    let features = set.features(&photo(&fixture, "astronaut")).unwrap();
    assert_eq!(features.len(), FrechetVgg::DIMENSIONS);
    let mean = features.iter().sum::<f64>() / features.len() as f64;
    let expected = f64::from(fixture.get("vgg16.relu5_3.stats").unwrap().data[0]);
    assert!((mean - expected).abs() < 1e-4 * expected, "{mean}, torch {expected}");
    let spread = features.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    assert!(spread > 1e-3, "every channel has its own mean");
    assert!(set.features(&Image::from_fn(15, 40, |_, _, _| 0.5)).is_err());
    assert!(set.features(&Image::from_fn(16, 16, |_, _, _| f32::NAN)).is_err());
}
