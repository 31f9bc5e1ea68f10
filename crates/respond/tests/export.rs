//! Exports of plans: hostile values stay values, in the shell, in YAML and in HCL.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may stop")]

use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use yagura_aws::Facts;
use yagura_model::Lang;
use yagura_respond::Plan;
use yagura_respond::export::{About, Exported, Why, runbooks, scripts};

/// What means something to a shell, to YAML, to Terraform or to a terminal.
const HOSTILE: [&str; 12] = [
    "plain",
    "it's",
    "$(touch pwned)`touch pwned`${HOME}",
    "a\nb\r\nrm -rf x #",
    "'; touch pwned; '",
    "\"double\" \\back\\slash\\",
    "- yes: [no, ~, null] &a *a !b |",
    "%{ if true }${var.x}$${y}%%{",
    "tab\there, bell\u{7}, nel\u{85}, ls\u{2028}, bom\u{feff}, del\u{7f}",
    "櫓 🏯",
    "--region=evil",
    "file:///etc/passwd",
];

fn facts() -> Facts {
    let content = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let read = |folder: PathBuf| move |service: &str| std::fs::read(folder.join(format!("{service}.json"))).ok();
    Facts::new(read(content.join("aws")), "").unwrap().with_writes(read(content.join("writes")))
}

fn plan(id: &str, steps: Json) -> Plan {
    let resource = json!({"id": id, "kind": "s3.bucket", "account": "111122223333", "region": "us-east-1"});
    let plan = json!({"rule": "s3.x", "maps": [], "remedy": "s3.x", "resource": resource, "steps": steps, "prior": {}, "says": [id]});
    serde_json::from_value(plan).unwrap()
}

fn call(name: &str, with: Json) -> Json {
    json!({"call": name, "account": "111122223333", "region": "us-east-1", "with": with})
}

/// A plan that writes a hostile text, and takes it back.
fn hostile(text: &str) -> Plan {
    let mut step = call("s3:PutBucketPolicy", json!({"Bucket": text, "Policy": format!("{{\"Sid\":\"{text}\"}}")}));
    step["undo"] = json!([call("s3:DeleteBucketPolicy", json!({"Bucket": text}))]);
    plan(text, json!([step]))
}

/// A plan whose calls need each other's answers.
fn chained() -> Plan {
    let mut make = call("ec2:CreateSecurityGroup", json!({"GroupName": "q", "Description": "q", "VpcId": "vpc-1"}));
    make["as"] = json!("group");
    let mut find = call("ec2:DescribeSecurityGroups", json!({"Filters": [{"Name": "group-name", "Values": ["q"]}]}));
    find["as"] = json!("found");
    let gone = json!(["InvalidGroup.NotFound"]);
    let mut delete = call("ec2:DeleteSecurityGroup", json!({"GroupId": {"$answer": "found.SecurityGroups.0.GroupId"}}));
    delete["gone"] = gone;
    make["undo"] = json!([find, delete]);
    make["accept"] = json!(["InvalidGroup.Duplicate"]);
    let group = json!({"$answer": "group.GroupId"});
    let mut tag = call(
        "ec2:RevokeSecurityGroupEgress",
        json!({"GroupId": group, "IpPermissions": [{"IpProtocol": {"$join": ["a'", {"$answer": "group.GroupId"}, "\"b"]}}]}),
    );
    tag["undo"] = json!([]);
    plan("vpc-1", json!([make, tag]))
}

fn about<'a>(facts: &'a Facts, name: &'a str) -> About<'a> {
    About { facts, hash: "0123", name, lang: Lang::En }
}

/// A folder with the files and an `aws` that notes its words and answers: what `answers` says for an operation, or nothing.
struct Stage(tempfile::TempDir);

impl Stage {
    fn new(exported: &Exported) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in &exported.files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let stub = r#"#!/bin/sh
{ printf '%s\0' "$@"; printf '\1'; } >>"$LOG"
case "$1 $2" in
  "${FAILS:-none}") echo "An error occurred (${CODE:-AccessDenied}) when calling it: no" >&2; exit 254 ;;
  'sts get-caller-identity') echo "${ACCOUNT:-111122223333}" ;;
  'ec2 create-security-group') printf '[\n    "sg-\\"1,"\n]\n' ;;
  'ec2 describe-security-groups') printf '[\n    %s\n]\n' "${FOUND:-null}" ;;
