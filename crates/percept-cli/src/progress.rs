//! What is going on, on stderr: a bar with the time left on a terminal, a line now and then elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::screen::{SCREEN, say};

/// Without a terminal, a line appears after this much time …
const QUIET: Duration = Duration::from_secs(30);
/// … or after this share of the work, but never sooner than this.
const SHARE: f64 = 0.1;
const SOON: Duration = Duration::from_secs(3);

/// From so many columns on there is room for a bar.
const WIDE: u16 = 80;

/// Progress of something that has a known number of steps.
pub struct Progress {
    bar: ProgressBar,
    plain: Option<Plain>,
}

/// What was last said, where there is no terminal.
struct Plain {
    label: String,
    total: u64,
    /// Whether steps are not counted.
    shares: bool,
    first: u64,
    started: Instant,
    said_at: Instant,
    said: u64,
}

impl Progress {
    /// `total` steps of which `done` were done before, under a short `label`.
    pub fn new(label: &str, total: usize, done: usize) -> Self {
        let (total, done) = (total as u64, done as u64);
        if std::io::stderr().is_terminal() {
            let bar = SCREEN.add(ProgressBar::new(total).with_position(done));
            bar.set_style(style(console::Term::stderr().size().1, false));
            bar.set_prefix(label.to_string());
            bar.reset_eta();
            bar.enable_steady_tick(Duration::from_millis(500));
            return Self { bar, plain: None };
        }
        let now = Instant::now();
        let plain = Plain {
            label: label.to_string(),
            total,
            shares: false,
            first: done,
            started: now,
            said_at: now,
            said: done,
        };
        Self { bar: ProgressBar::hidden(), plain: Some(plain) }
    }

    /// So much work in all, in whatever unit: what is shown is its share.
    pub fn of_work(label: &str, total: usize) -> Self {
        let mut progress = Self::new(label, total, 0);
        match &mut progress.plain {
            Some(plain) => plain.shares = true,
            None => progress.bar.set_style(style(console::Term::stderr().size().1, true)),
        }
        progress
    }

    /// `done` steps are done; `message` says how it is going.
    pub fn set(&mut self, done: usize, message: &str) {
        let done = done as u64;
        match &mut self.plain {
            Some(plain) => plain.set(done, message),
            None => {
                self.bar.set_position(done);
                self.bar.set_message(message.to_string());
            }
        }
    }

    /// The bar goes away.
    pub fn finish(self) {
        self.bar.finish_and_clear();
        SCREEN.remove(&self.bar);
    }
}

impl Plain {
    fn set(&mut self, done: u64, message: &str) {
        let share = (done - self.said.min(done)) as f64 / self.total.max(1) as f64;
        let since = self.said_at.elapsed();
        if since < SOON || (share < SHARE && since < QUIET && done < self.total) {
            return;
        }
        (self.said, self.said_at) = (done, Instant::now());
        let left =
            left(self.started.elapsed(), done.saturating_sub(self.first), self.total.saturating_sub(done));
        let percent = 100 * done / self.total.max(1);
        let note = if message.is_empty() { String::new() } else { format!("  {message}") };
        match self.shares {
            true => say(&format!("{}  {percent} %{left}{note}", self.label)),
            false => say(&format!("{}  {done}/{} ({percent} %){left}{note}", self.label, self.total)),
        }
    }
}

/// `, 2m 05s left`, or nothing when there is nothing to say.
fn left(spent: Duration, done: u64, open: u64) -> String {
    if done == 0 || open == 0 {
        return String::new();
    }
    format!(", {} left", duration(spent.mul_f64(open as f64 / done as f64)))
}

/// `45s`, `2m 05s`, `1h 02m`.
pub fn duration(time: Duration) -> String {
    match time.as_secs() {
        s @ 0..60 => format!("{s}s"),
        s @ 60..3600 => format!("{}m {:02}s", s / 60, s % 60),
        s => format!("{}h {:02}m", s / 3600, s / 60 % 60),
    }
}

/// The bar on a screen of so many columns: it never takes more than one line.
fn style(columns: u16, shares: bool) -> ProgressStyle {
    let template = match columns {
        WIDE.. if shares => "{prefix:14} {bar:24} {percent:>3} %  {eta:>4} left  {wide_msg}",
        _ if shares => "{percent} % {wide_msg}",
        WIDE.. => "{prefix:14} {bar:24} {pos:>5}/{len}  {eta:>4} left  {wide_msg}",
        _ => "{pos}/{len} {wide_msg}",
    };
    // A wrong template would be a mistake of this file; the default bar is then the lesser evil.
    ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("━╸─")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        assert_eq!(duration(Duration::from_secs(7)), "7s");
        assert_eq!(duration(Duration::from_secs(125)), "2m 05s");
        assert_eq!(duration(Duration::from_secs(3725)), "1h 02m");
        assert_eq!(left(Duration::from_secs(10), 5, 10), ", 20s left");
        assert_eq!(left(Duration::from_secs(10), 0, 10), "");
    }
}
