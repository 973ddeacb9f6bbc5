//! Selections that were learned from photos alone: their file, their distance, their use as a metric and as a start.

use burn::tensor::{Device, Distribution, Tensor, TensorData};
use percept_image::{Image, Metric, Srgb};
use percept_nn::backbone::{BackboneConfig, WeightSource};
use percept_nn::disentangle::{Contrast, Selection, Start, TripletConfig};
use percept_nn::metric::{ChannelDistance, SelectedByPhotos, SelectedTap, SelectionFile, channel_structure};
use percept_nn::weights::{StateDict, WeightStore};

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// The definition, in double precision.
fn naive(a: &[f32], b: &[f32], c: usize, channel: usize, usual: f64) -> f64 {
    let of = |map: &[f32]| map.iter().skip(channel).step_by(c).map(|v| f64::from(*v)).collect::<Vec<_>>();
    let (a, b) = (of(a), of(b));
    let n = a.len() as f64;
    let (ma, mb) = (a.iter().sum::<f64>() / n, b.iter().sum::<f64>() / n);
    let mean =
        |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(&b).map(|(a, b)| f(a - ma, b - mb)).sum::<f64>() / n;
    1.0 - (2.0 * mean(&|a, b| a * b) + usual) / (mean(&|a, _| a * a) + mean(&|_, b| b * b) + usual)
}

#[test]
fn the_structure_distance_is_that_of_its_definition() {
    let device = Device::flex();
    device.seed(3);
    let (h, w, c) = (7, 5, 4);
    let a = Tensor::<4>::random([1, h, w, c], Distribution::Normal(2.0, 1.0), &device);
    let b = a.clone().mul_scalar(0.7) + Tensor::random([1, h, w, c], Distribution::Normal(0.0, 0.5), &device);
    let usual = [1.0, 0.5, 0.01, 0.0];
    let usual_tensor = Tensor::from_floats(usual, &device);
    let found = numbers(channel_structure(a.clone(), b.clone(), &usual_tensor));
    let (a_data, b_data) = (numbers(a.clone()), numbers(b));
    for (channel, (found, usual)) in found.iter().zip(usual).enumerate() {
        let expected = naive(&a_data, &b_data, c, channel, usual);
        assert!((f64::from(*found) - expected).abs() < 1e-5, "{channel}: {found} and {expected}");
    }
    let same = numbers(channel_structure(a.clone(), a.clone(), &usual_tensor));
    assert!(same.iter().all(|d| d.abs() < 1e-6), "{same:?}");
    let against = numbers(channel_structure(a.clone(), a.neg(), &Tensor::zeros([c], &device)));
    assert!(against.iter().all(|d| (d - 2.0).abs() < 1e-4), "{against:?}");
    // Nothing to see on either side is no difference.
    let flat = numbers(channel_structure(
        Tensor::ones([1, h, w, c], &device),
        Tensor::zeros([1, h, w, c], &device),
        &Tensor::zeros([c], &device),
    ));
    assert!(flat.iter().all(|d| d.abs() < 1e-3), "{flat:?}");
}

/// Every position's features at unit length; then the mean squared difference, however strong the contrast.
#[test]
fn the_unit_distance_is_that_of_its_definition() {
    let device = Device::flex();
    device.seed(4);
    let (h, w, c) = (6, 5, 4);
    let [a, b] = [(); 2].map(|()| Tensor::<4>::random([2, h, w, c], Distribution::Normal(0.5, 1.0), &device));
    let usual = Tensor::<1>::ones([c], &device);
    let of = |a: &Tensor<4>, b: &Tensor<4>| numbers(ChannelDistance::Unit.of(a.clone(), b.clone(), &usual));
    let found = of(&a, &b);
    let (a_data, b_data) = (numbers(a.clone()), numbers(b.clone()));
    let at_length_one = |map: &[f32]| -> Vec<f64> {
        let positions = map.chunks(c).flat_map(|v| {
            let length = v.iter().map(|v| f64::from(v * v)).sum::<f64>().sqrt();
            v.iter().map(move |v| f64::from(*v) / length)
        });
        positions.collect()
    };
    let (a_unit, b_unit) = (at_length_one(&a_data), at_length_one(&b_data));
    for (at, found) in found.iter().enumerate() {
        let (image, channel) = (at / c, at % c);
        let of = |map: &[f64]| -> Vec<f64> {
            map[image * h * w * c..(image + 1) * h * w * c].iter().skip(channel).step_by(c).copied().collect()
        };
        let squares = of(&a_unit).iter().zip(of(&b_unit)).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
        assert!((f64::from(*found) - squares / (h * w) as f64).abs() < 1e-6, "{at}: {found}");
    }
    let stronger = of(&a.mul_scalar(3.0), &b.mul_scalar(0.2));
    assert!(found.iter().zip(&stronger).all(|(a, b)| (a - b).abs() < 1e-5));
}

