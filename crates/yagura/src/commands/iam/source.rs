//! Where the principals and resource policies of a question come from: a snapshot, files, the sample account or AWS.

use crate::cli::{AwsArgs, Cli};
use crate::commands::readers::of_field;
use crate::commands::{live, scan};
use crate::content::{Compiled, Content};
use crate::failure::Failure;
use crate::progress::Display;
use clap::Args;
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yagura_inventory::{load, save};
use yagura_model::{Lang, Snapshot};
use yagura_policy::account::Account;
use yagura_policy::compile::Compiled as CompiledPolicy;
use yagura_policy::document::Policy;
use yagura_policy::json::{self, Json};
use yagura_policy::request::Context;
use yagura_policy::world::{Guardrails, Resource, World};
use yagura_rule::Check;

/// Arguments of every question about an account. Without one of the first three, AWS is asked.
#[derive(Debug, Args)]
pub struct Source {
    /// The built-in sample account: no account needed
    #[arg(long, conflicts_with_all = ["snapshot", "authorization_details", "AwsArgs"])]
    pub demo: bool,
    /// A snapshot that --save wrote, here or of a scan that reads the same
    #[arg(long, value_name = "FILE", conflicts_with_all = ["authorization_details", "AwsArgs"])]
    pub snapshot: Option<PathBuf>,
    /// What `aws iam get-account-authorization-details` printed; may be given for several accounts
    #[arg(long, value_name = "FILE", conflicts_with = "AwsArgs")]
    pub authorization_details: Vec<PathBuf>,
    /// Keep what was read of AWS, for --snapshot
    #[arg(long, value_name = "FILE", conflicts_with_all = ["demo", "snapshot", "authorization_details"])]
    pub save: Option<PathBuf>,
    /// A resource's own policy, as ARN=FILE
    #[arg(long, value_name = "ARN=FILE")]
    pub resource_policy: Vec<String>,
    /// The service control policies of one level (a policy or a list); once per level, from the root
    #[arg(long, value_name = "FILE")]
    pub scp: Vec<PathBuf>,
    /// The resource control policies of one level; once per level, from the root
    #[arg(long, value_name = "FILE")]
    pub rcp: Vec<PathBuf>,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub aws: AwsArgs,
}

/// What a question cannot do without.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Users, roles, groups and their policies.
    Principals,
    /// These, and every resource that has a policy of its own.
    Both,
    /// The policies of roles and resources, whichever of them could be read.
    Policies,
}

/// The Japanese help of [`Source`]'s own arguments.
pub const SOURCE_JA: [(&str, &str); 7] = [
    ("save", "読み取った内容を保存する（--snapshot で使う）"),
    ("demo", "組み込みのサンプルアカウントを使う（アカウント不要）"),
    ("snapshot", "--save で保存したスナップショット（同じ項目を読み取った scan のものも可）"),
    ("authorization_details", "aws iam get-account-authorization-details の出力。アカウントごとに複数指定できる"),
    ("resource_policy", "リソースのポリシー（ARN=ファイル）"),
    ("scp", "1 階層分のサービスコントロールポリシー（ポリシーまたはリスト）。ルートから順に階層ごとに指定する"),
    ("rcp", "1 階層分のリソースコントロールポリシー。ルートから順に階層ごとに指定する"),
];

/// Fields that decide on access besides policies.
const ALSO: [(&str, &str); 3] =
    [("s3.bucket", "PublicAccessBlock"), ("s3.bucket", "OwnershipControls"), ("s3.bucket", "Grants")];

/// The fields of principals.
const PRINCIPALS: [(&str, &[&str]); 5] = [
    ("iam.user", &["UserPolicyList", "GroupList", "AttachedManagedPolicies", "PermissionsBoundary", "Tags"]),
    ("iam.group", &["GroupPolicyList", "AttachedManagedPolicies"]),
    (
        "iam.role",
        &[
            "AssumeRolePolicyDocument",
            "RolePolicyList",
            "AttachedManagedPolicies",
            "InstanceProfileList",
            "PermissionsBoundary",
            "Tags",
        ],
    ),
    ("iam.policy", &["PolicyVersionList"]),
    ("iam.aws_managed_policy", &["PolicyVersionList"]),
];

