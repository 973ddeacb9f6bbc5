//! Folders of photos, alone or in pairs, every file looked at before the run starts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use percept_image::{Listing, list_folder, photo_name, read_photo};
use rayon::prelude::*;

use super::list::Photo;
use super::stored::Stored;
use super::{DataError, PhotoList, Skipped};

/// What a folder's photos have to be like.
pub(super) struct Rule {
    /// Shortest side of a target in pixels.
    pub min_side: usize,
    /// How many times larger a target is than its counterpart in a paired folder.
    pub scale: usize,
    /// Bytes of decoded photos that are kept.
    pub cache: usize,
    /// Only the first so many targets.
    pub limit: Option<usize>,
}

/// A target, and where folders are paired its counterpart.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub gt: Stored,
    pub lq: Option<Stored>,
}

impl Pair {
    fn sizes(&self) -> Sizes {
        (self.gt.size(), self.lq.as_ref().map(Stored::size))
    }

    fn bytes(&self) -> usize {
        self.gt.bytes() + self.lq.as_ref().map_or(0, Stored::bytes)
    }
}

/// Width and height of a target and of its counterpart.
type Sizes = ((usize, usize), Option<(usize, usize)>);

/// The files of a pair, and what is known of them.
struct Entry {
    name: String,
    files: Files,
    sizes: Sizes,
    kept: Option<Pair>,
}

#[derive(Clone, Debug)]
struct Files {
    gt: PathBuf,
    lq: Option<PathBuf>,
}

/// All usable photos of a folder.
pub(super) struct Folder {
    entries: Vec<Entry>,
    skipped: Vec<Skipped>,
}

impl Folder {
    /// Reads every photo once. What is broken, too small or without its counterpart is left out and listed.
    pub fn open(gt: &Path, lq: Option<&Path>, rule: &Rule) -> Result<Self, DataError> {
        let Listing { photos: mut targets, mut left_out } = list_folder(gt)?;
        if targets.is_empty() {
            return Err(DataError::Empty { path: gt.to_path_buf() });
        }
        targets.truncate(rule.limit.unwrap_or(usize::MAX));
        let count = targets.len();
        let (files, mut skipped) = match lq {
            Some(lq) => {
                let listing = list_folder(lq)?;
                left_out.extend(listing.left_out);
                pair_up(targets, lq, listing.photos, rule)?
            }
            None => (targets.into_iter().map(|gt| Files { gt, lq: None }).collect(), Vec::new()),
        };
        let room = AtomicUsize::new(rule.cache);
        let read: Vec<_> = files.par_iter().map(|files| read_and_check(files, rule, &room)).collect();
        let names = names(&files);
        let mut entries = Vec::new();
        for ((read, files), name) in read.into_iter().zip(files).zip(names) {
            match read {
                Ok((sizes, kept)) => entries.push(Entry { name, files, sizes, kept }),
                Err(why) => skipped.push(why),
            }
        }
        skipped.sort_by(|a, b| a.path.cmp(&b.path));
        match (entries.is_empty(), skipped.first()) {
            (true, Some(first)) => {
                Err(DataError::NoneUsable { path: gt.to_path_buf(), count, first: first.clone() })
            }
            _ => {
                skipped.extend(left_out.into_iter().map(Skipped::from));
                skipped.sort_by(|a, b| a.path.cmp(&b.path));
                Ok(Self { entries, skipped })
            }
        }
    }

    /// Number of usable photos, at least 1.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// The photos in their order, as the next run of them would have to find them.
    pub fn list(&self) -> PhotoList {
        let bytes = |path: &PathBuf| std::fs::metadata(path).map_or(0, |file| file.len());
        let photo = |entry: &Entry| {
            let ((width, height), _) = entry.sizes;
            let files = [Some(&entry.files.gt), entry.files.lq.as_ref()];
            let bytes = files.into_iter().flatten().map(bytes);
            let name = entry.files.gt.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Photo { name, mark: [width as u64, height as u64].into_iter().chain(bytes).collect() }
        };
        PhotoList::new(self.entries.iter().map(photo).collect())
    }

    /// What was left out.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Name of a photo, unique in the folder.
    pub fn name(&self, at: usize) -> &str {
        self.entries.get(at).map_or("", |entry| &entry.name)
    }

