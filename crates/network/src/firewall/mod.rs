//! AWS Network Firewall: what its stateless and Suricata rules let through.

/// The rules of a firewall policy, in the order in which they decide.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Ruleset {}
