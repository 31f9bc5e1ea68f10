//! The first half of the work, done where records are decoded, on any thread and in any order: which rules a record matches by
//! itself, and what of it the second half ([`crate::engine`]) needs. Nothing here remembers another record.

mod mind;
mod named;
mod observed;
mod read;
mod rules;
mod session;

pub use observed::{Correlated, Habit, Hit, Link, Measured, Notes, Observed, Seen};
pub(crate) use read::{identity_of, seen, source};
pub use rules::{Correlating, Rules, plain_name};

use crate::event::Event;
use crate::intel::Lists;
use crate::predicate::Against;
use crate::share::Memo;
use mind::{About, Mind};
use named::Names;
use read::{habit, usual};
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
        }
    }

    /// What a record comes to; nothing where it has no time, which [`crate::run`] counts.
    pub fn look(&mut self, text: &str, record: &Record<'_>, envelope: &Envelope<'_>) -> Option<Observed> {
        let time = envelope.time?;
        let event = Event { text, record, envelope };
        let source = source(record);
        let id = identity_of(text, record);
        let trail = record.table.source.name == "cloudtrail";
        let mut notes = Notes { measured: crate::measure::measured(&event), ..Notes::default() };
        if trail {
            crate::links::links(&event, &mut notes.links);
        }
        self.memo.next();
        let name = event.role(Role::Event).unwrap_or_default();
        let named = self.names.of(&event, (source, &name), self.rules, &self.lists);
        let against = Against { lists: &self.lists, memo: &self.memo, session: None };
        let mut new = 0;
        let mut session = self.sessions.of(&event, &self.memo);
        if let Some(session) = &mut session {
            new = session.tried(named, &event, self.rules, against);
        }
        let usual = match &session {
            Some(session) => session.usual,
            None => trail.then(|| usual(&event)).flatten(),
        };
        let habit = usual.map(|usual| habit(&event, usual, named.called));
        let about = About { rules: self.rules, id, habit: habit.as_ref() };
        match &session {
            Some(session) => {
                let against = Against { session: Some(session.cells()), ..against };
                self.mind.hits(&event, &about, session.left(named).iter(), against, &mut notes.hits);
            }
            None => {
                let all: Vec<Trying> = named.rules.iter().copied().map(Trying::anew).collect();
                self.mind.hits(&event, &about, all.iter(), against, &mut notes.hits);
            }
        }
        let login = matches!(notes.measured, Some(Measured::Login { .. }));
        if !notes.hits.is_empty() || login {
            notes.seen = Some(match session {
                Some(session) => session.seen(&event, source, id),
                None => seen(&event, source, id),
            });
        } else if notes.measured.is_some() {
            let own = |t: Option<&str>| t.map(SmolStr::new).unwrap_or_default();
            let [account, region] = [envelope.account.as_deref(), envelope.region.as_deref()].map(own);
            notes.place = [account, region, crate::links::instance(&event)];
        }
        self.sessions.grew(new);
        let idle = notes.hits.is_empty() && notes.links.is_empty() && notes.measured.is_none();
        Some(Observed { time, id, habit, notes: (!idle).then(|| Box::new(notes)) })
    }
}
