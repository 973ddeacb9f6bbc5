//! Processes that `mpirun` started.

use std::sync::{Mutex, PoisonError};

use mpi::collective::SystemOperation;
use mpi::environment::Universe;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives};

use super::{Link, TeamError};

/// Values in one message: their number is a C `int`.
const MOST: usize = 1 << 24;

/// What launchers tell those whom they start: Open MPI; MPICH, Intel MPI and Slurm; whatever speaks PMIx.
const LAUNCHED: [&str; 3] = ["OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMIX_RANK"];

/// All of them.
pub(super) struct World {
    rank: usize,
    size: usize,
    universe: Mutex<Option<Universe>>,
}

impl World {
    /// Starts MPI; `None` where this process is alone.
    pub(super) fn join() -> Result<Option<Self>, TeamError> {
        if !LAUNCHED.iter().any(|name| std::env::var_os(name).is_some()) {
            return Ok(None);
        }
        let started = mpi::initialize_with_threading(mpi::Threading::Funneled);
        let (universe, threading) = started.ok_or(TeamError::NoStart("MPI is running already"))?;
        if threading < mpi::Threading::Funneled {
            return Err(TeamError::NoStart("this MPI allows no threads beside the one that calls it"));
        }
        let world = universe.world();
        let (rank, size) = (world.rank() as usize, world.size() as usize);
        Ok((size > 1).then(|| Self { rank, size, universe: Mutex::new(Some(universe)) }))
    }

    fn universe(&self) -> Option<Universe> {
        self.universe.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Link for World {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn sum(&self, values: &mut [f32]) {
        for values in values.chunks_mut(MOST) {
            let part = values.to_vec();
            SimpleCommunicator::world().all_reduce_into(&part[..], values, SystemOperation::sum());
        }
    }

    fn gather(&self, part: &[f32]) -> Vec<f32> {
        let mut whole = vec![0.0; part.len() * self.size];
        SimpleCommunicator::world().all_gather_into(part, &mut whole[..]);
        whole
    }

    fn leave(&self) {
        drop(self.universe());
    }
}

impl Drop for World {
    /// Who has not left has failed. MPI would wait for the others at its end, and they for this process: without that end,
    /// `mpirun` sees that it failed and ends them.
    fn drop(&mut self) {
        std::mem::forget(self.universe());
    }
}
