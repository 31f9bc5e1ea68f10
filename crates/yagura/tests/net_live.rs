//! The real program asked about a network on moto: read live, kept, replayed, and read again with calls that fail.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod common;

use common::Run;
use common::moto::{Server, output, python};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use yagura_inventory::{load, save};
use yagura_model::{Asset, Field, Snapshot};
use yagura_testkit::{Endpoint, Fault};

/// Flows by id.
type Answers = BTreeMap<String, Value>;

struct Live {
    aws: Endpoint,
    folder: tempfile::TempDir,
    _moto: Server,
}

impl Live {
    /// A network on moto; its flows lie in the folder. Tells what is true of them.
    fn start() -> (Self, BTreeMap<String, String>) {
        let python = python();
        let moto = Server::moto(&python);
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/net-estate");
        let told: Value = serde_json::from_str(&output(Command::new(&python).arg(script).arg(moto.url()))).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let flows = told["flows"].as_array().unwrap().iter().map(|f| format!("{f}\n")).collect::<String>();
        std::fs::write(folder.path().join("flows.jsonl"), flows).unwrap();
        let aws = Endpoint::in_front_of(&moto.address.to_string()).unwrap();
        (Self { aws, folder, _moto: moto }, serde_json::from_value(told["truth"].clone()).unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    fn answers(&self, source: &[&str]) -> Answers {
        let flows = self.path("flows.jsonl");
        let run = Run::new(&["net", "eval", "--batch", &flows, "--lang", "en"]).args(source);
        let run = run.env("AWS_ENDPOINT_URL", &self.aws.url()).run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        let lines = run.stdout.lines().map(|l| serde_json::from_str::<Value>(l).unwrap());
        lines.map(|a| (a["id"].as_str().unwrap().to_owned(), a)).collect()
    }
}

fn missing(answer: &Value) -> String {
    answer["missing"].to_string()
}

/// What moto lacks or gets wrong: it knows neither VPC Block Public Access nor firewall policies, and gives a NAT gateway an address
/// outside its VPC.
fn mended(mut snapshot: Snapshot) -> Snapshot {
    for listing in &mut snapshot.listings {
        if listing.kind.starts_with("ec2.vpc_block") || listing.kind.starts_with("network-firewall.") {
            listing.gap = None;
        }
    }
    let known = |json: Value| Field::Known(yagura_model::Value::from_json(json).unwrap());
    let is_nat = |a: &&mut Asset| a.kind == "ec2.nat_gateway";
    let nat = snapshot.assets.iter_mut().find(is_nat).unwrap();
    let Field::Known(addresses) = nat.field("NatGatewayAddresses") else { panic!("no addresses") };
    let mut addresses = addresses.to_json();
    let interface = addresses[0]["NetworkInterfaceId"].as_str().unwrap().to_owned();
    addresses[0]["PrivateIp"] = "10.0.0.9".into();
    addresses[0]["PublicIp"] = "203.0.113.9".into();
    nat.set("NatGatewayAddresses", known(addresses));
    let interface = snapshot.assets.iter_mut().find(|a| a.id == interface.as_str()).unwrap();
    let address = json!({"PrivateIpAddress": "10.0.0.9", "Primary": true, "Association": {"PublicIp": "203.0.113.9"}});
    interface.set("PrivateIpAddress", known(json!("10.0.0.9")));
    interface.set("PrivateIpAddresses", known(json!([address])));
    snapshot
}

#[test]
fn a_network_is_read_live_kept_and_replayed() {
    let (live, truth) = Live::start();
    let kept = live.path("net.ysnap");
    let whole = live.answers(&["--region", "us-east-1", "--save", &kept]);
    assert_eq!(whole.len(), truth.len());
    // What nobody could read is not guessed: moto knows no VPC Block Public Access.
    let doubtful: Vec<&str> =
        whole.iter().filter(|(_, a)| a["reachable"] == "unknown").map(|(id, _)| id.as_str()).collect();
    assert!(doubtful.contains(&"the bastion is open to the internet"), "{doubtful:?}");
    for id in &doubtful {
        assert!(missing(&whole[*id]).contains("DescribeVpcBlockPublicAccessOptions"), "{}", whole[*id]);
    }
    assert_eq!(live.answers(&["--snapshot", &kept]), whole, "a replay gives the same answers");

    let better = live.path("mended.ysnap");
    save(&mended(load(Path::new(&kept)).unwrap()), Path::new(&better)).unwrap();
    let found = live.answers(&["--snapshot", &better]);
    for (id, wanted) in &truth {
        assert_eq!(found[id]["reachable"], wanted.as_str(), "{id}: {}", found[id]);
    }

    // A call that is denied makes what hangs on it unknown, and is named.
    let within = "web servers reach the database";
    live.aws.add(Fault::AccessDenied.on("ec2:DescribeNetworkAcls"));
    let denied = live.answers(&["--region", "us-east-1"]);
    assert_eq!(denied[within]["reachable"], "unknown", "{}", denied[within]);
    assert!(missing(&denied[within]).contains("DescribeNetworkAcls"), "{}", denied[within]);
    for (id, answer) in &denied {
        assert!(
            answer["reachable"] != "yes" && answer["reachable"] != truth[id] || answer["reachable"] == "no",
            "{id}: {answer}"
        );
    }

    // A Region that is not enabled takes nothing from the others.
    live.aws.reset();
    live.aws.add(Fault::RegionNotEnabled.in_region("ap-east-1"));
    let half = live.answers(&["--region", "us-east-1,ap-east-1"]);
    assert_eq!(half[within]["reachable"], "yes", "{}", half[within]);
    let same = half.iter().filter(|(id, a)| a["reachable"] == whole[*id]["reachable"]).count();
    assert_eq!(same, whole.len());
}
