//! What a rule sees of an event: values under dotted names, and all texts for keywords.

use yagura_logs::json::{Kind, Raw, each_element, each_member, unescape};

/// A value of a field.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    /// A text.
    Text(&'a str),
    /// A number and its spelling.
    Number(f64, &'a str),
    /// A truth value.
    Bool(bool),
    /// An explicit null: the field is there and holds nothing.
    Null,
    /// An object or an array as JSON text, for rules that look into it as a text.
    Composite(&'a str),
}

impl<'a> Value<'a> {
    /// The value as rules see text; nothing for null.
    pub fn text(self) -> Option<&'a str> {
        match self {
            Self::Text(t) | Self::Number(_, t) | Self::Composite(t) => Some(t),
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            Self::Null => None,
        }
    }
}

/// An event as rules ask for it.
pub trait Fields {
    /// Gives all values of a field, by its name as it stands in the rule (`userIdentity.type`). An array gives itself as a composite and
    /// then its scalars; a field that is not there gives nothing.
    fn values(&self, path: &str, take: &mut dyn FnMut(Value<'_>));

    /// Gives the texts of the whole event until one is taken.
    fn any_text(&self, take: &mut dyn FnMut(&str) -> bool);
}

/// An event as JSON text.
#[derive(Debug, Clone, Copy)]
pub struct Json<'a>(pub Raw<'a>);

impl<'a> Json<'a> {
    /// The text as an event.
    ///
    /// # Errors
    /// Where it is not JSON.
    pub fn parse(text: &'a str) -> Result<Self, yagura_logs::json::Broken> {
        yagura_logs::json::value(text).map(Self)
    }
}

impl Fields for Json<'_> {
    fn values(&self, path: &str, take: &mut dyn FnMut(Value<'_>)) {
        walk(self.0, path, take);
    }

    fn any_text(&self, take: &mut dyn FnMut(&str) -> bool) {
        texts(self.0, &mut false, take);
    }
}

fn walk(raw: Raw<'_>, path: &str, take: &mut dyn FnMut(Value<'_>)) {
    match raw.kind {
        Kind::Array => {
            let _ = each_element(raw.text, &mut |inner| walk(inner, path, take));
        }
        Kind::Object => {
            let _ = each_member(raw.text, &mut |name, inner| {
                named(name, inner, path, take);
            });
        }
        _ => {}
    }
}

/// Gives what a member of an object has under a path that begins with the member's own name.
pub fn named(name: Raw<'_>, value: Raw<'_>, path: &str, take: &mut dyn FnMut(Value<'_>)) {
    let name = if name.kind == Kind::Escaped { unescape(name.text) } else { name.text.into() };
    match path.strip_prefix(&*name) {
        Some("") => give(value, take),
        Some(rest) => rest.strip_prefix('.').into_iter().for_each(|rest| walk(value, rest, take)),
        None => {}
    }
}

/// Gives a value, or what it has under a path.
pub fn below(value: Raw<'_>, path: Option<&str>, take: &mut dyn FnMut(Value<'_>)) {
    match path {
        None => give(value, take),
        Some(path) => walk(value, path, take),
    }
}

fn give(raw: Raw<'_>, take: &mut dyn FnMut(Value<'_>)) {
    match raw.kind {
        Kind::Null => take(Value::Null),
        Kind::Bool => take(Value::Bool(raw.text == "true")),
        Kind::Number => match raw.text.parse() {
            Ok(n) => take(Value::Number(n, raw.text)),
            Err(_) => take(Value::Text(raw.text)),
        },
        Kind::Object => take(Value::Composite(raw.text)),
        Kind::Array => {
            take(Value::Composite(raw.text));
            let _ = each_element(raw.text, &mut |inner| match inner.kind {
                Kind::Object => {}
                _ => give(inner, take),
            });
        }
        Kind::Escaped => take(Value::Text(&unescape(raw.text))),
        Kind::Str | Kind::Text => take(Value::Text(raw.text)),
    }
}

fn texts(raw: Raw<'_>, done: &mut bool, take: &mut dyn FnMut(&str) -> bool) {
    if *done {
        return;
    }
    match raw.kind {
        Kind::Object => {
            let _ = each_member(raw.text, &mut |_, inner| texts(inner, done, take));
        }
        Kind::Array => {
            let _ = each_element(raw.text, &mut |inner| texts(inner, done, take));
        }
        Kind::Null => {}
        Kind::Escaped => *done = take(&unescape(raw.text)),
        _ => *done = take(raw.text),
    }
}
