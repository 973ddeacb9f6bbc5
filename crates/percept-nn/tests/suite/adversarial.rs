//! Discriminators and adversarial losses against PyTorch (`fixtures/make_adversarial.py` made the numbers), their names and
//! seeds, and a short game.

use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::{Device, Distribution, Gradients, Tensor, TensorData};
use percept_image::{Image, Srgb};
use percept_nn::adversarial::{
    AdversarialType, DISCRIMINATORS, Discriminator, DiscriminatorConfig, PatchConfig, R1_SIGMA, UNetConfig,
    VggConfig, approximate_r1, r1_noise,
};
use percept_nn::disentangle::blurred;
use percept_nn::weights::{Array, StateDict};

use crate::common::perceptual::vector;

fn fixture() -> StateDict {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/adversarial.safetensors");
    StateDict::load(&path).unwrap()
}

fn small() -> [DiscriminatorConfig; 3] {
    [
        DiscriminatorConfig::Vgg(VggConfig { num_feat: 3, num_down: 2 }),
        DiscriminatorConfig::UNet(UNetConfig { num_feat: 2, skip_connection: true }),
        DiscriminatorConfig::Patch(PatchConfig { num_feat: 2, num_layers: 2 }),
    ]
}

fn tensor(array: &Array, device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(array.data.clone(), array.shape.clone()), device)
}

/// As PyTorch has them, up to a share of the largest value.
fn assert_close(name: &str, got: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(got.len(), expected.len(), "{name}");
    let largest = expected.iter().fold(0.0f32, |largest, v| largest.max(v.abs()));
    assert!(largest > 0.0, "{name}: zeros test nothing");
    for (at, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!((got - expected).abs() <= tolerance * largest, "{name} at {at}: {got}, torch {expected}");
    }
}

/// The gradients of a module's parameters by name; those without one are left out.
struct Slopes<'a> {
    gradients: &'a Gradients,
    path: Vec<String>,
    state: StateDict,
}

impl<'a> Slopes<'a> {
    fn of(module: &Discriminator, gradients: &'a Gradients) -> StateDict {
        let mut slopes = Self { gradients, path: Vec::new(), state: StateDict::new() };
        module.visit(&mut slopes);
        slopes.state
    }
}

impl ModuleVisitor for Slopes<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        // The variant of an enum is a place without a name.
        self.path.push(if container.starts_with("Enum:") { String::new() } else { name.to_string() });
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(slope) = param.val().grad(self.gradients) else { return };
        let parts: Vec<_> = self.path.iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
        let shape = slope.dims().to_vec();
        self.state.insert(&parts.join("."), Array { shape, data: vector(slope) });
    }
}

fn agrees_with_torch(config: &DiscriminatorConfig) {
    let case = config.name();
    let fixture = fixture().section(&format!("{case}."));
    let get = |name: &str| fixture.get(name).unwrap();
    let device = Device::flex().autodiff();
    let weights = config.with_our_names(fixture.section("weights."));
    // Strict: PyTorch's names and shapes are ours.
    let discriminator = weights.apply(config.init(0, &device).unwrap()).unwrap().renewed();
    let input = tensor(get("input"), &device).require_grad();
    let check = |at: &str, discriminator: &Discriminator| {
        let output = discriminator.forward(input.clone());
        let expected = get(&format!("{at}.output"));
        assert_eq!(output.dims(), expected.shape[..], "{case}");
        let mean = expected.data.iter().sum::<f32>() / expected.data.len() as f32;
        let spread = expected.data.iter().map(|v| (v - mean).abs()).fold(0.0, f32::max);
        assert!(spread > 0.1, "{case}: logits that hardly vary test nothing ({spread})");
        assert_close(case, &vector(output.clone()), &expected.data, 1e-5);
        let state = StateDict::of(discriminator);
        for (name, expected) in fixture.section(&format!("{at}.vectors.")).iter() {
            let got = &state.get(name).unwrap().data;
            assert_close(&format!("{case} {name}, {at}"), got, &expected.data, 1e-5);
        }
        output
    };
    let gradients = check("first", &discriminator).square().mean().backward();
    check("third", &discriminator.clone().renewed().renewed());

    let mut references = fixture.section("gradients.");
    let slope = vector(input.grad(&gradients).unwrap());
    assert_close(&format!("{case} input"), &slope, &references.remove("input").unwrap().data, 1e-4);
    let (slopes, references) = (Slopes::of(&discriminator, &gradients), config.with_our_names(references));
    assert_eq!(slopes.len(), references.len(), "{case}");
    for (name, slope) in slopes.iter() {
        assert_close(&format!("{case} {name}"), &slope.data, &references.get(name).unwrap().data, 1e-4);
    }
}

