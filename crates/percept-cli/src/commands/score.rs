//! `percept score`: photos against their references or by themselves, every number with its protocol.

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use percept_image::{Better, LeftOut, Metric};
use percept_judge::{ImageScores, Kept, PairFault, Pairs, Panel, PresetValue, Scores, Single};

use super::distribution;
use crate::args::{Global, ScoreArgs};
use crate::failure::Failure;
use crate::output::{counted, csv_line, deliver, print, table, writable};
use crate::progress::Progress;
use crate::screen::say;
use crate::{bundle, interrupt, kept, parallel};

/// What stands for a score that a photo does not allow.
const MISSING: &str = "–";

/// Most photos that are read and scored at a time; what they take in memory is bounded by it.
const AT_A_TIME: usize = 8;

/// Runs the command.
pub fn run(global: &Global, args: &ScoreArgs) -> Result<(), Failure> {
    percept_conv::keep_memory();
    let device = global.device()?;
    let format = Format::of(args);
    args.output.as_deref().map_or(Ok(()), writable)?;
    let names = match &args.preset {
        Some(preset) => preset.metrics(),
        None => args.metric.iter().map(|name| name.trim().to_string()).collect(),
    };
    let store = bundle::store(global.weights.as_deref())?;
    let panel = Panel::new(&names, args.crop, &store, &device).map_err(Failure::call)?;
    let photos = Photos::find(args, &panel)?;
    photos.fit(&panel)?;
    let maps = args.maps.as_deref();
    maps.map_or(Ok(()), |folder| drawable(folder, args, &panel))?;

    let kept = kept::open(global, args.no_cache);
    let stop = interrupt::listen("finishing what is begun")?;
    let (images, end) = judge(&panel, &photos, maps, kept.as_ref(), stop);
    let (set, end) = match (panel.distribution(), &args.reference) {
        (Some(distribution), Some(reference)) if !interrupt::asked(stop) => {
            let (distance, set_end) = distribution::between(distribution, reference, &args.test, stop)?;
            (distance.map(|distance| (distribution, distance)), end.and(set_end))
        }
        _ => (None, end),
    };
    if !images.is_empty() || set.is_some() {
        let columns: Vec<_> = panel.metrics().map(|metric| metric.name().to_string()).collect();
        let scores = Scores::new(&panel, images);
        let scores = match set {
            Some((distribution, distance)) => scores.with_distribution(distribution, distance),
            None => scores,
        };
        let scores = match &args.preset {
            Some(preset) => scores.with_preset(preset),
            None => scores,
        };
        let text = format.text(&scores, &columns)?;
        match &args.output {
            Some(path) => deliver(path, text.as_bytes())?,
            None => print(&text)?,
        }
    }
    end
}

/// What is to be scored.
enum Photos {
    Pairs(Pairs),
    Singles(Vec<Single>, Vec<LeftOut>),
}

impl Photos {
    fn find(args: &ScoreArgs, panel: &Panel) -> Result<Self, Failure> {
        match &args.reference {
            // Two sets as a whole need no pairs.
            Some(_) if panel.metrics().next().is_none() => Ok(Self::Singles(Vec::new(), Vec::new())),
            Some(reference) => Pairs::find(reference, &args.test).map(Self::Pairs),
            None => Single::find(&args.test).map(|(singles, left_out)| Self::Singles(singles, left_out)),
        }
        .map_err(Failure::call)
    }

    /// Fails where scores need what is not there, and says which files have no partner.
    fn fit(&self, panel: &Panel) -> Result<(), Failure> {
        let left_out = match self {
            Self::Pairs(Pairs { left_out, .. }) | Self::Singles(_, left_out) => left_out,
        };
        left_out.iter().for_each(|left| say(&format!("left out: {left}")));
        match self {
            Self::Pairs(pairs) => mismatches(pairs),
            Self::Singles(singles, _) if singles.is_empty() => {}
            Self::Singles(..) => {
                let comparing: Vec<_> = panel.comparing().collect();
                if !comparing.is_empty() {
                    return Err(Failure::call(format!(
                        "without --ref there is nothing to compare with, and these scores compare: {}; add --ref DIR, \
                         or ask for scores without reference (`percept metrics` lists them)",
                        comparing.join(", ")
                    )));
                }
            }
        }
        Ok(())
    }

    fn count(&self) -> usize {
        match self {
            Self::Pairs(pairs) => pairs.pairs.len(),
            Self::Singles(singles, _) => singles.len(),
        }
    }

