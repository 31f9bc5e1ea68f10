//! Requests as points with one coordinate for each dimension, and statements as what they ask of each.

use super::key::{self, Found, Key};
use super::search::Budget;
use super::test::Test;
use super::variables::Binding;
use super::who::{self, Asked, Callers, Derived};
use crate::document::{Element, Statement, Version};
use crate::language::{self, Answer, Pattern, StringSet};
use crate::pattern::{Token, tokens};
use crate::request::Caller;
use crate::template::{Piece, pieces};
use smol_str::SmolStr;
use std::rc::Rc;

/// One thing that a statement asks of one dimension of a request.
#[derive(Debug, Clone)]
pub struct Literal {
    pub(super) dimension: usize,
    pub(super) atom: Rc<Atom>,
}

#[derive(Debug)]
pub(super) enum Atom {
    Who(Asked),
    /// A string of this set; and the strings outside it.
    Text(StringSet, StringSet),
    Key(Test),
    /// A resource or condition that holds for no request, such as one whose variable has no value.
    Never,
}

/// A request's place in one dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Who(Caller),
    Text(String),
    /// The values of a key; none where it is absent.
    Key(Vec<String>),
}

pub(super) const WHO: usize = 0;
pub(super) const ACTION: usize = 1;
pub(super) const RESOURCE: usize = 2;
const FIRST_KEY: usize = 3;

/// Texts that make likely requests.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    /// Actions, the likeliest first.
    pub actions: Vec<SmolStr>,
    /// Resources, the likeliest first.
    pub resources: Vec<SmolStr>,
}

/// The dimensions of the requests that a question is about.
#[derive(Debug)]
pub struct Space {
    keys: Vec<Key>,
    callers: Callers,
    vocabulary: Vocabulary,
    /// What every request fulfils, whatever the statements say.
    shapes: [StringSet; 2],
    /// Forms that resources have in real requests, the likeliest first.
    likely: [StringSet; 4],
    budget: Budget,
}

/// A request found by the search, before it is put into words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// Who calls.
    pub caller: Caller,
    /// The action.
    pub action: SmolStr,
    /// The resource.
    pub resource: SmolStr,
    /// The values of every key that a statement asks about, the keys in lower case; none where the key is absent.
    pub keys: Vec<(SmolStr, Vec<String>)>,
}

impl Space {
    /// The requests of these callers, for a question with this much work left.
    pub fn new(callers: Callers, vocabulary: Vocabulary, budget: &Budget) -> Self {
        let shapes = [StringSet::any_of(vec![Pattern::form("_:_")]), StringSet::any_of(vec![Pattern::new("*")])];
        let account = callers.accounts.first().map_or("############", SmolStr::as_str);
        let likely = [
            format!("arn:aws:_:us-east-1:{account}:*"),
            format!("arn:aws:_::{account}:*"),
            "arn:aws:s3:::*".to_owned(),
            "arn:_:_:*:*:*".to_owned(),
        ];
        let likely = likely.map(|form| StringSet::any_of(vec![Pattern::form(&form)]));
        Self { keys: Vec::new(), callers, vocabulary, shapes, likely, budget: budget.clone() }
    }

    /// What a statement asks; a request lies in it when it fulfils all of it.
    pub fn statement(&mut self, statement: &Statement, version: Version, binding: &Binding) -> Vec<Literal> {
        let mut asked = Vec::new();
        if let Some(element) = &statement.principals {
            asked.push(literal(WHO, Atom::Who(Asked::Principals(element.clone()))));
        }
        asked.push(literal(ACTION, actions(&statement.actions)));
        if let Some(element) = &statement.resources {
            asked.push(literal(RESOURCE, resources(element, version, binding)));
        }
        for condition in &statement.conditions {
            let test = Test::new(condition, version, binding);
            let (name, several) = (condition.key.to_ascii_lowercase(), test.set().is_some());
            asked.push(self.key(&name, test));
            if let Some(key) = self.keys.iter_mut().find(|k| several && k.name == name) {
                key.is_multivalued = true;
            }
        }
        asked
    }

    /// What fixes the keys that variables name.
    pub fn binding(&mut self, binding: &Binding) -> Vec<Literal> {
        let fix = |(key, value): (&SmolStr, Option<&SmolStr>)| {
            self.key(key, value.map_or_else(Test::absent, |value| Test::equals(value)))
        };
        binding.iter().map(fix).collect()
    }

    /// That the caller is, or is not, one of some principals.
    pub fn principals(&mut self, element: Element<crate::document::Principal>) -> Literal {
        literal(WHO, Atom::Who(Asked::Principals(element)))
    }

    /// That the resource is of a set.
    pub fn resource(&mut self, set: StringSet) -> Literal {
        literal(RESOURCE, text(set))
    }

    /// That a key, in lower case, has this value.
    pub fn key_is(&mut self, key: &str, value: &str) -> Literal {
        self.key(key, Test::equals(value))
    }

    /// That a key is absent, or that all its values are of a set.
    pub fn key_within(&mut self, key: &str, set: StringSet) -> Literal {
        self.limit(key, Test::within(set))
    }

    /// That a key is absent, or its value an address outside some networks.
    pub fn key_outside(&mut self, key: &str, networks: &[SmolStr]) -> Literal {
        self.limit(key, Test::outside(networks))
    }

    fn key(&mut self, key: &str, test: Test) -> Literal {
        if let Some(derived) = Derived::of(key) {
            return literal(WHO, Atom::Who(Asked::Key(derived, test)));
        }
        let at = self.place_of(key);
        if let Some(key) = self.keys.get_mut(at).filter(|k| !k.kinds.contains(&test.kind())) {
            key.kinds.push(test.kind());
        }
        literal(FIRST_KEY + at, Atom::Key(test))
    }

