//! One module with the values that its variables are given.

use super::super::build::Declared;
use super::super::catalogue::{Form, Identity};
use super::super::node::{Entry, Node};
use super::parsed::{Named, Parsed};
use super::{MAX_NESTING, Shared, local, object};
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many instances one block may stand for.
const MAX_INSTANCES: i64 = 1000;

/// A module, worked out as far as it was asked for.
pub(super) struct Module {
    pub(super) parsed: Arc<Parsed>,
    pub(super) folder: PathBuf,
    /// `module.net.` for what stands in a called module.
    prefix: String,
    pub(super) given: BTreeMap<SmolStr, Node>,
    default_tags: Node,
    pub(super) locals: HashMap<SmolStr, Node>,
    instances: HashMap<SmolStr, Arc<Vec<Instance>>>,
    /// Called modules, by the call's name.
    children: HashMap<SmolStr, Vec<(Key, Module)>>,
    /// What is being worked out: a cycle ends here.
    pub(super) busy: HashSet<SmolStr>,
    /// Variables of loops, `each` and `count`, the innermost last.
    pub(super) vars: Vec<(SmolStr, Node)>,
    depth: usize,
}

/// Which instance of a block.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Key {
    Only,
    Index(usize),
    Name(SmolStr),
    /// One that stands for all, where their number is not known.
    Any,
}

/// One resource out of a block.
#[derive(Debug, Clone)]
pub(super) struct Instance {
    pub key: Key,
    pub vars: Vec<(SmolStr, Node)>,
    pub identity: Identity,
}

impl Module {
    pub(super) fn new(
        folder: &Path,
        shared: &mut Shared<'_>,
        prefix: String,
        given: BTreeMap<SmolStr, Node>,
        default_tags: Node,
    ) -> Self {
        shared.taken.insert(super::plain(folder));
        let mut module = Self { parsed: shared.parse(folder), prefix, given, default_tags, ..Self::empty(folder) };
        let own = module.own_default_tags(shared);
        if own != Node::Null {
            module.default_tags = own;
        }
        module
    }

    /// A module without blocks, in which constants can be worked out.
    pub(super) fn empty(folder: &Path) -> Self {
        Self {
            parsed: Arc::default(),
            folder: folder.to_owned(),
            prefix: String::new(),
            given: BTreeMap::new(),
            default_tags: Node::Null,
            locals: HashMap::new(),
            instances: HashMap::new(),
            children: HashMap::new(),
            busy: HashSet::new(),
            vars: Vec::new(),
            depth: 0,
        }
    }

    /// `default_tags` of the provider that has no alias (AWS provider documentation).
    fn own_default_tags(&mut self, shared: &mut Shared<'_>) -> Node {
        let parsed = self.parsed.clone();
        let mine = |p: &&Named| p.name == "aws" && p.block.body.get_attribute("alias").is_none();
        let Some(provider) = parsed.providers.iter().find(mine) else { return Node::Null };
        let Some(tags) = provider.block.body.get_blocks("default_tags").next() else { return Node::Null };
        tags.body.get_attribute("tags").map_or(Node::Null, |a| self.eval(shared, &a.value))
    }

    /// All resources of this module and of those that it calls.
    pub(super) fn declare(&mut self, shared: &mut Shared<'_>, depth: usize, out: &mut Vec<Declared>) {
        self.depth = depth;
        let parsed = self.parsed.clone();
        for block in &parsed.resources {
            for instance in self.instances(shared, block).iter() {
                let before = std::mem::replace(&mut self.vars, instance.vars.clone());
                let mut body = self.body(shared, &block.block.body, block);
                self.vars = before;
                self.tag(&mut body);
                out.push(Declared {
                    of: block.of.clone(),
                    logical: block.name.clone(),
                    form: Form::Terraform,
                    place: block.place.clone(),
                    identity: instance.identity.clone(),
                    body,
                });
            }
        }
        for call in &parsed.modules {
            self.call(shared, &call.name);
            let mut children = self.children.remove(&call.name).unwrap_or_default();
            for (_, child) in &mut children {
                child.declare(shared, depth + 1, out);
            }
            self.children.insert(call.name.clone(), children);
        }
    }

    /// Adds the provider's tags; the resource's own are stronger.
    fn tag(&self, body: &mut Node) {
        let Node::Map(entries) = body else { return };
        match (&self.default_tags, entries.iter_mut().find(|e| e.key == "tags")) {
            (Node::Map(m), _) if m.is_empty() => {}
            (Node::Null, _) => {}
            (tags, None) => entries.push(Entry::new("tags", tags.clone())),
            (Node::Map(defaults), Some(Entry { value: Node::Map(own), .. })) => {
                let missing: Vec<Entry> =
                    defaults.iter().filter(|d| !own.iter().any(|o| o.key == d.key)).cloned().collect();
                own.extend(missing);
            }
            (Node::Unknown(why), Some(e)) => e.value = Node::Unknown(why.clone()),
            _ => {}
        }
    }

    /// The instances that a block stands for, by `count` and `for_each`.
    pub(super) fn instances(&mut self, shared: &mut Shared<'_>, block: &Arc<Named>) -> Arc<Vec<Instance>> {
        let key = smol_str::format_smolstr!("{}.{}", block.of, block.name);
        if let Some(known) = self.instances.get(&key) {
            return known.clone();
        }
        if !self.busy.insert(key.clone()) {
            return Arc::default();
        }
        let before = std::mem::take(&mut self.vars);
        let mut out = Vec::new();
        for (which, vars) in self.keys(shared, block) {
            let suffix = match &which {
                Key::Only => String::new(),
                Key::Index(n) => format!("[{n}]"),
                Key::Name(k) => format!("[\"{k}\"]"),
                Key::Any => "[*]".to_owned(),
            };
            let address = smol_str::format_smolstr!("{}{key}{suffix}", self.prefix);
            self.vars.clone_from(&vars);
            let identity = self.identify(shared, block, &address);
            out.push(Instance { key: which, vars, identity });
        }
        self.vars = before;
        self.busy.remove(&key);
        let out = Arc::new(out);
        self.instances.insert(key, out.clone());
        out
    }

