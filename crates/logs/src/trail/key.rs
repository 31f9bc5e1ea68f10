//! The keys under which CloudTrail delivers: AWS CloudTrail User Guide, "Finding your CloudTrail log files" and "CloudTrail digest
//! file structure".

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use smol_str::SmolStr;

/// The folder of digests.
const DIGESTS: &str = "CloudTrail-Digest";
/// The folder of log files of management, data and network activity events.
const LOGS: &str = "CloudTrail";
/// What digests end in that name late log files.
const BACKFILL: &str = "_backfill";

/// A digest's key, taken apart:
/// `prefix/AWSLogs/[organization/]account/CloudTrail-Digest/region/YYYY/MM/DD/account_CloudTrail-Digest_region_trail_home-region_time.json.gz`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DigestKey {
    /// What stands before `CloudTrail-Digest`, with the account: `prefix/AWSLogs/111122223333`.
    pub root: SmolStr,
    /// The account.
    pub account: SmolStr,
    /// The Region whose log files it names.
    pub region: SmolStr,
    /// The trail.
    pub trail: SmolStr,
    /// The trail's home Region.
    pub home_region: SmolStr,
    /// Whether it names log files that came too late for their own digest.
    pub backfill: bool,
    /// The end of its time.
    pub end: Timestamp,
}

/// A log file's key, taken apart:
/// `prefix/AWSLogs/[organization/]account/CloudTrail/region/YYYY/MM/DD/account_CloudTrail_region_time_unique.json.gz`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogKey {
    /// What stands before `CloudTrail`, with the account.
    pub root: SmolStr,
    /// The Region.
    pub region: SmolStr,
    /// The minute of its delivery.
    pub time: Timestamp,
}

/// What a key is, by its form alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    Digest(DigestKey),
    Log(LogKey),
    /// In a folder of CloudTrail's, but under no name that CloudTrail gives.
    Stray,
    /// Elsewhere.
    Foreign,
}

impl Form {
    pub fn of(key: &str) -> Self {
        let Some((root, folder, rest)) = split(key) else { return Self::Foreign };
        let account = root.rsplit('/').next().unwrap_or_default();
        match folder {
            DIGESTS => digest(root, account, rest).map_or(Self::Stray, Self::Digest),
            LOGS => log(root, account, rest).map_or(Self::Stray, Self::Log),
            _ => Self::Foreign,
        }
    }
}

impl DigestKey {
    /// Takes a key apart; `None` where it is no digest's.
    pub fn parse(key: &str) -> Option<Self> {
        match Form::of(key) {
            Form::Digest(digest) => Some(digest),
            _ => None,
        }
    }

    /// The key of the digest that ends at another time.
    pub(super) fn at(&self, end: Timestamp) -> String {
        let Self { root, account, region, trail, home_region, backfill, .. } = self;
        let (day, time) = (end.strftime("%Y/%m/%d"), end.strftime("%Y%m%dT%H%M%SZ"));
        let late = if *backfill { BACKFILL } else { "" };
        format!(
            "{root}/{DIGESTS}/{region}/{day}/{account}_{DIGESTS}_{region}_{trail}_{home_region}_{time}{late}.json.gz"
        )
    }
}

/// `…AWSLogs/[o-…/]account`, the folder below it, and what follows.
fn split(key: &str) -> Option<(&str, &str, &str)> {
    let after_prefix = match key.strip_prefix("AWSLogs/") {
        Some(rest) => rest,
        None => key.split_once("/AWSLogs/")?.1,
    };
    let mut rest = after_prefix;
    if rest.starts_with("o-") {
        rest = rest.split_once('/')?.1;
    }
    let (account, rest) = rest.split_once('/')?;
    if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (folder, name) = rest.split_once('/')?;
    let root = key.get(..key.len().checked_sub(rest.len() + 1)?)?;
    Some((root, folder, name))
}

fn digest(root: &str, account: &str, rest: &str) -> Option<DigestKey> {
    let (region, day, name) = dated(rest)?;
    let name = name.strip_prefix(account)?.strip_prefix('_')?.strip_prefix(DIGESTS)?.strip_prefix('_')?;
    let name = name.strip_prefix(region)?.strip_prefix('_')?.strip_suffix(".json.gz")?;
    let (name, backfill) = name.strip_suffix(BACKFILL).map_or((name, false), |n| (n, true));
    let (name, time) = name.rsplit_once('_')?;
    let (trail, home_region) = name.rsplit_once('_')?;
    let end = seconds(time)?;
    let found = DigestKey {
        root: root.into(),
        account: account.into(),
        region: region.into(),
        trail: trail.into(),
        home_region: home_region.into(),
        backfill,
        end,
    };
    (!trail.is_empty() && day == end.strftime("%Y/%m/%d").to_string()).then_some(found)
}

