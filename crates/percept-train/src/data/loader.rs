//! Batches that are prepared ahead, on other threads.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, JoinHandle};

use rayon::ThreadPoolBuilder;

use super::{Batch, DataError, TrainSource};

/// The batches of a run from any step on, in order. Which threads prepare them, and how many, changes nothing in them.
pub struct Loader {
    batches: Option<Receiver<Result<Batch, DataError>>>,
    thread: Option<JoinHandle<()>>,
}

impl Loader {
    /// Starts preparing the batches from number `first` on, `prefetch` of them ahead, the samples of each on `workers` threads:
    /// threads of its own, so that the steps of the training do not wait behind samples.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        source: Arc<TrainSource>,
        first: u64,
        [prefetch, workers]: [usize; 2],
    ) -> Result<Self, DataError> {
        let (sender, batches) = sync_channel(prefetch.max(1));
        let name = |at: usize| format!("samples-{at}");
        let pool = ThreadPoolBuilder::new().num_threads(workers.max(1)).thread_name(name).build();
        let pool = pool.map_err(|error| DataError::NoThread(error.into()))?;
        let work = move || {
            for number in first.. {
                let batch = pool.install(|| source.batch(number));
                let failed = batch.is_err();
                // Sending fails when the loader is gone: the run has ended.
                if sender.send(batch).is_err() || failed {
                    return;
                }
            }
        };
        let thread = Builder::new().name("batches".to_string()).spawn(work);
        let thread = thread.map_err(|error| DataError::NoThread(error.into()))?;
        Ok(Self { batches: Some(batches), thread: Some(thread) })
    }

    /// The next batch; waits for it.
    ///
    /// # Errors
    /// When a photo could not be read; there are no batches after that.
    pub fn next_batch(&mut self) -> Result<Batch, DataError> {
        let received = self.batches.as_ref().and_then(|batches| batches.recv().ok());
        received.unwrap_or(Err(DataError::ThreadEnded))
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        // The channel first: the thread ends at its next batch.
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
