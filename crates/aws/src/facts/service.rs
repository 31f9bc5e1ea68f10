//! One service's facts, and the building of its shapes.

use super::FactsError;
use super::model::{EndpointModel, FullRef, OperationModel, ProtocolName, ServiceModel, ShapeModel};
use super::operation::ReadOperation;
use super::permissions::Permissions;
use super::shape::{Body, Link, Location, Member, Node, Scalar, Target};
use crate::wire::Wire;
use aws_smithy_schema::traits::TimestampFormat;
use aws_smithy_schema::{Schema, ShapeId, ShapeType, intern_header_name, prelude};
use serde::Deserialize;
use serde_json::value::RawValue;
use smol_str::SmolStr;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// How deep lists of lists are described to a codec; no service nests deeper.
const NESTED_LISTS: usize = 6;

pub(crate) struct Service {
    model: ServiceModel,
    pub(crate) wire: Wire,
    built: Mutex<Built>,
}

#[derive(Default)]
struct Built {
    operations: HashMap<&'static str, Arc<ReadOperation>>,
    nodes: HashMap<(&'static str, Direction), &'static Node>,
}

/// Requests and answers may name the same member differently (EC2's query names).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Direction {
    Request,
    Answer,
}

impl Service {
    pub(super) fn parse(name: &str, bytes: Vec<u8>) -> Result<&'static Self, FactsError> {
        let fail = |message: String| FactsError::File { file: format!("aws/{name}.json"), message };
        let text = String::from_utf8(bytes).map_err(|e| fail(e.to_string()))?;
        let text: &'static str = Box::leak(text.into_boxed_str());
        let model: ServiceModel = serde_json::from_str(text).map_err(|e| fail(e.to_string()))?;
        let wire = Wire::new(model.protocol, model.json, model.target, model.version);
        Ok(Box::leak(Box::new(Self { model, wire, built: Mutex::default() })))
    }

    pub(crate) fn name(&self) -> &'static str {
        self.model.service
    }

    /// AWS's service id, which `AWS_ENDPOINT_URL_<ID>` and the profile's `services` section use.
    pub(crate) fn id(&self) -> &'static str {
        self.model.id
    }

    pub(crate) fn signing_name(&self) -> &'static str {
        self.model.signing
    }

    /// What stands before the operation in `X-Amz-Target`; in CBOR's paths the service.
    pub(super) fn target(&self) -> Option<&'static str> {
        self.model.target
    }

    pub(crate) fn endpoints(&self, partition: &str) -> Option<&EndpointModel> {
        self.model.endpoints.get(partition)
    }

    pub(super) fn operation_names(&self) -> impl Iterator<Item = &'static str> {
        self.model.operations.keys().copied()
    }

    pub(super) fn operation(
        &'static self,
        name: &str,
        permissions: &Permissions,
    ) -> Result<Option<Arc<ReadOperation>>, FactsError> {
        let mut built = self.built.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = built.operations.get(name) {
            return Ok(Some(found.clone()));
        }
        let Some((name, raw)) = self.model.operations.get_key_value(name) else { return Ok(None) };
        let model: OperationModel = self.read(name, raw)?;
        let builder = &mut Builder { service: self, nodes: &mut built.nodes };
        let input = model.input.map(|s| builder.node(s, Direction::Request)).transpose()?;
        let output = model.output.map(|s| builder.node(s, Direction::Answer)).transpose()?;
        let permission = permissions.of(self.name(), self.signing_name(), name);
        let operation = Arc::new(ReadOperation::new(self, name, &model, input, output, permission));
        built.operations.insert(name, operation.clone());
        Ok(Some(operation))
    }

    fn read<T: Deserialize<'static>>(&self, what: &str, raw: &'static RawValue) -> Result<T, FactsError> {
        serde_json::from_str(raw.get()).map_err(|e| FactsError::File {
            file: format!("aws/{}.json", self.name()),
            message: format!("{what}: {e}"),
        })
    }
}

struct Builder<'b> {
    service: &'static Service,
    nodes: &'b mut HashMap<(&'static str, Direction), &'static Node>,
}

