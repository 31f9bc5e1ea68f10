//! AWS Security Finding Format: a JSON array of findings as Security Hub's `BatchImportFindings` takes them (at most
//! 100 a call). Lengths and words: the Security Hub user guide, "Required top-level ASFF attributes" and after.
//!
//! What passed is `PASSED`, what could not be judged is `WARNING` ("some information is missing"), what does not apply
//! is `NOT_AVAILABLE` and archived, as Security Hub does for AWS Config's `NOT_APPLICABLE`.

use crate::{Report, identity, json};
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use yagura_model::{ResourceRef, Severity, Status, Verdict};

/// Resource types that Security Hub knows; anything else is `Other`. From the user guide, "Resources".
const TYPES: &str = "AwsAmazonMqBroker AwsApiGatewayRestApi AwsApiGatewayStage AwsApiGatewayV2Api AwsApiGatewayV2Stage \
    AwsAppSyncGraphQLApi AwsAthenaWorkGroup AwsAutoScalingAutoScalingGroup AwsAutoScalingLaunchConfiguration \
    AwsBackupBackupPlan AwsBackupBackupVault AwsBackupRecoveryPoint AwsCertificateManagerCertificate \
    AwsCloudFormationStack AwsCloudFrontDistribution AwsCloudTrailTrail AwsCloudWatchAlarm AwsCodeBuildProject \
    AwsDmsEndpoint AwsDmsReplicationInstance AwsDmsReplicationTask AwsDynamoDbTable AwsEc2ClientVpnEndpoint AwsEc2Eip \
    AwsEc2Instance AwsEc2LaunchTemplate AwsEc2NetworkAcl AwsEc2NetworkInterface AwsEc2RouteTable AwsEc2SecurityGroup \
    AwsEc2Subnet AwsEc2TransitGateway AwsEc2Volume AwsEc2Vpc AwsEc2VpcEndpointService AwsEc2VpcPeeringConnection \
    AwsEc2VpnConnection AwsEcrContainerImage AwsEcrRepository AwsEcsCluster AwsEcsService AwsEcsTaskDefinition \
    AwsEfsAccessPoint AwsEksCluster AwsElasticBeanstalkEnvironment AwsElasticsearchDomain AwsElbLoadBalancer \
    AwsElbv2LoadBalancer AwsEventSchemasRegistry AwsEventsEndpoint AwsEventsEventbus AwsGuardDutyDetector \
    AwsIamAccessKey AwsIamGroup AwsIamPolicy AwsIamRole AwsIamUser AwsKinesisStream AwsKmsKey AwsLambdaFunction \
    AwsLambdaLayerVersion AwsMskCluster AwsNetworkFirewallFirewall AwsNetworkFirewallFirewallPolicy \
    AwsNetworkFirewallRuleGroup AwsOpenSearchServiceDomain AwsRdsDbCluster AwsRdsDbClusterSnapshot AwsRdsDbInstance \
    AwsRdsDbSecurityGroup AwsRdsDbSnapshot AwsRdsEventSubscription AwsRedshiftCluster AwsRoute53HostedZone \
    AwsS3AccessPoint AwsS3AccountPublicAccessBlock AwsS3Bucket AwsS3Object AwsSageMakerNotebookInstance \
    AwsSecretsManagerSecret AwsSnsTopic AwsSqsQueue AwsSsmPatchCompliance AwsStepFunctionStateMachine AwsWafv2RuleGroup \
    AwsWafv2WebAcl AwsXrayEncryptionConfig";

pub(crate) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    json::array(report.verdicts.iter().map(|verdict| finding(report, verdict)), out)?;
    writeln!(out)
}

