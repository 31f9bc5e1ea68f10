//! Terraform's functions (Terraform documentation, "Built-in functions"), as far as they are functions of their
//! arguments alone. Everything else is unknown.

use super::super::node::{Entry, Node};
use super::object;
use base64::Engine as _;
use smol_str::SmolStr;
use std::path::{Component, Path};

/// How many items `range` may make.
const MAX_RANGE: i64 = 10_000;

/// The value of a call. A function that is not known here, or an argument that is not, makes it unknown.
pub(super) fn call(name: &str, mut args: Vec<Node>, folder: &Path) -> Node {
    // These look at their arguments one by one, or hand them on as they are.
    match name {
        "try" | "coalesce" => return first_known(name, args),
        "can" => {
            return args
                .first()
                .map_or(Node::Null, |a| a.hidden().map_or(Node::Bool(true), |w| Node::Unknown(w.clone())));
        }
        "sensitive" | "nonsensitive" | "tolist" | "tomap" | "one" if matches!(args.first(), Some(Node::Unknown(_))) => {
            return args.swap_remove(0);
        }
        "jsonencode" => return args.first().map_or(Node::Null, Node::json),
        "merge" => return merge(args),
        "concat" => return concat(args),
        _ => {}
    }
    if let Some(Node::Unknown(why)) = args.iter().find(|a| matches!(a, Node::Unknown(_))) {
        return Node::Unknown(why.clone());
    }
    value(name, &args, folder).unwrap_or_else(|| {
        let hidden = args.iter().find_map(Node::hidden);
        hidden.map_or_else(|| Node::unknown(format!("{name}()")), |w| Node::Unknown(w.clone()))
    })
}

fn first_known(name: &str, args: Vec<Node>) -> Node {
    for arg in args {
        match arg {
            Node::Null => {}
            Node::Text(t) if name == "coalesce" && t.is_empty() => {}
            // What `try` meets first and cannot know may be the answer.
            other => return other,
        }
    }
    Node::Null
}

fn merge(args: Vec<Node>) -> Node {
    let mut out: Vec<Entry> = Vec::new();
    for arg in args {
        match arg {
            Node::Map(m) => {
                for e in m {
                    match out.iter_mut().find(|o| o.key == e.key) {
                        Some(o) => o.value = e.value,
                        None => out.push(e),
                    }
                }
            }
            Node::Null => {}
            Node::Unknown(why) => return Node::Unknown(why),
            _ => return Node::unknown("merge()"),
        }
    }
    Node::Map(out)
}

fn concat(args: Vec<Node>) -> Node {
    let mut out = Vec::new();
    for arg in args {
        match arg {
            Node::List(l) => out.extend(l),
            Node::Unknown(why) => return Node::Unknown(why),
            _ => return Node::unknown("concat()"),
        }
    }
    Node::List(out)
}

