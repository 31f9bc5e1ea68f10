//! Who calls: the `Principal` elements together with the condition keys that follow from the caller.

use super::key::Found;
use super::test::{Strings, Test};
use crate::document::{Element, Principal};
use crate::language::{self, Pattern, StringSet};
use crate::request::Caller;
use smol_str::SmolStr;

/// Something asked of the caller.
#[derive(Debug)]
pub(super) enum Asked {
    /// To be among the principals of an element.
    Principals(Element<Principal>),
    /// A condition on a key that follows from the caller.
    Key(Derived, Test),
}

/// Keys whose values follow from who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Derived {
    Arn,
    Account,
    Type,
    IsService,
    ServiceName,
}

impl Derived {
    pub(super) fn of(key: &str) -> Option<Self> {
        Some(match key {
            "aws:principalarn" => Self::Arn,
            "aws:principalaccount" => Self::Account,
            "aws:principaltype" => Self::Type,
            "aws:principalisawsservice" => Self::IsService,
            "aws:principalservicename" => Self::ServiceName,
            _ => return None,
        })
    }
}

/// Which callers there are to think of.
#[derive(Debug, Clone, Default)]
pub struct Callers {
    /// Those that policies name.
    pub named: Vec<Caller>,
    /// Whether there may be others than users and roles.
    pub everyone: bool,
    /// Accounts that make likely examples, the likeliest first.
    pub accounts: Vec<SmolStr>,
}

/// The value of a key for one caller.
pub(super) fn derive(caller: &Caller, key: Derived) -> Option<SmolStr> {
    let aws = match caller {
        Caller::Aws(arn) => Some(arn),
        _ => None,
    };
    match key {
        Derived::Arn => aws.map(|arn| principal_arn(arn)),
        Derived::Account => aws.and_then(|arn| account(arn)).map(SmolStr::new),
        Derived::Type => match caller {
            Caller::Anonymous => Some(SmolStr::new_static("Anonymous")),
            Caller::Aws(arn) => kind(arn).map(SmolStr::new_static),
            Caller::Service(_) | Caller::Federated(_) => None,
        },
        Derived::IsService => match caller {
            Caller::Service(_) => Some(SmolStr::new_static("true")),
            Caller::Aws(_) => Some(SmolStr::new_static("false")),
            Caller::Anonymous | Caller::Federated(_) => None,
        },
        Derived::ServiceName => match caller {
            Caller::Service(name) => Some(name.clone()),
            _ => None,
        },
    }
}

/// `aws:PrincipalArn`: of a role session, the role.
fn principal_arn(arn: &str) -> SmolStr {
    role_of_session(arn).map_or_else(|| SmolStr::new(arn), SmolStr::from)
}

fn role_of_session(arn: &str) -> Option<String> {
    let (head, rest) = arn.split_once(":assumed-role/")?;
    let (partition, account) = head.strip_prefix("arn:")?.split_once(":sts::")?;
    let (role, _) = rest.split_once('/')?;
    Some(format!("arn:{partition}:iam::{account}:role/{role}"))
}

/// The account of an ARN.
pub(super) fn account(arn: &str) -> Option<&str> {
    arn.split(':').nth(4).filter(|account| !account.is_empty())
}

fn kind(arn: &str) -> Option<&'static str> {
    let id = arn.splitn(6, ':').nth(5)?;
    Some(match id.split('/').next()? {
        "user" => "User",
        "role" | "assumed-role" => "AssumedRole",
        "federated-user" => "FederatedUser",
        "root" => "Account",
        _ => return None,
    })
}

/// An `AWS` principal that stands for a whole account: the account, and the partition where it says one.
fn whole_account(principal: &str) -> Option<(Option<&str>, &str)> {
    if is_account(principal) {
        return Some((None, principal));
    }
    let mut parts = principal.strip_suffix(":root")?.splitn(5, ':');
    match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("arn"), Some(partition), Some("iam"), Some(""), Some(account)) => Some((Some(partition), account)),
        _ => None,
    }
}

/// Whether a text is an account id.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a caller is one of these principals, as [`crate::evaluate::Identified::reach`] has it.
pub(super) fn is_among(caller: &Caller, element: &Element<Principal>) -> bool {
    let any = element.items.iter().any(|principal| match (principal, caller) {
        (Principal::Anyone, _) => true,
        (Principal::Aws(named), Caller::Aws(arn)) => match whole_account(named) {
            Some((partition, whole)) => {
                account(arn) == Some(whole) && partition.is_none_or(|p| arn.split(':').nth(1) == Some(p))
            }
            None => named == arn || role_of_session(arn).is_some_and(|role| is_same_role(named, &role)),
        },
        (Principal::Service(named), Caller::Service(name)) => named == name,
        (Principal::Federated(named), Caller::Federated(provider)) => named == provider || named == "*",
        _ => false,
    });
    any != element.negated
}

