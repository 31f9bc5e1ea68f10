//! What a policy document says, for rules. The documents are judged by `yagura-policy`.

use smol_str::{SmolStr, format_smolstr};
use std::sync::Arc;
use yagura_policy::compile::Compiled;
use yagura_policy::document::{Effect, Policy, Statement, decoded};
use yagura_policy::evaluate::{Decision, Layers, Mode, decide};
use yagura_policy::pattern;
use yagura_policy::public::{Exposure, Question, Whom, exposure};
use yagura_policy::request::{Caller, Context, Request};

/// Whether a policy document has a statement that allows every action on every resource with no condition:
/// `Effect: Allow`, `Action` `*` or `*:*`, `Resource` `*`, where several `*` in a row match what one does. Other
/// statements (a Deny that takes some of it back) and conditional statements are left out of account: the question is
/// what this policy hands out whatever else applies.
/// The document may be URL-encoded, as IAM sends it (RFC 3986, per the IAM API reference, `PolicyVersion`).
///
/// # Errors
/// Says that the text is not a policy document.
pub fn is_admin(document: &str) -> Result<bool, String> {
    Ok(parse(document)?.statements.iter().any(grants_all))
}

/// Whether an identity policy by itself allows an action on some resource that matches, under some condition. The caller is
/// of the account that the resource's ARN names, so that no policy of the resource has to allow it too.
///
/// # Errors
/// Says that the text is not a policy document.
pub(crate) fn allows(document: &str, action: &str, resource: &str) -> Result<bool, String> {
    let compiled = [Arc::new(Compiled::new("policy", parse(document)?))];
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    let (partition, account) = match parts.as_slice() {
        ["arn", partition, _, _, account, _] if account.len() == 12 && !account.contains('*') => (*partition, *account),
        _ => ("aws", "000000000000"),
    };
    let request = Request {
        principal: Caller::Aws(format_smolstr!("arn:{partition}:iam::{account}:user/caller")),
        action: action.into(),
        resource: resource.into(),
        resource_account: None,
        context: Context::default(),
    };
    // A key asks its own policy too; the one that AWS gives a new key leaves the matter to the account's IAM policies.
    let key_policy = (parts.get(2) == Some(&"kms"))
        .then(|| parse(&default_key_policy(partition, account)).map(|p| Arc::new(Compiled::new("key policy", p))))
        .transpose()?;
    let layers = Layers { identity: &compiled, resource: key_policy.as_ref(), ..Layers::default() };
    Ok(decide(&request, &layers, Mode::Possible(&[])).decision == Decision::Allowed)
}

/// The policy of a new KMS key (AWS KMS Developer Guide, "Default key policy").
fn default_key_policy(partition: &str, account: &str) -> String {
    format!(
        r#"{{"Statement":{{"Effect":"Allow","Principal":{{"AWS":"arn:{partition}:iam::{account}:root"}},"Action":"kms:*","Resource":"*"}}}}"#
    )
}

/// Whether a resource's policy lets in anybody: for a bucket as Amazon S3 defines public, for others as IAM Access
/// Analyzer does. The ARN tells which.
///
/// # Errors
/// Says that the text is not a policy document.
pub fn is_public(document: &str, arn: &str) -> Result<bool, String> {
    let found = exposed(document, arn)?;
    let surely = |whom: &Whom| matches!(whom, Whom::Anyone | Whom::AnyoneToS3 | Whom::AnyoneOf(_));
    let perhaps = found.because.iter().find_map(|r| if let Whom::Perhaps(why) = &r.whom { Some(why) } else { None });
    match perhaps {
        Some(why) if !found.because.iter().any(|r| surely(&r.whom)) => {
            Err(format!("whether it is public could not be decided: {why}"))
        }
        _ => Ok(found.public),
    }
}

/// Service principals that a resource's policy lets in whomever they act for: no condition such as `aws:SourceAccount`
/// confines them (IAM User Guide, "The confused deputy problem").
///
/// # Errors
/// Says that the text is not a policy document.
pub(crate) fn unconfined_services(document: &str, arn: &str) -> Result<Vec<SmolStr>, String> {
    exposed(document, arn).map(|found| found.unconfined_services)
}

