//! Writing a file so that a kill at any moment leaves either the old one or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Writes `bytes` as the file `path`, which is there whole or not at all: under a temporary name in the same folder, synced,
/// renamed. It keeps the permissions of the file that had the name before.
///
/// A link is followed, and the file that it leads to is written. What is no ordinary file (a device, a pipe, `/dev/stdout`) is
/// written into and stays what it is.
///
/// # Errors
/// What the system says; a file that had the name before is untouched then.
pub fn write_atomic(path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
    let path = path.as_ref();
    match descriptor(path) {
        Some(1) => return into(io::stdout().lock(), bytes),
        Some(2) => return into(io::stderr().lock(), bytes),
        Some(_) => return into(OpenOptions::new().append(true).open(path)?, bytes),
        None => {}
    }
    let before = match fs::metadata(path) {
        Ok(found) if found.is_dir() => return Err(ErrorKind::IsADirectory.into()),
        Ok(found) if !found.is_file() => return into(OpenOptions::new().write(true).open(path)?, bytes),
        Ok(found) => Some(found.permissions()),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    replace(&behind_links(path), before, bytes)
}

/// Writes into what is open already. Such a thing takes all or says why not; there is nothing to rename.
fn into(mut stream: impl Write, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

/// Which open file of this process `path` is: a link to it, not a file of its own.
fn descriptor(path: &Path) -> Option<u32> {
    if !cfg!(unix) {
        return None;
    }
    match path.to_str()? {
        "/dev/stdout" => Some(1),
        "/dev/stderr" => Some(2),
        path => {
            let number = path.strip_prefix("/dev/fd/").or_else(|| path.strip_prefix("/proc/self/fd/"));
            number?.parse().ok()
        }
    }
}

/// The file that `path` leads to, whether it is there or not. Links that lead in a circle have been refused by then.
fn behind_links(path: &Path) -> PathBuf {
    let mut path = path.to_path_buf();
    while let Ok(target) = fs::read_link(&path) {
        // Relative to the folder of the link; an absolute one replaces it.
        path = folder(&path).join(target);
    }
    path
}

fn replace(path: &Path, permissions: Option<fs::Permissions>, bytes: &[u8]) -> io::Result<()> {
    let mut builder = tempfile::Builder::new();
    // Temporary files are private by default; this one becomes an ordinary file, subject to the umask.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder
        .prefix(".percept-")
        .suffix(".tmp")
        .tempfile_in(folder(path))
        .map_err(without_temporary_name)?;
    let open = file.as_file_mut();
    open.write_all(bytes)?;
    if let Some(permissions) = permissions {
        // Some file systems have none.
        let _ = open.set_permissions(permissions);
    }
    open.sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    // The rename itself must survive a power cut too. Not every system lets a folder be opened.
    match File::open(folder(path)).map(|folder| folder.sync_all()) {
        Ok(Err(error)) if !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => {
            Err(error)
        }
        _ => Ok(()),
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What the system said, without the path that `tempfile` adds to it: nobody asked for that file or folder, and it is gone.
pub fn without_temporary_name(error: io::Error) -> io::Error {
    match error.to_string().rsplit_once(" at path ") {
        // What the system itself says names no path, and has no error inside.
        Some((said, _)) if error.get_ref().is_some() => io::Error::new(error.kind(), said.to_string()),
        _ => error,
    }
}
