//! `yagura query`: SQL over the lake, a snapshot's assets and its findings.

pub mod ask;
mod estate;
mod lake;
pub mod library;
mod output;
mod shell;
mod table;
mod words;

use super::help_ja::HelpJa;
use super::store::StoreArgs;
use crate::cli::Cli;
use crate::content::Content;
use crate::failure::{Failure, exit};
use clap::{Args, ValueEnum};
use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use yagura_model::Lang;
use yagura_query::{Options, Session};

/// Arguments of `query`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura query \"SELECT eventname, count(*) AS n FROM cloudtrail_logs GROUP BY 1 ORDER BY n DESC LIMIT 10\"
  yagura query --lake s3://security-lake/yagura --format csv --output rejected.csv --file rejected.sql
  yagura query --logs AWSLogs/ --run cloudtrail.console_login_without_mfa
  yagura query --list                                          the library of hunting queries
  yagura query --run cloudtrail.key_activity --set key=AKIAIOSFODNN7EXAMPLE
  yagura query --demo \"SELECT severity, count(*) AS n FROM findings WHERE status = 'fail' GROUP BY 1\"
  yagura query --lake yagura-lake                              on a terminal: a shell (help lists its commands)

The SQL is that of Amazon Athena, with its tables' names; `SHOW TABLES` and `DESCRIBE cloudtrail_logs` tell which there are.
Only reading statements are taken: SELECT, WITH, SHOW, DESCRIBE, EXPLAIN.
Exit codes: 0 done, 2 bad usage or SQL, 3 something could not be read.")]
pub struct QueryArgs {
    /// The statement; - reads it from standard input [default: a shell, on a terminal]
    #[arg(value_name = "SQL", conflicts_with_all = ["file", "list", "run"])]
    pub sql: Option<String>,
    /// A file with the statement
    #[arg(long, value_name = "FILE", conflicts_with_all = ["list", "run"])]
    pub file: Option<PathBuf>,
    /// The lake: a folder, or s3://bucket/prefix [default: yagura-lake, if there is one]
    #[arg(long, value_name = "DIR|s3://…", env = "YAGURA_LAKE", hide_env_values = true)]
    pub lake: Option<String>,
    /// Raw logs in place of a lake: files, folders, patterns, s3://bucket/prefix; of any format
    #[arg(long, value_name = "SRC", conflicts_with = "lake")]
    pub logs: Vec<String>,
    /// A snapshot that scan --save wrote: its resources are the table assets, its verdicts the table findings
    #[arg(long, value_name = "FILE", conflicts_with = "demo")]
    pub snapshot: Option<PathBuf>,
    /// The sample estate: its logs, assets and findings
    #[arg(long)]
    pub demo: bool,
    /// List the library of hunting queries
    #[arg(long, conflicts_with = "run")]
    pub list: bool,
    /// Run a query of the library
    #[arg(long, value_name = "NAME")]
    pub run: Option<String>,
    /// A parameter of the library's query
    #[arg(long, value_name = "KEY=VALUE", requires = "run")]
    pub set: Vec<String>,
    /// Show how the statement would be run, and do not run it
    #[arg(long)]
    pub explain: bool,
    /// Form of the answer [default: by the ending of --output, else table]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub format: Option<AnswerFormat>,
    /// Where the answer goes [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The most rows that a table shows; 0 for all
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub max_rows: usize,
    /// The most memory for sorting, grouping and joining, in MB; what needs more goes to the disk
    #[arg(long, value_name = "MB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(16..))]
    pub memory: u32,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub store: StoreArgs,
}

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "a text per value would make every help page long")]
pub enum AnswerFormat {
    Table,
    Csv,
    Json,
    Parquet,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "ログのレイク、スナップショットのリソースと検出結果に SQL で問い合わせる",
    arguments: &[
        ("sql", "SQL 文。- は標準入力から読む [デフォルト: 端末では対話シェル]"),
        ("file", "SQL 文を書いたファイル"),
        (
            "lake",
            "レイクの場所（フォルダーまたは s3://バケット/プレフィックス） [デフォルト: yagura-lake があればそれ]",
        ),
        (
            "snapshot",
            "scan --save で保存したスナップショット。リソースはテーブル assets、判定はテーブル findings になる",
        ),
        (
            "logs",
            "レイクの代わりに使う生ログ: ファイル、フォルダー、パターン、s3://バケット/プレフィックス（形式は問わない）",
        ),
        ("demo", "サンプル環境のログ、リソース、検出結果を使う"),
        ("list", "ハンティングクエリのライブラリを一覧する"),
        ("run", "ライブラリのクエリを実行する"),
        ("set", "ライブラリのクエリのパラメータ"),
        ("explain", "実行せずに実行計画を表示する"),
        ("format", "結果の形式 [デフォルト: --output の拡張子、なければ table]"),
        ("output", "結果の出力先 [デフォルト: 標準出力]"),
        ("max_rows", "表に表示する最大行数。0 は全行"),
        ("memory", "並べ替え、集計、結合に使うメモリの上限（MB）。超える分はディスクを使う"),
    ],
    examples: "例:
  yagura query \"SELECT eventname, count(*) AS n FROM cloudtrail_logs GROUP BY 1 ORDER BY n DESC LIMIT 10\"
  yagura query --lake s3://security-lake/yagura --format csv --output rejected.csv --file rejected.sql
  yagura query --logs AWSLogs/ --run cloudtrail.console_login_without_mfa
  yagura query --list                                          ハンティングクエリの一覧
  yagura query --run cloudtrail.key_activity --set key=AKIAIOSFODNN7EXAMPLE
  yagura query --demo \"SELECT severity, count(*) AS n FROM findings WHERE status = 'fail' GROUP BY 1\"
  yagura query --lake yagura-lake                              端末では対話シェル（help でコマンド一覧）

SQL は Amazon Athena のもので、テーブル名も同じ。`SHOW TABLES` と `DESCRIBE cloudtrail_logs` で確認できる。
読み取りの文だけを受け付ける: SELECT、WITH、SHOW、DESCRIBE、EXPLAIN。
終了コード: 0 完了、2 引数または SQL の誤り、3 読み取れないものがあった",
};

