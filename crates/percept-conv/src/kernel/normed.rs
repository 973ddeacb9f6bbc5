//! Pixels normalised and then convolved with one element, a few at a time: between the two they do not leave the nearest cache.

use std::mem::MaybeUninit;

use super::channels::Gated;
use super::epilogue::Epilogue;
use super::fill::filled_by;
use super::pack::Packed;
use super::pointwise::pixels_to;
use super::{Level, Norm};

/// Pixels that are normalised at once: a multiple of the rows of all register tiles.
const PIXELS: usize = 96;

/// A normalisation and a convolution with one element behind it.
#[derive(Clone, Copy)]
pub(crate) struct Normed<'a> {
    /// Whole pixels.
    pub(crate) norm: Norm<'a>,
    pub(crate) norm_bias: &'a [f32],
    pub(crate) weights: &'a Packed,
    pub(crate) bias: &'a [f32],
}

impl Normed<'_> {
    /// The convolved pixels of the line `at` of lines of so many pixels, in the memory of `values`.
    pub(crate) fn line_to(&self, at: usize, pixels: usize, values: &mut Vec<f32>) {
        let (channels, results) = (self.weights.channels, self.weights.results);
        let x = &self.norm.x[at * pixels * channels..][..pixels * channels];
        let out = spare(values, pixels * results);
        let mut normal = Vec::new();
        for (x, out) in x.chunks(PIXELS * channels).zip(out.chunks_mut(PIXELS * results)) {
            self.pixels_to(x, &mut normal, out);
        }
        // SAFETY: all pixels were written.
        unsafe { values.set_len(pixels * results) }
    }

    /// `x + narrow(gate(convolved))` of every pixel, where the gate is the first half of the channels times the second and
    /// `narrow` a convolution with one element.
    pub(crate) fn fed_forward(&self, narrow: &Packed, narrow_bias: &[f32]) -> Vec<f32> {
        let (x, channels, wide) = (self.norm.x, self.weights.channels, self.weights.results);
        assert!(wide == 2 * narrow.channels && narrow.results == channels, "wrong weights");
        let chunk = PIXELS * channels;
        let task = |(index, out): (usize, &mut [MaybeUninit<f32>])| {
            let x = &x[index * chunk..][..out.len()];
            let pixels = out.len() / channels;
            let (mut normal, mut convolved, mut gated) = (Vec::new(), Vec::new(), Vec::new());
            self.pixels_to(x, &mut normal, spare(&mut convolved, pixels * wide));
            // SAFETY: all pixels were written; a level exists only where it is available, and the convolved pixels have twice as
            // many numbers as the gated ones.
            unsafe {
                convolved.set_len(pixels * wide);
                let out = spare(&mut gated, pixels * wide / 2);
                self.level().run(Gated { x: &convolved, channels: wide / 2, out });
                gated.set_len(pixels * wide / 2);
            }
            let epilogue = Epilogue { bias: narrow_bias, residual: Some(x), ..Epilogue::default() };
            pixels_to(&gated, narrow, epilogue, out);
        };
        // SAFETY: chunks are whole pixels, and all of each is written.
        unsafe { filled_by(Vec::new(), x.len(), chunk, task).0 }
    }

    /// A few pixels, all of them in `out`; in the memory of `normal` the normalised ones.
    fn pixels_to(&self, x: &[f32], normal: &mut Vec<f32>, out: &mut [MaybeUninit<f32>]) {
        Norm { x, ..self.norm }.pixels_to(self.level(), self.norm_bias, spare(normal, x.len()));
        // SAFETY: all of them were written.
        unsafe { normal.set_len(x.len()) }
        pixels_to(normal, self.weights, Epilogue { bias: self.bias, ..Epilogue::default() }, out);
    }

    fn level(&self) -> Level {
        self.weights.level
    }
}

/// Memory for `length` numbers behind none.
fn spare(values: &mut Vec<f32>, length: usize) -> &mut [MaybeUninit<f32>] {
    values.clear();
    values.reserve_exact(length);
    &mut values.spare_capacity_mut()[..length]
}
