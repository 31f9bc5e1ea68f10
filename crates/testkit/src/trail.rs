//! A CloudTrail of any size: deliveries as S3 holds them, of principals with stable habits. The same seed gives the same bytes.

use fastrand::Rng;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// What to make.
#[derive(Debug, Clone, Copy)]
pub struct Trail {
    /// Same seed, same bytes.
    pub seed: u64,
    /// JSON bytes in all, before compression, about.
    pub bytes: u64,
    /// Accounts.
    pub accounts: u32,
    /// Regions of each account.
    pub regions: usize,
    /// Days from 2026-03-01 on.
    pub days: u32,
    /// JSON bytes of one delivery, about.
    pub delivery: u64,
}

impl Default for Trail {
    fn default() -> Self {
        Self { seed: 1, bytes: 64 << 20, accounts: 3, regions: 3, days: 5, delivery: 2 << 20 }
    }
}

const REGIONS: [&str; 6] = ["us-east-1", "ap-northeast-1", "eu-west-1", "us-west-2", "ap-northeast-3", "eu-central-1"];

/// Source, name, whether it only reads, request parameters, response elements. `^` is a random hexadecimal digit, `@` a small number.
const CALLS: [(&str, &str, bool, &str, &str); 24] = [
    (
        "s3",
        "GetObject",
        true,
        r#"{"bucketName":"app-data-@","Host":"app-data-@.s3.amazonaws.com","key":"tenants/@/objects/^^^^^^^^.json"}"#,
        "null",
    ),
    (
        "s3",
        "PutObject",
        false,
        r#"{"bucketName":"app-data-@","Host":"app-data-@.s3.amazonaws.com","key":"tenants/@/objects/^^^^^^^^.json","x-amz-server-side-encryption":"aws:kms"}"#,
        r#"{"x-amz-server-side-encryption":"aws:kms","x-amz-version-id":"^^^^^^^^^^^^^^^^^^^^^^^^"}"#,
    ),
    (
        "s3",
        "ListObjects",
        true,
        r#"{"bucketName":"app-data-@","Host":"app-data-@.s3.amazonaws.com","list-type":"2","prefix":"tenants/@/","max-keys":"1000"}"#,
        "null",
    ),
    (
        "kms",
        "Decrypt",
        true,
        r#"{"encryptionContext":{"aws:s3:arn":"arn:aws:s3:::app-data-@/tenants/@/^^^^^^^^.json"},"encryptionAlgorithm":"SYMMETRIC_DEFAULT"}"#,
        "null",
    ),
    (
        "kms",
        "GenerateDataKey",
        true,
        r#"{"keyId":"arn:aws:kms:us-east-1:111122223333:key/^^^^^^^^-^^^^-^^^^-^^^^-^^^^^^^^^^^^","keySpec":"AES_256"}"#,
        "null",
    ),
    (
        "sts",
        "AssumeRole",
        true,
        r#"{"roleArn":"arn:aws:iam::111122223333:role/service-@","roleSessionName":"session-^^^^^^^^","durationSeconds":3600}"#,
        r#"{"credentials":{"accessKeyId":"ASIA^^^^^^^^^^^^^^^^","sessionToken":"^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^","expiration":"Mar 1, 2026, 11:00:00 AM"},"assumedRoleUser":{"assumedRoleId":"AROA^^^^^^^^^^^^^^^^:session-^^^^^^^^","arn":"arn:aws:sts::111122223333:assumed-role/service-@/session-^^^^^^^^"}}"#,
    ),
    (
        "ec2",
        "DescribeInstances",
        true,
        r#"{"instancesSet":{},"filterSet":{"items":[{"name":"tag:env","valueSet":{"items":[{"value":"prod-@"}]}}]},"maxResults":1000}"#,
        "null",
    ),
    (
        "ec2",
        "DescribeSecurityGroups",
        true,
        r#"{"securityGroupSet":{"items":[{"groupId":"sg-^^^^^^^^^^^^^^^^"}]},"securityGroupIdSet":{},"filterSet":{}}"#,
        "null",
    ),
    (
        "ec2",
        "RunInstances",
        false,
        r#"{"instancesSet":{"items":[{"imageId":"ami-^^^^^^^^^^^^^^^^","minCount":1,"maxCount":1,"keyName":"ops"}]},"instanceType":"m6i.large","blockDeviceMapping":{},"subnetId":"subnet-^^^^^^^^^^^^^^^^","monitoring":{"enabled":false},"disableApiTermination":false}"#,
        r#"{"requestId":"^^^^^^^^-^^^^-^^^^-^^^^-^^^^^^^^^^^^","reservationId":"r-^^^^^^^^^^^^^^^^","ownerId":"111122223333","groupSet":{},"instancesSet":{"items":[{"instanceId":"i-^^^^^^^^^^^^^^^^","imageId":"ami-^^^^^^^^^^^^^^^^","instanceState":{"code":0,"name":"pending"},"instanceType":"m6i.large","placement":{"availabilityZone":"us-east-1a"},"privateIpAddress":"10.0.@.@"}]}}"#,
    ),
    ("iam", "GetRole", true, r#"{"roleName":"service-@"}"#, "null"),
    ("iam", "ListRoles", true, r#"{"maxItems":100,"marker":"^^^^^^^^^^^^^^^^"}"#, "null"),
    (
        "iam",
        "CreateAccessKey",
        false,
        r#"{"userName":"user-@"}"#,
        r#"{"accessKey":{"userName":"user-@","accessKeyId":"AKIA^^^^^^^^^^^^^^^^","status":"Active","createDate":"Mar 1, 2026, 10:00:00 AM"}}"#,
    ),
    (
        "lambda",
        "Invoke",
        true,
        r#"{"functionName":"arn:aws:lambda:us-east-1:111122223333:function:worker-@","invocationType":"Event"}"#,
        "null",
    ),
    ("lambda", "GetFunction20150331v2", true, r#"{"functionName":"worker-@"}"#, "null"),
    ("dynamodb", "GetItem", true, r#"{"tableName":"sessions-@","key":["id"]}"#, "null"),
    ("dynamodb", "PutItem", false, r#"{"tableName":"sessions-@","key":["id"],"items":["id","expires"]}"#, "null"),
    (
        "logs",
        "CreateLogStream",
        false,
        r#"{"logGroupName":"/aws/lambda/worker-@","logStreamName":"2026/03/01/[$LATEST]^^^^^^^^"}"#,
        "null",
    ),
    ("logs", "DescribeLogGroups", true, r#"{"limit":50,"logGroupNamePrefix":"/aws/lambda/worker-@"}"#, "null"),
    ("secretsmanager", "GetSecretValue", true, r#"{"secretId":"prod/db-@"}"#, "null"),
    ("ssm", "GetParameters", true, r#"{"names":["/app/@/url","/app/@/key"],"withDecryption":true}"#, "null"),
    (
        "ssm",
        "UpdateInstanceInformation",
        false,
        r#"{"instanceId":"i-^^^^^^^^^^^^^^^^","agentVersion":"3.2.1705.0","agentStatus":"Active","platformType":"Linux","platformName":"Amazon Linux","platformVersion":"2023","iPAddress":"10.0.@.@","computerName":"ip-10-0-@-@.ec2.internal"}"#,
        "null",
    ),
    (
        "ecr",
        "BatchGetImage",
        true,
        r#"{"registryId":"111122223333","repositoryName":"app-@","imageIds":[{"imageTag":"v@"}],"acceptedMediaTypes":["application/vnd.docker.distribution.manifest.v2+json"]}"#,
        "null",
    ),
    ("monitoring", "PutMetricData", false, r#"{"namespace":"app-@"}"#, "null"),
    (
        "elasticloadbalancing",
        "DescribeTargetHealth",
        true,
        r#"{"targetGroupArn":"arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/app-@/^^^^^^^^^^^^^^^^"}"#,
        "null",
    ),
];

const AGENTS: [&str; 6] = [
    "aws-sdk-go-v2/1.24.1 os/linux lang/go#1.21.6 md/GOOS#linux md/GOARCH#amd64 api/s3#1.48.0",
    "aws-sdk-java/2.23.9 Linux/5.10.205 OpenJDK_64-Bit_Server_VM/17.0.9+9-LTS Java/17.0.9 vendor/Amazon.com_Inc. io/async",
    "Boto3/1.34.25 md/Botocore#1.34.25 ua/2.0 os/linux#6.1.72 md/arch#x86_64 lang/python#3.11.6 Botocore/1.34.25",
    "aws-cli/2.15.12 Python/3.11.6 Linux/6.1.72 exe/x86_64.amzn.2023 prompt/off command/s3.ls",
    "APN/1.0 HashiCorp/1.0 Terraform/1.6.6 (+https://www.terraform.io) terraform-provider-aws/5.33.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36",
];

impl Trail {
    /// Writes the deliveries below a folder, gzip, under CloudTrail's own keys. Answers how many events and JSON bytes they hold.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write(&self, folder: &Path) -> std::io::Result<(u64, u64)> {
        let mut random = Rng::with_seed(self.seed);
        let places = self.accounts as usize * self.regions.min(REGIONS.len()) * self.days as usize;
        let deliveries = (self.bytes / self.delivery.max(1)).max(places as u64);
        let (mut events, mut bytes) = (0, 0);
        for n in 0..deliveries {
            let place = (n as usize) % places;
            let region = REGIONS.get(place % self.regions).copied().unwrap_or("us-east-1");
            let account = 111_122_223_333 + 1_000_000_001 * ((place / self.regions) as u64 % u64::from(self.accounts));
            let day = 1 + (place / self.regions / self.accounts as usize) as u32;
            let minute = (n / places as u64 * 5) % 1440;
            let mut text = String::from("{\"Records\":[");
            let size = (self.bytes / deliveries).max(1_000);
            while (text.len() as u64) < size {
                if text.len() > 12 {
                    text.push(',');
                }
                event(&mut text, &mut random, account, region, day, minute);
                events += 1;
            }
            text.push_str("]}");
            bytes += text.len() as u64;
            let at = folder.join(format!("AWSLogs/{account}/CloudTrail/{region}/2026/03/{day:02}"));
            std::fs::create_dir_all(&at)?;
            let (h, m, tail) = (minute / 60, minute % 60, random.u64(..));
            let name = format!("{account}_CloudTrail_{region}_202603{day:02}T{h:02}{m:02}Z_{tail:016x}.json.gz");
            let mut gzip =
                flate2::write::GzEncoder::new(std::fs::File::create(at.join(name))?, flate2::Compression::new(6));
            gzip.write_all(text.as_bytes())?;
            gzip.finish()?;
        }
        Ok((events, bytes))
    }
}

fn event(out: &mut String, random: &mut Rng, account: u64, region: &str, day: u32, minute: u64) {
    // A principal keeps to a few calls, one agent and one address.
    let who = random.u64(..200) * random.u64(..200) / 200;
    let mut habit = Rng::with_seed(account ^ who);
    let agent = habit.choice(AGENTS).unwrap_or_default();
    let ip = format!("{}.{}.{}.{}", habit.u8(3..220), habit.u8(..), habit.u8(..), habit.u8(1..255));
    let key: u64 = habit.u64(..);
    let habits = habit.choose_multiple(CALLS, 3);
    let (source, name, reads, request, response) =
        random.choice(habits).unwrap_or(("s3", "GetObject", true, "null", "null"));
    let second = minute * 60 + random.u64(..300);
    let (h, m, s) = (second / 3600 % 24, second / 60 % 60, second % 60);
    let _ = write!(out, r#"{{"eventVersion":"1.09","userIdentity":{{"#);
    if who.is_multiple_of(4) {
        let _ = write!(
            out,
            r#""type":"IAMUser","principalId":"AIDA{key:016X}","arn":"arn:aws:iam::{account}:user/user-{who}","accountId":"{account}","accessKeyId":"AKIA{key:016X}","userName":"user-{who}"}}"#
        );
    } else {
        let _ = write!(
            out,
            r#""type":"AssumedRole","principalId":"AROA{key:016X}:i-{key:016x}","arn":"arn:aws:sts::{account}:assumed-role/service-{who}/i-{key:016x}","accountId":"{account}","accessKeyId":"ASIA{:016X}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"AROA{key:016X}","arn":"arn:aws:iam::{account}:role/service-{who}","accountId":"{account}","userName":"service-{who}"}},"attributes":{{"creationDate":"2026-03-{day:02}T{:02}:00:00Z","mfaAuthenticated":"false"}},"ec2RoleDelivery":"2.0"}}}}"#,
            key.wrapping_mul(u64::from(day) * 4 + h / 6 + 1),
            h / 6 * 6
        );
    }
    let _ = write!(
        out,
        r#","eventTime":"2026-03-{day:02}T{h:02}:{m:02}:{s:02}Z","eventSource":"{source}.amazonaws.com","eventName":"{name}","awsRegion":"{region}","sourceIPAddress":"{ip}","userAgent":"[{agent}]","#
    );
    if random.u8(..) < 10 {
        let _ = write!(
            out,
            r#""errorCode":"AccessDenied","errorMessage":"User: arn:aws:sts::{account}:assumed-role/service-{who}/i-{key:016x} is not authorized to perform: {source}:{name} because no identity-based policy allows the {source}:{name} action","#
        );
    }
    out.push_str(r#""requestParameters":"#);
    fill(out, random, request);
    out.push_str(r#","responseElements":"#);
    fill(out, random, response);
    if source == "s3" {
        let b = random.u32(..100);
        let _ = write!(
            out,
            r#","additionalEventData":{{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":0,"SSEApplied":"Default_SSE_S3","AuthenticationMethod":"AuthHeader","x-amz-id-2":"{:016x}{:016x}{:016x}=","bytesTransferredOut":{}}},"resources":[{{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::app-data-{b}/tenants/{b}"}},{{"accountId":"{account}","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::app-data-{b}"}}]"#,
            random.u64(..),
            random.u64(..),
            random.u64(..),
            random.u32(..100_000)
        );
    }
    fill(
        out,
        random,
        r#","requestID":"^^^^^^^^-^^^^-^^^^-^^^^-^^^^^^^^^^^^","eventID":"^^^^^^^^-^^^^-^^^^-^^^^-^^^^^^^^^^^^","#,
    );
    let _ = write!(
        out,
        r#""readOnly":{reads},"eventType":"AwsApiCall","managementEvent":{},"recipientAccountId":"{account}","eventCategory":"{}","tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"{source}.{region}.amazonaws.com"}}}}"#,
        source != "s3",
        if source == "s3" { "Data" } else { "Management" }
    );
}

fn fill(out: &mut String, random: &mut Rng, pattern: &str) {
    for c in pattern.chars() {
        match c {
            '^' => out.push(char::from_digit(random.u32(..16), 16).unwrap_or('0')),
            '@' => {
                let _ = write!(out, "{}", random.u32(..100));
            }
            other => out.push(other),
        }
    }
}
