//! The commands of a path for one caller and one target.

use super::fit::Whom;
use super::path::Path;
use super::world::World;
use crate::account::{Identity, IdentityKind};
use yagura_model::filled;

/// Fills the placeholders of a path's commands. What is not known stays a word in capitals.
pub(super) fn fill(world: &World<'_>, caller: &Identity, path: &Path, whom: &Whom) -> Vec<String> {
    let target = match whom {
        Whom::Identity(at) => world.actors.get(*at).map(|a| a.identity),
        _ => None,
    };
    let arn = whom.arn(world);
    let name = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
    let held = target.and_then(|t| t.policies.iter().find(|h| h.managed && !h.name.contains(":iam::aws:")));
    let profile = target.and_then(|t| t.instance_profiles.first());
    let value = |placeholder: &str| -> Option<String> {
        Some(match placeholder {
            "account" => world.account.id.to_string(),
            "partition" => world.account.partition.to_string(),
            "caller" => caller.arn.to_string(),
            "caller.name" => caller.name.to_string(),
            "caller.kind" => if caller.kind == IdentityKind::User { "user" } else { "role" }.to_owned(),
            "target" => arn.as_ref().map_or_else(|| "TARGET_ARN".to_owned(), ToString::to_string),
            "target.name" => arn.as_deref().map_or_else(|| "TARGET_NAME".to_owned(), name),
            "target.policy" => held.map_or_else(|| "POLICY_ARN".to_owned(), |h| h.name.to_string()),
            "target.profile" => profile.map_or_else(|| "INSTANCE_PROFILE_ARN".to_owned(), ToString::to_string),
            "target.profile.name" => profile.map_or_else(|| "INSTANCE_PROFILE".to_owned(), |p| name(p)),
            _ => return None,
        })
    };
    path.commands.iter().map(|c| filled(c, &value)).collect()
}
