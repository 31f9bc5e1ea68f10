//! A check: one file with its question, texts, mappings and fixtures.

use crate::Frameworks;
use crate::compile::{Names, compile, compile_value, hint, type_name};
use crate::estate::JoinKey;
use crate::fixture::{Fixture, Known, same_form};
use crate::functions::is_namespace;
use crate::program::Program;
use crate::schema::Schema;
use crate::syntax::SyntaxError;
use crate::text::Texts;
use crate::yaml::{ContentError, Key, Reader, Yaml, YamlKind, read};
use smol_str::SmolStr;
use std::sync::Arc;
use yagura_model::{ContentFile, Lang, Map, Severity, Type, Value};

const KEYS: [&str; 15] = [
    "kind", "id", "each", "with", "when", "pass", "severity", "lower", "settings", "maps", "en", "ja", "remedy",
    "tests", "see",
];

/// A check whose file is well-formed; its expressions are not looked at yet.
#[derive(Debug, Clone)]
pub struct CheckFile {
    /// The file.
    pub file: ContentFile,
    /// `s3.bucket_blocks_public_access`, as its path says.
    pub id: SmolStr,
    /// The kind of resource it judges.
    pub each: SmolStr,
    /// How much a failure matters.
    pub severity: Severity,
    /// Requirements that it answers (`aws-26/11`).
    pub maps: Vec<SmolStr>,
    /// Named values that a user may override.
    pub settings: Map,
    en: Texts,
    ja: Texts,
    yaml: Yaml,
}

/// Which Regions a join looks in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Across {
    /// The account and Region of the asset under judgement.
    SameRegion,
    /// Its account, in every Region of the scope.
    ScannedRegions,
    /// Its account, in every Region there is: what the scope left out keeps the list open.
    AllRegions,
}

/// A declared join: other assets that a check looks at, by hashed equality.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// Its name in the check's expressions.
    pub name: SmolStr,
    /// The kind joined.
    pub kind: SmolStr,
    /// Whether that kind is listed per Region.
    pub regional: bool,
    /// Whether the kind is account-wide and its assets lie in a Region each.
    pub placed: bool,
    /// Which Regions.
    pub across: Across,
    /// Field paths of the joined kind, and the value each must have.
    pub on: Vec<(SmolStr, Program)>,
    pub(crate) index: JoinKey,
}

/// A check that is ready to judge.
#[derive(Debug, Clone)]
pub struct Check {
    /// `s3.bucket_blocks_public_access`.
    pub id: SmolStr,
    /// The kind of resource it judges.
    pub each: SmolStr,
    /// Whether that kind is listed per Region.
    pub regional: bool,
    /// Other assets it looks at.
    pub joins: Vec<Join>,
    /// Where false, the check does not speak of the resource.
    pub when: Option<Program>,
    /// The wanted truth.
    pub pass: Program,
    /// How much a failure matters.
    pub severity: Severity,
    /// When a failure matters less.
    pub lower: Option<Lower>,
    /// Requirements that it answers.
    pub maps: Arc<[SmolStr]>,
    /// Settings in force.
    pub settings: Map,
    pub(crate) en: Texts,
    pub(crate) ja: Texts,
    pub(crate) fixtures: Vec<Fixture>,
    /// Fields that its expressions read, as (kind, top-level field).
    pub reads: Vec<(SmolStr, SmolStr)>,
}

/// A proof that makes a failure matter less. What it reads is not read for its sake: it uses what other checks had read,
/// and where it cannot be told, the failure matters as before.
#[derive(Debug, Clone)]
pub struct Lower {
    /// How much the failure matters then.
    pub to: Severity,
    /// The proof.
    pub when: Program,
    /// What was proved, in English.
    pub en: Arc<str>,
    /// The same in Japanese.
    pub ja: Arc<str>,
}

impl Check {
    /// The kinds that it speaks of: the one it judges, then those that it joins.
    pub fn kinds(&self) -> impl Iterator<Item = &SmolStr> {
        std::iter::once(&self.each).chain(self.joins.iter().map(|j| &j.kind))
    }

