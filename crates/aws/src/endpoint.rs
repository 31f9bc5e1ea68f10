//! Which host answers a service in a Region, and how it is signed for.

use crate::facts::{EndpointModel, Service};
use crate::partition::Partition;
use std::net::IpAddr;

/// Where requests go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// `https`, or `http` for a custom endpoint.
    pub scheme: String,
    /// Host, with the port where it is not the scheme's own.
    pub authority: String,
    /// What stands before every path; empty, or `/…` without a slash at its end.
    pub base_path: String,
    /// The Region in the signature.
    pub signing_region: String,
    /// Whether the person chose it (`AWS_ENDPOINT_URL` and its like).
    pub custom: bool,
}

/// How endpoints are chosen.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Variant {
    pub fips: bool,
    pub dual_stack: bool,
}

/// Why there is no endpoint.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EndpointError {
    #[error("{service} has no {variant} endpoint in {region}")]
    NotOffered { service: String, variant: &'static str, region: String },
    #[error("`{0}` is not an endpoint URL: write `https://host` or `http://host:port`")]
    Url(String),
    #[error("`{0}` is not a Region name")]
    Region(String),
}

impl Endpoint {
    /// The endpoint that AWS's own rules give.
    pub fn resolve(service: &Service, region: &str, variant: Variant) -> Result<Self, EndpointError> {
        let region = real_region(region)?;
        let partition = Partition::of_region(region);
        let pattern = service.endpoints(partition.name()).and_then(|model| pattern(model, region, variant));
        let pattern = pattern.ok_or_else(|| EndpointError::NotOffered {
            service: service.name().to_owned(),
            variant: variant.describe(),
            region: region.to_owned(),
        })?;
        let (host, scope) = pattern.split_once('@').unwrap_or((pattern, region));
        let (host, base_path) = host.split_once('/').map_or((host, String::new()), |(h, p)| (h, format!("/{p}")));
        Ok(Self {
            scheme: "https".to_owned(),
            authority: host.replace("{region}", region),
            base_path,
            signing_region: scope.to_owned(),
            custom: false,
        })
    }

    /// The endpoint that the person chose.
    pub fn custom(url: &str, service: &Service, region: &str) -> Result<Self, EndpointError> {
        let fail = || EndpointError::Url(url.to_owned());
        let (scheme, rest) = url.trim().split_once("://").ok_or_else(fail)?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let path = path.trim_end_matches('/');
        let sound = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
        if !matches!(scheme, "http" | "https")
            || authority.is_empty()
            || !authority.chars().all(sound)
            || path.contains(['?', '#'])
        {
            return Err(fail());
        }
        let signing_region = Self::resolve(service, region, Variant::default())
            .map(|e| e.signing_region)
            .or_else(|_| real_region(region).map(str::to_owned))?;
        Ok(Self {
            scheme: scheme.to_owned(),
            authority: authority.to_owned(),
            base_path: if path.is_empty() { String::new() } else { format!("/{path}") },
            signing_region,
            custom: true,
        })
    }

    /// Whether names may be put before the host: not before an address, nor before `localhost`.
    pub fn takes_host_prefix(&self) -> bool {
        let host = match self.authority.strip_prefix('[') {
            Some(_) => return false,
            None => self.authority.split(':').next().unwrap_or_default(),
        };
        host.parse::<IpAddr>().is_err() && host != "localhost" && host.contains('.')
    }
}

impl Variant {
    fn describe(self) -> &'static str {
        match (self.fips, self.dual_stack) {
            (false, false) => "public",
            (true, false) => "FIPS",
            (false, true) => "dual-stack",
            (true, true) => "FIPS dual-stack",
        }
    }

    fn key(self) -> &'static str {
        match (self.fips, self.dual_stack) {
            (false, false) => "",
            (true, false) => "fips",
            (false, true) => "dual",
            (true, true) => "fips+dual",
        }
    }
}

fn pattern(model: &EndpointModel, region: &str, variant: Variant) -> Option<&'static str> {
    if let Some(exception) = model.exceptions.get(region).and_then(|e| e.get(variant.key())) {
        return *exception;
    }
    match variant.key() {
        "" => model.plain,
        "fips" => model.fips,
        "dual" => model.dual,
        _ => model.fips_dual,
    }
}

/// A Region that a host may be named after.
pub(crate) fn real_region(region: &str) -> Result<&str, EndpointError> {
    let region = Partition::real_region(region);
    let label = !region.is_empty()
        && region.len() <= 40
        && region.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if label { Ok(region) } else { Err(EndpointError::Region(region.to_owned())) }
}

