//! Luma and colour differences, and red, green and blue.

/// How red, green and blue are mixed to luma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matrix {
    /// ITU-R BT.601: video of up to 576 rows.
    Bt601,
    /// ITU-R BT.709: high definition.
    Bt709,
    /// ITU-R BT.2020, non-constant luminance: wide colours.
    Bt2020,
}

impl Matrix {
    /// What video of so many rows has where nobody says it: BT.709 from 720 rows on, else BT.601.
    pub fn usual(height: usize) -> Self {
        if height >= 720 { Self::Bt709 } else { Self::Bt601 }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bt601 => "BT.601",
            Self::Bt709 => "BT.709",
            Self::Bt2020 => "BT.2020",
        }
    }

    /// The shares of red and blue.
    fn shares(self) -> [f32; 2] {
        match self {
            Self::Bt601 => [0.299, 0.114],
            Self::Bt709 => [0.2126, 0.0722],
            Self::Bt2020 => [0.2627, 0.0593],
        }
    }

    /// From luma in `[0, 1]` and differences in `[−0.5, 0.5]`.
    pub(super) fn rgb(self, [y, cb, cr]: [f32; 3]) -> [f32; 3] {
        let [red, blue] = self.shares();
        let r = y + 2.0 * (1.0 - red) * cr;
        let b = y + 2.0 * (1.0 - blue) * cb;
        [r, (y - red * r - blue * b) / (1.0 - red - blue), b]
    }

    /// See [`rgb`](Self::rgb).
    pub(super) fn yuv(self, [r, g, b]: [f32; 3]) -> [f32; 3] {
        let [red, blue] = self.shares();
        let y = red * r + (1.0 - red - blue) * g + blue * b;
        [y, (b - y) / (2.0 * (1.0 - blue)), (r - y) / (2.0 * (1.0 - red))]
    }
}

/// The levels of samples: what 0 and 1 are in luma, and the middle and the width of differences.
#[derive(Clone, Copy)]
pub(super) struct Levels {
    black: f32,
    luma: f32,
    middle: f32,
    colour: f32,
    most: f32,
}

impl Levels {
    pub(super) fn new(bits: u32, full_range: bool) -> Self {
        let step = (1_u32 << (bits - 8)) as f32;
        let most = ((1_u32 << bits) - 1) as f32;
        match full_range {
            true => Self { black: 0.0, luma: most, middle: 128.0 * step, colour: most, most },
            false => Self {
                black: 16.0 * step,
                luma: 219.0 * step,
                middle: 128.0 * step,
                colour: 224.0 * step,
                most,
            },
        }
    }

    pub(super) fn luma(&self, level: f32) -> f32 {
        (level - self.black) / self.luma
    }

    pub(super) fn colour(&self, level: f32) -> f32 {
        (level - self.middle) / self.colour
    }

    pub(super) fn of_luma(&self, value: f32) -> u16 {
        (value * self.luma + self.black).round().clamp(0.0, self.most) as u16
    }

    pub(super) fn of_colour(&self, value: f32) -> u16 {
        (value * self.colour + self.middle).round().clamp(0.0, self.most) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_levels_are_met() {
        // Pure red and white of 8 bits, studio levels: BT.601 81, 90, 240; BT.709 63, 102, 240.
        let levels = Levels::new(8, false);
        let all = |matrix: Matrix, rgb| {
            let [y, cb, cr] = matrix.yuv(rgb);
            [levels.of_luma(y), levels.of_colour(cb), levels.of_colour(cr)]
        };
        assert_eq!(all(Matrix::Bt601, [1.0, 0.0, 0.0]), [81, 90, 240]);
        assert_eq!(all(Matrix::Bt709, [1.0, 0.0, 0.0]), [63, 102, 240]);
        assert_eq!(all(Matrix::Bt2020, [1.0; 3]), [235, 128, 128]);
        assert_eq!(Levels::new(10, false).of_luma(1.0), 940);
        assert_eq!(Levels::new(10, true).of_luma(1.0), 1023);
        for matrix in [Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020] {
            let back = matrix.rgb(matrix.yuv([0.2, 0.7, 0.4]));
            assert!(back.iter().zip([0.2, 0.7, 0.4]).all(|(a, b)| (a - b).abs() < 1e-6));
        }
    }
}
