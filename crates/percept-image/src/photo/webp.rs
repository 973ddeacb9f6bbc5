//! WebP's chunks beside the pixels.

use super::metadata::Metadata;

/// What a file says beside its pixels. It may be damaged: what cannot be read is not there.
pub(super) fn metadata(webp: &[u8]) -> Metadata {
    let mut found = Metadata::default();
    let mut pictures = 0;
    let mut rest = webp.get(12..).unwrap_or_default();
    while let Some((&[a, b, c, d, length @ ..], behind)) = rest.split_first_chunk::<8>() {
        let length = u32::from_le_bytes(length) as usize;
        let Some(body) = behind.get(..length) else { break };
        match &[a, b, c, d] {
            b"EXIF" if found.exif.is_none() => found.set_exif(body),
            b"XMP " if found.xmp.is_none() => found.set_xmp(body),
            b"ANMF" => pictures += 1,
            _ => {}
        }
        rest = behind.get(length.next_multiple_of(2)..).unwrap_or_default();
    }
    found.first_of(pictures, "pictures (an animation)");
    found
}
