//! The folder in which what outlives a command is kept: journals of runs, findings.

use crate::failure::Failure;
use std::path::PathBuf;

/// The folder: as asked, or `YAGURA_STATE`, or below the XDG base directory for state.
///
/// # Errors
/// Nobody says where.
pub fn folder(asked: Option<&PathBuf>) -> Result<PathBuf, Failure> {
    if let Some(folder) = asked {
        return Ok(folder.clone());
    }
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    if let Some(folder) = set("YAGURA_STATE") {
        return Ok(folder);
    }
    let base = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|h| h.join(".local/state")));
    base.map(|f| f.join("yagura")).ok_or_else(|| {
        Failure::usage(
            "there is no home folder: say where state is kept",
            "ホームフォルダーがない。状態の保存先を指定すること",
        )
        .hint("set YAGURA_STATE to a folder", "YAGURA_STATE にフォルダーを指定する")
    })
}
