//! `percept study analyse`: answers become a scale of methods.

use std::path::Path;

use percept_image::write_atomic;
use percept_judge::stats::Estimate;
use percept_judge::study::{Analysis, Design, Ranking, Study};

use super::csv::csv;
use super::{failure, some};
use crate::args::AnalyseArgs;
use crate::failure::Failure;
use crate::output::{print, table};
use crate::screen::say;

/// Runs the command.
pub fn run(args: &AnalyseArgs) -> Result<(), Failure> {
    let study = Study::open(&args.study).map_err(failure)?;
    if let Some(path) = &args.csv {
        write(path, &csv(&study).map_err(failure)?)?;
    }
    let analysis = study.analyse().map_err(failure)?;
    if let Some(path) = &args.output {
        write(path, &analysis.page())?;
    }
    let text = match args.json {
        true => serde_json::to_string_pretty(&analysis).map_err(Failure::work)?,
        false => human(&analysis),
    };
    print(&text)?;
    analysis.notes().iter().for_each(|note| say(note));
    [&args.csv, &args.output]
        .into_iter()
        .flatten()
        .for_each(|path| say(&format!("written: {}", path.display())));
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    write_atomic(path, text.as_bytes()).map_err(|error| {
        Failure::work(format!("{}: cannot be written: {error}; choose another place", path.display()))
    })
}

fn human(analysis: &Analysis) -> String {
    let mut parts = vec![ranking(&analysis.all, analysis.design), differences(&analysis.all)];
    if let Some(without) = &analysis.without_flagged {
        parts.push(format!("without flagged participants:\n{}", ranking(without, analysis.design)));
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn ranking(ranking: &Ranking, design: Design) -> String {
    let mut methods: Vec<_> = ranking.methods.iter().collect();
    let value = |e: Option<Estimate>| e.map_or(f64::NEG_INFINITY, |e| e.value);
    methods.sort_by(|a, b| {
        value(b.bradley_terry.or(b.opinion)).total_cmp(&value(a.bradley_terry.or(a.opinion)))
    });
    let marks = design == Design::Mos;
    let header: &[&str] = match marks {
        true => &["method", "mean mark", "95 %", "marks"],
        false => &["method", "Bradley-Terry", "95 %", "Thurstone", "95 %", "preferred"],
    };
    let rows = methods.into_iter().map(|method| {
        let mut row = vec![method.name.clone()];
        let scales = if marks { vec![method.opinion] } else { vec![method.bradley_terry, method.thurstone] };
        scales.into_iter().for_each(|scale| row.extend(cells(scale)));
        row.push(match marks {
            true => method.trials.to_string(),
            false => format!("{} of {}", method.wins, method.trials),
        });
        row
    });
    let rows: Vec<_> = rows.collect();
    format!(
        "{}, {}, {}\n\n{}",
        some(ranking.voters, "participant"),
        some(ranking.votes, "answer"),
        some(ranking.photos, "photo"),
        table(header, &rows, 1)
    )
}

fn cells(estimate: Option<Estimate>) -> [String; 2] {
    match estimate {
        Some(Estimate { value, low: Some(low), high: Some(high) }) => {
            [number(value), format!("{} to {}", number(low), number(high))]
        }
        Some(Estimate { value, .. }) => [number(value), "-".to_string()],
        None => ["-".to_string(), "-".to_string()],
    }
}

/// Three digits, and nothing has no sign.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    if text == "-0.000" { text.replace('-', "") } else { text }
}

fn differences(ranking: &Ranking) -> String {
    let rows = ranking.significance.iter().map(|found| {
        let p = |p: Option<f64>| p.map_or_else(|| "-".to_string(), |p| format!("{p:.4}"));
        let [value, interval] = cells(Some(found.difference));
        let verdict = if found.significant { "significant" } else { "" };
        let pair = format!("{} - {}", found.a, found.b);
        vec![pair, value, interval, p(found.p), p(found.p_holm), verdict.to_string()]
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        String::new()
    } else {
        table(&["difference", "", "95 %", "p", "p (Holm)", ""], &rows, 1)
    }
}
