//! OpenCV's `cv2.resize` on real numbers: what real-world degradations are published with.
//!
//! Pixel centres lie at half-integers; pixels beyond the border repeat the nearest one. Unlike MATLAB's and Pillow's filters,
//! `INTER_LINEAR` and `INTER_CUBIC` do not widen when they shrink, so they alias.

use super::taps::Taps;
use crate::{Image, Space};

/// `INTER_AREA`: the mean of the covered area when both sides shrink; otherwise as OpenCV has it, blocks of the old pixels with
/// linear seams.
pub(super) fn area<S: Space>(image: &Image<S>, width: usize, height: usize) -> Image<S> {
    let covers = width <= image.width() && height <= image.height();
    scaled(image, width, height, if covers { covered } else { blocks })
}

/// `INTER_LINEAR`.
pub(super) fn bilinear<S: Space>(image: &Image<S>, width: usize, height: usize) -> Image<S> {
    scaled(image, width, height, linear)
}

/// `INTER_CUBIC`: Keys' kernel with `a = −3/4`. May overshoot the range of the input.
pub(super) fn bicubic<S: Space>(image: &Image<S>, width: usize, height: usize) -> Image<S> {
    scaled(image, width, height, cubic)
}

/// The inputs of output `out` with their weights, for `step` input pixels an output pixel: `(old, step, out)`.
type Weights = fn(usize, f64, usize) -> Vec<(usize, f64)>;

fn scaled<S: Space>(image: &Image<S>, width: usize, height: usize, weights: Weights) -> Image<S> {
    let (old_width, old_height) = image.size();
    if old_width * old_height == 0 || width * height == 0 {
        return Image::from_parts(width, height, vec![0.0; width * height * S::CHANNELS]);
    }
    let taps = |old: usize, new: usize| {
        let step = old as f64 / new as f64;
        let longest = (0..new).map(|out| weights(old, step, out).len()).max().unwrap_or(1);
        Taps::new((0..new).map(|out| {
            let mut taps = weights(old, step, out);
            taps.resize(longest, (0, 0.0));
            taps
        }))
    };
    let tall = taps(old_height, height).rows(image.data(), old_width * S::CHANNELS);
    Image::from_parts(width, height, taps(old_width, width).columns(&tall, old_width, S::CHANNELS))
}

fn covered(old: usize, step: f64, out: usize) -> Vec<(usize, f64)> {
    let (from, to) = (out as f64 * step, ((out + 1) as f64 * step).min(old as f64));
    let pixels = from.floor() as usize..(to.ceil() as usize).min(old);
    let share = |pixel: usize| (to.min((pixel + 1) as f64) - from.max(pixel as f64)).max(0.0) / (to - from);
    pixels.map(|pixel| (pixel, share(pixel))).collect()
}

fn blocks(old: usize, step: f64, out: usize) -> Vec<(usize, f64)> {
    let pixel = (out as f64 * step).floor();
    let beyond = (out + 1) as f64 - (pixel + 1.0) / step;
    between(old, pixel as i64, if beyond <= 0.0 { 0.0 } else { beyond - beyond.floor() })
}

fn linear(old: usize, step: f64, out: usize) -> Vec<(usize, f64)> {
    let centre = (out as f64 + 0.5) * step - 0.5;
    between(old, centre.floor() as i64, centre - centre.floor())
}

fn between(old: usize, pixel: i64, beyond: f64) -> Vec<(usize, f64)> {
    vec![(nearest(pixel, old), 1.0 - beyond), (nearest(pixel + 1, old), beyond)]
}

fn cubic(old: usize, step: f64, out: usize) -> Vec<(usize, f64)> {
    const A: f64 = -0.75;
    let centre = (out as f64 + 0.5) * step - 0.5;
    let (pixel, t) = (centre.floor() as i64, centre - centre.floor());
    let near = |t: f64| ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0;
    let far = |t: f64| ((A * t - 5.0 * A) * t + 8.0 * A) * t - 4.0 * A;
    let weights = [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)];
    (pixel - 1..).zip(weights).map(|(pixel, weight)| (nearest(pixel, old), weight)).collect()
}

/// The index of the pixel at `at`, or of the one at the border that is nearest to it.
fn nearest(at: i64, old: usize) -> usize {
    at.clamp(0, old as i64 - 1) as usize
}
