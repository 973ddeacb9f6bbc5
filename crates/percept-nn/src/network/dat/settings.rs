//! Settings of DAT, and what they say of its networks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Dat;
use crate::network::architecture::{
    Architecture, Extent, MOST_CHANNELS, Unfit, places, results, shuffled, within,
};
use crate::network::border::{Border, Edges};
use crate::network::init::Init;
use crate::network::swinir::check_groups;
use crate::network::upsampler::{self, FEATURES, ResiConnection, Upsampler};
use crate::weights::StateDict;

/// An overlap that is enough, as for plain convolutions but with windows that reach further.
const ENOUGH: usize = 64;

/// Settings of `type = "dat"`: DAT, scales 1, 2, 3, 4 and 8.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DatConfig {
    /// Channels of the features: at least 32, and an even number for every two heads. Default 180.
    pub embed_dim: usize,
    /// Blocks by group, in turn with attention in windows and between channels. Default 6, six times.
    pub depth: Vec<usize>,
    /// Heads of attention by group, even. Default 6, six times.
    pub num_heads: Vec<usize>,
    /// Height and width of windows, which half of the heads have turned; one is a multiple of the other. Default 8, 32.
    pub split_size: [usize; 2],
    /// How many times more channels a block has inside, above 0 and at most 64. Default 2 (DAT-2); DAT has 4.
    pub expansion_factor: f64,
    /// Whether queries, keys and values have a bias. Default true.
    pub qkv_bias: bool,
    /// How the photo is enlarged: `pixelshuffle`, or `pixelshuffledirect` (DAT-light). Default `pixelshuffle`.
    pub upsampler: Upsampler,
    /// What stands before skip connections: `1conv`, or `3conv` (DAT-light). Default `1conv`.
    pub resi_connection: ResiConnection,
    /// Channels between enlargements, at least 1. Default 64, which all published files have.
    pub num_feat: usize,
}

impl Default for DatConfig {
    fn default() -> Self {
        Self {
            embed_dim: 180,
            depth: vec![6; 6],
            num_heads: vec![6; 6],
            split_size: [8, 32],
            expansion_factor: 2.0,
            qkv_bias: true,
            upsampler: Upsampler::PixelShuffle,
            resi_connection: ResiConnection::One,
            num_feat: FEATURES,
        }
    }
}

impl DatConfig {
    /// Channels inside a block.
    pub(super) fn hidden(&self) -> usize {
        // A factor that was a quotient may be a little too small.
        (self.embed_dim as f64 * self.expansion_factor + 1e-9) as usize
    }

    /// The longer side of a window.
    fn longest(&self) -> usize {
        self.split_size[0].max(self.split_size[1])
    }
}

impl Architecture for DatConfig {
    type Network = Dat;

    const ABOUT: &'static str =
        "DAT, a transformer in windows and between channels: DAT, DAT-S, DAT-2, DAT-light";
    const SCALES: &'static [usize] = &[1, 2, 3, 4, 8];

    fn check(&self) -> Result<(), Unfit> {
        within("embed_dim", self.embed_dim, 32, MOST_CHANNELS)?;
        within("num_feat", self.num_feat, 1, MOST_CHANNELS)?;
        check_groups(self.embed_dim, ("depth", &self.depth), &self.num_heads)?;
        // Each half of the channels has half of the heads.
        if let Some(heads) = self.num_heads.iter().find(|heads| !heads.is_multiple_of(2)) {
            return Err(("num_heads", format!("must be even; one is {heads}")));
        }
        self.split_size.iter().try_for_each(|side| within("split_size", *side, 1, 64))?;
        let [height, width] = self.split_size;
        if !height.is_multiple_of(width) && !width.is_multiple_of(height) {
            return Err(("split_size", "must have one side that is a multiple of the other".to_string()));
        }
        if !(self.expansion_factor <= 64.0 && self.hidden() > 0 && self.hidden().is_multiple_of(2)) {
            let problem = format!(
                "must be at most 64 and make an even number of channels; it is {}",
                self.expansion_factor
            );
            return Err(("expansion_factor", problem));
        }
        match self.upsampler {
            Upsampler::PixelShuffle | Upsampler::PixelShuffleDirect => Ok(()),
            _ => Err(("upsampler", "must be pixelshuffle or pixelshuffledirect".to_string())),
        }
    }

