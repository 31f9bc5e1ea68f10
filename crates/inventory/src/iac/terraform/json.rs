//! Terraform's JSON syntax (`*.tf.json`) → the blocks of its native one
//! (<https://developer.hashicorp.com/terraform/language/syntax/json>).

use super::super::document::Broken;
use super::super::node::Node;
use hcl_edit::Ident;
use hcl_edit::expr::{Array, Expression, Object, ObjectKey, ObjectValue};
use hcl_edit::structure::{Attribute, Block, BlockLabel, Body};
use hcl_edit::template::{Element, StringTemplate, Template};

/// How a nested object is meant, where the syntax leaves it to the provider's schema: a map, or a block of which there is one.
#[derive(Clone, Copy, PartialEq)]
enum Nested {
    Map,
    Block,
    /// A block here, and maps within it.
    Outer,
    /// Nothing but values.
    Values,
}

/// The blocks of a file, and the line on which each begins.
///
/// # Errors
/// It is no object, or a template in it is broken: where, and why.
pub(super) fn blocks(root: &Node) -> Result<Vec<(Block, u32)>, Broken> {
    let mut out = Vec::new();
    for part in many(root) {
        let Node::Map(entries) = part else { return Err((1, "is no object".to_owned())) };
        for entry in entries {
            let kind = entry.key.as_str();
            let labels = match kind {
                "resource" | "data" => 2,
                "variable" | "output" | "module" | "provider" => 1,
                "locals" => 0,
                // Comments, `terraform`, `moved`, `import` and the like declare nothing.
                _ => continue,
            };
            labelled(kind, labels, &mut Vec::new(), &entry.value, entry.line, &mut out)?;
        }
    }
    Ok(out)
}

fn labelled(
    kind: &str,
    left: usize,
    labels: &mut Vec<String>,
    value: &Node,
    line: u32,
    out: &mut Vec<(Block, u32)>,
) -> Result<(), Broken> {
    for one in many(value) {
        if left == 0 {
            let nested = match kind {
                "data" => Nested::Block,
                "provider" => Nested::Outer,
                "locals" | "output" => Nested::Values,
                _ => Nested::Map,
            };
            let mut block = Block::new(Ident::new(kind));
            block.labels = labels.iter().map(|l| BlockLabel::from(l.as_str())).collect();
            block.body = body(one, nested, kind == "variable", line)?;
            out.push((block, line));
            continue;
        }
        for entry in one.entries().iter().filter(|e| e.key != "//") {
            labels.push(entry.key.to_string());
            labelled(kind, left - 1, labels, &entry.value, entry.line, out)?;
            labels.pop();
        }
    }
    Ok(())
}

/// An object or a list of objects, one by one.
fn many(node: &Node) -> &[Node] {
    match node {
        Node::List(items) => items,
        one => std::slice::from_ref(one),
    }
}

/// A body. What is `literal` (a variable's default) has no templates.
fn body(node: &Node, nested: Nested, literal: bool, line: u32) -> Result<Body, Broken> {
    let Node::Map(entries) = node else { return Err((line, "is no object".to_owned())) };
    let inner = if nested == Nested::Outer { Nested::Map } else { nested };
    let mut out = Body::new();
    for entry in entries.iter().filter(|e| e.key != "//") {
        let (key, line) = (entry.key.as_str(), if entry.line == 0 { line } else { entry.line });
        let objects =
            matches!(&entry.value, Node::List(l) if !l.is_empty() && l.iter().all(|i| matches!(i, Node::Map(_))));
        if key == "dynamic" {
            for one in many(&entry.value).iter().flat_map(Node::entries) {
                for content in many(&one.value) {
                    let mut block = Block::new(Ident::new(key));
                    block.labels = vec![BlockLabel::from(one.key.as_str())];
                    block.body = dynamic(content, nested, line)?;
                    out.push(block);
                }
            }
        } else if !literal
            && nested != Nested::Values
            && (objects || (nested != Nested::Map && matches!(entry.value, Node::Map(_))))
        {
            for one in many(&entry.value) {
                let mut block = Block::new(Ident::new(key));
                block.body = body(one, inner, false, line)?;
                out.push(block);
            }
        } else {
            // A reference is written as plain text there.
            let value = match (key, entry.value.as_str()) {
                ("provider", Some(text)) => parsed(text, line)?,
                _ => expression(&entry.value, literal, line)?,
            };
            out.push(Attribute::new(Ident::new(key), value));
        }
    }
    Ok(out)
}

/// The body of a `dynamic` block: `for_each`, `iterator` and one `content`.
fn dynamic(node: &Node, nested: Nested, line: u32) -> Result<Body, Broken> {
    let mut out = Body::new();
    for entry in node.entries() {
        match (entry.key.as_str(), entry.value.as_str()) {
            ("content", _) => {
                for one in many(&entry.value) {
                    let mut block = Block::new(Ident::new("content"));
                    block.body = body(one, nested, false, line)?;
                    out.push(block);
                }
            }
            ("iterator", Some(name)) => out.push(Attribute::new(Ident::new("iterator"), parsed(name, line)?)),
            (key, _) => out.push(Attribute::new(Ident::new(key), expression(&entry.value, false, line)?)),
        }
    }
    Ok(out)
}

