//! Losses against PyTorch: `fixtures/make_losses.py` made the numbers.

use std::path::Path;

use crate::common::loss::{Value, taps, value};
use crate::common::perceptual::{fixture, image, vector};
use crate::common::store::store;
use burn::tensor::{Device, Tensor};
use percept_image::{Image, Metric, MsSsim, Srgb};
use percept_nn::loss::{
    CharbonnierLoss, ColourLoss, ColourSpace, Criterion, FeatureLoss, FftLoss, HuberLoss, L1Loss, LdlLoss,
    LossConfig, MsSsimLoss, MseLoss, PhaseLoss, SwdLoss, WassersteinLoss,
};
use percept_nn::weights::StateDict;

/// As the script names them.
fn losses(device: &Device) -> Vec<(&'static str, Value)> {
    let before = taps(&[("conv1_2", 1.0), ("conv2_2", 0.5), ("conv3_3", 2.0)]);
    let feature = |criterion, normalize| {
        let layer_weights = before.clone();
        LossConfig::Feature(FeatureLoss { layer_weights, criterion, normalize, ..FeatureLoss::default() })
    };
    let charbonnier = || CharbonnierLoss { eps: 1e-3 };
    let colour = |space, window| LossConfig::Colour(ColourLoss { window, space });
    let ms_ssim = |scales| LossConfig::MsSsim(MsSsimLoss { scales });
    let swd = |criterion, normalize| {
        let layer_weights = before.clone();
        LossConfig::Swd(SwdLoss { layer_weights, criterion, normalize, ..SwdLoss::default() })
    };
    let wasserstein = |sigma, normalize| {
        let layer_weights = before.clone();
        LossConfig::Wasserstein(WassersteinLoss {
            layer_weights,
            sigma,
            normalize,
            ..WassersteinLoss::default()
        })
    };
    let losses = [
        ("l1", LossConfig::L1(L1Loss {})),
        ("mse", LossConfig::Mse(MseLoss {})),
        ("charbonnier", LossConfig::Charbonnier(charbonnier())),
        ("huber", LossConfig::Huber(HuberLoss { delta: 0.05 })),
        ("colour.lab", colour(ColourSpace::Lab, 8)),
        ("colour.srgb", colour(ColourSpace::Srgb, 7)),
        ("feature.l1", feature(Criterion::L1(L1Loss {}), false)),
        ("feature.charbonnier", feature(Criterion::Charbonnier(charbonnier()), false)),
        ("feature.huber", feature(Criterion::Huber(HuberLoss { delta: 2.0 }), false)),
        ("feature.mse", feature(Criterion::Mse(MseLoss {}), false)),
        ("feature.l1.normalized", feature(Criterion::L1(L1Loss {}), true)),
        ("ms_ssim.1", ms_ssim(1)),
        ("ms_ssim.3", ms_ssim(3)),
        ("fft", LossConfig::Fft(FftLoss {})),
        ("phase.4", LossConfig::Phase(PhaseLoss { window: 24, ..PhaseLoss::default() })),
        ("phase.3", LossConfig::Phase(PhaseLoss { period: 3, window: 24, masking: 0.0 })),
        ("phase.masked", LossConfig::Phase(PhaseLoss { period: 4, window: 20, masking: 2.0 })),
        ("ldl.alone", LossConfig::Ldl(LdlLoss {})),
        ("swd.l1", swd(Criterion::L1(L1Loss {}), false)),
        ("swd.mse.normalized", swd(Criterion::Mse(MseLoss {}), true)),
        ("wasserstein.8", wasserstein(8.0, false)),
        ("wasserstein.3", wasserstein(3.0, true)),
        ("wasserstein.1", wasserstein(1.0, false)),
    ];
    let mut losses: Vec<_> = losses.map(|(name, loss)| (name, value(loss, device))).into();
    // Images that are repeated three times in both directions are large enough for all scales.
    let whole = value(ms_ssim(5), device);
    let repeated = |image: Tensor<4>| image.repeat(&[1, 3, 3, 1]);
    losses.push(("ms_ssim.5", Box::new(move |result, target| whole(repeated(result), repeated(target)))));
    let average = image(&fixture(), "astronaut_noise", device);
    losses.push((
        "ldl",
        Box::new(move |result, target| LdlLoss {}.forward(result, target, Some(average.clone()))),
    ));
    losses
}

