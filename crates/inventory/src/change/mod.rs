//! From an API event to the resources that it changed. No table by hand: what a kind is called, which fields identify it and
//! which calls read it stands in its file, and an event names resources in the same words.
//!
//! Pure: `(event, catalogue, what is known) → changes`. What cannot be told is left to the next full scan, and the answer is empty.

mod event;
mod known;
pub(crate) mod words;

pub use event::ApiEvent;
pub use known::Known;

use crate::kinds::{Kinds, ReadyKind, Source};
use crate::resource::Input;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use words::Words;
use yagura_model::{Asset, Type};
use yagura_rule::{Check, Estate};

/// A text that stands in more resources than this identifies none of them.
const TOO_COMMON: usize = 8;

/// What names of identifying members end with.
const ENDS: [&str; 6] = ["", "identifier", "name", "arn", "id", "url"];

/// What one service tells of an account or Region as a whole: beyond so many fields nobody can tell which of them changed.
const FEW: usize = 3;

/// Verbs of calls after which there may be a resource that was not there before.
const MAKING: [&str; 19] = [
    "accept",
    "add",
    "allocate",
    "copy",
    "create",
    "enable",
    "generate",
    "import",
    "invite",
    "launch",
    "provision",
    "publish",
    "purchase",
    "put",
    "register",
    "request",
    "restore",
    "run",
    "start",
];

/// A resource that an event changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Changed {
    /// Its kind.
    pub kind: SmolStr,
    /// The account.
    pub account: SmolStr,
    /// The Region that the event tells.
    pub region: SmolStr,
    /// Which one.
    pub which: Which,
    /// The fields with calls of their own that the event speaks of, the likeliest first.
    pub fields: Vec<SmolStr>,
    /// Whether it may be there no more, or not have been there before: then its listing is asked.
    pub whole: bool,
}

/// Which resource of a kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Which {
    /// One that is known: its place in the estate.
    Known(u32),
    /// One that is not known: member names of the event, and the texts that stand there.
    New(BTreeSet<(String, SmolStr)>),
}

/// What kinds are called and how they are read: of those that checks look at.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    /// By the name that CloudTrail gives a service (`ec2`, `elasticloadbalancing`).
    by_source: BTreeMap<SmolStr, Vec<Entry>>,
    identities: HashMap<SmolStr, Vec<SmolStr>>,
}

#[derive(Debug, Clone)]
struct Entry {
    kind: SmolStr,
    regional: bool,
    /// Whether a call lists it (else there is one in each account or Region).
    listed: bool,
    /// The call that lists it: kinds that share it are views of the same resources.
    list: SmolStr,
    /// What it is called.
    nouns: Vec<Words>,
    /// Names of members that identify it.
    names: BTreeSet<String>,
    /// Names that identify it only where the event is of this kind at all.
    plain: BTreeSet<String>,
    /// The fields that checks read and that have a call of their own, with the words of that call.
    fields: Vec<Fetched>,
}

/// A field with a call of its own.
#[derive(Debug, Clone)]
struct Fetched {
    field: SmolStr,
    /// The words of the call.
    call: Words,
    /// Whether that call describes the whole resource.
    describes: bool,
    /// The words of what it answers.
    told: Words,
}

impl Catalogue {
    /// The kinds that these checks look at.
    pub fn of(checks: &[Check], kinds: &Kinds) -> Self {
        let mut wanted: BTreeMap<SmolStr, BTreeSet<SmolStr>> = BTreeMap::new();
        for check in checks {
            for kind in check.kinds() {
                wanted.entry(kind.clone()).or_default();
            }
            for (kind, field) in &check.reads {
                wanted.entry(kind.clone()).or_default().insert(field.clone());
            }
        }
        let mut out = Self::default();
        for (id, fields) in wanted {
            let Some(kind) = kinds.get(&id) else { continue };
            out.identities.insert(id, identities(kind));
            for (source, entry) in entries(kind, &fields) {
                out.by_source.entry(source).or_default().push(entry);
            }
        }
        out
    }

    /// The services whose events may change resources of a kind, by the names that CloudTrail gives them.
    pub fn sources(&self, kind: &str) -> BTreeSet<SmolStr> {
        let of = |entries: &[Entry]| entries.iter().any(|e| e.kind == kind);
        self.by_source.iter().filter(|(_, entries)| of(entries)).map(|(source, _)| source.clone()).collect()
    }

