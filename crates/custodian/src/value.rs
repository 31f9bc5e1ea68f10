//! The `value` filter: <https://cloudcustodian.io/docs/filters.html#value-filter>.

use crate::filter::Context;
use crate::path::Path;
use crate::py::{self, Op, Py};
use fancy_regex::Regex;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// A compiled value filter.
#[derive(Debug, Clone)]
pub struct ValueFilter {
    key: Option<Path>,
    transforms: Vec<String>,
    op: Option<Op>,
    want: Want,
    kind: Option<Kind>,
    regex: Option<Regex>,
}

#[derive(Debug, Clone)]
enum Want {
    Value(Json),
    /// `value_path`, or `value_type: expr`: a path of the resource itself.
    Path(Path),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Age,
    Integer,
    Expiration,
    Normalize,
    Size,
    Cidr,
    CidrSize,
    Swap,
    Expr,
    UniqueSize,
    Date,
    Version,
    Float,
}

/// The names of value types that mean one resource at a time.
const KINDS: [(&str, Kind); 13] = [
    ("age", Kind::Age),
    ("integer", Kind::Integer),
    ("expiration", Kind::Expiration),
    ("normalize", Kind::Normalize),
    ("size", Kind::Size),
    ("cidr", Kind::Cidr),
    ("cidr_size", Kind::CidrSize),
    ("swap", Kind::Swap),
    ("expr", Kind::Expr),
    ("unique_size", Kind::UniqueSize),
    ("date", Kind::Date),
    ("version", Kind::Version),
    ("float", Kind::Float),
];

const TRANSFORMS: [&str; 8] = ["noop", "capitalize", "lower", "strip", "title", "upper", "nospaces", "nounderscores"];

fn text<'d>(data: &'d Json, key: &str) -> Option<&'d str> {
    data.get(key).and_then(Json::as_str)
}

/// What is wrong with a value filter beyond its schema. `whole`: it is one by itself, so it wants a key and a value.
pub fn wrong(data: &Json, whole: bool) -> Vec<String> {
    let mut out = Vec::new();
    if text(data, "value_type") == Some("resource_count") {
        if text(data, "op").is_none_or(|o| ["regex", "regex-case", "glob"].contains(&o)) {
            out.push("`value_type: resource_count` wants an `op` that compares numbers".to_owned());
        }
        if !data.get("value").is_some_and(|v| v.is_i64() || v.is_array()) {
            out.push("`value_type: resource_count` wants a whole number as `value`".to_owned());
        }
        return out;
    }
    if whole {
        if data.get("key").is_none() {
            out.push("`key` is missing".to_owned());
        }
        if !["value", "value_from", "value_path"].iter().any(|k| data.get(k).is_some()) {
            out.push("`value` is missing".to_owned());
        }
    }
    let value = data.get("value");
    if let Some(Err(why)) = text(data, "op").map(|o| Op::of(o, value.filter(|_| data.get("value_path").is_none()))) {
        out.push(why);
    }
    let days = |v: &Json| v.is_number() || v.is_null() || v.as_str().is_some_and(|s| MAGIC.contains(&s));
    match text(data, "value_type") {
        Some("date") if value.is_none_or(|v| py::date(v).is_none()) => {
            out.push("`value_type: date` wants a date as `value`".to_owned());
        }
        Some(kind @ ("age" | "expiration")) if value.is_some_and(|v| !days(v)) => {
            out.push(format!("`value_type: {kind}` wants a number of days as `value`"));
        }
        _ => {}
    }
    if let Some(pattern) = text(data, "value_regex") {
        match py::compile(&format!("\\A(?:{pattern})")) {
            Ok(r) if r.captures_len() != 2 => {
                out.push("`value_regex` wants exactly one capturing group".to_owned());
            }
            Ok(_) => {}
            Err(why) => out.push(why),
        }
    }
    for key in ["value_path"] {
        if let Some(Err(why)) = text(data, key).map(Path::parse) {
            out.push(format!("`{key}`: {why}"));
        }
    }
    for t in data.get("tag_key_transforms").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
        if !TRANSFORMS.contains(&t) {
            out.push(format!("`{t}` is no transform of tag keys{}", yagura_rule::nearest_hint(t, TRANSFORMS)));
        }
    }
    out
}

/// Values that ask whether there is one.
const MAGIC: [&str; 4] = ["absent", "present", "not-null", "empty"];

impl ValueFilter {
    /// Compiles the long form, or the short one (`key: value`).
    ///
    /// # Errors
    /// Why it cannot be answered.
    pub fn compile(data: &Json, cx: &Context<'_>) -> Result<Self, String> {
        if let Some((key, value)) = short(data) {
            return Ok(Self { key: Some(Path::parse(key)?), want: Want::Value(value.clone()), ..Self::empty() });
        }
        Self::compile_with(data, data.get("key").and_then(Json::as_str), cx)
    }

