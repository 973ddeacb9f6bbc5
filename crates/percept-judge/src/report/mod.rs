//! The page by which people judge runs: photos side by side, scores with intervals, losses, and the selection as a
//! picture, in one HTML file that asks nobody for anything.
//!
//! A [`Report`] reads the folders of runs and nothing else. [`Report::write`] scores the photos that all of them
//! restored and writes the page; what it gives back is the same table for a terminal.

mod board;
mod channels;
mod curves;
mod details;
mod error;
mod folder;
mod heading;
mod photos;
mod responses;
mod table;
mod viewer;
pub(crate) mod words;

use std::path::{Path, PathBuf};

use percept_conv::Device;
use percept_image::write_atomic;
use percept_nn::weights::WeightStore;

pub use board::Summary;
pub use error::ReportError;

use self::board::{Board, judge};
use self::channels::Answers;
use self::folder::{RunFolder, Selected};
use self::photos::Versions;
use self::responses::Part;
use self::viewer::Viewer;
use crate::focus::focus;
use crate::{Panel, page};

/// What the page is not.
const FOOTER: &str = "The disentangled perceptual loss here is a reconstruction from the abstract of arXiv 2006.13511 \
                      (Mei et al., “Disentangle Perceptual Learning through Online Contrastive Learning”, 2020); these \
                      are not the paper's numbers.";

/// Longest side of what the channels are shown, in pixels of the photo.
const SEEN: usize = 192;

/// Runs that are to be compared.
#[derive(Debug)]
pub struct Report {
    runs: Vec<RunFolder>,
    photos: Vec<String>,
    notes: Vec<String>,
}

/// What can be chosen about the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportOptions {
    /// Title; made from the names of the runs where it is left out.
    pub title: Option<String>,
    /// Names of the scores ([`percept_nn::metric::METRICS`]), in the order of the table.
    pub metrics: Vec<String>,
    /// Border pixels that PSNR and SSIM leave out; left out, the scale of an enlarging task and 0 otherwise, as in
    /// training.
    pub crop: Option<usize>,
    /// Most photos on the page, at least 1; the scores are always of all.
    pub photos: usize,
}

impl Default for ReportOptions {
    fn default() -> Self {
        let metrics = ["psnr-y", "ssim-y", "lpips-alex", "dists"];
        Self { title: None, metrics: metrics.map(str::to_string).to_vec(), crop: None, photos: 8 }
    }
}

impl Report {
    /// Reads the folders `runs`; the first one is the baseline. A folder that is named twice counts once.
    ///
    /// # Errors
    /// When a folder holds no run or one that restored no photos, when the runs have no photo in common, or mean
    /// different targets by one name.
    pub fn read(runs: &[PathBuf]) -> Result<Self, ReportError> {
        let mut seen = Vec::new();
        let mut folders = Vec::new();
        for path in runs {
            let folder = RunFolder::read(path)?;
            let place = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
            if !seen.contains(&place) {
                seen.push(place);
                folders.push(folder);
            }
        }
        if folders.is_empty() {
            return Err(ReportError::NoRuns);
        }
        folder::name_apart(&mut folders);
        let (photos, mut notes) = photos::common(&folders)?;
        for run in folders.iter().filter(|run| run.history.gaps > 0) {
            let gaps = page::counted(run.history.gaps, "gap");
            notes.push(format!("The log of {} has {gaps}: values or lines that are no numbers.", run.name));
        }
        Ok(Self { runs: folders, photos, notes })
    }

    /// The names of the runs, the baseline first.
    pub fn names(&self) -> Vec<String> {
        self.runs.iter().map(|run| run.name.clone()).collect()
    }

    /// Scores all photos and writes the page to `path`, whole or not at all. `progress` hears how many photos of how
    /// many are done. A photo that cannot be read or judged is left out, and named on the page and in the summary.
    ///
    /// # Errors
    /// When a score does not exist or its weights are missing, when no photo can be judged, and when the page cannot
    /// be written.
    pub fn write(
        &self,
        path: &Path,
        options: &ReportOptions,
        store: &WeightStore,
        device: &Device,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<Summary, ReportError> {
        let scale = self.runs.first().map_or(1, |run| run.config.scale);
        let crop = options.crop.unwrap_or(if scale > 1 { scale } else { 0 });
        let panel = Panel::of_photos(&options.metrics, crop, store, device)?;
        let mut viewer = Viewer::new(&self.names());
        let mut notes = self.notes.clone();
        let (mut judged, mut problem, mut plain) = (Vec::new(), String::new(), Vec::new());
        for (at, name) in self.photos.iter().enumerate() {
            progress(at, self.photos.len());
            let versions = Versions::read(&self.runs, name);
            let scored = versions.and_then(|versions| {
                let scores = judge(&panel, name, &versions).map_err(|error| format!("{name}: {error}"))?;
                Ok((versions, scores))
            });
            match scored {
                Ok((versions, scores)) => {
                    judged.push(scores);
                    if plain.len() < options.photos.max(1) {
                        plain.push((Viewer::plainness(&versions), name, versions));
                    }
                }
                Err(reason) => {
                    notes.push(format!("Left out: {reason}."));
                    problem = reason;
                }
            }
        }
        progress(self.photos.len(), self.photos.len());
        if judged.is_empty() {
            return Err(ReportError::NothingSound { photos: self.photos.len(), problem });
        }
        // Where the difference is plain to see comes first.
        plain.sort_by(|(a, ..), (b, ..)| b.total_cmp(a));
        plain.iter().for_each(|(_, name, versions)| viewer.add(name, versions));
        let shown = plain.first().map(|(_, name, versions)| part(name, versions));
        let rows = std::iter::once("input".to_string()).chain(self.names()).collect();
        let board = Board::new(&panel, rows, judged);
        let seen = self.seen(shown.as_ref(), store, device);
        let title = options.title.clone().unwrap_or_else(|| heading::title(&self.runs));
        let main = [
            heading::header(&title, &self.runs, board.photos(), &notes, viewer.first()),
            viewer.section(board.photos()),
            table::section(&board),
            curves::section(&self.runs),
            channels::section(&self.runs, &seen, shown.as_ref()),
            details::section(&self.runs, &options.metrics),
        ]
        .concat();
        let parts = ["photos", "scores", "training", "selection", "settings"];
        let html = page::page(&title, &parts, &main, FOOTER, include_str!("page.js"));
        write_atomic(path, html.as_bytes())
            .map_err(|source| ReportError::Write { path: path.to_path_buf(), source })?;
        Ok(board.summary(notes))
    }

    /// What the selected channels of every run answer to a photo, by selection.
    fn seen(&self, shown: Option<&Part>, store: &WeightStore, device: &Device) -> Vec<Vec<Answers>> {
        let Some(shown) = shown else { return Vec::new() };
        let seen = |selected: &Selected| responses::responses(selected, shown, store, device);
        self.runs.iter().map(|run| run.selections.iter().map(seen).collect()).collect()
    }
}

/// The part of a photo where the runs differ most.
fn part(name: &str, versions: &Versions) -> Part {
    let (window, _) = focus(&versions.compared(), SEEN);
    Part { name: name.to_string(), target: window.of(&versions.target), input: window.of(&versions.input) }
}
