//! A read operation: all that is needed to call it and understand its answer.

use super::model::OperationModel;
use super::service::Service;
use super::shape::{Body, Location, Node, type_of, type_of_target};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_schema::protocol::ServiceShapeName;
use aws_smithy_schema::traits::HttpTrait;
use aws_smithy_schema::{Schema, ShapeId, ShapeType};
use aws_smithy_types::config_bag::{ConfigBag, Layer};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use yagura_model::Type;

/// An operation that changes something. A [`crate::Session`] calls it by [`crate::Session::change`] alone.
#[derive(Debug, Clone)]
pub struct WriteOperation(Arc<ReadOperation>);

impl WriteOperation {
    pub(super) fn new(operation: Arc<ReadOperation>) -> Self {
        Self(operation)
    }

    /// The call as content files write it: `s3:PutPublicAccessBlock`.
    pub fn call(&self) -> &str {
        self.0.call()
    }

    /// The IAM action that allows the call.
    pub fn permission(&self) -> &str {
        self.0.permission()
    }

    /// The type of an answer.
    pub fn output(&self) -> Type {
        self.0.output()
    }

    /// The input's members, sorted by name.
    pub fn input_members(&self) -> Vec<InputMember> {
        self.0.input_members()
    }

    /// Whether the service has one endpoint for the whole partition.
    pub fn is_global(&self) -> bool {
        self.0.is_global()
    }

    /// What is wrong with an input, before it is sent: members that the operation does not know, values of the wrong kind,
    /// members that are missing.
    ///
    /// # Errors
    /// The first of them, in words.
    pub fn check(&self, input: &yagura_model::Map) -> Result<(), String> {
        let wanted = self.input_members().into_iter().find(|m| m.required && input.get(&m.name).is_none());
        if let Some(missing) = wanted {
            return Err(format!("`{}` needs `{}`", self.call(), missing.name));
        }
        self.0.service.wire.encode(&self.0, input).map(|_| ()).map_err(|e| format!("`{}`: {}", self.call(), e.0))
    }

    /// The service as CloudTrail's events name it.
    pub fn event_source(&self) -> &str {
        self.0.event_source()
    }

    pub(crate) fn operation(&self) -> &ReadOperation {
        &self.0
    }
}

/// An operation that reads, and nothing else: what a [`crate::Session`] calls unless a plan is applied.
pub struct ReadOperation {
    call: SmolStr,
    permission: SmolStr,
    name: &'static str,
    pub(crate) service: &'static Service,
    pub(crate) input: Option<&'static Node>,
    pub(crate) output: Option<&'static Node>,
    pub(crate) input_schema: &'static Schema<'static>,
    pub(crate) output_schema: &'static Schema<'static>,
    pub(crate) wrapper: Option<&'static str>,
    pub(crate) host_prefix: Option<&'static str>,
    /// Whether the request's body must come with its digest.
    pub(crate) checksum: bool,
    pub(crate) pages: Option<Pages>,
    pub(crate) bag: ConfigBag,
    output_type: OnceLock<Type>,
}

/// How an operation pages: input members that take what the output paths gave.
pub(crate) struct Pages {
    pub inputs: Vec<&'static str>,
    pub outputs: Vec<&'static str>,
    /// A truth value that says whether there is more; tokens alone decide where it is missing.
    pub more: Option<&'static str>,
}

/// A member of an operation's input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputMember {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub kind: Type,
    /// Whether the call cannot be made without it.
    pub required: bool,
}

