//! What is wrong with a command line, in Japanese: clap says it in English only.

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The message of a usage error; nothing for help, versions and what has no words of its own here.
pub fn message(e: &Error) -> Option<String> {
    let said = Said(e);
    let (arg, value) = (said.text(ContextKind::InvalidArg), said.text(ContextKind::InvalidValue));
    let what = match e.kind() {
        ErrorKind::InvalidValue if value.is_empty() => format!("`{arg}` に値が指定されていない"),
        ErrorKind::InvalidValue => format!("`{arg}` に `{value}` は指定できない"),
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(e).map(|s| format!(": {s}")).unwrap_or_default();
            format!("`{arg}` の値 `{value}` が正しくない{why}")
        }
        ErrorKind::UnknownArgument => format!("引数 `{arg}` は存在しない"),
        ErrorKind::InvalidSubcommand => {
            format!("コマンド `{}` は存在しない", said.text(ContextKind::InvalidSubcommand))
        }
        ErrorKind::NoEquals => format!("`{arg}` の値は = でつなぐ"),
        ErrorKind::TooManyValues => format!("`{arg}` に値 `{value}` は余分である"),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => format!("`{arg}` の値の数が合わない"),
        ErrorKind::ArgumentConflict => match said.text(ContextKind::PriorArg) {
            other if other.is_empty() || other == arg => format!("`{arg}` は 1 度しか指定できない"),
            other => format!("`{arg}` は {other} と同時に指定できない"),
        },
        ErrorKind::MissingRequiredArgument => format!("必要な引数がない: {arg}"),
        ErrorKind::MissingSubcommand => "コマンドが指定されていない".to_owned(),
        ErrorKind::InvalidUtf8 => "引数に UTF-8 ではない文字がある".to_owned(),
        _ => return None,
    };
    let mut text = format!("エラー: {what}\n");
    let hints = [
        (ContextKind::SuggestedArg, "近い引数"),
        (ContextKind::SuggestedValue, "近い値"),
        (ContextKind::SuggestedSubcommand, "近いコマンド"),
        (ContextKind::ValidValue, "指定できる値"),
        (ContextKind::ValidSubcommand, "コマンド"),
    ];
    for (kind, name) in hints {
        let there = said.text(kind);
        if !there.is_empty() {
            text.push_str(&format!("対処: {name} {there}\n"));
        }
    }
    let usage = said.text(ContextKind::Usage);
    let usage = usage.trim().trim_start_matches("Usage:").trim_start_matches("使い方:").trim();
    if !usage.is_empty() {
        text.push_str(&format!("\n使い方: {usage}\n"));
    }
    text.push_str("\n詳しくは --help を参照\n");
    Some(text)
}

struct Said<'e>(&'e Error);

impl Said<'_> {
    /// What is known of a kind; of several things all, with commas.
    fn text(&self, kind: ContextKind) -> String {
        match self.0.get(kind) {
            Some(ContextValue::String(text)) => text.clone(),
            Some(ContextValue::Strings(all)) => all.join("、"),
            Some(ContextValue::StyledStr(text)) => text.to_string(),
            Some(ContextValue::StyledStrs(all)) => all.iter().map(ToString::to_string).collect::<Vec<_>>().join("、"),
            Some(ContextValue::Number(n)) => n.to_string(),
            _ => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn usage_errors_are_told_in_japanese() {
        let rows: [(&[&str], &[&str]); 7] = [
            (&["detect", "--frmat", "x"], &["引数 `--frmat` は存在しない", "--format", "使い方: yagura detect"]),
            (&["detct"], &["コマンド `detct` は存在しない", "近いコマンド detect"]),
            (&["detect", "x", "--format", "pdf"], &["に `pdf` は指定できない", "指定できる値 table、jsonl"]),
            (&["detect", "x", "--demo"], &["同時に指定できない"]),
            (&["investigate"], &["必要な引数がない"]),
            (&["detect", "x", "--threads", "many"], &["の値 `many` が正しくない"]),
            (&["detect", "x", "--state"], &["に値が指定されていない"]),
        ];
        for (words, parts) in rows {
            let command = crate::commands::help_ja::translate(crate::cli::Cli::command());
            let words = [&["yagura"], words].concat();
            let e = command.try_get_matches_from(&words).unwrap_err();
            let text = message(&e).unwrap();
            for part in parts {
                assert!(text.contains(part), "{words:?}: `{part}` is not in {text}");
            }
            let english = ["error", "unexpected", "Usage", "invalid value", "required"];
            assert!(!english.iter().any(|w| text.contains(w)), "{text}");
        }
        let help = crate::cli::Cli::command().try_get_matches_from(["yagura", "--help"]).unwrap_err();
        assert_eq!(message(&help), None);
    }
}
