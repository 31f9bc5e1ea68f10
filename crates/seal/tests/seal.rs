//! Keys, sealed files and the sealed store, with what is broken in every way.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may stop")]

use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use proptest::prelude::*;
use std::sync::Arc;
use yagura_seal::sealed::{CHUNK, HEAD, open, plain_len, seal, sealed_len};
use yagura_seal::{DataKey, KeyFile, SealError, SealedStore, Wrap};

#[test]
fn a_passphrase_opens_its_key_and_no_other() {
    let key = DataKey::new().unwrap();
    let file = KeyFile::with_passphrase(&key, "correct horse").unwrap();
    let read = KeyFile::parse(&file.text()).unwrap();
    assert_eq!(read.open("correct horse").unwrap(), key);
    assert_eq!(read.open("correct horsf"), Err(SealError::WrongPassphrase));
    assert!(!file.text().contains("correct"));
    assert_eq!(format!("{key:?}"), format!("DataKey({})", key.id()), "the key itself is not shown");
    // Another id in the file is another key's file.
    let other = file.text().replace(&key.id(), "0123456789abcdef");
    assert_eq!(KeyFile::parse(&other).unwrap().open("correct horse"), Err(SealError::WrongPassphrase));
}

#[test]
fn what_kms_wraps_is_opened_by_what_kms_answers() {
    let plaintext = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let key = DataKey::of(plaintext).unwrap();
    let file = KeyFile::with_kms(&key, "arn:aws:kms:eu-west-1:111122223333:key/1", "YmxvYg==").text();
    assert!(!file.contains("Bwc"));
    let file = KeyFile::parse(&file).unwrap();
    let expected = Wrap::Kms { arn: "arn:aws:kms:eu-west-1:111122223333:key/1".into(), key: "YmxvYg==".into() };
    assert_eq!(*file.wrapped(), expected);
    assert_eq!(file.decrypted(plaintext).unwrap(), key);
    for wrong in ["c2hvcnQ=", "no base64!", ""] {
        assert!(matches!(file.decrypted(wrong), Err(SealError::NoKeyFile(_))));
        assert!(matches!(DataKey::of(wrong), Err(SealError::NoKeyFile(_))));
    }
    assert!(matches!(file.open("x"), Err(SealError::NoKeyFile(_))));
}

#[test]
fn broken_key_files_are_refused() {
    let good = KeyFile::with_passphrase(&DataKey::new().unwrap(), "x").unwrap().text();
    for (from, to) in [
        ("\"yagura_key\": 1", "\"yagura_key\": 2"),
        ("\"rounds\": 600000", "\"rounds\": 0"),
        ("\"rounds\": 600000", "\"rounds\": 4000000000"),
        ("\"id\": \"", "\"id\": \"zz"),
        ("\"salt\"", "\"sault\""),
    ] {
        assert!(good.contains(from), "{from}");
        let read = KeyFile::parse(&good.replace(from, to)).and_then(|f| f.open("x"));
        assert!(matches!(read, Err(SealError::NoKeyFile(_))), "{to}: {read:?}");
    }
    for text in ["", "{}", "null", "\u{feff}{", "[1]"] {
        assert!(matches!(KeyFile::parse(text), Err(SealError::NoKeyFile(_))));
    }
}

#[test]
fn every_length_around_a_chunk_comes_back() {
    let key = DataKey::new().unwrap();
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7] {
        let plain: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
        let sealed = seal(&key, &plain).unwrap();
        assert_eq!(sealed.len() as u64, sealed_len(length as u64));
        assert_eq!(plain_len(sealed.len() as u64), Some(length as u64));
        assert_eq!(open(&key, &sealed).unwrap(), plain);
        assert_ne!(seal(&key, &plain).unwrap(), sealed, "each file has a key of its own");
    }
    let other = DataKey::new().unwrap();
    let sealed = seal(&key, b"x").unwrap();
    assert_eq!(open(&other, &sealed), Err(SealError::OtherKey { found: key.id(), wanted: other.id() }));
    assert_eq!(open(&key, b"SQLite format 3\0 and so on, long enough"), Err(SealError::Damaged("is not sealed")));
}

