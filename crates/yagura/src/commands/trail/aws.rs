//! A trail as AWS has it: what it is, its public keys, and what lies in its bucket.

use super::verify::{Proof, VerifyArgs, judge, public_keys, question};
use crate::commands::store::keys::{self, decoded, listing};
use crate::commands::{live, store};
use crate::content;
use crate::failure::Failure;
use crate::progress::Display;
use jiff::Timestamp;
use object_store::path::Path;
use smol_str::SmolStr;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::task::JoinSet;
use yagura_aws::{CallError, Facts, ReadOperation, Session};
use yagura_logs::trail::{
    Holding, Journal, KeyRing, Listed, Logging, Metadata, Question, Report, Survey, TrailName, Vault, Whole, survey,
};
use yagura_model::{GapReason, Lang, Map, Value};

/// The folders of CloudTrail's below an account's.
const FOLDERS: [&str; 2] = ["CloudTrail-Digest", "CloudTrail"];

/// What AWS was asked about.
#[derive(Debug, Clone, Default)]
pub struct Live {
    /// The trail's ARN, or its name where that is all that is known.
    pub trail: Option<String>,
    /// The bucket and, with a slash before it, the prefix.
    pub place: String,
    /// Who asked.
    pub caller: Option<SmolStr>,
}

/// A trail, as far as it is known.
#[derive(Debug, Default)]
struct Trail {
    shown: Option<String>,
    name: Option<TrailName>,
    account: Option<SmolStr>,
    organization: bool,
    bucket: String,
    prefix: String,
    logging: Logging,
}

/// Verifies what lies in a trail's bucket.
pub async fn prove(
    args: &VerifyArgs,
    journal: Option<Arc<Journal>>,
    display: &Display,
    lang: Lang,
) -> Result<Proof, Failure> {
    let session = store::connect(&args.aws, lang).await?;
    let caller = session.caller().await.ok().map(|c| c.arn);
    let asker = Asker { session, facts: content::facts()? };
    let mut notes = Vec::new();
    let trail = asker.trail(args, &mut notes).await?;
    let now = Timestamp::now();
    let question = Question { now: Some(now), trail: trail.name.clone(), logging: trail.logging, ..question(args) };

    let roots = asker.roots(&trail, &args.account_id).await?;
    let mut vault = Vault::default();
    vault.add(asker.holding(&trail.bucket, &trail, &roots, question.start).await?);
    let mut vault = Arc::new(vault);
    let given = args.public_keys.as_deref().map(public_keys).transpose()?;
    loop {
        let survey = survey(&vault, &question);
        let keys = match &given {
            Some(keys) => keys.clone(),
            None => asker.public_keys(&survey, now).await,
        };
        let (held, journal) = (vault.clone(), journal.clone());
        let report = judge(held, &survey, &question, keys, Metadata::OfObjects, journal, display, lang).await;
        // A trail that changed its bucket: the chain goes on in the one before.
        let others = asker.others(&report, &vault, &trail, &roots, question.start, &mut notes).await;
        match (others.is_empty(), Arc::get_mut(&mut vault)) {
            (false, Some(vault)) => others.into_iter().for_each(|h| vault.add(h)),
            _ => {
                let place = [trail.bucket.as_str(), trail.prefix.as_str()].join("/");
                let place = place.trim_end_matches('/').to_owned();
                let live = Some(Live { trail: trail.shown, place, caller });
                return Ok(Proof { question, report, at: now, live, folder: None, notes });
            }
        }
    }
}

struct Asker {
    session: Session,
    facts: Arc<Facts>,
}

impl Asker {
    /// Finds the trail: CloudTrail API Reference, "GetTrail" and "GetTrailStatus".
    async fn trail(&self, args: &VerifyArgs, notes: &mut Vec<(String, String)>) -> Result<Trail, Failure> {
        let mut trail = Trail::default();
        let mut region = SmolStr::new(self.session.default_region());
        if let Some(asked) = &args.trail {
            trail.shown = Some(asked.clone());
            let mut name = asked.as_str();
            if let Some(arn) = Arn::parse(asked)? {
                (region, name) = (arn.region.into(), arn.name);
                trail.account = Some(arn.account.into());
            }
            trail.name = Some(TrailName { name: name.into(), home_region: region.clone() });
        }
        match (&args.bucket, &args.trail) {
            (Some(bucket), _) => {
                trail.bucket.clone_from(bucket);
                trail.prefix = args.prefix.clone().unwrap_or_default();
            }
            (None, Some(asked)) => {
                let answer = self.get("cloudtrail:GetTrail", &region, asked).await?;
                self.take(&mut trail, &answer, asked)?;
            }
            (None, None) => {}
        }
        trail.prefix = trail.prefix.trim_matches('/').to_owned();
        if let (Some(asked), Some(name)) = (&args.trail, &trail.name) {
            match self.get("cloudtrail:GetTrailStatus", &name.home_region, asked).await {
                Ok(status) if trail.logging == Logging::NotTold => trail.logging = logging(&status),
                Ok(_) => notes.push((
                    "log file validation is off for this trail: no digests are made of new log files".to_owned(),
                    "この証跡ではログファイルの検証が無効。新しいログファイルのダイジェストは作成されない".to_owned(),
                )),
                Err(failure) => notes.push((
                    format!("whether the trail logs now is not known: {}", failure.said(Lang::En)),
                    format!("証跡が現在記録中かは不明: {}", failure.said(Lang::Ja)),
                )),
            }
        }
        Ok(trail)
    }