    /// The texts that identify an asset.
    pub fn texts<'a>(&self, asset: &'a Asset) -> BTreeSet<&'a str> {
        let fields = self.identities.get(&asset.kind).map(Vec::as_slice).unwrap_or_default();
        let by_field = fields.iter().filter_map(|f| match asset.field(f) {
            yagura_model::Field::Known(v) => v.as_str(),
            _ => None,
        });
        let all = [Some(asset.id.as_str()), asset.arn.as_deref()].into_iter().flatten().chain(by_field);
        all.filter(|t| t.len() > 1).collect()
    }

    /// What an event changed. Nothing where it changed nothing that a check looks at, or nobody can tell what.
    pub fn changes(&self, event: &ApiEvent, known: &Known, estate: &Estate) -> Vec<Changed> {
        let Some(entries) = self.by_source.get(event.source.as_str()) else { return Vec::new() };
        let (verb, behind) = words::operation(&event.name);
        let stem: Words = behind.iter().cloned().collect();
        let named: BTreeSet<&SmolStr> = entries.iter().filter(|e| e.is_named(&stem)).map(|e| &e.kind).collect();
        let lists: BTreeSet<&SmolStr> =
            entries.iter().filter(|e| e.listed && named.contains(&e.kind)).map(|e| &e.list).collect();

        let mut hits: BTreeMap<u32, &Entry> = BTreeMap::new();
        for (name, text) in &event.texts {
            let Some(found) = known.find(text) else { continue };
            let fitting = found.iter().filter_map(|at| Some((*at, estate.assets().get(*at as usize)?)));
            let fitting: Vec<(u32, &Entry)> = fitting
                .filter(|(_, a)| a.account == event.account)
                .filter_map(|(at, a)| Some((at, entries.iter().find(|e| e.listed && e.kind == a.kind)?, a)))
                .filter(|(_, e, a)| !e.regional || a.region == event.region)
                .filter(|(_, e, _)| is_telling(text) || e.takes(name))
                .map(|(at, e, _)| (at, e))
                .collect();
            if fitting.len() <= TOO_COMMON {
                hits.extend(fitting);
            }
        }
        let of_named = |e: &Entry| named.contains(&e.kind) || lists.contains(&e.list);
        let any_named = hits.values().any(|e| named.contains(&e.kind));
        hits.retain(|_, e| !any_named || of_named(e));

        let mut out: Vec<Changed> =
            hits.iter().map(|(at, e)| e.changed(event, Which::Known(*at), &stem, e.is_all(&stem))).collect();
        if MAKING.contains(&verb.as_str()) || out.is_empty() {
            out.extend(made(entries, event, (known, estate), &stem, behind.last(), any_named));
        }
        // What an account or Region has one of is changed by calls that name none of its resources.
        if !any_named && !out.iter().any(|c| matches!(c.which, Which::New(_))) {
            let alone = out.is_empty();
            for e in entries.iter().filter(|e| !e.listed) {
                let all = alone && e.fields.len() <= FEW && !named.contains(&e.kind);
                let here = |a: &Asset| a.account == event.account && (!e.regional || a.region == event.region);
                let own = known.of_kind(&e.kind).iter().find(|at| estate.assets().get(**at as usize).is_some_and(here));
                if let Some(at) = own.filter(|_| all || named.contains(&e.kind)) {
                    let mut change = e.changed(event, Which::Known(*at), &stem, false);
                    if all {
                        change.fields = e.fields.iter().map(|f| f.field.clone()).collect();
                    }
                    out.push(change);
                }
            }
        }
        out
    }
}

