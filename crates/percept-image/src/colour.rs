//! From one meaning of numbers to another: sRGB encoding, linear light, BT.601 luma.

use crate::{Image, Linear, Luma, Space, Srgb};

/// The exact piecewise sRGB decoding of one value (IEC 61966-2-1): encoded `[0, 1]` to linear light.
///
/// Values outside the range follow the curve mirrored at zero, so that nothing is clamped.
pub fn srgb_to_linear(encoded: f32) -> f32 {
    let v = encoded.abs();
    let linear = if v <= 0.040_45 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) };
    linear.copysign(encoded)
}

/// The exact piecewise sRGB encoding of one value (IEC 61966-2-1): linear light to encoded `[0, 1]`.
///
/// Values outside the range follow the curve mirrored at zero, so that nothing is clamped.
pub fn linear_to_srgb(linear: f32) -> f32 {
    let v = linear.abs();
    let encoded = if v <= 0.003_130_8 { v * 12.92 } else { 1.055 * v.powf(1.0 / 2.4) - 0.055 };
    encoded.copysign(linear)
}

/// BT.601 luma of one sRGB-encoded pixel in studio range divided by 255, as MATLAB's `rgb2ycbcr` defines it
/// (black is `16/255`, white is `235/255`).
pub(crate) fn studio_luma(r: f32, g: f32, b: f32) -> f32 {
    (65.481 * r + 128.553 * g + 24.966 * b + 16.0) / 255.0
}

impl Image<Srgb> {
    /// Decodes to linear light with [`srgb_to_linear`].
    #[must_use]
    pub fn to_linear(&self) -> Image<Linear> {
        self.converted(srgb_to_linear)
    }

    /// BT.601 luma in studio range divided by 255, the "Y" of super-resolution papers (MATLAB's
    /// `rgb2ycbcr`, without its rounding to whole levels).
    #[must_use]
    pub fn luma(&self) -> Image<Luma> {
        let (width, height) = self.size();
        let pixels = self.data().as_chunks::<{ Srgb::CHANNELS }>().0;
        let data = pixels.iter().map(|[r, g, b]| studio_luma(*r, *g, *b)).collect();
        Image::from_parts(width, height, data)
    }
}

impl Image<Linear> {
    /// Encodes with the sRGB curve, see [`linear_to_srgb`].
    #[must_use]
    pub fn to_srgb(&self) -> Image<Srgb> {
        self.converted(linear_to_srgb)
    }
}

impl<S: Space> Image<S> {
    /// The same layout under another meaning.
    fn converted<T: Space>(&self, f: impl Fn(f32) -> f32) -> Image<T> {
        const { assert!(S::CHANNELS == T::CHANNELS) };
        Image::from_parts(self.width(), self.height(), self.data().iter().map(|&v| f(v)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn srgb_curve_meets_the_standard_at_known_points() {
        // 8-bit levels and their linear values computed in double precision from the standard's formula.
        for (level, linear) in
            [(0, 0.0), (10, 0.003_035_27), (11, 0.003_346_535_8), (128, 0.215_860_5), (255, 1.0)]
        {
            let got = srgb_to_linear(level as f32 / 255.0);
            assert!((got - linear).abs() < 1e-6, "{level}: {got} is not {linear}");
        }
    }

    #[test]
    fn srgb_curve_is_undone_by_its_inverse() {
        for level in -300..=600 {
            let v = level as f32 / 255.0;
            assert!((linear_to_srgb(srgb_to_linear(v)) - v).abs() < 2e-6, "{v}");
        }
    }

    #[test]
    fn luma_is_studio_range() {
        let corners = [(0.0, 16.0), (1.0, 235.0)];
        for (grey, level) in corners {
            let image = Image::<Srgb>::from_fn(2, 2, |_, _, _| grey);
            assert!(image.luma().data().iter().all(|y| (y * 255.0 - level).abs() < 1e-4));
        }
        // MATLAB: rgb2ycbcr([1 0 0]) has Y = (65.481 + 16) / 255.
        let red = Image::<Srgb>::from_fn(1, 1, |_, _, c| if c == 0 { 1.0 } else { 0.0 });
        assert!((red.luma().data()[0] - 0.319_533_33).abs() < 1e-6);
    }
}
