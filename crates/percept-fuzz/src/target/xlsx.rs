//! CSIQ's opinions in a spreadsheet.

use std::io;
use std::path::PathBuf;

use percept_judge::agree::{Layout, Table};
use tempfile::TempDir;

use super::{Target, answer, repository, scratch};

pub(super) struct Xlsx {
    path: PathBuf,
    _folder: TempDir,
}

impl Xlsx {
    pub(super) fn new() -> io::Result<Self> {
        let folder = scratch()?;
        Ok(Self { path: folder.path().join("csiq.DMOS.xlsx"), _folder: folder })
    }
}

impl Target for Xlsx {
    fn seeds(&mut self) -> io::Result<Vec<Vec<u8>>> {
        Ok(vec![std::fs::read(repository("crates/percept-judge/tests/fixtures/csiq.DMOS.xlsx"))?])
    }

    fn feed(&mut self, input: &[u8]) -> Result<Option<String>, String> {
        std::fs::write(&self.path, input).map_err(|error| error.to_string())?;
        answer(Table::read(&self.path, Some(Layout::Csiq), None))
    }
}
