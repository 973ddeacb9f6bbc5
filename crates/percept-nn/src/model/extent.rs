//! How far a network sees, what sizes it takes, and what it costs in memory.

use crate::network::NetworkConfig;

/// What cutting an image into tiles has to know about a network. Lengths are in pixels of the network's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Sides that are multiples of it need no padding, and tiles that start at multiples of it are computed as the
    /// whole image is.
    pub multiple: usize,
    /// How far from a pixel its result still depends on the input, global pooling left aside.
    pub reach: usize,
    /// Floats that are alive at the peak, for every pixel.
    pub floats: usize,
}

impl Extent {
    /// Of a network that enlarges `scale` times.
    pub fn of(network: &NetworkConfig, scale: usize) -> Self {
        match network {
            // Two 3×3 convolutions a block and four or five around them; where the size grows, two maps of the result's
            // size hold most of the memory.
            NetworkConfig::SrResNet(config) => Self {
                multiple: 1,
                reach: 2 * config.num_block + 5,
                floats: config.num_feat * (3 + 2 * scale * scale),
            },
            NetworkConfig::Edsr(config) => Self {
                multiple: 1,
                reach: 2 * config.num_block + 5,
                floats: config.num_feat * (3 + 2 * scale * scale),
            },
            // Fifteen convolutions a block, on pixels of 4/scale of the input's.
            NetworkConfig::RrdbNet(config) => {
                let fold = 4 / scale.clamp(1, 4);
                let dense = config.num_feat + 4 * config.num_grow_ch;
                Self {
                    multiple: fold,
                    reach: (15 * config.num_block + 5) * fold,
                    floats: (3 * config.num_feat + 2 * dense) / (fold * fold)
                        + 2 * config.num_feat * scale * scale,
                }
            }
            // One 3×3 convolution a block; a pixel of level l covers 2^l, and so does what halving reads beside it.
            NetworkConfig::NafNet(config) => {
                let levels = config.enc_blk_nums.len();
                let blocks = config.enc_blk_nums.iter().zip(config.dec_blk_nums.iter().rev()).enumerate();
                let sides = blocks.map(|(level, (encoder, decoder))| (encoder + decoder + 2) << level);
                Self {
                    multiple: 1 << levels,
                    reach: 2 + sides.sum::<usize>() + (config.middle_blk_num << levels),
                    floats: 12 * config.width,
                }
            }
        }
    }
}
