//! A guardrail held against calls that CloudTrail recorded: which of them it would have denied, and of which nobody can tell.
//!
//! A record does not hold everything that AWS decided on: tags of principals and resources, ARNs of what a call created,
//! actions that are not named like their API. Each such piece is open here, and an answer that hangs on one is unknown, with
//! the piece as its reason. What a guardrail does not touch at all (the management account, service-linked roles, services
//! without RCPs) is counted by its reason.
//!
//! Organizations User Guide: `orgs_manage_policies_scps`, `orgs_manage_policies_rcps`, `orgs_manage_policies_declarative`.

pub mod caller;
pub mod declarative;
mod judge;
mod key;
pub mod limit;
mod parameter;
mod resource;
mod tag;
pub mod tally;
#[cfg(test)]
mod tests;

use crate::catalogue::Catalogue;
use crate::compile::Compiled;
use crate::least::Record;
use crate::least::action::{self, Actions};
use caller::Who;
use parameter::Parameters;
use serde_json::Value;
use smol_str::{SmolStr, format_smolstr};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What kind of policies are rehearsed, and beside what they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Service control policies. `alone`: in place of `FullAWSAccess`, not beside it, so that what they do not allow is denied.
    Scp {
        /// Without `FullAWSAccess`.
        alone: bool,
    },
    /// Resource control policies; `RCPFullAWSAccess` cannot be detached.
    Rcp,
    /// Identity policies in place of those that the principal has.
    Identity,
    /// A permissions boundary.
    Boundary,
}

impl Kind {
    /// Whether what no statement allows is denied.
    fn must_allow(self) -> bool {
        !matches!(self, Self::Scp { alone: false } | Self::Rcp)
    }
}

/// A guardrail.
#[derive(Debug, Clone)]
pub enum Guardrail {
    /// Policies, attached together.
    Policies(Policies),
    /// A declarative policy for Amazon EC2.
    Declarative(declarative::Declarative),
}

/// Policies attached together.
#[derive(Debug, Clone)]
pub struct Policies {
    kind: Kind,
    policies: Vec<Arc<Compiled>>,
    /// Every condition key that they name, in lower case.
    keys: Vec<SmolStr>,
}

impl Policies {
    /// Prepares policies.
    pub fn new(kind: Kind, policies: Vec<Arc<Compiled>>) -> Self {
        let mut keys = BTreeSet::new();
        for statement in policies.iter().flat_map(|p| p.statements()) {
            keys.extend(statement.variables().cloned());
            for condition in &statement.conditions {
                keys.insert(condition.key.clone());
                keys.extend(condition.variables().into_iter().cloned());
            }
        }
        Self { kind, policies, keys: keys.into_iter().collect() }
    }
}

/// What the logs do not tell, and the user does.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The organization's management account.
    pub management: Option<SmolStr>,
    /// The accounts that the guardrail is to be attached to; empty: all whose logs are read.
    pub accounts: BTreeSet<SmolStr>,
    /// The organization of the accounts whose logs are read: `o-exampleorgid`.
    pub org: Option<SmolStr>,
    /// Only calls of this user or role.
    pub principal: Option<String>,
}

/// What a rehearsal works with.
#[derive(Debug, Clone)]
pub struct Stage<'c> {
    catalogue: &'c Catalogue,
    /// Actions that are not named like their API: `service:operation` in lower case, and the action.
    names: HashMap<SmolStr, SmolStr>,
    scope: Scope,
}

/// One recorded call.
#[derive(Debug)]
pub struct Call<'r> {
    record: Record<'r>,
    /// Who made it.
    pub who: Who<'r>,
    /// `service:Operation`.
    pub operation: SmolStr,
    actions: Vec<Asked>,
    parameters: Parameters<'r>,
}

/// An action that a call needed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    name: SmolStr,
    doubt: Option<Doubt>,
}

/// Why it is not certain that a call needed an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// `name` is the operation's: its action is not known.
    NotKnown,
    /// One of several, by what the request holds.
    OneOf,
    /// A role stands among the parameters: passing it is asked for beside the call, and no record says so.
    PassesRole,
}

/// Why a call is not touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Untouched {
    /// Calls of (SCPs) or on (RCPs) the management account.
    Management,
    /// Calls of service-linked roles.
    ServiceLinked,
    /// Calls by AWS services and by identities that are not IAM's.
    NotOfIam,
    /// Accounts that the guardrail is not to be attached to.
    OtherAccount,
    /// Calls of other principals than the asked one.
    OtherPrincipal,
    /// The root user, whom identity policies and boundaries do not bind.
    Root,
    /// Services that do not support RCPs, AWS managed keys, and `kms:RetireGrant`.
    WithoutRcps,
    /// Calls that need no permission: `sts:GetCallerIdentity`.
    NoPermission,
}

/// What the record does not tell, so that the answer is open.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Why {
    /// The value of a condition key.
    Key(SmolStr),
    /// The resource: the pattern that it is of.
    Resource(SmolStr),
    /// Which IAM action the operation needs.
    Action,
    /// Which of its actions the request needed.
    OneOfActions,
    /// Whether the call asked for `iam:PassRole`.
    PassRole,
    /// Who called.
    Caller,
    /// Whether the caller's or the resource's account belongs to the organization.
    Account,
    /// Whether a KMS key is AWS managed.
    ManagedKey,
    /// A setting that the record and the snapshot do not hold; its name.
    Setting(SmolStr),
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// It goes on.
    Allowed,
    /// It goes on with another outcome: with other defaults.
    Changed,
    /// It hangs on what the record does not tell.
    Unknown,
    /// It is denied.
    Denied,
}

