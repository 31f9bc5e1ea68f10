//! Expressions of Terraform's language, worked out as far as the configuration decides them.

use super::super::fit::plain_name;
use super::super::node::{Entry, Node};
use super::functions;
use super::module::{Instance, Key, Module};
use super::parsed::Named;
use super::{MAX_CHAIN, Shared, object};
use hcl_edit::expr::{BinaryOperator, Expression, ForExpr, ObjectKey, Traversal, TraversalOperator, UnaryOperator};
use hcl_edit::template::{Directive, Element, Template};
use smol_str::SmolStr;
use std::sync::Arc;

/// How long a text may grow.
const MAX_TEXT: usize = 1 << 20;

/// One step of a traversal, its index worked out.
enum Step {
    Member(SmolStr),
    Index(Node),
    Splat,
}

impl Module {
    /// The value of an expression.
    pub(super) fn eval(&mut self, shared: &mut Shared<'_>, expr: &Expression) -> Node {
        if shared.spent(1) || shared.chain > MAX_CHAIN {
            return Node::unknown("the configuration is too large");
        }
        shared.chain += 1;
        let out = self.eval_one(shared, expr);
        shared.chain -= 1;
        out
    }

    fn eval_one(&mut self, shared: &mut Shared<'_>, expr: &Expression) -> Node {
        match expr {
            Expression::Null(_) => Node::Null,
            Expression::Bool(b) => Node::Bool(*b.value()),
            Expression::Number(n) => match n.value().as_i64() {
                Some(i) => Node::Int(i),
                None => n.value().as_f64().map_or(Node::Null, Node::Float),
            },
            Expression::String(s) => Node::text(s.as_str()),
            Expression::Array(a) => Node::List(a.iter().map(|e| self.eval(shared, e)).collect()),
            Expression::Object(o) => {
                let mut out: Vec<Entry> = Vec::new();
                for (key, value) in o {
                    let key = match key {
                        ObjectKey::Ident(i) => Node::text(i.as_str()),
                        ObjectKey::Expression(e) => self.eval(shared, e),
                    };
                    match key.scalar() {
                        Some(key) => out.push(Entry::new(key, self.eval(shared, value.expr()))),
                        None => {
                            return key
                                .hidden()
                                .map_or_else(|| Node::unknown("object key"), |w| Node::Unknown(w.clone()));
                        }
                    }
                }
                Node::Map(out)
            }
            Expression::StringTemplate(t) => self.template(shared, t),
            Expression::HeredocTemplate(t) => self.template(shared, &t.template),
            Expression::Parenthesis(p) => self.eval(shared, p.inner()),
            Expression::Variable(v) => self.variable(v.as_str()),
            Expression::Conditional(c) => match truth(&self.eval(shared, &c.cond_expr)) {
                Ok(true) => self.eval(shared, &c.true_expr),
                Ok(false) => self.eval(shared, &c.false_expr),
                Err(why) => {
                    let (yes, no) = (self.eval(shared, &c.true_expr), self.eval(shared, &c.false_expr));
                    if yes == no { yes } else { Node::Unknown(why) }
                }
            },
            Expression::FuncCall(f) => {
                if f.name.is_namespaced() {
                    return Node::unknown(f.name.name.as_str());
                }
                let mut args: Vec<Node> = f.args.iter().map(|a| self.eval(shared, a)).collect();
                if f.args.expand_final() {
                    match args.pop() {
                        Some(Node::List(l)) => args.extend(l),
                        Some(Node::Unknown(why)) => return Node::Unknown(why),
                        _ => return Node::unknown(f.name.name.as_str()),
                    }
                }
                let size = args.iter().map(Node::size).sum::<usize>();
                if shared.spent(size) {
                    return Node::unknown("the configuration is too large");
                }
                functions::call(f.name.name.as_str(), args, &self.folder)
            }
            Expression::Traversal(t) => self.traversal(shared, t),
            Expression::UnaryOp(u) => match (u.operator.value(), self.eval(shared, &u.expr)) {
                (_, Node::Unknown(why)) => Node::Unknown(why),
                (UnaryOperator::Not, n) => truth(&n).map_or_else(Node::Unknown, |b| Node::Bool(!b)),
                (UnaryOperator::Neg, Node::Int(i)) => Node::Int(i.saturating_neg()),
                (UnaryOperator::Neg, Node::Float(f)) => Node::Float(-f),
                _ => Node::unknown("-"),
            },
            Expression::BinaryOp(b) => {
                let (left, right) = (self.eval(shared, &b.lhs_expr), self.eval(shared, &b.rhs_expr));
                binary(*b.operator.value(), left, right)
            }
            Expression::ForExpr(f) => self.for_each(shared, f),
        }
    }

