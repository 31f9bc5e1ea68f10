//! What logs are read from: this machine, Amazon S3, the sample estate.

use super::reasons::reason;
use crate::commands::store::{self, S3Place, StoreArgs, keys};
use crate::content;
use crate::failure::Failure;
use std::io::Write;
use tokio::runtime::Runtime;
use yagura_logs::ingest::{Options, Progress, ingest};
use yagura_logs::input::{Input, InputError, Wanted, local, object};
use yagura_logs::lake::Lake;
use yagura_model::Lang;

/// Finds what the names mean: files, folders, patterns, `s3://bucket/prefix`, `-`.
///
/// # Errors
/// One does not exist or cannot be listed: a sentence.
pub fn find(
    names: &[String],
    demo: bool,
    wanted: &Wanted,
    args: &StoreArgs,
    runtime: &Runtime,
    lang: Lang,
) -> Result<Vec<Input>, Failure> {
    let mut found = Vec::new();
    if demo {
        found.extend(content::demo_logs().iter().map(|(name, text)| Input::memory(name, text.as_bytes())));
    }
    for name in names {
        match S3Place::parse(name)? {
            Some(place) => found.extend(runtime.block_on(in_bucket(&place, wanted, args, lang))?),
            None => found.extend(local(std::slice::from_ref(name), wanted).map_err(|e| failure(&e))?),
        }
    }
    Ok(found)
}

async fn in_bucket(place: &S3Place, wanted: &Wanted, args: &StoreArgs, lang: Lang) -> Result<Vec<Input>, Failure> {
    let session = store::connect(args, lang).await?;
    let store = store::bucket(&session, &place.bucket, &place.prefix).await?;
    let objects = keys::below(&session, &place.bucket, place.prefix.as_ref()).await?;
    let named = |key: &str| format!("s3://{}/{key}", place.bucket);
    let inputs =
        objects.into_iter().filter(|o| o.size > 0).map(|o| object(&store, named(&o.key), &o.key, o.size, o.stamp));
    Ok(inputs.filter(|i| wanted.takes(&i.place)).collect())
}

/// Why inputs cannot be found, for a person.
pub fn failure(error: &InputError) -> Failure {
    match error {
        InputError::Missing(name) => Failure::blind(format!("there is no `{name}`"), format!("`{name}` は存在しない")),
        InputError::Pattern(name, why) => {
            Failure::usage(format!("`{name}` is not a pattern: {why}"), format!("`{name}` はパターンではない: {why}"))
        }
        InputError::Io(name, e) => {
            Failure::blind(format!("cannot look at `{name}`: {e}"), format!("`{name}` を調べられない: {e}"))
        }
    }
}

/// A lake of these inputs alone, for one question; it goes with the folder. What was put aside is told on standard error.
///
/// # Errors
/// The folder for temporary files cannot be written.
pub fn lake_of(inputs: &[Input], runtime: &Runtime, lang: Lang) -> Result<(tempfile::TempDir, Lake), Failure> {
    let folder = tempfile::tempdir()?;
    let failed = |e: &dyn std::fmt::Display| Failure::blind(e.to_string(), e.to_string());
    let store = object_store::local::LocalFileSystem::new_with_prefix(folder.path()).map_err(|e| failed(&e))?;
    let root = object_store::path::Path::default();
    let open = Lake::open_to_write(std::sync::Arc::new(store), root, Some(folder.path()));
    let lake = runtime.block_on(open).map_err(|e| failed(&e))?;
    let (lake, report) =
        ingest(lake, inputs, Options::default(), runtime.handle(), &Progress::default()).map_err(|e| failed(&e))?;
    let mut err = std::io::stderr();
    for aside in report.aside.iter().take(10) {
        writeln!(err, "{} {}: {}", lang.pick("not read:", "読み取れない:"), aside.path, reason(&aside.reason, lang))?;
    }
    if report.records.aside > 10 {
        let rest = report.records.aside - 10;
        writeln!(err, "{}", lang.pick(&format!("… and {rest} more"), &format!("…ほか {rest} 件")))?;
    }
    Ok((folder, lake))
}
