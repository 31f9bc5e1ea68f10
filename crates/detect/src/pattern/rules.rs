//! Many patterns compiled together. An event is read once; only members that some pattern names are looked at. Each leaf is looked up
//! in its field's index, which gives the conditions that it satisfies. Of all conditions that a pattern has, the rarest is its pivot:
//! the pattern is judged only where that one is satisfied, so that cost hardly grows with the number of patterns.

use super::Pattern;
use super::consistent::{Search, Seen};
use super::field::{Condition, Field};
use super::json::{Broken, Cursor, MAX_DEPTH};
use super::read::Alternative;
use super::value::{Entry, Leaf};
use std::collections::HashMap;

/// Why an event could not be held against patterns.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEvent {
    /// It is not JSON.
    #[error("the event is not JSON: {0}")]
    NotJson(#[from] Broken),
    /// It is JSON, and no object.
    #[error("an event must be a JSON object")]
    NotAnObject,
    /// The ways in which its arrays could satisfy a pattern are too many to try.
    #[error("the event's arrays can satisfy a pattern in more ways than can be tried")]
    TooComplex,
}

/// Patterns under their names, compiled together.
#[derive(Debug, Default)]
pub struct Rules {
    names: Vec<Box<str>>,
    nodes: Vec<Node>,
    fields: Vec<Field>,
    conditions: Vec<Asked>,
    ways: Vec<Way>,
    /// For each condition the ways to judge where it is satisfied.
    pivots: Vec<Vec<u32>>,
    /// Ways that an event may satisfy without any leaf.
    always: Vec<u32>,
}

/// A member's name on the way to a field.
#[derive(Debug, Default)]
struct Node {
    children: Vec<(Box<str>, u32)>,
    /// The same by hash, where they are many.
    many: HashMap<Box<str>, u32>,
    field: Option<u32>,
}

impl Node {
    #[inline]
    fn child(&self, name: &str) -> Option<u32> {
        match self.many.is_empty() {
            true => self.children.iter().find(|(n, _)| **n == *name).map(|(_, c)| *c),
            false => self.many.get(name).copied(),
        }
    }
}

/// A list of entries for a field.
#[derive(Debug)]
pub(super) struct Asked {
    pub field: u32,
    /// Whether `exists: false` is one of them.
    pub absent: bool,
    /// Whether a way has it that also asks for an absent field.
    beside_absent: bool,
}

/// One combination that satisfies a rule.
#[derive(Debug)]
struct Way {
    rule: u32,
    /// In the order of the fields' names, which is the order in which Event Ruler binds array elements.
    conditions: Box<[Condition]>,
    absent: bool,
}

impl Rules {
    /// Compiles patterns. Several patterns under one name are alternatives.
    pub fn new<N: AsRef<str>>(patterns: impl IntoIterator<Item = (N, Pattern)>) -> Self {
        let mut rules = Self { nodes: vec![Node::default()], ..Self::default() };
        let mut names: HashMap<String, u32> = HashMap::new();
        let mut known: HashMap<(u32, String), Condition> = HashMap::new();
        for (name, pattern) in patterns {
            let name = name.as_ref();
            let next = rules.names.len() as u32;
            let rule = *names.entry(name.to_owned()).or_insert(next);
            if rule == next {
                rules.names.push(name.into());
            }
            for alternative in &pattern.alternatives {
                rules.way(rule, alternative, &mut known);
            }
        }
        rules.choose_pivots();
        for node in &mut rules.nodes {
            if node.children.len() > 8 {
                node.many = node.children.drain(..).collect();
            }
        }
        rules
    }

    fn way(&mut self, rule: u32, alternative: &Alternative, known: &mut HashMap<(u32, String), Condition>) {
        let absent = alternative.values().any(|l| l.contains(&Entry::Absent));
        let mut conditions = Vec::with_capacity(alternative.len());
        for (path, entries) in alternative {
            let field = self.field(path);
            let next = self.conditions.len() as Condition;
            let condition = *known.entry((field, format!("{entries:?}"))).or_insert(next);
            if condition == next {
                let absent = entries.contains(&Entry::Absent);
                self.conditions.push(Asked { field, absent, beside_absent: false });
                if let Some(f) = self.fields.get_mut(field as usize) {
                    entries.iter().for_each(|e| f.add(e, condition));
                }
            }
            if let Some(asked) = self.conditions.get_mut(condition as usize) {
                asked.beside_absent |= absent;
            }
            conditions.push(condition);
        }
        self.ways.push(Way { rule, conditions: conditions.into(), absent });
    }

    fn field(&mut self, path: &str) -> u32 {
        let mut here = 0u32;
        for name in path.split('.') {
            let next = self.nodes.len() as u32;
            let Some(node) = self.nodes.get_mut(here as usize) else { break };
            here = match node.child(name) {
                Some(child) => child,
                None => {
                    node.children.push((name.into(), next));
                    self.nodes.push(Node::default());
                    next
                }
            };
        }
        let next = self.fields.len() as u32;
        let field = self.nodes.get_mut(here as usize).map_or(next, |node| *node.field.get_or_insert(next));
        if field == next {
            self.fields.push(Field::default());
        }
        field
    }

