//! One rule group: its rules in their order, out of the answer of `DescribeRuleGroup`.

use super::json::{RuleError, inner, items, malformed, number, string, strings, structure};
use super::options;
use super::ranges::{Addresses, Ports, Set, Spans, list};
use super::stateful::{self, Action};
use super::stateless::{self, Flags};
use super::suricata::{self, Written};
use crate::packet::Span;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;
use yagura_model::{IpRange, Map, Value};

/// Tells the entries of a prefix list.
pub type Prefix<'a> = &'a dyn Fn(&str) -> Option<Vec<IpRange>>;

/// The answer of `DescribeRuleGroup`.
pub struct Group<'a> {
    pub arn: &'a str,
    name: &'a str,
    rules: &'a Map,
}

impl<'a> Group<'a> {
    /// Finds the parts of the answer.
    pub fn of(answer: &'a Value) -> Result<Self, RuleError> {
        let outer = answer.as_map().ok_or_else(|| malformed("RuleGroup", "a structure"))?;
        let response = outer.get("RuleGroupResponse").and_then(Value::as_map).unwrap_or(outer);
        // A snapshot's asset has its ARN beside the answer.
        let listed = || outer.get("Arn").and_then(Value::as_str);
        let arn = string(response, "RuleGroupArn", "RuleGroupResponse").or_else(|e| listed().ok_or(e))?;
        let name = response.get("RuleGroupName").and_then(Value::as_str).unwrap_or(arn);
        Ok(Self { arn, name, rules: inner(answer, "RuleGroup")? })
    }

    fn place(&self, member: &str) -> String {
        format!("{}: {member}", self.name)
    }

    fn source(&self) -> Result<&'a Map, RuleError> {
        structure(self.rules, "RulesSource", &self.place("RuleGroup"))
    }

    /// Its stateless rules in the order of their priorities.
    pub fn stateless(&self) -> Result<Vec<stateless::Rule>, RuleError> {
        let place = self.place("StatelessRulesAndCustomActions");
        let source = structure(self.source()?, "StatelessRulesAndCustomActions", &self.place("RulesSource"))?;
        let mut out = Vec::new();
        for (at, rule) in items(source, "StatelessRules", &place)?.iter().enumerate() {
            let place = format!("{place}.StatelessRules[{at}]");
            out.push(self.stateless_rule(rule.as_map().ok_or_else(|| malformed(&place, "a structure"))?, &place)?);
        }
        out.sort_by_key(|rule| rule.priority);
        Ok(out)
    }

    fn stateless_rule(&self, rule: &Map, place: &str) -> Result<stateless::Rule, RuleError> {
        let priority = number(rule, "Priority", place)?.unwrap_or(0);
        let definition = structure(rule, "RuleDefinition", place)?;
        let matches = structure(definition, "MatchAttributes", place)?;
        let actions = strings(definition, "Actions", place)?;
        let action = actions.iter().find_map(|a| stateless::Action::named(a));
        let protocol = |value: &Value| match value {
            Value::Int(n) => u8::try_from(*n).ok(),
            _ => None,
        };
        let protocols: Option<Vec<u8>> = items(matches, "Protocols", place)?.iter().map(protocol).collect();
        Ok(stateless::Rule {
            group: self.name.to_owned(),
            priority,
            action: action.ok_or_else(|| malformed(&format!("{place}.Actions"), "one of AWS's standard actions"))?,
            source: addresses(matches, "Sources", place)?,
            destination: addresses(matches, "Destinations", place)?,
            source_ports: ports(matches, "SourcePorts", place)?,
            destination_ports: ports(matches, "DestinationPorts", place)?,
            protocols: protocols
                .ok_or_else(|| malformed(&format!("{place}.Protocols"), "a list of protocol numbers"))?,
            flags: flags(matches, place)?,
            text: cut(&Value::Map(definition.clone()).to_string()),
        })
    }

    /// Its stateful rules in their order, without those that only alert.
    pub fn stateful(
        &self,
        home: Option<Arc<Addresses>>,
        prefix: Prefix<'_>,
        only_alerts: bool,
    ) -> Result<Vec<stateful::Rule>, RuleError> {
        let names = Names::of(self, home, prefix)?;
        let source = self.source()?;
        let mut out = Vec::new();
        if source.get("RulesString").is_some() {
            let text = string(source, "RulesString", &self.place("RulesSource"))?;
            out.extend(suricata::lines(text).iter().filter_map(|line| names.line(line)));
        }
        for (at, rule) in items(source, "StatefulRules", &self.place("RulesSource"))?.iter().enumerate() {
            let place = self.place(&format!("StatefulRules[{at}]"));
            let written = five_tuple(rule.as_map().ok_or_else(|| malformed(&place, "a structure"))?, &place)?;
            let text = cut(&rule.to_string());
            out.extend(names.rule(&written, text));
        }
        if source.get("RulesSourceList").is_some() {
            let place = self.place("RulesSource");
            out.extend(domains(structure(source, "RulesSourceList", &place)?, &place, &names)?);
        }
        if only_alerts {
            out.retain(|rule| rule.action == Action::Pass);
        }
        Ok(out)
    }
}

