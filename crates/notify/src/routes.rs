//! The routes file: which changes go to which channels, and how.

use crate::channel::{ALL, Channel};
use crate::notice::{Notice, digest};
use crate::secret::SecretRef;
use crate::template::{Template, member};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;
use yagura_detect::detection::millis;
use yagura_detect::pattern::{Pattern, Rules};
use yagura_model::{ContentFile, Lang, Severity, nearest};
use yagura_rule::ContentError;
use yagura_rule::yaml::{Reader, Yaml, YamlKind, read};

/// The settings of a route.
pub const ROUTE_KEYS: [&str; 10] =
    ["name", "pattern", "to", "when", "every", "group_by", "new_only", "severity", "lang", "template"];

/// When a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// As soon as its change is taken.
    AtOnce,
    /// So long after its first change, with what came since.
    Digest(Duration),
}

/// A route.
#[derive(Debug, Clone)]
pub struct Route {
    /// Its name.
    pub name: SmolStr,
    /// The channels, by name.
    pub to: Vec<SmolStr>,
    /// When.
    pub when: When,
    /// Members of the event: changes that agree in all of them come in one message.
    pub group_by: Vec<SmolStr>,
    /// Only news: new, came back, resolved, a suppression's end, signals, incidents.
    pub new_only: bool,
    /// Only what matters as much.
    pub severity: Severity,
    /// The language of texts.
    pub lang: Lang,
    pub(crate) template: Option<(String, Template)>,
}

/// A routes file, read.
#[derive(Debug)]
pub struct Routes {
    pub(crate) channels: BTreeMap<SmolStr, (SmolStr, Box<dyn Channel>)>,
    routes: Vec<Route>,
    patterns: Rules,
    /// How often a message is tried before it is put aside.
    pub attempts: u32,
    home: String,
}

impl Routes {
    /// Reads a routes file.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with line and column. A secret that stands in it is not repeated.
    pub fn parse(file: &ContentFile) -> Result<Self, Vec<ContentError>> {
        let yaml = read(file).map_err(|e| vec![e])?;
        let mut r = Reader::new(file);
        r.only(&yaml, &["channels", "routes", "attempts"]);
        let attempts = match yaml.get("attempts").map(|v| (v, &v.kind)) {
            None => 10,
            Some((_, YamlKind::Int(n @ 1..=100))) => u32::try_from(*n).unwrap_or(10),
            Some((v, _)) => {
                r.complain(v, "`attempts` is a number from 1 to 100");
                10
            }
        };
        let channels = channels(&mut r, &yaml);
        let mut routes: Vec<(Route, Pattern)> = Vec::new();
        let Some(list) = yaml.get("routes").and_then(Yaml::items).filter(|l| !l.is_empty()) else {
            r.complain(&yaml, "`routes` lists at least one route");
            return Err(r.errors);
        };
        let names: Vec<&str> = yaml
            .get("channels")
            .and_then(Yaml::entries)
            .unwrap_or_default()
            .iter()
            .map(|(k, _)| k.name.as_str())
            .collect();
        for at in list {
            let made = route(&mut r, at, &names, &channels);
            if let Some((one, _)) = &made
                && routes.iter().any(|(other, _)| other.name == one.name)
            {
                r.complain(at.get("name").unwrap_or(at), format!("there are two routes `{}`", one.name));
            }
            routes.extend(made);
        }
        let patterns = Rules::new(routes.iter().map(|(route, pattern)| (route.name.as_str(), pattern.clone())));
        let routes = routes.into_iter().map(|(route, _)| route).collect();
        let home = digest(&[&file.path]);
        r.finish(Self { channels, routes, patterns, attempts, home })
    }

    /// With the file's place: an outbox tells by it whose messages it holds, however the path is written. Without this the path that
    /// the file was read under counts.
    #[must_use]
    pub fn kept_at(self, file: &Path) -> Self {
        let place = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        Self { home: digest(&[&place.to_string_lossy()]), ..self }
    }

    /// What tells this routes file from others.
    pub(crate) fn home(&self) -> &str {
        &self.home
    }

    /// Whether AWS is needed: for a channel, or for a secret.
    pub fn needs_aws(&self) -> bool {
        self.channels.values().any(|(_, c)| c.is_aws() || c.secrets().iter().any(|s| s.is_of_aws()))
    }

