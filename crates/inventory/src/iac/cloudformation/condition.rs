//! Conditions in three-valued logic (user guide, "Condition functions"): what hangs on an unknown parameter is unknown.

use super::{MAX_STEPS, Stack};
use crate::iac::node::Node;
use smol_str::SmolStr;

impl Stack<'_> {
    /// Whether the condition of this name holds; `None` where it cannot be told.
    pub(super) fn condition(&mut self, name: &str) -> Option<bool> {
        let node = self.root.get("Conditions")?.get(name)?.clone();
        let key = SmolStr::from(format!("condition {name}"));
        if !self.busy.insert(key.clone()) {
            return None;
        }
        let out = self.truth(&node);
        self.busy.remove(&key);
        out
    }

    fn truth(&mut self, node: &Node) -> Option<bool> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return None;
        }
        match node {
            Node::Bool(b) => return Some(*b),
            Node::Text(t) => return t.parse().ok(),
            _ => {}
        }
        let [only] = node.entries() else { return None };
        let items = only.value.items();
        match only.key.as_str() {
            "Condition" => self.condition(only.value.as_str()?),
            "Fn::Not" => items.first().and_then(|c| self.truth(c)).map(|b| !b),
            "Fn::And" => self.all(items, true),
            "Fn::Or" => self.all(items, false),
            "Fn::Equals" => {
                let [a, b] = items else { return None };
                let (a, b) = (self.eval(a), self.eval(b));
                if a.hidden().is_some() || b.hidden().is_some() {
                    return None;
                }
                // CloudFormation compares texts: `true` equals "true".
                Some(match (a.scalar(), b.scalar()) {
                    (Some(a), Some(b)) => a == b,
                    _ => a == b,
                })
            }
            "Fn::Contains" => {
                let [list, wanted] = items else { return None };
                let (list, wanted) = (self.eval(list), self.eval(wanted));
                if list.hidden().is_some() || wanted.hidden().is_some() {
                    return None;
                }
                Some(list.items().iter().any(|i| i.scalar() == wanted.scalar()))
            }
            _ => None,
        }
    }

    /// All of them hold (`wanted`), or any of them (`!wanted`).
    fn all(&mut self, items: &[Node], wanted: bool) -> Option<bool> {
        let mut out = Some(wanted);
        for item in items {
            match self.truth(item) {
                Some(b) if b == wanted => {}
                Some(b) => return Some(b),
                None => out = None,
            }
        }
        out
    }
}
