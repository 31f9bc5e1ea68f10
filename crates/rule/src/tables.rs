//! Dated facts that expressions look up.

use crate::yaml::{ContentError, Reader, read};
use jiff::Timestamp;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use yagura_model::ContentFile;

/// Where the Lambda runtimes stand below the content folder.
pub const LAMBDA_RUNTIMES: &str = "lambda_runtimes.yaml";

/// Dated facts from content files.
#[derive(Debug, Clone, Default)]
pub struct Tables {
    runtimes_as_of: SmolStr,
    /// By runtime identifier: the first instant without support; `None` where no end is announced.
    runtimes: BTreeMap<SmolStr, Option<Timestamp>>,
}

impl Tables {
    /// Reads `lambda_runtimes.yaml`.
    ///
    /// # Errors
    /// Everything that is wrong with the file.
    pub fn read(file: &ContentFile) -> Result<Self, Vec<ContentError>> {
        let yaml = read(file).map_err(|e| vec![e])?;
        let mut r = Reader::new(file);
        r.only(&yaml, &["kind", "as_of", "source", "runtimes"]);
        let runtimes_as_of = r.want_text(&yaml, "as_of");
        let mut runtimes = BTreeMap::new();
        for (name, row) in yaml.get("runtimes").and_then(|n| n.entries()).unwrap_or_default() {
            r.only(row, &["deprecated", "block_create", "block_update"]);
            let end = r.text(row, "deprecated").map(|d| (day(&d), d));
            if let Some((None, d)) = &end {
                r.complain(row, format!("`{d}` is not a date"));
            }
            runtimes.insert(name.name.clone(), end.and_then(|(t, _)| t));
        }
        if runtimes.is_empty() {
            r.complain(&yaml, "`runtimes` is missing or empty");
        }
        r.finish(Self { runtimes_as_of, runtimes })
    }

    /// Whether a Lambda runtime is supported at a time; `None` where the table does not know it.
    pub fn runtime_supported(&self, name: &str, at: Timestamp) -> Option<bool> {
        self.runtimes.get(name).map(|end| end.is_none_or(|end| at < end))
    }

    /// The date of the table of runtimes.
    pub fn runtimes_as_of(&self) -> &str {
        &self.runtimes_as_of
    }
}

fn day(text: &str) -> Option<Timestamp> {
    let date = text.parse::<jiff::civil::Date>().ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}
