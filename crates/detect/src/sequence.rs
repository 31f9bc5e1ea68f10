//! Sequences: attacks as ordered stages. One file each.
//!
//! ```yaml
//! kind: sequence
//! id: sequence.blind_then_take            # content/sequences/blind_then_take.yaml
//! join: [actor]                           # actor, session, target, source_ip, account, instance
//! within: 6h
//! stages:
//!   - blind: [cloudtrail.logging_stopped, cloudtrail.guardduty_disabled]
//!   - widen: {any: [cloudtrail.admin_policy_attached], optional: true}
//!   - take: {any: [cloudtrail.snapshot_shared], distinct: 2}
//! severity: critical
//! maps: [attack/T1562.008]
//! en: {title: …, why: …, look: […]}
//! ja: …
//! tests: …
//! ```
//!
//! `actor` is who stands behind: an assumed role's session goes to who assumed it, a key to who created it. Stages must come in their
//! order of what happened (a finding of GuardDuty's comes later than that); what happens between them does not matter. An optional stage never loses a match, and counts whenever it
//! comes after the first mandatory one. Two mandatory stages are never the same record.

use crate::detection::{Words, millis, words};
use crate::fixture::Fixture;
use crate::observe::Seen;
use foldhash::HashMap;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;
use yagura_model::{ContentFile, Lang, Severity};
use yagura_rule::yaml::{Reader, Yaml, YamlKind, read};
use yagura_rule::{ContentError, nearest_hint};

/// What stages are joined on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Join {
    /// Who stands behind.
    Actor,
    /// The session.
    Session,
    /// What it happened to.
    Target,
    /// The source address.
    SourceIp,
    /// The account.
    Account,
    /// The instance.
    Instance,
}

impl Join {
    const ALL: [Self; 6] = [Self::Actor, Self::Session, Self::Target, Self::SourceIp, Self::Account, Self::Instance];

    fn name(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Session => "session",
            Self::Target => "target",
            Self::SourceIp => "source_ip",
            Self::Account => "account",
            Self::Instance => "instance",
        }
    }

    fn of(self, seen: &Seen, root: &SmolStr) -> SmolStr {
        match self {
            Self::Actor => root.clone(),
            Self::Session => seen.session.clone(),
            Self::Target => seen.target.clone(),
            Self::SourceIp => seen.source_ip.clone(),
            Self::Account => seen.account.clone(),
            Self::Instance => seen.instance.clone(),
        }
    }
}

/// One stage.
#[derive(Debug, Clone)]
pub struct Stage {
    /// Its name.
    pub name: SmolStr,
    /// Any of these detections.
    pub any: Vec<SmolStr>,
    /// Whether it may be left out.
    pub optional: bool,
    /// How many different detections of `any` it takes.
    pub distinct: usize,
}

/// A sequence.
#[derive(Debug, Clone)]
pub struct Sequence {
    /// `sequence.blind_then_take`
    pub id: SmolStr,
    /// What its stages have in common.
    pub join: Vec<Join>,
    /// From the first stage to the last, ms.
    pub within: i64,
    /// In order.
    pub stages: Vec<Stage>,
    /// How bad.
    pub severity: Severity,
    /// `attack/T…`, `guardduty/AttackSequence:…`
    pub maps: Vec<SmolStr>,
    /// English texts.
    pub en: Words,
    /// Japanese texts.
    pub ja: Words,
    /// Its fixtures.
    pub fixtures: Vec<Fixture>,
    /// Whether it came with the program.
    pub shipped: bool,
}

impl Sequence {
    /// The texts in a language.
    pub fn words(&self, lang: Lang) -> &Words {
        match lang {
            Lang::En => &self.en,
            Lang::Ja => &self.ja,
        }
    }
}

const KEYS: [&str; 11] =
    ["kind", "id", "join", "within", "stages", "severity", "maps", "en", "ja", "tests", "settings"];

