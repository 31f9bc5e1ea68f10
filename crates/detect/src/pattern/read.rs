//! From a pattern's text to what it asks of which field, refused where and as AWS refuses it. The words are Event Ruler's, which
//! Amazon EventBridge passes on behind "Event pattern is not valid. Reason:".

use super::json::{Broken, Cursor, Item, Node};
use super::value::{Block, Entry, Folded, Glob, Range, address, number};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How long a pattern may be, in bytes. AWS's quota is 2,048 characters and can be raised, so that length alone makes no pattern invalid
/// below this: <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html>.
pub const MAX_LENGTH: usize = 1 << 20;

/// How deep a pattern may nest.
pub const MAX_NESTING: usize = 100;

/// How many combinations the `$or` of a pattern may multiply to.
pub const MAX_COMBINATIONS: usize = 1000;

/// Why a text is not an event pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Event pattern is not valid. Reason: {reason} at [line: {line}, column: {column}]")]
pub struct Invalid {
    /// What is wrong, in AWS's words where AWS has words for it.
    pub reason: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// What one way of satisfying a pattern asks: for each field (its name and those above it, joined by dots) a list of which one entry
/// must hold.
pub(super) type Alternative = BTreeMap<String, Arc<[Entry]>>;

/// A complaint with its place in bytes.
struct Wrong(usize, Cow<'static, str>);

fn wrong<T>(at: usize, reason: impl Into<Cow<'static, str>>) -> Result<T, Wrong> {
    Err(Wrong(at, reason.into()))
}

impl From<Broken> for Wrong {
    fn from(b: Broken) -> Self {
        Self(b.at, b.what.into())
    }
}

/// Reads a pattern. `$or` is taken for the operator first; where the text is none with it, `$or` is a field like others, which is what
/// Event Ruler falls back to: <https://github.com/aws/event-ruler#or-relationship>.
pub(super) fn read(text: &str) -> Result<Vec<Alternative>, Invalid> {
    if text.len() > MAX_LENGTH {
        let reason = format!("a pattern may be {MAX_LENGTH} bytes long");
        return Err(Invalid { reason, line: 1, column: 1 });
    }
    let place = |Wrong(at, reason): Wrong| {
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        Invalid { reason: reason.into_owned(), line, column }
    };
    let item = Cursor::new(text).item(MAX_NESTING).map_err(|b| place(b.into()))?;
    let with = Reader { or: true }.pattern(&item);
    match with {
        Err(first) if text.contains("$or") => Reader { or: false }.pattern(&item).map_err(|_| place(first)),
        other => other.map_err(place),
    }
}

struct Reader {
    or: bool,
}

impl Reader {
    fn pattern(&self, item: &Item<'_>) -> Result<Vec<Alternative>, Wrong> {
        let Node::Object(members) = &item.node else { return wrong(item.at, "Filter is not an object") };
        let mut all = Vec::new();
        self.object(&mut all, None, item.at, members, false)?;
        Ok(all)
    }

    fn object(
        &self,
        all: &mut Vec<Alternative>,
        path: Option<&str>,
        at: usize,
        members: &[(Cow<'_, str>, Item<'_>)],
        inside_or: bool,
    ) -> Result<(), Wrong> {
        if members.is_empty() {
            return wrong(at, "Empty objects are not allowed");
        }
        for (name, item) in members {
            if self.or && name == "$or" {
                self.alternatives(all, path, item)?;
                continue;
            }
            if inside_or && RESERVED.contains(&name.as_ref()) {
                let reason = format!("{name} is Ruler reserved fieldName which cannot be used inside $or.");
                return wrong(item.at, reason);
            }
            let path = path.map_or_else(|| name.to_string(), |above| format!("{above}.{name}"));
            match &item.node {
                Node::Object(members) => self.object(all, Some(&path), item.at, members, inside_or)?,
                Node::Array(list) => {
                    let entries: Arc<[Entry]> = entries(item.at, list)?.into();
                    if all.is_empty() {
                        all.push(Alternative::new());
                    }
                    // A path that was there before is overwritten: the last one counts.
                    for one in all.iter_mut() {
                        one.insert(path.clone(), entries.clone());
                    }
                }
                _ => return wrong(item.at, format!("\"{name}\" must be an object or an array")),
            }
        }
        Ok(())
    }

    /// What stands before `$or`, once for each of its members.
    fn alternatives(&self, all: &mut Vec<Alternative>, path: Option<&str>, item: &Item<'_>) -> Result<(), Wrong> {
        let before = std::mem::take(all);
        let Node::Array(list) = &item.node else { return wrong(item.at, "It must be an Array followed with $or.") };
        for member in list {
            let Node::Object(members) = &member.node else {
                return wrong(member.at, "Only JSON object is allowed in array of $or relationship.");
            };
            let mut forked = if before.is_empty() { vec![Alternative::new()] } else { before.clone() };
            self.object(&mut forked, path, member.at, members, true)?;
            all.append(&mut forked);
            if all.len() > MAX_COMBINATIONS {
                return wrong(member.at, format!("$or makes more than {MAX_COMBINATIONS} combinations"));
            }
        }
        if list.len() < 2 {
            return wrong(item.at, "There must have at least 2 Objects in $or relationship.");
        }
        Ok(())
    }
}

/// What Event Ruler keeps for operators: an object of `$or` with such a field makes `$or` an ordinary field.
const RESERVED: [&str; 24] = [
    "exactly",
    "equals-ignore-case",
    "prefix",
    "suffix",
    "anything-but",
    "exists",
    "wildcard",
    "numeric",
    "cidr",
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "regex",
    "not-wildcard",
    "not-equals-ignore-case",
    "date-after",
    "date-on-or-after",
    "date-before",
    "date-on-or-before",
    "in-date-range",
    "ip-address-in-range",
    "ip-address-not-in-range",
];

fn entries(at: usize, list: &[Item<'_>]) -> Result<Vec<Entry>, Wrong> {
    if list.is_empty() {
        return wrong(at, "Empty arrays are not allowed");
    }
    let entry = |item: &Item<'_>| match &item.node {
        Node::Object(members) => expression(item.at, members),
        Node::Text(t) => Ok(address(t).map_or_else(|| Entry::Text(t.as_ref().into()), Entry::Address)),
        Node::Number(n) => Ok(number(n).map_or_else(|| Entry::Spelt((*n).into()), Entry::Equals)),
        Node::Bool(b) => Ok(Entry::Bool(*b)),
        Node::Null => Ok(Entry::Null),
        Node::Array(_) => wrong(item.at, "Match value must be String, number, true, false, or null"),
    };
    list.iter().map(entry).collect()
}

const ONE_KEY: &str = "Only one key allowed in match expression";

/// One operator with its operand. The operand is judged before a second key is seen, as AWS's parser does.
fn expression(at: usize, members: &[(Cow<'_, str>, Item<'_>)]) -> Result<Entry, Wrong> {
    let Some((name, item)) = members.first() else { return wrong(at, "Match expression name not found") };
    let text = |message: &'static str| match &item.node {
        Node::Text(t) => Ok(t.as_ref()),
        _ => wrong(item.at, message),
    };
    let mut many = ONE_KEY;
    let entry = match name.as_ref() {
        "exactly" => Entry::Text(text("exact match pattern must be a string")?.into()),
        "prefix" => match affix(item, "Prefix", "prefix")? {
            Some(folded) => Entry::SamePrefix(folded),
            None => Entry::Prefix(text("prefix match pattern must be a string")?.into()),
        },
        "suffix" => match affix(item, "Suffix", "suffix")? {
            Some(folded) => Entry::SameSuffix(folded),
            None => Entry::Suffix(text("suffix match pattern must be a string")?.into()),
        },
        "equals-ignore-case" => Entry::Same(Folded::new(text("equals-ignore-case match pattern must be a string")?)),
        "wildcard" => Entry::Wildcard(
            Glob::parse(text("wildcard match pattern must be a string")?).or_else(|why| wrong(item.at, why))?,
        ),
        // The wrong operator's name is AWS's own.
        "cidr" => {
            Entry::Block(cidr(text("prefix match pattern must be a string")?).or_else(|why| wrong(item.at, why))?)
        }
        "numeric" => {
            many = "Too many elements in numeric expression";
            numeric(item)?
        }
        "exists" => match item.node {
            Node::Bool(true) => Entry::Exists,
            Node::Bool(false) => Entry::Absent,
            _ => return wrong(item.at, "exists match pattern must be either true or false."),
        },
        "anything-but" => {
            many = "Too many elements in numeric expression";
            Entry::Except(anything_but(item)?)
        }
        other => return wrong(item.at, format!("Unrecognized match type {other}")),
    };
    match members.get(1) {
        Some((_, second)) => wrong(second.at, many),
        None => Ok(entry),
    }
}

/// `{"prefix": {"equals-ignore-case": …}}`; nothing where the operand is no object.
fn affix(item: &Item<'_>, title: &str, name: &str) -> Result<Option<Folded>, Wrong> {
    let Node::Object(members) = &item.node else { return Ok(None) };
    let Some((inner, operand)) = members.first() else {
        return wrong(item.at, format!("{title} expression name not found"));
    };
    if inner != "equals-ignore-case" {
        return wrong(operand.at, format!("Unsupported {name} pattern: {inner}"));
    }
    let Node::Text(text) = &operand.node else {
        return wrong(operand.at, "equals-ignore-case match pattern must be a string");
    };
    match members.get(1) {
        Some((_, second)) => wrong(second.at, ONE_KEY),
        None => Ok(Some(Folded::new(text))),
    }
}

/// `10.0.0.0/8`. Bits behind the fixed ones may be set. What Java's `split` and `parseInt` take is taken: slashes at the end, a sign.
fn cidr(text: &str) -> Result<Block, String> {
    let mut parts = text.trim_end_matches('/').split('/');
    let (Some(base), Some(fixed), None) = (parts.next(), parts.next(), parts.next()) else {
        return Err("Malformed CIDR, one '/' required".to_owned());
    };
    let Ok(fixed) = fixed.parse::<i32>() else {
        return Err("Malformed CIDR, mask bits must be an integer".to_owned());
    };
    let Ok(fixed) = u32::try_from(fixed) else {
        return Err("Malformed CIDR, mask bits must not be negative".to_owned());
    };
    let Some(base) = address(base) else { return Err(format!("Nonstandard IP address: {base}")) };
    match base.is_ipv4() {
        true if fixed > 31 => Err("IPv4 mask bits must be < 32".to_owned()),
        false if fixed > 127 => Err("IPv6 mask bits must be < 128".to_owned()),
        _ => Ok(Block::new(base, fixed)),
    }
}

/// `["=", n]`, `["<", n]`, `["<=", n]`, or `[">", n]` and `[">=", n]` with another bound behind them or without.
fn numeric(item: &Item<'_>) -> Result<Entry, Wrong> {
    let Node::Array(list) = &item.node else { return wrong(item.at, "Value of numeric must be an array.") };
    let bound = |place: usize, name: &str| match list.get(place).map(|i| (i.at, &i.node)) {
        Some((at, Node::Number(spelling))) => comparable(at, spelling),
        Some((at, _)) => wrong(at, format!("Value of {name} must be numeric")),
        None => wrong(item.at, format!("Value of {name} must be numeric")),
    };
    let end = |place: usize, message: &'static str| match list.get(place) {
        Some(extra) => wrong(extra.at, message),
        None => Ok(()),
    };
    const TOO_MANY: &str = "Too many elements in numeric expression";
    let operator = match list.first().map(|i| (i.at, &i.node)) {
        Some((_, Node::Text(t))) => t.as_ref(),
        Some((at, other)) => return wrong(at, format!("Invalid member in numeric match: {}", token(other))),
        None => return wrong(item.at, "Invalid member in numeric match: ]"),
    };
    Ok(match operator {
        "=" => {
            let n = bound(1, "equals")?;
            end(2, TOO_MANY)?;
            Entry::Equals(n)
        }
        "<" | "<=" => {
            let top = bound(1, operator)?;
            end(2, TOO_MANY)?;
            Entry::Range(Range { bottom: None, top: Some((top, operator == "<=")) })
        }
        ">" | ">=" => {
            let bottom = bound(1, operator)?;
            let bottom_closed = operator == ">=";
            let top = match list.get(2).map(|i| (i.at, &i.node)) {
                None => None,
                Some((at, Node::Text(operator))) => {
                    if operator != "<" && operator != "<=" {
                        return wrong(at, format!("Bad numeric range operator: {operator}"));
                    }
                    let top = bound(3, operator)?;
                    end(4, "Too many terms in numeric range expression")?;
                    if bottom >= top {
                        return wrong(at, "Bottom must be less than top");
                    }
                    Some((top, operator == "<="))
                }
                Some((at, other)) => return wrong(at, format!("Bad value in numeric range: {}", token(other))),
            };
            Entry::Range(Range { bottom: Some((bottom, bottom_closed)), top })
        }
        other => return wrong(item.at, format!("Unrecognized numeric range operator: {other}")),
    })
}

