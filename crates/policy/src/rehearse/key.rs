//! The condition keys of a recorded call: what its record tells, what is absent for certain, and what stays open.
//!
//! Which key is present in which request: IAM User Guide, `reference_policies_condition-keys`. What a record holds: CloudTrail
//! User Guide, `cloudtrail-event-reference-record-contents`. A key that neither settles is open: it is never taken for absent.

use super::caller::Kind;
use super::parameter::Parameters;
use super::resource::Resource;
use super::{Call, Scope, tag};
use crate::catalogue::Found;
use smol_str::{SmolStr, format_smolstr};
use std::net::IpAddr;

/// What is known of a key: its values, none where it is absent for certain; `None` where it is open.
pub type Known = Option<Vec<SmolStr>>;

/// What keys are read from.
pub struct Source<'s, 'r> {
    /// The call.
    pub call: &'s Call<'r>,
    /// The action that is asked for; `None` where it is not known.
    pub action: Option<Found<'s>>,
    /// The resource that is asked for.
    pub resource: &'s Resource,
    /// The account that owns it.
    pub owner: Option<SmolStr>,
    /// The request's parameters.
    pub parameters: &'s Parameters<'r>,
    /// What the user told.
    pub scope: &'s Scope,
}

fn one(value: impl AsRef<str>) -> Known {
    Some(vec![SmolStr::new(value.as_ref())])
}

const ABSENT: Known = Some(Vec::new());

/// What `flag` says of a key that is there with this value, or not at all.
fn there(value: Option<&str>) -> Known {
    value.map_or(ABSENT, one)
}

impl Source<'_, '_> {
    /// What is known of a key in lower case.
    pub fn of(&self, key: &str) -> Known {
        if let Some(rest) = key.strip_prefix("aws:") {
            return self.global(rest);
        }
        match key {
            // Through which service a key is used: only where some service calls (KMS Developer Guide, `conditions-kms`).
            "kms:viaservice" if self.call.who.text("invokedBy").is_none() && self.is_iam() => ABSENT,
            "ec2:region" => self.call.record.text("awsRegion").and_then(one),
            _ => self.of_service(key),
        }
    }

    fn is_iam(&self) -> bool {
        matches!(self.call.who.kind, Kind::Root | Kind::User | Kind::Session | Kind::FederatedUser)
    }

    fn global(&self, key: &str) -> Known {
        let record = self.call.record;
        match key {
            "principalarn"
            | "principalaccount"
            | "principaltype"
            | "principalisawsservice"
            | "principalservicename"
            | "principalservicenameslist"
            | "principalorgid"
            | "username"
            | "userid"
            | "federatedprovider"
            | "sourceidentity" => self.of_principal(key),
            "sourceip" | "vpcsourceip" | "sourcevpce" | "sourcevpc" | "vpceaccount" => self.of_network(key),
            "viaawsservice" | "calledvia" | "calledviafirst" | "calledvialast" | "sourceaccount" | "sourcearn"
            | "sourceorgid" | "sourceorgpaths" => self.of_service_calls(key),
            "multifactorauthpresent" | "multifactorauthage" | "tokenissuetime" => self.of_session(key),
            "requestedregion" => record.text("awsRegion").and_then(one),
            // CloudTrail puts the name of a service in the agent's place where the service called.
            "useragent" => record.text("userAgent").filter(|a| !is_of_aws(a)).and_then(one),
            "securetransport" => record.0.pointer("/tlsDetails/tlsVersion").and_then(|_| one("true")),
            "currenttime" => record.time().and_then(one),
            "epochtime" => {
                let time: jiff::Timestamp = record.time()?.parse().ok()?;
                one(format_smolstr!("{}", time.as_second()))
            }
            "resourceaccount" => self.owner.as_deref().and_then(one),
            // What AWS Organizations knows of the owner follows where both accounts are one.
            "resourceorgid" => {
                let own = self.owner.as_deref().is_some_and(|o| o == record.account());
                self.scope.org.as_deref().filter(|_| own).and_then(one)
            }
            _ => match key.split_once('/') {
                Some(("requesttag", name)) => self.request_tags()?.map_or(ABSENT, |tags| {
                    let mut hit = tags.iter().filter(|(k, _)| k.eq_ignore_ascii_case(name));
                    there(hit.next().map(|(_, v)| v.as_str()))
                }),
                None if key == "tagkeys" => {
                    let tags = self.request_tags()?;
                    Some(tags.map_or_else(Vec::new, |t| t.into_iter().map(|(k, _)| k).collect()))
                }
                _ => None,
            },
        }
    }

