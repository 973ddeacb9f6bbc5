//! How sure a statistic of rows is that belong together in groups: the bootstrap over whole groups.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

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
    let (places, count) = dense(groups);
    let (values, spread) = (statistics(&vec![1.0; groups.len()]), Spread::of(count));
    let resampled = |at: usize| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(at as u64);
        let mut drawn = vec![0.0; count];
        (0..count).for_each(|_| drawn[rng.random_range(0..count)] += 1.0);
        let weights: Vec<f64> = places.iter().map(|place| drawn[*place]).collect();
        let spread = spread.map_or(1.0, |spread| rng.sample(spread));
        let scaled = |(drawn, whole): (Option<f64>, Option<f64>)| Some(whole? + spread * (drawn? - whole?));
        let mut pairs = statistics(&weights).into_iter().zip(values).map(scaled);
        std::array::from_fn(|_| pairs.next().flatten())
    };
    let resamples = if spread.is_none() { 0 } else { resamples };
    let all: Vec<[Option<f64>; N]> = (0..resamples).into_par_iter().map(resampled).collect();
    std::array::from_fn(|which| {
        let value = values.get(which).copied().flatten()?;
        let mut found: Vec<f64> = all.iter().filter_map(|of| of.get(which).copied().flatten()).collect();
        if (all.len() - found.len()) * RARE > all.len() {
            found.clear();
        }
        Some(Estimate::new(value, &mut found))
    })
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
