//! A participant's way: consent, a private link, trials, thanks.

use std::net::SocketAddr;
use std::time::Instant;

use axum::extract::{ConnectInfo, Form, Json, Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Redirect, Response};
use percept_serve::household;
use serde::{Deserialize, Serialize};

use super::{Refusal, Shared};
use crate::page::{escape, fill};
use crate::study::{Id, Role, Study, StudyError, Vote};

/// A picture under a name never changes, and is nobody else's business.
const KEEP: &str = "private, max-age=604800, immutable";

#[derive(Deserialize)]
pub(super) struct Entrance {
    #[serde(default)]
    token: String,
}

#[derive(Deserialize)]
pub(super) struct Consent {
    #[serde(default)]
    token: String,
    #[serde(default)]
    consent: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    trial: usize,
    choice: u8,
    ms: u64,
}

/// Where a participant is.
#[derive(Serialize)]
pub(super) struct Place {
    answered: usize,
    total: usize,
    /// The open trial; none when all are answered.
    trial: Option<Shown>,
    /// Pictures of the one after it.
    ahead: Vec<String>,
}

/// The pictures of a trial, by address.
#[derive(Serialize)]
struct Shown {
    number: usize,
    pictures: Vec<String>,
    reference: String,
    input: Option<String>,
    width: usize,
    height: usize,
}

#[derive(Serialize)]
pub(super) struct Acknowledged {
    /// Whether this answer counts; otherwise an earlier one to the same trial does.
    counted: bool,
    /// The answer that counts.
    choice: u8,
    state: Place,
}

/// What participants agree to.
pub(super) async fn consent(
    State(app): State<Shared>,
    headers: HeaderMap,
    Query(entrance): Query<Entrance>,
) -> Response {
    if app.token.as_ref().is_some_and(|token| !token.is(&entrance.token) && !token.is_in(&headers)) {
        return Refusal::NoToken.page();
    }
    let settings = app.study.settings();
    let trials = app.study.trials().to_string();
    let (title, question) = (escape(&settings.title), escape(&settings.question));
    let paragraphs = settings.consent.split("\n\n").map(|text| format!("<p>{}</p>\n", escape(text.trim())));
    let consent: String = paragraphs.collect();
    let token = app.token.as_ref().map(ToString::to_string).unwrap_or_default();
    let page = fill(include_str!("consent.html"), |key| match key {
        "title" => &title,
        "question" => &question,
        "consent" => &consent,
        "trials" => &trials,
        "token" => &token,
        _ => "",
    });
    Html(page).into_response()
}

/// A new participant, sent to their private link.
pub(super) async fn start(
    State(app): State<Shared>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    Form(form): Form<Consent>,
) -> Result<Redirect, Response> {
    if app.token.as_ref().is_some_and(|token| !token.is(&form.token) && !token.is_in(&headers)) {
        return Err(Refusal::NoToken.page());
    }
    if form.consent != "yes" {
        return Err(Refusal::NoConsent.page());
    }
    let taken = app.limits.start.take(household(client.ip()), Instant::now());
    taken.map_err(|wait| Refusal::TooMany(wait).page())?;
    let link = ask(&app, Study::start).await.map_err(Refusal::page)?;
    Ok(Redirect::to(&format!("/s/{link}")))
}

/// The page that shows trials.
pub(super) async fn page(State(app): State<Shared>, Path(link): Path<String>) -> Response {
    if let Err(refusal) = participant(&app, &link).await {
        return refusal.page();
    }
    let settings = app.study.settings();
    let (title, question) = (escape(&settings.title), escape(&settings.question));
    let page = fill(include_str!("trial.html"), |key| match key {
        "title" => &title,
        "question" => &question,
        "design" => settings.design.name(),
        "ties" if settings.ties => "true",
        "ties" => "false",
        _ => "",
    });
    Html(page).into_response()
}

/// Where the participant is.
pub(super) async fn state(
    State(app): State<Shared>,
    Path(link): Path<String>,
) -> Result<Json<Place>, Refusal> {
    let (link, participant) = participant(&app, &link).await?;
    ask(&app, move |study| place(study, link, participant)).await.map(Json)
}

