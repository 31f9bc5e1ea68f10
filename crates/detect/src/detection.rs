//! A detection: one file that says which record is a sign of what, in both languages, with fixtures.
//!
//! ```yaml
//! kind: detection
//! id: cloudtrail.logging_stopped          # content/detections/cloudtrail/logging_stopped.yaml: the folder names the log
//! event: {source: cloudtrail.amazonaws.com, name: [StopLogging, DeleteTrail]}
//! match: event.succeeded
//! target: event.requestParameters.name    # what it happened to, where the envelope's target is another
//! severity: high                          # info, low, medium, high, critical
//! confidence: high                        # low, medium, high
//! maps: [attack/T1562.008, guardduty/Stealth:IAMUser/CloudTrailLoggingDisabled]
//! count: {by: [identity], of: event.requestParameters.secretId, at_least: 20, over: 10m}   # fires at the 20th distinct secret
//! habit: {new: [api, network], cold: quiet}   # only where the identity never did so, or never from there
//! dedup: {by: [identity, target], for: 1d}
//! silent: true                            # no finding of its own: a stage of sequences
//! en: {title: "{actor} stopped the trail {target}", why: …, look: […]}
//! ja: …
//! tests: {stopped: {event: {…}, expect: fire}, denied: {event: {…}, expect: quiet}}
//! ```
//!
//! In place of `match` alone, `method: dns_tunnel` names one of the statistical methods of [`crate::stat`]; `match` then limits it.

use crate::compile::{Settings, Wrong, compile, field};
use crate::engine::COUNTED;
use crate::event::Field;
use crate::fixture::Fixture;
use crate::predicate::Predicate;
use smol_str::SmolStr;
use std::collections::BTreeSet;
use yagura_logs::envelope::Role;
use yagura_logs::table::{Table, table};
use yagura_model::{ContentFile, Lang, Severity};
use yagura_rule::yaml::{Reader, Yaml, YamlKind, read};
use yagura_rule::{ContentError, nearest_hint};

/// How likely it is what it looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Often innocent.
    Low,
    /// Sometimes innocent.
    Medium,
    /// Seldom innocent.
    High,
}

impl Confidence {
    /// The word in files and output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// The texts in one language.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// One line; `{actor}`, `{target}`, `{count}`, `{event.field}` are filled in.
    pub title: SmolStr,
    /// Why it matters.
    pub why: SmolStr,
    /// What to look at next.
    pub look: Vec<SmolStr>,
    /// What else it may be: Sigma's `falsepositives`. Detections of our own say so in `why`.
    pub innocent: Vec<SmolStr>,
}

/// Repetition that makes a sign of what is none by itself.
#[derive(Debug, Clone)]
pub struct Count {
    /// Counted apart for each value of these.
    pub by: Vec<Field>,
    /// Different values of this count, where given; else records.
    pub of: Option<Field>,
    /// From so many on.
    pub at_least: u32,
    /// Within so many milliseconds.
    pub over: i64,
}

impl Count {
    /// How finely time counts, ms: of different values each is taken once in a sixtieth of the window. What a program does again and
    /// again is no news a moment later.
    pub fn grain(&self) -> i64 {
        (self.over / 60).max(1)
    }
}

/// What a habit is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Dim {
    /// Service and API: `iam.amazonaws.com:CreateUser`.
    Api,
    /// The service.
    Service,
    /// The Region.
    Region,
    /// The network of the source address.
    Network,
    /// The kind of client, without versions.
    Agent,
    /// The hour of the day, UTC.
    Hour,
}

impl Dim {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Api, Self::Service, Self::Region, Self::Network, Self::Agent, Self::Hour];

    /// The word in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Service => "service",
            Self::Region => "region",
            Self::Network => "network",
            Self::Agent => "agent",
            Self::Hour => "hour",
        }
    }
}

/// A detection that fires only against what its identity usually does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HabitGate {
    /// All of these must be new for the identity.
    pub new: Vec<Dim>,
    /// One of these must be new, where any is given.
    pub any: Vec<Dim>,
    /// Whether it fires of an identity of which too little is known to call anything usual.
    pub cold_fires: bool,
}

