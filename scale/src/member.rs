//! The members of the cluster.

use crate::Failed;
use crate::codec::ByName;
use ballista_core::extension::{SessionConfigExt, SessionStateExt};
use ballista_core::registry::BallistaFunctionRegistry;
use ballista_executor::executor_process::{ExecutorProcessConfig, start_executor_process};
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::scheduler_process::start_server;
use datafusion::common::Result;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{FunctionRegistry, SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use object_store::{ObjectStore, local::LocalFileSystem};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use yagura_logs::lake::Lake;
use yagura_logs::table::tables;
use yagura_query::{LogTable, cluster};

#[path = "../../crates/yagura/src/commands/query/table.rs"]
mod table;

/// The lake's store and tables, as its manifest has them now.
pub async fn lake(folder: &Path) -> Result<(Arc<dyn ObjectStore>, Vec<LogTable>), Failed> {
    let store: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new_with_prefix(folder)?);
    let lake = Lake::open(Arc::clone(&store), object_store::path::Path::default()).await?;
    if lake.version() == 0 {
        return Err(format!("there is no lake at `{}`", folder.display()).into());
    }
    Ok((store, tables().iter().map(|t| table::table(t, Some(&lake))).collect()))
}

/// A client's engine: plans go to the scheduler.
pub fn remote(state: SessionState, scheduler: SocketAddr, codec: Arc<ByName>) -> Result<SessionState> {
    let config = state.config().clone().with_ballista_logical_extension_codec(codec);
    let state = SessionStateBuilder::new_from_existing(state).with_config(config).build();
    state.upgrade_for_ballista(format!("http://{scheduler}"))
}

/// Ballista's functions, with Yagura's over them.
fn state(config: SessionConfig, runtime: Arc<RuntimeEnv>) -> Result<SessionState> {
    let mut state =
        SessionStateBuilder::new().with_config(config).with_runtime_env(runtime).with_default_features().build();
    for function in cluster::functions() {
        state.register_udf(function)?;
    }
    Ok(state)
}

fn runtime(store: &Arc<dyn ObjectStore>) -> Result<Arc<RuntimeEnv>> {
    let runtime = RuntimeEnvBuilder::new().build_arc()?;
    cluster::register(&runtime, Arc::clone(store))?;
    Ok(runtime)
}

/// Runs a scheduler until it is ended.
pub async fn scheduler(folder: &Path, bind: SocketAddr) -> Result<(), Failed> {
    let (store, tables) = lake(folder).await?;
    let codec: Arc<dyn LogicalExtensionCodec> = Arc::new(ByName::of(&tables)?);
    let known = Arc::clone(&codec);
    let mut config = SchedulerConfig {
        bind_port: bind.port(),
        external_host: bind.ip().to_string(),
        override_logical_codec: Some(Arc::clone(&codec)),
        ..SchedulerConfig::default()
    };
    config = config
        .with_override_config_producer(Arc::new(move || {
            SessionConfig::new_with_ballista().with_ballista_logical_extension_codec(Arc::clone(&known))
        }))
        .with_override_session_builder(Arc::new(move |config| state(config, runtime(&store)?)));
    let cluster = BallistaCluster::new_from_config(&config).await?;
    start_server(cluster, bind, Arc::new(config)).await?;
    Ok(())
}

/// Runs an executor until it is ended.
pub async fn executor(
    folder: &Path,
    scheduler: SocketAddr,
    port: u16,
    work: &Path,
    threads: usize,
) -> Result<(), Failed> {
    let (store, _) = lake(folder).await?;
    let functions = BallistaFunctionRegistry::from(&state(SessionConfig::new(), runtime(&store)?)?);
    let config = ExecutorProcessConfig {
        external_host: Some("127.0.0.1".to_owned()),
        port,
        grpc_port: port + 1,
        scheduler_host: scheduler.ip().to_string(),
        scheduler_port: scheduler.port(),
        scheduler_connect_timeout_seconds: 30,
        vcores: threads,
        work_dir: Some(work.display().to_string()),
        override_function_registry: Some(Arc::new(functions)),
        override_runtime_producer: Some(Arc::new(move |_| runtime(&store))),
        ..ExecutorProcessConfig::default()
    };
    start_executor_process(Arc::new(config)).await?;
    Ok(())
}
