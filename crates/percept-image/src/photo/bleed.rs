//! Colours of visible pixels, continued into invisible ones.

use std::borrow::Cow;

use super::Photo;
use crate::{Image, Srgb};

impl Photo {
    /// The pixels as a network should see them: where the alpha is 0 the colour is that of the nearest visible pixels (alpha
    /// bleeding). What a file hides there may be any colour, and shines through at edges once neighbours are mixed.
    ///
    /// Pixels with any opacity keep their colour. Without alpha, and where nothing at all is visible, all do.
    pub fn bled(&self) -> Cow<'_, Image<Srgb>> {
        match &self.alpha {
            Some(alpha) if alpha.iter().any(|a| *a <= 0.0) && alpha.iter().any(|a| *a > 0.0) => {
                Cow::Owned(bled(self.pixels.clone(), alpha))
            }
            _ => Cow::Borrowed(&self.pixels),
        }
    }
}

/// From the visible pixels outwards, ring by ring: each pixel of a ring becomes the mean of its neighbours inside, which in
/// the first ring are weighted by their opacity.
fn bled(mut pixels: Image<Srgb>, alpha: &[f32]) -> Image<Srgb> {
    let (width, height) = pixels.size();
    // The weight of a pixel whose colour is known; 0 where it is not yet.
    let mut weights = alpha.to_vec();
    weights.resize(width * height, 0.0);
    let around = |at: usize| {
        let (x, y) = (at % width, at / width);
        let columns = x.saturating_sub(1)..(x + 2).min(width);
        let rows = y.saturating_sub(1)..(y + 2).min(height);
        rows.flat_map(move |y| columns.clone().map(move |x| y * width + x))
    };
    let unknown = |weights: &[f32], at: &usize| weights[*at] <= 0.0;
    let first =
        (0..width * height).filter(|at| unknown(&weights, at) && around(*at).any(|n| weights[n] > 0.0));
    let mut ring: Vec<usize> = first.collect();
    while !ring.is_empty() {
        let colours: Vec<[f32; 3]> = ring.iter().map(|at| mean(&pixels, &weights, around(*at))).collect();
        for (at, colour) in ring.iter().zip(colours) {
            pixels.data_mut()[3 * at..3 * at + 3].copy_from_slice(&colour);
            weights[*at] = 1.0;
        }
        let mut next: Vec<usize> =
            ring.iter().flat_map(|at| around(*at)).filter(|at| unknown(&weights, at)).collect();
        next.sort_unstable();
        next.dedup();
        ring = next;
    }
    pixels
}

/// Weighted mean of some pixels' colours.
fn mean(pixels: &Image<Srgb>, weights: &[f32], of: impl Iterator<Item = usize>) -> [f32; 3] {
    let (sum, weight) = of.filter(|at| weights[*at] > 0.0).fold(([0.0; 3], 0.0), |(sum, weight), at| {
        let colour = &pixels.data()[3 * at..3 * at + 3];
        (std::array::from_fn(|c| sum[c] + weights[at] * colour[c]), weight + weights[at])
    });
    sum.map(|sum| sum / weight)
}
