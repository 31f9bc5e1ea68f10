//! AWS SAM's types as the types that its transform makes of them (AWS SAM developer guide, "Generated resources").
//!
//! Only what a resource itself says is rewritten. What SAM adds beside it (roles, permissions, deployments) is not made up.

use crate::iac::node::{Entry, Node};
use smol_str::SmolStr;

/// The type and properties that a SAM resource stands for; everything else as it is.
pub(super) fn rewrite(of: SmolStr, properties: Node, globals: &Node) -> (SmolStr, Node) {
    let Some(short) = of.strip_prefix("AWS::Serverless::") else { return (of, properties) };
    let merged = with_globals(properties, globals.get(short));
    match short {
        "Function" => ("AWS::Lambda::Function".into(), function(merged)),
        "SimpleTable" => ("AWS::DynamoDB::Table".into(), merged),
        "Api" => ("AWS::ApiGateway::Stage".into(), renamed(merged, &[("Name", "RestApiName")])),
        "HttpApi" => ("AWS::ApiGatewayV2::Stage".into(), renamed(merged, &[("Name", "ApiName")])),
        "StateMachine" => (
            "AWS::StepFunctions::StateMachine".into(),
            renamed(
                merged,
                &[
                    ("Name", "StateMachineName"),
                    ("Logging", "LoggingConfiguration"),
                    ("Tracing", "TracingConfiguration"),
                ],
            ),
        ),
        "LayerVersion" => ("AWS::Lambda::LayerVersion".into(), merged),
        _ => (of, merged),
    }
}

/// `Globals` give what the resource does not say itself; maps are joined.
fn with_globals(own: Node, global: Option<&Node>) -> Node {
    let Some(Node::Map(global)) = global else { return own };
    let Node::Map(mut entries) = own else { return own };
    for g in global {
        match entries.iter_mut().find(|e| e.key == g.key) {
            None => entries.push(g.clone()),
            Some(e) => {
                if let (Node::Map(mine), Node::Map(theirs)) = (&mut e.value, &g.value) {
                    let missing: Vec<Entry> =
                        theirs.iter().filter(|t| !mine.iter().any(|m| m.key == t.key)).cloned().collect();
                    mine.extend(missing);
                }
            }
        }
    }
    Node::Map(entries)
}

fn function(properties: Node) -> Node {
    let mut out = renamed(properties, &[("Tracing", "TracingConfig")]);
    if let Node::Map(entries) = &mut out {
        for e in entries.iter_mut().filter(|e| e.key == "TracingConfig") {
            e.value = Node::Map(vec![Entry::new("Mode", e.value.clone())]);
        }
    }
    out
}

fn renamed(properties: Node, names: &[(&str, &str)]) -> Node {
    let Node::Map(mut entries) = properties else { return properties };
    for e in &mut entries {
        if let Some((_, to)) = names.iter().find(|(from, _)| *from == e.key) {
            e.key = (*to).into();
        }
    }
    Node::Map(entries)
}
