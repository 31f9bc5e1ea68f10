//! Findings of detection in every format: what other tools are promised, and that a text from a log breaks out of none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may stop at once")]

mod found;

use serde_json::Value;
use yagura_model::Lang;
use yagura_report::{DetectFormat, Style, write_findings};

fn written(format: DetectFormat, lang: Lang) -> String {
    let mut bytes = Vec::new();
    write_findings(&found::findings(), format, &Style::default(), lang, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn formats_are_found_by_their_names() {
    for format in DetectFormat::ALL {
        assert_eq!(DetectFormat::named(format.name()), Some(format));
    }
    assert_eq!(DetectFormat::named("yaml"), None);
}

#[test]
fn timeline() {
    insta::assert_snapshot!("detect_timeline_en", written(DetectFormat::Timeline, Lang::En));
    insta::assert_snapshot!("detect_timeline_ja", written(DetectFormat::Timeline, Lang::Ja));
}

#[test]
fn a_text_from_a_log_steers_no_terminal() {
    for format in [DetectFormat::Table, DetectFormat::Timeline] {
        for lang in [Lang::En, Lang::Ja] {
            let text = written(format, lang);
            assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']), "{}: {text}", format.name());
        }
    }
}

#[test]
fn a_text_from_a_log_is_no_markup() {
    for (lang, word) in [(Lang::En, "Incidents"), (Lang::Ja, "インシデント")] {
        let page = written(DetectFormat::Html, lang);
        assert_eq!(page.matches("<script").count(), 1);
        assert_eq!(page.matches("</script").count(), 1);
        assert!(!page.contains("<img") && !page.contains('\u{1b}') && !page.contains('\u{202e}'));
        assert!(page.contains(word));
        assert_eq!(page.matches("class=\"finding\"").count(), 5);
        assert_eq!(page.matches("<svg xmlns").count(), 1);
        // A policy that lets inline styles through would be no policy, so there are none.
        assert!(!page.contains(" style=\""), "an inline style");
    }
}

#[test]
fn ocsf_says_who_what_where_and_by_which_technique() {
    let all: Value = serde_json::from_str(&written(DetectFormat::Ocsf, Lang::Ja)).unwrap();
    let incident = &all[0];
    assert_eq!(incident["class_uid"], 2004);
    assert_eq!(incident["severity"], "Critical");
    assert_eq!(incident["confidence_id"], 3);
    assert_eq!(incident["finding_info"]["analytic"]["type"], "Correlation");
    assert_eq!(incident["evidences"].as_array().unwrap().len(), 4);
    assert_eq!(incident["evidences"][0]["src_endpoint"]["ip"], "198.51.100.7");
    assert_eq!(incident["evidences"][3]["src_endpoint"]["svc_name"], found::HOSTILE);
    assert_eq!(incident["start_time"], 1_767_578_584_000i64);
    assert_eq!(incident["end_time"], 1_767_605_400_000i64);
    assert_eq!(incident["unmapped"]["missing_stages"][0], "sequence.blind_then_take/widen");
    let key = &all[1];
    assert_eq!(key["finding_info"]["attacks"][0]["tactic"]["name"], "Persistence");
    assert_eq!(key["finding_info"]["attacks"][0]["sub_technique"]["uid"], "T1098.001");
    assert_eq!(key["cloud"]["account"]["uid"], "111122223333");
    // A log without an account or Region still makes a whole finding.
    assert_eq!(all[4]["cloud"]["region"], "us-east-1");
}

#[test]
fn asff_keeps_security_hubs_limits_and_its_ids_stay() {
    let all: Value = serde_json::from_str(&written(DetectFormat::Asff, Lang::En)).unwrap();
    let other: Value = serde_json::from_str(&written(DetectFormat::Asff, Lang::Ja)).unwrap();
    for (finding, again) in all.as_array().unwrap().iter().zip(other.as_array().unwrap()) {
        assert_eq!(finding["Id"], again["Id"]);
        assert!(finding["Description"].as_str().unwrap().chars().count() <= 1024);
        assert!(finding["Types"].as_array().unwrap().iter().all(|t| {
            let t = t.as_str().unwrap();
            t == "TTPs" || t.starts_with("TTPs/") || t.starts_with("Effects/")
        }));
        assert!(finding["ProductFields"].as_object().unwrap().len() <= 50);
    }
    assert_eq!(all[0]["Severity"], serde_json::json!({"Label": "CRITICAL", "Normalized": 90, "Original": "critical"}));
    assert_eq!(all[0]["CreatedAt"], "2026-01-05T02:03:04.000Z");
    assert_eq!(all[0]["UpdatedAt"], "2026-01-05T09:30:00.000Z");
    assert_eq!(all[1]["Types"], serde_json::json!(["TTPs/Persistence"]));
    assert_eq!(all[3]["Types"], serde_json::json!(["Effects/Data Exfiltration", "TTPs/Collection"]));
    assert_eq!(all[4]["AwsAccountId"], "000000000000");
    assert_eq!(all[5]["Types"], serde_json::json!(["TTPs"]));
    let ids: std::collections::BTreeSet<&str> =
        all.as_array().unwrap().iter().map(|f| f["Id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 6);
}

#[test]
fn an_incident_that_grows_keeps_its_id() {
    let mut found = found::findings();
    let id = |found: &[yagura_detect::tell::Told]| {
        let mut bytes = Vec::new();
        write_findings(found, DetectFormat::Asff, &Style::default(), Lang::En, &mut bytes).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()[0]["Id"].clone()
    };
    let before = id(&found);
    found[0].rule = "sequence.ransom_of_storage".into();
    found[0].sequence.push("sequence.ransom_of_storage".into());
    found[0].events.push("later".into());
    found[0].last = "2026-01-06T00:00:00Z".into();
    assert_eq!(before, id(&found));
}
