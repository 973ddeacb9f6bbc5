//! Files: what survives a round trip, what is refused, and that no bytes whatever make the reader fall.

use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageEncoder, ImageFormat};
use percept_image::{
    Depth, Image, Metadata, Photo, ReadError, Srgb, WriteError, decode_photo, read_photo, read_srgb, rng_for,
    write_photo,
};
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
use rand::RngExt;

/// A photo whose values all lie on levels of its depth, so that a lossless file gives them back exactly.
fn photo(depth: Depth, grey: bool, alpha: bool) -> Photo {
    let white = if depth == Depth::Eight { 255 } else { 65_535 };
    let level = move |i: usize| (i * 7919 % (white + 1)) as f32 / white as f32;
    let pixels = Image::from_fn(13, 7, |x, y, c| level((y * 13 + x) * 3 + if grey { 0 } else { c }));
    let alpha = alpha.then(|| (0..13 * 7).map(|i| level(i * 31)).collect());
    Photo { pixels, alpha, depth, grey, icc: None, metadata: Metadata::default() }
}

/// The header of an ICC profile for such pixels, and some content.
fn profile(grey: bool) -> Vec<u8> {
    let mut icc = vec![7; 200];
    icc[..4].copy_from_slice(&200_u32.to_be_bytes());
    icc[12..20].copy_from_slice(if grey { b"mntrGRAY" } else { b"mntrRGB " });
    icc[36..40].copy_from_slice(b"acsp");
    icc
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).unwrap();
    file.into_inner()
}

#[test]
fn lossless_formats_give_back_everything_they_can_hold() {
    let dir = tempfile::tempdir().unwrap();
    for (extension, sixteen, alpha, icc) in [
        ("png", true, true, true),
        ("tif", true, true, true),
        ("webp", false, true, true),
        ("bmp", false, true, false),
        ("ppm", true, false, false),
    ] {
        for depth in [Depth::Eight, Depth::Sixteen] {
            for (grey, with_alpha) in [(false, false), (false, true), (true, false), (true, true)] {
                if (with_alpha && !alpha) || (depth == Depth::Sixteen && !sixteen) {
                    continue;
                }
                let mut written = photo(depth, grey, with_alpha);
                written.icc = icc.then(|| profile(grey));
                let path = dir.path().join(format!("photo.{extension}"));
                write_photo(&path, &written).unwrap();
                let got = read_photo(&path).unwrap();
                let what = format!("{extension} {depth:?} grey {grey} alpha {with_alpha}");
                assert_eq!(got.pixels, written.pixels, "{what}");
                assert_eq!(got.alpha, written.alpha, "{what}");
                assert_eq!(got.depth, depth, "{what}");
                // TIFF and BMP hold grey with alpha as colour, BMP and WebP any grey; the values stay.
                let grey_kept = !grey
                    || match extension {
                        "tif" => !with_alpha,
                        "webp" | "bmp" => false,
                        _ => true,
                    };
                if grey_kept {
                    assert_eq!(got.grey, grey, "{what}");
                    assert_eq!(got.icc, written.icc, "{what}");
                }
            }
        }
    }
}

#[test]
fn jpeg_keeps_the_look_and_the_profile() {
    let dir = tempfile::tempdir().unwrap();
    for grey in [false, true] {
        let pixels = Image::from_fn(64, 48, |x, y, c| {
            let c = if grey { 0 } else { c };
            0.5 + 0.3 * ((x as f32 / 9.0 + c as f32).sin() * (y as f32 / 7.0).cos())
        });
        let written = Photo { grey, icc: Some(profile(grey)), ..Photo::new(pixels) };
        let path = dir.path().join("photo.JPG");
        write_photo(&path, &written).unwrap();
        let got = read_photo(&path).unwrap();
        let worst = got
            .pixels
            .data()
            .iter()
            .zip(written.pixels.data())
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(worst < 0.06, "{worst}");
        assert_eq!((got.grey, got.icc), (grey, written.icc));
    }
}

#[test]
fn a_profile_for_other_channels_is_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("photo.png");
    let written = Photo { icc: Some(profile(true)), ..photo(Depth::Eight, false, false) };
    write_photo(&path, &written).unwrap();
    assert_eq!(read_photo(&path).unwrap().icc, None);
}

