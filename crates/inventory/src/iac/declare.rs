//! The other way round: what templates call a field that should have a value.
//!
//! A declaration is only given where reading it back, by the same rules as any template, gives the wanted value: what the rules cannot
//! say in reverse is `None`, and never a guess.

use super::apply::{Applied, apply, attach};
use super::catalogue::{Form, rules};
use super::fit::{fit, plain_name, type_at};
use super::node::{Entry, Node};
use super::spec::Rule;
use crate::kinds::ReadyKind;
use serde_json::Value as Json;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use yagura_model::Type;

/// The language of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// CloudFormation.
    CloudFormation,
    /// Terraform with AWS's provider.
    Terraform,
}

/// A value of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// A value as it is; in Terraform an argument.
    Value(Json),
    /// Members by name; in Terraform a nested block.
    Block(Vec<(String, Part)>),
    /// Several of these.
    List(Vec<Part>),
}

/// What a template says so that a field has a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Declaration {
    /// The resource's type: the kind's own, or one that only adds to it.
    pub of: SmolStr,
    /// For a type that adds to another resource: the property that names that resource.
    pub to: Option<SmolStr>,
    /// The properties.
    pub body: Vec<(String, Part)>,
}

/// The fields that a member of a call's input sets: by the field's own name, by what the call that reads it answers, or as CloudFormation
/// calls it, which mostly is the API's name. Empty where none of these tells.
pub fn fields_of(
    kind: &ReadyKind,
    types: &BTreeMap<SmolStr, Type>,
    member: &str,
    value: &Json,
) -> BTreeMap<SmolStr, Json> {
    let wanted = plain_name(member);
    let named = |name: &str| plain_name(name) == wanted;
    let body = |name: &str| Node::Map(vec![Entry::new(name, Node::from_json(value))]);
    let mut found = Applied::default();
    let r = &kind.resource;
    if let Some(rule) = r.iac.cloudformation.iter().find(|rule| named(&rule.from) && rule.to.is_some()) {
        apply(&body(&rule.from), &r.iac.cloudformation, types, &mut found);
    } else if let Some(name) = types.keys().find(|name| named(name)) {
        apply(&body(name), &[], types, &mut found);
    } else if let Some(field) =
        r.fields.iter().find(|f| f.take.as_deref().and_then(|t| t.rsplit('.').next()).is_some_and(named))
    {
        apply(&body(&field.name), &[], types, &mut found);
    }
    let json = |node: Node| node.known().map(|v| v.to_json());
    found.fields.into_iter().filter_map(|(name, node)| Some((name, json(node)?))).collect()
}

/// The property that names a resource of the kind by its id, where a rule says so.
pub fn named_by(kind: &ReadyKind, language: Language) -> Option<String> {
    let r = &kind.resource;
    let rules = match language {
        Language::CloudFormation => &r.iac.cloudformation,
        Language::Terraform => &r.iac.terraform,
    };
    let ruled = rules.iter().find(|rule| rule.to.as_ref() == Some(&r.name) && !rule.from.contains('.'));
    ruled.map(|rule| rule.from.to_string())
}

/// What a template says so that a field has a value; `None` where the rules do not tell, or no template declares the kind.
pub fn declare(
    kind: &ReadyKind,
    types: &BTreeMap<SmolStr, Type>,
    language: Language,
    field: &str,
    value: &Json,
) -> Option<Declaration> {
    let r = &kind.resource;
    let (form, own, mark) = match language {
        Language::CloudFormation => (Form::CloudFormation, r.cloudformation.as_ref()?, "AWS::"),
        Language::Terraform => (Form::Terraform, r.terraform.as_ref()?, "aws_"),
    };
    if r.iac.undeclared {
        return None;
    }
    let inverse = Inverse { language, types, field, value };
    let satellites = || {
        r.iac.attach.iter().filter(|a| a.of.starts_with(mark) && a.when.is_empty()).find_map(|a| {
            let body = inverse.ruled_body(&a.map)?;
            let mut read = BTreeMap::new();
            attach(&inverse.node(&body), &a.map, types, &mut read);
            inverse.is_back(read.get(field)).then(|| Declaration { of: a.of.clone(), to: Some(a.to.clone()), body })
        })
    };
    let rules = rules(kind, form);
    let main = |body: Option<Vec<(String, Part)>>| {
        let body = body?;
        let mut read = Applied::default();
        apply(&inverse.node(&body), rules, types, &mut read);
        let whole = read.unmapped.is_empty() && read.fields.len() == 1 && inverse.is_back(read.fields.get(field));
        whole.then(|| Declaration { of: own.clone(), to: None, body })
    };
    let by_rule = || main(inverse.ruled_body(rules));
    // Terraform's provider takes what has a resource of its own out of the main one.
    let told = match language {
        Language::CloudFormation => by_rule().or_else(satellites),
        Language::Terraform => satellites().or_else(by_rule),
    };
    told.or_else(|| main(inverse.own_name(rules)))
}

