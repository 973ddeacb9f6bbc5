//! What every request passes, and what every answer carries.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderValue, Method};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use crate::access::{is_foreign, is_local};
use crate::{Limit, household};

const HEADERS: [(HeaderName, &str); 5] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'self'; img-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    // The address may be a private link.
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Why a request goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Another site makes a browser send it, or it names a host that is not this machine.
    Foreign,
    /// There were too many; the next one has to wait so long.
    TooMany(Duration),
    /// It took too long.
    TooSlow,
}

/// What stands before the routes of a server.
pub struct Guard {
    /// Whether others than this machine may ask: then their requests bring a token, which routes look at.
    pub open: bool,
    /// Requests of one household.
    pub household: Limit<IpAddr>,
    /// How long a request may take, its body included.
    pub patience: Duration,
    /// The answer to what is refused.
    pub refuse: fn(Refused) -> Response,
}

impl Guard {
    /// `routes` behind it.
    pub fn before(self, routes: Router) -> Router {
        routes.layer(from_fn_with_state(Arc::new(self), guard))
    }
}

/// Refuses what is too much, too slow or sent by another site.
async fn guard(
    State(guard): State<Arc<Guard>>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    // Without a token only this machine is served, and only under its own names.
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let foreign = (!guard.open && !is_local(headers)) || (!reads && is_foreign(headers));
    let mut response = if foreign {
        (guard.refuse)(Refused::Foreign)
    } else if let Err(wait) = guard.household.take(household(client.ip()), Instant::now()) {
        (guard.refuse)(Refused::TooMany(wait))
    } else {
        let answered = tokio::time::timeout(guard.patience, next.run(request)).await;
        answered.unwrap_or_else(|_| (guard.refuse)(Refused::TooSlow))
    };
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
