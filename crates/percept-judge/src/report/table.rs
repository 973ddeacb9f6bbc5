//! The table of scores.

use std::fmt::Write;

use super::board::{Board, arrow, is_gain};
use super::chart::colour;
use super::html::{escape, number, signed};

/// The section.
pub(super) fn section(board: &Board) -> String {
    let photos = board.photos();
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
        caption(photos),
        every_photo(board),
    )
}

fn caption(photos: usize) -> String {
    if photos < 2 {
        return "Scores of one photo. One photo allows no interval: differences may be due to this photo alone."
            .to_string();
    }
    format!(
        "Means over {photos} photos. Below each mean: the difference to the baseline, photo by photo, with its 95 % \
         bootstrap interval. The interval says how much the choice of photos matters, and with {photos} photos it \
         speaks about these photos and little more; it says nothing about another training run. <b \
         class=\"best\">A marked mean</b> is better than every other row, with intervals that all exclude 0."
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
    let (Some(interval), Some(info)) = (board.difference(metric, row, base), board.info(metric)) else {
        return "<small class=\"none\">–</small>".to_string();
    };
    let class = match (interval.excludes_zero(), is_gain(info.better, interval.mean)) {
        (false, _) => ("open", "", "no clear difference"),
        (true, true) => ("gain", "▲ ", "clearly better"),
        (true, false) => ("loss", "▼ ", "clearly worse"),
    };
    format!(
        "<small class=\"{}\" title=\"{}\">{}{} <span>[{}, {}]</span></small>",
        class.0,
        class.2,
        class.1,
        signed(metric, interval.mean),
        signed(metric, interval.low),
        signed(metric, interval.high)
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