fn addresses(matches: &Map, name: &str, place: &str) -> Result<Addresses, RuleError> {
    let place = format!("{place}.{name}");
    let mut out = Vec::new();
    for item in items(matches, name, &place)? {
        let item = item.as_map().ok_or_else(|| malformed(&place, "a list of structures"))?;
        let text = string(item, "AddressDefinition", &place)?;
        out.push(IpRange::parse(text).ok_or_else(|| malformed(&place, "a list of CIDR blocks"))?);
    }
    Ok(if out.is_empty() { Addresses::all() } else { Addresses::of(&out) })
}

fn ports(matches: &Map, name: &str, place: &str) -> Result<Ports, RuleError> {
    let place = format!("{place}.{name}");
    let port = |item: &Map, name: &str| -> Result<u128, RuleError> {
        let number = number(item, name, &place)?.ok_or_else(|| RuleError::Missing(format!("{place}.{name}")))?;
        u16::try_from(number).map(u128::from).map_err(|_| malformed(&place, "a list of port ranges"))
    };
    let mut out = Vec::new();
    for item in items(matches, name, &place)? {
        let item = item.as_map().ok_or_else(|| malformed(&place, "a list of structures"))?;
        out.push(Span { first: port(item, "FromPort")?, last: port(item, "ToPort")? });
    }
    Ok(if out.is_empty() { Ports::all() } else { Ports(Spans::of(out)) })
}

/// `TCPFlags`; without masks every flag is looked at.
fn flags(matches: &Map, place: &str) -> Result<Vec<Flags>, RuleError> {
    let place = format!("{place}.TCPFlags");
    let bits = |item: &Map, name: &str| -> Result<u8, RuleError> {
        let named = |flag: &String| stateless::flag(flag).ok_or_else(|| malformed(&place, "a list of TCP flags"));
        strings(item, name, &place)?.iter().map(named).try_fold(0, |all, bit| Ok(all | bit?))
    };
    let mut out = Vec::new();
    for item in items(matches, "TCPFlags", &place)? {
        let item = item.as_map().ok_or_else(|| malformed(&place, "a list of structures"))?;
        let masks = bits(item, "Masks")?;
        out.push(Flags { set: bits(item, "Flags")?, masks: if masks == 0 { u8::MAX } else { masks } });
    }
    Ok(out)
}

