//! Names that nobody can guess.

use std::fmt::{self, Display};
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// 128 random bits, as 32 hexadecimal digits: a private link, or the name of something that belongs to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id([u8; 16]);

/// A text that is no [`Id`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("32 hexadecimal digits are expected")]
pub struct NoId;

impl Id {
    /// A new one, from the system's generator: no seed leads to it.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// What is kept of a private link, so that the database does not let anyone answer for another.
    pub fn hash(self) -> Vec<u8> {
        Sha256::digest(self.0).to_vec()
    }
}

impl Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Id {
    type Err = NoId;

    fn from_str(text: &str) -> Result<Self, NoId> {
        let plain = text.len() == 32 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'));
        let number =
            if plain { u128::from_str_radix(text, 16).map_err(|_| NoId)? } else { return Err(NoId) };
        Ok(Self(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_they_are_written_and_nothing_else_is() {
        let id = Id::random().unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_ne!(Id::random().unwrap(), id);
        let zeros = "0".repeat(32);
        assert_eq!(zeros.parse::<Id>().unwrap().to_string(), zeros);
        for bad in
            ["", "0", "../../../../etc/passwd\0aaaaaaaaa", &"A".repeat(32), &"0".repeat(33), &"+".repeat(32)]
        {
            assert_eq!(bad.parse::<Id>(), Err(NoId), "{bad}");
        }
    }
}
