//! AWS Security Hub findings in the AWS Security Finding Format.
//!
//! Fields: <https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-syntax.html>

use crate::envelope::{Envelope, Outcome, Role};
use crate::json::Raw;
use crate::record::{Object, Record};
use crate::table::{Shape, Source};

/// The source.
pub static SOURCE: Source = Source {
    name: "securityhub",
    table: "securityhub_findings",
    aliases: &["security_hub_findings", "asff_findings"],
    page: "https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-syntax.html",
    columns: "schemaversion string, id string, productarn string, productname string, companyname string, generatorid string,
        awsaccountid string, awsaccountname string, types array<string>, firstobservedat string, lastobservedat string,
        createdat string, updatedat string, processedat string,
        severity struct<label:string,normalized:int,original:string,product:double>, confidence int, criticality int,
        title string, description string, remediation struct<recommendation:struct<text:string,url:string>>, sourceurl string,
        productfields map<string,string>, userdefinedfields map<string,string>, malware string, network string,
        networkpath string, process string, threats string, threatintelindicators string,
        resources array<struct<type:string,id:string,partition:string,region:string,resourcerole:string,tags:map<string,string>,\
            dataclassification:string,details:string,applicationname:string,applicationarn:string>>,
        compliance struct<status:string,relatedrequirements:array<string>,\
            statusreasons:array<struct<reasoncode:string,description:string>>,securitycontrolid:string,\
            associatedstandards:array<struct<standardsid:string>>,securitycontrolparameters:string>,
        verificationstate string, workflowstate string, workflow struct<status:string>, recordstate string,
        relatedfindings array<struct<productarn:string,id:string>>, note struct<text:string,updatedby:string,updatedat:string>,
        vulnerabilities string, patchsummary string, action string, findingproviderfields string, sample boolean,
        generatordetails string, detection string",
    roles: &[],
    mirrors: &[],
    renamed: &[],
    dashes: false,
    shape: Shape::Json(|o: &Object<'_>| o.has_all(&["ProductArn", "AwsAccountId", "GeneratorId"])),
    envelope,
    // Its workflow changes without a new time of update.
    id: |_| None,
};

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    let times = ["updatedat", "lastobservedat", "createdat"];
    e.time = times.iter().find_map(|c| record.text(c)).and_then(|t| crate::time::millis(&t));
    e.account = record.text("awsaccountid").filter(|a| crate::place::is_account(a));
    e.region = record.rest("Region").and_then(Raw::scalar).filter(|r| crate::place::is_region(r));
    let types = record.get("types").map(Raw::elements).unwrap_or_default();
    e.set(Role::Event, types.first().and_then(|t| t.scalar()).or_else(|| record.text("generatorid")));
    let resources = record.get("resources").map(Raw::elements).unwrap_or_default();
    let of_first = |path: &[&str]| resources.first()?.text_at(path);
    e.set(Role::Target, of_first(&["Id"]));
    e.set(Role::AccessKey, of_first(&["Details", "AwsIamAccessKey", "AccessKeyId"]));
    e.set(Role::Actor, of_first(&["Details", "AwsIamAccessKey", "PrincipalName"]));
    let caller = record.text_at("action", &["AwsApiCallAction", "RemoteIpDetails", "IpAddressV4"]);
    e.set_source_ip(caller.or_else(|| record.text_at("network", &["SourceIpV4"])));
    e.outcome = match record.text_at("compliance", &["Status"]).as_deref() {
        Some("PASSED") => Some(Outcome::Success),
        Some("FAILED") => Some(Outcome::Failure),
        _ => None,
    };
}