    async fn get(&self, call: &str, region: &str, name: &str) -> Result<Value, Failure> {
        let operation = self.operation(call)?;
        let mut input = Map::new();
        input.insert("Name", Value::text(name));
        let answer = self.session.first_page(&operation, region, &input).await;
        answer.map_err(|e| refused(&e, &operation, name))
    }

    fn take(&self, trail: &mut Trail, answer: &Value, asked: &str) -> Result<(), Failure> {
        let text = |name: &str| answer.path(&format!("Trail.{name}")).and_then(|v| v.as_str().map(str::to_owned));
        let is = |name: &str| answer.path(&format!("Trail.{name}")).is_some_and(|v| *v == Value::Bool(true));
        trail.bucket = text("S3BucketName").ok_or_else(|| {
            Failure::blind(
                format!("cloudtrail:GetTrail names no bucket of the trail `{asked}`"),
                format!("cloudtrail:GetTrail の応答に証跡 `{asked}` のバケットがない"),
            )
        })?;
        trail.prefix = text("S3KeyPrefix").unwrap_or_default();
        trail.organization = is("IsOrganizationTrail");
        let validated = answer.path("Trail.LogFileValidationEnabled");
        if validated.is_some_and(|v| *v == Value::Bool(false)) {
            trail.logging = Logging::NotValidated;
        }
        if let Some(arn) = text("TrailARN") {
            if let Some(arn) = Arn::parse(&arn)? {
                trail.account = Some(arn.account.into());
                trail.name = Some(TrailName { name: arn.name.into(), home_region: arn.region.into() });
            }
            trail.shown = Some(arn);
        }
        Ok(())
    }