/// What is said once, and for how long.
#[derive(Debug, Clone)]
pub struct Dedup {
    /// Once for each value of these.
    pub by: Vec<Field>,
    /// For so many milliseconds.
    pub quiet: i64,
}

/// Which events a rule can match at all: cost does not grow with the rules that look at others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Index {
    /// Services (`eventSource`); empty for any.
    pub sources: BTreeSet<SmolStr>,
    /// Event names; empty for any.
    pub names: BTreeSet<SmolStr>,
}

/// A compiled detection.
#[derive(Debug, Clone)]
pub struct Detection {
    /// `cloudtrail.logging_stopped`
    pub id: SmolStr,
    /// Whose records it looks at.
    pub table: &'static Table,
    /// Which of them.
    pub index: Index,
    /// What it asks of them.
    pub predicate: Predicate,
    /// The statistical method that decides.
    pub method: Option<SmolStr>,
    /// What it happened to.
    pub target: Option<Field>,
    /// See [`Count`].
    pub count: Option<Count>,
    /// See [`HabitGate`].
    pub habit: Option<HabitGate>,
    /// See [`Dedup`].
    pub dedup: Dedup,
    /// How bad.
    pub severity: Severity,
    /// How likely.
    pub confidence: Confidence,
    /// `attack/T…`, `guardduty/…`
    pub maps: Vec<SmolStr>,
    /// Whether it is only a stage of sequences.
    pub silent: bool,
    /// English texts.
    pub en: Words,
    /// Japanese texts.
    pub ja: Words,
    /// The fields that the texts' placeholders name.
    pub shown: Vec<(SmolStr, Field)>,
    /// Its fixtures.
    pub fixtures: Vec<Fixture>,
    /// Whether it came with the program.
    pub shipped: bool,
}

impl Detection {
    /// The texts in a language.
    pub fn words(&self, lang: Lang) -> &Words {
        match lang {
            Lang::En => &self.en,
            Lang::Ja => &self.ja,
        }
    }
}

/// Folders below `detections/` and the tables that they name. Databases of several engines share their methods.
pub const LOGS: [(&str, &str); 12] = [
    ("alb", "alb_access_logs"),
    ("cloudfront", "cloudfront_standard_logs"),
    ("cloudtrail", "cloudtrail_logs"),
    ("dns", "route53_resolver_logs"),
    ("eks", "eks_audit_logs"),
    ("firewall", "network_firewall_alert_logs"),
    ("guardduty", "guardduty_findings"),
    ("rds", "rds_mysql_audit_logs"),
    ("redshift", "redshift_connection_logs"),
    ("s3", "s3_access_logs"),
    ("vpc", "vpc_flow_logs"),
    ("waf", "waf_logs"),
];

/// The table of a log's short name or its own.
pub fn log(name: &str) -> Option<&'static Table> {
    table(LOGS.iter().find(|(short, _)| *short == name).map_or(name, |(_, t)| t))
}

const KEYS: [&str; 18] = [
    "kind",
    "id",
    "log",
    "event",
    "match",
    "method",
    "target",
    "severity",
    "confidence",
    "maps",
    "count",
    "habit",
    "dedup",
    "silent",
    "en",
    "ja",
    "tests",
    "settings",
];

