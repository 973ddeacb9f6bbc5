//! EXIF of a photo whose pixels become others: what would be wrong then goes, the rest stays where it is, byte for byte. So
//! makers' notes, which lead to places of their own, stay right.

use std::ops::Range;

use super::Density;
use super::ifd::{self, Block, Bytes, Directory, EXIF, Entry, Field, GPS, INTEROP};

const ORIENTATION: u16 = 0x112;
/// Width and height in the first list, and in EXIF's own.
const SIZES: [u16; 2] = [0x100, 0x101];
pub(super) const EXIF_SIZES: [u16; 2] = [0xa002, 0xa003];
/// Where a thumbnail's pixels are, and how many bytes of them.
const THUMBNAIL: [(u16, u16); 2] = [(0x201, 0x202), (0x111, 0x117)];
/// Resolution, and its unit.
const RESOLUTION: [u16; 3] = [0x11a, 0x11b, 0x128];

/// EXIF that is right for other pixels.
pub(super) struct Clean {
    pub block: Vec<u8>,
    /// Whether some of it led nowhere and was left out.
    pub damaged: bool,
}

/// Without thumbnail and sizes, upright. The mark of the block, if any, goes. `None` where it is no EXIF.
pub(super) fn clean(exif: &[u8]) -> Option<Clean> {
    let mut block = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif).to_vec();
    let view = Block::of(&block)?;
    let first = view.first()?;
    let below = [view.below(&first, EXIF), view.below(&first, GPS)];
    let deepest = below[0].as_ref().and_then(|exif| view.below(exif, INTEROP));
    let thumbnail = (first.next != 0).then(|| view.directory(first.next)).flatten();
    let upright = first.entry(ORIENTATION).filter(|mark| view.number(mark).is_some()).cloned();
    let big_endian = view.big_endian;

    let mut kept: Vec<&Directory> = Vec::new();
    for list in std::iter::once(&first).chain(below.iter().flatten()).chain(&deepest) {
        // In damaged EXIF one list may stand for another.
        if kept.iter().all(|before| before.at != list.at) {
            kept.push(list);
        }
    }
    let holes = thumbnail.as_ref().map_or_else(Vec::new, |list| thumbnail_bytes(&view, list, &kept));
    let leads_nowhere = |list: &Directory, entry: &Entry| {
        entry.values.is_none()
            || matches!(entry.tag, EXIF | GPS | INTEROP) && view.below(list, entry.tag).is_none()
    };
    let mut damaged = first.next != 0 && thumbnail.is_none();
    let mut changes = Vec::new();
    for list in &kept {
        let stale = |entry: &&Entry| match entry.tag {
            tag if list.at == first.at => SIZES.contains(&tag) || tag == ORIENTATION && upright.is_none(),
            tag => EXIF_SIZES.contains(&tag),
        };
        let sound: Vec<_> = list.entries.iter().filter(|entry| !leads_nowhere(list, entry)).collect();
        damaged |= sound.len() < list.entries.len();
        let staying: Vec<usize> =
            sound.into_iter().filter(|entry| !stale(entry)).map(|entry| entry.at).collect();
        changes.push((list.at, list.entries.len(), staying));
    }
    // The largest list first: its entries move up within its place, so that no other place changes.
    for (at, count, staying) in changes {
        let entries: Vec<u8> = staying.iter().flat_map(|from| block[*from..*from + 12].to_vec()).collect();
        let end = (at + 2 + 12 * count + 4).min(block.len());
        block[at + 2..end].fill(0);
        block[at + 2..at + 2 + entries.len()].copy_from_slice(&entries);
        let count = staying.len() as u16;
        block[at..at + 2].copy_from_slice(&if big_endian {
            count.to_be_bytes()
        } else {
            count.to_le_bytes()
        });
    }
    holes.iter().for_each(|hole| block[hole.clone()].fill(0));
    for hole in holes {
        if hole.end == block.len() {
            block.truncate(hole.start);
        }
    }
    set_upright(&mut block);
    Some(Clean { block, damaged })
}

/// What a thumbnail takes, in the order of its places, as far as nothing else uses them.
fn thumbnail_bytes(view: &Block<'_>, list: &Directory, kept: &[&Directory]) -> Vec<Range<usize>> {
    let number = |tag| list.entry(tag).and_then(|entry| view.number(entry)).map(|number| number as usize);
    let pixels = THUMBNAIL.into_iter().filter_map(|(start, length)| {
        let start = number(start)?;
        Some(start..start.checked_add(number(length)?)?)
    });
    let own = list.entries.iter().filter_map(|entry| entry.values.clone());
    let place = list.at..(list.at + 6 + 12 * list.entries.len()).min(view.bytes.length());
    let used: Vec<Range<usize>> = kept
        .iter()
        .flat_map(|list| {
            let values = list.entries.iter().filter_map(|entry| entry.values.clone());
            values.chain(std::iter::once(list.at..list.at + 6 + 12 * list.entries.len()))
        })
        .chain(std::iter::once(0..8))
        .collect();
    let free = |hole: &Range<usize>| {
        hole.end <= view.bytes.length()
            && !hole.is_empty()
            && used.iter().all(|used| used.end <= hole.start || hole.end <= used.start)
    };
    let mut holes: Vec<_> = pixels.chain(own).chain([place]).filter(free).collect();
    holes.sort_by_key(|hole| std::cmp::Reverse(hole.end));
    holes
}

/// Orientation 1, where there is such a mark.
fn set_upright(block: &mut [u8]) {
    let place = Block::of(block).and_then(|view| {
        let entry = view.first()?.entry(ORIENTATION)?.clone();
        Some((entry.values?, view.big_endian))
    });
    if let Some((place, big_endian)) = place {
        let last = place.len().saturating_sub(1);
        for (index, byte) in block[place].iter_mut().enumerate() {
            *byte = u8::from(index == if big_endian { last } else { 0 });
        }
    }
}

