//! MATLAB's `imresize(A, …, 'bicubic')` with its antialiasing, on real numbers.
//!
//! What MATLAB does, and nearly every super-resolution benchmark relies on: Keys' cubic kernel
//! (*Cubic convolution interpolation for digital image processing*, 1981) with `a = −1/2`; stretched by
//! `1/scale` when shrinking, so that it is a low-pass filter; weights normalised for each output pixel;
//! pixels beyond the border mirrored with the edge pixel repeated; the dimension that shrinks most first.
//! As with MATLAB's `im2double`, nothing is rounded between the two passes.

use super::taps::Taps;
use crate::{Image, Space};

/// `image` at `width × height` pixels, as MATLAB's `imresize(A, [height width])`.
///
/// The scale of each dimension is its new size divided by its old one. Results may overshoot the range of
/// the input a little; clamp before rounding to levels. An image without pixels becomes zeros.
#[must_use]
pub fn imresize<S: Space>(image: &Image<S>, width: usize, height: usize) -> Image<S> {
    let scale = |new: usize, old: usize| new as f64 / old.max(1) as f64;
    scaled(image, (width, height), (scale(width, image.width()), scale(height, image.height())))
}

/// `image` enlarged (`scale > 1`) or shrunk (`scale < 1`), as MATLAB's `imresize(A, scale)`: each side becomes
/// `⌈scale · side⌉`, and the sampling uses `scale` itself even where the rounded sides suggest another one.
///
/// A scale that is not a positive number gives an image without pixels.
#[must_use]
pub fn imresize_by<S: Space>(image: &Image<S>, scale: f64) -> Image<S> {
    let scale = if scale.is_finite() { scale.max(0.0) } else { 0.0 };
    let side = |old: usize| (scale * old as f64).ceil() as usize;
    scaled(image, (side(image.width()), side(image.height())), (scale, scale))
}

fn scaled<S: Space>(
    image: &Image<S>,
    (width, height): (usize, usize),
    (across, down): (f64, f64),
) -> Image<S> {
    let (old_width, old_height) = image.size();
    if old_width * old_height == 0 || width * height == 0 {
        return Image::from_parts(width, height, vec![0.0; width * height * S::CHANNELS]);
    }
    let horizontal = taps(old_width, width, across);
    let vertical = taps(old_height, height, down);
    let data = if down <= across {
        let tall = vertical.rows(image.data(), old_width * S::CHANNELS);
        horizontal.columns(&tall, old_width, S::CHANNELS)
    } else {
        let wide = horizontal.columns(image.data(), old_width, S::CHANNELS);
        vertical.rows(&wide, width * S::CHANNELS)
    };
    Image::from_parts(width, height, data)
}

/// MATLAB's weights along one dimension of `old` pixels that becomes one of `new`.
pub(super) fn taps(old: usize, new: usize, scale: f64) -> Taps {
    let shrink = scale.min(1.0);
    let support = 4.0 / shrink;
    let count = support.ceil() as i64 + 2;
    Taps::new((0..new).map(|out| {
        // Where the centre of this output pixel lies among the input pixels, counted from their centres.
        let centre = (out as f64 + 0.5) / scale - 0.5;
        let first = (centre - support / 2.0).floor() as i64;
        let weight = |k: i64| cubic(shrink * (centre - (first + k) as f64));
        let sum: f64 = (0..count).map(weight).sum();
        (0..count).map(|k| (mirrored(first + k, old), weight(k) / sum)).collect()
    }))
}

/// Keys' kernel with `a = −1/2`, nonzero within two pixels.
fn cubic(x: f64) -> f64 {
    let x = x.abs();
    if x <= 1.0 {
        (1.5 * x - 2.5) * x * x + 1.0
    } else if x < 2.0 {
        ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    } else {
        0.0
    }
}

/// The index that position `at` shows when `len` pixels are mirrored endlessly, edges repeated.
fn mirrored(at: i64, len: usize) -> usize {
    let len = len as i64;
    let at = at.rem_euclid(2 * len);
    at.min(2 * len - 1 - at) as usize
}
