//! Frozen layers on the CPU: two buffers, in turn, from one layer to the next.

use std::sync::Arc;

use burn::backend::{Flex, TensorMetadata, tensor::FloatTensor};
use burn_flex::FlexTensor;

use crate::flex::{convolved, slope, source_gradient, tensor};
use crate::geometry::Geometry;
use crate::kernel::{Epilogue, Gate, Level, Signs};
use crate::pool::{pooled, spread};
use crate::stage::{StageBackend, StageGradient, Step};

/// What the gradient of one step needs.
#[derive(Clone, Debug)]
pub(crate) enum Mark {
    Nothing,
    /// Where an activation's result was positive.
    Signs(Signs),
    /// Which place of its window each largest value had.
    Taken(Vec<u8>),
}

impl StageBackend for Flex {
    fn stage(x: FloatTensor<Self>, weights: FloatTensor<Self>, steps: Arc<[Step]>) -> FloatTensor<Self> {
        run(x, weights.storage(), &steps, None)
    }
}

impl StageGradient for Flex {
    type Kept = Vec<Mark>;

    fn stage_kept(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        steps: &[Step],
    ) -> (FloatTensor<Self>, Vec<Mark>) {
        let mut marks = Vec::with_capacity(steps.len());
        (run(x, weights.storage(), steps, Some(&mut marks)), marks)
    }

    fn stage_gradient(
        kept: Vec<Mark>,
        gradient: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        steps: &[Step],
        source: [usize; 4],
    ) -> FloatTensor<Self> {
        let mut sizes = vec![source];
        for step in steps {
            sizes.push(step.size(sizes.last().copied().unwrap_or(source)));
        }
        let weights = weights.storage::<f32>();
        let mut line = Line::new(gradient);
        for (at, (step, mark)) in steps.iter().zip(kept).enumerate().rev() {
            let size = sizes[at];
            let length = size.iter().product();
            let spare = line.spare(length, at == 0);
            let next = match (step, mark) {
                (Step::Conv { conv, kernel, start, packs }, mark) => {
                    let weight = &weights[*start..][..kernel.iter().product()];
                    let geometry = Geometry::new(size, *kernel, conv);
                    let gate = match &mark {
                        Mark::Signs(signs) => slope(conv.activation).map(|slope| Gate::Signs(signs, slope)),
                        _ => None,
                    };
                    source_gradient(spare, line.values(), gate, &geometry, weight, Some(&packs.gradient))
                }
                (Step::MaxPool(window), Mark::Taken(taken)) => {
                    spread(spare, &taken, line.values(), size, *window)
                }
                (_, Mark::Signs(signs)) => Gate::Signs(&signs, 0.0).apply(line.values(), spare),
                _ => continue,
            };
            line.advance(next);
        }
        line.end(&source)
    }
}

/// All steps; `marks` gets what the gradient needs.
fn run(x: FlexTensor, weights: &[f32], steps: &[Step], mut marks: Option<&mut Vec<Mark>>) -> FlexTensor {
    let mut size: [usize; 4] = x.shape().dims();
    let mut line = Line::new(x);
    for (at, step) in steps.iter().enumerate() {
        let result = step.size(size);
        let spare = line.spare(result.iter().product(), at + 1 == steps.len());
        let (next, mark) = match step {
            Step::Conv { conv, kernel, start, packs } => {
                let (weight, bias) = weights[*start..].split_at(kernel.iter().product());
                let geometry = Geometry::new(size, *kernel, conv);
                let epilogue =
                    Epilogue { bias: &bias[..kernel[0]], activation: conv.activation, ..Epilogue::default() };
                let wanted = marks.is_some() && slope(conv.activation).is_some();
                let mut signs = wanted.then(Signs::default);
                let pack = Some(&packs.forward);
                let next = convolved(spare, line.values(), &geometry, weight, pack, epilogue, signs.as_mut());
                (next, signs.map_or(Mark::Nothing, Mark::Signs))
            }
            Step::Relu => {
                let signs = Signs::of(Level::current(), line.values());
                // Not a number is not positive, and comes through all the same.
                let mut next = spare;
                next.clear();
                next.extend(line.values().iter().map(|v| if *v < 0.0 { 0.0 } else { *v }));
                (next, Mark::Signs(signs))
            }
            Step::MaxPool(window) => {
                let mut taken = Vec::new();
                let wanted = marks.is_some().then_some(&mut taken);
                (pooled(spare, line.values(), size, *window, wanted), Mark::Taken(taken))
            }
        };
        line.advance(next);
        if let Some(marks) = &mut marks {
            marks.push(mark);
        }
        size = result;
    }
    line.end(&size)
}

/// What goes from step to step, and memory that is free.
struct Line {
    /// What came in; none behind the first step.
    source: Option<FlexTensor>,
    values: Vec<f32>,
    spare: Vec<Vec<f32>>,
}

impl Line {
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
