//! Rows of a CSV file with a header as JSON objects: how CloudTrail Lake saves the answers of queries.
//!
//! <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/view-download-cloudtrail-lake-query-results.html>

use crate::json::{Kind, value, write_string};

/// A CSV file's header.
#[derive(Debug)]
pub struct Rows {
    names: Vec<String>,
}

impl Rows {
    /// Reads a header.
    pub fn of(header: &str) -> Option<Self> {
        let names = cells(header)?;
        (!names.iter().any(String::is_empty)).then_some(Self { names })
    }

    /// Whether there is a column of this name, whatever its letters' case.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|n| n.eq_ignore_ascii_case(name))
    }

    /// A row as a JSON object. Names that differ from one of `spelt` only by their letters' case are written like it. A cell that is
    /// JSON stays JSON; an empty one is left out. A row with nothing but the column `whole` is that cell's text itself.
    ///
    /// # Errors
    /// Where it does not have as many cells as the header.
    pub fn json(&self, row: &str, whole: &str, spelt: &[&str]) -> Result<String, &'static str> {
        let cells = cells(row).ok_or("it is no row of CSV")?;
        if cells.len() != self.names.len() {
            return Err("it does not have as many cells as the header");
        }
        let mut out = String::with_capacity(row.len() + 64);
        out.push('{');
        for (name, cell) in self.names.iter().zip(&cells) {
            if name.eq_ignore_ascii_case(whole) {
                return Ok(cell.clone());
            }
            if cell.is_empty() {
                continue;
            }
            if out.len() > 1 {
                out.push(',');
            }
            let name = spelt.iter().find(|s| s.eq_ignore_ascii_case(name)).map_or(name.as_str(), |s| s);
            write_string(name, &mut out);
            out.push(':');
            match value(cell) {
                Ok(v) if matches!(v.kind, Kind::Object | Kind::Array) => out.push_str(cell),
                _ => write_string(cell, &mut out),
            }
        }
        out.push('}');
        Ok(out)
    }
}

fn cells(line: &str) -> Option<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(line.as_bytes());
    let record = reader.records().next()?.ok()?;
    Some(record.iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]
    use super::*;

    #[test]
    fn rows_become_objects() {
        let rows = Rows::of("EVENTNAME,a,\"b c\"").unwrap();
        assert!(rows.has("eventname"));
        let json = |row| rows.json(row, "whole", &["eventName"]);
        assert_eq!(json("x,\"{\"\"k\"\":1}\",").unwrap(), r#"{"eventName":"x","a":{"k":1}}"#);
        assert_eq!(json("1,\"q\"\"\",{k=1}").unwrap(), r#"{"eventName":"1","a":"q\"","b c":"{k=1}"}"#);
        assert!(json("x,y").is_err());
        let whole = Rows::of("Whole").unwrap();
        assert_eq!(whole.json("\"{\"\"a\"\":1}\"", "whole", &[]).unwrap(), r#"{"a":1}"#);
        assert!(Rows::of("a,,b").is_none());
    }
}
