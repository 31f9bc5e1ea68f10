//! Whom a call made out of whom, so that what a session or a key does is laid at the door of who stands behind it.

use crate::event::Event;
use crate::observe::{Link, plain_name};
use smol_str::{SmolStr, ToSmolStr};
use yagura_logs::envelope::{Outcome, Role};
use yagura_logs::json::Raw;

/// Notes links. What calls answer: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>,
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html>
pub fn links(event: &Event<'_, '_>, out: &mut Vec<Link>) {
    let Some(name) = event.role(Role::Event) else { return };
    let paths: &[&[&str]] = match plain_name(&name) {
        "AssumeRole" => &[&["assumedRoleUser", "arn"], &["credentials", "accessKeyId"]],
        "GetFederationToken" => &[&["federatedUser", "arn"], &["credentials", "accessKeyId"]],
        "GetSessionToken" => &[&["credentials", "accessKeyId"]],
        "CreateAccessKey" => &[&["accessKey", "accessKeyId"]],
        "CreateUser" => &[&["user", "arn"]],
        "CreateRole" => &[&["role", "arn"]],
        "CreateLoginProfile" | "UpdateLoginProfile" => &[],
        _ => return,
    };
    if event.envelope.outcome != Some(Outcome::Success) {
        return;
    }
    let maker = event.role(Role::Actor).unwrap_or_default();
    // A service has no ARN; sessions and users may be called whatever their makers like.
    if maker.is_empty() || (maker.ends_with(".amazonaws.com") && !maker.starts_with("arn:")) {
        return;
    }
    let answered = event.record.get("responseelements");
    let mut made: Vec<SmolStr> = paths.iter().filter_map(|p| Some(answered?.text_at(p)?.to_smolstr())).collect();
    // A key or a password of another user: what that user does from now on may be its maker's doing.
    if matches!(name.as_ref(), "CreateAccessKey" | "CreateLoginProfile" | "UpdateLoginProfile" | "CreateUser")
        && let (Some(user), Some(account)) = (asked(event, "userName"), event.envelope.account.as_deref())
    {
        made.push(format!("arn:aws:iam::{account}:user/{user}").into());
    }
    let maker = SmolStr::new(&maker);
    out.extend(made.into_iter().filter(|m| *m != maker).map(|made| Link { made, maker: maker.clone() }));
}

fn asked(event: &Event<'_, '_>, name: &str) -> Option<SmolStr> {
    event.record.get("requestparameters").and_then(|r: Raw<'_>| Some(r.text_at(&[name])?.to_smolstr()))
}

/// The instance that a record came from: sessions of instance roles are named by it, DNS and flow records may tell it.
pub fn instance(event: &Event<'_, '_>) -> SmolStr {
    let is = |t: &str| t.starts_with("i-") && t.len() > 9 && t.bytes().skip(2).all(|b| b.is_ascii_hexdigit());
    let told = match event.record.table.source.name {
        "cloudtrail" => event.role(Role::Actor).and_then(|a| a.rsplit('/').next().map(SmolStr::new)),
        "route53_resolver" => event.role(Role::Actor).map(|t| t.to_smolstr()),
        "vpc_flow" => event.record.text("instance_id").map(|t| t.to_smolstr()),
        _ => None,
    };
    told.filter(|t| is(t)).unwrap_or_default()
}
