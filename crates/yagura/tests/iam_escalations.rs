//! `yagura iam escalations` over authorization details, as a user runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const ACCOUNT: &str = "arn:aws:iam::111122223333";

fn run(words: &[&str]) -> (i32, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_yagura")).args(["iam", "escalations"]).args(words).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (out.status.code().unwrap(), text(&out.stdout), text(&out.stderr))
}

fn file(dir: &tempfile::TempDir, name: &str, value: &Value) -> PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, value.to_string()).unwrap();
    path
}

fn lines(details: &Path, more: &[&str]) -> Vec<Value> {
    let words = [&["--authorization-details", details.to_str().unwrap(), "--format", "jsonl"], more].concat();
    let (code, out, errors) = run(&words);
    assert_eq!((code, errors.as_str()), (0, ""), "{out}");
    out.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn line(lines: &[Value], name: &str) -> Value {
    let ends = format!("/{name}");
    lines.iter().find(|l| l["principal"].as_str().unwrap().ends_with(&ends)).unwrap().clone()
}

fn allow(actions: &[&str], on: &str) -> Value {
    json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": actions, "Resource": on}})
}

fn user(name: &str, policies: &[Value]) -> Value {
    let inline: Vec<_> =
        policies.iter().enumerate().map(|(n, p)| json!({"PolicyName": format!("p{n}"), "PolicyDocument": p})).collect();
    json!({"Arn": format!("{ACCOUNT}:user/{name}"), "UserName": name, "UserPolicyList": inline})
}

/// Ann can make a key of Bob; Bob can pass an administrator's role to a function; Carl can change functions that are not
/// shown; Dan may attach policies with MFA; Eve may only manage her own key; Ken holds a policy that is not given.
fn details() -> Value {
    let admin =
        json!({"PolicyName": "AdministratorAccess", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"});
    let mut dan = allow(&["iam:AttachUserPolicy"], "*");
    dan["Statement"]["Condition"] = json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}});
    let mut ken = user("ken", &[allow(&["iam:PutUserPolicy"], "*")]);
    ken["AttachedManagedPolicies"] = json!([{"PolicyArn": format!("{ACCOUNT}:policy/gone")}]);
    json!({
        "UserDetailList": [
            user("ann", &[allow(&["iam:CreateAccessKey"], &format!("{ACCOUNT}:user/bob"))]),
            user("bob", &[
                allow(&["iam:PassRole"], &format!("{ACCOUNT}:role/deploy")),
                allow(&["lambda:Create*"], "*"),
                allow(&["lambda:InvokeFunction"], "arn:aws:lambda:*:111122223333:function:x-*"),
            ]),
            user("carl", &[allow(&["lambda:UpdateFunctionCode"], "*")]),
            user("dan", &[dan]),
            user("eve", &[allow(&["iam:CreateAccessKey", "iam:UpdateLoginProfile"], "arn:aws:iam::*:user/${aws:username}")]),
            ken,
        ],
        "RoleDetailList": [{
            "Arn": format!("{ACCOUNT}:role/deploy"), "RoleName": "deploy", "AttachedManagedPolicies": [admin],
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": {
                "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}},
        }],
    })
}

#[test]
fn each_principal_is_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let lines = lines(&file(&dir, "details.json", &details()), &[]);
    assert_eq!(lines.len(), 7);
    let keys: BTreeSet<_> = lines[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, BTreeSet::from(["certainty", "commands", "hops", "paths", "principal"]));
    for (name, paths, certainty, hops) in [
        ("ann", json!(["iam-002", "prowler:iam:CreateAccessKey", "rhino-04"]), "certain", 2),
        (
            "bob",
            json!([
                "lambda-001",
                "lambda-002",
                "prowler:PassRole+CreateLambda+ExistingDynamo",
                "prowler:PassRole+CreateLambda+Invoke",
                "rhino-15"
            ]),
            "certain",
            1,
        ),
        ("carl", json!(["lambda-003", "prowler:lambda:UpdateFunctionCode", "rhino-18"]), "conditional", 1),
        ("dan", json!(["iam-008", "prowler:iam:AttachUserPolicy", "rhino-07"]), "conditional", 1),
        ("eve", json!([]), "certain", 0),
        ("ken", json!(["iam-007", "prowler:iam:PutUserPolicy", "rhino-10"]), "conditional", 1),
    ] {
        let line = line(&lines, name);
        let found = (&line["paths"], line["certainty"].as_str().unwrap(), line["hops"].as_u64().unwrap());
        assert_eq!(found, (&paths, certainty, hops), "{name}");
    }
    let commands = line(&lines, "ann")["commands"].clone();
    assert_eq!(commands[0], "aws iam create-access-key --user-name bob");
    assert!(commands[1].as_str().unwrap().contains("--role arn:aws:iam::111122223333:role/deploy"), "{commands}");
    let admin = line(&lines, "deploy");
    assert_eq!((&admin["hops"], &admin["commands"]), (&json!(0), &json!([])));
}

