//! Names as DNS has them: labels, the part that somebody registered, and what stands below it.

use smol_str::SmolStr;
use std::net::Ipv4Addr;

/// A queried name taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'a> {
    /// Everything below the registered domain; empty where there is nothing.
    pub below: &'a str,
    /// The domain that somebody registered: the public suffix and one label more.
    pub registered: &'a str,
}

/// Second labels under which registries of two-letter countries let others register.
const SECOND: [&str; 34] = [
    "ac", "asn", "asso", "biz", "co", "com", "conf", "edu", "firm", "gen", "go", "gob", "gouv", "gov", "gv", "id",
    "ind", "info", "lg", "ltd", "me", "mil", "ne", "net", "nhs", "nom", "or", "org", "plc", "police", "sch", "school",
    "tm", "web",
];

/// Suffixes run by dynamic DNS and web hosting services, which malware registers under as under a country.
const SHARED: [&str; 36] = [
    "afraid.org",
    "blogspot.com",
    "changeip.com",
    "chickenkiller.com",
    "ddns.me",
    "ddns.net",
    "dnsdynamic.net",
    "duckdns.org",
    "dyn-dns.org",
    "dyndns.org",
    "dynserv.com",
    "dynu.net",
    "eu.org",
    "fly.dev",
    "github.io",
    "gitlab.io",
    "herokuapp.com",
    "hopto.org",
    "ignorelist.com",
    "livejournal.com",
    "mooo.com",
    "myftp.biz",
    "myftp.org",
    "netlify.app",
    "ngrok.io",
    "no-ip.biz",
    "no-ip.com",
    "no-ip.info",
    "no-ip.org",
    "pages.dev",
    "serveftp.com",
    "strangled.net",
    "sytes.net",
    "vercel.app",
    "workers.dev",
    "zapto.org",
];

/// Top labels that are never delegated to the public (RFC 6761, 6762, 7686 and 8375; ICANN's reservation of `internal`,
/// 2024) or that home routers and directories use as if they were theirs (ICANN's collision list: `home`, `corp`,
/// `mail`, and what they observed beside it).
const SPECIAL: [&str; 16] = [
    "alt",
    "arpa",
    "corp",
    "domain",
    "example",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "mail",
    "onion",
    "test",
];

impl<'a> Name<'a> {
    /// Takes a name apart. A name of one label, the root, and a name that is a public suffix itself have no registered domain.
    ///
    /// Public suffixes are known by rule, not by the list of several thousand at publicsuffix.org: a two-letter country
    /// under which the second label is one of thirty-four common ones, and three dozen dynamic DNS and hosting
    /// services. Where a suffix is missed (`k12.ca.us`), its domains count as one; where the rule goes too far (`me.uk`
    /// is a suffix, `me.fr` a domain), the names below count as domains of their own.
    pub fn of(name: &'a str) -> Option<Self> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let mut dots = name.rmatch_indices('.').map(|(at, _)| at);
        let first = dots.next()?;
        let top = name.get(first + 1..)?;
        let second = dots.next();
        let under = name.get(second.map_or(0, |at| at + 1)..first)?;
        let pair = name.get(second.map_or(0, |at| at + 1)..)?;
        let wide = (top.len() == 2 && among(&SECOND, under)) || among(&SHARED, pair);
        let start = match (wide, second) {
            (false, at) => at.map_or(0, |at| at + 1),
            (true, None) => return None,
            (true, Some(_)) => dots.next().map_or(0, |at| at + 1),
        };
        let registered = name.get(start..)?;
        let below = name.get(..start.saturating_sub(1))?;
        (!registered.starts_with('.') && !top.is_empty()).then_some(Self { below, registered })
    }

    /// The registered domain in small letters.
    pub fn key(&self) -> SmolStr {
        if self.registered.bytes().any(|b| b.is_ascii_uppercase()) {
            SmolStr::new(self.registered.to_ascii_lowercase())
        } else {
            SmolStr::new(self.registered)
        }
    }