/// Whether a resource's policy denies an action to everybody who comes without TLS (`aws:SecureTransport` is false): a
/// principal of the resource's own account and one of another are asked for (Amazon S3 User Guide, "Security best
/// practices": "Enforce encryption of data in transit"). A Deny under a further condition does not count.
///
/// # Errors
/// Says that the text is not a policy document.
pub(crate) fn denies_plain_http(document: &str, action: &str, resource: &str) -> Result<bool, String> {
    let compiled = Arc::new(Compiled::new("policy", parse(document)?));
    let partition = resource.split(':').nth(1).unwrap_or("aws");
    Ok(["000000000000", "999999999999"].iter().all(|account| {
        let request = Request {
            principal: Caller::Aws(format_smolstr!("arn:{partition}:iam::{account}:user/caller")),
            action: action.into(),
            resource: resource.into(),
            resource_account: Some("000000000000".into()),
            context: [("aws:SecureTransport", "false")].into_iter().collect(),
        };
        let layers = Layers { resource: Some(&compiled), ..Layers::default() };
        decide(&request, &layers, Mode::Strict).decision == Decision::ExplicitlyDenied
    }))
}

/// Whether a resource's policy lets principals outside the account do one of the actions: those of other accounts by name,
/// or anybody. Only statements that speak of the action are looked at, and every Deny.
///
/// # Errors
/// Says that the text is not a policy document, or that it cannot be decided.
pub(crate) fn lets_others(document: &str, arn: &str, account: &str, action: &str) -> Result<bool, String> {
    let mut policy = parse(document)?;
    policy.statements.retain(|s| {
        let named =
            s.actions.items.iter().any(|a| pattern::matches(&a.to_ascii_lowercase(), &action.to_ascii_lowercase()));
        s.effect == Effect::Deny || named != s.actions.negated
    });
    let found = exposure(&Question {
        policy: &policy,
        resource: Some(arn),
        resource_account: Some(account),
        trusted_accounts: &[],
        trusted_networks: &[],
    });
    let perhaps = found.because.iter().find_map(|r| if let Whom::Perhaps(why) = &r.whom { Some(why) } else { None });
    if found.public || !found.cross_account.is_empty() {
        return Ok(true);
    }
    perhaps.map_or(Ok(false), |why| Err(format!("whether others get in could not be decided: {why}")))
}