#[test]
fn palettes_become_colours() {
    // 2×1 pixels of a two-colour palette, the second half transparent, stored as a PNG by hand.
    let chunk = |kind: &[u8; 4], body: &[u8]| {
        let mut out = (body.len() as u32).to_be_bytes().to_vec();
        out.extend_from_slice(kind);
        out.extend_from_slice(body);
        let crc = out[4..].iter().fold(u32::MAX, |mut crc, byte| {
            crc ^= u32::from(*byte);
            (0..8).for_each(|_| crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 });
            crc
        });
        out.extend((!crc).to_be_bytes());
        out
    };
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    png.extend(chunk(b"IHDR", &[0, 0, 0, 2, 0, 0, 0, 1, 8, 3, 0, 0, 0]));
    png.extend(chunk(b"PLTE", &[255, 0, 51, 0, 255, 102]));
    png.extend(chunk(b"tRNS", &[255, 51]));
    // A stored deflate block of the row: filter 0, indices 0 and 1, Adler-32 of the three bytes.
    png.extend(chunk(b"IDAT", &[0x78, 1, 1, 3, 0, 0xfc, 0xff, 0, 0, 1, 0, 4, 0, 2]));
    png.extend(chunk(b"IEND", &[]));
    let got = decode_photo("palette.png", &png).unwrap();
    assert_eq!(got.pixels.data(), [1.0, 0.0, 0.2, 0.0, 1.0, 0.4]);
    assert_eq!(got.alpha, Some(vec![1.0, 0.2]));
    assert!(!got.grey);
}

#[test]
fn content_decides_not_the_extension() {
    let dir = tempfile::tempdir().unwrap();
    let lying = dir.path().join("photo.jpg");
    let png = dir.path().join("photo.png");
    write_photo(&png, &photo(Depth::Sixteen, false, true)).unwrap();
    std::fs::rename(&png, &lying).unwrap();
    assert_eq!(read_photo(&lying).unwrap(), photo(Depth::Sixteen, false, true));
    assert_eq!(read_srgb(&lying).unwrap(), photo(Depth::Sixteen, false, true).pixels);
}

#[test]
fn orientation_marks_are_applied() {
    // EXIF: big-endian TIFF with one entry, orientation 6: the stored picture must be turned right by a quarter.
    let exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    let levels: Vec<u8> = (0..3 * 2 * 3).map(|i| i * 10).collect();
    for format in ["png", "webp"] {
        let mut file = Vec::new();
        let color = image::ExtendedColorType::Rgb8;
        if format == "png" {
            let mut encoder = image::codecs::png::PngEncoder::new(&mut file);
            encoder.set_exif_metadata(exif.to_vec()).unwrap();
            encoder.write_image(&levels, 3, 2, color).unwrap();
        } else {
            let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut file);
            encoder.set_exif_metadata(exif.to_vec()).unwrap();
            encoder.write_image(&levels, 3, 2, color).unwrap();
        }
        let got = decode_photo(format, &file).unwrap().pixels;
        assert_eq!(got.size(), (2, 3));
        let red: Vec<u32> = got.data().iter().step_by(3).map(|v| (v * 255.0).round() as u32).collect();
        assert_eq!(red, [90, 0, 120, 30, 150, 60], "{format}");
    }
    let mut jpeg = Vec::new();
    let mut encoder = image::codecs::jpeg::JpegEncoder::new(&mut jpeg);
    encoder.set_exif_metadata(exif.to_vec()).unwrap();
    encoder.write_image(&levels, 3, 2, image::ExtendedColorType::Rgb8).unwrap();
    assert_eq!(decode_photo("jpeg", &jpeg).unwrap().pixels.size(), (2, 3));
}

fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let rgb = DynamicImage::ImageRgb8(image::RgbImage::from_fn(40, 30, |x, y| {
        image::Rgb([(x * 6) as u8, (y * 8) as u8, (x * y % 256) as u8])
    }));
    let deep = DynamicImage::ImageRgba16(rgb.to_rgba16());
    vec![
        ("png", encoded(&rgb, ImageFormat::Png)),
        ("deep png", encoded(&deep, ImageFormat::Png)),
        ("jpeg", encoded(&rgb, ImageFormat::Jpeg)),
        ("webp", encoded(&rgb, ImageFormat::WebP)),
        ("tiff", encoded(&rgb, ImageFormat::Tiff)),
        ("deep tiff", encoded(&deep, ImageFormat::Tiff)),
        ("bmp", encoded(&rgb, ImageFormat::Bmp)),
        ("ppm", encoded(&rgb, ImageFormat::Pnm)),
    ]
}

#[test]
fn a_file_cut_off_in_its_middle_is_an_error_that_names_it() {
    for (name, bytes) in samples() {
        assert!(decode_photo(name, &bytes).is_ok(), "{name}");
        let error = decode_photo(name, &bytes[..bytes.len() / 2]).expect_err(name);
        assert!(
            matches!(error, ReadError::Truncated { .. } | ReadError::Malformed { .. }),
            "{name}: {error:?}"
        );
        assert!(error.to_string().starts_with(&format!("{name}: ")), "{error}");
        assert_eq!(error.path(), Path::new(name));
    }
}

#[test]
fn no_cut_and_no_flipped_byte_makes_the_reader_fall() {
    for (name, bytes) in samples() {
        let step = (bytes.len() / 150).max(1);
        for cut in (0..bytes.len()).step_by(step) {
            // What matters is that this returns.
            let _ = decode_photo(name, &bytes[..cut]);
        }
        for at in (0..bytes.len()).step_by(step).chain(0..bytes.len().min(200)) {
            for flip in [0x01, 0x80, 0xff] {
                let mut broken = bytes.clone();
                broken[at] ^= flip;
                let _ = decode_photo(name, &broken);
            }
        }
    }
}

