//! Signature Version 4.

use crate::http::Prepared;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign as sigv4,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::identity::Identity;
use std::time::SystemTime;

/// Adds the signature's headers to a request. S3 signs the path as it is sent and wants the body's hash beside it.
pub(crate) fn sign(
    request: &mut Prepared,
    identity: &Identity,
    region: &str,
    service: &str,
    now: SystemTime,
) -> Result<(), String> {
    let mut settings = SigningSettings::default();
    // Nothing that the signature leaves out by default is among the headers yet.
    settings.excluded_headers = None;
    if service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    let params = v4::SigningParams::builder()
        .identity(identity)
        .region(region)
        .name(service)
        .time(now)
        .settings(settings)
        .build()
        .map_err(|e| e.to_string())?
        .into();
    let headers = request.headers.iter().map(|(n, v)| (n.as_ref(), v.as_str()));
    let signable =
        SignableRequest::new(&request.method, request.uri.as_str(), headers, SignableBody::Bytes(&request.body))
            .map_err(|e| e.to_string())?;
    let (instructions, _) = sigv4(signable, &params).map_err(|e| e.to_string())?.into_parts();
    let (signed, _) = instructions.into_parts();
    for header in signed {
        request.headers.push((header.name().into(), header.value().to_owned()));
    }
    Ok(())
}
