//! What a recorded call was made on: ARNs that the record names, and patterns for those that it does not.
//!
//! A call is authorized on every resource that it concerns (Service Authorization Reference,
//! `reference_policies_actions-resources-contextkeys`). Where the record names none of a type, a pattern that surely holds
//! the resource stands in its place: a policy that takes in the whole pattern takes in the resource, one that shares no
//! ARN with it does not, and between the two the answer is open.

use super::Call;
use super::parameter::Parameters;
use crate::catalogue::{Found, ResourceType, partition_of};
use crate::language::{Answer, Pattern, StringSet, find};
use crate::pattern::{Glob, tokens};
use smol_str::{SmolStr, format_smolstr};

/// A resource of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resource {
    /// This ARN, or `*` for an action that names none.
    Named(SmolStr),
    /// Some ARN of this pattern.
    Like(SmolStr),
    /// This ARN, or one of the pattern: IAM's paths are not in requests.
    Either(SmolStr, SmolStr),
    /// Nothing is known of it.
    Untold,
}

/// How a call concerns a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// It does.
    Of(Resource),
    /// It may: the action takes such a resource, the record names none.
    Perhaps(Resource),
    /// It concerns one of these.
    OneOf(Vec<Resource>),
}

/// How many ARNs of one call and type are looked at by name; further ones become a pattern.
const MOST: usize = 500;

/// What an action of a call concerns.
pub fn of(call: &Call<'_>, action: &Found<'_>, parameters: &Parameters<'_>) -> Vec<Part> {
    let full = action.name();
    if action.action.resources.is_empty() {
        return vec![Part::Of(Resource::Named(SmolStr::new_static("*")))];
    }
    let mut parts = Vec::new();
    let mut lacking = Vec::new();
    let mut named_any = false;
    let needs_one = action.action.resources.iter().any(|u| u.required);
    for (kind, usage) in action.service.resources_of(action.action) {
        let named = named(call, &full, kind, parameters);
        if named.is_empty() {
            lacking.push((kind, usage.required));
        }
        named_any |= !named.is_empty();
        parts.extend(named.into_iter().map(Part::Of));
    }
    let like = |kind: &ResourceType| kind.arns.iter().map(|t| pattern(call, t, kind, parameters)).collect::<Vec<_>>();
    if !needs_one {
        if !named_any {
            let all: Vec<(Resource, bool)> = lacking.iter().flat_map(|(kind, _)| like(kind)).collect();
            // A type of which the request gives a part is the one: a bucket's name is no access point's.
            let mut meant: Vec<Resource> = all.iter().filter(|(_, told)| *told).map(|(r, _)| r.clone()).collect();
            parts.extend(match meant.len() {
                0 => {
                    let all = all.into_iter().map(|(resource, _)| resource);
                    Some(Part::OneOf(all.chain([Resource::Named(SmolStr::new_static("*"))]).collect()))
                }
                1 => meant.pop().map(Part::Of),
                _ => Some(Part::OneOf(meant)),
            });
        }
        return parts;
    }
    let like = |kind: &ResourceType| like(kind).into_iter().map(|(resource, _)| resource).collect::<Vec<_>>();
    for (kind, required) in lacking {
        match (required, like(kind)) {
            (true, mut one) if one.len() == 1 => parts.extend(one.pop().map(Part::Of)),
            (true, several) => parts.push(Part::OneOf(several)),
            (false, several) => parts.extend(several.into_iter().map(Part::Perhaps)),
        }
    }
    parts
}

/// The ARNs of a type that the record names.
fn named(call: &Call<'_>, action: &str, kind: &ResourceType, parameters: &Parameters<'_>) -> Vec<Resource> {
    let mut found: Vec<Resource> = Vec::new();
    let mut add = |resource: Resource| {
        if found.len() < MOST && !found.contains(&resource) {
            found.push(resource);
        }
    };
    let copied = action == "s3:GetObject" && call.operation.as_str().contains("Copy");
    if copied {
        // What is read is named in a header; the other parameters name what is written.
        let source = parameters.of("x-amz-copy-source").next();
        if let Some(source) = source.filter(|_| kind.name == "object") {
            let path = source.trim_start_matches('/').split('?').next().unwrap_or_default();
            add(Resource::Named(format_smolstr!("arn:{}:s3:::{path}", partition(call))));
        }
        return found;
    }
    for template in &kind.arns {
        let shape = Glob::new(&shape(template));
        let given = call.record.arns().chain(parameters.arns());
        let mut fits = given.filter(|arn| shape.matches(arn)).filter_map(|arn| fitting(kind, arn)).peekable();
        if fits.peek().is_some() {
            fits.for_each(&mut add);
            continue;
        }
        filled(call, template, kind, parameters).into_iter().for_each(&mut add);
    }
    found
}

