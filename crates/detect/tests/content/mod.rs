//! The repository's own detections and sequences, for tests and benches.

use std::path::Path;
use yagura_detect::compile::Settings;
use yagura_model::ContentFile;

/// All files of `content/detections` and `content/sequences`.
pub fn files() -> Vec<ContentFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let mut files = Vec::new();
    for folder in ["detections", "sequences"] {
        walk(&root, &root.join(folder), &mut files);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(files.len() > 100);
    files
}

/// Settings as a user has them who set none.
pub fn settings() -> Settings {
    Settings::new()
}

fn walk(root: &Path, folder: &Path, out: &mut Vec<ContentFile>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(root, &path, out);
        } else if path.extension().is_some_and(|e| e == "yaml") {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            out.push(ContentFile { path: name, text: std::fs::read_to_string(&path).unwrap(), shipped: true });
        }
    }
}
