//! Where changes are told: local files, a prefix of Amazon S3, a queue. Each is looked at by a thread of its own, which reads what came
//! and hands it on; how far it is, is only remembered when what it handed on was worked in.

use super::log::{Level, Log};
use super::message::{Message, message};
use super::metrics::{Metrics, unix_now};
use crate::commands::detect::Saved;
use crate::commands::store::{self, S3Place, StoreArgs, keys};
use crate::content;
use crate::failure::Failure;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant, SystemTime};
use tokio::runtime::Handle;
use yagura_aws::{Session, WriteOperation};
use yagura_inventory::change::ApiEvent;
use yagura_logs::decode::{Sink, decode};
use yagura_logs::envelope::Envelope;
use yagura_logs::input::{Input, Wanted, local, object};
use yagura_logs::record::Record;
use yagura_model::{Map, Value};

/// How often local files are looked at, at least.
const LOCAL: Duration = Duration::from_millis(200);
/// How long an object that could not be read is left alone.
const AGAIN: Duration = Duration::from_secs(30);
/// The most of one object that is held in memory, packed.
const LARGEST: u64 = 256 << 20;
/// How long a queue is listened to at once; less than a call may take.
const LISTEN: i64 = 10;

/// What came of one file, object or message.
pub struct Delivery {
    /// Which source.
    pub source: usize,
    /// What was read, for detections.
    pub inputs: Vec<Input>,
    /// The calls that changed something.
    pub events: Vec<ApiEvent>,
    /// When it could first be read.
    pub readable: Instant,
    /// Whether it was there before the first look: what the full scan saw is in it.
    pub backlog: bool,
    /// How it is remembered that it was worked in.
    pub done: Done,
}

/// How it is remembered that a delivery was worked in.
pub enum Done {
    /// By the input, read to its end or not.
    Position(Box<Input>, bool),
    /// By deleting the message.
    Message(Box<Receipt>),
}

/// What a message is deleted by.
pub struct Receipt {
    /// With which credentials.
    pub session: Session,
    /// The call.
    pub delete: Arc<WriteOperation>,
    /// The queue's Region.
    pub region: String,
    /// The call's input.
    pub input: Map,
}

/// Where changes are told.
pub enum Place {
    /// Files, folders, patterns.
    Local(String),
    /// A prefix of a bucket.
    Prefix(S3Place, String),
    /// A queue, by its URL.
    Queue(String),
}

impl Place {
    /// What the command line names.
    ///
    /// # Errors
    /// It is no such place: a sentence.
    pub fn parse(name: &str) -> Result<Self, Failure> {
        if name.starts_with("https://") || name.starts_with("http://") {
            return Ok(Self::Queue(name.to_owned()));
        }
        Ok(match S3Place::parse(name)? {
            Some(place) => Self::Prefix(place, name.to_owned()),
            None => Self::Local(name.to_owned()),
        })
    }

    /// Its name in the log and in metrics.
    pub fn name(&self) -> &str {
        match self {
            Self::Local(name) | Self::Prefix(_, name) | Self::Queue(name) => name,
        }
    }
}

/// One source, looked at by a thread of its own.
pub struct Source {
    /// Its place among the sources.
    pub nth: usize,
    /// What it is.
    pub place: Place,
    /// How to reach AWS.
    pub store: StoreArgs,
    /// Time between two looks at a prefix.
    pub look: Duration,
    /// How far it was.
    pub handed: Saved,
    /// Whether nobody has looked at it before.
    pub first: bool,
    /// Where what came goes.
    pub to: SyncSender<Delivery>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is said.
    pub log: Log,
    /// Whether it is to end.
    pub stop: Arc<AtomicBool>,
    /// What carries calls.
    pub handle: Handle,
}

/// Why a source ends or waits.
enum Trouble {
    /// Nobody takes what came any more.
    Over,
    /// A sentence.
    Failed(Failure),
}

impl From<Failure> for Trouble {
    fn from(e: Failure) -> Self {
        Self::Failed(e)
    }
}

