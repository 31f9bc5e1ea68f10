//! What many of CloudTrail's records have in common: who calls, from where, with what, and how it ended. Most rules ask for nothing
//! else besides the call's name, so that what they answer is worked out once for all records of a session and name.

use super::named::Named;
use super::read::{Usual, seen, usual};
use super::rules::Rules;
use super::{Alike, Hit, Seen};
use crate::event::{Event, OF_NAME, OF_SESSION, TRAIL};
use crate::foreign::own;
use crate::hash::{Hash, common};
use crate::predicate::Against;
use crate::share::{Cells, Memo};
use foldhash::HashMap;
use foldhash::fast::RandomState;
use smol_str::SmolStr;
use std::cell::{Cell, OnceCell};
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;
use yagura_logs::envelope::{Outcome, Role};
use yagura_logs::json::{Kind, Raw};

/// How many sessions are kept in mind, and how many rules' answers with them. To forget them costs work, not answers.
const SESSIONS: usize = 1 << 12;
const ANSWERS: usize = 1 << 18;
/// The longest that a session's texts may be together to be kept in mind.
const LONGEST: usize = 1 << 14;

/// Fields of the envelope that come from a session's columns; a lake's row brings its own.
const ROLES: [Role; 7] =
    [Role::Actor, Role::Session, Role::Issuer, Role::AccessKey, Role::SourceIp, Role::UserAgent, Role::Error];

/// Records that are alike in all that conditions of [`crate::share::Scope::Session`] look at.
pub(super) struct Session {
    columns: Columns,
    roles: [Part; 7],
    account: Option<SmolStr>,
    outcome: Option<Outcome>,
    own: bool,
    cells: Cells,
    /// What its habits are learned by.
    pub(super) usual: Option<Usual>,
    /// Who and where; what differs from record to record is of its first.
    pub(super) seen: Option<Seen>,
    /// Which of those who share a role it is; see [`crate::links::person`].
    pub(super) person: OnceCell<Hash>,
    /// By the number of a name: the place of what is left to do.
    tried: HashMap<u32, usize>,
    left: Vec<Left>,
}

/// The values of a session's columns, one behind the other: most of what it costs to compare them is to fetch them.
struct Columns {
    text: Box<str>,
    /// Of each what it is, and how long.
    parts: [Option<(Kind, usize)>; 4],
}

