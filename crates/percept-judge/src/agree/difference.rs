//! Which metrics agree with people more than others do, by more than chance.

use percept_image::Better;
use serde::Serialize;

use super::agreement::{agreeing, agreeing_on_best, mean, ranked};
use super::{AgreeOptions, Judged, Said};
use crate::Panel;
use crate::stats::{Estimate, LEVEL, Ranked, cluster_differences, holm};

/// How far two metrics are apart in the statistic that says most: the rank correlation of ratings, else the share of choices.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// One metric.
    pub a: String,
    /// The other one.
    pub b: String,
    /// The statistic of `a` less that of `b`, on the same resamples of references.
    pub difference: Estimate,
    /// Two-sided p-value of "they agree with people alike"; none where there is no interval.
    pub p: Option<f64>,
    /// The same for the chance of a single wrong answer among all pairs of metrics (Holm's correction).
    pub p_holm: Option<f64>,
    /// The metric that agrees more, where that is more than chance.
    pub more: Option<String>,
}

/// What a metric's statistic is made of.
enum Found {
    Ranks(Option<Ranked>),
    Shares(Vec<f64>),
}

impl Found {
    fn of(judged: &Judged, metric: &str, better: Better, human: Better, rows: &[usize]) -> Self {
        match judged.said {
            Said::Ratings => Self::Ranks(ranked(&judged.points(metric, rows), better, human)),
            Said::Choices => Self::Shares(agreeing(&judged.choices(metric, rows), better)),
            Said::Best => {
                let [best, _] = agreeing_on_best(&judged.best(metric, rows), better);
                Self::Shares(best)
            }
        }
    }

    fn statistic(&self, weights: &[f64]) -> Option<f64> {
        match self {
            Self::Ranks(ranked) => ranked.as_ref()?.spearman(weights),
            Self::Shares(shares) => mean(shares, weights),
        }
    }
}

/// All pairs of metrics that have the statistic.
pub(super) fn differences(
    judged: &Judged,
    panel: &Panel,
    human: Better,
    options: &AgreeOptions,
) -> Vec<Difference> {
    let rows: Vec<usize> = (0..judged.rows.len()).collect();
    let metrics: Vec<_> = panel.metrics().collect();
    let found: Vec<Found> = metrics
        .iter()
        .map(|metric| Found::of(judged, metric.name(), metric.better(), human, &rows))
        .collect();
    let apart = cluster_differences(&judged.references, options.resamples, options.seed, |weights| {
        found.iter().map(|found| found.statistic(weights)).collect()
    });
    let pairs =
        metrics.iter().enumerate().flat_map(|(at, a)| metrics.iter().skip(at + 1).map(move |b| (a, b)));
    let apart: Vec<_> = pairs.zip(apart).filter_map(|(pair, apart)| Some((pair, apart?))).collect();
    let known: Vec<f64> = apart.iter().filter_map(|(_, apart)| apart.p).collect();
    let mut corrected = holm(&known).into_iter();
    let difference = |((a, b), apart): (
        (&&dyn percept_image::Metric, &&dyn percept_image::Metric),
        crate::stats::Apart,
    )| {
        let p_holm = apart.p.and_then(|_| corrected.next());
        let [a, b] = [a, b].map(|metric| metric.name().to_string());
        let more = p_holm.filter(|p| *p < LEVEL).map(|_| match apart.difference.value > 0.0 {
            true => a.clone(),
            false => b.clone(),
        });
        Difference { a, b, difference: apart.difference, p: apart.p, p_holm, more }
    };
    apart.into_iter().map(difference).collect()
}
