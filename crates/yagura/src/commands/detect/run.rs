//! `yagura detect SRC…`: reads logs and says who attacks.

use super::args::DetectArgs;
use super::ready::Ready;
use super::state::{Baseline, Saved, load, lock, save};
use super::words::{self, lost, say};
use crate::cli::Cli;
use crate::commands::notify;
use crate::commands::scan::{writable, write_file};
use crate::failure::{Failure, exit};
use crate::terminal;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use yagura_detect::detection::millis;
use yagura_detect::engine::Engine;
use yagura_detect::run::{Batch, Counts};
use yagura_detect::suppress::Exception;
use yagura_detect::tell::{self, Told};
use yagura_logs::input::Input;
use yagura_model::{Lang, Severity};
use yagura_report::{DetectFormat, Style, told_identity, write_findings};

/// Runs it.
pub fn run(cli: &Cli, args: &DetectArgs, lang: Lang) -> Result<u8, Failure> {
    let format = format(args)?;
    writable([&args.output, &args.state, &args.baseline])?;
    let of_detect = |file: &std::path::PathBuf| notify::of_detect(cli, file, &args.read.store, lang);
    let mut notifier = args.notify.as_ref().map(of_detect).transpose()?;
    let mut ready = args.read.ready(cli, lang)?;
    ready.patient = args.follow || args.state.is_some();
    let late = millis(&args.late).ok_or_else(|| {
        let late = &args.late;
        Failure::usage(
            format!("`{late}` is no length of time: 30m, 1h, 1d"),
            format!("`{late}` は時間の長さではない: 30m、1h、1d のように書く"),
        )
    })?;
    let late = (args.follow || args.state.is_some()).then_some(late);
    let _mine = args.state.as_deref().or(args.baseline.as_deref()).map(lock).transpose()?;
    let mut saved: Saved = match &args.state {
        Some(path) => load(path)?.unwrap_or_default(),
        None => Saved::default(),
    };
    if let Some(path) = &args.baseline
        && let Some(Baseline { habits, until }) = load(path)?
    {
        (saved.state.habits, saved.state.learned_until) = (habits, until);
    }
    if !saved.accounts.is_empty() {
        Arc::make_mut(&mut ready.lists).own(saved.accounts.iter().cloned());
    }
    let stop = Arc::new(AtomicBool::new(false));
    if args.follow {
        let stop = stop.clone();
        ready.runtime.spawn(async move {
            // The first Ctrl-C ends after the files at hand; the second at once.
            let _ = tokio::signal::ctrl_c().await;
            stop.store(true, Ordering::Relaxed);
            let _ = tokio::signal::ctrl_c().await;
            std::process::exit(130);
        });
    }
    let mut worst = None;
    let mut silent = Instant::now();
    let (mut read, mut unread, mut tried, mut told_lost) = (0, 0, false, 0);
    if args.follow {
        words::off(&ready, lang)?;
    }
    loop {
        let inputs = args.read.inputs(&mut ready, lang)?;
        saved.accounts.extend(ready.lists.accounts().cloned());
        let whole = |i: Input| if late.is_none() { Some(i) } else { saved.fresh(i) };
        let fresh: Vec<Input> = inputs.into_iter().filter_map(whole).collect();
        if !fresh.is_empty() {
            silent = Instant::now();
        }
        let late_now = late.map(|l| if args.follow { still_late(l, silent) } else { l });
        let failed: BTreeSet<String> =
            fresh.iter().filter(|i| tried && saved.failed(i)).map(|i| i.name.clone()).collect();
        let Once { mut found, mut other, mut counts, gone, forgotten } =
            once(&ready, &fresh, &mut saved, late_now, (lang, notifier.is_some()));
        words::gone(&gone, lang)?;
        if let Some(last) = saved.state.latest().filter(|last| !ready.patient && *last < ready.since) {
            say(&counts, fresh.len(), 0, lang)?;
            return Err(nothing_since(last));
        }
        read += counts.records;
        unread += counts.unread;
        // What was said of a file and is still so is not said again at every look.
        if tried {
            let said = counts.aside.iter().filter(|(file, _)| failed.contains(file)).count() as u64;
            counts.aside.retain(|(file, _)| !failed.contains(file));
            counts.unread = counts.unread.saturating_sub(said);
        }
        let news = fresh.iter().any(|i| !failed.contains(&i.name));
        tried = true;
        found.retain(|t| ready.tells(t));
        let (found, suppressed) = kept(found, &ready.exceptions, args.severity.map(Severity::from));
        worst = worst.max(found.iter().map(|t| t.severity).max());
        // Nothing read is no all-clear.
        if !found.is_empty() || !args.follow && (counts.records > 0 || late.is_some()) {
            write(args, format, &found, lang)?;
        }
        if let Some(notifier) = &mut notifier {
            let both: Vec<_> = found.into_iter().map(|t| (other.remove(&told_identity(&t)), t)).collect();
            let both: Vec<_> = both.into_iter().map(|(other, t)| (t, other)).collect();
            let report = notifier.tell(&both, if args.follow { Duration::ZERO } else { notify::PATIENCE })?;
            if !args.follow || report.said_something() {
                notify::say(&report, lang)?;
            }
        }
        if news || !args.follow {
            say(&counts, fresh.len(), suppressed, lang)?;
        }
        if forgotten > told_lost {
            lost(forgotten, lang)?;
            told_lost = forgotten;
        }
        if !args.follow {
            words::off(&ready, lang)?;
        }
        if let Some(path) = &args.state {
            save(path, &saved)?;
        }
        if !args.follow || stop.load(Ordering::Relaxed) {
            break;
        }
        for _ in 0..args.every.saturating_mul(5) {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
    if let Some(path) = &args.baseline {
        let until = saved.state.learned_until.max(saved.state.latest());
        save(path, &Baseline { habits: std::mem::take(&mut saved.state.habits), until })?;
    }
    // A run that goes on from another may have nothing to do; one that could not read what it had to do is no all-clear.
    if read == 0 && (late.is_none() || unread > 0) {
        return Err(Failure::blind("no record could be read", "読み取れたレコードがない"));
    }
    let fails = args.fail_on.map(Severity::from).is_some_and(|least| worst.is_some_and(|w| w >= least));
    Ok(if fails { exit::FINDINGS } else { exit::DONE })
}

/// The format: as asked, else by the output's ending.
fn format(args: &DetectArgs) -> Result<DetectFormat, Failure> {
    let ending = args.output.as_deref().and_then(std::path::Path::extension).map(|e| e.to_string_lossy());
    match (args.format, ending.map(|e| e.to_ascii_lowercase()).as_deref()) {
        (Some(format), _) => Ok(format),
        (None, Some("html" | "htm")) => Ok(DetectFormat::Html),
        (None, Some("jsonl" | "ndjson")) => Ok(DetectFormat::Jsonl),
        (None, Some("json")) => Err(Failure::usage(
            "`.json` may mean several formats: name one with --format",
            "`.json` に当たる形式は複数ある。--format で指定すること",
        )
        .hint("--format jsonl, ocsf or asff", "--format jsonl、ocsf、asff のいずれか")),
        (None, _) => Ok(DetectFormat::Table),
    }
}

/// Everything that was read lies before the asked time: that is no all-clear.
pub fn nothing_since(last: i64) -> Failure {
    let last = tell::iso(last);
    Failure::blind(
        format!("nothing was recorded since the asked time: the last record is of {last}"),
        format!("指定した時刻以降のレコードがない（最後のレコードは {last}）"),
    )
}

/// How long, in ms, records are still waited for where nothing came since: where a stream falls silent, as it does where the log was
/// stopped, time itself is what is waited for. In the end it is -1, which lets go of the newest record too.
pub fn still_late(late: i64, silent: Instant) -> i64 {
    let waited = i64::try_from(silent.elapsed().as_millis()).unwrap_or(i64::MAX);
    late.saturating_sub(waited).max(-1)
}

/// What came of some inputs.
pub struct Once {
    /// What is new: findings that were not said before, and incidents that grew.
    pub found: Vec<Told>,
    /// The same in the other language, by identity, where that was asked for.
    pub other: BTreeMap<String, Told>,
    /// What was read.
    pub counts: Counts,
    /// How many findings there are of rules that are no more.
    pub gone: BTreeMap<SmolStr, usize>,
    /// How much had to be forgotten, from the state's beginning.
    pub forgotten: u64,
}

/// Reads inputs and finds out what is new.
pub fn once(ready: &Ready, inputs: &[Input], saved: &mut Saved, late: Option<i64>, (lang, both): (Lang, bool)) -> Once {
    let Ready { pack, lists, span, threads, runtime, .. } = ready;
    let done = AtomicUsize::new(0);
    let batch = Batch { inputs, rules: &pack.rules, lists: lists.clone(), span: *span, threads: *threads, done: &done };
    let mut engine = Engine::new(&pack.rules, &pack.sequences, std::mem::take(&mut saved.state));
    let counts = batch.run(&mut engine, &mut saved.waiting, late, &|input| input.open(runtime.handle()));
    let state = &engine.state;
    // What could not be read to its end is tried again by the next run.
    inputs.iter().for_each(|i| saved.note(i, !counts.unfinished.contains(&i.name)));
    let (signals, steps) = &saved.said;
    let mut found = Vec::new();
    let mut other = BTreeMap::new();
    let mut also = |told: Option<Told>| other.extend(told.map(|t| (told_identity(&t), t)));
    let there = lang.pick(Lang::Ja, Lang::En);
    let mut gone: BTreeMap<SmolStr, usize> = BTreeMap::new();
    for (n, incident) in state.incidents.iter().enumerate() {
        if steps.get(n).is_none_or(|said| *said < incident.steps.len()) {
            match tell::incident(n, state, &pack.rules, &pack.sequences, lang) {
                Some(told) => {
                    found.push(told);
                    also(both.then(|| tell::incident(n, state, &pack.rules, &pack.sequences, there)).flatten());
                }
                None => *gone.entry(incident.sequences.first().cloned().unwrap_or_default()).or_default() += 1,
            }
        }
    }
    for signal in state.signals.iter().skip(*signals) {
        match tell::signal(signal, &pack.rules, lang) {
            Some(told) => {
                found.push(told);
                also(both.then(|| tell::signal(signal, &pack.rules, there)).flatten());
            }
            None => *gone.entry(signal.rule.clone()).or_default() += 1,
        }
    }
    saved.said = (state.signals.len(), state.incidents.iter().map(|i| i.steps.len()).collect());
    if let (Some(late), Some(latest)) = (late, state.latest()) {
        // A run that goes on for years must not hold all that it ever said.
        saved.said.0 = engine.let_go(saved.said.0, latest.saturating_sub(late));
    }
    let forgotten = engine.forgotten();
    saved.state = engine.state;
    Once { found, other, counts, gone, forgotten }
}

/// Without what is milder than wanted, and what exceptions cover: so many they are.
pub fn kept(mut found: Vec<Told>, exceptions: &[Exception], least: Option<Severity>) -> (Vec<Told>, usize) {
    found.retain(|t| least.is_none_or(|l| t.severity >= l));
    let all = found.len();
    found.retain(|t| !exceptions.iter().any(|e| e.covers(t)));
    let covered = all - found.len();
    (found, covered)
}

fn write(args: &DetectArgs, format: DetectFormat, found: &[Told], lang: Lang) -> Result<(), Failure> {
    match &args.output {
        Some(path) if args.follow => {
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
            write_findings(found, format, &Style::default(), lang, &mut file)?;
        }
        Some(path) => {
            write_file(path, |mut out| write_findings(found, format, &Style::default(), lang, &mut out))?;
            writeln!(std::io::stderr(), "{} {}", lang.pick("wrote", "書き込んだ:"), path.display())?;
        }
        None => {
            let style =
                Style { colour: terminal::colour(), width: terminal::columns().unwrap_or(Style::default().width) };
            write_findings(found, format, &style, lang, &mut std::io::stdout().lock())?;
        }
    }
    Ok(())
}
