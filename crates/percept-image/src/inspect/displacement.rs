//! How far one picture is shifted against another.

use std::f64::consts::PI;

use rustfft::num_complex::Complex64;

use super::luma;
use crate::score::spectrum::Transform;
use crate::{Image, Srgb};

/// Side of the middle that is compared, at most; fewer than the least say nothing.
const MOST: usize = 256;
const LEAST: usize = 24;
/// Deviation of the weight on frequencies, in cycles a pixel: what is finer is noise and artefacts more often than content.
const SIGMA: f64 = 0.15;

/// Where a second picture shows what a first one shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Displacement {
    /// Pixels to the right.
    pub x: f64,
    /// Pixels down.
    pub y: f64,
    /// How well the two fit there: 1 for equal pictures, below 0.2 for different ones.
    pub fit: f64,
}

/// How far `other` is shifted against `image`, which is of the same size: by phase correlation (Kuglin and Hines, *The Phase
/// Correlation Image Alignment Method*, 1975) of the luma of their middles, of which fine frequencies count less: its peak is
/// a Gaussian then, and three values of it give its place to a part of a pixel. Symmetric blur, noise and changes of light
/// and contrast move nothing. `None` where sizes differ, are below 24 pixels, or one of the pictures is flat.
pub fn displacement(image: &Image<Srgb>, other: &Image<Srgb>) -> Option<Displacement> {
    let (width, height) = (image.width().min(MOST), image.height().min(MOST));
    if image.size() != other.size() || width.min(height) < LEAST {
        return None;
    }
    let transform = Transform::new(width, height);
    let middle = |image: &Image<Srgb>| {
        let (x, y) = ((image.width() - width) / 2, (image.height() - height) / 2);
        windowed(&image.crop(x, y, width, height))
    };
    let [a, b] = [middle(image)?, middle(other)?].map(|values| transform.forward(values));
    let mut total = 0.0;
    // Spectra are transposed: rows of `height` frequencies.
    let cross = a.iter().zip(&b).enumerate().map(|(at, (a, b))| {
        let [fx, fy] = [(at / height, width), (at % height, height)]
            .map(|(k, side)| k.min(side - k) as f64 / side as f64);
        let weight = (-0.5 * (fx * fx + fy * fy) / (SIGMA * SIGMA)).exp();
        total += weight;
        let product = b * a.conj();
        let norm = product.norm();
        if norm > 1e-12 { product * (weight / norm) } else { Complex64::default() }
    });
    let cross = cross.collect();
    let surface: Vec<f64> = transform.inverse(cross).iter().map(|value| value.re / total).collect();
    let peak = (0..surface.len()).max_by(|a, b| surface[*a].total_cmp(&surface[*b]))?;
    let (x, y) = (peak % width, peak / width);
    let at = |x: usize, y: usize| surface[y % height * width + x % width];
    let between = |before: f64, here: f64, after: f64| {
        let [before, here, after] = [before, here, after].map(|value| value.max(1e-9).ln());
        let bend = before - 2.0 * here + after;
        if bend < -1e-9 { (0.5 * (before - after) / bend).clamp(-0.5, 0.5) } else { 0.0 }
    };
    let signed =
        |place: usize, side: usize| if place > side / 2 { place as f64 - side as f64 } else { place as f64 };
    let here = at(x, y);
    Some(Displacement {
        x: signed(x, width) + between(at(x + width - 1, y), here, at(x + 1, y)),
        y: signed(y, height) + between(at(x, y + height - 1), here, at(x, y + 1)),
        fit: here,
    })
}

/// Luma without its mean in a Hann window; `None` where it is flat.
fn windowed(image: &Image<Srgb>) -> Option<Vec<Complex64>> {
    let (width, height) = image.size();
    let luma = luma(image);
    let mean = luma.iter().map(|v| f64::from(*v)).sum::<f64>() / luma.len() as f64;
    let deviation = luma.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / luma.len() as f64;
    let hann = |at: usize, side: usize| 0.5 - 0.5 * (2.0 * PI * (at as f64 + 0.5) / side as f64).cos();
    let value = |(at, v): (usize, &f32)| {
        let window = hann(at % width, width) * hann(at / width, height);
        Complex64::new((f64::from(*v) - mean) * window, 0.0)
    };
    (deviation > 1e-6).then(|| luma.iter().enumerate().map(value).collect())
}
