//! Another way where the present one leads nowhere.

use crate::change::Change;
use crate::estate::{Destination, Target};
use crate::packet::{End, Family};
use crate::topology::Network;
use crate::walk::{Hop, Kind, Leg};
use yagura_model::IpRange;

impl Network {
    /// A route past what stops a way for good (a circle of routes, a connection that is gone, a device that carries
    /// nothing of the kind): from the first route table on the way that can lead elsewhere, more specific than the
    /// route that it took. Where the VPC lacks the gateway or connection, the change that makes it.
    pub(super) fn detour(&self, leg: &Leg, family: Family) -> Option<Change> {
        let destination = match leg.destination {
            End::At(ip) => ip,
            End::Far => family.address(leg.far.first()?.first),
        };
        // Past these the packet has other addresses than those that it set out with.
        let same = |h: &&Hop| !matches!(h.kind, Kind::Internet | Kind::NatGateway | Kind::Service);
        let tables = leg.hops.iter().take_while(same).filter(|h| h.kind == Kind::RouteTable);
        tables.into_iter().find_map(|hop| {
            let table = self.estate.route_tables.iter().find(|t| t.id == hop.id && t.gateways.is_empty())?;
            let vpc = *self.vpc.get(&table.vpc)?;
            let taken = hop.route.as_ref();
            match self.way_to(&table.id, vpc, End::At(destination), family)? {
                Change::AddRoute { target, .. } if taken.is_some_and(|t| t.target == target) => None,
                Change::AddRoute { target: Target::Local, table, .. } => match &taken?.destination {
                    Destination::Range(range) => {
                        Some(Change::AddRoute { table, destination: *range, target: Target::Local })
                    }
                    Destination::PrefixList(_) => None,
                },
                Change::AddRoute { table, target, .. } => {
                    Some(Change::AddRoute { table, destination: IpRange::from(destination), target })
                }
                other => Some(other),
            }
        })
    }
}
