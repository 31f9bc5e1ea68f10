//! What the real program tells receivers on loopback: every change once, whatever fails on the way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

mod common;

use common::{Outcome, Run};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};
use yagura_inventory::{load, save};
use yagura_model::Snapshot;
use yagura_testkit::{Endpoint, Estate, Mailbox, Received, Receiver, Said};

const SIGNING: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3";

/// A folder with a routes file, a store and an outbox.
struct Place {
    folder: tempfile::TempDir,
    env: Vec<(String, String)>,
}

impl Place {
    fn new(routes: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("routes.yaml"), routes).unwrap();
        Self { folder, env: vec![("SIGNING".to_owned(), SIGNING.to_owned())] }
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn command(&self, words: &[&str]) -> Run {
        let mut run = Run::new(words).env("YAGURA_STATE", &self.path("state")).env("YAGURA_STORE", &self.path("f.db"));
        for (name, value) in &self.env {
            run = run.env(name, value);
        }
        run
    }

    /// Records the sample estate; `checks` choose what is found.
    fn scan(&self, checks: &str, more: &[&str]) -> Outcome {
        let words = ["scan", "--demo", "--store", "--check", checks, "--format", "jsonl"];
        self.command(&[&words, more].concat()).run()
    }

    fn send(&self, more: &[&str]) -> Outcome {
        let routes = self.path("routes.yaml");
        self.command(&[&["notify", "send", "--routes", &routes, "--format", "json"], more].concat()).run()
    }
}

const HOOK: &str =
    "channels: {hook: {kind: webhook, url: {env: HOOK}, secret: {env: SIGNING}}}\nroutes: [{name: all, to: [hook]}]\n";

/// Checks of which the sample estate fails some resources.
const FEW: &str = "s3.bucket_blocks_public_access,ec2.instance_requires_imdsv2,iam.console_user_has_mfa";

fn json(outcome: &Outcome) -> Json {
    serde_json::from_str(&outcome.stdout).unwrap_or_else(|e| panic!("{e}: {} {}", outcome.stdout, outcome.stderr))
}