fn value(name: &str, args: &[Node], folder: &Path) -> Option<Node> {
    let text = |n: usize| args.get(n).and_then(Node::scalar);
    let list = |n: usize| match args.get(n) {
        Some(Node::List(l)) => Some(l.as_slice()),
        _ => None,
    };
    let int = |n: usize| text(n).and_then(|t| t.parse::<i64>().ok());
    let number = |n: usize| text(n).and_then(|t| t.parse::<f64>().ok());
    let string = |t: String| Some(Node::text(t));
    // A function of sets and orders needs every item.
    let whole = |n: usize| list(n).filter(|l| l.iter().all(|i| i.hidden().is_none()));
    Some(match name {
        "lower" => return string(text(0)?.to_lowercase()),
        "upper" => return string(text(0)?.to_uppercase()),
        "title" => return string(title(&text(0)?)),
        "trimspace" | "chomp" => return string(text(0)?.trim_end_matches('\n').trim().to_owned()),
        "trim" => return string(text(0)?.trim_matches(|c| text(1).is_some_and(|s| s.contains(c))).to_owned()),
        "trimprefix" => {
            return string(text(0)?.strip_prefix(text(1)?.as_str()).map_or(text(0)?.to_string(), str::to_owned));
        }
        "trimsuffix" => {
            return string(text(0)?.strip_suffix(text(1)?.as_str()).map_or(text(0)?.to_string(), str::to_owned));
        }
        "replace" if !text(1)?.starts_with('/') => return string(text(0)?.replace(text(1)?.as_str(), &text(2)?)),
        "substr" => return string(substr(&text(0)?, int(1)?, int(2)?)),
        "startswith" => Node::Bool(text(0)?.starts_with(text(1)?.as_str())),
        "endswith" => Node::Bool(text(0)?.ends_with(text(1)?.as_str())),
        "strcontains" => Node::Bool(text(0)?.contains(text(1)?.as_str())),
        "split" => Node::List(text(1)?.split(text(0)?.as_str()).map(Node::text).collect()),
        "join" => {
            let items = whole(1)?.iter().map(|i| i.scalar().map(|t| t.to_string())).collect::<Option<Vec<_>>>()?;
            return string(items.join(&text(0)?));
        }
        "format" => return format(&text(0)?, args.get(1..)?).map(Node::text),
        "jsondecode" => Node::from_json(&serde_json::from_str(&text(0)?).ok()?),
        "base64encode" => return string(base64::engine::general_purpose::STANDARD.encode(text(0)?.as_bytes())),
        "base64decode" => {
            return string(
                String::from_utf8(base64::engine::general_purpose::STANDARD.decode(text(0)?.as_bytes()).ok()?).ok()?,
            );
        }
        "basename" => return string(text(0)?.rsplit('/').next()?.to_owned()),
        "dirname" => return string(text(0)?.rsplit_once('/').map_or(".".to_owned(), |(d, _)| d.to_owned())),
        "file" => return read_file(folder, &text(0)?),
        "abs" => of_number(number(0)?.abs()),
        "ceil" => of_number(number(0)?.ceil()),
        "floor" => of_number(number(0)?.floor()),
        "max" => of_number((0..args.len()).filter_map(number).fold(f64::NEG_INFINITY, f64::max)),
        "min" => of_number((0..args.len()).filter_map(number).fold(f64::INFINITY, f64::min)),
        "sum" => of_number(whole(0)?.iter().filter_map(|i| i.scalar()?.parse::<f64>().ok()).sum()),
        "tostring" => Node::Text(text(0)?),
        "tonumber" => of_number(number(0)?),
        "tobool" => Node::Bool(text(0)?.parse().ok()?),
        "tolist" | "tomap" | "sensitive" | "nonsensitive" => args.first()?.clone(),
        "toset" | "distinct" => distinct(whole(0)?),
        "setunion" => distinct(&(0..args.len()).filter_map(whole).flatten().cloned().collect::<Vec<_>>()),
        "setintersection" => {
            let rest = (1..args.len()).map(whole).collect::<Option<Vec<_>>>()?;
            Node::List(whole(0)?.iter().filter(|i| rest.iter().all(|r| r.contains(i))).cloned().collect())
        }
        "setsubtract" => {
            Node::List(whole(0)?.iter().filter(|i| whole(1).is_some_and(|r| !r.contains(i))).cloned().collect())
        }
        "length" => of_len(match args.first()? {
            Node::List(l) => l.len(),
            Node::Map(m) => m.len(),
            n => n.scalar()?.chars().count(),
        }),
        "element" => {
            let l = list(0)?;
            let at = usize::try_from(int(1)?).ok()?.checked_rem(l.len())?;
            l.get(at)?.clone()
        }
        "index" => of_len(whole(0)?.iter().position(|i| Some(i) == args.get(1))?),
        "contains" => Node::Bool(whole(0)?.iter().any(|i| i.scalar() == text(1))),
        "slice" => Node::List(list(0)?.get(usize::try_from(int(1)?).ok()?..usize::try_from(int(2)?).ok()?)?.to_vec()),
        "reverse" => Node::List(list(0)?.iter().rev().cloned().collect()),
        "sort" => {
            let mut items = whole(0)?.iter().map(Node::scalar).collect::<Option<Vec<_>>>()?;
            items.sort();
            Node::List(items.into_iter().map(Node::Text).collect())
        }
        "compact" => {
            Node::List(whole(0)?.iter().filter(|i| i.scalar().is_some_and(|t| !t.is_empty())).cloned().collect())
        }
        "flatten" => Node::List(flat(list(0)?)?),
        "one" => list(0)?.first().cloned().unwrap_or(Node::Null),
        "range" => {
            let (from, to) = if args.len() > 1 { (int(0)?, int(1)?) } else { (0, int(0)?) };
            if to.checked_sub(from)? > MAX_RANGE {
                return None;
            }
            Node::List((from..to).map(Node::Int).collect())
        }
        "keys" => {
            let mut keys: Vec<SmolStr> = args.first()?.entries().iter().map(|e| e.key.clone()).collect();
            keys.sort();
            Node::List(keys.into_iter().map(Node::Text).collect())
        }
        "values" => {
            let mut entries = args.first()?.entries().to_vec();
            entries.sort_by(|a, b| a.key.cmp(&b.key));
            Node::List(entries.into_iter().map(|e| e.value).collect())
        }
        "lookup" => match args.first()? {
            Node::Map(_) => args.first()?.get(&text(1)?).or_else(|| args.get(2))?.clone(),
            _ => return None,
        },
        "zipmap" => object(whole(0)?.iter().zip(list(1)?).filter_map(|(k, v)| Some((k.scalar()?, v.clone())))),
        "alltrue" => {
            Node::Bool(whole(0)?.iter().all(|i| *i == Node::Bool(true) || i.scalar().as_deref() == Some("true")))
        }
        "anytrue" => {
            Node::Bool(whole(0)?.iter().any(|i| *i == Node::Bool(true) || i.scalar().as_deref() == Some("true")))
        }
        "coalescelist" => (0..args.len()).filter_map(list).find(|l| !l.is_empty()).map(|l| Node::List(l.to_vec()))?,
        "cidrsubnet" => return cidr_subnet(&text(0)?, u32::try_from(int(1)?).ok()?, u32::try_from(int(2)?).ok()?),
        _ => return None,
    })
}

