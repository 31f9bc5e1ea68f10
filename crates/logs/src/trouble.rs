//! What an object store's error means for whoever has to act on it.

use object_store::Error;
use std::error::Error as StdError;

/// Why an object or a listing could not be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What kind of trouble.
    pub kind: TroubleKind,
    /// What the store said, in one line without keys or signatures: Amazon S3's code and message, or the system's words.
    pub detail: String,
}

/// What kind of trouble. Amazon S3's codes are those of "Error responses" in its API Reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TroubleKind {
    /// There is no such bucket.
    NoBucket,
    /// There is no such object.
    NotFound,
    /// Access was denied; with the IAM action, where the answer names it (`kms:Decrypt`).
    Denied(Option<String>),
    /// The credentials are missing, wrong or ended.
    Credentials,
    /// The bucket is in another Region than the request was sent to.
    OtherRegion,
    /// The object is archived and must be restored before it can be read.
    Archived,
    /// Anything else: the network, a fault of the service, a file system's error, a key that cannot be asked for.
    Other,
}

/// The longest text that is kept of an answer.
const LONGEST: usize = 300;

/// Codes that tell of credentials.
const CREDENTIALS: [&str; 7] = [
    "ExpiredToken",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "RequestTimeTooSkewed",
    "InvalidSecurity",
];

impl Trouble {
    /// Reads an error.
    pub fn of(error: &Error) -> Self {
        let whole = innermost(error);
        let answered = element(&whole, "Code").map(|code| (code, element(&whole, "Message").unwrap_or_default()));
        let detail = match answered {
            Some((code, "")) => code.to_owned(),
            Some((code, message)) => format!("{code}: {message}"),
            None => whole.clone(),
        };
        let code = answered.map_or("", |(code, _)| code);
        let kind = match (code, error) {
            ("NoSuchBucket", _) => TroubleKind::NoBucket,
            ("InvalidObjectState", _) => TroubleKind::Archived,
            ("PermanentRedirect" | "TemporaryRedirect" | "AuthorizationHeaderMalformed", _) => TroubleKind::OtherRegion,
            (code, _) if CREDENTIALS.contains(&code) => TroubleKind::Credentials,
            ("", _) if whole.contains("redirect without LOCATION") => TroubleKind::OtherRegion,
            (_, Error::NotFound { .. }) => TroubleKind::NotFound,
            (_, Error::PermissionDenied { .. } | Error::Unauthenticated { .. }) => TroubleKind::Denied(action(&whole)),
            _ if code == "AccessDenied" => TroubleKind::Denied(action(&whole)),
            _ => TroubleKind::Other,
        };
        Self { kind, detail: shortened(&detail) }
    }
}

/// The text of the last error that has one of its own: what is above it repeats it.
fn innermost(error: &Error) -> String {
    let mut last: &(dyn StdError + 'static) = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

/// What an XML element of a name holds. Answers of Amazon S3 are flat, and their text needs no more than this.
fn element<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let after = text.split_once(&format!("<{name}>"))?.1;
    Some(after.split_once(&format!("</{name}>"))?.0)
}

/// The IAM action that a refusal names: `… is not authorized to perform: kms:Decrypt on resource …`.
fn action(said: &str) -> Option<String> {
    let after = said.split_once("not authorized to perform: ")?.1;
    let action: String = after.chars().take_while(|c| c.is_ascii_alphanumeric() || matches!(c, ':' | '-')).collect();
    action.contains(':').then_some(action)
}

fn shortened(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]

    use super::*;

    fn answer(code: &str, message: &str) -> String {
        format!(
            "Server returned non-2xx status code: 4xx: <?xml version=\"1.0\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
             <AWSAccessKeyId>AKIAIOSFODNN7EXAMPLE</AWSAccessKeyId></Error>"
        )
    }

    fn generic(text: String) -> Error {
        Error::Generic { store: "S3", source: text.into() }
    }

    #[test]
    fn every_refusal_has_its_kind() {
        let denied = |text: String| Error::PermissionDenied { path: "k".into(), source: text.into() };
        let missing = |text: String| Error::NotFound { path: "k".into(), source: text.into() };
        let kms = "User: arn:aws:iam::1:role/r is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:…";
        for (name, error, kind) in [
            ("no bucket", missing(answer("NoSuchBucket", "no")), TroubleKind::NoBucket),
            ("no object", missing(answer("NoSuchKey", "no")), TroubleKind::NotFound),
            ("no file", missing("No such file or directory (os error 2)".into()), TroubleKind::NotFound),
            ("denied", denied(answer("AccessDenied", "Access Denied")), TroubleKind::Denied(None)),
            ("no key", denied(answer("AccessDenied", kms)), TroubleKind::Denied(Some("kms:Decrypt".into()))),
            ("wrong id", denied(answer("InvalidAccessKeyId", "x")), TroubleKind::Credentials),
            ("ended", generic(answer("ExpiredToken", "The provided token has expired.")), TroubleKind::Credentials),
            ("elsewhere", generic(answer("AuthorizationHeaderMalformed", "x")), TroubleKind::OtherRegion),
            ("bare redirect", generic("Received redirect without LOCATION, this …".into()), TroubleKind::OtherRegion),
            ("archived", denied(answer("InvalidObjectState", "x")), TroubleKind::Archived),
            ("network", generic("connection refused".into()), TroubleKind::Other),
        ] {
            let trouble = Trouble::of(&error);
            assert_eq!(trouble.kind, kind, "{name}");
            assert!(!trouble.detail.contains("AKIA") && !trouble.detail.contains('\n'), "{name}: {}", trouble.detail);
        }
        assert_eq!(Trouble::of(&denied(answer("AccessDenied", "Access Denied"))).detail, "AccessDenied: Access Denied");
        assert!(Trouble::of(&generic("é".repeat(1000))).detail.chars().count() <= LONGEST + 1);
    }
}
