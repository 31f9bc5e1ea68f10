//! Where a store is.

use std::fmt;
use std::path::PathBuf;
use yagura_seal::DataKey;

/// Where a store is. Shown without its password.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// A file of SQLite.
    File(PathBuf),
    /// A file of SQLite that is sealed with a key.
    Sealed(PathBuf, DataKey),
    /// A PostgreSQL server (`postgres://user@host/database`). What lies on its disks is its own to encrypt.
    Postgres(String),
}

impl Place {
    /// From what a person writes: `postgres://…`, `sqlite:FILE`, or a file. `None` for another scheme.
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Some(Self::Postgres(text.to_owned()));
        }
        let file = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:")).unwrap_or(text);
        (!file.is_empty() && !file.contains("://")).then(|| Self::File(PathBuf::from(file)))
    }

    /// The same place, its file sealed with this key. A server is left as it is.
    #[must_use]
    pub fn sealed(self, key: Option<&DataKey>) -> Self {
        match (self, key) {
            (Self::File(path), Some(key)) => Self::Sealed(path, key.clone()),
            (other, _) => other,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) | Self::Sealed(path, _) => write!(f, "{}", path.display()),
            Self::Postgres(url) => {
                let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
                let rest = rest.split('?').next().unwrap_or_default(); // a password may stand there too
                match rest.rsplit_once('@') {
                    Some((who, place)) => {
                        let user = who.split(':').next().unwrap_or_default();
                        write!(f, "{scheme}://{user}@{place}")
                    }
                    None => write!(f, "{scheme}://{rest}"),
                }
            }
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_apart_and_shown_without_passwords() {
        let rows = [
            ("findings.db", Some("findings.db")),
            ("sqlite:/var/lib/f.db", Some("/var/lib/f.db")),
            ("postgres://team:s3cret@db.example.com/yagura", Some("postgres://team@db.example.com/yagura")),
            ("postgresql://db/yagura?user=a&password=s3cret", Some("postgresql://db/yagura")),
            ("mysql://x/y", None),
            ("", None),
        ];
        for (text, shown) in rows {
            let place = Place::parse(text);
            assert_eq!(place.as_ref().map(ToString::to_string).as_deref(), shown, "{text}");
            assert!(!format!("{place:?}").contains("s3cret"));
        }
    }
}
