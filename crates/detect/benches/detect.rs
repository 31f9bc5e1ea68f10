//! What detection costs, as ratios to what it stands on: unpacking and decoding the same deliveries, on one core, in the same run.
//!
//! `YAGURA_BENCH_MB` says how much CloudTrail is generated (default 256); `YAGURA_BENCH_TRAIL` names a folder of deliveries instead;
//! `YAGURA_BENCH_ACTORS=no` leaves out the part about memory.
//! The detections and sequences are those of the repository's `content/`, and 60 Sigma rules of the shapes that rules for AWS have.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark may stop, and prints"
)]

#[path = "../tests/content/mod.rs"]
mod content;

use std::collections::HashMap;
use std::io::{Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use yagura_detect::engine::{Engine, State};
use yagura_detect::intel::Lists;
use yagura_detect::observe::{Habit, Hit, Notes, Observed, Observer, Rules, Seen};
use yagura_detect::pack::Pack;
use yagura_detect::run::{Batch, Looking, Waiting};
use yagura_detect::sequence::Sequences;
use yagura_logs::decode::{Sink, decode};
use yagura_logs::envelope::{Envelope, Role};
use yagura_logs::input::{Input, Wanted, local};
use yagura_logs::record::Record;

#[derive(Default)]
struct Count {
    records: u64,
    actors: u64,
}

impl Sink for Count {
    fn record(&mut self, _: &str, _: Record<'_>, envelope: Envelope<'_>) {
        self.records += 1;
        self.actors += u64::from(envelope.get(Role::Actor).is_some() && envelope.time.is_some());
    }
    fn aside(&mut self, why: String, _: &[u8]) {
        assert!(why.contains("JSON of no log"), "{why}");
    }
}

struct Deliveries {
    inputs: Vec<Input>,
    packed: HashMap<String, Arc<[u8]>>,
}

impl Deliveries {
    fn read(folder: &std::path::Path) -> Self {
        let inputs = local(&[folder.display().to_string()], &Wanted::default()).unwrap();
        let read = |i: &Input| (i.name.clone(), std::fs::read(&i.name).unwrap().into());
        let packed = inputs.iter().map(read).collect();
        Self { inputs, packed }
    }

    fn open(&self, input: &Input) -> std::io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(Cursor::new(self.packed[&input.name].clone())))
    }

    /// Decoding alone, in seconds, and what there was.
    fn decode(&self) -> (f64, Count) {
        let mut count = Count::default();
        let start = worked();
        for input in &self.inputs {
            decode(self.open(input).unwrap(), &input.place, &mut count);
        }
        (worked() - start, count)
    }

    /// The first half of the work alone, in seconds.
    fn look(&self, pack: &Pack) -> f64 {
        let mut observer = Observer::new(&pack.rules, Arc::new(Lists::default()));
        let start = worked();
        for input in &self.inputs {
            let mut looking = Looking::new(&mut observer, &input.name, (i64::MIN, i64::MAX));
            decode(self.open(input).unwrap(), &input.place, &mut looking);
            std::hint::black_box(looking.found.len());
        }
        worked() - start
    }

    /// Everything, on one thread, in seconds, and what was found.
    fn detect(&self, pack: &Pack) -> (f64, State) {
        let start = worked();
        let mut engine = Engine::new(&pack.rules, &pack.sequences, State::default());
        let done = AtomicUsize::new(0);
        let batch = Batch {
            inputs: &self.inputs,
            rules: &pack.rules,
            lists: Arc::new(Lists::default()),
            span: (i64::MIN, i64::MAX),
            threads: 1,
            done: &done,
        };
        batch.run(&mut engine, &mut Waiting::default(), None, &|i| self.open(i));
        (worked() - start, engine.state)
    }
}

/// For how long this thread was on a processor so far, in seconds: what else the machine does is of no matter.
/// <https://docs.kernel.org/scheduler/sched-stats.html>
fn worked() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e9
}

/// Runs what is compared in turns, so that a machine's moods fall on all alike; the best of each. What is over soon is done several times a
/// turn: the kernel counts a thread's time by its ticks, 4 ms at most.
fn turns<const N: usize>(works: [&mut dyn FnMut() -> f64; N]) -> [f64; N] {
    let mut best = [f64::MAX; N];
    let mut works = works;
    for _ in 0..4 {
        for (best, work) in best.iter_mut().zip(&mut works) {
            let (mut spent, mut times) = (0.0, 0.0);
            while spent < 0.5 {
                spent += work();
                times += 1.0;
            }
            *best = best.min(spent / times);
        }
    }
    best
}

