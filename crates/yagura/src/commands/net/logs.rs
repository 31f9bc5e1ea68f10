//! VPC flow logs as evidence, in every form that `yagura logs` reads.

use crate::commands::logs::lake::runtime;
use crate::commands::logs::sources;
use crate::failure::Failure;
use std::path::Path;
use yagura_logs::decode::{Sink, decode};
use yagura_logs::envelope::Envelope;
use yagura_logs::input::{Wanted, local};
use yagura_logs::record::Record;
use yagura_network::question::flow_log::Collector;

/// Gives every record of a file, or of the files below a folder, to the collector.
///
/// # Errors
/// Names the file that cannot be read.
pub fn collect(path: &Path, collector: &mut Collector) -> Result<(), Failure> {
    let runtime = runtime()?;
    let inputs = local(&[path.display().to_string()], &Wanted::default()).map_err(|e| sources::failure(&e))?;
    for input in inputs {
        let stream = input.open(runtime.handle()).map_err(|e| {
            let name = &input.name;
            Failure::blind(format!("cannot read `{name}`: {e}"), format!("`{name}` を読み込めない: {e}"))
        })?;
        decode(stream, &input.place, &mut Flows(collector));
    }
    Ok(())
}

struct Flows<'c>(&'c mut Collector);

impl Sink for Flows<'_> {
    fn record(&mut self, _: &str, record: Record<'_>, _: Envelope<'_>) {
        if record.table.name() == "vpc_flow_logs" {
            self.0.add(|field| record.get(field).map(|raw| raw.text));
        }
    }

    fn aside(&mut self, _: String, _: &[u8]) {
        self.0.unreadable();
    }
}
