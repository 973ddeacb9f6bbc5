//! What a study found, as a page for people.

use std::time::SystemTime;

use super::{Analysis, Difference, Method, Participant, Ranking};
use crate::page::{CSS, counted, date, escape, fill};
use crate::stats::Estimate;
use crate::study::Design;

impl Analysis {
    /// One HTML file that loads nothing from anywhere.
    pub fn page(&self) -> String {
        let title = escape(&self.title);
        let marks = self.design == Design::Mos;
        let css = [CSS, include_str!("page.css")].concat();
        let without = self.without_flagged.as_ref().map_or_else(String::new, |ranking| {
            let flagged = self.participants.iter().filter(|one| one.flagged()).count();
            let heading = format!("Without the {}", counted(flagged, "flagged participant"));
            format!("<h3 class=\"sub\">{heading}</h3>\n{}", methods(ranking, marks))
        });
        let main = format!(
            "{}<section id=\"methods\"><h2>Methods</h2>\n<p>{}</p>\n{}{without}</section>\n\
             <section id=\"differences\"><h2>Differences</h2>\n<p>{}</p>\n{}</section>\n\
             <section id=\"participants\"><h2>Participants</h2>\n<p>{PARTICIPANTS}</p>\n{}</section>\n",
            self.header(),
            if marks { OPINIONS } else { STRENGTHS },
            methods(&self.all, marks),
            if marks { DIFFERENCES_OF_MARKS } else { DIFFERENCES },
            matrix(&self.all, marks),
            participants(&self.participants),
        );
        fill(include_str!("page.html"), |key| match key {
            "title" => &title,
            "css" => &css,
            "main" => &main,
            "how" if marks => HOW_MARKS,
            "how" => HOW,
            _ => "",
        })
    }

