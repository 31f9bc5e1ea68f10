//! `yagura fix` and `yagura undo`: plans previewed, carried out, taken back.

pub mod act;
mod args;
mod contain;
mod export;
mod lake;
mod remedies;
mod say;
mod used;
mod world;

pub use args::{ContainArgs, FixArgs, UndoArgs, help_ja};
pub use contain::run as contain;
pub use remedies::{lint, said};

use super::prepare::{Prepared, prepare, prepare_only};
use super::{live, scan, state};
use crate::cli::{Cli, Selection};
use crate::commands::frameworks::TextOrJson;
use crate::content::Compiled;
use crate::failure::{Failure, exit};
use crate::progress::Display;
use crate::settings;
use remedies::{Parsed, Remedies};
use smol_str::SmolStr;
use std::path::PathBuf;
use used::Asked;
use world::Live;
use yagura_inventory::{collect, load};
use yagura_model::Lang;
use yagura_network::estate::Estate as Network;
use yagura_respond::journal::{Event, Journals};
use yagura_respond::{Preview, run};
use yagura_rule::{Check, Estate};

/// The remedies of these checks, with the user's settings.
fn held(cli: &Cli, checks: &[Check], compiled: &Compiled, lang: Lang) -> Result<Remedies, Failure> {
    let parsed = Parsed::read(cli)?;
    let settings = settings::of_remedies(cli.config.as_deref(), &parsed.needs())?;
    Ok(parsed.hold(checks, compiled, &settings, lang))
}

/// Runs `yagura fix`.
pub fn run(cli: &Cli, args: &FixArgs, lang: Lang) -> Result<u8, Failure> {
    let selection = Selection {
        service: args.service.clone(),
        check: args.rule.clone(),
        framework: args.framework.clone(),
        severity: args.severity,
    };
    let Prepared { compiled, checks, .. } = prepare(cli, &selection, lang)?;
    let remedies = held(cli, &checks, &compiled, lang)?;
    if args.demo || args.snapshot.is_some() {
        let snapshot = match &args.snapshot {
            Some(path) => {
                load(path).map_err(|e| Failure::usage(e.to_string(), format!("スナップショットを読み込めない: {e}")))?
            }
            None => scan::demo(&compiled)?,
        };
        let network = lake::is_asked(args).then(|| lake::of_snapshot(&snapshot)).flatten();
        let mut estate = Estate::from_snapshot(snapshot, compiled.tables.clone());
        let preview = remedies.preview(&mut estate, &checks, &args.findings, lang)?;
        return show(args, &preview, &compiled, network.as_ref(), false, lang);
    }
    let runtime = live::runtime()?;
    let (access, preview, network) = runtime.block_on(async {
        let access = live::Access::open(&args.aws, &compiled, lang).await?;
        let display = Display::new(args.quiet, lang);
        let mut all = checks.clone();
        all.extend(remedies.readers(&checks));
        let mut estate = access.estate(&compiled, &checks);
        collect(&mut estate, &access.targets, &all, &compiled.kinds, &|p| display.step(p)).await;
        display.finish();
        let mut estate = in_order(estate, &compiled);
        let preview = remedies.preview(&mut estate, &checks, &args.findings, lang)?;
        let wanted = args.apply.is_none() && lake::wants_network(args, &preview);
        let network = if wanted { lake::network(&access, &compiled).await } else { None };
        Ok::<_, Failure>((access, preview, network))
    })?;
    let Some(asked) = &args.apply else {
        return show(args, &preview, &compiled, network.as_ref(), true, lang);
    };
    allowed(&preview, asked, args.max)?;
    let world = Live { access: &access, compiled: &compiled, checks: &checks, remedies: &remedies, lang };
    runtime.block_on(carry_out(world, &preview, args.state.as_ref(), args.format))
}

/// Shows a preview with what a lake tells of it, or writes it as files.
fn show(
    args: &FixArgs,
    preview: &Preview,
    compiled: &Compiled,
    network: Option<&Network>,
    live: bool,
    lang: Lang,
) -> Result<u8, Failure> {
    if let (Some(form), Some(output)) = (args.export, &args.output) {
        return export::write(preview, compiled, (form, output, args.format), lang);
    }
    let asked = if lake::is_asked(args) { Asked::Told(lake::ask(args, preview, network, lang)?) } else { Asked::Not };
    say::preview(preview, &asked, (args.format, args.max), live, lang)?;
    Ok(exit::DONE)
}

/// Carries a preview out that was allowed, with its journal, and says what came of it.
async fn carry_out(
    mut world: Live<'_>,
    preview: &Preview,
    folder: Option<&PathBuf>,
    format: TextOrJson,
) -> Result<u8, Failure> {
    let lang = world.lang;
    let unwritable = |e: std::io::Error| unwritable(folder, &e);
    let by = world.access.targets.first().map(|t| t.caller.arn.clone()).unwrap_or_default();
    let journals = Journals::at(&state::folder(folder)?);
    let now = jiff::Timestamp::now();
    let mut journal = journals.begin(now, &by, &preview.hash(), &preview.plans).map_err(unwritable)?;
    let outcome = run::apply(&mut world, &mut journal, lang).await.map_err(unwritable)?;
    say::applied(&journal.run, &outcome, format, lang)?;
    Ok(if outcome.failed.is_empty() { exit::DONE } else { exit::FINDINGS })
}

