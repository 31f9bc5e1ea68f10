//! The first half of the work, done where records are decoded, on any thread and in any order: which rules a record matches by
//! itself, and what of it the second half ([`crate::engine`]) needs. Nothing here remembers another record.

use crate::detection::{Count, Detection, Dim, HabitGate};
use crate::event::{Event, Field};
use crate::hash::{Hash, common, hash, network};
use crate::intel::Lists;
use crate::predicate::{Against, Predicate};
use crate::share::{Memo, Sharing};
use crate::sigma;
use crate::stat::travel::Sighting;
use foldhash::HashMap;
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, ToSmolStr};
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::Arc;
use yagura_logs::envelope::{Envelope, Outcome, Role};
use yagura_logs::record::Record;
use yagura_logs::rows::id_of;

/// A record as the second half sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// Milliseconds since 1970-01-01 UTC.
    pub time: i64,
    /// The record's identity.
    pub id: u128,
    /// What its identity's habits learn from it.
    pub habit: Option<Habit>,
    /// What else is of interest; most records have nothing.
    pub notes: Option<Box<Notes>>,
}

/// What habits learn: who (a hash), and what, by dimension (hashes; 0 where the record does not say).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Habit {
    /// The identity.
    pub who: Hash,
    /// By [`Dim`].
    pub what: [Hash; 6],
}

/// What is of interest about a record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Notes {
    /// Who, what, where: filled in where something was hit.
    pub seen: Option<Seen>,
    /// Rules that match it by themselves.
    pub hits: Vec<Hit>,
    /// Whom it made out of whom.
    pub links: Vec<Link>,
    /// What statistics read of it.
    pub measured: Option<Measured>,
    /// Where it shows its caller to have been, where a table of locations tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sighted: Option<Sighting>,
    /// Account, Region and instance, where statistics read something.
    pub place: [SmolStr; 3],
}

/// A record's envelope, owned.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The log: `cloudtrail`.
    pub log: SmolStr,
    /// The record's name: its `eventID`, or its identity in hexadecimal.
    pub event_id: SmolStr,
    /// The caller as logged.
    pub actor: SmolStr,
    /// The caller as long as sessions come and go.
    pub identity: SmolStr,
    /// The session's ARN.
    pub session: SmolStr,
    /// The access key's id.
    pub access_key: SmolStr,
    /// The source address.
    pub source_ip: SmolStr,
    /// The account.
    pub account: SmolStr,
    /// The Region.
    pub region: SmolStr,
    /// The service.
    pub source: SmolStr,
    /// The event's name.
    pub event: SmolStr,
    /// What it happened to.
    pub target: SmolStr,
    /// The user agent.
    pub user_agent: SmolStr,
    /// The error.
    pub error: SmolStr,
    /// The instance that it came from, where the record tells.
    pub instance: SmolStr,
    /// When what it tells of happened, ms, where the record came later: findings of others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub happened: Option<i64>,
    /// What texts show of it besides, by the rule that was hit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shown: Vec<(SmolStr, SmolStr)>,
}

/// A rule's match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hit {
    /// The rule's number.
    pub rule: u32,
    /// Of the fields that its dedup names.
    pub dedup: Hash,
    /// Of the fields that its count goes by.
    pub group: Hash,
    /// Of what its count counts.
    pub of: Hash,
    /// What it happened to, where the rule says so otherwise than the envelope.
    pub target: Option<SmolStr>,
    /// What its texts show.
    pub shown: Vec<(SmolStr, SmolStr)>,
    /// Sigma's correlations that listen to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub correlated: Vec<Correlated>,
}

/// What a correlation of Sigma's gets of a match.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correlated {
    /// Its place among the correlations.
    pub correlation: u32,
    /// The rule's place in the correlation.
    pub place: u32,
    /// What the event is about.
    pub group: SmolStr,
    /// What is counted.
    pub value: Option<SmolStr>,
}

/// One identity came out of another: a role's session out of who assumed it, a key out of who created it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Whom: an ARN or a key's id.
    pub made: SmolStr,
    /// Out of whom.
    pub maker: SmolStr,
}

