//! LMDB environments.

use std::io::{self, Cursor};

use percept_image::Lmdb;

use super::{Target, answer, repository};

pub(super) struct Environments;

impl Target for Environments {
    fn seeds(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let file = |name| {
            std::fs::read(repository("crates/percept-image/tests/fixtures/lmdb").join(name).join("data.mdb"))
        };
        ["photos", "tree", "empty", "named"].into_iter().map(file).collect()
    }

    fn words(&self) -> Vec<Vec<u8>> {
        // Kinds of pages and nodes, and numbers of pages.
        let numbers = [1_u64, 2, 4, 8, 16, 4096, u64::MAX];
        numbers.iter().flat_map(|n| [n.to_le_bytes().to_vec(), n.to_le_bytes()[..2].to_vec()]).collect()
    }

    fn feed(&mut self, input: &[u8]) -> Result<Option<String>, String> {
        let all = || {
            let lmdb = Lmdb::of("data.mdb", Cursor::new(input))?;
            lmdb.keys().try_for_each(|key| lmdb.get(key).map(drop))
        };
        answer(all())
    }
}
