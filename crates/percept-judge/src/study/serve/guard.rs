//! What every request passes, and what every answer carries.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::limit::{Limit, household};
use super::{Refusal, Shared, access};

/// How long a request may take, its body included.
const PATIENCE: Duration = Duration::from_secs(15);

const HEADERS: [(HeaderName, &str); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    // The address is a private link.
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Requests of one client. A household may be a lecture hall; a participant is one person with a browser.
pub(super) struct Limits {
    pub household: Limit<IpAddr>,
    pub participant: Limit<usize>,
    pub start: Limit<IpAddr>,
    /// Lines on the terminal of whoever runs the study, which requests that go wrong must not flood.
    pub trouble: Limit<()>,
}

impl Limits {
    pub fn new() -> Self {
        Self {
            household: Limit::new(2000.0, 200.0),
            participant: Limit::new(300.0, 30.0),
            start: Limit::new(60.0, 1.0),
            trouble: Limit::new(10.0, 0.1),
        }
    }
}

/// Refuses what is too much, too slow or sent by another site.
pub(super) async fn guard(
    State(app): State<Shared>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    // Without a token only this machine is served, and only under its own names.
    let foreign = (app.token.is_none() && !access::is_local(headers))
        || (request.method() == Method::POST && access::is_foreign(headers));
    let mut response = if foreign {
        Refusal::Foreign.into_response()
    } else if let Err(wait) = app.limits.household.take(household(client.ip()), Instant::now()) {
        Refusal::TooMany(wait).into_response()
    } else {
        let answered = tokio::time::timeout(PATIENCE, next.run(request)).await;
        answered.unwrap_or_else(|_| Refusal::TooSlow.into_response())
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
