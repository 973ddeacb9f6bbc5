//! A whole convolution (or its gradient to the input) by register tiles, over all cores.

use std::mem::MaybeUninit;

use super::fill::filled_by;
use super::pairs::paired_pixels;
use super::pointwise::pointwise_to;
use super::signs::Signs;
use super::tile::{Gather, Sources, Target, compute};
use super::{Epilogue, Packed};
use crate::geometry::Axis;
use crate::precision::Precision;

/// Pixels that one task computes, where there are enough.
const TASK_PIXELS: usize = 400;
/// Tasks that there should be at least, so that every core has something to do.
const TASKS: usize = 32;

/// Most rows of a register tile.
const MOST_ROWS: usize = 8;

/// The convolution of `x` (`[batch, rows.source, columns.source, weights.channels]`): the result is
/// `[batch, rows.len(), columns.len(), weights.results]`.
///
/// The work is cut by the shape alone, so that the result does not depend on the number of threads.
/// It is written to the memory of `spare`, its signs to `signs`.
pub(crate) fn convolve_to(
    spare: Vec<f32>,
    x: &[f32],
    batch: usize,
    [rows, columns]: [&Axis; 2],
    weights: &Packed,
    epilogue: Epilogue<'_>,
    signs: Option<&mut Signs>,
) -> Vec<f32> {
    // Without channels nothing tells how many pixels there are.
    let values = match weights.channels > 0 && rows.is_identity() && columns.is_identity() {
        true => pointwise_to(spare, x, weights, epilogue),
        false => gathered_to(spare, x, batch, [rows, columns], weights, epilogue),
    };
    if let Some(signs) = signs {
        *signs = Signs::of(weights.level, &values);
    }
    values
}

/// The same, with any taps.
fn gathered_to(
    spare: Vec<f32>,
    x: &[f32],
    batch: usize,
    [rows, columns]: [&Axis; 2],
    weights: &Packed,
    epilogue: Epilogue<'_>,
) -> Vec<f32> {
    let (slots, results) = (weights.slots(), weights.results);
    let paired = match weights.precision {
        Precision::F32 => None,
        Precision::Bf16 => Some(paired_pixels(weights.level, x, weights.channels)),
    };
    let x = paired.as_deref().unwrap_or(x);
    let (height, width) = (rows.len(), columns.len());
    let line = width * results;
    let all = batch * height;
    let zeros = vec![0.0; slots];
    let no_bias = vec![0.0; results];
    let bias = if epilogue.bias.is_empty() { &no_bias } else { epilogue.bias };
    let lines = (TASK_PIXELS / width.max(1)).clamp(1, (all / TASKS).max(1));
    let task = |(index, out): (usize, &mut [MaybeUninit<f32>])| {
        let first = index * lines;
        let pixels = out.len() / results;
        let source = |line: usize, y: usize| (first + line) / height * rows.source + y;
        let down = |line: usize| rows.reads((first + line) % height);
        let read =
            (0..pixels / width).flat_map(|line| down(line).iter().flatten().map(move |y| source(line, *y)));
        let (from, to) = read.fold((usize::MAX, 0), |(from, to), at| (from.min(at), to.max(at + 1)));
        let stride = columns.source * slots;
        let read = (from.min(to)..to).map(|line| &x[line * stride..][..stride]);
        let gather = Gather::new(columns, read, &zeros);
        let mut sources = Sources::default();
        for (block, part) in weights.parts() {
            let tile = weights.level.rows(block.vectors);
            for start in (0..pixels).step_by(tile) {
                let at: [(usize, usize); MOST_ROWS] = std::array::from_fn(|i| {
                    let pixel = (start + i).min(pixels - 1);
                    (pixel / width, columns.order[pixel % width])
                });
                let at = &at[..tile];
                sources.starts.clear();
                sources.taps.clear();
                for tap in 0..rows.taps {
                    let mut reads = false;
                    for (line, column) in at {
                        let y = down(*line)[tap].map(|y| source(*line, y) - from);
                        reads |= y.is_some();
                        sources.starts.push(gather.start(y, *column));
                    }
                    if reads {
                        let reads = |along: &usize| {
                            columns.dense
                                || at.iter().any(|(_, column)| columns.reads(*column)[*along].is_some())
                        };
                        let along = (0..columns.taps).filter(reads);
                        sources.taps.extend(along.map(|along| tap * columns.taps + along));
                    }
                }
                let places: [usize; MOST_ROWS] = std::array::from_fn(|i| {
                    at.get(i).map_or(0, |(line, column)| (line * width + column) * results + block.start)
                });
                compute(
                    (weights.level, weights.precision),
                    (&gather, &sources),
                    part,
                    block,
                    Target {
                        residual: epilogue.residual.map(|all| &all[first * line..][..out.len()]),
                        out: &mut *out,
                        places: &places[..tile.min(pixels - start)],
                        bias: &bias[block.start..][..block.width],
                        slope: epilogue.slope.map(|slope| &slope[block.start..][..block.width]),
                        activation: epilogue.activation,
                    },
                );
            }
        }
    };
    // SAFETY: the blocks cover all channels and the tiles all pixels of every chunk.
    unsafe { filled_by(spare, all * line, lines * line, task).0 }
}
