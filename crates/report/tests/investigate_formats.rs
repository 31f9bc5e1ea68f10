//! An investigation in every format and both languages, and texts from logs that break out of none.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test may stop at once")]

#[path = "found/dossier.rs"]
mod dossier;
mod found;

use serde_json::Value;
use yagura_model::Lang;
use yagura_report::{DossierFormat, Style, write_dossier};

fn written(format: DossierFormat, lang: Lang) -> String {
    let mut bytes = Vec::new();
    write_dossier(&dossier::dossier(), format, &Style::default(), lang, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn formats_are_found_by_their_names() {
    for format in DossierFormat::ALL {
        assert_eq!(DossierFormat::named(format.name()), Some(format));
    }
    assert_eq!(DossierFormat::named("pdf"), None);
}

#[test]
fn text() {
    for (name, lang) in [("en", Lang::En), ("ja", Lang::Ja)] {
        let text = written(DossierFormat::Text, lang);
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']), "{text}");
        insta::assert_snapshot!(format!("investigation_{name}"), text);
    }
}

#[test]
fn json_is_for_machines() {
    let d: Value = serde_json::from_str(&written(DossierFormat::Json, Lang::Ja)).unwrap();
    assert_eq!(d["subject"], serde_json::json!({"kind": "user", "text": "arn:aws:iam::111122223333:user/mallory"}));
    assert_eq!(d["facets"]["api"][0]["value"], "iam:CreateAccessKey");
    assert_eq!(d["facets"]["api"][0]["first"], "2026-01-05T02:00:00Z");
    assert_eq!(d["unusual"]["new"][0][0], "network");
    assert_eq!(d["timeline"][0]["kind"], "done_to");
    assert_eq!(d["limits"]["values"]["name"], 12);
}

#[test]
fn the_picture_and_the_page_hold_no_foreign_markup() {
    for (lang, word) in [(Lang::En, "What it touched"), (Lang::Ja, "操作の対象")] {
        let page = written(DossierFormat::Html, lang);
        assert_eq!((page.matches("<script").count(), page.matches("</script").count()), (1, 1));
        assert!(page.contains(word) && page.contains("class=\"tl\""));
        assert!(
            !page.contains("<img")
                && !page.contains('\u{1b}')
                && !page.contains('\u{202e}')
                && !page.contains(" style=\"")
        );
        let svg = written(DossierFormat::Svg, lang);
        assert!(svg.starts_with("<svg xmlns=") && svg.trim_end().ends_with("</svg>"));
        assert!(!svg.contains("<script") && !svg.contains("<img") && !svg.contains('\u{1b}'));
        // What stands between tags is text: each `<` begins an element of the picture's own.
        let known = ["svg", "title", "style", "rect", "text", "line", "path", "circle", "g "];
        for tag in svg.split('<').skip(1) {
            let tag = tag.trim_start_matches('/');
            assert!(known.iter().any(|k| tag.starts_with(k)) || tag.starts_with("g>"), "{tag}");
        }
    }
}
