//! CSV that opens in Excel: RFC 4180, UTF-8 with a byte order mark, CRLF, formulas neutralised.
//!
//! Column names and the words in `status` and `severity` are those of the `jsonl` format in both languages, so that
//! scripts read either; the texts are in the report's language.

use crate::Report;
use crate::json;
use std::borrow::Cow;
use std::io::{self, Write};
use yagura_model::Verdict;

const COLUMNS: [&str; 15] = [
    "severity",
    "status",
    "rule",
    "title",
    "resource_id",
    "resource_arn",
    "kind",
    "account",
    "region",
    "why",
    "fix",
    "reason",
    "missing",
    "maps",
    "evidence",
];

pub(crate) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    out.write_all("\u{feff}".as_bytes())?;
    let mut rows = ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).from_writer(out);
    rows.write_record(COLUMNS)?;
    for verdict in &report.verdicts {
        let cells = cells(verdict)?;
        rows.write_record(cells.iter().map(|cell| neutral(cell).into_owned()))?;
    }
    rows.flush()
}

fn cells(verdict: &Verdict) -> io::Result<[Cow<'_, str>; 15]> {
    let resource = &verdict.resource;
    Ok([
        json::word(&verdict.severity)?.into(),
        json::word(&verdict.status)?.into(),
        verdict.rule.as_str().into(),
        (&*verdict.title).into(),
        resource.id.as_str().into(),
        resource.arn.as_deref().unwrap_or_default().into(),
        resource.kind.as_str().into(),
        resource.account.as_str().into(),
        resource.region.as_str().into(),
        (&*verdict.why).into(),
        (&*verdict.fix).into(),
        verdict.reason.as_deref().unwrap_or_default().into(),
        verdict.missing.join(" ").into(),
        verdict.maps.join(" ").into(),
        if verdict.evidence.is_empty() { "".into() } else { serde_json::to_string(&verdict.evidence)?.into() },
    ])
}

/// A cell that a spreadsheet would take for a formula gets a leading apostrophe (OWASP, "CSV Injection"; the
/// full-width signs are formulas to a Japanese Excel).
pub fn neutral(cell: &str) -> Cow<'_, str> {
    match cell.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠') => format!("'{cell}").into(),
        _ => cell.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_cell_is_a_formula_and_every_cell_survives(id in "\\PC*", tail in "[=+@\t\r\n,\"'-]{0,4}", title in any::<String>()) {
            let verdict = r#"{"rule":"s3.x","status":"fail","severity":"high","title":"t","why":"w","fix":"f","maps":[],"evidence":{},
                "missing":[],"resource":{"arn":null,"id":"i","kind":"s3.bucket","account":"111122223333","region":"us-east-1"}}"#;
            let mut report = Report { meta: crate::Meta::default(), verdicts: vec![serde_json::from_str(verdict).unwrap()], gaps: vec![], compliance: vec![] };
            report.verdicts[0].resource.id = format!("{tail}{id}").into();
            report.verdicts[0].title = title.as_str().into();
            let mut bytes = Vec::new();
            write(&report, &mut bytes).unwrap();
            let body = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap();
            let mut rows = ::csv::ReaderBuilder::new().from_reader(body);
            let row = rows.records().next().unwrap().unwrap();
            for (cell, want) in row.iter().zip(cells(&report.verdicts[0]).unwrap()) {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']));
                let want = neutral(&want);
                prop_assert_eq!(cell, want.as_ref());
            }
        }
    }
}
