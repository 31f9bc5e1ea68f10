//! `scan --iac`: templates instead of an account.

use crate::content::Compiled;
use crate::failure::{Failure, exit};
use clap::Args;
use smol_str::SmolStr;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use yagura_inventory::iac::{self, Difference, Drift, IacError, Notes, Options, Project, Setting};
use yagura_model::{Lang, Snapshot, SourcePlace, Verdict};
use yagura_rule::{Check, Judgement, Subject};

/// Templates to judge, and what is given besides.
#[derive(Debug, Args, Default)]
pub struct IacArgs {
    /// Judge CloudFormation (SAM) templates, Terraform configurations, plans and states: files or folders
    #[arg(long, value_name = "PATH", num_args = 1.., conflicts_with_all = ["demo", "snapshot", "save", "AwsArgs"])]
    pub iac: Vec<PathBuf>,
    /// The value of a CloudFormation parameter, or of AWS::Region, AWS::AccountId, AWS::StackName
    #[arg(long, value_name = "NAME=VALUE", requires = "iac")]
    pub parameter: Vec<String>,
    /// The value of a Terraform variable
    #[arg(long, value_name = "NAME=VALUE", requires = "iac")]
    pub var: Vec<String>,
    /// A file with values of Terraform variables
    #[arg(long, value_name = "FILE", requires = "iac")]
    pub var_file: Vec<PathBuf>,
    /// Instead of judging, tell where this snapshot of the live account differs from the templates (drift)
    #[arg(long, value_name = "SNAPSHOT", requires = "iac")]
    pub diff: Option<PathBuf>,
}

/// What templates hold, for judging.
pub struct Templates {
    /// The assets.
    pub snapshot: Snapshot,
    /// Where each is declared.
    pub places: Vec<SourcePlace>,
    /// What was left out, for a person.
    pub notes: Vec<String>,
}

/// Reads the templates, and leaves only checks that judge something in them.
pub fn read(args: &IacArgs, compiled: &Compiled, checks: &mut Vec<Check>, lang: Lang) -> Result<Templates, Failure> {
    let project = project(args, compiled)?;
    if let (true, [(place, why), ..]) = (project.snapshot.assets.is_empty(), project.notes.unread.as_slice()) {
        return Err(Failure::blind(
            format!("nothing could be read: {}:{}: {why}", place.file, place.line),
            format!("何も読み取れない: {}:{}: {why}", place.file, place.line),
        ));
    }
    let held: BTreeSet<&SmolStr> = project.snapshot.assets.iter().map(|a| &a.kind).collect();
    let surroundings = checks.iter().filter(|c| matches!(c.each.as_str(), "account" | "region")).count();
    let mut notes = words(&project.notes, lang);
    if surroundings > 0 {
        notes.push(match lang {
            Lang::En => {
                format!("{surroundings} checks of accounts and Regions are not judged: no template decides them")
            }
            Lang::Ja => {
                format!("アカウントとリージョンのチェック {surroundings} 件は判定しない。テンプレートでは決まらない")
            }
        });
    }
    checks.retain(|c| held.contains(&c.each));
    let Project { mut snapshot, places, .. } = project;
    snapshot.scope.checks = checks.iter().map(|c| c.id.clone()).collect();
    Ok(Templates { snapshot, places, notes })
}

/// What the arguments name.
///
/// # Errors
/// A path cannot be read, or there is no template.
pub fn project(args: &IacArgs, compiled: &Compiled) -> Result<Project, Failure> {
    iac::read(&args.iac, &compiled.kinds, &options(args)?).map_err(|e| {
        let ja = match &e {
            IacError::Path(path) => format!("読み取れない: {path}"),
            IacError::Nothing => "CloudFormation テンプレートも Terraform の構成・プランも見つからない".to_owned(),
        };
        Failure::usage(e.to_string(), ja)
    })
}

fn options(args: &IacArgs) -> Result<Options, Failure> {
    let mut options = Options { variable_files: args.var_file.clone(), ..Options::default() };
    for (flag, given, into) in
        [("--parameter", &args.parameter, &mut options.parameters), ("--var", &args.var, &mut options.variables)]
    {
        for pair in given {
            let Some((name, value)) = pair.split_once('=') else {
                return Err(Failure::usage(
                    format!("`{flag} {pair}` wants NAME=VALUE"),
                    format!("`{flag} {pair}` は NAME=VALUE の形で指定すること"),
                ));
            };
            into.insert(name.to_owned(), value.to_owned());
        }
    }
    let given = |name: &str, default: SmolStr| options.parameters.get(name).map_or(default, SmolStr::from);
    let plain = Setting::default();
    let region = given("AWS::Region", plain.region);
    let by_region = match region.as_str() {
        r if r.starts_with("cn-") => "aws-cn",
        r if r.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    };
    let partition = given("AWS::Partition", by_region.into());
    options.setting = Setting { account: given("AWS::AccountId", plain.account), region, partition };
    Ok(options)
}

