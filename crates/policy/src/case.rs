//! A request with all its layers as one JSON object: a line of `yagura iam eval --batch`, a case of `yagura iam test`.

use crate::catalogue::Catalogue;
use crate::compile::Compiled;
use crate::document::{Policy, Problem};
use crate::evaluate::{
    AclGrant, AclGrantee, Answer, Because, Decision, Held, Layers, Mode, ObjectOwnership, PublicAccessBlock,
    S3Settings, explain, explain_literally,
};
use crate::json::{self, Json, Member, Node};
use crate::kms::Grant;
use crate::pattern::Glob;
use crate::request::{Caller, Context, Request};
use crate::tri::Tri;
use serde_json::{Map, Value, json};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;
use yagura_model::nearest;

/// A case read from JSON. The field names are those of the batch contract.
#[derive(Debug, Clone, Default)]
pub struct Case {
    /// The request.
    pub request: Option<Request>,
    identity: Vec<Arc<Compiled>>,
    boundary: Vec<Arc<Compiled>>,
    session: Vec<Arc<Compiled>>,
    scp: Vec<Vec<Arc<Compiled>>>,
    rcp: Vec<Vec<Arc<Compiled>>>,
    resource: Option<Arc<Compiled>>,
    vpc_endpoint: Vec<Arc<Compiled>>,
    grants: Vec<Grant>,
    s3: Option<S3Settings>,
    /// `Some` in possible mode: patterns of the keys that are absent for certain.
    known_absent: Option<Vec<Glob>>,
}

type Read<T> = Result<T, String>;

/// The members that may be missing, so that a slip in their names would go unseen.
pub const LAYERS: [&str; 9] = [
    "identity_policies",
    "permissions_boundaries",
    "session_policies",
    "service_control_policies",
    "resource_control_policies",
    "resource_policy",
    "vpc_endpoint_policies",
    "kms_grants",
    "known_context",
];

fn no_slip(key: &str, names: &[&'static str]) -> Read<()> {
    match nearest(key, names.iter().copied()) {
        Some(near) => Err(format!("no field `{key}`; did you mean `{near}`?")),
        None => Ok(()),
    }
}

impl Case {
    /// Reads a case. Members that are not of the contract, such as a name, say nothing; one that looks like a slip of a
    /// layer's name is an error, for that layer would be left out.
    ///
    /// # Errors
    /// Says which field cannot be read and why.
    pub fn from_node(node: &Node<'_>) -> Read<Self> {
        let members = node.members().ok_or("expected a JSON object")?;
        let mut case = Self::default();
        let mut known = Vec::new();
        let mut possible = false;
        for Member { key, value, .. } in members {
            match &**key {
                "request" => case.request = Some(request(value)?),
                "identity_policies" => case.identity = policies(value, "identity_policies")?,
                "permissions_boundaries" => case.boundary = policies(value, "permissions_boundaries")?,
                "session_policies" => case.session = policies(value, "session_policies")?,
                "service_control_policies" => case.scp = levels(value, "service_control_policies")?,
                "resource_control_policies" => case.rcp = levels(value, "resource_control_policies")?,
                "resource_policy" if value.value == Json::Null => {}
                "resource_policy" => case.resource = Some(policy(value, "resource_policy")?),
                "vpc_endpoint_policies" => case.vpc_endpoint = policies(value, "vpc_endpoint_policies")?,
                "kms_grants" => case.grants = list(value, "kms_grants", grant)?,
                "s3" if value.value == Json::Null => {}
                "s3" => case.s3 = Some(s3(value)?),
                "mode" => possible = mode(value)?,
                "known_context" => known = list(value, "known_context", text)?,
                key => no_slip(key, &LAYERS)?,
            }
        }
        case.known_absent = possible.then(|| known.iter().map(|k| Glob::ignoring_case(k)).collect());
        Ok(case)
    }

    /// Decides. The catalogue tells which actions name no resource and which services RCPs apply to.
    ///
    /// # Errors
    /// Where the case has no request.
    pub fn answer(&self, catalogue: &Catalogue) -> Read<Answer> {
        let request = self.request.as_ref().ok_or("`request` is missing")?;
        let layers = Layers {
            identity: &self.identity,
            boundary: &self.boundary,
            session: &self.session,
            scp: &self.scp,
            rcp: if catalogue.supports_rcps(service(&request.action)) { &self.rcp } else { &[] },
            resource: self.resource.as_ref(),
            vpc_endpoint: &self.vpc_endpoint,
            grants: &self.grants,
            s3: self.s3.as_ref(),
        };
        let mode = self.known_absent.as_deref().map_or(Mode::Strict, Mode::Possible);
        if request.resource == "*" && catalogue.names_no_resource(&request.action) {
            return Ok(explain_literally(request, &layers, mode));
        }
        Ok(explain(request, &layers, mode))
    }
}

/// The service prefix of an action.
fn service(action: &str) -> &str {
    action.split(':').next().unwrap_or_default()
}

impl Answer {
    /// The answer as JSON: `decision`, `blocked_by`, `because`, and in possible mode `conditions`.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert("decision".into(), self.decision.name().into());
        out.insert("blocked_by".into(), self.blocked_by.iter().map(|l| Value::from(l.name())).collect());
        out.insert("because".into(), self.because.iter().map(Because::to_json).collect());
        if let Some(conditional) = &self.conditional {
            let values = |v: &Vec<SmolStr>| Value::from_iter(v.iter().map(SmolStr::as_str));
            let example: Map<String, Value> =
                conditional.example.iter().map(|(k, v)| (k.to_string(), values(v))).collect();
            out.insert("conditions".into(), self.conditions().collect());
            out.insert("example_context".into(), example.into());
            if conditional.unproven {
                out.insert("unproven".into(), true.into());
            }
        }
        if let Some(resource) = &self.resource {
            out.insert("resource".into(), resource.as_str().into());
        }
        out
    }

    /// The open conditions that the permission hangs on: those of Allow statements must hold, of Deny statements not.
    fn conditions(&self) -> impl Iterator<Item = Value> + '_ {
        let open = self.because.iter().filter(|b| matches!(b.role, crate::evaluate::Role::Depends));
        open.flat_map(|b| {
            b.conditions.iter().map(move |c| {
                json!({
                    "layer": b.layer.name(), "policy": b.policy.as_str(), "statement": b.statement,
                    "operator": c.operator, "key": c.key.as_str(),
                    "values": c.wanted.iter().map(SmolStr::as_str).collect::<Vec<_>>(),
                    "holds": c.holds == Tri::True,
                })
            })
        })
    }
}

