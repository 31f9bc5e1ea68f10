//! Sigma's modifiers, selections and conditions, by tables; rules in the spirit of those that people have for AWS.
//! <https://github.com/SigmaHQ/sigma-specification>

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

use yagura_detect::sigma::{Document, Json, Level, Placeholders, Rule, load, load_with};

fn rule(text: &str) -> Rule {
    match load(text, "r.yml") {
        Ok(mut all) => match all.remove(0) {
            Document::Rule(rule) => rule,
            other => unreachable!("{other:?}"),
        },
        Err(problems) => unreachable!("{text}\n{problems:?}"),
    }
}

fn with(detection: &str) -> String {
    let indented: String = detection.lines().map(|l| format!("  {l}\n")).collect();
    format!("title: t\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n{indented}")
}

fn selecting(lines: &str) -> String {
    let indented: String = lines.lines().map(|l| format!("  {l}\n")).collect();
    with(&format!("sel:\n{indented}condition: sel"))
}

fn fires(rule: &Rule, event: &str) -> bool {
    rule.fires(&Json::parse(event).unwrap())
}

/// A selection of one line, a value of `f` in the event (nothing: the field is not there), and whether it fires.
fn table(rows: &[(&str, &str, bool)]) {
    for (line, value, wanted) in rows {
        let event = if value.is_empty() { "{}".to_owned() } else { format!(r#"{{"f":{value},"g":"Alice","n":7}}"#) };
        assert_eq!(fires(&rule(&selecting(line)), &event), *wanted, "{line} on {event}");
    }
}

#[test]
fn values() {
    table(&[
        ("f: abc", r#""ABC""#, true),
        ("f: abc", r#""abcd""#, false),
        ("f: abc", "", false),
        ("f: 'a*'", r#""Abc""#, true),
        ("f: 'a?c'", r#""abc""#, true),
        (r"f: 'a\*c'", r#""a*c""#, true),
        (r"f: 'a\*c'", r#""abc""#, false),
        (r"f: 'C:\Windows\\*'", r#""c:\\windows\\x""#, true),
        ("f: [x, y]", r#""Y""#, true),
        ("f: 443", "443", true),
        ("f: 443", "443.0", true),
        ("f: 443", r#""443""#, true),
        ("f: '443'", "443", true),
        ("f: 443", "444", false),
        ("f: 1.5", "1.5", true),
        ("f: true", "true", true),
        ("f: 'true'", "true", true),
        ("f: true", r#""True""#, true),
        ("f: false", "null", false),
        ("f: null", "null", true),
        ("f: null", "", true),
        ("f: null", r#""""#, false),
        ("f: ''", r#""""#, true),
        ("f: ''", "null", false),
        ("f: ''", "", false),
        ("f: No", r#""no""#, true),
        ("f: [on, off]", r#""Off""#, true),
        ("f: b", r#"["a","B"]"#, true),
        ("f: c", r#"["a","B"]"#, false),
        ("f: ÉTÉ", r#""été""#, true),
    ]);
}

#[test]
fn modifiers() {
    table(&[
        ("f|contains: cd", r#""abCDe""#, true),
        ("f|contains: [x, cd]", r#""abcde""#, true),
        ("f|contains|all: [ab, de]", r#""abcde""#, true),
        ("f|contains|all: [ab, xx]", r#""abcde""#, false),
        ("f|contains: Fail", r#"{"ConsoleLogin":"Failure"}"#, true),
        (r#"f|contains: '"s3:GetObject"'"#, r#"{"policyDocument":"{\"Action\":\"s3:GetObject\"}"}"#, true),
        (r#"f|contains: '"s3:GetObject"'"#, r#"{"policyDocument":"{\"Action\":\"s3:PutObject\"}"}"#, false),
        ("f|contains: '*'", r#""""#, true),
        ("f|contains: '*'", "", false),
        ("f|contains: 44", "1443", true),
        ("f|startswith: ab", r#""ABc""#, true),
        ("f|startswith: 'a?c'", r#""abcd""#, true),
        ("f|endswith: bc", r#""abc""#, true),
        ("f|endswith: [x, bc]", r#""abcd""#, false),
        ("f|all: [a, b]", r#"["a","b","c"]"#, true),
        ("f|all: [a, d]", r#"["a","b","c"]"#, false),
        ("f|exists: true", "null", true),
        ("f|exists: true", "", false),
        ("f|exists: false", "", true),
        ("f|exists: false", r#""x""#, false),
        ("f|cased: Abc", r#""abc""#, false),
        ("f|cased: Abc", r#""Abc""#, true),
        ("f|contains|cased: B", r#""abc""#, false),
        ("f|re: '^a.c$'", r#""abc""#, true),
        ("f|re: '^a.c$'", r#""Abc""#, false),
        ("f|re|i: '^a.c$'", r#""ABC""#, true),
        ("f|re: 'b'", r#""abc""#, true),
        ("f|re: '^b'", r#""a\nb""#, false),
        ("f|re|m: '^b'", r#""a\nb""#, true),
        ("f|re: 'a.b'", r#""a\nb""#, false),
        ("f|re|s: 'a.b'", r#""a\nb""#, true),
        ("f|re|i|s: 'A.b'", r#""a\nb""#, true),
        ("f|re: '[0-9]{3}'", "4430", true),
        ("f|cidr: 10.0.0.0/8", r#""10.1.2.3""#, true),
        ("f|cidr: 10.0.0.0/8", r#""11.1.2.3""#, false),
        ("f|cidr: [192.0.2.1/32, '2001:db8::/32']", r#""2001:DB8::1""#, true),
        ("f|cidr: 10.0.0.0/8", r#""s3.amazonaws.com""#, false),
        ("f|lt: 5", "4.5", true),
        ("f|lt: 5", "5", false),
        ("f|lte: 5", "5", true),
        ("f|gt: 5", r#""6""#, true),
        ("f|gte: 5", "5", true),
        ("f|gt: 5", r#""many""#, false),
        ("f|neq: abc", r#""abd""#, true),
        ("f|neq: abc", r#""ABC""#, false),
        ("f|neq: abc", "", true),
        ("f|neq: [1, 2]", "2", false),
        ("f|neq: 1", "2", true),
        ("f|fieldref: g", r#""ALICE""#, true),
        ("f|fieldref: g", r#""bob""#, false),
        ("f|fieldref: n", "7", true),
        ("f|fieldref|cased: g", r#""ALICE""#, false),
        ("f|fieldref|startswith: g", r#""alice-admin""#, true),
        ("f|fieldref|endswith: g", r#""alice-admin""#, false),
        ("f|fieldref|contains: g", r#""x-alice-admin""#, true),
        ("f|fieldref|neq: g", r#""bob""#, true),
        ("f|base64: hello", r#""aGVsbG8=""#, true),
        ("f|base64|contains: hello", r#""x aGVsbG8= y""#, true),
        // `hello` alone, behind one byte (`xhello`) and behind two (`xxhello`).
        ("f|base64offset|contains: hello", r#""aGVsbG8hIQ==""#, true),
        ("f|base64offset|contains: hello", r#""eGhlbGxv""#, true),
        ("f|base64offset|contains: hello", r#""eHhoZWxsbw==""#, true),
        ("f|base64offset|contains: hello", r#""aGFsbG8=""#, false),
        ("f|wide|base64: hi", r#""aABpAA==""#, true),
        ("f|utf16le|base64: hi", r#""aABpAA==""#, true),
        ("f|utf16be|base64: hi", r#""AGgAaQ==""#, true),
        ("f|utf16|base64: hi", r#""//5oAGkA""#, true),
        ("f|wide|base64offset|contains: hi", r#""eGgAaQA=""#, true),
        ("f|wide: hi", r#""h\u0000i\u0000""#, true),
        ("f|windash: 'cmd -x /y'", r#""cmd /x -y""#, true),
        ("f|windash|contains: ' -enc'", r#""run –enc z""#, true),
        ("f|windash: 'a-b'", r#""a/b""#, false),
        ("f|hour|gte: 18", r#""2026-01-04T19:00:00Z""#, true),
        ("f|hour|gte: 18", r#""2026-01-04T09:00:00Z""#, false),
        ("f|month: 1", r#""2026-01-04T09:00:00Z""#, true),
    ]);
}

#[test]
fn placeholders() {
    let given: Placeholders =
        [("admins".into(), vec!["root".into(), "adm-*".into()]), ("x".into(), vec!["1".into(), "2".into()])].into();
    for (line, value, wanted) in [
        ("f|expand: '%admins%'", "root", true),
        ("f|expand: '%admins%'", "ADM-7", true),
        ("f|expand: '%admins%'", "bob", false),
        ("f|expand: 'user/%admins%-%x%'", "user/root-2", true),
        ("f|expand: 'user/%admins%-%x%'", "user/root-3", false),
        (r"f|expand: '\%admins%x%'", "%admins1", true),
        ("f|contains|expand: '%x%'", "a2b", true),
        ("f: '%admins%'", "%admins%", true),
    ] {
        let mut all = load_with(&selecting(line), "r.yml", &given).unwrap();
        let Document::Rule(rule) = all.remove(0) else { unreachable!("a rule") };
        assert_eq!(fires(&rule, &format!(r#"{{"f":"{value}"}}"#)), wanted, "{line} on {value}");
    }
    // A placeholder for which nothing is given stands for nothing, and is told.
    let open = rule(&with("s:\n  f: x\nfilter:\n  g|expand: '%admins%'\ncondition: s and not filter"));
    assert_eq!(open.unfilled, ["admins"]);
    assert!(fires(&open, r#"{"f":"x","g":"%admins%"}"#));
}

#[test]
fn selections() {
    let event = r#"{"eventName":"StopLogging","userIdentity":{"type":"IAMUser","sessionContext":{"sessionIssuer":{"type":"Role"}}},
        "requestParameters":{"items":[{"cidr":"10.0.0.0/8","port":22},{"cidr":"0.0.0.0/0"}],"note":"say \"hi\" to Mimi"},"a.b":{"c":"dotted"},"flag":true}"#;
    for (detection, wanted) in [
        ("s:\n  eventName: StopLogging\n  userIdentity.type: IAMUser\ncondition: s", true),
        ("s:\n  eventName: StopLogging\n  userIdentity.type: Root\ncondition: s", false),
        ("s:\n  - eventName: Other\n  - userIdentity.type: IAMUser\n    eventName: stoplogging\ncondition: s", true),
        ("s:\n  userIdentity.sessionContext.sessionIssuer.type: role\ncondition: s", true),
        ("s:\n  requestParameters.items.cidr: 0.0.0.0/0\ncondition: s", true),
        ("s:\n  requestParameters.items.port: 22\ncondition: s", true),
        ("s:\n  requestParameters|contains: '0.0.0.0/0'\ncondition: s", true),
        ("s:\n  a.b.c: dotted\ncondition: s", true),
        ("s:\n  - mimi\n  - nothing\ncondition: s", true),
        ("s:\n  - 'say \"hi\"'\ncondition: s", true),
        ("s: mimi\ncondition: s", true),
        ("s:\n  '|all': [mimi, iamuser]\ncondition: s", true),
        ("s:\n  '|all': [mimi, absent]\ncondition: s", false),
        ("s:\n  '|re': 'M.m.$'\ncondition: s", true),
        ("s:\n  - 22\ncondition: s", true),
        ("s:\n  - mimi\n  - eventName: x\ncondition: s", true),
        ("s:\n  eventName: StopLogging\nfilter_a:\n  flag: true\ncondition: s and not 1 of filter_*", false),
        ("s:\n  eventName: StopLogging\nfilter_a:\n  flag: false\ncondition: s and not 1 of filter_*", true),
        ("s:\n  eventName: x\nt:\n  flag: true\ncondition:\n  - s\n  - t", true),
        ("s:\n  eventName: StopLogging\nt:\n  missing: null\ncondition: all of them", true),
    ] {
        assert_eq!(fires(&rule(&with(detection)), event), wanted, "{detection}");
    }
}

#[test]
fn what_is_said_about_a_rule_is_kept() {
    let text = "title: Trail stopped\nid: 11111111-2222-4333-8444-555555555555\nname: trail_stopped\nstatus: deprecated\ndescription: |\n  Two\n  lines\nauthor: a\ndate: 2026-01-02\nlevel: high\ntags:\n  - attack.defense-evasion\n  - attack.t1562.008\nreferences:\n  - https://example.com\nfalsepositives: Unknown\nregression_tests_path: x\nlogsource:\n  product: aws\n  service: cloudtrail\n  definition: any\ndetection:\n  s:\n    eventSource: cloudtrail.amazonaws.com\n    eventName: [StopLogging, DeleteTrail]\n  condition: s\n";
    let rule = rule(text);
    assert_eq!((rule.about.title.as_str(), rule.about.level), ("Trail stopped", Some(Level::High)));
    assert_eq!(rule.about.status.as_deref(), Some("deprecated"));
    assert_eq!(rule.about.techniques().collect::<Vec<_>>(), ["T1562.008"]);
    assert_eq!(rule.about.falsepositives, ["Unknown"]);
    assert_eq!(rule.about.custom, ["regression_tests_path"]);
    assert_eq!(rule.logsource.service.as_deref(), Some("cloudtrail"));
    let index = rule.event.unwrap();
    assert!(index.admits("CloudTrail.amazonaws.com", "stoplogging"));
    assert!(!index.admits("s3.amazonaws.com", "StopLogging"));
    assert!(!index.admits("cloudtrail.amazonaws.com", "StartLogging"));
}

#[test]
fn the_index_of_events() {
    for (detection, names) in [
        ("s:\n  eventName: A\ncondition: s", Some(vec!["a"])),
        ("s:\n  eventName: [A, B]\nt:\n  x: 1\ncondition: s and t", Some(vec!["a", "b"])),
        ("s:\n  eventName: A\nt:\n  x: 1\ncondition: s or t", None),
        ("s:\n  eventName: A\nt:\n  eventName: C\ncondition: s or t", Some(vec!["a", "c"])),
        ("s:\n  eventName: A\ncondition: not s", None),
        ("s:\n  eventName|startswith: A\ncondition: s", None),
        ("s:\n  eventName: 'A*'\ncondition: s", None),
        ("s:\n  eventName|neq: A\ncondition: s", None),
        ("s:\n  eventName|cased: A\ncondition: s", Some(vec!["a"])),
        ("s:\n  eventName: [A, null]\ncondition: s", None),
        ("s:\n  - eventName: A\n  - eventName: B\n    x: 1\ncondition: s", Some(vec!["a", "b"])),
        ("s:\n  - eventName: A\n  - keyword\ncondition: s", None),
        ("s:\n  eventName: A\nf:\n  eventName: B\ncondition: s and not f", Some(vec!["a"])),
        ("s:\n  eventName: É\ncondition: s", None),
    ] {
        let rule = rule(&with(detection));
        let found = rule.event.and_then(|e| e.names).map(|n| n.into_iter().collect::<Vec<_>>());
        assert_eq!(found, names.map(|n| n.into_iter().map(str::to_owned).collect()), "{detection}");
    }
}

#[test]
fn what_cannot_be_honoured_is_named_with_its_place() {
    for (text, place, why) in [
        (selecting("f|contians: x"), 8, "unknown modifier `contians`; did you mean `contains`?"),
        (selecting("f|contains|contains: x"), 8, "stands here twice"),
        (selecting("f|contains|startswith: x"), 8, "do not go together"),
        (selecting("f|re: '(?<=a)b'"), 8, "regular expression"),
        (selecting("f|re: 'a{100000}{100000}'"), 8, "regular expression"),
        (selecting("f|i: x"), 8, "wants `re`"),
        (selecting("f|cidr: host"), 8, "`cidr` wants"),
        (selecting("f|cidr: 10.0.0.0/33"), 8, "`cidr` wants"),
        (selecting("f|gt: x"), 8, "`gt` wants a number"),
        (selecting("f|exists: maybe"), 8, "`exists` wants"),
        (selecting("f|base64: 'a*'"), 8, "cannot encode wildcards"),
        (selecting("f: []"), 8, "empty"),
        (selecting("f: {a: 1}"), 8, "a value is"),
        (with("s:\n  f: x\ncondition: t"), 8, "`t`, which is no selection"),
        (with("s:\n  f: x\ncondition: s | near t"), 8, "is not supported"),
        (with("s:\n  f: x\ncondition: s | count() > 5\ntimeframe: soon"), 8, "`timeframe`"),
        (with("s:\n  f: x"), 6, "`condition` is missing"),
        (with("condition: s"), 6, "no selection"),
        (selecting("f: x").replace("product: aws", "product: windows"), 3, "product `windows`"),
        (selecting("f: x").replace("detection:", "detecton:"), 6, "unknown key `detecton`; did you mean `detection`?"),
        (selecting("f: x").replace("title: t", "level: h\ntitle: t"), 1, "a level is"),
        (selecting("f: x").replace("title: t\n", ""), 1, "`title` is missing"),
        ("a: [".to_owned(), 1, ""),
        (String::new(), 1, "no rule"),
    ] {
        let problems = load(&text, "dir/r.yml").unwrap_err();
        let hit = problems.iter().find(|p| p.message.contains(why));
        let hit = hit.unwrap_or_else(|| unreachable!("{text}\nwanted {why}\nfound {problems:?}"));
        assert_eq!(hit.file, "dir/r.yml");
        assert!(hit.line.abs_diff(place) <= 1, "{text}\n{hit}");
    }
}
