//! Good and bad resources on moto, made from the checks' own fixtures (tests/moto/pairs.py): each must get the verdict of its fixture
//! from the real program, over the real wire protocols.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::Run;
use common::moto::{Server, output, python};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use yagura_model::{Status, Verdict};

/// So many checks have a good and a bad resource here. Fewer is a loss that somebody must explain in recipes.yaml.
const COVERED: usize = 430;

/// What the script made.
#[derive(Deserialize)]
struct Pairs {
    made: Vec<Made>,
    /// Why a check has no pair. Some of it may be made all the same: moto may have learned it.
    left: BTreeMap<String, String>,
    /// The call that lists a check's kind, where moto does not serve it.
    unlisted: BTreeMap<String, String>,
    /// Checks that look into every Region.
    wide: BTreeSet<String>,
}

/// A resource that a fixture describes.
#[derive(Deserialize)]
struct Made {
    check: String,
    fixture: String,
    expect: Status,
    kind: String,
    account: String,
    id: String,
}

impl Made {
    /// It is an account or a Region as a whole, and has an account of its own.
    fn single(&self) -> bool {
        ["account", "region"].contains(&self.kind.as_str())
    }

    fn is(&self, v: &Verdict) -> bool {
        let r = &v.resource;
        let at = ["us-east-1", "aws-global"].contains(&r.region.as_str());
        v.rule == self.check
            && r.account == self.account
            && at
            && (r.id == self.id || r.arn.as_deref() == Some(&self.id))
    }
}

#[test]
fn what_the_fixtures_describe_gets_their_verdicts_on_moto() {
    let python = python();
    let many = Server::moto_with(&python, &[("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")]);
    let single = Server::moto(&python);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/moto/pairs.py");
    let mut seed = Command::new(&python);
    seed.arg(script).args([many.url(), single.url()]).arg(common::content()).env("PYTHONDONTWRITEBYTECODE", "1");
    let pairs: Pairs = serde_json::from_str(&output(&mut seed)).unwrap();

    let of = |wanted: &dyn Fn(&Made) -> bool| pairs.made.iter().filter(|m| wanted(m)).collect::<Vec<_>>();
    let mut verdicts = scan(&many.url(), &of(&|m| !m.single()), &["--region", "us-east-1"]);
    let wide = |m: &Made| m.single() && pairs.wide.contains(&m.check);
    verdicts.extend(scan(&single.url(), &of(&|m| m.single() && !wide(m)), &["--region", "us-east-1"]));
    verdicts.extend(scan(&single.url(), &of(&wide), &["--all-regions"]));

    let (mut right, mut wrong) = (BTreeMap::<_, BTreeSet<_>>::new(), Vec::new());
    for made in &pairs.made {
        let found: Vec<_> = verdicts.iter().filter(|v| made.is(v)).collect();
        if !found.is_empty() && found.iter().all(|v| v.status == made.expect) {
            right.entry(made.check.as_str()).or_default().insert(made.expect as u8);
        } else if !pairs.left.contains_key(&made.check) {
            let said: Vec<_> = found.iter().map(|v| (v.status, &v.reason, &v.evidence)).collect();
            wrong.push(format!("{} / {}: {} is {said:?}, not {:?}", made.check, made.fixture, made.id, made.expect));
        }
    }
    right.retain(|_, verdicts| verdicts.len() == 2);
    let (stale, right): (Vec<_>, Vec<_>) = right.into_keys().partition(|check| pairs.left.contains_key(*check));
    let both = right.len();
    println!("{both} checks have a good and a bad resource judged right on moto; {} left out:", pairs.left.len());
    for (why, checks) in by_reason(&pairs.left) {
        println!("  {} {why}: {}", checks.len(), checks.join(", "));
    }
    assert!(wrong.is_empty(), "wrong, or moto cannot hold it (then recipes.yaml says so):\n{}", wrong.join("\n"));
    assert!(stale.is_empty(), "judged right, although recipes.yaml leaves them out: {stale:?}");
    assert_eq!(both + pairs.left.len(), common::shipped_checks());
    assert!(both >= COVERED, "only {both}");
    // What moto can hold wants a recipe; what it cannot hold, a reason in recipes.yaml or an operation that it does not serve.
    let unmade = |why: &str| why.starts_with("pass: ") || why.starts_with("fail: ");
    let unexplained: Vec<_> = pairs.left.iter().filter(|(_, why)| unmade(why) && !unserved(why)).collect();
    assert!(unexplained.is_empty(), "{unexplained:?}");

    everything_on_ends(&many.url(), &pairs);
}

/// With every check, over every kind, a scan of what moto holds ends; what moto does not serve is unknown and says so.
fn everything_on_ends(url: &str, pairs: &Pairs) {
    let verdicts = read(Run::scan_all(url));
    let mut seen = BTreeSet::new();
    for v in &verdicts {
        let r = &v.resource;
        let name = r.arn.as_ref().unwrap_or(&r.id);
        assert!(seen.insert((&v.rule, &r.account, &r.region, name)), "{} has two verdicts on {name}", v.rule);
    }
    for v in verdicts.iter().filter(|v| v.status == Status::Unknown) {
        assert!(
            v.reason.as_ref().is_some_and(|r| !r.is_empty()),
            "{} on {} is unknown and does not say why",
            v.rule,
            v.resource.id
        );
    }
    for (check, call) in &pairs.unlisted {
        let found: Vec<_> = verdicts.iter().filter(|v| v.rule == check.as_str()).collect();
        assert!(!found.is_empty(), "{check}: silent, although moto does not serve {call}");
        for v in found {
            let told = v.status == Status::Unknown && v.reason.as_ref().is_some_and(|r| r.contains(call));
            assert!(told, "{check}: {:?} {:?}, although moto does not serve {call}", v.status, v.reason);
        }
    }
}

/// The verdicts of these resources' checks; each account of its own is scanned through a role of it.
fn scan(url: &str, made: &[&Made], regions: &[&str]) -> Vec<Verdict> {
    let checks: BTreeSet<_> = made.iter().map(|m| m.check.as_str()).collect();
    let accounts: BTreeSet<_> = made.iter().filter(|m| m.single()).map(|m| m.account.as_str()).collect();
    let checks: Vec<_> = checks.into_iter().collect();
    let mut run = Run::new(&["scan", "--format", "jsonl", "--check", &checks.join(",")]).args(regions);
    for account in accounts {
        run = run.args(&["--role-arn", &format!("arn:aws:iam::{account}:role/audit")]);
    }
    read(run.env("AWS_ENDPOINT_URL", url).env("AWS_REGION", "us-east-1"))
}

/// The verdicts of a scan that must end well. Names alone may be many accounts', so that they are no key.
fn read(run: Run) -> Vec<Verdict> {
    let outcome = run.within(Duration::from_secs(150)).run();
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Making a fixture's resource ended at an operation that moto does not serve.
fn unserved(why: &str) -> bool {
    why.contains(": moto does not serve ")
}

/// Checks by why they are left out; what moto does not serve goes together, whatever the call.
fn by_reason(left: &BTreeMap<String, String>) -> BTreeMap<&str, Vec<&str>> {
    let mut out = BTreeMap::<_, Vec<_>>::new();
    for (check, why) in left {
        let why = if unserved(why) { "moto does not serve the calls that make or list it" } else { why.as_str() };
        out.entry(why).or_default().push(check.as_str());
    }
    out
}
