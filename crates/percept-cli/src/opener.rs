//! Showing a page with whatever the system opens pages with.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::screen::say;

/// Opens `page`; where that does not work, its path has been printed anyway.
pub fn open(page: &Path) {
    let mut command = if cfg!(target_os = "macos") {
        Command::new("open")
    } else if cfg!(windows) {
        let mut command = Command::new("cmd");
        command.args(["/C", "start", ""]);
        command
    } else {
        Command::new("xdg-open")
    };
    let started = command.arg(page).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if let Err(error) = started {
        say(&format!("cannot open the page ({error}); open {} in a browser", page.display()));
    }
}