    fn name(&self, at: usize) -> &str {
        match self {
            Self::Pairs(pairs) => &pairs.pairs[at].name,
            Self::Singles(singles, _) => &singles[at].name,
        }
    }

    fn score(
        &self,
        at: usize,
        panel: &Panel,
        maps: Option<&Path>,
        kept: Option<&Kept>,
    ) -> Result<ImageScores, PairFault> {
        match self {
            Self::Pairs(pairs) => pairs.pairs[at].score(panel, maps, kept),
            Self::Singles(singles, _) => singles[at].score(panel, kept),
        }
    }
}

/// Scores all photos; those that cannot be are named on the way. The second part is how the command ends.
fn judge(
    panel: &Panel,
    all: &Photos,
    maps: Option<&Path>,
    kept: Option<&Kept>,
    stop: &AtomicBool,
) -> (Vec<ImageScores>, Result<(), Failure>) {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let workers = if panel.has_network() { 1 } else { cores.min(AT_A_TIME) };
    let mut progress = Progress::new("score", all.count(), 0);
    let (mut images, mut skipped, mut partly) = (Vec::new(), 0, 0);
    let hear = |at: usize, result: Result<ImageScores, PairFault>| {
        match result {
            Ok(scores) => {
                partly += usize::from(!scores.missing.is_empty());
                for why in scores.missing.values() {
                    say(&format!("missing of {}: {why}", all.name(at)));
                }
                images.push(scores);
            }
            Err(fault) => {
                skipped += 1;
                say(&format!("skipped {}: {}", all.name(at), Failure::work(fault).line()));
            }
        }
        progress.set(at + 1, all.name(at));
    };
    let heard = parallel::in_order(all.count(), workers, stop, |at| all.score(at, panel, maps, kept), hear);
    progress.finish();
    let (scored, open, all) = (images.len(), all.count() - heard, counted(all.count(), "photo"));
    let partly = if partly > 0 { format!(", {partly} of them not by all scores") } else { String::new() };
    let end = if open > 0 {
        let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
        Err(Failure::work(format!(
            "stopped: {scored} of {all} scored{partly}{skipped}; {}",
            match kept {
                Some(_) => "these scores are kept, and the same call goes on",
                None => "a new call begins with the first photo again",
            }
        )))
    } else if skipped > 0 {
        Err(Failure::work(format!(
            "{skipped} of {all} skipped, {scored} scored{partly}; replace or remove the files named above"
        )))
    } else if !partly.is_empty() {
        Err(Failure::work(format!(
            "{scored} of {all} scored{partly}; ask for other scores, or leave out the photos named above"
        )))
    } else {
        Ok(())
    };
    (images, end)
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
        say(&format!("{side}, not scored: {}", counted(files.len(), "photo")));
        for file in files {
            say(&format!("  {}", file.file_name().unwrap_or_default().to_string_lossy()));
        }
    }
}

/// Makes the folder for maps, and says which scores have none.
fn drawable(folder: &Path, args: &ScoreArgs, panel: &Panel) -> Result<(), Failure> {
    let mapless: Vec<_> =
        panel.metrics().filter(|metric| metric.spatial().is_none()).map(Metric::name).collect();
    if panel.metrics().all(|metric| metric.spatial().is_none()) {
        return Err(Failure::call(
            "--maps: none of these scores has a map; add ssim-y, gmsd, lpips-alex or vgg",
        ));
    }
    if !mapless.is_empty() {
        say(&format!("no maps of {}, which are not computed place by place", mapless.join(", ")));
    }
    let same = |place: &Path| {
        fs::canonicalize(place).ok().is_some_and(|place| fs::canonicalize(folder).ok() == Some(place))
    };
    fs::create_dir_all(folder).map_err(|error| {
        Failure::work(format!("{}: {error}; name a folder for the maps", folder.display()))
    })?;
    if same(&args.test) || args.reference.as_deref().is_some_and(same) {
        return Err(Failure::call(format!(
            "{}: maps would lie among the pictures that are scored; name another folder",
            folder.display()
        )));
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
        let cell = |score: Option<&f64>| score.map_or(MISSING.to_string(), |score| format!("{score:.4}"));
        let cells = columns.iter().map(|column| cell(image.get(column)));
        std::iter::once(name).chain(cells).collect::<Vec<_>>()
    };
    let mut rows: Vec<_> = scores.images.iter().map(|image| row(image.name.clone(), &image.scores)).collect();
    rows.push(row(format!("mean of {}", counted(scores.images.len(), "photo")), &scores.mean));
    let header: Vec<_> = std::iter::once("photo").chain(columns.iter().map(String::as_str)).collect();
    let protocols = columns.iter().chain(scores.sets.keys()).filter_map(|column| {
        let info = scores.metrics.get(column)?;
        Some(vec![column.clone(), direction(info.better).to_string(), info.protocol.clone()])
    });
    let protocols = table(&["score", "better", "protocol"], &protocols.collect::<Vec<_>>(), 3);
    let sets = scores.sets.iter().map(|(name, value)| vec![name.clone(), format!("{value:.4}")]);
    let sets: Vec<_> = sets.collect();
    let mut parts = Vec::new();
    if !columns.is_empty() {
        let fewer = columns.iter().filter_map(|column| {
            let count = scores.column(column).len();
            (count < scores.images.len()).then(|| format!("\n{column}: mean of {}", counted(count, "photo")))
        });
        parts.push(format!("{}{}", table(&header, &rows, 1), fewer.collect::<String>()));
    }
    if !sets.is_empty() {
        parts.push(table(&["of all photos", ""], &sets, 1));
    }
    parts.extend(scores.preset.as_ref().map(formula));
    parts.push(protocols);
    parts.join("\n\n")
}

