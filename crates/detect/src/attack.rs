//! MITRE ATT&CK, as far as detections map to it: techniques and the tactics that each serves, of one version (`content/attack.yaml`).

use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use yagura_model::ContentFile;
use yagura_rule::ContentError;
use yagura_rule::yaml::{Reader, Yaml, read};

/// The file's path.
pub const PATH: &str = "attack.yaml";

/// Techniques with their tactics.
#[derive(Debug, Clone, Default)]
pub struct Attack {
    /// ATT&CK's version: `17.1`.
    pub version: SmolStr,
    /// By technique, `T1562.008`: tactics, `defense-evasion`.
    pub techniques: BTreeMap<SmolStr, Vec<SmolStr>>,
}

/// Tactics in the order in which ATT&CK lists them.
const ORDER: [&str; 14] = [
    "reconnaissance",
    "resource-development",
    "initial-access",
    "execution",
    "persistence",
    "privilege-escalation",
    "defense-evasion",
    "credential-access",
    "discovery",
    "lateral-movement",
    "collection",
    "command-and-control",
    "exfiltration",
    "impact",
];

impl Attack {
    /// Reads the file.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(file: &ContentFile) -> Result<Self, Vec<ContentError>> {
        let yaml = read(file).map_err(|e| vec![e])?;
        let mut r = Reader::new(file);
        r.only(&yaml, &["kind", "version", "techniques"]);
        let version = r.want_text(&yaml, "version");
        let mut techniques = BTreeMap::new();
        if let Some(at) = yaml.get("techniques") {
            for (key, tactics) in at.entries().unwrap_or_default() {
                let own = r.texts(at, &key.name);
                if let Some(odd) = own.iter().find(|t| !ORDER.contains(&t.as_str())) {
                    r.complain(tactics, format!("`{odd}` is no tactic: {}", ORDER.join(", ")));
                }
                techniques.insert(key.name.clone(), own);
            }
        }
        if yaml.get("techniques").and_then(Yaml::entries).is_none() {
            r.complain(&yaml, "`techniques` is missing");
        }
        r.finish(Self { version, techniques })
    }

    /// The tactics that techniques serve, in ATT&CK's order.
    pub fn tactics<'t>(&self, techniques: impl IntoIterator<Item = &'t str>) -> Vec<SmolStr> {
        let served: BTreeSet<&str> =
            techniques.into_iter().filter_map(|t| self.techniques.get(t)).flatten().map(SmolStr::as_str).collect();
        ORDER.into_iter().filter(|t| served.contains(t)).map(SmolStr::from).collect()
    }
}
