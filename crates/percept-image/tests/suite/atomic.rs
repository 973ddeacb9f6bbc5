//! Where a file is written: files are replaced as a whole, links are followed, what is no file is written into.

use std::fs;
use std::path::PathBuf;

use percept_image::write_atomic;

fn names(folder: &std::path::Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_is_made_and_replaced_and_nothing_temporary_stays() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    write_atomic(&path, b"one").unwrap();
    write_atomic(&path, b"two").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"two");
    assert_eq!(names(folder.path()), ["a"]);
}

#[test]
fn a_folder_is_no_place_for_a_file_and_no_message_names_a_temporary_one() {
    let folder = tempfile::tempdir().unwrap();
    assert!(write_atomic(folder.path(), b"one").is_err());
    let error = write_atomic(folder.path().join("missing/a"), b"one").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(!error.to_string().contains(".percept-"), "{error}");
    assert!(names(folder.path()).is_empty());
}

#[cfg(unix)]
mod unix {
    use std::io::Read;
    use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
    use std::process::Command;

    use super::*;

    fn pipe(folder: &std::path::Path) -> PathBuf {
        let pipe = folder.join("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        pipe
    }

    #[test]
    fn permissions_of_the_file_before_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        write_atomic(&path, b"one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_link_stays_a_link_and_its_file_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("deep")).unwrap();
        fs::write(at("deep/file"), "old").unwrap();
        symlink("deep/file", at("near")).unwrap();
        symlink(at("near"), at("far")).unwrap();
        // Nothing is there yet.
        symlink("deep/new", at("dangling")).unwrap();
        for (link, file) in [("near", "deep/file"), ("far", "deep/file"), ("dangling", "deep/new")] {
            write_atomic(at(link), link.as_bytes()).unwrap();
            assert!(fs::symlink_metadata(at(link)).unwrap().is_symlink(), "{link}");
            assert!(fs::symlink_metadata(at(file)).unwrap().is_file(), "{file}");
            assert_eq!(fs::read(at(file)).unwrap(), link.as_bytes());
        }
        assert_eq!(names(&at("deep")), ["file", "new"]);
        // A link that leads nowhere at all, and one that leads to itself.
        symlink("missing/file", at("lost")).unwrap();
        symlink("circle", at("circle")).unwrap();
        assert!(write_atomic(at("lost"), b"x").is_err() && write_atomic(at("circle"), b"x").is_err());
    }

    #[test]
    fn what_is_no_file_is_written_into() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = pipe(folder.path());
        symlink(&pipe, folder.path().join("link")).unwrap();
        for path in [pipe.clone(), folder.path().join("link")] {
            let reader = std::thread::spawn({
                let pipe = pipe.clone();
                move || {
                    let mut got = Vec::new();
                    fs::File::open(pipe).unwrap().read_to_end(&mut got).unwrap();
                    got
                }
            });
            write_atomic(&path, b"through").unwrap();
            assert_eq!(reader.join().unwrap(), b"through");
            assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
        }
        symlink("/dev/null", folder.path().join("null")).unwrap();
        write_atomic(folder.path().join("null"), b"gone").unwrap();
        assert!(fs::metadata("/dev/null").unwrap().file_type().is_char_device());
        assert_eq!(names(folder.path()), ["link", "null", "pipe"]);
    }

    #[test]
    fn a_full_device_is_an_error() {
        if fs::metadata("/dev/full").is_ok() {
            assert_eq!(write_atomic("/dev/full", b"x").unwrap_err().kind(), std::io::ErrorKind::StorageFull);
        }
    }
}
