//! What a comparison says in words, and no more than the data.

use crate::page::list;
use crate::stats::{FEWEST_PHOTOS, Outcome};

/// What a verdict is about.
#[derive(Clone, Debug)]
pub(super) struct Case<'a> {
    pub(super) a: &'a str,
    pub(super) b: &'a str,
    /// Metrics that count.
    pub(super) counted: Vec<(&'a str, Outcome)>,
    /// Metrics that do not, with the network that they share with a loss.
    pub(super) marked: Vec<(&'a str, &'a str)>,
    pub(super) photos: usize,
    pub(super) seeds: usize,
}

impl Case<'_> {
    /// The verdict.
    pub(super) fn words(&self) -> String {
        let mut words = self.finding();
        if !self.counted.is_empty() && self.photos >= FEWEST_PHOTOS {
            if self.counted.iter().any(|(_, outcome)| *outcome == Outcome::None) {
                words += " No difference means none that can be shown";
                words += &match self.seeds {
                    1 => format!(" on these {} photos.", self.photos),
                    seeds => format!(" on these {} photos with these {seeds} seeds.", self.photos),
                };
            }
            words += match self.seeds {
                1 => " One training of each was compared: with another seed it may come out differently.",
                _ => "",
            };
        }
        if !self.marked.is_empty() && !self.counted.is_empty() {
            let marked = self.marked.iter().map(|(name, family)| format!("{name} ({family})"));
            let marked: Vec<String> = marked.collect();
            words += &format!(
                " Not counted, because a training loss looks through the same kind of network: {}.",
                list(&marked)
            );
        }
        words
    }

    fn finding(&self) -> String {
        let Self { a, b, .. } = self;
        let all = self.counted.len();
        if self.photos < FEWEST_PHOTOS {
            let few = match self.photos {
                1 => "one photo says nothing about others".to_string(),
                few => format!("{few} photos are too few to say anything about others"),
            };
            return format!("No verdict on {a} and {b}: {few}; give at least {FEWEST_PHOTOS}.");
        }
        if all == 0 {
            return match self.marked.is_empty() {
                true => format!("No verdict on {a} and {b}: no metric could be compared."),
                false => format!(
                    "No verdict on {a} and {b}: every metric looks through the same kind of network as a training loss. \
                     Add one that does not, such as psnr-y."
                ),
            };
        }
        let of = |outcome: Outcome| -> Vec<String> {
            let names = self.counted.iter().filter(|(_, found)| *found == outcome);
            names.map(|(name, _)| (*name).to_string()).collect()
        };
        let (better, worse) = (of(Outcome::Better), of(Outcome::Worse));
        let whole = match all {
            1 => format!("on the one metric, {}", self.counted.first().map_or("", |(name, _)| name)),
            _ => format!("on all {all} metrics"),
        };
        match (better.len(), worse.len()) {
            (0, 0) if all == 1 => format!("{a} against {b}: no difference {whole}."),
            (0, 0) => format!("{a} against {b}: no difference on any of {all} metrics."),
            (n, 0) if n == all => format!("{a} against {b}: better {whole}."),
            (0, n) if n == all => format!("{a} against {b}: worse {whole}."),
            (n, m) => {
                let mut parts = Vec::new();
                if n > 0 {
                    parts.push(format!("better on {n} of {all} metrics ({})", better.join(", ")));
                }
                if m > 0 && n > 0 {
                    parts.push(format!("worse on {}", list(&worse)));
                } else if m > 0 {
                    parts.push(format!("worse on {m} of {all} metrics ({})", worse.join(", ")));
                }
                if n + m < all {
                    parts.push("no difference on the rest".to_string());
                }
                format!("{a} against {b}: {}.", parts.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Outcome::{Better, None, Worse};
    use super::*;

    fn words(counted: &[(&'static str, Outcome)]) -> String {
        let case = Case { a: "A", b: "B", counted: counted.to_vec(), marked: vec![], photos: 20, seeds: 3 };
        case.words()
    }

    #[test]
    fn every_case_has_its_words() {
        for (counted, expected) in [
            (vec![("x", Better), ("y", Better)], "A against B: better on all 2 metrics."),
            (vec![("x", Worse), ("y", Worse)], "A against B: worse on all 2 metrics."),
            (vec![("x", None), ("y", None), ("z", None)], "A against B: no difference on any of 3 metrics."),
            (vec![("x", Better)], "A against B: better on the one metric, x."),
            (vec![("x", Worse)], "A against B: worse on the one metric, x."),
            (vec![("x", None)], "A against B: no difference on the one metric, x."),
            (
                vec![("v", Better), ("w", None), ("x", Better), ("y", Worse), ("z", None)],
                "A against B: better on 2 of 5 metrics (v, x), worse on y, no difference on the rest.",
            ),
            (
                vec![("x", Better), ("y", Worse), ("z", Worse)],
                "A against B: better on 1 of 3 metrics (x), worse on y and z.",
            ),
            (
                vec![("x", Better), ("y", None)],
                "A against B: better on 1 of 2 metrics (x), no difference on the rest.",
            ),
            (
                vec![("x", Worse), ("y", None), ("z", None)],
                "A against B: worse on 1 of 3 metrics (x), no difference on the rest.",
            ),
            (vec![], "No verdict on A and B: no metric could be compared."),
        ] {
            let shown = " No difference means none that can be shown on these 20 photos with these 3 seeds.";
            let shown = if counted.iter().any(|(_, outcome)| *outcome == None) { shown } else { "" };
            assert_eq!(words(&counted), format!("{expected}{shown}"));
        }
    }

    #[test]
    fn what_shares_a_backbone_is_named_and_does_not_count() {
        let mut case = Case {
            a: "A",
            b: "B",
            counted: vec![("psnr-y", None)],
            marked: vec![("dists", "VGG"), ("lpips-vgg", "VGG")],
            photos: 5,
            seeds: 2,
        };
        assert_eq!(
            case.words(),
            "A against B: no difference on the one metric, psnr-y. No difference means none that can be shown on these 5 \
             photos with these 2 seeds. Not counted, because a training loss looks through the same kind of network: dists (VGG) and lpips-vgg (VGG)."
        );
        case.counted.clear();
        assert_eq!(
            case.words(),
            "No verdict on A and B: every metric looks through the same kind of network as a training loss. Add one \
             that does not, such as psnr-y."
        );
    }

    #[test]
    fn one_seed_or_one_photo_is_said_to_be_little() {
        let mut case =
            Case { a: "A", b: "B", counted: vec![("x", Better)], marked: vec![], photos: 5, seeds: 1 };
        assert_eq!(
            case.words(),
            "A against B: better on the one metric, x. One training of each was compared: with another seed it may come \
             out differently."
        );
        for (photos, few) in [
            (1, "one photo says nothing about others; give at least 3."),
            (2, "2 photos are too few to say anything about others; give at least 3."),
        ] {
            case.photos = photos;
            assert_eq!(case.words(), format!("No verdict on A and B: {few}"));
        }
    }
}
