//! The small estate: two Regions of one account, something right and something wrong for most checks.

use crate::answer::Reply;
use crate::estate::Estate;
use crate::network;
use base64::Engine as _;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub(crate) const US: &str = "us-east-1";
pub(crate) const EU: &str = "eu-west-1";

pub(crate) fn estate() -> Estate {
    let estate = network::elsewhere(elsewhere(Estate::empty()));
    messages(data(compute(network::estate(audit(buckets(iam(estate)))))))
}

/// A policy that lets a principal do something to every resource it is attached to.
fn policy(principal: &Value, action: &str) -> String {
    json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}})
        .to_string()
}

/// A text as IAM sends policy documents.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

pub(crate) fn xml(members: &str) -> Reply {
    Reply::Xml(members.to_owned())
}

/// Days before now, as AWS writes times.
fn days_ago(days: i64) -> String {
    let at = Timestamp::now() - SignedDuration::from_hours(24 * days);
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}

/// Regional listings where there is nothing.
fn elsewhere(estate: Estate) -> Estate {
    estate
        .with("cloudtrail:DescribeTrails", Reply::Json(json!({"trailList": []})))
        .with("config:DescribeConfigurationRecorderStatus", Reply::Json(json!({"ConfigurationRecordersStatus": []})))
        .with("config:DescribeConfigurationRecorders", Reply::Json(json!({"ConfigurationRecorders": []})))
        .with("dms:DescribeReplicationInstances", Reply::Json(json!({"ReplicationInstances": []})))
        .with("ec2:DescribeFlowLogs", xml("<flowLogSet/>"))
        .with("ec2:DescribeSnapshots", xml("<snapshotSet/>"))
        .with("ec2:DescribeVolumes", xml("<volumeSet/>"))
        .with("ec2:GetEbsEncryptionByDefault", xml("<ebsEncryptionByDefault>false</ebsEncryptionByDefault>"))
        .with("guardduty:ListDetectors", Reply::Json(json!({"detectorIds": []})))
        .with("ecr:DescribeRepositories", Reply::Json(json!({"repositories": []})))
        .with("kms:ListKeys", Reply::Json(json!({"Keys": [], "Truncated": false})))
        .with("lambda:ListFunctions", Reply::Json(json!({"Functions": [], "NextMarker": null})))
        .with("opensearch:ListDomainNames", Reply::Json(json!({"DomainNames": []})))
        .with("sagemaker:ListNotebookInstances", Reply::Json(json!({"NotebookInstances": []})))
        .with("secretsmanager:ListSecrets", Reply::Json(json!({"SecretList": []})))
        .with("sns:ListTopics", xml("<Topics/>"))
        .with("sqs:ListQueues", Reply::Json(json!({"QueueUrls": []})))
}

