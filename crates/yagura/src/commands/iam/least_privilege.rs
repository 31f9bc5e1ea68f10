//! `yagura iam least-privilege`: the least policy that covers what CloudTrail saw a principal do.

use super::source::{Need, Source, principal};
use super::{Form, HelpJa, catalogue, trail};
use crate::cli::Cli;
use crate::content::embedded_text;
use crate::failure::{Failure, exit};
use clap::Args;
use serde_json::{Value, json};
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use yagura_model::Lang;
use yagura_policy::least::{Observed, Record, principal_of};
use yagura_policy::request::Context;
use yagura_policy::world::{World, what_can};

/// Arguments of `iam least-privilege`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura iam least-privilege --demo deploy-ci
  yagura iam least-privilege arn:aws:iam::111122223333:role/app --logs s3-copy/AWSLogs/
  yagura iam least-privilege --demo deploy-ci > policy.json
  yagura iam least-privilege app --logs trail.json.gz \\
    --authorization-details details.json --format json

The policy goes to standard output, what to know about it to standard error; json holds both.
With --authorization-details or another source, what is granted and was not seen is told too.
Exit codes: 0 done, 2 bad usage, 3 there is no record of the principal, or nothing could be read.")]
pub struct LeastPrivilegeArgs {
    /// A user's or role's name or ARN
    pub principal: String,
    /// CloudTrail files, or folders of them
    #[arg(long, value_name = "PATH", num_args = 1.., required_unless_present = "demo")]
    pub logs: Vec<PathBuf>,
    /// Form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub source: Source,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "CloudTrail に記録された操作から、必要最小限のポリシーを作る",
    arguments: &[
        ("principal", "ユーザーまたはロールの名前か ARN"),
        ("logs", "CloudTrail のファイル、またはそのフォルダー"),
        ("format", "出力形式"),
    ],
    examples: "例:
  yagura iam least-privilege --demo deploy-ci
  yagura iam least-privilege arn:aws:iam::111122223333:role/app --logs s3-copy/AWSLogs/
  yagura iam least-privilege --demo deploy-ci > policy.json
  yagura iam least-privilege app --logs trail.json.gz \\
    --authorization-details details.json --format json

ポリシーは標準出力に、補足は標準エラー出力に書く（json には両方を含む）。
--authorization-details などを指定すると、許可されているが使われていないアクションも示す。
終了コード: 0 完了、2 引数の誤り、3 プリンシパルの記録がない、または読み込めない",
};

const DEMO: &str = "demo/cloudtrail.json";

/// What the principal is granted and was not seen to use; `None` where the grants are not known.
type Unused = Option<Vec<SmolStr>>;

/// Reads the logs and writes the policy.
pub fn run(cli: &Cli, args: &LeastPrivilegeArgs, lang: Lang) -> Result<u8, Failure> {
    let catalogue = catalogue()?;
    let world = if args.source.is_given() { args.source.world(cli, Need::Principals, lang)? } else { World::default() };
    let wanted = match world.identities().next() {
        Some(_) => principal(&world, &args.principal)?,
        None => args.principal.as_str().into(),
    };
    let is_wanted = |arn: &str| {
        let by_name = !wanted.contains(':') && arn.rsplit('/').next() == Some(wanted.as_str());
        arn == wanted || by_name
    };
    let mut observed = Observed::default();
    let mut others: BTreeSet<String> = BTreeSet::new();
    let mut total = 0_usize;
    let mut take = |record: &Value| {
        total += 1;
        match principal_of(record) {
            Some(arn) if is_wanted(arn) => observed.add(&catalogue, &Record(record)),
            Some(arn) if others.len() < 1000 => drop(others.insert(arn.to_owned())),
            _ => {}
        }
    };
    let unread = if args.source.demo && args.logs.is_empty() {
        let text = embedded_text(DEMO).unwrap_or_default();
        let whole: Value = serde_json::from_str(&text).unwrap_or_default();
        whole.get("Records").and_then(Value::as_array).into_iter().flatten().for_each(&mut take);
        Vec::new()
    } else {
        trail::read(&args.logs, &mut take)?
    };
    for (place, why) in &unread {
        writeln!(std::io::stderr(), "{}: {place}: {why}", lang.pick("not read", "読み取れなかった"))?;
    }
    if observed.records == 0 {
        let failure = Failure::blind(
            format!("none of the {total} records is of `{wanted}`"),
            format!("{total} 件の記録に `{wanted}` によるものはない"),
        );
        let near = yagura_model::nearest(&wanted, others.iter().map(String::as_str)).map(str::to_owned);
        let some = near.or_else(|| others.into_iter().next());
        return Err(match some {
            Some(one) => failure.hint(format!("there are records of `{one}`"), format!("`{one}` の記録はある")),
            None => failure,
        });
    }
    observed.widen();
    let unused = world.identity(&wanted).map(|_| {
        let used: BTreeSet<&SmolStr> = observed.actions().map(|(a, _)| a).collect();
        let granted = what_can(&world, &catalogue, &wanted, &Context::default());
        let all = granted.into_iter().flat_map(|s| s.actions).map(|g| g.action);
        all.filter(|a| !used.contains(a)).collect::<Vec<_>>()
    });
    let mut out = std::io::stdout().lock();
    match args.format {
        Form::Json => writeln!(out, "{:#}", to_json(&wanted, &observed, &unused, unread.len()))?,
        Form::Text => {
            writeln!(out, "{}", serde_json::to_string_pretty(&observed.policy()).unwrap_or_default())?;
            std::io::stderr().lock().write_all(notes(&wanted, &observed, &unused, lang).as_bytes())?;
        }
    }
    Ok(exit::DONE)
}

