//! The text of an expression → a tree with spans. The grammar is a subset of CEL
//! (<https://github.com/google/cel-spec/blob/master/doc/langdef.md>, "Syntax").

mod lex;

use lex::{Token, TokenKind, lex};
use yagura_model::Value;

/// How deep an expression may nest, so that hostile input cannot exhaust the stack.
const MAX_DEPTH: usize = 48;
/// How deep a tree may be: chains (`a + b + c`, `a.b.c`) deepen it without nesting.
const MAX_HEIGHT: usize = 96;
/// How many nodes a tree may have.
const MAX_NODES: usize = 1_000;
/// How long an expression may be, in bytes.
const MAX_LENGTH: usize = 64 * 1024;

/// A byte range of the expression's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A misspelt expression: what is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyntaxError {
    /// Lower case, names in backticks.
    pub message: String,
    /// Where in the expression.
    pub span: Span,
}

/// A node of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
    /// How many nodes deep it is.
    height: usize,
}

impl Expr {
    fn new(kind: ExprKind, span: Span) -> Self {
        let height = match &kind {
            ExprKind::Literal(_) | ExprKind::Name(_) => 0,
            ExprKind::Member(x, _) | ExprKind::Not(x) | ExprKind::Negate(x) => x.height,
            ExprKind::Index(a, b)
            | ExprKind::And(a, b)
            | ExprKind::Or(a, b)
            | ExprKind::Compare(_, a, b)
            | ExprKind::Arithmetic(_, a, b) => a.height.max(b.height),
            ExprKind::Choose(a, b, c) => a.height.max(b.height).max(c.height),
            ExprKind::Call(of, _, items) => {
                of.iter().map(|o| o.height).chain(items.iter().map(|i| i.height)).max().unwrap_or(0)
            }
            ExprKind::List(items) => items.iter().map(|i| i.height).max().unwrap_or(0),
        };
        Self { kind, span, height: height + 1 }
    }
}

/// The forms an expression takes.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A literal.
    Literal(Value),
    /// A bare name.
    Name(String),
    /// `of.name`.
    Member(Box<Expr>, String),
    /// `of[at]`.
    Index(Box<Expr>, Box<Expr>),
    /// `name(args)` or `target.name(args)`.
    Call(Option<Box<Expr>>, String, Vec<Expr>),
    /// `[items]`.
    List(Vec<Expr>),
    /// `!x`.
    Not(Box<Expr>),
    /// `-x`.
    Negate(Box<Expr>),
    /// `a && b`.
    And(Box<Expr>, Box<Expr>),
    /// `a || b`.
    Or(Box<Expr>, Box<Expr>),
    /// `c ? a : b`.
    Choose(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `a op b`.
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// `a op b`.
    Arithmetic(Operator, Box<Expr>, Box<Expr>),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
    /// `in`
    In,
}

/// An arithmetic operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `+`, also joins texts and lists
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `%`
    Remainder,
}

/// Parses one expression.
///
/// # Errors
/// Says what was found and what was expected, with its span. Bounded in length and depth.
pub fn parse(text: &str) -> Result<Expr, SyntaxError> {
    if text.len() > MAX_LENGTH {
        return Err(SyntaxError {
            message: format!("an expression is at most {MAX_LENGTH} bytes long"),
            span: Span::default(),
        });
    }
    let tokens = lex(text)?;
    let mut p = Parser { tokens: &tokens, at: 0, depth: 0, nodes: 0, end: text.len() };
    let expr = p.choose()?;
    match p.peek() {
        None => Ok(expr),
        Some(t) => Err(p.error(format!("expected the end or an operator, found {}", t.kind.name()))),
    }
}