/// Reads a sequence's file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn parse(file: &ContentFile) -> Result<Sequence, Vec<ContentError>> {
    let yaml = read(file).map_err(|e| vec![e])?;
    let mut r = Reader::new(file);
    r.only(&yaml, &KEYS);
    let id = r.want_text(&yaml, "id");
    let wanted = file.path.trim_start_matches("sequences/").trim_end_matches(".yaml").replace('/', ".");
    if id != format!("sequence.{wanted}")
        && let Some(at) = yaml.get("id")
    {
        r.complain(at, format!("the id must follow the path: `sequence.{wanted}`"));
    }
    let mut join = Vec::new();
    for name in r.texts(&yaml, "join") {
        match Join::ALL.into_iter().find(|j| j.name() == name) {
            Some(j) => join.push(j),
            None => {
                let near = nearest_hint(&name, Join::ALL.map(Join::name));
                r.complain(&yaml, format!("nothing is joined on `{name}`{near}"));
            }
        }
    }
    if join.is_empty() {
        r.complain(&yaml, "`join` is missing");
    }
    let within = yaml.get("within").and_then(Yaml::text).and_then(millis);
    if within.is_none() {
        r.complain(&yaml, "`within` wants a length of time such as 6h");
    }
    let stages = stages(&mut r, &yaml);
    let severity = Severity::of(&r.want_text(&yaml, "severity"));
    if severity.is_none() {
        r.complain(&yaml, format!("`severity` is one of {}", Severity::ALL.map(Severity::name).join(", ")));
    }
    let maps = r.texts(&yaml, "maps");
    let [en, ja] = ["en", "ja"].map(|lang| words(&mut r, &yaml, lang));
    let fixtures = crate::fixture::parse(&mut r, &yaml);
    r.finish(Sequence {
        id,
        join,
        within: within.unwrap_or(0),
        stages,
        severity: severity.unwrap_or(Severity::High),
        maps,
        en,
        ja,
        fixtures,
        shipped: file.shipped,
    })
}

fn stages(r: &mut Reader<'_>, yaml: &Yaml) -> Vec<Stage> {
    let mut all = Vec::new();
    for item in yaml.get("stages").and_then(Yaml::items).unwrap_or_default() {
        let Some([(name, at)]) = item.entries() else {
            r.complain(item, "a stage is `name: [detections]` or `name: {any: [detections], optional: true}`");
            continue;
        };
        let long = at.entries().is_some();
        if long {
            r.only(at, &["any", "optional", "distinct"]);
        }
        let any = if long { r.texts(at, "any") } else { r.texts(item, &name.name) };
        let optional = matches!(at.get("optional").map(|b| &b.kind), Some(YamlKind::Bool(true)));
        let distinct = match at.get("distinct").map(|b| &b.kind) {
            None => Some(1),
            Some(YamlKind::Int(n)) => usize::try_from(*n).ok().filter(|n| (1..=any.len()).contains(n)),
            Some(_) => None,
        };
        if distinct.is_none() {
            r.complain(item, format!("`distinct` wants a number from 1 to {}, of its detections", any.len()));
        }
        let distinct = distinct.unwrap_or(1);
        if any.is_empty() {
            r.complain(item, "a stage without detections");
        }
        all.push(Stage { name: name.name.clone(), any, optional, distinct });
    }
    if all.iter().filter(|s| !s.optional).count() < 2 {
        r.complain(yaml, "`stages` wants two stages at least that are not optional");
    }
    all
}

/// Sequences, found by the detections that their stages ask for.
#[derive(Debug, Default)]
pub struct Sequences {
    /// All of them.
    pub all: Vec<Sequence>,
    by_rule: HashMap<SmolStr, Vec<(usize, usize)>>,
}

impl Sequences {
    /// Indexes sequences.
    pub fn new(all: Vec<Sequence>) -> Self {
        let mut by_rule: HashMap<SmolStr, Vec<(usize, usize)>> = HashMap::default();
        for (n, s) in all.iter().enumerate() {
            for (stage, part) in s.stages.iter().enumerate() {
                for rule in &part.any {
                    by_rule.entry(rule.clone()).or_default().push((n, stage));
                }
            }
        }
        Self { all, by_rule }
    }

    /// Whether any sequence has a stage of this detection.
    pub fn ask_for(&self, rule: &str) -> bool {
        self.by_rule.contains_key(rule)
    }
}

/// How many signals of one entity a sequence remembers; the oldest go first.
const REMEMBERED: usize = 256;

/// Of how many entities signals outlive a sweep, each by sequence.
pub const MOST_ENTITIES: usize = 50_000;

/// What sequences wait for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// By sequence and joined values, a space between. An ordered map, so that a saved state is the same whoever wrote it.
    open: BTreeMap<SmolStr, Vec<Mark>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Mark {
    time: i64,
    stage: usize,
    rule: SmolStr,
    /// One for all stages that the record made.
    seen: Arc<Seen>,
}

/// What made a stage: when, which one (`sequence/stage`), which detection, which record.
pub type Taken = (i64, SmolStr, SmolStr, Seen);

/// A sequence whose mandatory stages all came.
#[derive(Debug, Clone)]
pub struct Completed {
    /// Its number.
    pub sequence: usize,
    /// What its stages had in common.
    pub entity: SmolStr,
    /// What made the stages: time, stage, detection, record.
    pub marks: Vec<Taken>,
    /// Stages that nothing was found for.
    pub missing: Vec<SmolStr>,
}

