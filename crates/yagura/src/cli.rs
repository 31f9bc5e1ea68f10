//! The command line. Help is in English here; `help_ja.rs` holds the same in Japanese.

use crate::commands::custodian::CustodianCommand;
use crate::commands::detect::DetectArgs;
use crate::commands::events::EventsCommand;
use crate::commands::findings::FindingsCommand;
use crate::commands::findings::recording::LifeArgs;
use crate::commands::fix::{ContainArgs, FixArgs, UndoArgs};
use crate::commands::frameworks::FrameworksCommand;
use crate::commands::history::HistoryArgs;
use crate::commands::iac::IacArgs;
use crate::commands::iam::IamCommand;
use crate::commands::investigate::InvestigateArgs;
use crate::commands::logs::LogsCommand;
use crate::commands::net::NetCommand;
use crate::commands::notify::NotifyCommand;
use crate::commands::query::QueryArgs;
use crate::commands::rehearse::RehearseArgs;
use crate::commands::seal::SealCommand;
use crate::commands::setup::SetupCommand;
use crate::commands::trail::TrailCommand;
use crate::commands::watch::WatchArgs;
use clap::{Args, Parser, Subcommand, ValueEnum};
use smol_str::SmolStr;
use std::path::PathBuf;
use yagura_model::{Lang, Severity};
use yagura_report::Format;

/// The AWS security suite you run yourself.
#[derive(Debug, Parser)]
#[command(name = "yagura", version, arg_required_else_help = true, max_term_width = 110)]
#[command(after_help = "Examples:
  yagura scan --demo                                  judge the built-in sample estate: no account needed
  yagura scan --profile prod --all-regions            judge a live account
  yagura scan --format html --output report.html      the same, as one self-contained page
  yagura scan --save today.ysnap                      keep what was read; replay it with --snapshot
  yagura permissions                                  the IAM policy that a scan needs
  yagura checks show s3.bucket_blocks_public_access   what a check asks, and why

