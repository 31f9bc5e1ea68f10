//! Whom or what is asked about, and which records have to do with it.

use crate::event::Event;
use crate::measure::measured;
use crate::observe::{Measured, Seen};
use serde::Serialize;
use smol_str::{SmolStr, ToSmolStr};
use std::net::IpAddr;
use yagura_logs::envelope::{Role, usual_address};

/// What kind of thing is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An IAM user, a federated user, or the root user.
    User,
    /// A role: all of its sessions.
    Role,
    /// One session of a role, or of a federated user.
    Session,
    /// An access key.
    Key,
    /// An IP address.
    Address,
    /// An instance.
    Instance,
    /// A host or domain name, with the names below it.
    Name,
    /// One record.
    Event,
    /// Anything else that has an ARN.
    Resource,
}

/// Whom or what is asked about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// Of which kind.
    pub kind: Kind,
    /// Its name, in its usual form.
    pub text: SmolStr,
}

/// What a record has to do with the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The subject did it.
    By,
    /// It was done to the subject, or names it.
    To,
}

/// The text is the name of nothing that can be asked about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no ARN, access key id, IP address, instance id, host name or event id")]
pub struct Unrecognized(pub String);

impl Subject {
    /// Recognizes a name. What ARNs and ids look like:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>,
    /// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html>
    ///
    /// # Errors
    /// It is none of those.
    pub fn read(text: &str) -> Result<Self, Unrecognized> {
        let text = text.trim();
        let of = |kind: Kind, text: &str| Ok(Self { kind, text: text.into() });
        if text.starts_with("arn:") {
            let mut parts = text.splitn(6, ':');
            let (service, rest) = (parts.nth(2).unwrap_or_default(), parts.nth(2).unwrap_or_default());
            let named = rest.split('/').next().unwrap_or_default();
            return match (service, named) {
                (_, "") => Err(Unrecognized(text.to_owned())),
                ("iam", "user" | "root") => of(Kind::User, text),
                ("iam", "role") => of(Kind::Role, text),
                ("sts", "assumed-role" | "federated-user") => of(Kind::Session, text),
                ("ec2", "instance") => of(Kind::Instance, rest.trim_start_matches("instance/")),
                _ => of(Kind::Resource, text),
            };
        }
        let upper = text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        if (16..=128).contains(&text.len()) && upper && ["AKIA", "ASIA"].iter().any(|p| text.starts_with(p)) {
            return of(Kind::Key, text);
        }
        let usual = usual_address(text.into());
        if let Ok(ip) = usual.parse::<IpAddr>() {
            return of(Kind::Address, &ip.to_canonical().to_string());
        }
        let hex = |t: &str| t.bytes().all(|b| b.is_ascii_hexdigit());
        if let Some(id) = text.strip_prefix("i-")
            && matches!(id.len(), 8 | 17)
            && hex(id)
        {
            return of(Kind::Instance, text);
        }
        let uuid =
            text.len() == 36 && text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && hex(&text.replace('-', ""));
        if uuid || (text.len() == 32 && hex(text)) {
            return of(Kind::Event, &text.to_ascii_lowercase());
        }
        let name = text.trim_end_matches('.').to_ascii_lowercase();
        let label = |l: &str| {
            !l.is_empty() && l.len() <= 63 && l.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        if name.contains('.') && name.len() <= 253 && name.split('.').all(label) {
            return of(Kind::Name, &name);
        }
        Err(Unrecognized(text.to_owned()))
    }

    /// Whose record it is: the session, the identity, the key, the instance or the address, whichever the record tells first.
    pub fn of_record(seen: &Seen) -> Option<Self> {
        let all = [&seen.session, &seen.actor, &seen.access_key, &seen.instance, &seen.source_ip];
        all.into_iter().filter_map(|t| Self::read(t).ok()).find(|s| s.kind != Kind::Name && s.kind != Kind::Event)
    }

    /// What a record has to do with it.
    pub fn relation(&self, event: &Event<'_, '_>) -> Option<Relation> {
        let role = |r: Role| event.role(r).is_some_and(|t| t == self.text.as_str());
        let by = match self.kind {
            Kind::User | Kind::Session => role(Role::Actor),
            Kind::Role => role(Role::Issuer) || role(Role::Actor),
            Kind::Key => role(Role::AccessKey),
            Kind::Instance => crate::links::instance(event) == self.text,
            Kind::Address => return self.of_address(event),
            Kind::Name => return self.of_name(event),
            Kind::Event | Kind::Resource => false,
        };
        if by {
            return Some(Relation::By);
        }
        let to = match self.kind {
            Kind::User => role(Role::Target) || self.names_user(event),
            Kind::Role => role(Role::Target),
            // Wherever it stands: answers name new keys, sessions and instances deep inside.
            Kind::Session | Kind::Key | Kind::Instance => {
                memchr::memmem::find(event.text.as_bytes(), self.text.as_bytes()).is_some()
            }
            Kind::Resource => stands_in(event.text, self.bucket().unwrap_or(&self.text)),
            _ => false,
        };
        to.then_some(Relation::To)
    }

    /// Calls to IAM name users by their names alone.
    fn names_user(&self, event: &Event<'_, '_>) -> bool {
        let Some(("iam.amazonaws.com", target)) =
            event.record.get("eventsource").map(|s| s.text).zip(event.role(Role::Target))
        else {
            return false;
        };
        let mut parts = self.text.splitn(6, ':');
        let (account, name) = (parts.nth(4).unwrap_or_default(), parts.next().unwrap_or_default());
        event.envelope.account.as_deref() == Some(account) && name.rsplit('/').next() == Some(target.as_ref())
    }

    fn of_address(&self, event: &Event<'_, '_>) -> Option<Relation> {
        let is = |t: &str| t == self.text.as_str();
        let own = |ip: &IpAddr| is(&ip.to_canonical().to_string());
        match measured(event) {
            Some(Measured::Flow { src, .. }) if own(&src) => return Some(Relation::By),
            Some(Measured::Flow { dst, .. }) if own(&dst) => return Some(Relation::To),
            Some(Measured::Dns { host, addresses, .. }) => {
                let answered = addresses.iter().any(own);
                return if is(&host) { Some(Relation::By) } else { answered.then_some(Relation::To) };
            }
            _ => {}
        }
        let role = |r: Role| event.role(r).is_some_and(|t| is(&t));
        if role(Role::SourceIp) { Some(Relation::By) } else { role(Role::Target).then_some(Relation::To) }
    }

    fn of_name(&self, event: &Event<'_, '_>) -> Option<Relation> {
        let asked = event.role(Role::Target)?;
        self.holds(&asked).then_some(Relation::To)
    }

    /// Whether a name is this one or below it.
    fn holds(&self, name: &str) -> bool {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        match name.strip_suffix(self.text.as_str()) {
            Some(before) => before.is_empty() || before.ends_with('.'),
            None => false,
        }
    }

    /// Whether something that was found is about it.
    pub fn concerns(&self, seen: &Seen) -> bool {
        let t = &self.text;
        match self.kind {
            Kind::User | Kind::Session | Kind::Role => {
                [&seen.actor, &seen.session, &seen.identity, &seen.target].contains(&t)
            }
            Kind::Resource => seen.target == *t || self.bucket().is_some_and(|bucket| of_bucket(&seen.target, bucket)),
            Kind::Key => seen.access_key == *t || seen.target == *t,
            Kind::Address => seen.source_ip == *t || seen.target == *t,
            Kind::Instance => [&seen.instance, &seen.actor, &seen.target].contains(&t),
            Kind::Name => self.holds(&seen.target),
            Kind::Event => seen.event_id == *t,
        }
    }

    /// A bucket's name, which records name it by as well as by its ARN.
    pub(super) fn bucket(&self) -> Option<&str> {
        let (_, name) = self.text.split_once(":s3:::").filter(|_| self.kind == Kind::Resource)?;
        (!name.contains('/')).then_some(name)
    }

    /// Whether it is somebody who acts under a name.
    pub fn is_identity(&self) -> bool {
        matches!(self.kind, Kind::User | Kind::Role | Kind::Session | Kind::Key)
    }

    /// The account that its ARN names.
    pub fn account(&self) -> Option<SmolStr> {
        let of = self.text.strip_prefix("arn:")?.split(':').nth(3)?;
        (!of.is_empty()).then(|| of.to_smolstr())
    }
}

/// Whether a target is a bucket or an object in it.
fn of_bucket(target: &str, bucket: &str) -> bool {
    let name = target.split_once(":s3:::").map_or(target, |(_, name)| name);
    name.strip_prefix(bucket).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a name stands in a text by itself, and not as a part of a longer one: `payroll`, not `payroll-2024`.
fn stands_in(text: &str, name: &str) -> bool {
    let (bytes, part) = (text.as_bytes(), |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    memchr::memmem::find_iter(bytes, name.as_bytes()).any(|at| {
        let before = at.checked_sub(1).and_then(|i| bytes.get(i));
        let after = bytes.get(at + name.len()..).unwrap_or_default();
        // A point goes on with a longer name (`payroll.bak`), but for a bucket's host name and a sentence's end.
        let longer = match after {
            [b'.', rest @ ..] => rest.first().is_some_and(part) && !rest.starts_with(b"s3"),
            [next, ..] => part(next),
            [] => false,
        };
        !longer && !before.is_some_and(|b| part(b) || *b == b'.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_a_part_of_a_longer_one() {
        let rows = [
            (r#"{"bucketName":"payroll"}"#, true),
            ("arn:aws:s3:::payroll/2024.csv", true),
            ("payroll.s3.us-east-1.amazonaws.com", true),
            ("on payroll.", true),
            ("payroll-2024", false),
            ("payroll.bak", false),
            ("old-payroll", false),
            ("payroll-2024 and payroll", true),
            ("nothing", false),
        ];
        for (text, stands) in rows {
            assert_eq!(stands_in(text, "payroll"), stands, "{text}");
        }
        assert!(of_bucket("arn:aws:s3:::payroll/a", "payroll") && of_bucket("payroll", "payroll"));
        assert!(!of_bucket("arn:aws:s3:::payroll-2/a", "payroll"));
    }

    #[test]
    fn names_are_recognized() {
        let rows = [
            (
                "arn:aws:iam::111122223333:user/team/alice",
                Some((Kind::User, "arn:aws:iam::111122223333:user/team/alice")),
            ),
            ("arn:aws:iam::111122223333:root", Some((Kind::User, "arn:aws:iam::111122223333:root"))),
            (
                "arn:aws-cn:iam::111122223333:role/deploy",
                Some((Kind::Role, "arn:aws-cn:iam::111122223333:role/deploy")),
            ),
            (
                "arn:aws:sts::111122223333:assumed-role/a/b",
                Some((Kind::Session, "arn:aws:sts::111122223333:assumed-role/a/b")),
            ),
            (
                "arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0",
                Some((Kind::Instance, "i-0123456789abcdef0")),
            ),
            ("arn:aws:s3:::payroll", Some((Kind::Resource, "arn:aws:s3:::payroll"))),
            ("AKIAIOSFODNN7EXAMPLE", Some((Kind::Key, "AKIAIOSFODNN7EXAMPLE"))),
            ("ASIAIOSFODNN7EXAMPLE", Some((Kind::Key, "ASIAIOSFODNN7EXAMPLE"))),
            ("010.0.0.1", Some((Kind::Address, "10.0.0.1"))),
            ("::ffff:192.0.2.1", Some((Kind::Address, "192.0.2.1"))),
            ("2001:DB8::1", Some((Kind::Address, "2001:db8::1"))),
            ("i-0123abcd", Some((Kind::Instance, "i-0123abcd"))),
            ("Example.COM.", Some((Kind::Name, "example.com"))),
            ("0E5F0B1C-1111-2222-3333-444455556666", Some((Kind::Event, "0e5f0b1c-1111-2222-3333-444455556666"))),
            ("alice", None),
            ("arn:", None),
            ("", None),
            ("AKIA lower", None),
            ("a..b", None),
        ];
        for (text, want) in rows {
            let got = Subject::read(text).ok();
            assert_eq!(got.as_ref().map(|s| (s.kind, s.text.as_str())), want, "{text}");
        }
    }
}
