//! A POSIX shell script of `aws` commands, and the one that takes back what it did.
//!
//! Inputs travel as one JSON text (`--cli-input-json`, AWS CLI User Guide, `cli-usage-skeleton`), quoted so that no value means anything
//! to the shell. Each call leaves a mark before it is made, and what later calls need of its answer; the undo script reads these marks.

use super::input::{Bit, Input, Need};
use super::{About, Ask, Exported, From, Written, apart, counted, one_line, told, written};
use crate::plan::Plan;
use serde_json::Value as Json;
use smol_str::SmolStr;
use std::fmt::Write;
use yagura_aws::Partition;
use yagura_model::Lang;

/// The script that carries plans out, and the script that takes them back.
pub fn scripts(plans: &[Plan], about: &About<'_>) -> Exported {
    let (plans, left) = apart(plans);
    let mut out = Exported { left, ..Exported::default() };
    let mut ready = Vec::new();
    for plan in plans {
        match written(plan, about.facts) {
            Ok(plan) => ready.push(plan),
            Err(left) => out.left.push(*left),
        }
    }
    if ready.is_empty() {
        return out;
    }
    let (name, back) = (format!("{}.sh", about.name), format!("{}-undo.sh", about.name));
    let mut apply = head(about, &ready, (&name, &back), false);
    for (at, plan) in ready.iter().enumerate() {
        begin(&mut apply, counted(at), plan);
        for nth in 0..plan.steps.len() {
            step(&mut apply, counted(at), plan, nth);
        }
        apply.push_str("fi\n");
    }
    apply.push_str("[ \"$skipped\" = 0 ] || exit 3\n");
    let mut undo = head(about, &ready, (&name, &back), true);
    for (at, plan) in ready.iter().enumerate().rev() {
        begin(&mut undo, counted(at), plan);
        for nth in (0..plan.steps.len()).rev() {
            step_back(&mut undo, counted(at), plan, nth);
        }
        undo.push_str("fi\n");
    }
    undo.push_str(CLEAN);
    out.files = vec![(name, apply), (back, undo)];
    out
}

/// What both scripts begin with. `{…}` is filled in.
const HEAD: &str = r#"set -eu
umask 077
# A change is sent once: a call that is repeated after its answer was lost may be made twice.
AWS_PAGER='' AWS_MAX_ATTEMPTS="${AWS_MAX_ATTEMPTS:-1}"
export AWS_PAGER AWS_MAX_ATTEMPTS
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
skipped=0
# What was done in an account is kept by its own: a script for several is run once with the credentials of each.
account=$(aws sts get-caller-identity --region {region} --query Account --output text)
all=$here/{state}
state=$all/$account

# mine ACCOUNT NAME: whether these credentials are of the account.
mine() {
  if [ "$account" = "$1" ]; then
    return 0
  fi
  printf '%s: %s: %s\n' {other} "$1" "$2" >&2
  skipped=1
  return 1
}

# attempt STEP CODES COMMAND...: makes a call. Of an error with one of the codes it says 1: there was nothing to do.
attempt() {
  step=$1 codes=$2
  shift 2
  if "$@" >"$state/$step.answer" 2>"$state/$step.error"; then
    return 0
  fi
  for code in $codes; do
    if grep -F -q -e "($code)" "$state/$step.error"; then
      return 1
    fi
  done
  cat -- "$state/$step.error" >&2
  return 2
}

# answer STEP N: the Nth thing that was kept of a step's answer, as JSON on one line.
answer() {
  kept=$(sed -n "$(($2 + 1))"'{s/^ *//;s/,$//;p;}' "$state/$1.answer")
  case $kept in
    '' | null | '['* | '{'*) return 1 ;;
  esac
  printf '%s' "$kept"
}

