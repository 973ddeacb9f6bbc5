//! LIVE's opinions, as MATLAB writes them.

use std::io;

use percept_judge::agree::{Layout, Table};
use tempfile::TempDir;

use super::{Target, answer, bytes, files, repository, scratch};

const LIVE: &str = "crates/percept-judge/tests/fixtures/live";

/// The folder of the data set: its scores, or its names, are the input.
pub(super) struct Mat {
    folder: TempDir,
    right: [Vec<u8>; 2],
}

const FILES: [&str; 2] = ["dmos.mat", "refnames_all.mat"];

impl Mat {
    pub(super) fn new() -> io::Result<Self> {
        let [scores, names] = FILES.map(|name| std::fs::read(repository(LIVE).join(name)));
        let folder = scratch()?;
        // As many pictures as there are scores.
        for kind in ["jp2k", "jpeg", "wn", "gblur", "fastfading"] {
            let pictures = folder.path().join(kind);
            std::fs::create_dir(&pictures)?;
            for number in 1..=2 {
                std::fs::write(pictures.join(format!("img{number}.bmp")), "")?;
            }
        }
        Ok(Self { folder, right: [scores?, names?] })
    }
}

impl Target for Mat {
    fn seeds(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let mut seeds = files(LIVE, Some("mat"))?;
        seeds.extend(files("crates/percept-judge/tests/fixtures", Some("mat"))?);
        Ok(seeds)
    }

    fn words(&self) -> Vec<Vec<u8>> {
        let mut words = bytes(&["dmos", "orgs", "refnames_all", "IM", "MI"]);
        // Types of elements and arrays.
        words.extend((0..19u32).map(|kind| kind.to_le_bytes().to_vec()));
        words
    }

    fn feed(&mut self, input: &[u8]) -> Result<Option<String>, String> {
        // Whichever it is, the other one is right.
        let read = FILES.iter().zip(&self.right).enumerate().map(|(place, _)| {
            for (at, (name, right)) in FILES.iter().zip(&self.right).enumerate() {
                std::fs::write(self.folder.path().join(name), if at == place { input } else { right })?;
            }
            Ok(Table::read(self.folder.path(), Some(Layout::Live), None))
        });
        let read: io::Result<Vec<_>> = read.collect();
        let said = read
            .map_err(|error| error.to_string())?
            .into_iter()
            .map(answer)
            .collect::<Result<Vec<_>, _>>()?;
        // Sound as either.
        Ok(said.into_iter().reduce(|a, b| Some(format!("{}{}", a?, b?))).flatten())
    }
}
