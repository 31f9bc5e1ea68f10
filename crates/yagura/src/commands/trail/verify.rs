//! `yagura trail verify`: the command, and a copy that lies in a folder. `aws.rs` asks AWS.

use super::aws::{self, Live};
use super::{HelpJa, machine, words};
use crate::commands::scan::write_file;
use crate::commands::store::StoreArgs;
use crate::failure::{Failure, exit};
use crate::progress::Display;
use clap::{Args, ValueEnum};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use object_store::local::LocalFileSystem;
use serde::Deserialize;
use smol_str::SmolStr;
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yagura_logs::trail::{
    Holding, Journal, JournalError, KeyRing, Metadata, Question, Report, Signed, Survey, Vault, Verdict, Whole,
    list_folder, survey, verify,
};
use yagura_model::Lang;

/// Arguments of `trail verify`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura trail verify --trail audit --profile prod
  yagura trail verify --trail arn:aws:cloudtrail:us-east-1:111122223333:trail/audit --start-time 2026-07-01 --output proof.txt
  yagura trail verify --trail org --account-id 444455556666 --resume july.journal --format json
  yagura trail verify ./copy --metadata metadata.json --public-keys keys.json

Exit codes: 0 every file is valid, 1 one is invalid or missing, 2 bad usage, 3 something could not be read.")]
pub struct VerifyArgs {
    /// A copy of the trail's objects, by their keys, to verify without AWS
    #[arg(value_name = "DIR", requires = "metadata", requires = "public_keys", conflicts_with_all = ["trail", "bucket", "prefix", "account_id", "StoreArgs"])]
    pub dir: Option<PathBuf>,
    /// The signatures of a copy's digests: {key: {\"signature\": …, \"signature-algorithm\": …}}, as S3 keeps them in metadata
    #[arg(long, value_name = "FILE", requires = "dir")]
    pub metadata: Option<PathBuf>,
    /// AWS's public keys: an answer of `aws cloudtrail list-public-keys`, in place of asking for them
    #[arg(long, value_name = "FILE")]
    pub public_keys: Option<PathBuf>,
    /// The trail, by name or ARN
    #[arg(long, value_name = "NAME", required_unless_present_any = ["dir", "bucket"])]
    pub trail: Option<String>,
    /// The bucket, where it is not the one that the trail has now
    #[arg(long, value_name = "BUCKET")]
    pub bucket: Option<String>,
    /// The prefix before AWSLogs/ in it
    #[arg(long, value_name = "PREFIX", requires = "bucket")]
    pub prefix: Option<String>,
    /// Only these accounts, of an organization trail or a bucket
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub account_id: Vec<SmolStr>,
    /// Files delivered at this time or later, such as 2026-07-01 or 2026-07-01T09:00:00Z [default: from the first digest on]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub start_time: Option<Timestamp>,
    /// Files delivered until this time [default: now; of a copy: to the last]
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub end_time: Option<Timestamp>,
    /// A journal of what was verified; a run that was stopped goes on from it
    #[arg(long, value_name = "FILE")]
    pub resume: Option<PathBuf>,
    /// The most files to read at once
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub concurrency: u16,
    /// Form of the report [default: by the ending of --output, else text]
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<ProofForm>,
    /// Where the report goes [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// No progress display
    #[arg(long, short)]
    pub quiet: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub aws: StoreArgs,
}

/// The form of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "a text per value would make every help page long")]
pub enum ProofForm {
    Text,
    Json,
    Csv,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "ダイジェストとログファイルを検証する（改変、欠落、移動、余分なファイル、記録の開始と停止）",
    arguments: &[
        ("dir", "オブジェクトをキーのとおりに置いたコピー。AWS に接続せずに検証する"),
        (
            "metadata",
            "コピーにあるダイジェストの署名: {キー: {\"signature\": …, \"signature-algorithm\": …}}（S3 のメタデータにあるもの）",
        ),
        ("public_keys", "AWS の公開鍵: `aws cloudtrail list-public-keys` の出力。指定すれば AWS に問い合わせない"),
        ("trail", "証跡の名前または ARN"),
        ("bucket", "証跡の現在のバケットと異なる場合のバケット"),
        ("prefix", "そのバケットで AWSLogs/ の前に付くプレフィックス"),
        ("account_id", "組織の証跡またはバケットのうち、このアカウントだけ"),
        (
            "start_time",
            "この時刻以降に配信されたファイル。例: 2026-07-01、2026-07-01T09:00:00Z [デフォルト: 最初のダイジェストから]",
        ),
        ("end_time", "この時刻までに配信されたファイル [デフォルト: 現在。コピーでは最後まで]"),
        ("resume", "検証済みの記録。中断した実行はここから再開する"),
        ("concurrency", "同時に読み取るファイル数の上限"),
        ("format", "レポートの形式 [デフォルト: --output の拡張子による。なければ text]"),
        ("output", "レポートの出力先 [デフォルト: 標準出力]"),
    ],
    examples: "例:
  yagura trail verify --trail audit --profile prod
  yagura trail verify --trail arn:aws:cloudtrail:us-east-1:111122223333:trail/audit --start-time 2026-07-01 --output proof.txt
  yagura trail verify --trail org --account-id 444455556666 --resume july.journal --format json
  yagura trail verify ./copy --metadata metadata.json --public-keys keys.json

終了コード: 0 全ファイルが有効、1 無効または存在しないファイルあり、2 引数の誤り、3 読み取れないものあり",
};

