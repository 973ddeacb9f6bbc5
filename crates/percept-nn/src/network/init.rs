//! Initial weights as a function of the seed and the parameter's name alone.

use burn::module::{Param, ParamId};
use burn::tensor::{Device, Shape, Tensor, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::layer::ConvLayer;
use percept_conv::Conv;

/// Where in a network weights are being made. Neither the order of construction nor the device's own
/// random state has a say, so networks of one seed agree wherever their names do.
#[derive(Clone)]
pub(crate) struct Init {
    seed: u64,
    device: Device,
    /// How the layers multiply; nothing else of it counts.
    products: Conv,
    path: String,
    /// Whether values are made at once, and not when they are first needed.
    at_once: bool,
}

impl Init {
    pub fn new(seed: u64, device: &Device) -> Self {
        Self { seed, device: device.clone(), products: Conv::default(), path: String::new(), at_once: false }
    }

    /// The same, with values that are made at once. A network that is a player and a constant by turns needs it: a clone of
    /// what is not there yet would decide for both whether they have a gradient.
    pub fn at_once(self) -> Self {
        Self { at_once: true, ..self }
    }

    /// The same, with layers that multiply as `products` does.
    pub fn with_products(self, products: Conv) -> Self {
        Self { products, ..self }
    }

    /// How `conv` multiplies here.
    pub fn multiplying(&self, conv: Conv) -> Conv {
        let Conv { precision, filtering, .. } = self.products;
        Conv { precision, filtering, ..conv }
    }

    /// The place called `name` below this one.
    pub fn at(&self, name: impl std::fmt::Display) -> Self {
        let path = if self.path.is_empty() { name.to_string() } else { format!("{}.{name}", self.path) };
        Self { path, ..self.clone() }
    }

    /// Kaiming's normal distribution by fan-in, times `gain`; the field starts residual networks at 0.1, so
    /// that they begin close to their skip connections (ESRGAN, Wang et al. 2018).
    pub fn conv(&self, name: &str, shape: [usize; 4], gain: f64, conv: Conv) -> ConvLayer {
        let [out, input, height, width] = shape;
        let deviation = gain * (2.0 / (input * height * width) as f64).sqrt();
        let weight = self.at(name).normal("weight", shape, deviation);
        ConvLayer::new(weight, Some(self.full([out], 0.0)), self.multiplying(conv))
    }

    /// A parameter called `name` of normally distributed values.
    pub fn normal<const D: usize>(&self, name: &str, shape: [usize; D], deviation: f64) -> Param<Tensor<D>> {
        let (seed, stream) = (self.seed, hash(&self.at(name).path));
        self.values(shape, move || {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(stream);
            let normal = |_| (deviation * Distribution::<f64>::sample(&StandardNormal, &mut rng)) as f32;
            (0..shape.iter().product()).map(normal).collect()
        })
    }

    /// A parameter of one value.
    pub fn full<const D: usize>(&self, shape: [usize; D], value: f32) -> Param<Tensor<D>> {
        self.values(shape, move || vec![value; shape.iter().product()])
    }

    /// A parameter whose values are made when they are first needed: a network that weights are put into needs only shapes.
    pub fn values<const D: usize>(
        &self,
        shape: [usize; D],
        values: impl FnOnce() -> Vec<f32> + Send + Sync + 'static,
    ) -> Param<Tensor<D>> {
        let make = move |device: &Device, gradient: bool| {
            let tensor = Tensor::<D>::from_data(TensorData::new(values(), shape), device);
            if gradient { tensor.require_grad() } else { tensor }
        };
        if self.at_once {
            return Param::from_tensor(make(&self.device, false));
        }
        Param::uninitialized(ParamId::new(), make, self.device.clone(), true, Shape::from(shape))
    }
}

/// FNV-1a: the same on every platform and in every version.
fn hash(name: &str) -> u64 {
    name.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
