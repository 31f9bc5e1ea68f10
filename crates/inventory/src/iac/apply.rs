//! A resource's body → fields, by a kind's rules and the types of the service model.

use super::fit::{fit, member, plain_name, type_at};
use super::node::{Entry, Node};
use super::spec::Rule;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use yagura_model::Type;

/// The fields that a body gives, and the properties that have no counterpart in what AWS answers.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    pub fields: BTreeMap<SmolStr, Node>,
    pub unmapped: Vec<SmolStr>,
}

/// Applies rules and equal names to a body.
pub(crate) fn apply(body: &Node, rules: &[Rule], types: &BTreeMap<SmolStr, Type>, out: &mut Applied) {
    for rule in rules.iter().filter(|r| r.from == ".") {
        if let Some(to) = &rule.to {
            put(&mut out.fields, to, ruled_value(body, rule, type_at(types, to)));
        }
    }
    for entry in body.entries() {
        let mine = |r: &&Rule| r.from == entry.key || r.from.split('.').next() == Some(entry.key.as_str());
        let mut ruled = false;
        for rule in rules.iter().filter(mine) {
            ruled = true;
            let value = match rule.from.split_once('.') {
                None => Some(entry.value.clone()),
                Some((_, rest)) => entry.value.gathered(rest),
            };
            if let (Some(to), Some(value)) = (&rule.to, value) {
                put(&mut out.fields, to, ruled_value(&value, rule, type_at(types, to)));
            }
        }
        if ruled {
            continue;
        }
        match member(types, &entry.key) {
            Some((name, t)) => put(&mut out.fields, name, fit(entry.value.clone(), t)),
            None => out.unmapped.push(entry.key.clone()),
        }
    }
}

/// Applies only the rules, to a body that adds to another resource. `.` is the body as a whole.
pub(crate) fn attach(
    body: &Node,
    rules: &[Rule],
    types: &BTreeMap<SmolStr, Type>,
    fields: &mut BTreeMap<SmolStr, Node>,
) {
    for rule in rules {
        let value = if rule.from == "." { Some(body.clone()) } else { body.gathered(&rule.from) };
        if let (Some(to), Some(value)) = (&rule.to, value) {
            put(fields, to, ruled_value(&value, rule, type_at(types, to)));
        }
    }
}

fn ruled_value(value: &Node, rule: &Rule, t: Option<&Type>) -> Node {
    let t = t.unwrap_or(&Type::Any);
    if *value == Node::Null {
        return Node::Null;
    }
    if let Some(present) = &rule.present {
        return Node::of(present);
    }
    if rule.unknown {
        return Node::unknown(&rule.from);
    }
    let mut value = value.clone();
    if let Some(word) = value.scalar()
        && let Some((_, other)) = rule.values.iter().find(|(from, _)| from.eq_ignore_ascii_case(&word))
    {
        value = Node::of(other);
    }
    if let Type::Map(of) = t
        && !rule.key.is_empty()
    {
        return keyed(value, rule, of);
    }
    if rule.each.is_empty() && rule.set.is_empty() {
        // With `[]` in its path, each item of a list goes to a place of its own.
        let apart = rule.to.as_ref().is_some_and(|to| to.contains("[]")) && !matches!(t, Type::List(_));
        return match value {
            Node::List(items) if apart => Node::List(items.into_iter().map(|i| fit(i, t)).collect()),
            value => fit(value, t),
        };
    }
    let item = match t {
        Type::List(of) => of.as_ref(),
        t => t,
    };
    match value {
        Node::List(items) if matches!(t, Type::List(_)) => {
            Node::List(items.into_iter().map(|i| each(&i, rule, item)).collect())
        }
        Node::List(mut items) if items.len() == 1 => each(&items.pop().unwrap_or(Node::Null), rule, item),
        // Items that are all added with `[]`.
        Node::List(items) => Node::List(items.into_iter().map(|i| each(&i, rule, item)).collect()),
        one if matches!(t, Type::List(_)) && one != Node::Null => Node::List(vec![each(&one, rule, item)]),
        one => each(&one, rule, item),
    }
}

