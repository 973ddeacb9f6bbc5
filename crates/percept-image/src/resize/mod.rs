//! Changing the size of images: MATLAB's bicubic ([`imresize`]), the filters of a kept library, and OpenCV's ([`resize`]);
//! [`RowResizer`] does so row by row.

mod imresize;
mod opencv;
mod rows;
mod taps;

use fast_image_resize as fir;
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use imresize::{imresize, imresize_by};
pub use rows::RowResizer;

use crate::{Image, Space};

/// How [`resize`] weighs the pixels that it merges or interpolates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// MATLAB's `imresize` bicubic with antialiasing, the convention of super-resolution papers.
    #[default]
    Bicubic,
    /// The mean of the covered area (a box); nearest neighbour when enlarging.
    Area,
    /// A triangle as wide as the larger pixel.
    Bilinear,
    /// Lanczos with three lobes.
    Lanczos,
    /// OpenCV's `INTER_AREA`: the mean of the covered area when shrinking, blocks with linear seams when enlarging.
    OpencvArea,
    /// OpenCV's `INTER_LINEAR`: between the two nearest pixels, also when shrinking.
    OpencvBilinear,
    /// OpenCV's `INTER_CUBIC`: among the four nearest pixels with `a = −3/4`, also when shrinking.
    OpencvBicubic,
}

/// `image` at `width × height` pixels.
///
/// [`Filter::Bicubic`] is [`imresize`]; `Area`, `Bilinear` and `Lanczos` are antialiased convolutions of `fast_image_resize`, as
/// Pillow has them; the others are OpenCV's. Lanczos and both bicubics may overshoot the range of the input. An image without pixels becomes zeros.
#[must_use]
pub fn resize<S: Space>(image: &Image<S>, width: usize, height: usize, filter: Filter) -> Image<S> {
    let kernel = match filter {
        Filter::Bicubic => return imresize(image, width, height),
        Filter::Area => fir::FilterType::Box,
        Filter::Bilinear => fir::FilterType::Bilinear,
        Filter::Lanczos => fir::FilterType::Lanczos3,
        Filter::OpencvArea => return opencv::area(image, width, height),
        Filter::OpencvBilinear => return opencv::bilinear(image, width, height),
        Filter::OpencvBicubic => return opencv::bicubic(image, width, height),
    };
    if image.size() == (width, height) {
        return image.clone();
    }
    // The library counts in u32; an image beyond that cannot be held in memory, but can be asked for.
    convolved(image, width, height, kernel).unwrap_or_else(|| imresize(image, width, height))
}

/// The library's antialiased convolution; `None` for sizes or layouts that it does not know.
fn convolved<S: Space>(
    image: &Image<S>,
    width: usize,
    height: usize,
    kernel: fir::FilterType,
) -> Option<Image<S>> {
    match S::CHANNELS {
        1 => convolved_as::<S, pixels::F32>(image, width, height, kernel),
        3 => convolved_as::<S, pixels::F32x3>(image, width, height, kernel),
        4 => convolved_as::<S, pixels::F32x4>(image, width, height, kernel),
        _ => None,
    }
}

/// With the pixel's type known when compiled: for all that the library has, its code fills megabytes.
fn convolved_as<S: Space, P: fir::PixelTrait>(
    image: &Image<S>,
    width: usize,
    height: usize,
    kernel: fir::FilterType,
) -> Option<Image<S>> {
    let side = |v: usize| u32::try_from(v).ok();
    let source = bytemuck::cast_slice(image.data());
    let source = TypedImageRef::<P>::from_buffer(side(image.width())?, side(image.height())?, source).ok()?;
    let mut data = vec![0.0_f32; width * height * S::CHANNELS];
    let target = bytemuck::cast_slice_mut(&mut data);
    let mut target = TypedImage::<P>::from_buffer(side(width)?, side(height)?, target).ok()?;
    let options = fir::ResizeOptions::new().resize_alg(fir::ResizeAlg::Convolution(kernel)).use_alpha(false);
    fir::Resizer::new().resize_typed(&source, &mut target, &options).ok()?;
    Some(Image::from_parts(width, height, data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Luma, PackedBayer, Srgb};

    const ALL: [Filter; 7] = [
        Filter::Bicubic,
        Filter::Area,
        Filter::Bilinear,
        Filter::Lanczos,
        Filter::OpencvArea,
        Filter::OpencvBilinear,
        Filter::OpencvBicubic,
    ];

    #[test]
    fn area_is_the_mean_of_the_block() {
        let image = Image::<Srgb>::from_fn(8, 6, |x, y, c| (x * 7 + y * 3 + c) as f32 / 80.0);
        let small = resize(&image, 4, 3, Filter::Area);
        for y in 0..3 {
            for x in 0..4 {
                for c in 0..3 {
                    let block = [(0, 0), (1, 0), (0, 1), (1, 1)];
                    let mean =
                        block.iter().map(|(i, j)| image.pixel(2 * x + i, 2 * y + j)[c]).sum::<f32>() / 4.0;
                    assert!((small.pixel(x, y)[c] - mean).abs() < 1e-6);
                }
            }
        }
    }

    #[test]
    fn every_layout_and_filter_gives_the_asked_size_and_keeps_constants() {
        fn check<S: Space>() {
            let image = Image::<S>::from_fn(13, 9, |_, _, c| 0.2 + 0.1 * c as f32);
            for filter in ALL {
                for (w, h) in [(5, 4), (26, 30), (1, 1), (13, 9)] {
                    let out = resize(&image, w, h, filter);
                    assert_eq!(out.size(), (w, h));
                    let far = out
                        .data()
                        .iter()
                        .enumerate()
                        .map(|(i, v)| v - (0.2 + 0.1 * (i % S::CHANNELS) as f32));
                    assert!(far.fold(0.0_f32, |m, d| m.max(d.abs())) < 1e-5, "{filter:?} {w}x{h}");
                }
            }
        }
        check::<Srgb>();
        check::<Luma>();
        check::<PackedBayer>();
    }

    #[test]
    fn an_image_without_pixels_is_no_reason_to_fall() {
        let empty = Image::<Srgb>::from_fn(0, 4, |_, _, _| 0.0);
        for filter in ALL {
            assert_eq!(resize(&empty, 3, 2, filter).data(), [0.0; 18]);
            assert_eq!(resize(&empty, 0, 0, filter).size(), (0, 0));
        }
    }
}
