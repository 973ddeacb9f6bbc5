//! The register tile: a few pixels of a convolution, all taps, all source channels.

use std::marker::PhantomData;
use std::mem::MaybeUninit;

use super::Level;
use super::epilogue::{activated, leaky};
use super::level::Tiled;
use super::pack::Block;
use super::simd::Simd;
use super::slot::{Pair, Single, Slot};
use super::span::{span, span_mut};
use crate::conv::Activation;
use crate::geometry::Axis;
use crate::precision::Precision;

/// The source pixels that the tiles of one task read, each `slots` numbers.
pub(super) struct Gather<'a> {
    slots: usize,
    /// Taps along a line.
    across: usize,
    /// A line of pointers for each source line, the first one all padding: for every position, what each
    /// tap along the line reads there. Each is the start of a slice of `slots` numbers; with their
    /// lengths, many small tiles would take a tenth longer.
    pixels: Vec<*const f32>,
    /// Pointers in a line.
    line: usize,
    lifetime: PhantomData<&'a [f32]>,
}

impl<'a> Gather<'a> {
    /// From the source lines `lines` along `columns`; `zeros`, as many as a pixel has slots, stand for
    /// the padding.
    pub(super) fn new(columns: &Axis, lines: impl Iterator<Item = &'a [f32]>, zeros: &'a [f32]) -> Self {
        let (slots, line) = (zeros.len(), columns.reads_all().len());
        let mut pixels = vec![zeros.as_ptr(); line];
        for source in lines {
            pixels.extend(columns.reads_all().iter().map(|at| match at {
                Some(at) => source[at * slots..][..slots].as_ptr(),
                None => zeros.as_ptr(),
            }));
        }
        Self { slots, across: columns.taps, pixels, line, lifetime: PhantomData }
    }

    /// Where the pointers of the position `at` start, in the padding (`None`) or one of the lines.
    pub(super) fn start(&self, line: Option<usize>, at: usize) -> usize {
        line.map_or(0, |line| line + 1) * self.line + at * self.across
    }
}

/// The sources of one tile.
#[derive(Default)]
pub(super) struct Sources {
    /// For every line of taps, where the pointers of each pixel start: [`Gather::start`].
    pub(super) starts: Vec<usize>,
    /// The taps that read anything.
    pub(super) taps: Vec<usize>,
}

/// Where a tile puts its result, and what it does to it before.
pub(super) struct Target<'a> {
    /// The memory that is written.
    pub(super) out: &'a mut [MaybeUninit<f32>],
    /// Added to the result; laid out as `out`.
    pub(super) residual: Option<&'a [f32]>,
    /// Where in `out` each pixel's first channel of the block stands.
    pub(super) places: &'a [usize],
    /// One number for each channel of the block.
    pub(super) bias: &'a [f32],
    /// Likewise; see [`Epilogue::slope`](super::Epilogue::slope).
    pub(super) slope: Option<&'a [f32]>,
    pub(super) activation: Activation,
}

/// What the kernel needs, checked: see [`compute`].
struct Tile<'a, 'b, P> {
    gather: &'a Gather<'b>,
    sources: &'a Sources,
    weights: &'a [f32],
    /// Channels of the block.
    width: usize,
    target: Target<'a>,
    slots: PhantomData<P>,
}