    /// The channels: name, kind, and where its secrets are kept.
    pub fn channels(&self) -> impl Iterator<Item = (&str, &str, Vec<String>)> {
        self.channels
            .iter()
            .map(|(name, (kind, c))| (name.as_str(), kind.as_str(), c.secrets().iter().map(|s| s.place()).collect()))
    }

    /// Whether any channel of this kind is routed to.
    pub fn uses(&self, kind: &str) -> bool {
        self.channels.values().any(|(k, _)| k == kind)
    }

    /// The routes, in the file's order.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// The routes that take a change, in the file's order.
    pub fn of(&self, notice: &Notice) -> Vec<&Route> {
        // The whole one: what is left out of a long event that is sent decides as well.
        let event = notice.whole_event(Lang::En).to_string();
        let fits = self.patterns.matched(&event).unwrap_or_default();
        let takes = |route: &&Route| {
            fits.contains(&route.name.as_str())
                && notice.severity >= route.severity
                && (notice.change.is_news() || !route.new_only)
        };
        self.routes.iter().filter(takes).collect()
    }
}

fn channels(r: &mut Reader<'_>, yaml: &Yaml) -> BTreeMap<SmolStr, (SmolStr, Box<dyn Channel>)> {
    let mut out = BTreeMap::new();
    let entries = yaml.get("channels").and_then(Yaml::entries).unwrap_or_default();
    if entries.is_empty() {
        r.complain(yaml, "`channels` names at least one channel");
    }
    for (key, at) in entries {
        let kind = r.want_text(at, "kind");
        let Some(known) = ALL.iter().find(|k| k.name == kind) else {
            let near = nearest(&kind, ALL.iter().map(|k| k.name)).map(|n| format!(": did you mean `{n}`?"));
            if !kind.is_empty() {
                r.complain(
                    at.get("kind").unwrap_or(at),
                    format!("no kind of channel is called `{kind}`{}", near.unwrap_or_default()),
                );
            }
            continue;
        };
        let keys: Vec<&str> = ["kind"].into_iter().chain(known.keys.iter().copied()).collect();
        r.only(at, &keys);
        if let Some(channel) = (known.make)(r, at)
            && out.insert(key.name.clone(), (kind, channel)).is_some()
        {
            r.complain(at, format!("there are two channels `{}`", key.name));
        }
    }
    out
}

fn route(
    r: &mut Reader<'_>,
    at: &Yaml,
    names: &[&str],
    channels: &BTreeMap<SmolStr, (SmolStr, Box<dyn Channel>)>,
) -> Option<(Route, Pattern)> {
    r.only(at, &ROUTE_KEYS);
    let name = r.want_text(at, "name");
    let pattern = pattern(r, at);
    let to = r.texts(at, "to");
    if to.is_empty() {
        r.complain(at, "`to` lists at least one channel");
    }
    for unknown in to.iter().filter(|t| !names.contains(&t.as_str())) {
        let near = nearest(unknown, names.iter().copied()).map(|n| format!(": did you mean `{n}`?"));
        r.complain(at.get("to").unwrap_or(at), format!("no channel is called `{unknown}`{}", near.unwrap_or_default()));
    }
    let when = when(r, at);
    let group_by = r.texts(at, "group_by");
    for path in &group_by {
        if let Err(e) = member(path) {
            r.complain(at.get("group_by").unwrap_or(at), format!("`{path}` {e}"));
        }
    }
    for to in to.iter().filter(|_| when != When::AtOnce || !group_by.is_empty()) {
        if let Some((kind, channel)) = channels.get(to)
            && channel.one_by_one()
        {
            r.complain(
                at,
                format!("`{to}` ({kind}) takes each change by itself: no digest and no group_by in a route to it"),
            );
        }
    }
    let new_only = match at.get("new_only").map(|v| (v, &v.kind)) {
        None => true,
        Some((_, YamlKind::Bool(b))) => *b,
        Some((v, _)) => {
            r.complain(v, "`new_only` is true or false");
            true
        }
    };
    let severity = r.text(at, "severity").map_or(Some(Severity::Info), |s| Severity::of(&s));
    if severity.is_none() {
        r.complain(at.get("severity").unwrap_or(at), "`severity` is one of info, low, medium, high, critical");
    }
    let lang = match r.text(at, "lang").as_deref() {
        None | Some("en") => Lang::En,
        Some("ja") => Lang::Ja,
        Some(_) => {
            r.complain(at.get("lang").unwrap_or(at), "`lang` is en or ja");
            Lang::En
        }
    };
    let template = r.text(at, "template").and_then(|text| match Template::parse(&text) {
        Ok(template) => Some((text.to_string(), template)),
        Err(why) => {
            r.complain(at.get("template").unwrap_or(at), format!("`template`: {why}"));
            None
        }
    });
    Some((Route { name, to, when, group_by, new_only, severity: severity?, lang, template }, pattern?))
}

