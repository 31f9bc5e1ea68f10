//! Trails that were spoilt in every way, and what is said of them: in a bucket, and in a copy on disk.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

#[path = "trail/estate.rs"]
mod estate;

use estate::{BUCKET, Estate, Home, gunzip, gz, hour, keys, named, other, problems, sha};
use jiff::SignedDuration;
use serde_json::{Value, json};
use yagura_logs::trail::{KeyRing, Logging, Question, TrailName, UncoveredCause, Verdict, What};

use Verdict::{Invalid, Missing, Unknown};

/// What is wrong with a trail: key, verdict and a part of the reason.
type Wrong = Vec<(String, Verdict, &'static str)>;

fn question() -> Question {
    Question { concurrency: 8, ..Question::default() }
}

/// Log files of an hour whose digest is lost.
fn lost(estate: &Estate, n: i64) -> Wrong {
    estate.logs(n).into_iter().map(|key| (key, Invalid, "no valid digest names it: that of its time")).collect()
}

/// A named way to spoil a trail; it tells what must be found.
type Spoil = (&'static str, fn(&mut Estate) -> Wrong);

const LOGS: &[Spoil] = &[
    ("nothing", |_| vec![]),
    ("log changed", |e| {
        let key = e.logs(5).remove(0);
        let text = String::from_utf8(gunzip(&e.objects[&key])).unwrap().replace("5-0", "5-9");
        e.objects.insert(key.clone(), gz(text.as_bytes()));
        vec![(key, Invalid, "hash differs")]
    }),
    ("log packed anew", |e| {
        // The hash is that of the content, so that another compression of it changes nothing.
        let key = e.logs(6).remove(0);
        let body = gunzip(&e.objects[&key]);
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        std::io::Write::write_all(&mut out, &body).unwrap();
        e.objects.insert(key, out.finish().unwrap());
        vec![]
    }),
    ("log deleted", |e| {
        let key = e.logs(7).remove(1);
        e.objects.remove(&key);
        vec![(key, Missing, "not found, though AWSLogs/")]
    }),
    ("log no gzip", |e| {
        let key = e.logs(8).remove(0);
        e.objects.insert(key.clone(), b"not gzip".to_vec());
        vec![(key, Invalid, "invalid format")]
    }),
    ("log cut", |e| {
        let key = e.logs(9).remove(0);
        let whole = e.objects[&key].clone();
        e.objects.insert(key.clone(), whole[..whole.len() - 3].to_vec());
        vec![(key, Invalid, "cut off")]
    }),
    ("log with a tail", |e| {
        let key = e.logs(10).remove(0);
        e.objects.get_mut(&key).unwrap().extend(gz(b"{\"Records\":[]}"));
        vec![(key, Invalid, "data after the end")]
    }),
    ("log empty", |e| {
        let key = e.logs(11).remove(0);
        e.objects.insert(key.clone(), vec![]);
        vec![(key, Invalid, "invalid format")]
    }),
    ("log added", |e| {
        let key = e.log_key(hour(12) + SignedDuration::from_mins(30), "forged");
        e.objects.insert(key.clone(), gz(b"{\"Records\":[]}"));
        vec![(key, Invalid, "no digest names it: it was not delivered by this trail")]
    }),
    ("strays", |e| {
        let keys = [
            "AWSLogs/111122223333/CloudTrail/us-east-1/2026/07/01/notes.txt",
            "AWSLogs/111122223333/CloudTrail-Digest/us-east-1/readme",
            "AWSLogs/111122223333/CloudTrail/us-east-1/２０２６/\u{7}x",
        ];
        keys.iter().for_each(|k| drop(e.objects.insert((*k).to_owned(), b"x".to_vec())));
        keys.iter().map(|k| ((*k).to_owned(), Invalid, "CloudTrail delivers no such key")).collect()
    }),
    ("another service's files", |e| {
        e.objects.insert("AWSLogs/111122223333/Config/us-east-1/x.json.gz".to_owned(), b"x".to_vec());
        e.objects.insert("elsewhere.txt".to_owned(), b"x".to_vec());
        vec![]
    }),
];

const DIGESTS: &[Spoil] = &[
    ("digest changed", |e| {
        let key = e.digests[2].clone();
        let body = String::from_utf8(gunzip(&e.objects[&key])).unwrap().replace("SHA-256", "SHA-257");
        e.objects.insert(key.clone(), gz(body.as_bytes()));
        [vec![(key, Invalid, "signature does not verify")], lost(e, 2)].concat()
    }),
    ("digest deleted", |e| {
        let key = e.digests[4].clone();
        e.objects.remove(&key);
        [vec![(key, Missing, "not found, though AWSLogs/")], lost(e, 4)].concat()
    }),
    ("digest signed by another", |e| {
        let key = e.digests[6].clone();
        let body = gunzip(&e.objects[&key]);
        e.put_digest(&key, &body, other());
        [vec![(key, Invalid, "signature does not verify")], lost(e, 6)].concat()
    }),
    ("digest moved", |e| {
        let (from, to) = (e.digests[0].clone(), e.digests[8].clone());
        e.objects.insert(to.clone(), e.objects[&from].clone());
        e.signed.insert(to.clone(), e.signed[&from].clone());
        [vec![(to, Invalid, "moved from its original location s3://trail-logs/AWSLogs/")], lost(e, 8)].concat()
    }),
    ("digest unsigned", |e| {
        let key = e.digests[10].clone();
        e.signed.remove(&key);
        [vec![(key, Invalid, "no signature")], lost(e, 10)].concat()
    }),
    ("signature no hex", |e| {
        let key = e.digests[12].clone();
        e.signed.get_mut(&key).unwrap().signature = "zz é".to_owned();
        [vec![(key, Invalid, "signature does not verify")], lost(e, 12)].concat()
    }),
    ("signature of odd length", |e| {
        let key = e.digests[14].clone();
        e.signed.get_mut(&key).unwrap().signature.push('0');
        [vec![(key, Invalid, "signature does not verify")], lost(e, 14)].concat()
    }),
    ("oldest digest deleted", |e| {
        let key = e.digests[0].clone();
        e.objects.remove(&key);
        [vec![(key, Missing, "not found, though")], lost(e, 0)].concat()
    }),
    ("newest digest deleted", |e| {
        e.objects.remove(&e.digests.last().unwrap().clone());
        let after = "it was delivered after the newest digest that is there";
        e.logs(23).into_iter().map(|key| (key, Invalid, after)).collect()
    }),
];

#[tokio::test]
async fn every_way_to_spoil_a_trail_is_found_alone() {
    for (name, spoil) in LOGS.iter().chain(DIGESTS) {
        let mut estate = Estate::make(24, 3);
        let wrong = spoil(&mut estate);
        check(name, &estate, wrong).await;
    }
}

#[tokio::test]
async fn ways_to_spoil_a_trail_are_found_together() {
    for (name, spoils) in [("logs", LOGS), ("digests", DIGESTS)] {
        let mut estate = Estate::make(24, 3);
        let wrong = spoils.iter().flat_map(|(_, spoil)| spoil(&mut estate)).collect();
        check(name, &estate, wrong).await;
    }
}

/// The same is found in a bucket and in a copy, and nothing else.
async fn check(name: &str, estate: &Estate, mut wrong: Wrong) {
    wrong.sort_by(|a, b| a.0.cmp(&b.0));
    for (place, report) in
        [("bucket", estate.bucket(&question()).await), ("copy", estate.copy(&question(), keys()).await)]
    {
        let found = problems(&report);
        let told: Vec<_> = found.iter().map(|(key, verdict, _)| (key, *verdict)).collect();
        let wanted: Vec<_> = wrong.iter().map(|(key, verdict, _)| (key, *verdict)).collect();
        assert_eq!(told, wanted, "{name}, {place}: {found:#?}");
        for ((key, _, why), (_, _, part)) in found.iter().zip(&wrong) {
            assert!(why.contains(part), "{name}, {place}: {key}: {why}");
        }
        assert_eq!(report.valid(), wrong.is_empty(), "{name}, {place}");
    }
}

#[tokio::test]
async fn digests_of_any_content_are_told_and_stop_nothing() {
    let deep = [vec![b'['; 200_000], vec![b']'; 200_000]].concat();
    let deep_member = [&b"{\"x\":"[..], &deep, b"}"].concat();
    for (name, object, part) in [
        ("no JSON", gz(b"hello"), "invalid format"),
        ("empty", gz(b""), "invalid format"),
        ("a list", gz(b"[]"), "invalid format"),
        ("no members", gz(b"{}"), "invalid format: missing field"),
        ("wrong types", gz(br#"{"digestStartTime": 5}"#), "invalid format"),
        ("not UTF-8", gz(b"{\"digestStartTime\": \"\xff\"}"), "invalid format"),
        ("deep", gz(&deep), "invalid format"),
        ("deep in an unknown member", gz(&deep_member), "invalid format"),
        ("cut", gz(b"{}")[..12].to_vec(), "cut off"),
        ("no gzip", b"{}".to_vec(), "not a whole gzip file"),
        ("a bomb", gz(&vec![b' '; 1 << 20]), "more than such a file can hold"),
    ] {
        let mut estate = Estate::make(6, 2);
        let key = estate.digests[3].clone();
        estate.objects.insert(key.clone(), object);
        let report = estate.bucket(&question()).await;
        let found = problems(&report);
        let digest = found.iter().find(|(k, _, _)| *k == key).unwrap();
        assert!(digest.1 == Invalid && digest.2.contains(part), "{name}: {digest:?}");
        assert_eq!(found.len(), 1 + estate.logs(3).len(), "{name}: {found:#?}");
    }
}

#[tokio::test]
async fn times_that_are_no_times_are_told() {
    for (member, value) in
        [("digestEndTime", json!("yesterday")), ("digestStartTime", json!("")), ("logFiles", json!([{"s3Object": 5}]))]
    {
        let mut estate = Estate::make(2, 1);
        let last = estate.digests[1].clone();
        estate.add_digest(2, Some(&last), &[], &[(member, value)]);
        let found = problems(&estate.bucket(&question()).await);
        assert!(found.len() == 1 && found[0].2.contains("invalid format"), "{member}: {found:?}");
    }
}

#[tokio::test]
async fn a_digest_must_be_the_one_that_the_next_recorded() {
    // Only who holds AWS's key could do so: the digest is signed anew, with one log file less.
    let mut estate = Estate::make(5, 2);
    let key = estate.digests[2].clone();
    let mut body: Value = serde_json::from_slice(&gunzip(&estate.objects[&key])).unwrap();
    body["logFiles"].as_array_mut().unwrap().pop();
    estate.put_digest(&key, body.to_string().as_bytes(), estate::aws());
    let found = problems(&estate.bucket(&question()).await);
    assert!(
        found.iter().any(|(k, v, why)| *k == key && *v == Invalid && why.contains("as the one before it")),
        "{found:#?}"
    );
}

#[tokio::test]
async fn a_signed_digest_that_the_chain_leaves_out_is_told() {
    let mut estate = Estate::make(4, 1);
    let [first, second] = [estate.digests[0].clone(), estate.digests[1].clone()];
    // The third leads past the second.
    estate.digests.truncate(2);
    estate.add_digest(2, Some(&first), &[], &[]);
    let third = estate.digests[2].clone();
    estate.add_digest(3, Some(&third), &[], &[]);
    let found = problems(&estate.bucket(&question()).await);
    assert!(
        found.iter().any(|(k, v, why)| *k == second && *v == Invalid && why.contains("no newer digest")),
        "{found:#?}"
    );
}

#[tokio::test]
async fn what_cannot_be_judged_is_unknown_and_never_invalid() {
    let estate = Estate::make(3, 2);
    let mut unread = KeyRing::default();
    unread.could_not_read("cloudtrail:ListPublicKeys: AccessDenied".into());
    let report = estate.copy(&question(), unread).await;
    assert!(!report.valid() && report.files.iter().all(|f| f.verdict == Unknown), "{:#?}", problems(&report));
    let report = estate.copy(&question(), KeyRing::default()).await;
    assert_eq!(report.count(What::Digest, Invalid), 3, "a key that AWS does not have is no key");

    // Hashed and signed in ways of the future.
    let mut estate = Estate::make(2, 0);
    let log = estate.log_key(hour(2) + SignedDuration::from_mins(5), "new");
    estate.objects.insert(log.clone(), gz(b"{}"));
    let mut future = named(&log, &sha(b"{}"));
    future["hashAlgorithm"] = json!("SHA3-256");
    let last = estate.digests[1].clone();
    estate.add_digest(2, Some(&last), &[future], &[]);
    let found = problems(&estate.bucket(&question()).await);
    assert_eq!(found, [(log, Unknown, "not judged: unknown algorithm SHA3-256".to_owned())]);
    let key = estate.digests[2].clone();
    estate.signed.get_mut(&key).unwrap().algorithm = "SHA512withRSA".into();
    let found = problems(&estate.bucket(&question()).await);
    assert!(found.len() == 2 && found.iter().all(|(_, verdict, _)| *verdict == Unknown), "{found:#?}");
}

#[tokio::test]
async fn names_that_lead_out_are_not_followed() {
    let mut estate = Estate::make(2, 1);
    let tricks =
        ["../secret.json.gz", "/etc/passwd", "a//b", "AWSLogs/../../secret.json.gz", "./x", "", "a\u{0}b", "c/"];
    let secret = gz(b"{}");
    let files: Vec<Value> = tricks.iter().map(|t| named(t, &sha(b"{}"))).collect();
    let last = estate.digests[1].clone();
    estate.add_digest(2, Some(&last), &files, &[]);
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("copy");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(above.path().join("secret.json.gz"), &secret).unwrap();
    estate.write(&folder);
    let report = estate.folder(&folder, &question(), keys()).await;
    let mut found: Vec<_> = problems(&report).into_iter().map(|(key, verdict, _)| (key, verdict)).collect();
    found.sort();
    let mut wanted: Vec<_> = tricks.iter().map(|t| ((*t).to_owned(), Missing)).collect();
    wanted.sort();
    assert_eq!(found, wanted);
}

#[cfg(unix)]
#[tokio::test]
async fn links_that_lead_out_are_unknown_and_those_within_are_followed() {
    use std::os::unix::fs::symlink;
    let estate = Estate::make(3, 2);
    let above = tempfile::tempdir().unwrap();
    let folder = above.path().join("copy");
    std::fs::create_dir(&folder).unwrap();
    estate.write(&folder);
    let [out, within] = [estate.logs(1).remove(0), estate.logs(1).remove(1)];
    std::fs::rename(folder.join(&out), above.path().join("kept")).unwrap();
    symlink(above.path().join("kept"), folder.join(&out)).unwrap();
    std::fs::rename(folder.join(&within), folder.join("kept")).unwrap();
    symlink(folder.join("kept"), folder.join(&within)).unwrap();
    symlink(&folder, folder.join("round")).unwrap();
    let found = problems(&estate.folder(&folder, &question(), keys()).await);
    assert_eq!(found, [(out, Unknown, "not read: it is a link that leads out of the folder".to_owned())]);
    // The folder itself may be a link.
    let link = above.path().join("link");
    symlink(&folder, &link).unwrap();
    assert_eq!(problems(&estate.folder(&link, &question(), keys()).await), found);
}

#[tokio::test]
async fn hours_without_log_files_and_new_starts_are_valid() {
    let mut estate = Estate::make(3, 0);
    estate.add_digest(3, None, &[], &[]); // validation was set anew
    estate.add_digest(6, None, &[], &[]); // off for two hours
    let last = estate.digests[4].clone();
    estate.add_digest(7, Some(&last), &[], &[]);
    let report = estate.bucket(&question()).await;
    assert!(report.valid(), "{:#?}", problems(&report));
    let chain = &report.chains[0];
    assert_eq!(chain.starts, [hour(0), hour(3), hour(6)]);
    assert_eq!(chain.covered, Some((hour(0), hour(8))));
    let [gap] = chain.uncovered.as_slice() else { panic!("{:?}", chain.uncovered) };
    assert_eq!((gap.from, gap.to, gap.cause), (hour(4), hour(6), UncoveredCause::Off));
}

#[tokio::test]
async fn accounts_regions_and_trails_have_chains_of_their_own() {
    let home = |account, region, trail| Home { account, region, trail, suffix: "" };
    let mut broken = Estate::of(home("444455556666", "eu-west-1", "au_dit"), 4, 2);
    let lost_log = broken.logs(1).remove(0);
    broken.objects.remove(&lost_log);
    let second = Estate::of(home("111122223333", "us-east-1", "second"), 4, 2);
    let estate = Estate::make(4, 2).join(broken).join(second);
    let report = estate.bucket(&question()).await;
    assert_eq!(report.chains.len(), 3);
    let found = problems(&report);
    assert!(found.len() == 1 && found[0].0 == lost_log, "{found:#?}");

    // Of one trail, the other's log files in the same folder are no strangers, and are not judged.
    let trail = TrailName { name: "au_dit".into(), home_region: "us-east-1".into() };
    let report = estate.bucket(&Question { trail: Some(trail), ..question() }).await;
    assert_eq!(report.chains.len(), 2);
    assert_eq!(problems(&report), found);
    assert!(!report.files.iter().any(|f| f.key.contains("second")));
}

#[tokio::test]
async fn late_log_files_are_named_by_a_backfill_digest() {
    let estate = Estate::make(5, 2);
    let mut late = Estate { home: Home { suffix: "_backfill", ..Home::default() }, ..Estate::default() };
    let key = late.log_key(hour(2) + SignedDuration::from_mins(7), "late");
    late.objects.insert(key.clone(), gz(b"{}"));
    let with_log = estate.clone().join(late.clone());
    let found = problems(&with_log.bucket(&question()).await);
    assert!(found.len() == 1 && found[0].0 == key, "{found:#?}");
    late.add_digest(2, None, &[named(&key, &sha(b"{}"))], &[]);
    let report = estate.join(late).bucket(&question()).await;
    assert!(report.valid(), "{:#?}", problems(&report));
    assert!(report.chains.iter().any(|c| c.backfill));
}

#[tokio::test]
async fn a_span_leaves_out_what_lies_outside() {
    let mut estate = Estate::make(12, 2);
    for n in [1, 10] {
        let key = estate.logs(n).remove(0);
        estate.objects.insert(key, b"bad".to_vec());
    }
    estate.objects.remove(&estate.digests[1].clone());
    let span = |from, to| Question { start: Some(hour(from)), end: Some(hour(to)), ..question() };
    let report = estate.bucket(&span(4, 8)).await;
    assert!(report.valid(), "{:#?}", problems(&report));
    // From the digest that ends at the start to the one that ends an hour after the end.
    assert_eq!(report.count(What::Digest, Verdict::Valid), 6);
    assert!(report.outside > 0);
    assert!(!estate.bucket(&span(0, 4)).await.valid());
    assert!(!estate.bucket(&span(9, 12)).await.valid());
    assert!(!estate.bucket(&span(20, 30)).await.valid(), "nothing is proven without a digest");
}

#[tokio::test]
async fn the_clock_tells_a_deleted_newest_digest() {
    let mut estate = Estate::make(6, 2);
    let last = estate.digests.pop().unwrap();
    estate.objects.remove(&last);
    let at =
        |minutes, logging| Question { now: Some(hour(6) + SignedDuration::from_mins(minutes)), logging, ..question() };
    // Not due yet: the log files wait for it.
    let report = estate.bucket(&at(30, Logging::On)).await;
    assert!(report.valid() && report.pending == 2, "{:#?}", problems(&report));
    for logging in [Logging::On, Logging::NotTold, Logging::Stopped(hour(9)), Logging::Since(hour(7))] {
        let found = problems(&estate.bucket(&at(61, logging)).await);
        let told = found.iter().find(|(key, _, _)| *key == last).expect("the digest is missing");
        assert!(told.1 == Missing && told.2.contains("was due by the clock"), "{told:?}");
        assert_eq!(found.len(), 3, "{found:#?}");
    }
    // With its log files gone too, only a word on whether the trail logs can tell.
    estate.logs(5).iter().for_each(|key| drop(estate.objects.remove(key)));
    assert_eq!(problems(&estate.bucket(&at(61, Logging::On)).await).len(), 1);
    assert!(estate.bucket(&at(61, Logging::NotTold)).await.valid());
    assert!(estate.bucket(&at(61, Logging::Stopped(hour(5)))).await.valid());
    // Since it was started again no digest is due; one is, an hour later.
    assert!(estate.bucket(&at(60 + 59, Logging::Since(hour(6)))).await.valid());
    assert_eq!(problems(&estate.bucket(&at(60 + 60, Logging::Since(hour(6)))).await).len(), 1);
    assert!(estate.bucket(&at(600, Logging::NotValidated)).await.valid());
    // Of a copy, a person says until when it should reach.
    let mut copy = Estate::make(6, 2);
    copy.objects.remove(&last);
    let found = problems(&copy.copy(&Question { end: Some(hour(6)), ..question() }, keys()).await);
    assert!(found.iter().any(|(key, verdict, _)| *key == last && *verdict == Missing), "{found:#?}");
}

#[tokio::test]
async fn another_bucket_that_was_not_read_is_unknown() {
    let mut estate = Estate::make(2, 1);
    let last = estate.digests[1].clone();
    let elsewhere = [("previousDigestS3Bucket", json!("older-bucket")), ("previousDigestS3Object", json!(last))];
    let mut log = named("AWSLogs/x", &sha(b"x"));
    log["s3Bucket"] = json!("older-bucket");
    estate.add_digest(2, Some(&last), &[log], &elsewhere);
    let report = estate.bucket(&question()).await;
    assert_eq!(report.other_buckets, ["older-bucket"]);
    assert!(report.count(What::Log, Unknown) == 1 && !report.valid(), "{:#?}", problems(&report));
    assert_ne!(BUCKET, "older-bucket");
}

/// The law of it all: a file whose content is not the delivered one is never valid, whatever was done to it.
#[tokio::test]
async fn no_file_with_another_content_is_valid() {
    let whole = Estate::make(3, 2);
    let keys: Vec<String> = whole.objects.keys().cloned().collect();
    let mut seed = 1u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    let content = |object: &[u8]| {
        let mut out = Vec::new();
        let mut from = flate2::bufread::GzDecoder::new(object);
        std::io::Read::read_to_end(&mut from, &mut out).ok().filter(|_| from.into_inner().is_empty()).map(|_| out)
    };
    let mut changed = 0;
    for round in 0..300 {
        let mut estate = whole.clone();
        let key = &keys[random(keys.len())];
        let object = estate.objects.get_mut(key).unwrap();
        let at = random(object.len());
        match random(5) {
            0 => object[at] ^= 1 << random(8),
            1 => object.truncate(at),
            2 => object.insert(at, 0xff),
            3 => object.extend_from_within(at..),
            _ => {
                // Within the content, packed anew.
                let mut body = gunzip(object);
                let at = random(body.len());
                body[at] ^= 1 << random(8);
                *object = gz(&body);
            }
        }
        let same = content(object) == content(&whole.objects[key]);
        changed += usize::from(!same);
        let report = estate.bucket(&question()).await;
        let file = report.files.iter().find(|f| f.key == *key).unwrap();
        assert_eq!(file.verdict == Verdict::Valid, same, "{round}: {key}: {:?}", file.why);
        assert_eq!(report.valid(), same, "{round}: {key}");
    }
    assert!(changed > 250, "{changed}");
}
