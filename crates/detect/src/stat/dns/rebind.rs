//! Public names that lead to a host's own metadata service or network.

use super::super::bounded::Bounded;
use super::super::{Dns, HOUR, MINUTE, Quiet, Sign, fact};
use super::{hash, name::Name};
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, ToSmolStr};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What counts as rebinding.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct RebindConfig {
    /// How long after a public answer a private one for the same name counts, in milliseconds. Browsers pin names for
    /// about a minute (Jackson et al.); attacks wait that out.
    pub window: i64,
    /// Zones whose names may lead to private addresses at any time: AWS publishes private addresses of databases and
    /// load balancers.
    pub trusted: Vec<SmolStr>,
    /// How long a host and name stay unspoken of, in milliseconds.
    pub quiet: i64,
    /// Pairs of host and name held at a time.
    pub max_names: usize,
}

impl Default for RebindConfig {
    fn default() -> Self {
        let trusted = ["amazonaws.com", "amazonaws.com.cn"].map(SmolStr::new_static).to_vec();
        Self { window: 10 * MINUTE, trusted, quiet: 6 * HOUR, max_names: 65_536 }
    }
}

/// Finds names outside that resolve to an instance's metadata service, and names whose answer changes from a public
/// address to a private one.
///
/// The metadata addresses are those of AWS's "Instance metadata and user data" (169.254.169.254, fd00:ec2::254) and
/// "IAM roles for tasks" and "EKS Pod Identities" (169.254.170.2, 169.254.170.23, fd00:ec2::23). The change of address
/// after C. Jackson et al., "Protecting Browsers from DNS Rebinding Attacks" (CCS 2007). A name that only ever led to a
/// private address is how many companies publish their insides, and is not said.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Rebind {
    /// What counts.
    pub config: RebindConfig,
    /// By a hash of host and name.
    public: Bounded<u64, ()>,
    quiet: Quiet,
}

impl Rebind {
    /// Takes a query, which is not older than the one before, and its name.
    pub fn observe(&mut self, query: &Dns<'_>, name: &Name<'_>, out: &mut Vec<Sign>) {
        if query.addresses.is_empty() || name.is_special() || name.spells_address() {
            return;
        }
        let c = &self.config;
        if let Some(address) = query.addresses.iter().find(|a| is_metadata(a)) {
            let named = whole(query.name);
            if self.quiet.may_say(query.host, &named, query.time, c.quiet) {
                out.push(sign("dns_rebind_metadata", query, named, *address, None, 0.95));
            }
            return;
        }
        if name.is_under(&c.trusted) {
            return;
        }
        let inside = query.addresses.iter().find(|a| is_inside(a));
        let key = hash(query.host.bytes().chain([0]).chain(query.name.bytes().map(|b| b.to_ascii_lowercase())));
        match inside {
            None => *self.public.entry(key, query.time, c.max_names, || ()) = (),
            Some(address) => {
                let Some(last) = self.public.touched(&key) else { return };
                let named = whole(query.name);
                let recent = query.time.saturating_sub(last) <= c.window;
                if recent && self.quiet.may_say(query.host, &named, query.time, c.quiet) {
                    out.push(sign("dns_rebind", query, named, *address, Some(last), 0.6));
                }
            }
        }
    }
}

fn whole(name: &str) -> SmolStr {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase().to_smolstr()
}

fn sign(method: &'static str, query: &Dns<'_>, name: SmolStr, to: IpAddr, public: Option<i64>, score: f64) -> Sign {
    let mut facts = vec![fact("address", to)];
    facts.extend(public.map(|at| fact("milliseconds_since_public_answer", query.time.saturating_sub(at))));
    let since = public.unwrap_or(query.time);
    let events = vec![query.id];
    Sign {
        method,
        time: query.time,
        since,
        host: SmolStr::new(query.host),
        peer: Some(name),
        count: 1,
        score,
        facts,
        events,
    }
}

fn is_metadata(address: &IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            [[169, 254, 169, 254], [169, 254, 170, 2], [169, 254, 170, 23]].iter().any(|o| v4 == Ipv4Addr::from(*o))
        }
        IpAddr::V6(v6) => [0x254, 0x23].iter().any(|last| v6 == Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, *last)),
    }
}

fn is_inside(address: &IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_unspecified(),
    }
}
