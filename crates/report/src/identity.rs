//! Names that other tools know a resource by: the partition, a Region that exists.

use yagura_model::{ResourceRef, Verdict};

/// What stands before the first dot of the check's id (`s3`).
pub(crate) fn service(verdict: &Verdict) -> &str {
    verdict.rule.split_once('.').map_or(verdict.rule.as_str(), |(service, _)| service)
}

/// `aws`, `aws-cn` or `aws-us-gov`: from the ARN, else from the Region's name.
pub(crate) fn partition(resource: &ResourceRef) -> &str {
    let from_arn =
        resource.arn.as_deref().and_then(|arn| arn.strip_prefix("arn:")).and_then(|rest| rest.split(':').next());
    match from_arn {
        Some(partition) if !partition.is_empty() => partition,
        _ if resource.region.starts_with("cn-") || resource.region.starts_with("aws-cn") => "aws-cn",
        _ if resource.region.starts_with("us-gov-") || resource.region.starts_with("aws-us-gov") => "aws-us-gov",
        _ => "aws",
    }
}

/// The Region, or where it is a global pseudo-Region (or empty) the Region that AWS counts the partition's global
/// services to.
pub(crate) fn real_region(resource: &ResourceRef) -> &str {
    if !resource.region.is_empty() && !is_global(&resource.region) {
        return &resource.region;
    }
    match partition(resource) {
        "aws-cn" => "cn-north-1",
        "aws-us-gov" => "us-gov-west-1",
        _ => "us-east-1",
    }
}

/// Whether this is a partition's global pseudo-Region (`aws-global`).
pub(crate) fn is_global(region: &str) -> bool {
    region.starts_with("aws-") && region.ends_with("global")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(arn: Option<&str>, region: &str) -> ResourceRef {
        ResourceRef {
            arn: arn.map(Into::into),
            id: "x".into(),
            kind: "account".into(),
            account: "111122223333".into(),
            region: region.into(),
        }
    }

    #[test]
    fn global_pseudo_regions_become_the_home_region_of_their_partition() {
        let rows = [
            (None, "aws-global", "aws", "us-east-1"),
            (None, "aws-cn-global", "aws-cn", "cn-north-1"),
            (None, "aws-us-gov-global", "aws-us-gov", "us-gov-west-1"),
            (Some("arn:aws-cn:s3:::b"), "aws-global", "aws-cn", "cn-north-1"),
            (None, "ap-northeast-1", "aws", "ap-northeast-1"),
            (None, "us-gov-east-1", "aws-us-gov", "us-gov-east-1"),
        ];
        for (arn, region, want_partition, want_region) in rows {
            let resource = resource(arn, region);
            assert_eq!(
                (partition(&resource), real_region(&resource)),
                (want_partition, want_region),
                "{arn:?} {region}"
            );
        }
    }
}
