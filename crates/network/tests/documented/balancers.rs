//! Load balancers: listeners that answer by themselves, groups that targets name, targets with several interfaces.

use super::{ask, home, interface, network, vpc};
use serde_json::{Value as Json, json};
use yagura_network::question::Reachable;

fn balanced(kind: &str, listeners: Json, group: Json, target_rule: Json) -> Json {
    let any = json!([{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]);
    let arn = format!("arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/{kind}/web/1");
    let mut front = interface("eni-lb", "subnet-a", "10.0.1.9", Some("198.51.100.9"), "sg-lb", None);
    front["Description"] = json!(format!("ELB {kind}/web/1"));
    let mut second = interface("eni-1-second", "subnet-b", "10.0.2.6", None, "sg-closed", Some("i-2"));
    second["Attachment"]["DeviceIndex"] = json!(1);
    let primary = interface("eni-2", "subnet-b", "10.0.2.5", None, "sg-target", Some("i-2"));
    vpc(json!({
        "NetworkInterfaces": [front, primary, second],
        "SecurityGroups": [
            {"GroupId": "sg-lb", "VpcId": "vpc-1", "IpPermissions": any, "IpPermissionsEgress": any},
            {"GroupId": "sg-closed", "VpcId": "vpc-1", "IpPermissions": [], "IpPermissionsEgress": any},
            {"GroupId": "sg-target", "VpcId": "vpc-1", "IpPermissions": [target_rule], "IpPermissionsEgress": any}],
        "LoadBalancers": [{"LoadBalancerArn": arn, "LoadBalancerName": "web", "VpcId": "vpc-1", "Scheme": "internet-facing",
            "Type": if kind == "net" { "network" } else { "application" }, "SecurityGroups": ["sg-lb"],
            "AvailabilityZones": [{"SubnetId": "subnet-a"}, {"SubnetId": "subnet-b"}]}],
        "LoadBalancerListeners": [{"LoadBalancerArn": arn, "Listeners": listeners}],
        "TargetGroups": [group],
        "LoadBalancerTargetHealth": [{"TargetGroupArn": "tg-1", "TargetHealthDescriptions": [{"Target": {"Id": "i-2", "Port": 8080}}]}],
        "LoadBalancerListenerRules": [],
    }))
}

fn from_the_internet(document: Json, port: u16) -> Reachable {
    let network = network(document, &home());
    let case = json!({"src": {"node": "internet"}, "dst": {"node": "web"}, "protocol": "tcp", "dst_port": port});
    ask(&network, case).reachable
}

const FROM_GROUP: &str =
    r#"{"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "UserIdGroupPairs": [{"GroupId": "sg-lb"}]}"#;

/// `redirect` and `fixed-response` need no target (`elasticloadbalancing/latest/application/load-balancer-listeners`).
#[test]
fn a_listener_that_redirects_answers_by_itself() {
    let group = json!({"TargetGroupArn": "tg-1", "Protocol": "HTTP", "TargetType": "instance"});
    let listeners = json!([
        {"ListenerArn": "l-80", "Port": 80, "Protocol": "HTTP", "DefaultActions": [{"Type": "redirect"}]},
        {"ListenerArn": "l-81", "Port": 81, "Protocol": "HTTP", "DefaultActions": [{"Type": "fixed-response"}]},
        {"ListenerArn": "l-443", "Port": 443, "Protocol": "HTTPS", "DefaultActions": [{"Type": "forward", "TargetGroupArn": "tg-1"}]}]);
    let closed = json!({"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.9.9.9/32"}]});
    let answers = [80, 81, 443, 8443]
        .map(|port| from_the_internet(balanced("app", listeners.clone(), group.clone(), closed.clone()), port));
    assert_eq!(answers, [Reachable::Yes, Reachable::Yes, Reachable::No, Reachable::No]);
}

/// An instance is a target by its primary interface, that of device index 0, whatever its id.
#[test]
fn an_instance_is_a_target_by_its_primary_interface() {
    let group = json!({"TargetGroupArn": "tg-1", "Protocol": "HTTP", "TargetType": "instance"});
    let listeners = json!([{"ListenerArn": "l-1", "Port": 443, "Protocol": "HTTPS", "DefaultActions": [{"Type": "forward", "TargetGroupArn": "tg-1"}]}]);
    let rule: Json = serde_json::from_str(FROM_GROUP).unwrap();
    assert_eq!(from_the_internet(balanced("app", listeners, group, rule), 443), Reachable::Yes);
}

/// Targets that name the load balancer's group take what it sends, client IP preservation or not
/// (`elasticloadbalancing/latest/network/load-balancer-security-groups`).
#[test]
fn targets_may_name_the_group_of_a_network_load_balancer() {
    let group = |protocol: &str| json!({"TargetGroupArn": "tg-1", "Protocol": protocol, "TargetType": "instance"});
    let listeners = |protocol: &str| json!([{"ListenerArn": "l-1", "Port": 443, "Protocol": protocol, "DefaultActions": [{"Type": "forward", "TargetGroupArn": "tg-1"}]}]);
    let named: Json = serde_json::from_str(FROM_GROUP).unwrap();
    assert_eq!(from_the_internet(balanced("net", listeners("TCP"), group("TCP"), named), 443), Reachable::Yes);
    // By address, the client is seen and not the load balancer.
    let by =
        |cidr: &str| json!({"IpProtocol": "tcp", "FromPort": 8080, "ToPort": 8080, "IpRanges": [{"CidrIp": cidr}]});
    assert_eq!(
        from_the_internet(balanced("net", listeners("TCP"), group("TCP"), by("10.0.0.0/16")), 443),
        Reachable::No
    );
    assert_eq!(
        from_the_internet(balanced("net", listeners("TCP"), group("TCP"), by("0.0.0.0/0")), 443),
        Reachable::Yes
    );
}

/// The network ACL of the target's subnet sees the client where its address is kept
/// (`elasticloadbalancing/latest/network/target-group-register-targets`).
#[test]
fn the_network_acl_of_a_target_sees_the_client() {
    let listeners = json!([{"ListenerArn": "l-1", "Port": 443, "Protocol": "TCP", "DefaultActions": [{"Type": "forward", "TargetGroupArn": "tg-1"}]}]);
    let named: Json = serde_json::from_str(FROM_GROUP).unwrap();
    let entry = |egress: bool, cidr: &str| json!({"RuleNumber": 100, "Egress": egress, "RuleAction": "allow", "Protocol": "-1", "CidrBlock": cidr});
    for (kept, cidrs, reached) in [
        (true, ["10.0.0.0/16", "0.0.0.0/0"], Reachable::No),
        (true, ["0.0.0.0/0", "10.0.0.0/16"], Reachable::No),
        (true, ["0.0.0.0/0", "0.0.0.0/0"], Reachable::Yes),
        (false, ["10.0.0.0/16", "10.0.0.0/16"], Reachable::Yes),
    ] {
        let group =
            json!({"TargetGroupArn": "tg-1", "Protocol": "TCP", "TargetType": if kept { "instance" } else { "ip" }});
        let mut document = balanced("net", listeners.clone(), group, named.clone());
        let [inbound, outbound] = cidrs;
        document["NetworkAcls"].as_array_mut().unwrap().push(json!({"NetworkAclId": "acl-b", "VpcId": "vpc-1",
            "Associations": [{"SubnetId": "subnet-b"}], "Entries": [entry(false, inbound), entry(true, outbound)]}));
        assert_eq!(from_the_internet(document, 443), reached, "{kept} {cidrs:?}");
    }
}
