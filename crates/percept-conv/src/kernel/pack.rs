//! Weights in the order in which the register tiles read them.

use rayon::prelude::*;

use super::Level;

/// Channels that are written at once: as many weights of a result as stand in one line of the cache.
const TOGETHER: usize = 16;
/// Weights from which on the blocks are packed in parallel.
const MANY: usize = 1 << 14;

/// A run of result channels that one register tile covers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    /// First channel.
    pub(crate) start: usize,
    /// Number of channels.
    pub(crate) width: usize,
    /// Vectors that hold them.
    pub(crate) vectors: usize,
}

/// `channels` cut into blocks for `level`.
pub(crate) fn blocks(channels: usize, level: Level) -> Vec<Block> {
    let widest = level.widest() * level.lanes();
    let block = |start| {
        let width = widest.min(channels - start);
        Block { start, width, vectors: width.div_ceil(level.lanes()) }
    };
    (0..channels).step_by(widest).map(block).collect()
}

/// Weights as `[block][tap][source channel][lane]`, lanes beyond the last channel zero.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) level: Level,
    pub(crate) channels: usize,
    pub(crate) results: usize,
    parts: Vec<(Block, Vec<f32>)>,
}

impl Packed {
    /// For `results` channels made of `channels`; `weight(result, channel, tap)` is one weight.
    fn new(
        level: Level,
        [results, channels, taps]: [usize; 3],
        weight: impl Fn(usize, usize, usize) -> f32 + Sync,
    ) -> Self {
        let part = |block: Block| {
            let lanes = block.vectors * level.lanes();
            let mut values = vec![0.0; taps * channels * lanes];
            for tap in 0..taps {
                for first in (0..channels).step_by(TOGETHER) {
                    for lane in 0..block.width {
                        for channel in first..channels.min(first + TOGETHER) {
                            values[(tap * channels + channel) * lanes + lane] =
                                weight(block.start + lane, channel, tap);
                        }
                    }
                }
            }
            (block, values)
        };
        let blocks = blocks(results, level);
        let parts = match results * channels * taps < MANY {
            true => blocks.into_iter().map(part).collect(),
            false => blocks.into_par_iter().map(part).collect(),
        };
        Self { level, channels, results, parts }
    }

    /// Weights `[out, in, taps]` for the forward pass.
    pub(crate) fn forward(level: Level, weight: &[f32], [out, input, taps]: [usize; 3]) -> Self {
        Self::new(level, [out, input, taps], |o, i, tap| weight[(o * input + i) * taps + tap])
    }

    /// The same for the gradient to the input: what was read is now the result.
    pub(crate) fn gradient(level: Level, weight: &[f32], [out, input, taps]: [usize; 3]) -> Self {
        Self::new(level, [input, out, taps], |i, o, tap| weight[(o * input + i) * taps + tap])
    }

    /// The blocks with their weights.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (Block, &[f32])> {
        self.parts.iter().map(|(block, values)| (*block, values.as_slice()))
    }
}