/// What to know about the policy.
fn notes(principal: &str, observed: &Observed, unused: &Unused, lang: Lang) -> String {
    let mut out = String::from("\n");
    let (first, last) = observed.period.clone().unwrap_or_default();
    let _ = match lang {
        Lang::En => writeln!(out, "{} records of {principal}, {first} to {last}", observed.records),
        Lang::Ja => writeln!(out, "{principal} の記録 {} 件（{first} から {last} まで）", observed.records),
    };
    let mut list = |head: &str, items: Vec<String>| {
        if !items.is_empty() {
            let _ = writeln!(out, "\n{head}");
            for item in items {
                let _ = writeln!(out, "  {item}");
            }
        }
    };
    let counted = |(name, n): (&SmolStr, &usize)| format!("{name}  × {n}");
    list(
        lang.pick("Denied by AWS, and left out of the policy:", "AWS に拒否されたため、ポリシーに含めないもの:"),
        observed.denied.iter().map(counted).collect(),
    );
    list(
        lang.pick(
            "On every resource, because a record names none: narrow them by hand",
            "記録にリソースがないため、すべてのリソースを対象にしたもの（手作業で絞り込むこと）:",
        ),
        observed.without_resource.iter().map(ToString::to_string).collect(),
    );
    list(
        lang.pick("Widened, because many resources were used:", "リソースが多いため、ワイルドカードにまとめたもの:"),
        observed.widened.iter().map(ToString::to_string).collect(),
    );
    list(
        lang.pick("Operations whose IAM action is not known:", "対応する IAM アクションが不明な操作:"),
        observed.unknown.iter().map(counted).collect(),
    );
    if let Some(unused) = unused {
        let mut services: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (service, action) in unused.iter().filter_map(|a| a.split_once(':')) {
            services.entry(service).or_default().push(action);
        }
        let shown = services.iter().take(40).map(|(service, actions)| match actions.len() {
            ..=6 => format!("{service}: {}", actions.join(", ")),
            n => format!("{service}: {n}"),
        });
        let more = services.len().saturating_sub(40);
        let rest = (more > 0).then(|| match lang {
            Lang::En => format!("… and {more} more services"),
            Lang::Ja => format!("… ほか {more} サービス"),
        });
        let shown = shown.chain(rest).collect();
        let head = match lang {
            Lang::En => format!("Granted today and not seen ({} actions):", unused.len()),
            Lang::Ja => format!("現在許可されているが、使われていないもの（{} アクション）:", unused.len()),
        };
        list(&head, shown);
    }
    out.push_str(lang.pick(
        "\nWhat stays unobserved:\n  calls outside that time\n  data events (S3 objects, Lambda invocations, DynamoDB items, …), unless the\n  trail records them\n  actions that CloudTrail does not record\n  condition keys of the requests\n",
        "\n観測できていないもの:\n  この期間外の呼び出し\n  証跡が記録していないデータイベント（S3 オブジェクト、Lambda の呼び出し、\n  DynamoDB の項目など）\n  CloudTrail が記録しないアクション\n  リクエストの条件キー\n",
    ));
    out
}

fn to_json(principal: &str, observed: &Observed, unused: &Unused, unread: usize) -> Value {
    json!({
        "principal": principal, "policy": observed.policy(), "records": observed.records,
        "period": observed.period.as_ref().map(|(a, b)| json!([a.as_str(), b.as_str()])),
        "denied": observed.denied, "without_resource": observed.without_resource, "widened": observed.widened,
        "unknown_operations": observed.unknown, "granted_and_unseen": unused, "files_not_read": unread,
        "not_observed": ["calls outside the period", "data events unless the trail records them",
            "actions that CloudTrail does not record", "condition keys"],
    })
}
