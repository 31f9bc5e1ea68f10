//! Stores on a local disk and on moto.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may stop")]

use super::*;
use futures_util::TryStreamExt;
use moto::{Server, output, python};
use object_store::{Attribute, Attributes, ObjectStoreExt, PutOptions};
use std::process::Command;
use yagura_aws::{Credentials, Options, SharedCredentialsProvider};

#[path = "../../../tests/common/moto.rs"]
mod moto;

#[test]
fn places_are_told_apart() {
    let s3 = |bucket: &str, prefix: &str| Some(S3Place { bucket: bucket.into(), prefix: Path::parse(prefix).unwrap() });
    for (place, wanted) in [
        ("s3://logs", s3("logs", "")),
        ("s3://logs/", s3("logs", "")),
        ("S3://logs/a b/%41/日本/", s3("logs", "a b/%41/日本")),
        ("/tmp/x", None),
        ("a:b", None),
        ("folder with :// in it", None),
    ] {
        assert_eq!(S3Place::parse(place).unwrap(), wanted, "{place}");
    }
    for bad in ["s3://", "s3:///x", "gs://bucket/x", "s3://bucket/a//b", "s3://bucket/../x", "s3://b@d/x", "http://x/y"]
    {
        let failure = S3Place::parse(bad).unwrap_err();
        assert!(failure.render(Lang::En).contains(bad) && failure.render(Lang::Ja).contains(bad), "{bad}");
    }
}

async fn keys(store: &dyn ObjectStore, prefix: &Path) -> Vec<String> {
    let mut found: Vec<_> = store.list(Some(prefix)).map_ok(|m| m.location.to_string()).try_collect().await.unwrap();
    found.sort();
    found
}

#[tokio::test]
async fn local_folders_of_any_name_are_read_and_written() {
    let home = tempfile::tempdir().unwrap();
    for name in ["plain", "two words", "100%", "%41", "日本語 ログ", "a#1", "q?x=y", "[x]", "été"] {
        let folder = home.path().join(name);
        let (store, within) =
            open(folder.to_str().unwrap(), &StoreArgs::default(), Folder::Make, Lang::En).await.unwrap();
        assert!(within.is_root() && folder.is_dir(), "{name}");
        for key in ["x y.gz", "deep/%2F.json", "深い/ファイル.gz"] {
            store.put(&Path::parse(key).unwrap(), "hello".into()).await.unwrap();
            assert_eq!(std::fs::read(folder.join(key)).unwrap(), b"hello", "{name} {key}");
        }
        assert_eq!(keys(&*store, &Path::ROOT).await, ["deep/%2F.json", "x y.gz", "深い/ファイル.gz"], "{name}");
        let file = folder.join("x y.gz");
        let (store, within) =
            open(file.to_str().unwrap(), &StoreArgs::default(), Folder::Must, Lang::En).await.unwrap();
        assert_eq!(store.get(&within).await.unwrap().bytes().await.unwrap(), "hello", "{name}");
    }
    std::os::unix::fs::symlink(home.path().join("plain"), home.path().join("link")).unwrap();
    let link = home.path().join("link");
    let (store, _) = open(link.to_str().unwrap(), &StoreArgs::default(), Folder::Must, Lang::En).await.unwrap();
    assert_eq!(keys(&*store, &Path::ROOT).await.len(), 3);
    let nowhere = home.path().join("nowhere");
    let failure = open(nowhere.to_str().unwrap(), &StoreArgs::default(), Folder::Must, Lang::En).await.unwrap_err();
    assert!(failure.render(Lang::En).contains("there is no file or folder"), "{}", failure.render(Lang::En));
}

async fn session(url: &str) -> Session {
    let credentials = Credentials::new("testing", "testing", None, None, "test");
    let options = Options {
        region: Some("us-east-1".into()),
        endpoint_url: Some(url.to_owned()),
        credentials: Some(SharedCredentialsProvider::new(credentials)),
        max_attempts: Some(1),
        ..Options::default()
    };
    Session::connect(options, content::facts().unwrap()).await.unwrap()
}

