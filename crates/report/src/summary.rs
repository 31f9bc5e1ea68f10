//! What every face shows first: how many verdicts of which kind, and what could not be seen.

use crate::text::Text;
use crate::{Report, identity};
use serde::Serialize;
use smol_str::SmolStr;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use yagura_model::{Gap, GapReason, Severity, Status, Verdict};

/// Severities, worst first.
pub(crate) const SEVERITIES: [Severity; 5] =
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];

/// How many verdicts of each status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// The wanted truth does not hold.
    pub fail: u64,
    /// It could not be told.
    pub unknown: u64,
    /// The wanted truth holds.
    pub pass: u64,
    /// The check does not speak of the resource.
    pub not_applicable: u64,
}

impl Counts {
    fn add(&mut self, status: Status) {
        *match status {
            Status::Fail => &mut self.fail,
            Status::Unknown => &mut self.unknown,
            Status::Pass => &mut self.pass,
            Status::NotApplicable => &mut self.not_applicable,
        } += 1;
    }

    /// The number of verdicts with `status`.
    pub fn of(&self, status: Status) -> u64 {
        match status {
            Status::Fail => self.fail,
            Status::Unknown => self.unknown,
            Status::Pass => self.pass,
            Status::NotApplicable => self.not_applicable,
        }
    }
}

/// How many verdicts there are, in all and by what.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// All verdicts.
    pub total: Counts,
    /// By the severity of the check.
    pub by_severity: BTreeMap<Severity, Counts>,
    /// By service: what stands before the first dot of the check's id.
    pub by_service: BTreeMap<SmolStr, ServiceCounts>,
}

/// The verdicts of one service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ServiceCounts {
    /// All of them.
    #[serde(flatten)]
    pub total: Counts,
    /// The failures among them, by severity; none that is zero.
    pub failed_by_severity: BTreeMap<Severity, u64>,
}

impl Summary {
    /// Counts `verdicts`.
    pub fn of(verdicts: &[Verdict]) -> Self {
        let mut summary = Self::default();
        for verdict in verdicts {
            summary.total.add(verdict.status);
            summary.by_severity.entry(verdict.severity).or_default().add(verdict.status);
            let service = identity::service(verdict);
            if !summary.by_service.contains_key(service) {
                summary.by_service.insert(service.into(), ServiceCounts::default());
            }
            if let Some(of_service) = summary.by_service.get_mut(service) {
                of_service.total.add(verdict.status);
                if verdict.status == Status::Fail {
                    *of_service.failed_by_severity.entry(verdict.severity).or_default() += 1;
                }
            }
        }
        summary
    }
}

/// The failures of one check.
pub(crate) struct Failures<'a> {
    /// The worst severity among them.
    pub severity: Severity,
    /// At least one, in the order of the report.
    pub verdicts: Vec<&'a Verdict>,
}

impl<'a> Failures<'a> {
    /// The first failure, which lends the group its texts.
    pub fn first(&self) -> Option<&'a Verdict> {
        self.verdicts.first().copied()
    }
}

/// Failures grouped under their check and severity (a proof may have lowered that of some): the worst check first, then the one that most resources fail, then by id.
pub(crate) fn failures(verdicts: &[Verdict]) -> Vec<Failures<'_>> {
    let mut groups: BTreeMap<(&str, Severity), Failures<'_>> = BTreeMap::new();
    for verdict in verdicts.iter().filter(|v| v.status == Status::Fail) {
        let group = groups
            .entry((&verdict.rule, verdict.severity))
            .or_insert_with(|| Failures { severity: verdict.severity, verdicts: Vec::new() });
        group.verdicts.push(verdict);
    }
    let mut groups: Vec<_> = groups.into_values().collect();
    groups.sort_by_key(|g| (Reverse(g.severity), Reverse(g.verdicts.len())));
    groups
}

/// What could not be seen.
pub(crate) struct Coverage<'a> {
    /// How many verdicts are unknown.
    pub verdicts: usize,
    /// How many checks have an unknown verdict.
    pub rules: usize,
    /// Why: the cause that blinds most verdicts first.
    pub causes: Vec<Cause<'a>>,
}

impl Coverage<'_> {
    /// What to say where nothing hindered the checks; `None` where something did.
    ///
    /// A report without a verdict has not shown that anything was read.
    pub fn all_clear(&self, report: &Report) -> Option<&'static str> {
        let text = Text(report.meta.lang);
        match (self.verdicts == 0 && self.causes.is_empty(), report.verdicts.is_empty() && report.meta.left_out == 0) {
            (false, _) => None,
            (true, true) => Some(text.nothing_to_judge()),
            (true, false) => Some(text.all_seen()),
        }
    }
}

