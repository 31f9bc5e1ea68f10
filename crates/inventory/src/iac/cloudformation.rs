//! CloudFormation templates: parameters, conditions, resources, nested stacks.

mod condition;
mod intrinsic;
mod serverless;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests;

use super::build::Declared;
use super::catalogue::{Catalogue, Form, Identity};
use super::node::{Entry, Node};
use super::{Notes, Options, Setting, document};
use smol_str::SmolStr;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use yagura_model::SourcePlace;

/// How deep stacks may be nested.
const MAX_NESTING: usize = 8;
/// How many values one template may be worked out to.
const MAX_STEPS: usize = 1_000_000;

/// Whether a document is a template: CloudFormation wants a `Resources` section (user guide, "Template anatomy").
pub(crate) fn is_template(root: &Node) -> bool {
    let resources = root.get("Resources").map(Node::entries).unwrap_or_default();
    let typed = |e: &Entry| {
        e.key.starts_with("Fn::ForEach") || e.value.get("Type").and_then(Node::as_str).is_some_and(|t| t.contains("::"))
    };
    root.get("AWSTemplateFormatVersion").is_some() || resources.iter().any(typed)
}

/// The local files that a template nests.
pub(crate) fn nested_files(file: &Path, root: &Node) -> Vec<PathBuf> {
    let resources = root.get("Resources").map(Node::entries).unwrap_or_default();
    resources.iter().filter_map(|e| local_template(file, &e.value)).collect()
}

/// The file below the template's folder that a nested stack names; `None` for one that lies on S3.
fn local_template(file: &Path, resource: &Node) -> Option<PathBuf> {
    let properties = resource.get("Properties")?;
    let url = match resource.get("Type").and_then(Node::as_str)? {
        "AWS::CloudFormation::Stack" => properties.get("TemplateURL")?.as_str()?,
        "AWS::Serverless::Application" => properties.get("Location")?.as_str()?,
        _ => return None,
    };
    if url.contains("://") {
        return None;
    }
    let relative = Path::new(url.trim_start_matches("./"));
    let below = relative.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
    below.then(|| file.parent().unwrap_or(Path::new(".")).join(relative))
}

/// The resources of a template.
pub(crate) fn resources(
    file: &Path,
    root: &Node,
    catalogue: &Catalogue<'_>,
    options: &Options,
    notes: &mut Notes,
) -> Vec<Declared> {
    let parameters = options.parameters.iter().map(|(k, v)| (SmolStr::from(k), Node::text(v.as_str()))).collect();
    let mut out = Vec::new();
    Stack::new(file, root, catalogue, &options.setting, "").run(parameters, 0, notes, &mut out);
    out
}

/// One template with the parameters that it is given.
pub(super) struct Stack<'t> {
    file: &'t Path,
    shown: Arc<str>,
    root: &'t Node,
    catalogue: &'t Catalogue<'t>,
    at: &'t Setting,
    /// `Outer/` for what stands in a nested stack.
    prefix: SmolStr,
    parameters: BTreeMap<SmolStr, Node>,
    /// Resources by logical id, `Fn::ForEach` and SAM already rewritten.
    resources: BTreeMap<SmolStr, Resource>,
    identities: HashMap<SmolStr, Identity>,
    /// What nested stacks put out.
    outputs: HashMap<SmolStr, BTreeMap<SmolStr, Node>>,
    /// Names that are being worked out: a cycle ends here.
    busy: HashSet<SmolStr>,
    steps: usize,
}

#[derive(Debug, Clone)]
struct Resource {
    of: SmolStr,
    line: u32,
    condition: Option<SmolStr>,
    properties: Node,
    whole: Node,
}

impl<'t> Stack<'t> {
    fn new(file: &'t Path, root: &'t Node, catalogue: &'t Catalogue<'t>, at: &'t Setting, prefix: &str) -> Self {
        let shown = file.display().to_string();
        Self {
            file,
            shown: shown.trim_start_matches("./").into(),
            root,
            catalogue,
            at,
            prefix: prefix.into(),
            parameters: BTreeMap::new(),
            resources: BTreeMap::new(),
            identities: HashMap::new(),
            outputs: HashMap::new(),
            busy: HashSet::new(),
            steps: 0,
        }
    }

    /// Works out the resources; answers with the outputs.
    fn run(
        &mut self,
        given: BTreeMap<SmolStr, Node>,
        depth: usize,
        notes: &mut Notes,
        out: &mut Vec<Declared>,
    ) -> BTreeMap<SmolStr, Node> {
        self.read_parameters(&given);
        self.read_resources(notes);
        let names: Vec<SmolStr> = self.resources.keys().cloned().collect();
        for name in &names {
            self.nest(name, depth, notes, out);
        }
        for name in &names {
            if let Some(d) = self.declared(name) {
                out.push(d);
            }
        }
        let outputs = self.root.get("Outputs").map(Node::entries).unwrap_or_default();
        let value = |e: &Entry| Some((e.key.clone(), e.value.get("Value")?.clone()));
        let values: Vec<(SmolStr, Node)> = outputs.iter().filter_map(value).collect();
        values.into_iter().map(|(name, node)| (name, self.eval(&node))).collect()
    }

