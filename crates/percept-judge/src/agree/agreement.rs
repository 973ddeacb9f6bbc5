//! How far a metric's values and human opinions agree.

use std::collections::BTreeMap;

use percept_image::Better;
use serde::Serialize;

use crate::stats::{Curve, Estimate, Logistic, Ranked, cluster_bootstrap, pearson};

/// Agreement of one metric with people, over all rows or those of one kind of distortion. What cannot be said is
/// `None`: of choices there are only [`two_afc`](Self::two_afc) and [`best`](Self::best), of too few rows or equal values nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Rows.
    pub n: usize,
    /// Different references: what the intervals resample.
    pub references: usize,
    /// Spearman's rank correlation of the metric's and people's idea of quality, in `[-1, 1]`. Positive means that they
    /// agree, whichever direction either scale has.
    pub srocc: Option<Estimate>,
    /// Kendall's tau-b, in the same direction.
    pub krocc: Option<Estimate>,
    /// Linear correlation of human scores with the fitted curve, in `[0, 1]`: a curve that falls fits as well as one
    /// that rises.
    pub plcc: Option<Estimate>,
    /// Root of the mean squared difference between human scores and the curve, in units of the human scores.
    pub rmse: Option<Estimate>,
    /// Share of rows whose human score lies further from the curve than twice their spread; where the table has
    /// spreads.
    pub outliers: Option<Estimate>,
    /// Agreement in two-alternative forced choices, from 0 to 1. Of choices: the mean share of people who chose as the
    /// metric does, one half where it cannot decide. Of ratings: the share of pairs of one reference that the metric
    /// orders as people do, ties of the metric counting one half and pairs that people rate equal left out.
    #[serde(rename = "2afc")]
    pub two_afc: Option<Estimate>,
    /// Of choices among several pictures only: the share of rows in which the metric finds the same one best as people; where it
    /// finds several best, they share the row.
    pub best: Option<Estimate>,
    /// The curve of [`plcc`](Self::plcc) and [`rmse`](Self::rmse), fitted to these rows.
    pub logistic: Option<Logistic>,
}

/// What a bootstrap needs to know.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sampling {
    pub(super) resamples: usize,
    pub(super) seed: u64,
    pub(super) curve: Curve,
}

/// A rated picture as one metric sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    /// Number of its reference.
    pub(super) reference: usize,
    /// The metric's value; the PSNR of equal pictures is infinite.
    pub(super) value: f64,
    /// The human score.
    pub(super) human: f64,
    pub(super) spread: Option<f64>,
}

/// A choice as one metric sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct JudgedChoice {
    pub(super) reference: usize,
    /// The metric's values of `a` and `b`.
    pub(super) values: [f64; 2],
    pub(super) share_b: f64,
}

/// A choice among several as one metric sees it.
#[derive(Clone, Debug)]
pub(super) struct JudgedBest {
    pub(super) reference: usize,
    /// The metric's values of all pictures.
    pub(super) values: Vec<f64>,
    /// The place of the one that people chose.
    pub(super) chosen: usize,
}

/// So that larger is better.
fn quality(better: Better, value: f64) -> f64 {
    match better {
        Better::Higher => value,
        Better::Lower => -value,
    }
}

fn count(references: &[usize]) -> usize {
    let mut different = references.to_vec();
    different.sort_unstable();
    different.dedup();
    different.len()
}

/// Both columns so that larger is better, ranked.
pub(super) fn ranked(points: &[Point], metric: Better, human: Better) -> Option<Ranked> {
    let good: Vec<f64> = points.iter().map(|point| quality(metric, point.value)).collect();
    let liked: Vec<f64> = points.iter().map(|point| quality(human, point.human)).collect();
    Ranked::new(&good, &liked)
}