fn comparable(at: usize, spelling: &str) -> Result<f64, Wrong> {
    match number(spelling) {
        Some(n) => Ok(n),
        None => wrong(at, format!("Cannot compare number : {spelling}")),
    }
}

/// What a token reader would have in hand.
fn token<'a>(node: &'a Node<'_>) -> &'a str {
    match node {
        Node::Object(_) => "{",
        Node::Array(_) => "[",
        Node::Text(t) => t,
        Node::Number(n) => n,
        Node::Bool(true) => "true",
        Node::Bool(false) => "false",
        Node::Null => "null",
    }
}

fn anything_but(item: &Item<'_>) -> Result<Vec<Entry>, Wrong> {
    const MIXED: &str = "Inside anything but list, either all values are number or string, mixed type is not supported";
    match &item.node {
        Node::Object(members) => nested(item.at, members),
        Node::Text(t) => Ok(vec![Entry::Text(t.as_ref().into())]),
        Node::Number(n) => Ok(vec![Entry::Equals(comparable(item.at, n)?)]),
        Node::Array(list) => {
            let entry = |i: &Item<'_>| match &i.node {
                Node::Text(t) => Ok(Entry::Text(t.as_ref().into())),
                Node::Number(n) => Ok(Entry::Equals(comparable(i.at, n)?)),
                _ => wrong(i.at, "Inside anything but list, start|null|boolean is not supported."),
            };
            let entries: Vec<Entry> = list.iter().map(entry).collect::<Result<_, _>>()?;
            let texts = entries.iter().filter(|e| matches!(e, Entry::Text(_))).count();
            let alike = texts == 0 || texts == entries.len();
            if entries.is_empty() || !alike { wrong(item.at, MIXED) } else { Ok(entries) }
        }
        _ => wrong(item.at, NO_OPERAND),
    }
}

