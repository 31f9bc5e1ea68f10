//! Security groups, network ACLs and prefix lists.

use super::{Build, id, range};
use yagura_network::estate::{AclEntry, GroupRule, NetworkAcl, Peer, PrefixList, Protocol, SecurityGroup, Service};

impl Build {
    pub fn rules(&mut self) {
        self.prefix_lists();
        for vpc in 0..self.estate.vpcs.len() {
            self.groups(vpc);
            self.acls(vpc);
        }
        self.join_groups();
    }

    fn prefix_lists(&mut self) {
        for number in 0..2 {
            let cidrs = (0..self.rng.usize(1..=2)).map(|_| self.block(false)).collect();
            let home = super::home();
            self.estate.prefix_lists.push(PrefixList {
                id: id("pl", number),
                home,
                cidrs: Some(cidrs),
                name: "".into(),
            });
        }
    }

    fn groups(&mut self, vpc: usize) {
        let record = self.estate.vpcs[vpc].clone();
        for _ in 0..2 {
            let number = self.estate.security_groups.len();
            let open = |cidr| GroupRule { service: every(), peer: Peer::Range(range(cidr)), id: None };
            let mut ingress: Vec<_> = (0..self.rng.usize(0..=3)).map(|_| self.group_rule()).collect();
            if self.chance(35) {
                let block = self.pick(&["10.0.0.0/8", "0.0.0.0/0", "::/0"]);
                ingress.push(open(block));
            }
            let egress = if self.chance(85) {
                vec![open("0.0.0.0/0"), open("::/0")]
            } else {
                (0..self.rng.usize(0..=2)).map(|_| self.group_rule()).collect()
            };
            self.estate.security_groups.push(SecurityGroup {
                id: id("sg", number),
                home: record.home.clone(),
                vpc: record.id.clone(),
                ingress,
                egress,
                ..Default::default()
            });
        }
    }

    fn group_rule(&mut self) -> GroupRule {
        let peer = match self.rng.u8(0..10) {
            0..2 => Peer::Group(id("sg", self.rng.usize(0..2 * self.estate.vpcs.len()))),
            2..4 => Peer::PrefixList(id("pl", self.rng.usize(0..2))),
            4 => Peer::Range(self.block(true)),
            _ => Peer::Range(self.block(false)),
        };
        GroupRule { service: self.service(), peer, id: None }
    }

    fn join_groups(&mut self) {
        for at in 0..self.estate.interfaces.len() {
            let vpc = self.estate.interfaces[at].vpc.clone();
            let own = self.estate.security_groups.iter().filter(|g| g.vpc == vpc).map(|g| g.id.clone());
            let own: Vec<_> = own.collect();
            let mut groups = vec![self.pick(&own)];
            let other = self.pick(&own);
            if self.chance(30) && !groups.contains(&other) {
                groups.push(other);
            }
            self.estate.interfaces[at].groups = Some(groups);
        }
    }

    fn acls(&mut self, vpc: usize) {
        let vpc = self.estate.vpcs[vpc].clone();
        let subnets: Vec<_> = self.estate.subnets.iter().filter(|s| s.vpc == vpc.id).map(|s| s.id.clone()).collect();
        let mut held: Vec<_> = subnets.into_iter().filter(|_| self.rng.u8(0..100) < 35).collect();
        for default in [true, false] {
            let entries = if default && self.chance(80) { open_acl() } else { self.entries() };
            self.estate.network_acls.push(NetworkAcl {
                id: id("acl", self.estate.network_acls.len()),
                home: vpc.home.clone(),
                vpc: vpc.id.clone(),
                default,
                subnets: if default { Vec::new() } else { std::mem::take(&mut held) },
                entries,
            });
        }
    }

    fn entries(&mut self) -> Vec<AclEntry> {
        let mut out = Vec::new();
        for egress in [false, true] {
            for at in 0..self.rng.u32(1..=4) {
                let six = self.chance(25);
                out.push(AclEntry {
                    number: 100 + 10 * at,
                    egress,
                    allow: self.chance(65),
                    service: self.service(),
                    range: self.block(six),
                });
            }
            if self.chance(70) {
                let service = self.pick(&[every(), tcp(1024, 65535)]);
                out.push(AclEntry { number: 300, egress, allow: true, service, range: range("0.0.0.0/0") });
            }
            out.push(AclEntry { number: 32767, egress, allow: false, service: every(), range: range("0.0.0.0/0") });
        }
        self.rng.shuffle(&mut out);
        out
    }

    fn service(&mut self) -> Service {
        match self.rng.u8(0..12) {
            0..3 => every(),
            3 => tcp(443, 443),
            4 => tcp(0, 65535),
            5 => tcp(1024, 65535),
            6 => tcp(32768, 60999),
            7 => tcp(22, 443),
            8 => Service { protocol: Protocol::Number(17), ports: (53, 53) },
            9 => Service { protocol: Protocol::Number(17), ports: (1024, 65535) },
            10 => Service { protocol: Protocol::Number(1), ports: (0, 65535) },
            _ => Service { protocol: Protocol::Number(1), ports: (8 << 8, 8 << 8 | 255) },
        }
    }
}

/// Every protocol.
pub fn every() -> Service {
    Service { protocol: Protocol::Any, ports: (0, 65535) }
}

fn tcp(first: u16, last: u16) -> Service {
    Service { protocol: Protocol::Number(6), ports: (first, last) }
}

fn open_acl() -> Vec<AclEntry> {
    let mut out = Vec::new();
    for egress in [false, true] {
        for (number, allow, cidr) in
            [(100, true, "0.0.0.0/0"), (101, true, "::/0"), (32767, false, "0.0.0.0/0"), (32768, false, "::/0")]
        {
            out.push(AclEntry { number, egress, allow, service: every(), range: range(cidr) });
        }
    }
    out
}
