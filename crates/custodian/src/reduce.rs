//! The `reduce` filter: <https://cloudcustodian.io/docs/filters.html#reduce-filter>.

use crate::filter::{Held, Subject};
use crate::path::Path;
use crate::py;
use fancy_regex::Regex;
use serde_json::Value as Json;
use std::cmp::Ordering;
use std::collections::BTreeSet;

/// Groups resources, sorts each group, and keeps some of each.
#[derive(Debug)]
pub struct Reduce {
    group: Option<By>,
    sort: Option<By>,
    order: Order,
    null_last: bool,
    sorts: bool,
    sorts_groups: bool,
    limit: usize,
    limit_percent: f64,
    discard: usize,
    discard_percent: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Up,
    Down,
    Reverse,
}

#[derive(Debug)]
struct By {
    path: Path,
    kind: Kind,
    regex: Option<Regex>,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Text,
    Number,
    Date,
}

/// What is sorted by; `None` where the resource has no such value.
#[derive(Debug, Clone, PartialEq)]
enum Key {
    Text(String),
    Number(f64),
    Date(jiff::Timestamp),
}

impl By {
    fn compile(data: &Json) -> Result<Self, String> {
        let of = |key: &str| data.get(key).and_then(Json::as_str);
        let path = data.as_str().or_else(|| of("key")).ok_or("`reduce` wants a `key` to group or sort by")?;
        let kind = match of("value_type") {
            Some("number") => Kind::Number,
            Some("date") => Kind::Date,
            _ => Kind::Text,
        };
        let regex = of("value_regex").map(|r| py::compile(&format!("\\A(?:{r})"))).transpose()?;
        Ok(Self { path: Path::parse(path)?, kind, regex })
    }

    fn roots(&self) -> Option<BTreeSet<String>> {
        self.path.roots()
    }

    fn key(&self, of: &Json) -> Option<Key> {
        let found = match self.path.text().strip_prefix("tag:") {
            Some(tag) => {
                let tags = of.get("Tags").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
                let hit = tags.iter().find(|t| t.get("Key").and_then(Json::as_str) == Some(tag));
                hit.and_then(|t| t.get("Value")).cloned().unwrap_or(Json::Null)
            }
            None => self.path.search(of),
        };
        let found = match (&self.regex, found) {
            (Some(r), Json::String(s)) => {
                r.captures(&s).ok().flatten().and_then(|c| Some(Json::from(c.get(1)?.as_str())))?
            }
            (Some(_), _) => return None,
            (None, v) => v,
        };
        match (self.kind, &found) {
            (_, Json::Null) => None,
            (Kind::Number, Json::Number(n)) => n.as_f64().map(Key::Number),
            (Kind::Number, Json::String(s)) => s.trim().parse().ok().map(Key::Number),
            (Kind::Number, _) => None,
            (Kind::Date, v) => py::date(v).map(Key::Date),
            (Kind::Text, Json::String(s)) => Some(Key::Text(s.clone())),
            (Kind::Text, v) => Some(Key::Text(v.to_string())),
        }
    }
}

impl Reduce {
    /// Compiles.
    ///
    /// # Errors
    /// Why it has no meaning.
    pub fn compile(data: &Json) -> Result<Self, String> {
        let number = |key: &str| data.get(key).and_then(Json::as_f64).unwrap_or(0.0).clamp(0.0, 1e9);
        let order = match data.get("order").and_then(Json::as_str) {
            Some("desc") => Order::Down,
            Some("reverse") => Order::Reverse,
            Some("randomize") => {
                return Err("`order: randomize` gives another answer every time and is not evaluated".to_owned());
            }
            _ => Order::Up,
        };
        let has = |key: &str| data.get(key).is_some();
        Ok(Self {
            group: data.get("group-by").map(By::compile).transpose()?,
            sort: data.get("sort-by").map(By::compile).transpose()?,
            order,
            null_last: data.get("null-order").and_then(Json::as_str) != Some("first"),
            sorts: has("sort-by") || has("order"),
            sorts_groups: has("group-by") || has("order"),
            limit: number("limit") as usize,
            limit_percent: number("limit-percent"),
            discard: number("discard") as usize,
            discard_percent: number("discard-percent"),
        })
    }

    /// The members of a resource that it hangs on; `None`: any.
    pub fn roots(&self) -> Option<BTreeSet<String>> {
        let mut out = BTreeSet::new();
        for by in [&self.group, &self.sort].into_iter().flatten() {
            out.extend(by.roots()?);
        }
        Some(out)
    }

    /// What is left of a set.
    pub fn cut(&self, set: Vec<Held>, subjects: &[Subject<'_>]) -> Vec<Held> {
        let key = |by: &Option<By>, h: &Held| by.as_ref().and_then(|b| b.key(subjects.get(h.at)?.json));
        let mut groups: Vec<(Option<Key>, Vec<Held>)> = Vec::new();
        for h in set {
            let of = key(&self.group, &h);
            match groups.iter_mut().find(|(k, _)| *k == of) {
                Some((_, members)) => members.push(h),
                None => groups.push((of, vec![h])),
            }
        }
        if self.sorts {
            groups.iter_mut().for_each(|(_, g)| self.reorder(g, &|h| key(&self.sort, h)));
        }
        if self.sorts_groups {
            self.reorder(&mut groups, &|(k, _)| k.clone());
        }
        groups.into_iter().flat_map(|(_, g)| self.some_of(g)).collect()
    }

    fn reorder<T>(&self, items: &mut [T], key: &dyn Fn(&T) -> Option<Key>) {
        let by = |a: &T, b: &T| match (key(a), key(b)) {
            (None, None) => Ordering::Equal,
            (None, _) => {
                if self.null_last {
                    Ordering::Greater
                } else {
                    Ordering::Less
                }
            }
            (_, None) => {
                if self.null_last {
                    Ordering::Less
                } else {
                    Ordering::Greater
                }
            }
            (Some(a), Some(b)) => {
                let up = match (a, b) {
                    (Key::Text(a), Key::Text(b)) => a.cmp(&b),
                    (Key::Number(a), Key::Number(b)) => a.total_cmp(&b),
                    (Key::Date(a), Key::Date(b)) => a.cmp(&b),
                    _ => Ordering::Equal,
                };
                if self.order == Order::Down { up.reverse() } else { up }
            }
        };
        match self.order {
            Order::Reverse => items.reverse(),
            _ => items.sort_by(by),
        }
    }

    fn some_of(&self, group: Vec<Held>) -> Vec<Held> {
        let share = |percent: f64, of: usize| (percent / 100.0 * of as f64) as usize;
        let dropped = self.discard.max(share(self.discard_percent, group.len())).min(group.len());
        let left = group.len() - dropped;
        let mut count = if self.limit_percent > 0.0 { share(self.limit_percent, left) } else { left };
        if self.limit > 0 {
            count = count.min(self.limit);
        }
        group.into_iter().skip(dropped).take(count).collect()
    }
}
