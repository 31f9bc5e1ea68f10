//! What users see, in both languages; and the promises that every format keeps.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may stop at once")]

mod sample;

use serde_json::Value;
use std::collections::BTreeSet;
use unicode_width::UnicodeWidthStr;
use yagura_model::{GapReason, Lang, Status, Verdict};
use yagura_report::{Format, Meta, Report, Style, write};

const LANGS: [(&str, Lang); 2] = [("en", Lang::En), ("ja", Lang::Ja)];

fn written(report: &Report, format: Format, style: &Style) -> String {
    let mut bytes = Vec::new();
    write(report, format, style, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn plain(report: &Report, format: Format) -> String {
    written(report, format, &Style::default())
}

fn parsed(report: &Report, format: Format) -> Value {
    serde_json::from_str(&plain(report, format)).unwrap()
}

#[test]
fn table() {
    for (name, lang) in LANGS {
        for width in [40, 80, 110] {
            let style = Style { colour: false, width };
            insta::assert_snapshot!(
                format!("table_{name}_{width}"),
                written(&sample::report(lang), Format::Table, &style)
            );
        }
    }
}

#[test]
fn table_in_colour() {
    let style = Style { colour: true, width: 80 };
    let shown = written(&sample::report(Lang::En), Format::Table, &style);
    insta::assert_snapshot!("table_in_colour", shown.replace('\u{1b}', "␛"));
}

#[test]
fn nothing_judged_and_nothing_failed() {
    for (name, lang) in LANGS {
        let meta = Meta {
            lang,
            tool: "0.1.0".into(),
            accounts: vec!["111122223333".into()],
            regions: vec!["us-east-1".into()],
            ..Meta::default()
        };
        let empty = Report { meta, verdicts: vec![], gaps: vec![], compliance: vec![] };
        insta::assert_snapshot!(format!("table_{name}_empty"), plain(&empty, Format::Table));
        insta::assert_snapshot!(format!("markdown_{name}_empty"), plain(&empty, Format::Markdown));
        let page = plain(&empty, Format::Html);
        let (_, printed) = page.split_once("<article").unwrap();
        let printed = printed.split_once("</article>").unwrap().0;
        assert!(!printed.contains(lang.pick("was read", "取得できた")), "{name}: {printed}");
        let mut known = empty.clone();
        known.meta.left_out = 3;
        for format in [Format::Table, Format::Markdown, Format::Html] {
            let shown = plain(&known, format);
            assert!(shown.contains(lang.pick("Nothing new.", "新しく伝えることはない。")), "{name}: {shown}");
            let printed = shown.split_once("<article").map_or(shown.as_str(), |(_, printed)| printed);
            let printed = printed.split_once("</article>").map_or(printed, |(printed, _)| printed);
            assert!(
                !printed.contains(lang.pick("No resource was judged", "判定したリソースはない")),
                "{name}: {printed}"
            );
        }
        let mut passed = empty.clone();
        passed.verdicts = sample::report(lang).verdicts.into_iter().filter(|v| v.status == Status::Pass).collect();
        insta::assert_snapshot!(format!("table_{name}_passed"), plain(&passed, Format::Table));
    }
}

#[test]
fn markdown_and_junit() {
    for (name, lang) in LANGS {
        let report = sample::report(lang);
        insta::assert_snapshot!(format!("markdown_{name}"), plain(&report, Format::Markdown));
        insta::assert_snapshot!(format!("junit_{name}"), plain(&report, Format::Junit));
    }
}

#[test]
fn one_finding_of_each_machine_format() {
    let mut report = sample::report(Lang::En);
    report.verdicts.truncate(4);
    for format in [Format::Jsonl, Format::Json, Format::Ocsf, Format::Asff, Format::Csv, Format::Sarif] {
        insta::assert_snapshot!(format.name(), plain(&report, format));
    }
}

#[test]
fn no_line_is_wider_than_the_terminal_and_none_steers_it() {
    for (name, lang) in LANGS {
        for width in 40..=110 {
            let shown = written(&sample::report(lang), Format::Table, &Style { colour: false, width });
            assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{name} {width}");
            for line in shown.lines() {
                assert!(line.width() <= width, "{name} {width}: {line}");
            }
        }
    }
}

#[test]
fn jsonl_is_the_serialization_of_each_verdict() {
    let report = sample::report(Lang::Ja);
    let back: Vec<Verdict> = plain(&report, Format::Jsonl).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(back, report.verdicts);
}

#[test]
fn ids_are_distinct_and_the_same_in_every_language() {
    let ids = |lang, format, at: &str| -> Vec<String> {
        let findings = parsed(&sample::report(lang), format);
        findings.as_array().unwrap().iter().map(|f| f.pointer(at).unwrap().as_str().unwrap().to_owned()).collect()
    };
    for (format, at) in [(Format::Ocsf, "/finding_info/uid"), (Format::Asff, "/Id")] {
        let (en, ja) = (ids(Lang::En, format, at), ids(Lang::Ja, format, at));
        assert_eq!(en, ja);
        assert_eq!(en.iter().collect::<BTreeSet<_>>().len(), en.len());
    }
}

/// The required attributes of <https://schema.ocsf.io/1.5.0/classes/compliance_finding> and of the objects in it.
#[test]
fn ocsf_findings_have_what_their_class_requires() {
    let required = [
        "/activity_id",
        "/category_uid",
        "/class_uid",
        "/cloud/provider",
        "/compliance/standards/0",
        "/finding_info/title",
        "/finding_info/uid",
        "/finding_info/analytic/type_id",
        "/metadata/product/vendor_name",
        "/metadata/version",
        "/remediation/desc",
        "/severity_id",
        "/time",
        "/type_uid",
    ];
    for finding in parsed(&sample::report(Lang::En), Format::Ocsf).as_array().unwrap() {
        for at in required {
            assert!(finding.pointer(at).is_some_and(|v| !v.is_null()), "{at} of {finding}");
        }
        let status = match finding["status_code"].as_str().unwrap() {
            "PASS" => 1,
            "UNKNOWN" => 2,
            "FAIL" => 3,
            _ => 99,
        };
        assert_eq!(finding["compliance"]["status_id"], status);
        assert_ne!(finding["cloud"]["region"], "aws-global");
    }
}

#[test]
fn asff_keeps_to_the_lengths_that_security_hub_takes() {
    let mut report = sample::report(Lang::Ja);
    for verdict in &mut report.verdicts {
        verdict.title = "題".repeat(400).into();
        verdict.why = "理".repeat(2_000).into();
        verdict.fix = "直".repeat(2_000).into();
    }
    for finding in parsed(&report, Format::Asff).as_array().unwrap() {
        for (at, limit) in [("/Title", 256), ("/Description", 1024), ("/Remediation/Recommendation/Text", 512)] {
            assert_eq!(finding.pointer(at).unwrap().as_str().unwrap().chars().count(), limit);
        }
    }
}

#[test]
fn the_page_lets_nothing_out_of_its_data() {
    for (name, lang) in LANGS {
        let page = plain(&sample::report(lang), Format::Html);
        assert_eq!(page.matches("<script").count(), 2, "{name}");
        assert_eq!(page.matches("</script").count(), 2, "{name}");
        assert!(page.contains(&format!("<html lang=\"{name}\">")));
        assert!(!page.contains("{{") && !page.contains("http-equiv=\"refresh\"") && !page.contains(" src="), "{name}");
        let (_, data) = page.split_once("<script id=\"data\" type=\"application/json\">").unwrap();
        let data: Value = serde_json::from_str(data.split_once("</script>").unwrap().0).unwrap();
        assert_eq!(data["id"].as_array().unwrap().len(), sample::report(lang).verdicts.len());
    }
}

#[test]
fn markdown_stays_within_a_comment_and_counts_the_rest() {
    let page = plain(&sample::large(Lang::Ja, 20_000), Format::Markdown);
    assert!(page.chars().count() < 65_536);
    assert!(page.contains("件は省略"));
}

/// A page of 100,000 verdicts repeats no text that it can share.
#[test]
fn the_page_grows_slowly() {
    let page = plain(&sample::large(Lang::Ja, 20_000), Format::Html);
    assert!(page.len() < 100 * 20_000, "{} bytes", page.len());
}

#[test]
fn a_reason_made_of_a_gap_leads_back_to_it() {
    let report = sample::report(Lang::En);
    assert_eq!(
        report.gaps[1].say(Lang::En),
        "guardduty:ListDetectors was throttled until the attempts ran out (eu-central-1): scan again or lower --concurrency"
    );
    let shown = plain(&report, Format::Table);
    assert!(shown.contains("guardduty:ListDetectors  1 check, 1 verdict · eu-central-1"));
}

#[test]
fn what_aws_said_of_a_denial_is_wrapped_and_not_cut() {
    let said = "AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/audit/alice is not authorized to \
                perform: s3:GetEncryptionConfiguration with an explicit deny in a service control policy";
    for (name, lang) in LANGS {
        let mut report = sample::report(lang);
        let mut denied = (*report.gaps[0]).clone();
        denied.reason = GapReason::DeniedByOrganization;
        denied.detail = said.into();
        report.gaps = vec![denied.into()];
        for width in 40..=110 {
            let shown = written(&report, Format::Table, &Style { colour: false, width });
            let letters = |text: &str| text.split_whitespace().collect::<String>();
            assert!(letters(&shown).contains(&letters(said)), "{name} {width}: {shown}");
            assert!(shown.lines().all(|line| line.width() <= width), "{name} {width}: {shown}");
        }
    }
}

#[test]
fn a_write_error_is_returned() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    for format in Format::ALL {
        let error = write(&sample::report(Lang::En), format, &Style::default(), &mut Full).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{format}");
    }
}

#[test]
fn formats_are_known_by_name_and_by_file() {
    for format in Format::ALL {
        assert_eq!(format.name().parse(), Ok(format));
    }
    assert!("pdf".parse::<Format>().unwrap_err().to_string().contains("table json jsonl"));
    assert_eq!(Format::of_file("out/Report.OCSF.json"), Some(Format::Ocsf));
    assert_eq!(Format::of_file("report.xlsx"), None);
}
