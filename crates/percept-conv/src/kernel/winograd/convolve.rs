//! The convolution, forward and as gradient to the input.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::mem::MaybeUninit;

use rayon::prelude::*;

use super::tile::{OfSource, Pixels, lower};
use super::{IN, OUT, POINTS, TILES, Transformed, stride};
use crate::kernel::Epilogue;
use crate::kernel::epilogue::{activated, leaky};
use crate::kernel::level::{Kernel, Tiled, tiled};
use crate::kernel::pack::Block;
use crate::kernel::signs::{Signs, mark};
use crate::kernel::simd::Simd;
use crate::kernel::slot::{Pair, Single, Slot};
use crate::kernel::span::{span, span_mut};
use crate::precision::Precision;

/// Tasks that there should be at least, so that every core has something to do.
const TASKS: usize = 8;
/// Weights beyond this many slots come from the last cache or from memory for every task anew, which costs more than
/// cores that wait for each other: then there is one task a core.
const STREAMED: usize = 1 << 20;
/// Slots by which the weights are fetched ahead: they stream from the second cache.
const AHEAD: usize = 8;

/// The convolution of `pixels` with stride 1; they have at most 2 zeros on every side.
///
/// What a tile becomes depends on nothing but its pixels, so the result does not depend on the number of
/// threads.
/// It is written to the memory of `spare`, its signs to `signs`.
pub(crate) fn winograd_to(
    spare: Vec<f32>,
    pixels: Pixels<'_>,
    weights: &Transformed,
    epilogue: Epilogue<'_>,
    signs: Option<&mut Signs>,
) -> Vec<f32> {
    let [batch, height, width, channels] = pixels.size;
    let [height, width] = [height, width].map(|side| (side + 2 * pixels.padding).saturating_sub(2));
    let length = batch * height * width * weights.results;
    pixels.check();
    assert!(channels == weights.channels, "wrong weights");
    assert!(epilogue.residual.is_none_or(|residual| residual.len() == length), "wrong residual");
    assert!(epilogue.bias.is_empty() || epilogue.bias.len() == weights.results, "wrong bias");
    assert!(epilogue.slope.is_none_or(|slope| slope.len() == weights.results), "wrong slopes");
    let mut values = spare;
    values.clear();
    values.reserve_exact(length);
    if length == 0 {
        return values;
    }

    let line = width * weights.results;
    // A band writes its own signs, while it is in the cache, where they are whole bytes.
    let apart = !line.is_multiple_of(8);
    let (mut marks, later) = match signs {
        Some(signs) => {
            *signs = Signs::new(length);
            if apart { (None, Some(signs)) } else { (Some(signs.bits_mut()), None) }
        }
        None => (None, None),
    };
    let mut rest: &mut [MaybeUninit<f32>] = &mut values.spare_capacity_mut()[..length];
    let mut bands = Vec::with_capacity(batch * height.div_ceil(OUT));
    for (image, top) in (0..batch).flat_map(|image| (0..height).step_by(OUT).map(move |top| (image, top))) {
        let (out, after) = rest.split_at_mut(OUT.min(height - top) * line);
        let signs = marks.take().map(|marks| marks.split_at_mut(out.len() / 8));
        let signs = signs.map(|(own, after)| {
            marks = Some(after);
            own
        });
        bands.push(Band { image, top, first: length - out.len() - after.len(), out, signs });
        rest = after;
    }
    let across = width.div_ceil(OUT);
    let most = match weights.len() > STREAMED {
        true => bands.len().div_ceil(rayon::current_num_threads()),
        false => bands.len() / TASKS,
    };
    let together = (TILES / across).clamp(1, most.max(1));
    let bias = match epilogue.bias {
        [] => &vec![0.0; weights.results],
        bias => bias,
    };
    let filtering = Filtering { pixels, weights, epilogue: Epilogue { bias, ..epilogue }, width };
    bands.par_chunks_mut(together).for_each(|bands| {
        BUFFERS.with_borrow_mut(|buffers| {
            buffers.fit(weights);
            // SAFETY: a level exists only where it is available; sizes were checked above.
            unsafe {
                match weights.precision {
                    Precision::F32 => weights.level.run(Bands::<Single>::new(&filtering, bands, buffers)),
                    Precision::Bf16 => weights.level.run(Bands::<Pair>::new(&filtering, bands, buffers)),
                }
            }
        });
        for Band { out, signs, .. } in bands {
            if let Some(signs) = signs {
                // SAFETY: `run` has written all of the band.
                mark(weights.level, unsafe { out.assume_init_ref() }, signs);
            }
        }
    });
    // SAFETY: the bands are the whole result, and `run` writes all of each.
    unsafe { values.set_len(length) }
    if let Some(signs) = later {
        *signs = Signs::of(weights.level, &values);
    }
    values
}

