//! Why a command ends early, in both languages, with what to do next.

use yagura_model::{Lang, nearest};
use yagura_rule::ContentError;

/// Exit codes are stable: scripts rely on them.
pub mod exit {
    /// Done.
    pub const DONE: u8 = 0;
    /// A finding at or above `--fail-on`.
    pub const FINDINGS: u8 = 1;
    /// Bad usage or configuration.
    pub const USAGE: u8 = 2;
    /// Nothing could be read.
    pub const BLIND: u8 = 3;
}

/// Why a command ends early.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    en: String,
    ja: String,
    hint_en: String,
    hint_ja: String,
}

impl Failure {
    /// Bad usage or configuration.
    pub fn usage(en: impl Into<String>, ja: impl Into<String>) -> Self {
        Self { code: exit::USAGE, en: en.into(), ja: ja.into(), hint_en: String::new(), hint_ja: String::new() }
    }

    /// A name (`what` in English and Japanese) that fits none of `there`: with the nearest one, where one is near.
    pub fn unknown<'n>(what: (&str, &str), name: &str, there: impl IntoIterator<Item = &'n str>) -> Self {
        let failure = Self::usage(format!("no {} `{name}`", what.0), format!("{} `{name}` は存在しない", what.1));
        match nearest(name, there) {
            Some(n) => failure.hint(format!("did you mean `{n}`?"), format!("`{n}` のことか")),
            None => failure,
        }
    }

    /// Broken content files, one line each.
    pub fn content(errors: &[ContentError]) -> Self {
        let text = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        Self::usage(text.clone(), text)
    }

    /// Nothing could be read.
    pub fn blind(en: impl Into<String>, ja: impl Into<String>) -> Self {
        Self { code: exit::BLIND, ..Self::usage(en, ja) }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(mut self, en: impl Into<String>, ja: impl Into<String>) -> Self {
        self.hint_en = en.into();
        self.hint_ja = ja.into();
        self
    }

    /// What to do next, where nothing better was said.
    #[must_use]
    pub fn hint_if_none(self, en: impl Into<String>, ja: impl Into<String>) -> Self {
        if self.hint_en.is_empty() { self.hint(en, ja) } else { self }
    }

    /// What to do next, where nothing better was said: look at the list of checks.
    #[must_use]
    pub fn or_list(self) -> Self {
        self.hint_if_none("see `yagura checks list`", "`yagura checks list` で一覧を確認すること")
    }

    /// Whether there is nothing to say.
    pub fn is_quiet(&self) -> bool {
        self.en.is_empty()
    }

    /// What happened, without what to do next.
    pub fn said(&self, lang: Lang) -> &str {
        lang.pick(&self.en, &self.ja)
    }

    /// The message for a person.
    pub fn render(&self, lang: Lang) -> String {
        let head = lang.pick("error", "エラー");
        let mut out = format!("{head}: {}", lang.pick(&self.en, &self.ja));
        let hint = lang.pick(&self.hint_en, &self.hint_ja);
        if !hint.is_empty() {
            out.push_str(&format!("\n{}: {hint}", lang.pick("hint", "対処")));
        }
        out
    }
}

impl From<std::io::Error> for Failure {
    /// A reader that had enough (`… | head`) ends the run quietly: that is no failure.
    fn from(e: std::io::Error) -> Self {
        if e.kind() == std::io::ErrorKind::BrokenPipe {
            return Self { code: exit::DONE, ..Self::usage("", "") };
        }
        Self::usage(format!("cannot write the output: {e}"), format!("出力を書き込めない: {e}"))
    }
}
