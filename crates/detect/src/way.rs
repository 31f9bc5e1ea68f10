//! Which way something went on the network.

use crate::observe::Seen;
use smol_str::SmolStr;
use yagura_model::IpRange;

/// Who did something to whom on the network. [`crate::tell::About::source_ip`] is the host that a finding is about, whichever of the two it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way {
    /// An address: where it came from.
    pub from: SmolStr,
    /// An address or a name: where it went; empty where there were many.
    pub to: SmolStr,
    /// The one of the two that is one's own: its instance, where that is known, else its address.
    pub host: SmolStr,
    /// Whether it came in.
    pub inward: bool,
}

impl Way {
    /// Of a record of a network's log.
    pub(crate) fn of(seen: &Seen) -> Option<Self> {
        if !matches!(seen.log.as_str(), "vpc_flow" | "route53_resolver") {
            return None;
        }
        let shown = |name: &str| seen.shown.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
        let (from, to) = match (shown("attacker"), shown("victim")) {
            (Some(from), Some(to)) => (from, to),
            _ => (seen.source_ip.clone(), seen.target.clone()),
        };
        let internal = |t: &str| IpRange::parse(t).map(|range| range.is_internal());
        let inward = match shown("victim") {
            Some(victim) => victim == seen.source_ip,
            None => internal(&from) == Some(false) && internal(&to) == Some(true),
        };
        let address = if inward { &to } else { &from };
        let host = if seen.instance.is_empty() { address } else { &seen.instance };
        Some(Self { host: host.clone(), from, to, inward })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_is_one_of_the_two_ends() {
        let seen = |log: &str, from: &str, to: &str, shown: &[(&str, &str)]| Seen {
            log: log.into(),
            source_ip: from.into(),
            target: to.into(),
            shown: shown.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect(),
            ..Seen::default()
        };
        let way = |from: &str, to: &str, host: &str, inward: bool| {
            Some(Way { from: from.into(), to: to.into(), host: host.into(), inward })
        };
        // A statistic's host is `source_ip`, whoever began.
        let probe = [("attacker", "198.51.100.7"), ("victim", "10.0.0.5")];
        let flood = [("attacker", "10.0.0.5"), ("victim", "198.51.100.7")];
        let rows = [
            (seen("vpc_flow", "10.0.0.5", "198.51.100.7", &probe), way("198.51.100.7", "10.0.0.5", "10.0.0.5", true)),
            (seen("vpc_flow", "10.0.0.5", "198.51.100.7", &flood), way("10.0.0.5", "198.51.100.7", "10.0.0.5", false)),
            (seen("vpc_flow", "10.0.0.5", "198.51.100.7", &[]), way("10.0.0.5", "198.51.100.7", "10.0.0.5", false)),
            (seen("vpc_flow", "198.51.100.7", "10.0.0.5", &[]), way("198.51.100.7", "10.0.0.5", "10.0.0.5", true)),
            (seen("route53_resolver", "10.0.0.5", "a.example", &[]), way("10.0.0.5", "a.example", "10.0.0.5", false)),
            (seen("cloudtrail", "198.51.100.7", "main", &[]), None),
        ];
        for (seen, wanted) in rows {
            assert_eq!(Way::of(&seen), wanted);
        }
    }
}