    /// The long form with this key.
    ///
    /// # Errors
    /// Why it cannot be answered.
    pub fn compile_with(data: &Json, key: Option<&str>, cx: &Context<'_>) -> Result<Self, String> {
        let kind = text(data, "value_type").map(|n| {
            KINDS.iter().find(|(k, _)| *k == n).map(|(_, k)| *k).ok_or(format!("`value_type: {n}` has no meaning here"))
        });
        let kind = kind.transpose()?;
        let want = if let Some(from) = data.get("value_from") {
            Want::Value(crate::from::values(from, cx)?)
        } else if let Some(path) = text(data, "value_path") {
            Want::Path(Path::parse(path)?)
        } else if let (Some(Kind::Expr), Some(path)) = (kind, text(data, "value")) {
            Want::Path(Path::parse(path)?)
        } else {
            Want::Value(data.get("value").cloned().unwrap_or(Json::Null))
        };
        let given = match &want {
            Want::Value(v) if kind != Some(Kind::Swap) => Some(v),
            _ => None,
        };
        let magic = given.and_then(Json::as_str).is_some_and(|s| MAGIC.contains(&s));
        let op = text(data, "op").map(|o| Op::of(o, given.filter(|_| !magic || o.starts_with("regex")))).transpose()?;
        let regex = text(data, "value_regex").map(|r| py::compile(&format!("\\A(?:{r})"))).transpose()?;
        let transforms = data.get("tag_key_transforms").and_then(Json::as_array).into_iter().flatten();
        let transforms = transforms.filter_map(|t| t.as_str().map(str::to_owned)).collect();
        Ok(Self { key: key.map(Path::parse).transpose()?, transforms, op, want, kind, regex })
    }

    fn empty() -> Self {
        Self { key: None, transforms: Vec::new(), op: None, want: Want::Value(Json::Null), kind: None, regex: None }
    }

    /// The key, as written.
    pub fn key(&self) -> &str {
        self.key.as_ref().map(Path::text).unwrap_or_default()
    }

    /// The members of the resource that the answer may hang on; `None`: any.
    pub fn roots(&self) -> Option<BTreeSet<String>> {
        let of_key = match &self.key {
            Some(k) => k.roots()?,
            None => BTreeSet::new(),
        };
        let of_value = match &self.want {
            Want::Path(p) => p.roots()?,
            Want::Value(_) => BTreeSet::new(),
        };
        Some(of_key.into_iter().chain(of_value).collect())
    }

    /// Whether a value (a resource, or a part of one) matches.
    pub fn matches(&self, of: &Json, now: Timestamp) -> bool {
        let found = self.key.as_ref().map_or(Json::Null, |k| self.look_up(k, of));
        let want = match &self.want {
            Want::Value(v) => v.clone(),
            Want::Path(p) => self.look_up(p, of),
        };
        self.compare(found, want, now)
    }

    fn look_up(&self, path: &Path, of: &Json) -> Json {
        let found = match path.text().strip_prefix("tag:") {
            Some(tag) => self.tag(tag, of),
            None => path.search(of),
        };
        match (&self.regex, found) {
            (None, v) => v,
            (Some(r), Json::String(s)) => {
                let first = r.captures(&s).ok().flatten().and_then(|c| c.get(1).map(|m| m.as_str().to_owned()));
                first.map_or(Json::Null, Json::from)
            }
            (Some(_), _) => Json::Null,
        }
    }

    fn tag(&self, wanted: &str, of: &Json) -> Json {
        let list = of.get("Tags").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        let key = |t: &Json| {
            let key = t.get("Key").and_then(Json::as_str).unwrap_or_default().to_owned();
            self.transforms.iter().fold(key, |k, how| transform(&k, how))
        };
        list.iter().find(|t| key(t) == wanted).and_then(|t| t.get("Value")).cloned().unwrap_or(Json::Null)
    }

    fn compare(&self, found: Json, want: Json, now: Timestamp) -> bool {
        let wants_member = matches!(self.op, Some(Op::In | Op::NotIn));
        let found = if wants_member && found.is_null() { Py::Nothing } else { Py::Json(found) };
        let (r, v) = self.convert(found, want, now);
        if r.is_none() && v.is_text("absent") {
            return true;
        }
        if !r.is_none() && v.is_text("present") {
            return true;
        }
        if v.is_text("not-null") && r.truthy() {
            return true;
        }
        if v.is_text("empty") && !r.truthy() {
            return true;
        }
        match &self.op {
            Some(op) => op.holds(&r, &v),
            None => py::equal(&r, &v),
        }
    }

