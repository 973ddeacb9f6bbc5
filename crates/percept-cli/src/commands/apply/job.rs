//! One picture, from its file to that of its result.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use percept_image::{AtomicFile, Capacity, Depth, Head, RowReader, photo_size, write_rows};

use super::rows::{Fault, Size, Treatment};
use crate::args::ResultFormat;
use crate::failure::Failure;
use crate::memory;
use crate::output::{announce, is_stdout, is_stream, refuse_existing, unread};
use crate::screen::say;

/// A picture and where its result goes.
pub(super) struct Job {
    pub input: PathBuf,
    /// As the call or the input has it; a result that this format cannot hold becomes a PNG beside it.
    pub output: PathBuf,
    /// Whether the call names the result's file, so that its format is the user's choice.
    pub named: bool,
    /// The format that the call asks for.
    pub format: Option<ResultFormat>,
}

impl Job {
    /// Does it, and says where the result is: in a PNG where the input's format cannot hold all of it. `step` hears how
    /// many rows of how many are done.
    pub(super) fn done(
        &self,
        how: &Treatment<'_>,
        force: bool,
        step: impl FnMut(usize, usize),
    ) -> Result<(), Failure> {
        let failed = |error: Failure| Failure::work(format!("{}: {}", self.input.display(), error.line()));
        self.fits_stated(how).map_err(failed)?;
        let mut reader = RowReader::open(&self.input).map_err(Failure::work)?;
        let (size, head) = (how.size(reader.head().size), how.head(reader.head()));
        let output = self.place(&head);
        let name = self.format_name(&head);
        self.fits(how, size, &head, reader.is_whole()).map_err(failed)?;
        if output != self.output {
            refuse_existing(&output, force)?;
        }
        for note in &reader.head().metadata.notes {
            say(&format!("{}: {note}", self.input.display()));
        }
        if let Some(format) = Capacity::of(&name) {
            for lost in format.left_out(&head) {
                say(&format!(
                    "{}: {} has no place for {lost}: left out",
                    self.input.display(),
                    format.format
                ));
            }
        }
        let write = |out: &mut dyn Write| {
            write_rows(&name, &head, out, |rows| how.rows(&mut reader, size, rows, step)).map_err(|fault| {
                match fault {
                    Fault::Model(error) => failed(Failure::work(error)),
                    Fault::Read(error) => Failure::work(error),
                    Fault::Write(error) => Failure::work(error),
                }
            })
        };
        if is_stdout(&output) {
            return unread(write, io::stdout().lock());
        }
        if let Some(folder) = output.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            make(folder)?;
        }
        let cannot = |error: io::Error| {
            let advice = "check that the folder exists, may be written to and has space";
            Failure::work(format!("{}: cannot be written: {error}; {advice}", output.display()))
        };
        let mut file = AtomicFile::create(&output).map_err(cannot)?;
        write(&mut file)?;
        file.commit().map_err(cannot)?;
        announce(&output)
    }

    /// Where the result goes if its format cannot hold it.
    pub(super) fn fallback(&self) -> PathBuf {
        self.output.with_extension("png")
    }

    /// Where the result of a picture like this goes.
    pub(super) fn place(&self, head: &Head) -> PathBuf {
        let holds = |format: Capacity| match self.format {
            Some(_) => format.alpha || !head.alpha,
            None => format.holds(head),
        };
        match self.named || Capacity::of(&self.output).is_some_and(holds) {
            true => self.output.clone(),
            false => self.fallback(),
        }
    }

    /// A name that says the format of the result: what is written into has none of its own.
    fn format_name(&self, head: &Head) -> PathBuf {
        let place = self.place(head);
        if !is_stream(&place) || Capacity::of(&place).is_some() {
            return place;
        }
        match (self.format, Capacity::of(&self.input)) {
            (Some(format), _) => self.input.with_extension(format.extension()),
            (None, Some(format)) if format.holds(head) => self.input.clone(),
            _ => self.input.with_extension("png"),
        }
    }

    /// [`fits`](Self::fits) by the size that the file states, before it is read.
    fn fits_stated(&self, how: &Treatment<'_>) -> Result<(), Failure> {
        // What is no file can be read only once.
        let stated = if is_stream(&self.input) { None } else { photo_size(&self.input) };
        let Some((width, height)) = stated else { return Ok(()) };
        let size = how.size((width as usize, height as usize));
        let head = Head {
            size: size.result,
            alpha: false,
            depth: Depth::Eight,
            grey: true,
            icc: None,
            metadata: percept_image::Metadata::default(),
        };
        // Nothing is known of what must be held whole yet.
        self.fits(how, size, &head, false)
    }

    /// Refuses a result that its format or this machine cannot hold, before the work; `whole` says whether the picture is in
    /// memory.
    fn fits(&self, how: &Treatment<'_>, size: Size, head: &Head, whole: bool) -> Result<(), Failure> {
        let (wide, high) = (size.result.0 as u64, size.result.1 as u64);
        let bytes = if head.depth == Depth::Sixteen { 2 } else { 1 };
        let values = wide.saturating_mul(high).saturating_mul(head.channels() as u64);
        let capacity = Capacity::of(self.format_name(head));
        if let Some(capacity) = capacity
            && (wide.max(high) > capacity.side || values.saturating_mul(bytes) > capacity.bytes)
        {
            return Err(Failure::work(format!(
                "the result would have {wide}×{high} pixels, more than {} holds; take --format png, or cut the picture into parts",
                capacity.format
            )));
        }
        let levels = match capacity {
            // A format of rows needs none of it; the others all levels and the file that they become.
            Some(capacity) if capacity.rows => 0,
            _ => values.saturating_mul(2),
        };
        let need = how.memory(size, head, whole).saturating_add(levels);
        match memory::available() {
            Some(available) if need > available => Err(Failure::work(format!(
                "the result would have {wide}×{high} pixels and needs about {} of memory, and {} are free; take --format png, or cut the picture into parts",
                gigabytes(need),
                gigabytes(available)
            ))),
            _ => Ok(()),
        }
    }
}

/// Makes a folder for results.
pub(super) fn make(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::work(format!("{}: cannot be made: {error}; choose another folder as -o", folder.display()))
    })
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}
