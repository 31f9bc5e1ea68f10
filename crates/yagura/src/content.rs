//! All knowledge: what is embedded, and what the user adds.

use crate::escalations::{self, Escalation};
use crate::failure::Failure;
use smol_str::SmolStr;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yagura_aws::{Facts, FactsError};
use yagura_inventory::{FieldCall, Kinds, Resource};
use yagura_model::{ContentFile, Map};
use yagura_rule::framework::{Answers, Framework};
use yagura_rule::yaml::decode;
use yagura_rule::{Check, CheckFile, ContentError, LAMBDA_RUNTIMES, Schema, Tables};

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/content.rs"));
}

/// The IAM actions that are not named like their API.
const PERMISSIONS: &str = "permissions.yaml";

/// Every content file, parsed as far as form goes. Broken user files are set aside in `errors`.
pub struct Content {
    /// Checks by id; a user's check replaces a shipped one of the same id.
    pub checks: BTreeMap<SmolStr, CheckFile>,
    /// Frameworks, sorted by id; of the shipped ones the head alone (id, titles): most runs need no more.
    pub frameworks: Vec<Framework>,
    /// What is wrong with files that were left out.
    pub errors: Vec<ContentError>,
    files: Vec<ContentFile>,
    whole: OnceCell<Requirements>,
}

/// The frameworks as a whole, and how checks answer them.
pub struct Requirements {
    /// The frameworks with all their requirements, sorted by id.
    pub frameworks: Vec<Framework>,
    /// Which checks answer which requirement.
    pub answers: Answers,
    /// The numbers of the requirements, by framework: what checks may refer to.
    pub known: Vec<(SmolStr, Vec<SmolStr>)>,
}

impl Content {
    /// Reads the embedded content and a user's folder.
    pub fn load(user: Option<&Path>) -> Result<Self, Failure> {
        let mut files: Vec<ContentFile> = Vec::new();
        for (path, _) in embedded::FILES.iter().filter(|(p, _)| !is_part(p) && !is_detection(p) && !is_remedy(p)) {
            files.push(ContentFile {
                path: (*path).to_owned(),
                text: embedded_text(path).unwrap_or_default(),
                shipped: true,
            });
        }
        let mut unreadable = Vec::new();
        if let Some(folder) = user {
            for read in of_folder(folder)? {
                match read {
                    Ok(file) => {
                        files.retain(|f| f.path != file.path);
                        files.push(file);
                    }
                    Err(e) => unreadable.push(e),
                }
            }
        }
        let mut content =
            Self { checks: BTreeMap::new(), frameworks: Vec::new(), errors: unreadable, files, whole: OnceCell::new() };
        for file in content.files.clone() {
            if file.path.starts_with("checks/") {
                match CheckFile::parse(&file) {
                    Ok(check) => {
                        content.checks.insert(check.id.clone(), check);
                    }
                    Err(e) => content.errors.extend(e),
                }
            } else if file.path.starts_with("frameworks/") {
                match Framework::parse(&file) {
                    Ok(f) => content.frameworks.push(f),
                    Err(e) => content.errors.extend(e),
                }
            } else if !file.shipped && !has_a_place(&file.path) {
                let message =
                    "no content stands here: files live in `checks/`, `resources/`, `frameworks/`, `escalations/`, `queries/`, `detections/`, `sequences/` or `remedies/`"
                        .to_owned();
                content.errors.push(ContentError { file: file.path, line: 1, column: 1, message });
            }
        }
        Ok(content)
    }

    /// What the frameworks want: worked out once, when first asked for.
    pub fn requirements(&self) -> &Requirements {
        self.whole.get_or_init(|| {
            let whole = |f: &Framework| self.text(&f.path()).and_then(|file| Framework::parse(&with_rest(file)).ok());
            let all: Vec<Framework> = self.frameworks.iter().map(|f| whole(f).unwrap_or_else(|| f.clone())).collect();
            let numbers = |f: &Framework| f.requirements().map(|q| q.number.clone()).collect();
            let known = all.iter().map(|f| (f.id.clone(), numbers(f))).collect();
            let answers = Answers::new(&all, self.checks.values());
            Requirements { frameworks: all, answers, known }
        })
    }

    /// A check with its fixtures: those of a shipped one are packed apart, because only a test needs them.
    ///
    /// # Errors
    /// Everything that is wrong with the form of the file.
    pub fn with_fixtures(&self, check: &CheckFile) -> Result<CheckFile, Vec<ContentError>> {
        CheckFile::parse(&with_rest(&check.file))
    }

    /// The text of a content file.
    pub fn text(&self, path: &str) -> Option<&ContentFile> {
        self.files.iter().find(|f| f.path == path)
    }

    /// The files below a folder.
    pub fn below(&self, folder: &str) -> impl Iterator<Item = &ContentFile> {
        self.files.iter().filter(move |f| f.path.starts_with(folder))
    }