fn main() {
    let scratch = std::env::temp_dir().join(format!("yagura-detect-bench-{}", std::process::id()));
    let given = std::env::var_os("YAGURA_BENCH_TRAIL").map(PathBuf::from);
    let folder = given.clone().unwrap_or_else(|| {
        let megabytes: u64 = std::env::var("YAGURA_BENCH_MB").map_or(256, |m| m.parse().unwrap());
        yagura_testkit::Trail { bytes: megabytes << 20, ..Default::default() }.write(&scratch).unwrap();
        scratch.clone()
    });
    let deliveries = Deliveries::read(&folder);
    if given.is_none() {
        std::fs::remove_dir_all(&scratch).unwrap();
    }
    let one = pack(1);
    let two = pack(2);
    let (_, count) = deliveries.decode();
    assert!(count.records > 0 && count.actors == count.records);
    let (_, state) = deliveries.detect(&one);
    println!(
        "{} deliveries, {} events; {} rules, {} sequences: {} signals, {} incidents",
        deliveries.inputs.len(),
        count.records,
        one.rules.detections.len(),
        one.sequences.all.len(),
        state.signals.len(),
        state.incidents.len()
    );
    drop(state);
    let [alone, look, all, doubled] = turns([
        &mut || deliveries.decode().0,
        &mut || deliveries.look(&one),
        &mut || deliveries.detect(&one).0,
        &mut || deliveries.detect(&two).0,
    ]);
    let each = |seconds: f64| seconds * 1e9 / count.records as f64;
    println!("decode alone        {:7.0} ns an event", each(alone));
    println!("and rules           {:7.0} ns an event   {:.2} × the speed of decode alone", each(look), alone / look);
    println!("and everything else {:7.0} ns an event   {:.2} × (wanted: 0.70)", each(all), alone / all);
    println!(
        "twice the rules     {:7.0} ns an event   {:+.1} % (wanted: less than 10)",
        each(doubled),
        (doubled / all - 1.0) * 100.0
    );
    drop(deliveries);
    if std::env::var_os("YAGURA_BENCH_ACTORS").is_none_or(|a| a != "no") {
        actors(&one);
    }
}

/// The shipped detections and the Sigma rules, each `times` times under names of their own.
fn pack(times: usize) -> Pack {
    let mut sigma = Vec::new();
    let mut files = content::files();
    for n in 0..times {
        sigma.extend(sigma_rules(n));
    }
    let originals: Vec<_> = files.iter().filter(|f| f.path.starts_with("detections/")).cloned().collect();
    for n in 1..times {
        for mut file in originals.clone() {
            let id = file.path.trim_start_matches("detections/").trim_end_matches(".yaml").replace('/', ".");
            file.path = file.path.replace(".yaml", &format!("_again{n}.yaml"));
            file.text = file.text.replace(&format!("id: {id}\n"), &format!("id: {id}_again{n}\n"));
            files.push(file);
        }
    }
    let pack = Pack::read_with(files.iter(), &sigma, &content::settings());
    assert!(pack.errors.is_empty(), "{:?}", pack.errors);
    assert_eq!(pack.rules.detections.len(), times * (originals.len() + 60));
    pack
}

