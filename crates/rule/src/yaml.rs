//! Content files as trees with positions, so that every complaint names file, line and column.

use crate::compile::hint;
use serde::de::{self, Deserialize};
use serde_saphyr::Spanned;
use smol_str::SmolStr;
use std::fmt;
use yagura_model::{ContentFile, Map, Value};

/// What is wrong with a content file. Shows as `path:line:column: message`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct ContentError {
    /// Path below the content folder.
    pub file: String,
    /// From 1.
    pub line: u64,
    /// From 1, in characters.
    pub column: u64,
    /// What is wrong and, where a near name exists, the right spelling.
    pub message: String,
}

/// A node of a YAML file.
#[derive(Debug, Clone, PartialEq)]
pub struct Yaml {
    /// From 1.
    pub line: u64,
    /// From 1.
    pub column: u64,
    /// What it holds.
    pub kind: YamlKind,
}

/// What a YAML node holds.
#[derive(Debug, Clone, PartialEq)]
pub enum YamlKind {
    /// Nothing.
    Null,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A fraction.
    Float(f64),
    /// Text.
    Text(SmolStr),
    /// A sequence.
    List(Vec<Yaml>),
    /// A mapping in file order; keys carry their own position.
    Map(Vec<(Key, Yaml)>),
}

/// A key of a mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The name.
    pub name: SmolStr,
    /// From 1.
    pub line: u64,
    /// From 1.
    pub column: u64,
}

/// How long a content file may be, in bytes.
const MAX_LENGTH: usize = 4 << 20;

/// How deep a content file may nest: fits the stack of any thread, also in a build for debugging.
const MAX_DEPTH: usize = 32;

/// A content file from the bytes on disk.
///
/// # Errors
/// The first place where they are not UTF-8.
pub fn decode(path: String, bytes: Vec<u8>, shipped: bool) -> Result<ContentFile, ContentError> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(ContentFile { path, text, shipped }),
        Err(e) => {
            let sound = e.as_bytes().get(..e.utf8_error().valid_up_to()).unwrap_or_default();
            let before = String::from_utf8_lossy(sound);
            let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) as u64 + 1;
            let line = before.matches('\n').count() as u64 + 1;
            Err(ContentError {
                file: path,
                line,
                column,
                message: "the file is not UTF-8 text from here on".to_owned(),
            })
        }
    }
}

/// Reads one document. The parser bounds depth, size and aliases.
///
/// # Errors
/// The first place where the text is not YAML.
pub fn read(file: &ContentFile) -> Result<Yaml, ContentError> {
    serde_saphyr::from_str_with_options::<Yaml>(&file.text, options(file)?).map_err(|e| not_yaml(file, &e))
}

/// Reads all documents of a file, bounded as [`read`]. Empty ones are left out. Only `true` and `false` are truth values, as YAML 1.2
/// has it: other people's files say `No` and mean the word.
///
/// # Errors
/// The first place where the text is not YAML.
pub fn read_all(file: &ContentFile) -> Result<Vec<Yaml>, ContentError> {
    let mut options = options(file)?;
    options.strict_booleans = true;
    serde_saphyr::from_multiple_with_options::<Yaml>(&file.text, options).map_err(|e| not_yaml(file, &e))
}

fn options(file: &ContentFile) -> Result<serde_saphyr::Options, ContentError> {
    if file.text.len() > MAX_LENGTH {
        let message = format!("a content file is at most {MAX_LENGTH} bytes long");
        return Err(ContentError { file: file.path.clone(), line: 1, column: 1, message });
    }
    let mut options = serde_saphyr::Options::default();
    if let Some(budget) = &mut options.budget {
        budget.max_depth = MAX_DEPTH;
        budget.flow_nesting_limit = MAX_DEPTH;
    }
    Ok(options)
}

fn not_yaml(file: &ContentFile, e: &serde_saphyr::Error) -> ContentError {
    let at = e.location();
    let text = e.to_string();
    let (line, column) = at.map_or((1, 1), |l| (l.line(), l.column()));
    // The parser says the place once more before the cause.
    let place = format!("line {line} column {column}: ");
    let message =
        text.lines().next().unwrap_or("not YAML").trim_start_matches("error: ").trim_start_matches(&place).to_owned();
    ContentError { file: file.path.clone(), line, column, message }
}

impl Yaml {
    /// An error at this node.
    pub fn error(&self, file: &ContentFile, message: impl Into<String>) -> ContentError {
        ContentError { file: file.path.clone(), line: self.line, column: self.column, message: message.into() }
    }

    /// The entries of a mapping.
    pub fn entries(&self) -> Option<&[(Key, Yaml)]> {
        match &self.kind {
            YamlKind::Map(m) => Some(m),
            _ => None,
        }
    }

    /// The items of a sequence.
    pub fn items(&self) -> Option<&[Yaml]> {
        match &self.kind {
            YamlKind::List(l) => Some(l),
            _ => None,
        }
    }

    /// The member `name` of a mapping.
    pub fn get(&self, name: &str) -> Option<&Yaml> {
        self.entries()?.iter().find(|(k, _)| k.name == name).map(|(_, v)| v)
    }