#[test]
fn chunks_cannot_be_cut_left_out_moved_or_repeated() {
    let key = DataKey::new().unwrap();
    let plain = vec![9; 3 * CHUNK];
    let sealed = seal(&key, &plain).unwrap();
    let (head, body) = sealed.split_at(HEAD);
    let chunk = |n: usize| &body[n * (CHUNK + 16)..(n + 1) * (CHUNK + 16)];
    let made = |parts: &[&[u8]]| [head, &parts.concat()].concat();
    for forged in [
        made(&[chunk(0), chunk(1)]),
        made(&[chunk(1), chunk(0), chunk(2)]),
        made(&[chunk(0), chunk(2)]),
        made(&[chunk(0), chunk(0), chunk(1), chunk(2)]),
        made(&[chunk(2)]),
        made(&[]),
    ] {
        assert!(matches!(open(&key, &forged), Err(SealError::Damaged(_))));
    }
    for cut in 0..200 {
        assert!(open(&key, &sealed[..cut]).is_err(), "{cut}");
        assert!(open(&key, &sealed[..sealed.len() - 1 - cut]).is_err());
    }
}

proptest! {
    #[test]
    fn no_flipped_bit_passes(length in 0usize..(CHUNK + 100), at in any::<prop::sample::Index>(), bit in 0u8..8) {
        let key = DataKey::new().unwrap();
        let mut sealed = seal(&key, &vec![1; length]).unwrap();
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        prop_assert!(open(&key, &sealed).is_err());
    }

    #[test]
    fn any_range_of_a_sealed_object_is_that_of_the_plain_one(length in 0usize..(3 * CHUNK), a in any::<prop::sample::Index>(), b in any::<prop::sample::Index>()) {
        let plain: Vec<u8> = (0..length).map(|i| (i * 7 % 256) as u8).collect();
        let (a, b) = (a.index(length + 1), b.index(length + 1));
        let (start, end) = (a.min(b), a.max(b));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let store = SealedStore::new(Arc::new(InMemory::new()), DataKey::new().unwrap());
            let path = Path::from("a/b");
            store.put(&path, PutPayload::from(plain.clone())).await.unwrap();
            let whole = store.get(&path).await.unwrap().bytes().await.unwrap();
            prop_assert_eq!(whole.as_ref(), &plain[..]);
            prop_assert_eq!(store.head(&path).await.unwrap().size, length as u64);
            if start < end {
                let part = store.get_range(&path, start as u64..end as u64).await.unwrap();
                prop_assert_eq!(part.as_ref(), &plain[start..end]);
                let parts = store.get_ranges(&path, &[start as u64..end as u64, 0..1]).await.unwrap();
                prop_assert_eq!(parts[0].as_ref(), &plain[start..end]);
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn what_lies_on_the_disk_tells_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let files: Arc<dyn ObjectStore> = Arc::new(LocalFileSystem::new_with_prefix(folder.path()).unwrap());
    let key = DataKey::new().unwrap();
    let store = SealedStore::new(files.clone(), key.clone());
    let (one, two) = (Path::from("x/one"), Path::from("x/two"));
    let secret = b"arn:aws:iam::111122223333:user/sato ".repeat(5000);
    store.put(&one, PutPayload::from(secret.clone())).await.unwrap();
    let disk = std::fs::read(folder.path().join("x/one")).unwrap();
    assert!(!disk.windows(12).any(|w| w == b"arn:aws:iam:"));
    // Renamed, listed, overwritten: the plain sizes, and the new text.
    store.rename(&one, &two).await.unwrap();
    let listed = store.list_with_delimiter(Some(&Path::from("x"))).await.unwrap();
    assert_eq!(listed.objects.iter().map(|m| m.size).collect::<Vec<_>>(), [secret.len() as u64]);
    assert_eq!(store.get(&two).await.unwrap().bytes().await.unwrap().as_ref(), secret.as_slice());
    store.put(&two, PutPayload::from_static(b"new")).await.unwrap();
    assert_eq!(store.get(&two).await.unwrap().bytes().await.unwrap().as_ref(), b"new");
    // Another key, a plain file, a cut one: each is told, none is taken for empty.
    let other = SealedStore::new(files.clone(), DataKey::new().unwrap());
    assert!(other.get(&two).await.unwrap_err().to_string().contains("is sealed with the key"));
    files.put(&one, PutPayload::from(vec![b'x'; 100])).await.unwrap();
    assert!(store.get(&one).await.unwrap_err().to_string().contains("is not sealed"));
    files.put(&one, PutPayload::from_static(b"short")).await.unwrap();
    assert!(store.get(&one).await.is_err());
}
