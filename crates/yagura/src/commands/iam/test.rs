//! `yagura iam test`: unit tests for policies, for one's CI.
//!
//! ```yaml
//! identity_policies: [developer.json]        # layers of every case: files beside this one, or policies written out
//! resource_policy: bucket.json
//! cases:
//!   developers read logs:
//!     principal: arn:aws:iam::111122223333:user/alice
//!     action: s3:GetObject
//!     resource: arn:aws:s3:::logs/app
//!     context: {aws:SecureTransport: "true"}
//!     expect: allowed                        # allowed, denied, explicitly_denied, implicitly_denied
//!     blocked_by: []                         # if given, exactly these layers
//! ```

use super::{Form, HelpJa, catalogue, source, words};
use crate::failure::{Failure, exit};
use clap::Args;
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use yagura_model::{ContentFile, Lang};
use yagura_policy::case::{Case, LAYERS, parse_line};
use yagura_policy::catalogue::Catalogue;
use yagura_policy::evaluate::{Answer, Decision};
use yagura_policy::world::Told;
use yagura_rule::yaml::{Yaml, YamlKind, read};

/// Arguments of `iam test`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  yagura iam test policies/tests.yaml

A file of cases (YAML or JSON):
  identity_policies: [developer.json]       # files beside this one, or policies written out
  cases:
    reads logs:
      principal: 'arn:aws:iam::111122223333:user/alice'
      action: s3:GetObject
      resource: 'arn:aws:s3:::logs/a'
      context: {aws:SecureTransport: 'true'}
      expect: allowed       # denied, explicitly_denied, implicitly_denied
Beside identity_policies, for all cases or for one: permissions_boundaries, session_policies,
service_control_policies and resource_control_policies (a list of levels), resource_policy, vpc_endpoint_policies.
Exit codes: 0 every case is as expected, 1 one is not, 2 a file is not in this form, 3 it could not be read.")]
pub struct TestArgs {
    /// Files of cases
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Form of the output
    #[arg(long, value_enum, default_value = "text")]
    pub format: Form,
}

/// The Japanese help.
pub const HELP_JA: HelpJa = HelpJa {
    about: "ポリシーの単体テストを実行する（CI 用）",
    arguments: &[("files", "テストケースのファイル"), ("format", "出力形式")],
    examples: "例:
  yagura iam test policies/tests.yaml

テストケースのファイル（YAML または JSON）:
  identity_policies: [developer.json]       # このファイルからの相対パス、またはポリシーそのもの
  cases:
    ログを読める:
      principal: 'arn:aws:iam::111122223333:user/alice'
      action: s3:GetObject
      resource: 'arn:aws:s3:::logs/a'
      context: {aws:SecureTransport: 'true'}
      expect: allowed       # denied、explicitly_denied、implicitly_denied
identity_policies のほかに、全ケースまたは個々のケースに指定できるもの: permissions_boundaries、session_policies、
service_control_policies と resource_control_policies（階層のリスト）、resource_policy、vpc_endpoint_policies
終了コード: 0 すべて期待どおり、1 期待と異なるものがある、2 この形式ではない、3 読み込めない",
};

/// What the file gives for all cases, or a case for itself.
fn settings() -> impl Iterator<Item = &'static str> {
    LAYERS.into_iter().chain(["s3", "mode"])
}

/// The members of a request, which a case may write without `request`.
const REQUEST: [&str; 5] = ["principal", "action", "resource", "resource_account", "context"];

/// One case and how it went.
struct Ran {
    name: String,
    expect: String,
    answer: Answer,
    request: Map<String, Value>,
    passed: bool,
}

/// Runs every case of every file.
pub fn run(args: &TestArgs, lang: Lang) -> Result<u8, Failure> {
    let catalogue = catalogue()?;
    let mut ran = Vec::new();
    for file in &args.files {
        ran.extend(cases(file, &catalogue)?);
    }
    let failed = ran.iter().filter(|r| !r.passed).count();
    let mut out = std::io::stdout().lock();
    match args.format {
        Form::Json => {
            let each = ran.iter().map(|r| {
                let mut object = Map::new();
                object.insert("case".into(), r.name.as_str().into());
                object.insert("passed".into(), r.passed.into());
                object.insert("expected".into(), r.expect.as_str().into());
                object.extend(r.answer.to_json());
                Value::Object(object)
            });
            writeln!(out, "{:#}", Value::Array(each.collect()))?;
        }
        Form::Text => {
            for r in &ran {
                writeln!(
                    out,
                    "{}  {}",
                    if r.passed { lang.pick("ok  ", "合格  ") } else { lang.pick("FAIL", "不合格") },
                    r.name
                )?;
                if !r.passed {
                    writeln!(out, "      {}: {}", lang.pick("expected", "期待"), r.expect)?;
                    let told = Told {
                        principal: text(&r.request, "principal").into(),
                        answer: r.answer.clone(),
                        doubts: Vec::new(),
                    };
                    let tale = words::tell(&told, &text(&r.request, "action"), &text(&r.request, "resource"), lang);
                    for line in tale.lines().filter(|l| !l.is_empty()) {
                        writeln!(out, "      {line}")?;
                    }
                }
            }
            match lang {
                Lang::En => writeln!(out, "{} of {} cases are as expected", ran.len() - failed, ran.len())?,
                Lang::Ja => writeln!(out, "{} 件中 {} 件が期待どおり", ran.len(), ran.len() - failed)?,
            }
        }
    }
    Ok(if failed == 0 { exit::DONE } else { exit::FINDINGS })
}

