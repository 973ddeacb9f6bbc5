//! Gradients by autodiff against central differences: of the networks by their parameters, of the losses by the image.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

#[path = "common/store.rs"]
mod bundled;
#[path = "common/perceptual.rs"]
mod perceptual;

use std::collections::BTreeMap;

use bundled::store;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use percept_nn::loss::{ContextualOpt, FeatureOpt, Loss, PerceptualLoss, PerceptualOpt, StyleOpt};
use percept_nn::network::{EdsrConfig, NafNetConfig, Network, NetworkConfig, RrdbNetConfig, SrResNetConfig};
use percept_nn::weights::{Array, StateDict};
use perceptual::{fixture, image, vector};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The gradient of every parameter, by its name in a weight file.
struct Collected<'a> {
    gradients: &'a Gradients,
    path: Vec<String>,
    found: BTreeMap<String, Vec<f32>>,
}

impl ModuleVisitor for Collected<'_> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.push(if container.starts_with("Enum:") { String::new() } else { name.to_string() });
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let parts: Vec<_> = self.path.iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
        let gradient = param.val().grad(self.gradients).expect("every parameter has a gradient");
        self.found.insert(parts.join("."), vector(gradient));
    }
}

fn noise(seed: u64, len: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..len).map(|_| rng.random_range(-1.0..1.0)).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// The network with weights that make every parameter matter: gates that start at 0 are opened.
fn awake(config: &NetworkConfig, scale: usize, device: &Device) -> (Network, StateDict) {
    let network = config.init(scale, 3, 5, device).unwrap();
    let mut state = StateDict::new();
    for (seed, (name, array)) in StateDict::of(&network).iter().enumerate() {
        let data = array.data.iter().zip(noise(seed as u64, array.data.len()));
        let data = data.map(|(value, noise)| 2.0 * value + 0.2 * noise).collect();
        state.insert(name, Array { shape: array.shape.clone(), data });
    }
    (state.apply(network).unwrap(), state)
}

/// Along a random direction in every single parameter tensor.
fn network_gradients_agree(config: &NetworkConfig, scale: usize) {
    const STEP: f32 = 2e-3;
    let device = Device::flex().autodiff();
    let (network, state) = awake(config, scale, &device);
    let (height, width) = (6, 7);
    let pixels: Vec<f32> = noise(100, height * width * 3).iter().map(|v| 0.5 + 0.5 * v).collect();
    let x = Tensor::<4>::from_data(TensorData::new(pixels, [1, height, width, 3]), &device);
    let outputs = height * width * 3 * scale * scale;
    let probe = noise(101, outputs);
    let weights = Tensor::<4>::from_data(
        TensorData::new(probe.clone(), [1, height * scale, width * scale, 3]),
        &device,
    );
    let gradients = (network.forward(x.clone()) * weights).sum().backward();
    let mut collected = Collected { gradients: &gradients, path: Vec::new(), found: BTreeMap::new() };
    network.visit(&mut collected);
    assert_eq!(collected.found.len(), state.len());

    let plain = config.init(scale, 3, 0, &Device::flex()).unwrap();
    let x = x.inner();
    let value = |name: &str, direction: &[f32], step: f32| {
        let mut state = state.clone();
        let mut array = state.get(name).unwrap().clone();
        array.data.iter_mut().zip(direction).for_each(|(value, d)| *value += step * d);
        state.insert(name, array);
        dot(&vector(state.apply(plain.clone()).unwrap().forward(x.clone())), &probe)
    };
    for (seed, (name, gradient)) in collected.found.iter().enumerate() {
        let direction = noise(200 + seed as u64, gradient.len());
        let along = dot(gradient, &direction);
        let numeric =
            (value(name, &direction, STEP) - value(name, &direction, -STEP)) / f64::from(2.0 * STEP);
        let size = dot(gradient, gradient).sqrt() * dot(&direction, &direction).sqrt();
        assert!(size > 0.0, "{}: {name} has no gradient", config.name());
        let error = (along - numeric).abs();
        assert!(error < 0.01 * size, "{}: {name}: {along}, by differences {numeric}, {size}", config.name());
    }
}

