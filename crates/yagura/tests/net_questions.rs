//! The questions of `yagura net`, asked of the sample account and of folders of describe outputs.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

mod common;

use common::{Outcome, Run};
use serde_json::{Value, json};
use std::path::Path;

fn ask(words: &[&str]) -> Outcome {
    Run::new(&[&["net"], words].concat()).run()
}

fn parsed(outcome: &Outcome) -> Value {
    serde_json::from_str(&outcome.stdout).unwrap()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

/// A VPC with two subnets, a host in each, an internet gateway; `ssh` opens port 22 of the first to the internet.
fn network(ssh: bool) -> Value {
    let open = |egress: bool| json!({"RuleNumber": 100, "Egress": egress, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": "0.0.0.0/0"});
    let acl = |id: &str, subnet: &str, out: Value| {
        json!({"NetworkAclId": id, "VpcId": "vpc-1", "IsDefault": false, "Entries": [open(false), out],
               "Associations": [{"SubnetId": subnet}]})
    };
    let host = |id: &str, subnet: &str, ip: &str, public: Option<&str>| {
        let mut address = json!({"PrivateIpAddress": ip, "Primary": true});
        if let Some(public) = public {
            address["Association"] = json!({"PublicIp": public});
        }
        json!({"NetworkInterfaceId": format!("eni-{id}"), "VpcId": "vpc-1", "SubnetId": subnet, "Status": "in-use",
               "Attachment": {"InstanceId": format!("i-{id}"), "Status": "attached"}, "SourceDestCheck": true,
               "Groups": [{"GroupId": format!("sg-{id}")}], "PrivateIpAddresses": [address]})
    };
    let everywhere = json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    let from = if ssh { "0.0.0.0/0" } else { "10.0.0.0/16" };
    // What the second subnet sends goes to port 443 only: answers to clients are lost.
    let narrow = json!({"RuleNumber": 100, "Egress": true, "RuleAction": "allow", "Protocol": "6", "CidrBlock": "0.0.0.0/0",
                        "PortRange": {"From": 443, "To": 443}});
    json!({
        "Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}],
        "Subnets": [
            {"SubnetId": "subnet-a", "VpcId": "vpc-1", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "us-east-1a"},
            {"SubnetId": "subnet-b", "VpcId": "vpc-1", "CidrBlock": "10.0.2.0/24", "AvailabilityZone": "us-east-1b"}],
        "RouteTables": [{"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Associations": [{"Main": true}], "Routes": [
            {"DestinationCidrBlock": "10.0.0.0/16", "GatewayId": "local", "State": "active"},
            {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1", "State": "active"}]}],
        "NetworkAcls": [acl("acl-a", "subnet-a", open(true)), acl("acl-b", "subnet-b", narrow)],
        "InternetGateways": [{"InternetGatewayId": "igw-1", "Attachments": [{"VpcId": "vpc-1", "State": "available"}]}],
        "SecurityGroups": [
            {"GroupId": "sg-a", "GroupName": "a", "VpcId": "vpc-1", "IpPermissionsEgress": everywhere,
             "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": from}]}]},
            {"GroupId": "sg-b", "GroupName": "b", "VpcId": "vpc-1", "IpPermissionsEgress": everywhere,
             "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": "sg-a"}]}]}],
        "NetworkInterfaces": [
            host("a", "subnet-a", "10.0.1.10", Some("203.0.113.10")), host("b", "subnet-b", "10.0.2.10", None)],
        "Reservations": [{"Instances": [
            {"InstanceId": "i-a", "State": {"Name": "running"}, "Tags": [{"Key": "Name", "Value": "app"}]},
            {"InstanceId": "i-b", "State": {"Name": "running"}, "Tags": [{"Key": "Name", "Value": "db"}]}]}],
    })
}

