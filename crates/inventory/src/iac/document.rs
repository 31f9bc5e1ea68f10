//! YAML and JSON documents as trees whose keys know their lines.
//!
//! YAML is read event by event: a template's `!Sub` is a tag, which readers of plain values throw away.

use super::node::{Entry, Node};
use granit_parser::{Event, Parser, ScalarStyle, Tag};
use std::borrow::Cow;
use std::collections::HashMap;
use yagura_policy::json::{self, Json};

/// How deep a template may nest.
const MAX_DEPTH: usize = 64;
/// How many values a template may have, counting what aliases repeat.
const MAX_SIZE: usize = 2_000_000;
/// How long a file may be, in bytes. CloudFormation takes 1 MB; a Terraform plan may be large.
pub(crate) const MAX_LENGTH: usize = 64 << 20;

/// Why a file is no document: the line, and what is wrong there.
pub(crate) type Broken = (u32, String);

/// Reads a document: a `.json` file as JSON, what looks like JSON as that or else YAML, everything else as YAML.
pub(crate) fn read(name: &str, text: &str) -> Result<Node, Broken> {
    if name.to_ascii_lowercase().ends_with(".json") {
        return read_json(text);
    }
    if text.trim_start().starts_with('{')
        && let Ok(json) = read_json(text)
    {
        return Ok(json);
    }
    read_yaml(text)
}

fn read_json(text: &str) -> Result<Node, Broken> {
    let at = |offset: u32| u32::try_from(json::position(text, offset).0).unwrap_or(u32::MAX);
    if text.len() > json::MAX_LENGTH {
        // Beyond what the reader with places takes: still read, with the first line for every place.
        let value: serde_json::Value =
            serde_json::from_str(text).map_err(|e| (u32::try_from(e.line()).unwrap_or(u32::MAX), e.to_string()))?;
        return Ok(Node::from_json(&value));
    }
    let node = json::parse(text).map_err(|e| (at(e.span.start), e.message.clone()))?;
    // Offsets only grow in reading order, so lines are counted once.
    let mut lines = Lines { text, at: 0, line: 1 };
    Ok(of_json(&node, &mut lines))
}

struct Lines<'t> {
    text: &'t str,
    at: usize,
    line: u32,
}

impl Lines<'_> {
    fn of(&mut self, offset: u32) -> u32 {
        let offset = offset as usize;
        let passed = self.text.as_bytes().get(self.at..offset).unwrap_or_default();
        self.line += u32::try_from(passed.iter().filter(|b| **b == b'\n').count()).unwrap_or(0);
        self.at = self.at.max(offset);
        self.line
    }
}

fn of_json(node: &json::Node<'_>, lines: &mut Lines<'_>) -> Node {
    match &node.value {
        Json::Null => Node::Null,
        Json::Bool(b) => Node::Bool(*b),
        Json::Number(n) => number(n).unwrap_or_else(|| Node::text(*n)),
        Json::String(s) => Node::text(s.as_ref()),
        Json::Array(items) => Node::List(items.iter().map(|i| of_json(i, lines)).collect()),
        Json::Object(members) => Node::Map(
            members
                .iter()
                .map(|m| {
                    let line = lines.of(m.key_span.start);
                    Entry { key: m.key.as_ref().into(), line, value: of_json(&m.value, lines) }
                })
                .collect(),
        ),
    }
}

/// A number as people write one. What starts with a zero is an account or a port name, not a number.
fn number(text: &str) -> Option<Node> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.") {
        return None;
    }
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().ok().map(Node::Int);
    }
    let plain = digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-'));
    text.parse::<f64>().ok().filter(|f| plain && f.is_finite()).map(Node::Float)
}

/// A container that is being filled.
struct Open {
    tag: Option<String>,
    anchor: usize,
    list: Vec<Node>,
    map: Option<Vec<Entry>>,
    key: Option<(String, u32)>,
}

