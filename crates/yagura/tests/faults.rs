//! The real program against an endpoint that fails on purpose. The rule that all of these hold it to: a verdict on data
//! that was read stays as it is, a verdict on data that was not is unknown and says why, and the run ends.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::{ANSWERED, Need, Outcome, Run, SECRET, TOKEN, Verdicts, assert_only_doubt, changes, in_parallel, needs};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;
use std::time::Duration;
use yagura_model::{Status, Verdict};
use yagura_testkit::{Endpoint, Estate, Fault, Reply, Rule};

/// The estate without a fault: its verdicts, and the requests that they took.
static CLEAN: LazyLock<(Verdicts, BTreeMap<String, u64>)> = LazyLock::new(|| {
    let aws = Endpoint::start(Estate::small()).unwrap();
    let verdicts = Run::scan(&aws.url()).run().done();
    (verdicts, aws.requests())
});

static NEEDS: LazyLock<BTreeMap<String, Need>> = LazyLock::new(needs);

/// The call that comes first and tells whose credentials these are.
const CALLER: &str = "sts:GetCallerIdentity";

/// A scan of the small estate under these faults.
fn scan(faults: impl IntoIterator<Item = Rule>) -> Outcome {
    let aws = Endpoint::start(Estate::small()).unwrap();
    faults.into_iter().for_each(|f| aws.add(f));
    Run::scan(&aws.url()).run()
}

fn unknowns(verdicts: &Verdicts) -> Vec<&Verdict> {
    verdicts.values().filter(|v| v.status == Status::Unknown).collect()
}

fn rules(verdicts: &[&Verdict]) -> BTreeSet<String> {
    verdicts.iter().map(|v| v.rule.to_string()).collect()
}

/// Every unknown gives a reason that contains `text`.
#[track_caller]
fn assert_reason(verdicts: &Verdicts, text: &str) {
    for v in unknowns(verdicts) {
        assert!(
            v.reason.as_ref().is_some_and(|r| r.contains(text)),
            "{} {}: {:?} does not say `{text}`",
            v.rule,
            v.resource.id,
            v.reason
        );
    }
}

