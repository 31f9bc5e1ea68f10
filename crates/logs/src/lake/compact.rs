//! Many small files of a partition become few large ones.

use super::{Commit, DataFile, Lake, LakeError, ids, parquet};
use crate::table::{Table, table};
use ::parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use arrow_array::{ArrayRef, RecordBatch, new_null_array};
use bytes::Bytes;
use object_store::{ObjectStoreExt, PutPayload};
use std::collections::BTreeMap;

/// Files grow up to this size, in bytes.
const WANTED: u64 = 64 << 20;
/// A file above this gains nothing by being merged.
pub const LARGE: u64 = WANTED / 2;

/// What compaction did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Files that were merged.
    pub before: u64,
    /// Files that they became.
    pub after: u64,
    /// Their rows.
    pub rows: u64,
}

impl Lake {
    /// Merges the files below `small` bytes of each partition that has at least two of them. Each partition is a commit of its own: a process
    /// that dies loses no more than the partition at hand, and that only for itself.
    ///
    /// # Errors
    /// Where the store fails, or another process writes.
    pub async fn compact(
        &mut self,
        small: u64,
        step: &mut (dyn FnMut(&Compacted) + Send),
    ) -> Result<Compacted, LakeError> {
        let mut folders: BTreeMap<String, Vec<DataFile>> = BTreeMap::new();
        for file in self.all_files().filter(|f| f.bytes < small.min(LARGE)) {
            folders.entry(file.folder().to_owned()).or_default().push(file.clone());
        }
        let mut done = Compacted::default();
        for mut files in folders.into_values().filter(|f| f.len() > 1) {
            files.sort_by(|a, b| (a.min_time, &a.path).cmp(&(b.min_time, &b.path)));
            for group in groups(files) {
                done.before += group.len() as u64;
                done.after += 1;
                done.rows += group.iter().map(|f| f.rows).sum::<u64>();
                self.merge(&group).await?;
                step(&done);
            }
        }
        Ok(done)
    }

    async fn merge(&mut self, files: &[DataFile]) -> Result<(), LakeError> {
        let Some(first) = files.first() else { return Ok(()) };
        let Some(table) = table(&first.table) else { return Ok(()) };
        let name = super::new_name();
        let rows = files.iter().map(|f| f.rows).sum::<u64>();
        let expected = usize::try_from(rows).unwrap_or(usize::MAX);
        let mut all_ids = Vec::new();
        let mut writer = None;
        for file in files {
            let failed = |e| LakeError::Parquet(file.path.clone(), e);
            let body = self.store.get(&self.at(&file.path)).await?.bytes().await?;
            let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
            let reader = ParquetRecordBatchReaderBuilder::try_new_with_options(body, options).map_err(failed)?;
            for batch in reader.with_batch_size(parquet::ROW_GROUP / 8).build().map_err(failed)? {
                let batch = conform(&batch.map_err(|e| failed(e.into()))?, table).map_err(|e| failed(e.into()))?;
                let writer = match &mut writer {
                    Some(writer) => writer,
                    None => writer.insert(parquet::writer(Vec::new(), table, &batch, expected).map_err(failed)?),
                };
                writer.write(&batch).map_err(failed)?;
            }
            all_ids.extend(ids::read(&self.store, &self.ids_of(file.name())).await?);
        }
        let Some(writer) = writer else { return Ok(()) };
        let failed = |e| LakeError::Parquet(name.clone(), e);
        let bytes = Bytes::from(writer.into_inner().map_err(failed)?);
        all_ids.sort_unstable();
        let merged = DataFile {
            path: format!("{}/{name}", first.folder()),
            rows,
            raw: files.iter().map(|f| f.raw).sum(),
            bytes: bytes.len() as u64,
            min_time: files.iter().map(|f| f.min_time).min().unwrap_or(i64::MAX),
            max_time: files.iter().map(|f| f.max_time).max().unwrap_or(i64::MIN),
            filters: parquet::filters(&bytes).map_err(failed)?,
            ..first.clone()
        };
        ids::write(&self.store, &self.ids_of(&name), &all_ids).await?;
        self.store.put(&self.staged(&name), PutPayload::from(bytes)).await?;
        let mut commit = Commit::new("compact");
        commit.add.push(merged);
        commit.remove = files.iter().map(|f| f.path.clone()).collect();
        self.commit(commit).await
    }
}

/// Files side by side in time, as many as one file may hold; a group of one is none.
fn groups(files: Vec<DataFile>) -> Vec<Vec<DataFile>> {
    let mut groups: Vec<Vec<DataFile>> = Vec::new();
    let mut size = u64::MAX;
    for file in files {
        size = size.saturating_add(file.bytes);
        if size > WANTED {
            groups.push(Vec::new());
            size = file.bytes;
        }
        if let Some(group) = groups.last_mut() {
            group.push(file);
        }
    }
    groups.retain(|g| g.len() > 1);
    groups
}

/// A batch in the table's schema of today: columns that are new are null.
fn conform(batch: &RecordBatch, table: &Table) -> Result<RecordBatch, arrow_schema::ArrowError> {
    let schema = table.schema();
    let columns: Vec<ArrayRef> = schema
        .fields()
        .iter()
        .map(|f| match batch.column_by_name(f.name()) {
            Some(column) if column.data_type() == f.data_type() => column.clone(),
            _ => new_null_array(f.data_type(), batch.num_rows()),
        })
        .collect();
    RecordBatch::try_new(schema, columns)
}
