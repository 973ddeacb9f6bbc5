//! What the page offers, and the server of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Json};
use axum::routing::{get, post};
use percept_image::EXTENSIONS;
use percept_nn::model::Model;
use percept_serve::{AccessToken, Bounds, Guard, Limit, ServeError, Server};
use serde::Serialize;
use serde_json::{Value, json};

use crate::desk::{Desk, Limits};
use crate::refusal::Refusal;
use crate::runs::Runs;
use crate::{photos, runs, worker};

/// A model that can be picked.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Offer {
    /// The name by which it is opened.
    pub name: String,
    /// What it is, in a few words.
    pub title: String,
    /// What it undoes.
    pub task: String,
    /// How many times as large its results are.
    pub scale: usize,
    /// Under which licence it may be used, where that is known.
    pub licence: Option<String>,
    /// Whether it has a mild form, so that the strength of denoising can be chosen.
    pub mild: bool,
}

/// Opens a model by its name, with a strength of denoising from 0 to 1, which is 1 where it has no mild form; or says in a
/// sentence why not.
pub type Open = Box<dyn Fn(&str, f64) -> Result<Model, String> + Send>;

/// What the page offers.
pub struct Site {
    /// Models, the first of which is picked at first.
    pub models: Vec<Offer>,
    /// How they are opened.
    pub open: Open,
    /// A folder of runs to watch.
    pub runs: Option<PathBuf>,
    /// What may be asked for.
    pub limits: Limits,
}

/// What all requests share.
pub(crate) struct App {
    pub models: Vec<Offer>,
    pub desk: Desk,
    pub runs: Option<Runs>,
    token: Option<AccessToken>,
}

pub(crate) type Shared = Arc<App>;

impl Site {
    /// Answers until `stop` says so. Then, and whenever a visit ends, its photos are gone.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn serve(self, server: Server, stop: impl Fn() -> bool + Send + 'static) -> Result<(), ServeError> {
        let Self { models, open, runs, limits } = self;
        let token = server.token().cloned();
        let guard = Guard {
            open: token.is_some(),
            // A page in sight of many squares asks for them all.
            household: Limit::new(4000.0, 400.0),
            // Photos and results are large, and the way may be narrow.
            patience: Duration::from_secs(600),
            refuse: |refused| Refusal::from(refused).into_response(),
        };
        let bounds = Bounds { life: Duration::from_secs(3600), ..Bounds::default() };
        let app = Arc::new(App { models, desk: Desk::new(limits), runs: runs.map(Runs::new), token });
        let over = Arc::new(AtomicBool::new(false));
        // Nobody waits for them at the end: what they do has no reader any more.
        let (worker, stopped) = (app.clone(), over.clone());
        std::thread::Builder::new().spawn(move || worker::work(&worker.desk, &open, &stopped))?;
        let (sweeper, stopped) = (app.clone(), over.clone());
        std::thread::Builder::new().spawn(move || {
            while !stopped.load(Ordering::SeqCst) {
                sweeper.desk.sweep(Instant::now());
                std::thread::sleep(Duration::from_millis(200));
            }
        })?;
        let served = server.run(routes(app.clone()), guard, bounds, stop);
        over.store(true, Ordering::SeqCst);
        app.desk.close();
        served
    }
}

fn routes(app: Shared) -> Router {
    let (js, css) = ("text/javascript; charset=utf-8", "text/css; charset=utf-8");
    let mut routes = Router::new();
    for (path, kind, text) in [
        ("/", "text/html; charset=utf-8", include_str!("page/page.html")),
        ("/page.css", css, include_str!("page/page.css")),
        ("/page.js", js, include_str!("page/page.js")),
        ("/server.js", js, include_str!("page/server.js")),
        ("/photos.js", js, include_str!("page/photos.js")),
        ("/viewer.js", js, include_str!("page/viewer.js")),
        ("/runs.js", js, include_str!("page/runs.js")),
        ("/chart.js", js, include_str!("page/chart.js")),
        ("/icon.svg", "image/svg+xml", include_str!("page/icon.svg")),
    ] {
        routes = routes.route(path, get(move || async move { ([(CONTENT_TYPE, kind)], text) }));
    }
    routes
        .route("/visit", post(visit))
        .route("/v/{visit}", get(photos::told))
        .route("/v/{visit}/leave", post(photos::leave))
        .route("/v/{visit}/photos", post(photos::add))
        .route("/v/{visit}/photos/{photo}/cancel", post(photos::cancel))
        .route("/v/{visit}/photos/{photo}/remove", post(photos::remove))
        .route("/v/{visit}/photos/{photo}/result", get(photos::result))
        .route("/v/{visit}/photos/{photo}/before", get(photos::before))
        .route("/v/{visit}/photos/{photo}/glance", get(photos::glance))
        .route("/v/{visit}/photos/{photo}/square/{number}", get(photos::square))
        .route("/v/{visit}/runs", get(runs::list))
        .route("/v/{visit}/run", get(runs::one))
        .route("/v/{visit}/run/picture", get(runs::picture))
        .fallback(async || Refusal::NotFound)
        // Those that are larger say so before they are read.
        .layer(DefaultBodyLimit::disable())
        .with_state(app)
}

/// A page begins: what it offers.
async fn visit(State(app): State<Shared>, headers: HeaderMap) -> Result<Json<Value>, Refusal> {
    if app.token.as_ref().is_some_and(|token| !token.is_in(&headers)) {
        return Err(Refusal::NoToken);
    }
    let visit = app.desk.enter()?;
    let Limits { photo, held } = app.desk.limits;
    // Levels of the result, its file, and what the network needs beside them.
    let pixels = percept_nn::apply::available_memory().map(|free| free / 16);
    Ok(Json(json!({
        "visit": visit.to_string(), "models": app.models, "runs": app.runs.is_some(),
        "version": env!("CARGO_PKG_VERSION"), "endings": EXTENSIONS,
        "limits": {"photo": photo, "held": held, "pixels": pixels},
    })))
}
