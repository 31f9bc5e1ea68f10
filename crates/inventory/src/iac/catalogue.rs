//! Which kind a template's resource type declares, and what the resource will be called.

use super::Setting;
use super::fit::plain_name;
use super::node::Node;
use super::spec::{Attach, Rule};
use crate::kinds::{Kinds, ReadyKind};
use smol_str::SmolStr;
use std::collections::HashMap;

/// What wrote a resource down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    CloudFormation,
    Terraform,
}

/// What a reference to a resource gives. Names that only AWS gives are stood in for by the resource's name in the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The asset's id.
    pub id: SmolStr,
    /// Its name, where the id is an ARN.
    pub name: SmolStr,
    pub arn: SmolStr,
    /// Whether a plain reference gives the ARN.
    pub ref_arn: bool,
    /// Whether the template gives the name; otherwise its place in the template stands in for one.
    pub given: bool,
}

impl Identity {
    /// What `Ref`, or `.id`, gives.
    pub(crate) fn reference(&self) -> Node {
        Node::Text(if self.ref_arn { self.arn.clone() } else { self.id.clone() })
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        self.id == name || self.arn == name || self.name == name
    }
}

/// Kinds by the types that declare them.
pub(crate) struct Catalogue<'k> {
    kinds: HashMap<&'k str, &'k ReadyKind>,
    attach: HashMap<&'k str, Vec<(&'k ReadyKind, &'k Attach)>>,
}

impl<'k> Catalogue<'k> {
    pub(crate) fn new(all: &'k Kinds) -> Self {
        let (mut kinds, mut attach) = (HashMap::new(), HashMap::<&str, Vec<_>>::new());
        for kind in all.iter() {
            let r = &kind.resource;
            if !r.iac.undeclared {
                for t in r.cloudformation.iter().chain(&r.terraform).chain(r.iac.also.iter().map(|(t, _)| t)) {
                    kinds.insert(t.as_str(), kind);
                }
            }
            for a in &r.iac.attach {
                attach.entry(a.of.as_str()).or_default().push((kind, a));
            }
        }
        Self { kinds, attach }
    }

    pub(crate) fn kind(&self, of: &str) -> Option<&'k ReadyKind> {
        self.kinds.get(of).copied()
    }

    pub(crate) fn attachments(&self, of: &str) -> &[(&'k ReadyKind, &'k Attach)] {
        self.attach.get(of).map_or(&[], Vec::as_slice)
    }

    /// The properties that may name a resource of this type, the surest first.
    pub(crate) fn name_properties(&self, of: &str, form: Form, body: &Node) -> Vec<SmolStr> {
        let Some(kind) = self.kind(of) else { return Vec::new() };
        let r = &kind.resource;
        let field = r.name.trim_matches(['{', '}', ':', '/']);
        let ruled = rules(kind, form).iter().filter(|rule| rule.to.as_deref() == Some(field)).map(|r| r.from.clone());
        let wanted = plain_name(field);
        let same = body.entries().iter().filter(|e| plain_name(&e.key) == wanted).map(|e| e.key.clone());
        let mut out: Vec<SmolStr> = r.iac.named_by.iter().cloned().chain(ruled).chain(same).collect();
        out.retain(|p| body.get(p).is_some());
        out
    }

    /// The identity of a resource with this name, or named by its place in the template.
    pub(crate) fn identity(&self, of: &str, name: Option<SmolStr>, address: &str, at: &Setting) -> Identity {
        let given = name.as_ref().is_some_and(|n| !n.is_empty());
        let short = name.filter(|n| !n.is_empty()).unwrap_or_else(|| address.into());
        let Some(kind) = self.kind(of) else {
            let arn =
                smol_str::format_smolstr!("arn:{}:template:{}:{}:{of}/{short}", at.partition, at.region, at.account);
            return Identity { id: short.clone(), name: short, arn, ref_arn: false, given };
        };
        let r = &kind.resource;
        let template = r.iac.arn.as_ref().or(r.arn.as_ref().filter(|a| a.contains('{')));
        let (service, noun) = r.id.split_once('.').unwrap_or((r.id.as_str(), "resource"));
        let region = if r.regional { at.region.as_str() } else { "" };
        let arn = match template {
            Some(t) => fill(t, &short, at, region),
            None => {
                smol_str::format_smolstr!("arn:{}:{service}:{region}:{}:{noun}/{short}", at.partition, at.account)
            }
        };
        let names_arn = r.arn.as_ref() == Some(&r.name) || r.name.ends_with("Arn") || r.name.ends_with("ARN");
        let id = if names_arn { arn.clone() } else { short.clone() };
        Identity { id, name: short, arn, ref_arn: r.iac.ref_arn, given }
    }
}

/// The rules of a kind for a form of template.
pub(crate) fn rules(kind: &ReadyKind, form: Form) -> &[Rule] {
    match form {
        Form::CloudFormation => &kind.resource.iac.cloudformation,
        Form::Terraform => &kind.resource.iac.terraform,
    }
}

fn fill(template: &str, name: &str, at: &Setting, region: &str) -> SmolStr {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (key, tail) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(match key {
            "partition" => &at.partition,
            "account" | "OwnerId" => &at.account,
            "region" => region,
            _ => name,
        });
        rest = tail;
    }
    out.push_str(rest);
    out.into()
}
