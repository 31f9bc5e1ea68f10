//! Rules of others at work in the engine: Sigma's, with their correlations. They become detections whose words are the rule's own.

use crate::detection::{Confidence, Dedup, Detection, Index, Words, log};
use crate::event::{Event, Field};
use crate::observe::{Correlated, Correlating, Rules};
use crate::predicate::Predicate;
use crate::sigma::{About, Document, Fields, Json, Level, Library, Logsource, Problem, Signal, Value};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;
use yagura_logs::columns::find;
use yagura_logs::json::{Kind, Raw};
use yagura_logs::table::Table;
use yagura_model::Severity;

/// Detections and correlations of Sigma documents. Numbers of detections count from `first`. What cannot be honoured is a problem that
/// names it; the rest is returned.
pub fn sigma(documents: Vec<Document>, first: u32) -> (Vec<Detection>, Vec<Correlating>, Vec<Problem>) {
    let (library, mut problems) = Library::new(documents);
    let mut detections: Vec<Detection> = Vec::new();
    let mut names = Names::default();
    let mut numbers: Vec<Option<u32>> = Vec::new();
    let number = |n: usize| first.saturating_add(u32::try_from(n).unwrap_or(u32::MAX));
    for (rule, alone) in library.rules.iter().zip(&library.alone) {
        let Some(table) = table_of(&rule.logsource) else {
            let l = &rule.logsource;
            let say = |o: &Option<SmolStr>| o.as_deref().unwrap_or("-").to_owned();
            let message = format!(
                "no log here is of logsource product {}, category {}, service {}",
                say(&l.product),
                say(&l.category),
                say(&l.service)
            );
            problems.push(problem(&rule.about, message));
            numbers.push(None);
            continue;
        };
        numbers.push(Some(number(detections.len())));
        let event = rule.event.clone();
        let small = |set: Option<std::collections::BTreeSet<String>>| {
            set.unwrap_or_default().into_iter().map(SmolStr::from).collect()
        };
        let index = event.map(|e| Index { sources: small(e.sources), names: small(e.names) }).unwrap_or_default();
        let predicate = Predicate::Sigma(Arc::new(rule.clone()));
        detections.push(detection(&rule.about, names.of(&rule.about), table, index, predicate, !alone));
    }
    let mut correlations: Vec<Correlating> = Vec::new();
    for (c, listens) in library.correlations.iter().zip(&library.listens) {
        let rule_of = |s: &Signal| match s {
            Signal::Rule(n) => numbers.get(*n).copied().flatten(),
            Signal::Correlation(_) => None,
        };
        let chained = listens.iter().enumerate().filter_map(|(place, s)| match s {
            Signal::Correlation(n) => Some((*n, place)),
            Signal::Rule(_) => None,
        });
        let Some(table) = log("cloudtrail") else { continue };
        let says = number(detections.len());
        let mut said =
            detection(&c.about, names.of(&c.about), table, Index::default(), Predicate::Always(false), false);
        said.dedup.quiet = c.timespan_ms;
        detections.push(said);
        let (listens, chained) = (listens.iter().map(rule_of).collect(), chained.collect());
        correlations.push(Correlating { correlation: c.clone(), says, listens, chained });
    }
    (detections, correlations, problems)
}

fn problem(about: &About, message: String) -> Problem {
    Problem { file: about.path.clone(), line: about.line, column: 1, message }
}

/// The log that a rule is for. Rules without a product or service are for CloudTrail: it is where generic rules about AWS look.
fn table_of(source: &Logsource) -> Option<&'static Table> {
    let [product, category, service] = [&source.product, &source.category, &source.service].map(|s| s.as_deref());
    let name = match (product, category, service) {
        (_, Some("dns"), _) | (Some("aws"), _, Some("route53" | "route53resolver" | "dns")) => "dns",
        (Some("kubernetes"), ..) | (_, _, Some("eks" | "audit")) => "eks",
        (Some("aws"), _, Some("vpcflow" | "vpc" | "vpc_flow")) => "vpc",
        (_, Some("firewall"), _) => "vpc",
        (Some("aws"), _, Some("waf")) => "waf",
        (Some("aws"), _, Some("s3" | "s3access")) => "s3",
        (Some("aws"), _, Some("elb" | "alb")) | (_, Some("webserver" | "proxy"), _) => "alb",
        (Some("aws"), _, Some("guardduty")) => "guardduty",
        (Some("aws"), _, None | Some("cloudtrail" | "management" | "signin" | "iam"))
        | (None, None, None | Some("cloudtrail")) => "cloudtrail",
        _ => return None,
    };
    log(name)
}