# text STEP N: the same as the inside of a JSON text.
text() {
  kept=$(answer "$1" "$2") || return 1
  kept=${kept#\"}
  printf '%s' "${kept%\"}"
}

# lost STEP N: an answer that a later call needs is not there.
lost() {
  printf '%s: %s\n' {lost} "$1" >&2
  exit 1
}
"#;

/// What only the script that changes something has.
const APPLY: &str = r#"
# call STEP CODES COMMAND...: marks the step, makes the call, and takes the mark away where AWS said that nothing was changed.
call() {
  : >"$state/$1.begun"
  status=0
  attempt "$@" || status=$?
  if [ "$status" = 1 ]; then
    rm -f -- "$state/$1.begun"
  elif [ "$status" = 2 ]; then
    # Of a fault of AWS's own, or without an answer, nobody knows whether the change was made.
    if grep -F -q -e 'An error occurred (' "$state/$1.error" &&
      ! grep -E -q -e '\(([A-Za-z.]*(Internal|Unavailable|Timeout)[A-Za-z.]*|Service[A-Za-z.]*|Server[A-Za-z.]*|5[0-9][0-9])\)' "$state/$1.error"; then
      rm -f -- "$state/$1.begun"
    fi
    exit 1
  fi
}

if [ -e "$state" ]; then
  printf '%s: %s\n' {again} "$state" >&2
  exit 1
fi
mkdir -p -- "$state"
"#;

/// What only the script that takes back has.
const UNDO: &str = r#"
# call STEP CODES COMMAND...: makes a call; what is gone already need not be taken away.
call() {
  status=0
  attempt "$@" || status=$?
  if [ "$status" = 2 ]; then
    exit 1
  fi
}

if [ ! -d "$state" ]; then
  printf '%s: %s\n' {none} "$state" >&2
  exit 1
fi
"#;

/// The end of the script that takes back: once every step of the account is, nothing is kept of it.
const CLEAN: &str = r#"rm -f -- "$state"/*.answer "$state"/*.error
rmdir -- "$state"
rmdir -- "$all" 2>/dev/null || :
[ "$skipped" = 0 ] || exit 3
"#;

fn head(about: &About<'_>, plans: &[Written<'_>], (name, back): (&str, &str), undo: bool) -> String {
    let (hash, lang) = (about.hash, about.lang);
    let region = plans.first().map_or("us-east-1", |p| Partition::real_region(&p.plan.resource.region));
    let plans = plans.len();
    let mut out = "#!/bin/sh\n".to_owned();
    let lines = match (lang, undo) {
        (Lang::En, false) => vec![
            format!("Yagura: {plans} plans of the preview {hash}."),
            format!("Run it with `sh {name}`; `sh {back}` takes back what it did, also where it stopped halfway."),
            "It does not look whether something changed since the preview. It needs the AWS CLI.".to_owned(),
        ],
        (Lang::En, true) => vec![
            format!("Yagura: takes back what {name} did ({plans} plans of the preview {hash}), last step first."),
            "Steps that were not begun are left alone. It does not look whether something changed since.".to_owned(),
        ],
        (Lang::Ja, false) => vec![
            format!("Yagura: プレビュー {hash} の計画 {plans} 件。"),
            format!("`sh {name}` で実行する。途中で止まった場合も含め、`sh {back}` で元に戻せる。"),
            "プレビュー後の変更の有無は確認しない。AWS CLI が必要。".to_owned(),
        ],
        (Lang::Ja, true) => vec![
            format!("Yagura: {name} が行った変更（プレビュー {hash} の計画 {plans} 件）を最後の手順から順に元に戻す。"),
            "未着手の手順には触れない。その後の変更の有無は確認しない。".to_owned(),
        ],
    };
    for line in lines {
        let _ = writeln!(out, "# {}", one_line(&line));
    }
    let say = |en: &'static str, ja: &'static str| quoted(lang.pick(en, ja));
    let body = if undo { UNDO } else { APPLY };
    let filled = format!("{HEAD}{body}")
        .replace("{state}", &quoted(&format!("{}.state", about.name)))
        .replace("{region}", &quoted(region))
        .replace("{other}", &say("left alone, it is of account", "対象外（別アカウントのもの）"))
        .replace("{again}", &say("it was run before; take that back first", "実行済み。先に元に戻すこと"))
        .replace(
            "{lost}",
            &say("what a later call needs was not answered by step", "後の呼び出しに必要な値が応答にない手順"),
        )
        .replace("{none}", &say("there is nothing to take back", "元に戻すものはない"));
    out.push_str(&filled);
    out
}

