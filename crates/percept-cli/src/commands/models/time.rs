//! `percept models time`: how long a photo takes, and how much memory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use percept_conv::Precision;
use percept_image::{Image, Photo, Srgb, decode_photo, write_photo};

use super::measured::{Measured, Time};
use crate::args::TimeArgs;
use crate::bundle::{MODELS, VAL_PHOTOS};
use crate::failure::Failure;
use crate::output::{print, table};
use crate::screen::say;

/// How often memory is looked at.
const OFTEN: Duration = Duration::from_millis(10);

/// Runs the command.
pub fn run(args: &TimeArgs) -> Result<(), Failure> {
    let inside: Vec<_> = MODELS.iter().map(|model| PathBuf::from(model.name)).collect();
    let models = if args.model.is_empty() { inside } else { args.model.clone() };
    let folder = std::env::temp_dir().join(format!("percept-time-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|error| {
        Failure::work(format!("{}: {error}; set TMPDIR to another folder", folder.display()))
    })?;
    let timed = all(args, &models, &folder);
    // Nothing is left, whatever went wrong.
    let _ = std::fs::remove_dir_all(&folder);
    let times = timed?;
    let row = |time: &Time| {
        vec![
            time.model.clone(),
            format!("{}×{}", time.width, time.height),
            format!("{:.2}", time.seconds),
            format!("{:.2}", time.seconds / time.megapixels()),
            time.megabytes.map_or_else(|| "-".to_string(), |megabytes| format!("{megabytes:.0}")),
        ]
    };
    let rows: Vec<_> = times.iter().map(row).collect();
    let header = ["model", "photo", "seconds", "a megapixel", "peak MB"];
    print(&format!("{}\n{} threads, {}", table(&header, &rows, 1), threads(), processor()))?;
    let Some(file) = &args.save else { return Ok(()) };
    Measured::change(file, |measured| {
        let anew = |old: &Time| {
            times
                .iter()
                .any(|time| (&time.model, time.width, time.height) == (&old.model, old.width, old.height))
        };
        measured.time.retain(|old| !anew(old));
        measured.time.extend(times);
    })?;
    say(&format!("written: {}", file.display()));
    Ok(())
}

fn all(args: &TimeArgs, models: &[PathBuf], folder: &Path) -> Result<Vec<Time>, Failure> {
    let mut times = Vec::new();
    for megapixels in &args.megapixels {
        let photo = folder.join(format!("photo-{megapixels}.jpg"));
        let size = size(*megapixels);
        write_photo(&photo, &Photo::new(scene(size)?)).map_err(Failure::work)?;
        for model in models {
            say(&format!("{}, {megapixels} megapixels", model.display()));
            let each = (0..args.rounds).map(|_| once(model, &photo, folder, args.precision));
            let each = each.collect::<Result<Vec<_>, _>>()?;
            let seconds = each.iter().map(|(seconds, _)| *seconds).fold(f64::MAX, f64::min);
            let megabytes = each.iter().filter_map(|(_, megabytes)| *megabytes).reduce(f64::max);
            times.push(Time {
                model: named(model, args.precision),
                width: size.0,
                height: size.1,
                seconds,
                megabytes,
                threads: threads(),
                processor: processor(),
            });
        }
    }
    Ok(times)
}

/// How a row calls it.
fn named(model: &Path, precision: Precision) -> String {
    match precision {
        Precision::F32 => model.display().to_string(),
        _ => format!("{} {}", model.display(), precision.name()),
    }
}

/// A photo of 4:3 with about so many million pixels.
fn size(megapixels: f64) -> (usize, usize) {
    let unit = (megapixels * 1e6 / 12.0).sqrt().round().max(1.0) as usize;
    (4 * unit, 3 * unit)
}

/// A photo of any size: a bundled one, repeated.
fn scene((width, height): (usize, usize)) -> Result<Image<Srgb>, Failure> {
    let Some(asset) = VAL_PHOTOS.first() else {
        return Err(Failure::call("this build carries no photos; build it with the feature `bundled`"));
    };
    let photo = decode_photo(asset.name, asset.bytes).map_err(Failure::work)?.pixels;
    Ok(Image::from_fn(width, height, |x, y, c| {
        photo.pixel(x % photo.width(), y % photo.height()).get(c).copied().unwrap_or_default()
    }))
}

/// Seconds of one `percept apply`, and the most memory of it in megabytes.
fn once(
    model: &Path,
    photo: &Path,
    folder: &Path,
    precision: Precision,
) -> Result<(f64, Option<f64>), Failure> {
    let failed = |error: std::io::Error| Failure::work(format!("cannot run percept itself: {error}"));
    let mut command = Command::new(std::env::current_exe().map_err(failed)?);
    command.arg("apply").arg(model).arg(photo).arg("-o").arg(folder.join("result.jpg")).arg("--force");
    command.arg("--precision").arg(precision.name());
    let since = Instant::now();
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(failed)?;
    let mut most = None;
    let status = loop {
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        // The system keeps the peak itself, so that nothing between two looks is lost but the very end.
        most = peak(child.id()).or(most);
        std::thread::sleep(OFTEN);
    };
    match status.success() {
        true => Ok((since.elapsed().as_secs_f64(), most)),
        false => Err(Failure::work(format!(
            "`percept apply {} {}` failed; run it by itself to see why",
            model.display(),
            photo.display()
        ))),
    }
}

/// The most memory that a process has had, in megabytes.
fn peak(process: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? * 1024.0 / 1e6)
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn processor() -> String {
    let told = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = told.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| std::env::consts::ARCH.to_string(), |(_, model)| model.to_string())
}
