//! The decision on a request: every layer of policies, and how AWS combines them
//! (IAM User Guide, `reference_policies_evaluation-logic` and the pages below it).

mod caller;
pub(crate) mod exceptions;
mod explain;
mod layer;
pub(crate) mod possible;
mod s3;
mod wildcard;

pub use caller::{Identified, Kind, Reach};
pub use explain::{Answer, Because, Held, Role, explain, explain_literally};
pub use layer::{Layer, LayerSet};
pub use possible::Conditional;
pub use s3::{AclGrant, AclGrantee, ObjectOwnership, PublicAccessBlock, S3Settings};

use crate::compile::{ActionKey, Compiled, ResourceKey};
use crate::document::Effect;
use crate::kms::Grant;
use crate::pattern::Glob;
use crate::request::Request;
use crate::template::Lookup;
use crate::tri::Tri;
use smol_str::SmolStr;
use std::sync::Arc;

/// The policies that may bear on a request, by layer. What is empty does not apply, unless its text says otherwise.
#[derive(Debug, Clone, Copy, Default)]
pub struct Layers<'a> {
    /// Identity-based policies of the caller, its groups' included. None: nothing is allowed by them.
    pub identity: &'a [Arc<Compiled>],
    /// The permissions boundary; empty: the caller has none.
    pub boundary: &'a [Arc<Compiled>],
    /// Session policies; empty: none were passed.
    pub session: &'a [Arc<Compiled>],
    /// Service control policies, level by level from the root to the account. No level: none apply. A level without
    /// policies allows nothing.
    pub scp: &'a [Vec<Arc<Compiled>>],
    /// Resource control policies, level by level; every level holds `RCPFullAWSAccess` besides what is given.
    pub rcp: &'a [Vec<Arc<Compiled>>],
    /// The resource's own policy: for a role its trust policy, for a key its key policy. `None`: it has none, or it is
    /// not known.
    pub resource: Option<&'a Arc<Compiled>>,
    /// The policies of the VPC endpoint that the request goes through; empty: it goes through none.
    pub vpc_endpoint: &'a [Arc<Compiled>],
    /// Grants of a KMS key.
    pub grants: &'a [Grant],
    /// What else decides on a bucket.
    pub s3: Option<&'a S3Settings>,
}

/// How to take context keys that the request does not speak of.
#[derive(Debug, Clone, Copy, Default)]
pub enum Mode<'a> {
    /// They are absent.
    #[default]
    Strict,
    /// They may have any value or be absent, but for those that match one of these patterns, which are absent.
    Possible(&'a [Glob]),
}

/// What AWS answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// Something allows it and nothing denies it.
    Allowed,
    /// A Deny statement applies.
    ExplicitlyDenied,
    /// Some layer that must allow it does not.
    ImplicitlyDenied,
}

impl Decision {
    /// The word for it in output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ExplicitlyDenied => "explicitly_denied",
            Self::ImplicitlyDenied => "implicitly_denied",
        }
    }
}

/// A decision and the layers that block: each alone would have been enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The decision.
    pub decision: Decision,
    /// The layers that deny, or do not allow where they must.
    pub blocked_by: LayerSet,
}

/// Decides on a request. A resource with `*` or `?` asks whether some resource that matches it is allowed.
pub fn decide(request: &Request, layers: &Layers<'_>, mode: Mode<'_>) -> Verdict {
    possible::decide(request, layers, mode).verdict
}

/// Decides on the resource as it is written, for actions that name no resource and are asked with `*`.
pub fn decide_literally(request: &Request, layers: &Layers<'_>, mode: Mode<'_>) -> Verdict {
    possible::decide_one(&Asked::new(request), layers, mode).verdict
}

/// A request prepared for evaluation.
#[derive(Debug, Clone)]
pub(crate) struct Asked<'r> {
    pub(crate) request: &'r Request,
    pub(crate) action: ActionKey,
    pub(crate) resource: ResourceKey<'r>,
    pub(crate) caller: Identified,
}

impl<'r> Asked<'r> {
    pub(crate) fn new(request: &'r Request) -> Self {
        Self {
            request,
            action: ActionKey::new(&request.action),
            resource: ResourceKey::new(&request.resource),
            caller: Identified::new(&request.principal),
        }
    }

    /// What the request says of a key in lower case: its context first, then what follows from the principal.
    pub(crate) fn lookup(&self, key: &str) -> Option<&[SmolStr]> {
        self.request.context.get(key).or_else(|| self.caller.derived(key))
    }

    /// The key's value in strict mode.
    pub(crate) fn strict(&self, key: &str) -> Lookup<'_> {
        match self.lookup(key) {
            None | Some([]) => Lookup::Absent,
            Some(values) => Lookup::Values(values),
        }
    }

    /// Whether caller and resource are of one account. A resource whose account nothing tells is taken to be the
    /// caller's, as are those that AWS owns.
    fn is_same_account(&self) -> bool {
        let owner = self.request.resource_account.as_deref().or(self.resource.account());
        owner.is_none_or(|owner| owner == "aws" || Some(owner) == self.caller.account.as_deref())
    }
}