#[test]
fn the_clean_estate_is_judged_whole_and_without_a_needless_call() {
    let (verdicts, requests) = &*CLEAN;
    let all: Vec<&Verdict> = verdicts.values().collect();
    assert_eq!(unknowns(verdicts), Vec::<&Verdict>::new());
    assert_eq!(rules(&all).len(), ANSWERED.len());
    let failing: BTreeSet<(&str, &str)> = verdicts
        .values()
        .filter(|v| v.status == Status::Fail)
        .map(|v| (v.rule.as_str(), v.resource.id.as_str()))
        .collect();
    let expected = [
        ("cloudtrail.log_file_validation_enabled", "local"),
        ("cloudtrail.trail_encrypted_with_kms", "local"),
        ("config.recorder_records_all_resources", "eu-west-1"),
        ("dms.replication_instance_not_public", "outer"),
        ("ec2.attached_volume_encrypted", "vol-0bad"),
        ("ec2.default_security_group_closed", "sg-0eu"),
        ("ec2.ebs_encrypted_by_default", "eu-west-1"),
        ("ec2.instance_admin_ports_unreachable", "i-0office"),
        ("ec2.instance_admin_ports_unreachable", "i-0open"),
        ("ec2.instance_database_ports_unreachable", "i-0guarded"),
        ("ec2.instance_database_ports_unreachable", "i-0office"),
        ("ec2.instance_database_ports_unreachable", "i-0open"),
        ("ec2.security_group_admin_ports_closed", "sg-0eu"),
        ("ec2.security_group_admin_ports_closed", "sg-0front"),
        ("ec2.security_group_admin_ports_closed", "sg-0inner"),
        ("ec2.security_group_admin_ports_closed", "sg-0open"),
        ("ec2.snapshot_not_public", "snap-0shared"),
        ("ec2.vpc_flow_logs_enabled", "vpc-0eu"),
        ("ecr.repository_not_public", "base"),
        ("guardduty.detector_enabled", "eu-west-1"),
        ("iam.access_key_rotated", "arn:aws:iam::111122223333:user/bob#2"),
        ("iam.console_user_has_mfa", "arn:aws:iam::111122223333:user/bob"),
        ("iam.credentials_used_recently", "arn:aws:iam::111122223333:user/bob"),
        ("iam.password_policy_strong", "111122223333"),
        ("iam.policy_cannot_pass_any_role", "arn:aws:iam::111122223333:policy/pass-roles"),
        ("iam.policy_without_full_admin", "arn:aws:iam::111122223333:policy/everything"),
        ("iam.role_trust_not_public", "anyones"),
        ("iam.root_has_no_access_key", "111122223333"),
        ("iam.user_without_direct_policies", "bob"),
        ("kms.key_not_pending_deletion", "leaving"),
        ("kms.key_not_public", "leaving"),
        ("lambda.function_not_public", "outdated"),
        ("lambda.function_runtime_supported", "outdated"),
        ("opensearch.domain_encrypted_at_rest", "plain"),
        ("rds.db_instance_not_publicly_accessible", "front"),
        ("rds.db_instance_unreachable", "front"),
        ("s3.account_blocks_public_access", "111122223333"),
        ("s3.bucket_acl_not_public", "open-111122223333"),
        ("s3.bucket_blocks_public_access", "open-111122223333"),
        ("s3.bucket_default_encryption", "open-111122223333"),
        ("s3.bucket_policy_not_public", "open-111122223333"),
        ("sagemaker.notebook_without_direct_internet", "outside"),
        ("secretsmanager.secret_not_public", "shared"),
        ("sns.topic_not_public", "news"),
        ("sqs.queue_not_public", "inbox"),
    ];
    assert_eq!(failing, BTreeSet::from(expected));

    let made: BTreeSet<&str> = requests.keys().map(String::as_str).collect();
    let known: BTreeSet<&str> = NEEDS.keys().map(String::as_str).chain([CALLER]).collect();
    assert_eq!(made, known, "the small estate is there to have every call made");
    for (call, expected) in [
        ("cloudtrail:GetTrailStatus", 1),
        ("config:DescribeConfigurationRecorders", 1),
        ("ec2:DescribeRouteTables", 2),
        ("ec2:DescribeSecurityGroups", 4),
        ("ec2:DescribeSnapshots", 3),
        ("ec2:DescribeVpcs", 2),
        ("ec2:SearchTransitGatewayRoutes", 1),
        ("elbv2:DescribeListeners", 1),
        ("guardduty:GetDetector", 1),
        ("iam:GetAccountAuthorizationDetails", 1),
        ("iam:GetCredentialReport", 1),
        ("kms:DescribeKey", 3),
        ("lambda:ListFunctions", 2),
        ("opensearch:DescribeDomains", 1),
        ("s3:GetBucketEncryption", 2),
        ("s3:ListBuckets", 1),
        ("sagemaker:DescribeNotebookInstance", 2),
        (CALLER, 1),
    ] {
        assert_eq!(requests[call], expected, "{call}");
    }
}