/// Reads a detection's file.
///
/// # Errors
/// Everything that is wrong with it, each with its place and the nearest right spelling.
pub fn parse(file: &ContentFile, settings: &Settings) -> Result<Detection, Vec<ContentError>> {
    let yaml = read(file).map_err(|e| vec![e])?;
    let mut r = Reader::new(file);
    r.only(&yaml, &KEYS);
    let id = r.want_text(&yaml, "id");
    let wanted = file.path.trim_start_matches("detections/").trim_end_matches(".yaml").replace('/', ".");
    if id != wanted
        && let Some(at) = yaml.get("id")
    {
        r.complain(at, format!("the id must follow the path: `{wanted}`"));
    }
    let folder = r.text(&yaml, "log").unwrap_or_else(|| wanted.split('.').next().unwrap_or_default().into());
    let Some(table) = log(&folder) else {
        let near = nearest_hint(&folder, LOGS.iter().map(|(n, _)| *n));
        r.complain(&yaml, format!("`{folder}` is no log{near}; the first folder below `detections/` names it"));
        return Err(r.errors);
    };
    let mut own = settings.clone();
    if let Some(at) = yaml.get("settings") {
        for (key, _) in at.entries().unwrap_or_default() {
            let list = r.texts(at, &key.name).iter().map(ToString::to_string).collect();
            own.entry(key.name.to_string()).or_insert(list);
        }
    }
    let index = index(&mut r, &yaml);
    let predicate = match yaml.get("match") {
        None => Predicate::Always(true),
        Some(at) => expression(&mut r, at, |t| compile(t, table, &own)).unwrap_or(Predicate::Always(false)),
    };
    let method = r.text(&yaml, "method");
    if let (Some(m), Some(at)) = (&method, yaml.get("method"))
        && !crate::stat::METHODS.contains(&m.as_str())
    {
        r.complain(at, format!("there is no method `{m}`{}", nearest_hint(m, crate::stat::METHODS)));
    }
    if yaml.get("match").is_none() && index == Index::default() && method.is_none() {
        r.complain(&yaml, "`match`, `event` or `method` is missing: every record would match");
    }
    let target = yaml.get("target").and_then(|at| expression(&mut r, at, |t| field(t, table)));
    let severity = word(&mut r, &yaml, "severity", &Severity::ALL.map(Severity::name)).and_then(|w| Severity::of(&w));
    let confidence = match yaml.get("confidence") {
        None => Some(Confidence::Medium),
        Some(_) => word(&mut r, &yaml, "confidence", &["low", "medium", "high"]).map(|w| match w.as_str() {
            "low" => Confidence::Low,
            "high" => Confidence::High,
            _ => Confidence::Medium,
        }),
    };
    let maps = maps(&mut r, &yaml);
    let count = yaml.get("count").and_then(|at| count(&mut r, at, table));
    let habit = yaml.get("habit").map(|at| habit(&mut r, at));
    let dedup = dedup(&mut r, &yaml, table);
    let silent = matches!(yaml.get("silent").map(|b| &b.kind), Some(YamlKind::Bool(true)));
    let [en, ja] = ["en", "ja"].map(|lang| words(&mut r, &yaml, lang));
    let shown = shown(&mut r, &yaml, [&en, &ja], table);
    let fixtures = crate::fixture::parse(&mut r, &yaml);
    let (severity, confidence) = (severity.unwrap_or(Severity::Low), confidence.unwrap_or(Confidence::Low));
    r.finish(Detection {
        id,
        table,
        index,
        predicate,
        method,
        target,
        count,
        habit,
        dedup,
        severity,
        confidence,
        maps,
        silent,
        en,
        ja,
        shown,
        fixtures,
        shipped: file.shipped,
    })
}

/// Reads what a text says; complains at its place in the file where it is wrong.
fn expression<T>(r: &mut Reader<'_>, at: &Yaml, read: impl FnOnce(&str) -> Result<T, Wrong>) -> Option<T> {
    let text = match &at.kind {
        YamlKind::Text(t) => t.to_string(),
        YamlKind::Bool(b) => b.to_string(),
        _ => {
            r.complain(at, "expected an expression");
            return None;
        }
    };
    match read(&text) {
        Ok(value) => Some(value),
        Err(e) => {
            let part = text.get(e.span.start..e.span.end).unwrap_or_default();
            let place = if part.is_empty() || part == text { String::new() } else { format!(" (at `{part}`)") };
            r.complain(at, format!("{}{place}", e.message));
            None
        }
    }
}

fn word(r: &mut Reader<'_>, yaml: &Yaml, name: &str, known: &[&str]) -> Option<SmolStr> {
    let text = r.want_text(yaml, name);
    if known.contains(&text.as_str()) {
        return Some(text);
    }
    if let Some(at) = yaml.get(name) {
        r.complain(
            at,
            format!("`{name}` is one of {}{}", known.join(", "), nearest_hint(&text, known.iter().copied())),
        );
    }
    None
}

