//! `yagura iam public`: whom outside the zone of trust a resource's policy lets in.

use super::source::{Need, Source};
use super::{Form, HelpJa, batch, say};
use crate::cli::Cli;
use crate::failure::{Failure, exit};
use clap::Args;
use serde_json::{Map, Value, json};
use smol_str::SmolStr;
use std::io::Write;
use std::path::PathBuf;
use yagura_model::IpRange;
use yagura_model::Lang;
use yagura_policy::document::Policy;
use yagura_policy::evaluate::S3Settings;
use yagura_policy::json::{Json, Node};
use yagura_policy::public::{Exposure, Question, Whom, exposure};
use yagura_policy::world::World;

/// Arguments of `iam public`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura iam public queue-policy.json --resource-account 111122223333
  yagura iam public bucket-policy.json --resource arn:aws:s3:::reports \\
    --trusted-account 444455556666
  yagura iam public --demo
  yagura iam public --profile audit --all-regions --trusted-account 444455556666
  yagura iam public --batch policies.jsonl

A line of a batch: {\"id\", \"policy\", \"resource\"?, \"resource_account\"?, \"trusted_accounts\"?: [..], \"trusted_networks\"?: [..]}
Without a file, every resource of the account is judged, and the accounts that are read trust each other.
A bucket is public by Amazon S3's own definition; other resources when anybody outside the zone of trust gets in.
Exit codes: 0 neither public nor open to an account outside the zone of trust, 1 one is, 2 bad usage, 3 something could not be read.")]
pub struct PublicArgs {
    /// Files with one policy each [default: every resource of the account]; with --batch the file of lines [default: standard input]
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The ARN of the resource that the file's policy is attached to
    #[arg(long, value_name = "ARN", requires = "files")]
    pub resource: Option<String>,
    /// The account that owns the resource [default: the one in its ARN]
    #[arg(long, value_name = "ACCOUNT", requires = "files")]
    pub resource_account: Option<String>,
    /// Further accounts of the zone of trust
    #[arg(long, value_name = "ACCOUNT", value_delimiter = ',')]
    pub trusted_account: Vec<SmolStr>,
    /// Networks from which anybody is trusted
    #[arg(long, value_name = "CIDR", value_delimiter = ',')]
    pub trusted_network: Vec<SmolStr>,
    /// Read JSON Lines and answer each on one line
    #[arg(long)]
    pub batch: bool,
    /// Output format
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Form::Text)]
    pub format: Form,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub source: Source,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "リソースのポリシーが、信頼ゾーンの外の誰にアクセスを許可しているかを調べる",
    arguments: &[
        ("files", "ポリシーのファイル（複数可）[デフォルト: アカウントの全リソース]。--batch では行を並べたファイル [デフォルト: 標準入力]"),
        ("resource", "ファイルのポリシーがアタッチされているリソースの ARN"),
        ("resource_account", "リソースを所有するアカウント [デフォルト: ARN のアカウント]"),
        ("trusted_account", "信頼ゾーンに加えるアカウント"),
        ("trusted_network", "誰からのアクセスでも信頼するネットワーク"),
        ("batch", "JSON Lines を読み、1 行ずつ答える"),
        ("format", "出力形式"),
    ],
    examples: "例:
  yagura iam public queue-policy.json --resource-account 111122223333
  yagura iam public bucket-policy.json --resource arn:aws:s3:::reports \\
    --trusted-account 444455556666
  yagura iam public --demo
  yagura iam public --profile audit --all-regions --trusted-account 444455556666
  yagura iam public --batch policies.jsonl

--batch の各行: {\"id\", \"policy\", \"resource\"?, \"resource_account\"?, \"trusted_accounts\"?: [..], \"trusted_networks\"?: [..]}
ファイルを指定しなければ、アカウントの全リソースを調べる。読み取ったアカウントどうしは信頼するものとする。
バケットは Amazon S3 の定義で、その他のリソースは信頼ゾーンの外の誰でもアクセスできるかどうかで、パブリックかどうかを判断する。
終了コード: 0 どちらでもない、1 パブリックであるか、信頼ゾーンの外のアカウントを許可している、2 引数の誤り、3 読み込めないものがある",
};