esac
"#;
        std::fs::create_dir(folder.path().join("bin")).unwrap();
        let aws = folder.path().join("bin/aws");
        std::fs::write(&aws, stub).unwrap();
        std::fs::set_permissions(&aws, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        Self(folder)
    }

    fn run(&self, script: &str, env: &[(&str, &str)]) -> (Output, Vec<Vec<String>>) {
        let log = self.0.path().join("log");
        let _ = std::fs::remove_file(&log);
        let path = format!("{}:{}", self.0.path().join("bin").display(), std::env::var("PATH").unwrap());
        let out = Command::new("sh")
            .arg(script)
            .current_dir(self.0.path())
            .env("PATH", path)
            .env("LOG", &log)
            .envs(env.iter().copied())
            .output()
            .unwrap();
        let text = String::from_utf8(std::fs::read(&log).unwrap_or_default()).unwrap();
        let words = |call: &str| call.split_terminator('\0').map(str::to_owned).collect();
        (out, text.split_terminator('\u{1}').map(words).collect())
    }

    fn left_behind(&self) -> Vec<String> {
        let names = std::fs::read_dir(self.0.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|n| n != "log" && n != "bin").collect();
        names.sort();
        names
    }
}

/// The input of a call as the script gave it.
fn input(words: &[String]) -> Json {
    let at = words.iter().position(|w| w == "--cli-input-json").unwrap();
    serde_json::from_str(&words[at + 1]).unwrap()
}

