//! Lines of JSON for batches: one question each, one answer each.

use super::{Pattern, Rules};
use yagura_logs::json::{Kind, Raw, each_element, each_member, unescape, write_string};

/// `{"id","rules":{name:[pattern…]},"event"}` to `{"id","matched":[names]}`. Patterns and events are objects, or strings of JSON text;
/// either way duplicate members and the spelling of numbers are as they were written. A rule may also have one pattern without a list.
/// What is wrong with a pattern or the event comes as `{"id","error"}`; the id is as it was, `null` where there is none.
pub fn match_line(line: &str) -> String {
    answer(line, &["rules", "event"], |[rules, event]| {
        let names = matched(rules?, event?)?;
        let mut out = String::from("\"matched\":[");
        for (place, name) in names.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            write_string(name, &mut out);
        }
        out.push(']');
        Ok(out)
    })
}

/// `{"id","pattern"}` to `{"id","error"}`: `null`, or why Amazon EventBridge refuses the pattern.
pub fn check_line(line: &str) -> String {
    answer(line, &["pattern"], |[pattern]| {
        let pattern = text(pattern?)?;
        Ok(match Pattern::parse(&pattern) {
            Ok(_) => "\"error\":null".to_owned(),
            Err(why) => error(&why.to_string()),
        })
    })
}

fn error(why: &str) -> String {
    let mut out = String::from("\"error\":");
    write_string(why, &mut out);
    out
}

fn answer<const N: usize>(
    line: &str,
    names: &[&str; N],
    ask: impl FnOnce([Result<Raw<'_>, String>; N]) -> Result<String, String>,
) -> String {
    let mut id = "null".to_owned();
    let mut found = [None; N];
    let read = each_member(line, &mut |name, raw| {
        let name = if name.kind == Kind::Escaped { unescape(name.text) } else { name.text.into() };
        if name == "id" {
            id.clear();
            raw.write_json(&mut id);
        } else if let Some(place) = names.iter().position(|n| **n == *name)
            && let Some(room) = found.get_mut(place)
        {
            *room = Some(raw);
        }
    });
    let result = match read {
        Ok(()) => {
            let mut names = names.iter();
            ask(found.map(|f| {
                let name = names.next().copied().unwrap_or_default();
                f.ok_or_else(|| format!("`{name}` is missing"))
            }))
        }
        Err(e) => Err(format!("the line is not JSON: {e}")),
    };
    let rest = result.unwrap_or_else(|why| error(&why));
    format!("{{\"id\":{id},{rest}}}")
}

fn matched(rules: Raw<'_>, event: Raw<'_>) -> Result<Vec<String>, String> {
    if rules.kind != Kind::Object {
        return Err("`rules` wants an object".to_owned());
    }
    let mut patterns: Vec<(String, Pattern)> = Vec::new();
    let mut first_error = None;
    let mut add = |name: &str, raw: Raw<'_>| match text(raw).and_then(|t| Pattern::parse(&t).map_err(|e| e.to_string()))
    {
        Ok(pattern) => patterns.push((name.to_owned(), pattern)),
        Err(why) => {
            first_error.get_or_insert(format!("rule `{name}`: {why}"));
        }
    };
    let mut broken = None;
    each_member(rules.text, &mut |name, list| {
        let name = if name.kind == Kind::Escaped { unescape(name.text) } else { name.text.into() };
        match list.kind {
            Kind::Array => {
                if let Err(e) = each_element(list.text, &mut |raw| add(&name, raw)) {
                    broken.get_or_insert(e);
                }
            }
            _ => add(&name, list),
        }
    })
    .map_err(|e| e.to_string())?;
    if let Some(why) = broken.map(|e| e.to_string()).or(first_error) {
        return Err(why);
    }
    let rules = Rules::new(patterns);
    let event = text(event)?;
    let names = rules.matched(&event).map_err(|e| e.to_string())?;
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// An object's text as it stands, or the text that a string holds.
fn text(raw: Raw<'_>) -> Result<std::borrow::Cow<'_, str>, String> {
    match raw.kind {
        Kind::Str | Kind::Escaped => Ok(unescape(raw.text)),
        _ => Ok(raw.text.into()),
    }
}