fn iam(estate: Estate) -> Estate {
    let report = base64::engine::general_purpose::STANDARD.encode(credential_report());
    let document = |action: &str| {
        let statement = json!({"Effect": "Allow", "Action": action, "Resource": "*"});
        encoded(&json!({"Version": "2012-10-17", "Statement": statement}).to_string())
    };
    let policy = |name: &str, action: &str| {
        format!(
            "<member><PolicyName>{name}</PolicyName><PolicyId>ANPA{name}</PolicyId><Arn>arn:aws:iam::111122223333:policy/{name}</Arn>\
             <DefaultVersionId>v2</DefaultVersionId><PolicyVersionList>\
             <member><VersionId>v1</VersionId><IsDefaultVersion>false</IsDefaultVersion><Document>{}</Document></member>\
             <member><VersionId>v2</VersionId><IsDefaultVersion>true</IsDefaultVersion><Document>{}</Document></member>\
             </PolicyVersionList></member>",
            document("*"),
            document(action)
        )
    };
    let user = |name: &str, attached: &str| {
        format!(
            "<member><UserName>{name}</UserName><UserId>AIDA{name}</UserId><Arn>arn:aws:iam::111122223333:user/{name}</Arn>\
             <AttachedManagedPolicies>{attached}</AttachedManagedPolicies><UserPolicyList/><GroupList/></member>"
        )
    };
    let role = |name: &str, principal: &Value| {
        let trust = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}});
        format!(
            "<member><RoleName>{name}</RoleName><RoleId>AROA{name}</RoleId><Arn>arn:aws:iam::111122223333:role/{name}</Arn>\
             <AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument><RolePolicyList/><AttachedManagedPolicies/></member>",
            encoded(&trust.to_string())
        )
    };
    let attached = "<member><PolicyName>everything</PolicyName><PolicyArn>arn:aws:iam::111122223333:policy/everything</PolicyArn></member>";
    estate
        .with(
            "sts:GetCallerIdentity",
            xml("<Arn>arn:aws:iam::111122223333:user/audit</Arn><UserId>AIDAAUDIT</UserId><Account>111122223333</Account>"),
        )
        .with(
            "iam:GetAccountSummary",
            xml("<SummaryMap><entry><key>AccountMFAEnabled</key><value>1</value></entry><entry><key>AccountAccessKeysPresent</key><value>1</value></entry>\
                 <entry><key>AccountPasswordPresent</key><value>1</value></entry></SummaryMap>"),
        )
        .with(
            "iam:GetAccountPasswordPolicy",
            xml("<PasswordPolicy><MinimumPasswordLength>6</MinimumPasswordLength><RequireSymbols>true</RequireSymbols><RequireNumbers>true</RequireNumbers>\
                 <RequireUppercaseCharacters>true</RequireUppercaseCharacters><RequireLowercaseCharacters>true</RequireLowercaseCharacters></PasswordPolicy>"),
        )
        .with(
            "iam:ListVirtualMFADevices",
            xml("<VirtualMFADevices><member><SerialNumber>arn:aws:iam::111122223333:mfa/alice</SerialNumber>\
                 <User><UserName>alice</UserName><Arn>arn:aws:iam::111122223333:user/alice</Arn></User></member></VirtualMFADevices><IsTruncated>false</IsTruncated>"),
        )
        .with(
            "iam:GetAccountAuthorizationDetails",
            Reply::Xml(format!(
                "<UserDetailList>{}{}</UserDetailList><GroupDetailList/><RoleDetailList>{}{}</RoleDetailList><Policies>{}{}{}</Policies><IsTruncated>false</IsTruncated>",
                user("alice", ""),
                user("bob", attached),
                role("worker", &json!({"Service": "lambda.amazonaws.com"})),
                role("anyones", &json!("*")),
                policy("read-logs", "logs:GetLogEvents"),
                policy("everything", "*"),
                policy("pass-roles", "iam:PassRole"),
            )),
        )
        .with("iam:GenerateCredentialReport", xml("<State>COMPLETE</State>"))
        .with("iam:GetCredentialReport", Reply::Xml(format!("<Content>{report}</Content><ReportFormat>text/csv</ReportFormat>")))
}

/// Alice does all well; Bob has no MFA device and an old key; the root user has a key.
fn credential_report() -> String {
    let head = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,\
                access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,\
                access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,\
                cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated";
    let (new, old) = (days_ago(5), days_ago(400));
    let no_key = "false,N/A,N/A,N/A,N/A";
    let no_certificates = "false,N/A,false,N/A";
    let key = |rotated: &str, used: &str| format!("true,{rotated},{used},us-east-1,s3");
    let row = |user: &str, arn: &str, password: &str, keys: &str| {
        format!("\n{user},arn:aws:iam::111122223333:{arn},{old},{password},{keys},{no_certificates}")
    };
    [
        head.to_owned(),
        row(
            "<root_account>",
            "root",
            &format!("not_supported,{new},not_supported,not_supported,true"),
            &format!("{},{no_key}", key(&old, &old)),
        ),
        row("alice", "user/alice", &format!("true,{new},{old},N/A,true"), &format!("{},{no_key}", key(&new, &new))),
        row("bob", "user/bob", &format!("true,{old},{old},N/A,false"), &format!("{no_key},{}", key(&old, &old))),
    ]
    .concat()
}

