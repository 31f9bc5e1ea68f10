//! The typed policy document: what the evaluator, the comparison and the questions stand on.
//!
//! Reading is tolerant where AWS is (one value for a list, the case of element names, booleans and numbers as condition
//! values) and reports everything else with its place. Grammar: IAM User Guide, `reference_policies_grammar`.

use crate::json::{self, Json, Member, Node, Span};
use crate::operator::Operator;
use smol_str::SmolStr;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// A policy document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The language version; it decides whether `${…}` is a variable.
    pub version: Version,
    /// `Id`, which AWS uses for nothing.
    pub id: Option<SmolStr>,
    /// The statements in their order.
    pub statements: Vec<Statement>,
}

/// The version of the policy language (`reference_policies_elements_version`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// `2008-10-17`, also meant where `Version` is missing: `${…}` is text, not a variable.
    V2008,
    /// `2012-10-17`.
    V2012,
}

/// One statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Its place in the policy, from 0.
    pub index: usize,
    /// `Sid`.
    pub sid: Option<SmolStr>,
    /// `Effect`.
    pub effect: Effect,
    /// `Principal` or `NotPrincipal`; `None` in identity policies.
    pub principals: Option<Element<Principal>>,
    /// `Action` or `NotAction`, as written.
    pub actions: Element<SmolStr>,
    /// `Resource` or `NotResource`, as written; `None` in role trust policies.
    pub resources: Option<Element<SmolStr>>,
    /// One entry for each operator and key, all of which must hold.
    pub conditions: Vec<Condition>,
    /// Where the statement stands in the text.
    pub span: Span,
}

/// `Effect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Effect {
    /// `Allow`
    Allow,
    /// `Deny`
    Deny,
}

/// A list and whether its `Not…` form was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element<T> {
    /// `NotAction`, `NotResource` or `NotPrincipal`.
    pub negated: bool,
    /// The items as written.
    pub items: Vec<T>,
}

/// One entry of `Principal` (`reference_policies_elements_principal`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Principal {
    /// `"*"` or `{"AWS": "*"}`: everyone, anonymous callers too.
    Anyone,
    /// An account id, an ARN of an account, user, role or session, or a unique id that AWS put for a deleted principal.
    Aws(SmolStr),
    /// A service principal.
    Service(SmolStr),
    /// An identity provider: a SAML or OIDC provider's ARN, or a web identity provider's host.
    Federated(SmolStr),
    /// An S3 canonical user id.
    CanonicalUser(SmolStr),
}

/// One operator, one key and its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The operator with its qualifier and `IfExists`.
    pub operator: Operator,
    /// The condition key as written; keys compare without regard to case.
    pub key: SmolStr,
    /// The values as written; booleans and numbers as their text.
    pub values: Vec<SmolStr>,
    /// Where the key and its values stand.
    pub span: Span,
}

/// Something in a document that AWS would not accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The place as a path: `Statement[0].Condition.StringEquals`.
    pub path: String,
    /// The place in the text.
    pub span: Span,
    /// What is wrong and what is expected.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

impl Policy {
    /// Reads a policy document.
    ///
    /// # Errors
    /// Everything that keeps AWS from accepting the document's grammar, in the order of the text.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let node = json::parse(text).map_err(|e| {
            vec![Problem { path: String::new(), span: e.span, message: format!("not JSON: {}", e.message) }]
        })?;
        Self::from_node(&node)
    }

    /// Reads a policy document out of parsed JSON.
    ///
    /// # Errors
    /// As [`Policy::parse`].
    pub fn from_node(node: &Node<'_>) -> Result<Self, Vec<Problem>> {
        let mut reader = Reader { problems: Vec::new() };
        let policy = reader.policy(node);
        if reader.problems.is_empty() { Ok(policy) } else { Err(reader.problems) }
    }
}

/// A document as JSON text: IAM's API URL-encodes them (RFC 3986; IAM API Reference, `PolicyVersion`). Text that is
/// not encoded stays as it is.
pub fn decoded(text: &str) -> Cow<'_, str> {
    if text.trim_start().starts_with('{') || !text.contains('%') {
        return text.into();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = (byte == b'%').then(|| tail.get(..2)).flatten().and_then(|h| std::str::from_utf8(h).ok());
        let decoded = hex.and_then(|h| u8::from_str_radix(h, 16).ok());
        out.push(decoded.unwrap_or(byte));
        rest = if decoded.is_some() { tail.get(2..).unwrap_or_default() } else { tail };
    }
    String::from_utf8_lossy(&out).into_owned().into()
}