/// Whether an ARN names this role, whose path its session does not tell.
fn is_same_role(named: &str, role: &str) -> bool {
    match (named.split_once(":role/"), role.split_once(":role/")) {
        (Some((owner, path)), Some((same, name))) => owner == same && path.rsplit('/').next() == Some(name),
        _ => false,
    }
}

impl Asked {
    pub(super) fn holds(&self, caller: &Caller) -> bool {
        match self {
            Self::Principals(element) => is_among(caller, element),
            Self::Key(key, test) => test.holds(derive(caller, *key).as_slice()),
        }
    }
}

/// A caller for whom each thing asked holds, or does not, as asked.
pub(super) fn solve(callers: &Callers, asked: &[(&Asked, bool)]) -> Found<Caller> {
    let suits = |caller: &Caller| asked.iter().all(|(what, holds)| what.holds(caller) == *holds);
    let mut unknown = None;
    for (form, example) in [("role/_", "role/Example"), ("user/_", "user/sam")] {
        match entity(callers, form, example, asked) {
            Found::Value(caller) => return Found::Value(caller),
            Found::Unknown(why) => unknown = Some(why),
            Found::Nothing => {}
        }
    }
    let root = callers.accounts.iter().map(|account| Caller::Aws(format!("arn:aws:iam::{account}:root").into()));
    let others = [
        Caller::Anonymous,
        Caller::Service(SmolStr::new_static("example.amazonaws.com")),
        Caller::Federated(SmolStr::new_static("arn:aws:iam::123456789012:oidc-provider/idp.example.com")),
    ];
    let others = others.into_iter().filter(|_| callers.everyone);
    let mut all = callers.named.iter().cloned().chain(root).chain(others);
    match (all.find(suits), unknown) {
        (Some(caller), _) => Found::Value(caller),
        (None, Some(why)) => Found::Unknown(why),
        (None, None) => Found::Nothing,
    }
}

/// A user or role of any account whose ARN fulfils everything.
fn entity(callers: &Callers, form: &str, example: &str, asked: &[(&Asked, bool)]) -> Found<Caller> {
    let forms = ["aws", "aws-us-gov", "aws-cn"].map(|p| Pattern::form(&format!("arn:{p}:iam::############:{form}")));
    let shape = Caller::Aws(format!("arn:aws:iam::000000000000:{example}").into());
    let mut sets = vec![StringSet::any_of(forms.to_vec())];
    for (what, holds) in asked {
        match what {
            Asked::Principals(element) => sets.push(entities(element, *holds)),
            Asked::Key(key @ (Derived::Arn | Derived::Account), test) => match test.strings(*holds) {
                Some(Strings::All) => {}
                Some(Strings::None) => return Found::Nothing,
                Some(Strings::Of(set)) if *key == Derived::Arn => sets.push(set.clone()),
                Some(Strings::Of(set)) => sets.push(set.map(Pattern::entities_of_account)),
                // `Null`: the key is there.
                None if test.is_null() => {
                    if test.suits("") != *holds {
                        return Found::Nothing;
                    }
                }
                None => return Found::Unknown("the caller is compared as another type than text".to_owned()),
            },
            Asked::Key(..) if what.holds(&shape) != *holds => return Found::Nothing,
            Asked::Key(..) => {}
        }
    }
    let wanted: Vec<String> = callers.accounts.iter().map(|a| format!("arn:aws:iam::{a}:{example}")).collect();
    let views: Vec<&StringSet> = sets.iter().collect();
    let found: Found<String> = language::find(&views, wanted.iter().map(String::as_str)).into();
    found.map(|arn| Caller::Aws(arn.into()))
}

/// The ARNs of users and roles that are among the principals of an element, or not.
fn entities(element: &Element<Principal>, among: bool) -> StringSet {
    let patterns = element.items.iter().filter_map(|principal| match principal {
        Principal::Anyone => Some(Pattern::new("*")),
        Principal::Aws(named) => Some(match whole_account(named) {
            Some((None, account)) => Pattern::literal(account, false).entities_of_account(),
            Some((Some(partition), account)) => Pattern::new(&format!("arn:{partition}:iam::{account}:*")),
            None => Pattern::literal(named, false),
        }),
        Principal::Service(_) | Principal::Federated(_) | Principal::CanonicalUser(_) => None,
    });
    let set = StringSet::any_of(patterns.collect());
    if among == element.negated { set.complement() } else { set }
}