const NO_OPERAND: &str = "Value of anything-but must be an array or single string/number value.";

/// `anything-but` with an operator inside: of one text or of a list of them.
fn nested(at: usize, members: &[(Cow<'_, str>, Item<'_>)]) -> Result<Vec<Entry>, Wrong> {
    let Some((name, item)) = members.first() else { return wrong(at, "Anything-But expression name not found") };
    type Make = fn(&str) -> Result<Entry, String>;
    type Any<'a> = &'a dyn Fn(&str) -> Result<Entry, String>;
    let filled = |t: &str, make: fn(Box<str>) -> Entry| match t {
        "" => Err("Null prefix/suffix not allowed".to_owned()),
        _ => Ok(make(t.into())),
    };
    let prefix = |t: &str| filled(t, Entry::Prefix);
    let suffix = |t: &str| filled(t, Entry::Suffix);
    let folded: Make = |t| Ok(Entry::Same(Folded::new(t)));
    let wildcard: Make = |t| Glob::parse(t).map(Entry::Wildcard);
    const AFFIX: &str = "prefix/suffix match pattern must be a string";
    const FOLDED: &str = "Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported.";
    let (make, message): (Any<'_>, _) = match name.as_ref() {
        "prefix" => (&prefix, AFFIX),
        "suffix" => (&suffix, AFFIX),
        "equals-ignore-case" => (&folded, FOLDED),
        "wildcard" => (&wildcard, "wildcard match pattern must be a string"),
        other => return wrong(item.at, format!("Unsupported anything-but pattern: {other}")),
    };
    let one = |i: &Item<'_>| match &i.node {
        Node::Text(t) => make(t).or_else(|why| wrong(i.at, why)),
        _ => wrong(i.at, message),
    };
    let entries = match &item.node {
        // Event Ruler lets an empty list pass and has no answer when events come: there is nothing that it could mean.
        Node::Array(list) if list.is_empty() => return wrong(item.at, "Empty arrays are not allowed"),
        Node::Array(list) => list.iter().map(one).collect::<Result<_, _>>()?,
        Node::Text(_) | Node::Number(_) => vec![one(item)?],
        _ => return wrong(item.at, NO_OPERAND),
    };
    match members.get(1) {
        Some((_, second)) => wrong(second.at, "Too many elements in numeric expression"),
        None => Ok(entries),
    }
}