    /// Text.
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            YamlKind::Text(t) => Some(t),
            _ => None,
        }
    }

    /// As a value; `None` for null.
    pub fn value(&self) -> Option<Value> {
        Some(match &self.kind {
            YamlKind::Null => return None,
            YamlKind::Bool(b) => Value::Bool(*b),
            YamlKind::Int(i) => Value::Int(*i),
            YamlKind::Float(f) => Value::Float(*f),
            YamlKind::Text(t) => Value::String(t.clone()),
            YamlKind::List(l) => Value::List(l.iter().filter_map(Yaml::value).collect()),
            YamlKind::Map(m) => {
                Value::Map(m.iter().filter_map(|(k, v)| Some((k.name.clone(), v.value()?))).collect::<Map>())
            }
        })
    }
}

impl<'de> Deserialize<'de> for Yaml {
    fn deserialize<D: de::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<YamlKind>::deserialize(d)?;
        Ok(Self { line: spanned.referenced.line(), column: spanned.referenced.column(), kind: spanned.value })
    }
}

impl<'de> Deserialize<'de> for YamlKind {
    fn deserialize<D: de::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = YamlKind;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("YAML")
            }

            fn visit_unit<E>(self) -> Result<YamlKind, E> {
                Ok(YamlKind::Null)
            }

            fn visit_none<E>(self) -> Result<YamlKind, E> {
                Ok(YamlKind::Null)
            }

            fn visit_some<D: de::Deserializer<'de>>(self, d: D) -> Result<YamlKind, D::Error> {
                d.deserialize_any(self)
            }

            fn visit_bool<E>(self, v: bool) -> Result<YamlKind, E> {
                Ok(YamlKind::Bool(v))
            }

            fn visit_i64<E>(self, v: i64) -> Result<YamlKind, E> {
                Ok(YamlKind::Int(v))
            }

            fn visit_u64<E>(self, v: u64) -> Result<YamlKind, E> {
                Ok(i64::try_from(v).map_or(YamlKind::Float(v as f64), YamlKind::Int))
            }

            fn visit_f64<E>(self, v: f64) -> Result<YamlKind, E> {
                Ok(YamlKind::Float(v))
            }

            fn visit_str<E>(self, v: &str) -> Result<YamlKind, E> {
                Ok(YamlKind::Text(v.into()))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut a: A) -> Result<YamlKind, A::Error> {
                let mut out = Vec::new();
                while let Some(v) = a.next_element::<Yaml>()? {
                    out.push(v);
                }
                Ok(YamlKind::List(out))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut a: A) -> Result<YamlKind, A::Error> {
                let mut out = Vec::new();
                while let Some((k, v)) = a.next_entry::<Spanned<SmolStr>, Yaml>()? {
                    out.push((Key { name: k.value, line: k.referenced.line(), column: k.referenced.column() }, v));
                }
                Ok(YamlKind::Map(out))
            }
        }
        d.deserialize_any(Visitor)
    }
}

/// Reads the members of one mapping and collects every complaint, so that one run shows them all.
pub struct Reader<'f> {
    /// The file, for messages.
    pub file: &'f ContentFile,
    /// What is wrong so far.
    pub errors: Vec<ContentError>,
}

impl<'f> Reader<'f> {
    /// A reader with no complaint yet.
    pub fn new(file: &'f ContentFile) -> Self {
        Self { file, errors: Vec::new() }
    }

    /// Complains at a node.
    pub fn complain(&mut self, at: &Yaml, message: impl Into<String>) {
        self.errors.push(at.error(self.file, message));
    }

    /// Complains of members that are none of `known`, with the nearest right spelling.
    pub fn only(&mut self, at: &Yaml, known: &[&str]) {
        let Some(entries) = at.entries() else {
            self.complain(at, format!("expected a mapping with {}", known.join(", ")));
            return;
        };
        let mut seen = std::collections::HashSet::new();
        for (k, _) in entries {
            let mut say = |message| {
                self.errors.push(ContentError { file: self.file.path.clone(), line: k.line, column: k.column, message })
            };
            if !known.contains(&k.name.as_str()) {
                say(format!("unknown key `{}`{}", k.name, hint(&k.name, known.iter().copied())));
            }
            if !seen.insert(&k.name) {
                say(format!("`{}` stands here twice", k.name));
            }
        }
    }

    /// The text under `name`; complains where it is missing or not text.
    pub fn want_text(&mut self, at: &Yaml, name: &str) -> SmolStr {
        match at.get(name).map(|v| (v, v.text())) {
            Some((_, Some(t))) if !t.trim().is_empty() => t.into(),
            Some((v, _)) => {
                self.complain(v, format!("`{name}` wants text"));
                SmolStr::default()
            }
            None => {
                self.complain(at, format!("`{name}` is missing"));
                SmolStr::default()
            }
        }
    }

    /// The text under `name`, where there is one.
    pub fn text(&mut self, at: &Yaml, name: &str) -> Option<SmolStr> {
        let v = at.get(name)?;
        if v.text().is_none() {
            self.complain(v, format!("`{name}` wants text"));
        }
        v.text().map(Into::into)
    }

    /// The texts of the list under `name`; empty where there is none.
    pub fn texts(&mut self, at: &Yaml, name: &str) -> Vec<SmolStr> {
        let Some(v) = at.get(name) else { return Vec::new() };
        match v.items().map(|l| l.iter().map(|i| i.text().map(Into::into)).collect::<Option<Vec<_>>>()) {
            Some(Some(l)) => l,
            _ => {
                self.complain(v, format!("`{name}` wants a list of texts"));
                Vec::new()
            }
        }
    }

    /// Ends reading: the value, or every complaint.
    pub fn finish<T>(self, value: T) -> Result<T, Vec<ContentError>> {
        if self.errors.is_empty() { Ok(value) } else { Err(self.errors) }
    }
}