fn log(root: &str, account: &str, rest: &str) -> Option<LogKey> {
    let (region, _, name) = dated(rest)?;
    let name = name.strip_prefix(account)?.strip_prefix('_')?.strip_prefix(LOGS)?.strip_prefix('_')?;
    let name = name.strip_prefix(region)?.strip_prefix('_')?.strip_suffix(".json.gz")?;
    let (time, unique) = name.split_once('_')?;
    let time = seconds(&format!("{}00Z", time.strip_suffix('Z')?))?;
    (!unique.is_empty()).then(|| LogKey { root: root.into(), region: region.into(), time })
}

/// `region/YYYY/MM/DD/name`: the Region, the day and the name.
fn dated(rest: &str) -> Option<(&str, &str, &str)> {
    let (region, rest) = rest.split_once('/')?;
    let (day, name) = (rest.get(..10)?, rest.get(10..)?.strip_prefix('/')?);
    (!region.is_empty() && !name.contains('/')).then_some((region, day, name))
}

/// `20150817T150131Z`.
fn seconds(text: &str) -> Option<Timestamp> {
    let digits = text.strip_suffix('Z')?;
    let (date, time) = digits.split_once('T')?;
    if date.len() != 8 || time.len() != 6 || !date.bytes().chain(time.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |text: &str, from: usize, to: usize| text.get(from..to)?.parse::<i8>().ok();
    let year = date.get(..4)?.parse().ok()?;
    let at = DateTime::new(
        year,
        number(date, 4, 6)?,
        number(date, 6, 8)?,
        number(time, 0, 2)?,
        number(time, 2, 4)?,
        number(time, 4, 6)?,
        0,
    );
    TimeZone::UTC.to_timestamp(at.ok()?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests may stop")]

    use super::*;

    #[test]
    fn keys_of_the_user_guide_are_taken_apart() {
        let name = "111122223333_CloudTrail-Digest_us-east-2_your-trail-name_us-east-2_20150817T150131Z.json.gz";
        for (root, trail, key) in [
            (
                "AWSLogs/111122223333",
                "your-trail-name",
                format!("AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/17/{name}"),
            ),
            (
                "a/b/AWSLogs/o-exampleorgid/111122223333",
                "my_trail_1",
                format!(
                    "a/b/AWSLogs/o-exampleorgid/111122223333/CloudTrail-Digest/us-east-2/2015/08/17/{}",
                    name.replace("your-trail-name", "my_trail_1")
                ),
            ),
        ] {
            let digest = DigestKey::parse(&key).unwrap();
            assert_eq!((digest.root.as_str(), digest.trail.as_str(), digest.backfill), (root, trail, false));
            assert_eq!(digest.end.to_string(), "2015-08-17T15:01:31Z");
            assert_eq!(digest.at(digest.end), key);
            let late = key.replace("Z.json.gz", "Z_backfill.json.gz");
            let late_digest = DigestKey::parse(&late).unwrap();
            assert!(late_digest.backfill && late_digest.trail == trail);
            assert_eq!(late_digest.at(late_digest.end), late);
        }
        let log = "AWSLogs/111122223333/CloudTrail/us-east-2/2015/08/17/111122223333_CloudTrail_us-east-2_20150817T1445Z_xA1b.json.gz";
        let Form::Log(log) = Form::of(log) else { panic!("no log") };
        assert_eq!((log.region.as_str(), log.time.to_string().as_str()), ("us-east-2", "2015-08-17T14:45:00Z"));
    }

    #[test]
    fn other_keys_are_strays_or_foreign() {
        let stray = |k: &str| assert_eq!(Form::of(k), Form::Stray, "{k}");
        let foreign = |k: &str| assert_eq!(Form::of(k), Form::Foreign, "{k}");
        stray("AWSLogs/111122223333/CloudTrail/us-east-2/2015/08/17/notes.txt");
        stray(
            "AWSLogs/111122223333/CloudTrail/us-east-2/2015/08/17/111122223333_CloudTrail_us-east-2_20151317T1445Z_x.json.gz",
        );
        stray("AWSLogs/111122223333/CloudTrail-Digest/us-east-2//../x.json.gz");
        stray(
            "AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/18/111122223333_CloudTrail-Digest_us-east-2_t_us-east-2_20150817T150131Z.json.gz",
        );
        stray("AWSLogs/111122223333/CloudTrail/");
        stray("AWSLogs/111122223333/CloudTrail/é/2015/08/1é/x");
        foreign("AWSLogs/111122223333/Config/us-east-2/x");
        foreign("AWSLogs/1111/CloudTrail/us-east-2/x");
        foreign("xAWSLogs/111122223333/CloudTrail/us-east-2/x");
        foreign("");
        foreign("AWSLogs/o-1");
    }
}
