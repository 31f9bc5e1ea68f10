//! The tree of an expression → a type-checked program. Every mistake is found here, none at run time.

use crate::functions::{self, Function, Param};
use crate::program::{MacroKind, Node, Program};
use crate::schema::Schema;
use crate::syntax::{Comparison, Expr, ExprKind, Operator, Span, SyntaxError, parse};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use yagura_model::{Map, Type, Value, nearest};

/// How long a name may be for a like one to be looked for, in bytes.
const LONGEST_NAME: usize = 100;

/// What an expression may name.
pub(crate) struct Names<'s> {
    pub schema: &'s Schema,
    /// The kind that `this` is of.
    pub this: &'s str,
    /// Joins in order: name and kind.
    pub joins: Vec<(SmolStr, SmolStr)>,
    pub settings: &'s Map,
}

/// The type of an expression while compiling.
#[derive(Debug, Clone, PartialEq)]
enum Ty {
    Plain(Type),
    /// An asset of a kind.
    Asset(SmolStr),
    /// A joined list of assets of a kind.
    Assets(SmolStr),
}

impl Ty {
    fn name(&self) -> String {
        match self {
            Self::Plain(t) => type_name(t),
            Self::Asset(k) => format!("a `{k}`"),
            Self::Assets(k) => format!("a list of `{k}`"),
        }
    }
}

pub(crate) fn type_name(t: &Type) -> String {
    match t {
        Type::Bool => "true or false".to_owned(),
        Type::Int => "a whole number".to_owned(),
        Type::Float => "a number".to_owned(),
        Type::String => "text".to_owned(),
        Type::Timestamp => "a timestamp".to_owned(),
        Type::List(of) => format!("a list of {}", type_name(of)),
        Type::Map(_) => "a map".to_owned(),
        Type::Struct(_) => "a structure".to_owned(),
        Type::Any => "anything".to_owned(),
    }
}

/// Compiles `text`; it must yield true or false.
pub(crate) fn compile(text: &str, names: &Names<'_>) -> Result<Program, SyntaxError> {
    compile_as(text, names, &Type::Bool)
}

/// Compiles `text` that must be comparable with a `wanted` type (the right side of a join's `where`).
pub(crate) fn compile_value(text: &str, names: &Names<'_>, wanted: &Type) -> Result<Program, SyntaxError> {
    compile_as(text, names, wanted)
}

fn compile_as(text: &str, names: &Names<'_>, wanted: &Type) -> Result<Program, SyntaxError> {
    let expr = parse(text)?;
    let mut c = Compiler { names, locals: Vec::new(), reads: BTreeSet::new() };
    let (root, ty) = c.expr(&expr)?;
    if *wanted == Type::Bool {
        c.want_bool(&ty, expr.span)?;
    } else if join(&ty, &Ty::Plain(wanted.clone())).is_none() {
        return fail(format!("expected {}, found {}", type_name(wanted), ty.name()), expr.span);
    }
    Ok(Program { root, text: text.trim().to_owned(), reads: c.reads.into_iter().collect() })
}

struct Compiler<'n> {
    names: &'n Names<'n>,
    locals: Vec<(String, Ty)>,
    reads: BTreeSet<(SmolStr, SmolStr)>,
}

type Typed = Result<(Node, Ty), SyntaxError>;

fn fail<T>(message: String, span: Span) -> Result<T, SyntaxError> {
    Err(SyntaxError { message, span })
}

/// `; did you mean …?` where a near name exists, else nothing: the end of a message about a misspelt word.
pub fn nearest_hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    hint(word, candidates)
}

pub(crate) fn hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    // What is longer than any name was not meant as one.
    if word.len() > LONGEST_NAME {
        return String::new();
    }
    nearest(word, candidates).map_or_else(String::new, |n| format!("; did you mean `{n}`?"))
}