fn folder(network: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("111122223333/us-east-1")).unwrap();
    std::fs::write(folder.path().join("111122223333/us-east-1/all.json"), network.to_string()).unwrap();
    folder
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_path_that_is_open_is_drawn_hop_by_hop() {
    let way = ask(&["path", "--demo", "internet", "bastion", "--protocol", "tcp", "--port", "22"]);
    assert_eq!(way.code, 0, "{}", way.stderr);
    for wanted in ["reachable", "✓ Forward", "✓ Return", "igw-0a1production", "0.0.0.0/0 → igw-0a1production"] {
        assert!(way.stdout.contains(wanted), "{wanted}: {}", way.stdout);
    }
    let ja = ask(&["path", "--demo", "internet", "bastion", "--protocol", "tcp", "--port", "22", "--lang", "ja"]);
    assert!(ja.stdout.contains("到達可能") && ja.stdout.contains("✓ 往路"), "{}", ja.stdout);
    let svg = ask(&["path", "--demo", "internet", "bastion", "--format", "svg"]);
    assert!(svg.stdout.starts_with("<svg") && svg.stdout.contains("igw-0a1production"), "{}", svg.stdout);
    let dot = ask(&["path", "--demo", "internet", "bastion", "--format", "dot"]);
    assert!(dot.stdout.starts_with("digraph"), "{}", dot.stdout);
}

#[test]
fn a_path_that_is_shut_lists_every_blocker_and_what_would_open_it() {
    let snapshot = folder(&network(true));
    let at = text(snapshot.path());
    let shut =
        ask(&["path", "app", "db", "--protocol", "tcp", "--port", "5432", "--snapshot", &at, "--format", "json"]);
    assert_eq!(shut.code, 1, "{}", shut.stderr);
    let answer = parsed(&shut);
    assert_eq!((&answer["forward"]["passes"], &answer["return"]["passes"]), (&json!(true), &json!(false)));
    let blocked = answer["blocked_by"].as_array().unwrap();
    assert_eq!(blocked.len(), 1, "{answer}");
    assert_eq!(blocked[0]["component"], "acl-b");
    assert_eq!(blocked[0]["code"], "SUBNET_ACL_RESTRICTION");
    assert_eq!(blocked[0]["direction"], "return");
    assert!(answer["changes"][0].as_str().unwrap().contains("1024-65535"), "{answer}");
    let said = ask(&["path", "app", "db", "--protocol", "tcp", "--port", "5432", "--snapshot", &at]);
    assert!(said.stdout.contains("the request arrives, its answer does not come back"), "{}", said.stdout);
    // Nothing lets the internet in at another port: the group has to change too.
    let all = parsed(&ask(&[
        "path",
        "internet",
        "app",
        "--protocol",
        "tcp",
        "--port",
        "80",
        "--snapshot",
        &at,
        "--format",
        "json",
    ]));
    assert_eq!(all["blocked_by"][0]["code"], "ENI_SG_RULES_MISMATCH", "{all}");
}

#[test]
fn a_diagnosis_walks_in_the_order_that_people_use() {
    let snapshot = folder(&network(true));
    let at = text(snapshot.path());
    let words = ["diagnose", "app", "db", "--protocol", "tcp", "--port", "5432", "--snapshot", &at];
    let diagnosis = ask(&words);
    assert_eq!(diagnosis.code, 1, "{}", diagnosis.stderr);
    let place =
        |text: &str| diagnosis.stdout.find(text).unwrap_or_else(|| unreachable!("{text}: {}", diagnosis.stdout));
    assert!(
        place("1. Instances") < place("2. Security groups") && place("2. Security groups") < place("3. Network ACLs")
    );
    assert!(place("3. Network ACLs") < place("4. Routes"));
    assert!(diagnosis.stdout.contains("✗ back  acl-b"), "{}", diagnosis.stdout);
    let steps = parsed(&ask(&[&words[..], &["--format", "json"]].concat()));
    assert!(
        steps["steps"].as_array().unwrap().iter().any(|s| s["topic"] == "routes" && s["passes"] == "yes"),
        "{steps}"
    );
}

#[test]
fn flow_logs_are_evidence() {
    let snapshot = folder(&network(true));
    let logs = snapshot.path().join("logs");
    std::fs::create_dir(&logs).unwrap();
    let record = "2 111122223333 eni-b 10.0.1.10 10.0.2.10 49152 5432 6 3 180 1 2 ACCEPT OK\n2 111122223333 eni-b 10.0.2.10 10.0.1.10 5432 49152 6 3 180 1 2 REJECT OK\n";
    let mut gzip = flate2::write::GzEncoder::new(
        std::fs::File::create(logs.join("a.log.gz")).unwrap(),
        flate2::Compression::fast(),
    );
    std::io::Write::write_all(&mut gzip, record.as_bytes()).unwrap();
    gzip.finish().unwrap();
    let (at, logs) = (text(snapshot.path()), text(&logs));
    let words =
        ["diagnose", "app", "db", "--protocol", "tcp", "--port", "5432", "--snapshot", &at, "--flow-logs", &logs];
    let told = ask(&words);
    for wanted in
        ["6. Flow logs (2 records read)", "✓ there  eni-b  ACCEPT tcp 5432 ×1", "✗ back  eni-b  REJECT tcp 5432 ×1"]
    {
        assert!(told.stdout.contains(wanted), "{wanted}: {}", told.stdout);
    }
    let json = parsed(&ask(&[&words[..], &["--format", "json"]].concat()));
    assert_eq!(json["flow_logs"]["seen"].as_array().unwrap().len(), 2, "{json}");
}