    /// The folders that hold accounts' log files: `prefix/AWSLogs/[organization/]account`.
    async fn roots(&self, trail: &Trail, only: &[SmolStr]) -> Result<Vec<String>, Failure> {
        let base = if trail.prefix.is_empty() { "AWSLogs/".to_owned() } else { format!("{}/AWSLogs/", trail.prefix) };
        if !trail.organization
            && let Some(account) = &trail.account
            && only.is_empty()
        {
            return Ok(vec![format!("{base}{account}")]);
        }
        let mut roots = Vec::new();
        let mut folders = self.folders(&trail.bucket, &base).await?;
        for organization in folders.clone().iter().filter(|f| f.starts_with("o-")) {
            let within = self.folders(&trail.bucket, &format!("{base}{organization}/")).await?;
            folders.extend(within.into_iter().map(|account| format!("{organization}/{account}")));
        }
        for folder in folders {
            let account = folder.rsplit('/').next().unwrap_or_default();
            let in_organization = folder.contains('/');
            let wanted = only.is_empty() || only.iter().any(|a| a == account);
            // An organization trail writes below the organization's id; what lies beside it is another trail's.
            let of_trail = trail.name.is_none() || in_organization == trail.organization || !only.is_empty();
            if account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()) && wanted && of_trail {
                roots.push(format!("{base}{folder}"));
            }
        }
        if roots.is_empty() {
            let place = format!("s3://{}/{base}", trail.bucket);
            return Err(Failure::blind(
                format!("no log files of an account that was asked about lie in `{place}`"),
                format!("`{place}` に対象アカウントのログファイルがない"),
            )
            .hint("check --bucket, --prefix and --account-id", "--bucket、--prefix、--account-id を確認すること"));
        }
        Ok(roots)
    }

    /// The names of the folders directly below a prefix.
    async fn folders(&self, bucket: &str, prefix: &str) -> Result<Vec<String>, Failure> {
        let mut input = listing(bucket, prefix);
        input.insert("Delimiter", Value::text("/"));
        let mut found = Vec::new();
        let mut take = |page: Value| {
            let folders = page.path("CommonPrefixes.Prefix").and_then(|v| v.as_list().map(<[Value]>::to_vec));
            for folder in folders.unwrap_or_default().iter().filter_map(Value::as_str).map(decoded) {
                let name = folder.strip_prefix(prefix).unwrap_or_default().trim_end_matches('/');
                if !name.is_empty() {
                    found.push(name.to_owned());
                }
            }
        };
        self.list(bucket, &input, &mut take).await?;
        Ok(found)
    }

    async fn list(&self, bucket: &str, input: &Map, take: &mut (dyn FnMut(Value) + Send)) -> Result<(), Failure> {
        let operation = self.operation("s3:ListObjectsV2")?;
        let listed = self.session.call(&operation, self.session.default_region(), input, take).await;
        listed.map_err(|e| store::call_failure(&e, bucket, store::Access::List))
    }

    /// A bucket with what CloudTrail delivered below `roots`. With a start, folders of days before it are passed over.
    async fn holding(
        &self,
        bucket: &str,
        trail: &Trail,
        roots: &[String],
        start: Option<Timestamp>,
    ) -> Result<Holding, Failure> {
        let mut whole: Vec<Whole> = Vec::new();
        let day = start.and_then(|s| s.checked_sub(jiff::SignedDuration::from_hours(24)).ok());
        for root in roots {
            let Some(day) = day else {
                // Both folders begin so, and the digests come first.
                whole.push(Whole { prefix: format!("{root}/{}", FOLDERS[1]), after: String::new() });
                continue;
            };
            for folder in FOLDERS {
                for region in self.folders(bucket, &format!("{root}/{folder}/")).await? {
                    let prefix = format!("{root}/{folder}/{region}/");
                    let after = format!("{prefix}{}", day.strftime("%Y/%m/%d"));
                    whole.push(Whole { prefix, after });
                }
            }
        }
        let mut running = JoinSet::new();
        for part in whole.clone() {
            let (asker, bucket) =
                (Self { session: self.session.clone(), facts: self.facts.clone() }, bucket.to_owned());
            running.spawn(async move { asker.objects(&bucket, &part).await });
        }
        let mut listed = Vec::new();
        while let Some(part) = running.join_next().await {
            listed.extend(part.map_err(|e| Failure::blind(e.to_string(), e.to_string()))??);
        }
        let prefix = Path::parse(&trail.prefix).unwrap_or_default();
        let store = store::bucket(&self.session, bucket, &prefix).await?;
        Ok(Holding::new(Some(bucket.into()), store, listed, whole))
    }

    async fn objects(&self, bucket: &str, part: &Whole) -> Result<Vec<Listed>, Failure> {
        let mut input = listing(bucket, &part.prefix);
        if !part.after.is_empty() {
            input.insert("StartAfter", Value::text(part.after.as_str()));
        }
        let mut listed = Vec::new();
        let mut take = |page: Value| {
            let objects = keys::objects(&page);
            listed.extend(objects.map(|o| Listed { key: o.key, size: o.size, stamp: o.stamp, trouble: None }));
        };
        self.list(bucket, &input, &mut take).await?;
        Ok(listed)
    }

    /// The public keys of the digests' time, Region by Region: CloudTrail API Reference, "ListPublicKeys".
    async fn public_keys(&self, survey: &Survey, now: Timestamp) -> KeyRing {
        let mut keys = KeyRing::default();
        let Some((start, end)) = survey.signed_within(now) else { return keys };
        let operation = match self.operation("cloudtrail:ListPublicKeys") {
            Ok(operation) => operation,
            Err(failure) => {
                keys.could_not_read(failure.said(Lang::En).to_owned());
                return keys;
            }
        };
        let mut input = Map::new();
        input.insert("StartTime", Value::text(start.to_string()));
        input.insert("EndTime", Value::text(end.to_string()));
        for region in survey.regions() {
            let mut pages = Vec::new();
            let mut take = |page: Value| pages.push(page.to_json().to_string());
            if let Err(e) = self.session.call(&operation, &region, &input, &mut take).await {
                keys.could_not_read(format!("{} in {region}: {e}", operation.permission()));
            }
            for page in pages {
                if let Err(e) = keys.add(page.as_bytes()) {
                    keys.could_not_read(format!("{} in {region}: {e}", operation.permission()));
                }
            }
        }
        keys
    }

    /// The buckets that digests name besides, as far as they can be listed.
    async fn others(
        &self,
        report: &Report,
        vault: &Vault,
        trail: &Trail,
        roots: &[String],
        start: Option<Timestamp>,
        notes: &mut Vec<(String, String)>,
    ) -> Vec<Holding> {
        let mut found = Vec::new();
        let named: BTreeSet<&SmolStr> = report.other_buckets.iter().filter(|b| !vault.knows(b)).collect();
        for bucket in named {
            match self.holding(bucket, trail, roots, start).await {
                Ok(holding) => found.push(holding),
                Err(failure) => notes.push((failure.said(Lang::En).to_owned(), failure.said(Lang::Ja).to_owned())),
            }
        }
        found
    }

    fn operation(&self, call: &str) -> Result<Arc<ReadOperation>, Failure> {
        self.facts.read_operation(call).map_err(|e| Failure::usage(e.to_string(), e.to_string()))
    }
}

