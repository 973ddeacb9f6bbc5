//! Ranges of settings. Their sentences begin with the key.

use std::collections::BTreeMap;

/// The largest factor of a loss or a tap.
const LARGEST_FACTOR: f64 = 1e6;

pub(crate) fn within(key: &str, value: f64, low: f64, high: f64) -> Result<(), String> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(format!("{key} must be from {low} to {high}; it is {value}"))
    }
}

pub(crate) fn factor(key: &str, value: f64) -> Result<(), String> {
    within(key, value, 0.0, LARGEST_FACTOR)
}

/// Factors of taps, of which one at least has to count.
pub(crate) fn factors(layer_weights: &BTreeMap<String, f64>) -> Result<(), String> {
    layer_weights.iter().try_for_each(|(tap, weight)| factor(&format!("layer_weights.{tap}"), *weight))?;
    match layer_weights.values().any(|weight| *weight > 0.0) {
        true => Ok(()),
        false => Err("layer_weights must have a tap above 0, e.g. { relu3_3 = 1.0 }".to_string()),
    }
}
