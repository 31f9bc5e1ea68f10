//! Conditions that many rules have in common, tried once for each record: rules that name no call are tried on every record, and most
//! of them ask the same first: from outside? by a service? done?

use crate::event::Field;
use crate::observe::Rules;
use crate::predicate::{Case, Predicate, Test};
use std::cell::Cell;
use std::collections::HashMap;

/// Of which records a condition's answer for one is the answer, in CloudTrail: what it asks for is the same in all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// Of all of one session that ended alike: it asks who calls, from where, with what, and how it ended.
    Session,
    /// Of those among them that have the same name: it asks for the name, too, or what goes with it.
    Named,
    /// Of no other.
    Record,
}

impl Scope {
    /// Of a condition.
    pub fn of(p: &Predicate) -> Self {
        match p {
            Predicate::Always(_) | Predicate::ByService | Predicate::ForPerson => Self::Session,
            Predicate::All(parts) | Predicate::Any(parts) => parts.iter().map(Self::of).max().unwrap_or(Self::Session),
            Predicate::Not(p) | Predicate::Shared(_, p) => Self::of(p),
            Predicate::Test(field, _) | Predicate::Count(field, ..) => field.scope(),
            Predicate::Same(a, b) => a.scope().max(b.scope()),
            Predicate::Exists(..) | Predicate::Sigma(_) | Predicate::Pattern(_) => Self::Record,
        }
    }
}

/// Answers that hold for all records of a session, by the number of a shared condition of [`Scope::Session`]; of one of Sigma's rules
/// whether it may hold for any of them.
#[derive(Debug, Default)]
pub struct Cells {
    known: Vec<Cell<Option<bool>>>,
}

impl Cells {
    /// For as many conditions as a memo.
    pub fn new(memo: &Memo) -> Self {
        Self { known: vec![Cell::default(); memo.known.len()] }
    }

    /// What is known, or what `ask` answers.
    pub fn get(&self, number: usize, ask: impl FnOnce() -> bool) -> bool {
        let Some(cell) = self.known.get(number) else { return ask() };
        cell.get().unwrap_or_else(|| {
            let answer = ask();
            cell.set(Some(answer));
            answer
        })
    }
}

/// What is known of one record so far, by the number of a shared condition.
#[derive(Debug, Default)]
pub struct Memo {
    known: Vec<Cell<(u32, bool)>>,
    scopes: Vec<Scope>,
    record: u32,
}

impl Memo {
    /// For the shared conditions of these rules.
    pub fn new(rules: &Rules) -> Self {
        let scopes = rules.scopes().to_vec();
        Self { known: vec![Cell::default(); scopes.len()], scopes, record: 0 }
    }

    /// Of which records a shared condition's answer is the answer.
    pub fn scope(&self, number: usize) -> Scope {
        self.scopes.get(number).copied().unwrap_or(Scope::Record)
    }

    /// Forgets: another record comes.
    pub fn next(&mut self) {
        self.record = self.record.wrapping_add(1);
        if self.record == 0 {
            self.record = 1;
            self.known.fill(Cell::default());
        }
    }

    /// What is known of the record, or of all of its session, or what `ask` answers.
    pub fn get(&self, number: usize, session: Option<&Cells>, ask: impl FnOnce() -> bool) -> bool {
        if let Some(cells) = session.filter(|_| self.scope(number) == Scope::Session) {
            return cells.get(number, ask);
        }
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
    scopes: Vec<Scope>,
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

    /// Of which records their answers are the answer, by number.
    pub fn scopes(self) -> Vec<Scope> {
        self.scopes
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
                if number == next {
                    self.scopes.push(Scope::of(&inner));
                }
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
        Predicate::ForPerson => "for a person".to_owned(),
        Predicate::All(_) | Predicate::Any(_) | Predicate::Sigma(_) | Predicate::Pattern(_) => return None,
    })
}

/// What comes first costs least: fields that are at hand, then columns, then what lies below them.
fn cost(p: &Predicate) -> u32 {
    match p {
        Predicate::Always(_) => 0,
        Predicate::Shared(_, p) | Predicate::Not(p) => cost(p),
        Predicate::ByService => 2,
        Predicate::ForPerson => 16,
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
