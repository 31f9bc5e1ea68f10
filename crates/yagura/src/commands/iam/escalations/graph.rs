//! The chains as a graph: principals in columns by their distance to an administrator.

use super::Findings;
use std::collections::BTreeMap;
use std::fmt::Write;
use yagura_model::Lang;
use yagura_policy::escalate::{Certainty, Principal};

/// Principals and the steps between them.
pub(super) struct Graph {
    /// Nodes in the order of drawing.
    pub(super) nodes: Vec<Node>,
    /// Steps, by the places of their nodes.
    pub(super) edges: Vec<Edge>,
}

/// A principal, or what stands for an administrator's permissions.
pub(super) struct Node {
    /// What to write into it.
    pub(super) label: String,
    /// The whole ARN.
    pub(super) title: String,
    /// How many steps it is from an administrator.
    pub(super) distance: usize,
    /// Whether it may do everything.
    pub(super) admin: bool,
}

/// A step of a chain.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) from: usize,
    pub(super) to: usize,
    /// The first id of the path.
    pub(super) label: String,
    /// The path's title.
    pub(super) title: String,
    pub(super) certain: bool,
}

impl Graph {
    /// The chains of all principals that have one.
    pub(super) fn of(found: &[Findings<'_>], lang: Lang) -> Self {
        let mut graph = Self { nodes: Vec::new(), edges: Vec::new() };
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for findings in found {
            for principal in &findings.report.principals {
                graph.add(&mut places, findings, principal, lang);
            }
        }
        graph.edges.sort();
        graph.edges.dedup();
        graph
    }

    fn add(
        &mut self,
        places: &mut BTreeMap<String, usize>,
        findings: &Findings<'_>,
        principal: &Principal,
        lang: Lang,
    ) {
        let is_admin =
            |arn: &str| findings.report.principals.iter().any(|p| p.arn == arn && p.admin == Certainty::Certain);
        let length = principal.chain.len();
        for (at, hop) in principal.chain.iter().enumerate() {
            let admin = at + 1 == length && principal.reaches_admin;
            let from = self.place(places, &hop.from, length - at, false);
            let to = match &hop.to {
                Some(arn) => self.place(places, arn, length - at - 1, admin || is_admin(arn)),
                None if admin => self.place(places, lang.pick("administrator", "管理者"), 0, true),
                None => self.place(places, lang.pick("a role not shown", "表示されないロール"), 0, false),
            };
            let path = findings.paths.get(hop.path);
            let label = path.and_then(|p| p.ids.first()).map(ToString::to_string).unwrap_or_default();
            let title = path.map(|p| p.title.pick(lang).to_owned()).unwrap_or_default();
            self.edges.push(Edge { from, to, label, title, certain: hop.certainty == Certainty::Certain });
        }
    }

    fn place(&mut self, places: &mut BTreeMap<String, usize>, arn: &str, distance: usize, admin: bool) -> usize {
        let at = *places.entry(arn.to_owned()).or_insert(self.nodes.len());
        if at == self.nodes.len() {
            let label = arn.splitn(6, ':').nth(5).unwrap_or(arn).to_owned();
            self.nodes.push(Node { label, title: arn.to_owned(), distance, admin });
        }
        if let Some(node) = self.nodes.get_mut(at) {
            node.distance = node.distance.max(distance);
            node.admin |= admin;
        }
        at
    }

    /// For Graphviz.
    pub(super) fn dot(&self) -> String {
        let mut out =
            String::from("digraph escalations {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
        for (at, node) in self.nodes.iter().enumerate() {
            let style = if node.admin { ", peripheries=2" } else { "" };
            let _ = writeln!(
                out,
                "  n{at} [label=\"{}\", tooltip=\"{}\"{style}];",
                quoted(&node.label),
                quoted(&node.title)
            );
        }
        for edge in &self.edges {
            let style = if edge.certain { "solid" } else { "dashed" };
            let (label, title) = (quoted(&edge.label), quoted(&edge.title));
            let _ = writeln!(
                out,
                "  n{} -> n{} [label=\"{label}\", tooltip=\"{title}\", style={style}];",
                edge.from, edge.to
            );
        }
        out.push_str("}\n");
        out
    }
}

/// A text for a quoted string of DOT.
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', " ")
}
