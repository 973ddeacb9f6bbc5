//! Photos that are judged by themselves.

use std::path::{Path, PathBuf};

use percept_image::{LeftOut, read_srgb};

use crate::pairs::by_name;
use crate::{ImageScores, PairError, PairFault, Panel};

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

    /// Reads the file and takes those scores of `panel` that can be taken. Opacity is not looked at.
    ///
    /// # Errors
    /// When the file is broken, a score compares with a reference, or the image does for none.
    pub fn score(&self, panel: &Panel) -> Result<ImageScores, PairFault> {
        let test = read_srgb(&self.test)?;
        panel
            .score_alone(&self.name, &test)
            .map_err(|error| PairFault::Metric { test: self.test.clone(), error })
    }
}