/// Runs.
pub fn run(cli: &Cli, args: &QueryArgs, lang: Lang) -> Result<u8, Failure> {
    let format = output::format(args)?;
    let library = || Content::load(cli.content.as_deref()).map(|content| library::Library::read(&content));
    if args.list {
        return library()?.list(format == AnswerFormat::Json, args.output.as_deref(), lang);
    }
    let sql = match &args.run {
        Some(name) => Some(library()?.sql(name, &args.set, lang)?),
        None => statement(args)?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let Some(sql) = sql else {
        let opened = lake::open(args, &runtime, lang)?;
        let session = runtime.block_on(async { session(cli, args, &opened, true, lang) })?;
        shell::run(&runtime, &session, args, lang)?;
        return Ok(exit::DONE);
    };
    let sql = if args.explain { format!("EXPLAIN {sql}") } else { sql };
    let mut tries = 1..=TRIES;
    loop {
        tries.next();
        let opened = lake::open(args, &runtime, lang)?;
        let session = runtime.block_on(async { session(cli, args, &opened, false, lang) })?;
        let answer = runtime.block_on(async {
            let mut answer = session.ask(&sql).await?;
            answer.begin().await.map(|()| answer)
        });
        match answer {
            // Nothing was written yet, and the manifest of now names the file that took its place.
            Err(yagura_query::Error::Gone(_)) if !tries.is_empty() => {}
            Err(error) => return Err(words::failure(error)),
            Ok(answer) => {
                runtime.block_on(output::write(answer, format, args, lang))?;
                return Ok(exit::DONE);
            }
        }
    }
}

/// How often a query is begun whose files are merged away under it.
const TRIES: u32 = 4;

/// What is asked; none for the shell.
fn statement(args: &QueryArgs) -> Result<Option<String>, Failure> {
    if let Some(path) = &args.file {
        let shown = path.display();
        return match std::fs::read_to_string(path) {
            Ok(sql) => Ok(Some(sql)),
            Err(e) => {
                Err(Failure::usage(format!("cannot read `{shown}`: {e}"), format!("`{shown}` を読み込めない: {e}")))
            }
        };
    }
    let terminal = std::io::stdin().is_terminal();
    match args.sql.as_deref() {
        Some("-") => {}
        Some(sql) => return Ok(Some(sql.to_owned())),
        None if terminal => return Ok(None),
        None => {}
    }
    let mut sql = String::new();
    match std::io::stdin().read_to_string(&mut sql) {
        Ok(_) => Ok(Some(sql)),
        Err(e) => Err(Failure::usage(
            format!("cannot read the statement from standard input: {e}"),
            format!("標準入力から SQL 文を読み込めない: {e}"),
        )),
    }
}

fn session(cli: &Cli, args: &QueryArgs, opened: &lake::Opened, shell: bool, lang: Lang) -> Result<Session, Failure> {
    let memory = usize::try_from(args.memory).unwrap_or(256) << 20;
    let options = Options { memory, keep_footers: shell, ..Options::default() };
    let mut session = Session::new(opened.store.clone(), opened.tables.clone(), &options).map_err(words::failure)?;
    if args.demo || args.snapshot.is_some() {
        let (assets, findings) = estate::tables(cli, args, lang)?;
        session.add("assets", assets).map_err(words::failure)?;
        session.add("findings", findings).map_err(words::failure)?;
    }
    Ok(session)
}
