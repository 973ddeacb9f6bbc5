//! PNG's chunks beside the pixels: found in a file, and written into one.

use std::io::{self, Read, Seek, SeekFrom, Write};

use super::metadata::{Chunk, Density, Metadata};

const SIGNATURE: u64 = 8;
/// A note of more bytes than this is none that anyone wrote.
const MOST: u64 = 32 << 20;
/// The keyword of XMP.
const XMP: &[u8] = b"XML:com.adobe.xmp\0";
/// The keywords under which programs kept EXIF and XMP before there were places for them.
const OLD: &[u8] = b"Raw profile type ";

/// What a file says beside its pixels. It may be damaged: what cannot be read is not there.
pub(super) fn metadata(file: &mut (impl Read + Seek)) -> Metadata {
    let mut found = Metadata::default();
    let mut old = None;
    // Where the file breaks off, the decoder has told.
    let _ = walk(file, |chunk| take(chunk, &mut found, &mut old));
    if let (Some(exif), None) = (old, &found.exif) {
        found.set_exif(&exif);
    }
    found
}

/// Every chunk that may be kept.
fn walk(file: &mut (impl Read + Seek), mut each: impl FnMut(Result<Chunk, [u8; 4]>)) -> io::Result<()> {
    let mut room = MOST;
    file.seek(SeekFrom::Start(SIGNATURE))?;
    loop {
        let mut head = [0; 8];
        file.read_exact(&mut head)?;
        let [a, b, c, d, kind @ ..] = head;
        let length = u64::from(u32::from_be_bytes([a, b, c, d]));
        let kept = matches!(
            &kind,
            b"eXIf"
                | b"pHYs"
                | b"cICP"
                | b"mDCV"
                | b"cLLI"
                | b"gAMA"
                | b"cHRM"
                | b"sRGB"
                | b"tEXt"
                | b"zTXt"
                | b"iTXt"
                | b"acTL"
        );
        if kind == *b"IEND" {
            return Ok(());
        }
        if !kept || length > room {
            file.seek(SeekFrom::Current(length as i64 + 4))?;
            continue;
        }
        room -= length;
        let mut data = Vec::new();
        file.by_ref().take(length).read_to_end(&mut data)?;
        let mut sum = [0; 4];
        file.read_exact(&mut sum)?;
        let mut right = crc32fast::Hasher::new();
        right.update(&kind);
        right.update(&data);
        each(if right.finalize() == u32::from_be_bytes(sum) { Ok(Chunk { kind, data }) } else { Err(kind) });
    }
}

fn take(chunk: Result<Chunk, [u8; 4]>, found: &mut Metadata, old: &mut Option<Vec<u8>>) {
    let chunk = match chunk {
        Ok(chunk) => chunk,
        Err(kind) => {
            return found
                .note(format!("its {} chunk is damaged and is left out", String::from_utf8_lossy(&kind)));
        }
    };
    let number = |at: usize| {
        chunk.data.get(at..).and_then(|rest| rest.first_chunk()).map(|four| u32::from_be_bytes(*four))
    };
    match &chunk.kind {
        b"eXIf" => found.set_exif(&chunk.data),
        b"pHYs" => {
            if let (Some(x), Some(y), Some(1)) = (number(0), number(4), chunk.data.get(8)) {
                found.density = Density::of_metre([f64::from(x), f64::from(y)]);
            }
        }
        b"acTL" => found.first_of(number(0).unwrap_or(0) as usize, "pictures (an animation)"),
        b"tEXt" | b"zTXt" | b"iTXt" => match text(&chunk) {
            Text::Xmp(Some(packet)) => found.set_xmp(&packet),
            Text::Exif(Some(block)) => *old = Some(block),
            Text::Xmp(None) | Text::Exif(None) => {
                found.note("a note with EXIF or XMP is damaged and is left out")
            }
            Text::OtherOld => found.note("a note with an old kind of profile is left out"),
            Text::Plain => found.texts.push(chunk),
        },
        kind => {
            let right = match kind {
                b"cICP" | b"gAMA" => 4,
                b"cLLI" => 8,
                b"mDCV" => 24,
                b"cHRM" => 32,
                _ => 1,
            };
            if chunk.data.len() == right && !found.colour.iter().any(|before| before.kind == chunk.kind) {
                found.colour.push(chunk);
            }
        }
    }
}

