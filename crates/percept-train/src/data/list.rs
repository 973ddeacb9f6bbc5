//! Which photos a run trains on, in their order: what bit-identical resume depends on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Most photos of one kind that a message names.
const NAMED: usize = 3;

/// The photos of a run: file names with sizes, in the order that the data order counts them in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PhotoList(Vec<Photo>);

/// One photo: its file name, and what shows that it is another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Photo {
    pub name: String,
    /// Width, height and bytes of its file, and where folders are paired the bytes of its counterpart's.
    pub mark: Vec<u64>,
}

impl PhotoList {
    pub(super) fn new(photos: Vec<Photo>) -> Self {
        Self(photos)
    }

    /// What `now` has otherwise, in words; `None` where the two are equal.
    pub fn difference(&self, now: &Self) -> Option<String> {
        if self == now {
            return None;
        }
        let by_name = |list: &Self| -> BTreeMap<String, Vec<u64>> {
            list.0.iter().map(|photo| (photo.name.clone(), photo.mark.clone())).collect()
        };
        let (then, now) = (by_name(self), by_name(now));
        let only = |a: &BTreeMap<String, Vec<u64>>, b: &BTreeMap<String, Vec<u64>>| -> Vec<String> {
            a.keys().filter(|name| !b.contains_key(*name)).cloned().collect()
        };
        let other = then.iter().filter(|(name, mark)| now.get(*name).is_some_and(|found| found != *mark));
        let kinds = [
            ("added", only(&now, &then)),
            ("removed", only(&then, &now)),
            ("replaced", other.map(|(name, _)| name.clone()).collect()),
        ];
        let words: Vec<String> = kinds.iter().filter_map(|(kind, names)| words(kind, names)).collect();
        Some(if words.is_empty() { "they come in another order".to_string() } else { words.join("; ") })
    }
}

/// `2 added (a.png, b.png)`.
fn words(kind: &str, names: &[String]) -> Option<String> {
    let more = if names.len() > NAMED { ", …" } else { "" };
    let first = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    (!names.is_empty()).then(|| format!("{} {kind} ({first}{more})", names.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(photos: &[(&str, u64)]) -> PhotoList {
        let photo =
            |(name, bytes): &(&str, u64)| Photo { name: (*name).to_string(), mark: vec![9, 9, *bytes] };
        PhotoList::new(photos.iter().map(photo).collect())
    }

    #[test]
    fn what_changed_is_named() {
        let then = list(&[("a", 1), ("b", 2), ("c", 3)]);
        assert_eq!(then.difference(&then.clone()), None);
        let says = |now: &[(&str, u64)]| then.difference(&list(now)).unwrap();
        assert_eq!(says(&[("a", 1), ("b", 2), ("c", 3), ("d", 4)]), "1 added (d)");
        assert_eq!(says(&[("b", 7)]), "2 removed (a, c); 1 replaced (b)");
        assert_eq!(says(&[("b", 2), ("a", 1), ("c", 3)]), "they come in another order");
        let many: Vec<_> = ["d", "e", "f", "g"].map(|name| (name, 1)).to_vec();
        assert!(says(&many).starts_with("4 added (d, e, f, …); 3 removed"), "{}", says(&many));
    }
}
