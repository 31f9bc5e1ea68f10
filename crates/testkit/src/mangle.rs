//! Answers spoilt on purpose.

use crate::answer::Answer;
use crate::call::{Call, Protocol};
use crate::fault::Fault;

/// What becomes of a good answer under a fault that is no error of AWS's.
pub(crate) fn mangle(fault: &Fault, call: &Call, good: Answer) -> Answer {
    match fault {
        Fault::Truncated => {
            let keep = good.body.len() * 2 / 3;
            Answer { body: good.body.slice(..keep), ..good }
        }
        Fault::Html => Answer::new(
            200,
            "text/html",
            "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Welcome to the hotel<br></body></html>",
        ),
        Fault::Empty => Answer { body: Default::default(), ..good },
        Fault::PagingLoop => insert(call, good, JSON_TOKENS, XML_TOKENS),
        Fault::Padded(size) => {
            let padding = "x".repeat(*size);
            insert(
                call,
                good,
                &format!("\"NobodyKnows\":\"{padding}\""),
                &format!("<NobodyKnows>{padding}</NobodyKnows>"),
            )
        }
        Fault::NotUtf8 => {
            let mut body =
                insert(call, good.clone(), "\"NobodyKnows\":\"@@\"", "<NobodyKnows>@@</NobodyKnows>").body.to_vec();
            if let Some(at) = body.windows(2).position(|w| w == b"@@") {
                body.splice(at..at + 2, [0xff, 0xfe]);
            }
            Answer { body: body.into(), ..good }
        }
        Fault::Deep(depth) => match call.protocol {
            Protocol::Json | Protocol::RestJson => {
                Answer { body: format!("{}{}", "{\"a\":".repeat(*depth), "1}").into(), ..good }
            }
            _ => Answer { body: "<a>".repeat(*depth).into(), ..good },
        },
        _ => good,
    }
}

/// Every name that AWS gives the token of a next page.
const JSON_TOKENS: &str = r#""NextToken":"again","nextToken":"again","Marker":"again","NextMarker":"again","Truncated":true,"IsTruncated":true"#;
const XML_TOKENS: &str = "<NextToken>again</NextToken><nextToken>again</nextToken><Marker>again</Marker>\
    <ContinuationToken>again</ContinuationToken><IsTruncated>true</IsTruncated>";

/// Puts members at the end of the output.
fn insert(call: &Call, good: Answer, json: &str, xml: &str) -> Answer {
    let text = String::from_utf8_lossy(&good.body).into_owned();
    let (end, members) = match call.protocol {
        Protocol::Json | Protocol::RestJson => {
            let comma = if text.trim().trim_start_matches('{').trim() == "}" { "" } else { "," };
            (text.rfind('}'), format!("{comma}{json}"))
        }
        Protocol::Query => (text.rfind(&format!("</{}Result>", call.operation())), xml.to_owned()),
        Protocol::Ec2 | Protocol::RestXml => (text.rfind("</"), xml.to_owned()),
    };
    let Some((before, after)) = end.and_then(|at| text.split_at_checked(at)) else { return good };
    Answer { body: format!("{before}{members}{after}").into(), ..good }
}
