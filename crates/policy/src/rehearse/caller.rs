//! Who made a recorded call, as policies see it (CloudTrail User Guide, `cloudtrail-event-reference-user-identity`).

use crate::least::Record;
use serde_json::Value;
use smol_str::{SmolStr, format_smolstr};

/// What kind of caller a record names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The root user of an account.
    Root,
    /// An IAM user.
    User,
    /// A role's session.
    Session,
    /// A session of `GetFederationToken`.
    FederatedUser,
    /// An AWS service in its own name.
    Service,
    /// Somebody of another account, whose ARN that account's log has.
    OtherAccount,
    /// No IAM principal: an identity of a SAML or OIDC provider before it has a session, an anonymous request.
    Outsider,
    /// The record does not tell.
    Untold,
}

/// Who called.
#[derive(Debug, Clone)]
pub struct Who<'r> {
    /// What it is.
    pub kind: Kind,
    /// `userIdentity`.
    pub identity: Option<&'r Value>,
    /// The user's or root's ARN; for a session its role's, with the path where the record has it: `aws:PrincipalArn`.
    pub arn: Option<SmolStr>,
    /// Its account.
    pub account: Option<&'r str>,
}

impl<'r> Who<'r> {
    /// Reads a record's caller.
    pub fn of(record: Record<'r>) -> Self {
        let identity = record.0.get("userIdentity").filter(|i| i.is_object());
        let text = |key: &str| identity.and_then(|i| i.get(key)?.as_str()).filter(|t| !t.is_empty());
        let issuer = |key: &str| identity.and_then(|i| i.pointer("/sessionContext/sessionIssuer")?.get(key)?.as_str());
        let arn = text("arn");
        let kind = match text("type") {
            Some("Root") => Kind::Root,
            Some("IAMUser") => Kind::User,
            Some("AssumedRole" | "Role") => Kind::Session,
            Some("FederatedUser") => Kind::FederatedUser,
            Some("AWSService") => Kind::Service,
            Some("AWSAccount")
                if text("accountId").is_some_and(|a| a != "anonymous" && !a.starts_with("ANONYMOUS")) =>
            {
                Kind::OtherAccount
            }
            Some("AWSAccount" | "SAMLUser" | "WebIdentityUser" | "Unknown" | "Directory" | "IdentityCenterUser") => {
                Kind::Outsider
            }
            _ => Kind::Untold,
        };
        let account = text("accountId").or_else(|| issuer("accountId")).or_else(|| arn?.split(':').nth(4));
        let account = account.filter(|a| !a.is_empty() && kind != Kind::Outsider);
        let arn = match kind {
            Kind::Session => issuer("arn").map(SmolStr::new),
            Kind::Root => arn.map(SmolStr::new).or_else(|| account.map(|a| format_smolstr!("arn:aws:iam::{a}:root"))),
            Kind::User | Kind::FederatedUser => arn.map(SmolStr::new),
            _ => None,
        };
        Self { kind, identity, arn, account }
    }

    /// A text of `userIdentity`.
    pub fn text(&self, key: &str) -> Option<&'r str> {
        self.identity.and_then(|i| i.get(key)?.as_str()).filter(|t| !t.is_empty())
    }

    /// An attribute of the session: `mfaAuthenticated`, `creationDate`.
    pub fn attribute(&self, key: &str) -> Option<&'r str> {
        self.identity.and_then(|i| i.pointer("/sessionContext/attributes")?.get(key)?.as_str())
    }

    /// Whether it called with long-term credentials of a user or root: their access key begins with `AKIA`
    /// (IAM User Guide, `reference_identifiers`), and there is no session.
    pub fn is_long_term(&self) -> bool {
        let session = self.identity.is_some_and(|i| i.get("sessionContext").is_some());
        matches!(self.kind, Kind::User | Kind::Root)
            && !session
            && self.text("accessKeyId").is_none_or(|k| k.starts_with("AKIA"))
    }

    /// Whether it is a session of a service-linked role. Their paths are `/aws-service-role/`, and nobody may take that
    /// path for another role (IAM User Guide, `using-service-linked-roles`).
    pub fn is_service_linked(&self) -> bool {
        let by_path = self.arn.as_ref().is_some_and(|a| a.contains(":role/aws-service-role/"));
        let by_name = || self.text("arn").is_some_and(|a| a.contains(":assumed-role/AWSServiceRoleFor"));
        self.kind == Kind::Session && (by_path || by_name())
    }

    /// What a person knows it by: an ARN, a service, an account.
    pub fn name(&self) -> SmolStr {
        let told = self.arn.clone().or_else(|| self.text("arn").map(SmolStr::new));
        let told = told.or_else(|| self.text("invokedBy").map(SmolStr::new));
        let told =
            told.or_else(|| self.account.map(SmolStr::new)).or_else(|| self.text("principalId").map(SmolStr::new));
        told.unwrap_or_else(|| SmolStr::new_static("-"))
    }

    /// Whether a person means this caller: by the ARN of the user, role or session, or by the user's or role's name.
    pub fn is_meant(&self, wanted: &str) -> bool {
        let arn = self.arn.as_deref();
        let by_name = || !wanted.contains(':') && arn.is_some_and(|a| a.rsplit('/').next() == Some(wanted));
        arn == Some(wanted) || self.text("arn") == Some(wanted) || by_name()
    }
}
