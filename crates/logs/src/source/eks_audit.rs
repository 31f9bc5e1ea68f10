//! Kubernetes audit logs, as Amazon EKS delivers them.
//!
//! Fields: <https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/>

use crate::envelope::{Envelope, Outcome, Role};
use crate::json::Raw;
use crate::record::{Object, Record};
use crate::table::{Shape, Source};
use std::borrow::Cow;

/// The source.
pub static SOURCE: Source = Source {
    name: "eks_audit",
    table: "eks_audit_logs",
    aliases: &["kubernetes_audit_logs"],
    page: "https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html",
    columns: "kind string, apiversion string, level string, auditid string, stage string, requesturi string, verb string,
        user struct<username:string,uid:string,groups:array<string>,extra:map<string,array<string>>>,
        impersonateduser struct<username:string,uid:string,groups:array<string>,extra:map<string,array<string>>>,
        sourceips array<string>, useragent string,
        objectref struct<resource:string,namespace:string,name:string,uid:string,apigroup:string,apiversion:string,\
            resourceversion:string,subresource:string>,
        responsestatus struct<metadata:string,status:string,message:string,reason:string,details:string,code:int>,
        requestobject string, responseobject string, requestreceivedtimestamp string, stagetimestamp string,
        annotations map<string,string>, authenticationmetadata string",
    roles: &[(Role::Event, "verb"), (Role::UserAgent, "useragent")],
    mirrors: &[("user.username", Role::Actor)],
    renamed: &[],
    dashes: false,
    shape: Shape::Json(is),
    envelope,
    // One request has one identifier and is logged at each of its stages.
    id: |record| Some(Cow::Owned(format!("{}/{}", record.text("auditid")?, record.text("stage")?))),
};

/// Some shippers leave out `kind` and `apiVersion`.
fn is(object: &Object<'_>) -> bool {
    object.has_all(&["auditID", "stage", "verb", "user"])
        && object.get("kind").is_none_or(|k| k.text == "Event")
        && object.get("apiVersion").is_none_or(|v| v.text.starts_with("audit.k8s.io/"))
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    let time = record.text("stagetimestamp").or_else(|| record.text("requestreceivedtimestamp"));
    e.time = time.and_then(|t| crate::time::millis(&t));
    let ips = record.get("sourceips").map(Raw::elements).unwrap_or_default();
    e.set_source_ip(ips.first().and_then(|ip| ip.scalar()));
    if let Some(user) = record.get("user") {
        e.set(Role::Actor, user.text_at(&["username"]));
        // The authenticator of Amazon EKS says there which IAM principal it was.
        let extra = |name: &str| user.at(&["extra", name])?.elements().first()?.scalar();
        e.set(Role::Session, extra("arn").or_else(|| extra("sessionName")));
        e.set(Role::Issuer, extra("canonicalArn"));
        e.set(Role::AccessKey, extra("accessKeyId"));
        if let (Some(Cow::Borrowed(arn)), None) = (extra("arn"), &e.account) {
            e.account = crate::lines::place_of_arn(arn).1.map(Cow::Borrowed);
        }
    }
    e.set(Role::Target, path(record.get("requesturi")));
    let code = record.text_at("responsestatus", &["code"]);
    let forbidden = record.text_at("annotations", &["authorization.k8s.io/decision"]).as_deref() == Some("forbid");
    e.outcome = if forbidden { Some(Outcome::Denied) } else { code.and_then(|c| Outcome::of_status(&c)) };
    e.set(Role::Error, record.text_at("responsestatus", &["reason"]));
}

/// What a request is about, without its parameters: `/api/v1/namespaces/default/secrets/db`.
fn path(uri: Option<Raw<'_>>) -> Option<Cow<'_, str>> {
    Some(match uri?.scalar()? {
        Cow::Borrowed(uri) => Cow::Borrowed(uri.split('?').next().unwrap_or(uri)),
        Cow::Owned(uri) => Cow::Owned(uri.split('?').next().unwrap_or(&uri).to_owned()),
    })
}
