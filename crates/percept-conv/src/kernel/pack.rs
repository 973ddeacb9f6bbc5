//! Weights in the order in which the register tiles read them.

use super::Level;

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
        weight: impl Fn(usize, usize, usize) -> f32,
    ) -> Self {
        let part = |block: Block| {
            let lanes = block.vectors * level.lanes();
            let mut values = vec![0.0; taps * channels * lanes];
            if lanes > 0 {
                for (i, row) in values.chunks_exact_mut(lanes).enumerate() {
                    for (lane, value) in row.iter_mut().take(block.width).enumerate() {
                        *value = weight(block.start + lane, i % channels, i / channels);
                    }
                }
            }
            (block, values)
        };
        let parts = blocks(results, level).into_iter().map(part).collect();
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
