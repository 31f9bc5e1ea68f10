//! The first half of the work, done where records are decoded, on any thread and in any order: which rules a record matches by
//! itself, and what of it the second half ([`crate::engine`]) needs. Nothing here remembers another record.

mod mind;
mod named;
mod observed;
mod read;
mod rules;
mod session;

pub(crate) use observed::name_of;
pub use observed::{Alike, Correlated, Habit, Hit, Link, Measured, Noted, Notes, Observed, Seen};
pub(crate) use read::{identity_of, seen, source};
pub use rules::{Correlating, Rules, plain_name};

use crate::event::Event;
use crate::intel::Lists;
use crate::predicate::Against;
use crate::share::Memo;
use mind::{About, Mind};
use named::Names;
use read::{Region, habit, plain_identity, usual};
use session::{Sessions, Trying};
use smol_str::SmolStr;
use std::sync::Arc;
use yagura_logs::envelope::{Envelope, Role};
use yagura_logs::record::Record;
/// Looks at records.
pub struct Observer<'o> {
    rules: &'o Rules,
    lists: Arc<Lists>,
    /// What is known of the record at hand.
    memo: Memo,
    /// What is known of records by their names.
    names: Names,
    /// What is known of records by who made them.
    sessions: Sessions,
    mind: Mind,
    region: Region,
    /// The hits of the record at hand.
    hits: Vec<Hit>,
    /// What sessions took up of late.
    answers: usize,
}

impl<'o> Observer<'o> {
    /// With these rules and lists.
    pub fn new(rules: &'o Rules, lists: Arc<Lists>) -> Self {
        Self {
            rules,
            lists,
            memo: Memo::new(rules),
            names: Names::default(),
            sessions: Sessions::default(),
            mind: Mind::default(),
            region: Region::default(),
            hits: Vec::new(),
            answers: 0,
        }
    }

    /// What a record comes to; nothing where it has no time, which [`crate::run`] counts.
    pub fn look(&mut self, text: &str, record: &Record<'_>, envelope: &Envelope<'_>) -> Option<Observed> {
        let time = envelope.time?;
        let event = Event { text, record, envelope };
        let source = source(record);
        let trail = record.table.source.name == "cloudtrail";
        let plain = if trail { plain_identity(record) } else { None };
        let id = plain.unwrap_or_else(|| identity_of(text, record));
        self.memo.next();
        let name = event.role(Role::Event).unwrap_or_default();
        let named = self.names.of(&event, (source, &name), self.rules, &self.lists);
        let measured = if named.measures { crate::measure::measured(&event) } else { None };
        let sighted = crate::measure::sighted(&event, self.lists.places());
        let measures = measured.is_some() || sighted.is_some();
        let mut links = Vec::new();
        if named.links {
            crate::links::links(&event, &mut links);
        }
        let against = Against { lists: &self.lists, memo: &self.memo, session: None };
        self.sessions.grew(std::mem::take(&mut self.answers));
        let mut session = self.sessions.of(&event, &self.memo);
        let left = match &mut session {
            Some(session) => {
                let (place, new) = session.tried(named, &event, self.rules, against);
                self.answers += new;
                place
            }
            None => 0,
        };
        let usual = match &session {
            Some(session) => session.usual,
            None => trail.then(|| usual(&event)).flatten(),
        };
        let habit = usual.map(|usual| habit(&event, usual, named.called, self.region.of(envelope)));
        let person = session.as_ref().map(|session| &session.person);
        let about = About { rules: self.rules, id, habit: habit.as_ref(), person };
        self.hits.clear();
        match &session {
            Some(session) => {
                let against = Against { session: Some(session.cells()), ..against };
                self.mind.hits(&event, &about, session.left(left).iter(), against, &mut self.hits);
            }
            None => {
                let all: Vec<Trying> = named.rules.iter().copied().map(Trying::anew).collect();
                self.mind.hits(&event, &about, all.iter(), against, &mut self.hits);
            }
        }
        if self.hits.is_empty() && links.is_empty() && !measures {
            return Some(Observed { time, id, habit, notes: Noted::Nothing });
        }
        let alike = |hit: &Hit| self.rules.tries.get(hit.rule as usize).is_some_and(|how| how.makes_alike(hit));
        let plain = plain.filter(|_| links.is_empty() && !measures && self.hits.iter().all(alike));
        if let (Some(session), Some(id)) = (&mut session, plain) {
            let alike = session.alike(left, &self.hits, &event, source, id);
            return Some(Observed { time, id, habit, notes: Noted::Alike(Box::new(alike)) });
        }
        let mut notes = Notes { hits: std::mem::take(&mut self.hits), links, measured, sighted, ..Notes::default() };
        let login = matches!(notes.measured, Some(Measured::Login { .. }));
        if !notes.hits.is_empty() || login || notes.sighted.is_some() {
            notes.seen = Some(match session {
                Some(session) => session.seen(&event, source, id),
                None => seen(&event, source, id),
            });
        } else if notes.measured.is_some() {
            let own = |t: Option<&str>| t.map(SmolStr::new).unwrap_or_default();
            let [account, region] = [envelope.account.as_deref(), envelope.region.as_deref()].map(own);
            notes.place = [account, region, crate::links::instance(&event)];
        }
        Some(Observed { time, id, habit, notes: Noted::Own(Box::new(notes)) })
    }
}
