//! PagerDuty's Events API v2 (<https://developer.pagerduty.com/docs/events-api-v2-overview>): an alert a finding, known by its
//! `dedup_key`, resolved when the finding is.

use super::{Channel, Kind, Message, Refused, Sent, base_url, judged};
use crate::secret::SecretRef;
use crate::text::cut;
use crate::world::World;
use async_trait::async_trait;
use serde_json::{Value as Json, json};
use yagura_model::Severity;

pub(super) const KIND: Kind = Kind {
    name: "pagerduty",
    keys: &["routing_key", "url"],
    make: |r, at| {
        let url = base_url(r, at, "https://events.pagerduty.com");
        Some(Box::new(PagerDuty { routing_key: SecretRef::want(r, at, "routing_key")?, url }))
    },
};

#[derive(Debug)]
struct PagerDuty {
    routing_key: SecretRef,
    url: String,
}

#[async_trait]
impl Channel for PagerDuty {
    fn one_by_one(&self) -> bool {
        true
    }

    fn secrets(&self) -> Vec<&SecretRef> {
        vec![&self.routing_key]
    }

    async fn send(&self, message: &Message, world: &World) -> Sent {
        let key = world.secret(&self.routing_key).await?;
        let body = body(message, key.open()).ok_or_else(|| Refused::for_good("the message is empty"))?.to_string();
        let headers = [("content-type", "application/json".to_owned())];
        let url = format!("{}/v2/enqueue", self.url);
        judged(world.web.send("POST", &url, &headers, body.into_bytes()).await, &[&key]).map(drop)
    }
}

/// `summary` is 1,024 characters long at most, an event 512 KB ("PD-CEF" and "Send an Alert Event" of the documentation above).
fn body(message: &Message, key: &str) -> Option<Json> {
    let n = message.notices.first()?;
    let dedup_key = format!("yagura-{}", n.subject);
    if n.is_over() {
        return Some(json!({"routing_key": key, "event_action": "resolve", "dedup_key": cut(&dedup_key, 255)}));
    }
    let severity = match n.severity {
        Severity::Critical => "critical",
        Severity::High => "error",
        Severity::Medium | Severity::Low => "warning",
        Severity::Info => "info",
    };
    let event = n.event(message.lang);
    Some(json!({
        "routing_key": key,
        "event_action": "trigger",
        "dedup_key": cut(&dedup_key, 255),
        "client": "Yagura",
        "payload": {
            "summary": cut(&message.headline(), 1024),
            "source": cut(&n.resource, 255),
            "severity": severity,
            "timestamp": n.at.to_string(),
            "component": n.rule,
            "group": n.account,
            "class": n.change.detail_type(),
            "custom_details": event.get("detail"),
        },
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]
mod tests {
    use super::*;
    use crate::channel::tests_of_messages::hostile;
    use crate::notice::Change;

    #[test]
    fn an_alert_is_resolved_under_its_own_key() {
        let mut message = hostile(1);
        let begun = body(&message, "k").unwrap();
        assert_eq!(begun["event_action"], "trigger");
        assert!(begun["payload"]["summary"].as_str().unwrap().chars().count() <= 1024);
        assert!(begun.to_string().len() < 512 << 10);
        message.notices[0].change = Change::Resolved;
        let over = body(&message, "k").unwrap();
        assert_eq!((&over["event_action"], &over["dedup_key"]), (&json!("resolve"), &begun["dedup_key"]));
    }
}
