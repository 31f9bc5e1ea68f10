//! CloudTrail's records, in every form that `yagura logs` reads, as JSON.

use crate::commands::logs::lake::runtime;
use crate::commands::logs::sources;
use crate::failure::Failure;
use serde_json::Value;
use std::path::PathBuf;
use yagura_logs::decode::{Sink, decode};
use yagura_logs::envelope::Envelope;
use yagura_logs::input::{Wanted, local};
use yagura_logs::record::Record;

/// What could not be read: the file, and why.
pub type Unread = (String, String);

/// Gives every record of the files and of all files below the folders to `take`. Records of other logs are passed over.
///
/// # Errors
/// Where a path does not exist. What cannot be read of a file is collected in the answer and stops nothing else.
pub fn read(paths: &[PathBuf], take: &mut dyn FnMut(&Value)) -> Result<Vec<Unread>, Failure> {
    let runtime = runtime()?;
    let names: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
    let mut records = Records { take, file: String::new(), unread: Vec::new() };
    for input in local(&names, &Wanted::default()).map_err(|e| sources::failure(&e))? {
        records.file.clone_from(&input.name);
        match input.open(runtime.handle()) {
            Ok(stream) => {
                decode(stream, &input.place, &mut records);
            }
            Err(e) => records.unread.push((input.name.clone(), e.to_string())),
        }
    }
    Ok(records.unread)
}

struct Records<'t> {
    take: &'t mut dyn FnMut(&Value),
    file: String,
    unread: Vec<Unread>,
}

impl Sink for Records<'_> {
    fn record(&mut self, text: &str, record: Record<'_>, _: Envelope<'_>) {
        if record.table.name() != "cloudtrail_logs" {
            return;
        }
        match serde_json::from_str(text) {
            Ok(value) => (self.take)(&value),
            Err(e) => self.unread.push((self.file.clone(), e.to_string())),
        }
    }

    fn aside(&mut self, why: String, _: &[u8]) {
        self.unread.push((self.file.clone(), why));
    }
}
