//! Amazon S3: OCSF findings as JSON Lines, under the keys that Security Lake gives its sources
//! (<https://docs.aws.amazon.com/security-lake/latest/userguide/custom-sources.html>). Security Lake itself takes Parquet for custom
//! sources: what reads JSON (Athena, OpenSearch, `yagura logs`) reads these, Security Lake's own tables do not.
//!
//! The key names the message, so that sending twice writes the same objects.

use super::{Channel, Kind, Message, Refused, Sent};
use crate::notice::Notice;
use crate::world::World;
use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;
use std::collections::BTreeMap;

pub(super) const KIND: Kind = Kind {
    name: "s3",
    keys: &["bucket", "prefix", "region"],
    make: |r, at| {
        let bucket = String::from(r.want_text(at, "bucket"));
        let prefix = r.text(at, "prefix").map_or_else(|| "ext".to_owned(), |p| p.trim_matches('/').to_owned());
        let region = r.text(at, "region").map(String::from);
        Some(Box::new(S3 { bucket, prefix, region }))
    },
};

#[derive(Debug)]
struct S3 {
    bucket: String,
    prefix: String,
    region: Option<String>,
}

#[async_trait]
impl Channel for S3 {
    fn is_aws(&self) -> bool {
        true
    }

    async fn send(&self, message: &Message, world: &World) -> Sent {
        for (key, lines) in objects(&self.prefix, message)? {
            let input = json!({"Bucket": self.bucket, "Key": key, "ContentType": "application/x-ndjson",
                "Body": BASE64_STANDARD.encode(lines)});
            world.change("s3:PutObject", self.region.as_deref(), input).await?;
        }
        Ok(())
    }
}

/// The objects of a message: one for each class of finding, Region, account and day.
fn objects(prefix: &str, message: &Message) -> Result<BTreeMap<String, String>, Refused> {
    let mut out: BTreeMap<String, String> = BTreeMap::new();
    for n in &message.notices {
        let ocsf = n.ocsf.as_ref().ok_or_else(|| Refused::for_good("there is no finding in OCSF to send"))?;
        let lines = out.entry(key(prefix, n, &message.id)).or_default();
        lines.push_str(&ocsf.to_string());
        lines.push('\n');
    }
    Ok(out)
}

fn key(prefix: &str, n: &Notice, id: &str) -> String {
    use crate::notice::Change::{Incident, Signal};
    let source =
        if matches!(n.change, Signal | Incident) { "yagura-detection-finding" } else { "yagura-compliance-finding" };
    let part = |text: &str| -> String {
        let plain: String = text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        if plain.is_empty() { "unknown".to_owned() } else { plain }
    };
    let (region, account, day) = (part(&n.region), part(&n.account), n.at.strftime("%Y%m%d"));
    let slash = if prefix.is_empty() { "" } else { "/" };
    format!("{prefix}{slash}{source}/1.0/region={region}/accountId={account}/eventDay={day}/{id}.jsonl")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;
    use crate::channel::tests_of_messages::hostile;

    #[test]
    fn objects_lie_where_security_lake_has_them() {
        let mut message = hostile(3);
        assert!(objects("ext", &message).is_err());
        for (n, region) in message.notices.iter_mut().zip(["us-east-1", "us-east-1", "../x"]) {
            (n.ocsf, n.region) = (Some(json!({"class_uid": 2003})), region.to_owned());
        }
        let found = objects("ext", &message).unwrap();
        let id = &message.id;
        let at = |r: &str| {
            format!("ext/yagura-compliance-finding/1.0/region={r}/accountId=111122223333/eventDay=19700101/{id}.jsonl")
        };
        assert_eq!(found.keys().collect::<Vec<_>>(), [&at("us-east-1"), &at("x")]);
        assert_eq!(found.get(&at("us-east-1")).unwrap().lines().count(), 2);
    }
}