/// The route's pattern; one without takes everything of Yagura.
fn pattern(r: &mut Reader<'_>, at: &Yaml) -> Option<Pattern> {
    let (v, text) = match at.get("pattern") {
        None => (at, r#"{"source":["yagura"]}"#.to_owned()),
        Some(v) => match (v.text(), v.value()) {
            (Some(text), _) => (v, text.to_owned()),
            (None, Some(value)) => (v, value.to_json().to_string()),
            (None, None) => (v, "null".to_owned()),
        },
    };
    match Pattern::parse(&text) {
        Ok(pattern) => Some(pattern),
        Err(e) => {
            let place = if v.text().is_some() {
                format!(" at line {}, column {} of the pattern", e.line, e.column)
            } else {
                String::new()
            };
            r.complain(v, format!("`pattern`: {}{place}", e.reason));
            None
        }
    }
}

fn when(r: &mut Reader<'_>, at: &Yaml) -> When {
    let every =
        r.text(at, "every").map(|t| millis(&t).and_then(|ms| u64::try_from(ms).ok()).map(Duration::from_millis));
    match (r.text(at, "when").as_deref(), every) {
        (None | Some("at_once"), None) => When::AtOnce,
        (Some("digest"), Some(Some(every))) => When::Digest(every),
        (Some("digest"), None) => {
            r.complain(at, "a digest says how often: `every: 1d`");
            When::AtOnce
        }
        (_, Some(None)) => {
            r.complain(at.get("every").unwrap_or(at), "`every` is a length of time: 15m, 1h, 1d");
            When::AtOnce
        }
        (None | Some("at_once"), Some(_)) => {
            r.complain(at.get("every").unwrap_or(at), "`every` is for digests: `when: digest`");
            When::AtOnce
        }
        (Some(_), _) => {
            r.complain(at.get("when").unwrap_or(at), "`when` is at_once or digest");
            When::AtOnce
        }
    }
}

impl When {
    /// In the words of the routes file.
    pub fn say(self) -> String {
        match self {
            Self::AtOnce => "at_once".to_owned(),
            Self::Digest(every) => format!("digest, every {}", length(every.as_secs())),
        }
    }
}

/// A length of time as it is written: in the largest unit that fits.
fn length(seconds: u64) -> String {
    let units = [(86_400, 'd'), (3600, 'h'), (60, 'm')];
    let unit = units.iter().find(|(n, _)| seconds >= *n && seconds.is_multiple_of(*n));
    unit.map_or_else(|| format!("{seconds}s"), |(n, unit)| format!("{}{unit}", seconds / n))
}

impl Route {
    /// What a change has in the members that the route groups by.
    pub(crate) fn group(&self, notice: &Notice) -> String {
        if self.group_by.is_empty() {
            return String::new();
        }
        let event = notice.whole_event(Lang::En);
        let member = |path: &SmolStr| match path.split('.').try_fold(&event, |at, name| at.get(name)) {
            Some(serde_json::Value::String(t)) => t.clone(),
            Some(other) => other.to_string(),
            None => "-".to_owned(),
        };
        self.group_by.iter().map(member).collect::<Vec<_>>().join(", ")
    }
}

/// The secrets of a channel are named and never shown: this exists for messages.
impl std::fmt::Display for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.place())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(text: &str) -> Result<Routes, Vec<String>> {
        let file = ContentFile { path: "routes.yaml".to_owned(), text: text.to_owned(), shipped: false };
        Routes::parse(&file).map_err(|errors| errors.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, wanted) in [
            (
                "channels: {a: {kind: slak, url: {env: U}}}\nroutes: [{name: r, to: [a]}]",
                "routes.yaml:1:22: no kind of channel is called `slak`: did you mean `slack`?",
            ),
            (
                "channels: {a: {kind: slack, url: {env: U}}}\nroutes: [{name: r, too: [a]}]",
                "routes.yaml:2:20: unknown key `too`",
            ),
            (
                "channels: {abc: {kind: slack, url: {env: U}}}\nroutes: [{name: r, to: [abd]}]",
                "no channel is called `abd`: did you mean `abc`?",
            ),
            (
                "channels: {a: {kind: slack, url: {env: U}}}\nroutes: [{name: r, to: [a], when: digest}]",
                "a digest says how often",
            ),
            (
                "channels: {a: {kind: slack, url: {env: U}}}\nroutes: [{name: r, to: [a], pattern: {source: yagura}}]",
                "`pattern`:",
            ),
            (
                "channels: {a: {kind: slack, url: {env: U}}}\nroutes: [{name: r, to: [a], severity: hi}]",
                "`severity` is one of",
            ),
            (
                "channels: {a: {kind: slack, url: {env: U}}}\nroutes: [{name: r, to: [a], template: '${x}'}]",
                "is no member of an event",
            ),
            (
                "channels: {a: {kind: slack, url: {env: U}}}\nroutes: [{name: r, to: [a], group_by: [acount]}]",
                "`acount` is no member of an event",
            ),
            (
                "channels: {p: {kind: pagerduty, routing_key: {env: U}}}\nroutes: [{name: r, to: [p], group_by: [account]}]",
                "takes each change by itself",
            ),
            (
                "channels: {w: {kind: jira, url: 'http://j.example', user: u, token: {env: T}, project: P}}\nroutes: [{name: r, to: [w]}]",
                "it is not https",
            ),
            (
                "channels: {m: {kind: email, host: mail.example.com, tls: none, from: a@b.example, to: [c@d.example]}}\nroutes: [{name: r, to: [m]}]",
                "in the clear",
            ),
            ("channels: {}\nroutes: []", "`channels` names at least one"),
        ] {
            let errors = parse(text).unwrap_err();
            assert!(errors.iter().any(|e| e.contains(wanted)), "{text}: {errors:?}");
        }
    }

    #[test]
    fn a_secret_that_is_written_out_is_refused_and_not_repeated() {
        let secret = "https://hooks.slack.com/services/T000/B000/XXXX";
        for form in [
            format!("url: '{secret}'"),
            format!("url: ['{secret}']"),
            format!("url: {{env: A, ssm: '{secret}'}}"),
            format!("url: {{env: '{secret}'}}"),
        ] {
            let errors = parse(&format!("channels: {{a: {{kind: slack, {form}}}}}\nroutes: [{{name: r, to: [a]}}]"))
                .unwrap_err();
            assert!(!errors.is_empty() && errors.iter().all(|e| !e.contains("hooks.slack")), "{errors:?}");
        }
        let login = "https://me:hunter2@api.example.com";
        for channel in [
            format!("{{kind: jira, url: '{login}', user: u, token: {{env: T}}, project: P}}"),
            format!("{{kind: pagerduty, url: '{login}', routing_key: {{env: T}}}}"),
        ] {
            let errors = parse(&format!("channels: {{a: {channel}}}\nroutes: [{{name: r, to: [a]}}]")).unwrap_err();
            assert!(errors.iter().any(|e| e.contains("holds a user or password")), "{errors:?}");
            assert!(errors.iter().all(|e| !e.contains("hunter2")), "{errors:?}");
        }
    }

    #[test]
    fn routes_take_what_fits_and_matters() {
        let routes = parse(
            "channels: {a: {kind: slack, url: {env: U}}}\nroutes:\n\
             - {name: all, to: [a], new_only: false}\n\
             - {name: high, to: [a], severity: high}\n\
             - {name: s3, to: [a], pattern: {detail: {rule: [{prefix: 's3.'}], change: [new]}}, group_by: [account, detail.x]}\n",
        )
        .unwrap();
        let mut n = Notice::sample(jiff::Timestamp::UNIX_EPOCH);
        n.detail = json!({"rule": "s3.a", "long": "x".repeat(1 << 20)});
        let of = |n: &Notice| routes.of(n).iter().map(|r| r.name.to_string()).collect::<Vec<_>>();
        assert_eq!(of(&n), ["all", "s3"]);
        n.severity = Severity::Critical;
        assert_eq!(of(&n), ["all", "high", "s3"]);
        n.change = crate::Change::Active;
        assert_eq!(of(&n), ["all"]);
        assert_eq!(routes.routes()[2].group(&n), "111122223333, -");
        assert!(!routes.needs_aws());
    }
}