impl Compiler<'_> {
    fn expr(&mut self, e: &Expr) -> Typed {
        match &e.kind {
            ExprKind::Literal(v) => Ok((Node::Const(v.clone()), Ty::Plain(type_of(v)))),
            ExprKind::Name(n) => self.name(n, e.span),
            ExprKind::Member(of, name) => self.member(of, name, e.span),
            ExprKind::Index(of, at) => self.index(of, at),
            ExprKind::Call(target, name, args) => self.call(target.as_deref(), name, args, e.span),
            ExprKind::List(items) => self.list(items),
            ExprKind::Not(x) => Ok((Node::Not(Box::new(self.truth(x)?)), Ty::Plain(Type::Bool))),
            ExprKind::Negate(x) => {
                let (n, t) = self.expr(x)?;
                match (t, n) {
                    (t, Node::Const(Value::Int(i))) if i != i64::MIN => Ok((Node::Const(Value::Int(-i)), t)),
                    (t, Node::Const(Value::Float(f))) => Ok((Node::Const(Value::Float(-f)), t)),
                    (t @ Ty::Plain(Type::Int | Type::Float | Type::Any), n) => Ok((Node::Negate(Box::new(n)), t)),
                    (other, _) => fail(format!("`-` wants a number, found {}", other.name()), x.span),
                }
            }
            ExprKind::And(a, b) => {
                Ok((Node::And(Box::new(self.truth(a)?), Box::new(self.truth(b)?)), Ty::Plain(Type::Bool)))
            }
            ExprKind::Or(a, b) => {
                Ok((Node::Or(Box::new(self.truth(a)?), Box::new(self.truth(b)?)), Ty::Plain(Type::Bool)))
            }
            ExprKind::Choose(c, a, b) => {
                let c = self.truth(c)?;
                let ((a, ta), (b_node, tb)) = (self.expr(a)?, self.expr(b)?);
                let Some(ty) = join(&ta, &tb) else {
                    return fail(
                        format!("both answers of `? :` must be alike, found {} and {}", ta.name(), tb.name()),
                        b.span,
                    );
                };
                Ok((Node::Choose(Box::new(c), Box::new(a), Box::new(b_node)), ty))
            }
            ExprKind::Compare(op, a, b) => self.compare(*op, a, b),
            ExprKind::Arithmetic(op, a, b) => self.arithmetic(*op, a, b),
        }
    }

    fn truth(&mut self, e: &Expr) -> Result<Node, SyntaxError> {
        let (node, ty) = self.expr(e)?;
        self.want_bool(&ty, e.span)?;
        Ok(node)
    }

    fn want_bool(&self, ty: &Ty, span: Span) -> Result<(), SyntaxError> {
        match ty {
            Ty::Plain(Type::Bool | Type::Any) => Ok(()),
            other => fail(format!("expected true or false, found {}", other.name()), span),
        }
    }

    fn name(&mut self, name: &str, span: Span) -> Typed {
        if let Some((at, (_, ty))) = self.locals.iter().enumerate().rev().find(|(_, (n, _))| n == name) {
            return Ok((Node::Local(at), ty.clone()));
        }
        if name == "this" {
            return Ok((Node::This, Ty::Asset(self.names.this.into())));
        }
        if name == "now" {
            return Ok((Node::Now, Ty::Plain(Type::Timestamp)));
        }
        if name == "account" {
            return Ok((Node::Account, Ty::Plain(Type::String)));
        }
        if let Some((at, (_, kind))) = self.names.joins.iter().enumerate().find(|(_, (n, _))| n == name) {
            return Ok((Node::Join(at), Ty::Assets(kind.clone())));
        }
        let known = self.names.joins.iter().map(|(n, _)| n.as_str());
        let known =
            known.chain(self.locals.iter().map(|(n, _)| n.as_str())).chain(["this", "now", "account", "settings"]);
        fail(format!("unknown name `{name}`{}", hint(name, known)), span)
    }

    fn member(&mut self, of: &Expr, name: &str, span: Span) -> Typed {
        if let ExprKind::Name(n) = &of.kind
            && n == "settings"
            && !self.locals.iter().any(|(l, _)| l == n)
        {
            return match self.names.settings.get(name) {
                Some(v) => Ok((Node::Const(v.clone()), Ty::Plain(type_of(v)))),
                None => {
                    let near = hint(name, self.names.settings.iter().map(|(k, _)| k.as_str()));
                    fail(format!("no setting `{name}`{near}"), span)
                }
            };
        }
        let (node, ty) = self.expr(of)?;
        let field = |fields: &BTreeMap<SmolStr, Type>, what: &str| match fields.get(name) {
            Some(t) => Ok(Ty::Plain(t.clone())),
            None => {
                fail(format!("{what} has no field `{name}`{}", hint(name, fields.keys().map(SmolStr::as_str))), span)
            }
        };
        let ty = match &ty {
            Ty::Asset(kind) => {
                let Some(k) = self.names.schema.kind(kind) else { return fail(format!("unknown kind `{kind}`"), span) };
                let ty = field(&k.fields, &format!("`{kind}`"))?;
                self.reads.insert((kind.clone(), name.into()));
                ty
            }
            Ty::Plain(Type::Struct(fields)) => field(fields, "this structure")?,
            Ty::Plain(Type::Map(of)) => Ty::Plain((**of).clone()),
            Ty::Plain(Type::Any) => Ty::Plain(Type::Any),
            other => return fail(format!("{} has no members, so no `{name}`", other.name()), span),
        };
        Ok((Node::Member(Box::new(node), name.into()), ty))
    }

    fn index(&mut self, of: &Expr, at: &Expr) -> Typed {
        let (node, ty) = self.expr(of)?;
        let (at_node, at_ty) = self.expr(at)?;
        let (want, out) = match &ty {
            Ty::Plain(Type::List(of)) => (Type::Int, Ty::Plain((**of).clone())),
            Ty::Assets(kind) => (Type::Int, Ty::Asset(kind.clone())),
            Ty::Plain(Type::Map(of)) => (Type::String, Ty::Plain((**of).clone())),
            Ty::Plain(Type::Any) => (Type::Any, Ty::Plain(Type::Any)),
            other => return fail(format!("{} cannot be indexed", other.name()), of.span),
        };
        if join(&Ty::Plain(want.clone()), &at_ty).is_none() {
            return fail(format!("the index must be {}, found {}", type_name(&want), at_ty.name()), at.span);
        }
        Ok((Node::Index(Box::new(node), Box::new(at_node)), out))
    }

    fn list(&mut self, items: &[Expr]) -> Typed {
        let mut nodes = Vec::new();
        let mut of: Option<Ty> = None;
        for item in items {
            let (n, t) = self.expr(item)?;
            of = Some(match of {
                None => t,
                Some(before) => match join(&before, &t) {
                    Some(both) => both,
                    None => {
                        return fail(
                            format!("a list holds one type, found {} and {}", before.name(), t.name()),
                            item.span,
                        );
                    }
                },
            });
            nodes.push(n);
        }
        let of = match of {
            Some(Ty::Plain(t)) => t,
            Some(other) => {
                return fail(
                    format!("a list cannot hold {}", other.name()),
                    items.first().map_or(Span::default(), |i| i.span),
                );
            }
            None => Type::Any,
        };
        let ty = Ty::Plain(Type::List(Arc::new(of)));
        let consts: Option<Vec<Value>> =
            nodes.iter().map(|n| if let Node::Const(v) = n { Some(v.clone()) } else { None }).collect();
        Ok((consts.map_or(Node::List(nodes), |c| Node::Const(Value::List(c))), ty))
    }

    fn compare(&mut self, op: Comparison, a: &Expr, b: &Expr) -> Typed {
        let ((na, ta), (nb, tb)) = (self.expr(a)?, self.expr(b)?);
        let out = Ty::Plain(Type::Bool);
        let boxed =
            |node: fn(Comparison, Box<Node>, Box<Node>) -> Node, a, b| Ok((node(op, Box::new(a), Box::new(b)), out));
        if op == Comparison::In {
            let fits = match &tb {
                Ty::Plain(Type::List(of)) => join(&ta, &Ty::Plain((**of).clone())).is_some(),
                Ty::Plain(Type::Map(_) | Type::Struct(_)) => matches!(ta, Ty::Plain(Type::String | Type::Any)),
                Ty::Plain(Type::Any) => true,
                _ => false,
            };
            if !fits {
                return fail(format!("`in` cannot look for {} in {}", ta.name(), tb.name()), b.span);
            }
            return boxed(Node::Compare, na, nb);
        }
        let time = |t: &Ty| matches!(t, Ty::Plain(Type::Timestamp));
        let text = |t: &Ty| matches!(t, Ty::Plain(Type::Timestamp | Type::String | Type::Any));
        if (time(&ta) || time(&tb)) && text(&ta) && text(&tb) {
            want_time(&na, a.span)?;
            want_time(&nb, b.span)?;
            return boxed(Node::CompareTime, na, nb);
        }
        let both = join(&ta, &tb);
        let ordered = !matches!(op, Comparison::Equal | Comparison::NotEqual);
        let fits = match &both {
            Some(Ty::Plain(Type::Bool | Type::List(_) | Type::Map(_) | Type::Struct(_))) => !ordered,
            Some(Ty::Plain(_)) => true,
            _ => false,
        };
        if !fits {
            return fail(
                format!("cannot compare {} with {}", ta.name(), tb.name()),
                Span { start: a.span.start, end: b.span.end },
            );
        }
        boxed(Node::Compare, na, nb)
    }

    fn arithmetic(&mut self, op: Operator, a: &Expr, b: &Expr) -> Typed {
        let ((na, ta), (nb, tb)) = (self.expr(a)?, self.expr(b)?);
        let ty = match join(&ta, &tb) {
            // As in CEL, only whole numbers have a remainder.
            Some(Ty::Plain(Type::Float)) if op == Operator::Remainder => {
                return fail("`%` wants whole numbers".to_owned(), Span { start: a.span.start, end: b.span.end });
            }
            Some(Ty::Plain(t @ (Type::Int | Type::Float | Type::Any))) => t,
            Some(Ty::Plain(t @ (Type::String | Type::List(_)))) if op == Operator::Add => t,
            _ => {
                return fail(
                    format!("cannot reckon with {} and {}", ta.name(), tb.name()),
                    Span { start: a.span.start, end: b.span.end },
                );
            }
        };
        Ok((Node::Arithmetic(op, Box::new(na), Box::new(nb)), Ty::Plain(ty)))
    }

    fn call(&mut self, target: Option<&Expr>, name: &str, args: &[Expr], span: Span) -> Typed {
        if let Some(t) = target {
            if let Some(kind) = macro_kind(name) {
                return self.list_macro(kind, t, name, args, span);
            }
            if let ExprKind::Name(space) = &t.kind
                && !self.locals.iter().any(|(n, _)| n == space)
                && functions::is_namespace(space)
            {
                return self.function(&format!("{space}.{name}"), &args.iter().collect::<Vec<_>>(), span);
            }
            return self.function(name, &std::iter::once(t).chain(args).collect::<Vec<_>>(), span);
        }
        match (name, args) {
            ("has", [x]) => {
                if !matches!(x.kind, ExprKind::Member(..) | ExprKind::Index(..)) {
                    return fail("`has` wants a field, such as `has(this.Name)`".to_owned(), x.span);
                }
                let (n, _) = self.expr(x)?;
                Ok((Node::Has(Box::new(n)), Ty::Plain(Type::Bool)))
            }
            ("default", [x, fallback]) => {
                let ((n, t), (f, tf)) = (self.expr(x)?, self.expr(fallback)?);
                let Some(ty) = join(&t, &tf) else {
                    return fail(format!("the default of {} cannot be {}", t.name(), tf.name()), fallback.span);
                };
                Ok((Node::Default(Box::new(n), Box::new(f)), ty))
            }
            ("has", _) => fail("`has` takes one field".to_owned(), span),
            ("default", _) => fail("`default` takes a field and a value".to_owned(), span),
            _ => self.function(name, &args.iter().collect::<Vec<_>>(), span),
        }
    }

    fn list_macro(&mut self, kind: MacroKind, target: &Expr, name: &str, args: &[Expr], span: Span) -> Typed {
        let [var, body] = args else {
            return fail(format!("`{name}` takes a variable and an expression, such as `{name}(x, x > 1)`"), span);
        };
        let ExprKind::Name(var_name) = &var.kind else {
            return fail("expected a variable's name".to_owned(), var.span);
        };
        let (list, ty) = self.expr(target)?;
        let item = match &ty {
            Ty::Assets(k) => Ty::Asset(k.clone()),
            Ty::Plain(Type::List(of)) => Ty::Plain((**of).clone()),
            Ty::Plain(Type::Map(_)) => Ty::Plain(Type::String),
            Ty::Plain(Type::Any) => Ty::Plain(Type::Any),
            other => return fail(format!("`{name}` wants a list, found {}", other.name()), target.span),
        };
        self.locals.push((var_name.clone(), item.clone()));
        let body_typed = self.expr(body);
        self.locals.pop();
        let (body_node, body_ty) = body_typed?;
        if kind != MacroKind::Map {
            self.want_bool(&body_ty, body.span)?;
        }
        let out = match kind {
            MacroKind::Exists | MacroKind::All | MacroKind::ExistsOne => Ty::Plain(Type::Bool),
            MacroKind::Filter => match item {
                Ty::Asset(k) => Ty::Assets(k),
                Ty::Plain(t) => Ty::Plain(Type::List(Arc::new(t))),
                Ty::Assets(_) => Ty::Plain(Type::Any),
            },
            MacroKind::Map => match body_ty {
                Ty::Plain(t) => Ty::Plain(Type::List(Arc::new(t))),
                other => return fail(format!("`map` cannot yield {}", other.name()), body.span),
            },
        };
        Ok((Node::Macro(kind, Box::new(list), Box::new(body_node)), out))
    }

    fn function(&mut self, name: &str, args: &[&Expr], span: Span) -> Typed {
        let Some(f) = Function::named(name) else {
            if macro_kind(name).is_some() {
                return fail(format!("`{name}` is asked of a list, such as `list.{name}(x, x > 1)`"), span);
            }
            let known = Function::names().chain(MACROS.iter().map(|(n, _)| *n));
            return fail(format!("unknown function `{name}`{}", hint(name, known)), span);
        };
        let wants = f.parameters();
        if wants.len() != args.len() {
            let s = if wants.len() == 1 { "" } else { "s" };
            return fail(format!("`{name}` takes {} argument{s}, found {}", wants.len(), args.len()), span);
        }
        let mut nodes = Vec::new();
        for (arg, want) in args.iter().zip(wants) {
            let (n, t) = self.expr(arg)?;
            if *want == Param::Asset && matches!(t, Ty::Asset(_)) {
                nodes.push(n);
                continue;
            }
            if !want.accepts(match &t {
                Ty::Plain(t) => Some(t),
                Ty::Assets(_) => None,
                Ty::Asset(_) => return fail(format!("`{name}` cannot take {}", t.name()), arg.span),
            }) {
                return fail(format!("`{name}` wants {}, found {}", want.name(), t.name()), arg.span);
            }
            if *want == Param::Time {
                want_time(&n, arg.span)?;
            }
            nodes.push(n);
        }
        // Kinds that this build of a schema does not have cannot be read.
        for (kind, fields) in f.reads().iter().filter(|(kind, _)| self.names.schema.kind(kind).is_some()) {
            self.reads.extend(fields.iter().map(|field| (SmolStr::new_static(kind), SmolStr::new_static(field))));
        }
        Ok((Node::Call(f, nodes), Ty::Plain(f.yields())))
    }
}

