//! The photos of all roots, looked at before the run starts.

use std::sync::atomic::{AtomicUsize, Ordering};

use percept_image::ReadError;
use percept_run::config::RootConfig;
use rayon::prelude::*;

use super::list::Photo;
use super::names::names;
use super::pairs::Pairs;
use super::stored::Stored;
use super::{DataError, PhotoList, Skipped};

/// What photos have to be like.
pub(super) struct Rule {
    /// Shortest side of a target in pixels.
    pub min_side: usize,
    /// How many times larger a target is than its counterpart.
    pub scale: usize,
    /// Bytes of decoded photos that are kept.
    pub cache: usize,
    /// Only the first so many targets of each root.
    pub limit: Option<usize>,
}

/// A target, and where there are pairs its counterpart.
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
pub(super) type Sizes = ((usize, usize), Option<(usize, usize)>);

/// A pair of a root, and what is known of it.
struct Entry {
    name: String,
    root: usize,
    at: usize,
    sizes: Sizes,
    kept: Option<Pair>,
}

/// All usable photos, those of one root after those of another.
pub(super) struct Photos {
    roots: Vec<Pairs>,
    entries: Vec<Entry>,
    skipped: Vec<Skipped>,
}

impl Photos {
    /// Looks at every photo once. As many as the cache holds are decoded and kept: in an order in which every photo comes
    /// once before any comes twice, keeping some is better than keeping the last ones. Of the others their heads are read.
    /// What is broken, too small or without its counterpart is left out and listed.
    pub fn open(roots: &[RootConfig], rule: &Rule) -> Result<Self, DataError> {
        let room = AtomicUsize::new(rule.cache);
        let mut photos = Self { roots: Vec::new(), entries: Vec::new(), skipped: Vec::new() };
        for (number, root) in roots.iter().enumerate() {
            let pairs = Pairs::open(root, rule.scale, rule.limit)?;
            let looked: Vec<_> =
                (0..pairs.len()).into_par_iter().map(|at| look(&pairs, at, rule, &room)).collect();
            let (mut usable, mut broken) = (0, Vec::new());
            for (at, looked) in looked.into_iter().enumerate() {
                match looked {
                    Ok((sizes, kept)) => {
                        usable += 1;
                        let name = String::new();
                        photos.entries.push(Entry { name, root: number, at, sizes, kept });
                    }
                    Err(why) => broken.push(why),
                }
            }
            if usable == 0 {
                let mut all: Vec<_> = broken.into_iter().chain(pairs.unpaired().iter().cloned()).collect();
                all.sort_by(|a, b| a.path.cmp(&b.path));
                let path = root.dataroot_gt.clone();
                return Err(match all.first().cloned() {
                    Some(first) => DataError::NoneUsable { path, count: pairs.targets(), first },
                    None => DataError::Empty { path },
                });
            }
            photos.skipped.extend(broken);
            photos.skipped.extend(pairs.unpaired().iter().chain(pairs.left_out()).cloned());
            photos.roots.push(pairs);
        }
        photos.skipped.sort_by(|a, b| a.path.cmp(&b.path));
        let names = names(&photos.entries.iter().map(|entry| photos.file(entry)).collect::<Vec<_>>());
        photos.entries.iter_mut().zip(names).for_each(|(entry, name)| entry.name = name);
        Ok(photos)
    }

    /// The path of a target below its root.
    fn file(&self, entry: &Entry) -> String {
        let items = self.roots.get(entry.root).and_then(|root| root.items(entry.at));
        items.map(|(gt, _)| gt.file.clone()).unwrap_or_default()
    }

    /// Number of usable photos, at least 1.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Number of usable photos of each root, at least 1.
    pub fn of_roots(&self) -> Vec<usize> {
        (0..self.roots.len())
            .map(|root| self.entries.iter().filter(|entry| entry.root == root).count())
            .collect()
    }

