//! The end of the zip archives that `torch.save` writes, made plain for the reader of archives.
//!
//! An archive ends with its directory and a record that says where the directory starts and how long it is. `torch.save`
//! writes two more records between them (zip64's, for archives above 4 GiB) even where they are not needed. The reader that
//! is used here (`zip` 9.1 to 9.8 at least) then looks for the directory as far before the last record as it is long, finds
//! no start of an entry there, and falls back to the stated place. But where the first entry's part of the directory is as
//! long as those two records, the second entry starts at the wrong place, and is taken for the first. That is so if the name
//! under which the file was saved has 21 letters.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use tempfile::NamedTempFile;

const ENTRY: &[u8] = b"PK\x01\x02";
const ZIP64_END: &[u8] = b"PK\x06\x06";
const END: &[u8] = b"PK\x05\x06";
/// Length of the last record, without a comment; `torch.save` writes none.
const END_LENGTH: u64 = 22;

/// A copy of the archive without the needless records, where they would mislead the reader.
pub(super) fn plain_copy(path: &Path) -> io::Result<Option<NamedTempFile>> {
    let mut file = File::open(path)?;
    let Some(at) = file.metadata()?.len().checked_sub(END_LENGTH) else { return Ok(None) };
    let end = bytes_at(&mut file, at, END_LENGTH)?;
    let number = |from: usize| {
        let bytes = end.get(from..from + 4).and_then(|bytes| bytes.try_into().ok());
        u64::from(u32::from_le_bytes(bytes.unwrap_or_default()))
    };
    let (length, start) = (number(12), number(16));
    let misleads = end.starts_with(END)
        && starts_with(&mut file, start, ENTRY)?
        && starts_with(&mut file, start + length, ZIP64_END)?
        && starts_with(&mut file, at.saturating_sub(length), ENTRY)?;
    if !misleads {
        return Ok(None);
    }
    let mut copy = NamedTempFile::new()?;
    file.rewind()?;
    io::copy(&mut file.take(start + length), copy.as_file_mut())?;
    copy.as_file_mut().write_all(&end)?;
    Ok(Some(copy))
}

fn starts_with(file: &mut File, at: u64, start: &[u8]) -> io::Result<bool> {
    Ok(bytes_at(file, at, start.len() as u64)? == start)
}

/// So many bytes, or fewer at the file's end.
fn bytes_at(file: &mut File, at: u64, count: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(at))?;
    file.take(count).read_to_end(&mut bytes)?;
    Ok(bytes)
}
