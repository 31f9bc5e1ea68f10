//! Load balancers of every generation: listeners, rules, target groups, targets.

use super::draft::{Draft, put};
use super::record::{ReadError, Record};
use crate::estate::{Home, Listener, LoadBalancer, LoadBalancerTarget, TargetGroup};
use smol_str::SmolStr;
use std::collections::BTreeMap;

const TCP: u8 = 6;
const UDP: u8 = 17;

/// What is told apart from the load balancers themselves.
#[derive(Default)]
pub(super) struct Balancing {
    /// By load balancer, the listeners.
    listeners: BTreeMap<SmolStr, Vec<ToldListener>>,
    /// By listener, what its rules do.
    rules: BTreeMap<SmolStr, Actions>,
    groups: BTreeMap<SmolStr, ToldGroup>,
    /// By target group.
    health: BTreeMap<SmolStr, Vec<LoadBalancerTarget>>,
    /// By target group, `preserve_client_ip.enabled`.
    preserve: BTreeMap<SmolStr, bool>,
    /// By load balancer, `load_balancing.cross_zone.enabled`.
    cross_zone: BTreeMap<SmolStr, bool>,
    /// By load balancer, the home that was asked.
    asked: BTreeMap<SmolStr, Home>,
}

struct ToldListener {
    arn: SmolStr,
    port: u16,
    protocols: Vec<u8>,
    actions: Actions,
}

/// What the actions of a listener or rule do.
#[derive(Default)]
struct Actions {
    /// The target groups that they forward to.
    groups: Vec<SmolStr>,
    /// Whether one answers without a target.
    answers: bool,
}

impl Actions {
    fn extend(&mut self, other: Self) {
        self.groups.extend(other.groups);
        self.answers |= other.answers;
    }
}

struct ToldGroup {
    protocols: Vec<u8>,
    preserve_by_default: Option<bool>,
    preserve_always: bool,
}

/// The transport of a listener's or target group's protocol; a Gateway Load Balancer's GENEVE runs over UDP.
fn transport(protocol: &str) -> Vec<u8> {
    match protocol.to_ascii_uppercase().as_str() {
        "UDP" | "QUIC" | "GENEVE" => vec![UDP],
        "TCP_UDP" | "TCP_QUIC" => vec![TCP, UDP],
        _ => vec![TCP],
    }
}

/// `LoadBalancers`.
pub(super) fn load_balancer(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let arn = record.want("LoadBalancerArn")?;
    let state = record.record("State")?.map(|s| s.text("Code")).transpose()?.flatten();
    let kind = record.text("Type")?.unwrap_or_else(|| {
        let path = arn.split("loadbalancer/").nth(1).unwrap_or_default();
        SmolStr::new_static(match path.split('/').next() {
            Some("net") => "network",
            Some("gwy") => "gateway",
            _ => "application",
        })
    });
    let balancer = LoadBalancer {
        home: record.home_of_arn(&arn),
        name: record.plain("LoadBalancerName")?,
        dns_name: record.plain("DNSName")?,
        internet_facing: record.plain("Scheme")? == "internet-facing",
        state: state.unwrap_or_default(),
        vpc: record.plain("VpcId")?,
        subnets: record.each("AvailabilityZones", "SubnetId")?,
        groups: record.texts("SecurityGroups")?,
        cross_zone: kind == "application",
        kind,
        id: arn.clone(),
        ..LoadBalancer::default()
    };
    put(&mut draft.load_balancers, arn.clone(), balancer, false);
    draft.balancing.asked.entry(arn).or_insert_with(|| record.asked.clone());
    if record.get("Attributes").is_some() {
        attributes(draft, record)?;
    }
    if record.get("Listeners").is_some() {
        listeners_of(draft, record)?;
    }
    Ok(())
}

/// `LoadBalancerAttributes`: attributes beside the load balancer's ARN.
pub(super) fn attributes(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    for attribute in record.records("Attributes")? {
        if attribute.plain("Key")? == "load_balancing.cross_zone.enabled" {
            let on = attribute.plain("Value")? == "true";
            draft.balancing.cross_zone.insert(record.want("LoadBalancerArn")?, on);
        }
    }
    Ok(())
}

/// Listeners nested beside a load balancer's ARN, or one listener.
pub(super) fn listener(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    if record.get("Listeners").is_some() { listeners_of(draft, record) } else { one_listener(draft, record, None) }
}

fn listeners_of(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let arn = record.want("LoadBalancerArn")?;
    draft.balancing.listeners.entry(arn.clone()).or_default();
    record.records("Listeners")?.iter().try_for_each(|l| one_listener(draft, l, Some(&arn)))
}