impl Builder<'_> {
    /// The node of a composite shape, built with all that it reaches.
    fn node(&mut self, name: &'static str, direction: Direction) -> Result<&'static Node, FactsError> {
        if let Some(found) = self.nodes.get(&(name, direction)) {
            return Ok(found);
        }
        let node: &'static Node = Box::leak(Box::new(Node { name, body: OnceLock::new() }));
        self.nodes.insert((name, direction), node);
        let model = self.shape(name)?;
        let id = shape_id(name);
        let body = if let Some(item) = model.list {
            let item = item.full();
            let link = self.link(item, direction, || self_element(item.shape))?;
            let schema = leak(Schema::new_list(id, self.element(item, "member", direction, 0)?));
            Body::List { item: link, schema }
        } else if let Some((key, value)) = model.map {
            let (key, value) = (key.full(), value.full());
            let link = self.link(value, direction, || self_element(value.shape))?;
            let key = self.element(key, "key", direction, 0)?;
            let schema = leak(Schema::new_map(id, key, self.element(value, "value", direction, 0)?));
            Body::Map { value: link, schema }
        } else {
            self.structure(id, model, direction)?
        };
        // A second `set` cannot happen: the node was entered above, under the service's lock.
        let _ = node.body.set(body);
        Ok(node)
    }

    fn structure(&mut self, id: ShapeId<'static>, model: ShapeModel, direction: Direction) -> Result<Body, FactsError> {
        let mut members = Vec::new();
        let mut schemas = Vec::new();
        for (index, (&name, reference)) in model.members.iter().flatten().enumerate() {
            let full = reference.full();
            let payload = model.payload == Some(name);
            let (schema, location) = self.member_schema(&id, name, index, full, direction, payload)?;
            let schema = leak(schema);
            schemas.push(schema);
            let target = self.target(full.shape, direction)?;
            members.push(Member {
                name: SmolStr::new(name),
                link: Link { target, schema },
                location,
                required: model.required.contains(&name),
            });
        }
        let schemas: &'static [&'static Schema<'static>] = schemas.leak();
        let schema = leak(Schema::new_struct(id, ShapeType::Structure, schemas));
        Ok(Body::Struct { members, schemas, schema })
    }

    fn member_schema(
        &mut self,
        id: &ShapeId<'static>,
        name: &'static str,
        index: usize,
        full: FullRef,
        direction: Direction,
        payload: bool,
    ) -> Result<(Schema<'static>, Location), FactsError> {
        let protocol = self.service.model.protocol;
        let wire_name = full.name.unwrap_or(name);
        let mut schema = Schema::new_member(id.clone(), self.shape_type(full.shape)?, name, index);
        schema = self.with_elements(schema, full.shape, direction, 0)?;
        if let Some(format) = full.fmt {
            schema = schema.with_timestamp_format(timestamp_format(format));
        }
        if protocol.is_xml() {
            if full.flat || (protocol == ProtocolName::Ec2 && direction == Direction::Request) {
                schema = schema.with_xml_flattened();
            }
            if full.attr {
                // The codec knows attributes by their local names.
                schema = schema.with_xml_attribute();
            }
            schema = match (protocol, direction) {
                (ProtocolName::Ec2, Direction::Request) => schema.with_xml_name(ec2_query_name(full.query, wire_name)),
                _ => schema.with_xml_name(wire_name),
            };
        } else if protocol == ProtocolName::RestJson {
            schema = schema.with_json_name(wire_name);
        }
        if payload {
            return Ok((schema.with_http_payload(), Location::Payload));
        }
        Ok(match full.location {
            Some("header") => (schema.with_http_header(intern_header_name(wire_name)), Location::Header),
            Some("headers") => (schema.with_http_prefix_headers(full.name.unwrap_or("")), Location::Headers),
            Some("querystring") if self.is_map(full.shape)? => (schema.with_http_query_params(), Location::Query),
            Some("querystring") => (schema.with_http_query(wire_name), Location::Query),
            Some("uri") => (schema.with_http_label(), Location::Label),
            _ => (schema, Location::Body),
        })
    }

    /// The schema of a list's element or a map's key or value: what a codec asks for its wire name.
    fn element(
        &mut self,
        full: FullRef,
        default: &'static str,
        direction: Direction,
        depth: usize,
    ) -> Result<&'static Schema<'static>, FactsError> {
        let name = full.name.unwrap_or(default);
        let mut schema = Schema::new_member(shape_id(full.shape), self.shape_type(full.shape)?, default, 0);
        if self.service.model.protocol.is_xml() {
            schema = schema.with_xml_name(name);
        }
        if let Some(format) = full.fmt {
            schema = schema.with_timestamp_format(timestamp_format(format));
        }
        Ok(leak(self.with_elements(schema, full.shape, direction, depth)?))
    }

    fn with_elements(
        &mut self,
        schema: Schema<'static>,
        shape: &'static str,
        direction: Direction,
        depth: usize,
    ) -> Result<Schema<'static>, FactsError> {
        if Scalar::of(shape).is_some() || depth > NESTED_LISTS {
            return Ok(schema);
        }
        let model = self.shape(shape)?;
        if let Some(item) = model.list {
            return Ok(schema.with_list_member(self.element(item.full(), "member", direction, depth + 1)?));
        }
        if let Some((key, value)) = model.map {
            let key = self.element(key.full(), "key", direction, depth + 1)?;
            return Ok(schema.with_map_members(key, self.element(value.full(), "value", direction, depth + 1)?));
        }
        Ok(schema)
    }

    /// A link for an element: what is written inside a list or map carries no member name.
    fn link(
        &mut self,
        full: FullRef,
        direction: Direction,
        scalar: impl FnOnce() -> &'static Schema<'static>,
    ) -> Result<Link, FactsError> {
        let target = self.target(full.shape, direction)?;
        let schema = match (target, full.fmt) {
            (Target::Scalar(Scalar::Timestamp), Some(format)) => leak(
                Schema::new(shape_id(full.shape), ShapeType::Timestamp).with_timestamp_format(timestamp_format(format)),
            ),
            _ => scalar(),
        };
        Ok(Link { target, schema })
    }

    fn target(&mut self, shape: &'static str, direction: Direction) -> Result<Target, FactsError> {
        match Scalar::of(shape) {
            Some(scalar) => Ok(Target::Scalar(scalar)),
            None => Ok(Target::Node(self.node(shape, direction)?)),
        }
    }

    fn shape(&self, name: &'static str) -> Result<ShapeModel, FactsError> {
        let raw = self.service.model.shapes.get(name).ok_or_else(|| FactsError::File {
            file: format!("aws/{}.json", self.service.name()),
            message: format!("no shape `{name}`"),
        })?;
        self.service.read(name, raw)
    }

    fn shape_type(&self, name: &'static str) -> Result<ShapeType, FactsError> {
        if let Some(scalar) = Scalar::of(name) {
            return Ok(scalar.shape_type());
        }
        let model = self.shape(name)?;
        Ok(match (model.list, model.map) {
            (Some(_), _) => ShapeType::List,
            (_, Some(_)) => ShapeType::Map,
            _ => ShapeType::Structure,
        })
    }

    fn is_map(&self, name: &'static str) -> Result<bool, FactsError> {
        Ok(self.shape_type(name)? == ShapeType::Map)
    }
}

