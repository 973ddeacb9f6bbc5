//! The levels of 8-bit files.

/// The nearest of 256 levels, halves upwards. (`f32::round` is a call of the system's library for each number on processors without
/// SSE4.1, which is what percept is compiled for.)
#[inline(always)]
pub(super) fn level(value: f32) -> u8 {
    let value = value.clamp(0.0, 1.0) * 255.0;
    let whole = value as u8;
    whole + u8::from(value - f32::from(whole) >= 0.5)
}

#[cfg(test)]
mod tests {
    use super::level;

    #[test]
    fn levels_are_rounded() {
        let around = |at: f32| [at.next_down(), at, at.next_up()].map(|value| value / 255.0);
        let values = (0..=510).flat_map(|half| around(half as f32 / 2.0));
        for value in values.chain([-1.0, 2.0, f32::INFINITY, f32::NEG_INFINITY]) {
            let rounded = (value.clamp(0.0, 1.0) * 255.0).round();
            assert_eq!(f32::from(level(value)), rounded, "{value}");
        }
        assert_eq!(level(f32::NAN), 0);
    }
}
