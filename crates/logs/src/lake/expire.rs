//! Records older than the wanted retention leave the lake, whole days at a time.

use super::{Commit, Lake, LakeError};

/// What was taken away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expired {
    /// Files.
    pub files: u64,
    /// Their rows.
    pub rows: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

impl Lake {
    /// Takes away the partitions of days before this one (`2024-01-02`). Records without a day stay. With `apply` false nothing is
    /// changed, and the answer is what would be.
    ///
    /// # Errors
    /// Where the store fails, or another process writes.
    pub async fn expire(&mut self, before: &str, apply: bool) -> Result<Expired, LakeError> {
        let mut commit = Commit::new("expire");
        let mut expired = Expired::default();
        for file in self.all_files().filter(|f| f.day != "unknown" && f.day.as_str() < before) {
            expired.files += 1;
            expired.rows += file.rows;
            expired.bytes += file.bytes;
            commit.remove.push(file.path.clone());
        }
        if apply && !commit.is_empty() {
            self.commit(commit).await?;
        }
        Ok(expired)
    }
}
