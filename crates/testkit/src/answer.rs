//! Answers and errors in the wire form of each protocol.

use crate::call::{Call, Protocol};
use bytes::Bytes;
use serde_json::{Value, json};

/// What an estate says to a call, before it takes the protocol's form.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// The output as JSON.
    Json(Value),
    /// The output's members as XML; the protocol's own wrapping is put around them.
    Xml(String),
    /// An error.
    Error {
        /// The HTTP status.
        status: u16,
        /// AWS's error code.
        code: String,
        /// The message.
        message: String,
    },
}

/// What goes over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
}

const REQUEST_ID: &str = "7a62c49f-347e-4fc4-9331-6e8eEXAMPLE";
const XML: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

impl Reply {
    /// An error.
    pub fn error(status: u16, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Error { status, code: code.into(), message: message.into() }
    }

    pub(crate) fn answer(&self, call: &Call) -> Answer {
        match self {
            Self::Json(value) => Answer::new(200, media_type(call.protocol), value.to_string()),
            Self::Xml(members) => Answer::new(200, media_type(call.protocol), output(call, members)),
            Self::Error { status, code, message } => error(call, *status, code, message),
        }
    }
}

impl Answer {
    pub fn new(status: u16, media_type: &str, body: impl Into<Bytes>) -> Self {
        let headers = vec![
            ("content-type".to_owned(), media_type.to_owned()),
            ("x-amzn-requestid".to_owned(), REQUEST_ID.to_owned()),
        ];
        Self { status, headers, body: body.into() }
    }
}

fn media_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Json => "application/x-amz-json-1.1",
        Protocol::RestJson => "application/json",
        Protocol::RestXml => "application/xml",
        Protocol::Query => "text/xml",
        Protocol::Ec2 => "text/xml;charset=UTF-8",
    }
}

fn output(call: &Call, members: &str) -> String {
    let name = call.operation();
    match call.protocol {
        Protocol::Query => format!(
            "<{name}Response xmlns=\"https://example.amazonaws.com/doc/\"><{name}Result>{members}</{name}Result>\
             <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></{name}Response>"
        ),
        Protocol::Ec2 => format!(
            "{XML}\n<{name}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>{REQUEST_ID}</requestId>{members}</{name}Response>"
        ),
        _ => format!("{XML}\n{members}"),
    }
}

fn error(call: &Call, status: u16, code: &str, message: &str) -> Answer {
    let kind = media_type(call.protocol);
    let text = message.replace('&', "&amp;").replace('<', "&lt;");
    match call.protocol {
        Protocol::Json => Answer::new(status, kind, json!({"__type": code, "Message": message}).to_string()),
        Protocol::RestJson => {
            let mut answer = Answer::new(status, kind, json!({"message": message}).to_string());
            answer.headers.push(("x-amzn-errortype".to_owned(), code.to_owned()));
            answer
        }
        Protocol::Query => Answer::new(
            status,
            kind,
            format!(
                "<ErrorResponse xmlns=\"https://example.amazonaws.com/doc/\"><Error><Type>Sender</Type><Code>{code}</Code>\
                 <Message>{text}</Message></Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
            ),
        ),
        Protocol::Ec2 => Answer::new(
            status,
            kind,
            format!(
                "{XML}\n<Response><Errors><Error><Code>{code}</Code><Message>{text}</Message></Error></Errors>\
                 <RequestID>{REQUEST_ID}</RequestID></Response>"
            ),
        ),
        Protocol::RestXml => Answer::new(
            status,
            kind,
            format!(
                "{XML}\n<Error><Code>{code}</Code><Message>{text}</Message><RequestId>{REQUEST_ID}</RequestId><HostId>host</HostId></Error>"
            ),
        ),
    }
}

/// The answer to a request without a signature.
pub(crate) fn unsigned() -> Answer {
    Answer::new(
        403,
        "application/json",
        json!({"__type": "MissingAuthenticationTokenException", "message": "Missing Authentication Token"}).to_string(),
    )
}
