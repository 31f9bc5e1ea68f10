//! JSON: one document, and one verdict a line.

use crate::{Report, Summary};
use serde::Serialize;
use std::io::{self, Write};

/// `{"meta":…,"summary":…,"compliance":[…]?,"verdicts":[…],"gaps":[…]}`, a verdict or gap a line, each written as it is serialized.
pub(crate) fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{{\"meta\":")?;
    serde_json::to_writer(&mut *out, &report.meta)?;
    write!(out, ",\n\"summary\":")?;
    serde_json::to_writer(&mut *out, &Summary::of(&report.verdicts))?;
    if !report.compliance.is_empty() {
        write!(out, ",\n\"compliance\":")?;
        array(&report.compliance, out)?;
    }
    write!(out, ",\n\"verdicts\":")?;
    array(&report.verdicts, out)?;
    write!(out, ",\n\"gaps\":")?;
    array(&report.gaps, out)?;
    writeln!(out, "}}")
}

/// Exactly the serialization of [`yagura_model::Verdict`], one a line.
pub(crate) fn write_lines(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for verdict in &report.verdicts {
        serde_json::to_writer(&mut *out, verdict)?;
        writeln!(out)?;
    }
    Ok(())
}

/// A JSON array, an item a line, each item serialized as it comes.
pub(crate) fn array<T: Serialize>(items: impl IntoIterator<Item = T>, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "[")?;
    let mut between = "\n";
    for item in items {
        write!(out, "{between}")?;
        serde_json::to_writer(&mut *out, &item)?;
        between = ",\n";
    }
    write!(out, "\n]")
}

/// How a status, severity or reason is spelt in JSON, without the quotes.
pub(crate) fn word(value: &impl Serialize) -> io::Result<String> {
    Ok(serde_json::to_value(value)?.as_str().unwrap_or_default().to_owned())
}