/// A formula's parts, and its value if all of them are there.
fn formula(found: &PresetValue) -> String {
    let rows = found.parts.iter().map(|(label, value)| vec![(*label).to_string(), format!("{value:.4}")]);
    let (end, note) = match found.value {
        Some(_) => (format!("{}, the sum", found.name), String::new()),
        None => {
            let missing = found.missing.join(", ");
            let note = format!("\n{} is not complete: percept has no {missing} here", found.name);
            ("sum of these parts".to_string(), note)
        }
    };
    let rows: Vec<_> = rows.chain([vec![end, format!("{:.4}", found.sum)]]).collect();
    format!("{}{note}", table(&[&format!("{} of the means", found.name), ""], &rows, 1))
}

/// A line for every photo; the protocols are columns of their own, so that every line can stand alone. Scores of whole
/// sets have a table of their own, and so has a formula, behind an empty line.
fn csv(scores: &Scores, columns: &[String]) -> String {
    let sets = scores.sets.iter().filter_map(|(name, value)| {
        let info = scores.metrics.get(name)?;
        let protocol = format!("{}; {} is better", info.protocol, direction(info.better));
        Some(csv_line([name.clone(), value.to_string(), protocol].into_iter()))
    });
    let head = csv_line(["set score", "value", "protocol"].map(String::from).into_iter());
    let sets: Vec<_> = sets.collect();
    let sets = (!sets.is_empty()).then(|| format!("{head}\n{}", sets.join("\n")));
    let photos = (!columns.is_empty()).then(|| csv_of_photos(scores, columns));
    let formula = scores.preset.as_ref().map(|found| {
        let line =
            |part: &str, value: String| csv_line([found.name, part, &value].map(String::from).into_iter());
        let parts = found.parts.iter().map(|(part, value)| line(part, value.to_string()));
        let missing = found.missing.iter().map(|part| line(part, String::new()));
        let value = found.value.map(|value| value.to_string()).unwrap_or_default();
        let head = csv_line(["preset", "part", "value"].map(String::from).into_iter());
        let lines = [head].into_iter().chain(parts).chain(missing).chain([line("all", value)]);
        lines.collect::<Vec<_>>().join("\n")
    });
    photos.into_iter().chain(sets).chain(formula).collect::<Vec<_>>().join("\n\n")
}

fn csv_of_photos(scores: &Scores, columns: &[String]) -> String {
    let names = columns.iter().cloned();
    let protocols = columns.iter().map(|column| format!("{column} protocol"));
    let mut lines = vec![csv_line(std::iter::once("name".to_string()).chain(names).chain(protocols))];
    for image in &scores.images {
        let numbers =
            columns.iter().map(|column| image.scores.get(column).map(f64::to_string).unwrap_or_default());
        let protocols = columns.iter().filter_map(|column| scores.metrics.get(column));
        let protocols =
            protocols.map(|info| format!("{}; {} is better", info.protocol, direction(info.better)));
        lines.push(csv_line(std::iter::once(image.name.clone()).chain(numbers).chain(protocols)));
    }
    lines.join("\n")
}

/// Which direction is the better one, in a word.
pub fn direction(better: Better) -> &'static str {
    match better {
        Better::Higher => "higher",
        Better::Lower => "lower",
    }
}
