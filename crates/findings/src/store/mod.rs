//! Where findings are kept: SQLite or PostgreSQL, one schema, every change one transaction.

mod assets;
mod cell;
mod claim;
mod coverage;
mod manage;
mod place;
mod postgres;
mod record;
mod rows;
mod schema;
mod sealed;
mod sqlite;
mod tls;

pub use assets::AssetHistory;
pub use claim::{Claim, ClaimError};
pub use manage::{Event, Filter, Happened, Run};
pub use place::Place;
pub use record::{Recorded, Said};
pub use schema::SCHEMA_VERSION;

use crate::error::StoreError;
use cell::{Db, Done};
use jiff::Timestamp;
use std::time::{Duration, Instant};
use yagura_seal::DataKey;

/// How long a lost server is waited for: long enough for a restart.
const RESTART: Duration = Duration::from_secs(30);

/// An open store.
pub struct Store {
    place: Place,
    db: Box<dyn Db>,
    patience: Duration,
    lost: u32,
}

impl Store {
    /// Opens a store to write, makes it where there is none, and brings it to this version's schema.
    ///
    /// # Errors
    /// It cannot be reached or written, is no store, or is a newer version's.
    pub fn open(place: &Place) -> Result<Self, StoreError> {
        let mut store = Self::connect(place, true)?;
        store.bring_to(SCHEMA_VERSION)?;
        Ok(store)
    }

    /// Opens a store that is there; `None` where nothing was ever recorded.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_kept(place: &Place) -> Result<Option<Self>, StoreError> {
        if let Place::File(path) | Place::Sealed(path, _) = place
            && !path.exists()
        {
            return Ok(None);
        }
        let mut store = Self::connect(place, false)?;
        if store.version()? == 0 {
            return Ok(None);
        }
        store.bring_to(SCHEMA_VERSION)?;
        Ok(Some(store))
    }

    /// Opens a store and leaves its schema as it is, for [`Store::migrate`].
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn connect(place: &Place, make: bool) -> Result<Self, StoreError> {
        Ok(Self { db: connection(place, make)?, place: place.clone(), patience: RESTART, lost: 0 })
    }

    /// How long a lost server is waited for, in place of half a minute.
    #[must_use]
    pub fn waiting(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The version of the store's schema; 0 where nothing was ever recorded.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn version(&mut self) -> Result<i64, StoreError> {
        schema::version(self.db.as_mut())
    }

    /// Brings the schema to a version, up or down, all steps or none. Down drops what the versions above had brought:
    /// below 2 the history of configurations, at 0 everything.
    ///
    /// # Errors
    /// The version is not known, or the store cannot be written.
    pub fn migrate(&mut self, to: i64) -> Result<(), StoreError> {
        if !(0..=SCHEMA_VERSION).contains(&to) {
            return Err(StoreError::Newer { found: to, known: SCHEMA_VERSION });
        }
        schema::migrate(self.db.as_mut(), to, Timestamp::now())
    }

    fn bring_to(&mut self, to: i64) -> Done<()> {
        match self.version()? {
            have if have == to => Ok(()),
            have if have > to => Err(StoreError::Newer { found: have, known: to }),
            _ => schema::migrate(self.db.as_mut(), to, Timestamp::now()),
        }
    }

    /// Does `work` in one transaction. Where the server is lost, it is waited for and the whole is done again.
    fn transact<T>(&mut self, work: &mut dyn FnMut(&mut dyn Db) -> Done<T>) -> Done<T> {
        self.again(&mut |db| {
            db.begin()?;
            let done = work(db).and_then(|out| db.commit().map(|()| out));
            if done.is_err() {
                db.rollback();
            }
            done
        })
    }

    /// Does `work`, and again on a new connection where the server was lost.
    fn again<T>(&mut self, work: &mut dyn FnMut(&mut dyn Db) -> Done<T>) -> Done<T> {
        let started = Instant::now();
        let mut pause = Duration::from_millis(100);
        let mut done = work(self.db.as_mut());
        while done.as_ref().is_err_and(StoreError::is_passing) && started.elapsed() < self.patience {
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_secs(2));
            match connection(&self.place, false) {
                Ok(db) => {
                    self.db = db;
                    self.lost += 1;
                    done = work(self.db.as_mut());
                }
                Err(e) => done = Err(e),
            }
        }
        done
    }
}

/// Seals a store's file in its place, or opens a sealed one. Writers wait for it.
///
/// # Errors
/// It is no store, is sealed with another key, or cannot be written; the file is as it was then.
pub fn reseal(path: &std::path::Path, old: Option<&DataKey>, new: Option<&DataKey>) -> Result<(), StoreError> {
    // Nobody writes to a sealed store meanwhile, whichever way it goes.
    let _turn = sealed::take_turn(path)?;
    let mut open = None;
    let plain = match old {
        Some(key) => {
            let bytes = std::fs::read(path).map_err(|e| StoreError::NotWritable(format!("{}: {e}", path.display())))?;
            yagura_seal::sealed::open(key, &bytes).map_err(|e| match e {
                yagura_seal::SealError::OtherKey { .. } => StoreError::Key(format!("the store {e}")),
                _ if !yagura_seal::sealed::is_sealed(&bytes) => {
                    StoreError::Key("the store is not encrypted".to_owned())
                }
                _ => StoreError::NotAStore(e.to_string()),
            })?
        }
        None => {
            let mut from = sqlite::Sqlite::open(path, false)?;
            from.begin()?; // nor to a plain one, until it is replaced; and a journal that a dead process left is played back
            let image = from.image();
            open = Some(from);
            image?
        }
    };
    let bytes = match new {
        Some(key) => yagura_seal::sealed::seal(key, &plain).map_err(|e| StoreError::NotWritable(e.to_string()))?,
        None => plain,
    };
    let written = sealed::write(path, &bytes).map_err(|e| StoreError::NotWritable(format!("{}: {e}", path.display())));
    if let Some(mut from) = open {
        from.rollback();
    }
    written
}

fn connection(place: &Place, make: bool) -> Done<Box<dyn Db>> {
    Ok(match place {
        Place::File(path) => Box::new(sqlite::Sqlite::open(path, make)?),
        Place::Sealed(path, key) => Box::new(sealed::Sealed::open(path, key, make)?),
        Place::Postgres(url) => Box::new(postgres::Postgres::open(url)?),
    })
}
