//! Pixels in the memory of other programs: arrays as photos, and photos as arrays.

use half::f16;

use crate::photo::Metadata;
use crate::{Depth, Image, Photo, Srgb};

/// How far beyond `[0, 1]` a value may be by rounding alone.
const ROUNDING: f64 = 1e-6;

/// The memory of an array, by the type of its values: 8 and 16 bits from black to white, floats from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub enum Samples<'a> {
    /// 0 to 255.
    U8(&'a [u8]),
    /// 0 to 65 535.
    U16(&'a [u16]),
    /// 0 to 1, half precision.
    F16(&'a [f16]),
    /// 0 to 1.
    F32(&'a [f32]),
    /// 0 to 1, double precision.
    F64(&'a [f64]),
}

/// A picture in someone's memory, sRGB-encoded: height, width, channels (grey, colour, or colour with opacity).
#[derive(Clone, Copy, Debug)]
pub struct ArrayView<'a> {
    /// The memory.
    pub samples: Samples<'a>,
    /// Where in it the first value of the first pixel is.
    pub first: usize,
    /// Height, width and channels: 1, 3 or 4.
    pub shape: [usize; 3],
    /// Values from a row, column or channel to the next.
    pub strides: [isize; 3],
}

/// Why an array is no picture.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum ArrayError {
    /// Another number of channels.
    #[error("a picture has 1, 3 or 4 channels, and this one has {got}")]
    Channels {
        /// How many there are.
        got: usize,
    },
    /// No pixels.
    #[error("a picture of {width}×{height} pixels is empty")]
    Empty {
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
    },
    /// The strides lead out of the memory.
    #[error("shape and strides of the array do not fit its memory")]
    Layout,
    /// Floats of another range.
    #[error("float values must be from 0 to 1, and these go from {low} to {high}; {}", advice(*low, *high))]
    Range {
        /// The smallest value.
        low: f64,
        /// The largest one.
        high: f64,
    },
    /// NaN or infinity among the values.
    #[error("the picture holds values that are NaN or infinite; find out where they come from")]
    NotFinite,
}

/// What probably was meant.
fn advice(low: f64, high: f64) -> &'static str {
    match (low, high) {
        (0.0.., 1.5..=255.5) => "divide by 255, or pass uint8",
        (0.0.., 255.5..=65_535.5) => "divide by 65535, or pass uint16",
        (-1.01..-0.3, ..=1.01) => "if they mean -1 to 1, pass (x + 1) / 2; else clip them first",
        _ => "clip them first if they should not be there",
    }
}

impl ArrayView<'_> {
    /// The picture, with its opacity if there are four channels.
    ///
    /// # Errors
    /// When it is empty, has other channels, does not fit its memory, or its values are not in the range of their type.
    pub fn photo(&self) -> Result<Photo, ArrayError> {
        self.photo_in(Vec::new())
    }

    /// The same in memory that nobody needs any more: what the system has to give takes as long as a simple score.
    ///
    /// # Errors
    /// As there.
    pub fn photo_in(&self, spare: Vec<f32>) -> Result<Photo, ArrayError> {
        let [height, width, channels] = self.shape;
        if !matches!(channels, 1 | 3 | 4) {
            return Err(ArrayError::Channels { got: channels });
        }
        if width == 0 || height == 0 {
            return Err(ArrayError::Empty { width, height });
        }
        let depth = if matches!(self.samples, Samples::U16(_)) { Depth::Sixteen } else { Depth::Eight };
        let values = match self.samples {
            Samples::U8(values) => self.gathered(values, |value| f32::from(value) / 255.0, spare)?,
            Samples::U16(values) => self.gathered(values, |value| f32::from(value) / 65_535.0, spare)?,
            Samples::F16(values) => self.gathered(values, f16::to_f32, spare)?,
            Samples::F32(values) => self.gathered(values, |value| value, spare)?,
            Samples::F64(values) => self.gathered(values, |value| value as f32, spare)?,
        };
        let pixels = |data: Vec<f32>| Image::<Srgb>::from_vec(width, height, data);
        let alpha = (channels == 4).then(|| values.iter().skip(3).step_by(4).copied().collect());
        let pixels = match channels {
            1 => pixels(values.iter().flat_map(|value| [*value; 3]).collect()),
            3 => pixels(values),
            _ => pixels(values.chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect()),
        };
        let pixels = pixels.map_err(|_| ArrayError::Layout)?;
        Ok(Photo { pixels, alpha, depth, grey: channels == 1, icc: None, metadata: Metadata::default() })
    }

    /// All values in order, which must be from 0 to 1.
    fn gathered<T: Copy>(
        &self,
        memory: &[T],
        value: impl Fn(T) -> f32,
        spare: Vec<f32>,
    ) -> Result<Vec<f32>, ArrayError> {
        let [height, width, channels] = self.shape;
        let ([rows, columns, planes], line) = (self.strides, width * channels);
        let (mut all, mut extent) = (spare, Extent::default());
        all.clear();
        all.reserve_exact(height.saturating_mul(line));
        let at = |row: usize, column: usize, channel: usize| {
            let along = |count: usize, stride: isize| isize::try_from(count).ok()?.checked_mul(stride);
            let offset = along(row, rows)?.checked_add(along(column, columns)?)?;
            self.first.checked_add_signed(offset.checked_add(along(channel, planes)?)?)
        };
        let dense = planes == 1 && usize::try_from(columns) == Ok(channels);
        for row in 0..height {
            if dense {
                let from = at(row, 0, 0).ok_or(ArrayError::Layout)?;
                let values = from.checked_add(line).and_then(|to| memory.get(from..to));
                all.extend(values.ok_or(ArrayError::Layout)?.iter().map(|one| value(*one)));
                extent.see(&all[row * line..]);
                continue;
            }
            for column in 0..width {
                for channel in 0..channels {
                    let one = at(row, column, channel).and_then(|at| memory.get(at));
                    all.push(value(*one.ok_or(ArrayError::Layout)?));
                }
            }
            extent.see(&all[row * line..]);
        }
        extent.checked().map(|()| all)
    }
}

