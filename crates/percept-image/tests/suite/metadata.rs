//! What files say of photos (`fixtures/make_metadata.py`): kept where it stays right, said where it is not.

use std::path::Path;

use percept_image::{Capacity, Chunk, Photo, decode_photo, encode_photo, read_photo};

fn read(name: &str) -> Photo {
    read_photo(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/metadata").join(name)).unwrap()
}

/// The same photo in another format, written and read again.
fn through(photo: &Photo, name: &str) -> Photo {
    decode_photo(name, &encode_photo(name, photo).unwrap()).unwrap()
}

fn holds(block: &[u8], part: &[u8]) -> bool {
    block.windows(part.len()).any(|window| window == part)
}

fn xmp(photo: &Photo) -> String {
    String::from_utf8(photo.metadata.xmp.clone().unwrap()).unwrap()
}

fn colour<'a>(photo: &'a Photo, kind: &[u8; 4]) -> Option<&'a [u8]> {
    photo.metadata.colour.iter().find(|chunk| chunk.kind == *kind).map(|chunk| &chunk.data[..])
}

#[test]
fn a_camera_photo_keeps_all_but_what_is_stale() {
    let photo = read("photo.jpg");
    // Upright, and it says so.
    assert_eq!(photo.pixels.size(), (6, 8));
    let exif = photo.metadata.exif.clone().unwrap();
    for part in
        [&b"Maker of cameras\0"[..], b"Model 7\0", b"(c) Somebody\0", b"2024:05:01", b"MAKER\0\0\x01\x02"]
    {
        assert!(holds(&exif, part), "{}", String::from_utf8_lossy(part));
    }
    // Orientation 1, as big-endian EXIF has it; no thumbnail; no width.
    assert!(holds(&exif, b"\x01\x12\0\x03\0\0\0\x01\0\x01"));
    assert!(!holds(&exif, b"\xff\xd8\xff") && !holds(&exif, b"\xa0\x02\0\x04"));
    let packet = xmp(&photo);
    assert!(packet.contains("tiff:Orientation=\"1\"") && packet.contains("xmp:Rating=\"4\""), "{packet}");
    assert!(!packet.contains("PixelXDimension="), "{packet}");
    assert!((photo.metadata.density.unwrap().inch()[0] - 240.0).abs() < 0.01);
    assert!(photo.metadata.notes.is_empty(), "{:?}", photo.metadata.notes);

    for name in ["a.jpg", "a.png", "a.webp"] {
        let got = through(&photo, name);
        assert_eq!(got.pixels.size(), (6, 8), "{name}");
        assert_eq!(got.metadata.exif, photo.metadata.exif, "{name}");
        assert_eq!(got.metadata.xmp, photo.metadata.xmp, "{name}");
        let density = got.metadata.density.map(|density| density.inch()[0].round());
        assert_eq!(density, (name != "a.webp").then_some(240.0), "{name}");
        assert!(got.metadata.notes.is_empty(), "{name}: {:?}", got.metadata.notes);
        assert!(Capacity::of(name).unwrap().left_out(&photo.head()).is_empty());
    }
    // A TIFF has the same tags in its own list.
    let tiff = through(&photo, "a.tif");
    let exif = tiff.metadata.exif.clone().unwrap();
    for part in [&b"Maker of cameras\0"[..], b"(c) Somebody\0", b"2024:05:01", b"MAKER\0\0\x01\x02"] {
        assert!(holds(&exif, part), "{}", String::from_utf8_lossy(part));
    }
    assert_eq!(
        (tiff.metadata.xmp.clone(), tiff.metadata.density),
        (photo.metadata.xmp.clone(), photo.metadata.density)
    );
    let back = through(&tiff, "b.tif");
    assert_eq!(back, tiff);
    // What has no place is named.
    assert_eq!(Capacity::of("a.bmp").unwrap().left_out(&photo.head()), ["EXIF", "XMP"]);
    let bmp = through(&photo, "a.bmp");
    assert_eq!(bmp.metadata.density.unwrap().inch()[0].round(), 240.0);
    assert!(bmp.metadata.exif.is_none());
}

#[test]
fn stripped_photos_keep_their_colours_alone() {
    let photo = read("photo.png");
    let stripped = Photo { metadata: photo.metadata.clone().stripped(), ..photo.clone() };
    let got = through(&stripped, "a.png");
    assert_eq!(got.metadata.colour, photo.metadata.colour);
    assert_eq!(got.metadata, percept_image::Metadata { colour: photo.metadata.colour, ..Default::default() });
}