/// An answer. It is on the disk before it is acknowledged.
pub(super) async fn vote(
    State(app): State<Shared>,
    Path(link): Path<String>,
    Json(answer): Json<Answer>,
) -> Result<Json<Acknowledged>, Refusal> {
    let (link, participant) = participant(&app, &link).await?;
    let Answer { trial, choice, ms } = answer;
    let vote = ask(&app, move |study| study.vote(participant, trial, choice, ms)).await?;
    let (counted, choice) = match vote {
        Vote::Counted => (true, choice),
        Vote::Before { choice } => (false, choice),
        Vote::NotNext => return Err(Refusal::NotNext),
        Vote::NoAnswer => return Err(Refusal::NoAnswer),
    };
    let state = ask(&app, move |study| place(study, link, participant)).await?;
    Ok(Json(Acknowledged { counted, choice, state }))
}

/// A picture by its name in the database.
pub(super) async fn picture(
    State(app): State<Shared>,
    Path((link, id)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    participant(&app, &link).await?;
    let id: Id = id.parse().map_err(|_| Refusal::NotFound)?;
    let read = move |study: &Study| {
        let Some(path) = study.picture_file(id)? else { return Ok(None) };
        std::fs::read(&path).map(Some).map_err(|source| StudyError::Io { path, source })
    };
    let bytes = ask(&app, read).await?.ok_or(Refusal::NotFound)?;
    Ok(([(CONTENT_TYPE, "image/png"), (CACHE_CONTROL, KEEP)], bytes).into_response())
}

/// Whose link it is.
async fn participant(app: &Shared, link: &str) -> Result<(Id, usize), Refusal> {
    let link: Id = link.parse().map_err(|_| Refusal::NotFound)?;
    let number = ask(app, move |study| study.participant(link)).await?.ok_or(Refusal::NotFound)?;
    app.limits.participant.take(number, Instant::now()).map_err(Refusal::TooMany)?;
    Ok((link, number))
}

/// Asks the study on a thread that may wait for the disk.
async fn ask<T: Send + 'static>(
    app: &Shared,
    question: impl FnOnce(&Study) -> Result<T, StudyError> + Send + 'static,
) -> Result<T, Refusal> {
    let shared = app.clone();
    match tokio::task::spawn_blocking(move || question(&shared.study)).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(StudyError::Full { .. })) => Err(Refusal::Full),
        Ok(Err(error)) => {
            if app.limits.trouble.take((), Instant::now()).is_ok() {
                (app.trouble)(&error);
            }
            Err(Refusal::Broken)
        }
        Err(_) => Err(Refusal::Broken),
    }
}

fn place(study: &Study, link: Id, participant: usize) -> Result<Place, StudyError> {
    let (answered, total) = study.progress(participant)?;
    let shown = |number| shown(study, link, participant, number);
    let trial = shown(answered + 1)?;
    let ahead = shown(answered + 2)?.map_or_else(Vec::new, |next| {
        next.pictures.into_iter().chain([next.reference]).chain(next.input).collect()
    });
    Ok(Place { answered, total, trial, ahead })
}

fn shown(study: &Study, link: Id, participant: usize, number: usize) -> Result<Option<Shown>, StudyError> {
    let Some(trial) = study.trial(participant, number)? else { return Ok(None) };
    let address = |role| {
        let id = study.picture(trial.photo, role)?;
        Ok::<_, StudyError>(id.map(|id| format!("/s/{link}/picture/{id}")))
    };
    let pictures = trial.shown.iter().map(|role| address(*role)).collect::<Result<Option<Vec<_>>, _>>()?;
    let (Some(pictures), Some(reference)) = (pictures, address(Role::Reference)?) else {
        return Err(study.incomplete(trial.photo));
    };
    let (width, height) = study.photos().get(trial.photo).map_or((0, 0), |photo| photo.size);
    Ok(Some(Shown { number, pictures, reference, input: address(Role::Input)?, width, height }))
}