/// An ARN as the authorization of its type sees it; `None` where it is of another type after all.
fn fitting(kind: &ResourceType, arn: &str) -> Option<Resource> {
    let s3 = arn.split(':').nth(2) == Some("s3");
    match kind.name.as_str() {
        "bucket" if s3 => Some(Resource::Named(SmolStr::new(arn.split('/').next().unwrap_or(arn)))),
        "object" if s3 => arn.contains('/').then(|| Resource::Named(SmolStr::new(arn))),
        "Secret" => Some(secret(arn)),
        _ => Some(Resource::Named(SmolStr::new(arn))),
    }
}

/// A secret's ARN ends in six characters that requests may leave out (Secrets Manager User Guide, `whats-in-a-secret`).
fn secret(arn: &str) -> Resource {
    let whole =
        arn.rsplit_once('-').is_some_and(|(_, end)| end.len() == 6 && end.chars().all(|c| c.is_ascii_alphanumeric()));
    if whole { Resource::Named(SmolStr::new(arn)) } else { Resource::Like(format_smolstr!("{arn}-??????")) }
}

/// A documented ARN as a pattern: placeholders stand for anything.
fn shape(template: &str) -> String {
    let mut out = String::with_capacity(template.len());
    each(template, &mut |piece| match piece {
        Piece::Text(text) => out.push_str(text),
        Piece::Placeholder(_) => out.push('*'),
    });
    out
}