/// Up to four lines of the result.
struct Band<'a> {
    image: usize,
    /// The first of the lines, within the image.
    top: usize,
    /// Where the band begins in the result.
    first: usize,
    out: &'a mut [MaybeUninit<f32>],
    /// Where its signs are wanted, and it writes them.
    signs: Option<&'a mut [u8]>,
}

/// What is computed, for all bands.
struct Filtering<'a> {
    pixels: Pixels<'a>,
    weights: &'a Transformed,
    epilogue: Epilogue<'a>,
    /// Of the result.
    width: usize,
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = const { RefCell::new(Buffers { source: Vec::new(), products: Vec::new() }) };
}

/// What a thread computes with, kept for the next time.
struct Buffers {
    /// `[point][tile][slot]`.
    source: Vec<f32>,
    /// `[point][tile][lane of the block]`.
    products: Vec<f32>,
}

impl Buffers {
    fn fit(&mut self, weights: &Transformed) {
        let lanes = weights.level.lanes();
        let channels = weights.channels.next_multiple_of(lanes);
        let fit = |buffer: &mut Vec<f32>, channels: usize| {
            let length = POINTS * stride(channels);
            if buffer.len() < length {
                buffer.resize(length, 0.0);
            }
        };
        fit(&mut self.source, channels);
        fit(&mut self.products, weights.level.widest() * lanes);
    }
}

/// Bands that are computed, `TILES` tiles at a time.
struct Bands<'a, 'b, P> {
    filtering: &'a Filtering<'a>,
    bands: &'a mut [Band<'b>],
    /// Those of the weights.
    buffers: &'a mut Buffers,
    slots: PhantomData<P>,
}

impl<'a, 'b, P: Slot> Bands<'a, 'b, P> {
    fn new(filtering: &'a Filtering<'a>, bands: &'a mut [Band<'b>], buffers: &'a mut Buffers) -> Self {
        Self { filtering, bands, buffers, slots: PhantomData }
    }
}

impl<P: Slot> Kernel for Bands<'_, '_, P> {
    #[inline(always)]
    unsafe fn run<S: Simd>(self) {
        let Self { filtering, bands, buffers: Buffers { source, products }, .. } = self;
        let across = filtering.width.div_ceil(OUT);
        let all = bands.len() * across;
        let padded = filtering.pixels.padded(S::LANES) / P::CHANNELS;
        // Band and leftmost result of a tile.
        let place = |tile: usize| (tile / across, tile % across * OUT);
        for start in (0..all).step_by(TILES) {
            let tiles = TILES.min(all - start);
            for tile in 0..tiles {
                let (band, left) = place(start + tile);
                let Band { image, top, .. } = bands[band];
                let out = &mut source[tile * padded..];
                // SAFETY: the pixels were checked, the buffer fits the weights.
                unsafe { filtering.pixels.points::<S, OfSource, P, IN>([image, top, left], out) }
            }
            for (block, weights) in &filtering.weights.parts {
                // SAFETY: the buffers fit, and the weights are those of the block.
                unsafe {
                    let slots = PhantomData::<P>;
                    tiled::<S>(
                        block.vectors,
                        Multiply { filtering, tiles, source, weights, products, slots },
                    );
                }
                for tile in 0..tiles {
                    let (band, left) = place(start + tile);
                    let products = &products[tile * block.vectors * S::LANES..];
                    // SAFETY: the products of this tile were just computed.
                    unsafe { leave::<S, P>(filtering, *block, products, &mut bands[band], left) }
                }
            }
        }
    }
}

/// The products of all points with the weights of one block.
struct Multiply<'a, P> {
    filtering: &'a Filtering<'a>,
    tiles: usize,
    source: &'a [f32],
    /// Those of the block.
    weights: &'a [f32],
    products: &'a mut [f32],
    slots: PhantomData<P>,
}

