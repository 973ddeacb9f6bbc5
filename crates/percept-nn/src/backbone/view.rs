//! Some taps of a backbone that others read, too.

use std::sync::Arc;

use burn::tensor::Tensor;

use super::{Backbone, Tap};

/// A backbone at some of its taps.
#[derive(Clone)]
pub struct View {
    backbone: Arc<dyn Backbone>,
    taps: Vec<Tap>,
    /// For every tap, its number among those of the backbone.
    order: Vec<usize>,
}

impl View {
    /// The taps of those names, in that order; one that the backbone does not have is left out.
    pub fn new(backbone: Arc<dyn Backbone>, names: &[String]) -> Self {
        let at = |name: &String| backbone.taps().iter().position(|tap| tap.name == *name);
        let order: Vec<usize> = names.iter().filter_map(at).collect();
        let taps = order.iter().filter_map(|at| backbone.taps().get(*at).cloned()).collect();
        Self { backbone, taps, order }
    }

    /// Of the features at all taps of the backbone, those of its own.
    pub fn of(&self, features: &[Tensor<4>]) -> Vec<Tensor<4>> {
        self.order.iter().filter_map(|at| features.get(*at).cloned()).collect()
    }
}

impl Backbone for View {
    fn name(&self) -> &str {
        self.backbone.name()
    }

    fn taps(&self) -> &[Tap] {
        &self.taps
    }

    fn features(&self, image: Tensor<4>) -> Vec<Tensor<4>> {
        self.of(&self.backbone.features(image))
    }

    fn min_side(&self) -> usize {
        self.backbone.min_side()
    }
}
