//! Which result belongs to which reference.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use percept_image::{
    Image, LeftOut, Listing, Metric, MetricError, Photo, ReadError, Srgb, WriteError, heat, list_folder,
    photo_name, write_photo,
};

use crate::picture::{self, Picture};
use crate::{ImageScores, Kept, Panel};

/// File names that an error shows of each side.
const EXAMPLES: usize = 3;

/// Why there is nothing to compare.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// A folder or file that is missing or cannot be listed.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A folder without photos.
    #[error("{}: no photo in this folder; name one with PNG, JPEG, WebP, TIFF, BMP or PPM files{left_out}", folder.display())]
    Empty {
        /// The folder.
        folder: PathBuf,
        /// What is in it instead, a line each.
        left_out: String,
    },
    /// Two files of one folder that have the same name up to the extension.
    #[error("{} and {} have the same name; files are matched by it, so remove or rename one", first.display(), second.display())]
    Ambiguous {
        /// One of them.
        first: PathBuf,
        /// The other one.
        second: PathBuf,
    },
    /// No name matches, and more than one ending would explain why.
    #[error(
        "names of results go on with `{first}` or with `{second}` after the reference's name; keep results of one kind in a folder"
    )]
    Endings {
        /// One ending.
        first: String,
        /// Another one, as frequent.
        second: String,
    },
    /// No result has the name of a reference.
    #[error(
        "no result has the name of a reference: there are {references} and {tests}; rename the results like their references (the extension does not matter, and one common ending, as in img_x4, is understood)"
    )]
    NoMatch {
        /// Some names of references.
        references: String,
        /// Some names of results.
        tests: String,
    },
}

/// Why one pair, or one photo alone, has no scores.
#[derive(Debug, thiserror::Error)]
pub enum PairFault {
    /// One of its files is broken.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The two do not fit together, or a score cannot be taken of them.
    #[error("{}: {error}; leave this photo out, or the score", test.display())]
    Metric {
        /// The result.
        test: PathBuf,
        /// What does not fit.
        error: MetricError,
    },
    /// A map that could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// A reference and the result that is judged against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The reference's file name without extension.
    pub name: String,
    /// The reference.
    pub reference: PathBuf,
    /// The result.
    pub test: PathBuf,
}

impl Pair {
    /// Takes those scores of `panel` that can be taken. Those that are `kept` are not computed again, and new ones are kept;
    /// where all are, no file is decoded. Opacity is not looked at. Where there is a folder for `maps`, those that these scores
    /// have are drawn into it as `NAME.SCORE.png`.
    ///
    /// # Errors
    /// When a file is broken, the sizes differ, no score can be taken, or a map cannot be written.
    pub fn score(
        &self,
        panel: &Panel,
        maps: Option<&Path>,
        kept: Option<&Kept>,
    ) -> Result<ImageScores, PairFault> {
        let (mut reference, mut test) = (Picture::new(&self.reference, kept), Picture::new(&self.test, kept));
        let scores = picture::scores(panel, &self.name, Some(&mut reference), &mut test, kept)?;
        let scores = scores.map_err(|error| PairFault::Metric { test: self.test.clone(), error })?;
        if let Some(folder) = maps {
            let [reference, test] = Picture::both(&mut reference, &mut test)?;
            self.draw(panel, &scores, reference, test, folder)?;
        }
        Ok(scores)
    }

    fn draw(
        &self,
        panel: &Panel,
        taken: &ImageScores,
        reference: &Image<Srgb>,
        test: &Image<Srgb>,
        folder: &Path,
    ) -> Result<(), PairFault> {
        let taken = panel.metrics().filter(|metric| taken.scores.contains_key(metric.name()));
        for metric in taken.filter_map(Metric::spatial) {
            let unfit = |error| PairFault::Metric { test: self.test.clone(), error };
            let map = metric.map(reference, test).map_err(unfit)?;
            let path = folder.join(format!("{}.{}.png", self.name, metric.name()));
            write_photo(path, &Photo::new(heat(&map, metric.white())))?;
        }
        Ok(())
    }
}

/// The photos of two folders, matched by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pairs {
    /// What belongs together, sorted by name.
    pub pairs: Vec<Pair>,
    /// What the names of all results have after the reference's: empty where they are the same.
    pub ending: String,
    /// References without a result.
    pub only_reference: Vec<PathBuf>,
    /// Results without a reference.
    pub only_test: Vec<PathBuf>,
    /// What of the folders cannot be judged: pictures that cannot be read, folders inside.
    pub left_out: Vec<LeftOut>,
}