fn read_yaml(text: &str) -> Result<Node, Broken> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut stack: Vec<Open> = Vec::new();
    let mut anchors: HashMap<usize, (Node, usize)> = HashMap::new();
    let (mut size, mut root) = (0_usize, None);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|e| {
            let line = u32::try_from(e.marker().line()).unwrap_or(u32::MAX);
            (line, e.info())
        })?;
        let line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
        let (done, anchor) = match event {
            Event::SequenceStart(_, anchor, tag) => {
                stack.push(Open { tag: word(tag), anchor, list: Vec::new(), map: None, key: None });
                (None, 0)
            }
            Event::MappingStart(_, anchor, tag) => {
                stack.push(Open { tag: word(tag), anchor, list: Vec::new(), map: Some(Vec::new()), key: None });
                (None, 0)
            }
            Event::SequenceEnd | Event::MappingEnd => match stack.pop() {
                Some(open) => {
                    let node = open.map.map_or_else(|| Node::List(open.list), Node::Map);
                    (Some(tagged(open.tag, node)), open.anchor)
                }
                None => (None, 0),
            },
            Event::Scalar(value, style, anchor, tag) => {
                let plain = matches!(style, ScalarStyle::Plain);
                let tag = word(tag);
                let node = if plain && tag.is_none() { plain_scalar(&value) } else { Node::text(value.as_ref()) };
                (Some(tagged(tag, node)), anchor)
            }
            Event::Alias(id) => match anchors.get(&id) {
                Some((node, n)) => {
                    size += n;
                    (Some(node.clone()), 0)
                }
                None => return Err((line, "an alias that names no anchor before it".to_owned())),
            },
            Event::DocumentEnd => break,
            _ => (None, 0),
        };
        size += 1;
        if stack.len() > MAX_DEPTH {
            return Err((line, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        if size > MAX_SIZE {
            return Err((line, format!("more than {MAX_SIZE} values, counting what aliases repeat")));
        }
        let Some(node) = done else { continue };
        if anchor > 0 {
            let n = node.size();
            anchors.insert(anchor, (node.clone(), n));
        }
        match stack.last_mut() {
            None => root = Some(node),
            Some(open) => put(open, node, line)?,
        }
    }
    root.ok_or((1, "the document is empty".to_owned()))
}

fn put(open: &mut Open, node: Node, line: u32) -> Result<(), Broken> {
    let Some(map) = &mut open.map else {
        open.list.push(node);
        return Ok(());
    };
    match open.key.take() {
        None => {
            let key = node.scalar().ok_or((line, "a key is no text".to_owned()))?;
            open.key = Some((key.to_string(), line));
        }
        // YAML 1.1's merge key, as CloudFormation's packager resolves it: what stands here itself comes first.
        Some((key, _)) if key == "<<" => {
            let merged: Vec<Entry> = match node {
                Node::List(l) => l.into_iter().flat_map(|n| n.entries().to_vec()).collect(),
                other => other.entries().to_vec(),
            };
            map.splice(0..0, merged);
        }
        Some((key, line)) => map.push(Entry { key: key.into(), line, value: node }),
    }
    Ok(())
}

/// The tag of CloudFormation's short form: `!Ref`.
fn word(tag: Option<Cow<'_, Tag>>) -> Option<String> {
    tag.filter(|t| t.handle() == "!" && !t.suffix().is_empty()).map(|t| t.suffix().to_owned())
}

/// `!Ref x` is `{Ref: x}`, `!Sub x` is `{Fn::Sub: x}` (CloudFormation user guide, "Intrinsic function reference").
fn tagged(tag: Option<String>, node: Node) -> Node {
    match tag {
        None => node,
        Some(tag) if tag == "Ref" || tag == "Condition" => Node::Map(vec![Entry::new(tag, node)]),
        Some(tag) => Node::Map(vec![Entry::new(format!("Fn::{tag}"), node)]),
    }
}

fn plain_scalar(text: &str) -> Node {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Node::Null,
        "true" | "True" | "TRUE" => Node::Bool(true),
        "false" | "False" | "FALSE" => Node::Bool(false),
        _ => number(text).unwrap_or_else(|| Node::text(text)),
    }
}
