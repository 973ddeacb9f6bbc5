//! A convolution with one element: every pixel by itself, so that no source need be looked up.

use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

use super::Packed;
use super::epilogue::{Epilogue, activated, leaky};
use super::fill::filled_by;
use super::level::Tiled;
use super::pairs::pair_pixels;
use super::simd::Simd;
use super::slot::{Pair, Single, Slot};
use crate::conv::Activation;
use crate::precision::Precision;

/// Pixels that one task computes at most, and tasks that there should be, so that every core has something to do.
const PIXELS: usize = 192;
const TASKS: usize = 32;
/// Weights beyond this number come from the last cache for every task anew, which costs more than cores that wait for each
/// other: then there is one task a core.
const STREAMED: usize = 1 << 16;
/// A multiple of the rows of all register tiles.
const WHOLE: usize = 24;

thread_local! {
    /// The pixels of a task in slots, kept for the next one.
    static SLOTS: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// `activation(x · weights + bias + residual)` of every pixel of `x`, in the memory of `spare`.
pub(super) fn pointwise_to(spare: Vec<f32>, x: &[f32], weights: &Packed, epilogue: Epilogue<'_>) -> Vec<f32> {
    let (channels, results) = (weights.channels, weights.results);
    let pixels = x.len() / channels.max(1);
    let no_bias = vec![0.0; results];
    let bias = if epilogue.bias.is_empty() { &no_bias } else { epilogue.bias };
    assert!(bias.len() == results, "wrong bias");
    assert!(epilogue.slope.is_none_or(|slope| slope.len() == results), "wrong slopes");
    assert!(epilogue.residual.is_none_or(|residual| residual.len() == pixels * results), "wrong residual");
    let part = match streamed(channels, results) {
        true => pixels.div_ceil(rayon::current_num_threads()),
        false => pixels.div_ceil(TASKS).min(PIXELS),
    };
    let part = part.max(1).next_multiple_of(WHOLE);
    let task = |(index, out): (usize, &mut [MaybeUninit<f32>])| {
        let x = &x[index * part * channels..][..out.len() / results * channels];
        let residual = epilogue.residual.map(|all| &all[index * part * results..][..out.len()]);
        pixels_to(x, weights, Epilogue { bias, residual, ..epilogue }, out);
    };
    // SAFETY: the blocks cover all channels of all pixels of every chunk.
    unsafe { filled_by(spare, pixels * results, part * results, task).0 }
}

/// Whether so many weights do not stay in a cache beside the pixels.
pub(crate) fn streamed(channels: usize, results: usize) -> bool {
    channels * results > STREAMED
}

/// The same of a few pixels, all of them in `out`; bias and residual are those of these.
pub(super) fn pixels_to(x: &[f32], weights: &Packed, epilogue: Epilogue<'_>, out: &mut [MaybeUninit<f32>]) {
    let (level, channels, results) = (weights.level, weights.channels, weights.results);
    let pixels = out.len() / results.max(1);
    assert!(out.len() == pixels * results && x.len() == pixels * channels, "wrong pixels");
    assert!(epilogue.bias.len() == results, "wrong bias");
    assert!(epilogue.slope.is_none_or(|slope| slope.len() == results), "wrong slopes");
    assert!(epilogue.residual.is_none_or(|residual| residual.len() == out.len()), "wrong residual");
    let mut paired = SLOTS.take();
    let x = match weights.precision {
        Precision::F32 => x,
        Precision::Bf16 => {
            pair_pixels(level, x, channels, &mut paired);
            &paired
        }
    };
    let slots = weights.slots();
    assert!(x.len() == pixels * slots, "wrong slots");
    for (block, packed) in weights.parts() {
        let lanes = block.vectors * level.lanes();
        assert!(packed.len() == slots * lanes && block.start + block.width <= results, "wrong block");
        let job = Pointwise {
            x: x.as_ptr(),
            pixels,
            slots,
            weights: packed.as_ptr(),
            width: block.width,
            bias: epilogue.bias[block.start..].as_ptr(),
            slope: epilogue.slope.map(|slope| slope[block.start..].as_ptr()),
            residual: epilogue.residual.map(|residual| residual[block.start..].as_ptr()),
            out: out[block.start..].as_mut_ptr().cast(),
            results,
            activation: epilogue.activation,
        };
        // SAFETY: a level exists only where its instructions do (`Level::available`); the slices hold all pixels by the
        // assertions, and the block lies in the results.
        unsafe {
            match weights.precision {
                Precision::F32 => level.tile(block.vectors, Tiles { job, slots: PhantomData::<Single> }),
                Precision::Bf16 => level.tile(block.vectors, Tiles { job, slots: PhantomData::<Pair> }),
            }
        }
    }
    SLOTS.set(paired);
}

/// `pixels` times `slots` numbers at `x`, `results` at `residual` and `out`, of which `width` are computed.
struct Pointwise {
    x: *const f32,
    pixels: usize,
    slots: usize,
    weights: *const f32,
    width: usize,
    bias: *const f32,
    slope: Option<*const f32>,
    residual: Option<*const f32>,
    out: *mut f32,
    results: usize,
    activation: Activation,
}

/// The tiles of a job.
struct Tiles<P> {
    job: Pointwise,
    slots: PhantomData<P>,
}

impl<P: Slot> Tiled for Tiles<P> {
    #[expect(clippy::needless_range_loop, reason = "constant indices keep the arrays in registers")]
    #[inline(always)]
    unsafe fn run<S: Simd, const MR: usize, const NV: usize>(self) {
        let job = self.job;
        // SAFETY: in bounds by the description of the job; the last tile reads its last pixel more than once.
        unsafe {
            let partial = S::mask(job.width - (NV - 1) * S::LANES);
            let read = |from: *const f32, j: usize| match j + 1 < NV {
                true => S::load(from.add(j * S::LANES)),
                false => S::load_masked(from.add(j * S::LANES), partial),
            };
            let mut bias = [S::splat(0.0); NV];
            for j in 0..NV {
                bias[j] = read(job.bias, j);
            }
            for start in (0..job.pixels).step_by(MR) {
                let sources: [*const f32; MR] =
                    std::array::from_fn(|i| job.x.add((start + i).min(job.pixels - 1) * job.slots));
                let mut sums = [bias; MR];
                for slot in 0..job.slots {
                    let weight = job.weights.add(slot * NV * S::LANES);
                    let mut w = [S::splat(0.0); NV];
                    for j in 0..NV {
                        w[j] = S::load(weight.add(j * S::LANES));
                    }
                    for i in 0..MR {
                        let value = S::splat(*sources[i].add(slot));
                        for j in 0..NV {
                            sums[i][j] = P::mul_add::<S>(value, w[j], sums[i][j]);
                        }
                    }
                }
                for i in 0..MR {
                    if start + i >= job.pixels {
                        continue;
                    }
                    let place = (start + i) * job.results;
                    for j in 0..NV {
                        let mut value = sums[i][j];
                        if let Some(residual) = job.residual {
                            value = S::add(value, read(residual.add(place), j));
                        }
                        value = match job.slope {
                            Some(slope) => leaky::<S>(value, read(slope, j)),
                            None => activated::<S>(value, job.activation),
                        };
                        let to = job.out.add(place + j * S::LANES);
                        match j + 1 < NV {
                            true => S::store(to, value),
                            false => S::store_masked(to, value, partial),
                        }
                    }
                }
            }
        }
    }
}
