//! Large photos, cut into small ones that are read faster.

use std::path::{Path, PathBuf};

use percept_image::{Photo, WriteError, upright_size, write_atomic, write_photo};
use percept_run::config::RootConfig;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::names::names;
use super::{DataError, Pairs, Skipped};

/// The file that says how a folder of tiles was cut.
pub const TILES: &str = "tiles.json";

/// How photos are cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// Side of a tile in pixels.
    pub size: usize,
    /// Pixels from one tile to the next, at least 1.
    pub step: usize,
    /// A strip of more pixels than this at the right or below gets tiles of its own, which overlap the ones before more.
    pub rest: usize,
    /// How many times larger targets are than their counterparts; `size` and `step` are multiples of it.
    pub scale: usize,
}

/// What was cut.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tiled {
    /// Pictures in the folder that are tiles, those of pairs counted once.
    pub tiles: usize,
    /// Of these, those that were there already.
    pub before: usize,
    /// Photos that could not be cut.
    pub skipped: Vec<Skipped>,
}

/// Why nothing was cut.
#[derive(Debug, thiserror::Error)]
pub enum TileError {
    /// The photos.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The folder holds something else.
    #[error("{}: this folder holds other files and no {TILES}; choose a new folder for the tiles", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The folder has tiles that were cut otherwise.
    #[error(
        "{}: these tiles were cut otherwise (size {}, step {}, rest {}, scale {}); choose another folder",
        path.display(), cut.size, cut.step, cut.rest, cut.scale
    )]
    Otherwise {
        /// The file that says so.
        path: PathBuf,
        /// How.
        cut: Cut,
    },
    /// A file of the folder is damaged.
    #[error("{}: {problem}; delete it", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file cannot be written.
    #[error("{}: {source}; check that the folder may be written to and has space", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A tile cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Cut {
    /// Where tiles begin along a side of so many pixels, as BasicSR's `extract_subimages.py` has it; none where it is shorter
    /// than a tile.
    pub fn places(&self, side: usize) -> Vec<usize> {
        let Some(last) = side.checked_sub(self.size) else { return Vec::new() };
        let mut places: Vec<usize> = (0..=last).step_by(self.step.max(1)).collect();
        let end = places.last().map_or(0, |last| last + self.size);
        if side - end > self.rest {
            places.push(last);
        }
        places
    }
}

/// Cuts every photo of a root into tiles, `NAME_s001.png` and so on, row by row: into `out`, or where the root has pairs into
/// `gt` and `lq` below it, with equal names. Tiles keep depth and colour profile. Those that are there already are kept, so
/// that a call that was ended goes on. `progress` hears when a photo is done.
///
/// # Errors
/// When the root cannot be listed, the folder holds something else, or a tile cannot be written.
pub fn tile(
    root: &RootConfig,
    cut: &Cut,
    out: &Path,
    progress: &(dyn Fn() + Sync),
) -> Result<Tiled, TileError> {
    let pairs = Pairs::open(root, cut.scale, None)?;
    let paired = root.dataroot_lq.is_some();
    begin(out, cut)?;
    let folders = if paired { vec![out.join("gt"), out.join("lq")] } else { vec![out.to_path_buf()] };
    for path in &folders {
        std::fs::create_dir_all(path).map_err(|source| TileError::Io { path: path.clone(), source })?;
    }
    let files: Vec<String> =
        (0..pairs.len()).filter_map(|at| Some(pairs.items(at)?.0.file.clone())).collect();
    let names = names(&files);
    let one = |(at, name): (usize, &String)| {
        let done = photo(&pairs, at, name, cut, &folders);
        progress();
        done
    };
    let done: Vec<_> = names.par_iter().enumerate().map(one).collect::<Result<_, _>>()?;
    let mut tiled = Tiled { skipped: pairs.unpaired().to_vec(), ..Tiled::default() };
    tiled.skipped.extend(pairs.left_out().cloned());
    for one in done {
        tiled.tiles += one.tiles;
        tiled.before += one.before;
        tiled.skipped.extend(one.skipped);
    }
    tiled.skipped.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(tiled)
}

