//! Shapes as a graph, each with the run-time schema that AWS's codecs work from.
//!
//! A codec asks a schema only about one level: names, flattening and types of members, and of the elements of
//! a member that is a list or map. Deeper levels are followed through [`Node`]s, which may be recursive.

use aws_smithy_schema::{Schema, ShapeType};
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};
use yagura_model::Type;

/// A structure, list or map. Built once and kept: see [`super::Facts`].
pub(crate) struct Node {
    pub name: &'static str,
    /// Set right after the node is entered into its service's table, so that shapes may contain themselves.
    pub body: OnceLock<Body>,
}

pub(crate) enum Body {
    Struct { members: Vec<Member>, schemas: &'static [&'static Schema<'static>], schema: &'static Schema<'static> },
    List { item: Link, schema: &'static Schema<'static> },
    Map { value: Link, schema: &'static Schema<'static> },
}

/// A structure's member.
pub(crate) struct Member {
    pub name: SmolStr,
    pub link: Link,
    pub location: Location,
    pub required: bool,
}

/// What a member, element or value is, and the schema to read or write it with.
#[derive(Clone, Copy)]
pub(crate) struct Link {
    pub target: Target,
    pub schema: &'static Schema<'static>,
}

#[derive(Clone, Copy)]
pub(crate) enum Target {
    Scalar(Scalar),
    Node(&'static Node),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    Bool,
    Integer,
    Long,
    Float,
    Double,
    String,
    Timestamp,
    Blob,
    Document,
}

/// Where a member travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Location {
    Body,
    Header,
    Headers,
    Query,
    Label,
    Payload,
}

impl Scalar {
    pub fn of(name: &str) -> Option<Self> {
        Some(match name {
            "boolean" => Self::Bool,
            "integer" => Self::Integer,
            "long" => Self::Long,
            "float" => Self::Float,
            "double" => Self::Double,
            "string" => Self::String,
            "timestamp" => Self::Timestamp,
            "blob" => Self::Blob,
            "document" => Self::Document,
            _ => return None,
        })
    }

    pub const fn shape_type(self) -> ShapeType {
        match self {
            Self::Bool => ShapeType::Boolean,
            Self::Integer => ShapeType::Integer,
            Self::Long => ShapeType::Long,
            Self::Float => ShapeType::Float,
            Self::Double => ShapeType::Double,
            Self::String => ShapeType::String,
            Self::Timestamp => ShapeType::Timestamp,
            Self::Blob => ShapeType::Blob,
            Self::Document => ShapeType::Document,
        }
    }

    const fn value_type(self) -> Type {
        match self {
            Self::Bool => Type::Bool,
            Self::Integer | Self::Long => Type::Int,
            Self::Float | Self::Double => Type::Float,
            Self::String | Self::Blob => Type::String,
            Self::Timestamp => Type::Timestamp,
            Self::Document => Type::Any,
        }
    }
}

impl Node {
    /// The members, where the node is a structure.
    pub fn members(&self) -> &[Member] {
        match self.body.get() {
            Some(Body::Struct { members, .. }) => members,
            _ => &[],
        }
    }

    /// The member `name`. Members are sorted by name.
    pub fn member(&self, name: &str) -> Option<&Member> {
        let members = self.members();
        let at = members.binary_search_by(|m| m.name.as_str().cmp(name)).ok()?;
        members.get(at)
    }

    pub fn schema(&self) -> &'static Schema<'static> {
        match self.body.get() {
            Some(Body::Struct { schema, .. } | Body::List { schema, .. } | Body::Map { schema, .. }) => schema,
            None => &aws_smithy_schema::prelude::UNIT,
        }
    }
}

/// The value type of a node; what contains itself is [`Type::Any`] past its first level.
pub(crate) fn type_of(node: &'static Node) -> Type {
    Types::default().node(node)
}

pub(crate) fn type_of_target(target: Target) -> Type {
    Types::default().target(target)
}

#[derive(Default)]
struct Types {
    done: HashMap<&'static str, Type>,
}

impl Types {
    fn target(&mut self, target: Target) -> Type {
        match target {
            Target::Scalar(s) => s.value_type(),
            Target::Node(n) => self.node(n),
        }
    }

    fn node(&mut self, node: &'static Node) -> Type {
        if let Some(done) = self.done.get(node.name) {
            return done.clone();
        }
        self.done.insert(node.name, Type::Any);
        let built = match node.body.get() {
            Some(Body::Struct { members, .. }) => {
                let members: BTreeMap<_, _> =
                    members.iter().map(|m| (m.name.clone(), self.target(m.link.target))).collect();
                Type::Struct(Arc::new(members))
            }
            Some(Body::List { item, .. }) => Type::List(Arc::new(self.target(item.target))),
            Some(Body::Map { value, .. }) => Type::Map(Arc::new(self.target(value.target))),
            None => Type::Any,
        };
        self.done.insert(node.name, built.clone());
        built
    }
}
