//! Reading and judging every file.

use super::chain::Link;
use super::digest::{Digest, Hash};
use super::inflate::{Fault, Inflate};
use super::journal::Journal;
use super::judge::{Hashed, Judge};
use super::keys::KeyRing;
use super::report::Report;
use super::survey::{Question, Survey};
use super::vault::{Fetch, Vault};
use super::why::Why;
use crate::Trouble;
use futures_util::StreamExt;
use object_store::{Attribute, GetResult};
use ring::digest::{Context, SHA256};
use smol_str::SmolStr;
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// The largest content of a digest: a hundred thousand log files an hour take less.
const LARGEST_DIGEST: u64 = 64 << 20;
/// A digest unpacks to no more than so many times its size: every log file in it has a hash, which cannot be packed.
const DIGEST_RATIO: u64 = 32;
/// So much of digests' content is held at once, in MiB.
const DIGESTS_AT_ONCE: usize = 256;
/// The largest content of a log file, many times what CloudTrail delivers.
const LARGEST_LOG: u64 = 1 << 30;

/// A digest's signature, which lies beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// In hex: `x-amz-meta-signature`.
    pub signature: String,
    /// `SHA256withRSA`: `x-amz-meta-signature-algorithm`.
    pub algorithm: SmolStr,
}

/// Where signatures are.
#[derive(Debug, Clone)]
pub enum Metadata {
    /// With the objects, as Amazon S3 keeps them.
    OfObjects,
    /// By key, saved with a copy.
    Saved(HashMap<String, Signed>),
}

/// Verifies what was surveyed. `step` is told after every file that was read.
///
/// Digests are read first and judged together; then the log files that trustworthy digests name. Both are read several at a time
/// (never more than [`Question::concurrency`]), each is asked for once, and a log file's content is never held.
pub async fn verify(
    vault: Arc<Vault>,
    survey: &Survey,
    question: &Question,
    keys: Arc<KeyRing>,
    metadata: Arc<Metadata>,
    journal: Option<Arc<Journal>>,
    step: &(dyn Fn(&str) + Sync),
) -> Report {
    let mut out = Judge::new(question, survey.outside);
    let places = survey.chains.iter().flat_map(|c| &c.digests);
    let room = Arc::new(Semaphore::new(DIGESTS_AT_ONCE));
    let reading = places.map(|place| {
        let (vault, keys, metadata, room) = (vault.clone(), keys.clone(), metadata.clone(), room.clone());
        let (bucket, key) = (place.bucket.clone(), place.key.clone());
        async move {
            let size = vault.find(bucket.as_deref(), &key).map_or(LARGEST_DIGEST, |l| l.size);
            let limit = size.saturating_mul(DIGEST_RATIO).clamp(64 << 10, LARGEST_DIGEST);
            let _held = room.acquire_many(u32::try_from(limit >> 20).unwrap_or(u32::MAX).max(1)).await;
            read_digest(&vault, (bucket.as_deref(), &key), limit, &keys, &metadata).await
        }
    });
    let mut read = in_parallel(question.concurrency, reading, &|| step("digest")).await.into_iter();
    for chain in &survey.chains {
        let links = chain.digests.iter().map(|place| Link {
            bucket: place.bucket.clone(),
            key: place.key.clone(),
            end: place.is.end,
            read: read.next().flatten().unwrap_or_else(|| Err(broken())),
        });
        let links: Vec<Link> = links.collect();
        out.chain(&vault, chain, links);
    }
    let reading = out.wanted().map(|(bucket, key)| {
        let (vault, journal) = (vault.clone(), journal.clone());
        let (bucket, key) = (bucket.clone(), key.to_owned());
        async move { hash_log(&vault, &bucket, &key, journal.as_deref()).await }
    });
    let read = in_parallel(question.concurrency, reading, &|| step("log")).await;
    let resumed = read.iter().flatten().filter(|(_, resumed)| *resumed).count();
    out.logs(read.into_iter().map(|r| r.map_or_else(|| Hashed::Failed(broken()), |(hashed, _)| hashed)));
    out.clocks(survey);
    out.rest(survey);
    let mut report = out.report;
    report.resumed = u64::try_from(resumed).unwrap_or(u64::MAX);
    report.files.sort_by(|a, b| (&a.key, &a.bucket).cmp(&(&b.key, &b.bucket)));
    report
}

