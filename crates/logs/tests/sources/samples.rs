//! Every file in `samples/` is records of one source, clean and broken. What decoding makes of them is in `snapshots/`.

use crate::collect::{Collected, read};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use yagura_logs::record::Object;
use yagura_logs::source::ALL;
use yagura_logs::table::Source;

pub fn samples() -> Vec<(String, &'static Source, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/sources/samples");
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            // The longest of the sources' names that the file's begins with.
            let mut fits: Vec<&&Source> = ALL.iter().filter(|s| name.starts_with(s.name)).collect();
            fits.sort_by_key(|s| s.name.len());
            let source = fits.pop().unwrap_or_else(|| panic!("{name} is of no source"));
            (name, *source, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn show(found: &Collected) -> String {
    let mut out = String::new();
    let pairs = |out: &mut String, what: &str, map: &BTreeMap<String, String>| {
        for (name, value) in map {
            writeln!(out, "  {what}{name} = {value}").unwrap();
        }
    };
    for row in &found.rows {
        let time = row.time.map_or("-".to_owned(), |t| jiff::Timestamp::from_millisecond(t).unwrap().to_string());
        writeln!(out, "{} {time} account={} region={}", row.table, row.account, row.region).unwrap();
        for (name, value) in &row.envelope {
            writeln!(out, "  {name}: {value}").unwrap();
        }
        pairs(&mut out, "", &row.columns);
        pairs(&mut out, "beside: ", &row.beside);
        for name in &row.misfits {
            writeln!(out, "  does not fit: {name}").unwrap();
        }
        if let Some(id) = &row.id {
            writeln!(out, "  identity: {id}").unwrap();
        }
    }
    for (why, head) in &found.aside {
        writeln!(out, "aside: {why}\n  {}", head.trim_end()).unwrap();
    }
    out
}

#[test]
fn samples_are_decoded_as_they_were() {
    for (name, source, text) in samples() {
        let found = read(&text);
        for row in &found.rows {
            assert_eq!(row.table, source.table, "{name}");
        }
        insta::assert_snapshot!(name.clone(), show(&found));
        // Windows' ends of lines say the same.
        let windows = read(&text.replace('\n', "\r\n"));
        let rows = |rows| show(&Collected { rows, aside: Vec::new() }).replace('\r', "");
        assert_eq!(rows(windows.rows), rows(found.rows), "{name} with CRLF");
    }
}

#[test]
fn every_source_has_a_sample() {
    let samples = samples();
    for source in ALL {
        assert!(samples.iter().any(|(_, s, _)| s.name == source.name), "no sample of {}", source.name);
    }
}

/// The sources that take a line or an object for their own.
fn takers(text: &str) -> Vec<&'static str> {
    let takes = |s: &&&Source| match Object::read(text) {
        Ok(object) => s.shape.takes(&object),
        Err(_) => {
            let table = yagura_logs::table::table(s.table).unwrap();
            s.shape.open(text).is_some_and(|mut lines| {
                let mut record = yagura_logs::record::Record::new(table);
                !matches!(lines.read(text, &mut record), yagura_logs::table::Line::Not(_))
            })
        }
    };
    ALL.iter().filter(takes).map(|s| s.name).collect()
}

#[test]
fn no_source_takes_what_is_anothers() {
    let mut taken = 0;
    for (name, source, text) in samples() {
        let records: Vec<String> = match serde_json::from_str::<serde_json::Value>(&text) {
            Ok(whole) => ["Records", "Findings", "configurationItems"]
                .iter()
                .find_map(|list| whole[*list].as_array())
                .map_or_else(|| vec![whole.to_string()], |all| all.iter().map(ToString::to_string).collect()),
            Err(_) => text.lines().map(str::to_owned).collect(),
        };
        for record in records {
            let takers = takers(&record);
            let others: Vec<_> = takers.iter().filter(|t| **t != source.name).collect();
            assert!(others.is_empty(), "{name}: {others:?} take `{record}`");
            taken += takers.len();
        }
    }
    assert!(taken > 60, "only {taken} records were known");
}