/// One cause of not seeing.
pub(crate) struct Cause<'a> {
    /// Why, where a gap tells.
    pub reason: Option<GapReason>,
    /// The permission, the call, or a sentence where neither is known.
    pub what: String,
    /// Checks that could not judge because of it.
    pub rules: BTreeSet<&'a str>,
    /// Verdicts that are unknown because of it.
    pub verdicts: usize,
    /// The Regions that were asked.
    pub regions: BTreeSet<&'a str>,
    /// AWS's error codes, or short causes.
    pub details: BTreeSet<&'a str>,
}

/// Groups gaps by reason and permission (or call), and finds the checks that each one blinds: by
/// [`Verdict::missing`], else by [`Verdict::reason`] naming the call or being [`Gap::say`](yagura_model::Gap::say)'s sentence.
pub(crate) fn coverage(report: &Report) -> Coverage<'_> {
    let text = Text(report.meta.lang);
    let mut causes = Causes::default();
    for gap in &report.gaps {
        causes.add_gap(gap, text);
    }
    let mut rules = BTreeSet::new();
    let mut verdicts = 0;
    for verdict in report.verdicts.iter().filter(|v| v.status == Status::Unknown) {
        rules.insert(verdict.rule.as_str());
        verdicts += 1;
        causes.add_verdict(verdict, text);
    }
    let mut causes = causes.found;
    causes.sort_by(|a, b| (Reverse(a.verdicts), a.reason, &a.what).cmp(&(Reverse(b.verdicts), b.reason, &b.what)));
    Coverage { verdicts, rules: rules.len(), causes }
}

#[derive(Default)]
struct Causes<'a> {
    found: Vec<Cause<'a>>,
    by_name: BTreeMap<(Option<GapReason>, String), usize>,
    by_sentence: BTreeMap<String, usize>,
}

impl<'a> Causes<'a> {
    fn add_gap(&mut self, gap: &'a Gap, text: Text) {
        let what = match &gap.permission {
            Some(permission) if gap.is_denied() => permission.as_str(),
            _ if !gap.call.is_empty() => gap.call.as_str(),
            _ => gap.detail.as_str(),
        };
        let at = self.cause(Some(gap.reason), what);
        self.by_sentence.insert(gap.say(text.0), at);
        if let Some(cause) = self.found.get_mut(at) {
            cause.regions.extend(Some(gap.region.as_str()).filter(|r| !r.is_empty()));
            cause.details.extend(Some(gap.detail.as_str()).filter(|d| !d.is_empty() && *d != what));
        }
    }

    fn add_verdict(&mut self, verdict: &'a Verdict, text: Text) {
        let mut at: BTreeSet<usize> = verdict.missing.iter().map(|p| self.denied(p)).collect();
        if at.is_empty() {
            at.insert(match &verdict.reason {
                Some(reason) => self.by_reason(reason),
                None => self.cause(None, text.no_reason()),
            });
        }
        for at in at {
            if let Some(cause) = self.found.get_mut(at) {
                cause.rules.insert(&verdict.rule);
                cause.verdicts += 1;
                cause.regions.extend(Some(verdict.resource.region.as_str()).filter(|r| !r.is_empty()));
            }
        }
    }

    fn denied(&mut self, permission: &str) -> usize {
        let by_organization = (Some(GapReason::DeniedByOrganization), permission.to_owned());
        match self.by_name.get(&by_organization) {
            Some(at) => *at,
            None => self.cause(Some(GapReason::AccessDenied), permission),
        }
    }

    fn by_reason(&mut self, reason: &str) -> usize {
        if let Some(at) = self.by_sentence.get(reason) {
            return *at;
        }
        let named =
            self.found.iter().position(|c| c.reason.is_some() && c.what.contains(':') && reason.contains(&c.what));
        let at = named.unwrap_or_else(|| self.cause(None, reason));
        self.by_sentence.insert(reason.to_owned(), at);
        at
    }

    fn cause(&mut self, reason: Option<GapReason>, what: &str) -> usize {
        *self.by_name.entry((reason, what.to_owned())).or_insert_with(|| {
            self.found.push(Cause {
                reason,
                what: what.to_owned(),
                rules: BTreeSet::new(),
                verdicts: 0,
                regions: BTreeSet::new(),
                details: BTreeSet::new(),
            });
            self.found.len() - 1
        })
    }
}
