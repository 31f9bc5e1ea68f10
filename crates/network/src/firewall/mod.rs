//! AWS Network Firewall: what its stateless and Suricata rules let through.

use crate::packet::{End, Family, PacketSet};

/// The rules of a firewall policy, in the order in which they decide.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ruleset {}

/// What a firewall lets through.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Passage {
    /// Passes for certain.
    pub must: PacketSet,
    /// May pass: more than `must` where rules look into the payload.
    pub may: PacketSet,
    /// The rules that could not be judged.
    pub unread: Vec<String>,
}

impl Ruleset {
    /// The packets that begin a connection from `source` to `destination` and are let through.
    pub fn passes(&self, source: End, destination: End, family: Family) -> Passage {
        let _ = (source, destination, family);
        Passage { must: PacketSet::none(), may: PacketSet::all(), unread: vec!["no rule was read".to_owned()] }
    }

    /// The packets from `source` to `destination` that answer a connection which was let through: the stateless rules
    /// are asked again, the stateful ones know the connection.
    pub fn answers(&self, source: End, destination: End, family: Family) -> Passage {
        self.passes(source, destination, family)
    }
}