Exit codes: 0 done, 1 a finding at or above --fail-on, 2 bad usage or configuration, 3 nothing could be read.")]
pub struct Cli {
    /// Language of every text: en or ja [default: by LC_ALL, LC_MESSAGES or LANG]
    #[arg(long, global = true, value_enum, env = "YAGURA_LANG", hide_env_values = true, display_order = 900)]
    pub lang: Option<LangArg>,
    /// Settings file [default: yagura.toml here, if there is one]
    #[arg(long, global = true, value_name = "FILE", display_order = 901)]
    pub config: Option<PathBuf>,
    /// A folder with checks, resource kinds and frameworks of your own, in the form of the built-in ones
    #[arg(long, global = true, value_name = "DIR", display_order = 902)]
    pub content: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Judge an AWS account, a saved snapshot or the sample estate
    Scan(ScanArgs),
    /// List, explain, test and write checks
    #[command(subcommand)]
    Checks(ChecksCommand),
    /// The standards: requirements, and which checks answer them
    #[command(subcommand)]
    Frameworks(FrameworksCommand),
    /// Print the least-privilege IAM policy that the chosen checks need
    Permissions(PermissionsArgs),
    /// Ask who can do what in IAM, why, and what a change would grant
    #[command(subcommand)]
    Iam(IamCommand),
    /// Ask what can reach what in VPC networks, and every reason why not
    #[command(subcommand)]
    Net(NetCommand),
    /// Decode logs once, keep them in a lake, and look after it
    #[command(subcommand)]
    Logs(LogsCommand),
    /// Prove that CloudTrail's log files are as they were delivered
    #[command(subcommand)]
    Trail(TrailCommand),
    /// Find threats in logs, and tell attacks as a whole
    Detect(Box<DetectArgs>),
    /// Tell everything that logs say of one identity, key, address, host or record
    Investigate(Box<InvestigateArgs>),
    /// Hold events against EventBridge's patterns
    #[command(subcommand)]
    Events(EventsCommand),
    /// Ask SQL of logs, resources and findings
    Query(Box<QueryArgs>),
    /// Run Cloud Custodian policies as they are; nothing is changed but by --apply
    #[command(subcommand)]
    Custodian(CustodianCommand),
    /// Findings with a life: what is new, resolved, suppressed, whose
    #[command(subcommand)]
    Findings(FindingsCommand),
    /// Tell people and systems what is new: chat, mail, tickets, pagers, AWS
    #[command(subcommand)]
    Notify(NotifyCommand),
    /// Tell what changed in a resource's configuration, when, and by whom
    History(Box<HistoryArgs>),
    /// Preview what would mend findings, and carry it out by the preview's hash
    Fix(Box<FixArgs>),
    /// Contain a resource in an incident: quarantine, block, revoke, lock; each with its way back
    Contain(Box<ContainArgs>),
    /// Take a run of `fix` or `contain` back
    Undo(Box<UndoArgs>),
    /// Print what an organization needs for Yagura to read it
    #[command(subcommand)]
    Setup(SetupCommand),
    /// Tell which recorded calls a guardrail would have denied, before anyone attaches it
    Rehearse(Box<RehearseArgs>),
    /// Watch all the time: full scans at intervals, what changed at once, threats on the same stream
    Watch(Box<WatchArgs>),
    /// Encrypt stores and lakes where they lie
    #[command(subcommand)]
    Seal(SealCommand),
    /// Look after content folders
    #[command(subcommand)]
    Content(ContentCommand),
    /// Print a shell completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one page per command
    Man {
        /// Write one page per command into this folder
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

/// Which checks.
#[derive(Debug, Args, Default)]
pub struct Selection {
    /// Only these services (s3, ec2, ...)
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    pub service: Vec<SmolStr>,
    /// Only these checks
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub check: Vec<SmolStr>,
    /// Only checks that answer this framework (aws-26, fsbp, ...)
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub framework: Vec<SmolStr>,
    /// Only checks of at least this severity
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub severity: Option<SeverityArg>,
}

/// How to reach AWS. What is left out is found as the AWS CLI finds it.
#[derive(Debug, Args, Default)]
pub struct AwsArgs {
    /// A profile of ~/.aws/config
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Regions to read [default: the configured one]
    #[arg(long, value_name = "REGION", value_delimiter = ',', num_args = 1..)]
    pub region: Vec<SmolStr>,
    /// Every Region that is enabled for the account
    #[arg(long, conflicts_with = "region")]
    pub all_regions: bool,
    /// Assume these roles; each is one account of the scan
    #[arg(long, value_name = "ARN", value_delimiter = ',', num_args = 1..)]
    pub role_arn: Vec<String>,
    /// The external id that the roles' trust policies ask for
    #[arg(long, value_name = "ID")]
    pub external_id: Option<String>,
    /// Every active account of the organization, by one role of the same name in each; run it as the management account or a delegated administrator
    #[arg(long, conflicts_with = "role_arn")]
    pub org: bool,
    /// The role's name in each account
    #[arg(long, value_name = "NAME", default_value = "YaguraReadOnly", requires = "org")]
    pub org_role: String,
    /// Only accounts below these organizational units (ou-... or r-...)
    #[arg(long, value_name = "OU", value_delimiter = ',', num_args = 1.., requires = "org")]
    pub ou: Vec<String>,
    /// Only these accounts of the organization
    #[arg(long, value_name = "ID", value_delimiter = ',', num_args = 1.., requires = "org")]
    pub account: Vec<String>,
    /// Only accounts with this tag; the value may be left out
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', requires = "org")]
    pub account_tag: Vec<String>,
    /// One endpoint for every service
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// The most requests in flight at once
    #[arg(long, value_name = "N", default_value_t = 32)]
    pub concurrency: usize,
    /// How long one attempt of a call may take; AWS_MAX_ATTEMPTS says how many there are
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
}

/// What is judged in place of an account: the sample estate, or a snapshot.
#[derive(Debug, Args)]
pub struct EstateArgs {
    /// Use the built-in sample estate: no account, no network
    #[arg(long, conflicts_with_all = ["snapshot", "save", "AwsArgs"])]
    pub demo: bool,
    /// Use a snapshot that --save wrote: no credentials needed
    #[arg(long, value_name = "FILE", conflicts_with = "AwsArgs")]
    pub snapshot: Option<PathBuf>,
    /// Keep what was read
    #[arg(long, value_name = "FILE", conflicts_with = "snapshot")]
    pub save: Option<PathBuf>,
}

/// Arguments of `scan`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura scan --demo
  yagura scan --profile audit --region ap-northeast-1,us-east-1
  yagura scan --role-arn arn:aws:iam::111122223333:role/audit --external-id xyz --all-regions
  yagura scan --org --all-regions                     every account of the organization (yagura setup org prints the role)
  yagura scan --fail-on high --format sarif --output yagura.sarif
  yagura scan --save before.ysnap && yagura scan --snapshot before.ysnap --lang ja
  yagura scan --store                                 record it; see `yagura findings list`
  yagura scan --only-new --fail-on high               only what is new since the last recorded scan
  yagura scan --baseline known.json --fail-on high    the same without a store (--write-baseline known.json)
  yagura scan --iac template.yaml infra/ --fail-on high --format sarif --output yagura.sarif
  yagura scan --iac plan.json                         (terraform show -json plan.out > plan.json)")]
pub struct ScanArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub estate: EstateArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub iac: IacArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub life: LifeArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub aws: AwsArgs,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub selection: Selection,
    /// Only resources with this tag; the value may be left out. What cannot carry tags (account, Region, credentials) is left out
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',')]
    pub resource_tag: Vec<String>,
    /// Form of the output [default: by the ending of --output, else table]
    #[arg(long, value_name = "FORMAT", value_parser = parse_format)]
    pub format: Option<Format>,
    /// Where the output goes [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// End with exit code 1 when a finding is of at least this severity
    #[arg(long, value_name = "LEVEL", value_enum)]
    pub fail_on: Option<SeverityArg>,
    /// No progress display
    #[arg(long, short)]
    pub quiet: bool,
}

