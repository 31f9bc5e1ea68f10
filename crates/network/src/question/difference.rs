//! What became reachable between two times, and what no longer is.

use super::Reachable;
use super::matrix::{Allowed, Between, Grant, MatrixEnd};
use crate::estate::{Protocol, Service};
use crate::packet::{ANY_PORT, PacketBox, PacketSet};
use crate::topology::Network;
use crate::words::parse_protocol;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// One pair whose answer changed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// Where from.
    pub src: MatrixEnd,
    /// Where to.
    pub dst: MatrixEnd,
    /// What is answered now and was not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub opened: Vec<Allowed>,
    /// What was answered and is no more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub closed: Vec<Allowed>,
}

/// Two answers by their places.
type Couple = (*const Grant, *const Grant);
type Pairs = BTreeMap<(MatrixEnd, MatrixEnd), Arc<Grant>>;

impl Network {
    /// The pairs that differ from an older network, in order. Only packets whose answers come back count.
    pub fn differences(&self, older: &Self, between: Between, threads: usize) -> Vec<Difference> {
        let (old, new) = (older.pairs(between, threads), self.pairs(between, threads));
        let none = Arc::new(Grant::default());
        // Most pairs share the answers of their classes: each couple of answers is compared once.
        let mut compared: HashMap<Couple, (Vec<Allowed>, Vec<Allowed>)> = HashMap::new();
        let mut out = Vec::new();
        let keys = old.keys().chain(new.keys().filter(|k| !old.contains_key(*k)));
        for key in keys {
            let (was, is) = (old.get(key).unwrap_or(&none), new.get(key).unwrap_or(&none));
            let (opened, closed) = compared
                .entry((Arc::as_ptr(was), Arc::as_ptr(is)))
                .or_insert_with(|| (beyond(&answered(is), &answered(was)), beyond(&answered(was), &answered(is))));
            if !opened.is_empty() || !closed.is_empty() {
                let (src, dst) = key.clone();
                out.push(Difference { src, dst, opened: opened.clone(), closed: closed.clone() });
            }
        }
        out.sort_by(|a, b| (&a.src, &a.dst).cmp(&(&b.src, &b.dst)));
        out
    }

    fn pairs(&self, between: Between, threads: usize) -> Pairs {
        let mut out = Pairs::new();
        let told: Result<(), std::convert::Infallible> = self.matrix(between, threads, |src, dst, grant| {
            out.insert((src.clone(), dst.clone()), Arc::clone(grant));
            Ok(())
        });
        match told {
            Ok(()) => out,
        }
    }
}

/// The packets of a line that are answered.
fn answered(grant: &Grant) -> PacketSet {
    let named: PacketSet = grant.allowed.iter().filter(|a| a.protocol != "all").flat_map(boxes).collect();
    let all: PacketSet =
        grant.allowed.iter().filter(|a| a.protocol == "all" && a.reply == Reachable::Yes).flat_map(boxes).collect();
    let lost: PacketSet =
        grant.allowed.iter().filter(|a| a.protocol != "all" && a.reply != Reachable::Yes).flat_map(boxes).collect();
    named.minus(&lost).or(&all.minus(&lost))
}

fn boxes(entry: &Allowed) -> Vec<PacketBox> {
    let protocol = parse_protocol(&entry.protocol).unwrap_or(Protocol::Any);
    let any = vec![ANY_PORT];
    let (src, dst) = (entry.src_ports.as_ref().unwrap_or(&any), entry.dst_ports.as_ref().unwrap_or(&any));
    let of =
        |s: &(u16, u16), d: &(u16, u16)| PacketBox { src_port: *s, ..PacketBox::of(Service { protocol, ports: *d }) };
    src.iter().flat_map(|s| dst.iter().map(move |d| of(s, d))).collect()
}

fn beyond(now: &PacketSet, then: &PacketSet) -> Vec<Allowed> {
    super::matrix::entries(&[(Reachable::Yes, now.minus(then))])
}
