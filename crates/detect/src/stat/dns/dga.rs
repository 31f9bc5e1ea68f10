//! Domains that malware computes to find its master.

use super::super::bounded::Bounded;
use super::super::{Distinct, Dns, HOUR, Quiet, Sign, fact};
use super::letters::randomness;
use super::name::Name;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// What counts as a host that asks for computed domains.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct DgaConfig {
    /// How long domains are counted together, in milliseconds. Families ask for their day's list in minutes to hours
    /// (Antonakakis et al.).
    pub window: i64,
    /// Domains that do not exist, at least.
    pub min_missing: usize,
    /// Their share of the different domains asked for, at least, in hundredths. A crawler or mail server asks for many
    /// that do not exist, but for more that do.
    pub missing_share: usize,
    /// The share that is enough where the missing names look random too, in hundredths.
    pub random_missing_share: usize,
    /// Random-looking domains, at least, whatever the answer.
    pub min_random: usize,
    /// Their share of the different domains asked for, at least, in hundredths.
    pub random_share: usize,
    /// From which [`randomness`] a domain looks random, in hundredths.
    pub random: u8,
    /// Zones to trust.
    pub trusted: Vec<SmolStr>,
    /// Hosts left out, such as a mail server or a crawler.
    pub excluded: Vec<SmolStr>,
    /// How long a host stays unspoken of, in milliseconds.
    pub quiet: i64,
    /// Hosts held at a time.
    pub max_hosts: usize,
    /// Different domains remembered per host; beyond, the oldest are forgotten, and shares are those of the rest.
    pub max_domains: usize,
}

impl Default for DgaConfig {
    fn default() -> Self {
        Self {
            window: HOUR,
            min_missing: 20,
            missing_share: 50,
            random_missing_share: 20,
            min_random: 15,
            random_share: 40,
            random: 60,
            trusted: super::well_known(),
            excluded: Vec::new(),
            quiet: 6 * HOUR,
            max_hosts: 20_000,
            max_domains: 256,
        }
    }
}

/// Finds hosts that ask for domains which malware computes, by how many of the domains they ask for do not exist, and
/// by how many look drawn at random.
///
/// After M. Antonakakis et al., "From Throw-Away Traffic to Bots: Detecting the Rise of DGA-Based Malware" (USENIX
/// Security 2012): a bot gets NXDOMAIN for nearly all of its list, and names of a list resemble each other; the
/// failures find generators that join dictionary words, too. Domains are counted once each, so that a program that
/// retries, or a search suffix put behind every name, counts as one.
///
/// Not found: a generator whose every domain exists and reads like words, and fewer than `min_random` domains an hour.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Dga {
    /// What counts.
    pub config: DgaConfig,
    hosts: Bounded<SmolStr, Host>,
    quiet: Quiet,
}

/// The domains that a host asked for.
type Host = Distinct<Domain>;

/// A domain: its name, whether it is missing, and whether it looks random.
type Domain = (SmolStr, bool, bool);

impl Dga {
    /// Takes a query, which is not older than the one before, and its name.
    pub fn observe(&mut self, query: &Dns<'_>, name: &Name<'_>, out: &mut Vec<Sign>) {
        let c = &self.config;
        if name.is_special() || name.is_under(&c.trusted) || c.excluded.iter().any(|h| h == query.host) {
            return;
        }
        let domain = name.key();
        let random = randomness(domain.split('.').next().unwrap_or_default()) * 100.0 >= f64::from(c.random);
        let host = self.hosts.entry(SmolStr::new(query.host), query.time, c.max_hosts, Host::default);
        let missing = query.rcode.eq_ignore_ascii_case("NXDOMAIN");
        // A domain below which any name exists exists.
        if missing && host.holds(&(domain.clone(), false, random), query.time.saturating_sub(c.window)) {
            return;
        }
        if !missing {
            host.remove(&(domain.clone(), true, random));
        }
        if host.add((domain, missing, random), query.time, query.id, c.window, c.max_domains) {
            self.judge(query, out);
        }
    }

    fn judge(&mut self, query: &Dns<'_>, out: &mut Vec<Sign>) {
        let c = &self.config;
        let Some(host) = self.hosts.get(query.host) else { return };
        // No count is more than what is held.
        if host.held() < c.min_missing.min(c.min_random) {
            return;
        }
        let since = query.time.saturating_sub(c.window);
        let (mut all, mut missing, mut random, mut both) = (0, 0, 0, 0);
        for (_, m, r) in host.values(since) {
            all += 1;
            missing += usize::from(*m);
            random += usize::from(*r);
            both += usize::from(*m && *r);
        }
        let fails = missing >= c.min_missing
            && (missing * 100 >= all * c.missing_share
                || (missing * 100 >= all * c.random_missing_share && both * 2 >= missing));
        let drawn = random >= c.min_random && random * 100 >= all * c.random_share;
        if !(fails || drawn) || !self.quiet.may_say(query.host, "", query.time, c.quiet) {
            return;
        }
        let counts = |d: &&Domain| if fails { d.1 } else { d.2 };
        let (first, events) = host.evidence_of(since, |d| counts(&d));
        let share = |part: usize| part as f64 / all.max(1) as f64;
        let examples: Vec<&str> = host.values(since).filter(counts).take(5).map(|d| d.0.as_str()).collect();
        out.push(Sign {
            method: "dga",
            time: query.time,
            since: first,
            host: SmolStr::new(query.host),
            peer: None,
            count: if fails { missing } else { random } as u64,
            score: (0.4 + 0.3 * share(missing) + 0.3 * share(random)).min(1.0),
            facts: vec![
                fact("different_domains", all),
                fact("missing_domains", missing),
                fact("random_looking", random),
                fact("random_looking_among_missing", both),
                fact("missing_share_allowed", format_args!("{:.2}", c.missing_share as f64 / 100.0)),
                fact("examples", examples.join(", ")),
            ],
            events,
        });
    }
}
