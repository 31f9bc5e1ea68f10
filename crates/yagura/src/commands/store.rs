//! Objects in Amazon S3 or in a local folder, opened the same way for every command that reads or writes them.

pub mod keys;
#[cfg(test)]
mod tests;

use super::live;
use crate::content;
use crate::failure::Failure;
use async_trait::async_trait;
use clap::Args;
use object_store::aws::{AmazonS3Builder, AwsCredential};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, Certificate, ClientOptions, CredentialProvider, ObjectStore, RetryConfig};
use smol_str::SmolStr;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;
use yagura_aws::{CallError, Role, Session};
use yagura_logs::{Trouble, TroubleKind};
use yagura_model::{GapReason, Lang, Map, Value};

/// How to reach Amazon S3, and AWS besides. What is left out is found as the AWS CLI finds it.
#[derive(Debug, Clone, Args, Default)]
pub struct StoreArgs {
    /// A profile of ~/.aws/config
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The Region to start from; a bucket's own is found [default: the configured one]
    #[arg(long, value_name = "REGION")]
    pub region: Option<SmolStr>,
    /// Assume this role
    #[arg(long, value_name = "ARN")]
    pub role_arn: Option<String>,
    /// The external id that the role's trust policy asks for
    #[arg(long, value_name = "ID", requires = "role_arn")]
    pub external_id: Option<String>,
    /// One endpoint for every service
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
}

/// The Japanese help of [`StoreArgs`].
pub const STORE_JA: [(&str, &str); 5] = [
    ("profile", "~/.aws/config のプロファイル"),
    ("region", "最初に使うリージョン。バケットのリージョンは自動で調べる [デフォルト: 設定されているリージョン]"),
    ("role_arn", "引き受けるロール"),
    ("external_id", "ロールの信頼ポリシーが求める外部 ID"),
    ("endpoint_url", "全サービスで使うエンドポイント"),
];

/// What an operation on objects needs to be allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Listing keys.
    List,
    /// Reading an object.
    Get,
    /// Writing an object.
    Put,
    /// Deleting an object.
    Delete,
}

impl Access {
    /// The IAM action (Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3").
    pub fn permission(self) -> &'static str {
        match self {
            Self::List => "s3:ListBucket",
            Self::Get => "s3:GetObject",
            Self::Put => "s3:PutObject",
            Self::Delete => "s3:DeleteObject",
        }
    }
}

/// Whether a local folder must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folder {
    /// It must: it is read.
    Must,
    /// It is made where it is not there.
    Make,
}

/// A folder of S3 (`s3://bucket/prefix`), taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Place {
    /// The bucket.
    pub bucket: String,
    /// The prefix, without a slash at its ends.
    pub prefix: Path,
}

