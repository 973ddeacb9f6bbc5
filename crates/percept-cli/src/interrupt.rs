//! Ctrl-C: the first press asks the work to stop at a good place, the second one quits.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;
use crate::screen::say;

static STOP: AtomicBool = AtomicBool::new(false);

/// Listens for Ctrl-C and for requests to terminate. `saying` tells what happens after the first one.
pub fn listen(saying: &'static str) -> Result<&'static AtomicBool, Failure> {
    let heard = move || {
        if STOP.swap(true, Ordering::SeqCst) {
            std::process::exit(1);
        }
        say(&format!("{saying}; press again to quit at once"));
    };
    ctrlc::set_handler(heard).map_err(|error| Failure::work(format!("cannot listen for Ctrl-C: {error}")))?;
    Ok(&STOP)
}

/// Whether someone asked to stop.
pub fn asked(stop: &AtomicBool) -> bool {
    stop.load(Ordering::SeqCst)
}
