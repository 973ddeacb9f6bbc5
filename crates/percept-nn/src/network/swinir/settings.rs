//! Settings of SwinIR, and what they say of its networks.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{SwinIr, UPS};
use crate::network::architecture::{
    Architecture, Extent, MOST_BLOCKS, MOST_CHANNELS, Unfit, made, places, read_by, results, shuffled, within,
};
use crate::network::border::{Border, Edges};
use crate::network::init::Init;
use crate::network::upsampler::{self, FEATURES, ResiConnection, Upsampler};
use crate::weights::StateDict;

/// An overlap that is enough: on paper every block sees a window further.
const ENOUGH: usize = 48;
/// The window of the models for JPEG files, which read values up to 255.
const JPEG_WINDOW: usize = 7;
/// Windows of more pixels than this would need gigabytes to compare each with every other.
const MOST_WINDOW: usize = 64;

/// Settings of `type = "swinir"`: SwinIR, scales 1, 2, 3, 4 and 8.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SwinIrConfig {
    /// Channels of the features, a multiple of every number of heads. Default 60, the lightweight network.
    pub embed_dim: usize,
    /// Blocks by group. Default 6, 6, 6, 6.
    pub depths: Vec<usize>,
    /// Heads of attention by group. Default 6, 6, 6, 6.
    pub num_heads: Vec<usize>,
    /// Side of the windows, from 1 to 64. Default 8.
    pub window_size: usize,
    /// How many times more channels a block has inside, above 0 and at most 64. Default 2.
    pub mlp_ratio: f64,
    /// Whether queries, keys and values have biases. Default true, which all published files have.
    pub qkv_bias: bool,
    /// Whether features are normalised before the first group. Default true, which all published files have.
    pub patch_norm: bool,
    /// How the photo is enlarged: `pixelshuffle` (classical), `pixelshuffledirect` (lightweight), `nearest+conv` (real-world;
    /// scales 2, 4 and 8), or an empty text for pictures that keep their size. Default `pixelshuffledirect`.
    pub upsampler: Upsampler,
    /// What stands before skip connections: `1conv` or `3conv`. Default `1conv`.
    pub resi_connection: ResiConnection,
    /// Channels between enlargements, at least 1. Default 64, which all published files have.
    pub num_feat: usize,
    /// The range of values that the network reads, from 0.001 to 65535. Default as its authors have it: 255 with windows
    /// of 7 (their models for JPEG files), 1 with others.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(example = 1.0)]
    pub img_range: Option<f64>,
}

impl Default for SwinIrConfig {
    fn default() -> Self {
        Self {
            embed_dim: 60,
            depths: vec![6; 4],
            num_heads: vec![6; 4],
            window_size: 8,
            mlp_ratio: 2.0,
            qkv_bias: true,
            patch_norm: true,
            upsampler: Upsampler::PixelShuffleDirect,
            resi_connection: ResiConnection::One,
            num_feat: FEATURES,
            img_range: None,
        }
    }
}

impl SwinIrConfig {
    /// Channels inside a block.
    pub(super) fn hidden(&self) -> usize {
        // A ratio that was a quotient may be a little too small.
        (self.embed_dim as f64 * self.mlp_ratio + 1e-9) as usize
    }

    pub(super) fn range(&self) -> f64 {
        self.img_range.unwrap_or(if self.window_size == JPEG_WINDOW { 255.0 } else { 1.0 })
    }
}

impl Architecture for SwinIrConfig {
    type Network = SwinIr;

    const ABOUT: &'static str =
        "SwinIR, a transformer in windows: classical, lightweight, real-world, denoising";
    const SCALES: &'static [usize] = &[1, 2, 3, 4, 8];

    fn check(&self) -> Result<(), Unfit> {
        within("embed_dim", self.embed_dim, 1, MOST_CHANNELS)?;
        within("window_size", self.window_size, 1, MOST_WINDOW)?;
        within("num_feat", self.num_feat, 1, MOST_CHANNELS)?;
        check_groups(self.embed_dim, ("depths", &self.depths), &self.num_heads)?;
        if !(self.mlp_ratio <= 64.0 && self.hidden() > 0) {
            let problem = format!("must be above 0 and at most 64; it is {}", self.mlp_ratio);
            return Err(("mlp_ratio", problem));
        }
        if self.resi_connection == ResiConnection::Three {
            within("embed_dim", self.embed_dim, 4, MOST_CHANNELS)?;
        }
        match (0.001..=65_535.0).contains(&self.range()) {
            true => Ok(()),
            false => Err(("img_range", format!("must be from 0.001 to 65535; it is {}", self.range()))),
        }
    }

    fn check_scale(&self, scale: usize) -> Result<(), Unfit> {
        let fits = match self.upsampler {
            Upsampler::NearestConv => scale > 1 && scale.is_power_of_two(),
            Upsampler::None => scale == 1,
            _ => true,
        };
        match fits {
            true => Ok(()),
            false => Err(("upsampler", format!("cannot be this one where the scale is {scale}"))),
        }
    }