impl S3Place {
    /// Takes `s3://bucket/prefix` apart; `None` where it is no URL at all, so that it names something local.
    ///
    /// # Errors
    /// Another scheme than `s3`, no bucket, or a prefix that object stores have no folder for (`a//b`, `..`).
    pub fn parse(place: &str) -> Result<Option<Self>, Failure> {
        let Some((scheme, rest)) =
            place.split_once("://").filter(|(s, _)| s.bytes().all(|b| b.is_ascii_alphanumeric()))
        else {
            return Ok(None);
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let sound = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
        if !scheme.eq_ignore_ascii_case("s3") || !(3..=255).contains(&bucket.len()) || !bucket.bytes().all(sound) {
            return Err(Failure::usage(
                format!("`{place}` is not a place to read: write s3://bucket/prefix or a local path"),
                format!(
                    "`{place}` は読み取れる場所ではない。s3://バケット/プレフィックス またはローカルのパスを書くこと"
                ),
            ));
        }
        let prefix = Path::parse(prefix).map_err(|_| {
            Failure::usage(
                format!("`{place}`: the prefix has an empty part, `.`, `..` or a control character"),
                format!("`{place}`: プレフィックスに空の要素、`.`、`..`、制御文字のいずれかがある"),
            )
        })?;
        Ok(Some(Self { bucket: bucket.to_owned(), prefix }))
    }
}

/// Opens `s3://bucket/prefix` or a local path (a folder or a file): the store, and the path in it.
///
/// Of a local folder the store begins there, so nothing outside it can be named; of a file it is the folder that holds it.
///
/// # Errors
/// No such folder or bucket, no credentials, or a Region that cannot be found: a sentence each.
pub async fn open(
    place: &str,
    args: &StoreArgs,
    folder: Folder,
    lang: Lang,
) -> Result<(Arc<dyn ObjectStore>, Path), Failure> {
    match S3Place::parse(place)? {
        None => local(std::path::Path::new(place), folder),
        Some(s3) => {
            let session = connect(args, lang).await?;
            Ok((bucket(&session, &s3.bucket, &s3.prefix).await?, s3.prefix))
        }
    }
}

/// Connects as the arguments say, and assumes the role.
///
/// # Errors
/// No credentials, or a role that cannot be assumed.
pub async fn connect(args: &StoreArgs, lang: Lang) -> Result<Session, Failure> {
    let options = live::options(args.profile.as_deref(), args.region.as_ref(), args.endpoint_url.as_deref(), lang)?;
    let session = Session::connect(options, content::facts()?).await.map_err(|e| live::connect_failure(&e))?;
    let Some(arn) = &args.role_arn else { return Ok(session) };
    live::account_of_role(arn)?;
    let role = Role { external_id: args.external_id.clone(), ..Role::new(arn) };
    session.assume(&role).await.map_err(|e| live::connect_failure(&e))
}

/// A bucket, in its own Region. `prefix` is where somebody will look: permissions may hold for it only.
///
/// # Errors
/// No such bucket, bad credentials, or nothing there to answer. A denied listing is no error yet: reading a single object
/// may still be allowed, and who lists is told then.
pub async fn bucket(session: &Session, bucket: &str, prefix: &Path) -> Result<Arc<dyn ObjectStore>, Failure> {
    let facts = content::facts()?;
    let list = facts.read_operation("s3:ListObjectsV2").map_err(|e| Failure::usage(e.to_string(), e.to_string()))?;
    let mut input = Map::new();
    input.insert("Bucket", Value::text(bucket));
    input.insert("MaxKeys", Value::Int(1));
    if !prefix.is_root() {
        input.insert("Prefix", Value::text(format!("{prefix}/")));
    }
    match session.first_page(&list, session.default_region(), &input).await {
        Ok(_) => {}
        Err(e) if matches!(e.reason, GapReason::AccessDenied | GapReason::DeniedByOrganization) => {}
        Err(e) => return Err(call_failure(&e, bucket, Access::List)),
    }
    let region = session.bucket_region(bucket, session.default_region());
    let (url, custom) = session.endpoint(&list, &region).map_err(|e| call_failure(&e, bucket, Access::List))?;
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region.as_str())
        .with_credentials(Arc::new(Lent(session.clone())))
        .with_client_options(client_options(&url)?)
        .with_retry(retries());
    // A bucket with points would not match S3's certificate; an endpoint of one's own need not know hosts by bucket.
    let by_host = !custom && !bucket.contains('.') && !bucket.contains('_');
    let url = match url.split_once("://") {
        Some((scheme, host)) if by_host => format!("{scheme}://{bucket}.{host}"),
        _ => url,
    };
    builder = builder.with_endpoint(url).with_virtual_hosted_style_request(by_host);
    let store = builder.build().map_err(|e| failure(&e, &format!("s3://{bucket}"), Access::List))?;
    Ok(Arc::new(store))
}

/// Time-outs and trust as the AWS CLI has them: `AWS_CA_BUNDLE` in place of the system's certificates.
fn client_options(url: &str) -> Result<ClientOptions, Failure> {
    let mut options = ClientOptions::new()
        .with_allow_http(url.starts_with("http://"))
        .with_timeout(Duration::from_secs(60))
        .with_connect_timeout(Duration::from_secs(5));
    if let Some(path) = std::env::var_os("AWS_CA_BUNDLE").filter(|p| !p.is_empty()) {
        let shown = std::path::Path::new(&path).display();
        let bad = |e: String| {
            Failure::usage(
                format!("AWS_CA_BUNDLE: cannot read {shown}: {e}"),
                format!("AWS_CA_BUNDLE: {shown} を読めない: {e}"),
            )
        };
        let pem = std::fs::read(&path).map_err(|e| bad(e.to_string()))?;
        for certificate in Certificate::from_pem_bundle(&pem).map_err(|e| bad(e.to_string()))? {
            options = options.with_root_certificate(certificate);
        }
    }
    Ok(options)
}

/// Faults and throttling are waited out for two minutes; credentials are not renewed within a request.
fn retries() -> RetryConfig {
    let backoff = BackoffConfig { max_backoff: Duration::from_secs(5), ..BackoffConfig::default() };
    RetryConfig { backoff, retry_timeout: Duration::from_secs(120), ..RetryConfig::default() }
}

/// A session's credentials for the object store's own signing: asked for with every request, renewed before they end.
#[derive(Debug)]
struct Lent(Session);

#[async_trait]
impl CredentialProvider for Lent {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let credentials = self.0.credentials().await.map_err(|e| object_store::Error::Unauthenticated {
            path: String::new(),
            source: Box::new(NoCredentials(e)),
        })?;
        Ok(Arc::new(AwsCredential {
            key_id: credentials.access_key_id().to_owned(),
            secret_key: credentials.secret_access_key().to_owned(),
            token: credentials.session_token().map(str::to_owned),
        }))
    }
}

/// Credentials that could not be renewed, worded as Amazon S3 words it, so that they are read as such.
#[derive(Debug)]
struct NoCredentials(CallError);

impl std::fmt::Display for NoCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<Code>ExpiredToken</Code><Message>{}</Message>", self.0.message)
    }
}

impl std::error::Error for NoCredentials {}

