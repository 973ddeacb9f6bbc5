//! LMDB environments that the `lmdb` package of Python wrote, sound and damaged.

use std::collections::BTreeMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use percept_image::{Lmdb, ReadError, decode_photo};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/lmdb").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    fs::read(fixture(name).join("data.mdb")).unwrap()
}

fn of(bytes: Vec<u8>) -> Result<Lmdb<Cursor<Vec<u8>>>, ReadError> {
    Lmdb::of("some/data.mdb", Cursor::new(bytes))
}

#[test]
fn photos_come_out_as_basicsr_put_them_in() {
    let lmdb = Lmdb::open(fixture("photos")).unwrap();
    let keys: Vec<_> = lmdb.keys().map(|key| String::from_utf8(key.to_vec()).unwrap()).collect();
    assert_eq!(keys, ["baboon", "town/bridge", "town/comic", "zebra"]);
    let png = lmdb.get(b"town/comic").unwrap().unwrap();
    assert_eq!(lmdb.value_length(b"town/comic"), Some(png.len() as u64));
    let photo = decode_photo("comic", &png).unwrap();
    assert_eq!(photo.pixels.size(), (64, 33));
    let expected = |x: usize, y: usize, c: usize| ((x * 5 + y * 3 + c * 40 + 2 * 23) % 256) as f32 / 255.0;
    assert_eq!(photo.pixels.pixel(7, 20), [0, 1, 2].map(|c| expected(7, 20, c)));
    assert!(lmdb.get(b"bridge").unwrap().is_none() && lmdb.value_length(b"bridge").is_none());
}

/// What `make_lmdb.py` put in and left in.
fn tree() -> BTreeMap<String, Vec<u8>> {
    let entry = |k: usize| {
        let length = if k.is_multiple_of(40) { 5000 } else { k * 37 % 200 };
        (format!("{k:04}{}", "k".repeat(k % 60)), vec![k as u8; length])
    };
    (0..90).filter(|k| k % 5 != 0).map(entry).collect()
}

#[test]
fn every_value_of_a_tree_is_found_and_what_was_deleted_is_gone() {
    let lmdb = Lmdb::open(fixture("tree").join("data.mdb")).unwrap();
    let expected = tree();
    assert!(lmdb.keys().map(|key| String::from_utf8_lossy(key).into_owned()).eq(expected.keys().cloned()));
    for (key, value) in &expected {
        assert_eq!(lmdb.get(key.as_bytes()).unwrap().as_ref(), Some(value), "{key}");
    }
    assert!(lmdb.get(b"0000").unwrap().is_none());
    assert_eq!(Lmdb::open(fixture("empty")).unwrap().keys().count(), 0);
}

#[test]
fn files_that_are_cut_or_wrong_are_errors_by_name() {
    let said = |bytes: Vec<u8>| of(bytes).expect_err("an error").to_string();
    for name in ["photos", "tree"] {
        let whole = bytes(name);
        for length in (0..whole.len()).step_by(512) {
            // Pages at the end may be free.
            match of(whole[..length].to_vec()) {
                Ok(lmdb) => {
                    assert!(length > whole.len() / 2, "{name} {length}");
                    assert!(lmdb.keys().all(|key| lmdb.get(key).is_ok()));
                }
                Err(error) => {
                    assert!(error.to_string().starts_with("some/data.mdb: the file is cut off"), "{error}")
                }
            }
        }
    }
    assert!(said(vec![7; 9000]).contains("does not begin as a data.mdb"));
    assert!(said(bytes("named")).contains("databases within the database"));
    // Both pages that begin the file name the page that they are on as the root: a loop.
    let mut looped = bytes("tree");
    for meta in [0, 4096] {
        looped[meta + 128..meta + 136].copy_from_slice(&1u64.to_le_bytes());
    }
    assert!(said(looped).contains("page 1 is not the page that its tree needs there"));
    assert!(matches!(Lmdb::open(fixture("none")), Err(ReadError::NotFound { .. })));
}

#[test]
fn a_branch_that_leads_back_to_its_leaf_is_an_error() {
    let mut file = bytes("tree");
    let newer = usize::from(file[4096 + 144] > file[144]) * 4096;
    let root = 4096 * u64::from_le_bytes(file[newer + 128..newer + 136].try_into().unwrap()) as usize;
    let node = |file: &[u8], at: usize| {
        root + usize::from(u16::from_le_bytes(file[root + 16 + 2 * at..][..2].try_into().unwrap()))
    };
    let (first, second) = (node(&file, 0), node(&file, 1));
    file.copy_within(first..first + 4, second);
    assert!(of(file).unwrap_err().to_string().contains("is in its tree twice"));
}

#[test]
fn the_last_finished_transaction_counts() {
    let file = bytes("photos");
    let newer = usize::from(file[4096 + 144] > file[144]) * 4096;
    let mut torn = file.clone();
    torn[newer + 16..newer + 20].fill(0);
    // The transaction before had every second photo. The first page has to be sound in any case.
    match newer {
        0 => assert!(of(torn).is_err()),
        _ => assert_eq!(of(torn).unwrap().keys().count(), 2),
    }
}
