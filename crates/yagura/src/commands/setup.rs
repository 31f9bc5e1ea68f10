//! `yagura setup org`: the read-only role for every account of an organization, with exactly the permissions that the chosen checks need.

use super::help_ja::HelpJa;
use super::permissions;
use super::prepare::{Prepared, prepare};
use crate::cli::{Cli, Selection};
use crate::failure::{Failure, exit};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value as Json, json};
use smol_str::SmolStr;
use std::io::Write;
use yagura_inventory::Plan;
use yagura_model::Lang;

/// How long a managed policy may be, without white space (IAM user guide, "IAM and AWS STS quotas": 6,144 characters).
const LONGEST_POLICY: usize = 6_144;
/// How many managed policies a role may have without a higher quota (the same page).
const MOST_POLICIES: usize = 10;

/// `setup …`
#[derive(Debug, Subcommand)]
pub enum SetupCommand {
    /// The read-only role for every account, as a CloudFormation StackSet or as Terraform
    Org(OrgArgs),
}

/// `setup org`
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura setup org --print --trust 111122223333 > yagura-org.json
  aws cloudformation deploy --template-file yagura-org.json --stack-name yagura --capabilities CAPABILITY_NAMED_IAM \\
      --parameter-overrides OrganizationalUnits=r-ab12
  yagura setup org --print --trust 111122223333 --format terraform > yagura.tf
  yagura setup org --print --trust 111122223333 --format template    the role alone, for one account
  yagura scan --org --all-regions                                    then, from the trusted account

Deploy it in the management account. A role that the StackSet makes appears in new accounts by itself.")]
pub struct OrgArgs {
    /// Print it; nothing is deployed by Yagura itself
    #[arg(long)]
    print: bool,
    /// The account that Yagura runs in: only its principals may assume the role
    #[arg(long, value_name = "ACCOUNT", value_parser = account)]
    trust: String,
    /// Ask for this external id
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// The role's name
    #[arg(long, value_name = "NAME", default_value = "YaguraReadOnly")]
    org_role: String,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    selection: Selection,
    /// What to print
    #[arg(long, value_enum, default_value_t)]
    format: SetupFormat,
}

/// What `setup org` prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum SetupFormat {
    /// A CloudFormation template for the management account: the StackSet, and the role in that account
    #[default]
    Stackset,
    /// A CloudFormation template with the role alone
    Template,
    /// Terraform: the same StackSet and role
    Terraform,
}

fn account(text: &str) -> Result<String, String> {
    let digits = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
    if digits { Ok(text.to_owned()) } else { Err("an account has 12 digits".to_owned()) }
}

const ORG_JA: HelpJa = HelpJa {
    about: "全アカウントに作る読み取り専用ロールを、CloudFormation StackSet または Terraform として出力する",
    arguments: &[
        ("print", "出力する（Yagura 自身は何もデプロイしない）"),
        ("trust", "Yagura を実行するアカウント。このアカウントのプリンシパルだけがロールを引き受けられる"),
        ("external_id", "外部 ID を必須にする"),
        ("org_role", "ロール名"),
        ("format", "出力するもの"),
    ],
    examples: "例:
  yagura setup org --print --trust 111122223333 > yagura-org.json
  aws cloudformation deploy --template-file yagura-org.json --stack-name yagura --capabilities CAPABILITY_NAMED_IAM \\
      --parameter-overrides OrganizationalUnits=r-ab12
  yagura setup org --print --trust 111122223333 --format terraform > yagura.tf
  yagura setup org --print --trust 111122223333 --format template    1 アカウント分のロールだけ
  yagura scan --org --all-regions                                    その後、信頼されたアカウントから実行

管理アカウントでデプロイする。新しいアカウントには StackSet が自動でロールを作る。",
};

/// The Japanese help of a subcommand by its name.
pub fn help_ja(name: &str) -> Option<&'static HelpJa> {
    (name == "org").then_some(&ORG_JA)
}

/// Runs a `setup` command.
pub fn run(cli: &Cli, command: &SetupCommand, lang: Lang) -> Result<u8, Failure> {
    let SetupCommand::Org(args) = command;
    let Prepared { compiled, checks, .. } = prepare(cli, &args.selection, lang)?;
    let actions: Vec<SmolStr> = permissions::actions(&Plan::of(&checks, &compiled.kinds)).into_iter().collect();
    let policies = policies(&actions);
    if policies.len() > MOST_POLICIES {
        let n = policies.len();
        let said = lang.pick(
            "managed policies are needed, and a role may have 10 unless its quota is raised; choose fewer checks with --framework or --service",
            "個の管理ポリシーが必要だが、クォータを引き上げない限りロールに付けられるのは 10 個まで。--framework や --service でチェックを絞ること",
        );
        let _ = writeln!(std::io::stderr(), "{n} {said}");
    }
    let role = role_template(args, &policies);
    let mut out = std::io::stdout().lock();
    match args.format {
        SetupFormat::Template => pretty(&mut out, &role)?,
        SetupFormat::Stackset => pretty(&mut out, &stack_set(args, &role))?,
        SetupFormat::Terraform => out.write_all(terraform(args, &role).as_bytes())?,
    }
    Ok(exit::DONE)
}