impl Because {
    fn to_json(&self) -> Value {
        let mut out = Map::new();
        out.insert("layer".into(), self.layer.name().into());
        if let Some(level) = self.level {
            out.insert("level".into(), level.into());
        }
        out.insert("reason".into(), self.role.name().into());
        if let Some(statement) = self.statement {
            out.insert("policy".into(), self.policy.as_str().into());
            out.insert("statement".into(), statement.into());
        }
        if let Some(sid) = &self.sid {
            out.insert("sid".into(), sid.as_str().into());
        }
        if !self.conditions.is_empty() {
            out.insert("conditions".into(), self.conditions.iter().map(Held::to_json).collect());
        }
        Value::Object(out)
    }
}

impl Held {
    fn to_json(&self) -> Value {
        let list = |v: &[SmolStr]| Value::from_iter(v.iter().map(SmolStr::as_str));
        json!({
            "operator": self.operator, "key": self.key.as_str(), "values": list(&self.wanted),
            "found": self.found.as_deref().map(list),
            "holds": match self.holds { Tri::True => Value::Bool(true), Tri::False => Value::Bool(false), Tri::Unknown => Value::Null },
        })
    }
}

impl Decision {
    /// Reads the word for a decision; `denied` is not one, for it does not say how.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Allowed, Self::ExplicitlyDenied, Self::ImplicitlyDenied].into_iter().find(|d| d.name() == text)
    }
}

/// Reads a request object.
///
/// # Errors
/// Says which field cannot be read and why.
pub fn request(node: &Node<'_>) -> Read<Request> {
    let members = node.members().ok_or("`request` must be an object")?;
    let (mut principal, mut action, mut resource, mut account) = (None, None, None, None);
    let mut keys = Context::default();
    for Member { key, value, .. } in members {
        match &**key {
            "principal" => principal = Some(caller(value)?),
            "action" => action = Some(named(value, "action")?),
            "resource" => resource = Some(named(value, "resource")?),
            "resource_account" if value.value == Json::Null => {}
            "resource_account" => account = Some(scalar(value).map_err(|e| format!("`resource_account`: {e}"))?),
            "context" => keys = context(value)?,
            key => no_slip(key, &["resource_account", "context"])?,
        }
    }
    let action = action.ok_or("`request.action` is missing")?;
    if !action.contains(':') {
        return Err(format!("`{action}` is not an action: expected `service:Action`"));
    }
    Ok(Request {
        principal: principal.ok_or("`request.principal` is missing")?,
        action,
        resource: resource.ok_or("`request.resource` is missing")?,
        resource_account: account,
        context: keys,
    })
}

