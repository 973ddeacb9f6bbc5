//! Processes that train one network together.
//!
//! Each process takes its part of every batch. What is a mean over the batch is made one over all parts before anyone goes on by
//! it, so that all have the same network at every step, and it is the one that a single process would have. One process leads:
//! it writes the run's folder, validates and tells what happens.

#[cfg(feature = "mpi")]
mod mpi;

use std::ops::Range;
use std::sync::Arc;

use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use percept_conv::AllReduce;
use percept_nn::disentangle::Gather;
use percept_run::Config;

use crate::params::{Look, look_at};

/// Why processes cannot train together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TeamError {
    /// A batch cannot be dealt.
    #[error(
        "{processes} processes cannot share a batch of {batch_size}; set datasets.train.batch_size (and that of every stage of \
         `progressive`) to a multiple of {processes}, or start another number of processes"
    )]
    Indivisible {
        /// Crops of a batch.
        batch_size: usize,
        /// All processes.
        processes: usize,
    },
    /// They are not at the same step of the same run on the same photos.
    #[error(
        "process {rank} has another configuration, other training photos or another checkpoint than process 0; all need the \
         same files, and the run's folder on a disk that they share"
    )]
    Different {
        /// The first that differs.
        rank: usize,
    },
    /// The system of processes did not start.
    #[error("the processes cannot talk to each other: {0}")]
    NoStart(&'static str),
}

/// What connects the processes of a team. Everyone calls everything in the same order.
pub(crate) trait Link: Send + Sync {
    /// The number of this process, from 0.
    fn rank(&self) -> usize;
    /// The number of processes.
    fn size(&self) -> usize;
    /// The sum over all processes, with the same bits everywhere.
    fn sum(&self, values: &mut [f32]);
    /// The parts of all processes, each as long, in the order of their numbers.
    fn gather(&self, part: &[f32]) -> Vec<f32>;
    /// Nobody calls anything after this. A process that ends without it has failed, and all others are ended.
    fn leave(&self);
}

/// The processes that train together: one, or those that were [started together](Self::join).
#[derive(Clone, Default)]
pub struct Team(Option<Arc<dyn Link>>);

impl std::fmt::Debug for Team {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Team").field("rank", &self.rank()).field("size", &self.size()).finish()
    }
}

impl Team {
    /// A team of this process alone.
    pub fn alone() -> Self {
        Self::default()
    }

    /// All processes that were started together. In a build without the feature `mpi` each process is alone. To be called once,
    /// from the main thread, which does the training.
    ///
    /// # Errors
    /// When they cannot talk to each other.
    pub fn join() -> Result<Self, TeamError> {
        #[cfg(feature = "mpi")]
        return Ok(mpi::World::join()?.map_or_else(Self::alone, |world| Self(Some(Arc::new(world)))));
        #[cfg(not(feature = "mpi"))]
        Ok(Self::alone())
    }

    /// Whether this is the process that writes and tells.
    pub(crate) fn leads(&self) -> bool {
        self.rank() == 0
    }

    fn rank(&self) -> usize {
        self.0.as_ref().map_or(0, |link| link.rank())
    }

    fn size(&self) -> usize {
        self.0.as_ref().map_or(1, |link| link.size())
    }