impl Source {
    /// Whether a file, the sample account or an account of AWS's was named.
    pub fn is_given(&self) -> bool {
        let file = self.snapshot.is_some() || !self.authorization_details.is_empty();
        self.demo || file || self.aws.profile.is_some() || !self.aws.role_arn.is_empty()
    }

    /// Reads what a question stands on.
    pub fn world(&self, cli: &Cli, need: Need, lang: Lang) -> Result<World, Failure> {
        let mut world = if self.authorization_details.is_empty() {
            let content = Content::load(cli.content.as_deref())?;
            let compiled = content.compile()?;
            let kinds = policy_kinds(&compiled);
            let snapshot = self.snapshot(&compiled, &readers(&compiled, need != Need::Principals), lang)?;
            World::from_snapshot(&snapshot, &kinds).map_err(|e| Failure::blind(e.clone(), e))?
        } else {
            let accounts = self.authorization_details.iter().map(|path| account(path)).collect::<Result<_, _>>()?;
            World::new(accounts)
        };
        self.add_policies(&mut world)?;
        complain(&world, need, lang)?;
        Ok(world)
    }

    /// The sample account, the snapshot file, or what is read of AWS for these checks.
    pub fn snapshot(&self, compiled: &Compiled, checks: &[Check], lang: Lang) -> Result<Snapshot, Failure> {
        if self.demo {
            return scan::demo(compiled);
        }
        if let Some(path) = &self.snapshot {
            return load(path)
                .map_err(|e| Failure::usage(e.to_string(), format!("スナップショットを読み込めない: {e}")));
        }
        let snapshot = live::read(&self.aws, compiled, checks, &Display::new(false, lang), lang)?;
        if let Some(path) = &self.save {
            save(&snapshot, path)
                .map_err(|e| Failure::usage(e.to_string(), format!("スナップショットを書き込めない: {e}")))?;
        }
        Ok(snapshot)
    }

    fn add_policies(&self, world: &mut World) -> Result<(), Failure> {
        for given in &self.resource_policy {
            let Some((arn, file)) = given.split_once('=') else {
                return Err(Failure::usage(
                    format!("`{given}`: expected ARN=FILE"),
                    format!("`{given}`: ARN=ファイル の形で指定すること"),
                ));
            };
            let policy = policies(Path::new(file))?.into_iter().next();
            let owner = arn.split(':').nth(4).filter(|a| !a.is_empty());
            let only = if let [one] = world.accounts.as_slice() { Some(one.id.clone()) } else { None };
            let account = owner.map(SmolStr::new).or(only).unwrap_or_default();
            world.resources.insert(arn.into(), Resource { account, policy, ..Resource::default() });
        }
        if self.scp.is_empty() && self.rcp.is_empty() {
            return Ok(());
        }
        let levels = |files: &[PathBuf]| files.iter().map(|f| policies(f)).collect::<Result<Vec<_>, _>>();
        let guardrails = Guardrails { scp: levels(&self.scp)?, rcp: levels(&self.rcp)? };
        for account in &world.accounts {
            world.guardrails.insert(account.id.clone(), guardrails.clone());
        }
        Ok(())
    }
}

/// Says on standard error what could not be listed; without any user or role an answer would be an empty one.
fn complain(world: &World, need: Need, lang: Lang) -> Result<(), Failure> {
    let unread = world.principals_unread().filter(|_| world.identities().next().is_none());
    if let Some(gap) = unread.filter(|_| need != Need::Policies || world.resources.is_empty()) {
        let failure = Failure::blind(
            format!("users and roles were not read: {}", gap.say(Lang::En)),
            format!("ユーザーとロールを読み取れていない: {}", gap.say(Lang::Ja)),
        );
        return Err(failure.hint(
            "ask the account, or a snapshot that an `iam` command saved with --save",
            "アカウントを直接指定するか、iam コマンドの --save で保存したスナップショットを使うこと",
        ));
    }
    for (kind, gap) in world.gaps.iter().filter(|(kind, _)| need != Need::Principals || kind.starts_with("iam.")) {
        writeln!(std::io::stderr(), "{}: {kind}: {}", lang.pick("not read", "読み取れなかった"), gap.say(lang))?;
    }
    Ok(())
}

