//! What the terminal can show.

use std::io::IsTerminal;

/// Whether standard output is a terminal.
pub fn is_terminal() -> bool {
    std::io::stdout().is_terminal()
}

/// Its columns: `COLUMNS`, else as it says; `None` where neither tells.
pub fn columns() -> Option<usize> {
    let set = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok());
    set.or_else(|| terminal_size::terminal_size().map(|(w, _)| usize::from(w.0)))
}

/// Whether colours are welcome: on a terminal that is not `dumb`, where `NO_COLOR` is not set.
pub fn colour() -> bool {
    is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
        && std::env::var("TERM").as_deref() != Ok("dumb")
}
