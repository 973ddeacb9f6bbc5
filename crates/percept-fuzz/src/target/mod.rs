//! What is fed.

mod image;
mod lmdb;
mod mat;
mod pth;
mod safetensors;
mod study;
mod table;
mod toml;
mod xlsx;
mod y4m;
mod zip;

use std::io;
use std::path::{Path, PathBuf};

use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

/// A reader.
pub trait Target {
    /// Inputs that are right, at least one.
    ///
    /// # Errors
    /// When a file of the repository is missing.
    fn seeds(&mut self) -> io::Result<Vec<Vec<u8>>>;

    /// Words of the format.
    fn words(&self) -> Vec<Vec<u8>> {
        Vec::new()
    }

    /// Makes checksums and lengths right again, always or now and then, so that damage reaches what they guard.
    fn repair(&self, input: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
        let _ = (input, rng);
    }

    /// Reads `input`: none when it is sound, else what is said about it.
    ///
    /// # Errors
    /// With what is wrong about the reader.
    fn feed(&mut self, input: &[u8]) -> Result<Option<String>, String>;

    /// The most memory that an input may take, in bytes.
    fn memory(&self) -> usize {
        512 << 20
    }
}

type Open = fn() -> io::Result<Box<dyn Target>>;

/// All targets by name.
pub const TARGETS: [(&str, Open); 10] = [
    ("csv", || Ok(Box::new(table::Csv::new()?))),
    ("image", || Ok(Box::new(image::Photos))),
    ("lmdb", || Ok(Box::new(lmdb::Environments))),
    ("mat", || Ok(Box::new(mat::Mat::new()?))),
    ("pth", || Ok(Box::new(pth::Pth::new()?))),
    ("safetensors", || Ok(Box::new(safetensors::Safetensors))),
    ("study", || Ok(Box::new(study::Requests::new()?))),
    ("toml", || Ok(Box::new(toml::Toml::new()?))),
    ("xlsx", || Ok(Box::new(xlsx::Xlsx::new()?))),
    ("y4m", || Ok(Box::new(y4m::Y4m))),
];

/// The target `name`.
///
/// # Errors
/// When there is none, or what it needs cannot be made.
pub fn open(name: &str) -> io::Result<Box<dyn Target>> {
    let known = TARGETS.iter().find(|(known, _)| *known == name);
    let names = || TARGETS.map(|(name, _)| name).join(", ");
    let (_, open) =
        known.ok_or_else(|| io::Error::other(format!("no target `{name}`; there are {}", names())))?;
    open()
}

/// A folder in memory, where the system has one.
fn scratch() -> io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::Builder::new().prefix("percept-fuzz-").tempdir_in(memory),
        false => tempfile::tempdir(),
    }
}

/// A file or folder of the repository.
fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// The files with this ending, or any, in a folder of the repository, in the order of their names.
fn files(folder: &str, ending: Option<&str>) -> io::Result<Vec<Vec<u8>>> {
    let entries = std::fs::read_dir(repository(folder))?.map(|entry| Ok(entry?.path()));
    let mut paths = entries.collect::<io::Result<Vec<_>>>()?;
    paths.retain(|path| {
        path.is_file() && ending.is_none_or(|ending| path.extension().is_some_and(|e| e == ending))
    });
    paths.sort();
    paths.iter().map(std::fs::read).collect()
}

/// `words` as bytes.
fn bytes(words: &[&str]) -> Vec<Vec<u8>> {
    words.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// What a reader said, as an answer.
fn answer<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<Option<String>, String> {
    Ok(result.err().map(|error| error.to_string()))
}