#[test]
fn what_cannot_be_read_is_named_for_its_fault() {
    let dir = tempfile::tempdir().unwrap();
    let fault = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        read_photo(&path).unwrap_err()
    };
    assert!(matches!(read_photo(dir.path().join("none.png")), Err(ReadError::NotFound { .. })));
    assert!(matches!(read_photo(dir.path()), Err(ReadError::Io { .. })));
    assert!(matches!(fault("empty.png", b""), ReadError::Truncated { .. }));
    assert!(matches!(fault("text.png", b"not a picture at all"), ReadError::Unsupported { .. }));
    assert!(matches!(
        fault("zero.ppm", b"P6 0 4 255\n"),
        ReadError::Empty { .. } | ReadError::Malformed { .. }
    ));
    assert!(matches!(fault("bomb.ppm", b"P6 60000 60000 255\nxx"), ReadError::TooLarge { .. }));
    assert!(matches!(
        fault("bomb.bmp", &{
            let mut bmp = samples()[6].1.clone();
            bmp[18..26].copy_from_slice(&[0x60, 0xea, 0, 0, 0x60, 0xea, 0, 0]);
            bmp
        }),
        ReadError::TooLarge { .. }
    ));
    let float = DynamicImage::ImageRgb32F(image::Rgb32FImage::new(3, 3));
    assert!(matches!(fault("float.tif", &encoded(&float, ImageFormat::Tiff)), ReadError::Unsupported { .. }));
}

#[test]
fn what_cannot_be_written_leaves_the_old_file() {
    let dir = tempfile::tempdir().unwrap();
    let good = photo(Depth::Eight, false, true);
    let write = |name: &str, photo: &Photo| write_photo(dir.path().join(name), photo).unwrap_err();
    assert!(matches!(write("photo.gif", &good), WriteError::UnknownExtension { .. }));
    assert!(matches!(write("photo", &good), WriteError::UnknownExtension { .. }));
    assert!(matches!(write("photo.jpg", &good), WriteError::NoAlpha { .. }));
    assert!(matches!(write("photo.ppm", &good), WriteError::NoAlpha { .. }));
    assert!(matches!(write("none/photo.png", &good), WriteError::Io { .. }));
    assert!(matches!(
        write("photo.png", &Photo::new(Image::from_fn(0, 3, |_, _, _| 0.0))),
        WriteError::Empty { .. }
    ));
    let short = Photo { alpha: Some(vec![1.0; 5]), ..good.clone() };
    assert!(matches!(write("photo.png", &short), WriteError::AlphaMismatch { alpha: 5, pixels: 91, .. }));

    let path = dir.path().join("photo.png");
    write_photo(&path, &good).unwrap();
    for bad in [f32::NAN, f32::INFINITY] {
        let mut broken = good.clone();
        broken.pixels.data_mut()[(4 * 13 + 9) * 3 + 1] = bad;
        let error = write_photo(&path, &broken).unwrap_err();
        assert!(matches!(error, WriteError::NotFinite { x: 9, y: 4, .. }), "{error}");
    }
    assert_eq!(read_photo(&path).unwrap(), good);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no temporary file stays behind");
}

#[test]
fn values_beyond_the_range_are_cut() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("photo.png");
    write_photo(&path, &Photo::new(Image::<Srgb>::from_fn(2, 1, |x, _, _| x as f32 * 3.0 - 1.0))).unwrap();
    assert_eq!(read_srgb(&path).unwrap().data(), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_levels_survive_a_lossless_file(
        w in 1_usize..20, h in 1_usize..20, seed in any::<u64>(), sixteen in any::<bool>(), alpha in any::<bool>(),
    ) {
        let mut rng = rng_for(seed, 0, 0);
        let white: u16 = if sixteen { 65_535 } else { 255 };
        let mut level = || f32::from(rng.random_range(0..=white)) / f32::from(white);
        let pixels = Image::from_fn(w, h, |_, _, _| level());
        let alpha = alpha.then(|| (0..w * h).map(|_| level()).collect());
        let depth = if sixteen { Depth::Sixteen } else { Depth::Eight };
        let written = Photo { pixels, alpha, depth, grey: false, icc: None, metadata: Metadata::default() };
        let dir = tempfile::tempdir().unwrap();
        for extension in if sixteen { vec!["png", "tif"] } else { vec!["png", "tif", "webp", "bmp"] } {
            let path = dir.path().join(format!("photo.{extension}"));
            write_photo(&path, &written).unwrap();
            prop_assert_eq!(&read_photo(&path).unwrap(), &written, "{}", extension);
        }
    }
}
