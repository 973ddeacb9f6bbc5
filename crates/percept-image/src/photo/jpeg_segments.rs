//! JPEG's segments beside the pixels: found in a file, and written into one.

use super::metadata::{Density, Metadata};

const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const MORE_XMP: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
const EXIF: &[u8] = b"Exif\0\0";
/// Bytes that a segment can hold.
const MOST: usize = 65_533;

/// What a file says beside its pixels. It may be damaged: what cannot be read is not there.
pub(super) fn metadata(jpeg: &[u8]) -> Metadata {
    let mut found = Metadata::default();
    let (mut more, mut iptc) = (false, false);
    for (code, body) in segments(jpeg) {
        match (code, body) {
            (0xe0, [b'J', b'F', b'I', b'F', 0, _, _, unit @ (1 | 2), x @ .., _, _]) if x.len() >= 4 => {
                let pixels = [0, 2].map(|at| f64::from(u16::from_be_bytes([x[at], x[at + 1]])));
                found.density = found.density.or_else(|| Density::new(pixels, *unit == 1));
            }
            (0xe1, body) if body.starts_with(EXIF) && found.exif.is_none() => found.set_exif(body),
            (0xe1, body) if body.starts_with(MORE_XMP) => more = true,
            (0xe1, body) => {
                if let (Some(packet), None) = (body.strip_prefix(XMP), &found.xmp) {
                    found.set_xmp(packet);
                }
            }
            (0xed, body) => {
                iptc |=
                    body.starts_with(b"Photoshop 3.0\0") && body.windows(6).any(|six| six == b"8BIM\x04\x04")
            }
            _ => {}
        }
    }
    if more {
        found.note("its XMP has further parts, which are left out");
    }
    if iptc {
        found.note("its IPTC notes are left out");
    }
    found
}

/// The segments before the first scan.
fn segments(jpeg: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut at = 2;
    std::iter::from_fn(move || {
        while jpeg.get(at..at + 2) == Some(&[0xff, 0xff]) {
            at += 1;
        }
        let &[0xff, code, high, low] = jpeg.get(at..)?.first_chunk()? else { return None };
        let body = jpeg.get(at + 4..at + 2 + usize::from(u16::from_be_bytes([high, low])))?;
        at += 4 + body.len();
        (code != 0xda).then_some((code, body))
    })
}

/// What of it a JPEG cannot hold, as its segments are too short.
pub(super) fn too_long(metadata: &Metadata) -> Vec<&'static str> {
    let longer = |part: &Option<Vec<u8>>, mark: &[u8]| {
        part.as_ref().is_some_and(|part| mark.len() + part.len() > MOST)
    };
    let parts = [
        ("EXIF of more than 64 KB", longer(&metadata.exif, EXIF)),
        ("XMP of more than 64 KB", longer(&metadata.xmp, XMP)),
    ];
    parts.into_iter().filter(|(_, longer)| *longer).map(|(what, _)| what).collect()
}

/// Puts what fits into a file that has none of it: behind the segment that says it is JFIF.
pub(super) fn insert(metadata: &Metadata, jpeg: &mut Vec<u8>) {
    let Some(density) = jpeg.get_mut(13..18).filter(|place| place.len() == 5) else { return };
    if let Some(known) = metadata.any_density() {
        let [x, y] = known.inch().map(|pixels| (pixels.round().clamp(1.0, 65_535.0) as u16).to_be_bytes());
        density.copy_from_slice(&[1, x[0], x[1], y[0], y[1]]);
    }
    let mut segments = Vec::new();
    for (mark, part) in [(EXIF, &metadata.exif), (XMP, &metadata.xmp)] {
        if let Some(part) = part.as_ref().filter(|part| mark.len() + part.len() <= MOST) {
            segments.extend([0xff, 0xe1]);
            segments.extend(((2 + mark.len() + part.len()) as u16).to_be_bytes());
            segments.extend_from_slice(mark);
            segments.extend_from_slice(part);
        }
    }
    jpeg.splice(20..20, segments);
}
