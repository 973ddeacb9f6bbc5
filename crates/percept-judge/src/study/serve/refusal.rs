//! Answers to what cannot be done.

use std::time::Duration;

use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use percept_serve::Refused;

use crate::page::{escape, fill};

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NotFound,
    NoToken,
    Foreign,
    TooMany(Duration),
    TooSlow,
    NoConsent,
    Full,
    NotNext,
    NoAnswer,
    Broken,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NoToken => StatusCode::UNAUTHORIZED,
            Self::Foreign => StatusCode::FORBIDDEN,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::NoConsent | Self::NoAnswer => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Full => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotNext => StatusCode::CONFLICT,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::NotFound => "There is nothing here. Check the link: it must be complete.",
            Self::NoToken => {
                "This study opens with its full address, which ends in ?token=… Ask who sent you here for it."
            }
            Self::Foreign => "This request comes from another site. Open the study's own address.",
            Self::TooMany(_) => "These are too many requests. Wait a little and try again.",
            Self::TooSlow => "The request took too long. Try again.",
            Self::NoConsent => "Without your consent the study cannot begin. Go back and tick the box.",
            Self::Full => "The study has all of its participants. Thank you for coming.",
            Self::NotNext => "This is not the question that is open. Reload the page.",
            Self::NoAnswer => "This is no answer to the question.",
            Self::Broken => {
                "Something went wrong here, and the study's owner has been told. Try again later."
            }
        }
    }

    /// As a page, for those who followed a link.
    pub fn page(self) -> Response {
        let status = self.status();
        let text = escape(self.text());
        let title = if self == Self::Full { "The study is full" } else { "This did not work" };
        let page = fill(include_str!("message.html"), |key| match key {
            "title" => title,
            "text" => &text,
            _ => "",
        });
        self.with_headers((status, Html(page)).into_response())
    }

    fn with_headers(self, mut response: Response) -> Response {
        let headers = response.headers_mut();
        match self {
            Self::TooMany(wait) => {
                let seconds = wait.as_secs_f64().ceil().max(1.0) as u64;
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            Self::NoToken => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
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

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.with_headers((self.status(), self.text()).into_response())
    }
}