#[test]
fn what_the_internet_reaches_is_listed_with_its_ports_way_and_guards() {
    let exposed = ask(&["exposed", "--demo"]);
    assert_eq!(exposed.code, 0, "{}", exposed.stderr);
    for wanted in [
        "203.0.113.20  bastion",
        "open: tcp 22 from 0.0.0.0/0",
        "by: igw-0a1production",
        "sg-0a1bastion",
        "passed on to: ",
    ] {
        assert!(exposed.stdout.contains(wanted), "{wanted}: {}", exposed.stdout);
    }
    // Publicly accessible by its setting, and yet nobody reaches it.
    assert!(!exposed.stdout.contains("shop-db"), "{}", exposed.stdout);
    let snapshot = folder(&network(false));
    let none = ask(&["exposed", "--snapshot", &text(snapshot.path())]);
    assert!(none.stdout.contains("Nothing can be reached"), "{}", none.stdout);
    let open = folder(&network(true));
    let one =
        parsed(&ask(&["exposed", "--snapshot", &text(open.path()), "--from", "198.51.100.0/24", "--format", "json"]));
    assert_eq!(one[0]["open"][0]["from"], "198.51.100.0/24", "{one}");
    let bad = ask(&["exposed", "--snapshot", &text(open.path()), "--from", "everywhere"]);
    assert_eq!(bad.code, 2);
}

#[test]
fn a_matrix_lists_what_is_allowed_and_whether_the_answer_returns() {
    let snapshot = folder(&network(true));
    let at = text(snapshot.path());
    let matrix = lines(&ask(&["matrix", "--snapshot", &at, "--format", "jsonl"]).stdout);
    let pair = |src: &str, dst: &str| matrix.iter().find(|l| l["src"]["ip"] == src && l["dst"]["ip"] == dst);
    let to_db = pair("10.0.1.10", "10.0.2.10").unwrap();
    let replies: Vec<&Value> = to_db["allowed"].as_array().unwrap().iter().map(|a| &a["reply"]).collect();
    // A client on port 443 would be answered; no other.
    assert!(replies.contains(&&json!("yes")) && replies.contains(&&json!("no")), "{to_db}");
    assert!(matrix.iter().any(|l| l["src"]["cidr"] == "0.0.0.0/0" && l["dst"]["node"] == "eni-a"), "{matrix:?}");
    let subnets = lines(&ask(&["matrix", "--snapshot", &at, "--format", "jsonl", "--between", "subnets"]).stdout);
    assert!(subnets.iter().any(|l| l["src"]["node"] == "subnet-a" && l["dst"]["node"] == "subnet-b"), "{subnets:?}");
}

#[test]
fn a_difference_tells_what_became_reachable() {
    let (old, new) = (folder(&network(false)), folder(&network(true)));
    let opened = ask(&["diff", &text(old.path()), &text(new.path())]);
    assert_eq!(opened.code, 1, "{}", opened.stderr);
    assert!(opened.stdout.contains("+ 0.0.0.0/0 → eni-a (10.0.1.10): tcp 22"), "{}", opened.stdout);
    let same = ask(&["diff", &text(new.path()), &text(new.path()), "--format", "jsonl"]);
    assert_eq!((same.code, same.stdout.as_str()), (0, ""));
    let closed = ask(&["diff", &text(new.path()), &text(old.path()), "--lang", "ja"]);
    assert_eq!(closed.code, 0);
    assert!(closed.stdout.contains("狭まった組は 1"), "{}", closed.stdout);
}