    fn identify(&mut self, shared: &mut Shared<'_>, block: &Named, address: &str) -> Identity {
        let names: Vec<Entry> =
            block.block.body.attributes().map(|a| Entry::new(a.key.as_str(), Node::Bool(true))).collect();
        let catalogue = shared.catalogue;
        let mut name = None;
        for property in catalogue.name_properties(&block.of, Form::Terraform, &Node::Map(names)) {
            if name.is_none()
                && let Some(a) = block.block.body.get_attribute(&property)
            {
                name = self.eval(shared, &a.value).scalar();
            }
        }
        catalogue.identity(&block.of, name, address, &shared.options.setting)
    }

    /// Which instances there are, and what `each` and `count` are in each.
    fn keys(&mut self, shared: &mut Shared<'_>, block: &Named) -> Vec<(Key, Vec<(SmolStr, Node)>)> {
        let body = &block.block.body;
        let count = |n: Node| vec![("count".into(), object([("index".into(), n)]))];
        let each = |k: Node, v: Node| vec![("each".into(), object([("key".into(), k), ("value".into(), v)]))];
        if let Some(a) = body.get_attribute("count") {
            let number = self.eval(shared, &a.value);
            return match number.scalar().and_then(|n| n.parse::<i64>().ok()) {
                Some(n) if (0..=MAX_INSTANCES).contains(&n) => {
                    (0..n).map(|i| (Key::Index(usize::try_from(i).unwrap_or_default()), count(Node::Int(i)))).collect()
                }
                _ => vec![(Key::Any, count(Node::unknown("count.index")))],
            };
        }
        let Some(a) = body.get_attribute("for_each") else { return vec![(Key::Only, Vec::new())] };
        match self.eval(shared, &a.value) {
            Node::Map(m) => {
                m.into_iter().map(|e| (Key::Name(e.key.clone()), each(Node::Text(e.key), e.value))).collect()
            }
            Node::List(l) if l.iter().all(|n| n.scalar().is_some()) => {
                l.into_iter().map(|n| (Key::Name(n.scalar().unwrap_or_default()), each(n.clone(), n))).collect()
            }
            _ => vec![(Key::Any, each(Node::unknown("each.key"), Node::unknown("each.value")))],
        }
    }

    /// Makes sure that a called module is there, with its inputs worked out.
    fn call(&mut self, shared: &mut Shared<'_>, name: &SmolStr) {
        if self.children.contains_key(name) {
            return;
        }
        let key = smol_str::format_smolstr!("module.{name}");
        let parsed = self.parsed.clone();
        let Some(call) = parsed.modules.iter().find(|m| m.name == *name) else { return };
        if !self.busy.insert(key.clone()) {
            return;
        }
        let mut out = Vec::new();
        match local(&self.folder, call) {
            None => {
                let source = call.block.body.get_attribute("source").and_then(|a| a.value.as_str()).unwrap_or("?");
                shared.notes.undecided.push((call.place.clone(), format!("module.{name}: {source}")));
            }
            Some(_) if self.depth >= MAX_NESTING => {
                let why = format!("module.{name}: nested more than {MAX_NESTING} times");
                shared.notes.undecided.push((call.place.clone(), why));
            }
            Some(folder) => {
                let before = std::mem::take(&mut self.vars);
                for (which, vars) in self.keys(shared, call) {
                    self.vars = vars;
                    let inputs = match self.body(shared, &call.block.body, call) {
                        Node::Map(m) => m.into_iter().map(|e| (e.key, e.value)).collect(),
                        _ => BTreeMap::new(),
                    };
                    let suffix = match &which {
                        Key::Only => String::new(),
                        Key::Index(n) => format!("[{n}]"),
                        Key::Name(k) => format!("[\"{k}\"]"),
                        Key::Any => "[*]".to_owned(),
                    };
                    let prefix = format!("{}{key}{suffix}.", self.prefix);
                    let mut child = Self::new(&folder, shared, prefix, inputs, self.default_tags.clone());
                    child.depth = self.depth + 1;
                    out.push((which, child));
                }
                self.vars = before;
            }
        }
        self.busy.remove(&key);
        self.children.insert(name.clone(), out);
    }

    /// The outputs of a called module: by key where it is called several times.
    pub(super) fn outputs(&mut self, shared: &mut Shared<'_>, name: &SmolStr, wanted: &str) -> Vec<(Key, Node)> {
        self.call(shared, name);
        let Some(mut children) = self.children.remove(name) else { return Vec::new() };
        let mut out = Vec::new();
        for (key, child) in &mut children {
            let parsed = child.parsed.clone();
            let busy = smol_str::format_smolstr!("output.{wanted}");
            let value = match parsed.outputs.get(wanted) {
                Some(expr) if child.busy.insert(busy.clone()) => {
                    let before = std::mem::take(&mut child.vars);
                    let value = child.eval(shared, expr);
                    child.vars = before;
                    child.busy.remove(&busy);
                    value
                }
                _ => Node::unknown(format!("module.{name}.{wanted}")),
            };
            out.push((key.clone(), value));
        }
        self.children.insert(name.clone(), children);
        out
    }
}
