//! Folders: what is taken, what is left out and why, and names that are written in two ways.

use std::fs;
use std::path::Path;

use percept_image::{EXTENSIONS, ReadError, Reason, list_folder, list_photos, photo_name};

fn names<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Vec<String> {
    paths.into_iter().map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[test]
fn what_is_left_out_is_named_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    let files: [(&str, &[u8]); 13] = [
        ("b.PNG", b""),
        ("a.jfif", b""),
        ("d.TIF", b""),
        ("e.jpe", b""),
        ("c.txt", b"some words"),
        ("notes.json", b"{}"),
        ("f.heic", b""),
        ("g.NEF", b"II*\0"),
        ("h.psd", b"8BPS"),
        // No extension, or one that says nothing.
        ("i.backup", heic),
        ("j", b"\x89PNG\r\n\x1a\n"),
        (".hidden.png", b""),
        (".DS_Store", heic),
    ];
    for (name, bytes) in files {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    fs::create_dir(dir.path().join("k.png")).unwrap();
    let listing = list_folder(dir.path()).unwrap();
    assert_eq!(names(listing.photos.iter().map(AsRef::as_ref)), ["a.jfif", "b.PNG", "d.TIF", "e.jpe"]);
    assert_eq!(list_photos(dir.path()).unwrap(), listing.photos);
    let left: Vec<_> = listing.left_out.iter().map(|left| left.reason).collect();
    assert_eq!(
        names(listing.left_out.iter().map(|left| left.path.as_path())),
        ["f.heic", "g.NEF", "h.psd", "i.backup", "j", "k.png"]
    );
    assert_eq!(
        left,
        [
            Reason::Format("a HEIC picture"),
            Reason::Format("a camera's RAW photo (Nikon)"),
            Reason::Format("a Photoshop document"),
            Reason::Format("a HEIC picture"),
            Reason::Name,
            Reason::Folder,
        ]
    );
    let line = listing.left_out[0].to_string();
    assert!(line.ends_with("f.heic: a HEIC picture cannot be read; convert it to PNG, JPEG, WebP, TIFF, GIF, BMP or PPM with 8 or 16 bits a channel"), "{line}");
    assert!(matches!(list_folder(dir.path().join("none")), Err(ReadError::NotFound { .. })));
    assert!(matches!(list_folder(dir.path().join("c.txt")), Err(ReadError::Io { .. })));
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_those_to_nothing_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("a.png"), b"").unwrap();
    for (link, to) in [("b.png", "a.png"), ("c.png", "nowhere.png"), ("d.png", ".")] {
        std::os::unix::fs::symlink(to, at(link)).unwrap();
    }
    let listing = list_folder(dir.path()).unwrap();
    assert_eq!(listing.photos, [at("a.png"), at("b.png")]);
    let left: Vec<_> = listing.left_out.iter().map(|left| (left.path.clone(), left.reason)).collect();
    assert_eq!(left, [(at("c.png"), Reason::NoFile), (at("d.png"), Reason::Folder)]);
}

#[test]
fn every_extension_is_taken_in_any_case() {
    let dir = tempfile::tempdir().unwrap();
    for (at, extension) in EXTENSIONS.iter().enumerate() {
        let extension = if at % 2 == 0 { extension.to_uppercase() } else { (*extension).to_string() };
        fs::write(dir.path().join(format!("photo{at:02}.{extension}")), b"").unwrap();
    }
    assert_eq!(list_photos(dir.path()).unwrap().len(), EXTENSIONS.len());
}

#[test]
fn a_name_is_the_same_however_its_marks_are_written() {
    let (composed, apart) = ("caf\u{e9}", "cafe\u{301}");
    assert_ne!(composed, apart);
    assert_eq!(photo_name(format!("gt/{composed}.png")), photo_name(format!("lq/{apart}.jpg")));
    assert_eq!(photo_name("a/b.c.png"), "b.c");
    // Sorted alike too: by bytes, the accent that stands apart would come before "cafes", the letter with it behind.
    for name in [composed, apart] {
        let dir = tempfile::tempdir().unwrap();
        for name in [format!("{name}.png"), "cafes.png".to_string(), "cafd.png".to_string()] {
            fs::write(dir.path().join(name), b"").unwrap();
        }
        let order: Vec<_> = list_photos(dir.path()).unwrap().iter().map(photo_name).collect();
        assert_eq!(order, ["cafd", "cafes", composed]);
    }
}