    /// What else may be asked about the resources that this check judges: its own joins and settings, and those that `with` and
    /// `settings` in `yaml` add, with the values that are `given`; the answer is `when`, or yes.
    ///
    /// # Errors
    /// Everything that is wrong with them, each with line and column.
    pub fn asking_more(
        &self,
        file: &ContentFile,
        yaml: &Yaml,
        schema: &Schema,
        given: &Map,
    ) -> Result<Self, Vec<ContentError>> {
        let mut r = Reader::new(file);
        let mut settings = self.settings.clone();
        if let Some(Value::Map(more)) = yaml.get("settings").and_then(Yaml::value) {
            more.iter().for_each(|(name, value)| settings.insert(name.clone(), value.clone()));
        }
        given.iter().for_each(|(name, value)| settings.insert(name.clone(), value.clone()));
        let own = CheckFile {
            file: file.clone(),
            id: self.id.clone(),
            each: self.each.clone(),
            severity: self.severity,
            maps: Vec::new(),
            settings: settings.clone(),
            en: Texts::default(),
            ja: Texts::default(),
            yaml: yaml.clone(),
        };
        let mut joins = self.joins.clone();
        joins.extend(own.joins(&mut r, schema, self.regional, &settings));
        let mut out = Self { joins, settings, when: None, lower: None, pass: Program::truth(), ..self.clone() };
        if let Some(at) = yaml.get("when") {
            let when = own.program(&mut r, at, |t| compile(t, &out.names(schema)));
            out.pass = when.unwrap_or(out.pass);
        }
        r.finish(out)
    }

    /// Compiles an expression about the resources that this check judges, whatever its answer's type.
    ///
    /// # Errors
    /// What is wrong with it, with the nearest right spelling.
    pub fn expression(&self, text: &str, schema: &Schema) -> Result<Program, String> {
        compile_value(text, &self.names(schema), &Type::Any).map_err(|e| e.message)
    }

    /// The check that asks only whether `program` has an answer: judging it on demand reads what the program needs. With `failing`,
    /// only for resources that this other check fails.
    #[must_use]
    pub fn reading(&self, program: &Program, failing: Option<&Self>) -> Self {
        let pass = program.presence();
        let when = failing.map(|check| check.pass.failing(check.when.as_ref()));
        Self { when, lower: None, reads: pass.reads.clone(), pass, ..self.clone() }
    }

    fn names<'s>(&'s self, schema: &'s Schema) -> Names<'s> {
        let joins = self.joins.iter().map(|j| (j.name.clone(), j.kind.clone())).collect();
        Names { schema, this: &self.each, joins, settings: &self.settings }
    }

    /// Why a failure matters, and what to do about it: settings are filled in, the resource's names are as written.
    pub fn why_and_fix(&self, lang: Lang) -> (Arc<str>, Arc<str>) {
        let texts = match lang {
            Lang::En => &self.en,
            Lang::Ja => &self.ja,
        };
        texts.with_settings(&self.settings)
    }
}

impl CheckFile {
    /// Reads a check's file.
    ///
    /// # Errors
    /// Everything that is wrong with its form, each with line and column.
    pub fn parse(file: &ContentFile) -> Result<Self, Vec<ContentError>> {
        let yaml = read(file).map_err(|e| vec![e])?;
        let mut r = Reader::new(file);
        r.only(&yaml, &KEYS);
        let id = r.want_text(&yaml, "id");
        let wanted =
            file.path.strip_prefix("checks/").and_then(|p| p.strip_suffix(".yaml")).map(|p| p.replace('/', "."));
        if let Some(wanted) = wanted
            && wanted != id
            && let Some(at) = yaml.get("id")
        {
            r.complain(at, format!("the id must follow the path: `{wanted}`"));
        }
        if r.want_text(&yaml, "kind") != "check"
            && let Some(at) = yaml.get("kind")
        {
            r.complain(at, "`kind` must be `check`");
        }
        let each = r.want_text(&yaml, "each");
        if yaml.get("pass").is_none() {
            r.complain(&yaml, "`pass` is missing");
        }
        let severity = severity(&mut r, &yaml, "severity");
        let maps = r.texts(&yaml, "maps");
        let settings = match yaml.get("settings").map(|s| (s, s.value())) {
            None => Map::new(),
            Some((_, Some(Value::Map(m)))) => m,
            Some((at, _)) => {
                r.complain(at, "`settings` wants names with their defaults");
                Map::new()
            }
        };
        let en = Texts::read(&mut r, &yaml, "en");
        let ja = Texts::read(&mut r, &yaml, "ja");
        let file = file.clone();
        r.finish(Self { file, id, each, severity, maps, settings, en, ja, yaml })
    }

