//! Event files that TensorBoard reads: scalars and pictures.

mod crc32c;
mod event;

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use percept_run::log::LogError;

use self::event::{What, record};

/// An event file of its own for every start of a run.
#[derive(Debug)]
pub struct TensorBoard {
    path: PathBuf,
    file: File,
}

impl TensorBoard {
    /// A new event file in `dir` for a run that stands at the end of step `iter` (0 for a new one). What
    /// earlier files say about later steps is void: TensorBoard drops it.
    ///
    /// # Errors
    /// When the file cannot be made or written.
    pub fn create(dir: &Path, iter: u64) -> Result<Self, LogError> {
        let (path, file) = new_file(dir).map_err(LogError::at(dir))?;
        let mut board = Self { path, file };
        board.write(0, &What::Version)?;
        if iter > 0 {
            board.write(iter + 1, &What::Start)?;
        }
        Ok(board)
    }

    /// A number at the end of step `iter`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn scalar(&mut self, tag: &str, iter: u64, value: f64) -> Result<(), LogError> {
        self.write(iter, &What::Scalar { tag, value: value as f32 })
    }

    /// A picture at the end of step `iter`: the bytes of a PNG file.
    ///
    /// # Errors
    /// When the bytes are no PNG, or the file cannot be written.
    pub fn image(&mut self, tag: &str, iter: u64, png: &[u8]) -> Result<(), LogError> {
        let size =
            png_size(png).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the picture is no PNG"));
        let (width, height) = size.map_err(LogError::at(&self.path))?;
        self.write(iter, &What::Image { tag, width, height, png })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn write(&mut self, iter: u64, what: &What<'_>) -> Result<(), LogError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        self.file.write_all(&record(now, iter, what)).map_err(LogError::at(&self.path))
    }
}

/// A file whose name sorts after those of earlier starts, as TensorBoard reads them in this order.
fn new_file(dir: &Path) -> io::Result<(PathBuf, File)> {
    let mut last = 0;
    for entry in std::fs::read_dir(dir)? {
        let name = entry?.file_name();
        let stamp = name
            .to_str()
            .and_then(|name| name.strip_prefix("events.out.tfevents.")?.split('.').next()?.parse().ok());
        last = last.max(stamp.unwrap_or(0));
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let path = dir.join(format!("events.out.tfevents.{:010}.percept", now.max(last + 1)));
    let file = File::options().create_new(true).append(true).open(&path)?;
    Ok((path, file))
}

/// Width and height in the header of a PNG file.
fn png_size(png: &[u8]) -> Option<(u32, u32)> {
    let header = png.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    let side = |at: usize| Some(u32::from_be_bytes(header.get(at..at + 4)?.try_into().ok()?));
    (header.get(4..8)? == b"IHDR").then_some(())?;
    Some((side(8)?, side(12)?))
}
