//! Yagura's queries on a Ballista cluster. `scheduler` and `executor` are Ballista's own, told of Yagura's tables, functions
//! and lake; `query` plans as `yagura query` does and lets the cluster do the work. `docs/scale.md` says how and what for.

mod codec;
mod member;

use clap::{Parser, Subcommand};
use std::path::PathBuf;
use std::sync::Arc;
use yagura_query::{Options, Session, value_at};

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Yagura's queries on a Ballista cluster
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Plan queries and hand their stages to executors
    Scheduler {
        /// The lake's folder, where every member of the cluster sees it
        #[arg(long)]
        lake: PathBuf,
        #[arg(long, default_value = "127.0.0.1:50050")]
        bind: std::net::SocketAddr,
    },
    /// Run stages
    Executor {
        #[arg(long)]
        lake: PathBuf,
        #[arg(long, default_value = "127.0.0.1:50050")]
        scheduler: std::net::SocketAddr,
        /// The port that answers are fetched from; the next one is the executor's own
        #[arg(long)]
        port: u16,
        /// Where results between stages are kept
        #[arg(long)]
        work: PathBuf,
        #[arg(long, default_value_t = 2)]
        threads: usize,
    },
    /// Ask one statement; the answer is a JSON array, as of `yagura query --format json`
    Query {
        #[arg(long)]
        lake: PathBuf,
        #[arg(long, default_value = "127.0.0.1:50050")]
        scheduler: std::net::SocketAddr,
        sql: String,
    },
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    match Cli::parse().command {
        Command::Scheduler { lake, bind } => member::scheduler(&lake, bind).await,
        Command::Executor { lake, scheduler, port, work, threads } => {
            member::executor(&lake, scheduler, port, &work, threads).await
        }
        Command::Query { lake, scheduler, sql } => query(&lake, scheduler, &sql).await,
    }
}

async fn query(lake: &std::path::Path, scheduler: std::net::SocketAddr, sql: &str) -> Result<(), Failed> {
    let (store, tables) = member::lake(lake).await?;
    let codec = Arc::new(codec::ByName::of(&tables)?);
    let engine = |state| member::remote(state, scheduler, codec);
    let session = Session::with_engine(store, tables, &Options::default(), engine)?;
    let mut answer = session.ask(sql).await?;
    let mut rows = Vec::new();
    while let Some(batch) = answer.next().await {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            let mut object = serde_json::Map::new();
            for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                object.insert(field.name().clone(), value_at(column, row)?);
            }
            rows.push(serde_json::Value::Object(object));
        }
    }
    println!("{}", serde_json::Value::Array(rows));
    Ok(())
}
