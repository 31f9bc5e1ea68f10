//! AWS Security Hub CSPM (<https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html>). The key is the
//! finding's `Id`: sent twice it is one finding. Only findings of Yagura's own are written: those of other products, and what people
//! noted in the workflow, stay as they are. Findings go to the Region they are of; the caller must be their account.

use super::{Channel, Kind, Message, Refused, Sent, alone};
use crate::world::World;
use async_trait::async_trait;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

pub(super) const KIND: Kind = Kind { name: "security_hub", keys: &[], make: |_, _| Some(Box::new(SecurityHub)) };

#[derive(Debug)]
struct SecurityHub;

#[async_trait]
impl Channel for SecurityHub {
    fn most(&self) -> usize {
        100
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
        let mut out: Vec<Sent> = messages.iter().map(|m| own(m).map(drop)).collect();
        let mut regions: BTreeMap<&str, Vec<(usize, &Json)>> = BTreeMap::new();
        for (at, finding) in messages.iter().enumerate().filter_map(|(at, m)| Some((at, own(m).ok()?))) {
            regions.entry(text(finding, "Region")).or_default().push((at, finding));
        }
        for (region, findings) in regions {
            // Of two changes of one finding within a call, the later one counts.
            let mut latest: BTreeMap<&str, &Json> = BTreeMap::new();
            for (_, finding) in &findings {
                latest.insert(text(finding, "Id"), finding);
            }
            let input = json!({"Findings": latest.values().collect::<Vec<_>>()});
            let answer = world.change("securityhub:BatchImportFindings", Some(region), input).await;
            for (at, finding) in findings {
                if let Some(sent) = out.get_mut(at) {
                    *sent = answer.as_ref().map_err(Clone::clone).and_then(|a| taken(a, text(finding, "Id")));
                }
            }
        }
        out
    }
}

/// A message's finding, where it is one of Yagura's own.
fn own(message: &Message) -> Result<&Json, Refused> {
    let no = || Refused::for_good("there is no finding in Security Hub's format to send");
    let finding = message.notices.first().and_then(|n| n.asff.as_ref()).ok_or_else(no)?;
    let ours = text(finding, "Id").starts_with("yagura/") && text(finding, "ProductArn").ends_with("/default");
    if ours { Ok(finding) } else { Err(Refused::for_good("it is not a finding of Yagura's own")) }
}

fn text<'j>(finding: &'j Json, name: &str) -> &'j str {
    finding.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn taken(answer: &Json, id: &str) -> Sent {
    let failed = answer.get("FailedFindings").and_then(Json::as_array).into_iter().flatten();
    match failed.into_iter().find(|f| text(f, "Id") == id) {
        None => Ok(()),
        Some(f) => {
            let why = format!("{}: {}", text(f, "ErrorCode"), text(f, "ErrorMessage"));
            let passing = matches!(text(f, "ErrorCode"), "InternalError" | "Throttling" | "ThrottlingException");
            Err(if passing { Refused::for_now(why) } else { Refused::for_good(why) })
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests {
    use super::*;
    use crate::channel::tests_of_messages::hostile;

    #[test]
    fn others_findings_are_not_touched() {
        let mut message = hostile(1);
        assert!(!own(&message).unwrap_err().again);
        let of = |id: &str, product: &str| json!({"Id": id, "ProductArn": product});
        let arn = "arn:aws:securityhub:us-east-1:111122223333:product/111122223333/default";
        for (finding, ours) in [
            (of("yagura/x", arn), true),
            (of("arn:aws:securityhub:us-east-1:1:finding/x", arn), false),
            (of("yagura/x", "arn:aws:securityhub:us-east-1::product/aws/guardduty"), false),
        ] {
            message.notices.first_mut().unwrap().asff = Some(finding.clone());
            assert_eq!(own(&message).is_ok(), ours, "{finding}");
        }
    }
}
