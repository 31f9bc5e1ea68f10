//! Microsoft Teams, by a webhook of a workflow that takes adaptive cards:
//! <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using>. It takes no key: a message
//! that was sent and not confirmed appears twice.
//!
//! Texts are runs of `RichTextBlock`, in which Markdown means nothing
//! (<https://adaptivecards.microsoft.com/?topic=TextRun>), so that no name becomes a link.

use super::{Channel, Kind, Message, Sent, judged, secret_url};
use crate::secret::SecretRef;
use crate::text::cut;
use crate::words;
use crate::world::World;
use async_trait::async_trait;
use serde_json::{Value as Json, json};

pub(super) const KIND: Kind =
    Kind { name: "teams", keys: &["url"], make: |r, at| Some(Box::new(Teams { url: SecretRef::want(r, at, "url")? })) };

/// A message is 28 KB long at most, says the page above.
const LONGEST: usize = 27 << 10;

#[derive(Debug)]
struct Teams {
    url: SecretRef,
}

#[async_trait]
impl Channel for Teams {
    fn secrets(&self) -> Vec<&SecretRef> {
        vec![&self.url]
    }

    async fn send(&self, message: &Message, world: &World) -> Sent {
        let url = secret_url(&self.url, world).await?;
        let headers = [("content-type", "application/json; charset=utf-8".to_owned())];
        judged(world.web.send("POST", url.open(), &headers, body(message).into_bytes()).await, &[&url]).map(drop)
    }
}

/// As much of the message as fits.
fn body(message: &Message) -> String {
    let (mut shown, mut more) = message.paragraphs(str::to_owned);
    loop {
        let text = card(message, &shown, more).to_string();
        if text.len() <= LONGEST {
            return text;
        }
        match shown.as_mut_slice() {
            [only] => *only = cut(only, only.chars().count() / 2),
            _ => {
                shown.pop();
                more += 1;
            }
        }
    }
}

fn card(message: &Message, shown: &[String], more: usize) -> Json {
    let block = |text: &str, size: &str, weight: &str| json!({"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, "size": size, "weight": weight}]});
    let mut body = vec![block(&cut(&message.headline(), 500), "medium", "bolder")];
    body.extend(shown.iter().map(|text| block(text, "default", "default")));
    if more > 0 {
        body.push(block(&words::more(more, message.lang), "small", "lighter"));
    }
    let content = json!({"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
        "body": body, "fallbackText": cut(&message.headline(), 500)});
    let attachment =
        json!({"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": null, "content": content});
    json!({"type": "message", "attachments": [attachment]})
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]
mod tests {
    use super::*;
    use crate::channel::tests_of_messages::hostile;

    #[test]
    fn a_card_is_short_enough_and_has_no_markdown() {
        for n in [1, 20, 60] {
            let text = body(&hostile(n));
            assert!(text.len() <= 28 << 10, "{}", text.len());
            let card: Json = serde_json::from_str(&text).unwrap();
            let blocks = card["attachments"][0]["content"]["body"].as_array().unwrap();
            assert!(blocks.len() >= 2 && blocks.iter().all(|b| b["type"] == "RichTextBlock"), "{blocks:?}");
        }
    }
}