    /// The escalation paths, sorted by id, and what is wrong with files that were left out.
    pub fn escalations(&self) -> (Vec<Escalation>, Vec<ContentError>) {
        escalations::read_all(self.files.iter())
    }

    /// Resource kinds with their calls, dated tables, and what is wrong with files that were left out.
    pub fn compile(&self) -> Result<Compiled, Failure> {
        self.compile_with(&[])
    }

    /// The same; these kinds have these fields besides their own.
    pub fn compile_with(&self, fields: &[(SmolStr, FieldCall)]) -> Result<Compiled, Failure> {
        let exceptions = self.text(PERMISSIONS).map(|f| f.text.as_str()).unwrap_or_default();
        let facts = embedded_facts(exceptions)
            .map_err(|e| Failure::usage(format!("{PERMISSIONS}: {e}"), format!("{PERMISSIONS}: {e}")))?;
        let mut errors = self.errors.clone();
        let mut resources = Vec::new();
        for file in self.files.iter().filter(|f| f.path.starts_with("resources/")) {
            match Resource::parse(file) {
                Ok(mut r) => {
                    let more = fields.iter().filter(|(kind, _)| *kind == r.id).map(|(_, field)| field.clone());
                    r.fields.extend(more);
                    resources.push(r);
                }
                Err(e) => errors.extend(e),
            }
        }
        let (kinds, broken) = Kinds::resolve(resources, &facts);
        errors.extend(broken);
        let tables = match self.text(LAMBDA_RUNTIMES).map(Tables::read) {
            Some(Ok(t)) => t,
            Some(Err(e)) => {
                errors.extend(e);
                Tables::default()
            }
            None => Tables::default(),
        };
        let schema = kinds.schema();
        Ok(Compiled { facts: Arc::new(facts), kinds, schema, tables: Arc::new(tables), errors })
    }

    /// Compiles the chosen checks with the user's settings. A broken user check is left out and complained of.
    pub fn compile_checks<'c>(
        &self,
        chosen: impl IntoIterator<Item = &'c CheckFile>,
        compiled: &Compiled,
        settings: &BTreeMap<SmolStr, Map>,
    ) -> (Vec<Check>, Vec<ContentError>) {
        let (mut checks, mut errors) = (Vec::new(), Vec::new());
        for file in chosen {
            // Which requirements a shipped check names is looked at by tests; a user's are looked at whenever it is read.
            let known = if file.file.shipped { &[][..] } else { &self.requirements().known[..] };
            match file.compile(&compiled.schema, settings.get(&file.id), known) {
                Ok(c) => checks.push(c),
                Err(e) => errors.extend(e),
            }
        }
        (checks, errors)
    }
}

/// A user's content files, sorted by path; of one that cannot be read, why.
fn of_folder(folder: &Path) -> Result<Vec<Result<ContentFile, ContentError>>, Failure> {
    let mut found = Vec::new();
    walk(folder, folder, &mut Vec::new(), &mut found).map_err(|e| {
        Failure::usage(
            format!("cannot read the content folder `{}`: {e}", folder.display()),
            format!("コンテンツフォルダー `{}` を読めない: {e}", folder.display()),
        )
    })?;
    found.sort();
    let read = found.into_iter().map(|(name, path)| match std::fs::read(&path) {
        Ok(bytes) => decode(name, bytes, false),
        Err(e) => Err(ContentError { file: name, line: 1, column: 1, message: format!("cannot be read: {e}") }),
    });
    Ok(read.collect())
}

/// A shipped file with the part of it that is packed apart.
fn with_rest(file: &ContentFile) -> ContentFile {
    let rest = embedded_text(&format!("rest/{}", file.path)).filter(|_| file.shipped).unwrap_or_default();
    ContentFile { text: file.text.clone() + &rest, ..file.clone() }
}

/// Whether a file is opened by its own name alone: generated facts, and what stands apart from the files in use.
fn is_part(path: &str) -> bool {
    ["aws/", "custodian/", "own/", "excerpt/", "rest/", "writes/"].iter().any(|folder| path.starts_with(folder))
}

/// Whether a file is a detection or a sequence: only detecting needs them.
fn is_detection(path: &str) -> bool {
    path.starts_with("detections/") || path.starts_with("sequences/") || path == yagura_detect::attack::PATH
}

/// Whether a file is a remedy: only mending needs them.
fn is_remedy(path: &str) -> bool {
    path.starts_with("remedies/")
}

/// Files that only some commands need: the embedded ones, and a user's, which replace those of the same path. With them, what is wrong
/// with files that cannot be read.
pub type Files = (Vec<ContentFile>, Vec<ContentError>);

/// The detections and sequences.
///
/// # Errors
/// The user's folder cannot be read.
pub fn detections(user: Option<&Path>) -> Result<Files, Failure> {
    chosen(user, is_detection)
}