    fn of_principal(&self, key: &str) -> Known {
        let who = &self.call.who;
        if who.kind == Kind::Service {
            return match key {
                "principalisawsservice" => one("true"),
                "principalservicename" => who.text("invokedBy").filter(|s| s.ends_with(".amazonaws.com")).and_then(one),
                "principalservicenameslist" => None,
                _ => ABSENT,
            };
        }
        let is_iam = self.is_iam();
        match key {
            "principalarn" => who.arn.as_deref().and_then(one),
            "principalaccount" => who.account.and_then(one),
            "principaltype" => match who.kind {
                Kind::Root => one("Account"),
                Kind::User => one("User"),
                Kind::Session => one("AssumedRole"),
                Kind::FederatedUser => one("FederatedUser"),
                _ => None,
            },
            "principalisawsservice" if is_iam || who.kind == Kind::OtherAccount => one("false"),
            "principalservicename" | "principalservicenameslist" if is_iam => ABSENT,
            "principalorgid" => {
                let own = who.account.is_some_and(|a| a == self.call.record.account());
                self.scope.org.as_deref().filter(|_| own).and_then(one)
            }
            "username" => match who.kind {
                Kind::User => who.arn.as_deref().and_then(|a| a.rsplit('/').next()).and_then(one),
                Kind::Root | Kind::Session | Kind::FederatedUser => ABSENT,
                _ => None,
            },
            "userid" if matches!(who.kind, Kind::User | Kind::Session | Kind::Root) => {
                who.text("principalId").and_then(one)
            }
            "federatedprovider" => {
                let told =
                    who.identity.and_then(|i| i.pointer("/sessionContext/webIdFederationData/federatedProvider"));
                match told.and_then(|t| t.as_str()).filter(|t| !t.is_empty()) {
                    Some(provider) => one(provider),
                    // A session's record tells no SAML provider.
                    None if matches!(who.kind, Kind::User | Kind::Root) => ABSENT,
                    None => None,
                }
            }
            "sourceidentity" if is_iam => {
                let told = who.identity.and_then(|i| i.pointer("/sessionContext/sourceIdentity")?.as_str());
                there(told.filter(|t| !t.is_empty()))
            }
            _ => None,
        }
    }

    /// A request comes through a VPC endpoint, and then from a private address, or it does not.
    fn of_network(&self, key: &str) -> Known {
        let record = self.call.record;
        let address = record.text("sourceIPAddress").and_then(|a| a.parse::<IpAddr>().ok());
        let address_text = address.map(|a| a.to_canonical().to_string());
        if let Some(endpoint) = record.text("vpcEndpointId") {
            return match key {
                "sourceip" => ABSENT,
                "sourcevpce" => one(endpoint),
                "vpcsourceip" => address_text.and_then(one),
                "vpceaccount" => record.text("vpcEndpointAccountId").and_then(one),
                _ => None,
            };
        }
        // A private address without an endpoint says that the record leaves something out; a service's name says nothing.
        let text = address_text.filter(|_| address.is_some_and(|a| !is_private(a)))?;
        if self.call.who.text("invokedBy").is_some() {
            return None;
        }
        if key == "sourceip" { one(text) } else { ABSENT }
    }

    fn of_service_calls(&self, key: &str) -> Known {
        let by_service =
            self.call.who.text("invokedBy").is_some() || self.call.record.text("sourceIPAddress").is_none_or(is_of_aws);
        if by_service || !self.is_iam() {
            return None;
        }
        if key == "viaawsservice" { one("false") } else { ABSENT }
    }

    fn of_session(&self, key: &str) -> Known {
        let who = &self.call.who;
        if who.is_long_term() {
            return ABSENT;
        }
        let mfa = who.attribute("mfaAuthenticated").filter(|m| matches!(*m, "true" | "false"));
        match key {
            "multifactorauthpresent" => mfa.and_then(one),
            "multifactorauthage" if mfa == Some("false") => ABSENT,
            "tokenissuetime" => who.attribute("creationDate").and_then(one),
            _ => None,
        }
    }

    /// A service's own key: a parameter of that name, where AWS lists the key for the action.
    fn of_service(&self, key: &str) -> Known {
        let found = self.action?;
        let listed = found.service.keys_of(found.action).find(|k| k.covers(key))?;
        if listed.has_placeholder() {
            return None;
        }
        let (_, name) = key.split_once(':')?;
        let mut values: Vec<SmolStr> = self.parameters.of(name).map(SmolStr::new).collect();
        values.sort_unstable();
        values.dedup();
        match values.len() {
            0 => None,
            1 => Some(values),
            _ => Some(values).filter(|_| listed.kind.multivalued),
        }
    }

    /// The tags of the request: `None` where they are open, `Some(None)` where there are none.
    #[allow(clippy::option_option, reason = "open, none, some: three different answers")]
    fn request_tags(&self) -> Option<Option<Vec<(SmolStr, SmolStr)>>> {
        if let Some(found) = self.action {
            let mut keys = found.service.keys_of(found.action);
            if !keys.any(|k| k.covers("aws:RequestTag/x") || k.name.eq_ignore_ascii_case("aws:TagKeys")) {
                return Some(None);
            }
        }
        if !self.parameters.told || self.parameters.cut {
            return None;
        }
        tag::of(self.call.record.0.get("requestParameters")?, self.resource)
    }
}

/// Names that stand for AWS in the place of an address or agent.
fn is_of_aws(text: &str) -> bool {
    text.is_empty() || text.ends_with(".amazonaws.com") || text.eq_ignore_ascii_case("AWS Internal")
}

fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            let shared = v4.octets().first() == Some(&100) && v4.octets().get(1).is_some_and(|b| (64..128).contains(b));
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || shared
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}