/// What statistics read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Measured {
    /// Of a flow record.
    Flow {
        /// Last packet, ms.
        end: i64,
        /// Sender.
        src: IpAddr,
        /// Receiver.
        dst: IpAddr,
        /// Sender's port.
        src_port: u16,
        /// Receiver's port.
        dst_port: u16,
        /// IANA number.
        protocol: u8,
        /// Packets.
        packets: u64,
        /// Bytes.
        bytes: u64,
        /// Whether it was let through.
        accepted: bool,
        /// The interface.
        interface: SmolStr,
        /// Whether it left the interface, where the record tells.
        outbound: Option<bool>,
    },
    /// Of a DNS query.
    Dns {
        /// Who asked.
        host: SmolStr,
        /// For what.
        name: SmolStr,
        /// Record type.
        kind: SmolStr,
        /// Response code.
        rcode: SmolStr,
        /// Addresses answered.
        addresses: Vec<IpAddr>,
        /// How many answers.
        answers: u32,
    },
    /// Of a login.
    Login {
        /// From where.
        source: SmolStr,
        /// As whom.
        account: SmolStr,
        /// To what.
        target: SmolStr,
        /// Whether it was let in.
        success: bool,
    },
}

/// Rules, found by what they look at.
#[derive(Debug, Default)]
pub struct Rules {
    /// All detections; a hit names one by its place.
    pub detections: Vec<Detection>,
    /// Sigma's correlations.
    pub correlations: Vec<Correlating>,
    /// What their techniques serve.
    pub attack: crate::attack::Attack,
    tables: HashMap<&'static str, OfTable>,
    /// By detection: the correlations that listen to it, and its place in each.
    heard: HashMap<u32, Vec<(u32, u32)>>,
    /// By detection: how it is tried.
    tries: Vec<Try>,
    shared: usize,
}

/// How a detection is tried on a record.
#[derive(Debug)]
struct Try {
    condition: Predicate,
    sigma: bool,
    /// The dimensions that its habits ask about, a bit each.
    dims: u8,
}

/// A correlation of Sigma's at work.
#[derive(Debug, Clone)]
pub struct Correlating {
    /// What it counts.
    pub correlation: sigma::Correlation,
    /// The detection that says what it found.
    pub says: u32,
    /// The detections that it listens to, in the order of its rules; none where another correlation stands there.
    pub listens: Vec<Option<u32>>,
    /// The correlations that it listens to: their places, and theirs in this one's order.
    pub chained: Vec<(usize, usize)>,
}

#[derive(Debug, Default)]
struct OfTable {
    named: HashMap<SmolStr, Vec<u32>>,
    sourced: HashMap<SmolStr, Vec<u32>>,
    any: Vec<u32>,
    /// Of Sigma's: names and services in small letters.
    sigma_named: HashMap<SmolStr, Vec<u32>>,
    sigma_sourced: HashMap<SmolStr, Vec<u32>>,
}

impl Rules {
    /// Indexes detections.
    pub fn new(detections: Vec<Detection>) -> Self {
        let mut tables: HashMap<&'static str, OfTable> = HashMap::default();
        let mut sharing = Sharing::default();
        let tries = detections
            .iter()
            .map(|d| Try {
                condition: sharing.share(&d.predicate),
                sigma: matches!(d.predicate, Predicate::Sigma(_)),
                dims: d.habit.as_ref().map_or(0, dims),
            })
            .collect();
        for (n, d) in (0u32..).zip(&detections) {
            if d.method.is_some() {
                continue;
            }
            let of = tables.entry(d.table.name()).or_default();
            if matches!(d.predicate, Predicate::Sigma(_)) {
                let (names, sources) = (&d.index.names, &d.index.sources);
                for name in names {
                    of.sigma_named.entry(name.clone()).or_default().push(n);
                }
                for source in sources.iter().filter(|_| names.is_empty()) {
                    of.sigma_sourced.entry(source.clone()).or_default().push(n);
                }
                if names.is_empty() && sources.is_empty() {
                    of.any.push(n);
                }
                continue;
            }
            if !d.index.names.is_empty() {
                for name in &d.index.names {
                    of.named.entry(name.clone()).or_default().push(n);
                }
            } else if !d.index.sources.is_empty() {
                for source in &d.index.sources {
                    of.sourced.entry(source.clone()).or_default().push(n);
                }
            } else {
                of.any.push(n);
            }
        }
        Self {
            detections,
            tables,
            correlations: Vec::new(),
            attack: crate::attack::Attack::default(),
            heard: HashMap::default(),
            tries,
            shared: sharing.len(),
        }
    }

