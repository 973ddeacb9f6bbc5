//! The page of an experiment, as Markdown.

use std::fmt::Write;
use std::time::SystemTime;

use percept_run::Experiment;

use super::crops::Crops;
use super::{Evidence, Finding, Variant};
use crate::page::{arrow, counted, date, number, signed};
use crate::report::words;
use crate::stats::{FEWEST_PHOTOS, LEVEL, Outcome, is_gain};

/// The whole page.
pub(super) fn page(evidence: &Evidence, crops: &Crops) -> String {
    [
        head(evidence),
        means(evidence),
        differences(evidence),
        knobs(evidence),
        selections(evidence),
        agreement(evidence),
        picture(evidence, crops),
    ]
    .concat()
}

fn head(evidence: &Evidence) -> String {
    let plan = &evidence.plan;
    let seeds = plan.experiment.seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let folders = plan
        .experiment
        .test
        .iter()
        .map(|folder| format!("`{}`", folder.display()))
        .collect::<Vec<_>>()
        .join(", ");
    let size = plan
        .experiment
        .test_crop
        .map_or("whole".to_string(), |side| format!("the {side}×{side} in the middle"));
    let mut text = format!(
        "# {}\n\n`{}`\n\n{}, {}. Seeds {seeds}. Judged on {} of {folders} ({size}), degraded the \
         same way for every run.",
        plan.experiment.title,
        plan.command,
        date(SystemTime::now()),
        machine(),
        counted(evidence.photos.len(), "photo"),
    );
    let first = plan.experiment.seeds.first().copied().unwrap_or_default();
    if let Ok(config) = plan.run(first, &plan.experiment.reference).read_config() {
        let steps = evidence.variants.iter().map(|variant| variant.steps).max().unwrap_or(0);
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            " Task: {}; network: {}; {steps} steps a run",
            words::task(&config),
            words::network(&config.network_g)
        );
        if let Ok(start) = plan.run(first, Experiment::WARM).read_config() {
            let (common, losses) = (start.train.total_iter, words::losses(&start));
            let _ = write!(text, ", after {common} steps ({losses}) that all variants of a seed share");
        }
        if let Some(model) = &plan.experiment.start_model {
            let _ = write!(text, ", from `{}`", model.display());
        }
        text.push('.');
    }
    for skipped in &evidence.skipped {
        let _ = write!(text, "\n\nLeft out: {skipped}.");
    }
    if !evidence.unfinished.is_empty() {
        let _ = write!(text, "\n\nNot trained to the end, and left out: {}.", evidence.unfinished.join(", "));
    }
    if plan.experiment.seeds.len() == 1 {
        text.push_str("\n\nWith a single seed, intervals speak of these photos and not of other trainings.");
    }
    text.push_str("\n\n");
    text
}

/// `Intel(R) Xeon(R) Processor, 2 threads`.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {threads} threads", model.map_or(std::env::consts::ARCH, |(_, model)| model.trim()))
}

/// The metrics that the tables have, in order.
pub(super) fn columns(evidence: &Evidence) -> Vec<&String> {
    let found =
        |metric: &&String| evidence.variants.iter().any(|variant| variant.findings.contains_key(*metric));
    evidence.plan.experiment.metrics.iter().filter(found).collect()
}

/// `lpips-alex ↓`, with a star where it does not count.
fn title(evidence: &Evidence, metric: &str) -> String {
    let arrow = evidence.metrics.get(metric).map_or("", |info| arrow(info.better));
    let shares =
        |variant: &Variant| variant.findings.get(metric).is_some_and(|found| found.shares_backbone.is_some());
    let star = if evidence.variants.iter().any(shares) { "\\*" } else { "" };
    format!("{metric}{star} {arrow}")
}

fn header(columns: &[String]) -> String {
    format!("| {} |\n|{}\n", columns.join(" | "), "---|".repeat(columns.len()))
}

