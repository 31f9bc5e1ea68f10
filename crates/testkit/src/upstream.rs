//! Handing requests on to another endpoint.

use crate::answer::Answer;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::http::request::Parts;
use hyper_util::rt::TokioIo;
use std::error::Error;
use tokio::net::TcpStream;

/// Sends a request as it came to `address` and brings the answer.
pub(crate) async fn forward(address: &str, parts: &Parts, body: Bytes) -> Result<Answer, Box<dyn Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let mut request = hyper::Request::builder().method(parts.method.clone()).uri(parts.uri.clone());
    for (name, value) in
        parts.headers.iter().filter(|(n, _)| !["connection", "transfer-encoding"].contains(&n.as_str()))
    {
        request = request.header(name, value);
    }
    let response = sender.send_request(request.body(Full::new(body))?).await?;
    let (head, body) = response.into_parts();
    let own = ["connection", "transfer-encoding", "content-length"];
    let headers = head.headers.iter().filter(|(n, _)| !own.contains(&n.as_str()));
    let headers = headers.map(|(n, v)| (n.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned())).collect();
    let body = body.collect().await?.to_bytes();
    driver.abort();
    Ok(Answer { status: head.status.as_u16(), headers, body })
}
