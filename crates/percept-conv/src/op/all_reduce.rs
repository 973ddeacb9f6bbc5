//! Means over all processes that train together, with their gradient.

use std::sync::Arc;

use burn::backend::{Backend, Dispatch, Flex, TensorMetadata, backend_extension, tensor::FloatTensor};
use burn::tensor::{Tensor, TensorData, read_sync};
use burn_autodiff::{
    Autodiff,
    checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
    grads::Gradients,
    ops::{Backward, Ops, unary},
};

use super::recorded;

/// Adds numbers up over all processes that train together. Each has a part of every batch, of the same size, and goes down the
/// mean loss of its part; the gradient of the whole batch is the mean of theirs.
///
/// Everyone calls it in the same order, in backward passes too: these follow the graph, which is the same everywhere.
#[derive(Clone)]
pub struct AllReduce {
    processes: usize,
    sum: Arc<Sum>,
}

/// Makes each number the sum over all processes.
type Sum = dyn Fn(&mut [f32]) + Send + Sync;

impl std::fmt::Debug for AllReduce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AllReduce").field("processes", &self.processes).finish_non_exhaustive()
    }
}

impl AllReduce {
    /// Over so many `processes`; `sum` makes each number the sum over all of them, with the same bits everywhere.
    pub fn new(processes: usize, sum: impl Fn(&mut [f32]) + Send + Sync + 'static) -> Self {
        Self { processes, sum: Arc::new(sum) }
    }

    /// How many processes there are.
    pub(super) fn processes(&self) -> usize {
        self.processes
    }

    /// The sum of `x` over all of them.
    pub(super) fn sum<B: Backend>(&self, x: FloatTensor<B>) -> FloatTensor<B> {
        let (shape, device) = (x.shape(), x.device());
        let data = read_sync(B::float_into_data(x)).ok();
        let values = data.and_then(|data| data.try_into_vec_as::<f32>().ok());
        // Where a device has failed there is no number.
        let mut values = values.unwrap_or_else(|| vec![f32::NAN; shape.num_elements()]);
        (self.sum)(&mut values);
        B::float_from_data(TensorData::new(values, shape), &device)
    }
}

/// The mean of `x` over all processes, number by number; `x` where there is but one. The gradient is that of the mean of all
/// processes' losses.
pub fn all_mean(x: Tensor<1>, all: Option<&AllReduce>) -> Tensor<1> {
    let Some(all) = all else { return x };
    Tensor::from_dispatch(Dispatch::all_averaged(x.into_dispatch(), all.clone()))
}

#[backend_extension(Autodiff, Flex, Cube: cfg(feature = "_device"))]
pub(crate) trait AllReduceBackend: Backend {
    fn all_averaged(x: FloatTensor<Self>, all: AllReduce) -> FloatTensor<Self> {
        Self::float_div_scalar(all.sum::<Self>(x), (all.processes() as f64).into())
    }
}

#[cfg(feature = "_device")]
impl AllReduceBackend for burn::backend::Cube {}

impl AllReduceBackend for Flex {}

impl<B: AllReduceBackend, C: CheckpointStrategy> AllReduceBackend for Autodiff<B, C> {
    fn all_averaged(x: FloatTensor<Self>, all: AllReduce) -> FloatTensor<Self> {
        let nodes = [x.node()];
        let y = B::all_averaged(x.into_primitive(), all.clone());
        recorded::<B, C, _, _>(AllAveraged, nodes, all, y)
    }
}

#[derive(Debug)]
struct AllAveraged;

impl<B: AllReduceBackend> Backward<B, 1> for AllAveraged {
    type State = AllReduce;

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let all = ops.state;
        unary::<B, _>(ops.parents, ops.node, grads, |gradient| B::all_averaged(gradient, all));
    }
}
