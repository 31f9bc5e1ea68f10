//! AWS WAF web ACL traffic logs.
//!
//! Fields: <https://docs.aws.amazon.com/waf/latest/developerguide/logging-fields.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::json::Raw;
use crate::lines::place_of_arn;
use crate::record::{Object, Record};
use crate::table::{Shape, Source};
use std::borrow::Cow;

/// The source.
pub static SOURCE: Source = Source {
    name: "waf",
    table: "waf_logs",
    aliases: &["waf_logs_partition_projection", "waf_logs_manual_partition"],
    page: "https://docs.aws.amazon.com/athena/latest/ug/create-waf-table.html",
    columns: "timestamp bigint, formatversion int, webaclid string, terminatingruleid string, terminatingruletype string,
        action string,
        terminatingrulematchdetails array<struct<conditiontype:string,sensitivitylevel:string,location:string,matcheddata:array<string>>>,
        httpsourcename string, httpsourceid string,
        rulegrouplist array<struct<rulegroupid:string,\
            terminatingrule:struct<ruleid:string,action:string,rulematchdetails:array<struct<conditiontype:string,sensitivitylevel:string,location:string,matcheddata:array<string>>>>,\
            nonterminatingmatchingrules:array<struct<ruleid:string,action:string,overriddenaction:string,\
                rulematchdetails:array<struct<conditiontype:string,sensitivitylevel:string,location:string,matcheddata:array<string>>>,\
                challengeresponse:struct<responsecode:string,solvetimestamp:string>,captcharesponse:struct<responsecode:string,solvetimestamp:string>>>,\
            excludedrules:string,customerconfig:string>>,
        ratebasedrulelist array<struct<ratebasedruleid:string,ratebasedrulename:string,limitkey:string,maxrateallowed:int,\
            evaluationwindowsec:string,customvalues:array<struct<key:string,name:string,value:string>>,limitvalue:string>>,
        nonterminatingmatchingrules array<struct<ruleid:string,action:string,\
            rulematchdetails:array<struct<conditiontype:string,sensitivitylevel:string,location:string,matcheddata:array<string>>>,\
            challengeresponse:struct<responsecode:string,solvetimestamp:string>,captcharesponse:struct<responsecode:string,solvetimestamp:string>>>,
        requestheadersinserted array<struct<name:string,value:string>>, responsecodesent string,
        httprequest struct<clientip:string,country:string,headers:array<struct<name:string,value:string>>,uri:string,args:string,\
            httpversion:string,httpmethod:string,requestid:string,fragment:string,scheme:string,host:string>,
        labels array<struct<name:string>>,
        captcharesponse struct<responsecode:string,solvetimestamp:string,failurereason:string>,
        challengeresponse struct<responsecode:string,solvetimestamp:string,failurereason:string>,
        ja3fingerprint string, ja4fingerprint string, oversizefields string, requestbodysize int, requestbodysizeinspectedbywaf int",
    roles: &[],
    mirrors: &[("httprequest.httpmethod", Role::Event), ("httprequest.uri", Role::Target)],
    renamed: &[],
    dashes: false,
    shape: Shape::Json(is),
    envelope,
    id: |_| None,
};

fn is(object: &Object<'_>) -> bool {
    object.has_all(&["webaclId", "httpRequest", "action"])
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("timestamp").and_then(|t| crate::time::millis(&t));
    if let Some(Cow::Borrowed(arn)) = record.text("webaclid") {
        let (region, account) = place_of_arn(arn);
        e.region = region.map(Cow::Borrowed);
        e.account = account.map(Cow::Borrowed);
    }
    if let Some(request) = record.get("httprequest") {
        e.set_source_ip(request.text_at(&["clientIp"]));
        e.set(Role::Event, request.text_at(&["httpMethod"]));
        e.set(Role::Target, request.text_at(&["uri"]));
        e.set(Role::UserAgent, header(request, "user-agent"));
    }
    // CAPTCHA and CHALLENGE end the evaluation where the client did not pass: the request did not get through.
    let action = record.text("action");
    e.outcome = match action.as_deref() {
        Some("ALLOW" | "COUNT") => Some(Outcome::Success),
        Some("BLOCK" | "CAPTCHA" | "CHALLENGE") => Some(Outcome::Denied),
        _ => None,
    };
    if e.outcome == Some(Outcome::Denied) {
        e.set(Role::Error, record.text("terminatingruleid"));
    }
}

fn header<'a>(request: Raw<'a>, name: &str) -> Option<Cow<'a, str>> {
    let headers = request.get("headers")?.elements();
    let named = |h: &Raw<'a>| h.text_at(&["name"]).is_some_and(|n| n.eq_ignore_ascii_case(name));
    headers.into_iter().find(named)?.text_at(&["value"])
}