/// Notes how a new folder is cut; one that was begun has to be cut the same way.
fn begin(out: &Path, cut: &Cut) -> Result<(), TileError> {
    let path = out.join(TILES);
    if path.is_file() {
        let damaged = |problem: String| TileError::Damaged { path: path.clone(), problem };
        let text = std::fs::read_to_string(&path).map_err(|error| damaged(error.to_string()))?;
        let then: Cut = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        return if then == *cut { Ok(()) } else { Err(TileError::Otherwise { path, cut: then }) };
    }
    std::fs::create_dir_all(out).map_err(|source| TileError::Io { path: out.to_path_buf(), source })?;
    let failed = |source| TileError::Io { path: out.to_path_buf(), source };
    let mut entries = std::fs::read_dir(out).map_err(failed)?;
    if entries.next().is_some() {
        return Err(TileError::NotEmpty { path: out.to_path_buf() });
    }
    let text = serde_json::to_string(cut).unwrap_or_default();
    write_atomic(&path, text.as_bytes()).map_err(|source| TileError::Io { path, source })
}

/// The tiles of one photo.
fn photo(pairs: &Pairs, at: usize, name: &str, cut: &Cut, folders: &[PathBuf]) -> Result<Tiled, TileError> {
    let path = pairs.items(at).map(|(gt, _)| gt.path.clone()).unwrap_or_default();
    let tiles = |(width, height): (usize, usize)| -> Vec<(usize, usize)> {
        let columns = cut.places(width);
        cut.places(height).iter().flat_map(|y| columns.iter().map(|x| (*x, *y))).collect()
    };
    let places =
        |number: usize| folders.iter().map(move |folder| folder.join(format!("{name}_s{number:03}.png")));
    let is_there = |number: usize| {
        let mut sides = places(number).zip([cut.size, cut.size / cut.scale.max(1)]);
        sides.all(|(path, side)| size(&path) == Some((side, side)))
    };
    if let Some((size, _)) = pairs.sizes(at) {
        let count = tiles(size).len();
        if count > 0 && (1..=count).all(is_there) {
            return Ok(Tiled { tiles: count, before: count, skipped: Vec::new() });
        }
    }
    let skip = |reason: String| {
        Ok(Tiled { skipped: vec![Skipped { path: path.clone(), reason }], ..Tiled::default() })
    };
    let (gt, lq) = match pairs.read(at) {
        Ok(pair) => pair,
        Err(error) => return Ok(Tiled { skipped: vec![Skipped::unreadable(&error)], ..Tiled::default() }),
    };
    let (width, height) = gt.pixels.size();
    if let Some((w, h)) = lq.as_ref().map(|lq| lq.pixels.size())
        && (w * cut.scale, h * cut.scale) != (width, height)
    {
        return skip(format!(
            "its counterpart has {w}×{h} pixels, which do not fit its {width}×{height} at scale {}",
            cut.scale
        ));
    }
    let tiles = tiles((width, height));
    if tiles.is_empty() {
        return skip(format!("{width}×{height} pixels are too few for a tile of {0}×{0}", cut.size));
    }
    let mut before = 0;
    for ((x, y), number) in tiles.iter().zip(1..) {
        if is_there(number) {
            before += 1;
            continue;
        }
        let scale = cut.scale.max(1);
        let sides = [Some((&gt, 1)), lq.as_ref().map(|lq| (lq, scale))];
        for ((photo, divisor), path) in sides.into_iter().flatten().zip(places(number)) {
            let [x, y, side] = [*x, *y, cut.size].map(|value| value / divisor);
            write_photo(&path, &part(photo, (x, y), side))?;
        }
    }
    Ok(Tiled { tiles: tiles.len(), before, skipped: Vec::new() })
}

/// A square of a photo.
fn part(photo: &Photo, (x, y): (usize, usize), side: usize) -> Photo {
    let width = photo.pixels.width();
    let rows = |alpha: &Vec<f32>| {
        (y..y + side).flat_map(|row| &alpha[row * width + x..row * width + x + side]).copied().collect()
    };
    Photo {
        alpha: photo.alpha.as_ref().map(rows),
        depth: photo.depth,
        grey: photo.grey,
        icc: photo.icc.clone(),
        ..Photo::new(photo.pixels.crop(x, y, side, side))
    }
}

/// Width and height of a picture that may not be there.
fn size(path: &Path) -> Option<(usize, usize)> {
    upright_size(std::io::BufReader::new(std::fs::File::open(path).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_lie_where_basicsr_has_them() {
        let cut = Cut { size: 480, step: 240, rest: 0, scale: 1 };
        assert_eq!(cut.places(1356), [0, 240, 480, 720, 876]);
        assert_eq!(cut.places(960), [0, 240, 480]);
        assert_eq!(cut.places(480), [0]);
        assert!(cut.places(479).is_empty());
        // With a rest that is too narrow for tiles of its own.
        assert_eq!(Cut { rest: 156, ..cut }.places(1356), [0, 240, 480, 720]);
        assert_eq!(Cut { rest: 155, ..cut }.places(1356), [0, 240, 480, 720, 876]);
    }
}