    /// Both sides (found, wanted) as the value type has them.
    fn convert(&self, found: Py, want: Json, now: Timestamp) -> (Py, Py) {
        let json = match &found {
            Py::Json(j) => j.clone(),
            _ => Json::Null,
        };
        let want = Py::Json(want);
        let wanted = |w: &Py| match w {
            Py::Json(j) => j.clone(),
            _ => Json::Null,
        };
        let shown = |j: &Json| j.as_str().map_or_else(|| j.to_string(), |s| s.trim().to_owned());
        match self.kind {
            None | Some(Kind::Expr) => (found, want),
            Some(Kind::Normalize) => match json {
                Json::String(s) => (Py::Json(s.trim().to_lowercase().into()), want),
                _ => (found, want),
            },
            Some(Kind::Integer) => (Py::Json(shown(&json).parse::<i64>().unwrap_or(0).into()), want),
            Some(Kind::Float) => {
                let n = shown(&json).parse::<f64>().unwrap_or(0.0);
                (Py::Json(Json::from(n)), want)
            }
            Some(Kind::Size) => (Py::Json(size(&json).into()), want),
            Some(Kind::UniqueSize) => (Py::Json(unique(&json).into()), want),
            Some(Kind::Swap) => (want, found),
            Some(Kind::Date) => (moment(&json), moment(&wanted(&want))),
            Some(Kind::Age) => {
                let limit = days(&wanted(&want)).and_then(|d| now.checked_sub(d).ok());
                (limit.map_or(Py::Json(Json::Null), Py::Date), or_zero(moment(&json)))
            }
            Some(Kind::Expiration) => {
                let limit = days(&wanted(&want)).and_then(|d| now.checked_add(d).ok());
                (or_zero(moment(&json)), limit.map_or(Py::Json(Json::Null), Py::Date))
            }
            Some(Kind::Cidr) => {
                let none = || Py::Json(Json::Null);
                let (w, f) = (py::cidr(&wanted(&want)).unwrap_or_else(none), py::cidr(&json).unwrap_or_else(none));
                match (&w, &f) {
                    (Py::Address(_), Py::Network(_)) => (w, f),
                    _ => (f, w),
                }
            }
            Some(Kind::CidrSize) => {
                let length = match py::cidr(&json) {
                    Some(Py::Network(n)) => n.prefix(),
                    _ => 0,
                };
                (Py::Json(length.into()), want)
            }
            Some(Kind::Version) => (Py::Version(py::version(&json)), Py::Version(py::version(&wanted(&want)))),
        }
    }
}

/// What stands at a key (a path or `tag:…`) of a resource.
///
/// # Errors
/// The key is no expression.
pub fn look(key: &str, cx: &Context<'_>) -> Result<impl Fn(&Json) -> Json + 'static, String> {
    let filter = ValueFilter::compile_with(&Json::Null, Some(key), cx)?;
    let path = Path::parse(key)?;
    Ok(move |of: &Json| filter.look_up(&path, of))
}

/// The short form's key and value.
pub fn short(data: &Json) -> Option<(&str, &Json)> {
    let map = data.as_object().filter(|m| m.len() == 1)?;
    map.iter().next().map(|(k, v)| (k.as_str(), v)).filter(|(k, _)| *k != "type")
}

fn size(j: &Json) -> usize {
    match j {
        Json::String(s) => s.chars().count(),
        Json::Array(a) => a.len(),
        Json::Object(o) => o.len(),
        _ => 0,
    }
}

fn unique(j: &Json) -> usize {
    match j {
        Json::String(s) => s.chars().collect::<BTreeSet<_>>().len(),
        Json::Array(a) if a.iter().any(|i| i.is_array() || i.is_object()) => 0,
        Json::Array(a) => a.iter().map(Json::to_string).collect::<BTreeSet<_>>().len(),
        Json::Object(o) => o.len(),
        _ => 0,
    }
}

fn moment(j: &Json) -> Py {
    py::date(j).map_or(Py::Json(Json::Null), Py::Date)
}

/// What is no date is 0, which stands in no order to one.
fn or_zero(v: Py) -> Py {
    if v.is_none() { Py::Json(0.into()) } else { v }
}

fn days(j: &Json) -> Option<SignedDuration> {
    let days = j.as_f64().filter(|d| d.abs() < 3_000_000.0)?;
    Some(SignedDuration::from_millis((days * 86_400_000.0) as i64))
}

fn transform(key: &str, how: &str) -> String {
    let capital = |w: &str| {
        let mut chars = w.chars();
        chars
            .next()
            .map_or_else(String::new, |c| c.to_uppercase().chain(chars.as_str().to_lowercase().chars()).collect())
    };
    match how {
        "capitalize" => capital(key),
        "lower" => key.to_lowercase(),
        "upper" => key.to_uppercase(),
        "strip" => key.trim().to_owned(),
        "nospaces" => key.replace(' ', ""),
        "nounderscores" => key.replace('_', ""),
        "title" => key.split_inclusive(|c: char| !c.is_alphabetic()).map(capital).collect(),
        _ => key.to_owned(),
    }
}
