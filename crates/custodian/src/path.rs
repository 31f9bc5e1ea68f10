//! JMESPath: <https://jmespath.org/specification.html>, with the functions `split` and `from_json` that Cloud Custodian adds.

use jmespath::ast::Ast;
use jmespath::functions::{ArgumentType, CustomFunction, Signature};
use jmespath::{Context, Expression, Rcvar, Runtime, Variable};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// Longer expressions than any that people write are refused: the parser recurses.
const LONGEST: usize = 4096;

/// How deep brackets may nest.
const DEEPEST: usize = 24;

/// How many times an expression may multiply what it is given.
const MOST_GROWTH: f64 = 1e4;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut runtime = Runtime::new();
    runtime.register_builtin_functions();
    let text = || ArgumentType::String;
    let split = |args: &[Rcvar], _: &mut Context<'_>| {
        let word = |at: usize| args.get(at).and_then(|a| a.as_string().cloned()).unwrap_or_default();
        let (by, whole) = (word(0), word(1));
        let parts: Vec<Json> = if by.is_empty() { Vec::new() } else { whole.split(&by).map(Json::from).collect() };
        Ok(Rcvar::new(Variable::from_serializable(Json::from(parts))?))
    };
    let from_json = |args: &[Rcvar], _: &mut Context<'_>| {
        let text = args.first().and_then(|a| a.as_string().cloned()).unwrap_or_default();
        Ok(Rcvar::new(serde_json::from_str::<Json>(&text).map_or(Ok(Variable::Null), Variable::from_serializable)?))
    };
    let two = Signature::new(vec![text(), text()], None);
    runtime.register_function("split", Box::new(CustomFunction::new(two, Box::new(split))));
    let one = Signature::new(vec![text()], None);
    runtime.register_function("from_json", Box::new(CustomFunction::new(one, Box::new(from_json))));
    runtime
});

/// A compiled expression.
#[derive(Debug, Clone)]
pub struct Path {
    text: String,
    how: How,
}

#[derive(Debug, Clone)]
enum How {
    /// `a.b.c`
    Members(Vec<String>),
    /// A name that is no expression (`aws:x`): a member of the resource itself.
    Name,
    Expression(Box<Expression<'static>>),
}

impl Path {
    /// Compiles.
    ///
    /// # Errors
    /// Why it is no expression, or one that would take too much.
    pub fn parse(text: &str) -> Result<Self, String> {
        let made = |how| Ok(Self { text: text.to_owned(), how });
        if text.starts_with("tag:") {
            return made(How::Name);
        }
        if text.len() > LONGEST {
            return Err(format!("an expression is at most {LONGEST} bytes long"));
        }
        let parts: Vec<&str> = text.split('.').collect();
        if parts.iter().all(|p| is_name(p)) {
            return made(How::Members(parts.into_iter().map(str::to_owned).collect()));
        }
        if depth(text) > DEEPEST {
            return Err(format!("an expression nests at most {DEEPEST} brackets"));
        }
        match RUNTIME.compile(text) {
            Ok(expression) if growth(expression.as_ast()) > MOST_GROWTH => {
                Err("the expression multiplies what it is given without bound".to_owned())
            }
            Ok(expression) => {
                unknown_function(expression.as_ast()).map_or(Ok(()), |f| Err(format!("there is no function `{f}`")))?;
                made(How::Expression(Box::new(expression)))
            }
            // AWS has members with `-` and `:` in their names, and a key may be just that name.
            Err(_) if text.chars().all(|c| c.is_alphanumeric() || "-_:/".contains(c)) && !text.is_empty() => {
                made(How::Name)
            }
            Err(e) => Err(format!("not a JMESPath expression: {}", e.reason)),
        }
    }

    /// The expression.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it finds; null where it finds nothing or fails on the types it meets.
    pub fn search(&self, of: &Json) -> Json {
        if let Some(own) = of.get(&self.text) {
            return own.clone();
        }
        match &self.how {
            How::Name => Json::Null,
            How::Members(parts) => {
                let mut here = of;
                for p in parts {
                    match here.get(p) {
                        Some(next) => here = next,
                        None => return Json::Null,
                    }
                }
                here.clone()
            }
            How::Expression(e) => {
                e.search(of).ok().and_then(|v| serde_json::to_value(&*v).ok()).map_or(Json::Null, whole_numbers)
            }
        }
    }