impl ReadOperation {
    pub(super) fn new(
        service: &'static Service,
        name: &'static str,
        model: &OperationModel,
        input: Option<&'static Node>,
        output: Option<&'static Node>,
        permission: SmolStr,
    ) -> Self {
        let (method, uri) = model.http.and_then(|h| h.split_once(' ')).unwrap_or(("POST", "/"));
        let mut layer = Layer::new("operation");
        layer.store_put(Metadata::new(name, service.name()));
        if let Some(target) = service.target() {
            layer.store_put(ServiceShapeName::new(target));
        }
        Self {
            call: SmolStr::from(format!("{}:{name}", service.name())),
            permission,
            name,
            service,
            input,
            output,
            input_schema: request_schema(name, input, method, uri),
            output_schema: answer_schema(output, model.unwrapped),
            wrapper: model.wrap,
            host_prefix: model.host,
            checksum: model.checksum,
            pages: model.pages.as_ref().map(|p| Pages {
                inputs: p.inputs.clone(),
                outputs: p.outputs.clone(),
                more: p.more,
            }),
            bag: ConfigBag::of_layers(vec![layer]),
            output_type: OnceLock::new(),
        }
    }

    /// The call as content files write it: `s3:GetBucketEncryption`.
    pub fn call(&self) -> &str {
        &self.call
    }

    /// The service, by botocore's name: `s3`.
    pub fn service(&self) -> &str {
        self.service.name()
    }

    /// The service as CloudTrail's events name it (`elasticloadbalancing` in `elasticloadbalancing.amazonaws.com`): by the name in its
    /// signatures, which AWS takes for both.
    pub fn event_source(&self) -> &str {
        self.service.signing_name()
    }

    /// The operation's API name: `GetBucketEncryption`.
    pub fn name(&self) -> &str {
        self.name
    }

    /// The IAM action that allows the call: `s3:GetEncryptionConfiguration`.
    pub fn permission(&self) -> &str {
        &self.permission
    }

    /// The type of an answer. Recursive shapes are [`Type::Any`] past their first level; blobs are strings (base64).
    pub fn output(&self) -> Type {
        self.output_type
            .get_or_init(|| match self.output {
                Some(node) => type_of(node),
                None => Type::Struct(Arc::new(BTreeMap::new())),
            })
            .clone()
    }

    /// The input's members, sorted by name.
    pub fn input_members(&self) -> Vec<InputMember> {
        let members = self.input.map(Node::members).unwrap_or_default();
        members
            .iter()
            .map(|m| InputMember { name: m.name.clone(), kind: type_of_target(m.link.target), required: m.required })
            .collect()
    }

    /// Whether an answer may come in several pages; the session asks for all of them.
    pub fn pages(&self) -> bool {
        self.pages.is_some()
    }

    /// Whether the service has one endpoint for the whole partition, whatever Region is asked.
    pub fn is_global(&self) -> bool {
        let plain = self.service.endpoints("aws").and_then(|e| e.plain);
        plain.is_some_and(|host| !host.contains("{region}"))
    }
}

impl fmt::Debug for ReadOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadOperation").field("call", &self.call).finish_non_exhaustive()
    }
}

/// The input's schema with the operation's method and path.
fn request_schema(
    name: &'static str,
    input: Option<&'static Node>,
    method: &'static str,
    uri: &'static str,
) -> &'static Schema<'static> {
    let members: &'static [&'static Schema<'static>] = match input.and_then(|n| n.body.get()) {
        Some(Body::Struct { schemas, .. }) => schemas,
        _ => &[],
    };
    let id = ShapeId::from_parts(name, "", name);
    let mut schema = Schema::new_struct(id, ShapeType::Structure, members).with_http(HttpTrait::new(method, uri, None));
    let has_body = input.map(Node::members).unwrap_or_default().iter().any(|m| m.location == Location::Body);
    if !has_body {
        schema = schema.with_no_body_members();
    }
    Box::leak(Box::new(schema))
}

fn answer_schema(output: Option<&'static Node>, unwrapped: bool) -> &'static Schema<'static> {
    match output.and_then(|n| Some((n, n.body.get()?))) {
        Some((node, Body::Struct { schemas, .. })) if unwrapped => {
            let id = ShapeId::from_parts(node.name, "", node.name);
            Box::leak(Box::new(Schema::new_struct(id, ShapeType::Structure, schemas).with_xml_unwrapped_output()))
        }
        Some((node, _)) => node.schema(),
        None => &aws_smithy_schema::prelude::UNIT,
    }
}