/// Whether a preview may be carried out: it is the one that was shown, and no larger than allowed.
fn allowed(preview: &Preview, asked: &str, max: usize) -> Result<(), Failure> {
    if preview.plans.is_empty() {
        return Err(Failure::usage("there is nothing to do", "実行する計画がない"));
    }
    let hash = preview.hash();
    if asked.len() < hash.len() && hash.starts_with(asked) {
        return Err(Failure::usage(
            "the hash is cut short: give it whole, as the preview printed it; nothing was changed",
            "ハッシュが途中までしかない。プレビューに表示された全体を指定すること。何も変更していない",
        ));
    }
    if *asked != *hash {
        let failure = Failure::usage(
            "this is not the hash of what would be done now; nothing was changed",
            "指定されたハッシュは現在の計画と一致しない。何も変更していない",
        );
        return Err(failure.hint(
            "something changed since the preview, or the selection differs: preview again",
            "プレビュー後に状態が変わったか、条件が異なる。プレビューからやり直すこと",
        ));
    }
    if preview.plans.len() > max {
        let n = preview.plans.len();
        let failure = Failure::usage(
            format!("{n} plans are more than --max {max}; nothing was changed"),
            format!("計画が {n} 件あり、--max {max} を超えている。何も変更していない"),
        );
        return Err(failure.hint("choose fewer findings, or raise --max", "対象を絞るか、--max を増やすこと"));
    }
    Ok(())
}

/// Runs `yagura undo`.
pub fn undo(cli: &Cli, args: &UndoArgs, lang: Lang) -> Result<u8, Failure> {
    let journals = Journals::at(&state::folder(args.state.as_ref())?);
    let unwritable = |e: std::io::Error| unwritable(args.state.as_ref(), &e);
    let Some(name) = &args.run else {
        say::runs(&journals, args.format, lang)?;
        return Ok(exit::DONE);
    };
    let mut journal = journals.open(name).map_err(|e| {
        let runs = journals.runs().unwrap_or_default();
        match e.kind() {
            std::io::ErrorKind::NotFound => Failure::unknown(("run", "実行"), name, runs.iter().map(String::as_str))
                .hint_if_none("see `yagura undo`", "`yagura undo` で一覧を確認すること"),
            std::io::ErrorKind::WouldBlock => {
                Failure::usage("another process works on this run", "この実行は別のプロセスが処理中")
            }
            _ => unwritable(e),
        }
    })?;
    let plans = journal.plans();
    let parsed = Parsed::read(cli)?;
    // A containment or an action stands for no check.
    let rules: Vec<SmolStr> = plans.iter().flat_map(|p| p.rules()).filter(|r| !parsed.is_own(r)).cloned().collect();
    let Prepared { compiled, checks, .. } = prepare_only(cli, rules, lang)?;
    let settings = settings::of_remedies(cli.config.as_deref(), &parsed.needs())?;
    let remedies = parsed.hold(&checks, &compiled, &settings, lang);
    let runtime = live::runtime()?;
    runtime.block_on(async {
        let mut access = live::Access::open(&args.aws, &compiled, lang).await?;
        for region in plans.iter().map(|p| &p.resource.region) {
            if !access.scope.regions.contains(region) && !region.ends_with("-global") {
                access.scope.regions.push(region.clone());
            }
        }
        if let Some(other) =
            plans.iter().find(|p| !access.targets.iter().any(|t| t.caller.account == p.resource.account))
        {
            let account = &other.resource.account;
            return Err(Failure::usage(
                format!("the run changed account {account}, and these credentials are not of it"),
                format!("この実行はアカウント {account} を変更したが、現在の認証情報は別のアカウントのもの"),
            ));
        }
        let mut world = Live { access: &access, compiled: &compiled, checks: &checks, remedies: &remedies, lang };
        let outcome = run::undo(&mut world, &mut journal, args.force, lang).await.map_err(unwritable)?;
        say::undone(&journal.run, &outcome, args.format, lang)?;
        Ok(if outcome.failed.is_empty() { exit::DONE } else { exit::FINDINGS })
    })
}

/// The same estate in an order that does not hang on which answer came first: so a preview's hash is the same every time.
fn in_order(estate: Estate, compiled: &Compiled) -> Estate {
    Estate::from_snapshot(estate.into_snapshot(String::new(), 0), compiled.tables.clone())
}

fn unwritable(folder: Option<&PathBuf>, e: &std::io::Error) -> Failure {
    let place = folder.map_or_else(String::new, |f| format!(" ({})", f.display()));
    Failure::usage(
        format!("the journal of runs cannot be used{place}: {e}; nothing more was changed"),
        format!("実行記録を読み書きできない{place}: {e}。以降は何も変更していない"),
    )
}

/// What a run's journal says of it.
struct Past {
    /// When it began.
    at: jiff::Timestamp,
    /// What each plan mends, and where: `s3.bucket_versioned  arn:aws:s3:::evidence`.
    plans: Vec<String>,
    /// Whether it was taken back, at least in part.
    taken_back: bool,
}

impl Past {
    /// `None` where the journal is broken.
    fn read(journals: &Journals, run: &str) -> Option<Self> {
        let entries = journals.read(run).ok()?;
        let first = entries.first()?;
        let Event::Begun { plans, .. } = &first.event else { return None };
        let plans = plans.iter().map(|p| format!("{}  {}", p.rule, p.resource.name())).collect();
        let taken_back = entries.iter().any(|e| matches!(e.event, Event::Undone { .. }));
        Some(Self { at: first.at, plans, taken_back })
    }
}
