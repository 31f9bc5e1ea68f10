//! Checks that prove what the internet reaches, on the small estate: what they ask for, and what they doubt.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::{Run, Verdicts, needs};
use std::collections::BTreeSet;
use yagura_model::{Severity, Status, Verdict};
use yagura_testkit::{Endpoint, Estate, Fault, Reply, Rule};

const ADMIN: &str = "ec2.instance_admin_ports_unreachable";
const DATA: &str = "ec2.instance_database_ports_unreachable";
const DATABASE: &str = "rds.db_instance_unreachable";

fn scan(fault: Option<Rule>) -> Verdicts {
    let aws = Endpoint::start(Estate::small()).unwrap();
    fault.into_iter().for_each(|f| aws.add(f));
    Run::scan(&aws.url()).run().done()
}

fn unknowns(verdicts: &Verdicts) -> Vec<&Verdict> {
    verdicts.values().filter(|v| v.status == Status::Unknown).collect()
}

#[test]
fn a_network_where_nothing_is_judged_by_it_is_not_asked_for() {
    let estate = Estate::small()
        .with("ec2:DescribeInstances", Reply::Xml("<reservationSet/>".to_owned()))
        .with("rds:DescribeDBInstances", Reply::Xml("<DBInstances/>".to_owned()));
    let aws = Endpoint::start(estate).unwrap();
    let verdicts = Run::scan(&aws.url()).run().done();
    assert_eq!(unknowns(&verdicts).len(), 0);
    let needs = needs();
    let of_network =
        |call: &&String| needs[*call].checks.iter().all(|rule| [ADMIN, DATA, DATABASE].contains(&rule.as_str()));
    let network: BTreeSet<&String> = needs.keys().filter(of_network).collect();
    assert!(network.len() > 35, "{network:?}");
    let requests = aws.requests();
    let made: BTreeSet<&String> = requests.keys().filter(|call| network.contains(call)).collect();
    assert_eq!(made, BTreeSet::from([&"ec2:DescribeInstances".to_owned()]), "what is judged has to be listed");
    // A group that is open to everyone matters as much as ever: no proof was asked for.
    for ((rule, subject), v) in &verdicts {
        assert!(rule != "ec2.security_group_admin_ports_closed" || v.severity == Severity::High, "{subject:?}");
    }
}

#[test]
fn a_group_that_nothing_reaches_matters_less_where_that_was_proved() {
    let severity = |verdicts: &Verdicts, rule: &str, id: &str| {
        let found = verdicts.iter().find(|((r, (_, i, _)), _)| r == rule && i == id);
        found.map(|(_, v)| (v.status, v.severity)).unwrap()
    };
    let (clean, denied) = (scan(None), scan(Some(Fault::AccessDenied.on("ec2:DescribeRouteTables"))));
    for (rule, id, proved) in [
        ("ec2.security_group_admin_ports_closed", "sg-0open", Severity::High),
        // No public address, a firewall, nobody in it.
        ("ec2.security_group_admin_ports_closed", "sg-0inner", Severity::Low),
        ("ec2.security_group_admin_ports_closed", "sg-0front", Severity::Low),
        ("ec2.security_group_admin_ports_closed", "sg-0eu", Severity::Low),
        ("rds.db_instance_not_publicly_accessible", "front", Severity::High),
    ] {
        assert_eq!(severity(&clean, rule, id), (Status::Fail, proved), "{rule} {id}");
        let known = ["sg-0inner", "sg-0eu"].contains(&id);
        let left = if known { proved } else { Severity::High };
        assert_eq!(severity(&denied, rule, id), (Status::Fail, left), "{rule} {id} without route tables");
    }
}

#[test]
fn without_route_tables_nothing_with_a_public_address_is_called_unreachable() {
    let verdicts = scan(Some(Fault::AccessDenied.on("ec2:DescribeRouteTables")));
    let told: BTreeSet<(&str, &str)> =
        unknowns(&verdicts).iter().map(|v| (v.rule.as_str(), v.resource.id.as_str())).collect();
    let of_instances = |rule: &'static str| ["i-0open", "i-0office", "i-0guarded"].map(|id| (rule, id));
    let expected = of_instances(ADMIN).into_iter().chain(of_instances(DATA));
    assert_eq!(told, expected.chain([(DATABASE, "front")]).collect());
    for v in unknowns(&verdicts) {
        assert_eq!(v.missing, ["ec2:DescribeRouteTables"], "{} {}", v.rule, v.resource.id);
        assert!(v.reason.as_ref().is_some_and(|r| r.contains("grant ec2:DescribeRouteTables")), "{:?}", v.reason);
    }
}
