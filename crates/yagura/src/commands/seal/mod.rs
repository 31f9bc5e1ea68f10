//! `yagura seal`: encryption at rest of stores and lakes.

pub mod key;
pub mod lake;

use crate::commands::help_ja::HelpJa;
use crate::commands::logs::lake::{LAKE_JA, LakeArgs};
use crate::commands::store::StoreArgs;
use crate::failure::{Failure, exit};
use clap::{Args, Subcommand};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use yagura_findings::{Claim, reseal};
use yagura_model::Lang;
use yagura_seal::{DataKey, KeyFile};

/// `seal …`
#[derive(Debug, Subcommand)]
pub enum SealCommand {
    /// Make a data key, wrapped by a passphrase or by AWS KMS, and write its key file
    Key(KeyArgs),
    /// Encrypt a store of findings in its file, or decrypt it for good
    Store(SealStoreArgs),
    /// Encrypt the files of a lake in their places, or decrypt them for good
    Lake(Box<SealLakeArgs>),
}

/// `seal key`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  YAGURA_PASSPHRASE_FILE=/etc/yagura/passphrase yagura seal key --output yagura.key
  yagura seal key --kms arn:aws:kms:ap-northeast-1:111122223333:key/1f0c… --output yagura.key
  YAGURA_KEY=yagura.key yagura scan --store           # a new store is encrypted from the start
  YAGURA_KEY=yagura.key yagura logs ingest AWSLogs/   # and so is a new lake")]
pub struct KeyArgs {
    /// The KMS key that wraps it, by its ARN or its alias's ARN [default: a passphrase, from YAGURA_PASSPHRASE_FILE or YAGURA_PASSPHRASE]
    #[arg(long, value_name = "ARN")]
    kms: Option<String>,
    /// The key file to write; it must not be there yet
    #[arg(long, short, value_name = "FILE", default_value = "yagura.key")]
    output: PathBuf,
}

/// `seal store`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  YAGURA_KEY=yagura.key yagura seal store findings.db
  YAGURA_KEY=yagura.key yagura seal store findings.db --decrypt")]
pub struct SealStoreArgs {
    /// The store's file; PostgreSQL encrypts its own disks
    #[arg(value_name = "FILE")]
    store: PathBuf,
    /// Decrypt it for good
    #[arg(long)]
    decrypt: bool,
}

/// `seal lake`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  YAGURA_KEY=yagura.key yagura seal lake --lake yagura-lake
  YAGURA_KEY=yagura.key yagura seal lake --lake s3://security-lake/yagura --decrypt

Cut off half-way, the same command goes on where it stopped.")]
pub struct SealLakeArgs {
    #[command(flatten)]
    lake: LakeArgs,
    #[command(flatten)]
    aws: StoreArgs,
    /// Decrypt it for good
    #[arg(long)]
    decrypt: bool,
}

const KEY_JA: HelpJa = HelpJa {
    about: "データキーを作り、パスフレーズまたは AWS KMS で暗号化したキーファイルを書き出す",
    arguments: &[
        (
            "kms",
            "データキーを暗号化する KMS キー（ARN またはエイリアスの ARN）[デフォルト: YAGURA_PASSPHRASE_FILE または YAGURA_PASSPHRASE のパスフレーズ]",
        ),
        ("output", "書き出すキーファイル。既存のファイルは上書きしない"),
    ],
    examples: "例:
  YAGURA_PASSPHRASE_FILE=/etc/yagura/passphrase yagura seal key --output yagura.key
  yagura seal key --kms arn:aws:kms:ap-northeast-1:111122223333:key/1f0c… --output yagura.key
  YAGURA_KEY=yagura.key yagura scan --store           新しいストアは最初から暗号化される
  YAGURA_KEY=yagura.key yagura logs ingest AWSLogs/   新しいレイクも同じ",
};

const STORE_JA: HelpJa = HelpJa {
    about: "検出結果のストアのファイルを暗号化する。または復号して元に戻す",
    arguments: &[
        ("store", "ストアのファイル（PostgreSQL のディスクの暗号化はサーバー側で行う）"),
        ("decrypt", "復号して元に戻す"),
    ],
    examples: "例:
  YAGURA_KEY=yagura.key yagura seal store findings.db
  YAGURA_KEY=yagura.key yagura seal store findings.db --decrypt",
};

