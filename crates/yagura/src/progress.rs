//! Progress on a terminal, nothing in a pipe.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::sync::Mutex;
use yagura_inventory::Progress;
use yagura_model::Lang;

/// A line on standard error that says what is being read. Shows nothing where standard error is not a terminal.
pub struct Display {
    bar: ProgressBar,
    places: Mutex<BTreeMap<String, usize>>,
    lang: Lang,
}

impl Display {
    /// A display, silent when `quiet` or when standard error is not a terminal.
    pub fn new(quiet: bool, lang: Lang) -> Self {
        let show = !quiet && std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        let bar = ProgressBar::with_draw_target(
            None,
            if show { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() },
        );
        if let Ok(style) = ProgressStyle::with_template("{spinner} {bar:24} {pos}/{len} {wide_msg}") {
            bar.set_style(style.progress_chars("━╸ "));
        }
        Self { bar, places: Mutex::default(), lang }
    }

    /// Takes note of one finished call.
    pub fn step(&self, p: &Progress) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_length(p.known as u64);
        self.bar.set_position(p.done as u64);
        if let Ok(mut places) = self.places.lock() {
            let key = format!("{} {}", p.service, p.region);
            let calls = *places.entry(key.clone()).and_modify(|n| *n += 1).or_insert(1);
            let unit = self.lang.pick("calls", "回の呼び出し");
            let text = format!(
                "{key} ({calls} {unit}, {} {})",
                places.len(),
                self.lang.pick("services × Regions", "サービス×リージョン")
            );
            self.bar.set_message(text);
        }
    }

    /// Counts one more of a known number.
    pub fn count(&self, known: usize, what: &str) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_length(known as u64);
        self.bar.inc(1);
        self.bar.set_message(what.to_owned());
    }

    /// Whether anybody sees it.
    pub fn is_shown(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Says how many of a known number are done.
    pub fn at(&self, done: usize, known: usize, what: &str) {
        self.bar.set_length(known as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(what.to_owned());
    }

    /// Clears the line.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
