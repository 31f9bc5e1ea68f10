//! Policies read once for many questions: an index from actions to statements, resources and conditions tried on hits.

use crate::condition::{self, ArnPattern, Condition};
use crate::document::{self, Effect, Policy, Principal, Version};
use crate::pattern::Glob;
use crate::template::{Lookup, Reading, Resolved, Template};
use crate::tri::Tri;
use smol_str::SmolStr;
use std::sync::OnceLock;

/// A policy ready to be asked.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// What a person knows it by: a policy's name, ARN or file.
    pub name: SmolStr,
    /// The document.
    pub policy: Policy,
    /// Each is read when it is first hit.
    statements: Box<[OnceLock<Statement>]>,
    /// Statements in groups of 64, each with its own index, so that a set of statements is one word. Made when the
    /// policy is first asked about a service that it names.
    chunks: OnceLock<Vec<Index>>,
    /// One bit for each service that an action names, by its hash; all bits where an action names none.
    services: u64,
}

/// A statement with its parts read.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Allow or Deny.
    pub effect: Effect,
    /// The `Principal` element.
    pub principals: Option<document::Element<Principal>>,
    not_actions: Option<Vec<Glob>>,
    resources: Resources,
    /// Its conditions.
    pub conditions: Vec<Condition>,
}

#[derive(Debug, Clone)]
enum Resources {
    Every,
    Listed { negated: bool, patterns: Vec<Resource> },
}

#[derive(Debug, Clone)]
enum Resource {
    /// No wildcard or variable before the sixth part, so that the text as a whole can be matched.
    Whole(Glob),
    Parts(ArnPattern),
    Variables(Template),
}

/// From actions to statements, as bits.
#[derive(Debug, Clone, Default)]
struct Index {
    /// Actions written out, sorted by hash.
    exact: Vec<Exact>,
    /// Patterns within a service, by the service's hash.
    by_service: Vec<(u64, Glob, u64)>,
    /// Patterns whose service is one too.
    other: Vec<(Glob, u64)>,
    /// Statements with `NotAction`.
    negated: u64,
    /// Statements with the action `*`.
    every: u64,
}

/// An action written out, where it stands and the statement that names it.
#[derive(Debug, Clone, Copy)]
struct Exact {
    hash: u64,
    statement: u32,
    item: u32,
    bit: u64,
}

/// An action of a request, hashed once.
#[derive(Debug, Clone)]
pub struct ActionKey {
    lower: SmolStr,
    hash: u64,
    service: u64,
}

/// A resource of a request, split once.
#[derive(Debug, Clone, Copy)]
pub struct ResourceKey<'a> {
    /// As the request gives it.
    pub text: &'a str,
    parts: Option<[&'a str; 6]>,
}

impl ActionKey {
    /// Reads `service:Action` in any case.
    pub fn new(action: &str) -> Self {
        let lower: SmolStr = action.chars().map(|c| c.to_ascii_lowercase()).collect();
        let service = lower.split_once(':').map_or("", |(service, _)| service);
        Self { hash: hash(&lower), service: hash(service), lower }
    }

    /// The action in lower case.
    pub fn text(&self) -> &str {
        &self.lower
    }
}

impl<'a> ResourceKey<'a> {
    /// Splits an ARN.
    pub fn new(text: &'a str) -> Self {
        Self { text, parts: condition::parts(text) }
    }

    /// The account in the ARN, where it names one.
    pub fn account(&self) -> Option<&'a str> {
        self.parts.map(|[.., account, _]| account).filter(|a| !a.is_empty())
    }

    /// The service in the ARN.
    pub fn service(&self) -> Option<&'a str> {
        self.parts.map(|[_, _, service, ..]| service)
    }

    /// What follows the fifth colon.
    pub fn id(&self) -> Option<&'a str> {
        self.parts.map(|[.., id]| id)
    }
}

impl Compiled {
    /// Reads a policy for questions. A policy without a name is `policy`.
    pub fn new(name: impl Into<SmolStr>, policy: Policy) -> Self {
        let statements = policy.statements.iter().map(|_| OnceLock::new()).collect();
        let services = policy.statements.iter().fold(0, |all, s| all | services(s));
        Self { name: name.into(), policy, statements, chunks: OnceLock::new(), services }
    }