    fn init(&self, scale: usize, in_channels: usize, init: &Init) -> Dat {
        Dat::new(self, scale, in_channels, init)
    }

    /// What a block joins and makes of it, or the enlarged features before and after a shuffle.
    fn extent(&self, scale: usize) -> Extent {
        let enlarged = match self.upsampler {
            Upsampler::PixelShuffle => 3 * self.num_feat * scale * scale,
            _ => 0,
        };
        let floats = (10 * self.embed_dim).max(4 * self.embed_dim + 3 * self.hidden());
        Extent { multiple: 1, overlap: ENOUGH, floats: floats + enlarged + 6 * scale * scale }
    }

    /// As `spandrel` does. Its authors take any size.
    fn border(&self, multiple: usize) -> Border {
        Border { least: 16, multiple, edges: Edges::Mirrored }
    }

    /// Both ways of a window.
    fn alignment(&self) -> usize {
        self.longest()
    }

    /// What follows from the windows and from the size of the photos in training, and counts of steps, are left out.
    fn with_our_names(state: StateDict) -> StateDict {
        let follows = |name: &str| {
            let last = name.rsplit('.').next().unwrap_or(name);
            ["attn_mask_0", "attn_mask_1", "relative_position_index", "num_batches_tracked"].contains(&last)
        };
        state.renamed(|name| (!follows(name)).then(|| name.to_string()))
    }

    fn fitted(&self, state: &StateDict) -> Self {
        let embed_dim = results(state, "conv_first.weight", self.embed_dim);
        let groups = 0..places(state, "layers.");
        let asked = Self { embed_dim, ..self.clone() };
        let hidden = results(state, "layers.0.blocks.0.ffn.fc1.weight", asked.hidden());
        let expansion_factor = match hidden == asked.hidden() {
            true => self.expansion_factor,
            false => hidden as f64 / embed_dim.max(1) as f64,
        };
        let has = |name: &str| state.get(name).is_some();
        let heads = |group: usize| {
            let [channels, windows] = ["1.attn.temperature", "0.attn.attns.0.pos.pos3.2.weight"]
                .map(|name| format!("layers.{group}.blocks.{name}"));
            results(state, &channels, 2 * results(state, &windows, 1))
        };
        let direct = has("upsample.0.weight") && !has("conv_last.weight");
        let upsampler = if direct { Upsampler::PixelShuffleDirect } else { Upsampler::PixelShuffle };
        Self {
            depth: groups.clone().map(|group| places(state, &format!("layers.{group}.blocks."))).collect(),
            num_heads: groups.map(heads).collect(),
            split_size: split_size(state).unwrap_or(self.split_size),
            expansion_factor,
            qkv_bias: has("layers.0.blocks.0.attn.qkv.bias"),
            upsampler,
            resi_connection: ResiConnection::of(state),
            num_feat: results(state, "conv_before_upsample.0.weight", upsampler.features(self.num_feat)),
            ..asked
        }
    }

    fn scale(&self, state: &StateDict) -> Option<usize> {
        match self.upsampler {
            Upsampler::PixelShuffleDirect => shuffled(state, "upsample.0.weight", 3),
            _ => upsampler::scale_of_stages(state, self.num_feat),
        }
    }

    fn completed(&self) -> Self {
        Self { num_feat: self.upsampler.features(self.num_feat), ..self.clone() }
    }
}

/// Height and width of the windows: the last difference of positions in one, and where values are not there, sides that have as
/// many differences. Other sides of as many have the same shapes.
fn split_size(state: &StateDict) -> Option<[usize; 2]> {
    let differences = state.get("layers.0.blocks.0.attn.attns.0.rpe_biases")?;
    let count = *differences.shape.first()?;
    let fits = |[height, width]: [usize; 2]| (2 * height - 1).checked_mul(2 * width - 1) == Some(count);
    if let [.., height, width] = differences.data[..] {
        let sides = [height, width].map(|side| side as usize + 1);
        return sides
            .iter()
            .all(|side| (1..=64).contains(side))
            .then_some(sides)
            .filter(|sides| fits(*sides));
    }
    (1..=64).rev().map(|height| [height, count.checked_div(2 * height - 1).unwrap_or(0).div_ceil(2)]).find(
        |sides| {
            let [height, width] = *sides;
            (1..=64).contains(&width) && width.is_multiple_of(height) && fits(*sides)
        },
    )
}
