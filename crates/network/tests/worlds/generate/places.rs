//! VPCs, subnets, network interfaces and their instances.

use super::{Build, home, id, range};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use yagura_network::estate::{Address, Instance, Interface, Subnet, Vpc};

impl Build {
    pub fn places(&mut self) {
        let vpcs = self.rng.usize(1..=3);
        for at in 0..vpcs {
            self.vpc(at);
        }
        let secondary = self.estate.vpcs.len() == 3 && self.chance(20);
        if secondary {
            self.estate.vpcs[0].cidrs.push(range("10.200.0.0/16"));
        }
    }

    fn vpc(&mut self, at: usize) {
        // Some blocks overlap: nothing stops two VPCs from having the same one.
        let second = if at > 0 && self.chance(15) { at - 1 } else { at };
        let mut cidrs = vec![range(&format!("10.{second}.0.0/16"))];
        let six = self.chance(50);
        if six {
            cidrs.push(range(&format!("2600:1f18:{at:x}:ab00::/56")));
        }
        let mut home = home();
        if self.chance(10) {
            home.region = "eu-west-1".into();
        }
        let vpc = id("vpc", at);
        self.estate.vpcs.push(Vpc { id: vpc.clone(), home: home.clone(), cidrs, ..Default::default() });
        for number in 0..self.rng.usize(1..=3) {
            let mut cidrs = vec![range(&format!("10.{second}.{number}.0/24"))];
            if six && self.chance(70) {
                cidrs.push(range(&format!("2600:1f18:{at:x}:ab0{number}::/64")));
            }
            let subnet = id("subnet", self.estate.subnets.len());
            let zone = self.pick(&["use1-az1", "use1-az2"]).into();
            self.estate.subnets.push(Subnet {
                id: subnet.clone(),
                home: home.clone(),
                vpc: vpc.clone(),
                cidrs,
                zone,
                ..Default::default()
            });
            for host in 0..self.rng.u8(1..=2) {
                self.interface(at, self.estate.subnets.len() - 1, 10 + host);
            }
        }
    }

    fn interface(&mut self, vpc: usize, subnet: usize, host: u8) {
        let number = self.estate.interfaces.len();
        let subnet = self.estate.subnets[subnet].clone();
        let mut addresses = Vec::new();
        for cidr in &subnet.cidrs {
            let ip = match cidr.first() {
                IpAddr::V4(a) => IpAddr::from(Ipv4Addr::from(u32::from(a) + u32::from(host))),
                IpAddr::V6(a) => IpAddr::from(Ipv6Addr::from(u128::from(a) + u128::from(host))),
            };
            let public = (ip.is_ipv4() && self.chance(45)).then(|| public(number));
            addresses.push(Address { ip, public });
        }
        if self.chance(10)
            && let IpAddr::V4(a) = addresses[0].ip
        {
            addresses.push(Address { ip: Ipv4Addr::from(u32::from(a) + 100).into(), public: None });
        }
        let instance = self.chance(85).then(|| id("i", number));
        if let Some(id) = &instance {
            let state = if self.chance(6) { self.pick(&["stopped", "terminated"]) } else { "running" };
            let home = subnet.home.clone();
            self.estate.instances.push(Instance { id: id.clone(), home, state: state.into(), name: None });
        }
        let source_dest_check = !self.chance(12);
        let in_use = !self.chance(3);
        self.estate.interfaces.push(Interface {
            id: id("eni", number),
            home: subnet.home,
            vpc: id("vpc", vpc),
            subnet: subnet.id,
            addresses,
            groups: Some(Vec::new()),
            source_dest_check,
            instance,
            in_use,
            ..Default::default()
        });
    }
}

/// The public address of the interface with this number.
pub fn public(number: usize) -> IpAddr {
    Ipv4Addr::new(54, 10, 0, 1 + u8::try_from(number).unwrap()).into()
}
