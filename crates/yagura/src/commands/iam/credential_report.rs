//! `yagura iam credential-report`: every user's password, MFA and access keys, and what is wrong with them.

use super::source::Source;
use super::{Form, HelpJa};
use crate::cli::Cli;
use crate::commands::readers;
use crate::content::Content;
use crate::failure::{Failure, exit};
use clap::Args;
use serde_json::{Map, Value, json};
use std::io::Write;
use yagura_model::{Asset, Lang};

/// Arguments of `iam credential-report`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura iam credential-report --demo
  yagura iam credential-report --profile audit --max-age 90 --format json

Exit codes: 0 nothing to mend, 1 some credential is stale, unused or without MFA, 2 bad usage, 3 it could not be read.")]
pub struct CredentialReportArgs {
    /// Days after which a key is stale, and a credential that nobody used counts as unused
    #[arg(long, value_name = "DAYS", default_value_t = 90)]
    pub max_age: i64,
    /// Form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub source: Source,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "ユーザーごとのパスワード、MFA、アクセスキーの状態と問題点を示す",
    arguments: &[
        ("max_age", "キーを古いとみなす日数。この日数使われていない認証情報は未使用とみなす"),
        ("format", "出力形式"),
    ],
    examples: "例:
  yagura iam credential-report --demo
  yagura iam credential-report --profile audit --max-age 90 --format json
終了コード: 0 問題なし、1 古い、使われていない、または MFA のない認証情報がある",
};

const KIND: &str = "iam.credential_report_entry";

/// The columns that decide.
const FIELDS: [&str; 11] = [
    "user",
    "password_enabled",
    "password_last_used",
    "password_last_changed",
    "mfa_active",
    "access_key_1_active",
    "access_key_1_last_rotated",
    "access_key_1_last_used_date",
    "access_key_2_active",
    "access_key_2_last_rotated",
    "access_key_2_last_used_date",
];

/// One thing to mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    RootKey,
    NoMfa,
    PasswordUnused(i64),
    KeyOld(u8, i64),
    KeyUnused(u8, Option<i64>),
}

/// Reads the report and tells it.
pub fn run(cli: &Cli, args: &CredentialReportArgs, lang: Lang) -> Result<u8, Failure> {
    if !args.source.authorization_details.is_empty() {
        return Err(Failure::usage(
            "authorization details hold no credential report",
            "authorization details に認証情報レポートは含まれない",
        )
        .hint("use --snapshot, --demo or a live account", "--snapshot、--demo、またはアカウントを指定すること"));
    }
    let compiled = Content::load(cli.content.as_deref())?.compile()?;
    let checks: Vec<_> = FIELDS.iter().filter_map(|field| readers::of_field(&compiled, KIND, field)).collect();
    let snapshot = args.source.snapshot(&compiled, &checks, lang)?;
    let gap = snapshot.listings.iter().filter(|l| l.kind == KIND).find_map(|l| l.gap.clone());
    let rows: Vec<&Asset> = snapshot.assets.iter().filter(|a| a.kind == KIND).collect();
    if let Some(gap) = gap.filter(|_| rows.is_empty()) {
        return Err(Failure::blind(gap.say(Lang::En), gap.say(Lang::Ja)));
    }
    let mut out = std::io::stdout().lock();
    let mut any = false;
    let mut all = Vec::new();
    for row in &rows {
        let flaws = flaws(row, snapshot.taken_at, args.max_age);
        any |= !flaws.is_empty();
        let texts: Vec<String> = flaws.iter().map(|f| f.tell(lang)).collect();
        match args.format {
            Form::Json => {
                let mut object: Map<String, Value> =
                    FIELDS.iter().map(|f| ((*f).to_owned(), json!(text(row, f)))).collect();
                object.insert("account".into(), json!(row.account.as_str()));
                object.insert("to_mend".into(), json!(texts));
                all.push(Value::Object(object));
            }
            Form::Text => {
                writeln!(out, "{}", text(row, "user"))?;
                if texts.is_empty() {
                    writeln!(out, "  {}", lang.pick("nothing to mend", "問題なし"))?;
                }
                for line in texts {
                    writeln!(out, "  {line}")?;
                }
            }
        }
    }
    if args.format == Form::Json {
        writeln!(out, "{:#}", Value::Array(all))?;
    }
    Ok(if any { exit::FINDINGS } else { exit::DONE })
}

fn text(row: &Asset, field: &str) -> String {
    let value = row.path(field).ok().flatten();
    value.as_deref().and_then(|v| v.as_str()).unwrap_or_default().to_owned()
}

/// What is wrong with a row (IAM User Guide, `id_credentials_getting-report`).
fn flaws(row: &Asset, now: jiff::Timestamp, max_age: i64) -> Vec<Flaw> {
    let on = |field: &str| text(row, field) == "true";
    let age = |field: &str| {
        let at: Option<jiff::Timestamp> = text(row, field).parse().ok();
        at.map(|at| (now.as_second() - at.as_second()) / 86_400)
    };
    let root = text(row, "user") == "<root_account>";
    let mut found = Vec::new();
    if (root || on("password_enabled")) && !on("mfa_active") {
        found.push(Flaw::NoMfa);
    }
    if on("password_enabled") {
        let last = age("password_last_used").or_else(|| age("password_last_changed"));
        found.extend(last.filter(|d| *d > max_age).map(Flaw::PasswordUnused));
    }
    for slot in [1, 2] {
        if !on(&format!("access_key_{slot}_active")) {
            continue;
        }
        if root {
            found.push(Flaw::RootKey);
        }
        let rotated = age(&format!("access_key_{slot}_last_rotated"));
        found.extend(rotated.filter(|d| *d > max_age).map(|d| Flaw::KeyOld(slot, d)));
        let used = age(&format!("access_key_{slot}_last_used_date"));
        if used.or(rotated).is_some_and(|d| d > max_age) {
            found.push(Flaw::KeyUnused(slot, used));
        }
    }
    found
}

impl Flaw {
    fn tell(self, lang: Lang) -> String {
        match (self, lang) {
            (Self::RootKey, Lang::En) => "the root user has an access key: delete it".to_owned(),
            (Self::RootKey, Lang::Ja) => "ルートユーザーにアクセスキーがある。削除すること".to_owned(),
            (Self::NoMfa, Lang::En) => "signs in with a password and without MFA".to_owned(),
            (Self::NoMfa, Lang::Ja) => "MFA なしでパスワードによりサインインできる".to_owned(),
            (Self::PasswordUnused(days), Lang::En) => format!("the password was not used for {days} days"),
            (Self::PasswordUnused(days), Lang::Ja) => format!("パスワードが {days} 日間使われていない"),
            (Self::KeyOld(slot, days), Lang::En) => format!("access key {slot} was rotated {days} days ago"),
            (Self::KeyOld(slot, days), Lang::Ja) => {
                format!("アクセスキー {slot} は {days} 日間ローテーションされていない")
            }
            (Self::KeyUnused(slot, Some(days)), Lang::En) => format!("access key {slot} was not used for {days} days"),
            (Self::KeyUnused(slot, Some(days)), Lang::Ja) => {
                format!("アクセスキー {slot} は {days} 日間使われていない")
            }
            (Self::KeyUnused(slot, None), Lang::En) => format!("access key {slot} was never used"),
            (Self::KeyUnused(slot, None), Lang::Ja) => format!("アクセスキー {slot} は一度も使われていない"),
        }
    }
}