struct Reader {
    problems: Vec<Problem>,
}

impl Reader {
    fn policy(&mut self, node: &Node<'_>) -> Policy {
        let mut policy = Policy { version: Version::V2008, id: None, statements: Vec::new() };
        let Some(members) = self.object(node, format_args!(""), "a policy") else { return policy };
        let mut has_statement = false;
        for member in members {
            match element(&member.key, &["Version", "Id", "Statement"]) {
                Some("Version") => match member.value.as_str() {
                    Some("2012-10-17") => policy.version = Version::V2012,
                    Some("2008-10-17") => {}
                    _ => self.problem(format_args!("Version"), &member.value, "expected `2012-10-17` or `2008-10-17`"),
                },
                Some("Id") => policy.id = self.string(&member.value, format_args!("Id")),
                Some("Statement") => {
                    has_statement = true;
                    policy.statements = self.statements(&member.value);
                }
                _ => self.unknown(format_args!(""), member),
            }
        }
        if !has_statement {
            self.problem(format_args!(""), node, "a policy needs `Statement`");
        }
        policy
    }

    fn statements(&mut self, node: &Node<'_>) -> Vec<Statement> {
        let read = |(index, item): (usize, &Node<'_>)| self.statement(index, item);
        node.items().iter().enumerate().filter_map(read).collect()
    }

    fn statement(&mut self, index: usize, node: &Node<'_>) -> Option<Statement> {
        let path = format_args!("Statement[{index}]");
        let members = self.object(node, path, "a statement")?;
        let (mut sid, mut effect, mut actions, mut resources, mut principals) = (None, None, None, None, None);
        let mut conditions = Vec::new();
        for member in members {
            let value = &member.value;
            let name = element(&member.key, &ELEMENTS);
            let here = format_args!("{path}.{}", name.unwrap_or(&member.key));
            match name {
                Some("Sid") => sid = self.string(value, here),
                Some("Effect") => effect = self.effect(value, here),
                Some("Action" | "NotAction") => self.once(&mut actions, name, value, here, Self::strings),
                Some("Resource" | "NotResource") => self.once(&mut resources, name, value, here, Self::strings),
                Some("Principal" | "NotPrincipal") => self.once(&mut principals, name, value, here, Self::principals),
                Some("Condition") => conditions = self.conditions(value, here),
                _ => self.unknown(path, member),
            }
        }
        if effect.is_none() && !members.iter().any(|m| m.key.eq_ignore_ascii_case("Effect")) {
            self.problem(path, node, "a statement needs `Effect`");
        }
        if actions.is_none() {
            self.problem(path, node, "a statement needs `Action` or `NotAction`");
        }
        Some(Statement {
            index,
            sid,
            effect: effect?,
            principals,
            actions: actions?,
            resources,
            conditions,
            span: node.span,
        })
    }

    fn effect(&mut self, node: &Node<'_>, path: fmt::Arguments<'_>) -> Option<Effect> {
        match node.as_str() {
            Some("Allow") => Some(Effect::Allow),
            Some("Deny") => Some(Effect::Deny),
            _ => {
                self.problem(path, node, "expected `Allow` or `Deny`");
                None
            }
        }
    }

    /// Reads an element whose plain and `Not…` forms exclude each other.
    fn once<T>(
        &mut self,
        slot: &mut Option<Element<T>>,
        name: Option<&str>,
        node: &Node<'_>,
        path: fmt::Arguments<'_>,
        read: fn(&mut Self, &Node<'_>, fmt::Arguments<'_>) -> Vec<T>,
    ) {
        if slot.is_some() {
            let plain = name.unwrap_or_default().trim_start_matches("Not");
            self.problem(path, node, format!("`{plain}` and `Not{plain}` exclude each other"));
            return;
        }
        let negated = name.is_some_and(|n| n.starts_with("Not"));
        *slot = Some(Element { negated, items: read(self, node, path) });
    }

    fn strings(&mut self, node: &Node<'_>, path: fmt::Arguments<'_>) -> Vec<SmolStr> {
        node.items().iter().filter_map(|item| self.string(item, path)).collect()
    }

    fn principals(&mut self, node: &Node<'_>, path: fmt::Arguments<'_>) -> Vec<Principal> {
        if node.as_str() == Some("*") {
            return vec![Principal::Anyone];
        }
        let Some(members) = node.members() else {
            self.problem(path, node, "expected `\"*\"` or an object such as `{\"AWS\": …}`");
            return Vec::new();
        };
        let mut found = Vec::new();
        for member in members {
            let Some(kind) = element(&member.key, &["AWS", "Service", "Federated", "CanonicalUser"]) else {
                self.unknown(path, member);
                continue;
            };
            let values = self.strings(&member.value, format_args!("{path}.{kind}"));
            found.extend(values.into_iter().map(|value| match kind {
                "AWS" if value == "*" => Principal::Anyone,
                "AWS" => Principal::Aws(value),
                "Service" => Principal::Service(value),
                "Federated" => Principal::Federated(value),
                _ => Principal::CanonicalUser(value),
            }));
        }
        found
    }

    fn conditions(&mut self, node: &Node<'_>, path: fmt::Arguments<'_>) -> Vec<Condition> {
        let mut found = Vec::new();
        for by_operator in self.object(node, path, "`Condition`").unwrap_or_default() {
            let here = format_args!("{path}.{}", by_operator.key);
            let Some(operator) = Operator::parse(&by_operator.key) else {
                self.problem(here, &by_operator.value, format!("no condition operator `{}`", by_operator.key));
                continue;
            };
            for by_key in self.object(&by_operator.value, here, "a condition").unwrap_or_default() {
                let here = format_args!("{here}.{}", by_key.key);
                let values = by_key.value.items().iter().filter_map(|item| self.scalar(item, here)).collect();
                let span = Span { start: by_key.key_span.start, end: by_key.value.span.end };
                found.push(Condition { operator, key: SmolStr::new(&by_key.key), values, span });
            }
        }
        found
    }

    /// A condition value: AWS takes booleans and numbers for their text.
    fn scalar(&mut self, node: &Node<'_>, path: fmt::Arguments<'_>) -> Option<SmolStr> {
        match &node.value {
            Json::Bool(b) => Some(SmolStr::new_static(if *b { "true" } else { "false" })),
            Json::Number(n) => Some(SmolStr::new(n)),
            _ => self.string(node, path),
        }
    }

    fn string(&mut self, node: &Node<'_>, path: fmt::Arguments<'_>) -> Option<SmolStr> {
        let text = node.as_str().map(SmolStr::new);
        if text.is_none() {
            self.problem(path, node, format!("expected a string, found {}", node.kind()));
        }
        text
    }

    /// The members of an object none of whose keys is written twice.
    fn object<'n>(&mut self, node: &'n Node<'_>, path: fmt::Arguments<'_>, what: &str) -> Option<&'n [Member<'n>]> {
        let Some(members) = node.members() else {
            self.problem(path, node, format!("{what} must be an object, found {}", node.kind()));
            return None;
        };
        let mut seen: Option<HashSet<String>> = None;
        for (i, member) in members.iter().enumerate() {
            // Objects of policies are small; a huge one is told by its size before it costs the square of it.
            let twice = if members.len() <= MAX_COMPARED {
                members.iter().take(i).any(|m| m.key.eq_ignore_ascii_case(&member.key))
            } else {
                seen.get_or_insert_with(HashSet::new).replace(member.key.to_ascii_lowercase()).is_some()
            };
            if twice {
                let message = format!("`{}` is written twice", member.key);
                self.problems.push(Problem { path: path.to_string(), span: member.key_span, message });
            }
        }
        Some(members)
    }

    fn unknown(&mut self, path: fmt::Arguments<'_>, member: &Member<'_>) {
        let message = format!("no policy element `{}`", member.key);
        self.problems.push(Problem { path: path.to_string(), span: member.key_span, message });
    }

    fn problem(&mut self, path: fmt::Arguments<'_>, node: &Node<'_>, message: impl Into<String>) {
        self.problems.push(Problem { path: path.to_string(), span: node.span, message: message.into() });
    }
}

/// Members up to which each is compared with each.
const MAX_COMPARED: usize = 24;

const ELEMENTS: [&str; 9] =
    ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"];

/// The element that a key names, whatever its case.
fn element(key: &str, names: &[&'static str]) -> Option<&'static str> {
    names.iter().copied().find(|name| name.eq_ignore_ascii_case(key))
}
