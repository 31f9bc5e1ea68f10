//! Evaluation in three-valued logic (Kleene's strong logic of indeterminacy): an answer is known only
//! when no unread datum could change it.

use crate::check::Join;
use crate::estate::{Estate, Hole, Joined, push_key};
use crate::operate::{Known, V, compare, compare_parts, instant, mismatch, not_told, ordered, overflow, reckon};
use crate::program::{MacroKind, Node};
use smol_str::SmolStr;
use std::sync::Arc;
use yagura_model::{Asset, Field, Gap, Value};

/// How much one evaluation may do, in items looked at and values built: bounds its time (about a second) and memory,
/// whatever the expression. What needs more is Unknown.
const WORK: u32 = 4_000_000;
/// How many holes that no permission would mend are kept.
const MOST_HOLES: usize = 64;

/// What an evaluation runs on. Reused from one asset to the next.
pub(crate) struct Env<'e> {
    pub estate: &'e Estate,
    pub this: &'e Asset,
    pub this_at: u32,
    pub joins: &'e [Join],
    pub locals: Vec<V<'e>>,
    /// While data is being read: where the left side of `&&` or `||` still waits for data, do not ask for the right side's.
    pub demand: bool,
    work: u32,
}

impl<'e> Env<'e> {
    /// For the asset at this place, if there is one.
    pub(crate) fn new(estate: &'e Estate, joins: &'e [Join], asset: u32, demand: bool) -> Option<Self> {
        let this = estate.assets().get(asset as usize)?;
        Some(Self { estate, this, this_at: asset, joins, locals: Vec::new(), demand, work: WORK })
    }

    /// Counts work down.
    ///
    /// # Errors
    /// Says that there was too much of it.
    pub(crate) fn spend(&mut self, work: usize) -> Result<(), Vec<Hole>> {
        let left = u32::try_from(work).ok().and_then(|w| self.work.checked_sub(w));
        self.work = left.unwrap_or(0);
        match left {
            Some(_) => Ok(()),
            None => {
                Err(vec![not_told("the expression looks at too many items: narrow it by a join's `where`".to_owned())])
            }
        }
    }

