//! Readers of the layouts: a file for each. [`Table::read`] finds out which one it is.

mod bapps;
mod csiq;
mod files;
mod kadid10k;
mod live;
mod own;
mod pipal;
mod sriqa_bench;
mod tid2013;

use std::path::{Path, PathBuf};

use super::csv::header;
use super::{AgreeError, Layout, Table};

impl Table {
    /// The table in `path`, a file or the folder of a data set. Without a `layout` it is found out from names and
    /// columns. Pictures are looked for in `root`, or where the layout has them beside the table.
    ///
    /// # Errors
    /// When the file or a part of the data set is missing, it is laid out otherwise, a line makes no sense, a picture
    /// is rated twice, or there are no rows.
    pub fn read(path: &Path, layout: Option<Layout>, root: Option<&Path>) -> Result<Self, AgreeError> {
        let layout = match layout {
            Some(layout) => layout,
            None => detect(path)?,
        };
        let table = read(layout, path, root)?;
        match table.is_empty() {
            true => Err(AgreeError::Empty { path: path.to_path_buf() }),
            false => Ok(table),
        }
    }
}

/// The layout of a file or folder, by the names of files and columns.
fn detect(path: &Path) -> Result<Layout, AgreeError> {
    std::fs::metadata(path).map_err(|source| AgreeError::from_io(path, source))?;
    let unknown = || AgreeError::Unknown { path: path.to_path_buf() };
    if path.is_file() {
        return of_file(path).ok_or_else(unknown);
    }
    let own = Layout::ALL.into_iter().filter(|layout| *layout != Layout::Csv);
    let mut found = own.filter(|layout| label(*layout, path).is_some());
    match (found.next(), found.next()) {
        (Some(layout), None) => Ok(layout),
        (None, _) if files::only_csv(path).is_some() => Ok(Layout::Csv),
        _ => Err(unknown()),
    }
}

fn of_file(path: &Path) -> Option<Layout> {
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    match Path::new(&name).extension()?.to_str()? {
        "mat" => Some(Layout::Live),
        "xlsx" => Some(Layout::Csiq),
        "txt" if name == tid2013::LABELS => Some(Layout::Tid2013),
        "txt" if name == csiq::LABELS => Some(Layout::Csiq),
        "txt" if path.parent().is_some_and(|parent| files::is_named(parent, pipal::LABELS)) => {
            Some(Layout::Pipal)
        }
        "txt" if path.parent().is_some_and(|parent| files::is_named(parent, sriqa_bench::LABELS)) => {
            Some(Layout::SriqaBench)
        }
        "csv" => {
            let columns = header(path).ok()?;
            let all = |names: &[&str]| names.iter().all(|name| columns.has(name));
            Some(match () {
                () if all(&["dist_img", "ref_img", "dmos"]) => Layout::Kadid10k,
                () if all(&["image", "dst_type", "dst_lev", "dmos"]) => Layout::Csiq,
                () => Layout::Csv,
            })
        }
        _ => None,
    }
}

/// The file or folder with the opinions in the data set's folder.
fn label(layout: Layout, folder: &Path) -> Option<PathBuf> {
    match layout {
        Layout::Csv => files::only_csv(folder),
        Layout::Tid2013 => files::find(folder, tid2013::LABELS),
        Layout::Kadid10k => {
            files::find(folder, kadid10k::LABELS).filter(|path| of_file(path) == Some(layout))
        }
        Layout::Live => live::LABELS.iter().find_map(|name| files::find(folder, name)),
        Layout::Csiq => csiq::labels(folder),
        Layout::Pipal if files::is_named(folder, pipal::LABELS) => Some(folder.to_path_buf()),
        Layout::Pipal => files::find(folder, pipal::LABELS).filter(|path| path.is_dir()),
        Layout::SriqaBench if files::is_named(folder, sriqa_bench::LABELS) => Some(folder.to_path_buf()),
        Layout::SriqaBench => sriqa_bench::labels(folder),
        Layout::Bapps => bapps::subsets(folder).is_some().then(|| folder.to_path_buf()),
    }
}

/// What the folder of the data set must have.
fn needs(layout: Layout) -> &'static str {
    match layout {
        Layout::Csv => "a single .csv file",
        Layout::Tid2013 => "mos_with_names.txt",
        Layout::Kadid10k => "dmos.csv with the columns dist_img, ref_img, dmos and var",
        Layout::Live => "dmos.mat or dmos_realigned.mat, and refnames_all.mat",
        Layout::Csiq => "csiq.DMOS.xlsx, or its table as .csv, or csiq_label.txt",
        Layout::Pipal => "the folder Train_Label",
        Layout::SriqaBench => "the folders MOS and images, and images/Original",
        Layout::Bapps => "folders with ref, p0, p1 and judge inside",
    }
}

/// Reads the table of this layout in `path`.
fn read(layout: Layout, path: &Path, root: Option<&Path>) -> Result<Table, AgreeError> {
    std::fs::metadata(path).map_err(|source| AgreeError::from_io(path, source))?;
    let label = if path.is_dir() { label(layout, path) } else { Some(path.to_path_buf()) };
    let label = label.ok_or_else(|| AgreeError::Missing {
        path: path.to_path_buf(),
        layout: layout.name(),
        needs: needs(layout).to_string(),
    })?;
    match layout {
        Layout::Csv => own::read(&label, root),
        Layout::Tid2013 => tid2013::read(&label, root),
        Layout::Kadid10k => kadid10k::read(&label, root),
        Layout::Live => live::read(&label, root),
        Layout::Csiq => csiq::read(&label, root),
        Layout::Pipal => pipal::read(&label, root),
        Layout::SriqaBench => sriqa_bench::read(&label, root),
        Layout::Bapps => bapps::read(&label),
    }
}
