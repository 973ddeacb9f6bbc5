//! A picture file that is decoded when a score needs it, and not before.

use std::path::Path;

use percept_image::{Image, Metric, MetricError, ReadError, Srgb, read_srgb};

use crate::kept::Key;
use crate::{ImageScores, Kept, Panel};

/// A file, and what is known of it so far.
#[derive(Debug)]
pub(crate) struct Picture<'a> {
    pub(crate) path: &'a Path,
    content: Option<Key>,
    image: Option<Image<Srgb>>,
}

impl<'a> Picture<'a> {
    /// Its content is looked at at once where scores are kept by it.
    pub(crate) fn new(path: &'a Path, kept: Option<&Kept>) -> Self {
        Self { path, content: kept.and_then(|_| Kept::content(path)), image: None }
    }

    /// The pixels.
    pub(crate) fn image(&mut self) -> Result<&Image<Srgb>, ReadError> {
        match &mut self.image {
            Some(image) => Ok(image),
            none => Ok(none.insert(read_srgb(self.path)?)),
        }
    }

    /// The pixels of both, which are read at the same time.
    pub(crate) fn both<'b>(
        reference: &'b mut Picture<'_>,
        picture: &'b mut Picture<'_>,
    ) -> Result<[&'b Image<Srgb>; 2], ReadError> {
        let (reference, picture) = rayon::join(|| reference.image(), || picture.image());
        Ok([reference?, picture?])
    }
}

/// The score of `picture` against `reference`, which a score that compares with nothing may lack: the one that was kept, or a
/// new one, which is then among `new`. Fails where a file cannot be read.
pub(crate) fn score(
    metric: &dyn Metric,
    reference: Option<&mut Picture<'_>>,
    picture: &mut Picture<'_>,
    kept: Option<&Kept>,
    new: &mut Vec<(Key, f64)>,
) -> Result<Result<f64, MetricError>, ReadError> {
    let of_reference = reference.as_ref().map_or(picture.content, |reference| reference.content);
    let contents = kept.zip(of_reference).zip(picture.content);
    let key = contents.and_then(|((kept, reference), picture)| kept.key(metric, reference, picture));
    if let Some(known) = kept.zip(key).and_then(|(kept, key)| kept.get(key)) {
        return Ok(Ok(known));
    }
    let score = match reference {
        Some(reference) => {
            let [reference, picture] = Picture::both(reference, picture)?;
            metric.score(reference, picture)
        }
        None => picture.image().map(|picture| metric.score(picture, picture))?,
    };
    new.extend(key.zip(score.as_ref().ok().copied()));
    Ok(score)
}

/// Those scores of `panel` that can be taken, as [`Panel::score_what_can_be`] has them; new ones are kept.
pub(crate) fn scores(
    panel: &Panel,
    name: &str,
    mut reference: Option<&mut Picture<'_>>,
    picture: &mut Picture<'_>,
    kept: Option<&Kept>,
) -> Result<Result<ImageScores, MetricError>, ReadError> {
    let mut new = Vec::new();
    let scores =
        panel.what_can_be(name, |metric| score(metric, reference.as_deref_mut(), picture, kept, &mut new));
    if let Some(kept) = kept.filter(|_| !new.is_empty()) {
        kept.add(&new);
    }
    scores
}
