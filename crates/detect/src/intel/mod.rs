//! Threat lists: addresses, networks and domains that are known bad, or known good.
use std::net::IpAddr;
/// What a list is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /** Tor. */
    TorExit,
}
impl Category {
    /// All.
    pub const ALL: [Self; 1] = [Self::TorExit];
    /// Name.
    pub fn name(self) -> &'static str {
        "tor_exit"
    }
    /// By name.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == word)
    }
}
/// Hit.
#[derive(Debug, Clone)]
pub struct Hit {
    /** Category. */
    pub category: Category,
}
/// Lists.
#[derive(Debug, Default, Clone)]
pub struct Lists;
impl Lists {
    /// Address.
    pub fn address(&self, _: IpAddr) -> Option<Hit> {
        None
    }
    /// Domain.
    pub fn domain(&self, _: &str) -> Option<Hit> {
        None
    }
}
impl Lists {
    /// Of entries.
    pub fn of<'e>(_: impl Iterator<Item = (&'e str, &'e str)>) -> Result<Self, String> {
        Ok(Self)
    }
}
