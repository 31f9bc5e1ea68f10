//! Pictures of a path: SVG that a browser shows as it is, and DOT for Graphviz.

mod dot;
mod svg;
#[cfg(test)]
mod tests;
mod text;

use crate::question::Reachable;
use crate::question::case::CaseAnswer;
use crate::question::explain::Travel;
use crate::walk::{Hop, Kind};
use yagura_model::Lang;

/// What to draw: the way there above, the way back below.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawing {
    /// The question in a line, such as `i-1 → internet, tcp 443`.
    pub question: String,
    /// The answer.
    pub verdict: Reachable,
    /// The request.
    pub forward: Lane,
    /// Its answer; empty where no request arrives.
    pub back: Lane,
    /// Calls that were not answered and could change the verdict.
    pub missing: Vec<String>,
}

/// One direction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lane {
    /// The components in the order of the way.
    pub hops: Vec<Node>,
    /// What stops the packet.
    pub blockers: Vec<Mark>,
}

/// A component on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its id, in AWS's form.
    pub id: String,
    /// Its kind.
    pub kind: Kind,
    /// Its `Name` tag, an address, the route that was taken; empty: none.
    pub label: String,
}

/// What stops the packet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark {
    /// The place in [`Lane::hops`] of the component where it stops; one past the last is taken for the last.
    pub after_hop: usize,
    /// Reachability Analyzer's explanation code.
    pub code: String,
    /// The exact rule, in the reader's language.
    pub text: String,
}

/// The drawing as an SVG document: nothing is loaded from elsewhere, and colours follow the reader's light or dark
/// setting.
pub fn to_svg(drawing: &Drawing, lang: Lang) -> String {
    svg::draw(drawing, lang)
}

/// The drawing for Graphviz.
pub fn to_dot(drawing: &Drawing, lang: Lang) -> String {
    dot::draw(drawing, lang)
}

impl Drawing {
    /// Draws an answer. `name` tells what a component is called besides its id: its `Name` tag, an address.
    pub fn of(question: &str, answer: &CaseAnswer, lang: Lang, name: &dyn Fn(&Hop) -> Option<String>) -> Self {
        let lane = |hops: &[Hop], travel: Travel| {
            let mut lane = Lane { hops: hops.iter().map(|hop| Node::of(hop, name)).collect(), blockers: Vec::new() };
            for blocker in answer.blocked_by.iter().filter(|b| b.direction == travel) {
                let hop = Hop::new(blocker.component.clone(), blocker.kind);
                let at = lane.hops.iter().position(|node| node.id == *hop.id).unwrap_or(lane.hops.len());
                // What would stop it further on is no hop: no packet came there.
                if at == lane.hops.len() && !hop.id.is_empty() {
                    lane.hops.push(Node::of(&hop, name));
                }
                let (code, text) = (blocker.code.text().to_owned(), blocker.say(lang).to_owned());
                lane.blockers.push(Mark { after_hop: at, code, text });
            }
            lane
        };
        Self {
            question: question.to_owned(),
            verdict: answer.reachable,
            forward: lane(&answer.forward.hops, Travel::Forward),
            back: lane(&answer.back.hops, Travel::Return),
            missing: answer.missing.iter().map(ToString::to_string).collect(),
        }
    }

    /// Both directions with their names.
    fn lanes(&self, lang: Lang) -> [(&'static str, &Lane); 2] {
        [(lang.pick("Forward", "往路"), &self.forward), (lang.pick("Return", "復路"), &self.back)]
    }

    fn verdict_text(&self, lang: Lang) -> &'static str {
        match self.verdict {
            Reachable::Yes => lang.pick("Reachable", "到達可能"),
            Reachable::No => lang.pick("Not reachable", "到達不可能"),
            Reachable::Unknown => lang.pick("Unknown", "不明"),
        }
    }
}

impl Node {
    fn of(hop: &Hop, name: &dyn Fn(&Hop) -> Option<String>) -> Self {
        let route = || hop.route.as_ref().map(ToString::to_string);
        Self { id: hop.id.to_string(), kind: hop.kind, label: name(hop).or_else(route).unwrap_or_default() }
    }

    /// Its id as a picture says it: of an ARN the resource, nothing where the kind says the same.
    fn shown(&self) -> &str {
        match self.id.strip_prefix("arn:") {
            Some(arn) => arn.splitn(5, ':').nth(4).unwrap_or(arn),
            None if self.id == self.kind.name() => "",
            None => &self.id,
        }
    }
}

impl Lane {
    /// The place of the component where a mark stands.
    fn at(&self, mark: &Mark) -> usize {
        mark.after_hop.min(self.hops.len().saturating_sub(1))
    }

    /// The place of the first component that stops the packet.
    fn stop(&self) -> Option<usize> {
        self.blockers.iter().map(|mark| self.at(mark)).min()
    }
}

/// The name of a kind for a reader, in AWS's own terms.
pub fn kind_text(kind: Kind, lang: Lang) -> &'static str {
    let (en, ja) = match kind {
        Kind::Instance => ("Instance", "インスタンス"),
        Kind::NetworkInterface => ("Network interface", "ネットワークインターフェイス"),
        Kind::SecurityGroup => ("Security group", "セキュリティグループ"),
        Kind::Subnet => ("Subnet", "サブネット"),
        Kind::NetworkAcl => ("Network ACL", "ネットワーク ACL"),
        Kind::RouteTable => ("Route table", "ルートテーブル"),
        Kind::Vpc => ("VPC", "VPC"),
        Kind::VpcBlockPublicAccess => ("VPC Block Public Access", "VPC ブロックパブリックアクセス"),
        Kind::InternetGateway => ("Internet gateway", "インターネットゲートウェイ"),
        Kind::EgressOnlyInternetGateway => ("Egress-only internet gateway", "Egress-Only インターネットゲートウェイ"),
        Kind::NatGateway => ("NAT gateway", "NAT ゲートウェイ"),
        Kind::VpcPeeringConnection => ("VPC peering connection", "VPC ピアリング接続"),
        Kind::TransitGateway => ("Transit gateway", "Transit Gateway"),
        Kind::TransitGatewayAttachment => ("Transit gateway attachment", "Transit Gateway アタッチメント"),
        Kind::TransitGatewayRouteTable => ("Transit gateway route table", "Transit Gateway ルートテーブル"),
        Kind::VpnGateway => ("Virtual private gateway", "仮想プライベートゲートウェイ"),
        Kind::VpnConnection => ("VPN connection", "VPN 接続"),
        Kind::DirectConnect => ("Direct Connect", "Direct Connect"),
        Kind::VpcEndpoint => ("VPC endpoint", "VPC エンドポイント"),
        Kind::LoadBalancer => ("Load balancer", "ロードバランサー"),
        Kind::NetworkFirewall => ("Network Firewall", "Network Firewall"),
        Kind::Internet => ("Internet", "インターネット"),
        Kind::OnPremises => ("On premises", "オンプレミス"),
        Kind::Service => ("AWS service", "AWS のサービス"),
    };
    lang.pick(en, ja)
}
