//! Any bytes are a log file: each record that comes out of it fits its table's columns or says which it does not fit, each line is
//! offered to every source, and reading the same bytes in small pieces gives the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::io::Read;
use yagura_logs::decode::{Sink, decode};
use yagura_logs::envelope::{Envelope, Role};
use yagura_logs::place::Place;
use yagura_logs::record::Record;
use yagura_logs::rows::Rows;
use yagura_logs::table::tables;

#[derive(Default, PartialEq, Eq, Debug)]
struct Count {
    records: usize,
    aside: usize,
    /// Lengths of what was read, so that two runs can be told apart.
    told: Vec<usize>,
}

impl Sink for Count {
    fn record(&mut self, text: &str, record: Record<'_>, envelope: Envelope<'_>) {
        self.records += 1;
        let id = (record.table.source.id)(&record).map_or(0, |id| id.len());
        let said: usize = Role::ALL.into_iter().filter_map(|r| envelope.get(r)).map(str::len).sum();
        self.told.push(text.len() + id + said);
        let mut rows = Rows::new(record.table);
        rows.push(0, 0, text.len(), &record, &envelope);
        assert_eq!(rows.finish().expect("rows fit their schema").rows.num_rows(), 1);
    }

    fn aside(&mut self, why: String, _: &[u8]) {
        assert!(!why.is_empty());
        self.aside += 1;
    }
}

struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let n = self.0.len().min(into.len()).min(7);
        let (now, later) = self.0.split_at(n);
        into[..n].copy_from_slice(now);
        self.0 = later;
        Ok(n)
    }
}

fuzz_target!(|bytes: &[u8]| {
    // Parquet's reader may panic, which is caught and told; here it would end the run.
    if bytes.starts_with(b"PAR1") {
        return;
    }
    let mut whole = Count::default();
    let format = decode(bytes, &Place::default(), &mut whole);
    assert_eq!(format.is_some(), whole.records > 0);
    if bytes.len() < 2048 {
        let mut dripped = Count::default();
        decode(Drip(bytes), &Place::default(), &mut dripped);
        assert_eq!(whole.told, dripped.told);
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for line in text.lines().take(64) {
        for table in tables() {
            if let Some(mut lines) = table.source.shape.open(line) {
                lines.read(line, &mut Record::new(table));
            }
        }
    }
});