/// A trail's ARN.
struct Arn<'a> {
    region: &'a str,
    account: &'a str,
    name: &'a str,
}

impl<'a> Arn<'a> {
    /// Takes an ARN apart; `None` where it is a name.
    fn parse(text: &'a str) -> Result<Option<Self>, Failure> {
        if !text.starts_with("arn:") {
            return Ok(None);
        }
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts.as_slice() {
            ["arn", _, "cloudtrail", region, account, resource] if !region.is_empty() => {
                let name = resource.strip_prefix("trail/").filter(|n| !n.is_empty());
                name.map(|name| Some(Self { region, account, name })).ok_or_else(|| not_a_trail(text))
            }
            _ => Err(not_a_trail(text)),
        }
    }
}

fn not_a_trail(text: &str) -> Failure {
    Failure::usage(format!("`{text}` is not the ARN of a trail"), format!("`{text}` は証跡の ARN ではない")).hint(
        "such as arn:aws:cloudtrail:us-east-1:111122223333:trail/audit",
        "例: arn:aws:cloudtrail:us-east-1:111122223333:trail/audit",
    )
}

fn logging(status: &Value) -> Logging {
    let time = |name: &str| status.path(name).and_then(|v| v.as_str().and_then(|t| t.parse().ok()));
    match (status.path("IsLogging").as_deref(), time("StartLoggingTime"), time("StopLoggingTime")) {
        (Some(Value::Bool(true)), Some(since), _) => Logging::Since(since),
        (Some(Value::Bool(true)), None, _) => Logging::On,
        (Some(Value::Bool(false)), _, Some(at)) => Logging::Stopped(at),
        _ => Logging::NotTold,
    }
}

fn refused(error: &CallError, operation: &ReadOperation, name: &str) -> Failure {
    let (call, permission) = (operation.call(), operation.permission());
    match error.reason {
        _ if error.code.contains("TrailNotFound") => Failure::usage(
            format!("there is no trail `{name}` ({error})"),
            format!("証跡 `{name}` は存在しない（{error}）"),
        )
        .hint(
            "give its ARN, or its home Region with --region",
            "ARN を指定するか、ホームリージョンを --region で指定すること",
        ),
        GapReason::AccessDenied | GapReason::DeniedByOrganization => Failure::blind(
            format!("{call}: access denied, {permission} is missing ({error})"),
            format!("{call}: アクセスが拒否された。{permission} が許可されていない（{error}）"),
        )
        .hint("allow it, or name the bucket with --bucket", "許可するか、--bucket でバケットを指定すること"),
        GapReason::Credentials => live::connect_failure(&yagura_aws::ConnectError::Credentials(error.to_string())),
        _ => Failure::blind(format!("{call} failed: {error}"), format!("{call} に失敗した: {error}")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]

    use super::*;

    #[test]
    fn arns_are_taken_apart() {
        let arn = Arn::parse("arn:aws-cn:cloudtrail:cn-north-1:111122223333:trail/my_trail").unwrap().unwrap();
        assert_eq!((arn.region, arn.account, arn.name), ("cn-north-1", "111122223333", "my_trail"));
        assert!(Arn::parse("my-trail").unwrap().is_none());
        for bad in
            ["arn:aws:s3:::bucket", "arn:aws:cloudtrail:us-east-1:1:trail/", "arn:", "arn:aws:cloudtrail:::trail/x"]
        {
            assert!(Arn::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_trail_logs_or_stopped_or_nobody_knows() {
        let status = |json: &str| Value::from_json(serde_json::from_str(json).unwrap()).unwrap();
        let stopped = r#"{"IsLogging": false, "StopLoggingTime": "2026-07-01T00:00:00Z"}"#;
        let at = || "2026-07-01T00:00:00Z".parse().unwrap();
        let since = r#"{"IsLogging": true, "StartLoggingTime": "2026-07-01T00:00:00Z", "StopLoggingTime": "2026-06-01T00:00:00Z"}"#;
        assert_eq!(logging(&status(r#"{"IsLogging": true}"#)), Logging::On);
        assert_eq!(logging(&status(since)), Logging::Since(at()));
        assert_eq!(logging(&status(stopped)), Logging::Stopped(at()));
        assert_eq!(logging(&status(r#"{"IsLogging": false}"#)), Logging::NotTold);
        assert_eq!(logging(&status("{}")), Logging::NotTold);
    }
}
