//! A value as a request's input.

use super::WireError;
use crate::facts::ProtocolName;
use crate::facts::{Body, Link, Node, ReadOperation, Scalar, Target};
use aws_smithy_schema::Schema;
use aws_smithy_schema::prelude;
use aws_smithy_schema::serde::{SerdeError, SerializableStruct, ShapeSerializer};
use aws_smithy_types::date_time::Format;
use aws_smithy_types::{Blob, DateTime, base64};
use yagura_model::{Map, Value};

/// A structure to write: a map of values and the node that types it.
pub(super) struct Input<'a> {
    map: &'a Map,
    node: Option<&'static Node>,
    schema: &'static Schema<'static>,
    protocol: ProtocolName,
}

impl<'a> Input<'a> {
    pub fn of_operation(operation: &ReadOperation, map: &'a Map, protocol: ProtocolName) -> Self {
        Self { map, node: operation.input, schema: operation.input_schema, protocol }
    }

    /// Whether every member is known and every required one is there.
    pub fn check(&self) -> Result<(), WireError> {
        for (name, _) in self.map.iter() {
            if self.node.and_then(|n| n.member(name)).is_none() {
                return Err(WireError(format!("the input has no member `{name}`")));
            }
        }
        let missing = self
            .node
            .map(Node::members)
            .unwrap_or_default()
            .iter()
            .find(|m| m.required && self.map.get(&m.name).is_none());
        match missing {
            Some(member) => Err(WireError(format!("the input lacks `{}`", member.name))),
            None => Ok(()),
        }
    }
}

impl SerializableStruct for Input<'_> {
    fn schema(&self) -> &Schema<'_> {
        self.schema
    }

    fn serialize_members(&self, to: &mut dyn ShapeSerializer) -> Result<(), SerdeError> {
        for (name, value) in self.map.iter() {
            let member = self
                .node
                .and_then(|n| n.member(name))
                .ok_or_else(|| SerdeError::custom(format!("the input has no member `{name}`")))?;
            // EC2 takes an empty parameter for an empty value, not for an empty list.
            if self.protocol == ProtocolName::Ec2 && value.as_list().is_some_and(<[Value]>::is_empty) {
                continue;
            }
            write(to, member.link, value, self.protocol).map_err(|e| SerdeError::custom(format!("`{name}`: {e}")))?;
        }
        Ok(())
    }
}

fn write(to: &mut dyn ShapeSerializer, link: Link, value: &Value, protocol: ProtocolName) -> Result<(), SerdeError> {
    match link.target {
        Target::Scalar(scalar) => write_scalar(to, scalar, link.schema, value),
        Target::Node(node) => match (node.body.get(), value) {
            (Some(Body::Struct { schema, .. }), Value::Map(map)) => {
                let inner = Input { map, node: Some(node), schema, protocol };
                to.write_struct(named_or(link.schema, schema), &inner)
            }
            (Some(Body::List { item, schema }), Value::List(items)) => {
                to.write_list_with_length(named_or(link.schema, schema), items.len(), &|to| {
                    items.iter().try_for_each(|v| write(to, *item, v, protocol))
                })
            }
            (Some(Body::Map { value: link_of_values, schema }), Value::Map(map)) => {
                to.write_map_with_length(named_or(link.schema, schema), map.len(), &|to| {
                    map.iter().try_for_each(|(key, v)| {
                        to.write_string(&prelude::STRING, key)?;
                        write(to, *link_of_values, v, protocol)
                    })
                })
            }
            (Some(Body::List { .. }), _) => Err(mismatch("a list", value)),
            _ => Err(mismatch("a map", value)),
        },
    }
}

/// A member's own schema carries its wire name; an element has none and is described by its shape.
fn named_or(link: &'static Schema<'static>, shape: &'static Schema<'static>) -> &'static Schema<'static> {
    if link.member_name().is_some() { link } else { shape }
}

fn write_scalar(
    to: &mut dyn ShapeSerializer,
    scalar: Scalar,
    schema: &'static Schema<'static>,
    value: &Value,
) -> Result<(), SerdeError> {
    match (scalar, value) {
        (Scalar::Bool, Value::Bool(b)) => to.write_boolean(schema, *b),
        (Scalar::Integer, Value::Int(i)) => {
            to.write_integer(schema, i32::try_from(*i).map_err(|_| mismatch("a 32-bit number", value))?)
        }
        (Scalar::Long, Value::Int(i)) => to.write_long(schema, *i),
        (Scalar::Float | Scalar::Double, Value::Int(i)) => to.write_double(schema, *i as f64),
        (Scalar::Float | Scalar::Double, Value::Float(f)) => to.write_double(schema, *f),
        (Scalar::String, Value::String(s)) => to.write_string(schema, s),
        (Scalar::String, Value::Int(i)) => to.write_string(schema, &i.to_string()),
        (Scalar::String, Value::Bool(b)) => to.write_string(schema, if *b { "true" } else { "false" }),
        (Scalar::Timestamp, Value::String(s)) => {
            let time = DateTime::from_str(s, Format::DateTimeWithOffset).map_err(|_| mismatch("a timestamp", value))?;
            to.write_timestamp(schema, &time)
        }
        (Scalar::Blob, Value::String(s)) => {
            let bytes = base64::decode(s.as_str()).map_err(|_| mismatch("base64 text", value))?;
            to.write_blob(schema, Blob::new(bytes))
        }
        (Scalar::Document, _) => Err(SerdeError::custom("documents cannot be sent")),
        (scalar, _) => Err(mismatch(&format!("{scalar:?}").to_lowercase(), value)),
    }
}

fn mismatch(wanted: &str, value: &Value) -> SerdeError {
    SerdeError::custom(format!("expected {wanted}, not {value}"))
}
