//! "IP address functions" of the Trino documentation. Addresses and networks are text, written canonically.

use super::args::{Args, Kind};
use super::pattern::{lists, texts};
use super::{Def, Given, text, truth};
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const fn def(
    name: &'static str,
    takes: &'static [Kind],
    gives: fn(&Given<'_>) -> Result<DataType>,
    run: fn(&Args) -> Result<ArrayRef>,
) -> Def {
    Def { name, takes, count: (takes.len(), takes.len()), gives, json: false, fails: true, run }
}

pub(super) const DEFS: &[Def] = &[
    def("ip_prefix", &[Kind::Text, Kind::Int], text, ip_prefix),
    def("ip_subnet_min", &[Kind::Text], text, |a| bound(a, Network::first)),
    def("ip_subnet_max", &[Kind::Text], text, |a| bound(a, Network::last)),
    def("ip_subnet_range", &[Kind::Text], texts, range),
    def("is_subnet_of", &[Kind::Text, Kind::Text], truth, is_subnet_of),
];

/// A network: its bits are the address's, from the left.
#[derive(Debug, Clone, Copy)]
pub(super) struct Network {
    v6: bool,
    bits: u128,
    length: u32,
}

impl Network {
    fn of(ip: IpAddr, length: u32) -> Option<Self> {
        let (v6, bits) = match ip.to_canonical() {
            IpAddr::V4(ip) => (false, u128::from(ip.to_bits())),
            IpAddr::V6(ip) => (true, ip.to_bits()),
        };
        let network = Self { v6, bits, length };
        (length <= network.width()).then_some(Self { bits: bits & !network.host_mask(), ..network })
    }

    /// Reads `192.0.2.0/24`, or an address as the network of itself.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let (ip, length) = text.split_once('/').map_or((text, None), |(ip, length)| (ip, Some(length)));
        let network = ip.trim().parse::<IpAddr>().ok().and_then(|ip| {
            let own = if ip.to_canonical().is_ipv4() { 32 } else { 128 };
            Self::of(ip, length.map_or(Some(own), |l| l.parse().ok())?)
        });
        match network {
            Some(network) => Ok(network),
            None => exec_err!("`{text}` is no network in CIDR notation"),
        }
    }

    fn width(self) -> u32 {
        if self.v6 { 128 } else { 32 }
    }

    fn host_mask(self) -> u128 {
        let free = self.width() - self.length;
        if free == 128 { u128::MAX } else { (1 << free) - 1 }
    }

    fn address(self, bits: u128) -> IpAddr {
        match u32::try_from(bits) {
            Ok(bits) if !self.v6 => IpAddr::V4(Ipv4Addr::from_bits(bits)),
            _ => IpAddr::V6(Ipv6Addr::from_bits(bits)),
        }
    }

    fn first(self) -> IpAddr {
        self.address(self.bits)
    }

    fn last(self) -> IpAddr {
        self.address(self.bits | self.host_mask())
    }

    /// Whether the other lies wholly in this one.
    pub(super) fn contains(self, other: Self) -> bool {
        self.v6 == other.v6 && self.length <= other.length && other.bits & !self.host_mask() == self.bits
    }
}

fn ip_prefix(args: &Args) -> Result<ArrayRef> {
    let (ips, lengths) = (args.text(0)?, args.int(1)?);
    args.texts(|i| {
        let (Some(ip), Some(length)) = (ips.get(i), lengths.get(i)) else { return Ok(None) };
        let Ok(address) = ip.parse::<IpAddr>() else { return exec_err!("`{ip}` is no IP address") };
        match u32::try_from(length).ok().and_then(|length| Network::of(address, length)) {
            Some(network) => Ok(Some(format!("{}/{length}", network.first()))),
            None => exec_err!("a network of `{ip}` cannot have {length} bits"),
        }
    })
}

fn bound(args: &Args, of: fn(Network) -> IpAddr) -> Result<ArrayRef> {
    let networks = args.text(0)?;
    args.texts(|i| networks.get(i).map(|n| Ok(of(Network::parse(n)?).to_string())).transpose())
}

fn range(args: &Args) -> Result<ArrayRef> {
    let networks = args.text(0)?;
    lists(args, |i| {
        let Some(network) = networks.get(i) else { return Ok(None) };
        let network = Network::parse(network)?;
        Ok(Some(vec![Some(network.first().to_string()), Some(network.last().to_string())]))
    })
}

fn is_subnet_of(args: &Args) -> Result<ArrayRef> {
    let (networks, others) = (args.text(0)?, args.text(1)?);
    args.bools(|i| {
        let (Some(network), Some(other)) = (networks.get(i), others.get(i)) else { return Ok(None) };
        Ok(Some(Network::parse(network)?.contains(Network::parse(other)?)))
    })
}

/// `contains(network, address)`.
pub(super) fn contains(args: &Args) -> Result<ArrayRef> {
    let (networks, ips) = (args.text(0)?, args.text(1)?);
    let mut last = super::args::Last::new();
    args.bools(|i| {
        let (Some(network), Some(ip)) = (networks.get(i), ips.get(i)) else { return Ok(None) };
        let network = *last.get(network, Network::parse)?;
        match ip.parse::<IpAddr>() {
            Ok(_) => Ok(Some(network.contains(Network::parse(ip)?))),
            Err(_) => exec_err!("`{ip}` is no IP address; write try(contains(…)) to leave such rows out"),
        }
    })
}