fn means(evidence: &Evidence) -> String {
    let metrics = columns(evidence);
    let mut titles = vec!["variant".to_string()];
    titles.extend(metrics.iter().map(|metric| title(evidence, metric)));
    titles.push("s/step".to_string());
    let mut text = format!(
        "## Scores\n\nMeans over seeds and photos, in brackets the least and largest mean of a seed. {}\n\n",
        "Bold is the best mean of a column where it is better than the reference by the corrected differences below, or the \
         reference where all others are worse. A star: the metric looks through the network of a loss, and does not count. \
         Seconds a step are the middle ones of the logs, whatever else ran meanwhile."
    );
    text.push_str(&header(&titles));
    for variant in &evidence.variants {
        let cell = |metric: &&String| {
            let Some(found) = variant.findings.get(*metric) else { return "–".to_string() };
            let mean = number(metric, found.mean);
            let mean = if is_best(evidence, metric, variant, found) { format!("**{mean}**") } else { mean };
            let [low, high] = found.seeds;
            match evidence.plan.experiment.seeds.len() {
                1 => mean,
                _ => format!("{mean} ({}–{})", number(metric, low), number(metric, high)),
            }
        };
        let seconds = variant.seconds.map_or("–".to_string(), |seconds| format!("{seconds:.2}"));
        let cells = metrics.iter().map(cell).chain([seconds]).collect::<Vec<_>>();
        let _ = writeln!(text, "| {} | {} |", variant.name, cells.join(" | "));
    }
    text.push('\n');
    text
}

/// Whether it has the best mean, and that is shown to be more than chance.
fn is_best(evidence: &Evidence, metric: &str, variant: &Variant, found: &Finding) -> bool {
    let Some(info) = evidence.metrics.get(metric) else { return false };
    let others = || evidence.variants.iter().filter(|other| other.name != variant.name);
    let mut found_of_others = others().filter_map(|other| other.findings.get(metric));
    let worse = |other: &Finding| other.outcome == Some(Outcome::Worse);
    match variant.name == evidence.plan.experiment.reference {
        true => others().next().is_some() && found_of_others.all(worse),
        false => {
            found.outcome == Some(Outcome::Better)
                && !found_of_others.any(|other| is_gain(info.better, other.mean - found.mean))
        }
    }
}

fn differences(evidence: &Evidence) -> String {
    let plan = &evidence.plan;
    let metrics = columns(evidence);
    let mut titles = vec![format!("less `{}`", plan.experiment.reference)];
    titles.extend(metrics.iter().map(|metric| title(evidence, metric)));
    let asked = evidence.variants.iter().flat_map(|variant| variant.findings.values());
    let asked = asked.filter(|finding| finding.outcome.is_some()).count();
    let few = match evidence.photos.len() {
        few if few < FEWEST_PHOTOS => {
            format!(" With {}, nothing can be shown: it takes {FEWEST_PHOTOS}.", counted(few, "photo"))
        }
        _ => String::new(),
    };
    let over = if plan.experiment.seeds.len() > 1 { "photos and seeds" } else { "photos" };
    let mut text = format!(
        "## Differences\n\nEach variant less `{}`, paired by photo and seed, with the 95 % interval of a bootstrap over {over}, \
         scaled by Student's t and made wider the fewer the photos are. ✓ better, ✗ worse (p < {LEVEL} after Holm's \
         correction for all {} of this table that have no star); no mark: no difference was shown, even where an interval \
         excludes 0.{few}\n\n{}",
        plan.experiment.reference,
        counted(asked, "difference"),
        header(&titles)
    );
    for variant in evidence.variants.iter().filter(|variant| variant.name != plan.experiment.reference) {
        let cell = |metric: &&String| {
            let found = variant.findings.get(*metric);
            let Some((found, effect)) = found.and_then(|found| Some((found, found.difference?))) else {
                return "–".to_string();
            };
            let mark = match found.outcome {
                Some(Outcome::Better) => " ✓",
                Some(Outcome::Worse) => " ✗",
                _ => "",
            };
            let of = |value: f64| signed(metric, value);
            format!("{} [{}, {}]{mark}", of(effect.mean), of(effect.low), of(effect.high))
        };
        let cells = metrics.iter().map(cell).collect::<Vec<_>>();
        let _ = writeln!(text, "| {} | {} |", variant.name, cells.join(" | "));
    }
    text.push_str("\n![differences](differences.svg)\n\n");
    text
}

