//! Terraform configurations (HCL): modules in local folders, variables, locals, `count` and `for_each` where decidable.

mod body;
mod expression;
mod functions;
mod json;
mod module;
mod parsed;
pub(super) mod plan;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests may stop")]
mod tests;

use super::build::Declared;
use super::catalogue::Catalogue;
use super::node::{Entry, Node};
use super::{Notes, Options};
use module::Module;
use parsed::Parsed;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yagura_model::SourcePlace;

/// How many values one configuration may be worked out to.
const MAX_STEPS: usize = 2_000_000;
/// How long a chain of references may be.
const MAX_CHAIN: usize = 200;
/// How deep modules may be nested.
const MAX_NESTING: usize = 8;

/// What the modules of one configuration share.
pub(super) struct Shared<'c> {
    catalogue: &'c Catalogue<'c>,
    options: &'c Options,
    notes: &'c mut Notes,
    parsed: HashMap<PathBuf, Arc<Parsed>>,
    /// Folders that some configuration took in.
    taken: HashSet<PathBuf>,
    steps: usize,
    chain: usize,
}

impl Shared<'_> {
    /// The configuration in a folder, read once.
    fn parse(&mut self, folder: &Path) -> Arc<Parsed> {
        if let Some(known) = self.parsed.get(folder) {
            return known.clone();
        }
        let parsed = Arc::new(Parsed::read(folder, self.notes));
        self.parsed.insert(folder.to_owned(), parsed.clone());
        parsed
    }

    /// Counts work; `true` where there was too much of it.
    fn spent(&mut self, steps: usize) -> bool {
        self.steps = self.steps.saturating_add(steps);
        self.steps > MAX_STEPS
    }
}

/// The resources of all configurations among these files: each folder with `.tf` or `.tf.json` files is a module, and what no other
/// module calls is the root of a configuration.
pub(super) fn resources(
    files: &[PathBuf],
    catalogue: &Catalogue<'_>,
    options: &Options,
    notes: &mut Notes,
) -> Vec<Declared> {
    let folders: BTreeSet<PathBuf> = files
        .iter()
        .filter(|f| parsed::is_configuration(f))
        .map(|f| f.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned())
        .collect();
    notes.files += files.iter().filter(|f| parsed::is_configuration(f)).count();
    let mut shared =
        Shared { catalogue, options, notes, parsed: HashMap::new(), taken: HashSet::new(), steps: 0, chain: 0 };
    let called: HashSet<PathBuf> = folders
        .iter()
        .flat_map(|f| shared.parse(f).modules.iter().filter_map(|m| local(f, m)).map(|p| plain(&p)).collect::<Vec<_>>())
        .collect();
    let mut out = Vec::new();
    let (roots, others): (Vec<&PathBuf>, Vec<&PathBuf>) = folders.iter().partition(|f| !called.contains(&plain(f)));
    // Modules that call each other in a circle have no root: the first of them is taken for one.
    for folder in roots.into_iter().chain(others) {
        if shared.taken.contains(&plain(folder)) {
            continue;
        }
        let given = given(folder, &mut shared);
        let mut root = Module::new(folder, &mut shared, String::new(), given, Node::Null);
        root.declare(&mut shared, 0, &mut out);
    }
    out
}

/// The folder of a module that is called by a local path (Terraform documentation, "Module sources").
fn local(folder: &Path, call: &parsed::Named) -> Option<PathBuf> {
    let source = call.block.body.get_attribute("source")?.value.as_str()?;
    (source.starts_with("./") || source.starts_with("../")).then(|| folder.join(source))
}

/// A path without `.` and `..`, to tell whether two are the same.
fn plain(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The values that a root's variables are given: `terraform.tfvars`, `*.auto.tfvars`, `--var-file`, `--var`, the later the
/// stronger (Terraform documentation, "Variable definition precedence").
fn given(folder: &Path, shared: &mut Shared<'_>) -> BTreeMap<SmolStr, Node> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .map(|d| d.flatten().map(|e| e.path()).filter(|p| p.to_string_lossy().ends_with(".auto.tfvars")).collect())
        .unwrap_or_default();
    files.sort();
    let plain = folder.join("terraform.tfvars");
    if plain.is_file() {
        files.insert(0, plain);
    }
    files.extend(shared.options.variable_files.iter().cloned());
    let mut out = BTreeMap::new();
    for file in files {
        match Parsed::values(&file) {
            Ok(values) => {
                let mut empty = Module::empty(folder);
                for (name, value) in values {
                    let value = empty.eval(shared, &value);
                    out.insert(name, value);
                }
            }
            Err((line, message)) => {
                shared.notes.unread.push((SourcePlace { file: super::shown(&file), line }, message));
            }
        }
    }
    for (name, value) in &shared.options.variables {
        let read = hcl_edit::parser::parse_expr(value).ok().filter(|_| value.starts_with(['[', '{', '"']));
        let node = match read {
            Some(expr) => Module::empty(folder).eval(shared, &expr),
            None => Node::text(value.as_str()),
        };
        out.insert(name.into(), node);
    }
    out
}

/// An object of Terraform from pairs.
fn object(pairs: impl IntoIterator<Item = (SmolStr, Node)>) -> Node {
    Node::Map(pairs.into_iter().map(|(k, v)| Entry::new(k, v)).collect())
}
