//! What a run works with: rules, lists, exceptions, and the logs it is told to read.

use super::args::ReadArgs;
use super::{lists, pack};
use crate::cli::Cli;
use crate::commands::logs::lake::{LakeArgs, runtime};
use crate::commands::logs::sources;
use crate::commands::store::StoreArgs;
use crate::failure::Failure;
use smol_str::SmolStr;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::runtime::Runtime;
use yagura_detect::detection::millis;
use yagura_detect::intel::Lists;
use yagura_detect::pack::Pack;
use yagura_detect::suppress::Exception;
use yagura_detect::tell::{self, Told};
use yagura_logs::input::{Input, Wanted, object};
use yagura_model::Lang;

/// With `--since`, so much before it is read to learn what is usual: two weeks.
const LEARNED: i64 = 14 * 86_400_000;

/// What a run works with.
pub struct Ready {
    /// The rules.
    pub pack: Pack,
    /// The threat lists.
    pub lists: Arc<Lists>,
    /// The exceptions.
    pub exceptions: Vec<Exception>,
    /// Records from and before these times are read, ms.
    pub span: (i64, i64),
    /// Findings from this time on are told, ms: what lies before is only learned from.
    pub since: i64,
    /// Threads that decode.
    pub threads: usize,
    /// What carries the work of stores.
    pub runtime: Runtime,
    /// Whether records of the asked time may still come: then it is no mistake that there are none yet.
    pub patient: bool,
}

impl Ready {
    /// Whether a finding lies in the asked time.
    pub fn tells(&self, told: &Told) -> bool {
        self.since == i64::MIN || told.last.parse::<jiff::Timestamp>().is_ok_and(|t| t.as_millisecond() >= self.since)
    }
}

impl ReadArgs {
    /// Reads rules, lists and exceptions.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn ready(&self, cli: &Cli, lang: Lang) -> Result<Ready, Failure> {
        let since = time(self.since.as_deref(), i64::MIN)?;
        let pack = pack::load(cli, &self.rules, lang)?;
        Ok(Ready {
            span: (since.saturating_sub(LEARNED), time(self.until.as_deref(), i64::MAX)?),
            since,
            exceptions: lists::exceptions(self.suppress.as_deref(), &pack, lang)?,
            pack,
            lists: Arc::new(lists::placed(lists::read(&self.intel, &self.allow, lang)?, &self.places, lang)?),
            patient: false,
            threads: self.threads.or_else(|| std::thread::available_parallelism().ok().map(usize::from)).unwrap_or(2),
            runtime: runtime()?,
        })
    }

    /// Finds what is to be read.
    ///
    /// # Errors
    /// Something does not exist, the lake cannot be opened, or it has nothing of the asked time.
    pub fn inputs(&self, ready: &mut Ready, lang: Lang) -> Result<Vec<Input>, Failure> {
        let inputs = self.found(ready, lang)?;
        // Whose logs these are: accounts that files' names tell are the user's own.
        let own = inputs.iter().filter_map(|i| i.place.account.as_deref()).filter(|a| !ready.lists.owns(a));
        let own: BTreeSet<SmolStr> = own.map(SmolStr::new).collect();
        if !own.is_empty() {
            Arc::make_mut(&mut ready.lists).own(own);
        }
        Ok(inputs)
    }

    fn found(&self, ready: &Ready, lang: Lang) -> Result<Vec<Input>, Failure> {
        let named = Named { sources: &self.sources, demo: self.demo, lake: self.lake.as_deref(), store: &self.store };
        named.inputs(ready.since, ready.span, ready.patient, &ready.runtime, lang)
    }
}

/// What the command line names as logs.
pub struct Named<'a> {
    /// Files, folders, patterns, `s3://bucket/prefix`, `-`.
    pub sources: &'a [String],
    /// The sample estate's.
    pub demo: bool,
    /// A lake.
    pub lake: Option<&'a str>,
    /// How to reach what is not on this machine.
    pub store: &'a StoreArgs,
}

