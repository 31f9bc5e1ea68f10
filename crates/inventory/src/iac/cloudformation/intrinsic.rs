//! Intrinsic functions (user guide, "Intrinsic function reference"). What only a deployment tells is unknown.

use super::{MAX_STEPS, Stack};
use crate::iac::node::{Entry, Node};
use base64::Engine as _;
use smol_str::SmolStr;
use std::net::Ipv4Addr;

/// How long a text may grow.
const MAX_TEXT: usize = 1 << 20;
/// How deep loops may be nested.
const MAX_LOOPS: usize = 6;

impl Stack<'_> {
    /// The value of a node.
    pub(super) fn eval(&mut self, node: &Node) -> Node {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Node::unknown("the template is too large");
        }
        match node {
            Node::List(l) => Node::List(l.iter().map(|n| self.eval(n)).filter(|n| *n != Node::Null).collect()),
            Node::Map(m) => {
                if let [only] = m.as_slice()
                    && let Some(value) = self.call(only)
                {
                    return value;
                }
                let each = m.iter().map(|e| Entry { value: self.eval(&e.value), ..e.clone() });
                Node::Map(each.filter(|e| e.value != Node::Null).collect())
            }
            // A dynamic reference is resolved while deploying (user guide, "Dynamic references").
            Node::Text(t) if t.contains("{{resolve:") => Node::unknown(t),
            other => other.clone(),
        }
    }

    fn call(&mut self, entry: &Entry) -> Option<Node> {
        let arg = &entry.value;
        Some(match entry.key.as_str() {
            "Ref" => match arg.as_str() {
                Some(name) => self.reference(name),
                None => Node::unknown("Ref"),
            },
            "Fn::GetAtt" => self.get_att(arg),
            "Fn::Sub" => self.sub(arg),
            "Fn::Join" => self.join(arg),
            "Fn::Select" => self.select(arg),
            "Fn::Split" => self.split(arg),
            "Fn::FindInMap" => self.find_in_map(arg),
            "Fn::If" => self.choose(arg),
            "Fn::Base64" => {
                self.text_of(arg, |t| Node::text(base64::engine::general_purpose::STANDARD.encode(t.as_bytes())))
            }
            "Fn::Cidr" => self.cidr(arg),
            "Fn::ToJsonString" => self.eval(arg).json(),
            "Fn::Length" => match self.eval(arg) {
                Node::List(l) => Node::Int(i64::try_from(l.len()).unwrap_or(i64::MAX)),
                Node::Unknown(why) => Node::Unknown(why),
                _ => Node::unknown("Fn::Length"),
            },
            "Fn::ImportValue" => {
                let name = self.eval(arg).scalar().unwrap_or_default();
                Node::unknown(format!("Fn::ImportValue {name}"))
            }
            key if key.starts_with("Fn::") => Node::unknown(key),
            _ => return None,
        })
    }

    fn text_of(&mut self, arg: &Node, make: impl FnOnce(&str) -> Node) -> Node {
        match self.eval(arg) {
            Node::Unknown(why) => Node::Unknown(why),
            n => n.scalar().map_or_else(|| Node::unknown("Fn::Base64"), |t| make(&t)),
        }
    }

    fn reference(&mut self, name: &str) -> Node {
        if let Some(value) = self.parameters.get(name) {
            return value.clone();
        }
        let own = self.at;
        match name {
            "AWS::NoValue" => return Node::Null,
            "AWS::Region" => return Node::Text(own.region.clone()),
            "AWS::AccountId" => return Node::Text(own.account.clone()),
            "AWS::Partition" => return Node::Text(own.partition.clone()),
            "AWS::URLSuffix" => {
                return Node::text(if own.partition == "aws-cn" { "amazonaws.com.cn" } else { "amazonaws.com" });
            }
            _ => {}
        }
        match self.identity(name) {
            Some(identity) => identity.reference(),
            None => Node::unknown(format!("Ref {name}")),
        }
    }

    fn get_att(&mut self, arg: &Node) -> Node {
        let path: Option<String> = match self.eval(arg) {
            Node::List(parts) => parts.iter().map(Node::scalar).collect::<Option<Vec<_>>>().map(|p| p.join(".")),
            n => n.scalar().map(|t| t.to_string()),
        };
        let Some(path) = path else { return Node::unknown("Fn::GetAtt") };
        let (name, attribute) = path.split_once('.').unwrap_or((path.as_str(), ""));
        self.attribute(name, attribute)
    }

    fn attribute(&mut self, name: &str, attribute: &str) -> Node {
        let hidden = || Node::unknown(format!("Fn::GetAtt {name}.{attribute}"));
        if let Some(output) = attribute.strip_prefix("Outputs.") {
            return self.outputs.get(name).and_then(|o| o.get(output)).cloned().unwrap_or_else(hidden);
        }
        let Some(identity) = self.identity(name) else { return hidden() };
        let Some(resource) = self.resources.get(name).cloned() else { return hidden() };
        let kind = self.catalogue.kind(&resource.of);
        let named = |field: &str| {
            kind.is_some_and(|k| crate::iac::fit::plain_name(&k.resource.name) == crate::iac::fit::plain_name(field))
        };
        let noun = resource.of.rsplit("::").next().unwrap_or_default();
        let is_arn = attribute == "Arn"
            || attribute == format!("{noun}Arn")
            || kind.is_some_and(|k| k.resource.arn.as_deref() == Some(attribute));
        if is_arn {
            return Node::Text(identity.arn);
        }
        if attribute == "Id"
            || attribute == format!("{noun}Id")
            || attribute == format!("{noun}Name")
            || named(attribute)
        {
            return Node::Text(identity.id);
        }
        // What the template sets is what the attribute will be.
        let key = SmolStr::from(format!("{name}.{attribute}"));
        match resource.properties.get(attribute) {
            Some(node) if self.busy.insert(key.clone()) => {
                let value = self.eval(node);
                self.busy.remove(&key);
                value
            }
            _ => hidden(),
        }
    }

    fn sub(&mut self, arg: &Node) -> Node {
        let (template, own) = match arg {
            Node::List(l) => (l.first().cloned().unwrap_or(Node::Null), l.get(1).cloned().unwrap_or(Node::Null)),
            other => (other.clone(), Node::Null),
        };
        let Some(template) = template.as_str() else { return Node::unknown("Fn::Sub") };
        if template.contains("{{resolve:") {
            return Node::unknown(template);
        }
        let (mut out, mut rest) = (String::new(), template);
        while let Some((before, after)) = rest.split_once("${") {
            out.push_str(before);
            let Some((name, tail)) = after.split_once('}') else {
                out.push_str("${");
                rest = after;
                continue;
            };
            rest = tail;
            if let Some(literal) = name.strip_prefix('!') {
                out.push_str(&format!("${{{literal}}}"));
                continue;
            }
            let name = name.trim();
            let value = match own.get(name).cloned() {
                Some(node) => self.eval(&node),
                None => match name.split_once('.') {
                    Some((resource, attribute)) => self.attribute(resource, attribute),
                    None => self.reference(name),
                },
            };
            match (&value, value.scalar()) {
                (Node::Unknown(why), _) => return Node::Unknown(why.clone()),
                (Node::List(items), _) => out.push_str(&texts(items).unwrap_or_default().join(",")),
                (_, Some(text)) => out.push_str(&text),
                _ => return Node::unknown(format!("Fn::Sub ${{{name}}}")),
            }
            if out.len() > MAX_TEXT {
                return Node::unknown("the text is too long");
            }
        }
        out.push_str(rest);
        Node::text(out)
    }

    fn join(&mut self, arg: &Node) -> Node {
        let [delimiter, list] = arg.items() else { return Node::unknown("Fn::Join") };
        let (delimiter, list) = (self.eval(delimiter), self.eval(list));
        if let Some(why) = list.hidden() {
            return Node::Unknown(why.clone());
        }
        match (delimiter.as_str(), texts(list.items())) {
            (Some(d), Some(parts)) if parts.iter().map(|p| p.len() + d.len()).sum::<usize>() <= MAX_TEXT => {
                Node::text(parts.join(d))
            }
            _ => Node::unknown("Fn::Join"),
        }
    }

    fn select(&mut self, arg: &Node) -> Node {
        let [index, list] = arg.items() else { return Node::unknown("Fn::Select") };
        let (index, list) = (self.eval(index), self.eval(list));
        if let Node::Unknown(_) = list {
            return list;
        }
        let at = index.scalar().and_then(|i| i.parse::<usize>().ok());
        at.and_then(|i| list.items().get(i)).cloned().unwrap_or_else(|| Node::unknown("Fn::Select"))
    }

    fn split(&mut self, arg: &Node) -> Node {
        let [delimiter, text] = arg.items() else { return Node::unknown("Fn::Split") };
        let (delimiter, text) = (self.eval(delimiter), self.eval(text));
        match (delimiter.as_str(), text) {
            (_, Node::Unknown(why)) => Node::Unknown(why),
            (Some(d), n) if !d.is_empty() => {
                Node::List(n.scalar().unwrap_or_default().split(d).map(Node::text).collect())
            }
            _ => Node::unknown("Fn::Split"),
        }
    }

    fn find_in_map(&mut self, arg: &Node) -> Node {
        let items = arg.items();
        let mut keys = Vec::new();
        for key in items.iter().take(3) {
            match self.eval(key) {
                Node::Unknown(why) => return Node::Unknown(why),
                n => keys.push(n.scalar().unwrap_or_default()),
            }
        }
        let [map, top, second] = keys.as_slice() else { return Node::unknown("Fn::FindInMap") };
        let found = self.root.get("Mappings").and_then(|m| m.get(map)?.get(top)?.get(second)).cloned();
        let fallback = items.get(3).and_then(|d| d.get("DefaultValue")).cloned();
        match found.or(fallback) {
            Some(value) => self.eval(&value),
            None => Node::unknown(format!("Fn::FindInMap {map}.{top}.{second}")),
        }
    }

    fn choose(&mut self, arg: &Node) -> Node {
        let [name, yes, no] = arg.items() else { return Node::unknown("Fn::If") };
        let Some(name) = name.as_str().map(str::to_owned) else { return Node::unknown("Fn::If") };
        match self.condition(&name) {
            Some(true) => self.eval(yes),
            Some(false) => self.eval(no),
            None => {
                // Both ways the same: then the condition does not matter.
                let (yes, no) = (self.eval(yes), self.eval(no));
                if yes == no { yes } else { Node::unknown(format!("Fn::If {name}")) }
            }
        }
    }

    /// Blocks cut out of a network, as many as asked for (user guide, "Fn::Cidr"); IPv4 only.
    fn cidr(&mut self, arg: &Node) -> Node {
        let parts: Vec<Option<SmolStr>> = arg.items().iter().map(|n| self.eval(n).scalar()).collect();
        let blocks = || {
            let block = parts.first()?.as_ref()?;
            let (address, length) = block.split_once('/')?;
            let (base, length): (Ipv4Addr, u32) = (address.parse().ok()?, length.parse().ok()?);
            let count: u64 = parts.get(1)?.as_ref()?.parse().ok().filter(|n| (1..=256).contains(n))?;
            let bits: u32 = parts.get(2).and_then(|b| b.as_ref()?.parse().ok()).unwrap_or(8);
            let size = 1_u64.checked_shl(bits).filter(|_| bits <= 32 - length.min(32))?;
            let each = (0..count).map(|n| {
                let at = u32::try_from(u64::from(u32::from(base)) + n * size).ok()?;
                Some(Node::text(format!("{}/{}", Ipv4Addr::from(at), 32 - bits)))
            });
            each.collect::<Option<Vec<_>>>().map(Node::List)
        };
        blocks().unwrap_or_else(|| Node::unknown("Fn::Cidr"))
    }

    /// The entries that `Fn::ForEach::Name: [id, items, {Key${id}: …}]` stands for. `None` where the items are not known.
    pub(super) fn for_each(&mut self, entry: &Entry, depth: usize) -> Option<Vec<Entry>> {
        let [id, items, body] = entry.value.items() else { return None };
        let (id, items) = (id.as_str()?.to_owned(), self.eval(items));
        if items.hidden().is_some() || depth >= MAX_LOOPS {
            return None;
        }
        let mut out = Vec::new();
        for item in items.items() {
            let value = item.scalar()?;
            for e in body.entries() {
                self.steps += e.value.size();
                if self.steps > MAX_STEPS {
                    return None;
                }
                let one = Entry {
                    key: filled(&e.key, &id, &value).into(),
                    line: e.line,
                    value: replaced(&e.value, &id, &value),
                };
                match one.key.starts_with("Fn::ForEach::") {
                    true => out.extend(self.for_each(&one, depth + 1)?),
                    false => out.push(one),
                }
            }
        }
        Some(out)
    }
}

fn texts(items: &[Node]) -> Option<Vec<String>> {
    items.iter().map(|i| i.scalar().map(|t| t.to_string())).collect()
}

fn filled(text: &str, id: &str, value: &str) -> String {
    let alphanumeric: String = value.chars().filter(char::is_ascii_alphanumeric).collect();
    text.replace(&format!("${{{id}}}"), value).replace(&format!("&{{{id}}}"), &alphanumeric)
}

fn replaced(node: &Node, id: &str, value: &str) -> Node {
    match node {
        Node::Text(t) => Node::text(filled(t, id, value)),
        Node::List(l) => Node::List(l.iter().map(|n| replaced(n, id, value)).collect()),
        Node::Map(m) => match m.as_slice() {
            [only] if only.key == "Ref" && only.value.as_str() == Some(id) => Node::text(value),
            _ => Node::Map(
                m.iter()
                    .map(|e| Entry {
                        key: filled(&e.key, id, value).into(),
                        line: e.line,
                        value: replaced(&e.value, id, value),
                    })
                    .collect(),
            ),
        },
        other => other.clone(),
    }
}
