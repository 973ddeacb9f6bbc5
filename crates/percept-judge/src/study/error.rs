//! What can be wrong with a study.

use std::io;
use std::path::{Path, PathBuf};

use percept_image::{ReadError, WriteError, without_temporary_name};

use crate::PairError;
use crate::page::counted;

/// Why a study cannot be made, read or analysed.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// A method's name that is none.
    #[error(
        "`{name}` is no name for a method; take 1 to 40 letters, digits, spaces and `-_.+`, starting with a letter or digit"
    )]
    Name {
        /// The name.
        name: String,
    },
    /// A method named twice.
    #[error("the method `{name}` is named twice; give each folder a name of its own")]
    Twice {
        /// The name.
        name: String,
    },
    /// Too few methods for the design.
    #[error("the design `{design}` compares at least {}; name more folders as NAME=DIR", counted(*fewest, "method"))]
    TooFew {
        /// The design.
        design: &'static str,
        /// How many it takes.
        fewest: usize,
    },
    /// A folder that does not go with the references.
    #[error("{name}: {error}")]
    Pair {
        /// The method, or `input`.
        name: String,
        /// What is wrong.
        error: PairError,
    },
    /// No photo that all methods have.
    #[error("no photo was restored by all of {}; {missing}", methods.join(", "))]
    NothingCommon {
        /// Names of the methods.
        methods: Vec<String>,
        /// Which file is missing first.
        missing: String,
    },
    /// A result that is not as large as its reference.
    #[error(
        "{}: {}×{} pixels, but its reference has {}×{}; give results of the reference's size",
        path.display(), size.0, size.1, reference.0, reference.1
    )]
    Size {
        /// The result.
        path: PathBuf,
        /// Its width and height.
        size: (usize, usize),
        /// The reference's.
        reference: (usize, usize),
    },
    /// The folder for the study is not empty.
    #[error("{}: exists already and is not empty; name another folder for the study", folder.display())]
    Exists {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder holds no study.
    #[error("{}: no study is here (no study.toml and study.sqlite); make one with `percept study new`", folder.display())]
    NoStudy {
        /// The folder.
        folder: PathBuf,
    },
    /// A photo that cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A picture that cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The system refused.
    #[error("{}: {source}; check the folder and its rights", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What was asked of a new study makes no sense.
    #[error("{problem}")]
    Choice {
        /// What is wrong.
        problem: String,
    },
    /// Settings in a file that make no sense.
    #[error("{}: {problem}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The database refused.
    #[error("{}: {source}; check that the file is a study's and that the disk is not full", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A database that this version does not read.
    #[error(
        "{}: its format is {found}, and this percept reads {known}; take the percept that made the study, or make it anew",
        path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// Its format; 0 where no study is in it.
        found: i64,
        /// The format of this version.
        known: i64,
    },
    /// A row of the database that cannot be.
    #[error("{}: {what} makes no sense; restore the file from a copy", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The row.
        what: String,
    },
    /// A link could not be drawn.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// As many participants as the settings allow.
    #[error("the study is full, with {}; raise `participants` in study.toml", counted(*most, "participant"))]
    Full {
        /// How many may take part.
        most: usize,
    },
    /// Nothing to analyse.
    #[error("{}: nobody has answered yet; send participants the address of `percept study serve`", folder.display())]
    NoVotes {
        /// The study.
        folder: PathBuf,
    },
}

impl StudyError {
    /// Of a study that was being made in the folder `temporary` and was to lie in `folder`: names that mean nothing to
    /// anyone are not shown.
    pub(super) fn placed(self, temporary: &Path, folder: &Path) -> Self {
        let place = |path: PathBuf| match path.strip_prefix(temporary) {
            Ok(_) => folder.to_path_buf(),
            Err(_) => path,
        };
        match self {
            Self::Io { path, source } => {
                Self::Io { path: place(path), source: without_temporary_name(source) }
            }
            Self::Write(WriteError::Io { path, source }) => {
                Self::Write(WriteError::Io { path: place(path), source: without_temporary_name(source) })
            }
            Self::Database { path, source } => Self::Database { path: place(path), source },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_names_are_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let (temporary, study) = (folder.path().join(".percept-x.tmp"), folder.path().join("study"));
        // As the system refuses it, with the name added.
        let refused = tempfile::Builder::new().prefix(".percept-").tempdir_in(&temporary).unwrap_err();
        assert!(refused.to_string().contains(".percept-"), "{refused}");
        let io = StudyError::Io { path: temporary.join("images"), source: refused };
        let write =
            WriteError::Io { path: temporary.join("images/7.png"), source: io::Error::from_raw_os_error(28) };
        for error in [io, StudyError::Write(write)] {
            let text = error.placed(&temporary, &study).to_string();
            assert!(text.starts_with(&study.display().to_string()) && !text.contains(".percept-"), "{text}");
        }
        let elsewhere = StudyError::Io { path: "gt".into(), source: io::Error::from_raw_os_error(28) };
        assert!(elsewhere.placed(&temporary, &study).to_string().starts_with("gt: "));
    }
}