/// What every layer says, before the decision.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Judgement {
    /// Whether the request is allowed.
    pub(crate) allowed: Tri,
    /// Whether some Deny statement applies.
    pub(crate) denied: Tri,
    /// Whether every layer that has to allow does, Deny statements left out of account.
    pub(crate) granted: Tri,
    /// Which layers block, for certain.
    pub(crate) blocks: LayerSet,
}

impl Judgement {
    pub(crate) fn verdict(self) -> Verdict {
        let decision = match (self.allowed, self.denied) {
            (Tri::True, _) => Decision::Allowed,
            (_, Tri::True) => Decision::ExplicitlyDenied,
            _ => Decision::ImplicitlyDenied,
        };
        let blocked_by = if decision == Decision::Allowed { LayerSet::default() } else { self.blocks };
        Verdict { decision, blocked_by }
    }
}

pub(crate) type Find<'l, 'v> = &'l dyn Fn(&str) -> Lookup<'v>;

/// What a layer's statements say: whether one allows, whether one denies.
#[derive(Debug, Clone, Copy)]
struct Said {
    allow: Tri,
    deny: Tri,
}

/// What a resource policy's statements say, by how directly they name the caller.
#[derive(Debug, Clone, Copy)]
struct SaidOf {
    allow: Reach,
    deny: Tri,
}

/// Judges one concrete request.
pub(crate) fn judge<'v>(asked: &Asked<'_>, layers: &Layers<'_>, find: Find<'_, 'v>) -> Judgement {
    if exceptions::always_allowed(asked) {
        return Judgement { allowed: Tri::True, denied: Tri::False, granted: Tri::True, blocks: LayerSet::default() };
    }
    let caller = &asked.caller;
    let mut resource = resource_layer(asked, layers, find);
    if exceptions::root_keeps_resource_policy(asked) {
        resource.deny = Tri::False;
    }
    let mut blocks = LayerSet::default();
    let mut denied = resource.deny;
    let mut granted = core(asked, layers, find, resource, &mut blocks, &mut denied);
    let mut guard = |layer: Layer, said: Said| {
        denied = denied.or(said.deny);
        granted = granted.and(said.allow);
        blocks.set(layer, said.allow.and(!said.deny).is_false());
    };
    if !caller.is_service_linked() {
        if caller.is_aws() {
            guard(Layer::Scp, levels(asked, layers.scp, find, false));
        }
        guard(Layer::Rcp, levels(asked, layers.rcp, find, true));
    }
    if !layers.vpc_endpoint.is_empty() {
        guard(Layer::VpcEndpoint, endpoint_layer(asked, layers.vpc_endpoint, find));
    }
    if !granted.is_false() && s3::public_access_is_restricted(asked, layers) {
        blocks.set(Layer::BlockPublicAccess, true);
        granted = Tri::False;
    }
    blocks.set(Layer::Resource, resource.deny.is_true());
    Judgement { allowed: granted.and(!denied), denied, granted, blocks }
}

/// Identity, boundary, session and resource policies: who has to allow.
fn core<'v>(
    asked: &Asked<'_>,
    layers: &Layers<'_>,
    find: Find<'_, 'v>,
    resource: SaidOf,
    blocks: &mut LayerSet,
    denied: &mut Tri,
) -> Tri {
    let given = resource.allow;
    if !asked.caller.is_aws() {
        blocks.set(Layer::Resource, given.any().is_false());
        return given.any();
    }
    let is_root = asked.caller.kind == Kind::Root;
    let mut identity = statements(asked, layers.identity, find);
    if is_root {
        identity.allow = Tri::True;
    }
    let limit = |policies: &[Arc<Compiled>]| {
        if policies.is_empty() || is_root {
            return Said { allow: Tri::True, deny: Tri::False };
        }
        statements(asked, policies, find)
    };
    let (boundary, session) = (limit(layers.boundary), limit(layers.session));
    for (layer, said) in [(Layer::Identity, identity), (Layer::Boundary, boundary), (Layer::Session, session)] {
        *denied = denied.or(said.deny);
        blocks.set(layer, said.deny.is_true());
    }
    let same = asked.is_same_account();
    // Within the account, the caller's own policies are enough unless the resource keeps the last word.
    let trusted = if same && !exceptions::resource_decides(asked, layers) { Tri::True } else { given.any() };
    let limits = boundary.allow.and(session.allow);
    let direct = if same { given.direct } else { Tri::False };
    let by_role = if same { given.limited } else { Tri::False };
    let unlimited = identity.allow.and(trusted).or(by_role);
    if direct.is_false() {
        blocks.set(Layer::Boundary, boundary.allow.is_false());
        blocks.set(Layer::Session, session.allow.is_false());
    }
    if direct.or(unlimited).is_false() {
        blocks.set(Layer::Resource, trusted.is_false());
        blocks.set(Layer::Identity, identity.allow.is_false() && (!same || !trusted.is_false()));
    }
    direct.or(unlimited.and(limits))
}