/// Resources that the event made, or that it names and nobody has seen.
fn made(
    entries: &[Entry],
    event: &ApiEvent,
    (known, estate): (&Known, &Estate),
    stem: &Words,
    last: Option<&SmolStr>,
    any_named: bool,
) -> Vec<Changed> {
    let mut out: Vec<Changed> = Vec::new();
    for e in entries.iter().filter(|e| e.listed) {
        let exact = e.is_all(stem);
        let by_end = !any_named && e.nouns.iter().any(|n| n.is_subset(stem) && last.is_some_and(|l| n.contains(l)));
        let loose = !any_named && e.nouns.iter().any(|n| n.is_subset(stem));
        if !exact && !by_end && !loose {
            continue;
        }
        let names = |answered: bool| -> BTreeSet<(String, SmolStr)> {
            let strict = !exact && !by_end;
            let fits = |name: &str| if strict { e.names.contains(name) } else { e.takes(name) };
            // The same name elsewhere is another resource.
            let here = |at: &u32| {
                let found = estate.assets().get(*at as usize);
                let near = |a: &Asset| !e.regional || a.region == event.region || a.region.ends_with("-global");
                found.is_some_and(|a| a.account == event.account && near(a))
            };
            let is_known = |text: &SmolStr| known.find(text).is_some_and(|places| places.iter().any(here));
            let texts = event.texts.iter().filter(|(name, text)| fits(name) && !is_known(text));
            texts.filter(|t| !answered || event.answered.contains(*t)).cloned().collect()
        };
        // What the answer names is the new one; what the request names may be what it was made of.
        let found = Some(names(true)).filter(|n| !n.is_empty()).unwrap_or_else(|| names(false));
        if !found.is_empty() {
            out.push(e.changed(event, Which::New(found), stem, true));
        }
    }
    let exact: BTreeSet<SmolStr> = entries.iter().filter(|e| e.is_all(stem)).map(|e| e.list.clone()).collect();
    if !exact.is_empty() {
        let listed_so = |c: &Changed| entries.iter().any(|e| e.kind == c.kind && exact.contains(&e.list));
        out.retain(listed_so);
    }
    out
}

impl Entry {
    /// Whether the words behind a verb speak of it.
    fn is_named(&self, stem: &Words) -> bool {
        self.nouns.iter().any(|n| n.is_subset(stem)) || self.fields.iter().any(|f| speaks(&f.call, stem))
    }

    /// Whether they are its name and nothing besides.
    fn is_all(&self, stem: &Words) -> bool {
        self.nouns.contains(stem)
    }

    /// Whether a member of this name may identify it.
    fn takes(&self, name: &str) -> bool {
        self.names.contains(name)
            || self.plain.contains(name)
            || self.names.iter().any(|n| n.len() > 5 && name.ends_with(n.as_str()))
    }

    fn changed(&self, event: &ApiEvent, which: Which, stem: &Words, all: bool) -> Changed {
        let mut fields: Vec<(f32, &Fetched)> =
            self.fields.iter().map(|f| (words::likeness(&f.call, stem), f)).collect();
        // `StopLogging` is told by `GetTrailStatus`, whose answer has `IsLogging`.
        let answers = |f: &Fetched| usize::from(!f.told.is_disjoint(stem));
        fields.sort_by(|a, b| b.0.total_cmp(&a.0).then(answers(b.1).cmp(&answers(a.1))));
        let best = fields.iter().find(|(_, f)| speaks(&f.call, stem)).map_or(0.0, |f| f.0);
        let own = self.nouns.iter().map(|n| words::likeness(n, stem)).fold(0.0, f32::max);
        let nameless = best == 0.0 && own == 0.0;
        // A call that reads exactly what was set leaves everything else as it was.
        let sharp = !all && best > own;
        fields.retain(|(l, f)| match (all || nameless, sharp) {
            (true, _) => true,
            (false, true) => speaks(&f.call, stem) && *l >= own,
            (false, false) => f.describes || speaks(&f.call, stem),
        });
        let sharp = sharp || (nameless && !fields.is_empty());
        Changed {
            kind: self.kind.clone(),
            account: event.account.clone(),
            region: event.region.clone(),
            whole: !sharp || matches!(which, Which::New(_)),
            which,
            fields: fields.into_iter().map(|(_, f)| f.field.clone()).collect(),
        }
    }
}

/// Whether an event's words and a reading call's speak of the same: one has all of the other's, at least two, and half of all.
fn speaks(call: &Words, stem: &Words) -> bool {
    let least = call.len().min(stem.len());
    least >= 2 && (call.is_subset(stem) || stem.is_subset(call)) && words::likeness(call, stem) >= 0.5
}

/// Whether a text can mean nothing else, wherever it stands: an ARN, an id with a random part, a URL.
fn is_telling(text: &str) -> bool {
    let random = |part: &str| part.len() >= 8 && part.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    text.starts_with("arn:")
        || text.starts_with("https://")
        || text.split_once('-').is_some_and(|(kind, rest)| !kind.is_empty() && random(rest))
}