    /// How many conditions have a number that they are known by.
    pub fn shared(&self) -> usize {
        self.shared
    }

    /// Adds Sigma's correlations, whose numbers of detections are those of [`Rules::detections`].
    pub fn correlate(&mut self, correlations: Vec<Correlating>) {
        for (n, c) in (0u32..).zip(&correlations) {
            for (place, rule) in (0u32..).zip(&c.listens) {
                if let Some(rule) = rule {
                    self.heard.entry(*rule).or_default().push((n, place));
                }
            }
        }
        self.correlations = correlations;
    }

    /// A detection by its id.
    pub fn named(&self, id: &str) -> Option<&Detection> {
        self.detections.iter().find(|d| d.id == id)
    }

    /// A detection by its number.
    pub fn get(&self, rule: u32) -> Option<&Detection> {
        self.detections.get(rule as usize)
    }
}

/// API versions that some services put behind the names of their events: `Invoke20150331`, `CreateDistribution2020_05_31`.
pub fn plain_name(name: &str) -> &str {
    let digits = |t: &str, n: usize| t.len() == n && t.bytes().all(|b| b.is_ascii_digit());
    let bare = match name.rsplit_once('v') {
        Some((before, version)) if digits(version, 1) && before.ends_with(|c: char| c.is_ascii_digit()) => before,
        _ => name,
    };
    for n in [10, 8] {
        if let Some((head, tail)) =
            bare.len().checked_sub(n).filter(|at| *at > 0 && bare.is_char_boundary(*at)).map(|at| bare.split_at(at))
            && tail.starts_with("20")
            && (digits(tail, 8) || (n == 10 && tail.bytes().all(|b| b.is_ascii_digit() || b == b'_')))
        {
            return head;
        }
    }
    name
}

/// Looks at records.
pub struct Observer<'o> {
    rules: &'o Rules,
    lists: Arc<Lists>,
    /// The earliest record with these values that a rule about habits was hit by: a later one with the same values is no news.
    told: HashMap<(u8, Hash), i64>,
    /// The earliest record of each value that is counted, in each grain of time.
    counted: HashMap<Hash, (i64, u128)>,
    /// What is known of the record at hand.
    memo: Memo,
    /// By table, source and name: which rules are tried.
    tried: HashMap<&'static str, HashMap<SmolStr, OfNames>>,
    /// How many those are.
    names: usize,
}

/// Which rules are tried, by the name of a record.
type OfNames = HashMap<SmolStr, Arc<[u32]>>;

/// How many names of records are remembered with their rules, and how long they may be: what a request's path says is a name, too.
const NAMES: usize = 1 << 14;
const LONGEST_NAME: usize = 256;

/// How many of those are remembered. To forget them costs work, not answers.
const TOLD: usize = 1 << 20;

impl<'o> Observer<'o> {
    /// With these rules and lists.
    pub fn new(rules: &'o Rules, lists: Arc<Lists>) -> Self {
        Self {
            rules,
            lists,
            told: HashMap::default(),
            counted: HashMap::default(),
            memo: Memo::new(rules),
            tried: HashMap::default(),
            names: 0,
        }
    }

    /// What a record comes to; nothing where it has no time, which [`crate::run`] counts.
    pub fn look(&mut self, text: &str, record: &Record<'_>, envelope: &Envelope<'_>) -> Option<Observed> {
        let time = envelope.time?;
        let event = Event { text, record, envelope };
        let source = source(record);
        let id = identity_of(text, record);
        let mut notes = Notes { measured: crate::measure::measured(&event), ..Notes::default() };
        if record.table.source.name == "cloudtrail" {
            crate::links::links(&event, &mut notes.links);
        }
        let habit = habit(&event, source);
        self.hits(&event, (source, id), habit.as_ref(), &mut notes.hits);
        notes.sighted = crate::measure::sighted(&event, self.lists.places());
        let login = matches!(notes.measured, Some(Measured::Login { .. }));
        if !notes.hits.is_empty() || login || notes.sighted.is_some() {
            notes.seen = Some(seen(&event, source, id));
        } else if notes.measured.is_some() {
            let own = |t: Option<&str>| t.map(SmolStr::new).unwrap_or_default();
            let [account, region] = [envelope.account.as_deref(), envelope.region.as_deref()].map(own);
            notes.place = [account, region, crate::links::instance(&event)];
        }
        let measures = notes.measured.is_some() || notes.sighted.is_some();
        let idle = notes.hits.is_empty() && notes.links.is_empty() && !measures;
        Some(Observed { time, id, habit, notes: (!idle).then(|| Box::new(notes)) })
    }