fn finding(report: &Report, verdict: &Verdict) -> Value {
    let resource = &verdict.resource;
    let (partition, region) = (identity::partition(resource), identity::real_region(resource));
    let time = report.meta.taken_at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    let asks_for_action = matches!(verdict.status, Status::Fail | Status::Unknown);
    json!({
        "SchemaVersion": "2018-10-08",
        "Id": format!("yagura/{}/{region}/{}/{}", resource.account, verdict.rule, verdict.resource.fingerprint(&verdict.rule)),
        "ProductArn": format!("arn:{partition}:securityhub:{region}:{0}:product/{0}/default", resource.account),
        "ProductName": "Yagura",
        "CompanyName": "Yagura",
        "GeneratorId": format!("yagura/{}", verdict.rule),
        "AwsAccountId": resource.account,
        "Region": region,
        "Types": ["Software and Configuration Checks/AWS Security Best Practices"],
        "CreatedAt": time,
        "UpdatedAt": time,
        "LastObservedAt": time,
        "Severity": {"Label": severity(verdict), "Original": crate::json::word(&verdict.severity).unwrap_or_default()},
        "Title": cut(&verdict.title, 256),
        "Description": cut(&verdict.why, 1024),
        "Remediation": {"Recommendation": {"Text": cut(&verdict.fix, 512)}},
        "ProductFields": {"yagura/rule": verdict.rule, "yagura/version": report.meta.tool},
        "Resources": [asset(report, verdict, partition, region)],
        "Compliance": compliance(verdict),
        "Workflow": {"Status": if asks_for_action { "NEW" } else { "RESOLVED" }},
        "RecordState": if verdict.status == Status::NotApplicable { "ARCHIVED" } else { "ACTIVE" },
    })
}

fn compliance(verdict: &Verdict) -> Value {
    let status = match verdict.status {
        Status::Fail => "FAILED",
        Status::Unknown => "WARNING",
        Status::Pass => "PASSED",
        Status::NotApplicable => "NOT_AVAILABLE",
    };
    let mut compliance = Map::new();
    compliance.insert("Status".into(), status.into());
    if !verdict.maps.is_empty() {
        let maps: Vec<_> = verdict.maps.iter().take(32).map(|map| cut(map, 64)).collect();
        compliance.insert("RelatedRequirements".into(), maps.into());
    }
    if let Some(reason) = verdict.reason.as_deref().filter(|r| !r.trim().is_empty()) {
        let code = if verdict.missing.is_empty() { "YAGURA_NOT_JUDGED" } else { "YAGURA_PERMISSION_MISSING" };
        compliance.insert("StatusReasons".into(), json!([{"ReasonCode": code, "Description": cut(reason, 1024)}]));
    }
    compliance.into()
}

fn asset(report: &Report, verdict: &Verdict, partition: &str, region: &str) -> Value {
    let resource = &verdict.resource;
    let mut asset = Map::new();
    asset.insert("Type".into(), kind(report, resource).into());
    asset.insert("Id".into(), id(resource).into());
    asset.insert("Partition".into(), partition.into());
    asset.insert("Region".into(), region.into());
    let mut details: Map<String, Value> = verdict
        .evidence
        .iter()
        .take(49)
        .map(|(field, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (cut(field, 128), cut(&text, 1024).into())
        })
        .collect();
    if !verdict.missing.is_empty() {
        details.insert("missing_permissions".into(), cut(&verdict.missing.join(", "), 1024).into());
    }
    if !details.is_empty() {
        asset.insert("Details".into(), json!({"Other": details}));
    }
    asset.into()
}

/// The ARN where there is one; an account is named as Security Hub itself names it.
fn id(resource: &ResourceRef) -> String {
    match (&resource.arn, resource.kind.as_str()) {
        (_, "account") => format!("AWS::::Account:{}", resource.account),
        (Some(arn), _) => cut(arn, 512),
        (None, _) => cut(&format!("{}/{}/{}", resource.account, resource.region, resource.id), 512),
    }
}

/// `AWS::S3::Bucket` → `AwsS3Bucket`, in Security Hub's letter case.
fn kind<'a>(report: &'a Report, resource: &ResourceRef) -> &'a str {
    if resource.kind == "account" {
        return "AwsAccount";
    }
    let wanted = match report.meta.types.get(&resource.kind) {
        Some(cloudformation) => cloudformation.replace("::", ""),
        None => format!("Aws{}", resource.kind.replace(['.', '_'], "")),
    };
    TYPES.split(' ').find(|known| known.eq_ignore_ascii_case(&wanted)).unwrap_or("Other")
}

fn severity(verdict: &Verdict) -> &'static str {
    match (verdict.status, verdict.severity) {
        (Status::Pass | Status::NotApplicable, _) | (_, Severity::Info) => "INFORMATIONAL",
        (_, Severity::Low) => "LOW",
        (_, Severity::Medium) => "MEDIUM",
        (_, Severity::High) => "HIGH",
        (_, Severity::Critical) => "CRITICAL",
    }
}

/// At most `limit` characters, the last an ellipsis where some were cut; never blank, which Security Hub refuses.
pub(crate) fn cut(text: &str, limit: usize) -> String {
    if text.trim().is_empty() {
        return "-".to_owned();
    }
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    text.chars().take(limit.saturating_sub(1)).chain(['…']).collect()
}