impl Source {
    /// Looks until it is to end. What fails is said, counted and tried again.
    pub fn run(mut self) {
        let mut pause = Duration::from_secs(1);
        let mut session = None;
        let mut again: HashMap<String, Instant> = HashMap::new();
        while !self.stop.load(Ordering::Relaxed) {
            let begun = Instant::now();
            match self.look(&mut session, &mut again) {
                Ok(()) => {
                    pause = Duration::from_secs(1);
                    self.metrics.set(
                        "yagura_source_last_look_timestamp_seconds",
                        &[("source", self.place.name())],
                        unix_now(),
                    );
                    self.first = false;
                }
                Err(Trouble::Over) => return,
                // What carries calls ends before the threads do.
                Err(Trouble::Failed(_)) if self.stop.load(Ordering::Relaxed) => return,
                Err(Trouble::Failed(e)) => {
                    self.metrics.count("yagura_errors_total", &[("kind", "source")]);
                    let (en, ja) = (e.said(yagura_model::Lang::En), e.said(yagura_model::Lang::Ja));
                    self.log.say(Level::Error, en, ja, json!({"source": self.place.name()}));
                    session = None;
                    self.sleep(pause);
                    pause = (pause * 2).min(Duration::from_secs(60));
                    continue;
                }
            }
            match self.place {
                // Looking must not be all that this machine does.
                Place::Local(_) => self.sleep(LOCAL.max(begun.elapsed() * 8)),
                Place::Prefix(..) => self.sleep(self.look),
                Place::Queue(_) => {}
            }
        }
    }