    /// The rules that records of this name from this source are tried on.
    fn tried(&mut self, of: &OfTable, table: &'static str, source: &str, name: &str) -> Arc<[u32]> {
        if let Some(known) = self.tried.get(table).and_then(|t| t.get(source)?.get(name)) {
            return known.clone();
        }
        let (small_name, small_source) = (name.to_ascii_lowercase(), source.to_ascii_lowercase());
        let lists = [
            of.named.get(plain_name(name)),
            of.sourced.get(source),
            Some(&of.any),
            of.sigma_named.get(small_name.as_str()),
            of.sigma_sourced.get(small_source.as_str()),
        ];
        let fits = |rule: &u32| {
            let (Some(d), Some(how)) = (self.rules.get(*rule), self.rules.tries.get(*rule as usize)) else {
                return false;
            };
            let asked = if how.sigma { small_source.as_str() } else { source };
            (d.index.sources.is_empty() || d.index.sources.contains(asked)) && how.condition.possible(&self.lists)
        };
        let rules: Arc<[u32]> = lists.into_iter().flatten().flatten().copied().filter(fits).collect();
        if self.names >= NAMES {
            (self.tried, self.names) = (HashMap::default(), 0);
        }
        if name.len() <= LONGEST_NAME && source.len() <= LONGEST_NAME {
            self.names += 1;
            self.tried.entry(table).or_default().entry(source.into()).or_default().insert(name.into(), rules.clone());
        }
        rules
    }

    fn hits(&mut self, event: &Event<'_, '_>, (source, id): (&str, u128), habit: Option<&Habit>, hits: &mut Vec<Hit>) {
        let Some(of) = self.rules.tables.get(event.record.table.name()) else { return };
        let name = event.role(Role::Event).unwrap_or_default();
        let tried = self.tried(of, event.record.table.name(), source, &name);
        self.memo.next();
        let against = Against { lists: &self.lists, memo: &self.memo };
        // By the dimensions that are asked about: whether the record may have anything new in them.
        let mut asked_before: [(u8, bool); 4] = [(0, false); 4];
        for rule in tried.iter().copied() {
            let (Some(d), Some(how)) = (self.rules.get(rule), self.rules.tries.get(rule as usize)) else { continue };
            if how.dims != 0 {
                let Some(habit) = habit else { continue };
                let known = asked_before.iter().find(|(dims, _)| *dims == how.dims).map(|(_, news)| *news);
                let may = known.unwrap_or_else(|| {
                    let may = news(&mut self.told, how.dims, habit, event);
                    if let Some(free) = asked_before.iter_mut().find(|(dims, _)| *dims == 0) {
                        *free = (how.dims, may);
                    }
                    may
                });
                if !may {
                    continue;
                }
            }
            if how.condition.holds(event, against) {
                let mut hit = hit(rule, d, event);
                if let Some(count) = d.count.as_ref().filter(|c| c.of.is_some())
                    && !first(&mut self.counted, count, &hit, event.envelope.time.unwrap_or_default(), id)
                {
                    continue;
                }
                if let Some(heard) = self.rules.heard.get(&rule) {
                    hit.correlated = crate::foreign::correlated(self.rules, heard, event);
                }
                hits.push(hit);
            }
        }
    }
}

fn dims(gate: &HabitGate) -> u8 {
    let asked = |d: &Dim| gate.new.contains(d) || gate.any.contains(d);
    (0..).zip(&Dim::ALL).filter(|(_, d)| asked(d)).fold(0, |all, (place, _)| all | 1 << place)
}

