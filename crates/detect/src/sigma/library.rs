//! Documents from many files put together: filters applied, references resolved.

use super::condition::Condition;
use super::correlation::Correlation;
use super::read::{Document, Problem};
use super::rule::{About, Logsource, Rule, Selection};
use smol_str::SmolStr;

/// A filter: what its condition refuses, no rule that it is for fires on.
/// <https://github.com/SigmaHQ/sigma-specification/blob/main/specification/sigma-filters-specification.md>
///
/// As in Sigma's own tool, the condition is added to the rules' conditions: a filter that takes something out says `not selection`.
#[derive(Debug, Clone)]
pub struct Filter {
    /// Its words.
    pub about: About,
    /// The rules of which log source it is for.
    pub logsource: Logsource,
    /// The rules that it is for, by id or name; nothing where it is for all of its log source.
    pub rules: Option<Vec<SmolStr>>,
    /// Placeholders for which nothing was given.
    pub unfilled: Vec<SmolStr>,
    pub(super) selections: Vec<Selection>,
    pub(super) condition: Condition,
}

/// What a correlation listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// A rule, by its place in [`Library::rules`].
    Rule(usize),
    /// A correlation, by its place in [`Library::correlations`].
    Correlation(usize),
}

/// Rules and correlations that fit together.
#[derive(Debug, Clone, Default)]
pub struct Library {
    /// All rules, their filters applied.
    pub rules: Vec<Rule>,
    /// All correlations whose rules are there.
    pub correlations: Vec<Correlation>,
    /// For each correlation what it listens to, in the order of its rules.
    pub listens: Vec<Vec<Signal>>,
    /// For each rule whether it alerts by itself: not where correlations use it and none of them has `generate`.
    pub alone: Vec<bool>,
}

impl Library {
    /// Puts documents together. What does not fit is left out and told.
    pub fn new(documents: impl IntoIterator<Item = Document>) -> (Self, Vec<Problem>) {
        let (mut library, mut filters, mut correlations) = (Self::default(), Vec::new(), Vec::new());
        for document in documents {
            match document {
                Document::Rule(r) => library.rules.push(r),
                Document::Correlation(c) => correlations.push(c),
                Document::Filter(f) => filters.push(f),
            }
        }
        let mut problems = library.doubles(&correlations);
        for filter in &filters {
            library.apply(filter, &mut problems);
        }
        library.correlate(correlations, &mut problems);
        (library, problems)
    }

    fn doubles(&self, correlations: &[Correlation]) -> Vec<Problem> {
        let mut seen = std::collections::HashMap::new();
        let mut problems = Vec::new();
        let all = self.rules.iter().map(|r| &r.about).chain(correlations.iter().map(|c| &c.about));
        for about in all {
            for reference in about.id.iter().chain(&about.name) {
                if let Some(first) = seen.insert(reference.clone(), about) {
                    problems.push(problem(
                        about,
                        format!("`{reference}` is also what {}:{} is called", first.path, first.line),
                    ));
                }
            }
        }
        problems
    }

    fn apply(&mut self, filter: &Filter, problems: &mut Vec<Problem>) {
        for reference in filter.rules.iter().flatten() {
            if !self.rules.iter().any(|r| r.about.is(reference)) {
                problems
                    .push(problem(&filter.about, format!("the filter is for `{reference}`, which no rule is called")));
            }
        }
        for rule in &mut self.rules {
            let named = filter.rules.as_ref().is_none_or(|all| all.iter().any(|r| rule.about.is(r)));
            if named && within(&filter.logsource, &rule.logsource) {
                let offset = rule.selections.len();
                rule.selections.extend(filter.selections.iter().cloned());
                let before = std::mem::replace(&mut rule.condition, Condition::All(Vec::new()));
                rule.condition = Condition::All(vec![before, moved(&filter.condition, offset)]);
                rule.unfilled.extend(filter.unfilled.iter().cloned());
                rule.index();
            }
        }
    }

    /// Resolves what correlations refer to. One that refers to what is not there, or in the end to itself, is left out, and with it
    /// whatever refers to it.
    fn correlate(&mut self, mut correlations: Vec<Correlation>, problems: &mut Vec<Problem>) {
        let mut used = vec![(false, false); self.rules.len()];
        // A correlation is settled once all that it listens to is: what stays behind goes round in circles.
        loop {
            let mut waiting = Vec::new();
            let before = correlations.len();
            let names: Vec<About> = correlations.iter().map(|c| c.about.clone()).collect();
            for (place, c) in correlations.into_iter().enumerate() {
                let mut missing = None;
                let mut later = false;
                let mut listens = Vec::new();
                for reference in &c.rules {
                    if let Some(rule) = self.rules.iter().position(|r| r.about.is(reference)) {
                        listens.push(Signal::Rule(rule));
                    } else if let Some(other) = self.correlations.iter().position(|o| o.about.is(reference)) {
                        listens.push(Signal::Correlation(other));
                    } else if names.iter().any(|n| n.is(reference)) {
                        later = true;
                    } else {
                        missing.get_or_insert(reference);
                    }
                }
                if let Some(reference) = missing {
                    let message = format!("the correlation is about `{reference}`, which no rule is called");
                    problems.extend(names.get(place).map(|about| problem(about, message)));
                } else if later {
                    waiting.push(c);
                } else {
                    for signal in &listens {
                        if let Signal::Rule(rule) = signal
                            && let Some((any, generate)) = used.get_mut(*rule)
                        {
                            (*any, *generate) = (true, *generate || c.generate);
                        }
                    }
                    self.correlations.push(c);
                    self.listens.push(listens);
                }
            }
            if waiting.is_empty() {
                break;
            }
            if waiting.len() == before {
                problems.extend(
                    waiting.iter().map(|c| problem(&c.about, "the correlation is in the end about itself".to_owned())),
                );
                break;
            }
            correlations = waiting;
        }
        self.alone = used.iter().map(|(any, generate)| !any || *generate).collect();
    }
}

fn problem(about: &About, message: String) -> Problem {
    Problem { file: about.path.clone(), line: about.line, column: 1, message }
}

/// Whether a rule's log source is all that a filter's says.
fn within(filter: &Logsource, rule: &Logsource) -> bool {
    let same = |f: &Option<SmolStr>, r: &Option<SmolStr>| f.is_none() || f == r;
    same(&filter.product, &rule.product)
        && same(&filter.category, &rule.category)
        && same(&filter.service, &rule.service)
}

fn moved(condition: &Condition, by: usize) -> Condition {
    match condition {
        Condition::All(list) => Condition::All(list.iter().map(|c| moved(c, by)).collect()),
        Condition::Any(list) => Condition::Any(list.iter().map(|c| moved(c, by)).collect()),
        Condition::Not(inner) => Condition::Not(Box::new(moved(inner, by))),
        Condition::Is(place) => Condition::Is(place + by),
    }
}
