//! A made-up scan that holds every status and severity, gaps of several reasons, and names that try to break out.

use std::sync::Arc;
use std::time::Duration;
use yagura_model::{
    Compliance, ComplianceRequirement, ComplianceSection, Coverage, Gap, GapReason, Lang, Map, ResourceRef, Severity,
    Standing, Status, Value, Verdict,
};
use yagura_report::{Framework, Meta, Report};

struct Check {
    id: &'static str,
    severity: Severity,
    maps: &'static [&'static str],
    en: [&'static str; 3],
    ja: [&'static str; 3],
}

const CHECKS: [Check; 8] = [
    Check {
        id: "iam.root_has_no_access_key",
        severity: Severity::Critical,
        maps: &["aws-26/4", "fsbp/IAM.4", "cis-5.0/1.3"],
        en: [
            "The root user has no access key",
            "Whoever holds a root access key owns the account, and no policy can limit it.",
            "Sign in as the root user of {id}, open Security credentials and delete its access keys.",
        ],
        ja: [
            "ルートユーザーにアクセスキーがない",
            "ルートのアクセスキーを手に入れた者はアカウント全体を支配でき、どのポリシーでも制限できない。",
            "{id} のルートユーザーでサインインし、[セキュリティ認証情報] からアクセスキーを削除する。",
        ],
    },
    Check {
        id: "s3.bucket_default_encryption",
        severity: Severity::High,
        maps: &["aws-26/10"],
        en: [
            "Bucket encrypts new objects by default",
            "Objects that are written without a key in the request would lie on disk in clear.",
            "Turn on default encryption of bucket {id}.",
        ],
        ja: [
            "バケットのデフォルト暗号化が有効である",
            "リクエストで鍵を指定せずに書き込まれたオブジェクトが、平文のまま保存される。",
            "バケット {id} のデフォルト暗号化を有効にする。",
        ],
    },
    Check {
        id: "ec2.ebs_volume_encrypted",
        severity: Severity::High,
        maps: &["aws-26/16", "fsbp/EC2.3"],
        en: [
            "Attached EBS volume is encrypted",
            "A snapshot of an unencrypted volume can be shared and read outside the account.",
            "Create an encrypted copy from a snapshot of {id}, attach it in its place, then delete {id}.",
        ],
        ja: [
            "アタッチ済みの EBS ボリュームが暗号化されている",
            "暗号化されていないボリュームのスナップショットは、アカウントの外へ共有されて読み取られる恐れがある。",
            "{id} のスナップショットから暗号化済みのコピーを作成して差し替え、その後 {id} を削除する。",
        ],
    },
    Check {
        id: "s3.bucket_blocks_public_access",
        severity: Severity::Medium,
        maps: &["aws-26/11", "fsbp/S3.8", "cis-5.0/2.1.4"],
        en: [
            "Bucket blocks public access in its own settings",
            "One ACL or policy line can publish every object; these four switches override both.",
            "Turn on all four Block Public Access settings of {id}.",
        ],
        ja: [
            "バケット自身の設定でパブリックアクセスをブロックしている",
            "ACL やポリシーの一行で全オブジェクトが公開されうる。この 4 つの設定はその両方に優先する。",
            "{id} のブロックパブリックアクセス 4 項目をすべて有効にする。",
        ],
    },
    Check {
        id: "guardduty.detector_enabled",
        severity: Severity::Medium,
        maps: &["aws-26/26"],
        en: [
            "GuardDuty is enabled in the Region",
            "Attackers prefer the Regions that nobody watches.",
            "Enable GuardDuty in {id}; with AWS Organizations, do so for all accounts from the delegated administrator.",
        ],
        ja: [
            "リージョンで GuardDuty が有効である",
            "攻撃者は監視されていないリージョンを狙う。",
            "{id} で GuardDuty を有効にする。AWS Organizations を使う場合は、委任管理者から全アカウントで有効にする。",
        ],
    },
    Check {
        id: "ec2.vpc_flow_logs_enabled",
        severity: Severity::Low,
        maps: &["aws-26/17", "fsbp/EC2.6"],
        en: [
            "VPC has a flow log that records rejected traffic",
            "Without it nobody can tell later who probed the network.",
            "Create a flow log for {id} with traffic type REJECT or ALL.",
        ],
        ja: [
            "拒否された通信を記録するフローログが VPC にある",
            "フローログがなければ、誰がネットワークを探ったのかを後から確認できない。",
            "{id} に、トラフィックタイプが REJECT または ALL のフローログを作成する。",
        ],
    },
    Check {
        id: "lambda.function_runtime_supported",
        severity: Severity::Medium,
        maps: &["aws-26/24"],
        en: [
            "Lambda function runs on a supported runtime",
            "Runtimes past their end of support get no security patches.",
            "Move {id} to a supported runtime and test it.",
        ],
        ja: [
            "Lambda 関数がサポート中のランタイムで動いている",
            "サポートが終了したランタイムには、セキュリティパッチが提供されない。",
            "{id} をサポート中のランタイムへ移行し、動作を確認する。",
        ],
    },
    Check {
        id: "kms.key_not_pending_deletion",
        severity: Severity::Info,
        maps: &[],
        en: [
            "Customer managed key is not pending deletion",
            "What it encrypted can never be read again once it is gone.",
            "Cancel the deletion of {id} unless it is meant.",
        ],
        ja: [
            "カスタマーマネージドキーの削除が予定されていない",
            "キーが削除されると、そのキーで暗号化したデータは二度と読み取れない。",
            "意図した削除でなければ、{id} の削除をキャンセルする。",
        ],
    },
];

/// The scan.
pub fn report(lang: Lang) -> Report {
    use Status::{Fail, NotApplicable, Pass, Unknown};
    let mut verdicts = vec![
        verdict(lang, 0, Fail, "account", None, "111122223333", "111122223333", "aws-global"),
        verdict(lang, 0, Pass, "account", None, "444455556666", "444455556666", "aws-global"),
    ];
    for n in 0..7 {
        let id = format!("example-logs-{n}");
        let arn = format!("arn:aws:s3:::{id}");
        verdicts.push(verdict(
            lang,
            3,
            if n < 6 { Fail } else { Pass },
            "s3.bucket",
            Some(&arn),
            &id,
            "111122223333",
            "ap-northeast-1",
        ));
        verdicts.push(verdict(
            lang,
            1,
            if n < 2 { Unknown } else { Pass },
            "s3.bucket",
            Some(&arn),
            &id,
            "111122223333",
            "ap-northeast-1",
        ));
    }
    for (id, status) in
        [("vol-0a1b2c3d4e5f60718", Fail), ("vol-0123456789abcdef0", Pass), ("vol-0fedcba9876543210", NotApplicable)]
    {
        let arn = format!("arn:aws:ec2:us-east-1:444455556666:volume/{id}");
        verdicts.push(verdict(lang, 2, status, "ec2.volume", Some(&arn), id, "444455556666", "us-east-1"));
    }
    for (region, status) in [("us-east-1", Fail), ("ap-northeast-1", Pass), ("eu-central-1", Unknown)] {
        verdicts.push(verdict(lang, 4, status, "region", None, region, "111122223333", region));
    }
    verdicts.push(verdict(
        lang,
        5,
        Fail,
        "ec2.vpc",
        Some("arn:aws:ec2:us-east-1:111122223333:vpc/vpc-0aa"),
        "vpc-0aa",
        "111122223333",
        "us-east-1",
    ));
    let hostile = "</script><script>alert(1)</script>|`=\u{1b}[31m\u{202e}@octocat";
    verdicts.push(verdict(lang, 6, Fail, "lambda.function", None, hostile, "111122223333", "us-east-1"));
    verdicts.push(verdict(
        lang,
        6,
        Fail,
        "lambda.function",
        None,
        "=HYPERLINK(\"http://x\")",
        "111122223333",
        "us-east-1",
    ));
    verdicts.push(verdict(
        lang,
        7,
        Pass,
        "kms.key",
        Some("arn:aws-cn:kms:cn-north-1:444455556666:key/k"),
        "k",
        "444455556666",
        "cn-north-1",
    ));

    let denied = gap(
        GapReason::AccessDenied,
        "s3:GetBucketEncryption",
        Some("s3:GetEncryptionConfiguration"),
        "ap-northeast-1",
        "AccessDenied",
    );
    let slow = gap(
        GapReason::Throttled,
        "guardduty:ListDetectors",
        Some("guardduty:ListDetectors"),
        "eu-central-1",
        "ThrottlingException",
    );
    for verdict in verdicts.iter_mut().filter(|v| v.status == Unknown) {
        let gap = if verdict.rule.starts_with("s3.") { &denied } else { &slow };
        verdict.reason = Some(gap.say(lang));
        verdict.missing = gap.permission.clone().filter(|_| gap.is_denied()).into_iter().collect();
    }
    Report { meta: meta(lang), verdicts, gaps: vec![denied, slow], compliance: vec![compliance(lang)] }
}

/// `n` verdicts over many resources, for measuring.
pub fn large(lang: Lang, n: usize) -> Report {
    let small = report(lang);
    let mut verdicts = Vec::with_capacity(n);
    for i in 0..n {
        let check = i % CHECKS.len();
        let status = match i % 11 {
            0..=3 => Status::Fail,
            4 => Status::Unknown,
            10 => Status::NotApplicable,
            _ => Status::Pass,
        };
        let account = format!("{:012}", 111_122_223_333_u64 + (i % 40) as u64);
        let region = ["us-east-1", "ap-northeast-1", "eu-central-1", "us-west-2"][i / 7 % 4];
        let id = format!("resource-{i:06}-of-the-estate");
        let arn = format!("arn:aws:ec2:{region}:{account}:thing/{id}");
        let mut verdict = verdict(
            lang,
            check,
            status,
            CHECKS[check].id.split('.').next().unwrap_or(""),
            Some(&arn),
            &id,
            &account,
            region,
        );
        if status == Status::Unknown {
            verdict.reason = small.gaps.first().map(|gap| gap.say(lang));
            verdict.missing = vec!["s3:GetEncryptionConfiguration".into()];
        }
        verdicts.push(verdict);
    }
    let mut meta = meta(lang);
    meta.accounts = (0..40).map(|i| format!("{:012}", 111_122_223_333_u64 + i).into()).collect();
    Report { meta, verdicts, gaps: small.gaps, compliance: vec![] }
}

fn meta(lang: Lang) -> Meta {
    Meta {
        left_out: 0,
        notes: Vec::new(),
        tool: "0.1.0".into(),
        taken_at: "2026-01-02T03:04:05Z".parse().expect("a timestamp"),
        accounts: vec!["111122223333".into(), "444455556666".into()],
        regions: vec!["ap-northeast-1".into(), "eu-central-1".into(), "us-east-1".into()],
        all_regions: false,
        caller: Some("arn:aws:sts::111122223333:assumed-role/audit/alice".into()),
        lang,
        demo: true,
        requests: 1_204,
        duration: Duration::from_millis(4_210),
        frameworks: vec![
            Framework {
                id: "aws-26".into(),
                title: lang.pick("AWS 26 best practices", "AWS 26 のベストプラクティス").into(),
            },
            Framework { id: "fsbp".into(), title: "AWS Foundational Security Best Practices".into() },
            Framework { id: "cis-5.0".into(), title: "CIS AWS Foundations Benchmark 5.0".into() },
        ],
        types: [
            ("s3.bucket", "AWS::S3::Bucket"),
            ("ec2.volume", "AWS::EC2::Volume"),
            ("ec2.vpc", "AWS::EC2::VPC"),
            ("kms.key", "AWS::KMS::Key"),
            ("lambda.function", "AWS::Lambda::Function"),
        ]
        .map(|(kind, name)| (kind.into(), name.into()))
        .into(),
    }
}

fn gap(reason: GapReason, call: &str, permission: Option<&str>, region: &str, detail: &str) -> Arc<Gap> {
    Arc::new(Gap {
        reason,
        call: call.into(),
        permission: permission.map(Into::into),
        region: region.into(),
        detail: detail.into(),
    })
}

#[expect(clippy::too_many_arguments, reason = "a row of a table")]
fn verdict(
    lang: Lang,
    check: usize,
    status: Status,
    kind: &str,
    arn: Option<&str>,
    id: &str,
    account: &str,
    region: &str,
) -> Verdict {
    let check = &CHECKS[check];
    let [title, why, fix] = if lang == Lang::En { check.en } else { check.ja };
    let mut evidence = Map::new();
    if status == Status::Fail {
        evidence.insert("Name", Value::text(id));
        evidence.insert("PublicAccessBlock.BlockPublicAcls", Value::Bool(false));
    }
    Verdict {
        rule: check.id.into(),
        status,
        severity: check.severity,
        resource: ResourceRef {
            arn: arn.map(Into::into),
            id: id.into(),
            kind: kind.into(),
            account: account.into(),
            region: region.into(),
        },
        title: title.into(),
        why: why.into(),
        fix: fix.replace("{id}", id).into(),
        maps: check.maps.iter().map(|m| (*m).into()).collect::<Vec<_>>().into(),
        evidence,
        missing: vec![],
        reason: (status == Status::NotApplicable)
            .then(|| lang.pick("The volume is not attached.", "ボリュームがアタッチされていない。").into()),
        place: None,
    }
}

/// A framework with a requirement of every standing.
fn compliance(lang: Lang) -> Compliance {
    let row = |number: &str, coverage, standing, counts: [usize; 3]| ComplianceRequirement {
        number: number.into(),
        title: format!("{} {number} <a> | b", lang.pick("Requirement", "要件")).into(),
        coverage,
        standing,
        checks: vec!["s3.bucket_blocks_public_access".into()],
        failed: counts[0],
        unknown: counts[1],
        passed: counts[2],
    };
    let requirements = vec![
        row("1.1", Coverage::Automated, Standing::Failed, [2, 1, 3]),
        row("1.2", Coverage::Partial, Standing::Passed, [0, 0, 4]),
        row("1.3", Coverage::Automated, Standing::Unknown, [0, 1, 0]),
        row("1.10", Coverage::Automated, Standing::NotApplicable, [0, 0, 0]),
        row("1.11", Coverage::Manual, Standing::Manual, [0, 0, 0]),
    ];
    let section =
        ComplianceSection { number: "1".into(), title: lang.pick("Storage", "ストレージ").into(), requirements };
    Compliance {
        framework: "sample".into(), title: lang.pick("A sample", "サンプル").into(), sections: vec![section]
    }
}
