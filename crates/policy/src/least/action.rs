//! From API operations to IAM actions.

use super::Record;
use crate::catalogue::Catalogue;
use smol_str::{SmolStr, format_smolstr};

/// The actions that a record needed.
pub(crate) enum Actions {
    /// These.
    Known(Vec<SmolStr>),
    /// None: a sign-in, an event of a service.
    NoPermission,
    /// Not known.
    Unknown,
}

/// Services whose event source is not their IAM prefix.
const PREFIXES: [(&str, &str); 12] = [
    ("monitoring", "cloudwatch"),
    ("email", "ses"),
    ("tagging", "tag"),
    ("opensearch", "es"),
    ("cloudhsmv2", "cloudhsm"),
    ("entitlement.marketplace", "aws-marketplace"),
    ("metering.marketplace", "aws-marketplace"),
    ("pinpoint", "mobiletargeting"),
    ("models.lex", "lex"),
    ("runtime.sagemaker", "sagemaker"),
    ("data.iot", "iot"),
    ("docdb", "rds"),
];

/// Operations whose action has another name (Service Authorization Reference, "Actions defined by …"; Amazon S3 User
/// Guide, `using-with-s3-policy-actions`).
const RENAMED: [(&str, &[&str]); 47] = [
    ("s3:ListObjects", &["s3:ListBucket"]),
    ("s3:ListObjectsV2", &["s3:ListBucket"]),
    ("s3:HeadBucket", &["s3:ListBucket"]),
    ("s3:ListObjectVersions", &["s3:ListBucketVersions"]),
    ("s3:ListBuckets", &["s3:ListAllMyBuckets"]),
    ("s3:ListMultipartUploads", &["s3:ListBucketMultipartUploads"]),
    ("s3:ListParts", &["s3:ListMultipartUploadParts"]),
    ("s3:HeadObject", &["s3:GetObject"]),
    ("s3:SelectObjectContent", &["s3:GetObject"]),
    ("s3:CopyObject", &["s3:GetObject", "s3:PutObject"]),
    ("s3:UploadPartCopy", &["s3:GetObject", "s3:PutObject"]),
    ("s3:UploadPart", &["s3:PutObject"]),
    ("s3:CreateMultipartUpload", &["s3:PutObject"]),
    ("s3:InitiateMultipartUpload", &["s3:PutObject"]),
    ("s3:CompleteMultipartUpload", &["s3:PutObject"]),
    ("s3:PostObject", &["s3:PutObject"]),
    ("s3:DeleteObjects", &["s3:DeleteObject"]),
    ("s3:GetBucketLifecycle", &["s3:GetLifecycleConfiguration"]),
    ("s3:GetBucketLifecycleConfiguration", &["s3:GetLifecycleConfiguration"]),
    ("s3:PutBucketLifecycle", &["s3:PutLifecycleConfiguration"]),
    ("s3:PutBucketLifecycleConfiguration", &["s3:PutLifecycleConfiguration"]),
    ("s3:DeleteBucketLifecycle", &["s3:PutLifecycleConfiguration"]),
    ("s3:GetBucketEncryption", &["s3:GetEncryptionConfiguration"]),
    ("s3:PutBucketEncryption", &["s3:PutEncryptionConfiguration"]),
    ("s3:DeleteBucketEncryption", &["s3:PutEncryptionConfiguration"]),
    ("s3:GetBucketReplication", &["s3:GetReplicationConfiguration"]),
    ("s3:PutBucketReplication", &["s3:PutReplicationConfiguration"]),
    ("s3:DeleteBucketReplication", &["s3:PutReplicationConfiguration"]),
    ("s3:GetPublicAccessBlock", &["s3:GetBucketPublicAccessBlock"]),
    ("s3:PutPublicAccessBlock", &["s3:PutBucketPublicAccessBlock"]),
    ("s3:DeletePublicAccessBlock", &["s3:PutBucketPublicAccessBlock"]),
    ("s3:GetBucketCors", &["s3:GetBucketCORS"]),
    ("s3:PutBucketCors", &["s3:PutBucketCORS"]),
    ("s3:DeleteBucketCors", &["s3:PutBucketCORS"]),
    ("s3:GetBucketAccelerateConfiguration", &["s3:GetAccelerateConfiguration"]),
    ("s3:PutBucketAccelerateConfiguration", &["s3:PutAccelerateConfiguration"]),
    ("s3:GetObjectLockConfiguration", &["s3:GetBucketObjectLockConfiguration"]),
    ("s3:PutObjectLockConfiguration", &["s3:PutBucketObjectLockConfiguration"]),
    ("s3:DeleteBucketTagging", &["s3:PutBucketTagging"]),
    ("s3:GetBucketNotificationConfiguration", &["s3:GetBucketNotification"]),
    ("s3:PutBucketNotificationConfiguration", &["s3:PutBucketNotification"]),
    ("s3:GetBucketInventoryConfiguration", &["s3:GetInventoryConfiguration"]),
    ("s3:GetBucketAnalyticsConfiguration", &["s3:GetAnalyticsConfiguration"]),
    ("s3:GetBucketMetricsConfiguration", &["s3:GetMetricsConfiguration"]),
    ("lambda:Invoke", &["lambda:InvokeFunction"]),
    ("lambda:InvokeWithResponseStream", &["lambda:InvokeFunction"]),
    ("dynamodb:TransactWriteItems", &["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"]),
];

