//! What can be wrong with the settings of a discriminator.

/// Why a discriminator cannot be made.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("network_d.{key} of {discriminator}: {problem}")]
pub struct DiscriminatorError {
    /// Name of the discriminator.
    pub discriminator: &'static str,
    /// The key whose value makes none.
    pub key: &'static str,
    /// What is wrong with it.
    pub problem: String,
}
