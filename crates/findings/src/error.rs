//! Why the store did not do what was asked.

/// What went wrong with the store. Nothing of what was asked is recorded then: every change is one transaction.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process held the store for longer than it was waited for.
    #[error("another process has been writing to the store for {seconds} seconds; nothing was recorded")]
    Busy {
        /// How long was waited.
        seconds: u64,
    },
    /// There is no room, or the file or its folder cannot be written.
    #[error("the store cannot be written ({0}); nothing was recorded")]
    NotWritable(String),
    /// The connection to the server was lost or never made.
    #[error("the store's server cannot be reached ({0}); nothing was recorded")]
    Unreachable(String),
    /// The server let nobody in, or is not the one that it should be.
    #[error("no connection to the store's server ({0})")]
    Refused(String),
    /// The file is no store, or is damaged.
    #[error("this is no store of findings, or a damaged one ({0})")]
    NotAStore(String),
    /// It is encrypted and no key, or another, is at hand; or it is plain and a key is.
    #[error("{0}")]
    Key(String),
    /// A newer version of Yagura wrote it.
    #[error("the store has schema {found}, and this version knows up to {known}")]
    Newer {
        /// The store's.
        found: i64,
        /// The newest that this version knows.
        known: i64,
    },
    /// The observation is older than those that are recorded of the same accounts, Regions and checks.
    #[error("the observation is of {at}, and run {run} of {newer} has seen the same since; nothing was recorded")]
    Overtaken {
        /// When it was read.
        at: jiff::Timestamp,
        /// The run that is newer.
        run: i64,
        /// When that was read.
        newer: jiff::Timestamp,
    },
    /// Something that the database says.
    #[error("the store failed: {0}")]
    Database(String),
}

impl StoreError {
    /// Whether the same may work on a new connection.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }
}
