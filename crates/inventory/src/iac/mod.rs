//! Infrastructure as code → the same assets that AWS answers, so that the same checks run before deployment.
//!
//! [`read`] takes CloudFormation templates (YAML with short forms, JSON, AWS SAM), Terraform configurations (HCL) and
//! `terraform show -json` plans and states. A value that only a deployment tells is [`Field::Unknown`] with
//! [`GapReason::AfterDeployment`]; a field that no template decides has [`GapReason::NotDecided`].
//!
//! Ids and ARNs that AWS gives are stood in for by the resource's name in the template, the same everywhere, so that
//! what refers to it is found. Templates are judged as if they were deployed alone: what exists beside them is not seen.
//!
//! [`Field::Unknown`]: yagura_model::Field::Unknown

mod apply;
mod build;
mod catalogue;
mod cloudformation;
mod declare;
mod document;
mod drift;
mod fit;
mod grant;
mod node;
mod source;
pub mod spec;
mod terraform;

use crate::kinds::Kinds;
pub use declare::{Declaration, Language, Part, declare, fields_of, named_by};
pub use drift::{Difference, Drift, Origin, drift};

use build::{Declared, build};
use catalogue::Catalogue;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yagura_model::{Caller, Gap, GapReason, Listing, Scope, Snapshot, SourcePlace};

/// The stack for working templates out; only what is used of it takes memory.
const STACK: usize = 256 << 20;

/// Where the templates are thought to be deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The account that stands in ARNs.
    pub account: SmolStr,
    /// The Region.
    pub region: SmolStr,
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: SmolStr,
}

impl Default for Setting {
    fn default() -> Self {
        Self { account: "000000000000".into(), region: "us-east-1".into(), partition: "aws".into() }
    }
}

/// What is given besides the files.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Where the templates are thought to be deployed.
    pub setting: Setting,
    /// Values of CloudFormation parameters; also pseudo parameters.
    pub parameters: BTreeMap<String, String>,
    /// Values of Terraform variables, as on Terraform's command line.
    pub variables: BTreeMap<String, String>,
    /// Files with values of Terraform variables (`*.tfvars`).
    pub variable_files: Vec<PathBuf>,
}

/// What templates hold.
#[derive(Debug, Clone)]
pub struct Project {
    /// The assets. Listings without a gap are complete as far as these templates go.
    pub snapshot: Snapshot,
    /// Where each asset of the snapshot is declared.
    pub places: Vec<SourcePlace>,
    /// Where each came from.
    pub origins: Vec<Origin>,
    /// What is left out, and why.
    pub notes: Notes,
}

/// What reading templates left out. Nothing is dropped without a word here.
#[derive(Debug, Clone, Default)]
pub struct Notes {
    /// How many files were read.
    pub files: usize,
    /// Types that no kind stands for, and how many resources have them.
    pub unknown_types: BTreeMap<SmolStr, usize>,
    /// Properties that have no counterpart in what AWS answers, by type.
    pub unmapped: BTreeMap<SmolStr, BTreeSet<SmolStr>>,
    /// Types of resources that add to a resource outside the templates, and how many there are.
    pub elsewhere: BTreeMap<SmolStr, usize>,
    /// Files that could not be read, and why.
    pub unread: Vec<(SourcePlace, String)>,
    /// What cannot be worked out before deployment as a whole: remote modules, loops over unknown values.
    pub undecided: Vec<(SourcePlace, String)>,
}

/// Why nothing could be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IacError {
    /// A path cannot be read.
    #[error("cannot read {0}")]
    Path(String),
    /// There is no template below the paths.
    #[error("found neither a CloudFormation template nor a Terraform configuration or plan")]
    Nothing,
}

/// Reads templates.
///
/// # Errors
/// A path cannot be read, or there is no template. A file that is broken is a note, and the rest is read.
pub fn read(paths: &[PathBuf], kinds: &Kinds, options: &Options) -> Result<Project, IacError> {
    // References may be chained as long as their bounds allow, and each link takes some stack.
    std::thread::scope(|s| {
        let worker = std::thread::Builder::new().stack_size(STACK).spawn_scoped(s, || read_here(paths, kinds, options));
        match worker.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(project)) => project,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => read_here(paths, kinds, options),
        }
    })
}

