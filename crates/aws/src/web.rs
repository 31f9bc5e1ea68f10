//! HTTP to hosts that are not AWS's: the same connections, time-outs and trust as AWS calls have, and no credentials.

use crate::error::{ConnectError, presentable};
use crate::http::{Http, Prepared};
use crate::options::Options;
use bytes::Bytes;
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;
use yagura_model::GapReason;

/// A client for any host. What it says of a failure names neither the URL nor anything that was sent: both may be secrets.
pub struct Web(Http);

/// A whole answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebAnswer {
    /// The status.
    pub status: u16,
    /// What the host says of when to try again: seconds, or a date
    /// (RFC 9110, <https://www.rfc-editor.org/rfc/rfc9110#field.retry-after>).
    pub retry_after: Option<String>,
    /// The body, as far as it is text.
    pub body: String,
}

/// Why there was no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct WebError {
    /// One line, without the URL.
    pub why: String,
    /// Whether the same may work later.
    pub passing: bool,
}

impl Web {
    /// A client whose exchanges take at most `longest`. Trusts the system's authorities, or those of `AWS_CA_BUNDLE`.
    ///
    /// # Errors
    /// The bundle cannot be read.
    pub fn new(longest: Duration) -> Result<Self, ConnectError> {
        let bundle = match std::env::var_os("AWS_CA_BUNDLE").filter(|p| !p.is_empty()) {
            Some(path) => Some(std::fs::read(&path).map_err(|e| {
                ConnectError::Configuration(format!("AWS_CA_BUNDLE: cannot read {}: {e}", path.display()))
            })?),
            None => None,
        };
        let options = Options {
            connect_timeout: longest.min(Duration::from_secs(5)),
            attempt_timeout: longest,
            max_answer_bytes: 1 << 20,
            ..Options::default()
        };
        Http::new(&options, bundle).map(Self).map_err(ConnectError::Configuration)
    }

    /// Sends a request once and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// No answer came, or the request cannot be made of this.
    pub async fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<WebAnswer, WebError> {
        let headers = headers.iter().map(|(n, v)| (Cow::Borrowed(*n), v.clone())).collect();
        let request = Prepared { method: method.to_owned(), uri: url.to_owned(), headers, body: Bytes::from(body) };
        let answer = self.0.exchange(request).await.map_err(|e| WebError {
            // A cause may quote what it was given.
            why: presentable(&e.message.replace(url, "[url]")),
            passing: !matches!(e.reason, GapReason::Refused | GapReason::BadAnswer),
        })?;
        Ok(WebAnswer {
            status: answer.status,
            retry_after: answer.headers.get("retry-after").map(|v| v.trim().to_owned()),
            body: String::from_utf8_lossy(&answer.body).into_owned(),
        })
    }
}

impl fmt::Debug for Web {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Web").finish_non_exhaustive()
    }
}
