//! What DNS queries give away.

pub mod dga;
pub mod letters;
pub mod name;
pub mod rebind;
pub mod tunnel;

use super::{Dns, Sign};
use name::Name;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// All DNS detectors, each name taken apart once.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct DnsWatch {
    /// Data carried in names.
    pub tunnel: tunnel::Tunnel,
    /// Domains that malware computes.
    pub dga: dga::Dga,
    /// Names that lead to where no public name should.
    pub rebind: rebind::Rebind,
}

impl DnsWatch {
    /// Takes a query, which is not older than the one before. Names without a registered domain (`localhost`) tell
    /// nothing and are passed over.
    pub fn observe(&mut self, query: &Dns<'_>, out: &mut Vec<Sign>) {
        let Some(name) = Name::of(query.name) else { return };
        self.tunnel.observe(query, &name, out);
        self.dga.observe(query, &name, out);
        self.rebind.observe(query, &name, out);
    }
}

/// Zones whose servers their owners run themselves, so that nobody tunnels through them, and that have many or long
/// names below: AWS's own, content delivery, and the reputation lookups of mail and malware filters.
pub(crate) fn well_known() -> Vec<SmolStr> {
    [
        "amazonaws.com",
        "amazonaws.com.cn",
        "aws.dev",
        "awsdns.net",
        "api.aws",
        "on.aws",
        "cloudfront.net",
        "amazon.com",
        "awsglobalaccelerator.com",
        "akadns.net",
        "akamai.net",
        "akamaiedge.net",
        "akamaihd.net",
        "edgekey.net",
        "edgesuite.net",
        "fastly.net",
        "fastlylb.net",
        "cloudflare.net",
        "cdn.cloudflare.net",
        "azure.com",
        "azureedge.net",
        "windows.net",
        "trafficmanager.net",
        "microsoft.com",
        "office.com",
        "office365.com",
        "google.com",
        "googleapis.com",
        "googlevideo.com",
        "googleusercontent.com",
        "gvt1.com",
        "apple.com",
        "icloud.com",
        "aaplimg.com",
        "facebook.com",
        "fbcdn.net",
        "netflix.com",
        "nflxvideo.net",
        "spamhaus.org",
        "spamhaus.net",
        "spamcop.net",
        "sorbs.net",
        "surbl.org",
        "uribl.com",
        "barracudacentral.org",
        "barracudabrts.com",
        "senderscore.com",
        "msbl.org",
        "dnswl.org",
        "abuseat.org",
        "mailspike.net",
        "rspamd.com",
        "invaluement.com",
        "mcafee.com",
        "avqs.mcafee.com",
        "sophosxl.net",
        "e5.sk",
        "eset.com",
        "trendmicro.com",
        "kaspersky.com",
        "symantec.com",
        "webcfs00.com",
        "datadoghq.com",
        "newrelic.com",
        "sentry.io",
        "crowdstrike.com",
        "cloudsink.net",
        "ntp.org",
    ]
    .map(SmolStr::new_static)
    .to_vec()
}

/// FNV-1a (draft-eastlake-fnv): the same in every process, for it is kept in state. Whoever makes two names collide
/// hides one of the two.
pub(crate) fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