/// The resolution that a block states: pixels an inch, or a centimetre, across and down; and whether it is an inch.
pub(super) fn resolution<B: Bytes + ?Sized>(block: &B) -> Option<([f64; 2], bool)> {
    let view = Block::new(block)?;
    let first = view.first()?;
    let [across, down, unit] = RESOLUTION.map(|tag| first.entry(tag));
    let inch = match unit.and_then(|entry| view.number(entry)) {
        None | Some(2) => true,
        Some(3) => false,
        _ => return None,
    };
    let across = view.fraction(across?)?;
    Some(([across, down.and_then(|entry| view.fraction(entry)).unwrap_or(across)], inch))
}

/// EXIF that states a density and nothing else.
pub(super) fn of_density(density: &Density) -> Vec<u8> {
    let inch = density.fractions();
    let pixels = |tag, pixels: [u32; 2]| Field::longs(tag, 5, &pixels, false);
    let fields = vec![
        pixels(RESOLUTION[0], inch[0]),
        pixels(RESOLUTION[1], inch[1]),
        Field::shorts(RESOLUTION[2], &[2], false),
    ];
    [&b"II*\0\x08\0\0\0"[..], &ifd::write(fields, 8, false)].concat()
}

#[cfg(test)]
mod tests {
    use super::super::ifd::Content;
    use super::*;

    /// With a maker's note, a place and a thumbnail behind all.
    fn exif(big_endian: bool, orientation: u16) -> Vec<u8> {
        let list = |tag, fields| Field { tag, kind: 4, count: 1, content: Content::List(fields) };
        let fields = vec![
            Field::longs(0x100, 4, &[4000], big_endian),
            Field::bytes(0x10f, 2, b"Maker of cameras\0".to_vec()),
            Field::shorts(ORIENTATION, &[orientation], big_endian),
            list(
                EXIF,
                vec![
                    Field::bytes(0x927c, 7, (0..90).collect()),
                    Field::longs(0xa002, 4, &[4000], big_endian),
                    Field::longs(0xa003, 4, &[3000], big_endian),
                ],
            ),
            list(GPS, vec![Field::bytes(1, 2, b"N\0".to_vec())]),
        ];
        let mut block = if big_endian { b"MM\0*\0\0\0\x08" } else { b"II*\0\x08\0\0\0" }.to_vec();
        block.extend(ifd::write(fields, 8, big_endian));
        let second = block.len();
        let link = 8 + 2 + 12 * 5;
        let long = |n: usize| if big_endian { (n as u32).to_be_bytes() } else { (n as u32).to_le_bytes() };
        block[link..link + 4].copy_from_slice(&long(second));
        let pixels = (second + 2 + 12 * 2 + 4) as u32;
        block.extend(ifd::write(
            vec![Field::longs(0x201, 4, &[pixels], big_endian), Field::longs(0x202, 4, &[5], big_endian)],
            second,
            big_endian,
        ));
        block.extend([0xff, 0xd8, 0xff, 0xd9, 7]);
        block
    }

    #[test]
    fn what_is_stale_goes_and_the_rest_stays_in_its_place() {
        for big_endian in [false, true] {
            let block = exif(big_endian, 6);
            let marked = [b"Exif\0\0", &block[..]].concat();
            let Clean { block: clean, damaged } = super::clean(&marked).unwrap();
            assert!(!damaged);
            let (before, after) = (Block::of(&block).unwrap(), Block::of(&clean).unwrap());
            let first = after.first().unwrap();
            let tags = |list: &Directory| list.entries.iter().map(|entry| entry.tag).collect::<Vec<_>>();
            assert_eq!(tags(&first), [0x10f, ORIENTATION, EXIF, GPS]);
            assert_eq!((after.number(first.entry(ORIENTATION).unwrap()), first.next), (Some(1), 0));
            assert_eq!(tags(&after.below(&first, EXIF).unwrap()), [0x927c]);
            let note = |view: &Block<'_>| {
                view.below(&view.first().unwrap(), EXIF)
                    .unwrap()
                    .entry(0x927c)
                    .unwrap()
                    .values
                    .clone()
                    .unwrap()
            };
            assert_eq!(note(&before), note(&after));
            assert_eq!(before.bytes[note(&before)], after.bytes[note(&after)]);
            // The thumbnail is gone from the end.
            assert!(clean.len() < before.first().unwrap().next + 1);
        }
    }

    #[test]
    fn what_leads_nowhere_is_left_out_and_nothing_falls() {
        let block = exif(false, 3);
        for cut in 0..block.len() {
            if let Some(Clean { block, .. }) = super::clean(&block[..cut]) {
                assert!(Block::of(&block).unwrap().first().is_some_and(|list| list.next == 0) || cut < 70);
            }
            for flip in [1, 0x80, 0xff] {
                let mut broken = block.clone();
                broken[cut] ^= flip;
                let _ = super::clean(&broken);
            }
        }
        // A maker's name outside of the block.
        let mut broken = block.clone();
        let name = Block::of(&block).unwrap().first().unwrap().entry(0x10f).unwrap().at;
        broken[name + 8..name + 12].copy_from_slice(&u32::MAX.to_le_bytes());
        let clean = super::clean(&broken).unwrap();
        assert!(clean.damaged);
        assert!(Block::of(&clean.block).unwrap().first().unwrap().entry(0x10f).is_none());
        assert!(super::clean(b"Exif\0\0nothing").is_none() && super::clean(b"").is_none());
    }
}