#[test]
fn service_control_policies_take_paths_away() {
    let dir = tempfile::tempdir().unwrap();
    let details = file(&dir, "details.json", &details());
    let full = allow(&["*"], "*");
    let deny =
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "iam:PassRole", "Resource": "*"}});
    let root = file(&dir, "root.json", &full);
    let level = file(&dir, "account.json", &json!([full, deny]));
    let found = lines(&details, &["--scp", root.to_str().unwrap(), "--scp", level.to_str().unwrap()]);
    assert_eq!(line(&found, "bob")["paths"], json!([]));
    assert_eq!(line(&found, "ann")["hops"], 1, "Ann still gets Bob's key, which leads nowhere now");
    let narrow = file(&dir, "narrow.json", &allow(&["s3:*"], "*"));
    let found = lines(&details, &["--scp", narrow.to_str().unwrap()]);
    assert!(found.iter().all(|l| l["paths"] == json!([])), "a level that allows nothing of it");
}

#[test]
fn both_languages_tell_the_chain() {
    let dir = tempfile::tempdir().unwrap();
    let details = file(&dir, "details.json", &details());
    for (lang, parts) in [
        (
            "en",
            [
                "administrator in 2 steps, certain",
                "Make an access key of another user [iam-002",
                "$ aws iam create-access-key --user-name bob",
                "if there is a Lambda function that something invokes",
                "if conditions hold, as with aws:multifactorauthpresent = true",
                "Administrators already",
                "policy arn:aws:iam::111122223333:policy/gone (not in the file): ken",
            ],
        ),
        (
            "ja",
            [
                "2 手順で管理者（確実）",
                "他のユーザーのアクセスキーを作る [iam-002",
                "$ aws iam create-access-key --user-name bob",
                "条件: 存在する場合: Lambda 関数とその呼び出し",
                "条件: ポリシーの条件が成り立つ場合（例: aws:multifactorauthpresent = true）",
                "すでに管理者",
                "ポリシー arn:aws:iam::111122223333:policy/gone（ファイルにない）: ken",
            ],
        ),
    ] {
        let (code, out, _) = run(&["--authorization-details", details.to_str().unwrap(), "--lang", lang]);
        assert_eq!(code, 0);
        for part in parts {
            assert!(out.contains(part), "{lang}: {part}\n{out}");
        }
    }
}

#[test]
fn graphs_escape_what_they_show() {
    let dir = tempfile::tempdir().unwrap();
    let mut details = details();
    details["UserDetailList"][0]["Arn"] = json!(format!("{ACCOUNT}:user/<a>&\"b\""));
    let details = file(&dir, "details.json", &details);
    let words = ["--authorization-details", details.to_str().unwrap(), "--format"];
    let (_, svg, _) = run(&[&words[..], &["svg"]].concat());
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"), "{svg}");
    assert!(svg.contains("user/&lt;a&gt;&amp;&quot;b&quot;") && !svg.contains("<a>"), "{svg}");
    assert!(svg.contains("prefers-color-scheme:dark"));
    let (_, dot, _) = run(&[&words[..], &["dot"]].concat());
    assert!(dot.contains("user/<a>&\\\"b\\\"") && dot.contains("style=dashed"), "{dot}");
    let (_, document, _) = run(&[&words[..], &["json"]].concat());
    let document: Value = serde_json::from_str(&document).unwrap();
    let carl = &document["accounts"][0]["principals"]
        .as_array()
        .unwrap()
        .iter()
        .find(|p| p["principal"].as_str().unwrap().ends_with("carl"))
        .unwrap()["paths"][0];
    assert_eq!((&carl["id"], &carl["depends_on"]), (&json!("lambda.update_function_code"), &json!(["need"])));
}