fn expression(node: &Node, literal: bool, line: u32) -> Result<Expression, Broken> {
    Ok(match node {
        Node::Null | Node::Unknown(_) => Expression::null(),
        Node::Bool(b) => Expression::from(*b),
        Node::Int(i) => Expression::from(*i),
        Node::Float(f) => hcl_edit::Number::from_f64(*f).map_or_else(Expression::null, Expression::from),
        Node::Text(t) if literal => Expression::from(t.as_str()),
        Node::Text(t) => text(t, line)?,
        Node::List(l) => {
            let mut array = Array::new();
            for item in l {
                array.push(expression(item, literal, line)?);
            }
            Expression::Array(array)
        }
        Node::Map(m) => {
            let mut object = Object::new();
            for e in m {
                let key = if literal { Expression::from(e.key.as_str()) } else { text(&e.key, line)? };
                object.insert(ObjectKey::Expression(key), ObjectValue::new(expression(&e.value, literal, line)?));
            }
            Expression::Object(object)
        }
    })
}

/// A string: a template, of which one that is a single interpolation stands for its value.
fn text(text: &str, line: u32) -> Result<Expression, Broken> {
    if !text.contains("${") && !text.contains("%{") {
        return Ok(Expression::from(text));
    }
    let template: Template =
        text.parse().map_err(|e: hcl_edit::parser::Error| (line, e.message().trim().to_owned()))?;
    if let Some(Element::Interpolation(one)) = template.as_single_element() {
        return Ok(one.expr.clone());
    }
    let elements: Vec<Element> = template.into_iter().collect();
    Ok(Expression::StringTemplate(StringTemplate::from(elements)))
}

fn parsed(text: &str, line: u32) -> Result<Expression, Broken> {
    hcl_edit::parser::parse_expr(text).map_err(|e| (line, e.message().trim().to_owned()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]
    use super::super::super::document;
    use super::*;

    fn said(json: &str) -> Result<Vec<String>, Broken> {
        let read = blocks(&document::read("main.tf.json", json).unwrap())?;
        Ok(read
            .into_iter()
            .map(|(block, line)| format!("{line}: {}", Body::from(vec![hcl_edit::structure::Structure::from(block)])))
            .collect())
    }

    #[test]
    fn json_says_what_the_native_syntax_says() {
        let all = said(
            r#"{
  "//": "a comment",
  "terraform": {"required_version": ">= 1"},
  "variable": {"stage": {"type": "string", "default": "${not a template}"}},
  "locals": {"names": ["a", "b"], "rules": [{"port": 22}]},
  "resource": {
    "aws_s3_bucket": {
      "b": {"bucket": "x-${var.stage}", "tags": {"team": "web"}, "count": "${length(local.names)}", "force_destroy": true}
    },
    "aws_security_group": {
      "g": [{"ingress": [{"from_port": 22, "cidr_blocks": ["0.0.0.0/0"]}], "dynamic": {"egress": {"for_each": [443], "content": {"from_port": "${egress.value}"}}}}]
    }
  },
  "data": {"aws_iam_policy_document": {"p": {"statement": {"actions": ["s3:*"]}}}},
  "provider": {"aws": {"default_tags": {"tags": {"team": "web"}}}},
  "output": {"name": {"value": "${aws_s3_bucket.b.arn}"}}
}"#,
        );
        let all = all.unwrap();
        let expected = [
            "4: variable \"stage\" {\n  type = \"string\"\n  default = \"$${not a template}\"\n}\n",
            "5: locals {\n  names = [\"a\", \"b\"]\n  rules = [{ \"port\" = 22 }]\n}\n",
            "8: resource \"aws_s3_bucket\" \"b\" {\n  bucket = \"x-${var.stage}\"\n  tags = { \"team\" = \"web\" }\n  count = length(local.names)\n  force_destroy = true\n}\n",
            "11: resource \"aws_security_group\" \"g\" {\n  ingress {\n    from_port = 22\n    cidr_blocks = [\"0.0.0.0/0\"]\n  }\n  dynamic \"egress\" {\n    for_each = [443]\n    content {\n      from_port = egress.value\n    }\n  }\n}\n",
            "14: data \"aws_iam_policy_document\" \"p\" {\n  statement {\n    actions = [\"s3:*\"]\n  }\n}\n",
            "15: provider \"aws\" {\n  default_tags {\n    tags = { \"team\" = \"web\" }\n  }\n}\n",
            "16: output \"name\" {\n  value = aws_s3_bucket.b.arn\n}\n",
        ];
        let squeezed = |t: &str| t.split_whitespace().collect::<String>().replace(",}", "}");
        assert_eq!(all.iter().map(|t| squeezed(t)).collect::<Vec<_>>(), expected.map(squeezed));
    }

    #[test]
    fn what_is_broken_is_told_with_its_line() {
        assert_eq!(said("[1]"), Err((1, "is no object".to_owned())));
        let (line, message) = said("{\n\"locals\": {\n\"a\": \"${1 +}\"}}").unwrap_err();
        assert_eq!(line, 3, "{message}");
        assert_eq!(said(r#"{"resource": {"aws_s3_bucket": {"b": 7}}}"#).unwrap_err().1, "is no object");
    }
}
