//! The lines of a run's logs.

use std::collections::BTreeMap;
use std::fmt;

use percept_nn::disentangle::{SelectionRule, TapWeights};
use serde::{Deserialize, Serialize};

/// A line of `log.jsonl`: what the steps since the last line did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepLine {
    /// The step, counted from 1.
    pub iter: u64,
    /// The learning rate.
    pub lr: f64,
    /// `l_g_NAME` of every term of the loss, weighted as they are summed, and `l_sel_NAME` of every selection that moves.
    /// JSON has no NaN; it stands as `null`.
    #[serde(flatten)]
    pub terms: BTreeMap<String, Option<f64>>,
    /// Norm of the network's gradient before clipping.
    pub grad_norm: f64,
    /// Mean wall-clock seconds of a step since the last line, waiting for the batch included.
    pub seconds: f64,
}

/// A line of `log.jsonl`: scores on the validation photos.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Validation {
    /// The last step before it.
    pub iter: u64,
    /// The mean of each score over the photos.
    pub val: BTreeMap<String, f64>,
    /// How each score was computed.
    pub protocol: BTreeMap<String, String>,
    /// Number of photos.
    pub photos: usize,
}

impl fmt::Display for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, value)) in self.val.iter().enumerate() {
            let gap = if at == 0 { "" } else { "  " };
            write!(f, "{gap}{name} {value:.4}")?;
        }
        Ok(())
    }
}

/// A line of `selection.jsonl`: where the selection stands.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SelectionLine {
    /// The step.
    pub iter: u64,
    /// The term of the loss that has the selection; empty in logs of before there was a list of terms.
    #[serde(default)]
    pub term: String,
    /// The frozen network.
    pub backbone: String,
    /// What moves the weights: `contrast` of a triplet, or `closed` with its score.
    #[serde(flatten)]
    pub rule: SelectionRule,
    /// The weights of every tap.
    pub taps: Vec<TapWeights>,
    /// Share of triplets that violated their margin, or of channels that were scored, in the last selection step; `None`
    /// where the weights follow nothing.
    pub active: Option<f64>,
    /// Whether hardly anything was active for 20 selection steps in a row, at any time so far.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idle: bool,
}
