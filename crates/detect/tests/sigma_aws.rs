//! Rules of the shapes that people have for AWS, Kubernetes and DNS: each with events that fire it and events that do not.

#![allow(clippy::unwrap_used, reason = "tests may stop")]

use yagura_detect::sigma::{Document, Json, load};

/// Title, log source and detection of a rule; events that fire it; events that do not.
type Row = (&'static str, &'static str, &'static [&'static str], &'static [&'static str]);

const CLOUDTRAIL: &str = "product: aws, service: cloudtrail";

const ROWS: &[(&str, Row)] = &[
    (
        CLOUDTRAIL,
        (
            "Audit logging switched off",
            "
  calls:
    eventSource: 'cloudtrail.amazonaws.com'
    eventName:
      - 'StopLogging'
      - 'DeleteTrail'
      - 'PutEventSelectors'
  condition: calls",
            &[r#"{"eventSource":"cloudtrail.amazonaws.com","eventName":"DeleteTrail"}"#],
            &[
                r#"{"eventSource":"cloudtrail.amazonaws.com","eventName":"StartLogging"}"#,
                r#"{"eventSource":"s3.amazonaws.com","eventName":"DeleteTrail"}"#,
            ],
        ),
    ),
    (
        CLOUDTRAIL,
        (
            "Root was used, and not by a service",
            "
  who:
    userIdentity.type: Root
  service:
    eventType: AwsServiceEvent
  condition: who and not service",
            &[r#"{"eventType":"AwsApiCall","userIdentity":{"type":"Root"}}"#, r#"{"userIdentity":{"type":"Root"}}"#],
            &[
                r#"{"eventType":"AwsServiceEvent","userIdentity":{"type":"Root"}}"#,
                r#"{"userIdentity":{"type":"IAMUser"}}"#,
            ],
        ),
    ),
    (
        CLOUDTRAIL,
        (
            "Start-up script of an instance changed",
            "
  call:
    eventName: ModifyInstanceAttribute
    requestParameters.attribute: userData
  condition: call",
            &[r#"{"eventName":"ModifyInstanceAttribute","requestParameters":{"attribute":"userData"}}"#],
            &[r#"{"eventName":"ModifyInstanceAttribute","requestParameters":{"attribute":"instanceType"}}"#],
        ),
    ),
    (
        CLOUDTRAIL,
        (
            "Key made for somebody else",
            "
  call:
    eventSource: iam.amazonaws.com
    eventName: CreateAccessKey
  same_user:
    userIdentity.userName|fieldref: requestParameters.userName
  own:
    requestParameters.userName: null
  condition: call and not 1 of same_* and not own",
            &[
                r#"{"eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","userIdentity":{"userName":"ann"},"requestParameters":{"userName":"bob"}}"#,
            ],
            &[
                r#"{"eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","userIdentity":{"userName":"ann"},"requestParameters":{"userName":"ann"}}"#,
                r#"{"eventSource":"iam.amazonaws.com","eventName":"CreateAccessKey","userIdentity":{"userName":"ann"},"requestParameters":null}"#,
            ],
        ),
    ),
    (
        CLOUDTRAIL,
        (
            "Everything allowed by an inline policy",
            "
  call:
    eventName: [PutUserPolicy, PutRolePolicy]
    requestParameters.policyDocument|contains|all:
      - '\"Effect\":\"Allow\"'
      - '\"Action\":\"\\*\"'
  condition: call",
            &[
                r#"{"eventName":"PutRolePolicy","requestParameters":{"policyDocument":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\"}]}"}}"#,
            ],
            &[
                r#"{"eventName":"PutRolePolicy","requestParameters":{"policyDocument":"{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:*\"}]}"}}"#,
            ],
        ),
    ),
    (
        CLOUDTRAIL,
        (
            "Public access allowed again",
            "
  call:
    eventName: PutBucketPublicAccessBlock
  off_policy:
    requestParameters.PublicAccessBlockConfiguration.BlockPublicPolicy: 'false'
  off_acls:
    requestParameters.PublicAccessBlockConfiguration.BlockPublicAcls: false
  condition: call and 1 of off_*",
            &[
                r#"{"eventName":"PutBucketPublicAccessBlock","requestParameters":{"PublicAccessBlockConfiguration":{"BlockPublicPolicy":false,"BlockPublicAcls":true}}}"#,
                r#"{"eventName":"PutBucketPublicAccessBlock","requestParameters":{"PublicAccessBlockConfiguration":{"BlockPublicAcls":"false"}}}"#,
            ],
            &[
                r#"{"eventName":"PutBucketPublicAccessBlock","requestParameters":{"PublicAccessBlockConfiguration":{"BlockPublicPolicy":true,"BlockPublicAcls":true}}}"#,
            ],
        ),
    ),
    (
        CLOUDTRAIL,
        (
            "Role credentials used outside",
            "
  role:
    userIdentity.arn|re: '.+:assumed-role/.+/i-[0-9a-f]{8,17}$'
  filter_inside:
    sourceIPAddress|cidr: ['10.0.0.0/8', '192.0.2.0/24']
  filter_services:
    - sourceIPAddress|endswith: '.amazonaws.com'
    - sourceIPAddress: 'AWS Internal'
  condition: role and not 1 of filter_*",
            &[
                r#"{"userIdentity":{"arn":"arn:aws:sts::111122223333:assumed-role/web/i-0123456789abcdef0"},"sourceIPAddress":"203.0.113.5"}"#,
            ],
            &[
                r#"{"userIdentity":{"arn":"arn:aws:sts::111122223333:assumed-role/web/i-0123456789abcdef0"},"sourceIPAddress":"10.1.2.3"}"#,
                r#"{"userIdentity":{"arn":"arn:aws:sts::111122223333:assumed-role/web/i-0123456789abcdef0"},"sourceIPAddress":"ecs.amazonaws.com"}"#,
                r#"{"userIdentity":{"arn":"arn:aws:sts::111122223333:assumed-role/web/ann"},"sourceIPAddress":"203.0.113.5"}"#,
            ],
        ),
    ),
    (
        CLOUDTRAIL,
        (
            "Export that worked",
            "
  call:
    eventName: CreateInstanceExportTask
  filter1:
    errorMessage|contains: '*'
  filter2:
    responseElements|contains: Failure
  condition: call and not 1 of filter*",
            &[r#"{"eventName":"CreateInstanceExportTask","responseElements":{"exportTask":{"state":"active"}}}"#],
            &[
                r#"{"eventName":"CreateInstanceExportTask","errorMessage":"no"}"#,
                r#"{"eventName":"CreateInstanceExportTask","responseElements":{"exportTask":{"state":"failure"}}}"#,
            ],
        ),
    ),
    (
        CLOUDTRAIL,
        (
            "Open to the world",
            "
  call:
    eventName: AuthorizeSecurityGroupIngress
    requestParameters.ipPermissions.items.ipRanges.items.cidrIp: '0.0.0.0/0'
    requestParameters.ipPermissions.items.fromPort|lte: 22
    requestParameters.ipPermissions.items.toPort|gte: 22
  condition: call",
            &[
                r#"{"eventName":"AuthorizeSecurityGroupIngress","requestParameters":{"ipPermissions":{"items":[{"fromPort":22,"toPort":22,"ipRanges":{"items":[{"cidrIp":"10.0.0.0/8"},{"cidrIp":"0.0.0.0/0"}]}}]}}}"#,
            ],
            &[
                r#"{"eventName":"AuthorizeSecurityGroupIngress","requestParameters":{"ipPermissions":{"items":[{"fromPort":443,"toPort":443,"ipRanges":{"items":[{"cidrIp":"0.0.0.0/0"}]}}]}}}"#,
            ],
        ),
    ),
    (
        CLOUDTRAIL,
        (
            "Login without a second factor",
            "
  login:
    eventName: ConsoleLogin
    responseElements.ConsoleLogin: Success
    additionalEventData.MFAUsed: No
  condition: login",
            &[
                r#"{"eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"No"}}"#,
            ],
            &[
                r#"{"eventName":"ConsoleLogin","responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"MFAUsed":"Yes"}}"#,
            ],
        ),
    ),
    (
        "product: kubernetes, category: application, service: audit",
        (
            "Shell in a pod",
            "
  exec:
    verb: create
    objectRef.resource: pods
    objectRef.subresource: exec
  filter_system:
    user.username|startswith: 'system:'
  condition: exec and not filter_system",
            &[r#"{"verb":"create","objectRef":{"resource":"pods","subresource":"exec"},"user":{"username":"ann"}}"#],
            &[
                r#"{"verb":"create","objectRef":{"resource":"pods","subresource":"exec"},"user":{"username":"system:node:a"}}"#,
            ],
        ),
    ),
    (
        "category: dns",
        (
            "Odd names",
            "
  long:
    query|re: '^[a-z0-9]{30,}\\.'
  kind:
    record_type: [TXT, 'NULL']
  condition: long and kind",
            &[r#"{"query":"0123456789abcdef0123456789abcdef.example.com","record_type":"txt"}"#],
            &[r#"{"query":"www.example.com","record_type":"TXT"}"#],
        ),
    ),
];

#[test]
fn rules_fire_where_they_should_and_nowhere_else() {
    for (logsource, (title, detection, fire, quiet)) in ROWS {
        let text =
            format!("title: {title}\nstatus: test\nlogsource: {{{logsource}}}\ndetection:{detection}\nlevel: medium\n");
        let mut all = load(&text, "aws.yml").unwrap_or_else(|p| unreachable!("{text}\n{p:?}"));
        let Document::Rule(rule) = all.remove(0) else { unreachable!("{title} is a rule") };
        for (events, wanted) in [(fire, true), (quiet, false)] {
            for event in *events {
                assert_eq!(rule.fires(&Json::parse(event).unwrap()), wanted, "{title} on {event}");
            }
        }
    }
}
