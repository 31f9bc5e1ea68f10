//! Which store, and why it did not do what was asked.

use crate::commands::seal::key;
use crate::commands::state;
use crate::failure::Failure;
use clap::Args;
use yagura_findings::{Place, Store, StoreError};

/// Which store.
#[derive(Debug, Args)]
pub struct StoreAt {
    /// The store: a file, or postgres://user@host/database [default: findings.db in ~/.local/state/yagura]
    #[arg(long, value_name = "FILE|URL", env = "YAGURA_STORE", hide_env_values = true)]
    pub store: Option<String>,
}

/// The Japanese help of [`StoreAt`].
pub const STORE_JA: (&str, &str) = (
    "store",
    "ストア: ファイル、または postgres://ユーザー@ホスト/データベース [デフォルト: ~/.local/state/yagura の findings.db]",
);

impl StoreAt {
    /// The store to write to.
    ///
    /// # Errors
    /// A sentence.
    pub fn open(&self) -> Result<Store, Failure> {
        let place = place(self.store.as_deref())?;
        Store::open(&place).map_err(|e| failure(&e, &place))
    }

    /// The store that is there, and where it is.
    ///
    /// # Errors
    /// A sentence, also where nothing was ever recorded.
    pub fn kept(&self) -> Result<(Store, Place), Failure> {
        let place = place(self.store.as_deref())?;
        match Store::open_kept(&place).map_err(|e| failure(&e, &place))? {
            Some(store) => Ok((store, place)),
            None => Err(nothing(&place)),
        }
    }

    /// The place, for what goes wrong later.
    ///
    /// # Errors
    /// It is none: a sentence.
    pub fn place(&self) -> Result<Place, Failure> {
        place(self.store.as_deref())
    }
}

fn nothing(place: &Place) -> Failure {
    Failure::blind(format!("nothing was recorded in {place} so far"), format!("{place} にはまだ何も記録されていない"))
        .hint("record a scan with `yagura scan --store`", "`yagura scan --store` でスキャンを記録する")
}

/// The store that is meant: as asked, else by `YAGURA_STORE`, else the file in the state folder; encrypted with the key that `YAGURA_KEY` names.
///
/// # Errors
/// It is of another kind: a sentence.
pub fn place(asked: Option<&str>) -> Result<Place, Failure> {
    match plain(asked)? {
        server @ Place::Postgres(_) => Ok(server),
        file => Ok(file.sealed(key::at_hand()?.as_ref())),
    }
}

fn plain(asked: Option<&str>) -> Result<Place, Failure> {
    let set = std::env::var("YAGURA_STORE").ok();
    let Some(text) = asked.filter(|t| !t.is_empty()).or(set.as_deref()).filter(|t| !t.is_empty()) else {
        return Ok(Place::File(state::folder(None)?.join("findings.db")));
    };
    Place::parse(text).ok_or_else(|| {
        let scheme = text.split("://").next().unwrap_or_default();
        Failure::usage(format!("no store is called `{scheme}://`"), format!("`{scheme}://` というストアはない")).hint(
            "a file, or postgres://user@host/database",
            "ファイル、または postgres://ユーザー@ホスト/データベース",
        )
    })
}

/// Why the store failed, for a person.
pub fn failure(e: &StoreError, place: &Place) -> Failure {
    let (en, ja) = (format!("{place}: {e}"), |text: String| format!("{place}: {text}"));
    let failed = |ja| match e {
        StoreError::Overtaken { .. } => Failure::usage(en.clone(), ja),
        _ => Failure::blind(en.clone(), ja),
    };
    match e {
        StoreError::Busy { seconds } => {
            failed(ja(format!("別のプロセスが {seconds} 秒以上書き込みを続けている。何も記録していない")))
                .hint("run this again when it is done", "終わってからもう一度実行する")
        }
        StoreError::NotWritable(why) => failed(ja(format!("ストアに書き込めない（{why}）。何も記録していない"))).hint(
            "make room, or name another place with --store",
            "空き容量を確保するか、--store で別の場所を指定する",
        ),
        StoreError::Unreachable(why) => {
            failed(ja(format!("ストアのサーバーに接続できない（{why}）。何も記録していない")))
                .hint("when the server is back, run this again", "サーバーの復旧後にもう一度実行する")
        }
        StoreError::Refused(why) => failed(ja(format!("ストアのサーバーに接続できない（{why}）"))).hint(
            "check user, password and database; for an authority of your own add sslrootcert=FILE to the URL",
            "ユーザー、パスワード、データベースを確認する。独自の認証局を使う場合は URL に sslrootcert=ファイル を加える",
        ),
        StoreError::NotAStore(why) => failed(ja(format!("検出結果のストアではないか、破損している（{why}）"))),
        StoreError::Key(why) => failed(ja(format!("ストアの暗号化と YAGURA_KEY のキーが合わない（{why}）"))),
        StoreError::Newer { found, known } => {
            failed(ja(format!("ストアのスキーマは {found} で、このバージョンが扱えるのは {known} まで"))).hint(
                format!("update Yagura, or with the newer one run `yagura findings migrate --to {known}`"),
                format!("Yagura を更新するか、新しいバージョンで `yagura findings migrate --to {known}` を実行する"),
            )
        }
        StoreError::Overtaken { at, run, newer } => failed(ja(format!(
            "この観測は {at} のもので、その後の観測（実行 {run}、{newer}）が同じ範囲をすでに確認している。何も記録していない"
        ))),
        StoreError::Database(why) => failed(ja(format!("ストアのエラー: {why}"))),
    }
}