/// 60 rules: most name a service and calls, as nearly all rules for CloudTrail do; some limit by what was asked, some by who called,
/// and some name no call at all.
fn sigma_rules(round: usize) -> Vec<(String, String)> {
    let services = ["iam", "ec2", "s3", "cloudtrail", "guardduty", "rds", "lambda", "kms", "sts", "ecs"];
    let verbs = ["Delete", "Put", "Update", "Create", "Disable"];
    let mut all: Vec<String> = Vec::new();
    for (n, service) in services.iter().enumerate() {
        for (m, verb) in verbs.iter().enumerate() {
            let call = format!(
                "eventSource: {service}.amazonaws.com\n    eventName:\n      - {verb}Thing{n}\n      - {verb}Part{n}"
            );
            all.push(match m {
                0 => format!("  calls:\n    {call}\n  condition: calls"),
                1 => format!(
                    "  calls:\n    {call}\n  done:\n    errorCode: null\n  condition: calls and done"
                ),
                2 => format!(
                    "  calls:\n    {call}\n  own:\n    userAgent|contains:\n      - console.amazonaws.com\n      - cloudformation\n  condition: calls and not own"
                ),
                3 => format!(
                    "  calls:\n    {call}\n    requestParameters.policyArn|endswith:\n      - AdministratorAccess\n      - PowerUserAccess\n  condition: calls"
                ),
                _ => format!(
                    "  calls:\n    {call}\n  root:\n    userIdentity.type: Root\n  service:\n    eventType: AwsServiceEvent\n  condition: 1 of calls* or (root and calls and not service)"
                ),
            });
        }
    }
    // Calls that a trail is full of.
    for (source, name, more) in [
        (
            "sts",
            "AssumeRole",
            "userIdentity.type: AssumedRole\n    responseElements.assumedRoleUser.arn|contains: admin",
        ),
        ("ec2", "RunInstances", "requestParameters.instanceType|startswith: p4"),
        ("iam", "CreateAccessKey", "userIdentity.arn|contains: ci-"),
        ("secretsmanager", "GetSecretValue", "userAgent|contains: curl"),
    ] {
        all.push(format!(
            "  calls:\n    eventSource: {source}.amazonaws.com\n    eventName: {name}\n    {more}\n  condition: calls"
        ));
    }
    // And rules that name no call, or a service alone.
    for text in [
        "  who:\n    userIdentity.type: Root\n  not_service:\n    eventType: AwsServiceEvent\n  condition: who and not not_service",
        "  agent:\n    userAgent|contains:\n      - hydra-cloud\n      - pillager\n  condition: agent",
        "  refused:\n    errorCode|contains:\n      - Client.UnauthorizedOperation\n    errorMessage|contains: explicit deny\n  condition: refused",
        "  net:\n    sourceIPAddress|cidr:\n      - 198.51.100.0/24\n  condition: net",
        "  service:\n    eventSource: kms.amazonaws.com\n    errorCode|startswith: Throttl\n  condition: service",
        "  service:\n    eventSource: s3.amazonaws.com\n    requestParameters.key|endswith: .ransom\n  condition: service",
    ] {
        all.push(text.to_owned());
    }
    let head = |n: usize| {
        format!(
            "title: Shape {n} of round {round}\nid: {round:08}-0000-4000-8000-{n:012}\nstatus: test\nlevel: medium\nlogsource:\n  product: aws\n  service: cloudtrail\ndetection:\n"
        )
    };
    (0..).zip(all).map(|(n, text)| (format!("r{round}-{n}.yml"), format!("{}{text}\n", head(n)))).collect()
}

/// What 100,000 identities come to: 40 calls each, over ten days, and a finding of every fiftieth.
fn actors(pack: &Pack) {
    let before = memory("VmRSS");
    let rules: &Rules = &pack.rules;
    let sequences: &Sequences = &pack.sequences;
    let mut engine = Engine::new(rules, sequences, State::default());
    let mut random = fastrand::Rng::with_seed(1);
    let hash = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let gated = rules.detections.iter().position(|d| d.habit.is_none() && d.count.is_none()).unwrap();
    for call in 0..4_000_000u64 {
        let who = random.u64(..100_000);
        let api = hash(random.u64(..8) + who % 50);
        let what = [
            api,
            hash(api % 7),
            hash(who % 3),
            hash(who % 5000 + random.u64(..3)),
            hash(who % 6),
            (call / 16_667 % 24 + 1) << 8,
        ];
        let notes = call.is_multiple_of(50).then(|| {
            let text = |t: &str| format!("{t}{who}").into();
            let seen = Seen {
                actor: text("arn:aws:iam::111122223333:user/u"),
                identity: text("u"),
                event_id: format!("{call:032x}").into(),
                ..Seen::default()
            };
            let hit = Hit {
                rule: u32::try_from(gated).unwrap(),
                dedup: hash(who),
                group: 0,
                of: 0,
                target: None,
                shown: Vec::new(),
                correlated: Vec::new(),
            };
            Box::new(Notes { seen: Some(seen), hits: vec![hit], ..Notes::default() })
        });
        let time = 1_780_000_000_000 + i64::try_from(call * 216).unwrap();
        engine.take(&Observed {
            time,
            id: u128::from(call),
            habit: Some(Habit { who: hash(who), what }),
            notes: notes.into(),
        });
    }
    println!(
        "100,000 identities: {} habits, {} signals; {} MB more than before, {} MB in all at most (wanted: less than 500)",
        engine.state.habits.len(),
        engine.state.signals.len(),
        memory("VmRSS").saturating_sub(before),
        memory("VmHWM"),
    );
}

/// MB of this process.
fn memory(what: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|l| l.starts_with(what)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) / 1024
}