fn one_listener(draft: &mut Draft, record: &Record<'_>, of: Option<&SmolStr>) -> Result<(), ReadError> {
    let balancer = record.text("LoadBalancerArn")?.or_else(|| of.cloned());
    let Some(balancer) = balancer else { return Err(record.error("LoadBalancerArn", "is missing")) };
    let listener = ToldListener {
        arn: record.plain("ListenerArn")?,
        // A Gateway Load Balancer's listener has neither: it takes every packet.
        port: record.port("Port")?.unwrap_or(0),
        protocols: record.text("Protocol")?.map(|p| transport(&p)).unwrap_or_default(),
        actions: actions(record, "DefaultActions")?,
    };
    for rule in record.records("Rules")? {
        let actions = actions(&rule, "Actions")?;
        draft.balancing.rules.entry(listener.arn.clone()).or_default().extend(actions);
    }
    let known = draft.balancing.listeners.entry(balancer).or_default();
    if known.iter().all(|l| l.arn != listener.arn || l.arn.is_empty()) {
        known.push(listener);
    }
    Ok(())
}

fn actions(record: &Record<'_>, member: &str) -> Result<Actions, ReadError> {
    let mut out = Actions::default();
    for action in record.records(member)? {
        out.answers |= matches!(action.plain("Type")?.as_str(), "redirect" | "fixed-response");
        let mut groups: Vec<SmolStr> = action.text("TargetGroupArn")?.into_iter().collect();
        if let Some(forward) = action.record("ForwardConfig")? {
            groups.extend(forward.each("TargetGroups", "TargetGroupArn")?);
        }
        for group in groups {
            if !out.groups.contains(&group) {
                out.groups.push(group);
            }
        }
    }
    Ok(out)
}

/// `Rules`: a rule's ARN begins as its listener's.
pub(super) fn rule(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let arn = record.want("RuleArn")?;
    let listener = arn.rsplit_once('/').map_or(arn.as_str(), |(listener, _)| listener);
    let listener = SmolStr::from(listener.replacen(":listener-rule/", ":listener/", 1));
    let actions = actions(record, "Actions")?;
    draft.balancing.rules.entry(listener).or_default().extend(actions);
    Ok(())
}

/// `TargetGroups`. Network Load Balancers keep the client's address for instances and UDP, and for IP addresses over TCP
/// where they are told to
/// ([client IP preservation](https://docs.aws.amazon.com/elasticloadbalancing/latest/network/edit-target-group-attributes.html));
/// Gateway Load Balancers always, Application Load Balancers never.
pub(super) fn target_group(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let arn = record.want("TargetGroupArn")?;
    let protocol = record.plain("Protocol")?.to_ascii_uppercase();
    let by_instance = record.text("TargetType")?.is_none_or(|t| t == "instance");
    let group = ToldGroup {
        protocols: transport(&protocol),
        preserve_by_default: matches!(protocol.as_str(), "TCP" | "TLS").then_some(by_instance),
        preserve_always: matches!(protocol.as_str(), "UDP" | "TCP_UDP" | "QUIC" | "TCP_QUIC" | "GENEVE"),
    };
    draft.balancing.groups.insert(arn, group);
    if record.get("Attributes").is_some() {
        group_attributes(draft, record)?;
    }
    if record.get("TargetHealthDescriptions").is_some() {
        target_health(draft, record)?;
    }
    Ok(())
}

/// `TargetGroupAttributes`: attributes beside the target group's ARN.
pub(super) fn group_attributes(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    for attribute in record.records("Attributes")? {
        if attribute.plain("Key")? == "preserve_client_ip.enabled" {
            let on = attribute.plain("Value")? == "true";
            draft.balancing.preserve.insert(record.want("TargetGroupArn")?, on);
        }
    }
    Ok(())
}

/// `LoadBalancerTargetHealth`: target health beside the target group's ARN.
pub(super) fn target_health(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let mut targets = Vec::new();
    for described in record.records("TargetHealthDescriptions")? {
        let Some(target) = described.record("Target")? else { continue };
        let state = described.record("TargetHealth")?.map(|h| h.text("State")).transpose()?.flatten();
        targets.push(LoadBalancerTarget {
            id: target.want("Id")?,
            port: target.port("Port")?.unwrap_or(0),
            healthy: match state.as_deref() {
                Some("healthy") => Some(true),
                Some("unhealthy" | "unhealthy.draining" | "draining" | "unused") => Some(false),
                _ => None,
            },
        });
    }
    draft.balancing.health.insert(record.want("TargetGroupArn")?, targets);
    Ok(())
}

