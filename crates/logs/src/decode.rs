//! From a file's bytes to records: unpacked, cut, recognised by content, given to whoever wants them. What cannot be read is given
//! too, with the reason; nothing is dropped.

use crate::envelope::Envelope;
use crate::frame::{Frame, Frames};
use crate::json::{Kind, Raw};
use crate::place::Place;
use crate::record::{Object, Record};
use crate::table::{Line, Lines, Table, tables};
use crate::wrap::{is_event, wrapped};
use std::io::Read;

/// Takes what a file holds.
pub trait Sink {
    /// One record: its own text, its fields, its envelope.
    fn record(&mut self, text: &str, record: Record<'_>, envelope: Envelope<'_>);
    /// Something that cannot be read: why, and how it begins.
    fn aside(&mut self, why: String, head: &[u8]);
    /// The stream ended before its end (a cut gzip, a connection that broke), which was told as set aside, too: another try may give
    /// more.
    fn cut(&mut self) {}
}

/// How many wrappings (EventBridge in CloudWatch Logs in …) are opened.
const WRAPPINGS: usize = 4;

/// Reads a stream to its end. Answers the name of the format that its records had, the first one where there are several.
pub fn decode<R: Read + Send>(stream: R, place: &Place, sink: &mut dyn Sink) -> Option<&'static str> {
    let begun = crate::unpack::unpack(stream).and_then(|(_, mut plain)| {
        let mut head = Vec::with_capacity(MAGIC.len());
        plain.by_ref().take(MAGIC.len() as u64).read_to_end(&mut head)?;
        Ok((head, plain))
    });
    let (head, plain) = match begun {
        Ok(begun) => begun,
        Err(e) => {
            sink.aside(format!("the file cannot be read: {e}"), &[]);
            sink.cut();
            return None;
        }
    };
    if head == MAGIC {
        return in_memory(head, plain, place, sink);
    }
    let mut decoder = Decoder::new(place, sink);
    decoder.all(Frames::new(std::io::Cursor::new(head).chain(plain)));
    decoder.format()
}

/// How Parquet files begin.
const MAGIC: &[u8] = b"PAR1";
/// The most of a Parquet file that is taken from a stream: its end must be read first. Files and objects with a length have
/// [`crate::parquet::decode_parquet`], which needs no more than a row group.
const IN_MEMORY: u64 = 128 << 20;

fn in_memory(head: Vec<u8>, rest: impl Read, place: &Place, sink: &mut dyn Sink) -> Option<&'static str> {
    let mut whole = head;
    let read = rest.take(IN_MEMORY).read_to_end(&mut whole);
    let start = whole.get(..whole.len().min(64)).unwrap_or_default();
    match read {
        Err(e) => {
            sink.aside(format!("the file cannot be read to its end: {e}"), start);
            sink.cut();
        }
        Ok(_) if whole.len() as u64 >= IN_MEMORY => {
            sink.aside(format!("a Parquet file of more than {} MiB in a stream", IN_MEMORY >> 20), start);
        }
        Ok(_) => return crate::parquet::decode_parquet(bytes::Bytes::from(whole), place, sink),
    }
    None
}

/// What stands around CloudWatch Logs' events.
#[derive(Debug, Default, Clone)]
struct Context {
    owner: Option<String>,
    group: Option<String>,
    stream: Option<String>,
}

/// Recognises records and gives them away.
pub(crate) struct Decoder<'s> {
    place: &'s Place,
    sink: &'s mut dyn Sink,
    /// The table of the record before: most files have one.
    last: Option<&'static Table>,
    first: Option<&'static Table>,
    lines: Option<(&'static Table, Box<dyn Lines>)>,
    /// What the context was read from.
    around: Vec<u8>,
    context: Context,
}

impl<'s> Decoder<'s> {
    /// One for a file at this place.
    pub(crate) fn new(place: &'s Place, sink: &'s mut dyn Sink) -> Self {
        let context = Context::default();
        Self { place, sink, last: None, first: None, lines: None, around: Vec::new(), context }
    }

