//! Rows that come from files and go into files.

use std::fs;
use std::path::Path;

use percept_image::{
    Depth, Image, Photo, ReadError, RowReader, WriteError, read_photo, write_photo, write_rows,
};

/// Large enough to be read by rows; every row differs.
fn photo(depth: Depth, grey: bool) -> Photo {
    let white = if depth == Depth::Eight { 255 } else { 65_535 };
    let level = move |i: usize| (i * 7919 % (white + 1)) as f32 / white as f32;
    let pixels = Image::from_fn(2003, 2001, |x, y, c| level(y * 31 + x * 3 + if grey { 0 } else { c * 5 }));
    Photo { depth, grey, ..Photo::new(pixels) }
}

/// All rows of a file, read twice: what they are the second time.
fn rows(path: &Path, by_rows: bool) -> Result<(Photo, Vec<f32>), ReadError> {
    let mut reader = RowReader::open(path)?;
    assert_ne!(reader.is_whole(), by_rows, "{}", path.display());
    let head = reader.head().clone();
    let (width, height) = head.size;
    let (mut all, mut row) = (Vec::new(), vec![0.0; 3 * width]);
    reader.rewind()?;
    for _ in 0..7.min(height) {
        reader.read(&mut row)?;
    }
    reader.rewind()?;
    for _ in 0..height {
        reader.read(&mut row)?;
        all.extend_from_slice(&row);
    }
    let pixels = Image::from_vec(width, height, all.clone()).unwrap();
    let (depth, grey, icc, metadata) = (head.depth, head.grey, head.icc, head.metadata);
    Ok((Photo { pixels, alpha: None, depth, grey, icc, metadata }, all))
}

#[test]
fn rows_of_large_files_are_those_of_the_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut colour = photo(Depth::Eight, false);
    let mut exif = b"MM\0*\0\0\0\x08\0\x01\x01\x0f\0\x02\0\0\0\x06\0\0\0\x1a\0\0\0\0".to_vec();
    exif.extend(b"Maker\0");
    colour.metadata.exif = Some(exif);
    let deep = photo(Depth::Sixteen, false);
    for (name, photo) in [
        ("a.png", &colour),
        ("b.png", &photo(Depth::Sixteen, true)),
        ("c.ppm", &deep),
        ("d.pgm", &photo(Depth::Eight, true)),
        ("e.tif", &colour),
        ("f.tif", &deep),
    ] {
        let path = dir.path().join(name);
        write_photo(&path, photo).unwrap();
        let whole = read_photo(&path).unwrap();
        let (got, _) = rows(&path, true).unwrap();
        assert!(got == whole, "{name}");
        assert!(got.pixels == photo.pixels, "{name}");
        assert_eq!(
            got.metadata.exif.is_some(),
            photo.metadata.exif.is_some() && !name.ends_with("ppm"),
            "{name}"
        );
        // Cut off in its last tenth, it is an error.
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() * 95 / 100]).unwrap();
        let error = rows(&path, true).expect_err(name);
        assert!(
            matches!(error, ReadError::Truncated { .. } | ReadError::Malformed { .. }),
            "{name}: {error:?}"
        );
    }
}

#[test]
fn other_files_are_read_whole() {
    let dir = tempfile::tempdir().unwrap();
    let plain = photo(Depth::Eight, false);
    let small = Photo::new(Image::from_fn(20, 10, |x, _, _| x as f32 / 19.0));
    let clear = Photo { alpha: Some(vec![0.5; 2003 * 2001]), ..plain.clone() };
    for (name, photo) in [("a.bmp", &plain), ("b.png", &small), ("c.png", &clear), ("d.tif", &clear)] {
        let path = dir.path().join(name);
        write_photo(&path, photo).unwrap();
        let (got, _) = rows(&path, false).unwrap();
        assert!(got.pixels == read_photo(&path).unwrap().pixels, "{name}");
    }
    let missing = RowReader::open(dir.path().join("none.png"));
    assert!(matches!(missing, Err(ReadError::NotFound { .. })));
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    let photo = Photo::new(Image::from_fn(4, 3, |_, _, _| 0.5));
    for name in ["a.png", "a.tif", "a.ppm", "a.jpg"] {
        let write = |count: usize, width: usize, value: f32| -> Result<(), WriteError> {
            let mut out = Vec::new();
            write_rows(name, &photo.head(), &mut out, |rows| {
                (0..count).try_for_each(|_| rows.push(&vec![value; 3 * width], &[]))
            })
        };
        write(3, 4, 0.5).unwrap();
        for (count, width) in [(2, 4), (4, 4), (3, 5)] {
            assert!(
                matches!(write(count, width, 0.5), Err(WriteError::Encoder { .. })),
                "{name} {count} {width}"
            );
        }
        assert!(matches!(write(3, 4, f32::NAN), Err(WriteError::NotFinite { x: 0, y: 0, .. })), "{name}");
    }
    // What the caller finds wrong comes back.
    enum Wrong {
        Mine,
        File,
    }
    impl From<WriteError> for Wrong {
        fn from(_: WriteError) -> Self {
            Self::File
        }
    }
    let wrong = write_rows("a.png", &photo.head(), &mut Vec::new(), |_| Err(Wrong::Mine));
    assert!(matches!(wrong, Err(Wrong::Mine)));
    let short = write_rows("a.png", &photo.head(), &mut Vec::new(), |_| Ok::<(), Wrong>(()));
    assert!(matches!(short, Err(Wrong::File)));
}