/// What has the fields read that questions stand on.
fn readers(compiled: &Compiled, resources: bool) -> Vec<Check> {
    let mut fields: Vec<(SmolStr, SmolStr)> = Vec::new();
    for (kind, names) in PRINCIPALS {
        fields.extend(names.iter().map(|name| (kind.into(), (*name).into())));
    }
    if resources {
        fields.extend(policy_kinds(compiled));
        fields.extend(ALSO.iter().map(|(kind, field)| ((*kind).into(), (*field).into())));
    }
    fields.iter().filter_map(|(kind, field)| of_field(compiled, kind, field)).collect()
}

/// The kinds that have a policy of their own, with its field.
pub fn policy_kinds(compiled: &Compiled) -> BTreeMap<SmolStr, SmolStr> {
    compiled.kinds.iter().filter_map(|k| Some((k.resource.id.clone(), k.resource.policy.clone()?))).collect()
}

fn account(path: &Path) -> Result<Account, Failure> {
    Account::parse(&text(path)?).map_err(|e| {
        Failure::blind(format!("`{}`: {e}", path.display()), format!("`{}` を読み込めない: {e}", path.display()))
    })
}

/// A policy of a file, or a list of them.
pub fn policies(path: &Path) -> Result<Vec<Arc<CompiledPolicy>>, Failure> {
    let text = text(path)?;
    let name = path.display().to_string();
    let bad = |line: usize, column: usize, what: &str| {
        Failure::usage(format!("{name}:{line}:{column}: {what}"), format!("{name}:{line}:{column}: {what}"))
    };
    let node = json::parse(&text).map_err(|e| {
        let (line, column) = json::position(&text, e.span.start);
        bad(line, column, &e.message)
    })?;
    let items = if matches!(node.value, Json::Array(_)) { node.items() } else { std::slice::from_ref(&node) };
    let read = |item| {
        Policy::from_node(item).map(|p| Arc::new(CompiledPolicy::new(name.as_str(), p))).map_err(|problems| {
            let first = problems.first();
            let (line, column) = first.map_or((1, 1), |p| json::position(&text, p.span.start));
            bad(line, column, &first.map(ToString::to_string).unwrap_or_default())
        })
    };
    items.iter().map(read).collect()
}

/// A text file.
pub fn text(path: &Path) -> Result<String, Failure> {
    let bytes = std::fs::read(path).map_err(|e| {
        Failure::blind(
            format!("cannot read `{}`: {e}", path.display()),
            format!("`{}` を読み込めない: {e}", path.display()),
        )
    })?;
    String::from_utf8(bytes).map_err(|_| {
        Failure::usage(format!("`{}` is not UTF-8", path.display()), format!("`{}` は UTF-8 ではない", path.display()))
    })
}

/// `KEY=VALUE` pairs; a key given more than once has several values, and `KEY=` says that it is absent.
pub fn context(pairs: &[String]) -> Result<Context, Failure> {
    let mut keys: BTreeMap<String, Vec<SmolStr>> = BTreeMap::new();
    for pair in pairs {
        let Some((key, value)) = pair.split_once('=').filter(|(key, _)| key.contains(':')) else {
            return Err(Failure::usage(
                format!("`{pair}`: expected KEY=VALUE with a condition key such as aws:SourceIp"),
                format!("`{pair}`: 条件キー=値 の形で指定すること（例: aws:SourceIp=203.0.113.1）"),
            ));
        };
        let values = keys.entry(key.to_owned()).or_default();
        if !value.is_empty() {
            values.push(value.into());
        }
    }
    let mut context = Context::default();
    for (key, values) in keys {
        context.set(&key, values);
    }
    Ok(context)
}

/// The ARN that a person means: itself, or the only user or role of that name.
pub fn principal(world: &World, name: &str) -> Result<SmolStr, Failure> {
    if name.contains(':') || name == "*" {
        return Ok(name.into());
    }
    let found: Vec<&SmolStr> = world.identities().filter(|i| i.name == name).map(|i| &i.arn).collect();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let names = world.identities().map(|i| i.name.as_str());
            Err(Failure::unknown(("user or role", "ユーザーまたはロール"), name, names))
        }
        several => {
            let list = several.iter().map(|a| a.as_str()).collect::<Vec<_>>().join(", ");
            Err(Failure::usage(
                format!("several principals are named `{name}`: {list}"),
                format!("`{name}` という名前のプリンシパルが複数ある: {list}"),
            ))
        }
    }
}