/// Of rated pictures; `metric` and `human` say which direction is good.
pub(super) fn of_ratings(points: &[Point], metric: Better, human: Better, how: Sampling) -> Agreement {
    let references: Vec<usize> = points.iter().map(|point| point.reference).collect();
    let column = |value: fn(&Point) -> f64| points.iter().map(value).collect::<Vec<f64>>();
    let (values, scores) = (column(|point| point.value), column(|point| point.human));
    let good: Vec<f64> = values.iter().map(|value| quality(metric, *value)).collect();
    let liked: Vec<f64> = scores.iter().map(|score| quality(human, *score)).collect();
    let ranked = ranked(points, metric, human);
    let pairs = within_references(points, &good, &liked);
    let finite = Finite::of(points);
    let logistic = finite.fit(how.curve, &vec![1.0; points.len()], None);
    let [srocc, krocc, two_afc] = cluster_bootstrap(&references, how.resamples, how.seed, |weights| {
        let ranked = ranked.as_ref();
        [
            ranked.and_then(|ranked| ranked.spearman(weights)),
            ranked.and_then(|ranked| ranked.kendall(weights)),
            ratio(pairs.iter().map(|(row, right, all)| (weights[*row] * right, weights[*row] * all))),
        ]
    });
    let [plcc, rmse, outliers] = cluster_bootstrap(&references, how.resamples, how.seed, |weights| {
        let fit = logistic.as_ref().and_then(|near| finite.fit(how.curve, weights, Some(near)));
        fit.map_or([None; 3], |fit| finite.against(&fit, weights))
    });
    let references = count(&references);
    let [srocc, krocc] = [srocc, krocc].map(|found| found.map(|found| found.within(-1.0, 1.0)));
    let [plcc, outliers, two_afc] =
        [plcc, outliers, two_afc].map(|found| found.map(|found| found.within(0.0, 1.0)));
    let rmse = rmse.map(|found| found.within(0.0, f64::INFINITY));
    let best = None;
    Agreement { n: points.len(), references, srocc, krocc, plcc, rmse, outliers, two_afc, best, logistic }
}

/// For every choice the share of people who chose as the metric does.
pub(super) fn agreeing(votes: &[JudgedChoice], metric: Better) -> Vec<f64> {
    let of_one = |vote: &JudgedChoice| {
        let [a, b] = vote.values.map(|value| quality(metric, value));
        match b.total_cmp(&a) {
            _ if a == b => 0.5,
            std::cmp::Ordering::Greater => vote.share_b,
            _ => 1.0 - vote.share_b,
        }
    };
    votes.iter().map(of_one).collect()
}

/// For every choice among several how far the metric's best one is the chosen one, and the share of the others that it finds
/// worse.
pub(super) fn agreeing_on_best(votes: &[JudgedBest], metric: Better) -> [Vec<f64>; 2] {
    let of_one = |vote: &JudgedBest| {
        let good: Vec<f64> = vote.values.iter().map(|value| quality(metric, *value)).collect();
        let chosen = good.get(vote.chosen).copied().unwrap_or(f64::NAN);
        let above = good.iter().filter(|value| **value > chosen).count();
        let alike = good.iter().filter(|value| **value == chosen).count().max(1) as f64;
        let below = good.iter().filter(|value| **value < chosen).count() as f64;
        let others = good.len().saturating_sub(1).max(1) as f64;
        (if above == 0 { 1.0 / alike } else { 0.0 }, (below + (alike - 1.0) / 2.0) / others)
    };
    let (best, below) = votes.iter().map(of_one).unzip();
    [best, below]
}

/// Of choices.
pub(super) fn of_choices(votes: &[JudgedChoice], metric: Better, how: Sampling) -> Agreement {
    let references: Vec<usize> = votes.iter().map(|vote| vote.reference).collect();
    let agreeing = agreeing(votes, metric);
    let [two_afc] =
        cluster_bootstrap(&references, how.resamples, how.seed, |weights| [mean(&agreeing, weights)]);
    only_shares(&references, two_afc, None)
}

/// Of choices among several.
pub(super) fn of_best(votes: &[JudgedBest], metric: Better, how: Sampling) -> Agreement {
    let references: Vec<usize> = votes.iter().map(|vote| vote.reference).collect();
    let [best, below] = agreeing_on_best(votes, metric);
    let [two_afc, best] = cluster_bootstrap(&references, how.resamples, how.seed, |weights| {
        [mean(&below, weights), mean(&best, weights)]
    });
    only_shares(&references, two_afc, best)
}

fn only_shares(references: &[usize], two_afc: Option<Estimate>, best: Option<Estimate>) -> Agreement {
    let (srocc, krocc, plcc, rmse, outliers, logistic) = (None, None, None, None, None, None);
    let [two_afc, best] = [two_afc, best].map(|found| found.map(|found| found.within(0.0, 1.0)));
    let (n, references) = (references.len(), count(references));
    Agreement { n, references, srocc, krocc, plcc, rmse, outliers, two_afc, best, logistic }
}

