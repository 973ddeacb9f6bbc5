//! Event files for TensorBoard.

use std::fs;

use percept_train::tensorboard::TensorBoard;

/// The payloads of a file's frames.
fn frames(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut frames, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        let length = u64::from_le_bytes(rest[..8].try_into().unwrap()) as usize;
        frames.push(&rest[12..12 + length]);
        rest = &rest[16 + length..];
    }
    frames
}

#[test]
fn every_start_has_an_event_file_that_sorts_after_the_last() {
    let dir = tempfile::tempdir().unwrap();
    let mut names = Vec::new();
    for iter in [0, 100, 200] {
        let mut board = TensorBoard::create(dir.path(), iter).unwrap();
        board.scalar("l_g_pix", iter + 1, 0.5).unwrap();
        let frames_now = fs::read(board.path()).unwrap();
        // Version, then from the second start on the mark of a restart, then the number.
        assert_eq!(frames(&frames_now).len(), if iter == 0 { 2 } else { 3 });
        assert!(frames(&frames_now)[0].ends_with(b"brain.Event:2"));
        names.push(board.path().to_path_buf());
    }
    let mut sorted = names.clone();
    sorted.sort();
    sorted.dedup();
    assert_eq!(names, sorted);
}

#[test]
fn pictures_are_png_files() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.png");
    let photo = percept_image::Image::from_fn(12, 7, |x, y, c| (x + y + c) as f32 / 32.0);
    percept_image::write_photo(&path, &percept_image::Photo::new(photo)).unwrap();
    let png = fs::read(&path).unwrap();
    let mut board = TensorBoard::create(dir.path(), 0).unwrap();
    board.image("val/a", 10, &png).unwrap();
    let written = fs::read(board.path()).unwrap();
    let image = *frames(&written).last().unwrap();
    assert!(image.ends_with(&png));
    // Height, width, three channels: fields 1, 2 and 3 of the picture.
    assert!(image.windows(6).any(|bytes| bytes == [8, 7, 16, 12, 24, 3]));
    let error = board.image("val/a", 10, b"GIF89a").unwrap_err().to_string();
    assert!(error.contains("no PNG"), "{error}");
}
