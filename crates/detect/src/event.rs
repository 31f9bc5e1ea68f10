//! One record as rules see it: fields by the names that AWS gives them.

use crate::share::Scope;
use smol_str::SmolStr;
use std::borrow::Cow;
use std::sync::LazyLock;
use yagura_logs::columns::Type;
use yagura_logs::envelope::{Envelope, Role};
use yagura_logs::json::{Kind, Raw, value};
use yagura_logs::record::Record;
use yagura_logs::table::Table;
use yagura_rule::policy::decoded;

/// Columns that say who calls, from where, with what, and how it ended: CloudTrail's records of one session have them in common.
pub(crate) const OF_SESSION: [&str; 4] = ["useridentity", "sourceipaddress", "useragent", "errorcode"];
/// Columns that records of one name have in common.
pub(crate) const OF_NAME: [&str; 4] = ["eventsource", "eventname", "readonly", "eventtype"];

/// Where those stand in CloudTrail's records.
pub(crate) struct Places {
    /// By [`OF_SESSION`].
    pub session: [usize; 4],
    /// By [`OF_NAME`].
    pub name: [usize; 4],
    /// The event's own identity.
    pub id: usize,
}

/// Where CloudTrail's records have what is looked at most.
pub(crate) static TRAIL: LazyLock<Places> = LazyLock::new(|| {
    let names = &yagura_logs::table::cloudtrail().names;
    let place = |column: &str| names.iter().position(|n| n == column).unwrap_or(usize::MAX);
    Places { session: OF_SESSION.map(place), name: OF_NAME.map(place), id: place("eventid") }
});

/// A record with its envelope.
#[derive(Clone, Copy)]
pub struct Event<'r, 'a> {
    /// Its own text.
    pub text: &'r str,
    /// The record.
    pub record: &'r Record<'a>,
    /// Who, from where, did what.
    pub envelope: &'r Envelope<'a>,
}

/// Where a rule's field stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Field {
    /// Of the envelope.
    Role(Role),
    /// The account whose resources were concerned.
    Account,
    /// The Region.
    Region,
    /// The member of an identity that stays when sessions change: an assumed role's role, else the actor.
    Identity,
    /// The network of the source address: see [`crate::network_of`].
    Network,
    /// A column of the record's table, and members below it.
    Column(usize, Vec<SmolStr>),
    /// A member that no column has, and members below it.
    Rest(SmolStr, Vec<SmolStr>),
    /// The element that an `exists` looks at, and members below it.
    Item(Vec<SmolStr>),
}

/// Fields of the envelope by the names that rules use.
const ENVELOPE: [(&str, Field); 13] = [
    ("actor", Field::Role(Role::Actor)),
    ("session", Field::Role(Role::Session)),
    ("issuer", Field::Role(Role::Issuer)),
    ("access_key", Field::Role(Role::AccessKey)),
    ("source_ip", Field::Role(Role::SourceIp)),
    ("user_agent", Field::Role(Role::UserAgent)),
    ("name", Field::Role(Role::Event)),
    ("target", Field::Role(Role::Target)),
    ("outcome", Field::Role(Role::Outcome)),
    ("error", Field::Role(Role::Error)),
    ("account", Field::Account),
    ("region", Field::Region),
    ("identity", Field::Identity),
];

/// The names that every log's events have.
pub fn envelope_names() -> impl Iterator<Item = &'static str> {
    ENVELOPE.iter().map(|(n, _)| *n).chain(["network"])
}