impl Columns {
    fn of(columns: &[Option<Raw<'_>>; 4]) -> Self {
        let text: String = columns.iter().flatten().map(|raw| raw.text).collect();
        Self { text: text.into(), parts: columns.map(|raw| raw.map(|raw| (raw.kind, raw.text.len()))) }
    }

    fn are(&self, columns: &[Option<Raw<'_>>; 4]) -> bool {
        let mut rest = &*self.text;
        self.parts.iter().zip(columns).all(|(part, raw)| match (part, raw) {
            (None, None) => true,
            (Some((kind, length)), Some(raw)) => rest.split_at_checked(*length).is_some_and(|(own, after)| {
                rest = after;
                *kind == raw.kind && own == raw.text
            }),
            _ => false,
        })
    }
}

/// A field of the envelope. Nearly always it is a piece of a column's text, and equal wherever the column is.
enum Part {
    Nothing,
    /// Of which column, from where, how long.
    Within(usize, usize, usize),
    Own(SmolStr),
}

impl Part {
    fn of(text: Option<&str>, columns: &[Option<Raw<'_>>; 4]) -> Self {
        let Some(text) = text else { return Self::Nothing };
        let at = text.as_ptr().addr();
        for (n, raw) in columns.iter().enumerate() {
            let Some(raw) = raw else { continue };
            let begin = raw.text.as_ptr().addr();
            if at >= begin && at + text.len() <= begin + raw.text.len() {
                return Self::Within(n, at - begin, text.len());
            }
        }
        Self::Own(text.into())
    }

    /// Whether a field is the same one of equal columns. No is no certain answer where it stands elsewhere.
    fn is(&self, text: Option<&str>, columns: &[Option<Raw<'_>>; 4]) -> bool {
        match (self, text) {
            (Self::Nothing, None) => true,
            (Self::Within(column, from, length), Some(text)) => {
                let begin = columns.get(*column).copied().flatten().map(|raw| raw.text.as_ptr().addr());
                text.len() == *length && begin.is_some_and(|begin| text.as_ptr().addr() == begin + from)
            }
            (Self::Own(own), Some(text)) => own == text,
            _ => false,
        }
    }
}

/// What is left to do for records of a session and name.
#[derive(Default)]
struct Left {
    tried: Box<[Trying]>,
    /// What the latest of them had in common.
    shared: Option<Arc<(Vec<Hit>, Seen)>>,
}

/// A rule that may fire on records of a session and name.
pub(super) struct Trying {
    pub rule: u32,
    /// Whether its condition is known to hold.
    pub holds: bool,
    /// Of its first hit: what is the same in all of them.
    pub first: Cell<Option<[Hash; 3]>>,
}

impl Trying {
    /// A rule of which nothing is known beforehand.
    pub fn anew(rule: u32) -> Self {
        Self { rule, holds: false, first: Cell::new(None) }
    }

    /// Notes what a hit goes by.
    pub fn note(&self, hit: &Hit) {
        self.first.set(Some([hit.dedup, hit.group, hit.of]));
    }
}

/// Sessions at hand.
#[derive(Default)]
pub(super) struct Sessions {
    by_number: HashMap<u64, Box<Session>>,
    seed: RandomState,
    answers: usize,
}

impl Sessions {
    /// The session of a record; none where it is no record of CloudTrail, or has members twice.
    pub fn of(&mut self, event: &Event<'_, '_>, memo: &Memo) -> Option<&mut Session> {
        let record = event.record;
        if record.table.source.name != "cloudtrail" || !record.rest.iter().all(|(key, _)| is_beside(*key)) {
            return None;
        }
        if self.by_number.len() >= SESSIONS || self.answers >= ANSWERS {
            self.by_number.clear();
            self.answers = 0;
        }
        let columns = TRAIL.session.map(|n| record.slots().get(n).copied().flatten());
        let number = self.number(&columns, event)?;
        match self.by_number.entry(number) {
            Entry::Occupied(known) => {
                let known = known.into_mut();
                if !known.is_of(&columns, event) {
                    **known = Session::of(&columns, event, memo);
                }
                Some(known)
            }
            Entry::Vacant(free) => Some(free.insert(Box::new(Session::of(&columns, event, memo)))),
        }
    }

    fn number(&self, columns: &[Option<Raw<'_>>; 4], event: &Event<'_, '_>) -> Option<u64> {
        let mut number = self.seed.build_hasher();
        let mut length = 0;
        for raw in columns.iter().flatten() {
            number.write(raw.text.as_bytes());
            length += raw.text.len();
        }
        number.write(event.envelope.account.as_deref().unwrap_or_default().as_bytes());
        number.write_u8(event.envelope.outcome.map_or(3, |o| o as u8));
        (length <= LONGEST).then(|| number.finish())
    }

    /// Counts answers that a session took up.
    pub fn grew(&mut self, answers: usize) {
        self.answers += answers;
    }
}

/// Whether a member without a column is not, by any spelling, one of those that records of a session or name have in common.
fn is_beside(key: Raw<'_>) -> bool {
    let first = key.text.split_once('.').map_or(key.text, |(first, _)| first);
    let common = || OF_SESSION.iter().chain(&OF_NAME).any(|column| column.eq_ignore_ascii_case(first));
    key.kind != Kind::Escaped && !common()
}

impl Session {
    fn of(columns: &[Option<Raw<'_>>; 4], event: &Event<'_, '_>, memo: &Memo) -> Self {
        Self {
            columns: Columns::of(columns),
            roles: ROLES.map(|r| Part::of(event.envelope.get(r), columns)),
            account: event.envelope.account.as_deref().map(SmolStr::new),
            outcome: event.envelope.outcome,
            own: own(event),
            cells: Cells::new(memo),
            usual: usual(event),
            seen: None,
            person: OnceCell::new(),
            tried: HashMap::default(),
            left: Vec::new(),
        }
    }

    fn is_of(&self, columns: &[Option<Raw<'_>>; 4], event: &Event<'_, '_>) -> bool {
        self.columns.are(columns)
            && self.roles.iter().zip(ROLES).all(|(kept, role)| kept.is(event.envelope.get(role), columns))
            && self.account.as_deref() == event.envelope.account.as_deref()
            && self.outcome == event.envelope.outcome
            && self.own == own(event)
    }

    /// Where the rules stand that are left to try on records of a name, and what is known of them. Answers how many are new, besides.
    pub fn tried(
        &mut self,
        named: &Named,
        event: &Event<'_, '_>,
        rules: &Rules,
        against: Against<'_>,
    ) -> (usize, usize) {
        if let Some(place) = self.tried.get(&named.number) {
            return (*place, 0);
        }
        let against = Against { session: Some(&self.cells), ..against };
        let tried: Box<[Trying]> = named
            .rules
            .iter()
            .filter_map(|rule| {
                let known = rules.tries.get(*rule as usize)?.condition.certain(event, against);
                (known != Some(false)).then(|| Trying { holds: known == Some(true), ..Trying::anew(*rule) })
            })
            .collect();
        let new = tried.len() + 1;
        let place = self.left.len();
        self.tried.insert(named.number, place);
        self.left.push(Left { tried, shared: None });
        (place, new)
    }

    /// What [`Session::tried`] found.
    pub fn left(&self, place: usize) -> &[Trying] {
        self.left.get(place).map(|left| &*left.tried).unwrap_or_default()
    }

    /// What its conditions answer.
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// A record with these hits, of which each is that of any other record of this session and name.
    pub fn alike(&mut self, place: usize, hits: &[Hit], event: &Event<'_, '_>, source: &str, id: u128) -> Alike {
        let target = event.role(Role::Target).map(|t| common(&t)).unwrap_or_default();
        let region = event.envelope.region.as_deref().unwrap_or_default();
        let known = self.left.get(place).and_then(|left| left.shared.as_ref());
        if let Some(shared) = known.filter(|s| s.0 == hits && s.1.region == region) {
            return Alike { shared: shared.clone(), id, target };
        }
        let seen = Seen { event_id: SmolStr::default(), target: SmolStr::default(), ..self.seen(event, source, id) };
        let shared = Arc::new((hits.to_vec(), seen));
        if let Some(left) = self.left.get_mut(place) {
            left.shared = Some(shared.clone());
        }
        Alike { shared, id, target }
    }

    /// Who and where, of this record of it.
    pub fn seen(&mut self, event: &Event<'_, '_>, source: &str, id: u128) -> Seen {
        match &self.seen {
            Some(common) => super::read::seen_again(common, event, source, id),
            None => {
                let first = seen(event, source, id);
                self.seen = Some(first.clone());
                first
            }
        }
    }
}
