//! Escalation paths as content files: read, checked, tried on their own fixtures.

use smol_str::SmolStr;
use std::collections::BTreeMap;
use yagura_model::ContentFile;
use yagura_policy::account::IdentityKind;
use yagura_policy::escalate::Certainty;
use yagura_policy::escalate::fixture::Fixture;
use yagura_policy::escalate::path::{Gains, On, PLACEHOLDERS, Path, RoleTarget, Step, Target, Trusts, Words};
use yagura_rule::yaml::{Reader, Yaml, YamlKind, read};
use yagura_rule::{ContentError, nearest_hint};

const KEYS: [&str; 11] = ["kind", "id", "ids", "target", "gains", "steps", "needs", "commands", "en", "ja", "tests"];
const TARGETS: [&str; 8] = ["account", "caller", "group", "policy", "resource", "role", "target", "user"];
const GAINS: [&str; 5] = ["admin", "target", "resource", "unbounded", "version"];

/// A path with its fixtures.
#[derive(Debug, Clone)]
pub struct Escalation {
    /// The path.
    pub path: Path,
    /// Its fixtures, in the file's order.
    pub fixtures: Vec<Fixture>,
    /// Whether it came with the program.
    pub shipped: bool,
}

/// Reads all files below `escalations/`, sorted by id. A broken file is left out and complained of, and so is one that
/// claims an id of another.
pub fn read_all<'f>(files: impl Iterator<Item = &'f ContentFile>) -> (Vec<Escalation>, Vec<ContentError>) {
    let (mut all, mut errors) = (Vec::new(), Vec::new());
    let mut claimed: BTreeMap<SmolStr, SmolStr> = BTreeMap::new();
    for file in files.filter(|f| f.path.starts_with("escalations/")) {
        match parse(file) {
            Ok(found) => {
                for id in &found.path.ids {
                    if let Some(other) = claimed.insert(id.clone(), found.path.id.clone()) {
                        let message = format!("`{id}` stands in `{other}` already");
                        errors.push(ContentError { file: file.path.clone(), line: 1, column: 1, message });
                    }
                }
                all.push(found);
            }
            Err(e) => errors.extend(e),
        }
    }
    all.sort_by(|a, b| a.path.id.cmp(&b.path.id));
    (all, errors)
}

/// The fixtures that do not come out as they say: name, what was expected, what came.
pub fn broken(escalation: &Escalation) -> Vec<(SmolStr, Certainty, Certainty)> {
    let tried = escalation.fixtures.iter().map(|f| (f, f.run(&escalation.path).unwrap_or(Certainty::No)));
    tried.filter(|(f, came)| f.expect != *came).map(|(f, came)| (f.name.clone(), f.expect, came)).collect()
}

fn parse(file: &ContentFile) -> Result<Escalation, Vec<ContentError>> {
    let yaml = read(file).map_err(|e| vec![e])?;
    let mut r = Reader::new(file);
    r.only(&yaml, &KEYS);
    let id = r.want_text(&yaml, "id");
    let wanted = file.path.trim_start_matches("escalations/").trim_end_matches(".yaml").replace('/', ".");
    if id != wanted
        && let Some(at) = yaml.get("id")
    {
        r.complain(at, format!("the id must follow the path: `{wanted}`"));
    }
    if r.want_text(&yaml, "kind") != "escalation"
        && let Some(at) = yaml.get("kind")
    {
        r.complain(at, "`kind` must be `escalation`");
    }
    let ids = r.texts(&yaml, "ids");
    if ids.is_empty() {
        r.complain(&yaml, "`ids` is missing: what public catalogues call the path");
    }
    let target = target(&mut r, &yaml);
    let gains = gains(&mut r, &yaml);
    let steps = steps(&mut r, &yaml, &target);
    let commands = commands(&mut r, &yaml);
    let needs = yaml.get("needs").map(|at| {
        r.only(at, &["en", "ja"]);
        Words { en: r.want_text(at, "en"), ja: r.want_text(at, "ja") }
    });
    let [title, why, fix] = ["title", "why", "fix"].map(|name| words(&mut r, &yaml, name));
    for lang in ["en", "ja"] {
        if let Some(at) = yaml.get(lang) {
            r.only(at, &["title", "why", "fix"]);
        }
    }
    let fixtures = fixtures(&mut r, &yaml, &steps);
    let path = Path { id, ids, target, gains, steps, needs, commands, title, why, fix };
    r.finish(Escalation { path, fixtures, shipped: file.shipped })
}

fn words(r: &mut Reader<'_>, yaml: &Yaml, name: &str) -> Words {
    let [en, ja] = ["en", "ja"].map(|lang| match yaml.get(lang) {
        Some(at) => r.want_text(at, name),
        None => {
            if name == "title" {
                let language = if lang == "ja" { "Japanese" } else { "English" };
                r.complain(yaml, format!("the {language} text is missing: `{lang}: {{title: …, why: …, fix: …}}`"));
            }
            SmolStr::default()
        }
    });
    Words { en, ja }
}

