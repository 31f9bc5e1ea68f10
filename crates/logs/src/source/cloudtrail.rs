//! AWS CloudTrail: management, data, Insights and network activity events.
//!
//! Fields: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>,
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::json::{Kind, Raw};
use crate::record::{Object, Record};
use crate::csv_rows::Rows;
use crate::table::{Line, Lines, Shape, Source};
use std::borrow::Cow;

/// The source.
pub static SOURCE: Source = Source {
    name: "cloudtrail",
    table: "cloudtrail_logs",
    aliases: &["cloudtrail"],
    page: "https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table-org-wide-trail.html",
    columns: "eventversion string,
        useridentity struct<type:string,principalid:string,arn:string,accountid:string,invokedby:string,accesskeyid:string,username:string,\
            onbehalfof:struct<userid:string,identitystorearn:string>,\
            sessioncontext:struct<attributes:struct<mfaauthenticated:string,creationdate:string>,\
                sessionissuer:struct<type:string,principalid:string,arn:string,accountid:string,username:string>,\
                ec2roledelivery:string,webidfederationdata:struct<federatedprovider:string,attributes:map<string,string>>,\
                sourceidentity:string,assumedroot:string>,\
            credentialid:string,identityprovider:string,inscopeof:struct<issuertype:string,sourcearn:string,sourceaccount:string,credentialsissuedto:string>>,
        eventtime string, eventsource string, eventname string, awsregion string, sourceipaddress string, useragent string,
        errorcode string, errormessage string, requestparameters string, responseelements string, additionaleventdata string,
        requestid string, eventid string, readonly string,
        resources array<struct<arn:string,accountid:string,type:string>>,
        eventtype string, apiversion string, recipientaccountid string, serviceeventdetails string, sharedeventid string,
        vpcendpointid string, vpcendpointaccountid string, eventcategory string,
        addendum struct<reason:string,updatedfields:string,originalrequestid:string,originaleventid:string>,
        sessioncredentialfromconsole string, edgedevicedetails string,
        tlsdetails struct<tlsversion:string,ciphersuite:string,clientprovidedhostheader:string>,
        managementevent string, insightdetails string, eventcontext string",
    roles: &[(Role::UserAgent, "useragent"), (Role::Event, "eventname"), (Role::Error, "errorcode")],
    mirrors: &[("useridentity.accesskeyid", Role::AccessKey)],
    renamed: &[],
    dashes: false,
    shape: Shape::Both(is, |line| Some(Box::new(Lake::open(line)?))),
    envelope,
    id,
};

fn is(object: &Object<'_>) -> bool {
    let event = object.has("eventSource") && object.has("eventName") && (object.has("userIdentity") || object.has("eventTime"));
    let insight = object.has("insightDetails") && object.has("eventType");
    event || insight || object.has_all(&["eventVersion", "eventType", "eventID"])
}

/// Answers of CloudTrail Lake's queries, saved as CSV: whole events in a column `eventJson`, or columns that were selected.
struct Lake {
    rows: Rows,
}

/// How columns are spelt that queries may spell otherwise.
const SPELT: [&str; 24] = [
    "eventVersion", "userIdentity", "eventTime", "eventSource", "eventName", "awsRegion", "sourceIPAddress", "userAgent", "errorCode",
    "errorMessage", "requestParameters", "responseElements", "additionalEventData", "requestID", "eventID", "readOnly", "resources",
    "eventType", "recipientAccountId", "sharedEventID", "vpcEndpointId", "eventCategory", "tlsDetails", "managementEvent",
];

impl Lake {
    fn open(line: &str) -> Option<Self> {
        let rows = Rows::of(line)?;
        let selected = ["eventSource", "eventName", "eventTime"].iter().all(|n| rows.has(n));
        (selected || rows.has("eventJson")).then_some(Self { rows })
    }
}

impl Lines for Lake {
    fn read<'a>(&mut self, line: &'a str, _: &mut Record<'a>) -> Line {
        if let Some(header) = Self::open(line) {
            *self = header;
            return Line::Skip;
        }
        match self.rows.json(line, "eventJson", &SPELT) {
            Ok(json) => Line::Json(json),
            Err(why) => Line::Not(why.into()),
        }
    }
}