    fn choose_pivots(&mut self) {
        let mut uses = vec![0u32; self.conditions.len()];
        let all = self.ways.iter().flat_map(|w| w.conditions.iter());
        all.for_each(|c| uses.get_mut(*c as usize).into_iter().for_each(|n| *n += 1));
        self.pivots = vec![Vec::new(); self.conditions.len()];
        for (place, way) in self.ways.iter().enumerate() {
            let sure = way.conditions.iter().filter(|c| self.conditions.get(**c as usize).is_some_and(|a| !a.absent));
            let rarest = sure.min_by_key(|c| uses.get(**c as usize).copied());
            let list = rarest.and_then(|c| self.pivots.get_mut(*c as usize)).unwrap_or(&mut self.always);
            list.push(place as u32);
        }
    }

    /// The names of the rules, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|n| &**n)
    }

    /// The names of all rules that the event satisfies, in the rules' order. For many events, a [`Scanner`] is quicker.
    ///
    /// # Errors
    /// Where the event is no JSON object or too complex. What follows its closing bracket is not read, as in Event Ruler.
    pub fn matched(&self, event: &str) -> Result<Vec<&str>, BadEvent> {
        let mut scanner = self.scanner();
        let places = scanner.matched(event)?;
        Ok(places.iter().filter_map(|p| self.names.get(*p as usize)).map(|n| &**n).collect())
    }

    /// Room to work in, kept from one event to the next.
    pub fn scanner(&self) -> Scanner<'_> {
        Scanner {
            rules: self,
            round: 0,
            free: vec![0; self.conditions.len()],
            bound: vec![0; self.conditions.len()],
            last: vec![u32::MAX; self.conditions.len()],
            seen: Seen::new(self.fields.len()),
            open: Vec::new(),
            current: None,
            arrays: 0,
            hits: Vec::new(),
            reached: Vec::new(),
            matched: Vec::new(),
            lower: String::new(),
        }
    }
}

/// Holds events against [`Rules`], one after the other.
#[derive(Debug)]
pub struct Scanner<'r> {
    rules: &'r Rules,
    /// The number of the event; what is marked with another one is of an earlier event.
    round: u32,
    /// Conditions satisfied by a leaf outside all arrays of objects.
    free: Vec<u32>,
    /// Conditions satisfied by any leaf.
    bound: Vec<u32>,
    /// For each condition the last membership of a leaf that satisfied it.
    last: Vec<u32>,
    seen: Seen,
    /// The arrays around the place that is read, each with the element's index.
    open: Vec<(u32, u32)>,
    /// The membership that these make, where it was written down already.
    current: Option<u32>,
    arrays: u32,
    hits: Vec<(Condition, u32)>,
    /// Conditions satisfied so far, each once.
    reached: Vec<Condition>,
    matched: Vec<u32>,
    lower: String,
}

