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
    pixel.map(|v| match levels.get((v * 255.0 + 0.5) as usize) {
        Some([encoded, linear]) if *encoded == v => *linear,
        _ => srgb_to_linear(v),
    })
}

/// CIE 1976 L\*, a\*, b\* of one pixel, encoded `[0, 1]`, relative to `white`.
pub(super) fn lab(pixel: [f32; 3], white: [f64; 3]) -> [f64; 3] {
    let linear = light(pixel).map(f64::from);
    let [x, y, z] = std::array::from_fn(|k| {
        let sum: f64 = XYZ[k].iter().zip(linear).map(|(weight, v)| weight * v).sum();
        curve(sum / white[k])
    });
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// CIE 1976 L\* of one pixel, encoded `[0, 1]`, relative to a white of luminance 1.
pub(super) fn lightness(pixel: [f32; 3]) -> f64 {
    let light = light(pixel).map(f64::from);
    let sum: f64 = XYZ[1].iter().zip(light).map(|(weight, v)| weight * v).sum();
    116.0 * curve(sum) - 16.0
}

/// The cube root, straight near black.
fn curve(t: f64) -> f64 {
    if t > 0.008_856 { root(t) } else { 7.787 * t + 16.0 / 116.0 }
}

/// Places of a table of cube roots between 0 and 1.
const PLACES: f64 = 4096.0;

/// The cube root and its derivatives, as the polynomial around the middle of every place up to a little more than white.
static ROOTS: LazyLock<Vec<[f64; 4]>> = LazyLock::new(|| {
    let places = 0..(1.125 * PLACES) as usize;
    let polynomial = |place: usize| {
        let middle = (place as f64 + 0.5) / PLACES;
        let root = middle.cbrt();
        let slope = root / (3.0 * middle);
        let bend = -slope / (3.0 * middle);
        [root, slope, bend, -5.0 * bend / (9.0 * middle)]
    };
    places.map(polynomial).collect()
});

/// The cube root of a number above 0.008856, to 10⁻⁹.
fn root(t: f64) -> f64 {
    let place = (t * PLACES) as usize;
    match ROOTS.get(place) {
        Some([root, slope, bend, twist]) => {
            let x = t - (place as f64 + 0.5) / PLACES;
            root + x * (slope + x * (bend + x * twist))
        }
        None => cube_root(t),
    }
}

/// The cube root of a positive number: a third of the exponent as a first guess, off by a twentieth at most, then
/// Halley's steps, each of which triples the digits. `f64::cbrt` calls the system's library.
pub(super) fn cube_root(t: f64) -> f64 {
    const THIRD: u64 = 0x2a9f_7893_0000_0000;
    let mut root = f64::from_bits(t.to_bits() / 3 + THIRD);
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
    fn roots_of_the_table_hold_to_nine_digits() {
        for step in 0..40_000 {
            let t = 0.008_857 + f64::from(step) * 3e-5;
            assert!((root(t) - t.cbrt()).abs() < 1e-9, "{t}");
        }
    }

    #[test]
    fn lightness_alone_is_that_of_the_colour() {
        for step in 0..1000 {
            let pixel = [7, 11, 13].map(|factor| (step * factor % 997) as f32 / 996.0);
            assert_eq!(lightness(pixel), lab(pixel, D65)[0]);
        }
    }

    #[test]
    fn levels_of_a_file_are_decoded_as_any_other_value() {
        for level in 0..256u16 {
            let grey = f32::from(level) / 255.0;
            // The next number up is no level.
            let ([one, ..], [other, ..]) = (lab([grey; 3], D65), lab([grey.next_up(); 3], D65));
            assert!((one - other).abs() < 1e-4, "{level}: {one} {other}");
        }
    }
}
