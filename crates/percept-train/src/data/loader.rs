//! Batches that are prepared ahead, on another thread.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread::{Builder, JoinHandle};

use super::{Batch, DataError, TrainSource};

/// The batches of a run from any step on, in order. Which thread prepares them changes nothing in them.
pub struct Loader {
    batches: Option<Receiver<Result<Batch, DataError>>>,
    thread: Option<JoinHandle<()>>,
}

impl Loader {
    /// Starts preparing the batches of step `first` and later, `prefetch` of them ahead.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(source: Arc<TrainSource>, first: u64, prefetch: usize) -> Result<Self, DataError> {
        let (sender, batches) = sync_channel(prefetch.max(1));
        let work = move || {
            for iter in first.. {
                let batch = source.batch(iter);
                let failed = batch.is_err();
                // Sending fails when the loader is gone: the run has ended.
                if sender.send(batch).is_err() || failed {
                    return;
                }
            }
        };
        let thread = Builder::new().name("batches".to_string()).spawn(work).map_err(DataError::NoThread)?;
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
