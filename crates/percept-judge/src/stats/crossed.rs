//! How sure a difference is that was measured on several photos by networks of several seeds.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use serde::Serialize;

use super::estimate::Spread;
use super::{quantile, tail};

/// Fewer photos have no interval, and nothing is said of them.
pub const FEWEST_PHOTOS: usize = 3;

/// How much wider the interval of few photos is made: by this over the root of their number less one.
const WIDER: f64 = 1.2;

/// A mean difference, how sure it is and how large.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Effect {
    /// The mean difference over seeds and photos.
    pub mean: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Two-sided p-value of "there is no difference", from the same resamples.
    pub p: f64,
    /// Paired effect size d_z: the mean over the standard deviation of the photos' differences, each the mean over the
    /// seeds (Cohen, "Statistical power analysis for the behavioral sciences", 1988). `None` where they do not vary.
    pub d_z: Option<f64>,
}

impl Effect {
    /// Seen from the other side.
    #[must_use]
    pub fn negated(&self) -> Self {
        let d_z = self.d_z.map(|d_z| -d_z);
        Self { mean: -self.mean, low: -self.high, high: -self.low, d_z, p: self.p }
    }
}

/// The mean of `differences`, which holds for every seed one difference a photo. `None` without seeds, for fewer than
/// [`FEWEST_PHOTOS`], rows of different lengths, and values that are not finite.
///
/// Seeds and photos are resampled both, `resamples` times, by `seed` (the bootstrap of crossed data: Owen, "The
/// pigeonhole bootstrap", 2007): the means of the photos are drawn with replacement, those of the seeds, which are few,
/// get normal weights instead (the wild bootstrap: Wu, "Jackknife, bootstrap and other resampling methods in regression
/// analysis", 1986). What a seed does on one photo alone is in both means and is taken out once.
///
/// Few photos or seeds make a bootstrap too sure, and most of all of small p-values. Every resample is therefore scaled by
/// what the deviation of so few values may have been, `√(n/χ²)` with `n − 1` degrees of freedom, for photos and for seeds by
/// itself; for normal differences of one seed that is Student's t, for both the distribution of Behrens and Fisher (Fisher,
/// "The fiducial argument in statistical inference", 1935). With a single seed the interval speaks about these two
/// networks, not about their training.
///
/// Differences are often lopsided: one photo on which a network fails outweighs the others, and the few photos at hand may
/// lack it. How much that matters falls with the root of their number, so what the photos' means deviate by is made wider by
/// `1 + 1.2/√(n − 1)`: 1.85 times for 3 photos, 1.6 for 5, 1.28 for 20, 1.12 for 100. The 1.2 is not derived; with it,
/// simulated differences as lopsided as an exponential distribution are called significant in at most 6 % of cases
/// (`tests/suite/chance.rs`).
///
/// The p-value is the share of resamples on the other side of 0. It is not counted: of every resample, the last scale is
/// replaced by its distribution, so that small values need no more resamples. It is 0 where all photos differ by the same.
pub fn crossed_bootstrap(differences: &[Vec<f64>], resamples: usize, seed: u64) -> Option<Effect> {
    let seeds = differences.len();
    let photos = differences.first()?.len();
    let sound = |row: &Vec<f64>| row.len() == photos && row.iter().all(|value| value.is_finite());
    if photos < FEWEST_PHOTOS || !differences.iter().all(sound) {
        return None;
    }
    let of_seeds: Vec<f64> = differences.iter().map(|row| mean(row)).collect();
    let of_photos: Vec<f64> = (0..photos)
        .map(|photo| differences.iter().filter_map(|row| row.get(photo)).sum::<f64>() / seeds as f64)
        .collect();
    let middle = mean(&of_seeds);
    let (by_seed, by_photo) = (variance(&of_seeds) / seeds as f64, variance(&of_photos) / photos as f64);
    let alone = interaction(differences, &of_seeds, &of_photos, middle) / (seeds * photos) as f64;
    let both = by_seed + by_photo;
    let true_size = (both - alone).max(by_seed).max(by_photo);
    let once = if both > 0.0 { (true_size / both).sqrt() } else { 1.0 };
    let wider = once * (1.0 + WIDER / ((photos - 1) as f64).sqrt());
    let (spread_seeds, spread_photos) = (Spread::of(seeds), Spread::of(photos)?);

    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // How far the resamples lie towards 0 and beyond, and the probability that one lies beyond.
    let towards = -middle.signum();
    let mut beyond = 0.0;
    let mut resample = || {
        let weighted = of_seeds.iter().map(|of| (of - middle) * rng.sample::<f64, _>(StandardNormal));
        let seeds_off = once * weighted.sum::<f64>() / seeds as f64;
        let drawn = (0..photos).filter_map(|_| of_photos.get(rng.random_range(0..photos)));
        let photos_off = wider * (drawn.sum::<f64>() / photos as f64 - middle);
        let seeds_off = seeds_off * spread_seeds.map_or(0.0, |spread| rng.sample(spread));
        let scaled = rng.sample(spread_photos) * photos_off;
        beyond += if by_seed > 0.0 {
            // Normal weights, scaled: Student's t.
            tail::student(seeds - 1, (middle.abs() - towards * scaled) / (once * by_seed.sqrt()))
        } else if towards * photos_off > 0.0 {
            tail::chi_squared(photos - 1, photos as f64 * (photos_off / middle).powi(2))
        } else {
            0.0
        };
        middle + seeds_off + scaled
    };
    let mut means: Vec<f64> = (0..resamples.max(1)).map(|_| resample()).collect();
    means.sort_by(f64::total_cmp);
    let p = if middle == 0.0 { 1.0 } else { (2.0 * beyond / means.len() as f64).min(1.0) };
    let deviation = variance(&of_photos).sqrt();
    Some(Effect {
        mean: middle,
        low: quantile(&means, 0.025),
        high: quantile(&means, 0.975),
        p,
        d_z: (deviation > 0.0).then(|| middle / deviation),
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Unbiased; 0 for a single value.
fn variance(values: &[f64]) -> f64 {
    let middle = mean(values);
    values.iter().map(|value| (value - middle).powi(2)).sum::<f64>() / (values.len().max(2) - 1) as f64
}

/// Variance of what is left when the means of seeds and photos are taken out.
fn interaction(differences: &[Vec<f64>], of_seeds: &[f64], of_photos: &[f64], middle: f64) -> f64 {
    let cells = differences.iter().zip(of_seeds).flat_map(|(row, seed)| {
        row.iter().zip(of_photos).map(move |(value, photo)| (value - seed - photo + middle).powi(2))
    });
    let freedom = (differences.len() - 1) * (of_photos.len() - 1);
    if freedom == 0 { 0.0 } else { cells.sum::<f64>() / freedom as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Differences of true mean 0 with the deviations of seeds, photos and single cells.
    fn simulated(rng: &mut ChaCha8Rng, (seeds, photos): (usize, usize), sizes: [f64; 3]) -> Vec<Vec<f64>> {
        let mut draw = |size: f64| size * rng.sample::<f64, _>(StandardNormal);
        let of_photos: Vec<f64> = (0..photos).map(|_| draw(sizes[1])).collect();
        let rows = (0..seeds).map(|_| {
            let of_seed = draw(sizes[0]);
            of_photos.iter().map(|of_photo| of_seed + of_photo + draw(sizes[2])).collect()
        });
        rows.collect()
    }

    /// What a 95 % interval promises, whichever of seeds and photos varies more, and with few of them: it holds the truth,
    /// and it is no wider than it must be. `length` is that of the interval, in true deviations of the mean.
    #[test]
    fn intervals_hold_the_truth_as_often_as_they_promise() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for (shape, length) in
            [((3, 12), 9.0), ((5, 20), 7.0), ((8, 40), 6.0), ((2, 30), 20.0), ((1, 12), 6.5)]
        {
            for sizes in [[1.0, 1.0, 1.0], [0.1, 1.0, 0.5], [1.0, 0.3, 0.5], [0.0, 0.0, 1.0]] {
                // Of one seed nothing can be known about seeds.
                let sizes = if shape.0 == 1 { [0.0, sizes[1], sizes[2]] } else { sizes };
                let (seeds, photos) = (shape.0 as f64, shape.1 as f64);
                let [by_seed, by_photo, alone] = sizes.map(|size: f64| size * size);
                let true_error = (by_seed / seeds + by_photo / photos + alone / (seeds * photos)).sqrt();
                let sets = 1000;
                let (mut held, mut lengths) = (0, Vec::new());
                for set in 0..sets {
                    let effect = crossed_bootstrap(&simulated(&mut rng, shape, sizes), 400, set).unwrap();
                    held += usize::from((effect.low..=effect.high).contains(&0.0));
                    lengths.push((effect.high - effect.low) / true_error);
                }
                let rate = held as f64 / sets as f64;
                assert!(rate >= 0.93, "{shape:?} {sizes:?}: {rate}");
                lengths.sort_by(f64::total_cmp);
                let middle = lengths[lengths.len() / 2];
                assert!(middle < length, "{shape:?} {sizes:?}: {middle}");
            }
        }
    }

    /// Holm's correction asks for small p-values: of no difference they must be as rare as they claim.
    #[test]
    fn small_p_values_are_rare_where_there_is_no_difference() {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for (shape, sizes) in
            [((1, 5), [0.0, 1.0, 1.0]), ((3, 12), [1.0, 0.3, 0.5]), ((2, 5), [1.0, 0.3, 0.5])]
        {
            let sets = 1500;
            let p = |set| crossed_bootstrap(&simulated(&mut rng, shape, sizes), 2000, set).unwrap().p;
            let small = (0..sets).map(p).filter(|p| *p < 0.01).count();
            let rate = small as f64 / sets as f64;
            assert!(rate < 0.02, "{shape:?}: {rate}");
        }
    }

    #[test]
    fn p_and_interval_say_the_same() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for set in 0..200 {
            let mut differences = simulated(&mut rng, (4, 15), [0.3, 0.5, 0.5]);
            differences.iter_mut().flatten().for_each(|value| *value += 0.4);
            let effect = crossed_bootstrap(&differences, 4000, set).unwrap();
            let outside = effect.low > 0.0 || effect.high < 0.0;
            assert!((effect.p < 0.05) == outside || (effect.p - 0.05).abs() < 0.015, "{effect:?}");
        }
    }

    /// For a single seed and many photos, everything is that of the paired t-test, a little wider.
    #[test]
    fn one_seed_is_the_paired_case() {
        let values: Vec<f64> = (0..60).map(|i| f64::from(i * 37 % 60) / 60.0 - 0.39).collect();
        let effect = crossed_bootstrap(std::slice::from_ref(&values), 20_000, 3).unwrap();
        let error = (variance(&values) / 60.0).sqrt() * (1.0 + WIDER / 59.0f64.sqrt());
        assert!((effect.mean - mean(&values)).abs() < 1e-12);
        // Student's t for 59 degrees of freedom.
        assert!(((effect.high - effect.low) / (2.0 * 2.000_995 * error) - 1.0).abs() < 0.03, "{effect:?}");
        let p = 2.0 * tail::student(59, effect.mean / error);
        assert!(p < 0.05 && (effect.p / p - 1.0).abs() < 0.1, "{} {p}", effect.p);
        assert!((effect.d_z.unwrap() - effect.mean / variance(&values).sqrt()).abs() < 1e-12);
    }

    /// The other way round it is the same.
    #[test]
    fn seen_from_the_other_side_it_is_its_own_negative() {
        let there = [vec![0.3, 0.1, 0.6, 0.2, 0.9], vec![0.2, 0.3, 0.4, 0.1, 1.1]];
        let back = there.clone().map(|row| row.into_iter().map(|value| -value).collect::<Vec<_>>());
        let (there, back) =
            (crossed_bootstrap(&there, 4000, 1).unwrap(), crossed_bootstrap(&back, 4000, 1).unwrap());
        let there = there.negated();
        assert_eq!((there.mean, there.d_z), (back.mean, back.d_z));
        assert!(
            (there.p - back.p).abs() < 0.1 * there.p && (there.low - back.low).abs() < 0.1 * there.low.abs()
        );
    }

    #[test]
    fn equal_runs_have_no_effect_and_bad_input_none_either() {
        let equal = crossed_bootstrap(&[vec![0.0; 5], vec![0.0; 5]], 100, 0).unwrap();
        assert_eq!(equal, Effect { mean: 0.0, low: 0.0, high: 0.0, p: 1.0, d_z: None });
        let sure = crossed_bootstrap(&[vec![2.0; 5]], 999, 0).unwrap();
        assert_eq!((sure.low, sure.high, sure.p), (2.0, 2.0, 0.0));
        assert_eq!(crossed_bootstrap(&[], 10, 0), None);
        assert_eq!(crossed_bootstrap(&[vec![1.0, 1.1]], 10, 0), None);
        assert_eq!(crossed_bootstrap(&[vec![1.0, 2.0], vec![1.0]], 10, 0), None);
        assert_eq!(crossed_bootstrap(&[vec![1.0, f64::INFINITY]], 10, 0), None);
    }
}