/// A field and its value, on the way back.
struct Inverse<'i> {
    language: Language,
    types: &'i BTreeMap<SmolStr, Type>,
    field: &'i str,
    value: &'i Json,
}

impl Inverse<'_> {
    /// Whether a rule speaks of the field, and of which path below it.
    fn below<'r>(&self, rule: &'r Rule) -> Option<&'r str> {
        let rest = rule.to.as_deref()?.strip_prefix(self.field)?;
        if rest.is_empty() { Some(rest) } else { rest.strip_prefix('.') }
    }

    /// The properties by these rules.
    fn ruled_body(&self, rules: &[Rule]) -> Option<Vec<(String, Part)>> {
        let mut body = Vec::new();
        for rule in rules {
            let (Some(rest), Some(to)) = (self.below(rule), &rule.to) else { continue };
            if rest.contains("[]") {
                return None;
            }
            let Some(sub) = at(self.value, rest) else { continue };
            let Some(part) = self.ruled(rule, sub, type_at(self.types, to).unwrap_or(&Type::Any)) else { continue };
            match part {
                Part::Block(members) if rule.from == "." => body.extend(members),
                _ if rule.from == "." => return None,
                part => put(&mut body, &rule.from, part)?,
            }
        }
        (!body.is_empty()).then_some(body)
    }

    /// The property that is called like the field, where no rule speaks of it.
    fn own_name(&self, rules: &[Rule]) -> Option<Vec<(String, Part)>> {
        if rules.iter().any(|r| self.below(r).is_some()) {
            return None;
        }
        Some(vec![(self.named(self.field), self.plain(self.value, self.types.get(self.field)?)?)])
    }

    /// A value by a rule, reversed.
    fn ruled(&self, rule: &Rule, value: &Json, t: &Type) -> Option<Part> {
        if rule.present.is_some() || rule.unknown || !rule.set.is_empty() {
            return None;
        }
        if !rule.values.is_empty() {
            let (word, _) = rule.values.iter().find(|(_, v)| v.to_json() == *value)?;
            return Some(Part::Value(match word.as_str() {
                "true" => Json::Bool(true),
                "false" => Json::Bool(false),
                other => Json::String(other.to_owned()),
            }));
        }
        if rule.each.is_empty() {
            return self.plain(value, t);
        }
        let of = match t {
            Type::List(of) => of.as_ref(),
            t => t,
        };
        let one = |value: &Json| {
            let Type::Struct(types) = of else { return None };
            let mut body = Vec::new();
            for (name, value) in value.as_object()? {
                let t = types.get(name.as_str()).unwrap_or(&Type::Any);
                match rule.each.iter().find(|r| r.to.as_deref() == Some(name)) {
                    Some(rule) => put(&mut body, &rule.from, self.ruled(rule, value, t)?)?,
                    None => body.push((self.named(name), self.plain(value, t)?)),
                }
            }
            (!body.is_empty()).then_some(Part::Block(body))
        };
        match value {
            Json::Array(items) => Some(Part::List(items.iter().map(one).collect::<Option<_>>()?)),
            value => one(value),
        }
    }

    /// A value whose members are called as the language calls them. An empty structure says nothing that a template could say.
    fn plain(&self, value: &Json, t: &Type) -> Option<Part> {
        Some(match (value, t) {
            (Json::Object(map), Type::Struct(types)) => {
                if map.is_empty() {
                    return None;
                }
                let member = |(name, value): (&String, &Json)| {
                    Some((self.named(name), self.plain(value, types.get(name.as_str()).unwrap_or(&Type::Any))?))
                };
                Part::Block(map.iter().map(member).collect::<Option<_>>()?)
            }
            (Json::Array(items), Type::List(of)) if items.iter().any(Json::is_object) => {
                // Terraform names the blocks of a list in the singular, and often otherwise than the API: only a rule tells.
                if self.language == Language::Terraform {
                    return None;
                }
                Part::List(items.iter().map(|v| self.plain(v, of)).collect::<Option<_>>()?)
            }
            // CloudFormation takes policies and other documents as such.
            (Json::String(text), _) if self.language == Language::CloudFormation && text.starts_with('{') => {
                Part::Value(serde_json::from_str(text).unwrap_or_else(|_| value.clone()))
            }
            (Json::Null, _) => return None,
            (value, _) => Part::Value(value.clone()),
        })
    }

    /// `VersioningConfiguration`, `versioning_configuration`.
    fn named(&self, name: &str) -> String {
        match self.language {
            Language::CloudFormation => {
                let mut letters = name.chars();
                letters.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(letters).collect()
            }
            Language::Terraform => snake(name),
        }
    }

    fn node(&self, body: &[(String, Part)]) -> Node {
        Node::Map(body.iter().map(|(name, part)| Entry::new(name.as_str(), self.part_node(part))).collect())
    }

    fn part_node(&self, part: &Part) -> Node {
        match part {
            Part::Value(value) => Node::from_json(value),
            Part::Block(members) => self.node(members),
            Part::List(items) => Node::List(items.iter().map(|i| self.part_node(i)).collect()),
        }
    }

    /// Whether what was read back is the value.
    fn is_back(&self, read: Option<&Node>) -> bool {
        let Some(t) = self.types.get(self.field) else { return false };
        let wanted = fit(Node::from_json(self.value), t);
        let (Some(read), Some(wanted)) = (read.and_then(Node::known), wanted.known()) else {
            return false;
        };
        same(&read.to_json(), &wanted.to_json())
    }
}