/// The names that rules are told by: a document's id, else its name, else its title. Where a file lies says nothing of what it is, and
/// several documents may be in one.
#[derive(Default)]
struct Names(BTreeMap<String, u32>);

impl Names {
    fn of(&mut self, about: &About) -> SmolStr {
        let own = about.id.as_ref().or(about.name.as_ref()).map_or_else(|| plain(&about.title), ToString::to_string);
        let own = if own.is_empty() { "untitled".to_owned() } else { own };
        let times = self.0.entry(own.clone()).or_default();
        *times += 1;
        if *times == 1 { own.into() } else { format!("{own}_{times}").into() }
    }
}

/// A title as a name: its letters and digits in lower case, joined by `_`.
fn plain(title: &str) -> String {
    let words = title.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

fn detection(
    about: &About,
    id: SmolStr,
    table: &'static Table,
    index: Index,
    predicate: Predicate,
    silent: bool,
) -> Detection {
    let severity = match about.level {
        Some(Level::Informational) => Severity::Info,
        Some(Level::Low) => Severity::Low,
        None | Some(Level::Medium) => Severity::Medium,
        Some(Level::High) => Severity::High,
        Some(Level::Critical) => Severity::Critical,
    };
    let confidence = match about.status.as_deref() {
        Some("stable") => Confidence::High,
        Some("experimental" | "deprecated" | "unsupported") => Confidence::Low,
        _ => Confidence::Medium,
    };
    // A rule's words have one language: both show them.
    let words = Words {
        title: format!("{} ({{actor}})", about.title).into(),
        why: about.description.clone(),
        look: about.references.clone(),
        innocent: about.falsepositives.clone(),
    };
    Detection {
        id: format!("sigma.{id}").into(),
        table,
        index,
        predicate,
        method: None,
        target: None,
        count: None,
        habit: None,
        dedup: Dedup { by: vec![Field::Identity, Field::Account], quiet: 24 * 3_600_000 },
        severity,
        confidence,
        maps: about.techniques().map(|t| SmolStr::from(format!("attack/{t}"))).collect(),
        silent,
        en: words.clone(),
        ja: words,
        shown: Vec::new(),
        fixtures: Vec::new(),
        shipped: false,
    }
}

/// A detection of an EventBridge pattern: it looks at CloudTrail's events as EventBridge delivers them.
///
/// # Errors
/// Why EventBridge refuses the pattern.
pub fn pattern(name: &str, text: &str) -> Result<Detection, crate::pattern::Invalid> {
    let parsed = crate::pattern::Pattern::parse(text)?;
    let predicate = Predicate::Pattern(Arc::new(crate::pattern::Rules::new([(name, parsed)])));
    let about = About { title: format!("{name}: {{event}}").into(), ..About::default() };
    let table = yagura_logs::table::cloudtrail();
    let d = detection(&about, SmolStr::default(), table, Index::default(), predicate, false);
    Ok(Detection { id: format!("pattern.{name}").into(), ..d })
}

/// A CloudTrail event in EventBridge's envelope: <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events-structure.html>,
/// <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html>
pub fn delivered(event: &Event<'_, '_>) -> Option<String> {
    if !event.text.starts_with('{') {
        return None;
    }
    let text = |column: &str| event.record.text(column).unwrap_or_default();
    let source = text("eventsource");
    let kind = match (text("eventtype").as_ref(), text("eventname").as_ref()) {
        (_, "ConsoleLogin") => "AWS Console Sign In via CloudTrail",
        ("AwsServiceEvent", _) => "AWS Service Event via CloudTrail",
        _ => "AWS API Call via CloudTrail",
    };
    let quoted = |t: &str| serde_json::to_string(t).unwrap_or_default();
    Some(format!(
        r#"{{"version":"0","id":{},"detail-type":"{kind}","source":{},"account":{},"time":{},"region":{},"resources":[],"detail":{}}}"#,
        quoted(&text("eventid")),
        quoted(&format!("aws.{}", source.strip_suffix(".amazonaws.com").unwrap_or(&source))),
        quoted(event.envelope.account.as_deref().unwrap_or_default()),
        quoted(&text("eventtime")),
        quoted(event.envelope.region.as_deref().unwrap_or_default()),
        event.text
    ))
}

/// What correlations get of an event that a rule fired on.
pub fn correlated(rules: &Rules, heard: &[(u32, u32)], event: &Event<'_, '_>) -> Vec<Correlated> {
    with_fields(event, |fields| {
        let each = heard.iter().filter_map(|(n, place)| {
            let c = &rules.correlations.get(*n as usize)?.correlation;
            let group = c.group(*place as usize, fields)?.into();
            let value = c.value(*place as usize, fields).map(SmolStr::from);
            Some(Correlated { correlation: *n, place: *place, group, value })
        });
        each.collect()
    })
}

/// Gives a record's fields under the names that its own text has; records that are no JSON have their columns'.
pub fn with_fields<T>(event: &Event<'_, '_>, ask: impl FnOnce(&dyn Fields) -> T) -> T {
    match Json::parse(event.text) {
        Ok(json) if json.0.kind == Kind::Object => ask(&json),
        _ => ask(&Columns(event)),
    }
}

/// A JSON record by the values that were cut out of it when it was read: more than its text has under a name, where names differ in
/// capitals alone, and never less.
struct Loose<'e, 'r, 'a>(&'e Event<'r, 'a>);

