//! `yagura investigate`, as a user runs it on the sample estate's logs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

use serde_json::Value;
use std::process::{Command, Output};

const CI: &str = "arn:aws:iam::111122223333:user/deploy-ci";

fn yagura(args: &[&str], lang: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_yagura"));
    command.arg("investigate").args(args).arg("--demo").env("YAGURA_LANG", lang).output().unwrap()
}

fn dossier(args: &[&str]) -> Value {
    let mut all = args.to_vec();
    all.extend(["--format", "json"]);
    let out = yagura(&all, "en");
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_slice(&out.stdout).unwrap()
}

#[test]
fn a_user_whose_key_was_stolen() {
    let d = dossier(&[CI, "--at", "2026-10-06T10:01:00Z"]);
    assert_eq!(d["subject"]["kind"], "user");
    let made: Vec<&str> = d["made"].as_array().unwrap().iter().map(|m| m["what"].as_str().unwrap()).collect();
    assert!(made.contains(&"arn:aws:iam::111122223333:user/svc-backup"), "{made:?}");
    let new = d["unusual"]["new"].as_array().unwrap();
    assert!(new.iter().any(|n| n[0] == "network" && n[1]["value"] == "198.51.0.0/16"), "{new:?}");
    assert!(d["findings"].as_array().unwrap().iter().any(|f| f["rule"] == "cloudtrail.user_created"));
    // The key that was made leads back to who made it.
    let key = made.iter().find(|m| m.starts_with("AKIA")).unwrap();
    let back = dossier(&[key]);
    assert_eq!(back["makers"][0]["who"], CI);
    // And a record to whose it is.
    let record = d["timeline"][0]["event"].as_str().unwrap();
    let of = dossier(&[record]);
    assert_eq!((&of["subject"]["text"], &of["event"]["event"]), (&CI.into(), &record.into()));
}

#[test]
fn every_form_in_both_languages() {
    for (lang, word) in [("en", "Ask next"), ("ja", "次の調査")] {
        let text = yagura(&["198.51.100.77"], lang);
        assert!(text.status.success());
        assert!(String::from_utf8(text.stdout).unwrap().contains(word), "{lang}");
        let page = String::from_utf8(yagura(&[CI, "--format", "html"], lang).stdout).unwrap();
        assert!(page.starts_with("<!doctype html>") && page.contains("class=\"tl\""), "{lang}");
        let svg = String::from_utf8(yagura(&[CI, "--format", "svg"], lang).stdout).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("iam:CreateUser"), "{lang}");
    }
}

#[test]
fn what_is_not_there_is_said() {
    let rows = [
        ("nonsense", 2, "is no ARN"),
        ("AKIAIOSFODNN7NOSUCH0", 3, "no record names"),
        ("ffffffff-0000-4000-8000-000000000000", 3, "no record is called"),
    ];
    for (subject, code, why) in rows {
        let out = yagura(&[subject], "en");
        assert_eq!(out.status.code(), Some(code), "{subject}");
        assert!(out.stdout.is_empty() && String::from_utf8_lossy(&out.stderr).contains(why), "{subject}");
    }
}
