//! A remedy: one file that says which calls mend what a check found, and how each call is undone.

use crate::template::{Naming, Template};
use serde_json::Value as Json;
use smol_str::SmolStr;
use yagura_aws::Facts;
use yagura_model::{ContentFile, Lang, Map, Value};
use yagura_rule::yaml::{Reader, Yaml, read};
use yagura_rule::{Check, CheckFile, ContentError, Program, Schema, nearest_hint};

/// What every run answers to `${run.time}`: when its plan's calls began.
pub(crate) const RUN: &str = "run";

const KEYS: [&str; 16] = [
    "kind", "id", "mends", "contains", "acts", "with", "settings", "needs", "when", "unless", "calls", "anew",
    "breaks", "cannot", "en", "ja",
];

/// What stands for the field with the id in a remedy for several kinds.
const ID: &str = "this.ID";

/// A text in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Says {
    en: SmolStr,
    ja: SmolStr,
}

impl Says {
    /// In a language.
    pub fn pick(&self, lang: Lang) -> &str {
        lang.pick(&self.en, &self.ja)
    }

    fn read(r: &mut Reader<'_>, at: &Yaml) -> Self {
        Self { en: r.want_text(at, "en"), ja: r.want_text(at, "ja") }
    }
}

/// A remedy whose file is well-formed; it is not held against a check yet.
#[derive(Debug, Clone)]
pub struct Remedy {
    /// The file.
    pub file: ContentFile,
    /// `s3.block_public_access`, as its path says.
    pub id: SmolStr,
    /// The checks whose failures it mends, or says that no call can mend.
    pub mends: Vec<SmolStr>,
    /// The kind of resource that it contains in an incident, instead of mending a check.
    pub contains: Option<SmolStr>,
    /// The actions of Cloud Custodian that it carries out, instead of mending a check.
    pub acts: Vec<SmolStr>,
    /// The kinds that these are carried out on, each with the field that holds its id.
    pub of: Vec<(SmolStr, SmolStr)>,
    /// Settings without a default, and what each is: without them it does not fit.
    pub needs: Vec<(SmolStr, Says)>,
    /// Why no call mends them; then there are no calls.
    pub cannot: Option<Says>,
    /// What it does, in one sentence; empty where no call mends.
    pub does: Says,
    unless: Option<Says>,
    yaml: Yaml,
}

/// A remedy held against one of the checks it mends: expressions are compiled, calls are known to AWS's facts.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The remedy's id.
    pub id: SmolStr,
    /// The check that it mends.
    pub rule: SmolStr,
    /// The settings that a policy of Cloud Custodian gives it: one action may be asked for several times, each with its own.
    pub given: Map,
    /// What it does, in one sentence.
    pub does: Says,
    /// The check with the remedy's joins and settings; whether it "passes" says whether the remedy fits.
    pub(crate) asking: Check,
    /// Settings that it needs and nobody gave.
    pub(crate) lacking: Vec<(SmolStr, Says)>,
    /// Settings that it needs, as given: `{account}`, `{region}` and `{partition}` in them are the resource's.
    pub(crate) places: Vec<SmolStr>,
    pub(crate) unless: Says,
    pub(crate) steps: Vec<Step>,
    /// Fields that AWS sets anew when the change is taken back (the date of a deletion): no call brings their old value back.
    pub(crate) anew: Vec<SmolStr>,
    pub(crate) breaks: Vec<(Program, Says)>,
}

/// A call of a remedy.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub call: Call,
    /// The list that it is made for each item of.
    pub each: Option<Program>,
    /// AWS's error codes that mean: it was so already, nothing was changed.
    pub accept: Vec<SmolStr>,
    pub undo: Vec<Call>,
}

/// A call with its input.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub call: SmolStr,
    /// What its answer is called in later calls and in the undo.
    pub name: SmolStr,
    /// Whether it is made.
    pub when: Option<Program>,
    pub input: Template,
    pub region: Option<Template>,
    /// AWS's error codes that mean: what it would take away is gone.
    pub gone: Vec<SmolStr>,
}

