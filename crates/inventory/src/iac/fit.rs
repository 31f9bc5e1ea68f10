//! A template's value in the form in which AWS answers it, by the type that the service model gives.

use super::node::{Entry, Node};
use std::collections::BTreeMap;
use yagura_model::Type;

/// `VpcId`, `vpcId` and `vpc_id` are one name.
pub(crate) fn plain_name(name: &str) -> String {
    name.chars().filter(|c| *c != '_' && *c != '-').map(|c| c.to_ascii_lowercase()).collect()
}

/// The member that a template's name means: the same, or the only one that differs in letter case and underscores.
pub(crate) fn member<'t>(
    members: &'t BTreeMap<smol_str::SmolStr, Type>,
    name: &str,
) -> Option<(&'t smol_str::SmolStr, &'t Type)> {
    if let Some(same) = members.get_key_value(name) {
        return Some(same);
    }
    let wanted = plain_name(name);
    let mut found = members.iter().filter(|(n, _)| plain_name(n) == wanted);
    match (found.next(), found.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

/// The value as a type has it. What does not fit stays as it is: an expression that compares it then finds no match.
pub(crate) fn fit(node: Node, t: &Type) -> Node {
    match (t, node) {
        (_, n @ (Node::Unknown(_) | Node::Null)) => n,
        (Type::Bool, Node::Text(s)) => match s.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Node::Bool(true),
            "false" | "no" | "off" => Node::Bool(false),
            _ => Node::Text(s),
        },
        (Type::Int, Node::Text(s)) => s.trim().parse().map_or(Node::Text(s), Node::Int),
        (Type::Int, Node::Float(f)) if f.fract() == 0.0 && f.abs() < 9e15 => Node::Int(f as i64),
        (Type::Float, Node::Int(i)) => Node::Float(i as f64),
        (Type::Float, Node::Text(s)) => s.trim().parse().map_or(Node::Text(s), Node::Float),
        (Type::String | Type::Timestamp, n @ (Node::Bool(_) | Node::Int(_) | Node::Float(_))) => {
            n.scalar().map_or(Node::Null, Node::Text)
        }
        // A block for a single text, or a document.
        (Type::String | Type::Timestamp, n @ (Node::Map(_) | Node::List(_))) => n.json(),
        // `jsonencode([…])`, which Terraform asks for in places where AWS answers a structure.
        (Type::List(_) | Type::Struct(_), Node::Text(s)) if s.trim_start().starts_with(['[', '{']) => {
            match serde_json::from_str(&s) {
                Ok(json) => fit(Node::from_json(&json), t),
                Err(_) => Node::Text(s),
            }
        }
        (Type::List(of), n) => list(n, of),
        (Type::Map(of), Node::Map(m)) => {
            Node::Map(m.into_iter().map(|e| Entry { value: fit(e.value, of), ..e }).collect())
        }
        (Type::Map(of), Node::List(l)) => pairs(l, of),
        (Type::Struct(members), Node::Map(m)) => structure(m, members),
        (Type::Struct(members), Node::List(mut l)) => match (l.pop(), l.is_empty()) {
            (None, _) => Node::Null,
            (Some(one), true) => fit(one, &Type::Struct(members.clone())),
            (Some(last), false) => {
                l.push(last);
                Node::List(l)
            }
        },
        (_, n) => n,
    }
}

fn structure(entries: Vec<Entry>, members: &BTreeMap<smol_str::SmolStr, Type>) -> Node {
    let fitted = entries.into_iter().filter_map(|e| {
        let (name, t) = member(members, &e.key)?;
        let value = fit(e.value, t);
        (value != Node::Null).then(|| Entry { key: name.clone(), line: e.line, value })
    });
    Node::Map(fitted.collect())
}

fn list(node: Node, of: &Type) -> Node {
    match node {
        Node::List(l) => Node::List(l.into_iter().map(|n| fit(n, of)).filter(|n| *n != Node::Null).collect()),
        Node::Map(m) => match tag_names(of) {
            Some((key, value)) if !m.iter().any(|e| plain_name(&e.key) == "key") => Node::List(
                m.into_iter()
                    .map(|e| Node::Map(vec![Entry::new(key, Node::Text(e.key)), Entry::new(value, text(e.value))]))
                    .collect(),
            ),
            _ => Node::List(vec![fit(Node::Map(m), of)]),
        },
        one => Node::List(vec![fit(one, of)]),
    }
}

fn text(node: Node) -> Node {
    match node.scalar() {
        Some(t) => Node::Text(t),
        None => node,
    }
}

/// The members of a pair such as a tag: key and value.
fn tag_names(of: &Type) -> Option<(&str, &str)> {
    let Type::Struct(members) = of else { return None };
    let named = |wanted: &[&str]| members.keys().find(|n| wanted.contains(&plain_name(n).as_str()));
    Some((named(&["key", "tagkey"])?, named(&["value", "tagvalue"])?))
}

/// A list of pairs, as the map that some services answer.
fn pairs(items: Vec<Node>, of: &Type) -> Node {
    let mut out = Vec::new();
    for item in &items {
        if let Node::Unknown(_) = item {
            return item.clone();
        }
        let by = |names: &[&str]| {
            item.entries().iter().find(|e| names.contains(&plain_name(&e.key).as_str())).map(|e| e.value.clone())
        };
        match (by(&["key", "name", "tagkey"]), by(&["value", "tagvalue"])) {
            (Some(Node::Unknown(why)), _) => return Node::Unknown(why),
            (Some(key), value) => match key.scalar() {
                Some(key) => out.push(Entry::new(key, fit(value.unwrap_or(Node::Null), of))),
                None => return Node::List(items),
            },
            (None, _) => return Node::List(items),
        }
    }
    Node::Map(out)
}

/// The type at a dotted path of members; `[]` marks a list whose items are meant.
pub(crate) fn type_at<'t>(fields: &'t BTreeMap<smol_str::SmolStr, Type>, path: &str) -> Option<&'t Type> {
    let mut parts = path.split('.');
    let first = parts.next()?;
    let mut here = step(fields.get(first.trim_end_matches("[]"))?, first)?;
    for part in parts {
        let name = part.trim_end_matches("[]");
        let found = match here {
            Type::Struct(m) => m.get(name)?,
            Type::Map(of) => of,
            Type::Any => return Some(&Type::Any),
            _ => return None,
        };
        here = step(found, part)?;
    }
    Some(here)
}

