//! One HTTP exchange: connections, time-outs and the cap on what is read.

use crate::error::CallError;
use crate::options::Options;
use crate::wire::Answer;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, Connector, proxy::ProxyConfig};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings, SharedHttpClient};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use std::borrow::Cow;
use std::error::Error;
use std::sync::OnceLock;
use std::time::Duration;
use yagura_model::GapReason;

/// A request with its host.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub method: String,
    pub uri: String,
    pub headers: Vec<(Cow<'static, str>, String)>,
    pub body: Bytes,
}

/// The connections of all sessions that come from one. They are kept open and reused; HTTP/2 where the server offers it.
pub(crate) struct Http {
    secure: OnceLock<Connector>,
    plain: OnceLock<Connector>,
    settings: HttpConnectorSettings,
    attempt_timeout: Duration,
    max_answer: usize,
    trust: TlsContext,
}

const USER_AGENT: &str = concat!("yagura/", env!("CARGO_PKG_VERSION"));

/// An answer's body is read into a buffer of this size first, unless it says how long it is.
const FIRST_BUFFER: usize = 8 << 10;

impl Http {
    pub fn new(options: &Options, ca_bundle: Option<Vec<u8>>) -> Result<Self, String> {
        let mut trust = TrustStore::default();
        if let Some(pem) = ca_bundle {
            trust = TrustStore::empty().with_pem_certificate(pem);
        }
        Ok(Self {
            secure: OnceLock::new(),
            plain: OnceLock::new(),
            settings: HttpConnectorSettings::builder().connect_timeout(options.connect_timeout).build(),
            attempt_timeout: options.attempt_timeout,
            max_answer: options.max_answer_bytes,
            trust: TlsContext::builder().with_trust_store(trust).build().map_err(|e| e.to_string())?,
        })
    }

    /// The client that the credential chain uses.
    pub fn for_credentials(&self) -> SharedHttpClient {
        Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(self.trust.clone()).build_https()
    }

    /// Sends a request and reads the whole answer, within the attempt's time-out and the cap on its size.
    pub async fn exchange(&self, request: Prepared) -> Result<Answer, CallError> {
        match tokio::time::timeout(self.attempt_timeout, self.send(request)).await {
            Ok(result) => result,
            Err(_) => Err(CallError::new(
                GapReason::TimedOut,
                "TimedOut",
                format!("no whole answer within {} seconds", self.attempt_timeout.as_secs_f32()),
            )),
        }
    }

    async fn send(&self, request: Prepared) -> Result<Answer, CallError> {
        let connector = self.connector(&request.uri);
        let request = outgoing(request).map_err(|e| CallError::new(GapReason::Refused, "InvalidRequest", e))?;
        let response = connector.call(request).await.map_err(|e| broken(&e))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let length = headers.get("content-length").and_then(|l| l.parse::<usize>().ok());
        if length.is_some_and(|l| l > self.max_answer) {
            return Err(self.too_large());
        }
        let mut body = response.into_body();
        let mut whole = BytesMut::with_capacity(length.unwrap_or(FIRST_BUFFER));
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|e| interrupted(e.as_ref()))?;
            if let Ok(data) = frame.into_data() {
                if whole.len() + data.len() > self.max_answer {
                    return Err(self.too_large());
                }
                whole.extend_from_slice(&data);
            }
        }
        Ok(Answer { status, headers, body: whole.freeze() })
    }

    fn connector(&self, uri: &str) -> &Connector {
        let builder =
            || Connector::builder().connector_settings(self.settings.clone()).proxy_config(ProxyConfig::from_env());
        if uri.starts_with("http://") {
            return self.plain.get_or_init(|| builder().build_http());
        }
        self.secure.get_or_init(|| {
            builder().tls_provider(Provider::Rustls(CryptoMode::Ring)).tls_context(self.trust.clone()).build()
        })
    }

    fn too_large(&self) -> CallError {
        CallError::new(
            GapReason::BadAnswer,
            "AnswerTooLarge",
            format!("the answer is larger than {} bytes", self.max_answer),
        )
    }
}

fn outgoing(request: Prepared) -> Result<HttpRequest, String> {
    let mut out = http::Request::new(SdkBody::from(request.body));
    *out.method_mut() = request.method.parse().map_err(|_| "not an HTTP method".to_owned())?;
    *out.uri_mut() = request.uri.parse().map_err(|_| "not a URI".to_owned())?;
    let headers = out.headers_mut();
    for (name, value) in request.headers {
        let name = http::HeaderName::from_bytes(name.as_bytes()).map_err(|e| e.to_string())?;
        headers.insert(name, http::HeaderValue::from_str(&value).map_err(|e| e.to_string())?);
    }
    headers.insert(http::header::USER_AGENT, http::HeaderValue::from_static(USER_AGENT));
    HttpRequest::try_from(out).map_err(|e| e.to_string())
}

fn broken(error: &ConnectorError) -> CallError {
    let text = chain(error);
    let unknown_host = text.contains("dns error") || text.contains("lookup address");
    if unknown_host && !text.contains("Temporary failure") {
        return CallError::new(GapReason::Unreachable, UNKNOWN_HOST, "the host name is not known");
    }
    CallError::new(GapReason::Unreachable, "Unreachable", text)
}

/// The code of an error where a host name does not resolve.
pub(crate) const UNKNOWN_HOST: &str = "UnknownHost";

fn interrupted(error: &(dyn Error + 'static)) -> CallError {
    CallError::new(GapReason::Unreachable, "Interrupted", chain(error))
}

/// The innermost two causes of an error: the outer ones only name libraries.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut causes = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.dedup();
    let from = causes.len().saturating_sub(2);
    causes.get(from..).unwrap_or_default().join(": ")
}