fn target(r: &mut Reader<'_>, yaml: &Yaml) -> Target {
    let Some(at) = yaml.get("target") else {
        r.complain(yaml, "`target` is missing");
        return Target::Account;
    };
    let word = at.text().map(SmolStr::new);
    let first = at.entries().and_then(|e| e.iter().find(|(k, _)| k.name != "boundary"));
    let name = word.or_else(|| first.map(|(k, _)| k.name.clone())).unwrap_or_default();
    let of = |key: &str| at.get(key).and_then(Yaml::text).unwrap_or_default();
    let boundary = matches!(at.get("boundary").map(|b| &b.kind), Some(YamlKind::Bool(true)));
    if at.entries().is_some() {
        r.only(at, &[name.as_str(), "boundary"]);
    }
    match (name.as_str(), of(&name)) {
        ("account", "") => Target::Account,
        ("resource", "") => Target::Resource,
        ("user", "") => Target::User,
        ("caller", "user") => Target::Caller { kind: IdentityKind::User, boundary },
        ("caller", "role") => Target::Caller { kind: IdentityKind::Role, boundary },
        ("group", "own") => Target::Group { own: true },
        ("group", "other") => Target::Group { own: false },
        ("policy", "own") => Target::Policy,
        ("role", "any") => Target::Role(RoleTarget { trusts: Trusts::Any, instance_profile: false, boundary }),
        ("role", _) if at.get("role").and_then(Yaml::entries).is_some() => {
            role(r, at.get("role").unwrap_or(at), boundary)
        }
        (other, _) => {
            let near = nearest_hint(other, TARGETS);
            r.complain(at, format!("`{other}` is no target{near}: account, resource, user, `caller: user|role`, `group: own|other`, `policy: own` or `role: any|{{trusts: …}}`"));
            Target::Account
        }
    }
}

fn role(r: &mut Reader<'_>, at: &Yaml, boundary: bool) -> Target {
    r.only(at, &["trusts", "instance_profile"]);
    let instance_profile = matches!(at.get("instance_profile").map(|b| &b.kind), Some(YamlKind::Bool(true)));
    let names = one_or_more(r, at, "trusts");
    let trusts = match names.as_slice() {
        [one] if one == "caller" => Trusts::Caller,
        [] => {
            r.complain(at, "`trusts` is missing: `caller`, or service principals");
            Trusts::Any
        }
        services => {
            for service in services.iter().filter(|s| !s.ends_with(".amazonaws.com")) {
                r.complain(at, format!("`{service}` is no service principal"));
            }
            Trusts::Services(services.to_vec())
        }
    };
    Target::Role(RoleTarget { trusts, instance_profile, boundary })
}

/// One text, or a list of them.
fn one_or_more(r: &mut Reader<'_>, at: &Yaml, name: &str) -> Vec<SmolStr> {
    match at.get(name) {
        Some(one) if one.text().is_some() => one.text().map(SmolStr::new).into_iter().collect(),
        _ => r.texts(at, name),
    }
}

fn gains(r: &mut Reader<'_>, yaml: &Yaml) -> Gains {
    match r.want_text(yaml, "gains").as_str() {
        "admin" => Gains::Admin,
        "target" => Gains::Target,
        "resource" => Gains::Resource,
        "unbounded" => Gains::Unbounded,
        "version" => Gains::Version,
        other => {
            if let Some(at) = yaml.get("gains") {
                r.complain(
                    at,
                    format!("`{other}` is nothing to gain{}: {}", nearest_hint(other, GAINS), GAINS.join(", ")),
                );
            }
            Gains::Resource
        }
    }
}

fn steps(r: &mut Reader<'_>, yaml: &Yaml, target: &Target) -> Vec<Step> {
    let mut steps = Vec::new();
    for at in yaml.get("steps").and_then(Yaml::items).unwrap_or_default() {
        r.only(at, &["action", "each", "on", "with"]);
        let action = r.want_text(at, "action");
        let each = r.texts(at, "each");
        for name in each.iter().chain([&action]) {
            if name.split_once(':').is_none_or(|(service, name)| service.is_empty() || name.is_empty()) {
                r.complain(at, format!("`{name}` is no action: `service:Action`"));
            }
        }
        if action.contains('*') == each.is_empty() {
            r.complain(at, "`each` lists what an action with `*` stands for, and no other");
        }
        let on: Vec<On> = one_or_more(r, at, "on").iter().map(|word| on(r, at, word, target)).collect();
        if on.is_empty() {
            r.complain(at, "`on` is missing: `target`, `target.policy`, `target.trusting`, an ARN or `*`");
        }
        let mut with = Vec::new();
        for (key, _) in at.get("with").and_then(Yaml::entries).unwrap_or_default() {
            let values = at.get("with").map(|w| one_or_more(r, w, &key.name)).unwrap_or_default();
            with.push((key.name.clone(), values));
        }
        steps.push(Step { action, each, on, with });
    }
    if steps.is_empty() {
        r.complain(yaml, "`steps` is missing");
    }
    steps
}

