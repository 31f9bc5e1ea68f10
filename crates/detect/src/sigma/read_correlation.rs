//! Correlations as files have them: documents of their own, and counting behind a `|` in a rule's condition, which is how Sigma had it
//! before.

use super::condition::{self, Condition};
use super::correlation::{Bounds, Correlation, Kind};
use super::read::{Loader, scalar};
use super::rule::About;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use yagura_rule::yaml::{Yaml, YamlKind};

/// The greatest number that a correlation may count to: each counted event or value is remembered.
pub const MAX_COUNT: u64 = 100_000;

/// The time of a rule that counts and does not say within what: ten minutes, which public rules that say it have most often.
pub const ASSUMED_TIMEFRAME_MS: i64 = 600_000;

const TIMES: &str = "a time is a whole number with `s`, `m`, `h`, `d` or `w` behind it";

impl Loader<'_> {
    pub(super) fn correlation(&mut self, at: &Yaml, about: About, generate: bool) -> Option<Correlation> {
        let before = self.r.errors.len();
        self.r.only(at, &["type", "rules", "aliases", "group-by", "timespan", "condition", "generate"]);
        let kind = self.r.want_text(at, "type");
        let kind = match kind.as_str() {
            "event_count" => Some(Kind::EventCount),
            "value_count" => Some(Kind::ValueCount),
            "temporal" => Some(Kind::Temporal),
            "temporal_ordered" => Some(Kind::TemporalOrdered),
            other => {
                self.r.complain(at, format!("the correlation type `{other}` is not supported"));
                None
            }
        };
        let rules = self.words(at, "rules");
        if rules.is_empty() {
            self.r.complain(at, "`rules` is missing");
        }
        let group_by = self.words(at, "group-by");
        let timespan = self.r.want_text(at, "timespan");
        let timespan_ms = span(&timespan);
        if timespan_ms.is_none() && !timespan.is_empty() {
            self.r.complain(at, format!("`timespan`: {TIMES}"));
        }
        let mut aliases = BTreeMap::new();
        for (alias, of) in at.get("aliases").and_then(Yaml::entries).unwrap_or_default() {
            let fields: BTreeMap<SmolStr, SmolStr> = of
                .entries()
                .unwrap_or_default()
                .iter()
                .filter_map(|(rule, f)| Some((rule.name.clone(), scalar(f)?)))
                .collect();
            for rule in fields.keys().filter(|r| !rules.contains(r)) {
                self.r.complain(of, format!("the alias `{}` names `{rule}`, which is none of the rules", alias.name));
            }
            aliases.insert(alias.name.clone(), fields);
        }
        let expression = match (kind, at.get("condition").and_then(|c| Some((c, c.text()?)))) {
            (Some(kind @ (Kind::Temporal | Kind::TemporalOrdered)), Some((c, text))) => {
                Some(self.expression(c, text, kind, &rules)?)
            }
            _ => None,
        };
        let all = Bounds { least: rules.len() as u64, most: None };
        let (bounds, fields) = match &expression {
            Some(_) => (all, Vec::new()),
            None => self.bounds(at, kind?, rules.len() as u64)?,
        };
        let expression = expression.flatten();
        if kind == Some(Kind::TemporalOrdered) && bounds != (Bounds { least: rules.len() as u64, most: None }) {
            self.r.complain(at, "a `condition` of `temporal_ordered` other than all rules is not supported");
        }
        if self.r.errors.len() > before {
            return None;
        }
        let (timespan_ms, timespan_assumed) = (timespan_ms?, false);
        Some(Correlation {
            about,
            kind: kind?,
            rules,
            group_by,
            aliases,
            timespan_ms,
            timespan_assumed,
            bounds,
            expression,
            fields,
            generate,
        })
    }

    /// A `condition` in words over the rules; nothing where it is all of them, which is what it is without one.
    fn expression(&mut self, at: &Yaml, text: &str, kind: Kind, rules: &[SmolStr]) -> Option<Option<Condition>> {
        let read = condition::parse(text, rules);
        let all: Vec<Condition> = (0..rules.len()).map(Condition::Is).collect();
        match read {
            Ok(Condition::All(list)) if list == all => Some(None),
            Ok(Condition::Is(0)) if rules.len() == 1 => Some(None),
            Ok(c) if c.denies() => {
                self.r.complain(at, "`not` in the `condition` of a correlation is not supported");
                None
            }
            Ok(_) if kind == Kind::TemporalOrdered => {
                self.r.complain(at, "a `condition` of `temporal_ordered` other than all rules is not supported");
                None
            }
            Ok(c) => Some(Some(c)),
            Err(why) => {
                self.r.complain(at, why);
                None
            }
        }
    }

    fn bounds(&mut self, at: &Yaml, kind: Kind, rules: u64) -> Option<(Bounds, Vec<SmolStr>)> {
        let Some(condition) = at.get("condition") else {
            if matches!(kind, Kind::Temporal | Kind::TemporalOrdered) {
                return Some((Bounds { least: rules, most: None }, Vec::new()));
            }
            self.r.complain(at, "`condition` is missing");
            return None;
        };
        if condition.entries().is_none() {
            self.r.complain(condition, "a `condition` other than a mapping is not supported");
            return None;
        }
        self.r.only(condition, &["gt", "gte", "lt", "lte", "eq", "field"]);
        let fields = self.words(condition, "field");
        if (kind == Kind::ValueCount) == fields.is_empty() {
            self.r.complain(condition, "`field` belongs to `value_count`, and to it alone");
        }
        let mut limits = (0u64, None::<u64>);
        let mut any = false;
        for (name, value) in condition.entries().unwrap_or_default() {
            if name.name == "field" {
                continue;
            }
            any = true;
            let n = match value.kind {
                YamlKind::Int(n) => u64::try_from(n).ok().filter(|n| *n < MAX_COUNT),
                _ => None,
            };
            let Some(n) = n else {
                self.r.complain(value, format!("`{}` wants a whole number below {MAX_COUNT}", name.name));
                continue;
            };
            limits = narrowed(limits, &name.name, n);
        }
        if !any {
            self.r.complain(condition, "one of gt, gte, lt, lte and eq is missing");
        }
        self.within(condition, limits).map(|b| (b, fields))
    }

    fn within(&mut self, at: &Yaml, (least, most): (u64, Option<u64>)) -> Option<Bounds> {
        // Where nothing fires there is no group and nothing to count: none is not a number that can be seen.
        let least = least.max(1);
        if most.is_some_and(|m| m < least) {
            self.r.complain(at, "no number that can be counted satisfies the condition");
            return None;
        }
        Some(Bounds { least, most })
    }

    /// `count(field) by other > 5`, with the time that stands beside the condition.
    pub(super) fn aggregation(&mut self, at: &Yaml, one: &Yaml, text: &str, about: &About) -> Option<Correlation> {
        let detection = at.get("detection")?;
        let Some((field, group_by, operator, n)) = counting(text) else {
            self.r.complain(
                one,
                format!("`|{text}` is not supported: only `count()` and `count(field)`, with `by` and a comparison"),
            );
            return None;
        };
        // It belongs beside the condition; public rules have it at the top, too, or leave it out.
        let timeframe = detection.get("timeframe").or_else(|| at.get("timeframe"));
        let timespan_ms = match timeframe.map(|t| scalar(t).as_deref().and_then(span)) {
            None => ASSUMED_TIMEFRAME_MS,
            Some(Some(time)) => time,
            Some(None) => {
                self.r.complain(one, format!("`timeframe`: {TIMES}"));
                return None;
            }
        };
        let timespan_assumed = timeframe.is_none();
        let bounds = self.within(one, narrowed((0, None), operator, n))?;
        let reference = about.id.clone().or_else(|| about.name.clone()).unwrap_or_default();
        let fields: Vec<SmolStr> = field.into_iter().map(SmolStr::from).collect();
        let kind = if fields.is_empty() { Kind::EventCount } else { Kind::ValueCount };
        let rules = vec![reference];
        let about = About { id: None, name: None, ..about.clone() };
        let group_by = group_by.into_iter().map(SmolStr::from).collect();
        let aliases = BTreeMap::new();
        let (expression, generate) = (None, false);
        Some(Correlation {
            about,
            kind,
            rules,
            group_by,
            aliases,
            timespan_ms,
            timespan_assumed,
            bounds,
            expression,
            fields,
            generate,
        })
    }
}