/// Two buckets that their policies and ACLs open alike; only one of them blocks that. The account blocks new ones only.
fn buckets(estate: Estate) -> Estate {
    let half = "<PublicAccessBlockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><BlockPublicAcls>true</BlockPublicAcls>\
        <IgnorePublicAcls>false</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>false</RestrictPublicBuckets>\
        </PublicAccessBlockConfiguration>";
    let blocked = "<PublicAccessBlockConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><BlockPublicAcls>true</BlockPublicAcls>\
        <IgnorePublicAcls>true</IgnorePublicAcls><BlockPublicPolicy>true</BlockPublicPolicy><RestrictPublicBuckets>true</RestrictPublicBuckets>\
        </PublicAccessBlockConfiguration>";
    estate
        .with(
            "s3:ListBuckets",
            xml("<ListAllMyBucketsResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Owner><ID>owner</ID></Owner><Buckets>\
                 <Bucket><Name>closed-111122223333</Name><CreationDate>2024-01-01T00:00:00.000Z</CreationDate><BucketRegion>us-east-1</BucketRegion></Bucket>\
                 <Bucket><Name>open-111122223333</Name><CreationDate>2024-01-01T00:00:00.000Z</CreationDate><BucketRegion>eu-west-1</BucketRegion></Bucket>\
                 </Buckets></ListAllMyBucketsResult>"),
        )
        .with(
            "s3:GetBucketEncryption",
            Reply::error(404, "ServerSideEncryptionConfigurationNotFoundError", "The server side encryption configuration was not found"),
        )
        .with_for(
            "closed-111122223333",
            "s3:GetBucketEncryption",
            xml("<ServerSideEncryptionConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule><ApplyServerSideEncryptionByDefault>\
                 <SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault><BucketKeyEnabled>false</BucketKeyEnabled></Rule>\
                 </ServerSideEncryptionConfiguration>"),
        )
        .with(
            "s3:GetPublicAccessBlock",
            Reply::error(404, "NoSuchPublicAccessBlockConfiguration", "The public access block configuration was not found"),
        )
        .with_for("closed-111122223333", "s3:GetPublicAccessBlock", xml(blocked))
        .with("s3control:GetPublicAccessBlock", xml(half))
        .with("s3:GetBucketPolicy", Reply::Json(serde_json::from_str(&policy(&json!("*"), "s3:GetObject")).unwrap_or_default()))
        .with(
            "s3:GetBucketOwnershipControls",
            xml("<OwnershipControls xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule>\
                 </OwnershipControls>"),
        )
        .with(
            "s3:GetBucketAcl",
            xml("<AccessControlPolicy xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Owner><ID>owner</ID></Owner><AccessControlList><Grant>\
                 <Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\">\
                 <URI>http://acs.amazonaws.com/groups/global/AllUsers</URI></Grantee><Permission>READ</Permission></Grant></AccessControlList>\
                 </AccessControlPolicy>"),
        )
}

/// CloudTrail, AWS Config, GuardDuty.
fn audit(estate: Estate) -> Estate {
    let main = json!({
        "Name": "main", "S3BucketName": "closed-111122223333", "HomeRegion": US, "IsMultiRegionTrail": true, "IncludeGlobalServiceEvents": true,
        "TrailARN": "arn:aws:cloudtrail:us-east-1:111122223333:trail/main", "LogFileValidationEnabled": true, "HasCustomEventSelectors": true,
        "KmsKeyId": "arn:aws:kms:us-east-1:111122223333:key/used", "IsOrganizationTrail": false,
    });
    let local = json!({
        "Name": "local", "S3BucketName": "closed-111122223333", "HomeRegion": EU, "IsMultiRegionTrail": false, "IncludeGlobalServiceEvents": false,
        "TrailARN": "arn:aws:cloudtrail:eu-west-1:111122223333:trail/local", "LogFileValidationEnabled": false, "HasCustomEventSelectors": false,
        "IsOrganizationTrail": false,
    });
    let status = |recording: bool| json!({"ConfigurationRecordersStatus": [{"name": "default", "recording": recording, "lastStatus": "SUCCESS"}]});
    estate
        .with_in(US, "cloudtrail:DescribeTrails", Reply::Json(json!({"trailList": [main.clone()]})))
        .with_in(EU, "cloudtrail:DescribeTrails", Reply::Json(json!({"trailList": [main, local]})))
        .with("cloudtrail:GetTrailStatus", Reply::Json(json!({"IsLogging": true})))
        .with(
            "cloudtrail:GetEventSelectors",
            Reply::Json(json!({"EventSelectors": [{"ReadWriteType": "All", "IncludeManagementEvents": true, "DataResources": [], "ExcludeManagementEventSources": []}]})),
        )
        .with_in(US, "config:DescribeConfigurationRecorderStatus", Reply::Json(status(true)))
        .with_in(EU, "config:DescribeConfigurationRecorderStatus", Reply::Json(status(false)))
        .with_in(
            US,
            "config:DescribeConfigurationRecorders",
            Reply::Json(json!({"ConfigurationRecorders": [{"name": "default", "recordingGroup": {
                "allSupported": true, "includeGlobalResourceTypes": true, "resourceTypes": [], "recordingStrategy": {"useOnly": "ALL_SUPPORTED_RESOURCE_TYPES"}}}]})),
        )
        .with_in(US, "guardduty:ListDetectors", Reply::Json(json!({"detectorIds": ["d0us"]})))
        .with("guardduty:GetDetector", Reply::Json(json!({"status": "ENABLED", "createdAt": "2024-01-01T00:00:00.000Z", "serviceRole": "role"})))
}

