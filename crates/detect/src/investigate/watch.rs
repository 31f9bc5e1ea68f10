//! The two who look at records: one keeps what has to do with the subject, the other finds one record.

use super::about::Aspect;
use super::collect::{Kept, Pairs, as_iso};
use super::subject::{Kind, Relation, Subject};
use crate::event::Event;
use crate::observe::{Seen, identity_of, seen, source};
use crate::run::Bystander;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use yagura_logs::envelope::Role;

/// Keeps what has to do with a subject.
#[derive(Debug)]
pub struct Watch {
    pub(super) subject: Subject,
    /// Moments nearest to this time are kept first, ms.
    pub(super) near: Option<i64>,
    own: Option<IpAddr>,
    kept: Mutex<Kept>,
    pairs: Mutex<Pairs>,
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Watch {
    /// For a subject, and the time that is asked about.
    pub fn new(subject: Subject, at: Option<i64>) -> Self {
        let own = subject.text.parse().ok().filter(|_| subject.kind == Kind::Address);
        Self { subject, near: at, own, kept: Mutex::default(), pairs: Mutex::default() }
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        lock(&self.kept)
    }

    pub(super) fn pairs(&self) -> MutexGuard<'_, Pairs> {
        lock(&self.pairs)
    }

    /// Who comes from where, as far as a log of calls or logins tells.
    fn pair(&self, event: &Event<'_, '_>, time: i64) {
        if !self.subject.is_identity() || matches!(event.record.table.source.name, "vpc_flow" | "route53_resolver") {
            return;
        }
        if let (Some(identity), Some(address)) = (event.identity(), event.role(Role::SourceIp))
            && address.parse::<IpAddr>().is_ok()
        {
            lock(&self.pairs).add(&identity, &address, time);
        }
    }
}

impl Bystander for Watch {
    fn see(&self, event: &Event<'_, '_>) {
        let Some(time) = event.envelope.time else { return };
        self.pair(event, time);
        let Some(relation) = self.subject.relation(event) else { return };
        let id = identity_of(event.text, event.record);
        let aspect = Aspect::new(event, id, time, self.own);
        let mut kept = self.kept();
        if !kept.is_new(id) {
            return;
        }
        // Of a name or resource there is nothing but what was done to it, of an address flows go both ways: all of it is counted.
        let counted = relation == Relation::By
            || matches!(self.subject.kind, Kind::Name | Kind::Resource)
            || (self.own.is_some() && event.record.table.source.name == "vpc_flow");
        if counted {
            kept.did(&aspect, self.near);
        } else {
            kept.suffered(&aspect, self.near);
        }
    }
}

/// A record that was found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Located {
    /// When, ms; ISO 8601 UTC in JSON.
    #[serde(serialize_with = "as_iso")]
    pub time: i64,
    /// What it says.
    pub seen: Seen,
}

/// Finds one record by its name.
#[derive(Debug)]
pub struct Finder {
    id: String,
    found: Mutex<Option<Located>>,
}

impl Finder {
    /// For an `eventID`, or a record's identity in hexadecimal.
    pub fn new(subject: &Subject) -> Self {
        Self { id: subject.text.to_string(), found: Mutex::default() }
    }

    /// What was found.
    pub fn located(self) -> Option<Located> {
        self.found.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bystander for Finder {
    fn see(&self, event: &Event<'_, '_>) {
        let Some(time) = event.envelope.time else { return };
        let own = (event.record.table.source.id)(event.record);
        let named = own.is_some_and(|own| own.eq_ignore_ascii_case(&self.id));
        let is = named || (self.id.len() == 32 && format!("{:032x}", identity_of(event.text, event.record)) == self.id);
        if is {
            let id = identity_of(event.text, event.record);
            *lock(&self.found) = Some(Located { time, seen: seen(event, source(event.record), id) });
        }
    }
}
