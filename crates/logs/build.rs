//! The folder `src/source` is the registry: each file in it is one log source, and none is listed anywhere.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("src/source");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default().to_owned();
        if path.extension().is_some_and(|e| e == "rs") && name != "mod" {
            names.push((name, path));
        }
    }
    names.sort();
    let mut code = String::new();
    let mut all = String::new();
    for (name, path) in &names {
        writeln!(code, "#[path = {:?}]\npub mod {name};", path.display().to_string()).map_err(io::Error::other)?;
        write!(all, "&{name}::SOURCE, ").map_err(io::Error::other)?;
    }
    writeln!(
        code,
        "/// Every source, by the names of their files.\npub static ALL: &[&crate::table::Source] = &[{all}];"
    )
    .map_err(io::Error::other)?;
    fs::write(PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?).join("sources.rs"), code)
}
