//! The head of the page: what was trained and what is compared, in plain words.

use std::time::SystemTime;

use percept_run::Config;

use super::folder::RunFolder;
use super::words::{self, differences};
use crate::page::chart::colour;
use crate::page::{date, escape, list, short};

/// Small numbers as a text has them.
fn spelled(count: usize) -> String {
    let words = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    words.get(count).map_or_else(|| count.to_string(), ToString::to_string)
}

/// The title where the caller gives none.
pub(super) fn title(runs: &[RunFolder]) -> String {
    let names: Vec<String> = runs.iter().map(|run| run.name.clone()).collect();
    match names.len() {
        1 => format!("{}: what one training run learned", list(&names)),
        _ => format!("{}, compared", list(&names)),
    }
}

/// Title, explanation, the `first` thing to look at, and facts.
pub(super) fn header(
    title: &str,
    runs: &[RunFolder],
    photos: usize,
    notes: &[String],
    first: &str,
) -> String {
    let configs: Vec<&Config> = runs.iter().map(|run| &run.config).collect();
    let facts: String = facts(runs, photos)
        .into_iter()
        .map(|(name, value)| format!("<div><dt>{name}</dt><dd>{}</dd></div>", escape(&value)))
        .collect();
    let cards: String = runs.iter().enumerate().map(|(at, run)| card(at, run)).collect();
    let notes: String = notes.iter().map(|note| format!("<li>{}</li>", escape(note))).collect();
    let notes = if notes.is_empty() { notes } else { format!("<ul class=\"notes\">{notes}</ul>") };
    format!(
        "<header class=\"top\"><h1>{}</h1>\n{first}<p class=\"lead\">{}</p>\n\
         <dl class=\"facts\">{facts}</dl>\n<ul class=\"runs\">{cards}</ul>\n{notes}</header>\n",
        escape(title),
        escape(&explanation(&configs, photos)),
    )
}

fn explanation(configs: &[&Config], photos: usize) -> String {
    let task = configs.first().map_or_else(String::new, |config| words::task(config));
    let input = configs.first().map_or("the distorted photo", |config| words::input(config.task));
    let see = format!(
        "What is judged are the photos kept for validation, {} of them. “Input” is {input}; “target” is the photo as it \
         should come out. Look at the pictures first: numbers only count what they were made to count.",
        spelled(photos)
    );
    if configs.len() == 1 {
        return format!(
            "One network learned {task}. This page shows what it makes of its validation photos. {see}"
        );
    }
    let count = spelled(configs.len());
    let count = count.get(..1).unwrap_or_default().to_uppercase() + count.get(1..).unwrap_or_default();
    let differ: Vec<String> = differences(configs).into_iter().map(|(key, _)| key).collect();
    // A discriminator is part of the loss that asks for it.
    let loss = |key: &String| ["train.losses", "network_d"].iter().any(|part| key.starts_with(part));
    let how = if differ.is_empty() {
        "Their settings are equal".to_string()
    } else if differ.iter().all(loss) {
        "They differ in the loss alone: the network, where it starts, the photos and their order are the same"
            .to_string()
    } else if differ.iter().all(|key| key == "manual_seed") {
        "They differ in the seed alone: how far they lie apart is how far chance reaches".to_string()
    } else {
        "They differ in more than the loss; the settings below show in what".to_string()
    };
    format!("{count} training runs for {task}. {how}. {see}")
}

/// What holds for all runs, and where it does not, for each.
fn facts(runs: &[RunFolder], photos: usize) -> Vec<(&'static str, String)> {
    let all = |value: &dyn Fn(&RunFolder) -> String| {
        let mut values: Vec<String> = runs.iter().map(value).collect();
        values.dedup();
        values.join(" / ")
    };
    let scale = runs.first().map_or(1, |run| run.config.scale);
    vec![
        ("Task", all(&|run| words::task(&run.config))),
        ("Scale", format!("{scale}×")),
        ("Network", all(&|run| words::network(&run.config.network_g))),
        ("Steps", all(&|run| steps(run))),
        ("Seed", all(&|run| run.config.seed.to_string())),
        ("Photos", photos.to_string()),
        ("Page made", date(SystemTime::now())),
        ("percept", env!("CARGO_PKG_VERSION").to_string()),
    ]
}

/// `200`, or `150 of 200`.
fn steps(run: &RunFolder) -> String {
    let total = run.config.train.total_iter;
    if total > run.iter { format!("{} of {total}", run.iter) } else { run.iter.to_string() }
}

fn card(at: usize, run: &RunFolder) -> String {
    let start = match &run.config.path.pretrain_network_g {
        Some(path) => {
            let parts = path.components().rev().take(2).collect::<Vec<_>>().into_iter().rev();
            format!("starts from {}", parts.collect::<std::path::PathBuf>().display())
        }
        None => "starts untrained".to_string(),
    };
    let seconds = run.history.seconds.map(|seconds| format!("{} s a step", short(seconds)));
    let photos = run.time.map(|time| format!("photos of step {}, {}", run.iter, date(time)));
    let facts: Vec<String> = [Some(start), seconds, photos].into_iter().flatten().collect();
    format!(
        "<li class=\"{}\"><b><i></i>{}</b><span>{}</span><small>{}</small></li>",
        colour(at),
        escape(&run.name),
        escape(&words::losses(&run.config)),
        facts.iter().map(|fact| format!("<span>{}</span>", escape(fact))).collect::<String>(),
    )
}