    /// The label that was chosen when the domain was registered: `example` of `example.co.jp`.
    pub fn chosen(&self) -> &'a str {
        self.registered.split('.').next().unwrap_or_default()
    }

    /// Whether the name ends in a label that is never delegated publicly: `.local`, `.internal`, `.arpa`.
    pub fn is_special(&self) -> bool {
        self.registered.rsplit('.').next().is_some_and(|top| among(&SPECIAL, top))
    }

    /// Whether the name is one of `domains` (in small letters, without a last dot) or stands below one.
    pub fn is_under(&self, domains: &[SmolStr]) -> bool {
        // Most of a list is told apart by the last letters of the registered domain, without a look at the rest.
        let end = self
            .registered
            .len()
            .checked_sub(5)
            .and_then(|at| self.registered.as_bytes().get(at..))
            .unwrap_or_default();
        domains
            .iter()
            .filter(|d| {
                d.len() >= self.registered.len()
                    && d.as_bytes().last_chunk::<5>().is_none_or(|e| e.eq_ignore_ascii_case(end) || end.is_empty())
            })
            .any(|d| {
                let whole = self.below.len() + usize::from(!self.below.is_empty()) + self.registered.len();
                match d.len().cmp(&self.registered.len()) {
                    std::cmp::Ordering::Less => false,
                    std::cmp::Ordering::Equal => d.eq_ignore_ascii_case(self.registered),
                    std::cmp::Ordering::Greater => {
                        let rest = d.len() - self.registered.len();
                        d.len() <= whole
                            && d.get(rest..).is_some_and(|end| end.eq_ignore_ascii_case(self.registered))
                            && d.get(..rest - 1).is_some_and(|start| ends_in_labels(self.below, start))
                    }
                }
            })
    }

    /// Whether what stands below the domain spells an address: reversed as block lists (RFC 5782), reverse zones and
    /// SPF's macros (RFC 7208) want it, or written with dashes as hosting companies name their machines.
    pub fn spells_address(&self) -> bool {
        let mut numbers = 0;
        for label in self.below.split('.') {
            numbers = if label.parse::<u8>().is_ok() { numbers + 1 } else { 0 };
            if numbers == 4 {
                return true;
            }
        }
        if self.below.split('.').filter(|l| l.len() == 1 && l.bytes().all(|b| b.is_ascii_hexdigit())).count() >= 32 {
            return true;
        }
        let first = self.below.split('.').next().unwrap_or_default();
        let digits = first.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '-').replace('-', ".");
        digits.parse::<Ipv4Addr>().is_ok()
    }
}

fn among(list: &[&str], label: &str) -> bool {
    list.iter().any(|l| l.eq_ignore_ascii_case(label))
}

fn ends_in_labels(name: &str, end: &str) -> bool {
    let Some(start) = name.len().checked_sub(end.len()) else { return false };
    name.get(start..).is_some_and(|n| n.eq_ignore_ascii_case(end))
        && (start == 0 || name.as_bytes().get(start - 1) == Some(&b'.'))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests may stop")]
    use super::*;

    #[test]
    fn names_come_apart() {
        for (name, below, registered) in [
            ("example.com.", "", "example.com"),
            ("a.b.Example.com", "a.b", "Example.com"),
            ("shop.example.co.jp.", "shop", "example.co.jp"),
            ("example.co.jp", "", "example.co.jp"),
            ("x.mooo.com", "", "x.mooo.com"),
            ("co.com", "", "co.com"),
            ("4.3.2.1.in-addr.arpa.", "4.3.2.1", "in-addr.arpa"),
        ] {
            assert_eq!(Name::of(name).unwrap(), Name { below, registered }, "{name}");
        }
        for none in ["", ".", "com", "com.", "localhost", "co.jp.", "mooo.com", "..", ".com"] {
            assert_eq!(Name::of(none), None, "{none}");
        }
    }

    #[test]
    fn what_is_asked_of_names() {
        assert!(Name::of("1.0.0.127.example.org").unwrap().spells_address());
        assert!(Name::of("ip-10-0-3-4.corp.example.com").unwrap().spells_address());
        assert!(Name::of("1.0.0.127._spf.mta.example.com").unwrap().spells_address());
        assert!(!Name::of("1.0.300.127.example.org").unwrap().spells_address());
        assert!(!Name::of("7f3a9c.example.com").unwrap().spells_address());
        assert!(Name::of("db.eu-west-1.Compute.Internal").unwrap().is_special());
        let list = [SmolStr::new("amazonaws.com"), SmolStr::new("avqs.mcafee.com")];
        assert!(Name::of("s3.eu-west-1.AMAZONAWS.com").unwrap().is_under(&list));
        assert!(Name::of("x.avqs.mcafee.com").unwrap().is_under(&list));
        assert!(Name::of("avqs.mcafee.com").unwrap().is_under(&list));
        assert!(!Name::of("xavqs.mcafee.com").unwrap().is_under(&list));
        assert!(!Name::of("amazonaws.com.evil.net").unwrap().is_under(&list));
        assert!(!Name::of("notamazonaws.com").unwrap().is_under(&list));
        assert_eq!(Name::of("www.Example.co.jp").unwrap().chosen(), "Example");
    }
}
