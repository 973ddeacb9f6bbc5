//! Writing a file so that a kill at any moment leaves either the old one or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Writes `bytes` as the file `path`, which is there whole or not at all: see [`AtomicFile`].
///
/// # Errors
/// What the system says; a file that had the name before is untouched then.
pub fn write_atomic(path: impl AsRef<Path>, bytes: &[u8]) -> io::Result<()> {
    let mut file = AtomicFile::create(path)?;
    file.write_all(bytes)?;
    file.commit()
}

/// A file that is there whole or not at all: it is written under a temporary name in the same folder, synced and renamed. It
/// keeps the permissions of the file that had the name before. Without [`commit`](Self::commit) it leaves nothing.
///
/// A link is followed, and the file that it leads to is written. What is no ordinary file (a device, a pipe, `/dev/stdout`) is
/// written into at once and stays what it is.
pub struct AtomicFile {
    place: Place,
}

enum Place {
    Stdout,
    Stderr,
    /// Something open or no ordinary file. Such a thing takes all or says why not; there is nothing to rename.
    Into(File),
    File {
        temporary: NamedTempFile,
        path: PathBuf,
        before: Option<fs::Permissions>,
    },
}

impl AtomicFile {
    /// Begins the file `path`.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let into = |place| Ok(Self { place });
        match descriptor(path) {
            Some(1) => return into(Place::Stdout),
            Some(2) => return into(Place::Stderr),
            Some(_) => return into(Place::Into(OpenOptions::new().append(true).open(path)?)),
            None => {}
        }
        let before = match fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                return into(Place::Into(OpenOptions::new().write(true).open(path)?));
            }
            Ok(found) => Some(found.permissions()),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        let path = behind_links(path);
        let temporary = temporary(&path)?;
        into(Place::File { temporary, path, before })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// What the system says; a file that had the name before is untouched then.
    pub fn commit(mut self) -> io::Result<()> {
        self.flush()?;
        match self.place {
            Place::File { temporary, path, before } => replace(temporary, &path, before),
            _ => Ok(()),
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.place {
            Place::Stdout => io::stdout().lock().write(bytes),
            Place::Stderr => io::stderr().lock().write(bytes),
            Place::Into(file) => file.write(bytes),
            Place::File { temporary, .. } => temporary.as_file_mut().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.place {
            Place::Stdout => io::stdout().lock().flush(),
            Place::Stderr => io::stderr().lock().flush(),
            Place::Into(file) => file.flush(),
            Place::File { temporary, .. } => temporary.as_file_mut().flush(),
        }
    }
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

fn temporary(path: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    // Temporary files are private by default; this one becomes an ordinary file, subject to the umask.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder.prefix(".percept-").suffix(".tmp").tempfile_in(folder(path)).map_err(without_temporary_name)
}

fn replace(mut file: NamedTempFile, path: &Path, permissions: Option<fs::Permissions>) -> io::Result<()> {
    let open = file.as_file_mut();
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