fn pretty(out: &mut impl Write, value: &Json) -> std::io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// Policy documents that allow these actions, each short enough for a managed policy.
fn policies(actions: &[SmolStr]) -> Vec<Json> {
    let document = |actions: &[SmolStr]| json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]});
    let empty = document(&[]).to_string().len();
    let (mut out, mut part, mut length) = (Vec::new(), Vec::new(), empty);
    for action in actions {
        if length + action.len() + 3 > LONGEST_POLICY && !part.is_empty() {
            out.push(document(&part));
            part.clear();
            length = empty;
        }
        length += action.len() + 3;
        part.push(action.clone());
    }
    out.push(document(&part));
    out
}

/// The role in one account.
fn role_template(args: &OrgArgs, policies: &[Json]) -> Json {
    let mut statement = json!({
        "Effect": "Allow",
        "Principal": {"AWS": {"Fn::Sub": format!("arn:${{AWS::Partition}}:iam::{}:root", args.trust)}},
        "Action": "sts:AssumeRole",
    });
    if let (Some(id), Some(map)) = (&args.external_id, statement.as_object_mut()) {
        map.insert("Condition".to_owned(), json!({"StringEquals": {"sts:ExternalId": id}}));
    }
    let mut resources = serde_json::Map::new();
    resources.insert(
        "Role".to_owned(),
        json!({
            "Type": "AWS::IAM::Role",
            "Properties": {
                "RoleName": args.org_role,
                "Description": "Lets Yagura read configuration, and nothing else",
                "MaxSessionDuration": 3600,
                "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            },
        }),
    );
    for (nth, document) in policies.iter().enumerate() {
        let n = nth + 1;
        let properties = json!({
            "ManagedPolicyName": format!("{}-{n}", args.org_role),
            "Roles": [{"Ref": "Role"}],
            "PolicyDocument": document,
        });
        resources.insert(format!("Read{n}"), json!({"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}));
    }
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Read-only role for Yagura",
        "Resources": resources,
    })
}

/// The StackSet that makes the role in every account, and the role in the management account, where service-managed StackSets
/// deploy nothing (AWS CloudFormation user guide, "StackSets concepts").
fn stack_set(args: &OrgArgs, role: &Json) -> Json {
    let mut resources = role.get("Resources").and_then(Json::as_object).cloned().unwrap_or_default();
    resources.insert(
        "Accounts".to_owned(),
        json!({
            "Type": "AWS::CloudFormation::StackSet",
            "Properties": {
                "StackSetName": args.org_role,
                "Description": "Read-only role for Yagura in every account",
                "PermissionModel": "SERVICE_MANAGED",
                "AutoDeployment": {"Enabled": true, "RetainStacksOnAccountRemoval": false},
                "Capabilities": ["CAPABILITY_NAMED_IAM"],
                "OperationPreferences": {"FailureTolerancePercentage": 100, "MaxConcurrentPercentage": 25},
                "StackInstancesGroup": [{
                    "DeploymentTargets": {"OrganizationalUnitIds": {"Ref": "OrganizationalUnits"}},
                    "Regions": [{"Ref": "AWS::Region"}],
                }],
                "TemplateBody": role.to_string(),
            },
        }),
    );
    json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Read-only role for Yagura in the management account and, by a StackSet, in every other account",
        "Parameters": {
            "OrganizationalUnits": {
                "Type": "CommaDelimitedList",
                "Description": "The root (r-...) or organizational units (ou-...) to deploy to",
            },
        },
        "Resources": resources,
    })
}

/// The same in Terraform.
fn terraform(args: &OrgArgs, role: &Json) -> String {
    // `${` begins an interpolation in Terraform's templates; `$${` is the plain text.
    let body = serde_json::to_string_pretty(role).unwrap_or_default().replace("${", "$${");
    format!(
        r#"variable "organizational_units" {{
  description = "The root (r-...) or organizational units (ou-...) to deploy to"
  type        = list(string)
}}

locals {{
  yagura_role = <<-TEMPLATE
{body}
  TEMPLATE
}}

# The management account, where a service-managed StackSet deploys nothing.
resource "aws_cloudformation_stack" "yagura" {{
  name          = "{name}"
  template_body = local.yagura_role
  capabilities  = ["CAPABILITY_NAMED_IAM"]
}}

resource "aws_cloudformation_stack_set" "yagura" {{
  name             = "{name}"
  permission_model = "SERVICE_MANAGED"
  template_body    = local.yagura_role
  capabilities     = ["CAPABILITY_NAMED_IAM"]

  auto_deployment {{
    enabled                          = true
    retain_stacks_on_account_removal = false
  }}
}}

resource "aws_cloudformation_stack_set_instance" "yagura" {{
  stack_set_name = aws_cloudformation_stack_set.yagura.name

  deployment_targets {{
    organizational_unit_ids = var.organizational_units
  }}
}}
"#,
        name = args.org_role,
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]
mod tests {
    use super::*;

    #[test]
    fn policies_are_short_enough_and_lose_no_action() {
        let actions: Vec<SmolStr> =
            (0..900).map(|n| SmolStr::from(format!("service{:02}:DescribeThing{n:04}", n % 60))).collect();
        let parts = policies(&actions);
        let mut seen = Vec::new();
        for part in &parts {
            assert!(part.to_string().len() <= LONGEST_POLICY);
            seen.extend(
                part["Statement"][0]["Action"].as_array().unwrap().iter().map(|a| SmolStr::from(a.as_str().unwrap())),
            );
        }
        assert_eq!(seen, actions);
        assert!(parts.len() > 1);
    }
}
