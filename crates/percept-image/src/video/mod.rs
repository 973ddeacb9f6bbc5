//! Video as it goes through pipes: YUV4MPEG2, frame by frame.

mod chroma;
mod error;
mod header;
mod y4m;
mod yuv;

pub use error::Y4mError;
pub use header::Y4mHeader;
pub use y4m::{Y4mReader, Y4mWriter};
pub use yuv::Matrix;