fn caller(node: &Node<'_>) -> Read<Caller> {
    const WANTED: &str = "expected an ARN, `{\"anonymous\": true}`, `{\"service\": …}` or `{\"federated\": …}`";
    if let Some(arn) = node.as_str() {
        return Ok(if arn == "*" { Caller::Anonymous } else { Caller::Aws(arn.into()) });
    }
    let known = |m: &&Member<'_>| {
        matches!(&*m.key, "service" | "federated" | "AWS")
            || (m.key == "anonymous" && m.value.value == Json::Bool(true))
    };
    let mut kinds = node.members().unwrap_or_default().iter().filter(known);
    let (Some(Member { key, value, .. }), None) = (kinds.next(), kinds.next()) else {
        return Err(format!("`principal`: {WANTED}"));
    };
    match &**key {
        "service" => named(value, "principal.service").map(Caller::Service),
        "federated" => named(value, "principal.federated").map(Caller::Federated),
        "AWS" => named(value, "principal.AWS").map(Caller::Aws),
        _ => Ok(Caller::Anonymous),
    }
}

fn context(node: &Node<'_>) -> Read<Context> {
    let mut context = Context::default();
    if node.value == Json::Null {
        return Ok(context);
    }
    for Member { key, value, .. } in node.members().ok_or("`context` must be an object")? {
        context.set(key, list(value, &format!("context.{key}"), scalar)?);
    }
    Ok(context)
}

fn scalar(node: &Node<'_>) -> Read<SmolStr> {
    match &node.value {
        Json::String(s) => Ok(SmolStr::new(s)),
        Json::Bool(b) => Ok(SmolStr::new(b.to_string())),
        Json::Number(n) => Ok(SmolStr::new(n)),
        _ => Err(format!("expected a string, found {}", node.kind())),
    }
}

fn text(node: &Node<'_>) -> Read<SmolStr> {
    node.as_str().map(SmolStr::new).ok_or_else(|| format!("expected a string, found {}", node.kind()))
}

fn named(node: &Node<'_>, name: &str) -> Read<SmolStr> {
    text(node).map_err(|e| format!("`{name}`: {e}"))
}

fn mode(node: &Node<'_>) -> Read<bool> {
    match node.as_str() {
        None if node.value == Json::Null => Ok(false),
        Some("strict") => Ok(false),
        Some("possible") => Ok(true),
        _ => Err("`mode`: expected `strict` or `possible`".to_owned()),
    }
}

fn list<T>(node: &Node<'_>, name: &str, read: impl Fn(&Node<'_>) -> Read<T>) -> Read<Vec<T>> {
    if node.value == Json::Null {
        return Ok(Vec::new());
    }
    let items = node.items().iter().enumerate();
    items.map(|(i, item)| read(item).map_err(|e| format!("`{name}[{i}]`: {e}"))).collect()
}

fn levels(node: &Node<'_>, name: &str) -> Read<Vec<Vec<Arc<Compiled>>>> {
    if node.value == Json::Null {
        return Ok(Vec::new());
    }
    let Json::Array(items) = &node.value else { return Err(format!("`{name}`: expected a list of levels")) };
    let level = |(i, item): (usize, &Node<'_>)| match item.value {
        Json::Array(_) => policies(item, &format!("{name}[{i}]")),
        _ => Err(format!("`{name}[{i}]`: expected a list of policies")),
    };
    items.iter().enumerate().map(level).collect()
}

fn policies(node: &Node<'_>, name: &str) -> Read<Vec<Arc<Compiled>>> {
    if node.value == Json::Null {
        return Ok(Vec::new());
    }
    node.items().iter().enumerate().map(|(i, item)| policy(item, &format!("{name}[{i}]"))).collect()
}

/// A policy as an object, as JSON text, or as `{"name": …, "policy": …}`.
fn policy(node: &Node<'_>, name: &str) -> Read<Arc<Compiled>> {
    let problems = |p: Vec<Problem>| format!("`{name}`: {}", p.first().map(ToString::to_string).unwrap_or_default());
    if let Some(text) = node.as_str() {
        return Policy::parse(text).map(|p| Arc::new(Compiled::new(name, p))).map_err(problems);
    }
    let member = |wanted: &str| node.members().and_then(|m| m.iter().find(|m| m.key == wanted));
    if let (Some(inner), Some(own)) = (member("policy"), member("name").and_then(|m| m.value.as_str())) {
        return policy(&inner.value, own);
    }
    Policy::from_node(node).map(|p| Arc::new(Compiled::new(name, p))).map_err(problems)
}