    /// Whether no statement can speak of the action, told without a look at any.
    pub fn is_silent_on(&self, action: &ActionKey) -> bool {
        self.services & bit(action.service) == 0
    }

    /// Every statement that covers the action, with its place in the policy.
    pub fn on<'p>(&'p self, action: &'p ActionKey) -> impl Iterator<Item = (usize, &'p Statement)> {
        let chunks: &[Index] = if self.is_silent_on(action) { &[] } else { self.index() };
        chunks.iter().enumerate().flat_map(move |(n, index)| {
            let hits = index.hits(action, &self.policy);
            Bits(hits | index.negated).filter_map(move |i| {
                let place = n * 64 + i;
                let statement = self.statement(place)?;
                let spared = (hits >> i) & 1 == 0
                    && statement.not_actions.as_ref().is_some_and(|n| n.iter().any(|g| g.matches(&action.lower)));
                (!spared).then_some((place, statement))
            })
        })
    }

    fn index(&self) -> &[Index] {
        self.chunks.get_or_init(|| self.policy.statements.chunks(64).map(Index::new).collect())
    }

    /// The statement at a place.
    pub fn statement(&self, place: usize) -> Option<&Statement> {
        let (written, slot) = (self.policy.statements.get(place)?, self.statements.get(place)?);
        Some(slot.get_or_init(|| Statement::new(written, self.policy.version)))
    }

    /// The statements in their order.
    pub fn statements(&self) -> impl Iterator<Item = &Statement> {
        (0..self.statements.len()).filter_map(|place| self.statement(place))
    }
}

/// The services that a statement may speak of, as bits.
fn services(statement: &document::Statement) -> u64 {
    if statement.actions.negated {
        return u64::MAX;
    }
    statement.actions.items.iter().fold(0, |all, action| all | named_service(action).map_or(u64::MAX, |s| bit(hash(s))))
}

/// The service that an action names, where no wildcard stands in its place.
fn named_service(action: &str) -> Option<&str> {
    action.split_once(':').map(|(service, _)| service).filter(|s| !is_wild(s))
}

fn is_wild(text: &str) -> bool {
    text.bytes().any(|b| b == b'*' || b == b'?')
}

impl Index {
    /// Reads up to 64 statements.
    fn new(statements: &[document::Statement]) -> Self {
        let mut index = Self::default();
        for (i, statement) in statements.iter().enumerate() {
            let this = 1_u64 << i;
            if statement.actions.negated {
                index.negated |= this;
                continue;
            }
            for (item, action) in statement.actions.items.iter().enumerate() {
                index.add(action, this, (statement.index, item));
            }
        }
        index.exact.sort_unstable_by_key(|e| e.hash);
        index
    }

    fn add(&mut self, action: &str, statement: u64, (of, item): (usize, usize)) {
        match named_service(action) {
            _ if action.bytes().all(|b| b == b'*') && !action.is_empty() => self.every |= statement,
            Some(service) if is_wild(action) => {
                self.by_service.push((hash(service), Glob::ignoring_case(action), statement));
            }
            Some(_) => {
                let place = |n| u32::try_from(n).unwrap_or(u32::MAX);
                let exact = Exact { hash: hash(action), statement: place(of), item: place(item), bit: statement };
                self.exact.push(exact);
            }
            None => self.other.push((Glob::ignoring_case(action), statement)),
        }
    }

    fn hits(&self, action: &ActionKey, policy: &Policy) -> u64 {
        let mut bits = self.every;
        let first = self.exact.partition_point(|e| e.hash < action.hash);
        for exact in self.exact.iter().skip(first).take_while(|e| e.hash == action.hash) {
            let statement = policy.statements.get(exact.statement as usize);
            let written = statement.and_then(|s| s.actions.items.get(exact.item as usize));
            if written.is_some_and(|w| w.eq_ignore_ascii_case(&action.lower)) {
                bits |= exact.bit;
            }
        }
        let of_service = self.by_service.iter().filter(|(service, ..)| *service == action.service);
        for (glob, statements) in of_service.map(|(_, g, s)| (g, s)).chain(self.other.iter().map(|(g, s)| (g, s))) {
            if bits & statements != *statements && glob.matches(&action.lower) {
                bits |= statements;
            }
        }
        bits
    }
}

