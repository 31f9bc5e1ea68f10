//! One change that somebody may want to hear of.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use yagura_model::{Lang, Severity};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A finding was seen for the first time.
    New,
    /// A finding came back.
    Reopened,
    /// A finding was resolved.
    Resolved,
    /// The suppression of an open finding ended.
    SuppressionEnded,
    /// A finding was seen again.
    Active,
    /// A finding's severity changed.
    Severity,
    /// A finding could not be checked any more.
    Unsure,
    /// A finding could be checked again.
    Sure,
    /// A detection fired.
    Signal,
    /// Signals made an attack.
    Incident,
}

impl Change {
    /// Whether it is news; the rest goes only where a route says `new_only: false`.
    pub fn is_news(self) -> bool {
        !matches!(self, Self::Active | Self::Severity | Self::Unsure | Self::Sure)
    }

    /// The word in events and machine formats.
    pub fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Reopened => "reopened",
            Self::Resolved => "resolved",
            Self::SuppressionEnded => "suppression_ended",
            Self::Active => "active",
            Self::Severity => "severity",
            Self::Unsure => "unsure",
            Self::Sure => "sure",
            Self::Signal => "signal",
            Self::Incident => "incident",
        }
    }

    /// What EventBridge calls the event by.
    pub fn detail_type(self) -> &'static str {
        match self {
            Self::Signal => "Yagura Signal",
            Self::Incident => "Yagura Incident",
            _ => "Yagura Finding",
        }
    }
}

/// What a person reads, in one language.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// One line.
    pub title: String,
    /// Why it matters.
    pub why: String,
    /// What to do, or to look at.
    pub fix: String,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// Its identity: the same change has the same, whoever reads it, and how often.
    pub id: String,
    /// What it is about, by an identity that all its changes share.
    pub subject: String,
    /// What happened.
    pub change: Change,
    /// How much it matters.
    pub severity: Severity,
    /// When it happened.
    pub at: jiff::Timestamp,
    /// The account.
    pub account: String,
    /// The Region.
    pub region: String,
    /// What it is about, for people: the ARN, or the id.
    pub resource: String,
    /// The check, detection or sequence.
    pub rule: String,
    /// English.
    pub en: Words,
    /// Japanese.
    pub ja: Words,
    /// Everything, under the names of the machine formats, without texts.
    pub detail: Json,
    /// As a finding of the AWS Security Finding Format.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asff: Option<Json>,
    /// As an OCSF finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ocsf: Option<Json>,
}

/// How long an event's detail may be, in bytes: ten entries of `PutEvents` fit its limit of 256 KiB
/// (<https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html>) together.
const LONGEST_DETAIL: usize = 22 << 10;

impl Notice {
    /// The identity that is made of these parts: 32 hexadecimal digits.
    pub fn identity(parts: &[&str]) -> String {
        digest(parts)
    }

    /// The texts in a language.
    pub fn words(&self, lang: Lang) -> &Words {
        match lang {
            Lang::En => &self.en,
            Lang::Ja => &self.ja,
        }
    }

    /// Whether there is nothing left to do.
    pub fn is_over(&self) -> bool {
        self.change == Change::Resolved
    }

    /// The event, as EventBridge would deliver it: what systems are sent
    /// (<https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html>). Members of the detail that make it too
    /// long are taken out, and named in `left_out`.
    pub fn event(&self, lang: Lang) -> Json {
        self.event_within(lang, LONGEST_DETAIL)
    }

    /// The event with everything: what patterns are held against.
    pub(crate) fn whole_event(&self, lang: Lang) -> Json {
        self.event_within(lang, usize::MAX)
    }

    /// The event with a detail of at most so many bytes, as far as what must stay allows.
    pub(crate) fn event_within(&self, lang: Lang, longest: usize) -> Json {
        let words = self.words(lang);
        let mut detail = match &self.detail {
            Json::Object(map) => map.clone(),
            _ => serde_json::Map::new(),
        };
        for (name, text) in [("title", &words.title), ("why", &words.why), ("fix", &words.fix)] {
            detail.insert(name.to_owned(), json!(text));
        }
        detail.insert("notice".to_owned(), json!(self.id));
        detail.insert("change".to_owned(), json!(self.change.name()));
        let mut left_out = Vec::new();
        while length(&detail) > longest {
            let may_go = |n: &str| !matches!(n, "left_out" | "notice" | "change");
            let long = detail
                .iter()
                .filter(|(n, _)| may_go(n))
                .max_by_key(|(_, v)| v.to_string().len())
                .map(|(n, _)| n.clone());
            let Some(name) = long else { break };
            detail.remove(&name);
            left_out.push(name);
            detail.insert("left_out".to_owned(), json!(left_out));
        }
        json!({
            "version": "0",
            "id": uuid(&self.id),
            "detail-type": self.change.detail_type(),
            "source": "yagura",
            "account": self.account,
            "time": self.at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "region": self.region,
            "resources": if self.resource.starts_with("arn:") { vec![self.resource.as_str()] } else { Vec::new() },
            "detail": detail,
        })
    }

    /// A notice of a finding that there is none of, for trying channels.
    pub fn sample(now: jiff::Timestamp) -> Self {
        let arn = "arn:aws:s3:::yagura-test";
        let id = digest(&["sample", &now.to_string()]);
        Self {
            subject: digest(&["sample"]),
            change: Change::New,
            severity: Severity::Info,
            at: now,
            account: "111122223333".to_owned(),
            region: "us-east-1".to_owned(),
            resource: arn.to_owned(),
            rule: "yagura.test".to_owned(),
            en: Words {
                title: "This is a test message".to_owned(),
                why: "`yagura notify test` sent it to try this channel.".to_owned(),
                fix: "Nothing is to be done.".to_owned(),
            },
            ja: Words {
                title: "これはテストメッセージ".to_owned(),
                why: "`yagura notify test` がこのチャネルを確認するために送信した。".to_owned(),
                fix: "対応は不要。".to_owned(),
            },
            detail: json!({"id": id, "rule": "yagura.test", "severity": "info", "state": "new",
                "resource": {"arn": arn, "id": "yagura-test", "kind": "s3.bucket", "account": "111122223333", "region": "us-east-1"}}),
            id,
            asff: None,
            ocsf: None,
        }
    }
}

fn length(detail: &serde_json::Map<String, Json>) -> usize {
    serde_json::to_string(detail).map_or(usize::MAX, |t| t.len())
}

/// An identity made of parts: 32 hexadecimal digits.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
}

/// The form that EventBridge's ids have.
fn uuid(id: &str) -> String {
    let hex = if id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()) { id.to_owned() } else { digest(&[id]) };
    let part = |a: usize, b: usize| hex.get(a..b).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]
mod tests {
    use super::*;

    #[test]
    fn an_event_keeps_its_bounds_and_says_what_it_left_out() {
        let mut n = Notice::sample(jiff::Timestamp::UNIX_EPOCH);
        n.detail["evidence"] = json!("x".repeat(1 << 20));
        n.detail["maps"] = json!(vec!["y"; 20_000]);
        let event = n.event(Lang::En);
        assert!(event.to_string().len() < 25 << 10);
        assert_eq!(event["detail"]["left_out"], json!(["evidence", "maps"]));
        assert_eq!(event["detail"]["title"], "This is a test message");
        assert_eq!(event["id"].as_str().unwrap().len(), 36);
        assert_eq!(n.whole_event(Lang::En)["detail"]["maps"][0], "y");
        assert_eq!(n.event_within(Lang::En, 0)["detail"]["notice"], json!(n.id), "its key stays");
    }
}
