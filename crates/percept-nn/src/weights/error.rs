//! What can be wrong with weights.

use std::path::PathBuf;

/// Why weights could not be read, written or used. Every message names the file and the tensor.
#[derive(Debug, thiserror::Error)]
pub enum WeightError {
    /// The file could not be opened or read.
    #[error("cannot read {}: {source}; check that the path is right and readable", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Neither a file nor a model that is part of the binary.
    #[error("{}: no such file, and no model of that name; {advice}", path.display())]
    NoModel {
        /// What was asked for.
        path: PathBuf,
        /// What was meant, or what there is.
        advice: String,
    },
    /// The file could not be written; what was there before is untouched.
    #[error("cannot write {}: {source}; check the folder and the free space", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is cut off, corrupt, or contradicts itself.
    #[error("{origin} is not a sound weight file: {problem}; fetch or copy it again")]
    Malformed {
        /// The file, or the name of embedded weights.
        origin: String,
        /// What is wrong.
        problem: String,
    },
    /// The file holds something else than named weights.
    #[error(
        "{origin} is a PyTorch file, but not one of named weights in a form that percept reads ({problem}); open it with \
         PyTorch, and save the `state_dict()` of its network in 32 or 16 bits"
    )]
    Objects {
        /// The file.
        origin: String,
        /// What it holds.
        problem: String,
    },
    /// A tensor has an element type that holds no weights.
    #[error(
        "{origin}: tensor `{name}` holds {dtype}; percept reads f16, bf16, f32, f64 and integers, so \
         convert the file to one of them"
    )]
    Dtype {
        /// The file.
        origin: String,
        /// The tensor.
        name: String,
        /// Its element type.
        dtype: String,
    },
    /// Names that are asked for are not in the file, or the other way round.
    #[error(
        "{origin} does not fit the network:{}{}; is it for another architecture or size?",
        list("missing", missing),
        list("unexpected", unexpected)
    )]
    Names {
        /// The file.
        origin: String,
        /// Names that the network has and the file lacks.
        missing: Vec<String>,
        /// Names that the file has and the network lacks.
        unexpected: Vec<String>,
    },
    /// A tensor has another shape than the network needs.
    #[error(
        "{origin}: tensor `{name}` is {got:?}, the network needs {expected:?}; use weights of the same size"
    )]
    Shape {
        /// The file.
        origin: String,
        /// The tensor.
        name: String,
        /// Shape in the network.
        expected: Vec<usize>,
        /// Shape in the file.
        got: Vec<usize>,
    },
    /// A tensor holds NaN or infinity.
    #[error(
        "{origin}: tensor `{name}` holds {value} at position {at}: the weights are broken (a training run \
         that diverged?); use another file"
    )]
    NotFinite {
        /// The file.
        origin: String,
        /// The tensor.
        name: String,
        /// Position in row-major order.
        at: usize,
        /// The first value that is not finite.
        value: f32,
    },
    /// The store has never heard of these weights.
    #[error("percept knows no weights called `{name}`; it knows {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names it knows.
        known: String,
    },
    /// Known weights that are neither embedded nor in a folder of the store.
    #[error("the weights `{name}` are not available: {looked}; {remedy}")]
    NotFound {
        /// Name of the weights.
        name: String,
        /// Where the store looked.
        looked: String,
        /// What to do.
        remedy: String,
    },
    /// A file of the store is not the file that the known list means.
    #[error(
        "{origin} is not the file that percept knows as `{name}`: its sha256 is {got}, known are {expected}; \
         restore the file, or pass it by its path if you mean other weights"
    )]
    Hash {
        /// The file.
        origin: String,
        /// Name of the weights.
        name: String,
        /// The sums (or their published beginnings) that are known.
        expected: String,
        /// The sum of the file.
        got: String,
    },
}

/// ` missing 3 tensors (a, b, c)`, or nothing for an empty list.
fn list(what: &str, names: &[String]) -> String {
    const SHOWN: usize = 5;
    if names.is_empty() {
        return String::new();
    }
    let shown: Vec<_> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > SHOWN { ", …" } else { "" };
    format!(" {} {what} ({}{more})", names.len(), shown.join(", "))
}
