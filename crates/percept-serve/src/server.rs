//! A listener and its routes, until someone says stop.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use axum::Router;

use crate::connections::{self, Bounds};
use crate::{AccessToken, Guard};

/// Why nothing can be served.
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

/// A server that listens and answers nobody yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    token: Option<AccessToken>,
}

impl Server {
    /// Listens on `address`. Where others than this machine can reach it, a token is made if none is given.
    ///
    /// # Errors
    /// When the address is taken or not of this machine.
    pub fn bind(address: SocketAddr, token: Option<AccessToken>) -> Result<Self, ServeError> {
        let token = match token {
            None if !address.ip().is_loopback() => Some(AccessToken::random()?),
            token => token,
        };
        let failed = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, token })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What those bring who may ask; none where only this machine can.
    pub fn token(&self) -> Option<&AccessToken> {
        self.token.as_ref()
    }

    /// What people open: with the token, where there is one.
    pub fn url(&self) -> String {
        match &self.token {
            Some(token) => format!("http://{}/?token={token}", self.address),
            None => format!("http://{}/", self.address),
        }
    }

    /// Answers by `routes`, behind `guard`, until `stop` says so.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn run(
        self,
        routes: Router,
        guard: Guard,
        bounds: Bounds,
        stop: impl Fn() -> bool + Send + 'static,
    ) -> Result<(), ServeError> {
        let routes = guard.before(routes);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(8)
            .enable_all()
            .build()?;
        let (end, ended) = tokio::sync::watch::channel(false);
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(self.listener)?;
            tokio::spawn(async move {
                while !stop() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                let _ = end.send(true);
            });
            connections::serve(listener, routes, bounds, ended).await;
            Ok(())
        })
    }
}