impl Remedy {
    /// Reads a remedy's file.
    ///
    /// # Errors
    /// Everything that is wrong with its form, each with line and column.
    pub fn parse(file: &ContentFile) -> Result<Self, Vec<ContentError>> {
        let yaml = read(file).map_err(|e| vec![e])?;
        let mut r = Reader::new(file);
        r.only(&yaml, &KEYS);
        let id = r.want_text(&yaml, "id");
        let path = file.path.strip_prefix("remedies/").and_then(|p| p.strip_suffix(".yaml"));
        if path.is_none_or(|p| p.replace('/', ".") != id) {
            r.complain(yaml.get("id").unwrap_or(&yaml), format!("the id must follow the path, found `{id}`"));
        }
        if r.want_text(&yaml, "kind") != "remedy" {
            r.complain(&yaml, "`kind` must be `remedy`");
        }
        let mends = r.texts(&yaml, "mends");
        let contains = r.text(&yaml, "contains");
        let acts = yaml.get("acts").map(|at| {
            r.only(at, &["custodian", "of"]);
            let fields = at.get("of").and_then(Yaml::entries).unwrap_or_default();
            let of: Vec<_> = fields.iter().filter_map(|(k, v)| Some((k.name.clone(), v.text()?.into()))).collect();
            (r.texts(at, "custodian"), of)
        });
        let (acts, of) = acts.unwrap_or_default();
        let jobs = [!mends.is_empty(), contains.is_some(), !acts.is_empty() && !of.is_empty()];
        if jobs.iter().filter(|j| **j).count() != 1 {
            r.complain(&yaml, "`mends` names the checks whose failures it mends, `contains` the kind that it contains in an incident, or `acts` the actions of Cloud Custodian that it carries out, and on which kinds");
        }
        let mut needs = Vec::new();
        for (name, at) in yaml.get("needs").and_then(Yaml::entries).unwrap_or_default() {
            r.only(at, &["en", "ja"]);
            needs.push((name.name.clone(), Says::read(&mut r, at)));
        }
        let said = |name: &str, r: &mut Reader<'_>| {
            yaml.get(name).map(|at| {
                r.only(at, &["en", "ja"]);
                Says::read(r, at)
            })
        };
        let (cannot, unless) = (said("cannot", &mut r), said("unless", &mut r));
        match (yaml.get("calls"), &cannot) {
            (Some(_), Some(_)) => r.complain(&yaml, "a remedy has `calls` or says why it `cannot`, not both"),
            (None, None) => {
                r.complain(&yaml, "`calls` is missing; where no call mends it, say why: `cannot: {en: …, ja: …}`")
            }
            _ => {}
        }
        if yaml.get("when").is_some() != unless.is_some() {
            r.complain(&yaml, "`when` and `unless` stand together: where it fits, and what to say where it does not");
        }
        let does = if cannot.is_none() { Says::read(&mut r, &yaml) } else { Says::default() };
        let file = file.clone();
        r.finish(Self { file, id, mends, contains, acts, of, needs, cannot, does, unless, yaml })
    }

    /// The check that a containment is held against: it fails every resource of the kind, so that each can be contained.
    ///
    /// # Errors
    /// There is no such kind.
    pub fn as_check(&self, schema: &Schema) -> Result<Option<Check>, Vec<ContentError>> {
        self.contains.as_ref().map(|kind| self.check_of(kind, schema)).transpose()
    }

    /// The check that stands for all resources of a kind.
    fn check_of(&self, kind: &str, schema: &Schema) -> Result<Check, Vec<ContentError>> {
        let id = &self.id;
        let text = format!(
            "{{kind: check, id: {id}, each: {kind}, pass: 'false', severity: info, en: {{title: t, why: t, fix: t}}, ja: {{title: t, why: t, fix: t}}}}"
        );
        let file = ContentFile { path: self.file.path.clone(), text, shipped: true };
        CheckFile::parse(&file)?.compile(schema, None, &[])
    }

    /// Whether it has a setting of this name.
    pub fn takes(&self, setting: &str) -> bool {
        self.yaml.get("settings").is_some_and(|s| s.get(setting).is_some())
    }

    /// An action of Cloud Custodian, ready on a kind, with the settings that a policy gives it.
    ///
    /// # Errors
    /// As [`Remedy::ready`]; also that it is not for this kind.
    pub fn action(&self, kind: &str, given: &Map, schema: &Schema, facts: &Facts) -> Result<Ready, Vec<ContentError>> {
        let Some((_, field)) = self.of.iter().find(|(k, _)| k == kind) else {
            let mut r = Reader::new(&self.file);
            r.complain(&self.yaml, format!("it does not act on `{kind}`"));
            return r.finish(()).and_then(|()| Err(Vec::new()));
        };
        // One remedy for kinds that differ in the name of their id alone.
        let text = self.file.text.replace(ID, &format!("this.{field}"));
        let one = Self::parse(&ContentFile { text, ..self.file.clone() })?;
        let ready = one.ready_with(&one.check_of(kind, schema)?, given, schema, facts)?;
        Ok(Ready { given: given.clone(), ..ready })
    }

    /// Holds the remedy against a check that it mends.
    ///
    /// # Errors
    /// Unknown fields, functions, calls, members of a call's input, each with the nearest right spelling.
    pub fn ready(&self, check: &Check, schema: &Schema, facts: &Facts) -> Result<Ready, Vec<ContentError>> {
        self.ready_with(check, &Map::new(), schema, facts)
    }

    /// The same with settings that the user gives.
    ///
    /// # Errors
    /// As [`Remedy::ready`].
    pub fn ready_with(
        &self,
        check: &Check,
        given: &Map,
        schema: &Schema,
        facts: &Facts,
    ) -> Result<Ready, Vec<ContentError>> {
        let mut settings = Map::new();
        let declared = self.yaml.get("settings").and_then(Yaml::value);
        let declared = declared.as_ref().and_then(Value::as_map);
        for (name, value) in given.iter().filter(|(name, _)| declared.is_some_and(|d| d.get(name).is_some())) {
            settings.insert(name.clone(), value.clone());
        }
        let mut lacking = Vec::new();
        let mut places = Vec::new();
        for (name, says) in &self.needs {
            let value = given.get(name).and_then(Value::as_str).unwrap_or_default();
            if value.is_empty() {
                lacking.push((name.clone(), says.clone()));
            }
            places.push(SmolStr::from(value));
            settings.insert(name.clone(), Value::text(value));
        }
        let asking = check.asking_more(&self.file, &self.yaml, schema, &settings)?;
        let mut r = Reader::new(&self.file);
        // What every run knows: its time.
        let mut reading = Reading { check: &asking, schema, facts, answers: vec![RUN.into()] };
        let mut steps = Vec::new();
        for at in self.yaml.get("calls").and_then(Yaml::items).unwrap_or_default() {
            r.only(at, &["call", "if", "for", "as", "with", "region", "accept", "undo"]);
            steps.extend(reading.step(&mut r, at, steps.len()));
        }
        let mut breaks = Vec::new();
        for at in self.yaml.get("breaks").and_then(Yaml::items).unwrap_or_default() {
            r.only(at, &["when", "en", "ja"]);
            let said = Says::read(&mut r, at);
            if let Some(when) = reading.program(&mut r, at, "when", None) {
                breaks.push((when, said));
            }
        }
        let (unless, anew) = (self.unless.clone().unwrap_or_default(), r.texts(&self.yaml, "anew"));
        let (id, rule, does) = (self.id.clone(), check.id.clone(), self.does.clone());
        let given = Map::new();
        r.finish(Ready { id, rule, given, does, asking, lacking, places, unless, steps, anew, breaks })
    }
}

