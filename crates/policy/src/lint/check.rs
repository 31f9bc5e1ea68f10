//! What a check is, and what it finds.

use crate::json::Span;
use std::fmt::Display;
use yagura_model::Lang;

/// How grave a finding is (`access-analyzer-policy-validation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// A part of the policy does not work.
    Error,
    /// The policy allows more than is safe.
    SecurityWarning,
    /// The policy does not follow good practice.
    Warning,
    /// The policy could say the same better.
    Suggestion,
}

impl Level {
    /// The name in batches.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::SecurityWarning => "security_warning",
            Self::Warning => "warning",
            Self::Suggestion => "suggestion",
        }
    }

    /// The name for a person.
    pub fn title(self, lang: Lang) -> &'static str {
        match self {
            Self::Error => lang.pick("error", "エラー"),
            Self::SecurityWarning => lang.pick("security warning", "セキュリティ警告"),
            Self::Warning => lang.pick("warning", "警告"),
            Self::Suggestion => lang.pick("suggestion", "提案"),
        }
    }
}

/// One of AWS's policy checks.
#[derive(Debug, PartialEq, Eq)]
pub struct Check {
    /// AWS's issue code.
    pub code: &'static str,
    /// How grave it is.
    pub level: Level,
    pub(super) en: Text,
    pub(super) ja: Text,
}

/// What a check says in one language; `{0}`, `{1}`… stand for what was found.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) what: &'static str,
    pub(super) fix: &'static str,
}

/// Something that a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check.
    pub check: &'static Check,
    /// The place as a path: `Statement[0].Condition.StringEquals.aws:SourceIp`; empty for the whole policy.
    pub path: String,
    /// The place in the text.
    pub span: Span,
    args: Vec<String>,
}

impl Finding {
    /// What is wrong.
    pub fn message(&self, lang: Lang) -> String {
        self.fill(self.text(lang).what)
    }

    /// What to do about it.
    pub fn fix(&self, lang: Lang) -> String {
        self.fill(self.text(lang).fix)
    }

    fn text(&self, lang: Lang) -> &'static Text {
        match lang {
            Lang::En => &self.check.en,
            Lang::Ja => &self.check.ja,
        }
    }

    fn fill(&self, template: &str) -> String {
        let mut out = template.to_owned();
        for (n, arg) in self.args.iter().enumerate() {
            out = out.replace(&format!("{{{n}}}"), arg);
        }
        out
    }
}

/// A place in a policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Place {
    pub(super) path: String,
    pub(super) span: Span,
}

impl Place {
    /// A member of what stands here.
    pub(super) fn member(&self, name: &str, span: Span) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Self { path, span }
    }

    /// An item of what stands here.
    pub(super) fn item(&self, index: usize, span: Span) -> Self {
        Self { path: format!("{}[{index}]", self.path), span }
    }
}

/// The longest part of a policy that a message repeats, in characters.
const QUOTED: usize = 200;

/// The findings so far.
#[derive(Debug, Default)]
pub(super) struct Report(Vec<Finding>);

impl Report {
    /// Adds a finding.
    pub(super) fn add(&mut self, check: &'static Check, place: &Place, args: &[&dyn Display]) {
        let quote = |arg: &&dyn Display| {
            let text = arg.to_string();
            match text.char_indices().nth(QUOTED) {
                Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
                None => text,
            }
        };
        let args = args.iter().map(quote).collect();
        self.0.push(Finding { check, path: place.path.clone(), span: place.span, args });
    }

    /// The findings in the order of the text, each once.
    pub(super) fn finish(mut self) -> Vec<Finding> {
        self.0.sort_by(|a, b| {
            (a.span.start, a.check.level, a.check.code, &a.args).cmp(&(
                b.span.start,
                b.check.level,
                b.check.code,
                &b.args,
            ))
        });
        self.0.dedup();
        self.0
    }
}

/// Says the checks of a family: level, code, and in English and Japanese what is wrong and what to do.
macro_rules! checks {
    ($($level:ident $name:ident $en:literal => $en_fix:literal; $ja:literal => $ja_fix:literal;)*) => {
        $(pub(super) static $name: $crate::lint::check::Check = $crate::lint::check::Check {
            code: stringify!($name),
            level: $crate::lint::check::Level::$level,
            en: $crate::lint::check::Text { what: $en, fix: $en_fix },
            ja: $crate::lint::check::Text { what: $ja, fix: $ja_fix },
        };)*
        /// The checks of this family.
        pub(super) static CHECKS: &[&$crate::lint::check::Check] = &[$(&$name),*];
    };
}
pub(super) use checks;
