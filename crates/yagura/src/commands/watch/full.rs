//! A full scan: the same reading and judging as `scan`, beside everything else.

use crate::cli::AwsArgs;
use crate::commands::live::Access;
use crate::content::Compiled;
use crate::failure::Failure;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;
use yagura_inventory::{collect, save};
use yagura_model::Lang;
use yagura_rule::{Check, Estate, Judgement, judge};

/// What came of a full scan.
pub struct Full {
    /// How to reach what was read.
    pub access: Access,
    /// What was read.
    pub estate: Estate,
    /// What the checks say.
    pub judgements: Vec<Judgement>,
    /// How long it took.
    pub took: Duration,
}

/// Reads and judges everything, and keeps what was read in a file. `None` where it was stopped.
///
/// # Errors
/// The account cannot be reached, or the file cannot be written: a sentence.
pub fn full(
    args: &AwsArgs,
    compiled: &Compiled,
    checks: &[Check],
    readers: &[Check],
    (runtime, stop): (&Runtime, &AtomicBool),
    to: &Path,
    lang: Lang,
) -> Result<Option<Full>, Failure> {
    let begun = Instant::now();
    let all: Vec<Check> = checks.iter().chain(readers).cloned().collect();
    let read = async {
        let access = Access::open(args, compiled, lang).await?;
        let mut estate = access.estate(compiled, &all);
        collect(&mut estate, &access.targets, &all, &compiled.kinds, &|_| {}).await;
        Ok::<_, Failure>((access, estate))
    };
    let stopped = async {
        while !stop.load(Ordering::Relaxed) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let done = runtime.block_on(async {
        tokio::select! { done = read => Some(done), () = stopped => None }
    });
    let Some((access, estate)) = done.transpose()? else { return Ok(None) };
    let mut snapshot = estate.into_snapshot(env!("CARGO_PKG_VERSION").to_owned(), access.base.requests());
    snapshot.scope.checks.truncate(checks.len());
    save(&snapshot, to).map_err(|e| Failure::usage(e.to_string(), format!("スナップショットを保存できない: {e}")))?;
    let mut estate = Estate::from_snapshot(snapshot, compiled.tables.clone());
    let judgements = judge(&mut estate, checks, 1);
    Ok(Some(Full { access, estate, judgements, took: begun.elapsed() }))
}
