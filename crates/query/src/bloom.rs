//! Bloom filters asked without opening their files: the manifest says where in each file they lie, so one short read answers
//! whether a file may hold a value ("Bloom Filter", Apache Parquet).

use crate::table::LogFile;
use datafusion::arrow::array::BooleanArray;
use datafusion::common::ScalarValue;
use datafusion::parquet::bloom_filter::Sbbf;
use datafusion::physical_expr::utils::LiteralGuarantee;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::{ObjectStore, ObjectStoreExt as _};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How many files are asked at the same time.
const AT_ONCE: usize = 32;

/// The filters of some files, in the files' order; none for a file that tells nothing.
pub(crate) struct Filters {
    columns: HashMap<String, Vec<Option<Vec<Sbbf>>>>,
}

impl Filters {
    /// Reads those that a predicate's guarantees ask for. None where there is nothing to ask. What cannot be read is left out:
    /// its file is opened, which tells what is wrong with it.
    pub(crate) async fn read(
        files: &[&LogFile],
        asked: &[LiteralGuarantee],
        store: &Arc<dyn ObjectStore>,
    ) -> Option<Self> {
        let names: HashSet<&str> = asked.iter().map(|g| g.column.name.as_str()).collect();
        let mut columns = HashMap::new();
        for name in names {
            let wanted: Vec<(usize, object_store::path::Path, Vec<std::ops::Range<u64>>)> = files
                .iter()
                .enumerate()
                .filter_map(|(n, file)| {
                    let filter = file.filters.iter().find(|f| f.column == name && !f.at.is_empty())?;
                    Some((n, file.path.clone(), filter.at.clone()))
                })
                .collect();
            if wanted.is_empty() {
                continue;
            }
            let mut of_files: Vec<Option<Vec<Sbbf>>> = vec![None; files.len()];
            let reads = wanted.into_iter().map(|(n, path, at)| {
                let store = Arc::clone(store);
                async move {
                    let groups = futures_util::stream::iter(at).then(|range| store.get_range(&path, range));
                    let bytes = groups.try_collect::<Vec<_>>().await.ok()?;
                    let filters = bytes.iter().map(|b| Sbbf::from_bytes(b)).collect::<Result<_, _>>().ok()?;
                    Some((n, filters))
                }
            });
            let mut reads = futures_util::stream::iter(reads).buffer_unordered(AT_ONCE);
            while let Some(read) = reads.next().await {
                if let Some((n, filters)) = read
                    && let Some(place) = of_files.get_mut(n)
                {
                    *place = Some(filters);
                }
            }
            columns.insert(name.to_owned(), of_files);
        }
        (!columns.is_empty()).then_some(Self { columns })
    }

    /// For each file: false where a column holds none of the values for certain, null where it may.
    pub(crate) fn contained(&self, column: &str, values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        let files = self.columns.get(column)?;
        let texts: Option<Vec<&str>> = values.iter().map(|v| v.try_as_str().flatten()).collect();
        let texts = texts?;
        let may = |groups: &Vec<Sbbf>| groups.iter().any(|filter| texts.iter().any(|text| filter.check(text)));
        Some(files.iter().map(|f| f.as_ref().is_none_or(may)).map(|may| (!may).then_some(false)).collect())
    }
}
