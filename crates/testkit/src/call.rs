//! Which AWS operation a request is.

use hyper::http::request::Parts;
use serde_json::Value;
use std::collections::BTreeSet;

/// How a service speaks, as far as the form of answers and errors goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// awsJson 1.0 and 1.1.
    Json,
    /// restJson1.
    RestJson,
    /// restXml (S3, S3 Control).
    RestXml,
    /// awsQuery.
    Query,
    /// ec2Query.
    Ec2,
}

/// A request, recognised.
#[derive(Debug, Clone)]
pub struct Call {
    /// `s3:GetBucketEncryption`, services by botocore's names; `service:GET /path` for a REST operation without a route.
    pub name: String,
    /// The Region of the signature's credential scope.
    pub region: String,
    /// How the service speaks.
    pub protocol: Protocol,
    /// Every value in the request: segments of the path, parameters, strings of a JSON body.
    pub words: BTreeSet<String>,
}

/// REST operations: service, method, path (`*` stands for one segment, a query key after `?`), operation.
const ROUTES: [(&str, &str, &str, &str); 25] = [
    ("s3", "GET", "/", "ListBuckets"),
    ("s3", "GET", "/*?list-type", "ListObjectsV2"),
    ("s3", "GET", "/*?encryption", "GetBucketEncryption"),
    ("s3", "GET", "/*?publicAccessBlock", "GetPublicAccessBlock"),
    ("s3", "GET", "/*?policy", "GetBucketPolicy"),
    ("s3", "GET", "/*?acl", "GetBucketAcl"),
    ("s3", "GET", "/*?ownershipControls", "GetBucketOwnershipControls"),
    ("s3", "PUT", "/*?publicAccessBlock", "PutPublicAccessBlock"),
    ("s3", "DELETE", "/*?publicAccessBlock", "DeletePublicAccessBlock"),
    ("s3", "PUT", "/*?encryption", "PutBucketEncryption"),
    ("s3", "PUT", "/*?policy", "PutBucketPolicy"),
    ("s3", "PUT", "/*", "CreateBucket"),
    ("s3", "DELETE", "/*", "DeleteBucket"),
    ("s3control", "PUT", "/v20180820/configuration/publicAccessBlock", "PutPublicAccessBlock"),
    ("s3control", "DELETE", "/v20180820/configuration/publicAccessBlock", "DeletePublicAccessBlock"),
    ("guardduty", "POST", "/detector", "CreateDetector"),
    ("guardduty", "DELETE", "/detector/*", "DeleteDetector"),
    ("s3control", "GET", "/v20180820/configuration/publicAccessBlock", "GetPublicAccessBlock"),
    ("lambda", "GET", "/2015-03-31/functions", "ListFunctions"),
    ("lambda", "GET", "/2015-03-31/functions/*/policy", "GetPolicy"),
    ("guardduty", "GET", "/detector", "ListDetectors"),
    ("guardduty", "GET", "/detector/*", "GetDetector"),
    ("opensearch", "GET", "/2021-01-01/domain", "ListDomainNames"),
    ("opensearch", "POST", "/2021-01-01/opensearch/domain-info", "DescribeDomains"),
    ("accessanalyzer", "GET", "/analyzer", "ListAnalyzers"),
];

impl Call {
    /// Recognises a signed request; `None` where it carries no SigV4 signature.
    pub fn recognise(parts: &Parts, body: &[u8]) -> Option<Self> {
        let header = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok());
        let scope = header("authorization")?.split_once("Credential=")?.1.split(',').next()?;
        let mut scope = scope.split('/').skip(2);
        let (region, signing) = (scope.next()?.to_owned(), scope.next()?);
        let path = parts.uri.path();
        let query = parts.uri.query().unwrap_or_default();
        let service = match signing {
            // Both generations sign alike; the version of the API tells them apart.
            "elasticloadbalancing" if values(&String::from_utf8_lossy(body)).any(|v| v == "2015-12-01") => "elbv2",
            _ => service(signing, path),
        };

        let mut words: BTreeSet<String> = path.split('/').filter(|s| !s.is_empty()).map(decoded).collect();
        words.extend(values(query));
        if let Some(target) = header("x-amz-target") {
            let operation = target.rsplit('.').next().unwrap_or(target);
            strings(&serde_json::from_slice(body).unwrap_or_default(), &mut words);
            return Some(Self { name: format!("{service}:{operation}"), region, protocol: Protocol::Json, words });
        }
        let form = std::str::from_utf8(body).unwrap_or_default();
        if let Some(operation) = parameter(form, "Action").or_else(|| parameter(query, "Action")) {
            words.extend(values(form));
            let protocol = if service == "ec2" { Protocol::Ec2 } else { Protocol::Query };
            return Some(Self { name: format!("{service}:{operation}"), region, protocol, words });
        }
        strings(&serde_json::from_slice(body).unwrap_or_default(), &mut words);
        let protocol = if service.starts_with("s3") { Protocol::RestXml } else { Protocol::RestJson };
        let method = parts.method.as_str();
        let route =
            ROUTES.iter().find(|(s, m, pattern, _)| *s == service && *m == method && matches(pattern, path, query));
        let name = match route {
            Some((.., operation)) => format!("{service}:{operation}"),
            None => format!("{service}:{method} {path}"),
        };
        Some(Self { name, region, protocol, words })
    }

    /// The operation without its service.
    pub fn operation(&self) -> &str {
        self.name.split_once(':').map_or("", |(_, operation)| operation)
    }
}