fn index(r: &mut Reader<'_>, yaml: &Yaml) -> Index {
    let Some(at) = yaml.get("event") else { return Index::default() };
    r.only(at, &["source", "name"]);
    let mut both = ["source", "name"].map(|key| match at.get(key).map(|v| &v.kind) {
        Some(YamlKind::Text(one)) => [one.clone()].into(),
        Some(_) => r.texts(at, key).into_iter().collect(),
        None => BTreeSet::new(),
    });
    let names = std::mem::take(&mut both[1]);
    for name in &names {
        let plain = crate::observe::plain_name(name);
        if plain != name {
            r.complain(at, format!("events are looked up without the API's version: `{plain}`, not `{name}`"));
        }
    }
    let sources = std::mem::take(&mut both[0]);
    Index { sources, names }
}

fn maps(r: &mut Reader<'_>, yaml: &Yaml) -> Vec<SmolStr> {
    let maps = r.texts(yaml, "maps");
    if let Some(at) = yaml.get("maps") {
        for map in &maps {
            match map.split_once('/') {
                Some(("attack", technique)) if is_technique(technique) => {}
                Some(("guardduty", kind)) if kind.contains(':') && kind.contains('/') => {}
                _ => r.complain(
                    at,
                    format!("`{map}` is neither `attack/T1234.001` nor `guardduty/Tactic:Resource/Type`"),
                ),
            }
        }
    }
    maps
}

/// MITRE ATT&CK technique or sub-technique.
fn is_technique(text: &str) -> bool {
    let digits = |t: &str, n: usize| t.len() == n && t.bytes().all(|b| b.is_ascii_digit());
    let Some(rest) = text.strip_prefix('T') else { return false };
    match rest.split_once('.') {
        Some((a, b)) => digits(a, 4) && digits(b, 3),
        None => digits(rest, 4),
    }
}

fn count(r: &mut Reader<'_>, at: &Yaml, table: &'static Table) -> Option<Count> {
    r.only(at, &["by", "of", "at_least", "over"]);
    let by = keys(r, at, "by", table);
    let of = at.get("of").and_then(|of| expression(r, of, |t| field(t, table)));
    let at_least = match at.get("at_least").map(|v| &v.kind) {
        Some(YamlKind::Int(n)) if (2..=COUNTED as i64).contains(n) => u32::try_from(*n).ok(),
        _ => None,
    };
    if at_least.is_none() {
        r.complain(at, format!("`at_least` wants a number from 2 to {COUNTED}: no more is remembered"));
    }
    let over = span(r, at, "over");
    Some(Count { by, of, at_least: at_least?, over: over? })
}

fn habit(r: &mut Reader<'_>, at: &Yaml) -> HabitGate {
    r.only(at, &["new", "any", "cold"]);
    let mut dims = |key: &str| {
        let mut all = Vec::new();
        for name in r.texts(at, key) {
            match Dim::ALL.into_iter().find(|d| d.name() == name) {
                Some(dim) => all.push(dim),
                None => {
                    let near = nearest_hint(&name, Dim::ALL.map(Dim::name));
                    r.complain(at, format!("`{name}` is nothing that habits are made of{near}"));
                }
            }
        }
        all
    };
    let (new, any) = (dims("new"), dims("any"));
    if new.is_empty() && any.is_empty() {
        r.complain(at, "`new` or `any` is missing");
    }
    let cold_fires = match at.get("cold").and_then(Yaml::text) {
        Some("fire") => true,
        Some("quiet") | None => false,
        Some(other) => {
            r.complain(at, format!("`cold` is `fire` or `quiet`, not `{other}`"));
            false
        }
    };
    HabitGate { new, any, cold_fires }
}

/// A day: whoever looks daily sees each thing once.
const QUIET: i64 = 24 * 3600 * 1000;

