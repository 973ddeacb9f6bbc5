//! Checksums of archives.

/// Makes the checksums of all entries that are stored as they are right.
pub(super) fn repair(archive: &mut [u8]) {
    let mut at = 0;
    while let Some(entry) = find(archive, at, b"PK\x01\x02") {
        at = entry + 4;
        let number = |at: usize, width: usize| -> Option<usize> {
            let bytes = archive.get(at..at + width)?;
            Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | usize::from(*byte)))
        };
        let fields = (number(entry + 10, 2), number(entry + 20, 4), number(entry + 42, 4));
        let (Some(0), Some(size), Some(local)) = fields else { continue };
        let (Some(name), Some(extra)) = (number(local + 26, 2), number(local + 28, 2)) else { continue };
        let Some(data) = archive.get(local + 30 + name + extra..).and_then(|rest| rest.get(..size)) else {
            continue;
        };
        let checksum = crc32fast::hash(data).to_le_bytes();
        for place in [entry + 16, local + 14] {
            if let Some(field) = archive.get_mut(place..place + 4) {
                field.copy_from_slice(&checksum);
            }
        }
    }
}

fn find(archive: &[u8], from: usize, mark: &[u8]) -> Option<usize> {
    let at = archive.get(from..)?.windows(mark.len()).position(|window| window == mark)?;
    Some(from + at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::files;

    #[test]
    fn a_right_archive_stays_and_a_wrong_checksum_is_mended() {
        let model = files("crates/percept-nn/tests/fixtures/pth", Some("pth")).unwrap();
        let archive = model.iter().find(|file| file.starts_with(b"PK")).unwrap();
        let mut repaired = archive.clone();
        let entry = find(&repaired, 0, b"PK\x01\x02").unwrap();
        repaired[entry + 16] ^= 0xFF;
        repair(&mut repaired);
        // `torch.save` may leave the checksum out of the local header.
        assert_eq!(repaired[entry + 16..entry + 20], archive[entry + 16..entry + 20]);
        assert_eq!(repaired.len(), archive.len());
    }
}
