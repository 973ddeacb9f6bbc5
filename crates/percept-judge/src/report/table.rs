//! The table of scores.

use std::fmt::Write;

use super::board::{Board, Cell};
use crate::page::chart::colour;
use crate::page::{arrow, counted, escape, number, signed};
use crate::stats::{FEWEST_PHOTOS, LEVEL, Outcome};

/// The section.
pub(super) fn section(board: &Board) -> String {
    // A baseline for everyone to choose; the first run at first.
    let tables: String = (0..board.rows.len()).map(|base| table(board, base)).collect();
    let bases: String = board
        .rows
        .iter()
        .enumerate()
        .map(|(at, row)| {
            let chosen = if at == 1 { " selected" } else { "" };
            format!("<option value=\"{at}\"{chosen}>{}</option>", escape(&row.name))
        })
        .collect();
    let protocols: String = board
        .metrics
        .iter()
        .filter_map(|metric| {
            let info = board.info(metric)?;
            Some(format!(
                "<li><b>{} {}</b> {}</li>",
                escape(metric),
                arrow(info.better),
                escape(&info.protocol)
            ))
        })
        .collect();
    format!(
        "<section id=\"scores\" aria-labelledby=\"scores-title\"><h2 id=\"scores-title\">Scores</h2>\n<p>{}</p>\n\
         <p class=\"base\" hidden><label>Differences to <select>{bases}</select></label></p>\n{tables}\n\
         <h3 class=\"sub\">How each score is computed</h3><ul class=\"protocols\">{protocols}</ul>\n{}</section>\n",
        caption(board),
        every_photo(board),
    )
}

/// What was done, and what the marks mean.
fn caption(board: &Board) -> String {
    let photos = counted(board.photos(), "photo");
    if board.photos() < FEWEST_PHOTOS {
        return format!(
            "Scores of {photos}. So few allow no interval: differences may be due to these photos alone. At least \
             {FEWEST_PHOTOS} are needed."
        );
    }
    format!(
        "Means over {photos}. Below each mean: the difference to the baseline, photo by photo, with its 95 % interval: a \
         bootstrap over the photos, scaled by Student's t and made wider the fewer the photos are. ▲ is better and ▼ worse \
         by more than chance (p &lt; {LEVEL}); that is corrected by Holm's method for all {} between two rows of this page, \
         whatever the baseline, so an interval may exclude 0 and have no mark. It says how much the choice of photos \
         matters, and nothing about another training run. <b class=\"best\">A marked mean</b> is better than every other \
         row in that sense.",
        counted(board.questions(), "difference")
    )
}

fn table(board: &Board, base: usize) -> String {
    let mut html = String::new();
    let hidden = if base == 1 { "" } else { " hidden" };
    let name = board.rows.get(base).map_or("", |row| row.name.as_str());
    let _ = write!(
        html,
        "<table class=\"scores\" data-base=\"{base}\"{hidden}><caption class=\"away\">Scores, with differences to \
         {}</caption><thead><tr><th scope=\"col\">Version</th>",
        escape(name)
    );
    for metric in &board.metrics {
        let (arrow, words) = match board.info(metric).map(|info| (info.better, arrow(info.better))) {
            Some((percept_image::Better::Lower, arrow)) => (arrow, "lower is better"),
            Some((_, arrow)) => (arrow, "higher is better"),
            None => ("", ""),
        };
        let _ =
            write!(html, "<th scope=\"col\">{} <span title=\"{words}\">{arrow}</span></th>", escape(metric));
    }
    html.push_str("</tr></thead><tbody>\n");
    let best: Vec<Option<usize>> = board.metrics.iter().map(|metric| board.best(metric)).collect();
    for (at, row) in board.rows.iter().enumerate() {
        let class = match at {
            0 => "plain".to_string(),
            at => colour(at - 1),
        };
        let _ = write!(html, "<tr><th scope=\"row\" class=\"{class}\"><i></i>{}</th>", escape(&row.name));
        for (metric, best) in board.metrics.iter().zip(&best) {
            let mean = row.scores.mean.get(metric).copied().unwrap_or(f64::NAN);
            let class = if *best == Some(at) { " class=\"best\"" } else { "" };
            let _ = write!(
                html,
                "<td data-metric=\"{} {}\"><b{class}>{}</b>{}</td>",
                escape(metric),
                board.info(metric).map_or("", |info| arrow(info.better)),
                number(metric, mean),
                difference(board, metric, at, base)
            );
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody></table>\n");
    html
}

/// `+0.31 [+0.12, +0.50]`, with what that means.
fn difference(board: &Board, metric: &str, row: usize, base: usize) -> String {
    if row == base {
        return "<small class=\"none\">baseline</small>".to_string();
    }
    let Some(Cell { effect, outcome }) = board.difference(metric, row, base) else {
        return "<small class=\"none\">–</small>".to_string();
    };
    let (class, title, mark) = match outcome {
        Outcome::None => ("open", "no clear difference", ""),
        Outcome::Better => ("gain", "clearly better", "▲ "),
        Outcome::Worse => ("loss", "clearly worse", "▼ "),
    };
    format!(
        "<small class=\"{class}\" title=\"{title}\">{mark}{} <span>[{}, {}]</span></small>",
        signed(metric, effect.mean),
        signed(metric, effect.low),
        signed(metric, effect.high)
    )
}

/// The scores of every photo, for whoever wants to check.
fn every_photo(board: &Board) -> String {
    let mut html = String::from("<details><summary>Scores of every photo</summary><div class=\"wide\">");
    for metric in &board.metrics {
        let heads: String =
            board.rows.iter().map(|row| format!("<th scope=\"col\">{}</th>", escape(&row.name))).collect();
        let _ = write!(
            html,
            "<table class=\"each\"><thead><tr><th scope=\"col\">{}</th>{heads}</tr></thead><tbody>",
            escape(metric)
        );
        let names = board.rows.first().map(|row| row.scores.images.as_slice()).unwrap_or_default();
        for (at, photo) in names.iter().enumerate() {
            let _ = write!(html, "<tr><th scope=\"row\">{}</th>", escape(&photo.name));
            for row in &board.rows {
                let score = row.scores.images.get(at).and_then(|photo| photo.scores.get(metric));
                let _ = write!(html, "<td>{}</td>", number(metric, score.copied().unwrap_or(f64::NAN)));
            }
            html.push_str("</tr>");
        }
        html.push_str("</tbody></table>");
    }
    html + "</div></details>"
}
