//! `/healthz`, `/readyz` and `/metrics`. Slow clients, large headers and many connections are cut off: whoever can reach the port must
//! not be able to keep the watch from its work.

use super::metrics::Metrics;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

/// How many connections are served at once; others wait.
const AT_ONCE: usize = 32;
/// How long a client may take for its headers.
const HEADERS: Duration = Duration::from_secs(5);
/// How long a connection lives.
const WHOLE: Duration = Duration::from_secs(20);
/// The largest head of a request, in bytes.
const LARGEST: usize = 16 * 1024;
/// The most header lines.
const MOST: usize = 64;

/// Why it is not ready; empty where it is.
pub type Ready = Arc<Mutex<Vec<String>>>;

/// Listens, and answers until the runtime ends. Where it listens is answered: a port of 0 is one that is free.
///
/// # Errors
/// The address cannot be had.
pub async fn serve(at: SocketAddr, metrics: Arc<Metrics>, ready: Ready) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(at).await?;
    let own = listener.local_addr()?;
    tokio::spawn(async move {
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        loop {
            let Ok(slot) = slots.clone().acquire_owned().await else { return };
            let Ok((stream, _)) = listener.accept().await else {
                // No file descriptor is left: one becomes free.
                metrics.count("yagura_errors_total", &[("kind", "http")]);
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            };
            let (metrics, ready) = (metrics.clone(), ready.clone());
            tokio::spawn(async move {
                let _slot = slot;
                let answer = service_fn(|request| {
                    let response = answer(&request, &metrics, &ready);
                    async move { Ok::<_, Infallible>(response) }
                });
                let mut http = hyper::server::conn::http1::Builder::new();
                http.timer(TokioTimer::new()).header_read_timeout(HEADERS).max_buf_size(LARGEST).max_headers(MOST);
                http.keep_alive(false);
                // A client that breaks off, or sends what is no HTTP, has had its answer.
                let _ = tokio::time::timeout(WHOLE, http.serve_connection(TokioIo::new(stream), answer)).await;
            });
        }
    });
    Ok(own)
}

fn answer(request: &Request<Incoming>, metrics: &Metrics, ready: &Ready) -> Response<Full<Bytes>> {
    const TEXT: &str = "text/plain; charset=utf-8";
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return response(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n".to_owned());
    }
    match request.uri().path() {
        "/healthz" => response(StatusCode::OK, TEXT, "ok\n".to_owned()),
        "/readyz" => {
            let why = ready.lock().unwrap_or_else(PoisonError::into_inner).clone();
            match why.is_empty() {
                true => response(StatusCode::OK, TEXT, "ready\n".to_owned()),
                false => response(StatusCode::SERVICE_UNAVAILABLE, TEXT, why.join("\n") + "\n"),
            }
        }
        "/metrics" => response(StatusCode::OK, "text/plain; version=0.0.4; charset=utf-8", metrics.text()),
        _ => response(StatusCode::NOT_FOUND, TEXT, "there are /healthz, /readyz and /metrics\n".to_owned()),
    }
}

fn response(status: StatusCode, kind: &'static str, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