    fn init(&self, scale: usize, in_channels: usize, init: &Init) -> SwinIr {
        SwinIr::new(self, scale, in_channels, init)
    }

    /// What a block joins and makes of it, or the enlarged features before and after a shuffle.
    fn extent(&self, scale: usize) -> Extent {
        let enlarged = match self.upsampler {
            Upsampler::PixelShuffle | Upsampler::NearestConv => 3 * self.num_feat * scale * scale,
            _ => 0,
        };
        let blocks = self.depths.iter().sum::<usize>();
        Extent {
            multiple: self.window_size,
            overlap: ENOUGH.min((blocks + 1) * self.window_size),
            floats: 7 * self.embed_dim + 2 * self.hidden() + enlarged + 6 * scale * scale,
        }
    }

    /// As its authors do; sides below 16 pixels as `spandrel` does.
    fn border(&self, multiple: usize) -> Border {
        Border { least: 16, multiple, edges: Edges::Mirrored }
    }

    /// What follows from the window and from the size of the photos in training is left out.
    fn with_our_names(state: StateDict) -> StateDict {
        let follows = |name: &str| name.ends_with(".attn_mask") || name.ends_with(".relative_position_index");
        state.renamed(|name| (!follows(name)).then(|| name.to_string()))
    }

    fn fitted(&self, state: &StateDict) -> Self {
        let embed_dim = results(state, "conv_first.weight", self.embed_dim);
        let groups = 0..places(state, "layers.");
        let table = |group: usize| {
            let name = format!("layers.{group}.residual_group.blocks.0.attn.relative_position_bias_table");
            state.get(&name).and_then(|array| Some((*array.shape.first()?, *array.shape.get(1)?)))
        };
        let window_size = table(0).map_or(self.window_size, |(rows, _)| rows.isqrt().div_ceil(2));
        let asked = Self { embed_dim, window_size, ..self.clone() };
        let hidden = results(state, "layers.0.residual_group.blocks.0.mlp.fc1.weight", asked.hidden());
        let mlp_ratio = match hidden == asked.hidden() {
            true => self.mlp_ratio,
            false => hidden as f64 / embed_dim.max(1) as f64,
        };
        let has = |name: &str| state.get(name).is_some();
        let upsampler = match (has("conv_before_upsample.0.weight"), has("conv_up1.weight")) {
            (true, true) => Upsampler::NearestConv,
            (true, false) => Upsampler::PixelShuffle,
            _ if has("upsample.0.weight") => Upsampler::PixelShuffleDirect,
            _ => Upsampler::None,
        };
        let blocks = |group: usize| places(state, &format!("layers.{group}.residual_group.blocks."));
        Self {
            depths: groups.clone().map(blocks).collect(),
            num_heads: groups.map(|group| table(group).map_or(1, |(_, heads)| heads)).collect(),
            mlp_ratio,
            qkv_bias: has("layers.0.residual_group.blocks.0.attn.qkv.bias"),
            patch_norm: has("patch_embed.norm.weight"),
            upsampler,
            resi_connection: ResiConnection::of(state),
            num_feat: results(state, "conv_before_upsample.0.weight", upsampler.features(self.num_feat)),
            img_range: Some(asked.range()),
            ..asked
        }
    }

    fn scale(&self, state: &StateDict) -> Option<usize> {
        match self.upsampler {
            Upsampler::PixelShuffle => upsampler::scale_of_stages(state, self.num_feat),
            Upsampler::PixelShuffleDirect => {
                shuffled(state, "upsample.0.weight", made(self.in_channels(state)))
            }
            Upsampler::NearestConv => {
                let stages = UPS.iter().filter(|name| state.get(&format!("{name}.weight")).is_some());
                Some(1 << stages.count())
            }
            Upsampler::None => Some(1),
        }
    }

    fn in_channels(&self, state: &StateDict) -> usize {
        read_by(state, "conv_first.weight")
    }

    fn completed(&self) -> Self {
        let num_feat = self.upsampler.features(self.num_feat);
        Self { num_feat, img_range: Some(self.range()), ..self.clone() }
    }
}

/// Whether there are as many numbers of heads as groups, each a divisor of the channels; `depths` has its name.
pub(in crate::network) fn check_groups(
    embed_dim: usize,
    (name, depths): (&'static str, &[usize]),
    num_heads: &[usize],
) -> Result<(), Unfit> {
    within(name, depths.len(), 0, MOST_BLOCKS)?;
    depths.iter().try_for_each(|depth| within(name, *depth, 0, MOST_BLOCKS))?;
    if num_heads.len() != depths.len() {
        return Err(("num_heads", format!("must have as many groups as {name}")));
    }
    match num_heads.iter().find(|heads| **heads == 0 || !embed_dim.is_multiple_of(**heads)) {
        Some(heads) => {
            Err(("num_heads", format!("must divide embed_dim, which is {embed_dim}; one is {heads}")))
        }
        None => Ok(()),
    }
}
