//! Pixels without tensors: files, colour, resize, degradations and classical scores.

pub mod colour;
pub mod degrade;
mod image;
mod metric;
mod photo;
pub mod resize;
mod rng;
mod score;

pub use crate::degrade::{ConfigError, Degradation, DegradationConfig, Mosaic, Pipeline, demosaic};
pub use crate::image::{Image, LengthMismatch, Linear, Luma, PackedBayer, Space, Srgb};
pub use crate::metric::{Better, Metric, MetricError};
pub use crate::photo::{
    Depth, EXTENSIONS, JPEG_QUALITY, MAX_PIXELS, MAX_SIDE, Photo, ReadError, WriteError, decode_photo,
    list_photos, read_photo, read_srgb, write_atomic, write_photo,
};
pub use crate::rng::{Rng, rng_for};
pub use crate::score::{MsSsim, Psnr, Ssim};