/// botocore's name of a service, from the name in the signature.
fn service<'a>(signing: &'a str, path: &str) -> &'a str {
    match signing {
        "s3" if path.starts_with("/v20180820/") => "s3control",
        "es" => "opensearch",
        "elasticloadbalancing" => "elb",
        "access-analyzer" => "accessanalyzer",
        other => other,
    }
}

fn matches(pattern: &str, path: &str, query: &str) -> bool {
    let (pattern, key) = pattern.split_once('?').map_or((pattern, None), |(p, k)| (p, Some(k)));
    let has = |key: &str| query.split('&').any(|pair| pair.split('=').next() == Some(key));
    let segments = |p: &str| p.trim_matches('/').split('/').map(str::to_owned).collect::<Vec<_>>();
    let (wanted, given) = (segments(pattern), segments(path));
    key.is_none_or(has)
        && wanted.len() == given.len()
        && wanted.iter().zip(&given).all(|(w, g)| (w == "*" && !g.is_empty()) || w == g)
}

fn parameter(pairs: &str, name: &str) -> Option<String> {
    pairs.split('&').filter_map(|p| p.split_once('=')).find(|(n, _)| *n == name).map(|(_, v)| decoded(v))
}

fn values(pairs: &str) -> impl Iterator<Item = String> {
    pairs.split('&').filter_map(|p| p.split_once('=')).map(|(_, v)| decoded(v))
}

fn strings(value: &Value, out: &mut BTreeSet<String>) {
    match value {
        Value::String(s) => {
            out.insert(s.clone());
        }
        Value::Array(items) => items.iter().for_each(|v| strings(v, out)),
        Value::Object(members) => members.values().for_each(|v| strings(v, out)),
        _ => {}
    }
}

/// Undoes percent-encoding; a broken escape stays as it is.
fn decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        let escape = |r: &std::str::Bytes<'_>| {
            let pair: Vec<u8> = r.clone().take(2).collect();
            u8::from_str_radix(std::str::from_utf8(&pair).ok().filter(|p| p.len() == 2)?, 16).ok()
        };
        match (b, escape(&rest)) {
            (b'%', Some(byte)) => {
                out.push(byte);
                rest.nth(1);
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(b),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &str, uri: &str, scope: &str, target: Option<&str>, body: &str) -> Option<Call> {
        let mut request = hyper::Request::builder().method(method).uri(uri);
        request = request.header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential=AKID/20260101/{scope}/aws4_request, SignedHeaders=host"),
        );
        if let Some(target) = target {
            request = request.header("x-amz-target", target);
        }
        Call::recognise(&request.body(()).unwrap().into_parts().0, body.as_bytes())
    }

    #[test]
    fn requests_are_recognised_in_every_protocol() {
        for (method, uri, scope, target, body, name) in [
            ("POST", "/", "eu-west-1/kms", Some("TrentService.DescribeKey"), r#"{"KeyId":"k-1"}"#, "kms:DescribeKey"),
            (
                "POST",
                "/",
                "eu-west-1/iam",
                None,
                "Action=GetAccountSummary&Version=2010-05-08",
                "iam:GetAccountSummary",
            ),
            ("POST", "/", "eu-west-1/ec2", None, "Action=DescribeVpcs&MaxResults=5", "ec2:DescribeVpcs"),
            (
                "POST",
                "/",
                "eu-west-1/elasticloadbalancing",
                None,
                "Action=DescribeLoadBalancers&Version=2012-06-01",
                "elb:DescribeLoadBalancers",
            ),
            (
                "POST",
                "/",
                "eu-west-1/elasticloadbalancing",
                None,
                "Action=DescribeLoadBalancers&Version=2015-12-01",
                "elbv2:DescribeLoadBalancers",
            ),
            ("GET", "/?max-buckets=10", "us-east-1/s3", None, "", "s3:ListBuckets"),
            ("GET", "/some-bucket?encryption", "us-east-1/s3", None, "", "s3:GetBucketEncryption"),
            (
                "GET",
                "/v20180820/configuration/publicAccessBlock",
                "us-east-1/s3",
                None,
                "",
                "s3control:GetPublicAccessBlock",
            ),
            ("GET", "/2015-03-31/functions/", "us-east-1/lambda", None, "", "lambda:ListFunctions"),
            ("GET", "/detector/d1", "us-east-1/guardduty", None, "", "guardduty:GetDetector"),
            ("GET", "/2021-01-01/domain", "us-east-1/es", None, "", "opensearch:ListDomainNames"),
            ("GET", "/new/thing", "us-east-1/lambda", None, "", "lambda:GET /new/thing"),
        ] {
            assert_eq!(call(method, uri, scope, target, body).unwrap().name, name);
        }
    }

    #[test]
    fn words_hold_every_value() {
        let c = call("POST", "/", "eu-west-1/iam", None, "Action=X&PolicyArn=arn%3Aaws%3Aiam&Bad=%zz").unwrap();
        assert!(c.words.contains("arn:aws:iam") && c.words.contains("%zz"), "{:?}", c.words);
    }

    #[test]
    fn an_unsigned_request_is_not_recognised() {
        let request = hyper::Request::builder().uri("/").body(()).unwrap();
        assert!(Call::recognise(&request.into_parts().0, b"").is_none());
    }
}
