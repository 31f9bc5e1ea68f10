//! Runs the real program against an endpoint, and knows which checks need which call.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests"
)]

pub mod moto;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use yagura_aws::Facts;
use yagura_inventory::{Kinds, Plan, Resource};
use yagura_model::{ContentFile, Status, Verdict};
use yagura_rule::CheckFile;

/// A secret access key and a session token that must never be seen anywhere.
pub const SECRET: &str = "wJalrXUtnFEMIK7MDENGbPxRfiCYsecretsecret";
/// See [`SECRET`].
pub const TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLEtokentokentokentokentokentokentoken";

/// No run takes longer than this, unless a test says so.
const LONGEST: Duration = Duration::from_secs(120);

/// A run of `yagura`.
pub struct Run {
    command: Command,
    home: tempfile::TempDir,
    longest: Duration,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
    pub took: Duration,
}

/// A verdict's resource: kind, id, Region.
pub type Subject = (String, String, String);

/// Verdicts by check and resource.
pub type Verdicts = BTreeMap<(String, Subject), Verdict>;

impl Run {
    /// `yagura <words>` with nothing of this machine's AWS configuration.
    pub fn new(words: &[&str]) -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_yagura"));
        command.args(words).env_clear().current_dir(home.path()).stdin(Stdio::null());
        command
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home.path())
            .env("LANG", "C.UTF-8")
            .env("AWS_ACCESS_KEY_ID", "testing")
            .env("AWS_SECRET_ACCESS_KEY", "testing")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
        Self { command, home, longest: LONGEST }
    }

    /// `yagura scan` of two Regions at an endpoint that answers what [`ANSWERED`] asks, as JSON Lines.
    pub fn scan(url: &str) -> Self {
        Self::scan_all(url).args(&["--check", &ANSWERED.join(",")])
    }

    /// The same with every check.
    pub fn scan_all(url: &str) -> Self {
        Self::new(&["scan", "--region", "us-east-1,eu-west-1", "--format", "jsonl"]).env("AWS_ENDPOINT_URL", url)
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub fn args(mut self, words: &[&str]) -> Self {
        self.command.args(words);
        self
    }

    /// It may take so long, where much is to be read.
    pub fn within(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// Starts it; the output is dropped.
    pub fn spawn(mut self) -> Child {
        self.command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Outcome {
        let (out, err) = (self.home.path().join(".stdout"), self.home.path().join(".stderr"));
        let started = Instant::now();
        let mut child =
            self.command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap()).spawn().unwrap();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if started.elapsed() > self.longest {
                child.kill().unwrap();
                panic!("still running after {:?}: {}", self.longest, text(&err));
            }
            std::thread::sleep(Duration::from_millis(3));
        };
        let code = status.code().unwrap_or_else(|| panic!("killed by a signal: {}", text(&err)));
        let outcome = Outcome { code, stdout: text(&out), stderr: text(&err), took: started.elapsed() };
        assert!(!outcome.stderr.contains("panicked at"), "{}", outcome.stderr);
        outcome
    }
}

fn text(path: &Path) -> String {
    let mut out = String::new();
    File::open(path).unwrap().read_to_string(&mut out).unwrap();
    out
}

impl Outcome {
    /// The verdicts of the JSON Lines on stdout.
    pub fn verdicts(&self) -> Verdicts {
        let mut out = Verdicts::new();
        for line in self.stdout.lines() {
            let v: Verdict = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            let r = &v.resource;
            let subject = (r.kind.to_string(), r.id.to_string(), r.region.to_string());
            let again = out.insert((v.rule.to_string(), subject), v);
            assert!(again.is_none(), "two verdicts on one resource: {line}");
        }
        out
    }

    /// The verdicts of a run that must have ended with exit code 0.
    #[track_caller]
    pub fn done(&self) -> Verdicts {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self.verdicts()
    }
}

/// One line per verdict that differs in its status.
pub fn changes(before: &Verdicts, after: &Verdicts) -> Vec<String> {
    let keys: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    let status = |v: Option<&Verdict>| v.map_or("none".to_owned(), |v| format!("{:?}", v.status));
    let line = |k: &&(String, Subject)| {
        let (b, a) = (before.get(*k), after.get(*k));
        (b.map(|v| v.status) != a.map(|v| v.status))
            .then(|| format!("{} {}: {} -> {}", k.0, k.1.1, status(b), status(a)))
    };
    keys.iter().filter_map(line).collect()
}

