//! A study in its folder.

use std::fs;
use std::path::{Path, PathBuf};

use super::database::{Database, StudyPhoto, Vote};
use super::make::{IMAGES, is_study};
use super::plan::Plan;
use super::settings::SETTINGS;
use super::trial::{Ballot, Role, Trial};
use super::{Design, Id, Settings, StudyError};

/// Milliseconds of a year: nobody looks at a picture for longer.
const LONGEST: u64 = 366 * 24 * 60 * 60 * 1000;

/// A study in its folder: settings, pictures, participants and their answers.
#[derive(Debug)]
pub struct Study {
    folder: PathBuf,
    settings: Settings,
    database: Database,
    methods: Vec<String>,
    photos: Vec<StudyPhoto>,
    /// How many photos have a spoiled version.
    spoiled: usize,
}

impl Study {
    /// Opens the study in `folder`.
    ///
    /// # Errors
    /// When there is none, or its files are damaged or do not go together.
    pub fn open(folder: &Path) -> Result<Self, StudyError> {
        if !is_study(folder) {
            return Err(StudyError::NoStudy { folder: folder.to_path_buf() });
        }
        let path = folder.join(SETTINGS);
        let text =
            fs::read_to_string(&path).map_err(|source| StudyError::Io { path: path.clone(), source })?;
        let wrong = |problem| StudyError::Settings { path: path.clone(), problem };
        let settings = Settings::parse(&text).map_err(wrong)?;
        let database = Database::open(folder)?;
        let (design, ties, seed) = database.settled()?;
        if (settings.design, settings.ties, settings.seed) != (design, ties, seed) {
            let problem = format!(
                "the study was made with design = \"{}\", ties = {ties} and seed = {seed}; put that back, or make \
                 another study",
                design.name()
            );
            return Err(wrong(problem));
        }
        let spoiled = database.degraded()?;
        if settings.checks > 0 && spoiled == 0 {
            let problem = "the study was made without attention checks; set checks = 0".to_string();
            return Err(wrong(problem));
        }
        let (methods, photos) = (database.methods()?, database.photos()?);
        Ok(Self { folder: folder.to_path_buf(), settings, database, methods, photos, spoiled })
    }

    /// The study's folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What was chosen about it.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What one trial asks.
    pub fn design(&self) -> Design {
        self.settings.design
    }

    /// Names of the methods, by number.
    pub fn methods(&self) -> &[String] {
        &self.methods
    }

    /// The photos, by number.
    pub fn photos(&self) -> &[StudyPhoto] {
        &self.photos
    }

    fn plan(&self) -> Plan<'_> {
        let (methods, photos) = (self.methods.len(), self.photos.len());
        Plan { settings: &self.settings, methods, photos, spoiled: self.spoiled }
    }

    /// How many trials a participant has, of any kind.
    pub fn trials(&self) -> usize {
        self.plan().trials(1).len()
    }

    /// Adds a participant and gives their private link.
    ///
    /// # Errors
    /// [`StudyError::Full`] when the settings allow no more, or when the database cannot be written.
    pub fn start(&self) -> Result<Id, StudyError> {
        let link = Id::random()?;
        let most = self.settings.participants;
        let number = self.database.add_participant(link, most, |number| self.plan().trials(number))?;
        number.map(|_| link).ok_or(StudyError::Full { most })
    }

    /// The participant of a private link.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn participant(&self, link: Id) -> Result<Option<usize>, StudyError> {
        self.database.participant(link)
    }

    /// How many trials a participant has answered, and of how many.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn progress(&self, participant: usize) -> Result<(usize, usize), StudyError> {
        self.database.progress(participant)
    }

    /// One trial of a participant, numbered from 1.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn trial(&self, participant: usize, number: usize) -> Result<Option<Trial>, StudyError> {
        self.database.trial(participant, number)
    }

    /// Keeps the answer to a participant's next trial: 1 for the first picture and so on, 0 for a tie, or a mark from
    /// 1 to 5. The first answer to a trial counts. When this returns, the answer is on the disk. It is no answer if it took
    /// `ms` milliseconds and that is more than a year.
    ///
    /// # Errors
    /// When the database cannot be written.
    pub fn vote(&self, participant: usize, trial: usize, choice: u8, ms: u64) -> Result<Vote, StudyError> {
        if ms > LONGEST {
            return Ok(Vote::NoAnswer);
        }
        // Beyond what the database can ask for.
        if i64::try_from(trial).is_err() {
            return Ok(Vote::NotNext);
        }
        let fits = |shown| self.design().accepts(choice, shown, self.settings.ties);
        self.database.vote(participant, trial, choice, ms, fits)
    }

    /// The name of a photo's picture.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn picture(&self, photo: usize, role: Role) -> Result<Option<Id>, StudyError> {
        self.database.picture(photo, role)
    }

    /// The error of a photo that lacks a picture.
    pub(super) fn incomplete(&self, photo: usize) -> StudyError {
        self.database.corrupt(format!("photo {photo}, of which a picture is missing,"))
    }

    /// The PNG file of a picture; `None` when the study has none of this name.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn picture_file(&self, id: Id) -> Result<Option<PathBuf>, StudyError> {
        let known = self.database.has_picture(id)?;
        Ok(known.then(|| self.folder.join(IMAGES).join(format!("{id}.png"))))
    }

    /// All answers, by participant and trial.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn ballots(&self) -> Result<Vec<Ballot>, StudyError> {
        self.database.ballots()
    }
}
