//! What cannot be read.

use super::*;

#[test]
fn what_was_not_read_may_pass_and_may_drop() {
    let policy = |arn: &str, change: Json| {
        let policy = json!({"StatelessDefaultActions": ["aws:forward_to_sfe"],
            "StatefulEngineOptions": {"RuleOrder": "STRICT_ORDER"}, "StatefulDefaultActions": ["aws:drop_strict"],
            "StatefulRuleGroupReferences": [{"ResourceArn": arn, "Priority": 1, "Override": change}]});
        read(policy, &[]).unwrap()
    };
    let managed =
        "arn:aws:network-firewall:us-east-1:aws-managed:stateful-rulegroup/BotNetCommandAndControlDomainsStrictOrder";
    let alert = json!({"Action": "DROP_TO_ALERT"});
    table(&policy(&arn("x"), json!(null)), &[(INSIDE, OUTSIDE, tcp(1), "maybe")]);
    table(&policy(managed, json!(null)), &[(INSIDE, OUTSIDE, tcp(1), "no")]);
    table(&policy(managed, alert), &[(INSIDE, OUTSIDE, tcp(1), "no")]);
    let unread = policy(&arn("x"), json!(null)).passes(End::At(ip(INSIDE)), End::At(ip(OUTSIDE)), Family::V4).unread;
    assert_eq!(unread, [format!("{} DescribeRuleGroup", arn("x")), "aws:drop_strict".to_owned()][..1]);
    let odd = "pass tcp any any -> any 443 (unheard_of:1; sid:1;)\nwhatever this is\npass tcp any any any (sid:2;)";
    table(
        &suricata(true, &["aws:drop_strict"], odd),
        &[(INSIDE, OUTSIDE, tcp(443), "maybe"), (INSIDE, OUTSIDE, tcp(80), "maybe")],
    );
    for default in ["aws:drop", "aws:pass", "aws:forward_to_sfe"] {
        let stateless = json!({"StatelessDefaultActions": [default],
        "StatelessRuleGroupReferences": [{"ResourceArn": arn("gone"), "Priority": 1}]});
        table(&read(stateless, &[]).unwrap(), &[(INSIDE, OUTSIDE, tcp(1), "maybe")]);
    }
}

#[test]
fn bad_input_is_refused_with_its_place() {
    let good = json!({"StatelessDefaultActions": ["aws:pass"], "StatelessRuleGroupReferences": [{"ResourceArn": arn("g")}],
        "StatefulRuleGroupReferences": []});
    let rules =
        |rule: Json| group("g", json!({"RulesSource": {"StatelessRulesAndCustomActions": {"StatelessRules": [rule]}}}));
    let list = |list: Json| group("g", json!({"RulesSource": {"RulesSourceList": list}}));
    for (policy, group, message) in [
        (json!({}), rules(json!({})), "`FirewallPolicy.StatelessDefaultActions` is missing"),
        (json!("x"), rules(json!({})), "`FirewallPolicy` is not a structure"),
        (
            json!({"StatelessDefaultActions": "aws:pass"}),
            rules(json!({})),
            "`FirewallPolicy.StatelessDefaultActions` is not a list",
        ),
        (
            json!({"StatelessDefaultActions": ["mine"]}),
            rules(json!({})),
            "`FirewallPolicy.StatelessDefaultActions` is missing",
        ),
        (
            json!({"StatelessDefaultActions": ["aws:pass"], "StatefulRuleGroupReferences": [{}]}),
            rules(json!({})),
            "`FirewallPolicy.StatefulRuleGroupReferences[0].ResourceArn` is missing",
        ),
        (good.clone(), value(json!([])), "`RuleGroup` is not a structure"),
        (good.clone(), value(json!({"RuleGroup": {}})), "`RuleGroupResponse.RuleGroupArn` is missing"),
        (good.clone(), rules(json!(1)), "`g: StatelessRulesAndCustomActions.StatelessRules[0]` is not a structure"),
        (
            good.clone(),
            rules(rule(1, "mine", json!({}))),
            "`g: StatelessRulesAndCustomActions.StatelessRules[0].Actions` is not one of AWS's standard actions",
        ),
        (
            good.clone(),
            rules(rule(1, "aws:pass", json!({"Sources": [{"AddressDefinition": "10.0.0.0/99"}]}))),
            "`g: StatelessRulesAndCustomActions.StatelessRules[0].Sources` is not a list of CIDR blocks",
        ),
        (
            good.clone(),
            rules(rule(1, "aws:pass", json!({"Protocols": [300]}))),
            "`g: StatelessRulesAndCustomActions.StatelessRules[0].Protocols` is not a list of protocol numbers",
        ),
        (
            good.clone(),
            rules(rule(1, "aws:pass", json!({"DestinationPorts": [{"FromPort": 1, "ToPort": 70000}]}))),
            "`g: StatelessRulesAndCustomActions.StatelessRules[0].DestinationPorts` is not a list of port ranges",
        ),
        (
            json!({"StatelessDefaultActions": ["aws:pass"], "StatefulRuleGroupReferences": [{"ResourceArn": arn("g")}]}),
            list(json!({"GeneratedRulesType": "GREYLIST"})),
            "`g: RulesSource.RulesSourceList.GeneratedRulesType` is not one of AWS's list types",
        ),
    ] {
        assert_eq!(read(policy, &[group]).unwrap_err().to_string(), message);
    }
}