/// Verdicts that stand although a call that their check may need is denied, and why.
const DECIDED_WITHOUT: [(&str, &str, &str); 11] = [
    // The firewall drops what the check asks of, whatever else would let it through.
    ("ec2:DescribeNetworkAcls", "ec2.instance_admin_ports_unreachable", "i-0guarded"),
    ("ec2:DescribeSecurityGroups", "ec2.instance_admin_ports_unreachable", "i-0guarded"),
    ("ec2:DescribeVpcBlockPublicAccessOptions", "ec2.instance_admin_ports_unreachable", "i-0guarded"),
    // Nothing records there: the recorder's status alone decides.
    ("config:DescribeConfigurationRecorders", "config.recorder_records_all_resources", "eu-west-1"),
    // There is no detector to describe.
    ("guardduty:GetDetector", "guardduty.detector_enabled", "eu-west-1"),
    // The check does not speak of AWS's own keys.
    ("kms:GetKeyPolicy", "kms.key_not_public", "aws-own"),
    // The bucket's own settings decide.
    ("s3:GetBucketAcl", "s3.bucket_acl_not_public", "closed-111122223333"),
    ("s3:GetBucketOwnershipControls", "s3.bucket_acl_not_public", "closed-111122223333"),
    ("s3:GetBucketPolicy", "s3.bucket_policy_not_public", "closed-111122223333"),
    ("s3control:GetPublicAccessBlock", "s3.bucket_acl_not_public", "closed-111122223333"),
    ("s3control:GetPublicAccessBlock", "s3.bucket_policy_not_public", "closed-111122223333"),
];

/// Checks that prove what the internet reaches.
const REACHABILITY: [&str; 3] =
    ["ec2.instance_admin_ports_unreachable", "ec2.instance_database_ports_unreachable", "rds.db_instance_unreachable"];

/// What has an address that the internet knows.
const PUBLIC: &[&str] = &["i-0open", "i-0office", "i-0guarded", "front"];
/// What stands behind the firewall.
const GUARDED: &[&str] = &["i-0guarded", "front"];

/// Which proofs need a call. Those checks ask for the whole network, but in the small estate most of it decides nothing: it leads
/// out of a VPC, or to a load balancer, or to what has no address that the internet knows.
const PROOFS: [(&str, &[&str]); 18] = [
    ("ec2:DescribeInstances", &["i-0open", "i-0office", "i-0guarded", "i-0inner"]),
    ("rds:DescribeDBInstances", &["shop", "front"]),
    ("ec2:DescribeNetworkInterfaces", &["i-0open", "i-0office", "i-0guarded", "i-0inner", "shop", "front"]),
    ("ec2:DescribeVpcs", PUBLIC),
    ("ec2:DescribeSubnets", PUBLIC),
    ("ec2:DescribeRouteTables", PUBLIC),
    ("ec2:DescribeInternetGateways", PUBLIC),
    ("ec2:DescribeNetworkAcls", PUBLIC),
    ("ec2:DescribeSecurityGroups", PUBLIC),
    ("ec2:DescribeVpcBlockPublicAccessOptions", PUBLIC),
    ("ec2:DescribeManagedPrefixLists", &["i-0office"]),
    ("ec2:GetManagedPrefixListEntries", &["i-0office"]),
    ("network-firewall:ListFirewalls", GUARDED),
    ("network-firewall:DescribeFirewall", GUARDED),
    ("network-firewall:ListFirewallPolicies", GUARDED),
    ("network-firewall:DescribeFirewallPolicy", GUARDED),
    ("network-firewall:ListRuleGroups", GUARDED),
    ("network-firewall:DescribeRuleGroup", GUARDED),
];

/// Whether a verdict stands although a call that its check may need fails.
fn stands(call: &str, rule: &str, id: &str) -> bool {
    let proof = |(of, ids): &(&str, &[&str])| *of == call && ids.contains(&id);
    DECIDED_WITHOUT.contains(&(call, rule, id)) || REACHABILITY.contains(&rule) && !PROOFS.iter().any(proof)
}

/// The checks that cannot be sure of all of the small estate where a call fails.
fn doubting(call: &str) -> BTreeSet<String> {
    let subject = |rule: &String| CLEAN.0.keys().any(|(r, (_, id, _))| r == rule && !stands(call, r, id));
    NEEDS[call].checks.iter().filter(|rule| !REACHABILITY.contains(&rule.as_str()) || subject(rule)).cloned().collect()
}

