//! How long one comparison of two policies takes: the median and the 99th percentile over 2,000 pairs of the size of AWS
//! managed policies, and of pairs ten times as large.
//!
//! Run with `cargo bench -p yagura-policy --bench diff`. Wanted: p50 under 5 ms, p99 under 100 ms.

#![allow(clippy::expect_used, clippy::indexing_slicing, reason = "a bench stops where its own data is broken")]

use serde_json::{Value, json};
use std::time::{Duration, Instant};
use yagura_policy::catalogue::Catalogue;
use yagura_policy::diff::{Comparison, PolicyType, compare};
use yagura_policy::document::Policy;

/// A small generator of numbers, the same on every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % sides.max(1)
    }
}

/// A statement over one service: a dozen actions, some by prefix, on a pattern of resources.
fn statement(catalogue: &Catalogue, dice: &mut Dice, effect: &str) -> Value {
    let services: Vec<_> = catalogue.services().iter().filter(|s| s.actions.len() > 20).collect();
    let service = services[dice.roll(services.len().min(40))];
    let count = 6 + dice.roll(12);
    let actions: Vec<String> = (0..count)
        .map(|_| {
            let action = &service.actions[dice.roll(service.actions.len())].name;
            let short = dice.roll(4) == 0 && action.len() > 6;
            if short { format!("{}:{}*", service.prefix, &action[..5]) } else { format!("{}:{action}", service.prefix) }
        })
        .collect();
    let resource = match dice.roll(4) {
        0 => "*".to_owned(),
        1 => format!("arn:aws:{}:*:111122223333:thing/app-*", service.prefix),
        2 => format!("arn:aws:{}:*:*:*/prod-*", service.prefix),
        _ => format!("arn:aws:{}:*:*:thing/${{aws:username}}/*", service.prefix),
    };
    let condition = match dice.roll(5) {
        0 => json!({"StringEquals": {"aws:ResourceTag/team": ["a", "b"]}}),
        1 => json!({"StringNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/admin*"]}}),
        2 => {
            json!({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.0.2.0/24"]}, "Bool": {"aws:SecureTransport": "true"}})
        }
        _ => json!({}),
    };
    json!({
        "Effect": effect, "Action": actions, "Resource": resource, "Condition": condition,
    })
}

/// An old policy and one that a person made of it.
fn pair(catalogue: &Catalogue, dice: &mut Dice, size: usize) -> (Policy, Policy) {
    let mut old: Vec<Value> = (0..size)
        .map(|_| {
            let effect = if dice.roll(5) == 0 { "Deny" } else { "Allow" };
            statement(catalogue, dice, effect)
        })
        .collect();
    if dice.roll(4) == 0 {
        // A reference policy: all but what is denied.
        old.iter_mut().for_each(|s| s["Effect"] = json!("Deny"));
        old.push(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    }
    let mut new = old.clone();
    for _ in 0..dice.roll(4) {
        let place = dice.roll(new.len());
        match dice.roll(4) {
            0 => drop(new.remove(place)),
            1 => new.push(statement(catalogue, dice, "Allow")),
            2 => new.push(statement(catalogue, dice, "Deny")),
            _ => new[place]["Condition"]["StringLike"] = json!({"aws:RequestedRegion": "eu-*"}),
        }
        if new.is_empty() {
            new.push(statement(catalogue, dice, "Allow"));
        }
    }
    let read = |statements: &[Value]| {
        let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        Policy::parse(&text).expect("a policy")
    };
    (read(&old), read(&new))
}

fn measure(catalogue: &Catalogue, name: &str, pairs: usize, size: usize) {
    let mut dice = Dice(7);
    let mut times: Vec<Duration> = Vec::with_capacity(pairs);
    let (mut passed, mut failed, mut unknown) = (0, 0, 0);
    for _ in 0..pairs {
        let statements = 1 + dice.roll(size);
        let (old, new) = pair(catalogue, &mut dice, statements);
        let start = Instant::now();
        let found = compare(&old, &new, PolicyType::Identity, Some(catalogue));
        times.push(start.elapsed());
        match found {
            Comparison::NoNewAccess => passed += 1,
            Comparison::NewAccess(_) => failed += 1,
            Comparison::Unknown(_) => unknown += 1,
        }
    }
    times.sort_unstable();
    let at = |part: usize| times[(times.len() * part / 100).min(times.len() - 1)];
    println!(
        "{name}: p50 {:?}, p99 {:?}, longest {:?}; {passed} pass, {failed} fail, {unknown} unknown",
        at(50),
        at(99),
        at(100)
    );
}

fn main() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../content/aws/iam-actions.txt");
    let catalogue =
        Catalogue::read(&std::fs::read_to_string(path).expect("the catalogue")).expect("a readable catalogue");
    measure(&catalogue, "up to 6 statements", 2_000, 6);
    measure(&catalogue, "up to 60 statements", 200, 60);
}