/// A plan's comment, and the question whose account it is.
fn begin(out: &mut String, number: usize, plan: &Written<'_>) {
    let _ = writeln!(out);
    for (nth, line) in told(plan.plan).into_iter().enumerate() {
        let _ = if nth == 0 { writeln!(out, "# {number}. {line}") } else { writeln!(out, "#    {line}") };
    }
    let name = format!("{}  {}", plan.plan.rule, plan.plan.resource.name());
    let _ = writeln!(out, "if mine {} {}; then", quoted(&plan.plan.resource.account), quoted(&name));
}

fn step(out: &mut String, number: usize, plan: &Written<'_>, nth: usize) {
    let Some(step) = plan.steps.get(nth) else { return };
    let id = format!("{number}.{}", counted(nth));
    comment(out, &step.step, "  ");
    fetch(out, number, plan, (nth, None), &step.step, "  ");
    command(out, &id, step.accept, &step.step, "  ");
}

fn step_back(out: &mut String, number: usize, plan: &Written<'_>, nth: usize) {
    let Some(step) = plan.steps.get(nth) else { return };
    let id = format!("{number}.{}", counted(nth));
    let _ = writeln!(out, "  if [ -e \"$state/{id}.begun\" ]; then");
    for (at, back) in step.undo.iter().enumerate() {
        comment(out, back, "    ");
        // What was looked for and is not there was not made.
        let looked = asked(plan, nth, Some(at), back).into_iter().filter(|(from, ..)| matches!(from, From::Look(..)));
        let conditions: Vec<String> =
            looked.map(|(from, path, _)| format!("answer {} >/dev/null", place(number, plan, from, &path))).collect();
        let own = format!("{id}.{}", counted(at));
        if conditions.is_empty() {
            fetch(out, number, plan, (nth, Some(at)), back, "    ");
            command(out, &own, &back.call.gone, back, "    ");
        } else {
            let _ = writeln!(out, "    if {}; then", conditions.join(" && "));
            fetch(out, number, plan, (nth, Some(at)), back, "      ");
            command(out, &own, &back.call.gone, back, "      ");
            out.push_str("    fi\n");
        }
    }
    let _ = writeln!(out, "    rm -f -- \"$state/{id}.begun\"\n  fi");
}

fn comment(out: &mut String, ask: &Ask<'_>, indent: &str) {
    let shown = ask.call.shown();
    let with = shown.get("with").map(Json::to_string).unwrap_or_default();
    let _ = writeln!(out, "{indent}# {}", one_line(&format!("{} {with}", ask.call.call)));
}

/// What a call takes of earlier answers: from where, which path, and how.
fn asked(plan: &Written<'_>, step: usize, undo: Option<usize>, ask: &Ask<'_>) -> Vec<(From, String, bool)> {
    let mut out: Vec<(From, String, bool)> = Vec::new();
    for need in ask.input.needs() {
        let Some((from, path)) = plan.source(step, undo, &need.path) else { continue };
        if !out.contains(&(from, path.clone(), need.text)) {
            out.push((from, path, need.text));
        }
    }
    out
}

/// `STEP N` of something that was kept.
fn place(number: usize, plan: &Written<'_>, from: From, path: &str) -> String {
    let nth = plan.ask(from).and_then(|a| a.kept.iter().position(|k| k == path)).map_or(0, counted);
    match from {
        From::Run => String::new(),
        From::Step(step) => format!("{number}.{} {nth}", counted(step)),
        From::Look(step, at) => format!("{number}.{}.{} {nth}", counted(step), counted(at)),
    }
}

/// A variable for what a call takes.
fn variable(need: &Need) -> String {
    let path: String = need.path.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if need.text { format!("text_{path}") } else { format!("json_{path}") }
}

/// Puts what a call takes of earlier answers into variables.
fn fetch(
    out: &mut String,
    number: usize,
    plan: &Written<'_>,
    (step, undo): (usize, Option<usize>),
    ask: &Ask<'_>,
    indent: &str,
) {
    let mut seen: Vec<&Need> = Vec::new();
    for need in ask.input.needs() {
        if seen.contains(&need) {
            continue;
        }
        seen.push(need);
        let Some((from, path)) = plan.source(step, undo, &need.path) else { continue };
        let name = variable(need);
        let _ = match from {
            From::Run if need.text => writeln!(out, "{indent}{name}=$(date -u +%Y-%m-%dT%H:%M:%SZ)"),
            From::Run => writeln!(out, "{indent}{name}=\\\"$(date -u +%Y-%m-%dT%H:%M:%SZ)\\\""),
            _ => {
                let how = if need.text { "text" } else { "answer" };
                let place = place(number, plan, from, &path);
                writeln!(out, "{indent}{name}=$({how} {place}) || lost {place}")
            }
        };
    }
}

