//! Images whose type says what their numbers mean.

use std::marker::PhantomData;

/// A colour space and range: what the numbers of an [`Image`] mean.
pub trait Space: Copy + PartialEq + std::fmt::Debug + Send + Sync + 'static {
    /// Interleaved channels a pixel.
    const CHANNELS: usize;
    /// Name for messages.
    const NAME: &'static str;
}

/// Three channels, sRGB-encoded (gamma), nominal range `[0, 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Srgb;
/// Three channels with sRGB primaries, linear light, nominal range `[0, 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear;
/// One channel: BT.601 luma of sRGB-encoded values in *studio range* divided by 255 (`16/255 … 235/255`),
/// the field's "Y" as MATLAB's `rgb2ycbcr` gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Luma;
/// Four channels at half size: an RGGB Bayer mosaic packed as R, G1, G2, B; linear sensor values in `[0, 1]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackedBayer;
/// One channel: how much two images differ at a place, at least 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference;

impl Space for Srgb {
    const CHANNELS: usize = 3;
    const NAME: &'static str = "sRGB";
}
impl Space for Linear {
    const CHANNELS: usize = 3;
    const NAME: &'static str = "linear RGB";
}
impl Space for Luma {
    const CHANNELS: usize = 1;
    const NAME: &'static str = "BT.601 luma";
}
impl Space for PackedBayer {
    const CHANNELS: usize = 4;
    const NAME: &'static str = "packed Bayer";
}
impl Space for Difference {
    const CHANNELS: usize = 1;
    const NAME: &'static str = "difference";
}

/// An image of `width × height` pixels, `S::CHANNELS` interleaved `f32` a pixel, rows from the top
/// (`[height, width, channels]`, the layout the networks read).
///
/// Values may leave the nominal range while being computed with; nothing clamps silently.
#[derive(Clone, Debug, PartialEq)]
pub struct Image<S: Space> {
    width: usize,
    height: usize,
    data: Vec<f32>,
    space: PhantomData<S>,
}

/// A buffer whose length does not fit the stated size.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{width}×{height} pixels of {space} need {expected} values, the buffer has {got}")]
pub struct LengthMismatch {
    width: usize,
    height: usize,
    space: &'static str,
    expected: usize,
    got: usize,
}

impl<S: Space> Image<S> {
    /// Wraps a buffer of `height · width · CHANNELS` values.
    ///
    /// # Errors
    /// When the buffer has another length.
    pub fn from_vec(width: usize, height: usize, data: Vec<f32>) -> Result<Self, LengthMismatch> {
        // Saturating: a size beyond memory must not come round to the length of a small buffer.
        let expected = width.saturating_mul(height).saturating_mul(S::CHANNELS);
        if data.len() != expected {
            return Err(LengthMismatch { width, height, space: S::NAME, expected, got: data.len() });
        }
        Ok(Self { width, height, data, space: PhantomData })
    }

    /// For code of this crate whose buffer has the right length by construction.
    pub(crate) fn from_parts(width: usize, height: usize, data: Vec<f32>) -> Self {
        debug_assert_eq!(data.len(), width * height * S::CHANNELS);
        Self { width, height, data, space: PhantomData }
    }

    /// An image computed pixel by pixel and channel by channel: `value(x, y, c)`.
    pub fn from_fn(width: usize, height: usize, mut value: impl FnMut(usize, usize, usize) -> f32) -> Self {
        let mut data = Vec::with_capacity(width * height * S::CHANNELS);
        for y in 0..height {
            for x in 0..width {
                data.extend((0..S::CHANNELS).map(|c| value(x, y, c)));
            }
        }
        Self { width, height, data, space: PhantomData }
    }

    /// Pixels in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Width and height.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// All values, `[height, width, channels]`.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// All values, to change in place.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    /// The buffer itself.
    pub fn into_vec(self) -> Vec<f32> {
        self.data
    }

    /// The values of one pixel.
    ///
    /// # Panics
    /// Outside the image.
    pub fn pixel(&self, x: usize, y: usize) -> &[f32] {
        let at = (y * self.width + x) * S::CHANNELS;
        &self.data[at..at + S::CHANNELS]
    }

    /// Every value passed through `f`.
    #[must_use]
    pub fn map(mut self, mut f: impl FnMut(f32) -> f32) -> Self {
        self.data.iter_mut().for_each(|v| *v = f(*v));
        self
    }

    /// The rectangle that starts at (`x`, `y`), cut off at the image's edge.
    #[must_use]
    pub fn crop(&self, x: usize, y: usize, width: usize, height: usize) -> Self {
        let (x, y) = (x.min(self.width), y.min(self.height));
        let (width, height) = (width.min(self.width - x), height.min(self.height - y));
        let mut data = Vec::with_capacity(width * height * S::CHANNELS);
        for row in y..y + height {
            let at = (row * self.width + x) * S::CHANNELS;
            data.extend_from_slice(&self.data[at..at + width * S::CHANNELS]);
        }
        Self { width, height, data, space: PhantomData }
    }
}
