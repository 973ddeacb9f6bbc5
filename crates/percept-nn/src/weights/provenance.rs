//! What a weight file is, beside what it holds.

/// What a weight file is, beside what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// Its format: `safetensors`, `PyTorch`; empty for weights that come from no file.
    pub format: &'static str,
    /// The types of its numbers, as in `f16`.
    pub precision: Vec<String>,
    /// The keys that the weights lay under, from the outermost: `params_ema`, `module`.
    pub wrapper: Vec<String>,
    /// Keys beside those whose weights were left: the plain ones (`params`) where there are averaged ones.
    pub left: Vec<String>,
}

impl Provenance {
    /// The averaged weights that were taken, and the plain ones that were left for them.
    pub fn averaged(&self) -> Option<(&str, &str)> {
        let left = self.left.first()?;
        let taken = self.wrapper.iter().find(|key| super::wrapper::is_averaged(key))?;
        Some((taken, left))
    }
}
