//! Amazon Redshift's audit logs: fields between `|`, padded with spaces, and times such as `Mon, 12 Aug 2024 07:01:02:345`.
//!
//! <https://docs.aws.amazon.com/redshift/latest/mgmt/db-auditing.html>

use crate::json::Raw;
use crate::record::Record;

/// Puts the fields into the columns in their order. What follows the last column is kept beside them.
///
/// # Errors
/// Where there are fewer than `least` fields.
pub fn fill<'a>(line: &'a str, record: &mut Record<'a>, least: usize) -> Result<(), &'static str> {
    let columns = record.table.names.len();
    let mut fields = line.splitn(columns + 1, '|');
    for n in 0..columns {
        let Some(field) = fields.next() else {
            return if n < least { Err("it ends too early") } else { Ok(()) };
        };
        let field = field.trim();
        if !field.is_empty() {
            record.put(n, Raw::text(field));
        }
    }
    if let Some(more) = fields.next().map(str::trim).filter(|m| !m.is_empty()) {
        record.rest.push((Raw::text("more"), Raw::text(more)));
    }
    Ok(())
}

/// Milliseconds since 1970-01-01 UTC of a time as Redshift writes it, its milliseconds behind a colon.
pub fn millis(text: &str) -> Option<i64> {
    let text = text.trim();
    let (clock, fraction) = text.rsplit_once(':')?;
    if clock.matches(':').count() == 2 && fraction.len() == 3 && crate::lines::is_digits(fraction) {
        return Some(crate::time::millis(clock)? + fraction.parse::<i64>().ok()?);
    }
    crate::time::millis(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_and_without_milliseconds() {
        assert_eq!(millis("Tue, 02 Jan 2024 03:04:05:678"), Some(1_704_164_645_678));
        assert_eq!(millis("Tue, 02 Jan 2024 03:04:05"), Some(1_704_164_645_000));
        assert_eq!(millis("2024-01-02 03:04:05.678"), Some(1_704_164_645_678));
        assert_eq!(millis("later"), None);
    }
}