/// Compiles the calls of a remedy, one after the other: each may name the answers of those before it.
struct Reading<'r> {
    check: &'r Check,
    schema: &'r Schema,
    facts: &'r Facts,
    answers: Vec<SmolStr>,
}

impl Reading<'_> {
    fn step(&mut self, r: &mut Reader<'_>, at: &Yaml, nth: usize) -> Option<Step> {
        let (mut each, mut list) = (None, None);
        if let Some(spec) = at.get("for") {
            match spec.entries() {
                Some([(name, items)]) if items.text().is_some() => {
                    let text = items.text().unwrap_or_default();
                    list = Some((name.name.to_string(), text.to_owned()));
                    // Only how many there are: joined resources are no values.
                    match self.check.expression(&format!("({text}).map({}, 1)", name.name), self.schema) {
                        Ok(p) => each = Some(p),
                        Err(message) => r.complain(items, message),
                    }
                }
                _ => r.complain(spec, "`for` is a name with an expression that yields a list: `for: {key: this.Keys}`"),
            }
        }
        let list = list.as_ref().map(|(name, text)| (name.as_str(), text.as_str()));
        let name = r.text(at, "as").unwrap_or_else(|| format!("step{}", nth + 1).into());
        let call = Call { name: name.clone(), ..self.call(r, at, list, false)? };
        self.answers.push(name);
        let mut undo = Vec::new();
        let before = self.answers.len();
        for back in at.get("undo").and_then(Yaml::items).unwrap_or_default() {
            r.only(back, &["call", "if", "as", "with", "region", "gone"]);
            let name = r.text(back, "as").unwrap_or_default();
            undo.extend(self.call(r, back, list, true).map(|c| Call { name: name.clone(), ..c }));
            self.answers.extend((!name.is_empty()).then_some(name));
        }
        self.answers.truncate(before);
        if at.get("undo").is_none() {
            r.complain(
                at,
                "`undo` is missing: the calls that take this one back; `undo: []` where it changes nothing that lasts",
            );
        }
        Some(Step { call, each, accept: r.texts(at, "accept"), undo })
    }

    /// A call; in an undo it may also be one that only looks.
    fn call(&self, r: &mut Reader<'_>, at: &Yaml, each: Option<(&str, &str)>, looks: bool) -> Option<Call> {
        let call = r.want_text(at, "call");
        let known = match self.facts.read_operation(&call) {
            Ok(operation) if looks => Ok(operation.input_members()),
            _ => self.facts.write_operation(&call).map(|operation| operation.input_members()),
        };
        let members = match known {
            Ok(members) => members,
            Err(e) => {
                r.complain(at, format!("{e}; new calls get their facts from scripts/aws-facts.py"));
                return None;
            }
        };
        let input = at.get("with").and_then(Yaml::value).unwrap_or_else(|| Value::Map(yagura_model::Map::new()));
        let there = |m: &yagura_aws::InputMember| input.as_map().is_some_and(|map| map.get(&m.name).is_some());
        for missing in members.iter().filter(|m| m.required && !there(m)) {
            r.complain(at, format!("`{call}` needs `{}`", missing.name));
        }
        for (name, _) in input.as_map().into_iter().flat_map(yagura_model::Map::iter) {
            if !members.iter().any(|m| m.name == *name) {
                let near = nearest_hint(name, members.iter().map(|m| m.name.as_str()));
                r.complain(at, format!("`{call}` takes no `{name}`{near}"));
            }
        }
        let naming = Naming { check: self.check, schema: self.schema, answers: &self.answers, each };
        let mut template =
            |value: &Value| Template::compile(value, &naming).map_err(|message| r.complain(at, message)).ok();
        let input = template(&input)?;
        let region = at.get("region").and_then(Yaml::value).and_then(|v| template(&v));
        let when = self.program(r, at, "if", each);
        Some(Call { call, name: SmolStr::default(), when, input, region, gone: r.texts(at, "gone") })
    }

    fn program(&self, r: &mut Reader<'_>, at: &Yaml, key: &str, each: Option<(&str, &str)>) -> Option<Program> {
        let spec = at.get(key)?;
        let Some(text) = spec.text() else {
            r.complain(spec, "expected an expression");
            return None;
        };
        let naming = Naming { check: self.check, schema: self.schema, answers: &[], each };
        naming.program(text).map_err(|message| r.complain(spec, message)).ok()
    }
}

