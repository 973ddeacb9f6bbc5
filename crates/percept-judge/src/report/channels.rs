//! The selection as a picture: which channels count, how that came, and what they see.

use std::fmt::Write;

use percept_nn::disentangle::{Contrast, Score, SelectionConfig, SelectionRule, TapWeights};
use percept_run::log::SelectionLine;

use super::folder::{RunFolder, Selected};
use super::responses::{Part, Response, TapResponses, ranked};
use super::words;
use crate::page::chart::{Line, Scale, chart};
use crate::page::{escape, picture, short};

/// Channels a row of the grid.
const ROW: usize = 32;
/// Most columns of a heat map; of a longer history every so many are taken.
const COLUMNS: usize = 240;
/// Colours of what counts more and of what counts less than uniform.
const MORE: [u8; 3] = [38, 126, 214];
const LESS: [u8; 3] = [222, 122, 32];

/// What a run's channels answered, or why nobody knows.
pub(super) type Answers = Result<Vec<TapResponses>, String>;

/// The section; empty where no run selects.
pub(super) fn section(runs: &[RunFolder], seen: &[Vec<Answers>], part: Option<&Part>) -> String {
    let of_run = |(run, seen): (&RunFolder, &Vec<Answers>)| -> String {
        run.selections.iter().zip(seen).map(|(selected, seen)| one(run, selected, seen)).collect()
    };
    let parts: String = runs.iter().zip(seen).map(of_run).collect();
    if parts.is_empty() {
        return String::new();
    }
    let photo = part.map(|part| {
        format!(
            "<div class=\"pair\"><figure><img src=\"{}\" alt=\"{name}: target\"><figcaption>target</figcaption></figure>\
             <figure><img src=\"{}\" alt=\"{name}: input\"><figcaption>input</figcaption></figure>\
             <p class=\"hint\">The part of <b>{name}</b> that the channels below look at. Each channel's two maps share \
             their shades, bright where it answers strongly: the left one is its answer to the target, the right one \
             to the input. Where the two differ, the channel reacts to the distortion. A large reaction is not \
             yet a selected one: see below what each selection asks for.</p></div>",
            picture::photo(&part.target),
            picture::photo(&part.input),
            name = escape(&part.name),
        )
    });
    format!(
        "<section id=\"selection\" aria-labelledby=\"selection-title\"><h2 id=\"selection-title\">The selection</h2>\n<p>A \
         perceptual loss compares images in the channels of a frozen classification network. The selection gives \
         every channel a weight, learned while training; their mean is 1, so 1 means “as much as without a \
         selection”. <b class=\"more\">Blue</b> channels count more, <b class=\"less\">orange</b> ones less.</p>\n{}{parts}</section>\n",
        photo.unwrap_or_default()
    )
}

fn one(run: &RunFolder, selected: &Selected, seen: &Answers) -> String {
    let Selected { last, moments, .. } = selected;
    let span = span(last);
    let mixes = selected.config.as_ref().is_some_and(SelectionConfig::mixes);
    let name = match run.selections.len() {
        1 => run.name.clone(),
        _ => format!("{}, {}", run.name, selected.term),
    };
    let mut html = format!(
        "<div class=\"selected\"><h3>{}</h3><p class=\"hint\">{}{}</p>{}",
        escape(&name),
        asked(&last.rule),
        if mixes { MIXED } else { "" },
        legend(span)
    );
    if let Some(selection) = selected.config.as_ref().filter(|_| last.idle) {
        let _ = write!(html, "<p class=\"idle\"><b>Warning:</b> {}.</p>", escape(&selection.idle()));
    }
    if let Err(problem) = seen {
        let _ = write!(
            html,
            "<p class=\"hint\">What the channels answer cannot be shown: {}.</p>",
            escape(problem)
        );
    }
    for (at, tap) in last.taps.iter().enumerate() {
        let count = tap.weights.len();
        let above = tap.weights.iter().filter(|weight| **weight > 1.0).count();
        let ranked = ranked(&tap.weights);
        let weight = |channel: Option<&usize>| {
            f64::from(channel.and_then(|at| tap.weights.get(*at)).copied().unwrap_or(1.0))
        };
        let _ = write!(
            html,
            "<div class=\"tap\"><h4>{}</h4><p class=\"hint\">{count} channels, {above} of them above 1. The strongest \
             counts {} times, the weakest {} times. The weights are as concentrated as if {} {} shared \
             everything equally.</p><div class=\"maps\"><figure>{}<figcaption>Every channel at step {}, in the network's \
             own order</figcaption></figure>{}</div>",
            escape(&tap.name),
            short(weight(ranked.first())),
            short(weight(ranked.last())),
            short(tap.effective),
            if mixes { "directions" } else { "channels" },
            grid(&tap.weights, span),
            last.iter,
            history(moments, at, &ranked, span),
        );
        if let Ok(taps) = seen
            && let Some(responses) = taps.get(at)
        {
            let _ = write!(
                html,
                "<div class=\"ends\">{}{}</div>",
                strip("Most selected", &responses.most),
                strip("Least selected", &responses.least)
            );
        }
        html.push_str("</div>\n");
    }
    let _ = writeln!(html, "<div class=\"charts\">{}</div></div>", over_time(last, moments));
    html
}

