//! Scores that earlier calls computed.

use std::time::UNIX_EPOCH;

use percept_judge::Kept;

use crate::args::Global;
use crate::bundle;

/// Scores of earlier calls of this very binary on this device; none where there is no place for them, or where the call
/// wants `none`.
pub fn open(global: &Global, none: bool) -> Option<Kept> {
    if none {
        return None;
    }
    let device = global.device.as_deref().unwrap_or("cpu");
    let binary = std::env::current_exe().and_then(std::fs::metadata).ok()?;
    let made = binary.modified().ok()?.duration_since(UNIX_EPOCH).ok()?.as_nanos();
    let maker = format!("percept {} {} {made} {device}", env!("CARGO_PKG_VERSION"), binary.len());
    Kept::open(&bundle::data_folder()?.join("scores.txt"), maker).ok()
}