#[test]
fn what_cannot_be_read_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let broken = dir.path().join("broken.json");
    std::fs::write(&broken, "{\"UserDetailList\": [{]").unwrap();
    let (code, _, errors) = run(&["--authorization-details", broken.to_str().unwrap(), "--lang", "en"]);
    assert_eq!(code, 3);
    assert!(errors.contains("not the answer of `iam:GetAccountAuthorizationDetails`"), "{errors}");
    let (code, _, errors) = run(&["--authorization-details", "/nowhere/details.json", "--lang", "ja"]);
    assert_eq!(code, 3);
    assert!(errors.contains("読み込めない"), "{errors}");
    let details = file(&dir, "details.json", &details());
    let words = ["--authorization-details", details.to_str().unwrap(), "--lang", "en"];
    let (code, _, errors) = run(&[&words[..], &["--scp", broken.to_str().unwrap()]].concat());
    assert_eq!(code, 2);
    assert!(errors.contains("broken.json:1:"), "{errors}");
    let (code, _, errors) = run(&[&words[..], &["--principal", "anm"]].concat());
    assert_eq!(code, 2);
    assert!(errors.contains("did you mean `ann`?"), "{errors}");
}

#[test]
fn a_user_adds_paths_and_is_told_what_is_wrong_with_them() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("escalations/iam");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("tag_user.yaml"),
        "kind: escalation\nid: iam.tag_users\nids: [own-001]\ntarget: usr\ngains: admin\nsteps:\n  - {action: iam:TagUser, on: taget}\n\
         comands: [aws]\nen: {title: t, why: w, fix: f}\ntests:\n  fits: {allow: [iam:TagUser], expect: certan}\n",
    )
    .unwrap();
    let out = Command::new(env!("CARGO_BIN_EXE_yagura"))
        .args(["content", "lint", dir.path().to_str().unwrap(), "--lang", "en"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert_eq!(out.status.code(), Some(2), "{text}");
    for part in [
        "escalations/iam/tag_user.yaml:2:5: the id must follow the path: `iam.tag_user`",
        "`usr` is no target; did you mean `user`?",
        "escalations/iam/tag_user.yaml:7:5: `taget` is no resource; did you mean `target`?",
        "escalations/iam/tag_user.yaml:8:1: unknown key `comands`; did you mean `commands`?",
        "the Japanese text is missing",
        "found `certan`; did you mean `certain`?",
        "a fixture without `iam:TagUser` that does not fit is missing",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

/// The catalogue of paths is no part of the repository: `YAGURA_PRIVESC_PATHS` names its file, and without it there is
/// nothing to compare with.
#[test]
fn every_path_of_the_catalogue_is_covered() {
    let Some(catalogue) = std::env::var_os("YAGURA_PRIVESC_PATHS") else { return };
    let catalogue = std::fs::read_to_string(catalogue).unwrap();
    let ids: BTreeSet<&str> = catalogue.lines().skip(1).filter_map(|l| l.split('\t').next()).collect();
    let dir = tempfile::tempdir().unwrap();
    let lines = lines(&file(&dir, "details.json", &details()), &[]);
    let admin = line(&lines, "deploy");
    let found: BTreeSet<&str> = admin["paths"].as_array().unwrap().iter().map(|p| p.as_str().unwrap()).collect();
    assert_eq!(ids.difference(&found).collect::<Vec<_>>(), Vec::<&&str>::new(), "not covered");
    assert_eq!(found.difference(&ids).collect::<Vec<_>>(), Vec::<&&str>::new(), "not catalogued");
}
