//! Powers of e.

/// `eˣ` for `x ≤ 0`, within 2 units of the last place above 1e-37, 0 below; in a form that becomes vector instructions.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    // Adding it leaves the nearest whole number in the last bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, the first with few enough bits that products with small whole numbers are exact.
    const HIGH: f32 = 0.693_359_4;
    const LOW: f32 = -2.121_944_4e-4;
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let whole = rounded - ROUND;
    let rest = x - whole * HIGH - whole * LOW;
    // Taylor's polynomial of degree 7 on [−ln 2 / 2, ln 2 / 2].
    let mut value = 1.0 / 5040.0;
    for factor in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        value = value * rest + factor;
    }
    let power = f32::from_bits((rounded.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
    // What is not a number comes through.
    if x < -85.0 { 0.0 } else { value * power }
}

#[cfg(test)]
mod tests {
    #[test]
    fn powers_of_e_are_right_to_the_last_digits() {
        for i in 0..85_000 {
            let x = -(i as f32) / 1000.0;
            let (power, expected) = (f64::from(super::exp(x)), f64::from(x).exp());
            assert!((power - expected).abs() <= 2.4e-7 * expected, "{x}: {power} for {expected}");
        }
        assert_eq!(super::exp(0.0), 1.0);
        assert_eq!(super::exp(-1e9), 0.0);
        assert!(super::exp(f32::NAN).is_nan());
    }
}
