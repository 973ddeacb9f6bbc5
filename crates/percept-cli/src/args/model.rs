//! What a call says of a model, and the flags of `info`.

use std::path::PathBuf;

use clap::Args as Flags;
use percept_nn::network::{ActType, NETWORKS, NetworkKind};

use super::one_of;

/// What a call says of a model's file; without it, the file says it.
#[derive(Debug, Default, Flags)]
pub struct ModelArgs {
    /// The architecture, if the file's is not to be found out
    #[arg(long, value_name = "NAME", value_parser = one_of(NETWORKS, |kind| kind.name, |kind| kind.about.to_string()))]
    pub network: Option<NetworkKind>,
    /// How many times the network enlarges, if you want it checked
    #[arg(long, value_name = "N")]
    pub scale: Option<usize>,
    /// For EDSR: the share of residuals that it was trained with [default: 0.1 from 256 features on, else 1]
    #[arg(long, value_name = "SHARE")]
    pub res_scale: Option<f64>,
    /// For Compact without slopes: what follows its convolutions [default: relu]
    #[arg(long, value_name = "TYPE", value_parser = one_of(ActType::ALL, |kind| kind.name(), |kind| kind.about().to_string()))]
    pub act_type: Option<ActType>,
}

pub(super) const INFO: &str = "\
Examples:
  percept info RealESRGAN_x4plus.pth
  percept info runs/sr
  percept info model.safetensors --json

Reads .pth and .safetensors, of percept and of others. Architecture, scale and settings are told by the names and shapes \
of the weights; what they do not show is said under `assumed`. Pickles are parsed, never executed.";

/// `percept info`.
#[derive(Debug, Flags)]
pub struct InfoArgs {
    /// A model file, or a run's folder
    #[arg(value_name = "MODEL")]
    pub path: PathBuf,
    /// What is said of it.
    #[command(flatten)]
    pub model: ModelArgs,
    /// For machines
    #[arg(long)]
    pub json: bool,
}
