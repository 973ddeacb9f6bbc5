//! Which rule moves the selection, and what all rules have in common.

use burn::tensor::Tensor;
use schemars::{JsonSchema, Schema};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Anchor, ClosedConfig, Contrast, Control, Gate, Matched, Score, TripletConfig};

/// The feature selection layer, and the rule that moves it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
#[schemars(transform = default_needs_no_type)]
pub enum SelectionConfig {
    /// In closed form: channels are ranked by a score, and a stated share of them is effective. Nothing is learned by
    /// gradients, so there is no margin, no learning rate and no entropy to choose.
    Closed(ClosedConfig),
    /// By a triplet loss and gradient descent. This is what a selection without `type` is.
    Triplet(TripletConfig),
}

impl Default for SelectionConfig {
    fn default() -> Self {
        Self::Triplet(TripletConfig::default())
    }
}

impl From<ClosedConfig> for SelectionConfig {
    fn from(config: ClosedConfig) -> Self {
        Self::Closed(config)
    }
}

impl From<TripletConfig> for SelectionConfig {
    fn from(config: TripletConfig) -> Self {
        Self::Triplet(config)
    }
}

/// What moves the weights, as a log has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelectionRule {
    /// A triplet, by gradient descent.
    Contrast(Contrast),
    /// A score, in closed form.
    Closed {
        /// The score.
        score: Score,
        /// What is done to it as a control.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        control: Option<Control>,
    },
}

impl SelectionConfig {
    /// Checks every range.
    ///
    /// # Errors
    /// A sentence that names the first key whose value is outside of its range, and the range.
    pub fn validate(&self) -> Result<(), String> {
        match self {
            Self::Closed(config) => config.validate(),
            Self::Triplet(config) => config.validate(),
        }
    }

    /// What moves the weights.
    pub fn rule(&self) -> SelectionRule {
        match self {
            Self::Closed(ClosedConfig { score, control, .. }) => {
                SelectionRule::Closed { score: *score, control: *control }
            }
            Self::Triplet(config) => SelectionRule::Contrast(config.contrast),
        }
    }

    /// Which image stands for the distortion; `None` where nobody asks.
    pub fn anchor(&self) -> Option<Anchor> {
        match self {
            Self::Closed(config) => config.score.anchor(),
            Self::Triplet(config) => config.needs_distorted().then_some(config.anchor),
        }
    }

    /// Whether features of the distorted image are needed at all.
    pub fn needs_distorted(&self) -> bool {
        self.anchor().is_some()
    }

    /// Whether photos of one batch are compared with each other, so that there must be two.
    pub fn crosses_photos(&self) -> bool {
        self.rule() == SelectionRule::Contrast(Contrast::Across)
    }

    /// To what the selected squared distance is rescaled.
    pub fn matched(&self) -> Matched {
        match self {
            Self::Closed(ClosedConfig { match_taps: true, .. })
            | Self::Triplet(TripletConfig { match_taps: true, .. }) => Matched::Taps,
            Self::Triplet(TripletConfig { match_uniform: true, .. }) => Matched::Sum,
            _ => Matched::No,
        }
    }

    /// Whether channels may be mixed.
    pub fn mixes(&self) -> bool {
        self.gate() == Gate::Projection
    }

    /// Makes it need no file to start from: where a state is loaded, the start does not matter.
    pub fn forget_start(&mut self) {
        if let Self::Triplet(config) = self {
            config.start = super::Start::Uniform;
        }
    }

    /// What is wrong, and what to do, where [`SelectionStep::idle`](super::SelectionStep::idle) says so.
    pub fn idle(&self) -> String {
        use super::selection::{IDLE_SHARE, IDLE_STEPS};
        let (percent, steps) = (IDLE_SHARE * 100.0, IDLE_STEPS);
        match self {
            Self::Triplet(config) => format!(
                "the selection learns nothing: in {steps} selection steps in a row fewer than {percent} % of its triplets violated \
                 their margin of {}; raise `margin` (above 1 a triplet within one photo always acts), or take a selection \
                 of `type = \"closed\"`, which needs none",
                config.margin
            ),
            Self::Closed(_) => format!(
                "the selection learns nothing: in {steps} selection steps in a row fewer than {percent} % of the channels could be \
                 scored; what the score divides by is 0 in the others, so result, target or distorted image are the same"
            ),
        }
    }

    pub(super) fn gate(&self) -> Gate {
        match self {
            Self::Closed(_) => Gate::Softmax,
            Self::Triplet(config) => config.gate,
        }
    }

    /// Whether it needs to see any distances.
    pub(super) fn observes(&self) -> bool {
        match self {
            Self::Closed(_) => self.learns(),
            Self::Triplet(config) => config.needs_distorted(),
        }
    }

    /// Whether its weights follow what it sees.
    pub(super) fn learns(&self) -> bool {
        let fixed = match self {
            Self::Closed(config) => matches!(config.score, Score::Random { .. }),
            Self::Triplet(config) => config.contrast == Contrast::None,
        };
        !fixed
    }

