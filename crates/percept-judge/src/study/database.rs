//! The one file that holds pictures' names, participants' trials and their answers.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::types::FromSql;
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior, params};

use super::trial::{Ballot, Kind, Role, Trial};
use super::{Design, Id, Settings, StudyError};

/// Name of the file in the study's folder.
pub(super) const DATABASE: &str = "study.sqlite";

/// Nothing here says who a participant is or when they answered.
const SCHEMA: &str = "
CREATE TABLE study (design TEXT NOT NULL, ties INTEGER NOT NULL, seed INTEGER NOT NULL);
CREATE TABLE method (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE photo (number INTEGER PRIMARY KEY, name TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL);
CREATE TABLE picture (
  id TEXT PRIMARY KEY, photo INTEGER NOT NULL REFERENCES photo, role TEXT NOT NULL, UNIQUE (photo, role)
) WITHOUT ROWID;
CREATE TABLE participant (number INTEGER PRIMARY KEY, link BLOB NOT NULL UNIQUE);
CREATE TABLE trial (
  participant INTEGER NOT NULL REFERENCES participant, number INTEGER NOT NULL, kind TEXT NOT NULL, repeats INTEGER,
  photo INTEGER NOT NULL REFERENCES photo, shown TEXT NOT NULL, PRIMARY KEY (participant, number)
) WITHOUT ROWID;
CREATE TABLE vote (
  participant INTEGER NOT NULL, trial INTEGER NOT NULL, choice INTEGER NOT NULL, ms INTEGER NOT NULL,
  PRIMARY KEY (participant, trial), FOREIGN KEY (participant, trial) REFERENCES trial
) WITHOUT ROWID;
";

/// Says that the file is a study of this version.
const VERSION: i64 = 1;

/// A photo of a study.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudyPhoto {
    /// Its name, that of the reference's file without extension.
    pub name: String,
    /// Width and height in pixels.
    pub size: (usize, usize),
}

/// The database of a study.
///
/// What was written is on the disk when the call returns: a kill or a power cut loses nothing of it.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    connection: Mutex<Connection>,
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vote {
    /// It is kept.
    Counted,
    /// This trial had its answer before; that one stays.
    Before {
        /// The answer that counts.
        choice: u8,
    },
    /// The trial is not the participant's next one.
    NotNext,
    /// This is no answer to the trial.
    NoAnswer,
}

impl Database {
    /// A new one, without photos.
    pub fn create(folder: &Path, settings: &Settings, methods: &[String]) -> Result<Self, StudyError> {
        let database =
            Self::connect(folder, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        database.write(|change| {
            change.execute_batch(SCHEMA)?;
            change.pragma_update(None, "user_version", VERSION)?;
            let Settings { design, ties, seed, .. } = settings;
            change.execute("INSERT INTO study VALUES (?, ?, ?)", params![design.name(), ties, seed])?;
            for (number, name) in methods.iter().enumerate() {
                change.execute("INSERT INTO method VALUES (?, ?)", params![number, name])?;
            }
            Ok(())
        })?;
        Ok(database)
    }

    /// The one of a study that is there.
    pub fn open(folder: &Path) -> Result<Self, StudyError> {
        let database = Self::connect(folder, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        let version: i64 = database.read(|c| c.query_row("PRAGMA user_version", [], |row| row.get(0)))?;
        if version == VERSION {
            Ok(database)
        } else {
            Err(StudyError::Version { path: database.path, found: version, known: VERSION })
        }
    }

    fn connect(folder: &Path, flags: OpenFlags) -> Result<Self, StudyError> {
        let path = folder.join(DATABASE);
        let connection = Connection::open_with_flags(&path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .and_then(|connection| {
                connection.busy_timeout(Duration::from_secs(10))?;
                // A rollback journal, so that between writes one file holds everything; EXTRA, so that what was
                // acknowledged outlives a power cut.
                connection.pragma_update(None, "journal_mode", "DELETE")?;
                connection.pragma_update(None, "synchronous", "EXTRA")?;
                connection.pragma_update(None, "foreign_keys", true)?;
                Ok(connection)
            })
            .map_err(|source| StudyError::Database { path: path.clone(), source })?;
        Ok(Self { path, connection: Mutex::new(connection) })
    }

    /// A statement either happened or did not, so a panic elsewhere leaves nothing half done.
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StudyError> {
        query(&self.lock()).map_err(|source| StudyError::Database { path: self.path.clone(), source })
    }

    fn write<T>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StudyError> {
        let mut connection = self.lock();
        let done =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|transaction| {
                let value = change(&transaction)?;
                transaction.commit()?;
                Ok(value)
            });
        done.map_err(|source| StudyError::Database { path: self.path.clone(), source })
    }

    /// The error of a row that cannot be.
    pub fn corrupt(&self, what: String) -> StudyError {
        StudyError::Corrupt { path: self.path.clone(), what }
    }

    /// Adds a photo and its pictures.
    pub fn add_photo(
        &self,
        number: usize,
        photo: &StudyPhoto,
        pictures: &[(Role, Id)],
    ) -> Result<(), StudyError> {
        self.write(|change| {
            let (width, height) = photo.size;
            change.execute(
                "INSERT INTO photo VALUES (?, ?, ?, ?)",
                params![number, photo.name, width, height],
            )?;
            for (role, id) in pictures {
                let values = params![id.to_string(), number, role.to_string()];
                change.execute("INSERT INTO picture VALUES (?, ?, ?)", values)?;
            }
            Ok(())
        })
    }

    /// What was settled when the study was made: what one trial asks, whether ties are answers, and the seed.
    pub fn settled(&self) -> Result<(Design, bool, u64), StudyError> {
        let query = "SELECT design, ties, seed FROM study";
        let (name, ties, seed): (String, bool, u64) =
            self.read(|c| c.query_row(query, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))))?;
        let design = Design::from_name(&name).ok_or_else(|| self.corrupt(format!("the design `{name}`")))?;
        Ok((design, ties, seed))
    }

