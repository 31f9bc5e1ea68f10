//! An SMTP server on loopback that keeps every mail (RFC 5321, as much of it as a client needs).

use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// `MAIL FROM`
    pub from: String,
    /// `RCPT TO`
    pub to: Vec<String>,
    /// The argument of `AUTH PLAIN`, empty where nobody signed in.
    pub login: String,
    /// Headers and body, with line feeds.
    pub text: String,
}

/// The server, until it is dropped.
#[derive(Debug)]
pub struct Mailbox {
    address: SocketAddr,
    mails: Arc<Mutex<Vec<Mail>>>,
    replies: Arc<Mutex<Vec<&'static str>>>,
    over: Arc<AtomicBool>,
}

impl Mailbox {
    /// Starts it.
    ///
    /// # Errors
    /// Where no port on loopback can be had.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let mailbox = Self { address, mails: Arc::default(), replies: Arc::default(), over: Arc::default() };
        let (mails, replies, over) = (mailbox.mails.clone(), mailbox.replies.clone(), mailbox.over.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let (mails, replies) = (mails.clone(), replies.clone());
                std::thread::spawn(move || talk(stream, &mails, &replies).unwrap_or_default());
            }
        });
        Ok(mailbox)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The mails so far.
    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers the next `MAIL FROM`s with these (`451 later`), the last first, in place of taking the mail.
    pub fn refuse(&self, replies: &[&'static str]) {
        self.replies.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(replies);
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address); // wakes the listener
    }
}

fn talk(mut stream: TcpStream, mails: &Mutex<Vec<Mail>>, replies: &Mutex<Vec<&'static str>>) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut mail = Mail { from: String::new(), to: Vec::new(), login: String::new(), text: String::new() };
    stream.write_all(b"220 testkit ESMTP\r\n")?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim_end();
        let word = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let address = || line.split_once('<').and_then(|(_, a)| a.split('>').next()).unwrap_or_default().to_owned();
        let reply = match word.as_str() {
            "EHLO" => "250-testkit\r\n250 AUTH PLAIN",
            "AUTH" => {
                mail.login = line.rsplit(' ').next().unwrap_or_default().to_owned();
                "235 welcome"
            }
            "MAIL" => match replies.lock().unwrap_or_else(PoisonError::into_inner).pop() {
                Some(refusal) => refusal,
                None => {
                    mail.from = address();
                    "250 ok"
                }
            },
            "RCPT" => {
                mail.to.push(address());
                "250 ok"
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                mail.text = data(&mut reader)?;
                mails.lock().unwrap_or_else(PoisonError::into_inner).push(mail.clone());
                "250 taken"
            }
            "QUIT" => {
                stream.write_all(b"221 bye\r\n")?;
                return Ok(());
            }
            "RSET" | "NOOP" => "250 ok",
            _ => "502 what",
        };
        stream.write_all(format!("{reply}\r\n").as_bytes())?;
    }
}

/// Up to the line with a point alone; doubled points are single.
fn data(reader: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut out = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match line.trim_end_matches(['\r', '\n']) {
            "." => return Ok(out),
            text => {
                out.push_str(
                    text.strip_prefix('.').filter(|t| text.starts_with("..") || !t.is_empty()).unwrap_or(text),
                );
                out.push('\n');
            }
        }
    }
}