    /// Shows a photo to `f`, from memory or from its file. Positions beyond the end start over.
    pub fn with<T>(&self, at: usize, f: impl FnOnce(&Pair) -> T) -> Result<T, DataError> {
        let entry = &self.entries[at % self.entries.len()];
        if let Some(pair) = &entry.kept {
            return Ok(f(pair));
        }
        let pair = read(&entry.files)?;
        let ((gt, _), (gt_then, _)) = (pair.sizes(), entry.sizes);
        if pair.sizes() != entry.sizes {
            let changed = if gt == gt_then { entry.files.lq.as_ref() } else { None };
            return Err(DataError::Changed { path: changed.unwrap_or(&entry.files.gt).clone() });
        }
        Ok(f(&pair))
    }
}

fn read(files: &Files) -> Result<Pair, percept_image::ReadError> {
    let stored = |path: &PathBuf| read_photo(path).map(Stored::new);
    Ok(Pair { gt: stored(&files.gt)?, lq: files.lq.as_ref().map(stored).transpose()? })
}

/// The sizes, and the photos where there is room for them.
type Found = (Sizes, Option<Pair>);

fn read_and_check(files: &Files, rule: &Rule, room: &AtomicUsize) -> Result<Found, Skipped> {
    let pair = read(files).map_err(|error| Skipped::unreadable(&error))?;
    let skip = |path: &PathBuf, reason: String| Skipped { path: path.clone(), reason };
    let (width, height) = pair.gt.size();
    if width.min(height) < rule.min_side {
        let side = rule.min_side;
        let reason =
            format!("{width}×{height} pixels are too few, {side}×{side} are needed; use a larger photo");
        return Err(skip(&files.gt, reason));
    }
    if let (Some(path), Some(lq)) = (&files.lq, &pair.lq) {
        let (w, h) = lq.size();
        if (w * rule.scale, h * rule.scale) != (width, height) {
            let scale = rule.scale;
            let reason = format!(
                "{w}×{h} pixels do not fit the {width}×{height} of its target at scale {scale}; export the pair again"
            );
            return Err(skip(path, reason));
        }
    }
    let bytes = pair.bytes();
    let fits =
        room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| room.checked_sub(bytes)).is_ok();
    Ok((pair.sizes(), fits.then_some(pair)))
}

/// Targets with their counterparts of the same name, and what has none on either side.
fn pair_up(
    targets: Vec<PathBuf>,
    lq: &Path,
    counterparts: Vec<PathBuf>,
    rule: &Rule,
) -> Result<(Vec<Files>, Vec<Skipped>), DataError> {
    if counterparts.is_empty() {
        return Err(DataError::Empty { path: lq.to_path_buf() });
    }
    let mut free = BTreeMap::<String, Vec<PathBuf>>::new();
    for path in counterparts {
        free.entry(photo_name(&path)).or_default().push(path);
    }
    let (mut files, mut skipped) = (Vec::new(), Vec::new());
    for gt in targets {
        let name = photo_name(&gt);
        let names = [format!("{name}x{}", rule.scale), name];
        let mut found: Vec<PathBuf> = names.iter().filter_map(|name| free.remove(name)).flatten().collect();
        let reason = match (found.pop(), found.pop()) {
            (Some(lq), None) => {
                files.push(Files { gt, lq: Some(lq) });
                continue;
            }
            (None, _) => format!("no photo of this name in {}; add it or remove this one", lq.display()),
            (Some(one), Some(other)) => format!(
                "two photos may be its counterpart, {} and {}; remove one of them",
                other.display(),
                one.display()
            ),
        };
        skipped.push(Skipped { path: gt, reason });
    }
    // With a limit, most counterparts are left over on purpose.
    if rule.limit.is_none() {
        let reason = "no target of this name; add it or remove this one";
        skipped.extend(free.into_values().flatten().map(|path| Skipped { path, reason: reason.to_string() }));
    }
    Ok((files, skipped))
}

/// The file names without extension; with it where two would be the same.
fn names(files: &[Files]) -> Vec<String> {
    let mut count = BTreeMap::<String, usize>::new();
    files.iter().for_each(|files| *count.entry(photo_name(&files.gt)).or_default() += 1);
    let name = |files: &Files| {
        let stem = photo_name(&files.gt);
        match count.get(&stem) {
            Some(1) | None => stem,
            _ => files.gt.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }
    };
    files.iter().map(name).collect()
}
