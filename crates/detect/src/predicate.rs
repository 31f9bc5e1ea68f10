//! What a rule asks of one record. Built from an expression once; tried without allocation where nothing needs unescaping.
//!
//! A field that is missing has no value, and no test holds of it: `event.a == "x"` is false, `event.a != "x"` and `!(event.a == "x")` are
//! true, `has(event.a)` tells. A field with several values (lists) passes a test when one of them does.

use crate::event::{Event, Field, OF_NAME, OF_SESSION};
use crate::intel::{Category, Lists};
use crate::share::{Cells, Memo, Scope};
use crate::sigma;
use foldhash::HashSet;
use regex::Regex;
use std::net::IpAddr;
use std::sync::Arc;
use yagura_logs::json::{Kind, Raw};
use yagura_model::IpRange;

/// A condition.
#[derive(Debug, Clone)]
pub enum Predicate {
    /// Always so, or never.
    Always(bool),
    /// Each of them.
    All(Vec<Predicate>),
    /// One of them.
    Any(Vec<Predicate>),
    /// Not so.
    Not(Box<Predicate>),
    /// A field has a value that passes.
    Test(Field, Test),
    /// Two fields share a value.
    Same(Field, Field),
    /// A list has an element of which all of this holds together.
    Exists(Field, Box<Predicate>),
    /// A field has at least so many values.
    Count(Field, Order, f64),
    /// The caller is shown as an AWS service, whoever it acts for.
    ByService,
    /// The caller is a person in whose name a service calls.
    ForPerson,
    /// A Sigma rule fires.
    Sigma(Arc<sigma::Rule>),
    /// One that other rules have, too: known by its number once it was tried on a record.
    Shared(usize, Box<Predicate>),
    /// An EventBridge pattern matches the event as EventBridge delivers it.
    Pattern(Arc<crate::pattern::Rules>),
}

/// How numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Order {
    /// Whether `a` stands so to `b`.
    pub fn holds(self, a: f64, b: f64) -> bool {
        match self {
            Self::Less => a < b,
            Self::AtMost => a <= b,
            Self::Greater => a > b,
            Self::AtLeast => a >= b,
        }
    }
}

/// What is asked of one value.
#[derive(Debug, Clone)]
pub enum Test {
    /// It is there and is not empty.
    Present,
    /// It is `true`, as JSON or text.
    True,
    /// It is one of these.
    Is(HashSet<String>, Case),
    /// It begins with one of these.
    Begins(Vec<String>, Case),
    /// It ends with one of these.
    Ends(Vec<String>, Case),
    /// One of these stands in it; objects and lists are searched as their text.
    Holds(Vec<String>, Case),
    /// It matches.
    Matches(Box<Regex>),
    /// It is a number that stands so.
    Number(Order, f64),
    /// It is an address in one of these ranges.
    Within(Vec<IpRange>),
    /// It is an address of the internet.
    PublicAddress,
    /// It is an address or domain that a threat list of this category names, and no allow list.
    Listed(Category),
    /// It is a policy document that lets in anybody.
    PublicPolicy,
    /// It is a policy document that allows everything on everything.
    AdminPolicy,
    /// It names an account that is neither the record's nor the user's: 12 digits, an ARN, or a policy document that allows such a principal.
    OtherAccount,
}

/// Whether capitals count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Case {
    /// They do.
    Exact,
    /// They do not (ASCII); the texts are in small letters.
    Any,
}

/// What predicates are tried with, besides the record.
#[derive(Clone, Copy)]
pub struct Against<'l> {
    /// The threat lists.
    pub lists: &'l Lists,
    /// What is known of the record already.
    pub memo: &'l Memo,
    /// What is known of its session.
    pub session: Option<&'l Cells>,
}

impl Predicate {
    /// Whether it holds of a record.
    pub fn holds(&self, event: &Event<'_, '_>, against: Against<'_>) -> bool {
        self.on(event, None, against)
    }

    /// Whether it can hold of any record, given these lists: no where it asks for what they have nothing of.
    pub fn possible(&self, lists: &Lists) -> bool {
        match self {
            Self::Always(answer) => *answer,
            Self::All(all) => all.iter().all(|p| p.possible(lists)),
            Self::Any(any) => any.iter().any(|p| p.possible(lists)),
            Self::Test(_, Test::Listed(category)) => lists.lists(*category),
            Self::Shared(_, p) | Self::Exists(_, p) => p.possible(lists),
            _ => true,
        }
    }