impl Statement {
    fn new(statement: &document::Statement, version: Version) -> Self {
        let not_actions =
            statement.actions.negated.then(|| statement.actions.items.iter().map(|a| Glob::ignoring_case(a)).collect());
        Self {
            effect: statement.effect,
            principals: statement.principals.clone(),
            not_actions,
            resources: Resources::new(statement.resources.as_ref(), version),
            conditions: statement.conditions.iter().map(|c| Condition::new(c, version)).collect(),
        }
    }

    /// The keys that its resources name as variables, in lower case.
    pub fn variables(&self) -> impl Iterator<Item = &SmolStr> {
        self.templates().flat_map(Template::variables)
    }

    /// Its resources that may name variables; an ARN's parts each apart.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        let patterns: &[Resource] = match &self.resources {
            Resources::Every => &[],
            Resources::Listed { patterns, .. } => patterns,
        };
        patterns.iter().flat_map(|p| -> &[Template] {
            match p {
                Resource::Whole(_) => &[],
                Resource::Parts(arn) => arn.parts(),
                Resource::Variables(one) => std::slice::from_ref(one),
            }
        })
    }

    /// Whether its `Resource` or `NotResource` takes in a resource of a request.
    /// A variable without value or default keeps the element from matching in either form.
    pub fn covers<'v>(&self, resource: ResourceKey<'_>, lookup: &dyn Fn(&str) -> Lookup<'v>) -> Tri {
        let Resources::Listed { negated, patterns } = &self.resources else { return Tri::True };
        let mut covered = Tri::False;
        for pattern in patterns {
            match pattern.matches(resource, lookup) {
                Some(Tri::True) => return (!negated).into(),
                Some(matched) => covered = covered.or(matched),
                None if *negated => return Tri::False,
                None => {}
            }
        }
        if !negated {
            return covered;
        }
        // Were an open variable absent, the element would not match.
        let hangs = covered.is_false() && self.variables().any(|key| lookup(key) == Lookup::Open);
        if hangs { Tri::Unknown } else { !covered }
    }
}

impl Resources {
    fn new(element: Option<&document::Element<SmolStr>>, version: Version) -> Self {
        let Some(element) = element else { return Self::Every };
        if !element.negated && element.items.iter().any(|r| r == "*") {
            return Self::Every;
        }
        let patterns = element.items.iter().map(|r| Resource::new(r, version)).collect();
        Self::Listed { negated: element.negated, patterns }
    }
}

impl Resource {
    fn new(text: &str, version: Version) -> Self {
        let variables = version == Version::V2012 && text.contains("${");
        let reading = Reading { version, wildcards: true, ignore_case: false };
        let head = text.splitn(6, ':').take(5).map(str::len).sum::<usize>() + 5;
        let wild_head = text.get(..head).is_some_and(|h| h.contains(['*', '?', '$']));
        match ArnPattern::new(text, version) {
            Some(parts) if wild_head || variables => Self::Parts(parts),
            None if variables => Self::Variables(Template::new(text, reading)),
            _ => Self::Whole(Glob::new(text)),
        }
    }

    fn matches<'v>(&self, resource: ResourceKey<'_>, lookup: &dyn Fn(&str) -> Lookup<'v>) -> Option<Tri> {
        match self {
            Self::Whole(glob) => Some(glob.matches(resource.text).into()),
            Self::Parts(pattern) => match &resource.parts {
                Some(parts) => pattern.matches(parts, lookup),
                None => Some(Tri::False),
            },
            Self::Variables(template) => match template.resolve(lookup) {
                Resolved::Pattern(glob) => Some(glob.matches(resource.text).into()),
                Resolved::Nothing => None,
                Resolved::Open => Some(Tri::Unknown),
            },
        }
    }
}

struct Bits(u64);

impl Iterator for Bits {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let i = self.0.trailing_zeros();
        if i == 64 {
            return None;
        }
        self.0 &= self.0 - 1;
        Some(i as usize)
    }
}

fn bit(hash: u64) -> u64 {
    1 << (hash >> 58)
}

/// FNV-1a over the lower case, with a final mix: short keys, no adversary (a collision costs time, not a wrong answer).
fn hash(text: &str) -> u64 {
    let mut h = 0xcbf2_9ce4_8422_2325_u64;
    for b in text.bytes() {
        h = (h ^ u64::from(b.to_ascii_lowercase())).wrapping_mul(0x0100_0000_01b3);
    }
    (h ^ (h >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