impl Pairs {
    /// Matches the photos in the folder `reference` with those in the folder `test` by file name without
    /// extension. Either may also be a single file; two files are a pair whatever they are called.
    ///
    /// Where no two names are equal but the results' are the references' and one common ending that starts with
    /// `_`, `-`, `.` or `x` (`img_001` and `img_001x4`, `img_001_SRF_4`, `img_001_out`), that ending is passed over.
    ///
    /// # Errors
    /// When a side is missing or holds no photo, when two files of one side have the same name, when there are
    /// several equally frequent endings, and when nothing matches.
    pub fn find(reference: &Path, test: &Path) -> Result<Self, PairError> {
        if reference.is_file() && test.is_file() {
            let (name, reference, test) =
                (photo_name(reference), reference.to_path_buf(), test.to_path_buf());
            return Ok(Self { pairs: vec![Pair { name, reference, test }], ..Self::default() });
        }
        let (references, mut left_out) = by_name(reference)?;
        let (mut tests, others) = by_name(test)?;
        left_out.extend(others);
        let mut ending = String::new();
        if !references.keys().any(|name| tests.contains_key(name)) {
            ending = common_ending(&references, &tests)?;
        }
        let mut found = Self { ending, left_out, ..Self::default() };
        for (name, reference) in references {
            match tests.remove(&format!("{name}{}", found.ending)) {
                Some(test) => found.pairs.push(Pair { name, reference, test }),
                None => found.only_reference.push(reference),
            }
        }
        found.only_test.extend(tests.into_values());
        Ok(found)
    }
}

/// The ending that turns the most names of references into names of results.
fn common_ending(
    references: &BTreeMap<String, PathBuf>,
    tests: &BTreeMap<String, PathBuf>,
) -> Result<String, PairError> {
    let mut endings: BTreeMap<&str, usize> = BTreeMap::new();
    for test in tests.keys() {
        let starts = test.char_indices().filter(|(_, letter)| "_-.x".contains(*letter));
        for (name, ending) in starts.map(|(at, _)| test.split_at(at)) {
            if references.contains_key(name) {
                *endings.entry(ending).or_default() += 1;
            }
        }
    }
    let most = endings.values().max().copied();
    let mut frequent =
        endings.into_iter().filter(|(_, count)| Some(*count) == most).map(|(ending, _)| ending);
    match (frequent.next(), frequent.next()) {
        (Some(ending), None) => Ok(ending.to_string()),
        (Some(first), Some(second)) => {
            Err(PairError::Endings { first: first.to_string(), second: second.to_string() })
        }
        (None, _) => Err(PairError::NoMatch { references: examples(references), tests: examples(tests) }),
    }
}

/// Photos by their name without extension.
type ByName = BTreeMap<String, PathBuf>;

/// The photos of a folder, or the one file, and what of the folder is left out.
pub(crate) fn by_name(place: &Path) -> Result<(ByName, Vec<LeftOut>), PairError> {
    let Listing { photos, left_out } = match place.is_dir() {
        true => list_folder(place)?,
        false if place.exists() => Listing { photos: vec![place.to_path_buf()], ..Listing::default() },
        false => return Err(ReadError::NotFound { path: place.to_path_buf() }.into()),
    };
    if photos.is_empty() {
        let left_out = left_out.iter().map(|left| format!("\n  {left}")).collect();
        return Err(PairError::Empty { folder: place.to_path_buf(), left_out });
    }
    let mut found = BTreeMap::new();
    for second in photos {
        if let Some(first) = found.insert(photo_name(&second), second.clone()) {
            return Err(PairError::Ambiguous { first, second });
        }
    }
    Ok((found, left_out))
}