fn read_here(paths: &[PathBuf], kinds: &Kinds, options: &Options) -> Result<Project, IacError> {
    let catalogue = Catalogue::new(kinds);
    let mut notes = Notes::default();
    let mut declared: Vec<Declared> = Vec::new();
    for path in paths {
        let files = source::files(path).map_err(IacError::Path)?;
        if let [only] = files.as_slice()
            && !only.exists()
        {
            return Err(IacError::Path(format!("`{}`: there is no such file", path.display())));
        }
        templates(&files, path.is_file(), &catalogue, options, &mut notes, &mut declared);
    }
    if notes.files == 0 && notes.unread.is_empty() {
        return Err(IacError::Nothing);
    }
    let schema = kinds.schema();
    let mut built = build(&declared, &catalogue, &schema, &options.setting, &mut notes);
    built.sort_by(|(a, p, _), (b, q, _)| (&a.kind, &a.id, p).cmp(&(&b.kind, &b.id, q)));
    let (mut assets, mut places, mut origins) = (Vec::new(), Vec::new(), Vec::new());
    for (asset, place, origin) in built {
        assets.push(asset);
        places.push(place);
        origins.push(origin);
    }
    let listings = listings(kinds, &options.setting);
    let at = &options.setting;
    let caller = Caller { account: at.account.clone(), arn: SmolStr::default(), partition: at.partition.clone() };
    let snapshot = Snapshot {
        taken_at: jiff::Timestamp::now(),
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        callers: vec![caller],
        scope: Scope { regions: vec![at.region.clone()], ..Scope::default() },
        listings,
        assets,
        requests: 0,
    };
    Ok(Project { snapshot, places, origins, notes })
}

fn templates(
    files: &[PathBuf],
    named: bool,
    catalogue: &Catalogue<'_>,
    options: &Options,
    notes: &mut Notes,
    out: &mut Vec<Declared>,
) {
    if files.iter().any(|f| has_ending(f, &["tf"]) || f.to_string_lossy().ends_with(".tf.json")) {
        out.extend(terraform::resources(files, catalogue, options, notes));
    }
    let mut roots = Vec::new();
    for file in files.iter().filter(|f| (named || has_ending(f, &["yaml", "yml", "json", "template"])) && !is_hcl(f)) {
        let shown = |line: u32| SourcePlace { file: shown(file), line };
        let text = match source::text(file) {
            Ok(text) => text,
            Err((line, message)) => {
                notes.unread.push((shown(line), message));
                continue;
            }
        };
        match document::read(&file.to_string_lossy(), &text) {
            Ok(root) if cloudformation::is_template(&root) => roots.push((file, root)),
            Ok(root) if terraform::plan::is_plan(&root) => {
                notes.files += 1;
                out.extend(terraform::plan::resources(file, &root, catalogue, options));
            }
            Ok(_) if named => notes.unread.push((shown(1), "is no template".to_owned())),
            Ok(_) => {}
            // In a folder, a file of another tool may be of a form of its own: it matters where it looks like a template.
            Err((line, message)) if named || text.contains("AWS::") => notes.unread.push((shown(line), message)),
            Err(_) => {}
        }
    }
    let nested: HashSet<PathBuf> =
        roots.iter().flat_map(|(file, root)| cloudformation::nested_files(file, root)).collect();
    for (file, root) in &roots {
        notes.files += 1;
        if !nested.contains(*file) {
            out.extend(cloudformation::resources(file, root, catalogue, options, notes));
        }
    }
}

fn is_hcl(file: &Path) -> bool {
    has_ending(file, &["tf", "tfvars"]) || file.to_string_lossy().ends_with(".tf.json")
}

fn has_ending(file: &Path, endings: &[&str]) -> bool {
    file.extension().and_then(|e| e.to_str()).is_some_and(|e| endings.contains(&e.to_ascii_lowercase().as_str()))
}

fn shown(file: &Path) -> Arc<str> {
    file.display().to_string().trim_start_matches("./").into()
}

/// A kind that templates declare is listed as far as they go; of the others, nothing is known before deployment.
fn listings(kinds: &Kinds, at: &Setting) -> Vec<Listing> {
    let each = kinds.iter().map(|kind| {
        let r = &kind.resource;
        let declarable = (r.cloudformation.is_some() || r.terraform.is_some()) && !r.iac.undeclared && !r.iac.others;
        let region = if r.regional { at.region.clone() } else { smol_str::format_smolstr!("{}-global", at.partition) };
        let gap = (!declarable).then(|| Arc::new(Gap::new(GapReason::NotDecided, r.id.as_str())));
        Listing { kind: r.id.clone(), account: at.account.clone(), region, gap }
    });
    each.collect()
}