fn id<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    record.text("eventid")
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    // Some shippers rename `eventTime`.
    let time = record.text("eventtime").or_else(|| record.rest("@timestamp").and_then(Raw::scalar));
    e.time = time.and_then(|t| crate::time::millis(&t));
    e.region = record.text("awsregion");
    e.set_source_ip(record.text("sourceipaddress"));
    e.account = record.text("recipientaccountid");
    if let Some(user) = record.get("useridentity") {
        who(user, e);
    }
    if e.get(Role::Target).is_none() {
        let first = record.get("resources").and_then(|r| r.elements().into_iter().find_map(|r| r.text_at(&["ARN"]).or_else(|| r.text_at(&["arn"]))));
        e.set(Role::Target, first.or_else(|| asked_for(record)));
    }
    // An Insights event tells of many calls and ended no way itself.
    if record.get("insightdetails").is_some() && record.get("eventname").is_none() {
        return;
    }
    e.outcome = Some(match record.text("errorcode") {
        None if refused_at_sign_in(record) => Outcome::Failure,
        None => Outcome::Success,
        Some(code) if is_refusal(&code) => Outcome::Denied,
        Some(_) => Outcome::Failure,
    });
}

/// Sign-in events say under their own name how they ended: `{"ConsoleLogin": "Failure"}`, `{"PasswordUpdated": "Failure"}`.
/// <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html>
fn refused_at_sign_in(record: &Record<'_>) -> bool {
    record.text("eventsource").is_some_and(|s| s == "signin.amazonaws.com")
        && record.text("eventname").is_some_and(|name| {
            record.text_at("responseelements", &[&name]).is_some_and(|answer| answer == "Failure")
        })
}

/// The actor is the caller's ARN; failing that the service, the name or the principal that CloudTrail gives.
fn who<'a>(user: Raw<'a>, e: &mut Envelope<'a>) {
    let [mut kind, mut arn, mut invoked_by, mut key, mut name, mut principal, mut account, mut context] = [None; 8];
    let _ = crate::json::each_member(user.text, &mut |member, value| {
        let place = match member.text {
            "type" => &mut kind,
            "arn" => &mut arn,
            "invokedBy" => &mut invoked_by,
            "accessKeyId" => &mut key,
            "userName" => &mut name,
            "principalId" => &mut principal,
            "accountId" => &mut account,
            "sessionContext" => &mut context,
            _ => return,
        };
        *place = Some(value);
    });
    let text = |v: Option<Raw<'a>>| v.and_then(Raw::scalar).filter(|t| !t.is_empty());
    let service = text(invoked_by).filter(|_| kind.is_some_and(|k| k.text == "AWSService"));
    let root = text(account).filter(|_| kind.is_some_and(|k| k.text == "Root"));
    let actor = text(arn).or(service).or_else(|| root.map(|a| Cow::Owned(format!("arn:aws:iam::{a}:root"))));
    e.set(Role::Actor, actor.or_else(|| [name, invoked_by, principal, account].into_iter().find_map(text)));
    e.set(Role::AccessKey, text(key));
    if e.account.is_none() {
        e.account = text(account);
    }
    if let Some(context) = context {
        e.set(Role::Issuer, context.text_at(&["sessionIssuer", "arn"]));
        e.set(Role::Session, text(arn));
    }
}

/// The usual names of what a request is about, most telling first.
const TARGETS: [&str; 26] = [
    "roleArn", "functionName", "secretId", "trailName", "bucketName", "instanceId", "groupId", "userName", "roleName", "policyArn", "keyId",
    "dBInstanceIdentifier", "dBSnapshotIdentifier", "snapshotId", "imageId", "volumeId", "vpcId", "groupName", "detectorId", "stackName",
    "clusterName", "repositoryName", "tableName", "queueUrl", "topicArn", "name",
];

fn asked_for<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    let asked = record.get("requestparameters").filter(|r| r.kind == Kind::Object)?;
    let mut best: Option<(usize, Raw<'a>)> = None;
    crate::json::each_member(asked.text, &mut |key, value| {
        if let Some(place) = TARGETS.iter().position(|t| *t == key.text)
            && best.is_none_or(|(b, _)| place < b)
            && value.scalar().is_some_and(|t| !t.is_empty())
        {
            best = Some((place, value));
        }
    })
    .ok()?;
    best.and_then(|(_, value)| value.scalar())
}

/// Codes with which services refuse: <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>
fn is_refusal(code: &str) -> bool {
    let code = code.strip_prefix("Client.").unwrap_or(code);
    code.starts_with("AccessDenied")
        || code.starts_with("Unauthorized")
        || code == "VpceAccessDenied"
        || matches!(code, "NotAuthorized" | "AuthFailure" | "Forbidden" | "AuthorizationError" | "KMS.AccessDeniedException")
}
