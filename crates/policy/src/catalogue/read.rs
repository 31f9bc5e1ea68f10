//! The text form of the catalogue; `scripts/iam-actions.py` says what it is.

use super::key::{ConditionKey, KeyType, ValueType};
use super::service::{AccessLevel, Action, ResourceType, ResourceUse, Service};
use smol_str::{SmolStr, format_smolstr};
use thiserror::Error;

/// A line of the catalogue's text that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("line {line} of the action catalogue cannot be read")]
pub struct Malformed {
    /// The line, from 1.
    pub line: usize,
}

/// The services and the prefixes of those that support RCPs.
pub(super) fn read(text: &str) -> Result<(Vec<Service>, Vec<SmolStr>), Malformed> {
    let mut lines = text.lines().enumerate();
    let head = lines.next().filter(|(_, l)| l.starts_with('#')).and_then(|_| lines.next()?.1.strip_prefix('+'));
    let supports_rcps = head.ok_or(Malformed { line: 1 })?.split_ascii_whitespace().map(SmolStr::new).collect();
    let mut services: Vec<Service> = Vec::with_capacity(512);
    for (n, line) in lines {
        let done = match line.strip_prefix('@') {
            Some(prefix) => {
                let (keys, resources, actions) = (Vec::new(), Vec::new(), Vec::new());
                services.push(Service { prefix: prefix.into(), keys, resources, actions });
                Some(())
            }
            None => services.last_mut().and_then(|service| fact(service, line)),
        };
        done.ok_or(Malformed { line: n + 1 })?;
    }
    Ok((services, supports_rcps))
}

/// Adds the fact of a line to its service.
fn fact(service: &mut Service, line: &str) -> Option<()> {
    let mark = line.chars().next()?;
    let mut fields = line.get(mark.len_utf8()..)?.split('\t');
    let name = fields.next()?;
    let prefix = &service.prefix;
    match mark {
        'k' => service.keys.push(ConditionKey { name: full(prefix, name), kind: key_type(fields.next()?)? }),
        'r' => {
            let arns = fields.next()?.split('|').map(|arn| arn_pattern(prefix, arn)).collect();
            let keys = numbers(fields.next(), service.keys.len())?;
            service.resources.push(ResourceType { name: name.into(), arns, keys });
        }
        _ => {
            let level = match mark {
                'L' => AccessLevel::List,
                'R' => AccessLevel::Read,
                'W' => AccessLevel::Write,
                'T' => AccessLevel::Tagging,
                'P' => AccessLevel::PermissionsManagement,
                _ => return None,
            };
            let resources = list(fields.next()).map(|r| resource(service, r)).collect::<Option<_>>()?;
            let keys = numbers(fields.next(), service.keys.len())?;
            let depends_on = list(fields.next()).map(|action| full(prefix, action)).collect();
            service.actions.push(Action { name: name.into(), level, resources, keys, depends_on });
        }
    }
    Some(())
}

/// `3!+1+2`
fn resource(service: &Service, text: &str) -> Option<ResourceUse> {
    let (head, keys) = text.split_once('+').map_or((text, None), |(head, keys)| (head, Some(keys)));
    let (number, required) = head.strip_suffix('!').map_or((head, false), |n| (n, true));
    let keys = keys.into_iter().flat_map(|k| k.split('+')).map(|k| number_below(k, service.keys.len()));
    let resource = number_below(number, service.resources.len())?;
    Some(ResourceUse { resource, required, keys: keys.collect::<Option<_>>()? })
}

fn numbers(field: Option<&str>, below: usize) -> Option<Box<[u16]>> {
    list(field).map(|n| number_below(n, below)).collect()
}

fn number_below(text: &str, below: usize) -> Option<u16> {
    text.parse().ok().filter(|n| usize::from(*n) < below)
}

fn list(field: Option<&str>) -> impl Iterator<Item = &str> {
    field.filter(|f| *f != "-").into_iter().flat_map(|f| f.split(','))
}

fn full(prefix: &str, name: &str) -> SmolStr {
    name.strip_prefix(':').map_or_else(|| name.into(), |tail| format_smolstr!("{prefix}:{tail}"))
}

fn arn_pattern(prefix: &str, arn: &str) -> SmolStr {
    let Some(tail) = arn.strip_prefix('~') else { return arn.replace('^', "${Region}:${Account}:").into() };
    match tail.strip_prefix('^') {
        Some(tail) => format_smolstr!("arn:${{Partition}}:{prefix}:${{Region}}:${{Account}}:{tail}"),
        None => format_smolstr!("arn:${{Partition}}:{prefix}:{tail}"),
    }
}

fn key_type(text: &str) -> Option<KeyType> {
    let mark = text.chars().next().filter(|_| text.len() == 1)?;
    let of = match mark.to_ascii_lowercase() {
        's' => ValueType::String,
        'a' => ValueType::Arn,
        'b' => ValueType::Bool,
        'n' => ValueType::Numeric,
        'd' => ValueType::Date,
        'i' => ValueType::Ip,
        _ => return None,
    };
    Some(KeyType { of, multivalued: mark.is_ascii_uppercase() })
}
