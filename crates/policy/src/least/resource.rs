//! The resources of a call, out of its record.

use super::Record;
use super::action::is_role;
use crate::catalogue::{Catalogue, ResourceType};
use crate::pattern::Glob;
use smol_str::{SmolStr, format_smolstr};
use std::collections::BTreeSet;

/// The ARNs that an action was used on; `*` for an action that takes none; empty where the record does not say.
pub(super) fn of(catalogue: &Catalogue, action: &str, record: &Record<'_>) -> BTreeSet<SmolStr> {
    if action == "iam:PassRole" {
        return record.parameters().iter().filter(|(_, v)| is_role(v)).map(|(_, v)| SmolStr::new(v)).collect();
    }
    let Some(found) = catalogue.action(action) else { return BTreeSet::new() };
    if found.action.resources.is_empty() {
        return [SmolStr::new_static("*")].into();
    }
    let parameters = record.parameters();
    let mut arns = BTreeSet::new();
    for (kind, _) in found.service.resources_of(found.action) {
        for template in &kind.arns {
            let shape = Glob::new(&shape(template));
            let given = record.arns().chain(parameters.iter().map(|(_, value)| *value));
            let fits: BTreeSet<SmolStr> = given.filter(|arn| shape.matches(arn)).map(SmolStr::new).collect();
            if fits.is_empty() {
                arns.extend(filled(template, kind, record, &parameters));
            } else {
                arns.extend(fits);
            }
        }
    }
    // `arn:aws:s3:::bucket/*` is matched by `arn:aws:s3:::bucket` as a shape of buckets too: keep what the action is about.
    if action == "s3:GetObject" || action == "s3:PutObject" || action == "s3:DeleteObject" {
        arns.retain(|arn| arn.contains('/'));
    }
    if action.starts_with("s3:") && action.contains("Bucket") {
        arns = arns.iter().map(|arn| SmolStr::new(arn.split('/').next().unwrap_or(arn))).collect();
    }
    arns
}

/// A documented ARN as a pattern: placeholders stand for anything.
fn shape(template: &str) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((head, tail)) = rest.split_once("${") {
        out.push_str(head);
        out.push('*');
        rest = tail.split_once('}').map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out
}

/// The ARN with its placeholders filled out of the request's parameters; none where one is missing.
fn filled(template: &str, kind: &ResourceType, record: &Record<'_>, parameters: &[(&str, &str)]) -> Option<SmolStr> {
    let mut out = String::new();
    let mut rest = template;
    while let Some((head, tail)) = rest.split_once("${") {
        out.push_str(head);
        let (name, after) = tail.split_once('}')?;
        let value = match name {
            "Partition" => "aws",
            "Region" => record.region(),
            "Account" => record.account(),
            _ => parameter(name, kind, parameters)?,
        };
        out.push_str(value);
        rest = after;
    }
    out.push_str(rest);
    Some(SmolStr::new(out))
}

/// The parameter that a placeholder means: by its name, or by the resource's (`${FunctionName}`, `functionName`;
/// `${InstanceId}`, `instanceId`; `${Id}` of `instance`, `instanceId`).
fn parameter<'p>(placeholder: &str, kind: &ResourceType, parameters: &[(&str, &'p str)]) -> Option<&'p str> {
    let known = match placeholder {
        "ObjectName" => Some("key"),
        "QueueName" => Some("queueUrl"),
        _ => None,
    };
    let with_kind = format_smolstr!("{}{placeholder}", kind.name);
    let bare = placeholder.strip_suffix("NameWithPath").map(|n| format_smolstr!("{n}Name"));
    let names = [known, Some(placeholder), Some(with_kind.as_str()), bare.as_deref()];
    let found = names.into_iter().flatten().find_map(|name| {
        parameters.iter().find(|(key, value)| key.eq_ignore_ascii_case(name) && !value.is_empty()).map(|(_, v)| *v)
    })?;
    // A queue is named by the end of its URL; an ARN in the place of a name is no name.
    let last = if known == Some("queueUrl") { found.rsplit('/').next().unwrap_or(found) } else { found };
    (!last.starts_with("arn:")).then_some(last)
}