/// Judges files, or every line of a batch.
pub fn run(cli: &Cli, args: &PublicArgs, lang: Lang) -> Result<u8, Failure> {
    if args.batch {
        if args.files.len() > 1 {
            return Err(Failure::usage("--batch reads one file", "--batch で読めるファイルは 1 つだけ"));
        }
        return batch::run(args.files.first().map(PathBuf::as_path), |node| {
            let line = Line::from_node(node)?;
            let found = line.exposure();
            Ok(answer(&line.policy, &found, Lang::En))
        });
    }
    if let Some(bad) = args.trusted_network.iter().find(|n| IpRange::parse(n).is_none()) {
        return Err(Failure::usage(format!("`{bad}` is no CIDR range"), format!("`{bad}` は CIDR ではない")));
    }
    let accounts = args.trusted_account.iter().map(SmolStr::as_str).chain(args.resource_account.as_deref());
    if let Some(bad) = accounts.into_iter().find(|a| a.len() != 12 || !a.bytes().all(|b| b.is_ascii_digit())) {
        return Err(Failure::usage(
            format!("`{bad}` is no account id: expected 12 digits"),
            format!("`{bad}` はアカウント ID ではない。12 桁の数字を指定すること"),
        ));
    }
    if args.files.is_empty() {
        let world = args.source.world(cli, Need::Policies, lang)?;
        return resources(&world, args, lang);
    }
    let mut code = exit::DONE;
    let mut all = Vec::new();
    for file in &args.files {
        let line = Line {
            policy: super::diff::read(file)?,
            resource: args.resource.clone(),
            resource_account: args.resource_account.clone(),
            trusted_accounts: args.trusted_account.clone(),
            trusted_networks: args.trusted_network.clone(),
        };
        if !line.policy.statements.is_empty() && line.policy.statements.iter().all(|s| s.principals.is_none()) {
            let file = file.display();
            let failure = Failure::usage(
                format!("`{file}` is not the policy of a resource: no statement has a `Principal`"),
                format!("`{file}` はリソースベースのポリシーではない。どのステートメントにも `Principal` がない"),
            );
            return Err(failure.hint("`yagura iam lint` says more", "詳しくは `yagura iam lint` で確認すること"));
        }
        let found = line.exposure();
        if found.public || !found.cross_account.is_empty() {
            code = exit::FINDINGS;
        }
        match args.format {
            Form::Text => say(&tell(&line.policy, &found, &file.display().to_string(), lang))?,
            Form::Json => {
                let mut object = Map::new();
                object.insert("file".to_owned(), json!(file.display().to_string()));
                object.extend(answer(&line.policy, &found, lang));
                all.push(Value::Object(object));
            }
        }
    }
    if args.format == Form::Json {
        writeln!(std::io::stdout(), "{:#}", Value::Array(all))?;
    }
    Ok(code)
}

/// Judges every resource and every role's trust policy of the accounts.
fn resources(world: &World, args: &PublicArgs, lang: Lang) -> Result<u8, Failure> {
    let mut trusted: Vec<SmolStr> = world.accounts.iter().map(|a| a.id.clone()).collect();
    trusted.extend(args.trusted_account.iter().cloned());
    let of = |arn: &SmolStr, account: &SmolStr, policy: &Policy| Line {
        policy: policy.clone(),
        resource: Some(arn.to_string()),
        resource_account: Some(account.to_string()),
        trusted_accounts: trusted.clone(),
        trusted_networks: args.trusted_network.clone(),
    };
    let mut lines = Vec::new();
    let mut judged = 0;
    let (mut text, mut all, mut code) = (String::new(), Vec::new(), exit::DONE);
    for (arn, resource) in &world.resources {
        if let Some(why) = &resource.unread {
            let unknown = lang.pick("unknown: its policy could not be read", "不明（ポリシーを読み取れなかった）");
            text.push_str(&format!("{arn}: {unknown}: {why}\n"));
            all.push(json!({"resource": arn.as_str(), "unknown": why}));
        }
        let policy = resource.policy.as_ref().map(|p| of(arn, &resource.account, &p.policy));
        judged += 1;
        lines.extend(policy.map(|line| (arn, line, resource.s3.as_ref())));
        if resource.s3.as_ref().is_some_and(S3Settings::is_public_by_acl) {
            let by_acl = lang.pick("public by its ACL", "ACL によりパブリック");
            text.push_str(&format!("{arn}: {by_acl}\n"));
            all.push(json!({"resource": arn.as_str(), "public": true, "because": [by_acl]}));
            code = exit::FINDINGS;
        }
    }
    for account in &world.accounts {
        let roles = account.identities.iter().filter_map(|i| Some((&i.arn, i.trust.as_ref()?)));
        judged += roles.clone().count();
        lines.extend(roles.map(|(arn, trust)| (arn, of(arn, &account.id, &trust.policy), None)));
    }
    for (arn, line, s3) in &lines {
        let mut found = line.exposure();
        if arn.contains(":role/") {
            // That a service assumes a role is what such a role is for.
            found.because.retain(|r| !matches!(r.whom, Whom::Service(_)));
            found.unconfined_services.clear();
        }
        if found == Exposure::default() {
            continue;
        }
        let restricted = found.public && s3.is_some_and(|s| s.public_access_block.restrict_public_buckets);
        text.push_str(&tell(&line.policy, &found, arn, lang));
        if restricted {
            let note = lang.pick(
                "  Block Public Access (RestrictPublicBuckets) keeps everybody but the account and AWS services out\n",
                "  ブロックパブリックアクセス（RestrictPublicBuckets）により、所有アカウントと AWS サービス以外はアクセスできない\n",
            );
            text.push_str(note);
        } else if found.public || !found.cross_account.is_empty() {
            code = exit::FINDINGS;
        }
        let mut object = answer(&line.policy, &found, lang);
        object.insert("resource".to_owned(), json!(arn.as_str()));
        object.insert("restricted_by_block_public_access".to_owned(), json!(restricted));
        all.push(Value::Object(object));
    }
    match args.format {
        Form::Text => {
            let head = match lang {
                Lang::En => format!("{judged} resources and roles judged\n"),
                Lang::Ja => format!("リソースとロール {judged} 件を調べた\n"),
            };
            say(&(head + &text))?;
        }
        Form::Json => writeln!(std::io::stdout(), "{:#}", Value::Array(all))?,
    }
    Ok(code)
}