    /// What it answers for every record of CloudTrail that has this one's session and name, where that is certain. `against` must hold
    /// the session.
    pub fn certain(&self, event: &Event<'_, '_>, against: Against<'_>) -> Option<bool> {
        match self {
            Self::Always(answer) => Some(*answer),
            Self::All(parts) => one_decides(parts, false, event, against),
            Self::Any(parts) => one_decides(parts, true, event, against),
            Self::Not(p) => p.certain(event, against).map(|answer| !answer),
            Self::Shared(number, p) => match (against.memo.scope(*number), &**p) {
                (Scope::Session | Scope::Named, _) => Some(self.on(event, None, against)),
                // Of a session it is known whether the rule may fire at all.
                (Scope::Record, Self::Sigma(rule)) => {
                    let by_session = || crate::foreign::may_fire_by(rule, event, &[&OF_SESSION]);
                    let may = against.session.map_or_else(by_session, |cells| cells.get(*number, by_session))
                        && crate::foreign::may_fire_by(rule, event, &[&OF_SESSION, &OF_NAME]);
                    (!may).then_some(false)
                }
                (Scope::Record, p) => p.certain(event, against),
            },
            _ => None,
        }
    }

    fn on(&self, event: &Event<'_, '_>, item: Option<Raw<'_>>, against: Against<'_>) -> bool {
        match self {
            Self::Always(answer) => *answer,
            Self::All(all) => all.iter().all(|p| p.on(event, item, against)),
            Self::Any(any) => any.iter().any(|p| p.on(event, item, against)),
            Self::Not(p) => !p.on(event, item, against),
            Self::Test(field, Test::OtherAccount) => {
                let Some(own) = event.envelope.account.as_deref() else { return false };
                event.any(field, item, &mut |raw| {
                    raw.as_text().is_some_and(|t| names_other_account(&t, own, against.lists))
                })
            }
            Self::Test(field, test) => event.any(field, item, &mut |raw| test.passes(raw, against)),
            Self::Same(a, b) => event.any(a, item, &mut |x| {
                let Some(x) = x.as_text() else { return false };
                event.any(b, item, &mut |y| y.as_text().is_some_and(|y| y == x))
            }),
            Self::Exists(field, p) => event.any(field, item, &mut |raw| p.on(event, Some(raw), against)),
            Self::Count(field, order, bound) => {
                let mut count = 0u32;
                event.any(field, item, &mut |_| {
                    count += 1;
                    false
                });
                order.holds(f64::from(count), *bound)
            }
            Self::ByService => by_service(event),
            Self::ForPerson => for_person(event),
            Self::Shared(number, p) => against.memo.get(*number, against.session, || p.on(event, item, against)),
            Self::Pattern(rules) => {
                crate::foreign::delivered(event).is_some_and(|e| rules.matched(&e).is_ok_and(|m| !m.is_empty()))
            }
            Self::Sigma(rule) => {
                // What is left to try on a record of a session was asked about the session and the name before.
                let may = match against.session {
                    Some(_) => crate::foreign::may_fire_besides(rule, event, &[&OF_SESSION, &OF_NAME]),
                    None => crate::foreign::may_fire(rule, event),
                };
                may && crate::foreign::with_fields(event, |fields| rule.fires(fields))
            }
        }
    }
}

/// What several conditions answer together, where one of them is enough to make it `decisive`.
fn one_decides(parts: &[Predicate], decisive: bool, event: &Event<'_, '_>, against: Against<'_>) -> Option<bool> {
    let mut all_known = true;
    for part in parts {
        match part.certain(event, against) {
            Some(answer) if answer == decisive => return Some(decisive),
            Some(_) => {}
            None => all_known = false,
        }
    }
    all_known.then_some(!decisive)
}

/// AWS services call in their own name (`userIdentity.type` `AWSService`), or with a role of the account, which `invokedBy` and the
/// source address then tell: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html>
/// `AWS Internal` as the source alone does not: what a person does in the console may come from there, then without `invokedBy`.
fn by_service(event: &Event<'_, '_>) -> bool {
    use yagura_logs::envelope::Role;
    // The caller chooses the names of users and sessions, which end an ARN; a service's name is one word with dots.
    let of_aws = |t: &str| t.ends_with(".amazonaws.com") && !t.contains(['/', ':', '@']);
    let source = event.role(Role::SourceIp);
    if source.as_deref() == Some("AWS Internal") {
        return event.record.text_at("useridentity", &["invokedBy"]).is_some()
            || event.record.text_at("useridentity", &["type"]).is_some_and(|t| t == "AWSService");
    }
    // Without an ARN the actor may be a user's name or a principal's id, which end as their makers liked: only `invokedBy` tells a service.
    let service = || match event.record.table.source.name {
        "cloudtrail" if event.record.text_at("useridentity", &["arn"]).is_some() => None,
        "cloudtrail" => event.record.text_at("useridentity", &["invokedBy"]),
        _ => event.role(Role::Actor),
    };
    source.is_some_and(|t| of_aws(&t)) || service().is_some_and(|t| of_aws(&t) || t == "AWS Internal")
}

