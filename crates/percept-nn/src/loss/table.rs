//! The losses that there are, by name.

use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LossError, LossSettings, TrainLoss};
use crate::backbone::BackboneConfig;
use crate::disentangle::SelectionConfig;
use crate::weights::WeightStore;

/// A loss as a listing shows it.
#[derive(Clone, Copy, Debug)]
pub struct LossKind {
    /// Name in a config.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
}

/// Everything that is made of the table: a line is `name file { Variant, Settings }`.
macro_rules! losses {
    ($($name:literal $file:ident { $variant:ident, $settings:ident })*) => {
        $(pub use super::$file::$settings;)*

        /// The losses that there are.
        pub const LOSSES: &[LossKind] = &[$(LossKind { name: $name, about: $settings::ABOUT }),*];

        /// Which loss, and its settings.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(tag = "type")]
        #[allow(missing_docs, reason = "settings say what they are for, and the schema quotes them")]
        pub enum LossConfig {
            $(#[serde(rename = $name)] $variant($settings),)*
        }

        impl LossConfig {
            /// Name as in a config.
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)*
                }
            }

            /// Checks every range.
            ///
            /// # Errors
            /// A sentence that names the first key whose value is outside of its range, and the range.
            pub fn validate(&self) -> Result<(), String> {
                match self {
                    $(Self::$variant(settings) => settings.validate(),)*
                }
            }

            /// The loss on `device`.
            ///
            /// # Errors
            /// When weights are missing or wrong, or a tap does not exist.
            pub fn init(&self, store: &WeightStore, device: &Device) -> Result<TrainLoss, LossError> {
                match self {
                    $(Self::$variant(settings) => settings.init(store, device),)*
                }
            }

            /// What it compares, in the words of a page: `L1 of the pixels`.
            pub fn words(&self) -> String {
                match self {
                    $(Self::$variant(settings) => settings.words(),)*
                }
            }

            /// The frozen network that it looks through.
            pub fn backbone(&self) -> Option<BackboneConfig> {
                match self {
                    $(Self::$variant(settings) => settings.backbone(),)*
                }
            }

            /// Its settings, where they can be set.
            pub fn backbone_mut(&mut self) -> Option<&mut BackboneConfig> {
                match self {
                    $(Self::$variant(settings) => settings.backbone_mut(),)*
                }
            }

            /// The selection, where it has one.
            pub fn selection(&self) -> Option<&SelectionConfig> {
                match self {
                    $(Self::$variant(settings) => settings.selection(),)*
                }
            }

            /// The same, to be changed.
            pub fn selection_mut(&mut self) -> Option<&mut SelectionConfig> {
                match self {
                    $(Self::$variant(settings) => settings.selection_mut(),)*
                }
            }
        }
    };
}

losses! {
    "l1" pixel { L1, L1Loss }
    "mse" pixel { Mse, MseLoss }
    "charbonnier" pixel { Charbonnier, CharbonnierLoss }
    "huber" pixel { Huber, HuberLoss }
    "feature" feature { Feature, FeatureLoss }
    "contextual" contextual { Contextual, ContextualLoss }
    "swd" swd { Swd, SwdLoss }
    "wasserstein_distortion" wasserstein { Wasserstein, WassersteinLoss }
    "lpips" lpips { Lpips, LpipsLoss }
    "dists" dists { Dists, DistsLoss }
    "colour" colour { Colour, ColourLoss }
    "ms_ssim" ms_ssim { MsSsim, MsSsimLoss }
    "fft" fft { Fft, FftLoss }
    "phase" phase { Phase, PhaseLoss }
    "style" style { Style, StyleLoss }
    "ldl" ldl { Ldl, LdlLoss }
    "gan" gan { Gan, GanLoss }
}
