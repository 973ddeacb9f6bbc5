//! percept's own layout: a CSV file with the columns `reference, distorted, score`, `reference, a, b, votes` or `reference, a, b, c,
//! …, best`, and more. Without the column `reference`, pictures stand alone.

use std::path::{Path, PathBuf};

use percept_image::Better;

use super::{AgreeError, Layout};
use crate::agree::csv::{Columns, Record, header, lines};
use crate::agree::table::Ratings;
use crate::agree::{BestOf, Choice, Rating, Rows, Table};

const ADVICE: &str = "name the columns reference, distorted, score (and spread, distortion), or reference, a, b, votes \
                      (and voters, distortion), or reference, a, b, c, best (as many letters as pictures); leave \
                      reference out where there is none";

/// Ratings or choices with percept's own columns. Paths are relative to `root`, or to the table's folder.
pub(super) fn read(path: &Path, root: Option<&Path>) -> Result<Table, AgreeError> {
    let columns = header(path)?;
    let root = root.or(path.parent()).unwrap_or(Path::new(""));
    match ["a", "b"].iter().all(|name| columns.has(name)) {
        true if columns.has("best") => best(path, root),
        true => choices(path, root, &columns),
        false => ratings(path, root, &columns),
    }
}

/// The reference of a line, where the table has any.
fn reference(columns: &Columns, line: &Record<'_>, root: &Path) -> Result<Option<PathBuf>, AgreeError> {
    columns.has("reference").then(|| line.place("reference", root)).transpose()
}

fn ratings(path: &Path, root: &Path, columns: &Columns) -> Result<Table, AgreeError> {
    let score = ["score", "mos", "dmos"].into_iter().find(|name| columns.has(name));
    let Some(score) = score else { return Err(columns.missing("score", ADVICE)) };
    if !columns.has("distorted") {
        return Err(columns.missing("distorted", ADVICE));
    }
    let mut ratings = Ratings::new(path);
    lines(path, |columns, line| {
        let spread = line.optional("spread")?;
        if spread.is_some_and(|spread| spread < 0.0) {
            return Err(line.fault("the spread is below 0; put a standard deviation there".to_string()));
        }
        let rating = Rating {
            reference: reference(columns, &line, root)?,
            distorted: line.place("distorted", root)?,
            score: line.number(score)?,
            spread,
            distortion: line.get("distortion").map(str::to_string),
        };
        ratings.push(line.number, rating)
    })?;
    let better = if score == "dmos" { Better::Lower } else { Better::Higher };
    Ok(ratings.table(path, Layout::Csv, better))
}

fn choices(path: &Path, root: &Path, columns: &Columns) -> Result<Table, AgreeError> {
    if !columns.has("votes") && !["votes_a", "votes_b"].iter().all(|name| columns.has(name)) {
        return Err(columns.missing("votes", ADVICE));
    }
    let mut choices = Vec::new();
    lines(path, |columns, line| {
        choices.push(Choice {
            reference: reference(columns, &line, root)?,
            a: line.place("a", root)?,
            b: line.place("b", root)?,
            share_b: share(columns, &line)?,
            distortion: line.get("distortion").map(str::to_string),
        });
        Ok(())
    })?;
    let rows = Rows::Choices(choices);
    Ok(Table { path: path.to_path_buf(), layout: Layout::Csv, better: Better::Higher, rows })
}

/// The pictures are in columns of one letter, as many as there are; `best` has the letter of the chosen one, or its cell.
fn best(path: &Path, root: &Path) -> Result<Table, AgreeError> {
    let mut rows = Vec::new();
    lines(path, |columns, line| {
        let letters: Vec<String> =
            ('a'..='z').map(String::from).filter(|letter| line.get(letter).is_some()).collect();
        let best = line.text("best")?;
        let is_best = |letter: &&String| best.eq_ignore_ascii_case(letter) || line.get(letter) == Some(best);
        let chosen = letters.iter().position(|letter| is_best(&letter));
        let (Some(chosen), 2..) = (chosen, letters.len()) else {
            return Err(line.fault(format!(
                "the best one is `{best}`, and the pictures are in {}; write the letter of one of two or more",
                letters.join(", ")
            )));
        };
        let pictures = letters.iter().map(|letter| line.place(letter, root)).collect::<Result<_, _>>()?;
        let distortion = line.get("distortion").map(str::to_string);
        rows.push(BestOf { reference: reference(columns, &line, root)?, pictures, chosen, distortion });
        Ok(())
    })?;
    let rows = Rows::Best(rows);
    Ok(Table { path: path.to_path_buf(), layout: Layout::Csv, better: Better::Higher, rows })
}

/// Who chose `b`: `votes` as a share, or of so many `voters`, or `votes_b` beside `votes_a`.
fn share(columns: &Columns, line: &Record<'_>) -> Result<f64, AgreeError> {
    let (votes, voters) = match columns.has("votes") {
        true => (line.number("votes")?, line.optional("voters")?.unwrap_or(1.0)),
        false => {
            let (a, b) = (line.number("votes_a")?, line.number("votes_b")?);
            (b, if a < 0.0 { f64::NAN } else { a + b })
        }
    };
    let share = votes / voters;
    match (0.0..=1.0).contains(&share) && voters > 0.0 {
        true => Ok(share),
        false => Err(line.fault(
            "the votes are no share of the voters; write a share from 0 to 1, or a number and how many voters there were"
                .to_string(),
        )),
    }
}
