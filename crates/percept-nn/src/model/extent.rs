//! How far a network sees, what sizes it takes, and what it costs in memory.

use crate::network::NetworkConfig;

/// What cutting an image into tiles has to know about a network. Lengths are in pixels of the network's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Sides that are multiples of it need no padding, and tiles that start at multiples of it are computed as the
    /// whole image is.
    pub multiple: usize,
    /// What a tile has to read around itself so that its result is that of the whole image within half a level of 8
    /// bits: as far as the network sees, global pooling left aside, or as far as was measured to be enough.
    pub overlap: usize,
    /// Floats that are alive at the peak, for every pixel.
    pub floats: usize,
}

/// Deep residual networks see hundreds of pixels far on paper and a dozen in effect. Measured with initial weights, and
/// with weights grown up to four times and all gates open until most of the result was cut off at 0 or 1: plain
/// convolutions differ by 0.3 of a level or less from an overlap of 32 on, the U-Net's levels by 0.5 from 64 on. Only
/// networks that do nothing but amplify (every value cut off) differ more.
const ENOUGH: usize = 32;
const ENOUGH_IN_LEVELS: usize = 64;

impl Extent {
    /// Of a network that enlarges `scale` times.
    pub fn of(network: &NetworkConfig, scale: usize) -> Self {
        match network {
            // Two 3×3 convolutions a block and four or five around them; where the size grows, two maps of the result's
            // size hold most of the memory.
            NetworkConfig::SrResNet(config) => Self {
                multiple: 1,
                overlap: ENOUGH.min(2 * config.num_block + 5),
                floats: config.num_feat * (3 + 2 * scale * scale),
            },
            NetworkConfig::Edsr(config) => Self {
                multiple: 1,
                overlap: ENOUGH.min(2 * config.num_block + 5),
                floats: config.num_feat * (3 + 2 * scale * scale),
            },
            // Fifteen convolutions a block, on pixels of 4/scale of the input's.
            NetworkConfig::RrdbNet(config) => {
                let fold = 4 / scale.clamp(1, 4);
                let dense = config.num_feat + 4 * config.num_grow_ch;
                Self {
                    multiple: fold,
                    overlap: ENOUGH.min((15 * config.num_block + 5) * fold),
                    floats: (3 * config.num_feat + 2 * dense) / (fold * fold)
                        + 2 * config.num_feat * scale * scale,
                }
            }
            // One of its maps, what the next one becomes, and the result before and after the shuffle.
            NetworkConfig::Compact(config) => Self {
                multiple: 1,
                overlap: ENOUGH.min(config.num_conv + 2),
                floats: 2 * config.num_feat + 9 * scale * scale,
            },
            // One 3×3 convolution a block; a pixel of level l covers 2^l, and so does what halving reads beside it.
            NetworkConfig::NafNet(config) => {
                let levels = config.enc_blk_nums.len();
                let blocks = config.enc_blk_nums.iter().zip(config.dec_blk_nums.iter().rev()).enumerate();
                let sides = blocks.map(|(level, (encoder, decoder))| (encoder + decoder + 2) << level);
                Self {
                    multiple: 1 << levels,
                    overlap: ENOUGH_IN_LEVELS
                        .min(2 + sides.sum::<usize>() + (config.middle_blk_num << levels)),
                    floats: 12 * config.width,
                }
            }
        }
    }
}