/// What a note holds.
enum Text {
    Plain,
    Xmp(Option<Vec<u8>>),
    /// EXIF as letters.
    Exif(Option<Vec<u8>>),
    /// Another profile as letters.
    OtherOld,
}

fn text(chunk: &Chunk) -> Text {
    let (kind, data) = (&chunk.kind, &chunk.data[..]);
    if let (b"iTXt", Some(rest)) = (kind, data.strip_prefix(XMP)) {
        // Compressed or not, how; a language and a translated keyword, each with its end.
        let packet = || {
            let &[compressed, _, ref rest @ ..] = rest else { return None };
            let mut parts = rest.splitn(3, |byte| *byte == 0).skip(2);
            let packet = parts.next()?;
            if compressed == 1 { inflated(packet) } else { Some(packet.to_vec()) }
        };
        return Text::Xmp(packet());
    }
    let Some(rest) = data.strip_prefix(OLD) else { return Text::Plain };
    let Some(end) = rest.iter().position(|byte| *byte == 0) else { return Text::OtherOld };
    let (name, rest) = (&rest[..end], &rest[end + 1..]);
    let letters = || match kind {
        b"zTXt" => inflated(rest.get(1..)?),
        b"tEXt" => Some(rest.to_vec()),
        _ => None,
    };
    match name {
        b"exif" => Text::Exif(letters().and_then(|letters| unhexed(&letters))),
        b"APP1" => {
            let bytes = letters().and_then(|letters| unhexed(&letters));
            match bytes {
                Some(bytes) if bytes.starts_with(b"http") => {
                    let start = bytes.iter().position(|byte| *byte == 0).map_or(bytes.len(), |at| at + 1);
                    Text::Xmp(bytes.get(start..).map(<[u8]>::to_vec))
                }
                bytes => Text::Exif(bytes),
            }
        }
        b"xmp" => Text::Xmp(letters().and_then(|letters| unhexed(&letters))),
        _ => Text::OtherOld,
    }
}

fn inflated(data: &[u8]) -> Option<Vec<u8>> {
    miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(data, MOST as usize).ok()
}

/// The bytes of a profile in letters: its name, how many bytes, and two letters for each.
fn unhexed(letters: &[u8]) -> Option<Vec<u8>> {
    let mut words = std::str::from_utf8(letters).ok()?.split_ascii_whitespace().skip(1);
    let count: usize = words.next()?.parse().ok()?;
    let digits: Vec<u8> = words
        .flat_map(str::bytes)
        .map(|letter| (letter as char).to_digit(16))
        .map(|digit| digit.map(|d| d as u8))
        .collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|two| two[0] << 4 | two[1]).collect();
    (bytes.len() == count).then_some(bytes)
}

/// Writes all of it but the colour profile, which the encoder knows.
pub(super) fn write_metadata<W: Write>(
    metadata: &Metadata,
    file: &mut png::Writer<W>,
) -> Result<(), png::EncodingError> {
    let mut write = |kind: [u8; 4], data: &[u8]| file.write_chunk(png::chunk::ChunkType(kind), data);
    for Chunk { kind, data } in &metadata.colour {
        write(*kind, data)?;
    }
    if let Some(density) = metadata.any_density() {
        let [x, y] = density.metre.map(|pixels| (pixels.round() as u32).to_be_bytes());
        write(*b"pHYs", &[&x[..], &y, &[1]].concat())?;
    }
    if let Some(exif) = &metadata.exif {
        write(*b"eXIf", exif)?;
    }
    if let Some(xmp) = &metadata.xmp {
        write(*b"iTXt", &[XMP, &[0, 0, 0, 0], xmp].concat())?;
    }
    metadata.texts.iter().try_for_each(|Chunk { kind, data }| write(*kind, data))
}