    /// Calls `work` on one of the threads that compute, so that not every operation has to wake one. Processes of a team talk
    /// from the thread that joined it, so there `work` stays on it.
    pub(crate) fn compute<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        match self.0 {
            None => rayon::scope(|_| work()),
            Some(_) => work(),
        }
    }

    /// Whether all batches can be dealt.
    pub(crate) fn check(&self, config: &Config) -> Result<(), TeamError> {
        let processes = self.size();
        let batches = config.datasets.train.stages().map(|(_, _, batch_size)| batch_size);
        match batches.into_iter().find(|batch_size| !batch_size.is_multiple_of(processes)) {
            Some(batch_size) => Err(TeamError::Indivisible { batch_size, processes }),
            None => Ok(()),
        }
    }

    /// The samples of a batch that are this process's.
    pub(crate) fn part(&self, batch_size: usize) -> Range<usize> {
        let part = batch_size / self.size();
        let before = self.before(part);
        before..before + part
    }

    /// How many samples of a batch lie before those of this process, of which there are `part`.
    pub(crate) fn before(&self, part: usize) -> usize {
        self.rank() * part
    }

    /// Waits until all are here.
    pub(crate) fn wait(&self) {
        self.any([false]);
    }

    /// Whether any of them says so.
    pub(crate) fn any<const N: usize>(&self, said: [bool; N]) -> [bool; N] {
        let Some(link) = &self.0 else { return said };
        let mut sums = said.map(|said| f32::from(u8::from(said)));
        link.sum(&mut sums);
        sums.map(|sum| sum > 0.0)
    }

    /// Whether all stand at the same place, given what tells places apart.
    pub(crate) fn agree(&self, place: &str) -> Result<(), TeamError> {
        let Some(link) = &self.0 else { return Ok(()) };
        let place: Vec<f32> = place.bytes().map(f32::from).collect();
        let all = link.gather(&place);
        let mut places = all.chunks(place.len().max(1));
        let first = places.next();
        match places.position(|place| Some(place) != first) {
            Some(at) => Err(TeamError::Different { rank: at + 1 }),
            None => Ok(()),
        }
    }

    /// The means over all of them.
    fn means(&self, values: &mut [f32]) {
        let Some(link) = &self.0 else { return };
        link.sum(values);
        let share = 1.0 / link.size() as f32;
        values.iter_mut().for_each(|value| *value *= share);
    }

    /// Numbers of each part of a batch, as those of the whole.
    pub(crate) fn numbers(&self, parts: Vec<(String, f64)>) -> Vec<(String, f64)> {
        if self.0.is_none() {
            return parts;
        }
        let (names, values): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let mut values: Vec<f32> = values.into_iter().map(|value: f64| value as f32).collect();
        self.means(&mut values);
        names.into_iter().zip(values.into_iter().map(f64::from)).collect()
    }

    /// A number of each part of a batch, as that of the whole.
    pub(crate) fn number(&self, part: f64) -> f64 {
        if self.0.is_none() {
            return part;
        }
        let mut whole = [part as f32];
        self.means(&mut whole);
        f64::from(whole[0])
    }

    /// The gradients of a part of a batch, as those of the whole.
    pub(crate) fn gradients<M: Module>(&self, module: &M, part: GradientsParams) -> GradientsParams {
        if self.0.is_none() {
            return part;
        }
        let mut values = Values { gradients: &part, values: Vec::new() };
        look_at(module, &mut values);
        let mut values = values.values;
        self.means(&mut values);
        let mut whole = Whole { part, whole: GradientsParams::new(), values: &values };
        look_at(module, &mut whole);
        whole.whole
    }

    /// Brings the rows of all parts of a batch together; `None` where there is but one.
    pub(crate) fn gather(&self) -> Option<Gather> {
        let link = self.0.clone()?;
        Some(Arc::new(move |part: Tensor<2>| {
            let ([rows, columns], device) = (part.dims(), part.device());
            let part: Vec<f32> = part.into_data().try_into_vec_as().unwrap_or_default();
            let whole = TensorData::new(link.gather(&part), [rows * link.size(), columns]);
            Tensor::from_data(whole, &device)
        }))
    }

    /// What adds numbers up over all of them; `None` where there is but one.
    pub(crate) fn all_reduce(&self) -> Option<AllReduce> {
        let link = self.0.clone()?;
        Some(AllReduce::new(link.size(), move |values| link.sum(values)))
    }

    /// All is done.
    pub(crate) fn leave(&self) {
        if let Some(link) = &self.0 {
            link.leave();
        }
    }
}

/// All gradients of a module in its order.
struct Values<'a> {
    gradients: &'a GradientsParams,
    values: Vec<f32>,
}

impl Look for Values<'_> {
    fn look<const D: usize>(&mut self, _: &str, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.values.extend(gradient.into_data().try_into_vec_as::<f32>().unwrap_or_default());
        }
    }
}

/// The same way back.
struct Whole<'a> {
    part: GradientsParams,
    whole: GradientsParams,
    values: &'a [f32],
}

impl Look for Whole<'_> {
    fn look<const D: usize>(&mut self, _: &str, param: &Param<Tensor<D>>) {
        let Some(part) = self.part.remove::<D>(param.id) else { return };
        let (own, rest) = self.values.split_at(part.shape().num_elements());
        self.values = rest;
        let whole = TensorData::new(own.to_vec(), part.shape());
        self.whole.register(param.id, Tensor::<D>::from_data(whole, &part.device()));
    }
}
