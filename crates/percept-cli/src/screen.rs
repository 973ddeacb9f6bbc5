//! Messages on stderr. Bars and messages share one screen, so that they do not write over each other.

use std::io::Write;
use std::sync::LazyLock;

use indicatif::MultiProgress;

/// The bars that are being shown.
pub static SCREEN: LazyLock<MultiProgress> = LazyLock::new(MultiProgress::new);

/// Writes a line to stderr, above the bars.
pub fn say(line: &str) {
    // A closed stderr is no reason to stop working.
    SCREEN.suspend(|| drop(writeln!(std::io::stderr(), "{line}")));
}