/// The command of a call.
fn command(out: &mut String, id: &str, codes: &[SmolStr], ask: &Ask<'_>, indent: &str) {
    let (service, operation) = ask.call.call.split_once(':').unwrap_or((&ask.call.call, ""));
    let codes: Vec<&str> = codes.iter().map(SmolStr::as_str).collect();
    let _ = write!(
        out,
        "{indent}call {id} {} aws {} {} --region {} --output json",
        quoted(&codes.join(" ")),
        command_of(service),
        dashed(operation),
        quoted(Partition::real_region(&ask.call.region)),
    );
    if !ask.kept.is_empty() {
        let paths: Vec<String> = ask.kept.iter().map(|p| expression(p)).collect();
        let _ = write!(out, " --query {}", quoted(&format!("[{}]", paths.join(", "))));
    }
    let mut word = String::from("'");
    json_word(&mut word, &ask.input);
    word.push('\'');
    let _ = writeln!(out, " \\\n{indent}  --cli-input-json {word}");
}

/// Writes JSON inside of single quotes; variables stand outside of them, in double quotes.
fn json_word(out: &mut String, input: &Input) {
    match input {
        Input::Plain(value) => out.push_str(&inner(&value.to_string())),
        Input::List(items) => {
            out.push('[');
            for (nth, item) in items.iter().enumerate() {
                out.push_str(if nth == 0 { "" } else { "," });
                json_word(out, item);
            }
            out.push(']');
        }
        Input::Map(members) => {
            out.push('{');
            for (nth, (name, value)) in members.iter().enumerate() {
                out.push_str(if nth == 0 { "" } else { "," });
                let _ = write!(out, "{}:", inner(&Json::String(name.clone()).to_string()));
                json_word(out, value);
            }
            out.push('}');
        }
        Input::Answer(need) if need.text => {
            let _ = write!(out, "\"'\"${}\"'\"", variable(need));
        }
        Input::Answer(need) => {
            let _ = write!(out, "'\"${}\"'", variable(need));
        }
        Input::Join(bits) => {
            out.push('"');
            for bit in bits {
                match bit {
                    Bit::Answer(need) => {
                        let _ = write!(out, "'\"${}\"'", variable(need));
                    }
                    Bit::Text(text) => {
                        let whole = Json::String(text.clone()).to_string();
                        let inside = whole.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or_default();
                        out.push_str(&inner(inside));
                    }
                }
            }
            out.push('"');
        }
    }
}

/// A word that the shell takes as it is.
fn quoted(text: &str) -> String {
    format!("'{}'", inner(text))
}

/// Text between single quotes: only the quote itself means anything there (POSIX, Shell Command Language, 2.2.2).
fn inner(text: &str) -> String {
    text.replace('\'', r"'\''")
}

/// What the AWS CLI calls a service that it does not call by its model's name.
fn command_of(service: &str) -> &str {
    match service {
        "s3" => "s3api",
        "config" => "configservice",
        "codedeploy" => "deploy",
        other => other,
    }
}

/// An operation as the AWS CLI calls it: `PutPublicAccessBlock` is `put-public-access-block`, `ModifyDBInstance` `modify-db-instance`.
pub(super) fn dashed(operation: &str) -> String {
    let letters: Vec<char> = operation.chars().collect();
    let mut out = String::new();
    for (nth, c) in letters.iter().enumerate() {
        let before = nth.checked_sub(1).and_then(|b| letters.get(b));
        let word = before.is_some_and(|b| {
            c.is_ascii_uppercase()
                && (!b.is_ascii_uppercase() || letters.get(nth + 1).is_some_and(char::is_ascii_lowercase))
        });
        if word {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// A path of an answer as JMESPath.
fn expression(path: &str) -> String {
    let mut out = String::new();
    for part in path.split('.') {
        match part.parse::<usize>() {
            Ok(index) => {
                let _ = write!(out, "[{index}]");
            }
            Err(_) => {
                let _ = write!(out, "{}{part}", if out.is_empty() { "" } else { "." });
            }
        }
    }
    out
}