#[test]
fn each_denied_call_makes_exactly_its_checks_unknown_and_names_the_permission() {
    let (clean, requests) = &*CLEAN;
    let calls: Vec<&String> = requests.keys().filter(|c| *c != CALLER).collect();
    assert!(calls.len() >= 30, "{calls:?}");
    in_parallel(&calls, |call| {
        let need = NEEDS.get(*call).unwrap_or_else(|| panic!("{call} was made, but no check needs it"));
        let verdicts = scan([Fault::AccessDenied.on(call)]).done();
        assert_only_doubt(clean, &verdicts);
        let unknown = unknowns(&verdicts);
        assert_eq!(rules(&unknown), doubting(call), "denied {call}");
        for v in unknown {
            assert_eq!(v.missing, [need.permission.as_str()], "denied {call}: {} {}", v.rule, v.resource.id);
            assert!(v.reason.as_ref().is_some_and(|r| r.contains(&need.permission)), "denied {call}: {:?}", v.reason);
        }
        for ((rule, subject), before) in clean {
            let Some(after) = verdicts.get(&(rule.clone(), subject.clone())) else { continue };
            let stands = !need.checks.contains(rule) || stands(call, rule, &subject.1);
            let expected = if stands { before.status } else { Status::Unknown };
            assert_eq!(after.status, expected, "denied {call}: {rule} {subject:?}");
        }
    });
}

#[test]
fn permissions_that_are_missing_are_found_out() {
    let aws = Endpoint::start(Estate::small()).unwrap();
    let verify = || {
        let run =
            Run::new(&["permissions", "--verify", "--region", "us-east-1,eu-west-1", "--check", &ANSWERED.join(",")]);
        run.env("AWS_ENDPOINT_URL", &aws.url()).run()
    };
    let whole = verify();
    assert_eq!(whole.code, 0, "{}{}", whole.stdout, whole.stderr);
    for call in ["s3:GetBucketEncryption", "opensearch:DescribeDomains", "kms:ListKeys"] {
        aws.reset();
        aws.add(Fault::AccessDenied.on(call));
        let lacking = verify();
        assert_eq!(lacking.code, 1, "{}", lacking.stderr);
        let permission = &NEEDS[call].permission;
        assert!(lacking.stdout.contains(permission), "{call}: `{}` does not name {permission}", lacking.stdout);
    }
    aws.reset();
    aws.add(Fault::ServerError.on("kms:ListKeys"));
    let untold = verify();
    assert_eq!(untold.code, 3, "{}", untold.stdout);
    assert!(
        untold.stdout.contains("kms:ListKeys") && !untold.stdout.contains("nothing is missing"),
        "{}",
        untold.stdout
    );
}

#[test]
fn a_denial_in_one_region_leaves_the_other_alone() {
    let clean = &CLEAN.0;
    for (call, rule) in [
        ("ec2:DescribeVolumes", "ec2.attached_volume_encrypted"),
        ("ec2:GetEbsEncryptionByDefault", "ec2.ebs_encrypted_by_default"),
        ("guardduty:ListDetectors", "guardduty.detector_enabled"),
    ] {
        let verdicts = scan([Fault::AccessDenied.on(call).in_region("eu-west-1")]).done();
        assert_only_doubt(clean, &verdicts);
        let unknown = unknowns(&verdicts);
        assert_eq!(rules(&unknown), BTreeSet::from([rule.to_owned()]), "{call}");
        assert!(unknown.iter().all(|v| v.resource.region == "eu-west-1"), "{unknown:?}");
    }
}