#[test]
fn hostile_values_are_values_to_the_shell() {
    let facts = facts();
    let plans: Vec<Plan> = HOSTILE.iter().map(|t| hostile(t)).collect();
    let exported = scripts(&plans, &about(&facts, "it's a $(name)"));
    assert_eq!(exported.left, []);
    let stage = Stage::new(&exported);
    let (out, calls) = stage.run("it's a $(name).sh", &[]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(calls.len(), 1 + HOSTILE.len());
    for (text, words) in HOSTILE.iter().zip(&calls[1..]) {
        assert_eq!(words[..4], ["s3api", "put-bucket-policy", "--region", "us-east-1"]);
        assert_eq!(input(words), json!({"Bucket": text, "Policy": format!("{{\"Sid\":\"{text}\"}}")}));
    }
    let (again, calls) = stage.run("it's a $(name).sh", &[]);
    assert!(!again.status.success() && calls.len() == 1, "it is not run twice: {calls:?}");
    let (out, calls) = stage.run("it's a $(name)-undo.sh", &[]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    for (text, words) in HOSTILE.iter().rev().zip(&calls[1..]) {
        assert_eq!((words[1].as_str(), input(words)), ("delete-bucket-policy", json!({"Bucket": text})));
    }
    let files = ["it's a $(name)-undo.sh", "it's a $(name).sh"];
    assert_eq!(stage.left_behind(), files, "nothing else was made: no command of a value was run");
}

#[test]
fn answers_are_handed_on_and_what_was_not_begun_is_not_taken_back() {
    let facts = facts();
    let exported = scripts(&[hostile("first"), chained()], &about(&facts, "fix"));
    let stage = Stage::new(&exported);
    let (out, calls) = stage.run("fix.sh", &[]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let group = "sg-\"1,";
    let wanted = json!({"GroupId": group, "IpPermissions": [{"IpProtocol": format!("a'{group}\"b")}]});
    assert_eq!(input(&calls[3]), wanted);
    let (out, calls) = stage.run("fix-undo.sh", &[("FOUND", "\"sg-2\"")]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let made: Vec<&str> = calls.iter().map(|c| c[1].as_str()).collect();
    assert_eq!(
        made,
        ["get-caller-identity", "describe-security-groups", "delete-security-group", "delete-bucket-policy"]
    );
    assert_eq!(input(&calls[2]), json!({"GroupId": "sg-2"}));
    assert!(calls[1].contains(&"[SecurityGroups[0].GroupId]".to_owned()), "{:?}", calls[1]);

    // Nothing is found: nothing was made. AWS said no to the second plan's first call: the first plan alone is taken back.
    for (code, undone) in [
        ("AccessDenied", vec!["get-caller-identity", "delete-bucket-policy"]),
        ("InternalError", vec!["get-caller-identity", "describe-security-groups", "delete-bucket-policy"]),
        ("KMSInternalException", vec!["get-caller-identity", "describe-security-groups", "delete-bucket-policy"]),
        ("503", vec!["get-caller-identity", "describe-security-groups", "delete-bucket-policy"]),
    ] {
        let stage = Stage::new(&exported);
        let (out, calls) = stage.run("fix.sh", &[("FAILS", "ec2 create-security-group"), ("CODE", code)]);
        assert_eq!((out.status.code(), calls.len()), (Some(1), 3), "it stops there");
        assert!(String::from_utf8_lossy(&out.stderr).contains(code));
        let (out, calls) = stage.run("fix-undo.sh", &[]);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        assert_eq!(calls.iter().map(|c| c[1].as_str()).collect::<Vec<_>>(), undone, "{code}");
        assert_eq!(stage.left_behind(), ["fix-undo.sh", "fix.sh"]);
    }
    // It was so already: the run goes on; but what it was called is then not known.
    let stage = Stage::new(&exported);
    let (out, _) = stage.run("fix.sh", &[("FAILS", "ec2 create-security-group"), ("CODE", "InvalidGroup.Duplicate")]);
    assert!(!out.status.success() && String::from_utf8_lossy(&out.stderr).contains("2.1"), "{out:?}");
    // Other credentials: nothing is done, and that is said.
    let stage = Stage::new(&exported);
    let (out, calls) = stage.run("fix.sh", &[("ACCOUNT", "999988887777")]);
    assert_eq!((out.status.code(), calls.len()), (Some(3), 1));
    assert!(String::from_utf8_lossy(&out.stderr).contains("111122223333"));
    // The right ones then carry it out, and what they did is taken back.
    let (out, _) = stage.run("fix.sh", &[]);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(stage.0.path().join("fix.state/111122223333").is_dir());
    let (out, calls) = stage.run("fix-undo.sh", &[("FOUND", "\"sg-2\"")]);
    assert_eq!((out.status.success(), calls.len()), (true, 4), "{}", String::from_utf8_lossy(&out.stderr));
    // No credentials: no folder is made.
    let stage = Stage::new(&exported);
    let (out, _) = stage.run("fix.sh", &[("FAILS", "sts get-caller-identity")]);
    assert!(!out.status.success());
    assert_eq!(stage.left_behind(), ["fix-undo.sh", "fix.sh"]);
}

#[test]
fn plans_that_change_the_same_are_not_exported_together() {
    let facts = facts();
    let policy = |days: i64| {
        let mut step = call("iam:UpdateAccountPasswordPolicy", json!({"MaxPasswordAge": days}));
        step["undo"] = json!([]);
        plan("account", json!([step]))
    };
    let exported = scripts(&[policy(90), policy(60)], &about(&facts, "fix"));
    assert_eq!(exported.left.iter().map(|l| &l.why).collect::<Vec<_>>(), [&Why::Overlaps("s3.x".into())]);
    assert_eq!(exported.files[0].1.matches("update-account-password-policy").count(), 1);
    // What a call that sets everything anew does not name goes back to its default.
    let mut symbols = call("iam:UpdateAccountPasswordPolicy", json!({"RequireSymbols": true}));
    symbols["undo"] = json!([]);
    let exported = scripts(&[policy(90), plan("account", json!([symbols])), policy(90)], &about(&facts, "fix"));
    assert_eq!(exported.left.len(), 1, "{:?}", exported.left);
}

#[test]
fn runbooks_hold_hostile_values_and_go_back_where_a_step_fails() {
    let facts = facts();
    let mut plans: Vec<Plan> = HOSTILE.iter().map(|t| hostile(t)).collect();
    let mut sure = chained();
    sure.steps[0].accept.clear();
    plans.push(sure);
    // What may be so already and has nothing to take back goes on; with something to take back it is left out.
    let mut again = call("s3:PutBucketPolicy", json!({"Bucket": "b", "Policy": "{}"}));
    again["accept"] = json!(["AlreadyThere"]);
    again["undo"] = json!([]);
    plans.push(plan("again", json!([again])));
    let (braces, may_be_so) = (hostile("a{{ b }}"), chained());
    let exported = runbooks(&[plans.clone(), vec![braces, may_be_so]].concat(), &about(&facts, "fix"));
    assert_eq!(exported.left.iter().map(|l| &l.why).collect::<Vec<_>>(), [&Why::Braces, &Why::MayBeSo]);
    assert_eq!(exported.files.iter().map(|f| f.0.as_str()).collect::<Vec<_>>(), ["fix.yaml", "fix-undo.yaml"]);
    let read = |text: &str| -> Json { serde_saphyr::from_str(text).unwrap() };
    let (apply, undo) = (read(&exported.files[0].1), read(&exported.files[1].1));
    let steps = |book: &Json| book["mainSteps"].as_array().unwrap().clone();
    let named = |book: &Json, name: &str| steps(book).into_iter().find(|s| s["name"] == name).unwrap();
    assert_eq!((&apply["schemaVersion"], &undo["schemaVersion"]), (&json!("0.3"), &json!("0.3")));
    for (nth, text) in HOSTILE.iter().enumerate() {
        let step = named(&apply, &format!("plan{}_step1", nth + 1));
        assert_eq!((&step["action"], &step["inputs"]["Bucket"]), (&json!("aws:executeAwsApi"), &json!(text)));
        // Its own undo deletes: where the step failed, that would delete what was there before.
        let before = if nth == 0 { "Abort".to_owned() } else { format!("step:plan{nth}_step1_undo1") };
        assert_eq!(step["onFailure"], before);
        assert_eq!(named(&undo, &format!("plan{}_step1_undo1", nth + 1))["inputs"]["Bucket"], json!(text));
    }
    let last = named(&apply, "plan13_step2");
    assert_eq!((&last["isEnd"], &last["inputs"]["GroupId"]), (&Json::Null, &json!("{{ plan13_step1.GroupId }}")));
    let again = named(&apply, "plan14_step1");
    assert_eq!(
        [&again["onFailure"], &again["isCritical"], &again["isEnd"]],
        [&json!("Continue"), &json!(false), &json!(true)]
    );
    assert_eq!(last["onFailure"], "step:plan13_step1_undo1");
    assert_eq!(
        named(&apply, "plan13_step1")["outputs"][0],
        json!({"Name": "GroupId", "Selector": "$.GroupId", "Type": "String"})
    );
    let delete = named(&undo, "plan13_step1_undo2");
    assert_eq!(delete["inputs"]["GroupId"], "{{ plan13_step1_undo1.SecurityGroups_0_GroupId }}");
    assert_eq!((&delete["onFailure"], &delete["isCritical"]), (&json!("Continue"), &json!(false)));
    // Every step that is gone to is there, no name twice, and the last step ends.
    for book in [&apply, &undo] {
        let names: Vec<String> = steps(book).iter().map(|s| s["name"].as_str().unwrap().to_owned()).collect();
        let mut apart = names.clone();
        apart.sort();
        apart.dedup();
        assert_eq!(apart.len(), names.len());
        for step in steps(book) {
            if let Some(to) = step["onFailure"].as_str().and_then(|f| f.strip_prefix("step:")) {
                assert!(names.iter().any(|n| n == to), "{to}");
            }
        }
        assert_eq!(steps(book).last().unwrap()["isEnd"], json!(true));
    }
    // Another account or Region is stopped before anything is done.
    let guards: Vec<Json> = steps(&undo).into_iter().take(2).map(|s| s["inputs"]["DesiredValues"][0].clone()).collect();
    assert_eq!(guards, [json!("111122223333"), json!("us-east-1")]);
}
