//! What can be wrong with a YUV4MPEG2 stream.

use std::io;

/// Why a stream could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Y4mError {
    /// It begins otherwise.
    #[error(
        "the input is no YUV4MPEG2 stream ({reason}); make one by `ffmpeg -i FILE -f yuv4mpegpipe -strict -1 -`"
    )]
    NotY4m {
        /// How that shows.
        reason: String,
    },
    /// A kind of video that is not read.
    #[error("the input is {what}; convert it, as by `ffmpeg {advice}`")]
    Unsupported {
        /// With its article.
        what: String,
        /// Options of ffmpeg that make it one that is read.
        advice: &'static str,
    },
    /// A frame's beginning or end is not where it must be.
    #[error("frame {frame} is {reason}; whatever writes the stream must have failed")]
    Frame {
        /// Counted from 1.
        frame: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// A value is NaN or infinite, or the frame has another size than the stream.
    #[error("frame {frame} cannot be written: {reason}")]
    Unwritable {
        /// Counted from 1.
        frame: u64,
        /// What is wrong.
        reason: String,
    },
    /// The system refused.
    #[error("the stream broke off: {0}")]
    Io(#[from] io::Error),
}
