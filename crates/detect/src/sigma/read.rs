//! Files of rules: YAML documents to rules, correlations and filters. What cannot be honoured is refused by name and place.

use super::condition::{self, Condition};
use super::correlation::Correlation;
use super::library::Filter;
use super::modifier::{Placeholders, item};
use super::rule::{About, Level, Logsource, Rule, Selection};
use smol_str::SmolStr;
use yagura_model::ContentFile;
use yagura_rule::yaml::{Reader, Yaml, YamlKind, read_all};
use yagura_rule::{ContentError, nearest_hint};

/// A complaint with file, line and column.
pub type Problem = ContentError;

/// One document of a file.
#[derive(Debug, Clone)]
pub enum Document {
    /// A detection rule.
    Rule(Rule),
    /// A correlation of rules.
    Correlation(Correlation),
    /// A filter of other rules.
    Filter(Filter),
}

/// Reads a file of rules, with nothing given for placeholders.
///
/// # Errors
/// Everything in the file that cannot be honoured.
pub fn load(text: &str, path: &str) -> Result<Vec<Document>, Vec<Problem>> {
    load_with(text, path, &Placeholders::new())
}

/// Reads a file of rules. A rule of the old form with `| count() …` comes as a rule and a correlation of it.
///
/// # Errors
/// Everything in the file that cannot be honoured.
pub fn load_with(text: &str, path: &str, placeholders: &Placeholders) -> Result<Vec<Document>, Vec<Problem>> {
    let file = ContentFile { path: path.to_owned(), text: text.to_owned(), shipped: false };
    let documents = read_all(&file).map_err(|e| vec![e])?;
    let mut reader = Loader { r: Reader::new(&file), placeholders, unfilled: Vec::new() };
    let mut out = Vec::new();
    for document in &documents {
        reader.document(document, &mut out);
    }
    if out.is_empty() && reader.r.errors.is_empty() {
        let message = "the file holds no rule".to_owned();
        return Err(vec![ContentError { file: path.to_owned(), line: 1, column: 1, message }]);
    }
    reader.r.finish(out)
}

pub(super) struct Loader<'a> {
    pub r: Reader<'a>,
    placeholders: &'a Placeholders,
    /// Placeholders of the document that is read for which nothing is given.
    unfilled: Vec<SmolStr>,
}

const KEYS: [&str; 24] = [
    "title",
    "id",
    "name",
    "related",
    "taxonomy",
    "status",
    "description",
    "license",
    "references",
    "author",
    "date",
    "modified",
    "logsource",
    "detection",
    "fields",
    "falsepositives",
    "level",
    "tags",
    "scope",
    "correlation",
    "filter",
    "generate",
    "action",
    "timeframe",
];

const STATUS: [&str; 5] = ["stable", "test", "experimental", "deprecated", "unsupported"];

