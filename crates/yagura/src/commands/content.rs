//! `yagura content`.

use super::checks::run_all;
use super::{fix, schema, site};
use crate::cli::{Cli, ContentCommand};
use crate::content::{self, Content, Requirements};
use crate::escalations::{Escalation, broken};
use crate::failure::{Failure, exit};
use smol_str::SmolStr;
use std::io::Write;
use std::path::Path;
use yagura_detect::compile::Settings;
use yagura_detect::pack::Pack;
use yagura_model::Lang;
use yagura_rule::ContentError;

/// Runs a `content` command.
pub fn run(cli: &Cli, command: &ContentCommand, lang: Lang) -> Result<u8, Failure> {
    let dir = match command {
        ContentCommand::Lint { dir } => dir,
        ContentCommand::Schema { kind } => return schema::print(*kind, &Content::load(cli.content.as_deref())?),
        ContentCommand::Site { dir } => return site::write(cli, dir, lang),
    };
    let folder = dir.as_deref().or(cli.content.as_deref());
    let content = Content::load(folder)?;
    let compiled = content.compile()?;
    // A folder's own files; without a folder, what is shipped.
    let own = content.checks.values().filter(|c| c.file.shipped == folder.is_none());
    let sound = run_all(&content, own, &compiled.errors, &compiled, lang)?;
    let sound = lint_frameworks(&content)? && sound;
    let sound = fix::lint(folder, &content, &compiled, lang)? && sound;
    let (escalations, errors) = content.escalations();
    let own: Vec<&Escalation> = escalations.iter().filter(|e| e.shipped == folder.is_none()).collect();
    let told = own.is_empty() && errors.is_empty();
    let sound = (told || lint_escalations(&own, &errors, lang)?) && sound;
    let sound = lint_detections(folder, lang)? && sound;
    Ok(if sound { exit::DONE } else { exit::USAGE })
}

/// Says which requirements refer to what is not there; whether all is well.
fn lint_frameworks(content: &Content) -> Result<bool, Failure> {
    let Requirements { frameworks, answers, .. } = content.requirements();
    let mut sound = true;
    let mut out = std::io::stdout().lock();
    for framework in frameworks {
        for reference in answers.unknown_references(framework, frameworks) {
            sound = false;
            writeln!(out, "✗ frameworks/{}.yaml: `{reference}` is no requirement and no check", framework.id)?;
        }
    }
    Ok(sound)
}

/// Runs the fixtures of detections and sequences and says how they went; whether all is well. A user's are read with the built-in ones,
/// whose ids their sequences may name.
fn lint_detections(folder: Option<&Path>, lang: Lang) -> Result<bool, Failure> {
    let (files, mut errors) = content::detections(folder)?;
    let mut pack = Pack::read(files.iter(), &Settings::new());
    errors.append(&mut pack.errors);
    let own = |shipped: bool| shipped == folder.is_none();
    let rules = pack.rules.detections.iter().filter(|d| own(d.shipped)).map(|d| &d.id);
    let ids: Vec<&SmolStr> = rules.chain(pack.sequences.all.iter().filter(|s| own(s.shipped)).map(|s| &s.id)).collect();
    if ids.is_empty() && errors.is_empty() {
        return Ok(true);
    }
    let broken = pack.broken_fixtures(&|id| ids.contains(&id));
    let mut out = std::io::stdout().lock();
    for id in &ids {
        let mine: Vec<_> = broken.iter().filter(|(rule, _, _)| rule == *id).collect();
        writeln!(out, "{} {id}", if mine.is_empty() { "✓" } else { "✗" })?;
        for (_, fixture, why) in mine {
            writeln!(out, "    {fixture}: {why}")?;
        }
    }
    errors.iter().try_for_each(|e| writeln!(out, "✗ {e}"))?;
    let total = ids.len();
    let kept = ids.iter().filter(|id| !broken.iter().any(|(rule, _, _)| rule == **id)).count();
    let (en, ja) = (
        format!("{kept} of {total} detections and sequences keep their fixtures"),
        format!("検出ルールとシーケンス {total} 件中 {kept} 件がテストに合格"),
    );
    writeln!(out, "{}", lang.pick(&en, &ja))?;
    Ok(kept == total && errors.is_empty())
}

/// Runs the fixtures of escalation paths and says how they went; whether all is well.
fn lint_escalations(own: &[&Escalation], errors: &[ContentError], lang: Lang) -> Result<bool, Failure> {
    let mut out = std::io::stdout().lock();
    let mut kept = 0;
    for escalation in own {
        let broken = broken(escalation);
        kept += usize::from(broken.is_empty());
        writeln!(out, "{} {}", if broken.is_empty() { "✓" } else { "✗" }, escalation.path.id)?;
        for (name, expected, found) in &broken {
            let (e, f) = (expected.name(), found.name());
            let (en, ja) = (format!("expected {e}, found {f}"), format!("期待 {e}、結果 {f}"));
            writeln!(out, "    {name}: {}", lang.pick(&en, &ja))?;
        }
    }
    errors.iter().try_for_each(|e| writeln!(out, "✗ {e}"))?;
    let total = own.len();
    let (en, ja) = (
        format!("{kept} of {total} escalation paths keep their fixtures"),
        format!("{total} 件中 {kept} 件の権限昇格パスがテストに合格"),
    );
    writeln!(out, "{}", lang.pick(&en, &ja))?;
    Ok(kept == total && errors.is_empty())
}
