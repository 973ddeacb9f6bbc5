//! What can be chosen about a study: `study.toml`.

use serde::{Deserialize, Serialize};

use super::Design;

/// Name of the file in the study's folder.
pub(super) const SETTINGS: &str = "study.toml";

/// Most trials of a participant, of any kind.
const MOST_TRIALS: usize = 2000;

/// What can be chosen about a study.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What participants read first.
    pub title: String,
    /// What one trial asks. It cannot be changed.
    pub design: Design,
    /// What every trial asks, in words.
    pub question: String,
    /// What participants agree to before they begin; an empty line starts a paragraph.
    pub consent: String,
    /// From this, orders and sides follow. It cannot be changed.
    pub seed: u64,
    /// Most trials of a participant that count; there are no more than groups of methods times photos.
    pub trials: usize,
    /// Hidden repeats, as a share of the trials that count, 0 to 0.5.
    pub repeats: f64,
    /// Attention checks of a participant: the reference against a badly spoiled one.
    pub checks: usize,
    /// Whether "no difference" is an answer (of `pairs`). It cannot be changed.
    pub ties: bool,
    /// Most participants.
    pub participants: usize,
}

const CONSENT: &str = "\
You will be shown pictures that computer programs have restored, and asked which look better to you. There is no right \
or wrong answer.

Your answers are kept together with a number. No name, no address, no cookie and nothing about your device is kept. \
Taking part is voluntary; you may stop at any time by closing this page. What you have answered until then is kept.";

impl Settings {
    /// The settings of a study of which nothing else is said.
    pub fn new(title: &str, design: Design, seed: u64) -> Self {
        Self {
            title: title.to_string(),
            design,
            question: design.question().to_string(),
            consent: CONSENT.to_string(),
            seed,
            trials: 60,
            repeats: 0.2,
            checks: 3,
            ties: false,
            participants: 1000,
        }
    }

    /// What is wrong with the values, if anything.
    pub(super) fn problem(&self) -> Option<String> {
        let within = |value: usize, most: usize| (1..=most).contains(&value);
        let problem = if self.title.trim().is_empty() {
            "`title` is empty; give the study a name"
        } else if self.consent.trim().is_empty() {
            "`consent` is empty; say what participants agree to"
        } else if self.question.trim().is_empty() {
            "`question` is empty; say what is asked"
        } else if !within(self.trials, MOST_TRIALS) {
            "`trials` must be from 1 to 2000"
        } else if !(0.0..=0.5).contains(&self.repeats) {
            "`repeats` is a share and must be from 0 to 0.5"
        } else if self.checks > 100 {
            "`checks` must be from 0 to 100"
        } else if self.ties && self.design != Design::Pairs {
            "`ties` is an answer of the design `pairs` alone; leave it out"
        } else if !within(self.participants, 1_000_000) {
            "`participants` must be from 1 to 1000000"
        } else if i64::try_from(self.seed).is_err() {
            "`seed` must be below 9223372036854775808"
        } else {
            return None;
        };
        Some(problem.to_string())
    }

    /// Reads the text of `study.toml`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let settings: Self = toml::from_str(text).map_err(|error| plain(error.to_string().trim()))?;
        settings.problem().map_or(Ok(settings), Err)
    }

    /// The text of `study.toml`.
    pub(super) fn text(&self) -> Result<String, String> {
        let values = toml::to_string_pretty(self).map_err(|error| error.to_string())?;
        Ok(format!("{HEAD}\n{values}"))
    }
}

/// A message of the reader, with the names of Rust's types in words.
fn plain(message: &str) -> String {
    let words = [
        ("expected usize", "expected a whole number, 0 or more"),
        ("expected u64", "expected a whole number, 0 or more"),
        ("expected f64", "expected a number"),
        ("expected a string", "expected text in quotes"),
        ("expected a boolean", "expected true or false"),
        ("invalid type: ", "this is "),
        ("invalid value: ", "this is "),
        ("floating point `", "the number `"),
        ("integer `", "the number `"),
        ("boolean `", "`"),
        ("string \"", "the text \""),
    ];
    words.iter().fold(message.to_string(), |text, (of_rust, plain)| text.replace(of_rust, plain))
}

const HEAD: &str = "\
# A blind study. `percept study serve` reads this when it starts: words may be changed at any time, numbers hold for
# participants who begin afterwards; design, ties and seed stay. Which picture is whose stands in study.sqlite.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_they_are_written() {
        for design in Design::ALL {
            let settings = Settings::new("Sharp \"or\" soft?", design, 3);
            assert_eq!(Settings::parse(&settings.text().unwrap()), Ok(settings));
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        let text = |change: &dyn Fn(&mut Settings)| {
            let mut settings = Settings::new("t", Design::Mos, 0);
            change(&mut settings);
            Settings::parse(&settings.text().unwrap()).unwrap_err()
        };
        assert!(text(&|s| s.title = " ".into()).contains("`title`"));
        assert!(text(&|s| s.trials = 0).contains("`trials`"));
        assert!(text(&|s| s.repeats = f64::NAN).contains("`repeats`"));
        assert!(text(&|s| s.checks = 101).contains("`checks`"));
        assert!(text(&|s| s.ties = true).contains("`ties`"));
        assert!(Settings::parse("title = \"a\"\nblind = false").unwrap_err().contains("blind"));
        let whole = Settings::new("t", Design::Mos, 0).text().unwrap();
        for (key, value, expected) in [
            ("trials = 60", "trials = -3", "this is the number `-3`, expected a whole number, 0 or more"),
            ("trials = 60", "trials = 1.5", "this is the number `1.5`, expected a whole number, 0 or more"),
            ("repeats = 0.2", "repeats = \"a\"", "this is the text \"a\", expected a number"),
            ("ties = false", "ties = 0", "this is the number `0`, expected true or false"),
            ("title = \"t\"", "title = true", "this is `true`, expected text in quotes"),
        ] {
            let error = Settings::parse(&whole.replace(key, value)).unwrap_err();
            assert!(error.contains(expected) && error.contains("line "), "{error}");
        }
    }
}
