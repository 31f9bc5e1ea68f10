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
    let Some(paths) = answered(&name) else { return };
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
    let own = plain(&maker);
    let mut known: Vec<SmolStr> = Vec::new();
    for made in made.iter().map(|m| plain(m)) {
        if made != own && !known.contains(&made) {
            known.push(made.clone());
            out.push(Link { made, maker: maker.clone() });
        }
    }
}

/// Whether records of a name may tell whom a call made out of whom.
pub fn tells(name: &str) -> bool {
    answered(name).is_some()
}

/// Where the answer of a call says whom it made.
fn answered(name: &str) -> Option<&'static [&'static [&'static str]]> {
    Some(match plain_name(name) {
        "AssumeRole" => &[&["assumedRoleUser", "arn"], &["credentials", "accessKeyId"]],
        "GetFederationToken" => &[&["federatedUser", "arn"], &["credentials", "accessKeyId"]],
        "GetSessionToken" | "AssumeRoot" => &[&["credentials", "accessKeyId"]],
        "CreateAccessKey" => &[&["accessKey", "accessKeyId"]],
        "CreateUser" => &[&["user", "arn"]],
        "CreateRole" => &[&["role", "arn"]],
        "CreateLoginProfile" | "UpdateLoginProfile" => &[],
        _ => return None,
    })
}

/// A user's ARN without its path and with one partition for all: a request names the user alone, and a name is one user's in an account
/// whatever its path (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>). Everything else as it is.
pub fn plain(arn: &str) -> SmolStr {
    let mut parts = arn.splitn(6, ':');
    match (parts.next(), parts.next(), parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("arn"), Some(partition), Some("iam"), Some(""), Some(account), Some(user))
            if user.starts_with("user/") =>
        {
            if partition == "aws" && user.matches('/').count() == 1 {
                return arn.into();
            }
            format!("arn:aws:iam::{account}:user/{}", user.rsplit('/').next().unwrap_or_default()).into()
        }
        _ => arn.into(),
    }
}

/// For how long what an identity does may be its maker's doing, ms. Of a session as long as AWS STS grants one at the most, 36 hours
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html>); of a key for 30 days, for a key is one secret that
/// its maker has seen. A user or a password that was made for somebody is that somebody's from the day after: an intruder uses it at once,
/// and sequences look back no further but for a day.
pub fn life(made: &str) -> i64 {
    const HOUR: i64 = 3_600_000;
    if made.starts_with("AKIA") {
        30 * 24 * HOUR
    } else if made.starts_with("arn:") && !made.contains(":sts:") {
        24 * HOUR
    } else {
        36 * HOUR
    }
}

/// How many hops a chain of makers is followed.
const HOPS: usize = 8;

/// What is known of who made whom, each with its time, ms.
pub type Makers = foldhash::HashMap<SmolStr, (SmolStr, i64)>;

/// Takes a link, unless it says less than what is known: the target's account logs a call of [`AssumeRole`] again, naming its caller by
/// account and id alone; and who made its own maker is no maker of it (two roles that assume each other have one beginning).
///
/// [`AssumeRole`]: https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html
pub fn learn(makers: &mut Makers, link: &Link, time: i64) {
    /// Both records of one call are seconds apart.
    const CALL: i64 = 60_000;
    let known = makers.get(&link.made);
    let less = known.is_some_and(|(maker, at)| maker.starts_with("arn:") && time.saturating_sub(*at) <= CALL)
        && !link.maker.starts_with("arn:");
    let mut above = plain(&link.maker);
    for _ in 0..HOPS {
        if above == link.made {
            return;
        }
        match maker(makers, &above, time) {
            Some(next) => above = plain(next),
            None => break,
        }
    }
    if !less {
        makers.insert(link.made.clone(), (link.maker.clone(), time));
    }
}

/// Who made an identity or a key, as long as that counts.
fn maker<'m>(makers: &'m Makers, made: &str, time: i64) -> Option<&'m SmolStr> {
    makers.get(made).filter(|(_, at)| time.saturating_sub(*at) <= life(made)).map(|(m, _)| m)
}

/// Who stands behind a record: a key leads to its creator, a session to who assumed it, as far as that is known. A session whose maker is
/// not known stands for itself: sessions of one role with other names are other people.
pub fn root(makers: &Makers, key: &str, actor: &SmolStr, source_ip: &SmolStr, time: i64) -> SmolStr {
    let by_key = Some(key).filter(|k| !k.is_empty()).and_then(|k| maker(makers, k, time));
    let mut here = match by_key {
        Some(maker) => maker.clone(),
        None if !actor.is_empty() => actor.clone(),
        None => source_ip.clone(),
    };
    for _ in 0..HOPS {
        match maker(makers, &plain(&here), time) {
            Some(m) if *m != here => here = m.clone(),
            _ => break,
        }
    }
    without_path(here)
}

