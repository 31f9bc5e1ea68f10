//! Slack, by an incoming webhook: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>. Slack takes no key: a
//! message that was sent and not confirmed appears twice.
//!
//! What findings bring stands in `plain_text`, which has no markup; in a template's `mrkdwn` it is escaped as Slack's page
//! "Formatting message text" wants it.

use super::{Channel, Kind, Message, Sent, judged, secret_url};
use crate::secret::SecretRef;
use crate::text::cut;
use crate::words;
use crate::world::World;
use async_trait::async_trait;
use serde_json::{Value as Json, json};

pub(super) const KIND: Kind =
    Kind { name: "slack", keys: &["url"], make: |r, at| Some(Box::new(Slack { url: SecretRef::want(r, at, "url")? })) };

#[derive(Debug)]
struct Slack {
    url: SecretRef,
}

#[async_trait]
impl Channel for Slack {
    fn secrets(&self) -> Vec<&SecretRef> {
        vec![&self.url]
    }

    async fn send(&self, message: &Message, world: &World) -> Sent {
        let url = secret_url(&self.url, world).await?;
        let headers = [("content-type", "application/json; charset=utf-8".to_owned())];
        let answer = world.web.send("POST", url.open(), &headers, body(message).to_string().into_bytes()).await;
        judged(answer, &[&url]).map(drop)
    }
}

/// Header 150 characters, section 3,000, 50 blocks (<https://docs.slack.dev/reference/block-kit/blocks>).
fn body(message: &Message) -> Json {
    let headline = message.headline();
    let mut blocks =
        vec![json!({"type": "header", "text": {"type": "plain_text", "text": cut(&headline, 150), "emoji": false}})];
    let own = message.template.is_some();
    let (shown, more) = message.paragraphs(if own { escaped } else { str::to_owned });
    for text in shown.iter().filter(|t| !t.trim().is_empty()) {
        let text = match own {
            true => json!({"type": "mrkdwn", "text": cut(text, 3000), "verbatim": true}),
            false => json!({"type": "plain_text", "text": cut(text, 3000), "emoji": false}),
        };
        blocks.push(json!({"type": "section", "text": text}));
    }
    if more > 0 {
        let text = words::more(more, message.lang);
        blocks.push(json!({"type": "context", "elements": [{"type": "plain_text", "text": text, "emoji": false}]}));
    }
    json!({"text": cut(&escaped(&headline), 3000), "blocks": blocks})
}

/// The three characters that Slack's markup begins with.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]
mod tests {
    use super::*;
    use crate::channel::tests_of_messages::hostile;
    use crate::template::Template;

    #[test]
    fn names_make_no_markup_and_bounds_are_kept() {
        let mut message = hostile(60);
        let sent = body(&message);
        assert!(!sent["text"].as_str().unwrap().contains('<'));
        assert!(sent["blocks"].as_array().unwrap().len() <= 50);
        assert!(sent["blocks"].as_array().unwrap().iter().all(|b| b["text"]["type"] != "mrkdwn"));
        message.template = Some(Template::parse("*${detail.title}*").unwrap());
        message.notices[0].en.title.push('\u{202e}');
        message.notices[0].en.title.insert(0, '\u{202e}');
        let sent = body(&message);
        assert!(!sent.to_string().contains('\u{202e}'));
        for block in sent["blocks"].as_array().unwrap().iter().skip(1).filter(|b| b["type"] == "section") {
            let text = block["text"]["text"].as_str().unwrap();
            assert!(text.starts_with("*&lt;!channel&gt;") && text.chars().count() <= 3000, "{text}");
        }
    }
}
