//! Names that other tools know a finding by: a stable id, tactics of MITRE ATT&CK, Security Hub's finding types.

use sha2::{Digest, Sha256};
use yagura_detect::tell::Told;

/// A tactic of MITRE ATT&CK for Enterprise: its id and its name. <https://attack.mitre.org/tactics/enterprise/>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tactic(pub &'static str, pub &'static str);

const RECONNAISSANCE: Tactic = Tactic("TA0043", "Reconnaissance");
const RESOURCES: Tactic = Tactic("TA0042", "Resource Development");
const INITIAL: Tactic = Tactic("TA0001", "Initial Access");
const EXECUTION: Tactic = Tactic("TA0002", "Execution");
const PERSISTENCE: Tactic = Tactic("TA0003", "Persistence");
const ESCALATION: Tactic = Tactic("TA0004", "Privilege Escalation");
const EVASION: Tactic = Tactic("TA0005", "Defense Evasion");
const CREDENTIALS: Tactic = Tactic("TA0006", "Credential Access");
const DISCOVERY: Tactic = Tactic("TA0007", "Discovery");
const LATERAL: Tactic = Tactic("TA0008", "Lateral Movement");
const COLLECTION: Tactic = Tactic("TA0009", "Collection");
const COMMAND: Tactic = Tactic("TA0011", "Command and Control");
const EXFILTRATION: Tactic = Tactic("TA0010", "Exfiltration");
const IMPACT: Tactic = Tactic("TA0040", "Impact");

/// Techniques without their sub-techniques, by tactic. One that ATT&CK lists under several stands under the one that it is seen for in AWS logs.
const TECHNIQUES: [(Tactic, &[u16]); 14] = [
    (RECONNAISSANCE, &[1589, 1590, 1591, 1592, 1593, 1594, 1595, 1596, 1597, 1598]),
    (RESOURCES, &[1583, 1584, 1585, 1586, 1587, 1588, 1608, 1650]),
    (INITIAL, &[1078, 1133, 1189, 1190, 1195, 1199, 1566]),
    (EXECUTION, &[1059, 1072, 1106, 1203, 1204, 1609, 1610, 1648, 1651]),
    (PERSISTENCE, &[1037, 1053, 1098, 1136, 1505, 1525, 1543, 1546, 1574]),
    (ESCALATION, &[1068, 1134, 1484, 1548, 1611]),
    (EVASION, &[1036, 1070, 1535, 1550, 1553, 1562, 1564, 1578, 1599]),
    (CREDENTIALS, &[1003, 1056, 1110, 1111, 1187, 1212, 1528, 1539, 1552, 1555, 1556, 1557, 1606, 1621, 1649]),
    (
        DISCOVERY,
        &[1018, 1040, 1046, 1049, 1069, 1082, 1083, 1087, 1201, 1518, 1526, 1538, 1580, 1613, 1614, 1619, 1654],
    ),
    (LATERAL, &[1021, 1080, 1210, 1534, 1570, 1563]),
    (COLLECTION, &[1005, 1039, 1074, 1114, 1119, 1213, 1530, 1560, 1602]),
    (COMMAND, &[1001, 1008, 1071, 1090, 1092, 1095, 1102, 1104, 1105, 1132, 1205, 1219, 1568, 1571, 1572, 1573]),
    (EXFILTRATION, &[1011, 1020, 1029, 1030, 1041, 1048, 1537, 1567]),
    (IMPACT, &[1485, 1486, 1489, 1490, 1491, 1495, 1496, 1498, 1499, 1529, 1531, 1561, 1565, 1657]),
];

/// The tactic of a technique: `T1078.004`.
pub(super) fn tactic(technique: &str) -> Option<Tactic> {
    let number: u16 = technique.strip_prefix('T')?.split('.').next()?.parse().ok()?;
    TECHNIQUES.iter().find(|(_, all)| all.contains(&number)).map(|(t, _)| *t)
}