    /// Whether distances between distorted image and result are needed.
    pub(super) fn within_photo(&self) -> bool {
        match self {
            Self::Closed(config) => {
                matches!(config.score, Score::Literal { .. } | Score::Conventional { .. })
            }
            Self::Triplet(config) => {
                matches!(config.contrast, Contrast::Literal | Contrast::Conventional)
            }
        }
    }

    /// Pixels of the windows over which features are averaged, where that is needed.
    pub(super) fn window(&self) -> Option<usize> {
        match self {
            Self::Closed(ClosedConfig { score: Score::Systematic { window }, .. }) => Some(*window),
            _ => None,
        }
    }

    /// Batches from one selection step to the next, and after which there are no more (0: never).
    pub(super) fn pace(&self) -> (usize, usize) {
        match self {
            Self::Closed(config) => (config.every, config.until),
            Self::Triplet(config) => (config.every, config.until),
        }
    }

    /// Batches in which the transformation step still sees uniform weights; `None` where there is nothing to wait for.
    pub(super) fn warmup(&self) -> Option<usize> {
        match self {
            Self::Closed(config) => Some(config.warmup),
            Self::Triplet(config) => self.learns().then_some(config.warmup),
        }
    }

    /// What is read of feature maps `a` and `b` to compare them, by tap.
    pub(super) fn moments(&self, a: &[Tensor<4>], b: &[Tensor<4>]) -> Vec<Tensor<2>> {
        let gate = self.gate();
        a.iter().zip(b).map(|(a, b)| gate.moments(a.clone(), b.clone())).collect()
    }
}

/// The name of a kind in `type`.
fn kind(config: &SelectionConfig) -> &'static str {
    match config {
        SelectionConfig::Closed(_) => "closed",
        SelectionConfig::Triplet(_) => "triplet",
    }
}

/// `type` may be left out, which `serde`'s tagged enums do not know.
impl<'de> Deserialize<'de> for SelectionConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut table = toml::Table::deserialize(deserializer)?;
        let named = match table.remove("type") {
            None => kind(&Self::default()).to_string(),
            Some(toml::Value::String(named)) => named,
            Some(other) => return Err(D::Error::custom(format!("`type` must be a text; it is {other}"))),
        };
        let problem = |error: toml::de::Error| D::Error::custom(error.to_string().trim_end());
        match named.as_str() {
            "closed" => table.try_into().map(Self::Closed).map_err(problem),
            "triplet" => table.try_into().map(Self::Triplet).map_err(problem),
            other => Err(D::Error::unknown_variant(other, &["closed", "triplet"])),
        }
    }
}

/// In the schema, `type` need not be there for the default kind.
fn default_needs_no_type(schema: &mut Schema) {
    let kinds = schema.get_mut("oneOf").and_then(serde_json::Value::as_array_mut);
    let default = kind(&SelectionConfig::default());
    for branch in kinds.into_iter().flatten() {
        let named = branch.pointer("/properties/type/const").and_then(serde_json::Value::as_str);
        if named == Some(default)
            && let Some(branch) = branch.as_object_mut()
        {
            branch.remove("required");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `kind` says what `serde` writes, and reading gives back what was written.
    #[test]
    fn a_selection_is_read_as_it_was_written() {
        let closed = ClosedConfig {
            score: Score::Systematic { window: 8 },
            control: Some(Control::Permuted { seed: 3 }),
            ..ClosedConfig::default()
        };
        for config in [SelectionConfig::default(), closed.into()] {
            let text = toml::to_string(&config).unwrap();
            assert!(text.contains(&format!("type = \"{}\"", kind(&config))), "{text}");
            assert_eq!(toml::from_str::<SelectionConfig>(&text).unwrap(), config);
            let json = serde_json::to_string(&config).unwrap();
            assert_eq!(serde_json::from_str::<SelectionConfig>(&json).unwrap(), config);
        }
    }

    #[test]
    fn a_selection_without_a_type_is_the_default_and_strange_ones_are_refused() {
        let read = |text: &str| toml::from_str::<SelectionConfig>(text);
        assert_eq!(read("").unwrap(), SelectionConfig::default());
        let older = TripletConfig { contrast: Contrast::Literal, floor: 0.1, ..TripletConfig::default() };
        assert_eq!(read("contrast = \"literal\"\nfloor = 0.1").unwrap(), older.into());
        let refused = |text: &str| read(text).unwrap_err().to_string();
        assert!(refused("type = 3").contains("must be a text"));
        assert!(refused("type = \"open\"").contains("expected `closed` or `triplet`"));
        assert!(refused("type = \"closed\"\nmargin = 1.0").contains("margin"));
        assert!(refused("share = 0.4").contains("share"));
        assert!(refused("type = \"closed\"\nscore = { type = \"left\", window = 8 }").contains("window"));
        assert!(refused("contrast = \"other\"").contains("literal"));
    }
}
