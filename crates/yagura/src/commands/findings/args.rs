//! The arguments of `findings`, and their Japanese help.

use super::open::StoreAt;
use crate::cli::{ListFormat, SeverityArg};
use crate::commands::help_ja::HelpJa;
use clap::{Args, Subcommand, ValueEnum};
use yagura_findings::State;

/// `findings …`
#[derive(Debug, Subcommand)]
pub enum FindingsCommand {
    /// One line per finding, the gravest first
    List(ListArgs),
    /// Everything about one finding
    Show(ShowArgs),
    /// What became new, came back, was resolved or changed its severity
    Diff(DiffArgs),
    /// Do not tell findings until a day
    Suppress(SuppressArgs),
    /// Take a suppression back
    Unsuppress(UnsuppressArgs),
    /// The suppressions, and which are stale
    Suppressions(PlainArgs),
    /// Give a finding to somebody
    Assign(AssignArgs),
    /// What happened to a finding
    History(ShowArgs),
    /// The recorded scans
    Runs(PlainArgs),
    /// Bring the store's schema to a version, up or down
    Migrate(MigrateArgs),
}

/// A state on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names are the states' own")]
pub enum StateArg {
    New,
    Reopened,
    Active,
    Suppressed,
    Resolved,
}

impl From<StateArg> for State {
    fn from(s: StateArg) -> Self {
        match s {
            StateArg::New => Self::New,
            StateArg::Reopened => Self::Reopened,
            StateArg::Active => Self::Active,
            StateArg::Suppressed => Self::Suppressed,
            StateArg::Resolved => Self::Resolved,
        }
    }
}

/// `findings list`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura findings list
  yagura findings list --state new,reopened --severity high
  yagura findings list --rule 's3.*' --account 111122223333 --format jsonl
  yagura findings list --state resolved --assignee kim

Exit codes: 0 done, 2 bad usage, 3 nothing was recorded so far, or the store cannot be read.")]
pub struct ListArgs {
    /// Only in these states [default: all but resolved]
    #[arg(long, value_name = "STATE", value_enum, value_delimiter = ',')]
    pub state: Vec<StateArg>,
    /// Only of at least this severity
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub severity: Option<SeverityArg>,
    /// Only of this check; * stands for anything
    #[arg(long, value_name = "ID")]
    pub rule: Option<String>,
    /// Only of this account
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
    /// Only those that are given to this person
    #[arg(long, value_name = "WHO")]
    pub assignee: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub at: StoreAt,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: ListFormat,
}

/// `findings show` and `findings history`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura findings show 3f7a21c09b4d
  yagura findings history 3f7a21c09b4d --format json")]
pub struct ShowArgs {
    /// The finding's id, or its beginning
    pub id: String,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub at: StoreAt,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: ListFormat,
}

/// `findings diff`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura findings diff                                what the last recorded scan changed
  yagura findings diff --since 7d                     in the last week
  yagura findings diff --since 2026-11-01 --format json
  yagura findings diff --since 12                     since run 12 (see `yagura findings runs`)")]
pub struct DiffArgs {
    /// From when: 2026-11-01, 2026-11-01T03:00:00Z, 7d, or the number of a run [default: the last but one run]
    #[arg(long, value_name = "TIME|RUN")]
    pub since: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub at: StoreAt,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: ListFormat,
}

/// `findings suppress`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura findings suppress 3f7a21c09b4d --until 2027-03-31 --owner kim --reason 'replaced in March (NET-204)'
  yagura findings suppress s3.bucket_versioned --arn 'arn:aws:s3:::scratch-*' --until 90d --owner data --reason 'emptied every night'
  yagura findings suppress 'ec2.*' --tag env=sandbox --account 111122223333 --until 30d --owner kim --reason 'sandbox'

