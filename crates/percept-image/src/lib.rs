//! Pixels without tensors: files, colour, resize, degradations and classical scores.
//!
//! # A tour
//!
//! An [`Image`] is a buffer of `f32` whose type says what the numbers mean: [`Srgb`] (encoded, `[0, 1]`), [`Linear`]
//! light, [`Luma`] in BT.601 studio range, or a [`PackedBayer`] RAW. A function that needs one of them takes that
//! type, so a wrong range does not compile.
//!
//! [`read_photo`] gives a [`Photo`]: the pixels, and what else the file holds (alpha, 16 bits, an ICC profile), so
//! that [`write_photo`] can put it back. [`read_srgb`] gives the pixels alone. What is wrong with a file is a
//! [`ReadError`] that names the file and says what to do. [`Photo::bled`] is what a network should see of a photo with
//! transparent pixels. [`list_folder`] gives the photos of a folder, and what of it is left out and why; [`photo_name`]
//! is the name by which photos of two folders are paired.
//!
//! ```
//! use percept_image::{Image, Photo, Srgb, list_folder, read_photo, write_photo};
//!
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let grey = Image::<Srgb>::from_fn(40, 30, |x, _, _| x as f32 / 39.0);
//! write_photo(folder.join("ramp.png"), &Photo::new(grey))?;
//! std::fs::write(folder.join("phone.heic"), "")?;
//!
//! let listing = list_folder(folder)?;
//! for path in &listing.photos {
//!     let photo = read_photo(path)?;
//!     let darker = photo.pixels.clone().map(|value| value * 0.5);
//!     // Alpha, depth and profile stay what they were.
//!     write_photo(path.with_extension("tif"), &photo.with_pixels(darker))?;
//! }
//! assert!(listing.left_out[0].to_string().contains("phone.heic: a HEIC picture cannot be read; convert it to PNG"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`resize::imresize`] is MATLAB's bicubic, which super-resolution papers shrink with; [`resize::resize`] has
//! the other filters.
//!
//! A [`DegradationConfig`] is one table of a configuration and a [`Degradation`]; with a probability it is a [`Step`], and
//! several make a [`Pipeline`]. All chance comes from an [`Rng`] that [`rng_for`] derives from seed, step and sample.
//!
//! [`Psnr`], [`Ssim`], [`Fsim`] and the others are [`Metric`]s: a number, and the protocol without which it means nothing.
//! [`Niqe`], [`Piqe`], [`Brisque`], [`TotalVariation`] and [`Noise`] look at the test image alone. Where a score comes from places, its
//! [`Spatial`] side gives a map, which [`heat`] colours. Of the scores of a pair [`Grid`], [`IwSsim`], [`Mdsi`],
//! [`Ssimulacra2`] and [`Vifp`] ask which picture is the reference; the others give the same either way.
//!
//! ```
//! use percept_image::degrade::{Downscale, Jpeg};
//! use percept_image::resize::imresize;
//! use percept_image::{Degradation, DegradationConfig, Image, Metric, Pipeline, Psnr, Srgb, rng_for};
//!
//! let photo = Image::<Srgb>::from_fn(64, 48, |x, y, c| 0.5 + 0.4 * ((x + c * 9) as f32 / 7.0).sin() * (y as f32 / 5.0).cos());
//! let spoil = Pipeline::new(&[
//!     DegradationConfig::Downscale(Downscale { scale: 2.0, ..Downscale::default() }),
//!     DegradationConfig::Jpeg(Jpeg { quality: [60.0, 90.0].into(), ..Jpeg::default() }),
//! ])?;
//! let small = spoil.apply(photo.clone(), &mut rng_for(0, 0, 0));
//! assert_eq!(small.size(), (32, 24));
//!
//! let enlarged = imresize(&small, 64, 48);
//! let psnr = Psnr::y(2);
//! assert!(psnr.score(&photo, &enlarged)? > 25.0);
//! assert_eq!(psnr.protocol(), "PSNR-Y, BT.601 studio-range Y of [16, 235], unrounded, peak 255, crop 2");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod array;
mod atomic;
pub mod colour;
pub mod degrade;
mod heat;
mod home;
mod image;
pub mod inspect;
mod lmdb;
mod metric;
mod photo;
pub mod resize;
mod rng;
mod score;
pub mod video;

pub use crate::array::{ArrayError, ArrayView, Samples};
pub use crate::atomic::{AtomicFile, without_temporary_name, write_atomic};
pub use crate::degrade::{ConfigError, Degradation, DegradationConfig, Mosaic, Pipeline, Step, demosaic};
pub use crate::heat::heat;
pub use crate::home::expand_home;
pub use crate::image::{Difference, Image, LengthMismatch, Linear, Luma, PackedBayer, Space, Srgb};
pub use crate::lmdb::{DATA as LMDB_DATA, Lmdb};
pub use crate::metric::{Better, Cost, Metric, MetricError, Spatial};
pub use crate::photo::{
    Capacity, Chunk, Density, Depth, EXTENSIONS, Head, JPEG_QUALITY, LeftOut, Listing, MAX_BYTES, MAX_PIXELS,
    MAX_SIDE, Metadata, Photo, ReadError, Reason, RowReader, RowWriter, WriteError, decode_photo,
    encode_photo, list_folder, list_photos, list_tree, photo_name, photo_size, read_photo, read_srgb,
    upright_size, write_photo, write_rows,
};
pub use crate::rng::{Rng, rng_for};
pub use crate::score::{
    BandEnergy, Brisque, Butteraugli, Ciede2000, Dss, Flip, Fsim, Gmsd, Grid, HaarPsi, IwSsim, Mdsi, MsGmsd,
    MsSsim, Niqe, Nlpd, Noise, Piqe, Psnr, Shift, Shrunk, Ssim, Ssimulacra2, TotalVariation, Vifp, Vsi,
};