fn knobs(evidence: &Evidence) -> String {
    if evidence.plan.experiment.knobs.is_empty() {
        return String::new();
    }
    format!(
        "## Knobs\n\nThe variants of each knob by its values, less `{}`, with the same intervals and colours. All panels of a \
         score have one scale: where points lie on one level, the knob does not matter. Intervals that reach beyond it are cut off.\n\n![knobs](knobs.svg)\n\n",
        evidence.plan.experiment.reference
    )
}

fn selections(evidence: &Evidence) -> String {
    let selecting: Vec<_> =
        evidence.variants.iter().filter_map(|variant| Some((variant, variant.selection.as_ref()?))).collect();
    let Some((_, first)) = selecting.first() else { return String::new() };
    let mut titles = vec!["variant".to_string()];
    titles.extend(first.taps.iter().map(|tap| format!("{} of {}", tap.name, tap.channels)));
    titles.push("active triplets".to_string());
    let mut text = format!(
        "## What was selected\n\nEffective channels of each tap at the end, mean over seeds; in brackets the rank correlation of \
         the weights between two seeds, mean over all pairs. Active triplets violate their margin, at the first line of the log \
         and at the last; of a selection in closed form it is the share of channels that could be scored.\n\n{}",
        header(&titles)
    );
    for (variant, selection) in selecting {
        let taps = selection.taps.iter().map(|tap| match tap.between_seeds {
            Some(agree) => format!("{:.0} ({agree:.2})", tap.effective),
            None => format!("{:.0}", tap.effective),
        });
        let active = selection.active.map_or("–".to_string(), |[first, last]| {
            format!("{:.0} % → {:.0} %", 100.0 * first, 100.0 * last)
        });
        let cells = taps.chain([active]).collect::<Vec<_>>();
        let _ = writeln!(text, "| {} | {} |", variant.name, cells.join(" | "));
    }
    text.push('\n');
    text
}

/// The lower triangle of a matrix.
fn agreement(evidence: &Evidence) -> String {
    let correlation = |a: &str, b: &str| {
        let of = |agreement: &&super::Alike| agreement.between == [a, b];
        evidence.agreement.iter().find(of).map(|agreement| agreement.correlation)
    };
    let selecting = evidence.variants.iter().filter(|variant| variant.selection.is_some());
    let names: Vec<&str> = selecting.map(|variant| variant.name.as_str()).collect();
    let [firsts @ .., _] = names.as_slice() else { return String::new() };
    if evidence.agreement.is_empty() {
        return String::new();
    }
    let titles: Vec<String> = std::iter::once("").chain(firsts.iter().copied()).map(str::to_string).collect();
    let mut text = format!(
        "Rank correlation of the weights of two variants (means over seeds), mean over the taps:\n\n{}",
        header(&titles)
    );
    for (row, name) in names.iter().enumerate().skip(1) {
        let cells = firsts.iter().enumerate().map(|(column, first)| match correlation(first, name) {
            Some(value) if column < row => format!("{value:.2}").replace('-', "−"),
            _ => String::new(),
        });
        let _ = writeln!(text, "| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
    }
    text.push('\n');
    text
}

fn picture(evidence: &Evidence, crops: &Crops) -> String {
    let plan = &evidence.plan;
    let rule = match &crops.metric {
        Some(metric) => format!(
            "the first ones are spaced evenly over the photos' names, the others are those in which `{}` loses most to `{}` by \
             {metric}",
            plan.experiment.ours, plan.experiment.reference
        ),
        None => "spaced evenly over the photos' names".to_string(),
    };
    format!(
        "## Details\n\nFrom left to right: {}. From top to bottom: {} ({rule}). Each is the square of {} pixels in which the \
         target changes most between neighbouring pixels; the networks are those of the first seed.\n\n![details](crops.jpg)\n",
        crops.columns.join(", "),
        crops.rows.join(", "),
        plan.experiment.crop
    )
}
