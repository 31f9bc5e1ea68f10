//! One finding a line.

use std::io::{self, Write};
use yagura_detect::tell::Told;

/// Writes each finding as one JSON object.
pub(super) fn write(found: &[Told], out: &mut impl Write) -> io::Result<()> {
    for told in found {
        serde_json::to_writer(&mut *out, told)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