#[test]
fn vgg_agrees_with_torch() {
    agrees_with_torch(&small()[0]);
}

/// Values, gradients and spectral vectors after one and after three iterations.
#[test]
fn unet_agrees_with_torch() {
    agrees_with_torch(&small()[1]);
}

#[test]
fn patch_agrees_with_torch() {
    agrees_with_torch(&small()[2]);
}

/// A line of the table is a name, and all that the name promises.
#[test]
fn every_discriminator_is_complete() {
    let schema = schemars::schema_for!(DiscriminatorConfig).to_value().to_string();
    let mut names: Vec<_> = DISCRIMINATORS.iter().map(|kind| kind.name).collect();
    for kind in DISCRIMINATORS {
        let (name, default) = (kind.name, (kind.config)());
        assert_eq!(default.name(), name);
        assert_eq!(default.validate(), Ok(()));
        let json = serde_json::json!({ "type": name });
        assert_eq!(serde_json::from_value::<DiscriminatorConfig>(json).unwrap(), default);
        assert_eq!(serde_json::to_value(&default).unwrap()["type"], name);
        assert!(schema.contains(&format!("Settings of `type = \\\"{name}\\\"`")), "{name}: {schema}");
        assert!(!kind.about.is_empty() && !kind.about.ends_with('.'), "{name}");
    }
    names.dedup();
    assert_eq!(names.len(), small().len());
}

