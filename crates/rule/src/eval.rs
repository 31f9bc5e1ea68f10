//! Evaluation in three-valued logic (Kleene's strong logic of indeterminacy): an answer is known only
//! when no unread datum could change it.

use crate::check::Join;
use crate::estate::{Estate, Hole, Joined, key_text, push_key};
use crate::program::{MacroKind, Node};
use crate::syntax::{Comparison, Operator};
use smol_str::SmolStr;
use std::cmp::Ordering;
use std::sync::Arc;
use yagura_model::{Asset, Field, Gap, GapReason, Value};

/// A value while evaluating.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum V<'e> {
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(&'e str),
    Text(SmolStr),
    /// A list or map of the estate or of the program.
    Ref(&'e Value),
    List(Vec<V<'e>>),
    Asset(&'e Asset, u32),
    Assets(Joined<'e>),
    /// The member of this name is not set.
    Absent(&'e str),
    /// Cannot be told, because of these holes.
    Unknown(Vec<Hole>),
}

impl<'e> V<'e> {
    pub(crate) fn of(v: &'e Value) -> Self {
        match v {
            Value::Bool(b) => V::Bool(*b),
            Value::Int(i) => V::Int(*i),
            Value::Float(f) => V::Float(*f),
            Value::String(s) => V::Str(s),
            Value::List(_) | Value::Map(_) => V::Ref(v),
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            V::Str(s) => Some(s),
            V::Text(s) => Some(s),
            _ => None,
        }
    }

    /// What cannot be used for reckoning: unknown, or absent (which then cannot be told either).
    fn settle(self) -> Result<V<'e>, Vec<Hole>> {
        match self {
            V::Unknown(holes) => Err(holes),
            V::Absent(name) => Err(vec![not_told(format!("AWS's answer has no `{name}`"))]),
            known => Ok(known),
        }
    }

    /// An owned copy, for evidence. `None` where there is nothing to show.
    pub(crate) fn to_value(&self) -> Option<Value> {
        Some(match self {
            V::Bool(b) => Value::Bool(*b),
            V::Int(i) => Value::Int(*i),
            V::Float(f) => Value::Float(*f),
            V::Str(s) => Value::text(*s),
            V::Text(s) => Value::String(s.clone()),
            V::Ref(v) => (*v).clone(),
            V::List(l) => Value::List(l.iter().filter_map(V::to_value).collect()),
            V::Asset(a, _) => Value::String(a.id.clone()),
            V::Assets(_) | V::Absent(_) | V::Unknown(_) => return None,
        })
    }
}

/// A hole that no call would mend.
pub(crate) fn not_told(detail: String) -> Hole {
    Hole::Other(Arc::new(Gap::new(GapReason::NotTold, detail)))
}

/// What an evaluation runs on. Reused from one asset to the next.
pub(crate) struct Env<'e> {
    pub estate: &'e Estate,
    pub this: &'e Asset,
    pub this_at: u32,
    pub joins: &'e [Join],
    pub locals: Vec<V<'e>>,
    /// While data is being read: where the left side of `&&` or `||` still waits for data, do not ask for the right side's.
    pub demand: bool,
}

type Known<'e> = Result<V<'e>, Vec<Hole>>;

impl<'e> Env<'e> {
    /// Evaluates a node. Never fails: what goes wrong is Unknown.
    pub(crate) fn eval(&mut self, node: &'e Node) -> V<'e> {
        self.step(node).unwrap_or_else(V::Unknown)
    }

    /// Evaluates a node to a truth value.
    pub(crate) fn truth(&mut self, node: &'e Node) -> Result<bool, Vec<Hole>> {
        match self.step(node)?.settle()? {
            V::Bool(b) => Ok(b),
            _ => Err(vec![not_told("AWS's answer is not true or false here".to_owned())]),
        }
    }

    fn known(&mut self, node: &'e Node) -> Known<'e> {
        self.step(node)?.settle()
    }

    /// The value, absent included, or why it cannot be told.
    fn step(&mut self, node: &'e Node) -> Known<'e> {
        Ok(match node {
            Node::Const(v) => V::of(v),
            Node::This => V::Asset(self.this, self.this_at),
            Node::Join(at) => V::Assets(self.join(*at)?),
            Node::Local(at) => self.locals.get(*at).cloned().unwrap_or(V::Absent("variable")),
            Node::Member(of, name) => self.member(of, name)?,
            Node::Index(of, at) => self.index(of, at)?,
            Node::Has(x) => V::Bool(!matches!(self.step(x)?, V::Absent(_))),
            Node::Not(x) => V::Bool(!self.truth(x)?),
            Node::Negate(x) => match self.known(x)? {
                V::Int(i) => V::Int(i.checked_neg().ok_or_else(overflow)?),
                V::Float(f) => V::Float(-f),
                _ => return Err(mismatch()),
            },
            Node::And(a, b) => V::Bool(self.junction(a, b, false)?),
            Node::Or(a, b) => V::Bool(self.junction(a, b, true)?),
            Node::Choose(c, a, b) => {
                if self.truth(c)? {
                    self.step(a)?
                } else {
                    self.step(b)?
                }
            }
            Node::Compare(op, a, b) => {
                let (a, b) = self.pair(a, b)?;
                V::Bool(compare(*op, &a, &b)?)
            }
            Node::CompareTime(op, a, b) => {
                let (a, b) = self.pair(a, b)?;
                V::Bool(ordered(*op, instant(&a)?.cmp(&instant(&b)?)))
            }
            Node::Arithmetic(op, a, b) => {
                let (a, b) = self.pair(a, b)?;
                reckon(*op, a, b)?
            }
            Node::List(items) => {
                let mut out = Vec::with_capacity(items.len());
                for i in items {
                    out.push(self.known(i)?);
                }
                V::List(out)
            }
            Node::Default(x, fallback) => match self.step(x)? {
                V::Absent(_) => self.step(fallback)?,
                v => v,
            },
            Node::Now => V::Str(self.estate.now_text()),
            Node::Call(f, args) => {
                let mut values = Vec::with_capacity(args.len());
                let mut holes = Vec::new();
                for a in args {
                    match self.known(a) {
                        Ok(v) => values.push(v),
                        Err(h) => holes.extend(h),
                    }
                }
                if !holes.is_empty() {
                    return Err(holes);
                }
                f.run(&values, self.estate)?
            }
            Node::Macro(kind, list, body) => self.list_macro(*kind, list, body)?,
        })
    }

    /// `&&` (decided by false) and `||` (decided by true).
    fn junction(&mut self, a: &'e Node, b: &'e Node, decides: bool) -> Result<bool, Vec<Hole>> {
        match self.truth(a) {
            Ok(x) if x == decides => Ok(decides),
            Ok(_) => self.truth(b),
            Err(mut holes) => match self.truth(b) {
                Ok(x) if x == decides => Ok(decides),
                Ok(_) => Err(holes),
                Err(more) => {
                    if !(self.demand && holes.iter().any(Hole::can_be_read)) {
                        holes.extend(more);
                    }
                    Err(holes)
                }
            },
        }
    }

    fn pair(&mut self, a: &'e Node, b: &'e Node) -> Result<(V<'e>, V<'e>), Vec<Hole>> {
        match (self.known(a), self.known(b)) {
            (Ok(a), Ok(b)) => Ok((a, b)),
            (Err(mut x), Err(y)) => {
                x.extend(y);
                Err(x)
            }
            (Err(x), Ok(_)) | (Ok(_), Err(x)) => Err(x),
        }
    }

    fn join(&mut self, at: usize) -> Result<Joined<'e>, Vec<Hole>> {
        let join = self.joins.get(at).ok_or_else(mismatch)?;
        let mut key = String::new();
        for (_, wanted) in &join.on {
            match self.step(&wanted.root)? {
                V::Absent(_) => return Ok(Joined { items: (&[]).into(), holes: Vec::new() }),
                V::Str(s) => push_key(&mut key, s),
                v => {
                    let v = v.settle()?.to_value().ok_or_else(mismatch)?;
                    push_key(&mut key, &key_text(&v));
                }
            }
        }
        Ok(self.estate.joined(join, self.this, &key))
    }

    fn member(&mut self, of: &'e Node, name: &'e SmolStr) -> Known<'e> {
        Ok(match self.step(of)? {
            V::Asset(asset, at) => match asset.field(name) {
                Field::Known(v) => V::of(v),
                Field::Absent => V::Absent(name),
                Field::Unknown(gap) => {
                    return Err(vec![Hole::Field { asset: at, field: name.clone(), gap: gap.clone() }]);
                }
            },
            V::Ref(Value::Map(m)) => m.get(name).map_or(V::Absent(name), V::of),
            // What hangs on an absent structure is absent too: `has(this.A.B)` is false where A is not set.
            absent @ V::Absent(_) => absent,
            _ => return Err(mismatch()),
        })
    }

    fn index(&mut self, of: &'e Node, at: &'e Node) -> Known<'e> {
        let of = self.step(of)?;
        if matches!(of, V::Absent(_)) {
            return Ok(of);
        }
        Ok(match (of, self.known(at)?) {
            (V::Ref(Value::List(l)), V::Int(i)) => usize::try_from(i).ok().and_then(|i| l.get(i)).map_or(V::Absent("item"), V::of),
            (V::List(l), V::Int(i)) => usize::try_from(i).ok().and_then(|i| l.get(i)).cloned().unwrap_or(V::Absent("item")),
            (V::Ref(Value::Map(m)), key) => key.text().and_then(|k| m.get(k)).map_or(V::Absent("item"), V::of),
            (V::Assets(j), V::Int(i)) => {
                let place = usize::try_from(i).ok().and_then(|i| j.items.get(i)).copied();
                match place.and_then(|p| Some((p, self.estate.assets().get(p as usize)?))) {
                    Some((p, a)) => V::Asset(a, p),
                    None if j.holes.is_empty() => V::Absent("item"),
                    None => return Err(j.holes),
                }
            }
            _ => return Err(mismatch()),
        })
    }

    fn list_macro(&mut self, kind: MacroKind, list: &'e Node, body: &'e Node) -> Known<'e> {
        let (items, holes) = self.items(list)?;
        match kind {
            MacroKind::Exists => self.quantify(items, holes, body, true).map(V::Bool),
            MacroKind::All => self.quantify(items, holes, body, false).map(V::Bool),
            MacroKind::ExistsOne => self.exists_one(items, holes, body).map(V::Bool),
            MacroKind::Filter => self.filter(items, holes, body),
            MacroKind::Map => {
                if !holes.is_empty() {
                    return Err(holes);
                }
                let mut out = Vec::with_capacity(items.len());
                for item in items {
                    self.locals.push(item);
                    let v = self.known(body);
                    self.locals.pop();
                    out.push(v?);
                }
                Ok(V::List(out))
            }
        }
    }

    /// The items of a list and the holes in it.
    pub(crate) fn items(&mut self, list: &'e Node) -> Result<(Vec<V<'e>>, Vec<Hole>), Vec<Hole>> {
        Ok(match self.known(list)? {
            V::Ref(Value::List(l)) => (l.iter().map(V::of).collect(), Vec::new()),
            V::Ref(Value::Map(m)) => (m.iter().map(|(k, _)| V::Str(k)).collect(), Vec::new()),
            V::List(l) => (l, Vec::new()),
            V::Assets(j) => {
                let assets = self.estate.assets();
                let items = j.items.iter().filter_map(|&p| Some(V::Asset(assets.get(p as usize)?, p))).collect();
                (items, j.holes)
            }
            _ => return Err(mismatch()),
        })
    }

    /// `exists` (decided by one true) and `all` (decided by one false).
    fn quantify(&mut self, items: Vec<V<'e>>, mut holes: Vec<Hole>, body: &'e Node, decides: bool) -> Result<bool, Vec<Hole>> {
        for item in items {
            self.locals.push(item);
            let one = self.truth(body);
            self.locals.pop();
            match one {
                Ok(x) if x == decides => return Ok(decides),
                Ok(_) => {}
                Err(h) => holes.extend(h),
            }
        }
        if holes.is_empty() { Ok(!decides) } else { Err(holes) }
    }

    fn exists_one(&mut self, items: Vec<V<'e>>, mut holes: Vec<Hole>, body: &'e Node) -> Result<bool, Vec<Hole>> {
        let mut hits = 0;
        for item in items {
            self.locals.push(item);
            let one = self.truth(body);
            self.locals.pop();
            match one {
                Ok(true) => hits += 1,
                Ok(false) => {}
                Err(h) => holes.extend(h),
            }
            if hits > 1 {
                return Ok(false);
            }
        }
        if holes.is_empty() { Ok(hits == 1) } else { Err(holes) }
    }

    fn filter(&mut self, items: Vec<V<'e>>, mut holes: Vec<Hole>, body: &'e Node) -> Known<'e> {
        let mut assets = Vec::new();
        let mut values = Vec::new();
        for item in items {
            self.locals.push(item.clone());
            let keep = self.truth(body);
            self.locals.pop();
            match keep {
                Ok(true) => match item {
                    V::Asset(_, at) => assets.push(at),
                    v => values.push(v),
                },
                Ok(false) => {}
                Err(h) => holes.extend(h),
            }
        }
        if values.is_empty() {
            // An incomplete list of assets stays a list: `exists` on it may still be decided.
            return Ok(V::Assets(Joined { items: assets.into(), holes }));
        }
        if holes.is_empty() { Ok(V::List(values)) } else { Err(holes) }
    }
}

fn mismatch() -> Vec<Hole> {
    vec![not_told("AWS's answer is not of the expected form here".to_owned())]
}

fn overflow() -> Vec<Hole> {
    vec![not_told("a number is out of range".to_owned())]
}

pub(crate) fn instant(v: &V<'_>) -> Result<jiff::Timestamp, Vec<Hole>> {
    let text = v.text().ok_or_else(mismatch)?;
    text.parse().map_err(|_| vec![not_told(format!("`{text}` is not a time"))])
}

fn ordered(op: Comparison, o: Ordering) -> bool {
    match op {
        Comparison::Equal | Comparison::In => o == Ordering::Equal,
        Comparison::NotEqual => o != Ordering::Equal,
        Comparison::Less => o == Ordering::Less,
        Comparison::AtMost => o != Ordering::Greater,
        Comparison::Greater => o == Ordering::Greater,
        Comparison::AtLeast => o != Ordering::Less,
    }
}

fn compare(op: Comparison, a: &V<'_>, b: &V<'_>) -> Result<bool, Vec<Hole>> {
    match op {
        Comparison::In => contains(a, b),
        Comparison::Equal => Ok(equal(a, b)),
        Comparison::NotEqual => Ok(!equal(a, b)),
        _ => {
            let o = match (a, b) {
                (V::Int(a), V::Int(b)) => Some(a.cmp(b)),
                (V::Bool(a), V::Bool(b)) => Some(a.cmp(b)),
                _ => match (number(a), number(b)) {
                    (Some(a), Some(b)) => a.partial_cmp(&b),
                    _ => a.text().zip(b.text()).map(|(a, b)| a.cmp(b)),
                },
            };
            o.map(|o| ordered(op, o)).ok_or_else(mismatch)
        }
    }
}

fn number(v: &V<'_>) -> Option<f64> {
    match v {
        V::Int(i) => Some(*i as f64),
        V::Float(f) => Some(*f),
        _ => None,
    }
}

/// CEL's equality: numbers by value, lists and maps by members, other types are never equal.
fn equal(a: &V<'_>, b: &V<'_>) -> bool {
    match (a, b) {
        (V::Bool(a), V::Bool(b)) => a == b,
        (V::Int(a), V::Int(b)) => a == b,
        (V::Ref(a), V::Ref(b)) => a == b,
        _ => match (a.text(), b.text()) {
            (Some(a), Some(b)) => a == b,
            (None, None) => match (number(a), number(b)) {
                (Some(a), Some(b)) => a == b,
                (None, None) => matches!((a.to_value(), b.to_value()), (Some(a), Some(b)) if a == b),
                _ => false,
            },
            _ => false,
        },
    }
}

fn contains(needle: &V<'_>, hay: &V<'_>) -> Result<bool, Vec<Hole>> {
    match hay {
        V::Ref(Value::List(l)) => Ok(l.iter().any(|v| equal(needle, &V::of(v)))),
        V::List(l) => Ok(l.iter().any(|v| equal(needle, v))),
        V::Ref(Value::Map(m)) => Ok(needle.text().is_some_and(|k| m.get(k).is_some())),
        _ => Err(mismatch()),
    }
}

fn reckon<'e>(op: Operator, a: V<'e>, b: V<'e>) -> Known<'e> {
    if let (V::Int(a), V::Int(b)) = (&a, &b) {
        let out = match op {
            Operator::Add => a.checked_add(*b),
            Operator::Subtract => a.checked_sub(*b),
            Operator::Multiply => a.checked_mul(*b),
            Operator::Divide => a.checked_div(*b),
            Operator::Remainder => a.checked_rem(*b),
        };
        return out.map(V::Int).ok_or_else(overflow);
    }
    if let (Some(a), Some(b)) = (number(&a), number(&b)) {
        return Ok(V::Float(match op {
            Operator::Add => a + b,
            Operator::Subtract => a - b,
            Operator::Multiply => a * b,
            Operator::Divide => a / b,
            Operator::Remainder => return Err(mismatch()),
        }));
    }
    if let (Some(a), Some(b)) = (a.text(), b.text()) {
        return Ok(V::Text(smol_str::format_smolstr!("{a}{b}")));
    }
    let items = |v: V<'e>| match v {
        V::Ref(Value::List(l)) => Some(l.iter().map(V::of).collect::<Vec<_>>()),
        V::List(l) => Some(l),
        _ => None,
    };
    match (items(a), items(b)) {
        (Some(mut a), Some(b)) => {
            a.extend(b);
            Ok(V::List(a))
        }
        _ => Err(mismatch()),
    }
}
