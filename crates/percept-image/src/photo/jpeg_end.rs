//! Whether a JPEG file is there to its end: decoders fill what is missing with grey and say nothing.

/// Whether the compressed data of the last scan is followed by an end-of-image marker (ITU-T T.81, B.1.1).
///
/// Follows the marker segments, so that a thumbnail inside one is not mistaken for the image. Bytes that
/// are no JPEG markers where one must be are left for the decoder to judge.
pub(super) fn reaches_end(jpeg: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[mark, code]) = jpeg.get(at..at + 2) {
        match (mark, code) {
            (0xff, 0xd9) => return true,
            (0xff, 0xff) => at += 1,
            // Markers without a length: TEM and the restart markers.
            (0xff, 0x01 | 0xd0..=0xd7) => at += 2,
            (0xff, _) => {
                let Some(&[high, low]) = jpeg.get(at + 2..at + 4) else { return false };
                at += 2 + usize::from(u16::from_be_bytes([high, low]));
                if code == 0xda {
                    at += scan_length(jpeg.get(at..).unwrap_or_default());
                }
            }
            _ => return true,
        }
    }
    false
}

/// Bytes of entropy-coded data: up to a marker that is neither a stuffed zero nor a restart.
fn scan_length(data: &[u8]) -> usize {
    let marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff);
    data.windows(2).position(marker).unwrap_or(data.len())
}
