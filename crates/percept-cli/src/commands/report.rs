//! `percept report`: runs side by side on one page.

use std::path::{Path, PathBuf};

use percept_judge::report::{Report, ReportError, ReportOptions, Summary};

use crate::args::{Global, ReportArgs};
use crate::bundle;
use crate::failure::Failure;
use crate::opener::open;
use crate::output::{print, table};
use crate::progress::Progress;
use crate::screen::say;

/// Runs the command.
pub fn run(global: &Global, args: &ReportArgs) -> Result<(), Failure> {
    percept_conv::keep_memory();
    let page = match (&args.output, args.runs.as_slice()) {
        (Some(page), _) => page.clone(),
        (None, [run]) => run.join("report.html"),
        (None, _) => PathBuf::from("report.html"),
    };
    let options = ReportOptions { metrics: args.metric.clone(), ..ReportOptions::default() };
    let summary = build(global, &args.runs, &options, &page)?;
    say(&lines(&summary));
    print(&page.display().to_string())?;
    if args.open {
        open(&page);
    }
    Ok(())
}

/// Writes the page that compares `runs`, with progress.
pub fn build(
    global: &Global,
    runs: &[PathBuf],
    options: &ReportOptions,
    page: &Path,
) -> Result<Summary, Failure> {
    let report = Report::read(runs).map_err(failure)?;
    let store = bundle::store(global.weights.as_deref())?;
    let mut progress: Option<Progress> = None;
    let summary = report.write(page, options, &store, &global.device()?, &mut |done, total| {
        progress.get_or_insert_with(|| Progress::new("report", total, 0)).set(done, "");
    });
    progress.into_iter().for_each(Progress::finish);
    summary.map_err(failure)
}

/// The page's table and notes, for a terminal.
pub fn lines(summary: &Summary) -> String {
    let header: Vec<_> = summary.header.iter().map(String::as_str).collect();
    let notes = summary.notes.iter().map(|note| format!("\n{note}"));
    format!("{}{}", table(&header, &summary.rows, 1), notes.collect::<String>())
}

/// What was asked for does not exist, or the work did not succeed.
fn failure(error: ReportError) -> Failure {
    match error {
        ReportError::NoRuns | ReportError::Run(_) | ReportError::Panel(_) => Failure::call(error),
        _ => Failure::work(error),
    }
}
