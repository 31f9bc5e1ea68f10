//! Threat lists: addresses, networks and domains that are known bad, or known good.
//!
//! A [`Builder`] takes lists of any known format and says of each what it could not use; [`Lists`] answers. `Lists`
//! never changes: who reloads builds another and swaps it whole.

mod domains;
mod json;
mod plain;
mod ranges;

use crate::stat::places::Places;
use domains::Domains;
use ranges::Ranges;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Read;
use std::net::IpAddr;
use std::sync::Arc;

/// What a list's entries are. Where several lists have an entry, the earlier of these is the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Known good: wins over every other list.
    Allow,
    /// Commands malware.
    C2,
    /// Imitates somebody to get secrets.
    Phishing,
    /// Serves malware to visitors.
    DriveBy,
    /// Takes delivery of stolen data.
    DropPoint,
    /// Pools and services of cryptocurrency miners.
    Mining,
    /// Where defenders or registries redirect what malware asks for.
    Sinkhole,
    /// Bad for other reasons.
    Malicious,
    /// Often used for bad things, also for good ones: hosting, dynamic DNS, VPNs.
    Abused,
    /// Where Tor's traffic comes out.
    TorExit,
    /// Other relays of Tor.
    TorRelay,
    /// What the user's own list means.
    Custom,
}

impl Category {
    /// All of them, the gravest first.
    pub const ALL: [Self; 12] = [
        Self::Allow,
        Self::C2,
        Self::Phishing,
        Self::DriveBy,
        Self::DropPoint,
        Self::Mining,
        Self::Sinkhole,
        Self::Malicious,
        Self::Abused,
        Self::TorExit,
        Self::TorRelay,
        Self::Custom,
    ];

    /// The word in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::C2 => "c2",
            Self::Phishing => "phishing",
            Self::DriveBy => "drive_by",
            Self::DropPoint => "drop_point",
            Self::Mining => "mining",
            Self::Sinkhole => "sinkhole",
            Self::Malicious => "malicious",
            Self::Abused => "abused",
            Self::TorExit => "tor_exit",
            Self::TorRelay => "tor_relay",
            Self::Custom => "custom",
        }
    }

    /// By its word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|c| c.name() == word)
    }
}

/// What an address or domain was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit<'a> {
    /// The list's name.
    pub list: &'a str,
    /// What the list's entries are.
    pub category: Category,
}

/// What is known of a list before it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// Its name, for hits and reports.
    pub name: SmolStr,
    /// What its entries are.
    pub category: Category,
    /// Whether a domain stands for every name below it, too. A name written `*.example.com` or `.example.com` always does.
    #[serde(default)]
    pub subdomains: bool,
    /// In how many sources an entry must be, where the second column counts them (as ipsum's does).
    #[serde(default)]
    pub min_count: u32,
    /// The time by which STIX indicators are out of date, in milliseconds since 1970; without one none is.
    #[serde(default)]
    pub now: Option<i64>,
}

impl Spec {
    /// A list whose domains stand for themselves only.
    pub fn new(name: &str, category: Category) -> Self {
        Self { name: SmolStr::new(name), category, subdomains: false, min_count: 0, now: None }
    }
}

/// What became of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The list's name.
    pub list: SmolStr,
    /// `plain`, `stix` or `misp`.
    pub format: &'static str,
    /// Addresses and networks taken.
    pub addresses: usize,
    /// Domains taken.
    pub domains: usize,
    /// Entries left out on purpose: counted in too few sources, revoked, out of date, not `to_ids`, or of a kind that
    /// is not looked up (hashes, URLs).
    pub passed_over: usize,
    /// Entries that could not be read.
    pub bad: usize,
    /// The first of them.
    pub examples: Vec<Bad>,
}

/// An entry that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bad {
    /// Its line, or in JSON its number among the entries; from 1.
    pub place: usize,
    /// Its beginning.
    pub text: SmolStr,
    /// What is wrong with it.
    pub why: &'static str,
}

/// Why a list could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// Compressed data that do not unpack, or to more than [`MOST_BYTES`].
    #[error("`{list}` does not unpack: {why}")]
    Packed {
        /// The list's name.
        list: SmolStr,
        /// What the decoder says.
        why: String,
    },
    /// JSON that is none, or neither STIX nor MISP.
    #[error("`{list}` is not a list in a known form: {why}")]
    Form {
        /// The list's name.
        list: SmolStr,
        /// What is wrong.
        why: String,
    },
    /// More lists than a table can tell apart.
    #[error("`{list}` is one list too many: {most} can be held")]
    TooMany {
        /// The list's name.
        list: SmolStr,
        /// How many can be held.
        most: usize,
    },
}