fn of_len(n: usize) -> Node {
    Node::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

/// A number as Terraform shows it: whole where it is whole.
pub(super) fn of_number(f: f64) -> Node {
    if !f.is_finite() {
        return Node::unknown("a number out of range");
    }
    if f.fract() == 0.0 && f.abs() < 9e15 { Node::Int(f as i64) } else { Node::Float(f) }
}

fn title(text: &str) -> String {
    let mut start = true;
    let mut out = String::new();
    for c in text.chars() {
        if start {
            out.extend(c.to_uppercase())
        } else {
            out.push(c)
        }
        start = !c.is_alphanumeric();
    }
    out
}

fn substr(text: &str, offset: i64, length: i64) -> String {
    let skip = usize::try_from(offset).unwrap_or(0);
    let take = usize::try_from(length).unwrap_or(usize::MAX);
    text.chars().skip(skip).take(take).collect()
}

fn distinct(items: &[Node]) -> Node {
    let mut out: Vec<Node> = Vec::new();
    for item in items {
        if !out.contains(item) {
            out.push(item.clone());
        }
    }
    Node::List(out)
}

fn flat(items: &[Node]) -> Option<Vec<Node>> {
    let mut out = Vec::new();
    for item in items {
        match item {
            Node::List(l) => out.extend(flat(l)?),
            Node::Unknown(_) => return None,
            other => out.push(other.clone()),
        }
    }
    Some(out)
}

/// `%s`, `%d`, `%v`, `%q`, `%%` and zero-padded `%02d`; anything else is left to Terraform.
fn format(spec: &str, args: &[Node]) -> Option<String> {
    let mut out = String::new();
    let mut args = args.iter();
    let mut chars = spec.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut width = String::new();
        let verb = loop {
            match chars.next()? {
                d if d.is_ascii_digit() => width.push(d),
                verb => break verb,
            }
        };
        if verb == '%' {
            out.push('%');
            continue;
        }
        let text = args.next()?.scalar()?;
        let wide: usize = width.trim_start_matches('0').parse().unwrap_or(0);
        if wide > 64 {
            return None;
        }
        match verb {
            's' | 'v' if width.is_empty() => out.push_str(&text),
            'q' if width.is_empty() => out.push_str(&Node::Text(text).json().scalar()?),
            'd' if width.starts_with('0') => out.push_str(&format!("{text:0>wide$}")),
            'd' | 's' | 'v' => out.push_str(&format!("{text:>wide$}")),
            _ => return None,
        }
    }
    Some(out)
}