/// A local folder or file.
fn local(path: &std::path::Path, folder: Folder) -> Result<(Arc<dyn ObjectStore>, Path), Failure> {
    let shown = path.display().to_string();
    if folder == Folder::Make {
        std::fs::create_dir_all(path).map_err(|e| io_failure(&e, &shown))?;
    }
    // Links are followed here, so that whatever lies below is below the real folder.
    let real = path.canonicalize().map_err(|e| io_failure(&e, &shown))?;
    let (root, name) = match (real.is_dir(), real.parent(), real.file_name()) {
        (false, Some(parent), Some(name)) => (parent.to_owned(), Some(name.to_owned())),
        _ => (real, None),
    };
    let within = match name {
        None => Path::ROOT,
        Some(name) => name.to_str().and_then(|n| Path::parse(n).ok()).ok_or_else(|| {
            Failure::usage(
                format!("`{shown}`: the file's name is not UTF-8, or has a control character"),
                format!("`{shown}`: ファイル名が UTF-8 でないか、制御文字を含む"),
            )
        })?,
    };
    let store = LocalFileSystem::new_with_prefix(root).map_err(|e| failure(&e, &shown, Access::List))?;
    Ok((Arc::new(store), within))
}

/// Why a local path cannot be opened.
fn io_failure(error: &std::io::Error, shown: &str) -> Failure {
    if error.kind() == ErrorKind::NotFound {
        return Failure::usage(
            format!("there is no file or folder `{shown}`"),
            format!("ファイルまたはフォルダー `{shown}` は存在しない"),
        );
    }
    Failure::blind(format!("cannot read `{shown}`: {error}"), format!("`{shown}` を読み込めない: {error}"))
}

/// What an object store's error says to a person. `place` is what was read or written: an object or a folder of them.
pub fn failure(error: &object_store::Error, place: &str, access: Access) -> Failure {
    trouble_failure(&Trouble::of(error), place, access)
}

/// The same, of trouble that was looked at before.
pub fn trouble_failure(trouble: &Trouble, place: &str, access: Access) -> Failure {
    let detail = &trouble.detail;
    match &trouble.kind {
        TroubleKind::NoBucket => no_bucket(place),
        TroubleKind::NotFound => Failure::blind(format!("there is no `{place}`"), format!("`{place}` は存在しない")),
        TroubleKind::Denied(named) => denied(place, named.as_deref().unwrap_or(access.permission()), detail),
        TroubleKind::Credentials => bad_credentials(detail),
        TroubleKind::OtherRegion => Failure::blind(
            format!("`{place}`: the bucket is in another Region ({detail})"),
            format!("`{place}`: バケットは別のリージョンにある（{detail}）"),
        )
        .hint("name its Region with --region", "--region でバケットのリージョンを指定すること"),
        TroubleKind::Archived => Failure::blind(
            format!("`{place}` is archived: restore it before it is read ({detail})"),
            format!("`{place}` はアーカイブされている。読み取る前に復元すること（{detail}）"),
        ),
        TroubleKind::Other => {
            let write = matches!(access, Access::Put | Access::Delete);
            let (en, ja) = if write { ("write", "書き込めない") } else { ("read", "読み込めない") };
            Failure::blind(format!("cannot {en} `{place}`: {detail}"), format!("`{place}` を{ja}: {detail}"))
        }
    }
}

/// What a call's error says, made about a bucket.
pub fn call_failure(error: &CallError, bucket: &str, access: Access) -> Failure {
    let place = format!("s3://{bucket}");
    match error.reason {
        _ if error.code == "NoSuchBucket" => no_bucket(&place),
        GapReason::AccessDenied | GapReason::DeniedByOrganization => {
            denied(&place, access.permission(), &error.to_string())
        }
        GapReason::Credentials => bad_credentials(&error.to_string()),
        _ => Failure::blind(format!("cannot read `{place}`: {error}"), format!("`{place}` を読み込めない: {error}"))
            .hint(
                "check the bucket's name, the network, AWS_ENDPOINT_URL and the Region",
                "バケット名、ネットワーク、AWS_ENDPOINT_URL、リージョンを確認すること",
            ),
    }
}

fn no_bucket(place: &str) -> Failure {
    Failure::blind(format!("there is no bucket for `{place}`"), format!("`{place}` のバケットは存在しない"))
        .hint("check its name, and the account", "バケット名とアカウントを確認すること")
}

fn denied(place: &str, permission: &str, detail: &str) -> Failure {
    Failure::blind(
        format!("`{place}`: access denied, {permission} is missing ({detail})"),
        format!("`{place}`: アクセスが拒否された。{permission} が許可されていない（{detail}）"),
    )
    .hint(
        "allow it in the caller's IAM policy, and look at the bucket policy and the key policy",
        "呼び出し元の IAM ポリシーで許可し、バケットポリシーとキーポリシーも確認すること",
    )
}

fn bad_credentials(detail: &str) -> Failure {
    Failure::blind(
        format!("AWS does not take these credentials: they are expired or wrong ({detail})"),
        format!("認証情報が期限切れまたは無効（{detail}）"),
    )
    .hint("renew them (`aws sso login`, or new keys) and try again", "`aws sso login` などで更新して再実行すること")
}
