//! Weights as PyTorch writes them.

use std::io;
use std::path::PathBuf;

use percept_nn::weights::StateDict;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::{Target, answer, bytes, files, scratch, zip};

pub(super) struct Pth {
    path: PathBuf,
    _folder: TempDir,
}

impl Pth {
    pub(super) fn new() -> io::Result<Self> {
        let folder = scratch()?;
        Ok(Self { path: folder.path().join("input.pth"), _folder: folder })
    }
}

impl Target for Pth {
    fn seeds(&mut self) -> io::Result<Vec<Vec<u8>>> {
        files("crates/percept-nn/tests/fixtures/pth", Some("pth"))
    }

    fn words(&self) -> Vec<Vec<u8>> {
        let opcodes: [&[u8]; 15] = [
            b"}q\x00",
            b"]q\x00",
            b")R",
            b"(",
            b"t",
            b"u.",
            b"\x86",
            b"\x85",
            b"Q",
            b"K\xff",
            b"J\xff\xff\xff\xff",
            b"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
            b"h\x00",
            b"j\xff\xff\xff\xff",
            b"X\xff\xff\xff\x7f",
        ];
        let words =
            ["ctorch._utils\n_rebuild_tensor_v2\n", "ctorch\nFloatStorage\n", "ccollections\nOrderedDict\n"];
        let mut all = bytes(&words);
        all.extend(opcodes.map(<[u8]>::to_vec));
        all
    }

    fn repair(&self, input: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
        if rng.random_bool(0.8) {
            zip::repair(input);
        }
    }

    fn feed(&mut self, input: &[u8]) -> Result<Option<String>, String> {
        std::fs::write(&self.path, input).map_err(|error| error.to_string())?;
        answer(StateDict::load(&self.path))
    }
}