    fn read_parameters(&mut self, given: &BTreeMap<SmolStr, Node>) {
        for e in self.root.get("Parameters").map(Node::entries).unwrap_or_default() {
            let of = e.value.get("Type").and_then(Node::as_str).unwrap_or("String");
            let hidden = || Node::unknown(format!("Ref {}", e.key));
            let value = match (given.get(&e.key), e.value.get("Default")) {
                (Some(v), _) => v.clone(),
                _ if of.starts_with("AWS::SSM::Parameter") => hidden(),
                (None, Some(v)) => v.clone(),
                (None, None) => hidden(),
            };
            let is_list = of == "CommaDelimitedList" || of.starts_with("List<");
            let value = match (is_list, value) {
                (true, Node::Text(t)) => Node::List(t.split(',').map(|p| Node::text(p.trim())).collect()),
                (_, v) => v,
            };
            self.parameters.insert(e.key.clone(), value);
        }
        // Pseudo parameters may be given too.
        for (name, value) in given.iter().filter(|(n, _)| n.starts_with("AWS::")) {
            self.parameters.insert(name.clone(), value.clone());
        }
    }

    fn read_resources(&mut self, notes: &mut Notes) {
        let root = self.root;
        let mut found: Vec<Entry> = Vec::new();
        for e in root.get("Resources").map(Node::entries).unwrap_or_default() {
            match e.key.strip_prefix("Fn::ForEach::") {
                Some(_) => match self.for_each(e, 0) {
                    Some(more) => found.extend(more),
                    None => notes.undecided.push((self.place(e.line), format!("{}: {}", e.key, "Fn::ForEach"))),
                },
                None => found.push(e.clone()),
            }
        }
        for e in found {
            let Some(of) = e.value.get("Type").and_then(Node::as_str).map(SmolStr::from) else { continue };
            let properties = e.value.get("Properties").cloned().unwrap_or(Node::Map(Vec::new()));
            let condition = e.value.get("Condition").and_then(Node::as_str).map(SmolStr::from);
            let globals = root.get("Globals").cloned().unwrap_or(Node::Null);
            let (of, properties) = serverless::rewrite(of, properties, &globals);
            self.resources.insert(e.key, Resource { of, line: e.line, condition, properties, whole: e.value });
        }
    }

    fn place(&self, line: u32) -> SourcePlace {
        SourcePlace { file: self.shown.clone(), line: line.max(1) }
    }

    /// Reads the stack that a resource nests, where its template lies beside this one.
    fn nest(&mut self, name: &SmolStr, depth: usize, notes: &mut Notes, out: &mut Vec<Declared>) {
        let Some(resource) = self.resources.get(name).cloned() else { return };
        if !matches!(resource.of.as_str(), "AWS::CloudFormation::Stack" | "AWS::Serverless::Application")
            || self.left_out(&resource)
        {
            return;
        }
        let place = self.place(resource.line);
        let Some(path) = local_template(self.file, &resource.whole) else {
            return notes.undecided.push((place, format!("{name}: TemplateURL")));
        };
        if depth >= MAX_NESTING {
            return notes.undecided.push((place, format!("{name}: nested more than {MAX_NESTING} times")));
        }
        let root = match super::source::text(&path).and_then(|text| document::read(&path.to_string_lossy(), &text)) {
            Ok(root) => root,
            Err((line, message)) => {
                let file: Arc<str> = path.display().to_string().into();
                return notes.unread.push((SourcePlace { file, line }, message));
            }
        };
        let wanted = resource.properties.get("Parameters").cloned().unwrap_or(Node::Null);
        let given = self.eval(&wanted).entries().iter().map(|e| (e.key.clone(), e.value.clone())).collect();
        let prefix = smol_str::format_smolstr!("{}{name}/", self.prefix);
        let outputs = Stack::new(&path, &root, self.catalogue, self.at, &prefix).run(given, depth + 1, notes, out);
        self.outputs.insert(name.clone(), outputs);
    }

    fn left_out(&mut self, resource: &Resource) -> bool {
        resource.condition.as_ref().is_some_and(|c| self.condition(c) == Some(false))
    }

    fn declared(&mut self, name: &SmolStr) -> Option<Declared> {
        let resource = self.resources.get(name)?.clone();
        if self.left_out(&resource) {
            return None;
        }
        let body = self.eval(&resource.properties);
        Some(Declared {
            of: resource.of.clone(),
            logical: name.clone(),
            form: Form::CloudFormation,
            place: self.place(resource.line),
            identity: self.identity(name)?,
            body,
        })
    }

    /// What a resource of this template will be called; `None` where there is no such resource.
    pub(super) fn identity(&mut self, name: &str) -> Option<Identity> {
        if let Some(known) = self.identities.get(name) {
            return Some(known.clone());
        }
        let resource = self.resources.get(name)?.clone();
        let key = smol_str::format_smolstr!("name of {name}");
        let mut given = None;
        if self.busy.insert(key.clone()) {
            for p in self.catalogue.name_properties(&resource.of, Form::CloudFormation, &resource.properties) {
                let node = resource.properties.get(&p).cloned().unwrap_or(Node::Null);
                given = given.or_else(|| self.eval(&node).scalar());
            }
            self.busy.remove(&key);
        }
        let address = smol_str::format_smolstr!("{}{name}", self.prefix);
        let identity = self.catalogue.identity(&resource.of, given, &address, self.at);
        self.identities.insert(name.into(), identity.clone());
        Some(identity)
    }
}
