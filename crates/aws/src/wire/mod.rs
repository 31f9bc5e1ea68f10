//! The wire formats: a call's input to an HTTP request, an HTTP answer to a value.

mod answer;
mod fault;
mod request;
#[cfg(test)]
mod tests;

pub(crate) use fault::{Fault, fault};

use crate::facts::{Location, ProtocolName, ReadOperation, Target};
use aws_smithy_cbor::codec::{CborCodec, CborCodecSettings};
use aws_smithy_cbor::protocol::RpcV2CborProtocol;
use aws_smithy_json::codec::{JsonCodec, JsonCodecSettings};
use aws_smithy_json::protocol::aws_json_rpc::AwsJsonRpcProtocol;
use aws_smithy_json::protocol::aws_rest_json_1::AwsRestJsonProtocol;
use aws_smithy_query::protocol::AwsQueryProtocol;
use aws_smithy_runtime_api::http::{Headers, Response, StatusCode};
use aws_smithy_schema::codec::Codec;
use aws_smithy_schema::http_protocol::http_output_deserializer;
use aws_smithy_schema::protocol::ClientProtocol;
use aws_smithy_schema::serde::{SerdeError, ShapeDeserializer};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::date_time::Format;
use aws_smithy_xml::codec::{XmlCodec, XmlCodecSettings};
use aws_smithy_xml::protocol::aws_rest_xml::AwsRestXmlProtocol;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use yagura_model::{Map, Value};

/// Answers nest at most this deep; a deeper one is refused before it can exhaust the stack.
const MAX_DEPTH: u32 = 64;

type Protocol = dyn ClientProtocol<aws_smithy_runtime_api::http::Request, Response>;

/// A service's wire format: built once per service, shared by its calls.
pub(crate) struct Wire {
    protocol: Box<Protocol>,
    codec: AnswerCodec,
    name: ProtocolName,
}

enum AnswerCodec {
    Json(JsonCodec),
    Xml(XmlCodec),
    Cbor(CborCodec),
}

/// A request before it knows its host and is signed.
#[derive(Debug, Clone)]
pub(crate) struct Encoded {
    pub method: String,
    /// Path and query, percent-encoded.
    pub path: String,
    /// Lower-case names.
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

/// A whole HTTP answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Headers,
    pub body: Bytes,
}

/// Why a request could not be written or an answer not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct WireError(pub String);

impl From<SerdeError> for WireError {
    fn from(e: SerdeError) -> Self {
        Self(e.to_string())
    }
}

impl Wire {
    pub fn new(name: ProtocolName, json: Option<&str>, target: Option<&'static str>, version: &'static str) -> Self {
        let protocol: Box<Protocol> = match name {
            ProtocolName::Json => {
                let protocol = match json {
                    Some("1.0") => AwsJsonRpcProtocol::aws_json_1_0(),
                    _ => AwsJsonRpcProtocol::aws_json_1_1(),
                };
                Box::new(protocol.with_target_prefix(target.unwrap_or_default()))
            }
            ProtocolName::RestJson => Box::new(AwsRestJsonProtocol::new()),
            ProtocolName::RestXml => Box::new(AwsRestXmlProtocol::new()),
            ProtocolName::Query | ProtocolName::Ec2 => Box::new(AwsQueryProtocol::new().with_service_version(version)),
            ProtocolName::Cbor => Box::new(RpcV2CborProtocol::new()),
        };
        let codec = match name {
            ProtocolName::Json | ProtocolName::RestJson => AnswerCodec::Json(JsonCodec::new(
                JsonCodecSettings::builder()
                    .use_json_name(name == ProtocolName::RestJson)
                    .default_timestamp_format(Format::EpochSeconds)
                    .max_depth(MAX_DEPTH)
                    .enforce_strictness(true)
                    .validate_skipped_values(true)
                    .build(),
            )),
            ProtocolName::RestXml | ProtocolName::Query | ProtocolName::Ec2 => AnswerCodec::Xml(XmlCodec::new(
                XmlCodecSettings::builder()
                    .default_timestamp_format(Format::DateTime)
                    .max_depth(MAX_DEPTH)
                    .validate_document(true)
                    .build(),
            )),
            ProtocolName::Cbor => AnswerCodec::Cbor(CborCodec::new(CborCodecSettings::default())),
        };
        Self { protocol, codec, name }
    }