    /// The members of the resource that the answer may hang on; `None`: any.
    pub fn roots(&self) -> Option<BTreeSet<String>> {
        let mut out = BTreeSet::new();
        match &self.how {
            How::Name => {
                let of_tags = self.text.starts_with("tag:");
                out.insert(if of_tags { "Tags".to_owned() } else { self.text.clone() });
            }
            How::Members(parts) => out.extend(parts.first().cloned()),
            How::Expression(e) => {
                if !roots(e.as_ast(), &mut out) {
                    return None;
                }
            }
        }
        Some(out)
    }
}

fn is_name(part: &str) -> bool {
    let mut chars = part.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn depth(text: &str) -> usize {
    let (mut now, mut most, mut run) = (0usize, 0usize, 0usize);
    for c in text.chars() {
        match c {
            '[' | '{' | '(' => now += 1,
            ']' | '}' | ')' => now = now.saturating_sub(1),
            _ => {}
        }
        // The parser goes one level down for each of `!!!` too.
        run = if matches!(c, '!' | '&') { run + 1 } else { 0 };
        most = most.max(now + run);
    }
    most
}

/// Numbers that went through JMESPath's floating point are whole again where they were.
fn whole_numbers(v: Json) -> Json {
    match v {
        Json::Array(a) => a.into_iter().map(whole_numbers).collect(),
        Json::Object(o) => o.into_iter().map(|(k, v)| (k, whole_numbers(v))).collect::<serde_json::Map<_, _>>().into(),
        Json::Number(n) if n.is_f64() => match n.as_f64() {
            Some(f) if f.fract() == 0.0 && f.abs() < 9e15 => Json::from(f as i64),
            _ => Json::Number(n),
        },
        other => other,
    }
}

/// Adds the first members that an expression looks at; `false` where it looks at everything.
fn roots(ast: &Ast, out: &mut BTreeSet<String>) -> bool {
    match ast {
        Ast::Field { name, .. } => {
            out.insert(name.clone());
            true
        }
        Ast::Literal { .. } => true,
        // What stands on the right is asked of what the left found.
        Ast::Subexpr { lhs, .. } | Ast::Projection { lhs, .. } => roots(lhs, out),
        Ast::Flatten { node, .. } | Ast::ObjectValues { node, .. } | Ast::Not { node, .. } => roots(node, out),
        Ast::Comparison { lhs, rhs, .. } | Ast::And { lhs, rhs, .. } | Ast::Or { lhs, rhs, .. } => {
            roots(lhs, out) && roots(rhs, out)
        }
        Ast::MultiList { elements, .. } => elements.iter().all(|e| roots(e, out)),
        Ast::MultiHash { elements, .. } => elements.iter().all(|e| roots(&e.value, out)),
        Ast::Function { args, .. } => args.iter().all(|a| matches!(a, Ast::Expref { .. }) || roots(a, out)),
        _ => false,
    }
}

/// How many times what it is given an expression may yield, at most.
fn growth(ast: &Ast) -> f64 {
    match ast {
        Ast::Subexpr { lhs, rhs, .. } | Ast::Projection { lhs, rhs, .. } => growth(lhs) * growth(rhs),
        Ast::Flatten { node, .. } | Ast::ObjectValues { node, .. } | Ast::Not { node, .. } => growth(node),
        Ast::Expref { ast, .. } => growth(ast),
        Ast::Condition { predicate, then, .. } => growth(predicate).max(growth(then)),
        Ast::Comparison { lhs, rhs, .. } | Ast::And { lhs, rhs, .. } | Ast::Or { lhs, rhs, .. } => {
            growth(lhs).max(growth(rhs))
        }
        Ast::MultiList { elements, .. } => elements.iter().map(growth).sum::<f64>().max(1.0),
        Ast::MultiHash { elements, .. } => elements.iter().map(|e| growth(&e.value)).sum::<f64>().max(1.0),
        Ast::Function { args, .. } => args.iter().map(growth).sum::<f64>().max(1.0),
        _ => 1.0,
    }
}

fn unknown_function(ast: &Ast) -> Option<&str> {
    match ast {
        Ast::Function { name, args, .. } => RUNTIME
            .get_function(name)
            .is_none()
            .then_some(name.as_str())
            .or_else(|| args.iter().find_map(unknown_function)),
        Ast::Subexpr { lhs, rhs, .. }
        | Ast::Projection { lhs, rhs, .. }
        | Ast::Comparison { lhs, rhs, .. }
        | Ast::And { lhs, rhs, .. }
        | Ast::Or { lhs, rhs, .. } => unknown_function(lhs).or_else(|| unknown_function(rhs)),
        Ast::Condition { predicate, then, .. } => unknown_function(predicate).or_else(|| unknown_function(then)),
        Ast::Flatten { node, .. } | Ast::ObjectValues { node, .. } | Ast::Not { node, .. } => unknown_function(node),
        Ast::Expref { ast, .. } => unknown_function(ast),
        Ast::MultiList { elements, .. } => elements.iter().find_map(unknown_function),
        Ast::MultiHash { elements, .. } => elements.iter().find_map(|e| unknown_function(&e.value)),
        _ => None,
    }
}