#[test]
fn a_batch_answers_each_line_in_order() {
    let snapshot = folder(&network(true));
    let flows = snapshot.path().join("flows.txt");
    let mut bytes = br#"{"id": 1, "src": {"ip": "198.51.100.7"}, "dst": {"ip": "203.0.113.10"}, "protocol": "tcp", "dst_port": 22, "src_port": 40000}
{"id": "b", "src": {"node": "app"}, "dst": {"node": "i-b"}, "protocol": "tcp", "dst_port": 5432, "src_port": 40000}

{"id": 3, "src": {"node": "nobody"}, "dst": {"ip": "10.0.2.10"}}
{"id": 4, "src": {"ip": "10.0.1.10"}, "dst": {}}
{"id": 5, "src": {"ip": "10.0.1.10"}, "dst": {"ip": "10.0.2.10"}, "protcol": "tcp"}
{"id": 6, "src"
"#
    .to_vec();
    bytes.extend(b"{\"id\": \"\xff\"}\n");
    std::fs::write(&flows, bytes).unwrap();
    let run = ask(&["eval", "--snapshot", &text(snapshot.path()), "--batch", &text(&flows)]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let answers = lines(&run.stdout);
    assert_eq!(answers.len(), 7, "{}", run.stdout);
    assert_eq!((&answers[0]["id"], &answers[0]["reachable"]), (&json!(1), &json!("yes")));
    assert_eq!((&answers[1]["id"], &answers[1]["reachable"]), (&json!("b"), &json!("no")));
    assert!(!answers[1]["blocked_by"].as_array().unwrap().is_empty());
    for (at, wanted) in [(2, "nobody"), (3, "`dst` needs"), (4, "protcol"), (5, "not a case"), (6, "UTF-8")] {
        assert!(answers[at]["error"].as_str().unwrap().contains(wanted), "{}", answers[at]);
    }
}

#[test]
fn what_was_not_read_is_unknown_and_names_the_call() {
    for (list, call) in [
        ("RouteTables", "DescribeRouteTables"),
        ("NetworkAcls", "DescribeNetworkAcls"),
        ("SecurityGroups", "DescribeSecurityGroups"),
    ] {
        let mut without = network(true);
        without.as_object_mut().unwrap().remove(list);
        let snapshot = folder(&without);
        let words =
            ["path", "internet", "app", "--protocol", "tcp", "--port", "22", "--snapshot", &text(snapshot.path())];
        let answer = ask(&words);
        assert_eq!(answer.code, 3, "{list}: {}", answer.stdout);
        assert!(answer.stdout.contains("unknown") && answer.stdout.contains(call), "{list}: {}", answer.stdout);
    }
}

/// The network without the answer of one call.
fn without(list: &str) -> tempfile::TempDir {
    let mut network = network(true);
    network.as_object_mut().unwrap().remove(list).unwrap();
    folder(&network)
}

#[test]
fn interfaces_that_nobody_listed_leave_nothing_called_unreachable() {
    let whole = folder(&network(true));
    let whole = ask(&["path", "--snapshot", &text(whole.path()), "internet", "203.0.113.99"]);
    assert_eq!(whole.code, 1, "{}", whole.stdout);
    let partly = without("NetworkInterfaces");
    let path = ask(&["path", "--snapshot", &text(partly.path()), "internet", "203.0.113.99"]);
    assert_eq!(path.code, 3, "{}", path.stdout);
    assert!(path.stdout.contains("DescribeNetworkInterfaces"), "{}", path.stdout);
    let exposed = ask(&["exposed", "--snapshot", &text(partly.path())]);
    assert_eq!(exposed.code, 3, "{}", exposed.stdout);
    assert!(exposed.stderr.contains("DescribeNetworkInterfaces"), "{}", exposed.stderr);
    assert!(!exposed.stdout.contains("Nothing can be reached"), "{}", exposed.stdout);
}

#[test]
fn a_difference_of_networks_that_were_not_wholly_read_is_no_clean_bill() {
    let (whole, partly) = (folder(&network(true)), without("NetworkAcls"));
    let same = ask(&["diff", &text(whole.path()), &text(whole.path())]);
    assert_eq!((same.code, same.stderr.as_str()), (0, ""));
    let unsure = ask(&["diff", &text(whole.path()), &text(partly.path())]);
    assert_eq!(unsure.code, 3, "{}", unsure.stdout);
    assert!(unsure.stderr.contains("DescribeNetworkAcls"), "{}", unsure.stderr);
    let matrix = ask(&["matrix", "--snapshot", &text(partly.path())]);
    assert!(matrix.stderr.contains("DescribeNetworkAcls"), "{}", matrix.stderr);
}

#[test]
fn a_snapshot_that_cannot_be_read_is_said_with_the_code_that_the_help_promises() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.json");
    std::fs::write(&broken, "{\"Vpcs\": [").unwrap();
    for path in [broken, folder.path().join("nothing.ysnap")] {
        let outcome = ask(&["exposed", "--snapshot", &text(&path)]);
        assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    }
}

#[test]
fn an_end_that_is_not_there_is_named_with_the_nearest_one() {
    let snapshot = folder(&network(true));
    let at = text(snapshot.path());
    let near = ask(&["path", "subnet-x", "db", "--snapshot", &at]);
    assert_eq!(near.code, 2);
    assert!(near.stderr.contains("`subnet-x`") && near.stderr.contains("did you mean `subnet-"), "{}", near.stderr);
    let protocol = ask(&["path", "app", "db", "--protocol", "tpc", "--snapshot", &at]);
    assert_eq!(protocol.code, 2);
    assert!(protocol.stderr.contains("tcp, udp, icmp"), "{}", protocol.stderr);
}

#[test]
fn the_policy_of_the_network_questions_can_be_printed() {
    let policy = |words: &[&str]| -> Vec<String> {
        let told = Run::new(&[&["permissions", "--service", "s3"], words].concat()).run();
        serde_json::from_value(parsed(&told)["Statement"][0]["Action"].clone()).unwrap()
    };
    let (without, with) = (policy(&[]), policy(&["--network"]));
    for action in [
        "ec2:DescribeRouteTables",
        "ec2:DescribeNetworkAcls",
        "ec2:SearchTransitGatewayRoutes",
        "elasticloadbalancing:DescribeTargetHealth",
    ] {
        assert!(with.contains(&action.to_owned()) && !without.contains(&action.to_owned()), "{action}");
    }
}

#[test]
fn what_a_load_balancer_publishes_is_reachable_by_proof() {
    // A database in a private subnet, and an internet-facing Network Load Balancer that passes connections on to it.
    let mut estate = network(false);
    let list = |estate: &mut Value, name: &str, item: Value| estate[name].as_array_mut().unwrap().push(item);
    list(
        &mut estate,
        "NetworkInterfaces",
        json!({"NetworkInterfaceId": "eni-lb", "VpcId": "vpc-1", "SubnetId": "subnet-a", "Status": "in-use",
        "InterfaceType": "network_load_balancer", "Description": "ELB net/pub/1", "Groups": [],
        "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.1.20", "Primary": true, "Association": {"PublicIp": "203.0.113.20"}}]}),
    );
    estate["SecurityGroups"][1]["IpPermissions"] =
        json!([{"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    estate["NetworkAcls"][1]["Entries"][1]["Protocol"] = json!("-1");
    estate["NetworkAcls"][1]["Entries"][1].as_object_mut().unwrap().remove("PortRange");
    let arn = "arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/net/pub/1";
    let group = "arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/db/1";
    estate["LoadBalancers"] = json!([{"LoadBalancerArn": arn, "LoadBalancerName": "pub", "Type": "network", "Scheme": "internet-facing",
        "VpcId": "vpc-1", "State": {"Code": "active"}, "AvailabilityZones": [{"SubnetId": "subnet-a"}], "SecurityGroups": []}]);
    estate["Listeners"] = json!([{"ListenerArn": format!("{arn}/l"), "LoadBalancerArn": arn, "Port": 15432, "Protocol": "TCP",
        "DefaultActions": [{"Type": "forward", "TargetGroupArn": group}]}]);
    estate["TargetGroups"] = json!([{"TargetGroupArn": group, "Protocol": "TCP", "Port": 5432, "VpcId": "vpc-1", "TargetType": "instance",
        "LoadBalancerArns": [arn], "TargetHealthDescriptions": [{"Target": {"Id": "i-b", "Port": 5432}, "TargetHealth": {"State": "healthy"}}]}]);
    let snapshot = folder(&estate);
    let exposed = parsed(&ask(&["exposed", "--snapshot", &text(snapshot.path()), "--format", "json"]));
    let through = exposed.as_array().unwrap().iter().find(|e| e["ip"] == "203.0.113.20").unwrap();
    assert_eq!(through["behind"], json!(["i-b:5432"]), "{exposed}");
    assert_eq!(through["open"][0]["allowed"][0]["dst_ports"], json!([[15432, 15432]]), "{exposed}");
}
