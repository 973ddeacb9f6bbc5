//! Results, on stdout or where the call says.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use percept_image::{Listing, write_atomic};
pub use percept_judge::counted;

use crate::failure::Failure;
use crate::screen;

/// Whether someone stopped reading before a result was printed whole.
static UNREAD: AtomicBool = AtomicBool::new(false);
/// What a shell says of a program that wrote to a reader who had gone: 128 and the number of the signal.
const READER_GONE: u8 = 141;

/// Writes `text` and a line's end to stdout. When the reader has gone (`percept … | head`) the command goes on, and ends as
/// [`ended`] says.
pub fn print(text: &str) -> Result<(), Failure> {
    if !written(format!("{}\n", text.trim_end_matches('\n')).as_bytes())? {
        UNREAD.store(true, Ordering::Relaxed);
    }
    Ok(())
}

/// Names a file that was written. Whether someone reads it or not, the file is there.
pub fn announce(path: &Path) -> Result<(), Failure> {
    written(format!("{}\n", path.display()).as_bytes()).map(|_| ())
}

/// How a command that did its work ends.
pub fn ended() -> ExitCode {
    if UNREAD.load(Ordering::Relaxed) { READER_GONE.into() } else { ExitCode::SUCCESS }
}

/// Writes to stdout, above the bars; `false` when the reader has gone.
fn written(bytes: &[u8]) -> Result<bool, Failure> {
    let write = || {
        let mut out = io::stdout().lock();
        out.write_all(bytes).and_then(|()| out.flush())
    };
    match screen::above(write) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::work(format!("cannot write the result: {error}"))),
        Ok(()) => Ok(true),
    }
}

/// Whether `path` is standard output: `-`, or the system's names for it.
pub fn is_stdout(path: &Path) -> bool {
    let names: &[&str] =
        if cfg!(unix) { &["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] } else { &["-"] };
    names.iter().any(|name| path == Path::new(name))
}

/// Whether there is something at `path` that is written into, not replaced: standard output, a device, a pipe.
pub fn is_stream(path: &Path) -> bool {
    is_stdout(path) || path.metadata().is_ok_and(|found| !found.is_file() && !found.is_dir())
}

/// Writes a result to the place that `-o` names, and says its name unless that is standard output.
pub fn deliver(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if is_stdout(path) {
        if !written(bytes)? {
            UNREAD.store(true, Ordering::Relaxed);
        }
        return Ok(());
    }
    write_atomic(path, bytes).map_err(|error| {
        let advice = "check that the folder is there, may be written to and has space";
        Failure::work(format!("{}: cannot be written: {error}; {advice}", path.display()))
    })?;
    announce(path)
}

/// Gives `write` standard output for a result. When the reader has gone the command ends as [`ended`] says.
pub fn unread(
    write: impl FnOnce(&mut dyn Write) -> Result<(), Failure>,
    out: impl Write,
) -> Result<(), Failure> {
    let mut pipe = Pipe { out, gone: false };
    match write(&mut pipe) {
        Err(_) if pipe.gone => {
            UNREAD.store(true, Ordering::Relaxed);
            Ok(())
        }
        done => done,
    }
}

/// Notices that its reader has gone.
struct Pipe<W> {
    out: W,
    gone: bool,
}

impl<W: Write> Pipe<W> {
    fn noticed<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        self.gone |= done.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
        done
    }
}

impl<W: Write> Write for Pipe<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = self.out.write(bytes);
        self.noticed(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        let done = self.out.flush();
        self.noticed(done)
    }
}

/// Refuses to write numbers that only a program can read to a screen.
pub fn refuse_screen(path: &Path, what: &str) -> Result<(), Failure> {
    match is_stdout(path) && io::stdout().is_terminal() {
        false => Ok(()),
        true => Err(Failure::call(format!("{what} would be written to this terminal; name a file as -o"))),
    }
}

/// Refuses to replace a file without `--force`.
pub fn refuse_existing(path: &Path, force: bool) -> Result<(), Failure> {
    if force || is_stream(path) || !path.exists() {
        return Ok(());
    }
    Err(Failure::call(format!(
        "{}: exists already; pass --force to replace it, or another name as -o",
        path.display()
    )))
}

/// Says what of a folder is left out, and how much that is.
pub fn name_left_out(listing: &Listing) {
    listing.left_out.iter().for_each(|left| screen::say(&format!("left out: {left}")));
    if listing.left_out.len() > 1 {
        let photos = counted(listing.photos.len(), "photo");
        screen::say(&format!("{photos} found, {} left out", listing.left_out.len()));
    }
}

/// Rows under a header, columns aligned; columns after the first `left` ones to the right.
pub fn table(header: &[&str], rows: &[Vec<String>], left: usize) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain(header.get(column).map(|cell| cell.chars().count())).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..header.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let cells = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            if column < left { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_string()
    };
    let body = rows.iter().map(|row| line(row.iter().map(String::as_str).collect()));
    std::iter::once(line(header.to_vec())).chain(body).collect::<Vec<_>>().join("\n")
}

/// Cells as RFC 4180 has them: quoted where they hold a comma, a quote or a line's end.
pub fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let quoted = |cell: String| match cell.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell,
    };
    cells.map(quoted).collect::<Vec<_>>().join(",")
}

/// Fails early where the result could not be written after minutes of work.
pub fn writable(path: &Path) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if is_stream(path) {
        return Ok(());
    }
    if path.is_dir() {
        return Err(Failure::call(format!("{}: is a folder; name a file for the results", path.display())));
    }
    if !folder.is_dir() {
        return Err(Failure::call(format!("{}: no such folder; make it first", folder.display())));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["a".into(), "1.5".into()], vec!["long".into(), "10.25".into()]];
        assert_eq!(table(&["name", "x"], &rows, 1), "name      x\na       1.5\nlong  10.25");
    }
}
