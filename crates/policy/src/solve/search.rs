//! The search itself.

use super::key::Found;
use super::space::{Atom, Literal, Place, Point, Space};
use std::cell::Cell;
use std::collections::HashSet;
use std::rc::Rc;

/// What a search came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// This request lies where it should, and was confirmed.
    Found(Point),
    /// No request does.
    Nothing,
    /// It could not be decided; why.
    Unknown(String),
}

/// How many times a dimension is decided before one search gives up.
const MAX_DECISIONS: usize = 20_000;

/// How many times a dimension is decided in all searches of one question.
const MAX_ALL: usize = 200_000;

/// The work that is left for one question, whatever the number of its searches.
#[derive(Debug, Clone)]
pub struct Budget(Rc<Cell<usize>>);

impl Default for Budget {
    fn default() -> Self {
        Self(Rc::new(Cell::new(MAX_ALL)))
    }
}

impl Budget {
    /// Takes one decision; `false` where none is left.
    fn take(&self) -> bool {
        let left = self.0.get();
        self.0.set(left.saturating_sub(1));
        left > 0
    }
}

/// A request that fulfils all of `inside` and lies in none of the statements of `outside`.
///
/// Each request found is shown to `confirm`, which may refuse it; then another is looked for, and where there is none the
/// outcome is unknown.
pub fn search(
    space: &Space,
    inside: &[Literal],
    outside: &[Vec<Literal>],
    confirm: &mut dyn FnMut(&Point) -> bool,
) -> Outcome {
    let mut search = Search { space, outside, confirm, left: MAX_DECISIONS, unknown: None };
    let Some(start) = search.start(inside) else { return search.failed() };
    match search.solve(start) {
        Some(point) => Outcome::Found(point),
        None => search.failed(),
    }
}

struct Search<'a> {
    space: &'a Space,
    outside: &'a [Vec<Literal>],
    confirm: &'a mut dyn FnMut(&Point) -> bool,
    left: usize,
    unknown: Option<String>,
}

/// What is asked so far in each dimension, and a request that fulfils it.
#[derive(Clone)]
struct Node {
    asked: Vec<Vec<(Rc<Atom>, bool)>>,
    places: Vec<Place>,
    /// Literals (by statement and number) that cannot fail any more, given what is asked.
    fixed: HashSet<(usize, usize)>,
}

/// A way out of a statement: this literal fails, as at this place.
struct Escape {
    literal: usize,
    place: Place,
}

impl Search<'_> {
    fn failed(&mut self) -> Outcome {
        self.unknown.take().map_or(Outcome::Nothing, Outcome::Unknown)
    }

    fn start(&mut self, inside: &[Literal]) -> Option<Node> {
        let mut asked: Vec<Vec<(Rc<Atom>, bool)>> = vec![Vec::new(); self.space.dimensions()];
        for literal in inside {
            if let Some(asked) = asked.get_mut(literal.dimension) {
                asked.push((Rc::clone(&literal.atom), true));
            }
        }
        let mut places = Vec::with_capacity(asked.len());
        for (dimension, asked) in asked.iter().enumerate() {
            places.push(self.place(dimension, asked)?);
        }
        Some(Node { asked, places, fixed: HashSet::new() })
    }

    /// A confirmed request below a node.
    fn solve(&mut self, mut node: Node) -> Option<Point> {
        loop {
            let Some((statement, mut escapes)) = self.tightest(&mut node)? else {
                let point = self.space.point(&node.places);
                if (self.confirm)(&point) {
                    return Some(point);
                }
                self.unknown
                    .get_or_insert_with(|| "a request was found that the evaluator judges otherwise".to_owned());
                return None;
            };
            let only = escapes.len() == 1;
            let escape = escapes.pop()?;
            if only {
                self.take(&mut node, statement, &escape);
                continue;
            }
            let mut below = node.clone();
            self.take(&mut below, statement, &escape);
            if let Some(point) = self.solve(below) {
                return Some(point);
            }
            if self.left == 0 {
                return None;
            }
            // Nothing was found where the literal fails: from here on it holds.
            self.keep(&mut node, statement, escape.literal)?;
        }
    }

    /// The statement that the node's request lies in with the fewest ways out; `Some(None)` where it lies in none,
    /// `None` where there is one without a way out.
    #[expect(
        clippy::option_option,
        reason = "no way out, nothing to escape, and something to escape are three answers"
    )]
    fn tightest(&mut self, node: &mut Node) -> Option<Option<(usize, Vec<Escape>)>> {
        let mut best: Option<(usize, Vec<Escape>)> = None;
        for (i, statement) in self.outside.iter().enumerate() {
            let inside = |l: &Literal| node.places.get(l.dimension).is_some_and(|place| l.atom.holds(place));
            if !statement.iter().all(inside) {
                continue;
            }
            let escapes = self.escapes(node, i, statement);
            match escapes.len() {
                0 => return None,
                1 => return Some(Some((i, escapes))),
                n if best.as_ref().is_none_or(|(_, b)| b.len() > n) => best = Some((i, escapes)),
                _ => {}
            }
        }
        Some(best)
    }

    /// The ways out of a statement.
    fn escapes(&mut self, node: &mut Node, number: usize, statement: &[Literal]) -> Vec<Escape> {
        let mut escapes = Vec::new();
        for (i, literal) in statement.iter().enumerate() {
            if node.fixed.contains(&(number, i)) {
                continue;
            }
            let mut asked = node.asked.get(literal.dimension).cloned().unwrap_or_default();
            asked.push((Rc::clone(&literal.atom), false));
            match self.place(literal.dimension, &asked) {
                Some(place) => escapes.push(Escape { literal: i, place }),
                None => {
                    node.fixed.insert((number, i));
                }
            }
        }
        escapes
    }

    /// Makes a literal of a statement fail from here on.
    fn take(&self, node: &mut Node, statement: usize, escape: &Escape) {
        let Some(literal) = self.outside.get(statement).and_then(|s| s.get(escape.literal)) else { return };
        if let Some(asked) = node.asked.get_mut(literal.dimension) {
            asked.push((Rc::clone(&literal.atom), false));
        }
        if let Some(place) = node.places.get_mut(literal.dimension) {
            place.clone_from(&escape.place);
        }
    }

    /// Makes a literal of a statement hold from here on. The node's request may have to move for it.
    fn keep(&mut self, node: &mut Node, statement: usize, number: usize) -> Option<()> {
        let literal = self.outside.get(statement)?.get(number)?;
        let asked = node.asked.get_mut(literal.dimension)?;
        asked.push((Rc::clone(&literal.atom), true));
        node.fixed.insert((statement, number));
        let place = node.places.get_mut(literal.dimension)?;
        if !literal.atom.holds(place) {
            *place = self.place(literal.dimension, node.asked.get(literal.dimension)?)?;
        }
        Some(())
    }

    fn place(&mut self, dimension: usize, asked: &[(Rc<Atom>, bool)]) -> Option<Place> {
        if self.left == 0 || !self.space.budget().take() {
            self.left = 0;
            self.unknown = Some(format!("the statements meet in more than {MAX_DECISIONS} ways"));
            return None;
        }
        self.left -= 1;
        match self.space.place(dimension, asked) {
            Found::Value(place) => Some(place),
            Found::Nothing => None,
            Found::Unknown(why) => {
                self.unknown = Some(why);
                None
            }
        }
    }
}
