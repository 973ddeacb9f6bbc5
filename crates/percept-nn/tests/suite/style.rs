//! The style loss against PyTorch: `fixtures/make_style.py` made the numbers.

use std::path::Path;

use crate::common::perceptual::{fixture, image, vector};
use crate::common::store::store;
use burn::tensor::Device;
use percept_nn::loss::{Loss, LossConfig, StyleLoss, TrainLoss};
use percept_nn::weights::StateDict;

fn style(settings: StyleLoss, device: &Device) -> Box<dyn Loss> {
    let TrainLoss::Images(style) = LossConfig::Style(settings).init(&store(), device).unwrap() else {
        panic!()
    };
    style
}

#[test]
fn value_and_gradient_agree_with_torch() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/style.safetensors");
    let expected = StateDict::load(&path).unwrap();
    let get = |name: &str| &expected.get(name).unwrap().data;
    let device = Device::flex().autodiff();
    let layers = [("relu1_2", 1.0), ("relu2_2", 0.5), ("relu3_3", 2.0)];
    let layer_weights = layers.into_iter().map(|(tap, weight)| (tap.to_string(), weight)).collect();
    let style = style(StyleLoss { layer_weights, ..StyleLoss::default() }, &device);
    let photos = fixture();
    let result = image(&photos, "astronaut_blur", &device).require_grad();
    let loss = style.forward(result.clone(), image(&photos, "astronaut", &device));
    let (value, reference) = (vector(loss.clone())[0], get("value")[0]);
    assert!((value - reference).abs() < 1e-4 * reference, "{value}, torch {reference}");

    let gradient = vector(result.grad(&loss.backward()).unwrap());
    let largest = get("gradient").iter().fold(0.0f32, |largest, v| largest.max(v.abs()));
    for (at, reference) in get("at").iter().zip(get("gradient")) {
        let got = gradient[*at as usize];
        assert!((got - reference).abs() < 1e-3 * largest, "at {at}: {got}, torch {reference}");
    }
}

#[test]
fn equal_images_cost_nothing_and_have_a_finite_gradient() {
    let device = Device::flex().autodiff();
    let style = style(StyleLoss::default(), &device);
    let photo = image(&fixture(), "chelsea", &device).narrow(1, 0, 24).narrow(2, 0, 24);
    let tracked = photo.clone().require_grad();
    let loss = style.forward(tracked.clone(), photo);
    assert_eq!(vector(loss.clone())[0], 0.0);
    assert!(vector(tracked.grad(&loss.backward()).unwrap()).iter().all(|g| *g == 0.0));
}