/// What the weights of a projection are.
const MIXED: &str = " The selection is a projection, which also weighs products of different channels: shown is the \
                     diagonal of its matrix, what each channel counts by itself.";

/// What a rule asks a channel for.
fn asked(rule: &SelectionRule) -> String {
    match rule {
        SelectionRule::Contrast(contrast) => contrasted(*contrast).to_string(),
        SelectionRule::Closed { score, control } => {
            let control = control.map(|control| format!(" It is used {}.", control.words()));
            format!("In closed form: {}{}", scored(score), control.unwrap_or_default())
        }
    }
}

fn contrasted(contrast: Contrast) -> &'static str {
    match contrast {
        Contrast::Across => {
            "Contrast across contents: a channel rises when it tells the distorted version of one photo from the result \
             of another, whatever the photos show."
        }
        Contrast::Literal => {
            "Contrast to the letter of the abstract: a channel rises where the result is still on the distorted photo's \
             side, and falls where the distortion never showed."
        }
        Contrast::Conventional => {
            "Contrast on the same photo: a channel rises where the result is closer to the target than to the distorted \
             photo."
        }
        Contrast::None => "These weights were fixed before the training and did not move.",
    }
}

fn scored(score: &Score) -> &'static str {
    match score {
        Score::Literal { .. } => {
            "a channel rises where the result is still on the distorted photo's side, as the abstract says to the letter, \
             and falls where it has gone as far as the target or past it."
        }
        Score::Conventional { .. } => {
            "a channel rises where the result is closer to the target than to the distorted photo."
        }
        Score::Left { .. } => {
            "a channel rises where most of the distortion is left, whether the result fell short of the target or went past \
             it."
        }
        Score::Systematic { .. } => {
            "a channel rises where its error stays when features are averaged over windows, so that it is no accident of \
             single positions."
        }
        Score::Random { .. } => "the channels were ranked by chance, once and for all.",
    }
}

/// How many powers of two the colours reach: what nearly all weights of the last moment stay within.
fn span(last: &SelectionLine) -> f64 {
    let weights = last.taps.iter().flat_map(|tap| &tap.weights);
    let mut sizes: Vec<f64> = weights.map(|weight| power(f64::from(*weight)).abs()).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.get(sizes.len().saturating_sub(1) * 98 / 100).copied().unwrap_or(1.0).clamp(0.02, 4.0)
}

/// Logarithm to base 2, of weights that may be 0.
fn power(weight: f64) -> f64 {
    weight.max(1e-6).log2()
}

/// The colour of a weight and its opacity: 1 is transparent, so that both themes of the page look through.
fn tint(weight: f64, span: f64) -> [u8; 4] {
    let [r, g, b] = if weight >= 1.0 { MORE } else { LESS };
    [r, g, b, (255.0 * (power(weight).abs() / span).min(1.0)).round() as u8]
}

fn legend(span: f64) -> String {
    let steps = [-1.0, -0.5, 0.0, 0.5, 1.0].map(|step| {
        let weight = f64::exp2(step * span);
        let [r, g, b, alpha] = tint(weight, span);
        let (less, more) = (if step == -1.0 { "≤ " } else { "" }, if step == 1.0 { "≥ " } else { "" });
        format!(
            "<span><i style=\"background:rgba({r},{g},{b},{:.2})\"></i>{less}{more}{}</span>",
            f64::from(alpha) / 255.0,
            short((weight * 100.0).round() / 100.0)
        )
    });
    format!("<p class=\"legend\">Weight {}</p>", steps.concat())
}

/// All channels as squares.
fn grid(weights: &[f32], span: f64) -> String {
    let rows = weights.len().div_ceil(ROW);
    let columns = ROW.min(weights.len());
    let mut svg = format!(
        "<svg class=\"grid\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"Weights of {} channels\">",
        columns * 10,
        rows * 10,
        weights.len()
    );
    for (channel, weight) in weights.iter().enumerate() {
        let (x, y) = (channel % ROW * 10, channel / ROW * 10);
        let [r, g, b, alpha] = tint(f64::from(*weight), span);
        let _ = write!(
            svg,
            "<g><rect x=\"{x}\" y=\"{y}\" width=\"9\" height=\"9\"/><rect x=\"{x}\" y=\"{y}\" width=\"9\" height=\"9\" \
             style=\"fill:rgb({r},{g},{b});fill-opacity:{:.2}\"/><title>channel {channel}: weight {}</title></g>",
            f64::from(alpha) / 255.0,
            short(f64::from(*weight))
        );
    }
    svg + "</svg>"
}