/// Whether a Region must be enabled before an account can use it: all but those that were there before
/// March 2019 (AWS, "Enable or disable AWS Regions in your account").
pub(crate) fn is_opt_in(region: &str) -> bool {
    const DEFAULT: [&str; 17] = [
        "us-east-1",
        "us-east-2",
        "us-west-1",
        "us-west-2",
        "ca-central-1",
        "sa-east-1",
        "eu-central-1",
        "eu-west-1",
        "eu-west-2",
        "eu-west-3",
        "eu-north-1",
        "ap-south-1",
        "ap-northeast-1",
        "ap-northeast-2",
        "ap-northeast-3",
        "ap-southeast-1",
        "ap-southeast-2",
    ];
    Partition::of_region(region) == Partition::Aws && !region.ends_with("-global") && !DEFAULT.contains(&region)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use std::path::Path;
    use std::sync::LazyLock;

    fn service(name: &str) -> &'static Service {
        static FACTS: LazyLock<Facts> = LazyLock::new(|| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/aws");
            Facts::new(move |service| std::fs::read(folder.join(format!("{service}.json"))).ok(), "").unwrap()
        });
        let call = FACTS.read_calls(name).unwrap().remove(0);
        FACTS.read_operation(&call).unwrap().service
    }

    #[test]
    fn hosts_and_signing_regions_are_those_of_aws() {
        let plain = Variant::default();
        let fips = Variant { fips: true, dual_stack: false };
        let dual = Variant { fips: false, dual_stack: true };
        for (name, region, variant, host, scope) in [
            ("ec2", "eu-west-1", plain, "ec2.eu-west-1.amazonaws.com", "eu-west-1"),
            ("ec2", "cn-north-1", plain, "ec2.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("ec2", "us-gov-west-1", plain, "ec2.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
            ("ec2", "us-west-2", fips, "ec2-fips.us-west-2.amazonaws.com", "us-west-2"),
            ("ec2", "us-west-2", dual, "ec2.us-west-2.api.aws", "us-west-2"),
            ("iam", "ap-northeast-1", plain, "iam.amazonaws.com", "us-east-1"),
            ("iam", "us-east-1", plain, "iam.amazonaws.com", "us-east-1"),
            ("iam", "aws-global", plain, "iam.amazonaws.com", "us-east-1"),
            ("iam", "cn-northwest-1", plain, "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("iam", "us-gov-east-1", plain, "iam.us-gov.amazonaws.com", "us-gov-west-1"),
            ("sts", "ap-south-1", plain, "sts.ap-south-1.amazonaws.com", "ap-south-1"),
            ("organizations", "eu-west-1", plain, "organizations.us-east-1.amazonaws.com", "us-east-1"),
            ("cloudfront", "eu-west-1", plain, "cloudfront.amazonaws.com", "us-east-1"),
            ("route53", "cn-north-1", plain, "route53.amazonaws.com.cn", "cn-northwest-1"),
            ("s3", "us-east-1", plain, "s3.us-east-1.amazonaws.com", "us-east-1"),
            ("s3", "eu-west-1", dual, "s3.dualstack.eu-west-1.amazonaws.com", "eu-west-1"),
            ("s3control", "eu-west-1", plain, "s3-control.eu-west-1.amazonaws.com", "eu-west-1"),
            ("opensearch", "eu-west-1", plain, "es.eu-west-1.amazonaws.com", "eu-west-1"),
            ("sagemaker", "eu-west-1", plain, "api.sagemaker.eu-west-1.amazonaws.com", "eu-west-1"),
            ("ecr", "eu-west-1", plain, "api.ecr.eu-west-1.amazonaws.com", "eu-west-1"),
            ("cloudwatch", "eu-west-1", plain, "monitoring.eu-west-1.amazonaws.com", "eu-west-1"),
            ("kms", "eusc-de-east-1", plain, "kms.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
            ("kms", "xx-new-7", plain, "kms.xx-new-7.amazonaws.com", "xx-new-7"),
        ] {
            let endpoint = Endpoint::resolve(service(name), region, variant).unwrap();
            assert_eq!(
                (endpoint.authority.as_str(), endpoint.signing_region.as_str()),
                (host, scope),
                "{name} {region}"
            );
            assert!(endpoint.takes_host_prefix() && endpoint.scheme == "https");
        }
    }

    #[test]
    fn what_is_not_offered_is_an_error() {
        let error =
            Endpoint::resolve(service("globalaccelerator"), "cn-north-1", Variant { fips: true, dual_stack: true });
        assert!(error.is_ok() || matches!(error, Err(EndpointError::NotOffered { .. })));
        for region in ["", "eu west", "evil.example.com/", "a/../b", "EU-WEST-1", "x@y"] {
            let error = Endpoint::resolve(service("kms"), region, Variant::default()).unwrap_err();
            assert_eq!(error, EndpointError::Region(region.to_owned()));
        }
    }

    #[test]
    fn custom_endpoints_keep_port_and_path_and_sign_as_before() {
        let kms = service("kms");
        for (url, scheme, authority, path, prefix) in [
            ("http://127.0.0.1:5000", "http", "127.0.0.1:5000", "", false),
            ("http://localhost:5000/", "http", "localhost:5000", "", false),
            ("http://[::1]:80/x/", "http", "[::1]:80", "/x", false),
            (
                "https://vpce-1.kms.eu-west-1.vpce.amazonaws.com",
                "https",
                "vpce-1.kms.eu-west-1.vpce.amazonaws.com",
                "",
                true,
            ),
            ("http://moto:5000", "http", "moto:5000", "", false),
        ] {
            let endpoint = Endpoint::custom(url, kms, "eu-west-1").unwrap();
            assert_eq!(
                (endpoint.scheme.as_str(), endpoint.authority.as_str(), endpoint.base_path.as_str()),
                (scheme, authority, path)
            );
            assert_eq!(
                (endpoint.takes_host_prefix(), endpoint.custom, endpoint.signing_region.as_str()),
                (prefix, true, "eu-west-1"),
                "{url}"
            );
        }
        assert_eq!(Endpoint::custom("http://x.y", service("iam"), "eu-west-1").unwrap().signing_region, "us-east-1");
        for url in ["", "localhost:5000", "ftp://x", "http://", "http://a b", "http://user@host", "http://h/?q"] {
            assert!(Endpoint::custom(url, kms, "eu-west-1").is_err(), "{url}");
        }
    }

    #[test]
    fn opt_in_regions_are_those_after_2019() {
        for (region, opt_in) in [
            ("us-east-1", false),
            ("ap-northeast-3", false),
            ("me-south-1", true),
            ("af-south-1", true),
            ("il-central-1", true),
            ("aws-global", false),
            ("cn-north-1", false),
            ("us-gov-east-1", false),
        ] {
            assert_eq!(is_opt_in(region), opt_in, "{region}");
        }
    }
}
