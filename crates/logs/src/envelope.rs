//! What every log record has in common: who, from where, did what, to what, when, and how it ended.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

/// One field of the envelope. Its name is a column `event_<name>` where no column of AWS's says the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// ARN, user name or address of who acted; of an assumed role the session's ARN.
    Actor,
    /// The session: an assumed role's session ARN, a connection.
    Session,
    /// ARN of the role or user that issued the session.
    Issuer,
    /// Access key ID.
    AccessKey,
    /// Source address, in its usual form (`075.050.255.67` is `75.50.255.67`), or the AWS service that called.
    SourceIp,
    /// User agent.
    UserAgent,
    /// What happened: an API's name, an HTTP method, a verdict.
    Event,
    /// What it happened to: an ARN, a name, an address and port.
    Target,
    /// `success`, `failure` or `denied`.
    Outcome,
    /// The error code.
    Error,
}

impl Role {
    /// All of them, in the order of the columns.
    pub const ALL: [Self; 10] = [
        Self::Actor,
        Self::Session,
        Self::Issuer,
        Self::AccessKey,
        Self::SourceIp,
        Self::UserAgent,
        Self::Event,
        Self::Target,
        Self::Outcome,
        Self::Error,
    ];

    /// The name in the `events` view.
    pub fn name(self) -> &'static str {
        match self {
            Self::Event => "event",
            _ => self.column().strip_prefix("event_").unwrap_or_default(),
        }
    }

    /// The column that carries it where no column of AWS's does.
    pub fn column(self) -> &'static str {
        match self {
            Self::Actor => "event_actor",
            Self::Session => "event_session",
            Self::Issuer => "event_issuer",
            Self::AccessKey => "event_access_key",
            Self::SourceIp => "event_source_ip",
            Self::UserAgent => "event_user_agent",
            Self::Event => "event_name",
            Self::Target => "event_target",
            Self::Outcome => "event_outcome",
            Self::Error => "event_error",
        }
    }
}

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Success,
    /// It failed.
    Failure,
    /// It was refused.
    Denied,
}

impl Outcome {
    /// The column's value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Denied => "denied",
        }
    }

    /// Of an HTTP status: below 400 it was done, 401 and 403 were refused.
    pub fn of_status(status: &str) -> Option<Self> {
        match status.parse::<u16>().ok()? {
            401 | 403 => Some(Self::Denied),
            100..400 => Some(Self::Success),
            400..600 => Some(Self::Failure),
            _ => None,
        }
    }
}

/// The envelope of one record.
#[derive(Debug, Clone, Default)]
pub struct Envelope<'a> {
    /// When, in milliseconds since 1970-01-01 UTC.
    pub time: Option<i64>,
    /// The account whose resources were concerned (12 digits).
    pub account: Option<Cow<'a, str>>,
    /// The Region.
    pub region: Option<Cow<'a, str>>,
    /// See [`Role::Outcome`].
    pub outcome: Option<Outcome>,
    fields: [Option<Cow<'a, str>>; 10],
}

impl<'a> Envelope<'a> {
    /// Sets a field; an empty text or `-` is none.
    pub fn set(&mut self, role: Role, value: Option<Cow<'a, str>>) {
        if let (Some(field), Some(value)) = (self.fields.get_mut(role as usize), value)
            && !value.is_empty()
            && value != "-"
        {
            *field = Some(value);
        }
    }

    /// Sets the source address, in its usual form.
    pub fn set_source_ip(&mut self, value: Option<Cow<'a, str>>) {
        self.set(Role::SourceIp, value.map(usual_address));
    }

    /// A field.
    pub fn get(&self, role: Role) -> Option<&str> {
        match role {
            Role::Outcome => self.outcome.map(Outcome::name),
            _ => self.fields.get(role as usize)?.as_deref(),
        }
    }
}

/// An IP address in its usual form: leading zeros taken off, IPv4 in IPv6 unwrapped, a port taken off. What is no address stays.
pub fn usual_address(text: Cow<'_, str>) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let dotted = bytes.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    if dotted {
        let zeros = bytes.starts_with(b"0") || text.contains(".0");
        if !zeros {
            return text;
        }
        let mut octets = [0u8; 4];
        let mut parts = text.split('.');
        for octet in &mut octets {
            match parts.next().and_then(|p| p.parse().ok()) {
                Some(n) => *octet = n,
                None => return text,
            }
        }
        return if parts.next().is_some() { text } else { Cow::Owned(Ipv4Addr::from(octets).to_string()) };
    }
    if !text.contains(':') {
        return text;
    }
    match text.parse::<IpAddr>() {
        Ok(IpAddr::V6(ip)) => Cow::Owned(ip.to_canonical().to_string()),
        Ok(IpAddr::V4(_)) => text,
        Err(_) => match text.parse::<std::net::SocketAddr>() {
            Ok(end) => Cow::Owned(end.ip().to_canonical().to_string()),
            Err(_) => text,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_take_their_usual_form() {
        let rows = [
            ("075.050.255.067", "75.50.255.67"),
            ("10.0.0.1", "10.0.0.1"),
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:DB8::0:1", "2001:db8::1"),
            ("192.0.2.1:443", "192.0.2.1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("ec2.amazonaws.com", "ec2.amazonaws.com"),
            ("999.01.1.1", "999.01.1.1"),
            ("AWS Internal", "AWS Internal"),
        ];
        for (text, usual) in rows {
            assert_eq!(usual_address(Cow::Borrowed(text)), usual);
        }
    }

    #[test]
    fn every_role_has_its_place() {
        for (n, role) in Role::ALL.into_iter().enumerate() {
            assert_eq!(role as usize, n);
            assert!(!role.name().is_empty());
        }
    }
}