    /// A test that does not tell what kind of values the key has.
    fn limit(&mut self, key: &str, test: Test) -> Literal {
        literal(FIRST_KEY + self.place_of(key), Atom::Key(test))
    }

    fn place_of(&mut self, key: &str) -> usize {
        self.keys.iter().position(|k| k.name == key).unwrap_or_else(|| {
            self.keys.push(Key { name: SmolStr::new(key), kinds: Vec::new(), is_multivalued: false });
            self.keys.len() - 1
        })
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.budget
    }

    pub(super) fn dimensions(&self) -> usize {
        FIRST_KEY + self.keys.len()
    }

    /// A place in one dimension where each literal holds, or fails, as asked.
    pub(super) fn place(&self, dimension: usize, asked: &[(Rc<Atom>, bool)]) -> Found<Place> {
        if asked.iter().any(|(atom, holds)| *holds && matches!(**atom, Atom::Never)) {
            return Found::Nothing;
        }
        match dimension {
            WHO => {
                let asked: Vec<(&Asked, bool)> = asked
                    .iter()
                    .filter_map(|(atom, holds)| if let Atom::Who(a) = &**atom { Some((a, *holds)) } else { None })
                    .collect();
                who::solve(&self.callers, &asked).map(Place::Who)
            }
            ACTION | RESOURCE => self.text(dimension, asked),
            _ => {
                let tests: Vec<(&Test, bool)> = asked
                    .iter()
                    .filter_map(|(atom, holds)| if let Atom::Key(t) = &**atom { Some((t, *holds)) } else { None })
                    .collect();
                match self.keys.get(dimension - FIRST_KEY) {
                    Some(key) if !tests.is_empty() => key::solve(key, &tests).map(Place::Key),
                    _ => Found::Value(Place::Key(Vec::new())),
                }
            }
        }
    }

    fn text(&self, dimension: usize, asked: &[(Rc<Atom>, bool)]) -> Found<Place> {
        let [action, resource] = &self.shapes;
        let (shape, wanted) = if dimension == ACTION {
            (action, &self.vocabulary.actions)
        } else {
            (resource, &self.vocabulary.resources)
        };
        let sets = asked.iter().filter_map(|(atom, holds)| match &**atom {
            Atom::Text(inside, outside) => Some(if *holds { inside } else { outside }),
            _ => None,
        });
        let mut sets: Vec<&StringSet> = sets.collect();
        sets.push(shape);
        let wanted = || wanted.iter().map(SmolStr::as_str);
        // A plausible ARN where there is one.
        for likely in if dimension == RESOURCE { self.likely.as_slice() } else { &[] } {
            let mut sets = sets.clone();
            sets.push(likely);
            if let Answer::Found(text) = language::find(&sets, wanted()) {
                return Found::Value(Place::Text(text));
            }
        }
        let found: Found<String> = language::find(&sets, wanted()).into();
        found.map(Place::Text)
    }

    pub(super) fn point(&self, places: &[Place]) -> Point {
        let mut point = Point {
            caller: Caller::Anonymous,
            action: SmolStr::default(),
            resource: SmolStr::default(),
            keys: Vec::new(),
        };
        let mut keys = self.keys.iter();
        for (dimension, place) in places.iter().enumerate() {
            match place {
                Place::Who(caller) => point.caller = caller.clone(),
                Place::Text(text) if dimension == ACTION => point.action = SmolStr::new(text),
                Place::Text(text) => point.resource = SmolStr::new(text),
                Place::Key(values) => point.keys.extend(keys.next().map(|key| (key.name.clone(), values.clone()))),
            }
        }
        point
    }
}

impl Atom {
    pub(super) fn holds(&self, place: &Place) -> bool {
        match (self, place) {
            (Self::Who(asked), Place::Who(caller)) => asked.holds(caller),
            (Self::Text(set, _), Place::Text(text)) => set.contains(text),
            (Self::Key(test), Place::Key(values)) => test.holds(values),
            _ => false,
        }
    }
}

fn literal(dimension: usize, atom: Atom) -> Literal {
    Literal { dimension, atom: Rc::new(atom) }
}

fn text(set: StringSet) -> Atom {
    let outside = set.complement();
    Atom::Text(set, outside)
}

fn actions(element: &Element<SmolStr>) -> Atom {
    let set = StringSet::any_of(element.items.iter().map(|a| Pattern::ignoring_case(a)).collect());
    text(if element.negated { set.complement() } else { set })
}

/// The resources of an element. An item whose variable has no value takes in nothing, and keeps `NotResource` from
/// taking in anything.
fn resources(element: &Element<SmolStr>, version: Version, binding: &Binding) -> Atom {
    let mut patterns = Vec::with_capacity(element.items.len());
    for item in &element.items {
        let has_variable = version == Version::V2012
            && item.contains("${")
            && pieces(item, version, true).iter().any(|p| matches!(p, Piece::Variable { .. }));
        let filled: Option<Vec<Token>> =
            if has_variable { binding.tokens(item, version, true) } else { Some(tokens_of(item, version)) };
        match filled {
            Some(tokens) => patterns.push(Pattern::resource(tokens, has_variable)),
            None if element.negated => return Atom::Never,
            None => {}
        }
    }
    let set = StringSet::any_of(patterns);
    text(if element.negated { set.complement() } else { set })
}

fn tokens_of(item: &str, version: Version) -> Vec<Token> {
    if !item.contains("${") {
        return tokens(item).collect();
    }
    let plain = |piece| match piece {
        Piece::Token(token) => Some(token),
        Piece::Variable { .. } => None,
    };
    pieces(item, version, true).into_iter().filter_map(plain).collect()
}