impl Field {
    /// Finds a field of a table's events: a field of the envelope (`actor`), a column (`sourceIPAddress`, in any case), or a member
    /// below one (`userIdentity.sessionContext.sessionIssuer.arn`). What a column's own type does not have is an error; what JSON
    /// holds below a column of text is not known beforehand.
    ///
    /// # Errors
    /// The name that does not exist, and those that do.
    pub fn find(table: &Table, path: &[&str]) -> Result<Self, (String, Vec<String>)> {
        let Some((first, below)) = path.split_first() else { return Err((String::new(), Vec::new())) };
        if below.is_empty() {
            if *first == "network" {
                return Ok(Self::Network);
            }
            if let Some((_, field)) = ENVELOPE.iter().find(|(n, _)| n == first) {
                return Ok(field.clone());
            }
        }
        let lower = first.to_ascii_lowercase();
        let renamed = table.source.renamed.iter().find(|(n, _)| n == first).map(|(_, column)| *column);
        let wanted = renamed.unwrap_or(&lower);
        let column = table.names.iter().position(|n| n == wanted || n.replace('_', "") == wanted);
        let Some(column) = column else {
            let names = envelope_names().map(str::to_owned).chain(table.names.iter().cloned());
            return Err(((*first).to_owned(), names.collect()));
        };
        if let Some(kind) = table.types.get(column) {
            known_below(kind, below)?;
        }
        Ok(Self::Column(column, below.iter().map(SmolStr::new).collect()))
    }
}

impl Field {
    /// Of which of CloudTrail's records its value is the value.
    pub fn scope(&self) -> Scope {
        match self {
            Self::Role(Role::Event) => Scope::Named,
            Self::Role(Role::Target) | Self::Region | Self::Rest(..) | Self::Item(_) => Scope::Record,
            Self::Role(_) | Self::Account | Self::Identity | Self::Network => Scope::Session,
            Self::Column(n, _) if TRAIL.session.contains(n) => Scope::Session,
            Self::Column(n, _) if TRAIL.name.contains(n) => Scope::Named,
            Self::Column(..) => Scope::Record,
        }
    }
}

fn known_below(kind: &Type, below: &[&str]) -> Result<(), (String, Vec<String>)> {
    match (kind, below.split_first()) {
        (Type::Struct(members), Some((first, rest))) => {
            match members.iter().find(|(n, _)| n.eq_ignore_ascii_case(first)) {
                Some((_, kind)) => known_below(kind, rest),
                None => Err(((*first).to_owned(), members.iter().map(|(n, _)| n.clone()).collect())),
            }
        }
        (Type::Array(of), Some(_)) => known_below(of, below),
        _ => Ok(()),
    }
}

impl<'r, 'a: 'r> Event<'r, 'a> {
    /// Gives the values that a field has: none where it is missing or `null`; several where lists lie on the way; the list's elements
    /// where it is a list itself. Ends early where `take` answers true, and answers whether it did.
    pub fn any(&self, field: &Field, item: Option<Raw<'_>>, take: &mut dyn FnMut(Raw<'_>) -> bool) -> bool {
        match field {
            Field::Role(role) => self.role(*role).is_some_and(|t| take(Raw::text(&t))),
            Field::Account => self.envelope.account.as_deref().is_some_and(|t| take(Raw::text(t))),
            Field::Region => self.envelope.region.as_deref().is_some_and(|t| take(Raw::text(t))),
            Field::Identity => self.identity().is_some_and(|t| take(Raw::text(&t))),
            Field::Network => {
                let network = self.role(Role::SourceIp).and_then(|ip| crate::hash::network_of(&ip));
                network.is_some_and(|t| take(Raw::text(&t)))
            }
            Field::Column(n, below) => {
                if let Some((first, rest)) = below.split_first()
                    && let Some(member) = self.record.of_caller(*n, first)
                {
                    return member.is_some_and(|raw| each(raw, rest, take));
                }
                self.record.slots().get(*n).copied().flatten().is_some_and(|raw| each(raw, below, take))
            }
            Field::Rest(name, below) => self.record.rest(name).is_some_and(|raw| each(raw, below, take)),
            Field::Item(below) => item.is_some_and(|raw| each(raw, below, take)),
        }
    }

    /// The first value of a field as text.
    pub fn text(&self, field: &Field) -> Option<String> {
        let mut found = None;
        self.any(field, None, &mut |raw| {
            found = raw.as_text().map(Cow::into_owned).filter(|t| !t.is_empty());
            found.is_some()
        });
        found
    }

    /// A field of the envelope: its own, or the column of AWS's that says it.
    pub fn role(&self, role: Role) -> Option<Cow<'r, str>> {
        if let Some(own) = self.envelope.get(role) {
            return Some(Cow::Borrowed(own));
        }
        let raw = self.record.slots().get(self.record.table.slot_of(role)?).copied().flatten()?;
        raw.scalar().filter(|t| !t.is_empty() && t != "-")
    }

    /// Who acts, as long as sessions come and go: an assumed role's role, else the actor.
    pub fn identity(&self) -> Option<Cow<'r, str>> {
        self.role(Role::Issuer).or_else(|| self.role(Role::Actor))
    }
}