    fn header(&self) -> String {
        let lead = match self.design {
            Design::Pairs => {
                "People chose the better one of two restorations of a photo, not knowing whose they were."
            }
            Design::BestOf => {
                "People chose the best of all restorations of a photo, not knowing whose they were."
            }
            Design::Mos => "People gave marks to restorations of photos, not knowing whose they were.",
        };
        let ranking = &self.all;
        let facts = [
            ("Participants", ranking.voters.to_string()),
            ("Answers", ranking.votes.to_string()),
            ("Photos", ranking.photos.to_string()),
            ("Page made", date(SystemTime::now())),
        ];
        let facts = facts.map(|(name, value)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>")).concat();
        let notes: String = self.notes().iter().map(|note| format!("<li>{}</li>", escape(note))).collect();
        let notes = if notes.is_empty() { notes } else { format!("<ul class=\"notes\">{notes}</ul>") };
        let title = escape(&self.title);
        format!(
            "<header class=\"top\"><h1>{title}</h1>\n<p class=\"lead\">{lead}</p>\n<dl class=\"facts\">{facts}</dl>\n\
             {notes}</header>\n"
        )
    }
}

const STRENGTHS: &str = "Strengths of Bradley and Terry, in log odds: their mean is 0, and a method that lies 1.1 above \
     another is preferred to it three times of four. Lines are 95 % intervals.";
const OPINIONS: &str = "Mean opinion scores from 1 (bad) to 5 (excellent). Lines are 95 % intervals.";
const DIFFERENCES: &str = "How often the method of the row is preferred to that of the column, and by how much it lies \
     above it. Coloured: significant, corrected for the number of comparisons (Holm, p &lt; 0.05).";
const DIFFERENCES_OF_MARKS: &str = "By how many marks the method of the row lies above that of the column. Coloured: \
     significant, corrected for the number of comparisons (Holm, p &lt; 0.05).";
const PARTICIPANTS: &str = "Some questions came twice, with sides swapped, and some had the reference against a badly \
     spoiled picture. Flagged is who failed one of the latter, or gave the same answer again no more often than chance \
     would, of at least five.";
const HOW: &str = "Bradley–Terry and Thurstone (case V, unit: the standard deviation of a difference of two \
     impressions) by penalised maximum likelihood. Intervals and p: bootstrap over participants and photos at once, \
     scaled by Student's t for the fewer of the two. A tie is half a preference each way; repeats and checks are not counted.";
const HOW_MARKS: &str = "Means over answers. Intervals and p: bootstrap over participants and photos at once, scaled by \
     Student's t for the fewer of the two. Repeats and checks are not counted.";

/// Two digits and a sign, the minus as long as the plus; nothing has no sign.
fn signed(value: f64) -> String {
    let text = format!("{value:+.2}");
    if text.ends_with("0.00") && value.abs() < 1.0 { "0.00".to_string() } else { text.replace('-', "−") }
}

fn interval(estimate: Option<Estimate>, signs: bool) -> String {
    let number = |value: f64| if signs { signed(value) } else { format!("{value:.2}") };
    match estimate {
        Some(Estimate { value, low: Some(low), high: Some(high) }) => {
            format!("{}<small>{} to {}</small>", number(value), number(low), number(high))
        }
        Some(Estimate { value, .. }) => format!("{}<small>no interval</small>", number(value)),
        None => "–".to_string(),
    }
}

/// The best method first.
fn methods(ranking: &Ranking, marks: bool) -> String {
    let scale = |method: &Method| if marks { method.opinion } else { method.bradley_terry };
    let mut order: Vec<&Method> = ranking.methods.iter().collect();
    let value = |method: &Method| scale(method).map_or(f64::NEG_INFINITY, |estimate| estimate.value);
    order.sort_by(|a, b| value(b).total_cmp(&value(a)));
    let ends = ranking.methods.iter().filter_map(scale);
    let (low, high) = match marks {
        true => (1.0, 5.0),
        false => ends.fold((-0.5_f64, 0.5_f64), |(low, high), estimate| {
            let [from, to] = estimate.interval().unwrap_or([estimate.value; 2]);
            (low.min(from), high.max(to))
        }),
    };
    let rows = order.into_iter().map(|method| {
        let estimate = scale(method);
        let cells = if marks {
            format!("<td>{}</td><td>{}</td>", interval(estimate, false), method.trials)
        } else {
            let (thurstone, share) =
                (interval(method.thurstone, true), 100.0 * method.wins / method.trials.max(1.0));
            let wins = format!("{} of {}<small>{share:.0} %</small>", method.wins, method.trials);
            format!("<td>{}</td><td>{thurstone}</td><td>{wins}</td>", interval(estimate, true))
        };
        let plot = estimate.map_or_else(String::new, |estimate| plot(estimate, low, high));
        format!(
            "<tr><th scope=\"row\">{}</th><td class=\"plot\">{plot}</td>{cells}</tr>\n",
            escape(&method.name)
        )
    });
    let head = match marks {
        true => "<th scope=\"col\">Mean</th><th scope=\"col\">Marks</th>",
        false => {
            "<th scope=\"col\">Bradley–Terry</th><th scope=\"col\">Thurstone</th><th scope=\"col\">Preferred</th>"
        }
    };
    format!(
        "<div class=\"scroll\"><table class=\"study\"><thead><tr><th scope=\"col\">Method</th><td></td>{head}</tr></thead>\n\
         <tbody>\n{}</tbody></table></div>\n",
        rows.collect::<String>()
    )
}

/// A dot and its interval between `low` and `high`; 0 has a line where it is in between.
fn plot(estimate: Estimate, low: f64, high: f64) -> String {
    let value = estimate.value;
    let [from, to] = estimate.interval().unwrap_or([value; 2]);
    let x = |value: f64| 100.0 * (value - low) / (high - low).max(f64::MIN_POSITIVE);
    let line = |class: &str, a: f64, b: f64, half: f64| {
        let (a, b, top, bottom) = (x(a), x(b), 20.0 - half, 20.0 + half);
        format!("<line class=\"{class}\" x1=\"{a:.2}\" y1=\"{top}\" x2=\"{b:.2}\" y2=\"{bottom}\"/>")
    };
    let zero = if low < 0.0 && high > 0.0 { line("zero", 0.0, 0.0, 20.0) } else { String::new() };
    format!(
        "<svg viewBox=\"0 0 100 40\" preserveAspectRatio=\"none\" aria-hidden=\"true\">{zero}{}{}</svg>",
        line("interval", from, to, 0.0),
        line("dot", value, value, 0.0),
    )
}

fn matrix(ranking: &Ranking, marks: bool) -> String {
    let names = || ranking.methods.iter().map(|method| method.name.as_str());
    let head: String = names().map(|name| format!("<th scope=\"col\">{}</th>", escape(name))).collect();
    let rows = names().map(|row| {
        let cells = names().map(|column| match ranking.difference(row, column) {
            Some(difference) => cell(&difference, marks),
            None if row == column => "<td class=\"self\"></td>".to_string(),
            None => "<td>–</td>".to_string(),
        });
        format!("<tr><th scope=\"row\">{}</th>{}</tr>\n", escape(row), cells.collect::<String>())
    });
    format!(
        "<div class=\"scroll\"><table class=\"study\"><thead><tr><td></td>{head}</tr></thead>\n<tbody>\n{}</tbody></table></div>\n",
        rows.collect::<String>()
    )
}

fn cell(difference: &Difference, marks: bool) -> String {
    let value = difference.difference.value;
    let class = match (difference.significant, value > 0.0) {
        (false, _) => "",
        (true, true) => "gain",
        (true, false) => "loss",
    };
    let main = if marks { signed(value) } else { format!("{:.0} %", 100.0 / (1.0 + (-value).exp())) };
    let by = if marks { String::new() } else { format!("{}, ", signed(value)) };
    let p = match difference.p_holm {
        None => String::new(),
        Some(p) if p < 0.001 => "<br>p &lt; 0.001".to_string(),
        Some(p) => format!("<br>p = {p:.3}"),
    };
    let interval = match difference.difference.interval() {
        Some([low, high]) => format!("{} to {}", signed(low), signed(high)),
        None => "no interval".to_string(),
    };
    format!("<td class=\"{class}\">{main}<small>{by}{interval}{p}</small></td>")
}

fn participants(participants: &[Participant]) -> String {
    let rows = participants.iter().map(|one| {
        let of = |part: usize, whole: usize| if whole == 0 { "–".to_string() } else { format!("{part} of {whole}") };
        let class = if one.flagged() { " class=\"loss\"" } else { "" };
        format!(
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{:.1} s</td><td class=\"text\"><span{class}>{}</span></td></tr>\n",
            one.number,
            one.votes,
            of(one.agreed, one.repeats),
            of(one.passed, one.checks),
            one.median_ms as f64 / 1000.0,
            escape(&one.doubts.join("; ")),
        )
    });
    format!(
        "<div class=\"scroll\"><table class=\"study\"><thead><tr><th scope=\"col\">Number</th><th scope=\"col\">Answers</th>\
         <th scope=\"col\">Same again</th><th scope=\"col\">Checks passed</th><th scope=\"col\">Median time</th>\
         <td class=\"text\">Flagged</td></tr></thead>\n<tbody>\n{}</tbody></table></div>\n",
        rows.collect::<String>()
    )
}
