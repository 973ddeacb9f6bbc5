//! Flags of `apply` about its results.

use clap::{Args as Flags, ValueEnum};
use percept_image::video::Matrix;

/// What becomes of each picture.
#[derive(Debug, Flags)]
pub struct ResultArgs {
    /// Size of the results: so many times the picture's, whatever the network's scale is; the result is resized
    #[arg(long, value_name = "TIMES", value_parser = times)]
    pub outscale: Option<f64>,
    /// Look at each picture in eight ways, turned and mirrored, and take the mean: better, and eight times as slow
    #[arg(long)]
    pub tta: bool,
    /// Enter the folders inside the folders too; results lie in the same tree
    #[arg(short, long)]
    pub recursive: bool,
    /// What is added to the name of each picture [default: -x4 (the scale) beside the picture, else nothing]
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, value_parser = suffix)]
    pub suffix: Option<String>,
    /// Format of the results [default: the picture's]
    #[arg(long, value_name = "NAME")]
    pub format: Option<ResultFormat>,
    /// Leave out what the files say of the photos: EXIF with the place, XMP, notes, DPI; colour profiles stay
    #[arg(long)]
    pub strip: bool,
}

/// Video instead of pictures.
#[derive(Debug, Flags)]
pub struct VideoArgs {
    /// Read video from standard input and write it to standard output, as YUV4MPEG2 of 8 or 10 bits, 4:2:0 or 4:4:4
    #[arg(long, conflicts_with_all = ["inputs", "output", "recursive", "suffix", "format", "strip", "force"])]
    pub y4m: bool,
    /// How the colours of the video are mixed, which its stream does not say [default: bt709 from 720 rows on, else bt601]
    #[arg(long, value_name = "NAME")]
    pub matrix: Option<MatrixName>,
}

/// A matrix by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MatrixName {
    /// Video of up to 576 rows
    Bt601,
    /// High definition
    Bt709,
    /// Wide colours
    Bt2020,
}

impl MatrixName {
    /// What it names.
    pub fn matrix(self) -> Matrix {
        match self {
            Self::Bt601 => Matrix::Bt601,
            Self::Bt709 => Matrix::Bt709,
            Self::Bt2020 => Matrix::Bt2020,
        }
    }
}

/// A format that results can be asked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ResultFormat {
    /// Lossless; keeps everything
    Png,
    /// Quality 95; no opacity, 8 bits
    #[value(alias = "jpg")]
    Jpeg,
    /// Lossless, 8 bits, sides up to 16383 pixels
    Webp,
    /// Lossless, not compressed; keeps everything, up to 4 GB
    #[value(alias = "tif")]
    Tiff,
}

impl ResultFormat {
    /// How the names of such files end.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpg",
            Self::Webp => "webp",
            Self::Tiff => "tif",
        }
    }
}

/// The least and the greatest `--outscale`.
const TIMES: [f64; 2] = [0.01, 64.0];

fn times(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(times) if (TIMES[0]..=TIMES[1]).contains(&times) => Ok(times),
        _ => Err(format!("must be a number from {} to {}", TIMES[0], TIMES[1])),
    }
}

fn suffix(text: &str) -> Result<String, String> {
    match text.contains(['/', '\\', '\0']) {
        true => Err("a part of a file's name holds no slash".to_string()),
        false => Ok(text.to_string()),
    }
}