fn narrowed((least, most): (u64, Option<u64>), operator: &str, n: u64) -> (u64, Option<u64>) {
    let under = |m: u64| Some(most.map_or(m, |o| o.min(m)));
    match operator {
        "gt" | ">" => (least.max(n + 1), most),
        "gte" | ">=" => (least.max(n), most),
        // Fewer than none: nothing satisfies it.
        "lt" | "<" if n == 0 => (u64::MAX, under(0)),
        "lt" | "<" => (least, under(n - 1)),
        "lte" | "<=" => (least, under(n)),
        _ => (least.max(n), under(n)),
    }
}

type Counting<'a> = (Option<&'a str>, Vec<&'a str>, &'a str, u64);

fn counting(text: &str) -> Option<Counting<'_>> {
    let rest = text.trim().strip_prefix("count(")?;
    let (field, rest) = rest.split_once(')')?;
    let field = Some(field.trim()).filter(|f| !f.is_empty());
    let at = rest.find(['<', '>', '='])?;
    let (by, comparison) = (rest.get(..at)?.trim(), rest.get(at..)?);
    let group_by = match by {
        "" => Vec::new(),
        by => by.strip_prefix("by ")?.split(',').map(str::trim).filter(|f| !f.is_empty()).collect(),
    };
    let digits = comparison.find(|c: char| c.is_ascii_digit())?;
    let (operator, n) = (comparison.get(..digits)?.trim(), comparison.get(digits..)?.trim());
    let n = n.parse().ok().filter(|n| *n < MAX_COUNT)?;
    matches!(operator, "<" | "<=" | ">" | ">=" | "=" | "==").then_some((field, group_by, operator, n))
}

fn span(text: &str) -> Option<i64> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return None,
    };
    number.parse::<u32>().ok().filter(|n| *n > 0).map(|n| i64::from(n) * unit)
}