    fn sleep(&self, long: Duration) {
        let end = Instant::now() + long;
        while Instant::now() < end && !self.stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(50).min(long));
        }
    }

    fn look(&mut self, session: &mut Option<Session>, again: &mut HashMap<String, Instant>) -> Result<(), Trouble> {
        let mut connect = |handle: &Handle| -> Result<Session, Failure> {
            if session.is_none() {
                *session = Some(handle.block_on(store::connect(&self.store, self.log.lang()))?);
            }
            session.clone().ok_or_else(|| Failure::blind("no session", "セッションがない"))
        };
        match &self.place {
            Place::Local(name) => {
                let found = local(std::slice::from_ref(name), &Wanted::default());
                let found = found.map_err(|e| crate::commands::logs::sources::failure(&e))?;
                self.files(found, again)
            }
            Place::Prefix(place, _) => {
                let session = connect(&self.handle)?;
                let bucket = self.handle.block_on(store::bucket(&session, &place.bucket, &place.prefix))?;
                let found = self.handle.block_on(keys::below(&session, &place.bucket, place.prefix.as_ref()))?;
                let name = |key: &str| format!("s3://{}/{key}", place.bucket);
                let wanted = found.into_iter().filter(|o| o.size > 0 && !o.key.contains("/CloudTrail-Digest/"));
                let inputs = wanted.map(|o| object(&bucket, name(&o.key), &o.key, o.size, o.stamp)).collect();
                self.files(inputs, again)
            }
            Place::Queue(url) => {
                let (session, url) = (connect(&self.handle)?, url.clone());
                self.queue(&session, &url)
            }
        }
    }

    /// What is new of files and objects.
    fn files(&mut self, found: Vec<Input>, again: &mut HashMap<String, Instant>) -> Result<(), Trouble> {
        let there: BTreeSet<String> = found.iter().map(|i| i.name.clone()).collect();
        self.handed.read.retain(|name, _| there.contains(name));
        self.handed.broken.retain(|name, _| there.contains(name));
        again.retain(|name, _| there.contains(name));
        let mut old = 0_u64;
        for input in found {
            if self.stop.load(Ordering::Relaxed) {
                return Ok(());
            }
            if self.first && is_old(&input) {
                // As done: after a restart it is not new either.
                self.handed.note(&input, true);
                let done = Done::Position(Box::new(input), true);
                let (inputs, events, readable) = (Vec::new(), Vec::new(), Instant::now());
                self.hand(Delivery { source: self.nth, inputs, events, readable, backlog: true, done })?;
                old += 1;
                continue;
            }
            let waits = again.get(&input.name).is_some_and(|at| at.elapsed() < AGAIN);
            if waits || self.handed.failed(&input) {
                continue;
            }
            let Some(input) = self.handed.fresh(input) else { continue };
            let readable = readable_since(&input);
            let held = match self.held(&input) {
                Ok(held) => held,
                Err(e) => {
                    self.failed("object", &input.name, &e.to_string());
                    again.insert(input.name.clone(), Instant::now());
                    continue;
                }
            };
            let (events, whole) = self.read(&held);
            let done = Done::Position(Box::new(input.clone()), whole);
            self.hand(Delivery { source: self.nth, inputs: vec![held], events, readable, backlog: self.first, done })?;
            self.handed.note(&input, whole);
        }
        if old > 0 {
            let en = format!("{old} files of more than a day ago are left out; `yagura detect` reads them");
            let ja = format!("1 日以上前のファイル {old} 件は対象としない（`yagura detect` で読める）");
            self.log.say(Level::Info, &en, &ja, json!({"source": self.place.name()}));
        }
        Ok(())
    }

    /// An object in memory, because it is read twice; a file as it is.
    fn held(&self, input: &Input) -> std::io::Result<Input> {
        if input.path().is_some() {
            return Ok(input.clone());
        }
        let mut bytes = Vec::new();
        input.open(&self.handle)?.take(LARGEST).read_to_end(&mut bytes)?;
        if bytes.len() as u64 == LARGEST {
            return Err(std::io::Error::other(format!("more than {} MiB", LARGEST >> 20)));
        }
        Ok(Input::memory(&input.name, &bytes))
    }

    /// The changes in an input, and whether it could be read to its end.
    fn read(&self, input: &Input) -> (Vec<ApiEvent>, bool) {
        let mut sink = Changes::default();
        if let Some(head) = input.head() {
            let mut before = Changes::default();
            decode(Cursor::new(head.to_vec()), &input.place, &mut before);
            sink.passed = (before.read, before.aside);
        }
        match input.open(&self.handle) {
            Ok(stream) => {
                decode(stream, &input.place, &mut sink);
            }
            Err(e) => {
                self.failed("object", &input.name, &e.to_string());
                sink.cut = true;
            }
        }
        self.metrics.add("yagura_events_total", &[("outcome", "read")], sink.read as f64);
        if sink.aside > 0 {
            self.metrics.add("yagura_events_total", &[("outcome", "unreadable")], sink.aside as f64);
            let why = sink.why.unwrap_or_default();
            let en = format!("{} records of `{}` cannot be read: {why}", sink.aside, input.name);
            let ja = format!("`{}` のレコード {} 件を読み取れない: {why}", input.name, sink.aside);
            self.log.say(Level::Warn, &en, &ja, json!({"source": self.place.name()}));
        }
        (sink.events, !sink.cut)
    }

    /// What came to a queue.
    fn queue(&mut self, session: &Session, url: &str) -> Result<(), Trouble> {
        let facts = content::facts()?;
        let call = |name: &str| facts.own_operation(name).map_err(|e| Failure::usage(e.to_string(), e.to_string()));
        let (receive, delete) = (call("sqs:ReceiveMessage")?, Arc::new(call("sqs:DeleteMessage")?));
        let region = region_of(url).unwrap_or_else(|| session.default_region().to_owned());
        let input = Map::from_iter([
            ("QueueUrl".into(), Value::text(url)),
            ("MaxNumberOfMessages".into(), Value::Int(10)),
            ("WaitTimeSeconds".into(), Value::Int(LISTEN)),
        ]);
        let answer = self.handle.block_on(session.change(&receive, &region, &input)).map_err(|e| {
            let text = format!("sqs:ReceiveMessage {url}: {e}");
            Failure::blind(text.clone(), text)
        })?;
        let received = answer.path("Messages").and_then(|m| m.as_list().map(<[Value]>::to_vec)).unwrap_or_default();
        for one in received {
            let text = |name: &str| one.path(name).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
            let (id, body, handle) = (text("MessageId"), text("Body"), text("ReceiptHandle"));
            let readable = Instant::now();
            let Some((inputs, events)) = self.message(session, &id, &body) else { continue };
            let input = [("QueueUrl".into(), Value::text(url)), ("ReceiptHandle".into(), Value::text(handle))];
            let receipt = Receipt {
                session: session.clone(),
                delete: delete.clone(),
                region: region.clone(),
                input: input.into_iter().collect(),
            };
            let done = Done::Message(Box::new(receipt));
            self.hand(Delivery { source: self.nth, inputs, events, readable, backlog: false, done })?;
        }
        Ok(())
    }

    /// What a message holds or points to; `None` where it has to come again.
    fn message(&self, session: &Session, id: &str, body: &str) -> Option<(Vec<Input>, Vec<ApiEvent>)> {
        let (mut inputs, mut events) = (Vec::new(), Vec::new());
        match message(body) {
            Message::Test => {}
            Message::Event(text) => inputs.push(Input::memory(&format!("sqs:{id}"), text.as_bytes())),
            Message::Objects(objects) => {
                for (bucket, key) in objects {
                    if key.contains("/CloudTrail-Digest/") {
                        continue;
                    }
                    let name = format!("s3://{bucket}/{key}");
                    let root = object_store::path::Path::default();
                    let opened = self.handle.block_on(store::bucket(session, &bucket, &root));
                    let held = match opened {
                        Ok(store) => self.held(&object(&store, name.clone(), &key, 0, String::new())),
                        Err(e) => Err(std::io::Error::other(e.said(yagura_model::Lang::En).to_owned())),
                    };
                    match held {
                        Ok(held) => inputs.push(held),
                        Err(e) => {
                            self.failed("object", &name, &e.to_string());
                            // An object that is no more will not come back.
                            if !is_missing(&e) {
                                return None;
                            }
                        }
                    }
                }
            }
            Message::Unknown => {
                self.metrics.count("yagura_errors_total", &[("kind", "message")]);
                let en = "a message of the queue is not understood and stays there".to_owned();
                let ja = "キューのメッセージを解釈できないため、残しておく".to_owned();
                self.log.say(Level::Warn, &en, &ja, json!({"source": self.place.name(), "message_id": id}));
                return None;
            }
        }
        for input in &inputs {
            events.extend(self.read(input).0);
        }
        Some((inputs, events))
    }

    fn hand(&self, delivery: Delivery) -> Result<(), Trouble> {
        self.to.send(delivery).map_err(|_| Trouble::Over)
    }

    fn failed(&self, kind: &'static str, name: &str, why: &str) {
        self.metrics.count("yagura_errors_total", &[("kind", kind)]);
        let (en, ja) = (format!("`{name}` cannot be read: {why}"), format!("`{name}` を読み取れない: {why}"));
        self.log.say(Level::Warn, &en, &ja, json!({"source": self.place.name()}));
    }
}

