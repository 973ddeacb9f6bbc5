//! The answers of a study, a line each.

use percept_judge::study::{Ballot, Design, Kind, Role, Study, StudyError};

use crate::output::csv_line;

/// `participant,trial,image,left,right,choice,ms,is_repeat,is_check`; where not two pictures are shown, one column
/// `shown` has them all, from left to right, with `|` between.
pub fn csv(study: &Study) -> Result<String, StudyError> {
    let pictures: &[&str] = if study.design() == Design::Pairs { &["left", "right"] } else { &["shown"] };
    let columns = [&["participant", "trial", "image"], pictures, &["choice", "ms", "is_repeat", "is_check"]];
    let mut lines = vec![csv_line(columns.concat().into_iter().map(String::from))];
    lines.extend(study.ballots()?.iter().map(|ballot| line(study, ballot)));
    lines.push(String::new());
    Ok(lines.join("\n"))
}

fn line(study: &Study, ballot: &Ballot) -> String {
    let trial = &ballot.trial;
    let name = |role: &Role| match role {
        Role::Method(number) => study.methods().get(*number).cloned().unwrap_or_default(),
        other => other.to_string(),
    };
    let shown: Vec<String> = trial.shown.iter().map(name).collect();
    let shown = if study.design() == Design::Pairs { shown } else { vec![shown.join("|")] };
    let choice = match study.design() {
        Design::Mos => ballot.choice.to_string(),
        _ => ballot.chosen().as_ref().map_or_else(|| "tie".to_string(), name),
    };
    let photo = study.photos().get(trial.photo).map(|photo| photo.name.clone()).unwrap_or_default();
    let start = [ballot.participant.to_string(), trial.number.to_string(), photo];
    let repeat = matches!(trial.kind, Kind::Repeat(_));
    let end = [choice, ballot.ms.to_string(), repeat.to_string(), (trial.kind == Kind::Check).to_string()];
    csv_line(start.into_iter().chain(shown).chain(end))
}