const LAKE_HELP_JA: HelpJa = HelpJa {
    about: "レイクのファイルをその場で暗号化する。または復号して元に戻す",
    arguments: &[LAKE_JA, ("decrypt", "復号して元に戻す")],
    examples: "例:
  YAGURA_KEY=yagura.key yagura seal lake --lake yagura-lake
  YAGURA_KEY=yagura.key yagura seal lake --lake s3://security-lake/yagura --decrypt

途中で止まったら、同じコマンドで続きから再開できる。",
};

/// The Japanese help of a subcommand by its name.
pub fn help_ja(name: &str) -> Option<&'static HelpJa> {
    match name {
        "key" => Some(&KEY_JA),
        "store" => Some(&STORE_JA),
        "lake" => Some(&LAKE_HELP_JA),
        _ => None,
    }
}

/// Runs it.
///
/// # Errors
/// A sentence.
pub fn run(command: &SealCommand, lang: Lang) -> Result<u8, Failure> {
    match command {
        SealCommand::Key(args) => make(args, lang),
        SealCommand::Store(args) => store(args, lang),
        SealCommand::Lake(args) => lake::seal(&args.lake, &args.aws, args.decrypt, lang),
    }
}

fn make(args: &KeyArgs, lang: Lang) -> Result<u8, Failure> {
    // Before AWS KMS is asked.
    if args.output.exists() {
        return Err(there(&args.output));
    }
    let (key, file) = match &args.kms {
        Some(arn) => key::from_kms(arn)?,
        None => {
            let passphrase = key::passphrase()?;
            if passphrase.chars().count() < 12 {
                return Err(Failure::usage(
                    "the passphrase has fewer than 12 characters",
                    "パスフレーズが 12 文字未満",
                ));
            }
            let key = DataKey::new().map_err(|e| key::failure(&args.output, &e))?;
            let file = KeyFile::with_passphrase(&key, &passphrase).map_err(|e| key::failure(&args.output, &e))?;
            (key, file)
        }
    };
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written =
        options.open(&args.output).and_then(|mut f| f.write_all(file.text().as_bytes()).and_then(|()| f.sync_all()));
    written.map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => there(&args.output),
        _ => Failure::usage(format!("{}: {e}", args.output.display()), format!("{}: {e}", args.output.display())),
    })?;
    let (id, shown) = (key.id(), args.output.display());
    say(&match lang {
        Lang::En => format!(
            "key {id} in {shown}: name it in YAGURA_KEY. Keep a copy, and its passphrase or KMS key: without them nothing that it encrypts can be read again."
        ),
        Lang::Ja => format!(
            "キー {id} を {shown} に書き出した。YAGURA_KEY で指定する。控えと、パスフレーズまたは KMS キーを失うと、暗号化したものは二度と読めない。"
        ),
    })
}

fn store(args: &SealStoreArgs, lang: Lang) -> Result<u8, Failure> {
    let key = must()?;
    let (old, new) = if args.decrypt { (Some(&key), None) } else { (None, Some(&key)) };
    let place = yagura_findings::Place::File(args.store.clone());
    // A watch that runs would go on with the old file.
    let _claim = Claim::take(&place, "yagura seal").map_err(|e| super::watch::claim_failure(&e, &place))?;
    reseal(&args.store, old, new).map_err(|e| super::findings::open::failure(&e, &place))?;
    say(&match (lang, args.decrypt) {
        (Lang::En, false) => format!("{place} is encrypted with the key {}", key.id()),
        (Lang::En, true) => format!("{place} is plain again"),
        (Lang::Ja, false) => format!("{place} をキー {} で暗号化した", key.id()),
        (Lang::Ja, true) => format!("{place} を復号した"),
    })
}

/// The key, which must be named here.
fn must() -> Result<DataKey, Failure> {
    key::at_hand()?.ok_or_else(|| {
        Failure::usage("no key is named", "キーが指定されていない").hint(
            "make one with `yagura seal key`, and name its file in YAGURA_KEY",
            "`yagura seal key` で作り、そのファイルを YAGURA_KEY で指定する",
        )
    })
}

fn there(path: &Path) -> Failure {
    let shown = path.display();
    Failure::usage(
        format!("{shown} is there already; a key is not overwritten"),
        format!("{shown} はすでにある。キーは上書きしない"),
    )
}

fn say(text: &str) -> Result<u8, Failure> {
    writeln!(std::io::stdout(), "{text}")?;
    Ok(exit::DONE)
}
