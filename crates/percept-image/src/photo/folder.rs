//! Photos of a folder, and what of it is left out.

use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

use super::format::{self, EXTENSIONS, READABLE, extension};
use super::{ReadError, foreign};

/// What a folder holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Its photos, sorted by name. They have the names of photos; none has been opened.
    pub photos: Vec<PathBuf>,
    /// What a user may have taken for one of its photos and is none, sorted by name.
    pub left_out: Vec<LeftOut>,
}

/// What a listing leaves out. Shown, it is one line: the name and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// The file or folder.
    pub path: PathBuf,
    /// Why it is left out.
    pub reason: Reason,
}

/// Why something in a folder is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is a folder; those are not entered.
    Folder,
    /// It is a picture of a format that is not read; what it is, with its article (`a HEIC picture`).
    Format(&'static str),
    /// It is a photo by its content, and its name does not say so.
    Name,
    /// It has the name of a photo and is a link to nothing, a device or a pipe.
    NoFile,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.reason)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder => {
                write!(f, "a folder inside the folder is not entered; name it too if it holds photos")
            }
            Self::Format(what) => write!(f, "{what} cannot be read; convert it to {READABLE}"),
            Self::Name => {
                write!(f, "a photo by its content, but its name does not end like one's; rename it")
            }
            Self::NoFile => write!(f, "a link to nothing, or no ordinary file"),
        }
    }
}

/// The photos directly inside a folder, and what is left out of it: pictures of formats that cannot be read, and
/// folders. Hidden files, and files that are no pictures, are in neither list.
///
/// Photos are told by their extension, in any case. A file with an extension that says nothing is looked into.
///
/// # Errors
/// When the folder is missing, is no folder or cannot be listed.
pub fn list_folder(dir: impl AsRef<Path>) -> Result<Listing, ReadError> {
    let dir = dir.as_ref();
    let failed = |source| ReadError::from_io(dir, source);
    let mut listing = Listing::default();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            continue;
        }
        match kind(&path) {
            Kind::Photo => listing.photos.push(path),
            Kind::LeftOut(reason) => listing.left_out.push(LeftOut { path, reason }),
            Kind::Other => {}
        }
    }
    listing.photos.sort_by_cached_key(|path| sort_key(path));
    listing.left_out.sort_by_cached_key(|left| sort_key(&left.path));
    Ok(listing)
}

/// The photos in a folder and in the folders inside it, as [`list_folder`] finds them, sorted by their path below it. Links
/// to folders are not followed.
///
/// # Errors
/// When the folder is missing, is no folder, or it or one inside it cannot be listed.
pub fn list_tree(dir: impl AsRef<Path>) -> Result<Listing, ReadError> {
    let dir = dir.as_ref();
    let (mut all, mut open) = (Listing::default(), vec![dir.to_path_buf()]);
    while let Some(folder) = open.pop() {
        let Listing { photos, left_out } = list_folder(folder)?;
        all.photos.extend(photos);
        for left in left_out {
            match left.reason == Reason::Folder && !left.path.is_symlink() {
                true => open.push(left.path),
                false => all.left_out.push(left),
            }
        }
    }
    let below = |path: &Path| path.strip_prefix(dir).unwrap_or(path).to_path_buf();
    let key = |path: &Path| below(path).iter().map(|part| sort_key(Path::new(part))).collect::<Vec<_>>();
    all.photos.sort_by_cached_key(|path| key(path));
    all.left_out.sort_by_cached_key(|left| key(&left.path));
    Ok(all)
}

/// The photos directly inside a folder, sorted by name: [`Listing::photos`].
///
/// # Errors
/// As [`list_folder`].
pub fn list_photos(dir: impl AsRef<Path>) -> Result<Vec<PathBuf>, ReadError> {
    list_folder(dir).map(|listing| listing.photos)
}

/// The name by which photos of two folders are paired: the file's, without extension. Letters with marks are composed
/// (Unicode's NFC), because systems write the same name in two ways: `é` as one sign, or as `e` and an accent.
pub fn photo_name(path: impl AsRef<Path>) -> String {
    path.as_ref().file_stem().unwrap_or_default().to_string_lossy().nfc().collect()
}

/// By the composed name; where two are the same, by their bytes.
fn sort_key(path: &Path) -> (Vec<u8>, PathBuf) {
    let name = path.file_name().unwrap_or_default();
    let composed = match name.to_str() {
        Some(name) => name.nfc().collect::<String>().into_bytes(),
        None => name.as_encoded_bytes().to_vec(),
    };
    (composed, path.to_path_buf())
}

enum Kind {
    Photo,
    LeftOut(Reason),
    Other,
}

fn kind(path: &Path) -> Kind {
    let extension = extension(path).unwrap_or_default();
    let photo = EXTENSIONS.contains(&extension.as_str());
    let foreign = foreign::by_extension(&extension);
    match (path.is_file(), foreign) {
        (true, _) if photo => Kind::Photo,
        (true, Some(what)) => Kind::LeftOut(Reason::Format(what)),
        (true, None) => by_content(&head(path)),
        _ if path.is_dir() => Kind::LeftOut(Reason::Folder),
        _ if photo || foreign.is_some() => Kind::LeftOut(Reason::NoFile),
        _ => Kind::Other,
    }
}

/// What a file is whose name says nothing. Two letters, by which BMP and PPM are told, are too few.
fn by_content(head: &[u8]) -> Kind {
    use image::ImageFormat as F;
    match (foreign::by_content(head), format::by_content(head)) {
        (Some(what), _) => Kind::LeftOut(Reason::Format(what)),
        (_, Some(F::Png | F::Jpeg | F::WebP | F::Tiff | F::Gif)) => Kind::LeftOut(Reason::Name),
        _ => Kind::Other,
    }
}

/// The first bytes of a file; none where it cannot be read.
fn head(path: &Path) -> Vec<u8> {
    let mut head = Vec::new();
    let _ = File::open(path).and_then(|file| file.take(1024).read_to_end(&mut head));
    head
}
