//! `percept data`: what photos to train on are worth, and how they are cut.

use std::sync::Mutex;
use std::sync::PoisonError;

use percept_run::config::RootConfig;
use percept_train::data::check::{Demands, Fault, Findings, check};
use percept_train::data::tile::{Cut, TileError, tile};
use percept_train::data::{DataError, Pairs};

use crate::args::{CheckArgs, DataAction, DataArgs, RootArgs, TileArgs};
use crate::failure::Failure;
use crate::output::{counted, print};
use crate::progress::Progress;
use crate::screen::say;

/// Runs the command.
pub fn run(args: &DataArgs) -> Result<(), Failure> {
    match &args.action {
        DataAction::Check(args) => checked(args),
        DataAction::Tile(args) => tiled(args),
    }
}

fn checked(args: &CheckArgs) -> Result<(), Failure> {
    let root = root(&args.root);
    let scale = usize::from(args.root.scale);
    let demands = Demands { min_side: args.min_side as usize, scale, ..Demands::default() };
    let findings = counting("check", &root, scale, |progress| check(&root, &demands, progress))?;
    let findings = findings.map_err(Failure::call)?;
    if args.json {
        print(&serde_json::to_string_pretty(&findings).map_err(Failure::work)?)?;
    } else {
        print(&page(&findings))?;
    }
    match findings.problems.len() {
        0 => Ok(()),
        count => Err(Failure::work(format!(
            "{} in {}",
            counted(count, "problem"),
            counted(findings.photos, "photo")
        ))),
    }
}

fn tiled(args: &TileArgs) -> Result<(), Failure> {
    let (root, scale) = (root(&args.root), usize::from(args.root.scale));
    let [size, step, rest] = [args.size, args.step, args.rest].map(|pixels| pixels as usize);
    if root.dataroot_lq.is_none() && scale > 1 {
        return Err(Failure::call("--scale is for pairs; name the folder of the counterparts by --lq"));
    }
    if let Some((name, pixels)) =
        [("size", size), ("step", step)].into_iter().find(|(_, n)| !n.is_multiple_of(scale))
    {
        return Err(Failure::call(format!(
            "--{name} must be a multiple of the scale {scale}; it is {pixels}"
        )));
    }
    let cut = Cut { size, step, rest, scale };
    let done = counting("tile", &root, scale, |progress| tile(&root, &cut, &args.out, progress))?;
    let done = done.map_err(|error| match error {
        TileError::Data(_) | TileError::NotEmpty { .. } | TileError::Otherwise { .. } => Failure::call(error),
        error => Failure::work(error),
    })?;
    done.skipped.iter().for_each(|skipped| say(&format!("left out: {skipped}")));
    let before = if done.before > 0 { format!(", {} of them before", done.before) } else { String::new() };
    say(&format!("{}{before}", counted(done.tiles, "tile")));
    print(&args.out.display().to_string())?;
    match (done.skipped.len(), done.tiles) {
        (_, 0) => Err(Failure::work("none of the photos could be cut; the reasons are above")),
        (0, _) => Ok(()),
        (count, _) => {
            let photos = counted(count, "photo");
            Err(Failure::work(format!("{photos} could not be cut; the reasons are above")))
        }
    }
}

/// Does `work` with a bar of as many steps as there are photos.
fn counting<T>(
    label: &str,
    root: &RootConfig,
    scale: usize,
    work: impl FnOnce(&(dyn Fn() + Sync)) -> T,
) -> Result<T, Failure> {
    let count = Pairs::open(root, scale, None).map_err(|error: DataError| Failure::call(error))?.len();
    let progress = Mutex::new((0, Progress::new(label, count, 0)));
    let done = work(&|| {
        let (done, bar) = &mut *progress.lock().unwrap_or_else(PoisonError::into_inner);
        *done += 1;
        bar.set(*done, "");
    });
    progress.into_inner().unwrap_or_else(PoisonError::into_inner).1.finish();
    Ok(done)
}

fn root(args: &RootArgs) -> RootConfig {
    RootConfig {
        dataroot_lq: args.lq.clone(),
        meta_info_file: args.list.clone(),
        recursive: args.recursive,
        ..RootConfig::new(&args.photos)
    }
}

/// The problems in words, fault by fault.
fn page(findings: &Findings) -> String {
    let mut lines = Vec::new();
    for fault in Fault::ALL {
        let of_it: Vec<_> = findings.problems.iter().filter(|problem| problem.fault == fault).collect();
        if of_it.is_empty() {
            continue;
        }
        lines.push(format!("{} {}:", of_it.len(), fault.about()));
        for problem in of_it {
            let first = problem.photos.first().map(|path| path.display().to_string()).unwrap_or_default();
            lines.push(format!("  {first}: {}", problem.what));
        }
        lines.push(String::new());
    }
    if lines.is_empty() {
        lines.push(format!("{}, nothing wrong was found", counted(findings.photos, "photo")));
    }
    lines.join("\n")
}
