//! Making a study out of folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use percept_image::degrade::Jpeg;
use percept_image::resize::{Filter, imresize, resize};
use percept_image::{Degradation, DegradationConfig, Image, Photo, Pipeline, Srgb, read_srgb, rng_for};
use percept_image::{write_atomic, write_photo};
use rayon::prelude::*;

use super::database::{DATABASE, Database, StudyPhoto};
use super::plan::Plan;
use super::settings::SETTINGS;
use super::trial::Role;
use super::{Id, Settings, StudyError};
use crate::Pairs;

/// Name of the folder of pictures in the study's folder.
pub(super) const IMAGES: &str = "images";

/// How many times the reference of a check is shrunk before it is enlarged again, and its JPEG quality.
const SPOILED: (usize, f64) = (8, 8.0);

/// What a study is made of.
#[derive(Clone, Debug)]
pub struct Material {
    /// Folder of the photos as they should be.
    pub reference: PathBuf,
    /// Names of the methods and the folders of their results.
    pub methods: Vec<(String, PathBuf)>,
    /// Folder of what the methods were given, to be shown on demand.
    pub input: Option<PathBuf>,
}

/// A study that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// How many photos it has.
    pub photos: usize,
    /// How many trials the first participant will have, of any kind.
    pub trials: usize,
    /// What was left out, in words.
    pub notes: Vec<String>,
}

/// Files of one photo.
struct Files {
    name: String,
    pictures: Vec<(Role, PathBuf)>,
}

impl Material {
    /// Makes the study in `folder`, whole or not at all: settings, database, and pictures under names that say
    /// nothing, re-encoded as 8-bit PNG so that neither format nor metadata tells the methods apart.
    ///
    /// Results are matched with their references by name, as [`Pairs::find`] does. A photo that a method lacks is
    /// left out and named. An input smaller than its reference is enlarged by repeating pixels.
    ///
    /// # Errors
    /// When names or settings make no sense, `folder` is not empty, a folder does not go with the references, no
    /// photo is common to all methods, a file is broken, or a result has not its reference's size.
    pub fn make(&self, folder: &Path, settings: &Settings) -> Result<Made, StudyError> {
        self.check(folder, settings)?;
        let (files, notes) = self.files()?;
        let names: Vec<String> = self.methods.iter().map(|(name, _)| name.clone()).collect();
        let photos = files.len();
        let plan = Plan { settings, methods: names.len(), photos, spoiled: settings.checks.min(photos) };

        let parent =
            folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(io(parent))?;
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o777));
        let temporary = builder.prefix(".percept-").suffix(".tmp").tempdir_in(parent);
        let temporary = temporary.map_err(|source| io(folder)(source).placed(parent, folder))?;
        let made = Self::fill(temporary.path(), settings, &names, &files, &plan);
        made.map_err(|error| error.placed(temporary.path(), folder))?;

        // Empty, or the check would have failed; not every system renames onto a folder.
        let _ = fs::remove_dir(folder);
        fs::rename(temporary.path(), folder).map_err(io(folder))?;
        let _ = temporary.keep();
        Ok(Made { photos, trials: plan.trials(1).len(), notes })
    }

    /// Writes everything that a study has into the folder `place`.
    fn fill(
        place: &Path,
        settings: &Settings,
        names: &[String],
        files: &[Files],
        plan: &Plan<'_>,
    ) -> Result<(), StudyError> {
        let images = place.join(IMAGES);
        fs::create_dir(&images).map_err(io(&images))?;
        let checked = plan.checked_photos();
        let stored: Vec<_> = files
            .par_iter()
            .enumerate()
            .map(|(number, files)| files.store(&images, settings.seed, checked.contains(&number)))
            .collect::<Result<_, _>>()?;
        let database = Database::create(place, settings, names)?;
        for (number, (photo, pictures)) in stored.iter().enumerate() {
            database.add_photo(number, photo, pictures)?;
        }
        drop(database);
        let toml = place.join(SETTINGS);
        let text = settings.text().map_err(|problem| StudyError::Choice { problem })?;
        write_atomic(&toml, text.as_bytes()).map_err(io(&toml))
    }

    fn check(&self, folder: &Path, settings: &Settings) -> Result<(), StudyError> {
        if let Some(problem) = settings.problem() {
            return Err(StudyError::Choice { problem });
        }
        let design = settings.design;
        for (at, (name, _)) in self.methods.iter().enumerate() {
            if !is_name(name) {
                return Err(StudyError::Name { name: name.clone() });
            }
            if self.methods.iter().take(at).any(|(other, _)| other == name) {
                return Err(StudyError::Twice { name: name.clone() });
            }
        }
        if self.methods.len() < design.fewest() {
            return Err(StudyError::TooFew { design: design.name(), fewest: design.fewest() });
        }
        let free = match fs::read_dir(folder) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        };
        if free { Ok(()) } else { Err(StudyError::Exists { folder: folder.to_path_buf() }) }
    }

    /// Which files belong together, by name, and what is left out.
    fn files(&self) -> Result<(Vec<Files>, Vec<String>), StudyError> {
        let (mut notes, mut missing) = (Vec::new(), Vec::new());
        let mut photos: BTreeMap<String, Vec<(Role, PathBuf)>> = BTreeMap::new();
        let methods =
            self.methods.iter().enumerate().map(|(at, (name, dir))| (Role::Method(at), &**name, dir));
        let input = self.input.iter().map(|dir| (Role::Input, "input", dir));
        for (role, name, dir) in methods.chain(input) {
            let pairs = Pairs::find(&self.reference, dir)
                .map_err(|error| StudyError::Pair { name: name.to_string(), error })?;
            let file = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            missing.extend(pairs.only_reference.iter().map(|path| format!("{name} lacks {}", file(path))));
            let unknown = pairs.only_test.iter();
            notes.extend(unknown.map(|path| format!("{name}: {} has no reference, left out", file(path))));
            for pair in pairs.pairs {
                let pictures =
                    photos.entry(pair.name).or_insert_with(|| vec![(Role::Reference, pair.reference)]);
                pictures.push((role, pair.test));
            }
        }
        let of_each = 1 + self.methods.len() + usize::from(self.input.is_some());
        photos.retain(|_, pictures| pictures.len() == of_each);
        if photos.is_empty() {
            let methods = self.methods.iter().map(|(name, _)| name.clone()).collect();
            let missing = missing.into_iter().next().unwrap_or_default();
            return Err(StudyError::NothingCommon { methods, missing });
        }
        notes.extend(missing.into_iter().map(|missing| format!("{missing}: this photo is left out")));
        Ok((photos.into_iter().map(|(name, pictures)| Files { name, pictures }).collect(), notes))
    }
}

