//! CIELAB of sRGB pixels.

use std::sync::LazyLock;

use crate::colour::srgb_to_linear;

/// From linear light with sRGB primaries to CIE XYZ.
const XYZ: [[f64; 3]; 3] =
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]];

/// White of daylight, D65, seen by the 2° observer.
pub(super) const D65: [f64; 3] = [0.95047, 1.0, 1.08883];
/// White of print, D50, seen by the 2° observer.
pub(super) const D50: [f64; 3] = [0.964_212, 1.0, 0.825_188_3];

/// What an 8-bit file can hold, decoded: most values are among these, and a power takes longer than all else here.
static LEVELS: LazyLock<[[f32; 2]; 256]> = LazyLock::new(|| {
    std::array::from_fn(|level| {
        let encoded = level as f32 / 255.0;
        [encoded, srgb_to_linear(encoded)]
    })
});

/// Linear light of one pixel, encoded `[0, 1]`.
pub(super) fn light(pixel: [f32; 3]) -> [f32; 3] {
    let levels = &*LEVELS;
    pixel.map(|v| decoded(levels, v))
}

#[inline(always)]
fn decoded(levels: &[[f32; 2]; 256], v: f32) -> f32 {
    match levels.get((v * 255.0 + 0.5) as usize) {
        Some([encoded, linear]) if *encoded == v => *linear,
        _ => srgb_to_linear(v),
    }
}

/// CIE 1976 L\*, a\*, b\* of pixels, encoded `[0, 1]`, relative to `white`.
pub(super) fn labs(pixels: &[[f32; 3]], white: [f64; 3]) -> Vec<[f64; 3]> {
    let [x, y, z] = curves(pixels, std::array::from_fn(|k| XYZ[k].map(|weight| weight / white[k])));
    let values = x.into_iter().zip(y).zip(z);
    values.map(|((x, y), z)| [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]).collect()
}

/// CIE 1976 L\* of pixels, encoded `[0, 1]`, relative to a white of luminance 1.
pub(super) fn lightness(pixels: &[[f32; 3]]) -> Vec<f64> {
    let [y] = curves(pixels, [XYZ[1]]);
    y.into_iter().map(|y| 116.0 * y - 16.0).collect()
}

/// The curved sums of each pixel's light by the weights given, several pixels at a time.
fn curves<const N: usize>(pixels: &[[f32; 3]], weights: [[f64; 3]; N]) -> [Vec<f64>; N] {
    let mut light = [0, 1, 2].map(|_| vec![0.0; pixels.len()]);
    let levels = &*LEVELS;
    for (c, light) in light.iter_mut().enumerate() {
        for (light, pixel) in light.iter_mut().zip(pixels) {
            *light = f64::from(decoded(levels, pixel[c]));
        }
    }
    let [red, green, blue] = &light;
    weights.map(|[of_red, of_green, of_blue]| {
        let mut values = vec![0.0; pixels.len()];
        pulp::Arch::new().dispatch(|| {
            for (((value, red), green), blue) in values.iter_mut().zip(red).zip(green).zip(blue) {
                *value = curve(of_red * red + of_green * green + of_blue * blue);
            }
        });
        values
    })
}

/// The cube root, straight near black.
#[inline(always)]
fn curve(t: f64) -> f64 {
    let root = cube_root(t);
    if t > 0.008_856 { root } else { 7.787 * t + 16.0 / 116.0 }
}

/// The cube root of a number between 10⁻³⁷ and 10³⁸: a third of the exponent as a first guess, off by a twentieth at most, then
/// Halley's steps, each of which triples the digits. `f64::cbrt` calls the system's library, and takes one number at a time.
#[inline(always)]
pub(super) fn cube_root(t: f64) -> f64 {
    const THIRD: u32 = 0x2a51_19f2;
    let mut root = f64::from(f32::from_bits((t as f32).to_bits() / 3 + THIRD));
    for _ in 0..3 {
        let cube = root * root * root;
        root *= (cube + 2.0 * t) / (2.0 * cube + t);
    }
    root
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cube_roots_are_the_system_s() {
        for step in 0..4000 {
            let t = 0.008 + f64::from(step) * 3e-4;
            assert!((cube_root(t) - t.cbrt()).abs() < 1e-14, "{t}");
        }
    }

    #[test]
    fn lightness_alone_is_that_of_the_colour() {
        let pixel = |step| [7, 11, 13].map(|factor| (step * factor % 997) as f32 / 996.0);
        let pixels: Vec<_> = (0..1000).map(pixel).collect();
        let light = labs(&pixels, D65).into_iter().map(|[l, ..]| l);
        assert_eq!(lightness(&pixels), Vec::from_iter(light));
    }

    #[test]
    fn levels_of_a_file_are_decoded_as_any_other_value() {
        for level in 0..256u16 {
            let grey = f32::from(level) / 255.0;
            // The next number up is no level.
            let seen = lightness(&[[grey; 3], [grey.next_up(); 3]]);
            assert!((seen[0] - seen[1]).abs() < 1e-4, "{level}: {seen:?}");
        }
    }
}
