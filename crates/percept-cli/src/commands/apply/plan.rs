//! Which pictures there are, and where each result goes.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use percept_image::{Capacity, Reason, list_folder, photo_name};
use percept_nn::apply::{mark, result_name};

use super::job::Job;
use crate::args::{ApplyArgs, ResultFormat};
use crate::failure::Failure;
use crate::output::{counted, is_stream, name_left_out, refuse_existing, refuse_screen};

/// What there is to do.
pub(super) struct Plan {
    pub jobs: Vec<Job>,
    /// Pictures of the folders that cannot be read, all of them named.
    pub left_out: Vec<PathBuf>,
}

/// A picture, and the folder of the call that it was found in.
struct Found {
    path: PathBuf,
    root: Option<PathBuf>,
}

/// Every picture with its result, which is so many `times` as large; refuses what would overwrite something.
pub(super) fn plan(args: &ApplyArgs, times: f64) -> Result<Plan, Failure> {
    let (inputs, left_out) = inputs(args, times)?;
    let place = Place::of(args, times, inputs.len())?;
    let job = |found: Found| Job {
        output: place.result(&found),
        input: found.path,
        named: matches!(place, Place::File(_)),
        format: args.results.format,
    };
    let jobs: Vec<_> = inputs.into_iter().map(job).collect();
    refuse_clashes(&jobs, args.force)?;
    Ok(Plan { jobs, left_out })
}

/// Where results go.
enum Place<'a> {
    /// The only one: this file.
    File(&'a Path),
    /// Under the names of the pictures, with a suffix.
    Folder { folder: &'a Path, suffix: &'a str, format: Option<ResultFormat> },
    /// Beside each picture; of a folder, into a folder beside that.
    Beside { mark: String, suffix: Option<&'a str>, format: Option<ResultFormat> },
}

impl<'a> Place<'a> {
    fn of(args: &'a ApplyArgs, times: f64, pictures: usize) -> Result<Self, Failure> {
        let (suffix, format) = (args.results.suffix.as_deref(), args.results.format);
        let Some(out) = &args.output else {
            return Ok(Self::Beside { mark: mark(times), suffix, format });
        };
        // `-o result.png` is a file where one picture goes in, `-o results` a folder.
        let is_file = is_stream(out) || out.is_file() || (!out.is_dir() && Capacity::of(out).is_some());
        let named = is_file && matches!(&args.inputs[..], [input] if !input.is_dir());
        if is_file && !named {
            return Err(Failure::call(format!(
                "{}: is a file's name, and the results of {} need a folder; name one as -o",
                out.display(),
                counted(pictures, "picture")
            )));
        }
        refuse_screen(out, "a picture")?;
        if !named {
            return Ok(Self::Folder { folder: out, suffix: suffix.unwrap_or_default(), format });
        }
        let asked = format.and_then(|format| Capacity::of(format!("x.{}", format.extension())));
        match (Capacity::of(out), asked) {
            _ if suffix.is_some() => Err(Failure::call(format!(
                "{}: names the result already; leave --suffix out, or name a folder as -o",
                out.display()
            ))),
            (Some(named), Some(asked)) if named.format != asked.format => Err(Failure::call(format!(
                "{}: is the name of a {} file, and --format asks for {}; leave one of them out",
                out.display(),
                named.format,
                asked.format
            ))),
            _ => Ok(Self::File(out)),
        }
    }

    /// Where the result of a picture goes, if its format can hold it.
    fn result(&self, found: &Found) -> PathBuf {
        match self {
            Self::File(path) => path.to_path_buf(),
            Self::Folder { folder, suffix, format } => folder.join(named(&found.inside(), suffix, *format)),
            Self::Beside { mark, suffix, format } => match &found.root {
                None => named(&found.path, suffix.unwrap_or(mark), *format),
                Some(root) => {
                    with_mark(root, mark).join(named(&found.inside(), suffix.unwrap_or_default(), *format))
                }
            },
        }
    }
}

impl Found {
    /// The path below the folder that it was found in.
    fn inside(&self) -> PathBuf {
        let below = self.root.as_ref().and_then(|root| self.path.strip_prefix(root).ok());
        below.map_or_else(|| PathBuf::from(self.path.file_name().unwrap_or_default()), Path::to_path_buf)
    }
}

fn with_mark(folder: &Path, mark: &str) -> PathBuf {
    // `photos/.` and `..` have no name of their own.
    let whole = match folder.file_name() {
        Some(_) => folder.to_path_buf(),
        None => folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf()),
    };
    let mut name = whole.file_name().unwrap_or_default().to_os_string();
    name.push(mark);
    whole.with_file_name(name)
}

