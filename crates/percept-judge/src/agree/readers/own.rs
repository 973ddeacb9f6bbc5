//! percept's own layout: a CSV file with the columns `reference, distorted, score` or `reference, a, b, votes`, and more.

use std::path::Path;

use percept_image::Better;

use super::{AgreeError, Layout};
use crate::agree::csv::{Columns, Record, header, lines};
use crate::agree::table::Ratings;
use crate::agree::{Choice, Rating, Rows, Table};

const ADVICE: &str = "name the columns reference, distorted, score (and spread, distortion), or reference, a, b, votes \
                      (and voters, distortion)";

/// Ratings or choices with percept's own columns. Paths are relative to `root`, or to the table's folder.
pub(super) fn read(path: &Path, root: Option<&Path>) -> Result<Table, AgreeError> {
    let columns = header(path)?;
    let root = root.or(path.parent()).unwrap_or(Path::new(""));
    match ["a", "b"].iter().all(|name| columns.has(name)) {
        true => choices(path, root, &columns),
        false => ratings(path, root, &columns),
    }
}

fn ratings(path: &Path, root: &Path, columns: &Columns) -> Result<Table, AgreeError> {
    let score = ["score", "mos", "dmos"].into_iter().find(|name| columns.has(name));
    let Some(score) = score else { return Err(columns.missing("score", ADVICE)) };
    if let Some(missing) = ["reference", "distorted"].into_iter().find(|name| !columns.has(name)) {
        return Err(columns.missing(missing, ADVICE));
    }
    let mut ratings = Ratings::new(path);
    lines(path, |_, line| {
        let spread = line.optional("spread")?;
        if spread.is_some_and(|spread| spread < 0.0) {
            return Err(line.fault("the spread is below 0; put a standard deviation there".to_string()));
        }
        let rating = Rating {
            reference: line.place("reference", root)?,
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
    if !columns.has("reference") {
        return Err(columns.missing("reference", ADVICE));
    }
    if !columns.has("votes") && !["votes_a", "votes_b"].iter().all(|name| columns.has(name)) {
        return Err(columns.missing("votes", ADVICE));
    }
    let mut choices = Vec::new();
    lines(path, |columns, line| {
        choices.push(Choice {
            reference: line.place("reference", root)?,
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
