//! Where the lake is.

use crate::commands::seal::lake as sealed;
use crate::commands::store::{self, Access, Folder, S3Place, StoreArgs};
use crate::failure::Failure;
use clap::Args;
use std::path::PathBuf;
use tokio::runtime::Runtime;
use yagura_logs::lake::{Lake, LakeError};
use yagura_model::Lang;

/// Which lake.
#[derive(Debug, Args)]
pub struct LakeArgs {
    /// The lake: a folder, or s3://bucket/prefix
    #[arg(long, value_name = "DIR|s3://…", env = "YAGURA_LAKE", hide_env_values = true, default_value = "yagura-lake")]
    pub lake: String,
}

/// The Japanese help of [`LakeArgs`].
pub const LAKE_JA: (&str, &str) = ("lake", "レイクの場所（フォルダーまたは s3://バケット/プレフィックス）");

/// Threads for stores and timers; decoding has threads of its own.
///
/// # Errors
/// Where the system gives none.
pub fn runtime() -> Result<Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

impl LakeArgs {
    /// The lake's folder, where it is one of this machine.
    pub fn folder(&self) -> Result<Option<PathBuf>, Failure> {
        Ok(S3Place::parse(&self.lake)?.is_none().then(|| PathBuf::from(&self.lake)))
    }

    /// Sees to it that a lake of this machine is there.
    ///
    /// # Errors
    /// It is not: a sentence.
    pub fn must_be_there(&self) -> Result<(), Failure> {
        if self.folder()?.is_none_or(|f| f.exists()) {
            return Ok(());
        }
        let lake = &self.lake;
        Err(Failure::blind(format!("there is no lake at `{lake}`"), format!("`{lake}` にレイクがない")).hint(
            "make one with `yagura logs ingest`, or name it with --lake",
            "`yagura logs ingest` で作るか、--lake で指定する",
        ))
    }

    /// Opens it to read.
    ///
    /// # Errors
    /// There is none, or it cannot be read: a sentence.
    pub async fn open(&self, args: &StoreArgs, lang: Lang) -> Result<Lake, Failure> {
        self.must_be_there()?;
        let (store, root) = store::open(&self.lake, args, Folder::Must, lang).await?;
        let store = sealed::opened(store, &root, self, false).await?;
        Lake::open(store, root).await.map_err(|e| self.failure(&e, Access::Get))
    }

    /// Opens it to write, and makes it where there is none.
    ///
    /// # Errors
    /// Another process writes to it, or it cannot be written: a sentence.
    pub async fn open_to_write(&self, args: &StoreArgs, lang: Lang) -> Result<Lake, Failure> {
        let folder = self.folder()?;
        let (store, root) = store::open(&self.lake, args, Folder::Make, lang).await?;
        let store = sealed::opened(store, &root, self, true).await?;
        Lake::open_to_write(store, root, folder.as_deref()).await.map_err(|e| self.failure(&e, Access::Put))
    }

    /// Why the lake failed, for a person; `access` is what was being done to it.
    pub fn failure(&self, error: &LakeError, access: Access) -> Failure {
        let lake = &self.lake;
        match error {
            LakeError::Busy => Failure::blind(
                format!("another process writes to the lake `{lake}`"),
                format!("別のプロセスがレイク `{lake}` に書き込み中"),
            )
            .hint("wait until it is done, and run this again", "終わってから、もう一度実行する"),
            LakeError::Newer(format) => Failure::blind(
                format!("the lake `{lake}` was written by a newer version of yagura (format {format})"),
                format!("レイク `{lake}` は新しいバージョンの yagura で書かれている（形式 {format}）"),
            ),
            LakeError::Store(e) => store::failure(e, lake, access),
            other => Failure::blind(format!("the lake `{lake}`: {other}"), format!("レイク `{lake}`: {other}")),
        }
    }
}