#[test]
fn values_and_gradients_agree_with_torch() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/losses.safetensors");
    let expected = StateDict::load(&path).unwrap();
    let device = Device::flex().autodiff();
    let photos = fixture();
    let target = image(&photos, "astronaut", &device);
    for (name, loss) in losses(&device) {
        let get = |what: &str| &expected.get(&format!("{name}.{what}")).unwrap().data;
        let result = image(&photos, "astronaut_blur", &device).require_grad();
        let loss = loss(result.clone(), target.clone());
        let (value, reference) = (vector(loss.clone())[0], get("value")[0]);
        assert!((value - reference).abs() < 1e-4 * reference, "{name}: {value}, torch {reference}");

        let gradient = vector(result.grad(&loss.backward()).unwrap());
        let largest = get("gradient").iter().fold(0.0f32, |largest, v| largest.max(v.abs()));
        for (at, reference) in get("at").iter().zip(get("gradient")) {
            let got = gradient[*at as usize];
            let error = (got - reference).abs();
            assert!(error < 2e-3 * largest, "{name} at {at}: {got}, torch {reference}");
        }
    }
}

/// Where there is nothing to tell apart a loss is 0 and its gradient too, whatever the roots and quotients inside.
#[test]
fn equal_and_flat_images_have_finite_gradients() {
    let device = Device::flex().autodiff();
    let photo = image(&fixture(), "chelsea", &device).narrow(1, 0, 56).narrow(2, 0, 56);
    let flat = photo.ones_like().mul_scalar(0.5);
    let pairs = [
        ("equal", photo.clone(), photo.clone()),
        ("flat", flat.clone(), flat.clone()),
        ("black", flat.zeros_like(), flat.zeros_like()),
        ("flat towards a photo", flat.clone(), photo.clone()),
        ("a photo towards black", photo.clone(), flat.zeros_like()),
        ("inverted", photo.clone().neg().add_scalar(1.0), photo),
    ];
    for (name, loss) in losses(&device).into_iter().filter(|(name, _)| *name != "ldl") {
        for (pair, result, target) in pairs.clone() {
            let result = result.require_grad();
            let loss = loss(result.clone(), target);
            let gradient = vector(result.grad(&loss.backward()).unwrap());
            let value = vector(loss)[0];
            assert!(value.is_finite() && gradient.iter().all(|g| g.is_finite()), "{name}, {pair}: {value}");
            if ["equal", "flat", "black"].contains(&pair) {
                let largest = gradient.iter().fold(0.0f32, |largest, v| largest.max(v.abs()));
                // The smallest difference that Charbonnier knows is its epsilon.
                let least = if name.ends_with("charbonnier") { 4e-3 } else { 1e-5 };
                assert!(value.abs() <= least && largest < 1e-5, "{name}, {pair}: {value}, {largest}");
            }
        }
    }
}

#[test]
fn ms_ssim_is_what_the_score_leaves_to_one() {
    let device = Device::flex();
    let photos = fixture();
    let pair =
        ["astronaut_blur", "astronaut"].map(|name| image(&photos, name, &device).repeat(&[1, 3, 3, 1]));
    let images = pair.clone().map(|tensor| {
        let [_, height, width, _] = tensor.dims();
        let values = vector(tensor);
        Image::<Srgb>::from_fn(width, height, |x, y, c| values[(y * width + x) * 3 + c])
    });
    let score = MsSsim::rgb(0).score(&images[1], &images[0]).unwrap();
    let [result, target] = pair;
    let loss = value(LossConfig::MsSsim(MsSsimLoss::default()), &device)(result, target);
    let loss = f64::from(vector(loss)[0]);
    assert!((1.0 - loss - score).abs() < 1e-5, "1 − {loss}, score {score}");
}

/// L1 of VGG19 before the ReLU, as ESRGAN and its kin have it: its weights are not bundled.
#[test]
fn the_perceptual_loss_of_esrgan_can_be_written_and_says_which_weights_it_needs() {
    let settings = serde_json::json!({
        "type": "feature",
        "backbone": { "type": "vgg19" },
        "layer_weights": { "conv1_2": 0.1, "conv2_2": 0.1, "conv3_4": 1.0, "conv4_4": 1.0, "conv5_4": 1.0 },
        "criterion": { "type": "l1" },
        "normalize": false,
    });
    let loss: LossConfig = serde_json::from_value(settings).unwrap();
    loss.validate().unwrap();
    let Err(error) = loss.init(&store(), &Device::flex()) else { panic!("where are they from?") };
    let message = error.to_string();
    for part in ["vgg19-dcbb9e9d.pth", "percept weights import"] {
        assert!(message.contains(part), "{message}");
    }
}

/// A projection mixes channels, which a distance by channel cannot weight.
#[test]
fn distances_by_channel_refuse_a_projection() {
    for kind in ["swd", "wasserstein_distortion"] {
        let settings = serde_json::json!({ "type": kind, "selection": { "gate": "projection" } });
        let loss: LossConfig = serde_json::from_value(settings).unwrap();
        let message = loss.validate().unwrap_err();
        assert!(message.starts_with("selection.gate must be"), "{message}");
    }
}
