//! Weights of a stated concentration.

use super::effective_channels;

/// The `k` at which the search begins; nearly all is one channel's then, if scores are spread as noise is.
const STEEP: f64 = 64.0;
/// The largest `k`: beyond, only channels of exactly the same score share.
const STEEPEST: f64 = 1e15;

/// `C · softmax(k z)`, mean 1, of standardised scores `z`, with the `k` at which `floor + (1 − floor) · C · softmax(k z)`
/// is spread over a `share` of the channels, in (0, 1].
///
/// The larger `k`, the smaller the share, down to [`least_share`] where one channel is ahead of all others. Where several
/// are exactly equal at the top they share, and the share may stay above the stated one: all weights are 1 where all
/// scores are equal.
pub(super) fn concentrated(z: &[f64], floor: f64, share: f64) -> Vec<f32> {
    let channels = z.len() as f64;
    let top = z.iter().copied().fold(f64::MIN, f64::max);
    let weights = |k: f64| {
        let exp: Vec<f64> = z.iter().map(|z| (k * (z - top)).exp()).collect();
        let scale = channels / exp.iter().sum::<f64>();
        exp.iter().map(|e| (e * scale) as f32).collect::<Vec<f32>>()
    };
    let too_wide = |k: f64| effective_channels(&floored(&weights(k), floor)) / channels > share;
    let (mut low, mut high) = (0.0, STEEP);
    while too_wide(high) && high < STEEPEST {
        (low, high) = (high, 2.0 * high);
    }
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if too_wide(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    weights(low)
}

/// `floor + (1 − floor) · w`.
pub(super) fn floored(weights: &[f32], floor: f64) -> Vec<f32> {
    let floor = floor as f32;
    weights.iter().map(|w| floor + (1.0 - floor) * w).collect()
}

/// The smallest share of `channels` that weights with this floor can be spread over.
pub(super) fn least_share(channels: usize, floor: f64) -> f64 {
    let mut one = vec![0.0; channels];
    if let Some(first) = one.first_mut() {
        *first = channels as f32;
    }
    effective_channels(&floored(&one, floor)) / channels.max(1) as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn share(z: &[f64], floor: f64, share: f64) -> f64 {
        effective_channels(&floored(&concentrated(z, floor, share), floor)) / z.len() as f64
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

        /// Scores of any shape: even, with outliers on either side, of any size.
        #[test]
        fn the_stated_share_is_hit(
            raw in prop::collection::vec(-1.0f64..1.0, 2..300),
            shape in 1i32..9,
            size in -3.0f64..6.0,
            floor in 0.0f64..0.9,
            wanted in 0.0f64..1.0,
        ) {
            let z: Vec<f64> = raw.iter().map(|raw| raw.powi(shape) * 10f64.powf(size)).collect();
            let top = z.iter().copied().fold(f64::MIN, f64::max);
            let second = z.iter().copied().filter(|z| *z < top).fold(f64::MIN, f64::max);
            // Two that are as good as equal at the top share.
            prop_assume!(top - second > 1e-12 * top.abs());
            let least = least_share(z.len(), floor);
            let wanted = least + (1.0 - least) * wanted;
            let found = share(&z, floor, wanted);
            prop_assert!((found - wanted).abs() < 1e-3, "{found} instead of {wanted}");
            let weights = floored(&concentrated(&z, floor, wanted), floor);
            let mean = weights.iter().sum::<f32>() / weights.len() as f32;
            prop_assert!((mean - 1.0).abs() < 1e-4, "the mean is {mean}");
            let ordered = z.iter().zip(&weights).all(|(a, w)| {
                z.iter().zip(&weights).all(|(b, v)| a < b || w >= v)
            });
            prop_assert!(ordered, "a higher score has no lower weight");
        }
    }

    #[test]
    fn where_the_share_cannot_be_hit_it_is_as_close_as_it_gets() {
        assert_eq!(concentrated(&[0.0; 5], 0.2, 0.4), [1.0; 5]);
        assert_eq!(concentrated(&[0.0], 0.2, 0.4), [1.0]);
        assert!(concentrated(&[], 0.2, 0.4).is_empty());
        // Two of eight share the top: a quarter is the least without a floor.
        let z = [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        assert!((share(&z, 0.0, 0.1) - 0.25).abs() < 1e-6);
        assert_eq!(concentrated(&z, 0.0, 1.0), [1.0; 8]);
        assert!((least_share(4, 0.0) - 0.25).abs() < 1e-12 && least_share(4, 0.5) > 0.5);
        assert_eq!(least_share(1, 0.3), 1.0);
    }
}