/// What a service does in a person's forward access session is shown with the person as the caller and `invokedBy` the service:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html> A role's session is a person's where it says so
/// itself: a service's role looks the same otherwise.
fn for_person(event: &Event<'_, '_>) -> bool {
    let r = event.record;
    let user = |path: &[&str]| r.text_at("useridentity", path);
    if r.table.source.name != "cloudtrail" || user(&["invokedBy"]).is_none() {
        return false;
    }
    match user(&["type"]).as_deref() {
        Some("IAMUser" | "FederatedUser" | "IdentityCenterUser") => true,
        Some("AssumedRole") => {
            let issuer = user(&["sessionContext", "sessionIssuer", "arn"]);
            let source = user(&["sessionContext", "sourceIdentity"]);
            let mfa = user(&["sessionContext", "attributes", "mfaAuthenticated"]);
            issuer.is_some_and(|i| i.contains("/AWSReservedSSO_"))
                || source.is_some_and(|s| !s.is_empty())
                || mfa.is_some_and(|m| m == "true")
        }
        _ => false,
    }
}

/// Whether a text lets in an account that is neither the record's nor one of the user's: an account's number, an ARN, or a policy document
/// with such a principal in a statement that allows. Denials let nobody in, and whose resources are named is not who is let in.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>
fn names_other_account(text: &str, own: &str, lists: &Lists) -> bool {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return is_other_account(text, own, lists);
    }
    let Ok(document) = serde_json::from_str::<serde_json::Value>(text) else { return false };
    let statements = document.get("Statement").unwrap_or(&document);
    let other = |principal: &serde_json::Value| principal.as_str().is_some_and(|p| is_other_account(p, own, lists));
    each_of(statements).any(|statement| {
        let allows = statement.get("Effect").and_then(serde_json::Value::as_str) == Some("Allow");
        let principal = statement.get("Principal").map(|p| p.get("AWS").unwrap_or(p));
        allows && principal.is_some_and(|p| each_of(p).any(other)) || other(statement)
    })
}

/// One value, or each of a list's.
fn each_of(value: &serde_json::Value) -> impl Iterator<Item = &serde_json::Value> {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice).iter()
}

fn is_other_account(text: &str, own: &str, lists: &Lists) -> bool {
    let account = match text.strip_prefix("arn:") {
        Some(arn) => arn.split(':').nth(3).unwrap_or_default(),
        None => text,
    };
    is_account(account) && account != own && !lists.owns(account)
}

/// Whether it is an account's number.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

impl Test {
    fn passes(&self, raw: Raw<'_>, against: Against<'_>) -> bool {
        let whole = matches!(raw.kind, Kind::Object | Kind::Array);
        if whole
            && !matches!(
                self,
                Self::Present | Self::Holds(..) | Self::Matches(_) | Self::PublicPolicy | Self::AdminPolicy
            )
        {
            return false;
        }
        let Some(text) = raw.as_text() else { return false };
        let text = text.as_ref();
        match self {
            Self::Present => !text.is_empty(),
            Self::True => text.eq_ignore_ascii_case("true"),
            Self::Is(these, Case::Exact) => these.contains(text),
            Self::Is(these, Case::Any) => these.contains(text.to_ascii_lowercase().as_str()),
            Self::Begins(these, case) => these.iter().any(|t| begins(text, t, *case)),
            Self::Ends(these, case) => these.iter().any(|t| ends(text, t, *case)),
            Self::Holds(these, case) => these.iter().any(|t| holds(text, t, *case)),
            Self::Matches(regex) => regex.is_match(text),
            Self::Number(order, bound) => text.parse().is_ok_and(|n: f64| order.holds(n, *bound)),
            Self::Within(ranges) => text.parse::<IpAddr>().is_ok_and(|ip| ranges.iter().any(|r| r.contains(ip))),
            Self::PublicAddress => IpRange::parse(text).is_some_and(|r| !r.is_internal()),
            Self::Listed(category) => against.lists.has(text, *category),
            Self::PublicPolicy => yagura_rule::policy::is_public(text, "arn:aws:any:::*").unwrap_or(false),
            Self::AdminPolicy => yagura_rule::policy::is_admin(text).unwrap_or(false),
            Self::OtherAccount => false,
        }
    }
}

fn begins(text: &str, with: &str, case: Case) -> bool {
    match case {
        Case::Exact => text.starts_with(with),
        Case::Any => text.as_bytes().get(..with.len()).is_some_and(|t| t.eq_ignore_ascii_case(with.as_bytes())),
    }
}

fn ends(text: &str, with: &str, case: Case) -> bool {
    match case {
        Case::Exact => text.ends_with(with),
        Case::Any => {
            let from = text.len().checked_sub(with.len());
            from.and_then(|f| text.as_bytes().get(f..)).is_some_and(|t| t.eq_ignore_ascii_case(with.as_bytes()))
        }
    }
}

fn holds(text: &str, part: &str, case: Case) -> bool {
    match case {
        Case::Exact => memchr::memmem::find(text.as_bytes(), part.as_bytes()).is_some(),
        Case::Any => {
            let Some(first) = part.bytes().next() else { return true };
            let (text, last) = (text.as_bytes(), text.len().checked_sub(part.len()));
            let starts = text.get(..last.map_or(0, |l| l + 1)).unwrap_or_default();
            let same =
                |at: usize| text.get(at..at + part.len()).is_some_and(|t| t.eq_ignore_ascii_case(part.as_bytes()));
            memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), starts).any(same)
        }
    }
}
