//! What is said of a file format against what its files hold.

use percept_image::{
    Capacity, Depth, EXTENSIONS, Image, Photo, decode_photo, encode_photo, expand_home, photo_size,
};

fn photo() -> Photo {
    Photo::new(Image::from_fn(6, 4, |x, y, c| (x + 6 * y + 24 * c) as f32 / 80.0))
}

/// A profile of colour pixels, as far as anyone looks.
fn profile() -> Vec<u8> {
    let mut icc = vec![0; 128];
    icc[..4].copy_from_slice(&128_u32.to_be_bytes());
    icc[12..20].copy_from_slice(b"mntrRGB ");
    icc[36..40].copy_from_slice(b"acsp");
    icc
}

#[test]
fn a_format_holds_what_is_said_of_it_and_nothing_else() {
    let mut formats = Vec::new();
    for extension in EXTENSIONS {
        let name = format!("a.{extension}");
        let Some(capacity) = Capacity::of(&name) else {
            // Read only.
            assert!(encode_photo(&name, &photo()).is_err(), "{name}");
            continue;
        };
        formats.push(capacity.format);
        let back = |photo: &Photo| decode_photo(&name, &encode_photo(&name, photo).unwrap()).unwrap();
        assert!(capacity.holds(&photo().head()), "{name}");
        let clear = Photo { alpha: Some(vec![0.5; 24]), ..photo() };
        assert_eq!(capacity.holds(&clear.head()), capacity.alpha);
        match encode_photo(&name, &clear) {
            Ok(_) => assert_eq!(back(&clear).alpha.is_some(), capacity.alpha, "{name}"),
            Err(_) => assert!(!capacity.alpha, "{name}"),
        }
        let deep = Photo { depth: Depth::Sixteen, ..photo() };
        assert_eq!(capacity.holds(&deep.head()), capacity.sixteen);
        assert_eq!(back(&deep).depth == Depth::Sixteen, capacity.sixteen, "{name}");
        let coloured = Photo { icc: Some(profile()), ..photo() };
        assert_eq!(capacity.holds(&coloured.head()), capacity.icc);
        assert_eq!(back(&coloured).icc.is_some(), capacity.icc, "{name}");
    }
    formats.dedup();
    assert_eq!(formats, ["PNG", "JPEG", "WebP", "TIFF", "BMP", "PPM"]);
    assert_eq!(Capacity::of("a.gif"), None);
    assert_eq!(
        (Capacity::of("a.webp").unwrap().side, Capacity::of("a.JFIF").unwrap().side),
        (16_383, 65_535)
    );
}

#[test]
fn the_size_of_a_file_is_known_before_it_is_decoded() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.png", "a.jpg", "a.webp", "a.tif", "a.bmp", "a.ppm"] {
        let path = folder.path().join(name);
        std::fs::write(&path, encode_photo(name, &photo()).unwrap()).unwrap();
        assert_eq!(photo_size(&path), Some((6, 4)), "{name}");
    }
    assert_eq!(photo_size(folder.path().join("none.png")), None);
}

#[test]
fn only_a_tilde_at_the_start_is_the_users_folder() {
    let home = std::env::var_os(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).unwrap();
    assert_eq!(expand_home("~"), std::path::Path::new(&home).join(""));
    assert_eq!(expand_home("~/a/b"), std::path::Path::new(&home).join("a/b"));
    for path in ["a/~/b", "~a", "/~", "a~"] {
        assert_eq!(expand_home(path), std::path::Path::new(path));
    }
}