fn text(object: &Map<String, Value>, key: &str) -> String {
    match object.get(key) {
        Some(Value::String(s)) => s.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

fn cases(path: &Path, catalogue: &Catalogue) -> Result<Vec<Ran>, Failure> {
    let name = path.display().to_string();
    let wrong = |what: String| Failure::usage(format!("{name}: {what}"), format!("{name}: {what}"));
    let file = ContentFile { path: name.clone(), text: source::text(path)?, shipped: false };
    let yaml = read(&file).map_err(|e| Failure::content(&[e]))?;
    let Value::Object(mut shared) = plain(&yaml) else { return Err(wrong("expected a map with `cases`".to_owned())) };
    let Some(Value::Object(cases)) = shared.remove("cases") else {
        return Err(wrong("expected `cases`, a map from names to cases".to_owned()));
    };
    if let Some(unknown) = shared.keys().find(|k| !settings().any(|s| s == k.as_str())) {
        return Err(Failure::unknown(("layer", "項目"), unknown, settings()));
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut ran = Vec::new();
    for (title, case) in cases {
        let bad = |what: String| wrong(format!("`{title}`: {what}"));
        let Value::Object(mut case) = case else { return Err(bad("expected a map".to_owned())) };
        let expect = match case.remove("expect") {
            Some(Value::String(s)) if s == "denied" || Decision::parse(&s).is_some() => s,
            _ => {
                return Err(bad("`expect` must be allowed, denied, explicitly_denied or implicitly_denied".to_owned()));
            }
        };
        let blocked_by = case.remove("blocked_by");
        let mut request = match case.remove("request") {
            Some(Value::Object(request)) => request,
            _ => Map::new(),
        };
        request.extend(REQUEST.iter().filter_map(|key| Some(((*key).to_owned(), case.remove(*key)?))));
        if let Some(unknown) = case.keys().find(|k| !settings().any(|s| s == k.as_str())) {
            return Err(Failure::unknown(("layer", "項目"), unknown, settings()));
        }
        let mut whole = shared.clone();
        whole.extend(case);
        for (key, value) in &mut whole {
            if key.ends_with("_policy") || key.ends_with("_policies") || key == "permissions_boundaries" {
                inline(value, folder)?;
            }
        }
        whole.insert("request".to_owned(), Value::Object(request.clone()));
        let line = Value::Object(whole).to_string();
        let answer = parse_line(&line).and_then(|node| Case::from_node(&node)?.answer(catalogue)).map_err(bad)?;
        let layers: Value = answer.blocked_by.iter().map(|l| json!(l.name())).collect();
        let as_expected = match expect.as_str() {
            "denied" => answer.decision != Decision::Allowed,
            exact => answer.decision.name() == exact,
        };
        let passed = as_expected && blocked_by.is_none_or(|b| b == layers);
        ran.push(Ran { name: title, expect, answer, request, passed });
    }
    Ok(ran)
}

/// Puts policies in the place of the files that name them.
fn inline(value: &mut Value, folder: &Path) -> Result<(), Failure> {
    match value {
        Value::String(file) if !file.trim_start().starts_with('{') => {
            let text = source::text(&folder.join(&*file))?;
            *value = json!({"name": file.as_str(), "policy": text});
        }
        Value::Array(items) => {
            for item in items {
                inline(item, folder)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// YAML as JSON.
fn plain(yaml: &Yaml) -> Value {
    match &yaml.kind {
        YamlKind::Map(entries) => Value::Object(entries.iter().map(|(k, v)| (k.name.to_string(), plain(v))).collect()),
        YamlKind::List(items) => items.iter().map(plain).collect(),
        _ => yaml.value().map_or(Value::Null, |v| v.to_json()),
    }
}