/// Whether an object is not there.
fn is_missing(e: &std::io::Error) -> bool {
    let store = e.get_ref().and_then(|e| e.downcast_ref::<object_store::Error>());
    matches!(store, Some(object_store::Error::NotFound { .. })) || e.kind() == std::io::ErrorKind::NotFound
}

/// Whether a file is of more than a day ago: by the day in its name, else by when it was written.
fn is_old(input: &Input) -> bool {
    let yesterday = Timestamp::now() - SignedDuration::from_hours(24);
    if let Some(day) = &input.place.day {
        return *day < yesterday.strftime("%Y-%m-%d").to_string();
    }
    let written = input.path().and_then(|p| p.metadata().ok()?.modified().ok());
    written.is_some_and(|t| t.elapsed().is_ok_and(|d| d > Duration::from_secs(86_400)))
}

/// Since when a file can be read: when it was written, as its system tells.
fn readable_since(input: &Input) -> Instant {
    let now = Instant::now();
    let written: Option<SystemTime> = input.path().and_then(|p| p.metadata().ok()?.modified().ok());
    let ago = written.and_then(|t| t.elapsed().ok()).unwrap_or_default();
    now.checked_sub(ago).unwrap_or(now)
}

/// The Region in a queue's URL (`https://sqs.eu-west-1.amazonaws.com/…`).
fn region_of(url: &str) -> Option<String> {
    let host = url.split("://").nth(1)?.split('/').next()?;
    let mut parts = host.split('.');
    let region = (parts.next() == Some("sqs")).then(|| parts.next())??;
    (region.contains('-')).then(|| region.to_owned())
}

/// Takes the calls that changed something.
#[derive(Default)]
struct Changes {
    events: Vec<ApiEvent>,
    read: u64,
    aside: u64,
    why: Option<String>,
    cut: bool,
    /// Records and unreadable ones that were taken before.
    passed: (u64, u64),
}

impl Sink for Changes {
    fn record(&mut self, text: &str, record: Record<'_>, _: Envelope<'_>) {
        if self.passed.0 > 0 {
            self.passed.0 -= 1;
            return;
        }
        self.read += 1;
        if record.table.source.name != "cloudtrail" || record.text("readonly").as_deref() == Some("true") {
            return;
        }
        match serde_json::from_str(text) {
            Ok(json) => self.events.extend(ApiEvent::read(&json)),
            Err(e) => {
                self.aside += 1;
                self.why.get_or_insert_with(|| e.to_string());
            }
        }
    }

    fn aside(&mut self, why: String, _: &[u8]) {
        if self.passed.1 > 0 {
            self.passed.1 -= 1;
            return;
        }
        self.aside += 1;
        self.why.get_or_insert(why);
    }

    fn cut(&mut self) {
        self.cut = true;
    }
}

/// Sources by their names, each once.
///
/// # Errors
/// One is no such place, or none is there: a sentence.
pub fn places(names: &[String]) -> Result<Vec<Place>, Failure> {
    let mut out: BTreeMap<&str, Place> = BTreeMap::new();
    for name in names {
        let place = Place::parse(name)?;
        if let Place::Local(path) = &place
            && !path.contains(['*', '?', '['])
            && !std::path::Path::new(path).exists()
        {
            return Err(Failure::blind(format!("there is no `{path}`"), format!("`{path}` は存在しない")));
        }
        out.insert(name, place);
    }
    Ok(out.into_values().collect())
}
