//! A request's address: where account ids and bucket names go before the host, and where not.

use crate::endpoint::Endpoint;
use crate::error::CallError;
use crate::facts::ReadOperation;
use crate::http::Prepared;
use crate::wire::Encoded;
use std::borrow::Cow;
use yagura_model::{GapReason, Map, Value};

/// Puts host, path and headers of a request together.
pub(crate) fn prepare(
    operation: &ReadOperation,
    endpoint: &Endpoint,
    encoded: &Encoded,
    input: &Map,
    bucket: Option<&str>,
) -> Result<Prepared, CallError> {
    let mut host = Cow::Borrowed(endpoint.authority.as_str());
    let mut path = encoded.path.as_str();
    if let Some(bucket) = bucket
        && !endpoint.custom
        && is_host_label(bucket)
    {
        host = Cow::Owned(format!("{bucket}.{host}"));
        let rest = path.strip_prefix('/').and_then(|p| p.strip_prefix(bucket)).unwrap_or(path);
        path = rest;
    }
    if let Some(prefix) = operation.host_prefix
        && endpoint.takes_host_prefix()
    {
        host = Cow::Owned(format!("{}{host}", filled(prefix, input)?));
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    Ok(Prepared {
        method: encoded.method.clone(),
        uri: format!("{}://{host}{}{slash}{path}", endpoint.scheme, endpoint.base_path),
        headers: encoded.headers.iter().map(|(n, v)| (Cow::Owned(n.clone()), v.clone())).collect(),
        body: encoded.body.clone(),
    })
}

/// Fills `{Member}` in a host prefix.
fn filled(prefix: &str, input: &Map) -> Result<String, CallError> {
    let Some((before, rest)) = prefix.split_once('{') else { return Ok(prefix.to_owned()) };
    let (name, after) = rest.split_once('}').unwrap_or((rest, ""));
    match input.get(name).and_then(Value::as_str).filter(|v| is_host_label(v)) {
        Some(value) => Ok(format!("{before}{value}{after}")),
        None => {
            Err(CallError::new(GapReason::Refused, "InvalidInput", format!("`{name}` cannot stand in a host name")))
        }
    }
}

/// Whether a name may be the first label of a host: a bucket with points would not match S3's certificate.
fn is_host_label(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// The bucket that an S3 operation is about.
pub(crate) fn bucket_of<'a>(operation: &ReadOperation, input: &'a Map) -> Option<&'a str> {
    if operation.service() != "s3" {
        return None;
    }
    input.get("Bucket").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::Variant;
    use crate::facts::Facts;
    use std::path::Path;
    use std::sync::LazyLock;

    fn uri(call: &str, input: &str, custom: Option<&str>) -> String {
        static FACTS: LazyLock<Facts> = LazyLock::new(|| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/aws");
            Facts::new(move |service| std::fs::read(folder.join(format!("{service}.json"))).ok(), "").unwrap()
        });
        let operation = FACTS.read_operation(call).unwrap();
        let input: Map = serde_json::from_str(input).unwrap();
        let endpoint = match custom {
            Some(url) => Endpoint::custom(url, operation.service, "eu-west-1"),
            None => Endpoint::resolve(operation.service, "eu-west-1", Variant::default()),
        };
        let encoded = operation.service.wire.encode(&operation, &input).unwrap();
        match prepare(&operation, &endpoint.unwrap(), &encoded, &input, bucket_of(&operation, &input)) {
            Ok(prepared) => prepared.uri,
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn buckets_stand_in_the_host_unless_they_cannot() {
        for (bucket, custom, expected) in [
            ("plain", None, "https://plain.s3.eu-west-1.amazonaws.com/?encryption"),
            ("with.points", None, "https://s3.eu-west-1.amazonaws.com/with.points?encryption"),
            ("UPPER_old", None, "https://s3.eu-west-1.amazonaws.com/UPPER_old?encryption"),
            ("plain", Some("http://127.0.0.1:5000"), "http://127.0.0.1:5000/plain?encryption"),
            ("plain", Some("https://minio.example.com/base/"), "https://minio.example.com/base/plain?encryption"),
            ("a/../b", None, "https://s3.eu-west-1.amazonaws.com/a%2F..%2Fb?encryption"),
        ] {
            let input = format!(r#"{{"Bucket": "{bucket}"}}"#);
            assert_eq!(uri("s3:GetBucketEncryption", &input, custom), expected);
        }
        assert_eq!(uri("s3:ListBuckets", "{}", None), "https://s3.eu-west-1.amazonaws.com/");
    }

    #[test]
    fn accounts_stand_before_the_host_but_never_before_an_address() {
        let path = "/v20180820/configuration/publicAccessBlock";
        let account = r#"{"AccountId": "123456789012"}"#;
        for (custom, host) in [
            (None, "https://123456789012.s3-control.eu-west-1.amazonaws.com"),
            (Some("http://127.0.0.1:5000"), "http://127.0.0.1:5000"),
            (Some("http://localhost:5000"), "http://localhost:5000"),
            (Some("https://proxy.example.com"), "https://123456789012.proxy.example.com"),
        ] {
            assert_eq!(uri("s3control:GetPublicAccessBlock", account, custom), format!("{host}{path}"));
        }
        let evil = uri("s3control:GetPublicAccessBlock", r#"{"AccountId": "evil.example.com/"}"#, None);
        assert!(evil.starts_with("InvalidInput"), "{evil}");
    }
}
