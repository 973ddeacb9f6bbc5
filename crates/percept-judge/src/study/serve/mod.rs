//! The page on which people answer: a server that sends what is in the binary and in the study's folder, and nothing
//! else, and asks nobody for anything.

mod participant;
mod refusal;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use percept_serve::{AccessToken, Bounds, Guard, Limit, ServeError};

use self::refusal::Refusal;
use super::{Study, StudyError};

/// The largest body of a request, in bytes; an answer has less than 100.
const BODY: usize = 4096;
/// How long a request may take, its body included.
const PATIENCE: Duration = Duration::from_secs(15);

/// A study that listens.
#[derive(Debug)]
pub struct Server {
    server: percept_serve::Server,
    study: Study,
}

/// What all requests share.
struct App {
    study: Study,
    token: Option<AccessToken>,
    limits: Limits,
    trouble: Box<dyn Fn(&StudyError) + Send + Sync>,
}

type Shared = Arc<App>;

/// Requests of one client. A household may be a lecture hall; a participant is one person with a browser.
struct Limits {
    participant: Limit<usize>,
    start: Limit<IpAddr>,
    /// Lines on the terminal of whoever runs the study, which requests that go wrong must not flood.
    trouble: Limit<()>,
}

impl Limits {
    fn new() -> Self {
        Self {
            participant: Limit::new(300.0, 30.0),
            start: Limit::new(60.0, 1.0),
            trouble: Limit::new(10.0, 0.1),
        }
    }
}

impl Server {
    /// Listens on `address`. Where others than this machine can reach it, a token is made if none is given.
    ///
    /// # Errors
    /// When the address is taken or not of this machine.
    pub fn bind(study: Study, address: SocketAddr, token: Option<AccessToken>) -> Result<Self, ServeError> {
        Ok(Self { server: percept_serve::Server::bind(address, token)?, study })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// What participants open: with the token, where there is one.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Serves until `stop` says so. `trouble` hears of what participants only see as "something went wrong".
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn run(
        self,
        stop: impl Fn() -> bool + Send + 'static,
        trouble: impl Fn(&StudyError) + Send + Sync + 'static,
    ) -> Result<(), ServeError> {
        let Self { server, study } = self;
        let (routes, guard) = Self::routes(study, server.token().cloned(), trouble);
        server.run(routes, guard, Bounds::default(), stop)
    }

    /// What it answers by, and what stands before that, for connections of another kind ([`percept_serve::answer`]).
    pub fn routes(
        study: Study,
        token: Option<AccessToken>,
        trouble: impl Fn(&StudyError) + Send + Sync + 'static,
    ) -> (Router, Guard) {
        let guard = Guard {
            open: token.is_some(),
            household: Limit::new(2000.0, 200.0),
            patience: PATIENCE,
            refuse: |refused| Refusal::from(refused).into_response(),
        };
        let app = App { study, token, limits: Limits::new(), trouble: Box::new(trouble) };
        (routes(Arc::new(app)), guard)
    }
}

fn routes(app: Shared) -> Router {
    Router::new()
        .route("/", get(participant::consent))
        .route("/start", post(participant::start))
        .route("/s/{link}", get(participant::page))
        .route("/s/{link}/state", get(participant::state))
        .route("/s/{link}/vote", post(participant::vote))
        .route("/s/{link}/picture/{id}", get(participant::picture))
        .route("/study.css", get(|| file("text/css; charset=utf-8", include_str!("study.css"))))
        .route("/study.js", get(|| file("text/javascript; charset=utf-8", include_str!("study.js"))))
        .route("/icon.svg", get(|| file("image/svg+xml", include_str!("icon.svg"))))
        .fallback(async || Refusal::NotFound.page())
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(app)
}

async fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind)], text)
}