fn file(distance: ChannelDistance) -> SelectionFile {
    let tap = |name: &str, channels: usize, chosen: usize| SelectedTap {
        name: name.to_string(),
        weights: (0..channels).map(|c| if c == chosen { channels as f32 } else { 0.0 }).collect(),
        response: vec![0.5; channels],
        variance: vec![1.0; channels],
    };
    SelectionFile {
        backbone: BackboneConfig { weights: WeightSource::Random, ..BackboneConfig::default() },
        distance,
        taps: vec![tap("relu1_2", 64, 3), tap("relu2_2", 128, 100)],
        learned: "by hand".to_string(),
    }
}

fn photo(strength: f32) -> Image<Srgb> {
    Image::from_fn(40, 32, |x, y, c| {
        let wave = ((x * 3 + y * (c + 1)) as f32 / 5.0).sin();
        (0.5 + 0.3 * wave + strength * ((x * 7 + y * 13 + c) % 5) as f32 / 10.0).clamp(0.0, 1.0)
    })
}

#[test]
fn a_file_is_a_metric_and_a_start() {
    let folder = tempfile::tempdir().unwrap();
    for distance in [ChannelDistance::Structure, ChannelDistance::Squared, ChannelDistance::Unit] {
        let path = folder.path().join("selection.safetensors");
        let file = file(distance);
        file.save(&path).unwrap();
        let state = StateDict::load(&path).unwrap();
        assert_eq!(SelectionFile::from_state_dict(&state).unwrap().as_ref(), Some(&file));

        let (store, device) = (WeightStore::new(), Device::flex());
        let metric = SelectedByPhotos::new("selected:s", &file, &store, &device).unwrap();
        assert!(metric.protocol().starts_with(distance.name()) && metric.protocol().contains("by hand"));
        let score = |strength| metric.score(&photo(0.0), &photo(strength)).unwrap();
        assert_eq!(score(0.0), 0.0);
        assert!(score(0.5) > score(0.2) && score(0.2) > 0.0, "{} {}", score(0.2), score(0.5));

        let taps =
            file.backbone.init(&["relu1_2".to_string(), "relu2_2".to_string()], &store, &device).unwrap();
        let config = TripletConfig {
            contrast: Contrast::None,
            start: Start::File(path.display().to_string()),
            floor: 0.0,
            ..TripletConfig::default()
        };
        let selection = Selection::new(config, "vgg16", taps.taps(), &store, &device).unwrap();
        let weights = selection.weights();
        assert!((weights[0].weights[3] - 64.0).abs() < 0.1 && (weights[1].weights[100] - 128.0).abs() < 0.1);
    }
}

/// Only the chosen channels count: by hand from the features.
#[test]
fn the_distance_is_that_of_the_chosen_channels() {
    let (store, device) = (WeightStore::new(), Device::flex());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.safetensors");
    let file = file(ChannelDistance::Squared);
    file.save(&path).unwrap();
    let metric = SelectedByPhotos::new("selected:s", &file, &store, &device).unwrap();
    let taps = ["relu1_2".to_string(), "relu2_2".to_string()];
    let backbone = file.backbone.init(&taps, &store, &device).unwrap();
    let features = |image: &Image<Srgb>| {
        let data = TensorData::new(image.data().to_vec(), [1, image.height(), image.width(), 3]);
        backbone.features(Tensor::from_data(data, &device))
    };
    let (a, b) = (features(&photo(0.0)), features(&photo(0.4)));
    let of = |tap: usize, channel: usize| {
        let difference = (a[tap].clone() - b[tap].clone()).square().narrow(3, channel, 1);
        f64::from(difference.mean().into_scalar::<f32>())
    };
    let expected = (of(0, 3) + of(1, 100)) / 0.5 / 2.0;
    let found = metric.score(&photo(0.0), &photo(0.4)).unwrap();
    assert!((found / expected - 1.0).abs() < 2e-3, "{found} and {expected}");
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let good = file(ChannelDistance::Structure).state_dict();
    assert!(SelectionFile::from_state_dict(&StateDict::new()).unwrap().is_none());
    let broken = |change: &dyn Fn(&mut StateDict)| {
        let mut state = good.clone();
        change(&mut state);
        SelectionFile::from_state_dict(&state).unwrap_err().to_string()
    };
    let array = |data: Vec<f32>| percept_nn::weights::Array { shape: vec![data.len()], data };
    assert!(broken(&|s| s.set_metadata("selection", "{")).contains("selection"));
    assert!(
        broken(&|s| {
            s.remove("relu2_2.variance");
        })
        .contains("relu2_2.variance")
    );
    assert!(broken(&|s| s.insert("relu1_2.response", array(vec![1.0; 63]))).contains("relu1_2.response"));
    assert!(broken(&|s| s.insert("relu1_2", array(vec![-1.0; 64]))).contains("negative"));
    assert!(broken(&|s| s.insert("relu1_2", array(vec![0.0; 64]))).contains("selects nothing"));
    assert!(broken(&|s| s.insert("relu1_2", array(vec![f32::NAN; 64]))).contains("relu1_2"));
}
