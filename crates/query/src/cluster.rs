//! What a cluster of the same engine needs to run this crate's plans: its schedulers plan the tables by name, its executors
//! know the functions and where the files lie. Used where one machine is outgrown (`docs/scale.md`); this crate knows no cluster.

use crate::functions;
use crate::provider::LogProvider;
use crate::table::LogTable;
use datafusion::catalog::TableProvider;
use datafusion::common::Result;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::ScalarUDF;
use object_store::ObjectStore;
use std::sync::Arc;

pub use datafusion;

/// Where plans say that files lie; which store that is, each member of a cluster says for itself.
const STORE: &str = "lake://lake";

/// The functions that the engine lacks or understands otherwise. They take the place of the engine's of the same name.
pub fn functions() -> Vec<Arc<ScalarUDF>> {
    functions::all()
}

/// The tables by all their names, as plans scan them.
///
/// # Errors
/// Where a table's schema cannot be planned with, which none of Yagura's can bring about.
pub fn providers(tables: &[LogTable]) -> Result<Vec<(String, Arc<dyn TableProvider>)>> {
    let mut all = Vec::new();
    for table in tables {
        let provider: Arc<dyn TableProvider> = Arc::new(LogProvider::new(Arc::new(table.clone()), url()?, true));
        let names = std::iter::once(&table.name).chain(&table.aliases);
        all.extend(names.map(|name| (name.clone(), Arc::clone(&provider))));
    }
    Ok(all)
}

/// Makes a store the one that the tables' files lie in.
///
/// # Errors
/// None that is known.
pub fn register(runtime: &RuntimeEnv, store: Arc<dyn ObjectStore>) -> Result<()> {
    runtime.register_object_store(url()?.as_ref(), store);
    Ok(())
}

/// The address in plans.
pub(crate) fn url() -> Result<ObjectStoreUrl> {
    ObjectStoreUrl::parse(STORE)
}