#[tokio::test]
async fn buckets_are_read_and_written_with_their_metadata() {
    let python = python();
    let server = Server::moto(&python);
    let make = format!(
        "import boto3; s = boto3.client('s3', region_name='us-east-1', endpoint_url='{}', aws_access_key_id='t', \
         aws_secret_access_key='t'); s.create_bucket(Bucket='trail.logs'); s.put_object(Bucket='trail.logs', \
         Key='p/a b%2F.json.gz', Body=b'one', Metadata={{'signature': 'ab', 'signature-algorithm': 'SHA256withRSA'}})",
        server.url()
    );
    output(Command::new(&python).args(["-c", &make]));

    let session = session(&server.url()).await;
    let prefix = Path::parse("p").unwrap();
    let store = bucket(&session, "trail.logs", &prefix).await.unwrap();
    assert_eq!(keys(&*store, &prefix).await, ["p/a b%2F.json.gz"]);
    let got = store.get(&Path::parse("p/a b%2F.json.gz").unwrap()).await.unwrap();
    let metadata =
        |name: &'static str| got.attributes.get(&Attribute::Metadata(name.into())).map(|v| v.as_ref().to_owned());
    assert_eq!(metadata("signature").as_deref(), Some("ab"));
    assert_eq!(metadata("signature-algorithm").as_deref(), Some("SHA256withRSA"));
    assert_eq!(got.bytes().await.unwrap(), "one");

    let written = Path::parse("lake/日本.parquet").unwrap();
    let attributes = Attributes::from_iter([(Attribute::Metadata("made-by".into()), "yagura")]);
    store.put_opts(&written, "two".into(), PutOptions { attributes, ..PutOptions::default() }).await.unwrap();
    assert_eq!(store.get(&written).await.unwrap().bytes().await.unwrap(), "two");
    store.delete(&written).await.unwrap();
    let gone = store.get(&written).await.unwrap_err();
    let said = failure(&gone, "s3://trail.logs/lake/日本.parquet", Access::Get).render(Lang::En);
    assert!(said.contains("there is no `s3://trail.logs/lake/日本.parquet`"), "{said}");

    let nowhere = bucket(&session, "no-such-bucket", &Path::ROOT).await.unwrap_err();
    assert!(nowhere.render(Lang::En).contains("there is no bucket"), "{}", nowhere.render(Lang::En));
    assert!(nowhere.render(Lang::Ja).contains("バケットは存在しない"), "{}", nowhere.render(Lang::Ja));
}

#[tokio::test]
async fn a_silent_endpoint_is_told() {
    let failure = bucket(&session(&format!("http://{}", moto::free())).await, "logs", &Path::ROOT).await.unwrap_err();
    assert_eq!(failure.code, crate::failure::exit::BLIND);
    assert!(failure.render(Lang::En).contains("cannot read `s3://logs`"), "{}", failure.render(Lang::En));
}

#[test]
fn denied_access_names_the_action_in_both_languages() {
    let denied = object_store::Error::PermissionDenied { path: "k".into(), source: "<Code>AccessDenied</Code>".into() };
    for (access, action) in [
        (Access::List, "s3:ListBucket"),
        (Access::Get, "s3:GetObject"),
        (Access::Put, "s3:PutObject"),
        (Access::Delete, "s3:DeleteObject"),
    ] {
        let failure = failure(&denied, "s3://b/k", access);
        for lang in [Lang::En, Lang::Ja] {
            let said = failure.render(lang);
            assert!(said.contains(action) && said.contains("s3://b/k"), "{said}");
        }
    }
    let lost = NoCredentials(CallError {
        code: "CredentialsNotLoaded".into(),
        message: "the SSO session ended".into(),
        status: None,
        reason: GapReason::Credentials,
    });
    let lost = object_store::Error::Unauthenticated { path: String::new(), source: Box::new(lost) };
    let said = failure(&lost, "s3://b/k", Access::Get).render(Lang::En);
    assert!(said.contains("expired or wrong (ExpiredToken: the SSO session ended)"), "{said}");
}
