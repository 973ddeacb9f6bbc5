//! How sure a statistic of rows is that belong together in groups: the bootstrap over whole groups.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::tail::chi_squared;
use super::{Estimate, Spread};

/// Of so many resamples one may lack the statistic; where more do, there is no interval.
const RARE: usize = 20;

/// Statistics of rows, each with the bootstrap's interval over groups (Efron, "Bootstrap methods: another look at the
/// jackknife", 1979; whole groups are drawn because rows of one group are alike: Davison and Hinkley, "Bootstrap methods
/// and their application", 1997, section 3.8).
///
/// `groups` says for every row to which group it belongs. `statistics` gets how often every row counts. As many groups
/// as there are are drawn with replacement, `resamples` times, by `seed`; how far a resample lies from the statistic is
/// scaled as Student's t asks for so many groups. A statistic that the table lacks is `None`; one that too many resamples
/// lack, or of fewer than two groups, has no interval.
pub fn cluster_bootstrap<const N: usize>(
    groups: &[usize],
    resamples: usize,
    seed: u64,
    statistics: impl Fn(&[f64]) -> [Option<f64>; N] + Sync,
) -> [Option<Estimate>; N] {
    let Draws { whole, drawn, .. } = Draws::of(groups, resamples, seed, statistics);
    std::array::from_fn(|which| {
        let value = whole.get(which).copied().flatten()?;
        let found = drawn.iter().filter_map(|(spread, of)| {
            let of = of.get(which).copied().flatten()?;
            Some(value + spread * (of - value))
        });
        Some(Estimate::new(value, &mut enough(found.collect(), drawn.len())))
    })
}

/// How far two statistics of the same rows are apart: the first less the second with its interval, and the two-sided p-value of
/// "they are equal", from the same resamples as in [`cluster_bootstrap`]. The share of resamples beyond 0 is not counted: of
/// every resample the scale is replaced by its distribution, so that small p-values need no more resamples. None where there is
/// no interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Apart {
    /// The difference.
    pub difference: Estimate,
    /// Its p-value.
    pub p: Option<f64>,
}

/// Every pair of the statistics of the same rows, the first with the second, the first with the third and so on; a pair lacks
/// what one of its statistics lacks. The rest is as in [`cluster_bootstrap`].
pub fn cluster_differences(
    groups: &[usize],
    resamples: usize,
    seed: u64,
    statistics: impl Fn(&[f64]) -> Vec<Option<f64>> + Sync,
) -> Vec<Option<Apart>> {
    let Draws { whole, drawn, count } = Draws::of(groups, resamples, seed, statistics);
    let apart = |a: usize, b: usize| {
        let difference =
            |of: &[Option<f64>]| Some(of.get(a).copied().flatten()? - of.get(b).copied().flatten()?);
        let value = difference(&whole)?;
        let off: Vec<[f64; 2]> =
            drawn.iter().filter_map(|(spread, of)| Some([*spread, difference(of)? - value])).collect();
        let found = off.iter().map(|[spread, off]| value + spread * off).collect();
        let difference = Estimate::new(value, &mut enough(found, drawn.len()));
        let beyond = off.iter().filter(|[_, off]| off * value < 0.0);
        let beyond = beyond.map(|[_, off]| chi_squared(count - 1, count as f64 * (off / value).powi(2)));
        let share = beyond.sum::<f64>() / off.len().max(1) as f64;
        let p = difference.low.map(|_| if value == 0.0 { 1.0 } else { (2.0 * share).min(1.0) });
        Some(Apart { difference, p })
    };
    (0..whole.len())
        .flat_map(|a| (a + 1..whole.len()).map(move |b| (a, b)))
        .map(|(a, b)| apart(a, b))
        .collect()
}

/// All of `found`, or none where too many of `all` lack it.
fn enough(mut found: Vec<f64>, all: usize) -> Vec<f64> {
    if (all - found.len()) * RARE > all {
        found.clear();
    }
    found
}

/// Statistics of the whole table, and of resamples, each with how much it is to be spread.
struct Draws<S> {
    whole: S,
    drawn: Vec<(f64, S)>,
    /// Groups.
    count: usize,
}

impl<S: Send> Draws<S> {
    fn of(groups: &[usize], resamples: usize, seed: u64, statistics: impl Fn(&[f64]) -> S + Sync) -> Self {
        let (places, count) = dense(groups);
        let whole = statistics(&vec![1.0; groups.len()]);
        let resampled = |at: usize, spread: Spread| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            rng.set_stream(at as u64);
            let mut drawn = vec![0.0; count];
            (0..count).for_each(|_| drawn[rng.random_range(0..count)] += 1.0);
            let weights: Vec<f64> = places.iter().map(|place| drawn[*place]).collect();
            (rng.sample(spread), statistics(&weights))
        };
        let drawn = match Spread::of(count) {
            Some(spread) => (0..resamples).into_par_iter().map(|at| resampled(at, spread)).collect(),
            None => Vec::new(),
        };
        Self { whole, drawn, count }
    }
}