impl Named<'_> {
    /// Finds what may hold records of `span`; of a lake that has none from `since` on, unless the reader is patient, says so.
    ///
    /// # Errors
    /// Something does not exist, the lake cannot be opened, or it has nothing of the asked time.
    pub fn inputs(
        &self,
        since: i64,
        span: (i64, i64),
        patient: bool,
        runtime: &Runtime,
        lang: Lang,
    ) -> Result<Vec<Input>, Failure> {
        let lake = match self.lake {
            Some(lake) => lake.to_owned(),
            None if self.demo || !self.sources.is_empty() => {
                return sources::find(self.sources, self.demo, &wanted(span), self.store, runtime, lang);
            }
            None => usual_lake()?,
        };
        let args = LakeArgs { lake };
        let lake = runtime.block_on(args.open(self.store, lang))?;
        if !patient {
            let days = lake.all_files().map(|f| (f.min_time, f.max_time));
            let days = days.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
            if let Some((first, last)) = days.filter(|(first, last)| *last < since || *first >= span.1) {
                return Err(nothing_then(&args.lake, first, last));
            }
        }
        let mut files: Vec<_> = lake.all_files().filter(|f| f.max_time >= span.0 && f.min_time < span.1).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let inputs = files.into_iter().map(|f| {
            let key = lake.at(&f.path);
            object(lake.store(), f.path.clone(), key.as_ref(), f.bytes, f.name().to_owned())
        });
        Ok(inputs.collect())
    }
}

/// The lake that is read where nothing else is named.
fn usual_lake() -> Result<String, Failure> {
    let set = std::env::var("YAGURA_LAKE").ok().filter(|l| !l.is_empty());
    if let Some(lake) = set.or_else(|| std::path::Path::new(LAKE).is_dir().then(|| LAKE.to_owned())) {
        return Ok(lake);
    }
    Err(Failure::usage("there is nothing to read: name logs, a lake or --demo", "読み取るログの指定がない")
        .hint(NOTHING_EN, NOTHING_JA))
}

/// The lake that `yagura logs ingest` makes where none is named.
const LAKE: &str = "yagura-lake";
const NOTHING_EN: &str = "--demo takes the sample estate's logs: no account needed
      AWSLogs/ or s3://bucket/AWSLogs reads logs where they are
      `yagura logs ingest AWSLogs/` makes a lake (yagura-lake), which is then read where nothing else is named";
const NOTHING_JA: &str = "--demo でサンプル環境のログを使う（アカウント不要）
      AWSLogs/ や s3://バケット/AWSLogs で、ログをその場で読む
      `yagura logs ingest AWSLogs/` でレイク（yagura-lake）を作れば、以後は指定しなくてもそれを読む";

/// A lake that ends before the asked time, or begins after it.
fn nothing_then(lake: &str, first: i64, last: i64) -> Failure {
    let (first, last) = (tell::iso(first), tell::iso(last));
    Failure::blind(
        format!("the lake `{lake}` holds records from {first} to {last}: nothing of the asked time"),
        format!("レイク `{lake}` にあるのは {first} から {last} までのレコードで、指定した期間のものはない"),
    )
    .hint("other times are asked for with --since and --until", "期間は --since と --until で指定する")
}

/// A time on the command line, ms.
///
/// # Errors
/// It is none: a sentence.
pub fn time(text: Option<&str>, none: i64) -> Result<i64, Failure> {
    let Some(text) = text else { return Ok(none) };
    if let Some(ago) = millis(text) {
        return Ok(jiff::Timestamp::now().as_millisecond() - ago);
    }
    let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
    whole.parse::<jiff::Timestamp>().map(|t| t.as_millisecond()).map_err(|_| {
        Failure::usage(
            format!("`{text}` is no time: 2024-01-02, 2024-01-02T03:00:00Z or 7d"),
            format!("`{text}` は時刻ではない: 2024-01-02、2024-01-02T03:00:00Z、7d のように書く"),
        )
    })
}

/// Which files may hold records of a span.
fn wanted((since, until): (i64, i64)) -> Wanted {
    let day = |ms: i64| jiff::Timestamp::from_millisecond(ms).ok().map(|t| t.strftime("%Y-%m-%d").to_string());
    Wanted {
        since: (since > i64::MIN).then(|| day(since)).flatten(),
        until: (until < i64::MAX).then(|| day(until)).flatten(),
        ..Wanted::default()
    }
}
