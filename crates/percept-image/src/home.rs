//! `~`, the user's folder, where no shell has put it in.

use std::path::{Path, PathBuf};

/// `~` or `~/photos` with the user's folder for `~`: shells leave it as it is inside of quotes, and nobody touches it in a
/// configuration file. Other paths are returned as they are, and so is this one where something has that very name.
pub fn expand_home(path: impl AsRef<Path>) -> PathBuf {
    let path = path.as_ref();
    let home = || {
        std::env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).filter(|home| !home.is_empty())
    };
    match (path.strip_prefix("~"), home()) {
        (Ok(rest), Some(home)) if !path.exists() => PathBuf::from(home).join(rest),
        _ => path.to_path_buf(),
    }
}