/// A grant as `kms:ListGrants` answers it.
fn grant(node: &Node<'_>) -> Read<Grant> {
    let mut grant = Grant::default();
    for Member { key, value, .. } in node.members().ok_or("expected an object")? {
        match &**key {
            "GranteePrincipal" => grant.grantee = text(value)?,
            "Operations" => grant.operations = list(value, "Operations", text)?,
            "Constraints" => {
                for Member { key, value, .. } in value.members().ok_or("`Constraints` must be an object")? {
                    match &**key {
                        "EncryptionContextSubset" => grant.context_subset = pairs(value)?,
                        "EncryptionContextEquals" => grant.context_equals = Some(pairs(value)?),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    Ok(grant)
}

fn pairs(node: &Node<'_>) -> Read<BTreeMap<SmolStr, SmolStr>> {
    let members = node.members().ok_or("an encryption context must be an object")?;
    members.iter().map(|m| text(&m.value).map(|v| (SmolStr::new(&m.key), v))).collect()
}

/// `{"PublicAccessBlock": {…}, "Grants": […], "ObjectOwnership": …}`, as the S3 API names them.
fn s3(node: &Node<'_>) -> Read<S3Settings> {
    let mut settings = S3Settings::default();
    for Member { key, value, .. } in node.members().ok_or("`s3` must be an object")? {
        match &**key {
            "PublicAccessBlock" => settings.public_access_block = switches(value)?,
            "Grants" => settings.acl = list(value, "Grants", acl_grant)?,
            "ObjectOwnership" => {
                settings.ownership = match value.as_str() {
                    Some("BucketOwnerEnforced") => ObjectOwnership::BucketOwnerEnforced,
                    Some("BucketOwnerPreferred") => ObjectOwnership::BucketOwnerPreferred,
                    Some("ObjectWriter") => ObjectOwnership::ObjectWriter,
                    _ => return Err("`ObjectOwnership` is not one of S3's".to_owned()),
                }
            }
            key => return Err(format!("no field `{key}` in `s3`")),
        }
    }
    Ok(settings)
}

fn switches(node: &Node<'_>) -> Read<PublicAccessBlock> {
    let mut block = PublicAccessBlock::default();
    for Member { key, value, .. } in node.members().ok_or("`PublicAccessBlock` must be an object")? {
        let Json::Bool(on) = value.value else { return Err(format!("`{key}`: expected true or false")) };
        match &**key {
            "BlockPublicAcls" => block.block_public_acls = on,
            "IgnorePublicAcls" => block.ignore_public_acls = on,
            "BlockPublicPolicy" => block.block_public_policy = on,
            "RestrictPublicBuckets" => block.restrict_public_buckets = on,
            key => return Err(format!("no switch `{key}` in `PublicAccessBlock`")),
        }
    }
    Ok(block)
}

fn acl_grant(node: &Node<'_>) -> Read<AclGrant> {
    let find = |node: &Node<'_>, wanted: &str| -> Option<SmolStr> {
        let found = node.members()?.iter().find(|m| m.key == wanted)?;
        found.value.as_str().map(SmolStr::new)
    };
    let grantee = node.members().and_then(|m| m.iter().find(|m| m.key == "Grantee")).map(|m| &m.value);
    let grantee = grantee.ok_or("`Grantee` is missing")?;
    let who = match (find(grantee, "URI").as_deref(), find(grantee, "ID")) {
        (Some(uri), _) if uri.ends_with("/AllUsers") => AclGrantee::AllUsers,
        (Some(uri), _) if uri.ends_with("/AuthenticatedUsers") => AclGrantee::AuthenticatedUsers,
        (_, Some(id)) => AclGrantee::Account(id),
        _ => AclGrantee::Account(SmolStr::default()),
    };
    Ok(AclGrant { grantee: who, permission: find(node, "Permission").ok_or("`Permission` is missing")? })
}

/// Reads a line of JSON for a case.
///
/// # Errors
/// Says where the line is not JSON.
pub fn parse_line(line: &str) -> Read<Node<'_>> {
    json::parse(line).map_err(|e| format!("not JSON at column {}: {}", e.span.start + 1, e.message))
}
