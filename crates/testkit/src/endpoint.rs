//! The endpoint: a server on a thread of its own.

use crate::answer::{Answer, Reply, unsigned};
use crate::call::Call;
use crate::estate::Estate;
use crate::fault::{Fault, Rule};
use crate::mangle::mangle;
use crate::upstream::forward;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A server that plays AWS until it is dropped. It runs on a thread of its own, so tests need no runtime.
#[derive(Debug)]
pub struct Endpoint {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    source: Source,
    state: Mutex<State>,
}

#[derive(Debug)]
enum Source {
    Estate(Estate),
    Upstream(String),
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    replies: BTreeMap<String, Reply>,
    requests: BTreeMap<String, u64>,
}

impl Endpoint {
    /// Answers from an estate.
    ///
    /// # Errors
    /// Where no port on loopback can be had.
    pub fn start(estate: Estate) -> io::Result<Self> {
        Self::serve(Source::Estate(estate))
    }

    /// Hands every request on to the server at `address` (`127.0.0.1:5000`).
    ///
    /// # Errors
    /// Where no port on loopback can be had.
    pub fn in_front_of(address: &str) -> io::Result<Self> {
        Self::serve(Source::Upstream(address.to_owned()))
    }

    fn serve(source: Source) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { source, state: Mutex::default() });
        let (stop, stopped) = oneshot::channel();
        let serving = shared.clone();
        let thread = std::thread::Builder::new().name("endpoint".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::spawn(accept(listener, serving));
                let _ = stopped.await;
            });
            runtime.shutdown_background();
        })?;
        Ok(Self { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Adds a fault. Where several would strike, the first added does.
    pub fn add(&self, rule: Rule) {
        self.shared.state().rules.push(rule);
    }

    /// Answers a call (`cloudtrail:ListPublicKeys`) with this from now on, whatever stands behind.
    pub fn answer(&self, call: &str, reply: Reply) {
        self.shared.state().replies.insert(call.to_owned(), reply);
    }

    /// The requests so far, by operation, struck ones included.
    pub fn requests(&self) -> BTreeMap<String, u64> {
        self.shared.state().requests.clone()
    }

    /// Forgets faults, answers and counts.
    pub fn reset(&self) {
        *self.shared.state() = State::default();
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call and says which fault strikes it.
    fn note(&self, call: &Call) -> Option<Fault> {
        let mut state = self.state();
        *state.requests.entry(call.name.clone()).or_default() += 1;
        let now = Instant::now();
        state.rules.iter_mut().find_map(|rule| rule.strikes(call, now).then(|| rule.fault.clone()))
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let shared = shared.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| respond(shared.clone(), request));
            // A connection that ends badly is the client's affair, or a fault that was asked for.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// An `Err` closes the connection without an answer.
async fn respond(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Sent>, io::Error> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
    let Some(call) = Call::recognise(&parts, &body) else { return sent(unsigned(), false) };
    let fault = shared.note(&call);
    match &fault {
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Reset) => return Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        Some(fault) => {
            if let Some(reply) = fault.reply(&call) {
                return sent(reply.answer(&call), false);
            }
        }
        None => {}
    }
    let reply = shared.state().replies.get(&call.name).cloned();
    let good = match (reply, &shared.source) {
        (Some(reply), _) => reply.answer(&call),
        (None, Source::Estate(estate)) => estate.reply(&call).answer(&call),
        (None, Source::Upstream(address)) => forward(address, &parts, body).await.map_err(io::Error::other)?,
    };
    match fault {
        Some(Fault::Lost) => Err(io::Error::from(io::ErrorKind::ConnectionReset)),
        Some(fault) => sent(mangle(&fault, &call, good), fault == Fault::CutOff),
        None => sent(good, false),
    }
}

fn sent(answer: Answer, cut_off: bool) -> Result<Response<Sent>, io::Error> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let full = answer.body.len();
    let body = if cut_off { answer.body.slice(..full * 2 / 3) } else { answer.body };
    response.body(Sent { left: Some(body), length: full as u64, cut_off }).map_err(io::Error::other)
}

/// A body that may break off before the length it promised.
struct Sent {
    left: Option<Bytes>,
    length: u64,
    cut_off: bool,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.left.take() {
            Some(bytes) if !bytes.is_empty() => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            _ if self.cut_off => Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
            _ => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        !self.cut_off && self.left.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