fn named(picture: &Path, suffix: &str, format: Option<ResultFormat>) -> PathBuf {
    result_name(picture, suffix, format.map(ResultFormat::extension))
}

/// Refuses results of one name, those that stand for an input, and those that would replace a file without `--force`: before
/// any work, and whatever their format turns out to be.
fn refuse_clashes(jobs: &[Job], force: bool) -> Result<(), Failure> {
    let mut alike: HashMap<String, usize> = HashMap::new();
    jobs.iter().for_each(|job| *alike.entry(key(&job.fallback().with_extension(""))).or_default() += 1);
    let inputs: HashMap<_, _> =
        jobs.iter().filter_map(|job| Some((job.input.canonicalize().ok()?, &job.input))).collect();
    let mut taken: HashMap<String, &Job> = HashMap::new();
    for job in jobs {
        let fallback = job.fallback();
        let may_clash = alike.get(&key(&fallback.with_extension(""))).is_some_and(|count| *count > 1)
            || fallback.exists();
        // Only a look into the picture tells; one that cannot be read is named when its turn comes.
        let output = match !job.named && may_clash && job.output != fallback {
            true => percept_image::read_photo(&job.input)
                .map_or_else(|_| job.output.clone(), |photo| job.place(&photo.head())),
            false => job.output.clone(),
        };
        // Where links lead to, if anything is there.
        let place = output.canonicalize().unwrap_or_else(|_| output.clone());
        if let Some(input) = inputs.get(&place) {
            return Err(Failure::call(format!(
                "the result of {} would replace the picture {}; name another folder as -o",
                job.input.display(),
                input.display()
            )));
        }
        if let Some(first) = taken.insert(key(&place), job) {
            return Err(Failure::call(format!(
                "two results would be called {}: those of {} and {}; run them one after the other with an -o of their own",
                output.display(),
                first.input.display(),
                job.input.display()
            )));
        }
        refuse_existing(&output, force)?;
    }
    Ok(())
}

/// Names that are one on some file systems: letters with marks are composed, and case does not count.
fn key(path: &Path) -> String {
    let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
    let name = format!("{}.{ending}", photo_name(path)).to_lowercase();
    path.with_file_name(name).display().to_string()
}

/// The files that the call names, and those of its folders. What a folder holds beside photos is named; the pictures of it
/// are the second part.
fn inputs(args: &ApplyArgs, times: f64) -> Result<(Vec<Found>, Vec<PathBuf>), Failure> {
    let (mut inputs, mut left_out) = (Vec::new(), Vec::new());
    for input in &args.inputs {
        if input.is_dir() {
            // Results of an earlier call are no pictures of this one.
            let own = args.output.clone().unwrap_or_else(|| with_mark(input, &mark(times)));
            let own = own.canonicalize().ok();
            let mut folders = vec![input.clone()];
            while let Some(folder) = folders.pop() {
                let mut listing = list_folder(&folder).map_err(Failure::call)?;
                if args.results.recursive {
                    let below = |path: &Path| !path.is_symlink() && path.is_dir();
                    let (inner, others): (Vec<_>, _) = listing
                        .left_out
                        .into_iter()
                        .partition(|left| left.reason == Reason::Folder && below(&left.path));
                    let inner = inner.into_iter().map(|left| left.path).rev();
                    folders.extend(inner.filter(|path| path.canonicalize().ok() != own));
                    listing.left_out = others;
                }
                name_left_out(&listing);
                let pictures = listing.left_out.into_iter().filter(|left| left.reason != Reason::Folder);
                left_out.extend(pictures.map(|left| left.path));
                inputs
                    .extend(listing.photos.into_iter().map(|path| Found { path, root: Some(input.clone()) }));
            }
        } else if input.exists() {
            inputs.push(Found { path: input.clone(), root: None });
        } else {
            return Err(Failure::call(format!(
                "{}: no such file or folder; check the path",
                input.display()
            )));
        }
    }
    match inputs.is_empty() {
        false => Ok((inputs, left_out)),
        true => Err(Failure::call(
            "there are no pictures in what was given; name files or folders that hold some",
        )),
    }
}
