//! An expression of a detection → what it asks of a record. The grammar is that of checks: a subset of CEL.
//!
//! | form | asks |
//! |---|---|
//! | `event.userIdentity.type == "Root"`, `!=`, `in ["a", "b"]`, `in settings.NAME` | for one of these values |
//! | `.startsWith("a")`, `.endsWith(["a", "b"])`, `.contains(…)`, `.matches("regex")` | for text; of a list, for one of its texts |
//! | `event.userAgent.lower().contains("kali")` | the same, whatever the capitals |
//! | `event.bytes > 1000` | for a number |
//! | `event.x == event.y` | for a value that both have |
//! | `has(event.x)`, `size(event.x) >= 3` | for a value; for so many values |
//! | `event.items.exists(i, i.cidrIp == "0.0.0.0/0" && i.fromPort <= 22)` | for one element of which all this holds |
//! | `event.succeeded`, `event.failed`, `event.denied`, `event.by_service` | how it ended; whether an AWS service called |
//! | `ip.public(event.sourceIPAddress)`, `ip.within(event.srcaddr, ["10.0.0.0/8"])` | for addresses |
//! | `intel.listed(event.source_ip, "tor_exit")` | for addresses and domains of threat lists |
//! | `policy.public(event.requestParameters.policy)`, `policy.admin(…)`, `policy.other_account(…)` | what a policy document grants |

use crate::event::Field;
use crate::intel::Category;
use crate::predicate::{Case, Order, Predicate, Test};
use foldhash::HashSet;
use std::collections::BTreeMap;
use yagura_logs::envelope::Role;
use yagura_logs::table::Table;
use yagura_model::{IpRange, Value};
use yagura_rule::nearest_hint;
use yagura_rule::syntax::{Comparison, Expr, ExprKind, Span, parse};

/// Lists of texts that expressions name: `settings.break_glass`.
pub type Settings = BTreeMap<String, Vec<String>>;

/// What is wrong with an expression, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// In a few words, names in backticks.
    pub message: String,
    /// Where in the expression.
    pub span: Span,
}

/// Compiles an expression over events of a table.
///
/// # Errors
/// Names what is misspelt, and the nearest right spelling.
pub fn compile(text: &str, table: &Table, settings: &Settings) -> Result<Predicate, Wrong> {
    let tree = parse(text).map_err(|e| Wrong { message: e.message, span: e.span })?;
    Compiler { table, settings, item: None }.condition(&tree)
}

/// A field that an expression of nothing else names: `event.requestParameters.name`.
///
/// # Errors
/// As [`compile`].
pub fn field(text: &str, table: &Table) -> Result<Field, Wrong> {
    let tree = parse(text).map_err(|e| Wrong { message: e.message, span: e.span })?;
    Compiler { table, settings: &Settings::new(), item: None }.field(&tree)
}

struct Compiler<'c> {
    table: &'c Table,
    settings: &'c Settings,
    item: Option<String>,
}

fn wrong<T>(at: &Expr, message: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong { message: message.into(), span: at.span })
}

/// What is asked of an event itself and is no field.
const OUTCOMES: [&str; 4] = ["succeeded", "failed", "denied", "by_service"];
const METHODS: [&str; 5] = ["startsWith", "endsWith", "contains", "matches", "exists"];
const FUNCTIONS: [&str; 8] =
    ["has", "size", "ip.public", "ip.within", "intel.listed", "policy.public", "policy.admin", "policy.other_account"];

