//! A PostgreSQL server that is lost at any moment: nothing is lost, nothing is recorded twice.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, clippy::indexing_slicing, reason = "tests may stop")]

mod common;

use common::{at, postgres, record, scan, seen};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use yagura_findings::{Place, Said, Store, StoreError};
use yagura_model::Status;

/// Stands between a store and its server, and cuts the line.
#[derive(Default)]
struct Line {
    /// No new connections.
    down: AtomicBool,
    /// Cut after what the store sends holds this, once: the server hears it, the store no answer.
    after: Mutex<Option<&'static str>>,
    open: Mutex<Vec<TcpStream>>,
}

impl Line {
    fn to(server: String) -> (Arc<Self>, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let line = Arc::new(Self::default());
        let mine = Arc::clone(&line);
        std::thread::spawn(move || {
            for store in listener.incoming().map_while(Result::ok) {
                if mine.down.load(Ordering::SeqCst) {
                    continue;
                }
                let server = TcpStream::connect(&server).unwrap();
                mine.open.lock().unwrap().extend([store.try_clone().unwrap(), server.try_clone().unwrap()]);
                let (up, line) = ((store.try_clone().unwrap(), server.try_clone().unwrap()), Arc::clone(&mine));
                std::thread::spawn(move || line.pump(up.0, up.1, true));
                let line = Arc::clone(&mine);
                std::thread::spawn(move || line.pump(server, store, false));
            }
        });
        (line, port)
    }

    fn pump(&self, mut from: TcpStream, mut to: TcpStream, asks: bool) {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(n) = from.read(&mut buffer) {
            if n == 0 {
                break;
            }
            let text = String::from_utf8_lossy(&buffer[..n]).into_owned();
            let cut = asks && self.after.lock().unwrap().take_if(|word| text.contains(*word)).is_some();
            if cut {
                from.shutdown(Shutdown::Both).unwrap(); // no answer comes through any more
            }
            if to.write_all(&buffer[..n]).is_err() || cut {
                break;
            }
        }
        if asks {
            std::thread::sleep(Duration::from_millis(100)); // the server does what it heard
        }
        let _ = to.shutdown(Shutdown::Both);
    }

    fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// A store behind a line. `None` without a server: scripts/test starts one.
fn behind_a_line() -> Option<(Store, Place, Arc<Line>)> {
    let ground = postgres()?;
    let Place::Postgres(url) = &ground.place else { panic!("no server") };
    let rest = url.split_once("://").unwrap().1;
    let host = rest.split_once('/').unwrap().0.rsplit('@').next().unwrap();
    let (line, port) = Line::to(host.to_owned());
    let place = Place::Postgres(url.replace(host, &format!("127.0.0.1:{port}")));
    Some((Store::open(&place).unwrap(), place, line))
}

#[test]
fn a_server_that_comes_back_is_found_again() {
    let Some((mut store, _, line)) = behind_a_line() else { return };
    record(&mut store, &scan(1, vec![seen("r.a", "vpc-a", Status::Fail)])).unwrap();
    line.cut();
    let done = record(&mut store, &scan(2, vec![seen("r.a", "vpc-a", Status::Fail)])).unwrap();
    assert_eq!((done.run, done.said), (2, vec![Said::Reconnected]));
    // Reading, too.
    line.cut();
    assert_eq!(store.runs().unwrap().len(), 2);
}

#[test]
fn a_server_that_does_not_come_back_is_told_in_one_sentence() {
    let Some((store, place, line)) = behind_a_line() else { return };
    let mut store = store.waiting(Duration::from_millis(400));
    record(&mut store, &scan(1, vec![seen("r.a", "vpc-a", Status::Fail)])).unwrap();
    line.down.store(true, Ordering::SeqCst);
    line.cut();
    let lost = record(&mut store, &scan(2, vec![seen("r.a", "vpc-a", Status::Pass)])).unwrap_err();
    assert!(matches!(lost, StoreError::Unreachable(_)), "{lost}");
    assert!(lost.to_string().ends_with("nothing was recorded"), "{lost}");
    line.down.store(false, Ordering::SeqCst);
    assert_eq!(Store::open(&place).unwrap().runs().unwrap().len(), 1);
}

#[test]
fn whatever_statement_is_the_last_one_everything_is_recorded_once() {
    let Some((mut store, _, line)) = behind_a_line() else { return };
    let words = [
        "BEGIN",
        "FROM yagura_runs WHERE token",
        "INTO yagura_findings",
        "INTO yagura_events",
        "INTO yagura_assets",
        "INTO yagura_runs",
        "COMMIT",
    ];
    for (nth, word) in words.into_iter().enumerate() {
        let day = i16::try_from(nth).unwrap() + 1;
        *line.after.lock().unwrap() = Some(word);
        let name = format!("vpc-{nth}");
        let mut all: Vec<_> = (0..=nth).map(|n| seen("r.a", &format!("vpc-{n}"), Status::Fail)).collect();
        all.push(seen("r.a", "vpc-pass", Status::Pass));
        let done = record(&mut store, &scan(day, all)).unwrap_or_else(|e| panic!("{word}: {e}"));
        assert!(line.after.lock().unwrap().is_none(), "the line was never cut after {word}");
        assert_eq!(done.said, [Said::Reconnected], "{word}");
        assert_eq!((done.run, done.news.len(), done.at), (i64::from(day), 1, at(day)), "{word}");
        let f = store.findings(&yagura_findings::Filter::default()).unwrap();
        let of = f.iter().find(|f| f.resource.id == name.as_str()).unwrap();
        assert_eq!(store.events(&of.id).unwrap().len(), 1, "{word}");
        assert_eq!(f.len(), nth + 1, "{word}");
    }
}

/// Where `YAGURA_TEST_POSTGRES_ROOT` names the certificate that the server shows: scripts/test makes one.
#[test]
fn a_connection_under_tls_is_verified() {
    let (Some(ground), Ok(root)) = (postgres(), std::env::var("YAGURA_TEST_POSTGRES_ROOT")) else { return };
    let Place::Postgres(url) = &ground.place else { panic!("no server") };
    let open = |more: &str| Store::open(&Place::Postgres(format!("{url}&{more}")));
    for mode in ["require", "verify-full"] {
        open(&format!("sslmode={mode}&sslrootcert={root}")).unwrap_or_else(|e| panic!("{mode}: {e}")).runs().unwrap();
    }
    for bad in ["sslmode=require", "sslmode=verify-full&sslrootcert=/nowhere.crt", "sslmode=allow"] {
        let Err(e) = open(bad) else { panic!("{bad}: opened") };
        assert!(matches!(e, StoreError::Refused(_)), "{bad}: {e}");
    }
}

/// Restarts the server for real, again and again, while a store records.
#[test]
#[ignore = "restarts the server that YAGURA_TEST_POSTGRES names: scripts/test runs it alone"]
fn a_restart_of_the_server_loses_nothing() {
    let restart = std::env::var("YAGURA_TEST_POSTGRES_RESTART").expect("YAGURA_TEST_POSTGRES_RESTART: a command");
    let mut store = postgres().expect("YAGURA_TEST_POSTGRES").open();
    let restarts = std::thread::spawn(move || {
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(700));
            assert!(std::process::Command::new("sh").args(["-c", &restart]).status().unwrap().success());
        }
    });
    let mut reconnected = 0;
    for day in 1..=600 {
        let all = (0..40).map(|n| seen("r.a", &format!("vpc-{n}"), Status::Fail)).collect();
        let done = record(&mut store, &scan(day, all)).unwrap();
        assert_eq!(done.run, i64::from(day));
        reconnected += done.said.len();
        if restarts.is_finished() && reconnected > 0 {
            break;
        }
    }
    restarts.join().unwrap();
    let runs = store.runs().unwrap();
    assert!(reconnected > 0, "no restart fell into a recording");
    assert_eq!(runs.len(), usize::try_from(runs[0].run).unwrap());
}