/// Whether a record is the first one with its value in its grain of time, of those that this observer saw: later ones count nothing.
fn first(counted: &mut HashMap<Hash, (i64, u128)>, count: &Count, hit: &Hit, time: i64, id: u128) -> bool {
    let grain = time.div_euclid(count.grain()).unsigned_abs();
    let key = [u64::from(hit.rule), hit.group, hit.of, grain]
        .into_iter()
        .fold(0, |all: Hash, part| (all.rotate_left(25) ^ part).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    if counted.len() >= TOLD {
        counted.clear();
    }
    match counted.entry(key) {
        Entry::Occupied(mut known) => {
            // The same record delivered twice must look the same both times: either may be the one that is taken.
            let earlier = (time, id) <= *known.get();
            if earlier {
                known.insert((time, id));
            }
            earlier
        }
        Entry::Vacant(free) => {
            free.insert((time, id));
            true
        }
    }
}

/// By then a habit may be forgotten, and be news again: well below the time that habits take to forget.
const FORGOTTEN: i64 = 80 * crate::stat::DAY;

/// Whether a record may have values that are new to its identity. One that comes after another with the same values has none; the
/// engine, which sees all records in order, decides on the rest.
fn news(told: &mut HashMap<(u8, Hash), i64>, dims: u8, habit: &Habit, event: &Event<'_, '_>) -> bool {
    let Some(time) = event.envelope.time else { return false };
    let mut key = habit.who;
    for (place, what) in habit.what.into_iter().enumerate() {
        if dims & 1 << place != 0 {
            key = key.rotate_left(13).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ what;
        }
    }
    if told.len() >= TOLD {
        told.clear();
    }
    match told.get_mut(&(dims, key)) {
        // What is new stays new for a while.
        Some(first) if time - *first >= crate::habits::NEWCOMER && time - *first < FORGOTTEN => false,
        Some(first) => {
            if time < *first || time - *first >= FORGOTTEN {
                *first = time;
            }
            true
        }
        None => {
            told.insert((dims, key), time);
            true
        }
    }
}

fn hit(rule: u32, d: &Detection, event: &Event<'_, '_>) -> Hit {
    let (group, of) = match &d.count {
        Some(c) => (keys(event, &c.by), c.of.as_ref().map_or(0, |f| keys(event, std::slice::from_ref(f)))),
        None => (0, 0),
    };
    Hit {
        rule,
        dedup: dedup(d, event),
        group,
        of,
        target: d.target.as_ref().and_then(|f| event.text(f)).map(SmolStr::from),
        shown: d.shown.iter().filter_map(|(n, f)| Some((n.clone(), shown(event, f)?))).collect(),
        correlated: Vec::new(),
    }
}

/// By what a finding is told apart from others of its detection. People who share a role are not one.
fn dedup(d: &Detection, event: &Event<'_, '_>) -> Hash {
    let person = d.dedup.by.contains(&Field::Identity).then(|| crate::links::person(event)).flatten();
    keys(event, &d.dedup.by) ^ person.map_or(0, |p| hash(&p).rotate_left(33))
}

/// The values of a field as a text shows them: the first five.
fn shown(event: &Event<'_, '_>, field: &Field) -> Option<SmolStr> {
    let mut all: Vec<String> = Vec::new();
    event.any(field, None, &mut |raw| {
        all.extend(raw.as_text().map(|t| t.chars().take(200).collect::<String>()));
        all.len() > 5
    });
    match all.len() {
        0 => None,
        6.. => Some(format!("{}, …", all.get(..5).unwrap_or_default().join(", ")).into()),
        _ => Some(all.join(", ").into()),
    }
}

/// One number for the values of some fields.
fn keys(event: &Event<'_, '_>, fields: &[Field]) -> Hash {
    let mut all: Hash = 0;
    for field in fields {
        let mut one: Hash = 1;
        event.any(field, None, &mut |raw| {
            if let Some(t) = raw.as_text() {
                one = one.wrapping_mul(31).wrapping_add(hash(&t));
            }
            false
        });
        all = all.rotate_left(21).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ one;
    }
    all
}

pub(crate) fn source<'r>(record: &'r Record<'_>) -> &'r str {
    match record.table.source.name {
        "cloudtrail" => record.get("eventsource").map_or("", |r| r.text),
        other => other,
    }
}

/// The number in a UUID, which is what nearly every CloudTrail event has; otherwise the lake's own identity of the record.
pub(crate) fn identity_of(text: &str, record: &Record<'_>) -> u128 {
    if record.table.source.name == "cloudtrail"
        && let Some(raw) = record.get("eventid")
        && let Some(id) = uuid(raw.text)
    {
        return id;
    }
    id_of(text, record)
}

fn uuid(text: &str) -> Option<u128> {
    if text.len() != 36 {
        return None;
    }
    let mut id = 0u128;
    for (n, b) in text.bytes().enumerate() {
        match (n, b) {
            (8 | 13 | 18 | 23, b'-') => {}
            (8 | 13 | 18 | 23, _) => return None,
            _ => id = id << 4 | u128::from(char::from(b).to_digit(16)?),
        }
    }
    Some(id)
}

pub(crate) fn seen(event: &Event<'_, '_>, source: &str, id: u128) -> Seen {
    let own = |t: Option<&str>| t.map(common).unwrap_or_default();
    let role = |r: Role| own(event.role(r).as_deref());
    let event_id = match (event.record.table.source.id)(event.record) {
        Some(own) => own.to_smolstr(),
        None => SmolStr::from(format!("{id:032x}")),
    };
    let caller = crate::links::found_by_guardduty(event);
    Seen {
        log: SmolStr::new_static(event.record.table.source.name),
        event_id,
        actor: caller.clone().unwrap_or_else(|| role(Role::Actor)),
        identity: caller.unwrap_or_else(|| own(event.identity().as_deref())),
        session: role(Role::Session),
        access_key: role(Role::AccessKey),
        source_ip: role(Role::SourceIp),
        account: own(event.envelope.account.as_deref()),
        region: own(event.envelope.region.as_deref()),
        source: source.into(),
        event: role(Role::Event),
        target: role(Role::Target),
        user_agent: role(Role::UserAgent),
        error: role(Role::Error),
        instance: crate::links::instance(event),
        happened: crate::links::happened(event),
        shown: Vec::new(),
    }
}

fn invoked_by_service(record: &Record<'_>) -> bool {
    let members = record.table.names.iter().position(|n| n == "useridentity").and_then(|n| record.caller(n));
    let invoked_by = members.and_then(|mut m| m.find(|(key, _)| key.text == "invokedBy"));
    invoked_by.is_some_and(|(_, raw)| raw.scalar().is_some_and(|t| !t.is_empty()))
}

/// What an API call says of its caller's habits. Calls by AWS services are no habit of anybody.
fn habit(event: &Event<'_, '_>, source: &str) -> Option<Habit> {
    if event.record.table.source.name != "cloudtrail" {
        return None;
    }
    let e = event.envelope;
    let ip = event.role(Role::SourceIp)?;
    if ip.ends_with(".amazonaws.com") || invoked_by_service(event.record) {
        return None;
    }
    let who = hash(&event.identity()?);
    let name = event.role(Role::Event).unwrap_or_default();
    // The console's own servers, on behalf of whoever works there: that is nobody's network.
    let network = if ip == "AWS Internal" { 0 } else { network(&ip) };
    let agent = event.role(Role::UserAgent).map_or(0, |a| hash(crate::agent_of(&a)));
    let hour = e.time.map_or(0, |t| (t.div_euclid(3_600_000).rem_euclid(24) + 1).unsigned_abs());
    let region = e.region.as_deref().map_or(0, hash);
    let mut what = [0; 6];
    for (place, dim) in what.iter_mut().zip(Dim::ALL) {
        *place = match dim {
            Dim::Api => hash(source) ^ hash(&name).rotate_left(17),
            Dim::Service => hash(source),
            Dim::Region => region,
            Dim::Network => network,
            Dim::Agent => agent,
            Dim::Hour => hour,
        };
    }
    // A call that was refused for want of permission says nothing of what its caller does for a living.
    if e.outcome == Some(Outcome::Denied) {
        for (place, dim) in what.iter_mut().zip(Dim::ALL) {
            if matches!(dim, Dim::Api | Dim::Service) {
                *place = 0;
            }
        }
    }
    Some(Habit { who, what })
}
