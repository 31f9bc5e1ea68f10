//! Reads a content folder's detections and sequences and runs their fixtures: the quick way while writing them.
//! `cargo run -p yagura-detect --example lint -- content [part of a path]`
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "an example for people who write content")]

use std::path::Path;
use yagura_detect::compile::Settings;
use yagura_detect::pack::Pack;
use yagura_model::ContentFile;

fn walk(root: &Path, folder: &Path, out: &mut Vec<ContentFile>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(root, &path, out);
        } else if path.extension().is_some_and(|e| e == "yaml") {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            out.push(ContentFile { path: name, text: std::fs::read_to_string(&path).unwrap(), shipped: true });
        }
    }
}

fn main() {
    let mut args = std::env::args().skip(1);
    let root = args.next().unwrap_or_else(|| "content".to_owned());
    let part = args.next().unwrap_or_default().replace('/', ".");
    let mut files = Vec::new();
    for folder in ["detections", "sequences"] {
        walk(Path::new(&root), &Path::new(&root).join(folder), &mut files);
    }
    if let Ok(text) = std::fs::read_to_string(Path::new(&root).join("attack.yaml")) {
        files.push(ContentFile { path: "attack.yaml".into(), text, shipped: true });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let pack = Pack::read(files.iter(), &Settings::new());
    for e in &pack.errors {
        println!("✗ {e}");
    }
    let broken = pack.broken_fixtures(&|id| id.contains(&part));
    for (rule, fixture, why) in &broken {
        println!("✗ {rule}: {fixture}: {why}");
    }
    let total = pack.rules.detections.len() + pack.sequences.all.len();
    println!("{} errors, {} broken fixtures, {total} detections and sequences", pack.errors.len(), broken.len());
    if !pack.errors.is_empty() || !broken.is_empty() {
        std::process::exit(1);
    }
}
