//! The lake's tables and files, as its manifest names them.

use super::QueryArgs;
use super::table::table;
use crate::commands::logs::lake::LakeArgs;
use crate::commands::logs::sources;
use crate::failure::Failure;
use object_store::ObjectStore;
use std::sync::Arc;
use tokio::runtime::Runtime;
use yagura_logs::input::Wanted;
use yagura_logs::lake::Lake;
use yagura_logs::table::tables;
use yagura_model::Lang;
use yagura_query::LogTable;

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

/// The lake, or the raw logs or the sample estate's as one. Without any, the tables can be described and not asked.
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