    /// The format of the first record.
    pub(crate) fn format(&self) -> Option<&'static str> {
        self.first.map(|t| t.source.name)
    }

    /// The table whose records have members of these names.
    pub(crate) fn table_with<'n>(names: impl Iterator<Item = &'n str>) -> Option<&'static Table> {
        let mut text = String::from("{");
        for name in names {
            text.push_str(if text.len() > 1 { "," } else { "" });
            crate::json::write_string(name, &mut text);
            text.push_str(":null");
        }
        text.push('}');
        let object = Object::read(&text).ok()?;
        tables().iter().find(|t| t.source.shape.takes(&object))
    }

    /// One record that is a JSON object, of a table where that is known already.
    pub(crate) fn json(&mut self, text: &str, table: Option<&'static Table>) {
        match (Object::read(text), table) {
            (Ok(object), Some(table)) => self.take(text, object.into_record(table), table),
            (Ok(object), None) => self.object(text, object, 0),
            (Err(e), _) => self.aside(format!("not JSON: {e} of the record"), text.as_bytes()),
        }
    }

    /// One row of the lake's own.
    pub(crate) fn kept(&mut self, row: &str, table: &'static Table) {
        let Some(text) = crate::kept::record(row, table) else {
            return self.aside("a row that is not JSON".to_owned(), row.as_bytes());
        };
        let record = match crate::kept::read(&text, table) {
            Ok(record) => record,
            Err(e) => return self.aside(format!("not JSON: {e} of the row"), row.as_bytes()),
        };
        let mut envelope = Envelope::default();
        (table.source.envelope)(&record, &mut envelope);
        crate::kept::envelope(row, table, &mut envelope);
        self.give(&text, record, envelope, table);
    }

    /// Sets something aside.
    pub(crate) fn aside(&mut self, why: String, head: &[u8]) {
        self.sink.aside(why, head.get(..head.len().min(4096)).unwrap_or_default());
    }

    fn all<R: Read>(&mut self, mut frames: Frames<R>) {
        let mut strange = Strange::default();
        loop {
            match frames.next_frame() {
                Frame::End => break,
                Frame::Broken(why, head) => {
                    let head = head.to_vec();
                    let at = frames.position();
                    self.sink.aside(format!("{why} (before byte {at})"), &head);
                }
                Frame::Record(bytes, around) => {
                    let length = bytes.len();
                    if around != self.around {
                        self.around = around.to_vec();
                        self.context = Context::of(around);
                    }
                    let text = match std::str::from_utf8(bytes) {
                        Ok(text) => text,
                        Err(e) => {
                            let why = format!("not UTF-8 at byte {} of the record", e.valid_up_to());
                            self.sink.aside(why, bytes.get(..bytes.len().min(4096)).unwrap_or_default());
                            continue;
                        }
                    };
                    let json = text.starts_with('{');
                    if !json {
                        self.line(text, &mut strange);
                        continue;
                    }
                    let broken = match Object::read(text) {
                        Ok(object) => {
                            self.object(text, object, 0);
                            None
                        }
                        Err(e) => Some(e),
                    };
                    if let Some(e) = broken {
                        let head = text.as_bytes().get(..text.len().min(4096)).unwrap_or_default().to_vec();
                        let kept = frames.resync(length);
                        let head = head.get(..kept.min(head.len())).unwrap_or_default();
                        self.sink.aside(format!("not JSON: {e} of the record"), head);
                    }
                }
            }
        }
        strange.report(self.sink);
        if frames.is_cut() {
            self.sink.cut();
        }
    }

    fn object(&mut self, text: &str, object: Object<'_>, depth: usize) {
        if let Some(table) = self.table_of(&object) {
            self.take(text, object.into_record(table), table);
            return;
        }
        if depth < WRAPPINGS
            && let Some(inner) = wrapped(&object)
        {
            return self.unwrap(&object, inner, depth + 1);
        }
        let names: Vec<&str> = object.names().take(6).collect();
        let why = format!("JSON of no log that is known here (it has {})", names.join(", "));
        self.sink.aside(why, text.as_bytes().get(..text.len().min(4096)).unwrap_or_default());
    }

    fn table_of(&self, object: &Object<'_>) -> Option<&'static Table> {
        let is = |t: &&'static Table| t.source.shape.takes(object);
        self.last.filter(is).or_else(|| tables().iter().find(is))
    }

    fn unwrap(&mut self, outer: &Object<'_>, inner: Vec<Raw<'_>>, depth: usize) {
        for raw in inner {
            let Some(text) = raw.as_text() else { continue };
            if !text.trim_start().starts_with('{') {
                self.message(outer, &text);
                continue;
            }
            match Object::read(&text) {
                // An application's own JSON is still an event of its log group.
                Ok(object) if is_event(outer) && !self.is_known(&object) => self.event(outer, &text),
                Ok(object) => self.object(&text, object, depth),
                Err(_) if raw.kind != Kind::Object => self.message(outer, &text),
                Err(e) => self.sink.aside(format!("not JSON: {e} of the wrapped record"), text.as_bytes()),
            }
        }
    }

    /// A line of text that a CloudWatch Logs event carries.
    fn message(&mut self, outer: &Object<'_>, text: &str) {
        match self.known_line(text) {
            Ok(()) => {}
            Err(_) if is_event(outer) => self.event(outer, text),
            Err(why) => self.aside(why, text.as_bytes()),
        }
    }

    fn is_known(&self, object: &Object<'_>) -> bool {
        self.table_of(object).is_some() || wrapped(object).is_some()
    }

    /// An event of CloudWatch Logs of which no more is known.
    fn event(&mut self, outer: &Object<'_>, text: &str) {
        let Some(table) = crate::table::table("cloudwatch_logs") else {
            self.sink.aside("a message of no log that is known here".to_owned(), text.as_bytes());
            return;
        };
        let (owner, group, stream) =
            (self.context.owner.clone(), self.context.group.clone(), self.context.stream.clone());
        let id = ["id", "eventId"].iter().find_map(|n| outer.get(n));
        let mut fields: Vec<(&str, Raw<'_>)> = vec![("message", Raw::text(text))];
        fields.extend(id.map(|v| ("id", v)));
        fields.extend(outer.get("timestamp").map(|v| ("timestamp", v)));
        fields.extend(owner.as_deref().map(|v| ("owner", Raw::text(v))));
        fields.extend(group.as_deref().map(|v| ("loggroup", Raw::text(v))));
        let own = outer.get("logStreamName");
        fields.extend(own.or_else(|| stream.as_deref().map(Raw::text)).map(|v| ("logstream", v)));
        let mut record = Record::new(table);
        for (name, value) in fields {
            if let Some(n) = table.names.iter().position(|c| c == name) {
                record.put(n, value);
            }
        }
        self.take(text, record, table);
    }

    /// Reads a line that is of a known format and gives its record away; otherwise says why it cannot.
    fn known_line(&mut self, text: &str) -> Result<(), String> {
        let mut why = None;
        if let Some((table, mut lines)) = self.lines.take() {
            let read = self.read_line(text, table, lines.as_mut());
            self.lines = Some((table, lines));
            match read {
                Ok(()) => return Ok(()),
                Err(e) => why = Some(e),
            }
        }
        let Some((table, mut lines)) = open(text) else {
            return Err(why.unwrap_or_else(|| "a line of no log that is known here".to_owned()));
        };
        match self.read_line(text, table, lines.as_mut()) {
            Ok(()) => {
                self.lines = Some((table, lines));
                Ok(())
            }
            Err(e) => Err(why.unwrap_or(e)),
        }
    }

    fn read_line(&mut self, text: &str, table: &'static Table, lines: &mut dyn Lines) -> Result<(), String> {
        let mut record = Record::new(table);
        match lines.read(text, &mut record) {
            Line::Record => self.take(text, record, table),
            Line::Skip => {}
            Line::Json(json) => match Object::read(&json) {
                Ok(object) => self.object(&json, object, 0),
                Err(e) => return Err(format!("not a line of {}: {e} of the JSON in it", table.source.name)),
            },
            Line::Not(why) => return Err(format!("not a line of {}: {why}", table.source.name)),
        }
        Ok(())
    }

    fn line(&mut self, text: &str, strange: &mut Strange) {
        // CloudWatch Logs exports put the time of an event before it.
        let stamped = text.split_once(' ').filter(|(time, _)| time.ends_with('Z') && crate::lines::is_time(time));
        if let Some((_, rest)) = stamped
            && rest.starts_with('{')
            && let Ok(object) = Object::read(rest)
        {
            strange.known = true;
            return self.object(rest, object, 0);
        }
        let why = match self.known_line(text) {
            Ok(()) => None,
            Err(why) => match stamped {
                Some((_, rest)) if self.known_line(rest).is_ok() => None,
                _ => Some(why),
            },
        };
        match why {
            None => strange.known = true,
            Some(why) => strange.add(why, text, self.sink),
        }
    }

    fn take(&mut self, text: &str, record: Record<'_>, table: &'static Table) {
        let mut envelope = Envelope::default();
        (table.source.envelope)(&record, &mut envelope);
        self.give(text, record, envelope, table);
    }

    fn give(&mut self, text: &str, record: Record<'_>, mut envelope: Envelope<'_>, table: &'static Table) {
        if envelope.account.is_none() {
            envelope.account =
                self.context.owner.clone().or_else(|| self.place.account.clone()).map(std::borrow::Cow::Owned);
        }
        if envelope.region.is_none() {
            envelope.region = self.place.region.clone().map(std::borrow::Cow::Owned);
        }
        self.first = self.first.or(Some(table));
        self.last = Some(table);
        self.sink.record(text, record, envelope);
    }
}

impl Context {
    fn of(around: &[u8]) -> Self {
        let text = String::from_utf8_lossy(around);
        let text = format!("{}}}", text.trim_end().trim_end_matches(','));
        let Ok(object) = Object::read(&text) else { return Self::default() };
        let member = |name: &str| object.get(name).and_then(Raw::scalar).map(std::borrow::Cow::into_owned);
        Self {
            owner: member("owner").filter(|o| crate::place::is_account(o)),
            group: member("logGroup"),
            stream: member("logStream"),
        }
    }
}

fn open(line: &str) -> Option<(&'static Table, Box<dyn Lines>)> {
    tables().iter().find_map(|t| Some((t, t.source.shape.open(line)?)))
}

/// Lines that no format knows. A file without a single known line is one thing that cannot be read, not thousands.
#[derive(Default)]
struct Strange {
    known: bool,
    held: Vec<(String, String)>,
}

impl Strange {
    const HELD: usize = 1000;

    fn add(&mut self, why: String, text: &str, sink: &mut dyn Sink) {
        if self.known {
            self.flush(sink);
            sink.aside(why, text.as_bytes().get(..text.len().min(4096)).unwrap_or_default());
        } else if self.held.len() < Self::HELD {
            self.held.push((why, text.chars().take(1024).collect()));
        }
    }

    fn flush(&mut self, sink: &mut dyn Sink) {
        for (why, text) in self.held.drain(..) {
            sink.aside(why, text.as_bytes());
        }
    }

    fn report(mut self, sink: &mut dyn Sink) {
        if self.known {
            self.flush(sink);
        } else if let Some((_, text)) = self.held.first() {
            sink.aside("a file of no log that is known here".to_owned(), text.as_bytes());
        }
    }
}
