//! Condition keys and the types of their values.

use smol_str::SmolStr;

/// A condition key as AWS documents it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionKey {
    /// In AWS's case; `${TagKey}` or `<key>` stands for what the policy's author chooses.
    pub name: SmolStr,
    /// What its values are.
    pub kind: KeyType,
}

/// What the values of a condition key are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyType {
    /// What one value is.
    pub of: ValueType,
    /// Whether a request may carry several (`ArrayOf…`): such a key needs `ForAllValues` or `ForAnyValue`.
    pub multivalued: bool,
}

/// What one value of a condition key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// Text.
    String,
    /// An ARN.
    Arn,
    /// `true` or `false`.
    Bool,
    /// A number.
    Numeric,
    /// A date and time.
    Date,
    /// A date and time in seconds since 1970, for which numeric operators serve too.
    EpochTime,
    /// An IP address.
    Ip,
}

impl ConditionKey {
    /// Whether a key as written in a policy is this one. What stands for a placeholder is never empty.
    pub fn covers(&self, written: &str) -> bool {
        match split_placeholder(&self.name) {
            None => self.name.eq_ignore_ascii_case(written),
            Some((head, tail)) => strip_prefix(written, head).is_some_and(|rest| ends_with_template(rest, tail)),
        }
    }

    /// Whether a part of the name is the author's choice.
    pub fn has_placeholder(&self) -> bool {
        split_placeholder(&self.name).is_some()
    }

    /// What stands before the `:`.
    pub fn prefix(&self) -> &str {
        self.name.split_once(':').map_or("", |(prefix, _)| prefix)
    }

    pub(super) fn has_prefix(&self, prefix: &str) -> bool {
        self.prefix().eq_ignore_ascii_case(prefix)
    }
}

/// What stands before and after the first placeholder.
fn split_placeholder(name: &str) -> Option<(&str, &str)> {
    let start = name.find("${").into_iter().chain(name.find('<')).min()?;
    let close = if name.get(start..)?.starts_with('$') { '}' } else { '>' };
    let end = start + name.get(start..)?.find(close)? + 1;
    Some((name.get(..start)?, name.get(end..)?))
}

/// Whether a text is something that is not empty and then what the rest of a name stands for.
fn ends_with_template(text: &str, template: &str) -> bool {
    let places = text.char_indices().skip(1).map(|(i, _)| i).chain([text.len()]).filter(|i| *i > 0);
    let mut rests = places.filter_map(|i| text.get(i..));
    match split_placeholder(template) {
        None => rests.any(|rest| rest.eq_ignore_ascii_case(template)),
        Some((head, tail)) => {
            rests.any(|rest| strip_prefix(rest, head).is_some_and(|rest| ends_with_template(rest, tail)))
        }
    }
}

fn strip_prefix<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, tail) = (text.get(..prefix.len())?, text.get(prefix.len()..)?);
    head.eq_ignore_ascii_case(prefix).then_some(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders() {
        let covers = |name: &str, written: &str| {
            let kind = KeyType { of: ValueType::String, multivalued: false };
            ConditionKey { name: name.into(), kind }.covers(written)
        };
        for (name, written, yes) in [
            ("aws:SourceIp", "AWS:SOURCEIP", true),
            ("aws:SourceIp", "aws:SourceIpx", false),
            ("aws:SourceIp", "aws:Source", false),
            ("aws:RequestTag/${TagKey}", "aws:requesttag/a/b", true),
            ("aws:RequestTag/${TagKey}", "aws:RequestTag/", false),
            ("aws:RequestTag/${TagKey}", "aws:RequestTag", false),
            ("s3:ExistingObjectTag/<key>", "s3:ExistingObjectTag/é", true),
            ("codebuild:x/${name}.value", "codebuild:x/a.value", true),
            ("codebuild:x/${name}.value", "codebuild:x/.value", false),
            ("codebuild:x/${name}.value", "codebuild:x/a.values", false),
            ("agent.${Domain}.buildkite.dev:sub", "agent.me.buildkite.dev:sub", true),
            ("agent.${Domain}.buildkite.dev:sub", "agent.buildkite.dev:sub", false),
        ] {
            assert_eq!(covers(name, written), yes, "{name} {written}");
        }
    }
}