#[test]
fn a_denial_about_one_resource_leaves_its_neighbours_alone() {
    let clean = &CLEAN.0;
    for (call, word, ids) in [
        ("s3:GetPublicAccessBlock", "open-111122223333", vec!["open-111122223333"]),
        ("kms:DescribeKey", "leaving", vec!["leaving"]),
        ("sagemaker:DescribeNotebookInstance", "inside", vec!["inside"]),
        // Which snapshots everybody can restore is one question for the whole Region.
        ("ec2:DescribeSnapshots", "all", vec!["snap-0own", "snap-0shared"]),
    ] {
        let verdicts = scan([Fault::AccessDenied.on(call).holding(word)]).done();
        assert_only_doubt(clean, &verdicts);
        let unknown: Vec<(&str, &str)> =
            unknowns(&verdicts).iter().map(|v| (v.rule.as_str(), v.resource.id.as_str())).collect();
        let of_rule = |rule: &'static String| ids.iter().map(|id| (rule.as_str(), *id));
        assert_eq!(unknown, NEEDS[call].checks.iter().flat_map(of_rule).collect::<Vec<_>>(), "{call}");
        assert!(unknowns(&verdicts).iter().all(|v| v.missing == [NEEDS[call].permission.as_str()]));
    }
}

#[test]
fn a_denial_by_the_organization_says_so() {
    let clean = &CLEAN.0;
    // One call of each protocol.
    for call in
        ["kms:ListKeys", "lambda:ListFunctions", "s3:GetBucketEncryption", "iam:GetAccountSummary", "ec2:DescribeVpcs"]
    {
        let verdicts = scan([Fault::DeniedByScp.on(call)]).done();
        assert_only_doubt(clean, &verdicts);
        assert_eq!(rules(&unknowns(&verdicts)), doubting(call), "{call}");
        assert_reason(&verdicts, "denied by an organization policy");
        assert!(unknowns(&verdicts).iter().all(|v| v.missing == [NEEDS[call].permission.as_str()]));
    }
}

#[test]
fn a_caller_whose_identity_is_hidden_still_gets_verdicts() {
    let outcome = scan([Fault::AccessDenied.on(CALLER)]);
    let verdicts = outcome.done();
    let statuses = |of: &Verdicts| -> BTreeMap<(String, String), Status> {
        of.iter().map(|((rule, (_, id, _)), v)| ((rule.clone(), id.clone()), v.status)).collect()
    };
    let (clean, found) = (statuses(&CLEAN.0), statuses(&verdicts));
    // What needs no account id to be asked for is judged as ever.
    for (rule, id) in [
        ("ec2.attached_volume_encrypted", "vol-0bad"),
        ("s3.bucket_default_encryption", "open-111122223333"),
        ("ec2.ebs_encrypted_by_default", "us-east-1"),
    ] {
        let key = (rule.to_owned(), id.to_owned());
        assert_eq!(found.get(&key), clean.get(&key), "{rule}");
    }
    // Whether a trail is the account's own cannot be told: it must not pass for another's.
    for rule in ["cloudtrail.trail_encrypted_with_kms", "cloudtrail.log_file_validation_enabled"] {
        let of_rule: Vec<&Verdict> = verdicts.values().filter(|v| v.rule == rule).collect();
        assert!(!of_rule.is_empty());
        for v in of_rule {
            assert_eq!((v.status, v.missing.as_slice()), (Status::Unknown, &[CALLER.into()][..]), "{rule}");
        }
    }
    // What must name the account in its request cannot be known.
    let block = found.iter().find(|((rule, _), _)| rule == "s3.account_blocks_public_access");
    assert_eq!(block.map(|(_, s)| *s), Some(Status::Unknown));
}

#[test]
fn a_disabled_region_is_unknown_and_not_denied() {
    let clean = &CLEAN.0;
    let verdicts = scan([Fault::OptInRequired.in_region("eu-west-1")]).done();
    // The bucket in that Region cannot be asked either.
    assert_only_doubt(clean, &verdicts);
    for v in unknowns(&verdicts) {
        assert_eq!(v.missing, Vec::<&str>::new(), "{}: no permission opens a Region", v.rule);
    }
    let regional = unknowns(&verdicts).into_iter().filter(|v| v.resource.kind == "region").count();
    assert!(regional >= 10, "{:?}", unknowns(&verdicts));
    assert_reason(&verdicts, "not enabled");
    assert!(
        verdicts.values().all(|v| v.status == Status::Unknown || v.resource.region != "eu-west-1"),
        "{:?}",
        changes(clean, &verdicts)
    );

    // A Region that was never enabled does not know the access key.
    let aws = Endpoint::start(Estate::small()).unwrap();
    aws.add(Fault::RegionNotEnabled.in_region("me-south-1"));
    let run =
        Run::new(&["scan", "--region", "us-east-1,me-south-1", "--format", "jsonl", "--check", &ANSWERED.join(",")])
            .env("AWS_ENDPOINT_URL", &aws.url());
    let verdicts = run.run().done();
    assert_reason(&verdicts, "not enabled");
    assert!(unknowns(&verdicts).len() >= 10);
}