impl Loader<'_> {
    fn document(&mut self, at: &Yaml, out: &mut Vec<Document>) {
        if at.entries().is_none() {
            return self.r.complain(at, "a rule is a mapping");
        }
        self.unfilled.clear();
        let about = self.about(at);
        if at.get("action").is_some() {
            return self.r.complain(at, "`action` (collections of the first Sigma format) is not supported");
        }
        match (at.get("detection"), at.get("correlation"), at.get("filter")) {
            (Some(detection), None, None) => {
                if let Some((rule, correlation)) = self.rule(at, detection, about) {
                    out.push(Document::Rule(rule));
                    out.extend(correlation.map(Document::Correlation));
                }
            }
            (None, Some(correlation), None) => {
                let generate = at.get("generate").or_else(|| correlation.get("generate"));
                let generate = generate.is_some_and(|g| g.kind == YamlKind::Bool(true));
                out.extend(self.correlation(correlation, about, generate).map(Document::Correlation));
            }
            (None, None, Some(filter)) => out.extend(self.filter(at, filter, about).map(Document::Filter)),
            (None, None, None) => self.r.complain(at, "there is neither `detection` nor `correlation` nor `filter`"),
            _ => self.r.complain(at, "`detection`, `correlation` and `filter` are documents of their own"),
        }
    }

    fn about(&mut self, at: &Yaml) -> About {
        let mut custom = Vec::new();
        for (key, _) in at.entries().unwrap_or_default() {
            if KEYS.contains(&key.name.as_str()) {
                continue;
            }
            // Keys of one's own are allowed; one that is nearly a known one was meant to be that.
            let hint = nearest_hint(&key.name, KEYS);
            if hint.is_empty() {
                custom.push(key.name.clone());
            } else {
                let message = format!("unknown key `{}`{hint}", key.name);
                self.r.errors.push(ContentError {
                    file: self.r.file.path.clone(),
                    line: key.line,
                    column: key.column,
                    message,
                });
            }
        }
        let word = |name: &str| at.get(name).and_then(scalar);
        if let Some(v) = at.get("taxonomy").filter(|v| v.text() != Some("sigma")) {
            self.r.complain(v, "only the taxonomy `sigma` is supported");
        }
        let status = word("status");
        if let (Some(s), Some(v)) = (&status, at.get("status"))
            && !STATUS.contains(&s.as_str())
        {
            self.r.complain(v, format!("`{s}` is no status{}", nearest_hint(s, STATUS)));
        }
        let level = at.get("level").and_then(|v| {
            let found = v.text().and_then(Level::named);
            if found.is_none() {
                self.r.complain(v, "a level is `informational`, `low`, `medium`, `high` or `critical`");
            }
            found
        });
        About {
            path: self.r.file.path.clone(),
            line: at.line,
            id: word("id"),
            name: word("name"),
            title: self.r.want_text(at, "title"),
            description: word("description").unwrap_or_default(),
            status,
            level,
            tags: self.words(at, "tags"),
            references: self.words(at, "references"),
            falsepositives: self.words(at, "falsepositives"),
            fields: self.words(at, "fields"),
            custom,
        }
    }

    /// A list of texts, or one text.
    pub fn words(&mut self, at: &Yaml, name: &str) -> Vec<SmolStr> {
        let Some(v) = at.get(name) else { return Vec::new() };
        match (&v.kind, scalar(v)) {
            (YamlKind::Null, _) => Vec::new(),
            (YamlKind::List(l), _) => l.iter().filter_map(scalar).collect(),
            (_, Some(one)) => vec![one],
            _ => {
                self.r.complain(v, format!("`{name}` wants texts"));
                Vec::new()
            }
        }
    }

    fn logsource(&mut self, at: &Yaml) -> Option<Logsource> {
        let Some(source) = at.get("logsource") else {
            self.r.complain(at, "`logsource` is missing");
            return None;
        };
        if source.entries().is_none() {
            self.r.complain(source, "`logsource` wants a mapping with product, category or service");
            return None;
        }
        let word = |name: &str| source.get(name).and_then(scalar);
        let logsource = Logsource { product: word("product"), category: word("category"), service: word("service") };
        if let Err(why) = supported(&logsource) {
            self.r.complain(source, why);
            return None;
        }
        Some(logsource)
    }

    fn rule(&mut self, at: &Yaml, detection: &Yaml, about: About) -> Option<(Rule, Option<Correlation>)> {
        let logsource = self.logsource(at);
        let (names, selections) = self.selections(detection, &["condition", "timeframe"])?;
        let Some(written) = detection.get("condition") else {
            self.r.complain(detection, "`condition` is missing");
            return None;
        };
        let texts: Vec<&Yaml> = written.items().map_or_else(|| vec![written], |l| l.iter().collect());
        let mut conditions = Vec::new();
        let mut aggregation = None;
        for one in &texts {
            let Some(text) = one.text() else {
                self.r.complain(one, "a condition is a text");
                return None;
            };
            let (text, counted) = text.split_once('|').map_or((text, None), |(c, a)| (c, Some(a)));
            match condition::parse(text, &names) {
                Ok(c) => conditions.push(c),
                Err(why) => {
                    self.r.complain(one, why);
                    return None;
                }
            }
            if let Some(counted) = counted {
                if texts.len() > 1 {
                    self.r.complain(one, "a condition that counts cannot be one of several");
                    return None;
                }
                aggregation = Some((one, counted));
            }
        }
        let condition = match (conditions.len(), conditions.pop()) {
            (1, Some(only)) => only,
            (_, Some(last)) => {
                conditions.push(last);
                Condition::Any(conditions)
            }
            (_, None) => {
                self.r.complain(written, "a condition is a text");
                return None;
            }
        };
        let mut about = about;
        let correlation = match aggregation {
            Some((one, counted)) => {
                if about.id.is_none() && about.name.is_none() {
                    about.name = Some(format!("{}:{}", about.path, about.line).into());
                }
                Some(self.aggregation(at, one, counted, &about)?)
            }
            None => None,
        };
        let mut rule = Rule {
            about,
            logsource: logsource?,
            event: None,
            unfilled: std::mem::take(&mut self.unfilled),
            selections,
            condition,
        };
        rule.index();
        Some((rule, correlation))
    }

    fn selections(&mut self, detection: &Yaml, other: &[&str]) -> Option<(Vec<SmolStr>, Vec<Selection>)> {
        let Some(entries) = detection.entries() else {
            self.r.complain(detection, "selections stand in a mapping");
            return None;
        };
        let (mut names, mut selections) = (Vec::new(), Vec::new());
        let before = self.r.errors.len();
        for (name, body) in entries {
            if other.contains(&name.name.as_str()) {
                continue;
            }
            if names.contains(&name.name) {
                self.r.complain(body, format!("the selection `{}` stands here twice", name.name));
            }
            names.push(name.name.clone());
            selections.push(self.selection(body));
        }
        if selections.is_empty() {
            self.r.complain(detection, "there is no selection");
        }
        (self.r.errors.len() == before).then_some((names, selections))
    }

    fn selection(&mut self, body: &Yaml) -> Selection {
        match &body.kind {
            YamlKind::Map(entries) => {
                let mut items = Vec::with_capacity(entries.len());
                if entries.is_empty() {
                    self.r.complain(body, "the selection is empty");
                }
                for (at, (key, value)) in entries.iter().enumerate() {
                    if entries.iter().take(at).any(|(k, _)| k.name == key.name) {
                        self.r.complain(value, format!("`{}` stands here twice", key.name));
                    }
                    let values: Vec<&YamlKind> =
                        value.items().map_or_else(|| vec![&value.kind], |l| l.iter().map(|i| &i.kind).collect());
                    match item(&key.name, &values, self.placeholders, &mut self.unfilled) {
                        Ok(item) => items.push(item),
                        Err(why) => {
                            let message = format!("`{}`: {why}", key.name);
                            let file = self.r.file.path.clone();
                            self.r.errors.push(ContentError { file, line: key.line, column: key.column, message });
                        }
                    }
                }
                Selection::All(items)
            }
            YamlKind::List(list) => {
                if list.is_empty() {
                    self.r.complain(body, "the selection is empty");
                }
                Selection::Any(list.iter().map(|one| self.member(one)).collect())
            }
            _ => self.member(body),
        }
    }

    /// A member of a selection's list: a map, or a keyword.
    fn member(&mut self, one: &Yaml) -> Selection {
        match &one.kind {
            YamlKind::Map(_) => self.selection(one),
            YamlKind::List(_) => {
                self.r.complain(one, "a list in a list has no meaning here");
                Selection::Any(Vec::new())
            }
            keyword => match item("", &[keyword], self.placeholders, &mut self.unfilled) {
                Ok(item) => Selection::All(vec![item]),
                Err(why) => {
                    self.r.complain(one, why);
                    Selection::Any(Vec::new())
                }
            },
        }
    }

    fn filter(&mut self, at: &Yaml, filter: &Yaml, about: About) -> Option<Filter> {
        let logsource = self.logsource(at);
        let rules = match filter.get("rules") {
            None => None,
            Some(v) if v.text().is_some_and(|t| t.eq_ignore_ascii_case("any")) => None,
            Some(v) if v.items().is_some_and(<[_]>::is_empty) => None,
            Some(_) => Some(self.words(filter, "rules")),
        };
        let (names, selections) = self.selections(filter, &["rules", "condition"])?;
        let Some(written) = filter.get("condition") else {
            self.r.complain(filter, "`condition` is missing");
            return None;
        };
        match written.text().map(|t| condition::parse(t, &names)) {
            Some(Ok(condition)) => {
                let unfilled = std::mem::take(&mut self.unfilled);
                Some(Filter { about, logsource: logsource?, rules, unfilled, selections, condition })
            }
            Some(Err(why)) => {
                self.r.complain(written, why);
                None
            }
            None => {
                self.r.complain(written, "a condition is a text");
                None
            }
        }
    }
}

