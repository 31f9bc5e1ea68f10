//! AWS Config configuration items, of history and snapshot files and of change notifications.
//!
//! Fields: <https://docs.aws.amazon.com/config/latest/APIReference/API_ConfigurationItem.html>

use crate::envelope::{Envelope, Role};
use crate::record::{Object, Record};
use crate::table::{Shape, Source};
use std::borrow::Cow;

/// The source.
pub static SOURCE: Source = Source {
    name: "config_item",
    table: "config_items",
    aliases: &["aws_config_items", "aws_config_configuration_items"],
    page: "https://docs.aws.amazon.com/config/latest/developerguide/config-item-table.html",
    columns: "configurationitemversion string, configurationitemcapturetime string, configurationstateid bigint, awsaccountid string,
        configurationitemstatus string, resourcetype string, resourceid string, resourcename string, arn string, awsregion string,
        availabilityzone string, configurationstatemd5hash string, configuration string,
        supplementaryconfiguration map<string,string>, tags map<string,string>, resourcecreationtime string,
        relatedevents array<string>,
        relationships array<struct<resourcetype:string,resourceid:string,resourcename:string,name:string,relationshipname:string>>,
        configurationitemdeliverytime string, recordingfrequency string",
    roles: &[(Role::Event, "configurationitemstatus")],
    mirrors: &[],
    renamed: &[
        ("version", "configurationitemversion"),
        ("accountId", "awsaccountid"),
        ("configurationItemMD5Hash", "configurationstatemd5hash"),
    ],
    dashes: false,
    shape: Shape::Json(is),
    envelope,
    id: |_| None,
};

fn is(object: &Object<'_>) -> bool {
    object.has_all(&["resourceType", "configurationItemStatus"])
        || object.has_all(&["resourceType", "resourceId", "configurationStateId"])
        || object.has_all(&["resourceType", "resourceId", "configurationItemCaptureTime"])
}

fn envelope<'a>(record: &Record<'a>, e: &mut Envelope<'a>) {
    e.time = record.text("configurationitemcapturetime").and_then(|t| crate::time::millis(&t));
    e.account = record.text("awsaccountid").filter(|a| crate::place::is_account(a));
    e.region = record.text("awsregion").filter(|r| crate::place::is_region(r));
    let name = record.text("arn").or_else(|| record.text("resourceid"));
    e.set(Role::Target, name.or_else(|| record.text("resourcename")).filter(|n: &Cow<'_, str>| !n.is_empty()));
}
