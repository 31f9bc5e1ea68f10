//! Well-typed expressions of the language, and data for them, out of a list of choices: a shorter list and smaller
//! numbers make simpler expressions, so that proptest shrinks them.

use smol_str::SmolStr;
use yagura_model::{Field, Map, Value};

/// Choices that are made one after the other; when they run out, each further one is 0.
pub struct Choices<'c>(&'c [u8]);

impl<'c> Choices<'c> {
    pub fn new(bytes: &'c [u8]) -> Self {
        Self(bytes)
    }

    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, n: u8) -> u8 {
        self.next() % n
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.next() as usize % of.len()]
    }
}

const INTS: [&str; 9] = ["0", "1", "2", "-1", "7", "-3", "1000000", "9223372036854775807", "-9223372036854775807"];
const FLOATS: [&str; 6] = ["0.0", "1.0", "0.5", "-2.5", "1e300", "9007199254740992.0"];
const TEXTS: [&str; 8] = ["''", "'a'", "'ab'", "'A'", "'日本'", "\"it's\"", "'a.b'", "'\\n'"];

/// Makes expressions. Only what CEL and this language share is made: no arithmetic between whole numbers and fractions
/// (CEL has none), no index that may be out of bounds or missing (CEL: an error; here: absent).
pub struct Expressions<'c> {
    choices: Choices<'c>,
    /// Variables of the macros around, with their types.
    locals: Vec<(String, Local)>,
    /// Whether `this.o`, which may be absent, is also used without a guard.
    pub holes: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Local {
    Int,
    Text,
    Bool,
    Inner,
}

impl<'c> Expressions<'c> {
    pub fn new(choices: Choices<'c>) -> Self {
        Self { choices, locals: Vec::new(), holes: false }
    }

    /// An expression of type bool.
    pub fn truth(&mut self, depth: u8) -> String {
        if depth == 0 {
            let leaf = self.choices.pick(&["this.b", "this.c", "true", "false", "this.st.a", "has(this.o)"]);
            return self.local(Local::Bool).unwrap_or_else(|| leaf.to_owned());
        }
        let d = depth - 1;
        match self.choices.below(20) {
            0 => self.truth(0),
            1 | 2 => format!("({} && {})", self.truth(d), self.truth(d)),
            3 | 4 => format!("({} || {})", self.truth(d), self.truth(d)),
            5 => format!("!{}", self.truth(d)),
            6 => format!("({} ? {} : {})", self.truth(d), self.truth(d), self.truth(d)),
            7 => format!("({} {} {})", self.int(d), self.comparison(), self.int(d)),
            8 => format!("({} {} {})", self.text(d), self.comparison(), self.text(d)),
            9 => format!("({} {} {})", self.float(d), self.comparison(), self.float(d)),
            // Numbers of either type stand on one line; these are small enough for both to be exact.
            10 => format!("({}.size() {} {})", self.ints(d), self.comparison(), self.float(d)),
            11 => format!("({} in {})", self.int(d), self.ints(d)),
            12 => format!("({} in {})", self.text(d), self.texts(d)),
            13 => format!("({} {} {})", self.ints(d), self.equality(), self.ints(d)),
            14 => format!("({} in this.m)", self.text(d)),
            15 => {
                let function = self.choices.pick(&["startsWith", "endsWith", "contains"]);
                format!("{}.{function}({})", self.text(d), self.text(d))
            }
            16 => self.quantifier(d, &["exists", "all"]),
            17 => self.quantifier(d, &["exists_one"]),
            18 => format!("({} == {})", self.truth(d), self.truth(d)),
            _ if self.holes => format!("(this.o {} {})", self.comparison(), self.int(d)),
            _ => format!("(has(this.o) && this.o {} {})", self.comparison(), self.int(d)),
        }
    }

    fn quantifier(&mut self, depth: u8, names: &[&str]) -> String {
        let name = self.choices.pick(names);
        let (list, of) = self.list(depth);
        let (variable, body) = self.within(of, |e| e.truth(depth));
        format!("{list}.{name}({variable}, {body})")
    }

    fn list(&mut self, depth: u8) -> (String, Local) {
        match self.choices.below(4) {
            0 => (self.ints(depth), Local::Int),
            1 => (self.texts(depth), Local::Text),
            2 => ("this.lb".to_owned(), Local::Bool),
            _ => ("this.lst".to_owned(), Local::Inner),
        }
    }

    /// Names may repeat, so that an inner variable hides an outer one.
    fn within(&mut self, of: Local, body: impl FnOnce(&mut Self) -> String) -> (String, String) {
        let variable = self.choices.pick(&["x", "y", "z"]).to_owned();
        self.locals.push((variable.clone(), of));
        let text = body(self);
        self.locals.pop();
        (variable, text)
    }

    /// A variable of this type that is not hidden.
    fn local(&mut self, of: Local) -> Option<String> {
        let seen: Vec<&String> = (0..self.locals.len())
            .filter(|&i| self.locals[i].1 == of && !self.locals[i + 1..].iter().any(|(n, _)| *n == self.locals[i].0))
            .map(|i| &self.locals[i].0)
            .collect();
        let name = seen.get(self.choices.0.first().copied().unwrap_or(0) as usize % (seen.len() + 1))?;
        Some((*name).clone())
    }

    fn inner(&mut self) -> String {
        self.local(Local::Inner).unwrap_or_else(|| "this.st".to_owned())
    }

