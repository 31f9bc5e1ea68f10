//! Expressions after type checking: names are resolved, so evaluation only walks.

use crate::functions::Function;
use crate::syntax::{Comparison, Operator};
use smol_str::SmolStr;
use yagura_model::Value;

/// A type-checked expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Node {
    Const(Value),
    /// The asset under judgement.
    This,
    /// A joined list, by its place in the check's `with`.
    Join(usize),
    /// A macro's variable, by its place on the stack.
    Local(usize),
    Member(Box<Node>, SmolStr),
    Index(Box<Node>, Box<Node>),
    Has(Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
    Choose(Box<Node>, Box<Node>, Box<Node>),
    Compare(Comparison, Box<Node>, Box<Node>),
    /// Operands are RFC 3339 texts.
    CompareTime(Comparison, Box<Node>, Box<Node>),
    Arithmetic(Operator, Box<Node>, Box<Node>),
    List(Vec<Node>),
    /// `default(x, constant)`.
    Default(Box<Node>, Box<Node>),
    /// The snapshot's time, as text.
    Now,
    /// The account under judgement: 12 digits.
    Account,
    Call(Function, Vec<Node>),
    Macro(MacroKind, Box<Node>, Box<Node>),
}

/// The list macros of CEL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MacroKind {
    Exists,
    All,
    ExistsOne,
    Filter,
    Map,
}

/// A checked expression with what a reader needs: its text, and which fields it reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    pub(crate) root: Node,
    /// The expression's text.
    pub text: String,
    /// Fields read, as (kind, top-level field), sorted, each once.
    pub reads: Vec<(SmolStr, SmolStr)>,
}

impl Program {
    /// The program that always answers true.
    pub(crate) fn truth() -> Self {
        Self { root: Node::Const(yagura_model::Value::Bool(true)), text: "true".to_owned(), reads: Vec::new() }
    }

    /// The program that answers whether this one's answer is there.
    pub(crate) fn presence(&self) -> Self {
        Self { root: Node::Has(Box::new(self.root.clone())), text: self.text.clone(), reads: self.reads.clone() }
    }

    /// The program that answers whether a check with this `pass` and `when` fails.
    pub(crate) fn failing(&self, when: Option<&Self>) -> Self {
        let fails = Node::Not(Box::new(self.root.clone()));
        let root = match when {
            Some(when) => Node::And(Box::new(when.root.clone()), Box::new(fails)),
            None => fails,
        };
        let reads = when.iter().flat_map(|w| &w.reads).chain(&self.reads).cloned().collect();
        Self { root, text: self.text.clone(), reads }
    }
}
