//! Which fields decided an answer.

use crate::estate::Hole;
use crate::eval::Env;
use crate::functions::policy::readable;
use crate::operate::V;
use crate::program::{MacroKind, Node, Program};
use yagura_model::{Asset, Map, Value};

/// How many items of a list are shown.
const MOST_ITEMS: usize = 5;
/// How many fields are shown.
const MOST_FIELDS: usize = 50;
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
        if self.shown.len() >= MOST_FIELDS || self.env.spend(1).is_err() {
            return;
        }
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
        let value = self.env.eval(list);
        let Ok((items, holes)) = self.env.items(value) else { return self.leaves(list) };
        let mut answers = Vec::new();
        let mut decisive = None;
        for (at, item) in items.iter().enumerate() {
            if self.env.spend(1).is_err() {
                break;
            }
            let answer = self.env.on(item.clone(), |env| env.truth(body).ok());
            answers.push(answer);
            if answer == Some(decides) {
                decisive = Some(at);
                break;
            }
        }
        if decisive.is_none() && (items.is_empty() || !holes.is_empty()) {
            self.leaves(list);
        }
        let mut named = list;
        while let Node::Macro(MacroKind::Filter, inner, _) = named {
            named = inner;
        }
        let name = self.path(named).unwrap_or_else(|| "item".to_owned());
        // Places in a filtered list are not those of the list itself.
        let filter = if std::ptr::eq(named, list) { "" } else { ".filter" };
        let any_unknown = answers.iter().any(Option::is_none);
        let mut shown = 0;
        for (at, (item, answer)) in items.into_iter().zip(answers).enumerate() {
            let wanted = match decisive {
                Some(d) => at == d,
                None => (!any_unknown || answer.is_none()) && shown < MOST_ITEMS,
            };
            if wanted {
                shown += 1;
                self.labels.push(match &item {
                    V::Asset(a, _) => format!("{name}[{}]", self.label(a)),
                    _ => format!("{name}{filter}[{at}]"),
                });
                self.env.locals.push(item);
                self.walk(body);
                self.env.locals.pop();
                self.labels.pop();
            }
        }
    }

    /// An asset's id; with its Region where that is not that of the asset under judgement, for ids may be the same there.
    fn label(&self, asset: &Asset) -> String {
        if asset.region == self.env.this.region || asset.region.ends_with("-global") {
            return asset.id.to_string();
        }
        format!("{}, {}", asset.id, asset.region)
    }

    /// Shows every path below a node that has no inner logic.
    fn leaves(&mut self, node: &'e Node) {
        if self.shown.len() >= MOST_FIELDS {
            return;
        }
        if let Some(path) = self.path(node) {
            let value = self.env.eval(node);
            if let Some(list) = filtered(node)
                && (matches!(value, V::Absent(_)) || matches!(self.env.eval(list), V::Absent(_) | V::Unknown(_)))
            {
                return self.leaves(list);
            }
            let shown = match value {
                V::Absent(_) => Value::text("absent"),
                V::Unknown(holes) => unknown(&holes),
                V::Assets(j) if j.items.is_empty() && !j.holes.is_empty() => unknown(&j.holes),
                V::Assets(j) => {
                    let assets = self.env.estate.assets();
                    let members = j.items.iter().filter_map(|&p| assets.get(p as usize));
                    let mut ids: Vec<Value> = members.take(MOST_ITEMS).map(|a| Value::from(self.label(a))).collect();
                    let more = j.items.len().saturating_sub(MOST_ITEMS);
                    if more > 0 {
                        ids.push(Value::text(format!("… {more} more")));
                    }
                    if !j.holes.is_empty() {
                        ids.push(unknown(&j.holes));
                    }
                    Value::List(ids)
                }
                v => v.to_value().map_or_else(|| Value::text("unknown"), presented),
            };
            self.shown.insert(path, shown);
            return;
        }
        if let Node::Call(function, args) = node {
            let values: Vec<V<'e>> = args.iter().map(|a| self.env.eval(a)).collect();
            if let Some((name, shown)) = function.shows(&values, self.env.estate) {
                self.shown.insert(name, shown);
            }
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
            // Only the branch that was taken: `? :` stands inside comparisons too.
            Node::Choose(c, a, b) => {
                self.leaves(c);
                match self.env.truth(c) {
                    Ok(true) => self.leaves(a),
                    Ok(false) => self.leaves(b),
                    Err(_) => {}
                }
            }
            Node::List(l) | Node::Call(_, l) => l.iter().for_each(|n| self.leaves(n)),
            Node::Macro(_, list, _) => self.leaves(list),
            Node::Const(_) | Node::This | Node::Join(_) | Node::Local(_) | Node::Now | Node::Account => {}
        }
    }

    /// The path that a node spells, from the asset (`PublicAccessBlock.BlockPublicAcls`) or a join (`logs`).
    fn path(&self, node: &Node) -> Option<String> {
        match node {
            Node::Member(of, name) => match &**of {
                Node::This => Some(name.to_string()),
                of => Some(format!("{}.{name}", self.path(of)?)),
            },
            Node::Index(of, at) => match (&**of, &**at) {
                (Node::Macro(MacroKind::Filter, list, _), Node::Const(v)) => {
                    Some(format!("{}.filter[{v}]", self.path(list)?))
                }
                (of, Node::Const(v)) => Some(format!("{}[{v}]", self.path(of)?)),
                _ => None,
            },
            Node::Local(at) => self.labels.get(*at).cloned(),
            Node::Join(at) => self.env.joins.get(*at).map(|j| j.name.to_string()),
            _ => None,
        }
    }
}

/// The list of which a node takes one item that fits: where none does, the list shows why.
fn filtered(node: &Node) -> Option<&Node> {
    match node {
        Node::Member(of, _) => filtered(of),
        Node::Index(of, _) => match &**of {
            Node::Macro(MacroKind::Filter, list, _) => Some(list),
            of => filtered(of),
        },
        _ => None,
    }
}

fn unknown(holes: &[Hole]) -> Value {
    let why = holes.first().map(|h| h.gap().detail.as_str()).filter(|d| !d.is_empty()).unwrap_or("not read");
    shorten(&format!("unknown ({why})"))
}

/// A value as evidence shows it: policy documents decoded, what is long cut.
fn presented(v: Value) -> Value {
    match v {
        Value::String(s) => shorten(&readable(&s)),
        Value::List(l) => {
            let more = l.len().saturating_sub(MOST_ITEMS);
            let mut out: Vec<Value> = l.into_iter().take(MOST_ITEMS).map(presented).collect();
            if more > 0 {
                out.push(Value::text(format!("… {more} more")));
            }
            Value::List(out)
        }
        Value::Map(m) => Value::Map(m.into_iter().take(MOST_FIELDS).map(|(k, v)| (k, presented(v))).collect()),
        Value::Unknown(gap) => unknown(&[Hole::Other(gap)]),
        other => other,
    }
}

fn shorten(text: &str) -> Value {
    match text.char_indices().nth(MOST_TEXT) {
        Some((end, _)) => Value::text(format!("{}…", text.get(..end).unwrap_or(text))),
        None => Value::text(text),
    }
}
