//! Losses and validation scores over steps.

use std::collections::BTreeSet;

use percept_nn::disentangle::Matched;
use percept_nn::loss::Term;
use percept_run::log::{Curve, History};

use super::folder::RunFolder;
use crate::page::chart::{Line, Scale, chart};

/// The section; empty where no run has a log.
pub(super) fn section(runs: &[RunFolder]) -> String {
    let losses = charts(runs, |history| &history.terms, |logged| words(runs, logged));
    let scores = charts(runs, |history| &history.scores, |_| "mean over the validation photos".to_string());
    if losses.is_empty() && scores.is_empty() {
        return String::new();
    }
    let scores = match scores.is_empty() {
        true => scores,
        false => format!(
            "<h3 class=\"sub\">Scores while training</h3><p class=\"hint\">As the trainings wrote them down at each \
             validation.</p><div class=\"charts\">{scores}</div>"
        ),
    };
    let matched = match runs
        .iter()
        .flat_map(RunFolder::selecting)
        .filter_map(|term| term.loss.selection())
        .any(|selection| selection.matched() != Matched::No)
    {
        true => {
            " A selected distance is scaled to the size of the plain one, so that both train at the same rate: their \
             lines lie close together by construction and cannot be compared."
        }
        false => "",
    };
    format!(
        "<section id=\"training\" aria-labelledby=\"training-title\"><h2 id=\"training-title\">Training</h2>\n<p>Every term \
         of the losses as it was summed, its factor included: pale as logged, strong as a running mean. Terms of \
         different kinds have different units; a lower line means a better result only within one kind of \
         loss.{matched}</p><div class=\"charts\">{losses}</div>\n{scores}</section>\n"
    )
}

fn charts<'a>(
    runs: &'a [RunFolder],
    curves: impl Fn(&'a History) -> &'a std::collections::BTreeMap<String, Curve>,
    note: impl Fn(&str) -> String,
) -> String {
    let names: BTreeSet<&String> = runs.iter().flat_map(|run| curves(&run.history).keys()).collect();
    let chart = |name: &String| {
        let lines = runs.iter().enumerate().filter_map(|(colour, run)| {
            let curve = curves(&run.history).get(name)?.clone();
            Some(Line { name: &run.name, colour, curve })
        });
        chart(name, &note(name), &lines.collect::<Vec<_>>(), Scale::Free)
    };
    names.into_iter().map(chart).collect()
}

/// What a term of the log is, as the run that has it says.
fn words(runs: &[RunFolder], logged: &str) -> String {
    let term =
        |name: &str| runs.iter().flat_map(|run| &run.config.train.losses).find(|term| term.name == name);
    match (logged.strip_prefix("l_g_"), logged.strip_prefix("l_sel_")) {
        (Some(name), _) => term(name).map(Term::words).unwrap_or_default(),
        (_, Some(_)) => "contrast that moves the selection".to_string(),
        _ => String::new(),
    }
}