/// Services of which some Allow statement hands out every action: `s3:*`, and `*` for all of them. `NotAction` counts as
/// `*`.
///
/// # Errors
/// Says that the text is not a policy document.
pub(crate) fn whole_services(document: &str) -> Result<Vec<SmolStr>, String> {
    let mut found: Vec<SmolStr> = Vec::new();
    for statement in parse(document)?.statements.iter().filter(|s| s.effect == Effect::Allow) {
        if statement.actions.negated {
            found.push("*".into());
            continue;
        }
        for action in &statement.actions.items {
            let (service, name) = action.split_once(':').unwrap_or((action, "*"));
            if !name.is_empty() && name.bytes().all(|b| b == b'*') {
                found.push(service.to_ascii_lowercase().into());
            }
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn exposed(document: &str, arn: &str) -> Result<Exposure, String> {
    let policy = parse(document)?;
    Ok(exposure(&Question {
        policy: &policy,
        resource: Some(arn),
        resource_account: None,
        trusted_accounts: &[],
        trusted_networks: &[],
    }))
}

/// Reads a document, URL-encoded or not.
fn parse(document: &str) -> Result<Policy, String> {
    Policy::parse(&decoded(document)).map_err(|problems| {
        let first = problems.first().map(ToString::to_string).unwrap_or_default();
        format!("not a policy document: {first}")
    })
}

/// A text as people read it: a percent-encoded policy document is decoded, any other text stays as it is.
pub(crate) fn readable(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.starts_with('%') {
        return text.into();
    }
    let decoded = decoded(text);
    if decoded.trim_start().starts_with('{') { decoded } else { text.into() }
}

fn grants_all(statement: &Statement) -> bool {
    let stars = |text: &str| !text.is_empty() && text.bytes().all(|b| b == b'*');
    let every_action = |text: &str| stars(text) || text.split_once(':').is_some_and(|(s, n)| stars(s) && stars(n));
    statement.effect == Effect::Allow
        && !statement.actions.negated
        && statement.actions.items.iter().any(|a| every_action(a))
        && statement.resources.as_ref().is_some_and(|r| !r.negated && r.items.iter().any(|r| stars(r)))
        && statement.conditions.is_empty()
}

#[cfg(test)]
mod tests {
    use super::{allows, denies_plain_http, is_admin, is_public, lets_others, unconfined_services, whole_services};

    #[test]
    fn plain_http() {
        let deny = |principal: &str, condition: &str| {
            format!(
                r#"{{"Statement":[{{"Effect":"Deny","Principal":{principal},"Action":"s3:*","Resource":["arn:aws:s3:::b","arn:aws:s3:::b/*"],"Condition":{condition}}}]}}"#
            )
        };
        let tls = r#"{"Bool":{"aws:SecureTransport":"false"}}"#;
        let ask = |text: &str| denies_plain_http(text, "s3:GetObject", "arn:aws:s3:::b/*").unwrap();
        assert!(ask(&deny("\"*\"", tls)));
        assert!(ask(&deny(r#"{"AWS":"*"}"#, tls)));
        assert!(!ask(&deny(r#"{"AWS":"arn:aws:iam::111122223333:role/a"}"#, tls)), "one principal");
        assert!(!ask(&deny("\"*\"", r#"{"Bool":{"aws:SecureTransport":"true"}}"#)), "the wrong way round");
        let further = r#"{"Bool":{"aws:SecureTransport":"false"},"StringEquals":{"aws:PrincipalTag/a":"b"}}"#;
        assert!(!ask(&deny("\"*\"", further)), "a further condition");
        let bucket_only = deny("\"*\"", tls).replace(r#","arn:aws:s3:::b/*""#, "");
        assert!(!ask(&bucket_only), "the bucket without its objects");
        assert!(denies_plain_http("{", "s3:GetObject", "*").is_err());
    }

    #[test]
    fn others() {
        let ask = |principal: &str, action: &str| {
            let text = format!(
                r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"{action}","Resource":"arn:aws:s3:::b"}}]}}"#
            );
            lets_others(&text, "arn:aws:s3:::b", "111122223333", "s3:PutBucketPolicy").unwrap()
        };
        assert!(ask("arn:aws:iam::444455556666:root", "s3:PutBucketPolicy"));
        assert!(ask("444455556666", "s3:put*"));
        assert!(ask("*", "s3:*"));
        assert!(!ask("arn:aws:iam::111122223333:root", "s3:*"), "the own account");
        assert!(!ask("arn:aws:iam::444455556666:root", "s3:GetObject"), "another action");
    }

    #[test]
    fn services_handed_out() {
        let ask = |action: &str| {
            whole_services(&format!(r#"{{"Statement":{{"Effect":"Allow",{action},"Resource":"*"}}}}"#)).unwrap()
        };
        assert_eq!(ask(r#""Action":["S3:*","ec2:Describe*","sqs:**"]"#), ["s3", "sqs"]);
        assert_eq!(ask(r#""Action":"*""#), ["*"]);
        assert_eq!(ask(r#""NotAction":"iam:*""#), ["*"]);
        assert!(ask(r#""Action":"s3:Get*""#).is_empty());
    }

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
                r#"{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}"#,
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
        let some = r#"{"Statement":{"Effect":"Allow","Action":"iam:Pass*","Resource":"arn:aws:iam::*:role/x"}}"#;
        assert_eq!(allows(some, "iam:PassRole", "*"), Ok(true));
        assert_eq!(allows(some, "iam:GetRole", "*"), Ok(false));
        assert_eq!(allows(some, "iam:PassRole", "arn:aws:iam::111122223333:role/x"), Ok(true));
        assert_eq!(allows(some, "iam:PassRole", "arn:aws:iam::111122223333:role/y"), Ok(false));
        let key = "arn:aws:kms:us-east-1:111122223333:key/a";
        let keys = r#"{"Statement":{"Effect":"Allow","Action":"kms:Decrypt","Resource":"arn:aws:kms:*:*:key/*"}}"#;
        assert_eq!(allows(keys, "kms:Decrypt", key), Ok(true));
        assert_eq!(allows(&keys.replace("key/*", "key/b"), "kms:Decrypt", key), Ok(false));
        assert!(allows("no", "iam:GetRole", "*").is_err());
        let open = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}}"#;
        let queue = "arn:aws:sqs:us-east-1:111122223333:q";
        assert_eq!(is_public(open, queue), Ok(true));
        let own = open.replace(r#""Principal":"*""#, r#""Principal":{"AWS":"111122223333"}"#);
        assert_eq!(is_public(&own, queue), Ok(false));
        let service = open.replace(r#""Principal":"*""#, r#""Principal":{"Service":"s3.amazonaws.com"}"#);
        assert_eq!((is_public(&service, queue), unconfined_services(&own, queue)), (Ok(false), Ok(Vec::new())));
        assert_eq!(unconfined_services(&service, queue), Ok(vec!["s3.amazonaws.com".into()]));
        assert!(is_admin(&"[".repeat(200_000)).is_err());
    }
}