const MACROS: [(&str, MacroKind); 5] = [
    ("exists", MacroKind::Exists),
    ("all", MacroKind::All),
    ("exists_one", MacroKind::ExistsOne),
    ("filter", MacroKind::Filter),
    ("map", MacroKind::Map),
];

fn macro_kind(name: &str) -> Option<MacroKind> {
    MACROS.iter().find(|(n, _)| *n == name).map(|(_, kind)| *kind)
}

/// A literal that stands where a time is wanted must be one.
fn want_time(node: &Node, span: Span) -> Result<(), SyntaxError> {
    match node {
        Node::Const(Value::String(s)) if s.parse::<jiff::Timestamp>().is_err() => fail(
            format!("`{s}` is not a time; write it as `2026-01-31T00:00:00Z`, or a day as `date(\"2026-01-31\")`"),
            span,
        ),
        _ => Ok(()),
    }
}

fn type_of(v: &Value) -> Type {
    match v {
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::Float(_) => Type::Float,
        Value::String(_) => Type::String,
        Value::List(l) => {
            let of = l.iter().map(type_of).reduce(|a, b| join_types(&a, &b).unwrap_or(Type::Any));
            Type::List(Arc::new(of.unwrap_or(Type::Any)))
        }
        Value::Map(_) | Value::Unknown(_) => Type::Any,
    }
}

/// The type that holds both, or `None` where they cannot meet.
fn join(a: &Ty, b: &Ty) -> Option<Ty> {
    match (a, b) {
        (Ty::Plain(a), Ty::Plain(b)) => join_types(a, b).map(Ty::Plain),
        (a, b) if a == b => Some(a.clone()),
        _ => None,
    }
}

fn join_types(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        (Type::Any, _) | (_, Type::Any) => Some(Type::Any),
        (Type::Int, Type::Float) | (Type::Float, Type::Int) => Some(Type::Float),
        (Type::Timestamp, Type::String) | (Type::String, Type::Timestamp) => Some(Type::String),
        (Type::List(a), Type::List(b)) => join_types(a, b).map(|t| Type::List(Arc::new(t))),
        (Type::Map(a), Type::Map(b)) => join_types(a, b).map(|t| Type::Map(Arc::new(t))),
        (a, b) if a == b => Some(a.clone()),
        _ => None,
    }
}