const LANES: usize = 16;

/// From where to where values go, in lanes that the processor compares at a time.
struct Extent {
    low: [f32; LANES],
    high: [f32; LANES],
    /// Nothing is smaller or larger than NaN, which no sum of it and zeros hides.
    faults: [f32; LANES],
}

impl Default for Extent {
    fn default() -> Self {
        Self { low: [f32::INFINITY; LANES], high: [f32::NEG_INFINITY; LANES], faults: [0.0; LANES] }
    }
}

impl Extent {
    fn see(&mut self, values: &[f32]) {
        let (lanes, rest) = values.as_chunks::<LANES>();
        for values in lanes.iter().map(<[f32; LANES]>::as_slice).chain(std::iter::once(rest)) {
            let lanes = self.low.iter_mut().zip(&mut self.high).zip(&mut self.faults);
            for (((low, high), faults), v) in lanes.zip(values) {
                *low = if *v < *low { *v } else { *low };
                *high = if *v > *high { *v } else { *high };
                *faults += *v * 0.0;
            }
        }
    }

    fn checked(self) -> Result<(), ArrayError> {
        if self.faults.iter().any(|faults| *faults != 0.0) {
            return Err(ArrayError::NotFinite);
        }
        let low = f64::from(self.low.into_iter().fold(f32::INFINITY, f32::min));
        let high = f64::from(self.high.into_iter().fold(f32::NEG_INFINITY, f32::max));
        match low < -ROUNDING || high > 1.0 + ROUNDING {
            true => Err(ArrayError::Range { low, high }),
            false => Ok(()),
        }
    }
}

impl Photo {
    /// All values, `[height, width, 3]`, or 4 with the opacity, from 0 to 1.
    pub fn values(&self) -> Vec<f32> {
        match &self.alpha {
            None => self.pixels.data().to_vec(),
            Some(alpha) => {
                let pixels = self.pixels.data().chunks_exact(3).zip(alpha);
                pixels.flat_map(|(colour, alpha)| [colour[0], colour[1], colour[2], *alpha]).collect()
            }
        }
    }

    /// [`values`](Self::values) in 8 bits.
    pub fn levels8(&self) -> Vec<u8> {
        self.values().into_iter().map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8).collect()
    }

    /// [`values`](Self::values) in 16 bits.
    pub fn levels16(&self) -> Vec<u16> {
        self.values().into_iter().map(|value| (value.clamp(0.0, 1.0) * 65_535.0).round() as u16).collect()
    }
}