/// What was verified, for the reports.
pub struct Proof {
    /// What was asked.
    pub question: Question,
    /// What was found.
    pub report: Report,
    /// When this was asked.
    pub at: Timestamp,
    /// What AWS was asked about; `None` is a copy.
    pub live: Option<Live>,
    /// The copy's folder.
    pub folder: Option<String>,
    /// What stood in the way of knowing more, in English and Japanese.
    pub notes: Vec<(String, String)>,
}

/// Verifies and reports.
pub fn run(args: &VerifyArgs, lang: Lang) -> Result<u8, Failure> {
    if let (Some(start), Some(end)) = (args.start_time, args.end_time)
        && start > end
    {
        return Err(Failure::usage(
            "--start-time is after --end-time",
            "--start-time が --end-time より後になっている",
        ));
    }
    let journal = args.resume.as_deref().map(journal).transpose()?.map(Arc::new);
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    let proof = runtime.block_on(async {
        tokio::select! {
            proof = prove(args, journal, lang) => proof,
            _ = tokio::signal::ctrl_c() => Err(Failure::blind(
                "stopped; with --resume FILE the next run goes on from here",
                "中断した。--resume FILE を指定した場合、次の実行はここから再開する",
            )),
        }
    })?;
    // A reader that hangs must not hold up the end.
    runtime.shutdown_background();
    write(args, &proof, lang)?;
    Ok(code(&proof.report))
}

async fn prove(args: &VerifyArgs, journal: Option<Arc<Journal>>, lang: Lang) -> Result<Proof, Failure> {
    let display = Display::new(args.quiet, lang);
    match &args.dir {
        Some(dir) => copy(args, dir, journal, &display, lang).await,
        None => aws::prove(args, journal, &display, lang).await,
    }
}

/// A copy in a folder.
async fn copy(
    args: &VerifyArgs,
    dir: &Path,
    journal: Option<Arc<Journal>>,
    display: &Display,
    lang: Lang,
) -> Result<Proof, Failure> {
    let listed = list_folder(dir).map_err(|e| unreadable(dir, &e.to_string()))?;
    let store = LocalFileSystem::new_with_prefix(dir).map_err(|e| unreadable(dir, &e.to_string()))?;
    let mut vault = Vault::default();
    vault.add(Holding::new(None, Arc::new(store), listed, vec![Whole::default()]));
    let metadata = args.metadata.as_deref().map(signatures).transpose()?.unwrap_or_default();
    let keys = args.public_keys.as_deref().map(public_keys).transpose()?.unwrap_or_default();
    let question = question(args);
    let survey = survey(&vault, &question);
    let saved = Metadata::Saved(metadata);
    let report = judge(Arc::new(vault), &survey, &question, keys, saved, journal, display, lang).await;
    let folder = Some(dir.display().to_string());
    Ok(Proof { question, report, at: Timestamp::now(), live: None, folder, notes: Vec::new() })
}

/// What the arguments ask, of a copy.
pub fn question(args: &VerifyArgs) -> Question {
    Question {
        start: args.start_time,
        end: args.end_time,
        concurrency: usize::from(args.concurrency),
        ..Question::default()
    }
}

/// Reads and judges, with progress.
#[allow(clippy::too_many_arguments, reason = "each is a part of its own, and there is one caller of each kind")]
pub async fn judge(
    vault: Arc<Vault>,
    survey: &Survey,
    question: &Question,
    keys: KeyRing,
    metadata: Metadata,
    journal: Option<Arc<Journal>>,
    display: &Display,
    lang: Lang,
) -> Report {
    let known = survey.files();
    let step = |what: &str| {
        let what = match what {
            "digest" => lang.pick("digests", "ダイジェスト"),
            _ => lang.pick("log files", "ログファイル"),
        };
        display.count(known, what);
    };
    let report = verify(vault, survey, question, Arc::new(keys), Arc::new(metadata), journal, &step).await;
    display.finish();
    report
}

/// The exit code. Something invalid or missing is known for certain, whatever else could not be read.
fn code(report: &Report) -> u8 {
    if report.all(Verdict::Invalid) + report.all(Verdict::Missing) > 0 {
        exit::FINDINGS
    } else if report.valid() {
        exit::DONE
    } else {
        exit::BLIND
    }
}

