//! Amazon EventBridge (<https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>). The key is `detail.notice`.

use super::{Channel, Kind, Message, Refused, Sent, alone, region_of_arn};
use crate::world::World;
use async_trait::async_trait;
use serde_json::{Value as Json, json};

pub(super) const KIND: Kind = Kind {
    name: "eventbridge",
    keys: &["bus", "region"],
    make: |r, at| {
        let bus = r.text(at, "bus").map_or_else(|| "default".to_owned(), String::from);
        let region = r.text(at, "region").map(String::from).or_else(|| region_of_arn(&bus).map(str::to_owned));
        Some(Box::new(EventBridge { bus, region }))
    },
};

#[derive(Debug)]
struct EventBridge {
    bus: String,
    region: Option<String>,
}

#[async_trait]
impl Channel for EventBridge {
    /// Ten entries, 256 KiB together: an event's detail is bounded so that they fit.
    fn most(&self) -> usize {
        10
    }

    fn one_by_one(&self) -> bool {
        true
    }

    fn is_aws(&self) -> bool {
        true
    }

    async fn send(&self, message: &Message, world: &World) -> Sent {
        alone(self.send_all(std::slice::from_ref(message), world).await)
    }

    async fn send_all(&self, messages: &[Message], world: &World) -> Vec<Sent> {
        let entry = |m: &Message| {
            let event = m.notices.first()?.event(m.lang);
            let get = |name: &str| event.get(name).cloned().unwrap_or_default();
            Some(
                json!({"Source": get("source"), "DetailType": get("detail-type"), "Time": get("time"), "Resources": get("resources"),
                "EventBusName": self.bus, "Detail": get("detail").to_string()}),
            )
        };
        let entries: Vec<Json> = messages.iter().filter_map(entry).collect();
        match world.change("events:PutEvents", self.region.as_deref(), json!({"Entries": entries})).await {
            Ok(answer) => (0..messages.len()).map(|i| taken(&answer, i)).collect(),
            Err(refused) => messages.iter().map(|_| Err(refused.clone())).collect(),
        }
    }
}

/// What became of an entry: it has an id, or an error.
fn taken(answer: &Json, entry: usize) -> Sent {
    let Some(said) = answer.get("Entries").and_then(|e| e.get(entry)) else {
        return Err(Refused::for_now("the answer does not tell what became of the event"));
    };
    let text = |name: &str| said.get(name).and_then(Json::as_str).unwrap_or_default();
    match text("ErrorCode") {
        "" => Ok(()),
        code => {
            let why = format!("{code}: {}", text("ErrorMessage"));
            let passing = matches!(code, "ThrottlingException" | "InternalFailure" | "InternalException");
            Err(if passing { Refused::for_now(why) } else { Refused::for_good(why) })
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_its_own_answer() {
        let answer = json!({"FailedEntryCount": 2, "Entries": [
            {"EventId": "1"}, {"ErrorCode": "ThrottlingException"}, {"ErrorCode": "NotAuthorizedForSourceException"}]});
        assert_eq!(taken(&answer, 0), Ok(()));
        assert!(taken(&answer, 1).unwrap_err().again);
        assert!(!taken(&answer, 2).unwrap_err().again);
        assert!(taken(&answer, 3).unwrap_err().again);
    }
}
