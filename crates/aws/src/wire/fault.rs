//! What an error answer says.

use super::Answer;
use aws_smithy_xml::decode::{Document, ScopedDecoder, try_data};
use serde::Deserialize;

/// Error answers are read up to this size: the code stands at the beginning.
const MAX_FAULT: usize = 1 << 20;

/// AWS's error code and message, as far as they are there.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub code: String,
    pub message: String,
    /// The Region where the bucket is, when S3 redirects.
    pub region: Option<String>,
}

/// Reads an error answer of any of AWS's protocols; never fails, says nothing where nothing is said.
pub(crate) fn fault(answer: &Answer) -> Fault {
    let body = answer.body.get(..MAX_FAULT).unwrap_or(&answer.body);
    let text = String::from_utf8_lossy(body);
    let start = text.trim_start();
    let mut fault = if start.starts_with('<') {
        of_xml(start)
    } else if start.starts_with('{') {
        of_json(start)
    } else {
        Fault::default()
    };
    if let Some(code) = answer.headers.get("x-amzn-errortype") {
        fault.code = short(code);
    }
    if let Some(code) = answer.headers.get("x-amzn-query-error").and_then(|v| v.split(';').next()) {
        fault.code = code.to_owned();
    }
    if let Some(region) = answer.headers.get("x-amz-bucket-region") {
        fault.region = Some(region.to_owned());
    }
    fault
}

#[derive(Deserialize)]
struct JsonFault {
    #[serde(rename = "__type", default)]
    kind: Option<serde_json::Value>,
    #[serde(default, alias = "Code")]
    code: Option<serde_json::Value>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default, rename = "Message")]
    big_message: Option<String>,
    #[serde(default, rename = "errorMessage")]
    error_message: Option<String>,
}

fn of_json(text: &str) -> Fault {
    let Ok(json) = serde_json::from_str::<JsonFault>(text) else { return Fault::default() };
    let code = json.kind.or(json.code);
    let code = code.as_ref().and_then(|c| c.as_str()).map(short).unwrap_or_default();
    let message = json.message.or(json.big_message).or(json.error_message).unwrap_or_default();
    Fault { code, message, region: None }
}

/// `com.amazonaws.kms#NotFoundException:http://…` → `NotFoundException`.
fn short(code: &str) -> String {
    let code = code.split(':').next().unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default().trim().to_owned()
}

fn of_xml(text: &str) -> Fault {
    let mut out = Fault::default();
    let mut document = Document::new(text);
    if let Ok(mut root) = document.root_element() {
        collect(&mut root, &mut out, 0);
    }
    out
}

/// `Code` and `Message` stand in `Error`, `ErrorResponse/Error` or `Response/Errors/Error`: the first ones are meant.
fn collect(scope: &mut ScopedDecoder<'_, '_>, out: &mut Fault, depth: usize) {
    while let Some(mut tag) = scope.next_tag() {
        match tag.start_el().local() {
            "Code" if out.code.is_empty() => out.code = try_data(&mut tag).unwrap_or_default().trim().to_owned(),
            "Message" if out.message.is_empty() => {
                out.message = try_data(&mut tag).unwrap_or_default().trim().to_owned();
            }
            "Region" if out.region.is_none() => {
                out.region = try_data(&mut tag).ok().map(|r| r.trim().to_owned());
            }
            "Error" | "Errors" if depth < 3 => collect(&mut tag, out, depth + 1),
            _ => {}
        }
    }
}
