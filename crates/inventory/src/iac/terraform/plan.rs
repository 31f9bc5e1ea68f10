//! `terraform show -json`: plans and states (Terraform documentation, "JSON Output Format").
//!
//! Planned values are taken as they are; what `after_unknown` marks is unknown, but where the configuration says that it
//! is another resource's id or ARN, that resource's.

use super::super::build::Declared;
use super::super::catalogue::{Catalogue, Form, Identity};
use super::super::node::{Entry, Node};
use super::super::{Options, shown};
use smol_str::SmolStr;
use std::collections::HashMap;
use std::path::Path;
use yagura_model::SourcePlace;

/// Whether a document is a plan or a state.
pub(crate) fn is_plan(root: &Node) -> bool {
    root.get("format_version").is_some()
        && ["planned_values", "values", "resource_changes"].iter().any(|k| root.get(k).is_some())
}

struct Planned<'r> {
    resource: &'r Node,
    /// The module's address, empty for the root.
    module: SmolStr,
    identity: Identity,
}

/// The resources of a plan or a state.
pub(crate) fn resources(file: &Path, root: &Node, catalogue: &Catalogue<'_>, options: &Options) -> Vec<Declared> {
    let mut found = Vec::new();
    let values = root.get("planned_values").or_else(|| root.get("values"));
    if let Some(module) = values.and_then(|v| v.get("root_module")) {
        collect(module, "", &mut found, 0);
    }
    let mut planned: Vec<Planned<'_>> = Vec::new();
    for (module, resource) in found {
        let of = resource.get("type").and_then(Node::as_str).unwrap_or_default();
        let address = resource.get("address").and_then(Node::as_str).unwrap_or_default();
        let body = resource.get("values").unwrap_or(&Node::Null);
        let given = |p: &str| body.get(p).and_then(Node::scalar).filter(|t| !t.is_empty());
        let name =
            catalogue.name_properties(of, Form::Terraform, body).iter().find_map(|p| given(p)).or_else(|| given("id"));
        let mut identity = catalogue.identity(of, name, address, &options.setting);
        // A state knows the real ones.
        if let Some(arn) = given("arn") {
            identity.arn = arn;
        }
        planned.push(Planned { resource, module, identity });
    }
    let changes: HashMap<&str, &Node> = root
        .get("resource_changes")
        .map(Node::items)
        .unwrap_or_default()
        .iter()
        .filter_map(|c| Some((c.get("address")?.as_str()?, c.get("change")?)))
        .collect();
    let configuration = root.get("configuration").and_then(|c| c.get("root_module"));
    let mut out = Vec::new();
    for p in &planned {
        let address = p.resource.get("address").and_then(Node::as_str).unwrap_or_default();
        let written = configuration.and_then(|c| written(c, p));
        let mut body = p.resource.get("values").cloned().unwrap_or(Node::Null);
        if let Some(unknown) = changes.get(address).and_then(|c| c.get("after_unknown")) {
            hide(&mut body, unknown, written, p, &planned);
        }
        let line = p.resource.entries().first().map_or(1, |e| e.line);
        out.push(Declared {
            of: p.resource.get("type").and_then(Node::as_str).unwrap_or_default().into(),
            logical: p.resource.get("name").and_then(Node::as_str).unwrap_or_default().into(),
            form: Form::Terraform,
            place: SourcePlace { file: shown(file), line: line.max(1) },
            identity: p.identity.clone(),
            body,
        });
    }
    out
}

fn collect<'r>(module: &'r Node, address: &str, out: &mut Vec<(SmolStr, &'r Node)>, depth: usize) {
    for r in module.get("resources").map(Node::items).unwrap_or_default() {
        if r.get("mode").and_then(Node::as_str) != Some("data") {
            out.push((address.into(), r));
        }
    }
    for child in module.get("child_modules").map(Node::items).unwrap_or_default().iter().filter(|_| depth < 32) {
        let address = child.get("address").and_then(Node::as_str).unwrap_or_default();
        collect(child, address, out, depth + 1);
    }
}

/// How the configuration writes a resource: its expressions by argument.
fn written<'r>(root: &'r Node, p: &Planned<'_>) -> Option<&'r Node> {
    let mut here = root;
    for call in p.module.split('.').filter(|part| *part != "module" && !part.is_empty()) {
        let name = call.split('[').next().unwrap_or(call);
        here = here.get("module_calls")?.get(name)?.get("module")?;
    }
    let same = |r: &&Node| r.get("type") == p.resource.get("type") && r.get("name") == p.resource.get("name");
    here.get("resources")?.items().iter().find(same)?.get("expressions")
}

