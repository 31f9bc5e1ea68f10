//! Every key of a bucket, whatever is in it. Object stores refuse keys such as `a/../b` and a whole page with them, so that one odd
//! key would hide a thousand good ones; S3 itself has no such scruples.

use super::{Access, call_failure};
use crate::content;
use crate::failure::Failure;
use yagura_aws::Session;
use yagura_model::{Map, Value};

/// An object of a listing.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// Its size in bytes.
    pub size: u64,
    /// Its ETag: what changes when it is written again.
    pub stamp: String,
}

/// The objects below a folder, or the one object of this very key, in the order of their keys.
///
/// # Errors
/// No such bucket, or a listing that is refused: a sentence.
pub async fn below(session: &Session, bucket: &str, folder: &str) -> Result<Vec<Object>, Failure> {
    let list = content::facts()?
        .read_operation("s3:ListObjectsV2")
        .map_err(|e| Failure::usage(e.to_string(), e.to_string()))?;
    let mut found = Vec::new();
    let mut take = |page: Value| {
        let inside = |key: &str| {
            folder.is_empty() || key.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        found.extend(objects(&page).filter(|o| inside(&o.key)));
    };
    let listed = session.call(&list, session.default_region(), &listing(bucket, folder), &mut take).await;
    listed.map_err(|e| call_failure(&e, bucket, Access::List))?;
    Ok(found)
}

/// The objects of a page that was asked for by [`listing`].
pub fn objects(page: &Value) -> impl Iterator<Item = Object> {
    let objects = page.path("Contents").and_then(|v| v.as_list().map(<[Value]>::to_vec)).unwrap_or_default();
    objects.into_iter().filter_map(|object| {
        let text = |name: &str| object.path(name).and_then(|v| v.as_str().map(str::to_owned));
        let size = match object.path("Size").as_deref() {
            Some(Value::Int(n)) => u64::try_from(*n).unwrap_or_default(),
            _ => 0,
        };
        Some(Object { key: decoded(&text("Key")?), size, stamp: text("ETag").unwrap_or_default() })
    })
}

/// A listing whose keys come so that XML can carry them, whatever is in them.
pub fn listing(bucket: &str, prefix: &str) -> Map {
    let mut input = Map::new();
    input.insert("Bucket", Value::text(bucket));
    input.insert("Prefix", Value::text(prefix));
    input.insert("EncodingType", Value::text("url"));
    input
}

/// A key as it is, from a listing with `EncodingType: url`. A key that is no UTF-8 cannot be one of CloudTrail's; what does not fit is
/// replaced, so that it is seen.
pub fn decoded(key: &str) -> String {
    let mut out = Vec::with_capacity(key.len());
    let mut rest = key.bytes();
    while let Some(byte) = rest.next() {
        let digits = (byte == b'%').then(|| key.get(key.len() - rest.len()..key.len() - rest.len() + 2)).flatten();
        match digits.and_then(|d| u8::from_str_radix(d, 16).ok()) {
            Some(value) => {
                out.push(value);
                rest.next();
                rest.next();
            }
            None if byte == b'+' => out.push(b' '),
            None => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_keys_are_decoded() {
        for (listed, key) in [
            ("AWSLogs/1/a_b.json.gz", "AWSLogs/1/a_b.json.gz"),
            ("a+b%2Fc%2b%E6%97%A5", "a b/c+日"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%é", "%é"),
            ("%ff", "\u{fffd}"),
            ("", ""),
        ] {
            assert_eq!(decoded(listed), key, "{listed}");
        }
    }
}