    fn int(&mut self, depth: u8) -> String {
        if depth == 0 {
            let leaf = self.choices.pick(&["this.i", "this.j", "", "", "this.st.n"]);
            return match (self.local(Local::Int), leaf) {
                (Some(local), _) => local,
                (None, "") => self.choices.pick(&INTS).to_owned(),
                (None, leaf) => leaf.to_owned(),
            };
        }
        let d = depth - 1;
        match self.choices.below(8) {
            0 => self.int(0),
            1..=3 => {
                let operator = self.choices.pick(&["+", "-", "*", "/", "%"]);
                format!("({} {operator} {})", self.int(d), self.int(d))
            }
            4 => format!("size({})", self.text(d)),
            5 => format!("{}.size()", self.ints(d)),
            6 => format!("({} ? {} : {})", self.truth(d), self.int(d), self.int(d)),
            _ => format!("{}.n", self.inner()),
        }
    }

    fn float(&mut self, depth: u8) -> String {
        if depth == 0 {
            return match self.choices.below(2) {
                0 => "this.f".to_owned(),
                _ => self.choices.pick(&FLOATS).to_owned(),
            };
        }
        let d = depth - 1;
        match self.choices.below(4) {
            0 => self.float(0),
            1 => {
                let operator = self.choices.pick(&["+", "-", "*", "/"]);
                format!("({} {operator} {})", self.float(d), self.float(d))
            }
            2 => format!("double({})", self.int(d)),
            _ => format!("({} ? {} : {})", self.truth(d), self.float(d), self.float(d)),
        }
    }

    fn text(&mut self, depth: u8) -> String {
        if depth == 0 {
            let leaf = self.choices.pick(&["this.s", "this.t", "", ""]);
            return match (self.local(Local::Text), leaf) {
                (Some(local), _) => local,
                (None, "") => self.choices.pick(&TEXTS).to_owned(),
                (None, leaf) => leaf.to_owned(),
            };
        }
        let d = depth - 1;
        match self.choices.below(5) {
            0 => self.text(0),
            1 => format!("({} + {})", self.text(d), self.text(d)),
            2 => format!("string({})", self.int(d)),
            3 => format!("({} ? {} : {})", self.truth(d), self.text(d), self.text(d)),
            _ => format!("{}.t", self.inner()),
        }
    }

    fn ints(&mut self, depth: u8) -> String {
        if depth == 0 {
            return self.choices.pick(&["this.li", "[1, 2, 3]", "[0]"]).to_owned();
        }
        let d = depth - 1;
        match self.choices.below(6) {
            0 => self.ints(0),
            1 => format!("[{}, {}]", self.int(d), self.int(d)),
            2 => format!("({} + {})", self.ints(d), self.ints(d)),
            3 => {
                let list = self.ints(d);
                let (variable, body) = self.within(Local::Int, |e| e.truth(d));
                format!("{list}.filter({variable}, {body})")
            }
            4 => {
                let (list, of) = self.list(d);
                let (variable, body) = self.within(of, |e| e.int(d));
                format!("{list}.map({variable}, {body})")
            }
            _ => format!("({} ? {} : {})", self.truth(d), self.ints(d), self.ints(d)),
        }
    }

    fn texts(&mut self, depth: u8) -> String {
        if depth == 0 {
            return self.choices.pick(&["this.ls", "['a', 'b']"]).to_owned();
        }
        let d = depth - 1;
        match self.choices.below(4) {
            0 => self.texts(0),
            1 => format!("[{}, {}]", self.text(d), self.text(d)),
            2 => {
                let list = self.texts(d);
                let (variable, body) = self.within(Local::Text, |e| e.truth(d));
                format!("{list}.filter({variable}, {body})")
            }
            _ => {
                let (list, of) = self.list(d);
                let (variable, body) = self.within(of, |e| e.text(d));
                format!("{list}.map({variable}, {body})")
            }
        }
    }

    fn comparison(&mut self) -> &'static str {
        self.choices.pick(&["==", "!=", "<", "<=", ">", ">="])
    }

    fn equality(&mut self) -> &'static str {
        self.choices.pick(&["==", "!="])
    }
}

/// A value of each field of `x.thing`; `o` is there or not.
pub fn fields(choices: &mut Choices<'_>) -> Vec<(SmolStr, Field)> {
    let int = |c: &mut Choices<'_>| Value::Int(c.pick(&[0, 1, 2, -1, 3, 1 << 53, (1 << 53) + 1, i64::MAX, i64::MIN]));
    let text = |c: &mut Choices<'_>| Value::from(c.pick(&["", "a", "b", "ab", "日本", "A", "it's"]));
    let truth = |c: &mut Choices<'_>| Value::Bool(c.below(2) == 1);
    let many = |c: &mut Choices<'_>, of: &dyn Fn(&mut Choices<'_>) -> Value| {
        Value::List((0..c.below(4)).map(|_| of(c)).collect())
    };
    let inner = |c: &mut Choices<'_>| {
        let members = [("a", truth(c)), ("n", int(c)), ("t", text(c))];
        Value::Map(members.into_iter().map(|(n, v)| (n.into(), v)).collect())
    };
    let mut out = vec![
        ("b", truth(choices)),
        ("c", truth(choices)),
        ("i", int(choices)),
        ("j", int(choices)),
        ("f", Value::Float(choices.pick(&[0.0, 1.0, -0.5, 2.5, 1e18, 9_007_199_254_740_992.0]))),
        ("s", text(choices)),
        ("t", text(choices)),
        ("li", many(choices, &int)),
        ("ls", many(choices, &text)),
        ("lb", many(choices, &truth)),
        (
            "m",
            Value::Map(
                (0..choices.below(3))
                    .map(|n| (["a", "ab", ""][n as usize].into(), Value::Int(n.into())))
                    .collect::<Map>(),
            ),
        ),
        ("st", inner(choices)),
        ("lst", many(choices, &inner)),
    ];
    if choices.below(2) == 1 {
        out.push(("o", int(choices)));
    }
    out.into_iter().map(|(n, v)| (n.into(), Field::Known(v))).collect()
}
