//! Photos in every format.

use std::io;

use percept_image::{Depth, Image, Photo, Srgb, decode_photo, encode_photo, write_photo};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{Target, answer, bytes, files, scratch};

pub(super) struct Photos;

/// A small photo.
fn photo((width, height): (usize, usize)) -> Photo {
    Photo::new(Image::<Srgb>::from_fn(width, height, |x, y, c| {
        0.5 + 0.4 * ((x * 3 + y * 5 + c * 7) as f32 / 6.0).sin()
    }))
}

impl Target for Photos {
    fn seeds(&mut self) -> io::Result<Vec<Vec<u8>>> {
        let folder = scratch()?;
        let plain = photo((24, 20));
        let clear =
            Photo { alpha: Some((0..24 * 20).map(|i| (i % 5) as f32 / 4.0).collect()), ..plain.clone() };
        let deep = Photo { depth: Depth::Sixteen, ..clear.clone() };
        let grey = Photo { pixels: plain.pixels.clone().map(|_| 0.25), grey: true, ..plain.clone() };
        let mut seeds = Vec::new();
        for (name, photo) in [
            ("plain.png", &plain),
            ("clear.png", &clear),
            ("deep.png", &deep),
            ("grey.png", &grey),
            ("one.png", &photo((1, 1))),
            ("plain.jpg", &plain),
            ("grey.jpg", &grey),
            ("plain.webp", &plain),
            ("clear.webp", &clear),
            ("plain.tif", &plain),
            ("deep.tif", &deep),
            ("grey.tif", &grey),
            ("plain.bmp", &plain),
            ("clear.bmp", &clear),
            ("plain.ppm", &plain),
            ("grey.pgm", &grey),
        ] {
            let path = folder.path().join(name);
            write_photo(&path, photo).map_err(io::Error::other)?;
            seeds.push(std::fs::read(path)?);
        }
        seeds.extend(bytes(&[
            "P1\n# bits\n4 2\n1 0 1 0\n0 1 0 1\n",
            "P2\n3 2\n15\n0 5 10\n15 5 0\n",
            "P3\n2 1\n255\n255 0 0 0 255 7\n",
            "P4\n8 2\n\u{55}\u{2a}",
            "P7\nWIDTH 1\nHEIGHT 2\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\nabcdefgh",
        ]));
        // What other programs wrote, as far as the tests of the reader have it.
        for ending in ["png", "jpg", "jpeg", "webp", "tif", "tiff", "bmp", "ppm", "pgm", "pbm", "pam", "gif"]
        {
            for folder in
                ["crates/percept-image/tests/fixtures", "crates/percept-image/tests/fixtures/metadata"]
            {
                seeds.extend(files(folder, Some(ending)).unwrap_or_default());
            }
        }
        Ok(seeds)
    }

    fn words(&self) -> Vec<Vec<u8>> {
        let mut words = bytes(&[
            "IHDR",
            "IDAT",
            "PLTE",
            "tRNS",
            "iCCP",
            "acTL",
            "fcTL",
            "IEND",
            "VP8 ",
            "VP8L",
            "ANIM",
            "Exif\0\0",
            "eXIf",
            "iTXt",
            "zTXt",
            "pHYs",
            "cICP",
            "gAMA",
            "cHRM",
            "EXIF",
            "XMP ",
            "ANMF",
            "tiff:Orientation=\"6\"",
            "http://ns.adobe.com/xap/1.0/\0",
            "XML:com.adobe.xmp\0",
            "Raw profile type exif\0",
        ]);
        // Markers of JPEG, tags and types of TIFF.
        words.extend(
            [0xC0, 0xC1, 0xC2, 0xC4, 0xC9, 0xDA, 0xDB, 0xDD, 0xE1, 0xE2, 0xEE, 0xD9].map(|m| vec![0xFF, m]),
        );
        words.extend(
            [
                256u16, 257, 258, 259, 262, 273, 274, 277, 278, 279, 284, 317, 322, 338, 339, 700, 0x8769,
                0x8825, 0x927c,
            ]
            .map(|tag| tag.to_le_bytes().to_vec()),
        );
        words
    }

    fn repair(&self, input: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
        if input.starts_with(b"\x89PNG") && rng.random_bool(0.8) {
            png(input);
        }
    }

    fn feed(&mut self, input: &[u8]) -> Result<Option<String>, String> {
        let read = decode_photo("input", input);
        if let Ok(photo) = &read {
            let pixels = photo.pixels.width() * photo.pixels.height();
            if photo.alpha.as_ref().is_some_and(|alpha| alpha.len() != pixels) {
                return Err("opacity of another size than the pixels".to_string());
            }
            // What was read can be written, with all that the file says.
            for name in ["a.png", "a.tif", "a.webp"] {
                if pixels < 10_000
                    && let Err(error) = encode_photo(name, photo)
                {
                    return Err(error.to_string());
                }
            }
        }
        answer(read)
    }

    /// As much as the largest photo that is read takes, before and after it is made `f32`, with opacity.
    fn memory(&self) -> usize {
        percept_image::MAX_PIXELS as usize * (4 * size_of::<f32>() + 4 * size_of::<u16>()) + (64 << 20)
    }
}

/// Makes the checksums of all chunks right.
fn png(file: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = file.get(at..at + 4) {
        let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
        let Some(chunk) = file.get(at + 4..at + 8 + length) else { return };
        let checksum = crc32fast::hash(chunk).to_be_bytes();
        let Some(field) = file.get_mut(at + 8 + length..at + 12 + length) else { return };
        field.copy_from_slice(&checksum);
        at += 12 + length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repaired_png_is_read_and_seeds_are_sound() {
        let seeds = Photos.seeds().unwrap();
        assert!(decode_photo("plain.png", &seeds[0]).is_ok());
        let mut wrong = seeds[0].clone();
        // The checksum of the first chunk, the header.
        wrong[29] ^= 1;
        assert!(decode_photo("wrong.png", &wrong).is_err());
        png(&mut wrong);
        assert_eq!(wrong, seeds[0]);
        for (number, seed) in seeds.iter().take(20).enumerate() {
            assert!(decode_photo("seed", seed).is_ok(), "{number}");
        }
    }
}