/// A list of items as the map that AWS answers: each under the values of its `key` members, without a `/` before the first.
fn keyed(value: Node, rule: &Rule, of: &Type) -> Node {
    let items = match value {
        Node::List(items) => items,
        one @ Node::Map(_) => vec![one],
        other => return other,
    };
    let mut out = Vec::new();
    for item in items {
        let mut key = Vec::new();
        for name in &rule.key {
            match item.path(name) {
                Some(Node::Unknown(why)) => return Node::Unknown(why.clone()),
                part => key.extend(part.and_then(Node::scalar)),
            }
        }
        let key = key.join("/");
        out.push(Entry::new(key.strip_prefix('/').unwrap_or(&key), fit(item, of)));
    }
    Node::Map(out)
}

/// One structure by the rules for its members.
fn each(node: &Node, rule: &Rule, t: &Type) -> Node {
    if !matches!(node, Node::Map(_)) {
        return node.clone();
    }
    let empty = BTreeMap::new();
    let types = match t {
        Type::Struct(members) => members.as_ref(),
        _ => &empty,
    };
    let mut applied = Applied::default();
    apply(node, &rule.each, types, &mut applied);
    for rule in &rule.each {
        let left_out = |(of, v): &(SmolStr, yagura_model::Value)| applied.fields.get(of) == Some(&Node::of(v));
        if let Some(to) = &rule.to
            && rule.unless.iter().any(left_out)
        {
            applied.fields.remove(to);
        }
    }
    for (key, value) in rule.set.iter() {
        applied.fields.entry(key.clone()).or_insert_with(|| Node::of(value));
    }
    Node::Map(applied.fields.into_iter().map(|(k, v)| Entry::new(k, v)).collect())
}

/// Puts a value at a path of members. `[]` marks a list to which an item is added, or one for each item of the value.
pub(crate) fn put(fields: &mut BTreeMap<SmolStr, Node>, path: &str, value: Node) {
    if value == Node::Null {
        return;
    }
    let (top, rest) = path.split_once('.').map_or((path, None), |(t, r)| (t, Some(r)));
    let name = SmolStr::from(top.trim_end_matches("[]"));
    let slot = fields.entry(name).or_insert(Node::Null);
    into(slot, top.ends_with("[]"), rest, value);
}

fn into(slot: &mut Node, adds: bool, rest: Option<&str>, value: Node) {
    if matches!(slot, Node::Unknown(_)) {
        return;
    }
    if adds {
        if let Node::Unknown(_) = value {
            *slot = value;
            return;
        }
        let mut items = match std::mem::replace(slot, Node::Null) {
            Node::List(l) => l,
            _ => Vec::new(),
        };
        let values = match value {
            Node::List(l) => l,
            one => vec![one],
        };
        for value in values {
            let mut item = Node::Null;
            match rest {
                None => item = value,
                Some(rest) => descend(&mut item, rest, value),
            }
            items.push(item);
        }
        *slot = Node::List(items);
        return;
    }
    match rest {
        Some(rest) => descend(slot, rest, value),
        None => merge(slot, value),
    }
}

fn descend(slot: &mut Node, path: &str, value: Node) {
    let (top, rest) = path.split_once('.').map_or((path, None), |(t, r)| (t, Some(r)));
    let name = top.trim_end_matches("[]");
    if !matches!(slot, Node::Map(_)) {
        *slot = Node::Map(Vec::new());
    }
    if let Node::Map(entries) = slot {
        if !entries.iter().any(|e| e.key == name) {
            entries.push(Entry::new(name, Node::Null));
        }
        if let Some(e) = entries.iter_mut().find(|e| e.key == name) {
            into(&mut e.value, top.ends_with("[]"), rest, value);
        }
    }
}

/// A list grows, a structure takes the members that it lacks, everything else is replaced.
fn merge(slot: &mut Node, value: Node) {
    match (slot, value) {
        (Node::List(old), Node::List(new)) => old.extend(new),
        (Node::Map(old), Node::Map(new)) => {
            for e in new {
                match old.iter_mut().find(|o| plain_name(&o.key) == plain_name(&e.key)) {
                    Some(o) => o.value = e.value,
                    None => old.push(e),
                }
            }
        }
        (slot, value) => *slot = value,
    }
}
