//! Which records a partition holds already. Each data file has a sorted list of its rows' identities; new ones are looked up in the
//! lists of their folder, which are read when needed and kept in memory as far as a fixed budget goes.

use super::{Lake, LakeError};
use crate::rows::Id;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutPayload};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// The identities in one data file.
#[derive(Debug, Clone)]
pub struct Run {
    path: Path,
}

/// The most that lists take in memory, in bytes.
const BUDGET: usize = 48 << 20;

/// All partitions' lists.
#[derive(Debug)]
pub struct Known {
    store: Arc<dyn ObjectStore>,
    folders: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Vec<Run>>>>>,
    cache: Mutex<Cache>,
}

#[derive(Debug, Default)]
struct Cache {
    lists: HashMap<Path, Arc<Vec<Id>>>,
    order: VecDeque<Path>,
    bytes: usize,
}

impl Cache {
    fn put(&mut self, path: Path, list: Arc<Vec<Id>>) {
        let size = list.len() * size_of::<Id>();
        if size > BUDGET / 2 || self.lists.contains_key(&path) {
            return;
        }
        self.bytes += size;
        self.lists.insert(path.clone(), list);
        self.order.push_back(path);
        while self.bytes > BUDGET
            && let Some(oldest) = self.order.pop_front()
        {
            self.bytes -= self.lists.remove(&oldest).map_or(0, |l| l.len() * size_of::<Id>());
        }
    }
}

impl Known {
    /// Of a lake as it is.
    pub fn of(lake: &Lake) -> Self {
        let mut folders: HashMap<String, Vec<Run>> = HashMap::new();
        for file in lake.all_files() {
            folders.entry(file.folder().to_owned()).or_default().push(Run { path: lake.ids_of(file.name()) });
        }
        let folders = folders.into_iter().map(|(f, runs)| (f, Arc::new(tokio::sync::Mutex::new(runs)))).collect();
        Self { store: lake.store().clone(), folders: Mutex::new(folders), cache: Mutex::default() }
    }

    /// Which of these identities are new to the folder, each once: true for the first of every new one. They are known from now on,
    /// as the rows of the part whose list is `list`. Nothing is written where none is new.
    ///
    /// # Errors
    /// Where a list cannot be read or written.
    pub async fn admit(&self, folder: &str, ids: &[Id], list: &Path) -> Result<Vec<bool>, LakeError> {
        let runs = {
            let mut folders = self.folders.lock().unwrap_or_else(PoisonError::into_inner);
            folders.entry(folder.to_owned()).or_default().clone()
        };
        let mut order: Vec<(Id, u32)> = (0..).zip(ids).map(|(n, id)| (*id, n)).collect();
        order.sort_unstable();
        order.dedup_by_key(|(id, _)| *id);
        let mut runs = runs.lock().await;
        for run in runs.iter() {
            let list = self.list(&run.path).await?;
            order.retain(|(id, _)| list.binary_search(id).is_err());
        }
        let mut new = vec![false; ids.len()];
        for (_, n) in &order {
            if let Some(flag) = new.get_mut(*n as usize) {
                *flag = true;
            }
        }
        if !order.is_empty() {
            let sorted: Vec<Id> = order.into_iter().map(|(id, _)| id).collect();
            write(&self.store, list, &sorted).await?;
            self.cache.lock().unwrap_or_else(PoisonError::into_inner).put(list.clone(), Arc::new(sorted));
            runs.push(Run { path: list.clone() });
        }
        Ok(new)
    }

    async fn list(&self, path: &Path) -> Result<Arc<Vec<Id>>, LakeError> {
        if let Some(list) = self.cache.lock().unwrap_or_else(PoisonError::into_inner).lists.get(path) {
            return Ok(list.clone());
        }
        let list = Arc::new(read(&self.store, path).await?);
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).put(path.clone(), list.clone());
        Ok(list)
    }
}

/// Reads a list.
pub async fn read(store: &Arc<dyn ObjectStore>, path: &Path) -> Result<Vec<Id>, LakeError> {
    let bytes = store.get(path).await?.bytes().await?;
    Ok(bytes.chunks_exact(16).map(|c| c.iter().fold(0, |id, b| id << 8 | u128::from(*b))).collect())
}

/// Writes a sorted list.
pub async fn write(store: &Arc<dyn ObjectStore>, path: &Path, sorted: &[Id]) -> Result<(), LakeError> {
    let bytes: Vec<u8> = sorted.iter().flat_map(|id| id.to_be_bytes()).collect();
    store.put(path, PutPayload::from(bytes)).await?;
    Ok(())
}
