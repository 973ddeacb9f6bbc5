//! Settings of Restormer, and what they say of its networks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Restormer;
use crate::network::architecture::{
    Architecture, Extent, MOST_BLOCKS, MOST_CHANNELS, Unfit, places, read_by, results, within,
};
use crate::network::border::{Border, Edges};
use crate::network::init::Init;
use crate::network::layer::ConvLayer;
use crate::weights::StateDict;

/// An overlap that is enough, as for NAFNet.
const ENOUGH: usize = 64;
/// Levels of the U-Net.
pub(super) const LEVELS: usize = 4;
/// Sides are halved three times.
pub(super) const MULTIPLE: usize = 8;

/// Settings of `type = "restormer"`: Restormer, a U-Net for pictures that keep their size.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RestormerConfig {
    /// Channels at the first level, doubled at each one below; a multiple of the first number of heads. Default 48.
    pub dim: usize,
    /// Blocks by level, on the way down and up alike. Default 4, 6, 6, 8.
    pub num_blocks: [usize; LEVELS],
    /// Blocks behind the last level. Default 4.
    pub num_refinement_blocks: usize,
    /// Heads of attention by level. Default 1, 2, 4, 8.
    pub heads: [usize; LEVELS],
    /// How many times more channels are gated, above 0 and at most 64. Default 2.66.
    pub ffn_expansion_factor: f64,
    /// Whether convolutions add a bias, the first one and those that change the size left aside. Default false.
    pub bias: bool,
    /// How pixels are normalised: `WithBias`, or `BiasFree`, which the authors have for noise. Default `WithBias`.
    pub layer_norm_type: LayerNormType,
}

/// How Restormer normalises pixels over their channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum LayerNormType {
    /// To mean 0 and deviation 1, then a weight and a bias.
    #[default]
    WithBias,
    /// To deviation 1, then a weight.
    BiasFree,
}

impl Default for RestormerConfig {
    fn default() -> Self {
        Self {
            dim: 48,
            num_blocks: [4, 6, 6, 8],
            num_refinement_blocks: 4,
            heads: [1, 2, 4, 8],
            ffn_expansion_factor: 2.66,
            bias: false,
            layer_norm_type: LayerNormType::WithBias,
        }
    }
}

/// Channels that are gated, of so many.
pub(super) fn hidden(channels: usize, factor: f64) -> usize {
    // A factor that was a quotient may be a little too small.
    (channels as f64 * factor + 1e-9) as usize
}

impl Architecture for RestormerConfig {
    type Network = Restormer;

    const ABOUT: &'static str =
        "Restormer, a U-Net with attention between channels, for pictures that keep their size";
    const SCALES: &'static [usize] = &[1];

    fn check(&self) -> Result<(), Unfit> {
        within("dim", self.dim, 2, MOST_CHANNELS >> (LEVELS - 1))?;
        if !self.dim.is_multiple_of(2) {
            return Err(("dim", format!("must be even; it is {}", self.dim)));
        }
        self.num_blocks.iter().try_for_each(|blocks| within("num_blocks", *blocks, 0, MOST_BLOCKS))?;
        within("num_refinement_blocks", self.num_refinement_blocks, 0, MOST_BLOCKS)?;
        for (level, heads) in self.heads.into_iter().enumerate() {
            // The first level's blocks on the way up have twice as many channels.
            if heads == 0 || !(self.dim << level).is_multiple_of(heads) {
                let channels = self.dim << level;
                return Err((
                    "heads",
                    format!("must divide the channels of their level; {heads} and {channels}"),
                ));
            }
        }
        match self.ffn_expansion_factor <= 64.0 && hidden(self.dim, self.ffn_expansion_factor) > 0 {
            true => Ok(()),
            false => {
                let problem = format!("must be above 0 and at most 64; it is {}", self.ffn_expansion_factor);
                Err(("ffn_expansion_factor", problem))
            }
        }
    }

    fn init(&self, _: usize, in_channels: usize, init: &Init) -> Restormer {
        Restormer::new(self, in_channels, init)
    }

    /// Two 3×3 convolutions a block; a pixel of level l covers 2^l. Behind the last level there are twice the channels.
    fn extent(&self, _: usize) -> Extent {
        let levels = self.num_blocks.iter().enumerate();
        let sides = levels.map(|(level, blocks)| (4 * blocks + 4) << level);
        let widest = 2 * self.dim;
        Extent {
            multiple: MULTIPLE,
            overlap: ENOUGH.min(2 + sides.sum::<usize>() + 2 * self.num_refinement_blocks),
            floats: (3 * widest).max(2 * hidden(widest, self.ffn_expansion_factor)) * 2 + 2 * widest,
        }
    }

    /// As its authors' programs do before the network, and as `spandrel` does.
    fn border(&self, multiple: usize) -> Border {
        Border::to_multiple(multiple, Edges::Mirrored)
    }

    fn fitted(&self, state: &StateDict) -> Self {
        let dim = results(state, "patch_embed.proj.weight", self.dim);
        let has = |name: &str| state.get(name).is_some();
        let deepest = dim << (LEVELS - 1);
        let inside =
            state.get("latent.0.ffn.project_out.weight").and_then(|array| array.shape.get(1).copied());
        let ffn_expansion_factor = match inside {
            Some(inside) if inside != hidden(deepest, self.ffn_expansion_factor) => {
                inside as f64 / deepest.max(1) as f64
            }
            _ => self.ffn_expansion_factor,
        };
        let mut heads = self.heads;
        for (heads, level) in heads.iter_mut().zip(DOWN) {
            *heads = results(state, &format!("{level}.0.attn.temperature"), *heads);
        }
        let with_bias = has("encoder_level1.0.norm1.body.bias") || has("refinement.0.norm1.body.bias");
        Self {
            dim,
            num_blocks: DOWN.map(|level| places(state, &format!("{level}."))),
            num_refinement_blocks: places(state, "refinement."),
            heads,
            ffn_expansion_factor,
            bias: has("output.bias"),
            layer_norm_type: if with_bias { LayerNormType::WithBias } else { LayerNormType::BiasFree },
        }
    }

    fn scale(&self, _: &StateDict) -> Option<usize> {
        Some(1)
    }

    fn in_channels(&self, state: &StateDict) -> usize {
        read_by(state, "patch_embed.proj.weight")
    }
}

/// The levels on the way down.
const DOWN: [&str; LEVELS] = ["encoder_level1", "encoder_level2", "encoder_level3", "latent"];

impl RestormerConfig {
    pub(super) fn biased(&self, conv: ConvLayer) -> ConvLayer {
        if self.bias { conv } else { conv.unbiased() }
    }
}
