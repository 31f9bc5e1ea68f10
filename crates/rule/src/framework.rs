//! A framework: a standard's requirements, one file, and which checks answer each.

use crate::CheckFile;
use crate::yaml::{ContentError, Reader, Yaml, read};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use yagura_model::{
    Compliance, ComplianceRequirement, ComplianceSection, ContentFile, Coverage, Lang, Standing, Status, Verdict,
};

/// A standard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framework {
    /// `cis-5.0`.
    pub id: SmolStr,
    /// Its title in English.
    pub en: SmolStr,
    /// The same in Japanese.
    pub ja: SmolStr,
    /// Its sections; one without number and title where it has none.
    pub sections: Vec<Section>,
}

/// A section of a standard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// `1`, `AC`.
    pub number: SmolStr,
    en: SmolStr,
    ja: SmolStr,
    /// In the standard's order.
    pub requirements: Vec<Requirement>,
}

/// What a standard wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// `1.4`, `AC-2(1)`.
    pub number: SmolStr,
    en: SmolStr,
    ja: SmolStr,
    /// Requirements of other frameworks (`fsbp/IAM.3`) whose checks answer this one too, and checks by their ids.
    pub by: Vec<SmolStr>,
    /// Whether checks answer only a part of it.
    pub partly: bool,
}

impl Framework {
    /// Reads a framework's file.
    ///
    /// # Errors
    /// Everything that is wrong with its form, each with line and column.
    pub fn parse(file: &ContentFile) -> Result<Self, Vec<ContentError>> {
        let yaml = read(file).map_err(|e| vec![e])?;
        let mut r = Reader::new(file);
        r.only(&yaml, &["kind", "id", "en", "ja", "partly", "sections", "requirements"]);
        let id = r.want_text(&yaml, "id");
        if file.path != format!("frameworks/{id}.yaml") {
            r.complain(&yaml, format!("the id must follow the path, found `{id}`"));
        }
        if r.want_text(&yaml, "kind") != "framework" {
            r.complain(&yaml, "`kind` must be `framework`");
        }
        let partly = flag(&mut r, &yaml, "partly").unwrap_or(false);
        let mut sections = Vec::new();
        for at in yaml.get("sections").and_then(Yaml::items).unwrap_or_default() {
            r.only(at, &["number", "en", "ja", "partly", "requirements"]);
            let partly = flag(&mut r, at, "partly").unwrap_or(partly);
            let (number, requirements) = (number(&mut r, at), requirements(&mut r, at, partly));
            sections.push(Section { number, en: title(&mut r, at, "en"), ja: title(&mut r, at, "ja"), requirements });
        }
        let loose = requirements(&mut r, &yaml, partly);
        if !loose.is_empty() {
            let (number, en, ja) = Default::default();
            sections.push(Section { number, en, ja, requirements: loose });
        }
        let mut seen = BTreeSet::new();
        let numbers = sections.iter().flat_map(|s| &s.requirements).map(|q| q.number.clone());
        for twice in numbers.filter(|n| !seen.insert(n.clone())) {
            r.complain(&yaml, format!("the requirement `{twice}` stands there twice"));
        }
        let framework = Self { id, en: title(&mut r, &yaml, "en"), ja: title(&mut r, &yaml, "ja"), sections };
        r.finish(framework)
    }

    /// Where its file stands.
    pub fn path(&self) -> String {
        format!("frameworks/{}.yaml", self.id)
    }

    /// The title in a language.
    pub fn title(&self, lang: Lang) -> &SmolStr {
        match lang {
            Lang::En => &self.en,
            Lang::Ja => &self.ja,
        }
    }

    /// Every requirement.
    pub fn requirements(&self) -> impl Iterator<Item = &Requirement> {
        self.sections.iter().flat_map(|s| &s.requirements)
    }
}

fn requirements(r: &mut Reader<'_>, at: &Yaml, partly: bool) -> Vec<Requirement> {
    let rows = at.get("requirements").and_then(Yaml::items).unwrap_or_default();
    let read = |row: &Yaml, r: &mut Reader<'_>| {
        r.only(row, &["number", "level", "en", "ja", "by", "partly"]);
        Requirement {
            number: number(r, row),
            en: optional_title(r, row, "en"),
            ja: optional_title(r, row, "ja"),
            by: r.texts(row, "by"),
            partly: flag(r, row, "partly").unwrap_or(partly),
        }
    };
    rows.iter().map(|row| read(row, r)).collect()
}

/// `1.4`, which YAML may take for a number.
fn number(r: &mut Reader<'_>, at: &Yaml) -> SmolStr {
    match at.get("number").and_then(Yaml::value) {
        Some(n) => n.as_str().map_or_else(|| n.to_string().into(), SmolStr::from),
        None => {
            r.complain(at, "`number` is missing");
            SmolStr::default()
        }
    }
}