impl Scanner<'_> {
    /// The places (in [`Rules::names`]) of all rules that the event satisfies, in order.
    ///
    /// # Errors
    /// As [`Rules::matched`].
    pub fn matched(&mut self, event: &str) -> Result<&[u32], BadEvent> {
        self.start();
        let mut cursor = Cursor::new(event);
        cursor.space();
        if cursor.peek() != Some(b'{') {
            // Whatever it is, it must be JSON to be called none of an object.
            cursor.skip(0)?;
            return Err(BadEvent::NotAnObject);
        }
        self.object(&mut cursor, 0, 1)?;
        self.hits.sort_unstable();
        for at in 0..self.reached.len() {
            let pivot = self.reached.get(at).and_then(|c| self.rules.pivots.get(*c as usize));
            for way in pivot.into_iter().flatten() {
                self.judge(*way)?;
            }
        }
        for way in &self.rules.always {
            self.judge(*way)?;
        }
        self.matched.sort_unstable();
        self.matched.dedup();
        Ok(&self.matched)
    }

    fn start(&mut self) {
        self.round = self.round.wrapping_add(1);
        if self.round == 0 {
            self.free.fill(0);
            self.bound.fill(0);
            self.seen.forget();
            self.round = 1;
        }
        self.seen.start(self.round);
        self.open.clear();
        self.current = None;
        self.arrays = 0;
        self.hits.clear();
        self.reached.clear();
        self.matched.clear();
    }

    fn object(&mut self, c: &mut Cursor<'_>, node: u32, depth: usize) -> Result<(), Broken> {
        if depth > MAX_DEPTH {
            return Err(c.broken("it nests too deep"));
        }
        c.at += 1;
        c.space();
        if c.eat(b'}') {
            return Ok(());
        }
        let rules = self.rules;
        loop {
            let name = c.name()?;
            let plain;
            let name = if name.escaped {
                plain = name.plain();
                &*plain
            } else {
                name.raw
            };
            let child = rules.nodes.get(node as usize).and_then(|n| {
                n.child(name).or_else(|| {
                    // A dot in a name is as good as a step down: AWS joins names by dots.
                    let mut steps = name.contains('.').then(|| name.split('.'))?;
                    steps.try_fold(node, |at, step| rules.nodes.get(at as usize)?.child(step))
                })
            });
            match child {
                Some(child) => self.value(c, child, depth)?,
                None => c.skip(depth)?,
            }
            if !c.more(b'}')? {
                return Ok(());
            }
        }
    }

    fn value(&mut self, c: &mut Cursor<'_>, node: u32, depth: usize) -> Result<(), Broken> {
        match c.peek() {
            Some(b'{') => self.object(c, node, depth + 1),
            Some(b'[') => self.array(c, node, depth + 1),
            _ => self.leaf(c, node),
        }
    }

    fn array(&mut self, c: &mut Cursor<'_>, node: u32, depth: usize) -> Result<(), Broken> {
        if depth > MAX_DEPTH {
            return Err(c.broken("it nests too deep"));
        }
        c.at += 1;
        c.space();
        let array = self.arrays;
        self.arrays += 1;
        if c.eat(b']') {
            return Ok(());
        }
        for index in 0.. {
            c.space();
            // Only objects and arrays in an array are bound to their place in it; a scalar is as if it stood alone.
            if matches!(c.peek(), Some(b'{' | b'[')) {
                self.open.push((array, index));
                self.current = None;
                self.value(c, node, depth)?;
                self.open.pop();
                self.current = None;
            } else {
                self.leaf(c, node)?;
            }
            if !c.more(b']')? {
                break;
            }
        }
        Ok(())
    }

    fn leaf(&mut self, c: &mut Cursor<'_>, node: u32) -> Result<(), Broken> {
        let rules = self.rules;
        let Some(field) = rules.nodes.get(node as usize).and_then(|n| n.field) else {
            return c.skip(0);
        };
        let plain;
        let leaf = match c.peek() {
            Some(b'"') => {
                c.at += 1;
                let text = c.string()?;
                if text.escaped {
                    plain = text.plain();
                    Leaf::Text(&plain)
                } else {
                    Leaf::Text(text.raw)
                }
            }
            Some(b'-' | b'0'..=b'9') => Leaf::Number(c.number()?),
            _ => c.word()?.map_or(Leaf::Null, Leaf::Bool),
        };
        let membership = match (self.open.is_empty(), self.current) {
            (true, _) => None,
            (_, Some(known)) => Some(known),
            (false, None) => {
                self.current = Some(self.seen.membership(&self.open));
                self.current
            }
        };
        self.seen.leaf(field, membership);
        let Some(found) = rules.fields.get(field as usize) else { return Ok(()) };
        let mut lower = std::mem::take(&mut self.lower);
        found.find(leaf, &mut lower, &mut |condition| self.satisfied(condition, membership));
        self.lower = lower;
        Ok(())
    }

    fn satisfied(&mut self, condition: Condition, membership: Option<u32>) {
        let place = condition as usize;
        let (Some(free), Some(bound)) = (self.free.get_mut(place), self.bound.get_mut(place)) else { return };
        let first = *bound != self.round;
        if first {
            *bound = self.round;
            self.reached.push(condition);
        }
        match membership {
            None => *free = self.round,
            Some(m) => {
                // A leaf outside arrays serves wherever one inside does, but for fields that must be absent beside it.
                let beside = self.rules.conditions.get(place).is_some_and(|a| a.beside_absent);
                let Some(last) = self.last.get_mut(place) else { return };
                if (*free != self.round || beside) && (first || *last != m) {
                    *last = m;
                    self.hits.push((condition, m));
                }
            }
        }
    }

    fn judge(&mut self, place: u32) -> Result<(), BadEvent> {
        let rules = self.rules;
        let Some(way) = rules.ways.get(place as usize) else { return Ok(()) };
        let marked = |list: &[u32], c: &Condition| list.get(*c as usize) == Some(&self.round);
        let mut simple = true;
        for c in &way.conditions {
            let Some(asked) = rules.conditions.get(*c as usize) else { return Ok(()) };
            if !asked.absent && !marked(&self.bound, c) {
                return Ok(());
            }
            simple &= if asked.absent { !self.seen.any(asked.field) } else { marked(&self.free, c) };
        }
        let holds = simple || {
            let search = Search { seen: &self.seen, conditions: &rules.conditions, hits: &self.hits };
            search.holds(&way.conditions, way.absent, |c| marked(&self.free, c)).ok_or(BadEvent::TooComplex)?
        };
        if holds {
            self.matched.push(way.rule);
        }
        Ok(())
    }
}