All that is given must fit. In a repository, the same stands in yagura.toml as [[suppress]] tables with the keys finding, rule,
arn, tag, account, until, owner and reason. A finding whose tags could not be read is told, not hidden.")]
pub struct SuppressArgs {
    /// A check (* stands for anything), or the id of a finding
    #[arg(value_name = "RULE|ID")]
    pub what: Option<String>,
    /// Only resources with this ARN (or id, where AWS gives no ARN); * stands for anything
    #[arg(long, value_name = "GLOB")]
    pub arn: Option<String>,
    /// Only resources with this tag; the value may be left out
    #[arg(long, value_name = "KEY=VALUE")]
    pub tag: Option<String>,
    /// Only this account
    #[arg(long, value_name = "ID")]
    pub account: Option<String>,
    /// The last day: 2027-03-31, or 90d from today
    #[arg(long, value_name = "DATE")]
    pub until: String,
    /// Who answers for it
    #[arg(long, value_name = "WHO")]
    pub owner: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub at: StoreAt,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: ListFormat,
}

/// `findings unsuppress`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura findings suppressions
  yagura findings unsuppress S-3")]
pub struct UnsuppressArgs {
    /// The suppression
    #[arg(value_name = "SUPPRESSION")]
    pub id: String,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub at: StoreAt,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: ListFormat,
}

/// `findings suppressions` and `findings runs`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura findings suppressions                        stale: it has ended, or covers no open finding
  yagura findings runs --format json")]
pub struct PlainArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub at: StoreAt,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: ListFormat,
}

/// `findings assign`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura findings assign 3f7a21c09b4d kim
  yagura findings assign 3f7a21c09b4d --nobody")]
pub struct AssignArgs {
    /// The finding's id, or its beginning
    pub id: String,
    /// Who is to mend it
    #[arg(value_name = "WHO", required_unless_present = "nobody", conflicts_with = "nobody")]
    pub who: Option<String>,
    /// Take it from whoever has it
    #[arg(long)]
    pub nobody: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub at: StoreAt,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: ListFormat,
}

/// `findings migrate`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura findings migrate                             to this version's schema (any command does that by itself)
  yagura findings migrate --to 1                      down, for an older Yagura: drops the history of configurations
  yagura findings migrate --to 0                      drops everything that Yagura keeps in the store")]
pub struct MigrateArgs {
    /// The version [default: the newest]
    #[arg(long, value_name = "VERSION", default_value_t = yagura_findings::SCHEMA_VERSION)]
    pub to: i64,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub at: StoreAt,
}

const FORMAT: (&str, &str) = ("format", "出力形式");
const ID: (&str, &str) = ("id", "検出結果の ID（先頭だけでもよい）");

const LIST_JA: HelpJa = HelpJa {
    about: "検出結果を重要度の高い順に 1 行ずつ一覧する",
    arguments: &[
        ("state", "この状態のものだけ [デフォルト: 解決済み以外]"),
        ("severity", "この重要度以上のものだけ"),
        ("rule", "このチェックのものだけ（* は任意の文字列）"),
        ("account", "このアカウントのものだけ"),
        ("assignee", "この担当者のものだけ"),
        FORMAT,
    ],
    examples: "例:
  yagura findings list
  yagura findings list --state new,reopened --severity high
  yagura findings list --rule 's3.*' --account 111122223333 --format jsonl
  yagura findings list --state resolved --assignee kim

終了コード: 0 完了、2 引数の誤り、3 まだ何も記録されていない、またはストアを読めない",
};

const SHOW_JA: HelpJa = HelpJa {
    about: "1 件の検出結果のすべてを表示する",
    arguments: &[ID, FORMAT],
    examples: "例:
  yagura findings show 3f7a21c09b4d
  yagura findings history 3f7a21c09b4d --format json",
};

const HISTORY_JA: HelpJa =
    HelpJa { about: "1 件の検出結果に起きたことを時系列で表示する", ..SHOW_JA };