pub(super) fn scalar(of: &Yaml) -> Option<SmolStr> {
    Some(match &of.kind {
        YamlKind::Text(t) => t.clone(),
        YamlKind::Int(n) => n.to_string().into(),
        YamlKind::Float(n) => n.to_string().into(),
        YamlKind::Bool(b) => b.to_string().into(),
        _ => return None,
    })
}

/// Logs that there are records of to hold a rule against.
fn supported(source: &Logsource) -> Result<(), String> {
    const CATEGORIES: [&str; 5] = ["dns", "firewall", "webserver", "proxy", "network_connection"];
    let one_of = |word: &Option<SmolStr>, known: &[&str]| word.as_deref().is_some_and(|w| known.contains(&w));
    let sound = match source.product.as_deref() {
        Some("aws" | "kubernetes") => true,
        Some(_) => false,
        None => match &source.category {
            Some(_) => one_of(&source.category, &CATEGORIES),
            None => one_of(&source.service, &["cloudtrail", "audit", "route53", "vpcflow", "guardduty"]),
        },
    };
    if sound {
        return Ok(());
    }
    let parts = [("product", &source.product), ("category", &source.category), ("service", &source.service)];
    let said: Vec<String> = parts.iter().filter_map(|(n, v)| Some(format!("{n} `{}`", v.as_ref()?))).collect();
    let said = if said.is_empty() { "an empty log source".to_owned() } else { said.join(", ") };
    Err(format!(
        "{said} is not supported: there are records of product `aws`, `kubernetes` and of category {}",
        CATEGORIES.map(|c| format!("`{c}`")).join(", ")
    ))
}
