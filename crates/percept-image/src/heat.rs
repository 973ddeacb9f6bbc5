//! Maps of numbers in colours.

use rayon::prelude::*;

use crate::colour::linear_to_srgb;
use crate::{Difference, Image, Srgb};

/// From the darkest to the lightest colour: lightness in Oklab, hue in degrees (blue, red, yellow).
const LIGHTNESS: [f64; 2] = [0.22, 0.95];
const HUE: [f64; 2] = [270.0, 470.0];
/// As colourful as sRGB allows at every one of them.
const CHROMA: f64 = 0.14;
const LEVELS: u16 = 255;

/// A map in colours: dark blue is 0, light yellow is `white` and all above it.
///
/// Lightness and hue rise evenly at one chroma in Oklab (Ottosson, *A perceptual color space for image processing*,
/// 2020), so that equal steps of the map look alike and the order survives a print in grey. What is not a number is
/// black.
#[must_use]
pub fn heat(map: &Image<Difference>, white: f32) -> Image<Srgb> {
    let ramp: Vec<[f32; 3]> =
        (0..=LEVELS).map(|level| colour(f64::from(level) / f64::from(LEVELS))).collect();
    let pixel = |value: &f32| {
        let level = (value / white * f32::from(LEVELS)).round().clamp(0.0, f32::from(LEVELS));
        if level.is_nan() { [0.0; 3] } else { ramp.get(level as usize).copied().unwrap_or_default() }
    };
    let pixels: Vec<[f32; 3]> = map.data().par_iter().map(pixel).collect();
    Image::from_parts(map.width(), map.height(), pixels.into_flattened())
}

/// The colour at `t` in `[0, 1]`, sRGB-encoded.
fn colour(t: f64) -> [f32; 3] {
    let at = |[start, end]: [f64; 2]| start + (end - start) * t;
    let (l, hue) = (at(LIGHTNESS), at(HUE).to_radians());
    let (a, b) = (CHROMA * hue.cos(), CHROMA * hue.sin());
    // Oklab's inverse: cone responses, then linear sRGB.
    let cones = [
        l + 0.396_337_777_4 * a + 0.215_803_757_3 * b,
        l - 0.105_561_345_8 * a - 0.063_854_172_8 * b,
        l - 0.089_484_177_5 * a - 1.291_485_548 * b,
    ];
    let [l, m, s] = cones.map(|v| v * v * v);
    [
        4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s,
        -1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s,
        -0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701 * s,
    ]
    .map(|v| linear_to_srgb(v.clamp(0.0, 1.0) as f32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ciede2000, Metric};

    fn ramp(values: &[f32]) -> Vec<[f32; 3]> {
        let map = Image::from_vec(values.len(), 1, values.to_vec()).unwrap();
        heat(&map, 2.0).into_vec().as_chunks::<3>().0.to_vec()
    }

    #[test]
    fn colours_get_lighter_evenly_and_none_is_cut_off() {
        let colours = ramp(&(0..=16).map(|k| k as f32 / 8.0).collect::<Vec<_>>());
        let flat = |pixel: [f32; 3]| Image::<Srgb>::from_fn(1, 1, |_, _, c| pixel[c]);
        let steps: Vec<f64> = colours
            .windows(2)
            .map(|two| Ciede2000::new(0).score(&flat(two[0]), &flat(two[1])).unwrap())
            .collect();
        let (least, most) = steps.iter().fold((f64::MAX, 0.0f64), |(l, m), s| (l.min(*s), m.max(*s)));
        // Oklab's distance is not CIEDE2000's; a rainbow has steps that differ twentyfold.
        assert!(least > 2.0 && most < 4.0 * least, "{steps:?}");
        let luma = |p: &[f32; 3]| flat(*p).luma().data()[0];
        assert!(colours.windows(2).all(|two| luma(&two[1]) > luma(&two[0]) + 0.01));
        assert!(colours.iter().flatten().all(|v| (0.0..=1.0).contains(v)));
    }

    #[test]
    fn what_is_above_white_or_no_number_has_a_colour_too() {
        let colours = ramp(&[2.0, 9.0, f32::INFINITY, f32::NAN, 0.0, -1.0]);
        assert_eq!(colours[0], colours[1]);
        assert_eq!(colours[0], colours[2]);
        assert_eq!(colours[3], [0.0; 3]);
        assert_eq!(colours[4], colours[5]);
    }
}