impl Compiler<'_> {
    fn condition(&self, e: &Expr) -> Result<Predicate, Wrong> {
        match &e.kind {
            ExprKind::Literal(Value::Bool(b)) => Ok(Predicate::Always(*b)),
            ExprKind::Not(x) => Ok(Predicate::Not(Box::new(self.condition(x)?))),
            ExprKind::And(..) => self.chain(e, true).map(Predicate::All),
            ExprKind::Or(..) => self.chain(e, false).map(Predicate::Any),
            ExprKind::Compare(op, a, b) => self.compare(e, *op, a, b),
            ExprKind::Call(of, name, args) => self.call(e, of.as_deref(), name, args),
            ExprKind::Member(of, name) if matches!(&of.kind, ExprKind::Name(n) if n == "event") => {
                match name.as_str() {
                    "succeeded" => Ok(self.outcome("success")),
                    "failed" => Ok(Predicate::Any(vec![self.outcome("failure"), self.outcome("denied")])),
                    "denied" => Ok(self.outcome("denied")),
                    "by_service" => Ok(self.by_service()),
                    _ => Ok(Predicate::Test(self.field(e)?, Test::True)),
                }
            }
            ExprKind::Member(..) => Ok(Predicate::Test(self.field(e)?, Test::True)),
            _ => wrong(e, "this is no condition"),
        }
    }

    /// A service calls by itself or for the account. What it changes in a person's name is the person's deed: who creates an administrator
    /// through CloudFormation has created one. Reading, such as the `kms:Decrypt` behind every object, is a consequence of what the person
    /// did and not a deed of its own.
    fn by_service(&self) -> Predicate {
        let Ok(reads) = field("event.readOnly", self.table) else { return Predicate::ByService };
        let changes = Predicate::Test(reads, Test::Is(HashSet::from_iter(["false".to_owned()]), Case::Any));
        let deed = Predicate::All(vec![Predicate::ForPerson, changes]);
        Predicate::All(vec![Predicate::ByService, Predicate::Not(Box::new(deed))])
    }

    fn outcome(&self, word: &str) -> Predicate {
        Predicate::Test(Field::Role(Role::Outcome), Test::Is(HashSet::from_iter([word.to_owned()]), Case::Exact))
    }

    fn chain(&self, e: &Expr, and: bool) -> Result<Vec<Predicate>, Wrong> {
        match (&e.kind, and) {
            (ExprKind::And(a, b), true) | (ExprKind::Or(a, b), false) => {
                let mut all = self.chain(a, and)?;
                all.extend(self.chain(b, and)?);
                Ok(all)
            }
            _ => Ok(vec![self.condition(e)?]),
        }
    }

    fn compare(&self, e: &Expr, op: Comparison, a: &Expr, b: &Expr) -> Result<Predicate, Wrong> {
        let order = match op {
            Comparison::Equal => return self.equal(a, b),
            Comparison::NotEqual => return Ok(Predicate::Not(Box::new(self.equal(a, b)?))),
            Comparison::In => {
                let (field, case) = self.cased(a)?;
                return Ok(Predicate::Test(field, Test::Is(small(self.texts(b)?, case).into_iter().collect(), case)));
            }
            Comparison::Less => Order::Less,
            Comparison::AtMost => Order::AtMost,
            Comparison::Greater => Order::Greater,
            Comparison::AtLeast => Order::AtLeast,
        };
        let Some(bound) = number(b) else { return wrong(b, "expected a number") };
        if let ExprKind::Call(None, name, args) = &a.kind {
            return match (name.as_str(), args.as_slice()) {
                ("size", [of]) => Ok(Predicate::Count(self.field(of)?, order, bound)),
                _ => wrong(e, "expected a field or `size(field)`"),
            };
        }
        Ok(Predicate::Test(self.field(a)?, Test::Number(order, bound)))
    }

    fn equal(&self, a: &Expr, b: &Expr) -> Result<Predicate, Wrong> {
        if let ExprKind::Call(None, name, args) = &a.kind
            && let ("size", [of], Some(n)) = (name.as_str(), args.as_slice(), number(b))
        {
            let of = self.field(of)?;
            return Ok(Predicate::All(vec![
                Predicate::Count(of.clone(), Order::AtLeast, n),
                Predicate::Count(of, Order::AtMost, n),
            ]));
        }
        let (field, case) = self.cased(a)?;
        match text(b) {
            Some(text) => Ok(Predicate::Test(field, Test::Is(small(vec![text], case).into_iter().collect(), case))),
            None => Ok(Predicate::Same(field, self.field(b)?)),
        }
    }

    fn call(&self, e: &Expr, of: Option<&Expr>, name: &str, args: &[Expr]) -> Result<Predicate, Wrong> {
        let room = match of.map(|o| &o.kind) {
            Some(ExprKind::Name(room)) if ["ip", "intel", "policy"].contains(&room.as_str()) => Some(room.as_str()),
            _ => None,
        };
        match (of, room) {
            (Some(of), None) => self.method(e, of, name, args),
            (_, room) => self.function(e, room, name, args),
        }
    }

    fn method(&self, e: &Expr, of: &Expr, name: &str, args: &[Expr]) -> Result<Predicate, Wrong> {
        if let ("exists", [variable, body]) = (name, args) {
            let ExprKind::Name(variable) = &variable.kind else { return wrong(variable, "expected a name") };
            let inner = Compiler { table: self.table, settings: self.settings, item: Some(variable.clone()) };
            return Ok(Predicate::Exists(self.field(of)?, Box::new(inner.condition(body)?)));
        }
        let [arg] = args else { return wrong(e, format!("`{name}` takes one text or a list of them")) };
        let (field, case) = self.cased(of)?;
        let texts = self.texts(arg)?;
        let test = match name {
            "startsWith" => Test::Begins(small(texts, case), case),
            "endsWith" => Test::Ends(small(texts, case), case),
            "contains" => Test::Holds(small(texts, case), case),
            "matches" => {
                let [pattern] = texts.as_slice() else { return wrong(arg, "expected one regular expression") };
                let pattern = if case == Case::Any { format!("(?i){pattern}") } else { pattern.clone() };
                match regex::RegexBuilder::new(&pattern).size_limit(1 << 20).build() {
                    Ok(regex) => Test::Matches(Box::new(regex)),
                    Err(e) => return wrong(arg, format!("not a regular expression: {e}")),
                }
            }
            other => return wrong(e, format!("there is no `.{other}()`{}", nearest_hint(other, METHODS))),
        };
        Ok(Predicate::Test(field, test))
    }

    fn function(&self, e: &Expr, room: Option<&str>, name: &str, args: &[Expr]) -> Result<Predicate, Wrong> {
        let full = room.map_or_else(|| name.to_owned(), |r| format!("{r}.{name}"));
        let one = |test: Test| match args {
            [of] => Ok(Predicate::Test(self.field(of)?, test)),
            _ => wrong(e, format!("`{full}` takes one field")),
        };
        match full.as_str() {
            "has" => one(Test::Present),
            "ip.public" => one(Test::PublicAddress),
            "policy.public" => one(Test::PublicPolicy),
            "policy.admin" => one(Test::AdminPolicy),
            "policy.other_account" => one(Test::OtherAccount),
            "ip.within" => {
                let [of, ranges] = args else { return wrong(e, "`ip.within` takes a field and ranges") };
                let mut all = Vec::new();
                for text in self.texts(ranges)? {
                    match IpRange::parse(&text) {
                        Some(range) => all.push(range),
                        None => return wrong(ranges, format!("`{text}` is no CIDR range")),
                    }
                }
                Ok(Predicate::Test(self.field(of)?, Test::Within(all)))
            }
            "intel.listed" => {
                let [of, categories] = args else { return wrong(e, "`intel.listed` takes a field and a category") };
                let of = self.field(of)?;
                let mut any = Vec::new();
                for word in self.texts(categories)? {
                    let Some(category) = Category::of(&word) else {
                        let near = nearest_hint(&word, Category::ALL.iter().map(|c| c.name()));
                        return wrong(categories, format!("`{word}` is no category of threat lists{near}"));
                    };
                    any.push(Predicate::Test(of.clone(), Test::Listed(category)));
                }
                Ok(Predicate::Any(any))
            }
            other => wrong(e, format!("there is no `{other}()`{}", nearest_hint(other, FUNCTIONS))),
        }
    }

    /// A field, and whether its capitals count.
    fn cased(&self, e: &Expr) -> Result<(Field, Case), Wrong> {
        match &e.kind {
            ExprKind::Call(Some(of), name, args) if name == "lower" && args.is_empty() => {
                Ok((self.field(of)?, Case::Any))
            }
            _ => Ok((self.field(e)?, Case::Exact)),
        }
    }

    fn field(&self, e: &Expr) -> Result<Field, Wrong> {
        let mut path = Vec::new();
        let mut at = e;
        let first = loop {
            match &at.kind {
                ExprKind::Member(of, name) => {
                    path.push(name.as_str());
                    at = of;
                }
                // `event.requestParameters["x-amz-acl"]`
                ExprKind::Index(of, name) => match &name.kind {
                    ExprKind::Literal(Value::String(s)) => {
                        path.push(s.as_str());
                        at = of;
                    }
                    _ => return wrong(name, "expected a name in quotes"),
                },
                ExprKind::Name(first) => break first.as_str(),
                _ => return wrong(at, "expected a field such as `event.sourceIPAddress`"),
            }
        };
        path.reverse();
        if self.item.as_deref() == Some(first) {
            return Ok(Field::Item(path.into_iter().map(Into::into).collect()));
        }
        if first != "event" {
            let known: Vec<&str> = self.item.as_deref().into_iter().chain(["event"]).collect();
            return wrong(at, format!("`{first}` is not known here{}", nearest_hint(first, known.iter().copied())));
        }
        if path.is_empty() {
            return wrong(at, "`event` alone is no field");
        }
        Field::find(self.table, &path).map_err(|(name, known)| {
            let words = OUTCOMES.iter().copied().filter(|_| path.len() == 1);
            let near = nearest_hint(&name.to_ascii_lowercase(), known.iter().map(String::as_str).chain(words));
            Wrong { message: format!("{} has no field `{name}`{near}", self.table.source.name), span: e.span }
        })
    }

    fn texts(&self, e: &Expr) -> Result<Vec<String>, Wrong> {
        match &e.kind {
            ExprKind::List(items) => {
                items.iter().map(|i| text(i).map_or_else(|| wrong(i, "expected a text"), Ok)).collect()
            }
            ExprKind::Member(of, name) if matches!(&of.kind, ExprKind::Name(n) if n == "settings") => {
                match self.settings.get(name.as_str()) {
                    Some(list) => Ok(list.clone()),
                    None => {
                        let near = nearest_hint(name, self.settings.keys().map(String::as_str));
                        wrong(e, format!("there is no setting `{name}`{near}"))
                    }
                }
            }
            _ => text(e).map_or_else(|| wrong(e, "expected a text or a list of texts"), |t| Ok(vec![t])),
        }
    }
}

fn small(texts: Vec<String>, case: Case) -> Vec<String> {
    match case {
        Case::Exact => texts,
        Case::Any => texts.into_iter().map(|t| t.to_ascii_lowercase()).collect(),
    }
}

fn text(e: &Expr) -> Option<String> {
    match &e.kind {
        ExprKind::Literal(Value::String(s)) => Some(s.to_string()),
        ExprKind::Literal(Value::Int(n)) => Some(n.to_string()),
        ExprKind::Literal(Value::Float(n)) => Some(n.to_string()),
        ExprKind::Literal(Value::Bool(b)) => Some(b.to_string()),
        ExprKind::Negate(x) => text(x).map(|t| format!("-{t}")),
        _ => None,
    }
}

fn number(e: &Expr) -> Option<f64> {
    match &e.kind {
        ExprKind::Literal(Value::Int(n)) => Some(*n as f64),
        ExprKind::Literal(Value::Float(n)) => Some(*n),
        ExprKind::Negate(x) => number(x).map(|n| -n),
        _ => None,
    }
}
