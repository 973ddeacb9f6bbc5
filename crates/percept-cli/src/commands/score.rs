//! `percept score`: photos against their references, every number with its protocol.

use std::collections::BTreeMap;
use std::path::Path;

use percept_image::{Better, write_atomic};
use percept_judge::{ImageScores, Pair, Pairs, Panel, Scores};

use crate::args::{Global, ScoreArgs};
use crate::failure::Failure;
use crate::output::{csv_line, print, table};
use crate::progress::Progress;
use crate::screen::say;
use crate::{bundle, interrupt};

/// Runs the command.
pub fn run(global: &Global, args: &ScoreArgs) -> Result<(), Failure> {
    percept_conv::keep_memory();
    let device = global.device()?;
    let pairs = Pairs::find(&args.reference, &args.test).map_err(Failure::call)?;
    let format = Format::of(args);
    args.output.as_deref().map_or(Ok(()), writable)?;
    let names: Vec<_> = args.metric.iter().map(|name| name.trim().to_string()).collect();
    let store = bundle::store(global.weights.as_deref());
    let panel = Panel::new(&names, args.crop, &store, &device).map_err(Failure::call)?;
    mismatches(&pairs);

    let (images, end) = judge(&panel, &pairs.pairs)?;
    if !images.is_empty() {
        let columns: Vec<_> = panel.metrics().map(|metric| metric.name().to_string()).collect();
        let text = format.text(&Scores::new(&panel, images), &columns)?;
        match &args.output {
            Some(path) => {
                write_atomic(path, text.as_bytes()).map_err(|error| {
                    Failure::work(format!("{}: cannot be written: {error}", path.display()))
                })?;
                print(&path.display().to_string())?;
            }
            None => print(&text)?,
        }
    }
    end
}

/// Scores all pairs; those that cannot be are named on the way. The second part is how the command ends.
fn judge(panel: &Panel, pairs: &[Pair]) -> Result<(Vec<ImageScores>, Result<(), Failure>), Failure> {
    let stop = interrupt::listen("finishing this photo")?;
    let mut progress = Progress::new("score", pairs.len(), 0);
    let (mut images, mut skipped) = (Vec::new(), 0);
    for pair in pairs {
        if interrupt::asked(stop) {
            break;
        }
        match pair.score(panel) {
            Ok(scores) => images.push(scores),
            Err(fault) => {
                skipped += 1;
                say(&format!("skipped {}: {}", pair.name, Failure::work(fault).line()));
            }
        }
        progress.set(images.len() + skipped, &pair.name);
    }
    progress.finish();
    let (scored, all) = (images.len(), photos(pairs.len()));
    let end = if scored + skipped < pairs.len() {
        let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
        Err(Failure::work(format!(
            "stopped: {scored} of {all} scored{skipped}; call it again to score the rest"
        )))
    } else if skipped > 0 {
        Err(Failure::work(format!(
            "{skipped} of {all} skipped, {scored} scored; replace or remove the files named above"
        )))
    } else {
        Ok(())
    };
    Ok((images, end))
}

/// Says which files have no partner.
fn mismatches(pairs: &Pairs) {
    if !pairs.ending.is_empty() {
        say(&format!(
            "names of results end in `{}`, which references lack: matched without it",
            pairs.ending
        ));
    }
    let sides = [("only in --ref", &pairs.only_reference), ("only in --test", &pairs.only_test)];
    for (side, files) in sides.into_iter().filter(|(_, files)| !files.is_empty()) {
        say(&format!("{side}, not scored: {}", photos(files.len())));
        for file in files {
            say(&format!("  {}", file.file_name().unwrap_or_default().to_string_lossy()));
        }
    }
}

/// Fails early where the result could not be written after minutes of work.
fn writable(path: &Path) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_dir() {
        return Err(Failure::call(format!("{}: is a folder; name a file for the scores", path.display())));
    }
    if !folder.is_dir() {
        return Err(Failure::call(format!("{}: no such folder; make it first", folder.display())));
    }
    Ok(())
}

/// How scores are written down.
#[derive(Clone, Copy)]
enum Format {
    Table,
    Json,
    Csv,
}

impl Format {
    /// What the flags say, else the ending of the file.
    fn of(args: &ScoreArgs) -> Self {
        let ending =
            args.output.as_deref().and_then(Path::extension).map(|ending| ending.to_ascii_lowercase());
        let ends =
            |with: &str| !args.json && !args.csv && ending.as_ref().is_some_and(|ending| ending == with);
        match (args.json || ends("json"), args.csv || ends("csv")) {
            (true, _) => Self::Json,
            (_, true) => Self::Csv,
            _ => Self::Table,
        }
    }

    fn text(self, scores: &Scores, columns: &[String]) -> Result<String, Failure> {
        let mut text = match self {
            Self::Table => human(scores, columns),
            Self::Json => serde_json::to_string_pretty(scores).map_err(Failure::work)?,
            Self::Csv => csv(scores, columns),
        };
        text.push('\n');
        Ok(text)
    }
}

/// A row for every photo, their mean, and how the numbers were made.
fn human(scores: &Scores, columns: &[String]) -> String {
    let row = |name: String, image: &BTreeMap<String, f64>| {
        let cells = columns.iter().filter_map(|column| image.get(column)).map(|score| format!("{score:.4}"));
        std::iter::once(name).chain(cells).collect::<Vec<_>>()
    };
    let mut rows: Vec<_> = scores.images.iter().map(|image| row(image.name.clone(), &image.scores)).collect();
    rows.push(row(format!("mean of {}", photos(scores.images.len())), &scores.mean));
    let header: Vec<_> = std::iter::once("photo").chain(columns.iter().map(String::as_str)).collect();
    let protocols = columns.iter().filter_map(|column| {
        let info = scores.metrics.get(column)?;
        Some(vec![column.clone(), direction(info.better).to_string(), info.protocol.clone()])
    });
    let protocols = table(&["score", "better", "protocol"], &protocols.collect::<Vec<_>>(), 3);
    format!("{}\n\n{protocols}", table(&header, &rows, 1))
}

/// A line for every photo; the protocols are columns of their own, so that every line can stand alone.
fn csv(scores: &Scores, columns: &[String]) -> String {
    let names = columns.iter().cloned();
    let protocols = columns.iter().map(|column| format!("{column} protocol"));
    let mut lines = vec![csv_line(std::iter::once("name".to_string()).chain(names).chain(protocols))];
    for image in &scores.images {
        let numbers = columns.iter().filter_map(|column| image.scores.get(column)).map(f64::to_string);
        let protocols = columns.iter().filter_map(|column| scores.metrics.get(column));
        let protocols =
            protocols.map(|info| format!("{}; {} is better", info.protocol, direction(info.better)));
        lines.push(csv_line(std::iter::once(image.name.clone()).chain(numbers).chain(protocols)));
    }
    lines.join("\n")
}

fn direction(better: Better) -> &'static str {
    match better {
        Better::Higher => "higher",
        Better::Lower => "lower",
    }
}

/// `1 photo`, `2 photos`.
fn photos(count: usize) -> String {
    format!("{count} photo{}", if count == 1 { "" } else { "s" })
}