    /// The photos in their order, as the next run of them would have to find them.
    pub fn list(&self) -> PhotoList {
        let photo = |entry: &Entry| {
            let ((width, height), _) = entry.sizes;
            let name = match entry.root {
                0 => self.file(entry),
                root => format!("{} of roots[{}]", self.file(entry), root - 1),
            };
            let bytes = self.roots.get(entry.root).map(|root| root.bytes(entry.at)).unwrap_or_default();
            Photo { name, mark: [width as u64, height as u64].into_iter().chain(bytes).collect() }
        };
        PhotoList::new(self.entries.iter().map(photo).collect())
    }

    /// What was left out.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Name of a photo, unique among them and without slashes.
    pub fn name_of(&self, at: usize) -> &str {
        self.entries.get(at).map_or("", |entry| &entry.name)
    }

    /// Shows a photo to `f`, from memory or from where it lies. Positions beyond the end start over.
    pub fn with<T>(&self, at: usize, f: impl FnOnce(&Pair) -> T) -> Result<T, DataError> {
        let entry = &self.entries[at % self.entries.len()];
        if let Some(pair) = &entry.kept {
            return Ok(f(pair));
        }
        let root = &self.roots[entry.root];
        let pair = read(root, entry.at)?;
        if pair.sizes() != entry.sizes {
            let only_lq = pair.sizes().0 == entry.sizes.0;
            let items = root.items(entry.at);
            let changed = items.map(|(gt, lq)| if only_lq { lq.unwrap_or(gt) } else { gt });
            let path = changed.map(|item| item.path.clone()).unwrap_or_default();
            return Err(DataError::Changed { path });
        }
        Ok(f(&pair))
    }
}

fn read(pairs: &Pairs, at: usize) -> Result<Pair, ReadError> {
    let (gt, lq) = pairs.read(at)?;
    Ok(Pair { gt: Stored::new(gt), lq: lq.map(Stored::new) })
}

/// The sizes, and the photos where there is room for them.
type Looked = (Sizes, Option<Pair>);

fn look(pairs: &Pairs, at: usize, rule: &Rule, room: &AtomicUsize) -> Result<Looked, Skipped> {
    // Three bytes a pixel: what a photo takes at least.
    let least = |(width, height): (usize, usize)| 3 * width * height;
    let fits = |sizes: &Sizes| least(sizes.0) + sizes.1.map_or(0, least) <= room.load(Ordering::Relaxed);
    if let Some(sizes) = pairs.sizes(at).filter(|sizes| !fits(sizes)) {
        check(pairs, at, sizes, rule)?;
        return Ok((sizes, None));
    }
    let pair = read(pairs, at).map_err(|error| Skipped::unreadable(&error))?;
    check(pairs, at, pair.sizes(), rule)?;
    let bytes = pair.bytes();
    let fits =
        room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| room.checked_sub(bytes)).is_ok();
    Ok((pair.sizes(), fits.then_some(pair)))
}

/// Refuses a pair of sizes that nothing can be done with.
fn check(pairs: &Pairs, at: usize, ((width, height), lq): Sizes, rule: &Rule) -> Result<(), Skipped> {
    let skip = |of_lq: bool, reason: String| {
        let items = pairs.items(at);
        let item = items.map(|(gt, lq)| if of_lq { lq.unwrap_or(gt) } else { gt });
        Err(Skipped { path: item.map(|item| item.path.clone()).unwrap_or_default(), reason })
    };
    if width.min(height) < rule.min_side {
        let side = rule.min_side;
        return skip(
            false,
            format!("{width}×{height} pixels are too few, {side}×{side} are needed; use a larger photo"),
        );
    }
    match lq {
        Some((w, h)) if (w * rule.scale, h * rule.scale) != (width, height) => {
            let scale = rule.scale;
            let reason = format!(
                "{w}×{h} pixels do not fit the {width}×{height} of its target at scale {scale}; export the pair again"
            );
            skip(true, reason)
        }
        _ => Ok(()),
    }
}