/// EBS, Lambda, SageMaker.
fn compute(estate: Estate) -> Estate {
    let volume = |id: &str, encrypted: bool, attached: bool| {
        let attachment = "<item><volumeId>v</volumeId><instanceId>i-0</instanceId><status>attached</status></item>";
        let attachments = if attached { attachment } else { "" };
        format!(
            "<item><volumeId>{id}</volumeId><encrypted>{encrypted}</encrypted><attachmentSet>{attachments}</attachmentSet></item>"
        )
    };
    let snapshots = |ids: &[&str]| {
        let items: String = ids.iter().map(|id| format!("<item><snapshotId>{id}</snapshotId><ownerId>111122223333</ownerId><status>completed</status></item>")).collect();
        Reply::Xml(format!("<snapshotSet>{items}</snapshotSet>"))
    };
    let function = |name: &str, package: &str, runtime: Option<&str>| {
        let mut f = json!({"FunctionName": name, "FunctionArn": format!("arn:aws:lambda:us-east-1:111122223333:function:{name}"), "PackageType": package});
        if let (Some(runtime), Some(members)) = (runtime, f.as_object_mut()) {
            members.insert("Runtime".to_owned(), json!(runtime));
        }
        f
    };
    let opened = Reply::Json(json!({"Policy": policy(&json!("*"), "lambda:InvokeFunction")}));
    let notebook =
        |direct: &str| Reply::Json(json!({"DirectInternetAccess": direct, "NotebookInstanceStatus": "InService"}));
    let notebooks = ["inside", "outside"].map(|name| {
        json!({"NotebookInstanceName": name, "NotebookInstanceArn": format!("arn:aws:sagemaker:eu-west-1:111122223333:notebook-instance/{name}")})
    });
    estate
        .with_in(US, "ec2:DescribeVolumes", Reply::Xml(format!("<volumeSet>{}{}</volumeSet>", volume("vol-0good", true, true), volume("vol-0bad", false, true))))
        .with_in(EU, "ec2:DescribeVolumes", Reply::Xml(format!("<volumeSet>{}</volumeSet>", volume("vol-0loose", false, false))))
        .with_in(US, "ec2:GetEbsEncryptionByDefault", xml("<ebsEncryptionByDefault>true</ebsEncryptionByDefault>"))
        .with_in(EU, "ec2:DescribeSnapshots", snapshots(&["snap-0own", "snap-0shared"]))
        .with_in_for(EU, "all", "ec2:DescribeSnapshots", snapshots(&["snap-0shared"]))
        .with_in(
            US,
            "lambda:ListFunctions",
            Reply::Json(json!({"Functions": [
                function("current", "Zip", Some("python3.13")), function("outdated", "Zip", Some("python3.7")), function("packed", "Image", None),
            ]})),
        )
        .with("lambda:GetPolicy", Reply::error(404, "ResourceNotFoundException", "The resource you requested does not exist."))
        .with_for("outdated", "lambda:GetPolicy", opened)
        .with_in(EU, "sagemaker:ListNotebookInstances", Reply::Json(json!({"NotebookInstances": notebooks})))
        .with_for("inside", "sagemaker:DescribeNotebookInstance", notebook("Disabled"))
        .with_for("outside", "sagemaker:DescribeNotebookInstance", notebook("Enabled"))
}

