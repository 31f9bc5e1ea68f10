//! Lines of JSON for batches: one question each, one answer each.

use super::json::{Broken, Cursor};
use super::{Pattern, Rules};
use std::borrow::Cow;
use yagura_logs::json::write_string;

/// `{"id","rules":{name:[pattern…]},"event"}` to `{"id","matched":[names]}`. Patterns and events are objects, or strings of JSON text;
/// either way duplicate members and the spelling of numbers are as they were written. A rule may also have one pattern without a list.
/// What is wrong with a pattern or the event comes as `{"id","error"}`; the id is as it was, `null` where there is none.
pub fn match_line(line: &str) -> String {
    answer(line, ["rules", "event"], |[rules, event]| {
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
    answer(line, ["pattern"], |[pattern]| {
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

fn answer<'a, const N: usize>(
    line: &'a str,
    names: [&str; N],
    ask: impl FnOnce([Result<&'a str, String>; N]) -> Result<String, String>,
) -> String {
    let mut id = "null";
    let mut found = [None; N];
    let read = each_member(line, &mut |name, raw| {
        if name == "id" {
            id = raw;
        } else if let Some(place) = names.iter().position(|n| *n == name)
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

fn matched(rules: &str, event: &str) -> Result<Vec<String>, String> {
    if !rules.starts_with('{') {
        return Err("`rules` wants an object".to_owned());
    }
    let mut patterns: Vec<(String, Pattern)> = Vec::new();
    let mut wrong = None;
    let mut add = |name: &str, raw: &str| {
        let read = text(raw).and_then(|t| Pattern::parse(&t).map_err(|e| e.to_string()));
        match read {
            Ok(pattern) => patterns.push((name.to_owned(), pattern)),
            Err(why) => {
                wrong.get_or_insert(format!("rule `{name}`: {why}"));
            }
        }
    };
    let mut broken = Ok(());
    let read = each_member(rules, &mut |name, list| {
        if !list.starts_with('[') {
            add(&name, list);
        } else if broken.is_ok() {
            broken = each_element(list, &mut |raw| add(&name, raw));
        }
    });
    read.and(broken).map_err(|e| e.to_string())?;
    if let Some(why) = wrong {
        return Err(why);
    }
    let rules = Rules::new(patterns);
    let event = text(event)?;
    let names = rules.matched(&event).map_err(|e| e.to_string())?;
    Ok(names.into_iter().map(str::to_owned).collect())
}

/// A value's text as it stands, or the text that a string holds.
fn text(raw: &str) -> Result<Cow<'_, str>, String> {
    let mut c = Cursor::new(raw);
    match c.eat(b'"') {
        true => c.string().map(|t| t.plain()).map_err(|e| e.to_string()),
        false => Ok(raw.into()),
    }
}

/// The members of an object, each value as it stands.
fn each_member<'a>(text: &'a str, take: &mut dyn FnMut(Cow<'a, str>, &'a str)) -> Result<(), Broken> {
    let mut c = Cursor::new(text);
    c.space();
    c.expect(b'{', "`{` is missing")?;
    c.space();
    if !c.eat(b'}') {
        loop {
            let name = c.name()?.plain();
            take(name, slice(&mut c, text)?);
            if !c.more(b'}')? {
                break;
            }
        }
    }
    end(&mut c, text)
}

fn each_element<'a>(text: &'a str, take: &mut dyn FnMut(&'a str)) -> Result<(), Broken> {
    let mut c = Cursor::new(text);
    c.expect(b'[', "`[` is missing")?;
    c.space();
    if !c.eat(b']') {
        loop {
            c.space();
            take(slice(&mut c, text)?);
            if !c.more(b']')? {
                break;
            }
        }
    }
    end(&mut c, text)
}

fn slice<'a>(c: &mut Cursor<'a>, text: &'a str) -> Result<&'a str, Broken> {
    let from = c.at;
    c.skip(0)?;
    Ok(text.get(from..c.at).unwrap_or_default())
}

fn end(c: &mut Cursor<'_>, text: &str) -> Result<(), Broken> {
    c.space();
    if c.at == text.len() { Ok(()) } else { Err(c.broken("more follows the line's object")) }
}