/// Puts in what is known only after the plan is applied.
fn hide(body: &mut Node, unknown: &Node, written: Option<&Node>, p: &Planned<'_>, all: &[Planned<'_>]) {
    if !matches!(body, Node::Map(_)) {
        *body = Node::Map(Vec::new());
    }
    let Node::Map(entries) = body else { return };
    for mark in unknown.entries() {
        let value = match &mark.value {
            Node::Bool(true) => {
                let expression = written.and_then(|w| w.get(&mark.key));
                let found = expression.and_then(|e| referred(e, p, all));
                found.unwrap_or_else(|| Node::unknown(format!("after apply: {}", mark.key)))
            }
            other if holds_mark(other) => {
                // Part of a nested value is not known: which one does not matter to a field as a whole.
                let nested = entries.iter_mut().find(|e| e.key == mark.key);
                let mut value = nested.map_or(Node::Null, |e| e.value.clone());
                let deeper = written.and_then(|w| w.get(&mark.key));
                hide_in(&mut value, other, deeper, p, all, &mark.key);
                value
            }
            _ => continue,
        };
        match entries.iter_mut().find(|e| e.key == mark.key) {
            Some(e) => e.value = value,
            None => entries.push(Entry::new(mark.key.clone(), value)),
        }
    }
}

fn hide_in(value: &mut Node, unknown: &Node, written: Option<&Node>, p: &Planned<'_>, all: &[Planned<'_>], key: &str) {
    match unknown {
        Node::Bool(true) => *value = Node::unknown(format!("after apply: {key}")),
        Node::Map(_) => hide(value, unknown, written, p, all),
        Node::List(marks) => {
            let Node::List(items) = value else {
                if holds_mark(unknown) {
                    *value = Node::unknown(format!("after apply: {key}"));
                }
                return;
            };
            for (at, mark) in marks.iter().enumerate().filter(|(_, m)| holds_mark(m)) {
                let deeper = written.and_then(|w| match w {
                    Node::List(l) => l.get(at),
                    other => Some(other),
                });
                match items.get_mut(at) {
                    Some(item) => match (mark, deeper.and_then(|d| referred(d, p, all))) {
                        (Node::Bool(true), Some(found)) => *item = found,
                        _ => hide_in(item, mark, deeper, p, all, key),
                    },
                    None => items.push(Node::unknown(format!("after apply: {key}"))),
                }
            }
        }
        _ => {}
    }
}

fn holds_mark(node: &Node) -> bool {
    match node {
        Node::Bool(b) => *b,
        Node::List(l) => l.iter().any(holds_mark),
        Node::Map(m) => m.iter().any(|e| holds_mark(&e.value)),
        _ => false,
    }
}

/// The id or ARN of the one resource that an expression refers to. References come as `aws_x.y.id`, `aws_x.y`.
fn referred(expression: &Node, p: &Planned<'_>, all: &[Planned<'_>]) -> Option<Node> {
    let references = expression.get("references")?.items();
    let mut found: Option<Node> = None;
    for reference in references {
        let parts: Vec<&str> = reference.as_str()?.split('.').collect();
        let [of, name, attribute] = parts.as_slice() else { continue };
        let name = name.split('[').next().unwrap_or(name);
        let same = |o: &&Planned<'_>| {
            o.module == p.module
                && o.resource.get("type").and_then(Node::as_str) == Some(of)
                && o.resource.get("name").and_then(Node::as_str) == Some(name)
        };
        let mut targets = all.iter().filter(same);
        let target = targets.next()?;
        // The same instance where both are many.
        let target = match p.resource.get("index") {
            Some(index) => all.iter().filter(same).find(|t| t.resource.get("index") == Some(index)).unwrap_or(target),
            None if targets.next().is_some() => return None,
            None => target,
        };
        let value = match *attribute {
            "id" | "bucket" | "name" => target.identity.reference(),
            "arn" => Node::Text(target.identity.arn.clone()),
            _ => return None,
        };
        if found.replace(value).is_some() {
            return None;
        }
    }
    found
}
