//! Every check proves itself: a policy that it finds and the near-by one that it does not.

mod conditions;
mod elements;
mod kinds;

use super::*;
use crate::catalogue::tests::shipped;
use std::collections::BTreeSet;
use yagura_model::Lang;

/// The code, the type of policy, a policy that has the finding and one that does not. See [`policy`] for the short forms.
type Row = (&'static str, PolicyType, &'static str, &'static str);

/// A policy from its short form: a whole policy (`{…`), a statement's members (`"Effect":…`), a condition (`cond:…`),
/// a resource (`arn:…`), a list of actions (`act:…`), a principal of an S3 policy (`principal:…`), or a principal with
/// what follows it of a trust policy (`trust:…`); `long:` is a very long one. `raw:` is taken as it is.
fn policy(short: &str) -> String {
    let statement = match short.split_once(':') {
        _ if short.starts_with('{') => return short.to_owned(),
        Some(("raw", text)) => return text.to_owned(),
        Some(("cond", condition)) => {
            format!(
                r#""Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::example","Condition":{condition}"#
            )
        }
        Some(("long", _)) => {
            format!(r#""Effect":"Allow","Action":["s3:GetObject"{}]"#, r#","s3:PutObject""#.repeat(2_000))
        }
        Some(("arn", _)) => format!(r#""Effect":"Allow","Action":"*","Resource":"{short}""#),
        Some(("act", list)) => format!(r#""Effect":"Allow","Action":{list},"Resource":"*""#),
        Some(("principal", p)) => {
            format!(r#""Effect":"Allow","Principal":{p},"Action":"s3:GetObject","Resource":"arn:aws:s3:::example/*""#)
        }
        Some(("trust", rest)) => format!(r#""Effect":"Allow","Principal":{rest}"#),
        _ => short.to_owned(),
    };
    format!(r#"{{"Version":"2012-10-17","Statement":[{{{statement}}}]}}"#)
}

fn codes(short: &str, kind: PolicyType) -> BTreeSet<&'static str> {
    lint(&policy(short), kind, shipped()).iter().map(|f| f.check.code).collect()
}

#[test]
fn each_check_finds_its_policy_and_not_the_near_by_one() {
    let rows: Vec<&Row> = [elements::ROWS, conditions::ROWS, kinds::ROWS].into_iter().flatten().collect();
    let mut wrong = Vec::new();
    for (code, kind, bad, good) in &rows {
        if !codes(bad, *kind).contains(code) {
            wrong.push(format!("{code} is not found in {} {bad}\n   found: {:?}", kind.name(), codes(bad, *kind)));
        }
        if codes(good, *kind).contains(code) {
            wrong.push(format!("{code} is found in {} {good}", kind.name()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let proven: BTreeSet<&str> = rows.iter().map(|(code, ..)| *code).collect();
    let known: BTreeSet<&str> = checks().iter().map(|check| check.code).collect();
    assert_eq!(known.difference(&proven).collect::<Vec<_>>(), Vec::<&&str>::new(), "checks without a row");
    assert_eq!(proven.difference(&known).collect::<Vec<_>>(), Vec::<&&str>::new(), "rows without a check");
    assert!(proven.len() >= 150, "{} codes are proven", proven.len());
}

#[test]
fn each_code_is_said_once_in_both_languages() {
    let checks = checks();
    for (a, b) in checks.iter().zip(checks.iter().skip(1)) {
        assert_ne!(a.code, b.code);
    }
    for check in checks {
        for text in [check.en.what, check.en.fix, check.ja.what, check.ja.fix] {
            assert!(!text.is_empty() && !text.ends_with('.') && !text.ends_with('。'), "{}: {text}", check.code);
        }
        let japanese = |text: &str| text.chars().any(|c| ('ぁ'..='ヿ').contains(&c) || ('一'..='鿿').contains(&c));
        assert!(japanese(check.ja.what) && (japanese(check.ja.fix) || check.ja.fix.starts_with('{')), "{}", check.code);
        assert!(!japanese(check.en.what) && !japanese(check.en.fix), "{}", check.code);
    }
}

#[test]
fn findings_have_places_and_filled_in_texts() {
    let text = policy(
        r#""Effect":"Allow","Action":["s3:GetObjekt","s3:*"],"Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.1/8"}}"#,
    );
    let found = lint(&text, PolicyType::Identity, shipped());
    let at = |code: &str| found.iter().find(|f| f.check.code == code).unwrap();
    assert_eq!(at("INVALID_ACTION").path, "Statement[0].Action[0]");
    assert_eq!(
        &text[at("INVALID_ACTION").span.start as usize..at("INVALID_ACTION").span.end as usize],
        "\"s3:GetObjekt\""
    );
    assert_eq!(at("INVALID_ACTION").message(Lang::En), "no action `s3:GetObjekt`");
    assert_eq!(at("INVALID_ACTION").fix(Lang::En), "correct its spelling: `GetObject`?");
    assert_eq!(at("PRIVATE_IP_ADDRESS").path, "Statement[0].Condition.IpAddress.aws:SourceIp");
    assert_eq!(at("IMPROVE_IP_RANGE").fix(Lang::Ja), "`10.0.0.0/8` と書く");
    assert!(found.iter().all(|f| !f.message(Lang::En).contains("{0}") && !f.fix(Lang::Ja).contains("{0}")));
    assert!(found.is_sorted_by_key(|f| f.span.start));
}

#[test]
fn good_policies_have_no_findings() {
    for (kind, text) in [
        (PolicyType::Identity, r#""Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::example/*""#),
        (
            PolicyType::Session,
            r#""Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::example/${aws:username}/*""#,
        ),
        (PolicyType::Scp, r#""Effect":"Deny","Action":"iam:*","Resource":"*""#),
        (PolicyType::Endpoint, r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*""#),
        (PolicyType::Rcp, r#""Effect":"Allow","Principal":"*","Action":"*","Resource":"*""#),
        (
            PolicyType::Trust,
            r#""Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole""#,
        ),
        (
            PolicyType::Resource,
            r#""Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"s3:*","Resource":"arn:aws:s3:::example""#,
        ),
    ] {
        assert_eq!(codes(text, kind), BTreeSet::new(), "{text}");
        assert_eq!(codes(text, PolicyType::Any), BTreeSet::new(), "{text}");
    }
}

#[test]
fn any_text_gets_an_answer() {
    let whole = policy(
        r#""Sid":"あ","Effect":"Deny","NotPrincipal":{"AWS":["*","AROAEXAMPLEEXAMPLE"]},"NotAction":["*:*","s3:G?t*"],
        "NotResource":["arn:aws:s3:::a/${aws:username, 'x'}","arn:aws","${","é:*"],"Condition":{"ForAllValues:StringLikeIfExists":
        {"aws:PrincipalTag/é":["${","*"],"aws:SourceIp":[1,true,null,{}]},"Null":{"a:b":"x"},"IpAddress":{"aws:SourceIp":"::/0"}}"#,
    );
    for kind in PolicyType::ALL {
        for end in 0..=whole.len() {
            if let Some(part) = whole.get(..end) {
                lint(part, kind, shipped());
            }
        }
        for (n, _) in whole.char_indices().filter(|(n, _)| n % 3 == 0) {
            let mut changed: Vec<char> = whole.chars().collect();
            let n = n % changed.len();
            changed[n] = ['"', '{', '*', '$', ':', '\u{0}', '[', '1'][n % 8];
            lint(&changed.into_iter().collect::<String>(), kind, shipped());
        }
    }
    for text in ["", "null", "[]", "{}", "\"\"", "1", "{\"Statement\":[1,{},[],null]}", "\u{feff}{}"] {
        assert!(!lint(text, PolicyType::Identity, shipped()).is_empty(), "{text}");
    }
    let deep = "[".repeat(100_000);
    assert_eq!(codes(&format!("raw:{deep}"), PolicyType::Any), BTreeSet::from(["JSON_SYNTAX_ERROR"]));
    let many = vec![r#""s3:Get*""#; 5_000].join(",");
    assert!(
        codes(&format!("act:[{many}]"), PolicyType::Identity).contains("POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA")
    );
}
