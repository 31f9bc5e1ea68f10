//! Random networks: small enough to read, odd enough to surprise. A seed gives the same network on every run.

mod places;
mod rules;
mod ways;

use fastrand::Rng;
use smol_str::SmolStr;
use yagura_model::IpRange;
use yagura_network::estate::{Estate, Home};

/// The network of a seed.
pub fn network(seed: u64) -> Estate {
    let mut build = Build { rng: Rng::with_seed(seed), estate: Estate::default() };
    build.places();
    build.rules();
    build.ways();
    build.estate
}

/// A network under construction.
struct Build {
    rng: Rng,
    estate: Estate,
}

impl Build {
    /// Whether something happens that happens in `percent` of all cases.
    fn chance(&mut self, percent: u8) -> bool {
        self.rng.u8(0..100) < percent
    }

    /// One of some choices.
    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.rng.usize(0..from.len())].clone()
    }

    /// Blocks that rules and routes of a network speak of.
    fn block(&mut self, six: bool) -> IpRange {
        let mut known: Vec<IpRange> = if six {
            vec![range("::/0"), range("2001:4860::/32")]
        } else {
            vec![range("0.0.0.0/0"), range("10.0.0.0/8"), range("8.8.8.0/24"), range("0.0.0.0/1")]
        };
        let of_family = |c: &&IpRange| c.first().is_ipv6() == six;
        known.extend(self.estate.vpcs.iter().flat_map(|v| &v.cidrs).filter(of_family));
        known.extend(self.estate.subnets.iter().flat_map(|s| &s.cidrs).filter(of_family));
        let addresses = self.estate.interfaces.iter().flat_map(|i| &i.addresses);
        known.extend(addresses.filter(|a| a.ip.is_ipv6() == six).take(3).map(|a| IpRange::from(a.ip)));
        self.pick(&known)
    }
}

/// Where everything is.
pub fn home() -> Home {
    Home { account: "111122223333".into(), region: "us-east-1".into() }
}

/// A block of addresses.
pub fn range(text: &str) -> IpRange {
    IpRange::parse(text).unwrap()
}

fn id(kind: &str, number: usize) -> SmolStr {
    format!("{kind}-{number}").into()
}