/// The answer on one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// What becomes of it.
    pub verdict: Verdict,
    /// The action that decides; the operation where none does.
    pub action: SmolStr,
    /// The resource that decides; empty where none does.
    pub resource: SmolStr,
    /// What decides: `policy:Sid`, `policy:Statement[0]`, a setting, or empty where nothing allows.
    pub by: SmolStr,
    /// Why it is unknown.
    pub why: BTreeSet<Why>,
}

/// What a guardrail does to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It does not touch the call.
    Untouched(Untouched),
    /// It does this.
    Judged(Judged),
}

impl<'c> Stage<'c> {
    /// Gets ready. `names` are actions that are not named like their API: `s3:ListObjectsV2`, `s3:ListBucket`.
    pub fn new<'n>(
        catalogue: &'c Catalogue,
        names: impl IntoIterator<Item = (&'n str, &'n str)>,
        scope: Scope,
    ) -> Self {
        let lower = |(from, to): (&str, &str)| (SmolStr::new(from.to_ascii_lowercase()), SmolStr::new(to));
        Self { catalogue, names: names.into_iter().map(lower).collect(), scope }
    }

    /// Reads a record as a call; `None` where it is none: a sign-in, an event of a service, something else than a record.
    pub fn call<'r>(&self, record: &'r Value) -> Option<Call<'r>> {
        let record = Record(record);
        let operation = record.operation()?;
        let asked = |name: SmolStr| Asked { name, doubt: None };
        let mut actions: Vec<Asked> = match action::of(self.catalogue, &record) {
            Actions::NoPermission => return None,
            Actions::Known(all) => all.into_iter().map(asked).collect(),
            Actions::Unknown => match self.renamed(&operation) {
                Some(action) => vec![asked(action)],
                None => vec![Asked { name: operation.clone(), doubt: Some(Doubt::NotKnown) }],
            },
        };
        let by_content = operation == "dynamodb:TransactWriteItems";
        for action in &mut actions {
            if by_content {
                action.doubt = Some(Doubt::OneOf);
            } else if action.name == "iam:PassRole" {
                action.doubt = Some(Doubt::PassesRole);
            }
        }
        let parameters = Parameters::new(record.0.get("requestParameters"));
        Some(Call { record, who: Who::of(record), operation, actions, parameters })
    }

    /// The action of an operation under another name.
    fn renamed(&self, operation: &str) -> Option<SmolStr> {
        if let Some(action) = self.names.get(operation.to_ascii_lowercase().as_str()) {
            return Some(action.clone());
        }
        // API Gateway is authorized by the method that an operation is called with (Service Authorization Reference,
        // `list_amazonapigatewaymanagement`).
        let name = operation.strip_prefix("apigateway:")?;
        let methods =
            [("Get", "GET"), ("Create", "POST"), ("Import", "POST"), ("Update", "PATCH"), ("Delete", "DELETE")];
        let (_, method) = methods.iter().find(|(verb, _)| name.starts_with(verb))?;
        Some(format_smolstr!("apigateway:{method}"))
    }

    /// What a guardrail does to a call.
    pub fn rehearse(&self, guardrail: &Guardrail, call: &Call<'_>) -> Told {
        match guardrail {
            Guardrail::Policies(policies) => judge::Judge { stage: self, policies, call }.told(),
            Guardrail::Declarative(policy) => self.declared(policy, call),
        }
    }

    /// Declarative policies bind every principal of an account, service-linked roles and the management account too
    /// (`orgs_manage_policies_declarative`).
    fn declared(&self, policy: &declarative::Declarative, call: &Call<'_>) -> Told {
        if self.scope.principal.as_ref().is_some_and(|wanted| !call.who.is_meant(wanted)) {
            return Told::Untouched(Untouched::OtherPrincipal);
        }
        let account = call.record.account();
        if !self.scope.accounts.is_empty() && !self.scope.accounts.contains(account) {
            return Told::Untouched(Untouched::OtherAccount);
        }
        Told::Judged(policy.judge(call))
    }
}

impl Call<'_> {
    /// The time, as recorded.
    pub fn time(&self) -> &str {
        self.record.time().unwrap_or_default()
    }

    /// The event's id; empty where the record has none.
    pub fn event_id(&self) -> &str {
        self.record.text("eventID").unwrap_or_default()
    }

    /// The account that received the call.
    pub fn account(&self) -> &str {
        self.record.account()
    }

    /// Whether AWS refused it for want of permission; services have their own words for that
    /// (IAM User Guide, `troubleshoot_access-denied`).
    pub fn was_refused(&self) -> bool {
        let code = self.record.text("errorCode").unwrap_or_default();
        let code = code.strip_prefix("Client.").unwrap_or(code);
        self.record.is_denied()
            || code.starts_with("Unauthorized")
            || matches!(code, "AuthFailure" | "AuthorizationError" | "VpceAccessDenied")
    }

    /// Whether it ended in an error of whatever kind.
    pub fn failed(&self) -> bool {
        self.record.text("errorCode").is_some_and(|c| !c.is_empty())
    }
}

impl Judged {
    /// The call goes on.
    fn allowed(call: &Call<'_>) -> Self {
        Self {
            verdict: Verdict::Allowed,
            action: call.operation.clone(),
            resource: SmolStr::default(),
            by: SmolStr::default(),
            why: BTreeSet::new(),
        }
    }
}
