//! How sure a difference is that was measured on several photos by networks of several seeds.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{ChiSquared, StandardNormal};
use serde::Serialize;

use super::quantile;

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

/// The mean of `differences`, which holds for every seed one difference a photo. `None` without seeds, for fewer than
/// two photos, rows of different lengths, and values that are not finite.
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
pub fn crossed_bootstrap(differences: &[Vec<f64>], resamples: usize, seed: u64) -> Option<Effect> {
    let seeds = differences.len();
    let photos = differences.first()?.len();
    let sound = |row: &Vec<f64>| row.len() == photos && row.iter().all(|value| value.is_finite());
    if photos < 2 || !differences.iter().all(sound) {
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
    let unsure = |n: usize| ChiSquared::new((n.max(2) - 1) as f64).ok();
    let (unsure_seeds, unsure_photos) = (unsure(seeds)?, unsure(photos)?);

    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut resample = || {
        let weighted = of_seeds.iter().map(|of| (of - middle) * rng.sample::<f64, _>(StandardNormal));
        let by_seeds = weighted.sum::<f64>() / seeds as f64;
        let drawn = (0..photos).filter_map(|_| of_photos.get(rng.random_range(0..photos)));
        let by_photos = drawn.sum::<f64>() / photos as f64 - middle;
        let mut scale =
            |n: usize, unsure| once * (n as f64 / rng.sample::<f64, &ChiSquared<f64>>(unsure)).sqrt();
        middle + scale(seeds, &unsure_seeds) * by_seeds + scale(photos, &unsure_photos) * by_photos
    };
    let mut means: Vec<f64> = (0..resamples.max(1)).map(|_| resample()).collect();
    means.sort_by(f64::total_cmp);
    let beyond = means.iter().filter(|mean| **mean * middle <= 0.0).count();
    let deviation = variance(&of_photos).sqrt();
    Some(Effect {
        mean: middle,
        low: quantile(&means, 0.025),
        high: quantile(&means, 0.975),
        p: (2.0 * (beyond + 1) as f64 / (means.len() + 1) as f64).min(1.0),
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

    /// What a 95 % interval promises, whichever of seeds and photos varies more, and with few of them.
    #[test]
    fn intervals_hold_the_truth_as_often_as_they_promise() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for shape in [(3, 12), (5, 20), (8, 40), (2, 30), (1, 12)] {
            for sizes in [[1.0, 1.0, 1.0], [0.1, 1.0, 0.5], [1.0, 0.3, 0.5], [0.0, 0.0, 1.0]] {
                // Of one seed nothing can be known about seeds.
                let sizes = if shape.0 == 1 { [0.0, sizes[1], sizes[2]] } else { sizes };
                let sets = 2000;
                let mut held = 0;
                for set in 0..sets {
                    let effect = crossed_bootstrap(&simulated(&mut rng, shape, sizes), 400, set).unwrap();
                    held += usize::from((effect.low..=effect.high).contains(&0.0));
                }
                let rate = held as f64 / sets as f64;
                assert!(rate >= 0.925, "{shape:?} {sizes:?}: {rate}");
                // Never so wide that nothing could be found; two or three seeds are the worst case.
                assert!(rate < 0.999 || shape.0 < 4, "{shape:?} {sizes:?}: {rate}");
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
            let effect = crossed_bootstrap(&differences, 999, set).unwrap();
            let outside = effect.low > 0.0 || effect.high < 0.0;
            assert!((effect.p < 0.05) == outside || (effect.p - 0.05).abs() < 0.005, "{effect:?}");
        }
    }

    /// For a single seed and many photos, everything is that of the paired t-test.
    #[test]
    fn one_seed_is_the_paired_case() {
        let values: Vec<f64> = (0..60).map(|i| f64::from(i * 37 % 60) / 60.0 - 0.3).collect();
        let effect = crossed_bootstrap(std::slice::from_ref(&values), 20_000, 3).unwrap();
        let error = (variance(&values) / 60.0).sqrt();
        assert!((effect.mean - mean(&values)).abs() < 1e-12);
        // Student's t for 59 degrees of freedom.
        assert!(((effect.high - effect.low) / (2.0 * 2.000_995 * error) - 1.0).abs() < 0.03, "{effect:?}");
        assert!((effect.d_z.unwrap() - effect.mean / variance(&values).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn equal_runs_have_no_effect_and_bad_input_none_either() {
        let equal = crossed_bootstrap(&[vec![0.0; 5], vec![0.0; 5]], 100, 0).unwrap();
        assert_eq!(equal, Effect { mean: 0.0, low: 0.0, high: 0.0, p: 1.0, d_z: None });
        let sure = crossed_bootstrap(&[vec![2.0; 5]], 999, 0).unwrap();
        assert_eq!((sure.low, sure.high, sure.p), (2.0, 2.0, 0.002));
        assert_eq!(crossed_bootstrap(&[], 10, 0), None);
        assert_eq!(crossed_bootstrap(&[vec![1.0]], 10, 0), None);
        assert_eq!(crossed_bootstrap(&[vec![1.0, 2.0], vec![1.0]], 10, 0), None);
        assert_eq!(crossed_bootstrap(&[vec![1.0, f64::INFINITY]], 10, 0), None);
    }
}