#[test]
fn a_hung_region_times_out_and_the_rest_is_judged() {
    let aws = Endpoint::start(Estate::small()).unwrap();
    aws.add(Fault::Hang.in_region("eu-west-1"));
    let outcome = Run::scan(&aws.url()).env("AWS_MAX_ATTEMPTS", "2").args(&["--timeout", "2"]).run();
    let verdicts = outcome.done();
    assert_only_doubt(&CLEAN.0, &verdicts);
    assert_reason(&verdicts, "timed out");
    assert!(verdicts.values().all(|v| v.status == Status::Unknown || v.resource.region != "eu-west-1"));
    assert!(outcome.took < Duration::from_secs(30), "{:?}", outcome.took);
}

#[test]
fn faults_that_pass_leave_no_trace() {
    let clean = &CLEAN.0;
    let cases: [(&str, Rule); 6] = [
        ("throttling burst", Fault::Throttled.everywhere().except("sts").first(40)),
        ("token bucket", Fault::Throttled.everywhere().above(40.0, 10.0)),
        ("500s, then recovery", Fault::ServerError.everywhere().except("sts").first(15)),
        ("resets, then recovery", Fault::Reset.everywhere().except("sts").first(15)),
        ("hangs, then recovery", Fault::Hang.everywhere().except("sts").first(5)),
        ("answers cut off, then recovery", Fault::CutOff.everywhere().except("sts").first(15)),
    ];
    in_parallel(&cases, |(name, fault)| {
        let aws = Endpoint::start(Estate::small()).unwrap();
        aws.add(fault.clone());
        let outcome = Run::scan(&aws.url()).args(&["--timeout", "10"]).run();
        let verdicts = outcome.done();
        assert_eq!(changes(clean, &verdicts), Vec::<String>::new(), "{name}");
        assert!(outcome.took < Duration::from_secs(60), "{name}: {:?}", outcome.took);
    });
}

#[test]
fn faults_that_stay_make_one_service_unknown() {
    let clean = &CLEAN.0;
    let cases = [
        (Fault::ServerError, "failed at AWS's side"),
        (Fault::Reset, "could not reach its endpoint"),
        (Fault::CutOff, "could not reach its endpoint"),
        (Fault::Truncated, "cannot be read"),
        (Fault::Empty, "cannot be read"),
        (Fault::Html, "cannot be read"),
        (Fault::Deep(100_000), "cannot be read"),
        (Fault::Padded(70 << 20), "larger than"),
    ];
    in_parallel(&cases, |(fault, reason)| {
        // One service of each protocol: json, rest-json, rest-xml, ec2.
        for service in ["kms", "lambda", "s3", "ec2"] {
            let verdicts = scan([fault.clone().on(service)]).done();
            assert_only_doubt(clean, &verdicts);
            assert_reason(&verdicts, reason);
            let hit: BTreeSet<String> = NEEDS
                .iter()
                .filter(|(call, _)| call.split(':').next() == Some(service))
                .flat_map(|(_, n)| n.checks.clone())
                .collect();
            assert_eq!(rules(&unknowns(&verdicts)), hit, "{fault:?} on {service}");
            assert!(unknowns(&verdicts).iter().all(|v| v.missing.is_empty()), "{fault:?}: no permission helps");
            let left: Vec<String> =
                changes(clean, &verdicts).into_iter().filter(|c| !hit.iter().any(|h| c.starts_with(h))).collect();
            assert_eq!(left, Vec::<String>::new(), "{fault:?} on {service}");
        }
    });
}