fn self_element(shape: &str) -> &'static Schema<'static> {
    match Scalar::of(shape) {
        Some(Scalar::Bool) => &prelude::BOOLEAN,
        Some(Scalar::Integer) => &prelude::INTEGER,
        Some(Scalar::Long) => &prelude::LONG,
        Some(Scalar::Float) => &prelude::FLOAT,
        Some(Scalar::Double) => &prelude::DOUBLE,
        Some(Scalar::Timestamp) => &prelude::TIMESTAMP,
        Some(Scalar::Blob) => &prelude::BLOB,
        Some(Scalar::Document) => &prelude::DOCUMENT,
        Some(Scalar::String) | None => &prelude::STRING,
    }
}

/// EC2 query names: the query name, or the location name with its first letter capitalised
/// (Smithy's `aws.protocols#ec2QueryName` rules).
fn ec2_query_name(query: Option<&'static str>, wire_name: &'static str) -> &'static str {
    if let Some(query) = query {
        return query;
    }
    let mut letters = wire_name.chars();
    match letters.next() {
        Some(first) if first.is_lowercase() => {
            intern_header_name(&format!("{}{}", first.to_ascii_uppercase(), letters.as_str()))
        }
        _ => wire_name,
    }
}

fn timestamp_format(name: &str) -> TimestampFormat {
    match name {
        "unixTimestamp" => TimestampFormat::EpochSeconds,
        "rfc822" => TimestampFormat::HttpDate,
        _ => TimestampFormat::DateTime,
    }
}

fn shape_id(name: &'static str) -> ShapeId<'static> {
    ShapeId::from_parts(name, "", name)
}

fn leak(schema: Schema<'static>) -> &'static Schema<'static> {
    Box::leak(Box::new(schema))
}