/// `en: text`, or `en: {title: text}`.
fn title(r: &mut Reader<'_>, at: &Yaml, lang: &str) -> SmolStr {
    match at.get(lang) {
        Some(text) if text.text().is_some() => text.text().unwrap_or_default().into(),
        Some(inner) => {
            r.only(inner, &["title"]);
            r.want_text(inner, "title")
        }
        None => {
            r.complain(at, format!("`{lang}` is missing"));
            SmolStr::default()
        }
    }
}

/// A requirement may leave its title to the check that answers it.
fn optional_title(r: &mut Reader<'_>, at: &Yaml, lang: &str) -> SmolStr {
    if at.get(lang).is_some() { title(r, at, lang) } else { SmolStr::default() }
}

fn flag(r: &mut Reader<'_>, at: &Yaml, name: &str) -> Option<bool> {
    match at.get(name).map(|v| (v, v.value())) {
        None => None,
        Some((_, Some(yagura_model::Value::Bool(b)))) => Some(b),
        Some((at, _)) => {
            r.complain(at, format!("`{name}` is `true` or `false`"));
            None
        }
    }
}

/// Which checks answer which requirement.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    direct: BTreeMap<SmolStr, BTreeSet<SmolStr>>,
    by: BTreeMap<SmolStr, Vec<SmolStr>>,
    /// Titles of checks in English and Japanese.
    checks: BTreeMap<SmolStr, [SmolStr; 2]>,
}

impl Answers {
    /// Joins what checks say they answer (`maps`) with what requirements name (`by`).
    pub fn new<'a>(
        frameworks: impl IntoIterator<Item = &'a Framework>,
        checks: impl IntoIterator<Item = &'a CheckFile>,
    ) -> Self {
        let mut answers = Self::default();
        for check in checks {
            answers.checks.insert(check.id.clone(), [Lang::En, Lang::Ja].map(|lang| check.title(lang).into()));
            for requirement in &check.maps {
                answers.direct.entry(requirement.clone()).or_default().insert(check.id.clone());
            }
        }
        for framework in frameworks {
            for requirement in framework.requirements().filter(|r| !r.by.is_empty()) {
                answers.by.insert(format!("{}/{}", framework.id, requirement.number).into(), requirement.by.clone());
            }
        }
        answers
    }

    /// The checks that answer a requirement (`cis-5.0/1.4`), sorted.
    pub fn of(&self, requirement: &str) -> BTreeSet<SmolStr> {
        let (mut found, mut open, mut seen) = (BTreeSet::new(), vec![SmolStr::from(requirement)], BTreeSet::new());
        while let Some(next) = open.pop() {
            if !seen.insert(next.clone()) {
                continue;
            }
            if self.checks.contains_key(&next) {
                found.insert(next);
                continue;
            }
            found.extend(self.direct.get(&next).into_iter().flatten().cloned());
            open.extend(self.by.get(&next).into_iter().flatten().cloned());
        }
        found
    }

    /// Every check that answers something of a framework.
    pub fn of_framework(&self, framework: &str) -> BTreeSet<SmolStr> {
        let inside = |q: &&SmolStr| q.split_once('/').is_some_and(|(f, _)| f == framework);
        let named: BTreeSet<&SmolStr> = self.direct.keys().chain(self.by.keys()).filter(inside).collect();
        named.into_iter().flat_map(|q| self.of(q)).collect()
    }

    /// Where a framework stands. Checks that were not run do not count: a requirement of such checks alone is unknown.
    pub fn compliance(
        &self,
        framework: &Framework,
        verdicts: &[Verdict],
        ran: &BTreeSet<SmolStr>,
        lang: Lang,
    ) -> Compliance {
        let mut outcomes: BTreeMap<&SmolStr, [usize; 4]> = BTreeMap::new();
        for v in verdicts {
            let counts = outcomes.entry(&v.rule).or_default();
            if let Some(n) = counts.get_mut(v.status as usize) {
                *n += 1;
            }
        }
        let row = |q: &Requirement| {
            let checks = self.of(&format!("{}/{}", framework.id, q.number));
            let count =
                |status: Status| checks.iter().filter_map(|c| outcomes.get(c)?.get(status as usize)).sum::<usize>();
            let (failed, unknown, passed) = (count(Status::Fail), count(Status::Unknown), count(Status::Pass));
            let unseen = checks.iter().any(|c| !ran.contains(c));
            let found =
                [(Status::Fail, failed > 0), (Status::Unknown, unknown > 0 || unseen), (Status::Pass, passed > 0)];
            let found = found.into_iter().filter(|(_, there)| *there).map(|(status, _)| status);
            ComplianceRequirement {
                number: q.number.clone(),
                title: self.title(q, &checks, lang),
                coverage: coverage(q, &checks),
                standing: Standing::of((!checks.is_empty()).then_some(found)),
                checks: checks.iter().cloned().collect(),
                failed,
                unknown,
                passed,
            }
        };
        let section = |s: &Section| ComplianceSection {
            number: s.number.clone(),
            title: lang.pick(&s.en, &s.ja).clone(),
            requirements: s.requirements.iter().map(row).collect(),
        };
        Compliance {
            framework: framework.id.clone(),
            title: framework.title(lang).clone(),
            sections: framework.sections.iter().map(section).collect(),
        }
    }

    /// A requirement's own title, else that of the first check that answers it; empty where there is neither.
    fn title(&self, requirement: &Requirement, checks: &BTreeSet<SmolStr>, lang: Lang) -> SmolStr {
        let own = lang.pick(&requirement.en, &requirement.ja);
        let of_check = || checks.first().and_then(|c| self.checks.get(c)).map(|[en, ja]| lang.pick(en, ja));
        if own.is_empty() { of_check().cloned().unwrap_or_default() } else { own.clone() }
    }

    /// References of a framework that name nothing: no check, and no requirement that is known.
    pub fn unknown_references<'f>(&self, framework: &'f Framework, all: &[Framework]) -> Vec<&'f SmolStr> {
        let there = |reference: &SmolStr| {
            self.checks.contains_key(reference)
                || reference.split_once('/').is_some_and(|(f, number)| {
                    all.iter().any(|other| other.id == f && other.requirements().any(|q| q.number == number))
                })
        };
        framework.requirements().flat_map(|q| &q.by).filter(|reference| !there(reference)).collect()
    }
}