enum Piece<'t> {
    Text(&'t str),
    Placeholder(&'t str),
}

fn each<'t>(template: &'t str, take: &mut dyn FnMut(Piece<'t>)) {
    let mut rest = template;
    while let Some((head, tail)) = rest.split_once("${") {
        take(Piece::Text(head));
        let (name, after) = tail.split_once('}').unwrap_or((tail, ""));
        take(Piece::Placeholder(name));
        rest = after;
    }
    take(Piece::Text(rest));
}

/// The ARNs with their placeholders filled out of the request's parameters; none where one is missing.
fn filled(call: &Call<'_>, template: &str, kind: &ResourceType, parameters: &Parameters<'_>) -> Vec<Resource> {
    let mut texts = vec![String::new()];
    let mut path: Option<SmolStr> = None;
    let mut whole = true;
    each(template, &mut |piece| match piece {
        Piece::Text(text) => texts.iter_mut().for_each(|t| t.push_str(text)),
        Piece::Placeholder(name) => {
            let values = match fixed(call, name) {
                Some(value) => vec![SmolStr::new(value)],
                None => values(name, kind, parameters),
            };
            whole &= !values.is_empty() && (texts.len() == 1 || values.len() == 1);
            if name.ends_with("WithPath") {
                path = Some(SmolStr::new(name));
            }
            let longer = texts.iter().flat_map(|t| values.iter().map(move |v| format!("{t}{v}")));
            texts = longer.take(MOST).collect();
        }
    });
    if !whole {
        return Vec::new();
    }
    let resource = |text: String| match (&path, kind.name.as_str()) {
        (Some(_), _) => with_path(call, &text, parameters),
        (None, "Secret") => secret(&text),
        _ => Resource::Named(SmolStr::from(text)),
    };
    texts.into_iter().map(resource).collect()
}

/// IAM's requests name users, roles and policies without their paths, but for those that create them.
fn with_path(call: &Call<'_>, arn: &str, parameters: &Parameters<'_>) -> Resource {
    let Some((head, name)) = arn.split_once('/') else { return Resource::Named(SmolStr::new(arn)) };
    if let Some(path) = parameters.of("path").next().filter(|p| p.starts_with('/')) {
        return Resource::Named(format_smolstr!("{head}{path}{}{name}", if path.ends_with('/') { "" } else { "/" }));
    }
    let is_it = |told: &&str| told.starts_with(head) && told.rsplit('/').next() == Some(name);
    if let Some(told) = Parameters::new(call.record.0.get("responseElements")).arns().find(is_it) {
        return Resource::Named(SmolStr::new(told));
    }
    Resource::Either(SmolStr::new(arn), format_smolstr!("{head}/*/{name}"))
}

/// The pattern of a type's ARNs, as narrow as the record tells, and whether the request's parameters narrowed it.
fn pattern(call: &Call<'_>, template: &str, kind: &ResourceType, parameters: &Parameters<'_>) -> (Resource, bool) {
    let mut out = String::new();
    let mut told = false;
    each(template, &mut |piece| match piece {
        Piece::Text(text) => out.push_str(text),
        Piece::Placeholder(name) => match fixed(call, name) {
            Some(value) => out.push_str(value),
            None => {
                let values = values(name, kind, parameters);
                let copied = call.operation.as_str().contains("Copy");
                out.push_str(match values.as_slice() {
                    [only] if !copied => {
                        told = true;
                        only.as_str()
                    }
                    _ => "*",
                });
            }
        },
    });
    (Resource::Like(SmolStr::from(out)), told)
}

/// What does not hang on the request's parameters.
fn fixed<'c>(call: &'c Call<'_>, placeholder: &str) -> Option<&'c str> {
    match placeholder {
        "Partition" => Some(partition(call)),
        "Region" => call.record.text("awsRegion"),
        "Account" => Some(call.record.account()).filter(|a| *a != "*"),
        _ => None,
    }
}

fn partition(call: &Call<'_>) -> &'static str {
    call.record.text("awsRegion").and_then(partition_of).map_or("aws", |p| p.name)
}

/// Parameters that are not called as the placeholder of the documented ARN.
const CALLED: [(&str, &[&str]); 11] = [
    ("ObjectName", &["key"]),
    ("QueueName", &["queueUrl", "queueName"]),
    ("SecurityGroupId", &["groupId"]),
    ("KeyPairName", &["keyName"]),
    ("DbInstanceName", &["dBInstanceIdentifier"]),
    ("DbClusterInstanceName", &["dBClusterIdentifier"]),
    ("SnapshotName", &["dBSnapshotIdentifier"]),
    ("ClusterSnapshotName", &["dBClusterSnapshotIdentifier"]),
    ("ParameterNameWithoutLeadingSlash", &["name", "names"]),
    ("TrailName", &["name", "trailName"]),
    ("TopicName", &["name", "topicName"]),
];

/// The values that a placeholder may have: of parameters by its name, or by the resource's (`${FunctionName}`, `functionName`;
/// `${Id}` of `instance`, `instanceId`).
fn values(placeholder: &str, kind: &ResourceType, parameters: &Parameters<'_>) -> Vec<SmolStr> {
    let known = CALLED.iter().find(|(name, _)| *name == placeholder).map_or(&[][..], |(_, called)| called);
    let with_kind = format_smolstr!("{}{placeholder}", kind.name);
    let bare = placeholder.strip_suffix("NameWithPath").map(|n| format_smolstr!("{n}Name"));
    let names = known.iter().copied().chain([placeholder, with_kind.as_str()]).chain(bare.as_deref());
    for name in names {
        let found: Vec<SmolStr> = parameters.of(name).filter_map(|v| as_name(placeholder, v)).collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// A parameter's value as it stands in an ARN; an ARN in the place of a name is none, nor is a key's alias its id.
fn as_name(placeholder: &str, value: &str) -> Option<SmolStr> {
    let value = match placeholder {
        "QueueName" => value.rsplit('/').next().unwrap_or(value),
        "ParameterNameWithoutLeadingSlash" => value.trim_start_matches('/'),
        "KeyId" if value.starts_with("alias/") => return None,
        _ => value,
    };
    (!value.is_empty() && !value.starts_with("arn:") && !value.contains(['*', '?'])).then(|| SmolStr::new(value))
}

/// How a policy's written resource takes in a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Every ARN of it.
    All,
    /// None of its ARNs.
    Nothing,
    /// Some may be, or it could not be told.
    Open,
}

/// Holds an item of `Resource` or `NotResource` against a pattern. A policy variable may stand for anything.
pub fn taken(written: &str, like: &str) -> Taken {
    if written == "*" {
        return Taken::All;
    }
    let mut plain = String::with_capacity(written.len());
    let mut variable = false;
    each(written, &mut |piece| match piece {
        Piece::Text(text) => plain.push_str(text),
        Piece::Placeholder(_) => {
            variable = true;
            plain.push('*');
        }
    });
    let theirs = Pattern::resource(tokens(&plain).collect(), false);
    let ours = Pattern::resource(tokens(like).collect(), false);
    if theirs.surely_disjoint(&ours) {
        return Taken::Nothing;
    }
    if !variable && theirs.covers(&ours) {
        return Taken::All;
    }
    match find(&[&StringSet::any_of(vec![theirs]), &StringSet::any_of(vec![ours])], []) {
        Answer::Empty => Taken::Nothing,
        _ => Taken::Open,
    }
}