fn write(args: &VerifyArgs, proof: &Proof, lang: Lang) -> Result<(), Failure> {
    let by_name = args.output.as_deref().and_then(Path::extension).and_then(|e| match e.to_str()? {
        "json" => Some(ProofForm::Json),
        "csv" => Some(ProofForm::Csv),
        _ => None,
    });
    let form = args.format.or(by_name).unwrap_or(ProofForm::Text);
    let write = |out: &mut dyn Write| match form {
        ProofForm::Text => out.write_all(words::tell(proof, lang).as_bytes()),
        ProofForm::Json => machine::json(proof, lang, out),
        ProofForm::Csv => machine::csv(proof, lang, out),
    };
    match &args.output {
        Some(path) => {
            write_file(path, write)?;
            let _ = writeln!(std::io::stderr(), "{} {}", lang.pick("wrote", "書き込んだ:"), path.display());
        }
        None => write(&mut std::io::stdout().lock())?,
    }
    Ok(())
}

fn journal(path: &Path) -> Result<Journal, Failure> {
    Journal::open(path).map_err(|e| match e {
        JournalError::Io(e) => unreadable(path, &e.to_string()),
        JournalError::Foreign => Failure::usage(
            format!("`{}` is no journal of `trail verify`; it was left as it is", path.display()),
            format!("`{}` は `trail verify` の記録ではない。変更していない", path.display()),
        ),
    })
}

/// How large a file of signatures or keys may be: a million digests take less.
const LARGEST: u64 = 2 << 30;

fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| unreadable(path, &e.to_string()))?;
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|e| unreadable(path, &e.to_string()))?;
    if bytes.len() as u64 > LARGEST {
        return Err(unreadable(path, "it is larger than 2 GiB"));
    }
    Ok(bytes)
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Saved {
    signature: Option<String>,
    signature_algorithm: Option<SmolStr>,
}

/// The signatures of a copy. An entry without a signature is as good as none: its digest is unsigned.
fn signatures(path: &Path) -> Result<HashMap<String, Signed>, Failure> {
    let saved: HashMap<String, Saved> = serde_json::from_slice(&bytes(path)?).map_err(|e| {
        let path = path.display();
        Failure::usage(
            format!("`{path}` is not {{key: {{\"signature\", \"signature-algorithm\"}}}}: {e}"),
            format!("`{path}` が {{キー: {{\"signature\", \"signature-algorithm\"}}}} の形ではない: {e}"),
        )
    })?;
    let signed = |(key, saved): (String, Saved)| {
        Some((key, Signed { signature: saved.signature?, algorithm: saved.signature_algorithm? }))
    };
    Ok(saved.into_iter().filter_map(signed).collect())
}

/// The public keys of a file.
pub fn public_keys(path: &Path) -> Result<KeyRing, Failure> {
    let mut keys = KeyRing::default();
    keys.add(&bytes(path)?).map_err(|e| {
        let path = path.display();
        Failure::usage(format!("`{path}`: {e}"), format!("`{path}`: ListPublicKeys の応答として読めない: {e}"))
    })?;
    Ok(keys)
}

fn unreadable(path: &Path, why: &str) -> Failure {
    let path = path.display();
    Failure::blind(format!("cannot read `{path}`: {why}"), format!("`{path}` を読み込めない: {why}"))
}

/// A time: RFC 3339, or a date and time or a date in UTC.
fn time(text: &str) -> Result<Timestamp, String> {
    let utc = |at: DateTime| TimeZone::UTC.to_timestamp(at).ok();
    let found = text.parse().ok();
    let found = found.or_else(|| text.parse::<DateTime>().ok().and_then(utc));
    let found = found.or_else(|| text.parse::<Date>().ok().and_then(|d| utc(d.at(0, 0, 0, 0))));
    // Far off the calendar there is no hour before or after.
    let far = SignedDuration::from_hours(24 * 365);
    found
        .filter(|t| t.checked_sub(far).is_ok() && t.checked_add(far).is_ok())
        .ok_or_else(|| "a time such as 2026-07-01 or 2026-07-01T09:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]

    use super::*;

    #[test]
    fn times_are_read_as_utc_unless_they_say_otherwise() {
        for (text, wanted) in [
            ("2026-07-01", Some("2026-07-01T00:00:00Z")),
            ("2026-07-01T09:00", Some("2026-07-01T09:00:00Z")),
            ("2026-07-01 09:00:30", Some("2026-07-01T09:00:30Z")),
            ("2026-07-01T09:00:00Z", Some("2026-07-01T09:00:00Z")),
            ("2026-07-01T09:00:00+09:00", Some("2026-07-01T00:00:00Z")),
            ("yesterday", None),
            ("", None),
            ("9999-12-31T23:59:59Z", None),
        ] {
            assert_eq!(time(text).ok().map(|t| t.to_string()).as_deref(), wanted, "{text}");
        }
    }
}
