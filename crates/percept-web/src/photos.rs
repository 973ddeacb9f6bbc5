//! Requests about photos.

use axum::body::{Body, to_bytes};
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Json, Response};
use percept_image::Capacity;
use percept_serve::Id;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::photo::{Done, Photo, State as Stage, Wish, shown};
use crate::refusal::Refusal;
use crate::site::{App, Shared};
use crate::views::kind;

/// The longest name of a photo.
const NAME: usize = 255;
/// How many times as large results may be.
const TIMES: std::ops::RangeInclusive<f64> = 0.1..=16.0;

/// What is said of a photo that comes.
#[derive(Deserialize)]
pub(crate) struct Coming {
    name: String,
    model: String,
    #[serde(default)]
    strength: Option<f64>,
    #[serde(default)]
    times: Option<f64>,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    strip: bool,
}

/// A visit by its name in the address.
pub(crate) fn id(text: &str) -> Result<Id, Refusal> {
    text.parse().map_err(|_| Refusal::NotFound)
}

/// How far all photos are.
pub(crate) async fn told(
    State(app): State<Shared>,
    Path(visit): Path<String>,
) -> Result<Json<Value>, Refusal> {
    app.desk.told(id(&visit)?).map(Json)
}

/// The page is closed.
pub(crate) async fn leave(State(app): State<Shared>, Path(visit): Path<String>) -> Result<(), Refusal> {
    app.desk.leave(id(&visit)?);
    Ok(())
}

/// A photo comes. What is wrong with it is said before it is read, where that can be known.
pub(crate) async fn add(
    State(app): State<Shared>,
    Path(visit): Path<String>,
    Query(coming): Query<Coming>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Refusal> {
    let visit = id(&visit)?;
    let length = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let length = length.ok_or(Refusal::NoLength)?;
    let room = app.desk.room(visit, length)?;
    let (name, wish) = wish(&app, coming)?;
    let most = usize::try_from(length).unwrap_or(usize::MAX);
    let bytes = to_bytes(body, most).await.map_err(|_| Refusal::CutOff)?;
    let photo = Photo::new(name.into(), wish, bytes.into());
    drop(room);
    let added = app.desk.add(visit, photo.map_err(|error| Refusal::Broken(error.to_string()))?)?;
    Ok(Json(json!({"id": added.to_string()})))
}

fn wish(app: &App, coming: Coming) -> Result<(String, Wish), Refusal> {
    let Coming { name, model, strength, times, format, strip } = coming;
    let no = |why: &str| Err(Refusal::Wish(why.to_string()));
    // A name and no way to elsewhere; it only names things, but people save files under it.
    let name: String =
        name.rsplit(['/', '\\']).next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
    if name.is_empty() || name.len() > NAME || name == "." || name == ".." {
        return no("This photo has no name that a file can have.");
    }
    let Some(offer) = app.models.iter().find(|offer| offer.name == model) else {
        return no("There is no such model here.");
    };
    let strength = strength.unwrap_or(1.0);
    if !(0.0..=1.0).contains(&strength) || (strength < 1.0 && !offer.mild) {
        return no("The strength is from 0 to 1, and of models that have a mild form.");
    }
    if times.is_some_and(|times| !TIMES.contains(&times)) {
        return no("A result is 0.1 to 16 times as large as its photo.");
    }
    if format.as_ref().is_some_and(|format| Capacity::of(format!("x.{format}")).is_none()) {
        return no("Results are written as PNG, JPEG, WebP or TIFF.");
    }
    Ok((name, Wish { model, strength, times, format, strip }))
}

/// A photo is not wanted any more, its place in the list stays.
pub(crate) async fn cancel(
    State(app): State<Shared>,
    Path((visit, photo)): Path<(String, String)>,
) -> Result<(), Refusal> {
    app.desk.photo(id(&visit)?, id(&photo)?)?.cancel();
    Ok(())
}

/// A photo and its result are to be forgotten.
pub(crate) async fn remove(
    State(app): State<Shared>,
    Path((visit, photo)): Path<(String, String)>,
) -> Result<(), Refusal> {
    app.desk.remove(id(&visit)?, id(&photo)?)
}

/// The file of a result.
pub(crate) async fn result(
    State(app): State<Shared>,
    Path((visit, photo)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    let (name, bytes) = done(&app, &visit, &photo, |done| (shown(&done.name), done.bytes.clone()))?;
    let mut response = ([(CONTENT_TYPE, "application/octet-stream")], bytes).into_response();
    if let Ok(value) = HeaderValue::from_str(&attachment(&name)) {
        response.headers_mut().insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// As RFC 6266 has it: the name in UTF-8, and for old clients one in ASCII.
fn attachment(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._ ()".contains(c);
    let ascii: String = name.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    let percent = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    let utf8: String = name.bytes().map(percent).collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{utf8}")
}

/// The photo as it was.
pub(crate) async fn before(
    State(app): State<Shared>,
    Path((visit, photo)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    done(&app, &visit, &photo, |done| done.views.before.clone()).map(picture)
}

/// The result at a glance.
pub(crate) async fn glance(
    State(app): State<Shared>,
    Path((visit, photo)): Path<(String, String)>,
) -> Result<Response, Refusal> {
    done(&app, &visit, &photo, |done| done.views.glance.clone()).map(picture)
}

/// A square of the result.
pub(crate) async fn square(
    State(app): State<Shared>,
    Path((visit, photo, number)): Path<(String, String, usize)>,
) -> Result<Response, Refusal> {
    let square = done(&app, &visit, &photo, |done| done.views.squares.get(number).cloned())?;
    square.map(picture).ok_or(Refusal::NotFound)
}

fn picture(bytes: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, kind(&bytes))], bytes).into_response()
}

fn done<T>(app: &App, visit: &str, photo: &str, look: impl FnOnce(&Done) -> T) -> Result<T, Refusal> {
    app.desk.photo(id(visit)?, id(photo)?)?.with(|stage| match stage {
        Stage::Done(done) => Ok(look(done)),
        _ => Err(Refusal::NotDone),
    })
}

#[cfg(test)]
mod tests {
    use super::attachment;

    #[test]
    fn names_keep_their_letters() {
        let header = attachment("süß \"x\"\r\n.png");
        assert_eq!(
            header,
            "attachment; filename=\"s__ _x___.png\"; filename*=UTF-8''s%C3%BC%C3%9F%20%22x%22%0D%0A.png"
        );
    }
}