fn on(r: &mut Reader<'_>, at: &Yaml, word: &SmolStr, target: &Target) -> On {
    let on = match word.as_str() {
        "target" => On::Target,
        "target.trusting" => On::TrustingTarget,
        "target.policy" => On::TargetPolicy,
        pattern => {
            if pattern != "*" && !pattern.starts_with("arn:{partition}:") {
                let near = nearest_hint(pattern, ["target", "target.trusting", "target.policy"]);
                r.complain(at, format!("`{pattern}` is no resource{near}: `arn:{{partition}}:…` or `*`"));
            }
            On::Pattern(word.clone())
        }
    };
    if !matches!(on, On::Pattern(_)) && matches!(target, Target::Account | Target::Resource) {
        r.complain(at, format!("`{word}`: this path's target is nobody in particular"));
    }
    on
}

fn commands(r: &mut Reader<'_>, yaml: &Yaml) -> Vec<SmolStr> {
    let commands = r.texts(yaml, "commands");
    if commands.is_empty() {
        r.complain(yaml, "`commands` is missing");
    }
    for command in &commands {
        for hole in command.split('{').skip(1).filter_map(|s| s.split_once('}')).map(|(name, _)| name) {
            let is_word = !hole.is_empty() && hole.chars().all(|c| c.is_ascii_lowercase() || c == '.');
            if is_word && !PLACEHOLDERS.contains(&hole) {
                let near = nearest_hint(hole, PLACEHOLDERS);
                r.complain(yaml.get("commands").unwrap_or(yaml), format!("unknown placeholder `{{{hole}}}`{near}"));
            }
        }
    }
    commands
}

fn fixtures(r: &mut Reader<'_>, yaml: &Yaml, steps: &[Step]) -> Vec<Fixture> {
    let entries = yaml.get("tests").and_then(Yaml::entries).unwrap_or_default();
    let fixtures: Vec<Fixture> = entries.iter().map(|(name, at)| fixture(r, &name.name, at)).collect();
    let at = yaml.get("tests").unwrap_or(yaml);
    if !fixtures.iter().any(|f| f.expect != Certainty::No) {
        r.complain(at, "a fixture that fits is missing: `expect: certain` or `expect: conditional`");
    }
    if !fixtures.iter().any(|f| f.expect == Certainty::No && !f.deny.is_empty()) {
        r.complain(at, "a fixture with `deny` that does not fit is missing");
    }
    for step in steps {
        let lacks = |f: &Fixture| f.expect == Certainty::No && f.deny.is_empty() && !f.allow.contains(&step.action);
        if !fixtures.iter().any(lacks) {
            r.complain(at, format!("a fixture without `{}` that does not fit is missing", step.action));
        }
    }
    fixtures
}

fn fixture(r: &mut Reader<'_>, name: &SmolStr, at: &Yaml) -> Fixture {
    r.only(at, &["caller", "allow", "deny", "on", "target", "trust", "versions", "expect"]);
    let mut word = |key: &str, words: &[&str]| -> Option<usize> {
        let text = r.text(at, key)?;
        let found = words.iter().position(|w| *w == text);
        if found.is_none() {
            let near = nearest_hint(&text, words.iter().copied());
            r.complain(at.get(key).unwrap_or(at), format!("`{key}` is {}, found `{text}`{near}", words.join(" or ")));
        }
        found
    };
    let caller = word("caller", &["user", "role"]);
    let target = word("target", &["missing"]);
    let trust = word("trust", &["nobody"]);
    let versions = word("versions", &["one"]);
    let expect = word("expect", &["none", "conditional", "certain"]);
    if at.get("expect").is_none() {
        r.complain(at, "`expect` is missing: none, conditional or certain");
    }
    Fixture {
        name: name.clone(),
        caller: if caller == Some(1) { IdentityKind::Role } else { IdentityKind::User },
        allow: r.texts(at, "allow"),
        deny: r.texts(at, "deny"),
        on: r.text(at, "on").unwrap_or_else(|| SmolStr::new_static("*")),
        has_target: target.is_none(),
        is_trusting: trust.is_none(),
        has_versions: versions.is_none(),
        expect: match expect {
            Some(1) => Certainty::Conditional,
            Some(2) => Certainty::Certain,
            _ => Certainty::No,
        },
    }
}