/// To how many bytes a list may unpack.
pub const MOST_BYTES: u64 = 1 << 30;

/// How many bad entries a report shows.
const EXAMPLES: usize = 20;

/// Lists being read.
#[derive(Debug, Clone, Default)]
pub struct Builder {
    tags: Vec<(SmolStr, Category)>,
    v4: Vec<(u32, u32, u16)>,
    v6: Vec<(u128, u128, u16)>,
    domains: Vec<(u64, u16)>,
}

/// An entry of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry<'a> {
    /// From one address to another, of one family.
    Range(IpAddr, IpAddr),
    /// A domain, and whether it stands for every name below it in any case.
    Domain(&'a str, bool),
}

/// Where a reader puts what it finds.
struct Into<'a> {
    builder: &'a mut Builder,
    spec: &'a Spec,
    tag: u16,
    report: Report,
}

impl Builder {
    /// Reads a list, gzip or not, of the form that its content shows. Bad entries are counted and named; the rest is taken.
    pub fn add(&mut self, spec: &Spec, bytes: &[u8]) -> Result<Report, ListError> {
        let most = usize::from(domains::MOST_TAGS);
        if self.tags.len() >= most {
            return Err(ListError::TooMany { list: spec.name.clone(), most });
        }
        let tag = u16::try_from(self.tags.len()).unwrap_or(u16::MAX);
        let bytes = unpacked(spec, bytes)?;
        let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes));
        self.tags.push((spec.name.clone(), spec.category));
        let report = Report { list: spec.name.clone(), ..Report::default() };
        let mut into = Into { builder: self, spec, tag, report };
        match text.trim_start().bytes().next() {
            Some(b'{' | b'[') => {
                json::read(&text, &mut into).map_err(|why| ListError::Form { list: spec.name.clone(), why })?
            }
            _ => plain::read(&text, &mut into),
        }
        Ok(into.report)
    }

    /// The tables, sorted and without repeats.
    pub fn build(self) -> Lists {
        Lists {
            v4: Ranges::new(self.v4),
            v6: Ranges::new(self.v6),
            domains: Domains::new(self.domains),
            tags: self.tags,
            places: None,
            accounts: BTreeSet::new(),
        }
    }
}

impl Into<'_> {
    fn take(&mut self, entry: Entry<'_>) {
        match entry {
            Entry::Range(IpAddr::V4(from), IpAddr::V4(to)) => {
                self.builder.v4.push((from.to_bits(), to.to_bits(), self.tag));
                self.report.addresses += 1;
            }
            Entry::Range(IpAddr::V6(from), IpAddr::V6(to)) => {
                self.builder.v6.push((from.to_bits(), to.to_bits(), self.tag));
                self.report.addresses += 1;
            }
            Entry::Range(..) => {}
            Entry::Domain(name, below) => {
                self.builder.domains.push(domains::entry(name, self.tag, below || self.spec.subdomains));
                self.report.domains += 1;
            }
        }
    }

    fn bad(&mut self, place: usize, text: &str, why: &'static str) {
        self.report.bad += 1;
        if self.report.examples.len() < EXAMPLES {
            self.report.examples.push(Bad { place, text: text.chars().take(80).collect(), why });
        }
    }
}

fn unpacked<'a>(spec: &Spec, bytes: &'a [u8]) -> Result<Cow<'a, [u8]>, ListError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(Cow::Borrowed(bytes));
    }
    let packed = |why: String| ListError::Packed { list: spec.name.clone(), why };
    let mut out = Vec::new();
    let mut reader = flate2::read::MultiGzDecoder::new(bytes).take(MOST_BYTES + 1);
    reader.read_to_end(&mut out).map_err(|e| packed(e.to_string()))?;
    if out.len() as u64 > MOST_BYTES {
        return Err(packed(format!("more than {MOST_BYTES} bytes")));
    }
    Ok(Cow::Owned(out))
}

/// Lists that answer. Memory is twelve bytes an IPv4 range, thirty-six an IPv6 range and twelve to fourteen a domain,
/// and three indexes of 256 KiB.
#[derive(Debug, Clone)]
pub struct Lists {
    v4: Ranges<u32>,
    v6: Ranges<u128>,
    domains: Domains,
    tags: Vec<(SmolStr, Category)>,
    places: Option<Arc<Places>>,
    accounts: BTreeSet<SmolStr>,
}

impl Default for Lists {
    fn default() -> Self {
        Builder::default().build()
    }
}