/// A member of an object, its name in any case: the lake's structs have small letters only.
fn member<'a>(of: &'a str, name: &str) -> Option<Raw<'a>> {
    // Most records do not have what rules ask for: to see that a name does not occur costs less than to read members.
    if !mentions(of.as_bytes(), name.as_bytes()) {
        return None;
    }
    yagura_logs::json::member(of, |key| key.text.eq_ignore_ascii_case(name))
}

/// By byte of a name: how often JSON of AWS has it, from those that it has least; what is no letter comes last.
const OFTEN: [u8; 256] = {
    let mut often = [u8::MAX; 256];
    let mut rank: u8 = 0;
    let mut letters: &[u8] = b"qjzxkvwybgpfmhuldcnosrtiae";
    while let [letter, rest @ ..] = letters {
        set(&mut often, *letter, rank);
        set(&mut often, letter.to_ascii_uppercase(), rank);
        rank += 1;
        letters = rest;
    }
    often
};

const fn set(often: &mut [u8; 256], letter: u8, rank: u8) {
    if let Some((_, [place, ..])) = often.split_at_mut_checked(letter as usize) {
        *place = rank;
    }
}

/// Whether a name occurs in a text, in capitals or not. Looks for the byte of the name that texts have least.
pub(crate) fn mentions(text: &[u8], name: &[u8]) -> bool {
    let rank = |b: &u8| OFTEN.get(usize::from(*b)).copied();
    let Some((place, byte)) = name.iter().enumerate().min_by_key(|(_, b)| rank(b)) else { return true };
    let same = |at: usize| {
        let from = at.checked_sub(place);
        from.and_then(|f| text.get(f..f + name.len())).is_some_and(|t| t.eq_ignore_ascii_case(name))
    };
    memchr::memchr2_iter(byte.to_ascii_lowercase(), byte.to_ascii_uppercase(), text).any(same)
}

fn each(raw: Raw<'_>, below: &[SmolStr], take: &mut dyn FnMut(Raw<'_>) -> bool) -> bool {
    match (raw.kind, below.split_first()) {
        (Kind::Null, _) => false,
        (Kind::Array, _) => raw.elements().into_iter().any(|e| each(e, below, take)),
        (_, None) => take(raw),
        (Kind::Object, Some((first, rest))) => member(raw.text, first).is_some_and(|m| each(m, rest, take)),
        // JSON inside of text: a policy document, and every `requestparameters` of the lake.
        (Kind::Str | Kind::Escaped | Kind::Text, Some(_)) => {
            let Some(text) = raw.as_text() else { return false };
            let begins = text.trim_start();
            if !begins.starts_with(['{', '[']) {
                // A policy document as IAM's answers carry it.
                return begins.starts_with("%7B") && inside(&decoded(begins), below, take);
            }
            inside(&text, below, take)
        }
        _ => false,
    }
}

fn inside(text: &str, below: &[SmolStr], take: &mut dyn FnMut(Raw<'_>) -> bool) -> bool {
    value(text).is_ok_and(|inner| each(inner, below, take))
}