/// A rule of `StatefulRules` as Network Firewall gives it to Suricata.
fn five_tuple(rule: &Map, place: &str) -> Result<Written, RuleError> {
    let header = structure(rule, "Header", place)?;
    let text = |name: &str| string(header, name, place).map(str::to_owned);
    let mut options = Vec::new();
    for option in items(rule, "RuleOptions", place)? {
        let option =
            option.as_map().ok_or_else(|| malformed(&format!("{place}.RuleOptions"), "a list of structures"))?;
        let keyword = string(option, "Keyword", place)?;
        let value = strings(option, "Settings", place)?.join(",");
        // A keyword may hold its value (`sid:1`).
        let (keyword, held) = keyword.split_once(':').unwrap_or((keyword, ""));
        let value = if value.is_empty() { held.to_owned() } else { value };
        options.push((keyword.trim().to_ascii_lowercase(), value));
    }
    Ok(Written {
        action: string(rule, "Action", place)?.to_ascii_lowercase(),
        protocol: text("Protocol")?.to_ascii_lowercase(),
        source: text("Source")?,
        source_ports: text("SourcePort")?,
        both: header.get("Direction").and_then(Value::as_str) == Some("ANY"),
        destination: text("Destination")?,
        destination_ports: text("DestinationPort")?,
        options,
    })
}

/// A domain list, as the rules that Network Firewall makes of it ("Stateful rules examples: domain list rules"): they
/// look at what a client in `$HOME_NET` asks for; an allow list drops the names that it does not hold.
fn domains(source: &Map, place: &str, names: &Names) -> Result<Vec<stateful::Rule>, RuleError> {
    let place = format!("{place}.RulesSourceList");
    let (actions, what): (&[&str], _) = match string(source, "GeneratedRulesType", &place)? {
        "ALLOWLIST" => (&["pass", "drop"], "domain allow list"),
        "DENYLIST" => (&["drop"], "domain deny list"),
        "REJECTLIST" => (&["reject"], "domain reject list"),
        "ALERTLIST" => (&[], ""),
        _ => return Err(malformed(&format!("{place}.GeneratedRulesType"), "one of AWS's list types")),
    };
    let count = items(source, "Targets", &place)?.len();
    let mut out = Vec::new();
    for target in strings(source, "TargetTypes", &place)? {
        let (protocol, asked) = match target.as_str() {
            "TLS_SNI" => ("tls", "tls.sni"),
            "HTTP_HOST" => ("http", "http.host"),
            _ => return Err(malformed(&format!("{place}.TargetTypes"), "a list of target types")),
        };
        for action in actions {
            let option = |keyword: &str, value: &str| (keyword.to_owned(), value.to_owned());
            let written = Written {
                action: (*action).to_owned(),
                protocol: protocol.to_owned(),
                source: "$HOME_NET".to_owned(),
                source_ports: "any".to_owned(),
                both: false,
                destination: "$EXTERNAL_NET".to_owned(),
                destination_ports: "any".to_owned(),
                options: vec![option(asked, ""), option("flow", "to_server, established"), option("priority", "1")],
            };
            out.extend(names.rule(&written, format!("{what} ({target}, {count})")));
        }
    }
    Ok(out)
}

/// What the variables of a rule group stand for.
struct Names {
    group: Arc<str>,
    addresses: HashMap<String, String>,
    ports: HashMap<String, String>,
    references: HashMap<String, Arc<Addresses>>,
    /// The policy's `HOME_NET`.
    home: Option<Arc<Addresses>>,
    /// Every list that was read, by its text: rules share them.
    read: RefCell<HashMap<String, Option<Arc<Addresses>>>>,
}

impl Names {
    fn of(group: &Group<'_>, home: Option<Arc<Addresses>>, prefix: Prefix<'_>) -> Result<Self, RuleError> {
        let section = |outer: &str, inner: &str| group.rules.get(outer).and_then(|v| v.as_map()?.get(inner)?.as_map());
        let variables = |kind: &str| -> Result<HashMap<String, String>, RuleError> {
            let mut out = HashMap::new();
            for (name, set) in section("RuleVariables", kind).iter().flat_map(|sets| sets.iter()) {
                out.insert(name.to_string(), definition(set, &group.place(name))?);
            }
            Ok(out)
        };
        let mut references = HashMap::new();
        for (name, set) in section("ReferenceSets", "IPSetReferences").iter().flat_map(|sets| sets.iter()) {
            let set = set.as_map().ok_or_else(|| malformed(&group.place(name), "a structure"))?;
            let arn = string(set, "ReferenceArn", &group.place(name))?;
            let id = arn.rsplit('/').next().unwrap_or(arn);
            if let Some(ranges) = prefix(id) {
                references.insert(name.to_string(), Arc::new(Addresses::of(&ranges)));
            }
        }
        Ok(Self {
            group: Arc::from(group.name),
            addresses: variables("IPSets")?,
            ports: variables("PortSets")?,
            references,
            home,
            read: RefCell::default(),
        })
    }