/// Every verdict is as before, or unknown; a resource that is gone has an unknown in its place.
#[track_caller]
pub fn assert_only_doubt(before: &Verdicts, after: &Verdicts) {
    for (key, v) in after {
        let same = before.get(key).is_some_and(|b| b.status == v.status);
        assert!(same || v.status == Status::Unknown, "{key:?} became {:?}: {:?}", v.status, v.evidence);
        assert!(
            v.status != Status::Unknown || v.reason.as_ref().is_some_and(|r| !r.is_empty()),
            "{key:?} is unknown and does not say why"
        );
    }
    for (rule, subject) in before.keys().filter(|k| !after.contains_key(*k)) {
        let stands_in = after.iter().any(|((r, _), v)| {
            r == rule && v.status == Status::Unknown && ["region", "account"].contains(&v.resource.kind.as_str())
        });
        assert!(stands_in, "{rule} {subject:?} vanished without an unknown in its place");
    }
}

/// Where the product's content lies.
pub fn content() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content")
}

/// What is known of an API call.
#[derive(Debug, Clone, Default)]
pub struct Need {
    /// The checks that may make it.
    pub checks: BTreeSet<String>,
    /// The IAM action that allows it.
    pub permission: String,
    /// Whether its answers come in pages.
    pub pages: bool,
}

/// The checks whose calls the small estate answers. Each call of theirs is made to fail in every way; what a call is for does not
/// matter to that, so that more checks would add hours and nothing else.
pub const ANSWERED: [&str; 41] = [
    "cloudtrail.log_file_validation_enabled",
    "cloudtrail.multi_region_trail_logs_management_events",
    "cloudtrail.trail_encrypted_with_kms",
    "config.recorder_records_all_resources",
    "dms.replication_instance_not_public",
    "ec2.attached_volume_encrypted",
    "ec2.default_security_group_closed",
    "ec2.ebs_encrypted_by_default",
    "ec2.instance_admin_ports_unreachable",
    "ec2.instance_database_ports_unreachable",
    "ec2.security_group_admin_ports_closed",
    "ec2.snapshot_not_public",
    "ec2.vpc_flow_logs_enabled",
    "ecr.repository_not_public",
    "guardduty.detector_enabled",
    "iam.access_key_rotated",
    "iam.console_user_has_mfa",
    "iam.credentials_used_recently",
    "iam.password_policy_strong",
    "iam.policy_cannot_pass_any_role",
    "iam.policy_without_full_admin",
    "iam.role_trust_not_public",
    "iam.root_has_hardware_mfa",
    "iam.root_has_no_access_key",
    "iam.user_without_direct_policies",
    "kms.key_not_pending_deletion",
    "kms.key_not_public",
    "lambda.function_not_public",
    "lambda.function_runtime_supported",
    "opensearch.domain_encrypted_at_rest",
    "rds.db_instance_not_publicly_accessible",
    "rds.db_instance_unreachable",
    "s3.account_blocks_public_access",
    "s3.bucket_acl_not_public",
    "s3.bucket_blocks_public_access",
    "s3.bucket_default_encryption",
    "s3.bucket_policy_not_public",
    "sagemaker.notebook_without_direct_internet",
    "secretsmanager.secret_not_public",
    "sns.topic_not_public",
    "sqs.queue_not_public",
];

/// Every call that the checks of [`ANSWERED`] may make.
pub fn needs() -> BTreeMap<String, Need> {
    let read = |path: &Path| {
        let name = path.strip_prefix(content()).unwrap().to_str().unwrap().to_owned();
        ContentFile { path: name, text: std::fs::read_to_string(path).unwrap(), shipped: true }
    };
    let exceptions = std::fs::read_to_string(content().join("permissions.yaml")).unwrap();
    let facts =
        Facts::new(|service| std::fs::read(content().join(format!("aws/{service}.json"))).ok(), &exceptions).unwrap();
    let resources = files(&content().join("resources")).into_iter().map(|f| Resource::parse(&read(&f)).unwrap());
    let (kinds, broken) = Kinds::resolve(resources, &facts);
    assert_eq!(broken, []);
    let checks: Vec<_> = files(&content().join("checks"))
        .into_iter()
        .map(|f| CheckFile::parse(&read(&f)).unwrap().compile(&kinds.schema(), None, &[]).unwrap())
        .filter(|check| ANSWERED.contains(&check.id.as_str()))
        .collect();
    let needed = |(call, checks): (&smol_str::SmolStr, &BTreeSet<smol_str::SmolStr>)| {
        let op = facts.read_operation(call).unwrap();
        let checks = checks.iter().map(ToString::to_string).collect();
        (call.to_string(), Need { checks, permission: op.permission().to_owned(), pages: op.pages() })
    };
    Plan::of(&checks, &kinds).calls().map(needed).collect()
}

/// How many checks ship.
pub fn shipped_checks() -> usize {
    files(&content().join("checks")).len()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "yaml") {
            out.push(path);
        }
    }
    out.sort();
    out
}

/// Runs `work` on every item, a few at a time.
pub fn in_parallel<T: Sync>(items: &[T], work: impl Fn(&T) + Sync) {
    let next = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|s| {
        for _ in 0..4 {
            s.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    work(item);
                }
            });
        }
    });
}
