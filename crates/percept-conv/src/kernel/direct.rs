//! A whole convolution (or its gradient to the input) by register tiles, over all cores.

use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::Packed;
use super::tile::{Gather, Target, compute};
use crate::Activation;
use crate::geometry::Axis;

/// Pixels that one task computes, where there are enough.
const TASK_PIXELS: usize = 400;
/// Tasks that there should be at least, so that every core has something to do.
const TASKS: usize = 32;

/// What is done to a convolution's result before it is stored.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Epilogue<'a> {
    /// One number for each result channel, or empty for zeros.
    pub(crate) bias: &'a [f32],
    /// Added; laid out as the result.
    pub(crate) residual: Option<&'a [f32]>,
    /// Applied last.
    pub(crate) activation: Activation,
}

/// The convolution of `x` (`[batch, rows.source, columns.source, weights.channels]`): the result is
/// `[batch, rows.len(), columns.len(), weights.results]`.
///
/// The work is cut by the shape alone, so that the result does not depend on the number of threads.
pub(crate) fn convolve(
    x: &[f32],
    batch: usize,
    [rows, columns]: [&Axis; 2],
    weights: &Packed,
    epilogue: Epilogue<'_>,
) -> Vec<f32> {
    let (channels, results) = (weights.channels, weights.results);
    let (height, width) = (rows.len(), columns.len());
    let line = width * results;
    let all = batch * height;
    let zeros = vec![0.0; channels];
    let no_bias = vec![0.0; results];
    let bias = if epilogue.bias.is_empty() { &no_bias } else { epilogue.bias };
    let lines = (TASK_PIXELS / width.max(1)).clamp(1, (all / TASKS).max(1));
    let task = |(index, out): (usize, &mut [MaybeUninit<f32>])| {
        let first = index * lines;
        let pixels = out.len() / results;
        for (block, part) in weights.parts() {
            let tile = weights.level.rows(block.vectors);
            let mut gather = Gather::new(tile, &zeros);
            let mut places = Vec::with_capacity(tile);
            for start in (0..pixels).step_by(tile) {
                gather.clear();
                places.clear();
                let at: Vec<_> = (start..(start + tile).min(pixels))
                    .map(|pixel| {
                        let (line, column) = (pixel / width, columns.order[pixel % width]);
                        places.push((line * width + column) * results + block.start);
                        let line = first + line;
                        (line / height * rows.source, rows.reads(line % height), columns.reads(column))
                    })
                    .collect();
                let across = weights.taps / at.first().map_or(1, |(_, down, _)| down.len());
                for tap in 0..weights.taps {
                    gather.push(tap, |row| {
                        let (base, down, along) = at.get(row)?;
                        let (y, x_at) = (down[tap / across]?, along[tap % across]?);
                        x.get(((base + y) * columns.source + x_at) * channels..)
                    });
                }
                compute(
                    weights.level,
                    &gather,
                    part,
                    block,
                    Target {
                        residual: epilogue.residual.map(|all| &all[first * line..][..out.len()]),
                        out: &mut *out,
                        places: &places,
                        bias: &bias[block.start..][..block.width],
                        activation: epilogue.activation,
                    },
                );
            }
        }
    };
    // SAFETY: the blocks cover all channels and the tiles all pixels of every chunk.
    unsafe { filled_by(all * line, lines * line, task) }
}

/// `length` numbers written in parallel, `chunk` at a time; `write` gets the index of its chunk.
pub(crate) fn filled(
    length: usize,
    chunk: usize,
    write: impl Fn(usize, &mut [f32]) + Sync + Send,
) -> Vec<f32> {
    let task = |(index, out): (usize, &mut [MaybeUninit<f32>])| {
        out.fill(MaybeUninit::new(0.0));
        // SAFETY: just initialised.
        write(index, unsafe { out.assume_init_mut() });
    };
    // SAFETY: every chunk is filled above.
    unsafe { filled_by(length, chunk, task) }
}

/// # Safety
/// `write` must initialise all of every chunk that it is given.
unsafe fn filled_by(
    length: usize,
    chunk: usize,
    write: impl Fn((usize, &mut [MaybeUninit<f32>])) + Sync + Send,
) -> Vec<f32> {
    let mut values = Vec::with_capacity(length);
    if length > 0 {
        values.spare_capacity_mut()[..length].par_chunks_mut(chunk.max(1)).enumerate().for_each(write);
    }
    // SAFETY: the capacity is there, and the caller's `write` has initialised all of it.
    unsafe { values.set_len(length) }
    values
}
