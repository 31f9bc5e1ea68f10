//! An object store whose objects are all sealed. Sizes, ranges and listings are those of the plain objects.

use crate::key::DataKey;
use crate::sealed::{self, HEAD, Reader, plain_len};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// How many heads are kept, so that a file read in parts is asked for its head once.
const HEADS: usize = 4096;

/// An object store whose objects are all sealed with one data key.
pub struct SealedStore {
    inner: Arc<dyn ObjectStore>,
    key: DataKey,
    /// By path: what the head stood in, and the head.
    heads: Mutex<HashMap<Path, (Stamp, Bytes)>>,
}

/// What tells one version of an object from the next.
type Stamp = (Option<String>, u64, i64);

impl SealedStore {
    /// What `inner` keeps, sealed.
    pub fn new(inner: Arc<dyn ObjectStore>, key: DataKey) -> Self {
        Self { inner, key, heads: Mutex::default() }
    }

    fn broken(path: &Path, e: crate::SealError) -> Error {
        Error::Generic { store: "sealed", source: format!("{path} {e}").into() }
    }

    fn plain(&self, mut meta: ObjectMeta) -> Result<ObjectMeta> {
        let cut = crate::SealError::Damaged("is no sealed file: it was cut off, or written without a key");
        meta.size = plain_len(meta.size).ok_or_else(|| Self::broken(&meta.location, cut))?;
        Ok(meta)
    }

    async fn head(&self, meta: &ObjectMeta) -> Result<Bytes> {
        let stamp: Stamp = (meta.e_tag.clone(), meta.size, meta.last_modified.timestamp_micros());
        let known = {
            let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
            heads.get(&meta.location).filter(|(s, _)| *s == stamp).map(|(_, head)| head.clone())
        };
        if let Some(head) = known {
            return Ok(head);
        }
        let options = GetOptions { range: Some(GetRange::Bounded(0..HEAD as u64)), ..GetOptions::default() };
        let head = self.inner.get_opts(&meta.location, options).await?.bytes().await?;
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        if heads.len() >= HEADS {
            heads.clear();
        }
        heads.insert(meta.location.clone(), (stamp, head.clone()));
        Ok(head)
    }
}

impl fmt::Debug for SealedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealedStore({:?}, {})", self.key, self.inner)
    }
}

impl fmt::Display for SealedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sealed {}", self.inner)
    }
}

#[async_trait]
impl ObjectStore for SealedStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let plain = Bytes::from(payload);
        let sealed = sealed::seal(&self.key, &plain).map_err(|e| Self::broken(location, e))?;
        self.inner.put_opts(location, PutPayload::from(sealed), opts).await
    }

    /// Not offered: a part is sealed knowing whether it is the last. What the lake writes is written whole.
    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Err(Error::NotImplemented { operation: "put_multipart".into(), implementer: "SealedStore".into() })
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        // What is asked for under a condition, and how long it is.
        let asked = options.range.clone();
        let found = self.inner.get_opts(location, GetOptions { range: None, head: true, ..options.clone() }).await?;
        let meta = found.meta;
        let attributes = found.attributes;
        let plain = self.plain(meta.clone())?;
        let wrong = |e: &dyn fmt::Display| Error::Generic { store: "sealed", source: e.to_string().into() };
        let range = match asked {
            None => 0..plain.size,
            Some(range) => range.as_range(plain.size).map_err(|e| wrong(&e))?,
        };
        let bytes = if options.head {
            Bytes::new()
        } else {
            let head = self.head(&meta).await?;
            let reader = Reader::new(&self.key, &head, meta.size).map_err(|e| Self::broken(location, e))?;
            let part = GetOptions {
                range: Some(GetRange::Bounded(reader.sealed_range(&range))),
                // The same object that was measured.
                if_match: meta.e_tag.clone(),
                version: meta.version.clone(),
                ..GetOptions::default()
            };
            let sealed = self.inner.get_opts(location, part).await?.bytes().await?;
            Bytes::from(reader.part(range.clone(), &sealed).map_err(|e| Self::broken(location, e))?)
        };
        let payload = GetResultPayload::Stream(futures_util::stream::once(async move { Ok(bytes) }).boxed());
        Ok(GetResult { payload, meta: plain, range, attributes })
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        // A length that no sealed file has is told when the file is read.
        let plain = |mut meta: ObjectMeta| {
            meta.size = plain_len(meta.size).unwrap_or(meta.size);
            meta
        };
        self.inner.list(prefix).map_ok(plain).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let mut found = self.inner.list_with_delimiter(prefix).await?;
        for meta in &mut found.objects {
            meta.size = plain_len(meta.size).unwrap_or(meta.size);
        }
        Ok(found)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}