#[test]
fn srresnet_gradients_agree_with_differences() {
    let config = NetworkConfig::SrResNet(SrResNetConfig { num_feat: 5, num_block: 2 });
    [2, 3].into_iter().for_each(|scale| network_gradients_agree(&config, scale));
}

#[test]
fn edsr_gradients_agree_with_differences() {
    let config = NetworkConfig::Edsr(EdsrConfig { num_feat: 5, num_block: 2, res_scale: 0.1 });
    network_gradients_agree(&config, 2);
}

#[test]
fn rrdbnet_gradients_agree_with_differences() {
    let config = NetworkConfig::RrdbNet(RrdbNetConfig { num_feat: 4, num_block: 1, num_grow_ch: 3 });
    [2, 4].into_iter().for_each(|scale| network_gradients_agree(&config, scale));
}

#[test]
fn nafnet_gradients_agree_with_differences() {
    let (enc_blk_nums, dec_blk_nums) = (vec![1, 1], vec![1, 1]);
    let config = NafNetConfig { width: 4, enc_blk_nums, middle_blk_num: 1, dec_blk_nums };
    network_gradients_agree(&NetworkConfig::NafNet(config), 1);
}

type Value = Box<dyn FnMut(Tensor<4>, Tensor<4>) -> Tensor<1>>;

/// The losses in feature spaces, with the bundled VGG16. LPIPS and DISTS have their check beside their metrics.
fn losses(device: &Device) -> Vec<(&'static str, Value)> {
    let layer_weights = || BTreeMap::from([("relu1_2".to_string(), 1.0), ("relu2_2".to_string(), 0.5)]);
    let space = |opt: PerceptualOpt| -> Value {
        // Energies of taps move with every batch: a new space has seen none.
        let device = device.clone();
        Box::new(move |result, target| {
            let PerceptualLoss::Space(mut space) = opt.init(&store(), &device).unwrap() else { panic!() };
            let _ = space.see(target.clone(), target.clone().flip([1]));
            let seen = space.see(result, target);
            space.transformation_loss(&seen)
        })
    };
    let feature = FeatureOpt { layer_weights: layer_weights(), ..FeatureOpt::default() };
    let contextual = ContextualOpt {
        layer_weights: BTreeMap::from([("relu2_2".to_string(), 1.0)]),
        ..ContextualOpt::default()
    };
    let style = StyleOpt { layer_weights: layer_weights(), ..StyleOpt::default() };
    let style = style.init(&store(), device).unwrap();
    vec![
        ("feature", space(PerceptualOpt::Feature(feature))),
        ("contextual", space(PerceptualOpt::Contextual(contextual))),
        ("style", Box::new(move |result, target| style.forward(result, target))),
    ]
}

/// Along a smooth direction, as beside the metrics: single pixels move the losses too little for `f32`.
#[test]
fn losses_agree_with_differences() {
    let device = Device::flex().autodiff();
    let fixture = fixture();
    let crop = |name| image(&fixture, name, &device).narrow(1, 10, 24).narrow(2, 10, 24);
    let (result, target) = (crop("astronaut_blur"), crop("astronaut"));
    let direction = crop("chelsea").sub_scalar(0.5);
    for ((name, mut loss), step) in losses(&device).into_iter().zip([1e-2, 1e-3, 1e-2]) {
        let tracked = result.clone().require_grad();
        let gradients = loss(tracked.clone(), target.clone()).backward();
        let gradient = vector(tracked.grad(&gradients).unwrap());
        let along = dot(&gradient, &vector(direction.clone()));
        let mut at = |step: f64| {
            f64::from(vector(loss(result.clone() + direction.clone().mul_scalar(step), target.clone()))[0])
        };
        let (value, numeric) = (at(0.0), (at(step) - at(-step)) / (2.0 * step));
        let error = (along - numeric).abs();
        assert!(error < 0.02 * numeric.abs(), "{name}: {along}, by differences {numeric}");
        assert!(numeric.abs() > 0.05 * value, "{name}: the direction must matter, {numeric} of {value}");
    }
}