/// Tells where a live snapshot differs from the templates. The exit code is 1 where it does and `fail` is wanted.
pub fn diff(
    args: &IacArgs,
    live: &Path,
    json: bool,
    fail: bool,
    compiled: &Compiled,
    lang: Lang,
) -> Result<u8, Failure> {
    let project = project(args, compiled)?;
    let live = yagura_inventory::load(live)
        .map_err(|e| Failure::usage(e.to_string(), format!("スナップショットを読み込めない: {e}")))?;
    let found = iac::drift(&project, &live);
    let stdout = std::io::stdout();
    let mut out = stdout.lock();
    if json {
        let notes = words(&project.notes, lang);
        serde_json::to_writer(&mut out, &serde_json::json!({"drift": found, "notes": notes}))
            .map_err(std::io::Error::from)?;
        writeln!(out)?;
    } else {
        for d in &found {
            writeln!(out, "{}:{}  {} {}  {}", d.place.file, d.place.line, d.kind, d.id, said(&d.what, lang))?;
        }
        let differs = found.iter().filter(|d| is_drift(d)).count();
        let total = project.snapshot.assets.len();
        writeln!(
            out,
            "{}",
            match lang {
                Lang::En => format!("{differs} differences in {total} resources of the templates"),
                Lang::Ja => format!("テンプレートのリソース {total} 個のうち、相違 {differs} 件"),
            }
        )?;
        for note in words(&project.notes, lang) {
            writeln!(out, "  - {note}")?;
        }
    }
    Ok(if fail && found.iter().any(is_drift) { exit::FINDINGS } else { exit::DONE })
}

fn is_drift(d: &Drift) -> bool {
    matches!(d.what, Difference::Field { .. } | Difference::NotDeployed)
}

fn said(what: &Difference, lang: Lang) -> String {
    match (what, lang) {
        (Difference::NotDeployed, _) => lang.pick("not deployed", "デプロイされていない").to_owned(),
        (Difference::NotRead, _) => lang
            .pick("unknown: the snapshot did not read this kind", "不明: スナップショットがこの種類を読み取っていない")
            .to_owned(),
        (Difference::NotMatched, _) => lang
            .pick(
                "unknown: AWS names it, and no tag tells which it is",
                "不明: 名前は AWS が付け、対応するリソースを示すタグもない",
            )
            .to_owned(),
        (Difference::Field { field, template, live }, Lang::En) => {
            format!("{field}: template {template}, live {live}")
        }
        (Difference::Field { field, template, live }, Lang::Ja) => {
            format!("{field}: テンプレート {template}、実環境 {live}")
        }
        (Difference::NotCompared { field, why }, Lang::En) => format!("{field}: not compared: {why}"),
        (Difference::NotCompared { field, why }, Lang::Ja) => format!("{field}: 比較できない: {why}"),
    }
}

/// Leaves out what is said of places and not of resources, and notes in each verdict where its resource is declared.
pub fn retain(judgements: &mut Vec<Judgement>) {
    judgements.retain(|j| matches!(j.subject, Subject::Asset(_)));
}

/// Says in a verdict where its resource is declared.
pub fn placed(mut verdict: Verdict, judgement: &Judgement, places: &[SourcePlace]) -> Verdict {
    if let Subject::Asset(at) = judgement.subject {
        verdict.place = places.get(at as usize).cloned();
    }
    verdict
}

/// What was left out, in the words of a language.
pub fn words(notes: &Notes, lang: Lang) -> Vec<String> {
    let mut out = Vec::new();
    for (place, why) in &notes.unread {
        out.push(match lang {
            Lang::En => format!("not read: {}:{}: {why}", place.file, place.line),
            Lang::Ja => format!("読み取れない: {}:{}: {why}", place.file, place.line),
        });
    }
    for (place, why) in &notes.undecided {
        out.push(match lang {
            Lang::En => format!("left out, known only after deployment: {}:{}: {why}", place.file, place.line),
            Lang::Ja => format!("デプロイするまで決まらないため除外: {}:{}: {why}", place.file, place.line),
        });
    }
    let counted = |of: &std::collections::BTreeMap<SmolStr, usize>| {
        let total: usize = of.values().sum();
        let names: Vec<String> = of.iter().take(8).map(|(t, n)| format!("{t} ({n})")).collect();
        let more = if of.len() > 8 { ", …" } else { "" };
        (total, format!("{}{more}", names.join(", ")))
    };
    if !notes.unknown_types.is_empty() {
        let (total, names) = counted(&notes.unknown_types);
        out.push(match lang {
            Lang::En => format!("{total} resources are of types that no check speaks of: {names}"),
            Lang::Ja => format!("{total} 個のリソースは、どのチェックも扱わない種類: {names}"),
        });
    }
    if !notes.elsewhere.is_empty() {
        let (total, names) = counted(&notes.elsewhere);
        out.push(match lang {
            Lang::En => format!("{total} resources add to one that is in none of the templates: {names}"),
            Lang::Ja => format!("{total} 個のリソースは、テンプレートにないリソースへの追加設定: {names}"),
        });
    }
    let unmapped: usize = notes.unmapped.values().map(BTreeSet::len).sum();
    if unmapped > 0 {
        out.push(match lang {
            Lang::En if unmapped == 1 => {
                "1 property has no counterpart in what AWS answers, and no check reads it".to_owned()
            }
            Lang::En => {
                format!("{unmapped} properties have no counterpart in what AWS answers, and no check reads them")
            }
            Lang::Ja => format!("{unmapped} 種類のプロパティは AWS の応答に対応する項目がなく、チェックでは使わない"),
        });
    }
    out
}