/// What a set of policies without principals says.
fn statements<'v>(asked: &Asked<'_>, policies: &[Arc<Compiled>], find: Find<'_, 'v>) -> Said {
    let mut said = Said { allow: Tri::False, deny: Tri::False };
    for policy in policies {
        for (_, statement) in policy.on(&asked.action) {
            let slot = match statement.effect {
                Effect::Allow => &mut said.allow,
                Effect::Deny => &mut said.deny,
            };
            if *slot != Tri::True {
                *slot = slot.or(applies(asked, statement, find));
            }
        }
        if said.deny.is_true() {
            break;
        }
    }
    said
}

/// Whether a statement that covers the action covers the resource and its conditions hold.
fn applies<'v>(asked: &Asked<'_>, statement: &crate::compile::Statement, find: Find<'_, 'v>) -> Tri {
    let mut all = exceptions::covers(asked, statement, find);
    for condition in &statement.conditions {
        if all.is_false() {
            break;
        }
        all = all.and(condition.holds(find));
    }
    all
}

/// Every level has to allow; any may deny.
fn levels<'v>(asked: &Asked<'_>, levels: &[Vec<Arc<Compiled>>], find: Find<'_, 'v>, always_full: bool) -> Said {
    let mut all = Said { allow: Tri::True, deny: Tri::False };
    for level in levels {
        let said = statements(asked, level, find);
        all.allow = if always_full { Tri::True } else { all.allow.and(said.allow) };
        all.deny = all.deny.or(said.deny);
    }
    all
}

fn resource_layer<'v>(asked: &Asked<'_>, layers: &Layers<'_>, find: Find<'_, 'v>) -> SaidOf {
    let mut said = layers.resource.map_or(SaidOf::NONE, |policy| said_of(asked, policy, layers, find));
    let extra = crate::kms::granted(asked, layers.grants).or(s3::granted_by_acl(asked, layers));
    said.allow.direct = said.allow.direct.or(extra);
    said
}

impl SaidOf {
    const NONE: Self =
        Self { allow: Reach { direct: Tri::False, limited: Tri::False, account: Tri::False }, deny: Tri::False };
}

/// What one policy with principals says.
fn said_of<'v>(asked: &Asked<'_>, policy: &Compiled, layers: &Layers<'_>, find: Find<'_, 'v>) -> SaidOf {
    let mut said = SaidOf::NONE;
    let userid = asked.lookup("aws:userid").and_then(|v| v.first()).map(SmolStr::as_str);
    for (_, statement) in policy.on(&asked.action) {
        let reach = asked.caller.reach(statement, !layers.boundary.is_empty(), userid);
        let reach = strictly(reach, find);
        if reach.any().is_false() {
            continue;
        }
        let applies = applies(asked, statement, find);
        match statement.effect {
            Effect::Deny => said.deny = said.deny.or(applies.and(reach.any())),
            Effect::Allow => {
                said.allow = Reach {
                    direct: said.allow.direct.or(applies.and(reach.direct)),
                    limited: said.allow.limited.or(applies.and(reach.limited)),
                    account: said.allow.account.or(applies.and(reach.account)),
                }
            }
        }
    }
    said
}

/// Whether a role may be the named session of it depends on what else is open: where every key is settled, it is not.
fn strictly<'v>(reach: Reach, find: Find<'_, 'v>) -> Reach {
    let settled = !matches!(find(SESSION_NAME), Lookup::Open);
    let settle = |t: Tri| if settled && t == Tri::Unknown { Tri::False } else { t };
    Reach { direct: settle(reach.direct), limited: settle(reach.limited), account: settle(reach.account) }
}

/// Stands for "the session's name is not known": no key of AWS's has this name.
pub(crate) const SESSION_NAME: &str = "yagura:session-name";

/// An endpoint policy says what may pass; a statement without a principal speaks of everyone.
fn endpoint_layer<'v>(asked: &Asked<'_>, policies: &[Arc<Compiled>], find: Find<'_, 'v>) -> Said {
    let mut said = Said { allow: Tri::False, deny: Tri::False };
    for policy in policies {
        for (_, statement) in policy.on(&asked.action) {
            let named = match &statement.principals {
                None => Tri::True,
                Some(_) => strictly(asked.caller.reach(statement, false, None), find).any(),
            };
            let applies = named.and(applies(asked, statement, find));
            match statement.effect {
                Effect::Allow => said.allow = said.allow.or(applies),
                Effect::Deny => said.deny = said.deny.or(applies),
            }
        }
    }
    said
}
