//! A term of the sum that a network descends.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LossConfig;
use crate::ranges::factor;

/// `[[train.losses]]`: a loss with its weight. The network descends the sum of all of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Term {
    /// What logs and messages call it, in letters, digits, - and _; no two terms may have the same. Default: its type,
    /// with a number from the second of a type on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Factor in the sum of losses, 0 to 1e6. Default 1.
    #[serde(default = "one")]
    pub weight: f64,
    /// The loss.
    #[serde(flatten)]
    pub loss: LossConfig,
}

fn one() -> f64 {
    1.0
}

impl From<LossConfig> for Term {
    fn from(loss: LossConfig) -> Self {
        Self { name: String::new(), weight: 1.0, loss }
    }
}

impl Term {
    /// With that weight.
    #[must_use]
    pub fn weighted(self, weight: f64) -> Self {
        Self { weight, ..self }
    }

    /// A list of terms, each with a name.
    pub fn list(terms: impl Into<Vec<Self>>) -> Vec<Self> {
        let mut terms = terms.into();
        Self::complete(&mut terms);
        terms
    }

    /// Gives a name to every term that has none: its type, with a number from the second on.
    pub fn complete(terms: &mut [Self]) {
        for at in 0..terms.len() {
            let Some(term) = terms.get(at).filter(|term| term.name.is_empty()) else { continue };
            let kind = term.loss.kind();
            let taken = |name: &str| terms.iter().any(|term| term.name == name);
            let numbered = (2..).map(|number| Cow::from(format!("{kind}_{number}")));
            let mut names = std::iter::once(Cow::from(kind)).chain(numbered);
            let name = names.find(|name| !taken(name)).unwrap_or_default().into_owned();
            if let Some(term) = terms.get_mut(at) {
                term.name = name;
            }
        }
    }

    /// Checks every range.
    ///
    /// # Errors
    /// A sentence that names the first key whose value is outside of its range, and the range.
    pub fn validate(&self) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if !self.name.chars().all(plain) {
            return Err(format!("name must be of letters, digits, - and _; it is `{}`", self.name));
        }
        factor("weight", self.weight)?;
        self.loss.validate()
    }

    /// What it compares, with its weight where that is not 1: `4 × L1 of the pixels`.
    pub fn words(&self) -> String {
        let words = self.loss.words();
        if self.weight == 1.0 { words } else { format!("{} × {words}", self.weight) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::{L1Loss, MseLoss};

    #[test]
    fn terms_without_a_name_get_one_of_their_own() {
        let l1 = || Term::from(LossConfig::L1(L1Loss::default()));
        let named = |name: &str| Term { name: name.to_string(), ..l1() };
        let mut terms =
            [l1(), named("l1_2"), l1(), LossConfig::Mse(MseLoss::default()).into(), named("mine"), l1()];
        Term::complete(&mut terms);
        let names: Vec<_> = terms.iter().map(|term| term.name.as_str()).collect();
        assert_eq!(names, ["l1", "l1_2", "l1_3", "mse", "mine", "l1_4"]);
        let before = terms.clone();
        Term::complete(&mut terms);
        assert_eq!(terms, before);
    }
}