impl Lists {
    /// Lists of a few entries, by the words of their categories.
    ///
    /// # Errors
    /// A word that names no category, or an entry that cannot be read.
    pub fn of<'e>(entries: impl Iterator<Item = (&'e str, &'e str)>) -> Result<Self, String> {
        let mut builder = Builder::default();
        let mut accounts = BTreeSet::new();
        for (word, entry) in entries {
            if word == Category::Allow.name() && crate::predicate::is_account(entry) {
                accounts.insert(SmolStr::new(entry));
                continue;
            }
            let category = Category::of(word).ok_or_else(|| format!("`{word}` is no category of threat lists"))?;
            let report = builder.add(&Spec::new(word, category), entry.as_bytes()).map_err(|e| e.to_string())?;
            if report.bad > 0 {
                return Err(format!("`{entry}` is neither an address nor a domain"));
            }
        }
        let mut lists = builder.build();
        lists.own(accounts);
        Ok(lists)
    }

    /// These accounts are the user's, besides those known: nothing is shared outside that is shared with them.
    pub fn own(&mut self, accounts: impl IntoIterator<Item = SmolStr>) {
        self.accounts.extend(accounts);
    }

    /// Whether an account is known to be the user's.
    pub fn owns(&self, account: &str) -> bool {
        self.accounts.contains(account)
    }

    /// The accounts known to be the user's.
    pub fn accounts(&self) -> impl Iterator<Item = &SmolStr> {
        self.accounts.iter()
    }

    /// With a table that says where networks are.
    pub fn with_places(mut self, places: Places) -> Self {
        self.places = Some(Arc::new(places));
        self
    }

    /// Where networks are, where the user gave a table.
    pub fn places(&self) -> Option<&Places> {
        self.places.as_deref()
    }

    /// Whether any list is of this category.
    pub fn lists(&self, category: Category) -> bool {
        self.tags.iter().any(|(_, c)| *c == category)
    }

    /// Whether a list of this category has an address or domain, and no allow list.
    pub fn has(&self, text: &str, category: Category) -> bool {
        if !self.lists(category) {
            return false;
        }
        let Ok(ip) = text.parse::<IpAddr>() else {
            return self.domain(text).is_some_and(|hit| hit.category == category);
        };
        let mut found = false;
        for hit in self.addresses(ip) {
            if hit.category == Category::Allow {
                return false;
            }
            found |= hit.category == category;
        }
        found
    }

    /// The gravest list that has an address; none where an allow list has it. IPv4 within IPv6 (`::ffff:192.0.2.1`) is IPv4.
    pub fn address(&self, address: IpAddr) -> Option<Hit<'_>> {
        self.gravest(self.tags_of(address))
    }

    /// Every list that has an address, allow lists too.
    pub fn addresses(&self, address: IpAddr) -> impl Iterator<Item = Hit<'_>> {
        self.tags_of(address).iter().filter_map(|t| self.hit(*t))
    }

    /// The gravest list that has a domain, or a parent of it where the list's domains stand for what is below; none
    /// where an allow list has it. Letter case and a last dot do not matter. Names that are not ASCII are asked and
    /// listed in punycode.
    pub fn domain(&self, name: &str) -> Option<Hit<'_>> {
        let mut best: Option<Hit<'_>> = None;
        self.domains.each(name, |tag| {
            let hit = self.hit(tag);
            if hit.is_some_and(|h| best.is_none_or(|b| h.category < b.category)) {
                best = hit;
            }
        });
        best.filter(|h| h.category != Category::Allow)
    }

    /// How many ranges of addresses and how many domains there are, repeats and neighbours joined.
    pub fn len(&self) -> (usize, usize) {
        (self.v4.len() + self.v6.len(), self.domains.len())
    }

    /// Whether there is nothing in any list.
    pub fn is_empty(&self) -> bool {
        self.len() == (0, 0)
    }

    /// Bytes held, without what the allocator adds.
    pub fn bytes(&self) -> usize {
        self.v4.bytes() + self.v6.bytes() + self.domains.bytes()
    }

    fn tags_of(&self, address: IpAddr) -> &[u16] {
        match address.to_canonical() {
            IpAddr::V4(v4) => self.v4.find(v4.to_bits()),
            IpAddr::V6(v6) => self.v6.find(v6.to_bits()),
        }
    }

    fn hit(&self, tag: u16) -> Option<Hit<'_>> {
        self.tags.get(usize::from(tag)).map(|(list, category)| Hit { list, category: *category })
    }

    fn gravest(&self, tags: &[u16]) -> Option<Hit<'_>> {
        let hits = tags.iter().filter_map(|t| self.hit(*t));
        hits.min_by_key(|h| h.category).filter(|h| h.category != Category::Allow)
    }
}
