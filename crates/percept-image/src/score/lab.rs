//! CIELAB of sRGB pixels.

use crate::colour::srgb_to_linear;

/// From linear light with sRGB primaries to CIE XYZ.
const XYZ: [[f64; 3]; 3] =
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]];

/// White of daylight, D65, seen by the 2° observer.
pub(super) const D65: [f64; 3] = [0.95047, 1.0, 1.08883];
/// White of print, D50, seen by the 2° observer.
pub(super) const D50: [f64; 3] = [0.964_212, 1.0, 0.825_188_3];

/// CIE 1976 L\*, a\*, b\* of one pixel, encoded `[0, 1]`, relative to `white`.
pub(super) fn lab(pixel: [f32; 3], white: [f64; 3]) -> [f64; 3] {
    let linear = pixel.map(|v| f64::from(srgb_to_linear(v)));
    let [x, y, z] = std::array::from_fn(|k| {
        let sum: f64 = XYZ[k].iter().zip(linear).map(|(weight, v)| weight * v).sum();
        curve(sum / white[k])
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// The cube root, straight near black.
fn curve(t: f64) -> f64 {
    if t > 0.008_856 { t.cbrt() } else { 7.787 * t + 16.0 / 116.0 }
}