    fn template(&mut self, shared: &mut Shared<'_>, template: &Template) -> Node {
        // `"${x}"` is x itself, whatever it is.
        if let Some(Element::Interpolation(i)) = template.as_single_element() {
            return self.eval(shared, &i.expr);
        }
        let mut out = String::new();
        for element in template {
            let part = match element {
                Element::Literal(l) => Node::text(l.as_str()),
                Element::Interpolation(i) => self.eval(shared, &i.expr),
                Element::Directive(d) => self.directive(shared, d),
            };
            match (part.scalar(), part) {
                (Some(text), _) => out.push_str(&text),
                (None, Node::Unknown(why)) => return Node::Unknown(why),
                (None, Node::Null) => {}
                (None, _) => return Node::unknown("template"),
            }
            if out.len() > MAX_TEXT {
                return Node::unknown("the text is too long");
            }
        }
        Node::text(out)
    }

    fn directive(&mut self, shared: &mut Shared<'_>, directive: &Directive) -> Node {
        let Directive::If(d) = directive else { return Node::unknown("%{ for }") };
        match truth(&self.eval(shared, &d.if_expr.cond_expr)) {
            Ok(true) => self.template(shared, &d.if_expr.template),
            Ok(false) => d.else_expr.as_ref().map_or_else(|| Node::text(""), |e| self.template(shared, &e.template)),
            Err(why) => Node::Unknown(why),
        }
    }

    fn variable(&self, name: &str) -> Node {
        let found = self.vars.iter().rev().find(|(n, _)| n == name).map(|(_, v)| v.clone());
        found.unwrap_or_else(|| Node::unknown(name))
    }

    fn for_each(&mut self, shared: &mut Shared<'_>, f: &ForExpr) -> Node {
        let pairs: Vec<(Node, Node)> = match self.eval(shared, &f.intro.collection_expr) {
            Node::Map(m) => m.into_iter().map(|e| (Node::Text(e.key), e.value)).collect(),
            Node::List(l) => {
                l.into_iter().enumerate().map(|(n, v)| (Node::Int(i64::try_from(n).unwrap_or(0)), v)).collect()
            }
            Node::Unknown(why) => return Node::Unknown(why),
            _ => return Node::unknown("for"),
        };
        let before = self.vars.len();
        let (mut list, mut map): (Vec<Node>, Vec<Entry>) = (Vec::new(), Vec::new());
        let mut hidden = None;
        for (key, value) in pairs {
            if let Some(name) = &f.intro.key_var {
                self.vars.push((name.as_str().into(), key));
            }
            self.vars.push((f.intro.value_var.as_str().into(), value));
            let wanted = f.cond.as_ref().map_or(Ok(true), |c| truth(&self.eval(shared, &c.expr)));
            match wanted {
                Err(why) => hidden = Some(why),
                Ok(false) => {}
                Ok(true) => {
                    let value = self.eval(shared, &f.value_expr);
                    match &f.key_expr {
                        None => list.push(value),
                        Some(key) => match self.eval(shared, key) {
                            Node::Unknown(why) => hidden = Some(why),
                            key => put(&mut map, key.scalar().unwrap_or_default(), value, f.grouping),
                        },
                    }
                }
            }
            self.vars.truncate(before);
            if hidden.is_some() || shared.spent(1) {
                break;
            }
        }
        match hidden {
            Some(why) => Node::Unknown(why),
            None if f.key_expr.is_some() => Node::Map(map),
            None => Node::List(list),
        }
    }

