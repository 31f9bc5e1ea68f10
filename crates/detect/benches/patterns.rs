//! Events a second held against 35 event patterns, five of each kind, on one thread; and against 3,500.
//!
//! Run with `cargo bench -p yagura-detect --bench patterns`. Wanted: 1 M/s on 35 patterns; a hundred times the patterns at less than
//! twice the cost.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a bench stops where its own data is broken; criterion's macros make public items"
)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Instant;
use yagura_detect::pattern::{Pattern, Rules};

fn event(i: usize) -> String {
    let states = ["pending", "running", "stopping", "stopped", "terminated"];
    let kinds = ["m5.large", "t3.micro", "c6g.xlarge"];
    format!(
        r#"{{"version":"0","id":"ee376907-2647-4179-9203-343cfb3017{i:02}","detail-type":"EC2 Instance State-change Notification","source":"aws.ec2","account":"1234567890{:02}","time":"2026-04-{:02}T05:12:{:02}Z","region":"us-east-1","resources":["arn:aws:ec2:us-east-1:123456789012:instance/i-{i:017x}"],"detail":{{"instance-id":"i-{i:017x}","state":"{}","kind":"{}","source-ip":"10.0.{}.{}","count":{},"load":{}.25}}}}"#,
        i % 40,
        1 + i % 28,
        i % 60,
        states[i % 5],
        kinds[i % 3],
        i % 7,
        i % 256,
        i % 100,
        i % 13,
    )
}

/// Seven kinds of pattern; a larger `n` gives others of the same kind.
fn pattern(kind: usize, n: usize) -> String {
    match kind {
        0 => format!(r#"{{"source":["aws.ec2"],"detail":{{"instance-id":["i-{n:017x}"]}}}}"#),
        1 => format!(r#"{{"detail":{{"instance-id":[{{"prefix":"i-{n:015x}"}}],"state":["running"]}}}}"#),
        2 => format!(r#"{{"resources":[{{"suffix":"{n:03x}"}}]}}"#),
        3 => format!(
            r#"{{"detail":{{"kind":[{{"equals-ignore-case":"T3.MICRO{}"}}]}}}}"#,
            if n == 0 { String::new() } else { n.to_string() }
        ),
        4 => format!(r#"{{"detail":{{"instance-id":[{{"wildcard":"i-{n:03x}*7f"}}]}}}}"#),
        5 => format!(
            r#"{{"detail":{{"count":[{{"numeric":["=",{n}]}}],"source-ip":[{{"cidr":"10.0.{}.0/24"}}]}}}}"#,
            n % 7
        ),
        _ => format!(r#"{{"source":["aws.ec{n}"],"detail":{{"state":[{{"anything-but":["running","pending"]}}]}}}}"#),
    }
}

fn rules(each: usize) -> Rules {
    let all = (0..7).flat_map(|kind| (0..each).map(move |n| (format!("{kind}-{n}"), pattern(kind, n))));
    Rules::new(all.map(|(name, text)| (name, Pattern::parse(&text).expect("a pattern"))))
}

fn patterns(c: &mut Criterion) {
    let events: Vec<String> = (0..1000).map(event).collect();
    let bytes = events.iter().map(String::len).sum::<usize>() / events.len();
    let mut rates = Vec::new();
    for each in [5, 500] {
        let rules = rules(each);
        let mut scanner = rules.scanner();
        let mut run = || events.iter().map(|e| scanner.matched(e).map_or(0, <[u32]>::len)).sum::<usize>();
        let matched = run();
        let mut group = c.benchmark_group(format!("{} patterns", each * 7));
        group.throughput(Throughput::Elements(events.len() as u64)).sample_size(20);
        group.bench_function("scan", |b| b.iter(|| black_box(run())));
        group.finish();
        // The best of several runs: what else the machine does only ever slows it down.
        let rounds = 50;
        let mut rate: f64 = 0.0;
        for _ in 0..10 {
            let start = Instant::now();
            for _ in 0..rounds {
                black_box(run());
            }
            rate = rate.max((rounds * events.len()) as f64 / start.elapsed().as_secs_f64());
        }
        println!(
            "RESULT {} patterns: {rate:.0} events/s of {bytes} bytes, {matched} matches in {} events",
            each * 7,
            events.len()
        );
        rates.push(rate);
    }
    println!("RESULT a hundred times the patterns cost {:.2} times as much", rates[0] / rates[1]);
}

criterion_group!(benches, patterns);
criterion_main!(benches);
