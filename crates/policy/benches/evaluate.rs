//! Evaluations a second with 10 and 50 policies of a principal, each the size of an AWS managed policy, on one thread,
//! with the `iam-rs` crate beside it on the same policies and requests; and who-can over 1,000 principals.
//!
//! Run with `cargo bench -p yagura-policy`. Wanted: 1 M/s at 10 policies, 300,000/s at 50, 50 times the peer; who-can
//! under 5 ms warm and 1 s cold from JSON.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a bench stops where its own data is broken; criterion's macros make public items"
)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;
use yagura_policy::account::Account;
use yagura_policy::catalogue::Catalogue;
use yagura_policy::compile::Compiled;
use yagura_policy::document::Policy;
use yagura_policy::evaluate::{Decision, Layers, Mode, decide};
use yagura_policy::request::{Caller, Context, Request};
use yagura_policy::world::World;

const USER: &str = "arn:aws:iam::111122223333:user/alice";

/// A small generator of numbers, the same on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % sides.max(1)
    }
}

fn catalogue() -> Catalogue {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/aws/iam-actions.txt");
    Catalogue::read(&std::fs::read_to_string(path).expect("the catalogue")).expect("a readable catalogue")
}

/// A policy like AWS's own: three or four statements over two or three services, some 30 actions, a tag condition.
fn policy(catalogue: &Catalogue, dice: &mut Dice) -> String {
    let mut statements = Vec::new();
    let services: Vec<_> = catalogue.services().iter().filter(|s| s.actions.len() > 20).collect();
    for _ in 0..=2 + dice.roll(2) {
        let service = services[dice.roll(services.len())];
        let mut actions = String::new();
        for _ in 0..8 + dice.roll(6) {
            let action = &service.actions[dice.roll(service.actions.len())].name;
            let short = dice.roll(4) == 0 && action.len() > 6;
            let name = if short { format!("{}*", &action[..5]) } else { action.to_string() };
            let _ = write!(actions, "{}\"{}:{name}\"", if actions.is_empty() { "" } else { "," }, service.prefix);
        }
        let resource = match dice.roll(3) {
            0 => "*".to_owned(),
            1 => format!("arn:aws:{}:*:111122223333:thing/app-*", service.prefix),
            _ => format!("arn:aws:{}:*:*:thing/${{aws:username}}/*", service.prefix),
        };
        let condition = match dice.roll(4) {
            0 => r#","Condition":{"StringEquals":{"aws:PrincipalTag/team":["red","blue"]}}"#,
            1 => r#","Condition":{"Bool":{"aws:SecureTransport":"true"}}"#,
            _ => "",
        };
        let effect = if dice.roll(12) == 0 { "Deny" } else { "Allow" };
        statements.push(format!(r#"{{"Effect":"{effect}","Action":[{actions}],"Resource":"{resource}"{condition}}}"#));
    }
    format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
}

fn compile(text: &str) -> Arc<Compiled> {
    Arc::new(Compiled::new("bench", Policy::parse(text).expect("a policy")))
}

/// Requests of which about half are on an action that some policy names.
fn requests(catalogue: &Catalogue, texts: &[String], dice: &mut Dice) -> Vec<Request> {
    let context: Context = [("aws:PrincipalTag/team", "red"), ("aws:SecureTransport", "true")].into_iter().collect();
    let services = catalogue.services();
    let named: Vec<String> = texts
        .iter()
        .flat_map(|t| t.split('"').filter(|w| w.contains(':') && !w.starts_with("arn") && !w.contains(['*', '/'])))
        .map(str::to_owned)
        .collect();
    let mut request = |i: usize| {
        let action = if i.is_multiple_of(2) {
            named[dice.roll(named.len())].clone()
        } else {
            let service = &services[dice.roll(services.len())];
            format!("{}:{}", service.prefix, service.actions.first().map_or("Get", |a| &a.name))
        };
        let service = action.split(':').next().unwrap_or_default();
        let resource = format!("arn:aws:{service}:us-east-1:111122223333:thing/app-{i}");
        Request {
            principal: Caller::Aws(USER.into()),
            resource: resource.into(),
            action: action.into(),
            resource_account: None,
            context: context.clone(),
        }
    };
    (0..512).map(&mut request).collect()
}

fn peer(texts: &[String], requests: &[Request]) -> (iam_rs::PolicyEvaluator, Vec<iam_rs::IAMRequest>) {
    let policies = texts.iter().map(|t| serde_json::from_str(t).expect("the peer reads the policy")).collect();
    let mut context = iam_rs::Context::new();
    for (key, value) in [("aws:PrincipalTag/team", "red"), ("aws:SecureTransport", "true"), ("aws:username", "alice")] {
        context.insert(key.to_owned(), iam_rs::ContextValue::String(value.to_owned()));
    }
    let principal = iam_rs::Principal::Aws(iam_rs::PrincipalId::String(USER.to_owned()));
    let of = |r: &Request| {
        let arn = iam_rs::Arn::parse(&r.resource).expect("an ARN");
        iam_rs::IAMRequest::new_with_context(principal.clone(), r.action.to_string(), arn, context.clone())
    };
    (iam_rs::PolicyEvaluator::with_policies(policies), requests.iter().map(of).collect())
}

fn evaluations(c: &mut Criterion) {
    let catalogue = catalogue();
    let mut dice = Dice(7);
    let texts: Vec<String> = (0..50).map(|_| policy(&catalogue, &mut dice)).collect();
    let bytes = texts.iter().map(String::len).sum::<usize>() / texts.len();
    println!("policies of {bytes} bytes on average");
    for count in [10, 50] {
        let texts = &texts[..count];
        let policies: Vec<Arc<Compiled>> = texts.iter().map(|t| compile(t)).collect();
        let requests = requests(&catalogue, texts, &mut dice);
        let layers = Layers { identity: &policies, ..Layers::default() };
        let allowed =
            requests.iter().filter(|r| decide(r, &layers, Mode::Strict).decision == Decision::Allowed).count();
        let (evaluator, theirs) = peer(texts, &requests);
        let also = theirs
            .iter()
            .filter(|r| matches!(evaluator.evaluate(r).map(|e| e.decision), Ok(iam_rs::Decision::Allow)))
            .count();
        println!("{count} policies: {allowed} of {} requests allowed; the peer allows {also}", requests.len());
        let mut group = c.benchmark_group(format!("{count} policies"));
        group.throughput(Throughput::Elements(requests.len() as u64));
        let run = || requests.iter().filter(|r| decide(r, &layers, Mode::Strict).decision == Decision::Allowed).count();
        let run_peer = || theirs.iter().filter(|r| evaluator.evaluate(r).is_ok()).count();
        group.bench_function("yagura", |b| b.iter(|| black_box(run())));
        group.sample_size(10).bench_function("iam-rs", |b| b.iter(|| black_box(run_peer())));
        group.finish();
        let rate = |seconds: f64, rounds: usize| (requests.len() * rounds) as f64 / seconds;
        let time = |f: &dyn Fn() -> usize, rounds: usize| {
            let start = Instant::now();
            for _ in 0..rounds {
                black_box(f());
            }
            rate(start.elapsed().as_secs_f64(), rounds)
        };
        let (ours, others) = (time(&run, 500), time(&run_peer, 3));
        println!("RESULT {count} policies: {ours:.0}/s, iam-rs {others:.0}/s, ratio {:.0}", ours / others);
    }
}

/// An account of 1,000 users with 50 managed policies each, out of 400.
fn details(catalogue: &Catalogue, dice: &mut Dice) -> String {
    let policies: Vec<String> = (0..400)
        .map(|i| {
            let document = policy(catalogue, dice);
            format!(
                r#"{{"PolicyName":"p{i}","Arn":"arn:aws:iam::111122223333:policy/p{i}","DefaultVersionId":"v1","PolicyVersionList":[{{"VersionId":"v1","IsDefaultVersion":true,"Document":{document}}}]}}"#
            )
        })
        .collect();
    let users: Vec<String> = (0..1000)
        .map(|u| {
            let attached: Vec<String> = (0..50)
                .map(|_| {
                    let p = dice.roll(400);
                    format!(r#"{{"PolicyName":"p{p}","PolicyArn":"arn:aws:iam::111122223333:policy/p{p}"}}"#)
                })
                .collect();
            format!(
                r#"{{"UserName":"u{u}","Arn":"arn:aws:iam::111122223333:user/u{u}","AttachedManagedPolicies":[{}]}}"#,
                attached.join(",")
            )
        })
        .collect();
    format!(r#"{{"UserDetailList":[{}],"Policies":[{}]}}"#, users.join(","), policies.join(","))
}

fn who_can(c: &mut Criterion) {
    let catalogue = catalogue();
    let text = details(&catalogue, &mut Dice(11));
    let start = Instant::now();
    let world = World::new(vec![Account::parse(&text).expect("details")]);
    let ask = |world: &World| {
        let who =
            world.who_can("s3:GetObject", "arn:aws:s3:::data/a", None, &Context::default(), Mode::Strict, &catalogue);
        who.asked
    };
    black_box(ask(&world));
    let cold = start.elapsed();
    c.bench_function("who-can, 1,000 principals of 50 policies", |b| b.iter(|| black_box(ask(&world))));
    let start = Instant::now();
    for _ in 0..100 {
        black_box(ask(&world));
    }
    let warm = start.elapsed() / 100;
    let limit = |is: f64, most: f64| most / is;
    println!(
        "RESULT who-can: cold {:.0} ms from {} MB of JSON ({:.1} times under the limit of 1 s), warm {:.2} ms ({:.1} times under 5 ms)",
        cold.as_secs_f64() * 1e3,
        text.len() >> 20,
        limit(cold.as_secs_f64(), 1.0),
        warm.as_secs_f64() * 1e3,
        limit(warm.as_secs_f64(), 5e-3),
    );
}

criterion_group!(benches, evaluations, who_can);
criterion_main!(benches);