    fn traversal(&mut self, shared: &mut Shared<'_>, t: &Traversal) -> Node {
        let mut steps: Vec<Step> = Vec::new();
        for operator in &t.operators {
            steps.push(match operator.value() {
                TraversalOperator::GetAttr(i) => Step::Member(i.as_str().into()),
                TraversalOperator::Index(e) => Step::Index(self.eval(shared, e)),
                TraversalOperator::LegacyIndex(n) => Step::Index(Node::Int(i64::try_from(*n.value()).unwrap_or(0))),
                TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => Step::Splat,
            });
        }
        let Expression::Variable(root) = &t.expr else {
            let value = self.eval(shared, &t.expr);
            return follow(value, &steps);
        };
        let root = root.as_str();
        if self.vars.iter().any(|(n, _)| n == root) {
            return follow(self.variable(root), &steps);
        }
        let (first, rest) = match steps.split_first() {
            Some((Step::Member(first), rest)) => (first.clone(), rest),
            _ => return Node::unknown(root),
        };
        match root {
            "var" => follow(self.input(shared, &first), rest),
            "local" => follow(self.local(shared, &first), rest),
            "path" => Node::text(if first == "cwd" { ".".into() } else { self.folder.display().to_string() }),
            "terraform" => Node::unknown(format!("terraform.{first}")),
            "module" => self.of_module(shared, &first, rest),
            "data" => match rest.split_first() {
                Some((Step::Member(name), rest)) => self.data(shared, &first, name, rest),
                _ => Node::unknown("data"),
            },
            of => self.of_resource(shared, of, &first, rest),
        }
    }

    fn input(&mut self, shared: &mut Shared<'_>, name: &SmolStr) -> Node {
        if let Some(given) = self.given.get(name) {
            return given.clone();
        }
        let parsed = self.parsed.clone();
        let default = parsed.variables.get(name).and_then(|v| v.block.body.get_attribute("default"));
        match default {
            Some(a) => self.eval(shared, &a.value),
            None => Node::unknown(format!("var.{name}")),
        }
    }

    fn local(&mut self, shared: &mut Shared<'_>, name: &SmolStr) -> Node {
        if let Some(known) = self.locals.get(name).cloned() {
            if shared.spent(known.size()) {
                return Node::unknown("the configuration is too large");
            }
            return known;
        }
        let parsed = self.parsed.clone();
        let key = smol_str::format_smolstr!("local.{name}");
        let Some(expr) = parsed.locals.get(name) else { return Node::unknown(key) };
        if !self.busy.insert(key.clone()) {
            return Node::unknown(key);
        }
        let before = std::mem::take(&mut self.vars);
        let value = self.eval(shared, expr);
        self.vars = before;
        self.busy.remove(&key);
        self.locals.insert(name.clone(), value.clone());
        value
    }

    fn of_module(&mut self, shared: &mut Shared<'_>, name: &SmolStr, steps: &[Step]) -> Node {
        let at = steps.iter().position(|s| matches!(s, Step::Member(_)));
        let Some((at, Step::Member(wanted))) = at.and_then(|at| Some((at, steps.get(at)?))) else {
            return Node::unknown(format!("module.{name}"));
        };
        let (before, after) = (steps.get(..at).unwrap_or_default(), steps.get(at + 1..).unwrap_or_default());
        let all = self.outputs(shared, name, wanted);
        let value = choose(all, before).unwrap_or_else(|| Node::unknown(format!("module.{name}.{wanted}")));
        follow(value, after)
    }

    fn of_resource(&mut self, shared: &mut Shared<'_>, of: &str, name: &SmolStr, steps: &[Step]) -> Node {
        let parsed = self.parsed.clone();
        let hidden = || Node::unknown(format!("{of}.{name}"));
        let Some(block) = parsed.resources.iter().find(|r| r.of == of && r.name == *name) else { return hidden() };
        let at = steps.iter().position(|s| matches!(s, Step::Member(_))).unwrap_or(steps.len());
        let (before, after) = (steps.get(..at).unwrap_or_default(), steps.get(at..).unwrap_or_default());
        let all = self.instances(shared, block);
        let mut values = Vec::new();
        for instance in all.iter() {
            let value = match after.first() {
                Some(Step::Member(attribute)) => self.attribute(shared, block, instance, attribute),
                _ => self.whole(shared, block, instance),
            };
            values.push((instance.key.clone(), follow(value, after.get(1..).unwrap_or_default())));
        }
        choose(values, before).unwrap_or_else(hidden)
    }

