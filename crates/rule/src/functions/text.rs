//! Functions over texts: patterns, tags, versions.

use super::told;
use crate::estate::{Estate, Hole};
use crate::operate::V;
use regex::Regex;
use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::HashMap;
use yagura_model::Value;

thread_local! {
    /// Patterns stand in checks' files: there are few of them, and each is asked of many texts.
    static COMPILED: RefCell<HashMap<String, Result<Regex, String>>> = RefCell::new(HashMap::new());
}

/// CEL's `matches`: whether some part of the text fits a regular expression of RE2's syntax. Time is linear in the text.
pub(super) fn matches<'e>(args: &[V<'e>], _: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    let [text, pattern] = args else { return Err(told("expected a text and a pattern".to_owned())) };
    let (text, pattern) = text.text().zip(pattern.text()).ok_or_else(|| told("expected text".to_owned()))?;
    COMPILED.with_borrow_mut(|all| {
        let compiled = all
            .entry(pattern.to_owned())
            .or_insert_with(|| Regex::new(pattern).map_err(|e| format!("`{pattern}` is no regular expression: {e}")));
        compiled.as_ref().map(|r| V::Bool(r.is_match(text))).map_err(|e| told(e.clone()))
    })
}

/// Whether a resource is tagged: with every key of the list and, where the list is empty, with any key at all. Tags that AWS
/// sets by itself (keys beginning with `aws:`; AWS General Reference, "Tagging AWS resources") do not count. Tags come as
/// a map, or as a list of structures with `Key`, `key` or `TagKey`.
pub(super) fn tagged<'e>(args: &[V<'e>], _: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    let [tags, wanted] = args else { return Err(told("expected tags and keys".to_owned())) };
    let keys: Vec<&str> = match tags {
        V::Ref(Value::Map(m)) => m.iter().map(|(k, _)| k.as_str()).collect(),
        V::Ref(Value::List(l)) => l.iter().filter_map(key_of).collect(),
        _ => return Err(told("expected tags".to_owned())),
    };
    let own: Vec<&str> = keys.into_iter().filter(|k| !k.starts_with("aws:")).collect();
    let carries = match wanted {
        V::Ref(Value::List(l)) => l.iter().all(|w| w.as_str().is_some_and(|w| own.contains(&w))),
        V::List(l) => l.iter().all(|w| w.text().is_some_and(|w| own.contains(&w))),
        _ => return Err(told("expected a list of keys".to_owned())),
    };
    Ok(V::Bool(carries && !own.is_empty()))
}

fn key_of(tag: &Value) -> Option<&str> {
    let map = tag.as_map()?;
    ["Key", "key", "TagKey"].iter().find_map(|name| map.get(name)?.as_str())
}

/// Whether a dotted version is the other one or later: `5.10` is later than `5.9`. A part that is left out counts as 0;
/// what follows the digits of a part (`0.1-beta`) is not looked at. A text that begins with no digit is Unknown.
pub(super) fn version_at_least<'e>(args: &[V<'e>], _: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    let [found, wanted] = args else { return Err(told("expected two versions".to_owned())) };
    let (found, wanted) = found.text().zip(wanted.text()).ok_or_else(|| told("expected text".to_owned()))?;
    let (found, wanted) = (parts(found)?, parts(wanted)?);
    let longest = found.len().max(wanted.len());
    let at = |v: &[u64], n: usize| v.get(n).copied().unwrap_or(0);
    let order = (0..longest).map(|n| at(&found, n).cmp(&at(&wanted, n))).find(|o| o.is_ne());
    Ok(V::Bool(order.unwrap_or(Ordering::Equal).is_ge()))
}

fn parts(version: &str) -> Result<Vec<u64>, Vec<Hole>> {
    let digits = |part: &str| {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part.get(..end).unwrap_or_default().parse::<u64>().ok()
    };
    let all: Vec<u64> = version.trim_start_matches(['v', 'V']).split('.').map_while(digits).collect();
    if all.is_empty() {
        return Err(told(format!("`{version}` is no version")));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn versions() {
        assert_eq!(parts("5.10.1"), Ok(vec![5, 10, 1]));
        assert_eq!(parts("v1.31-eks"), Ok(vec![1, 31]));
        assert_eq!(parts("7.x"), Ok(vec![7]));
        assert!(parts("latest").is_err());
    }
}
