//! Named arrays with metadata: what every weight file holds.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::Path;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use sha2::{Digest, Sha256};

use super::hash::hex;
use super::{Array, Differences, Provenance, WeightError, module, ncnn, pth, safetensors};

/// An ordered map from name to [`Array`], with string metadata.
///
/// Equality compares arrays and metadata, not where they came from.
#[derive(Clone, Debug)]
pub struct StateDict {
    pub(super) origin: String,
    pub(super) arrays: BTreeMap<String, Array>,
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) provenance: Provenance,
}

impl Default for StateDict {
    fn default() -> Self {
        Self {
            origin: "these weights".to_string(),
            arrays: BTreeMap::new(),
            metadata: BTreeMap::new(),
            provenance: Provenance::default(),
        }
    }
}

impl PartialEq for StateDict {
    fn eq(&self, other: &Self) -> bool {
        self.arrays == other.arrays && self.metadata == other.metadata
    }
}

impl StateDict {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The weights of a file: safetensors, PyTorch's `.pth`, or ncnn's `.param` with its `.bin` beside it, told apart by
    /// content.
    ///
    /// Half and double precision and integers become `f32` (f64 and integers beyond 2²⁴ are rounded). Weights under a key
    /// such as `params_ema`, `params`, `state_dict` or `module` are taken from there; [`provenance`](Self::provenance)
    /// says so.
    ///
    /// # Errors
    /// When the file cannot be read, is cut off, corrupt or contradicts itself, or is of another kind.
    pub fn load(path: &Path) -> Result<Self, WeightError> {
        let failed = |source| WeightError::Read { path: path.to_path_buf(), source };
        let origin = path.display().to_string();
        // Of ncnn's two files either may be named.
        let (param, bin) = (path.with_extension("param"), path.with_extension("bin"));
        if path == bin && param.is_file() {
            return ncnn::read(&param, &bin, origin);
        }
        let mut head = Vec::new();
        fs::File::open(path).and_then(|file| file.take(9).read_to_end(&mut head)).map_err(failed)?;
        if head.starts_with(ncnn::MAGIC) {
            return ncnn::read(path, &bin, origin);
        }
        if pth::is_pickle_or_archive(&head) {
            return pth::read(path, origin);
        }
        safetensors::read(&fs::read(path).map_err(failed)?, origin)
    }

    /// The weights of a safetensors file in memory; `origin` names it in messages.
    ///
    /// # Errors
    /// When the bytes are cut off, corrupt or contradict themselves.
    pub fn from_safetensors_of(bytes: &[u8], origin: &str) -> Result<Self, WeightError> {
        safetensors::read(bytes, origin.to_string())
    }