    /// Adds holes. Unless data is being read, when every hole counts, each cause is named once.
    fn gather(&self, holes: &mut Vec<Hole>, more: Vec<Hole>) {
        if self.demand || holes.is_empty() {
            holes.extend(more);
            return;
        }
        for hole in more {
            if (holes.len() < MOST_HOLES || hole.gap().is_denied()) && !holes.iter().any(|h| h.is_like(&hole)) {
                holes.push(hole);
            }
        }
    }

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
            Node::Local(at) => {
                if let Some(list @ V::List(_)) = self.locals.get(*at) {
                    self.spend(list.weight() as usize)?;
                }
                match self.locals.get(*at).cloned().unwrap_or(V::Absent("variable")) {
                    V::Unknown(holes) => return Err(holes),
                    local => local,
                }
            }
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
                self.spend(length(&b) / 16)?;
                V::Bool(if self.estate.partly { compare_parts(*op, &a, &b)? } else { compare(*op, &a, &b)? })
            }
            Node::CompareTime(op, a, b) => {
                let (a, b) = self.pair(a, b)?;
                V::Bool(ordered(*op, instant(&a)?.cmp(&instant(&b)?)))
            }
            Node::Arithmetic(op, a, b) => {
                let (a, b) = self.pair(a, b)?;
                self.spend((length(&a) + length(&b)) / 16)?;
                reckon(*op, a, b)?
            }
            Node::List(items) => {
                self.spend(items.len())?;
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
            Node::Account if self.this.account.is_empty() => {
                return Err(vec![Hole::Other(Arc::new(Gap::hidden_account()))]);
            }
            Node::Account => V::Str(&self.this.account),
            Node::Call(f, args) => {
                let mut values = Vec::with_capacity(args.len());
                let mut holes = Vec::new();
                for a in args {
                    match self.known(a) {
                        Ok(v) => values.push(v),
                        Err(h) => self.gather(&mut holes, h),
                    }
                }
                if !holes.is_empty() {
                    return Err(holes);
                }
                self.spend(values.iter().map(length).sum::<usize>() / 16)?;
                if self.estate.partly
                    && let Some(holes) = values.iter().find_map(|v| f.hole(v))
                {
                    return Err(holes);
                }
                let out = f.run(&values, self.estate)?;
                self.spend(out.weight() as usize - 1)?;
                out
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
                        self.gather(&mut holes, more);
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
                self.gather(&mut x, y);
                Err(x)
            }
            (Err(x), Ok(_)) | (Ok(_), Err(x)) => Err(x),
        }
    }

    fn join(&mut self, at: usize) -> Result<Joined<'e>, Vec<Hole>> {
        let join = self.joins.get(at).ok_or_else(mismatch)?;
        // The wanted values are programs of their own: they count their variables from none.
        let outer = std::mem::take(&mut self.locals);
        let key = self.join_key(join);
        self.locals = outer;
        Ok(match key? {
            Some(key) => self.estate.joined(join, self.this, &key, self.demand),
            None => Joined { items: (&[]).into(), holes: Vec::new() },
        })
    }

    /// What the join's index is asked for; `None` where a wanted value is absent, so that nothing belongs.
    fn join_key(&mut self, join: &'e Join) -> Result<Option<String>, Vec<Hole>> {
        let mut key = String::new();
        for (_, wanted) in &join.on {
            match self.step(&wanted.root)? {
                V::Absent(_) => return Ok(None),
                v => push_key(&mut key, &v.settle()?).ok_or_else(mismatch)?,
            }
        }
        Ok(Some(key))
    }

    fn member(&mut self, of: &'e Node, name: &'e SmolStr) -> Known<'e> {
        let member = match self.step(of)? {
            V::Asset(asset, at) => match asset.field(name) {
                Field::Known(v) | Field::Partly(v, _) => V::of(v),
                Field::Absent => V::Absent(name),
                Field::Unknown(gap) => {
                    return Err(vec![Hole::Field { asset: at, field: name.clone(), gap: gap.clone() }]);
                }
            },
            V::Ref(Value::Map(m)) => m.get(name).map_or(V::Absent(name), V::of),
            // What hangs on an absent structure is absent too: `has(this.A.B)` is false where A is not set.
            absent @ V::Absent(_) => absent,
            _ => return Err(mismatch()),
        };
        if let V::Unknown(holes) = member { Err(holes) } else { Ok(member) }
    }

    fn index(&mut self, of: &'e Node, at: &'e Node) -> Known<'e> {
        let of = self.step(of)?;
        if matches!(of, V::Absent(_)) {
            return Ok(of);
        }
        let item = match (of, self.known(at)?) {
            (V::Ref(Value::List(l)), V::Int(i)) => {
                let Ok(i) = usize::try_from(i) else { return Ok(V::Absent("item")) };
                // Where an item before it may be nothing, another one stands at the place.
                let nothing = |v: &&Value| matches!(v, Value::Unknown(gap) if gap.may_be_nothing());
                if let Some(Value::Unknown(gap)) = l.iter().take(i).find(nothing) {
                    return Err(vec![Hole::Other(gap.clone())]);
                }
                l.get(i).map_or(V::Absent("item"), V::of)
            }
            (V::List(mut l), V::Int(i)) => match usize::try_from(i) {
                Ok(i) if i < l.len() => l.swap_remove(i),
                _ => V::Absent("item"),
            },
            (V::Ref(Value::Map(m)), key) => key.text().and_then(|k| m.get(k)).map_or(V::Absent("item"), V::of),
            // What is missing from the list may stand before the item.
            (V::Assets(j), V::Int(_)) if !j.holes.is_empty() => return Err(j.holes),
            (V::Assets(j), V::Int(i)) => {
                let place = usize::try_from(i).ok().and_then(|i| j.items.get(i)).copied();
                match place.and_then(|p| Some((p, self.estate.assets().get(p as usize)?))) {
                    Some((p, a)) => V::Asset(a, p),
                    None => V::Absent("item"),
                }
            }
            _ => return Err(mismatch()),
        };
        if let V::Unknown(holes) = item { Err(holes) } else { Ok(item) }
    }

    fn list_macro(&mut self, kind: MacroKind, list: &'e Node, body: &'e Node) -> Known<'e> {
        let list = self.known(list)?;
        let of_assets = matches!(list, V::Assets(_));
        let (items, holes) = self.items(list)?;
        match kind {
            MacroKind::Exists => self.quantify(items, holes, body, true).map(V::Bool),
            MacroKind::All => self.quantify(items, holes, body, false).map(V::Bool),
            MacroKind::ExistsOne => self.exists_one(items, holes, body).map(V::Bool),
            MacroKind::Filter if of_assets => self.filter_assets(items, holes, body),
            MacroKind::Filter => self.filter(items, body),
            MacroKind::Map => self.map(items, holes, body),
        }
    }

    /// The items of a list and the holes in it.
    pub(crate) fn items(&mut self, list: V<'e>) -> Result<(Vec<V<'e>>, Vec<Hole>), Vec<Hole>> {
        Ok(match list {
            V::Ref(Value::List(l)) => (l.iter().map(V::of).collect(), Vec::new()),
            V::Ref(Value::Map(m)) => {
                let key = |(k, v): (&'e SmolStr, &'e Value)| match V::of(v) {
                    unknown @ V::Unknown(_) => unknown,
                    _ => V::Str(k),
                };
                (m.iter().map(key).collect(), Vec::new())
            }
            V::List(l) => (l, Vec::new()),
            V::Assets(j) => {
                let assets = self.estate.assets();
                let items = j.items.iter().filter_map(|&p| Some(V::Asset(assets.get(p as usize)?, p))).collect();
                (items, j.holes)
            }
            _ => return Err(mismatch()),
        })
    }

    /// A macro's body on one item.
    pub(crate) fn on<T>(&mut self, item: V<'e>, body: impl FnOnce(&mut Self) -> T) -> T {
        self.locals.push(item);
        let out = body(self);
        self.locals.pop();
        out
    }

    /// `exists` (decided by one true) and `all` (decided by one false).
    fn quantify(
        &mut self,
        items: Vec<V<'e>>,
        mut holes: Vec<Hole>,
        body: &'e Node,
        decides: bool,
    ) -> Result<bool, Vec<Hole>> {
        for item in items {
            self.spend(1)?;
            match self.on(item, |env| env.truth(body)) {
                Ok(x) if x == decides => return Ok(decides),
                Ok(_) => {}
                Err(h) => self.gather(&mut holes, h),
            }
        }
        if holes.is_empty() { Ok(!decides) } else { Err(holes) }
    }

    fn exists_one(&mut self, items: Vec<V<'e>>, mut holes: Vec<Hole>, body: &'e Node) -> Result<bool, Vec<Hole>> {
        let mut hits = 0;
        for item in items {
            self.spend(1)?;
            match self.on(item, |env| env.truth(body)) {
                Ok(true) => hits += 1,
                Ok(false) => {}
                Err(h) => self.gather(&mut holes, h),
            }
            if hits > 1 {
                return Ok(false);
            }
        }
        if holes.is_empty() { Ok(hits == 1) } else { Err(holes) }
    }

    /// A list with any item in doubt cannot be told.
    fn filter(&mut self, items: Vec<V<'e>>, body: &'e Node) -> Known<'e> {
        let (mut kept, mut holes) = (Vec::new(), Vec::new());
        for item in items {
            self.spend(item.weight() as usize)?;
            match self.on(item.clone(), |env| env.truth(body)) {
                Ok(true) => kept.push(item),
                Ok(false) => {}
                Err(h) => self.gather(&mut holes, h),
            }
        }
        if holes.is_empty() { Ok(V::List(kept)) } else { Err(holes) }
    }

    /// An incomplete list of assets stays a list: `exists` on it may still be decided.
    fn filter_assets(&mut self, items: Vec<V<'e>>, mut holes: Vec<Hole>, body: &'e Node) -> Known<'e> {
        let mut kept = Vec::new();
        for item in items {
            self.spend(1)?;
            let V::Asset(_, at) = item else { return Err(mismatch()) };
            match self.on(item, |env| env.truth(body)) {
                Ok(true) => kept.push(at),
                Ok(false) => {}
                Err(h) => self.gather(&mut holes, h),
            }
        }
        Ok(V::Assets(Joined { items: kept.into(), holes }))
    }

    fn map(&mut self, items: Vec<V<'e>>, mut holes: Vec<Hole>, body: &'e Node) -> Known<'e> {
        let mut out = Vec::with_capacity(items.len());
        for item in items {
            self.spend(1)?;
            match self.on(item, |env| env.known(body)) {
                Ok(v) => out.push(v),
                Err(h) => self.gather(&mut holes, h),
            }
        }
        if holes.is_empty() { Ok(V::List(out)) } else { Err(holes) }
    }
}

/// How much there is to walk in a text or list.
fn length(v: &V<'_>) -> usize {
    match v {
        V::Ref(Value::List(l)) => l.len(),
        V::List(l) => l.len(),
        other => other.text().map_or(0, str::len),
    }
}