/// A file below the module's folder: a template must not have others read.
fn read_file(folder: &Path, path: &str) -> Option<Node> {
    let shown = folder.display().to_string();
    let below = path.strip_prefix(&shown).unwrap_or(path).trim_start_matches('/').trim_start_matches("./");
    let relative = Path::new(below);
    if !relative.components().all(|c| matches!(c, Component::Normal(_))) {
        return None;
    }
    let file = folder.join(relative).canonicalize().ok()?;
    if !file.starts_with(folder.canonicalize().ok()?) {
        return None;
    }
    super::super::source::text(&file).ok().filter(|t| t.len() <= 1 << 20).map(Node::text)
}

fn cidr_subnet(block: &str, bits: u32, nth: u32) -> Option<Node> {
    let (address, length) = block.split_once('/')?;
    let (base, length): (std::net::Ipv4Addr, u32) = (address.parse().ok()?, length.parse().ok()?);
    let length = length.checked_add(bits).filter(|l| *l <= 32)?;
    if bits < 32 && nth >= 1_u32.checked_shl(bits)? {
        return None;
    }
    let at = u32::from(base).checked_add(nth.checked_shl(32 - length).unwrap_or(0))?;
    Some(Node::text(format!("{}/{length}", std::net::Ipv4Addr::from(at))))
}

/// The JSON of an `aws_iam_policy_document` (AWS provider documentation).
pub(super) fn policy_document(body: &Node) -> Node {
    if let Node::Unknown(why) = body {
        return Node::Unknown(why.clone());
    }
    for join in ["source_policy_documents", "override_policy_documents", "source_json", "override_json"] {
        if let Some(other) = body.get(join).filter(|n| !n.items().is_empty() || n.as_str().is_some()) {
            return other.hidden().map_or_else(|| Node::unknown(join), |w| Node::Unknown(w.clone()));
        }
    }
    let mut statements = Vec::new();
    match body.get("statement") {
        Some(Node::List(l)) => statements.extend(l.iter().map(statement)),
        Some(Node::Unknown(why)) => return Node::Unknown(why.clone()),
        _ => {}
    }
    let version = body.get("version").cloned().unwrap_or_else(|| Node::text("2012-10-17"));
    object([("Version".into(), version), ("Statement".into(), Node::List(statements))]).json()
}

fn statement(s: &Node) -> Node {
    let mut out = vec![("Effect".into(), s.get("effect").cloned().unwrap_or_else(|| Node::text("Allow")))];
    for (from, to) in [
        ("sid", "Sid"),
        ("actions", "Action"),
        ("not_actions", "NotAction"),
        ("resources", "Resource"),
        ("not_resources", "NotResource"),
    ] {
        match s.get(from) {
            Some(Node::List(l)) if l.is_empty() => {}
            Some(Node::Null) | None => {}
            Some(v) => out.push((SmolStr::new_static(to), v.clone())),
        }
    }
    for (from, to) in [("principals", "Principal"), ("not_principals", "NotPrincipal")] {
        let blocks = s.get(from).map(Node::items).unwrap_or_default();
        if blocks.is_empty() {
            if let Some(n @ Node::Unknown(_)) = s.get(from) {
                out.push((SmolStr::new_static(to), n.clone()));
            }
            continue;
        }
        let everyone = |b: &Node| b.get("type").and_then(Node::as_str) == Some("*");
        let value =
            if blocks.iter().any(everyone) {
                Node::text("*")
            } else {
                object(blocks.iter().filter_map(|b| {
                    Some((b.get("type")?.scalar()?, b.get("identifiers").cloned().unwrap_or(Node::Null)))
                }))
            };
        out.push((SmolStr::new_static(to), value));
    }
    let mut conditions: Vec<Entry> = Vec::new();
    for c in s.get("condition").map(Node::items).unwrap_or_default() {
        let part = |n: &str| c.get(n).and_then(Node::scalar);
        let (Some(test), Some(variable)) = (part("test"), part("variable")) else {
            return c.hidden().map_or_else(|| Node::unknown("condition"), |w| Node::Unknown(w.clone()));
        };
        let one = Entry::new(variable, c.get("values").cloned().unwrap_or(Node::Null));
        match conditions.iter_mut().find(|e| e.key == test) {
            Some(Entry { value: Node::Map(m), .. }) => m.push(one),
            _ => conditions.push(Entry::new(test, Node::Map(vec![one]))),
        }
    }
    match s.get("condition") {
        Some(n @ Node::Unknown(_)) => out.push(("Condition".into(), n.clone())),
        _ if !conditions.is_empty() => out.push(("Condition".into(), Node::Map(conditions))),
        _ => {}
    }
    object(out)
}
