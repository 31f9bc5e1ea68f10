//! Packs `content/` into the program, every file compressed by itself, so that only those in use are opened. Three kinds are packed in
//! two parts, because a run needs the first alone: checks without their fixtures and frameworks without their requirements, which
//! stand last in a file (`rest/`); and of a service's API facts the operations that resource files name (`excerpt/`), with the whole
//! beside them.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("../../content");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    println!("cargo::rerun-if-changed={}", root.display());
    let mut names = Vec::new();
    walk(&root, &root, &mut names)?;
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut calls: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for name in names {
        let from = root.join(&name);
        println!("cargo::rerun-if-changed={}", from.display());
        let bytes = fs::read(&from)?;
        if name.starts_with("resources/") {
            for (service, operation) in calls_of(&String::from_utf8_lossy(&bytes)) {
                calls.entry(service).or_default().insert(operation);
            }
        }
        match without_rest(&name, &bytes) {
            Some((head, rest)) => {
                files.insert(format!("rest/{name}"), rest);
                files.insert(name, head);
            }
            None => {
                files.insert(name, bytes);
            }
        }
    }
    for (service, operations) in calls {
        if let Some(whole) = files.get(&format!("aws/{service}.json")) {
            let cut = excerpt(whole, &operations)?;
            files.insert(format!("excerpt/{service}.json"), cut);
        }
    }
    let mut code = String::from("pub static FILES: &[(&str, &[u8])] = &[\n");
    for (name, bytes) in &files {
        let packed = out.join(name.replace('/', "__") + ".zst");
        fs::write(&packed, zstd::encode_all(bytes.as_slice(), 19)?)?;
        writeln!(code, "    ({name:?}, include_bytes!({:?})),", packed.display().to_string())
            .map_err(io::Error::other)?;
    }
    code.push_str("];\n");
    fs::write(out.join("content.rs"), code)
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(root, &path, files)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            files.push(name.to_string_lossy().replace('\\', "/"));
        }
    }
    Ok(())
}

/// A check's file up to its fixtures or a framework's up to its requirements, and these; `None` for other files, and where something
/// stands behind them.
fn without_rest(name: &str, bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let keys: &[&str] = match name.split('/').next() {
        Some("checks") => &["\ntests:\n"],
        Some("frameworks") => &["\nsections:\n", "\nrequirements:\n"],
        _ => return None,
    };
    let text = std::str::from_utf8(bytes).ok()?;
    let at = keys.iter().find_map(|key| text.find(key))? + 1;
    let (head, tail) = text.split_at(at);
    let last = tail.lines().skip(1).all(|line| line.is_empty() || line.starts_with([' ', '#']));
    last.then(|| (head.as_bytes().to_vec(), tail.as_bytes().to_vec()))
}

/// What a resource file calls: `call: s3:ListBuckets`, `first: …`.
fn calls_of(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for key in ["call: ", "first: "] {
        for rest in text.split(key).skip(1) {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-:".contains(c))).unwrap_or(rest.len());
            let call = rest.get(..end).unwrap_or_default();
            found.extend(call.split_once(':').map(|(service, operation)| (service.to_owned(), operation.to_owned())));
        }
    }
    found
}

/// The facts of these operations and of every shape that they reach.
fn excerpt(whole: &[u8], operations: &BTreeSet<String>) -> io::Result<Vec<u8>> {
    let mut facts: Map<String, Value> = serde_json::from_slice(whole)?;
    let empty = Map::new();
    let all = facts.get("operations").and_then(Value::as_object).unwrap_or(&empty);
    let kept: Map<String, Value> =
        all.iter().filter(|(name, _)| operations.contains(*name)).map(|(n, v)| (n.clone(), v.clone())).collect();
    let shapes = facts.get("shapes").and_then(Value::as_object).unwrap_or(&empty);
    let mut reached: Map<String, Value> = Map::new();
    let mut open: Vec<&Value> = kept.values().collect();
    while let Some(next) = open.pop() {
        match next {
            Value::String(name) => {
                if let Some(shape) = shapes.get(name).filter(|_| !reached.contains_key(name)) {
                    reached.insert(name.clone(), shape.clone());
                    open.push(shape);
                }
            }
            Value::Array(items) => open.extend(items),
            Value::Object(members) => open.extend(members.values()),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    facts.insert("operations".to_owned(), Value::Object(kept));
    facts.insert("shapes".to_owned(), Value::Object(reached));
    serde_json::to_vec(&facts).map_err(io::Error::other)
}
