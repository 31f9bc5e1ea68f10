//! What records of one name have in common: which rules may concern them, and the numbers of what was called.

use super::rules::{Rules, plain_name};
use crate::event::{Event, TRAIL};
use crate::hash::{Hash, hash};
use crate::intel::Lists;
use foldhash::HashMap;
use foldhash::fast::RandomState;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hasher};
use yagura_logs::json::{Kind, Raw};

/// A column's value, as it stands in a record.
pub(super) type Value = Option<(Kind, Box<str>)>;

/// A value of its own.
pub(super) fn kept(raw: Option<Raw<'_>>) -> Value {
    raw.map(|r| (r.kind, r.text.into()))
}

/// Whether a value is the one that was kept.
pub(super) fn same(kept: &Value, raw: Option<Raw<'_>>) -> bool {
    kept.as_ref().map(|(kind, text)| (*kind, &**text)) == raw.map(|r| (r.kind, r.text))
}

/// How many names are kept in mind, and how long they may be: what a request's path says is a name, too.
const NAMES: usize = 1 << 14;
const LONGEST: usize = 256;

/// Records of one log, source and name, and in CloudTrail of one type that read or do not.
pub(super) struct Named {
    /// Its own number.
    pub number: u32,
    /// The rules that they are tried on.
    pub rules: Box<[u32]>,
    /// What habits learn of CloudTrail's: the call and the service.
    pub called: [Hash; 2],
    /// Whether statistics may read something of them.
    pub measures: bool,
    /// Whether they may tell whom a call made out of whom.
    pub links: bool,
    table: &'static str,
    source: Box<str>,
    name: Box<str>,
    columns: [Value; 4],
}

/// Names at hand.
#[derive(Default)]
pub(super) struct Names {
    by_number: HashMap<u64, Named>,
    seed: RandomState,
    numbers: u32,
}

impl Names {
    /// What is known of a record by its name.
    pub fn of(&mut self, event: &Event<'_, '_>, (source, name): (&str, &str), rules: &Rules, lists: &Lists) -> &Named {
        if self.by_number.len() >= NAMES {
            self.by_number.clear();
        }
        let table = event.record.table.name();
        let trail = event.record.table.source.name == "cloudtrail";
        let column = |n: usize| event.record.slots().get(n).copied().flatten();
        let columns = if trail { TRAIL.name.map(column) } else { [None; 4] };
        let mut number = self.seed.build_hasher();
        for text in [table, source, name] {
            number.write(text.as_bytes());
        }
        for raw in columns.iter().skip(2) {
            number.write(raw.map_or("", |r| r.text).as_bytes());
        }
        let numbers = &mut self.numbers;
        let mut anew = || {
            *numbers = numbers.wrapping_add(1);
            Named {
                number: *numbers,
                rules: concerned(table, source, name, rules, lists),
                measures: !trail || crate::measure::of_trail(name),
                links: trail && crate::links::tells(name),
                called: if trail { [hash(source) ^ hash(name).rotate_left(17), hash(source)] } else { [0; 2] },
                table,
                source: source.into(),
                name: name.into(),
                columns: columns.map(kept),
            }
        };
        let long = source.len() + name.len() + columns.iter().flatten().map(|r| r.text.len()).sum::<usize>();
        // Those that are too long have one place together.
        let number = if long > 4 * LONGEST { 0 } else { number.finish() };
        match self.by_number.entry(number) {
            Entry::Occupied(known) => {
                let known = known.into_mut();
                let is = known.table == table
                    && *known.source == *source
                    && *known.name == *name
                    && known.columns.iter().zip(columns).all(|(kept, raw)| same(kept, raw));
                if !is {
                    *known = anew();
                }
                known
            }
            Entry::Vacant(free) => free.insert(anew()),
        }
    }
}

/// The rules that records of this name from this source are tried on.
fn concerned(table: &'static str, source: &str, name: &str, rules: &Rules, lists: &Lists) -> Box<[u32]> {
    let Some(of) = rules.tables.get(table) else { return Box::default() };
    let (small_name, small_source) = (name.to_ascii_lowercase(), source.to_ascii_lowercase());
    let all = [
        of.named.get(plain_name(name)),
        of.sourced.get(source),
        Some(&of.any),
        of.sigma_named.get(small_name.as_str()),
        of.sigma_sourced.get(small_source.as_str()),
    ];
    let fits = |rule: &u32| {
        let (Some(d), Some(how)) = (rules.get(*rule), rules.tries.get(*rule as usize)) else { return false };
        let asked = if how.sigma { small_source.as_str() } else { source };
        (d.index.sources.is_empty() || d.index.sources.contains(asked)) && how.condition.possible(lists)
    };
    all.into_iter().flatten().flatten().copied().filter(fits).collect()
}
