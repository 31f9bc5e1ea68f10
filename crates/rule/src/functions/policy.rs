//! What a policy document says on its face.

use serde_json::Value as Json;

/// Whether a policy document has a statement that allows every action on every resource with no condition:
/// `Effect: Allow`, `Action` `*` or `*:*`, `Resource` `*`, where several `*` in a row match what one does. Other
/// statements (a Deny that takes some of it back) and conditional statements are left out of account: the question is
/// what this policy hands out whatever else applies.
/// The document may be URL-encoded, as IAM sends it (RFC 3986, per the IAM API reference, `PolicyVersion`).
///
/// # Errors
/// Says that the text is not a policy document.
pub(crate) fn is_admin(document: &str) -> Result<bool, String> {
    let text = if document.trim_start().starts_with('{') { document.into() } else { percent_decoded(document) };
    let json: Json = serde_json::from_str(&text).map_err(|_| "the policy document is not JSON".to_owned())?;
    let statements = json.get("Statement").ok_or_else(|| "the policy document has no `Statement`".to_owned())?;
    Ok(as_list(statements).iter().any(grants_all))
}

/// A text as people read it: a percent-encoded policy document is decoded, any other text stays as it is.
pub(crate) fn readable(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.starts_with('%') {
        return text.into();
    }
    let decoded = percent_decoded(text);
    if decoded.trim_start().starts_with('{') { decoded } else { text.into() }
}

fn grants_all(statement: &Json) -> bool {
    let names = |key: &str, all: &[&str]| {
        let is_all = |item: &Json| item.as_str().is_some_and(|s| all.contains(&single_stars(s).as_str()));
        statement.get(key).is_some_and(|v| as_list(v).iter().any(is_all))
    };
    let conditional = statement.get("Condition").is_some_and(|c| c.as_object().is_none_or(|o| !o.is_empty()));
    statement.get("Effect").and_then(Json::as_str) == Some("Allow")
        && names("Action", &["*", "*:*"])
        && names("Resource", &["*"])
        && !conditional
}

/// The pattern with each run of `*` written as one.
fn single_stars(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        if c != '*' || !out.ends_with('*') {
            out.push(c);
        }
    }
    out
}

fn as_list(v: &Json) -> &[Json] {
    match v {
        Json::Array(a) => a,
        one => std::slice::from_ref(one),
    }
}

fn percent_decoded(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains('%') {
        return text.into();
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&b, tail)) = rest.split_first() {
        let hex = (b == b'%').then(|| tail.get(..2)).flatten().and_then(|h| std::str::from_utf8(h).ok());
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(b);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned().into()
}

#[cfg(test)]
mod tests {
    use super::is_admin;

    #[test]
    fn statements() {
        for (name, document, want) in [
            ("string", r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#, true),
            ("among others", r#"{"Statement":[{"Effect":"Allow","Action":["s3:Get*","*"],"Resource":["*"]}]}"#, true),
            ("star colon star", r#"{"Statement":[{"Effect":"Allow","Action":"*:*","Resource":"*"}]}"#, true),
            ("two stars", r#"{"Statement":{"Effect":"Allow","Action":"**","Resource":"***"}}"#, true),
            ("stars colon stars", r#"{"Statement":{"Effect":"Allow","Action":["*:**"],"Resource":["**"]}}"#, true),
            ("stars around a name", r#"{"Statement":{"Effect":"Allow","Action":"**s3**","Resource":"**"}}"#, false),
            ("one bucket", r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::a"}]}"#, false),
            ("one service", r#"{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#, false),
            ("deny", r#"{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#, false),
            (
                "conditional",
                r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"a":"b"}}}]}"#,
                false,
            ),
            (
                "empty condition",
                r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{}}]}"#,
                true,
            ),
            (
                "encoded",
                "%7B%22Statement%22%3A%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22%2A%22%2C%22Resource%22%3A%22%2A%22%7D%7D",
                true,
            ),
        ] {
            assert_eq!(is_admin(document), Ok(want), "{name}");
        }
        assert!(is_admin("{").is_err());
        assert!(is_admin("%7").is_err());
        assert!(is_admin("{}").is_err());
        assert!(is_admin(&"[".repeat(200_000)).is_err());
    }
}
