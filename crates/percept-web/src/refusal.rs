//! Answers to what cannot be done: a sentence for people.

use std::time::Duration;

use axum::http::header::{CONNECTION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use percept_serve::Refused;

/// Why a request is not answered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("There is nothing here. It may have been removed.")]
    NotFound,
    #[error("This visit is over: its photos are gone. Load the page again.")]
    NoVisit,
    #[error(
        "This page opens with its full address, which ends in ?token=… It stands in the terminal where `percept web` runs."
    )]
    NoToken,
    #[error("This request comes from another site. Open this page's own address.")]
    Foreign,
    #[error("These are too many requests. Wait a little and try again.")]
    TooMany(Duration),
    #[error("The request took too long. Try again.")]
    TooSlow,
    #[error("A photo may have at most {most}, and this one has {has}. Make it smaller first.")]
    TooLarge { has: String, most: String },
    #[error(
        "Photos of {most} are held at once, and that many are. Download some, remove them, and drop this one again."
    )]
    Full { most: String },
    #[error("The request does not say how large the photo is.")]
    NoLength,
    #[error("The photo did not arrive whole. Try again.")]
    CutOff,
    #[error("{0}")]
    Wish(String),
    #[error("It is not done yet.")]
    NotDone,
    #[error("Something went wrong here: {0}.")]
    Broken(String),
}

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Foreign => Self::Foreign,
            Refused::TooMany(wait) => Self::TooMany(wait),
            Refused::TooSlow => Self::TooSlow,
        }
    }
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NoVisit => StatusCode::GONE,
            Self::NoToken => StatusCode::UNAUTHORIZED,
            Self::Foreign => StatusCode::FORBIDDEN,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Full { .. } => StatusCode::INSUFFICIENT_STORAGE,
            Self::NoLength => StatusCode::LENGTH_REQUIRED,
            Self::CutOff => StatusCode::BAD_REQUEST,
            Self::Wish(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotDone => StatusCode::CONFLICT,
            Self::Broken(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.to_string()).into_response();
        let headers = response.headers_mut();
        match self {
            Self::TooMany(wait) => {
                let seconds = wait.as_secs_f64().ceil().max(1.0) as u64;
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            Self::NoToken => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            // What was not read of a body must not be taken for a request.
            Self::TooLarge { .. } | Self::Full { .. } => {
                headers.insert(CONNECTION, HeaderValue::from_static("close"));
            }
            _ => {}
        }
        response
    }
}