    /// An attribute of a resource: its id and ARN as they are made up, what it sets itself, else unknown.
    fn attribute(&mut self, shared: &mut Shared<'_>, block: &Arc<Named>, of: &Instance, attribute: &str) -> Node {
        let identity = &of.identity;
        match attribute {
            "id" => return identity.reference(),
            "arn" => return Node::Text(identity.arn.clone()),
            _ => {}
        }
        let body = &block.block.body;
        let key = smol_str::format_smolstr!("{}.{}.{attribute}", block.of, block.name);
        let set = body.has_attribute(attribute) || body.has_blocks(attribute);
        if set && self.busy.insert(key.clone()) {
            let before = std::mem::replace(&mut self.vars, of.vars.clone());
            let value = match body.get_attribute(attribute) {
                Some(a) => self.eval(shared, &a.value),
                None => self.body(shared, body, block).get(attribute).cloned().unwrap_or(Node::Null),
            };
            self.vars = before;
            self.busy.remove(&key);
            return value;
        }
        // A name that is not given is made up, as the id is.
        let kind = shared.catalogue.kind(&block.of).map(|k| &k.resource);
        let names = |r: &crate::Resource| {
            let ruled = r.iac.terraform.iter().any(|rule| rule.from == attribute && rule.to.as_ref() == Some(&r.name));
            ruled || r.iac.named_by.iter().any(|n| n == attribute) || plain_name(&r.name) == plain_name(attribute)
        };
        match kind {
            Some(r) if !set && names(r) => Node::Text(identity.name.clone()),
            Some(_) if attribute == "bucket_domain_name" || attribute == "url" => identity.reference(),
            _ => Node::unknown(key),
        }
    }

    fn whole(&mut self, shared: &mut Shared<'_>, block: &Arc<Named>, of: &Instance) -> Node {
        let key = smol_str::format_smolstr!("{}.{} whole", block.of, block.name);
        if !self.busy.insert(key.clone()) {
            return Node::unknown(key);
        }
        let before = std::mem::replace(&mut self.vars, of.vars.clone());
        let body = self.body(shared, &block.block.body, block);
        self.vars = before;
        self.busy.remove(&key);
        let Node::Map(mut entries) = body else { return body };
        entries.push(Entry::new("id", of.identity.reference()));
        entries.push(Entry::new("arn", Node::Text(of.identity.arn.clone())));
        Node::Map(entries)
    }

    /// Data sources that the configuration itself decides; the others are read while planning.
    fn data(&mut self, shared: &mut Shared<'_>, of: &str, name: &SmolStr, steps: &[Step]) -> Node {
        let at = &shared.options.setting;
        let wanted = steps.iter().find_map(|s| match s {
            Step::Member(m) => Some(m.as_str()),
            _ => None,
        });
        match (of, wanted.unwrap_or_default()) {
            ("aws_caller_identity", "account_id" | "id") => return Node::Text(at.account.clone()),
            ("aws_region", "name" | "id" | "region") => return Node::Text(at.region.clone()),
            ("aws_partition", "partition" | "id") => return Node::Text(at.partition.clone()),
            ("aws_partition", "dns_suffix") => return Node::text("amazonaws.com"),
            ("aws_iam_policy_document", "json" | "minified_json") => {}
            (_, wanted) => return Node::unknown(format!("data.{of}.{name}.{wanted}")),
        }
        let parsed = self.parsed.clone();
        let key = smol_str::format_smolstr!("data.{of}.{name}");
        let Some(block) = parsed.data.iter().find(|d| d.of == of && d.name == *name) else { return Node::unknown(key) };
        if !self.busy.insert(key.clone()) {
            return Node::unknown(key);
        }
        let values: Vec<(Key, Node)> = self
            .instances(shared, block)
            .iter()
            .map(|i| {
                let before = std::mem::replace(&mut self.vars, i.vars.clone());
                let body = self.body(shared, &block.block.body, block);
                self.vars = before;
                (i.key.clone(), functions::policy_document(&body))
            })
            .collect();
        self.busy.remove(&key);
        let end = steps.iter().position(|s| matches!(s, Step::Member(_))).unwrap_or(steps.len());
        choose(values, steps.get(..end).unwrap_or_default()).unwrap_or_else(|| Node::unknown(key))
    }
}

/// Which of the instances a reference means.
fn choose(all: Vec<(Key, Node)>, steps: &[Step]) -> Option<Node> {
    if let [(Key::Any, only)] = all.as_slice() {
        return match steps.first() {
            // How many there are is not known, so neither is the list.
            Some(Step::Splat) => None,
            _ => Some(only.clone()),
        };
    }
    match steps.first() {
        Some(Step::Splat) => Some(Node::List(all.into_iter().map(|(_, v)| v).collect())),
        Some(Step::Index(wanted)) => {
            let wanted = wanted.scalar()?;
            let is = |k: &Key| match k {
                Key::Index(n) => n.to_string() == wanted.as_str(),
                Key::Name(n) => *n == wanted,
                Key::Only => wanted == "0",
                Key::Any => true,
            };
            all.into_iter().find(|(k, _)| is(k)).map(|(_, v)| v)
        }
        _ => {
            if all.iter().all(|(k, _)| matches!(k, Key::Name(_))) && !all.is_empty() {
                let name = |k: Key| match k {
                    Key::Name(n) => n,
                    _ => SmolStr::default(),
                };
                return Some(object(all.into_iter().map(|(k, v)| (name(k), v))));
            }
            match (all.len(), all.into_iter().next()) {
                (1, Some((Key::Only, v))) => Some(v),
                _ => None,
            }
        }
    }
}