/// `LoadBalancerDescriptions`: Classic Load Balancers.
pub(super) fn classic(draft: &mut Draft, record: &Record<'_>) -> Result<(), ReadError> {
    let name = record.want("LoadBalancerName")?;
    let targets = record.each("Instances", "InstanceId")?;
    let mut health = BTreeMap::new();
    for state in record.records("InstanceStates")? {
        health.insert(state.plain("InstanceId")?, state.plain("State")? == "InService");
    }
    let mut listeners = Vec::new();
    for described in record.records("ListenerDescriptions")? {
        let Some(listener) = described.record("Listener")? else { continue };
        let port = listener.port("InstancePort")?.unwrap_or(0);
        let target = |id: &SmolStr| LoadBalancerTarget { id: id.clone(), port, healthy: health.get(id).copied() };
        let group = TargetGroup {
            id: SmolStr::default(),
            preserve_client_ip: false,
            protocol: TCP,
            targets: Some(targets.iter().map(target).collect()),
        };
        let port = listener.port("LoadBalancerPort")?.unwrap_or(0);
        listeners.push(Listener { port, protocols: vec![TCP], answers: false, targets: Some(vec![group]) });
    }
    let attributes = record.record("LoadBalancerAttributes")?;
    let cross_zone = attributes.map(|a| a.record("CrossZoneLoadBalancing")).transpose()?.flatten();
    let home = record.asked.clone();
    let balancer = LoadBalancer {
        id: name.clone(),
        name: name.clone(),
        dns_name: record.plain("DNSName")?,
        kind: SmolStr::new_static("classic"),
        internet_facing: record.plain("Scheme")? == "internet-facing",
        state: SmolStr::new_static("active"),
        vpc: record.plain("VPCId")?,
        subnets: record.texts("Subnets")?,
        groups: record.texts("SecurityGroups")?,
        interfaces: Vec::new(),
        cross_zone: cross_zone.map(|c| c.flag("Enabled")).transpose()?.flatten().unwrap_or(false),
        listeners: Some(listeners),
        home: home.clone(),
    };
    // Names are unique in a Region of an account only.
    put(&mut draft.load_balancers, classic_key(&home, &name), balancer, false);
    Ok(())
}

fn classic_key(home: &Home, name: &str) -> SmolStr {
    smol_str::format_smolstr!("{}/{}/{name}", home.account, home.region)
}

/// Gives load balancers their listeners, targets and interfaces. One without a listener has none where `listed` says that
/// they were listed for its home.
pub(super) fn resolve(draft: &mut Draft, listed: impl Fn(&Home) -> bool) {
    let told = std::mem::take(&mut draft.balancing);
    let mut interfaces: BTreeMap<(SmolStr, SmolStr), Vec<SmolStr>> = BTreeMap::new();
    for interface in draft.interfaces.values() {
        if let Some(name) = interface.description.strip_prefix("ELB ") {
            interfaces.entry((name.into(), interface.vpc.clone())).or_default().push(interface.id.clone());
        }
    }
    for balancer in draft.load_balancers.values_mut() {
        let name = balancer.id.split_once("loadbalancer/").map_or(balancer.name.as_str(), |(_, path)| path);
        let key = (SmolStr::from(name), balancer.vpc.clone());
        balancer.interfaces = interfaces.get(&key).cloned().unwrap_or_default();
        if let Some(on) = told.cross_zone.get(&balancer.id) {
            balancer.cross_zone = *on;
        }
        if balancer.kind != "classic" {
            let known = told.listeners.get(&balancer.id).map(|l| l.iter().map(|l| told.listener(l)).collect());
            let none = told.asked.get(&balancer.id).is_some_and(&listed).then(Vec::new);
            balancer.listeners = known.or(none);
        }
    }
}

impl Balancing {
    fn listener(&self, listener: &ToldListener) -> Listener {
        let all = || self.rules.get(&listener.arn).into_iter().chain([&listener.actions]);
        let mut arns: Vec<&SmolStr> = all().flat_map(|a| &a.groups).collect();
        arns.sort();
        arns.dedup();
        let targets = arns.into_iter().flat_map(|arn| self.target_groups(arn)).collect();
        let answers = all().any(|a| a.answers);
        Listener { port: listener.port, protocols: listener.protocols.clone(), answers, targets: Some(targets) }
    }

    /// One for each protocol towards its targets.
    fn target_groups(&self, arn: &SmolStr) -> Vec<TargetGroup> {
        let group = self.groups.get(arn);
        let by_default = group.and_then(|g| g.preserve_by_default).unwrap_or(false);
        let preserve = group.is_some_and(|g| g.preserve_always) || *self.preserve.get(arn).unwrap_or(&by_default);
        let of = |protocol| TargetGroup {
            id: arn.clone(),
            preserve_client_ip: preserve,
            protocol,
            targets: self.health.get(arn).cloned(),
        };
        group.map_or(vec![of(TCP)], |g| g.protocols.iter().map(|p| of(*p)).collect())
    }
}
