//! The beginning of a TIFF: all tags, before rows of pixels that are stored as they are. So it can be written in one go.

use super::Head;
use super::ifd::{self, Field};
use super::tiff_metadata;

/// What a TIFF says before its pixels.
pub(super) struct TiffHead<'a> {
    pub head: &'a Head,
    pub icc: Option<&'a [u8]>,
    pub sixteen: bool,
    /// Of the whole file.
    pub big_endian: bool,
}

/// Bytes that a strip of rows has, about.
const STRIP: u64 = 1 << 20;

impl TiffHead<'_> {
    /// Everything up to the pixels; `None` where the file would be larger than its 32-bit places allow.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        let Self { head, big_endian, .. } = *self;
        let (width, height) = (head.size.0 as u64, head.size.1 as u64);
        let (channels, sample) = (head.channels(), if self.sixteen { 2 } else { 1 });
        let line = width * channels as u64 * sample;
        let rows = (STRIP / line.max(1)).clamp(1, height);
        let strips = height.div_ceil(rows);
        let shorts = |tag, numbers: &[u16]| Field::shorts(tag, numbers, big_endian);
        let longs = |tag, numbers: &[u32]| Field::longs(tag, 4, numbers, big_endian);
        let side = |side: u64| u32::try_from(side).ok();

        let mut fields = vec![
            longs(256, &[side(width)?]),
            longs(257, &[side(height)?]),
            shorts(258, &vec![8 * sample as u16; channels]),
            shorts(259, &[1]),
            shorts(262, &[if head.grey { 1 } else { 2 }]),
            shorts(277, &[channels as u16]),
            longs(278, &[side(rows)?]),
            shorts(284, &[1]),
        ];
        if head.alpha {
            // Opacity by which colours are not multiplied.
            fields.push(shorts(338, &[2]));
        }
        fields.extend(self.icc.map(|icc| Field::bytes(tiff_metadata::ICC, 7, icc.to_vec())));
        fields.extend(tiff_metadata::fields(&head.metadata, big_endian));
        let lengths: Vec<u32> =
            (0..strips).map(|strip| side(rows.min(height - strip * rows) * line)).collect::<Option<_>>()?;
        fields.push(longs(279, &lengths));

        // Places do not change how long the list is.
        let list = |starts: &[u32]| ifd::write([&fields[..], &[longs(273, starts)]].concat(), 8, big_endian);
        let first = 8 + list(&vec![0; lengths.len()]).len() as u64;
        let starts =
            (0..strips).map(|strip| side(first + strip * rows * line)).collect::<Option<Vec<_>>>()?;
        side(first + height * line)?;
        let mark = if big_endian { b"MM\0*\0\0\0\x08" } else { b"II*\0\x08\0\0\0" };
        Some([&mark[..], &list(&starts)].concat())
    }
}
