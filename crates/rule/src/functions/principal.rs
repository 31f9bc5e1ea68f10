//! What a user or role may do, for rules.

use super::told;
use crate::estate::{Estate, Hole};
use crate::operate::V;
use yagura_model::Asset;
use yagura_policy::catalogue::Catalogue;
use yagura_policy::evaluate::{Decision, Mode};
use yagura_policy::request::{Caller, Context, Request};
use yagura_policy::world::{World, account};

/// `principal.can(principal, groups, policies, action, resource)`: whether the one user or role of the first joined
/// list is allowed the action on some resource that matches, under some condition, by its own policies, those of its
/// groups and its permissions boundary. Service control policies are left out of account. Where a policy was not read
/// and what was read does not decide, the answer is unknown.
pub(super) fn can<'e>(args: &[V<'e>], estate: &'e Estate) -> Result<V<'e>, Vec<Hole>> {
    let [V::Assets(principal), V::Assets(groups), V::Assets(policies), action, resource] = args else {
        return Err(told("expected three joined lists, an action and a resource".to_owned()));
    };
    let (Some(action), Some(resource)) = (action.text(), resource.text()) else {
        return Err(told("expected an action and a resource".to_owned()));
    };
    let holes: Vec<Hole> = [principal, groups, policies].iter().flat_map(|j| j.holes.iter().cloned()).collect();
    let of =
        |items: &[u32]| -> Vec<&'e Asset> { items.iter().filter_map(|at| estate.assets().get(*at as usize)).collect() };
    let own = of(&principal.items);
    let [subject] = own.as_slice() else {
        let none = || told("the first list has to hold one user or role".to_owned());
        return Err(if holes.is_empty() { none() } else { holes });
    };
    let arn = subject.arn.clone().unwrap_or_default();
    let assets = own.iter().copied().chain(of(&groups.items)).chain(of(&policies.items));
    let account = account(assets, &subject.account).map_err(told)?;
    let world = World::new(vec![account]);
    let request = Request {
        principal: Caller::Aws(arn),
        action: action.into(),
        resource: resource.into(),
        resource_account: None,
        context: Context::default(),
    };
    let answer = world.can(&request, Mode::Possible(&[]), &Catalogue::default());
    match (answer.answer.decision, answer.is_certain(), holes.is_empty()) {
        (Decision::Allowed, _, _) => Ok(V::Bool(true)),
        (_, true, true) => Ok(V::Bool(false)),
        (_, _, false) => Err(holes),
        (_, false, true) => Err(told("some of its policies could not be read".to_owned())),
    }
}