fn coverage(requirement: &Requirement, checks: &BTreeSet<SmolStr>) -> Coverage {
    match (checks.is_empty(), requirement.partly) {
        (true, _) => Coverage::Manual,
        (false, true) => Coverage::Partial,
        (false, false) => Coverage::Automated,
    }
}

#[cfg(test)]
mod tests {
    use super::{Answers, Framework};
    use crate::CheckFile;
    use yagura_model::{ContentFile, Coverage, Lang};

    fn framework(id: &str, rest: &str) -> Framework {
        let text = format!("kind: framework\nid: {id}\nen: {{title: T}}\nja: {{title: 題}}\n{rest}");
        Framework::parse(&ContentFile { path: format!("frameworks/{id}.yaml"), text, shipped: true })
            .unwrap_or_else(|e| unreachable!("{e:?}"))
    }

    #[test]
    fn answers_follow_references_and_do_not_go_round_in_circles() {
        let a = framework("a", "requirements:\n  - {number: 1}\n  - {number: 2, by: [b/1.10], en: e, ja: j}");
        let b = framework(
            "b",
            "sections:\n  - number: 1\n    en: e\n    ja: j\n    requirements:\n      - {number: \"1.10\", by: [a/1, a/2, s3.x], en: e, ja: j}",
        );
        let check = |name: &str, maps: &str| {
            let text = format!(
                "kind: check\nid: s3.{name}\neach: s3.bucket\npass: \"true\"\nseverity: low\nmaps: {maps}\nen: {{title: {name} is good, why: w, fix: f}}\nja: {{title: {name} は良い, why: w, fix: f}}\n"
            );
            let file = ContentFile { path: format!("checks/s3/{name}.yaml"), text, shipped: true };
            CheckFile::parse(&file).unwrap_or_else(|e| unreachable!("{e:?}"))
        };
        let checks = [check("x", "[]"), check("y", "[a/1]")];
        let answers = Answers::new([&a, &b], &checks);
        assert_eq!(answers.of("b/1.10").into_iter().collect::<Vec<_>>(), ["s3.x", "s3.y"]);
        assert_eq!(answers.of("a/1").into_iter().collect::<Vec<_>>(), ["s3.y"]);
        assert_eq!(answers.of_framework("a").len(), 2);
        assert!(answers.of("a/9").is_empty());
        let shown = answers.compliance(&a, &[], &Default::default(), Lang::Ja);
        let rows: Vec<_> = shown.requirements().map(|r| (r.title.as_str(), r.coverage)).collect();
        assert_eq!(rows, [("y は良い", Coverage::Automated), ("j", Coverage::Automated)]);
        let all = [a, b];
        assert!(all.iter().all(|f| answers.unknown_references(f, &all).is_empty()));
    }
}
