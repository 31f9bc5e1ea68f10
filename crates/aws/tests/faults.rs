//! Calls against an endpoint in this process that fails on purpose.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};
use yagura_aws::{CallError, ConnectError, Credentials, Facts, Options, Role, Session, SharedCredentialsProvider};
use yagura_model::{GapReason, Map, Value};

/// What the endpoint does with a request.
enum Reply {
    Answer(u16, Vec<(&'static str, &'static str)>, String),
    /// The status line and headers, then half of the body, then the end.
    CutOff(String),
    /// The connection is reset at once.
    Reset,
    /// Nothing, for a minute.
    Hang,
}

fn ok(body: &str) -> Reply {
    Reply::Answer(200, vec![], body.to_owned())
}

fn refuse(status: u16, body: &str) -> Reply {
    Reply::Answer(status, vec![], body.to_owned())
}

struct Endpoint {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
}

/// Starts an endpoint that answers the n-th request (from 0) with `reply(n, request)`.
fn endpoint(reply: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Endpoint {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (seen, reply) = (Arc::new(Mutex::new(Vec::new())), Arc::new(reply));
    let (count, log) = (Arc::new(AtomicUsize::new(0)), seen.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (reply, count, log) = (reply.clone(), count.clone(), log.clone());
            std::thread::spawn(move || {
                let _ = serve(stream, &*reply, &count, &log);
            });
        }
    });
    Endpoint { address, seen }
}

fn serve(
    mut stream: TcpStream,
    reply: &(dyn Fn(usize, &str) -> Reply + Send + Sync),
    count: &AtomicUsize,
    log: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    loop {
        let Some(request) = read_request(&mut stream)? else { return Ok(()) };
        let n = count.fetch_add(1, Ordering::SeqCst);
        log.lock().unwrap().push(request.clone());
        match reply(n, &request) {
            Reply::Answer(status, headers, body) => {
                let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
                headers.iter().for_each(|(k, v)| head.push_str(&format!("{k}: {v}\r\n")));
                stream.write_all(format!("{head}\r\n").as_bytes())?;
                stream.write_all(body.as_bytes())?;
            }
            Reply::CutOff(body) => {
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all(head.as_bytes())?;
                stream.write_all(&body.as_bytes()[..body.len() / 2])?;
                return Ok(());
            }
            Reply::Reset => return Ok(()),
            Reply::Hang => std::thread::sleep(Duration::from_secs(60)),
        }
    }
}

fn read_request(stream: &mut TcpStream) -> std::io::Result<Option<String>> {
    let mut text = Vec::new();
    let mut byte = [0u8];
    while !text.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        text.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&text).into_owned();
    let length = head
        .lines()
        .find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length:").map(|v| v.trim().parse::<usize>()))
        .and_then(Result::ok)
        .unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Some(head + &String::from_utf8_lossy(&body)))
}

/// The shipped facts; what is built of them is kept, so every test uses the same.
fn facts() -> Arc<Facts> {
    static FACTS: LazyLock<Arc<Facts>> = LazyLock::new(load_facts);
    FACTS.clone()
}

fn load_facts() -> Arc<Facts> {
    let content = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let exceptions = std::fs::read_to_string(content.join("permissions.yaml")).unwrap();
    let load = move |service: &str| std::fs::read(content.join(format!("aws/{service}.json"))).ok();
    Arc::new(Facts::new(load, &exceptions).unwrap())
}

struct Bench {
    session: Session,
    facts: Arc<Facts>,
    endpoint: Endpoint,
}