    /// The wanted truth, in one line.
    pub fn title(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en.title,
            Lang::Ja => &self.ja.title,
        }
    }

    /// Checks and resolves everything: kinds, fields, types, joins, frameworks, texts, fixtures.
    /// `overrides` replaces settings; `frameworks` are the known frameworks with their requirements; without any, mappings are not looked at.
    ///
    /// # Errors
    /// Everything that is wrong, each with line, column and the nearest right spelling.
    pub fn compile(
        &self,
        schema: &Schema,
        overrides: Option<&Map>,
        frameworks: &Frameworks,
    ) -> Result<Check, Vec<ContentError>> {
        let mut r = Reader::new(&self.file);
        let Some(kind) = schema.kind(&self.each) else {
            let at = self.yaml.get("each").unwrap_or(&self.yaml);
            return Err(vec![
                at.error(&self.file, format!("unknown kind `{}`{}", self.each, hint(&self.each, schema.ids()))),
            ]);
        };
        let settings = self.settings_with(overrides, &mut r);
        let joins = self.joins(&mut r, schema, kind.regional, &settings);
        mapping(&mut r, &self.yaml, "tests");
        let names = Names {
            schema,
            this: &self.each,
            joins: joins.iter().map(|j| (j.name.clone(), j.kind.clone())).collect(),
            settings: &settings,
        };
        let when = self.yaml.get("when").and_then(|at| self.program(&mut r, at, |t| compile(t, &names)));
        let pass = self.yaml.get("pass").and_then(|at| self.program(&mut r, at, |t| compile(t, &names)));
        let lower = self.yaml.get("lower").and_then(|at| self.lower(&mut r, at, &names));
        self.check_maps(&mut r, frameworks);
        for texts in [&self.en, &self.ja] {
            texts.check(&mut r, &self.yaml, kind, &settings);
        }
        let known = Known { kind, joins: &joins, schema, settings: &self.settings };
        let fixtures =
            if self.is_without_fixtures() { Vec::new() } else { Fixture::read_all(&mut r, &self.yaml, &known) };
        let Some(pass) = pass else { return Err(r.errors) };
        let programs = when.iter().chain([&pass]).chain(joins.iter().flat_map(|j| j.on.iter().map(|(_, p)| p)));
        let mut reads: Vec<_> = programs.flat_map(|p| p.reads.iter().cloned()).collect();
        for join in &joins {
            reads.extend(
                join.on.iter().map(|(path, _)| (join.kind.clone(), path.split('.').next().unwrap_or_default().into())),
            );
        }
        reads.sort();
        reads.dedup();
        let check = Check {
            id: self.id.clone(),
            each: self.each.clone(),
            regional: kind.regional,
            joins,
            when,
            pass,
            severity: self.severity,
            lower,
            maps: self.maps.clone().into(),
            settings,
            en: self.en.clone(),
            ja: self.ja.clone(),
            fixtures,
            reads,
        };
        r.finish(check)
    }

    /// Whether this is a shipped check whose fixtures were left out: nothing but a test needs them. A user's check has its own.
    pub(crate) fn is_without_fixtures(&self) -> bool {
        self.file.shipped && self.yaml.get("tests").is_none()
    }

    /// What is wrong with a check that is to be tested and has no fixtures.
    pub(crate) fn without_fixtures(&self) -> ContentError {
        self.yaml.error(&self.file, "`tests` is missing: a pass, a fail and an unknown at least")
    }

    fn lower(&self, r: &mut Reader<'_>, at: &Yaml, names: &Names<'_>) -> Option<Lower> {
        r.only(at, &["to", "when", "en", "ja"]);
        let to = severity(r, at, "to");
        if to >= self.severity {
            r.complain(at, "`lower.to` must be below the check's own severity");
        }
        let when = at.get("when").and_then(|when| self.program(r, when, |t| compile(t, names)));
        if at.get("when").is_none() {
            r.complain(at, "`lower.when` is missing");
        }
        let (en, ja) = (r.want_text(at, "en"), r.want_text(at, "ja"));
        Some(Lower { to, when: when?, en: en.as_str().into(), ja: ja.as_str().into() })
    }

    fn settings_with(&self, overrides: Option<&Map>, r: &mut Reader<'_>) -> Map {
        let mut out = self.settings.clone();
        for (name, value) in overrides.into_iter().flat_map(Map::iter) {
            match self.settings.get(name) {
                Some(default) if same_form(default, value) => out.insert(name.clone(), value.clone()),
                Some(default) => r.complain(
                    &self.yaml,
                    format!("the setting `{name}` of `{}` must be like its default {default}, found {value}", self.id),
                ),
                None => {
                    let near = hint(name, self.settings.iter().map(|(k, _)| k.as_str()));
                    r.complain(&self.yaml, format!("`{}` has no setting `{name}`{near}", self.id));
                }
            }
        }
        out
    }

    fn joins(&self, r: &mut Reader<'_>, schema: &Schema, this_regional: bool, settings: &Map) -> Vec<Join> {
        let mut out = Vec::new();
        for (name, spec) in mapping(r, &self.yaml, "with") {
            let word = name.name.as_str();
            if !is_name(word)
                || ["this", "now", "account", "settings", "expect", "regions"].contains(&word)
                || is_namespace(word)
            {
                r.complain(spec, format!("`{word}` cannot name a join: use letters, digits and `_`, and no word that expressions or fixtures know"));
            }
            r.only(spec, &["each", "where", "across"]);
            let kind_id = r.want_text(spec, "each");
            let Some(kind) = schema.kind(&kind_id) else {
                r.complain(
                    spec.get("each").unwrap_or(spec),
                    format!("unknown kind `{kind_id}`{}", hint(&kind_id, schema.ids())),
                );
                continue;
            };
            let across = match r.text(spec, "across").as_deref() {
                None if kind.regional && !this_regional => {
                    r.complain(spec, format!("`{kind_id}` is per Region and `{}` is not: say `across: scanned_regions` or `across: all_regions`", self.each));
                    Across::ScannedRegions
                }
                None => Across::SameRegion,
                Some("scanned_regions") => Across::ScannedRegions,
                Some("all_regions") => Across::AllRegions,
                Some(other) => {
                    r.complain(spec, format!("`across` is `scanned_regions` or `all_regions`, found `{other}`"));
                    Across::SameRegion
                }
            };
            let names = Names { schema, this: &self.each, joins: Vec::new(), settings };
            let mut on = Vec::new();
            for (path, wanted) in mapping(r, spec, "where") {
                let key = match kind.path(&path.name) {
                    Ok(t @ (Type::String | Type::Timestamp | Type::Int | Type::Float | Type::Bool | Type::Any)) => t,
                    Ok(other) => {
                        r.complain(
                            wanted,
                            format!("`{}` is {}, and a join looks up one value", path.name, type_name(other)),
                        );
                        continue;
                    }
                    Err(message) => {
                        r.complain(wanted, message);
                        continue;
                    }
                };
                if let Some(p) = self.program(r, wanted, |t| compile_value(t, &names, key)) {
                    on.push((path.name.clone(), p));
                }
            }
            let by_region = kind.regional && across == Across::SameRegion;
            let index = JoinKey::new(kind_id.clone(), by_region, on.iter().map(|(path, _)| path.clone()).collect());
            out.push(Join {
                name: name.name.clone(),
                kind: kind_id,
                regional: kind.regional,
                placed: kind.placed,
                across,
                on,
                index,
            });
        }
        out
    }

    fn program(
        &self,
        r: &mut Reader<'_>,
        at: &Yaml,
        compile: impl Fn(&str) -> Result<Program, SyntaxError>,
    ) -> Option<Program> {
        let text = match &at.kind {
            YamlKind::Text(t) => t.to_string(),
            _ => match at.value() {
                Some(v @ (Value::Bool(_) | Value::Int(_) | Value::Float(_))) => v.to_string(),
                _ => {
                    r.complain(at, "expected an expression");
                    return None;
                }
            },
        };
        match compile(&text) {
            Ok(p) => Some(p),
            Err(e) => {
                let (line, column) = position(&self.file.text, at, &text, e.span.start);
                r.errors.push(ContentError { file: self.file.path.clone(), line, column, message: e.message });
                None
            }
        }
    }

    fn check_maps(&self, r: &mut Reader<'_>, frameworks: &Frameworks) {
        let Some(at) = self.yaml.get("maps") else { return };
        for m in &self.maps {
            let Some((framework, requirement)) = m.split_once('/') else {
                r.complain(at, format!("`{m}` must be `framework/requirement`"));
                continue;
            };
            let Some((_, requirements)) = frameworks.iter().find(|(f, _)| f == framework) else {
                if !frameworks.is_empty() {
                    let near = hint(framework, frameworks.iter().map(|(f, _)| f.as_str()));
                    r.complain(at, format!("unknown framework `{framework}`{near}"));
                }
                continue;
            };
            // A framework without requirements is known by name only.
            if !requirements.is_empty() && !requirements.iter().any(|q| q == requirement) {
                let near = hint(requirement, requirements.iter().map(SmolStr::as_str));
                r.complain(at, format!("framework `{framework}` has no requirement `{requirement}`{near}"));
            }
        }
    }
}

