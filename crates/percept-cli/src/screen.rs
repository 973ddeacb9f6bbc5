//! Messages on stderr. Bars and messages share one screen, so that they do not write over each other.

use std::io::Write;
use std::sync::LazyLock;

use indicatif::MultiProgress;

/// The bars that are being shown.
pub static SCREEN: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Does `write` while the bars are away, so that nothing is written behind them and nothing is wiped out with them.
pub fn above<T>(write: impl FnOnce() -> T) -> T {
    SCREEN.suspend(write)
}

/// Writes a line to stderr, above the bars.
pub fn say(line: &str) {
    // A closed stderr is no reason to stop working.
    above(|| drop(writeln!(std::io::stderr(), "{line}")));
}
