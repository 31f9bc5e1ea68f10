//! A webhook of one's own, signed as Standard Webhooks has it (<https://www.standardwebhooks.com>): `webhook-id` is the key,
//! `webhook-timestamp` the seconds, `webhook-signature` `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.

use super::{Channel, Kind, Message, Refused, Sent, judged, secret_url};
use crate::secret::SecretRef;
use crate::world::World;
use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;
use serde_json::json;

pub(super) const KIND: Kind = Kind {
    name: "webhook",
    keys: &["url", "secret"],
    make: |r, at| {
        let (url, secret) = (SecretRef::want(r, at, "url"), SecretRef::want(r, at, "secret"));
        Some(Box::new(Webhook { url: url?, secret: secret? }))
    },
};

#[derive(Debug)]
struct Webhook {
    url: SecretRef,
    secret: SecretRef,
}

#[async_trait]
impl Channel for Webhook {
    fn secrets(&self) -> Vec<&SecretRef> {
        vec![&self.url, &self.secret]
    }

    async fn send(&self, message: &Message, world: &World) -> Sent {
        let (url, secret) = (secret_url(&self.url, world).await?, world.secret(&self.secret).await?);
        let events: Vec<_> = message.notices.iter().map(|n| n.event(message.lang)).collect();
        let now = jiff::Timestamp::now();
        let body =
            json!({"type": "yagura.changes", "timestamp": now.to_string(), "data": {"events": events}}).to_string();
        let key = key(secret.open()).map_err(|why| Refused::for_good(format!("{}: {why}", self.secret.place())))?;
        let stamp = now.as_second().to_string();
        let headers = [
            ("content-type", "application/json".to_owned()),
            ("webhook-id", message.id.clone()),
            ("webhook-signature", signature(&key, &message.id, &stamp, &body)),
            ("webhook-timestamp", stamp),
        ];
        judged(world.web.send("POST", url.open(), &headers, body.into_bytes()).await, &[&url, &secret]).map(drop)
    }
}

/// `whsec_` and base64, as Standard Webhooks writes secrets; any other text is the key itself.
fn key(secret: &str) -> Result<Vec<u8>, &'static str> {
    let bytes = match secret.strip_prefix("whsec_") {
        Some(text) => BASE64_STANDARD.decode(text).map_err(|_| "what follows `whsec_` is not base64")?,
        None => secret.as_bytes().to_vec(),
    };
    if bytes.len() < 16 { Err("a signing secret has at least 16 bytes") } else { Ok(bytes) }
}

fn signature(key: &[u8], id: &str, stamp: &str, body: &str) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), format!("{id}.{stamp}.{body}").as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(tag))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;

    /// The key and the message of Standard Webhooks' specification ("Signature scheme"), signed with Python's hmac.
    #[test]
    fn it_signs_as_the_specification_does() {
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let signed = signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(super::key("short").is_err());
        assert!(super::key("whsec_%%").is_err());
    }
}