#[test]
fn broken_answers_everywhere_never_make_a_verdict() {
    let cases = [Fault::Truncated, Fault::CutOff, Fault::Html, Fault::Empty, Fault::Deep(100_000), Fault::ServerError];
    in_parallel(&cases, |fault| {
        let outcome = scan([fault.clone().everywhere().except("sts")]);
        assert_eq!(outcome.code, 3, "{fault:?}: nothing could be read: {}", outcome.stderr);
        let verdicts = outcome.verdicts();
        assert_eq!(unknowns(&verdicts).len(), verdicts.len(), "{fault:?}: {:?}", changes(&CLEAN.0, &verdicts));
        assert_eq!(rules(&unknowns(&verdicts)).len(), ANSWERED.len(), "{fault:?}");
    });
}

#[test]
fn no_single_answer_is_taken_on_trust() {
    let (clean, requests) = &*CLEAN;
    let faults = [Fault::Empty, Fault::Html, Fault::Truncated, Fault::NotUtf8];
    let cases: Vec<(&String, &Fault)> =
        requests.keys().filter(|c| *c != CALLER).flat_map(|c| faults.iter().map(move |f| (c, f))).collect();
    in_parallel(&cases, |(call, fault)| {
        let aws = Endpoint::start(Estate::small()).unwrap();
        aws.add((*fault).clone().on(call));
        let verdicts = Run::scan(&aws.url()).env("AWS_MAX_ATTEMPTS", "1").run().done();
        assert_only_doubt(clean, &verdicts);
        let (unknown, need) = (rules(&unknowns(&verdicts)), &NEEDS[*call]);
        assert!(unknown.is_subset(&need.checks), "{fault:?} on {call}: {unknown:?} do not need it");
        // An answer that is not UTF-8 somewhere may be read or not; the others have nothing to be read.
        assert!(
            **fault == Fault::NotUtf8 || unknown == doubting(call),
            "{fault:?} on {call}: {unknown:?} of {:?}",
            doubting(call)
        );
    });
}

#[test]
fn strange_answers_are_read_or_doubted() {
    let clean = &CLEAN.0;
    let verdicts = scan([Fault::NotUtf8.everywhere().except("sts")]).verdicts();
    assert_only_doubt(clean, &verdicts);

    // Large, but sound: one call of each protocol.
    let large = Fault::Padded(10 << 20)
        .on("kms:ListKeys")
        .on("lambda:ListFunctions")
        .on("s3:ListBuckets")
        .on("iam:GetAccountSummary")
        .on("ec2:DescribeVpcs");
    let verdicts = scan([large]).done();
    assert_eq!(changes(clean, &verdicts), Vec::<String>::new());
}

#[test]
fn a_paging_loop_ends() {
    let aws = Endpoint::start(Estate::small()).unwrap();
    aws.add(Fault::PagingLoop.everywhere());
    let verdicts = Run::scan(&aws.url()).run().done();
    assert_only_doubt(&CLEAN.0, &verdicts);
    assert_reason(&verdicts, "cannot be read");
    let requests = aws.requests();
    for (call, n) in &requests {
        assert!(*n <= 3 * CLEAN.1[call], "{call} was asked {n} times");
    }
    // A check whose own resources come in pages cannot be sure to have them all.
    let unknown = rules(&unknowns(&verdicts));
    for (call, need) in
        NEEDS.iter().filter(|(call, need)| need.pages && call.split(':').nth(1).is_some_and(|o| o.starts_with("List")))
    {
        assert!(
            need.checks.iter().all(|c| unknown.contains(c)),
            "{call} pages for ever, and {:?} take its answer for whole",
            need.checks
        );
    }
}