/// Of rows that count as much as `weights` say.
pub(super) fn mean(values: &[f64], weights: &[f64]) -> Option<f64> {
    ratio(values.iter().zip(weights).map(|(value, weight)| (value * weight, *weight)))
}

/// A sum of parts over a sum of wholes.
fn ratio(parts: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (part, whole) = parts.fold((0.0, 0.0), |(a, b), (part, whole)| (a + part, b + whole));
    (whole > 0.0).then(|| part / whole)
}

/// For every reference the first of its rows, how many pairs of its pictures the metric orders as people do, and how
/// many people order at all.
fn within_references(points: &[Point], good: &[f64], liked: &[f64]) -> Vec<(usize, f64, f64)> {
    let mut rows: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    points.iter().enumerate().for_each(|(row, point)| rows.entry(point.reference).or_default().push(row));
    let pairs = rows.into_values().filter_map(|rows| {
        let column = |of: &[f64]| rows.iter().filter_map(|row| of.get(*row).copied()).collect::<Vec<f64>>();
        let ranked = Ranked::new(&column(good), &column(liked))?;
        let pairs = ranked.concordance(&vec![1.0; ranked.len()]);
        let all = pairs.concordant + pairs.discordant + pairs.tied_x;
        Some((*rows.first()?, pairs.concordant + pairs.tied_x / 2.0, all))
    });
    pairs.collect()
}

/// The rows that a curve can be fitted to.
struct Finite {
    rows: Vec<usize>,
    values: Vec<f64>,
    scores: Vec<f64>,
    spreads: Option<Vec<f64>>,
}

impl Finite {
    fn of(points: &[Point]) -> Self {
        let rows: Vec<usize> = (0..points.len()).filter(|row| points[*row].value.is_finite()).collect();
        let column =
            |value: fn(&Point) -> f64| rows.iter().map(|row| value(&points[*row])).collect::<Vec<f64>>();
        let spreads = rows.iter().map(|row| points[*row].spread.filter(|spread| *spread > 0.0)).collect();
        Self { values: column(|point| point.value), scores: column(|point| point.human), spreads, rows }
    }

    fn weights(&self, of_all: &[f64]) -> Vec<f64> {
        self.rows.iter().filter_map(|row| of_all.get(*row).copied()).collect()
    }

    fn fit(&self, curve: Curve, weights: &[f64], near: Option<&Logistic>) -> Option<Logistic> {
        Logistic::fit(curve, &self.values, &self.scores, &self.weights(weights), near)
    }

