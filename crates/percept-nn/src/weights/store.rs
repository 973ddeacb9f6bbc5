//! Finding known weights, and making sure that they are the ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{KNOWN, KnownWeights, StateDict, WeightError, sha256_hex};
use crate::nearest;

/// Known weights, from folders and from the binary itself. Folders come first, in the order given.
#[derive(Clone, Debug, Default)]
pub struct WeightStore {
    embedded: BTreeMap<String, &'static [u8]>,
    models: BTreeMap<String, &'static [u8]>,
    dirs: Vec<PathBuf>,
}

/// Weights that the store found and checked.
#[derive(Clone, Debug)]
pub struct StoredWeights {
    /// The weights.
    pub state: StateDict,
    /// sha256 of the file, 64 hexadecimal digits.
    pub sha256: String,
}

impl StoredWeights {
    /// The first eight digits of the sha256, for protocols.
    pub fn short_hash(&self) -> String {
        self.sha256.chars().take(8).collect()
    }
}

impl WeightStore {
    /// A store that has nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a safetensors file that is part of the binary, for the known weights `name`.
    #[must_use]
    pub fn with_embedded(mut self, name: &str, bytes: &'static [u8]) -> Self {
        self.embedded.insert(name.to_string(), bytes);
        self
    }

    /// With a model that is part of the binary, a safetensors file.
    #[must_use]
    pub fn with_model(mut self, name: &str, bytes: &'static [u8]) -> Self {
        self.models.insert(name.to_string(), bytes);
        self
    }

    /// Names of the models that are part of the binary.
    pub fn models(&self) -> impl Iterator<Item = &str> {
        self.models.keys().map(String::as_str)
    }

    /// The model in the file `path` or, where there is no such file, the one of that name that is part of the binary.
    ///
    /// # Errors
    /// When there is neither, or the file cannot be read or is damaged.
    pub fn model(&self, path: &Path) -> Result<StateDict, WeightError> {
        if path.exists() {
            return StateDict::load(path);
        }
        match path.to_str().and_then(|name| self.models.get_key_value(name)) {
            Some((name, bytes)) => StateDict::from_safetensors_of(bytes, name),
            None => Err(WeightError::NoModel { path: path.to_path_buf(), advice: self.advice(path) }),
        }
    }

    /// What to do about a name that is neither that of a file nor of a model.
    fn advice(&self, path: &Path) -> String {
        let meant = path.to_str().and_then(|name| nearest(name, self.models()));
        match (meant, self.models.is_empty()) {
            (Some(meant), _) => format!("did you mean `{meant}`?"),
            (None, true) => {
                "name a model file or the folder of a run; this build has no model inside".to_string()
            }
            (None, false) => format!(
                "name a model file, the folder of a run, or a model that is inside: {}",
                self.models().collect::<Vec<_>>().join(", ")
            ),
        }
    }

    /// With a folder of weight files, under the names that [`KNOWN`] lists.
    #[must_use]
    pub fn with_dir(mut self, path: impl Into<PathBuf>) -> Self {
        self.dirs.push(path.into());
        self
    }

    /// The known weights `name`, checked.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn load(&self, name: &str) -> Result<StateDict, WeightError> {
        Ok(self.open(name)?.state)
    }

    /// The known weights `name` with their sha256, checked.
    ///
    /// # Errors
    /// When percept knows no such weights, when they are neither in a folder nor embedded, when the file
    /// found is not the known one, or cannot be read.
    pub fn open(&self, name: &str) -> Result<StoredWeights, WeightError> {
        let known = KNOWN.iter().find(|known| known.name == name).ok_or_else(|| WeightError::Unknown {
            name: name.to_string(),
            known: KNOWN.iter().map(|known| known.name).collect::<Vec<_>>().join(", "),
        })?;
        for dir in &self.dirs {
            for path in known.files.iter().map(|file| dir.join(file.file)) {
                match fs::read(&path) {
                    Ok(bytes) => return check_file(known, &path, &bytes),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    Err(source) => return Err(WeightError::Read { path, source }),
                }
            }
        }
        match self.embedded.get(name) {
            Some(bytes) => {
                let origin = format!("the embedded file of `{name}`");
                let sha256 = check_hash(known, &origin, bytes)?;
                Ok(StoredWeights { state: StateDict::from_safetensors_of(bytes, &origin)?, sha256 })
            }
            None => Err(self.not_found(known)),
        }
    }

    fn not_found(&self, known: &KnownWeights) -> WeightError {
        let dirs: Vec<_> = self.dirs.iter().map(|dir| dir.display().to_string()).collect();
        let looked = match dirs.as_slice() {
            [] => "they are not part of this build, and no folder of weights was given".to_string(),
            dirs => format!("they are not part of this build, nor in {}", dirs.join(", ")),
        };
        let files: Vec<_> = known.files.iter().map(|file| format!("`{}`", file.file)).collect();
        let remedy = format!(
            "get {} ({}) and run `percept weights import` on it, or give its path as `weights = \"PATH\"`",
            files.join(" or "),
            known.source
        );
        WeightError::NotFound { name: known.name.to_string(), looked, remedy }
    }
}

fn check_file(known: &KnownWeights, path: &Path, bytes: &[u8]) -> Result<StoredWeights, WeightError> {
    let origin = path.display().to_string();
    let sha256 = check_hash(known, &origin, bytes)?;
    let state = match path.extension().is_some_and(|extension| extension == "safetensors") {
        true => StateDict::from_safetensors_of(bytes, &origin)?,
        false => StateDict::load(path)?,
    };
    Ok(StoredWeights { state, sha256 })
}

/// The sum, if it is one of the known ones.
fn check_hash(known: &KnownWeights, origin: &str, bytes: &[u8]) -> Result<String, WeightError> {
    let sha256 = sha256_hex(bytes);
    if known.files.iter().any(|file| sha256.starts_with(file.sha256)) {
        return Ok(sha256);
    }
    let expected: Vec<_> = known.files.iter().map(|file| file.sha256).collect();
    Err(WeightError::Hash {
        origin: origin.to_string(),
        name: known.name.to_string(),
        expected: expected.join(" or "),
        got: sha256,
    })
}