    /// Names of the methods, by number.
    pub fn methods(&self) -> Result<Vec<String>, StudyError> {
        self.column("SELECT name FROM method ORDER BY number")
    }

    /// The photos, by number.
    pub fn photos(&self) -> Result<Vec<StudyPhoto>, StudyError> {
        self.rows("SELECT name, width, height FROM photo ORDER BY number", |row| {
            Ok(StudyPhoto { name: row.get(0)?, size: (row.get(1)?, row.get(2)?) })
        })
    }

    /// How many attention checks there are pictures for.
    pub fn degraded(&self) -> Result<usize, StudyError> {
        let query = "SELECT count(*) FROM picture WHERE role = 'degraded'";
        self.read(|c| c.query_row(query, [], |row| row.get(0)))
    }

    /// The name of a picture.
    pub fn picture(&self, photo: usize, role: Role) -> Result<Option<Id>, StudyError> {
        let query = "SELECT id FROM picture WHERE photo = ? AND role = ?";
        let values = params![photo, role.to_string()];
        let id: Option<String> = self.read(|c| c.query_row(query, values, |row| row.get(0)).optional())?;
        id.map(|id| id.parse().map_err(|_| self.corrupt(format!("the picture `{id}`")))).transpose()
    }

    /// Whether a picture has this name.
    pub fn has_picture(&self, id: Id) -> Result<bool, StudyError> {
        let query = "SELECT count(*) FROM picture WHERE id = ?";
        self.read(|c| c.query_row(query, [id.to_string()], |row| row.get(0)))
    }

    /// Adds a participant and what they will be asked: `trials` of their number. `None` when there are `most`.
    pub fn add_participant(
        &self,
        link: Id,
        most: usize,
        trials: impl FnOnce(usize) -> Vec<Trial>,
    ) -> Result<Option<usize>, StudyError> {
        self.write(|change| {
            let query = "SELECT coalesce(max(number), 0) FROM participant";
            let number = 1 + change.query_row(query, [], |row| row.get::<_, usize>(0))?;
            if number > most {
                return Ok(None);
            }
            change.execute("INSERT INTO participant VALUES (?, ?)", params![number, link.hash()])?;
            let mut insert = change.prepare("INSERT INTO trial VALUES (?, ?, ?, ?, ?, ?)")?;
            for trial in trials(number) {
                let (kind, repeats) = match trial.kind {
                    Kind::Main => ("main", None),
                    Kind::Repeat(of) => ("repeat", Some(of)),
                    Kind::Check => ("check", None),
                };
                let shown: Vec<_> = trial.shown.iter().map(ToString::to_string).collect();
                insert.execute(params![number, trial.number, kind, repeats, trial.photo, shown.join(" ")])?;
            }
            Ok(Some(number))
        })
    }