#[test]
fn credentials_that_expire_on_the_way_leave_unknowns() {
    // Half of the requests of a clean run.
    let half = CLEAN.1.values().sum::<u64>() / 2;
    let verdicts = scan([Fault::ExpiredToken.everywhere().after(half)]).done();
    assert_only_doubt(&CLEAN.0, &verdicts);
    assert!(!unknowns(&verdicts).is_empty());
    assert_reason(&verdicts, "the credentials are expired or invalid, renew them");

    let outcome = scan([Fault::ExpiredToken.everywhere().after(1)]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("nothing could be read"), "{}", outcome.stderr);

    let outcome = scan([Fault::ExpiredToken.everywhere()]);
    assert_eq!(outcome.code, 3);
    assert!(outcome.stderr.contains("renew them"), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "");
}

#[test]
fn nothing_to_read_is_exit_code_3() {
    let outcome = scan([Fault::AccessDenied.everywhere().except("sts")]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    let verdicts = outcome.verdicts();
    assert_eq!(rules(&unknowns(&verdicts)).len(), ANSWERED.len());
    assert!(unknowns(&verdicts).iter().all(|v| !v.missing.is_empty()));
    assert!(outcome.stderr.contains("permissions --verify"), "{}", outcome.stderr);

    let outcome = scan([Fault::AccessDenied.everywhere()]);
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
}

#[test]
fn an_endpoint_that_is_not_there_is_named() {
    let gone = Endpoint::start(Estate::empty()).unwrap().url();
    let outcome = Run::scan(&gone).run();
    assert_eq!(outcome.code, 3);
    assert_eq!(outcome.stdout, "");
    let message = &outcome.stderr;
    assert!(message.contains("AWS_ENDPOINT_URL") && message.to_lowercase().contains("refused"), "{message}");
    assert!(outcome.took < Duration::from_secs(20), "{:?}", outcome.took);

    let japanese = Run::scan(&gone).env("YAGURA_LANG", "ja").run();
    assert!(japanese.stderr.contains("ネットワーク"), "{}", japanese.stderr);
}

#[test]
fn secrets_are_never_shown() {
    // Every error of these services repeats what it was given.
    let echo = format!("The key AKIAIOSFODNN7EXAMPLE with secret {SECRET} and token {TOKEN} may not");
    let mut estate = Estate::small();
    for call in
        ["kms:ListKeys", "lambda:ListFunctions", "s3:GetBucketEncryption", "iam:GetAccountSummary", "ec2:DescribeVpcs"]
    {
        estate = estate.with(call, Reply::error(403, "AccessDenied", &echo));
    }
    let aws = Endpoint::start(estate).unwrap();
    for format in ["table", "json", "jsonl", "ocsf", "asff", "csv", "sarif", "junit", "html", "markdown"] {
        let run = Run::new(&["scan", "--region", "us-east-1", "--format", format, "--check", &ANSWERED.join(",")])
            .env("AWS_ENDPOINT_URL", &aws.url());
        let run = run
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_SESSION_TOKEN", TOKEN);
        let outcome = run.run();
        assert_eq!(outcome.code, 0, "{format}: {}", outcome.stderr);
        for secret in [SECRET, TOKEN, "AKIAIOSFODNN7EXAMPLE"] {
            assert!(!outcome.stdout.contains(secret) && !outcome.stderr.contains(secret), "{format} shows {secret}");
        }
    }
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("s.ysnap");
    let run = Run::scan(&aws.url()).args(&["--save", file.to_str().unwrap()]);
    run.env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_SESSION_TOKEN", TOKEN)
        .run()
        .done();
    let snapshot = format!("{:?}", yagura_inventory::load(&file).unwrap());
    for secret in [SECRET, TOKEN, "AKIAIOSFODNN7EXAMPLE"] {
        assert!(!snapshot.contains(secret), "the snapshot holds {secret}");
    }
}
