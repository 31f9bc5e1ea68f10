//! Collects what decoding gives.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use std::collections::BTreeMap;
use yagura_logs::columns::Column;
use yagura_logs::decode::{Sink, decode};
use yagura_logs::envelope::{Envelope, Role};
use yagura_logs::place::Place;
use yagura_logs::record::Record;
use yagura_logs::rows::Rows;
use yagura_logs::table::UNMAPPED;

/// A record as text: table, columns, what is beside them, envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub table: &'static str,
    pub columns: BTreeMap<String, String>,
    pub beside: BTreeMap<String, String>,
    pub time: Option<i64>,
    pub account: String,
    pub region: String,
    pub envelope: BTreeMap<&'static str, String>,
    /// Columns whose type does not take the value whole.
    pub misfits: Vec<String>,
    pub id: Option<String>,
}

#[derive(Debug, Default)]
pub struct Collected {
    pub rows: Vec<Row>,
    pub aside: Vec<(String, String)>,
}

impl Sink for Collected {
    fn record(&mut self, text: &str, record: Record<'_>, envelope: Envelope<'_>) {
        assert!(!text.is_empty());
        let table = record.table;
        let mut columns = BTreeMap::new();
        let mut misfits = Vec::new();
        for (n, slot) in record.slots().iter().enumerate() {
            if let Some(text) = slot.and_then(|raw| raw.as_text()) {
                if !Column::new(&table.types[n]).push(slot.unwrap()) {
                    misfits.push(table.names[n].clone());
                }
                columns.insert(table.names[n].clone(), text.into_owned());
            }
        }
        let beside = record
            .rest
            .iter()
            .map(|(k, v)| (k.text.to_owned(), v.as_text().unwrap_or_default().into_owned()))
            .collect();
        let mut shown = BTreeMap::new();
        for role in Role::ALL {
            if let Some(value) = envelope.get(role) {
                shown.insert(role.name(), value.to_owned());
            }
            // A field that a column carries must be that column's text.
            if let Some((_, column)) = table.source.roles.iter().find(|(r, _)| *r == role) {
                let there = columns.get(*column).map(String::as_str).filter(|t| !t.is_empty());
                let said = envelope.get(role);
                assert!(said.is_none() || said == there, "{}: {role:?} is not `{column}`", table.name());
                there.map(|t| shown.insert(role.name(), t.to_owned()));
            }
        }
        for (path, role) in table.source.mirrors {
            let mut parts = path.split('.');
            let mut here = record.get(parts.next().unwrap());
            for part in parts {
                here = here.and_then(|raw| {
                    let mut hit = None;
                    yagura_logs::json::each_member(raw.text, &mut |k, v| {
                        if k.text.eq_ignore_ascii_case(part) {
                            hit = Some(v);
                        }
                    })
                    .ok()?;
                    hit
                });
            }
            let there = here.and_then(|r| r.scalar()).filter(|t| !t.is_empty() && t != "-");
            assert_eq!(envelope.get(*role), there.as_deref(), "{}: {role:?} is not `{path}`", table.name());
        }
        let mut rows = Rows::new(table);
        rows.push(0, 0, text.len(), &record, &envelope);
        let batch = rows.finish().unwrap().rows;
        let unmapped = batch.column_by_name(UNMAPPED).unwrap().as_string::<i32>();
        if !unmapped.is_null(0) {
            let kept: serde_json::Value = serde_json::from_str(unmapped.value(0)).unwrap();
            assert_eq!(kept.as_object().unwrap().len(), record.rest.len() + misfits.len());
        }
        self.rows.push(Row {
            table: table.name(),
            columns,
            beside,
            time: envelope.time,
            account: envelope.account.unwrap_or_default().into_owned(),
            region: envelope.region.unwrap_or_default().into_owned(),
            envelope: shown,
            misfits,
            id: (table.source.id)(&record).map(|id| id.into_owned()),
        });
    }

    fn aside(&mut self, why: String, head: &[u8]) {
        self.aside.push((why, String::from_utf8_lossy(head).into_owned()));
    }
}

/// Decodes a text as a file of no telling name.
pub fn read(text: &str) -> Collected {
    let mut all = Collected::default();
    decode(text.as_bytes(), &Place::default(), &mut all);
    all
}