/// The changes of requests, by key: what a receiver that looks at keys has.
fn by_key(requests: &[Received]) -> BTreeMap<String, Vec<String>> {
    let mut out = BTreeMap::new();
    for r in requests {
        let body: Json = serde_json::from_str(&r.body).unwrap();
        let events = body["data"]["events"].as_array().unwrap();
        let ids = events.iter().map(|e| e["detail"]["notice"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        let before = out.insert(r.headers["webhook-id"].clone(), ids.clone());
        assert!(before.is_none_or(|b| b == ids), "a key stands for one content");
    }
    out
}

/// The findings that the store holds.
fn recorded(place: &Place) -> usize {
    let listed = place.command(&["findings", "list", "--format", "json"]).run();
    serde_json::from_str::<Vec<Json>>(&listed.stdout).unwrap().len()
}

#[test]
fn what_is_new_is_told_once_and_signed() {
    let hook = Receiver::start(|_| Said::ok("")).unwrap();
    let place = Place::new(HOOK).env("HOOK", &format!("{}/in", hook.url()));
    let scan = place.scan(FEW, &["--notify", &place.path("routes.yaml")]);
    assert_eq!(scan.code, 0, "{}", scan.stderr);
    let n = recorded(&place);
    assert!(n >= 3, "{n}");
    let told = hook.requests();
    assert_eq!(told.len(), n, "{}", scan.stderr);
    for r in &told {
        let signed = format!("{}.{}.{}", r.headers["webhook-id"], r.headers["webhook-timestamp"], r.body);
        let key = ring_key();
        let tag = ring::hmac::sign(&key, signed.as_bytes());
        let expected = format!("v1,{}", base64(tag.as_ref()));
        assert_eq!(r.headers["webhook-signature"], expected);
    }
    // The same scan again, and another delivery: nothing is new.
    let again = json(&place.send(&[]));
    assert_eq!((&again["taken"]["routed"], &again["sent"]), (&Json::from(0), &Json::from(0)));
    let since = json(&place.send(&["--since", "7d"]));
    assert_eq!(since["taken"]["known"], Json::from(n));
    assert_eq!(hook.requests().len(), n);
}

fn ring_key() -> ring::hmac::Key {
    ring::hmac::Key::new(ring::hmac::HMAC_SHA256, b"0123456789abcdef01234567")
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::prelude::BASE64_STANDARD.encode(bytes)
}

#[test]
fn channels_that_fail_for_the_moment_are_tried_again() {
    let mut said = vec![
        Said::CutOff,
        Said::Closed,
        Said::status(500),
        Said::Answer(429, vec![("retry-after", "3".to_owned())], "slow down".to_owned()),
    ];
    let hook = Receiver::start(move |_| said.pop().unwrap_or_else(|| Said::ok(""))).unwrap();
    let place = Place::new(HOOK).env("HOOK", &hook.url());
    place.scan("s3.bucket_blocks_public_access", &[]);
    let n = recorded(&place);
    let started = Instant::now();
    let first = json(&place.send(&["--wait", "0"]));
    assert_eq!((&first["sent"], &first["failed"][0]["again"]), (&Json::from(0), &Json::Bool(true)), "{first}");
    assert!(first["failed"][0]["why"].as_str().unwrap().contains("429"), "{first}");
    assert_eq!(hook.requests().len(), 1, "the rest of the channel waits");
    let early = json(&place.send(&["--wait", "0"]));
    assert_eq!(early["failed"], Json::Array(Vec::new()), "Retry-After is kept: {early}");
    let done = json(&place.send(&["--wait", "44"]));
    assert_eq!(done["waiting"].as_u64().unwrap() + done["sent"].as_u64().unwrap(), n as u64, "{done}");
    assert!(started.elapsed() >= Duration::from_secs(3));
    let keys = by_key(&hook.requests());
    assert!(keys.values().all(|ids| ids.len() == 1));
    assert!(hook.requests().len() > keys.len(), "some were sent again under their own key");
}

#[test]
fn what_is_refused_is_put_aside_and_sent_again_on_demand() {
    let mut first = true;
    let hook = Receiver::start(move |_| {
        if std::mem::take(&mut first) { Said::Answer(410, Vec::new(), "gone".into()) } else { Said::ok("") }
    })
    .unwrap();
    let secret_path = "/services/T000/B000/verysecretpath";
    let place = Place::new(HOOK).env("HOOK", &format!("{}{secret_path}", hook.url()));
    place.scan(FEW, &[]);
    let n = recorded(&place);
    let sent = place.send(&[]);
    assert_eq!(sent.code, 1, "a message that was not taken is no success: {}", sent.stderr);
    let report = json(&sent);
    assert_eq!((&report["dead"], &report["sent"]), (&Json::from(1), &Json::from(n - 1)), "{report}");
    let dead = json(&place.command(&["notify", "dead", "--format", "json"]).run());
    assert!(dead[0]["error"].as_str().unwrap().contains("HTTP 410: gone"), "{dead}");
    let lines = std::fs::read_to_string(place.path("state/notify-dead.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 1);
    let listed = place.command(&["notify", "dead", "--lang", "ja"]).run();
    assert!(listed.stderr.contains("保留したメッセージ 1 件"), "{}", listed.stderr);
    let routes = place.path("routes.yaml");
    let retried = place.command(&["notify", "retry", "--routes", &routes]).run();
    assert_eq!(retried.code, 0, "{}", retried.stderr);
    assert!(!Path::new(&place.path("state/notify-dead.jsonl")).exists());
    let requests = hook.requests();
    assert_eq!((by_key(&requests).len(), requests.len()), (n, n + 1));
    for text in [&sent.stdout, &sent.stderr, &lines, &listed.stdout, &retried.stdout] {
        assert!(!text.contains("verysecret"), "{text}");
    }
}

#[test]
fn no_one_there_and_no_answer_leave_the_message_waiting_and_say_why() {
    let hook = Receiver::start(|_| Said::Nothing).unwrap();
    for (url, why) in [("http://127.0.0.1:9/x".to_owned(), "refused"), (hook.url(), "no whole answer")] {
        let place = Place::new(HOOK).env("HOOK", &url);
        place.scan("s3.bucket_blocks_public_access", &[]);
        let report = json(&place.send(&["--wait", "0"]));
        assert_eq!(report["waiting"].as_u64().unwrap(), recorded(&place) as u64, "{report}");
        assert!(report["failed"][0]["why"].as_str().unwrap().contains(why), "{report}");
        assert_eq!(report["failed"][0]["times"], 1, "one attempt, then the channel is left alone");
    }
}

#[test]
fn twenty_kills_in_the_middle_lose_nothing_and_tell_nothing_twice() {
    let hook = Receiver::start(|_| {
        std::thread::sleep(Duration::from_millis(12));
        Said::ok("")
    })
    .unwrap();
    let place = Place::new(HOOK).env("HOOK", &hook.url());
    // Some two hundred changes: more than the runs that are killed can tell.
    let scan =
        place.command(&["scan", "--demo", "--store", "--format", "jsonl", "--service", "s3,ec2,iam,rds,lambda"]).run();
    assert_eq!(scan.code, 0, "{}", scan.stderr);
    let n = recorded(&place);
    assert!(n > 60, "{n}");
    let routes = place.path("routes.yaml");
    let mut busy = 0;
    for kill in 0..20_u64 {
        let before = hook.requests().len();
        let mut child = place.command(&["notify", "send", "--routes", &routes, "--wait", "0"]).spawn();
        let started = Instant::now();
        // The first ones die before, while and after taking; the rest in the middle of sending.
        while kill > 4
            && hook.requests().len() < before + 1 + kill as usize % 3
            && started.elapsed() < Duration::from_secs(20)
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(kill % 5 * 7));
        child.kill().unwrap();
        child.wait().unwrap();
        busy += usize::from(hook.requests().len() > before);
    }
    assert!(busy >= 15, "kills struck while it was sending: {busy}");
    let last = place.command(&["notify", "send", "--routes", &routes]).within(Duration::from_secs(120)).run();
    assert_eq!(last.code, 0, "{} {}", last.stdout, last.stderr);
    let requests = hook.requests();
    let keys = by_key(&requests);
    let told: Vec<&String> = keys.values().flatten().collect();
    let distinct: BTreeSet<&String> = told.iter().copied().collect();
    assert_eq!((told.len(), distinct.len()), (n, n), "every change under one key, and none missing");
    assert!(requests.len() - n <= 20, "at most one message a kill was on its way: {}", requests.len() - n);
}

#[test]
fn digests_and_groups_outlive_the_process() {
    let hook = Receiver::start(|_| Said::ok("")).unwrap();
    let routes = "channels: {hook: {kind: webhook, url: {env: HOOK}, secret: {env: SIGNING}}}\n\
         routes: [{name: d, to: [hook], when: digest, every: 6s, group_by: [detail.rule]}]\n";
    let place = Place::new(routes).env("HOOK", &hook.url());
    let (rule_a, rule_b) = ("s3.bucket_blocks_public_access", "ec2.instance_requires_imdsv2");
    let started = Instant::now();
    place.scan(rule_a, &[]);
    let first = json(&place.send(&["--wait", "0"]));
    assert_eq!((&first["sent"], &first["waiting"]), (&Json::from(0), &Json::from(1)), "{first}");
    place.scan(rule_b, &[]);
    json(&place.send(&["--wait", "0"]));
    if started.elapsed() < Duration::from_secs(5) {
        assert_eq!(hook.requests(), Vec::new(), "their time has not come");
    }
    let done = json(&place.send(&["--wait", "12"]));
    assert_eq!(done["waiting"], 0, "{done}");
    let requests = hook.requests();
    assert_eq!(requests.len(), 2, "one message a group");
    assert_eq!(by_key(&requests).values().map(Vec::len).sum::<usize>(), recorded(&place));
}

#[test]
fn suppressed_findings_are_not_told() {
    let hook = Receiver::start(|_| Said::ok("")).unwrap();
    let place = Place::new(HOOK).env("HOOK", &hook.url());
    place.scan(FEW, &[]);
    let n = recorded(&place);
    let covers = ["findings", "suppress", "s3.*", "--account", "111122223333"];
    let until = ["--until", "30d", "--owner", "kim", "--reason", "r"];
    assert_eq!(place.command(&[&covers[..], &until].concat()).run().code, 0);
    let report = json(&place.send(&[]));
    let quiet = report["suppressed"].as_u64().unwrap() as usize;
    assert!(quiet > 0 && report["sent"].as_u64().unwrap() as usize + quiet == n, "{report}");
    let rule = |r: &Received| {
        serde_json::from_str::<Json>(&r.body).unwrap()["data"]["events"][0]["detail"]["rule"].to_string()
    };
    assert!(hook.requests().iter().all(|r| !rule(r).contains("s3.")));
}

#[test]
fn another_store_under_the_same_name_is_told_from_its_beginning() {
    let hook = Receiver::start(|_| Said::ok("")).unwrap();
    let place = Place::new(HOOK).env("HOOK", &hook.url());
    let rule = "s3.bucket_blocks_public_access";
    place.scan(rule, &[]);
    json(&place.send(&[]));
    let first = hook.requests().len();
    std::fs::remove_file(place.path("f.db")).unwrap();
    place.scan(rule, &[]);
    place.scan("ec2.instance_requires_imdsv2", &[]);
    let n = recorded(&place);
    assert!(n > first);
    let report = json(&place.send(&[]));
    assert_eq!(report["sent"].as_u64().unwrap() as usize, n, "both runs, not the last alone: {report}");
}

#[test]
fn what_is_resolved_and_comes_back_is_told_under_the_finding_s_own_key() {
    let pager = Receiver::start(|_| Said::Answer(202, Vec::new(), "{}".to_owned())).unwrap();
    let routes = format!(
        "channels: {{pager: {{kind: pagerduty, routing_key: {{env: KEY}}, url: '{}'}}}}\nroutes: [{{name: r, to: [pager]}}]\n",
        pager.url()
    );
    let place = Place::new(&routes).env("KEY", "r0uting");
    let aws = Endpoint::start(Estate::small()).unwrap();
    let read = place.path("read.ysnap");
    assert_eq!(Run::scan(&aws.url()).args(&["--save", &read]).run().code, 0);
    let whole = load(Path::new(&read)).unwrap();
    let file = place.path("routes.yaml");
    let day = |day: i64, assets: &[yagura_model::Asset]| {
        let taken_at = whole.taken_at.checked_add(jiff::SignedDuration::from_hours(24 * day)).unwrap();
        let path = place.path("day.ysnap");
        save(&Snapshot { taken_at, assets: assets.to_vec(), ..whole.clone() }, Path::new(&path)).unwrap();
        let scan = place
            .command(&["scan", "--snapshot", &path, "--check", "s3.bucket_blocks_public_access", "--notify", &file])
            .run();
        assert_eq!(scan.code, 0, "{}", scan.stderr);
        pager.requests().iter().map(|r| serde_json::from_str::<Json>(&r.body).unwrap()).collect::<Vec<_>>()
    };
    let first = day(0, &whole.assets);
    assert!(!first.is_empty() && first.iter().all(|b| b["event_action"] == "trigger"), "{first:?}");
    assert_eq!(day(1, &whole.assets).len(), first.len(), "still open is no news");
    let without: Vec<_> = whole.assets.iter().filter(|a| a.kind != "s3.bucket").cloned().collect();
    let gone = day(2, &without).split_off(first.len());
    let keys = |of: &[Json]| of.iter().map(|b| b["dedup_key"].to_string()).collect::<BTreeSet<_>>();
    assert!(gone.iter().all(|b| b["event_action"] == "resolve"), "{gone:?}");
    assert_eq!(keys(&gone), keys(&first));
    let back = day(3, &whole.assets).split_off(first.len() + gone.len());
    assert!(
        back.iter().all(|b| b["payload"]["summary"].as_str().unwrap().starts_with("Finding came back")),
        "{back:?}"
    );
    assert_eq!(keys(&back), keys(&first));
}

#[test]
fn one_may_begin_without_telling_what_is_open() {
    let hook = Receiver::start(|_| Said::ok("")).unwrap();
    let place = Place::new(HOOK).env("HOOK", &hook.url());
    place.scan("s3.bucket_blocks_public_access", &[]);
    json(&place.send(&["--from-now"]));
    assert_eq!(hook.requests(), Vec::new());
    place.scan("ec2.instance_requires_imdsv2", &[]);
    json(&place.send(&[]));
    let bodies: Vec<String> = hook.requests().into_iter().map(|r| r.body).collect();
    assert!(!bodies.is_empty() && bodies.iter().all(|b| b.contains("ec2.instance_requires_imdsv2")), "{bodies:?}");
}

#[test]
fn mail_arrives_with_its_key_and_after_a_refusal() {
    let server = Mailbox::start().unwrap();
    server.refuse(&["451 4.3.0 try again later"]);
    let routes = format!(
        "channels: {{mail: {{kind: email, host: 127.0.0.1, port: {}, tls: none, username: u, password: {{env: PASSWORD}}, \
         from: Yagura <yagura@example.com>, to: [sec@example.com]}}}}\n\
         routes: [{{name: m, to: [mail], group_by: [account], lang: ja}}]\n",
        server.port()
    );
    let place = Place::new(&routes).env("PASSWORD", "correct-horse");
    place.scan(FEW, &[]);
    let report = place.send(&["--wait", "10"]);
    let mails = server.mails();
    assert_eq!(mails.len(), 1, "{} {}", report.stdout, report.stderr);
    let mail = &mails[0];
    assert_eq!((mail.from.as_str(), mail.to.as_slice()), ("yagura@example.com", &["sec@example.com".to_owned()][..]));
    assert_eq!(mail.login, base64(b"\0u\0correct-horse"));
    assert!(mail.text.contains("Message-ID: <") && mail.text.contains("charset=utf-8"), "{}", mail.text);
    assert!(!report.stdout.contains("correct-horse") && !report.stderr.contains("correct-horse"));
}

#[test]
fn jira_gets_one_issue_a_finding_and_pagerduty_one_alert() {
    let issues: std::sync::Arc<std::sync::Mutex<Vec<Json>>> = std::sync::Arc::default();
    let mine = issues.clone();
    let mut lost = true;
    let jira = Receiver::start(move |r| {
        let body: Json = serde_json::from_str(&r.body).unwrap_or_default();
        let mut issues = mine.lock().unwrap();
        match r.path.as_str() {
            "/rest/api/3/search/jql" => {
                let label =
                    body["jql"].as_str().unwrap().split("labels = \"").nth(1).unwrap().split('"').next().unwrap();
                let has = |i: &&Json| i["fields"]["labels"].as_array().unwrap().iter().any(|l| l == label);
                let found: Vec<&Json> = issues.iter().filter(has).collect();
                Said::ok(&serde_json::json!({"issues": found}).to_string())
            }
            "/rest/api/3/issue" => {
                let key = format!("SEC-{}", issues.len() + 1);
                let status = serde_json::json!({"statusCategory": {"key": "new"}});
                issues.push(
                    serde_json::json!({"key": key, "fields": {"labels": body["fields"]["labels"], "status": status}}),
                );
                // The first issue is made, and its answer lost.
                if std::mem::take(&mut lost) { Said::Closed } else { Said::ok(&format!("{{\"key\":\"{key}\"}}")) }
            }
            _ => Said::status(404),
        }
    })
    .unwrap();
    let pager = Receiver::start(|_| Said::Answer(202, Vec::new(), "{}".to_owned())).unwrap();
    let routes = format!(
        "channels:\n  jira: {{kind: jira, url: '{}', user: u@example.com, token: {{env: TOKEN}}, project: SEC}}\n  \
         pager: {{kind: pagerduty, routing_key: {{env: KEY}}, url: '{}'}}\nroutes: [{{name: r, to: [jira, pager]}}]\n",
        jira.url(),
        pager.url()
    );
    let place = Place::new(&routes).env("TOKEN", "t0ken").env("KEY", "r0uting");
    place.scan(FEW, &[]);
    let n = recorded(&place);
    let report = place.send(&["--wait", "20"]);
    assert_eq!(json(&report)["waiting"], 0, "{} {}", report.stdout, report.stderr);
    assert_eq!(issues.lock().unwrap().len(), n, "no twin of the issue whose answer was lost");
    let bodies: Vec<Json> = pager.requests().iter().map(|r| serde_json::from_str(&r.body).unwrap()).collect();
    let keys: BTreeSet<String> = bodies.iter().map(|b| b["dedup_key"].to_string()).collect();
    assert_eq!((bodies.len(), keys.len()), (n, n));
    assert!(bodies.iter().all(|b| b["routing_key"] == "r0uting" && b["event_action"] == "trigger"));
    assert!(!report.stdout.contains("r0uting") && !report.stdout.contains("t0ken"));
}

#[test]
fn incidents_are_told_in_both_languages_and_once() {
    let chat = Receiver::start(|_| Said::ok("ok")).unwrap();
    let routes = "channels: {en: {kind: slack, url: {env: CHAT}}, ja: {kind: teams, url: {env: CARD}}}\n\
         routes:\n- {name: e, to: [en], pattern: {detail-type: [Yagura Incident]}}\n\
         - {name: j, to: [ja], pattern: {detail-type: [Yagura Incident]}, lang: ja}\n";
    let place =
        Place::new(routes).env("CHAT", &format!("{}/slack", chat.url())).env("CARD", &format!("{}/teams", chat.url()));
    let routes = place.path("routes.yaml");
    let words = ["detect", "--demo", "--format", "jsonl", "--notify", &routes];
    let first = place.command(&words).run();
    assert_eq!(first.code, 0, "{}", first.stderr);
    let told = chat.requests();
    let of = |path: &str| told.iter().filter(|r| r.path == path).map(|r| r.body.clone()).collect::<String>();
    assert!(of("/slack").contains("Incident ("), "{}", of("/slack"));
    assert!(of("/teams").contains("インシデント（"), "{}", of("/teams"));
    place.command(&words).run();
    assert_eq!(chat.requests().len(), told.len(), "nothing is told twice");
}

#[test]
fn a_routes_file_is_checked_with_places_and_spellings() {
    let place = Place::new(
        "channels: {a: {kind: slack, url: 'https://hooks.slack.com/services/T0/B0/xyz'}}\nroutes: [{name: r, to: [b]}]\n",
    );
    let routes = place.path("routes.yaml");
    let checked = place.command(&["notify", "check", &routes]).run();
    assert_eq!(checked.code, 2);
    assert!(checked.stderr.contains("routes.yaml:1:"), "{}", checked.stderr);
    assert!(checked.stderr.contains("no channel is called `b`"), "{}", checked.stderr);
    assert!(!checked.stderr.contains("hooks.slack.com"), "{}", checked.stderr);
    let place = Place::new(HOOK).env("HOOK", "http://127.0.0.1:9/");
    place.scan(FEW, &[]);
    let routes = place.path("routes.yaml");
    let checked = json(&place.command(&["notify", "check", &routes, "--format", "json"]).run());
    assert_eq!(checked["routes"][0]["takes"].as_u64().unwrap() as usize, recorded(&place));
    assert_eq!(checked["channels"][0]["secrets"][0], "$HOOK");
    let tried = place.command(&["notify", "test", &routes, "--format", "json"]).run();
    assert_eq!(tried.code, 1);
    assert!(json(&tried)[0]["why"].as_str().unwrap().contains("refused"), "{}", tried.stdout);
}
