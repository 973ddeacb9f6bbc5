//! Text of others on a page of ours.

use std::time::{Duration, SystemTime};

use serde::Serialize;

/// `text` as content or attribute of HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// `value` as JSON that may stand inside of a script element: no `<` can end it.
pub(super) fn json(value: &impl Serialize) -> String {
    // Only maps with keys other than text cannot be JSON, and there are none.
    serde_json::to_string(value).unwrap_or_default().replace('<', "\\u003c")
}

/// `template` with every `{{key}}` replaced by `value(key)`. What is put in is not looked at again.
pub(crate) fn fill<'a>(template: &str, value: impl Fn(&str) -> &'a str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let (key, after) = after.split_once("}}").unwrap_or((after, ""));
        out.push_str(value(key));
        rest = after;
    }
    out + rest
}

/// A page: `main` with links to those of its sections that are in `parts`. It asks nobody for anything.
pub(crate) fn page(title: &str, parts: &[&str], main: &str, footer: &str, js: &str) -> String {
    let title = escape(title);
    let parts = parts.iter().filter(|part| main.contains(&format!("<section id=\"{part}\"")));
    let nav: String = parts.map(|part| format!("<a href=\"#{part}\">{part}</a>")).collect();
    fill(include_str!("page.html"), |key| match key {
        "title" => &title,
        "css" => include_str!("page.css"),
        "nav" => &nav,
        "main" => main,
        "footer" => footer,
        "js" => js,
        _ => "",
    })
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_stays_text() {
        assert_eq!(escape("<a b='\"'> & c"), "&lt;a b=&#39;&quot;&#39;&gt; &amp; c");
        assert_eq!(json(&"</script><!--"), "\"\\u003c/script>\\u003c!--\"");
        let filled = fill("a {{x}} b {{y}}", |key| if key == "x" { "{{y}}" } else { "2" });
        assert_eq!(filled, "a {{y}} b 2");
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