/// What is said of a file whose reading ended on its own.
fn broken() -> Why {
    Why::Unread("reading it failed unexpectedly".to_owned())
}

/// Runs all, at most `limit` at once; the answers come in the order of the questions. `None` is one that did not end well.
async fn in_parallel<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    limit: usize,
    all: impl Iterator<Item = F>,
    step: &(dyn Fn() + Sync),
) -> Vec<Option<T>> {
    let mut out: Vec<Option<T>> = Vec::new();
    let mut running = JoinSet::new();
    let mut all = all.enumerate();
    loop {
        while running.len() < limit.max(1) {
            let Some((nth, next)) = all.next() else { break };
            out.push(None);
            running.spawn(async move { (nth, next.await) });
        }
        match running.join_next().await {
            None => return out,
            Some(Ok((nth, answer))) => {
                if let Some(place) = out.get_mut(nth) {
                    *place = Some(answer);
                }
                step();
            }
            Some(Err(_)) => step(),
        }
    }
}

async fn read_digest(
    vault: &Vault,
    (bucket, key): (Option<&str>, &str),
    limit: u64,
    keys: &KeyRing,
    metadata: &Metadata,
) -> Result<Digest, Why> {
    let got = match vault.fetch(bucket, key).await {
        Fetch::Got(got) => got,
        // It was listed a moment ago.
        Fetch::NotFound => return Err(Why::Unread("it was listed and is not there any more".to_owned())),
        Fetch::Failed(why) => return Err(why),
    };
    let signed = match metadata {
        Metadata::Saved(saved) => saved.get(key).cloned(),
        Metadata::OfObjects => signed(&got),
    };
    let mut content = Vec::new();
    unpack(*got, limit, &mut |bytes| content.extend_from_slice(bytes)).await?;
    Digest::verified(&content, (bucket, key), signed.as_ref(), keys)
}

fn signed(got: &GetResult) -> Option<Signed> {
    let metadata = |name: &'static str| got.attributes.get(&Attribute::Metadata(name.into())).map(AsRef::<str>::as_ref);
    Some(Signed { signature: metadata("signature")?.to_owned(), algorithm: metadata("signature-algorithm")?.into() })
}

/// Unpacks an object as it comes.
async fn unpack(got: GetResult, limit: u64, out: &mut (dyn FnMut(&[u8]) + Send)) -> Result<(), Why> {
    let mut inflate = Inflate::new(limit);
    let mut parts = got.into_stream();
    let wrong = |fault| match fault {
        Fault::Broken => Why::NotGzip,
        Fault::Truncated => Why::Truncated,
        Fault::Trailing => Why::Trailing,
        Fault::TooLarge => Why::TooLarge,
    };
    while let Some(part) = parts.next().await {
        let part = part.map_err(|e| Why::of_trouble(&Trouble::of(&e), "s3:GetObject"))?;
        inflate.push(&part, &mut |bytes| out(bytes)).map_err(wrong)?;
    }
    inflate.finish().map_err(wrong)
}

/// Hashes a log file, or takes the hash from the journal (`true`).
async fn hash_log(vault: &Vault, bucket: &str, key: &str, journal: Option<&Journal>) -> (Hashed, bool) {
    let stamp = vault.find(Some(bucket), key).map(|l| l.stamp.as_str()).unwrap_or_default();
    if let Some(hash) = journal.and_then(|j| j.hash(bucket, key, stamp)) {
        return (Hashed::Is(hash), true);
    }
    let got = match vault.fetch(Some(bucket), key).await {
        Fetch::Got(got) => got,
        Fetch::NotFound => return (Hashed::NotFound, false),
        Fetch::Failed(why) => return (Hashed::Failed(why), false),
    };
    let mut context = Context::new(&SHA256);
    if let Err(why) = unpack(*got, LARGEST_LOG, &mut |bytes| context.update(bytes)).await {
        return (Hashed::Failed(why), false);
    }
    let Ok(hash) = Hash::try_from(context.finish().as_ref()) else {
        return (Hashed::Failed(Why::NotGzip), false);
    };
    if let Some(journal) = journal {
        journal.note(bucket, key, stamp, &hash);
    }
    (Hashed::Is(hash), false)
}