/// The top-level fields that a name or ARN is made of, and those that calls about it name it by.
pub(crate) fn identities(kind: &ReadyKind) -> Vec<SmolStr> {
    let r = &kind.resource;
    let mut out: BTreeSet<SmolStr> =
        [Some(&r.name), r.arn.as_ref()].into_iter().flatten().flat_map(|t| tops(t)).collect();
    let inputs = r.describe.iter().flat_map(|d| &d.with).chain(r.fields.iter().flat_map(|f| &f.with));
    for (_, input) in inputs {
        if let Input::Path(p) | Input::Paths(p) = input {
            out.extend(tops(p));
        }
    }
    // What was kept of another resource (the cluster of a service) identifies that one.
    let kept = r.list.as_ref().map(|l| l.keep.as_slice()).unwrap_or_default();
    out.into_iter().filter(|f| matches!(kind.source(f), Some(Source::List)) && !kept.contains(f)).collect()
}

/// The top-level fields of a path, or of the names in a template's braces.
fn tops(template: &str) -> Vec<SmolStr> {
    let top = |t: &str| SmolStr::from(t.split(['.', '>', '/', ':', '[']).next().unwrap_or(t));
    if !template.contains('{') {
        return vec![top(template)];
    }
    let inner = template.split('{').skip(1).filter_map(|t| Some(top(t.split_once('}')?.0)));
    inner.filter(|t| !["account", "region", "partition", "arn", "slot"].contains(&t.as_str())).collect()
}

/// The entries of a kind, one for each service whose calls read it.
fn entries(kind: &ReadyKind, reads: &BTreeSet<SmolStr>) -> Vec<(SmolStr, Entry)> {
    let r = &kind.resource;
    let mut nouns: BTreeSet<Words> = BTreeSet::from([words::of_kind(&r.id)]);
    nouns.extend(kind.list.iter().chain(&kind.describe).map(|op| words::of_operation(op.name())));
    let listed = r.list.is_some();
    nouns.retain(|n| !n.is_empty() && listed);
    let (mut names, mut plain) = (BTreeSet::new(), BTreeSet::new());
    let inputs = r.describe.iter().flat_map(|d| &d.with).chain(r.fields.iter().flat_map(|f| &f.with));
    let inputs = inputs.filter(|(_, i)| !matches!(i, Input::Constant(v) if v.as_str() != Some("{arn}")));
    let called = inputs.map(|(name, _)| words::member(name));
    for name in identities(kind).iter().map(|f| words::member(f)).chain(called) {
        let base = ["identifier", "name", "arn", "id", "url"].iter().find_map(|end| name.strip_suffix(end));
        match base {
            Some("") => {
                plain.insert(name);
            }
            Some(base) => names.extend(ENDS.map(|end| format!("{base}{end}"))),
            None => names.extend(ENDS.map(|end| format!("{name}{end}"))),
        }
    }
    let noun = r.id.split('.').next_back().unwrap_or_default().replace('_', "");
    names.extend(ENDS.map(|end| format!("{noun}{end}")));
    let list = kind.list.as_ref().map(|op| SmolStr::from(op.call())).unwrap_or_default();
    let mut out: BTreeMap<SmolStr, Entry> = BTreeMap::new();
    let entry = |out: &mut BTreeMap<SmolStr, Entry>, source: &str| {
        let new = || Entry {
            kind: r.id.clone(),
            regional: r.regional,
            listed,
            list: list.clone(),
            nouns: nouns.iter().cloned().collect(),
            names: names.clone(),
            plain: plain.clone(),
            fields: Vec::new(),
        };
        out.entry(source.into()).or_insert_with(new);
    };
    kind.list.iter().chain(&kind.describe).for_each(|op| entry(&mut out, op.event_source()));
    for field in reads {
        let (op, describes) = match kind.source(field) {
            Some(Source::Call(_, op)) => (op, false),
            Some(Source::Describe(_, op)) => (op, true),
            _ => continue,
        };
        entry(&mut out, op.event_source());
        if let Some(e) = out.get_mut(op.event_source()) {
            let told = match op.output() {
                Type::Struct(members) => members.keys().flat_map(|name| words::all(name)).collect(),
                _ => Words::new(),
            };
            e.fields.push(Fetched { field: field.clone(), call: words::of_operation(op.name()), describes, told });
        }
    }
    out.into_iter().collect()
}