/// The actions of a record, as the catalogue spells them.
pub(crate) fn of(catalogue: &Catalogue, record: &Record<'_>) -> Actions {
    let Some((source, name)) = record.call() else { return Actions::NoPermission };
    let is_call = record.0.get("eventType").and_then(|t| t.as_str()).is_none_or(|t| t == "AwsApiCall");
    if !is_call || source == "signin" {
        return Actions::NoPermission;
    }
    let prefix = PREFIXES.iter().find(|(from, _)| *from == source).map_or(source, |(_, to)| to);
    let name = without_version(name);
    let full = format_smolstr!("{prefix}:{name}");
    let renamed = RENAMED.iter().find(|(operation, _)| operation.eq_ignore_ascii_case(&full));
    let candidates: Vec<SmolStr> = match renamed {
        Some((_, actions)) => actions.iter().map(|a| SmolStr::new_static(a)).collect(),
        None => vec![full],
    };
    let mut known = Vec::new();
    for candidate in &candidates {
        let Some(found) = catalogue.action(candidate) else { return Actions::Unknown };
        known.push(format_smolstr!("{}:{}", found.service.prefix, found.action.name));
    }
    // A role among the parameters of a service's call is passed to the service (IAM User Guide, `id_roles_use_passrole`).
    let passes = |(key, value): &(&str, &str)| key.to_ascii_lowercase().contains("role") && is_role(value);
    if !matches!(prefix, "iam" | "sts") && record.parameters().iter().any(passes) {
        known.push(SmolStr::new_static("iam:PassRole"));
    }
    known.dedup();
    Actions::Known(known)
}

pub(super) fn is_role(text: &str) -> bool {
    text.starts_with("arn:") && text.contains(":iam::") && text.contains(":role/")
}

/// An operation without the API version that some services put behind its name: `CreateFunction20150331`,
/// `UpdateFunctionCode20150331v2`.
fn without_version(name: &str) -> &str {
    let base = name.rfind(|c: char| c.is_ascii_digit()).map_or(name, |last| {
        let tail = name.get(last + 1..).unwrap_or_default();
        let head = name.get(..=last).unwrap_or(name);
        if tail.is_empty() { head } else { name }
    });
    let base = match base.rsplit_once('v') {
        Some((head, version)) if version.len() == 1 && head.ends_with(|c: char| c.is_ascii_digit()) => head,
        _ => base,
    };
    let digits = base.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
    if base.len() - digits.len() >= 8 { digits } else { name }
}

#[cfg(test)]
mod tests {
    use super::without_version;

    #[test]
    fn versions() {
        for (name, want) in [
            ("CreateFunction20150331", "CreateFunction"),
            ("UpdateFunctionCode20150331v2", "UpdateFunctionCode"),
            ("CreateFunction2020_05_31", "CreateFunction"),
            ("ListObjectsV2", "ListObjectsV2"),
            ("GetObject", "GetObject"),
            ("", ""),
            ("20150331", ""),
        ] {
            assert_eq!(without_version(name), want, "{name}");
        }
    }
}