    /// The weights of a safetensors file in memory.
    ///
    /// # Errors
    /// When the bytes are cut off, corrupt or contradict themselves.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Self, WeightError> {
        Self::from_safetensors_of(bytes, "the safetensors data")
    }

    /// As a safetensors file, every value an exact `f32`; equal contents give equal bytes.
    pub fn to_safetensors(&self) -> Vec<u8> {
        safetensors::write(self)
    }

    /// Writes a safetensors file by a temporary one, so that a kill leaves the old or the new.
    ///
    /// # Errors
    /// When an array's length contradicts its shape, or the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), WeightError> {
        for (name, array) in &self.arrays {
            if !array.is_consistent() {
                let problem = format!("`{name}` is {:?} but holds {} values", array.shape, array.data.len());
                return Err(WeightError::Malformed { origin: path.display().to_string(), problem });
            }
        }
        percept_image::write_atomic(path, &self.to_safetensors())
            .map_err(|source| WeightError::Write { path: path.to_path_buf(), source })
    }

    /// The float parameters of a module; names are the path to each, joined by `.`.
    ///
    /// The variant of an enum adds nothing to the path, like the element of an `Option`.
    pub fn of<M: Module>(module: &M) -> Self {
        module::collect(module)
    }

    /// Names and shapes of the float parameters of a module alone, whose values are not made for it.
    pub fn outline_of<M: Module>(module: &M) -> Self {
        module::outline(module)
    }

    /// The module with these weights; devices and gradient settings of its parameters stay.
    ///
    /// # Errors
    /// When a name is missing or unexpected, a shape differs, or a value is not finite.
    pub fn apply<M: Module>(&self, module: M) -> Result<M, WeightError> {
        module::apply(self, module)
    }

    /// Where the weights came from, for messages.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The same weights under another origin.
    #[must_use]
    pub fn with_origin(mut self, origin: &str) -> Self {
        self.origin = origin.to_string();
        self
    }

    /// The array called `name`.
    pub fn get(&self, name: &str) -> Option<&Array> {
        self.arrays.get(name)
    }

    /// The array called `name`, which must have this shape and hold finite values.
    ///
    /// # Errors
    /// When it is missing, has another shape or holds NaN or infinity.
    pub fn require(&self, name: &str, shape: &[usize]) -> Result<&Array, WeightError> {
        let array = self.get(name).ok_or_else(|| WeightError::Names {
            origin: self.origin.clone(),
            missing: vec![name.to_string()],
            unexpected: Vec::new(),
        })?;
        self.check(name, array, shape)?;
        Ok(array)
    }

    /// [`require`](Self::require), as a tensor on `device`.
    ///
    /// # Errors
    /// As [`require`](Self::require).
    pub fn tensor<const D: usize>(
        &self,
        name: &str,
        shape: [usize; D],
        device: &Device,
    ) -> Result<Tensor<D>, WeightError> {
        let array = self.require(name, &shape)?;
        Ok(Tensor::from_data(TensorData::new(array.data.clone(), shape), device))
    }

    pub(super) fn check(&self, name: &str, array: &Array, shape: &[usize]) -> Result<(), WeightError> {
        if array.shape != shape || !array.is_consistent() {
            return Err(WeightError::Shape {
                origin: self.origin.clone(),
                name: name.to_string(),
                expected: shape.to_vec(),
                got: array.shape.clone(),
            });
        }
        match array.data.iter().enumerate().find(|(_, value)| !value.is_finite()) {
            Some((at, value)) => Err(WeightError::NotFinite {
                origin: self.origin.clone(),
                name: name.to_string(),
                at,
                value: *value,
            }),
            None => Ok(()),
        }
    }

    /// Adds an array, or replaces the one of that name.
    pub fn insert(&mut self, name: &str, array: Array) {
        self.arrays.insert(name.to_string(), array);
    }

    /// Takes an array out.
    pub fn remove(&mut self, name: &str) -> Option<Array> {
        self.arrays.remove(name)
    }

    /// Names and arrays, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Array)> {
        self.arrays.iter().map(|(name, array)| (name.as_str(), array))
    }

    /// Number of arrays.
    pub fn len(&self) -> usize {
        self.arrays.len()
    }

    /// Whether there are no arrays.
    pub fn is_empty(&self) -> bool {
        self.arrays.is_empty()
    }

    /// Adds all arrays of `other` with `prefix` before their names. Its metadata is left behind.
    pub fn extend_prefixed(&mut self, prefix: &str, other: StateDict) {
        self.arrays.extend(other.arrays.into_iter().map(|(name, array)| (format!("{prefix}{name}"), array)));
    }

    /// The arrays whose names start with `prefix`, without it. Origin and metadata are kept.
    #[must_use]
    pub fn section(&self, prefix: &str) -> Self {
        let inside = self.arrays.range(prefix.to_string()..);
        let inside =
            inside.map_while(|(name, array)| Some((name.strip_prefix(prefix)?.to_string(), array.clone())));
        Self { arrays: inside.collect(), ..self.without_arrays() }
    }

    /// First parts of the names, which weights may lie under.
    pub(crate) fn tops(&self) -> BTreeSet<&str> {
        self.arrays.keys().filter_map(|name| Some(name.split_once('.')?.0)).collect()
    }

    /// The [`section`](Self::section) under the key `key`, which is one of its wrappers then; `left` are keys of others like it.
    pub(crate) fn under(&self, key: &str, left: Vec<String>) -> Self {
        let mut inside = self.section(&format!("{key}."));
        inside.provenance.wrapper.push(key.to_string());
        inside.provenance.left.extend(left);
        inside
    }

    /// Names and shapes alone, without the values: enough to tell what network they are of.
    #[must_use]
    pub fn outline(&self) -> Self {
        let shape = |array: &Array| Array { shape: array.shape.clone(), data: Vec::new() };
        let arrays = self.arrays.iter().map(|(name, array)| (name.clone(), shape(array)));
        Self { arrays: arrays.collect(), ..self.without_arrays() }
    }

    fn without_arrays(&self) -> Self {
        Self {
            origin: self.origin.clone(),
            arrays: BTreeMap::new(),
            metadata: self.metadata.clone(),
            provenance: self.provenance.clone(),
        }
    }

    /// `module` with those of these weights that have the name and the shape of one of its parameters; the others stay as
    /// they are. With what was and was not taken.
    ///
    /// # Errors
    /// When none fits, or one that does holds NaN or infinity.
    pub fn apply_fitting<M: Module>(&self, module: M) -> Result<(M, Differences), WeightError> {
        module::apply_fitting(self, module)
    }

    /// What names and shapes of these weights and of those that are needed have that the others have not.
    pub fn differences(&self, needed: &Self) -> Differences {
        module::differences(self, needed)
    }

    /// Every array under the name that `name` gives it; those without one are left out.
    #[must_use]
    pub fn renamed(self, mut name: impl FnMut(&str) -> Option<String>) -> Self {
        let arrays = self.arrays.into_iter().filter_map(|(old, array)| Some((name(&old)?, array))).collect();
        Self { arrays, ..self }
    }

    /// The sha256 of all arrays with their names and shapes, as 64 hexadecimal digits; metadata does not count.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        // Lengths first, so that no two contents give the same bytes.
        let text = |hash: &mut Sha256, text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        let mut bytes = Vec::new();
        for (name, array) in &self.arrays {
            text(&mut hash, name);
            text(&mut hash, &format!("{:?}", array.shape));
            bytes.clear();
            bytes.extend(array.data.iter().flat_map(|value| value.to_le_bytes()));
            hash.update(&bytes);
        }
        hex(&hash.finalize())
    }

    /// What the file is, beside what it holds.
    pub fn provenance(&self) -> &Provenance {
        &self.provenance
    }

    /// All metadata.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// Adds a metadata entry, or replaces the one of that key.
    pub fn set_metadata(&mut self, key: &str, value: &str) {
        self.metadata.insert(key.to_string(), value.to_string());
    }
}
