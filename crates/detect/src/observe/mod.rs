//! The first half of the work, done where records are decoded, on any thread and in any order: which rules a record matches by
//! itself, and what of it the second half ([`crate::engine`]) needs. Nothing here remembers another record.

mod mind;
mod observed;
mod read;
mod rules;

pub use observed::{Correlated, Habit, Hit, Link, Measured, Notes, Observed, Seen};
pub(crate) use read::{identity_of, seen, source};
pub use rules::{Correlating, Rules, plain_name};

use crate::event::Event;
use crate::hash::Hash;
use crate::intel::Lists;
use crate::predicate::Against;
use crate::share::Memo;
use foldhash::HashMap;
use mind::{first, news};
use read::{habit, hit};
use rules::OfTable;
use smol_str::SmolStr;
use std::sync::Arc;
use yagura_logs::envelope::{Envelope, Role};
use yagura_logs::record::Record;
/// Looks at records.
pub struct Observer<'o> {
    rules: &'o Rules,
    lists: Arc<Lists>,
    /// The earliest record with these values that a rule about habits was hit by: a later one with the same values is no news.
    told: HashMap<(u8, Hash), i64>,
    /// The earliest record of each value that is counted, in each grain of time.
    counted: HashMap<Hash, (i64, u128)>,
    /// What is known of the record at hand.
    memo: Memo,
    /// By table, source and name: which rules are tried.
    tried: HashMap<&'static str, HashMap<SmolStr, OfNames>>,
    /// How many those are.
    names: usize,
}

/// Which rules are tried, by the name of a record.
type OfNames = HashMap<SmolStr, Arc<[u32]>>;

/// How many names of records are remembered with their rules, and how long they may be: what a request's path says is a name, too.
const NAMES: usize = 1 << 14;
const LONGEST_NAME: usize = 256;

impl<'o> Observer<'o> {
    /// With these rules and lists.
    pub fn new(rules: &'o Rules, lists: Arc<Lists>) -> Self {
        Self {
            rules,
            lists,
            told: HashMap::default(),
            counted: HashMap::default(),
            memo: Memo::new(rules),
            tried: HashMap::default(),
            names: 0,
        }
    }

    /// What a record comes to; nothing where it has no time, which [`crate::run`] counts.
    pub fn look(&mut self, text: &str, record: &Record<'_>, envelope: &Envelope<'_>) -> Option<Observed> {
        let time = envelope.time?;
        let event = Event { text, record, envelope };
        let source = source(record);
        let id = identity_of(text, record);
        let mut notes = Notes { measured: crate::measure::measured(&event), ..Notes::default() };
        if record.table.source.name == "cloudtrail" {
            crate::links::links(&event, &mut notes.links);
        }
        let habit = habit(&event, source);
        self.hits(&event, (source, id), habit.as_ref(), &mut notes.hits);
        let login = matches!(notes.measured, Some(Measured::Login { .. }));
        if !notes.hits.is_empty() || login {
            notes.seen = Some(seen(&event, source, id));
        } else if notes.measured.is_some() {
            let own = |t: Option<&str>| t.map(SmolStr::new).unwrap_or_default();
            let [account, region] = [envelope.account.as_deref(), envelope.region.as_deref()].map(own);
            notes.place = [account, region, crate::links::instance(&event)];
        }
        let idle = notes.hits.is_empty() && notes.links.is_empty() && notes.measured.is_none();
        Some(Observed { time, id, habit, notes: (!idle).then(|| Box::new(notes)) })
    }

    /// The rules that records of this name from this source are tried on.
    fn tried(&mut self, of: &OfTable, table: &'static str, source: &str, name: &str) -> Arc<[u32]> {
        if let Some(known) = self.tried.get(table).and_then(|t| t.get(source)?.get(name)) {
            return known.clone();
        }
        let (small_name, small_source) = (name.to_ascii_lowercase(), source.to_ascii_lowercase());
        let lists = [
            of.named.get(plain_name(name)),
            of.sourced.get(source),
            Some(&of.any),
            of.sigma_named.get(small_name.as_str()),
            of.sigma_sourced.get(small_source.as_str()),
        ];
        let fits = |rule: &u32| {
            let (Some(d), Some(how)) = (self.rules.get(*rule), self.rules.tries.get(*rule as usize)) else {
                return false;
            };
            let asked = if how.sigma { small_source.as_str() } else { source };
            (d.index.sources.is_empty() || d.index.sources.contains(asked)) && how.condition.possible(&self.lists)
        };
        let rules: Arc<[u32]> = lists.into_iter().flatten().flatten().copied().filter(fits).collect();
        if self.names >= NAMES {
            (self.tried, self.names) = (HashMap::default(), 0);
        }
        if name.len() <= LONGEST_NAME && source.len() <= LONGEST_NAME {
            self.names += 1;
            self.tried.entry(table).or_default().entry(source.into()).or_default().insert(name.into(), rules.clone());
        }
        rules
    }

    fn hits(&mut self, event: &Event<'_, '_>, (source, id): (&str, u128), habit: Option<&Habit>, hits: &mut Vec<Hit>) {
        let Some(of) = self.rules.tables.get(event.record.table.name()) else { return };
        let name = event.role(Role::Event).unwrap_or_default();
        let tried = self.tried(of, event.record.table.name(), source, &name);
        self.memo.next();
        let against = Against { lists: &self.lists, memo: &self.memo };
        // By the dimensions that are asked about: whether the record may have anything new in them.
        let mut asked_before: [(u8, bool); 4] = [(0, false); 4];
        for rule in tried.iter().copied() {
            let (Some(d), Some(how)) = (self.rules.get(rule), self.rules.tries.get(rule as usize)) else { continue };
            if how.dims != 0 {
                let Some(habit) = habit else { continue };
                let known = asked_before.iter().find(|(dims, _)| *dims == how.dims).map(|(_, news)| *news);
                let may = known.unwrap_or_else(|| {
                    let may = news(&mut self.told, how.dims, habit, event);
                    if let Some(free) = asked_before.iter_mut().find(|(dims, _)| *dims == 0) {
                        *free = (how.dims, may);
                    }
                    may
                });
                if !may {
                    continue;
                }
            }
            if how.condition.holds(event, against) {
                let mut hit = hit(rule, d, event);
                if let Some(count) = d.count.as_ref().filter(|c| c.of.is_some())
                    && !first(&mut self.counted, count, &hit, event.envelope.time.unwrap_or_default(), id)
                {
                    continue;
                }
                if let Some(heard) = self.rules.heard.get(&rule) {
                    hit.correlated = crate::foreign::correlated(self.rules, heard, event);
                }
                hits.push(hit);
            }
        }
    }
}