#[test]
fn png_keeps_its_chunks_and_other_formats_get_a_profile() {
    let photo = read("photo.png");
    assert_eq!(colour(&photo, b"gAMA"), Some(&45_455_u32.to_be_bytes()[..]));
    let notes: Vec<_> = photo.metadata.texts.iter().map(|chunk| &chunk.data[..]).collect();
    assert!(notes[0].starts_with(b"Title\0A view") && notes[1].ends_with("J\u{fc}rgen".as_bytes()));
    assert_eq!(through(&photo, "a.png"), photo);
    // Display P3 by primaries.
    for name in ["a.jpg", "a.webp", "a.tif"] {
        let got = through(&photo, name);
        assert!(got.icc.is_some() && got.metadata.colour.is_empty(), "{name}");
        assert_eq!(Capacity::of(name).unwrap().left_out(&photo.head()), ["PNG's notes"], "{name}");
    }
    assert_eq!(
        Capacity::of("a.ppm").unwrap().left_out(&photo.head()),
        ["EXIF", "XMP", "PNG's notes", "what PNG's chunks say of colours"]
    );

    let coded = read("p3.png");
    assert_eq!(colour(&coded, b"cICP"), Some(&[12, 13, 0, 1][..]));
    assert!(xmp(&coded).contains("a camera"), "packed text is unpacked");
    assert_eq!(through(&coded, "a.png").metadata, coded.metadata);
    assert!(through(&coded, "a.jpg").icc.is_some());

    let grey = read("linear_grey.png");
    assert!(grey.grey);
    let profile = through(&grey, "a.jpg").icc.unwrap();
    assert_eq!(&profile[16..20], b"GRAY");
    // No profile says what light a mastering display has.
    let mut bright = coded.clone();
    bright.metadata.colour.push(Chunk { kind: *b"cLLI", data: vec![0; 8] });
    assert_eq!(Capacity::of("a.jpg").unwrap().left_out(&bright.head()), ["PNG's cLLI"]);
    assert_eq!(through(&bright, "a.png").metadata, bright.metadata);
}

#[test]
fn webp_and_tiff_say_what_they_say() {
    let webp = read("photo.webp");
    assert!(holds(webp.metadata.exif.as_ref().unwrap(), b"Maker of cameras\0"));
    assert_eq!(through(&webp, "a.webp"), webp);
    let tiff = read("photo.tif");
    let exif = tiff.metadata.exif.as_ref().unwrap();
    assert!(holds(exif, b"a view\0") && holds(exif, b"a program\0") && holds(exif, b"Model 7\0"));
    assert_eq!(tiff.metadata.density.unwrap().inch()[1].round(), 240.0);
    assert_eq!(through(&tiff, "a.tif"), tiff);
    assert_eq!(through(&tiff, "a.jpg").metadata.exif, tiff.metadata.exif);
}

#[test]
fn what_is_damaged_is_left_out_and_said() {
    let broken = read("broken_note.png");
    assert_eq!(broken.pixels.size(), (8, 6));
    assert_eq!(
        broken.metadata.notes,
        ["its tEXt chunk is damaged and is left out", "the EXIF is damaged and is left out"]
    );
    assert!(broken.metadata.texts.is_empty() && broken.metadata.exif.is_none());
    let old = read("old_exif.png");
    assert!(holds(old.metadata.exif.as_ref().unwrap(), b"Maker of cameras\0"));
    assert!(old.metadata.texts.is_empty());
}

#[test]
fn the_first_of_many_pictures_is_taken_and_that_is_said() {
    for (name, what) in [
        ("moving.gif", "pictures"),
        ("moving.webp", "pictures"),
        ("moving.png", "pictures"),
        ("pages.tif", "pages"),
    ] {
        let photo = read(name);
        assert_eq!(photo.pixels.size(), (8, 6), "{name}");
        assert!((photo.pixels.pixel(3, 1)[0] * 255.0 - 60.0).abs() < 12.0, "{name}");
        let [note] = &photo.metadata.notes[..] else { panic!("{name}: {:?}", photo.metadata.notes) };
        assert!(note.contains(&format!("it has 3 {what}")), "{name}: {note}");
    }
}

#[test]
fn a_gif_smaller_than_its_canvas_is_placed_on_it() {
    let photo = read("part.gif");
    assert_eq!(photo.pixels.size(), (4, 3));
    let alpha = photo.alpha.clone().unwrap();
    let seen: Vec<usize> = (0..12).filter(|at| alpha[*at] > 0.0).collect();
    assert_eq!(seen, [5, 6, 9]);
    assert_eq!(photo.pixels.pixel(1, 1), [1.0, 0.0, 0.0]);
    assert_eq!(photo.pixels.pixel(2, 1), [0.0, 1.0, 0.0]);
    assert!(photo.metadata.notes.is_empty());
}

/// Longer than a segment of a JPEG.
#[test]
fn what_is_too_long_for_a_jpeg_is_named() {
    let mut photo = read("photo.jpg");
    let packet = format!("<rdf:RDF>{}</rdf:RDF>", "x".repeat(70_000));
    photo.metadata.xmp = Some(packet.into_bytes());
    assert_eq!(Capacity::of("a.jpg").unwrap().left_out(&photo.head()), ["XMP of more than 64 KB"]);
    let got = through(&photo, "a.jpg");
    assert!(got.metadata.xmp.is_none() && got.metadata.exif.is_some());
    assert_eq!(through(&photo, "a.png").metadata.xmp, photo.metadata.xmp);
}

#[test]
fn no_damage_makes_the_readers_fall() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/metadata");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let _ = decode_photo(&path, &bytes[..at]);
            for flip in [1, 0x80, 0xff] {
                let mut broken = bytes.clone();
                broken[at] ^= flip;
                // What was read can be written.
                if let Ok(photo) = decode_photo(&path, &broken) {
                    for name in ["a.png", "a.tif"] {
                        encode_photo(name, &photo).unwrap();
                    }
                }
            }
        }
    }
}