const DIFF_JA: HelpJa = HelpJa {
    about: "新規、再発、解決、重要度の変化を表示する",
    arguments: &[
        ("since", "起点: 2026-11-01、2026-11-01T03:00:00Z、7d、または実行の番号 [デフォルト: 最後から 2 番目の実行]"),
        FORMAT,
    ],
    examples: "例:
  yagura findings diff                                最後に記録したスキャンでの変化
  yagura findings diff --since 7d                     直近 1 週間
  yagura findings diff --since 2026-11-01 --format json
  yagura findings diff --since 12                     実行 12 以降（`yagura findings runs` で番号を確認）",
};

const SUPPRESS_JA: HelpJa = HelpJa {
    about: "期限まで検出結果を抑制する",
    arguments: &[
        ("what", "チェック（* は任意の文字列）、または検出結果の ID"),
        ("arn", "この ARN（ARN のないものは ID）のリソースだけ。* は任意の文字列"),
        ("tag", "このタグを持つリソースだけ（値は省略可）"),
        ("account", "このアカウントだけ"),
        ("until", "最終日: 2027-03-31、または今日から 90 日なら 90d"),
        ("owner", "責任者"),
        ("reason", "理由"),
        FORMAT,
    ],
    examples: "例:
  yagura findings suppress 3f7a21c09b4d --until 2027-03-31 --owner kim --reason '3 月に置き換え予定 (NET-204)'
  yagura findings suppress s3.bucket_versioned --arn 'arn:aws:s3:::scratch-*' --until 90d --owner data --reason '毎晩空にする'
  yagura findings suppress 'ec2.*' --tag env=sandbox --account 111122223333 --until 30d --owner kim --reason '検証環境'

指定した条件をすべて満たすものが対象。リポジトリでは yagura.toml の [[suppress]] に finding、rule、arn、tag、account、until、
owner、reason で同じことを書ける。タグを読み取れなかった検出結果は抑制せずに表示する。",
};

const UNSUPPRESS_JA: HelpJa = HelpJa {
    about: "抑制を解除する",
    arguments: &[("id", "抑制の ID"), FORMAT],
    examples: "例:
  yagura findings suppressions
  yagura findings unsuppress S-3",
};

const SUPPRESSIONS_JA: HelpJa = HelpJa {
    about: "抑制の一覧と、不要になったもの",
    arguments: &[FORMAT],
    examples: "例:
  yagura findings suppressions                        期限切れ、または未解決の検出結果に該当しないものも示す
  yagura findings runs --format json",
};

const RUNS_JA: HelpJa = HelpJa { about: "記録されたスキャンの一覧", ..SUPPRESSIONS_JA };

const ASSIGN_JA: HelpJa = HelpJa {
    about: "検出結果に担当者を割り当てる",
    arguments: &[ID, ("who", "担当者"), ("nobody", "担当を解除する"), FORMAT],
    examples: "例:
  yagura findings assign 3f7a21c09b4d kim
  yagura findings assign 3f7a21c09b4d --nobody",
};

const MIGRATE_JA: HelpJa = HelpJa {
    about: "ストアのスキーマを指定のバージョンに上げる、または下げる",
    arguments: &[("to", "バージョン [デフォルト: 最新]")],
    examples: "例:
  yagura findings migrate                             このバージョンのスキーマにする（どのコマンドも自動で行う）
  yagura findings migrate --to 1                      古い Yagura 用に下げる。構成の変更履歴は削除される
  yagura findings migrate --to 0                      Yagura がストアに保存したものをすべて削除する",
};

/// The Japanese help of a subcommand by its name.
pub fn help_ja(name: &str) -> Option<&'static HelpJa> {
    Some(match name {
        "list" => &LIST_JA,
        "show" => &SHOW_JA,
        "diff" => &DIFF_JA,
        "suppress" => &SUPPRESS_JA,
        "unsuppress" => &UNSUPPRESS_JA,
        "suppressions" => &SUPPRESSIONS_JA,
        "assign" => &ASSIGN_JA,
        "history" => &HISTORY_JA,
        "runs" => &RUNS_JA,
        "migrate" => &MIGRATE_JA,
        _ => return None,
    })
}