/// The entries of a mapping; complains where something else stands there.
fn mapping<'y>(r: &mut Reader<'_>, yaml: &'y Yaml, name: &str) -> &'y [(Key, Yaml)] {
    let Some(at) = yaml.get(name) else { return &[] };
    if at.entries().is_none() {
        r.complain(at, format!("`{name}` wants a mapping"));
    }
    at.entries().unwrap_or_default()
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn severity(r: &mut Reader<'_>, yaml: &Yaml, key: &str) -> Severity {
    let word = r.want_text(yaml, key);
    match word.as_str() {
        "info" => Severity::Info,
        "low" => Severity::Low,
        "medium" => Severity::Medium,
        "high" => Severity::High,
        "critical" => Severity::Critical,
        other => {
            if let Some(at) = yaml.get(key) {
                r.complain(
                    at,
                    format!(
                        "`{other}` is not a severity{}",
                        hint(other, ["info", "low", "medium", "high", "critical"])
                    ),
                );
            }
            Severity::Info
        }
    }
}

/// Where byte `offset` of an expression stands in the file. Exact for one line and for `|`; of other texts over several
/// lines it is the place of the line that reads alike.
fn position(file: &str, at: &Yaml, text: &str, offset: usize) -> (u64, u64) {
    let before = text.get(..offset.min(text.trim_end().len())).unwrap_or(text);
    let nth = before.matches('\n').count();
    let in_line = before.rsplit('\n').next().map_or(0, |l| l.chars().count());
    let line_text = text.lines().nth(nth).unwrap_or_default();
    let (first, column) = (usize::try_from(at.line).unwrap_or(1), usize::try_from(at.column).unwrap_or(1));
    let lines = || file.lines().enumerate().skip(first.saturating_sub(1));
    let opening: String =
        lines().next().map(|(_, l)| l.chars().skip(column.saturating_sub(1)).collect()).unwrap_or_default();
    let block = opening.starts_with(['|', '>']);
    if !block && nth == 0 {
        let quoted = opening.starts_with(['"', '\'']);
        let skipped = text.chars().count() - text.trim_start().chars().count();
        let inner = if quoted { 1 + in_line } else { in_line.saturating_sub(skipped) };
        if opening.chars().skip(usize::from(quoted)).take(in_line).eq(before.chars()) {
            return (at.line, (column + inner) as u64);
        }
    }
    let trimmed = line_text.trim();
    let skipped = line_text.chars().count() - line_text.trim_start().chars().count();
    let exact = block.then_some(first + nth);
    for (i, l) in lines() {
        let from =
            if i + 1 == first { l.char_indices().nth(column.saturating_sub(1)).map_or(l.len(), |(b, _)| b) } else { 0 };
        if exact.is_some_and(|n| opening.starts_with('|') && n != i) || trimmed.is_empty() {
            continue;
        }
        if let Some(found) = l.get(from..).and_then(|tail| tail.find(trimmed)) {
            let column = l.get(..from + found).map_or(0, |p| p.chars().count()) + in_line.saturating_sub(skipped) + 1;
            return (i as u64 + 1, column as u64);
        }
    }
    (at.line, at.column)
}
