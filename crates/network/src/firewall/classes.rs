//! The far end's addresses by the lists that hold them: what no list tells apart, no rule does.
//!
//! Rules then judge one address of each class, so that cost grows with what the rules tell apart, not with the blocks
//! that they list.

use super::Passage;
use super::ranges::Addresses;
use crate::packet::{Family, PacketBox, PacketSet, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Asks about one address of each class and puts the answers together, in the form that [`PacketSet::canonical`] has.
pub fn by_class<'a>(
    lists: impl Iterator<Item = &'a Addresses>,
    family: Family,
    ask: impl Fn(IpAddr) -> Passage,
) -> Passage {
    let mut unread: Vec<String> = Vec::new();
    let (mut must, mut may) = (Vec::new(), Vec::new());
    for class in classes(lists, family) {
        let Some(first) = class.first() else { continue };
        let passage = ask(family.address(first.first));
        for span in &class {
            must.push((*span, passage.must.boxes().to_vec()));
            may.push((*span, passage.may.boxes().to_vec()));
        }
        for rule in passage.unread {
            if !unread.contains(&rule) {
                unread.push(rule);
            }
        }
    }
    Passage { must: joined(must), may: joined(may), unread }
}

/// The boxes of every span, with neighbours joined that have the same.
fn joined(mut spans: Vec<(Span, Vec<PacketBox>)>) -> PacketSet {
    spans.sort_unstable_by_key(|(span, _)| *span);
    let mut out: Vec<(Span, Vec<PacketBox>)> = Vec::new();
    for (span, boxes) in spans {
        match out.last_mut() {
            Some((before, same)) if *same == boxes && before.last.checked_add(1) == Some(span.first) => {
                before.last = span.last;
            }
            _ => out.push((span, boxes)),
        }
    }
    PacketSet::disjoint(
        out.into_iter().flat_map(|(span, boxes)| boxes.into_iter().map(move |b| b.from(span))).collect(),
    )
}

/// The spans of each class. Numbers above IPv4's last stand for nothing: they follow it, so that everything is one span.
fn classes<'a>(lists: impl Iterator<Item = &'a Addresses>, family: Family) -> Vec<Vec<Span>> {
    let last = family.span().last;
    let mut turns: BTreeMap<u128, Vec<(usize, bool)>> = BTreeMap::new();
    for (list, spans) in lists.map(|list| list.of_family(family).spans()).enumerate() {
        for span in spans.iter().filter(|span| **span != family.span()) {
            turns.entry(span.first).or_default().push((list, true));
            if span.last < last {
                turns.entry(span.last + 1).or_default().push((list, false));
            }
        }
    }
    let mut held: BTreeSet<usize> = BTreeSet::new();
    let mut classes: BTreeMap<BTreeSet<usize>, Vec<Span>> = BTreeMap::new();
    let mut first = 0;
    for (at, changes) in turns {
        if let Some(before) = at.checked_sub(1).filter(|before| first <= *before) {
            classes.entry(held.clone()).or_default().push(Span { first, last: before });
        }
        for (list, starts) in changes {
            if starts {
                held.insert(list)
            } else {
                held.remove(&list)
            };
        }
        first = at;
    }
    classes.entry(held).or_default().push(Span { first, last: u128::MAX });
    classes.into_values().collect()
}