/// The first few file names, and how many there are in all.
fn examples(photos: &BTreeMap<String, PathBuf>) -> String {
    let names = photos.values().filter_map(|path| path.file_name()).take(EXAMPLES);
    let names: Vec<_> = names.map(|name| name.to_string_lossy()).collect();
    let more = photos.len().saturating_sub(EXAMPLES);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Two folders with files of these names; they are not read.
    fn find(references: &[&str], tests: &[&str]) -> Result<Pairs, String> {
        let folder = tempfile::tempdir().unwrap();
        let side = |name: &str, files: &[&str]| {
            let side = folder.path().join(name);
            fs::create_dir(&side).unwrap();
            files.iter().for_each(|file| fs::write(side.join(file), "").unwrap());
            side
        };
        let (references, tests) = (side("gt", references), side("out", tests));
        Pairs::find(&references, &tests).map_err(|error| error.to_string())
    }

    fn names(pairs: &Pairs) -> Vec<(String, String)> {
        pairs.pairs.iter().map(|pair| (pair.name.clone(), photo_name(&pair.test))).collect()
    }

    #[test]
    fn names_match_whatever_the_extension() {
        let found = find(&["b.png", "a.png", "only-gt.bmp"], &["a.jpg", "b.png", "only-out.png"]).unwrap();
        assert_eq!(names(&found), [("a".into(), "a".into()), ("b".into(), "b".into())]);
        assert_eq!(found.only_reference.iter().map(photo_name).collect::<Vec<_>>(), ["only-gt"]);
        assert_eq!(found.only_test.iter().map(photo_name).collect::<Vec<_>>(), ["only-out"]);
        assert!(found.ending.is_empty());
    }

    #[test]
    fn one_common_ending_is_passed_over() {
        for ending in ["x4", "_x4", "_SRF_4", "_out", "-sharp"] {
            let tests = ["img_001", "img_002", "img"].map(|name| format!("{name}{ending}.png"));
            let tests: Vec<_> = tests.iter().map(String::as_str).collect();
            let found = find(&["img_001.png", "img_002.png", "img.png", "img_003.png"], &tests).unwrap();
            assert_eq!(found.ending, ending);
            assert_eq!(names(&found).len(), 3, "{ending}: {found:?}");
            assert!(
                found.pairs.iter().all(|pair| photo_name(&pair.test) == format!("{}{ending}", pair.name))
            );
            assert_eq!((found.only_reference.len(), found.only_test.len()), (1, 0));
        }
        // Where names are equal, endings mean nothing: `a_2` is another photo.
        let found = find(&["a.png", "b.png"], &["a.png", "b_2.png"]).unwrap();
        assert_eq!((found.pairs.len(), found.only_reference.len(), found.only_test.len()), (1, 1, 1));
    }

    /// Systems write `é` as one sign or as two, and the eye sees no difference.
    #[test]
    fn names_that_look_alike_are_the_same() {
        let found = find(&["caf\u{e9}.png"], &["cafe\u{301}_x4.png", "cafe\u{301}.png"]).unwrap();
        assert_eq!((found.pairs.len(), found.only_test.len()), (1, 1));
        let error = find(&["a.png"], &["\u{e5}.png", "a\u{30a}.png"]).unwrap_err();
        assert!(error.contains("same name"), "{error}");
    }

    #[test]
    fn what_is_left_out_is_said() {
        let found = find(&["a.png", "b.heic"], &["a.jfif", "c.avif"]).unwrap();
        let left: Vec<_> = found.left_out.iter().map(|left| photo_name(&left.path)).collect();
        assert_eq!((found.pairs.len(), left), (1, vec!["b".to_string(), "c".to_string()]));
        assert!(find(&["a.heic"], &["a.png"]).unwrap_err().contains("HEIC"));
    }

    #[test]
    fn what_is_ambiguous_is_an_error_that_names_both() {
        let error = find(&["a.png"], &["a.png", "a.jpg"]).unwrap_err();
        assert!(error.contains("a.png") && error.contains("a.jpg"), "{error}");
        let error = find(&["a.png"], &["a_l1.png", "a_gan.png"]).unwrap_err();
        assert!(error.contains("`_l1`") && error.contains("`_gan`"), "{error}");
    }

    #[test]
    fn no_match_shows_names_of_both_sides() {
        let error = find(&["a.png", "b.png", "c.png", "d.png"], &["1.png"]).unwrap_err();
        assert!(error.contains("a.png, b.png, c.png and 1 more") && error.contains("1.png"), "{error}");
        assert!(find(&[], &["a.png"]).unwrap_err().contains("no photo"));
        let error = Pairs::find(Path::new("no-such-folder"), Path::new(".")).unwrap_err().to_string();
        assert!(error.contains("no-such-folder"), "{error}");
    }

    #[test]
    fn two_files_are_a_pair_and_one_is_looked_for_in_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = ["one.png", "two.png"].map(|name| folder.path().join(name));
        fs::write(&one, "").unwrap();
        fs::write(&two, "").unwrap();
        let pair = Pair { name: "one".into(), reference: one.clone(), test: two.clone() };
        assert_eq!(Pairs::find(&one, &two).unwrap().pairs, [pair]);
        let found = Pairs::find(folder.path(), &two).unwrap();
        assert_eq!(names(&found), [("two".into(), "two".into())]);
        assert_eq!(found.only_reference, [one]);
    }
}