    /// Correlation, error and outliers of human scores against the curve.
    fn against(&self, fit: &Logistic, weights: &[f64]) -> [Option<f64>; 3] {
        let weights = self.weights(weights);
        let fitted: Vec<f64> = self.values.iter().map(|value| fit.at(*value)).collect();
        let errors = || fitted.iter().zip(&self.scores).map(|(fitted, score)| fitted - score);
        let square = ratio(errors().zip(&weights).map(|(error, w)| (w * error * error, *w)));
        let outliers = self.spreads.as_ref().and_then(|spreads| {
            let far = errors().zip(spreads).map(|(error, spread)| f64::from(error.abs() > 2.0 * spread));
            ratio(far.zip(&weights).map(|(far, w)| (w * far, *w)))
        });
        [pearson(&fitted, &self.scores, &weights), square.map(f64::sqrt), outliers]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOW: Sampling = Sampling { resamples: 50, seed: 0, curve: Curve::Five };

    fn points(rows: &[(usize, f64, f64)]) -> Vec<Point> {
        let point = |(reference, value, human): &(usize, f64, f64)| Point {
            reference: *reference,
            value: *value,
            human: *human,
            spread: None,
        };
        rows.iter().map(point).collect()
    }

    /// A distance against differential scores, which both fall with quality, agrees; against mean opinion scores it
    /// must fall.
    #[test]
    fn positive_means_that_metric_and_people_agree() {
        let rows: Vec<_> =
            (0..12).map(|i| (i % 3, f64::from(i as u32), f64::from(i as u32).powi(2))).collect();
        let rows = points(&rows);
        for (metric, human, sign) in [
            (Better::Lower, Better::Lower, 1.0),
            (Better::Higher, Better::Higher, 1.0),
            (Better::Lower, Better::Higher, -1.0),
        ] {
            let found = of_ratings(&rows, metric, human, HOW);
            assert_eq!((found.n, found.references), (12, 3));
            assert_eq!((found.srocc.unwrap().value, found.krocc.unwrap().value), (sign, sign));
            assert_eq!(found.two_afc.unwrap().value, f64::from(sign > 0.0));
            assert!(found.plcc.unwrap().value > 0.99 && found.outliers.is_none());
        }
    }

    /// Within a reference the order is right, across references it is not: only pairs of one reference count.
    #[test]
    fn pairs_are_those_of_one_reference() {
        let rows = points(&[(0, 1.0, 1.0), (0, 2.0, 2.0), (1, 1.0, 8.0), (1, 1.0, 9.0), (1, 3.0, 9.0)]);
        let found = of_ratings(&rows, Better::Higher, Better::Higher, HOW);
        // Right: (1, 2), (1, 3) of the first and third; the tie of the metric is one half; people tie 9 and 9.
        assert_eq!(found.two_afc.unwrap().value, 2.5 / 3.0);
    }

    #[test]
    fn choices_follow_the_majority_or_not() {
        let vote = |values, share_b| JudgedChoice { reference: 0, values, share_b };
        let votes =
            [vote([0.1, 0.3], 0.2), vote([0.5, 0.3], 0.9), vote([0.3, 0.3], 0.7), vote([0.1, 0.2], 1.0)];
        let found = of_choices(&votes, Better::Lower, HOW);
        // A distance: it chooses the smaller one, a, b, neither and a.
        assert!((found.two_afc.unwrap().value - (0.8 + 0.9 + 0.5 + 0.0) / 4.0).abs() < 1e-12);
        assert_eq!((found.two_afc.unwrap().low, found.references), (None, 1));
        assert_eq!((found.srocc, found.plcc, found.best), (None, None, None));
    }

    #[test]
    fn the_best_of_several_is_the_chosen_one_or_not() {
        let vote = |values: &[f64], chosen| JudgedBest { reference: 0, values: values.to_vec(), chosen };
        // A distance: right, one of two nearest, second of three, last of four.
        let votes = [
            vote(&[0.1, 0.3, 0.2], 0),
            vote(&[0.4, 0.1, 0.1], 1),
            vote(&[0.1, 0.2, 0.3], 1),
            vote(&[0.1, 0.2, 0.3, 0.4], 3),
        ];
        let found = of_best(&votes, Better::Lower, HOW);
        assert_eq!(found.best.unwrap().value, (1.0 + 0.5) / 4.0);
        assert_eq!(found.two_afc.unwrap().value, (1.0 + 0.75 + 0.5) / 4.0);
    }

    #[test]
    fn equal_pictures_have_a_rank_and_no_place_on_the_curve() {
        let mut rows: Vec<_> =
            (0..10).map(|i| (i, 20.0 + f64::from(i as u32), f64::from(i as u32))).collect();
        rows.push((10, f64::INFINITY, 10.0));
        let found = of_ratings(&points(&rows), Better::Higher, Better::Higher, HOW);
        assert_eq!(found.srocc.unwrap().value, 1.0);
        assert!(found.rmse.unwrap().value < 0.1 && found.logistic.is_some());
    }

    #[test]
    fn outliers_are_further_off_than_twice_their_spread() {
        let mut rows: Vec<_> = (0..20).map(|i| (i, f64::from(i as u32), f64::from(i as u32))).collect();
        rows[10].2 = 14.0;
        let mut rows = points(&rows);
        rows.iter_mut().for_each(|row| row.spread = Some(1.0));
        let found = of_ratings(&rows, Better::Higher, Better::Higher, HOW);
        assert_eq!(found.outliers.unwrap().value, 0.05);
    }

    #[test]
    fn nothing_is_said_about_constants_and_single_rows() {
        let constant = points(&[(0, 5.0, 1.0), (1, 5.0, 2.0), (2, 5.0, 3.0)]);
        let found = of_ratings(&constant, Better::Higher, Better::Higher, HOW);
        assert_eq!(
            (found.srocc, found.krocc, found.plcc, found.rmse, found.two_afc),
            (None, None, None, None, None)
        );
        let found = of_ratings(&constant[..1], Better::Higher, Better::Higher, HOW);
        assert_eq!((found.n, found.srocc), (1, None));
    }
}
