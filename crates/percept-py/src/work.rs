//! Long work beside Python: the interpreter is free meanwhile, Ctrl-C is heard, and a panic becomes an error.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use pyo3::prelude::*;

use crate::error;

/// How often signals are looked for.
const PULSE: Duration = Duration::from_millis(50);
/// Python's main thread has as much.
const STACK: usize = 8 << 20;

/// What the work uses to say something. Python has heard it when this returns.
pub type Tell<'a, E> = &'a (dyn Fn(E) + Sync);

/// Does `work` on a thread of its own, without the interpreter. What it tells is heard by `hear` on the calling one. A signal, or
/// an error from `hear`, sets the flag that the work looks at, and is raised once it has stopped.
pub fn interruptible<T: Send, E: Send>(
    py: Python<'_>,
    work: impl FnOnce(&AtomicBool, Tell<'_, E>) -> T + Send,
    hear: impl Fn(Python<'_>, E) -> PyResult<()> + Sync,
) -> PyResult<T> {
    py.detach(|| {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let (sender, events) = mpsc::sync_channel(0);
            let stop = &stop;
            let run = move || {
                let tell = |event| drop(sender.send(event));
                work(stop, &tell)
            };
            let worker = thread::Builder::new().name("percept".to_string()).stack_size(STACK);
            let worker = worker.spawn_scoped(scope, run).map_err(error::work)?;
            let mut raised = None;
            loop {
                let heard = match events.recv_timeout(PULSE) {
                    Ok(event) if raised.is_none() => Python::attach(|py| hear(py, event)),
                    Ok(_) | Err(RecvTimeoutError::Timeout) => Ok(()),
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                let signalled = || Python::attach(|py| py.check_signals());
                if let (None, Err(error)) = (&raised, heard.and_then(|()| signalled())) {
                    stop.store(true, Ordering::SeqCst);
                    raised = Some(error);
                }
            }
            let done = worker.join().map_err(|panic| error::fault(words(&*panic)));
            match raised {
                Some(error) => Err(error),
                None => done,
            }
        })
    })
}

/// [`interruptible`] for work that has nothing to tell.
pub fn quiet<T: Send>(py: Python<'_>, work: impl FnOnce(&AtomicBool) -> T + Send) -> PyResult<T> {
    interruptible(py, |stop, _: Tell<'_, ()>| work(stop), |_, ()| Ok(()))
}

/// What a panic said.
fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "a panic".to_string())
}
