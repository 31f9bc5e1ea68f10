//! The lake's tables and files, as its manifest names them.

use super::QueryArgs;
use crate::commands::logs::lake::LakeArgs;
use crate::commands::logs::sources;
use crate::failure::Failure;
use object_store::ObjectStore;
use std::sync::Arc;
use tokio::runtime::Runtime;
use yagura_logs::envelope;
use yagura_logs::input::Wanted;
use yagura_logs::lake::{Filter, Lake};
use yagura_logs::table::{PARTITIONS, TIME, Table, tables};
use yagura_model::Lang;
use yagura_query::{LogFile, LogFilter, LogTable, Mirror, Role, TimeColumn, TimeForm};

/// The folder that is the lake where none is named.
const USUAL: &str = "yagura-lake";

/// What a session is opened over.
pub struct Opened {
    /// Where the files lie.
    pub store: Arc<dyn ObjectStore>,
    /// The tables.
    pub tables: Vec<LogTable>,
    /// A lake made for this one question, taken away at its end.
    #[allow(dead_code, reason = "held so that the folder outlives the answer")]
    pub scratch: Option<tempfile::TempDir>,
}

/// The lake, or the raw logs or the sample estate's as one. Without any the tables are there and empty.
pub fn open(args: &QueryArgs, runtime: &Runtime, lang: Lang) -> Result<Opened, Failure> {
    let all = |lake: Option<&Lake>| tables().iter().map(|t| table(t, lake)).collect();
    let usual = || (!args.demo && std::path::Path::new(USUAL).is_dir()).then(|| USUAL.to_owned());
    if !args.logs.is_empty() || (args.demo && args.lake.is_none()) {
        let inputs = sources::find(&args.logs, args.demo, &Wanted::default(), &args.store, runtime, lang)?;
        let (folder, lake) = sources::lake_of(&inputs, runtime, lang)?;
        return Ok(Opened { store: Arc::clone(lake.store()), tables: all(Some(&lake)), scratch: Some(folder) });
    }
    let Some(place) = args.lake.clone().or_else(usual) else {
        return Ok(Opened { store: Arc::new(object_store::memory::InMemory::new()), tables: all(None), scratch: None });
    };
    let lake = runtime.block_on(LakeArgs { lake: place.clone() }.open(&args.store, lang))?;
    if lake.version() == 0 {
        return Err(Failure::blind(format!("there is no lake at `{place}`"), format!("`{place}` にレイクがない"))
            .hint(
                "make one with `yagura logs ingest`, or name it with --lake",
                "`yagura logs ingest` で作るか、--lake で指定する",
            ));
    }
    Ok(Opened { store: Arc::clone(lake.store()), tables: all(Some(&lake)), scratch: None })
}

fn filter(of: &Filter) -> LogFilter {
    let at = of.at.iter().map(|(offset, length)| *offset..offset.saturating_add(u64::from(*length))).collect();
    LogFilter { column: of.column.clone(), at }
}

/// A table with its files, in the terms of `crates/query`.
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
        times,
        mirrors: mirrors.collect(),
        roles,
    }
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
