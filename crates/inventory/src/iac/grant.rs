//! Permissions that are resources of their own in a template, and statements of one policy once deployed.

use super::fit::plain_name;
use super::node::{Entry, Node};

/// What the caller fills in.
pub(crate) struct Owner<'a> {
    /// The ARN of the resource whose policy it is.
    pub arn: &'a str,
    /// `aws`, `aws-cn`, …
    pub partition: &'a str,
}

/// The statement that a permission becomes: of `AWS::Lambda::Permission` and `AWS::Events::EventBusPolicy`, and Terraform's resources for
/// the same. The services write them as `lambda:AddPermission` and `events:PutPermission` tell
/// (<https://docs.aws.amazon.com/lambda/latest/api/API_AddPermission.html>,
/// <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutPermission.html>). `None` for a permission on a version or an alias:
/// those have policies of their own.
pub(crate) fn statement(body: &Node, owner: &Owner<'_>) -> Option<Node> {
    let given = |name: &str| {
        let found = body.entries().iter().rev().find(|e| plain_name(&e.key) == name).map(|e| &e.value);
        found.filter(|n| **n != Node::Null)
    };
    if given("qualifier").is_some() {
        return None;
    }
    if let Some(whole) = given("statement") {
        return Some(whole.clone());
    }
    let mut statement = vec![
        Entry::new("Effect", Node::text("Allow")),
        Entry::new("Principal", principal(given("principal").unwrap_or(&Node::Null), owner)),
        Entry::new("Action", given("action").cloned().unwrap_or_else(|| Node::text("events:PutEvents"))),
        Entry::new("Resource", Node::text(owner.arn)),
    ];
    if let Some(id) = given("statementid") {
        statement.push(Entry::new("Sid", id.clone()));
    }
    let mut conditions: Vec<(&str, &str, Node)> = Vec::new();
    for (property, operator, key) in [
        ("sourcearn", "ArnLike", "AWS:SourceArn"),
        ("sourceaccount", "StringEquals", "AWS:SourceAccount"),
        ("principalorgid", "StringEquals", "aws:PrincipalOrgID"),
        ("eventsourcetoken", "StringEquals", "lambda:EventSourceToken"),
        ("functionurlauthtype", "StringEquals", "lambda:FunctionUrlAuthType"),
    ] {
        if let Some(value) = given(property) {
            conditions.push((operator, key, value.clone()));
        }
    }
    let mut operators: Vec<Entry> = Vec::new();
    for (operator, key, value) in conditions {
        let entry = Entry::new(key, value);
        match operators.iter_mut().find(|o| o.key == operator) {
            Some(Entry { value: Node::Map(keys), .. }) => keys.push(entry),
            _ => operators.push(Entry::new(operator, Node::Map(vec![entry]))),
        }
    }
    // EventBridge's own: {Type, Key, Value}.
    if let Some(condition) = given("condition") {
        let part = |name: &str| condition.path(name).or_else(|| condition.path(&name.to_lowercase())).cloned();
        match (part("Type").and_then(|t| t.scalar()), part("Key").and_then(|k| k.scalar()), part("Value")) {
            (Some(operator), Some(key), Some(value)) => {
                operators.push(Entry::new(operator, Node::Map(vec![Entry::new(key, value)])));
            }
            _ => statement.push(Entry::new("Condition", Node::unknown("Condition"))),
        }
    }
    if !operators.is_empty() {
        statement.push(Entry::new("Condition", Node::Map(operators)));
    }
    Some(Node::Map(statement))
}

/// `*` is everyone; an account's number its root; an ARN a principal of AWS; anything else a service.
fn principal(given: &Node, owner: &Owner<'_>) -> Node {
    let Some(name) = given.scalar() else { return given.clone() };
    let (of, name) = match name.as_str() {
        "*" => return Node::text("*"),
        n if n.len() == 12 && n.bytes().all(|b| b.is_ascii_digit()) => {
            ("AWS", format!("arn:{}:iam::{n}:root", owner.partition))
        }
        n if n.starts_with("arn:") => ("AWS", n.to_owned()),
        n => ("Service", n.to_owned()),
    };
    Node::Map(vec![Entry::new(of, Node::text(name))])
}