impl Waiting {
    /// Takes a signal, in the order of time. `root` is who stands behind it.
    pub fn take(&mut self, all: &Sequences, rule: &SmolStr, time: i64, seen: &Seen, root: &SmolStr) -> Vec<Completed> {
        let mut done: Vec<Completed> = Vec::new();
        let Some(places) = all.by_rule.get(rule) else { return done };
        let time = seen.happened.unwrap_or(time);
        let mut touched: Vec<(usize, SmolStr, SmolStr)> = Vec::new();
        let mut record = None;
        for (n, stage) in places {
            let Some(s) = all.all.get(*n) else { continue };
            let values: Vec<SmolStr> = s.join.iter().map(|j| j.of(seen, root)).collect();
            if values.iter().any(SmolStr::is_empty) {
                continue;
            }
            let entity: SmolStr = values.join(" ").into();
            let key = key_of(s, &entity);
            let marks = self.open.entry(key.clone()).or_default();
            let past = marks.iter().take_while(|m| time - m.time > s.within).count();
            marks.drain(..past);
            if marks.len() >= REMEMBERED {
                marks.remove(0);
            }
            // What is told afterwards stands where it happened.
            let at = marks.partition_point(|m| m.time <= time);
            let seen = record.get_or_insert_with(|| Arc::new(seen.clone())).clone();
            marks.insert(at, Mark { time, stage: *stage, rule: rule.clone(), seen });
            if !touched.iter().any(|(_, _, k)| *k == key) {
                touched.push((*n, entity, key));
            }
        }
        for (n, entity, key) in touched {
            let Some(s) = all.all.get(n) else { continue };
            if let Some(marks) = self.open.get(&key)
                && let Some((found, missing)) = complete(s, marks)
            {
                done.push(Completed { sequence: n, entity, marks: found, missing });
            }
        }
        done
    }

    /// Forgets what of a completed sequence came until a time, and answers what is complete without it.
    pub fn after(&mut self, all: &Sequences, done: &Completed, until: i64) -> Option<Completed> {
        let s = all.all.get(done.sequence)?;
        let marks = self.open.get_mut(&key_of(s, &done.entity))?;
        marks.retain(|m| m.time > until);
        let (marks, missing) = complete(s, marks)?;
        Some(Completed { sequence: done.sequence, entity: done.entity.clone(), marks, missing })
    }

    /// Of how many entities signals are remembered, each by sequence.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether of none.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Forgets what no sequence waits for any more, and what is too much: the oldest first. Answers of how many entities that was.
    pub fn sweep(&mut self, all: &Sequences, now: i64) -> u64 {
        let longest = all.all.iter().map(|s| s.within).max().unwrap_or(0);
        self.open.retain(|_, marks| marks.last().is_some_and(|m| now - m.time <= longest));
        if self.open.len() <= MOST_ENTITIES {
            return 0;
        }
        let mut ages: Vec<(i64, SmolStr)> =
            self.open.iter().map(|(key, marks)| (marks.last().map_or(0, |m| m.time), key.clone())).collect();
        ages.sort_unstable();
        let going = ages.len() - MOST_ENTITIES + MOST_ENTITIES / 10;
        for (_, key) in ages.into_iter().take(going) {
            self.open.remove(&key);
        }
        going as u64
    }
}

fn key_of(s: &Sequence, entity: &str) -> SmolStr {
    [s.id.as_str(), " ", entity].concat().into()
}

/// Whether all mandatory stages came in their order. Each stage takes the earliest records that come after the stage before it.
fn complete(s: &Sequence, marks: &[Mark]) -> Option<(Vec<Taken>, Vec<SmolStr>)> {
    let mut from = 0;
    let mut begun = None;
    let mut missing = Vec::new();
    let mut used: Vec<usize> = Vec::new();
    for (n, stage) in s.stages.iter().enumerate() {
        let mut rules: Vec<&SmolStr> = Vec::new();
        let mut at = None;
        let mut taken = Vec::new();
        // Once an attack has begun, what is optional may come when it likes: intruders blind a trail whenever it suits them.
        let start = if stage.optional { begun.unwrap_or(0) } else { from };
        for (i, m) in marks.iter().enumerate().skip(start) {
            let again = || used.iter().any(|u| marks.get(*u).is_some_and(|o| o.seen.event_id == m.seen.event_id));
            if m.stage != n || rules.contains(&&m.rule) || again() {
                continue;
            }
            rules.push(&m.rule);
            taken.push(i);
            if rules.len() >= stage.distinct {
                at = Some(i);
                break;
            }
        }
        match at {
            Some(i) => {
                used.extend(taken);
                if !stage.optional {
                    from = i + 1;
                    begun = begun.or(Some(i + 1));
                }
            }
            None if stage.optional => missing.push(SmolStr::from(format!("{}/{}", s.id, stage.name))),
            None => return None,
        }
    }
    used.sort_unstable();
    let told = |i: usize| {
        let m = marks.get(i)?;
        let stage = s.stages.get(m.stage)?;
        Some((m.time, SmolStr::from(format!("{}/{}", s.id, stage.name)), m.rule.clone(), Seen::clone(&m.seen)))
    };
    Some((used.into_iter().filter_map(told).collect(), missing))
}
