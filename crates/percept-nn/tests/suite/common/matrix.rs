//! A frozen network of one tap: every pixel through a matrix and a ReLU.

use burn::tensor::{Device, Tensor, TensorData};
use percept_conv::{Activation, Conv, conv2d};
use percept_nn::backbone::{Backbone, Tap};

/// A network of 3 → 4 channels.
#[derive(Debug)]
pub struct Matrix {
    taps: Vec<Tap>,
    weight: Tensor<4>,
}

impl Matrix {
    /// Its one tap.
    pub fn taps() -> Vec<Tap> {
        vec![Tap { name: "relu1_2".to_string(), channels: 4 }]
    }

    /// With twelve weights, channel by channel.
    pub fn boxed(weights: Vec<f32>, device: &Device) -> Box<dyn Backbone> {
        let weight = Tensor::from_data(TensorData::new(weights, [4, 3, 1, 1]), device);
        Box::new(Self { taps: Self::taps(), weight })
    }
}

impl Backbone for Matrix {
    fn name(&self) -> &str {
        "matrix"
    }

    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn features(&self, image: Tensor<4>) -> Vec<Tensor<4>> {
        vec![conv2d(
            image,
            self.weight.clone(),
            None,
            None,
            Conv::default().with_activation(Activation::Relu),
        )]
    }
}
