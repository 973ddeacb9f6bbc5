//! Losses and validation scores over steps.

use std::collections::BTreeSet;

use percept_nn::disentangle::Matched;
use percept_run::log::{Curve, History};

use super::folder::RunFolder;
use crate::page::chart::{Line, Scale, chart};

/// The section; empty where no run has a log.
pub(super) fn section(runs: &[RunFolder]) -> String {
    let losses = charts(runs, |history| &history.terms, words);
    let scores = charts(runs, |history| &history.scores, |_| "mean over the validation photos");
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
        .any(|run| run.selection_config().is_some_and(|selection| selection.matched() != Matched::No))
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
    note: impl Fn(&str) -> &'static str,
) -> String {
    let names: BTreeSet<&String> = runs.iter().flat_map(|run| curves(&run.history).keys()).collect();
    let chart = |name: &String| {
        let lines = runs.iter().enumerate().filter_map(|(colour, run)| {
            let curve = curves(&run.history).get(name)?.clone();
            Some(Line { name: &run.name, colour, curve })
        });
        chart(name, note(name), &lines.collect::<Vec<_>>(), Scale::Free)
    };
    names.into_iter().map(chart).collect()
}

/// What a term is.
fn words(term: &str) -> &'static str {
    match term {
        "l_g_pix" => "pixel loss",
        "l_g_percep" => "perceptual loss",
        "l_g_style" => "style loss",
        "l_sel" => "triplet that moves the selection",
        _ => "",
    }
}