fn step<'t>(t: &'t Type, part: &str) -> Option<&'t Type> {
    match (part.ends_with("[]"), t) {
        (false, t) => Some(t),
        (true, Type::List(of)) => Some(of),
        (true, Type::Any) => Some(&Type::Any),
        (true, _) => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]
    use super::*;
    use std::sync::Arc;

    fn members(of: &[(&str, Type)]) -> Type {
        Type::Struct(Arc::new(of.iter().map(|(n, t)| ((*n).into(), t.clone())).collect()))
    }

    #[test]
    fn values_take_the_form_that_aws_answers() {
        let tags = Type::List(Arc::new(members(&[("Key", Type::String), ("Value", Type::String)])));
        let map = Type::Map(Arc::new(Type::String));
        let block = members(&[("vpcId", Type::String), ("subnetIds", Type::List(Arc::new(Type::String)))]);
        let rows: [(&str, &str, Type); 10] = [
            ("'true'", "true", Type::Bool),
            ("'443'", "443", Type::Int),
            ("443", "\"443\"", Type::String),
            ("{Version: '2012-10-17'}", r#""{\"Version\":\"2012-10-17\"}""#, Type::String),
            ("{team: a}", r#"[{"Key":"team","Value":"a"}]"#, tags.clone()),
            ("[{Key: team, Value: 1}]", r#"[{"Key":"team","Value":"1"}]"#, tags),
            ("[{Key: team, Value: a}]", r#"{"team":"a"}"#, map),
            ("{VpcId: v, SubnetIds: s}", r#"{"subnetIds":["s"],"vpcId":"v"}"#, block.clone()),
            ("[{vpc_id: v}]", r#"{"vpcId":"v"}"#, block.clone()),
            (r#"'[{"vpcId": "v"}]'"#, r#"[{"vpcId":"v"}]"#, Type::List(Arc::new(block))),
        ];
        for (text, expected, t) in rows {
            let node = super::super::document::read("t.yaml", text).unwrap();
            assert_eq!(fit(node, &t).known().unwrap().to_string(), expected, "{text}");
        }
    }
}