/// A policy and whom its owner trusts.
struct Line {
    policy: Policy,
    resource: Option<String>,
    resource_account: Option<String>,
    trusted_accounts: Vec<SmolStr>,
    trusted_networks: Vec<SmolStr>,
}

impl Line {
    fn from_node(node: &Node<'_>) -> Result<Self, String> {
        let members = node.members().ok_or("expected a JSON object")?;
        let field = |name: &str| {
            members.iter().find(|m| m.key == name).map(|m| &m.value).filter(|node| node.value != Json::Null)
        };
        let text = |name: &str| -> Result<Option<String>, String> {
            let Some(node) = field(name) else { return Ok(None) };
            written(node).map(|t| Some(t.to_owned())).ok_or_else(|| format!("`{name}` must be a string"))
        };
        let texts = |name: &str| -> Result<Vec<SmolStr>, String> {
            let items = field(name).map_or(&[] as &[Node<'_>], Node::items).iter();
            let read = items.map(|item| written(item).map(SmolStr::new));
            read.collect::<Option<_>>().ok_or_else(|| format!("`{name}` must be a list of strings"))
        };
        let policy = super::diff::policy(field("policy").ok_or("`policy` is missing")?, "policy")?;
        let line = Self {
            policy,
            resource: text("resource")?,
            resource_account: text("resource_account")?,
            trusted_accounts: texts("trusted_accounts")?,
            trusted_networks: texts("trusted_networks")?,
        };
        match line.trusted_networks.iter().find(|n| IpRange::parse(n).is_none()) {
            Some(bad) => Err(format!("`trusted_networks`: `{bad}` is no CIDR range")),
            None => Ok(line),
        }
    }

    fn exposure(&self) -> Exposure {
        exposure(&Question {
            policy: &self.policy,
            resource: self.resource.as_deref(),
            resource_account: self.resource_account.as_deref(),
            trusted_accounts: &self.trusted_accounts,
            trusted_networks: &self.trusted_networks,
        })
    }
}

/// A string; an account id may stand as a number.
fn written<'n>(node: &'n Node<'_>) -> Option<&'n str> {
    match &node.value {
        Json::Number(number) => Some(number),
        _ => node.as_str(),
    }
}

fn reasons(policy: &Policy, found: &Exposure, lang: Lang) -> Vec<String> {
    let tell = |reason: &yagura_policy::public::Reason| match lang {
        Lang::En => reason.tell(policy),
        Lang::Ja => reason.tell_ja(policy),
    };
    found.because.iter().map(tell).collect()
}

fn answer(policy: &Policy, found: &Exposure, lang: Lang) -> Map<String, Value> {
    let mut out = Map::new();
    out.insert("public".to_owned(), json!(found.public));
    out.insert("cross_account".to_owned(), json!(found.cross_account));
    out.insert("unconfined_services".to_owned(), json!(found.unconfined_services));
    out.insert("because".to_owned(), json!(reasons(policy, found, lang)));
    out
}

/// The answer for a person.
fn tell(policy: &Policy, found: &Exposure, file: &str, lang: Lang) -> String {
    let head = match (found.public, found.cross_account.is_empty(), found.unconfined_services.is_empty()) {
        (true, ..) => lang.pick("public", "パブリック"),
        (false, false, _) => {
            lang.pick("not public; lets in other accounts", "パブリックではないが、他のアカウントを許可している")
        }
        (false, true, false) => lang.pick(
            "not public; lets in services that act for anyone",
            "パブリックではないが、誰の代理でも動くサービスを許可している",
        ),
        (false, true, true) => {
            lang.pick("nobody outside the zone of trust gets in", "信頼ゾーンの外からはアクセスできない")
        }
    };
    let mut text = format!("{file}: {head}\n");
    for reason in reasons(policy, found, lang) {
        text.push_str("  ");
        text.push_str(&reason);
        text.push('\n');
    }
    text
}