/// The remedies.
///
/// # Errors
/// The user's folder cannot be read.
pub fn remedies(user: Option<&Path>) -> Result<Files, Failure> {
    chosen(user, is_remedy)
}

fn chosen(user: Option<&Path>, wanted: fn(&str) -> bool) -> Result<Files, Failure> {
    let shipped = embedded::FILES.iter().map(|(p, _)| *p).filter(|p| wanted(p));
    let mut files: Vec<ContentFile> = shipped
        .map(|path| ContentFile { path: path.to_owned(), text: embedded_text(path).unwrap_or_default(), shipped: true })
        .collect();
    let mut errors = Vec::new();
    for read in user.map(of_folder).transpose()?.unwrap_or_default() {
        match read {
            Ok(file) if wanted(&file.path) => {
                files.retain(|f| f.path != file.path);
                files.push(file);
            }
            Ok(_) => {}
            Err(e) => errors.push(e),
        }
    }
    Ok((files, errors))
}

/// Whether a file of this path is looked at: those of the folders, and the shipped data files by their names.
fn has_a_place(path: &str) -> bool {
    path.starts_with("resources/")
        || path.starts_with("escalations/")
        || path.starts_with("queries/")
        || is_detection(path)
        || is_remedy(path)
        || embedded::FILES.iter().any(|(p, _)| *p == path)
}

/// Content that is ready for work.
pub struct Compiled {
    /// API facts.
    pub facts: Arc<Facts>,
    /// Resource kinds.
    pub kinds: Kinds,
    /// What expressions are checked against.
    pub schema: Schema,
    /// Dated facts.
    pub tables: Arc<Tables>,
    /// What is wrong with files that were left out.
    pub errors: Vec<ContentError>,
}

/// The API facts alone: what a command needs that calls AWS and judges nothing.
///
/// # Errors
/// A content file is broken.
pub fn facts() -> Result<Arc<Facts>, Failure> {
    let exceptions = embedded_text(PERMISSIONS).unwrap_or_default();
    let facts = embedded_facts(&exceptions);
    facts.map(Arc::new).map_err(|e| Failure::usage(format!("{PERMISSIONS}: {e}"), format!("{PERMISSIONS}: {e}")))
}

fn embedded_facts(exceptions: &str) -> Result<Facts, FactsError> {
    let facts = Facts::new(|service| embedded_bytes(&format!("aws/{service}.json")), exceptions)?;
    let facts = facts.with_excerpt(|service| embedded_bytes(&format!("excerpt/{service}.json")));
    let facts = facts.with_writes(|service| embedded_bytes(&format!("writes/{service}.json")));
    Ok(facts.with_own(|service| embedded_bytes(&format!("own/{service}.json"))))
}

/// An embedded file, unpacked.
pub fn embedded_bytes(path: &str) -> Option<Vec<u8>> {
    let at = embedded::FILES.binary_search_by(|(p, _)| (*p).cmp(path)).ok()?;
    zstd::decode_all(embedded::FILES.get(at)?.1).ok()
}

/// The sample estate's logs: names and contents.
pub fn demo_logs() -> Vec<(&'static str, String)> {
    let logs = embedded::FILES
        .iter()
        .map(|(path, _)| *path)
        .filter(|p| *p == "demo/cloudtrail.json" || p.starts_with("demo/logs/"));
    logs.filter_map(|path| Some((path, embedded_text(path)?))).collect()
}

/// IAM actions that are not named like their API, each operation (`s3:ListObjectsV2`) with its action.
pub fn renamed_actions() -> Vec<(String, String)> {
    let text = embedded_text(PERMISSIONS).unwrap_or_default();
    let rules = text.lines().filter(|l| !l.trim_start().starts_with('#')).filter_map(|l| l.split_once(": "));
    let rules = rules.filter(|(operation, _)| !operation.ends_with(":*"));
    rules.map(|(operation, action)| (operation.to_owned(), action.trim().to_owned())).collect()
}

/// An embedded text, unpacked.
pub fn embedded_text(path: &str) -> Option<String> {
    String::from_utf8(embedded_bytes(path)?).ok()
}

/// The content files below a folder. `above` holds the real folders that it lies in: a link may lead round in a circle.
fn walk(root: &Path, folder: &Path, above: &mut Vec<PathBuf>, out: &mut Vec<(String, PathBuf)>) -> std::io::Result<()> {
    let real = folder.canonicalize()?;
    if above.contains(&real) {
        return Ok(());
    }
    above.push(real);
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(root, &path, above, out)?;
        } else if path.extension().is_some_and(|e| e == "yaml") {
            let name = path.strip_prefix(root).map(|p| p.to_string_lossy().replace('\\', "/")).unwrap_or_default();
            out.push((name, path));
        }
    }
    above.pop();
    Ok(())
}