/// A finding's techniques, each once.
pub(super) fn techniques(told: &Told) -> Vec<&str> {
    let mut all: Vec<&str> = told.maps.iter().filter_map(|m| m.strip_prefix("attack/")).collect();
    all.extend(told.techniques.iter().map(|t| t.as_str()));
    all.sort_unstable();
    all.dedup();
    all
}

/// The types of GuardDuty's that say the same.
pub(super) fn guardduty(told: &Told) -> impl Iterator<Item = &str> {
    told.maps.iter().filter_map(|m| m.strip_prefix("guardduty/"))
}

/// Security Hub's types of a finding: `namespace/category`, at most 50. What a technique does to data or resources is an effect; what has
/// no technique is a TTP without category. <https://docs.aws.amazon.com/securityhub/latest/userguide/asff-required-attributes.html#Types>,
/// <https://docs.aws.amazon.com/securityhub/latest/userguide/asff-type-taxonomy.html>
pub(super) fn types(told: &Told) -> Vec<String> {
    let mut all: Vec<String> = techniques(told).into_iter().filter_map(category).collect();
    all.sort_unstable();
    all.dedup();
    all.truncate(50);
    if all.is_empty() { vec!["TTPs".to_owned()] } else { all }
}

fn category(technique: &str) -> Option<String> {
    let of = tactic(technique)?;
    let number = technique.split('.').next().unwrap_or(technique);
    Some(match of {
        EXFILTRATION => "Effects/Data Exfiltration".to_owned(),
        IMPACT => match number {
            "T1496" => "Effects/Resource Consumption",
            "T1498" | "T1499" | "T1529" | "T1531" => "Effects/Denial of Service",
            _ => "Effects/Data Destruction",
        }
        .to_owned(),
        RECONNAISSANCE => format!("TTPs/{}", DISCOVERY.1),
        RESOURCES => format!("TTPs/{}", COMMAND.1),
        Tactic(_, name) => format!("TTPs/{name}"),
    })
}

/// The same 32 hexadecimal digits for the same finding in every run and every format: the first half of a SHA-256 over the rule, whom and
/// what it is about, when it began and its first record. What an incident gains later changes none of these but the target.
pub(super) fn fingerprint(told: &Told) -> String {
    let a = &told.about;
    let rule = told.sequence.first().unwrap_or(&told.rule);
    let target = if told.sequence.is_empty() { a.target.as_str() } else { "" };
    let event = told.events.first().map(|e| e.as_str()).unwrap_or_default();
    let parts = [rule.as_str(), &a.account, &a.region, &a.actor, &a.source_ip, target, &told.time, event];
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The partition and the Region, `us-east-1` (or its like) where the log names none.
pub(super) fn place(told: &Told) -> (String, String) {
    let a = &told.about;
    let arn = [&a.actor, &a.session, &a.target].into_iter().find(|t| t.starts_with("arn:"));
    let resource = yagura_model::ResourceRef {
        arn: arn.cloned(),
        id: a.target.clone(),
        kind: "account".into(),
        account: a.account.clone(),
        region: a.region.clone(),
    };
    (crate::identity::partition(&resource).to_owned(), crate::identity::real_region(&resource).to_owned())
}

/// An account's id as other formats want it: twelve zeros where the log names none.
pub(super) fn account(told: &Told) -> &str {
    if told.about.account.is_empty() { "000000000000" } else { &told.about.account }
}

/// A time of a finding, ms.
pub(super) fn millis(iso: &str) -> i64 {
    iso.parse::<jiff::Timestamp>().map_or(0, |t| t.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn techniques_have_their_tactics_and_none_two() {
        let rows = [
            ("T1078.004", Some("Initial Access")),
            ("T1562.008", Some("Defense Evasion")),
            ("T1537", Some("Exfiltration")),
            ("T9999", None),
            ("nonsense", None),
        ];
        for (technique, name) in rows {
            assert_eq!(tactic(technique).map(|t| t.1), name, "{technique}");
        }
        let mut all: Vec<u16> = TECHNIQUES.iter().flat_map(|(_, t)| t.iter().copied()).collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }
}