    /// The participant of a private link.
    pub fn participant(&self, link: Id) -> Result<Option<usize>, StudyError> {
        let query = "SELECT number FROM participant WHERE link = ?";
        self.read(|c| c.query_row(query, [link.hash()], |row| row.get(0)).optional())
    }

    /// How many trials a participant has answered, and of how many.
    pub fn progress(&self, participant: usize) -> Result<(usize, usize), StudyError> {
        let query = "SELECT (SELECT count(*) FROM vote WHERE participant = ?1), \
                     (SELECT count(*) FROM trial WHERE participant = ?1)";
        self.read(|c| c.query_row(query, [participant], |row| Ok((row.get(0)?, row.get(1)?))))
    }

    /// One trial of a participant.
    pub fn trial(&self, participant: usize, number: usize) -> Result<Option<Trial>, StudyError> {
        let query = format!("{TRIAL} WHERE participant = ? AND number = ?");
        let values = params![participant, number];
        let raw = self.read(|c| c.query_row(&query, values, RawTrial::of).optional())?;
        raw.map(|raw| self.understood(raw)).transpose()
    }

    /// Keeps an answer, if it is one to the participant's next trial. The first one to a trial counts.
    pub fn vote(
        &self,
        participant: usize,
        trial: usize,
        choice: u8,
        ms: u64,
        fits: impl FnOnce(usize) -> bool,
    ) -> Result<Vote, StudyError> {
        self.write(|change| {
            let query = "SELECT choice FROM vote WHERE participant = ? AND trial = ?";
            let before = change.query_row(query, params![participant, trial], |row| row.get(0)).optional()?;
            if let Some(choice) = before {
                return Ok(Vote::Before { choice });
            }
            let query = "SELECT shown FROM trial WHERE participant = ?1 AND number = ?2 \
                         AND number = 1 + (SELECT count(*) FROM vote WHERE participant = ?1)";
            let next = change.query_row(query, params![participant, trial], |row| row.get::<_, String>(0));
            let Some(shown) = next.optional()? else { return Ok(Vote::NotNext) };
            if !fits(shown.split(' ').count()) {
                return Ok(Vote::NoAnswer);
            }
            change
                .execute("INSERT INTO vote VALUES (?, ?, ?, ?)", params![participant, trial, choice, ms])?;
            Ok(Vote::Counted)
        })
    }

    /// All answers, by participant and trial.
    pub fn ballots(&self) -> Result<Vec<Ballot>, StudyError> {
        let query = "SELECT number, kind, repeats, photo, shown, participant, choice, ms FROM vote \
                     JOIN trial USING (participant) WHERE trial = number ORDER BY participant, number";
        let rows = self.rows(query, |row| Ok((RawTrial::of(row)?, row.get(5)?, row.get(6)?, row.get(7)?)))?;
        rows.into_iter()
            .map(|(trial, participant, choice, ms)| {
                Ok(Ballot { participant, trial: self.understood(trial)?, choice, ms })
            })
            .collect()
    }

    fn column<T: FromSql>(&self, query: &str) -> Result<Vec<T>, StudyError> {
        self.rows(query, |row| row.get(0))
    }

    fn rows<T>(
        &self,
        query: &str,
        of: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StudyError> {
        self.read(|c| c.prepare(query)?.query_map([], of)?.collect())
    }

    fn understood(&self, raw: RawTrial) -> Result<Trial, StudyError> {
        let RawTrial { number, kind, repeats, photo, shown } = raw;
        let kind = match (kind.as_str(), repeats) {
            ("main", None) => Some(Kind::Main),
            ("check", None) => Some(Kind::Check),
            ("repeat", Some(of)) => Some(Kind::Repeat(of)),
            _ => None,
        };
        let roles: Option<Vec<Role>> = shown.split(' ').map(|role| role.parse().ok()).collect();
        match (kind, roles) {
            (Some(kind), Some(shown)) => Ok(Trial { number, kind, photo, shown }),
            _ => Err(self.corrupt(format!("trial {number} (`{shown}`)"))),
        }
    }
}

const TRIAL: &str = "SELECT number, kind, repeats, photo, shown FROM trial";

/// A trial as its row has it.
struct RawTrial {
    number: usize,
    kind: String,
    repeats: Option<usize>,
    photo: usize,
    shown: String,
}

impl RawTrial {
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (number, kind, repeats) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Self { number, kind, repeats, photo: row.get(3)?, shown: row.get(4)? })
    }
}