/// How the weights of one tap moved: steps from left to right, channels from the most selected down.
fn history(moments: &[SelectionLine], tap: usize, ranked: &[usize], span: f64) -> String {
    let (Some(first), Some(last)) = (moments.first(), moments.last()) else { return String::new() };
    let columns = moments.len().min(COLUMNS);
    if columns < 2 {
        return String::new();
    }
    let chosen = |column: usize| moments.get(column * (moments.len() - 1) / (columns - 1));
    let mut bytes = Vec::with_capacity(columns * ranked.len() * 4);
    for channel in ranked {
        for column in 0..columns {
            let weight =
                chosen(column).and_then(|moment| moment.taps.get(tap)?.weights.get(*channel).copied());
            bytes.extend(tint(f64::from(weight.unwrap_or(1.0)), span));
        }
    }
    format!(
        "<figure class=\"history\"><img src=\"{}\" alt=\"Weights of all channels over the steps\"><figcaption>From step {} \
         (left) to {} (right); most selected channels on top, as they ended</figcaption></figure>",
        picture::rgba(&bytes, (columns, ranked.len())),
        first.iter,
        last.iter
    )
}

fn strip(title: &str, responses: &[Response]) -> String {
    let cards = responses.iter().map(|response| {
        let Response { channel, weight, maps } = response;
        let maps = match maps {
            Some([target, input]) => format!(
                "<img src=\"{target}\" alt=\"response to the target\"><img src=\"{input}\" alt=\"response to the input\">"
            ),
            None => "<span class=\"silent\">silent on this photo</span>".to_string(),
        };
        format!("<figure><div>{maps}</div><figcaption>{channel} <b>× {}</b></figcaption></figure>", short(*weight))
    });
    format!(
        "<div class=\"end\"><h5>{title}</h5><div class=\"cards\">{}</div></div>",
        cards.collect::<String>()
    )
}

/// Concentration and activity over time.
fn over_time(last: &SelectionLine, moments: &[SelectionLine]) -> String {
    let effective = last.taps.iter().enumerate().map(|(at, tap)| {
        let share = |moment: &SelectionLine| {
            let tap = moment.taps.get(at)?;
            Some((moment.iter as f64, tap.effective / tap.weights.len() as f64))
        };
        Line { name: &tap.name, colour: at, curve: moments.iter().filter_map(share).collect() }
    });
    let active = moments.iter().filter_map(|moment| Some((moment.iter as f64, moment.active?)));
    let active = Line { name: "active", colour: 3, curve: active.collect() };
    let (what, rule) = match &last.rule {
        SelectionRule::Contrast(contrast) => {
            ("Share of active triplets", format!("contrast: {}", words::shown(contrast)))
        }
        SelectionRule::Closed { score, .. } => {
            ("Share of scored channels", format!("score: {}", score.words()))
        }
    };
    chart(
        "Effective share of channels",
        "100 % is uniform; it falls as fewer channels carry the distance",
        &effective.collect::<Vec<_>>(),
        Scale::Share,
    ) + &chart(
        "Weight that moved",
        "share of a tap's weight that went to other channels since the last line of the log",
        &moved(last, moments),
        Scale::Linear,
    ) + &chart(what, &rule, &[active], Scale::Share)
}

/// By tap, half the sum of what all weights changed by from one line of the log to the next, as a share of their sum.
fn moved<'a>(last: &'a SelectionLine, moments: &[SelectionLine]) -> Vec<Line<'a>> {
    let tap = |(at, tap): (usize, &'a TapWeights)| {
        let moves = moments.iter().zip(moments.iter().skip(1)).filter_map(|(before, after)| {
            let (was, is) = (&before.taps.get(at)?.weights, &after.taps.get(at)?.weights);
            let change: f64 = was.iter().zip(is).map(|(was, is)| f64::from((was - is).abs())).sum();
            Some((after.iter as f64, 0.5 * change / is.len().max(1) as f64))
        });
        Line { name: &tap.name, colour: at, curve: moves.collect() }
    };
    last.taps.iter().enumerate().map(tap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_of_one_has_no_colour_and_the_ends_have_all() {
        assert_eq!(tint(1.0, 1.0)[3], 0);
        assert_eq!(tint(2.0, 1.0), [MORE[0], MORE[1], MORE[2], 255]);
        assert_eq!(tint(0.5, 1.0), [LESS[0], LESS[1], LESS[2], 255]);
        assert_eq!(tint(0.0, 1.0)[3], 255);
    }

    #[test]
    fn every_channel_has_its_square() {
        let svg = grid(&[1.0; 70], 1.0);
        assert_eq!(svg.matches("<title>").count(), 70);
        assert!(svg.contains("viewBox=\"0 0 320 30\""));
    }
}
