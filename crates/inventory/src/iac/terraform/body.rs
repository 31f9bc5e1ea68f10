//! A block's body → a mapping: attributes, and nested blocks as lists.

use super::super::node::{Entry, Node};
use super::module::Module;
use super::parsed::Named;
use super::{MAX_CHAIN, Shared};
use hcl_edit::Span;
use hcl_edit::structure::{Block, Body, Structure};
use smol_str::SmolStr;

/// What steers Terraform and is no argument of the resource (Terraform documentation, "Meta-arguments").
const META: [&str; 9] =
    ["count", "for_each", "depends_on", "provider", "providers", "lifecycle", "provisioner", "connection", "source"];

impl Module {
    /// Works a body out.
    pub(super) fn body(&mut self, shared: &mut Shared<'_>, body: &Body, of: &Named) -> Node {
        let mut out: Vec<Entry> = Vec::new();
        if shared.chain > MAX_CHAIN {
            return Node::unknown("nested too deep");
        }
        shared.chain += 1;
        for structure in body {
            match structure {
                Structure::Attribute(a) if !META.contains(&a.key.as_str()) => {
                    let line = of.line(a.span());
                    let value = self.eval(shared, &a.value);
                    out.push(Entry { key: a.key.as_str().into(), line, value });
                }
                Structure::Block(b) if !META.contains(&b.ident.as_str()) => {
                    let line = of.line(b.span());
                    let (name, value) = self.nested(shared, b, of);
                    add(&mut out, name, line, value);
                }
                _ => {}
            }
        }
        shared.chain -= 1;
        out.retain(|e| e.value != Node::Null);
        Node::Map(out)
    }

    /// A nested block's name, and the list of what it stands for.
    fn nested(&mut self, shared: &mut Shared<'_>, block: &Block, of: &Named) -> (SmolStr, Node) {
        let ident = SmolStr::from(block.ident.as_str());
        if ident != "dynamic" {
            let value = self.body(shared, &block.body, of);
            return (ident, Node::List(vec![value]));
        }
        let name: SmolStr = block.labels.first().map_or_else(|| ident.clone(), |l| l.as_str().into());
        let iterator = block.body.get_attribute("iterator").and_then(|a| a.value.as_variable());
        let iterator: SmolStr = iterator.map_or_else(|| name.clone(), |i| i.as_str().into());
        let content = block.body.get_blocks("content").next();
        let (Some(each), Some(content)) = (block.body.get_attribute("for_each"), content) else {
            return (name, Node::Null);
        };
        let items: Vec<(Node, Node)> = match self.eval(shared, &each.value) {
            Node::Map(m) => m.into_iter().map(|e| (Node::Text(e.key), e.value)).collect(),
            Node::List(l) => {
                let number = |n: usize| Node::Int(i64::try_from(n).unwrap_or(i64::MAX));
                l.into_iter().enumerate().map(|(n, v)| (number(n), v)).collect()
            }
            Node::Null => Vec::new(),
            _ => return (name.clone(), Node::unknown(format!("dynamic {name}"))),
        };
        let mut out = Vec::new();
        for (key, value) in items {
            self.vars.push((iterator.clone(), super::object([("key".into(), key), ("value".into(), value)])));
            out.push(self.body(shared, &content.body, of));
            self.vars.pop();
        }
        (name, Node::List(out))
    }
}

/// Blocks of one name make one list.
fn add(out: &mut Vec<Entry>, name: SmolStr, line: u32, value: Node) {
    match (out.iter_mut().find(|e| e.key == name), value) {
        (Some(Entry { value: Node::List(old), .. }), Node::List(new)) => old.extend(new),
        (Some(e), unknown @ Node::Unknown(_)) => e.value = unknown,
        (Some(_), _) => {}
        (None, value) => out.push(Entry { key: name, line, value }),
    }
}
