//! Frozen layers on the CPU: two buffers, in turn, from one layer to the next.

use std::sync::Arc;

use burn::backend::{Flex, TensorMetadata, tensor::FloatTensor};
use burn_flex::FlexTensor;

use super::{Layer, StageBackend, StageGradient};
use crate::geometry::Geometry;
use crate::kernel::{Derivative, Epilogue, Level, Signs};
use crate::op::conv::{convolved, source_gradient};
use crate::op::pool::{pooled, spread};
use crate::op::tensor;

/// What the gradient of one layer needs.
#[derive(Clone, Debug)]
pub(crate) enum Trace {
    Nothing,
    /// Where an activation's result was positive.
    Signs(Signs),
    /// Which place of its window each largest value had.
    Taken(Vec<u8>),
}

impl StageBackend for Flex {
    fn stage(x: FloatTensor<Self>, weights: FloatTensor<Self>, layers: Arc<[Layer]>) -> FloatTensor<Self> {
        run(x, weights.storage(), &layers, None)
    }
}

impl StageGradient for Flex {
    type Kept = Vec<Trace>;

    fn stage_kept(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        layers: &[Layer],
    ) -> (FloatTensor<Self>, Vec<Trace>) {
        let mut traces = Vec::with_capacity(layers.len());
        (run(x, weights.storage(), layers, Some(&mut traces)), traces)
    }

    fn stage_gradient(
        kept: Vec<Trace>,
        gradient: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        layers: &[Layer],
        source: [usize; 4],
    ) -> FloatTensor<Self> {
        let mut sizes = vec![source];
        for layer in layers {
            sizes.push(layer.size(sizes.last().copied().unwrap_or(source)));
        }
        let weights = weights.storage::<f32>();
        let mut flow = Flow::new(gradient);
        for (at, (layer, trace)) in layers.iter().zip(kept).enumerate().rev() {
            let size = sizes[at];
            let length = size.iter().product();
            let spare = flow.spare(length, at == 0);
            let next = match (layer, trace) {
                (Layer::Conv { conv, kernel, start, packs }, trace) => {
                    let weight = &weights[*start..][..kernel.iter().product()];
                    let geometry = Geometry::new(size, *kernel, conv);
                    let derivative = match &trace {
                        Trace::Signs(signs) => {
                            conv.activation.slope().map(|slope| Derivative::Signs(signs, slope))
                        }
                        _ => None,
                    };
                    source_gradient(spare, flow.values(), derivative, &geometry, weight, &packs.gradient)
                }
                (Layer::MaxPool(window), Trace::Taken(taken)) => {
                    spread(spare, &taken, flow.values(), size, *window)
                }
                (_, Trace::Signs(signs)) => Derivative::Signs(&signs, 0.0).apply(flow.values(), spare),
                _ => continue,
            };
            flow.advance(next);
        }
        flow.end(&source)
    }
}

/// All layers; `traces` gets what the gradient needs.
fn run(x: FlexTensor, weights: &[f32], layers: &[Layer], mut traces: Option<&mut Vec<Trace>>) -> FlexTensor {
    let mut size: [usize; 4] = x.shape().dims();
    let mut flow = Flow::new(x);
    for (at, layer) in layers.iter().enumerate() {
        let result = layer.size(size);
        let spare = flow.spare(result.iter().product(), at + 1 == layers.len());
        let (next, trace) = match layer {
            Layer::Conv { conv, kernel, start, packs } => {
                let (weight, bias) = weights[*start..].split_at(kernel.iter().product());
                let geometry = Geometry::new(size, *kernel, conv);
                let epilogue =
                    Epilogue { bias: &bias[..kernel[0]], activation: conv.activation, ..Epilogue::default() };
                let wanted = traces.is_some() && conv.activation.slope().is_some();
                let mut signs = wanted.then(Signs::default);
                let pack = &packs.forward;
                let next = convolved(spare, flow.values(), &geometry, weight, pack, epilogue, signs.as_mut());
                (next, signs.map_or(Trace::Nothing, Trace::Signs))
            }
            Layer::Relu => {
                let signs = Signs::of(Level::current(), flow.values());
                // Not a number is not positive, and comes through all the same.
                let mut next = spare;
                next.clear();
                next.extend(flow.values().iter().map(|v| if *v < 0.0 { 0.0 } else { *v }));
                (next, Trace::Signs(signs))
            }
            Layer::MaxPool(window) => {
                let mut taken = Vec::new();
                let wanted = traces.is_some().then_some(&mut taken);
                (pooled(spare, flow.values(), size, *window, wanted), Trace::Taken(taken))
            }
        };
        flow.advance(next);
        if let Some(traces) = &mut traces {
            traces.push(trace);
        }
        size = result;
    }
    flow.end(&size)
}

/// What goes from layer to layer, and memory that is free.
struct Flow {
    /// What came in; none behind the first layer.
    source: Option<FlexTensor>,
    values: Vec<f32>,
    spare: Vec<Vec<f32>>,
}

impl Flow {
    fn new(source: FlexTensor) -> Self {
        Self { source: Some(source.to_contiguous()), values: Vec::new(), spare: Vec::new() }
    }

    fn values(&self) -> &[f32] {
        self.source.as_ref().map_or(&self.values, |source| source.storage())
    }

    /// Memory for `length` numbers, of just that size where they are the last ones.
    fn spare(&mut self, length: usize, last: bool) -> Vec<f32> {
        let fits = |spare: &Vec<f32>| spare.capacity() >= length && !(last && spare.capacity() > length);
        let at = self.spare.iter().position(fits);
        at.map_or_else(Vec::new, |at| self.spare.swap_remove(at))
    }

    fn advance(&mut self, next: Vec<f32>) {
        if self.source.take().is_none() {
            self.spare.push(std::mem::take(&mut self.values));
        }
        self.values = next;
    }

    fn end(self, size: &[usize]) -> FlexTensor {
        match self.source {
            Some(source) => source,
            None => tensor(self.values, size),
        }
    }
}
