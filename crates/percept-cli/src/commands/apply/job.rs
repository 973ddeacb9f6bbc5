//! One picture, from its file to that of its result.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use percept_image::{AtomicFile, Capacity, Head, RowReader, RowWriter, photo_size, write_rows};
use percept_nn::apply::{Fault, Treatment, holding_name};

use crate::args::ResultFormat;
use crate::failure::Failure;
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
        mut step: impl FnMut(usize, usize),
    ) -> Result<(), Failure> {
        let failed = |error: Failure| Failure::work(format!("{}: {}", self.input.display(), error.line()));
        self.fits_stated(how).map_err(failed)?;
        let mut reader = RowReader::open(&self.input).map_err(Failure::work)?;
        let (size, head) = (how.size(reader.head().size), how.head(reader.head()));
        let output = self.place(&head);
        let name = self.format_name(&head);
        let fits = how.fits(size, &head, reader.is_whole(), &name, false);
        fits.map_err(|misfit| failed(Failure::work(misfit)))?;
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
        let mut write = |out: &mut dyn Write| {
            let mut done = 0;
            let rows = |writer: &mut RowWriter<'_>| {
                how.rows(&mut reader, size, |row, alpha| {
                    writer.push(row, alpha)?;
                    done += 1;
                    step(done, size.result.1);
                    Ok(())
                })
            };
            write_rows(&name, &head, out, rows).map_err(|fault| match fault {
                Fault::Model(error) => failed(Failure::work(error)),
                fault => Failure::work(fault),
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
        match self.named {
            true => self.output.clone(),
            false => holding_name(&self.output, head, self.format.is_some()),
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

    /// [`fits`](Treatment::fits) by the size that the file states, before it is read.
    fn fits_stated(&self, how: &Treatment<'_>) -> Result<(), Failure> {
        // What is no file can be read only once.
        let stated = if is_stream(&self.input) { None } else { photo_size(&self.input) };
        let Some((width, height)) = stated else { return Ok(()) };
        let picture = (width as usize, height as usize);
        let head = how.least_head(picture);
        how.fits(how.size(picture), &head, false, &self.format_name(&head), false).map_err(Failure::work)
    }
}

/// Makes a folder for results.
pub(super) fn make(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        Failure::work(format!("{}: cannot be made: {error}; choose another folder as -o", folder.display()))
    })
}