impl Fields for Loose<'_, '_, '_> {
    fn values(&self, path: &str, take: &mut dyn FnMut(Value<'_>)) {
        let record = self.0.record;
        let (first, below) = path.split_once('.').map_or((path, None), |(first, below)| (first, Some(below)));
        let names = &record.table.names;
        if let Some(n) = find(names, first, 0)
            && let Some(Some(raw)) = record.slots().get(n)
        {
            match (below, record.caller(n)) {
                (Some(path), Some(members)) => {
                    members.for_each(|(key, raw)| crate::sigma::named(key, raw, path, take));
                }
                _ => crate::sigma::below(*raw, below, take),
            }
        }
        // No column of CloudTrail has a name in which a dot may stand.
        if below.is_some()
            && record.table.source.name != "cloudtrail"
            && let Some(Some(raw)) = find(names, path, 0).and_then(|n| record.slots().get(n))
        {
            crate::sigma::below(*raw, None, take);
        }
        for (key, raw) in &record.rest {
            crate::sigma::named(*key, *raw, path, take);
        }
    }

    fn any_text(&self, take: &mut dyn FnMut(&str) -> bool) {
        take(self.0.text);
    }
}

/// Whether a rule can fire on a record: where that is certain without another look at the record's text, no.
pub fn may_fire(rule: &crate::sigma::Rule, event: &Event<'_, '_>) -> bool {
    !own(event) || rule.may_fire(&Loose(event), &|_| true)
}

/// Whether a rule can fire on any record of CloudTrail that has the values of these columns that this one has.
pub fn may_fire_by(rule: &crate::sigma::Rule, event: &Event<'_, '_>, columns: &[&[&str]]) -> bool {
    !own(event) || rule.may_fire(&Loose(event), &|path| is_of(path, columns))
}

/// Whether a rule can fire on a record after [`may_fire_by`] answered so for these columns: looks at the others.
pub fn may_fire_besides(rule: &crate::sigma::Rule, event: &Event<'_, '_>, columns: &[&[&str]]) -> bool {
    !own(event) || rule.may_fire(&Loose(event), &|path| !is_of(path, columns))
}

fn is_of(path: &str, columns: &[&[&str]]) -> bool {
    let first = path.split_once('.').map_or(path, |(first, _)| first);
    columns.iter().copied().flatten().any(|column| column.eq_ignore_ascii_case(first))
}

/// Whether a record's values are parts of its own JSON: not those of lines, and not those that were put together.
pub(crate) fn own(event: &Event<'_, '_>) -> bool {
    let table = event.record.table;
    let (dashes, renamed) = (table.source.dashes, !table.source.renamed.is_empty());
    let text = event.text.as_bytes().as_ptr_range();
    let own = event.record.slots().iter().flatten().next().is_some_and(|raw| text.contains(&raw.text.as_ptr()));
    !dashes && !renamed && own && event.text.starts_with('{')
}

/// A record by its columns.
struct Columns<'e, 'r, 'a>(&'e Event<'r, 'a>);

impl Columns<'_, '_, '_> {
    fn each(&self, mut take: impl FnMut(&str, Raw<'_>) -> bool) {
        let record = self.0.record;
        for (name, slot) in record.table.names.iter().zip(record.slots()) {
            if let Some(raw) = slot
                && take(name, *raw)
            {
                return;
            }
        }
    }
}

impl Fields for Columns<'_, '_, '_> {
    fn values(&self, path: &str, take: &mut dyn FnMut(Value<'_>)) {
        self.each(|name, raw| {
            let same = name.eq_ignore_ascii_case(path) || name.replace('_', "-").eq_ignore_ascii_case(path);
            if same && let Some(text) = raw.as_text() {
                match text.parse() {
                    Ok(n) => take(Value::Number(n, &text)),
                    Err(_) => take(Value::Text(&text)),
                }
            }
            same
        });
    }

    fn any_text(&self, take: &mut dyn FnMut(&str) -> bool) {
        self.each(|_, raw| raw.as_text().is_some_and(|t| take(&t)));
    }
}
