//! Photos that are judged by themselves.

use std::path::{Path, PathBuf};

use percept_image::LeftOut;

use crate::pairs::by_name;
use crate::picture::{self, Picture};
use crate::{ImageScores, Kept, PairError, PairFault, Panel};

/// A photo without a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Single {
    /// Its file name without extension.
    pub name: String,
    /// The photo.
    pub test: PathBuf,
}

impl Single {
    /// The photos of a folder, or the one file, sorted by name, and what of the folder is left out.
    ///
    /// # Errors
    /// When `place` is missing or holds no photo, and when two files have the same name up to the extension.
    pub fn find(place: &Path) -> Result<(Vec<Self>, Vec<LeftOut>), PairError> {
        let (photos, left_out) = by_name(place)?;
        Ok((photos.into_iter().map(|(name, test)| Self { name, test }).collect(), left_out))
    }

    /// Takes those scores of `panel` that can be taken; see [`Pair::score`](crate::Pair::score).
    ///
    /// # Errors
    /// When the file is broken, a score compares with a reference, or the image does for none.
    pub fn score(&self, panel: &Panel, kept: Option<&Kept>) -> Result<ImageScores, PairFault> {
        let unfit = |error| PairFault::Metric { test: self.test.clone(), error };
        panel.compares_nothing().map_err(unfit)?;
        let mut test = Picture::new(&self.test, kept);
        picture::scores(panel, &self.name, None, &mut test, kept)?.map_err(unfit)
    }
}
