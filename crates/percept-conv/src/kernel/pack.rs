//! Weights in the order in which the register tiles read them.

use rayon::prelude::*;

use super::Level;
use super::bf16::pair;
use super::slot::slots;
use crate::precision::Precision;

/// Channels that are written at once: as many weights of a result as stand in one line of the cache.
const TOGETHER: usize = 16;
/// Weights from which on they are packed in parallel, and the least runs of a task.
const MANY: usize = 1 << 14;
const RUNS: usize = 4;

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

/// Weights as `[block][tap][slot][lane]`, lanes beyond the last channel zero. A slot is for one source channel or two, by the
/// precision.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) level: Level,
    pub(crate) precision: Precision,
    pub(crate) channels: usize,
    pub(crate) results: usize,
    parts: Vec<(Block, Vec<f32>)>,
}

impl Packed {
    /// For `results` channels made of `channels`; `weight(result, channel, tap)` is one weight.
    fn new(
        level: Level,
        precision: Precision,
        [results, channels, taps]: [usize; 3],
        weight: impl Fn(usize, usize, usize) -> f32 + Sync,
    ) -> Self {
        let slots = slots(precision, channels);
        let in_slot = |result, slot, tap| match precision {
            Precision::F32 => weight(result, slot, tap),
            Precision::Bf16 => {
                let of = |channel| if channel < channels { weight(result, channel, tap) } else { 0.0 };
                pair(of(2 * slot), of(2 * slot + 1))
            }
        };
        let size = |block: &Block| slots * block.vectors * level.lanes();
        let empty = |block: Block| (block, vec![0.0; taps * size(&block)]);
        let mut parts: Vec<_> = blocks(results, level).into_iter().map(empty).collect();
        // Of every block and tap, some slots.
        let runs = parts.iter_mut().flat_map(|(block, values)| {
            let block = *block;
            values.chunks_mut(size(&block).max(1)).enumerate().flat_map(move |(tap, values)| {
                let runs = values.chunks_mut(TOGETHER * block.vectors * level.lanes()).enumerate();
                runs.map(move |(run, values)| (block, tap, run * TOGETHER, values))
            })
        });
        let pack = |(block, tap, first, values): (Block, usize, usize, &mut [f32])| {
            for lane in 0..block.width {
                for (slot, values) in values.chunks_mut(block.vectors * level.lanes()).enumerate() {
                    values[lane] = in_slot(block.start + lane, first + slot, tap);
                }
            }
        };
        match results * channels * taps < MANY {
            true => runs.for_each(pack),
            false => runs.collect::<Vec<_>>().into_par_iter().with_min_len(RUNS).for_each(pack),
        }
        Self { level, precision, channels, results, parts }
    }

    /// Weights `[out, in, taps]` for the forward pass.
    pub(crate) fn forward(
        level: Level,
        precision: Precision,
        weight: &[f32],
        [out, input, taps]: [usize; 3],
    ) -> Self {
        Self::new(level, precision, [out, input, taps], |o, i, tap| weight[(o * input + i) * taps + tap])
    }

    /// The same for the gradient to the input: what was read is now the result.
    pub(crate) fn gradient(
        level: Level,
        precision: Precision,
        weight: &[f32],
        [out, input, taps]: [usize; 3],
    ) -> Self {
        Self::new(level, precision, [input, out, taps], |i, o, tap| weight[(o * input + i) * taps + tap])
    }

    /// Slots of a source pixel.
    pub(crate) fn slots(&self) -> usize {
        slots(self.precision, self.channels)
    }

    /// The blocks with their weights.
    pub(crate) fn parts(&self) -> impl Iterator<Item = (Block, &[f32])> {
        self.parts.iter().map(|(block, values)| (*block, values.as_slice()))
    }
}