    /// Writes the request of a call. Unknown members and values of the wrong kind are errors. Where the operation wants its body's
    /// digest, that is SHA-256 (Amazon S3 user guide, "Checking object integrity": any of the checksum headers serves).
    pub fn encode(&self, operation: &ReadOperation, input: &Map) -> Result<Encoded, WireError> {
        let input = request::Input::of_operation(operation, input, self.name);
        input.check()?;
        let mut request = self.protocol.serialize_request(&input, operation.input_schema, "", &operation.bag)?;
        let body = std::mem::replace(request.body_mut(), SdkBody::empty());
        let body = body.bytes().map(Bytes::copy_from_slice).unwrap_or_default();
        let mut headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"))
            .map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned()))
            .collect();
        if operation.checksum {
            headers.push(("x-amz-checksum-sha256".to_owned(), BASE64_STANDARD.encode(Sha256::digest(&body))));
        }
        Ok(Encoded { method: request.method().to_owned(), path: request.uri().to_owned(), headers, body })
    }

    /// Reads a successful answer. Truncated, malformed or too deeply nested bodies are errors, never partial values.
    pub fn decode(&self, operation: &ReadOperation, answer: Answer) -> Result<Value, WireError> {
        let Some(output) = operation.output else { return Ok(Value::Map(Map::new())) };
        let needs_body = output.members().iter().any(|m| match m.location {
            Location::Body => true,
            Location::Payload => matches!(m.link.target, Target::Node(_)),
            _ => false,
        });
        if answer.body.is_empty() && needs_body && answer.status != 204 {
            return Err(WireError("an empty body".to_owned()));
        }
        let status = StatusCode::try_from(answer.status).map_err(|e| WireError(e.to_string()))?;
        let mut response = Response::new(status, SdkBody::from(answer.body));
        *response.headers_mut() = answer.headers;
        let body = response.body().bytes().unwrap_or_default();
        let (mut source, form): (Box<dyn ShapeDeserializer + '_>, _) = match &self.codec {
            AnswerCodec::Json(codec) if self.name == ProtocolName::Json => {
                (Box::new(codec.create_deserializer(body)), answer::Form::Json)
            }
            AnswerCodec::Json(codec) => {
                let body = codec.create_deserializer(body);
                (http_output_deserializer(body, &response, operation.output_schema, &operation.bag), answer::Form::Json)
            }
            AnswerCodec::Xml(codec) => {
                let whole = answer::whole_xml(body, needs_body)?;
                let inner = match self.name {
                    ProtocolName::Query => answer::unwrap_query(whole, operation.wrapper)?,
                    _ => whole,
                };
                let body = codec.create_deserializer(inner);
                let source: Box<dyn ShapeDeserializer + '_> = match self.name {
                    ProtocolName::RestXml => {
                        http_output_deserializer(body, &response, operation.output_schema, &operation.bag)
                    }
                    _ => Box::new(body),
                };
                (source, answer::Form::Text)
            }
            AnswerCodec::Cbor(codec) => {
                answer::whole_cbor(body)?;
                (Box::new(codec.create_deserializer(body)), answer::Form::Cbor)
            }
        };
        let mut read = answer::read(&mut *source, form, output, operation.output_schema)?;
        if operation.output_schema.xml_unwrapped_output() {
            // An empty root is how S3 spells "nothing": a bucket in us-east-1 has no location constraint.
            read = read.into_iter().filter(|(_, v)| v.as_str() != Some("")).collect();
        }
        Ok(Value::Map(read))
    }
}