/// The error of a file or folder that the system refuses.
fn io(path: &Path) -> impl FnOnce(std::io::Error) -> StudyError + use<> {
    let path = path.to_path_buf();
    move |source| StudyError::Io { path, source }
}

impl Files {
    /// Writes the photo's pictures into `images`, a spoiled reference too if it is `checked`.
    fn store(
        &self,
        images: &Path,
        seed: u64,
        checked: bool,
    ) -> Result<(StudyPhoto, Vec<(Role, Id)>), StudyError> {
        let mut ids = Vec::new();
        let mut keep = |role: Role, pixels: Image<Srgb>| {
            let id = Id::random()?;
            write_photo(images.join(format!("{id}.png")), &Photo::new(pixels))?;
            ids.push((role, id));
            Ok::<_, StudyError>(())
        };
        let mut size = (0, 0);
        for (role, path) in &self.pictures {
            let pixels = read_srgb(path)?;
            match role {
                Role::Reference => {
                    size = pixels.size();
                    if checked {
                        keep(Role::Degraded, spoiled(&pixels, seed))?;
                    }
                    keep(*role, pixels)?;
                }
                Role::Input => keep(*role, resize(&pixels, size.0, size.1, Filter::Area))?,
                _ if pixels.size() != size => {
                    return Err(StudyError::Size {
                        path: path.clone(),
                        size: pixels.size(),
                        reference: size,
                    });
                }
                _ => keep(*role, pixels)?,
            }
        }
        Ok((StudyPhoto { name: self.name.clone(), size }, ids))
    }
}

/// Far worse than any method would be: an eighth of the detail, and JPEG's blocks.
fn spoiled(image: &Image<Srgb>, seed: u64) -> Image<Srgb> {
    let (width, height) = image.size();
    let (times, quality) = SPOILED;
    let small = imresize(image, width.div_ceil(times), height.div_ceil(times));
    let soft = imresize(&small, width, height).map(|value| value.clamp(0.0, 1.0));
    let jpeg = DegradationConfig::Jpeg(Jpeg { quality: quality.into(), ..Jpeg::default() });
    match Pipeline::new(&[jpeg]) {
        Ok(pipeline) => pipeline.apply(soft, &mut rng_for(seed, 0, 0)),
        Err(_) => soft,
    }
}

/// Names go into files of others' programs: nothing there may mean anything.
fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || " -_.+".contains(c);
    name.chars().next().is_some_and(char::is_alphanumeric)
        && name.chars().all(plain)
        && name.chars().count() <= 40
        && !name.ends_with(' ')
}

/// Whether a folder holds the files of a study.
pub(super) fn is_study(folder: &Path) -> bool {
    folder.join(SETTINGS).is_file() && folder.join(DATABASE).is_file()
}
