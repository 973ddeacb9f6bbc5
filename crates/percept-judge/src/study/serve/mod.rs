//! The page on which people answer: a server that sends what is in the binary and in the study's folder, and nothing
//! else, and asks nobody for anything.

mod access;
mod connections;
mod guard;
mod limit;
mod participant;
mod refusal;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::CONTENT_TYPE;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{get, post};

pub use access::{AccessToken, NoToken};

use self::connections::Bounds;
use self::guard::Limits;
use self::refusal::Refusal;
use super::{Study, StudyError};

/// The largest body of a request, in bytes; an answer has less than 100.
const BODY: usize = 4096;

/// Why a study cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}; choose another address or port")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A token could not be drawn.
    #[error("the system gives no random numbers: {0}")]
    Random(#[from] getrandom::Error),
    /// The server cannot begin.
    #[error("the server cannot begin: {0}; end other programs and start it again, nothing is lost")]
    Broken(#[from] io::Error),
}

/// A study that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    study: Study,
    token: Option<AccessToken>,
}

/// What all requests share.
struct App {
    study: Study,
    token: Option<AccessToken>,
    limits: Limits,
    trouble: Box<dyn Fn(&StudyError) + Send + Sync>,
}

type Shared = Arc<App>;

impl Server {
    /// Listens on `address`. Where others than this machine can reach it, a token is made if none is given.
    ///
    /// # Errors
    /// When the address is taken or not of this machine.
    pub fn bind(study: Study, address: SocketAddr, token: Option<AccessToken>) -> Result<Self, ServeError> {
        let token = match token {
            None if !address.ip().is_loopback() => Some(AccessToken::random()?),
            token => token,
        };
        let failed = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, study, token })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What participants open: with the token, where there is one.
    pub fn url(&self) -> String {
        match &self.token {
            Some(token) => format!("http://{}/?token={token}", self.address),
            None => format!("http://{}/", self.address),
        }
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
        let Self { listener, study, token, .. } = self;
        let app = App { study, token, limits: Limits::new(), trouble: Box::new(trouble) };
        let routes = routes(Arc::new(app));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(8)
            .enable_all()
            .build()?;
        let (end, ended) = tokio::sync::watch::channel(false);
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tokio::spawn(async move {
                while !stop() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                let _ = end.send(true);
            });
            connections::serve(listener, routes, Bounds::default(), ended).await;
            Ok(())
        })
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
        .layer(from_fn_with_state(app.clone(), guard::guard))
        .with_state(app)
}

async fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(CONTENT_TYPE, kind)], text)
}
