//! Numbers, dates and lists as pages have them.

use std::time::{Duration, SystemTime};

use percept_image::Better;

/// A score with the digits that it deserves.
pub(crate) fn number(metric: &str, value: f64) -> String {
    match value {
        value if value.is_nan() => "–".to_string(),
        value if value.is_infinite() => "∞".to_string(),
        value => format!("{value:.*}", digits(metric)),
    }
}

/// The same with a sign, the minus as long as the plus.
pub(crate) fn signed(metric: &str, value: f64) -> String {
    format!("{value:+.*}", digits(metric)).replace('-', "−")
}

/// Hundredths of a decibel, ten-thousandths of the rest.
fn digits(metric: &str) -> usize {
    if metric.starts_with("psnr") { 2 } else { 4 }
}

/// Three significant digits, for weights and axes.
pub(crate) fn short(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if !value.is_finite() => "–".to_string(),
        0.0 => "0".to_string(),
        _ if !(1e-3..1e5).contains(&size) => format!("{value:.1e}"),
        _ => {
            let decimals = (2 - size.log10().floor() as i32).clamp(0, 5) as usize;
            let text = format!("{value:.decimals$}");
            match text.contains('.') {
                true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
                false => text,
            }
        }
    }
}

/// `2026-03-01 14:05 UTC`.
pub(crate) fn date(time: SystemTime) -> String {
    let seconds = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs();
    let (days, minutes) = (seconds / 86_400, seconds % 86_400 / 60);
    // Years that begin in March, so that the leap day is their last (Hinnant, "chrono-compatible date algorithms").
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60, minutes % 60)
}

/// Which direction is good.
pub(crate) fn arrow(better: Better) -> &'static str {
    match better {
        Better::Higher => "↑",
        Better::Lower => "↓",
    }
}

/// `1 photo`, `2 photos`.
pub fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `the one photo cannot be judged`, `none of the 3 photos can be judged`.
pub(crate) fn none_judged(count: usize, what: &str) -> String {
    match count {
        1 => format!("the one {what} cannot be judged"),
        count => format!("none of the {count} {what}s can be judged"),
    }
}

/// `a, b and c`.
pub(crate) fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_not_many() {
        assert_eq!([0, 1, 2].map(|count| counted(count, "photo")), ["0 photos", "1 photo", "2 photos"]);
        assert_eq!(none_judged(1, "row"), "the one row cannot be judged");
        assert_eq!(none_judged(3, "row"), "none of the 3 rows can be judged");
        let names = ["a", "b", "c"].map(String::from);
        assert_eq!([1, 2, 3].map(|count| list(&names[..count])), ["a", "a and b", "a, b and c"]);
    }

    #[test]
    fn numbers_and_dates() {
        assert_eq!((number("psnr-y", 27.126), number("dists", 0.12345)), ("27.13".into(), "0.1235".into()));
        assert_eq!((number("psnr-y", f64::INFINITY), signed("psnr-y", -0.5)), ("∞".into(), "−0.50".into()));
        assert_eq!((short(0.012345), short(12.0), short(1234.5), short(2.5e-7)).0, "0.0123");
        assert_eq!(
            (short(12.0), short(1234.5), short(2.5e-7)),
            ("12".into(), "1234".into(), "2.5e-7".into())
        );
        let at = |seconds| date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01 00:00 UTC");
        assert_eq!(at(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(at(1_767_225_599), "2025-12-31 23:59 UTC");
    }
}
