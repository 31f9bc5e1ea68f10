//! What a watch says: a line a person reads on a terminal, else one JSON object a line.

use serde_json::{Map, Value, json};
use std::io::{IsTerminal, Write};
use yagura_model::Lang;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// What is going on.
    Info,
    /// Something is left out, or tried again.
    Warn,
    /// Something failed.
    Error,
}

/// Writes the log.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    json: bool,
    lang: Lang,
}

impl Log {
    /// To standard error.
    pub fn new(lang: Lang) -> Self {
        Self { json: !std::io::stderr().is_terminal(), lang }
    }

    /// The language of messages.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// One line. Who reads the log may have gone: that ends nothing.
    pub fn say(&self, level: Level, en: &str, ja: &str, more: Value) {
        let name = match level {
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
        };
        let now = now();
        let message = self.lang.pick(en, ja);
        let mut err = std::io::stderr().lock();
        let _ = if self.json {
            let mut line = Map::from_iter([
                ("time".to_owned(), Value::from(now)),
                ("level".to_owned(), Value::from(name)),
                ("message".to_owned(), Value::from(message)),
            ]);
            if let Value::Object(more) = more {
                line.extend(more);
            }
            writeln!(err, "{}", Value::Object(line))
        } else {
            writeln!(err, "{now} {message}")
        };
    }

    /// What is going on.
    pub fn info(&self, en: &str, ja: &str) {
        self.say(Level::Info, en, ja, json!({}));
    }
}

/// Now, to the millisecond.
pub fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
