//! What can be wrong with a table of human opinions.

use std::io;
use std::path::{Path, PathBuf};

use crate::page::none_judged;

/// Why there is no agreement.
#[derive(Debug, thiserror::Error)]
pub enum AgreeError {
    /// A file or folder that cannot be read.
    #[error("{}: {source}; check the path", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no such file or folder.
    #[error("{}: no such file or folder; check the path", path.display())]
    NotFound {
        /// What was named.
        path: PathBuf,
    },
    /// Neither name nor content is that of a known layout.
    #[error(
        "{}: no table of human opinions is found here; name a CSV file with the columns reference, distorted and \
         score, or the folder of a data set and its --layout",
        path.display()
    )]
    Unknown {
        /// The file or folder.
        path: PathBuf,
    },
    /// A part of a data set is not where its authors put it.
    #[error("{}: {layout} needs {needs}; unpack the data set as its authors ship it", path.display())]
    Missing {
        /// The data set's folder.
        path: PathBuf,
        /// The data set.
        layout: &'static str,
        /// What is not there.
        needs: String,
    },
    /// The table lacks a column.
    #[error("{}: no column {missing}, only {found}; {advice}", path.display())]
    Columns {
        /// The table.
        path: PathBuf,
        /// What was looked for.
        missing: String,
        /// The columns that there are.
        found: String,
        /// What to do.
        advice: &'static str,
    },
    /// A line that makes no sense.
    #[error("{}, line {line}: {problem}", path.display())]
    Line {
        /// The table.
        path: PathBuf,
        /// Its line, the first is 1.
        line: u64,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// A file that is not what its name promises.
    #[error("{}: {problem}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// A table without rows.
    #[error("{}: the table has no rows; check that it is whole", path.display())]
    Empty {
        /// The table.
        path: PathBuf,
    },
    /// Scores that compare with references, for a table that has none.
    #[error(
        "{}: the table has no references, and these scores compare with one: {metrics}; add the column reference, or ask \
         for scores without reference (`percept metrics` lists them)", path.display()
    )]
    NoReferences {
        /// The table.
        path: PathBuf,
        /// The scores.
        metrics: String,
    },
    /// Not a single row has its pictures.
    #[error(
        "{}: {problem}; check where the pictures are, --root names their folder", none_judged(*rows, "row")
    )]
    NothingSound {
        /// How many there are.
        rows: usize,
        /// What is wrong with the first one.
        problem: String,
    },
    /// The caller wanted to stop.
    #[error(
        "stopped: {done} of {all} pictures were scored, and a part of a table says little; {}", next(*kept)
    )]
    Stopped {
        /// Pictures that were scored.
        done: usize,
        /// All pictures.
        all: usize,
        /// Whether their scores are kept.
        kept: bool,
    },
    /// The page could not be written.
    #[error("{}: cannot be written: {source}; choose another place", path.display())]
    Write {
        /// The page.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl AgreeError {
    pub(super) fn from_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_path_buf();
        match source.kind() {
            io::ErrorKind::NotFound => Self::NotFound { path },
            _ => Self::Read { path, source },
        }
    }
}

/// What the same command does next.
fn next(kept: bool) -> &'static str {
    match kept {
        true => "their scores are kept, and the same command goes on",
        false => "nothing is kept, the same command starts over",
    }
}