/// KMS, DMS, OpenSearch.
fn data(estate: Estate) -> Estate {
    let arn = |id: &str| format!("arn:aws:kms:us-east-1:111122223333:key/{id}");
    let keys = ["used", "leaving", "aws-own"];
    let key = |id: &str, state: &str, manager: &str| {
        Reply::Json(
            json!({"KeyMetadata": {"KeyId": id, "Arn": arn(id), "KeyState": state, "KeyManager": manager, "Enabled": state == "Enabled"}}),
        )
    };
    let instance = |name: &str, public: bool| {
        json!({"ReplicationInstanceIdentifier": name, "PubliclyAccessible": public,
               "ReplicationInstanceArn": format!("arn:aws:dms:eu-west-1:111122223333:rep:{name}")})
    };
    let domain = |name: &str, encrypted: bool| {
        json!({"DomainName": name, "DomainId": format!("111122223333/{name}"), "ARN": format!("arn:aws:es:us-east-1:111122223333:domain/{name}"),
               "EncryptionAtRestOptions": {"Enabled": encrypted}})
    };
    estate
        .with_in(US, "kms:ListKeys", Reply::Json(json!({"Keys": keys.map(|id| json!({"KeyId": id, "KeyArn": arn(id)})), "Truncated": false})))
        .with_for("used", "kms:DescribeKey", key("used", "Enabled", "CUSTOMER"))
        .with_for("leaving", "kms:DescribeKey", key("leaving", "PendingDeletion", "CUSTOMER"))
        .with_for("aws-own", "kms:DescribeKey", key("aws-own", "Enabled", "AWS"))
        .with("kms:GetKeyPolicy", Reply::Json(json!({"Policy": policy(&json!({"AWS": "arn:aws:iam::111122223333:root"}), "kms:*")})))
        .with_for("leaving", "kms:GetKeyPolicy", Reply::Json(json!({"Policy": policy(&json!("*"), "kms:Decrypt")})))
        .with_in(EU, "dms:DescribeReplicationInstances", Reply::Json(json!({"ReplicationInstances": [instance("inner", false), instance("outer", true)]})))
        .with_in(US, "opensearch:ListDomainNames", Reply::Json(json!({"DomainNames": [{"DomainName": "sealed", "EngineType": "OpenSearch"}, {"DomainName": "plain", "EngineType": "Elasticsearch"}]})))
        .with_in(US, "opensearch:DescribeDomains", Reply::Json(json!({"DomainStatusList": [domain("sealed", true), domain("plain", false)]})))
}

/// Queues, topics, secrets and repositories in us-east-1: of each kind one that is open to everyone.
fn messages(estate: Estate) -> Estate {
    let everyone = json!("*");
    let url = |name: &str| format!("https://sqs.us-east-1.amazonaws.com/111122223333/{name}");
    let arn = |service: &str, name: &str| format!("arn:aws:{service}:us-east-1:111122223333:{name}");
    let topic = |name: &str| format!("<member><TopicArn>{}</TopicArn></member>", arn("sns", name));
    let secret = |name: &str| json!({"Name": name, "ARN": arn("secretsmanager", &format!("secret:{name}-AbCdEf"))});
    let repository = |name: &str| json!({"repositoryName": name, "repositoryArn": arn("ecr", &format!("repository/{name}")), "registryId": "111122223333"});
    let attribute = |key: &str, value: &str| format!("<entry><key>{key}</key><value>{value}</value></entry>");
    let owner = attribute("Owner", "111122223333");
    estate
        .with_in(US, "sqs:ListQueues", Reply::Json(json!({"QueueUrls": [url("jobs"), url("inbox")]})))
        .with_for(&url("jobs"), "sqs:GetQueueAttributes", Reply::Json(json!({"Attributes": {"QueueArn": arn("sqs", "jobs")}})))
        .with_for(
            &url("inbox"),
            "sqs:GetQueueAttributes",
            Reply::Json(json!({"Attributes": {"QueueArn": arn("sqs", "inbox"), "Policy": policy(&everyone, "sqs:SendMessage")}})),
        )
        .with_in(US, "sns:ListTopics", Reply::Xml(format!("<Topics>{}{}</Topics>", topic("alarms"), topic("news"))))
        .with("sns:GetTopicAttributes", Reply::Xml(format!("<Attributes>{owner}</Attributes>")))
        .with_for(
            &arn("sns", "news"),
            "sns:GetTopicAttributes",
            Reply::Xml(format!("<Attributes>{owner}{}</Attributes>", attribute("Policy", &policy(&everyone, "sns:Subscribe")))),
        )
        .with_in(US, "secretsmanager:ListSecrets", Reply::Json(json!({"SecretList": [secret("database"), secret("shared")]})))
        .with("secretsmanager:GetResourcePolicy", Reply::Json(json!({})))
        .with_for(
            &arn("secretsmanager", "secret:shared-AbCdEf"),
            "secretsmanager:GetResourcePolicy",
            Reply::Json(json!({"ResourcePolicy": policy(&everyone, "secretsmanager:GetSecretValue")})),
        )
        .with_in(US, "ecr:DescribeRepositories", Reply::Json(json!({"repositories": [repository("api"), repository("base")]})))
        .with("ecr:GetRepositoryPolicy", Reply::error(400, "RepositoryPolicyNotFoundException", "Repository policy does not exist"))
        .with_for("base", "ecr:GetRepositoryPolicy", Reply::Json(json!({"policyText": policy(&everyone, "ecr:BatchGetImage")})))
}