impl Ready {
    /// The kind of resource that it is for.
    pub fn kind(&self) -> &str {
        &self.asking.each
    }

    /// Checks that judge nothing and have read what a plan needs: whether the remedy fits, and every expression in it. With `failing`,
    /// only for resources that this check fails.
    pub fn readers(&self, failing: Option<&Check>) -> Vec<Check> {
        let mut programs = self.rests_on();
        programs.extend(self.breaks.iter().map(|(p, _)| p));
        programs.retain(|p| !p.reads.is_empty() || !self.asking.joins.is_empty());
        programs.into_iter().map(|p| self.asking.reading(p, failing)).collect()
    }

    /// What decides whether the remedy fits and which calls it makes: all but the warnings.
    fn rests_on(&self) -> Vec<&Program> {
        let mut programs: Vec<&Program> = vec![&self.asking.pass];
        for step in &self.steps {
            programs.extend(&step.each);
            for call in std::iter::once(&step.call).chain(&step.undo) {
                programs.extend(&call.when);
                call.input.programs(&mut programs);
                call.region.iter().for_each(|t| t.programs(&mut programs));
            }
        }
        programs
    }

    /// The fields of the resource that its calls rest on: the state that a run keeps.
    pub(crate) fn fields(&self) -> Vec<SmolStr> {
        let reads = self.rests_on().into_iter().flat_map(|p| &p.reads).filter(|(kind, _)| *kind == self.asking.each);
        let mut out: Vec<SmolStr> = reads.map(|(_, field)| field.clone()).collect();
        out.retain(|field| !self.anew.contains(field));
        out.sort();
        out.dedup();
        out
    }
}

/// JSON to a value; what AWS's data cannot hold (null) is left out.
pub(crate) fn value_of(json: Json) -> Value {
    Value::from_json(json).unwrap_or_else(|| Value::Map(yagura_model::Map::new()))
}
