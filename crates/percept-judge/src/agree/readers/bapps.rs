//! BAPPS, pairwise choices: `val/traditional/{ref,p0,p1}/000000.png` and `judge/000000.npy`, the share that chose `p1`.

use std::path::{Path, PathBuf};

use percept_image::Better;

use super::files::{Files, entries};
use super::{AgreeError, Layout};
use crate::agree::{Choice, Rows, Table};

/// The folders of subsets: the one that is named, those inside of it, or those inside of its `val`.
pub(super) fn subsets(folder: &Path) -> Option<Vec<PathBuf>> {
    let whole = |folder: &Path| ["ref", "p0", "p1", "judge"].iter().all(|part| folder.join(part).is_dir());
    if whole(folder) {
        return Some(vec![folder.to_path_buf()]);
    }
    let inside =
        |folder: &Path| -> Vec<PathBuf> { entries(folder).into_iter().filter(|path| whole(path)).collect() };
    let places = [folder.to_path_buf(), folder.join("val"), folder.join("2afc").join("val")];
    places.iter().map(|place| inside(place)).find(|found| !found.is_empty())
}

pub(super) fn read(folder: &Path) -> Result<Table, AgreeError> {
    let mut choices = Vec::new();
    for subset in subsets(folder).unwrap_or_default() {
        let [references, first, second] = ["ref", "p0", "p1"].map(|part| Files::of(&[subset.join(part)]));
        let name = subset.file_name().map(|name| name.to_string_lossy().into_owned());
        for judge in entries(&subset.join("judge")) {
            if judge.extension().is_none_or(|ending| ending != "npy") {
                continue;
            }
            let photo = format!("{}.png", judge.file_stem().unwrap_or_default().to_string_lossy());
            choices.push(Choice {
                reference: Some(references.get(&photo)),
                a: first.get(&photo),
                b: second.get(&photo),
                share_b: share(&judge)?,
                distortion: name.clone(),
            });
        }
    }
    let rows = Rows::Choices(choices);
    Ok(Table { path: folder.to_path_buf(), layout: Layout::Bapps, better: Better::Higher, rows })
}

/// The single number of a NumPy file.
fn share(path: &Path) -> Result<f64, AgreeError> {
    let bytes = std::fs::read(path).map_err(|source| AgreeError::from_io(path, source))?;
    match npy(&bytes) {
        Some(share) if (0.0..=1.0).contains(&share) => Ok(share),
        got => {
            let got =
                got.map_or_else(|| "no single number".to_string(), |share| format!("the number {share}"));
            let problem = format!("it holds {got}; put back the share from 0 to 1 that BAPPS ships");
            Err(AgreeError::File { path: path.to_path_buf(), problem })
        }
    }
}

/// One little-endian number in the `.npy` format, versions 1 to 3: a magic word, the length of a header in Python's
/// syntax, the header, the data.
fn npy(bytes: &[u8]) -> Option<f64> {
    let rest = bytes.strip_prefix(b"\x93NUMPY")?;
    let (length, rest) = match rest.split_first_chunk::<2>()? {
        ([1, _], rest) => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        (_, rest) => {
            let (length, rest) = rest.split_first_chunk::<4>()?;
            (u32::from_le_bytes(*length) as usize, rest)
        }
    };
    let (header, data) = rest.split_at_checked(length)?;
    let kind = std::str::from_utf8(header).ok()?.split_once("'descr':")?.1.trim_start();
    match kind.split('\'').nth(1)? {
        "<f4" => Some(f64::from(f32::from_le_bytes(data.try_into().ok()?))),
        "<f8" => Some(f64::from_le_bytes(data.try_into().ok()?)),
        "|u1" => Some(f64::from(*<&[u8; 1]>::try_from(data).ok()?.first()?)),
        "<i4" => Some(f64::from(i32::from_le_bytes(data.try_into().ok()?))),
        "<i8" => Some(i64::from_le_bytes(data.try_into().ok()?) as f64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(descr: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1,), }}\n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn one_number_is_read_and_nothing_else() {
        assert_eq!(npy(&file("<f4", &0.25f32.to_le_bytes())), Some(0.25));
        assert_eq!(npy(&file("<f8", &0.75f64.to_le_bytes())), Some(0.75));
        assert_eq!(npy(&file("<i8", &1i64.to_le_bytes())), Some(1.0));
        let two = [0.5f32.to_le_bytes(), 0.5f32.to_le_bytes()].concat();
        assert_eq!(npy(&file("<f4", &two)), None);
        assert_eq!(npy(&file("|O", &[0])), None);
        let whole = file("<f4", &0.25f32.to_le_bytes());
        for end in 0..whole.len() {
            assert_eq!(npy(&whole[..end]), None);
        }
    }
}
