//! Connections: how many there may be, and how long each may take. Whoever opens many and sends little would otherwise
//! use up the system's descriptors before any request is there to be refused.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::ConnectInfo;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::household;

/// Bytes of a request's line and headers, at least 8192; and how many headers it may have.
const HEAD: usize = 16 * 1024;
const HEADERS: usize = 64;

/// How long to wait where the system has no descriptor for another connection.
const PAUSE: Duration = Duration::from_millis(100);

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// All at a time: fewer than the descriptors that systems commonly give.
    pub all: usize,
    /// Of one household, which may be a lecture hall.
    pub household: usize,
    /// Until a request's headers are there, the first one's and the next one's.
    pub headers: Duration,
    /// Of a connection, however busy.
    pub life: Duration,
    /// Until what was begun is ended, after that time or when the server stops.
    pub grace: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            all: 512,
            household: 384,
            headers: Duration::from_secs(10),
            life: Duration::from_secs(120),
            grace: Duration::from_secs(2),
        }
    }
}

/// Answers on `listener` until `stop` is true. A connection beyond the bounds is closed at once.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Router,
    bounds: Bounds,
    mut stop: watch::Receiver<bool>,
) {
    let seats = Seats::default();
    let mut open = JoinSet::new();
    loop {
        let (stream, client) = tokio::select! {
            _ = stop.wait_for(|stop| *stop) => break,
            Some(_) = open.join_next() => continue,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(_) => {
                    sleep(PAUSE).await;
                    continue;
                }
            },
        };
        let Some(seat) = seats.take(household(client.ip()), bounds) else { continue };
        let answering = answer(stream, client, routes.clone(), bounds, stop.clone());
        open.spawn(async move {
            answering.await;
            drop(seat);
        });
    }
    drop(listener);
    let _ = timeout(bounds.grace, async { while open.join_next().await.is_some() {} }).await;
}

/// Answers `client` on one connection by `routes`, until one of both ends it, its time is over or `stop` is true.
pub async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    client: SocketAddr,
    routes: Router,
    bounds: Bounds,
    mut stop: watch::Receiver<bool>,
) {
    let routes = routes.layer(Extension(ConnectInfo(client)));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.headers)
        .max_buf_size(HEAD)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let mut serving = pin!(serving);
    // What clients do wrong is theirs: an error ends the connection and is nobody else's business.
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = stop.wait_for(|stop| *stop) => {}
        () = sleep(bounds.life) => {}
    }
    serving.as_mut().graceful_shutdown();
    let _ = timeout(bounds.grace, serving).await;
}

/// Who is connected.
#[derive(Clone, Debug, Default)]
struct Seats(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection's place, until it is dropped.
#[derive(Debug)]
struct Seat {
    seats: Seats,
    household: IpAddr,
}

impl Seats {
    fn take(&self, household: IpAddr, bounds: Bounds) -> Option<Seat> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = taken.get(&household).copied().unwrap_or(0);
        if own >= bounds.household || taken.values().sum::<usize>() >= bounds.all {
            return None;
        }
        taken.insert(household, own + 1);
        Some(Seat { seats: self.clone(), household })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.seats.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.household) {
            *own -= 1;
            if *own == 0 {
                taken.remove(&self.household);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::time::Instant;

    use axum::routing::get;

    use super::{Bounds, Duration, IpAddr, Router, Seats, SocketAddr, TcpListener, serve, watch};

    #[test]
    fn seats_are_few_and_given_back() {
        let bounds = Bounds { all: 3, household: 2, ..Bounds::default() };
        let seats = Seats::default();
        let [a, b] = ["10.0.0.1", "10.0.0.2"].map(|address| address.parse::<IpAddr>().unwrap());
        let (first, second) = (seats.take(a, bounds), seats.take(a, bounds));
        assert!(first.is_some() && second.is_some() && seats.take(a, bounds).is_none());
        let other = seats.take(b, bounds);
        assert!(other.is_some() && seats.take(b, bounds).is_none(), "all are taken");
        drop((first, second, other));
        assert!(seats.0.lock().unwrap().is_empty());
    }

    /// A server with these bounds on a thread of its own; it ends with the test.
    fn server(bounds: Bounds) -> (SocketAddr, watch::Sender<bool>) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        // More than sockets hold by themselves.
        let large = get(|| async { vec![0u8; LARGE] });
        let routes = Router::new().route("/", get(|| async { "here" })).route("/large", large);
        let (stop, stopped) = watch::channel(false);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                serve(TcpListener::from_std(listener).unwrap(), routes, bounds, stopped).await;
            });
        });
        (address, stop)
    }

    const LARGE: usize = 64 << 20;

    fn send(address: SocketAddr, bytes: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let _ = stream.write_all(bytes);
        stream
    }

    /// What comes until the server closes the connection.
    #[track_caller]
    fn until_closed(stream: &mut TcpStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Err(error) = stream.read_to_end(&mut bytes) {
            assert!(error.kind() != std::io::ErrorKind::WouldBlock, "it stays open");
        }
        bytes
    }

    const WHOLE: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    const HALF: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ";

    fn bounds() -> Bounds {
        Bounds { headers: Duration::from_millis(400), life: Duration::from_secs(60), ..Bounds::default() }
    }

    #[test]
    fn half_a_header_is_not_waited_for() {
        let (address, _stop) = server(bounds());
        until_closed(&mut send(address, HALF));
        until_closed(&mut send(address, b""));
        // One that asked once and says no more.
        assert!(until_closed(&mut send(address, WHOLE)).ends_with(b"here"));
    }

    #[test]
    fn who_opens_many_leaves_room_for_others() {
        let (address, _stop) = server(Bounds { household: 3, headers: Duration::from_secs(3), ..bounds() });
        let mut many: Vec<TcpStream> = (0..8).map(|_| send(address, HALF)).collect();
        // Beyond the third they are closed long before the time for headers is over.
        let started = Instant::now();
        until_closed(many.last_mut().unwrap());
        assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
        many.iter_mut().for_each(|stream| drop(until_closed(stream)));
        assert!(until_closed(&mut send(address, WHOLE)).ends_with(b"here"), "places are given back");
    }

    /// Who asks for much and takes nothing is let go after a while.
    #[test]
    fn no_connection_lives_for_ever() {
        let short = Duration::from_millis(300);
        let (address, _stop) = server(Bounds { life: short, grace: short, ..Bounds::default() });
        let mut taker = send(address, b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n");
        std::thread::sleep(Duration::from_secs(2));
        assert!(until_closed(&mut taker).len() < LARGE, "the rest was still there");
    }

    #[test]
    fn large_and_many_headers_are_refused() {
        let (address, _stop) = server(Bounds::default());
        for (lines, length) in [(40, 1000), (80, 10)] {
            let lines: String = (0..lines).map(|at| format!("X-{at}: {}\r\n", "a".repeat(length))).collect();
            let head = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n");
            let reply = until_closed(&mut send(address, head.as_bytes()));
            let reply = String::from_utf8_lossy(&reply).into_owned();
            assert!(reply.is_empty() || reply.starts_with("HTTP/1.1 431"), "{reply}");
        }
    }

    #[test]
    fn it_ends_when_it_is_told_to() {
        let (address, stop) = server(bounds());
        let mut idle = send(address, WHOLE);
        stop.send(true).unwrap();
        until_closed(&mut idle);
        // Nobody listens any more, after a moment.
        let started = Instant::now();
        while TcpStream::connect(address).is_ok() {
            assert!(started.elapsed() < Duration::from_secs(10));
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