    /// A line of a `RulesString`; `None`: it only alerts. A line that cannot be read may do anything.
    fn line(&self, line: &str) -> Option<stateful::Rule> {
        match suricata::read(line) {
            Some(written) => self.rule(&written, cut(line)),
            None if line.trim_start().starts_with("alert") => None,
            None => {
                let any = suricata::read("unread ip any any -> any any ()")?;
                self.rule(&any, cut(line))
            }
        }
    }

    fn rule(&self, written: &Written, text: String) -> Option<stateful::Rule> {
        let action = match written.action.as_str() {
            "pass" => Action::Pass,
            "drop" | "reject" | "rejectsrc" | "rejectdst" | "rejectboth" => Action::Drop,
            "alert" => return None,
            _ => Action::Unread,
        };
        let mut asks = options::read(&written.options);
        let (protocols, payload) = suricata::protocol(&written.protocol);
        if payload {
            asks.unsure.insert(0, written.protocol.clone());
            (asks.payload, asks.packet) = (true, false);
        }
        if action == Action::Unread {
            asks.unsure.push("?".to_owned());
        }
        let source = self.addresses(&written.source);
        let destination = self.addresses(&written.destination);
        for (set, text) in [(&source, &written.source), (&destination, &written.destination)] {
            asks.unsure.extend(set.is_none().then(|| text.clone()));
        }
        let (source_ports, destination_ports) =
            (self.ports(&written.source_ports), self.ports(&written.destination_ports));
        for (set, text) in [(&source_ports, &written.source_ports), (&destination_ports, &written.destination_ports)] {
            asks.unsure.extend(set.is_none().then(|| text.clone()));
        }
        Some(stateful::Rule {
            group: self.group.clone(),
            action,
            protocols,
            source,
            source_ports,
            destination,
            destination_ports,
            both: written.both,
            asks,
            text,
        })
    }

    fn addresses(&self, text: &str) -> Option<Arc<Addresses>> {
        if let Some(set) = self.read.borrow().get(text) {
            return set.clone();
        }
        let set = list(text, &Addresses::item, &|name| self.variable(name, 0));
        self.read.borrow_mut().insert(text.to_owned(), set.clone());
        set
    }

    /// The group's own variable, else the policy's `HOME_NET` and what is not in it ("Limitations and caveats").
    fn variable(&self, name: &str, depth: u8) -> Option<Arc<Addresses>> {
        if let Some(reference) = name.strip_prefix('@') {
            return self.references.get(reference).cloned();
        }
        let name = name.strip_prefix('$')?;
        match self.addresses.get(name) {
            Some(_) if depth > 1 => None,
            Some(text) => list(text, &Addresses::item, &|name| self.variable(name, depth + 1)),
            None if name == "HOME_NET" => self.home.clone(),
            None if name == "EXTERNAL_NET" => Some(Arc::new(Addresses::all().minus(self.home.as_ref()?))),
            None => None,
        }
    }

    fn ports(&self, text: &str) -> Option<Arc<Ports>> {
        let variable = |name: &str| list(self.ports.get(name.strip_prefix('$')?)?, &Ports::item, &|_| None);
        list(text, &Ports::item, &variable)
    }
}

/// The text of a variable: its items as a list.
pub fn definition(set: &Value, place: &str) -> Result<String, RuleError> {
    let set = set.as_map().ok_or_else(|| malformed(place, "a structure"))?;
    Ok(format!("[{}]", strings(set, "Definition", place)?.join(",")))
}

/// A text cut to what fits on a line.
pub fn cut(text: &str) -> String {
    const LONGEST: usize = 240;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}
