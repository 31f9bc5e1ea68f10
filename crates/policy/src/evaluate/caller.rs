//! Who a caller is, which `Principal` elements name it, and the context keys that follow from it.

use crate::compile::Statement;
use crate::condition;
use crate::document::{Effect, Principal};
use crate::request::Caller;
use crate::tri::Tri;
use smol_str::SmolStr;
use std::cell::OnceCell;

/// A caller with its ARN taken apart.
#[derive(Debug, Clone)]
pub struct Identified {
    /// What kind of principal it is.
    pub kind: Kind,
    /// Its ARN, service principal or provider; empty for an anonymous caller.
    pub text: SmolStr,
    /// The account of an AWS principal.
    pub account: Option<SmolStr>,
    /// The partition of an AWS principal.
    partition: SmolStr,
    /// Condition keys (in lower case) that follow from the principal; made when first asked for.
    derived: OnceCell<Vec<(&'static str, [SmolStr; 1])>>,
}

/// The kinds of principals that AWS tells apart in evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// An unsigned request.
    Anonymous,
    /// A service principal.
    Service,
    /// A SAML or OIDC identity, before it has a session.
    Federated,
    /// The root user of an account.
    Root,
    /// An IAM user.
    User,
    /// A role, whichever its session.
    Role {
        /// Its name, without the path.
        name: SmolStr,
    },
    /// A session of a role.
    Session {
        /// The role's name.
        role: SmolStr,
    },
    /// A session of `GetFederationToken`.
    FederatedUser {
        /// The name of the session.
        name: SmolStr,
    },
    /// Any other ARN.
    Other,
}

/// How directly a `Principal` element names a caller. A grant to a session or a user by its own ARN, or to everyone, is
/// not limited by implicit denies elsewhere in the account; one to a role's ARN is limited by a boundary and session
/// policies; one to the account only lets the account's own policies decide
/// (`reference_policies_evaluation-logic_policy-eval-denyallow`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// By its own ARN, or everyone.
    pub direct: Tri,
    /// By the ARN of the role or user behind the session.
    pub limited: Tri,
    /// By its account.
    pub account: Tri,
}

impl Reach {
    const NONE: Self = Self { direct: Tri::False, limited: Tri::False, account: Tri::False };

    /// Whether it is named at all.
    pub fn any(self) -> Tri {
        self.direct.or(self.limited).or(self.account)
    }

    fn or(self, other: Self) -> Self {
        Self {
            direct: self.direct.or(other.direct),
            limited: self.limited.or(other.limited),
            account: self.account.or(other.account),
        }
    }
}

/// The keys that may follow from a principal.
const DERIVED: [&str; 8] = [
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principaltype",
    "aws:principalisawsservice",
    "aws:principalservicename",
    "aws:username",
    "aws:userid",
    "aws:federatedprovider",
];

fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

impl Identified {
    /// Takes a caller apart.
    pub fn new(caller: &Caller) -> Self {
        let plain = |kind, text: &SmolStr| Self {
            kind,
            text: text.clone(),
            account: None,
            partition: SmolStr::default(),
            derived: OnceCell::new(),
        };
        match caller {
            Caller::Anonymous => plain(Kind::Anonymous, &SmolStr::default()),
            Caller::Service(name) => plain(Kind::Service, name),
            Caller::Federated(provider) => plain(Kind::Federated, provider),
            Caller::Aws(arn) => match condition::parts(arn) {
                Some(parts) => Self::of_arn(arn, parts),
                None if is_account_id(arn) => {
                    let root = SmolStr::new(format!("arn:aws:iam::{arn}:root"));
                    condition::parts(&root).map_or_else(|| plain(Kind::Other, arn), |parts| Self::of_arn(&root, parts))
                }
                None => plain(Kind::Other, arn),
            },
        }
    }

    fn of_arn(arn: &SmolStr, [_, partition, service, _, account, id]: [&str; 6]) -> Self {
        let last = |path: &str| SmolStr::new(path.rsplit('/').next().unwrap_or_default());
        let kind = match (service, id.split_once('/')) {
            ("iam", None) if id == "root" => Kind::Root,
            ("iam", Some(("user", _))) => Kind::User,
            ("iam", Some(("role", path))) => Kind::Role { name: last(path) },
            ("sts", Some(("assumed-role", rest))) => {
                Kind::Session { role: SmolStr::new(rest.split('/').next().unwrap_or_default()) }
            }
            ("sts", Some(("federated-user", name))) => Kind::FederatedUser { name: SmolStr::new(name) },
            _ => Kind::Other,
        };
        Self {
            kind,
            text: arn.clone(),
            account: Some(SmolStr::new(account)),
            partition: SmolStr::new(partition),
            derived: OnceCell::new(),
        }
    }

    /// The keys that AWS documents as always present with this kind of principal
    /// (`reference_policies_variables`, "Principal key values"; `reference_policies_condition-keys`).
    fn derive(&self) -> Vec<(&'static str, [SmolStr; 1])> {
        let key = |name, value: &str| (name, [SmolStr::new(value)]);
        let Some(account) = &self.account else {
            return match self.kind {
                Kind::Anonymous => vec![key("aws:principaltype", "Anonymous"), key("aws:userid", "anonymous")],
                Kind::Service => {
                    vec![key("aws:principalisawsservice", "true"), key("aws:principalservicename", &self.text)]
                }
                Kind::Federated => vec![key("aws:federatedprovider", &self.text)],
                _ => Vec::new(),
            };
        };
        let mut keys = vec![key("aws:principalaccount", account), key("aws:principalisawsservice", "false")];
        match &self.kind {
            Kind::Root => keys.extend([key("aws:principaltype", "Account"), key("aws:userid", account)]),
            Kind::User => {
                let name = self.text.rsplit('/').next().unwrap_or_default();
                keys.extend([key("aws:principaltype", "User"), key("aws:username", name)]);
            }
            Kind::Role { .. } | Kind::Session { .. } => keys.push(key("aws:principaltype", "AssumedRole")),
            Kind::FederatedUser { name } => {
                let id = format!("{account}:{name}");
                keys.extend([key("aws:principaltype", "FederatedUser"), key("aws:userid", &id)]);
            }
            _ => {}
        }
        // For a session, the key holds the ARN of the role. Its path is not in the session's ARN.
        let principal = match &self.kind {
            Kind::Session { role } => SmolStr::new(format!("arn:{}:iam::{account}:role/{role}", self.partition)),
            _ => self.text.clone(),
        };
        keys.push(("aws:principalarn", [principal]));
        keys
    }

