//! Where one record ends and the next begins: JSON objects (one after the other, in lines, in an array, in an object's array)
//! and lines of text, out of a stream, in bounded memory. A record that is broken costs itself and no other.

use crate::json::quote_or_escape;
use std::io::Read;

/// The longest record, in bytes. CloudTrail's are at most 256 KiB; nothing that AWS logs comes near.
pub const MAX_RECORD: usize = 16 << 20;

/// An object's arrays whose elements are records: S3 deliveries, answers of the command line, subscriptions.
const CONTAINERS: [&[u8]; 9] = [
    b"Records",
    b"Events",
    b"logEvents",
    b"configurationItems",
    b"Findings",
    b"records",
    b"events",
    b"findings",
    b"items",
];

/// As much as lies between the beginning of a container's name and its bracket.
const LONGEST_NAME: usize = 64;

const CHUNK: usize = 256 << 10;
const SHOWN: usize = 4 << 10;

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// One record's bytes, and what stands before the array of records in the object around it, as it is:
    /// `{"owner":"1111…","logGroup":"…",`.
    Record(&'a [u8], &'a [u8]),
    /// Something that is no record: why, and how it begins.
    Broken(String, &'a [u8]),
    /// The stream is at its end.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Unknown,
    Lines,
    /// Between objects at the top.
    Top,
    /// Between the elements of an array; whether an object is around it.
    Elements {
        outer: bool,
    },
    /// Behind an object's array, inside the object.
    Tail,
}

#[derive(Debug, Clone, Copy, Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    started: bool,
}

/// Cuts a stream into records.
#[derive(Debug)]
pub struct Frames<R> {
    stream: R,
    buffer: Vec<u8>,
    /// Where the record begins that is being scanned, and how far the scan came.
    from: usize,
    at: usize,
    /// Bytes of the stream that lie before the buffer.
    before: u64,
    ended: bool,
    fault: Option<String>,
    cut: bool,
    mode: Mode,
    scan: Scan,
    /// How the first element of an array begins: `{"eventVersion":`. A broken element ends where the next of these stands.
    lead: Vec<u8>,
    context: Vec<u8>,
    /// Bytes of an overlong record that were thrown away.
    dropped: usize,
    /// A whole record stood in one line: all that follow will.
    by_line: bool,
}

impl<R: Read> Frames<R> {
    /// Over a stream without compression.
    pub fn new(stream: R) -> Self {
        Self {
            stream,
            buffer: Vec::with_capacity(2 * CHUNK),
            from: 0,
            at: 0,
            before: 0,
            ended: false,
            fault: None,
            cut: false,
            mode: Mode::Unknown,
            scan: Scan::default(),
            lead: Vec::new(),
            context: Vec::new(),
            dropped: 0,
            by_line: false,
        }
    }

    /// Whether the stream is JSON: known after the first call of [`Frames::next_frame`].
    pub fn is_json(&self) -> bool {
        self.mode != Mode::Lines
    }

    /// How many bytes of the stream were read so far.
    pub fn position(&self) -> u64 {
        self.before + self.at as u64
    }

