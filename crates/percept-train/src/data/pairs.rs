//! Targets with their counterparts.

use std::collections::BTreeMap;

use percept_image::{Photo, ReadError};
use percept_run::config::RootConfig;

use super::source::{Item, PhotoSource, Side, open_source};
use super::{DataError, Skipped};

/// The targets of a root, each with its counterpart where the root has some.
pub struct Pairs {
    gt: Box<dyn PhotoSource>,
    lq: Option<Box<dyn PhotoSource>>,
    /// By number of either source.
    pairs: Vec<(usize, Option<usize>)>,
    /// Targets, with those that have no counterpart.
    targets: usize,
    unpaired: Vec<Skipped>,
}

impl Pairs {
    /// The pairs of a root: of the first `limit` targets. A counterpart has the name of its target, or that with `x4` at
    /// scale 4. What has no counterpart, or two, is [`unpaired`](Self::unpaired).
    ///
    /// # Errors
    /// When a side cannot be listed, or has no photos.
    pub fn open(root: &RootConfig, scale: usize, limit: Option<usize>) -> Result<Self, DataError> {
        let gt = open_source(root, Side::Gt)?;
        let Some(gt) = gt else { return Err(DataError::Empty { path: root.dataroot_gt.clone() }) };
        let lq = open_source(root, Side::Lq)?;
        let count = gt.items().len().min(limit.unwrap_or(usize::MAX));
        let (pairs, unpaired) = match (&lq, &root.dataroot_lq) {
            (Some(lq), Some(folder)) => {
                let targets = gt.items().get(..count).unwrap_or_default();
                let (pairs, mut skipped) = matched(targets, lq.items(), scale, &folder.display().to_string());
                if limit.is_some() {
                    // Most counterparts are left over on purpose.
                    skipped.retain(|skipped| targets.iter().any(|target| target.path == skipped.path));
                }
                (pairs, skipped)
            }
            _ => ((0..count).map(|at| (at, None)).collect(), Vec::new()),
        };
        Ok(Self { gt, lq, pairs, targets: count, unpaired })
    }

    /// Number of pairs.
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Number of targets, with those that have no counterpart.
    pub fn targets(&self) -> usize {
        self.targets
    }

    /// Photos that belong to no pair.
    pub fn unpaired(&self) -> &[Skipped] {
        &self.unpaired
    }

    /// What a user may have taken for photos of either side.
    pub fn left_out(&self) -> impl Iterator<Item = &Skipped> {
        self.gt.left_out().iter().chain(self.lq.iter().flat_map(|lq| lq.left_out()))
    }

    /// The target of a pair and its counterpart; `None` beyond the end.
    pub fn items(&self, at: usize) -> Option<(&Item, Option<&Item>)> {
        let (gt, lq) = self.pairs.get(at)?;
        let lq = lq.and_then(|lq| self.lq.as_ref()?.items().get(lq));
        Some((self.gt.items().get(*gt)?, lq))
    }

    /// Decodes a pair.
    ///
    /// # Errors
    /// When either cannot be read.
    pub fn read(&self, at: usize) -> Result<(Photo, Option<Photo>), ReadError> {
        let (gt, lq) = self.numbers(at);
        let lq = lq.zip(self.lq.as_ref()).map(|(at, lq)| lq.read(at)).transpose()?;
        Ok((self.gt.read(gt)?, lq))
    }

    /// Width and height of both by what stands before their pixels; `None` where that does not say it.
    pub(super) fn sizes(&self, at: usize) -> Option<super::photos::Sizes> {
        let (gt, lq) = self.numbers(at);
        let lq = lq.zip(self.lq.as_ref()).map(|(at, lq)| lq.size(at));
        Some((self.gt.size(gt)?, lq.map_or(Some(None), |size| size.map(Some))?))
    }

    /// Bytes of both as they are stored.
    pub(super) fn bytes(&self, at: usize) -> Vec<u64> {
        let (gt, lq) = self.numbers(at);
        let lq = lq.zip(self.lq.as_ref()).map(|(at, lq)| lq.bytes(at));
        [Some(self.gt.bytes(gt)), lq].into_iter().flatten().collect()
    }

    fn numbers(&self, at: usize) -> (usize, Option<usize>) {
        self.pairs.get(at).copied().unwrap_or((usize::MAX, None))
    }
}

/// Numbers of targets and their counterparts, and what has none on either side.
fn matched(
    targets: &[Item],
    counterparts: &[Item],
    scale: usize,
    folder: &str,
) -> (Vec<(usize, Option<usize>)>, Vec<Skipped>) {
    let mut free = BTreeMap::<&str, Vec<usize>>::new();
    for (at, item) in counterparts.iter().enumerate() {
        free.entry(&item.name).or_default().push(at);
    }
    let path =
        |at: &usize| counterparts.get(*at).map(|item| item.path.display().to_string()).unwrap_or_default();
    let (mut pairs, mut skipped) = (Vec::new(), Vec::new());
    for (gt, target) in targets.iter().enumerate() {
        let names = [format!("{}x{scale}", target.name), target.name.clone()];
        let mut found: Vec<usize> =
            names.iter().filter_map(|name| free.remove(name.as_str())).flatten().collect();
        let reason = match (found.pop(), found.pop()) {
            (Some(lq), None) => {
                pairs.push((gt, Some(lq)));
                continue;
            }
            (None, _) => format!("no photo of this name in {folder}; add it or remove this one"),
            (Some(one), Some(other)) => format!(
                "two photos may be its counterpart, {} and {}; remove one of them",
                path(&other),
                path(&one)
            ),
        };
        skipped.push(Skipped { path: target.path.clone(), reason });
    }
    let left = free.into_values().flatten().filter_map(|at| counterparts.get(at));
    let reason = "no target of this name; add it or remove this one";
    skipped.extend(left.map(|item| Skipped { path: item.path.clone(), reason: reason.to_string() }));
    (pairs, skipped)
}