/// Groups numbered from 0 without gaps, and how many there are.
fn dense(groups: &[usize]) -> (Vec<usize>, usize) {
    let mut different = groups.to_vec();
    different.sort_unstable();
    different.dedup();
    let place = |group: &usize| different.partition_point(|other| other < group);
    (groups.iter().map(place).collect(), different.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(values: &[f64]) -> impl Fn(&[f64]) -> [Option<f64>; 1] + Sync {
        |weights| {
            let total: f64 = weights.iter().sum();
            [Some(values.iter().zip(weights).map(|(v, w)| v * w).sum::<f64>() / total)]
        }
    }

    /// Rows of one group are copies of each other: the interval is that of the groups, not of the many rows.
    #[test]
    fn copies_of_a_row_make_nothing_surer() {
        let few: Vec<f64> = (0..12).map(|i| f64::from(i * 7 % 12)).collect();
        let many: Vec<f64> = few.iter().flat_map(|value| [*value; 50]).collect();
        let groups: Vec<usize> = (0..12).flat_map(|group| [group * 3; 50]).collect();
        let alone: Vec<usize> = (0..12).collect();
        let [few] = cluster_bootstrap(&alone, 500, 1, mean(&few));
        let [many] = cluster_bootstrap(&groups, 500, 1, mean(&many));
        let (few, many) = (few.unwrap(), many.unwrap());
        assert!((few.value - many.value).abs() < 1e-12);
        assert!((few.low.unwrap() - many.low.unwrap()).abs() < 1e-12 && many.low < Some(many.value));
    }

    /// What a 95 % interval promises, of few groups too: it holds the true mean, here 0.
    #[test]
    fn intervals_of_few_groups_hold_the_truth() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        for count in [3, 5, 12, 40] {
            let groups: Vec<usize> = (0..count).collect();
            let held = (0..600).filter(|set| {
                let values: Vec<f64> =
                    groups.iter().map(|_| rng.sample(rand_distr::StandardNormal)).collect();
                let [found] = cluster_bootstrap(&groups, 300, *set, mean(&values));
                let [low, high] = found.unwrap().interval().unwrap();
                (low..=high).contains(&0.0)
            });
            let rate = held.count() as f64 / 600.0;
            assert!((0.93..0.975).contains(&rate), "{count}: {rate}");
        }
    }

    /// A p-value promises what an interval does: of equal means one in twenty is below 0.05, and no more of few groups.
    #[test]
    fn differences_are_as_sure_as_they_say() {
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        for count in [5, 12, 40] {
            let groups: Vec<usize> = (0..count).collect();
            let (mut below, mut outside) = (0, 0);
            for set in 0..600 {
                let mut draw = || -> Vec<f64> {
                    groups.iter().map(|_| rng.sample(rand_distr::StandardNormal)).collect()
                };
                let (a, b) = (draw(), draw());
                let found = cluster_differences(&groups, 300, set, |weights| {
                    [&a, &b].iter().flat_map(|values| mean(values)(weights)).collect()
                });
                let [Some(Apart { difference, p: Some(p) })] = found[..] else { panic!("{found:?}") };
                let [low, high] = difference.interval().unwrap();
                below += usize::from(p < 0.05);
                outside += usize::from(!(low..=high).contains(&0.0));
            }
            assert!((12..=42).contains(&below) && (12..=42).contains(&outside), "{count}: {below} {outside}");
        }
    }

    #[test]
    fn pairs_come_in_order_and_lack_what_a_statistic_lacks() {
        let groups: Vec<usize> = (0..30).collect();
        let values = |weights: &[f64]| {
            let noisy = weights.iter().zip(&groups).map(|(w, at)| w * (at % 3) as f64).sum::<f64>() / 30.0;
            vec![Some(noisy), None, Some(noisy - 5.0), Some(noisy)]
        };
        let found = cluster_differences(&groups, 200, 0, values);
        let values: Vec<_> =
            found.iter().map(|pair| pair.map(|pair| (pair.difference.value, pair.p))).collect();
        let (far, near) = (Some((5.0, Some(0.0))), Some((0.0, Some(1.0))));
        assert_eq!(values, [None, far, near, None, None, Some((-5.0, Some(0.0)))]);
        // One group says nothing about others.
        let one = cluster_differences(&[3, 3], 200, 0, |_| vec![Some(1.0), Some(2.0)]);
        assert_eq!(
            one,
            [Some(Apart { difference: Estimate { value: -1.0, low: None, high: None }, p: None })]
        );
    }

    #[test]
    fn the_seed_alone_decides() {
        let values = [1.0, 5.0, 2.0, 8.0, 3.0];
        let of = |seed| cluster_bootstrap(&[0, 0, 1, 2, 3], 100, seed, mean(&values));
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn one_group_has_no_interval_and_nothing_has_no_value() {
        let [one] = cluster_bootstrap(&[4, 4], 100, 0, mean(&[1.0, 3.0]));
        assert_eq!(one, Some(Estimate { value: 2.0, low: None, high: None }));
        assert_eq!(cluster_bootstrap(&[0, 1], 100, 0, |_| [None]), [None]);
        // Defined for the whole table only.
        let whole = |weights: &[f64]| [weights.iter().all(|weight| *weight == 1.0).then_some(1.0)];
        let [rare] = cluster_bootstrap(&[0, 1, 2, 3, 4, 5], 100, 0, whole);
        assert_eq!(rare, Some(Estimate { value: 1.0, low: None, high: None }));
    }
}