/// `checks …`
#[derive(Debug, Subcommand)]
pub enum ChecksCommand {
    /// One line per check
    List {
        #[command(flatten)]
        #[allow(missing_docs, reason = "clap groups carry their own text")]
        selection: Selection,
        /// How to write it
        #[arg(long, value_enum, default_value_t)]
        format: ListFormat,
        /// As JSON: the same as --format json
        #[arg(long, hide = true, conflicts_with = "format")]
        json: bool,
    },
    /// What a check asks, why, what it reads and which permissions that takes
    Show {
        /// The check's id
        id: SmolStr,
    },
    /// Run the fixtures inside check files
    Test {
        /// Checks by id, or files [default: all]
        ids: Vec<String>,
        /// Run them again whenever a file of --content, or one named, changes
        #[arg(long)]
        watch: bool,
    },
    /// Begin a check of your own in the folder given by --content
    New {
        /// Its id (service.wanted_truth)
        id: SmolStr,
        /// The kind of resource it judges
        #[arg(long, value_name = "KIND")]
        each: SmolStr,
    },
}

/// How a list of checks is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// A line each, for a person
    #[default]
    Table,
    /// One JSON array
    Json,
    /// One JSON object a line, with the titles in both languages
    Jsonl,
}

/// Arguments of `permissions`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura permissions > yagura-read.json
  yagura permissions --service s3,iam
  yagura permissions --network
  yagura permissions --trail
  yagura permissions --verify --profile audit")]
pub struct PermissionsArgs {
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub selection: Selection,
    /// The permissions that `scan --resource-tag` needs: those that read tags too
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',')]
    pub resource_tag: Vec<String>,
    /// The permissions of the network questions too (`yagura net`)
    #[arg(long)]
    pub network: bool,
    /// The permissions of `yagura trail verify` too; a bucket encrypted with a key of yours needs kms:Decrypt on it besides
    #[arg(long, conflicts_with = "verify")]
    pub trail: bool,
    /// Make the calls and tell which permissions are missing
    #[arg(long)]
    pub verify: bool,
    #[command(flatten)]
    #[allow(missing_docs, reason = "clap groups carry their own text")]
    pub aws: AwsArgs,
}

/// `content …`
#[derive(Debug, Subcommand)]
pub enum ContentCommand {
    /// Load everything, type-check every expression and run every fixture
    Lint {
        /// The folder [default: that of --content, and the built-in content]
        dir: Option<PathBuf>,
    },
    /// Print the JSON Schema of a kind of content file, for editors
    Schema {
        /// The kind of file
        #[arg(value_enum)]
        kind: SchemaOf,
    },
    /// Write a page per check in both languages, with an index: a reference to read or to publish
    Site {
        /// The folder to write into
        dir: PathBuf,
    },
}

/// The kinds of content files that have a JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// checks/
    Check,
    /// remedies/
    Remedy,
    /// frameworks/
    Framework,
    /// The routes file of `notify`
    Routes,
}

/// A language of output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "a text per value would make every help page long")]
pub enum LangArg {
    En,
    Ja,
}

impl From<LangArg> for Lang {
    fn from(l: LangArg) -> Self {
        match l {
            LangArg::En => Self::En,
            LangArg::Ja => Self::Ja,
        }
    }
}

/// A severity on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names are the severities' own")]
pub enum SeverityArg {
    Info,
    Low,
    Medium,
    High,
    Critical,
}

impl From<SeverityArg> for Severity {
    fn from(s: SeverityArg) -> Self {
        match s {
            SeverityArg::Info => Self::Info,
            SeverityArg::Low => Self::Low,
            SeverityArg::Medium => Self::Medium,
            SeverityArg::High => Self::High,
            SeverityArg::Critical => Self::Critical,
        }
    }
}

fn parse_format(name: &str) -> Result<Format, String> {
    name.parse().map_err(|_| {
        let names: Vec<&str> = Format::ALL.iter().map(|f| f.name()).collect();
        format!("one of {}", names.join(", "))
    })
}

/// The language of help, which is printed before arguments are understood: `--lang`, then `YAGURA_LANG`, then the locale.
pub fn lang_of_help() -> Lang {
    let mut words = std::env::args_os().skip(1).map(|w| w.to_string_lossy().into_owned());
    let mut asked = std::env::var("YAGURA_LANG").ok();
    while let Some(word) = words.next() {
        match word.strip_prefix("--lang") {
            Some("") => asked = words.next(),
            Some(rest) => asked = rest.strip_prefix('=').map(str::to_owned).or(asked),
            None => {}
        }
    }
    match asked.as_deref() {
        Some("ja") => Lang::Ja,
        Some("en") => Lang::En,
        _ => lang_of_environment(),
    }
}

/// The language that the environment asks for.
pub fn lang_of_environment() -> Lang {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().filter_map(|n| std::env::var(n).ok()).find(|v| !v.is_empty());
    if set.is_some_and(|v| v.starts_with("ja")) { Lang::Ja } else { Lang::En }
}
