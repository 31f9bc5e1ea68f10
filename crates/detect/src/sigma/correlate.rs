//! Correlations at work: one small state per group, which can be saved and taken up again. Events come in the order of their times.
//!
//! A correlation with a least number only fires when that number is reached, and then is quiet as long as it stays reached: an attack
//! that goes on is one finding. One with a greatest number is judged when the time that began with a group's first event is over.

use super::condition::Condition;
use super::correlation::{Bounds, Correlation, Kind};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How many groups one correlation remembers. Beyond it, those that were quiet longest are forgotten, and counted.
pub const MAX_GROUPS: usize = 100_000;

/// A correlation that came true.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// What it is about.
    pub group: String,
    /// When the first of its events was, in milliseconds.
    pub first_ms: i64,
    /// When the last of its events was.
    pub last_ms: i64,
    /// How many were counted; counting stops at the least number.
    pub count: u64,
    /// The events that were counted, in order.
    pub events: Vec<SmolStr>,
}

/// The state of one correlation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correlator {
    kind: Kind,
    rules: usize,
    timespan_ms: i64,
    bounds: Bounds,
    expression: Option<Condition>,
    groups: BTreeMap<String, Group>,
    forgotten: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Group {
    /// When something was last seen.
    last_ms: i64,
    /// Whether the number is reached, and was told.
    hot: bool,
    /// Events, oldest first.
    events: VecDeque<(i64, SmolStr)>,
    /// Distinct values, each when it was last seen and where.
    values: BTreeMap<SmolStr, (i64, SmolStr)>,
    /// The same by time.
    order: BTreeSet<(i64, SmolStr)>,
    /// For each rule when it last fired; in order: the chain that ends with this rule and began last.
    steps: Vec<Option<Step>>,
    /// The window that closes, where there is a greatest number.
    window: Option<Window>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Step {
    first_ms: i64,
    events: Vec<(i64, SmolStr)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Window {
    opened_ms: i64,
    count: u64,
    seen: BTreeSet<SmolStr>,
    events: Vec<(i64, SmolStr)>,
}

impl Correlator {
    /// A correlation that has seen nothing yet.
    pub fn new(of: &Correlation) -> Self {
        Self {
            kind: of.kind,
            rules: of.rules.len(),
            timespan_ms: of.timespan_ms,
            bounds: of.bounds,
            expression: of.expression.clone(),
            groups: BTreeMap::new(),
            forgotten: 0,
        }
    }

    /// How many groups were forgotten for want of room before their time was over: what they would have led to is lost.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// How many groups are remembered.
    pub fn groups(&self) -> usize {
        self.groups.len()
    }

    /// Takes in that a rule (by its place in the correlation) fired. `value` is what is counted, where values are. An event without the
    /// value counts nothing.
    pub fn observe(
        &mut self,
        time_ms: i64,
        rule: usize,
        group: &str,
        value: Option<&str>,
        event: &str,
    ) -> Option<Fired> {
        if rule >= self.rules || self.kind == Kind::ValueCount && value.is_none() {
            return None;
        }
        if !self.groups.contains_key(group) {
            self.make_room(time_ms);
        }
        let (kind, rules, span, bounds) = (self.kind, self.rules, self.timespan_ms, self.bounds);
        let state = self.groups.entry(group.to_owned()).or_default();
        state.last_ms = state.last_ms.max(time_ms);
        let found = if bounds.most.is_some() {
            state.close(time_ms, kind, span, bounds, rule, value, event)
        } else {
            let least = usize::try_from(bounds.least).unwrap_or(usize::MAX).max(1);
            match kind {
                Kind::EventCount => state.count(time_ms, span, least, event),
                Kind::ValueCount => state.distinct(time_ms, span, least, value.unwrap_or_default(), event),
                Kind::Temporal => state.together(time_ms, span, least, self.expression.as_ref(), rules, rule, event),
                Kind::TemporalOrdered => state.in_order(time_ms, span, rules, rule, event),
            }
        };
        found.map(|(count, events)| fired(group, count, events))
    }

    /// Tells that time has come so far: windows that are over are judged, and groups that nothing can follow from are dropped.
    pub fn advance(&mut self, time_ms: i64) -> Vec<Fired> {
        let (span, bounds) = (self.timespan_ms, self.bounds);
        let mut out = Vec::new();
        self.groups.retain(|name, group| {
            if let Some(window) = group.window.take_if(|w| time_ms.saturating_sub(w.opened_ms) > span)
                && bounds.hold(window.count)
            {
                out.push(fired(name, window.count, window.events));
            }
            group.window.is_some() || time_ms.saturating_sub(group.last_ms) <= span
        });
        out
    }

    fn make_room(&mut self, time_ms: i64) {
        if self.groups.len() < MAX_GROUPS {
            return;
        }
        let span = self.timespan_ms;
        if self.bounds.most.is_none() {
            self.groups.retain(|_, g| time_ms.saturating_sub(g.last_ms) <= span);
        }
        if self.groups.len() < MAX_GROUPS {
            return;
        }
        let mut times: Vec<i64> = self.groups.values().map(|g| g.last_ms).collect();
        let part = times.len() / 4;
        let (_, limit, _) = times.select_nth_unstable(part);
        let limit = *limit;
        let before = self.groups.len();
        let mut left = part + 1;
        self.groups.retain(|_, g| {
            let goes = g.last_ms <= limit && left > 0;
            left -= usize::from(goes);
            !goes
        });
        self.forgotten += (before - self.groups.len()) as u64;
    }
}

type Found = Option<(u64, Vec<(i64, SmolStr)>)>;

fn fired(group: &str, count: u64, events: Vec<(i64, SmolStr)>) -> Fired {
    let mut events = events;
    events.sort_by_key(|(time, _)| *time);
    Fired {
        group: group.to_owned(),
        first_ms: events.first().map_or(0, |(t, _)| *t),
        last_ms: events.last().map_or(0, |(t, _)| *t),
        count,
        events: events.into_iter().map(|(_, e)| e).collect(),
    }
}

impl Group {
    /// Fires where the number is newly reached.
    fn reached(&mut self, reached: bool, events: impl FnOnce(&Self) -> Vec<(i64, SmolStr)>) -> Found {
        let fresh = reached && !self.hot;
        self.hot = reached;
        if !fresh {
            return None;
        }
        let events = events(self);
        Some((events.len() as u64, events))
    }

    fn count(&mut self, time: i64, span: i64, least: usize, event: &str) -> Found {
        while self.events.front().is_some_and(|(t, _)| time.saturating_sub(*t) > span) {
            self.events.pop_front();
        }
        self.hot &= !self.events.is_empty();
        self.events.push_back((time, event.into()));
        while self.events.len() > least {
            self.events.pop_front();
        }
        self.reached(self.events.len() >= least, |g| g.events.iter().cloned().collect())
    }

    fn distinct(&mut self, time: i64, span: i64, least: usize, value: &str, event: &str) -> Found {
        while let Some((t, v)) = self.order.first().filter(|(t, _)| time.saturating_sub(*t) > span).cloned() {
            self.order.remove(&(t, v.clone()));
            self.values.remove(&v);
        }
        self.hot &= !self.values.is_empty();
        if let Some((t, _)) = self.values.insert(value.into(), (time, event.into())) {
            self.order.remove(&(t, value.into()));
        }
        self.order.insert((time, value.into()));
        while self.values.len() > least {
            let Some((_, v)) = self.order.pop_first() else { break };
            self.values.remove(&v);
        }
        self.reached(self.values.len() >= least, |g| g.values.values().cloned().collect())
    }

    #[allow(clippy::too_many_arguments, reason = "what was observed and how it is judged")]
    fn together(
        &mut self,
        time: i64,
        span: i64,
        least: usize,
        expression: Option<&Condition>,
        rules: usize,
        rule: usize,
        event: &str,
    ) -> Found {
        self.steps.resize(rules, None);
        for step in &mut self.steps {
            step.take_if(|s| time.saturating_sub(s.first_ms) > span);
        }
        self.hot &= self.steps.iter().any(Option::is_some);
        if let Some(step) = self.steps.get_mut(rule) {
            *step = Some(Step { first_ms: time, events: vec![(time, event.into())] });
        }
        let there = |place: usize| self.steps.get(place).is_some_and(Option::is_some);
        let reached = match expression {
            Some(e) => e.holds(&mut |place| there(place)),
            None => self.steps.iter().flatten().count() >= least,
        };
        self.reached(reached, |g| g.steps.iter().flatten().flat_map(|s| s.events.iter().cloned()).collect())
    }

    /// A chain that begins later reaches at least as far in time, so that one for each length is enough.
    fn in_order(&mut self, time: i64, span: i64, rules: usize, rule: usize, event: &str) -> Found {
        self.steps.resize(rules, None);
        let chain = match rule.checked_sub(1) {
            None => Some(Step { first_ms: time, events: Vec::new() }),
            Some(before) => self.steps.get(before).cloned().flatten(),
        };
        let mut chain = chain.filter(|c| time.saturating_sub(c.first_ms) <= span)?;
        chain.events.push((time, event.into()));
        if rule + 1 < rules {
            if let Some(step) = self.steps.get_mut(rule) {
                *step = Some(chain);
            }
            return None;
        }
        // What led here is told; the next time it has to begin anew.
        self.steps.fill(None);
        Some((chain.events.len() as u64, chain.events))
    }

    #[allow(clippy::too_many_arguments, reason = "what was observed and how it is judged")]
    fn close(
        &mut self,
        time: i64,
        kind: Kind,
        span: i64,
        bounds: Bounds,
        rule: usize,
        value: Option<&str>,
        event: &str,
    ) -> Found {
        let over = self.window.take_if(|w| time.saturating_sub(w.opened_ms) > span);
        let window = self.window.get_or_insert_with(|| Window { opened_ms: time, ..Window::default() });
        let fresh = match (kind, value) {
            (Kind::EventCount, _) => true,
            (Kind::ValueCount, Some(v)) => window.seen.insert(v.into()),
            _ => window.seen.insert(rule.to_string().into()),
        };
        // Beyond the greatest number nothing changes any more.
        if fresh && window.count <= bounds.most.unwrap_or(u64::MAX) {
            window.count += 1;
            window.events.push((time, event.into()));
        }
        over.filter(|w| bounds.hold(w.count)).map(|w| (w.count, w.events))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]
    use super::*;
    use crate::sigma::About;
    use proptest::prelude::*;

    fn correlator(kind: Kind, rules: usize, least: u64, most: Option<u64>) -> Correlator {
        Correlator::new(&Correlation {
            about: About::default(),
            kind,
            rules: (0..rules).map(|r| r.to_string().into()).collect(),
            group_by: Vec::new(),
            aliases: BTreeMap::new(),
            timespan_ms: 100,
            timespan_assumed: false,
            bounds: Bounds { least, most },
            expression: None,
            fields: Vec::new(),
            generate: false,
        })
    }

    /// Times at which it fires, of observations (time, rule, value).
    fn times(c: &mut Correlator, seen: &[(i64, usize, &str)]) -> Vec<i64> {
        let fires = |(time, rule, value): &(i64, usize, &str)| {
            c.observe(*time, *rule, "g", Some(value), &time.to_string()).map(|_| *time)
        };
        seen.iter().filter_map(fires).collect()
    }

    #[test]
    fn counted_events() {
        let mut c = correlator(Kind::EventCount, 1, 3, None);
        let seen: Vec<_> = [0, 50, 100, 120, 140, 300, 350, 400, 401].map(|t| (t, 0, "")).to_vec();
        // Four and more go on being the same; after a pause it begins anew.
        assert_eq!(times(&mut c, &seen), [100, 400]);
        let mut c = correlator(Kind::EventCount, 1, 3, None);
        assert_eq!(times(&mut c, &[(0, 0, ""), (60, 0, ""), (101, 0, ""), (150, 0, "")]), [150]);
        let mut c = correlator(Kind::EventCount, 1, 1, None);
        assert_eq!(times(&mut c, &[(0, 0, ""), (90, 0, ""), (500, 0, "")]), [0, 500]);
        let mut c = correlator(Kind::EventCount, 1, 2, None);
        c.observe(0, 0, "a", None, "x");
        assert_eq!(c.observe(1, 0, "b", None, "y"), None, "groups are apart");
        let fired = c.observe(2, 0, "a", None, "z").unwrap();
        assert_eq!((fired.group.as_str(), fired.first_ms, fired.last_ms, fired.count), ("a", 0, 2, 2));
        assert_eq!(fired.events, ["x", "z"]);
    }

    #[test]
    fn counted_values() {
        let mut c = correlator(Kind::ValueCount, 1, 3, None);
        let seen = [(0, 0, "a"), (10, 0, "a"), (20, 0, "b"), (30, 0, "b"), (105, 0, "c"), (125, 0, "d"), (400, 0, "a")];
        assert_eq!(times(&mut c, &seen), [105]);
        // `a` was last seen at 10, so that it still counts at 105, not at 125.
        let mut c = correlator(Kind::ValueCount, 1, 3, None);
        assert_eq!(times(&mut c, &[(0, 0, "a"), (20, 0, "b"), (110, 0, "c"), (115, 0, "a")]), [115]);
        assert_eq!(c.observe(116, 0, "g", None, "x"), None);
    }

    #[test]
    fn rules_together() {
        let mut c = correlator(Kind::Temporal, 3, 3, None);
        assert_eq!(times(&mut c, &[(0, 2, ""), (10, 0, ""), (50, 0, ""), (100, 1, ""), (110, 1, "")]), [100]);
        let mut c = correlator(Kind::Temporal, 3, 3, None);
        assert_eq!(times(&mut c, &[(0, 2, ""), (60, 0, ""), (101, 1, ""), (150, 2, "")]), [150]);
        let mut c = correlator(Kind::Temporal, 3, 2, None);
        assert_eq!(times(&mut c, &[(0, 2, ""), (60, 2, ""), (61, 1, "")]), [61]);
    }

    #[test]
    fn rules_in_order() {
        let mut c = correlator(Kind::TemporalOrdered, 3, 3, None);
        assert_eq!(times(&mut c, &[(0, 0, ""), (10, 1, ""), (20, 2, "")]), [20]);
        assert_eq!(times(&mut c, &[(30, 2, ""), (31, 1, ""), (32, 0, "")]), Vec::<i64>::new());
        // The later beginning counts, though the earlier one is too long ago.
        let mut c = correlator(Kind::TemporalOrdered, 3, 3, None);
        assert_eq!(times(&mut c, &[(0, 0, ""), (50, 0, ""), (60, 1, ""), (70, 0, ""), (140, 2, "")]), [140]);
        let mut c = correlator(Kind::TemporalOrdered, 3, 3, None);
        assert_eq!(times(&mut c, &[(0, 0, ""), (10, 1, ""), (101, 2, "")]), Vec::<i64>::new());
    }

    #[test]
    fn greatest_numbers_are_judged_at_the_end() {
        let mut c = correlator(Kind::EventCount, 1, 1, Some(2));
        assert_eq!(c.observe(0, 0, "few", None, "a"), None);
        for t in 0..5 {
            assert_eq!(c.observe(t, 0, "many", None, "b"), None);
        }
        assert_eq!(c.advance(100), []);
        let fired = c.advance(101);
        assert_eq!(fired.iter().map(|f| (f.group.as_str(), f.count)).collect::<Vec<_>>(), [("few", 1)]);
        assert_eq!(c.observe(200, 0, "few", None, "c"), None);
        assert_eq!(
            c.observe(301, 0, "few", None, "d").unwrap().events,
            ["c"],
            "the group's next event closes its window"
        );
    }

    #[test]
    fn room_is_bounded() {
        let mut c = correlator(Kind::EventCount, 1, 2, None);
        for i in 0..(MAX_GROUPS + 10) {
            c.observe(i as i64 / 10_000, 0, &i.to_string(), None, "e");
        }
        assert!(c.groups() <= MAX_GROUPS);
        assert!(c.forgotten() > 0);
        let mut c = correlator(Kind::EventCount, 1, 1000, None);
        for i in 0..100_000 {
            c.observe(i / 1000, 0, "g", None, "e");
        }
        assert_eq!(c.groups.values().map(|g| g.events.len()).sum::<usize>(), 1000);
        c.advance(i64::MAX);
        assert_eq!(c.groups(), 0);
    }

    fn plain(kind: Kind, rules: usize, least: usize, seen: &[(i64, usize, u8)]) -> Vec<bool> {
        // Whether the condition holds at each event, looking back over all of them.
        let at = |now: usize| {
            let (time, ..) = seen[now];
            let near: Vec<_> = seen[..=now].iter().filter(|(t, ..)| time - t <= 100).collect();
            let count = match kind {
                Kind::EventCount => near.len(),
                Kind::ValueCount => near.iter().map(|s| s.2).collect::<BTreeSet<_>>().len(),
                _ => near.iter().map(|s| s.1).collect::<BTreeSet<_>>().len(),
            };
            count >= if kind == Kind::Temporal { rules } else { least }
        };
        (0..seen.len()).map(at).collect()
    }

    proptest! {
        #[test]
        fn it_fires_where_the_number_is_newly_reached(
            kind in prop::sample::select(vec![Kind::EventCount, Kind::ValueCount, Kind::Temporal]),
            least in 2usize..5,
            steps in prop::collection::vec((0i64..60, 0usize..3, 0u8..5), 1..40),
            cut in 0usize..40,
        ) {
            let mut now = 0;
            let seen: Vec<(i64, usize, u8)> = steps.iter().map(|(dt, r, v)| { now += dt; (now, *r, *v) }).collect();
            let least_bound = if kind == Kind::Temporal { 3 } else { least as u64 };
            let mut c = correlator(kind, 3, least_bound, None);
            let holds = plain(kind, 3, least, &seen);
            let mut before = false;
            for (i, (time, rule, value)) in seen.iter().enumerate() {
                if i == cut {
                    // A restart in the middle changes nothing.
                    c = serde_json::from_str(&serde_json::to_string(&c).unwrap()).unwrap();
                }
                let fired = c.observe(*time, *rule, "g", Some(&value.to_string()), "e").is_some();
                if fired {
                    prop_assert!(holds[i], "fired at {} of {:?}", i, seen);
                }
                if holds[i] && !before {
                    prop_assert!(fired, "silent at {} of {:?}", i, seen);
                }
                before = holds[i];
            }
        }
    }
}