impl<P: Slot> Tiled for Multiply<'_, P> {
    #[inline(always)]
    unsafe fn run<S: Simd, const MR: usize, const NV: usize>(self) {
        const { assert!(TILES.is_multiple_of(MR)) }
        let Self { filtering, tiles, source, weights, products, .. } = self;
        let slots = filtering.weights.channels.div_ceil(P::CHANNELS);
        let (padded, lanes) = (filtering.pixels.padded(S::LANES) / P::CHANNELS, NV * S::LANES);
        for point in 0..POINTS {
            let (source_at, products_at) = (point * stride(padded), point * stride(lanes));
            // SAFETY: rows beyond the last tile are inside the buffers too.
            unsafe {
                let weights = span(weights, point * slots * lanes, slots * lanes);
                for tile in (0..tiles).step_by(MR) {
                    let rows = span(source, source_at + tile * padded, MR * padded);
                    let mut sums = [[S::splat(0.0); NV]; MR];
                    let mut weight = weights;
                    for slot in 0..slots {
                        let mut w = [S::splat(0.0); NV];
                        for j in 0..NV {
                            w[j] = S::load(weight.add(j * S::LANES));
                            S::prefetch(weight.wrapping_add((AHEAD * NV + j) * S::LANES));
                        }
                        for i in 0..MR {
                            let value = S::splat(*rows.add(i * padded + slot));
                            for j in 0..NV {
                                sums[i][j] = P::mul_add::<S>(value, w[j], sums[i][j]);
                            }
                        }
                        weight = weight.add(lanes);
                    }
                    let out = span_mut(products, products_at + tile * lanes, MR * lanes);
                    for i in 0..MR {
                        for j in 0..NV {
                            S::store(out.add(i * lanes + j * S::LANES), sums[i][j]);
                        }
                    }
                }
            }
        }
    }
}

/// Transforms the products of one tile back and writes the results of one block.
///
/// # Safety
/// `S` must be available; `products` must reach to the last point of this tile.
#[inline(always)]
unsafe fn leave<S: Simd, P: Slot>(
    filtering: &Filtering<'_>,
    block: Block,
    products: &[f32],
    band: &mut Band<'_>,
    left: usize,
) {
    let results_count = filtering.weights.results;
    let line = filtering.width * results_count;
    let (rows, columns) = (band.out.len() / line, OUT.min(filtering.width - left));
    let stride = stride(block.vectors * S::LANES);
    let Epilogue { bias, residual, slope, activation } = filtering.epilogue;
    for j in 0..block.vectors {
        let lane = j * S::LANES;
        let lanes = S::LANES.min(block.width - lane);
        let channel = block.start + lane;
        // SAFETY: points are inside `products` by the contract, places inside the band.
        unsafe {
            let mask = S::mask(lanes);
            let zero = S::splat(0.0);
            let mut down = [[zero; OUT]; IN];
            for x in 0..IN {
                let mut column = [zero; IN];
                for y in 0..IN {
                    column[y] = S::load(span(products, (y * IN + x) * stride + lane, S::LANES));
                }
                down[x] = lower::<S, P>(column);
            }
            let bias = S::load_masked(span(bias, channel, lanes), mask);
            let slope = slope.map(|slope| S::load_masked(span(slope, channel, lanes), mask));
            // Of constant length, so that the values stay in registers.
            for y in 0..OUT {
                if y >= rows {
                    break;
                }
                let values =
                    lower::<S, P>([down[0][y], down[1][y], down[2][y], down[3][y], down[4][y], down[5][y]]);
                for x in 0..OUT {
                    if x >= columns {
                        break;
                    }
                    let place = y * line + (left + x) * results_count + channel;
                    let mut value = S::add(values[x], bias);
                    if let Some(residual) = residual {
                        value =
                            S::add(value, S::load_masked(span(residual, band.first + place, lanes), mask));
                    }
                    value = match slope {
                        Some(slope) => leaky::<S>(value, slope),
                        None => activated::<S>(value, activation),
                    };
                    S::store_masked(span_mut(band.out, place, lanes).cast(), value, mask);
                }
            }
        }
    }
}
