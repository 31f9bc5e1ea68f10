//! What an object's key tells before it is read: `AWSLogs/o-exampleorg/111122223333/CloudTrail/us-east-1/2024/01/02/…`.
//!
//! Layouts: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html>,
//! <https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html>,
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>

/// Account, Region and day in a key, as far as it names them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// 12 digits.
    pub account: Option<String>,
    /// A Region's name.
    pub region: Option<String>,
    /// `2024-01-02`.
    pub day: Option<String>,
}

impl Place {
    /// Reads a key or path. Understands AWS's layouts, and Hive's (`aws-account-id=…/aws-region=…/year=…/month=…/day=…`).
    pub fn of(key: &str) -> Self {
        let mut place = Self::default();
        let parts: Vec<&str> = key.split(['/', '\\']).collect();
        let mut date: [Option<&str>; 3] = [None; 3];
        for (n, part) in parts.iter().enumerate() {
            match part.split_once('=') {
                Some(("aws-account-id" | "account" | "accountId", v)) if is_account(v) => {
                    place.account = Some(v.to_owned())
                }
                Some(("aws-region" | "region", v)) if is_region(v) => place.region = Some(v.to_owned()),
                Some(("year", v)) => date[0] = Some(v),
                Some(("month", v)) => date[1] = Some(v),
                Some(("day", v)) if v.len() == 10 => place.day = Some(v.to_owned()),
                Some(("day", v)) => date[2] = Some(v),
                _ if is_account(part) && place.account.is_none() => place.account = Some((*part).to_owned()),
                _ if is_region(part) && place.region.is_none() => place.region = Some((*part).to_owned()),
                _ => {
                    if let (Some(m), Some(d)) = (parts.get(n + 1), parts.get(n + 2))
                        && part.len() == 4
                        && part.starts_with("20")
                        && date[0].is_none()
                        && [*part, m, d].iter().all(|p| p.bytes().all(|b| b.is_ascii_digit()))
                        && (1..=2).contains(&m.len())
                        && (1..=2).contains(&d.len())
                    {
                        date = [Some(part), Some(m), Some(d)];
                    }
                }
            }
        }
        if let [Some(y), Some(m), Some(d)] = date
            && place.day.is_none()
        {
            place.day = Some(format!("{y}-{m:0>2}-{d:0>2}"));
        }
        place
    }
}

/// Whether a text is an account ID.
pub fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether a text looks like a Region's name: `us-gov-west-1`, `ap-northeast-1`; also such as are made up where logs were made
/// anonymous, `eu-west-2r`.
pub fn is_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let area = parts.next().is_some_and(|p| matches!(p.len(), 2 | 4) && p.bytes().all(|b| b.is_ascii_lowercase()));
    let last = text
        .rsplit('-')
        .next()
        .is_some_and(|p| (1..=3).contains(&p.len()) && p.starts_with(|c: char| c.is_ascii_digit()));
    area && last
        && (3..=5).contains(&text.split('-').count())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_their_place() {
        let rows = [
            (
                "AWSLogs/o-abc/111122223333/CloudTrail/us-east-1/2024/01/02/111122223333_CloudTrail_us-east-1_20240102T0005Z_x.json.gz",
                "111122223333 us-east-1 2024-01-02",
            ),
            (
                "p/AWSLogs/111122223333/vpcflowlogs/ap-northeast-1/2024/1/2/x.log.gz",
                "111122223333 ap-northeast-1 2024-01-02",
            ),
            (
                "AWSLogs/aws-account-id=111122223333/aws-service=vpcflowlogs/aws-region=us-gov-west-1/year=2024/month=01/day=02/x.parquet",
                "111122223333 us-gov-west-1 2024-01-02",
            ),
            ("ext/region=eu-west-1/accountId=111122223333/eventDay=20240102/x", "111122223333 eu-west-1 -"),
            ("logs/2024/notes/x.gz", "- - -"),
            (
                "cloudtrail_logs/account=111122223333/region=us-east-1/day=2024-01-02/part.parquet",
                "111122223333 us-east-1 2024-01-02",
            ),
        ];
        for (key, wanted) in rows {
            let p = Place::of(key);
            let show = |v: Option<String>| v.unwrap_or_else(|| "-".to_owned());
            assert_eq!(format!("{} {} {}", show(p.account), show(p.region), show(p.day)), wanted, "{key}");
        }
    }
}