    /// What follows from the principal for a key in lower case.
    pub fn derived(&self, key: &str) -> Option<&[SmolStr]> {
        if !DERIVED.contains(&key) {
            return None;
        }
        let keys = self.derived.get_or_init(|| self.derive());
        keys.iter().find(|(name, _)| *name == key).map(|(_, value)| value.as_slice())
    }

    /// Whether it is a user, role or session of IAM, or a root user: a caller that has policies of its own.
    pub fn is_aws(&self) -> bool {
        self.account.is_some()
    }

    /// Whether it is a service-linked role, which SCPs and RCPs do not restrict.
    pub fn is_service_linked(&self) -> bool {
        match &self.kind {
            Kind::Role { .. } => self.text.contains(":role/aws-service-role/"),
            Kind::Session { role } => role.starts_with("AWSServiceRoleFor"),
            _ => false,
        }
    }

    /// How a statement's `Principal` or `NotPrincipal` names the caller. `has_boundary`: AWS documents that a Deny with
    /// `NotPrincipal` always denies a principal with a permissions boundary (`access_policies_boundaries`).
    pub fn reach(&self, statement: &Statement, has_boundary: bool, userid: Option<&str>) -> Reach {
        let Some(element) = &statement.principals else { return Reach::NONE };
        let mut reach = Reach::NONE;
        for principal in &element.items {
            reach = reach.or(self.named_by(principal, userid));
        }
        if !element.negated {
            return reach;
        }
        let entity = self.is_aws() && self.kind != Kind::Root;
        if has_boundary && entity && statement.effect == Effect::Deny {
            return Reach { direct: Tri::True, ..Reach::NONE };
        }
        Reach { direct: !reach.any(), ..Reach::NONE }
    }

    fn named_by(&self, principal: &Principal, userid: Option<&str>) -> Reach {
        let direct = |hit: bool| Reach { direct: hit.into(), ..Reach::NONE };
        match principal {
            Principal::Anyone => direct(true),
            Principal::Service(name) => direct(self.kind == Kind::Service && *name == self.text),
            // AWS's samples of custom policy checks write `"Federated": "*"` for every provider.
            Principal::Federated(provider) => {
                direct(self.kind == Kind::Federated && (*provider == self.text || provider == "*"))
            }
            Principal::CanonicalUser(_) => Reach::NONE,
            Principal::Aws(name) => self.named_by_aws(name, userid),
        }
    }

    fn named_by_aws(&self, name: &str, userid: Option<&str>) -> Reach {
        let Some(account) = &self.account else { return Reach::NONE };
        if *name == *self.text {
            // A role is not a session: what is granted to its ARN is limited.
            let is_role = matches!(self.kind, Kind::Role { .. });
            return Reach { direct: (!is_role).into(), limited: is_role.into(), account: Tri::False };
        }
        let Some([_, partition, service, _, owner, id]) = condition::parts(name) else {
            let by_account = name == account.as_str();
            if by_account && self.kind == Kind::Root {
                return Reach { direct: Tri::True, ..Reach::NONE };
            }
            return Reach { account: by_account.into(), ..self.named_by_unique_id(name, userid) };
        };
        if owner != account.as_str() || partition != self.partition.as_str() {
            return Reach::NONE;
        }
        match (&self.kind, service, id.split_once('/')) {
            (_, "iam", None) => Reach { account: (id == "root").into(), ..Reach::NONE },
            (Kind::Session { role }, "iam", Some(("role", path))) => {
                let same = path.rsplit('/').next() == Some(role.as_str());
                Reach { limited: same.into(), ..Reach::NONE }
            }
            (Kind::FederatedUser { name }, "iam", Some(("user", path))) => {
                let same = path.rsplit('/').next() == Some(name.as_str());
                Reach { limited: same.into(), ..Reach::NONE }
            }
            // Some session of the role is named: the role itself may be that session.
            (Kind::Role { name }, "sts", Some(("assumed-role", rest))) => {
                let same = rest.split('/').next() == Some(name.as_str());
                Reach { direct: if same { Tri::Unknown } else { Tri::False }, ..Reach::NONE }
            }
            _ => Reach::NONE,
        }
    }

    /// AWS puts the unique id of a principal (`AIDA…`, `AROA…`) in place of the ARN when the principal is deleted; only
    /// that same identity matches it.
    fn named_by_unique_id(&self, id: &str, userid: Option<&str>) -> Reach {
        let Some((own, session)) = userid.map(|u| u.split_once(':').map_or((u, None), |(own, s)| (own, Some(s))))
        else {
            return Reach::NONE;
        };
        let same = own == id && !id.is_empty() && id.starts_with('A');
        let is_session = session.is_some();
        Reach { direct: (same && !is_session).into(), limited: (same && is_session).into(), account: Tri::False }
    }
}
