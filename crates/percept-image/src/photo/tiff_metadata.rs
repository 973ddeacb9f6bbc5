//! What a TIFF's tags say beside the pixels: the same tags as EXIF's first list, and the lists below.

use super::exif::{self, EXIF_SIZES};
use super::ifd::{self, Block, Bytes, Content, EXIF, Field, GPS};
use super::metadata::{Density, Metadata};

pub(super) const XMP: u16 = 700;
pub(super) const ICC: u16 = 34_675;
const IPTC: u16 = 33_723;
const SUBFILE_TYPE: u16 = 254;
/// Resolution, and its unit.
const RESOLUTION: [u16; 3] = [282, 283, 296];

/// Whether a tag of the first list is about the photo, not about how its pixels are stored: names, makers, dates, people,
/// rights, stars, and the lists below.
pub(super) fn tells(tag: u16) -> bool {
    matches!(tag, 269..=272 | 285 | 305 | 306 | 315 | 316 | 18_246 | 18_249 | 33_432 | EXIF | GPS | 0x9c9b..=0x9c9f)
}

/// What a file says beside its pixels. It may be damaged: what cannot be read is not there.
pub(super) fn metadata<B: Bytes + ?Sized>(bytes: &B) -> Metadata {
    let mut found = Metadata::default();
    let Some(block) = Block::new(bytes) else {
        found.note("the notes of a BigTIFF are left out");
        return found;
    };
    let Some(first) = block.first() else { return found };
    let mut fields = block.fields(&first);
    for field in &mut fields {
        if let (EXIF, Content::List(below)) = (field.tag, &mut field.content) {
            below.retain(|field| !EXIF_SIZES.contains(&field.tag));
        }
    }
    if let Some(packet) = fields.iter().find(|field| field.tag == XMP).and_then(values) {
        found.set_xmp(packet);
    }
    if fields.iter().any(|field| field.tag == IPTC) {
        found.note("its IPTC notes are left out");
    }
    if fields.iter().any(|field| tells(field.tag)) {
        let told = fields.into_iter().filter(|field| tells(field.tag) || RESOLUTION.contains(&field.tag));
        let mut exif = if block.big_endian { b"MM\0*\0\0\0\x08" } else { b"II*\0\x08\0\0\0" }.to_vec();
        exif.extend(ifd::write(told.collect(), 8, block.big_endian));
        found.set_exif(&exif);
    }
    found.density = exif::resolution(bytes).and_then(|(pixels, inch)| Density::new(pixels, inch));
    found.first_of(pages(&block, first.next), "pages");
    found
}

fn values(field: &Field) -> Option<&[u8]> {
    match &field.content {
        Content::Values(values) => Some(values),
        Content::List(_) => None,
    }
}

/// Pages of the file; small previews are none.
fn pages<B: Bytes + ?Sized>(block: &Block<'_, B>, mut next: usize) -> usize {
    let mut pages = 1;
    // No file has so many; lists may lead in a circle.
    for _ in 0..1000 {
        let Some(list) = block.directory(next).filter(|_| next != 0) else { break };
        let kind = list.entry(SUBFILE_TYPE).and_then(|entry| block.number(entry));
        pages += usize::from(kind.unwrap_or(0) & 1 == 0);
        next = list.next;
    }
    pages
}

/// What `metadata` says, as fields of a TIFF of this order of bytes.
pub(super) fn fields(metadata: &Metadata, big_endian: bool) -> Vec<Field> {
    let mut fields = Vec::new();
    let block = metadata.exif.as_deref().and_then(Block::of).filter(|block| block.big_endian == big_endian);
    if let Some((block, first)) = block.as_ref().and_then(|block| Some((block, block.first()?))) {
        fields.extend(block.fields(&first).into_iter().filter(|field| tells(field.tag)));
    }
    if let Some(packet) = &metadata.xmp {
        fields.push(Field::bytes(XMP, 1, packet.clone()));
    }
    if let Some(density) = metadata.any_density() {
        let fractions = [282, 283].into_iter().zip(density.fractions());
        fields.extend(fractions.map(|(tag, fraction)| Field::longs(tag, 5, &fraction, big_endian)));
        fields.push(Field::shorts(296, &[2], big_endian));
    }
    fields
}

/// The order of bytes in which `metadata` can be written as it is.
pub(super) fn big_endian(metadata: &Metadata) -> bool {
    metadata.exif.as_ref().is_some_and(|exif| exif.starts_with(b"MM"))
}
