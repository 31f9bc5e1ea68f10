//! Which fields decided an answer.

use crate::eval::{Env, V};
use crate::program::{MacroKind, Node, Program};
use yagura_model::{Map, Value};

/// How many items of a list are shown.
const MOST_ITEMS: usize = 5;
/// How long a shown text may be, in characters.
const MOST_TEXT: usize = 400;

/// The fields that decided a program's answer, by path: only the side of `&&` and `||` that decided, only the item that
/// decided `exists` or `all`. What is not set shows as `absent`, what was not read as `unknown`.
pub(crate) fn evidence<'e>(env: &mut Env<'e>, program: &'e Program) -> Map {
    let mut out = Evidence { env, shown: Map::new(), labels: Vec::new() };
    out.walk(&program.root);
    out.shown
}

struct Evidence<'v, 'e> {
    env: &'v mut Env<'e>,
    shown: Map,
    /// What each macro variable stands for.
    labels: Vec<String>,
}

impl<'e> Evidence<'_, 'e> {
    fn walk(&mut self, node: &'e Node) {
        match node {
            Node::And(a, b) => self.junction(a, b, false),
            Node::Or(a, b) => self.junction(a, b, true),
            Node::Not(x) => self.walk(x),
            Node::Choose(c, a, b) => {
                self.walk(c);
                match self.env.truth(c) {
                    Ok(true) => self.walk(a),
                    Ok(false) => self.walk(b),
                    Err(_) => {}
                }
            }
            Node::Macro(MacroKind::Exists, list, body) => self.quantifier(list, body, true),
            Node::Macro(MacroKind::All, list, body) => self.quantifier(list, body, false),
            other => self.leaves(other),
        }
    }

    fn junction(&mut self, a: &'e Node, b: &'e Node, decides: bool) {
        match (self.env.truth(a), self.env.truth(b)) {
            (Ok(x), _) if x == decides => self.walk(a),
            (_, Ok(x)) if x == decides => self.walk(b),
            (Err(_), Ok(_)) => self.walk(a),
            (Ok(_), Err(_)) => self.walk(b),
            _ => {
                self.walk(a);
                self.walk(b);
            }
        }
    }

    fn quantifier(&mut self, list: &'e Node, body: &'e Node, decides: bool) {
        let Ok((items, holes)) = self.env.items(list) else { return self.leaves(list) };
        if items.is_empty() || !holes.is_empty() {
            self.leaves(list);
        }
        let name = self.path(list).unwrap_or_else(|| "item".to_owned());
        let mut answers = Vec::new();
        for item in &items {
            self.env.locals.push(item.clone());
            answers.push(self.env.truth(body).ok());
            self.env.locals.pop();
        }
        let decisive = answers.iter().position(|a| *a == Some(decides));
        let any_unknown = answers.iter().any(Option::is_none);
        for (at, (item, answer)) in items.into_iter().zip(answers).enumerate() {
            let wanted = match decisive {
                Some(d) => at == d,
                None => (!any_unknown || answer.is_none()) && at < MOST_ITEMS,
            };
            if wanted {
                self.labels.push(match &item {
                    V::Asset(a, _) => format!("{name}[{}]", a.id),
                    _ => format!("{name}[{at}]"),
                });
                self.env.locals.push(item);
                self.walk(body);
                self.env.locals.pop();
                self.labels.pop();
            }
        }
    }

    /// Shows every path below a node that has no inner logic.
    fn leaves(&mut self, node: &'e Node) {
        if let Some(path) = self.path(node) {
            let shown = match self.env.eval(node) {
                V::Absent(_) => Value::text("absent"),
                V::Unknown(holes) => Value::text(holes.first().map_or_else(
                    || "unknown".to_owned(),
                    |h| format!("unknown ({})", if h.gap().detail.is_empty() { "not read" } else { &h.gap().detail }),
                )),
                V::Assets(j) => {
                    let assets = self.env.estate.assets();
                    let ids = j.items.iter().take(MOST_ITEMS).filter_map(|&p| assets.get(p as usize)).map(|a| Value::String(a.id.clone()));
                    Value::List(ids.collect())
                }
                v => v.to_value().map_or_else(|| Value::text("unknown"), shorten),
            };
            self.shown.insert(path, shown);
            return;
        }
        match node {
            Node::Member(a, _) | Node::Has(a) | Node::Not(a) | Node::Negate(a) => self.leaves(a),
            Node::Index(a, b)
            | Node::Compare(_, a, b)
            | Node::CompareTime(_, a, b)
            | Node::Arithmetic(_, a, b)
            | Node::Default(a, b)
            | Node::And(a, b)
            | Node::Or(a, b) => {
                self.leaves(a);
                self.leaves(b);
            }
            Node::Choose(a, b, c) => {
                self.leaves(a);
                self.leaves(b);
                self.leaves(c);
            }
            Node::List(l) | Node::Call(_, l) => l.iter().for_each(|n| self.leaves(n)),
            Node::Macro(_, list, _) => self.leaves(list),
            Node::Const(_) | Node::This | Node::Join(_) | Node::Local(_) | Node::Now => {}
        }
    }

    /// The path that a node spells, from the asset (`PublicAccessBlock.BlockPublicAcls`) or a join (`logs`).
    fn path(&self, node: &Node) -> Option<String> {
        match node {
            Node::Member(of, name) => match &**of {
                Node::This => Some(name.to_string()),
                of => Some(format!("{}.{name}", self.path(of)?)),
            },
            Node::Index(of, at) => match &**at {
                Node::Const(v) => Some(format!("{}[{v}]", self.path(of)?)),
                _ => None,
            },
            Node::Local(at) => self.labels.get(*at).cloned(),
            Node::Join(at) => self.env.joins.get(*at).map(|j| j.name.to_string()),
            _ => None,
        }
    }
}

fn shorten(v: Value) -> Value {
    match v {
        Value::String(s) if s.chars().count() > MOST_TEXT => Value::text(s.chars().take(MOST_TEXT).chain(['…']).collect::<String>()),
        Value::List(l) => {
            let more = l.len().saturating_sub(MOST_ITEMS);
            let mut out: Vec<Value> = l.into_iter().take(MOST_ITEMS).map(shorten).collect();
            if more > 0 {
                out.push(Value::text(format!("… {more} more")));
            }
            Value::List(out)
        }
        Value::Map(m) => Value::Map(m.into_iter().map(|(k, v)| (k, shorten(v))).collect()),
        other => other,
    }
}
