//! How data sets of human opinions are laid out: a file for each.

mod bapps;
mod csiq;
mod files;
mod kadid10k;
mod live;
mod pipal;
mod tid2013;

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::csv::header;
use super::{AgreeError, Table, csv};

/// Who lays tables out like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// A CSV file with percept's columns: `reference, distorted, score` or `reference, a, b, votes`, and more.
    Csv,
    /// TID2013 (Ponomarenko et al., "Image database TID2013: peculiarities, results and perspectives", 2015).
    Tid2013,
    /// KADID-10k (Lin, Hosu, Saupe, "KADID-10k: a large-scale artificially distorted IQA database", 2019).
    Kadid10k,
    /// LIVE, release 2 (Sheikh, Wang, Cormack, Bovik, "LIVE image quality assessment database", 2006).
    Live,
    /// CSIQ (Larson, Chandler, "Most apparent distortion: full-reference image quality assessment and the role of
    /// strategy", 2010).
    Csiq,
    /// PIPAL (Gu et al., "PIPAL: a large-scale image quality assessment dataset for perceptual image restoration",
    /// 2020).
    Pipal,
    /// BAPPS, pairwise choices (Zhang, Isola, Efros, Shechtman, Wang, "The unreasonable effectiveness of deep features
    /// as a perceptual metric", 2018).
    Bapps,
}

impl Layout {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Csv, Self::Tid2013, Self::Kadid10k, Self::Live, Self::Csiq, Self::Pipal, Self::Bapps];

    /// The name in a call.
    pub fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tid2013 => "tid2013",
            Self::Kadid10k => "kadid10k",
            Self::Live => "live",
            Self::Csiq => "csiq",
            Self::Pipal => "pipal",
            Self::Bapps => "bapps",
        }
    }

    /// The layout of a file or folder, by the names of files and columns.
    pub(super) fn detect(path: &Path) -> Result<Self, AgreeError> {
        std::fs::metadata(path).map_err(|source| AgreeError::from_io(path, source))?;
        let unknown = || AgreeError::Unknown { path: path.to_path_buf() };
        if path.is_file() {
            return Self::of_file(path).ok_or_else(unknown);
        }
        let own = Self::ALL.into_iter().filter(|layout| *layout != Self::Csv);
        let mut found = own.filter(|layout| layout.label(path).is_some());
        match (found.next(), found.next()) {
            (Some(layout), None) => Ok(layout),
            (None, _) if files::only_csv(path).is_some() => Ok(Self::Csv),
            _ => Err(unknown()),
        }
    }

    fn of_file(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        match Path::new(&name).extension()?.to_str()? {
            "mat" => Some(Self::Live),
            "xlsx" => Some(Self::Csiq),
            "txt" if name == tid2013::LABELS => Some(Self::Tid2013),
            "txt" if name == csiq::LABELS => Some(Self::Csiq),
            "txt" if path.parent().is_some_and(|parent| files::is_named(parent, pipal::LABELS)) => {
                Some(Self::Pipal)
            }
            "csv" => {
                let columns = header(path).ok()?;
                let all = |names: &[&str]| names.iter().all(|name| columns.has(name));
                Some(match () {
                    () if all(&["dist_img", "ref_img", "dmos"]) => Self::Kadid10k,
                    () if all(&["image", "dst_type", "dst_lev", "dmos"]) => Self::Csiq,
                    () => Self::Csv,
                })
            }
            _ => None,
        }
    }

    /// The file or folder with the opinions in the data set's folder.
    fn label(self, folder: &Path) -> Option<PathBuf> {
        match self {
            Self::Csv => files::only_csv(folder),
            Self::Tid2013 => files::find(folder, tid2013::LABELS),
            Self::Kadid10k => {
                files::find(folder, kadid10k::LABELS).filter(|path| Self::of_file(path) == Some(self))
            }
            Self::Live => live::LABELS.iter().find_map(|name| files::find(folder, name)),
            Self::Csiq => csiq::labels(folder),
            Self::Pipal if files::is_named(folder, pipal::LABELS) => Some(folder.to_path_buf()),
            Self::Pipal => files::find(folder, pipal::LABELS).filter(|path| path.is_dir()),
            Self::Bapps => bapps::subsets(folder).is_some().then(|| folder.to_path_buf()),
        }
    }

    /// What the folder of the data set must have.
    fn needs(self) -> &'static str {
        match self {
            Self::Csv => "a single .csv file",
            Self::Tid2013 => "mos_with_names.txt",
            Self::Kadid10k => "dmos.csv with the columns dist_img, ref_img, dmos and var",
            Self::Live => "dmos.mat or dmos_realigned.mat, and refnames_all.mat",
            Self::Csiq => "csiq.DMOS.xlsx, or its table as .csv, or csiq_label.txt",
            Self::Pipal => "the folder Train_Label",
            Self::Bapps => "folders with ref, p0, p1 and judge inside",
        }
    }

    /// Reads the table of this layout in `path`.
    pub(super) fn read(self, path: &Path, root: Option<&Path>) -> Result<Table, AgreeError> {
        std::fs::metadata(path).map_err(|source| AgreeError::from_io(path, source))?;
        let label = if path.is_dir() { self.label(path) } else { Some(path.to_path_buf()) };
        let label = label.ok_or_else(|| AgreeError::Missing {
            path: path.to_path_buf(),
            layout: self.name(),
            needs: self.needs().to_string(),
        })?;
        match self {
            Self::Csv => csv::read(&label, root),
            Self::Tid2013 => tid2013::read(&label, root),
            Self::Kadid10k => kadid10k::read(&label, root),
            Self::Live => live::read(&label, root),
            Self::Csiq => csiq::read(&label, root),
            Self::Pipal => pipal::read(&label, root),
            Self::Bapps => bapps::read(&label),
        }
    }
}