/// Equality; of texts that are JSON documents, of the documents.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::String(x), Json::String(y)) if x != y && x.starts_with('{') => {
            let read = |t: &str| serde_json::from_str::<Json>(t).ok();
            read(x).is_some() && read(x) == read(y)
        }
        _ => a == b,
    }
}

/// The value at a dotted path.
fn at<'j>(value: &'j Json, path: &str) -> Option<&'j Json> {
    if path.is_empty() { Some(value) } else { path.split('.').try_fold(value, |at, part| at.get(part)) }
}

/// Puts a part at a dotted path of names; `None` where something else stands there.
fn put(body: &mut Vec<(String, Part)>, path: &str, part: Part) -> Option<()> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(f, r)| (f, Some(r)));
    let Some(rest) = rest else {
        if body.iter().any(|(name, _)| name == first) {
            return None;
        }
        body.push((first.to_owned(), part));
        return Some(());
    };
    if !body.iter().any(|(name, _)| name == first) {
        body.push((first.to_owned(), Part::Block(Vec::new())));
    }
    match body.iter_mut().find(|(name, _)| name == first) {
        Some((_, Part::Block(inner))) => put(inner, rest, part),
        _ => None,
    }
}

/// `CopyTagsToSnapshot` is `copy_tags_to_snapshot`, `MultiAZ` `multi_az`, `IAMDatabaseAuthenticationEnabled`
/// `iam_database_authentication_enabled`.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (nth, c) in letters.iter().enumerate() {
        let before = nth.checked_sub(1).and_then(|b| letters.get(b));
        let word = before.is_some_and(|b| {
            c.is_ascii_uppercase()
                && (b.is_ascii_lowercase()
                    || b.is_ascii_digit()
                    || b.is_ascii_uppercase() && letters.get(nth + 1).is_some_and(char::is_ascii_lowercase))
        });
        if word {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::snake;

    #[test]
    fn terraform_writes_words_apart() {
        for (name, wanted) in [
            ("MultiAZ", "multi_az"),
            ("IAMDatabaseAuthenticationEnabled", "iam_database_authentication_enabled"),
            ("scanOnPush", "scan_on_push"),
            ("SSEAlgorithm", "sse_algorithm"),
            ("BlockPublicAcls", "block_public_acls"),
        ] {
            assert_eq!(snake(name), wanted);
        }
    }
}
