//! Conditions that many rules have in common, tried once for each record: rules that name no call are tried on every record, and most
//! of them ask the same first: from outside? by a service? done?

use crate::event::Field;
use crate::observe::Rules;
use crate::predicate::{Case, Predicate, Test};
use std::cell::Cell;
use std::collections::HashMap;

/// What is known of one record so far, by the number of a shared condition.
#[derive(Debug, Default)]
pub struct Memo {
    known: Vec<Cell<(u32, bool)>>,
    record: u32,
}

impl Memo {
    /// For the shared conditions of these rules.
    pub fn new(rules: &Rules) -> Self {
        Self { known: vec![Cell::default(); rules.shared()], record: 0 }
    }

    /// Forgets: another record comes.
    pub fn next(&mut self) {
        self.record = self.record.wrapping_add(1);
        if self.record == 0 {
            self.record = 1;
            self.known.fill(Cell::default());
        }
    }

    /// What is known, or what `ask` answers.
    pub fn get(&self, number: usize, ask: impl FnOnce() -> bool) -> bool {
        let Some(cell) = self.known.get(number) else { return ask() };
        match cell.get() {
            (record, known) if record == self.record && record != 0 => known,
            _ => {
                let answer = ask();
                cell.set((self.record, answer));
                answer
            }
        }
    }
}

/// Gives conditions their numbers.
#[derive(Debug, Default)]
pub struct Sharing {
    numbers: HashMap<String, usize>,
}

impl Sharing {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// The same condition: each part of it that looks at nothing but the record has a number, equal ones the same, and what costs least
    /// is tried first. The order is of no matter to the answer: parts remember nothing.
    pub fn share(&mut self, p: &Predicate) -> Predicate {
        let (inner, key) = match p {
            Predicate::All(all) => self.list(all, true),
            Predicate::Any(any) => self.list(any, false),
            Predicate::Not(p) => match self.share(p) {
                // Its part is known by number; to turn the answer round costs nothing.
                shared @ Predicate::Shared(..) => return Predicate::Not(Box::new(shared)),
                other => return Predicate::Not(Box::new(other)),
            },
            Predicate::Always(_) | Predicate::Shared(..) => return p.clone(),
            Predicate::Sigma(rule) => (p.clone(), Some(rule.key())),
            Predicate::Pattern(_) => return p.clone(),
            other => (other.clone(), key(other)),
        };
        match key {
            Some(key) => {
                let next = self.numbers.len();
                let number = *self.numbers.entry(key).or_insert(next);
                Predicate::Shared(number, Box::new(inner))
            }
            None => inner,
        }
    }

    fn list(&mut self, parts: &[Predicate], all: bool) -> (Predicate, Option<String>) {
        let mut parts: Vec<Predicate> = parts.iter().map(|p| self.share(p)).collect();
        parts.sort_by_key(cost);
        let keys: Option<Vec<String>> = parts.iter().map(key).collect();
        let word = if all { "all" } else { "any" };
        let key = keys.map(|k| format!("{word}({})", k.join(",")));
        (if all { Predicate::All(parts) } else { Predicate::Any(parts) }, key)
    }
}

/// A text that equal conditions have in common, and others not. None of what looks at the element of a list.
fn key(p: &Predicate) -> Option<String> {
    Some(match p {
        Predicate::Shared(n, _) => format!("#{n}"),
        Predicate::Not(p) => format!("not({})", key(p)?),
        Predicate::Always(answer) => format!("always {answer}"),
        Predicate::Test(Field::Item(_), _)
        | Predicate::Same(Field::Item(_), _)
        | Predicate::Same(_, Field::Item(_)) => {
            return None;
        }
        Predicate::Test(field, Test::Is(these, case)) => {
            let mut these: Vec<&String> = these.iter().collect();
            these.sort_unstable();
            format!("{field:?} is {case:?} {these:?}")
        }
        Predicate::Test(field, test) => format!("{field:?} {test:?}"),
        Predicate::Same(a, b) => format!("{a:?} same {b:?}"),
        Predicate::Count(Field::Item(_), ..) | Predicate::Exists(..) => return None,
        Predicate::Count(field, order, bound) => format!("{field:?} count {order:?} {bound:?}"),
        Predicate::ByService => "by service".to_owned(),
        Predicate::All(_) | Predicate::Any(_) | Predicate::Sigma(_) | Predicate::Pattern(_) => return None,
    })
}

/// What comes first costs least: fields that are at hand, then columns, then what lies below them.
fn cost(p: &Predicate) -> u32 {
    match p {
        Predicate::Always(_) => 0,
        Predicate::Shared(_, p) | Predicate::Not(p) => cost(p),
        Predicate::ByService => 2,
        Predicate::Test(field, test) => of_field(field) * of_test(test),
        Predicate::Same(a, b) => of_field(a) + of_field(b),
        Predicate::Count(field, ..) => of_field(field) * 2,
        Predicate::All(parts) | Predicate::Any(parts) => parts.iter().map(cost).fold(1, u32::saturating_add),
        Predicate::Exists(field, p) => of_field(field) * 4 + cost(p),
        Predicate::Sigma(_) => 200,
        Predicate::Pattern(_) => 1000,
    }
}

fn of_field(field: &Field) -> u32 {
    match field {
        Field::Role(_) | Field::Account | Field::Region | Field::Identity | Field::Item(_) => 1,
        Field::Network => 4,
        Field::Rest(..) => 3,
        Field::Column(_, below) if below.is_empty() => 1,
        Field::Column(_, below) => u32::try_from(below.len()).unwrap_or(100).saturating_mul(8),
    }
}

fn of_test(test: &Test) -> u32 {
    match test {
        Test::Present | Test::True | Test::Is(_, Case::Exact) | Test::Number(..) => 1,
        Test::Is(..) | Test::Begins(..) | Test::Ends(..) | Test::OtherAccount => 2,
        Test::PublicAddress | Test::Within(_) | Test::Listed(_) => 3,
        Test::Holds(these, _) => 3 + u32::try_from(these.len()).unwrap_or(100),
        Test::Matches(_) => 12,
        Test::PublicPolicy | Test::AdminPolicy => 60,
    }
}