/// The document with these statements, added to what the resource itself says. What it says as text is read; where that is no document, or
/// hidden, so is the whole.
pub(crate) fn document(own: Option<&Node>, statements: Vec<Node>) -> Node {
    let mut all = Vec::new();
    match own {
        None | Some(Node::Null) => {}
        Some(Node::Unknown(why)) => return Node::Unknown(why.clone()),
        Some(own) => {
            let read = match own {
                Node::Text(text) => serde_json::from_str(text).ok().map(|json| Node::from_json(&json)),
                other => Some(other.clone()),
            };
            match read.as_ref().and_then(|d| d.get("Statement")) {
                Some(Node::List(own)) => all.extend(own.clone()),
                Some(one) => all.push(one.clone()),
                None => return Node::unknown("Statement"),
            }
        }
    }
    all.extend(statements);
    Node::Map(vec![Entry::new("Version", Node::text("2012-10-17")), Entry::new("Statement", Node::List(all))])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]
    use super::*;

    const OWNER: Owner<'static> = Owner { arn: "arn:aws:lambda:us-east-1:111122223333:function:f", partition: "aws" };

    fn said(body: &str) -> Option<serde_json::Value> {
        let body = Node::from_json(&serde_json::from_str(body).unwrap());
        let Node::Text(text) = statement(&body, &OWNER)?.json() else { return Some(serde_json::Value::Null) };
        Some(serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn principals_and_conditions_are_written_as_the_services_write_them() {
        let everyone = said(r#"{"FunctionName": "f", "Action": "lambda:InvokeFunction", "Principal": "*"}"#).unwrap();
        assert_eq!(everyone["Principal"], "*");
        assert_eq!(everyone["Resource"], OWNER.arn);
        let service = said(
            r#"{"function_name": "f", "action": "lambda:InvokeFunction", "principal": "s3.amazonaws.com",
                "source_arn": "arn:aws:s3:::b", "source_account": "111122223333"}"#,
        );
        let service = service.unwrap();
        assert_eq!(service["Principal"]["Service"], "s3.amazonaws.com");
        assert_eq!(service["Condition"]["ArnLike"]["AWS:SourceArn"], "arn:aws:s3:::b");
        assert_eq!(service["Condition"]["StringEquals"]["AWS:SourceAccount"], "111122223333");
        let account = said(r#"{"Principal": "444455556666", "Action": "events:PutEvents"}"#).unwrap();
        assert_eq!(account["Principal"]["AWS"], "arn:aws:iam::444455556666:root");
        let organization = said(
            r#"{"Principal": "*", "Condition": {"Type": "StringEquals", "Key": "aws:PrincipalOrgID", "Value": "o-1"}}"#,
        );
        assert_eq!(organization.unwrap()["Condition"]["StringEquals"]["aws:PrincipalOrgID"], "o-1");
        assert_eq!(said(r#"{"Principal": "*", "Qualifier": "prod"}"#), None);
    }

    #[test]
    fn what_is_hidden_hides_the_policy() {
        let body = Node::Map(vec![Entry::new("Principal", Node::unknown("var.who"))]);
        let statement = statement(&body, &OWNER).unwrap();
        assert_eq!(document(None, vec![statement]).json(), Node::unknown("var.who"));
        assert_eq!(document(Some(&Node::text("no document")), Vec::new()), Node::unknown("Statement"));
    }

    #[test]
    fn statements_of_the_resource_itself_stay() {
        let own = Node::text(r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "x:y"}}"#);
        let Node::Text(text) = document(Some(&own), vec![Node::Map(Vec::new())]).json() else { unreachable!() };
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap()["Statement"].as_array().unwrap().len(), 2);
    }
}
