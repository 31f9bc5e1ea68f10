//! The lake's own files read back: each row becomes the record that it was, so that whatever reads logs reads the lake.
//!
//! CloudTrail's and EKS's names get their capitals back, JSON that a column keeps as text stands as JSON again, and members that no
//! column has return from `unmapped`. What the lake's partitions say (account, Region) comes from the place.

use crate::envelope::{Envelope, Outcome, Role};
use crate::json::{Kind, Raw, each_element, each_member, value};
use crate::record::Record;
use crate::table::{TIME, Table, UNMAPPED, tables};
use arrow_schema::Schema;
use std::borrow::Cow;

/// The table whose file has these columns, where it is one of the lake's.
pub fn table_of(schema: &Schema) -> Option<&'static Table> {
    schema.field_with_name(UNMAPPED).ok()?;
    tables().iter().find(|t| {
        let own = t.schema();
        own.fields().len() == schema.fields().len()
            && own.fields().iter().zip(schema.fields()).all(|(a, b)| a.name() == b.name())
    })
}

// Names with capitals, as AWS and Kubernetes write them; the lake's columns have small letters only, as Athena's do.

/// CloudTrail's.
const TRAIL: [&str; 60] = [
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "sourceIPAddress",
    "userAgent",
    "errorCode",
    "errorMessage",
    "requestParameters",
    "responseElements",
    "additionalEventData",
    "requestID",
    "eventID",
    "readOnly",
    "eventType",
    "apiVersion",
    "recipientAccountId",
    "serviceEventDetails",
    "sharedEventID",
    "vpcEndpointId",
    "vpcEndpointAccountId",
    "eventCategory",
    "updatedFields",
    "originalRequestId",
    "originalEventId",
    "sessionCredentialFromConsole",
    "edgeDeviceDetails",
    "tlsDetails",
    "tlsVersion",
    "cipherSuite",
    "clientProvidedHostHeader",
    "managementEvent",
    "insightDetails",
    "eventContext",
    "principalId",
    "accountId",
    "invokedBy",
    "accessKeyId",
    "userName",
    "onBehalfOf",
    "userId",
    "identityStoreArn",
    "sessionContext",
    "mfaAuthenticated",
    "creationDate",
    "sessionIssuer",
    "ec2RoleDelivery",
    "webIdFederationData",
    "federatedProvider",
    "sourceIdentity",
    "assumedRoot",
    "credentialId",
    "identityProvider",
    "inScopeOf",
    "issuerType",
    "sourceArn",
    "sourceAccount",
    "credentialsIssuedTo",
];

/// Kubernetes'.
const EKS: [&str; 12] = [
    "auditID",
    "requestURI",
    "impersonatedUser",
    "sourceIPs",
    "objectRef",
    "apiGroup",
    "resourceVersion",
    "responseStatus",
    "requestObject",
    "responseObject",
    "requestReceivedTimestamp",
    "stageTimestamp",
];

/// GuardDuty's, Security Hub's, AWS WAF's.
const OTHERS: [&str; 41] = [
    "schemaVersion",
    "createdAt",
    "updatedAt",
    "resourceRole",
    "webaclId",
    "terminatingRuleId",
    "terminatingRuleType",
    "terminatingRuleMatchDetails",
    "httpSourceName",
    "httpSourceId",
    "ruleGroupList",
    "rateBasedRuleList",
    "nonTerminatingMatchingRules",
    "requestHeadersInserted",
    "responseCodeSent",
    "httpRequest",
    "clientIp",
    "httpVersion",
    "httpMethod",
    "requestId",
    "ruleGroupId",
    "terminatingRule",
    "excludedRules",
    "ruleId",
    "matchedData",
    "conditionType",
    "ja3Fingerprint",
    "ja4Fingerprint",
    "oversizeFields",
    "requestBodySize",
    "requestBodySizeInspectedByWAF",
    "captchaResponse",
    "challengeResponse",
    "failureReason",
    "solveTimestamp",
    "responseCode",
    "limitKey",
    "maxRateAllowed",
    "rateBasedRuleId",
    "rateBasedRuleName",
    "limitValue",
];

fn capital(name: &str, table: &Table) -> Option<&'static str> {
    let names: &[&'static str] = match table.source.name {
        "cloudtrail" => &TRAIL,
        "eks_audit" => &EKS,
        _ => &OTHERS,
    };
    names.iter().copied().find(|c| c.eq_ignore_ascii_case(name))
}

/// A row's JSON, as `arrow-json` writes it, as the record that it was.
pub fn record(row: &str, table: &Table) -> Option<String> {
    let mut out = String::with_capacity(row.len());
    out.push('{');
    each_member(row, &mut |key, raw| match key.text {
        TIME => {}
        UNMAPPED => {
            if let Some(members) = raw.as_text().filter(|t| t.starts_with('{')) {
                out.push_str(if out.len() > 1 { "," } else { "" });
                out.push_str(members.get(1..members.len() - 1).unwrap_or_default());
                if out.ends_with([',', '{']) && out.len() > 1 {
                    out.pop();
                }
            }
        }
        name if name.starts_with("event_") && table.stored.iter().any(|r| r.column() == name) => {}
        name => {
            out.push_str(if out.len() > 1 { ",\"" } else { "\"" });
            out.push_str(capital(name, table).unwrap_or(name));
            out.push_str("\":");
            write(raw, table, &mut out);
        }
    })
    .ok()?;
    out.push('}');
    Some(out)
}

fn write(raw: Raw<'_>, table: &Table, out: &mut String) {
    match raw.kind {
        Kind::Object => {
            out.push('{');
            let mut first = true;
            let _ = each_member(raw.text, &mut |key, inner| {
                out.push_str(if first { "\"" } else { ",\"" });
                first = false;
                out.push_str(capital(key.text, table).unwrap_or(key.text));
                out.push_str("\":");
                write(inner, table, out);
            });
            out.push('}');
        }
        Kind::Array => {
            out.push('[');
            let mut first = true;
            let _ = each_element(raw.text, &mut |inner| {
                out.push_str(if first { "" } else { "," });
                first = false;
                write(inner, table, out);
            });
            out.push(']');
        }
        Kind::Str | Kind::Escaped => match raw.as_text() {
            Some(text) if text.starts_with(['{', '[']) && value(&text).is_ok() => out.push_str(&text),
            _ => raw.write_json(out),
        },
        _ => raw.write_json(out),
    }
}

/// Adds to a record's envelope what the lake kept of it.
pub fn envelope<'a>(row: &'a str, table: &Table, e: &mut Envelope<'a>) {
    let _ = each_member(row, &mut |key, raw| {
        if key.text == TIME {
            e.time = e.time.or_else(|| crate::time::millis(raw.text));
        }
        let Some(role) = table.stored.iter().find(|r| r.column() == key.text) else { return };
        let text = raw.scalar();
        if *role == Role::Outcome {
            e.outcome = e.outcome.or(match text.as_deref() {
                Some("success") => Some(Outcome::Success),
                Some("failure") => Some(Outcome::Failure),
                Some("denied") => Some(Outcome::Denied),
                _ => None,
            });
        } else if e.get(*role).is_none() {
            e.set(*role, text.map(|t| Cow::Owned(t.into_owned())));
        }
    });
}

/// A record of a row's text.
pub fn read<'a>(text: &'a str, table: &'static Table) -> Result<Record<'a>, crate::json::Broken> {
    Ok(crate::record::Object::read(text)?.into_record(table))
}