/// A user's ARN without its path: not every log knows it.
fn without_path(arn: SmolStr) -> SmolStr {
    match arn.split_once(":user/") {
        Some((head, user)) if head.contains(":iam:") && user.contains('/') => {
            format!("{head}:user/{}", user.rsplit('/').next().unwrap_or_default()).into()
        }
        _ => arn,
    }
}

fn asked(event: &Event<'_, '_>, name: &str) -> Option<SmolStr> {
    event.record.get("requestparameters").and_then(|r: Raw<'_>| Some(r.text_at(&[name])?.to_smolstr()))
}

/// The caller that a GuardDuty finding is about, as CloudTrail calls it: an ARN, so that the finding joins what the caller did.
/// `accessKeyDetails` has a user's or a role's name, and behind a role's id the session's:
/// <https://docs.aws.amazon.com/guardduty/latest/APIReference/API_AccessKeyDetails.html>
pub fn found_by_guardduty(event: &Event<'_, '_>) -> Option<SmolStr> {
    let r = event.record;
    let key = (r.table.source.name == "guardduty").then(|| r.get("resource"))?;
    let text = |name: &str| {
        let capital =
            format!("{}{}", name.get(..1).unwrap_or_default().to_ascii_uppercase(), name.get(1..).unwrap_or_default());
        let key = key?;
        key.text_at(&["accessKeyDetails", name]).or_else(|| key.text_at(&["AccessKeyDetails", &capital]))
    };
    let (name, account) = (text("userName")?, event.envelope.account.as_deref()?);
    let partition = r.text("partition").filter(|p| p.starts_with("aws")).unwrap_or("aws".into());
    let arn = match text("userType")?.as_ref() {
        "IAMUser" => format!("arn:{partition}:iam::{account}:user/{name}"),
        "Root" => format!("arn:{partition}:iam::{account}:root"),
        "AssumedRole" | "Role" => {
            let id = text("principalId")?;
            let session = id.split_once(':')?.1;
            format!("arn:{partition}:sts::{account}:assumed-role/{name}/{session}")
        }
        _ => return None,
    };
    Some(arn.into())
}

/// When what a GuardDuty finding tells of happened, ms: it is published minutes to hours afterwards, when the attack has gone on. Where it
/// began long before, when it was seen last. <https://docs.aws.amazon.com/guardduty/latest/APIReference/API_Service.html>
pub fn happened(event: &Event<'_, '_>) -> Option<i64> {
    const LONG: i64 = 6 * 3_600_000;
    let r = event.record;
    let service = (r.table.source.name == "guardduty").then(|| r.get("service"))??;
    let time = |name: &str, capital: &str| {
        let text = service.text_at(&[name]).or_else(|| service.text_at(&[capital]))?;
        yagura_logs::time::millis(&text)
    };
    let told = event.envelope.time?;
    let earlier = |t: &i64| *t < told;
    let first = time("eventFirstSeen", "EventFirstSeen").filter(|t| told.saturating_sub(*t) <= LONG);
    first.or_else(|| time("eventLastSeen", "EventLastSeen")).filter(earlier)
}

/// Which of those who share a role did it, where the record tells: the source identity
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp_control-access_monitor.html>), or a session name that a person
/// has and no program makes up for each run.
pub fn person(event: &Event<'_, '_>) -> Option<SmolStr> {
    let r = event.record;
    if r.table.source.name != "cloudtrail" || r.text_at("useridentity", &["type"])? != "AssumedRole" {
        return None;
    }
    let source = r.text_at("useridentity", &["sessionContext", "sourceIdentity"]).filter(|s| !s.is_empty());
    if let Some(source) = source {
        return Some(source.to_smolstr());
    }
    let arn = event.role(Role::Actor)?;
    let name = arn.rsplit('/').next().unwrap_or_default();
    (!name.is_empty() && !made_up(name)).then(|| name.into())
}

/// Whether a program made up a session's name: numbers of runs, times, hashes, ids of instances.
fn made_up(name: &str) -> bool {
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric());
    let numbered = |p: &str| {
        let digits = p.bytes().filter(u8::is_ascii_digit).count();
        digits >= 4 || (p.len() >= 8 && digits > 0 && p.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    parts.into_iter().any(numbered)
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