fn put(map: &mut Vec<Entry>, key: SmolStr, value: Node, grouping: bool) {
    match (map.iter_mut().find(|e| e.key == key), grouping) {
        (Some(Entry { value: Node::List(l), .. }), true) => l.push(value),
        (Some(e), _) => e.value = value,
        (None, true) => map.push(Entry::new(key, Node::List(vec![value]))),
        (None, false) => map.push(Entry::new(key, value)),
    }
}

fn follow(value: Node, steps: &[Step]) -> Node {
    let Some((step, rest)) = steps.split_first() else { return value };
    if let Node::Unknown(_) = value {
        return value;
    }
    let next = match step {
        Step::Member(name) => value.get(name).cloned().or_else(|| match &value {
            // A block is a list with one item.
            Node::List(l) if l.len() == 1 => l.first()?.get(name).cloned(),
            _ => None,
        }),
        Step::Index(Node::Unknown(why)) => return Node::Unknown(why.clone()),
        Step::Index(index) => match &value {
            Node::List(l) => index.scalar().and_then(|i| l.get(i.parse::<usize>().ok()?).cloned()),
            _ => index.scalar().and_then(|k| value.get(&k).cloned()),
        },
        Step::Splat => {
            let items = match value {
                Node::List(l) => l,
                Node::Null => Vec::new(),
                one => vec![one],
            };
            return Node::List(items.into_iter().map(|i| follow(i, rest)).collect());
        }
    };
    match next {
        Some(next) => follow(next, rest),
        None => Node::unknown("an element that is not there"),
    }
}

/// A truth value, or why there is none.
pub(super) fn truth(node: &Node) -> Result<bool, Arc<str>> {
    match node {
        Node::Bool(b) => Ok(*b),
        Node::Text(t) if t == "true" => Ok(true),
        Node::Text(t) if t == "false" => Ok(false),
        Node::Unknown(why) => Err(why.clone()),
        _ => Err("a condition that is no truth value".into()),
    }
}

fn binary(operator: BinaryOperator, left: Node, right: Node) -> Node {
    use BinaryOperator as Op;
    match operator {
        Op::And | Op::Or => {
            let decides = operator == Op::Or;
            return match (truth(&left), truth(&right)) {
                (Ok(a), _) if a == decides => Node::Bool(decides),
                (_, Ok(b)) if b == decides => Node::Bool(decides),
                (Ok(_), Ok(_)) => Node::Bool(!decides),
                (Err(why), _) | (_, Err(why)) => Node::Unknown(why),
            };
        }
        _ => {}
    }
    if let Some(why) = left.hidden().or_else(|| right.hidden()) {
        return Node::Unknown(why.clone());
    }
    match operator {
        Op::Eq | Op::NotEq => {
            let same = left == right || number(&left).is_some_and(|l| Some(l) == number(&right));
            Node::Bool(same == (operator == Op::Eq))
        }
        _ => {
            let (Some(a), Some(b)) = (number(&left), number(&right)) else { return Node::unknown("arithmetic") };
            match operator {
                Op::Less => Node::Bool(a < b),
                Op::LessEq => Node::Bool(a <= b),
                Op::Greater => Node::Bool(a > b),
                Op::GreaterEq => Node::Bool(a >= b),
                Op::Plus => functions::of_number(a + b),
                Op::Minus => functions::of_number(a - b),
                Op::Mul => functions::of_number(a * b),
                Op::Div => functions::of_number(a / b),
                _ => functions::of_number(a % b),
            }
        }
    }
}

fn number(node: &Node) -> Option<f64> {
    match node {
        Node::Int(i) => Some(*i as f64),
        Node::Float(f) => Some(*f),
        Node::Text(t) => t.parse().ok(),
        _ => None,
    }
}