async fn bench(reply: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Bench {
    bench_with(Options::default(), reply).await
}

async fn bench_with(options: Options, reply: impl Fn(usize, &str) -> Reply + Send + Sync + 'static) -> Bench {
    let endpoint = endpoint(reply);
    let keys = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
    let options = Options {
        endpoint_url: Some(format!("http://{}", endpoint.address)),
        region: Some("us-east-1".to_owned()),
        credentials: options.credentials.or(Some(SharedCredentialsProvider::new(keys))),
        max_attempts: options.max_attempts.or(Some(3)),
        ..options
    };
    let facts = facts();
    let session = Session::connect(options, facts.clone()).await.unwrap();
    Bench { session, facts, endpoint }
}

impl Bench {
    async fn call(&self, call: &str, region: &str, input: &str) -> Result<Vec<Value>, CallError> {
        let operation = self.facts.read_operation(call).unwrap();
        let input: Map = serde_json::from_str(input).unwrap();
        let mut pages = Vec::new();
        self.session.call(&operation, region, &input, &mut |page| pages.push(page)).await.map(|()| pages)
    }

    fn requests(&self) -> Vec<String> {
        self.endpoint.seen.lock().unwrap().clone()
    }
}

const KEYS: &str = r#"{"Keys": [{"KeyId": "k"}], "Truncated": false}"#;

#[tokio::test]
async fn throttling_is_waited_out() {
    let b = bench(|n, _| if n < 5 { refuse(400, r#"{"__type": "ThrottlingException"}"#) } else { ok(KEYS) }).await;
    assert_eq!(b.call("kms:ListKeys", "us-east-1", "{}").await.unwrap().len(), 1);
    assert_eq!(b.session.requests(), 6);
}

#[tokio::test]
async fn faults_that_stay_become_gaps_with_their_reason() {
    use GapReason::*;
    let json = |code: &str, message: &str| format!(r#"{{"__type": "a.b#{code}:http://x/", "message": "{message}"}}"#);
    let scp = "User: arn:aws:iam::1:user/x is not authorized to perform: kms:ListKeys with an explicit deny in a service control policy";
    let table: Vec<(&str, u16, String, &str, GapReason, &str)> = vec![
        ("denied", 400, json("AccessDeniedException", "no"), "us-east-1", AccessDenied, "AccessDeniedException"),
        (
            "denied by SCP",
            400,
            json("AccessDeniedException", scp),
            "us-east-1",
            DeniedByOrganization,
            "AccessDeniedException",
        ),
        ("bare 403", 403, String::new(), "us-east-1", AccessDenied, "Http403"),
        ("opt-in", 400, json("OptInRequired", ""), "us-east-1", RegionDisabled, "OptInRequired"),
        (
            "bad keys",
            403,
            json("UnrecognizedClientException", ""),
            "us-east-1",
            Credentials,
            "UnrecognizedClientException",
        ),
        ("service error", 500, json("InternalFailure", ""), "us-east-1", ServiceError, "InternalFailure"),
        ("unreadable 503", 503, "<html>busy</html>".to_owned(), "us-east-1", ServiceError, "Http503"),
        ("other", 400, json("ValidationException", "x"), "us-east-1", Refused, "ValidationException"),
    ];
    for (name, status, body, region, reason, code) in table {
        let b = bench(move |_, _| refuse(status, &body)).await;
        let operation = b.facts.read_operation("kms:ListKeys").unwrap();
        let error = b.call("kms:ListKeys", region, "{}").await.unwrap_err();
        assert_eq!((error.reason, error.code.as_str(), error.status), (reason, code, Some(status)), "{name}");
        let gap = error.gap(&operation, region);
        assert_eq!(gap.permission.as_deref(), Some("kms:ListKeys"), "{name}");
        assert!(gap.detail.starts_with(code), "{name}: {}", gap.detail);
        let attempts = if reason == ServiceError { 3 } else { 1 };
        assert_eq!(b.session.requests(), attempts, "{name}");
    }
}

#[tokio::test]
async fn refused_keys_in_an_opt_in_region_mean_that_the_region_is_off() {
    let b = bench(|_, request| {
        if request.contains("me-south-1") {
            refuse(403, r#"{"__type": "UnrecognizedClientException"}"#)
        } else {
            ok(KEYS)
        }
    })
    .await;
    let before = b.call("kms:ListKeys", "me-south-1", "{}").await.unwrap_err();
    assert_eq!(before.reason, GapReason::Credentials, "nothing worked yet");
    b.call("kms:ListKeys", "us-east-1", "{}").await.unwrap();
    let after = b.call("kms:ListKeys", "me-south-1", "{}").await.unwrap_err();
    assert_eq!(after.reason, GapReason::RegionDisabled);
}

#[tokio::test]
async fn broken_connections_and_answers_are_tried_again_and_then_told_apart() {
    let b = bench(|n, _| if n == 0 { Reply::Reset } else { ok(KEYS) }).await;
    assert!(b.call("kms:ListKeys", "us-east-1", "{}").await.is_ok(), "one reset");

    let b = bench(|_, _| Reply::Reset).await;
    assert_eq!(b.call("kms:ListKeys", "us-east-1", "{}").await.unwrap_err().reason, GapReason::Unreachable);

    let b = bench(|_, _| Reply::CutOff(KEYS.to_owned())).await;
    assert_eq!(b.call("kms:ListKeys", "us-east-1", "{}").await.unwrap_err().reason, GapReason::Unreachable);

    for body in [&KEYS[..20], "", "\u{0}", "[]", "<x/>", r#"{"Keys": 5}"#, r#"{"Keys": [{"KeyId": {}}]}"#] {
        let body = body.to_owned();
        let b = bench(move |_, _| ok(&body)).await;
        assert_eq!(b.call("kms:ListKeys", "us-east-1", "{}").await.unwrap_err().reason, GapReason::BadAnswer);
        assert_eq!(b.session.requests(), 3);
    }
}

#[tokio::test]
async fn truncated_xml_is_never_half_an_answer() {
    let whole = "<DescribeVpcsResponse><vpcSet><item><vpcId>a</vpcId></item><item><vpcId>b</vpcId></item></vpcSet></DescribeVpcsResponse>";
    let b = bench(move |_, _| ok(whole)).await;
    let pages = b.call("ec2:DescribeVpcs", "us-east-1", "{}").await.unwrap();
    assert_eq!(pages[0].to_string(), r#"{"Vpcs":[{"VpcId":"a"},{"VpcId":"b"}]}"#);
    for cut in 0..whole.len() {
        let b =
            bench_with(Options { max_attempts: Some(1), ..Options::default() }, move |_, _| ok(&whole[..cut])).await;
        let error = b.call("ec2:DescribeVpcs", "us-east-1", "{}").await.unwrap_err();
        assert_eq!(error.reason, GapReason::BadAnswer, "cut at {cut}");
    }
}

#[tokio::test]
async fn a_hung_endpoint_times_out() {
    let options = Options { attempt_timeout: Duration::from_millis(150), max_attempts: Some(2), ..Options::default() };
    let b = bench_with(options, |_, _| Reply::Hang).await;
    let start = Instant::now();
    assert_eq!(b.call("kms:ListKeys", "us-east-1", "{}").await.unwrap_err().reason, GapReason::TimedOut);
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_answer_over_the_cap_is_bad() {
    let options = Options { max_answer_bytes: 1000, ..Options::default() };
    let b = bench_with(options, |_, _| ok(&format!("{{\"Keys\": [], \"Pad\": \"{}\"}}", "x".repeat(5000)))).await;
    let error = b.call("kms:ListKeys", "us-east-1", "{}").await.unwrap_err();
    assert_eq!((error.reason, error.code.as_str()), (GapReason::BadAnswer, "AnswerTooLarge"));
    assert_eq!(b.session.requests(), 1);
}

#[tokio::test]
async fn ten_megabytes_are_read() {
    let keys = vec![format!(r#"{{"KeyId": "{}"}}"#, "k".repeat(1000)); 10_000].join(",");
    let b = bench(move |_, _| ok(&format!("{{\"Keys\": [{keys}]}}"))).await;
    let pages = b.call("kms:ListKeys", "us-east-1", "{}").await.unwrap();
    assert_eq!(pages[0].path("Keys").unwrap().as_list().unwrap().len(), 10_000);
}

#[tokio::test]
async fn deep_answers_are_refused_not_followed() {
    let deep = format!("{{\"Keys\": {}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let b = bench(move |_, _| ok(&deep)).await;
    assert_eq!(b.call("kms:ListKeys", "us-east-1", "{}").await.unwrap_err().reason, GapReason::BadAnswer);
    let skipped = format!("{{\"Unknown\": {}{}, \"Keys\": []}}", "[".repeat(100_000), "]".repeat(100_000));
    let b = bench(move |_, _| ok(&skipped)).await;
    assert_eq!(b.call("kms:ListKeys", "us-east-1", "{}").await.unwrap_err().reason, GapReason::BadAnswer);
    let xml = format!("<R>{}{}</R>", "<a>".repeat(50_000), "</a>".repeat(50_000));
    let b = bench(move |_, _| ok(&xml)).await;
    // Unknown elements are skipped without recursion: what counts is that this returns.
    let _ = b.call("ec2:DescribeVpcs", "us-east-1", "{}").await;
}

#[tokio::test]
async fn pages_are_followed_and_a_loop_is_bad() {
    let b = bench(|n, _| {
        let more = n < 3;
        ok(&format!(r#"{{"Keys": [{{"KeyId": "{n}"}}], "Truncated": {more}, "NextMarker": "m{n}"}}"#))
    })
    .await;
    assert_eq!(b.call("kms:ListKeys", "us-east-1", r#"{"Limit": 1}"#).await.unwrap().len(), 4);
    assert!(b.requests()[3].contains(r#""Marker":"m2""#) && b.requests()[3].contains(r#""Limit":1"#));

    let b = bench(|n, _| ok(&format!(r#"{{"Keys": [], "Truncated": true, "NextMarker": "m{}"}}"#, n % 2))).await;
    let error = b.call("kms:ListKeys", "us-east-1", "{}").await.unwrap_err();
    assert_eq!((error.reason, b.session.requests()), (GapReason::BadAnswer, 3));
}

#[tokio::test]
async fn expired_credentials_are_renewed_once() {
    #[derive(Debug)]
    struct Rolling(AtomicUsize);
    impl aws_credential_types::provider::ProvideCredentials for Rolling {
        fn provide_credentials<'a>(&'a self) -> aws_credential_types::provider::future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let key = format!("AKID{}", self.0.fetch_add(1, Ordering::SeqCst));
            aws_credential_types::provider::future::ProvideCredentials::ready(Ok(Credentials::new(
                key, "secret", None, None, "test",
            )))
        }
    }
    let rolling = || Some(SharedCredentialsProvider::new(Rolling(AtomicUsize::new(0))));
    let expired = r#"{"__type": "ExpiredTokenException"}"#;

    let options = Options { credentials: rolling(), ..Options::default() };
    let b = bench_with(options, move |_, r| if r.contains("AKID0/") { refuse(400, expired) } else { ok(KEYS) }).await;
    let (one, two) = tokio::join!(b.call("kms:ListKeys", "us-east-1", "{}"), b.call("kms:ListKeys", "us-east-1", "{}"));
    assert!(one.is_ok() && two.is_ok());
    assert!(!b.requests().iter().any(|r| r.contains("AKID2/")), "renewed once for both");

    let options = Options { credentials: rolling(), ..Options::default() };
    let b = bench_with(options, move |_, _| refuse(400, expired)).await;
    let error = b.call("kms:ListKeys", "us-east-1", "{}").await.unwrap_err();
    assert_eq!((error.reason, b.session.requests()), (GapReason::Credentials, 2));
}

#[tokio::test]
async fn s3_goes_where_the_bucket_is_and_remembers() {
    let away = "<Error><Code>AuthorizationHeaderMalformed</Code><Message>m</Message><Region>eu-west-1</Region></Error>";
    let encryption = "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256\
        </SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>";
    let b = bench(move |_, r| if r.contains("/eu-west-1/s3/") { ok(encryption) } else { refuse(400, away) }).await;
    for _ in 0..2 {
        let pages = b.call("s3:GetBucketEncryption", "us-east-1", r#"{"Bucket": "b"}"#).await.unwrap();
        let algorithm =
            pages[0].path("ServerSideEncryptionConfiguration.Rules.ApplyServerSideEncryptionByDefault.SSEAlgorithm");
        assert_eq!(algorithm.unwrap().to_string(), r#"["AES256"]"#);
    }
    assert_eq!(b.session.requests(), 3);
    let first = &b.requests()[0];
    assert!(first.starts_with("GET /b?encryption HTTP/1.1"), "{first}");
    assert!(first.contains("x-amz-content-sha256: e3b0c442"), "{first}");
}

#[tokio::test]
async fn error_messages_carry_no_secrets() {
    let body = "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>key AKIAIOSFODNN7EXAMPLE token \
        IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQDabc123ABCdef456GHIjkl789 bad\nCanonical: secret</Message></Error></ErrorResponse>";
    let b = bench(move |_, _| refuse(403, body)).await;
    let error = b.call("iam:ListUsers", "us-east-1", "{}").await.unwrap_err();
    assert_eq!(error.message, "key [removed] token [removed] bad");
}

#[tokio::test]
async fn many_calls_stay_within_the_cap() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (n, m) = (now.clone(), most.clone());
    let b = bench_with(Options { max_concurrency: 4, ..Options::default() }, move |_, _| {
        m.fetch_max(n.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(5));
        n.fetch_sub(1, Ordering::SeqCst);
        ok(KEYS)
    })
    .await;
    let b = Arc::new(b);
    let tasks: Vec<_> = (0..40)
        .map(|_| {
            let b = b.clone();
            tokio::spawn(async move { b.call("kms:ListKeys", "us-east-1", "{}").await.is_ok() })
        })
        .collect();
    for task in tasks {
        assert!(task.await.unwrap());
    }
    assert!(most.load(Ordering::SeqCst) <= 4);
}

const ASSUMED: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials>\
    <AccessKeyId>AKIDROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
    <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";

fn role() -> Role {
    Role { external_id: Some("ext".to_owned()), ..Role::new("arn:aws:iam::123456789012:role/audit") }
}

#[tokio::test]
async fn roles_are_assumed_with_external_id_and_mfa_code() {
    for serial in [None, Some("arn:aws:iam::123456789012:mfa/me".to_owned())] {
        let options = Options { mfa_prompt: Some(Arc::new(|_| Ok("123456".to_owned()))), ..Options::default() };
        let b = bench_with(options, |_, r| if r.contains("Action=AssumeRole") { ok(ASSUMED) } else { ok(KEYS) }).await;
        let assumed = b.session.assume(&Role { mfa_serial: serial.clone(), ..role() }).await.unwrap();
        let operation = b.facts.read_operation("kms:ListKeys").unwrap();
        assumed.call(&operation, "us-east-1", &Map::new(), &mut |_| ()).await.unwrap();
        let requests = b.requests();
        assert!(requests[0].contains("ExternalId=ext"), "{}", requests[0]);
        assert_eq!(requests[0].contains("TokenCode=123456"), serial.is_some());
        assert!(requests[1].contains("Credential=AKIDROLE/") && requests[1].contains("x-amz-security-token: t"));
    }
}

#[tokio::test]
async fn a_role_that_cannot_be_assumed_says_why() {
    let denied = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>";
    let b = bench(move |_, _| refuse(403, denied)).await;
    let error = b.session.assume(&role()).await.unwrap_err().to_string();
    assert!(
        error.starts_with("cannot assume arn:aws:iam::123456789012:role/audit") && error.contains("AccessDenied"),
        "{error}"
    );
    let with_mfa = Role { mfa_serial: Some("m".to_owned()), ..role() };
    let error = b.session.assume(&with_mfa).await.unwrap_err();
    assert_eq!(error, ConnectError::Mfa("arn:aws:iam::123456789012:role/audit".to_owned()));
}