/// Writes one tile: `activation(Σ source · weight + bias + residual)` at each of the target's places.
pub(super) fn compute(
    (level, precision): (Level, Precision),
    (gather, sources): (&Gather<'_>, &Sources),
    weights: &[f32],
    block: Block,
    target: Target<'_>,
) {
    let lanes = block.vectors * level.lanes();
    let last = sources.taps.iter().max().map_or(0, |tap| tap + 1);
    assert!(weights.len() >= last * gather.slots * lanes, "packed weights are too few");
    assert!(target.places.len() <= level.rows(block.vectors), "wrong tile");
    assert!(block.width <= lanes && block.width + level.lanes() > lanes, "wrong block");
    assert!(target.bias.len() == block.width, "wrong bias");
    assert!(target.slope.is_none_or(|slope| slope.len() == block.width), "wrong slopes");
    assert!(target.residual.is_none_or(|residual| residual.len() == target.out.len()), "wrong residual");
    let end = target.places.iter().max().map_or(0, |place| place + block.width);
    assert!(end <= target.out.len(), "a tile outside of its target");
    // SAFETY: a level exists only where its instructions do (`Level::available`); the assertions above
    // bound every read of weights, bias, slopes and residual and every write; each source pointer is looked up
    // in the gather, where it came from a slice of as many slots that is still borrowed.
    unsafe {
        let width = block.width;
        match precision {
            Precision::F32 => {
                let slots = PhantomData::<Single>;
                level.tile(block.vectors, &mut Tile { gather, sources, weights, width, target, slots });
            }
            Precision::Bf16 => {
                let slots = PhantomData::<Pair>;
                level.tile(block.vectors, &mut Tile { gather, sources, weights, width, target, slots });
            }
        }
    }
}

/// Slots by which the weights are fetched ahead: they stream from the second cache.
const AHEAD: usize = 8;

/// Most numbers in a register tile.
const SPILL: usize = 8 * 3 * 16;

impl<P: Slot> Tiled for &mut Tile<'_, '_, P> {
    #[inline(always)]
    unsafe fn run<S: Simd, const MR: usize, const NV: usize>(self) {
        // SAFETY: passed on from the caller.
        unsafe { tile::<S, P, MR, NV>(self) }
    }
}

/// # Safety
/// `S` must be available; `MR` and `NV` must be the rows and vectors that the gather and the weights
/// were made for; `places` must lie in `out` and `residual` with `width` numbers each.
#[expect(clippy::needless_range_loop, reason = "constant indices keep the arrays in registers")]
#[inline(always)]
unsafe fn tile<S: Simd, P: Slot, const MR: usize, const NV: usize>(tile: &mut Tile<'_, '_, P>) {
    const { assert!(MR * NV * S::LANES <= SPILL) }
    let Tile { gather, sources, weights, width, ref mut target, .. } = *tile;
    let Target { ref mut out, residual, places, bias, slope, activation } = *target;
    // SAFETY: in bounds by this function's contract; a tile has room for its sums.
    unsafe {
        let last = width - (NV - 1) * S::LANES;
        let partial = S::mask(last);
        let read = |from: &[f32], at: usize, j: usize| match j + 1 < NV {
            true => S::load(span(from, at + j * S::LANES, S::LANES)),
            false => S::load_masked(span(from, at + j * S::LANES, last), partial),
        };
        let mut sums = [[S::splat(0.0); NV]; MR];
        let (slots, lanes) = (gather.slots, NV * S::LANES);
        for tap in &sources.taps {
            let (down, along) = (tap / gather.across, tap % gather.across);
            let starts = &sources.starts[down * MR..][..MR];
            let sources: [*const f32; MR] = std::array::from_fn(|i| gather.pixels[starts[i] + along]);
            let mut weight = span(weights, tap * slots * lanes, slots * lanes);
            for slot in 0..slots {
                let mut w = [S::splat(0.0); NV];
                for j in 0..NV {
                    w[j] = S::load(weight.add(j * S::LANES));
                    S::prefetch(weight.wrapping_add((AHEAD * NV + j) * S::LANES));
                }
                for i in 0..MR {
                    let value = S::splat(*sources[i].add(slot));
                    for j in 0..NV {
                        sums[i][j] = P::mul_add::<S>(value, w[j], sums[i][j]);
                    }
                }
                weight = weight.add(lanes);
            }
        }
        // Through memory: the sums stay in registers only while all their indices are constants.
        let mut spilled = [MaybeUninit::<f32>::uninit(); SPILL];
        for i in 0..MR {
            for j in 0..NV {
                S::store(span_mut(&mut spilled, (i * NV + j) * S::LANES, S::LANES).cast(), sums[i][j]);
            }
        }
        let zero = S::splat(0.0);
        let mut added = [zero; NV];
        for j in 0..NV {
            added[j] = read(bias, 0, j);
        }
        for (i, place) in places.iter().enumerate() {
            for j in 0..NV {
                let sum = S::load(span(&spilled, (i * NV + j) * S::LANES, S::LANES).cast());
                let mut value = S::add(sum, added[j]);
                if let Some(residual) = residual {
                    value = S::add(value, read(residual, *place, j));
                }
                value = match slope {
                    Some(slope) => leaky::<S>(value, read(slope, 0, j)),
                    None => activated::<S>(value, activation),
                };
                let at = *place + j * S::LANES;
                match j + 1 < NV {
                    true => S::store(span_mut(out, at, S::LANES).cast(), value),
                    false => S::store_masked(span_mut(out, at, last).cast(), value, partial),
                }
            }
        }
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use super::*;
    use crate::{conv::Conv, geometry::Geometry};

    /// A tile of one pixel, past the assertions of [`compute`], over as many numbers as the lengths say.
    fn run([source, weights, bias, slope, residual, out]: [usize; 6]) {
        let zeros = [0.0; 4];
        let columns = Geometry::new([1, 1, 1, 1], [4, 1, 1, 1], &Conv::default()).forward(1);
        let gather = Gather::new(&columns, [&zeros[..source]].into_iter(), &zeros[..1]);
        let sources =
            Sources { starts: vec![gather.start(Some(0), 0); Level::Portable.rows(1)], taps: vec![0] };
        let mut result = [MaybeUninit::uninit(); 4];
        let target = Target {
            out: &mut result[..out],
            residual: Some(&zeros[..residual]),
            places: &[0],
            bias: &zeros[..bias],
            slope: Some(&zeros[..slope]),
            activation: Activation::None,
        };
        let weights = &zeros[..weights];
        let slots = PhantomData::<Single>;
        let mut tile = Tile { gather: &gather, sources: &sources, weights, width: 4, target, slots };
        // SAFETY: what is too short is caught before it is read or written.
        unsafe { Level::Portable.tile(1, &mut tile) }
    }

    #[test]
    fn whatever_is_too_short_is_caught() {
        let enough = [1, 4, 4, 4, 4, 4];
        run(enough);
        for short in 0..enough.len() {
            let mut lengths = enough;
            lengths[short] -= 1;
            assert!(std::panic::catch_unwind(|| run(lengths)).is_err(), "{lengths:?}");
        }
    }
}