fn dedup(r: &mut Reader<'_>, yaml: &Yaml, table: &'static Table) -> Dedup {
    let usual = || vec![Field::Identity, Field::Account];
    let Some(at) = yaml.get("dedup") else { return Dedup { by: usual(), quiet: QUIET } };
    r.only(at, &["by", "for"]);
    let by = if at.get("by").is_some() { keys(r, at, "by", table) } else { usual() };
    let quiet = if at.get("for").is_some() { span(r, at, "for") } else { Some(QUIET) };
    Dedup { by, quiet: quiet.unwrap_or(QUIET) }
}

/// Fields by which records are held apart: names of the envelope, or `event.…`.
fn keys(r: &mut Reader<'_>, at: &Yaml, name: &str, table: &'static Table) -> Vec<Field> {
    let texts = r.texts(at, name);
    if texts.is_empty() {
        r.complain(at, format!("`{name}` wants a list of fields"));
    }
    let mut fields = Vec::new();
    for text in texts {
        let path = text.strip_prefix("event.").unwrap_or(&text);
        match field(&format!("event.{path}"), table) {
            Ok(f) => fields.push(f),
            Err(e) => r.complain(at, e.message),
        }
    }
    fields
}

/// A length of time: `30s`, `10m`, `6h`, `2d`; in milliseconds.
pub fn millis(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let number: i64 = text.strip_suffix(unit)?.parse().ok()?;
    let factor = match unit {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return None,
    };
    number.checked_mul(factor).filter(|n| *n > 0)
}

fn span(r: &mut Reader<'_>, at: &Yaml, name: &str) -> Option<i64> {
    let span = at.get(name).and_then(Yaml::text).and_then(millis);
    if span.is_none() {
        r.complain(at, format!("`{name}` wants a length of time such as 30s, 10m, 6h, 2d"));
    }
    span
}

/// The texts of one language; complains where one is missing.
pub fn words(r: &mut Reader<'_>, yaml: &Yaml, lang: &str) -> Words {
    let Some(at) = yaml.get(lang) else {
        let language = if lang == "ja" { "Japanese" } else { "English" };
        r.complain(yaml, format!("the {language} text is missing: `{lang}: {{title: …, why: …, look: […]}}`"));
        return Words::default();
    };
    r.only(at, &["title", "why", "look"]);
    let words = Words {
        title: r.want_text(at, "title"),
        why: r.want_text(at, "why"),
        look: r.texts(at, "look"),
        innocent: Vec::new(),
    };
    if words.look.is_empty() {
        r.complain(at, "`look` wants a list of what to look at next");
    }
    words
}

/// What every detection's texts may name.
pub const PLACEHOLDERS: [&str; 12] = [
    "actor",
    "identity",
    "session",
    "target",
    "source_ip",
    "account",
    "region",
    "event",
    "count",
    "user_agent",
    "network",
    "error",
];

fn shown(r: &mut Reader<'_>, yaml: &Yaml, words: [&Words; 2], table: &'static Table) -> Vec<(SmolStr, Field)> {
    let mut all: Vec<(SmolStr, Field)> = Vec::new();
    for text in words.iter().flat_map(|w| [&w.title, &w.why].into_iter().chain(&w.look)) {
        for part in text.split('{').skip(1) {
            let Some((name, _)) = part.split_once('}') else { continue };
            // Of what a statistic finds it is known who does it and who suffers.
            let of_method = ["attacker", "victim"].contains(&name) && yaml.get("method").is_some();
            if PLACEHOLDERS.contains(&name)
                || of_method
                || name.starts_with("fact.")
                || all.iter().any(|(n, _)| n == name)
            {
                continue;
            }
            match name.starts_with("event.").then(|| field(name, table)) {
                Some(Ok(f)) => all.push((name.into(), f)),
                Some(Err(e)) => r.complain(yaml, format!("`{{{name}}}`: {}", e.message)),
                None => {
                    let near = nearest_hint(name, PLACEHOLDERS);
                    r.complain(yaml, format!("`{{{name}}}` is filled in by nothing{near}; fields are `{{event.…}}`"));
                }
            }
        }
    }
    all
}

impl Detection {
    /// The envelope's target, or the one that the file names.
    pub fn target_field(&self) -> Field {
        self.target.clone().unwrap_or(Field::Role(Role::Target))
    }
}
