//! What needs no list, because it is written in protocols and in projects' own documentation.

/// Ports that Tor relays listen at by default: 9001 (`ORPort`) and 9030 (`DirPort`) in the sample `torrc`, 9050 and
/// 9150 (`SocksPort` of tor and of Tor Browser), 9051 and 9151 (`ControlPort`).
pub const TOR_PORTS: [u16; 6] = [9001, 9030, 9050, 9051, 9150, 9151];

/// Words in the names of mining pools: the domains that pools and miners' own documentation (XMRig, Ethminer, NiceHash,
/// MoneroOcean, SupportXMR) tell users to connect to.
const MINING: [&str; 22] = [
    "minexmr",
    "supportxmr",
    "moneroocean",
    "nanopool",
    "nicehash",
    "2miners",
    "f2pool",
    "ethermine",
    "hashvault",
    "xmrpool",
    "monerohash",
    "dwarfpool",
    "minergate",
    "herominers",
    "xmrig",
    "unmineable",
    "antpool",
    "viabtc",
    "slushpool",
    "flypool",
    "miningpoolhub",
    "zpool.ca",
];

/// The word that gives a domain away as a mining pool's, if one does. Names are matched label by label, in any letter
/// case: `xmr.2miners.com` does, `not2miners.example` as well; a pool under a name of its own does not.
pub fn mining_word(domain: &str) -> Option<&'static str> {
    let name = domain.to_ascii_lowercase();
    MINING.into_iter().find(|word| name.contains(word))
}
