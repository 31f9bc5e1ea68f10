//! Tables and files of `crates/logs` in the terms of `crates/query`, neither of which knows the other.

use yagura_logs::envelope;
use yagura_logs::lake::{Filter, Lake};
use yagura_logs::table::{PARTITIONS, TIME, Table};
use yagura_query::{LogFile, LogFilter, LogTable, Mirror, Role, TimeColumn, TimeForm};

/// A table with its files.
pub fn table(table: &Table, lake: Option<&Lake>) -> LogTable {
    let files = lake.into_iter().flat_map(|lake| {
        lake.files(table.name()).map(|f| LogFile {
            path: lake.at(&f.path),
            account: f.account.clone(),
            region: f.region.clone(),
            day: f.day.clone(),
            rows: f.rows,
            bytes: f.bytes,
            min_time: f.min_time,
            max_time: f.max_time,
            filters: f.filters.iter().map(filter).collect(),
        })
    });
    let schema = table.schema();
    let mut times = vec![TimeColumn { column: TIME.to_owned(), form: TimeForm::Timestamp }];
    if schema.field_with_name("eventtime").is_ok() {
        times.push(TimeColumn { column: "eventtime".into(), form: TimeForm::Iso8601 });
    }
    let mirrors = table
        .source
        .mirrors
        .iter()
        .map(|(field, role)| Mirror { field: (*field).to_owned(), column: table.column_of(*role).to_owned() });
    let mut roles = vec![(Role::Time, TIME.to_owned())];
    roles.extend(envelope::Role::ALL.into_iter().map(|r| (role(r), table.column_of(r).to_owned())));
    debug_assert_eq!(PARTITIONS, ["account", "region", "day"]);
    LogTable {
        name: table.name().to_owned(),
        aliases: table.source.aliases.iter().map(|a| (*a).to_owned()).collect(),
        schema,
        files: files.collect(),
        absent: lake.is_none(),
        times,
        mirrors: mirrors.collect(),
        roles,
    }
}

fn filter(of: &Filter) -> LogFilter {
    let at = of.at.iter().map(|(offset, length)| *offset..offset.saturating_add(u64::from(*length))).collect();
    LogFilter { column: of.column.clone(), at }
}

fn role(of: envelope::Role) -> Role {
    match of {
        envelope::Role::Actor => Role::Actor,
        envelope::Role::Session => Role::Session,
        envelope::Role::Issuer => Role::Issuer,
        envelope::Role::AccessKey => Role::AccessKey,
        envelope::Role::SourceIp => Role::SourceIp,
        envelope::Role::UserAgent => Role::UserAgent,
        envelope::Role::Event => Role::Event,
        envelope::Role::Target => Role::Target,
        envelope::Role::Outcome => Role::Outcome,
        envelope::Role::Error => Role::Error,
    }
}
