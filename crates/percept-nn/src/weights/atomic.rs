//! Writing a file so that a kill at any moment leaves either the old one or the new one.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::WeightError;

/// Writes `bytes` to a temporary file beside `path`, syncs it and renames it to `path`.
///
/// # Errors
/// [`WeightError::Write`] when the folder does not exist, cannot be written or is full; a file that was
/// at `path` is untouched then.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), WeightError> {
    let failed = |source| WeightError::Write { path: path.to_path_buf(), source };
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".percept-").suffix(".tmp");
    // The default of temporary files is private; what is kept obeys the user's umask like any other file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    // The rename itself must survive a power cut too. Not every system lets a folder be opened.
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().or_else(ignore_unsupported).map_err(failed)?;
    }
    Ok(())
}

/// Some file systems cannot sync a folder; the data itself has been synced by then.
fn ignore_unsupported(error: std::io::Error) -> std::io::Result<()> {
    match error.kind() {
        std::io::ErrorKind::InvalidInput | std::io::ErrorKind::Unsupported => Ok(()),
        _ => Err(error),
    }
}
