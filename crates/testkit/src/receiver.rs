//! Whoever is sent requests over HTTP: keeps them, and answers as a test says.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A request that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// `POST`
    pub method: String,
    /// The path with its query.
    pub path: String,
    /// Lower-case names.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: String,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Status, further headers, body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// Nothing, until the client gives up.
    Nothing,
    /// The connection is closed after the request was read.
    Closed,
    /// The connection is closed in the middle of the answer.
    CutOff,
}

type Handler = dyn FnMut(&Received) -> Said + Send;

/// A receiver, until it is dropped.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    kept: Arc<Mutex<Vec<Received>>>,
    over: Arc<AtomicBool>,
}

impl Receiver {
    /// Answers every request by `handler`, after it was kept.
    ///
    /// # Errors
    /// Where no port on loopback can be had.
    pub fn start(handler: impl FnMut(&Received) -> Said + Send + 'static) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (kept, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let handler: Arc<Mutex<Box<Handler>>> = Arc::new(Mutex::new(Box::new(handler)));
        let (keep, end) = (kept.clone(), over.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if end.load(Ordering::Relaxed) {
                    break;
                }
                let (keep, handler) = (keep.clone(), handler.clone());
                // A client that goes away in the middle is what some tests are about.
                std::thread::spawn(move || serve(stream, &keep, &handler).unwrap_or_default());
            }
        });
        Ok(Self { address, kept, over })
    }

    /// `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far, in the order in which they were read.
    pub fn requests(&self) -> Vec<Received> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address); // wakes the listener
    }
}

impl Said {
    /// 200 with a text.
    pub fn ok(body: &str) -> Self {
        Self::Answer(200, Vec::new(), body.to_owned())
    }

    /// A status and nothing else.
    pub fn status(status: u16) -> Self {
        Self::Answer(status, Vec::new(), String::new())
    }
}

fn serve(stream: TcpStream, kept: &Mutex<Vec<Received>>, handler: &Mutex<Box<Handler>>) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut first = line.split_whitespace();
    let (Some(method), Some(path)) = (first.next(), first.next()) else { return Ok(()) };
    let mut request =
        Received { method: method.to_owned(), path: path.to_owned(), headers: BTreeMap::new(), body: String::new() };
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        request.headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = request.headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    kept.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    let said = (handler.lock().unwrap_or_else(PoisonError::into_inner))(&request);
    answer(stream, said)
}

fn answer(mut stream: TcpStream, said: Said) -> io::Result<()> {
    match said {
        Said::Closed => Ok(()),
        Said::CutOff => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{\"half"),
        Said::Nothing => {
            let mut rest = Vec::new();
            stream.read_to_end(&mut rest).map(drop)
        }
        Said::Answer(status, headers, body) => {
            let mut head = format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
            for (name, value) in headers {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
            stream.write_all(format!("{head}\r\n{body}").as_bytes())
        }
    }
}
