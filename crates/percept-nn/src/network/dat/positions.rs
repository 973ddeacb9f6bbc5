//! What DAT adds to the similarity of pixels by where they stand to each other.

use burn::module::Module;
use burn::tensor::{Tensor, activation};

use crate::network::init::Init;
use crate::network::layer::{LayerNorm, Linear};

/// What is added by position, computed from it.
#[derive(Module, Debug)]
pub(super) struct Positions {
    pos_proj: Linear,
    pos1: Vec<Option<Step>>,
    pos2: Vec<Option<Step>>,
    pos3: Vec<Option<Step>>,
}

/// A part of it.
#[derive(Module, Debug)]
enum Step {
    Norm(LayerNorm),
    Linear(Linear),
}

impl Positions {
    pub fn new(channels: usize, heads: usize, at: &Init) -> Self {
        // The authors take a quarter twice.
        let c = channels / 4 / 4;
        let steps = |name: &str, out: usize| {
            let at = at.at(name);
            let norm = Some(Step::Norm(LayerNorm::of_torch(c, &at.at(0))));
            vec![norm, None, Some(Step::Linear(Linear::new([out, c], &at.at(2))))]
        };
        Self {
            pos_proj: Linear::new([c, 2], &at.at("pos_proj")),
            pos1: steps("pos1", c),
            pos2: steps("pos2", c),
            pos3: steps("pos3", heads),
        }
    }

    /// `[differences, 2]` → `[differences, heads]`.
    pub fn forward(&self, differences: Tensor<2>) -> Tensor<2> {
        let count = differences.dims()[0];
        let y = self.pos_proj.forward(differences.reshape([1, 1, count, 2]));
        let steps = [&self.pos1, &self.pos2, &self.pos3].into_iter().flatten().flatten();
        let y = steps.fold(y, |y, step| match step {
            Step::Norm(norm) => activation::relu(norm.forward(y)),
            Step::Linear(linear) => linear.forward(y),
        });
        let heads = y.dims()[3];
        y.reshape([count, heads])
    }
}
