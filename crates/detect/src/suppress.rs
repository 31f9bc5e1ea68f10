//! What the user does not want to be told again: by rule and key, with a reason and an end.

use crate::tell::Told;
use serde::{Deserialize, Serialize};
use yagura_model::{Lang, glob};

/// One exception. Everything that is given must fit; texts may have `*`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    /// The detection.
    pub rule: String,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// From where.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// On what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// In which account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Until when, `2026-12-31`: an exception without an end hides the next attack.
    pub until: String,
    /// Why.
    pub reason: String,
}

impl Exception {
    /// Whether a finding of this day (`2026-12-01`, of the finding itself) is one that it means.
    pub fn covers(&self, told: &Told) -> bool {
        let fits = |pattern: &Option<String>, text: &str| pattern.as_deref().is_none_or(|p| glob(p, text));
        glob(&self.rule, &told.rule)
            && told.time.get(..10).and_then(day).zip(day(&self.until)).is_some_and(|(found, until)| found <= until)
            && fits(&self.actor, &told.about.actor)
            && fits(&self.source_ip, &told.about.source_ip)
            && fits(&self.target, &told.about.target)
            && fits(&self.account, &told.about.account)
    }
}

fn day(text: &str) -> Option<jiff::civil::Date> {
    text.parse().ok()
}

/// How a rule behaved over some days, and what would quiet it.
#[derive(Debug, Clone, Serialize)]
pub struct Behaviour {
    /// The detection.
    pub rule: String,
    /// Findings in all.
    pub findings: usize,
    /// Findings a day, from the first record's day to the last.
    pub per_day: f64,
    /// The most on one day.
    pub most_on_a_day: usize,
    /// How many actors they are about.
    pub actors: usize,
    /// Narrow exceptions, each for one actor that makes a large part of them.
    pub exceptions: Vec<Exception>,
}

/// Findings by rule, the loudest first. `days` is how many days the records span; exceptions end at `until`, and say why in a language.
pub fn behaviour(found: &[Told], days: f64, until: &str, lang: Lang) -> Vec<Behaviour> {
    use std::collections::BTreeMap;
    let mut by_rule: BTreeMap<&str, Vec<&Told>> = BTreeMap::new();
    for told in found.iter().filter(|t| t.sequence.is_empty()) {
        by_rule.entry(&told.rule).or_default().push(told);
    }
    let mut all: Vec<Behaviour> = by_rule
        .into_iter()
        .map(|(rule, told)| {
            let mut per_day: BTreeMap<&str, usize> = BTreeMap::new();
            let mut per_actor: BTreeMap<&str, Vec<&Told>> = BTreeMap::new();
            for t in &told {
                *per_day.entry(t.time.get(..10).unwrap_or_default()).or_default() += 1;
                per_actor.entry(&t.about.actor).or_default().push(t);
            }
            let loud = per_actor
                .iter()
                .filter(|(actor, own)| own.len() >= 3 && own.len() * 4 >= told.len() && !actor.is_empty())
                // A name with a star, which whoever tries to sign in to a database may choose, would cover others.
                .filter(|(actor, _)| !actor.contains('*'));
            let exceptions = loud.map(|(actor, own)| {
                let ip = own.first().map(|t| t.about.source_ip.as_str()).unwrap_or_default();
                let same = own.iter().all(|t| t.about.source_ip == ip) && !ip.is_empty();
                Exception {
                    rule: rule.to_owned(),
                    actor: Some((*actor).to_owned()),
                    source_ip: same.then(|| ip.to_owned()),
                    until: until.to_owned(),
                    reason: match lang {
                        Lang::En => format!("{} of {} findings; say why they are in order", own.len(), told.len()),
                        Lang::Ja => {
                            format!("検出結果 {} 件中 {} 件。問題ないと判断した理由を書く", told.len(), own.len())
                        }
                    },
                    ..Exception::default()
                }
            });
            Behaviour {
                rule: rule.to_owned(),
                findings: told.len(),
                per_day: told.len() as f64 / days.max(1.0),
                most_on_a_day: per_day.values().copied().max().unwrap_or(0),
                actors: per_actor.len(),
                exceptions: exceptions.collect(),
            }
        })
        .collect();
    all.sort_by(|a, b| b.findings.cmp(&a.findings).then_with(|| a.rule.cmp(&b.rule)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(actor: &str, time: &str) -> Told {
        let seen = crate::observe::Seen { actor: actor.into(), ..Default::default() };
        Told {
            rule: "r".into(),
            severity: yagura_model::Severity::Low,
            confidence: "low",
            time: time.into(),
            last: time.into(),
            about: crate::tell::About { actor: seen.actor, ..Default::default() },
            title: String::new(),
            why: String::new(),
            look: Vec::new(),
            innocent: Vec::new(),
            events: Vec::new(),
            count: 1,
            maps: Vec::new(),
            sequence: Vec::new(),
            timeline: Vec::new(),
            actors: Vec::new(),
            resources: Vec::new(),
            techniques: Vec::new(),
            tactics: Vec::new(),
            incident: None,
            missing: Vec::new(),
            way: None,
        }
    }

    #[test]
    fn exceptions_end_on_their_day_however_it_is_written() {
        let found = told("a", "2026-06-02T00:00:00Z");
        for (until, covers) in [("2026-06-02", true), ("2026-06-01", false), ("20260601", false), ("20260602", true)] {
            let e = Exception { rule: "r".into(), until: until.into(), ..Exception::default() };
            assert_eq!(e.covers(&found), covers, "{until}");
        }
    }

    #[test]
    fn no_exception_is_proposed_that_covers_other_names() {
        let proposed = |actor: &str| {
            let found = vec![told(actor, "2026-06-02T00:00:00Z"); 4];
            behaviour(&found, 1.0, "2026-09-01", Lang::En).iter().map(|b| b.exceptions.len()).sum::<usize>()
        };
        assert_eq!(proposed("ci"), 1);
        assert_eq!(proposed("*"), 0);
    }

    #[test]
    fn stars_stand_for_anything() {
        let rows = [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "abcd", false),
            ("*", "", true),
            ("*", "x", true),
            ("x", "x", true),
            ("x", "xy", false),
            ("*role/ci*", "arn:aws:iam::1:role/ci-deploy", true),
            ("a*b*c", "a-c-b", false),
            ("aa*a", "aa", false),
        ];
        for (pattern, text, fits) in rows {
            assert_eq!(glob(pattern, text), fits, "{pattern} {text}");
        }
    }
}