/// Makes a node of two operands.
type Make = fn(Box<Expr>, Box<Expr>) -> ExprKind;

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
    depth: usize,
    nodes: usize,
    end: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn here(&self) -> Span {
        self.peek().map_or(Span { start: self.end, end: self.end }, |t| t.span)
    }

    fn error(&self, message: String) -> SyntaxError {
        SyntaxError { message, span: self.here() }
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let hit = matches!(self.peek(), Some(Token { kind: TokenKind::Symbol(s), .. }) if *s == symbol);
        self.at += usize::from(hit);
        hit
    }

    fn expect(&mut self, symbol: &str) -> Result<(), SyntaxError> {
        if self.eat(symbol) {
            return Ok(());
        }
        let found = self.peek().map_or_else(|| "the end".to_owned(), |t| t.kind.name());
        Err(self.error(format!("expected `{symbol}`, found {found}")))
    }

    fn node(&mut self, start: usize, kind: ExprKind) -> Result<Expr, SyntaxError> {
        self.nodes += 1;
        let out = Expr::new(kind, self.span_from(start));
        if out.height > MAX_HEIGHT {
            return Err(SyntaxError { message: format!("nested more than {MAX_HEIGHT} deep"), span: out.span });
        }
        Ok(out)
    }

    /// From a byte to the end of the last token.
    fn span_from(&self, start: usize) -> Span {
        let end = self.at.checked_sub(1).and_then(|i| self.tokens.get(i)).map_or(start, |t| t.span.end);
        Span { start, end }
    }

    fn choose(&mut self) -> Result<Expr, SyntaxError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("nested more than {MAX_DEPTH} deep")));
        }
        let start = self.here().start;
        let cond = self.either()?;
        let out = if self.eat("?") {
            let yes = self.choose()?;
            self.expect(":")?;
            let no = self.choose()?;
            self.node(start, ExprKind::Choose(Box::new(cond), Box::new(yes), Box::new(no)))?
        } else {
            cond
        };
        self.depth -= 1;
        Ok(out)
    }

    fn either(&mut self) -> Result<Expr, SyntaxError> {
        self.junction("||", Self::both, ExprKind::Or)
    }

    fn both(&mut self) -> Result<Expr, SyntaxError> {
        self.junction("&&", Self::compare, ExprKind::And)
    }

    /// Operands of `&&` or `||`, as a balanced tree: both are associative, and a long chain need not be deep.
    fn junction(
        &mut self,
        symbol: &str,
        next: fn(&mut Self) -> Result<Expr, SyntaxError>,
        make: Make,
    ) -> Result<Expr, SyntaxError> {
        let first = next(self)?;
        if !self.eat(symbol) {
            return Ok(first);
        }
        let mut operands = vec![first];
        loop {
            self.bounded()?;
            operands.push(next(self)?);
            if !self.eat(symbol) {
                break;
            }
        }
        while operands.len() > 1 {
            let mut paired = Vec::with_capacity(operands.len().div_ceil(2));
            let mut rest = operands.into_iter();
            while let Some(a) = rest.next() {
                paired.push(match rest.next() {
                    Some(b) => self.pair(a, b, make)?,
                    None => a,
                });
            }
            operands = paired;
        }
        operands.pop().ok_or_else(|| self.error("expected a value".to_owned()))
    }

    fn pair(&mut self, a: Expr, b: Expr, make: Make) -> Result<Expr, SyntaxError> {
        let span = Span { start: a.span.start, end: b.span.end };
        let mut out = self.node(span.start, make(Box::new(a), Box::new(b)))?;
        out.span = span;
        Ok(out)
    }

    fn compare(&mut self) -> Result<Expr, SyntaxError> {
        self.chain(
            Self::sum,
            &[
                ("==", |a, b| ExprKind::Compare(Comparison::Equal, a, b)),
                ("!=", |a, b| ExprKind::Compare(Comparison::NotEqual, a, b)),
                ("<", |a, b| ExprKind::Compare(Comparison::Less, a, b)),
                ("<=", |a, b| ExprKind::Compare(Comparison::AtMost, a, b)),
                (">", |a, b| ExprKind::Compare(Comparison::Greater, a, b)),
                (">=", |a, b| ExprKind::Compare(Comparison::AtLeast, a, b)),
                ("in", |a, b| ExprKind::Compare(Comparison::In, a, b)),
            ],
        )
    }

    fn sum(&mut self) -> Result<Expr, SyntaxError> {
        self.chain(
            Self::product,
            &[
                ("+", |a, b| ExprKind::Arithmetic(Operator::Add, a, b)),
                ("-", |a, b| ExprKind::Arithmetic(Operator::Subtract, a, b)),
            ],
        )
    }

    fn product(&mut self) -> Result<Expr, SyntaxError> {
        self.chain(
            Self::unary,
            &[
                ("*", |a, b| ExprKind::Arithmetic(Operator::Multiply, a, b)),
                ("/", |a, b| ExprKind::Arithmetic(Operator::Divide, a, b)),
                ("%", |a, b| ExprKind::Arithmetic(Operator::Remainder, a, b)),
            ],
        )
    }

    /// Left-associative operators of one precedence.
    fn chain(
        &mut self,
        next: fn(&mut Self) -> Result<Expr, SyntaxError>,
        operators: &[(&str, Make)],
    ) -> Result<Expr, SyntaxError> {
        let start = self.here().start;
        let mut left = next(self)?;
        'more: loop {
            for (symbol, make) in operators {
                if self.eat(symbol) {
                    self.bounded()?;
                    let right = next(self)?;
                    left = self.node(start, make(Box::new(left), Box::new(right)))?;
                    continue 'more;
                }
            }
            return Ok(left);
        }
    }

    fn unary(&mut self) -> Result<Expr, SyntaxError> {
        let start = self.here().start;
        let make: fn(Box<Expr>) -> ExprKind = if self.eat("!") {
            ExprKind::Not
        } else if self.eat("-") {
            ExprKind::Negate
        } else {
            return self.postfix();
        };
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.error(format!("nested more than {MAX_DEPTH} deep")));
        }
        let of = self.unary()?;
        self.depth -= 1;
        self.node(start, make(Box::new(of)))
    }

    fn postfix(&mut self) -> Result<Expr, SyntaxError> {
        let start = self.here().start;
        let mut left = self.primary()?;
        loop {
            self.bounded()?;
            if self.eat(".") {
                let name = self.name()?;
                let kind = if self.eat("(") {
                    let args = self.items(")")?;
                    ExprKind::Call(Some(Box::new(left)), name, args)
                } else {
                    ExprKind::Member(Box::new(left), name)
                };
                left = self.node(start, kind)?;
            } else if self.eat("[") {
                let at = self.choose()?;
                self.expect("]")?;
                left = self.node(start, ExprKind::Index(Box::new(left), Box::new(at)))?;
            } else {
                return Ok(left);
            }
        }
    }

    fn bounded(&self) -> Result<(), SyntaxError> {
        if self.nodes < MAX_NODES {
            return Ok(());
        }
        Err(self.error(format!("more than {MAX_NODES} names, values and operators in one expression")))
    }

    fn name(&mut self) -> Result<String, SyntaxError> {
        match self.peek() {
            Some(Token { kind: TokenKind::Name(n), .. }) => {
                let n = n.clone();
                self.at += 1;
                Ok(n)
            }
            other => {
                let found = other.map_or_else(|| "the end".to_owned(), |t| t.kind.name());
                Err(self.error(format!("expected a name, found {found}")))
            }
        }
    }

    fn items(&mut self, close: &str) -> Result<Vec<Expr>, SyntaxError> {
        let mut out = Vec::new();
        loop {
            if self.eat(close) {
                return Ok(out);
            }
            out.push(self.choose()?);
            if !self.eat(",") {
                self.expect(close)?;
                return Ok(out);
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, SyntaxError> {
        let start = self.here().start;
        if self.eat("(") {
            let mut inner = self.choose()?;
            self.expect(")")?;
            inner.span = self.span_from(start);
            return Ok(inner);
        }
        if self.eat("[") {
            let items = self.items("]")?;
            return self.node(start, ExprKind::List(items));
        }
        match self.peek() {
            Some(Token { kind: TokenKind::Literal(v), .. }) => {
                let v = v.clone();
                self.at += 1;
                self.node(start, ExprKind::Literal(v))
            }
            Some(Token { kind: TokenKind::Name(_), .. }) => {
                let name = self.name()?;
                let kind =
                    if self.eat("(") { ExprKind::Call(None, name, self.items(")")?) } else { ExprKind::Name(name) };
                self.node(start, kind)
            }
            Some(t) => Err(self.error(format!("expected a value, found {}", t.kind.name()))),
            None => Err(self.error("expected a value, found the end".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn and_binds_tighter_than_or() {
        let e = parse("a || b && c").unwrap();
        let ExprKind::Or(_, right) = e.kind else { panic!("{e:?}") };
        assert!(matches!(right.kind, ExprKind::And(..)));
    }

    #[test]
    fn errors_name_what_was_found_and_where() {
        for (text, message, at) in [
            ("a &&", "expected a value, found the end", 4),
            ("a b", "expected the end or an operator, found `b`", 2),
            ("f(1", "expected `)`, found the end", 3),
            ("'abc", "text that begins with `'` never ends", 0),
            ("a = b", "expected the end or an operator, found `=`", 2),
            ("9999999999999999999", "`9999999999999999999` does not fit a 64-bit number", 0),
            ("é", "`é` has no meaning here", 0),
        ] {
            let e = parse(text).unwrap_err();
            assert_eq!((e.message.as_str(), e.span.start), (message, at), "{text}");
        }
    }

    #[test]
    fn hostile_nesting_is_an_error_and_not_a_crash() {
        for text in [
            "(".repeat(100_000),
            "!".repeat(60_000),
            "[".repeat(60_000),
            "-".repeat(1000),
            "a?".repeat(5000),
            format!("a{}", ".b".repeat(9999)),
        ] {
            assert!(parse(&text).is_err());
        }
        assert!(parse(&vec!["a"; 300].join(" && ")).is_ok());
    }
}