    /// The next record. Everything that is handed out stays valid until the next call.
    pub fn next_frame(&mut self) -> Frame<'_> {
        loop {
            let step = match self.mode {
                Mode::Unknown => self.first(),
                Mode::Lines => self.line(),
                Mode::Top => self.top(),
                Mode::Elements { outer } => self.element(outer),
                Mode::Tail => self.tail(),
            };
            match step {
                Step::More if self.ended => return self.last(),
                Step::More => self.fill(),
                Step::Again => {}
                Step::Record(from, to) => {
                    return Frame::Record(self.buffer.get(from..to).unwrap_or_default(), &self.context);
                }
                Step::Broken(why, from, to) => {
                    let to = to.min(from + SHOWN);
                    return Frame::Broken(why, self.buffer.get(from..to).unwrap_or_default());
                }
            }
        }
    }

    /// After a record of `length` bytes that turned out not to be JSON: goes back to where the next one visibly begins inside it.
    /// Answers how many bytes the broken one keeps.
    pub fn resync(&mut self, length: usize) -> usize {
        let start = self.from.saturating_sub(length);
        let record = self.buffer.get(start..self.from).unwrap_or_default();
        let Some(next) = self.next_lead(record) else { return length };
        self.from = start + next;
        self.at = self.from;
        self.scan = Scan::default();
        next
    }

    fn next_lead(&self, record: &[u8]) -> Option<usize> {
        if self.lead.is_empty() {
            return None;
        }
        let inside = record.get(1..)?;
        Some(memchr::memmem::find(inside, &self.lead)? + 1)
    }

    fn fill(&mut self) {
        if self.from > 0 {
            self.buffer.drain(..self.from);
            self.before += self.from as u64;
            self.at -= self.from;
            self.from = 0;
        }
        if self.buffer.len() > MAX_RECORD {
            // Its beginning is kept to be shown; what follows is scanned for its end and thrown away.
            let cut = self.at - SHOWN.min(self.at);
            self.buffer.drain(SHOWN.min(self.at)..self.at);
            self.dropped += cut;
            self.before += cut as u64;
            self.at -= cut;
        }
        let filled = self.buffer.len();
        self.buffer.resize(filled + CHUNK, 0);
        let into = self.buffer.get_mut(filled..).unwrap_or_default();
        let read = loop {
            match self.stream.read(into) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.buffer.truncate(filled + read.as_ref().copied().unwrap_or(0));
        match read {
            Ok(0) => self.ended = true,
            Ok(_) => {}
            Err(e) => {
                self.ended = true;
                self.cut = true;
                self.fault = Some(format!("the file cannot be read to its end: {e}"));
            }
        }
    }

    /// Whether the stream broke before its end.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// The stream ended inside something.
    fn last(&mut self) -> Frame<'_> {
        let (from, to) = (self.from, self.buffer.len());
        let rest = self.buffer.get(from..to).unwrap_or_default();
        let blank = rest.iter().all(u8::is_ascii_whitespace);
        if self.mode == Mode::Lines && !blank && self.fault.is_none() {
            self.from = to;
            self.at = to;
            return if self.dropped > 0 {
                Frame::Broken(self.overlong(), self.buffer.get(from..to.min(from + SHOWN)).unwrap_or_default())
            } else {
                Frame::Record(self.buffer.get(from..to).map(trim).unwrap_or_default(), &self.context)
            };
        }
        if self.scan.started
            && let Some(next) = self.next_lead(rest)
        {
            self.from = from + next;
            self.at = self.from;
            self.scan = Scan::default();
            let why = "the record does not end".to_owned();
            return Frame::Broken(why, self.buffer.get(from..(from + next).min(from + SHOWN)).unwrap_or_default());
        }
        self.from = to;
        self.at = to;
        let open = self.scan.started || matches!(self.mode, Mode::Elements { .. } | Mode::Tail);
        self.scan = Scan::default();
        let mode = std::mem::replace(&mut self.mode, Mode::Top);
        if let Some(fault) = self.fault.take() {
            return Frame::Broken(fault, self.buffer.get(from..to.min(from + SHOWN)).unwrap_or_default());
        }
        if open || (mode == Mode::Unknown && !blank) {
            let why =
                if self.dropped > 0 { self.overlong() } else { "the file ends inside a record or list".to_owned() };
            return Frame::Broken(why, self.buffer.get(from..to.min(from + SHOWN)).unwrap_or_default());
        }
        Frame::End
    }

    fn overlong(&mut self) -> String {
        self.dropped = 0;
        format!("a record longer than {} MiB", MAX_RECORD >> 20)
    }

    fn first(&mut self) -> Step {
        if self.buffer.len() < 3 && !self.ended {
            return Step::More;
        }
        if self.buffer.starts_with(&[0xef, 0xbb, 0xbf]) {
            self.from = 3;
            self.at = 3;
        }
        match self.skip_space() {
            None => Step::More,
            Some(b'{' | b'[') => {
                self.mode = Mode::Top;
                Step::Again
            }
            Some(_) => {
                self.at = self.from;
                self.mode = Mode::Lines;
                Step::Again
            }
        }
    }

    /// Goes over white space and answers the byte behind it, which is where a record would begin.
    fn skip_space(&mut self) -> Option<u8> {
        while let Some(b) = self.buffer.get(self.at) {
            if !b.is_ascii_whitespace() {
                if self.mode != Mode::Unknown {
                    self.from = self.at;
                }
                return Some(*b);
            }
            self.at += 1;
        }
        if self.mode != Mode::Unknown {
            self.from = self.at;
        }
        None
    }

    fn line(&mut self) -> Step {
        loop {
            let rest = self.buffer.get(self.at..).unwrap_or_default();
            let Some(hit) = memchr::memchr(b'\n', rest) else {
                self.at = self.buffer.len();
                return Step::More;
            };
            let end = self.at + hit;
            match self.goes_on_in(end + 1) {
                None if !self.ended => return Step::More,
                Some(true) if self.from < end => self.at = end + 1,
                _ => {
                    let from = std::mem::replace(&mut self.from, end + 1);
                    self.at = end + 1;
                    if self.dropped > 0 {
                        return Step::Broken(self.overlong(), from, end);
                    }
                    let to = from + self.buffer.get(from..end).map(trim).unwrap_or_default().len();
                    if self.buffer.get(from..to).is_some_and(|l| !l.iter().all(u8::is_ascii_whitespace)) {
                        return Step::Record(from, to);
                    }
                }
            }
        }
    }

    /// Whether the line that begins here goes on with the one before it: in PostgreSQL's logs where it begins with a tab, in
    /// Amazon Redshift's user activity logs, whose records begin with a time in quotes, where it begins otherwise. Nothing where more
    /// of the stream must be seen.
    fn goes_on_in(&self, at: usize) -> Option<bool> {
        let next = self.buffer.get(at..).unwrap_or_default();
        if next.first()? == &b'\t' {
            return Some(true);
        }
        if !is_statement(self.buffer.get(self.from..).unwrap_or_default()) {
            return Some(false);
        }
        (next.len() >= STATEMENT || self.ended).then(|| !is_statement(next))
    }

    fn top(&mut self) -> Step {
        if !self.scan.started {
            match self.skip_space() {
                None => return Step::More,
                Some(b'{') => self.scan.started = true,
                Some(b'[') => {
                    self.at += 1;
                    self.from = self.at;
                    self.mode = Mode::Elements { outer: false };
                    return Step::Again;
                }
                Some(_) => return self.junk(),
            }
        }
        match self.object(true) {
            Found::More => Step::More,
            Found::Container => {
                self.context = self.buffer.get(self.from..self.at).map(before_container).unwrap_or_default();
                self.from = self.at;
                self.mode = Mode::Elements { outer: true };
                self.scan = Scan::default();
                self.lead.clear();
                Step::Again
            }
            Found::End => self.take(),
            Found::Cut => {
                let from = std::mem::replace(&mut self.from, self.at);
                self.scan = Scan::default();
                Step::Broken("the line ends inside a record".to_owned(), from, self.at)
            }
        }
    }

    fn element(&mut self, outer: bool) -> Step {
        if !self.scan.started {
            match self.skip_space() {
                None => return Step::More,
                Some(b',') => {
                    self.at += 1;
                    self.from = self.at;
                    return Step::Again;
                }
                Some(b']') => {
                    self.at += 1;
                    self.from = self.at;
                    self.mode = if outer { Mode::Tail } else { Mode::Top };
                    self.scan.depth = usize::from(outer);
                    return Step::Again;
                }
                Some(b'{') => self.scan.started = true,
                Some(_) => return self.junk(),
            }
        }
        match self.object(false) {
            Found::More => Step::More,
            _ => self.take(),
        }
    }

    /// The scanned object is whole.
    fn take(&mut self) -> Step {
        let from = std::mem::replace(&mut self.from, self.at);
        self.scan = Scan::default();
        if self.dropped > 0 {
            return Step::Broken(self.overlong(), from, self.at);
        }
        if self.lead.is_empty() && matches!(self.mode, Mode::Elements { .. }) {
            self.lead = self.buffer.get(from..self.at).map(lead).unwrap_or_default();
        }
        if self.mode == Mode::Top && !self.by_line {
            let record = self.buffer.get(from..self.at).unwrap_or_default();
            self.by_line = memchr::memchr(b'\n', record).is_none();
        }
        Step::Record(from, self.at)
    }

    /// Behind the array: the rest of the object around it, which may hold one more array of records.
    fn tail(&mut self) -> Step {
        match self.object(true) {
            Found::More => {
                // The name of an array may lie before what comes next.
                self.from = self.from.max(self.at.saturating_sub(LONGEST_NAME));
                Step::More
            }
            Found::Container => {
                self.from = self.at;
                self.mode = Mode::Elements { outer: true };
                self.scan = Scan::default();
                Step::Again
            }
            Found::End | Found::Cut => {
                self.from = self.at;
                self.scan = Scan::default();
                self.mode = Mode::Top;
                Step::Again
            }
        }
    }

    /// Something between records that begins none: up to the next line or object.
    fn junk(&mut self) -> Step {
        let from = self.from;
        let rest = self.buffer.get(from..).unwrap_or_default();
        let end = rest.iter().skip(1).position(|b| matches!(b, b'\n' | b'{' | b'[' | b']')).map(|n| from + 1 + n);
        let Some(end) = end.or(self.ended.then_some(self.buffer.len())) else {
            if rest.len() < MAX_RECORD {
                return Step::More;
            }
            self.from = self.buffer.len();
            self.at = self.from;
            return Step::Broken("no record begins here".to_owned(), from, self.at);
        };
        self.from = end;
        self.at = end;
        Step::Broken("no record begins here".to_owned(), from, end)
    }

    /// Scans an object on from where the last scan stopped.
    fn object(&mut self, top: bool) -> Found {
        loop {
            if self.scan.in_string {
                let hit = quote_or_escape(&self.buffer, self.at);
                // A line that ends inside a string is looked at between objects alone, where each line may be one.
                let upto = hit.unwrap_or(self.buffer.len());
                let seam = (top && self.mode == Mode::Top)
                    .then(|| memchr::memchr(b'\n', self.buffer.get(self.at..upto).unwrap_or_default()))
                    .flatten();
                let Some(place) = seam.map(|n| self.at + n).or(hit) else {
                    self.at = self.buffer.len();
                    return Found::More;
                };
                match self.buffer.get(place) {
                    Some(b'"') => self.scan.in_string = false,
                    Some(b'\\') if place + 2 > self.buffer.len().saturating_sub(1) && !self.ended => {
                        self.at = place;
                        return Found::More;
                    }
                    Some(b'\\') => self.at = place + 1,
                    _ => match self.buffer.get(place + 1) {
                        None if !self.ended => {
                            self.at = place;
                            return Found::More;
                        }
                        Some(b'{') if top && self.mode == Mode::Top => {
                            self.at = place + 1;
                            return Found::Cut;
                        }
                        _ => {}
                    },
                }
                self.at = self.at.max(place) + 1;
                continue;
            }
            let Some(&byte) = self.buffer.get(self.at) else { return Found::More };
            match byte {
                b'"' => self.scan.in_string = true,
                b'{' => self.scan.depth += 1,
                b'[' => {
                    self.scan.depth += 1;
                    if top && self.scan.depth == 2 && self.opens_container() {
                        self.at += 1;
                        return Found::Container;
                    }
                }
                b'}' | b']' => {
                    self.scan.depth = self.scan.depth.saturating_sub(1);
                    if self.scan.depth == 0 {
                        self.at += 1;
                        return Found::End;
                    }
                }
                b'\n' if top && self.mode == Mode::Top => match self.buffer.get(self.at + 1) {
                    None if !self.ended => return Found::More,
                    Some(b'{') if !self.goes_on() => {
                        self.at += 1;
                        return Found::Cut;
                    }
                    _ => {}
                },
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Whether what stands before the place of the scan wants something to follow: `,`, `:` or an opening bracket.
    fn goes_on(&self) -> bool {
        if self.by_line {
            return false;
        }
        let before = self.buffer.get(self.from..self.at).unwrap_or_default();
        let last = before.iter().rev().find(|b| !b.is_ascii_whitespace());
        matches!(last, Some(b',' | b':' | b'[' | b'{'))
    }

    /// Whether the array that opens here is a known list of records.
    fn opens_container(&self) -> bool {
        let before = self.buffer.get(self.from..self.at).unwrap_or_default().trim_ascii_end();
        let Some(name) = before.strip_suffix(b":").and_then(|b| b.trim_ascii_end().strip_suffix(b"\"")) else {
            return false;
        };
        CONTAINERS.iter().any(|c| name.strip_suffix(*c).is_some_and(|b| b.ends_with(b"\"")))
    }
}

/// How long the beginning is that tells a statement: `'2024-01-02T03:04:05Z UTC [ db=`.
const STATEMENT: usize = 31;

fn is_statement(line: &[u8]) -> bool {
    line.first() == Some(&b'\'') && line.get(21..STATEMENT).is_some_and(|l| l == b" UTC [ db=")
}

enum Step {
    More,
    Again,
    Record(usize, usize),
    Broken(String, usize, usize),
}

enum Found {
    More,
    Container,
    End,
    Cut,
}

fn trim(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// An object's beginning up to the colon of its first member.
fn lead(record: &[u8]) -> Vec<u8> {
    let end = record.iter().take(200).position(|b| *b == b':');
    let lead = end.and_then(|e| record.get(..=e)).unwrap_or_default();
    if lead.len() > 4 { lead.to_vec() } else { Vec::new() }
}

/// The members before `"Records":[`, without it.
fn before_container(head: &[u8]) -> Vec<u8> {
    let head = head.get(..head.len().min(64 << 10)).unwrap_or_default();
    let text = head.strip_suffix(b"[").unwrap_or(head).trim_ascii_end();
    let text = text.strip_suffix(b":").unwrap_or(text).trim_ascii_end();
    let text = text.strip_suffix(b"\"").unwrap_or(text);
    let end = memchr::memrchr(b'"', text).unwrap_or(0);
    text.get(..end).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]
    use super::*;

    /// Hands out a few bytes a time, so that every record lies across reads.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
            let n = self.1.min(self.0.len()).min(into.len());
            into[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn frames(text: &str, drip: usize) -> Vec<String> {
        let mut f = Frames::new(Drip(text.as_bytes(), drip));
        let mut out = Vec::new();
        loop {
            match f.next_frame() {
                Frame::End => return out,
                Frame::Record(r, _) => out.push(String::from_utf8(r.to_vec()).unwrap()),
                Frame::Broken(why, r) => out.push(format!("! {why}: {}", String::from_utf8_lossy(r))),
            }
        }
    }

    #[test]
    fn records_are_found_in_every_wrapping() {
        let two = [r#"{"a":1}"#, r#"{"b":"}{\"\\"}"#];
        let rows = [
            ("delivery", r#"{"Records":[{"a":1},{"b":"}{\"\\"}]}"#.to_owned()),
            (
                "delivery with more",
                r#" {"x":[1,{"Records":2}],"Records" : [ {"a":1} , {"b":"}{\"\\"} ],"y":{"z":[]}} "#.to_owned(),
            ),
            ("two lists", r#"{"Records":[{"a":1}],"x":{},"events" : [{"b":"}{\"\\"}]}"#.to_owned()),
            ("array", r#"[{"a":1},{"b":"}{\"\\"}]"#.to_owned()),
            ("lines", "{\"a\":1}\n{\"b\":\"}{\\\"\\\\\"}\n".to_owned()),
            ("lines without the last end, CRLF", "{\"a\":1}\r\n{\"b\":\"}{\\\"\\\\\"}".to_owned()),
            ("one after the other", r#"{"a":1}{"b":"}{\"\\"}"#.to_owned()),
            ("byte order mark", format!("\u{feff}{}\n{}", two[0], two[1])),
            ("arrays in lines", format!("[{}]\n[{}]\n", two[0], two[1])),
            ("deliveries in lines", format!("{{\"Records\":[{}]}}\n{{\"Records\":[{}]}}\n", two[0], two[1])),
        ];
        for (name, text) in rows {
            for drip in [1, 2, 3, 7, 1000] {
                assert_eq!(frames(&text, drip), two, "{name}, {drip} bytes a time");
            }
        }
    }

    #[test]
    fn a_broken_record_costs_itself_alone() {
        let rows = [
            (
                "bracket missing in lines",
                "{\"a\":1\n{\"b\":2}\n",
                vec!["! the line ends inside a record: {\"a\":1\n", "{\"b\":2}"],
            ),
            (
                "quote missing in lines",
                "{\"a\":\"x}\n{\"b\":2}\n",
                vec!["! the line ends inside a record: {\"a\":\"x}\n", "{\"b\":2}"],
            ),
            (
                "junk between",
                "{\"a\":1}\noops\n{\"b\":2}\n",
                vec!["{\"a\":1}", "! no record begins here: oops", "{\"b\":2}"],
            ),
            (
                "cut in the list",
                "{\"Records\":[{\"ab\":1},{\"ab\":",
                vec!["{\"ab\":1}", "! the file ends inside a record or list: {\"ab\":"],
            ),
            (
                "cut between",
                "{\"Records\":[{\"ab\":1},",
                vec!["{\"ab\":1}", "! the file ends inside a record or list: "],
            ),
            (
                "a hole in the list",
                "[{\"ab\":1},{\"ab\":{\"c\":1,{\"ab\":3}]",
                vec!["{\"ab\":1}", "! the record does not end: {\"ab\":{\"c\":1,", "{\"ab\":3}"],
            ),
            ("empty list", "{\"Records\":[]}", vec![]),
            ("empty file", "", vec![]),
            ("numbers in the list", "[1,2,{\"a\":1}]", vec!["! no record begins here: 1,2,", "{\"a\":1}"]),
            (
                "a pretty object is no lines",
                "{\n  \"a\": [\n{\"b\": 1}\n]\n}\n",
                vec!["{\n  \"a\": [\n{\"b\": 1}\n]\n}"],
            ),
        ];
        for (name, text, wanted) in rows {
            for drip in [1, 2, 5, 1000] {
                assert_eq!(frames(text, drip), wanted, "{name}, {drip} bytes a time");
            }
        }
    }

    #[test]
    fn lines_of_text_are_cut_and_joined() {
        assert_eq!(frames("a b\r\n\n  \nc\n\td\ne", 1), ["a b", "c\n\td", "e"]);
        let first = "'2024-01-02T03:04:05Z UTC [ db=dev user=u pid=1 userid=2 xid=3 ]' LOG: SELECT a,\n\nb,\n'2024-01-02'\nFROM t";
        let second = "'2024-01-02T03:04:06Z UTC [ db=dev user=u pid=1 userid=2 xid=3 ]' LOG: SELECT 1";
        for drip in [1, 5, 1000] {
            assert_eq!(frames(&format!("{first}\n{second}\n"), drip), [first, second], "{drip} bytes a time");
        }
    }

    #[test]
    fn an_endless_record_is_named_and_passed_over() {
        let long = format!("{{\"a\":\"{}\"}}\n{{\"b\":1}}\n", "x".repeat(MAX_RECORD + 3 * CHUNK));
        let found = frames(&long, CHUNK);
        assert_eq!(found.len(), 2);
        assert!(found[0].starts_with("! a record longer than 16 MiB: {\"a\":\"xxx"), "{}", &found[0][..60]);
        assert_eq!(found[1], "{\"b\":1}");
        let line = format!("{}\nb\n", "x".repeat(MAX_RECORD + 3 * CHUNK));
        let found = frames(&line, CHUNK);
        assert!(found[0].starts_with("! a record longer than 16 MiB: xxx"));
        assert_eq!(found[1..], ["b"]);
    }

    #[test]
    fn what_stands_before_the_list_is_kept() {
        let mut f = Frames::new(&br#"{"owner":"1","logGroup":"g","logEvents":[{"id":"1"}]}"#[..]);
        assert_eq!(f.next_frame(), Frame::Record(br#"{"id":"1"}"#, br#"{"owner":"1","logGroup":"g","#));
    }
}
