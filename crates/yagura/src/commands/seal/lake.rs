//! A lake whose files are encrypted. A small plain object in it names the key, so that nobody takes such a lake for an empty or broken one.

use super::{key, must, say};
use crate::commands::logs::lake::{LakeArgs, runtime};
use crate::commands::store::{self, Access, Folder, StoreArgs};
use crate::failure::Failure;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutPayload};
use std::sync::Arc;
use yagura_logs::lake::{Lake, lock};
use yagura_model::Lang;
use yagura_seal::sealed::{self, Reader, is_sealed};
use yagura_seal::{DataKey, SealedStore};

/// Where the key's id stands, below the lake's root.
fn marker(root: &Path) -> Path {
    root.clone().join("_yagura").join("sealed")
}

/// The lake's store as it is to be read and written: behind the key at hand where the lake is encrypted, or is to be made with that key.
///
/// # Errors
/// It is encrypted and no key, or another, is at hand; or it is plain and a key is.
pub async fn opened(
    store: Arc<dyn ObjectStore>,
    root: &Path,
    lake: &LakeArgs,
    writes: bool,
) -> Result<Arc<dyn ObjectStore>, Failure> {
    let name = &lake.lake;
    match (named(&store, root, lake).await?, key::at_hand()?) {
        (None, None) => Ok(store),
        (Some(id), Some(key)) if key.id() == id => Ok(Arc::new(SealedStore::new(store, key))),
        (Some(id), Some(key)) => Err(other_key(lake, &id, &key)),
        (Some(id), None) => Err(Failure::blind(
            format!("the lake `{name}` is encrypted with the key {id}"),
            format!("レイク `{name}` はキー {id} で暗号化されている"),
        )
        .hint("name its key file in YAGURA_KEY", "そのキーファイルを YAGURA_KEY で指定する")),
        (None, Some(key)) => {
            let plain = Lake::open(store.clone(), root.clone()).await.map_err(|e| lake.failure(&e, Access::Get))?;
            if plain.version() > 0 {
                return Err(Failure::blind(
                    format!("YAGURA_KEY names a key, and the lake `{name}` is not encrypted"),
                    format!("YAGURA_KEY でキーが指定されているが、レイク `{name}` は暗号化されていない"),
                )
                .hint(
                    "encrypt it with `yagura seal lake`, or leave YAGURA_KEY out",
                    "`yagura seal lake` で暗号化するか、YAGURA_KEY を外す",
                ));
            }
            if !writes {
                return Ok(store);
            }
            mark(&store, root, &key).await.map_err(|e| store::failure(&e, name, Access::Put))?;
            Ok(Arc::new(SealedStore::new(store, key)))
        }
    }
}

/// The id of the key that the lake is encrypted with.
async fn named(store: &Arc<dyn ObjectStore>, root: &Path, lake: &LakeArgs) -> Result<Option<String>, Failure> {
    let failed = |e: Error| store::failure(&e, &lake.lake, Access::Get);
    match store.get(&marker(root)).await {
        Ok(found) => {
            let id = found.bytes().await.map_err(failed)?;
            Ok(Some(String::from_utf8_lossy(&id).trim().to_owned()))
        }
        Err(Error::NotFound { .. }) => Ok(None),
        Err(e) => Err(failed(e)),
    }
}

fn other_key(lake: &LakeArgs, id: &str, key: &DataKey) -> Failure {
    let name = &lake.lake;
    Failure::blind(
        format!("the lake `{name}` is encrypted with the key {id}, and YAGURA_KEY names {}", key.id()),
        format!("レイク `{name}` はキー {id} で暗号化されているが、YAGURA_KEY のキーは {}", key.id()),
    )
}

async fn mark(store: &Arc<dyn ObjectStore>, root: &Path, key: &DataKey) -> Result<(), Error> {
    store.put(&marker(root), PutPayload::from(key.id().into_bytes())).await.map(drop)
}

/// Encrypts every object of a lake in its place, or decrypts them.
pub(super) fn seal(lake: &LakeArgs, aws: &StoreArgs, decrypt: bool, lang: Lang) -> Result<u8, Failure> {
    let key = must()?;
    lake.must_be_there()?;
    // Nobody writes to a lake of this machine meanwhile.
    let _turn = match lake.folder()? {
        Some(folder) => Some(lock(&folder).map_err(|e| lake.failure(&e, Access::Put))?),
        None => None,
    };
    let count = runtime()?.block_on(async {
        let (store, root) = store::open(&lake.lake, aws, Folder::Must, lang).await?;
        let failed = |e: Error, access| store::failure(&e, &lake.lake, access);
        if let Some(id) = named(&store, &root, lake).await?.filter(|id| *id != key.id()) {
            return Err(other_key(lake, &id, &key));
        }
        // Encrypted: the marker first. Whoever opens it half-way is told to name the key, and then which file is still plain.
        if !decrypt {
            mark(&store, &root, &key).await.map_err(|e| failed(e, Access::Put))?;
        }
        let listed: Vec<_> = store.list(Some(&root)).try_collect().await.map_err(|e| failed(e, Access::List))?;
        let mut count = 0usize;
        for object in listed {
            let name = object.location.filename().unwrap_or_default();
            if object.location == marker(&root) || (name == "lock" && object.size == 0) {
                continue;
            }
            let bytes = match store.get(&object.location).await {
                Ok(found) => found.bytes().await.map_err(|e| failed(e, Access::Get))?,
                Err(e) => return Err(failed(e, Access::Get)),
            };
            let told = |e| key::failure(std::path::Path::new(object.location.as_ref()), &e);
            if is_sealed(&bytes) != decrypt {
                // Done before; by this key, or it would be lost behind the marker of another.
                if !decrypt {
                    Reader::new(&key, &bytes, bytes.len() as u64).map_err(told)?;
                }
                continue;
            }
            let other = if decrypt { sealed::open(&key, &bytes) } else { sealed::seal(&key, &bytes) }.map_err(told)?;
            store.put(&object.location, PutPayload::from(other)).await.map_err(|e| failed(e, Access::Put))?;
            count += 1;
        }
        if decrypt {
            match store.delete(&marker(&root)).await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(e) => return Err(failed(e, Access::Delete)),
            }
        }
        Ok(count)
    })?;
    say(&match (lang, decrypt) {
        (Lang::En, false) => format!("{count} files of the lake {} are encrypted with the key {}", lake.lake, key.id()),
        (Lang::En, true) => format!("{count} files of the lake {} are plain again", lake.lake),
        (Lang::Ja, false) => format!("レイク {} の {count} 個のファイルをキー {} で暗号化した", lake.lake, key.id()),
        (Lang::Ja, true) => format!("レイク {} の {count} 個のファイルを復号した", lake.lake),
    })
}
