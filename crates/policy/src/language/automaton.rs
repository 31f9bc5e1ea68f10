//! The exact search for a string: a product of automata, built where it is walked.

use super::pattern::{Pattern, Run, Symbol};
use super::{Answer, StringSet};
use std::collections::HashMap;

/// How many joint places of all patterns are looked at.
const MAX_STATES: usize = 20_000;

/// How many steps of single patterns are made; a long pattern counts more.
const MAX_STEPS: usize = 4_000_000;

/// The longest pattern that is walked. AWS takes no ARN of more than 2,048 characters.
const MAX_LENGTH: usize = 4_096;

/// Letters for places where any will do, the likeliest first.
const LETTERS: &str = "example0123456789bcdfghijknoqrstuvwyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_./+=@,~!#%&()";

type State = Vec<Run>;

/// A shortest string that every set holds.
///
/// Breadth-first over the joint runs of all patterns. From a state, two characters lead to the same state unless some
/// pattern waits for one of them by name (or for anything but `:`), so that only those and one other need be tried.
pub(super) fn search(sets: &[&StringSet]) -> Answer {
    let patterns: Vec<&Pattern> = sets.iter().flat_map(|set| set.patterns()).collect();
    if patterns.iter().any(|p| p.symbols().len() > MAX_LENGTH) {
        return Answer::Unknown(format!("a pattern is longer than {MAX_LENGTH} characters"));
    }
    let weight: usize = patterns.iter().map(|p| 1 + p.symbols().len() / 64).sum();
    let start: State = patterns.iter().map(|p| Run::start(p)).collect();
    let mut seen: HashMap<State, usize> = HashMap::new();
    // Each state, the one before it and the character between them.
    let mut queue: Vec<(State, usize, char)> = Vec::new();
    let mut skipped_wildcard = false;
    let mut steps = 0;
    if !is_hopeless(sets, &start) {
        seen.insert(start.clone(), 0);
        queue.push((start, usize::MAX, ' '));
    }
    let mut at = 0;
    while let Some((state, ..)) = queue.get(at) {
        let state = state.clone();
        if accepts(sets, &state) {
            return Answer::Found(spell(&queue, at));
        }
        for c in characters(&patterns, &state) {
            // A request's resource that holds a wildcard would be read as a pattern.
            if matches!(c, '*' | '?') {
                skipped_wildcard = true;
                continue;
            }
            let mut next = state.clone();
            for (run, pattern) in next.iter_mut().zip(&patterns) {
                run.step(pattern, c);
            }
            steps += weight;
            if !is_hopeless(sets, &next) && !seen.contains_key(&next) {
                seen.insert(next.clone(), queue.len());
                queue.push((next, at, c));
            }
        }
        if queue.len() > MAX_STATES || steps > MAX_STEPS {
            return Answer::Unknown(format!("the patterns meet in more than {} ways", queue.len().min(MAX_STATES)));
        }
        at += 1;
    }
    if skipped_wildcard {
        return Answer::Unknown("only a string that holds `*` or `?` itself would do".to_owned());
    }
    Answer::Empty
}

/// The runs of each set in turn.
fn by_set<'s>(sets: &'s [&StringSet], state: &'s State) -> impl Iterator<Item = (&'s StringSet, &'s [Run])> {
    let mut rest = state.as_slice();
    sets.iter().map(move |set| {
        let (own, tail) = rest.split_at_checked(set.patterns().len()).unwrap_or((rest, &[]));
        rest = tail;
        (*set, own)
    })
}

/// Whether no continuation can be of every set.
fn is_hopeless(sets: &[&StringSet], state: &State) -> bool {
    by_set(sets, state).any(|(set, runs)| {
        if set.is_complement() {
            runs.iter().zip(set.patterns()).any(|(run, pattern)| run.accepts_all(pattern))
        } else {
            runs.iter().all(Run::is_dead)
        }
    })
}

fn accepts(sets: &[&StringSet], state: &State) -> bool {
    by_set(sets, state).all(|(set, runs)| {
        let any = runs.iter().zip(set.patterns()).any(|(run, pattern)| run.accepts(pattern));
        any != set.is_complement()
    })
}

/// One character of each class that the state tells apart.
fn characters(patterns: &[&Pattern], state: &State) -> Vec<char> {
    let mut named: Vec<char> = Vec::new();
    for (run, pattern) in state.iter().zip(patterns) {
        for symbol in run.waiting(pattern) {
            match symbol {
                Symbol::Char(c) => {
                    named.push(c);
                    if pattern.ignores_case() && c.is_ascii_alphabetic() {
                        named.push(if c.is_ascii_lowercase() {
                            c.to_ascii_uppercase()
                        } else {
                            c.to_ascii_lowercase()
                        });
                    }
                }
                Symbol::OneInSegment | Symbol::ManyInSegment => named.push(':'),
                Symbol::Digit => named.extend('0'..='9'),
                Symbol::One | Symbol::Many => {}
            }
        }
    }
    let mut distinct = Vec::with_capacity(named.len() + 1);
    for c in named {
        if !distinct.contains(&c) {
            distinct.push(c);
        }
    }
    let mut others = LETTERS.chars().chain('\u{4E00}'..);
    distinct.extend(others.find(|c| !distinct.contains(c)));
    distinct
}

fn spell(queue: &[(State, usize, char)], mut at: usize) -> String {
    let mut reversed = Vec::new();
    while let Some((_, before, c)) = queue.get(at).filter(|(_, before, _)| *before != usize::MAX) {
        reversed.push(*c);
        at = *before;
    }
    reversed.iter().rev().collect()
}
