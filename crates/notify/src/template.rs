//! A user's own text: `${…}` names a member of the event.

use serde_json::Value as Json;

/// A text with placeholders; `$${` is a plain `${`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Member(Vec<String>),
}

/// The members of an event besides its detail.
const TOP: [&str; 9] = ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"];

/// The names on the way to a member of an event (`detail.rule`).
///
/// # Errors
/// An event has no such member.
pub(crate) fn member(path: &str) -> Result<Vec<String>, String> {
    let names: Vec<String> = path.split('.').map(str::to_owned).collect();
    let first = names.first().map(String::as_str).unwrap_or_default();
    if !TOP.contains(&first) || names.iter().any(String::is_empty) {
        return Err(format!("is no member of an event: begin with one of {}", TOP.join(", ")));
    }
    Ok(names)
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with its first broken placeholder.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if let Some(before) = before.strip_suffix('$') {
                plain.push_str(before);
                plain.push_str("${");
                rest = after;
                continue;
            }
            let (name, tail) = after.split_once('}').ok_or("a `${` has no `}`")?;
            let path = member(name.trim()).map_err(|e| format!("`${{{name}}}` {e}"))?;
            plain.push_str(before);
            parts.push(Part::Text(std::mem::take(&mut plain)));
            parts.push(Part::Member(path));
            rest = tail;
        }
        plain.push_str(rest);
        parts.push(Part::Text(plain));
        Ok(Self(parts))
    }

    /// The text for an event. `escape` is applied to what the event brings, not to what the template's author wrote; what the event
    /// has not leaves its place empty.
    pub fn fill(&self, event: &Json, escape: impl Fn(&str) -> String) -> String {
        let part = |p: &Part| match p {
            Part::Text(t) => t.clone(),
            Part::Member(path) => match path.iter().try_fold(event, |at, name| at.get(name)) {
                Some(Json::String(t)) => escape(t),
                Some(Json::Null) | None => String::new(),
                Some(other) => escape(&other.to_string()),
            },
        };
        self.0.iter().map(part).collect()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn placeholders_are_filled_and_escaped() {
        let event = json!({"detail": {"title": "<b>", "n": 3}, "account": "1"});
        let fill = |t: &str| Template::parse(t).unwrap().fill(&event, |s| s.replace('<', "&lt;"));
        assert_eq!(fill("<i>${detail.title} ${ detail.n }"), "<i>&lt;b> 3");
        assert_eq!(fill("$${account} ${account}${region}$"), "${account} 1$");
        assert!(Template::parse("${titel}").unwrap_err().contains("no member"));
        assert!(Template::parse("${detail.").is_err());
    }
}