#[test]
fn numbers_that_make_no_discriminator_are_named() {
    for (json, message) in [
        (serde_json::json!({ "type": "vgg", "num_feat": 0 }), "network_d.num_feat of vgg: must be from 1 to"),
        (
            serde_json::json!({ "type": "vgg", "num_down": 7 }),
            "network_d.num_down of vgg: must be from 1 to 6",
        ),
        (serde_json::json!({ "type": "unet", "num_feat": 4096 }), "network_d.num_feat of unet: must be from"),
        (
            serde_json::json!({ "type": "patch", "num_layers": 0 }),
            "network_d.num_layers of patch: must be from",
        ),
    ] {
        let config: DiscriminatorConfig = serde_json::from_value(json).unwrap();
        let error = config.init(0, &Device::flex()).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
    assert!(serde_json::from_str::<DiscriminatorConfig>(r#"{ "type": "unet", "feat": 3 }"#).is_err());
}

/// From the shortest side on, every size has logits, each of which hangs on the image.
#[test]
fn every_size_is_judged() {
    let device = Device::flex().autodiff();
    for config in small() {
        let discriminator = config.init(1, &device).unwrap();
        let least = config.min_side();
        for size in [[least, least], [least + 1, least + 5], [least + 3, 2 * least]] {
            let shape = [1, size[0], size[1], 3];
            let image = Tensor::<4>::random(shape, Distribution::Uniform(0.0, 1.0), &device).require_grad();
            let logits = discriminator.forward(image.clone());
            let [n, h, w, c] = logits.dims();
            assert!(n == 1 && h > 0 && w > 0 && c == 1, "{} {size:?}", config.name());
            let slope = vector(image.grad(&logits.square().sum().backward()).unwrap());
            assert!(slope.iter().all(|v| v.is_finite()) && slope.iter().any(|v| *v != 0.0));
        }
    }
}

/// What is saved is all that the next step depends on, the vectors of the spectral norm too.
#[test]
fn a_seed_is_a_discriminator_and_goes_on_where_it_was_saved() {
    let device = Device::flex().autodiff();
    for config in small() {
        let init = |seed| config.init(seed, &device).unwrap();
        let bytes = |discriminator: &Discriminator| StateDict::of(discriminator).to_safetensors();
        assert_eq!(bytes(&init(3)), bytes(&init(3)));
        assert_ne!(bytes(&init(3)), bytes(&init(4)));
        let renewed = init(3).renewed();
        let loaded = StateDict::of(&renewed).apply(init(9)).unwrap();
        assert_eq!(bytes(&loaded), bytes(&renewed));
        let image = Tensor::<4>::random([1, 16, 16, 3], Distribution::Uniform(0.0, 1.0), &device);
        let judged = |discriminator: &Discriminator| vector(discriminator.forward(image.clone()));
        assert_eq!(judged(&loaded.clone().renewed()), judged(&renewed.clone().renewed()));
        // Vectors never learn by gradient, whatever was done with them.
        let gradients = loaded.clone().renewed();
        let slopes = gradients.forward(image.clone()).square().sum().backward();
        let slopes = Slopes::of(&gradients, &slopes);
        assert!(slopes.iter().all(|(name, _)| !name.ends_with("_u") && !name.ends_with("_v")));
        let vectors = StateDict::of(&loaded)
            .iter()
            .filter(|(name, _)| name.ends_with("_u") || name.ends_with("_v"))
            .count();
        assert_eq!(vectors, if config.name() == "unet" { 16 } else { 0 });
        assert_eq!(slopes.len() + vectors, StateDict::of(&loaded).len());
        // A frozen one lets the gradient through and takes none.
        let frozen = loaded.no_grad();
        let image = image.clone().require_grad();
        let gradients = frozen.forward(image.clone()).square().sum().backward();
        assert!(image.grad(&gradients).is_some() && Slopes::of(&frozen, &gradients).is_empty());
    }
}

/// Of weights as large as they like, the normalised ones stretch nothing: the largest singular value is 1.
#[test]
fn the_norm_is_the_largest_singular_value() {
    let device = Device::flex();
    let config = &small()[1];
    let mut discriminator = config.init(5, &device).unwrap();
    for _ in 0..50 {
        discriminator = discriminator.renewed();
    }
    let state = StateDict::of(&discriminator);
    let [weight, u, v] =
        ["weight_orig", "weight_u", "weight_v"].map(|part| state.get(&format!("conv4.{part}")).unwrap());
    let rows: Vec<_> = weight.data.chunks(v.data.len()).collect();
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let image: Vec<f64> = rows.iter().map(|row| dot(row, &v.data)).collect();
    let norm: f64 = image.iter().zip(&u.data).map(|(image, u)| image * f64::from(*u)).sum();
    // Trace of the Gram matrix's power, another way to the same number.
    let gram: Vec<Vec<f64>> = rows.iter().map(|a| rows.iter().map(|b| dot(a, b)).collect()).collect();
    let mut power = gram.clone();
    let mut scale = 0.0;
    for step in 1..=12 {
        let trace: f64 = (0..power.len()).map(|i| power[i][i]).sum();
        scale += trace.ln() / 2f64.powi(step - 1);
        let unit: Vec<Vec<f64>> = power.iter().map(|row| row.iter().map(|v| v / trace).collect()).collect();
        let entry = |i: usize, j: usize| unit[i].iter().zip(&unit).map(|(a, row)| a * row[j]).sum::<f64>();
        power = (0..unit.len()).map(|i| (0..unit.len()).map(|j| entry(i, j)).collect()).collect();
    }
    let largest = scale.exp().sqrt();
    assert!((norm / largest - 1.0).abs() < 1e-3, "{norm}, {largest}");
}

/// What is published with PyTorch's newer way of normalising.
#[test]
fn both_spellings_of_spectral_norms_are_understood() {
    let config = &small()[1];
    let state = StateDict::of(&config.init(0, &Device::flex()).unwrap());
    let newer = state.clone().renamed(|name| {
        let place = name.rsplit_once('.').unwrap().0;
        Some(match name.rsplit_once('_').unwrap_or_default().1 {
            "orig" => format!("{place}.parametrizations.weight.original"),
            "u" => format!("{place}.parametrizations.weight.0._u"),
            "v" => format!("{place}.parametrizations.weight.0._v"),
            _ => name.to_string(),
        })
    });
    assert_ne!(newer, state);
    assert_eq!(config.with_our_names(newer), state);
    assert_eq!(config.with_our_names(state.clone()), state);
}

#[test]
fn every_criterion_agrees_with_torch() {
    let fixture = fixture().section("criterion.");
    let device = Device::flex().autodiff();
    let logits = |name: &str| tensor(fixture.get(name).unwrap(), &device).require_grad();
    for (criterion, name) in [
        (AdversarialType::Vanilla, "vanilla"),
        (AdversarialType::Lsgan, "lsgan"),
        (AdversarialType::Hinge, "hinge"),
        (AdversarialType::Relativistic, "relativistic"),
    ] {
        assert_eq!(serde_json::to_value(criterion).unwrap(), name);
        let check = |what: &str, got: Vec<f32>| {
            assert_close(
                &format!("{name} {what}"),
                &got,
                &fixture.get(&format!("{name}.{what}")).unwrap().data,
                1e-5,
            );
        };
        let (real, fake) = (logits("real"), logits("fake"));
        let l_g = criterion.generator(fake.clone(), || real.clone(), None);
        check("l_g", vector(l_g.clone()));
        let gradients = l_g.backward();
        check("generator_fake", vector(fake.grad(&gradients).unwrap()));
        assert!(real.grad(&gradients).is_none(), "{name}");

        let (real, fake) = (logits("real"), logits("fake"));
        let (l_d_real, l_d_fake) = criterion.discriminator(real.clone(), fake.clone(), None);
        check("l_d_real", vector(l_d_real.clone()));
        check("l_d_fake", vector(l_d_fake.clone()));
        let gradients = (l_d_real + l_d_fake).backward();
        check("discriminator_real", vector(real.grad(&gradients).unwrap()));
        check("discriminator_fake", vector(fake.grad(&gradients).unwrap()));
    }
}

/// Cross entropy of a logit of any size is a number, and so is its slope.
#[test]
fn huge_logits_have_finite_losses() {
    let device = Device::flex().autodiff();
    for size in [100.0, 1e4, 1e30] {
        for criterion in [AdversarialType::Vanilla, AdversarialType::Relativistic] {
            let logits = |value: f64| Tensor::<4>::full([1, 1, 2, 1], value, &device).require_grad();
            // Judged wrongly: each loss is as large as the logits are.
            let (real, fake) = (logits(-size), logits(size));
            let (l_d_real, l_d_fake) = criterion.discriminator(real.clone(), fake.clone(), None);
            for loss in [&l_d_real, &l_d_fake] {
                let loss = f64::from(vector(loss.clone())[0]);
                assert!((loss / size - 1.0).abs() < 1e-6, "{criterion:?} {size}: {loss}");
            }
            let gradients = (l_d_real + l_d_fake).backward();
            for (logits, sign) in [(real, -1.0), (fake, 1.0)] {
                let slope = vector(logits.grad(&gradients).unwrap());
                assert!(
                    slope.iter().all(|v| v.is_finite() && v * sign > 0.1),
                    "{criterion:?} {size}: {slope:?}"
                );
            }
        }
    }
}

/// For a linear discriminator the penalty is the squared length of its gradient, at any step.
#[test]
fn the_penalty_of_a_linear_discriminator_is_its_squared_gradient() {
    let device = Device::flex().autodiff();
    let real = Tensor::<4>::random([4096, 2, 2, 3], Distribution::Uniform(0.0, 1.0), &device);
    let slope = Tensor::<4>::random([1, 2, 2, 3], Distribution::Normal(0.0, 1.0), &device).require_grad();
    let linear = |x: Tensor<4>| (x * slope.clone()).reshape([4096, 1, 1, 12]).sum_dim(3);
    let squared: f32 = vector(slope.clone()).iter().map(|v| v * v).sum();
    let noise = r1_noise(&real, 1, 2, 0);
    let penalty = |sigma| approximate_r1(linear, real.clone(), linear(real.clone()), noise.clone(), sigma);
    let value = vector(penalty(0.1))[0];
    // The mean of 4096 values of χ² has a deviation of 2.2 %.
    assert!((value / squared - 1.0).abs() < 0.09, "{value}, {squared}");
    for sigma in [R1_SIGMA, 1.0] {
        let other = vector(penalty(sigma))[0];
        assert!((other / value - 1.0).abs() < 1e-3, "{sigma}: {other}, {value}");
    }
    // The gradient of |w|² is 2 w: by the projection on w, for the same reason.
    let gradients = penalty(0.1).backward();
    let along: f32 =
        vector(slope.grad(&gradients).unwrap()).iter().zip(vector(slope.clone())).map(|(g, w)| g * w).sum();
    assert!((along / (2.0 * value) - 1.0).abs() < 1e-3, "{along}, {value}");
}

#[test]
fn the_noise_of_the_penalty_is_a_function_of_seed_and_step() {
    let image = Tensor::<4>::zeros([2, 8, 8, 3], &Device::flex());
    let noise = |seed, step| vector(r1_noise(&image, seed, step, 0));
    assert_eq!(noise(1, 2), noise(1, 2));
    assert!(noise(1, 2) != noise(1, 3) && noise(1, 2) != noise(2, 2));
    let variance = noise(1, 2).iter().map(|v| v * v).sum::<f32>() / 384.0;
    assert!((variance - 1.0).abs() < 0.3, "{variance}");
    // A part of the batch has its part of the noise.
    let second = vector(r1_noise(&image.clone().narrow(0, 1, 1), 1, 2, 1));
    assert_eq!(second, noise(1, 2)[192..]);
}

/// Crops of bundled photos that differ from step to step.
struct Crops {
    photos: Vec<Image<Srgb>>,
    device: Device,
}

impl Crops {
    fn load(device: &Device) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/photos/train");
        let load = |name: &str| {
            let bytes = std::fs::read(folder.join(name)).unwrap();
            percept_image::decode_photo(name, &bytes).unwrap().pixels
        };
        let photos = ["cat.jpg", "gravel.jpg", "lake.jpg", "otters.jpg"].map(load).to_vec();
        Self { photos, device: device.clone() }
    }

    /// `[4, 32, 32, 3]`
    fn at(&self, step: usize) -> Tensor<4> {
        const SIDE: usize = 32;
        let crop = |photo: &Image<Srgb>| {
            let [x, y] = [photo.width(), photo.height()].map(|side| step * 7919 % (side - SIDE));
            photo.crop(x, y, SIDE, SIDE).into_vec()
        };
        let values: Vec<f32> = self.photos.iter().flat_map(crop).collect();
        Tensor::from_data(TensorData::new(values, [self.photos.len(), SIDE, SIDE, 3]), &self.device)
    }
}

/// ESRGAN's kind learns in a hundred steps what tells photos from blurred ones, whatever the loss.
#[test]
fn vgg_tells_photos_from_blurred_ones_within_a_hundred_steps() {
    let device = Device::flex().autodiff();
    let crops = Crops::load(&device);
    let config = DiscriminatorConfig::Vgg(VggConfig { num_feat: 16, num_down: 2 });
    for game in [AdversarialType::Vanilla, AdversarialType::Relativistic] {
        let mut discriminator = config.init(7, &device).unwrap();
        let mut adam = AdamConfig::new().init();
        let mut losses = Vec::new();
        for step in 0..100 {
            let [real, result] = [crops.at(2 * step), blurred(crops.at(2 * step + 1))];
            let (l_d_real, l_d_fake) =
                game.discriminator(discriminator.forward(real), discriminator.forward(result), None);
            let loss = l_d_real + l_d_fake;
            losses.push(vector(loss.clone())[0]);
            let gradients = GradientsParams::from_grads(loss.backward(), &discriminator);
            discriminator = adam.step(2e-3, discriminator, gradients);
        }
        let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
        let [first, last] = [mean(&losses[..5]), mean(&losses[95..])];
        assert!(last < 0.3 * first, "{game:?}: {first} → {last}");
        // The same of crops that it has not seen.
        let level = |x| vector(discriminator.forward(x).mean())[0];
        let margin = level(crops.at(1001)) - level(blurred(crops.at(1002)));
        assert!(margin > 2.0, "{game:?}: {margin}");
    }
}
